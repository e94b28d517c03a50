"""Sections of whole tiles written from memory that lies in any way, by any number of threads."""

from __future__ import annotations

import math
import os
import pickle
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lattice
from lattice.errors import StorageError
from lattice.graph.sections import full, grid
from lattice.io import raw
from lattice.io.casa.image import CasaFormat
from lattice.io.casa.tile_cuts import TileLayout
from lattice.io.casa.tile_writes import _Buffers, write_tiles
from lattice.io.casa.tiles import TileWriter
from lattice.native.lines import apart
from lattice.native.tiles import Tiles
from tests.io.casa.test_tiles import layout_of, pixels, stored

TYPES = ["<f4", ">f4", "<f8", ">f8", ">c8", "<c16", "?", "u1", ">i2", "<i4", ">i8"]


def placed(values: np.ndarray, how: str) -> np.ndarray:
    """Return equal values that lie in memory in another way."""
    if how == "turned":
        return np.asfortranarray(values)
    if how == "cut":  # out of a larger array
        larger = np.zeros([n + 3 for n in values.shape], values.dtype)
        larger[tuple(slice(1, n + 1) for n in values.shape)] = values
        return larger[tuple(slice(1, n + 1) for n in values.shape)]
    if how == "stepped":
        return np.repeat(values, 2, axis=-1)[..., ::2]
    if how == "backwards":
        return values[::-1].copy()[::-1]
    if how == "mirrored":
        return values[..., ::-1].copy()[..., ::-1]
    if how == "odd":  # at an address that is no multiple of anything
        odd: np.ndarray = np.zeros(values.nbytes + 1, np.uint8)[1:].view(values.dtype).reshape(values.shape)
        odd[...] = values
        return odd
    if how == "repeated":  # the same memory for each index of the first axis
        return np.broadcast_to(values[:1], values.shape)
    return values


WAYS = ["plain", "turned", "cut", "stepped", "backwards", "mirrored", "odd", "repeated"]


def blank(
    folder: Path, rng: np.random.Generator, shape: tuple[int, ...], tile: tuple[int, ...], dtype: str
) -> tuple[np.ndarray, TileLayout]:
    """Return values, and a file of zeros that they fit."""
    layout = layout_of(str(folder / "tiles"), shape, tile, dtype)
    Path(layout.path).write_bytes(bytes(layout.end))
    return pixels(rng, shape, dtype), layout


def bytes_of_calls(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list that gets the bytes that each compiled call is to write."""
    found: list[int] = []
    write = Tiles.write

    def noted(self: Tiles, *args: Any) -> tuple[int, bool]:
        found.append((args[-1] - args[-2]) * self.piece_bytes)
        return write(self, *args)

    monkeypatch.setattr(Tiles, "write", noted)
    return found


@st.composite
def cases(draw: st.DrawFn) -> tuple[Any, ...]:
    ndim = draw(st.integers(1, 4))
    shape = tuple(draw(st.lists(st.integers(1, 26), min_size=ndim, max_size=ndim)))
    tile = tuple(draw(st.integers(1, n)) for n in shape)
    blocks = tuple(t * draw(st.integers(1, 3)) for t in tile)
    room = draw(st.sampled_from([1 << 20, 4096, 600]))
    return (shape, tile, draw(st.sampled_from(TYPES)), draw(st.sampled_from([0, 13])), blocks), (
        draw(st.sampled_from(WAYS)),
        room,
        draw(st.booleans()),
    )


@settings(max_examples=150, deadline=None)
@given(case=cases())
def test_blocks_of_tiles_make_the_same_bytes_however_they_lie(case: tuple[Any, ...]) -> None:
    (shape, tile, dtype, gap, blocks), (how, room, jit) = case
    if jit:
        pytest.importorskip("llvmlite")
    values = pixels(np.random.default_rng(math.prod(shape)), shape, dtype)
    if how == "repeated":
        values[1:] = values[0]
    own = placed(values, how)
    assert np.array_equal(own, values)
    before = own.tobytes()
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        buffer = np.empty(room, np.uint8)  # so small that tiles are put in parts, and not at all
        for module in ("tile_writes", "bits"):
            patch.setattr(f"lattice.io.casa.{module}.scratch", lambda: buffer)
        patch.setattr("lattice.io.casa.tile_writes._ROOM", room)
        patch.setattr("lattice.io.casa.tile_writes._buffers", _Buffers())
        path = Path(folder, "tiles")
        layout = layout_of(str(path), shape, tile, dtype, gap)
        path.write_bytes(b"\xff" * gap + bytes(layout.end - gap))
        writer = TileWriter(layout)
        with lattice.set_options(jit=jit):
            for section in grid(shape, blocks):
                writer.write(section, own[section], None)
        assert path.read_bytes() == stored(values, tile, dtype, gap)
    assert own.tobytes() == before


@pytest.mark.parametrize("jit", [False, True])
@pytest.mark.parametrize("dtype", ["<f4", ">f8", "<c8", "?"])
def test_slabs_from_many_threads_with_a_mask(
    dtype: str, jit: bool, tmp_path: Path, rng: np.random.Generator
) -> None:
    if jit:
        pytest.importorskip("llvmlite")
    shape, tile = (37, 60, 70), (5, 16, 16)
    values, mask = pixels(rng, shape, dtype), rng.random(shape) < 0.7
    layouts: list[TileLayout] = []
    for name, kind in (("values", dtype), ("mask", "?")):
        layouts.append(layout_of(str(tmp_path / name), shape, tile, kind))
        Path(layouts[-1].path).write_bytes(bytes(layouts[-1].end))
    writer = TileWriter(layouts[0], TileWriter(layouts[1]))
    slabs = [(slice(z, min(z + 5, 37), 1), *full(shape)[1:]) for z in range(0, 37, 5)]
    good = mask.copy()
    good[5:10] = True

    def store(number: int) -> None:
        slab = slabs[number]
        with lattice.set_options(jit=jit):
            writer.write(slab, values[slab], None if number == 1 else mask[slab])

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(store, range(len(slabs))))
    assert Path(layouts[0].path).read_bytes() == stored(values, tile, dtype)
    assert Path(layouts[1].path).read_bytes() == stored(good, tile, "?")


def test_tiles_in_the_order_of_memory_are_not_copied(
    tmp_path: Path, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    shape, tile = (8, 20, 30), (2, 20, 30)
    values = pixels(rng, shape, "<f4")
    path = tmp_path / "tiles"
    layout = layout_of(str(path), shape, tile, "<f4")
    path.write_bytes(bytes(layout.end))
    monkeypatch.setattr("lattice.io.casa.tile_writes.np.copyto", None)
    TileWriter(layout).write(full(shape), values, None)
    assert path.read_bytes() == values.tobytes()
    assert raw.scratch().size >= layout.tile_bytes


def test_threads_take_turns_where_that_pays(
    tmp_path: Path, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("llvmlite")
    shape, tile = (6, 40, 50), (3, 8, 16)
    values, layout = blank(tmp_path, rng, shape, tile, "<f4")
    writer = TileWriter(layout)
    told = bytes_of_calls(monkeypatch)
    writer.write(full(shape), values, None)
    assert not told  # a small image
    for name in ("_FROM_LOADED", "_FROM_NOTHING"):
        monkeypatch.setattr(f"lattice.io.casa.tile_writes.{name}", 6 * 40 * 50)
    writer.write(full(shape), 2 * values, None)
    assert told
    assert Path(layout.path).read_bytes() == stored(2 * values, tile, "<f4")
    told.clear()
    with lattice.set_options(jit=False):
        writer.write(full(shape), values, None)
    assert not told
    assert Path(layout.path).read_bytes() == stored(values, tile, "<f4")


def test_no_call_writes_more_than_a_slow_disk_takes_in_a_second(
    tmp_path: Path, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("llvmlite")
    shape, tile = (64, 256, 256), (8, 32, 32)
    values, layout = blank(tmp_path, rng, shape, tile, "<f4")
    most = bytes_of_calls(monkeypatch)
    with lattice.set_options(jit=True):
        TileWriter(layout).write(full(shape), values, None)
    assert sum(most) == values.nbytes
    assert max(most) <= 2 << 20
    assert Path(layout.path).read_bytes() == stored(values, tile, "<f4")


def test_nothing_is_compiled_for_an_image_that_is_changed_in_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("llvmlite")
    monkeypatch.setattr(Tiles, "write", None)
    for name in ("_FROM_LOADED", "_FROM_NOTHING"):
        monkeypatch.setattr(f"lattice.io.casa.tile_writes.{name}", 0)
    values = np.arange(6 * 40 * 50, dtype="f4").reshape(6, 40, 50)
    path = str(tmp_path / "a.image")
    with lattice.set_options(jit=False):
        lattice.Image(values).save(path, tile=(3, 8, 16))
    section = (slice(0, 6, 1), slice(8, 24, 1), slice(0, 50, 1))
    with CasaFormat().update(path) as changed:
        changed.write(section, -values[section])
        other = pickle.loads(pickle.dumps(changed._pixels.writer))
        other.write(section, -values[section], None)
    values[section] *= -1
    np.testing.assert_array_equal(lattice.open(path).values, values)


@pytest.mark.parametrize("pieces", [1, 2, 3, 16])
def test_a_file_that_others_never_leave_is_written_nevertheless(
    pieces: int, tmp_path: Path, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("llvmlite")
    shape, tile = (9, 8, 48), (1, 4, 16)
    values, layout = blank(tmp_path, rng, shape, tile, ">f4")
    monkeypatch.setattr("lattice.io.casa.tile_writes._ROOM", layout.stride * 6)
    monkeypatch.setattr("lattice.io.casa.tile_writes._buffers", _Buffers())
    monkeypatch.setattr("lattice.io.casa.tile_writes._CALL", pieces)
    writer = TileWriter(layout)
    writer._token[0] = 1
    with lattice.set_options(jit=True):
        writer.write(full(shape), values, None)
    assert writer._token[0] == 1
    assert Path(layout.path).read_bytes() == stored(values, tile, ">f4")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
def test_a_full_disk_is_an_error_and_the_thread_writes_other_files(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    pytest.importorskip("llvmlite")
    shape, tile = (64, 64, 64), (8, 16, 16)
    values, good = blank(tmp_path, rng, shape, tile, "<f4")
    token = apart(1, np.int32)
    with lattice.set_options(jit=True):
        fd = os.open("/dev/full", os.O_RDWR)
        try:
            with pytest.raises(StorageError, match="/dev/full"):
                write_tiles(fd, replace(good, path="/dev/full"), full(shape), values, token.ctypes.data)
        finally:
            os.close(fd)
        assert token[0] == 0
        TileWriter(good).write(full(shape), values, None)
    assert Path(good.path).read_bytes() == stored(values, tile, "<f4")


def test_many_threads_share_a_few_buffers() -> None:
    buffers = _Buffers()
    taken = [buffers.take() for _ in range(6)]
    assert [t is not None for t in taken] == [True] * 4 + [False] * 2
    first = taken[0]
    assert first is not None
    buffers.give(first)
    assert buffers.take() is first
    assert buffers.take() is None
