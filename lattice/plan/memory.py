"""How much memory a program takes for a block, and what the limit leaves."""

from __future__ import annotations

import math
import os
from pathlib import Path

from lattice.config import Options, format_bytes
from lattice.errors import MemoryLimitError
from lattice.plan.program import OperationPixels, Program

__all__ = ["allowance", "bytes_per_block", "refuse", "resident"]

_LEAST = 64 << 20  # what a run may always use, however much the process holds already


def resident() -> int:
    """Return the bytes of memory that this process holds now; 0 where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return _peak()


def _peak() -> int:
    try:
        import resource
        import sys
    except ImportError:
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(peak if sys.platform == "darwin" else peak * 1024)


def allowance(options: Options) -> int:
    """Return the bytes that a run may add to what the process holds."""
    return max(_LEAST, options.memory_bytes - resident())


def bytes_per_block(program: Program, shape: tuple[int, ...], sink_bytes: int = 0) -> int:
    """Return the memory that one block of a shape needs while it is computed.

    What is read strip by strip takes no memory of the block's size; tiles, operations and sinks that want
    whole blocks do.

    Parameters
    ----------
    program : Program
        The program.
    shape : tuple of int
        Shape of the block.
    sink_bytes : int, optional
        Bytes per pixel that sinks collect.
    """
    return _leaf_bytes(program, math.prod(shape), shape) + sink_bytes * math.prod(shape)


def _leaf_bytes(program: Program, n: int, shape: tuple[int, ...] | None) -> int:
    total = 0
    for leaf in program.leaves:
        if leaf.direct:
            continue
        size = program.types[leaf.value].itemsize + (0 if leaf.mask is None else 1)
        total += n * size
        if isinstance(leaf.source, OperationPixels):
            operation = leaf.source.operation
            out_shape = shape if shape is not None and len(shape) == operation.attrs.ndim else (n,)
            total += operation.scratch(out_shape) if len(out_shape) == operation.attrs.ndim else n * size
            for child in leaf.source.inputs:
                ratio = max(1, math.prod(child.shape)) / max(1, operation.attrs.size)
                total += _leaf_bytes(child, int(n * ratio), None)
    return total


def refuse(what: str, needed: int, options: Options, hint: str) -> MemoryLimitError:
    """Return the error for work that the memory limit does not allow."""
    return MemoryLimitError(
        f"{what} needs {format_bytes(needed)}, but the memory limit of {format_bytes(options.memory_bytes)} "
        f"leaves {format_bytes(allowance(options))}",
        hint=f"{hint}, or raise the limit: set_options(memory_limit=...), LATTICE_MEMORY_LIMIT or --memory",
    )
