"""The choice of blocks: by storage, access, output and memory limit, never by the number of workers.

The same work is cut into the same blocks whatever runs it, so that sums come out with the same bits.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lattice.config import Options
from lattice.graph.sections import Section, grid
from lattice.plan.memory import allowance, bytes_per_block, comfortable, refuse
from lattice.plan.program import Leaf, OperationPixels, Program, RegionPixels, StoredPixels

__all__ = ["Blocks", "choose"]

_MOST = 10_000  # blocks per stage
_SMALL, _LARGE = 1 << 18, 1 << 22  # pixels per block
_ENOUGH = 32  # blocks of what is streamed: for many threads, each with few beginnings and ends
_TILED = 1 << 19
_HELD = 1 << 24  # pixels that are put together in memory
_PARTS = 16  # blocks of a reduction: few enough that long runs are read of each row
_RUN = 1024  # pixels that are read or written at one place, at least, where axes are turned


@dataclass(frozen=True)
class Blocks:
    """How the sections of a lattice are cut into blocks.

    Attributes
    ----------
    shape : tuple of int
        Shape of the lattice.
    block : tuple of int
        Shape of a block.
    n_bytes : int
        Memory that one block needs while it is computed.
    workers : int
        How many may be computed at once.
    alike : tuple of bool
        Along which axes blocks share work that is kept for a while; empty for none.
    """

    shape: tuple[int, ...]
    block: tuple[int, ...]
    n_bytes: int
    workers: int
    alike: tuple[bool, ...] = ()

    @property
    def count(self) -> int:
        """Number of blocks."""
        return _count(self.shape, self.block) if all(self.shape) else 0

    def sections(self) -> list[Section]:
        """Return the blocks in storage order."""
        return grid(self.shape, self.block)

    def order(self) -> Sequence[int]:
        """Return the numbers of the blocks as they are best computed: those that share work together."""
        if not any(self.alike) or all(self.alike):
            return range(self.count)
        counts = [-(-n // b) for n, b in zip(self.shape, self.block, strict=True)]
        axes = sorted(range(len(counts)), key=lambda a: self.alike[a])
        return [int(k) for k in np.arange(self.count).reshape(counts).transpose(axes).reshape(-1)]


def choose(
    program: Program,
    options: Options,
    chunks: tuple[int, ...] | None = None,
    sink_bytes: int = 0,
    held: int = 0,
) -> Blocks:
    """Return the blocks for a program.

    Parameters
    ----------
    program : Program
        What is computed.
    options : Options
        The memory limit counts, and the number of workers only where memory is short.
    chunks : tuple of int, optional
        Shape of the pieces in which the output must be written.
    sink_bytes : int, optional
        Bytes per pixel that sinks collect for a block.
    held : int, optional
        Bytes that the result takes beside the blocks.

    Raises
    ------
    MemoryLimitError
        When not even one block of the smallest useful shape fits.
    """
    shape = program.shape
    unit = _unit(program, chunks)
    access = _access(program)
    n = math.prod(shape)
    streams = chunks is None and all(
        leaf.direct or isinstance(leaf.source, RegionPixels) for leaf in program.leaves
    )
    operates = any(isinstance(leaf.source, OperationPixels) for leaf in program.leaves)
    # what is put together from tiles and taken apart again should stay in the cache meanwhile
    held_already = not program.steps and all(_in_memory(leaf) for leaf in program.leaves)
    large = operates or held_already
    target = min(_LARGE, max(_SMALL, n // _ENOUGH)) if streams else _LARGE if large else _TILED
    if operates and not options.block:
        target = _of_many(program, target)
    target = max(options.block or target, -(-n // _MOST))
    budget = max(1, allowance(options) - held)
    block = _grow(shape, unit, target, access)
    while _count(shape, block) > _MOST:
        target *= 2
        block = _grow(shape, unit, target, access)
    smallest = unit if chunks is not None else (1,) * len(shape)
    many, room = _shares(bytes_per_block(program, smallest, sink_bytes), budget, comfortable(options) - held)
    while bytes_per_block(program, block, sink_bytes) * many > room:
        smaller = _shrink(block, smallest, access)
        if smaller is None:
            break
        block = smaller
    need = bytes_per_block(program, block, sink_bytes)
    if need > budget:
        raise refuse("one block of the result", need + held, options, "choose a smaller part of the image")
    workers = max(1, min(options.n_workers, room // max(1, need)))
    return Blocks(shape, block, need, workers, _alike(program))


def _shares(least: int, budget: int, comfortable: int) -> tuple[int, int]:
    """Return how many blocks at once share which memory, where the smallest one takes `least`.

    Two are allowed for where that is possible, so that the cut does not depend on the number of workers. But
    memory that blocks of any size take must leave some to spare: tiny ones would take for ever.
    """
    for many, room in ((2, min(budget, comfortable)), (1, min(budget, comfortable))):
        if many * least <= room * 3 // 4:
            return many, room
    return 1, budget


def _in_memory(leaf: Leaf) -> bool:
    return isinstance(leaf.source, StoredPixels) and getattr(leaf.source.reader, "in_memory", False)


def _of_many(program: Program, target: int) -> int:
    """Return the pixels of a block that is made of many more pixels."""
    operations = [leaf.source for leaf in program.leaves if isinstance(leaf.source, OperationPixels)]
    cost = max(source.operation.cost() for source in operations)
    if cost <= 1:
        return target
    n = int(min(1 << 62, cost * math.prod(program.shape)))
    inner = [leaf for o in operations for program in o.inputs for leaf in program.leaves]
    if any(isinstance(leaf.source, OperationPixels) for leaf in inner):
        pixels = _LARGE  # halos of what is computed before make small blocks dear
    else:
        pixels = max(_SMALL, n // _PARTS)
        if not all(leaf.direct for leaf in inner):
            pixels = min(_LARGE, pixels)
        elif not all(o.operation.streams for o in operations):
            pixels = min(_HELD, pixels)
    return max(1, math.ceil(pixels / cost))


def _count(shape: tuple[int, ...], block: tuple[int, ...]) -> int:
    return math.prod(-(-n // b) for n, b in zip(shape, block, strict=True))


def _unit(program: Program, chunks: tuple[int, ...] | None) -> tuple[int, ...]:
    """Return the smallest shape that wastes no reading or writing."""
    shape = program.shape
    if chunks is not None:
        return tuple(max(1, min(c, n)) for c, n in zip(chunks, shape, strict=True))
    unit = [1] * len(shape)
    for leaf in program.leaves:
        if isinstance(leaf.source, OperationPixels):
            for axis, length in enumerate(_grain(leaf)):
                unit[axis] = max(unit[axis], min(length, max(1, shape[axis])))
            continue
        if leaf.direct or not isinstance(leaf.source, StoredPixels):
            continue
        if leaf.source.direct:
            # axes in another order than stored: runs of some length on either side, to read and to write
            fastest = next(i for i, (axis, _, _) in enumerate(leaf.view.axes) if axis == _last(leaf))
            for i in (fastest, len(shape) - 1):
                unit[i] = max(unit[i], min(_RUN, max(1, shape[i])))
            continue
        for axis, length in enumerate(_tile(leaf, len(shape))):
            unit[axis] = max(unit[axis], min(length, max(1, shape[axis])))
    return tuple(unit)


def _grain(leaf: Leaf) -> list[int]:
    """Return the unit of an operation; what comes from one pass along the first axis stays together."""
    operation, inputs = leaf.source.operation, leaf.source.inputs
    own = list(operation.grain(tuple(_unit(program, None) for program in inputs)))
    if operation.joint:
        own[0] = (operation.attrs.shape or (1,))[0]
    return [1 if axis < 0 else max(1, own[axis] // abs(step)) for axis, _, step in leaf.view.axes]


def _last(leaf: Leaf) -> int:
    """Return the axis of a leaf that is stored fastest, of those that the program has."""
    return max(axis for axis, _, _ in leaf.view.axes)


def _tile(leaf: Leaf, ndim: int) -> list[int]:
    tile: Sequence[int] = leaf.source.reader.tile
    return [1 if axis < 0 else max(1, tile[axis] // abs(step)) for axis, _, step in leaf.view.axes][:ndim]


def _access(program: Program) -> tuple[bool, ...]:
    """Return on which axes blocks should be as long as possible."""
    wanted = [False] * len(program.shape)
    for leaf in program.leaves:
        if isinstance(leaf.source, OperationPixels):
            long = leaf.source.operation.access()
            for i, (axis, _, _) in enumerate(leaf.view.axes):
                if axis >= 0 and long[axis]:
                    wanted[i] = True
    return tuple(wanted)


def _alike(program: Program) -> tuple[bool, ...]:
    """Return along which axes blocks share work in all operations that share any."""
    alike: tuple[bool, ...] = ()
    for leaf in program.leaves:
        if not isinstance(leaf.source, OperationPixels):
            continue
        operation = leaf.source.operation
        own = operation.alike()
        if not any(own):
            # what it is made of has its axes, more often than not; else blocks come in some other order
            inner = [_alike(p) for p in leaf.source.inputs if len(p.shape) == len(own)]
            own = next((i for i in inner if i), own)
        if any(own):
            here = tuple(axis >= 0 and own[axis] for axis, _, _ in leaf.view.axes)
            alike = tuple(a and b for a, b in zip(alike, here, strict=True)) if alike else here
    return alike


def _grow(
    shape: tuple[int, ...], unit: tuple[int, ...], target: int, access: tuple[bool, ...]
) -> tuple[int, ...]:
    """Return a block of about `target` pixels of whole units, longest on the wanted, then the last axes."""
    block = list(unit)
    order = [i for i in reversed(range(len(shape))) if access[i]]
    order += [i for i in reversed(range(len(shape))) if not access[i]]
    for axis in order:
        room = target // max(1, math.prod(block))
        if room <= 1:
            break
        if room * block[axis] >= shape[axis]:
            block[axis] = max(1, shape[axis])
        else:
            block[axis] *= room
            break
    return tuple(block)


def _shrink(
    block: tuple[int, ...], unit: tuple[int, ...], access: tuple[bool, ...]
) -> tuple[int, ...] | None:
    """Return a block of about half the size, or None when it cannot be smaller."""
    order = [i for i in range(len(block)) if not access[i]] + [i for i in range(len(block)) if access[i]]
    for axis in order:
        units = -(-block[axis] // unit[axis])
        if units > 1:
            return (*block[:axis], (units + 1) // 2 * unit[axis], *block[axis + 1 :])
    return None
