"""Images averaged over the pixels of other grids."""

from __future__ import annotations

import pickle
import sys
from typing import Any

import numpy as np
import pytest

from lattice import Image, LatticeError
from lattice.graph.sections import shared
from lattice.ops.reproject import Reproject
from tests.ops.test_every_operation import cut_into

package = pytest.importorskip("reproject")

RNG = np.random.default_rng(8)
CARDS = {
    "CTYPE1": "RA---SIN", "CTYPE2": "DEC--SIN", "CTYPE3": "FREQ", "CRVAL1": 50.0, "CRVAL2": 40.0,
    "CRVAL3": 1.4e9, "CDELT1": -2e-3, "CDELT2": 2e-3, "CDELT3": 1e6, "CRPIX1": 20.0, "CRPIX2": 15.0,
    "CRPIX3": 1.0, "CUNIT1": "deg", "CUNIT2": "deg", "CUNIT3": "Hz", "RADESYS": "ICRS", "SPECSYS": "LSRK",
}  # fmt: skip
SHAPE = (3, 30, 40)
VALUES = RNG.normal(size=SHAPE)
TURNED = CARDS | {
    "CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRPIX1": 90.0, "CRPIX2": 80.0, "CRVAL1": 50.01,
    "CDELT1": -0.5e-3, "CDELT2": 0.5e-3, "PC1_1": 0.95, "PC1_2": -0.3, "PC2_1": 0.3, "PC2_2": 0.95,
}  # fmt: skip
GRIDS = {
    "turned, finer, in several tiles": (TURNED, (150, 170)),
    "coarser": (TURNED | {"CDELT1": -5e-3, "CDELT2": 4e-3, "CRPIX1": 8.0, "CRPIX2": 8.0}, (16, 17)),
    "galactic": (
        CARDS | {"CTYPE1": "GLON-CAR", "CTYPE2": "GLAT-CAR", "CRVAL1": 151.47, "CRVAL2": -14.5}, (40, 41)
    ),
}  # fmt: skip


def image(mask: Any = None, values: Any = VALUES, **more: Any) -> Image:
    return Image(values, wcs=CARDS, mask=mask, **{"unit": "K"} | more)


@pytest.mark.parametrize("method", ["adaptive", "exact"])
@pytest.mark.parametrize("grid", GRIDS)
def test_as_the_package_does_it_with_whole_planes(method: str, grid: str) -> None:
    cards, lengths = GRIDS[grid]
    a = image()
    made = a.regrid(cards, ("y", "x"), shape=(3, *lengths), method=method)
    assert made.coords is not None
    assert made.unit == "K"
    run = package.reproject_exact if method == "exact" else package.reproject_adaptive
    target = made.coords.select((1, 2)).wcs()
    want, covered = run((VALUES, a.coords.select((1, 2)).wcs()), target, shape_out=(3, *lengths))
    found = made.to_masked_array()
    good = ~np.ma.getmaskarray(found)
    np.testing.assert_array_equal(good, covered > 1e-4)
    assert good.mean() > 0.1
    apart = np.abs(found.data[good] - want[good])
    # the Gaussian ends two pixels away at 1% of its height: rounding decides about what is there
    assert (apart < 1e-9).mean() > 0.999
    assert apart.max() < (0.05 if method == "adaptive" else 1e-9)


@pytest.mark.parametrize("method", ["adaptive", "exact"])
def test_blocks_and_steps_make_no_difference(method: str) -> None:
    cards, lengths = GRIDS["turned, finer, in several tiles"]
    mask = RNG.random(SHAPE) > 0.02
    made = image(mask, VALUES.astype("f4")).regrid(cards, ("y", "x"), shape=(3, *lengths), method=method)
    whole = made.to_masked_array()
    assert whole.dtype == np.float32
    parts = [made[1:, 7:140:9, 100:165:3], made[::2, 127:129, ::50], made[2, 5:6, 5:6], made[:, 3:3]]
    at: list[Any] = [
        np.s_[1:, 7:140:9, 100:165:3],
        np.s_[::2, 127:129, ::50],
        np.s_[2, 5:6, 5:6],
        np.s_[:, 3:3],
    ]
    with cut_into((2, 150, 90), 64):
        found = [made.to_masked_array(), *(p.to_masked_array() for p in parts)]
    for one, there in zip(found, [np.s_[:], *at], strict=True):
        np.testing.assert_array_equal(np.ma.getmaskarray(one), np.ma.getmaskarray(whole)[there])
        np.testing.assert_array_equal(one.filled(0), whole.filled(0)[there])


def test_bins_of_an_aligned_grid_are_means_and_bad_pixels_spoil_their_own_only() -> None:
    near = CARDS | {"CDELT1": -1e-6, "CDELT2": 1e-6, "CRPIX1": 4.5, "CRPIX2": 4.5}
    bins = near | {"CDELT1": -2e-6, "CDELT2": 2e-6, "CRPIX1": 2.5, "CRPIX2": 2.5}
    values = VALUES[:, :8, :8].copy()
    mask = np.ones(values.shape, bool)
    mask[0, 3, 4] = False
    values[0, 3, 4] = values[1, 6, 7] = np.nan
    a = Image(values, wcs=near, mask=mask, unit="Jy/pixel")
    found = a.regrid(bins, ("y", "x"), shape=(3, 4, 4), method="exact").to_masked_array()
    want = values.reshape(3, 4, 2, 4, 2).sum((2, 4))  # four pixels in each: Jy/pixel add up
    bad = np.zeros(want.shape, bool)
    bad[0, 1, 2] = True
    np.testing.assert_array_equal(np.ma.getmaskarray(found), bad)
    np.testing.assert_allclose(found.data[~bad], want[~bad], rtol=1e-4, atol=1e-4)
    assert np.isnan(found.data[1, 3, 3])
    assert np.isnan(found.data[~bad]).sum() == 1


@pytest.mark.parametrize("step", [0.1, 0.01, 1e-4])
def test_pixels_with_edges_in_one_line_are_whole(step: float) -> None:
    cards = CARDS | {"CDELT1": -step, "CDELT2": step, "CRPIX1": 20.5, "CRPIX2": 15.5}
    a = image(values=VALUES).with_wcs(cards | {"CRPIX1": 10.0})
    found = a.regrid(cards, ("y", "x"), shape=SHAPE, method="exact").to_masked_array()
    want = a.regrid(cards, ("y", "x"), shape=SHAPE, method="linear").to_masked_array()
    inside = np.s_[
        :, 4:-4, 14:-4
    ]  # of pixels so small that the sky is flat, bilinear means are those of areas
    assert not np.ma.getmaskarray(found)[inside].any()
    assert np.abs(found - want)[inside].max() < (5e-3 if step == 0.1 else 1e-3)


@pytest.mark.parametrize("method", ["adaptive", "exact"])
def test_only_what_tiles_need_is_asked_for(method: str) -> None:
    wide = CARDS | {"CRPIX1": 200.0, "CRPIX2": 200.0}
    a = Image(np.broadcast_to(np.float32(1), (2, 400, 400)), wcs=wide)
    node = a.regrid(wide | {"CRVAL1": 50.001}, ("y", "x"), shape=(2, 400, 400), method=method).node
    assert isinstance(node, Reproject)
    (needed,) = node.needs((slice(1, 2, 1), slice(130, 140, 1), slice(0, 5, 1)))
    assert needed[0] == slice(1, 2, 1)
    assert needed[1].start >= 128 - 12
    assert needed[1].stop <= 256 + 12
    assert needed[2].stop <= 128 + 12
    assert pickle.loads(pickle.dumps(node)) == node
    far = wide | {"CRPIX1": -500.0}
    with pytest.raises(LatticeError, match="do not overlap on the sky"):
        a.regrid(far, ("y", "x"), shape=(2, 400, 400), method=method)


def test_axes_of_the_sky_in_any_order() -> None:
    cards, lengths = GRIDS["coarser"]
    want = image().regrid(cards, ("y", "x"), shape=(3, *lengths), method="exact").to_masked_array()
    turned = image().transpose(["x", "frequency", "y"])
    found = turned.regrid(cards, ("y", "x"), shape=(3, *lengths), method="exact")
    back = found.transpose(["frequency", "y", "x"]).to_masked_array()
    np.testing.assert_array_equal(np.ma.getmaskarray(back), np.ma.getmaskarray(want))
    np.testing.assert_allclose(back.filled(0), want.filled(0), atol=1e-9)


def test_parts_of_tiles() -> None:
    assert shared(slice(3, 20, 4), slice(8, 16, 1)) == (slice(2, 4), slice(3, 8, 4))
    assert shared(slice(0, 100, 50), slice(8, 16, 1)) == (slice(0, 0), slice(0, 0))


def test_wrong_parameters(monkeypatch: pytest.MonkeyPatch) -> None:
    cards, lengths = GRIDS["coarser"]
    shape = (3, *lengths)
    with pytest.raises(LatticeError, match="is for the two axes of the sky, and frequency differs too"):
        image().regrid(cards | {"CRVAL3": 1.4004e9}, shape=shape, method="exact")
    with pytest.raises(LatticeError, match="needs real numbers"):
        image(values=VALUES + 1j).regrid(cards, shape=shape, method="exact")
    monkeypatch.setitem(sys.modules, "reproject", None)
    with pytest.raises(LatticeError, match=r"need the package reproject") as caught:
        image().regrid(cards, shape=shape, method="adaptive")
    assert "lattice-images[reproject]" in str(caught.value)
