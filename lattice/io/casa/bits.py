"""Truth values that take a bit each, lowest bit of a byte first: unpacked, and parts of a large block."""

from __future__ import annotations

import functools
import itertools
import threading
from collections.abc import Iterator

import numpy as np

from lattice.graph.sections import Section, shape_of
from lattice.io.files import pread_into, pwrite_from
from lattice.io.raw import scratch

__all__ = ["bits_bytes", "read_bits", "unpack_into", "unpacked", "write_bits"]

_local = threading.local()


@functools.cache
def _table() -> np.ndarray:
    """Return the eight truth values of every byte, as one number each."""
    bits = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1, bitorder="little")
    return bits.view(np.uint64).ravel()


def unpacked(packed: np.ndarray) -> np.ndarray:
    """Return bits as bytes, eight times as long, in a buffer of this thread."""
    buffer: np.ndarray | None = getattr(_local, "bits", None)
    if buffer is None or buffer.size < packed.size:
        buffer = _local.bits = np.empty(max(packed.size, scratch().size // 8), np.uint64)
    out = buffer[: packed.size]
    np.take(_table(), packed, out=out, mode="clip")
    return out.view(np.uint8)


def unpack_into(packed: np.ndarray, first: int, step: int, out: np.ndarray) -> None:
    """Put every `step`-th bit, from number `first` on, into an array of truth values."""
    whole = first == 0 and step == 1 and out.size % 8 == 0 and out.flags.c_contiguous
    if whole and out.ctypes.data % 8 == 0:
        np.take(_table(), packed, out=out.view(np.uint64), mode="clip")
    else:
        np.copyto(out, unpacked(packed)[first::step][: out.size].view(np.bool_))


def _strides(shape: tuple[int, ...]) -> list[int]:
    strides = [1] * len(shape)
    for k in range(len(strides) - 2, -1, -1):
        strides[k] = strides[k + 1] * shape[k + 1]
    return strides


def read_bits(
    fd: int, path: str, shape: tuple[int, ...], position: int, section: Section, target: np.ndarray
) -> None:
    """Read a section of a block of bits: the bytes from the first to the last one wanted, as fit a buffer.

    Parameters
    ----------
    fd, path : int, str
        Descriptor of the file, and its path for messages.
    shape : tuple of int
        Shape of the block.
    position : int
        Where it begins.
    section : Section
        Which of its pixels.
    target : ndarray of bool
        Where to.
    """
    _, jumps = _jumps(shape, section)
    for place, start, last in _pieces(shape, section):
        piece = target[place]
        begin, end = start // 8, last // 8 + 1
        buffer = scratch()[: end - begin]
        pread_into(fd, buffer.data, position + begin, path)
        stored = np.ndarray(piece.shape, np.bool_, unpacked(buffer), start - 8 * begin, jumps)
        np.copyto(piece, stored)


def bits_bytes(shape: tuple[int, ...], section: Section) -> int:
    """Return how many bytes `read_bits` reads."""
    return sum(last // 8 + 1 - start // 8 for _, start, last in _pieces(shape, section))


def _jumps(shape: tuple[int, ...], section: Section) -> tuple[int, list[int]]:
    """Return the first pixel of a section of a block, and the pixels from one wanted to the next per axis."""
    strides = _strides(shape)
    first = sum(s.start * b for s, b in zip(section, strides, strict=True))
    return first, [s.step * b for s, b in zip(section, strides, strict=True)]


def _pieces(shape: tuple[int, ...], section: Section) -> Iterator[tuple[tuple[slice, ...], int, int]]:
    """Cut a section of a block of bits into pieces that fit the buffer.

    Yields the place of a piece in the target, and its first and last pixel in the block.
    """
    counts = shape_of(section)
    first, jumps = _jumps(shape, section)
    room = scratch().size - 16
    # pixels from the first to the last one of the axes from k on
    extents = [1] * (len(counts) + 1)
    for k in range(len(counts) - 1, -1, -1):
        extents[k] = extents[k + 1] + (counts[k] - 1) * jumps[k]
    axis = next((k for k in range(len(counts)) if extents[k + 1] <= room), len(counts) - 1)
    group = max(1, 1 + (room - extents[axis + 1]) // jumps[axis])
    for index in itertools.product(*map(range, counts[:axis])):
        begin = first + sum(i * b for i, b in zip(index, jumps, strict=False))
        outer = tuple(slice(i, i + 1) for i in index)
        for i in range(0, counts[axis], group):
            n = min(group, counts[axis] - i)
            start = begin + i * jumps[axis]
            yield (*outer, slice(i, i + n)), start, start + (n - 1) * jumps[axis] + extents[axis + 1] - 1


def write_bits(
    fd: int, path: str, shape: tuple[int, ...], position: int, section: Section, values: np.ndarray
) -> None:
    """Write a section (without steps) of a block of bits, run by run.

    The bytes at both ends of a run are read, changed and written back: others must not write to them at the
    same time.
    """
    strides = _strides(shape)
    # axes at the end that are wanted as a whole are one run of bits
    level = len(section)
    run = 1
    while level and run == strides[level - 1]:
        level -= 1
        run *= section[level].stop - section[level].start
    starts = np.array([sum(s.start * b for s, b in zip(section, strides, strict=True))], np.int64)
    for s, stride in zip(section[:level], strides, strict=False):
        starts = np.add.outer(starts, np.arange(s.stop - s.start, dtype=np.int64) * stride).reshape(-1)
    step = scratch().size
    for first, row in zip(starts.tolist(), values.reshape(-1, run), strict=True):
        for i in range(0, run, step):
            _write_run(fd, path, position, first + i, row[i : i + step])


def _write_run(fd: int, path: str, position: int, first: int, bits: np.ndarray) -> None:
    begin, end = first // 8, (first + bits.size - 1) // 8 + 1
    old = np.zeros(end - begin, np.uint8)
    if first % 8:
        pread_into(fd, old[:1].data, position + begin, path)
    if (first + bits.size) % 8:
        pread_into(fd, old[-1:].data, position + end - 1, path)
    new = np.unpackbits(old, bitorder="little")
    new[first - 8 * begin : first - 8 * begin + bits.size] = bits
    pwrite_from(fd, np.packbits(new, bitorder="little").data, position + begin, path)
