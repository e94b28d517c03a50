"""Ranks and averages of order statistics at the ends of what numbers can hold."""

from __future__ import annotations

import numpy as np
import pytest

import lattice
from lattice.functions.registry import lookup


@pytest.mark.parametrize("n", [1, 2, 3, 1 << 24, (1 << 24) + 4, 1 << 26, (1 << 26) - 17, 1 << 40])
@pytest.mark.parametrize("masked", [False, True])
def test_ranks_are_those_of_pixels_that_exist(n: int, masked: bool) -> None:
    fractile, spread = lookup("fractile", 2).ranks, lookup("fractilerange", 3).ranks
    assert fractile is not None
    assert spread is not None
    for f in (0.0, 0.3, 0.999, 1.0):
        assert all(0 <= r < n for r in fractile(n, masked, f))
    assert all(0 <= r < n for r in spread(n, masked, 0.0, 1.0))
    assert fractile(n, masked, 1.0) == (n - 1,)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_middle_of_two_values_is_neither_infinite_nor_nothing(dtype: type) -> None:
    for value in (np.finfo(dtype).max, np.finfo(dtype).smallest_subnormal, -np.finfo(dtype).max, np.inf):
        assert float(lattice.Image(np.full(2, value, dtype)).median()) == value


@pytest.mark.filterwarnings("error")
def test_infinities_of_both_signs_make_nan_without_a_warning() -> None:
    values = np.array([np.inf, -np.inf, 1.0], np.float32)
    for name in ("sum", "mean", "stddev", "avdev"):
        assert np.isnan(float(lattice.expr(f"{name}(a)", a=lattice.Image(values))))
