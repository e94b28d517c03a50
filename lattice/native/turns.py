"""Writing to one file by turns, in compiled code: a thread that does not get the file goes on computing.

A file system writes to one file for one thread at a time, and threads that wait for it in the system do
nothing meanwhile.  So each has some buffers; one that is full waits until the file is free, and the thread
fills the next one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import numpy as np

__all__ = ["LASTS", "LONGEST", "SETTLE", "SHORTEST", "SLOTS", "SLOW", "Turns"]

SLOTS = 3
"""Full buffers that may wait until the file is free."""

LONGEST, SHORTEST = 1 << 20, 1 << 17
"""Bytes that are written at once, and for a while after a slow write.

The system takes memory for its copy of a file in pieces of that size.  Large ones cost least where it has
them, but a virtual machine may have to get each from its host, ten times as slowly, while it has small ones
to spare.
"""
SLOW = 600
"""Nanoseconds for a kilobyte (of 1000 bytes) that are slow: a few times what copying to free memory takes."""
LASTS = 1_000_000_000
"""Nanoseconds for which writes stay short."""

# Places in the table, words of 64 bits: descriptor, address of who has the file, bytes that are written at
# once, when that was last made less, how many buffers wait, and of each buffer its address, the place in the
# file and the bytes that go there
_FD, _TOKEN, _STEP, _CHANGED, _WAITING, _SLOT = range(6)
_BUFFER, _PLACE, _BYTES = range(3)
_WORDS = 3  # of each buffer

# How often a thread that waits asks again: at once, for about as long as others write what waits (a sleep
# takes twice as long as it should, and nobody writes meanwhile), then every 50 microseconds
_YIELDS, _SLEEPS = 4000, 1000

SETTLE = f"""
declare i64 @pwrite(i32, ptr, i64, i64)
declare i32 @sched_yield()
declare i32 @usleep(i32)
declare i32 @clock_gettime(i32, ptr)

; Return nanoseconds.
define i64 @now() {{
  %time = alloca [2 x i64]
  %ignored = call i32 @clock_gettime(i32 {time.CLOCK_MONOTONIC}, ptr %time)
  %seconds = load i64, ptr %time
  %rest.p = getelementptr i64, ptr %time, i64 1
  %rest = load i64, ptr %rest.p
  %many = mul i64 %seconds, 1000000000
  %now = add i64 %many, %rest
  ret i64 %now
}}

; Take in how long a write of n bytes took that is done now.
define void @pace(ptr %table, i64 %n, i64 %start, i64 %now) {{
entry:
  %tells = icmp uge i64 %n, {SHORTEST}
  br i1 %tells, label %look, label %done
look:
  %step.p = getelementptr i64, ptr %table, i64 {_STEP}
  %step = load i64, ptr %step.p
  %changed.p = getelementptr i64, ptr %table, i64 {_CHANGED}
  %changed = load i64, ptr %changed.p
  %took = sub i64 %now, %start
  %took.scaled = mul i64 %took, 1000
  %most = mul i64 %n, {SLOW}
  %slow = icmp ugt i64 %took.scaled, %most
  br i1 %slow, label %less, label %well
less:
  %quarter = lshr i64 %step, 2
  %small = icmp ult i64 %quarter, {SHORTEST}
  %lower = select i1 %small, i64 {SHORTEST}, i64 %quarter
  store i64 %lower, ptr %step.p
  store i64 %now, ptr %changed.p
  br label %done
well:
  %since = sub i64 %now, %changed
  %long.ago = icmp ugt i64 %since, {LASTS}
  %again = select i1 %long.ago, i64 {LONGEST}, i64 %step
  store i64 %again, ptr %step.p
  br label %done
done:
  ret void
}}

; Return the address of the words of the next buffer.
define ptr @slot(ptr %table) {{
  %waiting.p = getelementptr i64, ptr %table, i64 {_WAITING}
  %waiting = load i64, ptr %waiting.p
  %many = mul i64 %waiting, {_WORDS}
  %at = add i64 %many, {_SLOT}
  %slot = getelementptr i64, ptr %table, i64 %at
  ret ptr %slot
}}

; Take in that the next buffer is full, and write what waits if nobody else is writing; who has no buffer left
; waits for that.  1 if Python has to write before the next buffer is asked for: the file was never free, or
; could not be written.
define i64 @settle(ptr %table, i64 %place, i64 %bytes) {{
entry:
  %slot = call ptr @slot(ptr %table)
  %slot.place.p = getelementptr i64, ptr %slot, i64 {_PLACE}
  store i64 %place, ptr %slot.place.p
  %slot.bytes.p = getelementptr i64, ptr %slot, i64 {_BYTES}
  store i64 %bytes, ptr %slot.bytes.p
  %waiting.p = getelementptr i64, ptr %table, i64 {_WAITING}
  %waiting = load i64, ptr %waiting.p
  %more = add i64 %waiting, 1
  store i64 %more, ptr %waiting.p
  %fd.p = getelementptr i64, ptr %table, i64 {_FD}
  %fd.wide = load i64, ptr %fd.p
  %fd = trunc i64 %fd.wide to i32
  %token.p = getelementptr i64, ptr %table, i64 {_TOKEN}
  %token = load ptr, ptr %token.p
  %step.p = getelementptr i64, ptr %table, i64 {_STEP}
  br label %ask

ask:
  %asked = phi i64 [ 0, %entry ], [ %asked.next, %yield ], [ %asked.next, %sleep ]
  %pair = cmpxchg ptr %token, i32 0, i32 1 acquire monotonic
  %mine = extractvalue {{ i32, i1 }} %pair, 1
  br i1 %mine, label %slots, label %held
held:
  %full = icmp uge i64 %more, {SLOTS}
  br i1 %full, label %wait, label %done
wait:
  %asked.next = add i64 %asked, 1
  %long = icmp ugt i64 %asked.next, {_YIELDS}
  br i1 %long, label %doze, label %yield
yield:
  %yielded = call i32 @sched_yield()
  br label %ask
doze:
  ; nobody is to be deaf to Ctrl-C, or busy, while a disk is slow: Python writes, in its own time
  %tired = icmp ugt i64 %asked.next, {_YIELDS + _SLEEPS}
  br i1 %tired, label %gives.up, label %sleep
sleep:
  %slept = call i32 @usleep(i32 50)
  br label %ask
slots:
  %j = phi i64 [ 0, %ask ], [ %j.next, %written ]
  %j.some = icmp ult i64 %j, %more
  br i1 %j.some, label %one, label %all
one:
  %j.many = mul i64 %j, {_WORDS}
  %j.at = add i64 %j.many, {_SLOT}
  %j.p = getelementptr i64, ptr %table, i64 %j.at
  %j.buffer = load ptr, ptr %j.p
  %j.place.p = getelementptr i64, ptr %j.p, i64 {_PLACE}
  %j.place = load i64, ptr %j.place.p
  %j.bytes.p = getelementptr i64, ptr %j.p, i64 {_BYTES}
  %j.bytes = load i64, ptr %j.bytes.p
  br label %writing
writing:
  %w = phi i64 [ 0, %one ], [ %w.next, %some ]
  %w.from = getelementptr i8, ptr %j.buffer, i64 %w
  %w.left = sub i64 %j.bytes, %w
  %w.step = load i64, ptr %step.p
  %w.long = icmp ugt i64 %w.left, %w.step
  %w.want = select i1 %w.long, i64 %w.step, i64 %w.left
  %w.start = call i64 @now()
  %w.to = add i64 %j.place, %w
  %put = call i64 @pwrite(i32 %fd, ptr %w.from, i64 %w.want, i64 %w.to)
  %w.bad = icmp sle i64 %put, 0
  br i1 %w.bad, label %cannot, label %some
some:
  %w.end = call i64 @now()
  call void @pace(ptr %table, i64 %put, i64 %w.start, i64 %w.end)
  %w.next = add i64 %w, %put
  %w.part = icmp ult i64 %w.next, %j.bytes
  br i1 %w.part, label %writing, label %written
written:
  %j.next = add i64 %j, 1
  br label %slots
all:
  store i64 0, ptr %waiting.p
  store atomic i32 0, ptr %token release, align 4
  br label %done
done:
  ret i64 0
cannot:
  store atomic i32 0, ptr %token release, align 4
  br label %gives.up
gives.up:
  ret i64 1
}}
"""
"""Functions that compiled code calls: ``@slot(table)``, when it has something to put in a buffer, and then
``@settle(table, place, bytes)``."""


class Turns:
    """The buffers of one thread.

    Parameters
    ----------
    nbytes : int
        How large each of them is.
    spare : callable
        Gives so many bytes of memory.

    Attributes
    ----------
    address : int
        Where compiled code finds the table.
    nbytes : int
        How large each buffer is.
    """

    def __init__(self, nbytes: int, spare: Callable[[int], np.ndarray]) -> None:
        self.nbytes = nbytes
        self._buffers = [spare(nbytes) for _ in range(SLOTS)]
        self._table = np.zeros(_SLOT + _WORDS * SLOTS, np.int64)
        self._slots = self._table[_SLOT:].reshape(-1, _WORDS)
        self._table[_STEP] = LONGEST
        self._slots[:, _BUFFER] = [b.ctypes.data for b in self._buffers]
        self.address: int = self._table.ctypes.data

    def write_to(self, fd: int, token: int) -> None:
        """Set the descriptor of the file, and the address of the number, 0 or 1, that says who has it."""
        self._table[_FD], self._table[_TOKEN] = fd, token

    @property
    def waiting(self) -> int:
        """How many buffers wait to be written."""
        return int(self._table[_WAITING])

    def taken(self) -> Iterator[tuple[memoryview, int]]:
        """Yield the bytes that wait, and their place in the file; when all are taken, none wait any more."""
        for k in range(self.waiting):
            _, place, n = self._slots[k].tolist()
            yield self._buffers[k][:n].data, place
        self.drop()

    def drop(self) -> None:
        """Forget what waits."""
        self._table[_WAITING] = 0
