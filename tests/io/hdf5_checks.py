"""What casacore tells of an HDF5 image (`tests.io.casacore_hdf5.describe`), compared with what is read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from lattice.graph.sections import full
from lattice.io.base import Stored
from lattice.testing.samples import inside
from tests.io.casa_records.casacore_images import world_in_pixels

UNITS = {"deg": 1.0, "arcmin": 60.0, "arcsec": 3600.0, "rad": np.pi / 180}


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
    # casacore takes it for an intensity if nothing is said
    assert meta.get("BTYPE", info["imagetype"]) == info["imagetype"]
    for key, value in found["miscinfo"].items():
        assert same(meta[key], value), key
    assert set(stored.groups) == set(found["groups"])
    for name, group in stored.groups.items():
        check_group(group, found["groups"][name])


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
            assert same(values.array[row] if hasattr(values, "array") else values[str(row)], cell)
    for key, about in group.items():
        for ours, theirs in (("unit", "units"), ("measinfo", "measures")):
            given = about[ours].array.tolist() if ours in about else []
            assert given == list(found[theirs][key]), key


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
