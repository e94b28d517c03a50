"""Operations as commands."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

import lattice
from lattice import Image
from lattice.cli import commands

SEC = 1 / 3600
CARDS = {
    "CTYPE1": "RA---SIN", "CTYPE2": "DEC--SIN", "CTYPE3": "FREQ", "CRVAL1": 10.0, "CRVAL2": 20.0,
    "CRVAL3": 1e9, "CDELT1": -SEC, "CDELT2": SEC, "CDELT3": 1e6, "CRPIX1": 5.0, "CRPIX2": 6.0,
    "CRPIX3": 1.0, "CUNIT1": "deg", "CUNIT2": "deg", "CUNIT3": "Hz", "RESTFRQ": 1.01e9,
}  # fmt: skip
VALUES = np.random.default_rng(3).normal(size=(5, 12, 10)).astype("f4")


def lat(*args: str, status: int = 0) -> Result:
    found = CliRunner().invoke(commands, list(args), prog_name="lattice")
    assert found.exit_code == status, found.output
    return found


@pytest.fixture(autouse=True)
def cube(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Image:
    monkeypatch.chdir(tmp_path)
    return Image(VALUES, wcs=CARDS, unit="Jy/beam", beam=(2 * SEC, 2 * SEC, 0)).save("cube.fits")


def same(path: str, image: Image) -> None:
    found = lattice.open(path)
    np.testing.assert_array_equal(found.to_masked_array().filled(9), image.to_masked_array().filled(9))
    assert found.unit == image.unit
    np.testing.assert_allclose(found.beams, image.beams)


def test_smooth(cube: Image) -> None:
    lat("smooth", "cube.fits", "a.fits", "--major", "3arcsec", "--minor", "2arcsec", "--pa", "30deg")
    same("a.fits", cube.smooth("3arcsec", "2arcsec", "30deg"))
    lat("smooth", "cube.fits", "b.fits", "--to", "4arcsec", "--chans", "1~2")
    same("b.fits", cube[1:3].smooth_to("4arcsec"))
    lat("smooth", "cube.fits", "c.fits", "--along", "frequency=1,x=2", "--kernel", "hanning")
    same("c.fits", cube.smooth_along(frequency=1, x=2, kernel="hanning"))
    lat("smooth", "cube.fits", "d.fits", "--to", "common")
    same("d.fits", cube)
    assert "say one of" in lat("smooth", "cube.fits", "e.fits", status=2).output
    assert "write DIM=NUMBER" in lat("smooth", "cube.fits", "e.fits", "--along", "x", status=2).output
    assert "smaller somewhere" in lat("smooth", "cube.fits", "e.fits", "--to", "1arcsec", status=1).output


def test_regrid(cube: Image) -> None:
    other = Image(np.zeros((3, 8, 8), "f4"), wcs=CARDS | {"CDELT1": -1.5 * SEC, "CRVAL3": 1.001e9}).save(
        "t.fits"
    )
    lat("regrid", "cube.fits", "t.fits", "a.fits", "--method", "cubic")
    same("a.fits", cube.regrid(other, method="cubic"))
    if find_spec("reproject"):
        lat("regrid", "cube.fits", "t.fits", "e.fits", "--dims", "y,x", "--method", "exact")
        same("e.fits", cube.regrid(other, ("y", "x"), method="exact"))
    lat("regrid", "cube.fits", "t.fits", "b.fits", "--dims", "frequency", "--velocity", "radio")
    same("b.fits", cube.regrid(other, "frequency", velocity="radio"))


def test_moments(cube: Image) -> None:
    lat("moments", "cube.fits", "0=m0.fits", "max_coord=peak.fits", "--include", "0,10")
    maps = cube.moments([0, "max_coord"], include=(0, 10))
    same("m0.fits", maps[0])
    same("peak.fits", maps["max_coord"])
    lat("moments", "cube.fits", "1=m1.zarr", "--dim", "y", "--keep", "--mask", "'cube.fits' > 0")
    same("m1.zarr", cube[cube > 0].moment(1, "y", keepdims=True))
    assert "write ORDER=OUT" in lat("moments", "cube.fits", "m0.fits", status=2).output
    assert "write LOW,HIGH" in lat("moments", "cube.fits", "0=x.fits", "--include", "a,b", status=2).output
    assert not Path("x.fits").exists()


def test_shapes(cube: Image) -> None:
    lat("rebin", "cube.fits", "a.fits", "y=2,x=5")
    same("a.fits", cube.rebin(y=2, x=5))
    lat("transpose", "cube.fits", "b.fits", "y,-x,frequency")
    same("b.fits", cube.transpose("y", "-x", "frequency"))
    lat("transpose", "cube.fits", "c.fits", "120", "--chans", "2")
    same("c.fits", cube[2:3].transpose("120"))
    lat("subimage", "cube.fits", "d.fits", "--box", "1,2,4,5", "--chans", "3", "--drop")
    same("d.fits", cube[3, 2:6, 1:5])
    lat("concat", "e.fits", "cube.fits", "cube.fits")
    np.testing.assert_array_equal(lattice.open("e.fits").values, np.concatenate([VALUES, VALUES]))


def test_expressions_are_taken_as_well(cube: Image) -> None:
    lat("rebin", "a * 2", "a.fits", "x=2", "--set", "a=cube.fits")
    same("a.fits", (cube * 2).rebin(x=2))
    assert "exists already" in lat("rebin", "cube.fits", "a.fits", "x=2", status=1).output
    lat("rebin", "cube.fits", "a.fits", "x=2", "--overwrite")


@pytest.mark.parametrize("verb", ["smooth", "regrid", "moments", "rebin", "transpose", "subimage", "concat"])
def test_help_has_examples(verb: str) -> None:
    text = lat(verb, "--help").output
    assert f"lattice {verb} " in text[text.index("Examples") :]


def test_contsub(cube: Image) -> None:
    lat("contsub", "cube.fits", "a.fits", "--channels", "0~1;4", "--order", "1", "--continuum", "b.fits")
    line, continuum = cube.contsub("0~1;4", 1)
    same("a.fits", line)
    same("b.fits", continuum)
    lat("contsub", "cube.fits", "c.fits", "--dim", "y", "--box", "0,0,5,5")
    same("c.fits", cube[:, :6, :6].contsub(dim="y").line)
    assert "no channel 9" in lat("contsub", "cube.fits", "d.fits", "--channels", "9", status=1).output


def test_pbcor(cube: Image) -> None:
    pb = Image(np.abs(VALUES[0]) + 0.1, wcs={k: v for k, v in CARDS.items() if k[-1] != "3"}).save("pb.fits")
    lat("pbcor", "cube.fits", "pb.fits", "a.fits", "--cutoff", "0.5")
    same("a.fits", cube.pbcor(pb, cutoff=0.5))
    lat("pbcor", "cube.fits", "pb.fits", "b.fits", "--mode", "multiply")
    same("b.fits", cube.pbcor(pb, "multiply"))


def test_pv(cube: Image) -> None:
    lat("pv", "cube.fits", "a.fits", "--points", "2,3 8,9", "--width", "3", "--unit", "arcmin")
    same("a.fits", cube.pv([(2, 3), (8, 9)], 3, unit="arcmin"))
    lat("pv", "cube.fits", "b.fits", "--center", "10deg,20deg", "--length", "4arcsec", "--pa", "30deg")
    same("b.fits", cube.pv(center=("10deg", "20deg"), length="4arcsec", pa="30deg"))
    assert "write X,Y" in lat("pv", "cube.fits", "c.fits", "--points", "2 3", status=2).output


def test_mosaic(cube: Image) -> None:
    other = Image(VALUES + 1, wcs=CARDS | {"CRPIX1": 8.0}, unit="Jy/beam", beam=(2 * SEC, 2 * SEC, 0)).save(
        "b.fits"
    )
    lat("mosaic", "a.fits", "cube.fits", "b.fits", "--weights", "2,1")
    same("a.fits", Image.mosaic([cube, other], weights=[2, 1]))
    lat("mosaic", "c.fits", "cube.fits", "b.fits", "--template", "cube.fits", "--weights", "cube.fits,b.fits")
    same("c.fits", Image.mosaic([cube, other], cube, weights=[cube, other]))
    assert (
        "1 weights for 2" in lat("mosaic", "d.fits", "cube.fits", "b.fits", "--weights", "1", status=1).output
    )


def test_names_that_casa_and_others_know(cube: Image) -> None:
    moved = CARDS | {"CDELT1": -1.5 * SEC, "CRVAL3": 1.001e9}
    other = Image(np.zeros((3, 8, 8), "f4"), wcs=moved).save("t.fits")
    lat("moments", "cube.fits", "m.fits", "--moments", "0,1", "--axis", "frequency", "--includepix", "0,10")
    same("m.integrated.fits", cube.moment(0, include=(0, 10)))
    same("m.weighted_coord.fits", cube.moment(1, include=(0, 10)))
    lat("moments", "cube.fits", "max.fits", "--moments", "max", "--doppler", "TRUE")
    same("max.fits", cube.moment("max"))
    lat("rebin", "cube.fits", "r.fits", "--factor", "5,2", "--function", "max", "--crop")
    same("r.fits", cube.rebin({"x": 5, "y": 2}, "max", crop=True))
    lat("transpose", "cube.fits", "o.fits", "--order", "120")
    same("o.fits", cube.transpose("120"))
    lat("collapse", "cube.fits", "c.fits", "--function", "xmadm", "--axes", "y,x")
    same("c.fits", cube.collapse("xmadm", ("y", "x")))
    velocities = ["--axes", "frequency", "--asvelocity", "--interpolation", "cubic"]
    lat("regrid", "cube.fits", "t.fits", "v.fits", *velocities)
    same("v.fits", cube.regrid(other, "frequency", velocity="radio", method="cubic"))
    lat("smooth", "cube.fits", "s.fits", "--kernel", "common")
    same("s.fits", cube.smooth_to("common"))
    lat("smooth", "cube.fits", "b.fits", "--along", "x=3", "--kernel", "box")
    same("b.fits", cube.smooth_along(x=3, kernel="boxcar"))
    lat("contsub", "cube.fits", "l.fits", "--fitchans", "0~1", "--fitorder", "1", "--contfile", "k.fits")
    same("k.fits", cube.contsub("0~1", 1).continuum)
    lat("pv", "cube.fits", "p.fits", "--start", "2,3", "--end", "8,9")
    same("p.fits", cube.pv([(2, 3), (8, 9)]))
    lat("subimage", "cube.fits", "u.fits", "--chans", "2", "--dropdeg")
    same("u.fits", cube[2])


@pytest.mark.parametrize(
    ("words", "args"),
    [
        ("say DIM=N", ["rebin", "cube.fits", "x.fits"]),
        ("4 factors for an image", ["rebin", "cube.fits", "x.fits", "--factor", "2,2,2,2"]),
        ("say one order", ["transpose", "cube.fits", "x.fits", "120", "--order", "012"]),
        ("say --points, or both", ["pv", "cube.fits", "x.fits", "--start", "2,3"]),
        ("there is one OUT", ["moments", "cube.fits", "x.fits", "y.fits", "--moments", "0"]),
        ("say one function", ["collapse", "cube.fits", "x.fits", "max"]),
        ("there is no moment 44", ["moments", "cube.fits", "x.fits", "--moments", "0,44"]),
    ],
)
def test_wrong_usage_is_told(words: str, args: list[str]) -> None:
    found = CliRunner().invoke(commands, args, prog_name="lattice")
    assert found.exit_code in (1, 2)
    assert words in found.output
    assert not Path("x.fits").exists()
