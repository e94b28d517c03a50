"""The same calls on python-casacore and on the classes in its place: equal results, or errors of one kind."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lattice.compat.casacore.images import image as ours

theirs = pytest.importorskip("casacore.images").image

pytestmark = pytest.mark.oracle

Call = Callable[[Any], Any]
ERRORS = (AssertionError, IndexError, ValueError, TypeError, RuntimeError)

RAMP = np.arange(12, dtype="f4").reshape(4, 3)
NOISE = np.random.default_rng(5).normal(size=(3, 4, 60)).astype("f4")
HOLES = np.random.default_rng(6).random((3, 4, 60)) < 0.3


def kind_of(error: BaseException) -> type:
    """Return the builtin class that scripts catch it by."""
    return next(k for k in ERRORS if isinstance(error, k))


def run(cls: Any, call: Call, folder: Path) -> Any:
    folder.mkdir(exist_ok=True)
    old = os.getcwd()
    os.chdir(folder)
    try:
        return call(cls)
    except ERRORS as error:
        return kind_of(error)
    finally:
        os.chdir(old)


def same(a: Any, b: Any, where: str = "", tolerance: float = 0.0) -> None:
    """Check that two results are the same, down to the types."""
    if isinstance(a, np.ma.MaskedArray):
        assert isinstance(b, np.ma.MaskedArray), where
        same(np.ma.getmaskarray(a), np.ma.getmaskarray(b), where + ".mask")
        a, b = a.data, b.data
    if isinstance(a, np.ndarray):
        assert isinstance(b, np.ndarray), (where, a, b)
        assert (a.shape, a.dtype) == (b.shape, b.dtype), (where, a, b)
        if a.dtype.kind in "fc":
            np.testing.assert_allclose(b, a, rtol=tolerance, atol=tolerance * 1e-3, err_msg=where)
        else:
            np.testing.assert_array_equal(b, a, err_msg=where)
    elif isinstance(a, dict):
        assert set(a) == set(b), where
        for key in a:
            same(a[key], b[key], f"{where}[{key!r}]", tolerance)
    elif isinstance(a, list | tuple):
        assert type(a) is type(b), (where, a, b)
        assert len(a) == len(b), (where, a, b)
        for i, (x, y) in enumerate(zip(a, b, strict=True)):
            same(x, y, f"{where}[{i}]", tolerance)
    elif isinstance(a, float) and isinstance(b, float):
        assert b == pytest.approx(a, rel=tolerance, abs=tolerance * 1e-3, nan_ok=True), where
    else:
        whole = (int, np.integer)  # numpy's or Python's
        assert type(a) is type(b) or (isinstance(a, whole) and isinstance(b, whole)), (where, a, b)
        assert a == b, where


def compare(call: Call, tmp_path: Path, tolerance: float = 0.0) -> None:
    same(run(theirs, call, tmp_path / "theirs"), run(ours, call, tmp_path / "ours"), "", tolerance)


def temp(cls: Any, values: np.ndarray = RAMP, **more: Any) -> Any:
    return cls("", values=values, **more)


def after(cls: Any, change: Callable[[Any], Any], values: np.ndarray = RAMP) -> Any:
    im = temp(cls, values)
    change(im)
    return im.get()


CORNERS: list[tuple[Any, ...]] = [
    (),
    (1,),
    ([1],),
    ((1, 2),),
    ([0, 0], [2, 1]),
    (0, 2, 2),
    ([-3, -1],),
    ([0], [-2]),
    ([0, 0], [-2, -3]),
    ([0, 0], [-9, -2]),
    ([0, 0], [3, 2], [0, 2]),
    ([0, 0], [3, 2], [-1, 2]),
    ([4, 0],),
    ([0, 0], [4, 2]),
    ([2, 0], [1, 2]),
    ([0, 0, 0],),
    (np.int64(1),),
    ([np.int64(1), 0],),
    (np.array([0, 0]),),
    (1.0,),
    ([1.0, 0.0],),
    ("a",),
    (True,),
    (None,),
]


@pytest.mark.parametrize("corners", CORNERS, ids=repr)
def test_cuts(corners: tuple[Any, ...], tmp_path: Path) -> None:
    masked = np.ma.MaskedArray(RAMP, RAMP > 7)
    compare(lambda cls: temp(cls).getdata(*corners), tmp_path)
    compare(lambda cls: temp(cls, masked).getmask(*corners), tmp_path)
    compare(lambda cls: temp(cls, masked).get(*corners), tmp_path)
    compare(lambda cls: temp(cls, masked).subimage(*corners).get(), tmp_path)


PUTS: dict[str, Callable[[Any], Any]] = {
    "whole": lambda im: im.putdata(RAMP + 1),
    "double": lambda im: im.putdata(np.full((4, 3), 1.1)),
    "list": lambda im: im.putdata([1, 2]),
    "number": lambda im: im.putdata(7),
    "float": lambda im: im.putdata(7.5),
    "numpy number": lambda im: im.putdata(np.float64(4)),
    "row": lambda im: im.putdata(np.array([1, 2, 3])),
    "piece": lambda im: im.putdata(np.array([8, 9]), [1, 1]),
    "no axes": lambda im: im.putdata(np.array(3.0)),
    "stride": lambda im: im.putdata(np.zeros((2, 2)), [0, 0], [0, 0], [2, 2]),
    "negative corner": lambda im: im.putdata(np.full((1, 1), 5), [-1, -1]),
    "too large": lambda im: im.putdata(np.zeros((5, 3))),
    "beyond": lambda im: im.putdata(np.zeros((4, 3)), [1, 0]),
    "stride beyond": lambda im: im.putdata(np.zeros((2, 2)), [1, 0], [0, 0], [3, 2]),
    "too many axes": lambda im: im.putdata(np.zeros((1, 4, 3))),
    "complex": lambda im: im.putdata(np.zeros((4, 3), complex)),
    "complex number": lambda im: im.putdata(1j),
    "truth": lambda im: im.putdata(np.ones((4, 3), bool)),
    "text": lambda im: im.putdata(np.array(["a"])),
    "masked": lambda im: im.put(np.ma.MaskedArray(RAMP, RAMP > 5)),
    "masked without": lambda im: im.put(np.ma.MaskedArray(RAMP)),
    "plain": lambda im: im.put(RAMP * 2),
    "mask": lambda im: im.putmask(RAMP > 5),
    "mask, nothing bad": lambda im: im.putmask(RAMP > 50),
    "mask of ints": lambda im: im.putmask(np.zeros((4, 3), int)),
    "mask part": lambda im: im.putmask(np.ones((2, 2), bool), [1, 1]),
    "mask row": lambda im: im.putmask(np.ones(3, bool), [3, 0]),
    "mask list": lambda im: im.putmask([True]),
    "mask too large": lambda im: im.putmask(np.ones((5, 3), bool)),
    "mask back": lambda im: (im.putmask(RAMP > 5), im.putmask(np.zeros((4, 3), bool))),
}


@pytest.mark.parametrize("name", PUTS)
def test_puts(name: str, tmp_path: Path) -> None:
    compare(lambda cls: after(cls, PUTS[name]), tmp_path)


MAKINGS: dict[str, Call] = {
    f"type {t}": lambda cls, t=t: (lambda im: (im.datatype(), im.getdata()))(temp(cls, np.ones((2, 2), t)))
    for t in ("i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8", "c8", "c16", "?", "U3")
} | {
    "no axes": lambda cls: temp(cls, np.array(1.0)).shape(),
    "transposed": lambda cls: temp(cls, np.arange(6.0).reshape(2, 3).T).getdata(),
    "values and shape": lambda cls: temp(cls, RAMP, shape=[4, 3]).shape(),
    "type of number": lambda cls: cls("", values=np.float64(2), shape=[2, 2]).get(),
    "type of a Python number": lambda cls: cls("", values=3.0, shape=[2, 2]).datatype(),
    "type of an integer": lambda cls: cls("", values=np.int32(3), shape=[2, 2]).datatype(),
    "truth as type": lambda cls: cls("", values=np.bool_(True), shape=[2, 2]).datatype(),
    "shape": lambda cls: (lambda im: (im.shape(), im.ndim(), im.size(), len(im)))(cls("", shape=(5, 2))),
    "shape of one number": lambda cls: cls("", shape=5).shape(),
    "shape array": lambda cls: cls("", shape=np.array([5, 2])).shape(),
    "shape of none": lambda cls: cls("", shape=()).shape(),
    "shape with 0": lambda cls: cls("", shape=(5, 0)).shape(),
    "mask": lambda cls: temp(cls, RAMP, mask=RAMP > 5).get(),
    "mask list": lambda cls: temp(cls, RAMP, mask=[True]).get(),
    "mask of another shape": lambda cls: temp(cls, RAMP, mask=np.array([[True, False]])).get(),
    "mask name only": lambda cls: temp(cls, RAMP, maskname="m").get(),
    "masked array": lambda cls: temp(cls, np.ma.MaskedArray(RAMP.astype("f8"), RAMP > 5)).get(),
    "a number": lambda cls: cls(3),
    "nothing": lambda cls: cls([]),
    "no name": lambda cls: cls(""),
    "numbers": lambda cls: cls([1, 2]),
    "names and images": lambda cls: cls([temp(cls), "a"]),
    "no file": lambda cls: cls("nothere.im"),
    "no image": lambda cls: cls("/etc/passwd"),
    "a folder": lambda cls: cls("/tmp"),
    "copy": lambda cls: (lambda im: (im.imagetype(), im.name(), im.getdata()))(cls(temp(cls))),
    "what it is": lambda cls: (lambda im: (im.imagetype(), im.name(), im.name(True), str(im)))(temp(cls)),
    "not a file": lambda cls: (lambda im: (im.ispersistent(), im.history(), im.haslock(True)))(temp(cls)),
    "locks of none": lambda cls: (lambda im: (im.lock(True), im.unlock(), im.haslock()))(temp(cls)),
}  # fmt: skip


@pytest.mark.parametrize("name", MAKINGS)
def test_makings(name: str, tmp_path: Path) -> None:
    compare(MAKINGS[name], tmp_path)


def told(im: Any) -> Any:
    return (im.shape(), im.imagetype(), im.name(), im.ispersistent(), im.datatype(), im.get())


def expression(cls: Any, text: str, values: np.ndarray = RAMP, **more: Any) -> Any:
    a = temp(cls, values)  # noqa: F841 - found by name
    n, word, yes = 3.0, "a b", True  # noqa: F841
    return told(cls(text, **more))


TEXTS = [
    "$a + $a",
    "$a * $n",
    "$a[$a > 3] * $(n + 1)",
    "$1 + $1",
    "sqrt($a)",
    "float(double($a) / 3)",
    "complex($a, $a)",
    "$a > 1 ? $a : 0",
    "iif($a > 1, $a, 0)",
    "$a - mean($a)",
    "1 + 1",
    "mean($a)",
    "$nothing + 1",
    "$a +",
    "$a + $word",
]


@pytest.mark.parametrize("text", TEXTS)
def test_expressions(text: str, tmp_path: Path) -> None:
    compare(lambda cls: expression(cls, text), tmp_path, 1e-6)


def test_expression_of_given_images(tmp_path: Path) -> None:
    for kind in (list, tuple):
        compare(lambda cls, kind=kind: cls("$1 + $2", images=kind([temp(cls), temp(cls)])).get(), tmp_path)
    compare(lambda cls: cls("$1 + $2", images=[temp(cls)]), tmp_path)


def test_expression_cannot_be_written(tmp_path: Path) -> None:
    def call(cls: Any, put: Any) -> Any:
        a = temp(cls)
        x = cls("$a + $a")
        a.putdata(RAMP * 3)
        locks = x.haslock(True), x.unlock()
        return put(x), x.getdata(), locks

    compare(lambda cls: call(cls, lambda x: None), tmp_path)
    compare(lambda cls: call(cls, lambda x: x.putdata(RAMP)), tmp_path)
    compare(lambda cls: call(cls, lambda x: x.putmask(RAMP > 3)), tmp_path)


JOINS: dict[str, Call] = {
    "last axis": lambda cls: told(cls([temp(cls), temp(cls)])),
    "first axis": lambda cls: told(cls((temp(cls), temp(cls)), axis=1)),
    "negative axis": lambda cls: cls([temp(cls), temp(cls)], axis=-1),
    "no such axis": lambda cls: cls([temp(cls), temp(cls)], axis=2),
    "types": lambda cls: cls([temp(cls), temp(cls, RAMP.astype("f8"))]),
    "shapes": lambda cls: cls([temp(cls), temp(cls, RAMP[:2])]),
    "other lengths": lambda cls: told(cls([temp(cls), temp(cls, RAMP[:2])], axis=1)),
    "one": lambda cls: told(cls([temp(cls)])),
    "masks": lambda cls: told(cls([temp(cls), temp(cls, np.ma.MaskedArray(RAMP, RAMP > 5))])),
    "no file": lambda cls: cls(["a", "b"]),
}


@pytest.mark.filterwarnings("ignore:the joined:lattice.errors.LatticeWarning")
@pytest.mark.parametrize("name", JOINS)
def test_joins(name: str, tmp_path: Path) -> None:
    compare(JOINS[name], tmp_path)


@pytest.mark.filterwarnings("ignore:the joined:lattice.errors.LatticeWarning")
def test_writes_through(tmp_path: Path) -> None:
    def joined(cls: Any) -> Any:
        a, b = (temp(cls, np.ma.MaskedArray(RAMP, n > RAMP)) for n in (1, 2))
        j = cls([a, b])
        j.putdata(np.arange(8.0).reshape(2, 4), [1, 1])
        return a.get(), b.get(), j.get()

    def cut(cls: Any, drop: bool) -> Any:
        a = temp(cls, np.ma.MaskedArray(NOISE, HOLES))
        s = a.subimage([1, 0, 3], [1, 3, 50], [1, 2, 3], drop)
        s.putdata(s.getdata() + 1)
        s.putmask(np.ones((1,) * (s.ndim() - 1) + (3,), bool))  # with fewer axes casacore fails here
        return a.get(), s.get(), s.shape(), s.imagetype(), s.name(), s.ispersistent()

    compare(joined, tmp_path)
    compare(lambda cls: cut(cls, True), tmp_path)
    compare(lambda cls: cut(cls, False), tmp_path)
    compare(lambda cls: temp(cls).subimage([0, 0], [1, 1]).putmask(np.ones((2, 2), bool)), tmp_path)
    compare(lambda cls: temp(cls).subimage([0, 0], [1, 1]).putmask(np.zeros((2, 2), bool)), tmp_path)
    compare(lambda cls: temp(cls).subimage([0, 0], [0, 1], (), False).shape(), tmp_path)
    compare(lambda cls: temp(cls).subimage([1, 1], [1, 1]).getdata(), tmp_path)


STATISTICS: list[dict[str, Any]] = [
    {},
    {"robust": False},
    {"axes": 0},
    {"axes": [1]},
    {"axes": (2,)},
    {"axes": [0, 2]},
    {"axes": [1, 2], "robust": False},
    {"axes": [0, 1, 2]},
    {"axes": np.array([2])},
    {"axes": [-1]},
    {"axes": [3]},
    {"axes": [0, 0]},
    {"minmaxvalues": [0.5]},
    {"minmaxvalues": 0.5},
    {"minmaxvalues": [-0.2, 1]},
    {"minmaxvalues": [1, -0.2]},
    {"minmaxvalues": [-0.2, 1], "exclude": True},
    {"minmaxvalues": [-0.2, 1], "axes": [2]},
    {"minmaxvalues": [50, 60]},
]


@pytest.mark.parametrize("arguments", STATISTICS, ids=repr)
@pytest.mark.parametrize("masked", [False, True])
def test_statistics(arguments: dict[str, Any], masked: bool, tmp_path: Path) -> None:
    values = np.ma.MaskedArray(NOISE, HOLES) if masked else NOISE
    compare(lambda cls: temp(cls, values).statistics(**arguments), tmp_path, 1e-5)


def test_statistics_of_odd_images(tmp_path: Path) -> None:
    compare(lambda cls: temp(cls, np.ma.MaskedArray(RAMP, RAMP >= 0)).statistics(), tmp_path)
    compare(lambda cls: temp(cls, np.ma.MaskedArray(RAMP, RAMP >= 0)).statistics(0), tmp_path)
    compare(lambda cls: temp(cls, np.ma.MaskedArray(RAMP, RAMP % 3 == 1)).statistics(0), tmp_path, 1e-6)
    compare(lambda cls: temp(cls).subimage([1, 0], [2, 2]).statistics(), tmp_path, 1e-6)
    long = np.random.default_rng(2).normal(size=(3, 200)).astype("f4")
    compare(lambda cls: temp(cls, long).statistics(1), tmp_path, 1e-6)
    compare(lambda cls: temp(cls, np.ones((2, 2), "c8")).statistics(), tmp_path)


SHAPES = [(5,), (4,), (1, 1), (5, 6), (7, 5, 6), (3, 5, 6), (5, 1, 5, 6), (3, 2, 7, 5, 6), (9, 7, 5, 6)]


def described(cs: Any) -> Any:
    parts = [cs.get_names(), cs.get_axes(), cs.get_unit(), cs.get_obsdate(), cs.get_observer()]
    parts += [
        cs.get_telescope(),
        cs.get_increment(),
        cs.get_referencepixel(),
        cs.get_referencevalue(),
        str(cs),
    ]
    for one in cs:
        count = len(one.dict().get("axes", [0]))
        parts += [[one.get_axis_size(k), one.get_image_axis(k)] for k in range(-count - 1, count + 1)]
    return parts


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_coordinates_of_new_images(shape: tuple[int, ...], tmp_path: Path) -> None:
    compare(lambda cls: described(cls("", shape=shape).coordinates()), tmp_path)
    compare(lambda cls: cls("", shape=shape).info(), tmp_path)
    first = (0,) * len(shape)
    last = tuple(n - 1 for n in shape)
    for pixel in (first, last):
        compare(lambda cls, p=pixel: cls("", shape=shape).toworld(p), tmp_path, 1e-12)
        compare(lambda cls, p=pixel: places(cls("", shape=shape), p), tmp_path, 1e-6)


def places(im: Any, pixel: Any) -> Any:
    return [round(v, 6) + 0.0 for v in im.topixel(im.toworld(pixel))]


def changed(cls: Any, change: Callable[[Any], Any], shape: Any = (2, 3, 4, 5)) -> Any:
    cs = cls("", shape=shape).coordinates()
    change(cs)
    made = cls("", shape=shape, coordsys=cs)
    record = made.coordinates().dict()
    record["direction0"].pop("latpole")  # casacore fills in what follows from the reference value
    world = [round(v, 9) + 0.0 for v in made.toworld([1, 1, 1, 1])]
    return described(cs), described(made.coordinates()), world, record


CHANGES: dict[str, Callable[[Any], Any]] = {
    "reference pixel": lambda cs: cs.set_referencepixel([1.0, np.array([0.0]), np.array([1.0, 2.0])]),
    "reference value": lambda cs: cs.set_referencevalue([1e9, np.array([1.0]), np.array([30.0, 40.0])]),
    "increment": lambda cs: cs.set_increment([1e6, np.array([1.0]), np.array([0.5, -0.5])]),
    "projection": lambda cs: cs["direction"].set_projection("tan"),
    "unknown projection": lambda cs: cs["direction"].set_projection("XYZ"),
    "unknown frame": lambda cs: cs["direction"].set_frame("XYZ"),
    "unknown spectral frame": lambda cs: cs["spectral"].set_frame("XYZ"),
    "too many pixels": lambda cs: cs["direction"].set_referencepixel([1, 2, 3]),
    "no such coordinate": lambda cs: cs["linear"],
    "another coordinate": lambda cs: cs.set_coordinate("direction", cs["spectral"]),
    "the same coordinate": lambda cs: cs.set_coordinate("direction", cs["direction"]),
}


@pytest.mark.parametrize("name", CHANGES)
def test_changed_coordinates(name: str, tmp_path: Path) -> None:
    compare(lambda cls: changed(cls, CHANGES[name]), tmp_path, 1e-12)


def test_coordinates_are_a_copy(tmp_path: Path) -> None:
    def call(cls: Any) -> Any:
        im = cls("", shape=(4, 5))
        cs = im.coordinates()
        part = cs["direction"]
        part.set_referencepixel([7.0, 8.0])
        return cs.get_referencepixel(), im.coordinates().get_referencepixel()

    compare(call, tmp_path)


WORLDS: list[Any] = [[1, 2, 3], [1, 2], np.array([1.0, 2.0]), (1, 2), [[1, 2], [1, 2]], [1e9, 2], 1, "a"]


@pytest.mark.parametrize("point", WORLDS, ids=repr)
def test_points(point: Any, tmp_path: Path) -> None:
    compare(lambda cls: temp(cls).toworld(point), tmp_path, 1e-12)
    compare(lambda cls: temp(cls).topixel(point), tmp_path, 1e-6)


def test_polarizations(tmp_path: Path) -> None:
    for pixel in (-1, -0.4, 0.3, 0.5, 1.5, 2.4, 2.6, 3):
        compare(lambda cls, p=pixel: cls("", shape=[2, 3, 4, 5]).toworld([0, p, 2, 2]), tmp_path, 1e-12)
    for code in (0, 1, 1.4, 3, 4):
        compare(lambda cls, c=code: cls("", shape=[2, 3, 4, 5]).topixel([1.415e9, c, 0, 0]), tmp_path, 1e-12)


# -- other grids ------------------------------------------------------------------------------------


FIELD = np.random.default_rng(8).normal(size=(3, 40, 50)).astype("f4")


def moved(cls: Any, axes: Any, change: Callable[[Any], Any], values: np.ndarray = FIELD, **more: Any) -> Any:
    """Regrid by casacore at every pixel, not only at every tenth; what it extrapolates is left out."""
    im = temp(cls, values)
    cs = im.coordinates()
    change(cs)
    out = im.regrid(axes, cs, decimate=0, **more)
    return out.shape(), out.imagetype(), out.datatype(), out.getdata(), out.coordinates().get_referencepixel()


@pytest.mark.parametrize("method", ["nearest", "linear"])
def test_regrid_of_the_sky(method: str, tmp_path: Path) -> None:
    def change(cs: Any) -> None:
        cs["direction"].set_referencepixel([20.3, 25.4])
        cs["direction"].set_increment([0.9, -0.95])

    found = run(ours, lambda cls: moved(cls, [1, 2], change, interpolation=method), tmp_path / "ours")
    expected = run(theirs, lambda cls: moved(cls, [1, 2], change, interpolation=method), tmp_path / "theirs")
    same(expected[:3], found[:3])
    same(expected[4], found[4])
    inside = (slice(None), slice(5, 35), slice(5, 45))
    np.testing.assert_allclose(found[3][inside], expected[3][inside], atol=1e-5)
    assert np.isfinite(found[3][inside]).all()


def test_regrid_of_the_spectrum(tmp_path: Path) -> None:
    def change(cs: Any) -> None:
        cs["spectral"].set_referencepixel(10.25)

    values = np.random.default_rng(8).normal(size=(20, 5, 6)).astype("f4")
    calls = [
        run(cls, lambda cls: moved(cls, [0], change, values, interpolation="linear"), tmp_path / n)
        for cls, n in ((ours, "ours"), (theirs, "theirs"))
    ]
    np.testing.assert_allclose(calls[0][3][2:-2], calls[1][3][2:-2], atol=1e-5)


def test_regrid_masks_what_is_outside(tmp_path: Path) -> None:
    def call(cls: Any) -> Any:
        im = temp(cls, np.ma.MaskedArray(FIELD, FIELD > 2.5))
        cs = im.coordinates()
        cs["direction"].set_referencepixel([30.0, 25.0])
        return im.regrid([1, 2], cs, outname="out.im", outshape=[3, 60, 50], interpolation="nearest")

    out = run(ours, call, tmp_path)
    assert out.imagetype() == "PagedImage"
    assert out.shape() == [3, 60, 50]
    bad = out.getmask()
    assert bad[:, :10].all()
    assert bad[:, 50:].all()
    np.testing.assert_array_equal(bad[:, 10:50], FIELD > 2.5)
    np.testing.assert_allclose(out.get()[:, 10:50], FIELD, rtol=1e-5)


def test_errors_of_regrid(tmp_path: Path) -> None:
    for arguments in (
        {"axes": [7]},
        {"axes": [-1]},
        {"axes": [1, 2], "interpolation": "best"},
        {"axes": [1, 2], "outshape": [3, 4]},
        {"axes": [1, 2], "outshape": [2, 40, 50]},
    ):

        def call(cls: Any, arguments: dict[str, Any] = arguments) -> Any:
            im = temp(cls, FIELD)
            return im.regrid(**({"coordsys": im.coordinates()} | arguments)).shape()

        assert run(theirs, call, tmp_path) is RuntimeError
        assert run(ours, call, tmp_path) is RuntimeError
    cs = temp(ours, FIELD).coordinates()
    cs["direction"].set_frame("B1950")
    with pytest.raises(RuntimeError, match="refchange"):
        temp(ours, FIELD).regrid([1, 2], cs, refchange=False)
