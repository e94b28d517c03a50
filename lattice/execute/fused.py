"""Running a program and its sinks as compiled loops, piece by piece.

Between two calls of a loop there is only reading and writing: pixels of plain files go from the buffer of the
file to the loop as they lie, and from the loop to the new file; where there is nothing else to do, one call
does it all by turns (`lattice.execute.drive`).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from lattice.execute.buffers import memory
from lattice.execute.chain import Chain, step_loop
from lattice.execute.drive import Drive
from lattice.execute.fusion import Fusion, Stage
from lattice.execute.native import loop
from lattice.execute.source import Source, Sources
from lattice.execute.strips import ProgramInput
from lattice.execute.targets import (
    SPAN,
    SPARE,
    FileBytes,
    Sinking,
    Turn,
    Workplace,
)
from lattice.graph.sections import Section, shape_of
from lattice.io.files import Opened
from lattice.native.lines import apart
from lattice.plan.program import Inputs, Step

__all__ = ["Fused"]

_SOUGHT = 1 << 13  # pixels among which sums look for a value near the mean first


class Fused:
    """A fusion made ready to run in one thread."""

    def __init__(
        self, fused: Fusion, sinks: Sequence[Any], strip: int, turn: Turn, jit: Any = "auto"
    ) -> None:
        self.fusion = fused
        self.program = program = fused.program
        self.sinks = sinks
        self._inputs: Inputs = lambda p: ProgramInput(p, strip, jit)
        self._loops: list[Any] = [loop(stage.text) if stage.text else None for stage in fused.stages]
        self._taken: list[np.ndarray] = []
        self.buffers: dict[int, np.ndarray] = {}
        self._addresses: dict[int, int] = {}
        constants = [
            0.0 if v.dtype.kind == "c" else float(v.reshape(-1)[0]) for v in program.constants.values()
        ]
        self._constants = apart(max(1, len(constants)), np.float64)
        self._constants[: len(constants)] = constants
        self._arguments = [self._prepared(stage) for stage in fused.stages]
        self._turn = turn
        self._out: Opened | None = None  # the file that blocks go straight to
        self._out_fd = -1
        place = Workplace(program, turn, self._spare, fused.span)
        self._natives: list[Sinking] = [n.start(place) for n in fused.sinks]
        self._spots = {
            leaf.value: [
                (arguments, k)
                for stage, arguments in zip(fused.stages, self._arguments, strict=True)
                for k, i in enumerate(stage.inputs)
                if i.register == leaf.value
            ]
            for leaf in program.leaves
        }
        self.sources = Sources(fused, self.buffers, self._inputs, self._point)
        self._slots: dict[int, int] = {}
        k = len(fused.stages[-1].inputs) + 1
        for native in self._natives:
            places = native.arguments()
            self._slots[id(native)] = k
            self._arguments[-1][k : k + len(places)] = places
            k += len(places)
        self._places = [a.ctypes.data for a in self._arguments]
        self._before = list(self._chains())
        self._whole: Chain | None = None
        self.drive = self._driver()

    def _chains(self) -> Iterator[tuple[Chain, list[Step]]]:
        """Yield what makes the inputs of the last loop: chains, each with what Python does after it."""
        chain = Chain()
        for stage, function, place in zip(self.fusion.stages, self._loops, self._places, strict=True):
            if stage is self.fusion.stages[-1]:
                break
            if function is not None:
                chain.loop(function, place)
            left = []
            for step in stage.slow:
                found = step_loop(step, self.program)
                if found is None:
                    left.append(step)
                else:
                    chain.step(found, [self._operand(r) for r in (*step.inputs, step.output)])
            if left:
                yield chain, left
                chain = Chain()
        yield chain, []

    def _driver(self) -> Drive | None:
        """Return what reads and runs by turns: if only files are read, and Python has nothing to do."""
        sizes = self.sources.sizes
        if not sizes or any(steps for _, steps in self._before):
            return None
        between = sum(b.itemsize for b in self.buffers.values()) - sum(sizes)
        written = 0
        if len(self._natives) == 1 and isinstance(self._natives[0], FileBytes):
            target = self.fusion.sinks[0].targets[0]
            written = self.program.types[target.value].itemsize
        loop, arguments = self._loops[-1], self._arguments[-1]
        # behind the inputs and the constants
        place = self._places[-1] + 8 * (len(self.fusion.stages[-1].inputs) + 1)
        before = self._before[-1][0]
        if len(before):
            self._whole = whole = before.then(loop, self._places[-1])
            loop, arguments = whole.function, whole.arguments
        room = self.fusion.piece
        return Drive(loop, arguments, place, sizes, written, self._spare, between, room)

    def _prepared(self, stage: Stage) -> np.ndarray:
        """Make buffers for what a stage reads and writes; return its arguments."""
        program = self.program
        registers = [i.register for i in stage.inputs] + [
            *stage.stored,
            *(r for s in stage.slow for r in (*s.inputs, s.output) if r not in program.constants),
        ]
        for r in registers:
            if r not in self.buffers:
                size = program.types[r].itemsize * (self.fusion.piece + SPARE)
                self.buffers[r] = self._spare(size).view(program.types[r])
                self._addresses[r] = self.buffers[r].ctypes.data
        heads = [self._addresses[i.register] for i in stage.inputs]
        tails = [self._addresses[r] for r in stage.stored]
        if stage is self.fusion.stages[-1]:
            tails = [0] * sum(t.n_arguments for n in self.fusion.sinks for t in n.targets)
        return np.array([*heads, self._constants.ctypes.data, *tails], np.uint64)

    def _spare(self, nbytes: int) -> np.ndarray:
        self._taken.append(memory.take(nbytes))
        return self._taken[-1][:nbytes]

    def run(self, section: Section, advance: Callable[[int], None] | None) -> list[Any]:
        """Compute one block; return the result of each sink."""
        for native, sink in zip(self._natives, self.sinks, strict=True):
            native.begin(sink, section)
        with self.sources.of(section) as source:
            at, n = 0, math.prod(shape_of(section))
            drive = self._driving(source)
            straight = drive is not None and self._goes_straight(drive)
            while at < n:
                if drive is not None and straight:
                    stop = self._turns(drive, source, at, min(n, at + SPAN))
                else:
                    stop = self._piece(drive, source, at, n)
                    for native in self._natives:
                        native.take(at, stop)
                if advance is not None:
                    advance(stop - at)
                at = stop
        return [native.finish() for native in self._natives]

    def run_cells(self, section: Section, lead: int) -> list[list[Any]]:
        """Compute a block as many: one for each pixel of its first `lead` axes; return their results."""
        n = math.prod(shape_of(section[lead:]))
        places = itertools.product(*(range(s.start, s.stop, s.step) for s in section[:lead]))
        results = []
        with self.sources.of(section) as source:
            drive = self._driving(source)
            if drive is not None:
                drive.write_nothing()
            for number, place in enumerate(places):
                cell = (*(slice(p, p + 1, 1) for p in place), *section[lead:])
                for native, sink in zip(self._natives, self.sinks, strict=True):
                    native.begin(sink, cell)
                at = 0
                while at < n:
                    stop = self._piece(drive, source, at, n, number * n)
                    for native in self._natives:
                        native.take(at, stop)
                    at = stop
                results.append([native.finish() for native in self._natives])
        return results

    def _point(self, register: int, address: int | None = None) -> None:
        """Let loops read a register at an address, or in its own buffer."""
        for arguments, k in self._spots[register]:
            arguments[k] = self._addresses[register] if address is None else address

    def finish(self) -> None:
        """Do what was put off."""
        for native in self._natives:
            native.flush()
        if self.drive is not None:
            self.drive.flush()

    def close(self) -> None:
        """Give back files and buffers: there is nothing more to do."""
        if self._out is not None:
            self._out.__exit__(None, None, None)
            self._out = None
        memory.give(self._taken)
        self._taken = []

    def _driving(self, source: Source) -> Drive | None:
        """Return the driver, ready to read a block, if it can do that."""
        if self.drive is None or source.files is None:
            return None
        self.drive.read_from(source.files)
        return self.drive

    def _goes_straight(self, drive: Drive) -> bool:
        """Tell whether a block goes from files to a file by turns; make the driver ready to write."""
        native = self._natives[0]
        place = native.place if isinstance(native, FileBytes) and len(self._natives) == 1 else None
        if place is None:
            drive.write_nothing()
            return False
        path, start = place
        if self._out is None:
            self._out = Opened(path, None)
            self._out_fd = self._out.__enter__()
        drive.write_to(self._out_fd, start, path, self._turn.token.ctypes.data)
        return True

    def _turns(self, drive: Drive, source: Source, at: int, stop: int) -> int:
        """Do pixels `at` to `stop` of a block by turns; return `stop`."""
        done = at
        while (done := drive.run(done, stop, done - at)) < stop:
            # this tells what is wrong with a file that gave too little
            source.read(done, min(stop, done + self.fusion.piece))
        return stop

    def _piece(self, drive: Drive | None, source: Source, at: int, n: int, first: int = 0) -> int:
        """Read and compute pixels of a block of `n`, from pixel `at` on; return where they end.

        `first` is the number of its first pixel in what is read.
        """
        self._begin()
        seekers = [s for native in self._natives for s in native.seekers()]
        if drive is None or seekers:
            # a value near the mean is among the first as a rule: the rest goes by turns
            short = self.fusion.piece if drive is None else max(_SOUGHT, at)
            stop = self._end(at, n, min(self.fusion.piece, short))
            source.read(first + at, first + stop)
            self._compute(stop - at, seekers)
            return stop
        stop = self._end(at, n, self.fusion.span)
        return self._turns(drive, source, first + at, first + stop) - first

    def _end(self, at: int, n: int, length: int) -> int:
        """Return where a piece of about `length` pixels ends."""
        shift = self._natives[0].shift(length) if at == 0 and len(self._natives) == 1 else 0
        stop = min(n, at + length + shift)
        for native in self._natives:
            stop = native.edge(at, stop)
        return stop

    def _begin(self) -> None:
        """Make the targets ready for a piece."""
        for native in self._natives:
            native.reset()
            if native.moves:
                first = self._slots[id(native)]
                places = native.arguments()
                self._arguments[-1][first : first + len(places)] = places

    def _compute(self, n: int, seekers: Sequence[Any] = ()) -> None:
        """Make the results of the `n` pixels that were read."""
        for chain, steps in self._before:
            chain.run(n)
            for step in steps:
                # a single value stays as it is
                step.kernel(*(self._operand(r)[:n] for r in step.inputs), out=self.buffers[step.output][:n])
        if seekers:
            self._seek(n, seekers)
        self._loops[-1](n, self._places[-1], 0)

    def _seek(self, n: int, seekers: Sequence[Any]) -> None:
        """Let sums find a value near the mean, by calls that leave no trace."""
        lanes = [a for native in self._natives for a in native.lanes()]
        kept = [a.copy() for a in lanes]
        inputs = self.fusion.stages[-1].inputs
        arguments = self._arguments[-1]
        starts = arguments.copy()

        def call(count: int, first: int = 0) -> None:
            for k, i in enumerate(inputs):
                arguments[k] = int(starts[k]) + first * self.buffers[i.register].itemsize
            self._loops[-1](count, self._places[-1], 0)

        for seeker in seekers:
            seeker.seek(n, call)
        arguments[:] = starts
        for array, before in zip(lanes, kept, strict=True):
            array[...] = before
        for native in self._natives:
            native.reset()

    def _operand(self, register: int) -> np.ndarray:
        """Return the buffer of a register, or its one value."""
        constant = self.program.constants.get(register)
        return self.buffers[register] if constant is None else constant.reshape(1)
