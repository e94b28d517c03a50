"""What is virtual stays virtual, what has a name is written at once, and edits go through to files."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lattice
from lattice.compat.casa import image, regionmanager
from lattice.compat.casa.errors import CasaError
from lattice.compat.mutable import Derived
from lattice.io.files import counting
from tests import casa_inputs

NX, NY, NZ = 96, 80, 24
PIXELS = NX * NY * NZ * 4  # bytes
BOX = regionmanager().box([10, 20, 3], [29, 39, 6])

Made = Callable[..., Any]

# name of the method: the call with an outfile
VIRTUAL: dict[str, Made] = {
    "adddegaxes": lambda ia, out: ia.adddegaxes(out, stokes="I"),
    "boxcar": lambda ia, out: ia.boxcar(out, axis=2, width=3),
    "collapse": lambda ia, out: ia.collapse("mean", [2], out),
    "continuumsub": lambda ia, out: ia.continuumsub(out, "", fitorder=1),
    "convolve": lambda ia, out: ia.convolve(out, np.ones((3, 3))),
    "convolve2d": lambda ia, out: ia.convolve2d(out, major="9arcsec", minor="7arcsec", pa="10deg"),
    "crop": lambda ia, out: ia.crop(out),
    "decimate": lambda ia, out: ia.decimate(out, 2, 4),
    "deviation": lambda ia, out: ia.deviation(out, xlength="5pix", ylength="5pix"),
    "hanning": lambda ia, out: ia.hanning(out, axis=2),
    "imagecalc": lambda ia, out: ia.imagecalc(out, "'big.im' * 2 + 1"),
    "imageconcat": lambda ia, out: ia.imageconcat(out, ["big.im", "more.im"]),
    "moments": lambda ia, out: ia.moments([0], outfile=out),
    "newimagefromimage": lambda ia, out: ia.newimagefromimage("big.im", out, BOX),
    "pad": lambda ia, out: ia.pad(out, 2),
    "pbcor": lambda ia, out: ia.pbcor(np.full((NX, NY), 2.0), out),
    "pv": lambda ia, out: ia.pv(out, [10, 20], [40, 60]),
    "rebin": lambda ia, out: ia.rebin(out, [2, 2]),
    "regrid": lambda ia, out: ia.regrid(out, csys=_shifted(ia)),
    "rotate": lambda ia, out: ia.rotate(out, pa="20deg"),
    "sepconvolve": lambda ia, out: ia.sepconvolve(out, [0, 2], ["gauss", "box"], [3, 3]),
    "subimage": lambda ia, out: ia.subimage(out, BOX),
    "transpose": lambda ia, out: ia.transpose(out, "201"),
}
# what has to look at masks to know the shape of its result: how much of the file that may be
LOOKS = {"crop": 0.1}
# The image has eight tiles. For a chunk of 2 x 2 x 2 pixels its own bytes are read, or one tile, or two:
ONE = [
    "boxcar",
    "convolve",
    "convolve2d",
    "deviation",
    "hanning",
    "pv",
    "rebin",
    "regrid",
    "rotate",
    "sepconvolve",
]
TWO = ["collapse", "continuumsub", "moments"]


def _shifted(ia: Any) -> Any:
    cs = ia.coordsys()
    cs.setreferencepixel([NX / 2 + 0.25, NY / 2, 0])
    return cs.torecord()


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("big")
    sky = [(k, v) for k, v in casa_inputs.SKY if k not in ("CRPIX1", "CRPIX2")]
    cards = [*sky, ("CRPIX1", NX / 2), ("CRPIX2", NY / 2)]
    values = casa_inputs.noise((NZ, NY, NX), 9)
    values[4, 10, 10] = np.nan
    casa_inputs.write(folder / "big.fits", values, [*cards, *casa_inputs.frequency(3), *casa_inputs.REST])
    start = 1.42e9 + NZ * 1e5
    more = [*cards, *casa_inputs.frequency(3, start), *casa_inputs.REST]
    casa_inputs.write(folder / "more.fits", casa_inputs.noise((2, NY, NX), 10), more)
    return folder


@pytest.fixture
def big(files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> image:
    monkeypatch.chdir(tmp_path)
    for name in ("big", "more"):
        os.link(files / f"{name}.fits", tmp_path / f"{name}.fits")
        ia = image()
        ia.fromfits(f"{name}.im", f"{name}.fits")
        ia.done()
    ia = image()
    ia.open("big.im")
    return ia


def listing(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*"))


def test_all_methods_that_make_images_are_here() -> None:
    methods = [pair for pair in inspect.getmembers(image, inspect.isfunction) if pair[0][0] != "_"]
    made = {name for name, method in methods if "outfile" in inspect.signature(method).parameters}
    attach = {
        n for n in made if n.startswith(("from", "make", "newimagefroma", "newimagefroms", "newimagefromf"))
    }
    others = {"tofits", "twopointcorrelation"}  # files and nothing else
    assert made - attach - others == set(VIRTUAL) - {"continuumsub"}


@pytest.mark.parametrize("name", VIRTUAL)
def test_without_a_name_nothing_is_written_and_little_read(big: image, tmp_path: Path, name: str) -> None:
    before = listing(tmp_path)
    with counting() as count:
        made = VIRTUAL[name](big, "")
        assert made.shape().size
        made.summary(list=False)
    assert isinstance(made._pixels, Derived)
    assert not made.ispersistent()
    assert count.bytes <= PIXELS * LOOKS.get(name, 0.02)
    with counting() as count:
        made.getchunk([1] * len(made.shape()), [2] * len(made.shape()))
    tiles = 2 if name in TWO else 1 if name in ONE else 0
    assert count.bytes <= PIXELS * (tiles / 8 + 0.01)
    assert listing(tmp_path) == before


@pytest.mark.parametrize("name", VIRTUAL)
def test_with_a_name_it_is_written_at_once(big: image, name: str) -> None:
    virtual = VIRTUAL[name](big, "")
    written = VIRTUAL[name](big, "out.im")
    assert written.ispersistent()
    assert written.name(strippath=True) == "out.im"
    copied = virtual.subimage("copy.im")
    for other in (written, copied):
        np.testing.assert_array_equal(other.getchunk(getmask=True), virtual.getchunk(getmask=True))
        good = virtual.getchunk(getmask=True)
        np.testing.assert_array_equal(other.getchunk()[good], virtual.getchunk()[good])
        assert other.coordsys().names() == virtual.coordsys().names()
        assert other.brightnessunit() == virtual.brightnessunit()
    with pytest.raises(CasaError, match="exists"):
        VIRTUAL[name](big, "out.im")


def _ones(*shape: int) -> np.ndarray:
    return np.ones(shape)


# edits, and what is looked at to see them
EDITS: dict[str, tuple[Made, Made]] = {
    "addnoise": (lambda ia: ia.addnoise("uniform", [5, 6], zero=True), lambda ia: ia.getchunk().min() >= 5),
    "calc": (lambda ia: ia.calc("'big.im' * 0 + 3"), lambda ia: ia.getchunk([1, 1, 1], [9, 9, 9]).max() == 3),
    "calcmask": (
        lambda ia: ia.calcmask("'big.im' > 0"),
        lambda ia: 0.4 < ia.getchunk(getmask=True).mean() < 0.6,
    ),
    "insert": (
        lambda ia: ia.insert("more.im", locate=[0, 0, 5]),
        lambda ia: np.array_equal(ia.getchunk()[:, :, 5:7], image().newimage("more.im").getchunk()),
    ),
    "maskhandler": (lambda ia: ia.maskhandler("delete", "mask0"), lambda ia: ia.getchunk(getmask=True).all()),
    "modify": (
        lambda ia: ia.modify(SOURCE, subtract=False),
        lambda ia: ia.getchunk()[NX // 2 - 1, NY // 2 - 1, 0] > 9,
    ),
    "putchunk": (
        lambda ia: ia.putchunk(_ones(2, 3, 1) * 7, [4, 5, 6]),
        lambda ia: ia.getchunk([5, 7, 6], [5, 7, 6]).item() == 7,
    ),
    "putregion": (
        lambda ia: ia.putregion(_ones(20, 20, 4) * 8, region=BOX),
        lambda ia: ia.getregion(BOX).min() == 8,
    ),
    "replacemaskedpixels": (
        lambda ia: ia.replacemaskedpixels(9.0),
        lambda ia: ia.getchunk([10, 10, 4], [10, 10, 4]).item() == 9,
    ),
    "rotatebeam": (
        lambda ia: ia.rotatebeam("10deg"),
        lambda ia: ia.restoringbeam()["positionangle"]["value"] == 40,
    ),
    "set": (lambda ia: ia.set(2.5, region=BOX), lambda ia: (ia.getregion(BOX) == 2.5).all()),
    "setbrightnessunit": (lambda ia: ia.setbrightnessunit("K"), lambda ia: ia.brightnessunit() == "K"),
    "setcoordsys": (
        lambda ia: ia.setcoordsys(_shifted(ia)),
        lambda ia: ia.summary(list=False)["refpix"][0] == NX / 2 + 0.25,
    ),
    "sethistory": (lambda ia: ia.sethistory("me", ["a line"]), lambda ia: "a line" in ia.history(False)),
    "setmiscinfo": (lambda ia: ia.setmiscinfo({"key": 3}), lambda ia: ia.miscinfo() == {"key": 3}),
    "setrestoringbeam": (lambda ia: ia.setrestoringbeam(remove=True), lambda ia: ia.restoringbeam() == {}),
}
SOURCE = {
    "component0": {
        "flux": {"value": np.array([1.0, 0, 0, 0]), "unit": "Jy", "polarisation": "Stokes"},
        "shape": {
            "type": "Point",
            "direction": {
                "refer": "J2000",
                "m0": {"value": 180, "unit": "deg"},
                "m1": {"value": 30, "unit": "deg"},
            },
        },
        "spectrum": {"type": "Constant"},
    }
}


@pytest.mark.parametrize("name", EDITS)
def test_edits_go_through_and_are_seen_by_all(big: image, name: str) -> None:
    edit, seen = EDITS[name]
    other = image().newimage("big.im")
    virtual = big.subimage()
    assert not seen(big)
    assert not seen(virtual)
    assert edit(big) is not False
    for tool in (big, other, virtual, image().newimage("big.im")):
        assert seen(tool)
    big.done()
    assert lattice.open("big.im").shape == (NZ, NY, NX)


@pytest.mark.parametrize("name", [*EDITS, "rename", "remove"])
@pytest.mark.parametrize("kind", ["fits", "cut", "expression", "components"])
def test_edits_are_refused_where_nothing_can_be_written(
    big: image, tmp_path: Path, name: str, kind: str
) -> None:
    tool = image()
    if kind == "fits":
        if name in ("rename", "remove"):  # what is done to the file, not to what is in it
            return
        tool.open("big.fits")
    elif kind == "cut":
        tool = big.subimage(region=BOX)
    elif kind == "expression":
        tool = image().imagecalc(pixels="'big.im' * 2")
    else:
        tool.fromcomplist(shape=[NX, NY, NZ], cl=SOURCE, csys=big.coordsys().torecord())
    before = listing(tmp_path)
    edit = {"rename": lambda ia: ia.rename("x.im"), "remove": lambda ia: ia.remove()}.get(name) or EDITS[
        name
    ][0]
    with pytest.raises(CasaError, match=r"cannot be written to|is in no file"):
        edit(tool)
    assert listing(tmp_path) == before
    assert tool.shape().size


def test_edits_write_sections_only(big: image, monkeypatch: pytest.MonkeyPatch) -> None:
    from lattice.io.casa import tiles

    written = []

    def counted(function: Any) -> Any:
        def call(fd: Any, data: Any, *rest: Any) -> Any:
            written.append(memoryview(data).nbytes)
            return function(fd, data, *rest)

        return call

    original = tiles.write_tiles
    monkeypatch.setattr(
        tiles,
        "write_tiles",
        lambda fd, layout, section, values, token: (
            written.append(values.nbytes),
            original(fd, layout, section, values, token),
        )[1],
    )
    big.set(1.0, region=BOX)
    big.putchunk(np.ones((3, 3, 3)), [5, 5, 5])
    big.putregion(np.ones((20, 20, 4)), region=BOX)
    assert 0 < sum(written) <= 3 * (20 * 20 * 4 * 4 + 27 * 4)
