"""Running statistics of a lattice, updated strip by strip and merged block by block.

Everything is accumulated in Double (DComplex for complex values).  Updates come in storage order within
a block and merges in the order of blocks, so that a result does not depend on the number of threads.
A nan among the good values makes every statistic of order or size nan, as it does a sum.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

from lattice.graph.blend import scratch
from lattice.graph.sections import Section

__all__ = ["AbsoluteDeviation", "Count", "Extrema", "Moments", "State", "Sum", "Truth", "make_state"]

Array = np.ndarray[Any, Any]

# dot products of at most this many elements run in one thread in every BLAS
_DOT = 8192


def _wide(values: Array, slot: int = 0) -> Array:
    """Return values in double precision, flat and contiguous."""
    wide = np.dtype(np.complex128) if values.dtype.kind == "c" else np.dtype(np.float64)
    out = scratch(values.shape, wide, slot)
    np.copyto(out, values)
    return out.reshape(-1)


def _blank(values: Array, mask: Array | None) -> Array:
    """Set bad values to zero, in place."""
    if mask is not None:
        word = np.dtype(np.uint64)
        spread = scratch(values.shape, word, 2)
        np.negative(mask.reshape(-1).view(np.uint8), out=spread, dtype=word, casting="unsafe")
        bits = values.view(word).reshape(values.size, -1)
        np.bitwise_and(bits, spread[:, None], out=bits)
    return values


def _total(values: Array) -> Any:
    """Return the sum of contiguous doubles."""
    return np.add.reduce(values)


def _sum_of_squares(values: Array) -> Any:
    """Return the sum of values times themselves (no conjugate)."""
    total = values.dtype.type(0)
    for i in range(0, values.size, _DOT):
        piece = values[i : i + _DOT]
        total += np.dot(piece, piece)
    return total


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
        self.n += values.size if mask is None else int(np.count_nonzero(mask))

    def merge(self, other: Count) -> None:
        self.n += other.n


class Sum(State):
    """Number and sum of the good pixels."""

    name = "sum"

    def __init__(self) -> None:
        self.n = 0
        self.total: Any = 0.0

    def update(self, values: Array, mask: Array | None, section: Section) -> None:
        self.n += values.size if mask is None else int(np.count_nonzero(mask))
        self.total += _total(_blank(_wide(values), mask))

    def merge(self, other: Sum) -> None:
        self.n += other.n
        self.total += other.total


class Moments(State):
    """Number, sum and sum of squared deviations from the mean, by pairwise updates.

    The update is that of Chan, Golub & LeVeque 1983, The American Statistician 37, 242, which keeps its
    precision when the mean is large against the spread.
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
        n = values.size if mask is None else int(np.count_nonzero(mask))
        if n == 0:
            return
        wide = _blank(_wide(values), mask)
        total = _total(wide)
        np.subtract(wide, total / n, out=wide)
        self._combine(n, total, _sum_of_squares(_blank(wide, mask)))

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
        self.n += values.size if mask is None else int(np.count_nonzero(mask))
        wide = _wide(values)
        np.subtract(wide, self.center, out=wide)
        distance = np.abs(wide)
        self.total += float(_total(_blank(distance, mask)))

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
        if mask is None:
            n, for_low, for_high = values.size, size, size
        else:
            n = int(np.count_nonzero(mask))
            if n == 0:
                return
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
        from lattice.graph.blend import select

        out = np.empty(size.shape, size.dtype) if size.dtype.itemsize not in (4, 8) else scratch(
            size.shape, size.dtype, 3 + slot
        )
        select(mask, size, np.full(1, value, size.dtype).reshape((1,) * max(1, size.ndim)), out=out)
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


_STATES: dict[str, type[State]] = {s.name: s for s in (Count, Sum, Moments, AbsoluteDeviation, Truth, Extrema)}


def make_state(name: str, *scalars: Any) -> State:
    """Return fresh statistics of a kind."""
    return _STATES[name](*scalars)
