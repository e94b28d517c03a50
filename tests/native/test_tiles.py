"""Tiles that compiled code puts together: who has to write them when the file is never free."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("llvmlite")

from lattice.native.lines import apart
from lattice.native.tiles import Tiles
from lattice.native.turns import SLOTS, Turns


@pytest.mark.parametrize("stop", [SLOTS, SLOTS + 1, 16])
def test_python_is_told_to_write_also_at_the_last_piece(tmp_path: Path, stop: int) -> None:
    values = np.arange(16 * 8.0)
    tiles = Tiles([16], [8], [8], [64], [8], 8, False, 0, 1)
    assert (tiles.pieces, tiles.piece_bytes) == (16, 64)
    turns, token = Turns(64, lambda n: np.zeros(n, np.uint8)), apart(1, np.int32)
    token[0] = 1  # another thread writes
    fd = os.open(tmp_path / "file", os.O_RDWR | os.O_CREAT)
    try:
        turns.write_to(fd, token.ctypes.data)
        assert tiles.write(turns, values.ctypes.data, 0, 0, stop) == (SLOTS, True)
        waiting = b"".join(data for data, _ in turns.taken())
        assert waiting == values[: SLOTS * 8].tobytes()
        token[0] = 0
        assert tiles.write(turns, values.ctypes.data, 0, SLOTS, 16) == (16, False)
        assert os.pread(fd, 2000, 0)[SLOTS * 64 :] == values[SLOTS * 8 :].tobytes()
    finally:
        os.close(fd)
