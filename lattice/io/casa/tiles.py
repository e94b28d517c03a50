"""Pixels in tiles: sections read and written by position, whole rows of tiles at once."""

from __future__ import annotations

import itertools
import math
import os
from typing import Any

import numpy as np

from lattice.graph.sections import Section, n_pixels, shape_of
from lattice.io.casa.bit_line import BitReader, BitWriter
from lattice.io.casa.bits import bits_bytes, read_bits, unpacked
from lattice.io.casa.tile_blocks import blocks_bytes, read_blocks, small_blocks
from lattice.io.casa.tile_cuts import (
    LEAST_ROW,
    Box,
    TileLayout,
    Views,
    boxes,
    by_parts,
    cut_pieces,
    cut_runs,
    is_whole,
    piece_bytes,
    position_of,
    same_order,
)
from lattice.io.casa.tile_pieces import PieceReader
from lattice.io.casa.tile_writes import write_tiles
from lattice.io.casa.tiles_remote import read_remote_tiles
from lattice.io.files import (
    Identity,
    Opened,
    add_bytes,
    identify,
    is_url,
    pread_into,
    storage_error,
)
from lattice.io.plain import PlainReader, PlainWriter
from lattice.io.raw import Layout, read_section, scratch, section_bytes
from lattice.native.lines import apart

__all__ = ["TileLayout", "TileReader", "TileWriter", "open_reader"]


# -- reading ------------------------------------------------------------------------------------


def read_tiles(fd: int, layout: TileLayout, section: Section, out: np.ndarray) -> None:
    """Read a section into `out`, which is C-contiguous, of native byte order."""
    blocks = small_blocks(layout, section)
    if blocks is not None:
        read_blocks(fd, layout, blocks, out)
        return
    for box in boxes(layout, section):
        if by_parts(layout, box):
            _read_parts(fd, layout, box, out)
        else:
            _read_whole(fd, layout, box, out)


def _read_whole(fd: int, layout: TileLayout, box: Box, out: np.ndarray) -> None:
    """Read the tiles of a box as they are, and copy what is wanted."""
    buffer = scratch()
    runs = cut_runs(layout, box, buffer.size // (8 if layout.bits else 1))
    views = Views(layout, box, out, runs)
    straight = not layout.bits and is_whole(box, layout.tile) and same_order(views)
    flat = out.reshape(-1).view(np.uint8)
    joins = views.stored[-1] == views.strides[-1] == out.itemsize
    kinds, axes = _kinds(layout, box, len(views.strides), joins, out.dtype)
    for index, group in cut_pieces(box, runs):
        n = piece_bytes(layout, box, runs, group)
        position = position_of(layout, box, index)
        shape, start = views.cut(index, group)
        if straight:
            pread_into(fd, flat[start : start + n].data, position, layout.path)
            if not layout.dtype.isnative:
                swapped = flat[start : start + n].view(out.dtype)
                swapped.byteswap(inplace=True)
            continue
        pread_into(fd, buffer[:n].data, position, layout.path)
        source = unpacked(buffer[:n]) if layout.bits else buffer
        stored = np.ndarray(shape[axes], kinds[0], source, views.begin, views.stored[axes])
        np.copyto(np.ndarray(shape[axes], kinds[1], flat, start, views.strides[axes]), stored)


def _kinds(
    layout: TileLayout, box: Box, ndim: int, near: bool, dtype: np.dtype[Any]
) -> tuple[list[np.dtype[Any]], slice]:
    """Return the types in which pixels are copied, from the file and to memory, and the axes that leaves.

    A row of pixels that are `near` to each other moves as one thing, which numpy does as fast as can be.
    """
    row = box[-1].length * dtype.itemsize
    if near and layout.dtype.isnative and row >= LEAST_ROW:
        return [np.dtype((np.void, row))] * 2, slice(0, ndim - 1)
    return [layout.dtype, dtype], slice(0, ndim)


def _read_parts(fd: int, layout: TileLayout, box: Box, out: np.ndarray) -> None:
    """Read only the wanted pixels of each tile of a box."""
    inner = tuple(slice(p.begin, p.begin + (p.length - 1) * p.stride + 1, p.stride) for p in box)
    run = None if layout.bits else layout.inner.run(inner)
    if run is not None and run[1] <= scratch().size:
        _read_rows(fd, layout, box, run, out)
        return
    shape = tuple(p.length for p in box)
    part: np.ndarray | None = None
    for index in itertools.product(*(range(p.count) for p in box)):
        position = position_of(layout, box, index)
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


def _read_rows(fd: int, layout: TileLayout, box: Box, run: tuple[int, int], out: np.ndarray) -> None:
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
    kinds, axes = _kinds(layout, box, len(strides), last.stride == 1, out.dtype)
    for index in itertools.product(*(range(p.count) for p in box[:-1])):
        position = position_of(layout, box, index) + begin
        start = last.place * out.itemsize
        for p, i, b in zip(box, index, out.strides, strict=False):
            start += (p.place + i * p.length) * b
        for first in range(0, last.count, group):
            n = min(group, last.count - first)
            _fill(fd, slots[:n], position + first * jump, jump, layout.path)
            shape, steps = (*sizes, n, last.length)[axes], (*inner[:-1], length, inner[-1])[axes]
            begin_at = start + first * last.length * out.itemsize
            target = np.ndarray(shape, kinds[1], flat, begin_at, strides[axes])
            np.copyto(target, np.ndarray(shape, kinds[0], buffer, 0, steps))


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
        self._pieces = PieceReader(layout)
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
                section = self._section(section)
                if type(fd) is not int:
                    read_remote_tiles(fd, self.layout, section, target)
                elif not self._pieces.read(fd, section, target):
                    read_tiles(fd, self.layout, section, target)
        return out

    def bytes_read(self, section: Section) -> int:
        """Return the bytes that `read` takes from the file."""
        if n_pixels(section) == 0:
            return 0
        layout = self.layout
        section = self._section(section)
        here = not is_url(layout.path)
        if here and (read := self._pieces.nbytes(section)) is not None:
            return read
        blocks = small_blocks(layout, section) if here else None
        if blocks is not None:
            return blocks_bytes(layout, blocks)
        total = 0
        for box in boxes(layout, section):
            tiles = math.prod(p.count for p in box)
            if not by_parts(layout, box):
                total += tiles * layout.tile_bytes
            else:
                inner = tuple(slice(p.begin, p.begin + (p.length - 1) * p.stride + 1, p.stride) for p in box)
                one = bits_bytes(layout.tile, inner) if layout.bits else section_bytes(layout.inner, inner)
                total += tiles * one
        return total

    def in_storage_order(self, padded: bool = False) -> tuple[Any, PlainReader | BitReader] | None:
        """Return shape and tile, and a reader of the pixels as they follow each other, if that can be.

        Parameters
        ----------
        padded : bool
            Whether pixels beyond the far edges of the image may be among them.
        """
        layout = self.layout
        n = layout.line(padded)
        if n is None or self.identity is None or is_url(layout.path):
            return None
        key = (layout.shape, layout.tile)
        if layout.bits:
            return key, BitReader(layout.path, self.identity, layout.offset, n, self.label)
        stored = Layout(layout.offset, (n,), layout.dtype)
        return key, PlainReader(layout.path, self.identity, stored, self.label)

    def __dask_tokenize__(self) -> str:
        return self.token

    def __reduce__(self) -> tuple[Any, ...]:
        return (TileReader, (self.layout, self.label, self.identity, self.version))

    def __repr__(self) -> str:
        return f"TileReader({self.label!r}, shape={self.shape}, dtype={self.dtype})"


# -- writing ------------------------------------------------------------------------------------


class _Stream(PlainWriter):
    """Pixels without a mask, one after the other in the order of a file."""

    mask_layout = None

    @property
    def plain(self) -> _Stream:
        """The writer itself: values are stored as they are but for their byte order."""
        return self


class TileWriter:
    """Tiles as a target of pixels: any sections of whole tiles at once, also from several processes.

    Parameters
    ----------
    layout : TileLayout
        Where the pixels go.
    flags : TileWriter, optional
        Takes the mask that comes with the values.
    shared : bool, optional
        Whether many threads write large parts of it; then it pays to compile how they take turns.
    """

    takes_views = True  # values may lie in memory in any way, and are left as they are

    def __init__(self, layout: TileLayout, flags: TileWriter | None = None, shared: bool = True) -> None:
        self.layout = layout
        self.flags = flags
        self.shared = shared
        self.shape = layout.shape if layout.plane is None else layout.shape[1:]
        self.dtype = np.dtype(np.bool_) if layout.bits else layout.dtype.newbyteorder("=")
        tile = layout.tile if layout.plane is None else layout.tile[1:]
        self.chunks = tuple(min(t, max(1, n)) for t, n in zip(tile, self.shape, strict=True))
        self.direct = layout.is_plain and not layout.bits and flags is None
        self._token = apart(1, np.int32)  # which thread writes: see `Turns`

    def write(self, section: Section, values: np.ndarray, mask: np.ndarray | None) -> None:
        """Write values, and the mask where one is kept."""
        if values.size == 0:
            return
        if self.flags is not None:
            self.flags.write(section, np.broadcast_to(True, values.shape) if mask is None else mask, None)
        if self.layout.plane is not None:
            plane = self.layout.plane
            section, values = (slice(plane, plane + 1, 1), *section), values[None]
        values = np.asarray(values, self.dtype)
        token = self._token.ctypes.data if self.shared else 0
        with Opened(self.layout.path, None) as fd:
            write_tiles(fd, self.layout, section, values, token)

    def in_storage_order(self, padded: bool = False) -> tuple[Any, PlainWriter | BitWriter] | None:
        """Return shape and tile, and a writer of the pixels as they follow each other, if that can be.

        The mask is left to the writer of it, `flags`.
        """
        layout = self.layout
        n = layout.line(padded)
        if n is None:
            return None
        key = (layout.shape, layout.tile)
        if layout.bits:
            return key, BitWriter(layout.path, layout.offset, n)
        return key, _Stream(layout.path, Layout(layout.offset, (n,), layout.dtype))

    def __reduce__(self) -> tuple[Any, ...]:
        return (TileWriter, (self.layout, self.flags, self.shared))


def open_reader(layout: TileLayout, label: str, version: int = 0) -> TileReader:
    """Return a reader of a file in its present state."""
    return TileReader(layout, label, identify(layout.path), version)
