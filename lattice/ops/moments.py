"""Moments along an axis: integrals, centroids, widths and peaks, all that are wanted in one pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lattice.coords.along import reference_pixel, velocities_at, world_along
from lattice.errors import LatticeRangeError, LatticeTypeError, suggest
from lattice.functions.registry import lookup
from lattice.functions.units import parse, text_of
from lattice.graph.build import call
from lattice.graph.node import Extend, Literal, Node, Subset
from lattice.graph.records import FrozenArray
from lattice.graph.types import DOUBLE, is_real
from lattice.ops.collapse import Statistics, collapse

__all__ = ["MOMENTS", "Moment", "coordinates_along", "moments", "number_of"]


@dataclass(frozen=True)
class Moment:
    """One kind of moment.

    Attributes
    ----------
    number : int
        As CASA counts them.
    name : str
        Short name.
    suffix : str
        What CASA puts behind the names of files that hold it.
    request : tuple
        Statistic that gives it.
    unit : str
        "values", "coordinate" or "product".
    """

    number: int
    name: str
    suffix: str
    request: tuple[Any, ...]
    unit: str = "values"


MOMENTS = {
    m.number: m
    for m in (
        Moment(-1, "mean", "average", ("mean",)),
        Moment(0, "integral", "integrated", ("sum",), "product"),
        Moment(1, "centroid", "weighted_coord", ("centroid",), "coordinate"),
        Moment(2, "dispersion", "weighted_dispersion_coord", ("dispersion",), "coordinate"),
        Moment(3, "median", "median", ("median",)),
        Moment(4, "median_coord", "median_coord", ("where_half",), "coordinate"),
        Moment(5, "stddev", "standard_deviation", ("spread",)),
        Moment(6, "rms", "rms", ("rms",)),
        Moment(7, "avdev", "abs_mean_dev", ("avdev",)),
        Moment(8, "max", "maximum", ("max",)),
        Moment(9, "max_coord", "maximum_coord", ("where_max",), "coordinate"),
        Moment(10, "min", "minimum", ("min",)),
        Moment(11, "min_coord", "minimum_coord", ("where_min",), "coordinate"),
    )
}
"""All moments, by number."""


def number_of(given: Any) -> int:
    """Return the number of a moment given by number, name or the suffix that CASA uses."""
    if isinstance(given, str):
        names = {m.name: m.number for m in MOMENTS.values()} | {m.suffix: m.number for m in MOMENTS.values()}
        if given.lower() not in names:
            raise LatticeRangeError(
                f"there is no moment {given!r}",
                hint=suggest(given, names)
                or f"the moments are {', '.join(m.name for m in MOMENTS.values())}",
            )
        return names[given.lower()]
    if isinstance(given, bool) or not isinstance(given, int | np.integer) or int(given) not in MOMENTS:
        raise LatticeRangeError(f"there is no moment {given!r}", hint="moments are numbered from -1 to 11")
    return int(given)


def coordinates_along(x: Node, axis: int, convention: str | None = None) -> tuple[np.ndarray, float, str]:
    """Return the coordinates of the pixels along an axis, the increment at the reference, and the unit.

    Parameters
    ----------
    x : Node
        The lattice.
    axis : int
        Numpy number.
    convention : {"radio", "optical", "relativistic"}, optional
        Of velocities: a spectral axis with a rest frequency is taken in km/s. The default is that of an axis
        of velocities, and radio for others.

    Returns
    -------
    ndarray, float, str
        The increment is positive, as moment 0 has it. Without coordinates pixels are numbered from 0.
    """
    length = (x.attrs.shape or ())[axis]
    pixels = np.arange(length, dtype=np.float64)
    coords: Any = x.attrs.coords
    if coords is None or coords.kinds[axis] == "none":
        return pixels, 1.0, "pixel"
    if coords.kinds[axis] == "spectral" and coords.rest_frequency and coords.frequencies(2) is not None:
        return _velocities(coords, axis, pixels, convention or coords.velocity_convention or "radio")
    reference = reference_pixel(coords, axis)
    values, unit = world_along(coords, axis, np.append(pixels, [reference - 0.5, reference + 0.5]))
    return values[:-2], abs(float(values[-1] - values[-2])), unit


def _velocities(coords: Any, axis: int, pixels: np.ndarray, convention: str) -> tuple[np.ndarray, float, str]:
    """Return velocities in km/s; the increment is the slope at the reference pixel."""
    reference = reference_pixel(coords, axis)
    near = [reference - _NEAR, reference + _NEAR]
    velocity = velocities_at(coords, np.append(pixels, near), convention) / 1e3
    return velocity[:-2], abs(float(velocity[-1] - velocity[-2])) / (2 * _NEAR), "km/s"


_NEAR = 1e-3  # pixels from the reference at which the slope is taken


def moments(
    x: Node,
    which: Sequence[int],
    axis: int,
    *,
    convention: str | None = None,
    keep: bool = False,
) -> list[Node]:
    """Return moments along an axis; those of one call are computed in the same pass over x.

    Parameters
    ----------
    x : Node
        A real lattice; ranges of values to include are conditions on it: ``x[x > 3]``.
    which : sequence of int
        Numbers of moments, see `MOMENTS`.
    axis : int
        Numpy number of the axis.
    convention : str, optional
        Of velocities, see `coordinates_along`.
    keep : bool
        Whether the axis stays, with length 1.

    Returns
    -------
    list of Node
        One per moment, of the type of x; bad only where no pixel is good, and moment 5 where a single one
        is. Moment 0 is in the unit of x times that of the coordinate. Coordinates are of double precision
        where pixels are too close for single precision, as with frequencies of narrow channels.

    Notes
    -----
    Definitions are those of CASA's image tool: with v the coordinate and dv its increment at the reference
    pixel, M0 = dv sum I, M1 = sum I v / sum I, M2 = sqrt |sum I (v - M1)^2 / sum I|; moment 4 is the
    coordinate of the first pixel at which the running sum reaches half of the whole.
    """
    if not is_real(x.attrs.dtype):
        raise LatticeTypeError(f"moments need real values, not a {x.attrs.describe()}")
    values, increment, unit = coordinates_along(x, axis, convention)
    kinds = [MOMENTS[number_of(n)] for n in which]
    if not kinds:
        raise LatticeRangeError("no moment was asked for")
    requests = tuple(dict.fromkeys(m.request for m in kinds))
    fine = any(m.unit == "coordinate" for m in kinds) and _is_fine(values, increment)
    dtype = DOUBLE if fine else x.attrs.dtype
    joint: Node = Statistics((x,), requests, (axis,), dtype, FrozenArray(values))
    return [_one(x, joint, requests.index(m.request), m, increment, unit, axis, keep) for m in kinds]


def _is_fine(values: np.ndarray, increment: float) -> bool:
    """Tell whether single precision is too coarse for a hundredth of the increment."""
    largest = np.max(np.abs(values), initial=0.0, where=np.isfinite(values))
    return bool(largest * np.finfo(np.float32).eps > increment / 100)


def _one(
    x: Node, joint: Node, number: int, kind: Moment, increment: float, unit: str, axis: int, keep: bool
) -> Node:
    shape = joint.attrs.shape or ()
    node: Node = Subset(joint, (number, *(slice(0, n, 1) for n in shape[1:])))
    like = collapse(x, "mean", axis).attrs  # for dims, coordinates and beams
    own = x.attrs.unit
    text = {"values": own, "coordinate": unit, "product": _times(own, unit)}[kind.unit]
    if kind.number == 0 and increment != 1:
        factor = Literal.of(increment, joint.attrs.dtype)
        node = call(lookup("*", 2), node, factor)
    if kind.unit != "coordinate" and node.attrs.dtype != x.attrs.dtype:
        node = call(lookup("float", 1), node)
    target = like.with_(unit=text, masked=node.attrs.masked, dtype=node.attrs.dtype)
    axes = tuple(range(len(shape) - 1))
    if keep:
        whole = x.attrs
        coords: Any = whole.coords
        axes = (*axes[:axis], -1, *axes[axis:])
        target = target.with_(
            shape=tuple(1 if a == axis else n for a, n in enumerate(whole.shape or ())),
            dims=whole.dims,
            coords=None if coords is None else coords.rebin(_whole(whole.shape or (), axis)),
        )
    moved: Node = Extend(node, axes, target)
    return moved


def _times(own: str, unit: str) -> str:
    """Return the unit of a product, without factors after a divisor, which programs read differently."""
    known, other = (parse(own), parse(unit)) if "/" in own else (None, None)
    if known is not None and other is not None:
        return text_of(known * other)
    return f"{own}.{unit}" if own else unit


def _whole(shape: tuple[int, ...], axis: int) -> tuple[int, ...]:
    """Return rebin factors that make one pixel of an axis."""
    return tuple(max(1, n) if a == axis else 1 for a, n in enumerate(shape))
