"""Two processes on one CASA image: one edits it by section, one reads; and edits that are killed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from lattice.compat.casa import image

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs the locks and signals of POSIX")

SIDE, PARTS, CHANNELS = 48, 4, 3  # sections that begin and end inside of tiles

EDIT = """
import random, sys
import numpy as np
from lattice.compat.casa import image

name, rounds, side, parts, channels = sys.argv[1], *map(int, sys.argv[2:])
ia = image()
ia.open(name)
ia.dohistory(False)
print("ready", flush=True)
sys.stdin.readline()
pick = random.Random(5)
for k in range(1, rounds + 1):
    x, y = pick.randrange(parts) * side, pick.randrange(parts) * side
    ia.putchunk(np.full((side, side, channels), float(k)), blc=[x, y, 0])
print("done", flush=True)
"""


def made(folder: Path) -> Path:
    path = folder / "a.im"
    ia = image()
    ia.fromarray(str(path), np.zeros((SIDE * PARTS, SIDE * PARTS, CHANNELS)))
    ia.done()
    return path


@pytest.mark.parametrize("rounds", [40, pytest.param(1000, marks=pytest.mark.slow)])
def test_a_reader_sees_old_or_new_sections(tmp_path: Path, rounds: int) -> None:
    path = made(tmp_path)
    words = [sys.executable, "-c", EDIT, str(path), *map(str, (rounds, SIDE, PARTS, CHANNELS))]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as editor:
        assert editor.stdin is not None
        assert editor.stdout is not None
        assert editor.stdout.readline() == "ready\n"
        ia = image()
        ia.open(str(path))
        virtual = image().imagecalc(pixels=f"'{path}' * 2 + 1")
        editor.stdin.write("go\n")
        editor.stdin.flush()
        newest = np.zeros((PARTS, PARTS))
        pick = np.random.default_rng(6)
        reads = 0
        while editor.poll() is None or reads < rounds:
            i, j = pick.integers(PARTS, size=2)
            blc = [int(i) * SIDE, int(j) * SIDE, 0]
            trc = [blc[0] + SIDE - 1, blc[1] + SIDE - 1, CHANNELS - 1]
            if reads % 3 == 0:
                found = (virtual.getchunk(blc, trc) - 1) / 2
            elif reads % 3 == 1:
                found = ia.getchunk(blc, trc)
            else:
                whole = ia.statistics(region=f"box[[{blc[0]}pix, {blc[1]}pix], [{trc[0]}pix, {trc[1]}pix]]")
                found = np.array([whole["min"][0], whole["max"][0]])
            assert found.min() == found.max(), f"a section half old, half new: {np.unique(found)}"
            value = float(found.flat[0])
            assert value == round(value)
            assert newest[i, j] <= value <= rounds, "a section went back, or was never written"
            newest[i, j] = value
            reads += 1
        assert editor.stdout.readline() == "done\n"
    assert newest.max() <= rounds
    assert image().newimage(str(path)).getchunk().max() == rounds
    assert reads >= rounds


KILLED = """
import os, random, signal, sys, time
import numpy as np
from lattice.compat.casa import image

name, rounds, side, parts, channels = sys.argv[1], *map(int, sys.argv[2:])
pick = random.Random(7)
image().newimage(name).getchunk([0, 0, 0], [1, 1, 1])  # all is imported before it forks
for k in range(1, rounds + 1):
    ready, tell = os.pipe()
    child = os.fork()
    if not child:
        ia = image()
        ia.open(name)
        os.write(tell, b"x")
        while True:
            x, y = pick.randrange(parts) * side, pick.randrange(parts) * side
            ia.putchunk(np.full((side, side, channels), float(k)), blc=[x, y, 0])
            ia.setmiscinfo({"round": k})
            ia.setbrightnessunit("Jy/beam" if k % 2 else "K")
            if k % 3 == 0:
                ia.calcmask(f"'{name}' < {k}", name="m")
                ia.maskhandler("delete", "m")
    os.close(tell)
    os.read(ready, 1)
    os.close(ready)
    time.sleep(pick.random() * 0.1)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), "the editor ended by itself"
    print(k, flush=True)
    sys.stdin.readline()
"""


@pytest.mark.parametrize("rounds", [12, pytest.param(200, marks=pytest.mark.slow)])
def test_an_edit_that_is_killed_leaves_a_readable_image(tmp_path: Path, rounds: int) -> None:
    path = made(tmp_path)
    words = [sys.executable, "-c", KILLED, str(path), *map(str, (rounds, SIDE, PARTS, CHANNELS))]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as killer:
        assert killer.stdin is not None
        assert killer.stdout is not None
        for k in range(1, rounds + 1):
            assert killer.stdout.readline() == f"{k}\n"
            check(path, k)
            killer.stdin.write("go\n")
            killer.stdin.flush()
        killer.stdin.close()
        assert killer.wait() == 0
    last = image()
    last.open(str(path))
    last.set(pixels=-1.0)
    assert (last.getchunk() == -1).all()


def check(path: Path, k: int) -> None:
    """Read all that is in an image whose editor was killed in round `k`."""
    ia = image()
    ia.open(str(path))
    values = ia.getchunk()
    assert values.shape == (SIDE * PARTS, SIDE * PARTS, CHANNELS)
    np.testing.assert_array_equal(values, np.round(values))
    assert values.min() >= 0
    assert values.max() <= k
    assert ia.getchunk(getmask=True).dtype == bool
    assert ia.brightnessunit() in ("", "Jy/beam", "K")
    assert ia.miscinfo().get("round", 0) <= k
    assert ia.history(False)
    assert ia.coordsys().names()[0] == "Right Ascension"
    ia.done()
