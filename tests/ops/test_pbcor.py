"""Correction for the primary beam."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lattice import Image, LatticeError
from lattice.io.files import counting

RNG = np.random.default_rng(52)
VALUES = RNG.normal(size=(3, 5, 6)).astype("f4")
MASK = RNG.random(VALUES.shape) > 0.2
PB = RNG.uniform(0.05, 1, (5, 6)).astype("f4")


def cube(mask: Any = MASK) -> Image:
    return Image(VALUES, dims=("frequency", "y", "x"), mask=mask, unit="Jy/beam", beam=(1e-3, 1e-3, 0))


@pytest.mark.parametrize("full", [False, True])
def test_divided_and_multiplied(full: bool) -> None:
    pb: Any = np.broadcast_to(PB, VALUES.shape).copy() if full else PB
    for given in (pb, Image(pb, dims=cube().dims[-pb.ndim :])):
        found = cube().pbcor(given, cutoff=0.4)
        good = MASK & (PB >= 0.4)
        np.testing.assert_array_equal(~np.ma.getmaskarray(found.to_masked_array()), good)
        np.testing.assert_allclose(found.values[good], (VALUES / PB)[good], rtol=1e-6)
        product = cube().pbcor(given, "multiply", 0.4)
        good = MASK & (PB <= 0.4)
        np.testing.assert_array_equal(~np.ma.getmaskarray(product.to_masked_array()), good)
        np.testing.assert_allclose(product.values[good], (VALUES * PB)[good], rtol=1e-6)
        assert (found.unit, found.beams, found.dims) == ("Jy/beam", cube().beams, cube().dims)
    assert not cube(None).pbcor(PB).masked


def test_the_mask_of_the_beam_counts_and_files_are_opened(tmp_path: Path) -> None:
    own = PB > 0.3
    Image(np.where(own, PB, np.nan), dims=("y", "x"), mask="nan").save(tmp_path / "pb.fits")
    found = cube().pbcor(tmp_path / "pb.fits").to_masked_array()
    np.testing.assert_array_equal(~np.ma.getmaskarray(found), MASK & own)


def test_a_corner_reads_a_corner(tmp_path: Path) -> None:
    image = Image(np.ones((4, 64, 64), "f4"), dims=("frequency", "y", "x")).save(tmp_path / "a.npy")
    pb = Image(np.ones((64, 64), "f4")).save(tmp_path / "pb.npy")
    with counting() as reads:
        assert (image.pbcor(pb)[0, :2, :3].values == 1).all()
    assert reads.bytes <= 2 * 2 * 64 * 4


def test_refusals() -> None:
    with pytest.raises(LatticeError, match="there is no mode"):
        cube().pbcor(PB, "add")
    with pytest.raises(LatticeError, match="fit together"):
        cube().pbcor(PB[:, :3])
    with pytest.raises(LatticeError, match="is no image"):
        cube().pbcor(2.0)
    with pytest.raises(LatticeError, match="more axes"):
        Image(PB).pbcor(cube())
    with pytest.raises(LatticeError, match="real numbers"):
        cube().pbcor(PB.astype(complex))
    with pytest.raises(LatticeError, match="a finite number is needed"):
        cube().pbcor(PB, cutoff=float("nan"))
    with pytest.raises(LatticeError, match="4 axes does not go"):
        cube().pbcor(np.ones((1, 3, 5, 6)))
