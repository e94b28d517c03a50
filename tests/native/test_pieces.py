"""Pieces of tiles put in their places: against plain arrays, and read in as many bytes as was planned."""

from __future__ import annotations

import itertools
import math
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("llvmlite")

from lattice.native import pieces
from lattice.native.pieces import Pieces, plan


def tiled(shape: tuple[int, ...], tile: tuple[int, ...], dtype: str) -> tuple[np.ndarray, bytes, list[int]]:
    """Return values, how they lie in a file of tiles, and the bytes from one tile to the next per axis."""
    values = np.arange(math.prod(shape)).reshape(shape).astype(dtype)
    counts = [-(-n // t) for n, t in zip(shape, tile, strict=True)]
    padded = np.zeros([c * t for c, t in zip(counts, tile, strict=True)], dtype)
    padded[tuple(slice(0, n) for n in shape)] = values
    parts = padded.reshape([m for c, t in zip(counts, tile, strict=True) for m in (c, t)])
    n = len(shape)
    stored = parts.transpose([*range(0, 2 * n, 2), *range(1, 2 * n, 2)]).tobytes()
    nbytes = math.prod(tile) * values.itemsize
    return values, stored, [nbytes * math.prod(counts[k + 1 :]) for k in range(n)]


@st.composite
def cases(draw: st.DrawFn) -> tuple[Any, ...]:
    n = draw(st.integers(1, 3))
    shape = tuple(draw(st.integers(1, 60 if n < 3 else 12)) for _ in range(n))
    tile = tuple(draw(st.integers(1, m)) for m in shape)
    bounds = []
    for m in shape:
        a, b = draw(st.integers(0, m - 1)), draw(st.integers(0, m - 1))
        bounds += [min(a, b), max(a, b) + 1]
    return shape, tile, bounds, draw(st.sampled_from(["<u1", ">u2", "<u4", ">u8"]))


@settings(max_examples=80, deadline=None)
@given(case=cases(), call=st.sampled_from([1, 200]))
def test_numbers_of_tiles_come_to_their_places(case: tuple[Any, ...], call: int) -> None:
    shape, tile, bounds, dtype = case
    values, stored, jumps = tiled(shape, tile, dtype)
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        path = Path(folder, "tiles")
        path.write_bytes(b"?" * 5 + stored)
        # each price of a call is a text of its own
        patch.setattr(pieces, "_CALL", call)
        patch.setattr("lattice.native.machine._made", _made.setdefault(call, {}))
        size = values.itemsize
        source = Pieces(5, tile, jumps, size, not values.dtype.isnative)
        ends = list(zip(bounds[::2], bounds[1::2], strict=True))
        out = np.zeros([b - a for a, b in ends], f"u{size}")
        scratch = np.empty(math.prod(tile) * size, np.uint8)
        with path.open("rb") as f:
            read = source.read(f.fileno(), bounds, out.ctypes.data, scratch.ctypes.data)
        np.testing.assert_array_equal(out, values[tuple(slice(a, b) for a, b in ends)])
        planned = plan(bounds, tile, size)
        assert planned is not None
        level, nbytes = planned
        assert read == nbytes == size * runs_of(ends, tile, level)


_made: dict[int, dict[Any, Any]] = {}


def runs_of(ends: list[tuple[int, int]], tile: tuple[int, ...], level: int) -> int:
    """Return how many numbers are read, counted read by read."""
    ranges = [range(a // t, (b - 1) // t + 1) for (a, b), t in zip(ends, tile, strict=True)]
    total = 0
    for tiles in itertools.product(*ranges):
        reads, length = 1, 1
        for k, ((a, b), t, number) in enumerate(zip(ends, tile, tiles, strict=True)):
            n = min(b, (number + 1) * t) - max(a, number * t)
            if k < level:
                reads *= n
            else:
                length += (n - 1) * math.prod(tile[k + 1 :])
        total += reads * length
    return total


def test_calls_are_traded_against_bytes() -> None:
    # a column of a cube: its pixels one by one, not all that is between them
    assert plan([0, 64, 7, 8, 7, 8], (4, 64, 128), 4) == (1, 64 * 4)
    # pixels close to each other: all between them
    assert plan([0, 4, 0, 2, 0, 2], (4, 4, 4), 4) == (0, (3 * 16 + 4 + 2) * 4)
    assert plan([0, 1 << 10, 0, 1 << 13], (64, 64), 4) is None


def test_what_cannot_be_read_is_left_to_others(tmp_path: Path) -> None:
    values, stored, jumps = tiled((12, 100), (4, 50), "<f4")
    path = tmp_path / "tiles"
    path.write_bytes(stored[:-1])
    out, scratch = np.zeros(values.shape, np.float32), np.empty(800, np.uint8)
    with path.open("rb") as f:
        source = Pieces(0, (4, 50), jumps, 4, False)
        assert source.read(f.fileno(), [0, 12, 0, 99], out.ctypes.data, scratch.ctypes.data) > 0
        assert source.read(f.fileno(), [0, 12, 0, 100], out.ctypes.data, scratch.ctypes.data) < 0
        huge = Pieces(0, (1, 1), (4, 4), 4, False)
        out[...] = 7
        assert huge.read(f.fileno(), [0, 1 << 12, 0, 1 << 12], out.ctypes.data, scratch.ctypes.data) < 0
        assert (out == 7).all()
