"""Compiled loops against the numpy kernels: the same bits, whatever the files, cuts and masks are."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import given
from hypothesis import strategies as st

import lattice
from lattice.errors import StorageError
from lattice.execute import drive, fusion, measure, native, targets
from lattice.execute.buffers import memory
from lattice.execute.sinks import BlockSink
from lattice.functions.states import LANES, Moments
from lattice.graph.sections import boxes, full, shape_of
from lattice.io import files
from lattice.plan.program import lower
from lattice.regions import Circle, PixelBox, PixelEllipsoid
from tests.execute.test_random_trees import SETTINGS

pytest.importorskip("llvmlite")

SHAPE = (5, 70, 301)
TEXTS = (
    "a+b",
    "a*2",
    "2*sin(a)+b*b",
    "iif(a>0 && b<1, sqrt(abs(a)), exp(b))",
    "a[a>0.5]",
    "a-b[b>0]",
    "max(a,b)-min(a,0)+round(3*b)",
    "sin(cos(a)+b)*tan(a)",
    "a>b",
    "(a>b)[a>0]",
    "fmod(a,b)",
    "value(a)",
    "-a/0",
    "d+a",
    "a[index0 in [3:20]]",
)
REDUCTIONS = ("mean", "sum", "stddev", "median", "min", "max", "nelements", "avdev", "variance")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Cubes with bad pixels: a and b in single, d in double precision, i of integers."""
    path = tmp_path_factory.mktemp("cubes")
    rng = np.random.default_rng(7)
    for name, kind in (("a", ">f4"), ("b", ">f4"), ("d", ">f8"), ("i", ">i2")):
        values = rng.normal(0.5, 40.0 if kind == ">i2" else 1.0, SHAPE)
        if kind != ">i2":
            values[rng.random(SHAPE) < 0.01] = np.nan
            values[1, :40] = np.nan
        fits.writeto(path / f"{name}.fits", values.astype(kind))
    return path


def saved(folder: Path, text: str, **options: Any) -> bytes:
    out = folder / "out.fits"
    with lattice.set_options(**options):
        names = {n: lattice.open(str(folder / f"{n}.fits")) for n in "abdi"}
        lattice.expr(text, **names).save(str(out), overwrite=True)
    return out.read_bytes()


@pytest.mark.parametrize("text", TEXTS)
def test_saved_files_have_the_same_bytes(folder: Path, text: str) -> None:
    plain = saved(folder, text, jit=False)
    assert saved(folder, text, jit=True) == plain
    assert saved(folder, text, jit=True, block=5000, workers=3) == plain


def test_files_with_planes_of_masks_have_the_same_bytes(folder: Path) -> None:
    out = folder / "planes.fits"
    found = []
    for jit in (False, True):
        with lattice.set_options(jit=jit, block=4000):
            a = lattice.open(str(folder / "a.fits"))
            a[a > 0.5].save(str(out), overwrite=True, mask="extension")
        found.append(out.read_bytes())
    assert found[0] == found[1]


@pytest.mark.parametrize("name", REDUCTIONS)
@pytest.mark.parametrize("x", ["a", "a*b", "a[b>0]", "d", "i", "sin(a)", "a[a>1e9]"])
def test_reductions_have_the_same_bits(folder: Path, name: str, x: str) -> None:
    found = []
    for options in (
        {"jit": False},
        {"jit": False, "strip": 3000},
        {"jit": True},
        {"jit": True, "workers": 4},
    ):
        with lattice.set_options(block=50_000, **options):
            names = {n: lattice.open(str(folder / f"{n}.fits")) for n in "abdi"}
            found.append(lattice.expr(f"{name}({x})", **names).compute())
    assert len({repr(f) for f in found}) == 1


REGIONS = {
    "circle": Circle(("150pix", "33pix"), "30pix"),
    "circle in some planes": Circle(("150pix", "33pix"), "30pix") & PixelBox((1, 0, 0), (3, 69, 300)),
    "ellipsoid": PixelEllipsoid((2, 30, 100), (2.5, 28, 90)),
    "box": PixelBox((0, 5, 7), (4, 60, 290)),
    "what is not in a circle": ~Circle(("150pix", "33pix"), "30pix"),
}


@pytest.mark.parametrize("region", list(REGIONS))
@pytest.mark.parametrize("block", [1700, 50_000])
def test_statistics_of_regions_have_the_same_bits(
    folder: Path, monkeypatch: pytest.MonkeyPatch, region: str, block: int
) -> None:
    monkeypatch.setattr(measure, "COLLECT_ALL", 1000)  # sampled, though it is small
    found = []
    for options in (
        {"jit": False},
        {"jit": False, "strip": 3000},
        {"jit": True},
        {"jit": True, "workers": 3},
    ):
        with lattice.set_options(block=block, **options):
            a, b = (lattice.open(str(folder / f"{n}.fits")) for n in "ab")
            pair = (a, a[b > 0] * 2)
            found += [dict(x.statistics(region=REGIONS[region], robust=True)) for x in pair]
    assert [repr(f) for f in found] == [repr(f) for f in found[:2]] * 4
    values = lattice.open(str(folder / "a.fits")).subimage(REGIONS[region]).compute()
    good = np.ma.compressed(values.to_masked_array())
    assert found[0]["npts"] == good.size > 1000
    assert found[0]["sum"] == pytest.approx(good.sum(dtype=float))


def test_a_cut_is_saved_with_the_same_bytes(folder: Path) -> None:
    out = folder / "cut.fits"
    found = []
    for jit in (False, True):
        with lattice.set_options(jit=jit, block=4000):
            a, d = (lattice.open(str(folder / f"{n}.fits")) for n in "ad")
            (a[1:4, 10:55, 20:] * 2 + d[1:4, 10:55, 20:]).save(str(out), overwrite=True)
            found.append(out.read_bytes())
    assert found[0] == found[1]


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="names of other processors")
@pytest.mark.parametrize("name", ["x86-64", "x86-64-v3"])
def test_other_processors_find_the_same(folder: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    texts = [f"{r}({x})" for r in ("median", "stddev", "max", "nelements") for x in ("a[b>0]", "d*b")]
    found, files = [], []
    for simple in (False, True):
        if simple:
            monkeypatch.setattr(native, "_made", {})
            monkeypatch.setattr(native, "processor", lambda: (name, ""))
        with lattice.set_options(jit=True, block=50_000):
            names = {n: lattice.open(str(folder / f"{n}.fits")) for n in "abd"}
            found.append([float(lattice.expr(t, **names)) for t in texts])
        files.append([saved(folder, t, jit=True) for t in TEXTS])
    assert found[0] == found[1]
    assert files[0] == files[1]


def test_places_of_extremes_are_the_first(folder: Path) -> None:
    values = np.zeros((4, 50, 40), np.float32)
    values[2, 3, 4] = values[3, 1, 1] = 7
    values[1, 2, 3] = values[3, 3, 3] = -7
    for jit in (False, True):
        with lattice.set_options(jit=jit, block=700):
            found = lattice.Image(values).statistics(["minpos", "maxpos"])
        assert (found["minpos"], found["maxpos"]) == ((1, 2, 3), (2, 3, 4))


@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_spread_far_from_zero_behind_a_border_without_pixels(offset: float) -> None:
    rng = np.random.default_rng(2)
    values = rng.normal(offset, 1.0, (3, 200, 300))
    values[:, :50] = np.nan
    values[0] = np.nan
    for jit in (False, True):
        with lattice.set_options(jit=jit):
            found = float(lattice.Image(values, mask=np.isfinite(values)).std())
        assert found == pytest.approx(np.nanstd(values, ddof=1), rel=1e-12)


def test_a_pivot_is_the_first_good_number() -> None:
    state = Moments()
    values = np.array([np.nan, np.inf, 3.0, 4.0], np.float32)
    state.update(values, np.array([False, False, True, True]), full((4,)))
    assert state.pivot == 3.0
    assert (state.n, state.total, state.m2) == (2, 7.0, 0.5)


def test_a_file_that_is_cut_off_during_the_run_is_an_error(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "_CHECK_SECONDS", -1.0)  # however soon after opening it is read
    path = folder / "short.fits"
    path.write_bytes((folder / "a.fits").read_bytes())
    image = lattice.open(str(path))
    with path.open("r+b") as file:
        file.truncate(10_000)
    with lattice.set_options(jit=True), pytest.raises(StorageError, match="changed"):
        image.mean().compute()


@pytest.mark.parametrize("block", [3000, 100_000])
def test_many_short_turns_of_many_threads_change_no_bit(
    folder: Path, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    texts = ("a+b", "a*2", "a[a>0.5]", "a>b")
    names = {n: lattice.open(str(folder / f"{n}.fits")) for n in "ab"}
    found = []
    for jit in (False, True):
        if jit:
            monkeypatch.setattr(drive, "_SHORTEST", LANES)
            monkeypatch.setattr(drive, "_CACHE", 64)
        with lattice.set_options(jit=jit, block=block, workers=4):
            sums = [repr(lattice.expr(f"{r}(a*b)", **names).compute()) for r in ("sum", "stddev", "median")]
        found.append((sums, [saved(folder, t, jit=jit, block=block, workers=4) for t in texts]))
    assert found[0] == found[1]


def test_writers_that_wait_for_their_turn_lose_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = saved(folder, "a+b", jit=False)
    monkeypatch.setattr(targets, "_AHEAD", 5)
    monkeypatch.setattr(fusion, "PIECE", 4096)
    for name in ("a+b", "a*1+b"):  # the second is not prepared yet
        assert saved(folder, name, jit=True, workers=4, block=9000)[-1000:] == plain[-1000:]


@SETTINGS
@given(st.lists(st.integers(1, 5), max_size=4), st.data())
def test_boxes_hold_the_pixels_in_order(shape: list[int], data: st.DataObject) -> None:
    n = int(np.prod(shape))
    start = data.draw(st.integers(0, n))
    stop = data.draw(st.integers(start, n))
    numbers = np.arange(n).reshape(shape)
    found = []
    for box, first in boxes(full(shape), start, stop):
        assert first == len(found)
        part = numbers[box]
        assert part.shape == shape_of(box)
        found += part.reshape(-1).tolist()
    assert found == list(range(start, stop))


def test_pieces_are_shorter_where_many_arrays_are_read() -> None:
    rng = np.random.default_rng(1)
    arrays = [rng.normal(size=(7, 41, 100)) for _ in range(200)]
    total = sum((lattice.Image(a) for a in arrays[1:]), lattice.Image(arrays[0]))
    found = []
    for jit in (False, True):
        with lattice.set_options(jit=jit):
            found.append(total.compute().values)
    np.testing.assert_array_equal(found[0], found[1])
    program = lower([total.node], total.shape)
    assert fusion.fusion(program, [BlockSink(total.dtype, False)]).piece == 8192


@pytest.mark.parametrize(
    "options",
    [
        {"bitpix": 16, "minpix": -5.0, "maxpix": 5.0},
        {"bitpix": 8, "bscale": 0.1, "bzero": -3.0},
        {"bitpix": -32},
        {"bitpix": -64},
        {"bitpix": 16},
    ],
    ids=str,
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_files_of_another_type_have_the_same_bytes(
    tmp_path: Path, options: dict[str, Any], dtype: type
) -> None:
    values = np.random.default_rng(4).uniform(-2, 2, (3, 40, 50)).astype(dtype)
    found = []
    for jit in (False, True):
        with lattice.set_options(jit=jit):
            (lattice.Image(values) + 0.5).save(str(tmp_path / "out.fits"), overwrite=True, **options)
        found.append((tmp_path / "out.fits").read_bytes())
    assert found[0] == found[1]
    stored = fits.getdata(tmp_path / "out.fits")
    np.testing.assert_allclose(stored, values + 0.5, atol=0.1 if options["bitpix"] == 8 else 1e-3)


def test_the_smaller_of_two_zeros_is_the_first() -> None:
    a = np.where(np.arange(77) % 3 == 0, 0.0, -0.0).astype(np.float32)
    for jit in (False, True):
        with lattice.set_options(jit=jit):
            for name in ("min", "max"):
                found = lattice.expr(f"{name}(a,b)", a=lattice.Image(a), b=lattice.Image(-a)).compute()
                np.testing.assert_array_equal(np.signbit(found.values), np.signbit(a))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are not forked here")
def test_a_fork_leaves_no_lock_behind() -> None:
    with native._lock, memory._lock:
        child = os.fork()
        if child == 0:
            free = native._lock.acquire(blocking=False) and memory._lock.acquire(blocking=False)
            os._exit(0 if free else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
