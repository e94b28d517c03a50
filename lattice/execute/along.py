"""Statistics along axes by compiled loops: what an operation may ask of its input instead of pixels.

Where the fastest axis stays, rows are added up: some thousand pixels of a row at a time, whose running
statistics stay in the cache meanwhile, and some rows with each call.  Where it goes and each result is made
of many pixels that follow each other, each has the running statistics of a whole lattice.
"""

from __future__ import annotations

import contextlib
import itertools
import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lattice.execute.body import WIDTH
from lattice.execute.emit import FIELDS, Rows
from lattice.execute.fused import Fused
from lattice.execute.fusion import Fusion, is_swapped
from lattice.execute.jit import wanted_by
from lattice.execute.sinks import StateSink
from lattice.execute.strips import fetch_blocks, part_of
from lattice.execute.targets import NativeSink, Sinking, Turn, Workplace
from lattice.functions.states import State
from lattice.graph.sections import Section, boxes, shape_of
from lattice.io.files import add_bytes, pread_into
from lattice.native.lines import apart
from lattice.plan.program import Leaf, Program

__all__ = ["fill", "states"]

_PART = 1 << 14  # pixels of a row whose running statistics are kept in the cache
_GAP = 48  # pixels between rows in memory, so that they do not crowd the same places of the cache
_BATCH = 1 << 19  # bytes of rows that are read before they are added up
_SHORTEST = 256  # pixels of a row below which calls cost more than pixels
_MOST_BATCH = 256  # rows that are added up with one call
_MOST_ROWS = 1 << 31


@dataclass(frozen=True)
class RowSink:
    """Running statistics for each pixel of a row; as a sink it can only be compiled."""

    kinds: tuple[str, ...]

    def native(self, value: int, mask: int | None) -> NativeSink:
        """Return how a loop serves it."""
        return NativeSink(tuple(Rows(kind, value, mask) for kind in self.kinds), RowSinking)


class RowSinking(Sinking):
    """The running statistics of one thread, with room for whole vectors."""

    def __init__(self, targets: tuple[Rows, ...], place: Workplace) -> None:
        dtype = place.program.types[targets[0].value]
        self.geometry = apart(3, np.int64)
        self.positions = apart(_MOST_BATCH, np.float64)
        self.fields: list[dict[str, np.ndarray]] = []
        self._arguments: list[int] = []
        room = _PART + WIDTH
        for target in targets:
            own = {"n": apart(room, np.int32)}
            for name, kind in FIELDS[target.kind]:
                own[name] = apart(room, dtype if kind == "value" else np.dtype(kind))
            self.fields.append(own)
            arrays = (self.geometry, self.positions, *own.values())
            self._arguments += [a.ctypes.data for a in arrays]

    def arguments(self) -> list[int]:
        return self._arguments


class _Loops(Fused):
    """Loops for one sink, ready to run in one thread."""

    @property
    def sinking(self) -> RowSinking:
        """The running statistics of rows."""
        found = self._natives[0]
        assert isinstance(found, RowSinking)
        return found

    def add_up(self, n: int) -> None:
        """Take in what the first `n` places of the buffers hold."""
        self._compute(n)


def _loops(pixels: Any, sink: Any) -> _Loops | None:
    """Return loops that serve a sink; None if it is not to be compiled."""
    program: Program = pixels.program
    kept: dict[Any, Fusion | None] = program.cache.setdefault("along", {})
    if sink not in kept:
        kept[sink] = wanted_by(program, (sink,), pixels.jit)
    found = kept[sink]
    if found is None:
        return None
    return _Loops(found, (sink,), pixels.most, Turn(), pixels.jit)


# -- rows ---------------------------------------------------------------------------------------


def fill(pixels: Any, section: Section, axes: tuple[int, ...], planes: Sequence[Any]) -> bool:
    """Take the pixels of a section into running statistics, `lattice.ops.planes`, row by row.

    Parameters
    ----------
    pixels : ProgramInput
        The lattice.
    section : Section
        Its part.
    axes : tuple of int
        Axes that go; not the last one that is longer than 1.
    planes : sequence of Plane
        Fresh statistics of the shape of the section without the axes.

    Returns
    -------
    bool
        False if that is nothing for compiled loops: then nothing has been done.
    """
    lengths = shape_of(section)
    axes = tuple(a for a in axes if lengths[a] != 1)
    if not axes:
        return False
    lead = 1 + max(axes)  # what follows are the pixels of a row
    width = math.prod(lengths[lead:])
    rows = math.prod(lengths[a] for a in axes)
    if width < _SHORTEST or not 0 < rows < _MOST_ROWS:
        return False
    sink = RowSink(tuple(plane.kind for plane in planes))
    fused = _loops(pixels, sink)
    if fused is None:
        return False
    try:
        _Filling(fused, section, axes, lead, planes).run()
    finally:
        fused.close()
    return True


class _Filling:
    """The work of `fill`."""

    def __init__(
        self, fused: _Loops, section: Section, axes: tuple[int, ...], lead: int, planes: Sequence[Any]
    ) -> None:
        self.fused, self.section, self.axes, self.lead, self.planes = fused, section, axes, lead, planes
        self.sinking = fused.sinking
        self.width = math.prod(shape_of(section[lead:]))
        self.part = min(_PART, self.width, (fused.fusion.piece - WIDTH) // 2 // WIDTH * WIDTH)
        self.stride = -(-self.part // WIDTH) * WIDTH + _GAP
        size = max([b.itemsize for b in fused.buffers.values()], default=8)
        most = min(fused.fusion.piece // self.stride, _MOST_BATCH)
        self.batch = max(1, min(most, _BATCH // (size * self.stride)))

    def run(self) -> None:
        """Do it."""
        ranges = [_places(s) for s in self.section[: self.lead]]
        kept = [a for a in range(self.lead) if a not in self.axes]
        with _RowSource(self.fused, self.section, self.lead) as source:
            for cell, chosen in enumerate(itertools.product(*(ranges[a] for a in kept))):
                *outer, last = [ranges[a] for a in self.axes]
                for first in range(0, self.width, self.part):
                    stop = min(self.width, first + self.part)
                    self._load(cell, first, stop)
                    source.choose(first, stop)
                    for above in itertools.product(*outer):
                        place = [0] * self.lead
                        for a, p in zip((*kept, *self.axes), (*chosen, *above, 0), strict=True):
                            place[a] = p
                        for k in range(0, len(last), self.batch):
                            self._add(source, place, k, last[k : k + self.batch], stop - first)
                    self._save(cell, first, stop)

    def _add(self, source: _RowSource, place: list[int], number: int, rows: range, width: int) -> None:
        """Read some rows, which are neighbours on the last axis in front of them, and add them up."""
        source.read(place, rows, self.stride)
        sinking = self.sinking
        sinking.geometry[:] = width, len(rows), self.stride
        for plane in self.planes:
            if plane.positions is not None:  # along a single axis
                sinking.positions[: len(rows)] = plane.positions[number : number + len(rows)]
        self.fused.add_up((len(rows) - 1) * self.stride + width)

    def _arrays(self, cell: int, first: int, stop: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield parts of the statistics, and where they are while they run."""
        for plane, fields in zip(self.planes, self.sinking.fields, strict=True):
            for name, running in fields.items():
                whole = getattr(plane, name)
                yield whole.reshape(-1, self.width)[cell, first:stop], running[: stop - first]

    def _load(self, cell: int, first: int, stop: int) -> None:
        for own, running in self._arrays(cell, first, stop):
            running[...] = own

    def _save(self, cell: int, first: int, stop: int) -> None:
        for own, running in self._arrays(cell, first, stop):
            own[...] = running


def _places(s: slice) -> range:
    return range(s.start, s.stop, s.step)


class _RowSource:
    """What rows are read from; used as a context, in which files stay open."""

    def __init__(self, fused: _Loops, section: Section, lead: int) -> None:
        self._fused, self._section, self._lead = fused, section, lead
        self._files: list[_RowFile] = []
        self._others: list[tuple[Leaf, Any]] = []
        self._boxes: list[tuple[Section, int]] = []

    def __enter__(self) -> _RowSource:
        sources = self._fused.sources
        self._files = [
            _RowFile(plain[0].copy(), plain[1], leaf, self._fused.buffers[leaf.value])
            for leaf, plain in sources.leaves.values()
            if plain is not None and leaf.value in self._fused.buffers
        ]
        try:
            for file in self._files:
                file.open()
            known = [file.leaf for file in self._files]
            others = {k: leaf for k, (leaf, _) in sources.leaves.items() if leaf not in known}
            whole = {k: leaf for k, leaf in others.items() if not leaf.direct}
            blocks = fetch_blocks(whole, self._section, sources.inputs)
            self._others = [(leaf, blocks.get(k)) for k, leaf in others.items()]
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_exc: object) -> None:
        for file in self._files:
            file.close()

    def choose(self, first: int, stop: int) -> None:
        """Go on with some of the pixels of each row."""
        self._boxes = list(boxes(self._section[self._lead :], first, stop))
        start = tuple(slice(s.start, s.start + 1, 1) for s in self._section[: self._lead])
        whole = self._section[self._lead :]
        ahead = whole if first == 0 and stop < math.prod(shape_of(whole)) else None
        for file in self._files:
            file.choose(start, self._boxes, ahead)

    def read(self, place: list[int], rows: range, stride: int) -> None:
        """Fill the buffers with rows, the first pixels of which are `stride` apart."""
        todo = list(self._others)
        todo += [(file.leaf, None) for file in self._files if not file.read(place, rows, stride)]
        if todo:
            ends = slice(rows[0], rows[-1] + 1, rows.step)
            lead = (*(slice(p, p + 1, 1) for p in place[:-1]), ends)
            for leaf, whole in todo:
                for box, offset in self._boxes:
                    self._read_box(leaf, (*lead, *box), whole, offset, stride)

    def _read_box(self, leaf: Leaf, box: Section, whole: Any, offset: int, stride: int) -> None:
        """Put the same pixels of some rows into the buffers."""
        shape = shape_of(box)
        n, width = shape[self._lead - 1], math.prod(shape[self._lead :])
        fused = self._fused
        if whole is None:
            values, mask = leaf.fetch(box, None, fused.sources.inputs)
        else:
            values = part_of(whole[0], box, self._section)
            mask = None if whole[1] is None else part_of(whole[1], box, self._section)
        parts = [(leaf.value, values), (leaf.mask, True if mask is None else mask)]
        for register, array in parts:
            if register is not None and register in fused.buffers:
                # with the rows at their distances as the first axis; what repeats is as long as the box
                buffer = fused.buffers[register]
                step = buffer.itemsize
                target = np.lib.stride_tricks.as_strided(
                    buffer[offset:], (n, width), (stride * step, step), writeable=True
                )
                target[...] = np.broadcast_to(array, shape).reshape(n, width)
                if is_swapped(leaf) and register == leaf.value:
                    target[...] = target.byteswap()


class _RowFile:
    """A plain file that rows are read from as they lie."""

    def __init__(self, opened: Any, layout: Any, leaf: Leaf, buffer: np.ndarray) -> None:
        self._opened, self._layout, self.leaf = opened, layout, leaf
        self._fd: Any = None
        self._buffer = buffer
        self._bytes = buffer.view(np.uint8)
        self._start: tuple[int, ...] = ()
        self._runs: list[tuple[int, int, int]] | None = None  # place in the file, bytes, first pixel
        self._views: list[memoryview] = []  # of the rows in the buffer, where each is a single run
        self._ahead: tuple[int, int] | None = None

    def open(self) -> None:
        self._fd = self._opened.__enter__()

    def close(self) -> None:
        if self._fd is not None:
            self._opened.__exit__(None, None, None)

    def choose(
        self, start: tuple[slice, ...], parts: Sequence[tuple[Section, int]], ahead: Section | None
    ) -> None:
        """Find where the chosen pixels of the first row are; those `ahead` are wanted soon."""
        self._start = tuple(s.start for s in start)
        self._ahead = None
        if ahead is not None and hasattr(os, "posix_fadvise"):
            self._ahead = self._layout.run(self.leaf.needs((*start, *ahead)))
        found = [(self._layout.run(self.leaf.needs((*start, *box))), first) for box, first in parts]
        self._runs = [(*run, first) for run, first in found if run is not None]
        self._views = []
        if len(self._runs) < len(found):
            self._runs = None

    def read(self, place: Sequence[int], rows: range, stride: int) -> bool:
        """Read those of other rows; False if they are not to be had as they lie."""
        if self._runs is None:
            return False
        # a plain file is read whole or as a box of it
        strides = [self._layout.strides[axis] for axis, _, _ in self.leaf.view.axes]
        size = self._buffer.itemsize
        path: str = self.leaf.source.reader.path
        jump = sum((p - s) * b for p, s, b in zip((*place[:-1], rows[0]), self._start, strides, strict=False))
        step = rows.step * strides[len(place) - 1]
        if self._ahead is not None and type(self._fd) is int:
            at, n = self._ahead
            for k in range(len(rows)):
                # the other parts of these rows come soon, from a disk best in one go
                os.posix_fadvise(self._fd, at + jump + k * step, n, os.POSIX_FADV_WILLNEED)
        if len(self._runs) == 1 and self._runs[0][1] == step and type(self._fd) is int:
            at, n, _ = self._runs[0]
            while len(self._views) < len(rows):
                begin = len(self._views) * stride * size
                self._views.append(self._bytes[begin : begin + n].data)
            with contextlib.suppress(OSError):  # which row by row tells more of
                # one call for rows that follow each other
                if os.preadv(self._fd, self._views[: len(rows)], at + jump) == n * len(rows):
                    add_bytes(n * len(rows))
                    return True
        for k in range(len(rows)):
            for at, n, offset in self._runs:
                begin = (k * stride + offset) * size
                pread_into(self._fd, self._bytes[begin : begin + n].data, at + jump + k * step, path)
        return True


# -- many pixels of one result ------------------------------------------------------------------


def states(
    pixels: Any, section: Section, axes: tuple[int, ...], names: tuple[tuple[str, tuple[Any, ...]], ...]
) -> list[list[State]] | None:
    """Return running statistics of the pixels along the last axes, one list for each pixel of the others.

    Parameters
    ----------
    pixels : ProgramInput
        The lattice.
    section : Section
        Its part.
    axes : tuple of int
        The last axes, all of which go.
    names : tuple of (str, tuple)
        Names and scalars of the statistics, see `lattice.functions.states`.

    Returns
    -------
    list of list of State, or None
        None if that is nothing for compiled loops.
    """
    sink = StateSink(names)
    fused = _loops(pixels, sink)
    if fused is None:
        return None
    try:
        return [found[0] for found in fused.run_cells(section, min(axes))]
    finally:
        fused.close()
