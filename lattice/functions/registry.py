"""The registry of functions, and the decorators that fill it."""

from __future__ import annotations

import importlib
import inspect
import threading
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from lattice.errors import FunctionError, suggest
from lattice.graph.function import Function, Kind, Param
from lattice.graph.types import DType, promote

__all__ = ["all_functions", "by_ufunc", "elementwise", "lookup", "names", "register", "same", "define"]

# modules whose import defines the functions of the language
_MODULES = (
    "lattice.functions.operators",
    "lattice.functions.arithmetic",
    "lattice.functions.conversion",
    "lattice.functions.conditional",
    "lattice.functions.reductions",
    "lattice.functions.inquiry",
    "lattice.functions.special",
    "lattice.ops.rebin",
    "lattice.image",
)
_table: dict[tuple[str, int], Function] = {}
_ufuncs: dict[np.ufunc, list[Function]] = {}
_loaded = False
_lock = threading.RLock()


def _load() -> None:
    global _loaded
    if _loaded:
        return
    with _lock:
        if not _loaded:
            for module in _MODULES:
                importlib.import_module(module)
            _loaded = True


def register(function: Function, *, replace: bool = False) -> Function:
    """Add a function to the language.

    Parameters
    ----------
    function : Function
        The definition.
    replace : bool, optional
        Allow it to take the place of an earlier one of the same name and number of arguments.

    Raises
    ------
    FunctionError
        When there is one of that name and number of arguments already.
    """
    keys = [
        (name.lower(), n)
        for name in (function.name, *function.aliases)
        for n in range(function.n_required, len(function.params) + 1)
    ]
    with _lock:
        for name, n in keys:
            if (name, n) in _table and not replace:
                raise FunctionError(f"there is a function {name!r} of {n} arguments already")
        _table.update(dict.fromkeys(keys, function))
        for ufunc in function.ufuncs:
            _ufuncs.setdefault(ufunc, []).append(function)
    return function


def define(
    name: str, kind: Kind, params: Iterable[Param], result: Callable[..., DType], **options: Any
) -> Function:
    """Build a function that is found again by name in other processes, and register it."""
    return register(Function(name, kind, tuple(params), result, finder=lookup, **options))


def elementwise(
    name: str, *params: Param, result: Callable[..., DType] | None = None, **options: Any
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorate a kernel: register it as a function that works pixel by pixel.

    The kernel is called as ``kernel(*arrays, out=array)`` with arrays of one type that broadcast to the
    shape of `out`; it must not change its inputs. Its docstring is the documentation of the function.

    Parameters
    ----------
    name : str
        Name in LEL text.
    *params : Param
        The arguments; one numeric argument called x if none is given.
    result : callable, optional
        Types of the arguments -> type of the result; the default is their common type.
    **options
        Further attributes of `Function`.

    Examples
    --------
    >>> import numpy as np
    >>> from lattice.functions.registry import Param, elementwise, lookup
    >>> @elementwise("cube_of", Param("x", "real"))
    ... def cube_of(x, out):
    ...     "Third power."
    ...     np.multiply(x, x, out=out)
    ...     np.multiply(out, x, out=out)
    >>> lookup("cube_of", 1).signature
    'cube_of(x)'
    """

    def decorate(kernel: Callable[..., Any]) -> Callable[..., Any]:
        options.setdefault("doc", inspect.getdoc(kernel) or "")
        define(name, Kind.ELEMENTWISE, params or (Param("x"),), result or common, kernel=kernel, **options)
        return kernel

    return decorate


def common(types: tuple[DType, ...]) -> DType:
    """Result rule: the common type of all arguments."""
    dtype = types[0]
    for t in types[1:]:
        dtype = promote(dtype, t)
    return dtype


def same(types: tuple[DType, ...]) -> DType:
    """Result rule: the type of the first argument."""
    return types[0]


def lookup(name: str, n_args: int) -> Function:
    """Return the function of a name (any letter case) and number of arguments.

    Raises
    ------
    FunctionError
        When there is none; the message lists near names, or how the function is called.
    """
    _load()
    found = _table.get((name.lower(), n_args))
    if found is not None:
        return found
    usages = sorted({f.signature for (n, _), f in _table.items() if n == name.lower()})
    if usages:
        given = "1 argument" if n_args == 1 else f"{n_args} arguments"
        raise FunctionError(f"there is no function {name} of {given}", hint=f"usage: {' or '.join(usages)}")
    raise FunctionError(f"there is no function {name!r}", hint=suggest(name, names()))


def names() -> list[str]:
    """Return the names of all functions that are called by name, aliases included."""
    _load()
    return sorted({n for (n, _), f in _table.items() if not f.operator})


def all_functions() -> list[Function]:
    """Return every function and operator once, in the order of definition, operations on images last."""
    _load()
    # these are defined with the images, be that first or last
    return sorted(dict.fromkeys(_table.values()), key=lambda f: f.spoken is not None)


def by_ufunc(ufunc: np.ufunc, n_args: int) -> Function | None:
    """Return the function that stands for a numpy ufunc, or None."""
    _load()
    return next((f for f in _ufuncs.get(ufunc, []) if f.n_required <= n_args <= len(f.params)), None)
