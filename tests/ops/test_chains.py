"""Chains of operations: one graph, a few passes, and no file in between; bytes and files are counted."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lattice
from lattice import Image
from lattice.io.files import counting
from tests.ops.every import CARDS, cube

SHAPE = (4, 160, 192)  # of each of three parts
PIXELS = 3 * 4 * 160 * 192 * 4  # bytes of all parts
_written: list[str] = []
_watching = [False]


def _hook(event: str, args: tuple[Any, ...]) -> None:
    if _watching[0] and event == "open" and args[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
        _written.append(str(args[0]))


sys.addaudithook(_hook)


def files_written(work: Callable[[], Any]) -> list[str]:
    """Return the files that are opened for writing meanwhile, by any thread."""
    _written.clear()
    _watching[0] = True
    try:
        work()
    finally:
        _watching[0] = False
    return [path for path in _written if path != os.devnull and "__pycache__" not in path]


@pytest.fixture
def parts(tmp_path: Path, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    monkeypatch.chdir(tmp_path)
    paths = []
    for k in range(3):
        values = rng.normal(0.5, 1, SHAPE).astype("f4")
        placed = cube(values).with_wcs(CARDS | {"CRPIX3": 2.0 - 4 * k})
        placed.save(tmp_path / f"part{k}.fits")
        paths.append(tmp_path / f"part{k}.fits")
    return paths


def chain(parts: list[Path]) -> Image:
    v = lattice.concat(parts, "frequency")
    return v[v > 0.1].smooth("3arcsec").moment(0).subimage(box="4,6,11,9")


def test_a_chain_is_one_pass(parts: list[Path]) -> None:
    made = chain(parts)
    plan = made.explain()
    assert len(plan.stages) == 1
    assert "part0.fits" in plan.text()
    assert made.shape == (4, 8)
    with counting() as count:
        files = files_written(lambda: made.values)
    assert files == []
    rows = 4 + 2 * 8  # the kernel reaches over 8 rows, at most
    assert count.bytes <= 12 * rows * SHAPE[2] * 4
    assert count.bytes == pytest.approx(plan.bytes_read, rel=0.5)


def test_a_chain_is_what_its_steps_are(parts: list[Path]) -> None:
    v = lattice.concat([lattice.open(p).compute() for p in parts], "frequency").compute()
    steps = v[v > 0.1].compute().smooth("3arcsec").compute().moment(0).compute()
    expected = steps.subimage(box="4,6,11,9").to_masked_array()
    found = chain(parts).to_masked_array()
    np.testing.assert_array_equal(np.ma.getmaskarray(found), np.ma.getmaskarray(expected))
    np.testing.assert_allclose(found.filled(0), expected.filled(0), rtol=1e-5, atol=1e-7)


def test_a_number_inside_adds_one_stage(parts: list[Path], tmp_path: Path) -> None:
    v = lattice.concat(parts, "frequency")
    made = v[v > 2 * v.std()].contsub(order=1).line.hanning().collapse("max", "frequency").rebin(2)
    plan = made.explain()
    assert len(plan.stages) == 2
    with counting() as count:
        files = files_written(lambda: made.save(tmp_path / "out.fits"))
    # the file that becomes the result, under its temporary name, and nothing else
    assert len({f for f in files if not f.endswith(("-wal", "-journal"))}) == 1, files
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out.fits", *(p.name for p in parts)]
    assert count.bytes <= 2 * PIXELS + (64 << 10)


def test_several_results_of_a_chain_share_its_pass(parts: list[Path], tmp_path: Path) -> None:
    v = lattice.concat(parts, "frequency")
    smooth = v[v > 0.1].smooth("3arcsec")
    maps = smooth.moments([0, 1, 2])
    with counting() as count:
        lattice.save({tmp_path / f"m{k}.fits": made for k, made in maps.items()})
    assert PIXELS <= count.bytes <= 1.6 * PIXELS + (64 << 10)  # blocks share the rows that kernels reach


def test_statistics_of_many_images_share_passes(parts: list[Path]) -> None:
    images = [lattice.open(p) for p in parts]
    derived = [images[0], images[0] * 2, images[0].hanning(), images[1]]
    with counting() as count:
        found = lattice.stat(*derived, robust=True)
    assert len(found) == 4
    # two passes (the second for the deviations from medians) over two files, whatever is made of them
    assert count.bytes <= 2 * 2 * images[0].nbytes * 1.6 + (64 << 10)
    for one, image in zip(found, derived, strict=True):
        alone = image.statistics(robust=True)
        assert list(alone) == list(one)
        for key, value in alone.items():
            assert one[key] == (value if isinstance(value, tuple) else pytest.approx(value, rel=1e-6)), key
