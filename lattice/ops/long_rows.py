"""Statistics of one long sorted row, such as the pixels of a plane, with no copy of it.

Ranges of values are runs of a sorted row, and its values by their distance from a centre are two rows in
order: few values have to be looked at.  Sums are in double precision, some values at a time.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from typing import Any

import numpy as np

from lattice.ops.selection import REACH, Choice, Rows, sums_of_biweight
from lattice.ops.sorting import LONG, at_distances, middle_ranks

__all__ = ["LONG", "LongRow"]

Array = np.ndarray[Any, Any]
_PIECE = 1 << 15  # values that are summed up at a time


class LongRow(Rows):
    """One sorted row of values, the bad ones at its end, as `lattice.ops.selection.Data`."""

    def __init__(self, row: Array, n: Array, choice: Choice) -> None:
        self.rows = row.reshape(1, -1)
        self.n = np.asarray(n)
        self.choice = choice
        self._found = None
        self._good = self.rows[0, : int(self.n[0])]

    def _pieces(self, start: int, stop: int) -> Iterator[Array]:
        """Yield the values of a run in double precision, some at a time."""
        for first in range(start, stop, _PIECE):
            yield self._good[first : min(stop, first + _PIECE)].astype(np.float64)

    def _inside(self, low: Array, high: Array) -> tuple[Array, Array]:
        # limits in double precision: values are widened to be compared
        first, last = np.float64(low[0]), np.float64(high[0])
        start = 0 if np.isnan(first) else bisect_left(self._good, first)
        stop = 0 if np.isnan(last) else bisect_right(self._good, last)
        return np.array([start]), np.array([max(start, stop)])

    def _sums(self, low: Array, high: Array, center: Array) -> tuple[Array, Array, Array]:
        start, stop = (int(end[0]) for end in self._inside(low, high))
        total = squares = 0.0
        for piece in self._pieces(start, stop):
            piece -= center[0]
            total += piece.sum()
            squares += np.square(piece, out=piece).sum()
        return np.array([stop - start]), np.array([total]), np.array([squares])

    def _at(self, places: Array) -> Array:
        return self.rows[0, places].astype(np.float64)

    def _distance(self, low: Array, high: Array, center: Array) -> Array:
        start, stop = (int(end[0]) for end in self._inside(low, high))
        if start == stop:
            return np.array([math.inf])
        found = at_distances(self._good[start:stop], np.float64(center[0]), middle_ranks(stop - start))
        return np.array([0.5 * found[0] + 0.5 * found[-1]])

    def weighted(self, center: Array, scale: Array, reach: Array) -> tuple[Array, Array, Array, Array]:
        """Return the sums of the biweight."""
        away = REACH * reach
        # somewhat more than counts, which is for the sums to say
        low, high = (center + side * (away + np.abs(center) * 1e-6) for side in (-1.0, 1.0))
        start, stop = (int(end[0]) for end in self._inside(low, high))
        total = np.zeros(4)
        for piece in self._pieces(start, stop):
            one = piece[None, :] - center[:, None]
            total += [float(s[0]) for s in sums_of_biweight(one, np.abs(one) < away[:, None], scale)]
        return (total[0:1], total[1:2], total[2:3], total[3:4])
