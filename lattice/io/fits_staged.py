"""FITS files that need all pixels before the file can be made: integers scaled to their range, and gzip."""

from __future__ import annotations

import itertools
import os
import struct
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from lattice.config import get_options
from lattice.errors import LatticeError
from lattice.graph.sections import Section, grid
from lattice.io.atomic import Staging, allocate
from lattice.io.base import ImageSpec, Output
from lattice.io.files import Opened, pread_into, pwrite_from
from lattice.io.fits_encode import Encoder
from lattice.io.fits_write import FitsOutput, FitsWriter, mask_names
from lattice.io.raw import Layout, natural_tile, read_section

__all__ = ["GzipOutput", "RangeOutput"]

_BLOCK = 1 << 22
_PIECE = 1 << 20
_WINDOW = 1 << 15


def in_order(function: Callable[[Any], Any], items: Iterator[Any]) -> Iterator[Any]:
    """Return ``function(item)`` of each item in order, computed by as many threads as blocks are."""
    workers = get_options().n_workers
    with ThreadPoolExecutor(workers) as pool:
        waiting = [pool.submit(function, item) for item in itertools.islice(items, workers + 1)]
        while waiting:
            yield waiting.pop(0).result()
            waiting += [pool.submit(function, item) for item in itertools.islice(items, 1)]


class RangeOutput(Output):
    """A FITS file of scaled integers of which the scale is that of the values.

    The values wait in a file of their own until all are there; then the range is found, and the FITS file
    written.

    Parameters
    ----------
    path : str
        Where it will be.
    spec : ImageSpec
        What it will be.
    finish : callable
        ``finish(low, high, bad)`` returns the output for values from low to high (if low is not above high),
        where `bad` tells if there are bad ones.
    overwrite : bool
        Whether an existing file may be replaced.
    mask : str
        As for `lattice.io.fits_write.FitsOutput`.
    """

    def __init__(
        self,
        path: str,
        spec: ImageSpec,
        finish: Callable[[float, float, bool], Output],
        *,
        overwrite: bool = False,
        mask: str = "nan",
    ) -> None:
        super().__init__()
        self._open = False
        self._finish = finish
        self._stage = Staging(path, overwrite=overwrite)
        self.path = self._stage.path
        dtype = np.dtype(spec.dtype)
        self._values = Layout(0, spec.shape, dtype)
        end = self._values.nbytes
        self._planes = {}
        for name in mask_names(spec, mask):
            self._planes[name] = Layout(end, spec.shape, np.dtype("u1"))
            end += self._planes[name].nbytes
        temp = self._stage.temp
        try:
            with Opened(temp, None) as fd:
                allocate(fd, end, temp)
        except BaseException:
            self._stage.abort()
            raise
        planes = dict(self._planes)
        self._own = next(iter(planes)) if planes and spec.masked else None
        flags = planes.pop(self._own) if self._own is not None else None
        self.writer = FitsWriter(temp, self._values, dtype, Encoder(-8 * dtype.itemsize), flags)
        self.mask_writers = {
            name: FitsWriter(temp, layout, np.dtype(bool), Encoder(8)) for name, layout in planes.items()
        }
        self._open = True

    def _read(self, layout: Layout, section: Section) -> np.ndarray:
        out = np.empty(tuple(s.stop - s.start for s in section), layout.dtype)
        with Opened(self._stage.temp, None) as fd:
            read_section(fd, self._stage.temp, layout, section, out, np.copyto, lambda _: None)
        return out

    def _range(self) -> tuple[float, float, bool]:
        """Return the lowest and highest value, and if there are bad ones."""

        def one(section: Section) -> tuple[float, float, bool]:
            values = self._read(self._values, section)
            low, high = values.min(), values.max()
            if np.isfinite(low) and np.isfinite(high):
                return float(low), float(high), False
            bad = bool(np.isnan(values).any())
            values = values[np.isfinite(values)]
            if not values.size:
                return np.inf, -np.inf, bad
            return float(values.min()), float(values.max()), bad

        low, high, bad = np.inf, -np.inf, False
        tile = natural_tile(self._values.shape, self._values.dtype.itemsize, _BLOCK)
        for a, b, c in in_order(one, iter(grid(self._values.shape, tile))):
            low, high, bad = min(low, a), max(high, b), bad or c
        return low, high, bad

    def _commit(self) -> None:
        low, high, bad = self._range()
        with self._finish(low, high, bad) as output:
            sink = output.writer
            shape = self._values.shape
            tile = natural_tile(shape, self._values.dtype.itemsize, _BLOCK)
            block = tile if sink.direct else _whole_chunks(tile, sink.chunks, shape)

            def copy(section: Section) -> None:
                values = self._read(self._values, section)
                good = None
                if self._own is not None:
                    good = self._read(self._planes[self._own], section).view(bool)
                sink.write(section, values, good)
                for name, writer in output.mask_writers.items():
                    writer.write(section, self._read(self._planes[name], section).view(bool), None)

            for _ in in_order(copy, iter(grid(shape, block))):
                pass
        self._stage.abort()

    def _abort(self) -> None:
        self._stage.abort()


def _whole_chunks(tile: tuple[int, ...], chunks: tuple[int, ...], shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return blocks of whole chunks, about as large as `tile`."""
    return tuple(min(n, max(c, t // c * c)) for t, c, n in zip(tile, chunks, shape, strict=True))


class GzipOutput(Output):
    """A FITS file that is packed as a whole when it is complete; see `lattice.io.fits_write.FitsOutput`."""

    def __init__(
        self,
        path: str,
        spec: ImageSpec,
        encoder: Encoder,
        level: int = 1,
        *,
        overwrite: bool = False,
        sync: bool = False,
        **more: Any,
    ) -> None:
        super().__init__()
        self._open = False
        self._level = level
        self._stage = Staging(path, overwrite=overwrite, sync=sync)
        self.path = self._stage.path
        try:
            self._plain = FitsOutput(path, spec, encoder, overwrite=overwrite, **more)
        except BaseException:
            self._stage.abort()
            raise
        self.writer, self.mask_writers = self._plain.writer, self._plain.mask_writers
        self._open = True

    def _commit(self) -> None:
        source = self._plain.unfinished
        with Opened(source, None) as fd, Opened(self._stage.temp, None) as target:
            gzip_file(fd, os.fstat(fd).st_size, source, target, self._stage.temp, self._level)
        self._plain.abort()
        self._stage.commit()

    def _abort(self) -> None:
        self._plain.abort()
        self._stage.abort()


def gzip_file(source: int, size: int, name: str, target: int, target_name: str, level: int) -> None:
    """Pack a file as one gzip stream, its pieces by several threads at once.

    Each piece is packed with the end of the one before as its dictionary, so that the stream is about as
    small as if it were packed in one go.
    """

    def read(start: int, stop: int) -> bytearray:
        data = bytearray(stop - start)
        pread_into(source, memoryview(data), start, name)
        return data

    def one(start: int) -> tuple[bytearray, bytes]:
        data = read(start, min(size, start + _PIECE))
        before = read(max(0, start - _WINDOW), start)
        if before:
            packer = zlib.compressobj(level, zlib.DEFLATED, -15, zdict=before)
        else:
            packer = zlib.compressobj(level, zlib.DEFLATED, -15)
        last = start + _PIECE >= size
        return data, packer.compress(data) + packer.flush(zlib.Z_FINISH if last else zlib.Z_SYNC_FLUSH)

    if size == 0:
        raise LatticeError("there is nothing to pack")
    position, check = 10, 0
    pwrite_from(target, memoryview(b"\x1f\x8b\x08\0\0\0\0\0\0\xff"), 0, target_name)
    for data, packed in in_order(one, iter(range(0, size, _PIECE))):
        check = zlib.crc32(data, check)
        pwrite_from(target, memoryview(packed), position, target_name)
        position += len(packed)
    pwrite_from(target, memoryview(struct.pack("<II", check, size & 0xFFFFFFFF)), position, target_name)
