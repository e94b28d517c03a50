"""Choosing between values without branches: the one kernel that the lowering itself needs."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np

__all__ = ["blank", "scratch", "select"]

Array = np.ndarray[Any, Any]

_WORDS: dict[int, np.dtype[Any]] = {1: np.dtype(np.uint8), 4: np.dtype(np.uint32), 8: np.dtype(np.uint64)}
_SMALL = 64  # below this many pixels the general way is as fast
_local = threading.local()


def scratch(shape: tuple[int, ...], dtype: np.dtype[Any], slot: int = 0) -> Array:
    """Return memory of this thread that is free until the next call with the same slot."""
    nbytes = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    buffers: dict[int, Array] = _local.__dict__.setdefault("buffers", {})
    buffer = buffers.get(slot)
    if buffer is None or buffer.nbytes < nbytes:
        buffer = buffers[slot] = np.empty(max(nbytes, 1 << 16), np.uint8)
    return buffer[:nbytes].view(dtype).reshape(shape)


def select(condition: Array, a: Array, b: Array, out: Array) -> None:
    """Put a where the condition holds and b elsewhere, bit by bit.

    Blending words has no branches: several times as fast as `numpy.where` on random conditions, and exact
    for nan, inf and signed zeros.
    """
    word = _WORDS.get(out.dtype.itemsize)
    if word is None or out.size < _SMALL or min(a.ndim, b.ndim, condition.ndim) == 0:
        out[...] = np.where(condition, a, b)
        return
    spread = scratch(condition.shape, word)
    np.negative(condition.view(np.uint8), out=spread, dtype=word, casting="unsafe")
    bits, other = out.view(word), b.view(word)
    np.bitwise_xor(a.view(word), other, out=bits)
    np.bitwise_and(bits, spread, out=bits)
    np.bitwise_xor(bits, other, out=bits)


def blank(good: Array, x: Array, out: Array) -> None:
    """Put x where good holds and 0 elsewhere, bit by bit; for values of 4 or 8 bytes."""
    word = _WORDS[out.dtype.itemsize]
    bits = out.view(word)
    np.negative(good.view(np.uint8), out=bits, dtype=word, casting="unsafe")
    np.bitwise_and(bits, x.view(word), out=bits)
