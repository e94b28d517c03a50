"""The loops inside of numpy's functions, by their addresses: machine code calls them without Python.

A ufunc holds one loop for each of its types.  They know nothing of Python, and give the very bits that a
call of the ufunc gives.  Where a ufunc lies in memory otherwise than numpy's headers say, or its loop does
otherwise than itself, there is no address, and the ufunc is called as ever.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

__all__ = ["NumpyLoop", "numpy_loop"]


@dataclass(frozen=True)
class NumpyLoop:
    """Addresses of ``void loop(char **arrays, intp *n, intp *strides, void *data)`` and of its data."""

    address: int
    data: int


class _Ufunc(ctypes.Structure):
    """What follows the head of an object, as `PyUFuncObject` of numpy's ufuncobject.h has it."""

    _fields_ = (
        ("nin", ctypes.c_int),
        ("nout", ctypes.c_int),
        ("nargs", ctypes.c_int),
        ("identity", ctypes.c_int),
        ("functions", ctypes.POINTER(ctypes.c_void_p)),
        ("data", ctypes.POINTER(ctypes.c_void_p)),
        ("ntypes", ctypes.c_int),
        ("reserved1", ctypes.c_int),
        ("name", ctypes.c_char_p),
        ("types", ctypes.POINTER(ctypes.c_char)),
    )


@lru_cache(maxsize=1)
def _own() -> frozenset[np.ufunc]:
    """Return the functions of numpy itself."""
    return frozenset(f for f in vars(np).values() if isinstance(f, np.ufunc))


_CALL = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 4)
_TESTED = 1501  # values, no multiple of any vector


@lru_cache(maxsize=256)
def numpy_loop(kernel: Any, types: tuple[str, ...]) -> NumpyLoop | None:
    """Return the loop of a ufunc for some types; None where it has none that is known to do the same.

    Parameters
    ----------
    kernel : object
        The ufunc, one of numpy's own; for anything else there is no loop.
    types : tuple of str
        Names of the types of its inputs and of its one output, which must be those of a loop: nothing is
        converted.
    """
    # loops that others have made may want Python after all
    if not isinstance(kernel, np.ufunc) or kernel not in _own():
        return None
    if len(types) != kernel.nargs or kernel.nout != 1:
        return None
    found = _found(kernel, "".join(np.dtype(t).char for t in types))
    if found is None:
        return None
    still = (None, *range(kernel.nin)) if kernel.nin > 1 else (None,)
    return found if all(_agrees(kernel, found, types, s) for s in still) else None


def _found(ufunc: np.ufunc, types: str) -> NumpyLoop | None:
    """Return what the memory of a ufunc says, if it is as it should be."""
    if sys.implementation.name != "cpython" or np.dtype(np.intp).itemsize != 8:
        return None
    head = object.__basicsize__
    if type(ufunc).__basicsize__ < head + ctypes.sizeof(_Ufunc):
        return None
    inside = _Ufunc.from_address(id(ufunc) + head)
    numbers = (inside.nin, inside.nout, inside.nargs, inside.ntypes)
    # whole numbers first: only where all are right is anything taken for an address
    if numbers != (ufunc.nin, ufunc.nout, ufunc.nargs, ufunc.ntypes):
        return None
    if inside.name != ufunc.__name__.encode() or ufunc.signature is not None:
        return None
    known = [t.replace("->", "") for t in ufunc.types]
    if types not in known:
        return None
    k, n = known.index(types), ufunc.nargs  # numpy takes the first, too
    numbers_of = [np.dtype(c).num for c in types]
    if [ord(inside.types[k * n + j]) for j in range(n)] != numbers_of or not inside.functions[k]:
        return None
    return NumpyLoop(inside.functions[k] or 0, inside.data[k] or 0)


def _values(dtype: np.dtype[Any], seed: int) -> np.ndarray:
    """Return numbers of every size, and those at the edges of what there is."""
    steps = np.arange(1, _TESTED + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15 + 2 * seed)
    if dtype.kind != "f":
        return (steps >> np.uint64(63)).astype(dtype)
    values = (steps >> np.uint64(64 - 8 * dtype.itemsize)).astype(f"u{dtype.itemsize}").view(dtype)
    # patterns of bits are of all exponents alike; most pixels are of a few
    values[::3] = np.linspace(-8, 8, _TESTED)[::3]
    values[::5] = np.linspace(-1e6, 1e6, _TESTED)[::5]
    info = np.finfo(dtype)
    edges = [0.0, 0.5, 1.0, 2.0, 3.0, np.inf, np.nan, info.max, info.tiny, info.smallest_subnormal]
    values[seed : 14 * len(edges) + seed : 7] = [*edges, *(-e for e in edges)]
    return values


def _agrees(ufunc: np.ufunc, loop: NumpyLoop, types: Sequence[str], still: int | None) -> bool:
    """Tell whether a loop gives the same bits as its ufunc; of one input only a single value may be taken."""
    kinds = [np.dtype(t) for t in types]
    with np.errstate(all="ignore"):
        inputs = [_values(kind, k) for k, kind in enumerate(kinds[:-1])]
        if still is not None:
            inputs[still] = np.full(1, 0.5, kinds[still])
        n = max(a.size for a in inputs)
        expected, found = np.empty(n, kinds[-1]), np.empty(n, kinds[-1])
        ufunc(*inputs, out=expected)
    arrays = [*inputs, found]
    addresses = np.array([a.ctypes.data for a in arrays], np.uint64)
    strides = np.array([a.itemsize if a.size == n else 0 for a in arrays], np.int64)
    count = np.array([n], np.int64)
    _CALL(loop.address)(addresses.ctypes.data, count.ctypes.data, strides.ctypes.data, loop.data)
    return expected.tobytes() == found.tobytes()
