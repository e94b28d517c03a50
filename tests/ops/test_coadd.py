"""Mosaics: weighted means on one grid."""

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
from lattice.ops.coadd import coadd
from tests.ops.blocks import check_sections, masks
from tests.ops.conftest import Bench

RNG = np.random.default_rng(59)
CARDS = {
    "CTYPE1": "RA---SIN", "CTYPE2": "DEC--SIN", "CTYPE3": "FREQ", "CRVAL1": 50.0, "CRVAL2": 40.0,
    "CRVAL3": 1.4e9, "CDELT1": -1e-3, "CDELT2": 1e-3, "CDELT3": 1e6, "CRPIX1": 4.0, "CRPIX2": 5.0,
    "CRPIX3": 1.0, "CUNIT1": "deg", "CUNIT2": "deg", "CUNIT3": "Hz", "RADESYS": "ICRS", "SPECSYS": "LSRK",
}  # fmt: skip
BEAM = (3e-3, 2e-3, 0)


def image(x: float = 0, y: float = 0, mask: Any = None, values: Any = None, **cards: Any) -> Image:
    """Return a piece that lies so many pixels to the right and up."""
    pixels = RNG.normal(size=(2, 9, 8)) if values is None else values
    header = CARDS | {"CRPIX1": 4.0 - x, "CRPIX2": 5.0 - y} | cards
    return Image(pixels, wcs=header, mask=mask, unit="Jy/beam", beam=BEAM)


@pytest.mark.parametrize("weighted", [False, True])
def test_whole_shifts(weighted: bool) -> None:
    at = [(0, 0), (5, -3), (-2, 4), (1, 1)]
    marks = [RNG.random((2, 9, 8)) > 0.3 for _ in at]
    marks[3][:] = False
    pieces = [image(x, y, m) for (x, y), m in zip(at, marks, strict=True)]
    weights: Any = [1.0, RNG.uniform(0, 2, (2, 9, 8)), 0.5, 3.0] if weighted else [1.0] * 4
    total, weight = np.zeros((2, 16, 15)), np.zeros((2, 16, 15))
    for piece, (x, y), m, w in zip(pieces, at, marks, weights, strict=True):
        part = (slice(None), slice(y + 3, y + 12), slice(x + 2, x + 10))
        weight[part] += np.where(m, w, 0)
        total[part] += np.where(m, w * piece.without_mask().values, 0)
    given = [w if isinstance(w, float) else image(*p, values=w) for w, p in zip(weights, at, strict=True)]
    made = Image.mosaic(pieces, weights=given if weighted else None)
    assert made.shape == (2, 16, 15)
    pixels = made.to_masked_array()
    np.testing.assert_array_equal(~np.ma.getmaskarray(pixels), weight > 0)
    good = weight > 0
    np.testing.assert_allclose(pixels.data[good], (total[good] / weight[good]), atol=1e-9)
    assert (made.unit, made.beams) == ("Jy/beam", (BEAM,))
    assert made.coords is not None
    assert pieces[0].coords is not None
    np.testing.assert_allclose(
        made.coords.pixel_to_lonlat(3.0, 2.0), pieces[0].coords.pixel_to_lonlat(0.0, 0.0), atol=1e-10
    )


def test_templates_frames_and_projections(tmp_path: Path) -> None:
    flat = np.ones((2, 9, 8))
    turned = {
        "CTYPE1": "RA---TAN",
        "CTYPE2": "DEC--TAN",
        "PC1_1": 0.8,
        "PC1_2": -0.6,
        "PC2_1": 0.6,
        "PC2_2": 0.8,
    }
    pieces = [image(values=flat), image(3, 2, values=2 * flat, **turned)]
    made = Image.mosaic(pieces, weights=[1, 1])
    assert 1 == float(made.min()) < 1.5 < float(made.max()) == 2
    onto = image(1, 1)
    np.testing.assert_array_equal(Image.mosaic(pieces, onto).shape, onto.shape)
    pieces[1].save(tmp_path / "b.fits")
    pieces[0].save(tmp_path / "a.fits")
    again = Image.mosaic([tmp_path / "a.fits", str(tmp_path / "b.fits")], onto)
    np.testing.assert_allclose(again.values, Image.mosaic(pieces, onto).values, atol=1e-6)
    single = Image.mosaic(pieces[:1])
    np.testing.assert_array_equal(single.values, flat)


@given(data=st.data())
@settings(max_examples=30, deadline=None)
def test_sections_and_blocks_make_no_difference(data: Any) -> None:
    shape = (2, 5, 6)
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    coords: Any = image().coords
    inputs, nodes, weights = [], [], []
    for k in range(3):
        values, mask = rng.normal(size=shape), data.draw(masks(shape, rng))
        inputs.append((values, mask))
        nodes.append(Bench.source(values, mask, name=f"a{k}", dims=coords.dims, coords=coords))
    own = rng.uniform(0, 1, shape)
    weights = [1.0, Bench.source(own, name="w", dims=coords.dims, coords=coords), 0.0]
    node = coadd(nodes, coords, shape, weights)
    check_sections(node, [*inputs, (own, None)], data)


def test_a_corner_reads_the_images_that_are_there(tmp_path: Path) -> None:
    pieces = []
    for k in range(6):
        values = np.full((1, 128, 128), k, "f4")
        pieces.append(image(100 * k, 0, values=values).save(tmp_path / f"{k}.fits"))
    made = Image.mosaic(pieces)
    assert made.shape == (1, 128, 628)
    with counting() as reads:
        assert made[0, 4:8, 250:252].values.tolist() == [[2.0, 2.0]] * 4
    assert reads.bytes < 2 * 8 * 128 * 4
    with set_options(memory_limit="100MB"):
        saved = made.save(tmp_path / "mosaic.fits")
    assert float(saved[0, 5, 320]) == 2.5


def test_refusals() -> None:
    a, b = image(), image(2)
    for make, message in (
        (lambda: Image.mosaic([]), "made of images"),
        (lambda: Image.mosaic([a, 3]), "made of images"),
        (lambda: Image.mosaic([a, b], weights=[1]), "1 weights for 2 images"),
        (lambda: Image.mosaic([a, b], weights=[1, -1]), "0 or more"),
        (lambda: Image.mosaic([a, b], weights=[1, b[:, :3]]), "not of its shape"),
        (lambda: Image.mosaic([a, Image(np.zeros((2, 3, 3)))]), "no sky coordinates"),
        (lambda: Image.mosaic([Image(np.zeros((3, 3))), a]), "which has no sky"),
        (lambda: Image.mosaic([a, a * 1j]), "real numbers"),
        (lambda: Image.mosaic([a, image(CRVAL1=230.0, CRVAL2=-40.0)]), "does not reach"),
        (lambda: Image.mosaic([a, image(5000)], a), "do not overlap"),
        (lambda: Image.mosaic([a, b[0]]), "on the grid a"),
        (lambda: Image.mosaic([a, b], method="spline"), "no interpolation"),
    ):
        with pytest.raises(LatticeError, match=message):
            make()
    with pytest.warns(UserWarning, match="different units"):
        Image.mosaic([a, b.with_unit("K")])
    with pytest.warns(UserWarning, match="beams are dropped"):
        assert not Image.mosaic([a, b.with_beam((1e-3, 1e-3, 0))]).beams
