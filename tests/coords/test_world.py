"""Positions of pixels and pixels of positions, against astropy.wcs."""

from __future__ import annotations

import pickle
import re
import warnings

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import FK4, FK5, ICRS, Galactic, SkyCoord
from astropy.io import fits
from astropy.wcs import WCS
from astropy.wcs.utils import proj_plane_pixel_scales

from lattice.coords.system import CoordinateSystem
from lattice.errors import CoordinateError, LatticeWarning, ShapeMismatchError
from lattice.regions.measures import astropy_frame
from tests.coords.headers import ALTERNATE, CAR_PC, CROTA, CUBE, HEADERS, MIXED, SIN, TAN_SIP

PARAMETERS = {
    "AZP": {1: 2.0, 2: 20.0}, "SZP": {1: 2.0, 2: 180.0, 3: 60.0},
    "ZPN": {0: 0.05, 1: 0.975, 2: -0.807, 3: 0.337},
    "AIR": {1: 45.0}, "CYP": {1: 1.0, 2: 0.8}, "CEA": {1: 0.75}, "COP": {1: 45.0, 2: 25.0},
    "COE": {1: 45.0, 2: 25.0}, "COD": {1: 45.0, 2: 25.0}, "COO": {1: 45.0, 2: 25.0}, "BON": {1: 45.0},
    "HPX": {1: 4.0, 2: 3.0},
}  # fmt: skip
PROJECTIONS = re.findall(
    r"\w+",
    "AZP SZP TAN STG SIN NCP ARC ZPN ZEA AIR CYP CEA CAR MER SFL GLS PAR MOL AIT COP COE COD COO BON PCO "
    "TSC CSC QSC HPX XPH",
)


def system(cards: dict[str, object], n: int, length: int = 60) -> CoordinateSystem:
    return CoordinateSystem.from_header([(k, v, "") for k, v in cards.items()], (length,) * n)


def astropy_of(cards: dict[str, object]) -> WCS:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return WCS(fits.Header(cards))


def projected(code: str) -> dict[str, object]:
    cards: dict[str, object] = {
        "CTYPE1": f"RA---{code}", "CRPIX1": 30.5, "CRVAL1": 75.0, "CDELT1": -0.4,
        "CTYPE2": f"DEC--{code}", "CRPIX2": 28.0, "CRVAL2": 35.0, "CDELT2": 0.5,
        "PC1_1": 0.9, "PC1_2": -0.3, "PC2_1": 0.3, "PC2_2": 0.9, "RADESYS": "ICRS",
    }  # fmt: skip
    return cards | {f"PV2_{m}": value for m, value in PARAMETERS.get(code, {}).items()}


@pytest.mark.parametrize("code", PROJECTIONS)
def test_every_projection_agrees_with_astropy_and_returns(code: str) -> None:
    cards = projected(code)
    y, x = np.mgrid[0:60:2.5, 0:60:2.5]
    lon, lat = astropy_of(cards).wcs_pix2world(x, y, 0)
    coords = system(cards, 2)
    got_lat, got_lon = coords.to_world(y, x)
    np.testing.assert_allclose(got_lon, lon, rtol=0, atol=1e-11)
    np.testing.assert_allclose(got_lat, lat, rtol=0, atol=1e-11)
    # A pixel of a cube projection's blank corners, or of a ZPN beyond its range, has no position.
    defined = np.isfinite(got_lon)
    assert defined.mean() > 0.9
    back_y, back_x = coords.to_pixel(got_lat, got_lon)
    # wcslib computes this one in single precision.
    atol = 1e-4 if code == "CSC" else 1e-8
    np.testing.assert_allclose(back_x[defined], x[defined], rtol=0, atol=atol)
    np.testing.assert_allclose(back_y[defined], y[defined], rtol=0, atol=atol)


def reference(cards: dict[str, object], pixels: list[np.ndarray]) -> list[np.ndarray]:
    """World coordinates by astropy, numpy order, of pixels in numpy order."""
    return [np.asarray(w) for w in astropy_of(cards).all_pix2world(*pixels[::-1], 0)][::-1]


@pytest.mark.parametrize("name", HEADERS)
def test_cuts_strides_flips_and_swapped_axes(name: str) -> None:
    cards, n = HEADERS[name]
    coords = system(cards, n)
    rng = np.random.default_rng(3)
    part = coords.subset([slice(40, None, -3) if k % 2 else slice(5, None, 2) for k in range(n)])
    order = tuple(range(n))[::-1]
    part = part.select(order)
    pixels = [rng.uniform(0, 10, 50) for _ in range(n)]
    old = [np.empty(0)] * n
    for k, p in zip(order, pixels, strict=True):
        old[k] = 40 - 3 * p if k % 2 else 5 + 2 * p
    expected = reference(cards, old)
    got = part.to_world(*pixels)
    for k, values in zip(order, got, strict=True):
        np.testing.assert_allclose(values, expected[k], rtol=1e-12, atol=1e-11)
    for back, p in zip(part.to_pixel(*got), pixels, strict=True):
        np.testing.assert_allclose(back, p, rtol=0, atol=1e-8)


@pytest.mark.parametrize("name", HEADERS)
def test_every_single_axis_that_is_left_knows_its_place(name: str) -> None:
    cards, n = HEADERS[name]
    p = np.linspace(0, 40, 9)
    for kept in range(n):
        at = [17.0 + k for k in range(n)]
        part = system(cards, n).subset([slice(3, None, 2) if k == kept else 17 + k for k in range(n)])
        pixels = [3 + 2 * p if k == kept else np.full(p.shape, at[k]) for k in range(n)]
        expected = reference(cards, pixels)[kept]
        (got,) = part.to_world(p)
        np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-11)
        if np.ptp(got):
            (back,) = part.to_pixel(got)
            np.testing.assert_allclose(back, p, rtol=0, atol=1e-6 if n == 2 else 1e-8)


@pytest.mark.parametrize("cards", [TAN_SIP, SIN, CAR_PC, CROTA, MIXED, CUBE, ALTERNATE])
def test_the_astropy_wcs_is_that_of_the_cut(cards: dict[str, object]) -> None:
    n = max(int(k[-1]) for k in cards if k.startswith("CTYPE") and k[-1].isdigit())
    coords = system(cards, n).subset([slice(5, 50, 2)] * n)
    wcs = coords.wcs((23,) * n)
    assert wcs.array_shape == (23,) * n
    pixels = [np.linspace(0, 20, 7)] * n
    expected = [np.asarray(w) for w in wcs.all_pix2world(*pixels, 0)][::-1]
    for got, want in zip(coords.to_world(*pixels), expected, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-10)


def test_a_wcs_is_never_shared() -> None:
    coords = system(SIN, 2)
    coords.wcs().wcs.crval = [0, 0]
    assert coords.wcs().wcs.crval[0] == SIN["CRVAL1"]


def test_sip_in_a_cube_counts_for_the_positions() -> None:
    cards = TAN_SIP | {"CTYPE3": "FREQ", "CRVAL3": 1e9, "CD3_3": 1e6, "CRPIX3": 1.0}
    plane = astropy_of(TAN_SIP)
    y, x = np.mgrid[0:60:7.0, 0:60:7.0]
    lon, lat = plane.all_pix2world(x, y, 0)
    freq, got_lat, got_lon = system(cards, 3).to_world(2, y, x)
    np.testing.assert_allclose(got_lon, lon, atol=1e-11)
    np.testing.assert_allclose(got_lat, lat, atol=1e-11)
    np.testing.assert_allclose(freq, 1.002e9)
    back = system(cards, 3).to_pixel(freq, got_lat, got_lon)
    np.testing.assert_allclose(back[1], y, atol=1e-8)
    np.testing.assert_allclose(back[2], x, atol=1e-8)
    with pytest.warns(LatticeWarning, match="without them"):
        assert system(cards, 3).wcs().naxis == 3


def test_what_has_no_position_is_nan() -> None:
    coords = system(SIN | {"CDELT1": -2.0, "CDELT2": 2.0}, 2)
    lat, lon = coords.to_world([17.0, 0.0], [31.0, 0.0])
    assert np.isfinite(lat[0])
    assert np.isnan([lat[1], lon[1]]).all()
    y, x = coords.to_pixel([np.nan, 22.0, -22.0], [83.6, 263.6, 83.6])
    assert np.isnan(y[:2]).all()
    assert np.isnan(x[:2]).all()
    np.testing.assert_allclose([y[2], x[2]], [16.5, 30.25], atol=1e-9)
    assert coords.to_pixel([], [])[0].shape == (0,)


def test_shapes_are_broadcast_and_counted() -> None:
    coords = system(CUBE, 4)
    freq, stokes, lat, lon = coords.to_world(np.arange(3)[:, None], 0, 1, np.arange(5))
    assert freq.shape == stokes.shape == lat.shape == lon.shape == (3, 5)
    assert coords.to_world(0, 0, 0, 0)[0].shape == ()
    with pytest.raises(ShapeMismatchError, match="2 coordinates for an image of 4 axes"):
        coords.to_world(1, 2)


def test_units_of_world_coordinates() -> None:
    cards = CUBE | {"CUNIT4": "GHz", "CRVAL4": 1.4, "CDELT4": 0.001}
    coords = system(cards, 4)
    assert coords.world_units == ("Hz", "", "deg", "deg")
    np.testing.assert_allclose(coords.to_world(2, 0, 0, 0)[0], 1.4e9)
    assert CoordinateSystem.from_kinds(["spectral"], frequencies=[1e9, 1.1e9, 1.3e9]).world_units == ("Hz",)


@pytest.mark.parametrize(
    ("cards", "frame"),
    [
        (SIN, FK5),
        (SIN | {"RADESYS": "ICRS"}, ICRS),
        (SIN | {"RADESYS": "FK4", "EQUINOX": 1950.0}, FK4),
        (CAR_PC, Galactic),
    ],
)
def test_positions_in_any_frame(cards: dict[str, object], frame: type) -> None:
    coords = system(cards, 2)
    assert isinstance(coords.sky_frame, frame)
    y, x = np.array([3.0, 20.0]), np.array([50.0, 7.5])
    sky = coords.pixel_to_sky(y, x)
    expected = astropy_of(cards).pixel_to_world(x, y)
    assert sky.separation(expected).max() < 1e-9 * u.arcsec
    for other in ("icrs", "galactic", FK5(equinox="J1975")):
        back = coords.sky_to_pixel(sky.transform_to(other))
        np.testing.assert_allclose(back, (y, x), rtol=0, atol=1e-7)


@pytest.mark.parametrize(
    ("lon", "lat", "name"), [("ELON", "ELAT", "barycentricmeanecliptic"), ("SLON", "SLAT", "supergalactic")]
)
def test_ecliptic_and_supergalactic_images(lon: str, lat: str, name: str) -> None:
    coords = system(CAR_PC | {"CTYPE1": f"{lon}-CAR", "CTYPE2": f"{lat}-CAR"}, 2)
    assert coords.sky_frame.name == name
    y, x = coords.sky_to_pixel(coords.pixel_to_sky(4.0, 9.0).icrs)
    np.testing.assert_allclose([y, x], [4, 9], atol=1e-8)


def test_planes_of_a_cube_have_the_same_sky() -> None:
    coords = system(CUBE, 4)
    sky = coords.pixel_to_sky(3.0, 8.0)
    plane = coords.subset([5, 0, slice(1, None), slice(None, None, 2)])
    y, x = plane.sky_to_pixel(sky)
    np.testing.assert_allclose([y, x], [2, 4], atol=1e-9)
    # The order of the axes does not matter: y is along latitude.
    y, x = plane.select((1, 0)).sky_to_pixel(sky)
    np.testing.assert_allclose([y, x], [2, 4], atol=1e-9)


def test_without_sky_axes_there_are_clear_errors() -> None:
    coords = system(CUBE, 4)
    row = coords.subset([slice(0, 5), 0, slice(0, 5), 3])
    assert row.sky_frame is None
    for one in (row, CoordinateSystem.from_kinds(["latitude", "longitude"])):
        with pytest.raises(CoordinateError, match="no pair of sky axes"):
            one.pixel_to_sky(1, 2)
    helio = system(CAR_PC | {"CTYPE1": "HLON-CAR", "CTYPE2": "HLAT-CAR"}, 2)
    assert helio.sky_frame is None
    with pytest.raises(CoordinateError, match="HLON"):
        helio.sky_to_pixel(SkyCoord(1 * u.deg, 2 * u.deg))
    broken = system(SIN | {"CDELT1": 0.0}, 2)
    with pytest.raises(CoordinateError, match="cannot be used"):
        broken.to_world(1, 2)
    with pytest.raises(CoordinateError, match="altaz"):
        coords.sky_to_pixel(SkyCoord(10 * u.deg, 20 * u.deg, frame="altaz"))


def test_sizes_of_pixels() -> None:
    for cards in (SIN, CAR_PC, TAN_SIP, CROTA):
        n = 3 if "CTYPE3" in cards else 2
        coords = system(cards, n).subset([slice(None)] * (n - 2) + [slice(50, None, -2), slice(0, None, 3)])
        y, x = coords.pixel_scale()
        want = proj_plane_pixel_scales(astropy_of(cards).celestial)
        np.testing.assert_allclose([x, y], [want[0] * 3, want[1] * 2], rtol=1e-12)


def test_stokes_names() -> None:
    coords = system(CUBE, 4)
    assert coords.stokes(4) == ("I", "Q", "U", "V")
    assert coords.subset([0, slice(3, None, -2), slice(None), slice(None)]).stokes(2) == ("V", "Q")
    linear = {"CTYPE1": "STOKES", "CRVAL1": -5.0, "CRPIX1": 1.0, "CDELT1": -1.0}
    assert system(linear, 1).stokes(4) == ("XX", "YY", "XY", "YX")
    assert CoordinateSystem.from_kinds(["stokes", "latitude"]).stokes(2) == ("I", "Q")
    with pytest.raises(CoordinateError, match="no Stokes axis"):
        system(SIN, 2).stokes(1)


def test_axes_are_found_by_kind() -> None:
    coords = system(CUBE, 4)
    assert [coords.axis_of(k) for k in ("spectral", "stokes", "latitude", "longitude", "time")] == [
        0,
        1,
        2,
        3,
        None,
    ]


def test_systems_still_are_values() -> None:
    coords = system(TAN_SIP, 2)
    coords.to_world(1, 2)
    assert pickle.loads(pickle.dumps(coords)) == coords
    assert hash(coords) == hash(system(TAN_SIP, 2))


TABULAR = SIN | {"CTYPE3": "TIME-TAB", "CRPIX3": 1.0, "CRVAL3": 1.0, "PS3_0": "WCS-TAB", "PS3_1": "COORDS"}


def test_coordinates_in_tables_that_are_not_read_are_unknown() -> None:
    coords = system(TABULAR, 3)
    time, lat, lon = coords.to_world([0, 1, 2], 4, 5)
    assert np.isnan(time).all()
    np.testing.assert_array_equal((lat, lon), system(SIN, 2).to_world([4] * 3, [5] * 3))
    pixels = coords.to_pixel(7.0, lat[0], lon[0])
    assert np.isnan(pixels[0])
    np.testing.assert_allclose(pixels[1:], (4, 5), atol=1e-9)
    with pytest.warns(LatticeWarning, match=r"a table \(-TAB\)"):
        coords.to_cards()
    spectral = system(SIN | {"CTYPE3": "WAVE-TAB", "CRVAL3": 1.0}, 3)
    assert np.isnan(spectral.to_world(0, 4, 5)[0])
    with pytest.raises(CoordinateError, match=r"in a table \(-TAB\)"):
        spectral.spectral_quantity([0.0])


def test_positions_without_their_distortion_are_told() -> None:
    header = {**SIN, "CPDIS1": "LOOKUP", "CPDIS2": "LOOKUP", "DP1": "EXTVER: 1", "CRVAL1": 77.123}
    coords = system(header, 2)
    with pytest.warns(LatticeWarning, match=r"distortions \(CPDIS1, CPDIS2\), which are not read"):
        coords.pixel_to_lonlat(4, 5)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        coords.pixel_to_lonlat(4, 5)  # once is enough


def test_parameters_that_only_a_transformation_finds_fault_with() -> None:
    zpn = {"CTYPE1": "RA---ZPN", "CTYPE2": "DEC--ZPN", "CRVAL1": 10.0, "CRVAL2": 20.0, "PV2_0": 1.0}
    coords = system(zpn | {"CDELT1": -0.01, "CDELT2": 0.01}, 2)
    with pytest.raises(CoordinateError, match="cannot be used: Invalid parameters"):
        coords.pixel_to_lonlat(3.0, 3.0)
    with pytest.raises(CoordinateError, match="cannot be used: Invalid parameters"):
        coords.lonlat_to_pixel(10.0, 20.0)


@pytest.mark.parametrize(
    ("cards", "name"),
    [
        ({}, "ICRS"),
        ({"RADESYS": "ICRS", "EQUINOX": 2000.0}, "ICRS"),
        ({"RADESYS": "FK5"}, "J2000"),
        ({"EQUINOX": 2000.0}, "J2000"),
        ({"RADESYS": "FK5", "EQUINOX": 1975.0}, None),
        ({"EQUINOX": 1950.0}, None),
        ({"RADESYS": "FK4"}, None),
        ({"CTYPE1": "GLON-SIN", "CTYPE2": "GLAT-SIN"}, "GALACTIC"),
        ({"CTYPE1": "SLON-SIN", "CTYPE2": "SLAT-SIN"}, None),
    ],
)
def test_names_of_frames_are_those_of_astropy(cards: dict[str, object], name: str | None) -> None:
    plain = {key: value for key, value in SIN.items() if key not in ("RADESYS", "EQUINOX")}
    coords = system(plain | cards, 2)
    assert coords.frame_name == name
    if name is not None:
        assert coords.sky_frame.is_equivalent_frame(astropy_frame(name))


def test_a_longitude_without_a_latitude_is_a_linear_axis() -> None:
    cards = {"CTYPE1": "RA---SIN", "CRVAL1": 150.0, "CDELT1": -0.01, "CRPIX1": 2.0, "CUNIT1": "deg"}
    cards |= {"CTYPE2": "FREQ", "CRVAL2": 1e9, "CDELT2": 1e6, "CRPIX2": 1.0, "CUNIT2": "Hz"}
    coords = system(cards, 2, 4)
    frequencies, angles = coords.to_world(np.arange(4), 0)
    np.testing.assert_allclose(frequencies, 1e9 + 1e6 * np.arange(4))
    np.testing.assert_allclose(angles, 150.01)
    assert coords.wcs((4, 4)).naxis == 2
    assert {k: v for k, v, _ in coords.to_cards()}["CTYPE1"] == "RA---SIN"


def test_an_astropy_wcs_that_cannot_be_had_is_an_error_of_ours() -> None:
    cards = {"CTYPE1": "VRAD", "CRVAL1": 1.0, "CDELT1": 1.0, "CRPIX1": 1.0, "CUNIT1": "furlong"}
    with pytest.raises(CoordinateError, match="cannot be used"):
        system(cards, 1).wcs((60,))
