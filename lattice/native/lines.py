"""Memory that the caches of different cores do not fight for."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["apart"]

_LINE = 128  # bytes that processors fetch together


def apart(shape: int | tuple[int, ...], dtype: Any) -> np.ndarray:
    """Return zeros that share no line of the cache with anything else.

    Threads that add to sums which happen to lie side by side would wait for each other's caches.
    """
    n = int(np.prod(shape)) * np.dtype(dtype).itemsize
    raw = np.zeros(-(-n // _LINE) * _LINE + _LINE, np.uint8)
    first = -raw.ctypes.data % _LINE
    return raw[first : first + n].view(dtype).reshape(shape)
