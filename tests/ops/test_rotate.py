"""Images turned on the sky."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from astropy import units as u
from scipy.ndimage import map_coordinates

from lattice import Image, LatticeError

RNG = np.random.default_rng(55)
CARDS = {
    "CTYPE1": "RA---SIN", "CTYPE2": "DEC--SIN", "CTYPE3": "FREQ", "CRVAL1": 50.0, "CRVAL2": 40.0,
    "CRVAL3": 1.4e9, "CDELT1": -1e-3, "CDELT2": 1e-3, "CDELT3": 1e6, "CRPIX1": 10.0, "CRPIX2": 9.0,
    "CRPIX3": 1.0, "CUNIT1": "deg", "CUNIT2": "deg", "CUNIT3": "Hz", "RADESYS": "ICRS",
}  # fmt: skip
TURNED = {"PC1_1": 0.8, "PC1_2": -0.6, "PC2_1": 0.6, "PC2_2": 0.8}
VALUES = RNG.normal(size=(2, 17, 19))


def cube(**cards: Any) -> Image:
    return Image(VALUES, wcs=CARDS | cards, unit="K", beam=(5e-3, 3e-3, 10))


@pytest.mark.parametrize("cards", [{}, TURNED, {"CROTA2": 20.0}, {"CDELT2": 2e-3} | TURNED])
@pytest.mark.parametrize("angle", [30.0, -100.0])
def test_pixels_are_turned_and_sources_stay_where_they_are(cards: Any, angle: float) -> None:
    image = cube(**cards)
    made = image.rotate(angle, "linear")
    y, x = np.mgrid[:17, :19].astype(float)
    c, s = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    from_x, from_y = 9 + c * (x - 9) + s * (y - 8), 8 - s * (x - 9) + c * (y - 8)
    inside = (from_x >= 0) & (from_x <= 18) & (from_y >= 0) & (from_y <= 16)
    pixels = made.to_masked_array()
    for k in range(2):
        want = map_coordinates(VALUES[k], [from_y, from_x], order=1, mode="nearest")
        np.testing.assert_allclose(pixels.data[k][inside], want[inside], atol=1e-4)
        assert not np.ma.getmaskarray(pixels[k])[inside].any()
    assert image.coords is not None
    assert made.coords is not None
    before = image.coords.pixel_to_lonlat(from_y, from_x)
    np.testing.assert_allclose(made.coords.pixel_to_lonlat(y, x), before, atol=1e-9)
    np.testing.assert_allclose(made.coords.frequencies(2), [1.4e9, 1.401e9])
    assert (made.unit, made.beams, made.dims, made.shape) == ("K", image.beams, image.dims, image.shape)


def test_angles_and_no_turn() -> None:
    image = cube()
    assert image.rotate("30deg").same_as(image.rotate(30 * u.deg))
    np.testing.assert_array_equal(image.rotate(0).values, VALUES)
    flipped = image[:, ::-1, 2:]
    np.testing.assert_allclose(flipped.rotate(0).values, VALUES[:, ::-1, 2:])
    back = image.rotate(90).rotate(-90).to_masked_array()
    good = ~np.ma.getmaskarray(back)
    good[:, :, :2] = good[:, :, -2:] = good[:, :2] = good[:, -2:] = False  # beyond the edge lines go on
    assert good.mean() > 0.5
    np.testing.assert_allclose(back.data[good], VALUES[good], atol=1e-4)


def test_refusals() -> None:
    with pytest.raises(LatticeError, match="sky coordinates"):
        Image(VALUES).rotate(10)
    with pytest.raises(LatticeError, match="no angle"):
        cube().rotate("far")
    with pytest.raises(LatticeError, match="no angle"):
        cube().rotate(float("nan"))
    with pytest.raises(LatticeError, match="no interpolation"):
        cube().rotate(10, "spline")
