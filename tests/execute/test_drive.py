"""Reading, computing and writing by turns in compiled code, and what becomes of files that fail."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lattice.errors import StorageError
from lattice.execute import drive
from lattice.execute.buffers import memory
from lattice.execute.drive import Drive
from lattice.execute.emit import WIDTH, Input, Store, Sums, emit
from lattice.execute.native import loop
from lattice.functions.states import LANES
from lattice.graph.types import FLOAT
from lattice.native.lines import apart
from lattice.plan.program import Program
from tests.work import PATIENCE, wait_until

pytest.importorskip("llvmlite")

PROGRAM = Program((1,), (), (), {}, (FLOAT,), ((0, None),))


def copier() -> tuple[Drive, np.ndarray, np.ndarray]:
    """Return what copies swapped floats to native ones, its arguments and the buffer it reads into."""
    function = loop(emit(PROGRAM, [Input(0, swapped=True)], [], [Store(0, None)]))
    arguments = np.zeros(3, np.uint64)
    found = Drive(function, arguments, arguments.ctypes.data + 16, [4], 4, memory.take)
    step = int(found._table[drive._STEP])
    buffer = np.zeros(step + WIDTH, np.float32)
    arguments[0] = buffer.ctypes.data
    return found, arguments, buffer


@pytest.fixture(scope="module")
def pixels(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, np.ndarray]:
    values = np.random.default_rng(2).normal(size=400_000).astype(np.float32)
    path = tmp_path_factory.mktemp("drive") / "pixels"
    path.write_bytes(b"head" * 5 + values.astype(">f4").tobytes())
    return path, values


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 5000), st.integers(0, 390_000), st.integers(0, 3000))
def test_turns_copy_every_pixel(pixels: tuple[Path, np.ndarray], at: int, n: int, start: int) -> None:
    path, values = pixels
    stop = at + n
    turns, arguments, buffer = copier()
    token = apart(1, np.int32)
    source = os.open(path, os.O_RDONLY)
    out = os.open(path.parent / "out", os.O_RDWR | os.O_CREAT | os.O_TRUNC)
    try:
        turns.read_from([(source, 20, 4, buffer.ctypes.data)])
        turns.write_to(out, start, "out", token.ctypes.data)
        assert turns.run(at, stop) == stop
        turns.flush()
        written = np.frombuffer(os.pread(out, 4 * n, start + 4 * at), np.float32)
        np.testing.assert_array_equal(written, values[at:stop])
        assert os.fstat(out).st_size == (start + 4 * stop if n else 0)
        # and to memory, from some place on
        turns.write_nothing()
        memory = np.zeros(n + 7 + WIDTH, np.float32)
        arguments[2] = memory.ctypes.data
        assert turns.run(at, stop, 7) == stop
        np.testing.assert_array_equal(memory[7 : 7 + n], values[at:stop])
    finally:
        os.close(source)
        os.close(out)
    assert token[0] == 0


def test_a_file_that_ends_early_tells_where(pixels: tuple[Path, np.ndarray]) -> None:
    path, values = pixels
    turns, _, buffer = copier()
    token = apart(1, np.int32)
    source = os.open(path, os.O_RDONLY)
    out = os.open(path.parent / "early", os.O_RDWR | os.O_CREAT | os.O_TRUNC)
    try:
        turns.read_from([(source, 20, 4, buffer.ctypes.data)])
        turns.write_to(out, 0, "early", token.ctypes.data)
        reached = turns.run(0, 500_000)
        turns.flush()
        assert 300_000 < reached <= 400_000
        np.testing.assert_array_equal(np.fromfile(path.parent / "early", np.float32), values[:reached])
    finally:
        os.close(source)
        os.close(out)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a device of Linux")
def test_a_full_disk_is_an_error_and_others_get_their_turn(pixels: tuple[Path, np.ndarray]) -> None:
    path, _ = pixels
    turns, _, buffer = copier()
    token = apart(1, np.int32)
    source, out = os.open(path, os.O_RDONLY), os.open("/dev/full", os.O_RDWR)
    try:
        turns.read_from([(source, 20, 4, buffer.ctypes.data)])
        turns.write_to(out, 0, "/dev/full", token.ctypes.data)
        with pytest.raises(StorageError, match="/dev/full"):
            turns.run(0, 400_000)
    finally:
        os.close(source)
        os.close(out)
    assert token[0] == 0


@pytest.mark.parametrize("given", [True, False])
def test_who_has_to_wait_goes_on_when_the_file_is_free_or_at_last_without(
    pixels: tuple[Path, np.ndarray], given: bool
) -> None:
    path, values = pixels
    turns, _, buffer = copier()
    token = apart(1, np.int32)
    token[0] = 1  # another thread is writing
    source = os.open(path, os.O_RDONLY)
    out = os.open(path.parent / "waited", os.O_RDWR | os.O_CREAT | os.O_TRUNC)
    try:
        turns.read_from([(source, 20, 4, buffer.ctypes.data)])
        turns.write_to(out, 0, "waited", token.ctypes.data)
        thread = threading.Thread(target=turns.run, args=(0, 400_000))
        thread.start()
        if given:
            wait_until(lambda: turns._turns.waiting or not thread.is_alive(), "a turn that waits")
            token[0] = 0
        thread.join(PATIENCE)
        assert not thread.is_alive()
        turns.flush()
    finally:
        os.close(source)
        os.close(out)
    np.testing.assert_array_equal(np.fromfile(path.parent / "waited", np.float32), values)


def test_sums_go_on_from_turn_to_turn(pixels: tuple[Path, np.ndarray]) -> None:
    path, values = pixels
    function = loop(emit(PROGRAM, [Input(0, swapped=True)], [], [Sums(0, None, 1)]))
    lanes, pivot, good = apart((1, LANES), np.float64), apart(1, np.float64), apart(1, np.int64)
    arguments = np.zeros(5, np.uint64)
    turns = Drive(function, arguments, 0, [4], 0, memory.take)
    buffer = np.zeros(int(turns._table[drive._STEP]) + WIDTH, np.float32)
    arguments[:] = [buffer.ctypes.data, 0, lanes.ctypes.data, pivot.ctypes.data, good.ctypes.data]
    source = os.open(path, os.O_RDONLY)
    try:
        turns.read_from([(source, 20, 4, buffer.ctypes.data)])
        assert turns.run(0, 300_000) == 300_000
    finally:
        os.close(source)
    assert good[0] == 300_000
    expected = np.zeros(LANES)
    np.add.at(expected, np.arange(300_000) % LANES, values[:300_000].astype(float))
    np.testing.assert_allclose(lanes[0], expected)
