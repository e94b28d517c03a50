"""Grids by the name of a frame or a spectral variable."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord

from lattice import Image
from lattice.errors import (
    CoordinateError,
    ImageNotFoundError,
    LatticeError,
    LatticeRangeError,
    LatticeTypeError,
)
from lattice.ops.named_grids import NAMES, sort_of
from lattice.regions.measures import astropy_frame
from tests.casa_operations import INPUTS, Case
from tests.casa_planes import FRAMES
from tests.ops.every import CARDS, SEC, cube
from tests.ops.test_casa import check_coordinates, source

RNG = np.random.default_rng(8)
SKIES = ("ICRS", "J2000", "B1950", "B1950_VLA", "GALACTIC", "SUPERGAL", "ECLIPTIC")


def smooth_field(shape: tuple[int, ...]) -> np.ndarray:
    """Return values of which bilinear interpolation knows those in between."""
    y, x = np.mgrid[: shape[-2], : shape[-1]]
    return np.broadcast_to(2 + 0.3 * y - 0.2 * x, shape).astype("f8")


# -- the sky -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("frame", SKIES)
def test_positions_are_those_of_astropy(frame: str) -> None:
    image = Image(
        smooth_field((3, 31, 24)),
        wcs=CARDS | {"CRPIX1": 9.0, "PC1_1": 0.8, "PC1_2": 0.6, "PC2_1": -0.6, "PC2_2": 0.8},
    )
    made = image.regrid(frame)
    coords: Any = made.coords
    if frame != "B1950_VLA":  # epochs of another calendar
        assert coords.sky_frame.is_equivalent_frame(astropy_frame(frame))
    # the middle pixel is at the same place, and a pixel of the grid
    place = image.coords.pixel_to_sky(15, 12).transform_to(astropy_frame(frame))
    y, x = (float(v) for v in coords.sky_to_pixel(place))
    assert (abs(y - round(y)), abs(x - round(x))) == pytest.approx((0, 0), abs=1e-5)
    np.testing.assert_allclose(coords.pixel_scale(), image.coords.pixel_scale(), rtol=1e-9)
    # north is up, east to the left
    east, north = coords.sky_matrix()
    assert (abs(east[0]), abs(north[1])) == pytest.approx((0, 0), abs=1e-12)
    assert north[0] > 0 > east[1]
    # values lie where astropy says they come from
    found = made.to_masked_array()[0]
    rows, columns = np.nonzero(~np.ma.getmaskarray(found))
    sky = SkyCoord(coords.pixel_to_sky(rows, columns))
    from_y, from_x = image.coords.sky_to_pixel(sky)
    np.testing.assert_allclose(found.data[rows, columns], 2 + 0.3 * from_y - 0.2 * from_x, atol=1e-5)
    # nothing is lost: every corner is on the grid, and no line of pixels lies wholly outside
    for corner in ((0, 0), (0, 23), (30, 0), (30, 23)):
        y, x = (float(v) for v in coords.sky_to_pixel(image.coords.pixel_to_sky(*corner)))
        assert -0.5 <= y <= made.shape[1] - 0.5
        assert -0.5 <= x <= made.shape[2] - 0.5
    ys, xs = image.coords.sky_to_pixel(
        SkyCoord(coords.pixel_to_sky(*np.mgrid[: made.shape[1], : made.shape[2]]))
    )
    inside = (np.abs(ys - 15) <= 15.51 + 0.5) & (np.abs(xs - 11.5) <= 12.01 + 0.5)
    assert inside.any(axis=0).all()
    assert inside.any(axis=1).all()


def test_there_and_back() -> None:
    field = smooth_field((41, 37))
    image = Image(field, wcs={k: v for k, v in CARDS.items() if k[-1] != "3"}, beam=(3 * SEC, 2 * SEC, 25.0))
    back = image.regrid("GALACTIC").regrid("J2000").regrid(image)
    good = ~np.ma.getmaskarray(back.to_masked_array())
    assert good[4:-4, 4:-4].all()
    np.testing.assert_allclose(back.values[good], field[good], atol=1e-5)
    np.testing.assert_allclose(back.beams, image.beams, atol=1e-5)


def test_angles_of_beams_turn_with_the_north() -> None:
    image = cube(RNG.normal(size=(2, 9, 9)).astype("f4"))
    place = image.coords.pixel_to_sky(4, 4)
    tip = place.directional_offset_by(30 * u.deg, 1 * u.arcsec)
    expected = place.galactic.position_angle(tip.galactic).deg
    (beam,) = image.regrid("GALACTIC").beams
    assert beam[:2] == image.beams[0][:2]
    assert (beam[2] - expected + 90) % 180 - 90 == pytest.approx(0, abs=1e-4)


def test_a_frame_that_the_image_has() -> None:
    image = cube(RNG.normal(size=(2, 9, 9)).astype("f4"))
    assert image.regrid("J2000") is image
    assert image.regrid(frame="FK5") is image
    assert image.regrid(frame="LSRK").same_as(image)
    sky = {k: v for k, v in CARDS.items() if k[-1] != "3"}
    turned = Image(smooth_field((9, 9)), wcs=sky | {"PC1_2": 0.5, "PC2_1": -0.5})
    assert turned.regrid("J2000").shape[0] > 9  # its north is not up


def test_frames_whose_pixels_coincide() -> None:
    # at 12h the axes of the equinoxes are parallel
    sky = {k: v for k, v in CARDS.items() if k[-1] != "3"}
    image = Image(smooth_field((9, 8)), wcs=sky | {"CRVAL1": 180.0})
    made = image.regrid("B1950")
    assert made.coords.sky_frame.is_equivalent_frame(astropy_frame("B1950"))
    assert made.shape == image.shape
    np.testing.assert_allclose(made.values, image.values, atol=1e-2)


def test_axes_in_any_order_and_other_projections() -> None:
    image = cube(smooth_field((2, 21, 17)).astype("f4"))
    for order in (("x", "frequency", "y"), ("y", "x", "frequency")):
        made = image.transpose(*order).regrid("GALACTIC")
        assert made.dims == order
        straight = image.regrid("GALACTIC").transpose(*order)
        np.testing.assert_allclose(made.filled(0), straight.filled(0), atol=1e-5)
    for code in ("TAN", "ARC", "ZEA", "CAR", "AIT", "NCP"):
        other = Image(image.values, wcs=CARDS | {"CTYPE1": f"RA---{code}", "CTYPE2": f"DEC--{code}"})
        made = other.regrid("GALACTIC")
        good = np.nonzero(~np.ma.getmaskarray(made.to_masked_array()[0]))
        ys, xs = other.coords.sky_to_pixel(made.coords.pixel_to_sky(*good))
        np.testing.assert_allclose(made.values[0][good], 2 + 0.3 * ys - 0.2 * xs, atol=1e-4)
    mirrored = Image(image.values, wcs=CARDS | {"CDELT1": SEC}).regrid("GALACTIC")
    assert mirrored.coords.sky_matrix()[0, 1] > 0


@pytest.mark.parametrize(
    ("case", "name"), [pytest.param(c, n, id=f"{c.name}-{n}") for c in FRAMES for n in c.inputs]
)
def test_as_imregrid(case: Case, name: str) -> None:
    """CASA's positions are those of astropy to 0.3 arcsec, 0.003 pixels, and interpolated by every tenth."""
    key = f"{case.name}|{name}"
    with np.load(Path(__file__).parent.parent / "data" / "casa_planes.npz") as kept:
        values, mask = kept[f"{key}|values"], kept[f"{key}|mask"]
        about = json.loads(str(kept[f"{key}|about"]))
    made = case.ours(source("planes", name), None)
    found = made.to_masked_array()
    assert found.shape == values.shape
    good = ~np.ma.getmaskarray(found)
    # where a footprint ends at a pixel, that which is next to it decides
    assert np.count_nonzero(good != mask) <= max(3, 0.02 * good.size)
    both = good & mask
    assert np.count_nonzero(both) > 0.5 * np.count_nonzero(mask)
    scale = float(np.abs(values[mask]).max())
    np.testing.assert_allclose(found.data[both], values[both], rtol=0, atol=0.02 * scale)
    assert float(np.abs(found.data[both] - values[both]).mean()) < 0.006 * scale
    check_coordinates(made, about, 4e-3)
    assert made.unit == about["unit"]
    if case.beams:
        angles = [beam[2] for beam in about["beams"]]
        np.testing.assert_allclose([b[2] for b in made.beams], angles, atol=2e-3)
    assert INPUTS[name].shape[:-2] == made.shape[:-2]


# -- spectra -----------------------------------------------------------------------------------------------


def line(hertz: np.ndarray) -> np.ndarray:
    """Return a spectrum that is smooth."""
    return np.asarray(np.exp(-(((hertz - 1.4004e9) / 2e7) ** 2)))


def spectrum(n: int = 40, **cards: Any) -> Image:
    """Return a cube with a line at frequencies of its own frame."""
    own = (
        CARDS
        | {"OBSGEO-X": -1601185.4, "OBSGEO-Y": -5041977.5, "OBSGEO-Z": 3554875.9, "CRPIX3": 20.0}
        | cards
    )
    bare = Image(np.zeros((n, 3, 3)), wcs=own)
    values = np.broadcast_to(line(bare.coords.frequencies(n))[:, None, None], (n, 3, 3))
    return Image(np.array(values), wcs=own, unit="K")


@pytest.mark.parametrize("frame", ["BARY", "LSRD", "TOPO", "GEO", "GALACTO", "LGROUP", "CMB", "HELIO"])
def test_spectral_frames(frame: str) -> None:
    image = spectrum()
    made = image.regrid(frame=frame, method="cubic")
    assert (made.shape, made.dims, made.unit) == (image.shape, image.dims, image.unit)
    assert sort_of(made.coords.spectral_frame) == sort_of(frame)
    there, here = made.coords.frequencies(40), image.coords.frequencies(40)
    np.testing.assert_allclose(np.diff(there), np.diff(here), rtol=1e-6)
    # the middle channel is that of the same frequency
    same = image.with_frame(frame).coords.frequencies(40)
    assert there[19] == pytest.approx(same[19], rel=1e-13)
    found = made.to_masked_array()[:, 1, 1]
    own = there * (here[0] / same[0])  # in the frame of the image
    good = ~np.ma.getmaskarray(found)
    assert good.sum() >= 36
    np.testing.assert_allclose(found.data[good], line(own)[good], atol=2e-3)
    np.testing.assert_allclose(found.data[2:-2], line(own)[2:-2], atol=2e-5)


@pytest.mark.parametrize(
    ("name", "dim", "unit"),
    [
        ("radio", "velocity", "m s-1"),
        ("optical", "velocity", "m s-1"),
        ("relativistic", "velocity", "m s-1"),
        ("wavelength", "wavelength", "m"),
    ],
)
def test_spectral_variables(name: str, dim: str, unit: str) -> None:
    image = spectrum()
    made = image.regrid(name, method="cubic")
    assert made.dims == (dim, "y", "x")
    assert made.coords.world_units[0] == unit
    values = made.coords.spectral_quantity(np.arange(40)).value
    np.testing.assert_allclose(np.diff(values), np.diff(values)[0], rtol=1e-9)
    labelled = image.with_velocity(name).coords.spectral_quantity(np.arange(40)).value
    assert values[19] == pytest.approx(labelled[19], rel=1e-12)
    found = made.to_masked_array()[:, 1, 1]
    good = ~np.ma.getmaskarray(found)
    assert good.sum() >= 36
    np.testing.assert_allclose(found.data[good], line(made.coords.frequencies(40))[good], atol=2e-3)
    back = made.regrid("frequency", method="cubic")
    assert back.dims == image.dims
    np.testing.assert_allclose(np.diff(back.coords.frequencies(40)), np.diff(back.coords.frequencies(40))[0])


def test_the_first_twentieth_beyond_the_ends_is_there() -> None:
    narrow = spectrum(CDELT3=1e4).regrid("BARY")
    assert not np.ma.getmaskarray(narrow.to_masked_array()).any()


def test_blocks_and_chains() -> None:
    image = spectrum()
    made = image.regrid("LSRD").regrid(frame="GALACTIC").collapse("max", "frequency")
    assert made.shape == image.regrid("GALACTIC").shape[1:]
    assert made.explain().bytes_read <= image.nbytes


def without(image: Image, key: str) -> Image:
    return Image(image.values, wcs={k: v for k, v in CARDS.items() if k != key})


# -- errors ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "kind", "said"),
    [
        (lambda a: a.regrid(frame="GALATIC"), CoordinateError, "did you mean 'GALACTIC'"),
        (lambda a: a.regrid("GALATIC"), ImageNotFoundError, "did you mean 'GALACTIC'"),
        (lambda a: a.regrid(frame=3), LatticeTypeError, "no name of a frame"),
        (lambda a: a.regrid(), LatticeTypeError, "needs a template"),
        (lambda a: a.regrid(a, frame="GALACTIC"), LatticeTypeError, "goes without template"),
        (lambda a: a.regrid("GALACTIC", "x"), LatticeTypeError, "goes without template, dims"),
        (lambda a: a.regrid("GALACTIC", shape=(3, 4)), LatticeTypeError, "goes without"),
        (lambda a: a.regrid("LSRK", velocity="radio"), LatticeTypeError, "goes without"),
        (lambda a: a.regrid("GALACTIC", method="best"), LatticeRangeError, "no interpolation"),
        (lambda a: a[0].regrid("LSRK"), CoordinateError, "no spectral axis"),
        (lambda a: a[:, 0].regrid("GALACTIC"), CoordinateError, "no sky"),
        (lambda a: Image(a.values).regrid("optical"), CoordinateError, "no coordinates"),
        (lambda a: Image(a.values).regrid("GALACTIC"), CoordinateError, "no sky"),
        (lambda a: without(a, "SPECSYS").regrid("LSRK"), CoordinateError, "not known"),
        (lambda a: without(a, "RESTFRQ").regrid("radio"), CoordinateError, "rest frequency"),
        (lambda a: a.with_velocity("optical").regrid("BARY"), CoordinateError, "linear in another frame"),
    ],
)  # fmt: skip
def test_what_is_refused(make: Any, kind: type[LatticeError], said: str) -> None:
    image = cube(RNG.normal(size=(4, 9, 9)).astype("f4"))
    with pytest.raises(kind, match=said):
        make(image)


def test_every_name_stands_for_something() -> None:
    assert {sort_of(name)[0] for name in NAMES} == {"sky", "frame", "variable"}
