"""Pixels and axes added, thinned out, put in, made good."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lattice import Image, LatticeError
from lattice.config import set_options

CARDS = {
    "CTYPE1": "RA---SIN", "CTYPE2": "DEC--SIN", "CRVAL1": 10.0, "CRVAL2": 20.0, "CDELT1": -0.1,
    "CDELT2": 0.1, "CRPIX1": 3.0, "CRPIX2": 2.0,
}  # fmt: skip
VALUES = np.arange(20.0, dtype="f4").reshape(4, 5)
MASK = VALUES % 3 != 0


def image(**more: Any) -> Image:
    return Image(VALUES, wcs=CARDS, unit="K", name="a", **more)


def test_squeeze_and_expand() -> None:
    a = image(masks={"m": MASK}, mask="m")
    more = a.expand_dims("stokes", "stokes", value="V")
    assert more.shape == (1, 4, 5)
    assert more.coords is not None
    assert more.coords.stokes(1) == ("V",)
    np.testing.assert_array_equal(more.masks["m"].values[0], MASK)
    back = more.squeeze()
    np.testing.assert_array_equal(back.to_masked_array(), a.to_masked_array())
    assert back.default_mask == "m"
    spectral = a.expand_dims("frequency", "spectral", axis=-1, value=1e9)
    assert spectral.shape == (4, 5, 1)
    assert spectral.coords is not None
    np.testing.assert_allclose(spectral.coords.frequencies(1), [1e9])
    assert spectral.wcs is not None
    np.testing.assert_allclose(spectral.wcs.wcs_pix2world([[0, 2, 1]], 0)[0], [1e9, 10, 20])
    assert Image(np.zeros((1, 1))).squeeze().shape == (1,)
    with pytest.raises(LatticeError, match="has 4 pixels, not 1"):
        a.squeeze("y")
    with pytest.raises(LatticeError, match="no name for a new axis"):
        a.expand_dims("x")
    with pytest.raises(LatticeError, match="has a stokes axis already"):
        more.expand_dims("pol", "stokes")
    with pytest.raises(LatticeError, match="no Stokes parameter"):
        a.expand_dims("stokes", "stokes", value="W")
    with pytest.raises(LatticeError, match="no place 5"):
        a.expand_dims("t", axis=5)


def test_pad() -> None:
    a = image(masks={"m": MASK}, mask="m")
    wide = a.pad(2)
    assert wide.shape == (8, 9)
    found = wide.to_masked_array()
    np.testing.assert_array_equal(found[2:6, 2:7], a.to_masked_array())
    assert np.ma.getmaskarray(found).sum() == 72 - MASK.sum()
    assert wide.default_mask == "m"
    np.testing.assert_array_equal(wide.masks["m"].values[2:6, 2:7], MASK)
    assert not wide.masks["m"].values[0].any()
    assert wide.wcs is not None
    np.testing.assert_allclose(wide.wcs.wcs_pix2world([[4, 3]], 0)[0], [10, 20])
    good = Image(VALUES).pad({"y": (1, 0)}, value=7, good=True)
    assert not good.masked
    np.testing.assert_array_equal(good.values[0], 7)
    with set_options(block=3, strip=2):
        np.testing.assert_array_equal(Image(VALUES).pad(1, value=0, good=True).values, np.pad(VALUES, 1))
    with pytest.raises(LatticeError, match="numbers of pixels"):
        a.pad(-1)


def test_crop() -> None:
    mask = np.zeros((6, 7), bool)
    mask[2, 3] = mask[4, 1] = True
    a = Image(np.arange(42.0).reshape(6, 7), mask=mask)
    assert a.crop().shape == (3, 3)
    assert a.crop("x").shape == (6, 3)
    np.testing.assert_array_equal(a.crop().values, a.values[2:5, 1:4])
    assert Image(VALUES).crop().shape == (4, 5)
    with pytest.raises(LatticeError, match="no pixel of the image is good"):
        Image(VALUES, mask=np.zeros((4, 5), bool)).crop()


def test_thinning() -> None:
    a = image()
    np.testing.assert_array_equal(a.decimate("x", 2).values, VALUES[:, ::2])
    np.testing.assert_array_equal(a.decimate("x", 2, "mean").values, (VALUES[:, :4:2] + VALUES[:, 1:4:2]) / 2)
    np.testing.assert_allclose(
        a.boxcar("y", 3).values, (VALUES[:2] + VALUES[1:3] + VALUES[2:]) / 3, rtol=1e-6
    )
    assert a.hanning("x", "copy").shape == (4, 2)


@pytest.mark.parametrize("at", [(1, 2), (-1, 3), (3, -1), (0, 0)])
def test_insert(at: tuple[int, int]) -> None:
    piece = -np.ones((2, 3), "f4") * np.arange(1, 4, dtype="f4")
    want = np.pad(VALUES, 3)
    want[at[0] + 3 : at[0] + 5, at[1] + 3 : at[1] + 6] = piece
    a = image(mask=MASK)
    found = a.insert(piece, at)
    np.testing.assert_array_equal(found.values[MASK], want[3:7, 3:8][MASK])
    changed = want[3:7, 3:8] != VALUES
    np.testing.assert_array_equal(~np.ma.getmaskarray(found.to_masked_array()), MASK | changed)
    np.testing.assert_array_equal(found.to_masked_array().data[changed], want[3:7, 3:8][changed])
    assert found.unit == "K"


def test_insert_by_coordinates_and_names() -> None:
    piece = Image(np.full((2, 2), -1.0), wcs=CARDS | {"CRPIX1": 1.0, "CRPIX2": 1.0})
    found = image().insert(piece).values
    assert (found[1:3, 2:4] == -1).all()
    assert (found == -1).sum() == 4
    centred = image().insert(np.full((2, 1), -1.0), {"y": 0}).values
    assert (centred[:2, 2] == -1).all()
    with pytest.raises(LatticeError, match="outside of the image"):
        image().insert(piece, (4, 0))
    with pytest.raises(LatticeError, match="say at="):
        image().insert(np.zeros((1, 1)))
    with pytest.raises(LatticeError, match="no dim 'z'"):
        image().insert(piece, {"z": 1})


def test_replace_masked() -> None:
    a = image(masks={"m": MASK}, mask="m")
    want = np.where(MASK, VALUES, -5)
    found = a.replace_masked(-5)
    np.testing.assert_array_equal(found.values, want)
    np.testing.assert_array_equal(~np.ma.getmaskarray(found.to_masked_array()), MASK)
    good = a.replace_masked(-5, good=True)
    assert not np.ma.getmaskarray(good.to_masked_array()).any()
    np.testing.assert_array_equal(a.replace_masked(image() * 2).values, np.where(MASK, VALUES, VALUES * 2))
    np.testing.assert_array_equal(a.replace_masked("1 + 1").values, np.where(MASK, VALUES, 2))
    np.testing.assert_array_equal(a.replace_masked(a.max()).values, np.where(MASK, VALUES, 19))
    both = a.replace_masked(0, mask=a > 10)
    np.testing.assert_array_equal(both.values, np.where(MASK & (VALUES > 10), VALUES, 0))
    plain = image()
    assert plain.replace_masked(3) is plain
    np.testing.assert_array_equal(
        plain.replace_masked(0, mask=plain > 10).values, np.where(VALUES > 10, VALUES, 0)
    )
