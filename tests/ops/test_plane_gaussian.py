"""Gaussians in the plane of any two axes."""

from __future__ import annotations

import numpy as np
import pytest
from astropy import units as u
from scipy.signal import fftconvolve

from lattice import Image
from lattice.errors import (
    CoordinateError,
    LatticeError,
    LatticeRangeError,
    LatticeTypeError,
    UnitMismatchError,
)
from tests.ops.every import BEAM, CARDS, SEC, cube

RNG = np.random.default_rng(5)
VALUES = RNG.normal(size=(9, 12, 15))
PV = {
    "CTYPE1": "OFFSET", "CUNIT1": "arcsec", "CRVAL1": 0.0, "CDELT1": 2.0, "CRPIX1": 5.0,
    "CTYPE2": "VRAD", "CUNIT2": "m/s", "CRVAL2": 0.0, "CDELT2": 500.0, "CRPIX2": 5.0,
}  # fmt: skip
FLAT = {
    "CTYPE1": "XX", "CUNIT1": "mm", "CRVAL1": 0.0, "CDELT1": -2.0, "CRPIX1": 5.0,
    "CTYPE2": "YY", "CUNIT2": "m", "CRVAL2": 0.0, "CDELT2": 0.001, "CRPIX2": 5.0,
}  # fmt: skip


def gaussian(major: float, minor: float, pa: float, fast: float = 1.0, slow: float = 1.0) -> np.ndarray:
    """Return a kernel, its angle from the fast axis to the slow one, where pixels have these sizes."""
    half = 20
    y, x = np.mgrid[-half : half + 1, -half : half + 1]
    y, x = y * slow, x * fast
    s, c = np.sin(np.radians(pa)), np.cos(np.radians(pa))
    weights: np.ndarray = np.exp(
        -4 * np.log(2) * (((x * c + y * s) / major) ** 2 + ((y * c - x * s) / minor) ** 2)
    )
    return weights / weights.sum()


@pytest.mark.parametrize(
    "dims", [("y", "x"), ("frequency", "x"), ("x", "frequency"), (0, 1), ["y", "frequency"]]
)
def test_any_two_axes_in_pixels(dims: tuple[str, str]) -> None:
    image = Image(VALUES, dims=("frequency", "y", "x"), unit="Jy/beam")
    made = image.smooth("3.2pix", 2, 30, dims=dims)
    axes = sorted(image.dims.index(d) if isinstance(d, str) else d for d in dims)
    kernel = np.expand_dims(gaussian(3.2, 2, 30), next(a for a in range(3) if a not in axes))
    np.testing.assert_allclose(made.values, fftconvolve(VALUES, kernel, "same"), atol=1e-7)
    assert (made.unit, made.beams, made.dims) == (image.unit, image.beams, image.dims)


def test_masks() -> None:
    mask = RNG.random(VALUES.shape) > 0.2
    mask[0], mask[:, 4, 3], mask[-1, -1, :5] = False, False, False
    image = cube(VALUES.astype("f4"), mask)
    kernel = gaussian(3, 2, 20)[:, None, :]
    zero = image.smooth("3pix", "2pix", "20deg", dims=("frequency", "x")).to_masked_array()
    np.testing.assert_array_equal(np.ma.getmaskarray(zero), ~mask)
    blank = fftconvolve(np.where(mask, VALUES, 0), kernel, "same")
    np.testing.assert_allclose(zero.data[mask], blank[mask], atol=1e-5)
    left = image.smooth("3pix", "2pix", "20deg", dims=("frequency", "x"), bad="leave").to_masked_array()
    share = fftconvolve(mask.astype(float), kernel, "same")
    good = ~np.ma.getmaskarray(left)
    assert good[0, 0, 0]
    np.testing.assert_allclose(left.data[share > 1e-3], (blank / share)[share > 1e-3], atol=1e-4)


def test_widths_in_the_unit_of_both_axes() -> None:
    image = Image(VALUES[0], wcs=FLAT)
    for major, minor in (("8mm", "4mm"), ("0.8cm", "4mm"), (8 * u.mm, 0.004 * u.m)):
        made = image.smooth(major, minor, 30, dims=image.dims)
        expected = fftconvolve(VALUES[0], gaussian(8, 4, 30, fast=2, slow=1), "same")
        np.testing.assert_allclose(made.values, expected, atol=1e-7)


def test_the_sky_by_its_axes_is_the_sky() -> None:
    image = cube(VALUES.astype("f4"))
    assert image.smooth("3arcsec", "2arcsec", 40, dims=("x", "y")).same_as(
        image.smooth("3arcsec", "2arcsec", 40)
    )
    # pixels of 1 arcsec
    made = image.smooth("3pix", "2pix", 40)
    np.testing.assert_allclose(np.array(made.beams), image.smooth("3arcsec", "2arcsec", 40).beams)
    np.testing.assert_allclose(
        made.values, image.smooth("3arcsec", "2arcsec", 40).values, rtol=1e-5, atol=1e-5
    )
    oblong = image.with_wcs(CARDS | {"CDELT1": -2 * SEC})
    with pytest.raises(CoordinateError, match="not square, 2 by 1 arcsec"):
        oblong.smooth("3pix")


def test_position_and_velocity() -> None:
    image = Image(VALUES[0], wcs=PV, unit="K", beam=BEAM)
    made = image.smooth("3pix", "2pix", "10deg", dims=image.dims)
    assert (made.unit, made.beams, made.coords) == (image.unit, image.beams, image.coords)
    np.testing.assert_allclose(made.values, fftconvolve(VALUES[0], gaussian(3, 2, 10), "same"), atol=1e-6)


@pytest.mark.parametrize(
    ("given", "kind", "said"),
    [
        (("3arcsec", None, 0), UnitMismatchError, "frequency is measured in Hz, not in arcsec"),
        (("2km/s", None, 0), UnitMismatchError, "not in km / s"),
        (("3MHz", None, 0), UnitMismatchError, "x is measured in deg, not in MHz"),
        (("3pix", "2arcsec", 0), UnitMismatchError, "one width is in pixels"),
        (("2pix", "3pix", 0), LatticeRangeError, "the larger width comes first"),
        ((0, None, 0), LatticeRangeError, "above 0"),
        ((-1, None, 0), LatticeRangeError, "above 0"),
        ((3, 2, "3pix"), LatticeTypeError, "no angle"),
        (("wide", None, 0), LatticeTypeError, "no width"),
        (("3", None, "1deg"), LatticeError, "frequency is measured in Hz"),
        ((float("nan"), None, 0), LatticeTypeError, "no width"),
        ((1e9, None, 0), LatticeRangeError, "reaches over"),
        ((BEAM, None, 0), LatticeTypeError, "a beam lies on the sky"),
        ((3 * u.arcsec * [1, 2], None, 0), LatticeTypeError, "no width"),
    ],
    ids=lambda v: str(v) if isinstance(v, str) else None,
)
def test_what_makes_no_sense(
    given: tuple[object, object, object], kind: type[LatticeError], said: str
) -> None:
    with pytest.raises(kind, match=said.replace("/", ".")):
        cube(VALUES.astype("f4")).smooth(*given, dims=("x", "frequency"))


def test_which_axes() -> None:
    image = cube(VALUES.astype("f4"))
    for dims in ("x", ("x", "y", "frequency"), ("x", "x"), ("x", "z"), 7):
        with pytest.raises(LatticeError):
            image.smooth(3, dims=dims)
    plain = Image(VALUES[0])
    with pytest.raises(CoordinateError, match="no coordinates that are measured in arcsec"):
        plain.smooth("3arcsec", dims=("y", "x"))
    with pytest.raises(CoordinateError, match="dims="):
        plain.smooth("3pix")
    several = Image(VALUES, wcs=CARDS, beam=[(*BEAM[:2], float(k)) for k in range(9)])
    with pytest.raises(UnitMismatchError, match="beams of their own"):
        several.smooth(3, dims=("frequency", "x"))
