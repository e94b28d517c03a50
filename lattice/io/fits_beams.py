"""Which plane a row of a BEAMS table, as CASA writes it, belongs to."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from lattice.graph.attributes import Attributes
from lattice.graph.beams import plane_axes
from lattice.io.base import Beam

__all__ = ["beam_rows", "row_order"]


def beam_rows(image: Attributes, beams: Sequence[Beam]) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """Return CHAN and POL of the rows of a BEAMS table, and which beam each of them has.

    POL counts along the Stokes axis, CHAN along the spectral one. Only where beams differ along further axes,
    CHAN counts over all of these, in C order; CASA does not read such a table.

    Parameters
    ----------
    image : Attributes
        Shape and coordinates of the image.
    beams : sequence of (major, minor, angle)
        One per plane.

    Returns
    -------
    tuple of ndarray or None
        None if there is not one beam for each plane.
    """
    axes = plane_axes(image, len(beams))
    if axes is None:
        return None
    lengths = [(image.shape or ())[a] for a in axes]
    places = np.indices(lengths, dtype=int).reshape(len(axes), -1)
    channel, stokes, further = _counts(image, axes, places)
    table = np.array(beams, np.float64).reshape(*lengths, 3)
    first = table[tuple(slice(0, 1) if k in further else slice(None) for k in range(len(axes)))]
    if np.array_equal(np.broadcast_to(first, table.shape), table):
        chosen = np.flatnonzero((places[further] == 0).all(axis=0))
        return channel[chosen], stokes[chosen], chosen
    channel, stokes = _all_counts(image, axes, lengths, places)
    return channel, stokes, np.arange(len(beams))


def _kinds(image: Attributes) -> tuple[str, ...]:
    return ("",) * image.ndim if image.coords is None else tuple(image.coords.kinds)


def _counts(
    image: Attributes, axes: Sequence[int], places: np.ndarray
) -> tuple[np.ndarray, np.ndarray, list[int]]:
    """Return the places of planes along the spectral and the Stokes axis, and the positions of other axes."""
    kinds = [_kinds(image)[a] for a in axes]
    none = np.zeros(places.shape[1], int)
    channel, stokes = (
        places[kinds.index(kind)] if kind in kinds else none for kind in ("spectral", "stokes")
    )
    return channel, stokes, [k for k, kind in enumerate(kinds) if kind not in ("spectral", "stokes")]


def _all_counts(
    image: Attributes, axes: Sequence[int], lengths: Sequence[int], places: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the places of planes over all axes but that of Stokes, and along that one."""
    kinds = _kinds(image)
    channel, stokes = np.zeros(places.shape[1], int), np.zeros(places.shape[1], int)
    for axis, length, place in zip(axes, lengths, places, strict=True):
        if kinds[axis] == "stokes":
            stokes = place
        else:
            channel = channel * length + place
    return channel, stokes


def row_order(keys: Mapping[str, np.ndarray], count: int, image: Attributes) -> np.ndarray | None:
    """Return which of `count` rows each plane has, None if there are planes without; several may have one."""
    whole = plane_axes(image, count)
    if not keys:
        return np.arange(count) if whole is not None else None
    none = np.zeros(count, int)
    pairs = zip(keys.get("CHAN", none).tolist(), keys.get("POL", none).tolist(), strict=True)
    found = {place: i for i, place in enumerate(pairs)}
    for axes, by_all in ((whole, True), (plane_axes(image), False)):
        if axes is None:
            continue
        lengths = [(image.shape or ())[a] for a in axes]
        if math.prod(lengths) > _MOST:
            return None
        places = np.indices(lengths, dtype=int).reshape(len(axes), -1)
        if by_all:
            channel, stokes = _all_counts(image, axes, lengths, places)
        else:
            channel, stokes, _ = _counts(image, axes, places)
        wanted = list(zip(channel.tolist(), stokes.tolist(), strict=True))
        # every row is the beam of some plane: else the table is about something else
        if set(wanted) == set(found):
            return np.array([found[place] for place in wanted], dtype=int)
    return None


_MOST = 1 << 24
