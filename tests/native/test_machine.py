"""Machine code: made once, and only where it is wanted."""

from __future__ import annotations

import sys
import types

import numpy as np
import pytest

import lattice
from lattice.native import machine
from lattice.native.code import Code


def _doubles(times: int) -> tuple[str, int]:
    c = Code(["i64 n", "ptr out"])
    with c.loop("%n", sum=("double", "0.0")) as turn:
        value = c.put(f"fadd double {turn.now['sum']}, {float(times)}")
        turn.then["sum"] = value
        c.store("double", value, c.at("%out", turn.index, 8), 8)
    c.store("double", turn.now["sum"], c.at("%out", "%n", 8), 8)
    return c.text()


def test_loops_carry_values() -> None:
    pytest.importorskip("llvmlite")
    run = machine.function(_doubles, 3)
    assert machine.function(_doubles, 3) is run
    out = np.zeros(5)
    run(4, out.ctypes.data)
    assert out.tolist() == [3, 6, 9, 12, 12]
    run(0, out.ctypes.data)
    assert out[0] == 0


def test_loops_may_lie_in_loops() -> None:
    pytest.importorskip("llvmlite")

    def write() -> tuple[str, int]:
        c = Code(["i64 n", "ptr out"])
        with c.loop("%n") as row, c.loop(row.index, 2, total=("i64", "0")) as column:
            column.then["total"] = c.put(f"add i64 {column.now['total']}, {c.least(column.index, '3')}")
            c.store("i64", column.then["total"], c.at("%out", row.index, 8), 8)
        return c.text()

    out = np.zeros(7, np.int64)
    machine.function(write)(7, out.ctypes.data)
    want = [sum(min(k, 3) for k in range(0, row, 2)) for row in range(7)]
    assert out.tolist() == want


def test_options_decide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "has_compiler", lambda: True)
    monkeypatch.setattr(machine, "is_loaded", lambda: False)
    with lattice.set_options(jit="auto"):
        assert machine.pays(1 << 22)
        assert not machine.pays(1 << 16)
        monkeypatch.setattr(machine, "is_loaded", lambda: True)
        assert machine.pays(1 << 16)
        assert not machine.pays(100)
    with lattice.set_options(jit=True):
        assert machine.pays(1)
    with lattice.set_options(jit=False):
        assert not machine.pays(1 << 30)
    monkeypatch.setattr(machine, "has_compiler", lambda: False)
    with lattice.set_options(jit="auto"):
        assert not machine.pays(1 << 30)


@pytest.mark.parametrize(
    ("found", "expected"), [("0.44.0", False), ("0.45.0rc1", True), ("0.50.1", True), ("1.0", True)]
)
def test_compilers_that_are_too_old_are_not_used(
    monkeypatch: pytest.MonkeyPatch, found: str, expected: bool
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: object())
    module = types.ModuleType("llvmlite")
    module.__version__ = found  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "llvmlite", module)
    assert machine.has_compiler.__wrapped__() == expected
