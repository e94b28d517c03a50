"""Opening images and writing expressions, as users do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lattice
from lattice import Image, LatticeError
from lattice.regions import PixelBox

SHAPE = (2, 3, 4)


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def array(rng: np.random.Generator) -> np.ndarray:
    return rng.normal(size=SHAPE).astype("f4")


@pytest.fixture
def files(array: np.ndarray) -> None:
    Image(array, history=["of a"]).save("a.fits")
    masks = {"low": array < 0.5, "high": array > -0.5}
    Image(array, masks=masks, mask="low").save("m.zarr")
    Image(array).save("plain.zarr")
    Path("dir").mkdir()
    Image(array * 2).save("dir/b-1.fits")


# -- open --------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("files")
def test_open_takes_paths_of_any_kind(array: np.ndarray) -> None:
    for path in ("a.fits", Path("a.fits"), Path("a.fits").absolute(), b"a.fits"):
        np.testing.assert_array_equal(lattice.open(path).values, array)  # type: ignore[arg-type]
    assert lattice.open("a.fits").name == "a.fits"
    assert lattice.open("a.fits").history[0] == "of a"


@pytest.mark.usefixtures("files")
def test_open_chooses_a_mask(array: np.ndarray) -> None:
    assert lattice.open("m.zarr").default_mask == "low"
    high = lattice.open("m.zarr", mask="high")
    assert (high.default_mask, high.expression) == ("high", "m.zarr:high")
    np.testing.assert_array_equal(np.ma.getmaskarray(high.to_masked_array()), array <= -0.5)
    bare = lattice.open("m.zarr", mask=None)
    assert (bare.masked, bare.expression) == (False, "m.zarr:nomask")
    assert not lattice.open("plain.zarr", mask=None).masked
    with pytest.raises(lattice.NameNotFoundError, match=r"'m\.zarr' has no mask 'hihg'\ndid you mean 'high'"):
        lattice.open("m.zarr", mask="hihg")


def test_parts_of_files_are_named_as_cfitsio_does_it(array: np.ndarray) -> None:
    from astropy.io import fits

    hdus = [fits.PrimaryHDU(), fits.ImageHDU(array, name="SCI"), fits.ImageHDU(array * 2, name="SCI", ver=2)]
    fits.HDUList(hdus).writeto("m.fits")
    for image in (
        lattice.open("m.fits[SCI,2]"),
        lattice.open("m.fits", hdu=("SCI", 2)),
        lattice.open("m.fits", hdu=2),
    ):
        np.testing.assert_array_equal(image.values, array * 2)
        assert lattice.expr(image.expression).same_as(image)
    assert lattice.open("m.fits", hdu=("SCI", 2)).name == "m.fits[SCI,2]"
    np.testing.assert_array_equal(lattice.expr("'m.fits[SCI,2]' - 'm.fits[1]'").values, array)
    with pytest.raises(LatticeError, match="names a part, and hdu=1 another one"):
        lattice.open("m.fits[SCI,2]", hdu=1)


@pytest.mark.usefixtures("files")
def test_files_that_are_not_there_or_no_images() -> None:
    with pytest.raises(FileNotFoundError, match=r"there is no file 'a\.fit'\ndid you mean 'a.fits'"):
        lattice.open("a.fit")
    with pytest.raises(lattice.ImageNotFoundError, match=r"there is no file 'nowhere/deep/a\.fits'"):
        lattice.open("nowhere/deep/a.fits")
    Path("text.fits").write_text("no image")
    with pytest.raises(lattice.FormatError, match=r"of no format that lattice reads\nknown formats: .*fits"):
        lattice.open("text.fits")
    with pytest.raises(lattice.FormatError, match="folder"):
        lattice.open("dir")


# -- expr --------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("files")
def test_names_of_files_are_opened_relative_to_the_working_directory(array: np.ndarray) -> None:
    image = lattice.expr("'a.fits' + 'dir/b-1.fits'")
    np.testing.assert_allclose(image.values, array * 3, rtol=1e-6)
    assert image.expression == "a.fits + 'dir/b-1.fits'"
    assert image.history[0] == "of a"
    assert lattice.expr(image.expression).same_as(image)


TEXTS = [
    "a.fits",
    "'a.fits' - median('a.fits'['a.fits' > 0])",
    "-'a.fits'^2 + 'a.fits' * -2",
    "(1 - 'a.fits') / 'a.fits' % 2",
    "'a.fits' - ('a.fits' - 1) - 1",
    "2^'a.fits'^2",
    "!('a.fits' > 0) && 'a.fits' <= 1.5 || T",
    "iif('a.fits' > 0 || isnan('a.fits'), 'a.fits', 1e-3)",
    "'a.fits'[index0 in [1:2]]",
    "'m.zarr:high' + 'm.zarr:nomask' + m.zarr",
    "mask('m.zarr:high')",
    "rebin('a.fits', [2, 1, 1])",
    "complex('a.fits', 2) * 2i",
    "'dir/b-1.fits' * 1.5d300",
    "replace(m.zarr, 0) + fractile(m.zarr, 0.25)",
]


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize("text", TEXTS)
def test_what_is_printed_reads_back_as_the_same_image(text: str) -> None:
    image = lattice.expr(text)
    assert lattice.expr(image.expression).same_as(image)


@pytest.mark.usefixtures("files")
def test_text_and_operators_build_the_same_image() -> None:
    a, m = lattice.open("a.fits"), lattice.open("m.zarr")
    assert (a - a[a > 0].median()).same_as(lattice.expr("'a.fits' - median('a.fits'['a.fits' > 0])"))
    assert (2 * np.sin(a) + m * m).same_as(lattice.expr("2*sin('a.fits') + m.zarr*m.zarr"))
    assert (a * 0.5).same_as(lattice.expr("'a.fits' * 0.5e0"))
    assert np.where(a > 0, a, -a).same_as(lattice.expr("iif('a.fits' > 0, 'a.fits', -'a.fits')"))
    assert ((a > 0) & ~(m > 1) | (a < -2)).same_as(lattice.expr("a > 0 && !(b > 1) || a < -2", a=a, b=m))


@pytest.mark.usefixtures("files")
def test_a_file_is_opened_once_per_expression(monkeypatch: pytest.MonkeyPatch) -> None:
    import lattice.io.registry as registry

    opened: list[str] = []
    real = registry.open_stored
    monkeypatch.setattr(registry, "open_stored", lambda path, **s: opened.append(path) or real(path, **s))
    image = lattice.expr("'a.fits' + 'a.fits' * 'a.fits' + './a.fits'")
    assert opened == ["a.fits", "./a.fits"]
    # The same file under two names is one image.
    assert image.same_as(lattice.expr("'a.fits' + 'a.fits' * 'a.fits' + 'a.fits'"))


@pytest.mark.usefixtures("files")
def test_given_names_win_over_files(array: np.ndarray) -> None:
    Image(array).save("c", format="fits")
    assert float(lattice.expr("sum(c)", c=np.ones(3))) == 3
    np.testing.assert_array_equal(lattice.expr("c").values, array)
    assert float(lattice.expr("sum('a.fits')", images={"a.fits": np.ones(4)})) == 4


def test_arrays_numbers_and_temporaries(array: np.ndarray) -> None:
    np.testing.assert_allclose(lattice.expr("$2 * 2 + $1", 1, array).values, array * 2 + 1, rtol=1e-6)
    assert lattice.expr("a + s", a=array, s=2).dtype == np.float32
    assert lattice.expr("a + s", a=array, s=0.1).dtype == np.float64  # as 0.1 in the text
    assert lattice.expr("s + 1", s=-2).expression == "-2 + 1"
    assert lattice.expr("c * 2", c=1 - 2j).item() == 2 - 4j
    assert lattice.expr("n", n=16777217).item() == 16777217
    assert bool(lattice.expr("t && T", t=True))
    assert lattice.expr("a + 1", a=array).expression == "a + 1"
    image = lattice.expr("$1 + 1", array)
    assert lattice.expr(image.expression, array).same_as(image)
    assert lattice.expr("'x y' + 1", images={"x y": array}).shape == SHAPE


def test_masked_arrays_bring_their_masks() -> None:
    assert float(lattice.expr("sum(m)", m=np.ma.MaskedArray([1.0, 2.0], [True, False]))) == 2


@pytest.mark.usefixtures("files")
def test_paths_may_be_given_for_names(array: np.ndarray) -> None:
    np.testing.assert_array_equal(lattice.expr("a", a=Path("a.fits")).values, array)


def test_regions_may_be_given(array: np.ndarray) -> None:
    box = PixelBox((0, 1, 1), (1, 2, 2))
    a = Image(array, regions={"own": box}, masks={"low": array < 0.5}, name="a")
    expected = array[:, 1:3, 1:3]
    for image in (
        lattice.expr("a[a::own]", a=a),
        lattice.expr("a[own]", a=a),
        lattice.expr("a[box]", a=a, box=box),
        lattice.expr("a[$r1]", box, a=a),
        lattice.expr("$1[$r1]", box, array),
    ):
        np.testing.assert_array_equal(image.values, expected)
    np.testing.assert_array_equal(
        np.ma.getmaskarray(lattice.expr("a[a::low]", a=a).to_masked_array()), array >= 0.5
    )
    with pytest.raises(LatticeError, match=r"'a' has no region 'owm'\n.*\n.*\ndid you mean 'own'"):
        lattice.expr("a[a::owm]", a=a)


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [
        (
            "abb + 1",
            lattice.NameNotFoundError,
            "'abb' is not defined: no image of that name was given, and there is no such file\n"
            "  abb + 1\n  ^^^\ndid you mean 'ab'?",
        ),
        (
            "1 + 'a.fit'",
            lattice.ImageNotFoundError,
            "there is no file 'a.fit'\n  1 + 'a.fit'\n      ^^^^^^^\ndid you mean 'a.fits'",
        ),
        ("dir + 1", lattice.NameNotFoundError, "'dir' is not defined: it is a folder that holds no image"),
        ("ab + $2", lattice.NameNotFoundError, "$2 stands for nothing: one argument was given"),
        ("ab + $r1", LatticeError, "$r1 stands for nothing: 0 regions were given"),
        ("sin", lattice.NameNotFoundError, "a function is called with brackets: sin(...)"),
        ("True", lattice.NameNotFoundError, "this truth value is written T"),
        ("ab +", lattice.LELSyntaxError, "ab +"),
        (
            "sinn(ab)",
            lattice.FunctionError,
            "there is no function 'sinn'\n  sinn(ab)\n  ^^^^\ndid you mean 'sin'",
        ),
        ("ab && ab", lattice.LatticeTypeError, "turn numbers into truth values with a comparison"),
        ("ab + $1", lattice.ShapeMismatchError, "'+' needs lattices that fit together"),
        ("m.zarr:hihg", lattice.NameNotFoundError, "did you mean 'high'?"),
        ("", lattice.LELSyntaxError, ""),
    ],
)
def test_errors_show_the_place_and_what_to_do(text: str, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind) as caught:
        lattice.expr(text, np.ones(7), ab=np.ones(3))
    assert message in str(caught.value)
    assert isinstance(caught.value, LatticeError)


@pytest.mark.parametrize("text", [3, None, b"a"])
def test_an_expression_is_a_text(text: Any) -> None:
    with pytest.raises(lattice.LatticeTypeError, match="an expression is a text"):
        lattice.expr(text)


def test_objects_that_are_no_images() -> None:
    with pytest.raises(
        lattice.LatticeTypeError, match="s: a list is neither an image, an array nor a number"
    ):
        lattice.expr("s", s=[1])
    with pytest.raises(LatticeError, match="has no shape of its own and cannot stand for truth values"):
        lattice.expr("r + 1", r=PixelBox((0,), (1,)))


@pytest.mark.parametrize(
    "name", ["~/a.fits", "$HOME/a.fits", "`ls`", "a.fits; rm -rf x", "../../../../etc/passwd\0"]
)
def test_nothing_in_a_name_is_run_or_expanded(name: str) -> None:
    with pytest.raises(LatticeError):
        lattice.expr(f"'{name}' + 1")


# -- concat and the rest -----------------------------------------------------------------------------------


@pytest.mark.usefixtures("files")
def test_concat_joins_images_arrays_and_paths(array: np.ndarray) -> None:
    a = lattice.open("a.fits")
    for found in (
        lattice.concat([a, a * 2], dim=0),
        lattice.concat(["a.fits", a * 2], dim=a.dims[0]),
        np.concatenate([a, a * 2]),
    ):
        np.testing.assert_allclose(found.values, np.concatenate([array, array * 2]), rtol=1e-6)
    assert lattice.concat([a, a], dim="x").shape == (2, 3, 8)
    with pytest.raises(LatticeError, match="there is nothing to join"):
        lattice.concat([])
    with pytest.raises(LatticeError, match="takes a sequence of images"):
        lattice.concat(a)  # type: ignore[arg-type]


def test_formats_are_listed() -> None:
    assert {"fits", "zarr"} <= {f.name for f in lattice.formats()}


def test_public_names_exist() -> None:
    for name in lattice.__all__:
        assert getattr(lattice, name) is not None
    assert set(lattice.__all__) <= set(dir(lattice))
    with pytest.raises(AttributeError, match="no attribute 'imread'"):
        lattice.imread  # noqa: B018


def test_options_are_set_for_a_block() -> None:
    with lattice.set_options(memory_limit="1GB"):
        assert lattice.get_options().memory_limit == 10**9
    assert lattice.get_options().memory_limit is None
