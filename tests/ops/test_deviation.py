"""Maps of statistics around pixels, one pixel at a time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.interpolate import RegularGridInterpolator

from lattice import Image, LatticeError
from lattice.config import set_options
from lattice.io.files import counting
from lattice.ops.deviation import STATISTICS, Window, deviation
from tests.ops.blocks import check_sections, masks
from tests.ops.conftest import Bench

RNG = np.random.default_rng(56)
VALUES = RNG.normal(size=(2, 9, 11))
MASK = RNG.random(VALUES.shape) > 0.25
MASK[1, :5, :5] = False

BY_THE_BOOK: dict[str, Any] = {
    "sigma": lambda v: v.std(ddof=1) if v.size > 1 else 0.0, "mean": np.mean, "median": np.median,
    "rms": lambda v: np.sqrt((v**2).mean()), "madm": lambda v: np.median(np.abs(v - np.median(v))),
    "max": np.max, "npts": np.size, "sumsq": lambda v: (v**2).sum(),
}  # fmt: skip


def at(
    plane: np.ndarray, mask: np.ndarray, y: int, x: int, half: tuple[int, int], radius: float
) -> np.ndarray:
    rows, columns = np.mgrid[: plane.shape[0], : plane.shape[1]]
    near = (np.abs(rows - y) <= half[0]) & (np.abs(columns - x) <= half[1])
    if radius:
        near &= (rows - y) ** 2 + (columns - x) ** 2 <= radius**2
    return plane[near & mask]


@pytest.mark.parametrize("name", BY_THE_BOOK)
@pytest.mark.parametrize("circle", [False, True])
def test_equals_the_definition(name: str, circle: bool) -> None:
    image = Image(VALUES, mask=MASK, unit="K")
    made = image.deviation(5.5 if circle else (4, 3), name, circle=circle)
    pixels = made.to_masked_array()
    np.testing.assert_array_equal(~np.ma.getmaskarray(pixels), MASK)
    for k, y, x in np.argwhere(MASK):
        near = at(VALUES[k], MASK[k], y, x, (2, 2) if circle else (1, 2), 2.75 if circle else 0)
        assert pixels.data[k, y, x] == pytest.approx(float(BY_THE_BOOK[name](near)), abs=1e-12)
    assert made.unit == {"npts": "", "sumsq": "(K)^2"}.get(name, "K")


def test_between_the_places_of_a_grid() -> None:
    image = Image(VALUES[0])
    full = image.deviation(3, "mean").values
    rows, columns = np.arange(1, 9, 3), np.arange(0, 11, 2)
    table = full[np.ix_(rows, columns)]
    where = np.stack(np.mgrid[:9, :11], axis=-1).reshape(-1, 2)
    for method in ("linear", "nearest"):
        found = image.deviation(3, "mean", grid=(2, 3), anchor=(4, 7), interpolation=method).values
        want = RegularGridInterpolator(
            (rows, columns), table, method=method, bounds_error=False, fill_value=None
        )(where)
        inner = np.ones((9, 11), bool)
        if method == "nearest":
            inner[:, 1::2] = False  # halfway between two places
        np.testing.assert_allclose(found[inner], want.reshape(9, 11)[inner], atol=1e-12)
    smooth = image.deviation(3, "mean", grid=(2, 3), anchor=(4, 7)).values
    np.testing.assert_allclose(smooth[np.ix_(rows, columns)], table)


def test_clipping() -> None:
    line = RNG.normal(size=(1, 40))
    line[0, 20] = 50
    image = Image(line)
    assert float(image.deviation((21, 1), "max", clip=3).values[0, 20]) < 5
    assert float(image.deviation((21, 1), "max", clip="chauvenet").values[0, 20]) < 5
    assert float(image.deviation((21, 1), "max", clip=3, most=0).values[0, 20]) == 50
    flat = Image(np.ones((3, 3)))
    assert (flat.deviation(3, "npts", clip="chauvenet").values[1] == [6, 9, 6]).all()


@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_sections_and_blocks_make_no_difference(data: Any) -> None:
    shape = (2, data.draw(st.integers(1, 9)), data.draw(st.integers(1, 9)))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    values, mask = rng.normal(size=shape), data.draw(masks(shape, rng))
    grid = tuple(data.draw(st.integers(1, min(3, n))) for n in shape[1:])
    window = Window(
        tuple(data.draw(st.floats(0.5, 6)) for _ in range(2)), False, grid, (data.draw(st.integers(0, 5)), 1)
    )
    node = deviation(
        Bench.source(values, mask),
        (1, 2),
        window,
        data.draw(st.sampled_from(sorted(STATISTICS))),
        interpolation=data.draw(st.sampled_from(["cubic", "linear", "nearest"])),
        clip=data.draw(st.sampled_from([None, (None, -1), (1.5, 2)])),
    )
    check_sections(node, [(values, mask)], data)


def test_a_corner_reads_what_is_around_it(tmp_path: Path) -> None:
    values = np.ones((3, 256, 256), "f4")
    image = Image(values, dims=("frequency", "y", "x")).save(tmp_path / "cube.npy")
    with counting() as reads:
        image.deviation(9, "mean", grid=4)[1, :4, :4].compute()
    assert reads.bytes <= 30 * 256 * 4
    with set_options(memory_limit="100MB"):
        saved = image.deviation(9, "rms", grid=4).save(tmp_path / "rms.npy")
    assert float(saved.min()) == float(saved.max()) == 1


def test_refusals() -> None:
    image = Image(VALUES)
    for options, message in (
        ({"size": 3, "statistic": "mode"}, "no statistic 'mode'"),
        ({"size": 0}, "holds none"),
        ({"size": (3, 4), "circle": True}, "one diameter"),
        ({"size": 3, "grid": 0}, "above 0"),
        ({"size": 3, "grid": 1.5}, "whole numbers"),
        ({"size": 3, "grid": (1, 2, 3)}, "along x and y"),
        ({"size": 3, "grid": 50, "anchor": (20, 20)}, "has no place"),
        ({"size": 3, "interpolation": "spline"}, "no interpolation"),
        ({"size": 3, "clip": "sigma"}, "a number of deviations"),
        ({"size": 3, "clip": -1}, "above 0"),
        ({"size": "3arcsec"}, "sizes in pixels"),
        ({"size": 3, "dims": "x"}, "two axes"),
    ):
        with pytest.raises(LatticeError, match=message):
            image.deviation(**options)
    with pytest.raises(LatticeError, match="real numbers"):
        Image(VALUES.astype(complex)).deviation(3)
