"""Damaged records: a clear warning that names the field, never an exception and never a wrong position."""

from __future__ import annotations

import copy
import warnings
from typing import Any

import numpy as np
import pytest

from lattice.coords.system import CoordinateSystem
from lattice.errors import CoordinateError, FormatError, LatticeWarning
from lattice.io.casa_records import (
    coords_from_record,
    coords_to_record,
    imageinfo_from_record,
    misc_from_record,
)
from tests.io.casa_records.systems import system
from tests.io.casa_records.test_native import SHAPE, sample

Path = tuple[str, ...]


def changed(path: Path, value: Any) -> dict[str, Any]:
    """Return the sample record with another value for a field; without it if the value is `...`."""
    record = sample()
    inner = record
    for key in path[:-1]:
        inner = inner[key]
    if value is ...:
        del inner[path[-1]]
    else:
        inner[path[-1]] = value
    return record


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("pixelmap0",), ..., "pixelmap0 is missing"),
        (("pixelmap0",), np.array([0, 7]), "pixelmaps name the axes 0, 7, 2, 3"),
        (("pixelmap0",), np.array([0, 0]), "pixelmaps name the axes 0, 0, 2, 3"),
        (("pixelmap0",), np.array([0.5, 1]), "pixelmap0 has values that are no axis numbers"),
        (("pixelmap0",), "none", "pixelmap0 is no number"),
        (("pixelreplace0",), np.zeros(3), "pixelreplace0 has the shape"),
        (("spectral2",), 3, "spectral2 is no record"),
        (("spectral2",), ..., "pixelmaps name the axes"),
    ],
)
def test_axes_that_do_not_fit_the_image(path: Path, value: Any, message: str) -> None:
    with pytest.warns(LatticeWarning, match="without coordinates.*" + message):
        coords, cards = coords_from_record(changed(path, value), SHAPE)
    assert coords.kinds == ("none",) * 4
    assert coords.native is None
    assert cards[0] == ("TELESCOP", "VLA", "")


SKY, STOKES, SPECTRUM = ("longitude", "latitude"), ("stokes",), ("spectral",)


@pytest.mark.parametrize(
    ("path", "value", "message", "lost"),
    [
        (("direction0", "system"), ..., r"direction0.system is missing", SKY),
        (("direction0", "system"), 5, r"direction0.system is no text", SKY),
        (("direction0", "system"), "KLINGON", r"direction0.system is 'KLINGON'", SKY),
        (("direction0", "projection"), "XYZ", r"direction0.projection is 'XYZ'", SKY),
        (("direction0", "projection"), ..., r"direction0.projection is missing", SKY),
        (("direction0", "projection_parameters"), ..., r"direction0.projection_parameters is missing", SKY),
        (("direction0", "crval"), np.array([1.0]), r"direction0.crval has the shape", SKY),
        (
            ("direction0", "crval"),
            np.array([1.0, np.nan]),
            r"direction0.crval has values that are not finite",
            SKY,
        ),
        (("direction0", "crpix"), ["a", "b"], r"direction0.crpix is no number", SKY),
        (("direction0", "pc"), np.eye(3), r"direction0.pc is no matrix of 2", SKY),
        (("direction0", "units"), ["Jy", "'"], r"the unit 'Jy' of direction0.units", SKY),
        (("direction0", "units"), ["'"], r"direction0.units has 1 texts", SKY),
        (("stokes1", "stokes"), ["I"], r"stokes1.stokes has 1 names for 4 pixels", STOKES),
        (("stokes1", "stokes"), np.arange(4), r"stokes1.stokes is no vector of texts", STOKES),
        (("spectral2", "restfreq"), "high", r"spectral2.restfreq is no number", SPECTRUM),
        (("spectral2", "unit"), "furlong", r"the unit 'furlong' of spectral2.unit", SPECTRUM),
        (("spectral2", "tabular"), ..., r"spectral2.tabular is missing", SPECTRUM),
        (
            ("spectral2", "tabular", "worldvalues"),
            np.arange(3.0),
            r"spectral2.tabular.worldvalues has",
            SPECTRUM,
        ),
        (
            ("spectral2", "tabular", "pixelvalues"),
            np.zeros(6),
            r"tabular.pixelvalues has a pixel twice",
            SPECTRUM,
        ),
        (("spectral2", "tabular", "units"), ["m"], r"the unit 'm' of spectral2.tabular.units", SPECTRUM),
        (("spectral2", "wcs"), {"crval": 1.0}, r"spectral2.wcs.cdelt is missing", SPECTRUM),
        (("spectral2", "wcs"), 3.0, r"spectral2.wcs is no record", SPECTRUM),
    ],
)
def test_one_damaged_coordinate_costs_its_axes_only(
    path: Path, value: Any, message: str, lost: tuple[str, ...]
) -> None:
    with pytest.warns(LatticeWarning, match=message):
        coords, cards = coords_from_record(changed(path, value), SHAPE)
    kinds = ("spectral", "stokes", "latitude", "longitude")
    assert coords.kinds == tuple("none" if kind in lost else kind for kind in kinds)
    assert len(cards) > 3
    # What can be read is right, and what is written is whole.
    whole, _ = coords_from_record(sample(), SHAPE)
    pixels = [np.arange(3.0)] * 4
    for kind, a, b in zip(coords.kinds, coords.to_world(*pixels), whole.to_world(*pixels), strict=True):
        if kind != "none":
            np.testing.assert_allclose(a, b, rtol=1e-12)
    if coords.native is None:
        again, _ = coords_from_record(coords_to_record(coords, cards, SHAPE), SHAPE)
        assert again.kinds == coords.kinds


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("obsdate", 3), ("obsdate", {"m0": {"value": 1e9, "unit": "d"}}),
        ("obsdate", {"m0": {"value": 1, "unit": "m"}}), ("telescope", 5), ("observer", np.zeros(2)),
        ("pointingcenter", {"value": np.zeros(3), "initial": False}), ("pointingcenter", {"initial": "no"}),
        ("pointingcenter", {}), ("telescopeposition", {"m0": {"value": 1.0, "unit": "rad"}}),
    ],
)  # fmt: skip
def test_damaged_observations_are_left_out(field: str, value: Any) -> None:
    with pytest.warns(LatticeWarning, match=f"without its {field}"):
        coords, _ = coords_from_record(sample() | {field: value}, SHAPE)
    assert coords.kinds == ("spectral", "stokes", "latitude", "longitude")


def test_two_directions() -> None:
    record = sample()
    del record["spectral2"], record["stokes1"]
    for field in ("map", "replace"):
        for kind in ("world", "pixel"):
            del record[f"{kind}{field}2"], record[f"{kind}{field}1"]
            record[f"{kind}{field}1"] = record[f"{kind}{field}0"] + (2 if field == "map" else 0)
    record["direction1"] = record["direction0"]
    with pytest.warns(LatticeWarning, match="direction1 is a second coordinate of this kind"):
        coords, cards = coords_from_record(record, (4, 5, 20, 30))
    assert coords.kinds == ("none", "none", "latitude", "longitude")
    # lattice cannot say it, casacore can
    assert coords_to_record(coords, cards, (4, 5, 20, 30))["direction1"]["system"] == "ICRS"


@pytest.mark.parametrize("bad", [None, [], "text", 3])
def test_no_record_at_all(bad: Any) -> None:
    with pytest.raises(FormatError, match="are a record"):
        coords_from_record(bad, (4, 5))


def test_nothing_in_the_record() -> None:
    with pytest.warns(LatticeWarning, match="name the axes none of an image of 2 axes"):
        coords, _ = coords_from_record({}, (4, 5))
    assert coords.dims == ("y", "x")
    assert coords_from_record({}, ())[0].axes == ()


JUNK: tuple[Any, ...] = (
    ..., None, "", "text", -1, 1 << 62, np.nan, np.inf, 1e300, -1e300, np.zeros(0), np.zeros((2, 2)),
    np.full(2, np.nan), np.array(["a"], object), [], {}, {"value": 1.0}, True, np.array(3), 1j, [None],
)  # fmt: skip


def _paths(record: dict[str, Any], at: Path = ()) -> list[Path]:
    out = []
    for key, value in record.items():
        out.append((*at, key))
        if isinstance(value, dict):
            out += _paths(value, (*at, key))
    return out


@pytest.mark.parametrize("seed", range(30))
def test_any_field_replaced_by_anything(seed: int) -> None:
    rng = np.random.default_rng(seed)
    original, shape = system(seed)
    for _ in range(30):
        record = copy.deepcopy(original)
        paths = _paths(record)
        path = paths[int(rng.integers(len(paths)))]
        inner: dict[str, Any] = record
        for key in path[:-1]:
            inner = inner[key]
        value = JUNK[int(rng.integers(len(JUNK)))]
        if value is ...:
            del inner[path[-1]]
        else:
            inner[path[-1]] = value
        _survives(record, shape)


def _survives(record: dict[str, Any], shape: tuple[int, ...]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        coords, cards = coords_from_record(record, shape)
        written = coords_to_record(coords, cards, shape)
        assert {key for key in written if key.startswith("pixelmap")}
        cut = coords.subset([slice(0, n, 2) for n in shape])
        coords_to_record(cut, cards, tuple((n + 1) // 2 for n in shape))
        try:
            coords.to_world(*[np.zeros(1)] * len(shape))
        except CoordinateError:  # numbers that are no projection are found when positions are asked for
            return
        assert isinstance(coords, CoordinateSystem)


@pytest.mark.parametrize("junk", JUNK)
def test_other_records_of_anything(junk: Any) -> None:
    if junk is ...:
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        imageinfo_from_record({"restoringbeam": junk, "objectname": junk}, (4, 5), None)
        imageinfo_from_record({"perplanebeams": {"nChannels": junk, "nStokes": 1, "*0": junk}}, (4, 5), None)
        misc_from_record({"x": junk, "y": {"z": junk}})
