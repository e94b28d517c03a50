"""HDF5 images against a casacore that has HDF5.

The files in tests/data were written by casacore 3.5.0, with what it sees in them, by make_hdf5_images.py
beside them. The exchange of random images needs such a casacore (tests/data/casacore_with_hdf5.sh).
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lattice
from lattice.graph.sections import full
from lattice.io.base import Stored
from lattice.io.registry import open_stored
from lattice.testing.samples import inside
from tests.io.casa_records.casacore_images import world_in_pixels

pytest.importorskip("h5py")

DATA = Path(__file__).parents[1] / "data"
NAMES = ("cube", "double", "complex", "dcomplex", "axes")


@cache
def seen() -> dict[str, Any]:
    content = json.loads(gzip.decompress((DATA / "hdf5_images.json.gz").read_bytes()))
    return {name: restored(about) for name, about in content.items()}


def restored(value: Any) -> Any:
    """Return arrays where the file describes them."""
    if isinstance(value, dict) and "__array__" in value:
        dtype = np.dtype(value["__array__"])
        if dtype.kind == "c":
            return np.array(value["values"], f"f{dtype.itemsize // 2}").view(dtype).reshape(value["shape"])
        return np.array(value["values"], dtype).reshape(value["shape"])
    if isinstance(value, dict):
        return {key: restored(part) for key, part in value.items()}
    return [restored(part) for part in value] if isinstance(value, list) else value


@pytest.fixture
def opened(name: str, tmp_path: Path) -> Stored:
    path = tmp_path / f"{name}.h5"
    path.write_bytes(gzip.decompress((DATA / f"hdf5_{name}.h5.gz").read_bytes()))
    return open_stored(str(path))


def same(a: Any, b: Any, tolerance: float = 0.0) -> bool:
    """Compare values of records; the widths of numbers do not count."""
    if isinstance(a, Mapping):
        return set(a) == set(b) and all(same(value, b[key], tolerance) for key, value in a.items())
    x, y = np.asarray(getattr(a, "array", a)), np.asarray(getattr(b, "array", b))
    if x.shape != y.shape or (x.dtype.kind in "US") != (y.dtype.kind in "US"):
        return x.size == y.size == 0 and x.ndim == y.ndim
    if x.dtype.kind in "US":
        return x.tolist() == y.tolist()
    return np.allclose(x, y, rtol=tolerance, atol=0, equal_nan=True)


def check_pixels(stored: Stored, found: dict[str, Any]) -> None:
    """Compare pixels and masks with those that casacore found."""
    values = stored.reader.read(full(stored.reader.shape))
    np.testing.assert_array_equal(values, found["values"])
    assert values.dtype == found["values"].dtype
    assert set(stored.masks) == set(found["masks"])
    for name, mask in stored.masks.items():
        np.testing.assert_array_equal(mask.read(full(mask.shape)), found["masks"][name])
    good = np.ones(values.shape, bool)
    if stored.default_mask is not None:
        good = stored.masks[stored.default_mask].read(full(values.shape))
    np.testing.assert_array_equal(good, found["good"])


def check_labels(stored: Stored, found: dict[str, Any]) -> None:
    """Compare unit, beams, metadata and attributes with those that casacore found."""
    assert stored.unit == found["unit"]
    info = found["imageinfo"]
    beams = [info["restoringbeam"]] if "restoringbeam" in info else []
    if "perplanebeams" in info:
        many = info["perplanebeams"]
        # those of all channels of the first Stokes parameter come first
        grid = [many[f"*{i}"] for i in range(many["nChannels"] * many["nStokes"])]
        beams = in_planes(grid, many["nChannels"], stored)
    assert len(stored.beams) == len(beams)
    for ours, theirs in zip(stored.beams, beams, strict=True):
        sizes = [
            theirs[key]["value"] / UNITS[theirs[key]["unit"]] for key in ("major", "minor", "positionangle")
        ]
        np.testing.assert_allclose(ours, sizes, rtol=1e-12)
    meta = {key: value for key, value, _ in stored.meta}
    assert meta.get("OBJECT", "") == info["objectname"]
    assert meta.get("BTYPE", "Undefined") == info["imagetype"]
    for key, value in found["miscinfo"].items():
        assert same(meta[key], value), key
    assert set(stored.groups) == set(found["groups"])
    for name, group in stored.groups.items():
        check_group(group, found["groups"][name])


UNITS = {"deg": 1.0, "arcmin": 60.0, "arcsec": 3600.0, "rad": np.pi / 180}


def in_planes(beams: list[Any], channels: int, stored: Stored) -> list[Any]:
    """Return beams that go through channels first in the order of the planes of an image."""
    kinds = [kind for kind in stored.coords.kinds if kind in ("spectral", "stokes")]
    if kinds != ["spectral", "stokes"]:
        return beams
    return [beams[s * channels + c] for c in range(channels) for s in range(len(beams) // channels)]


def check_group(group: Any, found: dict[str, Any]) -> None:
    for row, cells in enumerate(found["rows"]):
        for key, cell in cells.items():
            values = group[key]["values"]
            assert same(values[row] if hasattr(values, "array") else values[str(row)], cell)
    for key, about in group.items():
        assert list(about.get("unit", np.zeros(0)).array if "unit" in about else []) == list(
            found["units"][key]
        )
        assert list(about["measinfo"].array if "measinfo" in about else []) == list(found["measures"][key])


def check_coordinates(stored: Stored, found: dict[str, Any], pixels: list[list[float]]) -> None:
    """Compare positions with those that casacore found."""
    for pixel, world in zip(pixels, found["world"], strict=True):
        shape = tuple(stored.reader.shape)
        apart = world_in_pixels(found["record"], stored.coords, shape, np.array(pixel), np.array(world))
        assert apart
        # casacore shows frequencies after a conversion to another frame
        converted = any(
            part.get("conversion", {}).get("system", part["system"]) != part["system"]
            for key, part in found["record"].items()
            if key.startswith("spectral")
        )
        assert all(size < 1e-5 for key, size in apart.items() if not (converted and key == "spectral 0"))


def check_regions(stored: Stored, found: dict[str, Any]) -> None:
    """Compare the pixels of regions with those that casacore found."""
    assert set(stored.regions) == set(found["regions"])
    for name, pixels in found["regions"].items():
        np.testing.assert_array_equal(inside(stored.regions[name], stored), pixels, name)


# -- files of casacore ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_pixels_and_masks(name: str, opened: Stored) -> None:
    found = seen()[name]
    assert found["type"] == "HDF5Image"
    assert opened.format == "hdf5"
    assert list(opened.reader.tile) == found["tile"]
    assert opened.default_mask == found["default"]
    check_pixels(opened, found)


@pytest.mark.parametrize("name", NAMES)
def test_labels(name: str, opened: Stored) -> None:
    check_labels(opened, seen()[name])


@pytest.mark.parametrize("name", NAMES)
def test_coordinates(name: str, opened: Stored) -> None:
    found = seen()[name]
    assert "none" not in opened.coords.kinds
    check_coordinates(opened, found, found["pixels"])


@pytest.mark.parametrize("name", ["cube", "double"])
def test_regions(name: str, opened: Stored) -> None:
    check_regions(opened, seen()[name])


@pytest.mark.parametrize("name", NAMES)
def test_what_is_saved_again_is_the_same(name: str, opened: Stored, tmp_path: Path) -> None:
    lattice.open(tmp_path / f"{name}.h5").save(tmp_path / "b.h5", strict=True)
    again, found = open_stored(str(tmp_path / "b.h5")), seen()[name]
    check_pixels(again, found)
    check_labels(again, found)
    check_coordinates(again, found, found["pixels"])
    check_regions(again, found)
    assert again.default_mask == opened.default_mask


@pytest.mark.parametrize("name", ["cube", "complex"])
def test_files_of_casacore_are_changed_in_place(name: str, opened: Stored, tmp_path: Path) -> None:
    from lattice.io.hdf5 import Hdf5Format

    found = seen()[name]
    first = tuple(slice(0, 1, 1) for _ in opened.reader.shape)
    path = str(tmp_path / f"{name}.h5")
    with Hdf5Format().update(path) as updater:
        updater.write(first, np.full((1,) * len(first), 5.0))
        updater.add_mask("more")
        updater.set(unit="K")
    again = open_stored(path)
    values = found["values"].copy()
    values[first] = 5
    everywhere = np.ones(values.shape, bool)
    masks = found["masks"] | {"more": everywhere}
    check_pixels(again, found | {"values": values, "masks": masks, "good": everywhere})
    check_labels(again, found | {"unit": "K"})
    check_regions(again, found)
    assert again.default_mask == "more"
