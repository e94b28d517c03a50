"""A casacore that has HDF5, in a Python of its own: what it is asked, and how it is found.

Run as a script by that Python, this does jobs and keeps what they give; imported, it starts such a script.
The wheels of python-casacore and Debian's packages are built without HDF5; tests/data/casacore_with_hdf5.sh
makes a Python with it, which the environment variable ``LATTICE_CASACORE_HDF5`` names.
"""

from __future__ import annotations

import functools
import os
import pickle
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

VARIABLE = "LATTICE_CASACORE_HDF5"
PROBE = """
import sys, tempfile
from casacore.images import image
with tempfile.TemporaryDirectory() as folder:
    name = folder + "/a.h5"
    image("", shape=[2, 3]).saveas(name, hdf5=True)
    sys.exit(image(name).imagetype() != "HDF5Image")
"""


# -- on our side ----------------------------------------------------------------------------------


@functools.cache
def command() -> tuple[str, ...] | None:
    """Return the command of a Python whose casacore has HDF5, None if there is none."""
    named = os.environ.get(VARIABLE)
    for candidate in [shlex.split(named)] if named else [[sys.executable], ["/usr/bin/python3"]]:
        try:
            found = subprocess.run([*candidate, "-c", PROBE], capture_output=True, check=False, timeout=60)
        except (OSError, subprocess.TimeoutExpired):
            continue
        if found.returncode == 0:
            return tuple(candidate)
    return None


def ask(jobs: list[tuple[Any, ...]], folder: Path) -> list[Any]:
    """Return what casacore gives for jobs, done in a folder; a mistake of it is an error here."""
    found = command()
    assert found is not None
    (folder / "jobs.pickle").write_bytes(pickle.dumps(jobs, 4))
    script = [*found, str(Path(__file__).resolve()), "jobs.pickle", "results.pickle"]
    done = subprocess.run(script, cwd=folder, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    results: list[Any] = pickle.loads((folder / "results.pickle").read_bytes())
    return results


# -- on casacore's side ---------------------------------------------------------------------------


def describe(name: str, pixels: list[list[float]], masks: list[str]) -> dict[str, Any]:
    """Return all that casacore tells of an image, with the world values of some pixels."""
    from casacore.images import image

    im = image(name)
    groups = {}
    for group in im.attrgroupnames():
        rows = range(im.attrnrows(group))
        groups[group] = {
            "rows": [
                {k: v for k, v in im.attrgetrow(group, row).items() if k in im.attrnames(group)}
                for row in rows
            ],
            "units": {k: im.attrgetunit(group, k) for k in im.attrnames(group)},
            "measures": {k: im.attrgetmeas(group, k) for k in im.attrnames(group)},
        }
    return {
        "type": im.imagetype(),
        "values": im.getdata(),
        "good": ~im.getmask(),
        "masks": {mask: ~image(name, maskname=mask).getmask() for mask in masks},
        "unit": im.unit(),
        "imageinfo": im.imageinfo(),
        "miscinfo": im.miscinfo(),
        "record": im.coordinates().dict(),
        "world": [im.toworld(pixel) for pixel in pixels],
        "groups": groups,
    }


def copy(name: str, target: str, hdf5: bool) -> None:
    """Copy an image as casacore does."""
    from casacore.images import image

    image(name).saveas(target, hdf5=hdf5)


def evaluate(text: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the values of an expression, and which are good."""
    from casacore.images import image

    im = image(text)
    return im.getdata(), ~im.getmask()


def change(name: str, start: list[int], values: np.ndarray, good: np.ndarray | None) -> None:
    """Change some pixels of an image, and some of its mask, in place."""
    from casacore.images import image

    im = image(name)
    im.putdata(values, start)
    if good is not None:
        im.putmask(~good, start)


def make(
    name: str, shape: list[int], record: dict[str, Any], pixels: list[list[float]]
) -> dict[str, Any] | None:
    """Make an image with coordinates from a record and describe it; None if casacore cannot."""
    from casacore.images import image
    from casacore.images.coordinates import coordinatesystem

    try:
        image(name, shape=shape, coordsys=coordinatesystem(record), ashdf5=True)
    except RuntimeError:
        return None
    return describe(name, pixels, [])


def run(code: str, folder: str) -> Any:
    """Return what a piece of Python calls its result, run in a folder with casacore's class of images."""
    from casacore.images import image

    here = os.getcwd()
    os.makedirs(folder)
    os.chdir(folder)
    names: dict[str, Any] = {"image": image, "np": np}
    try:
        exec(code, names)
    except RuntimeError as error:
        return f"RuntimeError: {error}"
    finally:
        os.chdir(here)
    return names["result"]


def main() -> None:
    """Do the jobs of a file."""
    if "numpy._core" not in sys.modules:  # arrays of numpy 2 for numpy 1
        for module in ("", ".multiarray", ".numeric"):
            sys.modules[f"numpy._core{module}"] = sys.modules[f"numpy.core{module}"]
    jobs = pickle.loads(Path(sys.argv[1]).read_bytes())
    results = [globals()[job[0]](*job[1:]) for job in jobs]
    Path(sys.argv[2]).write_bytes(pickle.dumps(results, 4))


if __name__ == "__main__":
    main()
