"""Sections of tiled files read by one compiled call, which other threads need not wait for."""

from __future__ import annotations

import numpy as np

from lattice.graph.sections import Section, shape_of
from lattice.io.casa.tile_cuts import TileLayout
from lattice.io.files import add_bytes
from lattice.io.raw import scratch
from lattice.native.machine import pays

__all__ = ["pieces_bytes", "read_by_pieces"]

_MOST = 16 << 20  # bytes of a section: nobody is to be deaf to Ctrl-C for long
_SPARE, _TIMES = 64 << 10, 5  # bytes that may be read: so many, and so many times the wanted ones
_SMALL = 4  # times as many pixels must have been read as would pay in one loop: a read is quicker than those


class _Seen:
    pixels = 0  # that this process has read so far in sections like these; near enough for any threads


def pieces_bytes(layout: TileLayout, section: Section) -> int | None:
    """Return the bytes that are read of a section in this way, or None if it is not to be read so."""
    if layout.dtype.kind not in "iufc" or layout.tile_bytes > scratch().size or layout.is_plain:
        return None
    tiles = pixels = 1
    extents = []
    for s, t in zip(section, layout.tile, strict=True):
        n = s.stop - s.start
        if s.step != 1 or n <= 0:
            return None
        count = (s.stop - 1) // t - s.start // t + 1
        extents.append((n, count, t))
        tiles, pixels = tiles * count, pixels * n
    # of a tile the bytes from the first wanted pixel to the last: summed over all tiles, axis by axis
    read, inner = tiles, 1
    for n, count, t in reversed(extents):
        read += tiles // count * (n - count) * inner
        inner *= t
    size = layout.dtype.itemsize
    wanted = pixels * size
    if tiles == 1 or wanted > _MOST or read * size > _SPARE + _TIMES * wanted:
        return None
    return read * size if pays(max(pixels, _Seen.pixels // _SMALL)) else None


def read_by_pieces(fd: int, layout: TileLayout, section: Section, out: np.ndarray) -> bool:
    """Read a section into `out`, if it can and may be read so; False if it is to be read in another way."""
    _Seen.pixels += out.size
    nbytes = pieces_bytes(layout, section)
    stored = layout.dtype
    if nbytes is None or out.shape != shape_of(section):
        return False
    if out.dtype != stored.newbyteorder("=") or out.strides[-1] != stored.itemsize:
        return False
    from lattice.native.pieces import read_pieces

    parts = 2 if stored.kind == "c" else 1
    size = stored.itemsize // parts
    inner = stored.itemsize
    axes = []
    for k in range(len(out.shape) - 1, -1, -1):
        s, t = section[k], layout.tile[k]
        axes.append((s.start, s.stop, t, layout.jumps[k], inner, out.strides[k]))
        inner *= t
    if parts == 2:
        start, stop, tile, jump, _, _ = axes[0]
        axes[0] = (2 * start, 2 * stop, 2 * tile, jump, size, size)
    table = np.array(axes[::-1], np.int64)
    swap = not stored.isnative and size > 1
    address = out.ctypes.data
    if not read_pieces(fd, layout.offset, table, address, scratch().ctypes.data, size, swap):
        return False
    add_bytes(nbytes)
    return True
