"""The computation of statistics along axes for one section, in one pass over its pixels.

There are two ways, which depend on the shape of the lattice alone, so that results do not depend on blocks.
Row is added to row, each row, or run of pixels in it that belong together, being added up first.  Where such
runs are long, each result comes from the running statistics of a whole lattice.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from lattice.functions.states import State, make_state
from lattice.graph.attributes import Attributes
from lattice.graph.records import FrozenArray
from lattice.graph.sections import Section, full, iter_grid, shape_of, split
from lattice.graph.types import BOOL, is_complex
from lattice.ops import sorting
from lattice.ops.planes import (
    Counts,
    Deviations,
    Extrema,
    Found,
    Moments,
    Plane,
    Strip,
    Totals,
    Truths,
    Weighted,
)
from lattice.ops.rules import HALF, RULES, Request, Rule, Selected

__all__ = ["STRIP", "Pass", "Planes", "gathers"]

Planes = tuple[np.ndarray, "np.ndarray | None"]
"""Values and mask."""

STRIP = 1 << 15  # pixels per strip of what is in memory already
MANY = 1 << 16  # pixels for which it pays to make running statistics for a single result
_SURE = 1 << 14  # pixels that strips always have room for, as long as nobody chooses shorter ones
_FIRST: dict[Any, str] = {
    Counts: "count",
    Totals: "sum",
    Moments: "moments",
    Extrema: "extrema",
    Truths: "truth",
}


def gathers(x: Attributes, axes: tuple[int, ...], kinds: set[Any]) -> bool:
    """Tell whether a section is put together in memory for some kinds of running statistics, at the worst."""
    way = Pass(None, full(x.shape or ()), axes, x)
    real = not is_complex(x.dtype)
    many = way.chain >= MANY and (not real or kinds <= {*_FIRST, Deviations})
    return not way.in_rows and not many and way.chain > _SURE


class Pass:
    """The computation of some statistics for one section of x."""

    def __init__(
        self,
        pixels: Any,
        section: Section,
        axes: tuple[int, ...],
        x: Attributes,
        positions: FrozenArray | None = None,
    ) -> None:
        self.pixels = pixels
        self.positions = None if positions is None else positions.array
        self.section = section
        self.axes = axes
        self.x = x
        self.shape = tuple(
            len(range(s.start, s.stop, s.step)) for a, s in enumerate(section) if a not in axes
        )
        self.gathered: Planes | None = None
        lengths = x.shape or ()
        # axes of length 1 in front of which nothing changes do not tell which axis is the fastest
        long = [a for a, n in enumerate(lengths) if n > 1]
        self.in_rows = bool(long) and long[-1] not in axes
        # how many pixels that follow each other belong together
        tail = next(k for k in range(len(lengths) + 1) if len(lengths) - 1 - k not in axes)
        self.chain = math.prod(lengths[len(lengths) - tail :])
        self.last = tail == len(axes)  # and are all of a result

    def run(self, requests: Sequence[Request]) -> list[Planes]:
        """Return values and mask of each."""
        states = {RULES[r[0]].state for r in requests}
        if None in states:
            # what is gathered for sorting serves the others too
            self.gathered = self.pixels.array(self.section)
        found = self._streamed(states - {None})
        results: dict[Request, Planes] = self._sorted([r for r in requests if RULES[r[0]].state is None])
        for request in requests:
            rule = RULES[request[0]]
            if rule.state is not None:
                state: Any = found[rule.state]
                values = np.asarray(rule.finish(state, self.x.dtype))
                results[request] = self._judged(values, state.n >= rule.least, rule)
        return [results[r] for r in requests]

    def _judged(self, values: np.ndarray, filled: np.ndarray | None, rule: Rule) -> Planes:
        """Return a plane, bad where there is no good pixel."""
        if not rule.needs_pixels or filled is None or filled.all():
            return values, None
        if values.dtype != BOOL:
            values[~filled] = 0
        return values, filled

    def _streamed(self, states: set[Any]) -> dict[type[Plane], Any]:
        """Return the running statistics of the kinds that are wanted."""
        first = set(states) - {Deviations}
        if Deviations in states:
            first.add(Totals)
        if first & {Moments, Weighted}:
            first.discard(Totals)  # these know the sums
        if len(first) > 1:
            first.discard(Counts)  # all know the numbers
        found: dict[type[Plane], Any] = {}
        if self._many(first):
            found = self._by_states(first)
        elif first:
            found = {s: s(self.shape, self.x.dtype) for s in first}
            for plane in found.values():
                if self.positions is not None:
                    plane.positions = self.positions
                if isinstance(plane, Weighted) and self.positions is not None:
                    plane.counted(self.positions)
            self._fill(list(found.values()))
        for other in (Moments, Weighted):
            if other in found:
                found[Totals] = found[other]
        if found:
            found.setdefault(Counts, next(iter(found.values())))
        if Deviations in states:
            known: Any = found[Totals]
            deviations = Deviations(self.shape, self.x.dtype)
            mean = known.total / np.maximum(known.n, 1)
            deviations.centre = mean.astype(self.x.dtype).astype(deviations.centre.dtype)
            if self._many({Totals}):
                cells = self._states([[make_state("absdev", c)] for c in deviations.centre.flat])
                found[Deviations] = self._found([state for (state,) in cells], Deviations)
            else:
                self._fill([deviations])
                found[Deviations] = deviations
        return found

    # -- rows, and runs in rows ------------------------------------------------------

    def _fill(self, planes: list[Any]) -> None:
        """Take in all pixels."""
        if self.in_rows:
            ready = self.gathered is None and 0 not in self._lengths()
            if ready and self.pixels.fill(self.section, self.axes, planes):
                return
            strips = self._strips()
        else:
            strips = self._whole_runs()
        for strip in strips:
            for plane in planes:
                plane.update(strip)

    def _lengths(self) -> tuple[int, ...]:
        return shape_of(self.section)

    def _strips(self) -> Iterator[Strip]:
        for piece, values, mask in self._pieces():
            yield Strip(values, mask, self.axes, self._at(piece), self._here(piece))

    def _at(self, piece: Section) -> Section:
        """Return where the results of a piece belong."""
        return tuple(
            slice((p.start - s.start) // s.step, (p.stop - 1 - s.start) // s.step + 1)
            for a, (p, s) in enumerate(zip(piece, self.section, strict=True))
            if a not in self.axes
        )

    def _here(self, piece: Section) -> np.ndarray | None:
        return None if self.positions is None else self.positions[piece[self.axes[0]]]

    def _whole_runs(self) -> Iterator[Strip]:
        """Yield strips that do not cut what belongs together and follows each other."""
        if self.gathered is None and self.chain <= self.pixels.strip:
            # a strip is as long as possible along the last axes
            yield from self._strips()
            return
        if is_complex(self.x.dtype) and self.chain > MANY:
            yield from self._strips()
            return
        if 0 in self._lengths():
            return
        if self.gathered is None:
            self.gathered = self.pixels.array(self.section)
        values, mask = self.gathered
        counts = [1] * values.ndim
        room = max(STRIP, self.chain)
        for a in reversed(range(values.ndim)):
            counts[a] = max(1, min(values.shape[a], room))
            room //= counts[a]
        whole = tuple(slice(0, n, 1) for n in values.shape)
        for part, piece in zip(iter_grid(whole, counts), iter_grid(self.section, counts), strict=True):
            good = None if mask is None else np.ascontiguousarray(mask[part])
            yield Strip(values[part], good, self.axes, self._at(piece), self._here(piece))

    # -- many pixels for each result -----------------------------------------------------------------

    def _many(self, kinds: set[Any]) -> bool:
        """Tell whether each result comes from the running statistics of a whole lattice."""
        known = all(kind in _FIRST for kind in kinds) and not is_complex(self.x.dtype)
        return bool(kinds) and known and not self.in_rows and self.chain >= MANY

    def _by_states(self, kinds: set[Any]) -> dict[type[Plane], Any]:
        names = tuple((_FIRST[kind], ()) for kind in sorted(kinds, key=lambda kind: kind.kind))
        cells = None
        if self.gathered is None and self.last and 0 not in self._lengths():
            cells = self.pixels.states(self.section, self.axes, names)
        if cells is None:
            fresh = [[make_state(name) for name, _ in names] for _ in range(math.prod(self.shape))]
            cells = self._states(fresh)
        columns = zip(*cells, strict=True) if cells else [()] * len(names)
        by_name = {name: column for (name, _), column in zip(names, columns, strict=True)}
        return {kind: self._found(by_name[_FIRST[kind]], kind) for kind in kinds}

    def _states(self, cells: list[list[State]]) -> list[list[State]]:
        """Take all pixels into running statistics, of which there are some for each result."""
        kept = [a for a in range(len(self.section)) if a not in self.axes]
        for piece, values, mask in self._pieces():
            at = self._at(piece)
            for place in itertools.product(*(range(s.start, s.stop) for s in at)):
                index: list[Any] = [slice(None)] * len(piece)
                own = list(piece)
                for a, p, s in zip(kept, place, at, strict=True):
                    index[a] = slice(p - s.start, p - s.start + 1)
                    first = self.section[a].start + self.section[a].step * p
                    own[a] = slice(first, first + 1, 1)
                part = values[tuple(index)]
                good = None if mask is None else mask[tuple(index)]
                for state in cells[int(np.ravel_multi_index(place, self.shape))]:
                    state.update(part, good, tuple(own))
        return cells

    def _found(self, states: Sequence[Any], kind: type[Plane]) -> Found:
        """Return what states tell, as planes."""

        def plane(values: list[Any], dtype: Any) -> np.ndarray:
            return np.array(values, dtype).reshape(self.shape)

        if kind is Truths:
            n = plane([s.n_true + s.n_false for s in states], np.int64)
            return Found(n=n, true=plane([s.n_true for s in states], np.int64))
        n = plane([s.n for s in states], np.int64)
        if kind is Extrema:
            low, high = (
                [0 if e is None else e[1] for e in ends]
                for ends in ([s.low for s in states], [s.high for s in states])
            )
            return Found(n=n, low=plane(low, self.x.dtype), high=plane(high, self.x.dtype))
        if kind is Counts:
            return Found(n=n)
        total = plane([s.total for s in states], np.float64)
        return Found(n=n, total=total, m2=plane([s.m2 for s in states], np.float64) if kind is Moments else n)

    # -- pieces ------------------------------------------------------------------------------------

    def _pieces(self) -> Iterator[tuple[Section, np.ndarray, np.ndarray | None]]:
        n = self._lengths()
        if 0 in n:
            return
        if self.gathered is None:
            yield from self.pixels.strips(self.section)
            return
        values, mask = self.gathered
        whole = tuple(slice(0, k, 1) for k in n)
        for part in split(whole, STRIP):
            piece = tuple(
                slice(s.start + p.start * s.step, s.start + (p.stop - 1) * s.step + 1, s.step)
                for s, p in zip(self.section, part, strict=True)
            )
            yield piece, values[part], None if mask is None else np.ascontiguousarray(mask[part])

    def _sorted(self, requests: Sequence[Request]) -> dict[Request, Planes]:
        if not requests:
            return {}
        assert self.gathered is not None
        values, mask = self.gathered
        results: dict[Request, Planes] = {}
        if HALF in requests:
            assert self.positions is not None
            where = sorting.where_half(values, mask, self.axes[0], self._positions())
            some = None if mask is None else np.asarray(mask.any(axis=self.axes[0]))
            results[HALF] = self._judged(where, some, RULES[HALF[0]])
        ranked = [r for r in requests if r != HALF]
        shared = Selected()
        outs, pickers = [], []
        for name, *scalars in ranked:
            selected = name == "selected"
            outs.append(np.zeros(self.shape, np.float64 if selected else self.x.dtype))
            more = (shared,) if selected else ()
            pickers.append(RULES[name].finish(self.x.masked, *scalars, *more))
        masks = sorting.order_statistics(values, mask, self.axes, pickers, outs)
        return results | {
            r: self._judged(out, filled, RULES[r[0]])
            for r, out, filled in zip(ranked, outs, masks, strict=True)
        }

    def _positions(self) -> np.ndarray:
        """Return the coordinates along the axis that goes."""
        assert self.positions is not None
        return self.positions[self.section[self.axes[0]]]
