"""Checks that every operation passes: sections and blocks make no difference, and read what they say."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from lattice.graph.sections import n_pixels
from tests.ops.conftest import Bench, FakeInput

Planes = tuple[np.ndarray, "np.ndarray | None"]


def masks(shape: tuple[int, ...], rng: np.random.Generator) -> st.SearchStrategy[np.ndarray]:
    """Return masks of all kinds: good, bad everywhere, here and there, and bad in whole blocks."""
    block = np.ones(shape, bool)
    block[tuple(slice(0, max(1, n // 2)) for n in shape)] = False
    return st.sampled_from(
        [np.ones(shape, bool), np.zeros(shape, bool), rng.random(shape) > 0.3, rng.random(shape) > 0.7, block]
    )


def check_sections(node: Any, inputs: list[Planes], data: Any, atol: float = 1e-9) -> None:
    """Compare a section with steps, and blocks, with the whole; see that no more is read than was said."""
    shape = node.attrs.shape
    whole, good = Bench.evaluate(node, [FakeInput(v, m) for v, m in inputs])
    section = tuple(
        slice(
            a := data.draw(st.integers(0, n - 1)),
            data.draw(st.integers(a + 1, n)),
            data.draw(st.integers(1, 3)),
        )
        for n in shape
    )
    asked = [FakeInput(v, m) for v, m in inputs]
    found, filled = Bench.evaluate(node, asked, section=section)
    np.testing.assert_array_equal(filled, good[section])
    np.testing.assert_allclose(found[filled], whole[section][filled], atol=atol, rtol=1e-9)
    for one, needed in zip(asked, node.needs(section), strict=True):
        for read in one.asked:
            assert n_pixels(read) == 0 or needed is not None
            for r, n in zip(read, needed or (), strict=True):
                assert n_pixels(read) == 0 or (n.start <= r.start and r.stop <= n.stop)
    blocks = tuple(data.draw(st.integers(1, n)) for n in shape)
    found, filled = Bench.evaluate(node, [FakeInput(v, m) for v, m in inputs], blocks)
    np.testing.assert_array_equal(filled, good)
    np.testing.assert_allclose(found[filled], whole[filled], atol=atol, rtol=1e-9)
