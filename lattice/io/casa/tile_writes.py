"""Sections written to tiles: pixels are put in the order of the file in the cache, and written from there."""

from __future__ import annotations

import contextlib
import itertools
import math
from typing import Any

import numpy as np

from lattice.graph.sections import Section
from lattice.io.casa.bits import write_bits
from lattice.io.casa.tile_cuts import (
    LEAST_ROW,
    Box,
    TileLayout,
    boxes,
    cut_runs,
    is_whole,
    position_of,
)
from lattice.io.files import pwrite_from
from lattice.io.raw import Layout, scratch, write_section
from lattice.native.machine import pays
from lattice.native.tiles import Tiles
from lattice.native.turns import Turns

__all__ = ["write_tiles"]

# Pixels of an image from which on threads take turns in compiled code, which saves some 40 ms for each GB:
# the compiler takes 20 to 30 ms to load, and 10 once for this piece, which every later image has for nothing.
_FROM_LOADED, _FROM_NOTHING = 1 << 26, 1 << 28
_ROOM = 1 << 19  # bytes of a piece: some stay in the cache, and the system likes to get so many
_CALL = 4  # pieces until Ctrl-C is heard, also where a disk takes few megabytes a second
_MOST = 4  # threads that take turns at the same time; more would only wait, and hold memory


class _Buffers:
    """Buffers for threads that take turns, whichever they are."""

    def __init__(self) -> None:
        self._free: list[Turns] = []
        self._made = 0  # near enough for any threads

    def take(self) -> Turns | None:
        """Return some, unless enough threads have them."""
        with contextlib.suppress(IndexError):
            return self._free.pop()
        if self._made >= _MOST:
            return None
        self._made += 1
        return Turns(_ROOM, lambda n: np.empty(n, np.uint8))

    def give(self, turns: Turns) -> None:
        """Take them back."""
        self._free.append(turns)


_buffers = _Buffers()


def write_tiles(fd: int, layout: TileLayout, section: Section, values: np.ndarray, token: int = 0) -> None:
    """Write values of native byte order, which lie in memory in any way, to a section without steps.

    `token` is the address of the number that says which thread writes to the file (see `Turns`), if threads
    are to take turns.
    """
    for box in boxes(layout, section):
        covers = all(
            p.length == t or (p.begin == 0 and (p.first * t + p.length) == n)
            for p, t, n in zip(box, layout.tile, layout.shape, strict=True)
        )
        fits = layout.stride <= scratch().size // (8 if layout.bits else 1)
        if covers and fits and layout.stride == layout.tile_bytes:
            by_turns = token and _takes_turns(layout, box, values)
            if not (by_turns and _write_by_turns(fd, layout, box, values, token)):
                _write_whole(fd, layout, box, values)
        else:
            _write_parts(fd, layout, box, values)


def _takes_turns(layout: TileLayout, box: Box, values: np.ndarray) -> bool:
    """Tell whether compiled code can write the tiles of a box, and pays."""
    near = values.strides[-1] == values.itemsize or box[-1].length == box[-1].count == 1
    if layout.dtype.kind not in "iufc" or layout.is_plain or not near or layout.stride > _ROOM:
        return False
    return pays(math.prod(layout.shape), _FROM_LOADED, _FROM_NOTHING)


def _write_by_turns(fd: int, layout: TileLayout, box: Box, values: np.ndarray, token: int) -> bool:
    """Write whole tiles; a thread that has to wait for the file puts its next tiles together.

    False if there are no buffers left, and nothing is written.
    """
    turns = _buffers.take()
    if turns is None:
        return False
    try:
        _turn_about(fd, layout, box, values, token, turns)
    finally:
        turns.drop()  # what an error left behind is for no other file
        _buffers.give(turns)
    return True


def _turn_about(fd: int, layout: TileLayout, box: Box, values: np.ndarray, token: int, turns: Turns) -> None:
    runs = cut_runs(layout, box, _ROOM)
    parts = 2 if layout.dtype.kind == "c" else 1  # numbers of a pixel
    tiles = Tiles(
        [p.count for p in box],
        [*(p.length for p in box[:-1]), box[-1].length * parts],
        [*layout.tile[:-1], layout.tile[-1] * parts],
        layout.jumps,
        [*values.strides[:-1], values.itemsize // parts],
        values.itemsize // parts,
        not layout.dtype.isnative,
        runs.level,
        runs.group,
    )
    assert tiles.piece_bytes <= turns.nbytes
    turns.write_to(fd, token)
    source = values[tuple(slice(p.place, None) for p in box)].__array_interface__["data"][0]
    place = position_of(layout, box, ())
    at = 0
    while at < tiles.pieces:
        at, stuck = tiles.write(turns, source, place, at, min(at + _CALL, tiles.pieces))
        if stuck or at == tiles.pieces:
            for data, position in turns.taken():
                pwrite_from(fd, data, position, layout.path)


def _write_whole(fd: int, layout: TileLayout, box: Box, values: np.ndarray) -> None:
    """Write whole tiles; what lies behind the edge of the image is filled with zeros."""
    ndim = len(box)
    runs = cut_runs(layout, box, scratch().size // (8 if layout.bits else 1))
    level, count = runs.level, box[runs.level].count if runs.level < ndim else 1
    place = tuple(slice(p.place, p.place + p.count * p.length) for p in box)
    # number of the tile on each axis, then of the pixel in it: so they are in the file
    source = values[place].reshape([n for p in box for n in (p.count, p.length)])
    source = source.transpose([*range(0, 2 * ndim, 2), *range(1, 2 * ndim, 2)])
    room = _Room(layout, box, level, source)
    source = room.rows(source)
    step = layout.jumps[level] if level < ndim else 0
    for index in itertools.product(*(range(p.count) for p in box[:level])):
        position = position_of(layout, box, index)
        tiles = source[index] if level < ndim else source[index][None]
        for first in range(0, count, runs.group):
            piece = tiles[first : first + runs.group]
            pwrite_from(fd, room.stored(piece).data, position + first * step, layout.path)


class _Room:
    """The buffer of the thread as the tiles of a piece of a box, which is cut along the axis `level`."""

    def __init__(self, layout: TileLayout, box: Box, level: int, source: np.ndarray) -> None:
        self._layout, self._dtype = layout, source.dtype
        self._shape = (*(p.count for p in box[level + 1 :]), *layout.tile)
        self._inside: Any = (..., *(slice(0, p.length) for p in box))
        self._whole = is_whole(box, layout.tile)
        self._swaps = not layout.bits and not layout.dtype.isnative
        # a row of pixels moves as one thing: numpy copies such as fast as can be
        row = box[-1].length * source.itemsize
        joins = source.strides[-1] == source.itemsize and row >= LEAST_ROW
        self._row = np.dtype((np.void, row)) if joins else None
        self._straight = self._whole and self._row is not None and not self._swaps and not layout.bits
        self._views: dict[int, tuple[np.ndarray, np.ndarray]] = {}

    def rows(self, array: np.ndarray) -> np.ndarray:
        """Return pixels by rows of a tile, where that is quicker."""
        return array if self._row is None else array.view(self._row)

    def stored(self, piece: np.ndarray) -> np.ndarray:
        """Return the bytes of a piece as they are to be in the file."""
        if self._straight and piece.flags.c_contiguous:
            return piece.reshape(-1).view(np.uint8)
        found = self._views.get(len(piece))
        if found is None:
            n = len(piece) * math.prod(self._shape)
            stored = scratch()[: n * self._dtype.itemsize]
            view = stored.view(self._dtype).reshape(len(piece), *self._shape)[self._inside]
            found = self._views[len(piece)] = stored, self.rows(view)
        stored, view = found
        if not self._whole:
            stored[...] = 0
        np.copyto(view, piece)
        if self._swaps:
            stored.view(self._dtype).byteswap(inplace=True)
        return _packed(stored, math.prod(self._layout.tile)) if self._layout.bits else stored


def _packed(truths: np.ndarray, pixels: int) -> np.ndarray:
    """Return truth values as bits; every tile begins at a byte."""
    return np.packbits(truths.reshape(-1, pixels), axis=-1, bitorder="little").reshape(-1)


def _write_parts(fd: int, layout: TileLayout, box: Box, values: np.ndarray) -> None:
    """Write only some pixels of each tile."""
    inner = tuple(slice(p.begin, p.begin + p.length, 1) for p in box)
    for index in itertools.product(*(range(p.count) for p in box)):
        position = position_of(layout, box, index)
        place = tuple(
            slice(p.place + i * p.length, p.place + (i + 1) * p.length)
            for p, i in zip(box, index, strict=True)
        )
        if layout.bits:
            write_bits(fd, layout.path, layout.tile, position, inner, values[place])
            continue
        stored = np.ascontiguousarray(values[place], layout.dtype)
        write_section(fd, layout.path, Layout(position, layout.tile, layout.dtype), inner, stored)
