"""Pieces of tiles put in their places: against plain arrays."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("llvmlite")

from lattice.native.pieces import read_pieces


@pytest.mark.parametrize("size", [1, 2, 4, 8])
@pytest.mark.parametrize("swap", [False, True])
def test_numbers_of_tiles_come_to_their_places(size: int, swap: bool, tmp_path: Path) -> None:
    if swap and size == 1:
        pytest.skip("one byte has no order")
    tiles = np.arange(3 * 2 * 4 * 50).astype(f"{'>' if swap else '<'}u{size}").reshape(3, 2, 4, 50)
    path = tmp_path / "tiles"
    path.write_bytes(b"?" * 5 + tiles.tobytes())
    values = tiles.transpose(0, 2, 1, 3).reshape(12, 100)
    jumps = 2 * 200 * size, 200 * size
    scratch = np.empty(200 * size, np.uint8)
    for a, b, c, d in [(0, 12, 0, 100), (1, 11, 3, 97), (5, 6, 49, 51), (4, 8, 0, 1)]:
        out = np.zeros((b - a, d - c + 1), f"u{size}")
        axes = np.array(
            [(a, b, 4, jumps[0], 50 * size, out.strides[0]), (c, d, 50, jumps[1], size, size)], np.int64
        )
        with open(path, "rb") as f:
            args = (axes, out.ctypes.data, scratch.ctypes.data, size, swap)
            assert read_pieces(f.fileno(), 5, *args)
            np.testing.assert_array_equal(out[:, :-1], values[a:b, c:d])
            assert not out[:, -1].any()
            assert not read_pieces(f.fileno(), 1 << 20, *args)
