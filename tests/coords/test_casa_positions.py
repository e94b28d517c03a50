"""Positions of pixels as CASA's toworld and topixel give them (tests/data/make_casa_positions.py)."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from astropy import units as u

from lattice.coords.system import CoordinateSystem

_DATA = Path(__file__).parents[1] / "data"
_FOUND = json.loads((_DATA / "casa_positions.json").read_text())
_IMAGES = json.loads(gzip.decompress((_DATA / "crtf_masks.json.gz").read_bytes()))
PIXELS = np.array(_FOUND["pixels"])
SHAPE = tuple(_IMAGES["shape"])


@pytest.mark.parametrize("name", _FOUND["images"])
def test_positions_are_those_of_casa(name: str) -> None:
    cards = [(keyword, value, "") for keyword, value in _IMAGES["images"][name].items()]
    coords = CoordinateSystem.from_header(cards, SHAPE)
    rows = _FOUND["images"][name]
    theirs = np.array([row["world"] for row in rows]).T
    back = np.array([row["back"] for row in rows]).T
    assert PIXELS.shape == (20, 4)
    world = coords.to_world(*PIXELS.T)
    # Latitude and longitude, in radians in CASA.
    for ours, radians in zip(world[2:], theirs[2:], strict=True):
        apart = (np.radians(ours) - radians + np.pi) % (2 * np.pi) - np.pi
        assert np.abs(apart).max() < 1e-11
    np.testing.assert_allclose(coords.frequencies_at(PIXELS[:, 0]), theirs[0], rtol=1e-12)
    names = coords.stokes(SHAPE[1])
    assert [names[int(p)] for p in PIXELS[:, 1]] == [row["stokes"] for row in rows]
    # And from the sky to pixels.
    y, x = coords.lonlat_to_pixel(np.degrees(theirs[3]), np.degrees(theirs[2]))
    np.testing.assert_allclose([y, x], back[2:], rtol=0, atol=1e-7)
    found = coords.spectral_to_pixel(theirs[0] * u.Hz)
    np.testing.assert_allclose(found, back[0], rtol=0, atol=1e-6)
    np.testing.assert_allclose(coords.to_pixel(*world), PIXELS.T, rtol=0, atol=1e-6)
