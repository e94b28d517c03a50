"""Positions of pixels as casacore has them: the same conventions, by way of a file that it reads."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from astropy import units as u

from lattice import Image
from lattice.coords.system import CoordinateSystem
from tests.coords.headers import CAR_PC, CROTA, CUBE, SIN, SLANT_SIN

pytestmark = pytest.mark.oracle

TURN = {"PC1_1": 0.8, "PC1_2": 0.6, "PC2_1": -0.6, "PC2_2": 0.8}
ZEA = SIN | {"CTYPE1": "RA---ZEA", "CTYPE2": "DEC--ZEA"} | TURN
TAN = SIN | {"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "RADESYS": "ICRS"}
HEADERS = {
    "cube": (CUBE, 4), "slant": (SLANT_SIN, 2), "zea": (ZEA, 2), "tan": (TAN, 2), "crota": (CROTA, 3),
    "car": (CAR_PC, 2),
}  # fmt: skip


@pytest.mark.parametrize("name", HEADERS)
def test_casacore_finds_the_same_positions(name: str, tmp_path: Path) -> None:
    images = pytest.importorskip("casacore.images")
    cards, n = HEADERS[name]
    shape = (5, 4, 40, 50)[-n:]
    path = tmp_path / "image.fits"
    Image(np.zeros(shape, "f4"), wcs=cards).save(path)
    theirs = images.image(str(path))
    ours = CoordinateSystem.from_header([(k, v, "") for k, v in cards.items()], shape)
    factors = np.array([np.pi / 180 if unit == "deg" else 1.0 for unit in ours.world_units])
    sky = [i for i, kind in enumerate(ours.kinds) if kind in ("longitude", "latitude")]
    spectral = ours.axis_of("spectral")
    rng = np.random.default_rng(7)
    for pixel in rng.uniform(0, np.array(shape) - 1, (20, n)):
        world = np.array(theirs.toworld(pixel.tolist()))
        got = np.array(ours.to_world(*pixel)) * factors
        apart = (got - world + np.pi) % (2 * np.pi) - np.pi
        assert np.abs(apart[sky]).max() < 1e-11
        back = np.array(theirs.topixel(world.tolist()))
        mine = np.array(ours.to_pixel(*got / factors))
        np.testing.assert_allclose(mine[sky], back[sky], rtol=0, atol=1e-6)
        if spectral is not None:
            # Velocities are frequencies to casacore.
            np.testing.assert_allclose(ours.frequencies_at(pixel[spectral]), world[spectral], rtol=1e-12)
            found = ours.spectral_to_pixel(world[spectral] * u.Hz)
            np.testing.assert_allclose(found, back[spectral], rtol=0, atol=1e-6)
