"""Sections of tiled files read by one compiled call, which other threads need not wait for."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator

import numpy as np

from lattice.config import get_option
from lattice.graph.sections import Section
from lattice.io.casa.tile_cuts import TileLayout
from lattice.io.files import add_bytes
from lattice.io.raw import scratch
from lattice.native.machine import pays
from lattice.native.pieces import MOST, Pieces, plan

__all__ = ["PieceReader"]

# Sections from which on they are read so.  The other way takes some 50 microseconds longer for each; the
# compiler takes 25 ms to load, and 3 for this piece.
_FROM_LOADED, _FROM_NOTHING = 50, 500
_LARGE = 1 << 16  # pixels that count as a section more
_local = threading.local()


class _Seen:
    sections = 0  # that this process has read so far and that cut tiles; near enough for any threads


class PieceReader:
    """Reads sections without steps of one array, where that pays.

    Parameters
    ----------
    layout : TileLayout
        Where the pixels lie.
    """

    def __init__(self, layout: TileLayout) -> None:
        self._layout = layout
        dtype = layout.dtype
        self._can = dtype.kind in "iufc" and layout.tile_bytes <= scratch().size and not layout.is_plain
        self._parts = 2 if dtype.kind == "c" else 1  # numbers of a pixel
        self._size = dtype.itemsize // self._parts
        self._native = dtype.newbyteorder("=")
        self._pieces: Pieces | None = None

    def _bounds(self, section: Section) -> list[int] | None:
        """Return start and stop on each axis, in numbers, unless there are steps or nothing is wanted."""
        bounds = []
        for s in section:
            if s.step != 1 or s.stop <= s.start:
                return None
            bounds += [s.start, s.stop]
        if self._parts == 2:
            bounds[-2:] = 2 * bounds[-2], 2 * bounds[-1]
        return bounds

    def _pays(self) -> bool:
        if self._pieces is not None:
            return get_option("jit") is not False
        return pays(_Seen.sections, _FROM_LOADED, _FROM_NOTHING)

    def _cuts(self, section: Section) -> bool:
        """Tell whether a section cuts tiles: whole ones are read as quickly in the other way."""
        return any(
            s.start % t or (s.stop % t and s.stop != n)
            for s, t, n in zip(section, self._layout.tile, self._layout.shape, strict=True)
        )

    def nbytes(self, section: Section) -> int | None:
        """Return the bytes that are read of a section in this way, or None if it is not to be read so."""
        bounds = self._bounds(section) if self._can and self._pays() else None
        if bounds is None:
            return None
        total = 0
        for part, _ in self._parts_of(bounds):
            found = plan(part, self._tile(), self._size)
            if found is None:
                return None
            total += found[1]
        return total

    def read(self, fd: int, section: Section, out: np.ndarray) -> bool:
        """Read a section into `out`, if that can be and pays; False if it is to be read in another way."""
        if not self._can:
            return False
        if not self._pays():
            if self._cuts(section):
                _Seen.sections += 1 + out.size // _LARGE
            return False
        bounds = self._bounds(section)
        if bounds is None or out.dtype != self._native or not out.flags.c_contiguous:
            return False
        if out.shape != tuple([s.stop - s.start for s in section]):
            return False
        pieces = self._pieces
        if pieces is None:
            pieces = self._pieces = self._made()
        address: int = out.__array_interface__["data"][0]
        for part, place in [(bounds, 0)] if out.nbytes <= MOST else self._parts_of(bounds):
            read = pieces.read(fd, part, address + place, _address())
            if read < 0:
                return False
            add_bytes(read)
        return True

    def _parts_of(self, bounds: list[int]) -> Iterator[tuple[list[int], int]]:
        """Cut a section into parts that are not too large, at tiles where it can.

        Yields bounds, and the place of the first byte. A part of a single index may still be too large.
        """
        lengths = [stop - start for start, stop in zip(bounds[::2], bounds[1::2], strict=True)]
        axis = next((k for k, n in enumerate(lengths) if n > 1), 0)
        row = self._size * math.prod(lengths[axis + 1 :])
        tile, start, stop = self._tile()[axis], bounds[2 * axis], bounds[2 * axis + 1]
        group = max(1, MOST // row)
        at = start
        while at < stop:
            end = min(stop, at + group)
            if end < stop and end // tile * tile > at:
                end = end // tile * tile
            part = bounds.copy()
            part[2 * axis : 2 * axis + 2] = at, end
            yield part, (at - start) * row
            at = end

    def _tile(self) -> tuple[int, ...]:
        tile = self._layout.tile
        return (*tile[:-1], tile[-1] * self._parts)

    def _made(self) -> Pieces:
        layout = self._layout
        return Pieces(layout.offset, self._tile(), layout.jumps, self._size, not layout.dtype.isnative)


def _address() -> int:
    """Return the address of the scratch bytes of this thread."""
    found: int | None = _local.__dict__.get("address")
    if found is None:
        found = _local.address = scratch().ctypes.data
    return found
