"""Loops as text of LLVM, turned into machine code in memory by llvmlite (extra ``jit``).

The text is made by `lattice.execute.emit`.  Turning it into code takes some milliseconds; what is made is
kept for the life of the process, by its text.
"""

from __future__ import annotations

import os
import threading
from typing import Any

from lattice.native.machine import compiled, has_compiler, is_loaded, processor

__all__ = ["Loop", "can_compress", "driver", "has_compiler", "is_loaded", "is_made", "loop", "processor"]

Loop = Any
"""``loop(n, address of the arguments, first place)``, without holding up other threads; its ``address``."""

_MOST = 512  # loops that are kept
_lock = threading.Lock()
_made: dict[str, Loop] = {}
_drivers: dict[str, Loop] = {}


def _after_fork() -> None:
    # the thread of the parent that was compiling is not in the child, and would never let go
    global _lock
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def is_made(text: str) -> bool:
    """Tell whether a text has been compiled already."""
    return text in _made


def can_compress() -> bool:
    """Tell whether the processor packs the chosen elements of a vector in one instruction."""
    return "+avx512vl" in processor()[1].split(",")


def loop(text: str) -> Loop:
    """Return the function ``loop`` of a text, compiled for this processor.

    Parameters
    ----------
    text : str
        A module of LLVM that defines ``void @loop(i64, ptr, i64)``; what it returns means nothing.
    """
    with _lock:
        found = _made.get(text)
        if found is None:
            while len(_made) >= _MOST:
                del _made[next(iter(_made))]
            found = _made[text] = compiled(text, "loop", 3, *processor())
        return found


def driver(text: str, name: str) -> Loop:
    """Return a function of a text, one of few, which calls loops."""
    with _lock:
        found = _drivers.get(text)
        if found is None:
            # it does next to nothing itself: the least work for the compiler
            found = _drivers[text] = compiled(text, name, 3, *processor(), opt=0)
        return found
