"""A file behind a URL as Python's files are, for libraries that want one: read in blocks that are kept."""

from __future__ import annotations

import io
from collections import OrderedDict
from typing import Any

from lattice.io.files import Identity
from lattice.io.remote import fetch

__all__ = ["RemoteStream"]

_BLOCK = 64 << 10
_KEPT = 256


class RemoteStream(io.RawIOBase):
    """A file behind a URL.

    Parameters
    ----------
    path : str
        The URL.
    identity : Identity
        State of the file; its size is what counts.
    """

    def __init__(self, path: str, identity: Identity) -> None:
        super().__init__()
        self.path = path
        self.size = identity.size
        self._position = 0
        self._blocks: OrderedDict[int, bytes] = OrderedDict()

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return the position."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to another position."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.size}[whence]
        self._position = max(0, base + offset)
        return self._position

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer as far as the file goes; the blocks that are missing are fetched together."""
        view = memoryview(buffer).cast("B")
        start, stop = self._position, min(self._position + len(view), self.size)
        if start >= stop:
            return 0
        numbers = range(start // _BLOCK, -(-stop // _BLOCK))
        missing = [n for n in numbers if n not in self._blocks]
        ends = [(n * _BLOCK, min((n + 1) * _BLOCK, self.size)) for n in missing]
        found = fetch([(self.path, a, b) for a, b in ends])
        fresh = {n: data or b"" for n, data in zip(missing, found, strict=True)}
        for n in numbers:
            data = fresh[n] if n in fresh else self._blocks[n]
            first, last = max(start, n * _BLOCK), min(stop, n * _BLOCK + len(data))
            view[first - start : last - start] = data[first - n * _BLOCK : last - n * _BLOCK]
            self._blocks[n] = data
            self._blocks.move_to_end(n)
        while len(self._blocks) > _KEPT:
            self._blocks.popitem(last=False)
        self._position = stop
        return stop - start
