"""Labels of connected pixels, and pieces of regions that are joined where slabs of pixels meet."""

from __future__ import annotations

import itertools
import math
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from lattice.graph.sections import full, iter_grid

__all__ = ["AT_ONCE", "Joined", "Kept", "at_once", "labelled", "meetings"]

Array = np.ndarray[Any, Any]
AT_ONCE = 1 << 18  # pixels that are looked up at a time


def labelled(part: Array, axes: Sequence[int], diagonal: bool) -> tuple[Array, int]:
    """Return numbers from 1 on of the connected pixels that are T, and how many there are.

    Parameters
    ----------
    part : ndarray of bool
        The pixels.
    axes : sequence of int
        Along which pixels are neighbours.
    diagonal : bool
        Whether pixels that touch at edges or corners only are neighbours, too.
    """
    from scipy.ndimage import generate_binary_structure, label

    near = generate_binary_structure(len(axes), len(axes) if diagonal else 1)
    lengths = [3 if a in axes else 1 for a in range(part.ndim)]
    structure = np.zeros((3,) * part.ndim, bool)
    structure[tuple(slice(None) if n == 3 else slice(1, 2) for n in lengths)] = near.reshape(lengths)
    labels, count = label(part, structure, output=np.int32)
    return labels, int(count)


def at_once(n: int) -> Iterator[slice]:
    """Yield the pixels of a flat array, some at a time."""
    for first in range(0, n, AT_ONCE):
        yield slice(first, min(n, first + AT_ONCE))


def meetings(last: Array, first: Array, diagonal: bool) -> Iterator[tuple[Array, Array]]:
    """Yield pairs of labels that are neighbours in two planes beside each other; few come twice."""
    shifts = itertools.product((-1, 0, 1), repeat=last.ndim) if diagonal else [(0,) * last.ndim]
    for shift in shifts:
        here = tuple(slice(max(0, -s), n - max(0, s)) for s, n in zip(shift, last.shape, strict=True))
        there = tuple(slice(max(0, s), n - max(0, -s)) for s, n in zip(shift, last.shape, strict=True))
        a, b = last[here], first[there]
        counts, room = [1] * a.ndim, AT_ONCE
        for axis in reversed(range(a.ndim)):
            counts[axis] = max(1, min(a.shape[axis], room))
            room //= counts[axis]
        for box in iter_grid(full(a.shape), counts) if a.size else ():
            touch = (a[box] > 0) & (b[box] > 0)
            if touch.any():
                pairs = np.unique(a[box][touch].astype(np.int64) << 32 | b[box][touch])
                yield pairs >> 32, pairs & 0xFFFFFFFF


class Joined:
    """Numbered pieces, some of which are one region; the region's number is that of its first piece.

    Attributes
    ----------
    count : int
        Pieces so far; their numbers begin at 1.
    """

    def __init__(self) -> None:
        self.count = 0
        self._parent = np.zeros(1 << 12, np.int32)

    def add(self, count: int) -> None:
        """Add pieces, each of which is a region of its own."""
        wanted = self.count + count + 1
        if wanted > self._parent.size:
            more = np.zeros(max(wanted, self._parent.size * 5 // 4), np.int32)
            more[: self.count + 1] = self._parent[: self.count + 1]
            self._parent = more
        self._parent[self.count + 1 : wanted] = np.arange(self.count + 1, wanted)
        self.count += count

    def join(self, a: Array, b: Array) -> None:
        """Make one region of each pair of pieces."""
        while a.size:
            a, b = self._first(a), self._first(b)
            differ = a != b
            a, b = a[differ], b[differ]
            # of several that a piece is to follow it follows the first; the others are for the next round
            np.minimum.at(self._parent, np.maximum(a, b), np.minimum(a, b))

    def _first(self, pieces: Array) -> Array:
        found = self._parent[pieces]
        while True:
            further = self._parent[found]
            if np.array_equal(further, found):
                self._parent[pieces] = found
                return found
            found = further

    def regions(self) -> Array:
        """Return for each piece the number of its region; the first element stands for no piece."""
        found = self._parent[: self.count + 1]
        for part in at_once(found.size):
            found[part] = self._first(np.arange(part.start, part.stop))
        return found


class Kept:
    """What was found for the last few volumes, by all threads that work on one program."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._found: OrderedDict[Any, Any] = OrderedDict()

    def get(self, key: Any, make: Callable[[], Any]) -> Any:
        """Return what is known of a volume; the first thread to ask makes it, and others wait."""
        with self._lock:
            if key not in self._found:
                self._found[key] = make()
                while len(self._found) > 2:
                    self._found.popitem(last=False)
            return self._found[key]


def slab_length(lengths: Sequence[int], most: int) -> int:
    """Return how many planes make a slab of at most so many pixels, at least one."""
    return max(1, most // max(1, math.prod(lengths[1:])))
