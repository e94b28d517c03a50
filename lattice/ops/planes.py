"""Running statistics along axes: those of `lattice.functions.states`, one for each pixel of a plane.

Sums are kept in Double (DComplex for complex values).  Pixels come strip by strip; an update is vectorised
over the strip, and nothing is made that is larger than a strip or a plane of results.

Real sums have the same bits however the pixels are cut into strips and blocks, and whatever computes them
(`lattice.execute.along`): runs of pixels that follow each other and belong together are added up by
themselves (`lattice.ops.passes` sees to it that strips do not cut them), and these sums one after the other.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from lattice.graph.blend import scratch, select

__all__ = [
    "Counts",
    "Deviations",
    "Extrema",
    "Found",
    "Moments",
    "Peaks",
    "Plane",
    "Strip",
    "Totals",
    "Truths",
    "Weighted",
    "wide_type",
]

Array = np.ndarray[Any, Any]
Place = tuple[slice, ...]

# Slots of the thread's scratch memory; blending takes the first ones.
_WIDE, _SQUARES, _LOW, _HIGH = 10, 11, 12, 13


def wide_type(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return the type in which values are summed."""
    return np.dtype(np.complex128 if dtype.kind == "c" else np.float64)


class Strip:
    """Values and mask of a strip, and what several statistics need of it."""

    def __init__(
        self,
        values: Array,
        mask: Array | None,
        axes: tuple[int, ...],
        at: Place,
        positions: Array | None = None,
    ) -> None:
        self.positions = positions  # coordinates of its pixels on the axis that goes
        self.values = values
        self.mask = mask
        self.axes = axes
        self.at = at  # where in the plane it belongs
        self.thin = all(values.shape[a] == 1 for a in axes)  # nothing to add up within the strip
        # how many of the last axes go
        self.run = next(k for k in range(values.ndim + 1) if values.ndim - 1 - k not in axes)

    def add(self, array: Array, dtype: Any = None) -> Array:
        """Return sums along the axes, where their order does not matter."""
        if self.thin:
            return array.reshape([n for a, n in enumerate(array.shape) if a not in self.axes])
        return np.add.reduce(array, axis=self.axes, dtype=dtype)

    def add_to(self, plane: Array, array: Array) -> None:
        """Add an array of the strip's shape, which is spoilt, to a plane.

        What follows each other in a row is added up by itself, then row after row.
        """
        part = plane[self.at]
        if self.run:
            array = np.add.reduce(array.reshape(*array.shape[: -self.run], -1), axis=-1)
        axes = tuple(a for a in self.axes if a < array.ndim)
        if all(array.shape[a] == 1 for a in axes):
            part += array.reshape(part.shape)
            return
        array[tuple(0 if a in axes else slice(None) for a in range(array.ndim))] += part
        if array.shape[-1] > 1:  # numpy then goes along the rows, and adds them one by one
            np.add.reduce(array, axis=axes, out=part)
            return
        columns = np.moveaxis(array, axes, range(len(axes))).reshape(-1, part.size)
        part[...] = np.add.accumulate(columns, axis=0)[-1].reshape(part.shape)

    def spread(self, plane: Any) -> Array:
        """Return a plane with the axes put back, of length 1."""
        return np.expand_dims(plane, self.axes)

    @cached_property
    def count(self) -> Any:
        """Numbers of good pixels."""
        if self.mask is None:
            n = 1
            for a in self.axes:
                n *= self.values.shape[a]
            return n
        return self.add(self.mask, np.int64)

    def first(self) -> Array:
        """Return the first good pixel for each of the plane; any where there is none."""
        k = len(self.axes)
        turned = np.moveaxis(self.values, self.axes, range(k))
        if self.mask is None:
            return turned[(0,) * k]
        good = np.moveaxis(self.mask, self.axes, range(k)).reshape(-1, *turned.shape[k:])
        found = np.argmax(good, axis=0)
        places = np.unravel_index(found, turned.shape[:k])
        return np.asarray(turned[(*places, *np.indices(found.shape, sparse=True))])

    def wide(self) -> Array:
        """Return values in double precision, bad ones 0; memory that may be spoilt, valid until the next."""
        out = scratch(self.values.shape, wide_type(self.values.dtype), _WIDE)
        np.copyto(out, self.values)
        return self.blank(out)

    def blank(self, array: Array) -> Array:
        """Set bad values to zero, in place."""
        if self.mask is not None:
            select(self.mask, array, np.zeros((1,) * array.ndim, array.dtype), out=array)
        return array

    def filled(self, value: float, slot: int) -> Array:
        """Return the values with bad ones replaced by one that never wins."""
        if self.mask is None:
            return self.values
        out = scratch(self.values.shape, self.values.dtype, slot)
        select(self.mask, self.values, np.full((1,) * out.ndim, value, out.dtype), out=out)
        return out


class Plane:
    """Base of running statistics for each pixel of a plane.

    Attributes
    ----------
    positions : ndarray or None
        Coordinates of the pixels along the axis that goes, as the statistics count them.
    """

    kind: ClassVar[str] = ""
    bytes_per_pixel: ClassVar[int] = 0
    positions: Array | None = None

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        raise TypeError("Plane is abstract")

    def update(self, strip: Strip) -> None:
        """Take in a strip."""
        raise TypeError("Plane is abstract")


class Counts(Plane):
    """Numbers of good pixels."""

    kind = "counts"
    bytes_per_pixel = 8

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self.n = np.zeros(shape, np.int64)

    def update(self, strip: Strip) -> None:
        self.n[strip.at] += strip.count


class Totals(Plane):
    """Numbers and sums of good pixels."""

    kind = "totals"
    bytes_per_pixel = 24

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self.n = np.zeros(shape, np.int64)
        self.total = np.zeros(shape, wide_type(dtype))

    def update(self, strip: Strip) -> None:
        self.n[strip.at] += strip.count
        strip.add_to(self.total, strip.wide())


class Moments(Plane):
    """Numbers, sums and sums of squares of good pixels, both counted from a centre for each result.

    The centre is the first good pixel, or 0 if that is no number.  As it is among the pixels, the sum of
    squares is at most 1 + n times that about the true mean: of n pixels the variance is good to n times the
    precision of Double, whatever the mean.
    """

    kind = "moments"
    bytes_per_pixel = 64

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self.n = np.zeros(shape, np.int64)
        self.centre = np.zeros(shape, wide_type(dtype))
        self.sums = np.zeros(shape, wide_type(dtype))
        self.squares = np.zeros(shape, wide_type(dtype))

    def update(self, strip: Strip) -> None:
        at, n = strip.at, self.n[strip.at]
        centre = self.centre[at]
        new = n == 0
        if new.any():
            first = strip.first()
            centre[new] = np.where(np.isfinite(first), first, 0)[new]
        distance = scratch(strip.values.shape, centre.dtype, _SQUARES)
        np.subtract(strip.values, strip.spread(centre), out=distance)
        strip.blank(distance)
        squares = scratch(strip.values.shape, centre.dtype, _WIDE)
        np.multiply(distance, distance, out=squares)
        strip.add_to(self.sums, distance)
        strip.add_to(self.squares, squares)
        n += strip.count

    @property
    def total(self) -> Array:
        """Sums of the good pixels."""
        return self.n * self.centre + self.sums

    @property
    def m2(self) -> Array:
        """Sums of squared distances from the mean."""
        m2 = self.squares - self.sums * self.sums / np.maximum(self.n, 1)
        # rounding must not make it negative; complex ones have plain squares and no sign
        return m2 if m2.dtype.kind == "c" else np.maximum(m2, 0)

    def mean(self) -> Array:
        """Means of the good pixels."""
        return self.centre + self.sums / np.maximum(self.n, 1)


class Deviations(Plane):
    """Numbers of good pixels and sums of their absolute distances from given centres."""

    kind = "deviations"
    bytes_per_pixel = 16

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self.n = np.zeros(shape, np.int64)
        self.total = np.zeros(shape)
        self.centre: Array = np.zeros(shape, wide_type(dtype))

    def update(self, strip: Strip) -> None:
        wide = scratch(strip.values.shape, wide_type(strip.values.dtype), _WIDE)
        np.subtract(strip.values, strip.spread(self.centre[strip.at]), out=wide)
        distance = strip.blank(np.abs(wide))
        self.n[strip.at] += strip.count
        strip.add_to(self.total, distance)


class Extrema(Plane):
    """Numbers, smallest and largest good pixels; complex numbers by modulus."""

    kind = "extrema"
    bytes_per_pixel = 40

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self.n = np.zeros(shape, np.int64)
        self.low = np.full(shape, np.inf, dtype)
        self.high = np.full(shape, 0 if dtype.kind == "c" else -np.inf, dtype)

    def update(self, strip: Strip) -> None:
        at = strip.at
        if strip.values.dtype.kind == "c":
            self._by_modulus(strip)
        else:
            low, high = strip.filled(np.inf, _LOW), strip.filled(-np.inf, _HIGH)
            np.minimum(self.low[at], np.minimum.reduce(low, axis=strip.axes), out=self.low[at])
            np.maximum(self.high[at], np.maximum.reduce(high, axis=strip.axes), out=self.high[at])
        self.n[at] += strip.count

    def _by_modulus(self, strip: Strip) -> None:
        last = tuple(range(-len(strip.axes), 0))
        values = np.moveaxis(strip.values, strip.axes, last)
        values = values.reshape(*values.shape[: values.ndim - len(last)], -1)
        size = values.real.astype(np.float64) ** 2 + values.imag.astype(np.float64) ** 2
        bad = None
        if strip.mask is not None:
            bad = ~np.moveaxis(strip.mask, strip.axes, last).reshape(values.shape)
        first = self.n[strip.at] == 0
        for sign, best in ((1.0, self.low), (-1.0, self.high)):
            key = sign * size
            if bad is not None:
                key[bad] = np.inf
            found = np.argmin(key, axis=-1)[..., None]
            value = np.take_along_axis(values, found, -1)[..., 0]
            new = np.take_along_axis(key, found, -1)[..., 0]
            mine = best[strip.at]
            old = sign * (mine.real.astype(np.float64) ** 2 + mine.imag.astype(np.float64) ** 2)
            wins = (new < old) | (np.isnan(new) & ~np.isnan(old)) | first
            if bad is not None:
                wins &= ~bad.all(axis=-1)
            mine[wins] = value[wins]


class Truths(Plane):
    """Numbers of good pixels, and of those that are T."""

    kind = "truths"
    bytes_per_pixel = 16

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self.n = np.zeros(shape, np.int64)
        self.true = np.zeros(shape, np.int64)

    def update(self, strip: Strip) -> None:
        self.n[strip.at] += strip.count
        true = strip.values if strip.mask is None else strip.values & strip.mask
        self.true[strip.at] += strip.add(true, np.int64)


class Weighted(Plane):
    """Numbers of good pixels, their sums, and those of their products with the coordinate and its square.

    The coordinate counts from the middle of its range (`counted`), so that the spread does not drown in it.
    """

    kind = "weighted"
    bytes_per_pixel = 40

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self.n = np.zeros(shape, np.int64)
        self.total = np.zeros(shape, wide_type(dtype))
        self.first = np.zeros(shape, wide_type(dtype))
        self.second = np.zeros(shape, wide_type(dtype))
        self.origin = 0.0

    def counted(self, positions: Array) -> None:
        """Count the coordinate, of all pixels along the axis, from the middle of its range."""
        self.origin = float(positions.min() + positions.max()) / 2
        self.positions = positions - self.origin

    def update(self, strip: Strip) -> None:
        assert strip.positions is not None
        at = strip.at
        self.n[at] += strip.count
        wide = strip.wide()
        product = scratch(strip.values.shape, self.total.dtype, _SQUARES)
        v = (strip.positions - self.origin).reshape((-1,) + (1,) * (product.ndim - 1 - strip.axes[0]))
        np.multiply(wide, v, out=product)
        squares = scratch(strip.values.shape, self.total.dtype, _LOW)
        np.multiply(product, v, out=squares)
        for plane, array in ((self.total, wide), (self.first, product), (self.second, squares)):
            strip.add_to(plane, array)

    def centroid(self) -> Array:
        """Mean coordinates, weighted with the pixels."""
        return np.asarray(self.origin + self.first / self.total)

    def dispersion(self) -> Array:
        """Roots of the absolute weighted mean squares of the distances from the centroid."""
        mean = self.first / self.total
        return np.asarray(np.sqrt(np.abs(self.second / self.total - mean * mean)))


class Peaks(Plane):
    """Coordinates of the first smallest and the first largest of the good pixels."""

    kind = "peaks"
    bytes_per_pixel = 56

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self.n = np.zeros(shape, np.int64)
        self.low = np.full(shape, np.inf, dtype)
        self.high = np.full(shape, -np.inf, dtype)
        self.where_low = np.zeros(shape)
        self.where_high = np.zeros(shape)

    def update(self, strip: Strip) -> None:
        assert strip.positions is not None
        axis, at = strip.axes[0], strip.at
        empty = self.n[at] == 0
        has = np.asarray(strip.count) > 0
        for fill, best, where, beats, find in (
            (np.inf, self.low, self.where_low, np.less, np.argmin),
            (-np.inf, self.high, self.where_high, np.greater, np.argmax),
        ):
            values = strip.filled(fill, _LOW)
            found = find(values, axis=axis)
            value = np.take_along_axis(values, np.expand_dims(found, axis), axis).squeeze(axis)
            # strips come in the order of the axis: of equal ones the first stays; a nan beats all others
            new = has & (empty | beats(value, best[at]) | (np.isnan(value) & ~np.isnan(best[at])))
            best[at] = np.where(new, value, best[at])
            where[at] = np.where(new, strip.positions[found], where[at])
        self.n[at] += strip.count


class Found:
    """Statistics that are known already, by the names that running ones have."""

    def __init__(self, **fields: Any) -> None:
        self.n: Array = fields.pop("n")
        self.total = self.m2 = self.low = self.high = self.true = self.n
        self.__dict__.update(fields)

    def mean(self) -> Array:
        """Means of the good pixels."""
        return np.asarray(self.total / np.maximum(self.n, 1))
