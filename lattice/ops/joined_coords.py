"""Coordinates of an axis that was put together from several."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from lattice.coords.header import Card, WcsCards, is_observation_keyword
from lattice.coords.system import Axis, CoordinateSystem
from lattice.errors import CoordinateMismatchError, LatticeWarning

__all__ = ["joined", "stacked"]

_TOLERANCE = 0.01  # of a pixel
_SKY = ("longitude", "latitude")


def stacked(coords: Any, dim: str) -> Any:
    """Return coordinates with a new first axis about which nothing is known."""
    if not isinstance(coords, CoordinateSystem):
        return None
    numbers = [a.fits_axis for a in coords.axes] + [n for n, _ in coords.dropped]
    number = max([*numbers, WcsCards.parse(coords.header).axes], default=0) + 1
    return replace(coords, axes=(Axis(dim, "none", "", number), *coords.axes), _hash=None)


def joined(parts: Sequence[Any], lengths: Sequence[int], axis: int, dim: str) -> Any:
    """Return the coordinates of lattices joined along an axis.

    Parameters
    ----------
    parts : sequence of CoordinateSystem or None
        Coordinates of each; the first has some.
    lengths : sequence of int
        Length of each along the axis.
    axis : int
        The axis, numpy order.
    dim : str
        Its name, for messages.

    Raises
    ------
    CoordinateMismatchError
        When positions on the sky do not continue from one to the next.
    """
    first = parts[0]
    if _continue_exactly(parts, lengths, axis):
        return first
    if not all(isinstance(p, CoordinateSystem) for p in parts):
        return _unknown(first, axis, dim, "not all of the joined lattices have coordinates")
    kind = first.axes[axis].kind
    if kind in _SKY:
        raise CoordinateMismatchError(
            f"the lattices do not continue each other along {dim}: they are no parts of one grid on the sky",
            hint="bring them onto one grid first, or join them along another axis",
        )
    if kind == "none":
        return first
    values = _world(parts, lengths, axis)
    if values is None:
        return _unknown(first, axis, dim, "the header does not give a coordinate for each pixel")
    step = (values[-1] - values[0]) / max(1, len(values) - 1)
    line = values[0] + step * np.arange(len(values))
    tolerance = _TOLERANCE * abs(step)
    if step and np.all(np.abs(values - line) <= tolerance):
        own = first.axes[axis]
        mine = _values_of(first, axis, len(values))
        if mine is not None and np.all(np.abs(mine - values) <= tolerance):
            return first
        return _linear(first, axis, own, values[0], step)
    if kind == "spectral" and not first.table:
        return _tabulated(first, axis, values)
    return _unknown(first, axis, dim, f"the coordinates along {dim} are not linear")


def _continue_exactly(parts: Sequence[Any], lengths: Sequence[int], axis: int) -> bool:
    """Tell whether all are cuts of one image, one after the other."""
    first = parts[0]
    if not isinstance(first, CoordinateSystem):
        return False
    mine = first.axes[axis]
    grid, reference = _grid(first, mine.fits_axis)
    start = lengths[0]
    for part, n in zip(parts[1:], lengths[1:], strict=True):
        if not isinstance(part, CoordinateSystem) or part.table != first.table:
            return False
        if part.tables != first.tables:
            return False
        own = part.axes[axis]
        its_grid, its_reference = _grid(part, own.fits_axis)
        if own.fits_axis != mine.fits_axis or its_grid != grid:
            return False
        distance = (own.offset - its_reference) - (mine.offset - reference)
        if abs(distance - mine.step * start) > _TOLERANCE * abs(mine.step):
            return False
        if n > 1 and abs(own.step - mine.step) > 1e-9 * abs(mine.step):
            return False
        start += n
    return True


def _grid(coords: CoordinateSystem, number: int) -> tuple[dict[str, Any], float]:
    """Return the cards that are the same for all parts of an image, and the reference pixel of an axis."""
    cards = {key: value for key, value, _ in coords.header if not is_observation_keyword(key)}
    reference = cards.pop(f"CRPIX{number}", 0.0)
    return cards, reference if isinstance(reference, int | float) else 0.0


def _world(parts: Sequence[CoordinateSystem], lengths: Sequence[int], axis: int) -> np.ndarray | None:
    """Return the coordinate of each pixel of the joined axis, or None where one is not known."""
    out = []
    ctypes = set()
    for part, n in zip(parts, lengths, strict=True):
        values = _values_of(part, axis, n)
        if values is None:
            return None
        out.append(values)
        spectral = part.axes[axis].kind == "spectral"
        ctypes.add("frequency" if spectral else WcsCards.parse(part.header).ctype(part.axes[axis].fits_axis))
    return np.concatenate(out) if len(ctypes) == 1 else None


def _values_of(coords: CoordinateSystem, axis: int, length: int) -> np.ndarray | None:
    """Return the coordinates of pixels along an axis: frequencies in Hz, or what the header says."""
    own = coords.axes[axis]
    if own.kind == "spectral":
        return coords.frequencies(length)
    wcs = WcsCards.parse(coords.header)
    number = own.fits_axis
    if ("CRVAL", number) not in wcs.world or any(number in g and len(g) > 1 for g in wcs.coupled()):
        return None
    scale = wcs.pc(number, number) * (1.0 if wcs.is_cd else wcs.number("CDELT", number, 1.0))
    pixels = own.offset + own.step * np.arange(length, dtype=np.float64)
    values: np.ndarray = wcs.number("CRVAL", number, 0.0) + scale * (pixels + 1 - wcs.crpix.get(number, 0.0))
    return values


def _without(header: tuple[Card, ...], number: int) -> tuple[Card, ...]:
    """Return the cards that do not speak about an axis."""
    about = re.compile(
        rf"(CTYPE|CRVAL|CDELT|CUNIT|CRPIX|CROTA|CNAME|CRDER|CSYER){number}[A-Z]?"
        rf"|(PC|CD){number}_\d+[A-Z]?|(PC|CD)\d+_{number}[A-Z]?|(PV|PS){number}_\d+[A-Z]?"
        rf"|PC{number:03d}\d{{3}}|PC\d{{3}}{number:03d}"
    )
    return tuple(card for card in header if about.fullmatch(card[0]) is None)


def _linear(coords: CoordinateSystem, axis: int, own: Axis, start: float, step: float) -> CoordinateSystem:
    """Return coordinates that are linear along an axis, in the terms of its values."""
    number = own.fits_axis
    ctype, unit = WcsCards.parse(coords.header).ctype(number), own.unit
    if own.kind == "spectral":
        ctype, unit = "FREQ", "Hz"
    cards: tuple[Card, ...] = (
        (f"CTYPE{number}", ctype, ""),
        (f"CRPIX{number}", 1.0, ""),
        (f"CRVAL{number}", float(start), ""),
        (f"CDELT{number}", float(step), ""),
        (f"CUNIT{number}", unit, ""),
    )
    # A CD matrix has the scale where other headers have CDELT.
    if WcsCards.parse(coords.header).is_cd:
        cards = (*cards[:3], (f"CD{number}_{number}", float(step), ""), cards[4])
    return _replaced(coords, axis, replace(own, offset=0, step=1, unit=unit), cards)


def _tabulated(coords: CoordinateSystem, axis: int, frequencies: np.ndarray) -> CoordinateSystem:
    """Return coordinates with a table of frequencies."""
    own = replace(coords.axes[axis], offset=0, step=1, unit="Hz")
    return replace(_replaced(coords, axis, own, ()), table=tuple(float(f) for f in frequencies), _hash=None)


def _unknown(coords: Any, axis: int, dim: str, why: str) -> Any:
    warnings.warn(f"the joined axis {dim} has no coordinates: {why}", LatticeWarning, stacklevel=4)
    if not isinstance(coords, CoordinateSystem):
        return None
    own = coords.axes[axis]
    return _replaced(coords, axis, Axis(own.name, "none", "", own.fits_axis), ())


def _replaced(coords: CoordinateSystem, axis: int, own: Axis, cards: tuple[Card, ...]) -> CoordinateSystem:
    """Return coordinates with another description of an axis."""
    axes = (*coords.axes[:axis], own, *coords.axes[axis + 1 :])
    header = _without(coords.header, own.fits_axis) + cards
    table = () if coords.axes[axis].kind == "spectral" else coords.table
    tables = tuple(t for t in coords.tables if t[0] != own.fits_axis)
    return replace(coords, axes=axes, header=header, table=table, tables=tables, _hash=None)
