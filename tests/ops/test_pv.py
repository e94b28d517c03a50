"""Slices along lines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import map_coordinates

from lattice import Image, LatticeError
from lattice.config import set_options
from lattice.io.files import counting
from lattice.ops.pv import Path as Rows
from lattice.ops.pv import pv
from tests.ops.blocks import check_sections, masks
from tests.ops.conftest import Bench

RNG = np.random.default_rng(53)
SEC = 1 / 3600
CARDS = {
    "CTYPE1": "RA---SIN", "CTYPE2": "DEC--SIN", "CTYPE3": "FREQ", "CRVAL1": 50.0, "CRVAL2": 40.0,
    "CRVAL3": 1.4e9, "CDELT1": -2 * SEC, "CDELT2": 2 * SEC, "CDELT3": 1e6, "CRPIX1": 10.0, "CRPIX2": 9.0,
    "CRPIX3": 1.0, "CUNIT1": "deg", "CUNIT2": "deg", "CUNIT3": "Hz", "RADESYS": "FK5", "EQUINOX": 2000.0,
}  # fmt: skip
SHAPE = (3, 20, 22)
VALUES = RNG.normal(size=SHAPE)


def cube(mask: Any = None, **more: Any) -> Image:
    return Image(VALUES, wcs=CARDS, mask=mask, unit="Jy/beam", beam=(5 * SEC, 5 * SEC, 0), **more)


def test_along_rows_and_columns_pixels_are_copied() -> None:
    mask = RNG.random(SHAPE) > 0.3
    image = cube(mask)
    for points, want, good in (
        ([(3, 7), (12, 7)], VALUES[:, 7, 3:13], mask[:, 7, 3:13]),
        ([(12, 7), (3, 7)], VALUES[:, 7, 12:2:-1], mask[:, 7, 12:2:-1]),
        ([(4, 2), (4, 9)], VALUES[:, 2:10, 4], mask[:, 2:10, 4]),
    ):
        found = image.pv(points).to_masked_array()
        np.testing.assert_array_equal(~np.ma.getmaskarray(found), good)
        np.testing.assert_allclose(found.data[good], want[good])
    wide = image.pv([(3, 7), (12, 7)], 3).to_masked_array()
    want = np.ma.masked_array(VALUES, ~mask)[:, 6:9, 3:13].mean(axis=1)
    np.testing.assert_allclose(wide.filled(9), want.filled(9))
    assert image.pv([(3, 7), (12, 7)]).unit == "Jy/beam"
    assert image.pv([(3, 7), (12, 7)]).beams == image.beams


@pytest.mark.parametrize("points", [[(3, 4), (12, 15.5)], [(15, 4), (9, 5), (9.5, 15)]])
@pytest.mark.parametrize("width", [1, 5])
def test_samples_lie_exactly_on_the_line(points: Any, width: int) -> None:
    corners = np.array(points, float)
    lengths = np.hypot(*np.diff(corners, axis=0).T)
    found = cube().pv(points, width, method="linear")
    n = found.sizes["offset"]
    assert n == 2 * round(lengths.sum() / 2) + 1
    s = np.arange(n) - (n - 1) / 2 + lengths.sum() / 2
    ends = np.append(0, np.cumsum(lengths))
    want = np.zeros((3, n))
    for j, at in enumerate(s):
        k = int(np.clip(np.searchsorted(ends, at, side="right") - 1, 0, len(lengths) - 1))
        unit = (corners[k + 1] - corners[k]) / lengths[k]
        place = corners[k] + (at - ends[k]) * unit
        for h in range(-(width // 2), width // 2 + 1):
            x, y = place + h * np.array([-unit[1], unit[0]])
            want[:, j] += [map_coordinates(plane, [[y], [x]], order=1)[0] / width for plane in VALUES]
    np.testing.assert_allclose(found.values, want, atol=1e-9)


def test_labels_are_distances_on_the_sky() -> None:
    made = cube().pv([(3, 4), (11, 10)], unit="arcmin")
    coords = made.coords
    assert made.dims == ("frequency", "offset")
    assert coords is not None
    _, offset = coords.to_world(0.0, np.arange(11.0))
    np.testing.assert_allclose(offset, (np.arange(11) - 5) * 2 / 60, rtol=1e-4)
    np.testing.assert_allclose(coords.frequencies(3), 1.4e9 + 1e6 * np.arange(3))
    even = cube().pv([(3, 4), (8, 4)])
    assert even.coords is not None
    np.testing.assert_allclose(
        even.coords.to_world(0.0, np.arange(6.0))[1], (np.arange(6) - 2) * 2, rtol=1e-4
    )
    other = made.to_xarray()
    np.testing.assert_allclose(other.coords["offset"], (np.arange(11) - 5) * 2 / 60, rtol=1e-4)


def test_ways_to_give_a_line() -> None:
    image = cube()
    assert image.coords is not None
    lon, lat = image.coords.pixel_to_lonlat(np.array([4.0, 12.0]), np.array([3.0, 15.0]))
    want = image.pv([(3, 4), (15, 12)])
    sky = SkyCoord(lon, lat, unit="deg", frame="fk5")
    words = [(f"{a!r}deg", f"{b!r}deg") for a, b in zip(lon.tolist(), lat.tolist(), strict=True)]
    for points in (sky, [sky[0].galactic, sky[1]], words, [("3pix", "4pix"), ("15pix", "12pix")]):
        np.testing.assert_allclose(image.pv(points).values, want.values, atol=1e-6)
    straight = image.pv([(10, 14), (10, 6)])
    for length in (8, "16arcsec", 16 * u.arcsec):
        found = image.pv(center=(10, 10), length=length)
        np.testing.assert_allclose(found.values, straight.values, atol=1e-4)
    np.testing.assert_allclose(
        image.pv(center=(10, 10), length=8, pa="90deg").values,
        image.pv([(6, 10), (14, 10)]).values,
        atol=1e-2,
    )
    assert image.pv(center=(10, 10), length=8, width="5arcsec").same_as(
        image.pv(center=(10, 10), length=8, width=3)
    )
    plain = Image(VALUES, dims=("frequency", "y", "x"))
    np.testing.assert_allclose(plain.pv([(3, 4), (15, 12)]).values, want.values)
    turned = plain.transpose("x", "frequency", "y")
    np.testing.assert_allclose(turned.pv([(3, 4), (15, 12)]).values, want.values, atol=1e-12)


@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_sections_and_blocks_make_no_difference(data: Any) -> None:
    shape = (2, 9, 10)
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    values = rng.normal(size=shape)
    mask = data.draw(masks(shape, rng))
    corners = data.draw(
        st.lists(st.tuples(st.floats(0, 8), st.floats(0, 9)), min_size=2, max_size=3, unique=True).filter(
            lambda c: abs(c[0][0] - c[1][0]) + abs(c[0][1] - c[1][1]) > 0.1
        )
    )
    node: Any = pv(Bench.source(values, mask), (1, 2), corners, data.draw(st.sampled_from([1, 3])))
    while not isinstance(node, Rows):
        node = node.children[0]
    check_sections(node, [(values, mask)], data)


def test_long_lines_read_what_is_near_them(tmp_path: Path) -> None:
    plane = np.add.outer(np.arange(3000.0), 2 * np.arange(3000.0)).astype("f4")
    image = Image(plane).save(tmp_path / "plane.npy")
    with counting() as reads, set_options(memory_limit="100MB"):
        found = image.pv([(5, 5), (2990, 2990)]).values
    n = len(found)
    np.testing.assert_allclose(found, 3 * (1497.5 + (np.arange(n) - (n - 1) / 2) / np.sqrt(2)), rtol=1e-5)
    assert reads.bytes < plane.nbytes / 10
    with counting() as reads:
        image.pv([(5, 5), (2990, 2990)])[:10].compute()
    assert reads.bytes < 12 * 3000 * 4


def test_refusals() -> None:
    for points, message in (
        ([(3, 4)], "two ends"),
        ([(3, 4), (3, 4)], "no length"),
        ([(3, 4), (3, 40)], "outside of the image"),
        ([(3, 4), (np.nan, 4)], "finite"),
        ("3,4", "no places"),
        (SkyCoord(1, 2, unit="deg"), "two ends"),
        ([("10deg", "20deg"), ("1deg", "2deg")], "not on the projection|outside"),
    ):
        with pytest.raises(LatticeError, match=message):
            cube().pv(points)
    for options, message in (
        ({"width": 2}, "odd number"),
        ({"width": 0}, "odd number"),
        ({"width": 1.5}, "whole number"),
        ({"width": "wide"}, "no angle"),
        ({"method": "spline"}, "no interpolation"),
        ({"unit": "Hz"}, "offsets are angles"),
        ({"length": 3}, "leave length out"),
        ({"center": (3, 4)}, "by its points, or by its center"),
    ):
        with pytest.raises(LatticeError, match=message):
            cube().pv([(3, 4), (8, 9)], **options)
    with pytest.raises(LatticeError, match="needs a length"):
        cube().pv(center=(3, 4))
    with pytest.raises(LatticeError, match="real numbers"):
        Image(VALUES.astype(complex)).pv([(3, 4), (8, 9)])
    with pytest.warns(UserWarning, match="beams are dropped"):
        assert not cube().with_beam([(k * SEC, SEC, 0) for k in (2, 3, 4)]).pv([(3, 4), (8, 9)]).beams


def test_lines_in_any_two_dims_with_any_number_of_samples() -> None:
    image = cube()
    found = image.pv([(2.5, 0.0), (11.0, 2.0)], dims=["frequency", "x"], samples=7, method="linear")
    assert found.dims == ("y", "offset")
    rows, columns = np.linspace(0, 2, 7), np.linspace(2.5, 11, 7)
    wanted = [map_coordinates(VALUES[:, k], [rows, columns], order=1) for k in range(SHAPE[1])]
    np.testing.assert_allclose(found.values, wanted, rtol=1e-12)
    bent = image.pv([(2, 3), (8, 3), (8, 5)], dims=["y", "x"], samples=5, method="linear")
    xs, ys = np.array([2.0, 4, 6, 8, 8]), np.array([3.0, 3, 3, 3, 5])
    np.testing.assert_allclose(bent.values[0], map_coordinates(VALUES[0], [ys, xs], order=1), rtol=1e-12)
    assert bent.coords is not None


def test_refused_lines_in_dims() -> None:
    image = cube()
    with pytest.raises(LatticeError, match="two samples"):
        image.pv([(2, 3), (8, 3)], samples=1)
    with pytest.raises(LatticeError, match="whole number"):
        image.pv([(2, 3), (8, 3)], samples=2.5)  # type: ignore[arg-type]
    with pytest.raises(LatticeError, match="two dims"):
        image.pv([(2, 3), (8, 3)], dims=["x"])
    with pytest.raises(LatticeError, match="pairs of pixels"):
        image.pv([("2h", "3deg"), ("4h", "3deg")], dims=["y", "x"])
