"""Outlines of regions as curves, for pictures: exact where a region has a simple edge in the plane shown."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from lattice.graph.sections import shape_of
from lattice.regions.base import Region
from lattice.regions.compound import And, Difference
from lattice.regions.pixel import PixelEllipsoid, PixelPolygon
from lattice.regions.plane import PixelEllipse

__all__ = ["outline"]

_CORNERS = 361
Curves = list[np.ndarray]


def outline(region: Region, plane: tuple[int, int], place: Mapping[int, int]) -> Curves | None:
    """Return closed curves around the pixels of a region in a plane.

    Parameters
    ----------
    region : Region
        A fitted region.
    plane : tuple of int
        Axes of rows and columns, numpy order, from 0.
    place : mapping of int to int
        Pixel on each of the other axes.

    Returns
    -------
    list of ndarray or None
        Curves of shape (n, 2), x and y in pixels; none where the region has no pixel in the plane; None if
        its edge is no simple curve: then its mask tells.

    Examples
    --------
    >>> from lattice.regions import PixelEllipsoid
    >>> (curve,) = outline(PixelEllipsoid((5, 8, 9), 3, (20, 20, 20)), (1, 2), {0: 5})
    >>> curve.min(axis=0), curve.max(axis=0)
    (array([6., 5.]), array([12., 11.]))
    """
    if isinstance(region, PixelEllipse) and _axes(region.axes, region.ndim) == plane:
        return [_ellipse(region.centre, region.radii, region.angle)]
    if isinstance(region, PixelEllipsoid):
        room = 1 - sum(((p - region.centre[a]) / region.radii[a]) ** 2 for a, p in place.items())
        if room < 0:
            return []
        size = math.sqrt(room)
        centre, radii = ((values[plane[0]], values[plane[1]]) for values in (region.centre, region.radii))
        return [_ellipse(centre, (size * radii[0], size * radii[1]), 0.0)]
    if isinstance(region, PixelPolygon) and _axes(region.axes, region.ndim) == plane:
        corners = np.stack([region.x, region.y], axis=1)
        return [np.concatenate([corners, corners[:1]])]
    if isinstance(region, And):
        return _limited(region, plane, place)
    if isinstance(region, Difference):
        whole, hole = region.a, region.b
        if isinstance(whole, PixelEllipse) and isinstance(hole, PixelEllipse) and _rings(whole, hole):
            found = [outline(part, plane, place) for part in (whole, hole)]
            return None if None in found else [curve for curves in found for curve in curves or ()]
    return None


def _axes(axes: tuple[int, int], ndim: int) -> tuple[int, int]:
    return axes[0] % ndim, axes[1] % ndim


def _limited(region: And, plane: tuple[int, int], place: Mapping[int, int]) -> Curves | None:
    """Return the outline of a region that ranges on the other axes limit: channels, Stokes parameters."""
    for part, other in ((region.a, region.b), (region.b, region.a)):
        if other.has_mask:
            continue
        box = other.bounds()
        whole = shape_of(tuple(box[a] for a in plane)) == tuple(region._definite()[a] for a in plane)
        if whole and all(s.step == 1 for s in box):
            inside = all(box[a].start <= p < box[a].stop for a, p in place.items())
            return outline(part, plane, place) if inside else []
    return None


def _rings(whole: PixelEllipse, hole: PixelEllipse) -> bool:
    """Tell whether one ellipse is a smaller copy of the other, around the same centre."""
    same = whole.centre == hole.centre and whole.angle == hole.angle and whole.axes == hole.axes
    return same and all(h < w for h, w in zip(hole.radii, whole.radii, strict=True))


def _ellipse(centre: tuple[float, float], radii: tuple[float, float], angle: float) -> np.ndarray:
    turn = np.linspace(0, 2 * np.pi, _CORNERS)
    along, across = radii[1] * np.cos(turn), radii[0] * np.sin(turn)
    c, s = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    return np.stack([centre[1] + along * c - across * s, centre[0] + along * s + across * c], axis=1)
