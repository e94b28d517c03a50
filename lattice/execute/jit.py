"""Whether a program is compiled (extra ``jit``): where that is possible, and pays.

Compiled loops go over the pixels once however many steps there are, read and write files in their own byte
order, and hold up no other thread.  They give the same bits as the numpy kernels, sums included, so the
choice is one of time alone.
"""

from __future__ import annotations

import contextlib
import math
import threading
from collections.abc import Sequence
from typing import Any

from lattice.config import Options
from lattice.errors import LatticeError
from lattice.execute.fusion import Fusion, fusion
from lattice.execute.native import has_compiler, is_loaded, is_made, loop
from lattice.plan.program import Program

__all__ = ["ahead", "wanted", "wanted_by"]

# Pixels from which a run is compiled: the loops are there already; they are to be made; the compiler itself
# has still to be loaded, once in a process.
_FROM_MADE, _FROM_LOADED, _FROM_NOTHING = 1 << 18, 1 << 24, 1 << 25


def wanted(program: Program, sinks: Sequence[Any], options: Options) -> Fusion | None:
    """Return how a program is to be run by compiled loops; None if it is not.

    Parameters
    ----------
    program : Program
        The program.
    sinks : sequence of Sink
        Where its outputs go.
    options : Options
        jit=False: never. True: wherever that can be done. "auto": where it pays, the time to compile counted.

    Raises
    ------
    LatticeError
        For jit=True without a compiler.
    """
    return wanted_by(program, sinks, options.jit)


def wanted_by(program: Program, sinks: Sequence[Any], jit: Any) -> Fusion | None:
    """Return how a program is to be run by compiled loops, for a choice of the option `jit`; see `wanted`."""
    if jit is False:
        return None
    if not has_compiler():
        if jit is True:
            raise LatticeError(
                "jit=True needs llvmlite, which is not installed", hint="pip install 'lattice-images[jit]'"
            )
        return None
    pixels = math.prod(program.shape)
    if jit == "auto" and pixels < (_FROM_MADE if is_loaded() else _FROM_NOTHING):
        return None
    found = fusion(program, sinks)
    if found is None or jit is True or pixels >= _FROM_LOADED:
        return found
    return found if all(not text or is_made(text) for text in found.texts) else None


def ahead(fused: Fusion) -> None:
    """Compile in a thread of its own what is not made yet, while there is something else to do."""

    def compile_all() -> None:
        # whoever runs it meets the same error
        with contextlib.suppress(Exception):
            for text in fused.texts:
                if text:
                    loop(text)

    if not all(not text or is_made(text) for text in fused.texts):
        with contextlib.suppress(RuntimeError):  # no thread can be started: it is compiled when it is needed
            threading.Thread(target=compile_all, name="lattice-compiler").start()
