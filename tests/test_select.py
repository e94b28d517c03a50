"""Parts of images: by label, around a place, in the words of CASA; and which pixels they are."""

from __future__ import annotations

import math
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lattice
from lattice import CoordinateSystem, Image, ImageIndexError, LatticeError
from lattice.io.files import counting
from lattice.regions import PixelBox, PixelEllipsoid, Slicer

u = pytest.importorskip("astropy.units")

SHAPE = (4, 6, 8, 9)
CARDS: dict[str, Any] = {
    "CTYPE1": "RA---SIN",
    "CRVAL1": 187.7,
    "CRPIX1": 5.0,
    "CDELT1": -0.01,
    "CUNIT1": "deg",
    "CTYPE2": "DEC--SIN",
    "CRVAL2": 12.4,
    "CRPIX2": 4.0,
    "CDELT2": 0.01,
    "CUNIT2": "deg",
    "CTYPE3": "FREQ",
    "CRVAL3": 1.42e9,
    "CRPIX3": 1.0,
    "CDELT3": 1e6,
    "CUNIT3": "Hz",
    "CTYPE4": "STOKES",
    "CRVAL4": 1.0,
    "CRPIX4": 1.0,
    "CDELT4": 1.0,
    "RADESYS": "ICRS",
    "RESTFRQ": 1.42040575e9,
}


@pytest.fixture
def array(rng: np.random.Generator) -> np.ndarray:
    return rng.normal(size=SHAPE).astype("f4")


@pytest.fixture
def cube(array: np.ndarray) -> Image:
    return Image(array, wcs=CARDS, name="cube")


def equal(image: Image, expected: Any) -> None:
    found = image.to_masked_array()
    np.testing.assert_array_equal(np.ma.getmaskarray(found), np.ma.getmaskarray(expected))
    np.testing.assert_array_equal(found.compressed(), np.ma.compressed(expected))


# -- by label -----------------------------------------------------------------------------------------------


def test_a_value_takes_the_pixel_that_holds_it(cube: Image, array: np.ndarray) -> None:
    equal(cube.sel(frequency=1.4231e9), array[:, 3])
    equal(cube.sel(frequency=1.4231 * u.GHz), array[:, 3])
    equal(cube.sel(frequency=np.float32(1.4231e9)), array[:, 3])
    equal(cube.sel(stokes="q"), array[1])
    equal(cube.sel(stokes=3), array[2])
    equal(cube.sel({"stokes": "I"}, frequency=1.42e9), array[0, 0])
    assert cube.sel(frequency=1.4231e9).bbox.dropped == {"frequency": 3}
    equal(cube.sel(wavelength=(1.4231 * u.GHz).to(u.m, u.spectral())), array[:, 3])
    velocity = (1.4231 * u.GHz).to(u.km / u.s, u.doppler_radio(1.42040575 * u.GHz))
    equal(cube.sel(velocity=velocity), array[:, 3])
    edges = [1.4195e9, 1.42549e9]
    assert [cube.sel(frequency=f).bbox.dropped["frequency"] for f in edges] == [0, 5]


def test_slices_take_the_pixels_whose_centres_they_hold(cube: Image, array: np.ndarray) -> None:
    ghz = u.GHz
    equal(cube.sel(frequency=slice(1.421 * ghz, 1.423 * ghz)), array[:, 1:4])
    equal(cube.sel(frequency=slice(1.423 * ghz, 1.421 * ghz)), array[:, 1:4])
    equal(cube.sel(frequency=slice(1.4211e9, 1.4239e9)), array[:, 2:4])
    equal(cube.sel(frequency=slice(None, 1.4211e9)), array[:, :2])
    equal(cube.sel(frequency=slice(1.4239e9, None)), array[:, 4:])
    equal(cube.sel(frequency=slice(None)), array)
    equal(cube.sel(frequency=slice(1e9, 2e9, 2)), array[:, ::2])
    equal(cube.sel(stokes=slice("Q", "V")), array[1:4])
    equal(cube.sel(stokes=slice("Q", None)), array[1:])
    rest = 1.42040575 * ghz
    velocities = [(f * ghz).to(u.km / u.s, u.doppler_radio(rest)) for f in (1.4209, 1.4231)]
    equal(cube.sel(velocity=slice(*velocities)), array[:, 1:4])


def test_labels_follow_cuts_flips_and_strides(cube: Image, array: np.ndarray) -> None:
    part = cube[:, 4:0:-2]
    equal(part.sel(frequency=1.422e9), array[:, 2])
    equal(part.sel(frequency=slice(1.4215e9, 1.425e9)), array[:, 4:1:-2])
    equal(part.sel(frequency=slice(1.423e9, None)), array[:, 4:3:-2])
    equal(part.sel(frequency=slice(None, 1.423e9)), array[:, 2:1:-1])
    equal(cube[2:].sel(stokes="V"), array[3])
    with pytest.raises(ImageIndexError, match="the image has no Stokes I\nit has U, V"):
        cube[2:].sel(stokes="I")


def test_places_on_the_sky_take_one_pixel(cube: Image, array: np.ndarray) -> None:
    coords = cube.coords
    assert coords is not None
    sky = coords.pixel_to_sky(2.3, 6.4)
    equal(cube.sel(ra=sky.ra, dec=sky.dec), array[..., 2, 6])
    equal(cube.sel(ra=sky.ra.deg, dec=sky.dec.deg, stokes="I"), array[0, :, 2, 6])
    equal(cube.sel(glon=sky.galactic.l, glat=sky.galactic.b), array[..., 2, 6])
    equal(cube.sel(longitude=sky.ra.deg, latitude=sky.dec.deg), array[..., 2, 6])
    equal(cube.sel(lon=sky.ra.deg, lat=sky.dec.deg), array[..., 2, 6])
    with pytest.raises(ImageIndexError, match="not labelled by elon and elat\nit is by ra and dec"):
        cube.sel(elon=1, elat=2)
    with pytest.raises(ImageIndexError, match="a place on the sky is one ra and one dec"):
        cube.sel(ra=187.7)
    with pytest.raises(ImageIndexError, match="is outside of the image\nit is at pixel"):
        cube.sel(ra=187.7, dec=13)
    with pytest.raises(ImageIndexError, match="the sky has no labels along one axis"):
        cube.sel(x=187.7)


def test_places_on_a_galactic_image() -> None:
    cards = {k: v for k, v in CARDS.items() if k[-1] in "12"} | {"CTYPE1": "GLON-CAR", "CTYPE2": "GLAT-CAR"}
    image = Image(np.arange(72.0).reshape(8, 9), wcs=cards | {"CRVAL2": 0.0})
    assert image.coords is not None
    sky = image.coords.pixel_to_sky(2, 6)
    for labels in (
        {"glon": sky.l, "glat": sky.b},
        {"glon": sky.l.deg, "glat": sky.b.deg},
        {"ra": sky.icrs.ra, "dec": sky.icrs.dec.deg},
        {"longitude": sky.l.deg, "latitude": sky.b.deg},
    ):
        assert image.sel(labels).item() == 2 * 9 + 6


def test_axes_without_coordinates_have_pixels_for_labels() -> None:
    values = np.arange(12.0).reshape(3, 4)
    image = Image(values)
    equal(image.sel(y=1), values[1])
    equal(image.sel(x=slice(1, 2)), values[:, 1:3])


def test_linear_and_tabulated_axes() -> None:
    cards = {"CTYPE1": "OFFSET", "CRVAL1": 10.0, "CRPIX1": 1.0, "CDELT1": -2.0, "CUNIT1": "m"}
    image = Image(np.arange(5.0), wcs=cards, dims=("offset",))
    assert image.sel(offset=6).item() == 2
    assert image.sel(offset=600 * u.cm).item() == 2
    np.testing.assert_array_equal(image.sel(offset=slice(7, 3)).values, [2, 3])
    np.testing.assert_array_equal(image.sel(offset=slice(7, None)).values, [0, 1])
    with pytest.raises(
        ImageIndexError, match="offset: 12 is outside of the image\ndim 'offset' goes from 10 to 2 m"
    ):
        image.sel(offset=12)
    with pytest.raises(ImageIndexError, match="another unit than the axis\nthat is m"):
        image.sel(offset=3 * u.s)
    system = CoordinateSystem.from_kinds(["spectral"], frequencies=[1e9, 2e9, 5e9])
    table = Image(np.arange(3.0), wcs=system)
    assert table.sel(frequency=3.4e9).item() == 1
    assert table.sel(frequency=3.6 * u.GHz).item() == 2
    np.testing.assert_array_equal(table.sel(frequency=slice(1.5e9, 5e9)).values, [1, 2])
    np.testing.assert_array_equal(table.sel(frequency=slice(1.5e9, 50e9)).values, [1, 2])
    np.testing.assert_array_equal(table[::-1].sel(frequency=slice(0.1 * u.GHz, 3 * u.GHz)).values, [1, 0])
    np.testing.assert_array_equal(table.sel(frequency=slice(1.5e9, None)).values, [1, 2])
    with pytest.raises(ImageIndexError, match=r"frequency: 9.0 GHz is outside of the image"):
        table.sel(frequency=9 * u.GHz)


def test_open_ranges_go_the_way_of_what_is_asked_for(cube: Image, array: np.ndarray) -> None:
    assert cube.coords is not None
    velocities = Image(array, wcs=cube.coords.with_velocity("radio"))
    assert velocities.dims == ("stokes", "velocity", "y", "x")
    for image in (cube, velocities):
        equal(image.sel(frequency=slice(1.4205 * u.GHz, None)), array[:, 1:])
        equal(image.sel(velocity=slice(-100 * u.km / u.s, None)), array[:, :1])
        equal(image.sel(velocity=slice(None, -100 * u.km / u.s)), array[:, 1:])
        equal(image.sel(velocity=slice(None, 0 * u.km / u.s)), array[:, 1:])
        equal(image.sel(velocity=-100 * u.km / u.s), array[:, 1])
        equal(image.sel(velocity=-1e5), array[:, 1])


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (
            {"frequency": 1.5 * u.GHz},
            r"frequency: 1.5 GHz is outside of the image\n.* goes from 1.42 to 1.425 GHz",
        ),
        (
            {"frequency": 1.41e9},
            "1410000000 is outside of the image\ndim 'frequency' goes from 1420000000 to",
        ),
        ({"frequency": slice(1.5e9, 1.6e9)}, "no pixel has its centre in the range 1500000000 to 1600000000"),
        ({"frequency": slice(1.4201e9, 1.4209e9)}, "no pixel has its centre in the range"),
        ({"frequency": slice(1.4e9, 1.5e9, -1)}, "the step of a slice of labels is a number of pixels"),
        ({"frequency": []}, "an empty list of labels"),
        ({"frequency": [[1.42e9, 1.421e9]]}, "not in lists of lists"),
        ({"frequency": "1.42GHz"}, "is no value of a coordinate"),
        ({"frequency": 3 * u.K}, "frequency"),
        ({"frequency": np.nan}, "is outside of the image"),
        ({"freqency": 1}, "there is no dim 'freqency'\ndid you mean 'frequency'"),
        ({"frequency": 1.42e9, "velocity": 0}, "there are two labels for dim 'frequency'"),
        ({"stokes": "XX"}, "the image has no Stokes XX\nit has I, Q, U, V"),
        ({"stokes": 7}, "stokes: 7 is outside of the image"),
    ],
)
def test_labels_that_are_not_there_say_what_is(cube: Image, labels: dict[str, Any], message: str) -> None:
    with pytest.raises(LatticeError, match=message) as caught:
        cube.sel(labels)
    assert isinstance(caught.value, IndexError)


def test_exact_labels(cube: Image, array: np.ndarray) -> None:
    equal(cube.sel(frequency=1.423e9, method="exact"), array[:, 3])
    with pytest.raises(
        ImageIndexError, match=r"no pixel has the value 1423100000\nthe nearest, 3, is 0.1 of a pixel"
    ):
        cube.sel(frequency=1.4231e9, method="exact")
    with pytest.raises(LatticeError, match="there is no method 'linear'"):
        cube.sel(frequency=1.423e9, method="linear")


# -- cutouts ------------------------------------------------------------------------------------------------


def test_lists_of_labels_and_pixels(cube: Image, array: np.ndarray, tmp_path: Path) -> None:
    assert cube.coords is not None
    labels = cube.coords.frequencies(6)
    some = cube.sel(frequency=[1.424e9, 1.4201e9, 1.4219e9])
    equal(some, array[:, [4, 0, 2]])
    assert some.coords is not None
    np.testing.assert_allclose(some.coords.frequencies(3), labels[[4, 0, 2]])
    equal(cube.sel(frequency=np.array([1.421, 1.423, 1.425]) * 1e9 * u.Hz), array[:, 1::2])
    assert cube.sel(frequency=[1.421e9, 1.423e9, 1.425e9]).node is cube[:, 1::2].node
    equal(cube.sel(frequency=[1.421e9]), array[:, 1:2])
    equal(cube.sel(stokes=["I", "U"], frequency=1.421e9), array[[0, 2], 1])
    equal(cube.isel(frequency=[5, -6, 2, 3], stokes=-1), array[-1, [5, 0, 2, 3]].reshape(4, 8, 9))
    equal(cube.isel(frequency=[5, 4, 3], stokes=[3, 1]), array[[3, 1]][:, [5, 4, 3]])
    equal(cube.isel(y=[7, 5, 3, 1]), array[:, :, 7::-2])
    # Each plane is read once, and named masks come along.
    masked = cube.add_mask("high", array > 0).save(tmp_path / "a.zarr")
    with counting() as count:
        part = masked.isel(frequency=[0, 5, 2])
        equal(part, array[:, [0, 5, 2]])
    assert count.bytes <= array[:, :3].nbytes
    np.testing.assert_array_equal(part.masks["high"].values, array[:, [0, 5, 2]] > 0)
    with pytest.raises(LatticeError, match="has pixels 0 to 5"):
        cube.isel(frequency=[0, 6])
    with pytest.raises(LatticeError, match="a list of integers"):
        cube.isel(frequency=[0.5])


@pytest.mark.parametrize(
    ("method", "value", "pixel"),
    [
        ("pad", 1.4229e9, 2), ("ffill", 1.422e9, 2), ("backfill", 1.4221e9, 3),
        ("bfill", 1.423e9, 3), ("pad", 1.5e9, 5), ("backfill", 1.3e9, 0),
    ],
)  # fmt: skip
def test_methods_take_the_label_on_one_side(
    cube: Image, array: np.ndarray, method: str, value: float, pixel: int
) -> None:
    if 1.4199e9 < value < 1.4256e9:
        equal(cube.sel(frequency=value, method=method), array[:, pixel])
        # The other way round, and by a label that falls where the other rises.
        equal(cube[:, ::-1].sel(frequency=value, method=method), array[:, pixel])
        velocity = cube.coords.with_velocity("radio").spectral_quantity(np.array([3.0, 4.0]))  # type: ignore[union-attr]
        between = velocity[0] + 0.3 * (velocity[1] - velocity[0])
        side = 4 if method in ("pad", "ffill") else 3
        equal(cube.sel(velocity=between, method=method), array[:, side])
    else:
        equal(cube.sel(frequency=value, method=method), array[:, pixel])


def test_tolerances(cube: Image, array: np.ndarray) -> None:
    equal(cube.sel(frequency=1.4213e9, tolerance=4e5), array[:, 1])
    equal(cube.sel(frequency=1421.3 * u.MHz, tolerance=400 * u.kHz), array[:, 1])
    with pytest.raises(LatticeError, match="no pixel is within 200000 of"):
        cube.sel(frequency=1.4213e9, tolerance=2e5)
    with pytest.raises(LatticeError, match="another unit than the value"):
        cube.sel(frequency=1.4213e9, tolerance=2 * u.kHz)
    with pytest.raises(LatticeError, match="not for 'exact'"):
        cube.sel(frequency=1.421e9, method="exact", tolerance=1.0)
    with pytest.raises(LatticeError, match="is outside of the image"):
        cube.sel(frequency=1.4e9, method="pad")
    with pytest.raises(LatticeError, match="for axes with an order"):
        cube.sel(ra=187.7, dec=12.4, method="pad")
    place = cube.coords.pixel_to_sky(3.2, 4.0)  # type: ignore[union-attr]
    equal(cube.sel(ra=place.ra, dec=place.dec, tolerance=10 * u.arcsec), array[:, :, 3, 4])
    with pytest.raises(LatticeError, match=r"the nearest is 7\.2 arcsec away"):
        cube.sel(ra=place.ra, dec=place.dec, tolerance=5 * u.arcsec)


@pytest.mark.parametrize("place", [(4.0, 4.0), (3.4, 4.6), (0.0, 8.0), (7.2, 0.1), (9.0, 4.0)])
@pytest.mark.parametrize("size", [1, 2, 3, (4, 5), (20, 3)])
@pytest.mark.parametrize("mode", ["trim", "partial", "strict"])
def test_cutouts_are_those_of_astropy(
    array: np.ndarray, place: tuple[float, float], size: Any, mode: str
) -> None:
    nddata = pytest.importorskip("astropy.nddata")
    plane = Image(array[0, 0], wcs={k: v for k, v in CARDS.items() if k[-1] in "12S"}, name="plane")
    assert plane.coords is not None
    center = plane.coords.pixel_to_sky(*place)
    try:
        expected = nddata.Cutout2D(array[0, 0], place[::-1], size, mode=mode, fill_value=np.nan)
    except (nddata.NoOverlapError, nddata.PartialOverlapError):
        with pytest.raises(LatticeError, match=r"the cutout (is outside of|reaches beyond) the image"):
            plane.cutout(center, size, mode)
        return
    found = plane.cutout(center, size, mode)
    np.testing.assert_array_equal(found.filled(), expected.data)
    assert found.coords is not None
    y, x = found.coords.sky_to_pixel(center)
    origin = found.bbox.origin
    np.testing.assert_allclose((y + origin[0], x + origin[1]), place, atol=1e-6)
    if mode != "partial":
        assert origin == (expected.origin_original[1], expected.origin_original[0])


def test_cutouts_take_angles_and_pairs(cube: Image, array: np.ndarray) -> None:
    assert cube.coords is not None
    center = cube.coords.pixel_to_sky(4, 4)
    equal(cube.cutout(center, 0.03 * u.deg), array[..., 3:6, 3:6])
    equal(cube.cutout((center.ra.deg, center.dec.deg), [108 * u.arcsec, 3 * u.arcmin]), array[..., 3:6, 2:7])
    equal(cube.cutout((center.ra, center.dec), (3, 5) * u.pix), array[..., 3:6, 2:7])
    equal(cube.cutout(center.galactic, 3), array[..., 3:6, 3:6])


def test_partial_cutouts_are_padded_with_bad_pixels(array: np.ndarray, tmp_path: Path) -> None:
    image = Image(array, wcs=CARDS, masks={"low": array < 0.5}, name="cube")
    assert image.coords is not None
    found = image.cutout(image.coords.pixel_to_sky(0, 0), 5, mode="partial")
    assert found.shape == (4, 6, 5, 5)
    assert found.masked
    expected = np.ma.masked_all((4, 6, 5, 5), "f4")
    expected[..., 2:, 2:] = array[..., :3, :3]
    equal(found, expected)
    assert found.bbox[2:] == (slice(-2, 3, 1), slice(-2, 3, 1))
    assert found.bbox.origin == (0, 0, -2, -2)
    np.testing.assert_array_equal(
        found.masks["low"].values, np.where(expected.mask, False, expected.filled(9) < 0.5)
    )
    assert not found.masks["low"].masked
    equal(found[..., ::2, 1::-1], expected[..., ::2, 1::-1])
    assert float(found.count()) == array[..., :3, :3].size
    saved = found.save(tmp_path / "cut.fits", mask="extension")
    equal(saved, expected)
    assert saved.coords is not None
    np.testing.assert_allclose(saved.coords.to_world(0, 0, 2, 2), image.coords.to_world(0, 0, 0, 0))


@pytest.mark.parametrize(
    ("center", "size", "message"),
    [
        ((187.7, 12.4), 2.5, "neither an angle nor a number of pixels"),
        ((187.7, 12.4), 2 * u.K, "is no angle"),
        ((187.7, 12.4), 0, "0 is no extent"),
        ((187.7, 12.4), (1, 2, 3), "neither one extent nor two"),
        ((187.7,), 3, "is not a pair"),
        ("M87", 3, "a str is no place on the sky"),
        (("a", "b"), 3, "is no place on the sky"),
        ((187.7, 100.0), 3, "is no place on the sky"),
        ((7.7, -12.4), 3, "on no pixel of the projection"),
    ],
)
def test_cutouts_that_make_no_sense_are_refused(cube: Image, center: Any, size: Any, message: str) -> None:
    with pytest.raises(LatticeError, match=message):
        cube.cutout(center, size)


def test_cutouts_need_the_sky(cube: Image) -> None:
    with pytest.raises(LatticeError, match="cutout needs an image with sky coordinates"):
        Image(np.zeros((3, 3))).cutout((0, 0), 1)
    with pytest.raises(LatticeError, match="cutout needs an image with sky coordinates"):
        cube.isel(x=0).cutout((0, 0), 1)
    with pytest.raises(LatticeError, match="there is no mode 'pad'"):
        cube.cutout((0, 0), 1, mode="pad")


# -- which pixels -------------------------------------------------------------------------------------------


def test_the_box_goes_through_every_cut() -> None:
    a = Image(np.arange(20 * 30 * 40, dtype="f4").reshape(20, 30, 40), name="a")
    values = a.values
    for image in (
        a[3:9],
        a[3:9][::2, 5],
        (a * 2)[::-1, 4:20:3][1:, ::-1],
        a[PixelBox((1, 2, 3), (10, 20, 30), (2, 3, 4))][1:],
        a[PixelEllipsoid((5, 5, 5), (2, 3, 4))],
        a.subimage(box="3,4,20,21", chans=None),
        a[2:][5],
        a[..., 7][1:4, 2],
    ):
        box = image.bbox
        index: list[Any] = list(box)
        for dim, pixel in box.dropped.items():
            index.insert(a.dims.index(dim), pixel)
        first = values[tuple(index)]
        assert first.shape == image.shape
        factor = 2 if "* 2" in image.expression else 1
        np.testing.assert_array_equal(image.values, factor * first)
        assert box.local == tuple(slice(0, n, 1) for n in image.shape)
        assert box.origin == tuple(s.start for s in box)
        assert pickle.loads(pickle.dumps(box)).local == box.local


def test_the_box_goes_through_bins_and_reductions() -> None:
    a = Image(np.zeros((6, 9, 10)))
    assert a.rebin((2, 4, 5)).bbox == (slice(0, 6, 2), slice(0, 9, 4), slice(0, 10, 5))
    assert a[:, 1:, :].rebin((2, 4, 5))[1:, 1:, 1].bbox == (slice(2, 6, 2), slice(5, 9, 4))
    assert a[:, 1:, :].rebin((2, 4, 5))[1:, 1:, 1].bbox.dropped == {"x": 5}
    assert a[1:, 2:5].mean("axis0")[1:].bbox == (slice(3, 5, 1), slice(0, 10, 1))
    b = Image(np.zeros((6, 9, 10)), dims=("frequency", "y", "x"))
    assert (b[:, 2:5] - b[:, 2:5].mean("frequency"))[..., 3:].bbox == (
        slice(0, 6, 1),
        slice(2, 5, 1),
        slice(3, 10, 1),
    )
    assert a.sum().bbox == ()
    assert a[:0].bbox == (slice(0, 0, 1), slice(0, 9, 1), slice(0, 10, 1))


# -- subimages ----------------------------------------------------------------------------------------------


def test_boxes_channels_and_stokes(cube: Image, array: np.ndarray) -> None:
    equal(cube.subimage(box="1,0,3,2", chans="1~2", stokes="QU"), array[1:3, 1:3, 0:3, 1:4])
    equal(cube.subimage(chans="<2"), array[:, :2])
    equal(cube.subimage(chans="<=2"), array[:, :3])
    equal(cube.subimage(chans=">3"), array[:, 4:])
    equal(cube.subimage(chans=">=3"), array[:, 3:])
    equal(cube.subimage(stokes="I"), array[:1])
    equal(cube.subimage(stokes=["q", "u"]), array[1:3])
    equal(cube.subimage(chans="range=[1.421GHz, 1.4229GHz]"), array[:, 1:4])
    equal(cube.subimage(chans="range=[0.5chan, 2.5chan]"), array[:, 1:4])
    low, high = ((f * u.GHz).to(u.km / u.s, u.doppler_optical(1.421 * u.GHz)).value for f in (1.421, 1.423))
    equal(
        cube.subimage(chans=f"range=[{low}km/s, {high}km/s], restfreq=1.421GHz, veltype=optical"),
        array[:, 1:4],
    )


def test_boxes_with_increments_and_channels(cube: Image, array: np.ndarray) -> None:
    box = PixelBox((0, 1, 1, 0), (3, 5, 7, 8), (1, 2, 3, 2))
    equal(cube.subimage(box), array[:, 1:6:2, 1:8:3, ::2])
    equal(cube.subimage(box, chans="2~5"), array[:, 3:6:2, 1:8:3, ::2])
    equal(cube.subimage(box, stokes="QU"), array[1:3, 1:6:2, 1:8:3, ::2])
    expected = np.ma.array(array[:, 1:6:2, 1:8:3, ::2])
    expected[:, 1] = np.ma.masked
    equal(cube.subimage(box, chans="0~1;4~5"), expected)
    slicer = Slicer((1, 0), (7, 8), (2, 4))
    equal(cube.subimage(slicer, chans=3), array[:, 3:4, 1:8:2, ::4])
    masked = cube.add_mask("high", array > 0).subimage(box, chans="2~5")
    np.testing.assert_array_equal(masked.masks["high"].values, array[:, 3:6:2, 1:8:3, ::2] > 0)
    with pytest.raises(LatticeError, match="no pixel in common"):
        cube.subimage(box, chans="2")


def test_gaps_are_masked(cube: Image, array: np.ndarray) -> None:
    expected = np.ma.MaskedArray(array[:, 1:], mask=np.zeros((4, 5, 8, 9), bool))
    expected[:, 1:3] = np.ma.masked
    equal(cube.subimage(chans="1;4~5"), expected)
    outer = np.ma.MaskedArray(array[0:4], mask=np.zeros(SHAPE, bool))
    outer[1:3] = np.ma.masked
    equal(cube.subimage(stokes="I,V"), outer)
    both = np.ma.MaskedArray(array[..., :5, :6], mask=np.ones((4, 6, 5, 6), bool))
    both.mask[..., :2, :2] = False
    both.mask[..., 3:, 4:] = False
    equal(cube.subimage(box="0,0,1,1,4,3,5,4"), both)


def test_channels_are_those_of_the_image_also_with_a_region(cube: Image, array: np.ndarray) -> None:
    box = PixelBox((0, 2, 1, 1), (3, 5, 4, 4))
    equal(cube.subimage(box, chans="1~3"), array[:, 2:4, 1:5, 1:5])
    with pytest.raises(LatticeError, match="the intersection of the regions is empty"):
        cube.subimage(box, chans=0)
    with pytest.raises(LatticeError, match="a region and a box were given"):
        cube.subimage(box, box="0,0,1,1")


def test_axes_of_length_1_are_dropped_when_asked_for(cube: Image) -> None:
    assert cube.subimage(chans=1, stokes="I").shape == (1, 1, 8, 9)
    assert cube.subimage(chans=1, stokes="I", dropdeg=True).dims == ("y", "x")
    assert cube.subimage(chans=1, stokes="I", dropdeg=True, keepaxes="frequency").dims == (
        "frequency",
        "y",
        "x",
    )
    assert cube.subimage(chans=1, stokes="I", dropdeg=True, keepaxes=[0, 1]).shape == (1, 1, 8, 9)
    with pytest.raises(LatticeError, match="there is no dim 'freq'"):
        cube.subimage(dropdeg=True, keepaxes="freq")


def test_texts_are_regions(cube: Image, array: np.ndarray, tmp_path: Path) -> None:
    text = "circle[[4pix, 3pix], 2.1pix]"
    found = cube.subimage(text)
    assert found.shape == (4, 6, 5, 5)
    assert found.masked
    path = tmp_path / "a.crtf"
    path.write_text(f"#CRTFv0\n{text}\n")
    equal(cube.subimage(str(path)), found.to_masked_array())
    union = cube.subimage(text, box="0,0,1,1")
    assert union.shape == (4, 6, 6, 7)
    assert int(union[0, 0].count()) == int(found[0, 0].count()) + 4
    assert cube.statistics("npts", region=text)["npts"] == int(found.count())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"chans": "1~9"}, "the image has no channel 9\nits channels are 0 to 5"),
        ({"chans": "3~1"}, "the range of channels from 3 to 1 ends before it starts"),
        ({"chans": "!3"}, "'!3' is no channel or range of channels\n  !3\n"),
        ({"chans": ">7"}, "the image has no channel 8"),
        ({"chans": 1.5}, "chans: 1.5 are no whole numbers"),
        ({"chans": (1, 2, 3)}, "is neither a channel nor the first and the last"),
        ({"chans": "range=[2GHz, 3GHz]"}, "lies outside the image"),
        ({"chans": "range=[2, 3]"}, "'2' is no frequency, velocity or channel"),
        ({"chans": "range=[2GHz"}, "ends too early"),
        ({"chans": "range=[1.42GHz, 1.43GHz], rest=1"}, "the key 'rest' is not known"),
        ({"stokes": "XX"}, "the image has no Stokes XX\nit has I, Q, U, V"),
        ({"stokes": "IZ"}, "'z' is no Stokes parameter"),
        ({"box": "0,0,9,1"}, "the box 0,0,9,1 reaches beyond the image\nx goes from 0 to 8, y from 0 to 7"),
        ({"box": "2,0,1,1"}, "the box 2,0,1,1 ends before it starts"),
        ({"box": "1,2"}, "a box has four numbers, 2 are left over"),
        ({"box": (1, 2, 3, 4, 5)}, "a box has four numbers, 1 are left over"),
        ({"box": (1, 2, 3, 4.5)}, "are no whole numbers"),
        ({"region": "core"}, "the image has no region 'core', and there is no such file"),
    ],
)
def test_selections_that_make_no_sense_are_refused(
    cube: Image, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(LatticeError, match=message):
        cube.subimage(**options)


def test_empty_texts_select_everything(cube: Image) -> None:
    assert cube.subimage("", box="", chans=" ", stokes="", mask="").same_as(cube)


def test_stokes_need_a_stokes_axis(cube: Image) -> None:
    with pytest.raises(LatticeError, match="a Stokes selection needs a stokes axis"):
        cube[0].subimage(stokes="I")


def test_a_part_of_a_huge_cube_reads_that_part(tmp_path: Path) -> None:
    shape = (1024, 16384, 16384)
    fine = CARDS | {"CDELT1": -1e-5, "CDELT2": 1e-5}
    cards = [("SIMPLE", "T"), ("BITPIX", "-32"), ("NAXIS", "3")]
    cards += [(f"NAXIS{i + 1}", str(n)) for i, n in enumerate(reversed(shape))]
    cards += [(k, f"'{v}'" if isinstance(v, str) else str(v)) for k, v in fine.items() if k[-1] != "4"]
    header = "".join(f"{key:8}= {value:>20}".ljust(80) for key, value in cards) + "END"
    text = header.ljust(-(-len(header) // 2880) * 2880).encode()
    path = tmp_path / "huge.fits"
    with path.open("wb") as file:
        file.write(text)
        try:
            file.truncate(len(text) + 4 * math.prod(shape))
        except OSError:
            pytest.skip("the file system has no sparse files of a terabyte")
    cube = lattice.open(path)
    assert cube.coords is not None
    center = cube.coords.pixel_to_sky(8000, 9000)
    for image in (
        (cube * 2 + 1).sel(frequency=1.5e9).cutout(center, 64),
        (cube * 2 + 1).subimage("circle[[9000pix, 8000pix], 31.9pix]", chans="80"),
        (cube * 2 + 1).subimage(mask=cube < 1, box="9000,8000,9063,8063", chans=80),
    ):
        with counting() as count:
            values = image.values
        assert values.shape[-2:] in ((64, 64), (63, 63))
        assert (values == 1).all()
        assert count.bytes <= 64 * 64 * 4


# -- many files ---------------------------------------------------------------------------------------------


def test_images_are_joined_along_a_new_axis(array: np.ndarray) -> None:
    parts = [Image(array[0, k], dims=("y", "x"), name=f"p{k}") for k in range(6)]
    joined = lattice.concat(parts, dim="frequency")
    assert joined.dims == ("frequency", "y", "x")
    equal(joined, array[0])
    equal(lattice.concat(parts[:1], dim="epoch"), array[0, :1])
    with pytest.raises(LatticeError, match="there is no dim 'frequenzy'\ndid you mean 'frequency'"):
        lattice.concat([joined, joined], dim="frequenzy")
    with pytest.raises(LatticeError, match="is neither the name of a dim nor the number"):
        lattice.concat(parts, dim=1.5)  # type: ignore[arg-type]


_MANY = """
import resource, sys
from pathlib import Path
import numpy as np
import lattice

folder, count = Path(sys.argv[1]), int(sys.argv[2])
cards = {
    "CTYPE1": "RA---SIN", "CRPIX1": 1.0, "CDELT1": -0.1, "CTYPE2": "DEC--SIN", "CRPIX2": 1.0, "CDELT2": 0.1,
    "CTYPE3": "FREQ", "CRPIX3": 1.0, "CRVAL3": 1e9, "CDELT3": 1e6, "CUNIT3": "Hz",
}
lattice.Image(np.ones((1, 4, 5), "f4"), wcs=cards).save(folder / "a.fits")
raw = bytearray((folder / "a.fits").read_bytes())
card, data = raw.index(b"CRVAL3  ="), len(raw) - 2880
paths = [folder / f"c{k:04d}.fits" for k in range(count)]
for k, path in enumerate(paths):
    raw[card : card + 80] = f"CRVAL3  = {1e9 + 1e6 * k:20.1f}".ljust(80).encode()
    raw[data : data + 4] = np.array(k, ">f4").tobytes()
    path.write_bytes(raw)
resource.setrlimit(resource.RLIMIT_NOFILE, (200, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
cube = lattice.concat(paths, dim="frequency").save(folder / "cube.fits")
assert cube.shape == (count, 4, 5), cube.shape
np.testing.assert_array_equal(cube[:, 0, 0].values, np.arange(count))
np.testing.assert_allclose(cube.coords.frequencies(count), 1e9 + 1e6 * np.arange(count))
stack = lattice.concat([lattice.open(path)[0] for path in paths], dim="epoch")
assert stack.dims == ("epoch", "y", "x"), stack.dims
np.testing.assert_array_equal(stack.save(folder / "stack.zarr")[:, 0, 0].values, np.arange(count))
"""


@pytest.mark.parametrize("count", [300, pytest.param(2000, marks=pytest.mark.slow)])
def test_many_files_are_joined_with_few_open_ones(tmp_path: Path, count: int) -> None:
    pytest.importorskip("resource")
    root = Path(lattice.__file__).resolve().parent.parent
    command = [sys.executable, "-c", _MANY, str(tmp_path), str(count)]
    found = subprocess.run(command, capture_output=True, text=True, check=False, timeout=240, cwd=root)
    assert found.returncode == 0, found.stderr


def test_a_name_may_stand_for_a_region(cube: Image) -> None:
    region = PixelBox((0, 0, 1, 1), (3, 5, 4, 4))
    assert lattice.expr("cube[r]", cube=cube, r=region).shape == (4, 6, 4, 4)
