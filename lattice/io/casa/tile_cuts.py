"""How arrays are cut into tiles, and sections into boxes of tiles.

An array is cut into tiles of one shape; each takes the same bytes, also at the far edges.  The tiles follow
each other in C order, and so do the pixels in a tile.  Truth values take a bit each, and every tile begins
at a byte.

A section is cut, axis by axis, into segments: runs of tiles of which the same pixels are wanted.  Their
product gives boxes of tiles; in a box the file is an array of twice as many axes (which tile, which pixel),
and so is the target, with the axes in another order: one strided copy moves all of it.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from lattice.graph.sections import Section
from lattice.io.raw import Layout, scratch

__all__ = [
    "LEAST_ROW",
    "Box",
    "Runs",
    "Segment",
    "TileLayout",
    "Views",
    "boxes",
    "by_parts",
    "cut_pieces",
    "cut_runs",
    "is_whole",
    "piece_bytes",
    "position_of",
    "same_order",
    "segments",
]

LEAST_ROW = 32  # bytes of pixels in a row that are worth being moved as one thing
# One positional read costs about as much as moving this many bytes.
_CALL_BYTES = 16 << 10


@dataclass(frozen=True)
class TileLayout:
    """Where the pixels of an array lie.

    Attributes
    ----------
    path : str
        The file.
    dtype : dtype
        Type of a pixel as stored; bool for bits.
    shape, tile : tuple of int
        Shapes of array and tile, numpy order.
    offset : int
        Where the first tile begins.
    stride : int
        Bytes from one tile to the next.
    plane : int or None
        Index on the first axis, where the image is one plane of a larger array.
    """

    path: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    tile: tuple[int, ...]
    offset: int
    stride: int
    plane: int | None = None

    @functools.cached_property
    def counts(self) -> tuple[int, ...]:
        """Number of tiles per axis."""
        return tuple(-(-n // t) for n, t in zip(self.shape, self.tile, strict=True))

    @functools.cached_property
    def jumps(self) -> tuple[int, ...]:
        """Bytes from a tile to the next one per axis."""
        jumps = [self.stride] * len(self.tile)
        for k in range(len(jumps) - 2, -1, -1):
            jumps[k] = jumps[k + 1] * self.counts[k + 1]
        return tuple(jumps)

    @functools.cached_property
    def bits(self) -> bool:
        """True if a pixel is a bit."""
        return self.dtype.kind == "b"

    @functools.cached_property
    def tile_bytes(self) -> int:
        """Bytes of the pixels of a tile."""
        n = math.prod(self.tile)
        return (n + 7) // 8 if self.bits else n * self.dtype.itemsize

    @property
    def end(self) -> int:
        """Where the file may end at the earliest."""
        n = math.prod(self.counts)
        return self.offset + (n - 1) * self.stride + self.tile_bytes if n else 0

    @functools.cached_property
    def inner(self) -> Layout:
        """The pixels of a tile that begins at 0, unless they are bits."""
        return Layout(0, self.tile, self.dtype)

    @functools.cached_property
    def is_plain(self) -> bool:
        """True if the pixels lie in C order, but for padding: strips of the image are runs of the file."""
        last = max((k for k, c in enumerate(self.counts) if c > 1), default=0)
        return all(t == 1 for t in self.tile[:last])

    def line(self, padded: bool = False) -> int | None:
        """Return the number of pixels in the file, if nothing else is between them and a tile is whole bytes.

        Parameters
        ----------
        padded : bool
            Whether pixels beyond the far edges may be among them.
        """
        beyond = any(n % t for n, t in zip(self.shape, self.tile, strict=True))
        pixels = math.prod(self.tile)
        if self.plane is not None or self.stride != self.tile_bytes or (beyond and not padded):
            return None
        return None if self.bits and pixels % 8 else math.prod(self.counts) * pixels

    def at(self, number: tuple[int, ...]) -> int:
        """Return where a tile begins."""
        return self.offset + sum(i * b for i, b in zip(number, self.jumps, strict=True))


@dataclass(frozen=True, slots=True)
class Segment:
    """Tiles of one axis of which the same pixels are wanted."""

    first: int  # number of the first tile
    count: int
    step: int  # from one tile to the next
    begin: int  # first pixel within a tile
    length: int  # pixels within a tile
    stride: int  # from one pixel to the next
    place: int  # where they go in the target


def segments(s: slice, tile: int) -> list[Segment]:
    """Cut one axis of a section into segments."""
    if s.step == 1:
        return _plain_segments(s.start, s.stop, tile)
    out: list[Segment] = []
    place = 0
    position = s.start
    while position < s.stop:
        number, begin = divmod(position, tile)
        length = (min(s.stop, (number + 1) * tile) - position + s.step - 1) // s.step
        last = out[-1] if out else None
        step = number - (last.first + (last.count - 1) * last.step) if last else 1
        if last and (last.begin, last.length) == (begin, length) and (last.count == 1 or last.step == step):
            out[-1] = Segment(last.first, last.count + 1, step, begin, length, s.step, last.place)
        else:
            out.append(Segment(number, 1, 1, begin, length, s.step, place))
        place += length
        position += length * s.step
    return out


def _plain_segments(start: int, stop: int, tile: int) -> list[Segment]:
    """Cut a range without steps: a part of a tile, whole tiles, a part of a tile."""
    if start >= stop:
        return []
    first, begin = divmod(start, tile)
    last, end = divmod(stop, tile)
    if first == last:
        return [Segment(first, 1, 1, begin, end - begin, 1, 0)]
    out = []
    place = 0
    if begin:
        out.append(Segment(first, 1, 1, begin, tile - begin, 1, 0))
        place = tile - begin
        first += 1
    if last > first:
        out.append(Segment(first, last - first, 1, 0, tile, 1, place))
        place += (last - first) * tile
    if end:
        out.append(Segment(last, 1, 1, 0, end, 1, place))
    return out


Box = tuple[Segment, ...]


def boxes(layout: TileLayout, section: Section) -> Iterator[Box]:
    """Cut a section into boxes of tiles."""
    parts = (segments(s, t) for s, t in zip(section, layout.tile, strict=True))
    return itertools.product(*parts)


def is_whole(box: Box, tile: tuple[int, ...]) -> bool:
    """Tell whether all pixels of the tiles of a box are wanted."""
    return all(p.length == t for p, t in zip(box, tile, strict=True))


@dataclass(slots=True)
class Runs:
    """Pieces of a box that are contiguous in the file and fit the scratch buffer.

    `level` is the axis along which a piece is cut, `group` its length there in tiles.
    """

    level: int
    group: int


def cut_runs(layout: TileLayout, box: Box, room: int) -> Runs:
    """Cut a box: as many tiles at once as lie together and fit."""
    level = len(box)
    tiles = 1
    # an axis may be taken as a whole if all tiles of the axes behind it are wanted
    for k in range(len(box) - 1, -1, -1):
        if box[k].step != 1 and box[k].count > 1:
            break
        level = k
        if tiles * box[k].count * layout.stride > room:
            return Runs(k, max(1, room // (tiles * layout.stride)))
        tiles *= box[k].count
        if box[k].count != layout.counts[k]:
            break
    return Runs(level, box[level].count if level < len(box) else 1)


def cut_pieces(box: Box, runs: Runs) -> Iterator[tuple[tuple[int, ...], int]]:
    """Yield the index within the box at which a piece begins, and how many tiles it has along its axis."""
    leading = itertools.product(*(range(p.count) for p in box[: runs.level]))
    if runs.level == len(box):
        for index in leading:
            yield index, 1
        return
    count = box[runs.level].count
    for index in leading:
        for i in range(0, count, runs.group):
            yield (*index, i), min(runs.group, count - i)


class Views:
    """The two sides of a piece: arrays of 2 n axes (tile 0, pixel 0, tile 1, pixel 1, ...)."""

    def __init__(self, layout: TileLayout, box: Box, target: np.ndarray, runs: Runs) -> None:
        size = 1 if layout.bits else layout.dtype.itemsize
        scale = 8 if layout.bits else 1
        inner = [size] * len(box)
        for k in range(len(box) - 2, -1, -1):
            inner[k] = inner[k + 1] * layout.tile[k + 1]
        self.begin = sum(p.begin * b for p, b in zip(box, inner, strict=True))
        self.shape: list[int] = []
        self.stored: list[int] = []
        self.strides: list[int] = []
        for k, p in enumerate(box):
            count = 1 if k < runs.level else p.count
            self.shape += [count, p.length]
            self.stored += [layout.jumps[k] * p.step * scale, inner[k] * p.stride]
            self.strides += [target.strides[k] * p.length, target.strides[k]]
        self.target = target
        self.start = sum(p.place * b for p, b in zip(box, target.strides, strict=True))
        self.moves = [p.length * b for p, b in zip(box, target.strides, strict=True)]
        self.along = 2 * runs.level

    def cut(self, index: tuple[int, ...], group: int) -> tuple[tuple[int, ...], int]:
        """Return the shape of a piece, and where it begins in the target."""
        shape = self.shape
        if self.along < len(shape):
            shape = shape.copy()
            shape[self.along] = group
        return tuple(shape), self.start + sum(i * b for i, b in zip(index, self.moves, strict=False))


def same_order(views: Views) -> bool:
    """Tell whether a piece lies in the target as it lies in the file."""
    expected = views.target.itemsize
    for n, a, b in reversed(list(zip(views.shape, views.stored, views.strides, strict=True))):
        if n != 1:
            if a != b or a != expected:
                return False
            expected *= n
    return True


def piece_bytes(layout: TileLayout, box: Box, runs: Runs, group: int) -> int:
    """Bytes of a piece in the file."""
    tiles = group * math.prod(p.count for p in box[runs.level + 1 :])
    return (tiles - 1) * layout.stride + layout.tile_bytes


def position_of(layout: TileLayout, box: Box, index: tuple[int, ...]) -> int:
    """Return where a tile of a box begins in the file; the index may lack the last axes."""
    position = layout.offset
    for k, p in enumerate(box):
        i = index[k] if k < len(index) else 0
        position += (p.first + i * p.step) * layout.jumps[k]
    return position


def _inner_runs(box: Box, tile: tuple[int, ...]) -> int:
    """Return in how many contiguous runs the wanted pixels of a tile lie."""
    runs = 1
    whole = True
    for p, t in zip(reversed(box), reversed(tile), strict=True):
        if not whole:
            runs *= p.length
        elif p.length != t:
            runs = p.length if p.stride != 1 else 1
            whole = False
    return runs


def by_parts(layout: TileLayout, box: Box) -> bool:
    """Tell whether only the wanted pixels of the tiles of a box are to be read, as that costs less."""
    if layout.stride > scratch().size // (8 if layout.bits else 1):
        return True
    if layout.bits or layout.tile_bytes <= _CALL_BYTES:
        return False
    wanted = math.prod(p.length for p in box) * layout.dtype.itemsize
    return _inner_runs(box, layout.tile) * _CALL_BYTES + wanted < layout.tile_bytes
