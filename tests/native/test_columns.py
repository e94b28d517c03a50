"""Columns in order, as numpy sorts them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

pytest.importorskip("llvmlite")

from lattice.native.columns import LANES, MOST, sort_columns

RNG = np.random.default_rng(2)


def check(values: np.ndarray, good: np.ndarray | None) -> None:
    m, n = values.shape
    before = values.copy()
    out = np.full((m, n + 5), 7, values.dtype)
    count, wrong = np.full(n + 1, -1, np.int32), np.zeros(n + 1, bool)
    sort_columns(values, good, out[:, :n], count[:n], wrong[:n])
    held = values.copy() if good is None else np.where(good, values, np.inf)
    np.testing.assert_array_equal(wrong[:n], np.isnan(held).any(axis=0))
    held[np.isnan(held)] = np.inf
    np.testing.assert_array_equal(out[:, :n], np.sort(held, axis=0))
    np.testing.assert_array_equal(count[:n], m if good is None else good.sum(axis=0))
    # nothing beside them is touched
    np.testing.assert_array_equal(values, before)
    assert (out[:, n:] == 7).all()
    assert count[n] == -1
    assert not wrong[n]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("m", [*range(1, 20), 31, 32, 33, 64, 100, 255, 257, 300, MOST])
def test_any_number_of_rows(m: int, dtype: type) -> None:
    for n in (LANES, LANES + 1, 2 * LANES - 1, 100):
        values = RNG.normal(size=(m, n)).astype(dtype)
        check(values, None)
        values[RNG.random(values.shape) < 0.05] = np.nan
        values[RNG.random(values.shape) < 0.05] = np.inf
        check(values, RNG.random(values.shape) < 0.7)
        check(values[:, ::-1][:, ::-1], np.zeros(values.shape, bool))


FEW = st.sampled_from([0.0, 1.0, -1.0, np.inf, np.nan, -3.0])


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 40).flatmap(lambda m: arrays(np.float32, (m, LANES), elements=FEW)))
def test_few_different_numbers(values: np.ndarray) -> None:
    check(values, None)
    check(values, values != 1)


def test_parts_of_rows() -> None:
    values = RNG.normal(size=(30, 200)).astype(np.float32)
    check(values[5:25, 7:90], None)
    check(values[::2, 100:], values[::2, 100:] > 0)
