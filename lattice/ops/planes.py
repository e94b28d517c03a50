"""Running statistics along axes: those of `lattice.functions.states`, one for each pixel of a plane.

Sums are kept in Double (DComplex for complex values).  Pixels come strip by strip; an update is
vectorised over the strip, and nothing is made that is larger than a strip or a plane of results.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from lattice.graph.blend import scratch, select
from lattice.graph.sections import full, split

__all__ = [
    "Counts",
    "Deviations",
    "Extrema",
    "Moments",
    "Peaks",
    "Plane",
    "Strip",
    "Totals",
    "Truths",
    "Weighted",
    "at_ranks",
    "mean_of",
    "median_distance",
    "order_statistics",
    "where_half",
    "wide_type",
]

Array = np.ndarray[Any, Any]
Place = tuple[slice, ...]

# Slots of the thread's scratch memory; blending takes the first ones.
_WIDE, _SQUARES, _LOW, _HIGH = 10, 11, 12, 13
_SORTED = 1 << 16  # pixels that are turned and sorted at once: they stay in the cache


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

    def add(self, array: Array, dtype: Any = None) -> Array:
        """Return sums along the axes."""
        if self.thin:
            return array.reshape([n for a, n in enumerate(array.shape) if a not in self.axes])
        return np.add.reduce(array, axis=self.axes, dtype=dtype)

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

    @cached_property
    def wide(self) -> Array:
        """Values in double precision, bad ones 0; valid until the next strip, not to be changed."""
        out = scratch(self.values.shape, wide_type(self.values.dtype), _WIDE)
        np.copyto(out, self.values)
        return self.blank(out)

    @cached_property
    def total(self) -> Array:
        """Sums of the good pixels."""
        if self.mask is None and "wide" not in self.__dict__:
            return self.add(self.values, wide_type(self.values.dtype))
        return self.add(self.wide)

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
    """Base of running statistics for each pixel of a plane."""

    bytes_per_pixel: ClassVar[int] = 0

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        raise TypeError("Plane is abstract")

    def update(self, strip: Strip) -> None:
        """Take in a strip."""
        raise TypeError("Plane is abstract")


class Counts(Plane):
    """Numbers of good pixels."""

    bytes_per_pixel = 8

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self.n = np.zeros(shape, np.int64)

    def update(self, strip: Strip) -> None:
        self.n[strip.at] += strip.count


class Totals(Plane):
    """Numbers and sums of good pixels."""

    bytes_per_pixel = 24

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self.n = np.zeros(shape, np.int64)
        self.total = np.zeros(shape, wide_type(dtype))

    def update(self, strip: Strip) -> None:
        self.n[strip.at] += strip.count
        self.total[strip.at] += strip.total


class Moments(Plane):
    """Numbers, sums and sums of squares of good pixels, both counted from a centre for each result.

    The centre is the mean of the first good pixels that come for it.  As these are among the pixels, the sum
    of squares is at most 1 + n times that about the true mean: of n pixels the variance is good to n times
    the precision of Double, whatever the mean.
    """

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
            mean = strip.total / np.maximum(strip.count, 1)
            centre[new] = np.where(np.isfinite(mean), mean, 0)[new]
        distance = scratch(strip.values.shape, centre.dtype, _SQUARES)
        np.subtract(strip.values, strip.spread(centre), out=distance)
        strip.blank(distance)
        self.sums[at] += strip.add(distance)
        np.multiply(distance, distance, out=distance)
        self.squares[at] += strip.add(distance)
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
        self.total[strip.at] += strip.add(distance)


class Extrema(Plane):
    """Numbers, smallest and largest good pixels; complex numbers by modulus."""

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

    The coordinate counts from the middle of its range, so that the spread does not drown in it.
    """

    bytes_per_pixel = 40

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self.n = np.zeros(shape, np.int64)
        self.total = np.zeros(shape, wide_type(dtype))
        self.first = np.zeros(shape, wide_type(dtype))
        self.second = np.zeros(shape, wide_type(dtype))
        self.origin = 0.0

    def update(self, strip: Strip) -> None:
        assert strip.positions is not None
        at = strip.at
        self.n[at] += strip.count
        self.total[at] += strip.add(strip.wide)
        product = scratch(strip.values.shape, self.total.dtype, _SQUARES)
        v = (strip.positions - self.origin).reshape((-1,) + (1,) * (product.ndim - 1 - strip.axes[0]))
        np.multiply(strip.wide, v, out=product)
        self.first[at] += strip.add(product)
        np.multiply(product, v, out=product)
        self.second[at] += strip.add(product)

    def centroid(self) -> Array:
        """Mean coordinates, weighted with the pixels."""
        return np.asarray(self.origin + self.first / self.total)

    def dispersion(self) -> Array:
        """Roots of the absolute weighted mean squares of the distances from the centroid."""
        mean = self.first / self.total
        return np.asarray(np.sqrt(np.abs(self.second / self.total - mean * mean)))


class Peaks(Plane):
    """Coordinates of the first smallest and the first largest of the good pixels."""

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


Ranker = Callable[[int], tuple[int, ...]]
Picker = Callable[[Array, Array], Any]


def order_statistics(
    values: Array, mask: Array | None, axes: tuple[int, ...], requests: list[Picker], outs: list[Array]
) -> list[Array | None]:
    """Sort the good pixels along axes and pick from them.

    A small slab at a time is turned so that the pixels that belong together are a row, and its rows are
    sorted; bad pixels go to the end as infinities.

    Parameters
    ----------
    values, mask : ndarray
        The pixels, not to be changed; mask is None where all are good.
    axes : tuple of int
        Axes along which to sort.
    requests : list of callable
        Each gets sorted rows and numbers of good pixels and returns one value per row, or these and where
        there is one.
    outs : list of ndarray
        Where the results go, one per request.

    Returns
    -------
    list of ndarray or None
        For each request where there is a value; None if wherever there are pixels.
    """
    kept = [a for a in range(values.ndim) if a not in axes]
    shape = tuple(values.shape[a] for a in kept)
    m = 1
    for a in axes:
        m *= values.shape[a]
    turned = values.transpose(*kept, *axes)
    good = None if mask is None else mask.transpose(*kept, *axes)
    masks: list[Array | None] = [None if mask is None and m > 0 else np.zeros(shape, bool) for _ in requests]
    if m == 0 or not requests:
        return masks
    for tile in split(full(shape), max(1, _SORTED // m)):
        rows = np.array(turned[tile], order="C").reshape(-1, m)
        if good is None:
            n = np.full(rows.shape[0], m)
        else:
            keep = np.ascontiguousarray(good[tile]).reshape(-1, m)
            select(keep, rows, np.full((1, 1), np.inf, rows.dtype), out=rows)
            n = np.count_nonzero(keep, axis=1)
        rows = _in_order(rows)
        # a nan among the good values makes the statistic nan, as it does a sum
        bad = np.isnan(rows[:, -1])
        for k, (request, out) in enumerate(zip(requests, outs, strict=True)):
            picked = request(rows, n)
            some = n > 0
            if isinstance(picked, tuple):
                picked, some = picked
                if masks[k] is None and not some.all():
                    masks[k] = np.ones(shape, bool)
            picked = np.where(bad, np.nan, picked) if bad.any() else picked
            out[tile] = picked.reshape(out[tile].shape)
            own = masks[k]
            if own is not None:
                own[tile] = some.reshape(own[tile].shape)
    return masks


def _in_order(rows: Array) -> Array:
    """Return rows sorted; complex values by modulus, nan last."""
    if rows.dtype.kind != "c":
        rows.sort(axis=1)
        return rows
    return np.take_along_axis(rows, np.argsort(np.abs(rows), axis=1, kind="stable"), 1)


def where_half(values: Array, mask: Array | None, axis: int, positions: Array) -> Array:
    """Return the coordinate along an axis at which the running sum first reaches half of the whole."""
    wide = values.astype(np.float64)
    if mask is not None:
        wide[~mask] = 0
    running = np.abs(np.cumsum(wide, axis=axis))
    half = running.take([-1], axis=axis) / 2
    reached = running >= half
    if mask is not None:
        reached &= mask
    return np.asarray(positions[np.argmax(reached, axis=axis)])


def at_ranks(rows: Array, n: Array, ranks: Ranker) -> list[Array]:
    """Return the values of sorted rows at the ranks that a rule gives for each number of good pixels."""
    counts, which = np.unique(n, return_inverse=True)
    table = [ranks(int(k)) if k else (0,) for k in counts]
    width = max(len(t) for t in table)
    # one rank counts as two equal ones when other rows have two
    columns = np.array([t + (t[-1],) * (width - len(t)) for t in table])[which]
    return [np.take_along_axis(rows, columns[:, i : i + 1], 1)[:, 0] for i in range(width)]


def median_distance(rows: Array, n: Array, ranks: Ranker) -> Array:
    """Return the medians of the distances of sorted rows from their medians."""
    centre = mean_of(at_ranks(rows, n, ranks))
    finite = np.arange(rows.shape[1]) < n[:, None]
    distance = np.abs(rows - centre[:, None])
    distance[~finite] = np.inf
    distance.sort(axis=1)
    return mean_of(at_ranks(distance, n, ranks))


def middle_ranks(n: int) -> tuple[int, ...]:
    """Return the rank, or the two ranks, whose mean is the middle of n values, however many they are.

    >>> middle_ranks(5), middle_ranks(1000)
    ((2,), (499, 500))
    """
    return (n // 2,) if n % 2 else (n // 2 - 1, n // 2) if n else ()


def middle(rows: Array, n: Array) -> Array:
    """Return the middles of sorted rows."""
    return mean_of(at_ranks(rows, n, middle_ranks))


def middle_distance(rows: Array, n: Array) -> Array:
    """Return the middles of the distances of sorted rows from their middles."""
    return median_distance(rows, n, middle_ranks)


def mean_of(picked: list[Array]) -> Array:
    """Return the mean of one or two picked values."""
    half = picked[0].real.dtype.type(0.5)
    return picked[0] if len(picked) == 1 else half * picked[0] + half * picked[1]
