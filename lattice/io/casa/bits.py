"""Truth values that take a bit each, lowest bit of a byte first: unpacked, and parts of a large block."""

from __future__ import annotations

import functools
import threading

import numpy as np

from lattice.graph.sections import Section
from lattice.io.files import pread_into, pwrite_from
from lattice.io.raw import scratch

__all__ = ["read_bits", "unpacked", "write_bits"]

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
    strides = _strides(shape)
    first = sum(s.start * b for s, b in zip(section, strides, strict=True))
    jumps = [s.step * b for s, b in zip(section, strides, strict=True)]
    _read_axis(fd, path, position, 0, first, jumps, target)


def _read_axis(
    fd: int, path: str, position: int, axis: int, first: int, jumps: list[int], target: np.ndarray
) -> None:
    room = scratch().size - 16  # bits
    shape = target.shape
    behind = sum((n - 1) * b for n, b in zip(shape[axis + 1 :], jumps[axis + 1 :], strict=True)) + 1
    last_axis = axis == len(shape) - 1
    group = 1 if behind > room and not last_axis else max(1, 1 + (room - behind) // jumps[axis])
    for i in range(0, shape[axis], group):
        piece = target[(slice(None),) * axis + (slice(i, i + group),)]
        start = first + i * jumps[axis]
        if behind > room and not last_axis:
            _read_axis(fd, path, position, axis + 1, start, jumps, piece)
            continue
        last = start + (piece.shape[axis] - 1) * jumps[axis] + behind - 1
        begin, end = start // 8, last // 8 + 1
        buffer = scratch()[: end - begin]
        pread_into(fd, buffer.data, position + begin, path)
        strides = [0] * axis + jumps[axis:]
        stored = np.ndarray(piece.shape, np.bool_, unpacked(buffer), start - 8 * begin, strides)
        np.copyto(piece, stored)


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
