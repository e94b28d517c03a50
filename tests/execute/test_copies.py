"""Images that are only copied, and results that go to writers by whole blocks: all give the same file."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lattice
from lattice.config import Options, set_options
from lattice.errors import StorageError
from lattice.execute import schedule
from lattice.execute.copies import Copies
from lattice.execute.run import save
from lattice.io.base import ImageSpec
from lattice.io.casa import tile_writes
from lattice.io.casa.image import CasaFormat
from lattice.native.machine import has_compiler
from tests.graphs import image as graph

TYPES = [np.float32, np.float64, np.complex64, np.complex128]
FILES = ["table.f0_TSM0", "mask0/table.f0_TSM0"]


def bytes_of(path: Path) -> list[bytes]:
    """Return pixels and mask as they are in the files of a CASA image."""
    return [p.read_bytes() for p in (path / name for name in FILES) if p.exists()]


@st.composite
def cases(draw: st.DrawFn) -> tuple[Any, ...]:
    shape = tuple(draw(st.lists(st.integers(1, 40), min_size=2, max_size=4)))
    tile = tuple(draw(st.integers(1, n)) for n in shape)
    return (
        shape,
        tile,
        draw(st.sampled_from(TYPES)),
        draw(st.sampled_from(["little", "big"])),
        draw(st.booleans()),
        draw(st.booleans()),
        draw(st.sampled_from([None, 500])),
    )


@settings(max_examples=30, deadline=None)
@given(case=cases())
def test_memory_is_saved_as_it_is(case: tuple[Any, ...]) -> None:
    shape, tile, dtype, endian, masked, turned, block = case
    rng = np.random.default_rng(sum(shape))
    values: np.ndarray = rng.normal(size=shape).astype(dtype)
    mask = rng.random(shape) < 0.8 if masked else None
    order: Any = "F" if turned else "C"
    image = lattice.Image(values.copy(order), mask=mask)
    with tempfile.TemporaryDirectory() as folder, set_options(progress=False):
        found = []
        for jit in (False, "auto", True):
            path = Path(folder, f"{jit}.image")
            with set_options(jit=jit, **({} if block is None else {"block": block})):
                saved = image.save(path, tile=tile, endian=endian)
                np.testing.assert_array_equal(saved.values, values)
                good = np.ones(shape, bool) if mask is None else mask
                np.testing.assert_array_equal(
                    np.ones(shape, bool) if saved.mask is None else saved.mask, good
                )
            found.append(bytes_of(path))
        assert found[0] == found[1] == found[2]
        assert len(found[0]) == 1 + masked


def test_nothing_is_computed_where_nothing_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rng: np.random.Generator
) -> None:
    values = rng.normal(size=(30, 40, 50)).astype(np.float32)
    made: list[Any] = []
    whole = schedule.Job._made
    monkeypatch.setattr(schedule.Job, "_made", lambda job: made.append(whole(job)) or made[-1])
    lattice.Image(values).save(tmp_path / "a.image")
    lattice.Image(values, mask=values > 0).save(tmp_path / "b.image")
    lattice.Image(values).save(tmp_path / "c.fits")
    lattice.open(tmp_path / "a.image")[3:20, 5:, ::2].save(tmp_path / "d.image", tile=(4, 8, 8))
    kinds = [type(m) is Copies for m in made]
    assert kinds == [True, True, False, True]
    np.testing.assert_array_equal(lattice.open(tmp_path / "d.image").values, values[3:20, 5:, ::2])


@pytest.mark.parametrize("block", [None, 700])
def test_results_go_to_blocks_of_tiles(block: int | None, tmp_path: Path, rng: np.random.Generator) -> None:
    pytest.importorskip("llvmlite")
    values = rng.normal(size=(21, 50, 70)).astype(np.float32)
    values[values > 1.5] = np.nan
    lattice.Image(values).save(tmp_path / "a.fits")
    image = lattice.open(tmp_path / "a.fits")
    images = {"same": image, "twice": image * 2 + 1, "cut": image[image > 0], "double": image.double() / 3}
    for name, one in images.items():
        found = []
        for jit in (False, True):
            path = tmp_path / f"{name}-{jit}.image"
            with set_options(jit=jit, **({} if block is None else {"block": block})):
                one.save(path, tile=(4, 16, 32))
            found.append(bytes_of(path))
        assert found[0] == found[1]
        assert len(found[0]) == 2


def test_a_full_disk_says_so_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rng: np.random.Generator
) -> None:
    image = lattice.Image(rng.normal(size=(40, 100, 100)).astype(np.float32))
    write = os.pwrite
    calls = []

    def full(fd: int, data: Any, place: int) -> int:
        calls.append(place)
        if len(calls) > 2:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(fd, data, place)

    monkeypatch.setattr(os, "pwrite", full)
    with set_options(block=20_000), pytest.raises(StorageError, match="No space left") as caught:
        image.save(tmp_path / "a.image", tile=(4, 16, 16))
    assert "disk is full" in (caught.value.hint or "")
    assert os.listdir(tmp_path) == []


_KILLED = """
import os, signal, sys
import numpy as np
import lattice
calls = []
write = os.pwrite
def killed(*given):
    calls.append(given)
    if len(calls) > 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return write(*given)
os.pwrite = killed
with lattice.set_options(block=20_000):
    lattice.Image(np.ones((40, 100, 100), np.float32)).save(sys.argv[1], tile=(4, 16, 16))
"""


def test_who_is_killed_leaves_nothing_that_looks_like_an_image(tmp_path: Path) -> None:
    target = tmp_path / "a.image"
    done = subprocess.run([sys.executable, "-c", _KILLED, str(target)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert not target.exists()
    lattice.Image(np.ones((4, 5), np.float32)).save(target)
    assert os.listdir(tmp_path) == ["a.image"]


@pytest.mark.parametrize("name", ["a.zarr", "a.h5", "a.fits.fz", "a.fits", "a.image", "a.npy", "a.mir"])
def test_every_writer_gets_blocks_that_are_its_own(
    name: str, tmp_path: Path, rng: np.random.Generator
) -> None:
    pytest.importorskip("llvmlite")
    if name == "a.h5":
        pytest.importorskip("h5py")
    values = rng.integers(0, 50, size=(19, 60, 70)).astype(np.float32)
    lattice.Image(values).save(tmp_path / "source.fits")
    image = lattice.open(tmp_path / "source.fits") * 2
    for jit in (False, True):
        # many blocks in each thread, one after the other in the same memory
        with set_options(jit=jit, block=5000, workers=3):
            saved = image.save(tmp_path / f"{jit}-{name}")
        np.testing.assert_array_equal(saved.values, 2 * values)


def test_writers_ask_for_the_option_of_the_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.arange(6 * 40 * 50, dtype="f4").reshape(6, 40, 50)
    for name in ("_FROM_LOADED", "_FROM_NOTHING"):
        monkeypatch.setattr(f"lattice.io.casa.tile_writes.{name}", 0)
    asked: list[Any] = []
    takes_turns = tile_writes._takes_turns

    def noted(*args: Any) -> bool:
        asked.append(takes_turns(*args))
        return False

    monkeypatch.setattr(tile_writes, "_takes_turns", noted)
    spec = ImageSpec(values.shape, ("z", "y", "x"), values.dtype, "", None, masked=False, meta=(), history=())
    for jit in (False, "auto"):
        asked.clear()
        path = tmp_path / f"{jit}.image"
        with CasaFormat().create(str(path), spec, tile=(3, 8, 16)) as output:
            # not those of this context
            save(graph(values), output, options=Options(jit=jit, block=4000))
        assert set(asked) == {jit == "auto" and has_compiler()}
        np.testing.assert_array_equal(lattice.open(str(path)).values, values)
