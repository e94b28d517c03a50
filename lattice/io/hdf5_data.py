"""Pixels in HDF5 files, read by section without the HDF5 library wherever the layout allows it.

The library has one lock for the whole process.  It is asked once per file where the pixels lie; contiguous
data and chunks are then read by position, in any number of threads, and packed chunks unpacked here.
"""

from __future__ import annotations

import bisect
import contextlib
import functools
import math
import os
import threading
import zlib
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import h5py
import numpy as np

from lattice.errors import FormatError, LatticeError
from lattice.graph.sections import Section, n_pixels, shape_of
from lattice.graph.types import lel_dtype
from lattice.io.files import Identity, Opened, add_bytes, identify, is_url, pread_into, read_range
from lattice.io.hdf5_records import complex_type
from lattice.io.raw import Layout, natural_tile, part, read_section, runs, scratch, section_bytes
from lattice.io.zarr_read import pieces

__all__ = ["ChunkTable", "H5Array", "H5Reader", "array_of", "chunk_table", "open_file"]

_MAX_CHUNK = 1 << 32
_REMOTE_BATCH = 64 << 20
_DEFLATE, _SHUFFLE, _CHECKSUM = 1, 2, 3
_OWN_FILTERS = frozenset({_DEFLATE, _SHUFFLE, _CHECKSUM})


@contextlib.contextmanager
def open_file(path: str, identity: Identity | None = None) -> Iterator[Any]:
    """Open a file for reading with the library; what that says about a bad file becomes a `FormatError`.

    Parameters
    ----------
    path : str
        The file.
    identity : Identity, optional
        The state in which it must be.
    """
    if identity is not None:
        with Opened(path, identity):  # finds out if the file changed
            pass
    try:
        with _unlocked(path, identity) as file:
            yield file
    except LatticeError:
        raise
    except MemoryError as exc:
        raise FormatError(f"the HDF5 file {path!r} is damaged: it asks for impossible amounts") from exc
    except Exception as exc:  # the library raises nearly anything for a bad file
        text = " ".join(str(exc).split()) or type(exc).__name__
        raise FormatError(
            f"the HDF5 file {path!r} is damaged or truncated: {text}", hint="copy the file again"
        ) from exc


def _unlocked(path: str, identity: Identity | None) -> Any:
    """Open a file without a lock, which would keep others from writing and fails on some network disks."""
    if is_url(path):
        from lattice.io.remote_stream import RemoteStream

        return h5py.File(RemoteStream(path, identity or identify(path)), "r")
    try:
        return h5py.File(path, "r", locking=False)
    except OSError as exc:
        if "locking flag" not in str(exc):
            raise
        return h5py.File(path, "r")  # this process has it open with a lock already


@dataclass(frozen=True)
class H5Array:
    """A dataset: what is known of it without its pixels.

    Attributes
    ----------
    path, identity : str, Identity
        The file, and its state when it was opened.
    name : str
        Path of the dataset in the file.
    shape, dtype : tuple of int, dtype
        Of the dataset; the type as stored, with its byte order.
    chunks : tuple of int or None
        Shape of a chunk; None for contiguous data.
    offset : int
        Where contiguous data start; -1 if nothing is stored.
    filters : tuple of int
        What a chunk went through when it was written, in that order.
    filled : bool
        Whether pixels that are not stored have a value of their own, not zero.
    layout : str
        ``contiguous`` or ``chunked`` if positions in the file are known, ``library`` if only HDF5 knows them.
    """

    path: str
    identity: Identity
    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    chunks: tuple[int, ...] | None
    offset: int
    filters: tuple[int, ...]
    filled: bool
    layout: str

    @property
    def chunk_bytes(self) -> int:
        """Size of an unpacked chunk."""
        return math.prod(self.chunks or ()) * self.dtype.itemsize

    @property
    def is_raw(self) -> bool:
        """True if pixels are stored as they are in memory, at known positions."""
        return self.layout != "library" and not self.filters


def array_of(dataset: Any, path: str, identity: Identity, where: str) -> H5Array:
    """Return what is known of a dataset.

    Parameters
    ----------
    dataset : h5py.Dataset
        The dataset, open.
    path, identity : str, Identity
        The file.
    where : str
        Name of the image for messages.
    """
    dtype, exact = _stored_type(dataset.id.get_type(), where)
    shape = dataset.shape
    if shape is None:
        raise FormatError(f"{where} has no shape")
    if len(shape) > 32 or math.prod(shape) * dtype.itemsize >= 1 << 62:
        raise FormatError(f"{where}: an array of shape {shape} is not possible")
    plist = dataset.id.get_create_plist()
    kind = plist.get_layout()
    if plist.get_external_count() or kind == h5py.h5d.VIRTUAL:
        raise FormatError(f"{where} keeps its pixels in other files, which are not read")
    chunks = tuple(plist.get_chunk()) if kind == h5py.h5d.CHUNKED else None
    if chunks is not None:
        size = math.prod(chunks) * dtype.itemsize
        if len(chunks) != len(shape) or any(c < 1 for c in chunks) or size > _MAX_CHUNK:
            raise FormatError(f"{where}: chunks of shape {chunks} are not possible")
    filters = tuple(plist.get_filter(i)[0] for i in range(plist.get_nfilters()))
    offset = -1
    layout = "library"
    if exact and dataset.file.userblock_size == 0 and set(filters) <= _OWN_FILTERS:
        if kind == h5py.h5d.CHUNKED:
            layout = "chunked"
        elif kind == h5py.h5d.CONTIGUOUS and not filters:
            layout = "contiguous"
            found = dataset.id.get_offset()
            offset = -1 if found is None else int(found)
    filled = plist.fill_value_defined() == h5py.h5d.FILL_VALUE_USER_DEFINED
    return H5Array(path, identity, dataset.name, shape, dtype, chunks, offset, filters, filled, layout)


@functools.lru_cache(64)
def _fill_value(array: H5Array) -> Any:
    """Return the value of pixels that are not stored; in damaged files the library crashes over it."""
    if not array.filled:
        return 0
    with open_file(array.path, array.identity) as file:
        value = np.asarray(file[array.name].fillvalue)
    if value.dtype.names is not None:
        real, imaginary = (float(value[name]) for name in value.dtype.names)
        return complex(real, imaginary)
    return value[()].item()


def _stored_type(kind: Any, where: str) -> tuple[np.dtype[Any], bool]:
    """Return the type of the pixels in the file, and whether its bytes are just those of the numpy type."""
    if not isinstance(kind, h5py.h5t.TypeIntegerID | h5py.h5t.TypeFloatID | h5py.h5t.TypeCompoundID):
        found = kind.dtype
        if not (isinstance(kind, h5py.h5t.TypeEnumID) and found.kind == "b") and found.kind != "c":
            raise FormatError(f"{where}: values of type {found} cannot be pixels")
    dtype: np.dtype[Any] = kind.dtype
    if dtype.names is not None:
        parts = [dtype.fields[name][0] for name in dtype.names]  # type: ignore[index]
        names = [name.lower() for name in dtype.names]
        if len(parts) != 2 or parts[0] != parts[1] or parts[0].str[1:] not in ("f4", "f8"):
            raise FormatError(f"{where}: values of {len(parts)} fields cannot be pixels")
        if (names[0][0], names[1][0]) != ("r", "i") or dtype.itemsize != 2 * parts[0].itemsize:
            raise FormatError(
                f"{where}: pairs of {dtype.names[0]} and {dtype.names[1]} are no complex numbers"
            )
        exact = dtype.fields[dtype.names[0]][1] == 0 and _is_plain(kind.get_member_type(0), parts[0])  # type: ignore[index]
        return np.dtype(f"{parts[0].str[0]}c{dtype.itemsize}"), exact
    lel_dtype(dtype)
    return dtype, _is_plain(kind, dtype)


def _is_plain(kind: Any, dtype: np.dtype[Any]) -> bool:
    if dtype.kind == "c":
        return False
    return bool(kind.equal(h5py.h5t.py_create(dtype, logical=True)))


# -- where the chunks are -----------------------------------------------------------------------


class ChunkTable:
    """The chunks of a dataset: number, offset, size in the file and which filters were left out.

    Parameters
    ----------
    counts : tuple of int
        How many chunks there are along each axis.
    rows : list of tuple
        Number, offset, size and mask of each stored chunk.
    """

    def __init__(self, counts: tuple[int, ...], rows: list[tuple[int, int, int, int]]) -> None:
        rows.sort()
        self.counts = counts
        self.numbers = [row[0] for row in rows]
        self.rows = rows

    def find(self, index: tuple[int, ...]) -> tuple[int, int, int] | None:
        """Return offset, size and mask of a chunk; None if it is not stored."""
        number = 0
        for i, count in zip(index, self.counts, strict=True):
            number = number * count + i
        at = bisect.bisect_left(self.numbers, number)
        if at == len(self.numbers) or self.numbers[at] != number:
            return None
        return self.rows[at][1:]


def chunk_table(dataset: Any, chunks: tuple[int, ...], where: str) -> ChunkTable:
    """Return where the chunks of an open dataset are."""
    counts = tuple(-(-n // c) for n, c in zip(dataset.shape, chunks, strict=True))
    rows: list[tuple[int, int, int, int]] = []
    strange = []

    def take(info: Any) -> None:
        number = 0
        for start, chunk, count in zip(info.chunk_offset, chunks, counts, strict=True):
            i, rest = divmod(start, chunk)
            if rest or i >= count:
                strange.append(info.chunk_offset)
                return
            number = number * count + i
        if info.byte_offset is None or info.byte_offset < 0:
            strange.append(info.chunk_offset)
            return
        rows.append((number, int(info.byte_offset), int(info.size), int(info.filter_mask)))

    if math.prod(counts):
        dataset.id.chunk_iter(take)
    if strange or len({row[0] for row in rows}) != len(rows):
        raise FormatError(f"{where}: the index of its chunks is damaged", hint="copy the file again")
    return ChunkTable(counts, rows)


class _Tables:
    """Chunk tables, some tens per process."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.known: OrderedDict[tuple[str, Identity, str], ChunkTable] = OrderedDict()

    def get(self, array: H5Array, label: str) -> ChunkTable:
        key = (array.path, array.identity, array.name)
        with self.lock:
            if key in self.known:
                self.known.move_to_end(key)
                return self.known[key]
        with open_file(array.path, array.identity) as file:
            table = chunk_table(file[array.name], array.chunks or (), label)
        with self.lock:
            self.known[key] = table
            while len(self.known) > 64:
                self.known.popitem(last=False)
        return table


_tables = _Tables()


def _after_fork() -> None:
    _tables.lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


# -- reading ------------------------------------------------------------------------------------


class H5Reader:
    """A dataset as a source of pixels.

    Parameters
    ----------
    array : H5Array
        The dataset.
    label : str
        Short name for people.
    flags : bool
        True if its numbers are truth values: everything but zero is true.
    """

    def __init__(self, array: H5Array, label: str, flags: bool = False) -> None:
        self.array, self.label, self.flags = array, label, flags
        self.shape = array.shape
        self.dtype = np.dtype(bool) if flags else lel_dtype(array.dtype)
        self.direct = array.is_raw and not is_url(array.path)
        self.token = "hdf5-{}|{}|{}|{}".format(
            array.path, "|".join(map(str, array.identity)), array.name, flags
        )

    @property
    def tile(self) -> tuple[int, ...]:
        """A chunk; whole rows or planes where there are none."""
        if self.array.chunks is None:
            return natural_tile(self.shape, self.array.dtype.itemsize)
        return tuple(min(c, max(1, n)) for c, n in zip(self.array.chunks, self.shape, strict=True))

    def read(self, section: Section, out: np.ndarray | None = None) -> np.ndarray:
        """Return the values of a section, in `out` if that is given."""
        if out is None:
            out = np.empty(shape_of(section), self.dtype)
        if out.size == 0:
            return out
        if self.array.layout == "library":
            self._read_by_library(section, out)
        elif self.array.chunks is not None:
            self._read_chunks(section, out)
        elif self.array.offset < 0:
            self._fill(out)
        else:
            layout = Layout(self.array.offset, self.shape, self.array.dtype)
            self._check_end(layout.offset, layout.nbytes)
            with Opened(self.array.path, self.array.identity) as fd:
                self._read_raw(fd, layout, section, out)
        return out

    def _check_end(self, offset: int, size: int) -> None:
        if offset + size > self.array.identity.size:
            raise FormatError(
                f"{self.label} is truncated: pixels should end at byte {offset + size}, "
                f"the file has {self.array.identity.size}",
                hint="copy or download the file again",
            )

    def _read_chunks(self, section: Section, out: np.ndarray) -> None:
        array = self.array
        chunks = array.chunks or ()
        table = _tables.get(array, self.label)
        with Opened(array.path, array.identity) as fd:
            later: list[tuple[tuple[int, int, int], Section, np.ndarray]] = []
            for number, inner, place in pieces(section, chunks):
                target = part(out, place)
                found = table.find(number)
                if found is None:
                    self._fill(target)
                    continue
                offset, size, mask = found
                self._check_end(offset, size)
                if not array.filters and size != array.chunk_bytes:
                    raise FormatError(
                        f"a chunk of {self.label} has {size} bytes instead of {array.chunk_bytes}"
                    )
                if type(fd) is not int:
                    later.append((found, inner, target))
                    if len(later) * array.chunk_bytes > _REMOTE_BATCH:
                        self._read_remote(fd, later)
                        later = []
                elif array.filters:
                    self._read_packed(fd, offset, size, mask, inner, target)
                else:
                    self._read_raw(fd, Layout(offset, chunks, array.dtype), inner, target)
            if later:
                self._read_remote(fd, later)

    def _read_remote(self, file: Any, places: list[tuple[tuple[int, int, int], Section, np.ndarray]]) -> None:
        """Read chunks of a file behind a URL by few requests at the same time."""
        array = self.array
        jobs, views = [], []
        for (offset, size, _), inner, _ in places:
            at, length, shape, strides = [offset], size, tuple[int, ...]((size,)), tuple[int, ...]((1,))
            if array.filters:
                self._check_packed(offset, size)
            else:
                at, length, shape, strides = runs(Layout(offset, array.chunks or (), array.dtype), inner)
            rows = np.empty((len(at), length), np.uint8)
            jobs.append((array.path, np.asarray(at, np.int64), length, rows))
            views.append((rows, shape, (length, *strides)))
        file.read(jobs)
        for ((offset, _, mask), inner, target), (rows, shape, steps) in zip(places, views, strict=True):
            if array.filters:
                self._put_packed(rows[0].data, offset, mask, inner, target)
            else:
                view: Any = np.ndarray((len(rows), *shape), array.dtype, rows, 0, steps)
                self._convert(view.reshape(target.shape), target)

    def _read_raw(self, fd: int, layout: Layout, section: Section, target: np.ndarray) -> None:
        path = self.array.path
        if target.flags.c_contiguous:
            read_section(fd, path, layout, section, target, self._convert, self._finish)
            return
        run = layout.run(section)
        if run is not None and run[1] <= scratch().size:
            pread_into(fd, scratch()[: run[1]].data, run[0], path)
            stored = np.ndarray(target.shape, layout.dtype, scratch())
        else:
            stored = np.empty(target.shape, layout.dtype)
            read_section(fd, path, layout, section, stored, _copy, _nothing)
        self._convert(stored, target)

    @property
    def _finish(self) -> Any:
        same = self.array.dtype.itemsize == self.dtype.itemsize and self.array.dtype.kind == self.dtype.kind
        return self._swap if same and self.dtype.kind in "fc" else None

    def _swap(self, values: np.ndarray) -> None:
        if self.array.dtype != self.dtype:
            np.copyto(values, values.view(self.array.dtype))

    def _convert(self, stored: np.ndarray, values: np.ndarray) -> None:
        if self.dtype.kind == "b":
            np.not_equal(stored if stored.dtype.kind != "b" else stored.view(np.uint8), 0, out=values)
        else:
            np.copyto(values, stored, casting="unsafe")

    def _fill(self, target: np.ndarray) -> None:
        value = _fill_value(self.array)
        target[...] = bool(value) if self.dtype.kind == "b" else value

    def _read_packed(
        self, fd: int, offset: int, size: int, mask: int, inner: Section, target: np.ndarray
    ) -> None:
        self._check_packed(offset, size)
        data = read_range(fd, offset, size, self.array.path, offset + size)
        self._put_packed(data, offset, mask, inner, target)

    def _check_packed(self, offset: int, size: int) -> None:
        if size > 2 * self.array.chunk_bytes + (1 << 16):
            raise FormatError(
                f"a chunk of {self.label} at byte {offset} of {size} bytes is larger than its content"
            )

    def _put_packed(self, data: Any, offset: int, mask: int, inner: Section, target: np.ndarray) -> None:
        array = self.array
        stored = unpack(array, data, mask, f"a chunk of {self.label} at byte {offset}")
        self._convert(np.ndarray(array.chunks or (), array.dtype, stored)[inner], target)

    def _read_by_library(self, section: Section, out: np.ndarray) -> None:
        array = self.array
        with open_file(array.path, array.identity) as file:
            dataset = file[array.name]
            if array.dtype.kind == "c":
                stored = np.empty(out.shape, array.dtype.newbyteorder("="))
                space = dataset.id.get_space()
                if self.shape:
                    begin, step = tuple(s.start for s in section), tuple(s.step for s in section)
                    space.select_hyperslab(begin, out.shape, step)
                memory = h5py.h5s.create_simple(out.shape) if out.shape else h5py.h5s.create(h5py.h5s.SCALAR)
                kind = complex_type(stored.dtype) if dataset.dtype.kind == "V" else None
                dataset.id.read(memory, space, stored, kind)
            else:
                stored = np.asarray(dataset[section] if self.shape else dataset[()])
        add_bytes(self.bytes_read(section))
        self._convert(stored, out)

    def bytes_read(self, section: Section) -> int:
        """Return how many bytes of the file a section takes."""
        count = n_pixels(section)
        array = self.array
        if count == 0 or (array.chunks is None and array.offset < 0 and array.layout == "contiguous"):
            return 0
        if array.chunks is None:
            whole = Layout(max(0, array.offset), self.shape, array.dtype)
            return (
                section_bytes(whole, section)
                if array.layout == "contiguous"
                else count * array.dtype.itemsize
            )
        spans = [(s.stop - 1) // c - s.start // c + 1 for s, c in zip(section, array.chunks, strict=True)]
        if array.layout == "library" or math.prod(spans) > 10000:
            return math.prod(spans) * array.chunk_bytes if not array.is_raw else count * array.dtype.itemsize
        table = _tables.get(array, self.label)
        layout = Layout(0, array.chunks, array.dtype)
        total = 0
        for number, inner, _ in pieces(section, array.chunks):
            found = table.find(number)
            if found is not None:
                total += found[1] if array.filters else section_bytes(layout, inner)
        return total

    def __dask_tokenize__(self) -> str:
        return self.token

    def __reduce__(self) -> tuple[Any, ...]:
        return (H5Reader, (self.array, self.label, self.flags))

    def __repr__(self) -> str:
        return f"H5Reader({self.label!r}, shape={self.shape}, dtype={self.dtype})"


def _copy(stored: np.ndarray, values: np.ndarray) -> None:
    np.copyto(values, stored)


def _nothing(values: np.ndarray) -> None:
    """Values that are stored as they are in memory need no finishing."""


# -- unpacking ----------------------------------------------------------------------------------


def unpack(array: H5Array, data: bytes, mask: int, what: str) -> bytes:
    """Undo the filters of a chunk, last one first; `mask` has a bit for each that was left out."""
    size = array.chunk_bytes
    for i, name in reversed(list(enumerate(array.filters))):
        if mask >> i & 1:
            continue
        if name == _DEFLATE:
            data = _inflate(data, size + 4 * array.filters.count(_CHECKSUM), what)
        elif name == _SHUFFLE:
            data = _unshuffle(data, array.dtype.itemsize)
        else:
            data = _checked(data, what)
    if len(data) != size:
        raise FormatError(f"{what} has {len(data)} bytes instead of {size}", hint="copy the file again")
    return data


def _inflate(data: bytes, most: int, what: str) -> bytes:
    packer = zlib.decompressobj()
    try:
        out = packer.decompress(data, most + 1)
    except zlib.error as exc:
        raise FormatError(f"{what} cannot be unpacked: {exc}", hint="copy the file again") from exc
    if not packer.eof or len(out) > most:
        raise FormatError(f"{what} cannot be unpacked: it has not the size that it should have")
    return out


def _unshuffle(data: bytes, itemsize: int) -> bytes:
    count = len(data) // itemsize
    planes = np.frombuffer(data, np.uint8, count * itemsize).reshape(itemsize, count)
    values = np.empty((count, itemsize), np.uint8)
    for k in range(itemsize):  # three times as fast as a transposed copy
        values[:, k] = planes[k]
    return values.tobytes() + data[count * itemsize :]


def _checked(data: bytes, what: str) -> bytes:
    """Return what is before a Fletcher-32 checksum that must be right."""
    body, stored = data[:-4], int.from_bytes(data[-4:], "little")
    words = np.frombuffer(body[: len(body) // 2 * 2], ">u2")
    if len(body) % 2:
        words = np.append(words, np.array([body[-1] << 8], ">u2"))
    first = second = 0
    for start in range(0, len(words), 1 << 20):
        block = words[start : start + (1 << 20)].astype(np.int64)
        n = len(block)
        second = (second + n * first + int((block * np.arange(n, 0, -1)).sum())) % 65535
        first = (first + int(block.sum())) % 65535
    # The two halves were stored with their bytes exchanged by some old versions.
    low, high = stored & 0xFFFF, stored >> 16
    swapped = [(half >> 8 | half << 8) & 0xFFFF for half in (low, high)]
    good = (first, second)
    if len(data) < 4 or good not in ((low % 65535, high % 65535), (swapped[0] % 65535, swapped[1] % 65535)):
        raise FormatError(f"{what} is damaged: its checksum is wrong", hint="copy the file again")
    return body
