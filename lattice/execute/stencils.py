"""Masks of regions for compiled loops, which read them where they lie: most are the same in every plane."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

import numpy as np

from lattice.execute.body import WIDTH

__all__ = ["Stencil", "Stencils"]

_KEPT = 4  # the masks of the last few blocks


@dataclass(frozen=True, slots=True)
class Stencil:
    """Truth values that repeat, one byte each; a loop may read some beyond the last.

    Attributes
    ----------
    bytes : ndarray of uint8
        The values and some more.
    address : int
        Where they are.
    n : int
        After how many pixels they begin again.
    """

    bytes: np.ndarray
    address: int
    n: int

    def fill(self, at: int, stop: int, target: np.ndarray) -> None:
        """Copy the values of the pixels from number `at` to `stop`."""
        done = 0
        while at < stop:
            begin = at % self.n
            k = min(stop - at, self.n - begin)
            target[done : done + k] = self.bytes[begin : begin + k]
            at += k
            done += k

    def place(self, at: int, stop: int) -> int | None:
        """Return where the values of the pixels from number `at` to `stop` are, if they follow each other."""
        begin = at % self.n
        return self.address + begin if begin + stop - at <= self.n else None


class Stencils:
    """The masks that blocks of one program share, whichever thread computes them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # by what is seen in memory, which is kept so that nothing else comes to lie there
        self._kept: dict[Any, tuple[np.ndarray, Stencil]] = {}

    def of(self, mask: np.ndarray) -> Stencil:
        """Return a mask of a block as what repeats along its first axes."""
        plane = mask
        while plane.ndim > 1 and (plane.strides[0] == 0 or plane.shape[0] == 1):
            plane = plane[0]
        key = (plane.ctypes.data, plane.shape, plane.strides)
        found = self._kept.get(key)
        if found is None:
            flat = np.zeros(plane.size + WIDTH, np.uint8)
            flat[: plane.size].reshape(plane.shape)[...] = plane
            found = plane, Stencil(flat, flat.ctypes.data, plane.size)
            with self._lock:
                while len(self._kept) >= _KEPT:
                    del self._kept[next(iter(self._kept))]
                self._kept[key] = found
        return found[1]
