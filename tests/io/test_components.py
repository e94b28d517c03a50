"""Simple sources as pixels."""

from __future__ import annotations

import math
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lattice import Image
from lattice.errors import CoordinateError, LatticeRangeError, UnitMismatchError
from lattice.io.components import Component, ComponentReader
from lattice.io.files import counting

SEC = 1 / 3600
CARDS: dict[str, Any] = {
    "CTYPE1": "RA---SIN", "CTYPE2": "DEC--SIN", "CRVAL1": 50.0, "CRVAL2": 40.0, "CDELT1": -2 * SEC,
    "CDELT2": 2 * SEC, "CRPIX1": 16.0, "CRPIX2": 14.0, "CUNIT1": "deg", "CUNIT2": "deg",
    "CTYPE3": "STOKES", "CRVAL3": 1.0, "CDELT3": 1.0, "CRPIX3": 1.0,
    "CTYPE4": "FREQ", "CRVAL4": 1.4e9, "CDELT4": 1e8, "CRPIX4": 1.0, "CUNIT4": "Hz",
}  # fmt: skip
SHAPE = (3, 4, 28, 32)
MANY = [
    Component(50.0, 40.0, (1.0, 2.0, 3.0, 4.0)),
    Component(
        50.0 + 4.3 * SEC / math.cos(math.radians(40)),
        40.0 - 3.1 * SEC,
        (2.0,),
        "gaussian",
        9 * SEC,
        6 * SEC,
        30.0,
    ),
    Component(50.0, 40.0 + 8 * SEC, (1.5, 0.5), "disk", 12 * SEC, 9 * SEC, 70.0, -0.7, 1.4e9),
]


def empty(unit: str = "Jy/pixel", shape: tuple[int, ...] = SHAPE, **more: Any) -> Image:
    cards = {k: v for k, v in CARDS.items() if int(k[-1]) <= len(shape)}
    return Image(np.zeros(shape), wcs=cards, unit=unit, **more)


def test_fluxes_are_spread_over_pixels() -> None:
    for one, exact in ((MANY[0], 1e-12), (MANY[1], 1e-6), (MANY[2], 0.06)):
        planes = empty().add_components([one]).values.sum(axis=(2, 3))
        stokes = (*one.flux, 0, 0, 0)[:4]
        spectrum = (np.array([1.4e9, 1.5e9, 1.6e9]) / 1.4e9) ** one.index
        np.testing.assert_allclose(planes, np.outer(spectrum, stokes), rtol=exact, atol=1e-9)


def test_shapes_are_turned_from_north_through_east() -> None:
    one = Component(50.0, 40.0, (1.0,), "gaussian", 9 * SEC, 6 * SEC, 30.0)
    plane = empty(shape=(28, 32)).add_components([one]).values
    y, x = np.mgrid[:28, :32]
    north, east = (y - 13) * 2.0, -(x - 15) * 2.0
    p = math.radians(30)
    along, across = east * math.sin(p) + north * math.cos(p), east * math.cos(p) - north * math.sin(p)
    wanted = np.exp(-4 * math.log(2) * ((along / 9) ** 2 + (across / 6) ** 2))
    np.testing.assert_allclose(plane / plane.max(), wanted, atol=1e-6)
    disk = empty(shape=(28, 32)).add_components(
        [Component(50.0, 40.0, (1.0,), "disk", 9 * SEC, 6 * SEC, 30.0)]
    )
    np.testing.assert_array_equal(disk.values > 0, (along / 9) ** 2 + (across / 6) ** 2 <= 0.25)


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_sections_are_parts_of_the_whole(data: st.DataObject) -> None:
    image = empty()
    reader = ComponentReader(SHAPE, np.float64, image.coords, MANY)
    whole = reader.read(tuple(slice(0, n, 1) for n in SHAPE))
    section = []
    for n in SHAPE:
        start = data.draw(st.integers(0, n - 1))
        section.append(slice(start, data.draw(st.integers(start + 1, n)), data.draw(st.integers(1, 3))))
    np.testing.assert_array_equal(reader.read(tuple(section)), whole[tuple(section)])
    again = pickle.loads(pickle.dumps(reader))
    assert again.token == reader.token
    np.testing.assert_array_equal(again.read(tuple(section)), whole[tuple(section)])


def test_images_per_beam_have_the_area_of_each_beam() -> None:
    beams = [(10 * SEC, 8 * SEC, 0.0), (12 * SEC, 9 * SEC, 10.0), (14 * SEC, 9 * SEC, 10.0)]
    one = empty("Jy/beam", beam=beams[0]).add_components(MANY)
    area = math.pi / (4 * math.log(2)) * 80 / 4
    np.testing.assert_allclose(one.values, empty().add_components(MANY).values * area, rtol=1e-9)
    assert one.beams == (beams[0],)
    several = empty("Jy/beam", beam=np.repeat(beams, 4, axis=0).tolist()).add_components(MANY[:1]).values
    assert several[:, 0].max(axis=(1, 2)) == pytest.approx([a * b * 3600**2 / 80 * area for a, b, _ in beams])
    with pytest.raises(UnitMismatchError):
        empty("Jy/beam").add_components(MANY)


def test_they_are_added_lazily_and_taken_away() -> None:
    values = np.random.default_rng(3).normal(size=SHAPE).astype(np.float32)
    image = Image(values, wcs=CARDS, mask=values > 0, unit="Jy/pixel")
    with counting() as count:
        both = image.add_components(MANY).add_components(MANY, subtract=True)
        assert (both.shape, both.dtype, both.unit) == (SHAPE, np.float32, "Jy/pixel")
    assert count.bytes == 0
    np.testing.assert_allclose(both.set_default_mask(None).values[values > 0], values[values > 0], atol=1e-6)
    np.testing.assert_array_equal(~np.ma.getmaskarray(both.to_masked_array()), values > 0)


def test_what_is_no_source_is_refused() -> None:
    with pytest.raises(LatticeRangeError, match="no component of shape 'ring'"):
        Component(0, 0, (1.0,), "ring")
    with pytest.raises(LatticeRangeError, match="larger width first"):
        Component(0, 0, (1.0,), "disk", 1.0, 2.0)
    with pytest.raises(LatticeRangeError, match="finite"):
        Component(math.nan, 0, (1.0,))
    with pytest.raises(LatticeRangeError, match="frequency of the flux"):
        Component(0, 0, (1.0,), index=-1.0)
    with pytest.raises(CoordinateError, match="no sky"):
        Image(np.zeros((3, 3))).add_components(MANY)
    with pytest.raises(CoordinateError, match="spectral axis"):
        empty(shape=(28, 32)).add_components(MANY)
    circular = CARDS | {"CRVAL3": -1.0, "CDELT3": -1.0}
    with pytest.raises(CoordinateError, match="Stokes parameter RR"):
        Image(np.zeros(SHAPE), wcs=circular).add_components(MANY)
