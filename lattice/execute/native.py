"""Loops as text of LLVM, turned into machine code in memory by llvmlite (extra ``jit``).

The text is made by `lattice.execute.emit`.  Turning it into code takes some milliseconds; what is made is
kept for the life of the process, by its text.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import sys
import threading
from functools import lru_cache
from typing import Any

__all__ = ["Loop", "can_compress", "driver", "has_compiler", "is_loaded", "is_made", "loop"]

Loop = Any
"""``loop(n, address of the arguments, first place)``, without holding up other threads; its ``address``."""

_PROTOTYPE = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p, ctypes.c_int64)
_MOST = 512  # loops that are kept
_lock = threading.Lock()
_made: dict[str, Loop] = {}


def _after_fork() -> None:
    # the thread of the parent that was compiling is not in the child, and would never let go
    global _lock
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


@lru_cache(maxsize=1)
def has_compiler() -> bool:
    """Tell whether llvmlite is installed."""
    return importlib.util.find_spec("llvmlite") is not None


def is_loaded() -> bool:
    """Tell whether llvmlite has been imported already."""
    return "llvmlite.binding" in sys.modules


def is_made(text: str) -> bool:
    """Tell whether a text has been compiled already."""
    return text in _made


@lru_cache(maxsize=1)
def _target() -> Any:
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return llvm.Target.from_default_triple()


@lru_cache(maxsize=1)
def processor() -> tuple[str, str]:
    """Return the name of the processor and its features, as LLVM calls them."""
    import llvmlite.binding as llvm

    return llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten()


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
            found = _made[text] = _compile(text, "loop")
        return found


@lru_cache(maxsize=1)
def driver(text: str) -> Loop:
    """Return the function ``drive`` of a text, which calls loops."""
    with _lock:
        return _compile(text, "drive")


def _compile(text: str, name: str) -> Loop:
    import llvmlite.binding as llvm

    target = _target()
    cpu, features = processor()
    machine = target.create_target_machine(opt=3, cpu=cpu, features=features, jit=True, reloc="pic")
    module = llvm.parse_assembly(text)
    module.verify()
    engine = llvm.create_mcjit_compiler(module, machine)
    engine.finalize_object()
    address = engine.get_function_address(name)
    function: Any = _PROTOTYPE(address)
    function.address = address
    # the engine owns the memory of the code: it lives as long as the function does
    function.engine = engine
    return function
