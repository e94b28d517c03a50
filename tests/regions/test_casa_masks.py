"""Region texts give the pixels that CASA gives, as measured by tests/data/make_crtf_masks.py."""

from __future__ import annotations

import base64
import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lattice.coords.system import CoordinateSystem
from lattice.errors import RegionError
from lattice.graph.attributes import Attributes
from lattice.graph.sections import full
from lattice.regions import from_crtf, from_strings, to_crtf

_FILE = Path(__file__).parents[1] / "data" / "crtf_masks.json.gz"
_CONTENT: dict[str, Any] = json.loads(gzip.decompress(_FILE.read_bytes()))
SHAPE = tuple(_CONTENT["shape"])

_EDGE = "an edge runs exactly through centres of pixels: rounding decides in CASA"
_OBLONG = "CASA ignores that pixels are not square"
_TURNED = "CASA ignores the direction of north, or takes pixels for angles on the sky"
_GLOBAL = "CASA ignores a global range"
_MINUS = "CASA starts from one spurious pixel when the first item takes away"
_REFUSED = "CASA refuses it"
DIFFERENT = {
    ("j2000", "centerbox[[20pix, 15pix], [4pix, 2pix]]"): _EDGE,
    ("j2000", "rotbox[[20.3pix, 15.2pix], [9.3pix, 4.4pix], 0deg]"): _EDGE,
    ("oblong", "circle[[10deg, -70deg], 6.3arcmin]"): _OBLONG,
    ("oblong", "circle[[20.3pix, 15.2pix], 7.7pix]"): _OBLONG,
    ("oblong", "circle[[10deg, -70deg], 7.7pix]"): _OBLONG,
    ("oblong", "ellipse[[10deg, -70deg], [14.3arcmin, 4.4arcmin], 35deg]"): _OBLONG,
    ("oblong", "annulus[[10deg, -70deg], [3.3arcmin, 11.4arcmin]]"): _OBLONG,
    ("oblong", "ellipse[[20.3pix, 15.2pix], [9.3pix, 4.4pix], 35deg]"): _REFUSED,
    ("oblong", "rotbox[[20.2pix, 15.1pix], [14.3pix, 6.2pix], 30deg]"): _REFUSED,
    ("turned", "ellipse[[10deg, 20deg], [9.3arcmin, 4.4arcmin], 20deg]"): _TURNED,
    ("turned", "centerbox[[20.2pix, 15.1pix], [10.3pix, 5.2pix]]"): _TURNED,
    ("turned", "rotbox[[20.2pix, 15.1pix], [14.3pix, 5.2pix], 20deg]"): _TURNED,
    ("flipped", "ellipse[[30.0deg, 1.0deg], [0.53deg, 0.27deg], 25deg]"): _TURNED,
    ("flipped", "rotbox[[20.2pix, 15.1pix], [14.3pix, 6.2pix], 25deg]"): _TURNED,
    ("icrs", "circle[[82.98deg, -5.43deg], 0.73deg], coord=BMEAN"): _REFUSED,
    ("j2000", "circle[[20.3pix, 15.2pix], 3.7pix] corr=[I] range=[1chan,2chan]"): _REFUSED,
    ("j2000", "+circle[[10.3pix, 15.2pix], 5.7pix]"): _REFUSED,
    ("j2000", "-circle[[10.3pix, 15.2pix], 5.7pix]"): _MINUS,
    ("j2000", "-circle[[10.3pix, 15.2pix], 5.7pix]\ncircle[[12.3pix, 15.2pix], 5.7pix]"): _MINUS,
}
# All texts with a global range that applies to some item.
_GLOBAL_RANGE = [
    r for r in _CONTENT["records"] if "global" in r["text"] and "range" in r["text"].split("\ncircle")[0]
]
DIFFERENT |= {(r["image"], r["text"]): _GLOBAL for r in _GLOBAL_RANGE if r["text"].count("range=") == 1}
DIFFERENT |= {
    (r["image"], r["text"]): _GLOBAL for r in _CONTENT["records"] if "range=[2chan,3chan]" in r["text"]
}


def _image(name: str) -> Attributes:
    cards = [(keyword, value, "") for keyword, value in _CONTENT["images"][name].items()]
    coords = CoordinateSystem.from_header(cards, SHAPE)
    return Attributes(np.dtype("f4"), SHAPE, coords.dims, coords=coords)


IMAGES = {name: _image(name) for name in _CONTENT["images"]}


def _expected(record: dict[str, Any]) -> np.ndarray | None:
    if "bits" not in record:
        return None
    bits = np.unpackbits(np.frombuffer(base64.b64decode(record["bits"]), np.uint8))
    return bits[: np.prod(SHAPE)].astype(bool).reshape(SHAPE)


def _found(image: str, text: str) -> np.ndarray | None:
    try:
        region = from_crtf(text).fit(IMAGES[image])
    except RegionError:
        return None
    mask = region.mask(full(SHAPE))
    box = np.zeros(SHAPE, bool)
    box[region.bounds()] = True
    assert not (mask & ~box).any()
    part = region.bounds()
    np.testing.assert_array_equal(region.mask(part), mask[part])
    return mask


def _same(a: np.ndarray | None, b: np.ndarray | None) -> bool:
    return a is b if a is None or b is None else bool((a == b).all())


def test_there_is_enough_to_compare() -> None:
    with_pixels = [r for r in _CONTENT["records"] if "bits" in r and (r["image"], r["text"]) not in DIFFERENT]
    assert len(with_pixels) >= 120
    shapes = {"box", "centerbox", "rotbox", "poly", "circle", "annulus", "ellipse"}
    assert all(any(r["text"].startswith(shape) for r in with_pixels) for shape in shapes)
    for frame in ("J2000", "ICRS", "B1950", "B1950_VLA", "GALACTIC", "ECLIPTIC", "SUPERGAL"):
        assert any(f"coord={frame}" in r["text"] for r in with_pixels), frame


@pytest.mark.parametrize("record", _CONTENT["records"], ids=lambda r: f"{r['image']}:{r['text'][:60]}")
def test_pixels_are_those_of_casa(record: dict[str, Any]) -> None:
    same = _same(_found(record["image"], record["text"]), _expected(record))
    reason = DIFFERENT.get((record["image"], record["text"]))
    assert same == (reason is None), reason


@pytest.mark.parametrize("record", _CONTENT["records"], ids=lambda r: f"{r['image']}:{r['text'][:60]}")
def test_a_written_text_gives_the_same_pixels(record: dict[str, Any]) -> None:
    try:
        region = from_crtf(record["text"])
    except RegionError:
        return
    again = from_crtf(to_crtf(region))
    assert to_crtf(again) == to_crtf(region)
    assert _same(_found(record["image"], record["text"]), _found(record["image"], to_crtf(region)))


@pytest.mark.parametrize("record", _CONTENT["strings"], ids=lambda r: "|".join(list(r.values())[:4])[:60])
def test_short_texts_select_what_casa_selects(record: dict[str, Any]) -> None:
    region = record["region"]
    if record["chans"] == "0,3" and region:
        pytest.skip("CASA refuses several ranges together with a region")
    expected = _expected(record)
    try:
        found = from_strings(record["box"], record["chans"], record["stokes"], region or None)
        assert found is not None
        mask = found.fit(IMAGES["j2000"]).mask(full(SHAPE))
    except RegionError:
        mask = None
    assert _same(mask, expected)
