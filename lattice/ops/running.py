"""Smoothing along one axis with fewer pixels coming out: running means, Hanning's window, decimation."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from lattice.errors import LatticeRangeError, UnitMismatchError
from lattice.graph.build import cut
from lattice.graph.node import Extend, Node
from lattice.ops.convolve import convolve
from lattice.ops.rebin import rebin

__all__ = ["boxcar", "decimate", "hanning"]

_DROPS = (None, "copy", "mean")


def hanning(x: Node, axis: int, drop: str | None = None) -> Node:
    """Return a lattice smoothed by 1/4, 1/2, 1/4 along an axis.

    Parameters
    ----------
    x : Node
        A numeric lattice.
    axis : int
        Numpy number of the axis, of at least 3 pixels.
    drop : {None, "copy", "mean"}
        Keep all pixels; or every other one, beginning with the second; or the means of pairs, from the second
        on. The outermost pixels, which have one neighbour only, are left out then.

    Returns
    -------
    Node
        Bad pixels count as zero and stay bad; of pairs the mean of the good ones. The end pixels are
        (x0 + x1) / 2. Unit and beam stay, labels are those of the middle of what is put together.
    """
    n = _length(x, axis, drop)
    if n < 3:
        raise LatticeRangeError(f"Hanning smoothing needs 3 pixels, {x.attrs.dims[axis]} has {n}")
    full = convolve(x, np.array([0.25, 0.5, 0.25]), (axis,), edge="mirror")
    if drop is None:
        return full
    inner = (n - 1) // 2
    if drop == "copy":
        return _part(full, axis, slice(1, 2 * inner, 2))
    return _pairs(_part(full, axis, slice(1, n, 1)), axis, 2)


def boxcar(x: Node, axis: int, width: int = 2, drop: str | None = None) -> Node:
    """Return running means along an axis.

    Parameters
    ----------
    x : Node
        A numeric lattice.
    axis : int
        Numpy number of the axis.
    width : int
        Pixels in a mean.
    drop : {None, "copy", "mean"}
        Keep all n - width + 1 means; or every so many; or means of so many, leaving out an incomplete group.

    Returns
    -------
    Node
        Bad pixels count as zero; a mean is bad if its first pixel is. Unit and beam stay, labels are those
        of the middle of what is put together.
    """
    n = _length(x, axis, drop)
    if not 1 <= width <= n:
        raise LatticeRangeError(f"a width of {width} does not fit {n} pixels along {x.attrs.dims[axis]}")
    means = convolve(x, np.full(width, 1 / width), (axis,), forward=True)
    kept = _shifted(_part(means, axis, slice(0, n - width + 1, 1)), axis, (width - 1) / 2)
    if drop is None:
        return kept
    return decimate(kept, axis, width, drop)


def decimate(x: Node, axis: int, factor: int, method: str = "copy") -> Node:
    """Return every so many pixels along an axis, or their means.

    Parameters
    ----------
    x : Node
        A lattice.
    axis : int
        Numpy number of the axis.
    factor : int
        Pixels that become one.
    method : {"copy", "mean"}
        The first of each group; or the mean of its good pixels, leaving out an incomplete group.

    Returns
    -------
    Node
        Unit and beam stay, labels are those of the pixels that are copied, or of the middle of a group.
    """
    n = _length(x, axis, method)
    if not 1 <= factor <= n:
        raise LatticeRangeError(f"a factor of {factor} does not fit {n} pixels along {x.attrs.dims[axis]}")
    if method == "copy":
        return _part(x, axis, slice(0, n, factor))
    return _pairs(x, axis, factor)


def _length(x: Node, axis: int, drop: str | None) -> int:
    if drop not in _DROPS:
        raise LatticeRangeError(f"{drop!r} is no way to thin out pixels", hint="there are copy and mean")
    if len(x.attrs.beams) > 1 and x.attrs.coords is not None and _spectral(x, axis):
        raise UnitMismatchError(
            f"the planes along {x.attrs.dims[axis]} have beams of their own",
            hint="smooth the image to a common beam first: image.smooth_to('common')",
        )
    return (x.attrs.shape or ())[axis]


def _spectral(x: Node, axis: int) -> bool:
    coords: Any = x.attrs.coords
    return bool(coords.kinds[axis] not in ("longitude", "latitude"))


def _part(x: Node, axis: int, part: slice) -> Node:
    whole = (slice(None),) * x.attrs.ndim
    return cut(x, (*whole[:axis], part, *whole[axis + 1 :]))


def _pairs(x: Node, axis: int, factor: int) -> Node:
    """Return the means of whole groups."""
    n = (x.attrs.shape or ())[axis]
    groups = n // factor
    factors = tuple(factor if a == axis else 1 for a in range(x.attrs.ndim))
    return rebin(_part(x, axis, slice(0, groups * factor, 1)), factors)


def _shifted(x: Node, axis: int, pixels: float) -> Node:
    """Return a lattice whose labels along an axis are those of places so many pixels further on."""
    coords: Any = x.attrs.coords
    if coords is None or pixels == 0:
        return x
    own = coords.axes[axis]
    moved = replace(own, offset=own.offset + own.step * pixels)
    axes = (*coords.axes[:axis], moved, *coords.axes[axis + 1 :])
    attrs = x.attrs.with_(coords=replace(coords, axes=axes, _hash=None))
    node: Node = Extend(x, tuple(range(x.attrs.ndim)), attrs)
    return node
