"""Pixels of Zarr arrays behind URLs: all chunks of a section are asked for at the same time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from lattice.errors import FormatError
from lattice.graph.sections import Section
from lattice.io.files import Opened
from lattice.io.raw import Layout, part, runs
from lattice.io.remote import Job, Range, fetch, read_runs
from lattice.io.zarr_chunks import decode, index_size, split_index
from lattice.io.zarr_read import Index, Piece, indexes, pieces

if TYPE_CHECKING:
    from lattice.io.zarr_read import ZarrReader

__all__ = ["read_remote"]

_BATCH = 64 << 20  # bytes of unpacked chunks that are under way at once
_UNKNOWN = 1 << 62  # a size: whether a shard is as long as its index says shows when it is read

Spot = tuple[int, int] | None


def read_remote(reader: ZarrReader, section: Section, out: np.ndarray) -> None:
    """Read a section of an array behind a URL.

    Parameters
    ----------
    reader : ZarrReader
        The array.
    section : Section
        Which pixels.
    out : ndarray
        Where to.
    """
    meta = reader.meta
    with Opened(meta.document, meta.identity):  # finds out if it changed, now and then
        pass
    count = max(1, _BATCH // max(1, meta.chunk_bytes))
    every = pieces(section, meta.chunks)
    while some := list(islice(every, count)):
        places = list(_places(reader, some))
        (_read_raw if meta.is_raw else _read_packed)(reader, places, out)


def _places(reader: ZarrReader, some: Iterable[Piece]) -> Iterator[tuple[str, Spot, Piece]]:
    """Return where each chunk is: file, offset and size; a size of -1 is that of the whole file."""
    meta = reader.meta
    ratio = tuple(f // c for f, c in zip(meta.files, meta.chunks, strict=True))
    found = []
    for piece in some:
        file = tuple(i // r for i, r in zip(piece[0], ratio, strict=True))
        found.append((meta.file_path(file), piece))
    known = _indexes(reader, {path for path, _ in found}) if meta.shards is not None else None
    for path, piece in found:
        if known is None:
            yield path, (0, meta.chunk_bytes if meta.is_raw else -1), piece
            continue
        index = known[path]
        number = 0
        for i, r in zip(piece[0], ratio, strict=True):
            number = number * r + i % r
        spot = None if index is None else index[number]
        if spot is not None and meta.is_raw and spot[1] != meta.chunk_bytes:
            raise FormatError(f"a chunk in {path!r} has {spot[1]} bytes instead of {meta.chunk_bytes}")
        yield path, spot, piece


def _indexes(reader: ZarrReader, paths: set[str]) -> dict[str, Index | None]:
    """Return the indexes of shards, None for those that are not there; unknown ones are read at once."""
    meta = reader.meta
    known: dict[str, Index | None] = {path: indexes.find(meta, path) for path in paths}
    missing = sorted(path for path, index in known.items() if index is None)
    length = index_size(meta)
    ranges: list[Range] = [
        (path, -length, None) if meta.index_at_end else (path, 0, length) for path in missing
    ]
    for path, data in zip(missing, fetch(ranges, missing=True), strict=True):
        if data is not None:
            if len(data) != length:
                raise FormatError(f"the shard {path!r} is truncated", hint="copy the image again")
            known[path] = indexes.keep(meta, path, split_index(meta, data, _UNKNOWN, repr(path)))
    return known


def _read_raw(reader: ZarrReader, places: list[tuple[str, Spot, Piece]], out: np.ndarray) -> None:
    meta = reader.meta
    jobs: list[Job] = []
    views: list[tuple[np.ndarray, np.ndarray]] = []
    for path, spot, (_, inner, place) in places:
        target = part(out, place)
        if spot is None:
            reader.fill(target)
            continue
        offsets, length, shape, strides = runs(Layout(spot[0], meta.chunks, meta.dtype), inner)
        stored = np.empty((len(offsets), length), np.uint8)
        jobs.append((path, np.asarray(offsets, np.int64), length, stored))
        view: Any = np.ndarray((len(offsets), *shape), meta.dtype, stored, 0, (length, *strides))
        views.append((view, target))
    for there, (stored, target) in zip(read_runs(jobs), views, strict=True):
        if there:
            reader.scaling.convert(stored.reshape(target.shape), target)
        else:
            reader.fill(target)


def _read_packed(reader: ZarrReader, places: list[tuple[str, Spot, Piece]], out: np.ndarray) -> None:
    wanted = []
    for path, spot, (_, inner, place) in places:
        target = part(out, place)
        if spot is None:
            reader.fill(target)
            continue
        reader.check_packed(path, spot[1])
        wanted.append((path, spot, inner, target))
    ranges: list[Range] = [
        (path, None, None) if size < 0 else (path, offset, offset + size)
        for path, (offset, size), _, _ in wanted
    ]
    for (path, _, inner, target), data in zip(wanted, fetch(ranges, missing=True), strict=True):
        if data is None:
            reader.fill(target)
            continue
        reader.check_packed(path, len(data))
        reader.scaling.convert(decode(reader.meta, data, f"a chunk in {path!r}")[inner], target)
