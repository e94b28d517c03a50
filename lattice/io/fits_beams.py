"""Which plane a row of a BEAMS table, as CASA writes it, belongs to."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from lattice.graph.attributes import Attributes
from lattice.graph.beams import plane_axes

__all__ = ["beam_rows", "row_order"]


def beam_rows(image: Attributes, count: int) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Return CHAN and POL of each plane in a BEAMS table, None if there are not `count` planes.

    POL counts along the Stokes axis, CHAN over all other axes of planes, in C order.
    """
    axes = plane_axes(image, count)
    if axes is None:
        return None, None
    kinds = ("",) * image.ndim if image.coords is None else tuple(image.coords.kinds)
    lengths = [(image.shape or ())[a] for a in axes]
    places = np.indices(lengths, dtype=int).reshape(len(axes), -1)
    channel, stokes = np.zeros(count, int), np.zeros(count, int)
    for axis, length, place in zip(axes, lengths, places, strict=True):
        if kinds[axis] == "stokes":
            stokes = place
        else:
            channel = channel * length + place
    return channel, stokes


def row_order(keys: Mapping[str, np.ndarray], count: int, image: Attributes) -> np.ndarray | None:
    """Return which row of a BEAMS table each plane has; None if they are not one a plane."""
    if not keys:
        return np.arange(count) if plane_axes(image, count) is not None else None
    channel, stokes = beam_rows(image, count)
    if channel is None or stokes is None:
        return None
    found = {
        place: i
        for i, place in enumerate(
            zip(
                keys.get("CHAN", np.zeros(count, int)).tolist(),
                keys.get("POL", np.zeros(count, int)).tolist(),
                strict=True,
            )
        )
    }
    wanted = list(zip(channel.tolist(), stokes.tolist(), strict=True))
    if any(place not in found for place in wanted):
        return None
    return np.array([found[place] for place in wanted], dtype=int)
