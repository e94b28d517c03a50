"""One tile of a tile-compressed FITS image: packed and unpacked.

Rice, PLIO, HCOMPRESS and the noise estimate of quantisation are the C functions that astropy is built with.
They trust their input: what they are given is checked here, and lies in a buffer that goes on behind its
end, so that a damaged tile cannot make them read beyond it. gzip is the standard library's.
"""

from __future__ import annotations

import functools
import math
import threading
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from lattice.errors import FormatError, LatticeError

__all__ = [
    "ALGORITHMS",
    "NULL",
    "PAD",
    "TileError",
    "dequantise",
    "numbers",
    "pack",
    "padded",
    "quantise",
    "unpacker",
]

ALGORITHMS = ("RICE_1", "RICE_ONE", "GZIP_1", "GZIP_2", "PLIO_1", "HCOMPRESS_1", "NOCOMPRESS")

PAD = 4096
"""Bytes that must follow a packed tile in memory: the Rice decoder looks at its end once per block only."""

NULL = -2147483647
"""Quantised value of a bad pixel."""

_ZERO = -2147483646  # quantised value of an exact zero, with the second way of dithering
_NOTHING = -9.1191291391491e-36  # a value that no pixel has
_N_RANDOM = 10000
_MAX_C = (1 << 31) - 1
_MAX_BLOCK = 256


class TileError(FormatError):
    """A tile that cannot be unpacked."""


# astropy's HCOMPRESS keeps its state in static variables.
_hcompress_lock = threading.Lock()


@functools.cache
def _c() -> Any:
    """Return astropy's C functions."""
    try:
        from astropy.io.fits.hdu.compressed import _compression
    except ImportError as exc:
        raise LatticeError(
            "this version of astropy has no codecs for compressed FITS tiles where lattice looks for them",
            hint="install another version, such as astropy 7",
        ) from exc
    return _compression


def padded(size: int) -> np.ndarray:
    """Return a buffer for `size` bytes of packed tiles, with the padding that unpacking needs behind them.

    The padding is all ones: a search for the next set bit ends there.
    """
    buffer = np.empty(size + PAD, np.uint8)
    buffer[size:] = 0xFF
    return buffer


# -- unpacking ------------------------------------------------------------------------------------------

Unpacker = Callable[[np.ndarray, tuple[int, ...]], np.ndarray]


def unpacker(algorithm: str, settings: Mapping[str, Any]) -> Unpacker:
    """Return the function ``unpack(data, shape)`` for the tiles of an image.

    Parameters
    ----------
    algorithm : str
        One of `ALGORITHMS`.
    settings : mapping
        Values of the ZNAMEn and ZVALn cards, names in upper case.

    Returns
    -------
    callable
        Its `data` is a part of an array from `padded`. It returns integers of native order, flat; for gzip
        and NOCOMPRESS the big-endian bytes as ``u1``, those of GZIP_2 of shape (bytes per pixel, pixels).
        A damaged tile is a `TileError`.
    """
    if algorithm in ("RICE_1", "RICE_ONE"):
        return _rice(settings)
    if algorithm == "GZIP_1":
        return lambda data, shape: _gunzip(data, math.prod(shape))
    if algorithm == "GZIP_2":
        return lambda data, shape: _gunzip(data, math.prod(shape)).reshape(-1, math.prod(shape))
    if algorithm == "NOCOMPRESS":
        return lambda data, shape: _whole(data, math.prod(shape))
    if algorithm == "PLIO_1":
        return lambda data, shape: _unpack_plio(data, math.prod(shape))
    if algorithm == "HCOMPRESS_1":
        smooth = settings.get("SMOOTH", 0)
        return lambda data, shape: _unpack_hcompress(data, shape, int(smooth is True or smooth == 1))
    raise FormatError(
        f"the compression {algorithm!r} is not known", hint=f"known are {', '.join(ALGORITHMS)}"
    )


def _call(name: str, *arguments: Any) -> bytes:
    """Call a C function; it raises a class of its own for a damaged tile."""
    try:
        return bytes(getattr(_c(), name)(*arguments))
    except MemoryError:
        raise
    except Exception as exc:
        raise TileError(f"{exc}" or type(exc).__name__) from exc


def _whole(data: np.ndarray, count: int) -> np.ndarray:
    """Return bytes after checking that there is a whole number of them per pixel."""
    if count and (data.size % count or data.size // count not in (1, 2, 4, 8)):
        raise TileError(f"it has {data.size} bytes for {count} pixels")
    return data


def _gunzip(data: np.ndarray, count: int) -> np.ndarray:
    """Return what is in a gzip or zlib stream, of at most 8 bytes a pixel; several streams are joined."""
    parts = []
    most = 8 * count
    rest: Any = data.data
    total = 0
    while True:
        stream = zlib.decompressobj(47)  # gzip or zlib, whichever its header says
        try:
            part = stream.decompress(rest, most - total + 1)
        except zlib.error as exc:
            raise TileError(f"its gzip stream is damaged: {exc}") from exc
        total += len(part)
        if total > most:
            raise TileError(f"it unpacks to more than the {most} bytes that {count} pixels can have")
        if not stream.eof:
            raise TileError("its gzip stream ends too early")
        parts.append(part)
        rest = stream.unused_data
        if rest[:2] != b"\x1f\x8b":
            break
    return _whole(np.frombuffer(parts[0] if len(parts) == 1 else b"".join(parts), np.uint8), count)


def _rice(settings: Mapping[str, Any]) -> Unpacker:
    width, block = settings.get("BYTEPIX", 4), settings.get("BLOCKSIZE", 32)
    if width not in (1, 2, 4):
        raise FormatError(f"Rice compression has no BYTEPIX = {width!r}")
    if isinstance(block, bool) or not isinstance(block, int) or not 1 <= block <= _MAX_BLOCK:
        raise FormatError(f"Rice compression with BLOCKSIZE = {block!r} is not supported")
    least = {1: 3, 2: 4, 4: 5}[width]  # bits per block
    dtype = "u1" if width == 1 else f"i{width}"

    def unpack(data: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        count = math.prod(shape)
        if data.size <= width or count > ((data.size - width) * 8 // least + 1) * block:
            raise TileError(f"{data.size} bytes are too few for {count} pixels")
        _fits_c(count * width)
        try:
            return np.frombuffer(_c().decompress_rice_1_c(data, block, width, count), dtype)
        except Exception as exc:
            raise TileError(f"{exc}" or type(exc).__name__) from exc

    return unpack


def _unpack_plio(data: np.ndarray, count: int) -> np.ndarray:
    words = data[: data.size // 2 * 2].view(">i2")
    if words.size < 3 or (words[2] <= 0 and words.size < 5):
        raise TileError(f"{data.size} bytes are no line list")
    used = int(words[2]) if words[2] > 0 else (int(words[4]) << 15) + int(words[3])
    if used > words.size or (words[2] <= 0 and words[1] < 0):
        raise TileError(f"its line list of {used} words does not fit into {data.size} bytes")
    _fits_c(count * 4)
    native = np.zeros(words.size + 8, "i2")
    native[: words.size] = words
    return np.frombuffer(_call("decompress_plio_1_c", native.view(np.uint8), count), "i4", count)


def _unpack_hcompress(data: np.ndarray, shape: tuple[int, ...], smooth: int) -> np.ndarray:
    ny, nx = plane_of(shape)
    if data.size < 25 or data[0] != 0xDD or data[1] != 0x99:
        raise TileError("it does not start as HCOMPRESS tiles do")
    # The first length is that of the slow axis.
    first, second = data[2:10].view(">i4").tolist()
    if (first, second) != (ny, nx):
        raise TileError(f"it says that it has {first} x {second} pixels instead of {ny} x {nx}")
    planes = int(data[22:25].max())
    if planes > 64:
        raise TileError(f"it says that its pixels have {planes} bits")
    _fits_c(ny * nx * 8)
    # It reads its input without a look at the end: so much it takes at most.
    enough = np.zeros(data.size + (planes + 2) * (ny + 2) * (nx + 2) + PAD, np.uint8)
    enough[: data.size] = data
    with _hcompress_lock:
        raw = _call("decompress_hcompress_1_c", enough, ny, nx, 0, smooth, 8)
    return np.frombuffer(raw, "i4", ny * nx)


def plane_of(shape: tuple[int, ...]) -> tuple[int, int]:
    """Return the two lengths above 1 of a tile; HCOMPRESS knows planes only."""
    long = [n for n in shape if n != 1]
    if len(long) > 2:
        raise FormatError(f"HCOMPRESS tiles are planes, not of shape {shape}")
    while len(long) < 2:
        long.insert(0, 1)
    return long[0], long[1]


def _fits_c(size: int) -> None:
    if size > _MAX_C:
        raise FormatError(f"a tile of {size} bytes is larger than the library can unpack")


def numbers(raw: np.ndarray, shape: tuple[int, ...], is_float: bool) -> np.ndarray:
    """Return what unpacking gave as an array of `shape`: native numbers, or big-endian ones.

    Parameters
    ----------
    raw : ndarray
        Integers, or bytes as described there.
    shape : tuple of int
        Of the tile.
    is_float : bool
        Whether 4 and 8 bytes are a floating-point number.
    """
    count = math.prod(shape)
    if raw.ndim == 2:
        width = raw.shape[0]
        joined = np.empty((count, width), np.uint8)
        for place in range(width):
            joined[:, place] = raw[place]
        return joined.reshape(-1).view(_big(width, is_float)).reshape(shape)
    if raw.dtype == np.uint8 and raw.size != count:
        raw = raw.view(_big(raw.size // count, is_float))
    return raw.reshape(shape)


def _big(width: int, is_float: bool) -> np.dtype[Any]:
    if width == 1:
        return np.dtype("u1")
    return np.dtype(f">{'f' if is_float and width > 2 else 'i'}{width}")


# -- quantised numbers ----------------------------------------------------------------------------------


@functools.cache
def _randoms() -> np.ndarray:
    """Return the random numbers that the FITS standard gives for dithering."""
    out = np.empty(_N_RANDOM, np.float32)
    seed = 1
    for i in range(_N_RANDOM):
        seed = 16807 * seed % 2147483647
        out[i] = seed / 2147483647
    return out.astype(np.float64)


def dequantise(
    stored: np.ndarray, scale: float, zero: float, dither: int, seed: int, dtype: np.dtype[Any]
) -> np.ndarray:
    """Return the values of a quantised tile.

    Parameters
    ----------
    stored : ndarray
        Integers.
    scale, zero : float
        value = zero + scale * stored.
    dither : int
        0: none. 1: numbers between 0 and 1 were added before rounding. 2: likewise, and zero stays zero.
    seed : int
        Number of the tile, from 0, plus the number of the header, from 1.
    dtype : dtype
        float32 or float64.
    """
    flat = stored.reshape(-1)
    out = np.empty(stored.shape, dtype)
    values = out.reshape(-1)
    with np.errstate(all="ignore"):
        for place, random in _dithers(flat.size, seed) if dither else ((slice(0, flat.size), None),):
            wide = flat[place].astype(np.float64) if random is None else flat[place] - random
            if random is not None:
                wide += 0.5
            wide *= scale
            wide += zero
            values[place] = wide
        if dither == 2:
            values[flat == _ZERO] = 0.0
    return out


def _dithers(count: int, seed: int) -> Iterator[tuple[slice, np.ndarray]]:
    """Return parts of `count` pixels, with the random numbers that belong to them."""
    random = _randoms()
    row = (seed - 1) % _N_RANDOM
    done = 0
    while done < count:
        start = int(random[row] * 500)
        n = min(count - done, _N_RANDOM - start)
        yield slice(done, done + n), random[start : start + n]
        done += n
        row = (row + 1) % _N_RANDOM


@functools.cache
def _ready() -> bool:
    """Let the library make its random numbers before several threads ask for them."""
    _c().quantize_float_c(np.arange(16, dtype="f4"), 1, 16, 1, 0, 0.0, 4.0, 1)
    return True


_ready_lock = threading.Lock()


def quantise(
    values: np.ndarray, level: float, dither: int, seed: int
) -> tuple[np.ndarray, float, float] | None:
    """Return integers for the values of a tile, with scale and zero; None if they cannot be quantised.

    Parameters
    ----------
    values : ndarray
        float32 or float64; NaN becomes `NULL` and does not enter the estimate of the noise.
    level : float
        The step is the noise divided by this; a negative number is the step itself, with its sign changed.
    dither, seed : int
        As in `dequantise`.
    """
    with _ready_lock:
        _ready()
    flat = np.ascontiguousarray(values).reshape(-1)
    bad = np.isnan(flat)
    has_bad = bool(bad.any())
    if has_bad:
        if bad.all():
            return None
        # astropy hands a mark of bad pixels on correctly for float64 only.
        flat = np.where(bad, _NOTHING, flat.astype(np.float64))
    function = _c().quantize_float_c if flat.itemsize == 4 else _c().quantize_double_c
    row = max(1, values.shape[-1])
    raw, status, scale, zero, _, _ = function(
        flat,
        seed if dither else 0,
        row,
        flat.size // row,
        int(has_bad),
        _NOTHING if has_bad else 0.0,
        level,
        dither or -1,
    )
    if not status or not (math.isfinite(scale) and math.isfinite(zero)) or scale == 0:
        return None
    return np.frombuffer(raw, "i4", flat.size).reshape(values.shape), scale, zero


# -- packing --------------------------------------------------------------------------------------------


def pack(algorithm: str, stored: np.ndarray, level: int = 1) -> bytes:
    """Pack a tile.

    Parameters
    ----------
    algorithm : str
        ``RICE_1``, ``GZIP_1``, ``GZIP_2`` or ``HCOMPRESS_1`` (without loss).
    stored : ndarray
        The numbers as they shall be stored, native order, C-contiguous; for Rice of 1, 2 or 4 bytes.
    level : int
        Of gzip, 1 (fast) to 9.
    """
    if algorithm == "RICE_1":
        return bytes(_c().compress_rice_1_c(stored.reshape(-1).view(np.uint8), 32, stored.itemsize))
    if algorithm == "HCOMPRESS_1":
        ny, nx = plane_of(stored.shape)
        wide = stored.astype("i8")
        with _hcompress_lock:
            return bytes(_c().compress_hcompress_1_c(wide, ny, nx, 0, 8))
    big = np.ascontiguousarray(stored, stored.dtype.newbyteorder(">")).reshape(-1).view(np.uint8)
    if algorithm == "GZIP_2" and stored.itemsize > 1:
        big = np.ascontiguousarray(big.reshape(-1, stored.itemsize).T)
    stream = zlib.compressobj(level, zlib.DEFLATED, 31)
    return stream.compress(big.data) + stream.flush()
