"""Images in files: several objects on one file, other writers, locks, files that are replaced."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import lattice
from lattice.compat.mutable import Cut
from lattice.compat.stored import InFile
from lattice.errors import ImageNotFoundError, NameNotFoundError
from lattice.image import Image
from lattice.io.casa.locks import TableLock

WHOLE = (slice(0, 4, 1), slice(0, 3, 1))
RAMP = np.arange(12, dtype="f4").reshape(4, 3)


def made(folder: Path, name: str = "a.im", values: np.ndarray = RAMP) -> InFile:
    return InFile.create(str(folder / name), Image(values), overwrite=True, format="casa")


def test_objects_on_one_file_see_each_other(tmp_path: Path) -> None:
    a = made(tmp_path)
    b = InFile(a.path)
    link = tmp_path / "link.im"
    link.symlink_to(a.path)
    c = InFile(str(link))
    for k, one in enumerate((a, b, c)):
        one.write(WHOLE, RAMP + k)
        for other in (a, b, c):
            np.testing.assert_array_equal(other.image().values, RAMP + k)
            np.testing.assert_array_equal(other.read(WHOLE), RAMP + k)


def test_a_new_mask_is_seen_by_all(tmp_path: Path) -> None:
    a, b = made(tmp_path), InFile(str(tmp_path / "a.im"))
    b.image()
    a.write_mask(WHOLE, RAMP > 3)
    assert b.image().masked
    assert b.outline().masked
    np.testing.assert_array_equal(b.read_mask(WHOLE), RAMP > 3)
    np.testing.assert_array_equal(InFile(a.path, "nomask").read_mask(WHOLE), True)
    b.write_mask(WHOLE, RAMP > 5)
    np.testing.assert_array_equal(a.read_mask(WHOLE), RAMP > 5)


def test_a_file_that_is_replaced_is_read_anew(tmp_path: Path) -> None:
    a = made(tmp_path)
    a.write(WHOLE, RAMP + 1)
    made(tmp_path, values=RAMP[:2] * 5)
    np.testing.assert_array_equal(a.image().values, RAMP[:2] * 5)
    Image(RAMP * 3).save(a.path, overwrite=True, format="casa")  # past all of this
    np.testing.assert_array_equal(a.image().values, RAMP * 3)
    a.write(WHOLE, RAMP * 4)
    np.testing.assert_array_equal(lattice.open(a.path).values, RAMP * 4)


def test_changes_can_be_saved_over_their_own_file(tmp_path: Path) -> None:
    a = made(tmp_path)
    a.write(WHOLE, RAMP + 1)
    b = InFile.create(a.path, a.image() * 2, overwrite=True, format="casa")
    np.testing.assert_array_equal(a.image().values, (RAMP + 1) * 2)
    b.write(WHOLE, RAMP)
    np.testing.assert_array_equal(a.read(WHOLE), RAMP)


def test_labels_and_groups_are_written(tmp_path: Path) -> None:
    a = made(tmp_path)
    a.change(unit="Jy/beam", history=("a line",))
    found = lattice.open(a.path)
    assert found.unit == a.image().unit == "Jy/beam"
    assert found.history[-1] == "a line"


def test_large_sections_go_through_the_engine(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=(500, 500)).astype("f4")
    a = made(tmp_path, values=values)
    half = (slice(0, 250, 1), slice(0, 500, 1))
    a.write(half, values[:250] * 2)
    a.write_mask(half, values[:250] > 0)
    values[:250] *= 2
    np.testing.assert_array_equal(a.image().values, values)
    np.testing.assert_array_equal(a.read((slice(0, 500, 1), slice(0, 500, 1))), values)
    assert a.read_mask((slice(0, 500, 1), slice(0, 500, 1)))[250:].all()


def test_errors(tmp_path: Path) -> None:
    with pytest.raises(ImageNotFoundError):
        InFile(str(tmp_path / "nothing.im"))
    a = made(tmp_path)
    with pytest.raises(NameNotFoundError):
        InFile(a.path, "nothing")


def test_parts_of_files(tmp_path: Path) -> None:
    from astropy.io import fits

    path = tmp_path / "m.fits"
    fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(RAMP, name="SCI"), fits.ImageHDU(RAMP + 1)]).writeto(path)
    np.testing.assert_array_equal(InFile(f"{path}[2]").image().values, RAMP + 1)
    np.testing.assert_array_equal(InFile(f"{path}[SCI]").image().values, RAMP)


# -- locks -----------------------------------------------------------------------------------------


def test_lock_follows_use(tmp_path: Path) -> None:
    a = made(tmp_path)
    assert a.file.held == "read"
    a.write(WHOLE, RAMP)
    assert a.file.held == "write"
    a.file.give()
    assert a.file.held == ""
    np.testing.assert_array_equal(a.image().values, RAMP)
    a.file.take(False, 1)
    assert a.file.held == "read"
    Cut(a, WHOLE).write(WHOLE, RAMP)
    assert a.file.held == "write"


def test_lock_ends_with_the_last_object(tmp_path: Path) -> None:
    a = made(tmp_path)
    b = InFile(a.path)
    a.write(WHOLE, RAMP + 1)
    del a
    gc.collect()
    assert b.file.held == "write"
    path = b.path
    del b
    gc.collect()
    other = TableLock(path, write=True)
    assert other.acquire(True, 0)
    other.close()


OTHER = """
import sys, numpy as np
from lattice.compat.stored import InFile
a = InFile(sys.argv[1])
whole = tuple(slice(0, n, 1) for n in a.image().shape)
"""


def other_process(script: str, path: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", OTHER + script, path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=os.getcwd(),
        env=os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
    )


def test_an_idle_image_lets_others_write(tmp_path: Path) -> None:
    a = made(tmp_path)
    a.write(WHOLE, RAMP + 1)
    assert a.file.held == "write"
    done = other_process("a.write(whole, a.read(whole) * 2)", a.path)
    assert done.wait(240) == 0
    np.testing.assert_array_equal(a.image().values, (RAMP + 1) * 2)
    np.testing.assert_array_equal(a.read(WHOLE), (RAMP + 1) * 2)


def test_a_lock_that_was_asked_for_is_kept(tmp_path: Path) -> None:
    a = made(tmp_path)
    a.file.take(True, 1)
    other = other_process("a.file.take(True, 240); a.write(whole, a.read(whole) * 2); print('done')", a.path)
    while not a.file._lock.wanted():
        assert other.poll() is None
        time.sleep(0.05)
    a.write(WHOLE, RAMP + 5)
    assert a.file.yield_to_others()
    assert a.file.held == "write"
    a.file.give()
    assert other.communicate(timeout=240)[0].strip() == "done"
    np.testing.assert_array_equal(a.image().values, (RAMP + 5) * 2)


def test_nothing_is_lost_between_processes(tmp_path: Path) -> None:
    a = made(tmp_path, values=np.zeros((4, 3), "f4"))
    script = (
        "for i in range(30):\n"
        "    a.file.take(True, 240)\n    a.write(whole, a.read(whole) + 1)\n    a.file.give()\n"
    )
    others = [other_process(script, a.path) for _ in range(2)]
    for _ in range(30):
        a.file.take(True, 240)
        a.write(WHOLE, a.read(WHOLE) + 1)
        a.file.give()
    assert [other.wait(240) for other in others] == [0, 0]
    np.testing.assert_array_equal(a.image().values, 90)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_has_locks_of_its_own(tmp_path: Path) -> None:
    a = made(tmp_path)
    a.write(WHOLE, RAMP + 1)
    script = (
        "import os\n"
        "a.write(whole, a.read(whole) + 1)\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    assert a.file.held == ''\n"
        "    assert a.read(whole)[0, 0] == 2\n"
        "    os._exit(0)\n"
        "assert os.waitpid(child, 0)[1] == 0\n"
        "a.write(whole, a.read(whole) + 1)\n"
    )
    assert other_process(script, a.path).wait(240) == 0
    assert a.read(WHOLE)[0, 0] == 3
