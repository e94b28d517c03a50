"""Running statistics of a lattice, updated strip by strip and merged block by block.

Everything is accumulated in Double (DComplex for complex values).  Updates come in storage order within
a block and merges in the order of blocks, so that a result does not depend on the number of threads.
A nan among the good values makes every statistic of order or size nan, as it does a sum.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

from lattice.graph.blend import blank, scratch, select
from lattice.graph.sections import Section

__all__ = ["AbsoluteDeviation", "Count", "Extrema", "Moments", "State", "Sum", "Truth", "make_state"]

Array = np.ndarray[Any, Any]

# Dot products of this length run in one thread in every BLAS, and their sums pairwise over rows.
_DOT = 8192
_PIECE = 8 * _DOT
_ONES = np.ones(_DOT)
_DOUBLE = np.dtype(np.float64)


def _filled(values: Array, mask: Array | None, fill: Any) -> Array:
    """Return values, flat and contiguous, with bad ones replaced; memory of this thread, or the values."""
    flat = np.ascontiguousarray(values).reshape(-1)
    if mask is None:
        return flat
    out = scratch((values.size,), values.dtype, 1)
    if fill == 0 and values.dtype.itemsize in (4, 8):
        blank(np.ascontiguousarray(mask).reshape(-1), flat, out=out)
        return out
    select(np.ascontiguousarray(mask).reshape(-1), flat, np.full(1, fill, values.dtype), out=out)
    return out


def _sums(values: Array, shift: Any, squares: bool) -> tuple[Any, Any]:
    """Return the sum of (values - shift) and, if asked for, of its square, in double precision.

    Few calls on many pixels each: threads that wait for each other between calls lose more than caches gain.
    """
    if not squares and not shift:
        return float(np.add.reduce(values, dtype=_DOUBLE)), 0.0
    wide = scratch((values.size,), _DOUBLE, 0)
    np.subtract(values, shift, out=wide, dtype=_DOUBLE)
    whole = wide.size - wide.size % _DOT
    rows, rest = wide[:whole].reshape(-1, _DOT), wide[whole:]
    total = float(np.add.reduce(np.vecdot(rows, _ONES))) + float(np.add.reduce(rest))
    square = float(np.add.reduce(np.vecdot(rows, rows))) + float(np.vecdot(rest, rest))
    return total, square


def _complex_sums(values: Array, shift: Any, squares: bool) -> tuple[Any, Any]:
    """Return the sums of complex values, and of plain squares."""
    wide = values.astype(np.complex128) - shift
    return complex(np.add.reduce(wide)), complex(np.add.reduce(wide * wide)) if squares else 0.0


def _count(values: Array, mask: Array | None) -> int:
    return int(values.size if mask is None else np.count_nonzero(mask))


class State:
    """Base of running statistics."""

    name: ClassVar[str] = ""

    def update(self, values: Array, mask: Array | None, section: Section) -> None:
        """Take in the pixels of a section; `mask` is None where all are good."""
        raise TypeError("State is abstract")

    def merge(self, other: Any) -> None:
        """Take in the statistics of a later block."""
        raise TypeError("State is abstract")


class Count(State):
    """Number of good pixels."""

    name = "count"

    def __init__(self) -> None:
        self.n = 0

    def update(self, values: Array, mask: Array | None, section: Section) -> None:
        self.n += _count(values, mask)

    def merge(self, other: Count) -> None:
        self.n += other.n


class Sum(State):
    """Number and sum of the good pixels."""

    name = "sum"

    def __init__(self) -> None:
        self.n = 0
        self.total: Any = 0.0

    def update(self, values: Array, mask: Array | None, section: Section) -> None:
        self.n += _count(values, mask)
        sums = _complex_sums if values.dtype.kind == "c" else _sums
        self.total += sums(_filled(values, mask, 0), 0.0, squares=False)[0]

    def merge(self, other: Sum) -> None:
        self.n += other.n
        self.total += other.total


class Moments(State):
    """Number, sum and sum of squared deviations from the mean.

    Within a strip squares are summed about a value near the mean; strips and blocks are combined by the
    formula of Chan, Golub & LeVeque 1983, The American Statistician 37, 242.  Both keep their precision
    when the mean is large against the spread.
    """

    name = "moments"

    def __init__(self) -> None:
        self.n = 0
        self.total: Any = 0.0
        self.m2: Any = 0.0

    @property
    def mean(self) -> Any:
        """Mean of the good pixels; 0 if there is none."""
        return self.total / self.n if self.n else self.total

    def update(self, values: Array, mask: Array | None, section: Section) -> None:
        n = _count(values, mask)
        if n == 0:
            return
        # any value near the mean will do as a shift; one in the type of the pixels fills bad ones exactly
        pivot = values.dtype.type(self._pivot(values, mask))
        wide = complex(pivot) if values.dtype.kind == "c" else float(pivot)
        sums = _complex_sums if values.dtype.kind == "c" else _sums
        total, square = sums(_filled(values, mask, pivot), wide, squares=True)
        self._combine(n, total + n * wide, square - total * total / n)

    def _pivot(self, values: Array, mask: Array | None) -> Any:
        if self.n and np.isfinite(self.total):
            return self.total / self.n
        first = values.reshape(-1)[:1024]
        if mask is not None:
            first = first[mask.reshape(-1)[:1024]]
        middle = np.add.reduce(first) / max(1, first.size)
        return middle if np.isfinite(middle) else 0

    def merge(self, other: Moments) -> None:
        self._combine(other.n, other.total, other.m2)

    def _combine(self, n: int, total: Any, m2: Any) -> None:
        if n and self.n:
            delta = total / n - self.total / self.n
            m2 = m2 + delta * delta * (self.n * n / (self.n + n))
        self.n += n
        self.total += total
        self.m2 += m2


class AbsoluteDeviation(State):
    """Number of good pixels and sum of their absolute distances from a centre."""

    name = "absdev"

    def __init__(self, center: Any) -> None:
        self.n = 0
        self.total = 0.0
        self.center = complex(center) if np.iscomplexobj(center) else float(center)

    def update(self, values: Array, mask: Array | None, section: Section) -> None:
        self.n += _count(values, mask)
        flat = _filled(values, mask, self.center)
        for i in range(0, flat.size, _PIECE):
            self.total += float(np.add.reduce(np.abs(np.subtract(flat[i : i + _PIECE], self.center))))

    def merge(self, other: AbsoluteDeviation) -> None:
        self.n += other.n
        self.total += other.total


class Truth(State):
    """Numbers of good pixels that are T and F."""

    name = "truth"

    def __init__(self) -> None:
        self.n_true = 0
        self.n_false = 0

    def update(self, values: Array, mask: Array | None, section: Section) -> None:
        if mask is None:
            true, n = int(np.count_nonzero(values)), values.size
        else:
            true, n = int(np.count_nonzero(values & mask)), int(np.count_nonzero(mask))
        self.n_true += true
        self.n_false += n - true

    def merge(self, other: Truth) -> None:
        self.n_true += other.n_true
        self.n_false += other.n_false


class Extrema(State):
    """Smallest and largest good pixel and the first place of each; complex numbers by modulus.

    A place is an index in the evaluated lattice, slowest axis first.
    """

    name = "extrema"

    def __init__(self) -> None:
        self.n = 0
        self.low: tuple[float, Any, tuple[int, ...]] | None = None  # (size, value, place)
        self.high: tuple[float, Any, tuple[int, ...]] | None = None

    def update(self, values: Array, mask: Array | None, section: Section) -> None:
        size = values
        if values.dtype.kind == "c":
            size = values.real.astype(np.float64) ** 2 + values.imag.astype(np.float64) ** 2
        n = _count(values, mask)
        if n == 0:
            return
        for_low = for_high = size
        if mask is not None:
            for_low = self._fill(size, mask, np.inf, 0)
            for_high = self._fill(size, mask, -np.inf, 1)
        self.n += n
        low, high = np.minimum.reduce(for_low, axis=None), np.maximum.reduce(for_high, axis=None)
        if self.low is None or _before(low, self.low[0]):
            self.low = self._found(low, for_low, values, mask, section)
        if self.high is None or _before(-high, -self.high[0]):
            self.high = self._found(high, for_high, values, mask, section)

    @staticmethod
    def _fill(size: Array, mask: Array, value: float, slot: int) -> Array:
        """Return values with bad ones replaced by one that never wins."""
        out = scratch(size.shape, size.dtype, 3 + slot)
        select(mask, size, np.full((1,) * size.ndim, value, size.dtype), out=out)
        return out

    @staticmethod
    def _found(
        size: Any, where: Array, values: Array, mask: Array | None, section: Section
    ) -> tuple[float, Any, tuple[int, ...]]:
        hits = np.isnan(where) if math.isnan(size) else where == size
        if mask is not None:
            hits = hits & mask
        at = np.unravel_index(int(np.argmax(hits)), where.shape)
        place = tuple(int(s.start + i * s.step) for s, i in zip(section, at, strict=True))
        return float(size), values[at], place

    def merge(self, other: Extrema) -> None:
        self.n += other.n
        if other.low is not None and (self.low is None or _before(other.low[0], self.low[0])):
            self.low = other.low
        if other.high is not None and (self.high is None or _before(-other.high[0], -self.high[0])):
            self.high = other.high


def _before(a: float, b: float) -> bool:
    """Tell whether a replaces b as the smallest so far: it is smaller, or the first nan."""
    return a < b or (math.isnan(a) and not math.isnan(b))


_STATES: dict[str, type[State]] = {
    s.name: s for s in (Count, Sum, Moments, AbsoluteDeviation, Truth, Extrema)
}


def make_state(name: str, *scalars: Any) -> State:
    """Return fresh statistics of a kind."""
    return _STATES[name](*scalars)
