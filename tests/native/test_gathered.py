"""Gathered pixels: what they are, and that compiled loops give the same bits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lattice.native.gathered import gathered


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_sums_are_those_of_the_definition(data: Any) -> None:
    n = data.draw(st.sampled_from([0, 1, 15, 16, 17, 33, 40]))
    high, wide = data.draw(st.integers(1, 6)), data.draw(st.integers(1, 6))
    dtype = data.draw(st.sampled_from(["f4", "f8"]))
    rng = np.random.default_rng(data.draw(st.integers(0, 999)))
    planes = data.draw(st.integers(1, 3))
    source = rng.normal(size=(planes, 99)).astype(dtype)
    index = rng.integers(0, 99 - (high - 1) * 11 - wide, n, endpoint=True).astype(np.int32)
    rows = rng.normal(size=(high, n + 2)).astype(dtype)[:, :n] if high > 1 else np.ones((1, n), dtype)
    columns = rng.normal(size=(wide, n)).astype(dtype) if wide > 1 else np.ones((1, n), dtype)
    found = []
    for compiled in (False, True):
        if compiled:
            pytest.importorskip("llvmlite")
        out = np.full((planes, n + 1), 77, dtype)
        gathered(out[:, :n], source, index, 11, rows, columns, compiled)
        assert (out[:, n] == 77).all()
        found.append(out[:, :n].copy())
    wide_source, want = source.astype(float), np.zeros((planes, n))
    for j in range(high):
        for k in range(wide):
            want += rows[j] * columns[k] * wide_source[:, index + j * 11 + k]
    np.testing.assert_allclose(found[0], want, atol=1e-4 if dtype == "f4" else 1e-12)
    np.testing.assert_array_equal(found[1], found[0])


@pytest.mark.parametrize("dtype", [bool, "c8", "c16", "f4"])
def test_pixels_of_any_type_are_copied(dtype: Any) -> None:
    source = np.arange(40).astype(dtype).reshape(1, 40)
    index = np.arange(39, -1, -2).astype(np.int32)
    one = np.ones((1, 20), np.float32)
    out = np.empty((1, 20), dtype)
    gathered(out, source, index, 1, one, one, False)
    np.testing.assert_array_equal(out, source[:, index])


@pytest.mark.parametrize("index", [-1, 99])
def test_no_sum_reaches_beyond_the_pixels(index: int) -> None:
    one = np.ones((2, 1))
    with pytest.raises(AssertionError, match="beyond the pixels"):
        gathered(np.empty((1, 1)), np.zeros((1, 100)), np.array([index], np.int32), 1, one[:1], one, False)
