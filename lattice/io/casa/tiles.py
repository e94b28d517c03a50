"""Pixels in tiles: sections read and written by position, whole rows of tiles at once.

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
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from lattice.graph.sections import Section, n_pixels, shape_of
from lattice.io.casa.bits import bits_bytes, read_bits, unpacked, write_bits
from lattice.io.files import (
    Identity,
    Opened,
    add_bytes,
    identify,
    is_url,
    pread_into,
    pwrite_from,
    storage_error,
)
from lattice.io.raw import Layout, read_section, scratch, section_bytes, write_section

__all__ = ["TileLayout", "TileReader", "TileWriter", "open_reader"]

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

    @property
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

    @property
    def is_plain(self) -> bool:
        """True if the pixels lie in C order, but for padding: strips of the image are runs of the file."""
        last = max((k for k, c in enumerate(self.counts) if c > 1), default=0)
        return all(t == 1 for t in self.tile[:last])

    def at(self, number: tuple[int, ...]) -> int:
        """Return where a tile begins."""
        return self.offset + sum(i * b for i, b in zip(number, self.jumps, strict=True))


@dataclass(frozen=True, slots=True)
class _Segment:
    """Tiles of one axis of which the same pixels are wanted."""

    first: int  # number of the first tile
    count: int
    step: int  # from one tile to the next
    begin: int  # first pixel within a tile
    length: int  # pixels within a tile
    stride: int  # from one pixel to the next
    place: int  # where they go in the target


def _segments(s: slice, tile: int) -> list[_Segment]:
    """Cut one axis of a section into segments."""
    if s.step == 1:
        return _plain_segments(s.start, s.stop, tile)
    out: list[_Segment] = []
    place = 0
    position = s.start
    while position < s.stop:
        number, begin = divmod(position, tile)
        length = (min(s.stop, (number + 1) * tile) - position + s.step - 1) // s.step
        last = out[-1] if out else None
        step = number - (last.first + (last.count - 1) * last.step) if last else 1
        if last and (last.begin, last.length) == (begin, length) and (last.count == 1 or last.step == step):
            out[-1] = _Segment(last.first, last.count + 1, step, begin, length, s.step, last.place)
        else:
            out.append(_Segment(number, 1, 1, begin, length, s.step, place))
        place += length
        position += length * s.step
    return out


def _plain_segments(start: int, stop: int, tile: int) -> list[_Segment]:
    """Cut a range without steps: a part of a tile, whole tiles, a part of a tile."""
    if start >= stop:
        return []
    first, begin = divmod(start, tile)
    last, end = divmod(stop, tile)
    if first == last:
        return [_Segment(first, 1, 1, begin, end - begin, 1, 0)]
    out = []
    place = 0
    if begin:
        out.append(_Segment(first, 1, 1, begin, tile - begin, 1, 0))
        place = tile - begin
        first += 1
    if last > first:
        out.append(_Segment(first, last - first, 1, 0, tile, 1, place))
        place += (last - first) * tile
    if end:
        out.append(_Segment(last, 1, 1, 0, end, 1, place))
    return out


_Box = tuple[_Segment, ...]


def _boxes(layout: TileLayout, section: Section) -> Iterator[_Box]:
    parts = (_segments(s, t) for s, t in zip(section, layout.tile, strict=True))
    return itertools.product(*parts)


def _is_whole(box: _Box, tile: tuple[int, ...]) -> bool:
    return all(p.length == t for p, t in zip(box, tile, strict=True))


@dataclass(slots=True)
class _Runs:
    """Pieces of a box that are contiguous in the file and fit the scratch buffer.

    `level` is the axis along which a piece is cut, `group` its length there in tiles.
    """

    level: int
    group: int


def _runs(layout: TileLayout, box: _Box, room: int) -> _Runs:
    """Cut a box: as many tiles at once as lie together and fit."""
    level = len(box)
    tiles = 1
    # an axis may be taken as a whole if all tiles of the axes behind it are wanted
    for k in range(len(box) - 1, -1, -1):
        if box[k].step != 1 and box[k].count > 1:
            break
        level = k
        if tiles * box[k].count * layout.stride > room:
            return _Runs(k, max(1, room // (tiles * layout.stride)))
        tiles *= box[k].count
        if box[k].count != layout.counts[k]:
            break
    return _Runs(level, box[level].count if level < len(box) else 1)


def _pieces(box: _Box, runs: _Runs) -> Iterator[tuple[tuple[int, ...], int]]:
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


class _Views:
    """The two sides of a piece: arrays of 2 n axes (tile 0, pixel 0, tile 1, pixel 1, ...)."""

    def __init__(self, layout: TileLayout, box: _Box, target: np.ndarray, runs: _Runs) -> None:
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


def _same_order(views: _Views) -> bool:
    """Tell whether a piece lies in the target as it lies in the file."""
    expected = views.target.itemsize
    for n, a, b in reversed(list(zip(views.shape, views.stored, views.strides, strict=True))):
        if n != 1:
            if a != b or a != expected:
                return False
            expected *= n
    return True


def _piece_bytes(layout: TileLayout, box: _Box, runs: _Runs, group: int) -> int:
    """Bytes of a piece in the file."""
    tiles = group * math.prod(p.count for p in box[runs.level + 1 :])
    return (tiles - 1) * layout.stride + layout.tile_bytes


def _position(layout: TileLayout, box: _Box, index: tuple[int, ...]) -> int:
    position = layout.offset
    for k, p in enumerate(box):
        i = index[k] if k < len(index) else 0
        position += (p.first + i * p.step) * layout.jumps[k]
    return position


def _inner_runs(box: _Box, tile: tuple[int, ...]) -> int:
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


def _by_parts(layout: TileLayout, box: _Box) -> bool:
    """Tell whether only the wanted pixels of the tiles of a box are to be read, as that costs less."""
    if layout.stride > scratch().size // (8 if layout.bits else 1):
        return True
    if layout.bits or layout.tile_bytes <= _CALL_BYTES:
        return False
    wanted = math.prod(p.length for p in box) * layout.dtype.itemsize
    return _inner_runs(box, layout.tile) * _CALL_BYTES + wanted < layout.tile_bytes


# -- reading ------------------------------------------------------------------------------------


def read_tiles(fd: int, layout: TileLayout, section: Section, out: np.ndarray) -> None:
    """Read a section into `out`, which is C-contiguous, of native byte order."""
    for box in _boxes(layout, section):
        if _by_parts(layout, box):
            _read_parts(fd, layout, box, out)
        else:
            _read_whole(fd, layout, box, out)


def _read_whole(fd: int, layout: TileLayout, box: _Box, out: np.ndarray) -> None:
    """Read the tiles of a box as they are, and copy what is wanted."""
    buffer = scratch()
    runs = _runs(layout, box, buffer.size // (8 if layout.bits else 1))
    views = _Views(layout, box, out, runs)
    straight = not layout.bits and _is_whole(box, layout.tile) and _same_order(views)
    flat = out.reshape(-1).view(np.uint8)
    for index, group in _pieces(box, runs):
        n = _piece_bytes(layout, box, runs, group)
        position = _position(layout, box, index)
        shape, start = views.cut(index, group)
        if straight:
            pread_into(fd, flat[start : start + n].data, position, layout.path)
            if not layout.dtype.isnative:
                swapped = flat[start : start + n].view(out.dtype)
                swapped.byteswap(inplace=True)
            continue
        pread_into(fd, buffer[:n].data, position, layout.path)
        source = unpacked(buffer[:n]) if layout.bits else buffer
        stored = np.ndarray(shape, layout.dtype, source, views.begin, views.stored)
        np.copyto(np.ndarray(shape, out.dtype, flat, start, views.strides), stored)


def _read_parts(fd: int, layout: TileLayout, box: _Box, out: np.ndarray) -> None:
    """Read only the wanted pixels of each tile of a box."""
    inner = tuple(slice(p.begin, p.begin + (p.length - 1) * p.stride + 1, p.stride) for p in box)
    run = None if layout.bits else layout.inner.run(inner)
    if run is not None and run[1] <= scratch().size:
        _read_rows(fd, layout, box, run, out)
        return
    shape = tuple(p.length for p in box)
    part: np.ndarray | None = None
    for index in itertools.product(*(range(p.count) for p in box)):
        position = _position(layout, box, index)
        place = tuple(
            slice(p.place + i * p.length, p.place + (i + 1) * p.length)
            for p, i in zip(box, index, strict=True)
        )
        target = out[place]
        if layout.bits:
            read_bits(fd, layout.path, layout.tile, position, inner, target)
            continue
        at = Layout(position, layout.tile, layout.dtype)
        if target.flags.c_contiguous:
            read_section(fd, layout.path, at, inner, target, np_copy, _finish(layout))
        else:
            part = np.empty(shape, out.dtype) if part is None else part
            read_section(fd, layout.path, at, inner, part, np_copy, _finish(layout))
            target[...] = part


def _read_rows(fd: int, layout: TileLayout, box: _Box, run: tuple[int, int], out: np.ndarray) -> None:
    """Read the one run of wanted pixels of each tile of a box; a row of tiles is copied at once."""
    begin, length = run
    buffer = scratch()
    data = buffer.data
    last = box[-1]
    group = min(last.count, buffer.size // length)
    slots = [data[i * length : (i + 1) * length] for i in range(group)]
    flat = out.reshape(-1).view(np.uint8)
    sizes = [p.length for p in box[:-1]]
    inner = [layout.dtype.itemsize * math.prod(p.length for p in box[k + 1 :]) for k in range(len(box))]
    strides = [*out.strides[:-1], last.length * out.itemsize, out.itemsize]
    jump = last.step * layout.jumps[-1]
    for index in itertools.product(*(range(p.count) for p in box[:-1])):
        position = _position(layout, box, index) + begin
        start = last.place * out.itemsize
        for p, i, b in zip(box, index, out.strides, strict=False):
            start += (p.place + i * p.length) * b
        for first in range(0, last.count, group):
            n = min(group, last.count - first)
            _fill(fd, slots[:n], position + first * jump, jump, layout.path)
            shape = (*sizes, n, last.length)
            source = np.ndarray(shape, layout.dtype, buffer, 0, (*inner[:-1], length, inner[-1]))
            begin_at = start + first * last.length * out.itemsize
            np.copyto(np.ndarray(shape, out.dtype, flat, begin_at, strides), source)


def _fill(fd: int, slots: list[memoryview], place: int, jump: int, path: str) -> None:
    """Read pieces of one length that lie at even distances."""
    read = os.preadv
    for slot in slots:
        try:
            n = read(fd, (slot,), place)
        except OSError as exc:
            raise storage_error(exc, "read", path) from exc
        if n == len(slot):
            add_bytes(n)
        else:
            pread_into(fd, slot, place, path)  # says what is missing, if it is
        place += jump


def np_copy(stored: np.ndarray, values: np.ndarray) -> None:
    """Copy pixels, changing their byte order where it differs."""
    np.copyto(values, stored)


def _finish(layout: TileLayout) -> Any:
    return _nothing if layout.dtype.isnative else _swap


def _nothing(values: np.ndarray) -> None:
    """Values that are stored as they are in memory need no finishing."""


def _swap(values: np.ndarray) -> None:
    values.byteswap(inplace=True)


class TileReader:
    """Tiles as a source of pixels.

    Parameters
    ----------
    layout : TileLayout
        Where the pixels lie.
    label : str
        Short name for people.
    identity : Identity or None, optional
        State in which the file must be; None for a file that is being changed.
    version : int, optional
        Counter of changes that the table keeps: it tells states apart that the clock of the disk does not.
    """

    def __init__(
        self, layout: TileLayout, label: str, identity: Identity | None = None, version: int = 0
    ) -> None:
        self.layout = layout
        self.label = label
        self.identity = identity
        self.version = version
        within = layout.plane is not None
        self.shape = layout.shape[1:] if within else layout.shape
        self.dtype = np.dtype(np.bool_) if layout.bits else layout.dtype.newbyteorder("=")
        tile = layout.tile[1:] if within else layout.tile
        self.tile = tuple(min(t, max(1, n)) for t, n in zip(tile, self.shape, strict=True))
        self.direct = layout.is_plain and not is_url(layout.path)
        state = "|".join(map(str, identity)) if identity is not None else "live"
        self.token = f"casa-{layout.path}|{layout.offset}|{layout.plane}|{version}|{state}"

    def _section(self, section: Section) -> Section:
        plane = self.layout.plane
        return section if plane is None else (slice(plane, plane + 1, 1), *section)

    def read(self, section: Section, out: np.ndarray | None = None) -> np.ndarray:
        """Return the values of a section, in `out` if that is given."""
        if out is None:
            out = np.empty(shape_of(section), self.dtype)
        if out.size:
            target = out if self.layout.plane is None else out[None]
            with Opened(self.layout.path, self.identity) as fd:
                if type(fd) is int:
                    read_tiles(fd, self.layout, self._section(section), target)
                else:
                    from lattice.io.casa.tiles_remote import read_remote_tiles

                    read_remote_tiles(fd, self.layout, self._section(section), target)
        return out

    def bytes_read(self, section: Section) -> int:
        """Return the bytes that `read` takes from the file."""
        if n_pixels(section) == 0:
            return 0
        layout = self.layout
        total = 0
        for box in _boxes(layout, self._section(section)):
            tiles = math.prod(p.count for p in box)
            if not _by_parts(layout, box):
                total += tiles * layout.tile_bytes
            else:
                inner = tuple(slice(p.begin, p.begin + (p.length - 1) * p.stride + 1, p.stride) for p in box)
                one = bits_bytes(layout.tile, inner) if layout.bits else section_bytes(layout.inner, inner)
                total += tiles * one
        return total

    def __dask_tokenize__(self) -> str:
        return self.token

    def __reduce__(self) -> tuple[Any, ...]:
        return (TileReader, (self.layout, self.label, self.identity, self.version))

    def __repr__(self) -> str:
        return f"TileReader({self.label!r}, shape={self.shape}, dtype={self.dtype})"


# -- writing ------------------------------------------------------------------------------------


def write_tiles(fd: int, layout: TileLayout, section: Section, values: np.ndarray) -> None:
    """Write values of native byte order to a section without steps."""
    for box in _boxes(layout, section):
        covers = all(
            p.length == t or (p.begin == 0 and (p.first * t + p.length) == n)
            for p, t, n in zip(box, layout.tile, layout.shape, strict=True)
        )
        fits = layout.stride <= scratch().size // (8 if layout.bits else 1)
        if covers and fits and layout.stride == layout.tile_bytes:
            _write_whole(fd, layout, box, values)
        else:
            _write_parts(fd, layout, box, values)


def _write_whole(fd: int, layout: TileLayout, box: _Box, values: np.ndarray) -> None:
    """Write whole tiles; what lies behind the edge of the image is filled with zeros."""
    buffer = scratch()
    runs = _runs(layout, box, buffer.size // (8 if layout.bits else 1))
    views = _Views(layout, box, values, runs)
    whole = _is_whole(box, layout.tile)
    flat = values.reshape(-1).view(np.uint8)
    straight = not layout.bits and layout.dtype.isnative and whole and _same_order(views)
    for index, group in _pieces(box, runs):
        n = _piece_bytes(layout, box, runs, group)
        position = _position(layout, box, index)
        shape, start = views.cut(index, group)
        if straight:
            pwrite_from(fd, flat[start : start + n].data, position, layout.path)
            continue
        stored = buffer[: 8 * n if layout.bits else n]
        pixels = math.prod(layout.tile)
        if not whole or (layout.bits and pixels % 8):
            stored[...] = 0
        source = np.ndarray(shape, values.dtype, flat, start, views.strides)
        np.copyto(np.ndarray(shape, layout.dtype, stored, views.begin, views.stored), source)
        if layout.bits:
            stored = np.packbits(stored, bitorder="little")
        pwrite_from(fd, stored.data, position, layout.path)


def _write_parts(fd: int, layout: TileLayout, box: _Box, values: np.ndarray) -> None:
    """Write only some pixels of each tile."""
    inner = tuple(slice(p.begin, p.begin + p.length, 1) for p in box)
    for index in itertools.product(*(range(p.count) for p in box)):
        position = _position(layout, box, index)
        place = tuple(
            slice(p.place + i * p.length, p.place + (i + 1) * p.length)
            for p, i in zip(box, index, strict=True)
        )
        if layout.bits:
            write_bits(fd, layout.path, layout.tile, position, inner, values[place])
            continue
        stored = np.ascontiguousarray(values[place], layout.dtype)
        write_section(fd, layout.path, Layout(position, layout.tile, layout.dtype), inner, stored)


class TileWriter:
    """Tiles as a target of pixels: any sections of whole tiles at once, also from several processes.

    Parameters
    ----------
    layout : TileLayout
        Where the pixels go.
    flags : TileWriter, optional
        Takes the mask that comes with the values.
    """

    def __init__(self, layout: TileLayout, flags: TileWriter | None = None) -> None:
        self.layout = layout
        self.flags = flags
        self.shape = layout.shape if layout.plane is None else layout.shape[1:]
        self.dtype = np.dtype(np.bool_) if layout.bits else layout.dtype.newbyteorder("=")
        tile = layout.tile if layout.plane is None else layout.tile[1:]
        self.chunks = tuple(min(t, max(1, n)) for t, n in zip(tile, self.shape, strict=True))
        self.direct = layout.is_plain and not layout.bits and flags is None

    def write(self, section: Section, values: np.ndarray, mask: np.ndarray | None) -> None:
        """Write values, and the mask where one is kept."""
        if values.size == 0:
            return
        if self.flags is not None:
            self.flags.write(section, np.ones(values.shape, bool) if mask is None else mask, None)
        if self.layout.plane is not None:
            plane = self.layout.plane
            section, values = (slice(plane, plane + 1, 1), *section), values[None]
        values = np.ascontiguousarray(values, self.dtype)
        with Opened(self.layout.path, None) as fd:
            write_tiles(fd, self.layout, section, values)

    def __reduce__(self) -> tuple[Any, ...]:
        return (TileWriter, (self.layout, self.flags))


def open_reader(layout: TileLayout, label: str, version: int = 0) -> TileReader:
    """Return a reader of a file in its present state."""
    return TileReader(layout, label, identify(layout.path), version)
