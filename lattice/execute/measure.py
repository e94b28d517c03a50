"""Statistics of whole lattices: all that are wanted of lattices of one shape come from the same pass."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from lattice.config import Options
from lattice.execute.fusion import Fusion
from lattice.execute.jit import ahead, wanted
from lattice.execute.middev import Sides, Spread, middle_distances, sides, with_windows
from lattice.execute.order import (
    COLLECT_ALL,
    Bracket,
    KeyRange,
    OrderSink,
    Outcome,
    Sample,
    SampleSink,
    Tally,
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

    @property
    def usual(self) -> int:
        """How many brackets there are as a rule: the windows of a middle distance are around quartiles."""
        return max(3, len(self.orders) - 1) if self.middev is not None else len(self.orders)


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
        self._ready: tuple[Program, Fusion] | None = None
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
            self._prepare(searched)
            self._sample(searched)
        tallies = self._pass()
        found = self._ranks(searched)
        for w in searched:
            for outcome in w.outcomes:
                outcome.kept = []
        for tally in tallies:
            tally.release()
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
            samples = [Sample(*pair) for pair in good_values(program, sections, self.options.strip)]
        else:
            columns = zip(*self._job(program, [SampleSink()] * len(searched), sections), strict=True)
            samples = [Sample.of(column) for column in columns]
        for w, own in zip(searched, samples, strict=True):
            w.searches = brackets(own, [m.ranks for m in w.orders], n)
            if w.middev is not None:
                w.searches, w.spread = with_windows(own, w.searches, n)
        room = self._room()
        for w in searched:
            w.searches = tuple(
                replace(b, limit=min(b.limit, room)) if isinstance(b, Bracket) else b for b in w.searches
            )

    def _prepare(self, searched: list[_Wanted]) -> None:
        """Let the compiler begin while the sample is read: as a rule there are as many brackets as ranks."""
        if self._n_pixels() <= COLLECT_ALL or not shares_memory(self.options):
            return
        for w in searched:
            w.searches = (Bracket(),) * w.usual
        program, sinks = self._asked()
        fused = wanted(program, sinks, self.options)
        if fused is not None:
            ahead(fused)
            self._ready = program, fused

    def _asked(self) -> tuple[Program, list[Sink]]:
        """Return the program of all lattices, and where its outputs go."""
        roots: list[Node] = []
        sinks: list[Sink] = []
        for w in self.wanted.values():
            if w.states:
                roots.append(w.x)
                sinks.append(StateSink(tuple(w.states)))
            if w.orders:
                roots.append(w.x)
                sinks.append(OrderSink(w.searches, least=w.usual))
        if self._ready is not None:
            return self._ready[0], sinks
        program = lower(roots, self.shape)
        if not any(name == "extrema" for w in self.wanted.values() for name, _ in w.states):
            program = _as_stored(program)  # extremes have places
        return program, sinks

    def _pass(self) -> list[Tally]:
        """Go through all lattices once; return what keeps the memory of values that were kept."""
        program, sinks = self._asked()
        entries = list(self.wanted.values())
        usual = all(len(w.searches) <= w.usual for w in entries if w.orders)
        fused = self._ready[1] if self._ready is not None and usual else None
        columns = iter(zip(*self._job(program, sinks, fused=fused), strict=True))
        for w in entries:
            if w.states:
                column = list(next(columns, ()))
                w.states = dict(zip(w.states, combine_states(column), strict=True)) if column else w.states
                self._places(w)
            if w.orders:
                w.outcomes = _merged(next(columns, ()), w.searches)
        return [s.tally for s in sinks if isinstance(s, OrderSink)]

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
                both = None
                if w.middev is not None and w.spread is not None:
                    both = sides(w.searches, w.outcomes, w.spread)
                values = pick(w.searches, w.outcomes, ranks)
                self._distances(w, both, values)
            found.update({(w.x, r): v for r, v in values.items()})
            missing += [
                _Missing(w.x, r, *around(w.searches, w.outcomes, r, dtype)) for r in ranks if r not in values
            ]
        self._search(missing)
        found.update({(m.x, m.rank): m.value for m in missing})
        return found

    @staticmethod
    def _distances(w: _Wanted, both: Sides | None, values: dict[int, Any]) -> None:
        """Find the middle distance from the median, if that was found."""
        if w.middev is None or both is None or w.middev.ranks is None:
            return
        ranks = w.middev.ranks(w.outcomes[0].n)
        if all(r in values for r in ranks):
            center = sum(float(values[r]) for r in ranks) / len(ranks)
            w.distances = middle_distances(w.searches, w.outcomes, both, center, ranks)

    def _search(self, missing: list[_Missing]) -> None:
        """Find ranks by histograms of bit patterns: a few passes in all, whatever the distribution."""
        room = self._room() if missing else 0
        while todo := [m for m in missing if m.value is None]:
            by_node: dict[Node, list[_Missing]] = {}
            for m in todo:
                by_node.setdefault(m.x, []).append(m)
            searches = [tuple(_next_search(m, room) for m in group) for group in by_node.values()]
            program = _as_stored(lower(list(by_node), self.shape))
            sinks = [OrderSink(s) for s in searches]
            blocks = self._job(program, sinks)
            for column, group, search in zip(
                zip(*blocks, strict=True), by_node.values(), searches, strict=True
            ):
                for m, what, outcome in zip(group, search, _merged(column, search), strict=True):
                    _settle(m, what, outcome)
            del blocks
            for sink in sinks:
                sink.tally.release()

    def _job(
        self, program: Program, sinks: Sequence[Any], sections: Any = None, fused: Fusion | None = None
    ) -> list[list[Any]]:
        blocks = choose(program, self.options)
        return run_program(program, sinks, blocks, self.options, sections, fused=fused)


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
