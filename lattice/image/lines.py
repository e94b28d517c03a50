"""Lines and windows on the sky: where what users give is in pixels."""

from __future__ import annotations

import math
import numbers
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from lattice.errors import LatticeRangeError, LatticeTypeError
from lattice.image.arguments import angle, sequence, whole_number

__all__ = ["corners_of", "pixels_wide", "step_along", "width", "window_of"]


_NUMBER = re.compile(r"([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(\D.*)?")


def corners_of(
    image: Any, points: Any, center: Any, length: Any, pa: Any, frame: str | None, dims: Any = None
) -> tuple[int, int, np.ndarray, np.ndarray]:
    """Return the axes of y and x, and the pixels of the corners of a line along both."""
    from lattice.regions.skyplane import SkyPlane

    if dims is not None:
        return _in_pixels(image, points, dims)
    plane = SkyPlane(image.node.attrs, _frame(frame), "line")
    if not plane.has_sky and {"x", "y"} <= set(image.dims):
        plane.row, plane.column = image.dims.index("y"), image.dims.index("x")
    if (points is None) == (center is None):
        raise LatticeTypeError("a line is given by its points, or by its center, length and pa")
    if points is not None:
        if length is not None:
            raise LatticeTypeError("points tell how long the line is: leave length out")
        xs, ys = _pixels(plane, _listed(points))
        return plane.row, plane.column, xs, ys
    if length is None:
        raise LatticeTypeError("a line around a center needs a length")
    x, y = (float(v[0]) for v in _pixels(plane, [center]))
    plain = isinstance(length, numbers.Real) and not isinstance(length, bool)
    if not (length if plain else angle(length)) > 0:
        raise LatticeRangeError(f"the length of a line is above 0, not {length!r}")
    if plain:
        half = float(length) / 2
        east, north = _directions(plane, x, y)
        turn = np.radians(angle(pa))
        step = np.cos(turn) * north + np.sin(turn) * east
        step = half * step / np.hypot(*step)
        xs, ys = np.array([x + step[0], x - step[0]]), np.array([y + step[1], y - step[1]])
    else:
        from lattice.regions.measures import point

        half, turn = angle(length) / 2, math.radians(angle(pa))
        offsets = [(half * math.sin(turn), half * math.cos(turn))]
        offsets.append((-offsets[0][0], -offsets[0][1]))
        xs, ys = plane.around(point((f"{x!r}pix", f"{y!r}pix")), offsets)
    return plane.row, plane.column, xs, ys


def _in_pixels(image: Any, points: Any, dims: Any) -> tuple[int, int, np.ndarray, np.ndarray]:
    """Return the same for a line in any two dims, the faster of which is called x."""
    from lattice.image.operators import axes_of

    axes = axes_of(image, dims)
    if len(axes) != 2:
        raise LatticeTypeError(f"a line lies in two dims, not in {dims!r}")
    places = np.array(points, dtype=object)
    if places.ndim != 2 or places.shape[1] != 2 or not all(_is_number(v) for v in places.ravel()):
        raise LatticeTypeError("the points of a line in given dims are pairs of pixels, (fast, slow)")
    xs, ys = places.T.astype(np.float64)
    return axes[0], axes[1], xs, ys


def _frame(frame: str | None) -> str | None:
    from lattice.regions.measures import frame_name

    return frame_name(frame)


def _directions(plane: Any, x: float, y: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the directions of east and north in pixels, (x, y); without a sky those of -x and y."""
    from lattice.regions.measures import point

    if not plane.has_sky:
        return np.array([-1.0, 0.0]), np.array([0.0, 1.0])
    near = 1e-3
    xs, ys = plane.around(point((f"{x!r}pix", f"{y!r}pix")), [(near, 0.0), (0.0, near)])
    return np.array([xs[0] - x, ys[0] - y]), np.array([xs[1] - x, ys[1] - y])


def _listed(points: Any) -> list[Any]:
    if hasattr(points, "transform_to"):
        if np.ndim(points) != 1:
            raise LatticeTypeError("a line has two ends at least: give a SkyCoord of so many places")
        return list(points)
    if isinstance(points, str) or not isinstance(points, Sequence | np.ndarray):
        raise LatticeTypeError(f"{points!r} are no places: give a list of pairs (x, y), or of SkyCoords")
    return list(points)


def _pixels(plane: Any, points: list[Any]) -> tuple[np.ndarray, np.ndarray]:
    """Return x and y of places."""
    from lattice.regions.measures import point

    xs, ys = [], []
    for place in points:
        if hasattr(place, "transform_to"):
            found = plane.coords.sky_to_pixel(place)
            y, x = (float(v) for v in found)
            if not (math.isfinite(x) and math.isfinite(y)):
                raise LatticeRangeError(f"{place} is not on the projection of the image")
        elif not isinstance(place, str) and len(place) == 2 and all(_is_number(v) for v in place):
            x, y = (float(v) for v in place)
        else:
            x, y = (float(v[0]) for v in plane.pixels([point(place)]))
        xs.append(x)
        ys.append(y)
    return np.array(xs), np.array(ys)


def _is_number(value: Any) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def width(value: Any, unit: str) -> tuple[float, str]:
    """Return a width and its unit: of a plain number that given, of texts "3pix" and Quantities their own.

    >>> width("3 pix", ""), width("2.5km/s", ""), width(4, "pix")
    ((3.0, 'pix'), (2.5, 'km / s'), (4.0, 'pix'))
    """
    if _is_number(value) and math.isfinite(value):
        return float(value), unit
    from astropy.units import Quantity

    try:
        if isinstance(value, str):
            number, word = _NUMBER.fullmatch(value.strip()).groups(default="")  # type: ignore[union-attr]
            if word.lower() in ("pix", "pixel", "pixels"):
                return float(number), "pix"
            value = Quantity(float(number), word)
        quantity = Quantity(value)
        if quantity.ndim == 0 and math.isfinite(quantity.value):
            return float(quantity.value), "pix" if str(quantity.unit) == "pix" else str(quantity.unit)
    except (ValueError, TypeError, AttributeError):
        pass
    raise LatticeTypeError(f"{value!r} is no width", hint="write '3pix', '5arcsec' or '2km/s'")


def pixels_wide(image: Any, width: Any) -> int:
    """Return a width in pixels: an odd number."""
    if _is_number(width):
        if int(width) != width:
            raise LatticeRangeError(f"a width in pixels is a whole number, not {width!r}")
        return int(width)
    scale = image.coords.pixel_scale() if image.coords is not None and image.coords.has_sky else None
    if scale is None:
        raise LatticeTypeError(f"width={width!r}: an image without a sky has widths in pixels")
    pixels = angle(width) / min(scale)
    if not pixels > 0:
        raise LatticeRangeError(f"a width is above 0, not {width!r}")
    return 2 * math.ceil((pixels - 1) / 2 - 1e-9) + 1 if pixels > 1 else 1


def step_along(image: Any, xs: np.ndarray, ys: np.ndarray, unit: str) -> tuple[float, str]:
    """Return what a pixel along a line is on the sky, and the unit; 1 without a sky."""
    coords = image.coords
    if coords is None or not coords.has_sky:
        return 1.0, ""
    from astropy.units import Unit, UnitConversionError, deg

    try:
        factor = float((1 * deg).to_value(Unit(unit)))
    except (ValueError, UnitConversionError):
        raise LatticeTypeError(f"offsets are angles, not in {unit!r}") from None
    lon, lat = (np.radians(v) for v in coords.pixel_to_lonlat(ys, xs))
    hav = np.sin(np.diff(lat) / 2) ** 2 + np.cos(lat[1:]) * np.cos(lat[:-1]) * np.sin(np.diff(lon) / 2) ** 2
    total = float(np.degrees(2 * np.arcsin(np.sqrt(hav))).sum())
    pixels = float(np.hypot(np.diff(xs), np.diff(ys)).sum())
    return (total / pixels * factor if pixels else 1.0), unit


def window_of(image: Any, axes: tuple[int, int], size: Any, circle: bool, grid: Any, anchor: Any) -> Any:
    """Return the window of a map of statistics, from sizes along x and y."""
    from lattice.coords.along import reference_pixel
    from lattice.ops.deviation import Window

    sizes = size if isinstance(size, tuple | list) else (size, size)
    steps = grid if isinstance(grid, tuple | list) else (grid, grid)
    if len(sizes) != 2 or len(steps) != 2 or (circle and sizes[0] != sizes[1]):
        raise LatticeRangeError(
            "a window has a width and a height, a circle one diameter, and a grid steps along x and y"
        )
    if any(isinstance(n, bool) or not isinstance(n, int | np.integer) for n in steps):
        raise LatticeTypeError(f"the steps of a grid are whole numbers of pixels, not {grid!r}")
    scale: tuple[float, float] | None = None
    if not all(_is_number(s) for s in sizes):
        if image.coords is None or not image.coords.has_sky:
            raise LatticeTypeError(f"size={size!r}: an image without a sky has sizes in pixels")
        scale = image.coords.pixel_scale()
    wide = []
    for given, k in zip(sizes, (1, 0), strict=True):
        pixels = float(given) if _is_number(given) else angle(given) / (scale or (1.0, 1.0))[k]
        wide.append(pixels)
    if anchor is None:
        at = [0, 0] if image.coords is None else [round(reference_pixel(image.coords, a)) for a in axes]
    else:
        pair = sequence(anchor, "anchor", "give a pixel (x, y)")
        if len(pair) != 2:
            raise LatticeRangeError(f"anchor={anchor!r}: give a pixel (x, y)")
        at = [whole_number(pair[1], "anchor"), whole_number(pair[0], "anchor")]
    return Window((wide[1], wide[0]), circle, (int(steps[1]), int(steps[0])), (at[0], at[1]))
