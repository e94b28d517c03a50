"""Beams, names and metadata in casacore's records."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lattice.coords.system import CoordinateSystem
from lattice.errors import LatticeWarning
from lattice.graph.records import FrozenArray, Record
from lattice.io.casa_records import (
    imageinfo_from_record,
    imageinfo_to_record,
    misc_from_record,
    misc_to_record,
)

ARCSEC = 1 / 3600


def beam(major: float, minor: float, angle: float, unit: str = "arcsec") -> dict[str, Any]:
    axes = {"major": {"value": major, "unit": unit}, "minor": {"value": minor, "unit": unit}}
    return axes | {"positionangle": {"value": angle, "unit": "deg"}}


def planes(channels: int, polarizations: int, count: int | None = None) -> dict[str, Any]:
    n = channels * polarizations if count is None else count
    table: dict[str, Any] = {"nChannels": np.uint32(channels), "nStokes": np.uint32(polarizations)}
    return table | {f"*{k}": beam(10.0 + k, 5.0 + k, float(k)) for k in range(n)}


def system(*kinds: str, length: int = 3) -> CoordinateSystem:
    return CoordinateSystem.from_kinds(kinds, frequencies=1e9 + 1e6 * np.arange(length))


CUBE = system("spectral", "stokes", "latitude", "longitude")
TURNED = system("stokes", "spectral", "latitude", "longitude")


def test_one_beam() -> None:
    record = {"restoringbeam": beam(3.0, 0.1, 30.0), "imagetype": "Intensity", "objectname": "M 31"}
    beams, cards = imageinfo_from_record(record, (8, 9), None)
    assert beams == ((3 / 3600, 0.1 / 3600, 30.0),)
    assert cards == (("OBJECT", "M 31", ""), ("BTYPE", "Intensity", ""))
    assert imageinfo_to_record(beams, cards, (8, 9), None) == record


@pytest.mark.parametrize(
    ("unit", "size"), [("arcmin", 0.05), ("rad", np.degrees(3)), ("'", 0.05), ("deg", 3)]
)
def test_units_of_beams(unit: str, size: float) -> None:
    record = {"restoringbeam": beam(3.0, 1.5, 0.0, unit)}
    ((major, minor, _),), _ = imageinfo_from_record(record, (8, 9), None)
    np.testing.assert_allclose([major, minor], [size, size / 2], rtol=1e-15)


def test_planes_in_the_order_of_the_axes() -> None:
    record = {"perplanebeams": planes(3, 2)}
    by_channel, _ = imageinfo_from_record(record, (3, 2, 4, 5), CUBE)
    by_polarization, _ = imageinfo_from_record(record, (2, 3, 4, 5), TURNED)
    assert [round(a / ARCSEC) for a, _, _ in by_channel] == [10, 13, 11, 14, 12, 15]
    assert [round(a / ARCSEC) for a, _, _ in by_polarization] == [10, 11, 12, 13, 14, 15]
    for beams, coords, shape in ((by_channel, CUBE, (3, 2, 4, 5)), (by_polarization, TURNED, (2, 3, 4, 5))):
        out = imageinfo_to_record(beams, (), shape, coords)
        assert out["perplanebeams"] == record["perplanebeams"]
        assert out["perplanebeams"]["nChannels"].dtype == np.uint32


@pytest.mark.parametrize(("channels", "polarizations"), [(3, 1), (1, 2), (3, 0), (0, 2)])
def test_one_beam_for_a_whole_axis(channels: int, polarizations: int) -> None:
    record = {"perplanebeams": planes(channels, polarizations, max(channels, 1) * max(polarizations, 1))}
    beams, _ = imageinfo_from_record(record, (3, 2, 4, 5), CUBE)
    majors = np.array([round(a / ARCSEC) for a, _, _ in beams]).reshape(3, 2)
    expected = 10 + (np.arange(3)[:, None] if channels == 3 else np.arange(2)[None])
    np.testing.assert_array_equal(majors, np.broadcast_to(expected, (3, 2)))


def test_equal_beams_along_another_axis() -> None:
    coords = system("none", "spectral", "latitude", "longitude")
    beams = tuple((k * ARCSEC, ARCSEC, 0.0) for k in (3, 4, 5)) * 2
    out = imageinfo_to_record(beams, (), (2, 3, 4, 5), coords)["perplanebeams"]
    assert (out["nChannels"], out["nStokes"], out["*2"]["major"]["value"]) == (3, 1, 5.0)
    again, _ = imageinfo_from_record({"perplanebeams": out}, (2, 3, 4, 5), coords)
    np.testing.assert_allclose(again, beams, rtol=4e-16)
    with pytest.warns(LatticeWarning, match="differ along axis0"):
        out = imageinfo_to_record(
            tuple((k * ARCSEC, ARCSEC, 0.0) for k in range(1, 7)), (), (2, 3, 4, 5), coords
        )
    assert "perplanebeams" not in out


def test_casacore_wants_the_longer_axis_first() -> None:
    own = imageinfo_to_record(((1 * ARCSEC, 2 * ARCSEC, 10.0),), (), (4, 5), None)["restoringbeam"]
    assert own == beam(2.0, 1.0, 100.0)


@pytest.mark.parametrize(
    ("record", "field"),
    [
        ({"restoringbeam": 3}, "restoringbeam is no record"),
        ({"restoringbeam": beam(1, 1, 1, "Jy")}, "unit 'Jy' of restoringbeam.major"),
        ({"restoringbeam": beam(-1, 1, 1)}, "negative"),
        ({"restoringbeam": {"major": {"value": np.nan, "unit": "deg"}}}, "restoringbeam.major.value"),
        ({"perplanebeams": planes(3, 2, 5)}, r"perplanebeams.\*5 is missing"),
        ({"perplanebeams": planes(4, 1)}, "nChannels is 4"),
        ({"perplanebeams": planes(1, 3)}, "nStokes is 3"),
        ({"perplanebeams": {"nChannels": 1 << 31, "nStokes": 1 << 31}}, "nChannels"),
        ({"imagetype": 3}, "imagetype"),
    ],
)
def test_damaged_beams_are_left_out(record: dict[str, Any], field: str) -> None:
    with pytest.warns(LatticeWarning, match=field):
        beams, _ = imageinfo_from_record(record, (3, 2, 4, 5), CUBE)
    assert beams == ()


def test_metadata_both_ways() -> None:
    record: dict[str, Any] = {
        "instrume": "WIDAR", "n": np.int32(3), "big": np.int64(1 << 40), "half": 0.5,
        "flag": True, "z": 1 + 2j,
        "single": np.float32(0.1), "list": np.arange(3.0), "grid": np.arange(6, dtype=np.int32).reshape(2, 3),
        "names": ["a", "", "long text"], "sub": {"x": 1.5, "none": {}}, "flags": np.array([True, False]),
    }  # fmt: skip
    cards = misc_from_record(record)
    assert [key for key, _, _ in cards] == list(record)
    values = {key: value for key, value, _ in cards}
    assert values["n"] == 3
    assert type(values["n"]) is int
    assert isinstance(values["grid"], FrozenArray)
    assert isinstance(values["sub"], Record)
    out = misc_to_record(cards)
    assert list(out) == list(record)
    for key, value in record.items():
        assert type(out[key]) is type(value), key
        np.testing.assert_equal(out[key], value)


def test_cards_with_a_place_of_their_own_are_no_metadata() -> None:
    meta = [
        ("OBJECT", "M 31", ""), ("BTYPE", "Intensity", ""), ("TELESCOP", "VLA", ""),
        ("DATE-OBS", "2001-02-03", ""),
        ("OBSRA", 10.0, ""), ("OBSDEC", 20.0, ""), ("RESTFRQ", 1.4e9, ""), ("INSTRUME", "L", ""),
    ]  # fmt: skip
    assert misc_to_record(meta) == {"INSTRUME": "L"}
    # what the places do not take stays with the metadata
    odd = [("DATE-OBS", "long ago", ""), ("OBSRA", 10.0, ""), ("OBJECT", 3, "")]
    assert misc_to_record(odd) == {"DATE-OBS": "long ago", "OBSRA": 10.0, "OBJECT": 3}


def test_comments_and_repeated_cards() -> None:
    meta = [("COMMENT", "one", ""), ("COMMENT", "two", ""), ("", "", ""), ("X", None, "")]
    record = misc_to_record(meta)
    assert record == {"COMMENT": "one\ntwo", "X": ""}
    assert misc_from_record(record) == (("COMMENT", "one", ""), ("COMMENT", "two", ""), ("X", "", ""))
    with pytest.warns(LatticeWarning, match="first X"):
        assert misc_to_record([("X", 1, ""), ("X", 2, "")]) == {"X": 1}


def test_what_no_record_can_hold() -> None:
    with pytest.warns(LatticeWarning, match="without 'odd'"):
        assert misc_from_record({"odd": np.array([object()]), "fine": 1}) == (("fine", 1, ""),)
