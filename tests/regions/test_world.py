from __future__ import annotations

import itertools
import pickle
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from hypothesis import given
from hypothesis import strategies as st

import lattice
from lattice.coords.system import CoordinateSystem
from lattice.errors import LatticeError, LatticeTypeError, RegionError
from lattice.graph.attributes import Attributes
from lattice.graph.sections import full
from lattice.regions import (
    Annulus,
    AxisBox,
    CenterBox,
    ChannelSelection,
    Circle,
    Ellipse,
    MaskRegion,
    PixelBox,
    PixelEllipse,
    PixelEllipsoid,
    Region,
    RegionItem,
    RegionList,
    RelativeBox,
    RotatedBox,
    Slicer,
    SpectralRange,
    StokesSelection,
    WorldBox,
    WorldPolygon,
)
from lattice.regions.base import OutsideError
from lattice.regions.crtf import from_crtf
from lattice.regions.plane import Layers

SHAPE = (5, 4, 30, 40)
_SKY = [
    ("CTYPE1", "RA---TAN", ""), ("CRPIX1", 20.0, ""), ("CRVAL1", 150.0, ""), ("CDELT1", -0.01, ""),
    ("CTYPE2", "DEC--TAN", ""), ("CRPIX2", 15.0, ""), ("CRVAL2", 2.0, ""), ("CDELT2", 0.01, ""),
    ("CTYPE3", "STOKES", ""), ("CRPIX3", 1.0, ""), ("CRVAL3", 1.0, ""), ("CDELT3", 1.0, ""),
    ("CTYPE4", "FREQ", ""), ("CRPIX4", 1.0, ""), ("CRVAL4", 1.4e9, ""), ("CDELT4", 1e6, ""),
    ("CUNIT1", "deg", ""), ("CUNIT2", "deg", ""), ("CUNIT4", "Hz", ""),
    ("RESTFRQ", 1.42040575e9, ""), ("SPECSYS", "LSRK", ""), ("RADESYS", "ICRS", ""),
]  # fmt: skip
COORDS = CoordinateSystem.from_header(_SKY, SHAPE)
CUBE = Attributes(np.dtype("f4"), SHAPE, COORDS.dims, coords=COORDS)
PLANE = Attributes(np.dtype("f4"), (30, 40), ("y", "x"))


def plane(region: Region, attrs: Attributes = CUBE) -> np.ndarray:
    fitted = region.fit(attrs)
    mask = fitted.mask(full(attrs.shape))
    assert (mask == mask[(slice(0, 1),) * (mask.ndim - 2)]).all()  # other axes are taken in full
    return mask[(0,) * (mask.ndim - 2)]


def test_the_pixels_of_a_circle_on_the_sky_are_those_within_its_radius() -> None:
    centre = SkyCoord(150.02 * u.deg, 2.03 * u.deg)
    y, x = np.mgrid[:30, :40]
    lon, lat = COORDS.pixel_to_lonlat(y, x)
    distance = SkyCoord(lon * u.deg, lat * u.deg).separation(centre)
    expected = distance.deg <= 0.0873
    np.testing.assert_array_equal(plane(Circle(centre, 0.0873 * u.deg)), expected)
    np.testing.assert_array_equal(plane(Circle((150.02, 2.03), "5.238arcmin")), expected)
    np.testing.assert_array_equal(plane(Circle(centre.galactic, 0.0873, frame="GALACTIC")), expected)
    galactic = centre.galactic
    there = Circle((galactic.l.deg, galactic.b.deg), 0.0873, frame="galactic")
    np.testing.assert_array_equal(plane(there), expected)
    hole = plane(Annulus(centre, "0.0433deg", "0.0873deg"))
    np.testing.assert_array_equal(hole, expected & (distance.deg > 0.0433))


@given(
    st.tuples(st.floats(-5, 45), st.floats(-5, 35)),
    st.tuples(st.floats(0.6, 20), st.floats(0.6, 20)),
    st.floats(-400, 400),
)
def test_shapes_in_pixels_against_their_formulas(
    centre: tuple[float, float], size: tuple[float, float], angle: float
) -> None:
    y, x = np.mgrid[:30, :40].astype(float)
    dx, dy = x - centre[0], y - centre[1]
    turn = np.radians(angle)
    along, beside = dx * np.cos(turn) + dy * np.sin(turn), dy * np.cos(turn) - dx * np.sin(turn)
    place = (f"{centre[0]!r}pix", f"{centre[1]!r}pix")
    lengths = (f"{size[0]!r}pix", f"{size[1]!r}pix")
    radii = (along / size[1]) ** 2 + (beside / size[0]) ** 2
    boxes = np.maximum(np.abs(along) / (size[0] / 2), np.abs(beside) / (size[1] / 2))
    for region, measure in (
        (Ellipse(place, lengths, angle), radii),
        (RotatedBox(place, lengths, angle), boxes),
    ):
        try:
            found = plane(region, PLANE)
        except OutsideError:
            found = np.zeros((30, 40), bool)
        clear = np.abs(measure - 1) > 1e-4
        np.testing.assert_array_equal(found[clear], (measure <= 1)[clear])


@given(
    st.tuples(st.floats(-5, 45), st.floats(-5, 35)),
    st.tuples(st.floats(0.6, 20), st.floats(0.6, 20)),
    st.floats(-400, 400),
    st.data(),
)
def test_any_section_of_an_ellipse_is_that_part_of_its_mask(
    centre: tuple[float, float], radii: tuple[float, float], angle: float, data: Any
) -> None:
    shape, axes = (30, 3, 40), data.draw(st.sampled_from([(0, 2), (2, 0), (1, 2), (0, 1)]))
    ellipse = PixelEllipse(centre, radii, angle, shape, axes)
    try:
        box = ellipse.bounds()
    except OutsideError:
        return
    whole = ellipse.mask(full(shape))
    outside = whole.copy()
    outside[box] = False
    assert not outside.any()
    section = tuple(
        slice(a, data.draw(st.integers(a, n)), data.draw(st.integers(1, 4)))
        for n, a in ((n, data.draw(st.integers(0, n))) for n in shape)
    )
    np.testing.assert_array_equal(ellipse.mask(section), whole[section])


def test_boxes_take_the_centres_within_them() -> None:
    box = WorldBox(("4.4pix", "3.6pix"), ("9.5pix", "7.2pix")).fit(CUBE)
    assert box.bounds()[2:] == (slice(4, 8, 1), slice(5, 10, 1))
    assert not box.has_mask
    same = CenterBox(("6.95pix", "5.4pix"), ("5.1pix", "3.6pix")).fit(CUBE)
    assert same.bounds() == box.bounds()
    sky = [COORDS.pixel_to_lonlat(y, x) for x, y in ((4.6, 3.6), (9.5, 7.2))]
    there = WorldBox(*sky).fit(CUBE)
    assert there.bounds() == box.bounds()
    assert WorldBox(*sky[::-1]).fit(CUBE).bounds() == box.bounds()


def test_a_rotated_image_turns_shapes_on_the_sky_but_not_those_in_pixels() -> None:
    cosine, sine = np.cos(0.5), np.sin(0.5)
    matrix = [("PC1_1", cosine, ""), ("PC1_2", -sine, ""), ("PC2_1", sine, ""), ("PC2_2", cosine, "")]
    coords = CoordinateSystem.from_header([*_SKY, *matrix], SHAPE)
    attrs = Attributes(np.dtype("f4"), SHAPE, coords.dims, coords=coords)
    pixels = Ellipse(("19pix", "14pix"), ("10.3pix", "3.2pix"), 20)
    np.testing.assert_array_equal(plane(pixels, attrs), plane(pixels))
    sky = Ellipse((150.0, 2.0), (0.103, 0.032), 20)
    lon, lat = coords.pixel_to_lonlat(*np.mgrid[:30, :40])
    centre, places = SkyCoord(150 * u.deg, 2 * u.deg), SkyCoord(lon * u.deg, lat * u.deg)
    distance, angle = centre.separation(places).deg, centre.position_angle(places).rad - np.radians(20)
    inside = (distance * np.cos(angle) / 0.103) ** 2 + (distance * np.sin(angle) / 0.032) ** 2
    clear = np.abs(inside - 1) > 1e-3
    np.testing.assert_array_equal(plane(sky, attrs)[clear], (inside <= 1)[clear])


def test_shapes_follow_a_cut_with_strides_and_a_transposition() -> None:
    region = Circle((150.02, 2.03), 0.0873)
    cut = (slice(0, 5, 1), slice(0, 4, 1), slice(3, 27, 2), slice(5, 38, 3))
    coords = COORDS.subset(cut)
    expected = plane(region)[cut[2:]]
    attrs = Attributes(np.dtype("f4"), (5, 4, *expected.shape), coords.dims, coords=coords)
    np.testing.assert_array_equal(plane(region, attrs), expected)
    turned = COORDS.select([3, 0, 2, 1])
    shape = (40, 5, 30, 4)
    fitted = region.fit(Attributes(np.dtype("f4"), shape, turned.dims, coords=turned))
    np.testing.assert_array_equal(fitted.mask(full(shape))[:, 0, :, 0].T, plane(region))


def test_a_huge_image_costs_no_mask_of_its_size() -> None:
    cards = [
        (k, {"CRPIX1": 50000.0, "CRPIX2": 50000.0, "CDELT1": -1e-5, "CDELT2": 1e-5}.get(k, v), c)
        for k, v, c in _SKY
    ]
    shape = (1000, 4, 100_000, 100_000)
    coords = CoordinateSystem.from_header(cards, shape)
    attrs = Attributes(np.dtype("f4"), shape, coords.dims, coords=coords)
    region = (Circle((150, 2), "5arcsec") & SpectralRange("10chan", "20chan") & StokesSelection("I")).fit(
        attrs
    )
    box = region.bounds()
    assert [s.stop - s.start for s in box[:2]] == [11, 1]
    section = tuple(slice(s.start, min(s.start + 64, s.stop), 1) for s in box)
    assert region.mask(section).shape == (11, 1, 64, 64)


# -- ranges ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ends", "more", "channels"),
    [
        (("1.2chan", "3.6chan"), {}, [1, 2, 3, 4]),
        (("1.2chan", "1.3chan"), {}, [1]),
        (("0.5chan", "2.5chan"), {}, [1, 2, 3]),
        (("2.5pix", "0.5pix"), {}, [1, 2, 3]),
        ((-7 * u.pix, 1 * u.pix), {}, [0, 1]),
        ((1.4011e9, 1.4029e9), {}, [1, 2, 3]),
        ((1.4029 * u.GHz, 1401.1 * u.MHz), {}, [1, 2, 3]),
        ((21.3985 * u.cm, 21.3695 * u.cm), {}, [1, 2, 3]),
        (("3500km/s", "4000km/s"), {}, [1, 2, 3, 4]),
        (("3500km/s", "4000km/s"), {"convention": "OPTICAL"}, [2, 3, 4]),
        ((-200 * u.km / u.s, 500 * u.km / u.s), {"rest": 1.402 * u.GHz}, [0, 1, 2, 3]),
        (("-200km/s", "500km/s"), {"rest": "1402MHz", "convention": "radio"}, [0, 1, 2, 3]),
        (("1.4011GHz", "1.4029GHz"), {"frame": "CMB"}, None),
    ],
)  # fmt: skip
def test_channels_of_a_range(ends: tuple[Any, Any], more: dict[str, Any], channels: list[int] | None) -> None:
    box = SpectralRange(*ends, **more).fit(CUBE).bounds()[0]
    assert channels is None or list(range(box.start, box.stop)) == channels


def test_channels_and_stokes_that_are_not_together_are_masked_between() -> None:
    region = ChannelSelection(((0, 0), (3, None))).fit(CUBE)
    assert region.bounds()[0] == slice(0, 5, 1)
    np.testing.assert_array_equal(region.mask(full(SHAPE)).any((1, 2, 3)), [1, 0, 0, 1, 1])
    region = StokesSelection(["u", "I"]).fit(CUBE)
    assert region.bounds()[1] == slice(0, 3, 1)
    np.testing.assert_array_equal(region.mask(full(SHAPE)).any((0, 2, 3)), [1, 0, 1, 0])


# Measured with CASA's rg.box and boundingbox; corners are in numpy order here.
@pytest.mark.parametrize(
    ("shape", "reference", "box", "rows", "columns"),
    [
        ((32, 40), (16, 20), RelativeBox((0.25, 0.25), (0.75, 0.5), fractions=True), (8, 23), (10, 19)),
        ((32, 40), (16, 20), RelativeBox((0.24, 0.26), (0.74, 0.51), fractions=True), (8, 23), (10, 19)),
        ((32, 40), (16, 20), RelativeBox((0, 0), (1, 1), fractions=True), (0, 31), (0, 39)),
        ((32, 40), (16, 20), RelativeBox((-2, -3), (5, 4), "reference"), (14, 21), (17, 24)),
        ((32, 40), (16, 20), RelativeBox((-2.4, -3.6), (5.4, 4.5), "reference"), (14, 21), (16, 25)),
        ((32, 40), (16, 20), RelativeBox((-2, -30), (50, 4), "centre"), (14, 31), (0, 24)),
        ((32, 40), (16, 20), RelativeBox((2.4, 1.5), (9.6, 7.5)), (2, 10), (2, 8)),
        ((32, 40), (16, 20), RelativeBox((2, -5), (9, 70)), (2, 9), (0, 39)),
        ((32, 40), (16, 20), RelativeBox((-0.1, -0.1), (0.2, 0.2), "centre", True), (13, 21), (16, 27)),
        ((33, 41), (16, 20), RelativeBox((-2, -3), (5, 4), "centre"), (15, 22), (18, 25)),
        ((33, 41), (16, 20), RelativeBox((-2.3, -3.3), (5.3, 4.3), "centre"), (14, 22), (17, 25)),
        ((33, 41), (16.6, 20.4), RelativeBox((-2, -3), (5, 4), "reference"), (15, 22), (17, 24)),
        ((33, 41), (16.6, 20.4), RelativeBox((-2.3, -3.3), (5.3, 4.3), "reference"), (14, 22), (17, 25)),
    ],
)  # fmt: skip
def test_relative_boxes(
    shape: tuple[int, int], reference: tuple[float, float], box: Region, rows: Any, columns: Any
) -> None:
    cards = [(k, {"CRPIX1": reference[1] + 1, "CRPIX2": reference[0] + 1}.get(k, v), c) for k, v, c in _SKY]
    full_shape = (5, 4, *shape)
    coords = CoordinateSystem.from_header(cards, full_shape)
    fitted = box.fit(Attributes(np.dtype("f4"), full_shape, coords.dims, coords=coords))
    found = [(s.start, s.stop - 1) for s in fitted.bounds()]
    assert found == [(0, 4), (0, 3), rows, columns]


# -- combinations ----------------------------------------------------------------------------------


def test_pixel_and_world_regions_combine_where_both_fit() -> None:
    circle = Circle(("19pix", "14pix"), "8pix")
    odd = MaskRegion(np.indices((30, 40)).sum(0) % 2 == 1)
    disc, mask = plane(circle, PLANE), odd.mask(full((30, 40)))
    np.testing.assert_array_equal(plane(circle & odd, PLANE), disc & mask)
    np.testing.assert_array_equal(plane(odd | circle, PLANE), disc | mask)
    np.testing.assert_array_equal(plane(odd - circle, PLANE), mask & ~disc)
    np.testing.assert_array_equal(plane(~(circle & odd), PLANE), ~(disc & mask))
    both = circle & PixelBox((0, 0), (14, 19))
    assert both.kind == "world"
    assert both.shape is None
    assert hash(both) == hash(pickle.loads(pickle.dumps(both)))
    np.testing.assert_array_equal(plane(both, PLANE)[:15, :20], disc[:15, :20])
    with pytest.raises(RegionError, match="made for a lattice of shape"):
        (circle & odd).fit(CUBE)
    with pytest.raises(RegionError, match="cannot be part of a compound"):
        circle & Slicer((0,), (1,))
    assert (circle & AxisBox(["spectral"], [1], [2])).fit(CUBE).bounds()[0] == slice(1, 3, 1)


def test_lists_apply_in_order() -> None:
    a, b, c = (Circle((f"{x}pix", "14.2pix"), f"{r}pix") for x, r in ((15.1, 7.3), (18.2, 5.4), (19.3, 2.2)))
    pa, pb, pc = (plane(r) for r in (a, b, c))
    for signs in itertools.product("+-", repeat=3):
        expected = np.full((30, 40), "+" not in signs)
        for sign, part in zip(signs, (pa, pb, pc), strict=True):
            expected = expected | part if sign == "+" else expected & ~part
        found = RegionList(tuple(RegionItem(r, s) for r, s in zip((a, b, c), signs, strict=True)))
        np.testing.assert_array_equal(plane(found), expected)
    far = Circle(("500pix", "500pix"), "3pix")
    np.testing.assert_array_equal(
        plane(RegionList((RegionItem(a), RegionItem(far), RegionItem(far, "-")))), pa
    )
    with pytest.raises(OutsideError):
        RegionList((RegionItem(far), RegionItem(a, "-"))).fit(CUBE)


def test_a_long_list_is_no_deep_one() -> None:
    items = tuple(RegionItem(Circle((f"{i % 40}pix", f"{i % 30}pix"), "1.5pix")) for i in range(3000))
    fitted = RegionList(items).fit(PLANE)
    assert fitted.mask(full((30, 40))).any()
    assert pickle.loads(pickle.dumps(fitted)).bounds() == fitted.bounds()


# -- values and errors -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "region",
    [
        WorldBox((1, 2), (3, 4)),
        CenterBox((1, 2), (3, 4), "J2000"),
        RotatedBox((1 * u.deg, 0.1 * u.rad), ("3pix", "4pix"), 30 * u.deg),
        Circle(("12h30m", "-1d"), 3),
        Annulus((1, 2), 3, 4),
        Ellipse((1, 2), (3, 4), "0.3rad"),
        WorldPolygon([(0, 0), (1, 0), (0, 1)], frame="fk5"),
        SpectralRange("1GHz", "2GHz", "Z", "3GHz", "bary"),
        ChannelSelection([(1, 2), (None, 0)]),
        StokesSelection("xx"),
        RegionList([RegionItem(Circle((1, 2), 3))]),
        RelativeBox((0.1, 0.2), (0.3, 0.4), "centre", True),
        PixelEllipse((1, 2), (3, 4), 5, shape=(9, 9)),
    ],
)
def test_regions_are_values(region: Region) -> None:
    again = pickle.loads(pickle.dumps(region))
    assert again == region
    assert hash(again) == hash(region)
    assert type(again) is type(region)
    with pytest.raises(AttributeError):
        region.noun = "other"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Circle((1, 2), 0), "above 0"),
        (lambda: Circle((1, np.nan), 1), "must be finite"),
        (lambda: Circle((1, 2), np.inf), "must be finite"),
        (lambda: Circle((1, 91), 1), "within -90 and 90"),
        (lambda: Circle((1, "2pix"), 1), "one of each"),
        (lambda: Circle((1, 2), 3 * u.m), "is an angle or in pixels"),
        (lambda: Circle((1, 2), 1, "FK6"), "frame 'FK6'"),
        (lambda: Annulus((1, 2), 4, 3), "the smaller one"),
        (lambda: Ellipse((1, 2), (4, 3), "3pix"), "not in pixels"),
        (lambda: WorldPolygon([(1, 2), (3, 4)]), "three corners at least, not 2"),
        (lambda: WorldPolygon([(1, 2), (3, 4), (1, 2)]), "three different"),
        (lambda: WorldPolygon([(1, 2), (3, 4), ("1pix", "2pix")]), "all on the sky or all in pixels"),
        (lambda: WorldBox((1, 2), ("1pix", "2pix")), "all on the sky or all in pixels"),
        (lambda: SpectralRange("1GHz", "2km/s"), "one kind"),
        (lambda: SpectralRange("1GHz", "2parsec"), "'parsec' is no unit"),
        (lambda: SpectralRange("1", "2GHz"), "no frequency"),
        (lambda: SpectralRange(1 * u.s, 2 * u.s), "is no s"),
        (lambda: SpectralRange("1GHz", "2GHz", rest="-1GHz"), "above 0"),
        (lambda: SpectralRange("1GHz", "2GHz", frame="LSR"), "frame of frequencies 'LSR'"),
        (lambda: SpectralRange("1GHz", "2GHz", convention="fast"), "convention of velocities"),
        (lambda: StokesSelection("W"), "'W' is no Stokes"),
        (lambda: StokesSelection(()), "one parameter at least"),
        (lambda: ChannelSelection(((3, 2),)), "ends before it starts"),
        (lambda: ChannelSelection(((-1, 2),)), "counted from 0"),
        (lambda: RegionList(()), "list is empty"),
        (lambda: PixelEllipse((1, 2), (0, 1)), "above 0"),
        (lambda: PixelEllipse((1, 2), (1, 1), shape=(3,)), "no plane"),
        (lambda: Layers(()), "needs one that adds"),
        (lambda: RelativeBox((1,), (2, 3)), "same number of axes"),
        (lambda: RelativeBox((2,), (1,)), "ends before it starts"),
        (lambda: RelativeBox((1,), (2,), "middle"), "origin 'middle'"),
        (lambda: RelativeBox((1, 1, 1), (2, 2, 2)).fit(PLANE), "of fewer"),
        (lambda: RelativeBox((1,), (2,), "reference").fit(PLANE), "no reference pixel"),
        (lambda: RelativeBox((0.1,), (0.1,), fractions=True).fit(PLANE), "has no pixel"),
        (lambda: Circle((1, 2), 3).fit(PLANE), "needs an image with sky axes"),
        (lambda: Circle((330, -2), 3).fit(CUBE), "not on the projection"),
        (lambda: Circle(("300pix", "3pix"), "2pix").fit(CUBE), "holds no pixel"),
        (lambda: WorldBox(("3.2pix", "3.2pix"), ("3.4pix", "9pix")).fit(CUBE), "centre of no pixel"),
        (lambda: SpectralRange("1GHz", "1.1GHz").fit(CUBE), "lies outside the image"),
        (lambda: SpectralRange("1chan", "2chan").fit(PLANE), "needs a spectral axis"),
        (lambda: ChannelSelection(((3, 5),)).fit(CUBE), "no channel 5"),
        (lambda: StokesSelection("XX").fit(CUBE), "no Stokes XX"),
        (lambda: StokesSelection("I").fit(PLANE), "needs a stokes axis"),
    ],
)  # fmt: skip
def test_errors(make: Callable[[], object], words: str) -> None:
    with pytest.raises(RegionError, match=words):
        make()


@pytest.mark.parametrize(
    "make",
    [
        lambda: Circle("here", 1),
        lambda: Circle((1, 2, 3), 1),
        lambda: Circle((1, None), 1),
        lambda: Circle(SkyCoord([1, 2] * u.deg, [1, 2] * u.deg), 1),
        lambda: Circle((1, 2), 1, frame=3),  # type: ignore[arg-type]
        lambda: CenterBox((1, 2), 3),
        lambda: SpectralRange(None, None),
        lambda: RegionList((Circle((1, 2), 3),)),  # type: ignore[arg-type]
    ],
)
def test_wrong_types(make: Callable[[], object]) -> None:
    with pytest.raises(LatticeTypeError):
        make()


def test_frames_that_cannot_convert() -> None:
    cards = [(k, v, c) for k, v, c in _SKY if k != "RADESYS"]
    cards[0], cards[5] = ("CTYPE1", "HPLN-TAN", ""), ("CTYPE2", "HPLT-TAN", "")
    coords = CoordinateSystem.from_header(cards, SHAPE)
    attrs = Attributes(np.dtype("f4"), SHAPE, coords.dims, coords=coords)
    with pytest.raises(LatticeError, match="frame"):
        Circle((150, 2), 0.1, frame="GALACTIC").fit(attrs)


def test_an_ellipsoid_and_an_ellipse_agree() -> None:
    ellipse = PixelEllipse((9.3, 12.1), (4.2, 7.7), shape=(30, 40))
    ellipsoid = PixelEllipsoid((9.3, 12.1), (4.2, 7.7), shape=(30, 40))
    assert ellipse.bounds() == ellipsoid.bounds()
    np.testing.assert_array_equal(ellipse.mask(full((30, 40))), ellipsoid.mask(full((30, 40))))


@pytest.mark.parametrize(
    "make",
    [
        lambda: Circle(("20pix", "10pix"), "7pix"),
        lambda: WorldPolygon((("3pix", "3pix"), ("30pix", "5pix"), ("12pix", "18pix"))),
        lambda: Annulus(("20pix", "10pix"), "3pix", "7pix"),
        lambda: Circle(("20pix", "10pix"), "7pix") | WorldBox(("1pix", "1pix"), ("5pix", "5pix")),
        lambda: ~Circle(("20pix", "10pix"), "7pix"),
        lambda: from_crtf(
            "circle[[20pix, 10pix], 7pix]\ncircle[[8pix, 8pix], 3pix]\n-box[[1pix, 1pix], [9pix, 9pix]]"
        ),
    ],
)
def test_all_channels_share_one_plane(make: Callable[[], Region]) -> None:
    attrs = Attributes(np.dtype("f4"), (4000, 20, 40), ("channel", "y", "x"))
    region = make().fit(attrs)
    mask = region.mask(full((4000, 20, 40)))
    assert mask.shape == (4000, 20, 40)
    assert mask.strides[0] == 0
    assert np.array_equal(mask[17], region.mask((slice(17, 18, 1), *full((20, 40))))[0])


def test_what_a_region_remembers_is_no_part_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    attrs = Attributes(np.dtype("f4"), (3, 200, 200), ("channel", "y", "x"))
    region = Circle(("99pix", "99pix"), "70pix").fit(attrs)
    fresh = pickle.dumps(region)
    calls = []
    plane = PixelEllipse._plane
    monkeypatch.setattr(PixelEllipse, "_plane", lambda self, *part: calls.append(part) or plane(self, *part))
    for channel in (0, 1, 2, 1):
        region.mask((slice(channel, channel + 1, 1), *full((200, 200))))
    assert len(calls) == 1
    with pytest.raises(ValueError, match="read-only"):
        region.mask(full((3, 200, 200)))[0, 0, 0] = True
    # Once half of it was asked for it is made as a whole: later parts are views of that.
    part = (slice(1, 2, 1), slice(50, 90, 1), slice(60, 99, 2))
    mask = region.mask(full((3, 200, 200)))
    calls.clear()
    inside = region.mask(part)
    assert (inside == mask[part]).all()
    assert region.mask(part).base is not None
    assert len(calls) <= 1
    monkeypatch.setattr("lattice.regions.base._KEPT_BYTES", 1 << 16)
    monkeypatch.setattr("lattice.regions.plane._WHOLE", 0)
    for first in range(100):
        region.mask((slice(0, 1, 1), slice(first, first + 50, 1), slice(0, 200, 1)))
    assert sum(a.nbytes for a in region.__dict__["_kept"].values()) <= 1 << 16
    assert pickle.dumps(region) == fresh
    assert pickle.loads(fresh) == region


def test_parts_outside_of_the_image_take_nothing_and_give_nothing() -> None:
    attrs = Attributes(np.dtype("f4"), (20, 30), ("y", "x"))
    here, gone = Circle(("9pix", "8pix"), "4pix"), Circle(("99pix", "8pix"), "4pix")
    mask = here.fit(attrs).mask(full((20, 30)))
    for region in (here | gone, gone | here, here - gone):
        assert (region.fit(attrs).mask(full((20, 30))) == mask).all()
    assert (~gone).fit(attrs).mask(full((20, 30))).all()
    for region in (gone | gone, gone - here, here & gone):
        with pytest.raises(OutsideError):
            region.fit(attrs)


def test_circles_where_the_scale_is_another_one_are_told() -> None:
    cards = {"CTYPE1": "RA---CAR", "CRVAL1": 0.0, "CDELT1": -1.0, "CRPIX1": 180.5, "CUNIT1": "deg"}
    cards |= {"CTYPE2": "DEC--CAR", "CRVAL2": 0.0, "CDELT2": 1.0, "CRPIX2": 90.5, "CUNIT2": "deg"}
    sky = lattice.Image(np.ones((180, 360), "f4"), wcs=cards)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        near = sky.subimage(region=Circle(("10deg", "5deg"), "8deg"))
    assert near.to_masked_array().count() == pytest.approx(np.pi * 64, rel=0.05)
    for place in [("30deg", "80deg"), ("179deg", "10deg")]:  # near the pole, and over the seam
        with pytest.warns(lattice.CoordinateWarning, match="drawn with the scale of pixels at the reference"):
            sky.subimage(region=Circle(place, "8deg"))
