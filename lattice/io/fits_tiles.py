"""The table of tiles of a compressed FITS image: where each tile lies, and how it was packed."""

from __future__ import annotations

import math
import re
import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

import numpy as np

from lattice.errors import FormatError
from lattice.io.files import pread_into
from lattice.io.fits_codecs import ALGORITHMS
from lattice.io.fits_hdus import HDU

__all__ = ["Rows", "TileTable", "table_of"]

_WIDTHS = {"L": 1, "B": 1, "I": 2, "J": 4, "K": 8, "A": 1, "E": 4, "D": 8, "C": 8, "M": 16, "P": 8, "Q": 16}
_NUMBERS = {"B": "u1", "I": ">i2", "J": ">i4", "K": ">i8", "E": ">f4", "D": ">f8"}
_FORM = re.compile(r"\s*(\d*)([LXBIJKAEDCMPQ])([A-Z]?)(?:\(\d*\))?\s*")
_DATA = ("COMPRESSED_DATA", "GZIP_COMPRESSED_DATA", "UNCOMPRESSED_DATA")
_TILED = ("ZSCALE", "ZZERO", "ZBLANK")
_DITHERS = {"NO_DITHER": 0, "NONE": 0, "SUBTRACTIVE_DITHER_1": 1, "SUBTRACTIVE_DITHER_2": 2}

_PAGE = 4096  # rows read at once
_MAX_PAGES = 128


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the table: where it stands in a row, and what it holds.

    `code` is P or Q for a descriptor of something in the heap, of which each element takes `width` bytes;
    else the letter of a number.
    """

    name: str
    position: int
    code: str
    width: int


@dataclass(frozen=True, slots=True)
class TileTable:
    """Where the tiles of an image lie, and how they were packed.

    Attributes
    ----------
    offset, row_bytes, rows : int
        The table in the file.
    heap, heap_bytes : int
        What its descriptors point into.
    columns : tuple of Column
        Those that are used here.
    algorithm : str
        Of ``COMPRESSED_DATA``.
    settings : tuple of (str, value)
        Of the algorithm.
    bitpix : int
        Kind of the numbers of the image.
    scale, zero : float or None
        For quantised numbers whose scaling is the same in all tiles.
    blank : int or None
        Quantised value of a bad pixel where the tiles do not say.
    dither, seed : int
        How quantised numbers were dithered.
    """

    offset: int
    row_bytes: int
    rows: int
    heap: int
    heap_bytes: int
    columns: tuple[Column, ...]
    algorithm: str
    settings: tuple[tuple[str, Any], ...]
    bitpix: int
    scale: float | None = None
    zero: float | None = None
    blank: int | None = None
    dither: int = 0
    seed: int = 0

    def column(self, name: str) -> Column | None:
        """Return a column by name."""
        return next((c for c in self.columns if c.name == name), None)

    @property
    def is_quantised(self) -> bool:
        """True if floating-point numbers were rounded to integers before they were packed."""
        return self.bitpix < 0 and (self.scale is not None or self.column("ZSCALE") is not None)

    @property
    def has_blanks(self) -> bool:
        """True if each tile says for itself which number means a bad pixel."""
        return self.column("ZBLANK") is not None


@dataclass(frozen=True, slots=True)
class Rows:
    """Some rows of a table: one entry per tile, of which `first` is the number of the first.

    `kinds` counts the columns of data: 0 packed, 1 packed by gzip, 2 as it is, -1 nothing at all.
    """

    first: int
    kinds: list[int]
    starts: list[int]
    sizes: list[int]
    scales: list[float] | None
    zeros: list[float] | None
    blanks: list[int] | None


def table_of(hdu: HDU, tile: tuple[int, ...], what: str) -> TileTable:
    """Return the table of a compressed image.

    Parameters
    ----------
    hdu : HDU
        The unit.
    tile : tuple of int
        Shape of a tile.
    what : str
        Name of the unit for messages.
    """
    algorithm = str(hdu.get("ZCMPTYPE", "")).strip().upper()
    if algorithm not in ALGORITHMS:
        raise FormatError(
            f"{what}: the compression {algorithm!r} is not known", hint=f"known are {', '.join(ALGORITHMS)}"
        )
    bitpix = int(hdu.get("ZBITPIX"))
    columns, used = _columns(hdu, what)
    rows, row_bytes = _integer(hdu, "NAXIS2", what), _integer(hdu, "NAXIS1", what)
    if hdu.get("NAXIS") != 2 or hdu.get("BITPIX") != 8 or used > row_bytes:
        raise FormatError(f"{what}: its columns take {used} bytes, a row has {row_bytes}")
    expected = math.prod(-(-n // t) for n, t in zip(hdu.shape, tile, strict=True))
    if rows != expected:
        raise FormatError(f"{what}: an image of {expected} tiles cannot lie in a table of {rows} rows")
    names = {c.name for c in columns}
    if not names & set(_DATA):
        raise FormatError(f"{what} has no column of compressed data")
    if "NULL_PIXEL_MASK" in names:
        raise FormatError(
            f"{what} keeps its bad pixels in a mask of their own (ZMASKCMP), which no known software writes",
            hint="pack the image again without that",
        )
    heap = _integer(hdu, "THEAP", what, rows * row_bytes)
    size = rows * row_bytes + _integer(hdu, "PCOUNT", what, 0)
    if not rows * row_bytes <= heap <= size:
        raise FormatError(f"{what}: THEAP = {heap} is outside its data")
    dither, seed = _dithering(hdu, what)
    settings = tuple(sorted(_settings(hdu).items()))
    scale = None if "ZSCALE" in names else _real(hdu, "ZSCALE", what)
    zero = None if "ZZERO" in names else _real(hdu, "ZZERO", what)
    if bitpix < 0 and (scale is not None or "ZSCALE" in names) and zero is None and "ZZERO" not in names:
        zero = 0.0
    table = TileTable(
        hdu.offset, row_bytes, rows, hdu.offset + heap, size - heap,
        tuple(c for c in columns if c.name in _DATA + _TILED),
        algorithm, settings, bitpix, scale, zero, _blank(hdu), dither, seed,
    )  # fmt: skip
    if bitpix < 0 and not table.is_quantised and algorithm not in ("GZIP_1", "GZIP_2", "NOCOMPRESS"):
        raise FormatError(f"{what}: {algorithm} packs integers, and ZSCALE does not say what they mean")
    return table


def _columns(hdu: HDU, what: str) -> tuple[list[Column], int]:
    """Return the columns, and the bytes that they take in a row."""
    out, position = [], 0
    for i in range(1, min(_integer(hdu, "TFIELDS", what), 999) + 1):
        form = str(hdu.get(f"TFORM{i}", ""))
        found = _FORM.fullmatch(form.upper())
        if found is None:
            raise FormatError(f"{what}: TFORM{i} = {form!r} is no format of a column")
        repeat, code, element = int(found[1] or 1), found[2], found[3]
        name = str(hdu.get(f"TTYPE{i}", "")).strip().upper()
        if name in _DATA and (code not in "PQ" or element not in _NUMBERS or repeat != 1):
            raise FormatError(f"{what}: the column {name} cannot hold tiles in the format {form.strip()!r}")
        if name in _TILED and (code not in _NUMBERS or repeat != 1):
            raise FormatError(f"{what}: the column {name} cannot have the format {form.strip()!r}")
        if repeat:
            out.append(Column(name, position, code, _WIDTHS.get(element, 1) if code in "PQ" else 0))
        position += -(-repeat // 8) if code == "X" else repeat * _WIDTHS[code]
    return out, position


def _dithering(hdu: HDU, what: str) -> tuple[int, int]:
    method = str(hdu.get("ZQUANTIZ", "NO_DITHER")).strip().upper()
    if method not in _DITHERS:
        raise FormatError(
            f"{what}: ZQUANTIZ = {method!r} is not known", hint=f"known are {', '.join(_DITHERS)}"
        )
    return _DITHERS[method], _integer(hdu, "ZDITHER0", what, 0)


def _blank(hdu: HDU) -> int | None:
    value = hdu.get("ZBLANK", hdu.get("BLANK"))
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _settings(hdu: HDU) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for i in range(1, 100):
        name = hdu.get(f"ZNAME{i}")
        if not isinstance(name, str):
            break
        value = hdu.get(f"ZVAL{i}")
        out[name.strip().upper()] = int(value) if isinstance(value, float) and value.is_integer() else value
    return out


def _integer(hdu: HDU, keyword: str, what: str, default: int | None = None) -> int:
    value = hdu.get(keyword, default)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 1 << 62:
        raise FormatError(f"{what}: {keyword} = {value!r} is no number of something")
    return value


def _real(hdu: HDU, keyword: str, what: str) -> float | None:
    value = hdu.get(keyword)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise FormatError(f"{what}: {keyword} = {value!r} is not a number")
    return float(value)


# -- rows -----------------------------------------------------------------------------------------------


class _Pages:
    """Rows that were read lately, for all readers of a process."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.pages: OrderedDict[tuple[str, int], Rows] = OrderedDict()

    def get(self, key: tuple[str, int]) -> Rows | None:
        with self.lock:
            found = self.pages.get(key)
            if found is not None:
                self.pages.move_to_end(key)
            return found

    def put(self, key: tuple[str, int], rows: Rows) -> None:
        with self.lock:
            self.pages[key] = rows
            while len(self.pages) > _MAX_PAGES:
                self.pages.popitem(last=False)


_pages = _Pages()


def rows_with(table: TileTable, number: int, token: str, fd: int, path: str) -> Rows:
    """Return the rows around that of a tile.

    Parameters
    ----------
    table : TileTable
        The table.
    number : int
        Which tile.
    token : str
        Identity of the image.
    fd, path : int, str
        Descriptor of the file, and its path for messages.
    """
    key = (token, number // _PAGE)
    found = _pages.get(key)
    if found is None:
        first = number // _PAGE * _PAGE
        found = _read_rows(table, first, min(_PAGE, table.rows - first), fd, path)
        _pages.put(key, found)
    return found


def _read_rows(table: TileTable, first: int, count: int, fd: int, path: str) -> Rows:
    raw = np.empty((count, table.row_bytes), np.uint8)
    pread_into(fd, raw.reshape(-1).data, table.offset + first * table.row_bytes, path)
    kinds = np.full(count, -1)
    starts, sizes = np.zeros(count, np.int64), np.zeros(count, np.int64)
    for kind, name in enumerate(_DATA):
        column = table.column(name)
        if column is None:
            continue
        pair = _take(raw, column.position, ">i8" if column.code == "Q" else ">i4", 2).astype(np.int64)
        # A descriptor of nothing leaves the tile to the next column.
        mine = (kinds < 0) & (pair[:, 0] != 0)
        kinds[mine] = kind
        starts[mine] = pair[mine, 1]
        sizes[mine] = np.minimum(pair[mine, 0], 1 << 56) * column.width
    columns = [table.column(name) for name in _TILED]
    scales, zeros, blanks = (
        None if c is None else _take(raw, c.position, _NUMBERS[c.code], 1)[:, 0].tolist() for c in columns
    )
    return Rows(first, kinds.tolist(), starts.tolist(), sizes.tolist(), scales, zeros, blanks)


def _take(raw: np.ndarray, position: int, dtype: str, count: int) -> np.ndarray:
    width = np.dtype(dtype).itemsize * count
    return np.ascontiguousarray(raw[:, position : position + width]).view(dtype)
