"""Statistics of whole lattices: all that are wanted of lattices of one shape come from the same pass."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lattice.config import Options
from lattice.execute.control import Control
from lattice.execute.jit import wanted as jit_wanted
from lattice.execute.order import (
    COLLECT_ALL,
    Bracket,
    KeyRange,
    OrderSink,
    Outcome,
    SampleSink,
    all_keys,
    bracket,
    narrow,
    pick,
    sample_sections,
    value_of_key,
)
from lattice.execute.schedule import Job, run_job
from lattice.execute.sinks import Sink, StateSink, combine_states
from lattice.functions.states import State, make_state
from lattice.graph.node import Node
from lattice.plan.blocks import choose
from lattice.plan.memory import allowance
from lattice.plan.program import Program, StoredPixels, lower
from lattice.plan.stages import Measure

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
    states: dict[tuple[str, tuple[Any, ...]], State]
    orders: list[int]  # numbers of measures


class _Group:
    """All measures of lattices of one shape."""

    def __init__(self, measures: Sequence[Measure], shape: tuple[int, ...], options: Options) -> None:
        self.measures = measures
        self.shape = shape
        self.options = options
        self.wanted: dict[Node, _Wanted] = {}
        for i, m in enumerate(measures):
            entry = self.wanted.setdefault(m.x, _Wanted(m.x, {}, []))
            if m.state == "order":
                entry.orders.append(i)
            else:
                entry.states.setdefault((m.state, m.scalars), make_state(m.state, *m.scalars))
        self.brackets: dict[int, Bracket] = {}
        self.outcomes: dict[int, Outcome] = {}

    def run(self) -> list[Any]:
        if any(w.orders for w in self.wanted.values()):
            self._sample()
        self._pass()
        return [self._result(i, m) for i, m in enumerate(self.measures)]

    def _result(self, number: int, m: Measure) -> Any:
        if m.state != "order":
            return self.wanted[m.x].states[m.state, m.scalars]
        assert m.ranks is not None
        outcome = self.outcomes[number]
        if outcome.n == 0:
            return None
        ranks = m.ranks(outcome.n)
        found = pick(outcome, ranks, self.brackets[number].limit)
        return tuple(self._search(m.x, r) for r in ranks) if found is None else found

    def _n_pixels(self) -> int:
        n = 1
        for length in self.shape:
            n *= length
        return n

    def _sample(self) -> None:
        """Choose brackets from a sample; a small lattice is kept whole."""
        n = self._n_pixels()
        searched = [w for w in self.wanted.values() if w.orders]
        numbers = [i for w in searched for i in w.orders]
        if n <= COLLECT_ALL:
            self.brackets = dict.fromkeys(numbers, Bracket())
            return
        program = lower([w.x for w in searched], self.shape)
        direct = all(leaf.direct for leaf in program.leaves)
        sections = sample_sections(self.shape, _tile(program), direct)
        samples = self._job(program, [SampleSink()] * len(searched), sections)
        room = max(1 << 20, allowance(self.options) // (4 * 8 * max(1, len(numbers))))
        for k, w in enumerate(searched):
            pieces = [s[k] for s in samples]
            for i in w.orders:
                found = bracket(pieces, self.measures[i].ranks, n)
                self.brackets[i] = Bracket(found.low, found.high, min(found.limit, room))

    def _pass(self) -> None:
        """Go through all lattices once."""
        roots: list[Node] = []
        sinks: list[Sink] = []
        for w in self.wanted.values():
            if w.states:
                roots.append(w.x)
                sinks.append(StateSink(tuple(w.states)))
            if w.orders:
                roots.append(w.x)
                sinks.append(OrderSink(tuple(self.brackets[i] for i in w.orders)))
        blocks = self._job(lower(roots, self.shape), sinks)
        column = 0
        for w in self.wanted.values():
            if w.states:
                if blocks:
                    merged = combine_states([b[column] for b in blocks])
                    w.states = dict(zip(w.states, merged, strict=True))
                column += 1
            if w.orders:
                for place, i in enumerate(w.orders):
                    self.outcomes[i] = _merged([b[column][place] for b in blocks], self.brackets[i].limit)
                column += 1

    def _search(self, x: Node, rank: int) -> Any:
        """Find a rank by narrowing the bit patterns, a few passes whatever the distribution."""
        program = lower([x], self.shape)
        dtype = x.attrs.dtype
        where: KeyRange = all_keys(dtype)
        while where.low < where.high:
            blocks = self._job(program, [OrderSink((where,))])
            where = narrow(where, _merged([b[0][0] for b in blocks], 0), rank)
        return value_of_key(where.low, dtype)

    def _job(self, program: Program, sinks: list[Any], sections: Any = None) -> list[list[Any]]:
        options = self.options
        blocks = choose(program, options)
        pixel = max((d.itemsize for d in program.types), default=1)
        show = bool(options.progress) if options.progress != "auto" else _terminal()
        with Control(self._n_pixels() * pixel, show and sections is None) as control:
            job = Job(program, tuple(sinks), options.strip, jit_wanted(program, options), control.number)
            return run_job(job, blocks.sections() if sections is None else sections, options, blocks.workers)


def _terminal() -> bool:
    import sys

    return sys.stderr.isatty()


def _merged(outcomes: list[Outcome], limit: int) -> Outcome:
    total = Outcome()
    for outcome in outcomes:
        total.merge(outcome, limit)
    return total


def _tile(program: Program) -> tuple[int, ...]:
    tile = [1] * len(program.shape)
    for leaf in program.leaves:
        if leaf.direct:
            continue
        if isinstance(leaf.source, StoredPixels):
            for i, (axis, _, _) in enumerate(leaf.view.axes):
                if axis >= 0:
                    tile[i] = max(tile[i], leaf.source.reader.tile[axis])
        else:
            tile[-1] = max(tile[-1], min(1024, program.shape[-1]))
    return tuple(tile)
