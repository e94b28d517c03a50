"""Coordinates, beams and metadata of images that real CASA made and evaluated.

The values are in tests/data/casa_coords.json.gz, made by make_casa_coords.py beside it with casatools 6.7.
"""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lattice.io.casa_records import (
    coords_from_record,
    coords_to_record,
    imageinfo_from_record,
    imageinfo_to_record,
    misc_from_record,
    misc_to_record,
)
from lattice.io.casa_records.fields import as_record
from lattice.io.casa_records.frames import STOKES_NUMBERS
from tests.io.casa_records.casacore_images import HERTZ, axes_of
from tests.io.casa_records.systems import UNITS

DATA = Path(__file__).parents[2] / "data" / "casa_coords.json.gz"


@cache
def measured() -> dict[str, Any]:
    with gzip.open(DATA, "rt") as file:
        return restored(json.load(file))


def restored(value: Any) -> Any:
    """Return arrays where the file describes them."""
    if isinstance(value, dict) and "__array__" in value:
        array = np.array(value["values"], value["__array__"]).reshape(value["shape"])
        return array.tolist() if array.dtype.kind == "U" and array.ndim == 1 else array
    if isinstance(value, dict):
        return {key: restored(part) for key, part in value.items()}
    return value


NAMES = (
    "shape", "import", "optical", "radio", "wavelength", "galactic", "slant", "old", "strides", "bins",
    "transposed", "channel", "collapsed", "row", "units", "rest frequencies", "velocities", "converted",
    "correlations", "axes", "beams",
)  # fmt: skip


def test_every_image_is_tested() -> None:
    assert set(measured()) == set(NAMES)


def check_world(coords: Any, record: dict[str, Any], found: dict[str, Any], sky_units: list[str]) -> None:
    """Compare world values of CASA (fastest axis first) with ours, in pixels."""
    shape = tuple(found["shape"][::-1])
    n = len(shape)
    for pixel, world in zip(found["pixels"], found["world"], strict=True):
        ours = [float(v) for v in coords.to_world(*[float(p) for p in pixel[::-1]])]
        for kind, own, j, p, w in axes_of(record):
            mine, theirs, unit = ours[n - 1 - p], world[w], sky_units[w]
            if kind == "direction":
                factor = UNITS[unit]
                apart, step = theirs / factor - mine, own["cdelt"][j] / UNITS[own["units"][j]]
                apart = (apart + 180) % 360 - 180
            elif kind == "spectral":
                factor = HERTZ[own["unit"]]
                hertz = coords.frequencies_at(float(pixel[p]))
                step = own["wcs"]["cdelt"] * factor if "wcs" in own else own["tabular"]["cdelt"][0]
                apart = theirs * HERTZ[unit] - float(hertz)
            elif kind == "stokes":
                apart, step = theirs - STOKES_NUMBERS[coords.stokes(shape[n - 1 - p])[pixel[p]]], 1.0
            else:
                apart, step = theirs - mine, own["cdelt"][j]
            assert abs(apart) < 1e-6 * abs(step or 1.0), (kind, pixel)


@pytest.mark.parametrize("name", NAMES)
def test_positions(name: str) -> None:
    case = measured()[name]
    record, found = case["keywords"]["coords"], case["measured"]
    coords, _ = coords_from_record(record, found["shape"][::-1])
    assert "none" not in coords.kinds
    check_world(coords, record, found, found["units"])


@pytest.mark.parametrize("name", NAMES)
def test_the_record_comes_back(name: str) -> None:
    case = measured()[name]
    record, shape = case["keywords"]["coords"], case["measured"]["shape"][::-1]
    coords, cards = coords_from_record(record, shape)
    assert as_record(coords_to_record(coords, cards, shape)) == as_record(record)


@pytest.mark.parametrize("name", NAMES)
def test_casa_finds_our_positions_in_what_we_write(name: str) -> None:
    case = measured()[name]
    shape = case["measured"]["shape"][::-1]
    coords, cards = coords_from_record(case["keywords"]["coords"], shape)
    # CASA measured this very record.
    ours = coords_to_record(replace(coords, _native=None), cards, shape)
    assert_same(ours, case["record"])
    check_world(coords, ours, case["ours"], case["ours"]["units"])


def assert_same(a: Any, b: Any) -> None:
    """Compare records to rounding."""
    if isinstance(a, dict):
        assert set(a) == set(b)
        for key in a:
            assert_same(a[key], b[key])
    elif isinstance(a, str | list):
        assert a == b
    else:
        np.testing.assert_allclose(a, b, rtol=1e-14, atol=1e-300)


def test_conversion_layers_stay_with_the_record() -> None:
    case = measured()["converted"]
    shape = case["measured"]["shape"][::-1]
    coords, cards = coords_from_record(case["keywords"]["coords"], shape)
    cut = coords.subset([slice(0, n, 1) if n < 10 else slice(2, 9, 1) for n in shape])
    record = coords_to_record(cut, cards, [min(n, 7) for n in shape])
    assert record["direction0"]["conversionSystem"] == "GALACTIC"
    spectral = next(value for key, value in record.items() if key.startswith("spectral"))
    assert spectral["conversion"]["system"] == "BARY"


def test_several_rest_frequencies() -> None:
    case = measured()["rest frequencies"]
    coords, _ = coords_from_record(case["keywords"]["coords"], case["measured"]["shape"][::-1])
    assert coords.native is not None
    spectral = next(value for key, value in coords.native.items() if key.startswith("spectral"))
    np.testing.assert_allclose(spectral["restfreqs"].array, [1.420405752e9, 1.61e9, 1.66e9])


def test_beams_of_planes() -> None:
    case = measured()["beams"]
    shape = tuple(case["measured"]["shape"][::-1])
    coords, _ = coords_from_record(case["keywords"]["coords"], shape)
    beams, cards = imageinfo_from_record(case["keywords"]["imageinfo"], shape, coords)
    assert {k: v for k, v, _ in cards} == {"OBJECT": "M 33", "BTYPE": "Intensity"}
    table = np.array(beams).reshape(shape[0], shape[1], 3)  # polarization, channel
    for channel in range(5):
        for polarization in range(2):
            theirs = case["measured"]["beams"][2 * channel + polarization]
            theirs = theirs.get("beam", theirs)
            own = table[polarization, channel] * [3600, 3600, 1]
            wanted = [theirs[key]["value"] for key in ("major", "minor", "positionangle")]
            np.testing.assert_allclose(own, wanted, rtol=1e-12)
    out = imageinfo_to_record(beams, cards, shape, coords)
    assert_same(out, case["keywords"]["imageinfo"])


def test_metadata() -> None:
    record = measured()["beams"]["keywords"]["miscinfo"]
    cards = misc_from_record(record)
    out = misc_to_record(cards)
    assert list(out) == list(record)
    np.testing.assert_array_equal(out["list"], [0.0, 1.0, 2.0])
    assert (out["number"], out["text"], out["inner"]) == (3, "a", {"x": 1.5})
