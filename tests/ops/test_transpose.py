"""Axes in another order."""

from __future__ import annotations

import itertools
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lattice
from lattice import Image, LatticeError
from lattice.config import set_options
from lattice.io.files import counting

SHAPE = (3, 4, 5)
RNG = np.random.default_rng(8)
VALUES = RNG.normal(size=SHAPE).astype("f4")
MASK = RNG.random(SHAPE) > 0.3
DIMS = ("frequency", "y", "x")


def made(**more: Any) -> Image:
    return Image(VALUES, dims=DIMS, mask=MASK, masks={"high": VALUES > 0}, unit="K", name="a", **more)


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
@pytest.mark.parametrize("block", [None, 7])
def test_pixels_and_masks_move(order: tuple[int, ...], block: int | None) -> None:
    image = made().transpose(*order)
    assert image.dims == tuple(DIMS[k] for k in order)
    with set_options(block=block, strip=5) if block else set_options():
        np.testing.assert_array_equal(image.values, VALUES.transpose(order))
        np.testing.assert_array_equal(image.to_masked_array().mask, ~MASK.transpose(order))
        np.testing.assert_array_equal(image.masks["high"].values, (VALUES > 0).transpose(order))
    assert image.unit == "K"


def test_minus_reverses() -> None:
    image = made().transpose("-x", "frequency", "-y")
    np.testing.assert_array_equal(image.values, VALUES[:, ::-1, ::-1].transpose(2, 0, 1))


@pytest.mark.parametrize(
    ("text", "dims"),
    [
        ("210", ("x", "y", "frequency")),
        ("21", ("y", "frequency", "x")),  # a missing leading 0 is implied: x, frequency, y, fastest first
        ("012", DIMS),
        ("120", ("x", "frequency", "y")),
        ("y, x, freq", ("y", "x", "frequency")),
        ("x y frequency", ("x", "y", "frequency")),
    ],
)
def test_texts(text: str, dims: tuple[str, ...]) -> None:
    assert made().transpose(text).dims == dims


def test_two_turns_are_one_and_a_turn_back_is_none() -> None:
    image = made()
    assert image.T.T.node is image.node
    once = image.transpose("y", "x", "frequency").transpose("frequency", "y", "x")
    assert once.node is image.node


@pytest.mark.parametrize(
    ("order", "message"),
    [
        ((0, 1), "names each of the 3 axes once"),
        ((0, 0, 1), "names each of the 3 axes once"),
        (("x", "y", "z"), "has no axis 'z'"),
        ((0, 1, 3), "has no axis 3"),
        (("0122",), "does not name each of the 3 axes once"),
        (("133",), "does not name each of the 3 axes once"),
        ((0, 1, None), "an axis is a name or a number"),
    ],
)
def test_wrong_orders_are_refused(order: Any, message: str) -> None:
    with pytest.raises(LatticeError, match=message):
        made().transpose(*order)


def test_text_operators_and_printed_text_agree() -> None:
    a = made()
    node = a.transpose("120").node
    assert lattice.expr("transpose(a, [1, 2, 0])", a=a).node is node
    assert lattice.expr(a.transpose("120").expression, a=a).node is node
    for wrong in ("transpose(a, [1, 1, 0])", "transpose(a, [1, 0])", "transpose(a, 1)", "transpose(a, [T])"):
        with pytest.raises(LatticeError):
            lattice.expr(wrong, a=a)


def test_coordinates_and_beams_move() -> None:
    cards = {
        "CTYPE1": "RA---SIN", "CTYPE2": "DEC--SIN", "CTYPE3": "FREQ", "CRVAL1": 10.0, "CRVAL2": 20.0,
        "CRVAL3": 1e9, "CDELT1": -0.1, "CDELT2": 0.1, "CDELT3": 1e6, "CRPIX1": 2.0, "CRPIX2": 1.0,
        "CRPIX3": 1.0,
        "CUNIT1": "deg", "CUNIT2": "deg", "CUNIT3": "Hz",
    }  # fmt: skip
    beams = [(0.3 + 0.1 * k, 0.2, 0.0) for k in range(3)]
    image = Image(VALUES, wcs=cards, beam=beams)
    turned = image.transpose("x", "frequency", "y")
    assert turned.beams == image.beams
    assert image.wcs is not None
    assert turned.wcs is not None
    world = image.wcs.wcs_pix2world([[3, 2, 1]], 0)[0]  # x, y, frequency
    np.testing.assert_allclose(turned.wcs.wcs_pix2world([[2, 1, 3]], 0)[0], world[[1, 2, 0]])
    four = Image(np.zeros((2, 3, 4, 5), "f4"), dims=("stokes", "frequency", "y", "x"), beam=beams * 2)
    swapped = four.transpose("frequency", "stokes", "y", "x")
    assert swapped.beams == tuple(b for b in four.beams[:3] for _ in range(2))


def test_origin_of_a_cut_is_kept() -> None:
    image = made()[1:, 2:, 1:]
    assert tuple(image.T.bbox) == tuple(image.bbox)[::-1]


def test_reads_what_it_needs(tmp_path: Path) -> None:
    Image(np.zeros((64, 128, 128), "f4")).save(tmp_path / "a.fits")
    image = lattice.open(tmp_path / "a.fits").transpose(2, 1, 0)
    with counting() as count:
        image[5:7, 8, 3:5].compute()
    assert count.bytes == 2 * 2 * 4


@pytest.mark.parametrize("order", [(1, 2, 0), (2, 1, 0), (0, 2, 1)])
def test_saves_in_blocks_and_reads_once(tmp_path: Path, order: tuple[int, ...]) -> None:
    values = RNG.normal(size=(40, 150, 170)).astype("f4")
    Image(values).save(tmp_path / "a.fits")
    source = lattice.open(tmp_path / "a.fits")
    with counting() as count, set_options(block=1 << 16):
        saved = source.transpose(*order).save(tmp_path / "b.fits")
    np.testing.assert_array_equal(saved.values, values.transpose(order))
    assert count.bytes < 1.6 * math.prod(values.shape) * 4


def test_operation_of_a_turned_image() -> None:
    image = made()
    np.testing.assert_allclose(image.T.mean("frequency").values, image.mean("frequency").values.T, rtol=1e-6)
