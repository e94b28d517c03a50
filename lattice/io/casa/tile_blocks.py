"""Small sections that begin and end within tiles, in few reads and few copies, however many tiles they cut.

Threads that read at the same time wait for each other before and after every call into the system and every
copy.  So the tiles around a section are read by rows, from the first to the last wanted pixel of each, put
together to a block, and the section is copied out of that.
"""

from __future__ import annotations

import itertools
import math
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from lattice.graph.sections import Section, n_pixels
from lattice.io.casa.bits import unpacked
from lattice.io.casa.tile_cuts import Segment, TileLayout, segments
from lattice.io.files import pread_into
from lattice.io.raw import scratch
from lattice.io.vectored import read_pieces

__all__ = ["Block", "blocks_bytes", "read_blocks", "small_blocks"]

_MOST = 4 << 20  # bytes of tiles around a section that is read this way
_SPARE, _TIMES = 64 << 10, 5  # bytes that may be read: so many, and so many times the wanted ones
_GAP = 32 << 10  # bytes between pieces that are read in vain rather than asking the system once more
_ROUND = 1.5  # how many times the wanted pixels may be put together, rather than copied one by one part

_local = threading.local()


@dataclass(frozen=True, slots=True)
class Block:
    """Tiles that are read together: `counts` of them from number `first` on.

    `begin` and `end` are the wanted pixels, counted from the first pixel of these tiles, `place` where they
    go.  Of each tile `length` bytes are read, `skip` bytes from its begin.
    """

    first: tuple[int, ...]
    counts: tuple[int, ...]
    begin: tuple[int, ...]
    end: tuple[int, ...]
    place: tuple[int, ...]
    skip: int
    length: int

    def run(self, layout: TileLayout) -> tuple[int, int]:
        """Return how many tiles follow each other in the file, and of how many axes."""
        axis = len(self.counts) - 1
        n = self.counts[axis]
        while axis and self.counts[axis] == layout.counts[axis]:
            axis -= 1
            n *= self.counts[axis]
        return n, axis

    def is_whole(self, layout: TileLayout) -> bool:
        """Tell whether tiles are read from the first to the last byte."""
        return self.length == layout.tile_bytes


def small_blocks(layout: TileLayout, section: Section) -> list[Block] | None:
    """Return what a section is read by, if it is small, without steps, and cuts some tiles; else None."""
    tiles, cuts = 1, 1
    for s, t in zip(section, layout.tile, strict=True):
        if s.step != 1 or s.stop <= s.start:
            return None
        first, last = s.start // t, (s.stop - 1) // t
        tiles *= last - first + 1
        # a part of a tile at one end or both, and whole tiles between
        cuts *= 1 if first == last else (s.start % t > 0) + (s.stop % t > 0) + (last - first > 1)
    if cuts <= 1 or tiles * layout.stride > _MOST or layout.stride > _room(layout):
        return None
    blocks = list(_blocks(layout, section))
    wanted = n_pixels(section) * layout.dtype.itemsize // (8 if layout.bits else 1)
    return blocks if blocks_bytes(layout, blocks) <= _SPARE + _TIMES * wanted else None


def blocks_bytes(layout: TileLayout, blocks: Sequence[Block]) -> int:
    """Return the bytes that `read_blocks` reads."""
    total = 0
    for block in blocks:
        run, axis = block.run(layout)
        runs = math.prod(block.counts[:axis])
        if block.is_whole(layout) or layout.stride - block.length <= _gap(block):
            total += runs * ((run - 1) * layout.stride + block.length)
        else:
            total += runs * run * block.length
    return total


def read_blocks(fd: int, layout: TileLayout, blocks: Sequence[Block], out: np.ndarray) -> None:
    """Read a section into `out`, which is C-contiguous, of native byte order."""
    for block in blocks:
        _read_block(fd, layout, block, out)


def _room(layout: TileLayout) -> int:
    return scratch().size // (8 if layout.bits else 1)


def _gap(block: Block) -> int:
    return min(_GAP, 4 * block.length)


def _blocks(layout: TileLayout, section: Section) -> Iterator[Block]:
    """Cut a section: on the first axis where it begins or ends within a tile, on others where it must be."""
    for segment in segments(section[0], layout.tile[0]):
        head = (segment.first, segment.count)
        start = segment.first * layout.tile[0] + segment.begin
        stop = start + (segment.count - 1) * layout.tile[0] + segment.length
        part = (slice(start, stop, 1), *section[1:])
        ranges = [head] + [
            (s.start // t, (s.stop - 1) // t - s.start // t + 1)
            for s, t in zip(section[1:], layout.tile[1:], strict=True)
        ]
        size, group = layout.stride, [1] * len(ranges)
        for axis in range(len(ranges) - 1, -1, -1):
            group[axis] = min(ranges[axis][1], max(1, _room(layout) // size))
            size *= group[axis]
            if group[axis] < ranges[axis][1]:
                break
        steps = (range(0, n, g) for (_, n), g in zip(ranges, group, strict=True))
        for index in itertools.product(*steps):
            first = tuple(f + i for (f, _), i in zip(ranges, index, strict=True))
            counts = tuple(min(g, n - i) for (_, n), g, i in zip(ranges, group, index, strict=True))
            yield _block(layout, section, part, first, counts)


def _block(
    layout: TileLayout, section: Section, part: Section, first: tuple[int, ...], counts: tuple[int, ...]
) -> Block:
    low, high = 0, 0  # the first and the last pixel that is wanted of any of the tiles
    begin, end, place = [], [], []
    for s, p, t, f, n in zip(section, part, layout.tile, first, counts, strict=True):
        b, e = max(p.start - f * t, 0), min(p.stop - f * t, n * t)
        low, high = low * t + (b if n == 1 else 0), high * t + (e if n == 1 else t) - 1
        begin.append(b)
        end.append(e)
        place.append(f * t + b - s.start)
    if layout.bits:
        skip, length = low // 8, high // 8 + 1 - low // 8
    else:
        skip, length = low * layout.dtype.itemsize, (high + 1 - low) * layout.dtype.itemsize
    if 4 * length >= 3 * layout.tile_bytes and math.prod(counts) > 1:
        skip, length = 0, layout.tile_bytes
    return Block(first, counts, tuple(begin), tuple(end), tuple(place), skip, length)


def _read_block(fd: int, layout: TileLayout, block: Block, out: np.ndarray) -> None:
    slot = layout.stride if block.is_whole(layout) else block.length
    buffer = _fetched(fd, layout, block, slot)
    scale = 8 if layout.bits else 1
    source = unpacked(buffer) if layout.bits else buffer
    size = 1 if layout.bits else layout.dtype.itemsize
    shape: list[int] = []
    strides: list[int] = []
    start = -block.skip * scale
    inner, outer = size, slot * scale
    for n, t, b, e in zip(
        *(v[::-1] for v in (block.counts, layout.tile, block.begin, block.end)), strict=True
    ):
        shape = [n, e - b if n == 1 else t, *shape]
        strides = [outer, inner, *strides]
        start += b * inner if n == 1 else 0
        inner *= t
        outer *= n
    stored = np.ndarray(shape, layout.dtype, source, start, strides)
    whole = [n * p for n, p in zip(shape[::2], shape[1::2], strict=True)]
    wanted = [e - b for b, e in zip(block.begin, block.end, strict=True)]
    if whole != wanted and math.prod(whole) <= _ROUND * math.prod(wanted):
        nbytes = math.prod(whole) * out.itemsize
        put = _assembled(nbytes)[:nbytes].view(out.dtype)
        np.copyto(put.reshape(shape), stored)
        inside = tuple(
            slice(None) if n == 1 else slice(b, e)
            for n, b, e in zip(block.counts, block.begin, block.end, strict=True)
        )
        target = tuple(slice(p, p + n) for p, n in zip(block.place, wanted, strict=True))
        np.copyto(out[target], put.reshape(whole)[inside])
        return
    flat = out.reshape(-1).view(np.uint8)
    parts = [
        [Segment(0, 1, 1, 0, p, 1, 0)] if n == 1 else segments(slice(b, e, 1), p)
        for n, p, b, e in zip(shape[::2], shape[1::2], block.begin, block.end, strict=True)
    ]
    for box in itertools.product(*parts):
        at = sum((g + p.place) * b for g, p, b in zip(block.place, box, out.strides, strict=True))
        moves = [m for p, b in zip(box, out.strides, strict=True) for m in (p.length * b, b)]
        sizes = [m for p in box for m in (p.count, p.length)]
        index = tuple(
            i for p in box for i in (slice(p.first, p.first + p.count), slice(p.begin, p.begin + p.length))
        )
        np.copyto(np.ndarray(sizes, out.dtype, flat, at, moves), stored[index])


def _fetched(fd: int, layout: TileLayout, block: Block, slot: int) -> np.ndarray:
    """Return the wanted bytes of the tiles of a block, one tile after the other."""
    run, axis = block.run(layout)
    filled = 0
    buffer = scratch()
    for index in itertools.product(*map(range, block.counts[:axis])):
        number = tuple(f + i for f, i in itertools.zip_longest(block.first, index, fillvalue=0))
        position = layout.at(number) + block.skip
        if slot == layout.stride:
            part = buffer[filled : filled + (run - 1) * slot + block.length]
            pread_into(fd, part.data, position, layout.path)
        else:
            part = buffer[filled : filled + run * slot]
            read_pieces(fd, layout.path, position, part, slot, layout.stride, _gap(block))
        filled += run * slot
    return buffer[:filled]


def _assembled(nbytes: int) -> np.ndarray:
    """Return memory of this thread, of so many bytes at least."""
    buffer: np.ndarray | None = _local.__dict__.get("buffer")
    if buffer is None or buffer.size < nbytes:
        buffer = _local.buffer = np.empty(max(nbytes, scratch().size), np.uint8)
    return buffer
