"""Images changed in place, here and by other processes."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import lattice
from lattice.errors import LatticeError, LatticeTypeError, NameNotFoundError, ShapeMismatchError, StorageError
from lattice.io.base import LogLine
from lattice.io.casa.image import CasaFormat
from lattice.io.casa.locks import TableLock, read_sync

FULL = (slice(0, 9, 1), slice(0, 7, 1))


@pytest.fixture
def path(tmp_path: Path) -> str:
    """Return a small image with two masks in tiles of odd shape."""
    values = np.arange(63, dtype="f4").reshape(9, 7)
    image = lattice.Image(values, mask=values > 3, masks={"other": values > 10}, unit="Jy/beam")
    name = str(tmp_path / "a.image")
    image.save(name, tile=(4, 3))
    return name


def run(code: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_sections_are_written_with_and_without_steps(path: str) -> None:
    expected = lattice.open(path, mask=None).values.copy()
    good = lattice.open(path).masks["mask0"].values.copy()
    with CasaFormat().update(path) as u:
        assert (u.shape, u.dtype) == ((9, 7), np.float32)
        for section in [(slice(1, 8, 1), slice(2, 5, 1)), (slice(0, 9, 3), slice(1, 7, 2))]:
            shape = expected[section].shape
            u.write(section, np.full(shape, 7), np.zeros(shape, bool))
            expected[section], good[section] = 7, False
        np.testing.assert_array_equal(u.reader.read(FULL), expected)
        np.testing.assert_array_equal(u.mask_reader("mask0").read(FULL), good)
    image = lattice.open(path)
    np.testing.assert_array_equal(lattice.open(path, mask=None).values, expected)
    np.testing.assert_array_equal(image.masks["mask0"].values, good)


def test_masks_are_added_renamed_and_dropped(path: str) -> None:
    form = CasaFormat()
    with form.update(path) as u:
        u.add_mask("third")
        u.write(FULL, mask=np.eye(9, 7, dtype=bool), name="third")
        u.rename_mask("mask0", "first")
        u.drop_mask("other")
        assert u.masks == ("first", "third")
    image = lattice.open(path)
    assert list(image.masks) == ["first", "third"]
    assert image.default_mask == "third"
    np.testing.assert_array_equal(image.masks["third"].values, np.eye(9, 7, dtype=bool))
    np.testing.assert_array_equal(image.masks["first"].values, np.arange(63).reshape(9, 7) > 3)
    assert {n for n in os.listdir(path) if os.path.isdir(os.path.join(path, n))} == {
        "first",
        "third",
        "logtable",
    }
    with form.update(path) as u:
        u.set(default_mask="first")
        u.drop_mask("third")
    assert lattice.open(path).default_mask == "first"
    with form.update(path) as u:
        u.set(default_mask=None)
    assert lattice.open(path).default_mask is None


def test_history_grows_and_groups_are_replaced(path: str) -> None:
    before = len(lattice.open(path).history)
    column = {"values": np.array([1.5, 2.5]), "unit": ["Jy"], "measinfo": ["epoch", "UTC"]}
    with CasaFormat().update(path) as u:
        u.set(history=["one", LogLine("two", 4e9, "WARN", "here")], unit="K", groups={"G": {"flux": column}})
    with CasaFormat().update(path) as u:
        u.set(history="three")
    image = lattice.open(path)
    assert image.unit == "K"
    assert list(image.history[before:]) == ["one", "two", "three"]
    line = image.history[before + 1]
    assert isinstance(line, LogLine)
    assert (line.time, line.priority, line.origin) == (4e9, "WARN", "here")
    assert list(image.groups["G"]["flux"]["unit"].array) == ["Jy"]
    texts = {"values": {"0": np.array(["a", "bc"]), "2": np.array(["d"])}}
    with CasaFormat().update(path) as u:
        u.set(groups={"G": {"flux": {"values": np.zeros(3)}, "texts": texts}, "H": {}})
    groups = lattice.open(path).groups
    assert list(groups) == ["G", "H"]
    assert list(groups["G"]["texts"]["values"]["0"].array) == ["a", "bc"]
    assert len(groups["G"]["flux"]["values"].array) == 3
    with CasaFormat().update(path) as u:
        u.set(groups={})
    assert not lattice.open(path).groups
    assert not os.path.exists(os.path.join(path, "G"))


def test_what_cannot_be_written_is_refused(path: str) -> None:
    with CasaFormat().update(path) as u:
        with pytest.raises(ShapeMismatchError, match="section"):
            u.write(FULL, np.zeros((2, 2)))
        with pytest.raises(LatticeTypeError, match="complex"):
            u.write(FULL, np.zeros((9, 7), complex))
        with pytest.raises(NameNotFoundError, match="mask1"):
            u.write(FULL, mask=np.ones((9, 7), bool), name="mask1")
        with pytest.raises(LatticeError, match="already"):
            u.add_mask("other")
        with pytest.raises(LatticeTypeError, match="pixels"):
            u.set(pixels=3)
    with pytest.raises(LatticeError, match="closed"):
        u.write(FULL, np.zeros((9, 7)))


def test_counters_tell_others_what_changed(path: str) -> None:
    start = read_sync(os.path.join(path, "table.lock"))
    with CasaFormat().update(path) as u:
        u.write(FULL, np.zeros((9, 7)))
    pixels = read_sync(os.path.join(path, "table.lock"))
    with CasaFormat().update(path) as u:
        u.set(unit="K")
    words = read_sync(os.path.join(path, "table.lock"))
    assert start is not None and pixels is not None and words is not None  # noqa: PT018
    assert pixels.modified == start.modified + 1
    assert pixels.data_changed == [n + 1 for n in start.data_changed]
    assert pixels.table_changed == start.table_changed
    assert words.table_changed == start.table_changed + 1
    assert words.data_changed == pixels.data_changed


def test_an_image_that_changes_is_another_image(path: str) -> None:
    old = lattice.open(path)
    with CasaFormat().update(path) as u:
        u.write(FULL, np.ones((9, 7)))
    new = lattice.open(path)
    assert old.node.reader.token != new.node.reader.token
    np.testing.assert_array_equal(new.filled(0) == 1, np.arange(63).reshape(9, 7) > 3)


def test_a_locked_image_is_named_with_its_holder(path: str) -> None:
    code = """
import sys
from lattice.io.casa.locks import TableLock
lock = TableLock(sys.argv[1], write=True)
print(lock.acquire(True, 0), flush=True)
sys.stdin.readline()
"""
    child = subprocess.Popen(
        [sys.executable, "-c", code, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "True\n"
    with pytest.raises(StorageError, match=f"the process {child.pid} "):
        CasaFormat().update(path, timeout=0.2)
    with TableLock(path) as lock:
        assert lock.used_elsewhere()
        assert not lock.acquire(False, 0)
    child.communicate("\n")
    with CasaFormat().update(path, timeout=0.2) as u:
        u.set(unit="K")


def test_a_lock_of_the_caller_stays_held(path: str) -> None:
    with TableLock(path, write=True) as lock:
        lock.need(False)
        with CasaFormat().update(path, lock=lock) as u:
            u.set(unit="K")
        assert lock.held == "write"
        with pytest.raises(StorageError, match="this process"):
            CasaFormat().update(path, timeout=0)
        lock.release()
        with CasaFormat().update(path, timeout=0) as u:
            u.set(unit="Jy")
    assert lattice.open(path).unit == "Jy"


ADD = """
import sys
import numpy as np
from lattice.io.casa.image import CasaFormat
for _ in range(int(sys.argv[2])):
    with CasaFormat().update(sys.argv[1]) as u:
        section = (slice(2, 6, 1), slice(1, 5, 1))
        u.write(section, u.reader.read(section) + 1)
        u.set(history="added")
"""


def test_processes_that_add_lose_nothing(path: str) -> None:
    before = lattice.open(path, mask=None).values.copy()
    lines = len(lattice.open(path).history)
    jobs = [subprocess.Popen([sys.executable, "-c", ADD, path, "15"]) for _ in range(3)]
    assert [job.wait(120) for job in jobs] == [0, 0, 0]
    before[2:6, 1:5] += 45
    np.testing.assert_array_equal(lattice.open(path, mask=None).values, before)
    assert len(lattice.open(path).history) == lines + 45


CASACORE_ADD = """
import sys
import numpy as np
import casacore.images as ci
image = ci.image(sys.argv[1])
for _ in range(int(sys.argv[2])):
    image.lock(True, 200)
    image.putdata(image.getdata([2, 1], [5, 4]) + 1, [2, 1])
    image.unlock()
"""


@pytest.mark.oracle
def test_casacore_and_lattice_add_and_lose_nothing(path: str) -> None:
    pytest.importorskip("casacore.images")
    before = lattice.open(path, mask=None).values.copy()
    jobs = [subprocess.Popen([sys.executable, "-c", code, path, "25"]) for code in (ADD, CASACORE_ADD, ADD)]
    assert [job.wait(200) for job in jobs] == [0, 0, 0]
    before[2:6, 1:5] += 75
    np.testing.assert_array_equal(lattice.open(path, mask=None).values, before)


CASACORE_SHOW = """
import sys
import numpy as np
import casacore.images as ci
image = ci.image(sys.argv[1])
print(image.unit(), image.history()[-1].split()[-1], image.attrgroupnames(), float(image.getdata().sum()))
print(int(image.getmask().sum()))
"""


@pytest.mark.oracle
def test_casacore_sees_what_was_changed(path: str) -> None:
    pytest.importorskip("casacore.images")
    with CasaFormat().update(path) as u:
        u.rename_mask("other", "another")
        u.add_mask("fresh")
        u.write((slice(0, 2, 1), slice(0, 7, 1)), np.zeros((2, 7)), np.zeros((2, 7), bool))
        u.set(unit="K", history="changed", groups={"G": {"n": {"values": np.array([1, 2])}}})
    assert run(CASACORE_SHOW, path).split() == [
        "K",
        "changed",
        "['G']",
        str(float(np.arange(63)[14:].sum())),
        "14",  # bad ones
    ]


def test_an_image_in_the_place_of_one_that_was_changed_is_written_to(path: str, tmp_path: Path) -> None:
    with CasaFormat().update(path) as u:
        u.write(FULL, np.full((9, 7), 5.0))
    shutil.rmtree(path)
    subprocess.run([sys.executable, "-c", REPLACED, path], check=True, timeout=120)
    with CasaFormat().update(path) as u:
        np.testing.assert_array_equal(u.reader.read(FULL), np.full((9, 7), 2.0))
        u.write((slice(0, 1, 1), slice(0, 7, 1)), np.full((1, 7), 3.0))
    assert lattice.open(path).values.sum() == 3 * 7 + 2 * 56


REPLACED = """
import sys, numpy as np, lattice
lattice.Image(np.full((9, 7), 2.0, "f4")).save(sys.argv[1], tile=(4, 3))
"""


def test_what_is_gone_is_not_written_to(path: str) -> None:
    with contextlib.suppress(LatticeError), CasaFormat().update(path) as u:  # there is nothing to finish
        u.write(FULL, np.full((9, 7), 5.0))
        shutil.rmtree(path)
        with pytest.raises(StorageError, match="it is gone"):
            u.write(FULL, np.full((9, 7), 6.0))
