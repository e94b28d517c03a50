"""Means over bins."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lattice.config import Options
from lattice.execute.run import compute
from lattice.graph.sections import full, shape_of
from lattice.ops.rebin import Rebin, rebin
from tests.graphs import image
from tests.ops.conftest import Bench, FakeInput

SHAPE = (5, 7, 12)
RNG = np.random.default_rng(3)


def means(values: np.ndarray, mask: np.ndarray, factors: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Return means and mask, pixel by pixel."""
    shape = tuple(-(-n // k) for n, k in zip(values.shape, factors, strict=True))
    total, count = np.zeros(shape, np.result_type(values, np.float64)), np.zeros(shape, int)
    for index in np.ndindex(values.shape):
        if mask[index]:
            at = tuple(i // k for i, k in zip(index, factors, strict=True))
            total[at] += values[index]
            count[at] += 1
    return total / np.maximum(count, 1), count > 0


@pytest.mark.parametrize("factors", [(1, 1, 1), (2, 3, 4), (1, 1, 5), (5, 1, 12), (4, 7, 2), (9, 90, 10**30)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("strip", [1, 5, 24, 10_000])
def test_means_of_the_good_pixels(factors: tuple[int, ...], dtype: Any, masked: bool, strip: int) -> None:
    values = (RNG.normal(size=SHAPE) + (1j if np.dtype(dtype).kind == "c" else 0)).astype(dtype)
    mask = RNG.random(SHAPE) > 0.6 if masked else None
    node = rebin(Bench.source(values, mask), factors)
    want, good = means(values, np.ones(SHAPE, bool) if mask is None else mask, factors)
    for blocks in (None, (1, 2, 1)):
        found, filled = Bench.evaluate(node, [FakeInput(values, mask, strip)], blocks)
        assert found.dtype == dtype
        np.testing.assert_array_equal(filled, good)
        np.testing.assert_allclose(found[good], want[good], rtol=1e-5, atol=1e-6)


def test_bad_values_that_are_no_numbers_do_not_count() -> None:
    values = np.array([[1, np.nan, np.inf, 3]], np.float32)
    mask = np.array([[True, False, False, True]])
    found, good = Bench.evaluate(rebin(Bench.source(values, mask), (1, 2)), [FakeInput(values, mask)])
    np.testing.assert_array_equal(found, [[1, 3]])
    assert good.all()


def test_needs_whole_bins_but_never_more_than_there_is() -> None:
    node = rebin(Bench.source(np.zeros(SHAPE, np.float32)), (2, 3, 4))
    assert isinstance(node, Rebin)
    assert [shape_of(s) for s in node.needs(full((1, 2, 2)))] == [(2, 6, 8)]
    assert node.needs(full((3, 3, 3))) == (full(SHAPE),)


def test_every_pixel_is_read_once() -> None:
    values = np.zeros(SHAPE, np.float32)
    given = FakeInput(values, None)
    Bench.evaluate(rebin(Bench.source(values), (2, 2, 2)), [given])
    assert given.asked == []  # strip by strip, never at once


def test_bins_of_bins_by_small_blocks() -> None:
    values = RNG.normal(size=(8, 12, 16)).astype(np.float32)
    x = rebin(rebin(image(values, tile=(2, 5, 7)), (2, 2, 2)), (2, 3, 2))
    found = compute(x, Options(scheduler="synchronous", block=3, strip=5))
    np.testing.assert_allclose(
        found.values, values.reshape(2, 4, 2, 6, 4, 4).mean((1, 3, 5)), rtol=1e-5, atol=1e-6
    )
    assert full(found.values.shape) == full((2, 2, 4))
