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

from lattice.execute.order import Bracket, KeyRange, Outcome, put_in_place, rank_margin

__all__ = ["Spread", "middle_distances", "with_windows"]

Array = np.ndarray[Any, Any]

_MOST_KEPT = 0.15  # share of the values that may be in the windows: another pass costs less than to keep more


@dataclass(frozen=True)
class Spread:
    """Where the median of a sample is, and its middle distance from the values."""

    center: float
    distance: float


def with_windows(
    samples: Sequence[Array], searches: Sequence[Bracket | KeyRange], n_all: int
) -> tuple[tuple[Bracket | KeyRange, ...], Spread | None]:
    """Return brackets that also enclose the values at the middle distance, judged by a sample.

    Parameters
    ----------
    samples : sequence of ndarray
        Good values of each sampled section.
    searches : sequence of Bracket
        What encloses the median, and perhaps other ranks.
    n_all : int
        Pixels of the whole lattice.

    Returns
    -------
    tuple of Bracket, Spread or None
        In rising order and disjoint; None where the sample does not tell.
    """
    sections = [s for s in samples if s.size]
    values = np.concatenate(sections) if sections else np.empty(0)
    n = values.size
    if n == 0:
        return tuple(searches), Spread(0.0, 0.0)
    ordered = values.copy()
    put_in_place(ordered, [(n - 1) // 2])
    center = float(ordered[(n - 1) // 2])
    around = next((b for b in searches if isinstance(b, Bracket) and b.low <= center <= b.high), None)
    if around is None:
        return tuple(searches), None
    if math.isinf(around.low) or math.isinf(around.high):
        return tuple(searches), Spread(center, 0.0)
    with np.errstate(all="ignore"):
        apart = [np.abs(np.subtract(s, center, dtype=np.float64)) for s in sections]
    ordered = np.concatenate(apart)
    put_in_place(ordered, [(n - 1) // 2])
    middle = ordered[(n - 1) // 2]
    reach = rank_margin(apart, middle)
    first, last = max(0, (n - 1) // 2 - reach), min(n - 1, (n - 1) // 2 + reach)
    put_in_place(ordered, [first, last])
    # the median of all may lie anywhere in its bracket, and the distances with it
    slack = max(center - around.low, around.high - center)
    low, high = float(ordered[first]) - 2 * slack, float(ordered[last]) + 2 * slack
    if not math.isfinite(high):
        return tuple(searches), None
    ends = [(center - high, center - low), (center + low, center + high)]
    share = sum(np.count_nonzero((values >= a) & (values <= b)) for a, b in ends) / n
    if share > _MOST_KEPT:
        return tuple(searches), None
    limit = int(4 * share * n_all) + (1 << 20)
    windows = [Bracket(a, b, limit) for a, b in ends]
    found = _joined([*(b for b in searches if isinstance(b, Bracket)), *windows])
    return found, Spread(center, float(middle))


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


def middle_distances(
    searches: Sequence[Any], outcomes: Sequence[Outcome], spread: Spread, center: float, ranks: Sequence[int]
) -> tuple[float, ...] | None:
    """Return the distances from a centre at some ranks; None if what was kept does not tell.

    Parameters
    ----------
    searches, outcomes : sequence
        The brackets, and what a pass found for them, before anything of it is given away.
    spread : Spread
        What the sample told.
    center : float
        The median.
    ranks : sequence of int
        Ranks among all distances.
    """
    pair = [
        next((k for k, b in enumerate(searches) if isinstance(b, Bracket) and b.low <= v <= b.high), None)
        for v in (center - spread.distance, center + spread.distance)
    ]
    if None in pair or any(o.n_nan for o in outcomes):
        return None
    low, high = int(pair[0] or 0), int(pair[1] or 0)
    numbers = dict.fromkeys((low, high))
    kept = [a for k in numbers for a in outcomes[k].kept]
    if sum(a.size for a in kept) != sum(outcomes[k].n_inside for k in numbers) or not kept:
        return None
    between = 0 if low == high else outcomes[high].n_below - outcomes[low].n_below - outcomes[low].n_inside
    dtype = kept[0].dtype
    if dtype == np.float32 and float(np.float32(center)) != center:
        dtype = np.dtype(np.float64)
    with np.errstate(all="ignore"):
        apart = np.abs(np.subtract(np.concatenate(kept), dtype.type(center), dtype=dtype))
    places = [r - between for r in ranks]
    if not all(0 <= p < apart.size for p in places):
        return None
    put_in_place(apart, places)
    found = [float(apart[p]) for p in places]
    # all between the two brackets are nearer than this, and none beyond them is
    nearest = 0.0 if low == high else max(center - searches[low].high, searches[high].low - center)
    farthest = min(center - searches[low].low, searches[high].high - center)
    return tuple(found) if nearest <= min(found) and max(found) <= farthest else None
