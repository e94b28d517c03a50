"""casacore HDF5 images changed in place."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import lattice
from lattice.errors import FormatError, LatticeError, LatticeTypeError, LatticeWarning, StorageError
from lattice.graph.records import Record
from lattice.graph.sections import full

h5py = pytest.importorskip("h5py")

from lattice.io.hdf5 import Hdf5Format  # noqa: E402 - needs h5py

SHAPE = (5, 6, 7)
VALUES = np.random.default_rng(3).normal(size=SHAPE).astype("f4")
GOOD = VALUES > 0
STEPS = (slice(0, 5, 2), slice(1, 6, 1), slice(0, 7, 3))


def made(folder: Path, dtype: str = "f4", **more: object) -> str:
    path = str(folder / "a.h5")
    lattice.Image(VALUES.astype(dtype), unit="K", **more).save(path, tile=(2, 4, 3))
    return path


@pytest.mark.parametrize("dtype", ["f4", "f8", "c8", "c16"])
def test_pixels(dtype: str, tmp_path: Path) -> None:
    path = made(tmp_path, dtype, masks={"one": GOOD, "two": ~GOOD}, mask="one")
    values, one, two = VALUES.astype(dtype), GOOD.copy(), ~GOOD
    with Hdf5Format().update(path) as updater:
        assert updater.masks == ("one", "two")
        new = (np.arange(30).reshape(3, 5, 2)[..., [0, 1, 1]]).astype(dtype) + (1j if dtype[0] == "c" else 0)
        updater.write(STEPS, new)
        updater.write(STEPS, None, new.real > 9)
        updater.write(STEPS, mask=new.real > 3, name="two")
        updater.write((slice(0, 0, 1), slice(0, 6, 1), slice(0, 7, 1)), np.zeros((0, 6, 7), dtype))
    values[STEPS], one[STEPS], two[STEPS] = new, new.real > 9, new.real > 3
    image = lattice.open(path)
    np.testing.assert_array_equal(image.values, values)
    np.testing.assert_array_equal(image.masks["one"].values, one)
    np.testing.assert_array_equal(image.masks["two"].values, two)
    assert image.default_mask == "one"
    assert image.unit == "K"


def test_compressed_chunks_of_others(tmp_path: Path) -> None:
    path = made(tmp_path)
    with h5py.File(path, "r+") as file:
        del file["map"]
        file.create_dataset("map", data=VALUES, chunks=(2, 3, 4), compression="gzip", shuffle=True)
    with Hdf5Format().update(path) as updater:
        updater.write(STEPS, VALUES[STEPS] * 3)
    expected = VALUES.copy()
    expected[STEPS] *= 3
    np.testing.assert_array_equal(lattice.open(path).values, expected)


def test_masks_come_and_go(tmp_path: Path) -> None:
    path = made(tmp_path)
    with Hdf5Format().update(path) as updater:
        updater.add_mask("m")
        updater.add_mask("n", default=False)
        updater.write(full(SHAPE), mask=GOOD)
    image = lattice.open(path)
    assert (image.default_mask, list(image.masks)) == ("m", ["m", "n"])
    np.testing.assert_array_equal(image.masks["m"].values, GOOD)
    assert image.masks["n"].values.all()
    with Hdf5Format().update(path) as updater:
        updater.rename_mask("m", "new")
        updater.rename_mask("n", "n")
        updater.drop_mask("n")
    image = lattice.open(path)
    assert (image.default_mask, list(image.masks)) == ("new", ["new"])
    np.testing.assert_array_equal(image.masks["new"].values, GOOD)
    with Hdf5Format().update(path) as updater:
        updater.set(default_mask=None)
    assert lattice.open(path).default_mask is None
    with Hdf5Format().update(path) as updater:
        updater.drop_mask("new")
    assert not lattice.open(path).masks


def test_masks_that_casacore_removed_or_renamed(tmp_path: Path) -> None:
    """It changes its list only: the arrays stay as they were, under the old names."""
    path = made(tmp_path, masks={"gone": GOOD, "old": ~GOOD}, mask="old")
    with h5py.File(path, "r+") as file:
        del file["maskinfo/masks/gone"]
        file["maskinfo/masks"].move("old", "new")
        del file["maskinfo"].attrs["Image_defaultmask"]
    image = lattice.open(path)
    assert list(image.masks) == ["new"]
    np.testing.assert_array_equal(image.masks["new"].values, ~GOOD)
    with Hdf5Format().update(path) as updater:
        updater.add_mask("gone")
        updater.add_mask("old")
        updater.write(STEPS, None, GOOD[STEPS])
    image = lattice.open(path)
    assert (set(image.masks), image.default_mask) == ({"new", "gone", "old"}, "old")
    assert image.masks["gone"].values.all()
    np.testing.assert_array_equal(image.masks["new"].values, ~GOOD)
    np.testing.assert_array_equal(image.masks["old"].values[STEPS], GOOD[STEPS])
    with Hdf5Format().update(path) as updater:
        updater.drop_mask("old")
        updater.rename_mask("new", "old")
        updater.drop_mask("gone")
    image = lattice.open(path)
    assert list(image.masks) == ["old"]
    np.testing.assert_array_equal(image.masks["old"].values, ~GOOD)


def test_labels(tmp_path: Path) -> None:
    path = made(tmp_path, masks={"m": GOOD}, mask="m")
    other = lattice.Image(
        VALUES,
        wcs={"CTYPE1": "RA---SIN", "CTYPE2": "DEC--SIN", "CDELT1": -0.1, "CDELT2": 0.1, "CTYPE3": "FREQ"},
        beam=(0.2, 0.1, 30.0),
        meta={"OBJECT": "M31", "SEEN": 3},
    )
    group = Record({"a": {"values": np.arange(3.0), "unit": ["Jy"]}})
    with Hdf5Format().update(path) as updater:
        with pytest.warns(LatticeWarning, match="history"):
            updater.set(unit="Jy", beams=other.beams, groups={"g": group}, history=("a line",))
        updater.flush()
        updater.set(coords=other.coords, meta=other.node.attrs.meta)
    image = lattice.open(path)
    assert (image.unit, image.beams, image.meta["OBJECT"], image.meta["SEEN"]) == (
        "Jy",
        other.beams,
        "M31",
        3,
    )
    assert image.coords is not None
    assert other.coords is not None
    assert image.coords.compare(other.coords, shape=SHAPE) is None
    np.testing.assert_array_equal(image.groups["g"]["a"]["values"], [0, 1, 2])
    assert image.default_mask == "m"
    np.testing.assert_array_equal(image.values, VALUES)


def test_files_that_another_program_has_open(tmp_path: Path) -> None:
    path = made(tmp_path)
    script = "import sys, h5py; f = h5py.File(sys.argv[1]); print('open', flush=True); sys.stdin.readline()"
    with subprocess.Popen(
        [sys.executable, "-c", script, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline().strip() == "open"
        with pytest.raises(StorageError, match="another program has it open"):
            Hdf5Format().update(path)
        np.testing.assert_array_equal(lattice.open(path).values, VALUES)
        other.communicate("\n")
    Hdf5Format().update(path).close()


def test_errors(tmp_path: Path) -> None:
    path = made(tmp_path)
    updater = Hdf5Format().update(path)
    for call, kind in (
        (lambda: updater.write(full(SHAPE), VALUES * 1j), LatticeTypeError),
        (lambda: updater.write(full(SHAPE), mask=GOOD), LatticeError),
        (lambda: updater.write(full(SHAPE), mask=GOOD, name="m"), LatticeError),
        (lambda: updater.add_mask("a/b"), FormatError),
        (lambda: updater.drop_mask("m"), LatticeError),
        (lambda: updater.set(colour=1), LatticeTypeError),
        (lambda: updater.set(default_mask="m"), LatticeError),
    ):
        with pytest.raises(kind):
            call()
    updater.add_mask("m")
    for call in (
        lambda: updater.add_mask("m"),
        lambda: updater.rename_mask("m", "m2") or updater.add_mask("m2"),
    ):
        with pytest.raises(LatticeError, match="already"):
            call()
    updater.close()
    updater.close()
    with pytest.raises(LatticeError, match="closed"):
        updater.write(full(SHAPE), VALUES)
    plain = tmp_path / "plain.h5"
    with h5py.File(plain, "w") as file:
        file["x"] = VALUES
    with pytest.raises(FormatError, match="only read"):
        Hdf5Format().update(str(plain))
    with pytest.raises((StorageError, lattice.ImageNotFoundError)):
        Hdf5Format().update(str(tmp_path / "nothing.h5"))
