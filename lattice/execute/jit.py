"""Programs compiled by numba into one loop over the pixels of a strip (extra ``jit``).

A loop reads and writes every pixel once however many steps there are, where numpy goes through the strip
once per step.  numpy's own sine, exponential and the like use vector instructions that numba does not
have, so programs with these are left to numpy; so are programs that are too short-lived to pay for the
second or so that compiling takes.  Programs that are compiled by choice ("auto") give the same bits either
way: each step is rounded to the type of its register, and floating-point rules are not relaxed.  With
jit=True sines, exponentials and the like come from another library, which may differ in the last bits.
"""

from __future__ import annotations

import importlib.util
import math
import threading
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from lattice.config import Options
from lattice.errors import LatticeError
from lattice.plan.program import Program

__all__ = ["compiled", "saving", "source", "wanted"]

Compiled = Callable[[list[Any], list[Any]], None]

_COMPILE_SECONDS = 1.5
# ns per pixel that numpy takes for a step, and that a compiled loop takes for each array it touches
_NUMPY_STEP, _NUMPY_SELECT, _LOOP_ARRAY = 0.08, 0.45, 0.06
_known: dict[str, Any] = {}
_lock = threading.Lock()


def wanted(program: Program, options: Options) -> bool:
    """Tell whether a program is to be compiled.

    Parameters
    ----------
    program : Program
        The program.
    options : Options
        jit=False: never. True: whenever every step can be compiled. "auto": when that is faster, the
        time to compile counted.

    Raises
    ------
    LatticeError
        For jit=True without numba.
    """
    if options.jit is False or not program.steps:
        return False
    if not _has_numba():
        if options.jit is True:
            raise LatticeError(
                "jit=True needs numba, which is not installed", hint="pip install 'lattice-images[jit]'"
            )
        return False
    text = source(program)
    if text is None:
        return False
    if options.jit is True or text in _known:
        return True
    pixels = math.prod(program.shape)
    return not _is_slow(program) and saving(program) * 1e-9 * pixels / options.n_workers > _COMPILE_SECONDS


@lru_cache(maxsize=1)
def _has_numba() -> bool:
    return importlib.util.find_spec("numba") is not None


def saving(program: Program) -> float:
    """Return how many ns per pixel a compiled loop is expected to save."""
    by_numpy = sum(_NUMPY_SELECT if " if " in s.jit else _NUMPY_STEP for s in program.steps)
    arrays = len(program.leaves) + sum(1 + (mask is not None) for _, mask in program.outputs)
    return by_numpy - _LOOP_ARRAY * arrays


def _is_slow(program: Program) -> bool:
    """Tell whether a step calls a function that numpy computes with vector instructions."""
    return any("math." in s.jit or "np.log" in s.jit for s in program.steps)


def source(program: Program) -> str | None:
    """Return the Python source of the loop, or None when a step has none."""
    found: str | None = program.cache.get("source", "")
    if found == "":
        found = program.cache["source"] = _source(program)
    return found


def _source(program: Program) -> str | None:
    if any(not s.jit or program.types[s.output].kind == "c" for s in program.steps):
        return None
    leaves, results = _arguments(program)
    if any(program.types[r].kind == "c" for r in (*leaves, *results)):
        return None
    names = [*(f"a{r}" for r in leaves), *(f"c{r}" for r in program.constants), *(f"o{r}" for r in results)]
    lines = [f"def loop({', '.join(names)}):", f"    for i in range({names[0]}.size):"]
    lines += [f"        r{r} = a{r}[i]" for r in leaves]
    for step in program.steps:
        inputs = [f"c{r}" if r in program.constants else f"r{r}" for r in step.inputs]
        kind = program.types[step.output].name.replace("bool", "bool_")
        lines.append(f"        r{step.output} = np.{kind}({step.jit.format(*inputs)})")
    lines += [f"        o{r}[i] = r{r}" for r in results]
    return "\n".join(lines) + "\n"


def _arguments(program: Program) -> tuple[list[int], list[int]]:
    """Return the registers that the loop reads from arrays, and those that it writes to arrays."""
    leaves = [r for leaf in program.leaves for r in (leaf.value, leaf.mask) if r is not None]
    computed = {s.output for s in program.steps}
    wanted_registers = dict.fromkeys(r for pair in program.outputs for r in pair if r is not None)
    return leaves, [r for r in wanted_registers if r in computed]


def compiled(program: Program) -> Compiled | None:
    """Return what runs the steps of a program on one strip, or None when it cannot be compiled."""
    text = source(program)
    if text is None:
        return None
    loop = _loop(text)
    leaves, results = _arguments(program)
    constants = [value.reshape(-1)[0] for value in program.constants.values()]

    def run(registers: list[Any], views: list[Any]) -> None:
        shape = views[results[0]].shape
        arrays = [_flat(registers[r], shape) for r in leaves]
        loop(*arrays, *constants, *(views[r].reshape(-1) for r in results))
        for r in results:
            registers[r] = views[r]

    return run


def _flat(array: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    if array.shape != shape:
        array = np.broadcast_to(array, shape)
    return np.ascontiguousarray(array).reshape(-1)


def _loop(text: str) -> Any:
    with _lock:
        if text not in _known:
            import numba

            # The text is made of register numbers and of the templates of registered functions only.
            namespace: dict[str, Any] = {"np": np, "math": math}
            exec(compile(text, "<lattice program>", "exec"), namespace)
            _known[text] = numba.njit(nogil=True, error_model="numpy")(namespace["loop"])
        return _known[text]
