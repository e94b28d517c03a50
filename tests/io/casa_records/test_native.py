"""Records of images that were cut, turned or binned; the systems are plain ones, checked by arithmetic."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from lattice.coords.system import Axis, CoordinateSystem
from lattice.io.casa_records import coords_from_record, coords_to_record

SHAPE = (6, 4, 20, 30)


def sample() -> dict[str, Any]:
    """A record with a rotated direction, polarizations of casacore's order, and a tabulated spectrum."""
    sine, cosine = np.sin(0.3), np.cos(0.3)
    return {
        "telescope": "VLA", "observer": "someone",
        "obsdate": {"type": "epoch", "refer": "TAI", "m0": {"value": 55000.123456789, "unit": "d"}},
        "pointingcenter": {"value": np.array([0.1, 0.2]), "initial": False},
        "direction0": {
            "system": "ICRS", "projection": "SIN", "projection_parameters": np.zeros(2),
            "crval": np.array([10.0, 41.0]), "crpix": np.array([14.0, 9.5]), "cdelt": np.array([-2.0, 3.0]),
            "pc": np.array([[cosine, -sine], [sine, cosine]]), "axes": ["Right Ascension", "Declination"],
            "units": ["'", "'"], "conversionSystem": "GALACTIC", "longpole": 180.0, "latpole": 41 / 60,
        },
        "worldmap0": np.array([0, 1], np.int32), "worldreplace0": np.zeros(2),
        "pixelmap0": np.array([0, 1], np.int32), "pixelreplace0": np.zeros(2),
        "stokes1": {"axes": ["Stokes"], "stokes": ["XX", "XY", "YX", "YY"], "crval": np.array([9.0]),
                    "crpix": np.zeros(1), "cdelt": np.ones(1), "pc": np.eye(1)},
        "worldmap1": np.array([2], np.int32), "worldreplace1": np.zeros(1),
        "pixelmap1": np.array([2], np.int32), "pixelreplace1": np.zeros(1),
        "spectral2": {
            "version": np.int32(2), "system": "LSRK", "restfreq": 1.42, "restfreqs": np.array([1.42, 1.66]),
            "velType": np.int32(1), "velUnit": "m/s", "nativeType": np.int32(0),
            "tabular": {"crval": np.array([1.4e9]), "crpix": np.zeros(1), "cdelt": np.array([1e6]),
                        "pc": np.eye(1), "axes": ["Frequency"], "units": ["Hz"],
                        "pixelvalues": np.arange(6.0),
                        "worldvalues": 1.4e9 + 1e6 * np.array([0, 1, 3, 3.5, 5, 7])},
            "unit": "GHz", "name": "Frequency",
        },
        "worldmap2": np.array([3], np.int32), "worldreplace2": np.zeros(1),
        "pixelmap2": np.array([3], np.int32), "pixelreplace2": np.zeros(1),
    }  # fmt: skip


def same(a: Any, b: Any) -> bool:
    """Tell whether two records are the same, in their order and types."""
    if isinstance(a, dict):
        return isinstance(b, dict) and list(a) == list(b) and all(same(a[k], b[k]) for k in a)
    if isinstance(a, np.ndarray):
        return isinstance(b, np.ndarray) and a.dtype == b.dtype and np.array_equal(a, b)
    return type(a) is type(b) and a == b


def test_an_untouched_image_gets_its_record_back() -> None:
    coords, cards = coords_from_record(sample(), SHAPE)
    assert same(coords_to_record(coords, cards, SHAPE), sample())
    assert coords.kinds == ("spectral", "stokes", "latitude", "longitude")
    assert coords.stokes(4) == ("XX", "XY", "YX", "YY")
    np.testing.assert_allclose(coords.frequencies(6), sample()["spectral2"]["tabular"]["worldvalues"])


def test_the_record_takes_no_part_in_comparisons() -> None:
    first, _ = coords_from_record(sample(), SHAPE)
    record = sample()
    record["spectral2"]["velUnit"] = "km/s"
    second, _ = coords_from_record(record, SHAPE)
    assert first == second
    assert hash(first) == hash(second)
    assert first.native != second.native


def test_another_header_has_no_record() -> None:
    record = sample()
    del record["spectral2"]["tabular"]
    record["spectral2"]["wcs"] = {"crval": 1.4, "crpix": 0.0, "cdelt": 1e-3, "pc": 1.0, "ctype": "FREQ"}
    coords, _ = coords_from_record(record, SHAPE)
    assert coords.native is not None
    assert coords.with_velocity("radio").native is None
    assert coords.subset([slice(0, 2, 1)] * 4).native == coords.native


def cut(*items: Any) -> Callable[[CoordinateSystem], CoordinateSystem]:
    resolved = [slice(*(i.indices(n) if i.step != -1 else (i.start, None, -1))) if isinstance(i, slice) else i
                for i, n in zip(items, SHAPE, strict=True)]  # fmt: skip
    return lambda coords: coords.subset(resolved)


ALL = slice(None)
CHANGES: dict[str, tuple[Callable[[CoordinateSystem], CoordinateSystem], tuple[int, ...]]] = {
    "cut": (cut(slice(1, 5), slice(1, 3), slice(2, 12), slice(5, 25)), (4, 2, 10, 20)),
    "strides": (cut(slice(0, 6, 2), slice(1, 4, 2), slice(0, 20, 3), slice(0, 30, 2)), (3, 2, 7, 15)),
    "flips": (cut(slice(5, None, -1), slice(3, None, -1), slice(19, None, -1), ALL), SHAPE),
    "bins": (lambda c: c.rebin((2, 1, 5, 3)), (3, 4, 4, 10)),
    "turned": (lambda c: c.select((3, 0, 2, 1)), (30, 6, 20, 4)),
    "one channel": (cut(3, ALL, ALL, ALL), (4, 20, 30)),
    "spectrum": (cut(ALL, 2, 7, 8), (6,)),
    "slice of the sky": (cut(ALL, ALL, ALL, 11), (6, 4, 20)),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_record_says_the_same_as_the_coordinates(change: str) -> None:
    coords, cards = coords_from_record(sample(), SHAPE)
    apply, shape = CHANGES[change]
    new = apply(coords)
    record = coords_to_record(new, cards, shape)
    again, more = coords_from_record(record, shape)
    assert more == cards
    pixels = [np.array([0, n // 2, n - 1], np.float64) for n in shape]
    grid = np.meshgrid(*pixels, indexing="ij")
    for a, b, kind in zip(new.to_world(*grid), again.to_world(*grid), new.kinds, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-14, atol=1e-13, err_msg=kind)
    if "stokes" in new.kinds:
        n = shape[new.kinds.index("stokes")]
        assert new.stokes(n) == again.stokes(n)
    kept = next((v for k, v in record.items() if k.startswith("spectral")), None)
    if kept is not None:
        assert kept["restfreqs"].tolist() == [1.42, 1.66]
        assert (kept["velUnit"], kept["unit"]) == ("m/s", "GHz")
    if "longitude" in new.kinds:
        direction = next(v for k, v in record.items() if k.startswith("direction"))
        assert direction["conversionSystem"] == "GALACTIC"
        assert direction["units"] == ["'", "'"]


def test_a_stack_gets_an_axis_of_numbers() -> None:
    from lattice.ops.joined_coords import stacked

    coords, cards = coords_from_record(sample(), SHAPE)
    new = stacked(coords, "epoch")
    record = coords_to_record(new, cards, (2, *SHAPE))
    assert record["linear3"]["axes"] == ["epoch"]
    assert record["pixelmap3"].tolist() == [4]
    assert record["worldmap3"].tolist() == [4]
    assert same(record["spectral2"], sample()["spectral2"])


def test_names_of_axes_without_coordinates_stay() -> None:
    named = CoordinateSystem(
        (Axis("night", "none", "", 3), Axis("y", "none", "", 2), Axis("x", "none", "", 1))
    )
    again, _ = coords_from_record(coords_to_record(named, (), (2, 3, 4)), (2, 3, 4))
    assert (again.kinds, again.dims) == (named.kinds, named.dims)


def test_no_coordinates() -> None:
    record = coords_to_record(None, (), (4, 5))
    assert record["linear0"]["axes"] == ["linear1", "linear2"]
    assert record["linear0"]["units"] == ["", ""]
    coords, cards = coords_from_record(record, (4, 5))
    assert coords.kinds == ("none", "none")
    assert coords.dims == ("y", "x")
    assert cards == ()
    # the pixels count from 1, as they do without a record
    bare = CoordinateSystem.from_kinds(("none", "none"))
    np.testing.assert_array_equal(coords.to_world(1, 2), bare.to_world(1, 2))
