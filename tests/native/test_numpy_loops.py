"""Loops inside of numpy, called by their addresses: the bits of numpy's own calls, or no address at all."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lattice.functions.arithmetic import position_angle
from lattice.native import numpy_loops
from lattice.native.numpy_loops import NumpyLoop, numpy_loop

ONE = (
    "sin",
    "cos",
    "tan",
    "arcsin",
    "arccos",
    "arctan",
    "sinh",
    "cosh",
    "tanh",
    "exp",
    "log",
    "log10",
    "sign",
)
TWO = ("arctan2", "fmod", "power")
TYPES = ("float32", "float64")


def called(found: NumpyLoop, inputs: list[np.ndarray], out: np.ndarray) -> None:
    """Call a loop on arrays, and on single values that stay the same."""
    arrays = [*inputs, out]
    addresses = np.array([a.ctypes.data for a in arrays], np.uint64)
    strides = np.array([0 if a.size == 1 else a.itemsize for a in arrays], np.int64)
    n = np.array([out.size], np.int64)
    run = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 4)(found.address)
    run(addresses.ctypes.data, n.ctypes.data, strides.ctypes.data, found.data)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("name", [*ONE, *TWO])
def test_every_function_has_its_loops(name: str, dtype: str) -> None:
    ufunc = getattr(np, name)
    assert numpy_loop(ufunc, (dtype,) * ufunc.nargs) is not None


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("name", [*ONE, *TWO])
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_loops_have_the_bits_of_calls(name: str, dtype: str, data: st.DataObject) -> None:
    ufunc = getattr(np, name)
    n = data.draw(st.integers(2, 70))
    numbers = st.floats(width=32 if dtype == "float32" else 64)
    inputs = [data.draw(hnp.arrays(dtype, n, elements=numbers, fill=st.nothing())) for _ in range(ufunc.nin)]
    still = data.draw(st.sampled_from([None, *range(ufunc.nin)])) if ufunc.nin > 1 else None
    if still is not None:
        inputs[still] = inputs[still][:1]
    found = numpy_loop(ufunc, (dtype,) * ufunc.nargs)
    assert found is not None
    out = np.empty(n, dtype)
    called(found, inputs, out)
    with np.errstate(all="ignore"):
        assert out.tobytes() == ufunc(*inputs).tobytes()


def test_other_types_are_taken_as_they_are_or_not_at_all() -> None:
    assert numpy_loop(np.isnan, ("float32", "bool")) is not None
    assert numpy_loop(np.sin, ("float32", "float64")) is None
    assert numpy_loop(np.sin, ("bool", "float32")) is None
    assert numpy_loop(np.arctan2, ("float32", "float64", "float64")) is None
    assert numpy_loop(np.sin, ("float32",)) is None


def test_what_is_no_function_of_numpy_has_no_loop() -> None:
    assert numpy_loop(position_angle, ("float32",) * 3) is None
    assert numpy_loop(np.frompyfunc(abs, 1, 1), ("float32",) * 2) is None
    assert numpy_loop(np.divmod, ("float32",) * 4) is None  # two results
    assert numpy_loop(np.matmul, ("float32",) * 3) is None  # of arrays, not of numbers
    assert numpy_loop(np.clip, ("float32",) * 4) is None


FIELDS = list(numpy_loops._Ufunc._fields_)


@pytest.mark.parametrize(
    "fields",
    [
        [("more", ctypes.c_int), *FIELDS],
        [*FIELDS[1:4], *FIELDS[:1], *FIELDS[4:]],
        [*FIELDS[:4], FIELDS[6], FIELDS[7], *FIELDS[4:6], *FIELDS[8:]],
        [*FIELDS, ("more", ctypes.c_char * 4096)],
    ],
    ids=["a new field", "another order of numbers", "another order of fields", "larger than a ufunc"],
)
def test_another_layout_is_noticed(monkeypatch: pytest.MonkeyPatch, fields: list[Any]) -> None:
    other = type("_Other", (ctypes.Structure,), {"_fields_": fields})
    monkeypatch.setattr(numpy_loops, "_Ufunc", other)
    assert all(numpy_loop.__wrapped__(getattr(np, name), ("float32",) * 2) is None for name in ONE)


def test_a_loop_that_does_something_else_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    cosine = numpy_loop(np.cos, ("float32",) * 2)
    monkeypatch.setattr(numpy_loops, "_found", lambda *_a: cosine)
    assert numpy_loop.__wrapped__(np.sin, ("float32",) * 2) is None
    assert numpy_loop.__wrapped__(np.cos, ("float32",) * 2) == cosine
