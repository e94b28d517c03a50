"""Several loops, and loops of numpy between them, as one: it is called like a loop.

Steps that have no text, such as sines, have a loop inside of numpy (`lattice.native.numpy_loops`).  A chain
calls loop after loop on the pixels of one turn, while what they hand on is still in the cache, and without
coming back to Python.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lattice.execute.native import Loop, driver
from lattice.functions import kernels
from lattice.native.numpy_loops import NumpyLoop, numpy_loop
from lattice.plan.program import Program, Step

__all__ = ["CHAIN", "Chain", "step_loop"]

_WORDS = 4  # of a call: function, its arguments, strides (none: a loop of ours), data

CHAIN = f"""
define void @chain(i64 %n, ptr %table, i64 %first) {{
entry:
  %count = alloca i64
  store i64 %n, ptr %count
  %calls = load i64, ptr %table
  br label %head
head:
  %k = phi i64 [ 0, %entry ], [ %next, %again ]
  %some = icmp ult i64 %k, %calls
  br i1 %some, label %call, label %done
call:
  %many = mul i64 %k, {_WORDS}
  %at = add i64 %many, 1
  %function.p = getelementptr i64, ptr %table, i64 %at
  %function = load ptr, ptr %function.p
  %arguments.p = getelementptr i64, ptr %function.p, i64 1
  %arguments = load ptr, ptr %arguments.p
  %strides.p = getelementptr i64, ptr %function.p, i64 2
  %strides = load ptr, ptr %strides.p
  %data.p = getelementptr i64, ptr %function.p, i64 3
  %data = load ptr, ptr %data.p
  %next = add i64 %k, 1
  %ours = icmp eq ptr %strides, null
  br i1 %ours, label %own, label %numpy
own:
  ; what is handed on lies at the start of its buffer, what comes out at the end where the caller wants it
  %last = icmp eq i64 %next, %calls
  %place = select i1 %last, i64 %first, i64 0
  call void %function(i64 %n, ptr %arguments, i64 %place)
  br label %again
numpy:
  call void %function(ptr %arguments, ptr %count, ptr %strides, ptr %data)
  br label %again
again:
  br label %head
done:
  ret void
}}
"""

# kernels that do what a ufunc does, and see to what calls of it from Python would do otherwise
_UFUNCS = {kernels.power_each: np.power, kernels.sign: np.sign}


def step_loop(step: Step, program: Program) -> NumpyLoop | None:
    """Return the loop of numpy that does a step; None if there is none."""
    types = tuple(program.types[r].name for r in (*step.inputs, step.output))
    return numpy_loop(_UFUNCS.get(step.kernel, step.kernel), types)


class Chain:
    """Loops one after the other; the last may be one whose results go to a given place.

    Attributes
    ----------
    arguments : ndarray
        What it is called with.
    """

    def __init__(self) -> None:
        self._calls: list[tuple[int, int, int, int]] = []
        self._kept: list[np.ndarray] = []
        self.arguments = np.zeros(1, np.int64)

    @property
    def function(self) -> Loop:
        """What is called."""
        return driver(CHAIN, "chain")

    def __len__(self) -> int:
        return len(self._calls)

    def loop(self, function: Loop, arguments: int) -> None:
        """Add a loop and the address of its arguments."""
        self._add((function.address, arguments, 0, 0))

    def step(self, found: NumpyLoop, operands: Sequence[np.ndarray]) -> None:
        """Add a loop of numpy and what it works on, its output at the end; a single value stays the same."""
        addresses = np.array([a.ctypes.data for a in operands], np.uint64)
        strides = np.array([0 if a.size == 1 else a.itemsize for a in operands], np.int64)
        self._kept += [addresses, strides, *operands]
        self._add((found.address, addresses.ctypes.data, strides.ctypes.data, found.data))

    def _add(self, call: tuple[int, int, int, int]) -> None:
        self._calls.append(call)
        self.arguments = np.array([len(self._calls), *(w for c in self._calls for w in c)], np.int64)

    def then(self, function: Loop, arguments: int) -> Chain:
        """Return a chain with one more loop."""
        more = Chain()
        more._calls, more._kept = list(self._calls), self._kept
        more.loop(function, arguments)
        return more

    def run(self, n: int) -> None:
        """Do `n` pixels."""
        if self._calls:
            self.function(n, self.arguments.ctypes.data, 0)
