"""Memory for compiled loops."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence

import numpy as np

__all__ = ["memory"]

_PAGE = 4096
_STEP = 1 << 16  # sizes are multiples of this, so that a buffer fits what comes next


class Memory:
    """Buffers that one run hands to the next: memory that is new to a process costs more than its use."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._free: dict[int, list[np.ndarray]] = {}
        self._lock = threading.Lock()

    def take(self, nbytes: int) -> np.ndarray:
        """Return at least so many bytes."""
        size = -(-nbytes // _STEP) * _STEP
        with self._lock:
            free = self._free.get(size)
            if free:
                return free.pop()
        raw = np.empty(size + _PAGE, np.uint8)
        first = -raw.ctypes.data % _PAGE
        return raw[first : first + size]

    def forget_threads(self) -> None:
        """Let go of a lock that a thread of the parent process may have held: here it is no more."""
        self._lock = threading.Lock()

    def give(self, buffers: Sequence[np.ndarray]) -> None:
        """Take back what is not used any more."""
        with self._lock:
            for buffer in buffers:
                free = self._free.setdefault(buffer.nbytes, [])
                if sum(size * len(b) for size, b in self._free.items()) + buffer.nbytes <= self._most:
                    free.append(buffer)


memory = Memory(48 << 20)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=memory.forget_threads)
