"""What the tools promise beyond the results of single calls."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lattice.compat.casa import image, installing, regionmanager
from lattice.compat.casa.errors import ArgumentError, CasaError
from lattice.compat.mutable import Derived
from tests import casa_inputs


@pytest.fixture
def cube(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> image:
    casa_inputs.make(tmp_path)
    monkeypatch.chdir(tmp_path)
    ia = image()
    ia.fromfits("cube.im", "cube.fits")
    return ia


def test_virtual_images_see_edits_of_their_files(cube: image) -> None:
    part = cube.subimage(region=regionmanager().box([1, 1, 1], [3, 3, 3]))
    twice = image().imagecalc(pixels="'cube.im' * 2")
    small = part.rebin("", [3, 3, 3])
    cube.set(pixels=7.0)
    assert (part.getchunk() == 7).all()
    assert (twice.getchunk() == 14).all()
    assert small.getchunk().item() == 7


def test_results_without_outfile_write_nothing(cube: image, tmp_path: Path) -> None:
    before = sorted(os.listdir(tmp_path))
    made = [
        cube.subimage(),
        cube.transpose(order="210"),
        cube.rebin("", [2, 2]),
        cube.convolve2d(major="6arcsec", minor="5arcsec", pa="0deg"),
        cube.moments(moments=[0]),
        cube.collapse("max", [2]),
        image().imagecalc(pixels="'cube.im' + 1"),
    ]
    assert all(isinstance(tool._pixels, Derived) for tool in made)
    assert all(tool.shape().size for tool in made)
    assert sorted(os.listdir(tmp_path)) == before


def test_virtual_images_are_written_by_subimage(cube: image) -> None:
    virtual = image().imagecalc(pixels="'cube.im' * 2")
    written = virtual.subimage("twice.im")
    assert written.ispersistent()
    np.testing.assert_array_equal(written.getchunk(), virtual.getchunk())


@pytest.mark.parametrize(
    "edit",
    [
        lambda tool: tool.set(pixels=1.0),
        lambda tool: tool.putchunk(np.ones((1, 1, 1))),
        lambda tool: tool.calc("1.0"),
        lambda tool: tool.calcmask("T"),
        lambda tool: tool.setbrightnessunit("K"),
        lambda tool: tool.maskhandler("delete", "mask0"),
    ],
)
def test_edits_are_refused_where_nothing_can_be_written(cube: image, edit: Any) -> None:
    file = image()
    file.open("cube.fits")
    for tool in (file, cube.subimage()):
        with pytest.raises(CasaError, match="cannot be written"):
            edit(tool)


def test_arguments_are_checked(cube: image) -> None:
    with pytest.raises(ArgumentError, match="outfile is a text"):
        cube.subimage(outfile=3)
    with pytest.raises(TypeError, match="nosuch"):
        cube.subimage(nosuch=3)
    with pytest.raises(ArgumentError, match="dropdeg is True or False"):
        cube.subimage(dropdeg="yes")
    with pytest.raises(AttributeError, match=r"image\.fitcomponents is not served"):
        cube.fitcomponents()
    with pytest.raises(CasaError, match="may be madm, max"):
        cube.collapse("m", [0])
    with pytest.raises(CasaError, match="not attached"):
        image().getchunk()


def test_history_tells_calls(cube: image) -> None:
    part = cube.subimage("o.im", dropdeg=True)
    assert part.history(False)[-4:-2] != []
    line = next(text for text in part.history(False) if text.startswith("ia.subimage"))
    assert 'outfile="o.im"' in line
    assert "dropdeg=true" in line
    cube.dohistory(False)
    assert not any("subimage" in text for text in cube.subimage().history(False)[-2:])


SCRIPT = """
import sys
from casatools import image, regionmanager
from casatasks import imstat, imsubimage
ia.fromfits("cube.im", "cube.fits")
assert imstat("cube.im")["npts"][0] == 935
imsubimage("cube.im", "part.im", box="1,1,4,4")
tool = image()
tool.open("part.im")
print(*tool.shape(), sys.argv[1])
try:
    tool.fitcomponents()
except AttributeError:
    pass
"""


def test_scripts_run_unchanged(cube: image, tmp_path: Path) -> None:
    cube.remove()
    (tmp_path / "script.py").write_text(SCRIPT)
    command = [sys.executable, "-m", "lattice.compat.casa", "script.py", "word"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["4", "4", "8", "word"]
    assert "not served: image.fitcomponents (1)" in done.stderr


def test_install_and_back(monkeypatch: pytest.MonkeyPatch) -> None:
    installing.install(replace=True)
    try:
        import casatasks
        import casatools

        assert casatools.image is image
        with pytest.raises(AttributeError, match="has no 'nothing' here; it has"):
            casatasks.nothing  # noqa: B018 - the attribute is what is tested
    finally:
        installing.uninstall()
    assert "casatools" not in sys.modules


@pytest.mark.filterwarnings("ignore::lattice.errors.LatticeWarning")
@pytest.mark.parametrize(
    "kind",
    [{"velocity": True}, {"velocity": True, "optical": False}, {"wavelength": True}, {"airwavelength": True}],
)
def test_spectral_axes_count_frequencies_whatever_their_labels(cube: image, kind: dict[str, bool]) -> None:
    cube.tofits("o.fits", **kind)
    other = image().newimage("o.fits")
    world = other.toworld([3, 4, 5])["numeric"]
    assert world[2] == pytest.approx(1.4205e9, rel=1e-6)
    np.testing.assert_allclose(other.topixel(world)["numeric"], [3, 4, 5], atol=1e-6)
    place = other.coordmeasures([3, 4, 5])["measure"]["spectral"]["frequency"]["m0"]
    assert place == {"value": pytest.approx(world[2]), "unit": "Hz"}


def test_smoothed_images_decide_on_moments_and_can_be_kept(cube: image) -> None:
    made = cube.moments(
        [0], smoothaxes=[2], smoothtypes=["gauss"], smoothwidths=[2], includepix=[0.1, 9], smoothout="s.im"
    )
    smoothed = cube.sepconvolve(axes=[2], types=["gauss"], widths=[2])
    kept = image().newimage("s.im")
    np.testing.assert_array_equal(kept.getchunk(getmask=True), smoothed.getchunk(getmask=True))
    good = smoothed.getchunk(getmask=True)
    inside = good & (smoothed.getchunk() >= 0.1)
    values = np.where(inside, cube.getchunk(), 0).sum(axis=2)
    mine = made.getchunk()
    ratio = mine[inside.any(axis=2)] / values[inside.any(axis=2)]
    np.testing.assert_allclose(ratio, ratio[0], rtol=1e-5)
    with pytest.raises(CasaError, match="smoothaxes"):
        cube.moments([0], smoothout="t.im")
    with pytest.raises(CasaError, match="windows and fits"):
        cube.moments([0], method=["window"])
