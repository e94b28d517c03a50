"""Records, arrays, log lines and regions in JSON: what comes back is equal."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from lattice import regions
from lattice.errors import FormatError, LatticeError, LatticeTypeError
from lattice.graph.records import FrozenArray, Record, frozen
from lattice.io.base import LogLine
from lattice.io.json_values import _kinds, from_json, to_json


def through(value: Any) -> Any:
    return from_json(json.loads(json.dumps(to_json(value), allow_nan=False)))


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(1 << 80), 1 << 80),
    st.floats(allow_nan=False),
    st.complex_numbers(allow_nan=False),
    st.text(),
    st.builds(np.float32, st.floats(width=32, allow_nan=False)),
    st.builds(np.int16, st.integers(-(1 << 15), (1 << 15) - 1)),
    st.builds(np.complex64, st.complex_numbers(allow_nan=False, width=64)),
    st.builds(np.bool_, st.booleans()),
)
ARRAYS = arrays.arrays(
    st.sampled_from(["?", "u1", "<i4", ">i8", "<f4", ">f8", "<c8", "U3", "S4"]),
    arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4),
).map(FrozenArray)
VALUES = st.recursive(
    SCALARS | ARRAYS,
    lambda inner: st.dictionaries(st.text(max_size=8), inner, max_size=4).map(Record),
    max_leaves=12,
)


@given(VALUES)
@settings(max_examples=300)
def test_what_is_written_is_read(value: Any) -> None:
    found = through(value)
    assert type(found) is type(value) or isinstance(value, np.bool_)
    if isinstance(value, FrozenArray):
        assert found.array.dtype == value.array.dtype.newbyteorder("=")
        np.testing.assert_array_equal(found.array, value.array)
    elif not isinstance(value, Record):
        assert found == value


def test_records_are_equal() -> None:
    record = frozen(
        {"a": 1, "b": {"c": [1.5, 2.5], "d": True, "e": np.int32(7)}, "text": "é", "z": 1 + 2j, "none": None}
    )
    assert through(record) == record
    assert list(through(record)) == list(record)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, complex(np.nan, -np.inf), np.float32(np.nan)])
def test_what_json_has_no_numbers_for(value: Any) -> None:
    found = through(value)
    assert type(found) is type(value)
    np.testing.assert_array_equal(found, value)


def test_long_arrays_are_packed() -> None:
    array = np.random.default_rng(1).normal(size=(40, 50)).astype(">f4")
    assert len(json.dumps(to_json(FrozenArray(array)))) < 6 * array.nbytes // 4
    np.testing.assert_array_equal(through(FrozenArray(array)).array, array)
    signed = FrozenArray(np.array([0.0, -0.0, np.nan, np.inf]))
    assert through(signed) == signed


def test_log_lines() -> None:
    line = through(LogLine("done", 4.9e9, "WARN", "task"))
    assert isinstance(line, LogLine)
    assert (line, line.time, line.priority, line.origin) == ("done", 4.9e9, "WARN", "task")
    assert type(through("plain")) is str


BOX = regions.PixelBox((1, 2), (3, 4), shape=(8, 9))
REGIONS = [
    BOX,
    regions.PixelBox((1, 2), (7, 8), (2, 3)),
    regions.PixelPolygon((0.5, 5, 3), (0, 1, 6.25)),
    regions.PixelEllipsoid((4, 4), (3, 2), shape=(8, 9)),
    BOX & ~regions.PixelEllipsoid((4, 4), (3, 2), shape=(8, 9)),
    (BOX | BOX) - regions.PixelPolygon((0.5, 5, 3), (0, 1, 6.25), shape=(8, 9)),
    regions.MaskRegion(np.random.default_rng(1).random((8, 9)) > 0.5),
    regions.from_crtf("#CRTFv0\ncircle[[12h23m43s, -4d34m], 1.5arcmin], coord=J2000, range=[1.4GHz, 1.5GHz]"),
    regions.from_crtf("#CRTFv0\nrotbox[[12h23m, -4d34m], [5arcmin, 2arcmin], 20deg], corr=[I, Q]"),
    regions.from_crtf("#CRTFv0\npoly[[1pix, 2pix], [5pix, 2pix], [3pix, 6pix]]\n-circle[[3pix, 3pix], 1pix]"),
    regions.from_crtf(
        "#CRTFv0\nellipse[[12h23m, -4d34m], [5arcmin, 2arcmin], 20deg], veltype=RADIO, "
        "range=[1km/s, 5km/s], restfreq=1.42GHz"
    ),
]


@pytest.mark.parametrize("region", REGIONS, ids=lambda r: type(r).__name__)
def test_regions_are_equal(region: Any) -> None:
    found = through(region)
    assert type(found) is type(region)
    if isinstance(region, regions.MaskRegion):
        whole = region.bounds()
        np.testing.assert_array_equal(found.mask(whole), region.mask(whole))
    else:
        assert found == region


def test_every_kind_of_region_is_known() -> None:
    exported = {n for n in regions.__all__ if isinstance(getattr(regions, n), type) and n != "Region"}
    assert exported <= set(_kinds())


def test_what_cannot_be_written() -> None:
    class Mine(regions.Region):
        shape = None
        bounds = mask = None  # type: ignore[assignment]

    for value in (Mine(), object(), b"bytes"):
        with pytest.raises(LatticeTypeError):
            to_json(value)


@pytest.mark.parametrize(
    "damaged",
    [
        {},
        {"what": 1},
        {"array": "<f8", "shape": [3], "values": [1.0]},
        {"array": "<f8", "shape": [1 << 40], "zlib": ""},
        {"array": "<f8", "shape": [-1], "values": []},
        {"array": "O", "shape": [1], "values": [1]},
        {"array": "<f8", "shape": [2], "zlib": "AAAA"},
        {"array": "nonsense", "shape": [2], "values": [1, 2]},
        {"region": "Popen", "args": "x"},
        {"region": "PixelBox"},
        {"region": "PixelBox", "blc": "x", "trc": 1},
        {"region": "MaskRegion", "shape": [1 << 30, 1 << 30], "bits": ""},
        {"log": "x"},
        {"complex": [1]},
        {"record": [1]},
        {"number": "x", "type": "<f4"},
        {"number": 1, "type": "V3"},
        {"mapping": 1},
    ],
)
def test_damaged_values_are_errors(damaged: Any) -> None:
    with pytest.raises(LatticeError):
        from_json(damaged)


def test_deep_nesting_is_refused() -> None:
    value: Any = 1
    for _ in range(500):
        value = {"record": {"a": value}}
    with pytest.raises(FormatError, match="too deeply"):
        from_json(value)
