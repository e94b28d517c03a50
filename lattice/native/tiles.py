"""Whole tiles put together from memory that lies in any way, and written to a file by turns."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import ExitStack

import numpy as np

from lattice.native.code import Code
from lattice.native.machine import function
from lattice.native.moves import copy, plus, times
from lattice.native.turns import SETTLE, Turns

__all__ = ["Tiles"]

_AXIS = ("count", "length", "jump", "inner", "move", "step")  # what the table has of each axis

# Do the pieces from `first` up to `stop`; return the next one, as a negative number if Python has to write.
_RUN = """
define i64 @run(ptr %turns, ptr %source, ptr %grid, i64 %first, i64 %stop) {
entry:
  br label %head
head:
  %piece = phi i64 [ %first, %entry ], [ %next, %body ]
  %some = icmp slt i64 %piece, %stop
  br i1 %some, label %body, label %done
body:
  %next = add i64 %piece, 1
  %settled = call i64 @piece(ptr %turns, ptr %source, ptr %grid, i64 %piece)
  %goes.on = icmp eq i64 %settled, 0
  br i1 %goes.on, label %head, label %full
full:
  %negative = sub i64 0, %next
  ret i64 %negative
done:
  ret i64 %stop
}
"""


class Tiles:
    """Tiles of a box that are written whole.

    A piece is what follows each other in the file and fits a buffer: `group` tiles along the axis `level`,
    with all tiles of the box along the axes behind it.  Pixels of a tile that are not in the box, behind the
    edge of the image, become zero.

    Parameters
    ----------
    counts, lengths : sequence of int
        Tiles of the box per axis, and pixels of each that are written.
    tile : sequence of int
        Pixels of a tile per axis.
    jumps : sequence of int
        Bytes from a tile to the next in the file, per axis; tiles follow each other without a gap.
    strides : sequence of int
        Bytes from a pixel to the next in memory, per axis; along the last one they follow each other.
    size : int
        Bytes of a number.
    swap : bool
        Whether the order of its bytes is to be changed.
    level, group : int
        How pieces are cut.
    """

    def __init__(
        self,
        counts: Sequence[int],
        lengths: Sequence[int],
        tile: Sequence[int],
        jumps: Sequence[int],
        strides: Sequence[int],
        size: int,
        swap: bool,
        level: int,
        group: int,
    ) -> None:
        n = len(tile)
        swap = swap and size > 1
        self._run = function(_text, n, level, size, swap)
        inner = [size * math.prod(tile[k + 1 :]) for k in range(n)]
        moves = [m * s for m, s in zip(lengths, strides, strict=True)]
        whole = int(tuple(lengths) == tuple(tile))
        table = zip(counts, lengths, jumps, inner, moves, strides, strict=True)
        self._grid = np.array([0, group, whole, *(v for row in table for v in row)], np.int64)
        self.pieces = math.prod(counts[:level]) * -(-counts[level] // group)
        """How many pieces there are."""
        self.piece_bytes = group * jumps[level]
        """Bytes of the largest of them."""

    def write(self, turns: Turns, source: int, place: int, first: int, stop: int) -> tuple[int, bool]:
        """Put pieces together and write them, or leave them waiting.

        Parameters
        ----------
        turns : Turns
            The buffers of this thread.
        source, place : int
            Address of the first pixel of the box, and where its first tile begins in the file.
        first, stop : int
            Numbers of the pieces.

        Returns
        -------
        tuple of int and bool
            The number of the piece to go on with, and whether what waits has to be written before: there may
            be no buffer left.
        """
        self._grid[0] = place
        found: int = self._run(turns.address, source, self._grid.ctypes.data, first, stop)
        return abs(found), found < 0


class _Axis:
    """What the table says of an axis, as names of values."""

    def __init__(self, c: Code, k: int) -> None:
        at = 3 + k * len(_AXIS)
        values = [c.load("i64", c.at("%grid", str(at + i), 8), 8) for i in range(len(_AXIS))]
        self.count, self.length, self.jump, self.inner, self.move, self.step = values


def _text(n: int, level: int, size: int, swap: bool) -> tuple[str, int]:
    """Return the text for arrays of n axes."""
    c = Code(["ptr turns", "ptr source", "ptr grid", "i64 piece"], "piece")
    place, group, whole = (c.load("i64", c.at("%grid", str(i), 8), 8) for i in range(3))
    axes = [_Axis(c, k) for k in range(n)]
    cut = axes[level]
    over = c.put(f"sub i64 {c.put(f'add i64 {cut.count}, {group}')}, 1")
    groups = c.put(f"sdiv i64 {over}, {group}")
    first = times(c, c.put(f"srem i64 %piece, {groups}"), group)
    rest = c.put(f"sdiv i64 %piece, {groups}")
    place, start = plus(c, place, first, cut.jump), times(c, first, cut.move)
    for axis in reversed(axes[:level]):
        index = c.put(f"srem i64 {rest}, {axis.count}")
        rest = c.put(f"sdiv i64 {rest}, {axis.count}")
        place, start = plus(c, place, index, axis.jump), plus(c, start, index, axis.move)
    many = c.least(group, c.put(f"sub i64 {cut.count}, {first}"))
    nbytes = times(c, many, cut.jump)
    buffer = c.load("ptr", c.put("call ptr @slot(ptr %turns)"), 8)
    c.need("void @llvm.memset.p0.i64(ptr, i8, i64, i1)")
    blank = c.put(f"select i1 {c.put(f'icmp eq i64 {whole}, 0')}, i64 {nbytes}, i64 0")
    c.do(f"call void @llvm.memset.p0.i64(ptr {buffer}, i8 0, i64 {blank}, i1 false)")
    put = "0"
    with ExitStack() as stack:
        # in the order of memory, which is read ahead: a row of pixels goes to many tiles
        for k, axis in enumerate(axes):
            if k >= level:
                t = stack.enter_context(c.loop(many if k == level else axis.count)).index
                put, start = plus(c, put, t, axis.jump), plus(c, start, t, axis.move)
            if k < n - 1:
                i = stack.enter_context(c.loop(axis.length)).index
                put, start = plus(c, put, i, axis.inner), plus(c, start, i, axis.step)
        copy(c, c.at(buffer, put), c.at("%source", start), axes[-1].length, size, swap)
    settled = c.put(f"call i64 @settle(ptr %turns, i64 {place}, i64 {nbytes})")
    text, _ = c.text(settled)
    return SETTLE + text + _RUN, 5
