"""Whether programs are compiled."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from lattice.config import Options
from lattice.errors import LatticeError
from lattice.execute import jit, native
from lattice.execute.fusion import fusion
from lattice.execute.run import compute
from lattice.execute.sinks import BlockSink, StateSink
from lattice.graph.node import Literal, Node
from lattice.graph.types import FLOAT
from lattice.plan.program import lower
from tests.graphs import SHAPE, function, image
from tests.work import PATIENCE

OPTIONS = Options(scheduler="synchronous")
SINKS = [StateSink((("sum", ()),))]


def branching() -> Node:
    rng = np.random.default_rng(1)
    a = image(rng.normal(size=SHAPE).astype(np.float32), rng.random(SHAPE) > 0.2, name="a")
    b = image(rng.normal(size=SHAPE).astype(np.float32), name="b")
    condition = function("&&", function(">", a, Literal.of(0, FLOAT)), function("<", b, Literal.of(1, FLOAT)))
    return function("iif", condition, function("sqrt", function("abs", a)), function("/", a, b))


def test_compiled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("llvmlite")
    monkeypatch.setattr(native, "_made", {})
    plain = compute(branching(), OPTIONS.replace(jit=False))
    assert not native._made
    for _ in range(2):
        compiled = compute(branching(), OPTIONS.replace(jit=True))
        assert len(native._made) == 1
        np.testing.assert_array_equal(compiled.mask, plain.mask)
        assert plain.mask is not None
        np.testing.assert_array_equal(compiled.values[plain.mask], plain.values[plain.mask])


def test_loops_that_are_not_used_any_more_are_dropped_when_there_are_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("llvmlite")
    monkeypatch.setattr(native, "_made", {})
    monkeypatch.setattr(native, "_MOST", 2)
    for name in ("sqrt", "abs", "floor"):
        compute(function(name, branching()), OPTIONS.replace(jit=True))
    assert len(native._made) == 2


@pytest.mark.parametrize(
    ("made", "loaded", "least"), [(True, True, 18), (False, True, 24), (False, False, 25)]
)
def test_compiled_where_it_pays(
    monkeypatch: pytest.MonkeyPatch, made: bool, loaded: bool, least: int
) -> None:
    monkeypatch.setattr(jit, "has_compiler", lambda: True)
    monkeypatch.setattr(jit, "is_made", lambda _text: made)
    monkeypatch.setattr(jit, "is_loaded", lambda: loaded)
    for pixels, expected in ((1 << least, True), ((1 << least) - 1, False)):
        monkeypatch.setattr("lattice.execute.jit.math.prod", lambda _shape, n=pixels: n)
        program = lower([branching()], SHAPE)
        assert (jit.wanted(program, SINKS, OPTIONS) is not None) == expected
        assert jit.wanted(program, SINKS, OPTIONS.replace(jit=False)) is None
        assert jit.wanted(program, SINKS, OPTIONS.replace(jit=True)) is not None


def test_complex_numbers_are_left_to_numpy() -> None:
    x = function("complex", branching(), branching())
    assert fusion(lower([x], SHAPE), [BlockSink(x.attrs.dtype, True)]) is None


def test_steps_that_numpy_vectorises_are_left_to_it() -> None:
    x = function("+", function("sin", function("*", branching(), branching())), branching())
    found = fusion(lower([x], SHAPE), SINKS)
    assert found is not None
    assert [[s.kernel for s in stage.slow] for stage in found.stages] == [[np.sin], []]


def test_what_is_not_made_is_compiled_ahead_by_a_thread_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("llvmlite")
    monkeypatch.setattr(native, "_made", {})
    threads = []
    begun = threading.Event()

    def seen(text: str) -> object:
        threads.append(threading.current_thread())
        begun.set()
        return native.loop(text)

    monkeypatch.setattr(jit, "loop", seen)
    found = fusion(lower([branching()], SHAPE), SINKS)
    assert found is not None
    jit.ahead(found)
    assert begun.wait(PATIENCE)
    assert native.loop(found.texts[0]) is native._made[found.texts[0]]  # whoever needs it waits
    threads[0].join(PATIENCE)
    assert [t.name for t in threads] == ["lattice-compiler"]
    jit.ahead(found)
    assert len(threads) == 1, "it is made already"


def test_an_error_of_the_compiler_is_met_by_who_runs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("llvmlite")

    def fails(*_a: object, **_k: object) -> object:
        raise OSError("no memory for code")

    monkeypatch.setattr(native, "_made", {})
    monkeypatch.setattr(native, "compiled", fails)
    monkeypatch.setattr("lattice.execute.measure.COLLECT_ALL", 10)
    with pytest.raises(OSError, match="no memory for code"):
        compute(function("median", branching()), OPTIONS.replace(jit=True))


def test_jit_without_compiler_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jit, "has_compiler", lambda: False)
    program = lower([branching()], SHAPE)
    assert jit.wanted(program, SINKS, OPTIONS) is None
    with pytest.raises(LatticeError, match="llvmlite") as caught:
        jit.wanted(program, SINKS, OPTIONS.replace(jit=True))
    assert "pip install 'lattice-images[jit]'" in str(caught.value)
