"""Each way to read leaves for compiled loops gives the pixels of the block, and is taken where it serves."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

import lattice
from lattice.errors import StorageError
from lattice.execute import source
from lattice.execute.fused import Fused
from lattice.execute.fusion import fusion
from lattice.execute.sinks import BlockSink
from lattice.execute.targets import Turn
from lattice.plan.program import lower
from lattice.plan.stages import settle
from lattice.regions import Circle

pytest.importorskip("llvmlite")

SHAPE = (6, 20, 31)
VALUES = np.random.default_rng(4).normal(size=SHAPE).astype(np.float32)
WHOLE = tuple(slice(0, n, 1) for n in SHAPE)
CORNER = (slice(1, 5, 1), slice(3, 17, 1), slice(2, 30, 1))


@pytest.fixture
def cube(tmp_path: Path) -> lattice.Image:
    lattice.Image(VALUES).save(str(tmp_path / "cube.fits"))
    return lattice.open(str(tmp_path / "cube.fits"))


def loops(image: lattice.Image) -> Fused:
    """Return the loops that make the pixels of an image in memory."""
    program = lower(settle([image.node]), image.shape)
    sinks = [BlockSink(image.dtype, True)]
    found = fusion(program, sinks)
    assert found is not None
    return Fused(found, sinks, 1 << 16, Turn())


def kinds(made: Fused, section: Any) -> list[str]:
    """Return which ways are taken for a block."""
    with made.sources.of(section) as opened:
        return [type(way).__name__ for way in opened._ways]


def check(image: lattice.Image, section: Any, expected: np.ndarray, good: np.ndarray | None = None) -> Fused:
    made = loops(image)
    values, mask = made.run(section, None)[0]
    if good is None:
        assert mask is None or mask.all()
        np.testing.assert_array_equal(values, expected)
    else:
        np.testing.assert_array_equal(mask, good)
        np.testing.assert_array_equal(values[good], expected[good])
    return made


@pytest.mark.parametrize(("section", "way"), [(WHOLE, "_Run"), (CORNER, "_Box")])
def test_plain_files(cube: lattice.Image, section: Any, way: str) -> None:
    made = check(cube * 2, section, VALUES[section] * 2)
    assert kinds(made, section) == [way]
    assert made.sources.sizes == [4]
    with made.sources.of(section) as opened:
        assert (opened.files is None) == (way == "_Box")


@pytest.mark.parametrize("section", [WHOLE, CORNER])
def test_masks_of_regions_are_read_where_they_are(cube: lattice.Image, section: Any) -> None:
    cut = cube.subimage(region=Circle(("12pix", "9pix"), "6pix"), stretch=True)
    inner = tuple(slice(s.start, min(s.stop, n), 1) for s, n in zip(section, cut.shape, strict=True))
    expected = cut[inner].to_masked_array()
    made = check(cut, inner, expected.data, ~np.ma.getmaskarray(expected))
    assert sorted(kinds(made, inner)) in (["_Cut", "_Run"], ["_Box", "_Cut"])
    assert made.sources.sizes is None


@pytest.mark.parametrize("section", [WHOLE, CORNER])
def test_what_other_leaves_give(section: Any) -> None:
    good = VALUES > -1
    image = lattice.Image(VALUES, mask=good)
    made = check(image + 1, section, VALUES[section] + 1, good[section])
    assert set(kinds(made, section)) == {"_Given"}
    assert made.sources.sizes is None


def test_operations_are_fetched_once_for_the_block(
    cube: lattice.Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    smooth = cube.hanning("z") if "z" in cube.dims else cube.hanning(cube.dims[0])
    expected = smooth.to_masked_array()
    fetched = []
    fetch = source.fetch_blocks
    monkeypatch.setattr(source, "fetch_blocks", lambda *a: fetched.append(a[0]) or fetch(*a))
    made = check(smooth + 1, CORNER, expected.data[CORNER] + 1, ~np.ma.getmaskarray(expected)[CORNER])
    assert kinds(made, CORNER) == ["_Given"]
    assert [len(leaves) for leaves in fetched] == [1, 1]


def test_files_are_closed_whatever_happens(cube: lattice.Image, tmp_path: Path) -> None:
    made = loops(cube + lattice.Image(VALUES))
    os.truncate(tmp_path / "cube.fits", 4000)
    counts = []
    for _ in range(3):
        with pytest.raises(StorageError, match=r"cube\.fits"):
            made.run(WHOLE, None)
        counts.append(len(psutil.Process().open_files()))
    assert len(set(counts)) == 1
