"""Pixels that go as they are from where they lie to writers of whole blocks, put together nowhere."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from lattice.execute.buffers import memory
from lattice.execute.sinks import WriterSink
from lattice.graph.sections import Section, shape_of
from lattice.plan.program import Inputs, Leaf, Program, StoredPixels

__all__ = ["Copies", "only_copies"]


def only_copies(program: Program, sinks: Sequence[Any]) -> bool:
    """Tell whether a program computes nothing, and writers take all that it reads as it lies."""
    if program.steps or not all(isinstance(leaf.source, StoredPixels) for leaf in program.leaves):
        return False
    read = {leaf.value for leaf in program.leaves}
    return all(
        isinstance(sink, WriterSink)
        and getattr(sink.writer, "takes_views", False)
        and value in read
        and program.types[value] == sink.writer.dtype
        and (mask is None or (mask in read and sink.masked))
        for sink, (value, mask) in zip(sinks, program.outputs, strict=True)
    )


class Copies:
    """Such a program, ready to run in one thread.

    Parameters
    ----------
    program, sinks : Program, sequence of WriterSink
        Of which `only_copies` is true.
    inputs : callable
        Makes what an operation sees of a program.
    """

    def __init__(self, program: Program, sinks: Sequence[Any], inputs: Inputs) -> None:
        self._program = program
        self._sinks = sinks
        self._inputs = inputs
        self._taken: dict[int, np.ndarray] = {}

    def run(self, section: Section, advance: Callable[[int], None] | None) -> list[Any]:
        """Write one block; there are no results."""
        shape = shape_of(section)
        found = {leaf.value: self._read(leaf, section, shape) for leaf in self._program.leaves}
        for sink, (value, good) in zip(self._sinks, self._program.outputs, strict=True):
            mask = None if good is None or found[good].all() else found[good]
            sink.writer.write(section, found[value], mask)
        if advance is not None:
            advance(math.prod(shape))
        return [None] * len(self._sinks)

    def close(self) -> None:
        """Give back buffers."""
        memory.give(list(self._taken.values()))
        self._taken = {}

    def _read(self, leaf: Leaf, section: Section, shape: tuple[int, ...]) -> np.ndarray:
        out = None
        if not getattr(leaf.source.reader, "in_memory", False):
            dtype = self._program.types[leaf.value]
            n = math.prod(shape) * dtype.itemsize
            kept = self._taken.get(leaf.value)
            if kept is None or kept.nbytes < n:
                if kept is not None:
                    memory.give([kept])
                kept = self._taken[leaf.value] = memory.take(n)
            out = kept[:n].view(dtype).reshape(shape)
        return np.broadcast_to(leaf.fetch(section, out, self._inputs)[0], shape)
