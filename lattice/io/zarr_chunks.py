"""Chunks of Zarr arrays: packing and unpacking, shard indexes, and sizes for new arrays."""

from __future__ import annotations

import functools
import math
import struct
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from lattice.errors import FormatError, LatticeError
from lattice.io.zarr_meta import ArrayMeta, Codec

__all__ = ["choose_chunks", "crc32c", "decode", "encode", "shard_index", "split_index", "unpack"]

_TARGET_CHUNK = 1 << 20
_TARGET_SHARD = 64 << 20
_EDGE = 512
_FEW_FILES = 64
_MISSING = (1 << 64) - 1


def choose_chunks(shape: Sequence[int], itemsize: int) -> tuple[tuple[int, ...], tuple[int, ...] | None]:
    """Return chunk and shard shapes for a new array.

    Chunks are pieces of planes of at most 512 x 512 pixels, about 1 MB. More than 64 of them are put into
    shards of about 64 MB: whole rows of chunks first, then planes.

    >>> choose_chunks((64, 1024, 1024), 4)
    ((1, 512, 512), (16, 1024, 1024))
    """
    chunk = [1] * len(shape)
    for axis in range(max(0, len(shape) - 2), len(shape)):
        chunk[axis] = _even(shape[axis], _EDGE)
    for axis in range(len(shape) - 1, -1, -1):
        room = _TARGET_CHUNK // (math.prod(chunk) * itemsize)
        if room >= 2:
            chunk[axis] = _even(shape[axis], chunk[axis] * room)
    counts = [-(-max(1, n) // c) for n, c in zip(shape, chunk, strict=True)]
    if math.prod(counts) <= _FEW_FILES:
        return tuple(chunk), None
    budget = max(1, _TARGET_SHARD // (math.prod(chunk) * itemsize))
    shard = list(chunk)
    for axis in range(len(shape) - 1, -1, -1):
        count = _even(counts[axis], budget)
        shard[axis] = chunk[axis] * count
        budget //= count
    return tuple(chunk), tuple(shard)


def _even(length: int, most: int) -> int:
    """Return the size of the pieces, at most `most`, that cut `length` most evenly."""
    length = max(1, length)
    return -(-length // -(-length // max(1, most)))


# -- bytes to bytes -----------------------------------------------------------------------------


@functools.cache
def _table() -> tuple[int, ...]:
    out = []
    for value in range(256):
        for _ in range(8):
            value = (value >> 1) ^ (0x82F63B78 if value & 1 else 0)
        out.append(value)
    return tuple(out)


def crc32c(data: bytes) -> int:
    """Return the Castagnoli checksum of some bytes.

    >>> hex(crc32c(b"123456789"))
    '0xe3069283'
    """
    crc, table = 0xFFFFFFFF, _table()
    for byte in data:
        crc = table[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF


@functools.cache
def _numcodecs(settings: tuple[tuple[str, Any], ...]) -> Any:
    try:
        import numcodecs  # type: ignore[import-untyped]
    except ImportError:
        raise LatticeError(
            "compressed Zarr needs the package numcodecs", hint="pip install 'lattice-images[zarr]'"
        ) from None
    try:
        return numcodecs.get_codec(dict(settings))
    except Exception as exc:  # what numcodecs raises for an unknown codec differs between its versions
        raise FormatError(f"the Zarr codec {dict(settings).get('id')!r} is not known: {exc}") from exc


def _library(codec: Codec) -> Any:
    """Return the numcodecs object that does a step."""
    settings: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in codec.settings.items()}
    if codec.name == "numcodecs":
        return _numcodecs(tuple(sorted(settings.items())))
    if codec.name.startswith("numcodecs."):
        return _numcodecs(tuple(sorted({**settings, "id": codec.name[10:]}.items())))
    if codec.name == "zstd":
        return _numcodecs(
            (
                ("checksum", settings.get("checksum", False)),
                ("id", "zstd"),
                ("level", settings.get("level", 0)),
            )
        )
    if codec.name == "blosc":
        shuffle = {"noshuffle": 0, "shuffle": 1, "bitshuffle": 2}.get(settings.get("shuffle", "noshuffle"), 0)
        keep: dict[str, Any] = {k: settings[k] for k in ("cname", "clevel", "blocksize") if k in settings}
        return _numcodecs(tuple(sorted({**keep, "id": "blosc", "shuffle": shuffle}.items())))
    raise FormatError(f"the Zarr codec {codec.name!r} is not supported")


def _is_gzip(codec: Codec) -> bool:
    return codec.name == "gzip" or (
        codec.name == "numcodecs" and codec.settings.get("id") in ("gzip", "zlib")
    )


def _inflate(data: bytes | memoryview, limit: int) -> bytes:
    """Unpack gzip or zlib bytes, never more than `limit`."""
    engine = zlib.decompressobj(wbits=47)
    out = engine.decompress(data, limit)
    if engine.unconsumed_tail or not engine.eof:
        raise FormatError("a compressed chunk does not have the size it should")
    return out


def _unpack(codec: Codec, data: Any, limit: int, what: str) -> Any:
    """Undo a step with numcodecs, which trusts what packed bytes say of their sizes: checked here before."""
    name = codec.name.removeprefix("numcodecs.")
    name = str(codec.settings.get("id")) if name == "numcodecs" else name
    if name in ("blosc", "zstd", "lz4"):
        packed = memoryview(data).cast("B")
        unpacked, length = _promised(name, packed, what)
        if length not in (None, len(packed)):
            raise FormatError(
                f"{what} has {len(packed)} bytes of {length}", hint="the file is truncated or damaged"
            )
        if unpacked is not None and unpacked > limit:
            raise FormatError(
                f"{what} says that it holds {unpacked} bytes, where {limit} can be",
                hint="the file is damaged",
            )
    elif name in ("bz2", "lzma"):
        import bz2
        import lzma

        engine: Any = bz2.BZ2Decompressor() if name == "bz2" else lzma.LZMADecompressor()
        out = engine.decompress(data, limit)
        if not engine.eof:
            raise FormatError(f"{what} does not have the size it should", hint="the file is damaged")
        return out
    return _library(codec).decode(data)


def _promised(name: str, packed: memoryview, what: str) -> tuple[int | None, int | None]:
    """Return what the start of packed bytes says: bytes when unpacked, bytes when packed; None if nothing."""
    if name == "blosc":
        if len(packed) < 16:
            raise FormatError(f"{what} is too short", hint="the file is truncated")
        unpacked, _, length = struct.unpack_from("<III", packed, 4)
        return unpacked, length
    if len(packed) < 6:
        raise FormatError(f"{what} is too short", hint="the file is truncated")
    if name == "lz4":
        return struct.unpack_from("<I", packed)[0], None
    flags = packed[4]
    single, width = flags >> 5 & 1, (0, 2, 4, 8)[flags >> 6] or (flags >> 5 & 1)
    start = 5 + (not single) + (0, 1, 2, 4)[flags & 3]
    if width == 0 or len(packed) < start + width:
        return None, None
    return int.from_bytes(packed[start : start + width], "little") + (256 if width == 2 else 0), None


def unpack(codecs: Sequence[Codec], data: bytes | memoryview, expected: int, what: str) -> np.ndarray:
    """Return the bytes that were packed, about as many as are expected.

    Parameters
    ----------
    codecs : sequence of Codec
        The steps of packing.
    data : bytes
        What is stored.
    expected : int
        Bytes that should come out.
    what : str
        Name of the chunk for messages.
    """
    raw: Any = data
    try:
        for codec in reversed(codecs):
            if codec.name == "crc32c":
                raw = memoryview(raw)[:-4]
            elif _is_gzip(codec):
                raw = _inflate(raw, expected)
            else:
                raw = _unpack(codec, raw, 2 * expected + 65536, what)
        if isinstance(raw, np.ndarray):
            return raw.reshape(-1).view(np.uint8)
        return np.frombuffer(raw, np.uint8)
    except LatticeError:
        raise
    except Exception as exc:  # codecs are other libraries; what they say about bad bytes is about the file
        raise FormatError(f"{what} cannot be unpacked: {exc}", hint="the file is damaged") from exc


def decode(meta: ArrayMeta, data: bytes | memoryview, what: str) -> np.ndarray:
    """Return the pixels of a stored chunk, of the shape of a chunk.

    Parameters
    ----------
    meta : ArrayMeta
        The array.
    data : bytes
        What is stored.
    what : str
        Name of the chunk for messages.
    """
    expected = meta.chunk_bytes
    flat = unpack(meta.codecs, data, expected, what)
    if flat.nbytes != expected:
        raise FormatError(
            f"{what} holds {flat.nbytes} bytes, where a chunk has {expected}", hint="the file is damaged"
        )
    values = flat.view(meta.dtype)
    if meta.order is None:
        return values.reshape(meta.chunks)
    stored = values.reshape([meta.chunks[i] for i in meta.order])
    return stored.transpose(np.argsort(meta.order))


def encode(meta: ArrayMeta, chunk: np.ndarray) -> bytes | memoryview:
    """Return a C-contiguous chunk as it is stored."""
    data: Any = chunk  # shuffling codecs look at the size of its items
    for codec in meta.codecs:
        data = _library(codec).encode(data)
    return data


# -- shards -------------------------------------------------------------------------------------


def index_size(meta: ArrayMeta) -> int:
    """Return the bytes of a shard's index."""
    return (
        16 * math.prod(s // c for s, c in zip(meta.files, meta.chunks, strict=True)) + 4 * meta.index_checked
    )


def shard_index(offsets: Sequence[int], sizes: Sequence[int]) -> bytes:
    """Return the index of a shard with its checksum; a negative offset means that a chunk is not there."""
    table = np.full((len(offsets), 2), _MISSING, "<u8")
    for i, (offset, size) in enumerate(zip(offsets, sizes, strict=True)):
        if offset >= 0:
            table[i] = offset, size
    data = table.tobytes()
    return data + struct.pack("<I", crc32c(data))


def split_index(meta: ArrayMeta, data: bytes, file_size: int, what: str) -> list[tuple[int, int] | None]:
    """Return where the chunks of a shard are: offset and size, None for one that is not stored."""
    table = data[:-4] if meta.index_checked else data
    if meta.index_checked and struct.unpack("<I", data[-4:])[0] != crc32c(table):
        raise FormatError(
            f"the index of the shard {what} does not fit its checksum", hint="the file is damaged"
        )
    out: list[tuple[int, int] | None] = []
    for offset, size in np.frombuffer(table, "<u8").reshape(-1, 2).tolist():
        if offset == _MISSING and size == _MISSING:
            out.append(None)
        elif offset + size > file_size:
            raise FormatError(f"the shard {what} is truncated", hint="copy the image again")
        else:
            out.append((offset, size))
    return out
