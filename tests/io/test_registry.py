"""Formats are found by content, suffix and name."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from lattice.errors import FormatError, ImageNotFoundError
from lattice.graph.sections import full
from lattice.io.base import Format, ImageSpec
from lattice.io.registry import by_name, for_reading, for_writing, formats, open_stored, split_selector


def test_formats_follow_the_protocol():
    assert {"fits", "zarr"} <= {f.name for f in formats()}
    for found in formats():
        assert isinstance(found, Format)
        assert found.description
        assert by_name(found.name.upper()) is found
        for suffix in found.suffixes:
            if "write" in found.can:
                assert for_writing("a" + suffix).name == found.name


def test_content_counts_not_the_suffix(tmp_path):
    path = str(tmp_path / "image.zarr")
    with by_name("fits").create(path, ImageSpec((2, 3), ("y", "x"), np.dtype("f4"))) as out:
        out.writer.write(full((2, 3)), np.ones((2, 3), "f4"), None)
    assert for_reading(path).name == "fits"


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("a.fist", "did you mean '.fit', '.fits'"),
        ("a", "no ending"),
        ("a.tar", "known endings"),
        ("a.zar", "did you mean '.zarr'"),
    ],
)
def test_unknown_suffix(path, message):
    with pytest.raises(FormatError, match=message):
        for_writing(path)


def test_unknown_name():
    with pytest.raises(FormatError, match="did you mean 'fits'"):
        by_name("fist")


def test_selector_in_brackets(tmp_path):
    assert split_selector("m.fits[SCI,1]") == ("m.fits", "SCI,1")
    assert split_selector("a[1]/m.fits") == ("a[1]/m.fits", None)
    path = str(tmp_path / "odd[1]")
    with by_name("fits").create(path, ImageSpec((2, 3), ("y", "x"), np.dtype("f4"))):
        pass
    assert split_selector(path) == (path, None)
    assert open_stored(path).reader.shape == (2, 3)
    assert open_stored(path + "[0]").reader.shape == (2, 3)


@pytest.mark.parametrize("name", ["", "no\0where", "x" * 5000, "none/there.fits"])
def test_names_at_which_nothing_can_be(tmp_path, name, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ImageNotFoundError):
        open_stored(name)


def test_dangling_link(tmp_path):
    (tmp_path / "l.fits").symlink_to(tmp_path / "gone.fits")
    with pytest.raises(FormatError, match="link"):
        open_stored(str(tmp_path / "l.fits"))


def test_opening_imports_nothing_heavy(tmp_path):
    path = str(tmp_path / "a.fits")
    with by_name("fits").create(path, ImageSpec((2, 3), ("y", "x"), np.dtype("f4"))):
        pass
    zarr_path = str(tmp_path / "a.zarr")
    with by_name("zarr").create(zarr_path, ImageSpec((2, 3), ("y", "x"), np.dtype("f4"))):
        pass
    code = """
import sys
from lattice.io.registry import open_stored
for path in sys.argv[1:]:
    open_stored(path).reader.read((slice(0, 2, 1), slice(0, 3, 1)))
heavy = ("astropy", "zarr", "numcodecs", "dask", "xarray", "scipy", "gzip", "tempfile")
print([m for m in heavy if m in sys.modules])
"""
    done = subprocess.run(
        [sys.executable, "-c", code, path, zarr_path], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
