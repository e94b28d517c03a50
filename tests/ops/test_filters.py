"""Ways to convolve: all give the same."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import ndimage

from lattice.graph.records import FrozenArray
from lattice.ops import filters
from lattice.ops.filters import Span, convolved, way_of
from lattice.ops.smooth import gaussian_kernel

RNG = np.random.default_rng(5)


def spans(shape: tuple[int, ...], sizes: tuple[int, ...], mirror: bool) -> list[Span]:
    whole = (slice(0, n, 1) for n in shape)
    return [Span(s, s, s.stop, k, k // 2, mirror) for s, k in zip(whole, sizes, strict=True)]


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("way", ["terms", "weights", "transforms"])
@pytest.mark.parametrize("mirror", [False, True])
@pytest.mark.parametrize("size", [(5, 4), (1, 7), (9, 1), (70, 66)])
def test_every_way_gives_the_same(
    size: tuple[int, int], mirror: bool, way: str, compiled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if compiled:
        pytest.importorskip("llvmlite")
    values, kernel = RNG.normal(size=(2, 60, 67)), RNG.normal(size=size)
    monkeypatch.setattr(filters, "way_of", lambda *_: way)
    out = np.empty_like(values)
    convolved(values, FrozenArray(kernel), (1, 2), spans((60, 67), size, mirror), out, compiled)
    mode: Any = "mirror" if mirror else "constant"
    want = np.stack([ndimage.convolve(v, kernel, mode=mode) for v in values])
    np.testing.assert_allclose(out, want, atol=2e-6 * np.abs(kernel).sum())


def test_gaussians_along_the_axes_are_one_product_and_turned_ones_few() -> None:
    for beam, most in (((6.0, 4.0, 0.0), 1), ((5.0, 5.0, 33.0), 1), ((6.0, 4.0, 30.0), 12)):
        kernel = gaussian_kernel(beam, np.eye(2))
        terms = filters._terms(FrozenArray(kernel))
        assert terms is not None
        assert len(terms) <= most
        total = sum((np.multiply.outer(*term) for term in terms), np.zeros(()))
        assert np.abs(total - kernel).sum() <= 1e-7 * kernel.sum()
    product = np.multiply.outer(np.multiply.outer([1.0, 2], [3.0, 0, 1]), [2.0, 1])
    assert filters._terms(FrozenArray(product)) is not None
    assert filters._terms(FrozenArray(RNG.normal(size=(3, 3, 3)))) is None
    zero = filters._terms(FrozenArray(np.zeros((3, 4))))
    assert zero is not None
    assert not any(weights.any() for weights in zero[0])


def test_the_cheapest_way_is_taken() -> None:
    lengths = (1024, 1024)
    round_one = FrozenArray(gaussian_kernel((5.0, 5.0, 0.0), np.eye(2)))
    turned = FrozenArray(gaussian_kernel((12.0, 7.0, 30.0), np.eye(2)))
    assert way_of(round_one, lengths, True) == "terms"
    assert way_of(turned, lengths, True) == "transforms"
    assert way_of(FrozenArray(RNG.normal(size=(3, 3))), lengths, True) == "weights"
    assert way_of(FrozenArray(np.ones(5000)), (8000,), False) == "transforms"
    assert way_of(FrozenArray(RNG.normal(size=(2, 2, 2))), (9, 9, 9), True) == "transforms"


@pytest.mark.parametrize("shape", [(5, 40, 3), (3, 30, 300)])
@pytest.mark.parametrize("dtype", ["f4", "c8"])
def test_sections_with_steps_and_parts_along_one_axis(shape: tuple[int, ...], dtype: str) -> None:
    values = (RNG.normal(size=shape) + (1j if dtype == "c8" else 0)).astype(dtype)
    kernel = RNG.normal(size=7)
    n = shape[1]
    for mirror in (False, True):
        whole = np.empty_like(values)
        every = Span(slice(0, n, 1), slice(0, n, 1), n, 7, 3, mirror)
        convolved(values, FrozenArray(kernel), (1,), [every], whole, False)
        for here in (slice(0, n, 3), slice(11, 14, 1), slice(n - 4, n, 2)):
            low, high = max(0, here.start - 9), min(n, here.stop + 9)
            part = Span(here, slice(low, high, 1), n, 7, 3, mirror)
            out = np.empty((shape[0], part.count, shape[2]), dtype)
            own = np.ascontiguousarray(values[:, low:high])
            convolved(own, FrozenArray(kernel), (1,), [part], out, True)
            np.testing.assert_array_equal(out, whole[:, here])
