"""Forms of records that casacore no longer writes, and what their fields become in header cards."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lattice.errors import LatticeWarning
from lattice.io.casa_records import coords_from_record, coords_to_record
from tests.io.casa_records.test_native import SHAPE, sample


def cards_of(record: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value, _ in coords_from_record(record, SHAPE)[0].header}


def test_spectral_records_of_the_first_version() -> None:
    record = sample()
    line = {
        "crval": np.array([1.4]),
        "crpix": np.array([2.0]),
        "cdelt": np.array([1e-3]),
        "pc": np.eye(1),
        "axes": ["Frequency"],
        "units": ["GHz"],
        "pixelvalues": np.zeros(0),
        "worldvalues": np.zeros(0),
    }
    record["spectral2"] = {"system": "LSR", "restfreq": 1.42, "tabular": line, "prefVelType": np.int32(0)}
    coords, cards = coords_from_record(record, SHAPE)
    np.testing.assert_allclose(coords.frequencies(6), 1.4e9 + 1e6 * (np.arange(6) - 2), rtol=1e-14)
    assert (coords.rest_frequency, coords.spectral_frame) == (1.42e9, "LSRK")
    # It stays of the first version when the image is cut.
    cut = coords.subset([slice(1, 6, 2), *[slice(0, n, 1) for n in SHAPE[1:]]])
    again = coords_to_record(cut, cards, (3, *SHAPE[1:]))
    assert "version" not in again["spectral2"]
    assert "wcs" not in again["spectral2"]
    found, _ = coords_from_record(again, (3, *SHAPE[1:]))
    np.testing.assert_allclose(found.frequencies(3), cut.frequencies(3), rtol=1e-14)


def test_one_channel_of_a_table_keeps_its_width() -> None:
    coords, cards = coords_from_record(sample(), SHAPE)
    cut = coords.subset([slice(2, 3, 1), *[slice(0, n, 1) for n in SHAPE[1:]]])
    record = coords_to_record(cut, cards, (1, *SHAPE[1:]))
    wcs = record["spectral2"]["wcs"]
    assert "tabular" not in record["spectral2"]
    np.testing.assert_allclose([wcs["crval"], wcs["crpix"]], [1.403, 0.0])  # GHz, as the rest of the record
    np.testing.assert_allclose(wcs["cdelt"], 1.25e-3)  # half of the steps on both sides


def test_a_table_with_pixels_of_its_own() -> None:
    record = sample()
    table = record["spectral2"]["tabular"]
    table["pixelvalues"] = table["pixelvalues"][::-1] * 2 - 3
    coords, _ = coords_from_record(record, SHAPE)
    world = table["worldvalues"]
    np.testing.assert_allclose(coords.frequencies(6)[[1, 3, 5]], world[[3, 2, 1]])
    np.testing.assert_allclose(coords.frequencies(6)[2], world[2:4].mean())


def test_negative_rest_frequencies_are_none() -> None:
    record = sample()
    record["spectral2"]["restfreq"] = -1.0
    assert coords_from_record(record, SHAPE)[0].rest_frequency is None


@pytest.mark.parametrize(
    ("system", "ctype", "radesys", "frame"),
    [
        ("J2000", "RA---SIN", "FK5", "fk5"),
        ("ICRS", "RA---SIN", "ICRS", "icrs"),
        ("B1950", "RA---SIN", "FK4", "fk4"),
        ("GALACTIC", "GLON-SIN", None, "galactic"),
        ("SUPERGAL", "SLON-SIN", None, "supergalactic"),
        ("ECLIPTIC", "ELON-SIN", None, "barycentricmeanecliptic"),
        ("APP", "RA---SIN", "GAPPT", None),
        ("MARS", "RA---SIN", "MARS", None),
        ("AZEL", "AZLN-SIN", None, None),
        ("HADEC", "HDLN-SIN", None, None),
        ("TECLIPTIC", "TELN-SIN", None, None),
        ("JMEAN", "RA---SIN", "JMEAN", None),
    ],
)
def test_frames(system: str, ctype: str, radesys: str | None, frame: str | None) -> None:
    record = sample()
    record["direction0"]["system"] = system
    coords, cards = coords_from_record(record, SHAPE)
    header = cards_of(record)
    assert (header["CTYPE1"], header.get("RADESYS")) == (ctype, radesys)
    # Nobody takes a frame that astropy lacks for another one.
    assert getattr(coords.sky_frame, "name", None) == frame
    from dataclasses import replace

    again = coords_to_record(replace(coords, _native=None), cards, SHAPE)
    assert again["direction0"]["system"] == system


def test_the_epoch_of_the_vla() -> None:
    record = sample()
    record["direction0"]["system"] = "B1950_VLA"
    frame = coords_from_record(record, SHAPE)[0].sky_frame
    assert (frame.equinox.byear, frame.obstime.byear) == (1950.0, 1979.9)


@pytest.mark.parametrize(
    ("projection", "given", "cards"),
    [
        ("TAN", [0.0, 0.0], {}),
        ("SIN", [0.0, 0.0], {}),
        ("SIN", [0.1, 0.2], {"PV2_1": 0.1, "PV2_2": 0.2}),
        ("CYP", [1.0, 2.0], {"PV2_1": 1.0, "PV2_2": 2.0}),
        ("ZPN", [0.0, 1.0, 0.0], {"PV2_0": 0.0, "PV2_1": 1.0, "PV2_2": 0.0}),
        ("AIR", [45.0, 7.0], {"PV2_1": 45.0}),
    ],
)
def test_projection_parameters(projection: str, given: list[float], cards: dict[str, float]) -> None:
    record = sample()
    record["direction0"] |= {"projection": projection, "projection_parameters": np.array(given)}
    assert {k: v for k, v in cards_of(record).items() if k.startswith("PV")} == cards


def test_heights_above_the_ellipsoid() -> None:
    # casacore's own conversion of this place to ITRF
    place = {
        "type": "position",
        "refer": "WGS84",
        "m2": {"value": 2000.0, "unit": "m"},
        "m1": {"value": np.pi / 4, "unit": "rad"},
        "m0": {"value": np.pi / 18, "unit": "rad"},
    }
    itrf = {
        "type": "position",
        "refer": "ITRF",
        "m2": {"value": 6369489.532588041, "unit": "m"},
        "m1": {"value": 0.7820407992523746, "unit": "rad"},
        "m0": {"value": 0.17453292519943298, "unit": "rad"},
    }
    a, b = (cards_of(sample() | {"telescopeposition": p}) for p in (place, itrf))
    for key in ("OBSGEO-X", "OBSGEO-Y", "OBSGEO-Z"):
        assert a[key] == pytest.approx(b[key], abs=1e-5)


def test_a_system_inside_a_system_costs_its_axes_only() -> None:
    record = sample()
    inner = {key: record.pop(key) for key in list(record) if key.startswith("spectral")}
    record["coordsys2"] = {"spectral0": inner["spectral2"]}
    with pytest.warns(LatticeWarning, match="coordsys2 is a system of coordinates inside another one"):
        coords, cards = coords_from_record(record, SHAPE)
    assert coords.kinds == ("none", "stokes", "latitude", "longitude")
    assert coords_to_record(coords, cards, SHAPE)["coordsys2"]["spectral0"]["unit"] == "GHz"


def test_dates() -> None:
    record = sample()
    record["obsdate"]["m0"] = {"value": 55000.5 * 86400, "unit": "s"}
    cards = cards_of(record)
    assert (cards["DATE-OBS"], cards["TIMESYS"]) == ("2009-06-18T12:00:00", "TAI")
    coords, found = coords_from_record(record, SHAPE)
    changed = [c if c[0] != "DATE-OBS" else ("DATE-OBS", "2010-01-01", "") for c in found]
    epoch = coords_to_record(coords, changed, SHAPE)["obsdate"]
    assert (epoch["refer"], epoch["m0"]["value"], epoch["m0"]["unit"]) == ("TAI", 55197.0, "d")
    assert coords_to_record(coords, found, SHAPE)["obsdate"] == record["obsdate"]


def test_frequencies_in_no_order_are_told(tmp_path: Path) -> None:
    import lattice

    cards = {"CTYPE3": "FREQ", "CRVAL3": 1.4e9, "CDELT3": 1e6, "CRPIX3": 1.0, "CUNIT3": "Hz"}
    image = lattice.Image(np.zeros((4, 3, 2), "f4"), wcs=cards)
    with pytest.warns(lattice.LatticeWarning, match="neither rise nor fall"):
        image.isel(frequency=[0, 3, 1]).save(tmp_path / "a.image")
