"""Exact order statistics without sorting the image.

A sample brackets each wanted value; one pass over the lattice counts what lies below and above the
bracket and keeps the few values inside, among which the wanted rank is then found.  If the rank turns out
to lie outside, passes over histograms of the bit patterns narrow it down, whatever the distribution.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lattice.execute.buffers import memory
from lattice.graph.blend import scratch
from lattice.graph.sections import Section, n_pixels, shape_of, split
from lattice.ops.sorting import put_in_place

__all__ = [
    "Bracket",
    "KeyRange",
    "OrderSink",
    "Outcome",
    "Sample",
    "SampleSink",
    "Tally",
    "around",
    "brackets",
    "narrow",
    "pick",
    "sample_sections",
    "value_of_key",
]

Array = np.ndarray[Any, Any]

COLLECT_ALL = 1 << 20  # lattices of at most this many pixels are kept whole
_PIECES = 128  # at least so many pieces are sampled
_PIECES_MOST = 8192
_PIECE = 2048
_PART = 256  # about one pixel of so many is sampled in a large lattice
_BINS = 1 << 12
_FEW = 16  # pieces of kept values that are not worth to be put together


@dataclass(frozen=True)
class Bracket:
    """Values from `low` to `high` are kept, as long as there are at most `limit` of them."""

    low: float = -math.inf
    high: float = math.inf
    limit: int = 1 << 62


@dataclass(frozen=True)
class KeyRange:
    """Bit patterns from `low` to `high` (both included) are counted in bins of `width`."""

    low: int
    high: int
    width: int


@dataclass
class Outcome:
    """What a pass found for one bracket; values that are not numbers count as inside, but are not kept."""

    n_below: int = 0
    n_above: int = 0
    n_inside: int = 0
    n_nan: int = 0
    kept: list[Array] = field(default_factory=list)
    histogram: Array | None = None

    def merge(self, other: Outcome, limit: int) -> None:
        """Take in what a later block found."""
        self.n_below += other.n_below
        self.n_above += other.n_above
        self.n_inside += other.n_inside
        self.n_nan += other.n_nan
        if self.n_inside > limit:
            self.kept = []
        else:
            self.kept += other.kept
        if other.histogram is not None:
            self.histogram = other.histogram if self.histogram is None else self.histogram + other.histogram

    @property
    def n(self) -> int:
        """Number of good pixels."""
        return self.n_below + self.n_inside + self.n_above


def sample_sections(shape: tuple[int, ...], tile: tuple[int, ...], direct: bool) -> list[Section]:
    """Return small sections spread over a lattice, always the same ones.

    Where small reads cost little, pieces of a row or so, the more the larger the lattice: what a bracket
    keeps then grows with the square root of the number of pixels only.  Else a few whole tiles.
    """
    whole = tuple(slice(0, n, 1) for n in shape)
    if direct:
        counts = shape_of(next(split(whole, _PIECE)))
        pieces = max(_PIECES, min(_PIECES_MOST, math.prod(shape) // (_PART * _PIECE)))
    else:
        counts = tuple(min(t, n) for t, n in zip(tile, shape, strict=True))
        pieces = max(8, min(_PIECES, math.prod(shape) // (20 * math.prod(counts))))
    boxes = [-(-n // c) for n, c in zip(shape, counts, strict=True)]
    total = math.prod(boxes)
    # steps of the golden ratio fill the lattice evenly without keeping step with its rows
    numbers = sorted({int((0.5 + i * 0.6180339887498949) % 1.0 * total) for i in range(pieces)})
    starts = [at * c for at, c in zip(np.unravel_index(numbers, boxes), counts, strict=True)]
    return [
        tuple([slice(i, min(n, i + c), 1) for i, c, n in zip(place, counts, shape, strict=True)])
        for place in zip(*(s.tolist() for s in starts), strict=True)
    ]


@dataclass(frozen=True)
class SampleSink:
    """Keeps the good values of a section, thinned out to at most `limit`."""

    limit: int = 1 << 14

    def start(self, section: Section) -> _Sample:
        return _Sample(max(1, n_pixels(section) // self.limit))


class _Sample:
    def __init__(self, step: int) -> None:
        self.step = step
        self.kept: list[Array] = []

    def take(self, piece: Section, values: Array, mask: Array | None) -> None:
        shape = shape_of(piece)
        flat = np.broadcast_to(values, shape).reshape(-1)[:: self.step]
        good = flat == flat
        if mask is not None:
            good &= np.broadcast_to(mask, shape).reshape(-1)[:: self.step]
        self.kept.append(flat[good])

    def finish(self) -> Array:
        return np.concatenate(self.kept)


class Sample:
    """Good values of small sections of a lattice.

    Parameters
    ----------
    values : ndarray
        The values, section by section; none is nan.
    sizes : ndarray of int
        How many each section has.

    Attributes
    ----------
    n : int
        How many there are.
    values : ndarray
        All of them, section by section.
    ordered : ndarray
        In rising order.
    """

    def __init__(self, values: Array, sizes: Array) -> None:
        self._sizes = sizes[sizes > 0]
        stops = np.cumsum(self._sizes).tolist()
        self._places = list(zip([0, *stops], stops, strict=False))
        self.values = values
        # once and for all: numpy sorts with vector instructions
        self.ordered: Array = np.sort(values)
        self.n = values.size
        self._flags = np.empty((2, self.n), bool)

    @classmethod
    def of(cls, sections: Sequence[Array]) -> Sample:
        """Return a sample of the values of each section."""
        values = np.concatenate(sections) if sections else np.empty(0)
        return cls(values, np.array([s.size for s in sections], np.int64))

    def margin(self, high: float, low: float = -math.inf) -> int:
        """Return how far off the number of values from `low` to `high` may be, of so many.

        Pixels of one section are alike, so the uncertainty of a fraction is taken from its scatter between
        the sections (cluster sampling; Cochran 1977, Sampling Techniques, chapter 9), not from the number
        of pixels alone.
        """
        inside, above = self._flags
        with np.errstate(all="ignore"):
            np.less_equal(self.values, self.values.dtype.type(high), out=inside)
            if low > -math.inf:
                np.greater_equal(self.values, self.values.dtype.type(low), out=above)
                inside &= above
        k = self._sizes.size
        # piece by piece: numpy adds up truth values at a tenth of the speed
        fractions = np.array([np.count_nonzero(inside[i:j]) for i, j in self._places]) / self._sizes
        weights = self._sizes / self.n
        mean = float(np.sum(weights * fractions))
        scatter = math.sqrt(float(np.sum((weights * (fractions - mean)) ** 2)) * k / max(1, k - 1))
        plain = math.sqrt(max(mean * (1 - mean), 1 / self.n) / self.n)
        return math.ceil(5 * self.n * max(scatter, plain)) + 2


def brackets(sample: Sample, wanted: Sequence[Any], n_all: int) -> tuple[Bracket, ...]:
    """Return values that enclose the wanted ranks with near certainty, judged by a sample.

    Parameters
    ----------
    sample : Sample
        Good values.
    wanted : sequence of callable
        Each gives, for a number of good pixels, the wanted ranks.
    n_all : int
        Pixels of the whole lattice.

    Returns
    -------
    tuple of Bracket
        In rising order and disjoint.
    """
    n, values = sample.n, sample.ordered
    if n < 64:
        return (Bracket(),)
    spans: list[list[int]] = []
    for rank in sorted({r for ranks_of in wanted for r in ranks_of(n)}):
        margin = sample.margin(float(values[rank]))
        if spans and rank - margin <= spans[-1][1]:
            spans[-1][1] = max(spans[-1][1], rank + margin)
        else:
            spans.append([rank - margin, rank + margin])
    return tuple(
        Bracket(
            float(values[first]) if first >= 0 else -math.inf,
            float(values[last]) if last < n else math.inf,
            int(4 * (last - first + 1) / n * n_all) + (1 << 20),
        )
        for first, last in spans
    )


class Tally:
    """How many values all blocks of a process keep for each bracket, so that together they keep to the limit.

    Once there are more than the limit none of them is of use, whichever blocks they come from.
    """

    def __init__(self) -> None:
        self._kept: dict[int, int] = {}
        self._lock = threading.Lock()
        self._lent: list[Array] = []

    def __reduce__(self) -> tuple[Any, ...]:
        return (Tally, ())

    def lend(self, nbytes: int) -> Array:
        """Return memory for values that are kept, until `release`."""
        self._lent.append(memory.take(nbytes))
        return self._lent[-1][:nbytes]

    def release(self) -> None:
        """Let others have the memory: nobody looks at what was kept any more."""
        memory.give(self._lent)
        self._lent = []

    def is_full(self, number: int, limit: int) -> bool:
        """Tell whether the limit of a bracket is passed."""
        return self._kept.get(number, 0) > limit

    def add(self, number: int, n: int, limit: int) -> bool:
        """Note that values are to be kept for a bracket; tell whether they may be."""
        with self._lock:
            self._kept[number] = self._kept.get(number, 0) + n
        return not self.is_full(number, limit)


@dataclass(frozen=True)
class OrderSink:
    """Counts and keeps what the brackets of one lattice ask for."""

    wanted: tuple[Bracket | KeyRange, ...]
    tally: Tally = field(default_factory=Tally, compare=False, repr=False)
    least: int = 1  # for how many brackets a loop is made at least, so that it serves again

    def start(self, section: Section) -> _Order:
        return _Order(self.wanted, self.tally)


class _Order:
    def __init__(self, wanted: tuple[Bracket | KeyRange, ...], tally: Tally) -> None:
        self.wanted = wanted
        self.tally = tally
        self.outcomes = [Outcome() for _ in wanted]

    def take(self, piece: Section, values: Array, mask: Array | None) -> None:
        shape = shape_of(piece)
        if values.shape != shape:
            values = np.broadcast_to(values, shape)
        if mask is not None and mask.shape != shape:
            mask = np.broadcast_to(mask, shape)
        n_good = values.size if mask is None else int(np.count_nonzero(mask))
        if n_good == 0:
            return
        for number, (wanted, outcome) in enumerate(zip(self.wanted, self.outcomes, strict=True)):
            if isinstance(wanted, Bracket):
                self._collect(number, wanted, values, mask, n_good)
            else:
                _count_keys(wanted, outcome, values if mask is None else values[mask])

    def _collect(self, number: int, wanted: Bracket, values: Array, mask: Array | None, n_good: int) -> None:
        kind = values.dtype.type
        # as few calls as can be: between calls threads wait for each other
        reached = scratch(values.shape, _BOOL, 5)
        np.greater_equal(values, kind(wanted.low), out=reached)
        if mask is not None:
            np.logical_and(reached, mask, out=reached)
        n_reached = int(np.count_nonzero(reached))
        inside = scratch(values.shape, _BOOL, 6)
        np.less_equal(values, kind(wanted.high), out=inside)
        np.logical_and(inside, reached, out=inside)
        kept = None
        if not self.tally.is_full(number, wanted.limit):
            kept = values.reshape(-1).compress(inside.reshape(-1))
        n_inside = int(np.count_nonzero(inside)) if kept is None else kept.size
        self.note(number, n_good, _count_nan(values, mask), n_reached, n_inside, kept)

    def note(
        self, number: int, n_good: int, n_nan: int, n_reached: int, n_inside: int, kept: Array | None
    ) -> bool:
        """Take in how many pixels reach a bracket and lie inside, and these; tell whether they are kept."""
        wanted, outcome = self.wanted[number], self.outcomes[number]
        assert isinstance(wanted, Bracket)
        outcome.n_nan += n_nan
        outcome.n_inside += n_inside + n_nan
        outcome.n_above += n_reached - n_inside
        outcome.n_below += n_good - n_reached - n_nan
        if self.tally.is_full(number, wanted.limit):
            outcome.kept = []
        elif kept is not None and kept.size and self.tally.add(number, kept.size, wanted.limit):
            outcome.kept.append(kept)
            return True
        return False

    def finish(self) -> list[Outcome]:
        """Return what was found, the kept values of the block in few pieces."""
        for outcome in self.outcomes:
            if len(outcome.kept) > _FEW:
                outcome.kept = [np.concatenate(outcome.kept)]
        return self.outcomes


def _count_nan(values: Array, mask: Array | None) -> int:
    if not np.isnan(np.minimum.reduce(values, axis=None)):
        return 0
    wrong = np.isnan(values)
    return int(np.count_nonzero(wrong if mask is None else np.logical_and(wrong, mask)))


_BOOL = np.dtype(np.bool_)


def keys_of(values: Array) -> Array:
    """Return unsigned integers that sort like the values, nan last."""
    signed = np.dtype(np.int32 if values.dtype.itemsize == 4 else np.int64)
    unsigned = np.dtype(np.uint32 if values.dtype.itemsize == 4 else np.uint64)
    bits = np.ascontiguousarray(values + 0.0).view(signed)  # -0.0 becomes 0.0
    bits = np.where(np.isnan(values), signed.type((1 << (8 * signed.itemsize - 1)) - 1), bits)
    flipped = np.where(
        bits < 0, ~bits.view(unsigned), bits.view(unsigned) | unsigned.type(1 << (8 * unsigned.itemsize - 1))
    )
    return np.asarray(flipped, unsigned)


def value_of_key(key: int, dtype: np.dtype[Any]) -> Any:
    """Return the value whose key this is."""
    unsigned = np.dtype(np.uint32 if dtype.itemsize == 4 else np.uint64)
    top = 1 << (8 * unsigned.itemsize - 1)
    bits = key ^ top if key & top else ~key & (2 * top - 1)
    return np.array(bits, unsigned).view(dtype)[()]


def _count_keys(wanted: KeyRange, outcome: Outcome, values: Array) -> None:
    keys = keys_of(values.reshape(-1))
    kind = keys.dtype.type
    below, above = keys < kind(wanted.low), keys > kind(wanted.high)
    outcome.n_below += int(np.count_nonzero(below))
    outcome.n_above += int(np.count_nonzero(above))
    inside = keys[~(below | above)]
    outcome.n_inside += inside.size
    bins = ((inside - kind(wanted.low)) // kind(wanted.width)).astype(np.int64)
    n_bins = -(-(wanted.high - wanted.low + 1) // wanted.width)
    counts = np.bincount(bins, minlength=n_bins)
    outcome.histogram = counts if outcome.histogram is None else outcome.histogram + counts


def key_range(low: int, high: int) -> KeyRange:
    """Return a range of keys with its bins."""
    return KeyRange(low, high, max(1, -(-(high - low + 1) // _BINS)))


def around(
    searches: Sequence[Any], outcomes: Sequence[Outcome], rank: int, dtype: np.dtype[Any]
) -> tuple[KeyRange, int]:
    """Return the keys among which a rank lies, which no bracket gave, and how many values have them."""
    # no keys beyond these are of numbers, and a bracket that ended at nan would hold nothing
    low, high = (int(keys_of(np.array([v], dtype))[0]) for v in (-np.inf, np.inf))
    first, last = 0, outcomes[0].n
    for search, outcome in zip(searches, outcomes, strict=True):
        start, stop = (int(keys_of(np.array([v], dtype))[0]) for v in (search.low, search.high))
        if rank < outcome.n_below:
            high, last = min(high, start - 1), min(last, outcome.n_below)
        elif rank >= outcome.n_below + outcome.n_inside:
            low, first = max(low, stop + 1), max(first, outcome.n_below + outcome.n_inside)
        else:
            low, high = max(low, start), min(high, stop)
            first, last = max(first, outcome.n_below), min(last, outcome.n_below + outcome.n_inside)
    return key_range(low, high), last - first


def narrow(wanted: KeyRange, outcome: Outcome, rank: int) -> tuple[KeyRange, int]:
    """Return the bin that holds a rank, as the range of the next pass, and how many values are in it."""
    assert outcome.histogram is not None
    cumulated = np.cumsum(outcome.histogram)
    bin_number = int(np.searchsorted(cumulated, rank - outcome.n_below, side="right"))
    low = wanted.low + bin_number * wanted.width
    high = min(wanted.high, low + wanted.width - 1)
    return key_range(low, high), int(outcome.histogram[bin_number])


def pick(searches: Sequence[Any], outcomes: Sequence[Outcome], ranks: Sequence[int]) -> dict[int, Any]:
    """Return the values at those of the wanted ranks that are among the values kept, which are moved."""
    found: dict[int, Any] = {}
    for search, outcome in zip(searches, outcomes, strict=True):
        inside = [r for r in ranks if outcome.n_below <= r < outcome.n_below + outcome.n_inside]
        if not inside or outcome.n_inside > search.limit:
            continue
        kept = outcome.kept[0] if len(outcome.kept) == 1 else np.concatenate(outcome.kept)
        outcome.kept = [kept]
        put_in_place(kept, [r - outcome.n_below for r in inside])
        # zeros are in no order among themselves: which of them has the rank depends on how they were cut
        found |= {r: kept[r - outcome.n_below] + 0 for r in inside}
    return found
