"""Coordinates that are the same within a fraction of a pixel, and what is said where they are not."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.wcs import WCS

import lattice
from lattice import Image
from lattice.config import set_options
from lattice.coords.system import CoordinateSystem
from lattice.errors import CoordinateMismatchError, CoordinateWarning
from lattice.io.casa_records import coords_from_record
from tests.coords.headers import CAR_PC, CUBE, HEADERS, SIN, TAN_SIP

SHAPE = (8, 4, 20, 30)


def system(cards: dict[str, object], shape: tuple[int, ...] = SHAPE) -> CoordinateSystem:
    return CoordinateSystem.from_header([(k, v, "") for k, v in cards.items()], shape)


@pytest.mark.parametrize(
    ("change", "keyword", "pixels", "dim"),
    [
        ({"CRVAL4": 1.4e9 + 5e5}, "CRVAL4", 0.5, "frequency"),
        ({"CRPIX4": 3.25}, "CRPIX4", 0.25, "frequency"),
        ({"CDELT4": 1.1e6}, "CDELT4", None, "frequency"),
        ({"CRPIX2": 18.5}, "CRPIX2", 1.0, "y"),
        ({"CRVAL2": -22.003}, "CRVAL2", 0.3, "y"),
        ({"CRVAL3": 2.0}, "CRVAL3", 1.0, "stokes"),
        ({"RADESYS": "FK4", "EQUINOX": 1950.0}, "RADESYS", None, "x"),
        ({"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN"}, "CTYPE1", None, None),
    ],
)
def test_the_keyword_and_the_size(change, keyword, pixels, dim) -> None:
    a, b = system(CUBE), system(CUBE | change)
    found = a.compare(b, 1e-6, SHAPE)
    assert found is not None
    assert found.keyword in (keyword, keyword.replace("1", "2"))
    assert dim is None or found.dim == dim
    if pixels is not None:
        assert found.pixels == pytest.approx(pixels, rel=2e-3)
    assert found.keyword in str(found)
    assert "pixels along" in str(found)


def test_differences_below_the_tolerance_are_none() -> None:
    a, b = system(CUBE), system(CUBE | {"CRVAL4": 1.4e9 + 5e3})
    assert a.compare(b) is None  # 0.005 pixels
    assert a.compare(b, 0.001).pixels == pytest.approx(0.005)
    with set_options(coordinate_tolerance=0.001):
        assert a.compare(b) is not None
    assert a.compare(a) is None
    assert a.compare(system(CUBE)) is None


def test_differences_of_scale_grow_with_the_shape() -> None:
    a, b = system(CUBE), system(CUBE | {"CDELT4": 1.001e6})
    assert a.compare(b, 0.01, (3, 4, 20, 30)) is None
    assert a.compare(b, 0.01, (3000, 4, 20, 30)).pixels == pytest.approx(3.0, rel=0.01)


@pytest.mark.parametrize("name", HEADERS)
def test_other_words_for_the_same_place_are_no_difference(name: str) -> None:
    cards, n = HEADERS[name]
    coords = system(cards, (9,) * n)
    # Another reference pixel, PC for CD, and other comments; the polynomials of SIP belong to their centre.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        written = WCS(fits.Header(cards)).to_header(relax=True)
    again = CoordinateSystem.from_header([tuple(c) for c in written.cards], (9,) * n)
    assert coords.compare(again, 1e-6) is None


def test_velocities_of_the_same_frequencies_are_no_difference() -> None:
    coords = system(CUBE)
    assert coords.compare(coords.with_velocity("optical"), 1e-6) is None
    assert coords.with_velocity("radio").compare(coords, 1e-6) is None


def test_the_same_sky_in_another_frame_is_no_difference() -> None:
    # A tiny image turned by the angle between the frames.
    centre = SkyCoord(40 * u.deg, 10 * u.deg, frame="galactic")
    north = centre.directional_offset_by(0 * u.deg, 1 * u.arcsec)
    fk5, angle = centre.fk5, centre.fk5.position_angle(north.fk5).rad
    plane = {"CRPIX1": 5.0, "CRPIX2": 5.0, "CDELT1": -1e-3, "CDELT2": 1e-3}
    galactic = plane | {"CTYPE1": "GLON-TAN", "CTYPE2": "GLAT-TAN", "CRVAL1": 40.0, "CRVAL2": 10.0}
    turned = plane | {
        "CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRVAL1": fk5.ra.deg, "CRVAL2": fk5.dec.deg,
        "PC1_1": np.cos(angle), "PC1_2": -np.sin(angle), "PC2_1": np.sin(angle), "PC2_2": np.cos(angle),
        "RADESYS": "FK5", "EQUINOX": 2000.0,
    }  # fmt: skip
    a, b = system(galactic, (9, 9)), system(turned, (9, 9))
    assert a.compare(b, 1e-3, (9, 9)) is None or a.compare(b, 1e-3, (9, 9)).pixels < 5e-3


def test_kinds_and_tables() -> None:
    a = system(CUBE)
    assert "kinds" in str(a.compare(system(SIN, (20, 30))))
    one = CoordinateSystem.from_kinds(["spectral"], frequencies=[1e9, 2e9, 4e9])
    two = CoordinateSystem.from_kinds(["spectral"], frequencies=[1e9, 2e9, 4.5e9])
    assert one.compare(two, 0.01, (3,)).pixels == pytest.approx(0.2)
    assert one.compare(one.subset([slice(1, None)]), 0.01, (2,)) is not None
    # Axes of which nothing is known have no values.
    assert CoordinateSystem.from_kinds(["none", "stokes"]).compare(system({}, (4, 5))) is not None
    assert CoordinateSystem.from_kinds(["none"]).compare(CoordinateSystem.from_kinds(["none"])) is None


def test_parameters_in_any_order_are_compared_at_pixels() -> None:
    def stokes(*names: str) -> CoordinateSystem:
        record = {"stokes0": {"axes": ["Stokes"], "stokes": list(names), "crval": np.ones(1)}}
        record["stokes0"] |= {"crpix": np.zeros(1), "cdelt": np.ones(1), "pc": np.eye(1)}
        maps = {"worldmap0": np.zeros(1, "i4"), "pixelmap0": np.zeros(1, "i4")}
        maps |= {"worldreplace0": np.zeros(1), "pixelreplace0": np.zeros(1)}
        return coords_from_record(record | maps, (len(names),))[0]

    names = ("I", "Q", "U", "V", "RR", "RL", "LR", "LL", "XX", "XY")
    a, other = stokes(*names), stokes(*names[:-1], "YY")
    b = replace(a, header=(*a.header, ("LONPOLE", 180.0, "")))
    assert a.stokes(10) == names
    assert a != b
    assert a.compare(b, 1e-6, (10,)) is None
    assert a.compare(other, 1e-6, (10,)) is not None


def test_far_away_places_have_no_common_position() -> None:
    text = str(system(SIN, (20, 30)).compare(system(SIN | {"CRVAL1": 263.6, "CRVAL2": 22.0}, (20, 30))))
    assert "no common position" in text


# -- expressions ------------------------------------------------------------------------------------------


def image(cards: dict[str, object] = CUBE, shape: tuple[int, ...] = SHAPE, **more: object) -> Image:
    return Image(np.ones(shape, "f4"), wcs=cards, **more)


def test_operators_warn_and_combine_by_position() -> None:
    a, b = image(), image(CUBE | {"CRVAL4": 1.45e9})
    with pytest.warns(
        CoordinateWarning, match=r"'\+' lie at different places: CRVAL4 is .* along frequency"
    ) as caught:
        total = a + b
    assert caught[0].filename == __file__
    assert len(caught) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert float(total.sum()) == 2 * total.size  # and computing does not say it again
        total.data.compute()


def test_an_expression_says_it_once() -> None:
    a, b = image(), image(CUBE | {"CRVAL4": 1.45e9})
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        lattice.expr("a + b + a*b - a/b", a=a, b=b)
    assert [w.category for w in caught] == [CoordinateWarning]


def test_the_option_makes_it_an_error_or_silent() -> None:
    a, b = image(), image(CUBE | {"CRPIX2": 19.0})
    with set_options(coordinates="error"):
        with pytest.raises(CoordinateMismatchError, match=r"CRPIX2 is 17.5 and 19"):
            a * b
        with pytest.raises(CoordinateMismatchError, match="different places") as caught:
            lattice.expr("a - b", a=a, b=b)
        assert caught.value.text == "a - b"
        a * image()
    with warnings.catch_warnings(), set_options(coordinates="ignore"):
        warnings.simplefilter("error")
        a * b
    with warnings.catch_warnings(), set_options(coordinate_tolerance=2):
        warnings.simplefilter("error")
        a * b


def test_what_is_no_difference_is_not_said() -> None:
    a = image()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        a + image(CUBE | {"OBJECT": "x", "DATE-OBS": "2020-01-01"})
        a + np.ones(SHAPE, "f4")
        a[:, 0] / a[:, 1]  # another Stokes parameter
        a[:, :1] + a[:, 1:2]
        a + a[2:3]  # stretched
        a + a[0, 0]  # extended
        a[a > 0] + a
        lattice.expr("spectralindex(a, b)", a=a, b=image(CUBE | {"CRVAL4": 2e9}))
    with pytest.warns(CoordinateWarning, match="CRPIX"):
        a + a[0, 0, ::-1]


def test_equal_coordinates_cost_nothing() -> None:
    from lattice.coords import astropy_wcs

    before = astropy_wcs.header_wcs.cache_info()
    a, b = image(TAN_SIP, (20, 30)), image(TAN_SIP, (20, 30))
    a + b + a * b
    assert astropy_wcs.header_wcs.cache_info() == before


# -- what others bring ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", HEADERS)
def test_an_astropy_wcs_comes_in_without_loss(name: str) -> None:
    cards, n = HEADERS[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wcs = WCS(fits.Header(cards | {"CRVAL1": 83.633212345678901}))
        got = Image(np.zeros((9,) * n), wcs=wcs).coords
    pixels = [np.linspace(0, 50, 7)] * n
    expected = wcs.all_pix2world(*pixels, 0)[::-1]
    for mine, theirs in zip(got.to_world(*pixels), expected, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=2e-14, atol=1e-12)


def test_slices_and_wrappers_of_a_wcs() -> None:
    from astropy.wcs.wcsapi import HighLevelWCSWrapper, SlicedLowLevelWCS

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wcs = WCS(fits.Header(CUBE))
    low = SlicedLowLevelWCS(wcs, (2, 0, slice(3, None), slice(None)))
    sky = system(CUBE).pixel_to_sky(5.0, 6.0)
    for one in (low, HighLevelWCSWrapper(low), wcs[2, 0, 3:]):
        coords = Image(np.zeros((17, 30)), wcs=one).coords
        np.testing.assert_allclose(coords.sky_to_pixel(sky), (2, 6), atol=1e-9)


class _Model:
    """Stands for a gwcs object, which makes a FITS header of itself."""

    pixel_n_dim = world_n_dim = 2
    bounding_box = None

    def to_fits_sip(self, bounding_box):
        assert bounding_box == ((-0.5, 29.5), (-0.5, 19.5))
        return fits.Header(CAR_PC)


class _Opaque:
    pixel_n_dim = world_n_dim = 2


class _Failing(_Model):
    def to_fits_sip(self, **kwargs):
        raise ValueError("the frame is not celestial")


def test_objects_of_the_common_interface() -> None:
    got = Image(np.zeros((20, 30)), wcs=_Model()).coords
    assert got.compare(system(CAR_PC, (20, 30))) is None
    with pytest.raises(lattice.LatticeError, match="Opaque cannot be written as a FITS header"):
        Image(np.zeros((20, 30)), wcs=_Opaque())
    with pytest.raises(lattice.LatticeError, match="not celestial"):
        Image(np.zeros((20, 30)), wcs=_Failing())
    with pytest.raises(CoordinateMismatchError, match="2 axes do not fit an array of 3"):
        Image(np.zeros((2, 20, 30)), wcs=_Model())


# -- other coordinates for the same pixels ----------------------------------------------------------------


def test_images_by_velocity() -> None:
    mask = np.arange(np.prod(SHAPE)).reshape(SHAPE) % 5 > 0
    one = image(mask=mask)
    new = one.with_velocity("optical", rest=1.5 * u.GHz)
    assert new.dims == ("velocity", "stokes", "y", "x")
    assert new.coords.compare(one.coords, 1e-6, SHAPE) is None
    np.testing.assert_array_equal(new.to_masked_array(), one.to_masked_array())
    assert new.with_mask(None).masked is False
    assert (new + 1)[2:5].with_velocity("frequency").dims[0] == "frequency"
    assert new.masks["mask0"].dims == new.dims
    part = one[one > 0][1:, ::2].with_velocity()
    np.testing.assert_array_equal(part.values, one[1:, ::2].values)
    assert str(part.wcs.wcs.ctype[3]) == "VRAD"
    with pytest.raises(lattice.CoordinateError, match="no coordinates"):
        Image(np.ones(3)).with_velocity()


def test_images_at_another_place() -> None:
    one = Image(np.ones((20, 30)), wcs=SIN)
    moved = one.with_wcs(CAR_PC)
    assert moved.coords.compare(system(CAR_PC, (20, 30))) is None
    assert (one > 0)[1:].with_wcs(CAR_PC).values.all()
    assert one.with_wcs(None).coords is None
    assert one.with_wcs(None).dims == ("y", "x")
    with pytest.raises(CoordinateMismatchError):
        one.with_wcs(system(CUBE))


# -- options ----------------------------------------------------------------------------------------------


def test_options_are_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    for wrong in (-1, "x", None, True, float("nan"), float("inf")):
        with pytest.raises(lattice.LatticeRangeError, match="coordinate_tolerance"):
            set_options(coordinate_tolerance=wrong)
    with pytest.raises(lattice.LatticeRangeError, match="did you mean 'error'"):
        set_options(coordinates="eror")
    monkeypatch.setenv("LATTICE_COORDINATES", "Error")
    monkeypatch.setenv("LATTICE_COORDINATE_TOLERANCE", "0.5")
    options = lattice.get_options()
    assert (options.coordinates, options.coordinate_tolerance) == ("error", 0.5)
