"""Sections of tiled arrays against plain arrays: any shape, tile, type, byte order, step."""

from __future__ import annotations

import math
import pickle
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lattice.errors import FormatError, StorageError
from lattice.graph.sections import Section, full, iter_grid, shape_of
from lattice.io.casa.tiled import default_tile, tile_bytes
from lattice.io.casa.tiles import TileLayout, TileReader, TileWriter, open_reader
from lattice.io.files import counting

TYPES = ["<f4", ">f4", "<f8", ">c8", "<c16", "?"]


def stored(values: np.ndarray, tile: tuple[int, ...], dtype: str, gap: int = 0) -> bytes:
    """Return the bytes of an array in tiles, made one tile after the other."""
    out = bytearray(b"\xff" * gap)
    grown = [-(-n // t) * t for n, t in zip(values.shape, tile, strict=True)]
    padded = np.zeros(grown, values.dtype)
    padded[tuple(slice(0, n) for n in values.shape)] = values
    for box in iter_grid(full(grown), tile):
        flat = padded[box].ravel()
        out += (
            np.packbits(flat, bitorder="little").tobytes() if dtype == "?" else flat.astype(dtype).tobytes()
        )
    return bytes(out)


def layout_of(
    path: str, shape: tuple[int, ...], tile: tuple[int, ...], dtype: str, gap: int = 0
) -> TileLayout:
    kind = np.dtype(dtype)
    return TileLayout(path, kind, shape, tile, gap, tile_bytes(kind, math.prod(tile)))


def pixels(rng: np.random.Generator, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    kind = np.dtype(dtype).newbyteorder("=")
    if kind.kind == "b":
        return rng.random(shape) < 0.5
    if kind.kind in "iu":
        return rng.integers(0, 1 << 8 * kind.itemsize - 1, shape).astype(kind)
    return rng.normal(size=shape).astype(kind)


@st.composite
def cases(draw: st.DrawFn) -> tuple[Any, ...]:
    ndim = draw(st.integers(1, 4))
    shape = tuple(draw(st.lists(st.integers(1, 30), min_size=ndim, max_size=ndim)))
    tile = tuple(draw(st.integers(1, n)) for n in shape)
    section = []
    for n in shape:
        start = draw(st.integers(0, n))
        stop = draw(st.integers(start, n))
        section.append(slice(start, stop, draw(st.integers(1, 9))))
    return shape, tile, draw(st.sampled_from(TYPES)), tuple(section), draw(st.sampled_from([0, 13]))


@settings(max_examples=300)
@given(case=cases())
def test_any_section_is_that_of_the_array(case: tuple[Any, ...]) -> None:
    shape, tile, dtype, section, gap = case
    rng = np.random.default_rng(math.prod(shape))
    values = pixels(rng, shape, dtype)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "tiles")
        path.write_bytes(stored(values, tile, dtype, gap))
        reader = open_reader(layout_of(str(path), shape, tile, dtype, gap), "t")
        with counting() as count:
            found = reader.read(section)
        np.testing.assert_array_equal(found, values[section])
        assert count.bytes == reader.bytes_read(section)
        out = np.empty(shape_of(section), reader.dtype)
        assert reader.read(section, out) is out
        np.testing.assert_array_equal(out, values[section])


@settings(max_examples=200)
@given(case=cases())
def test_any_section_without_steps_is_written_in_place(case: tuple[Any, ...]) -> None:
    shape, tile, dtype, section, gap = case
    section = tuple(slice(s.start, s.stop, 1) for s in section)
    rng = np.random.default_rng(math.prod(shape))
    values = pixels(rng, shape, dtype)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "tiles")
        path.write_bytes(stored(values, tile, dtype, gap))
        layout = layout_of(str(path), shape, tile, dtype, gap)
        new = pixels(rng, shape_of(section), dtype)
        TileWriter(layout).write(section, new.copy(), None)
        values[section] = new
        np.testing.assert_array_equal(open_reader(layout, "t").read(full(shape)), values)
        assert path.read_bytes()[:gap] == b"\xff" * gap


@pytest.mark.parametrize("dtype", ["<f4", ">f8", "?"])
def test_tiles_larger_than_any_buffer(dtype: str, tmp_path: Path, rng: np.random.Generator) -> None:
    shape, tile = (7, 900, 1501), (4, 700, 1400)
    layout = layout_of(str(tmp_path / "tiles"), shape, tile, dtype)
    Path(layout.path).touch()
    with open(layout.path, "r+b") as f:
        f.truncate(layout.end)
    values = pixels(rng, shape, dtype)
    writer = TileWriter(layout)
    for box in iter_grid(full(shape), (3, 400, 1501)):
        writer.write(box, values[box].copy(), None)
    reader = open_reader(layout, "t")
    np.testing.assert_array_equal(reader.read(full(shape)), values)
    for section in [
        (slice(0, 7, 1), slice(5, 6, 1), slice(3, 4, 1)),
        (slice(3, 5, 1), slice(650, 900, 1), slice(0, 1501, 1)),
        (slice(1, 7, 3), slice(0, 900, 7), slice(9, 1500, 11)),
    ]:
        with counting() as count:
            np.testing.assert_array_equal(reader.read(section), values[section])
        assert count.bytes == reader.bytes_read(section)


def test_threads_read_what_one_reads(tmp_path: Path, rng: np.random.Generator) -> None:
    shape, tile = (40, 90, 110), (7, 16, 24)
    sections: list[Section] = []
    for _ in range(300):
        ends = [sorted(int(i) for i in rng.integers(0, n + 1, 2)) for n in shape]
        sections.append(tuple(slice(a, b, int(rng.integers(1, 4))) for a, b in ends))
    for dtype in ["<f4", ">c16", "?"]:
        values = pixels(rng, shape, dtype)
        path = tmp_path / f"tiles{dtype[-1]}"
        path.write_bytes(stored(values, tile, dtype))
        reader = open_reader(layout_of(str(path), shape, tile, dtype), "t")
        with ThreadPoolExecutor(16) as pool:
            for section, found in zip(sections, pool.map(reader.read, sections), strict=True):
                np.testing.assert_array_equal(found, values[section])


def test_threads_write_disjoint_tiles(tmp_path: Path, rng: np.random.Generator) -> None:
    shape, tile = (40, 90, 110), (7, 16, 24)
    for dtype in ["<f4", "?"]:
        values = pixels(rng, shape, dtype)
        layout = layout_of(str(tmp_path / f"tiles{dtype[-1]}"), shape, tile, dtype)
        Path(layout.path).write_bytes(bytes(layout.end))
        writer = TileWriter(layout)
        boxes = list(iter_grid(full(shape), tile))
        with ThreadPoolExecutor(16) as pool:
            list(pool.map(lambda box, w=writer, v=values: w.write(box, v[box].copy(), None), boxes))
        np.testing.assert_array_equal(open_reader(layout, "t").read(full(shape)), values)


def test_far_tiles_of_a_sparse_file(tmp_path: Path) -> None:
    shape, tile = (1000, 2000, 3000), (16, 32, 64)
    layout = layout_of(str(tmp_path / "tiles"), shape, tile, "<f4")
    assert layout.end > 20 << 30
    with open(layout.path, "wb") as f:
        f.truncate(layout.end)
    section = (slice(990, 1000, 1), slice(1990, 2000, 1), slice(2900, 3000, 1))
    values = np.arange(10000, dtype="f4").reshape(10, 10, 100)
    TileWriter(layout).write(section, values.copy(), None)
    reader = open_reader(layout, "t")
    np.testing.assert_array_equal(reader.read(section), values)
    assert not reader.read((slice(0, 1000, 100), slice(0, 1, 1), slice(0, 1, 1))).any()


def test_a_reader_travels_and_notices_changes(tmp_path: Path, rng: np.random.Generator) -> None:
    values = pixels(rng, (9, 9), "<f4")
    path = tmp_path / "tiles"
    path.write_bytes(stored(values, (4, 4), "<f4"))
    reader = open_reader(layout_of(str(path), (9, 9), (4, 4), "<f4"), "t")
    again = pickle.loads(pickle.dumps(reader))
    assert again.token == reader.token
    np.testing.assert_array_equal(again.read(full((9, 9))), values)
    path.write_bytes(stored(values, (4, 4), "<f4") + b"more")
    time.sleep(0.01)  # the state of a file is looked at once in a millisecond
    with pytest.raises(StorageError, match="changed"):
        pickle.loads(pickle.dumps(reader)).read(full((9, 9)))


def test_a_file_that_ends_early_is_an_error(tmp_path: Path, rng: np.random.Generator) -> None:
    path = tmp_path / "tiles"
    path.write_bytes(stored(pixels(rng, (9, 9), "<f4"), (4, 4), "<f4")[:-62])
    reader = open_reader(layout_of(str(path), (9, 9), (4, 4), "<f4"), "t")
    with pytest.raises(FormatError, match="truncated"):
        reader.read(full((9, 9)))


@pytest.mark.parametrize(
    ("shape", "tile", "plain"),
    [
        ((5, 6, 7), (5, 6, 7), True),
        ((5, 6, 7), (2, 6, 7), True),
        ((5, 6, 7), (1, 2, 7), True),
        ((5, 6, 7), (1, 1, 3), True),
        ((5, 6, 7), (2, 2, 7), False),
        ((5, 6, 7), (1, 2, 3), False),
    ],
)
def test_strips_are_cheap_only_where_pixels_lie_in_c_order(
    shape: tuple[int, ...], tile: tuple[int, ...], plain: bool
) -> None:
    layout = layout_of("nowhere", shape, tile, "<f4")
    assert TileReader(layout, "t").direct is plain
    assert TileWriter(layout).direct is plain


@pytest.mark.parametrize("shape", [(1,), (7,), (10**9,), (3, 1, 5), (1024, 1024, 4, 3840), (99991, 99989)])
def test_the_default_tile_covers_the_image_cheaply(shape: tuple[int, ...]) -> None:
    tile = default_tile(shape)
    assert all(1 <= t <= n for t, n in zip(tile, shape, strict=True))
    assert math.prod(tile) <= 4 * 32768
    padded = math.prod(-(-n // t) * t for n, t in zip(shape, tile, strict=True))
    assert padded <= 1.2 * math.prod(shape)
