"""FITS headers that casacore imports itself, against the records that we make of them.

Where the two differ, as measured with casacore 3.8.1, FITS is on our side: `KNOWN` says how.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lattice.coords.system import CoordinateSystem
from lattice.io.casa_records import coords_from_record, coords_to_record
from tests.io.casa_records.casacore_images import made
from tests.io.casa_records.systems import without_notes

pytestmark = pytest.mark.oracle

Cards = dict[str, Any]


def sky(ctypes: tuple[str, str] = ("RA---SIN", "DEC--SIN"), lat: float = 35.0, **cards: Any) -> Cards:
    base: Cards = {
        "CTYPE1": ctypes[0],
        "CRPIX1": 10.0,
        "CRVAL1": 150.0,
        "CDELT1": -0.01,
        "CUNIT1": "deg",
        "CTYPE2": ctypes[1],
        "CRPIX2": 8.0,
        "CRVAL2": lat,
        "CDELT2": 0.01,
        "CUNIT2": "deg",
    }
    return base | cards


def spectrum(without: tuple[str, ...] = (), **cards: Any) -> Cards:
    base = sky() | {
        "CTYPE3": "FREQ",
        "CRPIX3": 2.0,
        "CRVAL3": 1.42e9,
        "CDELT3": 1e6,
        "CUNIT3": "Hz",
        "RESTFRQ": 1.420405752e9,
        "SPECSYS": "LSRK",
    }
    return {key: value for key, value in (base | cards).items() if key not in without}


def velocity(ctype: str, without: tuple[str, ...] = (), **cards: Any) -> Cards:
    return spectrum(without, CTYPE3=ctype, CRVAL3=1e4, CDELT3=1e3, CUNIT3="m/s", **cards)


STOKES = {"CTYPE4": "STOKES", "CRPIX4": 1.0, "CRVAL4": 1.0, "CDELT4": 1.0}
NO_FRAME = ("SPECSYS",)
CD = {"CD1_1": -0.008, "CD1_2": 0.006, "CD2_1": 0.006, "CD2_2": 0.008}
OBSERVATION = {
    "TELESCOP": "VLA",
    "OBSERVER": "someone",
    "DATE-OBS": "2010-05-06T07:08:09.123",
    "OBSRA": 151.0,
    "OBSDEC": 34.0,
    "OBSGEO-X": -1601185.4,
    "OBSGEO-Y": -5041977.5,
    "OBSGEO-Z": 3554875.9,
}
HEADERS: dict[str, tuple[Cards, int]] = {
    "plain": (sky(), 2),
    "FK5": (sky(RADESYS="FK5", EQUINOX=2000.0), 2),
    "ICRS": (sky(RADESYS="ICRS"), 2),
    "equinox 2000": (sky(EQUINOX=2000.0), 2),
    "equinox 1950": (sky(EQUINOX=1950.0), 2),
    "FK4": (sky(RADESYS="FK4"), 2),
    "VLA": (sky(RADESYS="FK4", EQUINOX=1979.9), 2),
    "epoch": (sky(EPOCH=1950.0), 2),
    "galactic": (sky(("GLON-CAR", "GLAT-CAR"), 0.0), 2),
    "ecliptic": (sky(("ELON-TAN", "ELAT-TAN")), 2),
    "supergalactic": (sky(("SLON-TAN", "SLAT-TAN")), 2),
    "NCP": (sky(("RA---NCP", "DEC--NCP")), 2),
    "GLS": (sky(("RA---GLS", "DEC--GLS")), 2),
    "ZPN": (sky(("RA---ZPN", "DEC--ZPN"), PV2_1=1.0, PV2_3=-50.0), 2),
    "slant": (sky(PV2_1=0.1, PV2_2=-0.2), 2),
    "CROTA": (sky(CROTA2=30.0), 2),
    "poles": (sky(LONPOLE=150.0), 2),
    "PC": (sky(PC1_1=0.8, PC1_2=-0.6, PC2_1=0.6, PC2_2=0.8), 2),
    "CD": ({k: v for k, v in sky().items() if not k.startswith("CDELT")} | CD, 2),
    "arcsec": (
        sky(CUNIT1="arcsec", CUNIT2="arcsec", CRVAL1=540000.0, CRVAL2=126000.0, CDELT1=-36.0, CDELT2=36.0),
        2,
    ),
    "swapped": ({k[:-1] + {"1": "2", "2": "1"}[k[-1]]: v for k, v in sky().items()}, 2),
    "observation": (sky() | OBSERVATION, 2),
    "MJD": (sky() | {"MJD-OBS": 55000.25, "TELESCOP": "none"}, 2),
    "FREQ": (spectrum(), 3),
    "GHz": (spectrum(CUNIT3="GHz", CRVAL3=1.42, CDELT3=1e-3), 3),
    "no frame": (spectrum(NO_FRAME), 3),
    "VELREF": (spectrum(NO_FRAME, VELREF=257), 3),
    "VELREF 2": (spectrum(NO_FRAME, VELREF=2), 3),
    "HELIOCEN": (spectrum(SPECSYS="HELIOCEN"), 3),
    "VRAD": (velocity("VRAD"), 3),
    "VOPT": (velocity("VOPT"), 3),
    "VOPT-F2W": (velocity("VOPT-F2W"), 3),
    "VELO": (velocity("VELO"), 3),
    "VELO-LSR": (velocity("VELO-LSR", NO_FRAME, VELREF=257), 3),
    "FELO-HEL": (velocity("FELO-HEL", NO_FRAME, VELREF=2), 3),
    "VRAD without rest": (velocity("VRAD", ("RESTFRQ",)), 3),
    "WAVE": (spectrum(CTYPE3="WAVE", CRVAL3=0.21, CDELT3=1e-4, CUNIT3="m"), 3),
    "AWAV": (spectrum(CTYPE3="AWAV", CRVAL3=5e-7, CDELT3=1e-10, CUNIT3="m"), 3),
    "FREQ-W2F": (spectrum(CTYPE3="FREQ-W2F"), 3),
    "Stokes": (spectrum() | STOKES, 4),
    "circular": (spectrum() | STOKES | {"CRVAL4": -1.0, "CDELT4": -1.0}, 4),
    "linear": (sky() | {"CTYPE3": "DEPTH", "CRPIX3": 1.0, "CRVAL3": 2.0, "CDELT3": 0.5, "CUNIT3": "m"}, 3),
    "time": (sky() | {"CTYPE3": "TIME", "CRPIX3": 1.0, "CRVAL3": 2.0, "CDELT3": 0.5, "CUNIT3": "s"}, 3),
    "nothing": ({}, 3),
}

# Beside what is left to casacore: it looks up telescopes, resolves the poles, and keeps other values for axes
# that are not removed.
FREE = ("worldreplace", "longpole", "latpole", "waveUnit")
KNOWN = {
    # differences of positions in pixels, and fields that differ
    "GLS": (1e-6, ("projection_parameters", "crval", "crpix")),  # it loses the parameters when it saves
    "ZPN": (1e-6, ("projection_parameters",)),  # it saves zeros, with which it cannot open the image
    "VOPT-F2W": (1e-4, ("wcs", "tabular")),  # taken as linear in velocity instead of frequency
    "FELO-HEL": (1e-4, ("wcs", "tabular")),
    "VELO": (1e-6, ("wcs", "tabular", "nativeType")),  # linear in frequency when it saves
    "FREQ-W2F": (1e-6, ("wcs", "tabular")),  # the same
    "AWAV": (0.1, ("tabular",)),  # another refraction
    "VRAD without rest": (1e-6, ("linear1", "spectral1")),  # velocities in m/s taken for Hz
    "nothing": (1e-6, ("axes", "crval", "crpix")),  # the same values in another way
}


def differences(a: Any, b: Any, path: str = "") -> list[str]:
    """Return the fields in which two records differ by more than rounding."""
    if isinstance(a, dict) and isinstance(b, dict):
        return [d for key in {*a, *b} for d in differences(a.get(key), b.get(key), f"{path}.{key}")]
    if isinstance(a, str | list | None) or isinstance(b, str | list | None):
        return [] if a == b else [path]
    x, y = np.asarray(a, np.float64), np.asarray(b, np.float64)
    return [] if x.shape == y.shape and np.allclose(x, y, rtol=1e-11, atol=1e-12) else [path]


@pytest.mark.parametrize("name", HEADERS)
def test_our_records_of_fits_headers_are_those_of_casacore(name: str, tmp_path: Path) -> None:
    images = pytest.importorskip("casacore.images")
    from astropy.io import fits

    cards, n = HEADERS[name]
    shape = (4, 5, 16, 20)[-n:]
    file = fits.PrimaryHDU(np.zeros(shape, "f4"))
    file.header.update(cards)
    file.writeto(tmp_path / "image.fits")
    theirs = images.image(str(tmp_path / "image.fits"))
    tolerance, apart = KNOWN.get(name, (1e-6, ()))
    listed = [(key, value, "") for key, value in cards.items()]
    coords = CoordinateSystem.from_header(listed, shape)
    record = coords_to_record(coords, listed, shape)
    found = differences(record, without_notes(theirs.coordinates().dict()))
    free = {d for d in found if any(f in d for f in (*FREE, *apart))}
    assert not set(found) - free

    ours = made(tmp_path / "image", record, shape)
    rng = np.random.default_rng(1)
    for _ in range(5):
        pixel = rng.integers(0, shape).astype(float)
        back = np.array(ours.topixel(theirs.toworld(pixel.tolist())))
        assert np.abs(back - pixel).max() < tolerance
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of astropy, about the old projections
        again, _ = coords_from_record(record, shape)
        if (
            coords.kinds == again.kinds and name != "HELIOCEN"
        ):  # the frame is now BARYCENT, as casacore has it
            assert coords.compare(again, 1e-6, shape) is None
