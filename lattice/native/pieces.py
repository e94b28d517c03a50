"""Parts of tiles read from a file and put in their places, by one call while other threads go on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import ExitStack

import numpy as np

from lattice.native.code import Code
from lattice.native.machine import function
from lattice.native.moves import copy, plus, times

__all__ = ["MOST", "Pieces", "plan"]

MOST = 16 << 20  # bytes of a section: nobody is to be deaf to Ctrl-C for long
_CALL = 2 << 10  # asking the system once costs about as much as moving this many bytes
_UNFIT, _FAILED = -1, -2


def plan(bounds: Sequence[int], tile: Sequence[int], size: int) -> tuple[int, int] | None:
    """Return how a section is read: see `Pieces.read`.

    Parameters
    ----------
    bounds : sequence of int
        Start and stop on each axis.
    tile : sequence of int
        Numbers that a tile has per axis.
    size : int
        Bytes of a number.

    Returns
    -------
    tuple of int, or None
        How many axes, the slowest ones, are read index by index, and how many bytes are read; None if the
        section is too large.
    """
    lengths = [stop - start for start, stop in zip(bounds[::2], bounds[1::2], strict=True)]
    if math.prod(lengths) * size > MOST:
        return None
    counts = [
        (stop - 1) // t - start // t + 1
        for start, stop, t in zip(bounds[::2], bounds[1::2], tile, strict=True)
    ]
    best = (-1, 0, 0)
    numbers = tiles = inner = 1
    for k in range(len(tile) - 1, -1, -1):
        # of all tiles along the axes from k on: numbers from the first wanted to the last
        numbers = numbers * counts[k] + tiles * (lengths[k] - counts[k]) * inner
        tiles *= counts[k]
        inner *= tile[k]
        outer = math.prod(lengths[:k])
        cost = outer * (tiles * _CALL + numbers * size)
        if best[0] < 0 or cost <= best[0]:
            best = cost, k, outer * numbers * size
    return best[1:]


class Pieces:
    """An array in tiles, in a file.

    Parameters
    ----------
    offset : int
        Where the first tile begins.
    tile : sequence of int
        Numbers that a tile has per axis, slowest axis first.
    jumps : sequence of int
        Bytes from a tile to the next per axis.
    size : int
        Bytes of a number.
    swap : bool
        Whether the order of its bytes is to be changed.
    """

    def __init__(self, offset: int, tile: Sequence[int], jumps: Sequence[int], size: int, swap: bool) -> None:
        swap = swap and size > 1
        # the system does most of the work: the compiler takes 3 ms rather than 22, the call as long
        self._run = function(_text, len(tile), size, swap, opt=3 if swap else 0)
        self._grid = np.array([offset, *tile, *jumps], np.int64)
        self._address: int = self._grid.ctypes.data

    def read(self, fd: int, bounds: Sequence[int], out: int, scratch: int) -> int:
        """Read a section, if it is not too large.

        Of each tile, or of each index of its slowest axes where that costs less, the bytes from the first to
        the last wanted number are read.

        Parameters
        ----------
        fd : int
            Descriptor of the file.
        bounds : sequence of int
            Start and stop on each axis; no axis may be empty.
        out, scratch : int
            Addresses of the target, in C order, and of room for the bytes of one tile.

        Returns
        -------
        int
            How many bytes were read; negative if that is to be done in another way: the section is too
            large, or a read gave less than it should.
        """
        found: int = self._run(fd, self._address, out, scratch, *bounds)
        return found


class _Axis:
    """What is known of an axis: numbers, as names of values."""

    def __init__(self, c: Code, k: int, n: int) -> None:
        self.start, self.stop = f"%start{k}", f"%stop{k}"
        self.tile = c.load("i64", c.at("%grid", str(1 + k), 8), 8)
        self.jump = c.load("i64", c.at("%grid", str(1 + n + k), 8), 8)
        self.first = c.put(f"sdiv i64 {self.start}, {self.tile}")
        final = c.put(f"sdiv i64 {c.put(f'sub i64 {self.stop}, 1')}, {self.tile}")
        self.behind = c.put(f"add i64 {final}, 1")
        self.count = c.put(f"sub i64 {self.behind}, {self.first}")
        self.length = c.put(f"sub i64 {self.stop}, {self.start}")
        self.inner = self.move = ""  # bytes from a number to the next, in a tile and in the target


def _text(n: int, size: int, swap: bool) -> tuple[str, int]:
    """Return the text for arrays of n axes."""
    bounds = [f"i64 {name}{k}" for k in range(n) for name in ("start", "stop")]
    c = Code(["i64 fd", "ptr grid", "ptr out", "ptr scratch", *bounds])
    c.need("i64 @pread(i32, ptr, i64, i64)")
    fd = c.put("trunc i64 %fd to i32")
    failed = c.put("alloca i64")
    c.store("i64", "0", failed, 8)
    axes = [_Axis(c, k, n) for k in range(n)]
    inner = move = str(size)
    for axis in reversed(axes):
        axis.inner, axis.move = inner, move
        inner, move = times(c, inner, axis.tile), times(c, move, axis.length)
    level, total = _chosen(c, axes, move, size)
    for k in range(n):
        _way(c, axes, k, level, fd, failed, size, swap)
    bad = c.put(f"icmp ne i64 {c.load('i64', failed, 8)}, 0")
    return c.text(c.put(f"select i1 {bad}, i64 {_FAILED}, i64 {total}"))


def _chosen(c: Code, axes: Sequence[_Axis], wanted: str, size: int) -> tuple[str, str]:
    """Return what `plan` does: how many axes are read index by index, or -1, and how many bytes are read."""
    outer = ["1"]
    for axis in axes:
        outer.append(times(c, outer[-1], axis.length))
    numbers = tiles = "1"
    inner = "1"
    level, total, least = "-1", str(_UNFIT), str((1 << 63) - 1)
    for k in range(len(axes) - 1, -1, -1):
        axis = axes[k]
        more = times(c, times(c, tiles, c.put(f"sub i64 {axis.length}, {axis.count}")), inner)
        numbers = c.put(f"add i64 {times(c, numbers, axis.count)}, {more}")
        tiles, inner = times(c, tiles, axis.count), times(c, inner, axis.tile)
        nbytes = times(c, numbers, str(size))
        cost = times(c, outer[k], c.put(f"add i64 {times(c, tiles, str(_CALL))}, {nbytes}"))
        better = c.put(f"icmp sle i64 {cost}, {least}")
        least = c.put(f"select i1 {better}, i64 {cost}, i64 {least}")
        level = c.put(f"select i1 {better}, i64 {k}, i64 {level}")
        total = c.put(f"select i1 {better}, i64 {times(c, outer[k], nbytes)}, i64 {total}")
    fits = c.put(f"icmp sle i64 {wanted}, {MOST}")
    level = c.put(f"select i1 {fits}, i64 {level}, i64 -1")
    return level, c.put(f"select i1 {fits}, i64 {total}, i64 {_UNFIT}")


def _way(
    c: Code, axes: Sequence[_Axis], level: int, chosen: str, fd: str, failed: str, size: int, swap: bool
) -> None:
    """Write the loops that read `level` axes index by index; they do nothing if another way is chosen."""
    place = c.load("i64", "%grid", 8)  # the tile
    skip, last, put = "0", "0", "0"  # its wanted bytes, and their target
    counts = []
    with ExitStack() as stack:
        for k, axis in enumerate(axes):
            behind = axis.behind
            if k == 0:
                mine = c.put(f"icmp eq i64 {chosen}, {level}")
                behind = c.put(f"select i1 {mine}, i64 {behind}, i64 {axis.first}")
            t = stack.enter_context(c.loop(behind, start=axis.first)).index
            edge = times(c, t, axis.tile)
            inside = c.put(f"icmp sgt i64 {edge}, {axis.start}")
            low = c.put(f"select i1 {inside}, i64 {edge}, i64 {axis.start}")
            high = c.least(axis.stop, c.put(f"add i64 {edge}, {axis.tile}"))
            counts.append(c.put(f"sub i64 {high}, {low}"))
            place = plus(c, place, t, axis.jump)
            skip = plus(c, skip, c.put(f"sub i64 {low}, {edge}"), axis.inner)
            put = plus(c, put, c.put(f"sub i64 {low}, {axis.start}"), axis.move)
            if k >= level:
                last = plus(c, last, c.put(f"sub i64 {counts[-1]}, 1"), axis.inner)
        for count, axis in zip(counts[:level], axes, strict=False):
            i = stack.enter_context(c.loop(count)).index
            skip, put = plus(c, skip, i, axis.inner), plus(c, put, i, axis.move)
        length = c.put(f"add i64 {last}, {size}")
        begin = c.put(f"add i64 {place}, {skip}")
        got = c.put(f"call i64 @pread(i32 {fd}, ptr %scratch, i64 {length}, i64 {begin})")
        # who asked reads again in his own way, and finds out what is wrong: here it only goes on
        short = c.put(f"zext i1 {c.put(f'icmp ne i64 {got}, {length}')} to i64")
        c.store("i64", c.put(f"or i64 {c.load('i64', failed, 8)}, {short}"), failed, 8)
        source = "0"
        for count, axis in zip(counts[level:-1], axes[level:], strict=False):
            i = stack.enter_context(c.loop(count)).index
            source, put = plus(c, source, i, axis.inner), plus(c, put, i, axis.move)
        copy(c, c.at("%out", put), c.at("%scratch", source), counts[-1], size, swap)
