"""Spectral coordinates: frequencies, velocities and wavelengths of pixels, and back."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord, SpectralCoord
from astropy.io import fits
from astropy.wcs import WCS

from lattice.coords.spectral import to_hertz
from lattice.coords.spectral_frames import doppler
from lattice.coords.system import CoordinateSystem
from lattice.errors import CoordinateError
from tests.coords.headers import CUBE, MIXED
from tests.coords.test_system import AXES, REST


def axis(length: int = 16, **cards: object) -> CoordinateSystem:
    return CoordinateSystem.from_header([(k, v, "") for k, v in cards.items()], (length,))


@pytest.mark.parametrize(("ctype", "crval", "cdelt", "cunit"), AXES)
def test_pixels_of_frequencies(ctype: str, crval: float, cdelt: float, cunit: str) -> None:
    cards = {
        "CTYPE1": ctype,
        "CRVAL1": crval,
        "CDELT1": cdelt,
        "CRPIX1": 3.5,
        "CUNIT1": cunit,
        "RESTFRQ": REST,
    }
    coords = axis(**cards).subset([slice(14, None, -2)])
    pixels = np.linspace(0, 6, 13)
    hertz = coords.frequencies_at(pixels)
    np.testing.assert_allclose(coords.spectral_to_pixel(hertz * u.Hz), pixels, rtol=0, atol=2e-7)
    own = coords.spectral_quantity(pixels)
    np.testing.assert_allclose(coords.spectral_to_pixel(own.value), pixels, rtol=0, atol=2e-7)
    world = coords.to_world(pixels)[0]
    if not ctype.startswith(("AWAV", "ENER")):
        np.testing.assert_allclose(own.value, world, rtol=1e-11, atol=1e-6)


@pytest.mark.parametrize("convention", ["radio", "optical", "relativistic"])
def test_velocities_by_convention(convention: str) -> None:
    coords = axis(CTYPE1="FREQ", CRVAL1=1.42e9, CDELT1=1e5, CRPIX1=1.0, CUNIT1="Hz", RESTFRQ=REST)
    equivalency = getattr(u, f"doppler_{convention}")(REST * u.Hz)
    pixels = np.arange(5.0)
    velocities = (coords.frequencies(5) * u.Hz).to(u.km / u.s, equivalency)
    np.testing.assert_allclose(coords.spectral_to_pixel(velocities, convention=convention), pixels, atol=1e-8)
    plain = coords.spectral_to_pixel(velocities.value, "km/s", convention)
    np.testing.assert_allclose(plain, pixels, atol=1e-8)
    other = coords.spectral_to_pixel(velocities, convention=convention, rest=2 * REST * u.Hz)
    assert not np.allclose(other, pixels)


def test_wavelengths_energies_redshifts() -> None:
    coords = axis(CTYPE1="FREQ", CRVAL1=1.42e9, CDELT1=1e5, CRPIX1=1.0, CUNIT1="Hz", RESTFRQ=REST)
    hertz = coords.frequencies(3) * u.Hz
    for unit in (u.cm, u.eV, u.GHz, 1 / u.m):
        np.testing.assert_allclose(
            coords.spectral_to_pixel(hertz.to(unit, u.spectral())), range(3), atol=1e-7
        )
    z = REST / hertz.value - 1
    np.testing.assert_allclose(coords.spectral_to_pixel(z, convention="z"), range(3), atol=1e-7)


@pytest.mark.parametrize("start", ["FREQ", "VRAD", "VOPT", "WAVE", "VELO", "VOPT-F2W"])
@pytest.mark.parametrize("convention", ["radio", "optical", "relativistic", "frequency", "wavelength"])
def test_labels_change_and_pixels_stay(start: str, convention: str) -> None:
    values = {"FREQ": (1.42e9, 1e5), "WAVE": (0.211, 1e-5)}.get(start, (1e6, 2e4))
    cards = {"CTYPE1": start, "CRVAL1": values[0], "CDELT1": values[1], "CRPIX1": 4.0, "RESTFRQ": REST}
    coords = axis(**cards).subset([slice(1, None, 2)])
    new = coords.with_velocity(convention)
    np.testing.assert_allclose(new.frequencies(7), coords.frequencies(7), rtol=1e-12)
    # wcslib reads the new header in the same way.
    header = fits.Header([("NAXIS", 1), *new.to_cards()])
    world = WCS(header).wcs_pix2world(np.arange(7.0), 0)[0]
    np.testing.assert_allclose(world, new.spectral_quantity(np.arange(7)).value, rtol=1e-11, atol=1e-6)
    names = {"frequency": "frequency", "wavelength": "wavelength"}
    assert new.dims == (names.get(convention, "velocity"),)
    again = new.with_velocity("frequency")
    np.testing.assert_allclose(again.frequencies(7), coords.frequencies(7), rtol=1e-12)


def test_another_rest_frequency_moves_velocities_only() -> None:
    coords = axis(CTYPE1="FREQ", CRVAL1=1.42e9, CDELT1=1e5, CRPIX1=1.0, RESTFRQ=REST)
    new = coords.with_velocity("radio", rest=1.5 * u.GHz)
    assert new.rest_frequency == 1.5e9
    np.testing.assert_allclose(new.frequencies(3), coords.frequencies(3), rtol=1e-14)
    np.testing.assert_allclose(new.to_world(np.arange(3))[0], 299792458 * (1 - coords.frequencies(3) / 1.5e9))


def test_tables_of_frequencies() -> None:
    values = np.array([1.0, 1.1, 1.3, 1.35]) * 1e9
    coords = CoordinateSystem.from_kinds(["spectral"], frequencies=values)
    found = coords.spectral_to_pixel([1.05, 1.3, 1.2, 0.96, 1.37, 0.9, 2.0], "GHz")
    np.testing.assert_allclose(found, [0.5, 2, 1.5, -0.4, 3.4, np.nan, np.nan])
    np.testing.assert_allclose(coords.to_pixel(coords.to_world([0.5, 3])[0])[0], [0.5, 3])
    np.testing.assert_allclose(coords.subset([slice(3, None, -1)]).to_pixel(1.35e9)[0], 0, atol=1e-12)
    falling = CoordinateSystem.from_kinds(["spectral"], frequencies=values[::-1])
    np.testing.assert_allclose(falling.spectral_to_pixel(1.05e9), 2.5)
    jumping = CoordinateSystem.from_kinds(["spectral"], frequencies=[1e9, 3e9, 2e9])
    assert np.isnan(jumping.spectral_to_pixel(2e9))


def test_bad_requests() -> None:
    coords = axis(CTYPE1="FREQ", CRVAL1=1.42e9, CDELT1=1e5, CRPIX1=1.0)
    for args, reason in [
        (((3 * u.km / u.s),), "rest frequency"),
        ((3 * u.Jy,), "no frequency"),
        ((3 * u.km / u.s, None, "radical"), "did you mean"),
        ((0.1 * u.one,), "z or beta"),
        ((1.0, "furlongs"), "no frequency"),
        ((1.0, None, "radio", -2.0), "above zero"),
        ((1.0, None, None, None, "BARY"), "SPECSYS"),
    ]:
        with pytest.raises(CoordinateError, match=reason):
            coords.spectral_to_pixel(*args)
    mixed = CoordinateSystem.from_header([(k, v, "") for k, v in MIXED.items()], (5, 6, 7))
    with pytest.raises(CoordinateError, match="mixed"):
        mixed.spectral_to_pixel(1.0)
    with pytest.raises(CoordinateError, match="rest frequency"):
        coords.with_velocity()
    with pytest.raises(CoordinateError, match="table"):
        CoordinateSystem.from_kinds(["spectral"], frequencies=[1, 2, 5]).with_velocity("radio", 3.0)


@pytest.mark.filterwarnings("ignore:No velocity")
@pytest.mark.parametrize(("frame", "other"), [("LSRK", "lsrk"), ("LSRD", "lsrd"), ("BARY", "icrs")])
def test_rest_frames_agree_with_astropy(frame: str, other: str) -> None:
    from astropy.coordinates import ICRS, LSRD, LSRK, CartesianDifferential, CartesianRepresentation

    frames = {"lsrk": LSRK, "lsrd": LSRD, "icrs": ICRS}
    coords = CoordinateSystem.from_header([(k, v, "") for k, v in CUBE.items()], (5, 1, 6, 7))  # LSRK
    target = SkyCoord(CUBE["CRVAL1"] * u.deg, CUBE["CRVAL2"] * u.deg, frame="fk5", distance=1 * u.Mpc)
    origin = CartesianRepresentation([0, 0, 0] * u.km)
    at_rest = origin.with_differentials(CartesianDifferential([0, 0, 0] * u.km / u.s))
    observer = frames[other](at_rest)
    value = SpectralCoord(1.0 * u.GHz, observer=observer.transform_to(ICRS()), target=target.icrs)
    expected = value.with_observer_stationary_relative_to("lsrk").to_value("GHz")
    assert doppler(coords, frame) == pytest.approx(expected, abs=3e-8)


def test_the_motion_of_the_earth_needs_time_and_place() -> None:
    cards = CUBE | {"DATE-OBS": "2020-03-01T12:00:00"}
    coords = CoordinateSystem.from_header([(k, v, "") for k, v in cards.items()], (5, 1, 6, 7))
    with pytest.raises(CoordinateError, match="OBSGEO"):
        doppler(coords, "TOPO")
    assert abs(doppler(coords, "GEO") - 1) < 2e-4
    with pytest.raises(CoordinateError, match="NOWHERE"):
        doppler(coords, "NOWHERE")
    full = cards | {"OBSGEO-X": -1601185.4, "OBSGEO-Y": -5041977.5, "OBSGEO-Z": 3554875.9}
    there = CoordinateSystem.from_header([(k, v, "") for k, v in full.items()], (5, 1, 6, 7))
    assert abs(doppler(there, "TOPO") - doppler(coords, "GEO")) < 2e-6
    pixel = there.spectral_to_pixel(1.4e9 * u.Hz, frame="TOPO")
    assert pixel == pytest.approx(2 + 1.4e9 * (doppler(there, "TOPO") - 1) / 1e6, abs=1e-8)


@pytest.mark.parametrize("mjd", [20000.0, 60900.0, 75000.0])
def test_dates_beyond_the_tables_of_the_earth_are_no_reason_to_warn(mjd: float) -> None:
    place = {"OBSGEO-X": -1601185.4, "OBSGEO-Y": -5041977.5, "OBSGEO-Z": 3554875.9, "MJD-OBS": mjd}
    coords = CoordinateSystem.from_header([(k, v, "") for k, v in (CUBE | place).items()], (5, 1, 6, 7))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert abs(doppler(coords, "TOPO") - 1) < 2e-4


@pytest.mark.parametrize(
    ("cards", "frame"),
    [
        ({"CTYPE1": "VELO-LSR"}, "LSRK"),
        ({"CTYPE1": "FREQ-HEL"}, "BARYCENT"),
        ({"CTYPE1": "FELO-OBS", "VELREF": 1}, "TOPOCENT"),
        ({"CTYPE1": "FREQ", "VELREF": 257}, "LSRK"),
        ({"CTYPE1": "FREQ", "VELREF": 3}, "TOPOCENT"),
        ({"CTYPE1": "VELO-LSR", "SPECSYS": "BARYCENT"}, "BARYCENT"),
        ({"CTYPE1": "VOPT-F2W"}, ""),
        ({"CTYPE1": "FREQ"}, ""),
    ],
)
def test_frames_by_the_names_of_aips(cards: dict[str, object], frame: str) -> None:
    line = {"CRVAL1": 1.4e9, "CDELT1": 1e5, "CRPIX1": 1.0, "RESTFRQ": 1.42e9} | cards
    if cards["CTYPE1"] not in ("FREQ", "FREQ-HEL"):
        line |= {"CRVAL1": 1e6, "CDELT1": 1e3}
    coords = CoordinateSystem.from_header([(k, v, "") for k, v in line.items()], (8,))
    assert coords.spectral_frame == frame
    assert coords.with_velocity("radio").spectral_frame == frame


@pytest.mark.parametrize("velref", [None, 1, 257])
@pytest.mark.parametrize(
    "ctype", ["FELO", "FELO-HEL", "VELO", "VELO-LSR", "VELO-F2V", "VOPT", "VOPT-F2W", "VRAD", "FREQ-LSR"]
)
def test_frequencies_are_those_of_the_positions(ctype: str, velref: int | None) -> None:
    value, step = (1.42e9, 1e7) if ctype.startswith("FREQ") else (1e6, 1e5)
    line: dict[str, object] = {"CTYPE1": ctype, "CRVAL1": value, "CDELT1": step, "CRPIX1": 1.0}
    line |= {"RESTFRQ": 1.42040575e9} | ({} if velref is None else {"VELREF": velref})
    coords = CoordinateSystem.from_header([(k, v, "") for k, v in line.items()], (60,))
    (world,) = coords.to_world(np.arange(60))
    functions = to_hertz(str(coords.wcs((60,)).wcs.ctype[0])[:4], 1.42040575e9)
    assert functions is not None
    np.testing.assert_allclose(coords.frequencies(60), functions[0](world), rtol=1e-12)
    np.testing.assert_allclose(
        coords.spectral_to_pixel(coords.frequencies(60), "Hz"), np.arange(60), atol=1e-6
    )
