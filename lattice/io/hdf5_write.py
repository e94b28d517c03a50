"""casacore HDF5 images written by section.

All chunks get their places when the file is made, so that pixels are written by position: disjoint sections
at once, from many threads and processes, without the HDF5 library and its lock.
"""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import h5py
import numpy as np

from lattice.errors import FormatError, LatticeTypeError, StorageError
from lattice.graph.sections import Section
from lattice.io.atomic import Staging, allocate
from lattice.io.base import ImageSpec, Output
from lattice.io.files import Opened, storage_error
from lattice.io.hdf5_data import chunk_table
from lattice.io.hdf5_records import complex_type, has_large_values, write_record
from lattice.io.raw import Layout, part, write_section
from lattice.io.zarr_chunks import choose_chunks
from lattice.io.zarr_read import pieces

__all__ = ["H5Output", "H5Writer", "create_dataset", "mask_info"]

_TYPES = ("f4", "f8", "c8", "c16")


class H5Writer:
    """A dataset as a target of pixels.

    Parameters
    ----------
    path : str
        The file, in which every chunk has its place.
    shape, dtype : tuple of int, dtype
        Of the values.
    grid : tuple of int
        Shape of a chunk.
    places : ndarray of int64
        Offset of each chunk, in an array of as many elements as there are chunks along each axis.
    flags : H5Writer, optional
        Takes the mask that comes with the values.
    """

    direct = True

    def __init__(
        self,
        path: str,
        shape: tuple[int, ...],
        dtype: np.dtype[Any],
        grid: tuple[int, ...],
        places: np.ndarray,
        flags: H5Writer | None = None,
    ) -> None:
        self.path, self.shape, self.dtype, self.grid = path, shape, np.dtype(dtype), grid
        self.places, self.flags = places, flags
        self._stored = np.dtype("i1") if self.dtype.kind == "b" else self.dtype.newbyteorder("<")

    @property
    def chunks(self) -> tuple[int, ...]:
        """A chunk."""
        return tuple(min(c, max(1, n)) for c, n in zip(self.grid, self.shape, strict=True))

    def write(self, section: Section, values: np.ndarray, mask: np.ndarray | None) -> None:
        """Write values to their places, and the mask to those of the mask."""
        if values.size == 0:
            return
        if self.flags is not None:
            good = np.ones(values.shape, bool) if mask is None else np.asarray(mask, bool)
            self.flags.write(section, good, None)
        with Opened(self.path, None) as fd:
            for number, inner, place in pieces(section, self.grid):
                stored = np.ascontiguousarray(part(values, place), self._stored)
                layout = Layout(int(self.places[number]), self.grid, self._stored)
                write_section(fd, self.path, layout, inner, stored)


class H5Output(Output):
    """An HDF5 image being written.

    Parameters
    ----------
    path : str
        Where it will be.
    spec : ImageSpec
        What it will be.
    overwrite, sync : bool
        See `lattice.io.atomic.Staging`.
    records : mapping
        What the file says about the image, by group.
    tile : tuple of int, optional
        Shape of a chunk, numpy order.
    """

    def __init__(
        self,
        path: str,
        spec: ImageSpec,
        records: Mapping[str, Mapping[str, Any]],
        *,
        overwrite: bool = False,
        sync: bool = False,
        tile: Sequence[int] | None = None,
    ) -> None:
        super().__init__()
        self._open = False
        dtype = _checked_type(spec)
        grid = _grid(spec.shape, dtype, tile)
        default = (spec.default_mask or "mask0") if spec.masked else None
        names = ([default] if default else []) + [n for n in spec.mask_names if n != default]
        self._stage = Staging(path, overwrite=overwrite, sync=sync)
        self.path = self._stage.path
        try:
            targets = self._lay_out(spec, dtype, grid, names, default, records)
            with Opened(self._stage.temp, None) as fd:
                allocate(fd, os.fstat(fd).st_size, path)
        except BaseException:
            self._stage.abort()
            raise
        masks = {name: targets[f"masks/{name}"] for name in names}
        writer = targets["map"]
        if default is not None:
            writer.flags = masks.pop(default)
        self.writer, self.mask_writers = writer, {**masks}
        self._open = True

    def _lay_out(
        self,
        spec: ImageSpec,
        dtype: np.dtype[Any],
        grid: tuple[int, ...],
        names: list[str],
        default: str | None,
        records: Mapping[str, Mapping[str, Any]],
    ) -> dict[str, H5Writer]:
        """Write all but the pixels; return the writers of those."""
        about = {k: v for k, v in records.items() if v}
        if names or "maskinfo" in about:
            extra = dict(about.pop("maskinfo", {}))
            about["maskinfo"] = mask_info(names, default, spec.shape, self.path) | extra
        targets = {}
        with _library(self._stage.temp, has_large_values(about)) as file:
            for name in ("map", *(f"masks/{name}" for name in names)):
                kind = dtype if name == "map" else np.dtype(bool)
                if name == "masks/" + (names[0] if names else ""):
                    file.create_group("masks")
                dataset = create_dataset(file, name, spec.shape, kind, grid)
                table = chunk_table(dataset, grid, name)
                places = np.array([row[1] for row in table.rows], np.int64).reshape(table.counts)
                targets[name] = H5Writer(self._stage.temp, tuple(spec.shape), kind, grid, places)
            for name, record in about.items():
                write_record(file, name, record)
        return targets

    def _commit(self) -> None:
        self._stage.commit()

    def _abort(self) -> None:
        self._stage.abort()


def _checked_type(spec: ImageSpec) -> np.dtype[Any]:
    dtype = np.dtype(spec.dtype)
    if f"{dtype.kind}{dtype.itemsize}" not in _TYPES:
        raise LatticeTypeError(
            f"casacore HDF5 images cannot hold {dtype} values",
            hint="save iif(expression, 1., 0.), or save to .zarr",
        )
    if not spec.shape or 0 in spec.shape:
        what = "a single number" if not spec.shape else f"no pixels (shape {spec.shape})"
        raise FormatError(f"the result is {what}; an HDF5 image needs at least one axis and one pixel")
    if len(spec.shape) > 32:
        raise FormatError("HDF5 images have at most 32 axes")
    for name in (spec.default_mask or "mask0", *spec.mask_names):
        if not name or "/" in name or "\0" in name or name == ".":
            raise FormatError(
                f"a mask of an HDF5 image cannot have the name {name!r}", hint="rename the mask"
            )
    return dtype


def _grid(shape: Sequence[int], dtype: np.dtype[Any], tile: Sequence[int] | None) -> tuple[int, ...]:
    if tile is None:
        return choose_chunks(shape, dtype.itemsize)[0]
    grid = tuple(min(int(t), n) for t, n in zip(tile, shape, strict=False))
    if len(tile) != len(shape) or any(t < 1 for t in grid) or math.prod(grid) * dtype.itemsize >= 1 << 32:
        raise FormatError(f"tile={tuple(tile)} is no tile of an image of shape {tuple(shape)}")
    return grid


@contextlib.contextmanager
def _library(path: str, new: bool) -> Iterator[Any]:
    """Open the temporary file with the library; its troubles become a `StorageError`."""
    versions = ("v108", "v108") if new else ("earliest", "v108")
    try:
        with h5py.File(path, "w", libver=versions, locking=False) as file:
            yield file
    except OSError as exc:
        if isinstance(exc, StorageError):
            raise
        raise storage_error(exc, "write", path) from exc
    except (RuntimeError, ValueError, KeyError) as exc:
        if isinstance(exc, FormatError):
            raise
        raise FormatError(f"the image cannot be written as HDF5: {exc}") from exc


def create_dataset(
    file: Any, name: str, shape: Sequence[int], dtype: np.dtype[Any], grid: tuple[int, ...]
) -> Any:
    """Create a dataset in which every chunk has its place, though nothing is written."""
    plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plist.set_chunk(grid)
    plist.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    plist.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    plist.set_obj_track_times(False)
    if dtype.kind == "c":
        kind = complex_type(dtype)
    else:
        kind = h5py.h5t.py_create(np.dtype("i1") if dtype.kind == "b" else dtype.newbyteorder("<"))
    h5py.h5d.create(file.id, name.encode(), kind, h5py.h5s.create_simple(tuple(shape)), plist)
    return file[name]


def mask_info(names: Sequence[str], default: str | None, shape: Sequence[int], path: str) -> dict[str, Any]:
    """Return what casacore wants to know about masks; it looks for them in the file that is named there."""
    turned = np.array(shape[::-1], np.int32)
    masks = {}
    for name in names:
        box = {
            "name": "LCBox",
            "isRegion": np.int32(1),
            "comment": "",
            "oneRel": True,
            "blc": np.ones(len(shape), np.float32),
            "trc": turned.astype(np.float32),
            "shape": turned,
        }
        masks[name] = {
            "name": "LCHDF5Mask",
            "isRegion": np.int32(1),
            "comment": "",
            "filename": path,
            "maskname": name,
            "box": box,
        }
    out: dict[str, Any] = {"Image_defaultmask": default or ""}
    return out | {"masks": masks}
