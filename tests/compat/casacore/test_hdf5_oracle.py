"""HDF5 images by our class of images and by that of a casacore that has HDF5."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lattice.compat.casacore.images import image as ours
from tests.compat.casacore.test_oracle import same
from tests.io import casacore_hdf5

pytest.importorskip("h5py")

pytestmark = pytest.mark.oracle

START = """
plain = np.arange(24.0, dtype="f4").reshape(4, 6)
values = np.ma.MaskedArray(plain, plain > 7)

def new(values=values, **more):
    return image("a.h5", values=values, ashdf5=True, **more)

def copied(**more):
    image("", values=values).saveas("a.h5", hdf5=True, **more)
    return image("a.h5")

def all_of(im):
    return (im.get(), im.getmask(), im.shape(), im.unit(), im.datatype(), im.imagetype(), im.name(True),
            str(im), im.ispersistent(), im.imageinfo(), im.miscinfo(), im.history(), im.attrgroupnames(),
            im.haslock(True))

def attributes(im):
    return (im.attrgroupnames(), im.attrnames("g"), im.attrnrows("g"), im.attrget("g", "d", 1),
            im.attrgetunit("g", "d"), im.attrgetmeas("g", "d"), im.attrgetunit("g", "n"),
            im.attrfindrows("g", "n", "s1"))
"""
CASES = {
    "made": "result = all_of(new())",
    "opened": "new(); result = all_of(image('a.h5'))",
    "double": "new(values.astype('f8')); result = all_of(image('a.h5'))",
    "complex": "new(values.astype('c8')); result = all_of(image('a.h5'))",
    "double complex": "new(values.astype('c16')); result = all_of(image('a.h5'))",
    "whole numbers": "result = all_of(new(np.arange(6).reshape(2, 3)))",
    "shape": "result = all_of(image('a.h5', shape=[4, 3], ashdf5=True))",
    "tiles": "result = all_of(new(tileshape=[2, 3]))",
    "mask name": "new(maskname='m'); result = all_of(image('a.h5', maskname='m')), all_of(image('a.h5'))",
    "no mask": "new(); result = image('a.h5', maskname='nomask').getmask(), image('a.h5:nomask').getmask()",
    "unknown mask": "new(); image('a.h5', maskname='what')",
    "part behind a colon": "new(); result = image('a.h5:mask0').getmask()",
    "twice": "new(); result = all_of(new(values[:2]))",
    "not twice": "new(); new(overwrite=False)",
    "copied": "result = all_of(copied())",
    "copied under a mask name": "copied(newmaskname='q'); result = all_of(image('a.h5', maskname='q'))",
    "copied without mask": "result = all_of(copied(copymask=False))",
    "copied with tiles": "result = all_of(copied(newtileshape=[2, 3]))",
    "copied back": "copied().saveas('b.im'); im = image('b.im'); result = im.get(), im.imagetype()",
    "attributes": """
im = copied()
im.attrcreategroup("g")
for row in range(2):
    im.attrput("g", "f", row, 1.5 * row, "Jy")
    im.attrput("g", "n", row, f"s{row}")
    im.attrput("g", "d", row, np.array([0.1, 0.2 * row]), ["rad", "rad"], ["direction", "J2000"])
before = attributes(im)
del im
result = before, attributes(image("a.h5"))
""",
    "attributes beyond the rows": "im = copied(); im.attrcreategroup('g'); im.attrput('g', 'x', 5, 1.0)",
    "changed": """
im = new()
im.putdata(np.ones((2, 2)), [1, 1])
im.putmask(np.array([[True, False]]), [0, 0])
before = all_of(im)
del im
result = before, all_of(image("a.h5"))
""",
    "masked later": "im = new(plain); im.putmask(values.mask); first = im.get(); result = first, all_of(im)",
    "part": "part = new().subimage([1, 1], [2, 3]); result = part.get(), part.getmask(), part.imagetype()",
    "part changed": "im = new(); im.subimage([1, 1], [2, 3]).putdata(5.0); result = all_of(im)",
    "expression": "new(); im = image('a.h5 * 2'); result = im.get(), im.shape(), im.imagetype()",
    "locks": "im = new(); result = im.haslock(), im.unlock(), im.haslock(), im.lock(), im.haslock(True)",
    "statistics": "result = new().statistics()",
    "positions": "im = new(); result = im.toworld([1, 2]), im.topixel([0.1, 0.1]), im.coordinates().dict()",
}


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    if casacore_hdf5.command() is None:
        pytest.skip(f"no casacore with HDF5 is installed, or named by {casacore_hdf5.VARIABLE}")
    folder = tmp_path_factory.mktemp("theirs")
    jobs = [("run", START + code, str(folder / name)) for name, code in CASES.items()]
    return dict(zip(CASES, casacore_hdf5.ask(jobs, folder), strict=True))


@pytest.mark.parametrize("name", CASES)
def test_images(name: str, theirs: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"image": ours, "np": np}
    found = theirs[name]
    if isinstance(found, str):  # refused, in other words
        with pytest.raises(RuntimeError):
            exec(START + CASES[name], names)
        assert found.startswith("RuntimeError")
        return
    exec(START + CASES[name], names)
    same(found, names["result"], name, 1e-12)
    assert os.listdir(tmp_path)
