"""Running statistics of a lattice, updated strip by strip and merged block by block.

Everything is accumulated in Double (DComplex for complex values).  A nan among the good values makes every
statistic of order or size nan, as it does a sum.

The order of additions is fixed by the places of the pixels in their block, so that a sum has the same bits
however the block is cut into strips, whatever computes it, and for any number of threads: a block is cut
into pieces (`next_edge`), the pixels of a piece are dealt to `LANES` sums in turn, these are added up at the
end of the piece, the pieces in order within the block, the blocks in order of storage.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

from lattice.graph.blend import blank, scratch, select
from lattice.graph.sections import Section

__all__ = [
    "LANES",
    "AbsoluteDeviation",
    "Count",
    "Extrema",
    "Histogram",
    "Moments",
    "Powers",
    "State",
    "Sum",
    "Truth",
    "bin_numbers",
    "make_state",
    "next_edge",
]

Array = np.ndarray[Any, Any]

LANES = 512
_FIRST = 1 << 12  # pixels of the first piece: the mean of few is enough as a value near the mean of all
_PIECE = 1 << 20
_DOUBLE = np.dtype(np.float64)


def next_edge(at: int) -> int:
    """Return where in its block the piece ends that holds the pixel number `at`.

    >>> next_edge(0), next_edge(4096), next_edge(262144)
    (4096, 1048576, 1048576)
    """
    return _FIRST if at < _FIRST else (at // _PIECE + 1) * _PIECE


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

    def finish(self) -> None:
        """Give back what is of use during updates only: no more will come."""


class Count(State):
    """Number of good pixels."""

    name = "count"

    def __init__(self) -> None:
        self.n = 0

    def update(self, values: Array, mask: Array | None, section: Section) -> None:
        self.n += _count(values, mask)

    def merge(self, other: Count) -> None:
        self.n += other.n


class _Laned(State):
    """Sums over the pixels of a block, in the order that the top of this module tells.

    Attributes
    ----------
    at : int
        Pixels of the block that have been taken in, good or bad.
    lanes : ndarray
        Sums of the present piece: one row of `LANES` for each power that is summed.
    pivot : numpy scalar or None
        Value that is taken from each pixel before it is summed; None until there is one.
    """

    powers: ClassVar[int] = 1

    def __init__(self) -> None:
        self._n = 0
        self.at = 0
        self.lanes = np.zeros((self.powers, LANES))
        self.pivot: Any = None
        self._open_n = 0
        self._total: Any = 0.0

    @property
    def n(self) -> int:
        """Number of good pixels."""
        return self._n + self._open_n

    @property
    def total(self) -> Any:
        """Sum of the good pixels."""
        self.close()
        return self._total

    def update(self, values: Array, mask: Array | None, section: Section) -> None:
        if values.dtype.kind == "c":
            self._update_complex(values, mask)
            return
        flat = np.ascontiguousarray(values).reshape(-1)
        good = None if mask is None else np.ascontiguousarray(mask).reshape(-1)
        start = 0
        while start < flat.size:
            stop = min(flat.size, start + next_edge(self.at) - self.at)
            self._add(flat[start:stop], None if good is None else good[start:stop])
            start = stop

    def _add(self, flat: Array, mask: Array | None) -> None:
        """Take in pixels of one piece."""
        n_good = _count(flat, mask)
        if n_good:
            pivot = self.start(flat, mask)
            flat = _filled(flat, mask, 0 if pivot is None else pivot)
            phase = self.at % LANES
            head = min(flat.size, -phase % LANES)
            self._deal(flat[:head], phase, pivot)
            rows = (flat.size - head) // LANES * LANES
            self._deal(flat[head : head + rows], 0, pivot)
            self._deal(flat[head + rows :], 0, pivot)
        self.advance(flat.size, n_good)

    def start(self, flat: Array, mask: Array | None) -> Any:
        """Return what is taken from the pixels of the present piece."""
        return self.pivot

    def _deal(self, flat: Array, first: int, pivot: Any) -> None:
        """Add pixels to the lanes: whole rows, or a part of one."""
        if flat.size == 0:
            return
        whole = flat.size >= LANES
        rows = flat.size // LANES if whole else 1
        wide = scratch((rows + 1, LANES if whole else flat.size), _DOUBLE, 0)
        part = self.lanes[:, first : first + wide.shape[1]]
        np.subtract(flat.reshape(rows, -1), 0 if pivot is None else pivot, out=wide[1:], dtype=_DOUBLE)
        for power in range(self.powers):
            if power:
                np.multiply(wide[1:], wide[1:], out=wide[1:])
            wide[0] = part[power]
            # over the first axis numpy adds row after row
            np.add.reduce(wide, axis=0, out=part[power])

    def advance(self, n: int, n_good: int) -> None:
        """Note that so many pixels of the present piece were added to the lanes."""
        edge = next_edge(self.at)
        self.at += n
        self._open_n += n_good
        if self.at >= edge:
            self.close()

    def close(self) -> None:
        """Add the sums of the present piece to those of the block."""
        if self._open_n:
            n, self._open_n = self._open_n, 0
            self._close(n, [float(np.add.reduce(row)) for row in self.lanes])
            self.lanes[...] = 0

    def finish(self) -> None:
        self.close()
        self.lanes = self.lanes[:, :0].copy()

    def _close(self, n: int, sums: list[float]) -> None:
        raise TypeError("_Laned is abstract")

    def _update_complex(self, values: Array, mask: Array | None) -> None:
        raise TypeError("_Laned is abstract")


class Sum(_Laned):
    """Number and sum of the good pixels."""

    name = "sum"

    def _close(self, n: int, sums: list[float]) -> None:
        self._n += n
        self._total += sums[0]

    def _update_complex(self, values: Array, mask: Array | None) -> None:
        self._n += _count(values, mask)
        self._total += _complex_sums(_filled(values, mask, 0), 0.0, squares=False)[0]

    def merge(self, other: Sum) -> None:
        other.close()
        self.close()
        self._n += other._n
        self._total += other._total


class Moments(_Laned):
    """Number, sum and sum of squared deviations from the mean.

    Within a piece squares are summed about a value near the mean: the mean of the pieces before it in the
    block, for the first piece the first good number.  Pieces and blocks are combined by the formula of Chan,
    Golub & LeVeque 1983, The American Statistician 37, 242.  Both keep their precision when the mean is large
    against the spread.
    """

    name = "moments"
    powers = 2

    def __init__(self) -> None:
        super().__init__()
        self._m2: Any = 0.0

    @property
    def m2(self) -> Any:
        """Sum of the squared deviations from the mean."""
        self.close()
        return self._m2

    @property
    def mean(self) -> Any:
        """Mean of the good pixels; 0 if there is none."""
        return self.total / self.n if self.n else self.total

    def known_pivot(self, dtype: np.dtype[Any]) -> Any:
        """Return what is taken from the pixels of this piece, of their own type; None if not known yet."""
        if self.pivot is None and self._n:
            # a value in the type of the pixels fills bad ones exactly
            mean = dtype.type(self._total / self._n)
            self.pivot = mean if np.isfinite(mean) else dtype.type(0)
        return self.pivot

    def start(self, flat: Array, mask: Array | None) -> Any:
        if self.known_pivot(flat.dtype) is None:
            finite = np.isfinite(flat)
            if mask is not None:
                finite &= mask
            first = int(np.argmax(finite))
            if not finite[first]:
                return flat.dtype.type(0)  # inf or nan, whatever is taken from it
            self.pivot = flat[first]
        return self.pivot

    def _close(self, n: int, sums: list[float]) -> None:
        pivot = 0.0 if self.pivot is None else float(self.pivot)
        self.pivot = None
        total, square = sums
        self._combine(n, total + n * pivot, square - total * total / n)

    def _update_complex(self, values: Array, mask: Array | None) -> None:
        n = _count(values, mask)
        if n == 0:
            return
        pivot = values.dtype.type(self._complex_pivot(values, mask))
        total, square = _complex_sums(_filled(values, mask, pivot), complex(pivot), squares=True)
        self._combine(n, total + n * complex(pivot), square - total * total / n)

    def _complex_pivot(self, values: Array, mask: Array | None) -> Any:
        if self._n and np.isfinite(self._total):
            return self._total / self._n
        first = values.reshape(-1)[:1024]
        if mask is not None:
            first = first[mask.reshape(-1)[:1024]]
        middle = np.add.reduce(first) / max(1, first.size)
        return middle if np.isfinite(middle) else 0

    def merge(self, other: Moments) -> None:
        other.close()
        self.close()
        self._combine(other._n, other._total, other._m2)

    def _combine(self, n: int, total: Any, m2: Any) -> None:
        if n and self._n:
            delta = total / n - self._total / self._n
            m2 = m2 + delta * delta * (self._n * n / (self._n + n))
        self._n += n
        self._total += total
        self._m2 += m2


class AbsoluteDeviation(_Laned):
    """Number of good pixels and sum of their absolute distances from a centre."""

    name = "absdev"

    def __init__(self, center: Any) -> None:
        super().__init__()
        self.center = complex(center) if np.iscomplexobj(center) else float(center)

    def _add(self, flat: Array, mask: Array | None) -> None:
        distance = scratch((flat.size,), _DOUBLE, 5)
        np.subtract(flat, self.center, out=distance, dtype=_DOUBLE)
        np.abs(distance, out=distance)
        super()._add(distance, mask)

    def _close(self, n: int, sums: list[float]) -> None:
        self._n += n
        self._total += sums[0]

    def _update_complex(self, values: Array, mask: Array | None) -> None:
        self._n += _count(values, mask)
        distance = np.abs(np.subtract(values, self.center))
        self._total += float(np.add.reduce(_filled(distance, mask, 0)))

    def merge(self, other: AbsoluteDeviation) -> None:
        other.close()
        self.close()
        self._n += other._n
        self._total += other._total


class Powers(State):
    """Sums of powers of real pixels near a centre, and the values that are somewhat farther.

    With t the distance from the centre in units of a width, the powers 0 to 10 of t are summed where t is at
    most `inner`, and the values with t up to `outer` are kept, unless they are many.  Weighted sums about
    another centre nearby, with another width, follow from both.
    """

    name = "powers"
    degree: ClassVar[int] = 10

    def __init__(self, center: float, width: float, inner: float, outer: float) -> None:
        self.center = float(center)
        self.width = float(width)
        self.inner = float(inner)
        self.outer = float(outer)
        self.sums = np.zeros(self.degree + 1)
        self.kept: list[Array] | None = []
        self._n_kept = 0
        self._seen = 0

    def update(self, values: Array, mask: Array | None, section: Section) -> None:
        t = np.subtract(values, self.center, dtype=_DOUBLE).reshape(-1)
        t /= self.width
        size = np.abs(t)
        good = True if mask is None else np.ascontiguousarray(mask).reshape(-1)
        near = (size <= self.inner) & good
        self._seen += t.size
        if self.outer > self.inner and self.kept is not None:
            far = t[(size > self.inner) & (size <= self.outer) & good]
            self._n_kept += far.size
            if self._n_kept > _FEW_KEPT + self._seen // _SHARE_KEPT:
                self.kept = None
            elif far.size:
                self.kept.append(far)
        t[~near] = 0
        self.sums[0] += np.count_nonzero(near)
        power = t.copy()
        for k in range(1, self.degree + 1):
            self.sums[k] += np.add.reduce(power)
            power *= t

    def merge(self, other: Powers) -> None:
        self.sums += other.sums
        self.kept = None if self.kept is None or other.kept is None else self.kept + other.kept

    def weighted(self, polynomial: Array, center: float, width: float, reach: float) -> float | None:
        """Return the sum of a polynomial in the distance from a centre in units of a width, up to a reach.

        None where the powers do not tell: where the reach does not end between `inner` and `outer`.
        """
        shift, scale = (center - self.center) / self.width, width / self.width
        end = reach / self.width
        if self.kept is None or end - abs(shift) < self.inner or end + abs(shift) > self.outer:
            return None
        unit = np.polynomial.Polynomial([-shift / scale, 1 / scale])
        terms = np.polynomial.Polynomial(polynomial)(unit).coef
        total = float(np.dot(terms, self.sums[: terms.size]))
        if self.kept:
            u = (np.concatenate(self.kept) - shift) / scale
            total += float(np.add.reduce(np.polynomial.Polynomial(polynomial)(u[np.abs(u) * scale < end])))
        return total


_FEW_KEPT = 4096  # values that a block keeps of powers in any case
_SHARE_KEPT = 256  # and one of so many of its pixels


class Histogram(State):
    """Numbers of good real pixels in bins of equal width between two ends, both included."""

    name = "histogram"

    def __init__(self, low: float, high: float, nbins: int) -> None:
        self.low = float(low)
        self.high = float(high)
        self.counts = np.zeros(nbins, np.int64)

    def update(self, values: Array, mask: Array | None, section: Section) -> None:
        flat = values.reshape(-1)
        nbins = self.counts.size
        inside = (flat >= self.low) & (flat <= self.high)
        if mask is not None:
            inside &= np.ascontiguousarray(mask).reshape(-1)
        bins = bin_numbers(flat if inside.all() else flat[inside], self.low, self.high, nbins)
        self.counts += np.bincount(bins, minlength=nbins)

    def merge(self, other: Histogram) -> None:
        self.counts += other.counts


def bin_numbers(values: Array, low: Any, high: Any, nbins: int) -> Array:
    """Return the bin of each value; a value at an edge belongs to the bin above, at the last one below.

    >>> bin_numbers(np.array([0.0, 0.9, 1.0, 4.0]), 0.0, 4.0, 4).tolist()
    [0, 0, 1, 3]
    """
    width = (high - low) / nbins
    found = np.subtract(values, low, dtype=np.float64)
    found /= width
    bins = found.astype(np.int64)
    np.clip(bins, 0, nbins - 1, out=bins)
    # rounding, in the quotient and in the edges, must not move a value across an edge: look at those nearby
    found -= bins
    reach = 1e-8 + 2e-15 * np.maximum(np.abs(low), np.abs(high)) / width
    near = (found < reach) | (found > 1 - reach)
    if near.any():
        x, own = values[near], bins[near]
        first, step = (v if np.ndim(v) == 0 else np.broadcast_to(v, values.shape)[near] for v in (low, width))
        own -= (x < first + own * step) & (own > 0)
        own += (x >= first + (own + 1) * step) & (own < nbins - 1)
        bins[near] = own
    return bins


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


Part = tuple[Section, int, int]
"""A block, and the numbers of a first and last pixel of it."""

Extreme = tuple[float, Any, tuple[int, ...] | Part]
"""Size, value and place; the place can be a part of a block, in which it is still to be found."""


class Extrema(State):
    """Smallest and largest good pixel and the first place of each; complex numbers by modulus.

    A place is an index in the evaluated lattice, slowest axis first.
    """

    name = "extrema"

    def __init__(self) -> None:
        self.n = 0
        self.low: Extreme | None = None
        self.high: Extreme | None = None

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

    def offer(self, n: int, low: Any, high: Any, section: Section, start: int, stop: int) -> None:
        """Take in the extremes of pixels `start` to `stop` of a block, of which `n` are good."""
        self.n += n
        where = (section, start, stop)
        if self.low is None or _before(low, self.low[0]):
            self.low = (float(low), low, where)
        if self.high is None or _before(-high, -self.high[0]):
            self.high = (float(high), high, where)

    def parts(self) -> list[Part]:
        """Return the parts in which places are still to be found."""
        found = [e[2] for e in (self.low, self.high) if e is not None and e[2] and isinstance(e[2][0], tuple)]
        return [p for k, p in enumerate(found) if p not in found[:k]]

    def meet(self, part: Part, values: Array, mask: Array | None, section: Section) -> bool:
        """Look for the places of extremes that are in a part of a block; tell whether all are found.

        The pixels of the part have to be given in order, section by section.
        """
        self.low = self._met(self.low, part, values, mask, section)
        self.high = self._met(self.high, part, values, mask, section)
        return not any(e is not None and e[2] == part for e in (self.low, self.high))

    def _met(
        self, known: Extreme | None, part: Part, values: Array, mask: Array | None, section: Section
    ) -> Extreme | None:
        if known is None or known[2] != part:
            return known
        hits = np.isnan(values) if math.isnan(known[0]) else values == known[1]
        if mask is not None:
            hits &= mask
        first = int(np.argmax(hits))
        if not hits.flat[first]:
            return known
        at = np.unravel_index(first, values.shape)
        place = tuple(int(s.start + i * s.step) for s, i in zip(section, at, strict=True))
        return known[0], values[at], place

    @staticmethod
    def _fill(size: Array, mask: Array, value: float, slot: int) -> Array:
        """Return values with bad ones replaced by one that never wins."""
        out = scratch(size.shape, size.dtype, 3 + slot)
        select(mask, size, np.full((1,) * size.ndim, value, size.dtype), out=out)
        return out

    @staticmethod
    def _found(size: Any, where: Array, values: Array, mask: Array | None, section: Section) -> Extreme:
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
    s.name: s for s in (Count, Sum, Moments, AbsoluteDeviation, Histogram, Powers, Truth, Extrema)
}


def make_state(name: str, *scalars: Any) -> State:
    """Return fresh statistics of a kind."""
    return _STATES[name](*scalars)
