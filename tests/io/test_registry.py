"""Formats are found by content, suffix and name."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from lattice.errors import FormatError, ImageNotFoundError
from lattice.graph.sections import full
from lattice.io.base import Format, ImageSpec
from lattice.io.registry import (
    by_name,
    for_reading,
    for_writing,
    formats,
    open_stored,
    selector_of,
    split_selector,
)


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


# -- formats of other packages --------------------------------------------------------------------

_PLUGIN = """
import numpy as np
from lattice.io.memory import ArrayReader, ArrayWriter
from lattice.io.base import Output, Stored


class Written(Output):
    def __init__(self, path, spec):
        super().__init__()
        self.path = path
        self.values = np.zeros(spec.shape, spec.dtype)
        self.writer, self.mask_writers = ArrayWriter(self.values), {}

    def _commit(self):
        with open(self.path, "wb") as f:
            f.write(b"FAKE" + bytes([self.values.shape[0]]) + self.values.astype("f4").tobytes())

    def _abort(self):
        pass


class Fake:
    name, suffixes, description = "fake", (".fake",), "a format of another package"
    selector = "layer"
    can = frozenset({"read", "write", "float"})

    def sniff(self, path):
        with open(path, "rb") as f:
            return f.read(4) == b"FAKE"

    def open(self, path, *, layer="0", **selectors):
        with open(path, "rb") as f:
            data = f.read()
        values = np.frombuffer(data[5:], "f4").reshape(data[4], -1) + float(layer)
        return Stored(ArrayReader(values), ("y", "x"), source=path, format="fake")

    def create(self, path, spec, *, overwrite=False, sync=False, **options):
        return Written(path, spec)


class Rude(Fake):
    name, suffixes = "rude", (".rude",)

    def sniff(self, path):
        raise KeyError("not mine")
"""
_POINTS = "[lattice.formats]\nbroken = nowhere:Format\nrude = fakeformat:Rude\nfake = fakeformat:Fake\n"


@pytest.fixture
def plugin(tmp_path):
    """A folder to be put on the path of a process, with a distribution that brings formats."""
    folder = tmp_path / "site"
    about = folder / "fakeformat-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: fakeformat\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(_POINTS)
    (folder / "fakeformat.py").write_text(_PLUGIN)
    return folder


def run_with(plugin, code, *args):
    script = f"import sys, warnings; sys.path.insert(0, {str(plugin)!r})\n{code}"
    return subprocess.run([sys.executable, "-c", script, *args], capture_output=True, text=True, check=True)


def test_formats_of_other_packages_are_used_by_content_and_ending(plugin, tmp_path):
    code = """
import numpy as np, lattice, os
folder = sys.argv[1]
with warnings.catch_warnings(record=True) as seen:
    warnings.simplefilter("always")
    assert [f.name for f in lattice.formats()][-2:] == ["rude", "fake"]
    assert any("'broken' could not be loaded" in str(w.message) for w in seen), seen
    a = lattice.Image(np.arange(6, dtype="f4").reshape(2, 3), unit="K")
    a.save(folder + "/a.fake")
    assert any("does not hold the unit 'K'" in str(w.message) for w in seen), seen
    os.rename(folder + "/a.fake", folder + "/without")
    b = lattice.open(folder + "/without")
    assert any("'rude' failed to look at" in str(w.message) for w in seen), seen
print(b.filled().tolist(), lattice.open(folder + "/without[10]").filled()[0, 0])
print(lattice.open(folder + "/without", layer=5).filled()[0, 0])
try:
    a.save(folder + "/b.fake", strict=True)
except lattice.FormatError as error:
    print(error.message)
"""
    lines = run_with(plugin, code, str(tmp_path)).stdout.splitlines()
    assert lines == [
        "[[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]] 10.0",
        "5.0",
        "a fake file does not hold the unit 'K'",
    ]


def test_other_packages_are_not_looked_for_before_they_are_needed(plugin, tmp_path):
    path = str(tmp_path / "a.fits")
    with by_name("fits").create(path, ImageSpec((2, 3), ("y", "x"), np.dtype("f4"))):
        pass
    code = "import lattice; lattice.open(sys.argv[1]); print('fakeformat' in sys.modules)"
    assert run_with(plugin, code, path).stdout.strip() == "False"


def test_the_command_line_knows_formats_of_other_packages(plugin, tmp_path):
    code = "from lattice.cli import main; main(sys.argv[1:])"
    assert "a format of another package" in run_with(plugin, code, "formats").stdout
    fits = str(tmp_path / "a.fits")
    with by_name("fits").create(fits, ImageSpec((2, 3), ("y", "x"), np.dtype("f4"))) as out:
        out.writer.write(full((2, 3)), np.full((2, 3), 7, "f4"), None)
    run_with(plugin, code, "convert", fits, str(tmp_path / "a.fake"))
    run_with(plugin, code, "convert", str(tmp_path / "a.fake[1]"), str(tmp_path / "b.fits"))
    assert open_stored(str(tmp_path / "b.fits")).reader.read(full((2, 3))).tolist() == [[8.0] * 3] * 2


def test_each_selector_goes_to_its_format(tmp_path):
    assert {f.name: selector_of(f) for f in formats() if f.name in ("fits", "zarr")} == {
        "fits": "hdu",
        "zarr": "part",
    }
