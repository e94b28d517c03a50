"""Products of Stokes parameters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lattice import Image, LatticeError
from lattice.io.files import counting

RNG = np.random.default_rng(57)
CARDS = {
    "CTYPE1": "RA---SIN", "CTYPE2": "DEC--SIN", "CTYPE3": "STOKES", "CRVAL1": 50.0, "CRVAL2": 40.0,
    "CRVAL3": 1.0, "CDELT1": -1e-3, "CDELT2": 1e-3, "CDELT3": 1.0, "CRPIX1": 3.0, "CRPIX2": 3.0,
    "CRPIX3": 1.0,
}  # fmt: skip
VALUES = RNG.normal(size=(4, 5, 6))
MASK = RNG.random(VALUES.shape) > 0.2
_, Q, U, V = VALUES


def cube(n: int = 4, mask: Any = MASK) -> Image:
    given = None if mask is None else mask[:n]
    return Image(VALUES[:n], wcs=CARDS, unit="Jy/beam", mask=given, beam=(2e-3, 1e-3, 0))


def stokes_of(image: Image) -> tuple[str, ...]:
    assert image.coords is not None
    return image.coords.stokes(1)


def test_intensities() -> None:
    good = {"linear": MASK[1] & MASK[2], "total": MASK[1] & MASK[2] & MASK[3]}
    want = {"linear": np.hypot(Q, U), "total": np.sqrt(Q**2 + U**2 + V**2)}
    for kind, name in (("linear", "Plinear"), ("total", "Ptotal")):
        made = cube().poli(kind=kind)
        pixels = made.to_masked_array()[0]
        np.testing.assert_array_equal(~np.ma.getmaskarray(pixels), good[kind])
        np.testing.assert_allclose(pixels.data[good[kind]], want[kind][good[kind]])
        assert (made.shape, made.unit, made.beams) == ((1, 5, 6), "Jy/beam", cube().beams)
        assert stokes_of(made) == (name,)
        clear = cube(mask=None).poli(kind=kind, sigma=1).to_masked_array()[0]
        above = want[kind] >= 1
        np.testing.assert_array_equal(~np.ma.getmaskarray(clear), above)
        np.testing.assert_allclose(clear.data[above], np.sqrt(want[kind][above] ** 2 - 1))
    assert cube().poli().same_as(cube().poli(kind="total"))
    assert cube(3).poli().same_as(cube(3).poli(kind="linear"))


def test_angle() -> None:
    made = cube(mask=None).pola(threshold=0.7)
    pixels = made.to_masked_array()[0]
    above = np.hypot(Q, U) >= 0.7
    np.testing.assert_array_equal(~np.ma.getmaskarray(pixels), above)
    np.testing.assert_allclose(pixels.data[above], np.degrees(np.arctan2(U, Q) / 2)[above])
    assert (made.unit, stokes_of(made)) == ("deg", ("Pangle",))


def test_several_images(tmp_path: Path) -> None:
    parts = [cube(mask=None)[k : k + 1] for k in range(4)]
    want = cube(mask=None).poli()
    np.testing.assert_allclose(parts[3].poli(parts[0], parts[2], parts[1]).values, want.values)
    parts[2].save(tmp_path / "u.fits")
    np.testing.assert_allclose(
        parts[1].pola(tmp_path / "u.fits").values, cube(mask=None).pola().values, atol=1e-6
    )


def test_a_corner_reads_two_parameters(tmp_path: Path) -> None:
    image = Image(np.ones((4, 64, 64), "f4"), wcs=CARDS).save(tmp_path / "iquv.fits")
    with counting() as reads:
        assert image.poli(kind="linear")[0, :2, :3].values == pytest.approx(np.sqrt(2))
    assert reads.bytes <= 2 * 2 * 64 * 4


def test_refusals() -> None:
    for make, message in (
        (lambda: cube(3).poli(kind="total"), "there is no V"),
        (lambda: cube(2).pola(), "there is no U"),
        (lambda: cube().poli(cube()), "is there twice"),
        (lambda: cube().poli(kind="circular"), "there is no kind"),
        (lambda: cube().poli(sigma=-1), "not negative"),
        (lambda: cube().pola(threshold=float("inf")), "finite"),
        (lambda: Image(VALUES).poli(), "nothing says which"),
        (lambda: (cube() * 1j).poli(), "are real"),
    ):
        with pytest.raises(LatticeError, match=message):
            make()
