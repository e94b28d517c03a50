"""Running a program on a section, strip by strip.

A strip is a box of some ten to a hundred thousand pixels.  Every register of the program is a buffer of
one strip that belongs to the thread and is used again for the next strip, so values stay in the cache of the
processor and nothing as large as a block is made between two kernels.
"""

from __future__ import annotations

import itertools
import math
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lattice.graph.sections import Section, relative, shape_of, split
from lattice.plan.program import Inputs, Leaf, OperationPixels, Program, StoredPixels

__all__ = ["ProgramInput", "Strips", "fetch_blocks", "is_register", "part_of", "strip_length"]

Results = list[tuple[np.ndarray, "np.ndarray | None"]]


@dataclass(frozen=True, slots=True)
class _Layout:
    """Which buffer each register lives in; -1 for constants and leaves that are not read into one."""

    slots: tuple[int, ...]
    sizes: tuple[int, ...]  # bytes per pixel of each buffer


def _layout(program: Program) -> _Layout:
    """Assign registers to buffers, using a buffer again once its value is no longer needed."""
    found: _Layout | None = program.cache.get("layout")
    if found is not None:
        return found
    steps = program.all_steps
    pairs = (*program.outputs, *program.clean_outputs)
    last = {r: len(steps) for pair in pairs for r in pair if r is not None}
    for number, step in enumerate(steps):
        for r in step.inputs:
            last[r] = max(last.get(r, -1), number)
    slots = [-1] * len(program.types)
    sizes: list[int] = []
    free: dict[int, list[int]] = {}

    def take(register: int) -> None:
        size = program.types[register].itemsize
        pool = free.setdefault(size, [])
        if not pool:
            sizes.append(size)
            pool.append(len(sizes) - 1)
        slots[register] = pool.pop()

    for leaf in program.leaves:
        if leaf.direct and leaf.view.is_identity:
            take(leaf.value)
    for number, step in enumerate(steps):
        dying = {r for r in step.inputs if last[r] == number and slots[r] >= 0}
        # a plain ufunc may write over an input of the same size; other kernels read theirs more than once
        if isinstance(step.kernel, np.ufunc):
            size = program.types[step.output].itemsize
            for r in [r for r in dying if program.types[r].itemsize == size]:
                free.setdefault(size, []).append(slots[r])
                dying.discard(r)
                break
        take(step.output)
        for r in dying:
            free.setdefault(program.types[r].itemsize, []).append(slots[r])
    layout = _Layout(tuple(slots), tuple(sizes))
    program.cache["layout"] = layout
    return layout


_CACHE = 1 << 22  # bytes of registers that a strip may fill: about what a core keeps near
_SHORTEST = 16384  # below this many pixels the calls cost more than the pixels


def strip_length(program: Program, most: int) -> int:
    """Return the pixels per strip for a program: fewer where it has many registers."""
    return min(most, max(_SHORTEST, _CACHE // max(1, sum(_layout(program).sizes))))


_local = threading.local()


def _buffers(place: int, sizes: tuple[int, ...], n: int) -> list[np.ndarray]:
    """Return one buffer of `n` pixels per size, from those that this thread keeps at a place."""
    kept: dict[tuple[int, int], np.ndarray] = _local.__dict__.setdefault("buffers", {})
    out = []
    for i, size in enumerate(sizes):
        buffer = kept.get((place, i))
        if buffer is None or buffer.nbytes < size * n:
            buffer = kept[place, i] = np.empty(size * n, np.uint8)
        out.append(buffer)
    return out


def is_register(array: np.ndarray) -> bool:
    """Tell whether an array is memory of this thread's registers, which a consumer may spoil."""
    base = array.base
    return base is not None and any(base is b for b in _local.__dict__.get("buffers", {}).values())


@dataclass(slots=True)
class _Run:
    """What a run over one section holds."""

    section: Section
    blocks: dict[int, Any]  # by leaf: what was fetched of the whole section
    buffers: list[np.ndarray]
    registers: list[Any]
    views: dict[tuple[int, ...], list[np.ndarray | None]] = field(default_factory=dict)


class Strips:
    """A program made ready to run in one thread."""

    def __init__(self, program: Program, strip: int, jit: Any = "auto") -> None:
        self.program = program
        self.jit = jit
        self.strip = strip_length(program, strip)
        self.most = strip
        self._layout = _layout(program)
        # what is not read strip by strip: tiles, results of operations, masks of regions
        self._fetched = {i: leaf for i, leaf in enumerate(program.leaves) if not leaf.direct}
        ndim = len(program.shape)
        one = (1,) * ndim
        self._readers = [
            leaf.source.reader.read
            if leaf.direct and leaf.view.is_whole and isinstance(leaf.source, StoredPixels)
            else None
            for leaf in program.leaves
        ]
        self._registers: list[Any] = [None] * len(program.types)
        for register, value in program.constants.items():
            self._registers[register] = value.reshape(one)

    def run(self, section: Section) -> Iterator[tuple[Section, Results]]:
        """Yield each strip of a section with values and masks of every output.

        The arrays are valid until the next strip; they broadcast to the shape of the strip.  Any number of
        runs may be under way in a thread at once, and end in any order.
        """
        blocks = fetch_blocks(self._fetched, section, self.inputs)
        # the lowest place that no other run of this thread has; the set is kept, as a run that is given up
        # may be closed by another thread
        taken: set[int] = _local.__dict__.setdefault("taken", set())
        place = next(i for i in itertools.count() if i not in taken)
        taken.add(place)
        try:
            n = min(self.strip, math.prod(shape_of(section)))
            run = _Run(section, blocks, _buffers(place, self._layout.sizes, n), list(self._registers))
            for piece in split(section, self.strip):
                with np.errstate(all="ignore"):
                    results = self._run_strip(piece, run)
                yield piece, results
        finally:
            taken.discard(place)

    def array(self, section: Section, output: int = 0) -> tuple[np.ndarray, np.ndarray | None]:
        """Return values and mask of one output for a whole section; not to be written to."""
        program = self.program
        value, mask = program.outputs[output]
        shape = shape_of(section)
        values = np.empty(shape, program.types[value])
        good = None if mask is None else np.empty(shape, bool)
        for piece, results in self.run(section):
            at = tuple(
                slice((p.start - s.start) // s.step, (p.stop - 1 - s.start) // s.step + 1)
                for p, s in zip(piece, section, strict=True)
            )
            values[at] = results[output][0]
            if good is not None:
                inside = results[output][1]
                good[at] = True if inside is None else inside
        return values, good

    def inputs(self, program: Program) -> ProgramInput:
        """Return what an operation sees of the program of an input."""
        return ProgramInput(program, self.most, self.jit)

    def _shaped(self, run: _Run, shape: tuple[int, ...]) -> list[np.ndarray | None]:
        views = run.views.get(shape)
        if views is None:
            n = math.prod(shape)
            views = [
                None if slot < 0 else run.buffers[slot][: n * dtype.itemsize].view(dtype).reshape(shape)
                for slot, dtype in zip(self._layout.slots, self.program.types, strict=True)
            ]
            run.views[shape] = views
        return views

    def _run_strip(self, piece: Section, run: _Run) -> Results:
        registers = run.registers
        views = self._shaped(run, shape_of(piece))
        for i, leaf in enumerate(self.program.leaves):
            read = self._readers[i]
            if read is not None:  # the common case by the shortest way: stored pixels as they lie
                registers[leaf.value] = read(piece, views[leaf.value])
                continue
            if leaf.direct:
                values, mask = leaf.fetch(piece, views[leaf.value], self.inputs)
            else:
                whole, good = run.blocks[i]
                values = part_of(whole, piece, run.section)
                mask = None if good is None else part_of(good, piece, run.section)
            registers[leaf.value] = values
            if leaf.mask is not None:
                registers[leaf.mask] = mask if mask is not None else _ALL_GOOD.reshape((1,) * len(piece))
        program = self.program
        steps, outputs = program.steps, program.outputs
        if program.checks and self._is_clean(registers):
            steps, outputs = program.clean_steps, program.clean_outputs
        for step in steps:
            out = views[step.output]
            step.kernel(*[registers[r] for r in step.inputs], out=out)
            registers[step.output] = out
        return [
            (registers[value], None if mask is None or registers[mask].all() else registers[mask])
            for value, mask in outputs
        ]

    def _is_clean(self, registers: list[Any]) -> bool:
        """Tell whether every source of the strip is good everywhere."""
        for check in self.program.checks:
            source = registers[check.register]
            if check.kind == "mask":
                if not source.all():
                    return False
            # the smallest value is nan if any is, and costs one pass
            elif np.isnan(np.minimum.reduce(source, axis=None)):
                return False
        return True


_ALL_GOOD = np.ones(1, bool)


def fetch_blocks(leaves: Mapping[int, Leaf], section: Section, inputs: Inputs) -> dict[int, Any]:
    """Return values and mask of leaves for a whole section; the keys stay.

    Several parts of what an operation computes in one pass are fetched together.
    """
    blocks: dict[int, Any] = {}
    together: dict[Any, list[int]] = {}
    for i, leaf in leaves.items():
        if isinstance(leaf.source, OperationPixels) and leaf.source.operation.joint:
            rest = leaf.needs(section)[1:]
            key = (leaf.source.operation, *((s.start, s.stop, s.step) for s in rest))
            together.setdefault(key, []).append(i)
        else:
            blocks[i] = leaf.fetch(section, None, inputs)
    for numbers in together.values():
        blocks |= _fetch_joint(section, [(i, leaves[i]) for i in numbers], inputs)
    return blocks


def _fetch_joint(section: Section, leaves: list[tuple[int, Leaf]], inputs: Inputs) -> dict[int, Any]:
    """Fetch several parts of what an operation computes in one pass: neighbours on its first axis."""
    needed = [leaf.needs(section) for _, leaf in leaves]
    start, stop = min(n[0].start for n in needed), max(n[0].stop for n in needed)
    _, leaf = leaves[0]
    values, mask = leaf.source.fetch((slice(start, stop, 1), *needed[0][1:]), None, inputs)
    out = {}
    for (i, leaf), n in zip(leaves, needed, strict=True):
        own = slice(n[0].start - start, n[0].stop - start, n[0].step)
        out[i] = leaf.arranged(values[own], None if mask is None else mask[own])
    return out


def part_of(block: np.ndarray, piece: Section, section: Section) -> np.ndarray:
    """Return the part of a block's array that belongs to a strip; axes of length 1 are repeated."""
    if all(s.step == 1 for s in section):
        index = relative(piece, section)
    else:
        index = tuple(
            slice((p.start - s.start) // s.step, (p.stop - 1 - s.start) // s.step + 1)
            for p, s in zip(piece, section, strict=True)
        )
    return block[tuple(slice(None) if n == 1 else i for n, i in zip(block.shape, index, strict=True))]


class ProgramInput:
    """One input of an operation: sections at once, or strip by strip."""

    def __init__(self, program: Program, strip: int, jit: Any = "auto") -> None:
        self._strips = Strips(program, strip, jit)
        self.program = program
        self.shape = program.shape
        self.strip = self._strips.strip
        self.most = strip
        self.jit = jit

    def array(self, section: Section) -> tuple[np.ndarray, np.ndarray | None]:
        """Return values and mask of a section; not to be written to."""
        leaf = _only_leaf(self._strips.program)
        if leaf is not None:
            values, _ = leaf.fetch(section, None, self._strips.inputs)
            return np.broadcast_to(values, shape_of(section)), None
        return self._strips.array(section)

    def strips(self, section: Section) -> Iterator[tuple[Section, np.ndarray, np.ndarray | None]]:
        """Yield (section, values, mask) in storage order; the arrays are valid until the next one."""
        for piece, results in self._strips.run(section):
            values, mask = results[0]
            shape = shape_of(piece)
            yield (
                piece,
                np.broadcast_to(values, shape),
                None if mask is None else np.broadcast_to(mask, shape),
            )

    def fill(self, section: Section, axes: tuple[int, ...], planes: Sequence[Any]) -> bool:
        """Take the pixels of a section into running statistics; see `lattice.execute.along.fill`."""
        from lattice.execute.along import fill

        return fill(self, section, axes, planes)

    def states(self, section: Section, axes: tuple[int, ...], names: Any) -> Any:
        """Return running statistics of the pixels along the last axes; see `lattice.execute.along.states`."""
        from lattice.execute.along import states

        return states(self, section, axes, names)


def _only_leaf(program: Program) -> Leaf | None:
    """Return the leaf of a program that does nothing but read it, without a mask."""
    if (
        len(program.leaves) == 1
        and not program.steps
        and program.outputs == ((program.leaves[0].value, None),)
    ):
        return program.leaves[0]
    return None
