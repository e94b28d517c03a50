"""Compiled programs."""

from __future__ import annotations

import numpy as np
import pytest

from lattice.config import Options
from lattice.errors import LatticeError
from lattice.execute import jit
from lattice.execute.run import compute
from lattice.graph.node import Literal, Node
from lattice.graph.types import FLOAT
from lattice.plan.program import lower
from tests.graphs import SHAPE, function, image

OPTIONS = Options(scheduler="synchronous")


def branching() -> Node:
    rng = np.random.default_rng(1)
    a = image(rng.normal(size=SHAPE).astype(np.float32), rng.random(SHAPE) > 0.2, name="a")
    b = image(rng.normal(size=SHAPE).astype(np.float32), name="b")
    condition = function("&&", function(">", a, Literal.of(0, FLOAT)), function("<", b, Literal.of(1, FLOAT)))
    return function("iif", condition, function("sqrt", function("abs", a)), function("/", a, b))


def test_the_same_bits_with_and_without(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("numba")
    plain = compute(branching(), OPTIONS.replace(jit=False))
    monkeypatch.setattr(jit, "_known", {})
    compiled = compute(branching(), OPTIONS.replace(jit=True))
    assert len(jit._known) == 1
    np.testing.assert_array_equal(compiled.mask, plain.mask)
    assert plain.mask is not None
    np.testing.assert_array_equal(compiled.values[plain.mask], plain.values[plain.mask])


@pytest.mark.parametrize("name", ["floor", "ceil", "sqrt", "abs", "-", "isnan"])
def test_values_beyond_all_integers_are_the_same_too(name: str) -> None:
    pytest.importorskip("numba")
    values = np.array([np.inf, -np.inf, np.nan, 1e30, -1e30, 2.5, -2.5, -0.0], np.float32)
    x = function(name, image(values.reshape(2, 2, 2)))
    plain = compute(x, OPTIONS.replace(jit=False)).values
    np.testing.assert_array_equal(compute(x, OPTIONS.replace(jit=True)).values, plain)


def test_small_work_is_not_compiled_and_large_work_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jit, "_has_numba", lambda: True)
    monkeypatch.setattr(jit, "_known", {})
    program = lower([branching()], SHAPE)
    assert not jit.wanted(program, OPTIONS)
    monkeypatch.setattr(jit, "_COMPILE_SECONDS", 0.0)
    assert jit.wanted(program, OPTIONS)


def test_functions_that_numpy_vectorises_are_left_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jit, "_has_numba", lambda: True)
    monkeypatch.setattr(jit, "_COMPILE_SECONDS", 0.0)
    assert not jit.wanted(lower([function("+", function("sin", branching()), branching())], SHAPE), OPTIONS)


def test_programs_with_a_kernel_of_their_own_are_not_compiled() -> None:
    program = lower([function("round", branching())], SHAPE)
    assert jit.source(program) is None


def test_jit_without_numba_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jit, "_has_numba", lambda: False)
    program = lower([branching()], SHAPE)
    assert not jit.wanted(program, OPTIONS)
    with pytest.raises(LatticeError, match="numba") as caught:
        jit.wanted(program, OPTIONS.replace(jit=True))
    assert "pip install 'lattice-images[jit]'" in str(caught.value)
