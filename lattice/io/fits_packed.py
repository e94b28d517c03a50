"""Pixels of tile-compressed FITS images: read and unpacked by tile, in any number of threads at once."""

from __future__ import annotations

import itertools
import math
import os
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from lattice.errors import FormatError
from lattice.graph.sections import Section, n_pixels, shape_of
from lattice.io.files import Identity, Opened, pread_into, pread_many
from lattice.io.fits_codecs import PAD, TileError, dequantise, numbers, padded, unpacker
from lattice.io.fits_read import Decoder
from lattice.io.fits_tiles import Rows, TileTable, rows_with
from lattice.io.spool import Spool

__all__ = ["FitsCompressedReader", "jobs_of"]

_REMOTE_BATCH = 64 << 20
_READ_AT_ONCE = 2 << 20
_GAP = 32 << 10  # bytes between tiles that are read rather than skipped
_KEPT_BYTES = 48 << 20
_LARGEST_KEPT = 1 << 28


class _Slot:
    """A tile that is kept; its lock lets one thread unpack it while others wait for it."""

    __slots__ = ("lock", "values")

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.values: np.ndarray | None = None


class _Kept:
    """Unpacked tiles of which a part was wanted: the rest is likely to be wanted next."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.slots: OrderedDict[tuple[str, int], _Slot] = OrderedDict()

    def slot(self, key: tuple[str, int]) -> _Slot:
        with self.lock:
            slot = self.slots.get(key)
            if slot is None:
                slot = self.slots[key] = _Slot()
            self.slots.move_to_end(key)
            return slot

    def trim(self) -> None:
        """Forget the oldest tiles; the newest stays, however large it is."""
        with self.lock:
            sizes = [(k, 0 if s.values is None else s.values.nbytes) for k, s in self.slots.items()]
            total = sum(n for _, n in sizes)
            for key, size in sizes[:-1]:
                if total <= _KEPT_BYTES and len(self.slots) <= 1024:
                    break
                del self.slots[key]
                total -= size


_kept = _Kept()


def _after_fork() -> None:
    global _kept
    _kept = _Kept()  # a slot may be locked by a thread that is no more


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


class _Job(NamedTuple):
    """A tile that a section needs: its number and shape, which part of it goes where, and if that is all."""

    number: int
    shape: tuple[int, ...]
    inner: tuple[slice, ...]
    place: tuple[slice, ...]
    is_whole: bool


def jobs_of(shape: Sequence[int], tile: Sequence[int], section: Section) -> Iterator[_Job]:
    """Return the tiles that a section touches, in storage order."""
    axes = []
    stride = 1
    for s, t, n in reversed(list(zip(section, tile, shape, strict=True))):
        parts = []
        for i in range(s.start // t, -(-s.stop // t)):
            low = i * t
            first = -(-max(0, low - s.start) // s.step)
            start, stop = s.start + first * s.step, min(s.stop, low + t)
            if start < stop:
                length = min(t, n - low)
                count = -(-(stop - start) // s.step)
                inner = slice(start - low, stop - low, s.step)
                parts.append((i * stride, length, inner, slice(first, first + count), count == length))
        axes.append(parts)
        stride *= -(-n // t)
    if len(axes) == 1:
        for number, length, inner, place, whole in axes[0]:
            yield _Job(number, (length,), (inner,), (place,), whole)
        return
    fast, slow = axes[0], axes[1:]
    # The tiles along the last axis are many: what the other axes say is put together once for all of them.
    for combination in itertools.product(*reversed(slow)):
        base, lengths, inners, places, wholes = zip(*combination, strict=True)
        start, every = sum(base), all(wholes)
        for number, length, inner, place, whole in fast:
            yield _Job(
                start + number, (*lengths, length), (*inners, inner), (*places, place), every and whole
            )


class FitsCompressedReader:
    """A tile-compressed FITS image as a source of pixels.

    Parameters
    ----------
    path : str
        Absolute path of the file.
    identity : Identity
        State of the file when it was opened.
    table : TileTable
        Where the tiles lie, and how they were packed.
    shape, tile : tuple of int
        Shape of the image and of its tiles.
    decoder : Decoder
        What the unpacked numbers mean.
    label : str
        Short name for people.
    packed : bool
        True if the file is compressed as a whole as well.
    """

    direct = False

    def __init__(
        self,
        path: str,
        identity: Identity,
        table: TileTable,
        shape: tuple[int, ...],
        tile: tuple[int, ...],
        decoder: Decoder,
        label: str,
        packed: bool = False,
    ) -> None:
        self.path, self.identity, self.table = path, identity, table
        self.shape, self.tile, self.decoder = shape, tile, decoder
        self.label, self.packed = label, packed
        self.dtype = decoder.dtype
        self.token = "fitsz-{}|{}|{}|{}".format(path, "|".join(map(str, identity)), table.offset, decoder)
        self._tiles = f"{path}|{identity}|{table.offset}"
        self._source = Spool.of(path, identity) if packed else Opened(path, identity)
        self._stored = np.dtype(decoder.stored).newbyteorder("=")
        self._plain = decoder.kind == "value" and not decoder.is_scaled and decoder.blank is None
        self._quantised = table.is_quantised
        # By the kind of column that a tile lies in.
        self._unpackers = tuple(
            unpacker(name, dict(table.settings)) for name in (table.algorithm, "GZIP_1", "NOCOMPRESS")
        )

    def read(self, section: Section, out: np.ndarray | None = None) -> np.ndarray:
        """Return the values of a section; the tiles that it touches are unpacked."""
        if out is None:
            out = np.empty(shape_of(section), self.dtype)
        if out.size == 0:
            return out
        whole = []
        with self._source.copy() as fd:
            if type(fd) is not int:
                self._read_remote(fd, section, out)
                return out
            for job in jobs_of(self.shape, self.tile, section):
                if job.is_whole:
                    whole.append(job)
                else:
                    self._put(self._part(fd, job)[job.inner], out, job.place)
            if whole:
                self._read_whole(fd, whole, out)
        return out

    def _put(self, tile: np.ndarray, out: np.ndarray, place: tuple[slice, ...]) -> None:
        if self._plain:
            out[place] = tile
        else:
            self.decoder.convert(tile, out[place])

    # -- tiles of which a part is wanted ---------------------------------------------------------------

    def _part(self, fd: int, job: _Job) -> np.ndarray:
        """Return a tile by way of those that are kept."""
        if math.prod(job.shape) * self._stored.itemsize > _LARGEST_KEPT:
            return self._one(fd, job)
        slot = _kept.slot((self._tiles, job.number))
        with slot.lock:
            if slot.values is None:
                slot.values = self._one(fd, job)
                _kept.trim()
            return slot.values

    def _one(self, fd: int, job: _Job) -> np.ndarray:
        rows = rows_with(self.table, job.number, self._tiles, fd, self.path)
        start, size = self._place(rows, job.number)
        buffer = padded(size)
        pread_into(fd, buffer[:size].data, start, self.path)
        # A copy: what the library gives may hold on to more memory than the tile.
        return np.array(self._unpack(rows, job, buffer[:size]))

    # -- whole tiles -----------------------------------------------------------------------------------

    def _read_whole(self, fd: int, jobs: list[_Job], out: np.ndarray) -> None:
        """Read tiles that follow each other in the file at once."""
        buffer = padded(_READ_AT_ONCE)
        i = 0
        while i < len(jobs):
            rows = rows_with(self.table, jobs[i].number, self._tiles, fd, self.path)
            start, size = self._place(rows, jobs[i].number)
            end, places, j = start + size, [(start, size)], i + 1
            while j < len(jobs) and jobs[j].number - rows.first < len(rows.kinds):
                next_start, next_size = self._place(rows, jobs[j].number)
                if not end <= next_start <= end + _GAP or next_start + next_size - start > _READ_AT_ONCE:
                    break
                places.append((next_start, next_size))
                end = next_start + next_size
                j += 1
            if end - start + PAD > buffer.size:
                buffer = padded(end - start)
            pread_into(fd, buffer[: end - start].data, start, self.path)
            buffer[end - start : end - start + PAD] = 0xFF
            for job, (first, n_bytes) in zip(jobs[i:j], places, strict=True):
                data = buffer[first - start : first - start + n_bytes]
                self._put(self._unpack(rows, job, data), out, job.place)
            i = j

    # -- tiles of a file behind a URL --------------------------------------------------------------

    def _read_remote(self, file: Any, section: Section, out: np.ndarray) -> None:
        """Read tiles by few requests at the same time, some megabytes of them after the other."""
        jobs = list(jobs_of(self.shape, self.tile, section))
        i = 0
        while i < len(jobs):
            some, total = [], 0
            while i < len(jobs) and total < _REMOTE_BATCH:
                rows = rows_with(self.table, jobs[i].number, self._tiles, file, self.path)
                start, size = self._place(rows, jobs[i].number)
                some.append((rows, jobs[i], start, padded(size), size))
                total += size
                i += 1
            pread_many(file, [(start, data[:size].data) for _, _, start, data, size in some], self.path)
            for rows, job, _, data, size in some:
                self._put(self._unpack(rows, job, data[:size])[job.inner], out, job.place)

    # -- any tile --------------------------------------------------------------------------------------

    def _place(self, rows: Rows, number: int) -> tuple[int, int]:
        """Return where the bytes of a tile lie in the file."""
        i = number - rows.first
        start, size = rows.starts[i], rows.sizes[i]
        if rows.kinds[i] < 0:
            raise FormatError(f"{self.label}: tile {number} holds nothing", hint=_HINT)
        if start < 0 or size < 0 or start + size > self.table.heap_bytes:
            raise FormatError(
                f"{self.label}: tile {number} should lie at bytes {start} to {start + size} of a heap of "
                f"{self.table.heap_bytes}",
                hint=_HINT,
            )
        return self.table.heap + start, size

    def _unpack(self, rows: Rows, job: _Job, data: np.ndarray) -> np.ndarray:
        """Return the stored numbers of a tile, of any byte order."""
        i = job.number - rows.first
        kind = rows.kinds[i]
        quantised = self._quantised and kind == 0
        is_float = self.table.bitpix < 0 and not quantised
        try:
            tile = numbers(self._unpackers[kind](data, job.shape), job.shape, is_float)
        except TileError as exc:
            raise FormatError(
                f"{self.label}: tile {job.number} cannot be unpacked: {exc.message}", hint=_HINT
            ) from exc
        if quantised:
            return self._dequantise(rows, job, tile)
        if is_float and tile.dtype.kind != "f":
            raise FormatError(f"{self.label}: tile {job.number} holds integers without a scale", hint=_HINT)
        if rows.blanks is not None and self.decoder.blank is not None:
            return self._blanked(tile, rows.blanks[i])
        return tile

    def _dequantise(self, rows: Rows, job: _Job, tile: np.ndarray) -> np.ndarray:
        table, i = self.table, job.number - rows.first
        scale = table.scale if rows.scales is None else rows.scales[i]
        zero = table.zero if rows.zeros is None else rows.zeros[i]
        blank = table.blank if rows.blanks is None else rows.blanks[i]
        values = dequantise(
            tile, scale or 0.0, zero or 0.0, table.dither, job.number + table.seed, self._stored
        )
        if blank is not None:
            bad = tile == blank
            if bad.any():
                values[bad] = np.nan
        return values

    def _blanked(self, tile: np.ndarray, blank: int) -> np.ndarray:
        """Return integers in which the tile's own mark of bad pixels is that of the image."""
        if blank == self.decoder.blank:
            return tile
        return np.where(tile == blank, tile.dtype.type(self.decoder.blank), tile)

    # -- the rest --------------------------------------------------------------------------------------

    def decoded(self, decoder: Decoder, label: str) -> FitsCompressedReader:
        """Return the same pixels understood in another way."""
        return FitsCompressedReader(
            self.path, self.identity, self.table, self.shape, self.tile, decoder, label, self.packed
        )

    def bytes_read(self, section: Section) -> int:
        """Return about how many bytes of the file a section takes: the share of its tiles."""
        if n_pixels(section) == 0:
            return 0
        tiles = [((s.stop - 1) // t - s.start // t + 1) for s, t in zip(section, self.tile, strict=True)]
        return (self.table.heap_bytes * math.prod(tiles)) // max(1, self.table.rows)

    def __dask_tokenize__(self) -> str:
        return self.token

    def __reduce__(self) -> tuple[Any, ...]:
        return (
            FitsCompressedReader,
            (
                self.path,
                self.identity,
                self.table,
                self.shape,
                self.tile,
                self.decoder,
                self.label,
                self.packed,
            ),
        )

    def __repr__(self) -> str:
        return f"FitsCompressedReader({self.label!r}, shape={self.shape}, dtype={self.dtype})"


_HINT = "the file is damaged: copy or download it again"
