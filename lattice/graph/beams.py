"""Restoring beams of the planes of a lattice: the one place that knows their order.

A lattice has no beam, one for all of it, or one for each of its planes.  A plane is what the celestial
axes span (longitude and latitude by their kind of coordinate, else the dims x and y); planes are counted
over all other axes in C order, the slowest axis first.  Where neither kinds nor dims tell, the last two
axes are the sky.  Everywhere these rules hold:

- a cut keeps the beams of the planes that it keeps; one plane that is left has one beam;
- planes that are put together (bins, statistics along axes) keep a beam if it is the same for all that
  are put together, else all beams are dropped, with a warning;
- lattices that are joined have one beam if all agree, a beam per plane where planes are joined, else none,
  with a warning;
- what is computed from several lattices has the beams of the one that gives the coordinates.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lattice.errors import ShapeMismatchError, warn

if TYPE_CHECKING:
    from lattice.graph.attributes import Attributes

__all__ = [
    "Beams",
    "beam_difference",
    "check_beams",
    "cut_beams",
    "extended_beams",
    "fitting_beams",
    "joined_beams",
    "merged_beams",
    "plane_axes",
    "turned_beams",
    "warn_dropped",
]

Beams = tuple[tuple[float, float, float], ...]


def plane_axes(attrs: Attributes, count: int | None = None) -> tuple[int, ...] | None:
    """Return the axes over which planes are counted, slowest first.

    Parameters
    ----------
    attrs : Attributes
        Of a lattice.
    count : int, optional
        How many planes there are; None is returned where no reading of the axes gives that many.
    """
    shape = attrs.shape or ()
    kinds: Sequence[str] = ("",) * len(shape) if attrs.coords is None else attrs.coords.kinds
    sky = {a for a, kind in enumerate(kinds) if kind in ("longitude", "latitude")}
    if not sky:
        sky = {a for a, dim in enumerate(attrs.dims) if dim in ("x", "y")}
    readings = [tuple(a for a in range(len(shape)) if a not in sky)]
    if not sky and len(shape) > 1 and not {"spectral", "stokes", "time"}.intersection(kinds[-2:]):
        readings.insert(0, tuple(range(len(shape) - 2)))
    if count is None:
        return readings[0]
    return next((axes for axes in readings if math.prod(shape[a] for a in axes) == count), None)


def fitting_beams(attrs: Attributes) -> bool:
    """Tell whether the beams are none, one, or as many as there are planes."""
    return len(attrs.beams) < 2 or plane_axes(attrs, len(attrs.beams)) is not None


def check_beams(attrs: Attributes) -> None:
    """Refuse beams that are not none, one, or one per plane."""
    if not fitting_beams(attrs):
        raise ShapeMismatchError(
            f"{len(attrs.beams)} beams do not fit {attrs.describe()}",
            hint="give one, or one per plane: in C order of the axes that are not on the sky",
        )


_ALIKE = 1e-3  # of a beam's size: headers are rounded, and so are fits of beams


def beam_difference(x: Attributes, y: Attributes) -> str | None:
    """Return in which way the beams of two lattices differ, None if they are alike to a thousandth.

    Lattices of different shapes are compared only where each has a single beam.
    """
    if min(len(x.beams), len(y.beams)) > 1 and (x.shape != y.shape or len(x.beams) != len(y.beams)):
        return None
    a, b = np.broadcast_arrays(_moments(x.beams), _moments(y.beams))
    size = np.hypot(*np.maximum(a[:, :2], b[:, :2]).T)
    apart = np.abs(a - b).max(axis=1) / np.where(size > 0, size, 1)
    if not (apart > _ALIKE).any():
        return None
    plane = int(np.argmax(apart > _ALIKE))
    mine, its = (_words(beams[plane if len(beams) > 1 else 0]) for beams in (x.beams, y.beams))
    many = max(len(x.beams), len(y.beams)) > 1
    return f"{mine} and {its}" + (f" in plane {plane}" if many else "")


def _moments(beams: Beams) -> np.ndarray:
    """Return second moments: unlike axes and angles they change little where beams do."""
    major, minor, angle = np.array(beams, float).T
    c, s = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    m, n = major**2, minor**2
    return np.stack([m * c * c + n * s * s, m * s * s + n * c * c, (m - n) * s * c], axis=1)


def _words(beam: tuple[float, float, float]) -> str:
    major, minor, angle = beam
    return f"{3600 * major:.6g} x {3600 * minor:.6g} arcsec at {angle:.4g} deg"


def warn_dropped(why: str) -> None:
    """Warn that the beams of planes are given up."""
    warn(f"the beams are dropped: {why}")


def _numbers(attrs: Attributes) -> np.ndarray | None:
    """Return the number of the beam of each plane, with length 1 on the axes of the sky."""
    axes = plane_axes(attrs, len(attrs.beams))
    if axes is None:
        return None
    shape = attrs.shape or ()
    return np.arange(len(attrs.beams)).reshape([n if a in axes else 1 for a, n in enumerate(shape)])


def _unfit(attrs: Attributes) -> Beams:
    """Return what can be kept of beams that do not fit the planes."""
    if len(set(attrs.beams)) == 1:
        return attrs.beams[:1]
    warn_dropped(f"there are {len(attrs.beams)} of them, not one for each plane of {attrs.describe()}")
    return ()


def _chosen(attrs: Attributes, numbers: np.ndarray) -> Beams:
    return tuple(attrs.beams[n] for n in numbers.ravel())


def cut_beams(attrs: Attributes, items: Sequence[slice | int]) -> Beams:
    """Return the beams of a cut; `items` are resolved slices and integers, one per axis."""
    if len(attrs.beams) < 2:
        return attrs.beams
    numbers = _numbers(attrs)
    if numbers is None:
        return _unfit(attrs)
    for axis, item in enumerate(items):
        if numbers.shape[axis] == 1:  # an axis of the sky, or one plane, which stays
            continue
        picked = range(item.start, item.stop, item.step) if isinstance(item, slice) else (item,)
        numbers = numbers.take(list(picked), axis=axis)
    return _chosen(attrs, numbers)


def extended_beams(attrs: Attributes, axes: Sequence[int], target: Attributes) -> Beams:
    """Return the beams of a lattice repeated along axes; `axes` gives the old axis of each new one, or -1."""
    if len(attrs.beams) < 2:
        return attrs.beams
    numbers = _numbers(attrs)
    if numbers is None:
        return _unfit(attrs)
    kept = [a for a in axes if a >= 0]
    # axes that are not among those kept have length 1
    numbers = numbers.reshape([n for a, n in enumerate(numbers.shape) if a in kept])
    numbers = numbers.reshape([numbers.shape[kept.index(a)] if a >= 0 else 1 for a in axes])
    planes = plane_axes(target) or ()
    shape = [n if a in planes else 1 for a, n in enumerate(target.shape or ())]
    if any(n not in (1, m) for n, m in zip(numbers.shape, shape, strict=True)):
        return _unfit(attrs)
    return _chosen(attrs, np.broadcast_to(numbers, shape))


def turned_beams(attrs: Attributes, order: Sequence[int], target: Attributes) -> Beams:
    """Return the beams after the axes were put into another order; `target` is the result without them."""
    if len(attrs.beams) < 2:
        return attrs.beams
    numbers = _numbers(attrs)
    # kinds and names, by which planes are found, go with their axes; where only the last two axes tell,
    # they may be others afterwards
    if numbers is None or plane_axes(target, len(attrs.beams)) is None:
        return _unfit(attrs)
    return _chosen(attrs, numbers.transpose(order))


def merged_beams(attrs: Attributes, axes: Sequence[int], whole: bool) -> Beams | None:
    """Return the beams after planes were put together along axes; None if beams differ that became one.

    Parameters
    ----------
    attrs : Attributes
        Of the lattice as it was.
    axes : sequence of int
        Axes along which pixels are put together.
    whole : bool
        The axes are gone; else they have bins of pixels, and only beams that are all the same are kept.
    """
    if len(attrs.beams) < 2:
        return attrs.beams
    numbers = _numbers(attrs)
    if numbers is not None and all(numbers.shape[a] == 1 for a in axes):
        return attrs.beams
    if len(set(attrs.beams)) == 1:
        return attrs.beams[:1]
    if numbers is None or not whole:
        return None
    for axis in axes:
        first = numbers.take([0], axis=axis)
        same = zip(np.broadcast_to(first, numbers.shape).ravel(), numbers.ravel(), strict=True)
        if any(attrs.beams[a] != attrs.beams[b] for a, b in same):
            return None
        numbers = first
    return _chosen(attrs, numbers)


def joined_beams(parts: Sequence[Attributes], axis: int, new: bool) -> Beams | None:
    """Return the beams of lattices joined along an axis; None if they have to be dropped."""
    sets = [p.beams for p in parts]
    if all(b == sets[0] and len(b) < 2 for b in sets):
        return sets[0]
    if not all(sets):
        return None
    model = next((p for p in parts if len(p.beams) > 1), parts[0])
    planes = plane_axes(model, len(model.beams) if len(model.beams) > 1 else None)
    if planes is None:
        return None
    arrays = []
    for part in parts:
        shape = [n if a in planes else 1 for a, n in enumerate(part.shape or ())]
        count = math.prod(shape)
        if len(part.beams) not in (1, count):
            return None
        beams: Any = np.empty(count, dtype=object)  # tuples of three numbers as objects, not as rows
        beams[:] = part.beams * count if len(part.beams) == 1 else part.beams
        arrays.append(beams.reshape(shape))
    if new:
        return tuple(beam for array in arrays for beam in array.ravel())
    if axis in planes:
        return tuple(np.concatenate(arrays, axis=axis).ravel())
    first = tuple(arrays[0].ravel())
    return first if all(tuple(a.ravel()) == first for a in arrays) else None
