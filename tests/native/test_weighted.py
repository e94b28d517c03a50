"""Weighted sums: what they are, and that compiled loops give the same bits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lattice.native.weighted import weighted


def by_the_book(
    source: np.ndarray,
    first: int,
    step: int,
    offsets: np.ndarray,
    weights: np.ndarray,
    shape: tuple[int, int],
) -> np.ndarray:
    flat = source.reshape(-1).astype(float)
    rows, n = shape
    return np.array(
        [
            [
                sum(w * flat[first + r * step + o + i] for o, w in zip(offsets, weights, strict=True))
                for i in range(n)
            ]
            for r in range(rows)
        ]
    ).reshape(shape)


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_sums_are_those_of_the_definition(data: Any) -> None:
    rows, n = data.draw(st.integers(0, 5)), data.draw(st.sampled_from([1, 5, 15, 16, 17, 63, 64, 70, 130]))
    step = data.draw(st.sampled_from([-n - 3, 0, 1, n, n + 7]))
    count = data.draw(st.integers(1, 6))
    rng = np.random.default_rng(data.draw(st.integers(0, 999)))
    offsets = rng.integers(0, 50, count)
    first = max(0, -step * (rows - 1)) + data.draw(st.integers(0, 3))
    dtype = data.draw(st.sampled_from(["f4", "f8"]))
    source = rng.normal(size=first + abs(step) * rows + 50 + n).astype(dtype)
    weights = rng.normal(size=count).astype(dtype)
    found = []
    for compiled in (False, True):
        if compiled:
            pytest.importorskip("llvmlite")
        out = np.full((rows, n + 2), 77, dtype)
        weighted(out[:, :n], source, first, step, offsets, weights, compiled)
        assert (out[:, n:] == 77).all()
        found.append(out[:, :n].copy())
    want = by_the_book(source, first, step, offsets, weights, (rows, n))
    np.testing.assert_allclose(found[0], want, atol=1e-5 if dtype == "f4" else 1e-13)
    np.testing.assert_array_equal(found[1], found[0])


def test_many_rows_are_done_in_pieces() -> None:
    source = np.arange(3 * 40000, dtype=np.float64)
    out = np.empty((40000, 1))
    weighted(out, source, 0, 3, np.array([0, 2]), np.array([1.0, 10.0]), False)
    np.testing.assert_array_equal(out[:, 0], 11.0 * source[::3] + 20)


@pytest.mark.parametrize(("first", "offsets"), [(0, [-1]), (0, [0, 91]), (95, [0])])
def test_no_sum_reaches_beyond_the_pixels(first: int, offsets: list[int]) -> None:
    with pytest.raises(AssertionError, match="beyond the pixels"):
        weighted(np.empty((1, 10)), np.zeros(100), first, 10, np.array(offsets), np.ones(len(offsets)), False)
