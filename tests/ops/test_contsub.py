"""Continua, against numpy.polyfit one spectrum at a time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lattice
from lattice import Image, LatticeError
from lattice.config import set_options
from lattice.io.files import counting
from lattice.ops.contsub import Continuum, contsub
from tests.ops.blocks import check_sections, masks
from tests.ops.conftest import Bench

RNG = np.random.default_rng(51)
VALUES = RNG.normal(size=(12, 3, 4)) + np.linspace(0, 5, 12)[:, None, None]
MASK = RNG.random(VALUES.shape) > 0.25


def cube(values: np.ndarray = VALUES, mask: Any = MASK, **more: Any) -> Image:
    return Image(
        values, dims=("frequency", "y", "x"), mask=mask, unit="Jy/beam", beam=(1e-3, 1e-3, 0), **more
    )


def fitted(values: np.ndarray, mask: np.ndarray, channels: list[int], order: int) -> np.ndarray:
    out = np.zeros_like(values)
    for at in np.ndindex(*values.shape[1:]):
        good = [c for c in channels if mask[(c, *at)]]
        if good:
            k = min(order, len(good) - 1)
            out[(slice(None), *at)] = np.polyval(
                np.polyfit(good, values[(good, *at)], k), np.arange(len(values))
            )
    return out


@pytest.mark.parametrize("order", [0, 1, 2, 4])
@pytest.mark.parametrize("channels", [None, [0, 1, 2, 3, 8, 9, 11]])
@pytest.mark.filterwarnings("ignore:Polyfit may be poorly conditioned")
def test_equals_polyfit(order: int, channels: list[int] | None) -> None:
    want = fitted(VALUES, MASK, channels or list(range(12)), order)
    line, continuum = lattice.compute(*cube().contsub(channels, order))
    np.testing.assert_allclose(continuum.values[MASK], want[MASK], atol=1e-9)
    np.testing.assert_allclose(line.values[MASK], (VALUES - want)[MASK], atol=1e-9)
    for made in (line, continuum):
        np.testing.assert_array_equal(~np.ma.getmaskarray(made.to_masked_array()), MASK)
        assert (made.unit, made.beams, made.dims) == (cube().unit, cube().beams, cube().dims)
    clean = cube(mask=None).contsub(channels, order).continuum
    assert not clean.masked
    all_good = np.ones(VALUES.shape, bool)
    np.testing.assert_allclose(
        clean.values, fitted(VALUES, all_good, channels or list(range(12)), order), atol=1e-9
    )


def test_high_orders_and_few_good_channels() -> None:
    x = np.linspace(-1, 1, 4000)
    wave = np.cos(7 * x)[:, None]
    image = Image(wave, dims=("frequency", "x"))
    assert np.abs(image.contsub(order=25).line.values).max() < 1e-11
    mask = np.zeros((12, 1, 3), bool)
    mask[5, 0, 0] = mask[[2, 3], 0, 1] = True
    line, continuum = cube(VALUES[:, :1, :3], mask).contsub([2, 3, 5, 7], 3)
    assert continuum.values[5, 0, 0] == pytest.approx(VALUES[5, 0, 0])
    np.testing.assert_allclose(continuum.values[2:4, 0, 1], VALUES[2:4, 0, 1])
    assert np.ma.getmaskarray(line.to_masked_array())[:, 0, 2].all()
    other = mask.copy()
    other[11, 0, 2] = True  # good, but no channel of the fit
    line, continuum = cube(VALUES[:, :1, :3], other).contsub([2, 3, 5, 7], 3)
    assert (continuum.values[11, 0, 2], line.values[11, 0, 2]) == (0, VALUES[11, 0, 2])


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_any_axis_and_ways_to_choose_channels(axis: int) -> None:
    turned = np.moveaxis(VALUES, 0, axis)
    image = Image(turned, dims=tuple(np.roll(["x", "y", "z"], axis)))
    dim = image.dims[axis]
    want = np.moveaxis(fitted(VALUES, np.ones_like(MASK), [0, 1, 2, 9, 10], 1), 0, axis)
    chosen = np.isin(np.arange(12), [0, 1, 2, 9, 10])
    for channels in ("0~2;9~10", [10, 9, 2, 1, 0], chosen, np.flatnonzero(chosen)):
        np.testing.assert_allclose(image.contsub(channels, 1, dim=dim).continuum.values, want, atol=1e-9)
    halves = image.contsub(slice(0, None, 2), dim=dim).continuum
    np.testing.assert_allclose(halves.values.mean(axis=axis), turned.take(range(0, 12, 2), axis).mean(axis))


@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_sections_and_blocks_make_no_difference(data: Any) -> None:
    shape = tuple(data.draw(st.integers(2, 7)) for _ in range(data.draw(st.integers(1, 3))))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    axis = data.draw(st.integers(0, len(shape) - 1))
    channels = sorted(data.draw(st.sets(st.integers(0, shape[axis] - 1), min_size=1)))
    values = rng.normal(size=shape)
    mask = data.draw(masks(shape, rng))
    node = contsub(Bench.source(values, mask), axis, channels, data.draw(st.integers(0, len(channels) - 1)))
    joint = node[0].children[0].children[0]
    assert isinstance(joint, Continuum)
    check_sections(joint, [(values, mask)], data, 1e-7)


def test_both_in_one_pass_and_corners_by_their_spectra(tmp_path: Path) -> None:
    values = RNG.normal(size=(16, 64, 64)).astype("f4")
    image = Image(values, dims=("frequency", "y", "x")).save(tmp_path / "cube.npy")
    with counting() as reads:
        lattice.compute(*image.contsub("0~3;12~15", 1, dim=0))
    assert reads.bytes < 1.1 * values.nbytes
    with counting() as reads:
        assert image.contsub("0~3", 1, dim=0).line[:, :2, :3].compute().shape == (16, 2, 3)
    assert reads.bytes <= 16 * 2 * 64 * 4 + 4096


def test_within_the_memory_limit(tmp_path: Path) -> None:
    values = np.ones((64, 512, 512), "f4")
    values[:32] = 3
    image = Image(values, dims=("frequency", "y", "x")).save(tmp_path / "cube.npy")
    with set_options(memory_limit="128MB"):
        made = image.contsub("0~31", 1, dim=0).line.save(tmp_path / "line.npy")
    assert float(abs(made[:32]).max()) < 1e-5


def test_refusals() -> None:
    with pytest.raises(LatticeError, match="order 3 cannot be fitted to 3 channels"):
        cube().contsub([0, 1, 2], 3)
    with pytest.raises(LatticeError, match="no channel 12"):
        cube().contsub([0, 12])
    with pytest.raises(LatticeError, match="no channel 99"):
        cube().contsub("0~99")
    with pytest.raises(LatticeError, match="no channel along frequency"):
        cube().contsub([])
    with pytest.raises(LatticeError, match="5 truth values for 12 channels"):
        cube().contsub(np.ones(5, bool))
    with pytest.raises(LatticeError, match="give their numbers"):
        cube().contsub([0.5])
    with pytest.raises(LatticeError, match="no spectral axis"):
        Image(VALUES, dims=("a", "y", "x")).contsub()
    with pytest.raises(LatticeError, match="real numbers"):
        cube(VALUES.astype(complex)).contsub()
    with pytest.raises(LatticeError, match="no whole number"):
        cube().contsub(order=1.5)  # type: ignore[arg-type]
