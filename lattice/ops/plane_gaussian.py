"""Gaussians in the plane of any two axes, their widths in pixels or in what both axes are measured in."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from lattice.coords.along import reference_pixel, world_along
from lattice.errors import CoordinateError, LatticeRangeError, UnitMismatchError
from lattice.graph.attributes import Attributes
from lattice.graph.beams import plane_axes
from lattice.graph.node import Node
from lattice.ops.convolve import convolve
from lattice.ops.smooth import gaussian_kernel

__all__ = ["PIXEL", "plane_gaussian", "square_pixel"]

PIXEL = "pix"
"""Unit of widths that are in pixels."""


def plane_gaussian(
    x: Node,
    axes: Sequence[int],
    widths: Sequence[tuple[float, str]],
    angle: float = 0.0,
    *,
    scale: float | None = None,
    bad: str = "zero",
) -> Node:
    """Return a lattice convolved with an elliptical Gaussian in the plane of two axes.

    Parameters
    ----------
    x : Node
        A lattice.
    axes : sequence of int
        Numpy numbers of two axes, in rising order.
    widths : sequence of (float, str)
        Full widths at half maximum along the major and the minor axis, each with its unit: "pix", or one that
        the coordinates of both axes can be converted to. Both are in pixels, or neither.
    angle : float, optional
        Of the major axis in degrees: from the direction of rising pixels along the second, faster one of the
        axes towards that along the first one. With widths in units it is an angle between lengths in them.
    scale : float, optional
        Factor of a kernel with peak 1; without it the sum of the weights is 1.
    bad : {"zero", "leave"}, optional
        See `lattice.ops.convolve.convolve`.

    Returns
    -------
    Node
        Unit and beam are those of x. The size of a pixel is that at the reference pixels.

    Raises
    ------
    UnitMismatchError
        For widths of units that do not belong to both axes, or are mixed with pixels.
    CoordinateError
        For widths in units along axes without coordinates.
    LatticeRangeError
        For widths that are none, and along axes whose planes have beams of their own.
    """
    attrs = x.attrs
    first, second = axes
    (major, one), (minor, other) = widths
    if not all(math.isfinite(w) and w > 0 for w in (major, minor)):
        raise LatticeRangeError(f"the widths of a kernel are above 0, not {major:g} and {minor:g}")
    if not math.isfinite(angle):
        raise LatticeRangeError(f"an angle is a finite number, not {angle!r}")
    if (one == PIXEL) != (other == PIXEL):
        raise UnitMismatchError("one width is in pixels and the other one is not", hint="give both alike")
    steps = [1.0, 1.0] if one == PIXEL else [_step(attrs, a, axes, one) for a in (first, second)]
    if one not in (PIXEL, other):
        minor *= _factor(other, one)
    if major < minor:
        raise LatticeRangeError(f"a kernel of {major:g} by {minor:g} {one}: the larger width comes first")
    if len(attrs.beams) > 1 and set(axes) & set(plane_axes(attrs) or ()):
        raise UnitMismatchError(
            "the planes have beams of their own: those of different beams are not put together",
            hint="smooth the image to a common beam first: smooth_to('common')",
        )
    # as on the sky, with the faster axis in the place of the north and the slower one in that of the east
    kernel = gaussian_kernel((major, minor, angle), np.diag(steps), f"{major:g} by {minor:g} {one}")
    kernel *= (1 / float(kernel.sum())) if scale is None else scale
    return convolve(x, kernel, (first, second), bad=bad)


def _step(attrs: Attributes, axis: int, axes: Sequence[int], unit: str) -> float:
    """Return what a pixel along an axis is at the reference pixel, in a unit."""
    coords: Any = attrs.coords
    name = attrs.dims[axis]
    if coords is None or coords.kinds[axis] in ("none", "stokes"):
        raise CoordinateError(
            f"{name} has no coordinates that are measured in {unit}", hint="give widths in pixels: '3pix'"
        )
    if coords.kinds[axis] in ("longitude", "latitude") and coords.has_sky:
        step, own = coords.pixel_scale()[coords.kinds[axis] == "longitude"], "deg"
    else:
        at = reference_pixel(coords, axis)
        values, own = world_along(coords, axis, np.array([at - 0.5, at + 0.5]))
        step = abs(float(values[1] - values[0]))
    if not (math.isfinite(step) and step > 0):
        raise CoordinateError(f"the pixels of {name} have no extent", hint="give widths in pixels: '3pix'")
    both = " and ".join(attrs.dims[a] for a in axes)
    try:
        return step * _factor(own, unit)
    except UnitMismatchError:
        raise UnitMismatchError(
            f"{name} is measured in {own or 'plain numbers'}, not in {unit}",
            hint=f"widths along {both} are in pixels, as in '3pix', or in a unit that belongs to both",
        ) from None


def _factor(start: str, end: str) -> float:
    """Return the factor that converts numbers in one unit to another."""
    from astropy.units import Unit, UnitConversionError

    try:
        return float(Unit(start).to(Unit(end)))
    except (UnitConversionError, ValueError, TypeError):
        raise UnitMismatchError(f"{start or 'plain numbers'} cannot be converted to {end}") from None


def square_pixel(attrs: Attributes) -> float:
    """Return the size in degrees of the pixels of the sky, which are square.

    Raises
    ------
    CoordinateError
        When they are not, or the lattice has no sky.
    """
    coords: Any = attrs.coords
    if coords is None or not coords.has_sky:
        raise CoordinateError(
            f"a {attrs.describe()} has no pair of sky axes with coordinates",
            hint="say which two axes: dims=('y', 'x')",
        )
    y, x = coords.pixel_scale()
    if not math.isclose(x, y, rel_tol=1e-3):
        raise CoordinateError(
            f"the pixels of the sky are not square, {x * 3600:.6g} by {y * 3600:.6g} arcsec, so that a width "
            "in pixels is none on the sky",
            hint="give angles, such as '5arcsec'",
        )
    return float(x)
