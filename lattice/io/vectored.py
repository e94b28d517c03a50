"""Reads that fill many places in memory at once: parts of rows, without a copy between file and target."""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from functools import lru_cache
from typing import Any

import numpy as np

from lattice.graph.sections import Section, shape_of
from lattice.io.files import add_bytes, pread_into
from lattice.io.raw import Layout

__all__ = ["Span", "read_pieces"]

_MOST = 1024  # places that the system takes at once
_GAP = 32 << 10  # bytes that are read in vain rather than asking the system once more
_MOST_GAP = 128 << 10
_waste = np.empty(_MOST_GAP, np.uint8)  # where they go, whichever thread reads


@lru_cache(maxsize=1)
def _preadv() -> Any:
    """Return the function of the C library; None where there is none, or its offsets are narrow."""
    if sys.maxsize < 1 << 32 or not hasattr(os, "preadv"):
        return None
    try:
        function = ctypes.CDLL(None).preadv
    except (AttributeError, OSError):
        return None
    function.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_int64)
    function.restype = ctypes.c_ssize_t
    return function


class _Vectors:
    """Places that are filled in turn, ready for the system: an address and a number of bytes each."""

    __slots__ = ("_array", "_calls")

    def __init__(self, array: np.ndarray) -> None:
        self._array = array
        first = array.ctypes.data
        self._calls = [
            (first + 16 * k, min(_MOST, len(array) - k), int(array[k : k + _MOST, 1].sum()))
            for k in range(0, len(array), _MOST)
        ]

    def fill(self, fd: int, offset: int) -> bool:
        """Read consecutive bytes; False if that was not possible."""
        read = _preadv()
        for first, n, wanted in self._calls:
            if read(fd, first, n, offset) != wanted:
                return False
            add_bytes(wanted)
            offset += wanted
        return True


class Span:
    """A box of pixels in a file, to be read in spans.

    Parameters
    ----------
    fd, path : int, str
        Descriptor of the file, and its path for messages.
    layout : Layout
        Where the pixels lie.
    section : Section
        The box, without steps, which is no one piece of the file.
    """

    __slots__ = ("_begin", "_fd", "_jump", "_length", "_outer", "_path", "_rows", "_run", "_size")

    def __init__(self, fd: int, path: str, layout: Layout, section: Section) -> None:
        self._fd, self._path = fd, path
        counts = shape_of(section)
        level, run = len(counts) - 1, counts[-1]
        while counts[level] == layout.shape[level]:
            level -= 1
            run *= counts[level]
        # what follows each other are `run` pixels; axis `level - 1` counts the pieces
        self._run, self._rows = run, counts[level - 1]
        self._size, self._jump = layout.dtype.itemsize, layout.strides[level - 1]
        self._length = run * self._size
        self._begin = layout.offset + sum(s.start * b for s, b in zip(section, layout.strides, strict=True))
        self._outer = [(counts[k], layout.strides[k]) for k in range(level - 2, -1, -1)]

    def read(self, at: int, stop: int, target: np.ndarray) -> None:
        """Read the pixels from number `at` to `stop` of the box, in C order, as they are stored.

        Parameters
        ----------
        at, stop : int
            Numbers of the first pixel and of the one behind the last.
        target : ndarray of uint8
            Where to: contiguous, of the bytes of these pixels.

        Raises
        ------
        FormatError
            If the file ends before.
        """
        size, run, rows, jump = self._size, self._run, self._rows, self._jump
        done = 0
        while at < stop:
            row, column = divmod(at, run)
            outer, row = divmod(row, rows)
            position = self._begin + row * jump + column * size
            for count, stride in self._outer:
                outer, i = divmod(outer, count)
                position += i * stride
            n = min(stop - at, (rows - row) * run - column)
            part = target[done : done + n * size]
            _read_pieces(self._fd, self._path, position, part, column * size, self._length, jump, _GAP)
            at += n
            done += n * size


_known = threading.local()  # the vectors of late: blocks of one shape go to the same buffers
_MOST_KNOWN = 32


def read_pieces(
    fd: int, path: str, position: int, target: np.ndarray, length: int, jump: int, gap: int
) -> None:
    """Read pieces of some length that lie at even distances, one behind the other into a target.

    Parameters
    ----------
    fd, path : int, str
        Descriptor of the file, and its path for messages.
    position : int
        Where the first piece begins.
    target : ndarray of uint8
        Where to: contiguous, of the bytes of all pieces.
    length, jump : int
        Bytes of a piece, and from one to the next.
    gap : int
        Up to how many bytes between two pieces are read in vain; at most 128 kB are.

    Raises
    ------
    FormatError
        If the file ends before.
    """
    _read_pieces(fd, path, position, target, 0, length, jump, gap)


def _read_pieces(
    fd: int, path: str, position: int, target: np.ndarray, skip: int, length: int, jump: int, gap: int
) -> None:
    """Read pieces, of the first of which lacks what is skipped."""
    n = -(-(skip + target.size) // length)
    if n > 1 and jump - length <= min(gap, _MOST_GAP) and _preadv() is not None:
        key = (target.ctypes.data, target.size, skip, length, jump)
        known: dict[Any, _Vectors] = _known.__dict__
        vectors = known.get(key)
        if vectors is None:
            if len(known) >= _MOST_KNOWN:
                known.clear()
            vectors = known[key] = _with_gaps(*key)
        if vectors.fill(fd, position):
            return
    at = 0
    for k in range(n):
        end = min(target.size, (k + 1) * length - skip)
        pread_into(fd, target[at:end].data, position + k * jump - (skip if k else 0), path)
        at = end


def _with_gaps(base: int, size: int, skip: int, length: int, jump: int) -> _Vectors:
    """Return vectors for pieces that follow each other in memory, and for the gaps between them."""
    n = -(-(skip + size) // length)
    vectors = np.empty((2 * n - 1, 2), np.uint64)
    vectors[0::2, 0] = np.arange(base - skip, base - skip + n * length, length)
    vectors[0, 0] = base
    vectors[0::2, 1] = length
    vectors[0, 1] = length - skip
    vectors[-1, 1] = skip + size - (n - 1) * length
    vectors[1::2] = _waste.ctypes.data, jump - length
    return _Vectors(vectors)
