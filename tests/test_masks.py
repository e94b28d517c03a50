"""Named masks, the one that applies, and conditions given on the fly."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lattice
from lattice import Image, LatticeError
from lattice.image.masks import RegionReader
from lattice.io.files import counting
from lattice.regions import PixelBox, PixelEllipsoid

SHAPE = (3, 4, 5)


@pytest.fixture
def array(rng: np.random.Generator) -> np.ndarray:
    return rng.normal(size=SHAPE).astype("f4")


@pytest.fixture
def a(array: np.ndarray) -> Image:
    return Image(array, dims=("frequency", "y", "x"), name="a")


def equal(image: Image, array: np.ndarray, good: np.ndarray) -> None:
    found = image.to_masked_array()
    np.testing.assert_array_equal(~np.ma.getmaskarray(found), good)
    np.testing.assert_array_equal(found.data[good], array[good])


# -- named masks --------------------------------------------------------------------------------------------


def test_masks_are_made_of_anything_that_says_where_pixels_are_good(a: Image, array: np.ndarray) -> None:
    circle = PixelEllipsoid((1, 1, 2), (1, 1, 1))
    inside = circle.fit(a.node.attrs).mask(tuple(slice(0, n, 1) for n in SHAPE))
    expected = {
        "condition": (a > 0, array > 0),
        "array": (array > 0.5, array > 0.5),
        "numbers": (array, array >= 0.5),
        "image": (a * 2, 2 * array >= 0.5),
        "region": (circle, inside),
        "box": (PixelBox((0, 1, 1), (1, 2, 2)), np.pad(np.ones((2, 2, 2), bool), ((0, 1), (1, 1), (1, 2)))),
        "text": ("a < 0 && index0 in [0:1]", (array < 0) & (np.arange(5) < 2)),
        "copy": ("condition", array > 0),
    }
    image = a
    for name, (mask, _) in expected.items():
        image = image.add_mask(name, mask)
    assert list(image.masks) == list(expected)
    assert image.default_mask is None
    assert not image.masked
    for name, (_, good) in expected.items():
        np.testing.assert_array_equal(image.masks[name].values, good)
        chosen = image.set_default_mask(name)
        assert chosen.default_mask == name
        equal(chosen, array, good)
        equal(image.with_mask(name), array, good)
        equal(chosen.without_mask(), array, np.ones(SHAPE, bool))
        equal(chosen[1:, ::-1], array[1:, ::-1], good[1:, ::-1])
        np.testing.assert_array_equal(chosen[..., 2].masks[name].values, good[..., 2])


def test_adding_a_mask_leaves_the_image_as_it_was(a: Image) -> None:
    assert dict(a.masks) == {}
    b = a.add_mask("m", a > 0, default=True)
    assert dict(a.masks) == {}
    assert b.default_mask == "m"
    assert b.set_default_mask(None).default_mask is None
    assert list(b.set_default_mask(None).masks) == ["m"]


def test_bad_pixels_of_a_condition_are_false(a: Image, array: np.ndarray) -> None:
    condition = a[a < 1] > 0
    b = a.add_mask("m", condition, default=True)
    assert not b.masks["m"].masked
    equal(b, array, (array > 0) & (array < 1))


def test_masks_are_renamed_dropped_and_replaced(a: Image, array: np.ndarray) -> None:
    b = a.add_mask("low", a < 0, default=True).add_mask("high", a > 0)
    c = b.rename_mask("low", "negative")
    assert (list(c.masks), c.default_mask) == (["negative", "high"], "negative")
    equal(c, array, array < 0)
    assert b.rename_mask("high", "top").default_mask == "low"
    with pytest.raises(LatticeError, match="there is a mask 'high' already\nsay overwrite=True"):
        b.rename_mask("low", "high")
    over = b.rename_mask("low", "high", overwrite=True)
    assert (list(over.masks), over.default_mask) == (["high"], "high")
    equal(over, array, array < 0)
    d = b.drop_mask("low")
    assert (list(d.masks), d.default_mask, d.masked) == (["high"], None, False)
    assert list(b.drop_mask().masks) == []
    equal(b.drop_mask("high"), array, array < 0)
    e = b.add_mask("low", a > 1, overwrite=True)
    assert e.default_mask == "low"
    equal(e, array, array > 1)
    with pytest.raises(LatticeError, match="there is a mask 'low' already"):
        b.add_mask("low", a > 1)


@pytest.mark.parametrize("name", ["", "a b", "1", "default", "nomask", "NaN", "a/b", None, "a:b"])
def test_names_of_masks_are_plain(a: Image, name: Any) -> None:
    with pytest.raises(LatticeError, match="is no name for a mask"):
        a.add_mask(name, a > 0)


def test_unknown_masks_are_suggested(a: Image) -> None:
    b = a.add_mask("low", a < 0)
    for call in (b.set_default_mask, b.drop_mask, b.with_mask, lambda n: b.rename_mask(n, "x")):
        with pytest.raises(LatticeError, match="'a' has no mask 'lowe'\ndid you mean 'low'"):
            call("lowe")


def test_a_mask_that_is_a_cut_of_another_image_is_that_cut(a: Image, array: np.ndarray, rng: Any) -> None:
    wide = rng.random((6, 8, 10)) > 0.5
    other = Image(wide, masks={"own": ~wide}, name="a")
    cut = (slice(1, 4), slice(2, 6), slice(0, 5))
    b = a.add_mask("m", Image(wide, dims=a.dims, name="a")[cut], default=True)
    equal(b, array, wide[cut])
    np.testing.assert_array_equal(b.masks["m"].values, wide[cut])
    c = a[1:].add_mask("m", other[2:4, :4, :5].masks["own"], default=True)
    equal(c, array[1:], ~wide[2:4, :4, :5])


def test_names_in_texts_are_true(a: Image, array: np.ndarray) -> None:
    image = Image(array, masks={"old": array > 0}, mask="old", name="m").rename_mask("old", "new")
    assert image.masks["new"].expression == "mask(m:old)"
    b = a.add_mask("m", a > 0, default=True)
    assert b.expression == "a[a > 0]"
    assert lattice.expr(b.expression, a=a).same_as(lattice.expr("a[a > 0]", a=a))
    assert lattice.expr("a:m", a=b).same_as(b.with_mask("m"))


def test_added_masks_are_regions_of_the_language(a: Image, array: np.ndarray) -> None:
    b = a.add_mask("m", a > 0)
    equal(lattice.expr("b[b::m]", b=b), array, array > 0)
    equal(lattice.expr("b:m", b=b), array, array > 0)


def test_regions_cut_named_masks_without_masking_them(array: np.ndarray) -> None:
    image = Image(array, masks={"low": array < 0.5}, name="m")
    part = image[PixelEllipsoid((1, 1, 2), (1, 1, 1))]
    assert not part.masks["low"].masked
    np.testing.assert_array_equal(part.masks["low"].values, (array < 0.5)[0:3, 0:3, 1:4])


def test_masks_are_pickled(a: Image, array: np.ndarray) -> None:
    b = a.add_mask("r", PixelEllipsoid((1, 1, 2), (1, 1, 1)), default=True).add_mask("c", a > 0)
    again = pickle.loads(pickle.dumps(b))
    assert again.same_as(b)
    assert (list(again.masks), again.default_mask) == (["r", "c"], "r")
    np.testing.assert_array_equal(again.masks["c"].values, array > 0)


@pytest.mark.parametrize(("ending", "options"), [("zarr", {}), ("fits", {"mask": "extension"})])
def test_masks_are_saved(a: Image, array: np.ndarray, tmp_path: Path, ending: str, options: Any) -> None:
    circle = PixelEllipsoid((1, 1, 2), (1, 1, 1))
    b = a.add_mask("low", a < 0.5, default=True).add_mask("disk", circle).add_mask("high", array > 0)
    found = b.save(tmp_path / f"b.{ending}", **options)
    assert sorted(found.masks) == ["disk", "high", "low"]
    assert found.default_mask == "low"
    for name in found.masks:
        np.testing.assert_array_equal(found.masks[name].values, b.masks[name].values)
    equal(found, array, array < 0.5)
    again = found.rename_mask("disk", "core").drop_mask("high").set_default_mask("core")
    last = again[:2].save(tmp_path / f"c.{ending}", **options)
    assert (sorted(last.masks), last.default_mask) == (["core", "low"], "core")
    np.testing.assert_array_equal(last.masks["core"].values, b.masks["disk"].values[:2])


def test_a_mask_given_in_place_of_the_default_does_not_take_its_name(a: Image, tmp_path: Path) -> None:
    b = a.add_mask("low", a < 0.5, default=True)
    c = b.with_mask(a > 0)
    assert (c.default_mask, list(c.masks)) == (None, ["low"])
    found = c.save(tmp_path / "c.zarr")
    assert (found.default_mask, sorted(found.masks)) == ("mask0", ["low", "mask0"])
    np.testing.assert_array_equal(found.masks["low"].values, b.masks["low"].values)


# -- on the fly ---------------------------------------------------------------------------------------------


def test_statistics_take_a_mask(a: Image, array: np.ndarray, tmp_path: Path) -> None:
    good = array > 0.2
    path = tmp_path / "mask.fits"
    Image(good.astype("f4")).save(path)
    named = a.add_mask("m", good)
    for image, mask in (
        (a, good),
        (a, a > 0.2),
        (a, "a > 0.2"),
        (a, f"'{path}'"),
        (a, Image(good.astype("f4") * 0.5)),
        (named, "m"),
    ):
        found = image.statistics(["npts", "sum"], mask=mask)
        assert found["npts"] == good.sum()
        assert found["sum"] == pytest.approx(array[good].sum(), rel=1e-5)
    assert a[a < 1].statistics("npts", mask=good)["npts"] == (good & (array < 1)).sum()
    assert (
        a.statistics("npts", region=PixelBox((0, 0, 0), (1, 1, 1)), mask=good)["npts"]
        == good[:2, :2, :2].sum()
    )


def test_the_text_of_a_mask_knows_the_image(tmp_path: Path, array: np.ndarray) -> None:
    path = tmp_path / "a.fits"
    image = Image(array).save(path)
    assert image.subimage(mask=f"'{path}' > 0").statistics("npts")["npts"] == (array > 0).sum()


def test_axes_that_a_mask_lacks_are_added(a: Image, array: np.ndarray) -> None:
    plane = array[0] > 0
    for mask in (plane, Image(plane), Image(plane, dims=("y", "x")), a[0] > 0):
        equal(a.subimage(mask=mask), array, np.broadcast_to(plane, SHAPE))
    spectrum = Image(array[:, 0, 0] > 0, dims=("frequency",))
    equal(a.with_mask(spectrum), array, np.broadcast_to((array[:, 0, 0] > 0)[:, None, None], SHAPE))
    equal(
        a.add_mask("s", spectrum, default=True), array, np.broadcast_to(spectrum.values[:, None, None], SHAPE)
    )


def test_plain_arrays_are_broadcast_as_in_numpy() -> None:
    values = np.zeros((2, 3, 3))
    row = np.array([True, False, True])
    for image in (Image(values), Image(values, dims=("y", "x", "z"))):
        for mask in (row, np.broadcast_to(row, (3, 3)), np.broadcast_to(row, (2, 3, 3))):
            equal(image.subimage(mask=mask), values, np.broadcast_to(row, values.shape))
    equal(Image(values).subimage(mask=Image(row)), values, np.broadcast_to(row, values.shape))


def test_masks_of_a_new_image_may_be_regions(array: np.ndarray) -> None:
    image = Image(array, mask=PixelBox((0, 0, 0), (2, 1, 4)), masks={"high": array > 0})
    assert image.statistics("npts")["npts"] == 30
    assert list(image.masks) == ["high"]


def test_axes_of_length_1_are_repeated_when_asked_for(a: Image, array: np.ndarray) -> None:
    plane = array[:1] > 0
    good = np.broadcast_to(plane, SHAPE)
    with pytest.raises(
        LatticeError, match="the mask has length 1 on axis 'frequency', the image 3\nstretch=True"
    ):
        a.subimage(mask=plane)
    equal(a.subimage(mask=plane, stretch=True), array, good)
    equal(a.with_mask(plane, stretch=True), array, good)
    equal(a.add_mask("p", a[:1] > 0, stretch=True, default=True), array, good)
    assert a.statistics("npts", mask=plane, stretch=True)["npts"] == good.sum()
    row = array[:, :1, 0] > 0
    with pytest.raises(LatticeError, match="does not fit axis"):
        a.subimage(mask=row, stretch=True)


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        (np.ones((2, 4, 5), bool), "a mask of length 2 does not fit axis 'frequency' of length 3"),
        (np.ones((1, 3, 4, 5), bool), "does not fit the Float lattice"),
        (Image(np.ones((5, 4), bool), dims=("x", "y")), "in another order than the image's"),
        (3, "not a int"),
        (np.ones(SHAPE) * 1j, "complex numbers are no mask"),
        ("a >", "the expression ends after '>'"),
        ("b > 0", "'b' is not defined"),
    ],
)
def test_what_is_no_mask_says_why(a: Image, mask: Any, message: str) -> None:
    for call in (lambda m: a.subimage(mask=m), lambda m: a.add_mask("m", m), lambda m: a.statistics(mask=m)):
        with pytest.raises(LatticeError, match=message):
            call(mask)


def test_nothing_is_computed_before_pixels_are_asked_for(a: Image) -> None:
    dask_array = pytest.importorskip("dask.array")

    def block(x: np.ndarray) -> np.ndarray:
        raise AssertionError("computed")

    lazy = dask_array.zeros((3, 4, 5)).map_blocks(block, meta=np.empty((0, 0, 0)))
    image = Image(lazy, dims=a.dims, name="lazy")
    image.add_mask("m", image > image.median(), default=True).subimage(mask="lazy > 0").set_default_mask("m")
    repr(image.with_mask(image > 0).add_mask("r", PixelEllipsoid((1, 1, 2), (1, 1, 1))).masks)


def test_the_mask_of_a_region_is_read_where_it_is_needed() -> None:
    reader = RegionReader(PixelBox((0, 0, 0), (1, 1, 1), shape=SHAPE))
    assert (reader.shape, reader.tile, reader.bytes_read(())) == (SHAPE, (1, 4, 5), 0)
    section = (slice(0, 3, 2), slice(1, 2, 1), slice(0, 5, 1))
    np.testing.assert_array_equal(reader.read(section)[:, 0], [[1, 1, 0, 0, 0], [0, 0, 0, 0, 0]])
    assert reader.token == RegionReader(PixelBox((0, 0, 0), (1, 1, 1), shape=SHAPE)).token


# -- what keeps them ----------------------------------------------------------------------------------------


def test_named_masks_are_joined(array: np.ndarray) -> None:
    whole = Image(array, masks={"low": array < 1, "high": array > -1}, name="whole").set_default_mask("low")
    joined = lattice.concat([whole[:2], whole[2:]], dim=whole.dims[0])
    assert list(joined.masks) == ["low", "high"]
    assert joined.default_mask == "low"
    np.testing.assert_array_equal(joined.masks["high"].values, array > -1)
    np.testing.assert_array_equal(joined.mask, array < 1)
    assert joined.set_default_mask("high").statistics().npts == (array > -1).sum()
    # A part without a mask of that name is good everywhere; then, or under a condition, there is no default.
    other = lattice.concat([whole[:2], Image(array[2:], dims=whole.dims)], dim=whole.dims[0])
    expected = array < 1
    expected[2:] = True
    np.testing.assert_array_equal(other.masks["low"].values, expected)
    assert other.default_mask == "low"
    inside = whole.subimage(mask=whole > 0)
    both = lattice.concat([inside, whole], dim=whole.dims[0])
    assert both.default_mask is None
    np.testing.assert_array_equal(both.masks["low"].values, np.concatenate([array < 1, array < 1]))
    np.testing.assert_array_equal(both.mask, np.concatenate([(array < 1) & (array > 0), array < 1]))
    new = lattice.concat([whole, whole], dim="epoch")
    np.testing.assert_array_equal(new.masks["high"].values, [array > -1, array > -1])
    assert list(lattice.concat([whole], dim=0).masks) == ["low", "high"]


def test_named_masks_come_into_memory(array: np.ndarray, tmp_path: Path) -> None:
    stored = Image(array, masks={"low": array < 1, "high": array > -1}).set_default_mask("low")
    a = stored.save(tmp_path / "a.zarr")
    held = a.compute()
    assert (list(held.masks), held.default_mask) == (["low", "high"], "low")
    with counting() as count:
        for name, expected in (("low", array < 1), ("high", array > -1)):
            np.testing.assert_array_equal(held.masks[name].values, expected)
        np.testing.assert_array_equal(held.mask, array < 1)
        np.testing.assert_array_equal(held.set_default_mask("high").mask, array > -1)
    assert count.bytes == 0
    # A region or a condition is a mask of its own.
    part = a.subimage(mask=a > 0).compute()
    assert part.default_mask == "mask0"
    np.testing.assert_array_equal(part.masks["low"].values, array < 1)
    np.testing.assert_array_equal(part.mask, (array < 1) & (array > 0))
    same = a.without_mask().compute()
    assert (same.default_mask, same.masked, list(same.masks)) == (None, False, ["low", "high"])
    assert a.subimage(mask=a < 5).compute().default_mask == "low"


def test_masks_of_one_value_hold_for_all_pixels() -> None:
    image = Image(np.arange(6.0).reshape(2, 3), mask=np.eye(2, 3, dtype=bool))
    assert image.statistics("npts", mask="T")["npts"] == 2
    assert image.statistics("npts", mask="3 < 2")["npts"] == 0
    assert np.ma.getmaskarray(image.subimage(mask="F").to_masked_array()).all()
    assert np.ma.getmaskarray(image.set_default_mask(None).subimage(mask=False).to_masked_array()).all()
