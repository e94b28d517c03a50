"""Tiled images are run through in the order of their files where nothing depends on places."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lattice
from lattice import Image
from lattice.config import set_options
from lattice.execute.run import save
from lattice.io.base import ImageSpec
from lattice.io.casa.image import CasaFormat
from lattice.io.casa.tiles import TileReader
from lattice.plan.program import lower
from lattice.plan.storage_order import in_storage_order

RNG = np.random.default_rng(6)
SHAPE = (8, 12, 20)
A, B = (RNG.normal(size=SHAPE).astype("f4") for _ in range(2))


def saved(path: Path, values: np.ndarray, tile: tuple[int, ...] = (4, 6, 10), **more: Any) -> Image:
    return Image(values, **more).save(path, tile=tile, overwrite=True)


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Image, Image]:
    return saved(tmp_path / "a.image", A), saved(tmp_path / "b.image", B)


def flat(image: Image) -> bool:
    return in_storage_order(lower([image.node], image.shape)) is not None


def test_which_programs_may(tmp_path: Path, pair: tuple[Image, Image]) -> None:
    a, b = pair
    assert flat(a + 2 * b)
    assert flat((a > 0) & (b < 1))
    assert not flat(a[1:])
    assert not flat(a.transpose(1, 0, 2))
    assert not flat(a + Image(B))
    assert not flat(a + saved(tmp_path / "c.image", B, (4, 6, 20)))
    assert not flat(saved(tmp_path / "d.image", A, (3, 6, 10)))  # padded
    assert flat(saved(tmp_path / "e.image", A, mask=A > 0))
    assert not flat(saved(tmp_path / "f.image", A, (4, 3, 1), mask=A > 0))  # a tile ends within a byte
    assert not flat(a.rebin(2))
    assert not flat(Image(A) + 1)


@pytest.mark.parametrize("jit", [False, "auto"])
@pytest.mark.parametrize("endian", ["little", "big"])
def test_results_are_the_same(tmp_path: Path, jit: Any, endian: str) -> None:
    a = Image(A).save(tmp_path / "a.image", tile=(4, 6, 10), endian=endian)
    b = saved(tmp_path / "b.image", B)
    with set_options(jit=jit, block=500, strip=100):
        out = (2 * a - b).save(tmp_path / "c.image", tile=(4, 6, 10))
        np.testing.assert_array_equal(out.values, 2 * A - B)
        assert float((a * b).sum()) == pytest.approx(float((A * B).sum(dtype="f8")), rel=1e-6)
        assert float(a.median()) == np.sort(A, axis=None)[A.size // 2 - 1]  # LEL takes the lower one
        found = (a - b).statistics(robust=True)
        low = np.unravel_index(int((A - B).argmin()), SHAPE)
        assert tuple(found.minpos) == tuple(int(i) for i in low)
        assert float(found.median) == pytest.approx(float(np.median(A - B)), abs=1e-6)
        masked = a[a > 0].save(tmp_path / "m.image", tile=(4, 6, 10))
        np.testing.assert_array_equal(masked.to_masked_array().mask, A <= 0)
        other = (a + b).save(tmp_path / "o.image", tile=(2, 12, 20))
        np.testing.assert_array_equal(other.values, A + B)


@pytest.mark.parametrize("jit", [False, True])
@pytest.mark.parametrize("tile", [(4, 6, 10), (3, 8, 5), (8, 12, 20), (5, 5, 7)])
def test_masks_go_along(tmp_path: Path, jit: bool, tile: tuple[int, ...]) -> None:
    good_a, good_b = RNG.random((2, *SHAPE)) < 0.7
    a, b = (
        saved(tmp_path / "a.image", A, tile, mask=good_a),
        saved(tmp_path / "b.image", B, tile, mask=good_b),
    )
    c = saved(tmp_path / "c.image", B, tile)
    with set_options(jit=jit, block=333, strip=100, workers=3):
        for x, values, good in (
            (a + b, A + B, good_a & good_b),
            (a * c, A * B, good_a),
            (c[c > 0], B, B > 0),
            (a[b > 0], A, good_a & good_b & (B > 0)),
        ):
            out = x.save(tmp_path / "o.image", tile=tile, overwrite=True)
            np.testing.assert_array_equal(out.to_masked_array().mask, ~good)
            np.testing.assert_array_equal(out.values[good], values[good])
            assert int(x.statistics(["npts"])["npts"]) == good.sum()
            assert x.sum() == pytest.approx(values[good].sum(dtype="f8"), abs=1e-4)
            assert float(x.median()) == np.sort(values[good])[(good.sum() - 1) // 2]


def test_further_masks_are_written(tmp_path: Path) -> None:
    good, other = RNG.random((2, *SHAPE)) < 0.7
    both = Image(A, mask=good, masks={"other": other}).save(tmp_path / "a.image", tile=(4, 6, 10))
    for x in (both, both + 1):
        out = x.save(tmp_path / "b.image", tile=(4, 6, 10), overwrite=True)
        np.testing.assert_array_equal(out.to_masked_array().mask, ~good)
        np.testing.assert_array_equal(lattice.open(tmp_path / "b.image").masks["mask0"].values, good)
    names = set(lattice.open(tmp_path / "a.image").masks)
    assert names == {"mask0", "other"}


@pytest.mark.parametrize("jit", [False, True])
def test_a_mask_of_good_pixels_is_written_too(tmp_path: Path, pair: tuple[Image, Image], jit: bool) -> None:
    spec = ImageSpec(SHAPE, pair[0].dims, np.dtype("f4"), masked=True)
    with (
        set_options(jit=jit),
        CasaFormat().create(str(tmp_path / "m.image"), spec, tile=(4, 6, 10)) as output,
    ):
        assert in_storage_order(lower([pair[0].node], SHAPE), [(output.writer, True)]) is not None
        save((pair[0] + 1).node, output)
    found = lattice.open(tmp_path / "m.image")
    np.testing.assert_array_equal(found.masks["mask0"].values, np.ones(SHAPE, bool))
    np.testing.assert_array_equal(found.values, A + 1)


def test_readers_tell_how_their_pixels_follow(pair: tuple[Image, Image]) -> None:
    reader = pair[0].node.reader  # type: ignore[attr-defined]
    assert isinstance(reader, TileReader)
    found = reader.in_storage_order()
    assert found is not None
    key, line = found
    assert key == (SHAPE, (4, 6, 10))
    tiles = A.reshape(2, 4, 2, 6, 2, 10).transpose(0, 2, 4, 1, 3, 5).reshape(-1)
    np.testing.assert_array_equal(line.read((slice(0, A.size, 1),)), tiles)


def test_a_saved_image_is_whole(tmp_path: Path, pair: tuple[Image, Image]) -> None:
    a, b = pair
    (a + b).save(tmp_path / "sum.image", tile=(4, 6, 10))
    again = lattice.open(tmp_path / "sum.image")
    np.testing.assert_array_equal(again[3:7, 5, ::3].values, (A + B)[3:7, 5, ::3])


@pytest.mark.parametrize(
    "items", [(slice(0, 4),), (slice(None), slice(0, 6)), (slice(0, 3), slice(0, 5), slice(0, 7))]
)
def test_the_first_pixels_are_not_the_whole(pair: tuple[Image, Image], items: tuple[slice, ...]) -> None:
    part, values = pair[0][items], A[items].astype(float)
    assert in_storage_order(lower([part.node], part.shape)) is None
    assert float(part.sum()) == pytest.approx(values.sum())
    assert float(part.statistics(("median",))["median"]) == pytest.approx(np.median(values))
