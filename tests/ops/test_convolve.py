"""Convolution."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage, signal

from lattice.config import get_options, set_options
from lattice.errors import LatticeError
from lattice.execute.run import compute
from lattice.graph.sections import shape_of
from lattice.ops.convolve import Convolve, convolve
from tests.ops.conftest import Bench, FakeInput

RNG = np.random.default_rng(11)


def plain(values: np.ndarray, kernel: np.ndarray, axes: tuple[int, ...], edge: str) -> np.ndarray:
    """Return the convolution by its definition, with scipy's loops in double precision."""
    shape = [1] * values.ndim
    for a, n in zip(axes, kernel.shape, strict=True):
        shape[a] = n
    mode: Any = {"zero": "constant", "mirror": "mirror"}[edge]
    full = kernel.reshape(shape).astype(float)
    if np.iscomplexobj(values):
        parts = [ndimage.convolve(p.astype(float), full, mode=mode) for p in (values.real, values.imag)]
        return parts[0] + 1j * parts[1]
    return np.asarray(ndimage.convolve(values.astype(float), full, mode=mode))


@pytest.mark.parametrize("edge", ["zero", "mirror"])
@pytest.mark.parametrize(
    ("axes", "size"),
    [
        ((2,), (3,)),
        ((0,), (2,)),
        ((1, 2), (5, 4)),
        ((1, 2), (3, 3)),
        ((0, 2), (4, 7)),
        ((0, 1, 2), (3, 2, 5)),
        ((2,), (21,)),
    ],
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64])
def test_equals_the_definition(axes: tuple[int, ...], size: tuple[int, ...], edge: str, dtype: Any) -> None:
    values = (RNG.normal(size=(6, 11, 13)) + (1j if np.dtype(dtype).kind == "c" else 0)).astype(dtype)
    kernel = RNG.normal(size=size)
    node = convolve(Bench.source(values), kernel, axes, edge=edge)
    want = plain(values, kernel, axes, edge)
    for blocks in (None, (2, 3, 4), (1, 11, 5)):
        found, good = Bench.evaluate(node, [FakeInput(values, None)], blocks)
        assert found.dtype == dtype
        assert good.all()
        tolerance = 1e-12 if dtype == np.float64 else 3e-5
        np.testing.assert_allclose(found, want, atol=tolerance, rtol=tolerance)


def test_the_centre_is_where_scipy_has_it() -> None:
    values = RNG.normal(size=(20, 21))
    for size in ((3, 3), (5, 7)):
        kernel = RNG.normal(size=size)
        found = compute(convolve(Bench.source(values), kernel, (0, 1))).values
        np.testing.assert_allclose(found, signal.fftconvolve(values, kernel, mode="same"), atol=1e-12)


def test_an_even_kernel_reaches_further_back() -> None:
    values = np.zeros(7)
    values[3] = 1
    found = compute(convolve(Bench.source(values), [1.0, 2.0], (0,))).values
    np.testing.assert_array_equal(found, [0, 0, 1, 2, 0, 0, 0])


def test_bad_pixels_count_as_zero_and_stay_bad() -> None:
    values = np.array([1, np.nan, 2, np.inf, 4], np.float32)
    mask = np.array([True, False, True, False, True])
    node = convolve(Bench.source(values, mask), [1, 1, 1], (0,))
    found, good = Bench.evaluate(node, [FakeInput(values, mask)])
    np.testing.assert_array_equal(found, [1, 3, 2, 6, 4])
    np.testing.assert_array_equal(good, mask)


def test_or_are_left_out() -> None:
    values = np.array([1, np.nan, 3, np.nan, np.nan, np.nan, 5], np.float32)
    mask = np.isfinite(values)
    node = convolve(Bench.source(values, mask), [1, 2, 1], (0,), bad="leave")
    found, good = Bench.evaluate(node, [FakeInput(values, mask)])
    np.testing.assert_array_equal(good, [True, True, True, True, False, True, True])
    np.testing.assert_allclose(found[good], [4, 8, 12, 12, 20, 20])


def test_one_kernel_per_plane() -> None:
    values = RNG.normal(size=(3, 8, 9))
    kernels = [RNG.normal(size=(3, k)) for k in (3, 5, 4)]
    node = convolve(Bench.source(values), kernels, (1, 2))
    want = np.stack([plain(v, k, (0, 1), "zero") for v, k in zip(values, kernels, strict=True)])
    for blocks in (None, (1, 3, 4), (2, 8, 9)):
        np.testing.assert_allclose(
            Bench.evaluate(node, [FakeInput(values, None)], blocks)[0], want, atol=1e-12
        )
    weights = [np.full((1, 3), w) for w in (1.0, 2.0, 4.0)]
    left = convolve(Bench.source(np.ones((3, 2, 5))), weights, (1, 2), bad="leave")
    found, _ = Bench.evaluate(left, [FakeInput(np.ones((3, 2, 5)), None)], (1, 2, 2))
    np.testing.assert_allclose(found[:, 0, 0], [3, 6, 12])


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_sections_and_blocks_make_no_difference(data: Any) -> None:
    shape = tuple(data.draw(st.lists(st.integers(1, 9), min_size=1, max_size=3)))
    axes = tuple(sorted(data.draw(st.sets(st.integers(0, len(shape) - 1), min_size=1))))
    size = tuple(data.draw(st.integers(1, 6)) for _ in axes)
    edge, bad = data.draw(st.sampled_from(["zero", "mirror"])), data.draw(st.sampled_from(["zero", "leave"]))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    values, kernel = rng.normal(size=shape), rng.random(size) + 0.1
    mask = rng.random(shape) > data.draw(st.sampled_from([0.0, 0.4, 1.0]))
    node = convolve(Bench.source(values, mask), kernel, axes, edge=edge, bad=bad)
    whole, good = Bench.evaluate(node, [FakeInput(values, mask)])
    section = tuple(
        slice(
            a := data.draw(st.integers(0, n - 1)),
            data.draw(st.integers(a + 1, n)),
            data.draw(st.integers(1, 3)),
        )
        for n in shape
    )
    asked = FakeInput(values, mask)
    found, filled = Bench.evaluate(node, [asked], section=section)
    np.testing.assert_array_equal(filled, good[section])
    np.testing.assert_allclose(found[filled], whole[section][filled], atol=1e-9)
    assert isinstance(node, Convolve)
    assert asked.asked == list(node.needs(section))
    blocks = tuple(data.draw(st.integers(1, n)) for n in shape)
    found, filled = Bench.evaluate(node, [FakeInput(values, mask)], blocks)
    np.testing.assert_array_equal(filled, good)
    np.testing.assert_allclose(found[filled], whole[filled], atol=1e-9)


def test_needs_the_pixels_around() -> None:
    node = convolve(Bench.source(np.zeros((50, 50))), np.ones((5, 4)), (0, 1))
    assert isinstance(node, Convolve)
    section = (slice(10, 12, 1), slice(0, 3, 1))
    assert node.needs(section) == ((slice(8, 14, 1), slice(0, 5, 1)),)
    assert shape_of(node.needs((slice(4, 4, 1), slice(0, 3, 1)))[0])[0] == 0


@pytest.mark.parametrize(
    ("kernel", "axes", "options", "message"),
    [
        (np.ones(3), (0, 1), {}, "does not fit 2 axes"),
        (np.ones((0, 2)), (0, 1), {}, "does not fit 2 axes"),
        (np.full((3, 3), np.nan), (0, 1), {}, "finite"),
        (np.ones((3, 3)) * 1j, (0, 1), {}, "real weights"),
        (np.ones((3, 3)), (1, 0), {}, "not different axes"),
        (np.ones((3, 3)), (0, 2), {}, "not different axes"),
        ([np.ones(3)] * 2, (1,), {}, "2 kernels for 4 planes"),
        (np.ones(3), (0,), {"edge": "wrap"}, "edge is zero or mirror"),
    ],
)
def test_refuses(kernel: Any, axes: tuple[int, ...], options: dict[str, str], message: str) -> None:
    with pytest.raises(LatticeError, match=message):
        convolve(Bench.source(np.zeros((4, 5))), kernel, axes, **options)
    with pytest.raises(LatticeError, match="only lattices of numbers"):
        convolve(Bench.source(np.zeros((4, 5), bool)), np.ones(3), (0,))


@pytest.mark.parametrize("jit", [False, "auto"])
def test_options_of_the_caller_hold_in_threads(jit: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []

    def pays(_n: int) -> bool:
        seen.append((threading.current_thread() is threading.main_thread(), get_options().jit))
        return False

    monkeypatch.setattr("lattice.ops.convolve.pays", pays)
    node = convolve(Bench.source(np.zeros((64, 300, 300), np.float32)), np.ones(3), (0,))
    with set_options(jit=jit, workers=2, scheduler="threads", block=300 * 300):
        compute(node)
    assert {(False, jit)} <= set(seen) <= {(False, jit), (True, jit)}
