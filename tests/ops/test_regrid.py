"""Images on other grids."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.wcs import WCS
from scipy.ndimage import map_coordinates

import lattice
from lattice import Image, LatticeError
from lattice.config import set_options
from lattice.coords.mapping import SkyMap, _tile
from lattice.io.files import counting
from lattice.ops import resample, taps
from lattice.ops.taps import taps_at

RNG = np.random.default_rng(41)
CUBE = {
    "CTYPE1": "RA---SIN", "CTYPE2": "DEC--SIN", "CTYPE3": "FREQ", "CRVAL1": 50.0, "CRVAL2": 40.0,
    "CRVAL3": 1.4e9, "CDELT1": -2e-3, "CDELT2": 2e-3, "CDELT3": 1e6, "CRPIX1": 20.0, "CRPIX2": 15.0,
    "CRPIX3": 1.0, "CUNIT1": "deg", "CUNIT2": "deg", "CUNIT3": "Hz", "RESTFRQ": 1.42e9, "RADESYS": "ICRS",
    "SPECSYS": "LSRK",
}  # fmt: skip
SHAPE = (6, 30, 40)
VALUES = RNG.normal(size=SHAPE).astype("f4")


def cube(**more: Any) -> Image:
    return Image(VALUES, wcs=CUBE | more.pop("cards", {}), unit="Jy/beam", beam=(0.01, 0.01, 0), **more)


def turned(angle: float = 0.3, **more: Any) -> dict[str, Any]:
    c, s = np.cos(angle), np.sin(angle)
    return CUBE | {"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRPIX1": 22.0, "CRVAL1": 50.01,
                   "PC1_1": c, "PC1_2": -s, "PC2_1": s, "PC2_2": c} | more  # fmt: skip


GRIDS = {
    "another projection, turned": turned(),
    "another frame": turned(
        0, CTYPE1="GLON-TAN", CTYPE2="GLAT-TAN", CRVAL1=151.47, CRVAL2=-14.5, CRPIX1=20.0, CRPIX2=15.0
    ),
    "finer": CUBE | {"CDELT1": -1e-3, "CDELT2": 0.7e-3},
    "of CD matrix": {k: v for k, v in CUBE.items() if not k.startswith("CDELT")}
    | {"CD1_1": -2e-3, "CD1_2": 1e-4, "CD2_1": 2e-4, "CD2_2": 2e-3, "CD3_3": 1e6},
}


@pytest.mark.parametrize("name", GRIDS)
def test_bilinear_at_the_positions_of_astropy(name: str) -> None:
    cards = GRIDS[name]
    found = cube().regrid(cards, ("y", "x"), shape=SHAPE)
    old, new = (WCS(_header(c)).celestial for c in (CUBE, cards))
    y, x = np.mgrid[:30, :40]
    there: SkyCoord = new.pixel_to_world(x, y)
    at = np.array(old.world_to_pixel(there))[::-1]
    inside = np.all([(at[0] >= 0), at[0] <= 29, at[1] >= 0, at[1] <= 39], axis=0)
    assert inside.mean() > 0.3
    pixels = found.to_masked_array()
    for k in range(SHAPE[0]):
        want = map_coordinates(VALUES[k].astype(float), at, order=1)
        assert not np.ma.getmaskarray(pixels[k])[inside].any()
        np.testing.assert_allclose(pixels.data[k][inside], want[inside], atol=2e-4)
    assert found.unit == "Jy/beam"
    assert found.beams == cube().beams
    assert found.dims == cube().dims
    assert found.wcs is not None
    np.testing.assert_allclose(found.wcs.celestial.wcs_pix2world([[3, 4]], 0), new.wcs_pix2world([[3, 4]], 0))
    assert found.coords is not None
    np.testing.assert_allclose(found.coords.frequencies(6), 1.4e9 + 1e6 * np.arange(6))


def _header(cards: dict[str, Any]) -> Any:
    from astropy.io.fits import Header

    return Header(list(cards.items()))


def test_positions_are_good_to_a_millionth_of_a_pixel() -> None:
    big = {**CUBE, "CRPIX1": 300.0, "CRPIX2": 300.0}
    a, b = (Image(np.zeros((1, 600, 600), "f4"), wcs=c).coords for c in (big, turned(0.5, CRPIX1=310.0)))
    assert a is not None
    assert b is not None
    mapping = SkyMap(a.select((1, 2)), b.select((1, 2)))
    section = (slice(100, 500, 1), slice(30, 580, 3))
    found = mapping.at(section)
    y, x = np.ogrid[100:500, 30:580:3]
    exact = mapping.exact(y, x)
    assert _tile(mapping, 0, 0) is not None
    assert _tile(mapping, 1, 1) is not None
    for one, other in zip(found, exact, strict=True):
        np.testing.assert_allclose(one, other, atol=2e-6, rtol=0)
    inner = mapping.at((slice(200, 300, 1), slice(60, 160, 1)))[0]
    np.testing.assert_allclose(
        inner, mapping.at((slice(0, 600, 1), slice(0, 600, 1)))[0][200:300, 60:160], atol=1e-9
    )


def test_positions_off_the_sky_are_bad() -> None:
    wide = CUBE | {"CDELT1": -2.0, "CDELT2": 2.0, "CRPIX1": 60.0, "CRPIX2": 60.0}
    image = Image(np.ones((1, 120, 120), "f4"), wcs=wide)
    found = image.regrid(
        wide | {"CTYPE1": "RA---CAR", "CTYPE2": "DEC--CAR", "CRVAL2": 0.0}, shape=(1, 120, 120)
    )
    good = ~np.ma.getmaskarray(found.to_masked_array())
    assert 0.2 < good.mean() < 0.8
    assert (found.values[good] == 1).all()


def test_the_same_grid_changes_nothing() -> None:
    image = cube()
    assert image.regrid(cube()).node is image.node
    forced = image.regrid(cube(), force=True).to_masked_array()
    np.testing.assert_allclose(forced, VALUES, atol=1e-6)
    assert not np.ma.getmaskarray(forced).any()


@pytest.mark.parametrize("method", ["linear", "cubic"])
def test_spectral_axis(method: str) -> None:
    cards = CUBE | {"CRVAL3": 1.4005e9, "CDELT3": 0.5e6}
    found = cube().regrid(cards, "frequency", shape=(8, 30, 40), method=method)
    at = 0.5 + 0.5 * np.arange(8)
    good = ~np.ma.getmaskarray(found.to_masked_array())[:, 0, 0]
    np.testing.assert_array_equal(good, at <= 5)
    if method == "linear":
        want = np.stack(
            [VALUES[int(p)] * (1 - p % 1) + VALUES[min(5, int(p) + 1)] * (p % 1) for p in at[good]]
        )
        np.testing.assert_allclose(found.values[good], want, atol=1e-5)
    assert found.coords is not None
    np.testing.assert_allclose(found.coords.frequencies(8), 1.4005e9 + 0.5e6 * np.arange(8))


def test_spectral_frames_are_converted() -> None:
    bary = CUBE | {"SPECSYS": "BARYCENT"}
    found = cube().regrid(bary, "frequency", shape=SHAPE, method="nearest")
    assert found.coords is not None
    assert found.coords.spectral_frame == "BARYCENT"
    plain = Image(VALUES, wcs={k: v for k, v in CUBE.items() if "CTYPE1" not in k and "CTYPE2" not in k})
    assert plain.coords is not None
    with pytest.raises(LatticeError, match="sky axes"):
        plain.regrid(bary, "frequency", shape=SHAPE)


def test_velocities_are_matched() -> None:
    other = CUBE | {"RESTFRQ": 1.41e9, "CRVAL3": 1.4e9 - 1e7}
    template = Image(VALUES, wcs=other)
    found = cube().regrid(template, "frequency", velocity="radio")
    assert found.coords is not None
    speeds = 1 - (1.39e9 + 1e6 * np.arange(6)) / 1.41e9
    np.testing.assert_allclose(found.coords.frequencies(6), 1.42e9 * (1 - speeds))
    assert found.coords.rest_frequency == 1.42e9


def test_per_pixel_units_are_scaled() -> None:
    image = cube().with_unit("Jy/pixel")
    half = image.regrid(CUBE | {"CDELT1": -1e-3, "CDELT2": 1e-3}, ("y", "x"), shape=SHAPE)
    same = cube().regrid(CUBE | {"CDELT1": -1e-3, "CDELT2": 1e-3}, ("y", "x"), shape=SHAPE)
    np.testing.assert_allclose(half.values, same.values / 4, rtol=1e-5, atol=1e-6)
    assert half.unit == "Jy/pixel"


def test_masks_reach_as_far_as_the_pixels() -> None:
    mask = np.ones(SHAPE, bool)
    mask[:, 10, 10] = False
    shifted = cube(mask=mask).regrid(CUBE | {"CRPIX1": 20.5, "CRPIX2": 15.5}, ("y", "x"), shape=SHAPE)
    bad = np.ma.getmaskarray(shifted.to_masked_array())[0]
    assert bad[10:12, 10:12].all()
    assert bad[5:25, 5:25].sum() == 4


@pytest.mark.parametrize("block", [50, 700])
def test_blocks_make_no_difference(block: int) -> None:
    mask = RNG.random(SHAPE) > 0.1
    want = cube(mask=mask).regrid(turned(), shape=SHAPE).to_masked_array()
    with set_options(block=block, strip=37):
        found = cube(mask=mask).regrid(turned(), shape=SHAPE).to_masked_array()
    np.testing.assert_array_equal(np.ma.getmaskarray(found), np.ma.getmaskarray(want))
    np.testing.assert_allclose(found.filled(0), want.filled(0), atol=1e-6)


@pytest.mark.parametrize("what", ["regrid", "one minus", "mosaic"])
def test_weights_are_made_once_for_all_planes(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Any] = []

    def counted(mapping: Any, here: Any, *rest: Any) -> Any:
        made.append((mapping, *((s.start, s.stop) for s in here)))
        return taps_at(mapping, here, *rest)

    monkeypatch.setattr(resample, "taps_at", counted)
    monkeypatch.setattr(resample, "recent", taps._Recent())
    monkeypatch.setattr(resample, "_boxes", {})
    monkeypatch.setattr(taps, "most_kept", lambda: 12_000)  # of one block
    image = cube()
    grid = Image(np.zeros(SHAPE, "f4"), wcs=turned(0.123))
    makes: dict[str, Any] = {
        "regrid": lambda: image.regrid(grid, ("y", "x")),
        "one minus": lambda: 1 - image.regrid(grid, ("y", "x")),
        "mosaic": lambda: Image.mosaic([image, image * 2], grid),
    }
    with set_options(block=400, workers=1):
        makes[what]().compute()
    # the planner has looked at some of them
    assert len(set(made)) >= 3
    assert max(Counter(made).values()) <= 2


def test_a_corner_reads_its_footprint(tmp_path: Path) -> None:
    big = Image(np.zeros((4, 500, 500), "f4"), wcs=CUBE)
    big.save(tmp_path / "a.fits")
    image = lattice.open(tmp_path / "a.fits").regrid(turned(0.2), ("y", "x"), shape=(4, 400, 400))
    with counting() as count:
        image[2, 20:30, 20:30].compute()
    assert count.bytes < 25 * 25 * 4


def test_axes_in_any_order() -> None:
    want = cube().regrid(turned(), ("y", "x"), shape=SHAPE)
    for order in ((2, 1, 0), (1, 0, 2), (2, 0, 1)):
        found = cube().transpose(*order).regrid(turned(), ("y", "x"), shape=SHAPE)
        np.testing.assert_allclose(found.values, want.values.transpose(order), atol=1e-6)
    template = Image(np.zeros(SHAPE, "f4"), wcs=turned()).transpose(2, 1, 0)
    np.testing.assert_allclose(cube().regrid(template, ("y", "x")).values, want.values, atol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (({"CTYPE1": "RA---TAN"},), "how many pixels"),
        ((None,), "how many pixels|needs a template"),
        ((CUBE | {"CRVAL1": 230.0}, None), "do not overlap on the sky"),
        ((CUBE | {"CRVAL3": 9e9}, "frequency"), "do not overlap along frequency"),
        ((CUBE, "x"), "regridded together"),
        ((CUBE, "z"), "no dim 'z'|no axis 'z'"),
    ],
)
def test_refused_when_asked(arguments: tuple[Any, ...], message: str) -> None:
    options = {"shape": SHAPE} if len(arguments) > 1 else {}
    with pytest.raises(LatticeError, match=message):
        cube().regrid(*arguments, **options)


def test_refusals_about_axes_and_beams() -> None:
    with pytest.raises(LatticeError, match="no coordinates"):
        Image(np.zeros((3, 4))).regrid(CUBE, shape=SHAPE)
    with pytest.raises(LatticeError, match="no interpolation"):
        cube().regrid(turned(), shape=SHAPE, method="splines")
    several = Image(VALUES, wcs=CUBE, beam=[(0.01 + k / 1e3, 0.01, 0) for k in range(6)])
    with pytest.raises(LatticeError, match="beams of their own"):
        several.regrid(CUBE | {"CDELT3": 2e6}, "frequency", shape=SHAPE)
    assert several.regrid(turned(), ("y", "x"), shape=SHAPE).beams == several.beams
    mixed = CUBE | {"PC3_1": 0.1}
    with pytest.raises(LatticeError, match="depend on the pixel"):
        Image(VALUES, wcs=mixed).regrid(turned(), ("y", "x"), shape=SHAPE)


@pytest.mark.parametrize("form", ["PC{}_{}", "PC{:03}{:03}", "CD{}_{}"])
def test_matrices_that_are_written_in_full(form: str) -> None:
    cards: dict[str, Any] = dict(CUBE)
    for i, j in np.ndindex(3, 3):
        own = cards[f"CDELT{i + 1}"] if form.startswith("CD") else 1.0
        cards[form.format(i + 1, j + 1)] = own if i == j else 0.0
    if form.startswith("CD"):
        cards = {k: v for k, v in cards.items() if not k.startswith("CDELT")}
    a = Image(VALUES, wcs=cards)
    for cut, dims in [((slice(None), slice(3, 20)), ("y", "x")), (slice(1, 4), "frequency")]:
        found = a.regrid(a[cut], dims)
        np.testing.assert_array_equal(found.values, a[cut].values)
        assert found.coords is not None
        assert found.coords.compare(a[cut].coords) is None  # type: ignore[arg-type]


def test_lengths_of_axes_are_enough_of_a_header() -> None:
    sky = {k: v for k, v in CUBE.items() if not k.endswith("3")} | {"NAXIS1": 21, "NAXIS2": 11}
    assert cube().regrid(sky).shape == (6, 11, 21)
    with pytest.raises(LatticeError, match="does not tell how many pixels"):
        cube().regrid({k: v for k, v in sky.items() if not k.startswith("NAXIS")})
