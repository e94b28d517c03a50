"""Images exchanged with casacore in both directions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lattice

pytestmark = pytest.mark.oracle
ci = pytest.importorskip("casacore.images")

SHAPES = [
    ((40, 130, 170), ()),
    ((3, 37, 61), (2, 3, 2)),
    ((17,), ()),
    ((2, 3, 4, 5, 6), (2, 2, 1, 2, 2)),
    ((1, 1, 1, 1), ()),
    ((33, 21, 4, 3), (3, 1, 4, 2)),
]


def pixels(rng: np.random.Generator, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    values: Any = rng.normal(size=shape)
    return (values + 1j * values[::-1] if dtype[0] == "c" else values).astype(dtype)


@pytest.mark.parametrize("dtype", ["f4", "f8", "c8", "c16"])
@pytest.mark.parametrize(("shape", "tile"), SHAPES)
def test_pixels_and_masks_agree_in_both_directions(
    shape: tuple[int, ...], tile: tuple[int, ...], dtype: str, tmp_path: Path, rng: np.random.Generator
) -> None:
    values = pixels(rng, shape, dtype)
    bad = rng.random(shape) < 0.3
    theirs = str(tmp_path / "theirs.im")
    image = ci.image(theirs, values=np.ma.masked_array(values, bad), tileshape=tile, maskname="mask0")
    del image
    opened = lattice.open(theirs)
    found = opened.to_masked_array()
    assert opened.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(found.data[~bad], values[~bad])
    np.testing.assert_array_equal(np.ma.getmaskarray(found), bad)
    cuts = tuple(max(1, (n + 2) // 3) for n in shape)
    for number, options in enumerate([{}, {"tile": cuts}, {"tile": cuts, "endian": "big"}]):
        ours = str(tmp_path / f"ours{number}.im")
        opened.save(ours, **options)
        image = ci.image(ours)
        np.testing.assert_array_equal(image.getdata()[~bad], values[~bad])
        np.testing.assert_array_equal(image.getmask(), bad)
        del image


def test_the_default_tile_is_that_of_casacore(tmp_path: Path, rng: np.random.Generator) -> None:
    from lattice.io.casa.tables import Table
    from lattice.io.casa.tiled import array_layout, default_tile

    for number in range(60):
        ndim = int(rng.integers(1, 5))
        shape = tuple(int(n) for n in np.exp(rng.uniform(0, np.log(2e6) / ndim, ndim)).astype(int))
        path = str(tmp_path / f"{number}.im")
        image = ci.image(path, shape=shape)
        del image
        assert array_layout(Table(path), "map").tile[::-1] == default_tile(shape[::-1]), shape
