"""Sinks as ends of compiled loops: what a loop does with its results, and what is done between its calls."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lattice.execute.emit import WIDTH, Brackets, Range, Store, Sums, Target, Truths
from lattice.execute.order import Bracket, OrderSink
from lattice.execute.sinks import StateSink, WriterSink
from lattice.functions.states import (
    LANES,
    AbsoluteDeviation,
    Count,
    Extrema,
    Moments,
    State,
    Sum,
    Truth,
    next_edge,
)
from lattice.graph.sections import Section, boxes, shape_of
from lattice.io.files import Opened, pwrite_from
from lattice.native.lines import apart
from lattice.plan.program import Program

__all__ = [
    "SPAN",
    "SPARE",
    "FileBytes",
    "NativeSink",
    "Sinking",
    "Turn",
    "Workplace",
    "native_sink",
    "span_of",
]

Call = Callable[..., None]

SPAN = 1 << 20  # pixels that are taken in at once, at most
_STORED = 1 << 20  # bytes of results that are
_AHEAD = 2  # finished pieces that may wait until the file is free
_PAGE = 4096
SPARE = _PAGE  # pixels by which the first may be more


class Turn:
    """Whose turn it is to write to files: of threads in Python by a lock, in compiled code by a token."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.token = apart(1, np.int32)


@dataclass(frozen=True)
class Workplace:
    """What the sinks of one thread work with.

    Attributes
    ----------
    program : Program
        The program.
    turn : Turn
        Whose turn it is to write.
    spare : callable
        Gives so many bytes of memory.
    span : int
        Pixels that are taken in at once, and `SPARE` of the first.
    """

    program: Program
    turn: Turn
    spare: Callable[[int], np.ndarray]
    span: int


def span_of(targets: Sequence[Target], program: Program) -> int:
    """Return how many pixels are taken in at once."""
    sizes = [program.types[t.value].itemsize for t in targets if isinstance(t, Store)]
    return min(SPAN, _STORED // max(sizes)) if sizes else SPAN


class Sinking:
    """The results of one sink in one thread; the base does nothing.

    Attributes
    ----------
    moves : bool
        True if `arguments` differs from piece to piece.
    """

    moves = False

    def begin(self, sink: Any, section: Section) -> None:
        """Begin a block."""

    def edge(self, at: int, stop: int) -> int:
        """Return where the piece that starts at pixel `at` of the block has to end, `stop` at the latest."""
        return stop

    def shift(self, piece: int) -> int:
        """Return by how many pixels, `SPARE` at most, the first piece of a block should be longer."""
        return 0

    def arguments(self) -> list[int]:
        """Return what the loop gets for the targets of this sink."""
        return []

    def reset(self) -> None:
        """Set what runs on from call to call to its start, for a piece."""

    def lanes(self) -> list[np.ndarray]:
        """Return the sums that a call of the loop adds to."""
        return []

    def seekers(self) -> list[_Laned]:
        """Return the sums that want to know a value near the mean first."""
        return []

    def take(self, at: int, stop: int) -> None:
        """Take in what the loop made of pixels `at` to `stop` of the block."""

    def finish(self) -> Any:
        """Return the result of the block."""

    def flush(self) -> None:
        """Finish what was put off."""


@dataclass(frozen=True)
class NativeSink:
    """What a loop does for one sink, and who takes it."""

    targets: tuple[Target, ...]
    make: Callable[..., Sinking]

    def start(self, place: Workplace) -> Sinking:
        """Return what takes the results in one thread."""
        return self.make(self.targets, place)


def native_sink(sink: Any, value: int, mask: int | None, program: Program) -> NativeSink:
    """Return how a loop serves a sink; any sink is served one way or another."""
    if hasattr(sink, "native"):
        own: NativeSink = sink.native(value, mask)
        return own
    kind = program.types[value].name
    if isinstance(sink, StateSink):
        made = [_state_target(name, value, mask, kind) for name, _ in sink.states]
        if all(m is not None for m in made):
            return NativeSink(tuple(m for m in made if m is not None), _States)
    elif isinstance(sink, OrderSink) and all(isinstance(w, Bracket) for w in sink.wanted):
        return NativeSink((Brackets(value, mask, max(sink.least, len(sink.wanted))),), _Order)
    elif isinstance(sink, WriterSink):
        target = _plain_target(sink, value, mask, program)
        if target is not None:
            return NativeSink((target,), FileBytes)
        if not sink.writer.direct and program.types[value] == sink.writer.dtype:
            bad = "" if mask is None else "plane" if sink.masked else "and"
            return NativeSink((Store(value, mask, bad=bad),), _Blocks)
    return NativeSink((Store(value, mask, bad="" if mask is None else "plane"),), _Boxes)


def _state_target(name: str, value: int, mask: int | None, kind: str) -> Target | None:
    if name in ("count", "truth"):
        return Truths(value, mask)
    if name == "extrema" and kind != "bool":
        return Range(value, mask)
    powers = {"sum": 1, "moments": 2, "absdev": 1}.get(name)
    return None if powers is None or kind == "bool" else Sums(value, mask, powers, name == "absdev")


def _plain_target(sink: WriterSink, value: int, mask: int | None, program: Program) -> Store | None:
    """Return how a loop writes the bytes of a plain file; None for other files."""
    plain = getattr(sink.writer, "plain", None)
    if plain is None or program.types[value] != sink.writer.dtype or not sink.writer.direct:
        return None
    swapped = not plain.layout.dtype.isnative
    if mask is None:
        bad = "plane" if plain.mask_layout is not None else ""
    elif not sink.masked:
        bad = "and"
    else:
        bad = "plane" if plain.mask_layout is not None else "ones"
    return Store(value, mask, swapped, bad)


class _Boxes(Sinking):
    """Values and mask in memory, handed on in boxes: for every sink that has no target of its own."""

    def __init__(self, targets: tuple[Target, ...], place: Workplace) -> None:
        self.masked = isinstance(targets[0], Store) and targets[0].bad == "plane"
        self.dtype = place.program.types[targets[0].value]
        kinds = [self.dtype, np.dtype(bool)][: 1 + self.masked]
        self._buffers = [place.spare((place.span + SPARE) * k.itemsize).view(k) for k in kinds]
        self._taker: Any = None
        self._section: Section = ()

    def begin(self, sink: Any, section: Section) -> None:
        self._taker = sink.start(section)
        self._section = section

    def arguments(self) -> list[int]:
        return [b.ctypes.data for b in self._buffers]

    def take(self, at: int, stop: int) -> None:
        for box, first in boxes(self._section, at, stop):
            shape = shape_of(box)
            parts = [b[first : first + math.prod(shape)].reshape(shape) for b in self._buffers]
            mask = parts[1] if self.masked and not parts[1].all() else None
            self._taker.take(box, parts[0], mask)

    def finish(self) -> Any:
        return self._taker.finish()


class _Blocks(Sinking):
    """Values and mask of a whole block, put where a writer takes them all at once."""

    moves = True

    def __init__(self, targets: tuple[Target, ...], place: Workplace) -> None:
        masked = isinstance(targets[0], Store) and targets[0].bad == "plane"
        self._kinds = [place.program.types[targets[0].value], np.dtype(bool)][: 1 + masked]
        self._spare = place.spare
        self._buffers = [np.empty(0, k) for k in self._kinds]
        self._writer: Any = None
        self._section: Section = ()
        self._at = 0

    def begin(self, sink: Any, section: Section) -> None:
        self._writer, self._section, self._at = sink.writer, section, 0
        n = math.prod(shape_of(section)) + LANES
        if len(self._buffers[0]) < n:
            self._buffers = [self._spare(n * k.itemsize).view(k) for k in self._kinds]

    def arguments(self) -> list[int]:
        return [b.ctypes.data + self._at * b.itemsize for b in self._buffers]

    def take(self, at: int, stop: int) -> None:
        self._at = stop

    def finish(self) -> None:
        shape = shape_of(self._section)
        values, *rest = (b[: math.prod(shape)].reshape(shape) for b in self._buffers)
        mask = rest[0] if rest and not rest[0].all() else None
        self._writer.write(self._section, values, mask)


class _Laned:
    """A running sum that a loop adds to."""

    def __init__(self, powers: int, dtype: np.dtype[Any]) -> None:
        self.dtype = dtype
        self.sums = apart((powers, LANES), np.float64)
        self.pivot = apart(1, np.float64)
        self.good = apart(1, np.int64)
        self.state: Sum | Moments | AbsoluteDeviation = Sum()

    def begin(self, state: Any) -> None:
        self.state = state
        state.lanes = self.sums
        self.sums[...] = 0
        self.pivot[0] = state.center if isinstance(state, AbsoluteDeviation) else 0

    def wants_pivot(self) -> bool:
        """Tell whether a first good number has to be found; set the pivot where that is known."""
        state = self.state
        if not isinstance(state, Moments):
            return False
        found = state.known_pivot(self.dtype)
        self.pivot[0] = 0 if found is None else found
        return found is None

    def seek(self, n: int, call: Call) -> None:
        """Find the first good number of a piece and make it the pivot."""
        for first in range(0, n, LANES):
            count = min(LANES, n - first)
            found = []
            # a bad pixel leaves its lane at 0 whatever the pivot
            for self.pivot[0] in (0.0, 1.0):
                self.sums[...] = 0
                call(count, first)
                found.append(self.sums[0, :count].copy())
            numbers = np.isfinite(found[0]) & ((found[0] != 0) | (found[1] != 0))
            if numbers.any():
                self.state.pivot = self.dtype.type(found[0][np.argmax(numbers)])
                break
            if first == 0:
                # most pieces without any: a border, or an image of nothing
                self.good[0] = 0
                call(n)
                if not self.good[0]:
                    break
        self.pivot[0] = 0 if self.state.pivot is None else self.state.pivot


class _States(Sinking):
    """Running statistics."""

    def __init__(self, targets: tuple[Target, ...], place: Workplace) -> None:
        dtype = place.program.types[targets[0].value]
        self._parts: list[Any] = []
        self._section: Section = ()
        self._states: list[State] = []
        for target in targets:
            if isinstance(target, Sums):
                self._parts.append(_Laned(target.powers, dtype))
            elif isinstance(target, Range):
                self._parts.append((apart(WIDTH, dtype), apart(WIDTH, dtype), apart(2, np.int64)))
            else:
                self._parts.append(apart(2, np.int64))
        self._laned = [p for p in self._parts if isinstance(p, _Laned)]
        self._arguments: list[int] = []
        for part in self._parts:
            arrays = (part.sums, part.pivot, part.good) if isinstance(part, _Laned) else part
            arrays = arrays if isinstance(arrays, tuple) else (arrays,)
            self._arguments += [a.ctypes.data for a in arrays]

    def begin(self, sink: Any, section: Section) -> None:
        self._section = section
        self._states = sink.start(section).states
        for part, state in zip(self._parts, self._states, strict=True):
            if isinstance(part, _Laned):
                part.begin(state)

    def edge(self, at: int, stop: int) -> int:
        return min(stop, next_edge(at)) if self._laned else stop

    def arguments(self) -> list[int]:
        return self._arguments

    def reset(self) -> None:
        for part in self._parts:
            if isinstance(part, _Laned):
                part.good[0] = 0
            elif isinstance(part, tuple):
                low, high, counts = part
                low[:], high[:], counts[:] = np.inf, -np.inf, 0
            else:
                part[:] = 0

    def lanes(self) -> list[np.ndarray]:
        return [part.sums for part in self._laned]

    def seekers(self) -> list[_Laned]:
        return [part for part in self._laned if part.wants_pivot()]

    def take(self, at: int, stop: int) -> None:
        for part, state in zip(self._parts, self._states, strict=True):
            if isinstance(part, _Laned):
                part.state.advance(stop - at, int(part.good[0]))
            elif isinstance(state, Count):
                state.n += int(part[0])
            elif isinstance(state, Truth):
                state.n_true += int(part[1])
                state.n_false += int(part[0] - part[1])
            elif isinstance(state, Extrema):
                low, high, (good, nan) = part
                wrong = low.dtype.type(np.nan)
                smallest, largest = (wrong, wrong) if nan else (low.min(), high.max())
                if good:
                    state.offer(int(good), smallest, largest, self._section, at, stop)

    def finish(self) -> list[State]:
        for state in self._states:
            state.finish()
        return self._states


class _Kept:
    """Memory to which values are appended piece after piece, and where they stay."""

    def __init__(self, span: int, dtype: np.dtype[Any]) -> None:
        self._span, self._dtype = span + WIDTH, dtype
        self._memory = np.empty(0, dtype)
        self._first = self._at = 0
        self.lend: Callable[[int], np.ndarray] | None = None

    def address(self) -> int:
        """Return where there is room for a piece."""
        if self.lend is None:
            return 0  # there are no pixels yet
        if self._at + self._span > self._memory.size:
            # there is room for several pieces, as few values are inside; what is not touched costs nothing
            nbytes = (self._span + self._span // 2) * self._dtype.itemsize
            self._memory, self._at = self.lend(nbytes).view(self._dtype), 0
            self._first = self._memory.ctypes.data
        return self._first + self._at * self._dtype.itemsize

    def appended(self, n: int) -> np.ndarray:
        """Return what was put there."""
        return self._memory[self._at : self._at + n]

    def keep(self, n: int) -> None:
        """Go on behind it."""
        self._at += n


class _Order(Sinking):
    """Counts against brackets, and values inside."""

    moves = True

    def __init__(self, targets: tuple[Target, ...], place: Workplace) -> None:
        target = targets[0]
        assert isinstance(target, Brackets)
        self.dtype = place.program.types[target.value]
        self._limits = apart(2 * target.count, np.float64)
        self._counts = apart(2 + 2 * target.count, np.int64)
        self._kept = [_Kept(place.span, self.dtype) for _ in range(target.count)]
        self._fixed = [self._limits.ctypes.data, self._counts.ctypes.data]
        self._n = 0
        self._taker: Any = None

    def begin(self, sink: Any, section: Section) -> None:
        self._taker = sink.start(section)
        kind = self.dtype.type
        for kept in self._kept:
            kept.lend = sink.tally.lend
        self._n = len(sink.wanted)
        # where fewer are wanted than the loop has, the others hold nothing
        ends = [(w.low, w.high) for w in sink.wanted]
        ends += [(math.inf, -math.inf)] * (len(self._kept) - self._n)
        self._limits[:] = [float(kind(v)) for pair in ends for v in pair]

    def arguments(self) -> list[int]:
        return [*self._fixed, *(k.address() for k in self._kept)]

    def reset(self) -> None:
        self._counts[:] = 0

    def take(self, at: int, stop: int) -> None:
        good, n_nan, *pairs = self._counts.tolist()
        for k, kept in enumerate(self._kept[: self._n]):
            reached, inside = pairs[2 * k], pairs[2 * k + 1]
            if self._taker.note(k, good, n_nan, reached, inside, kept.appended(inside)):
                kept.keep(inside)

    def finish(self) -> Any:
        return self._taker.finish()


class FileBytes(Sinking):
    """Bytes of a plain file.

    A file system writes to one file for one thread at a time.  So threads take turns, and one whose turn it
    is not computes a few pieces more; and pieces end where pages of the file do, which costs a third less.
    """

    moves = True

    def __init__(self, targets: tuple[Target, ...], place: Workplace) -> None:
        target = targets[0]
        assert isinstance(target, Store)
        self._size = place.program.types[target.value].itemsize
        self._planes = target.bad == "plane"
        self._place = place
        self._free: list[tuple[np.ndarray, ...]] = []
        self._wait: list[tuple[tuple[np.ndarray, ...], list[tuple[int, int, int, int]]]] = []
        self._now: tuple[np.ndarray, ...] = ()
        self._writer: Any = None
        self._section: Section = ()
        self._starts: list[int | None] = []
        self._n = 0

    def begin(self, sink: Any, section: Section) -> None:
        self._writer = sink.writer
        self._section = section
        runs = [layout.run(section) for layout in self._layouts()]
        self._starts = [None if run is None else run[0] for run in runs]
        self._n = math.prod(shape_of(section))

    @property
    def place(self) -> tuple[str, int] | None:
        """File and first byte of a block that goes to one piece of it, and nowhere else; else None."""
        start = self._starts[0]
        return None if start is None or self._planes else (self._writer.path, start)

    def _layouts(self) -> list[Any]:
        plain = self._writer.plain
        return [plain.layout, plain.mask_layout][: 1 + self._planes]

    def shift(self, piece: int) -> int:
        start = self._starts[0]
        return 0 if start is None else -(start + piece * self._size) % _PAGE // self._size

    def edge(self, at: int, stop: int) -> int:
        if self._starts[0] is not None and stop < self._n:
            over = (self._starts[0] + stop * self._size) % _PAGE // self._size
            if at < stop - over:
                stop -= over
        return stop

    def _made(self) -> tuple[np.ndarray, ...]:
        return tuple(
            self._place.spare((self._place.span + SPARE) * size)
            for size in (self._size, 1)[: 1 + self._planes]
        )

    def arguments(self) -> list[int]:
        if not self._now:
            self._now = self._free.pop() if self._free else self._made()
        return [b.ctypes.data for b in self._now]

    def take(self, at: int, stop: int) -> None:
        """Note what is to be written: (number of the buffer, first byte in it, bytes, place in the file)."""
        parts: list[tuple[int, int, int, int]] = []
        for k, (layout, start) in enumerate(zip(self._layouts(), self._starts, strict=True)):
            size: int = layout.dtype.itemsize
            if start is not None:
                parts.append((k, 0, (stop - at) * size, start + at * size))
                continue
            for box, first in boxes(self._section, at, stop):
                for (place, n), offset in _runs(layout, box):
                    parts.append((k, (first + offset) * size, n, place))
        self._wait.append((self._now, parts))
        self._now = ()
        if self._place.turn.lock.acquire(blocking=len(self._wait) >= _AHEAD):
            try:
                self._write()
            finally:
                self._place.turn.lock.release()

    def _write(self) -> None:
        path = self._writer.path
        with Opened(path, None) as fd:
            while self._wait:
                buffers, parts = self._wait.pop(0)
                for k, first, n, place in parts:
                    pwrite_from(fd, buffers[k][first : first + n].data, place, path)
                self._free.append(buffers)

    def flush(self) -> None:
        if self._wait:
            with self._place.turn.lock:
                self._write()


def _runs(layout: Any, box: Section) -> list[tuple[tuple[int, int], int]]:
    """Return (place and length in bytes, first pixel) of each piece of the file that a box is made of."""
    found = []
    todo = [(box, 0)]
    while todo:
        part, first = todo.pop()
        run = layout.run(part)
        if run is not None:
            found.append((run, first))
            continue
        axis = next(i for i, n in enumerate(shape_of(part)) if n > 1)
        s = part[axis]
        inner = math.prod(shape_of(part)[axis + 1 :])
        for k, i in enumerate(range(s.start, s.stop, s.step)):
            todo.append(((*part[:axis], slice(i, i + 1, 1), *part[axis + 1 :]), first + k * inner))
    return found
