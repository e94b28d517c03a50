"""Where the pixels of a block come from, for compiled loops.

Each leaf of a program is read in one of a few ways, chosen anew for each block: a piece of a plain file as it
lies, a box of one, the mask of a region where it is in memory already, or whatever the leaf gives.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any, Protocol

import numpy as np

from lattice.execute.fusion import Fusion, plain_file
from lattice.execute.stencils import Stencil, Stencils
from lattice.execute.strips import fetch_blocks, part_of
from lattice.graph.sections import Section, boxes, shape_of
from lattice.io.files import pread_into
from lattice.io.vectored import Span
from lattice.plan.program import Inputs, Leaf, RegionPixels

__all__ = ["Source", "Sources"]

Point = Callable[[int, int | None], None]
"""Lets loops read a register at an address, or (None) in its own buffer."""


class _Way(Protocol):
    """A way to read a leaf in one block."""

    def read(self, at: int, stop: int) -> None:
        """Let loops find pixels `at` to `stop` of the block."""


class _Run:
    """Pixels that follow each other in a plain file."""

    def __init__(self, fd: Any, path: str, start: int, buffer: np.ndarray) -> None:
        self._fd, self._path, self._start = fd, path, start
        self._size, self._bytes = buffer.itemsize, buffer.view(np.uint8)

    def read(self, at: int, stop: int) -> None:
        n = (stop - at) * self._size
        pread_into(self._fd, self._bytes[:n].data, self._start + at * self._size, self._path)

    @property
    def numbers(self) -> tuple[int, int, int, int] | None:
        """Descriptor, first byte, bytes per pixel, address of the buffer; None for a file of another kind."""
        if type(self._fd) is not int:
            return None
        return self._fd, self._start, self._size, self._bytes.ctypes.data


class _Box:
    """Pixels of a plain file that lie apart from each other."""

    def __init__(self, span: Span, buffer: np.ndarray) -> None:
        self._span = span
        self._size, self._bytes = buffer.itemsize, buffer.view(np.uint8)

    def read(self, at: int, stop: int) -> None:
        self._span.read(at, stop, self._bytes[: (stop - at) * self._size])


class _Cut:
    """The mask of a region: loops read it where it is, or in the buffer where it begins anew."""

    def __init__(self, register: int, stencil: Stencil, buffer: np.ndarray, point: Point) -> None:
        self._register, self._stencil, self._point = register, stencil, point
        self._bytes = buffer.view(np.uint8)

    def read(self, at: int, stop: int) -> None:
        place = self._stencil.place(at, stop)
        self._point(self._register, place)
        if place is None:
            self._stencil.fill(at, stop, self._bytes[: stop - at])


class _Given:
    """What a leaf gives, piece by piece or fetched for the whole block."""

    def __init__(self, leaf: Leaf, section: Section, whole: Any, sources: Sources) -> None:
        self._leaf, self._section, self._whole = leaf, section, whole
        self._inputs = sources.inputs
        self._buffers = [sources.buffers.get(r) for r in (leaf.value, leaf.mask)]  # type: ignore[arg-type]

    def read(self, at: int, stop: int) -> None:
        for box, first in boxes(self._section, at, stop):
            self._read(box, first)

    def _read(self, box: Section, first: int) -> None:
        shape = shape_of(box)
        stop = first + math.prod(shape)
        target, good = (None if b is None else b[first:stop].reshape(shape) for b in self._buffers)
        if self._whole is None:
            values, mask = self._leaf.fetch(box, target, self._inputs)
        else:
            values = part_of(self._whole[0], box, self._section)
            mask = None if self._whole[1] is None else part_of(self._whole[1], box, self._section)
        if target is not None and values is not target:
            np.copyto(target, values)
        if good is not None:
            good[...] = True if mask is None else mask


class Sources:
    """How the leaves of a fusion are read, in one thread.

    Parameters
    ----------
    fusion : Fusion
        Tells the leaves.
    buffers : mapping of int to ndarray
        Where loops find registers.
    inputs : callable
        Makes the inputs of operations.
    point : callable
        Lets loops find the mask of a region elsewhere than in its buffer.
    """

    def __init__(
        self, fusion: Fusion, buffers: Mapping[int, np.ndarray], inputs: Inputs, point: Point
    ) -> None:
        program = fusion.program
        self.buffers = buffers
        self.inputs = inputs
        self.point = point
        self.stencils: Stencils = program.cache.setdefault("stencils", Stencils(program))
        self.leaves = {
            number: (leaf, plain_file(leaf))
            for number, leaf in enumerate(program.leaves)
            if leaf.value in buffers or leaf.mask in buffers
        }
        slow = {r for stage in fusion.stages for s in stage.slow for r in s.inputs}
        self._regions = {
            number
            for number, (leaf, _) in self.leaves.items()
            if isinstance(leaf.source, RegionPixels)
            and leaf.view.is_box
            and leaf.value in buffers.keys() - slow
        }
        self._fetched = {
            number: leaf
            for number, (leaf, _) in self.leaves.items()
            if not leaf.direct and number not in self._regions
        }

    @property
    def sizes(self) -> list[int] | None:
        """Bytes per pixel of each leaf, if all are values in plain files; else None."""
        if any(plain is None or leaf.mask in self.buffers for leaf, plain in self.leaves.values()):
            return None
        return [self.buffers[leaf.value].itemsize for leaf, _ in self.leaves.values()]

    def of(self, section: Section) -> Source:
        """Return what a block is read from, to be used as a context."""
        return Source(self, section)

    def ways(self, section: Section, files: ExitStack) -> list[_Way]:
        """Return how each leaf is read in a block; files are opened."""
        blocks = fetch_blocks(self._fetched, section, self.inputs)
        return [
            self._way(number, leaf, plain, section, blocks.get(number), files)
            for number, (leaf, plain) in self.leaves.items()
        ]

    def _way(
        self, number: int, leaf: Leaf, plain: Any, section: Section, whole: Any, files: ExitStack
    ) -> _Way:
        buffer = self.buffers.get(leaf.value)
        if buffer is not None and number in self._regions:
            return _Cut(leaf.value, self.stencils.of(leaf, section, self.inputs), buffer, self.point)
        if buffer is None or plain is None:
            return _Given(leaf, section, whole, self)
        fd = files.enter_context(plain[0].copy())
        needed = leaf.needs(section)
        path = leaf.source.reader.path
        run = plain[1].run(needed)
        return (
            _Box(Span(fd, path, plain[1], needed), buffer) if run is None else _Run(fd, path, run[0], buffer)
        )


class Source:
    """What one block is read from; files stay open in its context.

    Attributes
    ----------
    files : list of tuple of int, or None
        Descriptor, first byte of the block, bytes per pixel and address of the buffer of each leaf, if each
        is one piece of a plain file.
    """

    def __init__(self, sources: Sources, section: Section) -> None:
        self._sources, self._section = sources, section
        self._open = ExitStack()
        self._ways: list[_Way] = []
        self.files: list[tuple[int, int, int, int]] | None = None

    def __enter__(self) -> Source:
        try:
            self._ways = self._sources.ways(self._section, self._open)
        except BaseException:
            self._open.close()
            raise
        runs = [way.numbers if isinstance(way, _Run) else None for way in self._ways]
        self.files = None if None in runs else [run for run in runs if run is not None]
        return self

    def __exit__(self, *_exc: object) -> None:
        self._open.close()

    def read(self, at: int, stop: int) -> None:
        """Let the next loop find pixels `at` to `stop` of the block, in buffers or where they lie ready."""
        for way in self._ways:
            way.read(at, stop)
