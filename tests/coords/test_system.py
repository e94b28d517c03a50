"""Kinds, names and frequencies of axes."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from astropy import units as u
from astropy.io import fits
from astropy.wcs import WCS

from lattice.coords.system import Axis, CoordinateSystem, default_dims
from lattice.graph.protocols import Coordinates

REST = 1.42040575e9


def spectral(**cards) -> CoordinateSystem:
    return CoordinateSystem.from_header([(k, v, "") for k, v in cards.items()], (16,))


def test_implements_the_protocol():
    assert isinstance(CoordinateSystem.from_kinds(["spectral"]), Coordinates)


AXES = [
    ("FREQ", 1.4e9, 1e6, "Hz"),
    ("FREQ", 1.4, -0.001, "GHz"),
    ("VRAD", 1e5, 2e3, "m/s"),
    ("VRAD", 100.0, 2.0, "km/s"),
    ("VOPT-F2W", 1e6, 5e4, "m/s"),
    ("VOPT", 1e6, 5e4, "m/s"),
    ("VELO", 3e7, 1e5, "m/s"),
    ("VELO-F2V", 3e7, 1e5, "m/s"),
    ("VRAD-W2F", 3e6, 1e5, "m/s"),
    ("ZOPT-F2W", 0.3, 0.01, ""),
    ("WAVE", 0.21, 1e-4, "m"),
    ("WAVE-F2W", 0.21, 1e-4, "m"),
    ("WAVE-V2W", 0.21, 1e-4, "m"),
    ("FREQ-W2F", 1.4e9, 1e7, "Hz"),
    ("FREQ-LOG", 1.4e9, 1e7, "Hz"),
    ("WAVE-LOG", 5000.0, 3.0, "Angstrom"),
    ("AWAV", 500.0, 1.0, "nm"),
    ("AWAV-F2A", 500.0, 1.0, "nm"),
    ("ENER", 2.0, 0.1, "keV"),
    ("WAVN", 1e4, 100.0, "m-1"),
    ("BETA", 0.2, 0.001, ""),
]


C = 299792458.0
TO_FREQUENCY = {
    "FREQ": lambda x: x,
    "VRAD": lambda v: REST * (1 - v / C),
    "VOPT": lambda v: REST / (1 + v / C),
    "ZOPT": lambda z: REST / (1 + z),
    "VELO": lambda v: (v * u.m / u.s).to_value("Hz", u.doppler_relativistic(REST * u.Hz)),
    "BETA": lambda b: (b * C * u.m / u.s).to_value("Hz", u.doppler_relativistic(REST * u.Hz)),
    "WAVE": lambda w: C / w,
    "ENER": lambda e: (e * u.J).to_value("Hz", u.spectral()),
    "WAVN": lambda k: k * C,
}


@pytest.mark.parametrize(("ctype", "crval", "cdelt", "cunit"), AXES)
def test_frequencies_equal_those_of_wcslib(ctype, crval, cdelt, cunit):
    cards = {
        "CTYPE1": ctype,
        "CRVAL1": crval,
        "CDELT1": cdelt,
        "CRPIX1": 3.5,
        "CUNIT1": cunit,
        "RESTFRQ": REST,
    }
    got = spectral(**cards).subset([slice(2, None, 2)]).frequencies(6)
    header = fits.Header()
    header["NAXIS"] = 1
    header["NAXIS1"] = 16
    for key, value in cards.items():
        header[key] = value
    wcs = WCS(header)
    wcs.wcs.set()
    pixels = 2 + 2 * np.arange(6.0)
    world = wcs.wcs_pix2world(pixels, 0)[0]
    kind = ctype[:4]
    if kind == "AWAV":
        # wcslib itself turns air into vacuum wavelengths, exactly at the reference pixel.
        at = WCS(header)
        at.wcs.crpix = [pixels[0] + 1]
        at.wcs.crval = [world[0]]
        at.wcs.cunit = ["m"]
        at.wcs.ctype = ["AWAV"]
        at.wcs.cdelt = [1e-9]
        at.wcs.sptr("WAVE-A2W")
        assert got[0] == pytest.approx(C / at.wcs.crval[0], rel=1e-9)
        return
    np.testing.assert_allclose(got, TO_FREQUENCY[kind](world), rtol=1e-6 if kind == "ENER" else 1e-12)


def test_aips_velocity_conventions():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        radio = spectral(CTYPE1="VELO-LSR", CRVAL1=1e5, CDELT1=1e3, CRPIX1=1.0, RESTFREQ=REST, VELREF=257)
        optical = spectral(CTYPE1="FELO-HEL", CRVAL1=1e5, CDELT1=1e3, CRPIX1=1.0, RESTFREQ=REST, VELREF=2)
    np.testing.assert_allclose(radio.frequencies(3), REST * (1 - (1e5 + 1e3 * np.arange(3)) / C), rtol=1e-14)
    assert optical.frequencies(3)[0] == pytest.approx(REST / (1 + 1e5 / C), rel=1e-14)
    # FELO is linear in frequency, not in velocity.
    assert np.diff(optical.frequencies(3), 2) == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize(
    ("cards", "reason"),
    [
        ({"CTYPE1": "VRAD", "CRVAL1": 0.0, "CDELT1": 1.0}, "rest frequency"),
        ({"CTYPE1": "FREQ-TAB", "PS1_0": "T"}, "table"),
        ({"CTYPE1": "WAVE-GRI", "CRVAL1": 5e-7, "CDELT1": 1e-9}, "not supported"),
        ({"CTYPE1": "FREQ", "CUNIT1": "furlong", "CRVAL1": 1.0, "CDELT1": 1.0}, "furlong"),
        ({"CTYPE1": "RA---TAN"}, "no spectral axis"),
    ],
)
def test_unknown_frequencies_come_with_a_reason(cards, reason):
    system = spectral(**cards)
    assert system.frequencies(4) is None
    assert reason in system.frequency_problem()


def test_kinds_and_names():
    cards = {"CTYPE1": "RA---SIN", "CTYPE2": "DEC--SIN", "CTYPE3": "STOKES", "CTYPE4": "FREQ",
             "CTYPE5": "UTC", "CTYPE6": "ANTENNA NO", "CTYPE7": "DETECTOR-TAB", "CRVAL8": 1.0}  # fmt: skip
    system = CoordinateSystem.from_header([(k, v, "") for k, v in cards.items()], (2,) * 9)
    assert system.kinds[::-1] == (
        "longitude", "latitude", "stokes", "spectral", "time", "linear", "tabular", "linear", "none",
    )  # fmt: skip
    assert system.dims[::-1] == (
        "x", "y", "stokes", "frequency", "time", "antenna_no", "detector", "axis1", "axis0",
    )  # fmt: skip


def test_default_dims():
    assert default_dims(["none"]) == ("x",)
    assert default_dims(["none"] * 2) == ("y", "x")
    assert default_dims(["spectral", "longitude"], ["VRAD", "RA---TAN"]) == ("velocity", "x")
    assert default_dims(["linear", "linear"], ["", "LINEAR"]) == ("axis0", "linear")
    assert default_dims(["linear", "linear"], ["LINEAR", "LINEAR"]) == ("linear", "linear_2")


def test_from_kinds_with_frequencies():
    even = CoordinateSystem.from_kinds(["spectral", "latitude", "longitude"], frequencies=[1e9, 1.1e9, 1.2e9])
    np.testing.assert_allclose(even.frequencies(3), [1e9, 1.1e9, 1.2e9], rtol=1e-15)
    assert ("CTYPE3", "FREQ", "") in even.to_cards()
    odd = CoordinateSystem.from_kinds(["spectral"], frequencies=[1e9, 1.1e9, 1.5e9])
    assert list(odd.subset([slice(1, 3, 1)]).frequencies(2)) == [1.1e9, 1.5e9]
    assert CoordinateSystem.from_kinds(["spectral"]).frequencies(3) is None


def test_names_of_axes_without_coordinates_stay() -> None:
    cards = [
        ("CTYPE1", "RA---SIN", ""),
        ("CTYPE2", "DEC--SIN", ""),
        ("CNAME3", "night", ""),
        ("CNAME4", "x", ""),
    ]
    coords = CoordinateSystem.from_header(cards, (2, 3, 4, 5))
    assert coords.dims == ("axis0", "night", "y", "x")  # the name of one axis is not taken for another
    assert coords.kinds == ("none", "none", "latitude", "longitude")
    assert coords.to_cards((2, 3, 4, 5)) == tuple(cards)
    turned = coords.select((1, 0, 3, 2))
    again = CoordinateSystem.from_header(turned.to_cards(), (3, 2, 5, 4))
    assert again.dims == ("night", "axis1", "x", "y")
    named = CoordinateSystem((Axis("epoch", "none"), Axis("y", "none"), Axis("x", "none")))
    assert named.to_cards() == (("CNAME3", "epoch", ""),)
    assert CoordinateSystem.from_header(named.to_cards(), (2, 3, 4)).dims == ("epoch", "y", "x")
