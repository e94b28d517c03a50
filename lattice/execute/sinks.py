"""Where the strips of a program go: files, arrays, running statistics.

A sink is a small picklable description.  `start` makes what one block fills; `finish` of that gives the
result of the block, which the caller combines in the order of the blocks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from lattice.execute.strips import is_register
from lattice.functions.states import State, make_state
from lattice.graph.protocols import Writer
from lattice.graph.sections import Section, relative, shape_of

__all__ = ["ArraySink", "BlockSink", "Sink", "StateSink", "WriterSink", "combine_states"]


class Taker(Protocol):
    """What one block fills."""

    def take(self, piece: Section, values: np.ndarray, mask: np.ndarray | None) -> None:
        """Take a strip; the arrays broadcast to its shape and are valid until this returns."""

    def finish(self) -> Any:
        """Return the result of the block."""


class Sink(Protocol):
    """Where one output of a program goes."""

    def start(self, section: Section) -> Taker:
        """Begin a block."""


@dataclass(frozen=True)
class ArraySink:
    """Arrays in memory that all blocks share (threads of one process)."""

    values: np.ndarray
    mask: np.ndarray | None

    def start(self, section: Section) -> ArraySink:
        return self

    def take(self, piece: Section, values: np.ndarray, mask: np.ndarray | None) -> None:
        self.values[piece] = values
        if self.mask is not None:
            self.mask[piece] = True if mask is None else mask

    def finish(self) -> None:
        return None


@dataclass(frozen=True)
class BlockSink:
    """Arrays that each block returns, for other processes."""

    dtype: np.dtype[Any]
    masked: bool

    def start(self, section: Section) -> _Block:
        return _Block(section, self.dtype, self.masked)


class _Block:
    def __init__(self, section: Section, dtype: np.dtype[Any], masked: bool) -> None:
        self.section = section
        self.values = np.empty(shape_of(section), dtype)
        self.mask = np.empty(shape_of(section), bool) if masked else None

    def take(self, piece: Section, values: np.ndarray, mask: np.ndarray | None) -> None:
        at = relative(piece, self.section)
        self.values[at] = values
        if self.mask is not None:
            self.mask[at] = True if mask is None else mask

    def finish(self) -> tuple[np.ndarray, np.ndarray | None]:
        return self.values, self.mask


@dataclass(frozen=True)
class WriterSink:
    """A writer: it is given strips if small sections are cheap for it, else whole blocks.

    `masked` tells whether it takes a mask. One that takes none writes truth values, itself the mask of
    something: a pixel is T there only if it is good too.
    """

    writer: Writer
    masked: bool

    def start(self, section: Section) -> Taker:
        if self.writer.direct:
            return _Streaming(self.writer, self.masked)
        return _Collecting(self.writer, section, self.masked)


class _Streaming:
    def __init__(self, writer: Writer, masked: bool) -> None:
        self.writer = writer
        self.masked = masked

    def take(self, piece: Section, values: np.ndarray, mask: np.ndarray | None) -> None:
        shape = shape_of(piece)
        if mask is not None and not self.masked:
            values, mask = np.logical_and(values, mask), None
        values = _own(values, shape, self.writer.dtype)
        if mask is not None:
            mask = np.ascontiguousarray(np.broadcast_to(mask, shape))
        self.writer.write(piece, values, mask)

    def finish(self) -> None:
        return None


def _own(values: np.ndarray, shape: tuple[int, ...], dtype: np.dtype[Any]) -> np.ndarray:
    """Return values that a writer may spoil."""
    ready = (
        values.shape == shape
        and values.dtype == dtype
        and values.flags.c_contiguous
        and values.flags.writeable
    )
    if ready and is_register(values):
        return values
    own = np.empty(shape, dtype)
    own[...] = values
    return own


class _Collecting(_Block):
    def __init__(self, writer: Writer, section: Section, masked: bool) -> None:
        super().__init__(section, writer.dtype, masked)
        self.writer = writer

    def take(self, piece: Section, values: np.ndarray, mask: np.ndarray | None) -> None:
        if mask is not None and self.mask is None:
            values, mask = np.logical_and(values, mask), None
        super().take(piece, values, mask)

    def finish(self) -> None:  # type: ignore[override]
        mask = self.mask
        if mask is not None and mask.all():
            mask = None
        self.writer.write(self.section, self.values, mask)


@dataclass(frozen=True)
class StateSink:
    """Running statistics: names and scalars of the states that are wanted of one lattice."""

    states: tuple[tuple[str, tuple[Any, ...]], ...]

    def start(self, section: Section) -> _States:
        return _States([make_state(name, *scalars) for name, scalars in self.states])


class _States:
    def __init__(self, states: list[State]) -> None:
        self.states = states

    def take(self, piece: Section, values: np.ndarray, mask: np.ndarray | None) -> None:
        shape = shape_of(piece)
        if values.shape != shape:
            values = np.broadcast_to(values, shape)
        if mask is not None and mask.shape != shape:
            mask = np.ascontiguousarray(np.broadcast_to(mask, shape))
        for state in self.states:
            state.update(values, mask, piece)

    def finish(self) -> list[State]:
        for state in self.states:
            state.finish()
        return self.states


def combine_states(blocks: list[list[State]]) -> list[State]:
    """Return the statistics of all blocks, merged in order."""
    total = blocks[0]
    for block in blocks[1:]:
        for state, other in zip(total, block, strict=True):
            state.merge(other)
    return total
