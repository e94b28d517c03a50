"""The middle distance from the median, found in the same pass as the median.

A sample tells about where the values lie whose distance from the median is the middle one: in two windows,
one below the median and one above.  The pass keeps the values inside them, like those around wanted ranks;
once the median is known, the distance at the wanted rank is among theirs, which is checked.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lattice.execute.order import Bracket, KeyRange, Outcome, Sample
from lattice.ops.sorting import at_distances, put_in_place

__all__ = ["Sides", "Spread", "middle_distances", "sides", "with_windows"]

Array = np.ndarray[Any, Any]

_MOST_KEPT = 0.15  # share of the values that may be in the windows: another pass costs less than to keep more


@dataclass(frozen=True)
class Spread:
    """Where the median of a sample is, and its middle distance from the values."""

    center: float
    distance: float


def with_windows(
    sample: Sample, searches: Sequence[Bracket | KeyRange], n_all: int
) -> tuple[tuple[Bracket | KeyRange, ...], Spread | None]:
    """Return brackets that also enclose the values at the middle distance, judged by a sample.

    Parameters
    ----------
    sample : Sample
        Good values.
    searches : sequence of Bracket
        What encloses the median, and perhaps other ranks.
    n_all : int
        Pixels of the whole lattice.

    Returns
    -------
    tuple of Bracket, Spread or None
        In rising order and disjoint; None where the sample does not tell.
    """
    n = sample.n
    if n == 0:
        return tuple(searches), Spread(0.0, 0.0)
    half = (n - 1) // 2
    center = float(sample.ordered[half])
    around = next((b for b in searches if isinstance(b, Bracket) and b.low <= center <= b.high), None)
    if around is None:
        return tuple(searches), None
    if math.isinf(around.low) or math.isinf(around.high):
        return tuple(searches), Spread(center, 0.0)
    (middle,) = _distances(sample, center, half)
    reach = sample.margin(center + middle, center - middle)
    first, last = max(0, half - reach), min(n - 1, half + reach)
    # the median of all may lie anywhere in its bracket; what is at a distance from it moves along with it
    spans = [
        (c - distance, c + distance)
        for c in (around.low, around.high)
        for distance in _distances(sample, c, first, last)
    ]
    ends = [(min(side), max(side)) for side in zip(*spans, strict=True)]
    if not all(math.isfinite(v) for pair in ends for v in pair):
        return tuple(searches), None
    share = sum(_count(sample.ordered, a, b) for a, b in ends) / n
    if share > _MOST_KEPT:
        return tuple(searches), None
    limit = int(4 * share * n_all) + (1 << 20)
    windows = [Bracket(a, b, limit) for a, b in ends]
    found = _joined([*(b for b in searches if isinstance(b, Bracket)), *windows])
    return found, Spread(center, middle)


def _distances(sample: Sample, center: float, *ranks: int) -> list[float]:
    """Return the distances of the values of a sample from a centre that have some ranks."""
    with np.errstate(over="ignore", invalid="ignore"):
        return [float(d) for d in at_distances(sample.ordered, np.float64(center), ranks)]


def _count(ordered: Array, low: float, high: float) -> int:
    """Return how many sorted values lie from `low` to `high`."""
    with np.errstate(over="ignore"):
        ends = np.array([low, high]).astype(ordered.dtype)  # of another type it would be copied whole
    return int(np.searchsorted(ordered, ends[1], "right") - np.searchsorted(ordered, ends[0], "left"))


def _joined(brackets: Sequence[Bracket]) -> tuple[Bracket, ...]:
    """Return brackets that hold the same values, in rising order and disjoint."""
    out: list[Bracket] = []
    for b in sorted(brackets, key=lambda b: b.low):
        if out and b.low <= out[-1].high:
            last = out[-1]
            out[-1] = Bracket(last.low, max(last.high, b.high), last.limit + b.limit)
        else:
            out.append(b)
    return tuple(out)


@dataclass(frozen=True)
class Sides:
    """Brackets below and above the median, by their numbers, and all that both of them kept."""

    low: int
    high: int
    kept: Array


def sides(searches: Sequence[Any], outcomes: Sequence[Outcome], spread: Spread) -> Sides | None:
    """Return the brackets around the values at the middle distance; None if not all of these were kept.

    What both kept is put in one piece of memory, of which each has its part from now on.

    Parameters
    ----------
    searches, outcomes : sequence
        The brackets, and what a pass found for them.
    spread : Spread
        What the sample told.
    """
    pair = [
        next((k for k, b in enumerate(searches) if isinstance(b, Bracket) and b.low <= v <= b.high), None)
        for v in (spread.center - spread.distance, spread.center + spread.distance)
    ]
    if None in pair or any(o.n_nan for o in outcomes):
        return None
    low, high = int(pair[0] or 0), int(pair[1] or 0)
    numbers = list(dict.fromkeys((low, high)))
    parts = [a for k in numbers for a in outcomes[k].kept]
    sizes = [sum(a.size for a in outcomes[k].kept) for k in numbers]
    if sizes != [outcomes[k].n_inside for k in numbers] or not parts:
        return None
    kept = np.concatenate(parts)
    for k, end, size in zip(numbers, np.cumsum(sizes).tolist(), sizes, strict=True):
        outcomes[k].kept = [kept[end - size : end]]
    return Sides(low, high, kept)


def middle_distances(
    searches: Sequence[Any], outcomes: Sequence[Outcome], found: Sides, center: float, ranks: Sequence[int]
) -> tuple[float, ...] | None:
    """Return the distances from a centre at some ranks; None if what was kept does not tell.

    The values that were kept are written over.

    Parameters
    ----------
    searches, outcomes : sequence
        The brackets, and what a pass found for them.
    found : Sides
        What `sides` gave.
    center : float
        The median.
    ranks : sequence of int
        Ranks among all distances.
    """
    low, high = found.low, found.high
    between = 0 if low == high else outcomes[high].n_below - outcomes[low].n_below - outcomes[low].n_inside
    dtype = found.kept.dtype
    if dtype == np.float32 and float(np.float32(center)) != center:
        dtype = np.dtype(np.float64)
    apart = found.kept.astype(dtype, copy=False)
    with np.errstate(all="ignore"):
        np.subtract(apart, dtype.type(center), out=apart)
        np.abs(apart, out=apart)
    places = [r - between for r in ranks]
    if not all(0 <= p < apart.size for p in places):
        return None
    put_in_place(apart, places)
    distances = [float(apart[p]) for p in places]
    # all between the two brackets are nearer than this, and none beyond them is
    nearest = 0.0 if low == high else max(center - searches[low].high, searches[high].low - center)
    farthest = min(center - searches[low].low, searches[high].high - center)
    return tuple(distances) if nearest <= min(distances) and max(distances) <= farthest else None
