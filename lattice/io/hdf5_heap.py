"""Arrays of texts in the attributes of HDF5 files, read without the HDF5 library.

Such texts lie in heaps that attributes refer to. In a damaged heap the library can search for ever, holding
the lock that all its users share, so heaps are looked at here first.
"""

from __future__ import annotations

import struct
from typing import Any

import h5py

from lattice.errors import FormatError
from lattice.io.files import Identity, Opened, read_range

__all__ = ["HeapTexts"]

_MOST_BLOCK = 4 << 20
_MOST_MESSAGES = 1 << 16
_ATTRIBUTE, _CONTINUATION = 0x0C, 0x10
_REFERENCE = 16  # bytes in an attribute for each text: length, address of the heap, number in it


class HeapTexts:
    """The texts of one file.

    Parameters
    ----------
    path : str
        The file.
    identity : Identity
        Its state.
    """

    def __init__(self, path: str, identity: Identity) -> None:
        self.path, self.identity = path, identity
        self._heaps: dict[int, dict[int, bytes]] = {}
        self._headers: dict[int, dict[bytes, bytes]] = {}

    def get(self, group: Any, name: bytes, count: int) -> list[bytes] | None:
        """Return the texts of an attribute; None if the file is of a layout that only the library knows.

        Parameters
        ----------
        group : h5py.h5g.GroupID
            The group.
        name : bytes
            Name of the attribute.
        count : int
            How many texts there are.
        """
        address = int(h5py.h5o.get_info(group).addr)
        if address not in self._headers:
            self._headers[address] = self._attributes(address)
        data = self._headers[address].get(name)
        if data is None:
            return None
        if len(data) < count * _REFERENCE:
            raise self._damaged("an attribute has fewer texts than it should")
        return [self._text(*struct.unpack_from("<IQI", data, i * _REFERENCE)) for i in range(count)]

    def _damaged(self, how: str) -> FormatError:
        return FormatError(f"the HDF5 file {self.path!r} is damaged: {how}", hint="copy the file again")

    def _bytes(self, offset: int, size: int) -> bytes:
        if size > _MOST_BLOCK or offset + size > self.identity.size:
            raise self._damaged(f"it has no block of {size} bytes at {offset}")
        with Opened(self.path, self.identity) as fd:
            return read_range(fd, offset, size, self.path, self.identity.size)

    def _text(self, length: int, address: int, number: int) -> bytes:
        if length == 0:
            return b""
        if address not in self._heaps:
            self._heaps[address] = self._heap(address)
        found = self._heaps[address].get(number)
        if found is None or len(found) < length:
            raise self._damaged("a text is missing")
        return found[:length]

    def _heap(self, address: int) -> dict[int, bytes]:
        """Return the objects of a global heap by number."""
        signature, version, size = struct.unpack("<4sB3xQ", self._bytes(address, 16))
        if signature != b"GCOL" or version != 1 or size < 16:
            raise self._damaged(f"there is no heap at byte {address}")
        data = self._bytes(address, size)
        out = {}
        position = 16
        while position + 16 <= size:
            number, _, length = struct.unpack_from("<HH4xQ", data, position)
            if number == 0:  # free space, up to the end
                if not 16 <= length <= size - position:
                    raise self._damaged(f"the heap at byte {address} has a wrong end")
                break
            if length > size - position - 16 or number in out:
                raise self._damaged(f"the heap at byte {address} has an impossible entry")
            out[number] = data[position + 16 : position + 16 + length]
            position += 16 + -(-length // 8) * 8
        return out

    def _attributes(self, address: int) -> dict[bytes, bytes]:
        """Return the stored bytes of the attributes of an object with a header of version 1, else nothing."""
        head = self._bytes(address, 16)
        if head[0] != 1:
            return {}
        count, size = struct.unpack_from("<xxHxxxxI", head)
        blocks = [(address + 16, size)]
        out: dict[bytes, bytes] = {}
        for start, length in blocks:  # grows as continuations are found
            data = self._bytes(start, length)
            position = 0
            while position + 8 <= len(data) and count > 0:
                kind, n = struct.unpack_from("<HH", data, position)
                body = data[position + 8 : position + 8 + n]
                position += 8 + n
                count -= 1
                if kind == _CONTINUATION and n >= 16 and len(blocks) < _MOST_MESSAGES:
                    blocks.append(struct.unpack_from("<QQ", body))
                elif kind == _ATTRIBUTE and len(body) >= 8:
                    name, value = _attribute(body)
                    out[name] = value
        return out


def _attribute(body: bytes) -> tuple[bytes, bytes]:
    """Return name and stored bytes of an attribute message."""
    version = body[0]
    name, kind, space = struct.unpack_from("<HHH", body, 2)
    start = 9 if version == 3 else 8
    unit = 8 if version == 1 else 1
    sizes = [-(-n // unit) * unit for n in (name, kind, space)]
    return body[start : start + name].split(b"\0", 1)[0], body[start + sum(sizes) :]
