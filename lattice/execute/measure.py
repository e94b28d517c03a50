"""Statistics of whole lattices: all that are wanted of lattices of one shape come from the same pass."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from lattice.config import Options
from lattice.execute.middev import Spread, middle_distances, with_windows
from lattice.execute.order import (
    COLLECT_ALL,
    Bracket,
    KeyRange,
    OrderSink,
    Outcome,
    SampleSink,
    around,
    brackets,
    narrow,
    pick,
    sample_sections,
    value_of_key,
)
from lattice.execute.sample import good_values
from lattice.execute.schedule import run_program, shares_memory
from lattice.execute.sinks import Sink, StateSink, combine_states
from lattice.execute.strips import Strips
from lattice.functions.states import Extrema, State, make_state
from lattice.graph.node import Node
from lattice.graph.sections import boxes, shape_of
from lattice.plan.blocks import choose
from lattice.plan.memory import allowance
from lattice.plan.program import Leaf, Program, RegionPixels, StoredPixels, lower
from lattice.plan.stages import Measure
from lattice.plan.storage_order import in_storage_order

__all__ = ["measure"]


def measure(measures: Sequence[Measure], options: Options) -> list[Any]:
    """Return the result of each measure: a `State`, or the values at the wanted ranks (None: no value)."""
    results: dict[int, Any] = {}
    key = lambda i: measures[i].x.attrs.shape or ()  # noqa: E731 - used twice, nowhere else
    for shape, group in itertools.groupby(sorted(range(len(measures)), key=key), key=key):
        numbers = list(group)
        found = _Group([measures[i] for i in numbers], shape, options).run()
        results.update(zip(numbers, found, strict=True))
    return [results[i] for i in range(len(measures))]


@dataclass
class _Wanted:
    """What one lattice is to be searched for."""

    x: Node
    states: dict[tuple[str, tuple[Any, ...]], State] = field(default_factory=dict)
    orders: list[Measure] = field(default_factory=list)
    searches: tuple[Bracket | KeyRange, ...] = ()
    outcomes: list[Outcome] = field(default_factory=list)
    middev: Measure | None = None
    spread: Spread | None = None
    distances: tuple[float, ...] | None = None


@dataclass
class _Missing:
    """A rank that no bracket gave: the keys among which it lies are narrowed down."""

    x: Node
    rank: int
    where: KeyRange
    inside: int
    value: Any = None


class _Group:
    """All measures of lattices of one shape."""

    def __init__(self, measures: Sequence[Measure], shape: tuple[int, ...], options: Options) -> None:
        self.measures = measures
        self.shape = shape
        self.options = options
        self.wanted: dict[Node, _Wanted] = {}
        for m in measures:
            entry = self.wanted.setdefault(m.x, _Wanted(m.x))
            if m.state == "order":
                entry.orders.append(m)
            elif m.state == "middev":
                entry.orders.append(m)
                entry.middev = m
            else:
                entry.states.setdefault((m.state, m.scalars), make_state(m.state, *m.scalars))

    def run(self) -> list[Any]:
        """Return the result of every measure."""
        searched = [w for w in self.wanted.values() if w.orders]
        if searched:
            self._sample(searched)
        self._pass()
        found = self._ranks(searched)
        results: list[Any] = []
        for m in self.measures:
            w = self.wanted[m.x]
            if m.state == "middev":
                results.append(w.distances)
            elif m.state != "order":
                results.append(w.states[m.state, m.scalars])
            elif w.outcomes[0].n == 0:
                results.append(None)
            else:
                assert m.ranks is not None
                results.append(tuple(found[m.x, r] for r in m.ranks(w.outcomes[0].n)))
        return results

    def _n_pixels(self) -> int:
        return math.prod(self.shape)

    def _room(self) -> int:
        """Return how many values may be kept for each thing that is searched."""
        searches = sum(len(w.searches) for w in self.wanted.values())
        return max(_LEAST_ROOM, allowance(self.options) // (_KEPT_BYTES * max(1, searches)))

    def _sample(self, searched: list[_Wanted]) -> None:
        """Choose brackets from a sample; a small lattice is kept whole."""
        n = self._n_pixels()
        if n <= COLLECT_ALL:
            for w in searched:
                w.searches = (Bracket(),)
                w.spread = Spread(0.0, 0.0)
            return
        program = _as_stored(lower([w.x for w in searched], self.shape))
        direct = all(_costs_its_bytes(leaf) for leaf in program.leaves)
        sections = sample_sections(program.shape, _tile(program), direct)
        if direct and shares_memory(self.options):
            samples = good_values(program, sections, self.options.strip)
        else:
            samples = self._job(program, [SampleSink()] * len(searched), sections)
        for k, w in enumerate(searched):
            own = [s[k] for s in samples]
            w.searches = brackets(own, [m.ranks for m in w.orders], n)
            if w.middev is not None:
                w.searches, w.spread = with_windows(own, w.searches, n)
        room = self._room()
        for w in searched:
            w.searches = tuple(
                replace(b, limit=min(b.limit, room)) if isinstance(b, Bracket) else b for b in w.searches
            )

    def _pass(self) -> None:
        """Go through all lattices once."""
        wanted = list(self.wanted.values())
        roots: list[Node] = []
        sinks: list[Sink] = []
        for w in wanted:
            if w.states:
                roots.append(w.x)
                sinks.append(StateSink(tuple(w.states)))
            if w.orders:
                roots.append(w.x)
                sinks.append(OrderSink(w.searches))
        program = lower(roots, self.shape)
        if not any(name == "extrema" for w in wanted for name, _ in w.states):  # which have places
            program = _as_stored(program)
        columns = iter(zip(*self._job(program, sinks), strict=True))
        for w in wanted:
            if w.states:
                column = list(next(columns, ()))
                w.states = dict(zip(w.states, combine_states(column), strict=True)) if column else w.states
                self._places(w)
            if w.orders:
                w.outcomes = _merged(next(columns, ()), w.searches)

    def _places(self, w: _Wanted) -> None:
        """Find where the extremes are, of which compiled loops tell only in which piece."""
        for state in [s for s in w.states.values() if isinstance(s, Extrema)]:
            if parts := state.parts():
                strips = Strips(lower([w.x], self.shape), self.options.strip)
                for part in parts:
                    _place(strips, state, part)

    def _ranks(self, searched: list[_Wanted]) -> dict[tuple[Node, int], Any]:
        """Return the value at every rank that is asked for."""
        found: dict[tuple[Node, int], Any] = {}
        missing: list[_Missing] = []
        for w in searched:
            n = w.outcomes[0].n
            if n == 0:
                continue
            ranks = sorted({r for m in w.orders if m.ranks is not None for r in m.ranks(n)})
            dtype = w.x.attrs.dtype
            if w.outcomes[0].n_nan:
                values = dict.fromkeys(ranks, dtype.type(np.nan))
            else:
                kept = [replace(o) for o in w.outcomes]  # to pick gives away what was kept
                values = pick(w.searches, w.outcomes, ranks)
                self._distances(w, kept, values)
            found.update({(w.x, r): v for r, v in values.items()})
            missing += [
                _Missing(w.x, r, *around(w.searches, w.outcomes, r, dtype)) for r in ranks if r not in values
            ]
        self._search(missing)
        found.update({(m.x, m.rank): m.value for m in missing})
        return found

    @staticmethod
    def _distances(w: _Wanted, outcomes: Sequence[Outcome], values: dict[int, Any]) -> None:
        """Find the middle distance from the median, if that was found."""
        if w.middev is None or w.spread is None or w.middev.ranks is None:
            return
        ranks = w.middev.ranks(outcomes[0].n)
        if all(r in values for r in ranks):
            center = sum(float(values[r]) for r in ranks) / len(ranks)
            w.distances = middle_distances(w.searches, outcomes, w.spread, center, ranks)

    def _search(self, missing: list[_Missing]) -> None:
        """Find ranks by histograms of bit patterns: a few passes in all, whatever the distribution."""
        room = self._room() if missing else 0
        while todo := [m for m in missing if m.value is None]:
            by_node: dict[Node, list[_Missing]] = {}
            for m in todo:
                by_node.setdefault(m.x, []).append(m)
            searches = [tuple(_next_search(m, room) for m in group) for group in by_node.values()]
            program = _as_stored(lower(list(by_node), self.shape))
            blocks = self._job(program, [OrderSink(s) for s in searches])
            for column, group, search in zip(
                zip(*blocks, strict=True), by_node.values(), searches, strict=True
            ):
                for m, what, outcome in zip(group, search, _merged(column, search), strict=True):
                    _settle(m, what, outcome)

    def _job(self, program: Program, sinks: Sequence[Any], sections: Any = None) -> list[list[Any]]:
        blocks = choose(program, self.options)
        return run_program(program, sinks, blocks, self.options, sections)


def _as_stored(program: Program) -> Program:
    """Return a program that does the same in the order of storage, if there is one."""
    found = in_storage_order(program)
    return program if found is None else found[0]


_LEAST_ROOM = 1 << 20  # values that may be kept in any case
_KEPT_BYTES = 64  # memory that a kept value takes, copies and all, in a share that leaves room for others


def _next_search(m: _Missing, room: int) -> Bracket | KeyRange:
    if m.inside <= room:
        dtype = m.x.attrs.dtype
        return Bracket(
            float(value_of_key(m.where.low, dtype)), float(value_of_key(m.where.high, dtype)), room
        )
    return m.where


def _settle(m: _Missing, what: Bracket | KeyRange, outcome: Outcome) -> None:
    """Take in what a pass found about a missing rank."""
    dtype = m.x.attrs.dtype
    if isinstance(what, Bracket):
        m.value = pick((what,), [outcome], [m.rank])[m.rank]
        return
    m.where, m.inside = narrow(what, outcome, m.rank)
    if m.where.low == m.where.high:
        m.value = value_of_key(m.where.low, dtype)


def _merged(column: Sequence[list[Outcome]], searches: Sequence[Bracket | KeyRange]) -> list[Outcome]:
    """Return the outcomes of all blocks together, one for each thing that was searched."""
    total = [Outcome() for _ in searches]
    for block in column:
        for outcome, other, search in zip(total, block, searches, strict=True):
            outcome.merge(other, search.limit if isinstance(search, Bracket) else 0)
    return total


def _place(strips: Strips, state: Extrema, part: Any) -> None:
    """Find the places of the extremes that are known to be in a part of a block."""
    for box, _ in boxes(*part):
        for piece, [(values, mask)] in strips.run(box):
            shape = shape_of(piece)
            good = None if mask is None else np.broadcast_to(mask, shape)
            if state.meet(part, np.broadcast_to(values, shape), good, piece):
                return


def _costs_its_bytes(leaf: Leaf) -> bool:
    """Tell whether a small section of a leaf costs little."""
    return leaf.direct or isinstance(leaf.source, RegionPixels)


def _tile(program: Program) -> tuple[int, ...]:
    tile = [1] * len(program.shape)
    for leaf in program.leaves:
        if _costs_its_bytes(leaf):
            continue
        if isinstance(leaf.source, StoredPixels):
            for i, (axis, _, _) in enumerate(leaf.view.axes):
                if axis >= 0:
                    tile[i] = max(tile[i], leaf.source.reader.tile[axis])
        else:
            tile[-1] = max(tile[-1], min(1024, program.shape[-1]))
    return tuple(tile)
