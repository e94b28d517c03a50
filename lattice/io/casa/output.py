"""New CASA images: a folder of tables under a temporary name, with pixels written in any order of tiles."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from lattice.errors import FormatError, LatticeError
from lattice.io.atomic import Staging, allocate
from lattice.io.base import ImageSpec, Output
from lattice.io.casa.groups import write_group
from lattice.io.casa.locks import SyncData, new_lock_file
from lattice.io.casa.logs import write_log
from lattice.io.casa.parts import keywords_of_spec, mask_record
from lattice.io.casa.records import CODE_OF, Order, TableRecord, TableRef
from lattice.io.casa.tables import Column, Description, Manager, replace_file, table_dat, write_info
from lattice.io.casa.tiled import cell_header, default_tile, tile_bytes
from lattice.io.casa.tiles import TileLayout, TileWriter
from lattice.io.files import storage_error

__all__ = ["CasaOutput", "folder_names", "write_array"]

_ORDERS: dict[str, Order] = {"little": "<", "big": ">"}


def write_array(
    path: str,
    column: str,
    shape: tuple[int, ...],
    dtype: np.dtype[Any],
    tile: tuple[int, ...],
    order: Order,
    info: str,
    keywords: TableRecord | None = None,
) -> TileLayout:
    """Create a table that holds one array in tiles, and return where its pixels go.

    Parameters
    ----------
    path : str
        The folder, which may exist.
    column : str
        Name of the column.
    shape, tile : tuple of int
        Shapes of array and tile, numpy order.
    dtype : dtype
        Type of the pixels.
    order : {">", "<"}
        Byte order.
    info : str
        Type for table.info.
    keywords : dict, optional
        Keywords of the table.
    """
    code = CODE_OF[np.dtype(dtype)]
    size = tile_bytes(np.dtype(dtype), math.prod(tile))
    layout = TileLayout(
        os.path.join(path, "table.f0_TSM0"), np.dtype(dtype).newbyteorder(order), shape, tile, 0, size
    )
    try:
        os.makedirs(path, exist_ok=True)
        fd = os.open(layout.path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    except OSError as exc:
        raise storage_error(exc, "write", path) from exc
    try:
        allocate(fd, layout.end, layout.path)
    finally:
        os.close(fd)
    header = cell_header(code, column, shape[::-1], tile[::-1], layout.end, order)
    replace_file(os.path.join(path, "table.f0"), header)
    none, names = np.zeros(0, np.str_), np.array([column])
    d = Description(keywords=keywords or TableRecord())
    cube = {"ndim": np.uint32(len(shape)), "data": names, "coord": none, "id": none}
    d.private[f"Hypercolumn_{column}"] = cube
    d.columns = [
        Column(column, code, "array", "version 4.0", ndim=len(shape), manager="TiledShapeStMan", group=column)
    ]
    write_info(path, info)
    replace_file(os.path.join(path, "table.lock"), new_lock_file(SyncData(1, 1, 1, 1, [1])))
    data = table_dat(d, 1, order, 1, [Manager("TiledCellStMan", 0)], {column: (0, ())})
    replace_file(os.path.join(path, "table.dat"), data)
    return layout


def folder_names(names: Iterable[str], taken: Iterable[str] = ()) -> dict[str, str]:
    """Return a folder for each name of a mask or group: the name itself where it can be one.

    >>> folder_names(["mask0", "a/b", "logtable"])
    {'mask0': 'mask0', 'a/b': 'a_b', 'logtable': 'logtable_1'}
    """
    used = {"logtable", *taken}
    out = {}
    for name in names:
        plain = "".join(c if c.isalnum() or c in "._-+" else "_" for c in name)[:100]
        if not plain or plain.startswith((".", "table.")):
            plain = "_" + plain
        folder, i = plain, 0
        while folder in used:
            i += 1
            folder = f"{plain}_{i}"
        used.add(folder)
        out[name] = folder
    return out


class CasaOutput(Output):
    """A CASA image being written.

    Parameters
    ----------
    path : str
        Where it will be.
    spec : ImageSpec
        What it will be.
    overwrite, sync : bool
        See `lattice.io.atomic.Staging`.
    tile : tuple of int, optional
        Shape of the tiles, numpy order.
    endian : {"little", "big"}
        Byte order of the pixels.
    """

    def __init__(
        self,
        path: str,
        spec: ImageSpec,
        *,
        overwrite: bool = False,
        sync: bool = False,
        tile: tuple[int, ...] | None = None,
        endian: str = "little",
    ) -> None:
        super().__init__()
        self._open = False
        dtype = np.dtype(spec.dtype)
        if endian not in _ORDERS:
            raise LatticeError(f"endian={endian!r} is not known", hint="say 'little' or 'big'")
        if dtype.kind not in "fc":
            raise FormatError(
                f"a CASA image holds real or complex values, not {dtype.name}",
                hint="turn truth values into numbers, as in iif(x, 1, 0), or save them as a mask",
            )
        if not all(spec.shape):
            raise FormatError(f"a CASA image has at least one pixel; the shape is {spec.shape}")
        cut = _tile(tile, spec.shape)
        keywords = keywords_of_spec(spec)
        self._stage = Staging(path, overwrite=overwrite, sync=sync, directory=True)
        self.path = self._stage.path
        try:
            self._create(spec, dtype, cut, _ORDERS[endian], keywords)
        except BaseException:
            self._stage.abort()
            raise
        self._open = True

    def _create(
        self,
        spec: ImageSpec,
        dtype: np.dtype[Any],
        tile: tuple[int, ...],
        order: Order,
        keywords: TableRecord,
    ) -> None:
        root = self._stage.temp
        default = (spec.default_mask or "mask0") if spec.masked else None
        names = ([default] if default else []) + [n for n in spec.mask_names if n != default]
        folders = folder_names(names)
        if names:
            masks = {name: mask_record(folders[name], spec.shape) for name in names}
            keywords["masks"] = TableRecord(masks)
        if default:
            keywords["Image_defaultmask"] = default
        writers = {}
        for name in names:
            folder = os.path.join(root, folders[name])
            bits = np.dtype(bool)
            layout = write_array(folder, "PagedArray", spec.shape, bits, tile, order, "Paged Array")
            writers[name] = TileWriter(layout)
        keywords["ATTRGROUPS"] = self._groups(root, spec.groups, folders.values(), order)
        write_log(os.path.join(root, "logtable"), spec.history, order)
        layout = write_array(root, "map", spec.shape, dtype, tile, order, "Image", keywords)
        self.writer = TileWriter(layout, writers.pop(default) if default else None)
        self.mask_writers = dict(writers)

    @staticmethod
    def _groups(root: str, groups: Mapping[str, Any], taken: Iterable[str], order: Order) -> TableRecord:
        folders = folder_names(groups, taken)
        for name, group in groups.items():
            write_group(os.path.join(root, folders[name]), group, order)
        return TableRecord({name: TableRef.child(folders[name]) for name in groups})

    def _commit(self) -> None:
        self._stage.commit()

    def _abort(self) -> None:
        self._stage.abort()


def _tile(tile: tuple[int, ...] | None, shape: tuple[int, ...]) -> tuple[int, ...]:
    if tile is None:
        return default_tile(shape[::-1])[::-1]
    good = len(tile) == len(shape) and all(isinstance(t, int | np.integer) and t >= 1 for t in tile)
    if not good:
        raise LatticeError(
            f"tile={tile!r} does not fit an image of shape {shape}",
            hint="give one length per axis, slowest axis first, such as (16, 64, 64)",
        )
    return tuple(min(int(t), n) for t, n in zip(tile, shape, strict=True))
