"""Pixels of Zarr arrays, read by section: chunks without compression by position, others whole."""

from __future__ import annotations

import itertools
import math
import os
import threading
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from lattice.errors import FormatError
from lattice.graph.sections import Section, n_pixels, shape_of
from lattice.graph.types import lel_dtype
from lattice.io.files import Identity, OpenedPart, check_unchanged, is_url, pread_into, read_range
from lattice.io.raw import Layout, part, read_section, scratch, section_bytes
from lattice.io.zarr_chunks import decode, index_size, split_index
from lattice.io.zarr_meta import ArrayMeta

__all__ = ["Scaling", "ZarrReader", "pieces"]

Piece = tuple[tuple[int, ...], Section, tuple[slice, ...]]


def pieces(section: Section, chunks: tuple[int, ...]) -> Iterator[Piece]:
    """Return the parts of a section by chunk: number of the chunk, section inside it, place in the result."""
    axes = []
    for s, chunk in zip(section, chunks, strict=True):
        parts = []
        for i in range(s.start // chunk, (s.stop - 1) // chunk + 1 if s.stop > s.start else 0):
            low = i * chunk
            first = -(-max(0, low - s.start) // s.step)
            start = s.start + first * s.step
            stop = min(s.stop, low + chunk)
            if start < stop:
                count = -(-(stop - start) // s.step)
                parts.append((i, slice(start - low, stop - low, s.step), slice(first, first + count)))
        axes.append(parts)
    for combination in itertools.product(*axes):
        yield (
            tuple(p[0] for p in combination),
            tuple(p[1] for p in combination),
            tuple(p[2] for p in combination),
        )


@dataclass(frozen=True)
class Scaling:
    """What attributes say about stored numbers: value = offset + scale * stored; `missing` is a bad pixel."""

    scale: float = 1.0
    offset: float = 0.0
    missing: float | None = None
    inverted: bool = False

    def convert(self, stored: np.ndarray, values: np.ndarray) -> None:
        """Turn stored numbers into values."""
        if self.inverted:
            np.logical_not(stored, out=values)
            return
        np.copyto(values, stored, casting="unsafe")
        if self.scale != 1:
            values *= values.dtype.type(self.scale)
        if self.offset != 0:
            values += values.dtype.type(self.offset)
        if self.missing is not None:
            np.copyto(values, np.nan, where=stored == self.missing)


Index = list[tuple[int, int] | None]


class _Indexes:
    """Shard indexes, some hundreds per process."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.known: OrderedDict[tuple[str, Identity], Index] = OrderedDict()

    def find(self, meta: ArrayMeta, path: str) -> Index | None:
        """Return an index that is known."""
        key = (path, meta.identity)
        with self.lock:
            if key in self.known:
                self.known.move_to_end(key)
            return self.known.get(key)

    def keep(self, meta: ArrayMeta, path: str, index: Index) -> Index:
        """Keep an index."""
        with self.lock:
            self.known[path, meta.identity] = index
            while len(self.known) > 512:
                self.known.popitem(last=False)
        return index

    def get(self, meta: ArrayMeta, path: str, fd: int) -> Index:
        """Return an index, read if need be."""
        known = self.find(meta, path)
        if known is not None:
            return known
        size = os.fstat(fd).st_size
        length = index_size(meta)
        if size < length:
            raise FormatError(f"the shard {path!r} is truncated", hint="copy the image again")
        data = read_range(fd, size - length if meta.index_at_end else 0, length, path, size)
        return self.keep(meta, path, split_index(meta, data, size, repr(path)))


indexes = _Indexes()


class ZarrReader:
    """A Zarr array as a source of pixels.

    Parameters
    ----------
    meta : ArrayMeta
        The array.
    label : str
        Short name for people.
    scaling : Scaling, optional
        What its numbers mean.
    """

    def __init__(self, meta: ArrayMeta, label: str, scaling: Scaling | None = None) -> None:
        self.meta = meta
        self.label = label
        self.scaling = scaling or Scaling()
        self.shape = meta.shape
        dtype = lel_dtype(meta.dtype)
        has_nan = self.scaling.missing is not None and dtype.kind == "b"
        self.dtype = np.dtype(np.float32) if has_nan else dtype
        self.direct = meta.is_raw and not is_url(meta.path)  # strips would each wait for the server
        self.token = "zarr-{}|{}|{}".format(meta.path, "|".join(map(str, meta.identity)), self.scaling)

    @property
    def tile(self) -> tuple[int, ...]:
        """A chunk."""
        return tuple(min(c, max(1, n)) for c, n in zip(self.meta.chunks, self.shape, strict=True))

    def read(self, section: Section, out: np.ndarray | None = None) -> np.ndarray:
        """Return the values of a section, in `out` if that is given."""
        if out is None:
            out = np.empty(shape_of(section), self.dtype)
        if out.size == 0:
            return out
        meta = self.meta
        if is_url(meta.path):
            from lattice.io.zarr_remote import read_remote

            read_remote(self, section, out)
            return out
        check_unchanged(meta.document, meta.identity)
        ratio = tuple(f // c for f, c in zip(meta.files, meta.chunks, strict=True))
        for number, inner, place in pieces(section, meta.chunks):
            target = part(out, place)
            file = tuple(i // r for i, r in zip(number, ratio, strict=True))
            path = meta.file_path(file)
            try:
                with OpenedPart(path, meta.identity) as fd:
                    spot = self._spot(
                        fd, path, tuple(i % r for i, r in zip(number, ratio, strict=True)), ratio
                    )
                    if spot is None:
                        self.fill(target)
                    elif meta.is_raw:
                        self._read_raw(fd, path, spot, inner, target)
                    else:
                        self._read_packed(fd, path, spot, inner, target)
            except FileNotFoundError:
                self.fill(target)
        return out

    def fill(self, target: np.ndarray) -> None:
        """Set pixels that are not stored."""
        self.scaling.convert(np.full(target.shape, self.meta.fill, self.meta.dtype), target)

    def _spot(
        self, fd: int, path: str, number: tuple[int, ...], ratio: tuple[int, ...]
    ) -> tuple[int, int] | None:
        """Return offset and size of a chunk in its file, None if it is not stored."""
        if self.meta.shards is None:
            return 0, os.fstat(fd).st_size if not self.meta.is_raw else self.meta.chunk_bytes
        index = indexes.get(self.meta, path, fd)
        position = 0
        for i, r in zip(number, ratio, strict=True):
            position = position * r + i
        spot = index[position]
        if spot is not None and self.meta.is_raw and spot[1] != self.meta.chunk_bytes:
            raise FormatError(f"a chunk in {path!r} has {spot[1]} bytes instead of {self.meta.chunk_bytes}")
        return spot

    def _read_raw(
        self, fd: int, path: str, spot: tuple[int, int], inner: Section, target: np.ndarray
    ) -> None:
        layout = Layout(spot[0], self.meta.chunks, self.meta.dtype)
        run = layout.run(inner)
        if run is not None and run[1] <= scratch().size:
            buffer = scratch()
            pread_into(fd, buffer[: run[1]].data, run[0], path)
            self.scaling.convert(np.ndarray(target.shape, self.meta.dtype, buffer), target)
            return
        stored = np.empty(target.shape, self.meta.dtype)
        read_section(fd, path, layout, inner, stored, _copy, _nothing)
        self.scaling.convert(stored, target)

    def _read_packed(
        self, fd: int, path: str, spot: tuple[int, int], inner: Section, target: np.ndarray
    ) -> None:
        self.check_packed(path, spot[1])
        data = read_range(fd, spot[0], spot[1], path, spot[0] + spot[1])
        self.scaling.convert(decode(self.meta, data, f"a chunk in {path!r}")[inner], target)

    def check_packed(self, path: str, size: int) -> None:
        """Refuse a compressed chunk that takes far more than its pixels."""
        if size > 2 * self.meta.chunk_bytes + (1 << 16):
            raise FormatError(f"a compressed chunk in {path!r} of {size} bytes is larger than its content")

    def bytes_read(self, section: Section) -> int:
        """Return the bytes that a section takes; with compression the unpacked size of its chunks."""
        if n_pixels(section) == 0:
            return 0
        meta = self.meta
        spans = [(s.stop - 1) // c - s.start // c + 1 for s, c in zip(section, meta.chunks, strict=True)]
        if not meta.is_raw:
            return math.prod(spans) * meta.chunk_bytes
        if math.prod(spans) > 10000:
            return n_pixels(section) * meta.dtype.itemsize
        layout = Layout(0, meta.chunks, meta.dtype)
        return sum(section_bytes(layout, inner) for _, inner, _ in pieces(section, meta.chunks))

    def __dask_tokenize__(self) -> str:
        return self.token

    def __reduce__(self) -> tuple[Any, ...]:
        return (ZarrReader, (self.meta, self.label, self.scaling))

    def __repr__(self) -> str:
        return f"ZarrReader({self.label!r}, shape={self.shape}, dtype={self.dtype})"


def _copy(stored: np.ndarray, values: np.ndarray) -> None:
    np.copyto(values, stored)


def _nothing(values: np.ndarray) -> None:
    """Values that are stored as they are in memory need no finishing."""
