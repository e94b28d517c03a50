"""Masks of regions for compiled loops, which read them where they lie: most are the same in every plane."""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass
from typing import Any

import numpy as np

from lattice.execute.body import WIDTH
from lattice.graph.sections import Section, full
from lattice.plan.program import Leaf, Program

__all__ = ["Stencil", "Stencils"]

_KEPT = 4  # the masks of the last few blocks
_WHOLE = 1 << 22  # pixels of a plane of which the mask is made as a whole


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
    first : int
        Where among them the first pixel of a block is.
    """

    bytes: np.ndarray
    address: int
    n: int
    first: int = 0

    def fill(self, at: int, stop: int, target: np.ndarray) -> None:
        """Copy the values of the pixels from number `at` to `stop`."""
        done = 0
        while at < stop:
            begin = (self.first + at) % self.n
            k = min(stop - at, self.n - begin)
            target[done : done + k] = self.bytes[begin : begin + k]
            at += k
            done += k

    def place(self, at: int, stop: int) -> int | None:
        """Return where the values of the pixels from number `at` to `stop` are, if they follow each other."""
        begin = (self.first + at) % self.n
        return self.address + begin if begin + stop - at <= self.n else None


class Stencils:
    """The masks that blocks of one program share, whichever thread computes them."""

    def __init__(self, program: Program) -> None:
        self._shape = program.shape
        self._lock = threading.Lock()
        # by what is seen in memory, which is kept so that nothing else comes to lie there
        self._kept: dict[Any, tuple[np.ndarray, Stencil]] = {}
        self._planes: dict[int, tuple[int, Stencil] | None] = {}

    def of(self, leaf: Leaf, section: Section, inputs: Any) -> Stencil:
        """Return the mask of a region for a block, as what repeats along its first axes."""
        plane = self._plane(leaf, inputs)
        if plane is not None:
            level, whole = plane
            found = self._part(level, whole, section)
            if found is not None:
                return found
        return self._made(leaf.fetch(section, None, inputs)[0])

    def _plane(self, leaf: Leaf, inputs: Any) -> tuple[int, Stencil] | None:
        """Return from which axis on the mask varies, and its values there; None if these are many."""
        if leaf.value in self._planes:
            return self._planes[leaf.value]
        region, found = leaf.source.region, None
        varies = {axis + leaf.ndim for axis in region.varies()}
        inner = [k for k, (axis, _, _) in enumerate(leaf.view.axes) if axis in varies]
        level = min(inner, default=len(self._shape) - 1)
        if level and math.prod(self._shape[level:]) <= _WHOLE:
            rest = full(self._shape[level:])
            found = level, self._made(leaf.fetch((*full((1,) * level), *rest), None, inputs)[0])
        self._planes[leaf.value] = found
        return found

    def _part(self, level: int, whole: Stencil, section: Section) -> Stencil | None:
        """Return the values for a block of whole planes, or of one piece of a plane."""
        inner, shape = section[level:], self._shape[level:]
        if all(s.stop - s.start == n for s, n in zip(inner, shape, strict=True)):
            return whole
        first, piece = 0, math.prod(s.stop - s.start for s in inner)
        for s, n in zip(inner, shape, strict=True):
            first = first * n + s.start
        last = 0
        for s, n in zip(inner, shape, strict=True):
            last = last * n + s.stop - 1
        if last - first + 1 != piece or any(s.stop - s.start != 1 for s in section[:level]):
            return None
        return Stencil(whole.bytes, whole.address, whole.n, first)

    def _made(self, mask: np.ndarray) -> Stencil:
        """Return an array of truth values as what repeats along its first axes."""
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
