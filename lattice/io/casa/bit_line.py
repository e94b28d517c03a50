"""Truth values that take a bit each and follow each other in a file, as source and target of pixels."""

from __future__ import annotations

from typing import Any

import numpy as np

from lattice.graph.sections import Section, shape_of
from lattice.io.casa.bits import unpack_into, write_bits
from lattice.io.files import Identity, Opened, pread_into, pwrite_from
from lattice.io.raw import scratch

__all__ = ["BitReader", "BitWriter"]

_BOOL = np.dtype(np.bool_)


class BitReader:
    """Bits of a file as a lattice of one axis.

    Parameters
    ----------
    path : str
        The file.
    identity : Identity
        State in which it must be.
    offset : int
        Where the first bit is, in bytes.
    length : int
        Number of bits.
    label : str
        Short name for people.
    """

    direct = True
    dtype = _BOOL

    def __init__(self, path: str, identity: Identity, offset: int, length: int, label: str) -> None:
        self.path, self.identity, self.offset, self.label = path, identity, offset, label
        self.shape = (length,)
        self.token = "bits-{}|{}|{}|{}".format(path, "|".join(map(str, identity)), offset, length)

    @property
    def tile(self) -> tuple[int]:
        """What is read at once."""
        return (max(1, min(self.shape[0], 8 * scratch().size)),)

    def read(self, section: Section, out: np.ndarray | None = None) -> np.ndarray:
        """Return the truth values of a section, in `out` if that is given."""
        if out is None:
            out = np.empty(shape_of(section), _BOOL)
        (s,) = section
        buffer = scratch()
        most = (8 * buffer.size - 16) // s.step + 1  # pixels at a time
        with Opened(self.path, self.identity) as fd:
            for at in range(0, out.size, most):
                part = out[at : at + most]
                start = s.start + at * s.step
                first, last = start // 8, (start + (part.size - 1) * s.step) // 8
                packed = buffer[: last + 1 - first]
                pread_into(fd, packed.data, self.offset + first, self.path)
                unpack_into(packed, start - 8 * first, s.step, part)
        return out

    def bytes_read(self, section: Section) -> int:
        """Return the bytes that `read` takes from the file."""
        (s,) = section
        n = len(range(s.start, s.stop, s.step))
        return (s.start + (n - 1) * s.step) // 8 + 1 - s.start // 8 if n else 0

    def __dask_tokenize__(self) -> str:
        return self.token

    def __reduce__(self) -> tuple[Any, ...]:
        return (BitReader, (self.path, self.identity, self.offset, self.shape[0], self.label))

    def __repr__(self) -> str:
        return f"BitReader({self.label!r}, shape={self.shape})"


class BitWriter:
    """Bits of a file as a target of truth values; what ends within a byte is for one thread at a time.

    Parameters
    ----------
    path : str
        The file, which has its final size.
    offset : int
        Where the first bit is, in bytes.
    length : int
        Number of bits.
    """

    direct = False  # sections of whole bytes are wanted
    dtype = _BOOL
    chunks = (8,)

    def __init__(self, path: str, offset: int, length: int) -> None:
        self.path, self.offset = path, offset
        self.shape = (length,)

    def write(self, section: Section, values: np.ndarray, mask: np.ndarray | None) -> None:
        """Write truth values; where there is a mask, T only where that holds too."""
        (s,) = section
        if s.stop <= s.start:
            return
        good = np.ascontiguousarray(values, _BOOL)
        if mask is not None:
            good = good & mask
        with Opened(self.path, None) as fd:
            if s.start % 8 or good.size % 8:
                write_bits(fd, self.path, self.shape, self.offset, section, good)
            else:
                packed = np.packbits(good, bitorder="little")
                pwrite_from(fd, packed.data, self.offset + s.start // 8, self.path)

    def __reduce__(self) -> tuple[Any, ...]:
        return (BitWriter, (self.path, self.offset, self.shape[0]))
