"""Region records that lattice writes select, in CASA and when read back, the pixels of the region."""

from __future__ import annotations

import base64
import gzip
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lattice.coords.system import CoordinateSystem
from lattice.errors import LatticeTypeError, RegionError
from lattice.graph.attributes import Attributes
from lattice.graph.records import Record
from lattice.graph.sections import full
from lattice.regions import (
    And,
    AxisBox,
    CenterBox,
    ChannelSelection,
    Circle,
    Ellipse,
    MaskRegion,
    PixelBox,
    PixelEllipse,
    PixelEllipsoid,
    PixelPolygon,
    Region,
    SpectralRange,
    StokesSelection,
    WorldPolygon,
    from_crtf,
    from_record,
    to_record,
)

_DATA = Path(__file__).parents[1] / "data"
sys.path.insert(0, str(_DATA))
from make_written_records import plain, regions  # noqa: E402 - a script, not a part of the tests

sys.path.remove(str(_DATA))
_WRITTEN = json.loads(gzip.decompress((_DATA / "written_records.json.gz").read_bytes()))
_MASKS = json.loads(gzip.decompress((_DATA / "crtf_masks.json.gz").read_bytes()))
SHAPE = tuple(_MASKS["shape"])
REGIONS = regions()


def _image(name: str) -> Attributes:
    cards = [(keyword, value, "") for keyword, value in _MASKS["images"][name].items()]
    coords = CoordinateSystem.from_header(cards, SHAPE)
    return Attributes(np.dtype("f4"), SHAPE, coords.dims, coords=coords)


IMAGES = {name: _image(name) for name in _MASKS["images"]}
IMAGE = IMAGES["j2000"]
COORDS = _WRITTEN["coordinates"]


def _pixels(region: Region, attrs: Attributes = IMAGE) -> np.ndarray | None:
    try:
        return region.fit(attrs).mask(full(SHAPE))
    except RegionError:
        return None


@pytest.mark.parametrize("name", REGIONS)
def test_a_written_record_means_the_same_pixels(name: str) -> None:
    record = to_record(REGIONS[name], COORDS, IMAGE)
    assert plain(record) == _WRITTEN["records"][name]["record"]
    np.testing.assert_array_equal(_pixels(from_record(record)), _pixels(REGIONS[name]))
    # Also frozen, as images keep it, and as JSON.
    assert from_record(Record(record)) == from_record(record)


@pytest.mark.parametrize("name", [n for n, entry in _WRITTEN["records"].items() if "bits" in entry])
def test_casa_selects_the_same_pixels(name: str) -> None:
    bits = np.unpackbits(np.frombuffer(base64.b64decode(_WRITTEN["records"][name]["bits"]), np.uint8))
    expected = bits[: np.prod(SHAPE)].astype(bool).reshape(SHAPE)
    np.testing.assert_array_equal(_pixels(REGIONS[name]), expected)


def test_casa_took_every_record_that_its_tools_take() -> None:
    refused = [n for n, entry in _WRITTEN["records"].items() if "bits" not in entry]
    assert all(_WRITTEN["records"][n]["record"]["name"].startswith("LC") for n in refused)
    assert len(_WRITTEN["records"]) - len(refused) >= 35


@pytest.mark.oracle
def test_casacore_selects_the_same_pixels_by_stored_records(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images, tables = pytest.importorskip("casacore.images"), pytest.importorskip("casacore.tables")
    monkeypatch.chdir(tmp_path)
    path = "stored"
    images.image(str(path), shape=SHAPE).putdata(np.ones(SHAPE, np.float32))
    pixel = {name.replace(" ", "_"): r for name, r in REGIONS.items() if name.startswith("lattice")}
    table = tables.table(str(path), readonly=False, ack=False)
    table.putkeyword("regions", {name: to_record(region) for name, region in pixel.items()})
    table.close()
    assert len(pixel) == 10
    for name, region in pixel.items():
        found = images.image(f"stored[stored::{name}]")
        # casacore's box around an ellipse is larger.
        assert (~found.getmask()).sum() == region.mask(region.bounds()).sum()
        if name != "lattice_ellipse":
            mask = region.mask(region.bounds())
            np.testing.assert_array_equal(~found.getmask(), mask, err_msg=name)


@pytest.mark.parametrize(
    "name",
    [
        "circle pixels", "ellipse", "ellipse pixels", "annulus", "box", "polygon", "polygon pixels",
        "frequencies", "stokes", "stokes apart", "ranges", "twice", "lattice box", "lattice mask", "relative",
        "fractions",
    ],
)  # fmt: skip
def test_what_comes_back_is_an_equal_region(name: str) -> None:
    assert from_record(to_record(REGIONS[name], COORDS, IMAGE)) == REGIONS[name]


def _coordinates(name: str) -> dict[str, Any]:
    """Return what is needed of the record of the coordinates of an image."""
    system = {
        "icrs": "ICRS",
        "velocity": "ICRS",
        "galactic": "GALACTIC",
        "flipped": "GALACTIC",
        "b1950": "B1950",
    }
    return {
        "direction0": {"system": system.get(name, "J2000")},
        "pixelmap0": [0, 1],
        "stokes1": {},
        "pixelmap1": [2],
        "spectral2": {"system": "LSRK"},
        "pixelmap2": [3],
    }


@pytest.mark.parametrize("entry", _MASKS["records"], ids=lambda r: f"{r['image']}:{r['text'][:60]}")
def test_every_text_can_be_a_record(entry: dict[str, Any]) -> None:
    attrs = IMAGES[entry["image"]]
    try:
        region = from_crtf(entry["text"])
        region.fit(attrs)
    except RegionError:
        return
    back = _pixels(from_record(to_record(region, _coordinates(entry["image"]), attrs)), attrs)
    mine = _pixels(region, attrs)
    assert mine is not None
    assert back is not None
    # Directions of north come from finite differences in one of the two frames.
    assert (mine != back).sum() <= (24 if "ellipse" in entry["text"] and "coord=" in entry["text"] else 0)


_PLANE = (30, 40)


@given(
    st.floats(-5, 45, width=32),
    st.floats(-5, 35, width=32),
    st.floats(0.5, 20, width=32),
    st.floats(0.5, 20, width=32),
    st.floats(-360, 360, width=32),
    st.sampled_from([(0, 1), (1, 0), (0, 2), (2, 1)]),
)
def test_turned_ellipses_come_back(
    x: float, y: float, a: float, b: float, angle: float, axes: tuple[int, int]
) -> None:
    shape = (30, 40) if max(axes) == 1 else (30, 3, 40)
    region = PixelEllipse((y, x), (a, b), angle, shape, axes)
    try:
        region.bounds()
    except RegionError:
        return
    back = from_record(to_record(region))
    here, there = region.mask(full(shape)), back.mask(full(shape))
    larger, smaller = (
        PixelEllipse((y, x), (a * f, b * f), angle, shape, axes)._plane(
            slice(0, shape[axes[0]], 1), slice(0, shape[axes[1]], 1)
        )
        for f in (1 + 1e-4, 1 - 1e-4)
    )
    # Single precision may move the edge.
    assert (here != there).sum() <= (larger != smaller).sum() * np.prod(shape) / larger.size


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: to_record(Circle((10, 10), 1)), "needs those of its image"),
        (lambda: to_record(PixelBox((1, 1), (2, 2))), "without a shape needs the image"),
        (lambda: to_record(SpectralRange("1km/s", "2km/s"), COORDS), "other terms than those of the coord"),
        (lambda: to_record(SpectralRange("1GHz", "2GHz", frame="BARY"), COORDS), "needs the image"),
        (lambda: to_record(ChannelSelection(((1, None),)), COORDS), "needs the image"),
        (lambda: to_record(CenterBox((10, 10), ("3pix", "4pix")), COORDS), "partly in pixels"),
        (lambda: to_record(Ellipse((10, 10), ("3pix", "4arcmin")), COORDS), "one half-axis in pixels"),
        (lambda: to_record(StokesSelection(("I",)), {}), "needs a stokes axis"),
        (lambda: to_record(Circle((10, 10), 1), {"spectral0": {}, "pixelmap0": [0]}), "needs a sky axis"),
        (lambda: to_record(Circle((10, 10), 1), {"direction0": {}}), "malformed"),
        (lambda: to_record(AxisBox(["spectral"], [1], [2])), "axes by name needs the image"),
        (lambda: to_record(Circle((10, 10), 1) & PixelBox((0, 0), (1, 1)), COORDS), "needs the image"),
        (lambda: from_record({"name": "LCPagedMask", "mask": "t"}), "stored beside its record"),
        (lambda: from_record({"name": "LCBox", "blc": [1], "trc": [1, 2], "shape": [3, 4]}), "malformed"),
    ],
)  # fmt: skip
def test_what_is_missing_is_said(make: Any, words: str) -> None:
    with pytest.raises(RegionError, match=words):
        make()


def test_what_no_record_can_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(LatticeTypeError, match="is no region"):
        to_record("circle")  # type: ignore[arg-type]
    monkeypatch.setattr("lattice.regions.pixel_records._LARGEST", 5)
    with pytest.raises(RegionError, match="too large for a record"):
        to_record(MaskRegion(np.ones((2, 3), bool)))


def test_pixel_regions_beside_world_regions_are_written_in_pixels() -> None:
    both = Circle((187.7, 60.3), "6.3arcmin") & PixelBox((0, 0, 0, 0), (5, 3, 15, 39))
    record = to_record(both, COORDS, IMAGE)
    assert record["name"] == "LCIntersection"
    np.testing.assert_array_equal(_pixels(from_record(record)), _pixels(both))
    box = AxisBox(["spectral"], [1], [2])
    assert to_record(box, COORDS, IMAGE)["name"] == "LCBox"
    np.testing.assert_array_equal(_pixels(from_record(to_record(box, COORDS, IMAGE))), _pixels(box))


@pytest.mark.parametrize(
    "inner",
    [
        PixelEllipsoid((4, 5), (2, 3), (9, 12)),
        PixelPolygon((1, 9, 4), (1, 2, 7), (9, 12)),
        PixelBox((1, 2), (5, 9), shape=(9, 12)),
        MaskRegion(np.arange(108).reshape(9, 12) % 5 == 0),
        PixelBox((1, 2), (5, 9), shape=(9, 12)) - PixelEllipsoid((4, 5), (2, 3), (9, 12)),
        PixelBox((1, 2), (5, 9), shape=(9, 12)) | PixelPolygon((1, 9, 4), (1, 2, 7), (9, 12)),
    ],
)
def test_extensions_to_more_axes(inner: Region) -> None:
    mask = inner.mask(full((9, 12)))
    for added, box_axis in ((2, 0), (0, 2), (1, 1)):
        box = to_record(PixelBox((1,), (2,), shape=(4,)))
        record = {"name": "LCExtension", "region": to_record(inner), "axes": [added], "box": box}
        found = from_record({"isRegion": 1, "comment": "", **record})
        expected = np.expand_dims(mask, box_axis) & np.zeros((4, 1, 1), bool).swapaxes(0, box_axis)
        expected = np.zeros(np.insert((9, 12), box_axis, 4), bool)
        at: list[Any] = [slice(None)] * 3
        at[box_axis] = slice(1, 3)
        expected[tuple(at)] = np.expand_dims(mask, box_axis)
        np.testing.assert_array_equal(found.mask(full(expected.shape)), expected)


def test_many_regions_make_one_flat_union() -> None:
    text = "\n".join(f"circle[[{10 + k}.3pix, 15.2pix], 2.7pix]" for k in range(12))
    record = to_record(from_crtf(text), COORDS)
    assert record["regions"]["nr"] == 12
    taken = to_record(
        And(WorldPolygon(((187.5, 60.2), (187.9, 60.22), (187.8, 60.45))), SpectralRange("1chan", "2chan")),
        COORDS,
    )
    assert taken["name"] == "WCExtension"
