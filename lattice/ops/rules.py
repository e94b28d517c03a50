"""How each statistic along axes comes about: from running sums, or from the sorted pixels."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from lattice.functions.registry import lookup
from lattice.graph.types import FLOAT, DType
from lattice.ops import sorting
from lattice.ops.long_rows import LONG, LongRow
from lattice.ops.planes import (
    Counts,
    Deviations,
    Extrema,
    Moments,
    Peaks,
    Plane,
    Totals,
    Truths,
    Weighted,
)
from lattice.ops.selection import Choice, Rows

__all__ = [
    "ALIASES",
    "HALF",
    "INNER",
    "OF_COMPLEX",
    "OWN",
    "RULES",
    "TO_NORMAL",
    "Request",
    "Rule",
    "Selected",
]

Request = tuple[Any, ...]
"""Name and scalars of a statistic."""


@dataclass(frozen=True)
class Rule:
    """How a statistic comes about."""

    state: type[Plane] | None  # None: the pixels are sorted
    finish: Callable[..., Any]
    needs_pixels: bool = True  # bad where there are less than `least` good pixels
    least: int = 1


def _variance(s: Moments, dtype: DType) -> np.ndarray:
    # about the mean rounded to the type of the lattice, as the scalar function has it
    exact = s.mean()
    shift = exact - exact.astype(dtype)
    return (s.m2 + s.n * shift * shift) / np.maximum(s.n - 1, 1)


def _squares(s: Moments, _dtype: DType) -> np.ndarray:
    mean = s.mean()
    # the spread about an infinite mean is undefined, the squares are not
    return np.where(np.isinf(mean), np.inf, s.m2 + s.n * mean * mean)


TO_NORMAL = 1.482602218505602
"""Standard deviation of normal numbers by their median absolute distance from the median."""


def _root(total: np.ndarray) -> np.ndarray:
    return np.asarray(np.sqrt(total if total.dtype.kind == "c" else np.maximum(total, 0)))


def _scaled_distance(rows: np.ndarray, n: np.ndarray) -> np.ndarray:
    distance = sorting.middle_distance(rows, n)
    return np.asarray(distance * distance.dtype.type(TO_NORMAL))


def _median_rank(n: int) -> tuple[int, ...]:
    ranks = lookup("median", 1).ranks
    assert ranks is not None
    return ranks(n, False)


def _ranked(function: str, combine: Callable[[list[np.ndarray]], np.ndarray]) -> Rule:
    """Return the rule of an order statistic of the language."""

    def finish(masked: bool, *scalars: Any) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
        ranks = lookup(function, 1 + len(scalars)).ranks
        assert ranks is not None
        values = [FLOAT.type(s) for s in scalars]
        return sorting.AtRanks(lambda k: ranks(k, masked, *values), combine)

    return Rule(None, finish)


def _quartile(*fractions: float) -> Rule:
    """Return the rule of quartiles: of n values the one with number ceil(f*n), counted from 1."""

    def ranks(n: int) -> tuple[int, ...]:
        return tuple(max(0, math.ceil(f * n) - 1) for f in fractions)

    def finish(_masked: bool) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
        return sorting.AtRanks(ranks, _range)

    return Rule(None, finish)


def _range(picked: list[np.ndarray]) -> np.ndarray:
    return picked[0] if len(picked) == 1 else picked[1] - picked[0]


def _absolute_deviation(_masked: bool) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    return lambda rows, n: sorting.median_distance(rows, n, _median_rank)


RULES: dict[str, Rule] = {
    "sum": Rule(Totals, lambda s, _t: s.total),
    "mean": Rule(Totals, lambda s, _t: s.total / np.maximum(s.n, 1)),
    "nelements": Rule(Counts, lambda s, _t: s.n, needs_pixels=False),
    "variance": Rule(Moments, _variance),
    "stddev": Rule(Moments, lambda s, t: np.sqrt(_variance(s, t))),
    "sumsq": Rule(Moments, _squares),
    "rms": Rule(Moments, lambda s, t: np.sqrt(_squares(s, t) / np.maximum(s.n, 1))),
    "avdev": Rule(Deviations, lambda s, _t: s.total / np.maximum(s.n, 1)),
    # of zeros of either sign there is one
    "min": Rule(Extrema, lambda s, _t: s.low + 0),
    "max": Rule(Extrema, lambda s, _t: s.high + 0),
    "ntrue": Rule(Truths, lambda s, _t: s.true, needs_pixels=False),
    "nfalse": Rule(Truths, lambda s, _t: s.n - s.true, needs_pixels=False),
    "any": Rule(Truths, lambda s, _t: s.true > 0, needs_pixels=False),
    "all": Rule(Truths, lambda s, _t: s.true == s.n, needs_pixels=False),
    "median": _ranked("median", sorting.mean_of),
    "fractile": _ranked("fractile", sorting.mean_of),
    "fractilerange": _ranked("fractilerange", _range),
    "q1": _quartile(0.25),
    "q3": _quartile(0.75),
    "quartile": _quartile(0.25, 0.75),
    "medabsdevmed": Rule(None, _absolute_deviation),
    # without casacore's short cut for many values, as CASA's imstat has them
    "middle": Rule(None, lambda _: sorting.AtRanks(sorting.middle_ranks, sorting.mean_of)),
    "middledev": Rule(None, lambda _: sorting.middle_distance),
}
# CASA's collapse has these, too; complex sums have roots of any sign
RULES |= {
    "total": Rule(Totals, lambda s, _t: s.total),
    "good": Rule(Counts, lambda s, _t: s.n),
    # bad where there is a single pixel, which has no spread
    "spread": Rule(Moments, lambda s, _t: np.sqrt(s.m2 / np.maximum(s.n - 1, 1)), least=2),
    "squared_spread": Rule(Moments, lambda s, _t: s.m2 / np.maximum(s.n - 1, 1), least=2),
    "sqrtsum": Rule(Totals, lambda s, _t: _root(s.total)),
    "sqrtsum_npix": Rule(Totals, lambda s, _t: _root(s.total) / np.maximum(s.n, 1)),
    "xmadm": Rule(None, lambda _: _scaled_distance),
}


class Selected:
    """What algorithms make of sorted rows; of the rows seen last everything is kept for the next key."""

    def __init__(self) -> None:
        self._rows: np.ndarray | None = None
        self._found: dict[Choice, Rows] = {}

    def of(self, rows: np.ndarray, n: np.ndarray, choice: Choice) -> Rows:
        """Return statistics of rows."""
        if self._rows is not rows:
            self._rows, self._found = rows, {}
        if choice not in self._found:
            kind = LongRow if len(rows) == 1 and rows.shape[1] >= LONG else Rows
            self._found[choice] = kind(np.ascontiguousarray(rows), n, choice)
        return self._found[choice]


def _selected(_masked: bool, key: str, choice: Choice, shared: Selected) -> Any:
    return lambda rows, n: shared.of(rows, n, choice).statistic(key)


# of what an algorithm chooses, see `lattice.ops.selection`: the scalars are a key and the choice
RULES["selected"] = Rule(None, _selected)
# of the coordinate along one axis, weighted with the pixels or where these are extreme: for moments
RULES |= {
    "centroid": Rule(Weighted, lambda s, _t: s.centroid()),
    "dispersion": Rule(Weighted, lambda s, _t: s.dispersion()),
    "where_min": Rule(Peaks, lambda s, _t: s.where_low),
    "where_max": Rule(Peaks, lambda s, _t: s.where_high),
    "where_half": Rule(None, lambda _masked: None),
}
HALF = ("where_half",)
INNER = ("selected", "centroid", "dispersion", "where_min", "where_max", "where_half")
ALIASES = {
    "count": "nelements",
    "madm": "middledev",
    "npts": "nelements",
    "sigma": "stddev",
    "std": "stddev",
    "var": "variance",
}
# not functions of the language
OWN = (
    "sumsq", "rms", "q1", "q3", "quartile", "medabsdevmed", "middle", "middledev", "good", "total", "spread",
    "squared_spread", "sqrtsum", "sqrtsum_npix", "xmadm",
)  # fmt: skip
OF_COMPLEX = tuple(name for name in OWN if name not in ("q1", "q3", "quartile", "medabsdevmed"))
"""Those of them that complex values have, sorted by modulus."""
