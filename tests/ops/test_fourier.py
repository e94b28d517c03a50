"""Fourier transforms and structure functions, against their definitions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lattice import Image, LatticeError
from lattice.config import set_options
from lattice.io.files import counting
from lattice.ops import correlation, fourier
from lattice.ops.correlation import two_point
from lattice.ops.fourier import fft
from tests.ops.blocks import check_sections, masks
from tests.ops.conftest import Bench

RNG = np.random.default_rng(54)
SEC = 1 / 3600
CARDS = {
    "CTYPE1": "RA---SIN", "CTYPE2": "DEC--SIN", "CTYPE3": "FREQ", "CRVAL1": 50.0, "CRVAL2": 40.0,
    "CRVAL3": 1.4e9, "CDELT1": -2 * SEC, "CDELT2": 3 * SEC, "CDELT3": 1e6, "CRPIX1": 4.0, "CRPIX2": 3.0,
    "CRPIX3": 1.0, "CUNIT1": "deg", "CUNIT2": "deg", "CUNIT3": "Hz",
}  # fmt: skip
VALUES = RNG.normal(size=(3, 5, 8))
MASK = RNG.random(VALUES.shape) > 0.2


def cube(**more: Any) -> Image:
    return Image(VALUES, wcs=CARDS, unit="Jy/beam", beam=(5 * SEC, 5 * SEC, 0), **more)


@pytest.mark.parametrize("axes", [(1, 2), (0,), (0, 1, 2)])
@pytest.mark.parametrize("room", [1, 20, 1 << 18])
def test_equals_the_sum(axes: tuple[int, ...], room: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fourier, "_TOGETHER", room)
    monkeypatch.setattr(fourier, "_MOVED", room)
    filled = np.where(MASK, VALUES, 0).astype(complex)
    want = filled
    for a in axes:
        n = VALUES.shape[a]
        k = np.arange(n) - n // 2
        matrix = np.exp(-2j * np.pi * np.outer(k, k) / n)
        want = np.moveaxis(np.tensordot(matrix, want, (1, a)), 0, a)
    made = cube(mask=MASK).fft(axes)
    np.testing.assert_array_equal(~np.ma.getmaskarray(made.to_masked_array()), MASK)
    np.testing.assert_allclose(made.values[MASK], want[MASK], atol=1e-12)
    assert made.dtype == np.complex128
    assert cube().to("Jy/beam").fft(axes).unit == "Jy"
    assert Image(VALUES.astype("f4")).fft((0,)).dtype == np.complex64


def test_forms_and_coordinates() -> None:
    made = cube().fft()
    assert made.dims == ("frequency", "vv", "uu")
    coords = made.coords
    assert coords is not None
    _, v, u = coords.to_world(0.0, np.arange(5.0)[:, None], np.arange(8.0)[None, :])
    np.testing.assert_allclose(u[0], -(np.arange(8) - 4) / (8 * np.radians(2 * SEC)))
    np.testing.assert_allclose(v[:, 0], (np.arange(5) - 2) / (5 * np.radians(3 * SEC)))
    np.testing.assert_allclose(coords.frequencies(3), 1.4e9 + 1e6 * np.arange(3))
    assert made.beams == cube().beams
    times = cube().fft("frequency")
    assert times.dims == ("time", "y", "x")
    assert times.coords is not None
    np.testing.assert_allclose(
        times.coords.to_world(np.arange(3.0), 0.0, 0.0)[0], (np.arange(3) - 1) / 3e6, rtol=1e-12
    )
    for form, function in (("real", np.real), ("imag", np.imag), ("amplitude", np.abs), ("phase", np.angle)):
        part = cube().fft(form=form)
        np.testing.assert_allclose(part.values, function(made.values), atol=1e-12)
        assert part.unit == ("rad" if form == "phase" else "Jy")
    plain = Image(VALUES).fft()
    assert plain.dims == ("axis0", "vv", "uu")


def test_structure_function_by_pairs() -> None:
    found = cube(mask=MASK).two_point()
    _, ny, nx = VALUES.shape
    data = np.ma.masked_array(VALUES, ~MASK)
    pixels = found.to_masked_array()
    for dy in range(1 - ny, ny):
        for dx in range(1 - nx, nx):
            a = data[:, max(0, -dy) : ny - max(0, dy), max(0, -dx) : nx - max(0, dx)]
            b = data[:, max(0, dy) : ny + min(0, dy), max(0, dx) : nx + min(0, dx)]
            want = ((a - b) ** 2).mean(axis=(1, 2))
            got = pixels[:, dy + ny - 1, dx + nx - 1]
            np.testing.assert_array_equal(np.ma.getmaskarray(got), np.ma.getmaskarray(want))
            np.testing.assert_allclose(got.filled(0), want.filled(0), atol=1e-12)
    assert found.unit == "(Jy/beam)^2"
    assert not found.beams
    assert found.dims == ("frequency", "lag_y", "lag_x")
    assert found.coords is not None
    lag = found.coords.to_world(0.0, 0.0, np.arange(15.0))[2]
    np.testing.assert_allclose(lag, (7 - np.arange(15)) * 2 * SEC, atol=1e-12)
    large = Image(VALUES + 1e6).two_point().values
    np.testing.assert_allclose(large, Image(VALUES).two_point().values, rtol=1e-8, atol=1e-8)


def test_lags_of_some_rows_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(correlation, "_LEAST", 3)
    values = RNG.normal(5, 1, size=(2, 23, 12))
    image = Image(values, dims=("frequency", "y", "x"), mask=RNG.random(values.shape) > 0.3)
    whole = image.two_point().to_masked_array()
    with set_options(block=5 * 23):
        pieces = image.two_point().to_masked_array()
    np.testing.assert_array_equal(pieces.mask, whole.mask)
    np.testing.assert_allclose(pieces.filled(0), whole.filled(0), atol=1e-11)
    part = image.two_point()[1, 3:40:4, 5::3].to_masked_array()
    np.testing.assert_allclose(part.filled(0), whole[1, 3:40:4, 5::3].filled(0), atol=1e-11)


@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_sections_and_blocks_make_no_difference(data: Any) -> None:
    shape = tuple(data.draw(st.integers(1, 6)) for _ in range(3))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    axes = sorted(data.draw(st.sets(st.integers(0, 2), min_size=1)))
    values = rng.normal(size=shape)
    mask = data.draw(masks(shape, rng))
    source = Bench.source(values, mask)
    check_sections(fft(source, axes), [(values, mask)], data)
    if len(axes) == 2:
        check_sections(two_point(source, axes), [(values, mask)], data)


def test_planes_are_read_one_by_one(tmp_path: Path) -> None:
    values = RNG.normal(size=(40, 128, 128)).astype("f4")
    image = Image(values, dims=("frequency", "y", "x")).save(tmp_path / "cube.npy")
    with counting() as reads:
        image.fft()[3, :2, :2].compute()
    assert reads.bytes <= 128 * 128 * 4 + 4096
    with set_options(memory_limit="96MB"):
        saved = image.fft(form="amplitude").save(tmp_path / "amp.npy")
    want = np.abs(np.fft.fftshift(np.fft.fft2(np.fft.ifftshift(values[7]))))
    np.testing.assert_allclose(saved[7].values, want, rtol=1e-3, atol=1e-3)


def test_refusals() -> None:
    stokes = CARDS | {"CTYPE3": "STOKES", "CRVAL3": 1.0, "CDELT3": 1.0, "CUNIT3": ""}
    for make, message in (
        (lambda: cube().fft("x"), "both axes of the sky"),
        (lambda: Image(VALUES, wcs=stokes).fft("stokes"), "Stokes parameters have no"),
        (lambda: cube().fft(form="power"), "there is no form"),
        (lambda: (cube() > 0).fft(), "one of numbers"),
        (lambda: cube().fft(7), "axis 7 does not exist"),
        (lambda: Image(VALUES[0, 0]).fft(), "no plane of the sky"),
        (lambda: cube().two_point(("x",)), "a plane has two axes"),
        (lambda: cube().fft().two_point(("uu", "vv")), "one of real numbers"),
    ):
        with pytest.raises(LatticeError, match=message):
            make()
