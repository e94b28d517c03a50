"""AipsIO: typed objects with a name, a version and a length, one inside the other.

A root object begins with four bytes ``be``; every object with its length (which counts itself), its name and
its version.  Lengths are checked against the bytes that are there before anything is allocated.
"""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

from lattice.errors import FormatError, LatticeError

__all__ = ["AipsReader", "AipsWriter"]

_MAGIC = 0xBEBEBEBE
_DEEPEST = 200

_FORMATS = {
    order: {code: struct.Struct(order + code) for code in ("h", "H", "i", "I", "q", "Q", "f", "d")}
    for order in "<>"
}


class AipsReader:
    """Reads one value after the other.

    Parameters
    ----------
    data : bytes
        The whole stream.
    order : {">", "<"}
        Byte order of its numbers.
    where : str
        What it is, for messages.
    """

    def __init__(self, data: bytes | memoryview, order: str = ">", where: str = "a stream") -> None:
        self.data = memoryview(data)
        self.pos = 0
        self.order = order
        self.where = where
        self._limit = len(self.data)
        self._ends: list[int] = []
        self._formats = _FORMATS[order]

    def damaged(self, what: str) -> FormatError:
        """Return the error for bytes that are not what they should be."""
        return FormatError(f"{self.where} is damaged: {what} at byte {self.pos}", hint="copy it again")

    @property
    def room(self) -> int:
        """Bytes left in the present object."""
        return self._limit - self.pos

    def take(self, n: int) -> memoryview:
        """Return the next `n` bytes."""
        start = self.pos
        if n < 0 or start + n > self._limit:
            raise self.damaged(f"{n} bytes are expected where {self.room} are left")
        self.pos = start + n
        return self.data[start : start + n]

    def _scalar(self, code: str, size: int) -> Any:
        start = self.pos
        if start + size > self._limit:
            raise self.damaged("it ends")
        self.pos = start + size
        return self._formats[code].unpack_from(self.data, start)[0]

    def u8(self) -> int:
        """Return one byte."""
        return self.take(1)[0]

    def flag(self) -> bool:
        """Return a truth value that takes a byte."""
        return self.u8() != 0

    def i32(self) -> int:
        """Return a signed number of 4 bytes."""
        return int(self._scalar("i", 4))

    def u32(self) -> int:
        """Return an unsigned number of 4 bytes."""
        return int(self._scalar("I", 4))

    def i64(self) -> int:
        """Return a signed number of 8 bytes."""
        return int(self._scalar("q", 8))

    def u64(self) -> int:
        """Return an unsigned number of 8 bytes."""
        return int(self._scalar("Q", 8))

    def count(self, size: int = 1, wide: bool = False) -> int:
        """Return a number of things of which each takes at least `size` bytes of what follows."""
        n = self.u64() if wide else self.u32()
        if n * size > self.room:
            raise self.damaged(f"{n} items are announced where {self.room} bytes are left")
        return n

    def string(self) -> str:
        """Return a text."""
        return bytes(self.take(self.u32())).decode("utf-8", "surrogateescape")

    def values(self, dtype: Any, n: int) -> np.ndarray:
        """Return `n` numbers in native byte order; truth values take a bit each."""
        dtype = np.dtype(dtype)
        if dtype == np.bool_:
            packed = np.frombuffer(self.take((n + 7) // 8), np.uint8)
            return np.unpackbits(packed, count=n, bitorder="little").view(np.bool_)
        raw = np.frombuffer(self.take(n * dtype.itemsize), dtype.newbyteorder(self.order))
        return raw.astype(dtype)

    def peek(self) -> str:
        """Return the name of the object that begins here."""
        start = self.pos
        self._magic()
        self.u32()
        name = self.string()
        self.pos = start
        return name

    def _magic(self) -> None:
        if not self._ends and self.u32() != _MAGIC:
            raise FormatError(f"{self.where} is damaged: it does not begin as an AipsIO object")

    def begin(self, *names: str) -> tuple[str, int]:
        """Enter an object, which must have one of the names; return its name and version."""
        self._magic()
        start = self.pos
        length = self.u32()
        # a writer that could not seek leaves the magic value as the length
        end = self._limit if length == _MAGIC else start + length
        if end > self._limit or end < start + 12:
            raise self.damaged(f"an object of {length} bytes is announced")
        name = self.string()
        if names and name not in names:
            raise self.damaged(f"an object {' or '.join(names)} is expected, not {name[:40]!r},")
        if len(self._ends) > _DEEPEST:
            raise self.damaged("objects are nested too deeply")
        version = self.u32()
        self._ends.append(self._limit)
        self._limit = end
        return name, version

    def end(self) -> None:
        """Leave an object, which must have been read to its end."""
        if self.pos != self._limit:
            raise self.damaged(f"{self.room} bytes are left over in an object")
        self._limit = self._ends.pop()


class AipsWriter:
    """Builds a stream.

    Parameters
    ----------
    order : {">", "<"}
        Byte order of its numbers.
    """

    def __init__(self, order: str = ">") -> None:
        self.buffer = bytearray()
        self.order = order
        self._starts: list[int] = []

    def _scalar(self, code: str, value: float) -> None:
        try:
            self.buffer += struct.pack(self.order + code, value)
        except struct.error as exc:
            raise LatticeError(f"the value {value!r} cannot be stored in a table: {exc}") from None

    def u8(self, value: int) -> None:
        """Add one byte."""
        self.buffer.append(value)

    def flag(self, value: Any) -> None:
        """Add a truth value that takes a byte."""
        self.buffer.append(1 if value else 0)

    def i32(self, value: int) -> None:
        """Add a signed number of 4 bytes."""
        self._scalar("i", value)

    def u32(self, value: int) -> None:
        """Add an unsigned number of 4 bytes."""
        self._scalar("I", value)

    def i64(self, value: int) -> None:
        """Add a signed number of 8 bytes."""
        self._scalar("q", value)

    def u64(self, value: int) -> None:
        """Add an unsigned number of 8 bytes."""
        self._scalar("Q", value)

    def string(self, text: str) -> None:
        """Add a text."""
        raw = text.encode("utf-8", "surrogateescape")
        self.u32(len(raw))
        self.buffer += raw

    def raw(self, data: bytes) -> None:
        """Add bytes as they are."""
        self.buffer += data

    def values(self, array: Any) -> None:
        """Add numbers in C order; truth values take a bit each."""
        array = np.asarray(array)
        if array.dtype == np.bool_:
            self.buffer += np.packbits(array.ravel(), bitorder="little").tobytes()
        else:
            self.buffer += array.astype(array.dtype.newbyteorder(self.order)).tobytes()

    def begin(self, name: str, version: int) -> None:
        """Begin an object."""
        if not self._starts:
            self.u32(_MAGIC)
        self._starts.append(len(self.buffer))
        self.u32(0)
        self.string(name)
        self.u32(version)

    def end(self) -> None:
        """End an object."""
        start = self._starts.pop()
        length = len(self.buffer) - start
        if length >= 1 << 32:
            raise LatticeError("an object of a table cannot exceed 4 GiB")
        struct.pack_into(self.order + "I", self.buffer, start, length)

    def content(self) -> bytes:
        """Return what was written."""
        return bytes(self.buffer)
