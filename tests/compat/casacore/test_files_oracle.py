"""CASA images on disk: the same calls on python-casacore and here, and each reading what the other wrote."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lattice.compat.casacore.images import image as ours
from lattice.io.casa.locks import TableLock
from tests.compat.casacore.test_oracle import HOLES, NOISE, RAMP, compare, same

theirs = pytest.importorskip("casacore.images").image

pytestmark = pytest.mark.oracle

MASKED = np.ma.MaskedArray(RAMP, RAMP > 7)
CUBE = np.ma.MaskedArray(NOISE, HOLES)


def made(cls: Any, values: Any = MASKED, name: str = "a.im", **more: Any) -> Any:
    return cls(name, values=values, **more)


def reopened(cls: Any, name: str = "a.im", **more: Any) -> Any:
    im = cls(name, **more)
    return im.shape(), im.imagetype(), im.name(True), str(im), im.ispersistent(), im.datatype(), im.get()


def locks(im: Any) -> Any:
    return im.haslock(), im.unlock(), im.haslock(), im.lock(), im.haslock(), im.putdata(1), im.haslock(True)


def write_locks(im: Any) -> Any:
    return im.unlock(), im.lock(True, 2), im.haslock(True), im.haslock(), im.unlock(), im.haslock()


FILES: dict[str, Callable[[Any], Any]] = {
    "values": lambda cls: (made(cls).get(), reopened(cls)),
    "double": lambda cls: (made(cls, RAMP.astype("f8")).get(), reopened(cls)),
    "complex": lambda cls: (made(cls, RAMP.astype("c8")).get(), reopened(cls)),
    "double complex": lambda cls: (made(cls, RAMP.astype("c16")).get(), reopened(cls)),
    "shape": lambda cls: (cls("a.im", shape=[4, 3]).get(), reopened(cls)),
    "shape and type": lambda cls: (cls("a.im", shape=[4, 3], values=1.0).get(), reopened(cls)),
    "tiles": lambda cls: (made(cls, CUBE, tileshape=[1, 2, 16]).get(), reopened(cls)),
    "wrong tiles": lambda cls: made(cls, CUBE, tileshape=[1, 2]),
    "mask name": lambda cls: (made(cls, maskname="m").get(), reopened(cls, maskname="m")),
    "mask name only": lambda cls: (made(cls, RAMP, maskname="m").get(), reopened(cls)),
    "no mask": lambda cls: (made(cls).get(), reopened(cls, maskname="nomask")),
    "unknown mask": lambda cls: (made(cls).get(), reopened(cls, maskname="what")),
    "part behind a colon": lambda cls: (made(cls).get(), cls("a.im:mask0").get(), cls("a.im:nomask").get()),
    "twice": lambda cls: (made(cls).get(), made(cls, RAMP[:2]).shape()),
    "not twice": lambda cls: (made(cls).get(), made(cls, overwrite=False)),
    "no folder": lambda cls: made(cls, name="nowhere/a.im"),
    "expression of names": lambda cls: (made(cls).get(), reopened(cls, "a.im * 2 - 'a.im'")),
    "float of names": lambda cls: (made(cls, RAMP).get(), reopened(cls, "float(a.im[a.im > 3])")),
    "join of names": lambda cls: (made(cls).get(), cls(["a.im", "a.im"]).shape()),
    "history": lambda cls: (lambda im: (im.unit(), im.miscinfo(), im.imageinfo()))(made(cls)),
    "locks": lambda cls: locks(made(cls)),
    "write lock": lambda cls: write_locks(made(cls)),
    "a name for a name": lambda cls: (made(cls).name(True), cls(cls("a.im")).name(True)),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore:the joined:lattice.errors.LatticeWarning")
@pytest.mark.parametrize("name", FILES)
def test_files(name: str, tmp_path: Path) -> None:
    compare(FILES[name], tmp_path)


def edited(cls: Any) -> Any:
    im = made(cls, CUBE)
    im.putdata(np.arange(6.0).reshape(2, 3), [1, 1, 5], (), [1, 2, 7])
    im.putmask(np.ones((4, 9), bool), [2, 0, 20])
    part = im.subimage([0], [0], [], True)
    part.put(part.get() * 2)
    other = cls("a.im")
    other.putdata(7, [2, 3, 59])
    return im.get(), part.get(), other.get()


def masked_later(cls: Any) -> Any:
    im = made(cls, RAMP)
    im.putmask(RAMP > 50)
    before = im.getmask(), im.subimage([0], [1]).getmask()
    im.putmask(np.ones((2, 2), bool), [1, 1])
    return before, im.get(), cls("a.im").get(), cls("a.im", maskname="mask0").getmask()


def saved(cls: Any, mask: str = "own", **options: Any) -> Any:
    made(cls, CUBE, name="first.im", maskname="own")
    cls("first.im").saveas("second.im", **options)
    im = cls("second.im")
    return im.get(), im.shape(), cls("second.im", maskname=mask).getmask()


def saved_again(cls: Any) -> Any:
    made(cls).saveas("b.im")
    made(cls, RAMP).saveas("b.im", overwrite=False)


def saved_parts(cls: Any) -> Any:
    im = made(cls, CUBE)
    im.subimage([0, 1, 3], [2, 2, 40], [1, 1, 3]).saveas("cut.im")
    cls("$im * 2").saveas("twice.im")
    cls([im, im], axis=0).saveas("joined.im")
    return [reopened(cls, f"{n}.im") for n in ("cut", "twice", "joined")]


STEPS: dict[str, Callable[[Any], Any]] = {
    "edited": edited,
    "masked later": masked_later,
    "saved": saved,
    "saved under another mask name": lambda cls: saved(cls, "other", newmaskname="other"),
    "saved without mask": lambda cls: saved(cls, "nomask", copymask=False),
    "saved with tiles": lambda cls: saved(cls, newtileshape=[1, 4, 10]),
    "saved again": saved_again,
    "saved nowhere": lambda cls: made(cls).saveas("nowhere/b.im"),
    "saved parts": saved_parts,
    "statistics": lambda cls: made(cls, CUBE).statistics([0]),
}


@pytest.mark.filterwarnings("ignore:the joined:lattice.errors.LatticeWarning")
@pytest.mark.parametrize("name", STEPS)
def test_steps(name: str, tmp_path: Path) -> None:
    compare(STEPS[name], tmp_path, 1e-5 if name == "statistics" else 0)


def fits(cls: Any, values: Any = MASKED, **options: Any) -> Any:
    made(cls, values).tofits("a.fits", **options)
    return reopened(cls, "a.fits"), cls("a.fits", maskname="nomask").getmask()


def test_fits(tmp_path: Path) -> None:
    compare(fits, tmp_path)
    compare(lambda cls: fits(cls, overwrite=False), tmp_path)
    compare(lambda cls: cls("a.fits").putdata(RAMP), tmp_path)
    compare(lambda cls: cls("a.fits").putmask(RAMP > 3), tmp_path)
    compare(lambda cls: cls("a.fits").haslock(True), tmp_path)
    compare(lambda cls: fits(cls, bitpix=8), tmp_path)


CARDS = [f"{key}{i}" for key in ("NAXIS", "CTYPE", "CRVAL", "CDELT", "CRPIX", "CUNIT") for i in (1, 2, 3)]
CARDS += [
    "BITPIX",
    "BTYPE",
    "RESTFRQ",
    "SPECSYS",
    "VELREF",
    "ALTRVAL",
    "RADESYS",
    "TELESCOP",
    "OBSERVER",
    "BLANK",
]


@pytest.mark.parametrize(
    "options",
    [{}, {"velocity": False}, {"optical": False}, {"bitpix": 16}, {"bitpix": 16, "minpix": -1, "maxpix": 1}],
    ids=str,
)
def test_fits_options(options: dict[str, Any], tmp_path: Path) -> None:
    from astropy.io import fits

    found = []
    for cls, name in ((theirs, "theirs.fits"), (ours, "ours.fits")):
        path = str(tmp_path / name)
        cls("", values=CUBE).tofits(path, **options)
        header = fits.getheader(path)
        found.append(([header.get(card) for card in CARDS], cls(path).get(), header.get("BSCALE")))
    (cards, pixels, step), (own_cards, own_pixels, _) = found
    for card, a, b in zip(CARDS, cards, own_cards, strict=True):
        same(a, b, card, 1e-9)
    # casacore cuts off what it should round
    same(np.ma.getmaskarray(pixels), np.ma.getmaskarray(own_pixels))
    assert abs(pixels - own_pixels).max() <= (step * 1.01 if "bitpix" in options else 0)


# -- each reads what the other wrote -----------------------------------------------------------------


def everything(im: Any) -> Any:
    groups = {g: [im.attrgetrow(g, row) for row in range(im.attrnrows(g))] for g in im.attrgroupnames()}
    record = im.coordinates().dict()
    return im.get(), im.datatype(), im.unit(), im.imageinfo(), im.miscinfo(), record, groups


@pytest.mark.parametrize("shape", [(5,), (5, 6), (3, 5, 6), (7, 2, 5, 6), (2, 3, 2, 5, 6)], ids=str)
def test_casacore_reads_what_is_written(shape: tuple[int, ...], tmp_path: Path) -> None:
    values = np.random.default_rng(1).normal(size=shape).astype("f4")
    name = str(tmp_path / "ours.im")
    im = ours(name, values=np.ma.MaskedArray(values, values > 0.5))
    im.attrcreategroup("sources")
    for row in range(3):
        im.attrput("sources", "flux", row, 1.5 * row, "Jy")
        im.attrput("sources", "name", row, f"s{row}")
        im.attrput(
            "sources", "place", row, np.array([0.1, 0.2 * row]), ["rad", "rad"], ["direction", "J2000"]
        )
    found = everything(im)
    unit, measure = im.attrgetunit("sources", "place"), im.attrgetmeas("sources", "place")
    del im
    other = theirs(name)
    same(everything(other), found, tolerance=1e-12)
    assert (unit, measure) == (["rad", "rad"], ["direction", "J2000"])
    same(other.attrgetunit("sources", "place"), unit)
    same(other.attrgetmeas("sources", "place"), measure)
    other.unlock()


def test_reads_what_casacore_writes(tmp_path: Path) -> None:
    name = str(tmp_path / "theirs.im")
    theirs("", values=CUBE).saveas(name)
    im = theirs(name)
    im.attrcreategroup("g")
    for row in range(2):
        im.attrput("g", "x", row, 2.5 + row, ["MHz"], ["frequency", "LSRK"])
        im.attrput("g", "t", row, "text")
        im.attrput("g", "v", row, np.array([True, False]))
    found = everything(im)
    names = im.attrnames("g")
    im.unlock()
    del im
    own = ours(name)
    same(found, everything(own), tolerance=1e-12)
    assert own.attrnames("g") == names
    assert own.attrgetunit("g", "x") == ["MHz"]
    assert own.attrgetmeas("g", "x") == ["frequency", "LSRK"]


def test_both_change_one_file_in_turn(tmp_path: Path) -> None:
    name = str(tmp_path / "shared.im")
    expected = RAMP.copy()
    ours(name, values=RAMP)
    for turn in range(6):
        cls = (ours, theirs)[turn % 2]
        im = cls(name)
        np.testing.assert_array_equal(im.getdata(), expected)
        im.putdata(np.full((1, 3), 100.0 + turn), [turn % 4, 0])
        expected[turn % 4] = 100.0 + turn
        im.unlock()
        del im
    np.testing.assert_array_equal(ours(name).getdata(), expected)


# -- locks between processes ----------------------------------------------------------------------------


def other_process(script: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", script, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_an_idle_image_lets_casacore_write(tmp_path: Path) -> None:
    name = str(tmp_path / "a.im")
    im = ours(name, values=RAMP)
    assert im.haslock()
    script = (
        "import sys, numpy as np; from casacore.images import image\n"
        "im = image(sys.argv[1]); im.putdata(np.full((4, 3), 9.0)); im.unlock()"
    )
    other = other_process(script, name)
    assert other.wait(240) == 0
    assert (im.getdata() == 9).all()


def test_casacore_waits_for_a_lock_that_was_asked_for(tmp_path: Path) -> None:
    name = str(tmp_path / "a.im")
    im = ours(name, values=RAMP)
    im.lock(write=True)
    script = (
        "import sys, numpy as np; from casacore.images import image\n"
        "im = image(sys.argv[1]); print(im.getdata([0], [0])); im.putdata(np.full((4, 3), 9.0)); im.unlock()"
    )
    other = other_process(script, name)
    waits = TableLock(name)
    while not waits.wanted():
        assert other.poll() is None
        time.sleep(0.05)
    assert im.haslock(True)
    im.putdata(np.full((1, 3), 4.0))
    im.unlock()
    shown, _ = other.communicate(timeout=240)
    assert shown.strip() == "[[4. 4. 4.]]"
    assert other.returncode == 0
    assert (im.getdata() == 9).all()
    waits.close()


def test_waits_for_casacore(tmp_path: Path) -> None:
    name = str(tmp_path / "a.im")
    ours(name, values=RAMP).unlock()
    script = (
        "import sys; from casacore.images import image\n"
        "im = image(sys.argv[1]); im.lock(True); print('held', flush=True)\n"
        "sys.stdin.readline(); im.unlock(); print('free', flush=True); sys.stdin.readline()"
    )
    other = other_process(script, name)
    assert other.stdout is not None
    assert other.stdin is not None
    assert other.stdout.readline().strip() == "held"
    im = ours(name)
    assert not im.haslock()
    with pytest.raises(RuntimeError, match="locked by the process"):
        im.lock(True, nattempts=1)
    print("go", file=other.stdin, flush=True)
    assert other.stdout.readline().strip() == "free"
    im.lock(True, nattempts=240)
    assert im.haslock(True)
    im.putdata(5)
    print("end", file=other.stdin, flush=True)
    assert other.wait(240) == 0
