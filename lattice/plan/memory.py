"""How much memory a program takes for a block, and what the limit leaves."""

from __future__ import annotations

import importlib.util
import math
import os
import sys
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from lattice.config import Options, format_bytes
from lattice.errors import MemoryLimitError
from lattice.graph.sections import Section, shape_of
from lattice.plan.program import Leaf, OperationPixels, Program

__all__ = ["allowance", "bytes_per_block", "comfortable", "refuse", "resident"]

_LEAST = 64 << 20  # what a run may always use, however much the process holds already
# What the compiler takes, which a large run loads once in a process: measured, 42 MB to load the library, and
# 31 MB for the first loop that it compiles; each further one takes 1 MB.
_COMPILER = 73_000_000


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
    except ImportError:
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(peak if sys.platform == "darwin" else peak * 1024)


def allowance(options: Options) -> int:
    """Return the bytes that a run may add to what the process holds and will load."""
    return max(_LEAST, _left(options))


def comfortable(options: Options) -> int:
    """Return the bytes that blocks should keep to, which may be less while the compiler is still to come."""
    return max(_LEAST // 2 if _loads(options) else _LEAST, _left(options))


def _left(options: Options) -> int:
    return options.memory_bytes - resident() - (_COMPILER if _loads(options) else 0)


def _loads(options: Options) -> bool:
    return options.jit is not False and "llvmlite.binding" not in sys.modules and _has_compiler()


@lru_cache(maxsize=1)
def _has_compiler() -> bool:
    return importlib.util.find_spec("llvmlite") is not None


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
    most = max(_section_bytes(program, s) for s in _probes(program.shape, shape))
    return most + sink_bytes * math.prod(shape)


def _probes(shape: tuple[int, ...], block: tuple[int, ...]) -> Iterator[Section]:
    """Yield the first, the middle and the last place of a block: what it needs may differ between them."""
    for share in (0, 1, 2):
        starts = [(n - min(b, n)) * share // 2 for n, b in zip(shape, block, strict=True)]
        yield tuple(
            slice(start, start + min(b, n), 1) for start, n, b in zip(starts, shape, block, strict=True)
        )


def _section_bytes(program: Program, section: Section) -> int:
    return sum(_leaf_bytes(program, leaf, section) for leaf in program.leaves if not leaf.direct)


def _leaf_bytes(program: Program, leaf: Leaf, section: Section) -> int:
    """Return the memory of what is fetched of a leaf for a section of its program."""
    needed = leaf.needs(section)
    part = shape_of(needed)
    total = math.prod(part) * (program.types[leaf.value].itemsize + (leaf.mask is not None))
    if isinstance(leaf.source, OperationPixels):
        operation = leaf.source.operation
        total += operation.scratch_of(needed)
        # inputs are read one after the other; what an operation keeps of them is its scratch memory
        total += max(
            (
                _section_bytes(i, n)
                for i, n in zip(leaf.source.inputs, operation.needs(needed), strict=True)
                if n is not None
            ),
            default=0,
        )
    return total


def refuse(what: str, needed: int, options: Options, hint: str) -> MemoryLimitError:
    """Return the error for work that the memory limit does not allow."""
    limit, left = format_bytes(options.memory_bytes), format_bytes(allowance(options))
    why = f"the memory limit of {limit} leaves {left}"
    if _left(options) < _LEAST:
        held = format_bytes(resident())
        why = f"the process has {held} already, of a memory limit of {limit}, and may add {left}"
    return MemoryLimitError(
        f"{what} needs {format_bytes(needed)}, but {why}",
        hint=f"{hint}, or raise the limit: set_options(memory_limit=...), LATTICE_MEMORY_LIMIT or --memory",
    )
