"""The header of tiled storage: where the tiles of an array are, and how they are cut."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from lattice.errors import FormatError, ImageNotFoundError
from lattice.io.casa.aipsio import AipsReader, AipsWriter
from lattice.io.casa.records import (
    TYPES,
    read_block,
    read_position,
    read_record,
    write_position,
    write_record,
)
from lattice.io.casa.tables import Manager, Table, load
from lattice.io.casa.tiles import TileLayout
from lattice.io.files import identify
from lattice.io.places import join

__all__ = ["array_layout", "cell_header", "default_tile", "tile_bytes"]

_WIDE = 1 << 31  # from here on lengths take 8 bytes
_MANAGERS = ("TiledCellStMan", "TiledColumnStMan", "TiledShapeStMan")
_TARGET = 32768  # pixels that casacore aims at for a tile
_MOST_TRIALS = 100_000


@dataclass(frozen=True)
class _Cube:
    shape: tuple[int, ...]  # casacore's order, as all here
    tile: tuple[int, ...]
    file: int
    offset: int
    length: int  # of the file, as the header has it


@dataclass(frozen=True)
class _Header:
    cubes: list[_Cube]
    maps: tuple[np.ndarray, ...] = ()  # of rows: last row of each run, its cube, its place there


def array_layout(table: Table, column: str) -> TileLayout:
    """Return where the array in row 0 of a column lies.

    Raises
    ------
    FormatError
        If it is not kept in tiles, or if its header is damaged.
    """
    manager = table.manager_of(column)
    base = join(table.path, f"table.f{manager.number}")
    if manager.kind not in _MANAGERS:
        raise FormatError(
            f"the pixels of {table.path!r} are kept by {manager.kind[:40]}, which is not supported",
            hint="copy the image in CASA, which stores the copy in tiles",
        )
    header = _read_header(base, table, manager)
    cube, plane = _find(header, manager.kind)
    if cube is None or not cube.shape:
        raise FormatError(f"{table.path!r} holds no pixels: its array was never written")
    _check_cube(base, cube, plane)
    codes = {c.name: np.dtype(TYPES[c.code]) for c, _ in table.columns_of(manager) if c.code in TYPES}
    pixels = math.prod(cube.tile)
    # columns that share tiles: the widest pixels first, else as they come; single bits last
    order = sorted(codes, key=lambda name: -codes[name].itemsize if codes[name].kind != "b" else 0)
    sizes = {name: tile_bytes(codes[name], pixels) for name in order}
    before = sum(sizes[name] for name in order[: order.index(column)])
    layout = TileLayout(
        join(table.path, f"table.f{manager.number}_TSM{cube.file}"),
        codes[column].newbyteorder(table.order),
        cube.shape[::-1],
        cube.tile[::-1],
        cube.offset + before,
        sum(sizes.values()),
        plane,
    )
    if layout.end > cube.length:
        raise FormatError(
            f"{base!r} is damaged: its tiles would take {layout.end} bytes of a file of {cube.length}",
            hint="copy the image again",
        )
    _check_file(layout)
    return layout


def tile_bytes(dtype: np.dtype[Any], pixels: int) -> int:
    """Return the bytes that a column takes in a tile of so many pixels."""
    return (pixels + 7) // 8 if dtype.kind == "b" else pixels * dtype.itemsize


def _find(header: _Header, kind: str) -> tuple[_Cube | None, int | None]:
    """Return the cube of row 0, and its place on the last axis where rows share a cube."""
    if not header.cubes:
        return None, None
    if kind == "TiledCellStMan":
        return header.cubes[0], None
    if kind == "TiledColumnStMan":
        return header.cubes[0], 0
    last, cubes, places = header.maps
    if not len(last) or not 0 < cubes[0] < len(header.cubes):
        return None, None
    return header.cubes[int(cubes[0])], int(places[0]) - int(last[0])


def _check_cube(base: str, cube: _Cube, plane: int | None) -> None:
    good = (
        len(cube.tile) == len(cube.shape)
        and all(t >= 1 for t in cube.tile)
        and all(n >= 0 for n in cube.shape)
        and cube.offset >= 0
        and cube.file >= 0
        and (plane is None or 0 <= plane < cube.shape[-1])
        and math.prod(cube.tile) < 1 << 55
        and math.prod(cube.shape) < 1 << 55
    )
    if not good:
        raise FormatError(
            f"{base!r} is damaged: it announces tiles of {cube.tile} for an array of {cube.shape}",
            hint="copy the image again",
        )


def _check_file(layout: TileLayout) -> None:
    try:
        size = identify(layout.path).size
    except ImageNotFoundError:
        raise FormatError(
            f"the file {layout.path!r} with the pixels is missing", hint="copy the whole folder again"
        ) from None
    if size < layout.end:
        raise FormatError(
            f"{layout.path!r} is truncated: it has {size} bytes where {layout.end} are needed",
            hint="copy the image again",
        )


def _read_header(base: str, table: Table, manager: Manager) -> _Header:
    kind = manager.kind
    r = AipsReader(load(base), ">", repr(base))
    r.begin(kind)
    if kind != "TiledShapeStMan":
        read_position(r)
    cubes = _read_cubes(r, table, manager)
    if kind != "TiledShapeStMan":
        r.end()
        return _Header(cubes)
    read_position(r)
    used = r.u32()
    maps = [read_block(r, np.uint32)[:used] for _ in range(3)]
    r.end()
    if len({len(m) for m in maps}) > 1:
        raise r.damaged("maps of unequal length")
    return _Header(cubes, tuple(maps))


def _read_cubes(r: AipsReader, table: Table, manager: Manager) -> list[_Cube]:
    _, version = r.begin("TiledStMan")
    if not 1 <= version <= 3:
        raise r.damaged(f"the unknown version {version}")
    wide = version >= 3
    big = r.flag() if version >= 2 else True
    if big != (table.order == ">"):
        raise r.damaged("its byte order is not that of its table")
    if r.u32() != manager.number:
        raise r.damaged("it belongs to another data manager")
    r.u64() if wide else r.u32()
    if [r.i32() for _ in range(r.count(4))] != [c.code for c, _ in table.columns_of(manager)]:
        raise r.damaged("its columns are not those of its table")
    r.string()
    r.u64() if wide else r.u32()
    r.u32()
    lengths = {}
    for _ in range(r.count(1, wide)):
        if r.flag():
            narrow = r.u32() == 1
            number = r.u32()
            lengths[number] = r.u32() if narrow else r.i64()
    cubes = []
    for _ in range(r.count(40, wide)):
        narrow = r.u32() == 1
        read_record(r, "Record")
        r.flag()
        r.u32()
        shape, tile, file = read_position(r), read_position(r), r.i32()
        cubes.append(_Cube(shape, tile, file, r.u32() if narrow else r.i64(), lengths.get(file, 0)))
    r.end()
    return cubes


def cell_header(
    code: int, column: str, shape: tuple[int, ...], tile: tuple[int, ...], length: int, order: str
) -> bytes:
    """Return the header of a TiledCellStMan that holds one array.

    Parameters
    ----------
    code : int
        Type code of the pixels.
    column : str
        Name of the column.
    shape, tile : tuple of int
        Shapes of array and tile, casacore's order.
    length : int
        Bytes of the file of pixels.
    order : {">", "<"}
        Byte order of the table.
    """
    w = AipsWriter()
    w.begin("TiledCellStMan", 1)
    write_position(w, tile)
    w.begin("TiledStMan", 1 if order == ">" else 2)
    if order == "<":
        w.flag(False)
    w.u32(0)  # number of the manager
    w.u32(1)  # rows
    w.u32(1)  # columns
    w.i32(code)
    w.string(column)
    w.u32(0)  # no limit to the cache
    w.u32(len(shape))
    w.u32(1)  # files
    w.flag(True)
    wide = length >= _WIDE
    w.u32(2 if wide else 1)
    w.u32(0)
    (w.i64 if wide else w.u32)(length)
    w.u32(1)  # cubes
    w.u32(1)
    write_record(w, {}, "Record")
    w.flag(False)
    w.u32(len(shape))
    write_position(w, shape)
    write_position(w, tile)
    w.i32(0)
    w.u32(0)
    w.end()
    w.end()
    return w.content()


# -- the choice of a tile -----------------------------------------------------------------------


def default_tile(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the tile that casacore gives an image of a shape; both in casacore's order.

    It has about 32768 pixels, is proportional to the image and wastes little space at its edges.

    >>> default_tile((1024, 1024, 64))
    (128, 64, 4)
    """
    if 0 in shape:
        return tuple(1 for _ in shape)
    tile = _proportional(shape)
    if all(n % t == 0 for n, t in zip(shape, tile, strict=True)):
        return tile
    if math.prod(shape) <= 4 * _TARGET:
        return shape
    choices = []
    for n, t in zip(shape, tile, strict=True):
        low, high = max(t // 2, 1), min(2 * t, n)
        exact = [k for k in range(low, high + 1) if n % k == 0]
        choices.append(exact or list(range((t + low) // 2, (t + high) // 2 + 1)))
    if math.prod(len(c) for c in choices) > _MOST_TRIALS:
        best = tile
    else:
        best = _cheapest(shape, tile, choices)
    counts = [-(-n // t) for n, t in zip(shape, best, strict=True)]
    return tuple(-(-n // c) for n, c in zip(shape, counts, strict=True))


def _proportional(shape: tuple[int, ...]) -> tuple[int, ...]:
    tile = [0] * len(shape)
    left = float(_TARGET)
    while 0 in tile:
        free = [i for i, t in enumerate(tile) if t == 0]
        factor = (left / math.prod(float(shape[i]) for i in free)) ** (1.0 / len(free))
        size = {i: shape[i] * factor for i in free}
        fit = {i: shape[i] / size[i] if size[i] > 1 else size[i] for i in free}
        worst = min(free, key=lambda i: fit[i])
        if fit[worst] >= 1:
            for i in free:
                tile[i] = int(size[i] + 0.5)
        elif size[worst] < 1:
            tile[worst] = 1
        else:
            tile[worst] = shape[worst]
            left /= shape[worst]
    return tuple(tile)


def _cheapest(shape: tuple[int, ...], tile: tuple[int, ...], choices: list[list[int]]) -> tuple[int, ...]:
    """Return the combination of least cost; of equals the first, with the first axis varying fastest."""
    ndim = len(shape)
    total = math.prod(float(n) for n in shape)
    grids = np.meshgrid(*(np.array(c, float) for c in choices[::-1]), indexing="ij")[::-1]
    space = np.ones(grids[0].shape)
    cost = np.zeros(grids[0].shape)
    pixels = np.ones(grids[0].shape)
    for i in range(ndim):
        space *= np.ceil(shape[i] / grids[i]) * grids[i]
        cost += np.abs(tile[i] - grids[i]) / tile[i]
        pixels *= grids[i]
    cost += 10 * (space - total) / total + np.abs(pixels - _TARGET) / _TARGET
    at = np.unravel_index(int(np.argmin(cost)), cost.shape)
    return tuple(int(g[at]) for g in grids)
