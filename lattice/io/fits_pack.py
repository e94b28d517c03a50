"""Tile-compressed FITS images, written by tile from any number of threads and processes.

The table of tiles comes first and has a known size; the packed tiles follow in the order in which they are
finished. Where the next ones go is a number at the start of the unfinished file, which is taken and advanced
under a short lock; all else is written by position without one. Of a second compressed unit (a mask) nobody
knows the place until the first is complete: it grows in a part of the file beyond all that the first can
take, a hole that costs nothing on the disk, and is moved down when everything is there.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lattice.errors import FormatError, LatticeError
from lattice.graph.sections import Section
from lattice.io.atomic import Staging
from lattice.io.base import ImageSpec, Output
from lattice.io.files import Opened, pread_into, pwrite_from, storage_error
from lattice.io.fits_cards import beam_table, image_cards, mask_cards, mask_header, structure
from lattice.io.fits_codecs import NULL, pack, quantise
from lattice.io.fits_encode import Encoder
from lattice.io.fits_header import BLOCK, Card, header_bytes
from lattice.io.fits_packed import jobs_of
from lattice.io.fits_write import mask_names

__all__ = ["FitsPackedOutput", "FitsPackedWriter", "Packing", "default_tile"]

_EDGE = 256
_FLUSH = 4 << 20
_PIECE = 1 << 22
_SMALL_HEAP = (1 << 31) - 1  # what 32-bit descriptors can point to


@dataclass(frozen=True, slots=True)
class Packing:
    """How tiles are packed.

    Attributes
    ----------
    algorithm : str
        ``RICE_1``, ``GZIP_1``, ``GZIP_2`` or ``HCOMPRESS_1``.
    tile : tuple of int
        Shape of a tile.
    level : int
        Of gzip.
    quantise : float or None
        Rounds floats to steps of the noise divided by this, or of the negative of this; None keeps all bits.
    dither, seed : int
        See `lattice.io.fits_codecs.dequantise`.
    """

    algorithm: str
    tile: tuple[int, ...]
    level: int = 1
    quantise: float | None = None
    dither: int = 1
    seed: int = 1

    def for_mask(self) -> Packing:
        """Return how a mask that goes with the image is packed."""
        return Packing("RICE_1", self.tile)


def default_tile(shape: Sequence[int]) -> tuple[int, ...]:
    """Return the tiles that are used unless others are asked for: pieces of planes.

    >>> default_tile((64, 1024, 1000))
    (1, 256, 250)
    >>> default_tile((1000000,))
    (62500,)
    """
    edge = _EDGE if len(shape) > 1 else _EDGE * _EDGE
    tile = [1] * len(shape)
    for axis in range(max(0, len(shape) - 2), len(shape)):
        tile[axis] = -(-shape[axis] // -(-shape[axis] // edge))
    return tuple(tile)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a compressed unit lies in the unfinished file.

    `counter` is where the file says how many bytes of the heap are taken; `limit` is how many there can be.
    """

    counter: int
    table: int
    rows: int
    row: np.dtype[Any]
    limit: int

    @property
    def heap(self) -> int:
        return self.table + self.rows * self.row.itemsize


def _take(place: _Place, size: int, path: str) -> int:
    """Take some bytes of the heap for this caller; other threads and processes get other bytes."""
    import fcntl

    raw = bytearray(8)
    # Opened anew each time: a lock belongs to an open file, and one that was open before a fork is shared
    # with the child, which it would not keep out.
    try:
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except OSError as exc:
        raise storage_error(exc, "write", path) from exc
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        pread_into(fd, memoryview(raw), place.counter, path)
        start = int.from_bytes(raw, "big")
        if start + size > place.limit:
            raise FormatError(f"{path!r}: the packed tiles take more room than they can")
        pwrite_from(fd, memoryview((start + size).to_bytes(8, "big")), place.counter, path)
    finally:
        os.close(fd)
    return start


class FitsPackedWriter:
    """A tile-compressed image as a target of pixels: whole tiles only.

    Parameters
    ----------
    path : str
        The unfinished file.
    place : object
        Where the tiles go.
    shape : tuple of int
        Of the image.
    dtype : dtype
        Type of the values.
    encoder : Encoder
        How they are stored.
    packing : Packing
        How tiles are packed.
    flags : FitsPackedWriter or None
        Takes the mask; without it bad pixels are marked among the values.
    """

    direct = False

    def __init__(
        self,
        path: str,
        place: _Place,
        shape: tuple[int, ...],
        dtype: np.dtype[Any],
        encoder: Encoder,
        packing: Packing,
        flags: FitsPackedWriter | None = None,
    ) -> None:
        self.path, self.place, self.shape = path, place, tuple(shape)
        self.dtype = np.dtype(dtype)
        self.encoder, self.packing, self.flags = encoder, packing, flags

    @property
    def chunks(self) -> tuple[int, ...]:
        """A tile."""
        return self.packing.tile

    def write(self, section: Section, values: np.ndarray, mask: np.ndarray | None) -> None:
        """Pack and write whole tiles; `values` may be changed."""
        if values.size == 0:
            return
        if self.flags is not None:
            self.flags.write(section, np.ones(values.shape, bool) if mask is None else mask, None)
            mask = None
        ready: list[tuple[int, bytes, tuple[int, float, float]]] = []
        size = 0
        for job in jobs_of(self.shape, self.packing.tile, section):
            if not job.is_whole:
                raise LatticeError(
                    f"compressed FITS is written by whole tiles of {self.packing.tile}, not {section}"
                )
            tile = np.array(values[job.place], self.dtype, order="C")
            stored = self.encoder.encode(tile, None if mask is None else mask[job.place])
            data, how = self._pack(stored, job.number)
            ready.append((job.number, data, how))
            size += len(data)
            if size >= _FLUSH:
                self._flush(ready)
                ready, size = [], 0
        self._flush(ready)

    def _pack(self, stored: np.ndarray, number: int) -> tuple[bytes, tuple[int, float, float]]:
        """Return the bytes of a tile, the column in which they belong, and the scaling of the tile."""
        packing = self.packing
        if packing.quantise is None:
            return pack(packing.algorithm, stored, packing.level), (0, 0.0, 0.0)
        found = quantise(stored, packing.quantise, packing.dither, number + packing.seed)
        if found is None:
            return pack("GZIP_1", stored, packing.level), (1, 0.0, 0.0)
        steps, scale, zero = found
        return pack(packing.algorithm, steps, packing.level), (0, scale, zero)

    def _flush(self, ready: list[tuple[int, bytes, tuple[int, float, float]]]) -> None:
        """Write packed tiles and their rows of the table."""
        if not ready:
            return
        place = self.place
        data = b"".join(d for _, d, _ in ready)
        rows = np.zeros(len(ready), place.row)
        with Opened(self.path, None) as fd:
            position = _take(place, len(data), self.path)
            pwrite_from(fd, memoryview(data), place.heap + position, self.path)
            for i, (_, d, (column, scale, zero)) in enumerate(ready):
                rows["packed" if column == 0 else "gzip"][i] = (len(d), position)
                if self.packing.quantise is not None:
                    rows["scale"][i], rows["zero"][i] = scale, zero
                position += len(d)
            # Rows that follow each other are written at once.
            numbers = np.array([n for n, _, _ in ready])
            for run in np.split(np.arange(len(ready)), np.flatnonzero(np.diff(numbers) != 1) + 1):
                at = place.table + int(numbers[run[0]]) * place.row.itemsize
                pwrite_from(fd, memoryview(rows[run[0] : run[-1] + 1].tobytes()), at, self.path)

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__.copy()


@dataclass(frozen=True)
class _Unit:
    """A compressed unit of the unfinished file; `header(heap_bytes, longest)` makes its header."""

    place: _Place
    header: Callable[[int, Sequence[int]], bytes]


class FitsPackedOutput(Output):
    """A tile-compressed FITS file being written; parameters as of `lattice.io.fits_write.FitsOutput`."""

    def __init__(
        self,
        path: str,
        spec: ImageSpec,
        encoder: Encoder,
        packing: Packing,
        *,
        overwrite: bool = False,
        sync: bool = False,
        mask: str = "nan",
        style: Sequence[Card] = (),
        wcs: Sequence[Card] | None = None,
    ) -> None:
        super().__init__()
        self._open = False
        if wcs is None:
            wcs = spec.coords.to_cards(spec.shape) if spec.coords is not None else ()
        names = mask_names(spec, mask)
        cards = mask_cards(names, names[0] if spec.masked else None) if names else []
        cards += image_cards(spec, wcs, encoder, style)
        if not any(key == "EXTNAME" for key, _, _ in cards):
            cards.insert(0, ("EXTNAME", "COMPRESSED_IMAGE", ""))
        self._units: list[_Unit] = []
        self._end = BLOCK
        plane = Encoder(8)
        places = [self._unit(spec.shape, encoder, packing, cards)]
        for i, name in enumerate(names):
            n = len(structure(8, spec.shape, "IMAGE"))
            places.append(
                self._unit(spec.shape, plane, packing.for_mask(), mask_header(name, i + 1, spec, wcs)[n:])
            )
        self._tail = b""
        if len(spec.beams) > 1:
            header, table = beam_table(spec.beams, spec)
            self._tail = header_bytes(header) + table
        self._stage = Staging(path, overwrite=overwrite, sync=sync)
        self.path = self._stage.path
        temp = self._stage.temp
        try:
            with Opened(temp, None) as fd:
                pwrite_from(fd, memoryview(bytes(BLOCK)), 0, temp)
                for unit in self._units:
                    os.ftruncate(fd, unit.place.heap)
        except BaseException:
            self._stage.abort()
            raise
        masks = {
            name: FitsPackedWriter(temp, place, spec.shape, np.dtype(bool), plane, packing.for_mask())
            for name, place in zip(names, places[1:], strict=True)
        }
        flags = masks.pop(names[0]) if names and spec.masked else None
        self.writer = FitsPackedWriter(temp, places[0], spec.shape, spec.dtype, encoder, packing, flags)
        self.mask_writers = {**masks}
        self._open = True

    def _unit(
        self, shape: tuple[int, ...], encoder: Encoder, packing: Packing, cards: Sequence[Card]
    ) -> _Place:
        """Lay out one unit behind all that the units before it can take."""
        rows = math.prod(-(-n // t) for n, t in zip(shape, packing.tile, strict=True))
        width = encoder.stored.itemsize
        most = math.prod(shape) * width * (3 if packing.algorithm == "HCOMPRESS_1" else 1)
        limit = most + most // 8 + rows * 512
        row = _row(limit, packing)
        if limit >= 1 << 61:
            raise FormatError("the image is larger than any file")

        def header(heap: int, longest: Sequence[int]) -> bytes:
            start = _table_cards(rows, row, heap, longest)
            return header_bytes([*start, *_tile_cards(shape, encoder, packing), *cards])

        start = self._end + len(header(0, [0, 0]))
        place = _Place(8 * len(self._units), start, rows, row, limit)
        self._units.append(_Unit(place, header))
        self._end = -(-(place.heap + limit) // BLOCK) * BLOCK
        return place

    def _commit(self) -> None:
        path = self._stage.temp
        with Opened(path, None) as fd:
            counters = bytearray(BLOCK)
            pread_into(fd, memoryview(counters), 0, path)
            end = BLOCK
            for unit in self._units:
                place = unit.place
                heap = int.from_bytes(counters[place.counter : place.counter + 8], "big")
                header = unit.header(heap, _longest(fd, place, path))
                size = place.rows * place.row.itemsize + heap
                _move(fd, place.table, end + len(header), size, path)
                pwrite_from(fd, memoryview(header), end, path)
                end = _pad(fd, end + len(header) + size, path)
            if self._tail:
                pwrite_from(fd, memoryview(self._tail), end, path)
                end = _pad(fd, end + len(self._tail), path)
            primary = structure(8, ())
            pwrite_from(fd, memoryview(header_bytes(primary)), 0, path)
            os.ftruncate(fd, end)
        self._stage.commit()

    def _abort(self) -> None:
        self._stage.abort()


def _row(limit: int, packing: Packing) -> np.dtype[Any]:
    """Return how the table says where a tile is."""
    pair = (">i4" if limit <= _SMALL_HEAP else ">i8", (2,))
    if packing.quantise is None:
        return np.dtype([("packed", *pair)])
    return np.dtype([("packed", *pair), ("gzip", *pair), ("scale", ">f8"), ("zero", ">f8")])


def _table_cards(rows: int, row: np.dtype[Any], heap: int, longest: Sequence[int]) -> list[Card]:
    names: list[tuple[str, str]] = []
    for name, column in (("packed", "COMPRESSED_DATA"), ("gzip", "GZIP_COMPRESSED_DATA")):
        if name in (row.names or ()):
            letter = "P" if row[name].base.itemsize == 4 else "Q"
            names.append((column, f"1{letter}B({longest[len(names)]})"))
    if "scale" in (row.names or ()):
        names += [("ZSCALE", "1D"), ("ZZERO", "1D")]
    cards: list[Card] = [
        ("XTENSION", "BINTABLE", "table of the tiles of a compressed image"),
        ("BITPIX", 8, ""),
        ("NAXIS", 2, ""),
        ("NAXIS1", row.itemsize, "bytes per row"),
        ("NAXIS2", rows, "tiles"),
        ("PCOUNT", heap, "bytes of packed tiles"),
        ("GCOUNT", 1, ""),
        ("TFIELDS", len(names), ""),
    ]
    for i, (column, form) in enumerate(names):
        cards += [(f"TTYPE{i + 1}", column, ""), (f"TFORM{i + 1}", form, "")]
    return cards


def _tile_cards(shape: Sequence[int], encoder: Encoder, packing: Packing) -> list[Card]:
    cards: list[Card] = [
        ("ZIMAGE", True, "this is a compressed image"),
        ("ZTENSION", "IMAGE", ""),
        ("ZBITPIX", encoder.bitpix, "bits per pixel of the image"),
        ("ZNAXIS", len(shape), ""),
    ]
    cards += [(f"ZNAXIS{i + 1}", int(n), "") for i, n in enumerate(reversed(shape))]
    cards += [("ZPCOUNT", 0, ""), ("ZGCOUNT", 1, "")]
    cards += [(f"ZTILE{i + 1}", int(n), "") for i, n in enumerate(reversed(packing.tile))]
    cards.append(("ZCMPTYPE", packing.algorithm, "how tiles are packed"))
    width = 4 if packing.quantise is not None else encoder.stored.itemsize
    pairs: list[tuple[str, Any]] = []
    if packing.algorithm == "RICE_1":
        pairs = [("BLOCKSIZE", 32), ("BYTEPIX", width)]
    elif packing.algorithm == "HCOMPRESS_1":
        pairs = [("SCALE", 0), ("SMOOTH", 0)]
    if packing.quantise is not None:
        pairs.append(("NOISEBIT", float(packing.quantise)))
    for i, (name, value) in enumerate(pairs):
        cards += [(f"ZNAME{i + 1}", name, ""), (f"ZVAL{i + 1}", value, "")]
    if packing.quantise is not None:
        dither = ("NO_DITHER", "SUBTRACTIVE_DITHER_1", "SUBTRACTIVE_DITHER_2")[packing.dither]
        cards.append(("ZQUANTIZ", dither, "how values were rounded"))
        if packing.dither:
            cards.append(("ZDITHER0", packing.seed, "first of the random numbers"))
        cards.append(("ZBLANK", NULL, "stored value of bad pixels"))
    elif encoder.bitpix < 0:
        cards.append(("ZQUANTIZ", "NONE", "without loss"))
    return cards


def _longest(fd: int, place: _Place, path: str) -> list[int]:
    """Return the size of the largest tile of each column; a tile that was not written is an error."""
    most = [0, 0]
    step = max(1, _PIECE // place.row.itemsize)
    for first in range(0, place.rows, step):
        rows = np.empty(min(step, place.rows - first), place.row)
        pread_into(fd, rows.view(np.uint8).data, place.table + first * place.row.itemsize, path)
        sizes = [rows[name][:, 0] for name in ("packed", "gzip") if name in (place.row.names or ())]
        missing = np.flatnonzero(sum(sizes[1:], sizes[0]) == 0)
        if missing.size:
            raise FormatError(f"tile {first + int(missing[0])} of the image was never written")
        for i, size in enumerate(sizes):
            most[i] = max(most[i], int(size.max()))
    return most


def _move(fd: int, source: int, target: int, size: int, path: str) -> None:
    """Move bytes towards the start of the file."""
    if source == target:
        return
    for done in range(0, size, _PIECE):
        piece = bytearray(min(_PIECE, size - done))
        pread_into(fd, memoryview(piece), source + done, path)
        pwrite_from(fd, memoryview(piece), target + done, path)


def _pad(fd: int, end: int, path: str) -> int:
    """Fill up to a whole block, and return where that ends."""
    rest = -end % BLOCK
    if rest:
        pwrite_from(fd, memoryview(bytes(rest)), end, path)
    return end + rest
