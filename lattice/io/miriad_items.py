"""Items of Miriad data sets: named values, the small ones together in the file ``header``.

Numbers are big-endian; each item starts with four bytes that tell its type.
"""

from __future__ import annotations

import os
import re
import stat
import struct
from dataclasses import dataclass
from typing import Any

import numpy as np

from lattice.errors import FormatError, LatticeError
from lattice.io.files import Identity, Opened, identify, read_range

__all__ = ["Item", "encode_item", "header_bytes", "is_item_name", "read_items", "value_of"]

_ENTRY = 16  # bytes of the name and size before a small item, and alignment of what follows
_SMALL = 64  # larger items are files of their own
_MOST_HEADER = 4 << 20
_LARGEST_TEXT = 1 << 16
_CODES = {2: (">i4", 4), 3: (">i2", 4), 4: (">f4", 4), 5: (">f8", 8), 7: (">c8", 8), 8: (">i8", 8)}
_NOT_VALUES = frozenset({"header", "image", "mask", "history"})


@dataclass(frozen=True)
class Item:
    """Where an item is.

    Attributes
    ----------
    path, identity : str, Identity
        The file that holds it: ``header`` or its own.
    offset, size : int
        Its bytes in that file.
    data : bytes
        Its content, empty for large items that are read by section.
    """

    path: str
    identity: Identity
    offset: int
    size: int
    data: bytes = b""


def is_item_name(name: str) -> bool:
    """Tell whether Miriad takes a name for an item.

    >>> is_item_name("crval1"), is_item_name("HISTORY"), is_item_name("telescope")
    (True, False, False)
    """
    return re.fullmatch(r"[a-z][a-z0-9_-]{0,7}", name) is not None


def read_items(folder: str) -> dict[str, Item]:
    """Return the items of a data set by name; of the pixels, the mask and the history only the place."""
    path = os.path.join(folder, "header")
    identity = identify(path)
    if identity.size > _MOST_HEADER:
        raise FormatError(f"{path!r} is too large for a Miriad header")
    with Opened(path, identity) as fd:
        data = read_range(fd, 0, identity.size, path, identity.size)
    out: dict[str, Item] = {}
    position = 0
    while position + _ENTRY <= len(data):
        raw = data[position : position + _ENTRY - 1].split(b"\0", 1)[0]
        size = data[position + _ENTRY - 1]
        name = raw.decode("latin-1")
        start = position + _ENTRY
        if not re.fullmatch(r"[a-zA-Z0-9_-]{1,14}", name) or start + size > len(data):
            raise FormatError(f"{path!r} is damaged or truncated after {len(out)} items")
        out[name] = Item(path, identity, start, size, data[start : start + size])
        position = start + -(-size // _ENTRY) * _ENTRY
    if len(data) > position:
        raise FormatError(f"{path!r} is damaged or truncated after {len(out)} items")
    for name in sorted(os.listdir(folder)):
        own = os.path.join(folder, name)
        if name == "header" or name in out or not stat.S_ISREG(os.stat(own).st_mode):
            continue
        state = identify(own)
        content = b""
        if name not in _NOT_VALUES and is_item_name(name) and state.size <= _LARGEST_TEXT:
            with Opened(own, state) as fd:
                content = read_range(fd, 0, state.size, own, state.size)
        out[name] = Item(own, state, 0, state.size, content)
    return out


def value_of(item: Item, name: str) -> Any:
    """Return the value of an item: a text, a number, an array of numbers; None if it is something else."""
    data = item.data
    if len(data) < 4 or data[:3] != b"\0\0\0":
        return None
    code = data[3]
    if code == 1:
        text = data[4:].split(b"\0", 1)[0].decode("utf-8", "replace").rstrip()
        return text if text.isprintable() else None
    if code not in _CODES:
        return None
    kind, start = _CODES[code]
    count = (len(data) - start) // int(kind[2])
    if count < 1:
        raise FormatError(f"the Miriad item {name!r} is damaged: it has no value")
    values = np.frombuffer(data, kind, count, start)
    return values.astype(values.dtype.newbyteorder("=")) if count > 1 else values[0].item()


def encode_item(value: Any) -> bytes:
    """Return the bytes of an item.

    Parameters
    ----------
    value : str, bool, int, float
        Truth values become the texts T and F. Integers of more than 64 bits are refused.
    """
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bool):
        value = "T" if value else "F"
    if isinstance(value, str):
        return b"\0\0\0\1" + value.encode()
    if isinstance(value, int):
        if -(1 << 31) <= value < 1 << 31:
            return b"\0\0\0\2" + struct.pack(">i", value)
        if -(1 << 63) <= value < 1 << 63:
            return b"\0\0\0\x08\0\0\0\0" + struct.pack(">q", value)
        raise LatticeError(f"a Miriad item cannot hold the integer {value}")
    return b"\0\0\0\5\0\0\0\0" + struct.pack(">d", float(value))


def header_bytes(items: dict[str, bytes]) -> tuple[bytes, dict[str, bytes]]:
    """Return the file ``header``, and the items that are too large for it."""
    parts, large = [], {}
    for name, data in items.items():
        if len(data) > _SMALL:
            large[name] = data
            continue
        parts.append(name.encode().ljust(_ENTRY - 1, b"\0") + bytes([len(data)]))
        parts.append(data.ljust(-(-len(data) // _ENTRY) * _ENTRY, b"\0"))
    return b"".join(parts), large
