"""A pipeline of tools and tasks gives the files that CASA gives; chains of tasks are lazy and keep limits."""

from __future__ import annotations

import base64
import gzip
import json
import os
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits

from benchmarks.pipeline import OUTPUTS, SCRIPT, make_inputs
from lattice import Image
from lattice.compat.casa import imhead, imhistory, imregrid, imstat, imval, makemask

ROOT = Path(__file__).resolve().parents[3]
FOUND: dict[str, Any] = json.loads(
    gzip.decompress((ROOT / "tests" / "data" / "casa_pipeline.json.gz").read_bytes())
)
LABEL = (
    "CRPIX3",
    "CRVAL3",
    "CDELT3",
)  # of an axis that is collapsed: the middle here, the first pixel in CASA


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("pipeline")
    inputs = make_inputs(place, (8, 40, 48))
    command = [sys.executable, "-m", "lattice.compat.casa", str(SCRIPT), *map(str, inputs)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=place, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    assert "not served" not in done.stderr
    return place


@pytest.mark.parametrize("name", OUTPUTS)
def test_files_are_those_of_casa(folder: Path, name: str) -> None:
    theirs = FOUND[name]
    want = np.frombuffer(zlib.decompress(base64.b64decode(theirs["pixels"])), "<f4").reshape(theirs["shape"])
    with fits.open(folder / f"{name}.fits") as file:
        values, cards = np.array(file[0].data, "f4"), dict(file[0].header)
    assert values.shape == want.shape
    np.testing.assert_array_equal(np.isnan(values), np.isnan(want))
    np.testing.assert_allclose(values, want, rtol=2e-6, atol=2e-6 * float(np.nanmax(np.abs(want))))
    for key, value in theirs["cards"].items():
        if key in LABEL and want.shape[0] == 1:
            continue
        if isinstance(value, float):
            assert cards[key] == pytest.approx(value, rel=1e-9, abs=1e-12), key
        else:
            assert cards[key] == value, key


def test_numbers_are_those_of_casa(folder: Path) -> None:
    numbers = json.loads((folder / "numbers.json").read_text())
    assert sorted(numbers) == sorted(FOUND["numbers"])
    for key, value in FOUND["numbers"].items():
        assert numbers[key] == pytest.approx(value, rel=2e-6), key


# -- laziness and memory ------------------------------------------------------------------------------------


def _read() -> int:
    """Return how many bytes this process has read."""
    lines = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    return int(lines["rchar"])


@pytest.mark.skipif(not Path("/proc/self/io").exists(), reason="the system does not tell what is read")
def test_tasks_without_outfile_copy_nothing_and_read_what_they_need(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    inputs = make_inputs(tmp_path, (8, 256, 256))
    Image(np.zeros((8, 256, 256), "f4"), wcs=fits.getheader(inputs[0])).save("cube.im", format="casa")
    whole = 8 * 256 * 256 * 4
    before = sorted(os.listdir())
    limits = {
        "imval": (lambda: imval("cube.im", box="3,4,3,4", chans="2"), whole // 4),
        "imhead": (lambda: imhead("cube.im", "get", "bunit"), whole // 4),
        "imhistory": (lambda: imhistory("cube.im", verbose=False), whole // 4),
        "imregrid": (lambda: imregrid("cube.im", "get"), whole // 4),
        "makemask": (lambda: makemask("list", "cube.im"), whole // 4),
        "imstat": (lambda: imstat("cube.im", chans="2"), whole // 2),
        "imstat of all": (lambda: imstat("cube.im"), 4 * whole),
    }
    for name, (call, most) in limits.items():
        call()  # what is imported is read once
        start = _read()
        call()
        assert _read() - start < most, name
    assert sorted(os.listdir()) == before


CHAIN = """
import os
def peak():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
import numpy, scipy.fft, dask, lattice
lattice.set_options(memory_limit=200_000_000, workers=2, jit=False)
importfits("cube.fits", "cube.im")
immath("cube.im", outfile="twice.im", expr="IM0 * 2 - median(IM0)")
imsmooth("twice.im", "boxcar", major="3pix", minor="3pix", outfile="smooth.im")
makemask("copy", "smooth.im", "box[[10pix, 10pix], [400pix, 400pix]]", "smooth.im:part")
immoments("smooth.im", [0, 8], outfile="map")
imcollapse("smooth.im", "median", 2, "median.im")
imrebin("smooth.im", "small.im", [2, 2])
imtrans("smooth.im", "turned.im", "201")
imsubimage("turned.im", "part.im", mask="'turned.im' > 0")
imstat("part.im")
exportfits("part.im", "part.fits")
print(peak() * 1024)
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the system does not tell the peak")
def test_a_chain_of_tasks_keeps_to_the_memory_limit(tmp_path: Path) -> None:
    make_inputs(tmp_path, (64, 1024, 1024))  # larger than the limit
    (tmp_path / "chain.py").write_text(CHAIN)
    command = [sys.executable, "-W", "ignore", "-m", "lattice.compat.casa", "chain.py"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[-1]) < 1.15 * 200_000_000
