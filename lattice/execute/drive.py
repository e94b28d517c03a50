"""Reading files and running a loop over them in turn, without coming back to Python in between.

What Python does for each piece, and above all the waiting of threads for each other before and after each
call, would cost as much as the reading.  So one call reads some pixels of every input into buffers that stay
in the cache, runs the loop on them, and so on.
"""

from __future__ import annotations

import numpy as np

from lattice.execute.native import Loop, driver
from lattice.functions.states import LANES
from lattice.io.files import add_bytes

__all__ = ["DRIVER", "Drive"]

_CACHE = 1 << 19  # bytes of the buffers for one turn: half of what a core keeps near
_SHORTEST = 1 << 13
_HEAD, _ENTRY = 4, 4  # numbers of the table in front, and of each file

DRIVER = f"""
declare i64 @pread(i32, ptr, i64, i64)

; n pixels, stored from place `first` on; returns how many were done before a file gave too little
define i64 @drive(i64 %n, ptr %table, i64 %first) {{
entry:
  %step = load i64, ptr %table
  %loop.p = getelementptr i64, ptr %table, i64 1
  %loop = load ptr, ptr %loop.p
  %args.p = getelementptr i64, ptr %table, i64 2
  %args = load ptr, ptr %args.p
  %count.p = getelementptr i64, ptr %table, i64 3
  %count = load i64, ptr %count.p
  br label %turn
turn:
  %at = phi i64 [ 0, %entry ], [ %next, %run ]
  %left = sub i64 %n, %at
  %last = icmp ult i64 %left, %step
  %pixels = select i1 %last, i64 %left, i64 %step
  %none = icmp eq i64 %left, 0
  br i1 %none, label %out, label %files
files:
  %k = phi i64 [ 0, %turn ], [ %k.next, %full ]
  %some = icmp ult i64 %k, %count
  br i1 %some, label %file, label %run
file:
  %k.many = mul i64 %k, {_ENTRY}
  %k.at = add i64 %k.many, {_HEAD}
  %fd.p = getelementptr i64, ptr %table, i64 %k.at
  %fd.wide = load i64, ptr %fd.p
  %fd = trunc i64 %fd.wide to i32
  %place.p = getelementptr i64, ptr %fd.p, i64 1
  %place = load i64, ptr %place.p
  %size.p = getelementptr i64, ptr %fd.p, i64 2
  %size = load i64, ptr %size.p
  %buffer.p = getelementptr i64, ptr %fd.p, i64 3
  %buffer = load ptr, ptr %buffer.p
  %bytes = mul i64 %pixels, %size
  %skip = mul i64 %at, %size
  %begin = add i64 %place, %skip
  br label %read
read:
  %done = phi i64 [ 0, %file ], [ %done.next, %more ]
  %to = getelementptr i8, ptr %buffer, i64 %done
  %want = sub i64 %bytes, %done
  %from = add i64 %begin, %done
  %got = call i64 @pread(i32 %fd, ptr %to, i64 %want, i64 %from)
  %bad = icmp sle i64 %got, 0
  br i1 %bad, label %out, label %more
more:
  %done.next = add i64 %done, %got
  %short = icmp ult i64 %done.next, %bytes
  br i1 %short, label %read, label %full
full:
  %k.next = add i64 %k, 1
  br label %files
run:
  %where = add i64 %first, %at
  call void %loop(i64 %pixels, ptr %args, i64 %where)
  %next = add i64 %at, %pixels
  br label %turn
out:
  ret i64 %at
}}
"""


class Drive:
    """The table that the driver goes by, for one loop in one thread.

    Parameters
    ----------
    loop : Loop
        What is run.
    arguments : int
        Address of its arguments.
    sizes : sequence of int
        Bytes per pixel of each input.
    """

    def __init__(self, loop: Loop, arguments: int, sizes: list[int]) -> None:
        self._run = driver(DRIVER)
        step = max(_SHORTEST, _CACHE // max(1, sum(sizes)) // LANES * LANES)
        self._table = np.zeros(_HEAD + _ENTRY * len(sizes), np.int64)
        self._table[:_HEAD] = step, loop.address, arguments, len(sizes)
        self._files = self._table[_HEAD:].reshape(-1, _ENTRY)
        self._address = self._table.ctypes.data
        self._starts: list[tuple[int, int, int, int]] = []

    def open(self, files: list[tuple[int, int, int, int]]) -> None:
        """Set descriptor, first byte, bytes per pixel and address of the buffer of every input."""
        self._starts = files

    def run(self, at: int, stop: int, first: int) -> int:
        """Read and run from pixel `at` of the block to `stop`; return how far the files allowed it.

        What is stored goes to place `first` of the outputs and on.
        """
        for k, (fd, start, size, buffer) in enumerate(self._starts):
            self._files[k] = fd, start + at * size, size, buffer
        done: int = self._run(stop - at, self._address, first)
        for _, _, size, _ in self._starts:
            add_bytes(done * size)
        return at + done
