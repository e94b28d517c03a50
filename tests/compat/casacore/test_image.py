"""The image class where python-casacore cannot be compared with: what it cannot do, and errors it hides."""

from __future__ import annotations

import os
import shutil
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lattice
from lattice.compat.casacore.images import image
from lattice.errors import LatticeError
from lattice.image import Image

RAMP = np.arange(12, dtype="f4").reshape(4, 3)


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


# -- attribute groups -----------------------------------------------------------------------------------


def filled(im: image) -> image:
    im.attrcreategroup("g")
    im.attrput("g", "count", 0, 3)
    im.attrput("g", "flux", 0, 1.5, "Jy")
    im.attrput("g", "name", 0, "a")
    im.attrput("g", "place", 0, np.array([1.0, 2.0]), ["rad", "rad"], ["direction", "J2000"])
    im.attrput("g", "flux", 1, 2, "MHz")
    im.attrput("g", "place", 2, [3.0])
    return im


@pytest.mark.parametrize("name", ["", "a.im"])
def test_attribute_groups_work_on_new_images(name: str) -> None:
    im = filled(image(name, values=RAMP))
    for one in (im, im.subimage([0], [1]), *([image(name)] if name else [])):
        assert one.attrgroupnames() == ["g"]
        assert one.attrnames("g") == ["count", "flux", "name", "place"]
        assert one.attrnrows("g") == 3
        assert one.attrgetcol("g", "flux") == [1.5, 2.0, 0.0]
        assert one.attrgetcol("g", "count") == [3, 0, 0]
        assert one.attrget("g", "name", 1) == ""
        np.testing.assert_array_equal(one.attrget("g", "place", 0), [1, 2])
        assert one.attrget("g", "place", 1).size == 0
        np.testing.assert_array_equal(one.attrgetrow("g", 2)["place"], [3])
        assert one.attrgetrow("g", "flux", 2.0)["name"] == ""
        assert one.attrfindrows("g", "name", "") == [1, 2]
        assert one.attrgetunit("g", "flux") == ["Jy"]
        assert one.attrgetunit("g", "name") == one.attrgetmeas("g", "name") == []
        assert one.attrgetmeas("g", "place") == ["direction", "J2000"]


def test_attribute_groups_are_saved() -> None:
    filled(image("", values=RAMP)).saveas("b.im")
    assert image("b.im").attrgetcol("g", "flux") == [1.5, 2.0, 0.0]
    image("b.im").subimage([0], [1]).saveas("c.im")
    assert image("c.im").attrgroupnames() == ["g"]


def test_errors_of_attribute_groups() -> None:
    im = filled(image("", values=RAMP))
    for call in (
        lambda: im.attrcreategroup("g"),
        lambda: im.attrnames("h"),
        lambda: im.attrget("g", "nothing", 0),
        lambda: im.attrget("g", "flux", 3),
        lambda: im.attrgetrow("g", 7),
        lambda: im.attrput("g", "flux", 9, 1.0),
        lambda: im.attrput("g", "flux", 0, "text"),
        lambda: im.attrput("g", "flux", 0, [1.0]),
        lambda: im.attrput("g", "place", 0, 1.0),
        lambda: im.attrput("g", "place", 0, ["a"]),
        lambda: image("$im + 1").attrcreategroup("h"),
    ):
        with pytest.raises(RuntimeError):
            call()
    with pytest.raises(IndexError, match="no row"):
        im.attrgetrow("g", "flux", 99.0)
    with pytest.raises(IndexError, match="2 rows"):
        im.attrgetrow("g", "name", "")
    with pytest.raises(AssertionError):
        im.attrput("g", "new", 0, 1.0, [], ["direction"])
    assert "new" not in im.attrnames("g")
    with pytest.raises(TypeError):
        im.attrput("g", "new", 0, {"a": 1})


# -- descriptions -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["", "a.im"])
def test_descriptions_can_be_changed(name: str) -> None:
    im = image(name, values=np.zeros((2, 3, 4, 5), "f4"))
    im.setunit("Jy/beam")
    im.addhistory("a line")
    quantity = {"value": 2.0, "unit": "arcsec"}
    beam = {"major": quantity, "minor": quantity, "positionangle": {"value": 10.0, "unit": "deg"}}
    im.setimageinfo({"imagetype": "Optical Depth", "objectname": "M31", "restoringbeam": beam})
    im.setmiscinfo({"a": 1, "b": {"c": np.arange(3.0)}})
    cs = im.coordinates()
    cs["direction"].set_referencevalue([10.0, 20.0])
    cs.dict()["telescope"] = "VLA"
    im.setcoordinates(cs)
    for one in (im, *([image(name)] if name else [])):
        assert one.unit() == "Jy/beam"
        assert one.history()[-1] == "a line"
        assert one.imageinfo()["objectname"] == "M31"
        assert one.imageinfo()["imagetype"] == "Optical Depth"
        assert one.imageinfo()["restoringbeam"]["major"]["value"] == pytest.approx(2.0)
        assert list(one.miscinfo()) == ["a", "b"]
        np.testing.assert_array_equal(one.miscinfo()["b"]["c"], [0, 1, 2])
        assert list(one.coordinates()["direction"].get_referencevalue()) == [10.0, 20.0]
        assert one.coordinates().get_telescope() == "VLA"
        assert one.coordinates().get_observer() == "Karl Jansky"
    im.setmiscinfo({"d": "text"})
    assert im.miscinfo() == {"d": "text"}
    assert im.imageinfo()["objectname"] == "M31"
    assert im.info()["unit"] == "Jy/beam"


def test_descriptions_go_with_the_pixels() -> None:
    im = image("", values=np.zeros((4, 5), "f4"))
    im.setunit("K")
    im.saveas("a.im")
    image("$im + 1").saveas("b.im")
    im.subimage([0], [2], [2]).saveas("c.im")
    for name in ("a.im", "b.im", "c.im"):
        assert image(name).unit() == "K"
        assert image(name).coordinates().get_names() == ["direction"]
    assert list(image("c.im").coordinates().get_increment()[0]) == [2.0, -1.0]


# -- what casacore cannot do, or does wrongly --------------------------------------------------------


def test_statistics_of_doubles() -> None:
    values = np.random.default_rng(0).normal(size=(4, 30))
    found = image("", values=values).statistics()
    assert found["mean"][0] == pytest.approx(values.mean())
    assert found["median"][0] == pytest.approx(np.median(values))


def test_truth_values_as_an_expression() -> None:
    im = image("", values=RAMP)
    found = image("$im > 3")
    np.testing.assert_array_equal(found.getdata(), RAMP > 3)
    assert found.datatype() == "Bool"
    assert im.datatype() == "float"


def test_big_endian_values() -> None:
    im = image("", values=RAMP.astype(">f4"))
    np.testing.assert_array_equal(im.getdata(), RAMP)
    im.putdata(RAMP.astype(">f8") * 2)
    np.testing.assert_array_equal(im.getdata(), RAMP * 2)


@pytest.mark.filterwarnings("ignore:the joined:lattice.errors.LatticeWarning")
def test_joined_masks_are_written_through() -> None:
    a, b = (image("", values=np.ma.MaskedArray(RAMP, n > RAMP)) for n in (1, 2))
    joined = image([a, b])
    joined.putmask(np.array([True, False, True]), [2, 2])
    assert a.getmask([2, 0], [2, 2]).tolist() == [[False, False, True]]
    assert b.getmask([2, 0], [2, 2]).tolist() == [[False, True, False]]


def test_expression_follows_files_and_images() -> None:
    a, b = image("a.im", values=RAMP), image("", values=RAMP)
    x = image("'a.im' + $b - mean($b)")
    np.testing.assert_allclose(x.getdata(), RAMP * 2 - 5.5)
    a.putdata(RAMP + 1)
    b.putdata(RAMP * 2)
    np.testing.assert_allclose(x.getdata(), RAMP * 3 + 1 - 11)
    again = image("$x * 2")
    b.putmask(RAMP > 3)
    np.testing.assert_array_equal(x.getmask(), RAMP > 3)
    np.testing.assert_array_equal(again.getmask(), RAMP > 3)
    np.testing.assert_allclose(again.get()[0, 0], 2 * (1 - 3))


def test_variables_of_any_function_up_the_stack() -> None:
    inner = image("", values=RAMP)
    shape, values, name = 2.0, 3.0, "'"  # names that the class itself uses

    def call() -> image:
        return image("$inner * $shape + $values")

    np.testing.assert_allclose(call().getdata(), inner.getdata() * shape + values)
    assert name == "'"


def test_every_format_opens() -> None:
    original = Image(RAMP, unit="K", mask=RAMP > 2)
    for name, kind in (("a.fits", "FITSImage"), ("a.zarr", "ZarrImage"), ("a.npy", "NpyImage")):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what an array file leaves out
            original.save(name)
        found = image(name)
        np.testing.assert_array_equal(found.getdata()[1:], RAMP[1:])
        assert found.imagetype() == kind
        assert found.name() == os.path.abspath(name)
        assert found.haslock(True)
        assert found.coordinates().get_names()
        assert len(found.toworld([1, 1])) == 2
        with pytest.raises(RuntimeError, match="cannot be written"):
            found.putdata(RAMP)


def test_errors_keep_the_place_in_the_text_and_both_causes() -> None:
    im = image("", values=RAMP)  # noqa: F841 - found by name
    with pytest.raises(RuntimeError) as caught:
        image("$im + sinn($im)")
    assert isinstance(caught.value, LatticeError)
    assert "sinn" in str(caught.value)
    assert "^" in str(caught.value)
    Path("broken.fits").write_bytes(b"SIMPLE  =                    T" + b" " * 50)
    with pytest.raises(RuntimeError, match=r"broken\.fits.*;"):
        image("broken.fits")


def test_wrong_arguments() -> None:
    im = image("", values=RAMP)
    for call in (
        lambda: im.getdata("ab"),
        lambda: im.statistics("a"),
        lambda: im.statistics(minmaxvalues="a"),
        lambda: image("$1", images=[3]),
        lambda: im.putmask(np.array([0.5])),
        lambda: im.toworld("ab"),
        lambda: image("", shape=[2.5, 2]),
        lambda: image([im], axis=1.5),
    ):
        with pytest.raises(TypeError):
            call()
    for call in (
        lambda: im.statistics(minmaxvalues=[1, 2, 3]),
        lambda: im.saveas(""),
        lambda: image("", values=np.zeros((0, 3), "f4")),
        lambda: im.putdata(np.zeros((0, 3))),
        lambda: image("a", shape=[4, 4], tileshape=[3]),
        lambda: im.saveas("a.im", newtileshape=[1, 2, 3]),
        lambda: im.toworld([1e300, 1]),
    ):
        with pytest.raises(RuntimeError):
            call()


def test_saving_keeps_what_there_is_to_keep() -> None:
    im = image("a.im", values=np.ma.MaskedArray(RAMP, RAMP > 5), maskname="one")
    im.saveas("b.im", newmaskname="two")
    assert lattice.open("b.im").default_mask == "two"
    assert list(lattice.open("b.im").masks) == ["two"]
    image("float('a.im'['a.im' > 2])").saveas("c.im", newmaskname="three")
    assert lattice.open("c.im").default_mask == "three"
    im.saveas("d.im", copymask=False)
    assert not lattice.open("d.im").masks
    lattice.open("a.im").add_mask("more", RAMP > 1).save("e.im")
    image("e.im").saveas("f.im")
    assert set(lattice.open("f.im").masks) == {"one", "more"}
    im.saveas("a.im")  # over itself
    np.testing.assert_array_equal(im.getdata(), RAMP)


def test_view(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    im = image("", values=np.random.default_rng(0).normal(size=(2, 3, 16, 16)).astype("f4"))
    assert im.view().axes
    im.view("picture.png")
    assert Path("picture.png").stat().st_size > 1000


def test_other_files_are_not_replaced() -> None:
    Path("notes.txt").write_text("mine")
    Path("folder").mkdir()
    Path("folder/file").write_text("mine")
    for name in ("notes.txt", "folder"):
        for call in (
            lambda n=name: image(n, shape=[2, 3]),
            lambda n=name: image("", shape=[2, 3]).saveas(n),
            lambda n=name: image("", shape=[2, 3]).saveas(n, hdf5=True),
            lambda n=name: image("", shape=[2, 3]).tofits(n),
        ):
            with pytest.raises(RuntimeError, match="not replaced"):
                call()
    assert Path("notes.txt").read_text() == Path("folder/file").read_text() == "mine"


def test_a_file_that_is_gone() -> None:
    im = image("a.im", values=RAMP)
    im.putdata(RAMP)
    shutil.rmtree("a.im")
    for call in (im.getdata, im.statistics, lambda: im.putdata(RAMP), lambda: im.putmask(RAMP > 3)):
        with pytest.raises(RuntimeError):
            call()


def test_condition_on_a_file() -> None:
    image("a.im", values=RAMP)
    np.testing.assert_array_equal(image("a.im[a.im > 3]").getmask(), RAMP <= 3)


def test_text_and_length() -> None:
    im = image("a.im", values=RAMP)
    assert (str(im), len(im), im.size(), im.hasmask()) == ("a.im", 12, 12, False)
    assert image(im).name() == im.name()
    part: Any = im.subimage([0], [1])
    assert (str(part), part.name(), part.imagetype()) == ("a.im", im.name(), "SubImage")


def test_home_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    image("~/a.im", values=RAMP)
    assert Path("a.im").is_dir()
    np.testing.assert_array_equal(image("~/a.im").getdata(), RAMP)


def test_hdf5_files() -> None:
    pytest.importorskip("h5py")
    im = image("a.h5", values=np.ma.MaskedArray(RAMP, RAMP > 9), ashdf5=True, tileshape=[2, 3])
    assert (im.imagetype(), im.ispersistent(), im.haslock(True)) == ("HDF5Image", True, True)
    im.put(np.ma.MaskedArray(RAMP * 2, RAMP > 7))
    im.subimage([1], [1]).putdata(np.array([1.0, 2.0]), [1])
    expected = RAMP * 2
    expected[1, 1:] = 1, 2
    for one in (im, image("a.h5")):
        np.testing.assert_array_equal(one.getdata(), expected)
        np.testing.assert_array_equal(one.getmask(), RAMP > 7)
        assert one.coordinates().get_names() == ["direction"]
        assert one.coordinates().get_telescope() == "ALMA"
    bare = image("", values=RAMP)
    bare.saveas("b.h5", hdf5=True)
    bare = image("b.h5")
    bare.putmask(RAMP > 3)
    bare.setunit("Jy")
    bare = filled(bare)
    again = image("b.h5")
    np.testing.assert_array_equal(again.getmask(), RAMP > 3)
    assert again.unit() == "Jy"
    assert again.attrgetcol("g", "flux")[:2] == [1.5, 2.0]
