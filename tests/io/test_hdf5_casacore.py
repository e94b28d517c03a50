"""HDF5 images that casacore wrote.

The files in tests/data were written by casacore 3.5.0, with what it sees in them, by make_hdf5_images.py
beside them.
"""

from __future__ import annotations

import gzip
import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lattice
from lattice.io.base import Stored
from lattice.io.registry import open_stored
from tests.io.hdf5_checks import check_coordinates, check_labels, check_pixels, check_regions

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
