"""Coordinate systems made of labels: the way back from labelled arrays."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from lattice.coords.header import Card, WcsCards
from lattice.coords.names import SPECTRAL_LABELS
from lattice.coords.spectral import to_hertz, unit_factor
from lattice.coords.system import Axis, CoordinateSystem
from lattice.coords.world import STOKES
from lattice.errors import LatticeWarning

__all__ = ["system_of_labels"]

_NAMES = {
    "frequency": "FREQ", "freq": "FREQ", "velocity": "VRAD", "wavelength": "WAVE", "energy": "ENER",
    "wavenumber": "WAVN", "redshift": "ZOPT", "beta": "BETA",
}  # fmt: skip
_CODES = {name: code for code, name in reversed(STOKES.items())}
_SPECTRAL_CARDS = ("SPECSYS", "RESTFRQ", "RESTFREQ", "RESTWAV", "VELREF")


def system_of_labels(
    dims: Sequence[str],
    labels: Mapping[str, tuple[np.ndarray, Mapping[str, Any]]],
    sky: CoordinateSystem | None = None,
) -> CoordinateSystem | None:
    """Return coordinates whose pixels have given labels.

    Parameters
    ----------
    dims : sequence of str
        Names of the axes, slowest first.
    labels : mapping of str to (values, attrs)
        Labels along some of the dims, with their units.
    sky : CoordinateSystem, optional
        Of the sky axes alone, which have the names of dims.

    Returns
    -------
    CoordinateSystem or None
        None if no axis is described.
    """
    base = sky if sky is not None else CoordinateSystem(())
    header = [c for c in base.header if c[0] not in _SPECTRAL_CARDS]
    used = {a.fits_axis for a in base.axes} | {n for n, _ in base.dropped}
    last = max([WcsCards.parse(base.header).axes, *used], default=0)
    dropped = base.dropped + tuple((n, 0.0) for n in range(1, last + 1) if n not in used)
    own = {a.name: a for a in base.axes}
    axes: list[Axis] = []
    table: tuple[float, ...] = ()
    number = last + len(dims) - len(own)
    for dim in dims:
        if dim in own:
            axes.append(own[dim])
            continue
        axis = Axis(dim, "none", "", number)
        cards: tuple[Card, ...] = ()
        if dim in labels:
            axis, cards, table = _described(axis, *labels[dim], table)
        axes.append(axis)
        header += cards
        number -= 1
    if all(a.kind == "none" for a in axes):
        return None
    return CoordinateSystem(tuple(axes), tuple(header), dropped, table)


def _described(
    axis: Axis, values: np.ndarray, attrs: Mapping[str, Any], table: tuple[float, ...]
) -> tuple[Axis, tuple[Card, ...], tuple[float, ...]]:
    """Return an axis with the cards that give its pixels some labels."""
    kind = str(attrs.get("axis_kind", ""))
    ctype = str(attrs.get("ctype", "")).upper()
    if kind == "stokes" or values.dtype.kind in "UO":
        codes = [_CODES.get(str(v).strip().upper()) for v in values]
        step = _step(np.array([c for c in codes if c is not None], np.float64))
        if None in codes or step is None:
            _warn(
                axis.name,
                f"{', '.join(str(v) for v in values)} are no Stokes parameters in the order of FITS",
            )
            return axis, (), table
        return replace(axis, kind="stokes"), _cards(axis, "STOKES", float(codes[0] or 0), step, ""), table
    if values.dtype.kind not in "fiu":
        return axis, (), table
    numbers = values.astype(np.float64)
    if kind == "spectral" or (not kind and axis.name in _NAMES):
        return _spectral(axis, numbers, attrs, ctype or _NAMES.get(axis.name, "FREQ"), table)
    step = _step(numbers, attrs.get("channel_width"))
    if kind not in ("linear", "time") or step is None:
        if kind:
            _warn(axis.name, "its steps are not equal")
        return axis, (), table
    unit = str(attrs.get("units", ""))
    cards = _cards(axis, ctype or axis.name.upper()[:8], float(numbers[0]), step, unit)
    return replace(axis, kind=kind, unit=unit), cards, table


def _spectral(
    axis: Axis, values: np.ndarray, attrs: Mapping[str, Any], ctype: str, table: tuple[float, ...]
) -> tuple[Axis, tuple[Card, ...], tuple[float, ...]]:
    kind = ctype[:4] if ctype[:4] in SPECTRAL_LABELS else "FREQ"
    unit = str(attrs.get("units", SPECTRAL_LABELS[kind][1]))
    factor = unit_factor(unit)
    rest = attrs.get("rest_frequency")
    rest = float(rest) if isinstance(rest, int | float | np.number) else 0.0
    functions = to_hertz(kind, rest)
    common: tuple[Card, ...] = (("RESTFRQ", rest, ""),) if rest else ()
    if attrs.get("specsys"):
        common += (("SPECSYS", str(attrs["specsys"]), ""),)
    if factor is None:
        _warn(axis.name, f"the unit {unit!r} is not known")
        return axis, (), table
    values, unit = values * factor, SPECTRAL_LABELS[kind][1]
    step = _step(values, attrs.get("channel_width"))
    if step is None and functions is not None:
        values, kind, unit = functions[0](values), "FREQ", "Hz"
        step = _step(values)
    if step is not None:
        cards = _cards(axis, kind, float(values[0]), step, unit)
        return replace(axis, kind="spectral", unit=unit), cards + common, table
    if functions is None:
        _warn(axis.name, "its steps are not equal, and there is no rest frequency")
        return axis, (), table
    return replace(axis, kind="spectral", unit="Hz"), common, tuple(values.tolist())


def _cards(axis: Axis, ctype: str, value: float, step: float, unit: str) -> tuple[Card, ...]:
    n = axis.fits_axis
    cards = ((f"CTYPE{n}", ctype), (f"CRPIX{n}", 1.0), (f"CRVAL{n}", value), (f"CDELT{n}", step))
    return tuple((k, v, "") for k, v in cards) + (((f"CUNIT{n}", unit, ""),) if unit else ())


def _step(values: np.ndarray, width: Any = None) -> float | None:
    """Return the step of equidistant values, None if they are not."""
    if len(values) == 0:
        return None
    if len(values) == 1:
        return float(width) if isinstance(width, int | float | np.number) and width else 1.0
    step = float(values[-1] - values[0]) / (len(values) - 1)
    line = values[0] + step * np.arange(len(values))
    scale = 1e-6 * abs(step) + 4e-16 * np.abs(values).max()
    return step if step and np.isfinite(step) and np.abs(values - line).max() <= scale else None


def _warn(dim: str, why: str) -> None:
    warnings.warn(f"the labels of {dim!r} are left out: {why}", LatticeWarning, stacklevel=5)
