"""Zarr images in the schema of xradio, read without xradio; and those that xradio itself writes."""

from __future__ import annotations

import json
import shutil
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

import lattice
from lattice import Image
from lattice.errors import FormatError
from lattice.graph.sections import Section
from lattice.io.memory import ArrayReader
from lattice.io.registry import open_stored
from lattice.io.turned import TurnedReader
from lattice.testing.reading import sections_of
from tests.coords.headers import CUBE

zarr = pytest.importorskip("zarr")
pytest.importorskip("xarray")

SHAPE = (3, 2, 6, 7)
META = {"OBJECT": "M31", "TELESCOP": "VLA", "OBSERVER": "me"}
HEADER = CUBE | {"DATE-OBS": "2020-01-01T00:00:00.0"}


def cube(**more: Any) -> Image:
    values = np.random.default_rng(1).normal(size=SHAPE).astype("f4")
    beams = [(0.05 + 0.001 * k, 0.03, 20.0) for k in range(6)]
    given = {"unit": "Jy/beam", "meta": META, "beam": beams, "mask": values > -1} | more
    return Image(values, wcs=HEADER, **given)


def write(image: Image, path: Path, version: int = 3, **more: Any) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # zarr has its doubts about texts and consolidated metadata
        data = image.to_xradio()
        if more.get("times"):
            import xarray

            every = [data.assign_coords(time=data.time + k) for k in range(more["times"])]
            data = xarray.concat(every, "time", data_vars="minimal")
            data["SKY"] = (data.SKY * (1 + (data.time - data.time[0]))).astype("f4")
        data.to_zarr(path, zarr_format=version)
    return str(path)


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("beam", ["planes", "one", "none"])
def test_images_are_what_they_were(version: int, beam: str, tmp_path: Path) -> None:
    given = {"planes": {}, "one": {"beam": (0.05, 0.03, 20.0)}, "none": {"beam": None}}[beam]
    image = cube(**given)
    found = lattice.open(write(image, tmp_path / "a.zarr", version))
    assert found.dims == ("frequency", "stokes", "y", "x")
    assert found.unit == "Jy/beam"
    assert {k: found.meta[k] for k in META} == META
    assert found.coords.compare(image.coords, 1e-6, SHAPE) is None
    np.testing.assert_allclose(found.coords.frequencies(3), image.coords.frequencies(3), rtol=1e-14)
    assert found.coords.rest_frequency == image.coords.rest_frequency
    np.testing.assert_allclose(np.array(found.beams), np.array(image.beams))
    np.testing.assert_array_equal(found.to_masked_array().mask, image.to_masked_array().mask)
    np.testing.assert_array_equal(found.to_masked_array(), image.to_masked_array())
    found.save(tmp_path / "b.fits", mask="extension", strict=True)


def test_sections(tmp_path: Path) -> None:
    image = cube()
    stored = open_stored(write(image, tmp_path / "a.zarr"))
    expected = image.to_masked_array()

    @settings(max_examples=60, deadline=None)
    @given(section=sections_of(SHAPE))
    def check(section: Section) -> None:
        good = stored.masks["mask0"].read(section)
        np.testing.assert_array_equal(good, ~expected.mask[section])
        np.testing.assert_array_equal(stored.reader.read(section)[good], expected.data[section][good])

    check()
    assert stored.default_mask == "mask0"
    assert not stored.nan_masked


def test_without_flags_nan_is_bad(tmp_path: Path) -> None:
    values = np.ones(SHAPE, "f4")
    values[0, 0, 0, 0] = np.nan
    path = write(Image(values, wcs=HEADER), tmp_path / "a.zarr")
    if (tmp_path / "a.zarr" / "FLAG_SKY").exists():
        shutil.rmtree(tmp_path / "a.zarr" / "FLAG_SKY")
        _edit(tmp_path / "a.zarr", lambda a: a["data_groups"]["base"].pop("flag"))
    stored = open_stored(path)
    assert stored.nan_masked
    assert not stored.masks


def _edit(path: Path, change: Any) -> None:
    document = json.loads((path / "zarr.json").read_text())
    change(document["attributes"])
    (path / "zarr.json").write_text(json.dumps(document))


def test_one_of_several_times(tmp_path: Path) -> None:
    image = cube(mask=None)
    path = write(image, tmp_path / "a.zarr", times=3)
    with pytest.raises(FormatError, match=r"holds 3 times(?s:.)*time=0"):
        lattice.open(path)
    np.testing.assert_array_equal(lattice.open(path, time=1).filled(), image.filled() * 2)
    np.testing.assert_array_equal(lattice.open(path, time=-1).filled(), image.filled() * 3)
    with pytest.raises(FormatError, match="no time 3, it has 3"):
        lattice.open(path, time=3)
    image.save(tmp_path / "own.zarr")
    assert lattice.open(tmp_path / "own.zarr").shape == SHAPE


def test_other_arrays_of_the_group(tmp_path: Path) -> None:
    path = write(cube(), tmp_path / "a.zarr")
    assert lattice.open(path, part="FLAG_SKY").shape == SHAPE
    assert lattice.open(f"{path}[right_ascension]").shape == (7, 6)
    with pytest.raises(FormatError, match="no time 0"):
        lattice.open(path, part="right_ascension", time=0)


@pytest.mark.parametrize("kind", ["<U2", "vlen"])
@pytest.mark.parametrize("version", [2, 3])
def test_texts_in_every_form(kind: str, version: int, tmp_path: Path) -> None:
    image = cube()
    path = write(image, tmp_path / "a.zarr", version)
    shutil.rmtree(tmp_path / "a.zarr" / "polarization")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        array = zarr.create_array(
            path + "/polarization", shape=(2,), chunks=(1,), dtype=str if kind == "vlen" else kind,
            zarr_format=version, dimension_names=["polarization"] if version == 3 else None,
        )  # fmt: skip
        array[:] = np.array(["I", "Q"])
    assert list(lattice.open(path).coords.stokes(2)) == ["I", "Q"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda a: a.pop("coordinate_system_info"), "damaged"),
        (lambda a: a["coordinate_system_info"].pop("projection"), "damaged"),
        (lambda a: a["coordinate_system_info"].update(projection_parameters=7), "damaged"),
        (lambda a: a["data_groups"]["base"].update(flag="SKY"), "flags 'SKY'"),
        (lambda a: a["data_groups"]["base"].update(flag="nothing"), "holds no Zarr metadata"),
    ],
)
def test_damaged_metadata_are_errors(change: Any, words: str, tmp_path: Path) -> None:
    path = write(cube(), tmp_path / "a.zarr")
    _edit(tmp_path / "a.zarr", change)
    _edit(tmp_path / "a.zarr" / "SKY", lambda a: a.pop("flag", None))
    with pytest.raises(FormatError, match=words):
        lattice.open(path)


def test_damaged_texts_are_errors(tmp_path: Path) -> None:
    path = write(cube(), tmp_path / "a.zarr")
    chunk = next(p for p in (tmp_path / "a.zarr" / "polarization").rglob("*") if p.name == "0")
    chunk.write_bytes(chunk.read_bytes()[:5])
    with pytest.raises(FormatError):
        lattice.open(path)


def test_a_turned_reader() -> None:
    values = np.random.default_rng(1).normal(size=(2, 3, 4, 5)).astype("f4")
    reader = TurnedReader(ArrayReader(values), (3, 1, 2), {0: 1})
    expected = values[1].transpose(2, 0, 1)
    assert reader.shape == (5, 3, 4)
    section = (slice(1, 5, 2), slice(0, 3, 1), slice(3, 4, 1))
    np.testing.assert_array_equal(reader.read(section), expected[section])
    out = np.empty((2, 3, 1), "f4")
    assert reader.read(section, out) is out
    np.testing.assert_array_equal(out, expected[section])
    assert reader.bytes_read(section) == 24
    other = TurnedReader(ArrayReader(values), (3, 1, 2), {0: 0})
    assert other.token != reader.token


def test_what_xradio_writes(tmp_path: Path) -> None:
    xradio = pytest.importorskip("xradio.image")
    image = cube()
    xradio.write_image(image.to_xradio(), str(tmp_path / "a.img.zarr"), out_format="zarr")
    image.save(tmp_path / "a.fits")
    xradio.write_image(
        xradio.open_image(str(tmp_path / "a.fits")), str(tmp_path / "b.img.zarr"), out_format="zarr"
    )
    for name in ("a.img.zarr", "b.img.zarr"):
        found = lattice.open(tmp_path / name)
        assert found.coords.compare(image.coords, 1e-6, SHAPE) is None
        np.testing.assert_array_equal(found.to_masked_array(), image.to_masked_array())
        np.testing.assert_allclose(np.array(found.beams), np.array(image.beams), rtol=1e-6)
