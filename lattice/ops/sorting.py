"""Order statistics along axes: what belongs together is sorted, a small slab at a time.

Where the fastest axis stays, many columns are sorted at a time by compiled loops, as they lie in memory.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lattice.graph.blend import select
from lattice.graph.sections import full, split
from lattice.native.columns import LANES, MOST, sort_columns
from lattice.native.machine import pays

__all__ = [
    "LONG",
    "AtRanks",
    "at_distances",
    "at_ranks",
    "mean_of",
    "median_distance",
    "middle_distance",
    "middle_ranks",
    "order_statistics",
    "put_in_place",
    "where_half",
]

Array = np.ndarray[Any, Any]
LONG = 1 << 16  # pixels from which on a row is sorted by itself, and nothing as long is made of it
_SORTED = 1 << 16  # pixels that are turned and sorted at once: they stay in the cache
_SLAB = 1 << 17  # and those that are sorted in columns

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
    m = math.prod(values.shape[a] for a in axes)
    masks: list[Array | None] = [None if mask is None and m > 0 else np.zeros(shape, bool) for _ in requests]
    if m == 0 or not requests or 0 in shape:
        return masks
    if _lies_in_columns(values, axes):
        slabs = _columns(values, mask, axes)
    else:
        picked_at = [r.ranks for r in requests if isinstance(r, AtRanks)]
        slabs = _rows(values, mask, axes, picked_at if len(picked_at) == len(requests) else None)
    for tile, rows, n, wrong in slabs:
        for k, (request, out) in enumerate(zip(requests, outs, strict=True)):
            picked = request(rows, n)
            some = n > 0
            if isinstance(picked, tuple):
                picked, some = picked
                if masks[k] is None and not some.all():
                    masks[k] = np.ones(shape, bool)
            # a nan among the good values makes the statistic nan, as it does a sum
            picked = np.where(wrong, np.nan, picked) if wrong.any() else picked
            # of zeros of either sign there is one
            out.reshape(-1)[tile] = picked + picked.dtype.type(0)
            own = masks[k]
            if own is not None:
                own.reshape(-1)[tile] = some
    return masks


Slab = tuple[slice, Array, Array, Array]
"""Which of the results, sorted rows, numbers of good pixels, and where one of these is nan."""


def _rows(
    values: Array, mask: Array | None, axes: tuple[int, ...], wanted: Sequence[Ranker] | None
) -> Iterator[Slab]:
    """Turn a small slab at a time so that the pixels that belong together are a row, and sort the rows.

    Of a long row only the values at the `wanted` ranks are put in their places, if that is all that counts.
    """
    kept = [a for a in range(values.ndim) if a not in axes]
    turned = values.transpose(*kept, *axes)
    good = None if mask is None else mask.transpose(*kept, *axes)
    shape = tuple(values.shape[a] for a in kept)
    m = math.prod(values.shape[a] for a in axes)
    done = 0
    for tile in split(full(shape), max(1, _SORTED // m)):  # in the order of the results
        rows = np.array(turned[tile], order="C").reshape(-1, m)
        if good is None:
            n = np.full(rows.shape[0], m)
        else:
            keep = np.ascontiguousarray(good[tile]).reshape(-1, m)
            select(keep, rows, np.full((1, 1), np.inf, rows.dtype), out=rows)
            n = np.count_nonzero(keep, axis=1)
        if wanted is not None and m >= LONG and rows.dtype.kind == "f":
            for row, k in zip(rows, n.tolist(), strict=True):
                put_in_place(row, [rank for ranks in wanted for rank in (ranks(k) if k else ())])
            wrong = np.isnan(rows.max(axis=1))
        else:
            rows = _in_order(rows)
            wrong = np.isnan(rows[:, -1])
        yield slice(done, done + len(rows)), rows, n, wrong
        done += len(rows)


def _lies_in_columns(values: Array, axes: tuple[int, ...]) -> bool:
    """Tell whether compiled loops sort the pixels as they lie."""
    lead = max(axes) + 1
    m = math.prod(values.shape[a] for a in axes)
    # one axis that goes, or several in front
    alone = len(axes) == 1 or lead == len(axes)
    wide = math.prod(values.shape[lead:]) >= LANES
    real = values.dtype.kind == "f" and values.flags.c_contiguous
    return alone and wide and real and 1 < m <= MOST and pays(values.size)


def _columns(values: Array, mask: Array | None, axes: tuple[int, ...]) -> Iterator[Slab]:
    """Sort many columns at a time; what is yielded is valid until the next slab."""
    first, lead = min(axes), max(axes) + 1
    m = math.prod(values.shape[a] for a in axes)
    width = math.prod(values.shape[lead:])
    outer = math.prod(values.shape[:first])
    cells = values.reshape(outer, m, width)
    good = None if mask is None else np.ascontiguousarray(mask).reshape(cells.shape)
    part = min(width, max(LANES, _SLAB // m))
    rows = np.empty((m, part), values.dtype)
    n, wrong = np.empty(part, np.int32), np.empty(part, bool)
    for cell in range(outer):
        for start in range(0, width, part):
            # the last columns of all may be sorted twice, as there have to be some
            stop = min(width, start + part)
            begin = max(0, min(start, stop - LANES))
            own = slice(start - begin, stop - begin)
            here = slice(0, stop - begin)
            keep = None if good is None else good[cell, :, begin:stop]
            sort_columns(cells[cell, :, begin:stop], keep, rows[:, here], n[here], wrong[here])
            yield slice(cell * width + start, cell * width + stop), rows[:, own].T, n[own], wrong[own]


def _in_order(rows: Array) -> Array:
    """Return rows sorted; complex values by modulus, nan last."""
    if rows.dtype.kind != "c":
        turned = not rows.flags.c_contiguous and rows.T.flags.c_contiguous
        if turned and len(rows) >= LANES:
            return _columns_in_order(rows.T).T
        rows.sort(axis=1)
        return rows
    return np.take_along_axis(rows, np.argsort(np.abs(rows), axis=1, kind="stable"), 1)


def _columns_in_order(columns: Array) -> Array:
    """Return columns sorted, none of which has a nan."""
    n = columns.shape[1]
    out = np.empty_like(columns)
    sort_columns(columns, None, out, np.empty(n, np.int32), np.empty(n, bool))
    return out


def where_half(values: Array, mask: Array | None, axis: int, positions: Array) -> Array:
    """Return the coordinate along an axis at which the running sum first reaches half of the whole."""
    lines = values.reshape(math.prod(values.shape[:axis]), values.shape[axis], -1)
    good = None if mask is None else mask.reshape(lines.shape)
    rows, length, columns = lines.shape
    out = np.empty((rows, columns), positions.dtype)
    # running sums are in double precision: some at a time
    wide = max(1, _SLAB // max(1, length))
    high = max(1, wide // max(1, columns))
    for row in range(0, rows, high):
        for first in range(0, columns, wide):
            here = (slice(row, row + high), slice(None), slice(first, first + wide))
            sums = lines[here].astype(np.float64)
            if good is not None:
                sums[~good[here]] = 0
            sums = np.abs(np.cumsum(sums, axis=1))
            reached = sums >= sums[:, -1:] / 2
            if good is not None:
                reached &= good[here]
            out[here[0], here[2]] = positions[np.argmax(reached, axis=1)]
    return out.reshape(values.shape[:axis] + values.shape[axis + 1 :])


def put_in_place(values: Array, ranks: Sequence[int]) -> None:
    """Move the values of some ranks to their places, in an array that is not otherwise sorted.

    One rank at a time, each among what lies above the last: numpy finds one rank with vector instructions,
    several at once without.
    """
    start = 0
    for rank in sorted(set(ranks)):
        values[start:].partition(rank - start)
        start = rank + 1  # what is in its place stays there


@dataclass(frozen=True)
class AtRanks:
    """Picks values at ranks and puts them together; nothing else of a row needs to be in order.

    Attributes
    ----------
    ranks : callable
        Gives ranks for a number of good pixels.
    combine : callable
        Makes one value of those at the ranks.
    """

    ranks: Ranker
    combine: Callable[[list[Array]], Array]

    def __call__(self, rows: Array, n: Array) -> Array:
        """Return one value for each row."""
        return self.combine(at_ranks(rows, n, self.ranks))


def at_ranks(rows: Array, n: Array, ranks: Ranker) -> list[Array]:
    """Return the values of sorted rows at the ranks that a rule gives for each number of good pixels."""
    if n.size and n.min() == n.max():
        return [rows[:, r] for r in (ranks(int(n[0])) if n[0] else (0,))]
    counts, which = np.unique(n, return_inverse=True)
    table = [ranks(int(k)) if k else (0,) for k in counts]
    width = max(len(t) for t in table)
    # one rank counts as two equal ones when other rows have two
    columns = np.array([t + (t[-1],) * (width - len(t)) for t in table])[which]
    return [np.take_along_axis(rows, columns[:, i : i + 1], 1)[:, 0] for i in range(width)]


def median_distance(rows: Array, n: Array, ranks: Ranker) -> Array:
    """Return the medians of the distances of sorted rows from their medians."""
    centre = mean_of(at_ranks(rows, n, ranks))
    if rows.dtype.kind == "f" and len(rows) == 1 and rows.shape[1] >= LONG:
        if not n[0]:
            return np.zeros(1, rows.dtype)
        picked = at_distances(rows[0, : n[0]], centre[0], ranks(int(n[0])))
        return mean_of([np.array([p], rows.dtype) for p in picked])
    finite = np.arange(rows.shape[1]) < n[:, None]
    distance = np.abs(rows - centre[:, None])
    distance[~finite] = np.inf
    # about an infinite centre there are distances that are no numbers, which numpy knows how to sort
    distance = _in_order(distance if np.isfinite(centre).all() else np.ascontiguousarray(distance))
    return mean_of(at_ranks(distance, n, ranks))


def at_distances(row: Array, centre: Any, ranks: Sequence[int]) -> list[Any]:
    """Return the distances of sorted values from a centre that have the ranks, in the type of the centre.

    Below and above the centre they are two rows in order already.

    >>> [float(d) for d in at_distances(np.array([0.0, 3.0, 4.0, 10.0]), np.float64(3.5), (0, 1, 2))]
    [0.5, 0.5, 3.5]
    """
    kind = np.asarray(centre).dtype.type
    if not np.isfinite(centre):
        far = 0 if np.isnan(centre) else int(np.count_nonzero(row != centre))
        return [kind(math.inf) if rank < far else kind(math.nan) for rank in ranks]
    below = bisect_right(row, centre)

    def left(i: int) -> Any:
        return centre - kind(row[below - 1 - i])

    def right(j: int) -> Any:
        return kind(row[below + j]) - centre

    found = []
    for rank in ranks:
        # how many of the nearest rank + 1 lie below: as few as leave no nearer one out
        low, high = max(0, rank + 1 - (row.size - below)), min(below, rank + 1)
        while low < high:
            middle = (low + high) // 2
            if left(middle) < right(rank - middle):
                low = middle + 1
            else:
                high = middle
        ends = [left(low - 1)] if low else []
        ends += [right(rank - low)] if rank >= low else []
        found.append(max(ends))
    return found


def middle_ranks(n: int) -> tuple[int, ...]:
    """Return the rank, or the two ranks, whose mean is the middle of n values, however many they are.

    >>> middle_ranks(5), middle_ranks(1000)
    ((2,), (499, 500))
    """
    return (n // 2,) if n % 2 else (n // 2 - 1, n // 2) if n else ()


def middle_distance(rows: Array, n: Array) -> Array:
    """Return the middles of the distances of sorted rows from their middles."""
    return median_distance(rows, n, middle_ranks)


def mean_of(picked: list[Array]) -> Array:
    """Return the mean of one or two picked values."""
    half = picked[0].real.dtype.type(0.5)
    return picked[0] if len(picked) == 1 else half * picked[0] + half * picked[1]
