"""Named regions in casacore's records."""

from __future__ import annotations

import numpy as np
import pytest

from lattice.errors import LatticeWarning
from lattice.graph.attributes import Attributes
from lattice.graph.records import Record
from lattice.graph.types import FLOAT
from lattice.io.casa_records import coords_from_record, regions_from_records, regions_to_records
from lattice.regions import Circle, PixelBox, Region
from tests.io.casa_records.test_native import SHAPE, sample


def test_regions_both_ways() -> None:
    coords, _ = coords_from_record(sample(), SHAPE)
    attrs = Attributes(FLOAT, SHAPE, coords.dims, coords=coords)
    regions = {
        "box": PixelBox((1, 0, 2, 3), (2, 1, 9, 9), shape=SHAPE),
        "disc": Circle(("10arcmin", "41arcmin"), "12arcmin", "icrs"),
    }
    records = regions_to_records(regions, sample(), attrs)
    assert [r["name"] for r in records.values()] == ["LCBox", "WCEllipsoid"]
    again = regions_from_records(records)
    assert again["box"] == regions["box"]
    whole = tuple(slice(0, n, 1) for n in SHAPE)
    for region in (again["disc"], regions["disc"]):
        assert isinstance(region, Region)
    masks = [r.fit(attrs).mask(whole[: len(r.fit(attrs).shape)]) for r in (again["disc"], regions["disc"])]
    np.testing.assert_array_equal(*masks)


def test_a_region_that_cannot_be_evaluated_stays_a_record() -> None:
    odd = {"name": "WCLELMask", "isRegion": np.int32(2), "comment": "", "expr": "a > 3", "more": ["x", "y"]}
    found = regions_from_records({"odd": odd})
    assert isinstance(found["odd"], Record)
    assert regions_to_records(found, sample()) == {"odd": odd}


def test_what_is_no_region_is_left_out() -> None:
    with pytest.warns(LatticeWarning, match="'a', which is no record"):
        assert regions_from_records({"a": 3}) == {}
    with pytest.warns(LatticeWarning, match="without the region 'b'"):
        assert regions_from_records({"b": {"name": "x", "y": np.array([object()])}}) == {}


def test_a_region_that_no_record_can_say_is_left_out() -> None:
    with pytest.warns(LatticeWarning, match="without the region 'box'"):
        assert regions_to_records({"box": PixelBox((1, 2), (3, 4))}, sample()) == {}
