"""The computation of statistics along axes for one section, in one pass over its pixels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from lattice.graph.attributes import Attributes
from lattice.graph.records import FrozenArray
from lattice.graph.sections import Section, split
from lattice.graph.types import BOOL
from lattice.ops import planes
from lattice.ops.planes import Counts, Deviations, Moments, Plane, Strip, Totals, Weighted
from lattice.ops.rules import HALF, RULES, Request, Rule, Selected

__all__ = ["STRIP", "Pass", "Planes"]

Planes = tuple[np.ndarray, "np.ndarray | None"]
"""Values and mask."""

STRIP = 1 << 15  # pixels per strip of what is in memory already


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

    def _streamed(self, states: set[Any]) -> dict[type[Plane], Plane]:
        """Return the running statistics of the kinds that are wanted."""
        first = set(states) - {Deviations}
        if Deviations in states:
            first.add(Totals)
        if first & {Moments, Weighted}:
            first.discard(Totals)  # these know the sums
        if len(first) > 1:
            first.discard(Counts)  # all know the numbers
        found: dict[type[Plane], Plane] = {s: s(self.shape, self.x.dtype) for s in first}
        weighted = found.get(Weighted)
        if isinstance(weighted, Weighted) and self.positions is not None:
            weighted.origin = float(self.positions.min() + self.positions.max()) / 2
        if found:
            for strip in self._strips():
                for state in found.values():
                    state.update(strip)
        for other in (Moments, Weighted):
            if other in found:
                found[Totals] = found[other]
        if found:
            found.setdefault(Counts, next(iter(found.values())))
        if Deviations in states:
            known: Any = found[Totals]
            deviations = Deviations(self.shape, self.x.dtype)
            mean = known.total / np.maximum(known.n, 1)
            deviations.centre = mean.astype(self.x.dtype)
            for strip in self._strips():
                deviations.update(strip)
            found[Deviations] = deviations
        return found

    def _strips(self) -> Iterator[Strip]:
        for piece, values, mask in self._pieces():
            at = tuple(
                slice((p.start - s.start) // s.step, (p.stop - 1 - s.start) // s.step + 1)
                for a, (p, s) in enumerate(zip(piece, self.section, strict=True))
                if a not in self.axes
            )
            here = None if self.positions is None else self.positions[piece[self.axes[0]]]
            yield Strip(values, mask, self.axes, at, here)

    def _pieces(self) -> Iterator[tuple[Section, np.ndarray, np.ndarray | None]]:
        if 0 in (n := [len(range(s.start, s.stop, s.step)) for s in self.section]):
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
            where = planes.where_half(values, mask, self.axes[0], self._positions())
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
        masks = planes.order_statistics(values, mask, self.axes, pickers, outs)
        return results | {
            r: self._judged(out, filled, RULES[r[0]])
            for r, out, filled in zip(ranked, outs, masks, strict=True)
        }

    def _positions(self) -> np.ndarray:
        """Return the coordinates along the axis that goes."""
        assert self.positions is not None
        return self.positions[self.section[self.axes[0]]]
