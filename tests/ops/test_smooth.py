"""Gaussians on the sky and what they do to unit and beam."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.signal import fftconvolve

from lattice import Image, LatticeError
from lattice.config import set_options
from lattice.coords.beam_algebra import common_beam, convolved, deconvolved, moments_of, of_moments
from lattice.ops.smooth import line_kernel

RNG = np.random.default_rng(51)
SEC = 1 / 3600
SKY = {
    "CTYPE1": "RA---SIN", "CTYPE2": "DEC--SIN", "CTYPE3": "FREQ", "CRVAL1": 10.0, "CRVAL2": 20.0,
    "CRVAL3": 1e9, "CDELT1": -SEC, "CDELT2": SEC, "CDELT3": 1e6, "CRPIX1": 20.0, "CRPIX2": 20.0,
    "CRPIX3": 1.0,
}  # fmt: skip
VALUES = RNG.normal(size=(3, 40, 44)).astype("f4")


def gaussian(major: float, minor: float, pa: float, half: int = 40) -> np.ndarray:
    """Return a Gaussian of widths in pixels on a grid whose x axis points west."""
    y, x = np.mgrid[-half : half + 1, -half : half + 1].astype(float)
    s, c = np.sin(np.radians(pa)), np.cos(np.radians(pa))
    u, v = -x * s + y * c, -x * c - y * s
    return np.asarray(np.exp(-4 * np.log(2) * ((u / major) ** 2 + (v / minor) ** 2)))


def cube(unit: str = "Jy/beam", beam: Any = (3 * SEC, 2 * SEC, 30.0), **more: Any) -> Image:
    return Image(VALUES, wcs=SKY, unit=unit, beam=beam, **more)


def smoothed(kernel: np.ndarray) -> np.ndarray:
    return np.stack([fftconvolve(plane.astype(float), kernel, mode="same") for plane in VALUES])


@pytest.mark.parametrize(("major", "minor", "pa"), [(4, 4, 0), (6, 3, 30), (5, 2.5, -70), (3, 1.5, 90)])
def test_brightness_per_beam_is_kept(major: float, minor: float, pa: float) -> None:
    found = cube().smooth(major * SEC, minor * SEC, pa)
    kernel = gaussian(major, minor, pa)
    new = convolved((3 * SEC, 2 * SEC, 30.0), (major * SEC, minor * SEC, pa))
    np.testing.assert_allclose(found.beams[0], new)
    want = smoothed(kernel / kernel.sum()) * (new[0] * new[1] / (6 * SEC * SEC))
    # the areas of beams are those of their samples, but for kernels of a pixel or two
    np.testing.assert_allclose(found.values, want, atol=2e-5 if minor > 2.5 else 0.02 * np.abs(want).max())
    assert found.unit == "Jy/beam"


@pytest.mark.parametrize(("major", "minor"), [(6, 3), (2, 1), (1, 0.5), (0.6, 0.6)])
def test_an_unresolved_source_keeps_its_peak(major: float, minor: float) -> None:
    source = gaussian(3, 2, 30, 20).astype("f4")
    image = Image(source, wcs=SKY, unit="Jy/beam", beam=(3 * SEC, 2 * SEC, 30.0))
    assert float(image.smooth(major * SEC, minor * SEC, 30).max()) == pytest.approx(1.0, abs=2e-6)


def test_other_units() -> None:
    kernel = gaussian(4, 4, 0)
    kelvin = cube("K").smooth("4arcsec")
    np.testing.assert_allclose(kelvin.values, smoothed(kernel / kernel.sum()), atol=1e-5)
    assert kelvin.unit == "K"
    model = cube("Jy/pixel", None).smooth("4arcsec")
    np.testing.assert_allclose(model.values, smoothed(kernel), atol=1e-5)
    assert (model.unit, model.beams) == ("Jy/beam", ((4 * SEC, 4 * SEC, 0.0),))
    scaled = cube().smooth("4arcsec", scale=0.5)
    np.testing.assert_allclose(scaled.values, smoothed(kernel) / 2, atol=1e-5)
    assert scaled.unit == "Jy/beam"
    plain = cube("", None).smooth("4arcsec")
    assert plain.beams == ()


def test_to_a_resolution() -> None:
    wanted = (7 * SEC, 5 * SEC, 10.0)
    found = cube().smooth_to(*wanted)
    assert found.beams == (wanted,)
    kernel_beam = deconvolved(wanted, (3 * SEC, 2 * SEC, 30.0))
    assert kernel_beam is not None
    kernel = gaussian(kernel_beam[0] / SEC, kernel_beam[1] / SEC, kernel_beam[2])
    want = smoothed(kernel / kernel.sum()) * 35 / 6
    np.testing.assert_allclose(found.values, want, atol=5e-5)
    same = cube().smooth_to(3 * SEC, 2 * SEC, 30.0)
    np.testing.assert_allclose(same.values, VALUES, atol=1e-6)


def test_planes_of_different_beams() -> None:
    beams = [(3 * SEC, 2 * SEC, 0.0), (4 * SEC, 2 * SEC, 0.0), (3 * SEC, 3 * SEC, 0.0)]
    image = cube(beam=beams)
    common = image.common_beam()
    np.testing.assert_allclose(tuple(common), (4 * SEC, 3 * SEC, 0), rtol=1e-7, atol=1e-5)
    found = image.smooth_to("common")
    assert len(found.beams) == 1
    for k, beam in enumerate(beams):
        one = cube(beam=beam)[k : k + 1].smooth_to(common)
        np.testing.assert_allclose(found.values[k], one.values[0], atol=1e-5)
    each = image.smooth("4arcsec")
    np.testing.assert_allclose(each.beams, [convolved(b, (4 * SEC, 4 * SEC, 0)) for b in beams])


def test_turned_sky() -> None:
    angle = 0.4
    c, s = np.cos(angle), np.sin(angle)
    turned = SKY | {"PC1_1": c, "PC1_2": -s, "PC2_1": s, "PC2_2": c}
    point = np.zeros((1, 61, 61))
    point[0, 30, 30] = 1
    found = Image(point, wcs=turned).smooth(8 * SEC, 3 * SEC, 0).values[0]
    y, x = np.mgrid[-30:31, -30:31]
    # the long axis points north: up on the sky, turned against the pixels
    mixed = (found * x * y).sum()
    moments = np.array([[(found * x * x).sum(), mixed], [mixed, (found * y * y).sum()]]) / found.sum()
    values, vectors = np.linalg.eigh(moments)
    east, north = np.array([[-c, s], [s, c]]) @ vectors[:, 1]
    assert abs(east / north) < 1e-3
    np.testing.assert_allclose(np.sqrt(values * 8 * np.log(2)), [3, 8], rtol=1e-3)


def test_bad_pixels_are_left_out_on_request() -> None:
    mask = RNG.random(VALUES.shape) > 0.2
    image = Image(np.where(mask, 5, np.nan).astype("f4"), wcs=SKY, mask=mask, unit="K")
    found = image.smooth("3arcsec", bad="leave").to_masked_array()
    assert not np.ma.getmaskarray(found).any()
    np.testing.assert_allclose(found.data, 5, rtol=1e-5)
    zero = image.smooth("3arcsec").to_masked_array()
    np.testing.assert_array_equal(np.ma.getmaskarray(zero), ~mask)
    assert zero.max() < 5


def test_along_single_axes() -> None:
    image = Image(VALUES, dims=("frequency", "y", "x"), beam=(1.0, 1.0, 0.0))
    found = image.smooth_along(x=3, y=("boxcar", 5))
    kernel = np.outer(line_kernel("boxcar", 5), line_kernel("gaussian", 3))
    np.testing.assert_allclose(found.values, smoothed(kernel), atol=1e-5)
    assert found.beams == image.beams
    assert line_kernel("boxcar", 2.5).size == 3
    assert line_kernel("boxcar", 2.4).size == 2
    peak = line_kernel("gaussian", 3).max()
    scaled = image.smooth_along(x=3, scale=2)
    np.testing.assert_allclose(scaled.values, image.smooth_along(x=3).values * 2 / peak, atol=1e-5)


def test_any_kernel() -> None:
    image = cube()
    kernel = RNG.random((3, 5))
    found = image.convolve(kernel)
    np.testing.assert_allclose(found.values, smoothed(kernel / kernel.sum()), atol=1e-5)
    assert found.beams == ()
    turned = image.convolve(kernel.T, ("x", "y"), scale=2)
    np.testing.assert_allclose(turned.values, smoothed(kernel) * 2, atol=1e-5)


def test_blocks_make_no_difference() -> None:
    mask = RNG.random(VALUES.shape) > 0.2
    want = cube(mask=mask).smooth("5arcsec", "3arcsec", "20deg").to_masked_array()
    with set_options(block=300, strip=111):
        found = cube(mask=mask).smooth("5arcsec", "3arcsec", "20deg").to_masked_array()
    np.testing.assert_array_equal(np.ma.getmaskarray(found), np.ma.getmaskarray(want))
    np.testing.assert_allclose(found.filled(0), want.filled(0), atol=1e-5)


def test_beams_as_matrices() -> None:
    for beam in ((3.0, 2.0, 30.0), (3.0, 2.0, -89.0), (5.0, 5.0, 0.0), (4.0, 1.0, 90.0)):
        np.testing.assert_allclose(of_moments(moments_of(beam)), beam, atol=1e-9)
    a, b = (3.0, 2.0, 30.0), (4.0, 1.0, -50.0)
    back = deconvolved(convolved(a, b), b)
    assert back is not None
    np.testing.assert_allclose(back, a, atol=1e-9)
    assert deconvolved(a, a) == (0.0, 0.0, 0.0)
    assert deconvolved((3.0, 1.0, 0.0), (2.0, 2.0, 0.0)) is None


def test_common_beams_hold_all_and_no_more() -> None:
    rng = np.random.default_rng(0)
    for n in (2, 3, 7):
        beams = [(float(a), float(a * q), float(p)) for a, q, p in zip(
            rng.uniform(2, 5, n), rng.uniform(0.3, 1, n), rng.uniform(-90, 90, n), strict=True
        )]  # fmt: skip
        found = common_beam(beams)
        for beam in beams:
            assert np.linalg.eigvalsh(moments_of(found) - moments_of(beam))[0] > -1e-6
        # a little less in area does not hold them
        smaller = (found[0] * 0.99, found[1] * 0.99, found[2])
        assert any(np.linalg.eigvalsh(moments_of(smaller) - moments_of(b))[0] < 0 for b in beams)
    assert common_beam([(4.0, 3.0, 0.0), (2.0, 2.0, 0.0)]) == (4.0, 3.0, 0.0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda i: i.smooth("5"), "no unit|is no angle"),
        (lambda i: i.smooth("2arcsec", "5arcsec"), "the larger axis comes first"),
        (lambda i: i.smooth(0.0), "both above 0"),
        (lambda i: i.smooth_to("1arcsec"), "smaller somewhere"),
        (lambda i: i.with_beam(None).smooth_to("9arcsec"), "no beam"),
        (lambda i: i.with_beam(None).common_beam(), "no beam"),
        (lambda i: i.smooth([(1.0, 1.0, 0.0)] * 2), "2 beams for 3 planes"),
        (lambda i: i.smooth_along(), "needs the width"),
        (lambda i: i.smooth_along(x=0), "above 0"),
        (lambda i: i.smooth_along(x=("triangle", 3)), "no kernel"),
        (lambda i: i.convolve([1, -1]), "say scale="),
        (lambda i: i.convolve(np.ones((2, 2)), "x"), "does not fit axes"),
    ],
)
def test_refused_when_asked(call: Any, message: str) -> None:
    with pytest.raises(LatticeError, match=message):
        call(cube())


def test_images_without_a_sky_say_so() -> None:
    with pytest.raises(LatticeError, match="no pair of sky axes"):
        Image(VALUES).smooth("3arcsec")
