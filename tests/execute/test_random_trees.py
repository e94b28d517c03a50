"""Random graphs: the engine against numpy on the same tree, and against itself in every way of running."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from lattice.config import Options
from lattice.execute.run import Evaluated, compute
from lattice.graph.build import cut
from lattice.graph.node import Node
from tests.graphs import DIMS, SHAPE, function, image, trees
from tests.reference import evaluate

SETTINGS = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
PLAIN = Options(scheduler="synchronous", jit=False)


def same(a: Evaluated, values: np.ndarray, mask: np.ndarray, exact: bool = False) -> None:
    """Check values at good pixels, and the masks."""
    mask = np.broadcast_to(mask, np.shape(values))
    good = np.ones(mask.shape, bool) if a.mask is None else a.mask
    np.testing.assert_array_equal(good, mask)
    if exact:
        np.testing.assert_array_equal(a.values[good], values[good])
    else:
        with np.errstate(all="ignore"):
            np.testing.assert_allclose(a.values[good], values[good], rtol=2e-5, atol=2e-5)


@SETTINGS
@given(trees())
def test_equals_numpy_on_the_same_tree(tree: Node) -> None:
    values, mask = evaluate(tree)
    assume(_tame(values[mask]))
    same(compute(tree, PLAIN), values, mask)


def _tame(values: np.ndarray) -> bool:
    """Huge values lose their digits in differences; comparisons of two roundings then say nothing."""
    with np.errstate(all="ignore"):
        finite = np.abs(values[np.isfinite(values)]) if values.dtype != bool else np.zeros(0)
    return bool(finite.size == 0 or finite.max() < 1e3)


@SETTINGS
@given(
    trees(),
    st.integers(1, 40),
    st.integers(1, 120),
    st.integers(1, 3),
    st.sampled_from(["threads", "synchronous"]),
)
def test_same_for_any_cutting_and_threads(
    tree: Node, strip: int, block: int, workers: int, scheduler: str
) -> None:
    whole = compute(tree, PLAIN)
    other = compute(tree, PLAIN.replace(strip=strip, block=block, workers=workers, scheduler=scheduler))
    good = np.ones(SHAPE, bool) if whole.mask is None else whole.mask
    np.testing.assert_array_equal(np.ones(SHAPE, bool) if other.mask is None else other.mask, good)
    np.testing.assert_allclose(other.values[good], whole.values[good], rtol=1e-5, atol=1e-5)


@SETTINGS
@given(trees(), st.integers(1, 4))
def test_same_bits_for_any_number_of_threads(tree: Node, workers: int) -> None:
    options = Options(strip=16, block=32, jit=False, scheduler="threads")
    one, many = compute(tree, options.replace(workers=1)), compute(tree, options.replace(workers=workers))
    np.testing.assert_array_equal(one.values, many.values)
    assert (one.mask is None) == (many.mask is None)


@SETTINGS
@given(trees())
def test_same_when_compiled(tree: Node) -> None:
    pytest.importorskip("llvmlite")
    plain, compiled = compute(tree, PLAIN), compute(tree, PLAIN.replace(jit=True))
    mask = np.ones(SHAPE, bool) if compiled.mask is None else compiled.mask
    same(plain, compiled.values, mask, exact=True)


REDUCTIONS = ["sum", "mean", "median", "min", "max", "stddev", "nelements", "avdev"]


@SETTINGS
@given(trees(), st.sampled_from(REDUCTIONS), st.integers(1, 120), st.integers(1, 3))
def test_reductions_have_the_same_bits_when_compiled(tree: Node, name: str, block: int, workers: int) -> None:
    pytest.importorskip("llvmlite")
    assume(tree.attrs.dtype != bool)
    options = PLAIN.replace(block=block, scheduler="threads")
    plain = compute(function(name, tree), options).values
    for strip in (5, 1000):
        again = compute(function(name, tree), options.replace(strip=strip)).values
        compiled = compute(function(name, tree), options.replace(jit=True, strip=strip, workers=workers))
        np.testing.assert_array_equal(again, plain)
        np.testing.assert_array_equal(compiled.values, plain)


def _slices(n: int) -> st.SearchStrategy[slice | int]:
    return st.slices(n).filter(lambda s: len(range(*s.indices(n))) > 0) | st.integers(-n, n - 1)


@SETTINGS
@given(trees(), st.tuples(*(_slices(n) for n in SHAPE)))
def test_a_cut_of_a_tree_is_the_cut_of_its_result(tree: Node, key: tuple[slice | int, ...]) -> None:
    whole = compute(tree, PLAIN)
    part = compute(cut(tree, key), PLAIN)
    mask = np.ones(SHAPE, bool) if whole.mask is None else whole.mask
    if part.values is None:
        assert not mask[key]
    elif np.ndim(part.values) == 0:
        np.testing.assert_array_equal(part.values, whole.values[key])
    else:
        same(part, whole.values[key], mask[key], exact=True)


@SETTINGS
@given(trees(), st.sampled_from(REDUCTIONS))
def test_reductions_equal_numpy(tree: Node, name: str) -> None:
    values, mask = evaluate(tree)
    assume(values.dtype != bool and _tame(values[mask]))
    got = compute(function(name, tree), PLAIN.replace(block=40, strip=16)).values
    expected, defined = evaluate(function(name, tree))
    assert (got is not None) == bool(defined)
    if defined:
        np.testing.assert_allclose(got, expected, rtol=3e-5, atol=3e-4)


def test_planes_extend_over_cubes() -> None:
    rng = np.random.default_rng(3)
    cube, plane = rng.normal(size=SHAPE), rng.normal(size=SHAPE[1:])
    tree = function("*", image(plane, dims=DIMS[1:], name="p"), image(cube, rng.random(SHAPE) > 0.3))
    for block in (1, 11, 1000):
        got = compute(tree, PLAIN.replace(block=block, strip=5))
        values, mask = evaluate(tree)
        same(got, values, mask, exact=True)
