"""Labels in other rest frames."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lattice import Image, LatticeError
from lattice.coords.reframe import with_stokes

CARDS = {
    "CTYPE1": "RA---SIN", "CTYPE2": "DEC--SIN", "CTYPE3": "FREQ", "CRVAL1": 50.0, "CRVAL2": 40.0,
    "CRVAL3": 1.4e9, "CDELT1": -1e-3, "CDELT2": 1e-3, "CDELT3": 1e6, "CRPIX1": 4.0, "CRPIX2": 5.0,
    "CRPIX3": 2.0, "CUNIT1": "deg", "CUNIT2": "deg", "CUNIT3": "Hz", "SPECSYS": "LSRK", "RESTFRQ": 1.42e9,
}  # fmt: skip


def cube(**cards: Any) -> Image:
    return Image(np.zeros((5, 3, 3)), wcs=CARDS | cards)


def test_frequencies_and_velocities_move_and_channels_stay() -> None:
    for image in (cube(), cube().with_velocity("radio"), cube(CD3_3=1e6)):
        made = image.with_frame("BARY")
        assert made.coords is not None
        assert image.coords is not None
        assert made.coords.spectral_frame == "BARYCENT"
        np.testing.assert_allclose(
            image.coords.spectral_to_pixel(made.coords.frequencies(5), "Hz", frame="BARY"),
            np.arange(5),
            atol=1e-6,
        )
        shift = made.coords.frequencies(5) / image.coords.frequencies(5) - 1
        np.testing.assert_allclose(shift, shift[0], atol=1e-12)
        assert 1e-6 < abs(shift[0]) < 1e-4
        back = made.with_frame("LSRK").coords
        assert back is not None
        np.testing.assert_allclose(back.frequencies(5), image.coords.frequencies(5), rtol=1e-12)
        assert made.shape == image.shape


def test_refusals() -> None:
    with pytest.raises(LatticeError, match="label it by frequency first"):
        cube().with_velocity("optical").with_frame("BARY")
    unknown = Image(np.zeros((5, 3, 3)), wcs={k: v for k, v in CARDS.items() if k != "SPECSYS"})
    with pytest.raises(LatticeError, match="frame of the image is not known"):
        unknown.with_frame("BARY")
    with pytest.raises(LatticeError, match="no spectral axis"):
        cube()[0].with_frame("BARY")
    with pytest.raises(LatticeError, match="no coordinates"):
        Image(np.zeros((3, 3))).with_frame("BARY")
    with pytest.raises(LatticeError, match="no Stokes parameter"):
        with_stokes(cube().coords, 0, "W")
