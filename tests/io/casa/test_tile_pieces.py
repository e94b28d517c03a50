"""Sections of tiles read by one compiled call: the same pixels, bytes and errors as without a compiler."""

from __future__ import annotations

import math
import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lattice.config import set_options
from lattice.errors import FormatError
from lattice.graph.sections import Section, shape_of
from lattice.io.casa import tile_pieces
from lattice.io.casa.tile_pieces import PieceReader
from lattice.io.casa.tiled import tile_bytes
from lattice.io.casa.tiles import TileLayout, TileReader, open_reader
from lattice.io.files import counting
from lattice.native import machine

pytest.importorskip("llvmlite")

TYPES = ["<f4", ">f4", "<f8", ">f8", "<c8", ">c8", "<c16", ">c16", ">i2", "<i4", "u1", "?"]


def reader_of(
    folder: str | Path, shape: tuple[int, ...], tile: tuple[int, ...], dtype: str, gap: int, plane: int | None
) -> TileReader:
    """Return a reader of a file of any bytes."""
    kind = np.dtype(dtype)
    path = Path(folder, "tiles")
    layout = TileLayout(str(path), kind, shape, tile, gap, tile_bytes(kind, math.prod(tile)), plane)
    path.write_bytes(np.random.default_rng(math.prod(shape)).bytes(layout.end))
    return open_reader(layout, "t")


@st.composite
def cases(draw: st.DrawFn) -> tuple[Any, ...]:
    ndim = draw(st.integers(2, 5))
    shape = tuple(draw(st.lists(st.integers(1, 24 if ndim < 4 else 9), min_size=ndim, max_size=ndim)))
    tile = tuple(draw(st.integers(1, n)) for n in shape)
    plane = draw(st.sampled_from([None, None, shape[0] - 1]))
    section = []
    for n in shape[plane is not None :]:
        start = draw(st.integers(0, n))
        stop = draw(st.integers(start, n))
        section.append(slice(start, stop, draw(st.sampled_from([1, 1, 1, 1, 1, 2, 7]))))
    return shape, tile, draw(st.sampled_from(TYPES)), draw(st.sampled_from([0, 13])), plane, tuple(section)


@settings(max_examples=300, deadline=None)
@given(case=cases())
def test_any_section_has_the_same_bits(case: tuple[Any, ...]) -> None:
    *of, section = case
    with tempfile.TemporaryDirectory() as folder:
        reader = reader_of(folder, *of)
        with set_options(jit=False):
            want = reader.read(section)
        with set_options(jit=True), counting() as count:
            found = reader.read(section, np.full(shape_of(section), 77, reader.dtype))
            assert count.bytes == reader.bytes_read(section)
        assert found.dtype == want.dtype
        assert found.tobytes() == want.tobytes()


SHAPE, TILE = (24, 70, 90), (8, 16, 32)
SECTION: Section = (slice(3, 23, 1), slice(5, 60, 1), slice(7, 80, 1))


@pytest.mark.parametrize("dtype", [">f4", "<c8"])
def test_it_is_one_call(dtype: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = reader_of(tmp_path, SHAPE, TILE, dtype, 0, None)
    with set_options(jit=False):
        want = reader.read(SECTION)
        assert reader._pieces.nbytes(SECTION) is None
    monkeypatch.delattr(os, "preadv")
    with set_options(jit=True), ThreadPoolExecutor(16) as pool:
        assert reader._pieces.nbytes(SECTION) == reader.bytes_read(SECTION)
        assert reader.read(SECTION).tobytes() == want.tobytes()
        for found in pool.map(reader.read, [SECTION] * 50):
            assert found.tobytes() == want.tobytes()


def test_other_targets_are_left_to_the_other_way(tmp_path: Path) -> None:
    reader = reader_of(tmp_path, SHAPE, TILE, "<f4", 0, None)
    with set_options(jit=True):
        want = reader.read(SECTION)
        out = np.empty(want.shape, np.float64)
        layout = reader.layout
        with open(layout.path, "rb") as f:
            for target in (out, np.repeat(want, 2, 2)[:, :, ::2], want[:-1]):
                assert not PieceReader(layout).read(f.fileno(), SECTION, target)


def test_a_short_file_is_an_error(tmp_path: Path) -> None:
    reader = reader_of(tmp_path, SHAPE, TILE, ">f4", 0, None)
    path = Path(reader.layout.path)
    os.truncate(path, path.stat().st_size // 2)
    short = open_reader(reader.layout, "t")
    with set_options(jit=True), pytest.raises(FormatError, match="truncated"):
        short.read(SECTION)


def test_few_sections_do_not_load_the_compiler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = reader_of(tmp_path, SHAPE, TILE, ">f4", 0, None)
    monkeypatch.setattr(tile_pieces._Seen, "sections", 0)
    monkeypatch.setattr(tile_pieces, "_LARGE", 1 << 30)
    monkeypatch.setattr(machine, "is_loaded", lambda: False)
    whole: Section = (slice(8, 24, 1), slice(16, 70, 1), slice(0, 32, 1))
    for _ in range(tile_pieces._FROM_NOTHING + 1):
        reader.read(whole)
    assert reader._pieces.nbytes(SECTION) is None
    for _ in range(tile_pieces._FROM_NOTHING):
        assert reader._pieces._pieces is None
        want = reader.read(SECTION)
    assert reader._pieces.nbytes(SECTION) is not None
    assert reader.read(SECTION).tobytes() == want.tobytes()
    assert reader._pieces._pieces is not None
    # what is made is used
    monkeypatch.setattr(tile_pieces._Seen, "sections", 0)
    assert reader._pieces.nbytes(whole) is not None


@pytest.mark.parametrize("dtype", ["<f4", ">c8"])
@pytest.mark.parametrize("most", [1 << 12, 40_000, 300_000])
def test_large_sections_are_read_in_parts(
    dtype: str, most: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = reader_of(tmp_path, SHAPE, TILE, dtype, 0, None)
    sections = [SECTION, (slice(4, 5, 1), *SECTION[1:]), (slice(4, 5, 1), slice(3, 4, 1), slice(1, 90, 1))]
    monkeypatch.setattr(tile_pieces, "MOST", most)
    for section in sections:
        with set_options(jit=False):
            want = reader.read(section)
        with set_options(jit=True), counting() as count:
            found = reader.read(section)
            assert count.bytes == reader.bytes_read(section)
        assert found.tobytes() == want.tobytes()
        if most > 1 << 12:
            # two rows of a plane are never too much
            assert count.calls == sum(
                1 for _ in reader._pieces._parts_of(reader._pieces._bounds(section) or [])
            )
