"""Region records select the pixels that CASA selects with them (tests/data/make_region_records.py)."""

from __future__ import annotations

import base64
import contextlib
import copy
import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lattice.coords.system import CoordinateSystem
from lattice.errors import LatticeError, LatticeTypeError, RegionError
from lattice.graph.attributes import Attributes
from lattice.graph.sections import full
from lattice.regions import StokesSelection, from_record
from lattice.regions.compound import And

_DATA = Path(__file__).parents[1] / "data"
_RECORDS = json.loads(gzip.decompress((_DATA / "region_records.json.gz").read_bytes()))["records"]
_MASKS = json.loads(gzip.decompress((_DATA / "crtf_masks.json.gz").read_bytes()))
SHAPE = tuple(_MASKS["shape"])
_CARDS = [(keyword, value, "") for keyword, value in _MASKS["images"]["j2000"].items()]
COORDS = CoordinateSystem.from_header(_CARDS, SHAPE)
IMAGE = Attributes(np.dtype("f4"), SHAPE, COORDS.dims, coords=COORDS)


@pytest.mark.parametrize("entry", _RECORDS, ids=lambda e: e["record"]["name"])
def test_pixels_are_those_of_casa(entry: dict[str, Any]) -> None:
    bits = np.unpackbits(np.frombuffer(base64.b64decode(entry["bits"]), np.uint8))
    expected = bits[: np.prod(SHAPE)].astype(bool).reshape(SHAPE)
    np.testing.assert_array_equal(from_record(entry["record"]).fit(IMAGE).mask(full(SHAPE)), expected)


def _record(name: str) -> dict[str, Any]:
    return copy.deepcopy(next(e["record"] for e in _RECORDS if e["record"]["name"] == name))


@pytest.mark.parametrize(
    ("names", "ends", "chosen"),
    [
        (["I", "V"], (1, 4), ("I", "V")),
        (["V", "I", "Q"], (1, 4), ("V", "I")),
        (["I", "RR", "Q", "V"], (1, 2), ("I", "RR", "Q")),
        (["I", "Q", "U", "V"], (4, 2), ("Q", "U", "V")),
        (["XX"], (1, 2), ("I", "Q")),
    ],
)
def test_stokes_of_a_box_are_those_between_its_ends(
    names: list[str], ends: tuple[int, int], chosen: tuple[str, ...]
) -> None:
    """Between them on the axis: casacore takes the pixels from one to the other."""
    record = next(
        copy.deepcopy(e["record"])
        for e in _RECORDS
        if e["record"]["name"] == "WCBox" and len(e["record"]["pixelAxes"]) == 4
    )
    record["coordinates"]["stokes1"]["stokes"] = names
    for corner, value in zip(("blc", "trc"), ends, strict=True):
        record[corner]["*3"]["value"] = float(value)
    (stokes,) = (part for part in _leaves(from_record(record)) if isinstance(part, StokesSelection))
    assert stokes.names == chosen


def _leaves(region: Any) -> list[Any]:
    return [*_leaves(region.a), *_leaves(region.b)] if isinstance(region, And) else [region]


@pytest.mark.parametrize(
    ("name", "changes", "words"),
    [
        ("LCSlicer", {"name": "LCOther"}, "'LCOther' is not known"),
        ("LCSlicer", {"blc": None}, "malformed"),
        ("LCSlicer", {"arblc": [1, 2, 1, 1]}, "partly relative"),
        ("LCSlicer", {"inc": [1, 2, 1, 1], "arblc": [2] * 4, "artrc": [2] * 4}, "with strides"),
        ("WCEllipsoid", {"absrel": 2}, "relative positions"),
        ("WCEllipsoid", {"pixelAxes": [1, 4]}, "other axes"),
        ("WCPolygon", {"pixelAxes": [4, 1]}, "other axes"),
        ("WCBox", {"pixelAxes": [1, 4]}, "one of the sky axes"),
        ("WCBox", {"pixelAxes": [1, 9]}, "malformed"),
        ("WCDifference", {"regions": {}}, "malformed"),
        ("WCPolygon", {"x": {"value": [1.0, 2.0, 3.0], "unit": "m"}}, "no unit of an angle"),
        ("WCPolygon", {"x": {"value": [1.0], "unit": "rad"}}, "malformed"),
    ],
)
def test_errors(name: str, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(RegionError, match=words):
        from_record(_record(name) | changes)


def test_wrong_types() -> None:
    with pytest.raises(LatticeTypeError):
        from_record("record")  # type: ignore[arg-type]


_WRONG = (
    st.none() | st.integers(-2, 9) | st.text(max_size=3) | st.floats() | st.lists(st.integers(), max_size=3)
)


@given(st.sampled_from([e["record"] for e in _RECORDS]), st.data())
def test_damaged_records(record: dict[str, Any], data: Any) -> None:
    record = copy.deepcopy(record)
    place: Any = record
    while True:
        key = data.draw(st.sampled_from(sorted(place)))
        if not isinstance(place[key], dict) or not place[key] or data.draw(st.booleans()):
            break
        place = place[key]
    place[key] = data.draw(_WRONG | st.just({}))
    with contextlib.suppress(LatticeError):
        from_record(record).fit(IMAGE)
