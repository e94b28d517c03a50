"""Reading files, running a loop and writing a file by turns, without coming back to Python in between.

What Python does for each piece, and above all the waiting of threads for each other before and after each
call, would cost as much as the reading.  So one call reads some pixels of every input into buffers that stay
in the cache, runs the loop on them, writes what it made, and so on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from lattice.execute.native import Loop, driver
from lattice.functions.states import LANES
from lattice.io.files import add_bytes, pwrite_from
from lattice.native.turns import SETTLE, Turns

__all__ = ["DRIVER", "Drive"]

_CACHE = 3 << 18  # bytes of the buffers for one turn: most of what a core keeps near
_SHORTEST = 1 << 13  # pixels

# Places in the table: numbers of 64 bits
_STEP, _LOOP, _ARGUMENTS, _INPUTS, _PROGRESS = range(5)
# ... of what is written: the buffers that take turns (none: nothing is written), place of the first pixel,
# bytes per pixel, one less than the bytes on whose multiples turns end, where the loop finds its target
_TURNS, _PLACE, _SIZE, _EDGE, _TARGET = range(5, 10)
_INPUT = 10  # descriptor, place, bytes per pixel and buffer of each input

_DONE, _CANNOT_READ, _CANNOT_WRITE = range(3)


def _loads() -> str:
    """Return the instructions that read the table."""
    names = {
        "step": _STEP,
        "inputs": _INPUTS,
        "out": _PLACE,
        "size": _SIZE,
        "edge": _EDGE,
    }
    pointers = {"loop": _LOOP, "args": _ARGUMENTS, "target": _TARGET, "turns": _TURNS}
    lines = []
    for kind, group in (("i64", names), ("ptr", pointers)):
        for name, place in group.items():
            lines.append(f"  %{name}.p = getelementptr i64, ptr %table, i64 {place}")
            lines.append(f"  %{name} = load {kind}, ptr %{name}.p")
    return "\n".join(lines)


DRIVER = f"""
declare i64 @pread(i32, ptr, i64, i64)
{SETTLE}

; Do n pixels; results that are not written go to place `first` of their memory and on.
define i64 @drive(i64 %n, ptr %table, i64 %first) {{
entry:
{_loads()}
  %progress = getelementptr i64, ptr %table, i64 {_PROGRESS}
  %writes = icmp ne ptr %turns, null
  br label %turn

turn:
  %at = phi i64 [ 0, %entry ], [ %next, %again ]
  store i64 %at, ptr %progress
  %left = sub i64 %n, %at
  %last = icmp ule i64 %left, %step
  %most = select i1 %last, i64 %left, i64 %step
  ; what is written ends on a round place of the file, which costs the system less
  %most.end = add i64 %at, %most
  %most.bytes = mul i64 %most.end, %size
  %most.place = add i64 %out, %most.bytes
  %over.bytes = and i64 %most.place, %edge
  %over = udiv i64 %over.bytes, %size
  %fits = icmp ult i64 %over, %most
  %inner = xor i1 %last, true
  %cuts = and i1 %fits, %inner
  %aligns = and i1 %cuts, %writes
  %cut = select i1 %aligns, i64 %over, i64 0
  %pixels = sub i64 %most, %cut
  %next = add i64 %at, %pixels
  %none = icmp eq i64 %left, 0
  br i1 %none, label %done, label %files

files:
  %k = phi i64 [ 0, %turn ], [ %k.next, %read ]
  %some = icmp ult i64 %k, %inputs
  br i1 %some, label %file, label %run
file:
  %k.many = mul i64 %k, 4
  %k.at = add i64 %k.many, {_INPUT}
  %in.p = getelementptr i64, ptr %table, i64 %k.at
  %in.wide = load i64, ptr %in.p
  %in = trunc i64 %in.wide to i32
  %in.place.p = getelementptr i64, ptr %in.p, i64 1
  %in.place = load i64, ptr %in.place.p
  %in.size.p = getelementptr i64, ptr %in.p, i64 2
  %in.size = load i64, ptr %in.size.p
  %in.buffer.p = getelementptr i64, ptr %in.p, i64 3
  %in.buffer = load ptr, ptr %in.buffer.p
  %in.bytes = mul i64 %pixels, %in.size
  %in.skip = mul i64 %at, %in.size
  %in.begin = add i64 %in.place, %in.skip
  br label %reading
reading:
  %r = phi i64 [ 0, %file ], [ %r.next, %some.read ]
  %r.to = getelementptr i8, ptr %in.buffer, i64 %r
  %r.want = sub i64 %in.bytes, %r
  %r.from = add i64 %in.begin, %r
  %got = call i64 @pread(i32 %in, ptr %r.to, i64 %r.want, i64 %r.from)
  %r.bad = icmp sle i64 %got, 0
  br i1 %r.bad, label %cannot.read, label %some.read
some.read:
  %r.next = add i64 %r, %got
  %r.part = icmp ult i64 %r.next, %in.bytes
  br i1 %r.part, label %reading, label %read
read:
  %k.next = add i64 %k, 1
  br label %files

run:
  br i1 %writes, label %keep, label %take
take:
  %where = add i64 %first, %at
  call void %loop(i64 %pixels, ptr %args, i64 %where)
  br label %again
keep:
  %slot.p = call ptr @slot(ptr %turns)
  %slot = load i64, ptr %slot.p
  store i64 %slot, ptr %target
  call void %loop(i64 %pixels, ptr %args, i64 0)
  store i64 %next, ptr %progress
  %slot.skip = mul i64 %at, %size
  %slot.place = add i64 %out, %slot.skip
  %slot.bytes = mul i64 %pixels, %size
  %settled = call i64 @settle(ptr %turns, i64 %slot.place, i64 %slot.bytes)
  %goes.on = icmp eq i64 %settled, 0
  br i1 %goes.on, label %again, label %cannot.write

again:
  br label %turn
done:
  ret i64 {_DONE}
cannot.read:
  ret i64 {_CANNOT_READ}
cannot.write:
  ret i64 {_CANNOT_WRITE}
}}
"""


class Drive:
    """The table that the driver goes by, for one loop in one thread.

    Parameters
    ----------
    loop : Loop
        What is run.
    arguments : ndarray
        What it is called with.
    target : int
        Address of the place where it finds out where its result goes, if that can be written to a file.
    sizes : sequence of int
        Bytes per pixel of each input.
    written : int
        Bytes per pixel of the result, if it can be written to a file; else 0.
    spare : callable
        Gives so many bytes of memory.
    between : int
        Bytes per pixel of what else the loop has in memory.
    most : int
        Pixels that there is room for in all of that.
    """

    def __init__(
        self,
        loop: Loop,
        arguments: np.ndarray,
        target: int,
        sizes: Sequence[int],
        written: int,
        spare: Callable[[int], np.ndarray],
        between: int = 0,
        most: int = 1 << 20,
    ) -> None:
        self._run = driver(DRIVER, "drive")
        near = _CACHE // (sum(sizes) + between + written)
        step = 1 << min(max(_SHORTEST, near), most).bit_length() - 1
        self._table = np.zeros(_INPUT + 4 * len(sizes), np.int64)
        self._table[: _INPUTS + 1] = step, loop.address, arguments.ctypes.data, len(sizes)
        self._table[_SIZE], self._table[_EDGE] = max(1, written), step * written - 1
        self._address = self._table.ctypes.data
        self._inputs = self._table[_INPUT:].reshape(-1, 4)
        self._turns = Turns((step + LANES) * written, spare) if written else None
        self._target = target
        self._starts: list[tuple[int, int, int, int]] = []
        self._fd, self._start, self._path = -1, 0, ""

    def read_from(self, files: list[tuple[int, int, int, int]]) -> None:
        """Set descriptor, first byte of the block, bytes per pixel and address of the buffer, of inputs."""
        self._starts = files

    def write_to(self, fd: int, start: int, path: str, token: int) -> None:
        """Set descriptor, first byte of the block and path of a file, and the address of who may write."""
        assert self._turns is not None, "made for a result that can be written"
        self._turns.write_to(fd, token)
        self._fd, self._start, self._path = fd, start, path
        self._table[_TURNS], self._table[_TARGET] = self._turns.address, self._target

    def write_nothing(self) -> None:
        """Leave the results in memory."""
        self._table[_TURNS] = 0

    def run(self, at: int, stop: int, first: int = 0) -> int:
        """Do pixels `at` to `stop` of the block; return where a file gave too little, or `stop`.

        What is not written to a file goes to place `first` of its memory and on.
        """
        begin = at
        while True:
            for k, (fd, start, size, buffer) in enumerate(self._starts):
                self._inputs[k] = fd, start + at * size, size, buffer
            self._table[_PLACE] = self._start + at * int(self._table[_SIZE])
            code = self._run(stop - at, self._address, first + at - begin)
            at += int(self._table[_PROGRESS])
            if code != _CANNOT_WRITE:
                break
            self.flush()
        for _, _, size, _ in self._starts:
            add_bytes((at - begin) * size)
        return at

    def flush(self) -> None:
        """Write what waits; an error says what is wrong with the file."""
        if self._turns is not None:
            for data, place in self._turns.taken():
                pwrite_from(self._fd, data, place, self._path)
