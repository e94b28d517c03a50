"""Structure functions: correlations of planes, by Fourier transforms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np

from lattice.coords.graft import drop_axes
from lattice.coords.header import Card
from lattice.coords.system import CoordinateSystem
from lattice.errors import LatticeRangeError, LatticeTypeError
from lattice.graph.node import Node
from lattice.graph.sections import Section, compose, shape_of
from lattice.graph.types import is_real
from lattice.ops.fourier import WholePlanes, groups, places

__all__ = ["Correlation", "two_point"]

_SKY = ("longitude", "latitude")


def two_point(x: Node, axes: Sequence[int]) -> Node:
    """Return the structure function of planes: the mean squared difference of pixels by their distance.

    Parameters
    ----------
    x : Node
        A real lattice.
    axes : sequence of int
        Numpy numbers of two axes.

    Returns
    -------
    Node
        Along both axes 2 n - 1 lags; pixel n - 1 is that of no distance. ``S(l) = mean (x(p) - x(p + l))^2``
        over the pairs of good pixels; bad where there is none. Its unit is that of x squared; it has no beam.
        The axes are lags in units of the coordinates.

    Raises
    ------
    LatticeTypeError
        When x is not real.
    LatticeRangeError
        When there are not two axes.
    """
    attrs = x.attrs
    shape = attrs.shape or ()
    if not shape or not is_real(attrs.dtype):
        raise LatticeTypeError(f"a structure function is one of real numbers, not of a {attrs.describe()}")
    numbers = tuple(sorted({int(a) for a in axes}))
    if len(numbers) != 2 or not 0 <= numbers[0] < numbers[1] < len(shape):
        raise LatticeRangeError(f"lags are taken along two axes, not along {list(axes)}")
    node: Node = Correlation((x,), numbers)
    return node


class Correlation(WholePlanes):
    """Mean squared differences by lag; fields: (x,), axes."""

    __slots__ = ()
    name: ClassVar[str] = "two_point"

    def _build(self, children: tuple[Node, ...], axes: tuple[int, ...]) -> None:
        own = children[0].attrs
        shape = tuple(2 * n - 1 if a in axes else n for a, n in enumerate(own.shape or ()))
        dims = tuple(f"lag_{d}" if a in axes else d for a, d in enumerate(own.dims))
        coords = None
        if own.coords is not None:
            assert isinstance(own.coords, CoordinateSystem)
            coords = _lag_coords(own.coords, own.shape or (), axes, dims)
        unit = f"({own.unit})^2" if own.unit else ""
        self._set(children=children, axes=axes)
        self._set(attrs=own.with_(shape=shape, dims=dims, coords=coords, unit=unit, beams=(), masked=True))

    def show(self, x: str) -> str:
        """Return the call as one would write it if the language had it."""
        return f"two_point({x}, along=[{', '.join(self.children[0].attrs.dims[a] for a in self.axes)}])"

    def scratch(self, shape: tuple[int, ...]) -> int:
        """Return the bytes of a plane, and of transforms, of the more rows the more lags are wanted."""
        own = self.children[0].attrs
        ny, nx = ((own.shape or ())[a] for a in self.axes)
        lags = min(ny, shape[self.axes[0]])
        rows = lags + min(ny, max(lags, _LEAST))
        return ny * nx * own.dtype.itemsize + 8 * _ARRAYS * (rows + 8) * (2 * nx + 8)

    def evaluate(self, inputs: tuple[Any, ...], section: Section) -> tuple[np.ndarray, np.ndarray | None]:
        """Return values and mask of a section, plane by plane."""
        shape = shape_of(section)
        out, good = np.zeros(shape, self.attrs.dtype), np.zeros(shape, bool)
        if 0 in shape:
            return out, good
        (needed,) = self.needs(section)
        rows, columns = (section[a] for a in self.axes)
        for group in groups(shape, self.axes, 1):
            own = tuple(
                n if a in self.axes else compose((section[a],), (group[a],))[0] for a, n in enumerate(needed)
            )
            plane = self._filled(inputs[0], own)
            values, found = _differences(plane, rows, columns)
            out[group] = values.reshape(out[group].shape)
            good[group] = found.reshape(out[group].shape)
        return out, good

    def _filled(self, pixels: Any, section: Section) -> np.ndarray:
        """Return a plane, nan where it is bad."""
        plane = np.empty(shape_of(section), self.children[0].attrs.dtype)
        for piece, values, mask in pixels.strips(section):
            at = places(piece, section)
            plane[at] = values
            if mask is not None:
                plane[at][~mask] = np.nan
        return plane.reshape([plane.shape[a] for a in self.axes])


_LEAST = 32  # rows that are transformed together with as many lags as are wanted, or more
_ARRAYS = 8  # of rows and lags, in double precision, that there are at once


def _differences(plane: np.ndarray, rows: slice, columns: slice) -> tuple[np.ndarray, np.ndarray]:
    """Return mean squared differences for some lags, and where there are any."""
    lags = np.arange(rows.start, rows.stop, rows.step) - (len(plane) - 1)
    across = np.arange(columns.start, columns.stop, columns.step) - (plane.shape[1] - 1)
    far = np.abs(lags)
    low = int(far.min())
    squares, pairs = _sums(plane, low, int(far.max()) + 1)
    # a lag and its opposite hold the same pairs
    at = (far - low)[:, None], np.where(lags < 0, -1, 1)[:, None] * across
    n = pairs[at]
    found = n > 0.5
    result = np.maximum(squares[at], 0)
    np.divide(result, n, out=result, where=found)
    result[~found] = 0
    return result, found


def _sums(plane: np.ndarray, low: int, high: int) -> tuple[np.ndarray, np.ndarray]:
    """Return sums of squared differences and numbers of pairs of pixels, for lags of `low` to `high` rows.

    Along a row are first the lags from 0 on, and at its end those below 0. Some rows at a time meet those
    that are so far away: what is transformed is as high as lags and rows together.
    """
    from scipy.fft import irfft2, next_fast_len

    ny, nx = plane.shape
    count = high - low
    many = min(ny - low, max(count, _LEAST))
    size = (next_fast_len(many + count - 1), next_fast_len(2 * nx - 1, real=True))
    mean = _mean(plane)  # differences do not see it, rounding does
    pairs, squares = (np.zeros((size[0], size[1] // 2 + 1), np.complex128) for _ in range(2))
    for first in range(0, ny - low, many):
        here = plane[first : min(first + many, ny - low)]
        there = plane[first + low : min(ny, first + many + high - 1)]
        _add_products(pairs, squares, here, there, size, mean)
    return irfft2(squares, size, overwrite_x=True)[:count], np.rint(
        irfft2(pairs, size, overwrite_x=True)[:count]
    )


def _add_products(
    pairs: np.ndarray,
    squares: np.ndarray,
    here: np.ndarray,
    there: np.ndarray,
    size: tuple[int, int],
    mean: float,
) -> None:
    """Add the transforms of what pixels of some rows make with those of others."""
    one, other = (_transformed(rows, size, mean, 0) for rows in (here, there))
    np.conjugate(one, out=one)
    pairs += one * other
    product = _transformed(there, size, mean, 2)
    product *= one
    squares += product
    product = _transformed(here, size, mean, 2)
    np.conjugate(product, out=product)
    product *= other
    squares += product
    del one, other, product
    product = _transformed(here, size, mean, 1)
    np.conjugate(product, out=product)
    product *= _transformed(there, size, mean, 1)
    product *= 2
    squares -= product


def _transformed(rows: np.ndarray, size: tuple[int, int], mean: float, power: int) -> np.ndarray:
    """Return the transform of a power of the distances from a mean, 0 where pixels are bad."""
    from scipy.fft import rfft2

    good = np.isfinite(rows)
    values = good.astype(np.float64)
    if power:
        np.subtract(rows, mean, out=values, where=good)
    if power == 2:
        values *= values
    return np.asarray(rfft2(values, size))


def _mean(plane: np.ndarray) -> float:
    """Return the mean of the good pixels, some rows at a time."""
    total, n = 0.0, 0
    for start in range(0, len(plane), _LEAST):
        rows = plane[start : start + _LEAST]
        rows = rows[np.isfinite(rows)]
        total, n = total + float(rows.sum(dtype=np.float64)), n + rows.size
    return total / n if n else 0.0


def _lag_coords(
    coords: CoordinateSystem, shape: tuple[int, ...], axes: Sequence[int], dims: tuple[str, ...]
) -> CoordinateSystem:
    from lattice.coords.along import reference_pixel, world_along

    n = len(shape)
    cards: list[Card] = drop_axes(coords, shape, axes)
    for a in axes:
        kind, unit = coords.kinds[a], ""
        if kind in _SKY:
            sign = -1.0 if kind == "longitude" and coords.sky_matrix()[0, 1] < 0 else 1.0
            step, unit = sign * coords.pixel_scale()[0 if kind == "latitude" else 1], "deg"
        elif kind in ("none", "stokes"):
            step = 1.0
        else:
            at = reference_pixel(coords, a)
            values, unit = world_along(coords, a, np.array([at, at + 1]))
            step = float(values[1] - values[0])
        new: list[tuple[str, Any]] = [
            ("CTYPE", "LAG"), ("CRPIX", float(shape[a])), ("CRVAL", 0.0), ("CDELT", step), ("CUNIT", unit)
        ]  # fmt: skip
        cards += [(f"{key}{n - a}", value, "") for key, value in new if value != ""]
    longer = tuple(2 * m - 1 if a in axes else m for a, m in enumerate(shape))
    made = CoordinateSystem.from_header(cards, longer)
    return replace(
        made, axes=tuple(replace(a, name=d) for a, d in zip(made.axes, dims, strict=True)), _hash=None
    )
