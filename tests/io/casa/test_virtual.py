"""Concatenations and stored expressions: opened, computed, saved, moved."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import lattice
from lattice.errors import FormatError, LatticeError, OutputExistsError


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with two images, the working directory."""
    monkeypatch.chdir(tmp_path)
    values = np.arange(24, dtype="f4").reshape(2, 3, 4)
    lattice.Image(values, mask=values > 2).save("a.image")
    lattice.Image(values * 10).save("b.image")
    return tmp_path


def document(path: str, name: str, **content: object) -> None:
    os.makedirs(path)
    Path(path, name).write_text(json.dumps({"Version": 1, "DataType": "float", **content}))


def expected() -> np.ndarray:
    values = np.arange(24, dtype="f4").reshape(2, 3, 4)
    return np.concatenate([np.where(values > 2, values, np.nan), values * 10], axis=1)


def test_a_concatenation_opens_and_computes(folder: Path) -> None:
    document("v.image", "imageconcat.json", Axis=1, Images=["./a.image", "./b.image"], MiscInfo={"x": 3})
    image = lattice.open("v.image")
    np.testing.assert_array_equal(image.filled(np.nan), expected())
    assert image.meta["x"] == 3
    assert not lattice.open("v.image", mask=None).masked
    np.testing.assert_array_equal(lattice.expr("'v.image' * 2").filled(np.nan), expected() * 2)


def test_a_stored_expression_opens_from_here_and_from_elsewhere(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    document("e.image", "imageexpr.json", ImageExpr="'a.image' * 2 + 1")
    want = expected()[:, :3] * 2 + 1
    np.testing.assert_array_equal(lattice.open("e.image").filled(np.nan), want)
    monkeypatch.chdir("/")
    np.testing.assert_array_equal(lattice.open(str(folder / "e.image")).filled(np.nan), want)


def test_a_concatenation_of_a_concatenation_and_an_expression(folder: Path) -> None:
    document("v.image", "imageconcat.json", Axis=1, Images=["./a.image", "./b.image"])
    document("e.image", "imageexpr.json", ImageExpr="'v.image' + 0")
    document("w.image", "imageconcat.json", Axis=2, Images=["./e.image", "./v.image"])
    both = np.concatenate([expected(), expected()], axis=0)
    np.testing.assert_array_equal(lattice.open("w.image").filled(np.nan), both)


def test_saved_by_reference_and_moved(folder: Path) -> None:
    joined = lattice.concat([lattice.open("a.image"), lattice.open("b.image")], dim=1)
    again = joined.save("v.image", virtual=True)
    np.testing.assert_array_equal(again.filled(np.nan), expected())
    assert sum(f.stat().st_size for f in Path("v.image").iterdir()) < 2000
    with pytest.raises(OutputExistsError):
        joined.save("v.image", virtual=True)
    joined.save("v.image", virtual=True, overwrite=True)
    os.mkdir("moved")
    for name in ("a.image", "b.image", "v.image"):
        shutil.move(name, f"moved/{name}")
    np.testing.assert_array_equal(lattice.open("moved/v.image").filled(np.nan), expected())


def test_parts_of_one_tile_are_saved_by_reference(folder: Path) -> None:
    """They are read as plain files."""
    for k in range(2):
        lattice.Image(np.full((3, 4), k, np.float32)).save(f"{k}.image", tile=(3, 4))
    lattice.concat([lattice.open("0.image"), lattice.open("1.image")], dim=0).save("v.image", virtual=True)
    assert lattice.open("v.image").values.sum(axis=1).tolist() == [0, 0, 0, 4, 4, 4]
    assert not list(Path("v.image").glob("table.f*"))


def test_only_joined_images_are_saved_by_reference(folder: Path) -> None:
    a, b = lattice.open("a.image"), lattice.open("b.image")
    for image in [a + b, a, lattice.concat([a + 1, b], dim=1), lattice.concat([a.with_mask(None), b], dim=1)]:
        with pytest.raises(LatticeError, match="virtual"):
            image.save("v.image", virtual=True)
    with pytest.raises(LatticeError, match="virtual"):
        lattice.concat([a, b], dim=1).save("v.fits", virtual=True)
    joined = lattice.concat([a, b], dim=1)
    with pytest.raises(LatticeError, match="made of it"):
        joined.save("a.image", virtual=True, overwrite=True)
    assert sorted(os.listdir()) == ["a.image", "b.image"]


@pytest.mark.parametrize(
    "content",
    [
        {"Axis": 1, "Images": []},
        {"Axis": 1},
        {"Axis": "1", "Images": ["./a.image"]},
        {"Axis": 9, "Images": ["./a.image"]},
        {"Axis": 1, "Images": ["./v.image", "./a.image"]},
        {"Axis": 1, "Images": [3]},
        {"Axis": 1, "Images": ["./a.image"], "Version": 2},
    ],
)
def test_damaged_documents_are_refused(folder: Path, content: dict[str, object]) -> None:
    document("v.image", "imageconcat.json", **content)
    with pytest.raises(FormatError):
        lattice.open("v.image")


def test_documents_that_are_no_json_are_refused(folder: Path) -> None:
    os.mkdir("v.image")
    for text in ["", "{", "[" * 100000, '"x"', "\x00"]:
        Path("v.image", "imageexpr.json").write_text(text)
        with pytest.raises(FormatError):
            lattice.open("v.image")


SHOW = """
import sys
import numpy as np
import casacore.images as ci
image = ci.image(sys.argv[1])
print(image.shape(), float(image.getdata().sum()), int(image.getmask().sum()))
"""


@pytest.mark.oracle
def test_casacore_opens_what_is_saved_by_reference(folder: Path) -> None:
    pytest.importorskip("casacore.images")
    lattice.concat([lattice.open("a.image"), lattice.open("b.image")], dim=1).save("v.image", virtual=True)
    done = subprocess.run([sys.executable, "-c", SHOW, "v.image"], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[0] == "[2, 6, 4] 3036.0 3"


@pytest.mark.parametrize("parts", ["copy", "move"])
def test_parts_are_put_inside(folder: Path, parts: str) -> None:
    images = [lattice.open("a.image"), lattice.open("b.image")]
    wanted = lattice.concat(images, dim=1).values
    lattice.concat(images, dim=1).save("v.image", virtual=True, parts=parts)
    assert Path("a.image").exists() == (parts == "copy")
    os.rename("v.image", "w.image")
    shutil.rmtree("a.image", ignore_errors=True)
    np.testing.assert_array_equal(lattice.open("w.image").values, wanted)
    joined = lattice.concat([lattice.open("w.image/a.image"), lattice.open("w.image/b.image")], dim=1)
    with pytest.raises(LatticeError, match="stay, copy or move"):
        joined.save("x.image", virtual=True, parts="lose")
    assert not Path("x.image").exists()
