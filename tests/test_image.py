"""The image: what it knows, what can be done with it, and that none of that computes."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import lattice
from lattice import CoordinateSystem, Image, LatticeError, LatticeTypeError
from lattice.image import ImageIndexError
from lattice.regions import PixelBox, PixelEllipsoid

SHAPE = (3, 4, 5)


@pytest.fixture
def array(rng: np.random.Generator) -> np.ndarray:
    return rng.normal(size=SHAPE).astype("f4")


@pytest.fixture
def a(array: np.ndarray) -> Image:
    return Image(array, dims=("frequency", "y", "x"), unit="Jy/beam", beam=(0.01, 0.005, 30), name="a")


@pytest.fixture
def masked(array: np.ndarray, rng: np.random.Generator) -> Image:
    return Image(array, mask=rng.random(SHAPE) > 0.3, name="m")


def equal(image: Image, expected: Any) -> None:
    found = image.to_masked_array()
    np.testing.assert_allclose(found.filled(np.nan), np.ma.filled(expected, np.nan), rtol=2e-6, atol=1e-7)
    np.testing.assert_array_equal(np.ma.getmaskarray(found), np.ma.getmaskarray(expected))


# -- making and asking -----------------------------------------------------------------------------------


def test_an_image_of_an_array_knows_its_labels(a: Image, array: np.ndarray) -> None:
    assert a.shape == SHAPE
    assert a.dims == ("frequency", "y", "x")
    assert a.sizes == {"frequency": 3, "y": 4, "x": 5}
    assert (a.dtype, a.ndim, a.size, a.nbytes) == (np.float32, 3, 60, 240)
    assert (a.unit, a.beams, a.name, a.expression) == ("Jy/beam", ((0.01, 0.005, 30.0),), "a", "a")
    assert not a.masked
    assert a.mask is None
    assert a.default_mask is None
    assert dict(a.masks) == {}
    np.testing.assert_array_equal(a.values, array)


def test_the_repr_tells_without_computing() -> None:
    a = Image(np.zeros((2, 3), "f4"), unit="K", name="a")
    assert repr(a) == "<lattice.Image (y 2, x 3) float32, K, 24 B: a>"
    assert repr(a[a > 1]) == "<lattice.Image (y 2, x 3) float32, K, 24 B, masked: a[a > 1]>"
    assert repr(a.mean()) == "<lattice.Image scalar float32, K, may be undefined: mean(a)>"
    assert "<code>a[a &gt; 1]</code>" in a[a > 1]._repr_html_()


def test_a_very_long_expression_is_cut_in_the_repr() -> None:
    a = Image(np.zeros(3, "f4"), name="a")
    b = a
    for _ in range(1000):
        b = b + a
    assert len(repr(b)) < 600


@pytest.mark.parametrize(
    ("given", "expected"),
    [("i2", "f4"), ("i4", "f8"), ("u1", "f4"), (">f4", "f4"), ("f2", "f4"), ("?", "?"), ("c16", "c16")],
)
def test_arrays_of_other_types_become_one_of_five(given: str, expected: str) -> None:
    array = np.arange(6).astype(given)
    image = Image(array)
    assert image.dtype == np.dtype(expected)
    np.testing.assert_array_equal(image.values, array.astype(expected))


def test_texts_are_no_pixels() -> None:
    with pytest.raises(LatticeTypeError, match="cannot be pixels"):
        Image(np.array(["a", "b"]))
    with pytest.raises(LatticeTypeError, match="a dict is neither an image, an array nor a number"):
        Image({})


def test_a_numpy_masked_array_brings_its_mask() -> None:
    image = Image(np.ma.MaskedArray([1.0, 2.0, 3.0], mask=[False, True, False]))
    assert image.default_mask == "mask0"
    np.testing.assert_array_equal(np.asarray(image.mask), [True, False, True])
    assert float(image.sum()) == 4


def test_a_dask_array_stays_lazy() -> None:
    da = pytest.importorskip("dask.array")
    calls: list[int] = []

    def block(x: np.ndarray) -> np.ndarray:
        calls.append(1)
        return x

    image = Image(da.ones((4, 6), chunks=(2, 6)).map_blocks(block, meta=np.empty((0, 0)))) + 1
    calls.clear()
    repr(image)
    assert calls == []
    assert float(image.sum()) == 48
    assert calls


def test_a_data_array_brings_its_dims() -> None:
    xarray = pytest.importorskip("xarray")
    image = Image(xarray.DataArray(np.zeros((2, 3)), dims=("time", "channel")))
    assert image.dims == ("time", "channel")


def test_a_quantity_brings_its_unit() -> None:
    units = pytest.importorskip("astropy.units")
    assert Image(np.ones(3) * units.Jy).unit == "Jy"
    assert Image(np.ones(3), unit=units.km / units.s).unit == "km s-1"
    assert Image(np.ones(3), beam=(36 * units.arcsec, 18 * units.arcsec, 0 * units.deg)).beams == (
        (0.01, 0.005, 0.0),
    )


def test_coordinates_come_from_headers_and_systems() -> None:
    header = {
        "CTYPE1": "RA---SIN",
        "CTYPE2": "DEC--SIN",
        "CRPIX1": 2.0,
        "CRVAL1": 10.0,
        "CDELT1": -0.1,
        "CDELT2": 0.1,
    }
    image = Image(np.zeros((3, 4)), wcs=header)
    assert image.coords is not None
    assert image.coords.kinds == ("latitude", "longitude")
    assert image.dims == ("y", "x")
    assert image.wcs is not None
    assert list(image.wcs.wcs.ctype) == ["RA---SIN", "DEC--SIN"]
    again = Image(np.zeros((3, 4)), wcs=image.wcs)
    assert again.coords is not None
    assert again.coords.kinds == ("latitude", "longitude")
    system = CoordinateSystem.from_kinds(["spectral", "latitude", "longitude"])
    assert Image(np.zeros(SHAPE), wcs=system).dims == ("frequency", "y", "x")
    assert Image(np.zeros(SHAPE)).wcs is None
    with pytest.raises(LatticeError, match="coordinates of 3 axes do not fit an array of 2 axes"):
        Image(np.zeros((3, 4)), wcs=system)


def test_the_wcs_of_a_cut_is_that_of_the_cut() -> None:
    header = {
        "CTYPE1": "RA---SIN",
        "CTYPE2": "DEC--SIN",
        "CRPIX1": 3.0,
        "CRPIX2": 2.0,
        "CDELT1": -0.1,
        "CDELT2": 0.1,
    }
    image = Image(np.zeros((6, 8)), wcs=header)
    whole, part = image.wcs, image[1:, 2:7:2].wcs
    assert whole is not None
    assert part is not None
    np.testing.assert_allclose(part.wcs_pix2world([[1, 2]], 0), whole.wcs_pix2world([[4, 3]], 0))


def test_meta_is_an_ordered_mapping_that_ignores_case() -> None:
    image = Image(np.zeros(3), meta=[("OBJECT", "M13", "target"), ("COMMENT", "a", ""), ("comment", "b", "")])
    assert image.meta["object"] == "M13"
    assert image.meta["COMMENT"] == "a\nb"
    assert list(image.meta) == ["OBJECT", "COMMENT"]
    assert image.meta.cards[0] == ("OBJECT", "M13", "target")
    with pytest.raises(KeyError, match="did you mean 'OBJECT'"):
        image.meta["OBJECTS"]
    assert Image(np.zeros(3), meta={"A": (1, "one"), "B": 2}).meta.cards == (("A", 1, "one"), ("B", 2, ""))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dims": ("x",)}, "1 dims .* for an array of 2 axes"),
        ({"dims": ("x", "x")}, "differ from each other"),
        ({"dims": ("x", "a b")}, "'a b' is no name for a dim"),
        ({"mask": np.ones((2, 2), bool)}, "has shape \\(2, 2\\), the image has \\(2, 3\\)"),
        ({"mask": np.ones((2, 3))}, "holds values of type float64, not truth values"),
        ({"mask": "other"}, "has no mask 'other'"),
        ({"beam": (1,)}, "is no beam"),
        ({"beam": (1, 2, 0)}, "the larger axis comes first"),
        ({"meta": 3}, "meta: a int is no header"),
        ({"meta": {"A": {1}}}, "the value of A: a set cannot be kept"),
        ({"wcs": "RA"}, "wcs: a str is no header"),
    ],
)
def test_labels_that_make_no_sense_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(LatticeError, match=message):
        Image(np.zeros((2, 3)), **options)


def test_images_are_immutable(a: Image) -> None:
    with pytest.raises(AttributeError, match="immutable: cannot set 'unit'"):
        a.unit = "K"  # type: ignore[misc]
    with pytest.raises(TypeError):
        a[0] = 1  # type: ignore[index]
    with pytest.raises(TypeError):
        a.masks["x"] = a  # type: ignore[index]
    assert copy.copy(a) is a
    assert copy.deepcopy(a) is a


def test_an_image_in_place_of_an_operand_of_an_augmented_assignment_is_a_new_one(a: Image) -> None:
    b = a
    b += 1
    assert b is not a
    assert b.expression == "a + 1"


def test_equal_expressions_are_the_same_node(a: Image) -> None:
    assert (a + 1).same_as(a + 1)
    assert not (a + 1).same_as(a + 2)
    assert hash(a + 1) == hash(a + 1)


def test_images_are_pickled_with_all_they_carry(masked: Image) -> None:
    image = Image(
        masked.values, masks={"low": masked.values < 0}, mask="low", history=["made"], meta={"A": 1}
    )
    again = pickle.loads(pickle.dumps(image))
    assert again.same_as(image)
    assert (again.default_mask, list(again.masks), again.history) == ("low", ["low"], ("made",))
    deep = image
    for _ in range(5000):
        deep = deep + image
    assert pickle.loads(pickle.dumps(deep)).same_as(deep)
    again = pickle.loads(pickle.dumps(masked[masked > 0] * 2))
    equal(again, (masked[masked > 0] * 2).to_masked_array())


# -- operators, numpy and methods ------------------------------------------------------------------------

BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "+": lambda x, y: x + y,
    "-": lambda x, y: x - y,
    "*": lambda x, y: x * y,
    "/": lambda x, y: x / y,
    "^": lambda x, y: x**y,
    "<": lambda x, y: x < y,
    "<=": lambda x, y: x <= y,
    ">": lambda x, y: x > y,
    ">=": lambda x, y: x >= y,
    "==": lambda x, y: x == y,
    "!=": lambda x, y: x != y,
}


@pytest.mark.parametrize("symbol", BINARY)
def test_operators_are_those_of_the_text(a: Image, array: np.ndarray, symbol: str) -> None:
    apply = BINARY[symbol]
    a = a.with_unit("")  # the rules for units of text and operators differ
    b = Image(abs(array) + 1, dims=a.dims, name="b")
    assert apply(a, b).same_as(lattice.expr(f"a {symbol} b", a=a, b=b))
    assert apply(a, 2).same_as(lattice.expr(f"a {symbol} 2", a=a))
    if symbol not in ("<", "<=", ">", ">=", "==", "!="):  # Python mirrors comparisons
        assert apply(2, a).same_as(lattice.expr(f"2 {symbol} a", a=a))
    with np.errstate(all="ignore"):
        equal(apply(a, b), apply(array, abs(array) + 1))
        equal(apply(a, 2), apply(array, np.float32(2)))
        equal(apply(2, a), apply(np.float32(2), array))


def test_python_numbers_take_the_precision_of_the_image(a: Image) -> None:
    assert (a * 2.0).dtype == np.float32
    assert (a * 0.1).dtype == np.float32
    assert (a * 2.0).expression == "a * 2"
    assert (a * np.float64(2)).dtype == np.float64
    assert (np.float64(2) * a).dtype == np.float64
    assert (a * np.float32(2)).dtype == np.float32
    assert (a * 1j).dtype == np.complex64
    assert (a.double() * 0.1).dtype == np.float64
    assert float((a.double() * 0.1 / a.double())[0, 0, 0]) == pytest.approx(0.1, rel=1e-15)


def test_other_operators(a: Image, array: np.ndarray) -> None:
    equal(-a, -array)
    equal(+a, array)
    equal(abs(a), abs(array))
    equal(a // 0.5, np.floor(array / np.float32(0.5)))
    equal(a % 0.5, np.fmod(array, np.float32(0.5)))
    equal(round(a), np.sign(array) * np.floor(abs(array) + 0.5))
    equal(round(a, 1), np.sign(array) * np.floor(abs(array) * 10 + np.float32(0.5)) / 10)
    low, high = a > 0, a < 1
    equal(low & high, (array > 0) & (array < 1))
    equal(low | high, (array > 0) | (array < 1))
    equal(low ^ high, (array > 0) ^ (array < 1))
    equal(~low, array <= 0)
    assert (low & high).expression == "a > 0 && a < 1"


def test_arrays_join_in_whatever_side_they_are_on(a: Image, array: np.ndarray) -> None:
    equal(a + array, 2 * array)
    equal(array + a, 2 * array)
    equal(a * np.arange(5, dtype="f4")[None, :].repeat(4, 0), array * np.arange(5, dtype="f4"))
    assert isinstance(array + a, Image)


@pytest.mark.parametrize("other", ["text", None, object(), [1, 2]])
def test_what_is_no_operand_gives_a_type_error(a: Image, other: Any) -> None:
    with pytest.raises(TypeError):
        a + other
    assert (a == other) is False
    assert (a != other) is True


def test_an_image_is_neither_true_nor_false(a: Image) -> None:
    with pytest.raises(LatticeTypeError, match=r"neither true nor false\nask \.any"):
        bool(a > 0)
    with pytest.raises(LatticeTypeError, match="instead of and, or, not"):
        assert a > 0 and a < 1  # noqa: PT018 - this is what goes wrong
    with pytest.raises(TypeError):
        3 in a  # noqa: B015
    assert bool((a > -100).all())


@pytest.mark.parametrize(
    "ufunc", [np.sin, np.exp, np.sqrt, np.abs, np.floor, np.isnan, np.negative, np.arctan, np.sign, np.square]
)
def test_ufuncs_build_expressions(a: Image, array: np.ndarray, ufunc: np.ufunc) -> None:
    found = ufunc(a.with_unit(""))
    assert isinstance(found, Image)
    with np.errstate(all="ignore"):
        equal(found, ufunc(array))


def test_ufuncs_of_two(a: Image, array: np.ndarray) -> None:
    equal(np.maximum(a, 0), np.maximum(array, 0))
    equal(np.arctan2(a, array), np.arctan2(array, array))
    equal(np.hypot(a, 3), np.hypot(array, np.float32(3)))
    equal(np.logical_and(a > 0, a < 1), (array > 0) & (array < 1))
    equal(np.floor_divide(a, 0.5), np.floor(array / np.float32(0.5)))
    assert np.multiply(a, 2).same_as(a * 2)
    bare = a.with_unit("")
    assert np.sin(bare).same_as(lattice.expr("sin(a)", a=bare))


def test_ufuncs_that_have_no_counterpart_say_so(a: Image, array: np.ndarray) -> None:
    with pytest.raises(LatticeTypeError, match="numpy's spacing has no counterpart that works on images"):
        np.spacing(a)
    with pytest.raises(LatticeTypeError, match="add takes no out with images"):
        np.add(a, 1, out=array)
    with pytest.raises(LatticeTypeError, match=r"add\.accumulate does not work on images"):
        np.add.accumulate(a)
    with pytest.raises(TypeError, match=r"numpy.*does not work on images"):
        np.fft.fft(a)
    with pytest.raises(LatticeTypeError, match="rounds halves to even"):
        np.round(a)


NUMPY: dict[str, Callable[[Any], Any]] = {
    "sum": np.sum,
    "mean": np.mean,
    "median": np.median,
    "std": np.std,
    "std1": lambda x: np.std(x, ddof=1),
    "var": np.var,
    "min": np.min,
    "max": np.max,
    "sum of an axis": lambda x: np.sum(x, axis=0),
    "mean of axes": lambda x: np.mean(x, axis=(1, 2)),
    "std of an axis": lambda x: np.std(x, axis=-1),
    "where": lambda x: np.where(x > 0, x, np.float32(0)),
    "clip": lambda x: np.clip(x, -0.5, 0.5),
    "any": lambda x: np.any(x > 2),
    "all": lambda x: np.all(x > -9),
    "count": lambda x: np.count_nonzero(x > 0),
    "reduce": lambda x: np.add.reduce(x, axis=1),
    "nanmean": np.nanmean,
    "squeeze": lambda x: np.squeeze(x[:1]),
    "method std": lambda x: x.std(ddof=0) if isinstance(x, Image) else x.std(),
}


@pytest.mark.parametrize("name", NUMPY)
def test_numpy_functions_mean_what_they_mean_in_numpy(a: Image, array: np.ndarray, name: str) -> None:
    found = NUMPY[name](a)
    assert isinstance(found, Image)
    np.testing.assert_allclose(found.values, NUMPY[name](array), rtol=2e-6, atol=1e-6)


def test_numpy_asks_for_shapes_without_computing(a: Image) -> None:
    assert (np.shape(a), np.ndim(a), np.size(a)) == (SHAPE, 3, 60)
    assert not np.iscomplexobj(a)


def test_nan_functions_leave_nan_out() -> None:
    a = Image(np.array([1.0, np.nan, 3.0]))
    assert np.isnan(float(np.sum(a)))
    assert float(np.nansum(a)) == 4
    assert float(np.nanstd(a)) == pytest.approx(1)


def test_every_function_of_the_language_is_a_method(a: Image, array: np.ndarray) -> None:
    equal(a.with_unit("").sin(), np.sin(array))
    equal((a > 0).iif(a, 0), np.where(array > 0, array, 0))
    equal(a.atan2(2), np.arctan2(array, np.float32(2)))
    assert a.fractile(0.5).same_as(lattice.expr("fractile(a, 0.5e0)", a=a))
    assert a.count().same_as(a.nelements())
    assert "fractile" in dir(a)
    assert "Value below which" in Image.fractile.__doc__  # type: ignore[attr-defined]
    equal(Image(array + 2j * array).imag, 2 * array)
    equal(Image(array + 2j * array).real, array)


def test_unknown_attributes_suggest_near_ones(a: Image) -> None:
    with pytest.raises(AttributeError, match="an Image has no attribute 'meen'; did you mean 'mean'"):
        a.meen()
    assert not hasattr(a, "__wrapped__")


def test_reductions_go_over_dims(a: Image, array: np.ndarray) -> None:
    for found in (
        a.mean("frequency"),
        a.mean(dim="frequency"),
        a.mean(axis=0),
        a.mean(0),
        a.mean(["frequency"]),
    ):
        assert found.dims == ("y", "x")
        equal(found, array.mean(axis=0))
    equal(a.max("y", "x"), array.max(axis=(1, 2)))
    equal(a.median(axis=(1, 2)), np.median(array, axis=(1, 2)))
    equal(a.fractile(0.5, "x"), np.median(array, axis=2))
    equal(a.fractilerange(0.25, dims="x"), (a.fractile(0.75, "x") - a.fractile(0.25, "x")).to_masked_array())
    assert a.sum(("frequency", "y", "x")).same_as(a.sum())
    equal(a.std("x", ddof=0), array.std(axis=2))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda a: a.mean("freq"), "there is no dim 'freq'\ndid you mean 'frequency'"),
        (lambda a: a.mean(5), "axis 5 does not exist in an image of 3 axes"),
        (lambda a: a.mean("x", "x"), "named twice"),
        (lambda a: a.fractile(), "fractile needs f"),
        (lambda a: a.fractile("x"), "fractile"),
        (lambda a: a.mean(a), "takes dims"),
        (lambda a: a.max(a), r"pixel by pixel: np.maximum\(a, b\)"),
        (lambda a: a.mean(keepdims=True), "mean has no argument keepdims"),
        (lambda a: a.sin(2), "there is no function sin of 2 arguments"),
        (lambda a: a.fractile(1.5).item(), "a fraction lies between 0 and 1"),
    ],
)
def test_methods_that_are_called_wrongly_say_how(
    a: Image, call: Callable[[Image], Any], message: str
) -> None:
    with pytest.raises(LatticeError, match=message):
        call(a)


def test_a_function_of_the_user_is_a_method_and_a_word_of_the_language(a: Image, array: np.ndarray) -> None:
    @lattice.function("test_image_softsign", lattice.Param("x", "real"))
    def softsign(x: np.ndarray, out: np.ndarray) -> None:
        """Soft sign."""
        np.divide(x, 1 + np.abs(x), out=out)

    found = lattice.expr("test_image_softsign(a)", a=a)
    equal(found, array / (1 + abs(array)))
    assert a.test_image_softsign().same_as(found)


# -- cuts --------------------------------------------------------------------------------------------------

KEYS: list[Any] = [
    0,
    -1,
    (slice(1, None), slice(None, None, -1)),
    (Ellipsis, 2),
    (Ellipsis, slice(4, 0, -2)),
    (1, 2, 3),
    (slice(None), slice(0, 0)),
    (slice(10, 20),),
    (),
    Ellipsis,
]


@pytest.mark.parametrize("key", KEYS, ids=str)
def test_cuts_are_those_of_numpy(a: Image, array: np.ndarray, key: Any) -> None:
    equal(a[key], array[key])
    equal((a * 2)[key], (array * 2)[key])
    equal(a[key] + 1, array[key] + 1)


def test_cuts_of_cuts_are_one_cut(a: Image, array: np.ndarray) -> None:
    equal(a[1:, ::-1][0, 1:3, ::2], array[1:, ::-1][0, 1:3, ::2])
    assert a[1:][1:].same_as(a[2:])


def test_isel_cuts_by_name(a: Image, array: np.ndarray) -> None:
    equal(a.isel(x=0, frequency=slice(1, None)), array[1:, :, 0])
    equal(a.isel({"y": -1}), array[:, -1])
    with pytest.raises(ImageIndexError, match="there is no dim 'freqency'\ndid you mean 'frequency'"):
        a.isel(freqency=1)


@pytest.mark.parametrize(
    ("key", "message"),
    [
        (7, "index 7 is outside axis 'frequency' of length 3"),
        ((0, 0, 0, 0), "4 indices for 3 axes"),
        ((None, 0), "cannot add an axis"),
        ([0, 1], "not by lists of indices"),
        (np.array([0, 1]), "not by lists of indices"),
        (1.5, "takes an integer or a slice, not 1.5"),
        ("mask0", "masks are in .masks"),
        ((slice(None, None, 0),), "zero"),
    ],
)
def test_bad_indices_are_index_errors(a: Image, key: Any, message: str) -> None:
    with pytest.raises(IndexError, match=message) as caught:
        a[key]
    assert isinstance(caught.value, LatticeError)


def test_conditions_mask(a: Image, array: np.ndarray) -> None:
    expected = np.ma.MaskedArray(array, array <= 0)
    equal(a[a > 0], expected)
    equal(a[array > 0], expected)
    assert a[a > 0].same_as(lattice.expr("a[a > 0]", a=a))
    with pytest.raises(LatticeTypeError):
        a[a]
    with pytest.raises(LatticeError, match="fit together"):
        a[a[0] > 0]


def test_the_origin_is_kept(a: Image) -> None:
    assert a.bbox == (slice(0, 3, 1), slice(0, 4, 1), slice(0, 5, 1))
    assert a[1:, 2].bbox == (slice(1, 3, 1), slice(0, 5, 1))
    assert (2 * a[1:, ::-1])[..., 1:].bbox == (slice(1, 3, 1), slice(3, None, -1), slice(1, 5, 1))
    assert a[PixelBox((0, 1, 1), (1, 2, 2))].bbox == (slice(0, 2, 1), slice(1, 3, 1), slice(1, 3, 1))


def test_regions_cut_and_mask(a: Image, array: np.ndarray) -> None:
    equal(a[PixelBox((0, 1, 1), (1, 2, 3))], array[0:2, 1:3, 1:4])
    round_ = a[PixelEllipsoid((1, 1, 2), (1, 1, 1))]
    assert round_.masked
    assert float(round_.nelements()) == 7
    named = Image(array, regions={"core": PixelBox((0, 1, 1), (1, 2, 3))}, name="n")
    assert named[named.regions["core"]].expression == "n[n::core]"
    assert named[named.regions["core"]].same_as(lattice.expr("n[n::core]", n=named))
    assert named.subimage("core").shape == (2, 2, 3)


def test_subimages_are_asked_for_in_the_words_of_casa(a: Image, array: np.ndarray) -> None:
    equal(a.subimage(box="1,0,3,2", chans="1~2"), array[1:3, 0:3, 1:4])
    equal(a.subimage(box=(0, 0, 0, 0), chans=2), array[2:3, 0:1, 0:1])
    equal(a.subimage(mask=a > 0, chans=(0, 1)), np.ma.MaskedArray(array, array <= 0)[:2])
    with pytest.raises(LatticeError, match="the box 0,0,9,1 reaches beyond the image\nx goes from 0 to 4"):
        a.subimage(box="0,0,9,1")
    with pytest.raises(LatticeError, match="a box has four numbers, 2 are left over"):
        a.subimage(box="1,2")
    with pytest.raises(LatticeError, match="a list of channels needs a spectral axis"):
        a.isel(frequency=0).subimage(chans=1)
    with pytest.raises(LatticeError, match="the image has no region 'none'"):
        a.subimage("none")


def test_squeeze_and_rebin(a: Image, array: np.ndarray) -> None:
    assert a[:1].squeeze().dims == ("y", "x")
    equal(a.rebin(x=5, y=2), array.reshape(3, 2, 2, 5).mean(axis=(2, 3))[..., None])
    assert a.rebin((1, 2, 5)).same_as(a.rebin({"x": 5, "y": 2}))
    assert a.rebin((1, 2, 5)).same_as(lattice.expr("rebin(a, [5, 2, 1])", a=a))
    with pytest.raises(LatticeError, match="2 factors for an image of 3 axes"):
        a.rebin((1, 2))
    with pytest.raises(LatticeError, match="there is no dim 'z'"):
        a.rebin(z=2)


# -- masks -------------------------------------------------------------------------------------------------


def test_named_masks_are_carried_by_cuts(array: np.ndarray) -> None:
    low, high = array < 0.5, array > -0.5
    image = Image(array, masks={"low": low, "high": high}, mask="low", name="m")
    assert (list(image.masks), image.default_mask) == (["low", "high"], "low")
    equal(image, np.ma.MaskedArray(array, ~low))
    np.testing.assert_array_equal(image.masks["high"].values, high)
    assert image.masks["high"].expression == "mask(m:high)"
    part = image[1, ::-1]
    np.testing.assert_array_equal(part.masks["high"].values, high[1, ::-1])
    equal(part.with_mask("high"), np.ma.MaskedArray(array, ~high)[1, ::-1])
    equal(part.with_mask(None), array[1, ::-1])
    assert dict((image * 2).masks) == {}
    with pytest.raises(LatticeError, match="'m' has no mask 'lowe'\ndid you mean 'low'"):
        image.with_mask("lowe")
    with pytest.raises(KeyError, match="did you mean 'high'"):
        image.masks["hi"]


def test_with_mask_replaces_the_mask(masked: Image, array: np.ndarray) -> None:
    equal(masked.with_mask(None), array)
    equal(masked.with_mask(array > 0), np.ma.MaskedArray(array, array <= 0))
    equal(masked.with_mask(masked < 0), np.ma.MaskedArray(array, (array >= 0) | ~np.asarray(masked.mask)))
    equal((masked * 2).with_mask(None), array * 2)
    assert masked.with_mask(None).expression == "m:nomask"
    assert masked.with_mask(None).with_mask("mask0").default_mask == "mask0"


def test_masks_of_images_may_be_images(a: Image, array: np.ndarray) -> None:
    image = Image(array, dims=a.dims, mask=a > 0)
    equal(image, np.ma.MaskedArray(array, array <= 0))
    equal(Image(a, mask=array > 0), np.ma.MaskedArray(array, array <= 0))


def test_nan_may_stand_for_bad_pixels() -> None:
    values = np.array([1.0, np.nan, 3.0])
    assert np.isnan(float(Image(values).sum()))
    assert float(Image(values, mask="nan").sum()) == 4


def test_values_are_plain_and_filled_are_not(masked: Image, array: np.ndarray) -> None:
    bad = ~np.asarray(masked.mask)
    np.testing.assert_array_equal(masked.values, array)
    np.testing.assert_array_equal(np.asarray(masked), array)
    np.testing.assert_array_equal(masked.filled(), np.where(bad, np.nan, array))
    np.testing.assert_array_equal(masked.filled(-1), np.where(bad, -1, array))
    assert not (masked > -100).filled()[bad].any()
    assert np.asarray(masked, dtype="f8").dtype == np.float64


# -- numbers -----------------------------------------------------------------------------------------------


def test_scalars_are_numbers(a: Image, array: np.ndarray) -> None:
    mean = a.mean()
    assert mean.shape == ()
    assert float(mean) == pytest.approx(array.mean(), rel=1e-6)
    assert int(a.nelements()) == 60
    assert complex(mean) == float(mean)
    assert bool((a > -100).all())
    assert mean.item() == float(mean)
    assert a[0, 0, 0].item() == array[0, 0, 0]
    assert float(a[:1, :1, :1]) == array[0, 0, 0]
    assert f"{float(mean):.2f}" == f"{array.mean():.2f}"
    with pytest.raises(LatticeError, match=r"an image of shape \(3, 4, 5\) is not one number"):
        float(a)
    with pytest.raises(LatticeTypeError, match="a complex number is not a float"):
        float((a * 1j).sum())
    with pytest.raises(TypeError, match="a scalar has no length"):
        len(mean)


def test_undefined_scalars(a: Image) -> None:
    nothing = a[a > 100].mean()
    assert np.isnan(float(nothing))
    assert np.isnan(nothing.item())
    assert np.ma.getmaskarray(nothing.to_masked_array())
    with pytest.raises(LatticeError, match=r"int\(\): the value is undefined, since no pixel is good"):
        int(nothing)
    assert np.ma.getmaskarray((a + nothing).to_masked_array()).all()
    assert nothing.compute().masked


def test_iteration_gives_cuts(a: Image, array: np.ndarray) -> None:
    planes = list(a)
    assert len(planes) == len(a) == 3
    equal(planes[2], array[2])
    with pytest.raises(TypeError, match="cannot be iterated"):
        iter(a.mean())


def test_numbers_may_stand_for_images() -> None:
    assert Image(3).item() == 3
    assert Image(2.5).dtype == np.float64
    assert Image(np.float32(2.5)).dtype == np.float32
    assert Image(True).dtype == np.bool_


# -- out ---------------------------------------------------------------------------------------------------


def test_compute_brings_the_image_into_memory(masked: Image) -> None:
    image = (masked[masked > 0] * 2).compute()
    assert image.name == "array"
    assert image.default_mask == "mask0"
    equal(image, (masked[masked > 0] * 2).to_masked_array())
    assert masked.mean().compute().same_as(Image(np.float32(masked.mean().item())))


def test_dask_arrays_are_lazy_and_right(masked: Image) -> None:
    image = masked[masked > masked.mean()] * 2
    values, mask = image.data, image.mask
    assert values.shape == image.shape
    expected = image.to_masked_array()
    np.testing.assert_array_equal(mask.compute(), ~np.ma.getmaskarray(expected))
    np.testing.assert_array_equal(values.compute()[mask.compute()], expected.compressed())


def test_xarray_gets_a_lazy_dataset(masked: Image) -> None:
    xarray = pytest.importorskip("xarray")
    image = Image(
        masked.values, mask=masked.values > 0, unit="Jy", dims=("frequency", "y", "x"), meta={"OBJECT": "M13"}
    )
    found = image.to_xarray()
    assert isinstance(found, xarray.Dataset)
    assert found["values"].dims == ("frequency", "y", "x")
    assert found["values"].attrs["units"] == "Jy"
    assert found.attrs["OBJECT"] == "M13"
    np.testing.assert_array_equal(found["mask"].values, masked.values > 0)
    assert hasattr(found["values"].data, "dask")
    assert "mask" not in Image(masked.values).to_xarray(name="flux")


def test_nddata_gets_an_inverted_mask(masked: Image) -> None:
    pytest.importorskip("astropy.nddata")
    found = Image(masked.values, mask=masked.values > 0, unit="Jy").to_nddata()
    np.testing.assert_array_equal(found.mask, ~(masked.values > 0))
    assert str(found.unit) == "Jy"


def test_a_plan_can_be_printed(a: Image) -> None:
    plan = (a - a.median()).explain()
    assert "stage 1 of 2" in plan.text()
    assert "median(a)" in str(plan)
    assert "<table>" in plan._repr_html_()


# -- saving ------------------------------------------------------------------------------------------------


def test_a_saved_image_has_all_that_the_image_had(tmp_path: Any, array: np.ndarray) -> None:
    header = {
        "CTYPE1": "RA---SIN",
        "CTYPE2": "DEC--SIN",
        "CTYPE3": "FREQ",
        "CRPIX3": 1.0,
        "CRVAL3": 1e9,
        "CDELT3": 1e6,
    }
    image = Image(
        array,
        wcs=header,
        unit="Jy/beam",
        beam=(0.01, 0.005, 30),
        meta={"OBJECT": ("M13", "target")},
        history=["first"],
        name="a",
    )
    saved = (image * 2).save(tmp_path / "out.fits")
    assert saved.dims == image.dims
    assert (saved.unit, saved.beams) == (image.unit, image.beams)
    assert saved.meta.cards == (("OBJECT", "M13", "target"),)
    assert saved.history[0] == "first"
    assert saved.history[1] == f"lattice {lattice.__version__}: a * 2"
    assert saved.history[2].startswith("numpy ")
    assert saved.coords is not None
    np.testing.assert_allclose(saved.coords.frequencies(3), [1e9, 1.001e9, 1.002e9])
    equal(saved, array * 2)


@pytest.mark.parametrize("ending", ["fits", "zarr"])
def test_saving_over_the_own_source_works(tmp_path: Any, array: np.ndarray, ending: str) -> None:
    path = tmp_path / f"a.{ending}"
    a = Image(array).save(path)
    saved = (a + a.mean()).save(path, overwrite=True)
    equal(saved, array + array.mean())
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_an_existing_output_is_not_replaced_unasked(tmp_path: Any, a: Image) -> None:
    a.save(tmp_path / "a.fits")
    with pytest.raises(lattice.OutputExistsError, match="exists already\nsay overwrite=True"):
        a.save(tmp_path / "a.fits")


def test_named_masks_are_written_where_the_format_can(tmp_path: Any, array: np.ndarray) -> None:
    image = Image(array, masks={"low": array < 0.5, "high": array > -0.5}, mask="low")
    for saved in (image.save(tmp_path / "a.zarr"), image.save(tmp_path / "b.fits", mask="extension")):
        assert sorted(saved.masks) == ["high", "low"]
        assert saved.default_mask == "low"
        equal(saved, np.ma.MaskedArray(array, array >= 0.5))
        np.testing.assert_array_equal(saved.values, array)
        np.testing.assert_array_equal(saved.masks["high"].values, array > -0.5)
    with pytest.warns(lattice.LatticeWarning, match="does not hold the mask high"):
        saved = image.save(tmp_path / "c.fits")
    equal(saved, np.ma.MaskedArray(array, array >= 0.5))


def test_what_cannot_be_saved_says_why(tmp_path: Any, a: Image) -> None:
    for image, name, message in (
        (a.mean(), "a.fits", "a single number, not an image\ntake it with float"),
        (a, "a.jpg", "names no format"),
        (a, "a", "has no ending that names a format"),
        (a * 1j, "a.fits", "FITS images cannot hold complex values"),
        (a, "missing/a.fits", "the folder does not exist"),
        (a[:, :0], "a.fits", "no pixels"),
    ):
        with pytest.raises(LatticeError, match=message):
            image.save(tmp_path / name)
    with pytest.raises(LatticeError, match="there is no format 'fit'"):
        a.save(tmp_path / "a.dat", format="fit")
    assert list(tmp_path.iterdir()) == []
    assert a.save(tmp_path / "a.dat", format="fits").shape == SHAPE


def test_nddata_brings_mask_unit_and_coordinates() -> None:
    from astropy.io import fits
    from astropy.nddata import CCDData, NDData
    from astropy.wcs import WCS

    values = np.arange(12.0).reshape(3, 4)
    cards = {"CTYPE1": "RA---SIN", "CRVAL1": 10.0, "CDELT1": -0.01, "CRPIX1": 2.0, "CUNIT1": "deg"}
    cards |= {"CTYPE2": "DEC--SIN", "CRVAL2": 50.0, "CDELT2": 0.01, "CRPIX2": 3.0, "CUNIT2": "deg"}
    wcs = WCS(fits.Header(cards))
    for made in (
        Image(CCDData(values, mask=values > 5, unit="adu", wcs=wcs, meta={"OBJECT": "M13"})),
        Image(NDData(values, mask=values > 5, unit="adu", wcs=wcs, meta={"OBJECT": "M13"})),
    ):
        assert made.unit == "adu"
        assert made.meta["OBJECT"] == "M13"
        assert made.coords is not None
        assert made.coords.kinds == ("latitude", "longitude")
        np.testing.assert_array_equal(np.ma.getmaskarray(made.to_masked_array()), values > 5)
        assert Image(made.to_nddata()).same_as(made)
    plain = Image(NDData(values, mask=False))
    assert not plain.masked
    assert (plain + CCDData(values, mask=values > 5, unit="adu")).to_masked_array().count() == 6


@pytest.mark.parametrize("axis", [None, 0, 1, (0, 1)])
def test_the_median_of_numpy_is_that_of_numpy(axis: Any) -> None:
    values = np.random.default_rng(3).normal(size=(200, 104, 2))
    np.testing.assert_allclose(np.asarray(np.median(Image(values), axis=axis)), np.median(values, axis=axis))
    values[3, 5:8] = np.nan
    np.testing.assert_allclose(
        np.asarray(np.nanmedian(Image(values), axis=axis)), np.nanmedian(values, axis=axis)
    )
