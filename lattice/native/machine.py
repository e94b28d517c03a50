"""Text of LLVM turned into machine code in memory by llvmlite (extra ``jit``)."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import re
import sys
import threading
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from lattice.config import get_option

__all__ = ["compiled", "function", "has_compiler", "is_loaded", "pays", "processor"]

Function = Any
"""Takes whole numbers and addresses, while other threads go on, and returns a number; its own ``address``."""

_FROM_LOADED, _FROM_NOTHING = 1 << 14, 1 << 19  # pixels of a block from which loops are compiled
_OLDEST = [0, 45]  # version of llvmlite, with LLVM 20
_lock = threading.Lock()
_compiling = threading.RLock()


def _after_fork() -> None:
    # the thread of the parent that was compiling is not in the child, and would never let go
    global _lock
    _lock = threading.Lock()
    _compiling.release()


if hasattr(os, "register_at_fork"):
    # nobody forks while the compiler works: it has a lock of its own, which would stay locked
    os.register_at_fork(
        before=_compiling.acquire, after_in_parent=_compiling.release, after_in_child=_after_fork
    )


@lru_cache(maxsize=1)
def has_compiler() -> bool:
    """Tell whether llvmlite is installed, and new enough to understand what is written here."""
    if importlib.util.find_spec("llvmlite") is None:
        return False
    import llvmlite  # no more than its version: to ask for the metadata would take fifty times as long

    numbers = [int(n) for n in re.findall(r"\d+", llvmlite.__version__)]
    return numbers >= _OLDEST


def is_loaded() -> bool:
    """Tell whether llvmlite has been imported already."""
    return "llvmlite.binding" in sys.modules


def pays(n: int, from_loaded: int = _FROM_LOADED, from_nothing: int = _FROM_NOTHING) -> bool:
    """Tell whether to compile, by the options that hold.

    Parameters
    ----------
    n : int
        How much there is to do: pixels of a block, or what the limits count.
    from_loaded, from_nothing : int
        From how much on it pays where the compiler is loaded, and where it is not.
    """
    jit = get_option("jit")
    if jit is False or (jit is not True and n < (from_loaded if is_loaded() else from_nothing)):
        return False
    return has_compiler()  # asked last: that takes as long as some small work


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


def compiled(text: str, name: str, n_arguments: int, cpu: str, features: str, opt: int = 3) -> Function:
    """Return a function of a text, compiled for a processor.

    Parameters
    ----------
    text : str
        A module of LLVM that defines ``@name`` of words of 64 bits; if that is void, what it returns means
        nothing.
    name : str
        The function.
    n_arguments : int
        How many words it takes.
    cpu, features : str
        What `processor` returns.
    opt : int
        How hard the compiler tries, 0 to 3.
    """
    with _compiling:
        return _compiled(text, name, n_arguments, cpu, features, opt)


def _compiled(text: str, name: str, n_arguments: int, cpu: str, features: str, opt: int) -> Function:
    import llvmlite.binding as llvm

    machine = _target().create_target_machine(opt=opt, cpu=cpu, features=features, jit=True, reloc="pic")
    module = llvm.parse_assembly(text)
    module.verify()
    engine = llvm.create_mcjit_compiler(module, machine)
    engine.finalize_object()
    address = engine.get_function_address(name)
    made: Any = ctypes.CFUNCTYPE(ctypes.c_int64, *[ctypes.c_int64] * n_arguments)(address)
    made.address = address
    # the engine owns the memory of the code: it lives as long as the function does
    made.engine = engine
    return made


_made: dict[tuple[Any, ...], Function] = {}


def function(write: Callable[..., tuple[str, int]], *key: Any, opt: int = 3) -> Function:
    """Return the function ``run`` of a text that is written by ``write(*key)``, made once in a process.

    Parameters
    ----------
    write : callable
        Returns the text and how many arguments the function takes.
    *key : hashable
        What it is to be like: one of few.
    opt : int
        How hard the compiler tries, 0 to 3, the same for all calls with this key.
    """
    found = _made.get((write, *key))
    if found is None:
        with _lock:
            found = _made.get((write, *key))
            if found is None:
                text, n = write(*key)
                found = _made[(write, *key)] = compiled(text, "run", n, *processor(), opt=opt)
    return found
