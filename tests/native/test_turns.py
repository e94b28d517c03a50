"""Buffers that wait for a file: one writer at a time, in order, and what Python has to do."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("llvmlite")

from lattice.native.lines import apart
from lattice.native.machine import function
from lattice.native.turns import LASTS, LONGEST, SETTLE, SHORTEST, SLOTS, SLOW, Turns

_STEP = """
define i64 @run(ptr %turns, i64 %value, i64 %place, i64 %bytes) {
  %slot = call ptr @slot(ptr %turns)
  %buffer = load ptr, ptr %slot
  %byte = trunc i64 %value to i8
  call void @llvm.memset.p0.i64(ptr %buffer, i8 %byte, i64 %bytes, i1 false)
  %settled = call i64 @settle(ptr %turns, i64 %place, i64 %bytes)
  ret i64 %settled
}
declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)
"""


def _text() -> tuple[str, int]:
    return SETTLE + _STEP, 4


@pytest.fixture
def file(tmp_path: Path) -> Iterator[int]:
    fd = os.open(tmp_path / "file", os.O_RDWR | os.O_CREAT)
    yield fd
    os.close(fd)


def test_who_gets_the_file_writes_all_that_waits(file: int) -> None:
    run = function(_text)
    turns, token = Turns(100, lambda n: np.zeros(n, np.uint8)), apart(1, np.int32)
    turns.write_to(file, token.ctypes.data)
    token[0] = 1  # another thread writes
    for k in range(SLOTS - 1):
        assert run(turns.address, 1 + k, 100 * k, 10 + k) == 0
    assert turns.waiting == SLOTS - 1
    assert os.fstat(file).st_size == 0
    token[0] = 0
    assert run(turns.address, 9, 1000, 100) == 0
    assert turns.waiting == token[0] == 0
    for k in range(SLOTS - 1):
        assert os.pread(file, 100, 100 * k).rstrip(b"\0") == bytes([1 + k]) * (10 + k)
    assert os.pread(file, 200, 1000) == b"\t" * 100


def test_python_writes_when_the_file_is_never_free(file: int) -> None:
    run = function(_text)
    turns, token = Turns(8, lambda n: np.zeros(n, np.uint8)), apart(1, np.int32)
    turns.write_to(file, token.ctypes.data)
    token[0] = 1
    codes = [run(turns.address, 1 + k, 8 * k, 8) for k in range(SLOTS)]
    assert codes == [0] * (SLOTS - 1) + [1]
    found = [(bytes(data), place) for data, place in turns.taken()]
    assert found == [(bytes([1 + k]) * 8, 8 * k) for k in range(SLOTS)]
    assert turns.waiting == 0
    assert token[0] == 1  # it is not ours


def test_a_file_that_cannot_be_written_is_left_to_others(tmp_path: Path) -> None:
    run = function(_text)
    (tmp_path / "file").write_bytes(b"")
    fd = os.open(tmp_path / "file", os.O_RDONLY)
    try:
        turns, token = Turns(8, lambda n: np.zeros(n, np.uint8)), apart(1, np.int32)
        turns.write_to(fd, token.ctypes.data)
        assert run(turns.address, 1, 0, 8) == 1
        assert token[0] == 0
        assert turns.waiting == 1
        turns.drop()
        assert turns.waiting == 0
    finally:
        os.close(fd)


_PACED = """
define i64 @run(ptr %turns, i64 %n, i64 %start, i64 %now) {
  call void @pace(ptr %turns, i64 %n, i64 %start, i64 %now)
  %step.p = getelementptr i64, ptr %turns, i64 2
  %step = load i64, ptr %step.p
  ret i64 %step
}
"""


def _paced() -> tuple[str, int]:
    return SETTLE + _PACED, 4


def test_writes_are_short_for_a_while_after_a_slow_one() -> None:
    run = function(_paced)
    turns = Turns(8, lambda n: np.zeros(n, np.uint8))
    start = 10**12
    quick, slow = LONGEST * SLOW // 2000, LONGEST * SLOW // 500
    assert run(turns.address, LONGEST, start, start + quick) == LONGEST
    assert run(turns.address, SHORTEST - 1, start, start + slow) == LONGEST  # too little to tell
    assert run(turns.address, LONGEST, start, start + slow) == LONGEST // 4
    assert run(turns.address, LONGEST // 4, start, start + slow) == SHORTEST
    assert run(turns.address, SHORTEST, start, start + slow) == SHORTEST
    later = start + slow + LASTS
    assert run(turns.address, SHORTEST, later - 1, later) == SHORTEST
    assert run(turns.address, SHORTEST, later, later + 1) == LONGEST


def test_long_writes_arrive_in_short_pieces(file: int) -> None:
    run = function(_text)
    size = 5 * SHORTEST + 7
    turns, token = Turns(size, lambda n: np.zeros(n, np.uint8)), apart(1, np.int32)
    turns.write_to(file, token.ctypes.data)
    turns._table[2] = SHORTEST
    assert run(turns.address, 3, 11, size) == 0
    assert os.pread(file, size + 100, 0) == bytes(11) + b"\3" * size
