"""Regions against brute force: every pixel of the lattice looked at one by one."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import assume, given

from lattice.coords.system import CoordinateSystem
from lattice.errors import LatticeTypeError, RegionError
from lattice.graph.attributes import Attributes, default_dims
from lattice.graph.build import region_cut
from lattice.graph.node import Literal, RegionMask, Source
from lattice.graph.sections import full, shape_of
from lattice.io.memory import ArrayReader
from lattice.regions import (
    AxisBox,
    AxisPolygon,
    MaskRegion,
    PixelBox,
    PixelEllipsoid,
    PixelPolygon,
    Region,
    Slicer,
)

SHAPE = (4, 5, 6)


def attrs_of(shape: tuple[int, ...], kinds: tuple[str, ...] | None = None) -> Attributes:
    coords = None if kinds is None else CoordinateSystem.from_kinds(kinds)
    dims = default_dims(len(shape)) if coords is None else coords.dims
    return Attributes(np.dtype("f4"), shape, dims, coords=coords)


def everywhere(region: Region, shape: tuple[int, ...]) -> np.ndarray:
    return region.mask(full(shape))


def as_slices(*spans: tuple[int, int]) -> tuple[slice, ...]:
    return tuple(slice(a, b, 1) for a, b in spans)


# -- strategies ---------------------------------------------------------------------------------

position = st.integers(-2, 8)
real = st.integers(-8, 32).map(lambda k: k / 4)


@st.composite
def boxes(draw: Any) -> Region:
    blc = tuple(draw(st.integers(-2, n - 1)) for n in SHAPE)
    trc = tuple(draw(st.integers(max(b, 0), n + 2)) for b, n in zip(blc, SHAPE, strict=True))
    return PixelBox(blc, trc, shape=SHAPE)


@st.composite
def ellipsoids(draw: Any) -> Region:
    centre = tuple(draw(st.integers(0, 4 * n - 4)) / 4 for n in SHAPE)
    return PixelEllipsoid(centre, tuple(draw(st.integers(2, 16)) / 4 for _ in SHAPE), SHAPE)


@st.composite
def polygons(draw: Any) -> Region:
    corners = draw(st.lists(st.tuples(real, real), min_size=3, max_size=7, unique=True))
    polygon = PixelPolygon([x for x, _ in corners], [y for _, y in corners], SHAPE)
    try:
        polygon.bounds()
    except RegionError:
        assume(False)
    return polygon


@st.composite
def masks(draw: Any) -> Region:
    return MaskRegion(np.random.default_rng(draw(st.integers(0, 9))).random(SHAPE) < 0.4)


simple = st.one_of(boxes(), ellipsoids(), polygons(), masks())


@st.composite
def compounds(draw: Any) -> Region:
    region: Region = draw(simple)
    for _ in range(draw(st.integers(1, 3))):
        other = draw(simple)
        combine: Callable[[Region, Region], Region] = draw(
            st.sampled_from([Region.__and__, Region.__or__, Region.__sub__, lambda a, _b: ~a])
        )
        try:
            region = combine(region, other)
        except RegionError:  # an empty intersection; other tests look at the message
            assume(False)
    return region


@st.composite
def sections(draw: Any, shape: tuple[int, ...] = SHAPE) -> tuple[slice, ...]:
    out = []
    for n in shape:
        start = draw(st.integers(0, n))
        out.append(slice(start, draw(st.integers(start, n)), draw(st.integers(1, 3))))
    return tuple(out)


# -- what holds for every region ------------------------------------------------------------------


@given(st.one_of(simple, compounds()), sections())
def test_a_section_of_the_mask_is_the_mask_of_the_section(region: Region, section: tuple[slice, ...]) -> None:
    whole = everywhere(region, SHAPE)
    part = region.mask(section)
    assert part.dtype == bool
    assert part.shape == shape_of(section)
    np.testing.assert_array_equal(part, whole[section])


@given(st.one_of(simple, compounds()))
def test_along_other_axes_the_mask_of_the_box_does_not_change(region: Region) -> None:
    inside = everywhere(region, SHAPE)[region.bounds()]
    varies = region.varies()
    assert all(-3 <= axis < 0 for axis in varies)
    for axis in set(range(-3, 0)) - varies:
        first = np.take(inside, [0], axis)
        np.testing.assert_array_equal(inside, np.broadcast_to(first, inside.shape))


def test_regions_of_a_plane_are_alike_in_all_planes() -> None:
    polygon = PixelPolygon([0, 4, 2], [0, 1, 4], SHAPE)
    limited = polygon & PixelBox((1, 0, 0), (2, 4, 5), shape=SHAPE)
    assert polygon.varies() == limited.varies() == (polygon | ~polygon).varies() == {-2, -1}
    assert PixelBox((1, 0, 0), (2, 3, 4), shape=SHAPE).varies() == frozenset()
    assert (polygon - PixelBox((1, 0, 0), (2, 4, 5), shape=SHAPE)).varies() == {-3, -2, -1}


@given(st.one_of(simple, compounds()))
def test_nothing_is_outside_the_box(region: Region) -> None:
    whole = everywhere(region, SHAPE)
    inside = np.zeros(SHAPE, bool)
    inside[region.bounds()] = True
    assert not (whole & ~inside).any()
    if not region.has_mask:
        np.testing.assert_array_equal(whole, inside)


@given(st.one_of(simple, compounds()))
def test_regions_are_values(region: Region) -> None:
    twin = pickle.loads(pickle.dumps(region))
    assert twin == region
    assert hash(twin) == hash(region)
    np.testing.assert_array_equal(everywhere(twin, SHAPE), everywhere(region, SHAPE))
    assert region.fit(attrs_of(SHAPE)) == region
    with pytest.raises(AttributeError):
        region.shape = (1,)  # type: ignore[misc]


@given(simple, simple)
def test_compounds_are_logic(a: Region, b: Region) -> None:
    p, q = everywhere(a, SHAPE), everywhere(b, SHAPE)
    np.testing.assert_array_equal(everywhere(a | b, SHAPE), p | q)
    np.testing.assert_array_equal(everywhere(a - b, SHAPE), p & ~q)
    np.testing.assert_array_equal(everywhere(~a, SHAPE), ~p)
    assert (a | b).bounds() == tuple(
        slice(min(s.start, t.start), max(s.stop, t.stop), 1)
        for s, t in zip(a.bounds(), b.bounds(), strict=True)
    )
    assert (a - b).bounds() == a.bounds()
    assert (~a).bounds() == full(SHAPE)
    assert (~~a).bounds() == full(SHAPE)
    try:
        both = a & b
    except RegionError:
        assert any(
            max(s.start, t.start) >= min(s.stop, t.stop) for s, t in zip(a.bounds(), b.bounds(), strict=True)
        )
    else:
        np.testing.assert_array_equal(everywhere(both, SHAPE), p & q)
        assert both.has_mask == (a.has_mask or b.has_mask)


# -- boxes and slicers ------------------------------------------------------------------------------


def test_both_corners_belong_to_a_box_and_it_has_no_mask() -> None:
    box = PixelBox((0, 0, 1), (1, 1, 2), shape=(2, 3, 4))
    assert box.bounds() == as_slices((0, 2), (0, 2), (1, 3))
    assert not box.has_mask
    assert box.ndim == 3


def test_a_box_is_cut_off_at_the_edges() -> None:
    assert PixelBox((-3, 1), (1, 99), shape=(3, 4)).bounds() == as_slices((0, 2), (1, 4))
    assert PixelBox((0.4, 0.5), (1.5, 2.49), shape=(3, 4)).bounds() == as_slices((0, 3), (1, 3))


@given(st.data())
def test_strided_boxes_pick_what_numpy_picks(data: st.DataObject) -> None:
    blc = tuple(data.draw(st.integers(0, n - 1)) for n in SHAPE)
    trc = tuple(data.draw(st.integers(b, n + 2)) for b, n in zip(blc, SHAPE, strict=True))
    inc = tuple(data.draw(st.integers(1, 4)) for _ in SHAPE)
    values = np.arange(np.prod(SHAPE)).reshape(SHAPE)
    expected = values[tuple(slice(b, t + 1, k) for b, t, k in zip(blc, trc, inc, strict=True))]
    for region in (PixelBox(blc, trc, inc, SHAPE), Slicer(blc, trc, inc).fit(attrs_of(SHAPE))):
        assert not region.has_mask
        bounds = region.bounds()
        np.testing.assert_array_equal(values[bounds], expected)
        assert shape_of(bounds) == expected.shape
        section = data.draw(sections())
        np.testing.assert_array_equal(region.mask(section), np.isin(values, expected)[section])


def test_a_slicer_takes_the_fastest_axes_and_the_others_in_full() -> None:
    slicer = Slicer((0, 1), (9, 2))
    assert slicer.fit(attrs_of((7, 5, 6))).bounds() == as_slices((0, 7), (0, 5), (1, 3))
    assert slicer.fit(attrs_of((5, 6))).bounds() == as_slices((0, 5), (1, 3))
    # it fits again, whatever it was fitted to before
    assert slicer.fit(attrs_of((5, 6))).fit(attrs_of((2, 2))).bounds() == as_slices((0, 2), (1, 2))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Slicer((0, 7), (1, 9)).fit(attrs_of((5, 6))), "has no pixel in a lattice of shape"),
        (lambda: Slicer((0, 0, 0), (1, 1, 1)).fit(attrs_of((5, 6))), "slicer of 3 axes does not fit"),
        (lambda: Slicer((-1,), (1,)), "starts at pixel 0 or later"),
        (lambda: Slicer((0,), (1,), (0,)), "at least 1"),
        (lambda: PixelBox((2, 2), (1, 5)), "ends before it starts"),
        (lambda: PixelBox((0, 0), (1,)), "same number of axes, not 2 and 1"),
        (lambda: PixelBox((0, 0), (1, 1), shape=(3, 3, 3)), "box with 2 axes"),
        (lambda: PixelBox((0, 9), (1, 12), shape=(3, 4)).bounds(), "no pixel in a lattice"),
        (lambda: PixelBox((0, np.nan), (1, 1)), "finite"),
        (lambda: PixelEllipsoid((1, 1), (1, 0)), "radii of an ellipsoid are above 0"),
        (lambda: PixelEllipsoid((1, 1), (1, 1, 1)), "one radius per axis: 2, not 3"),
        (lambda: PixelEllipsoid((9, 1), 2, (4, 4)).bounds(), "holds no pixel"),
        (lambda: PixelPolygon((0, 1), (0, 1)), "three different corners"),
        (lambda: PixelPolygon((0, 1, 2), (0, 1)), "as many x as y"),
        (lambda: PixelPolygon((0.1, 0.2, 0.1), (0.1, 0.1, 0.2), (4, 4)).bounds(), "the centre of no pixel"),
        (lambda: PixelPolygon((0, 1, 2), (0, 1, 5), (4,)), "two axes"),
        (lambda: PixelBox((0,), (1,)).bounds(), "made without a shape"),
        (lambda: PixelBox((0,), (1,)).fit(attrs_of(())), "cannot be applied to a Float scalar"),
        (
            lambda: PixelBox((0, 0), (0, 0), shape=(2, 2)) & PixelBox((1, 1), (1, 1)),
            "intersection of the regions is empty",
        ),
        (
            lambda: PixelBox((0, 0), (0, 0), shape=(2, 2)) | PixelBox((1, 1), (1, 1), shape=(2, 3)),
            "different shapes",
        ),
        (lambda: ~Slicer((0,), (1,)), "cannot be part of a compound"),
        (lambda: PixelBox((0,), (3,), (2,)) | PixelBox((0,), (3,)), "cannot be part of a compound"),
    ],
)
def test_errors_of_regions(make: Callable[[], object], words: str) -> None:
    with pytest.raises(RegionError, match=words):
        make()


@pytest.mark.parametrize(
    "make",
    [lambda: PixelBox("ab", (1, 2)), lambda: MaskRegion(np.zeros(3)), lambda: bool(PixelBox((0,), (1,)))],
)
def test_wrong_types(make: Callable[[], object]) -> None:
    with pytest.raises(LatticeTypeError):
        make()


def test_a_region_made_for_another_shape_names_both_shapes() -> None:
    with pytest.raises(RegionError) as caught:
        PixelBox((0, 0), (1, 1), shape=(2, 3)).fit(attrs_of((4, 5)))
    assert "(2, 3)" in str(caught.value)
    assert "(4, 5)" in str(caught.value)
    assert "slowest axis first" in str(caught.value)


# -- ellipsoids and polygons ------------------------------------------------------------------------


@given(ellipsoids())
def test_ellipsoids_by_their_formula(region: PixelEllipsoid) -> None:
    p = np.indices(SHAPE)
    distance = sum(((p[i] - region.centre[i]) / region.radii[i]) ** 2 for i in range(3))
    np.testing.assert_array_equal(everywhere(region, SHAPE), distance <= 1 + 1e-9)


def test_the_edge_of_an_ellipsoid_belongs_to_it_in_spite_of_rounding() -> None:
    for radius in (0.1, 0.3, 0.7, 1.1, 2.9):
        for centre in (0.1, 0.3, 1.7):
            disc = PixelEllipsoid((centre,), (radius,), (99,))
            low, high = centre - radius, centre + radius
            expected = [p for p in range(99) if low - 1e-9 <= p <= high + 1e-9]
            if expected:
                assert np.flatnonzero(everywhere(disc, (99,))).tolist() == expected
    single = PixelEllipsoid(np.float32([0.5, 1, 1.5]), np.float32([1.2, 1.2, 1.6]), (2, 3, 4))
    row = [False, True, True, False]
    np.testing.assert_array_equal(everywhere(single, (2, 3, 4)), np.broadcast_to(row, (2, 3, 4)))
    assert single.bounds() == full((2, 3, 4))  # not cut down to the pixels


def inside(px: float, py: float, xs: tuple[float, ...], ys: tuple[float, ...]) -> bool:
    """Tell whether a point is in or on a polygon, by the angle that it turns by, in whole numbers."""
    crossings = 0
    for i in range(len(xs)):
        # quarters are exact in doubles
        xa, ya, xb, yb = xs[i - 1], ys[i - 1], xs[i], ys[i]
        cross = (xb - xa) * (py - ya) - (yb - ya) * (px - xa)
        if cross == 0 and min(xa, xb) <= px <= max(xa, xb) and min(ya, yb) <= py <= max(ya, yb):
            return True
        if (ya > py) != (yb > py) and (cross > 0) == (yb > ya):
            crossings += 1
    return crossings % 2 == 1


@given(polygons())
def test_polygons_by_their_corners(region: PixelPolygon) -> None:
    expected = np.array(
        [[inside(x, y, region.x, region.y) for x in range(SHAPE[2])] for y in range(SHAPE[1])]
    )
    whole = everywhere(region, SHAPE)
    np.testing.assert_array_equal(whole, np.broadcast_to(expected, SHAPE))
    rows, columns = np.flatnonzero(expected.any(1)), np.flatnonzero(expected.any(0))
    assert region.bounds() == as_slices((0, 4), (rows[0], rows[-1] + 1), (columns[0], columns[-1] + 1))


def test_a_polygon_on_other_axes() -> None:
    x, y = (0.0, 3.0, 0.0), (0.0, 0.0, 2.0)
    plane = everywhere(PixelPolygon(x, y, (3, 4)), (3, 4))
    swapped = PixelPolygon(x, y, (4, 2, 3), axes=(2, 0))
    np.testing.assert_array_equal(everywhere(swapped, (4, 2, 3)), np.stack([plane.T] * 2, axis=1))
    assert swapped.bounds() == full((4, 2, 3))
    with pytest.raises(RegionError, match="no plane"):
        PixelPolygon(x, y, (3, 4), axes=(1, -1))


def test_a_large_polygon_is_made_piece_by_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    from lattice.regions import pixel

    corners = np.linspace(0, 2 * np.pi, 50, endpoint=False)
    x, y = 30 + 20 * np.cos(corners), 40 + 25 * np.sin(corners)
    whole = PixelPolygon(x, y, (90, 70)).bounds()
    monkeypatch.setattr(pixel, "_PIECE", 100)
    assert PixelPolygon(x, y, (90, 70)).bounds() == whole == as_slices((16, 65), (10, 51))


# -- masks, axes, use in graphs -----------------------------------------------------------------------


def test_masks_are_the_same_region_when_their_pixels_are() -> None:
    values = np.arange(12).reshape(3, 4) % 2 == 0
    assert MaskRegion(values) == MaskRegion(values.copy())
    assert MaskRegion(ArrayReader(values)).shape == (3, 4)
    assert MaskRegion(values) != MaskRegion(~values)
    region = MaskRegion(values)
    values[:] = False  # the region keeps its pixels
    assert everywhere(region, (3, 4)).sum() == 6


def test_regions_without_a_shape_take_that_of_the_other() -> None:
    made = PixelBox((0, 0), (1, 1)) & PixelEllipsoid((1, 1), 1, (3, 3))
    assert made.shape == (3, 3)
    assert made.bounds() == as_slices((0, 2), (0, 2))
    open_ = PixelBox((0, 0), (0, 0)) | PixelBox((2, 2), (9, 9))
    assert open_.shape is None
    fitted = open_.fit(attrs_of((4, 4)))
    assert fitted.shape == (4, 4)
    assert everywhere(fitted, (4, 4)).sum() == 5
    with pytest.raises(RegionError, match="empty"):
        (PixelBox((0, 0), (0, 0)) & PixelBox((2, 2), (9, 9))).fit(attrs_of((4, 4)))


def test_axes_are_found_by_kind_of_coordinate() -> None:
    cube = attrs_of((2, 3, 4), ("spectral", "latitude", "longitude"))
    turned = attrs_of((3, 2, 4), ("latitude", "spectral", "longitude"))
    box = AxisBox(["latitude", "longitude"], (0, 1), (1, 2))
    assert box.ndim == 2
    assert box.fit(cube).bounds() == as_slices((0, 2), (0, 2), (1, 3))
    assert box.fit(turned).bounds() == as_slices((0, 2), (0, 2), (1, 3))
    assert AxisBox(["frequency"], [1], [1]).fit(cube).bounds() == as_slices((1, 2), (0, 3), (0, 4))
    triangle = AxisPolygon((-0.4, 3.4, -0.4), (-0.4, -0.4, 2.6))
    expected = np.array([[1, 1, 1, 0], [1, 1, 0, 0], [1, 0, 0, 0]], bool)
    np.testing.assert_array_equal(everywhere(triangle.fit(cube), (2, 3, 4)), np.stack([expected] * 2))
    np.testing.assert_array_equal(
        everywhere(triangle.fit(turned), (3, 2, 4)), np.stack([expected] * 2, axis=1)
    )
    either = box | AxisBox(["spectral"], [1], [1])
    assert either.ndim == 3
    assert either.kind == "world"
    assert everywhere(either.fit(cube), (2, 3, 4)).sum() == 4 + 12
    for region, words in (
        (box, "needs a lattice with coordinates"),
        (~box, "needs a lattice with coordinates"),
    ):
        with pytest.raises(RegionError, match=words):
            region.fit(attrs_of((2, 3, 4)))
    with pytest.raises(RegionError, match="has a latitude axis, which the Float lattice"):
        box.fit(attrs_of((2,), ("spectral",)))
    with pytest.raises(RegionError, match="made without a shape"):
        box.bounds()


def source(shape: tuple[int, ...]) -> Source:
    node: Source = Source(ArrayReader(np.zeros(shape, "f4")), "a", "", None, attrs_of(shape))
    return node


def test_a_cut_takes_the_box_and_the_mask() -> None:
    x = source((3, 4))
    box = PixelBox((0, 1), (1, 2), shape=(3, 4))
    cut = region_cut(x, box, "a::box")
    assert (cut.attrs.shape, cut.attrs.masked) == ((2, 2), False)
    assert region_cut(x, ~box, "!a::box").attrs.masked
    # equal regions make equal nodes
    assert region_cut(x, PixelBox((0, 1), (1, 2), shape=(3, 4)), "a::box") is cut
    with pytest.raises(RegionError, match="made for a lattice of shape"):
        region_cut(source((3, 5)), box, "a::box")
    with pytest.raises(RegionError, match="scalar"):
        region_cut(Literal.of(1.0), box, "a::box")


def test_pixel_regions_turn_into_truth_values() -> None:
    box = PixelBox((0, 1), (1, 2), shape=(3, 4))
    node = box.as_mask_node("a::box")
    assert isinstance(node, RegionMask)
    assert node.attrs.shape == (2, 2)
    assert pickle.loads(pickle.dumps(node)) is node
    for region in (
        PixelBox((0, 0), (1, 1)),
        Slicer((0,), (1,)).fit(attrs_of((3, 4))),
        AxisBox(["spectral"], [0], [1]),
    ):
        with pytest.raises(RegionError, match=r"a::r .* cannot stand for truth values"):
            region.as_mask_node("a::r")
