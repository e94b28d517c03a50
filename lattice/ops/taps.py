"""Which pixels a value between pixels is made of, and with which weights."""

from __future__ import annotations

import math
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lattice.config import get_options
from lattice.coords.mapping import PixelMap
from lattice.graph.sections import Section, shape_of
from lattice.native.gathered import gathered

__all__ = [
    "KEPT",
    "METHODS",
    "Taps",
    "footprint",
    "has_all",
    "most_kept",
    "reach_of",
    "recent",
    "taps_at",
    "weights_along",
]

_NEAR = 1e-6
METHODS = ("nearest", "linear", "cubic", "lanczos")
_REACH = {"nearest": (0, 0), "linear": (0, 1), "cubic": (-1, 2), "lanczos": (-2, 3)}
_BEYOND = {"nearest": 0.5, "linear": 1.0, "cubic": 1.0, "lanczos": 0.0}
_BAND = 1 << 14  # positions that are worked on at a time
KEPT = 1 << 24
"""Bytes of weights that are kept, at least."""
_PIECE = 1 << 14  # pixels of all planes that are made before the next ones are


def reach_of(method: str) -> tuple[int, int]:
    """Return the first and the last pixel that count, from the one before a position on."""
    return _REACH[method]


@dataclass(frozen=True)
class Taps:
    """How the pixels of a section are made of those of a box of the source.

    Attributes
    ----------
    box : tuple of slice
        The box, on the axes that are mapped; empty where no pixel has a position.
    shape : tuple of int
        Shape of the section.
    index : ndarray of int32, shape (n,)
        For each pixel, in a flat array, the first that it is made of, in the box as a flat array.
    rows, columns : ndarray of shape (count, n)
        Weights along the slower and the faster axis of the box; of one axis only `columns` count.
    inside : ndarray of bool, shape (n,)
        Where there is a value at all.
    outside : ndarray of int
        Numbers of the other pixels.
    """

    box: tuple[slice, ...]
    shape: tuple[int, ...]
    index: np.ndarray
    rows: np.ndarray
    columns: np.ndarray
    inside: np.ndarray
    outside: np.ndarray

    @property
    def n_bytes(self) -> int:
        """Memory that is taken."""
        return sum(a.nbytes for a in (self.index, self.rows, self.columns, self.inside, self.outside))

    @property
    def is_empty(self) -> bool:
        """Tell whether no pixel has a position."""
        return self.outside.size == self.inside.size

    def apply(self, planes: np.ndarray, out: np.ndarray, compiled: bool) -> None:
        """Make pixels of planes.

        Parameters
        ----------
        planes : ndarray
            Contiguous; on its last axes the pixels of the box.
        out : ndarray
            Contiguous; takes the pixels of the section, 0 where there is none.
        compiled : bool
            Whether to run machine code.
        """
        n = self.index.size
        source = planes.reshape(-1, math.prod(s.stop - s.start for s in self.box))
        target = out.reshape(-1, n)
        if planes.dtype.kind == "c" and len(self.rows) * len(self.columns) > 1:
            for plane, pixels in zip(source, target, strict=True):
                for part, made in ((plane.real, pixels.real), (plane.imag, pixels.imag)):
                    made[...] = self._sums(np.ascontiguousarray(part)[None], compiled)[0]
        else:
            self._sums(source, compiled, target)
        if self.outside.size:
            target[:, self.outside] = 0

    def _sums(
        self, source: np.ndarray, compiled: bool, out: np.ndarray | None = None, absolute: bool = False
    ) -> np.ndarray:
        """Return the sums of planes, a piece of all of them at a time."""
        n = self.index.size
        out = np.empty((len(source), n), source.dtype) if out is None else out
        pitch = self.box[-1].stop - self.box[-1].start
        for start in range(0, n, _PIECE):
            part = slice(start, start + _PIECE)
            rows, columns = self.rows[:, part], self.columns[:, part]
            if absolute:
                rows, columns = np.abs(rows), np.abs(columns)
            gathered(out[:, part], source, self.index[part], pitch, rows, columns, compiled)
        return out

    def touched(self, bad: np.ndarray, compiled: bool) -> np.ndarray:
        """Return where any of the pixels that a value is made of is bad; those without weight do not count.

        Parameters
        ----------
        bad : ndarray of bool
            One plane: the pixels of the box.
        compiled : bool
            Whether to run machine code.
        """
        # sizes of weights do not cancel: a sum is 0 only if no bad pixel has a weight
        plane = bad.astype(self.rows.dtype).reshape(1, -1)
        return self._sums(plane, compiled, absolute=True)[0] != 0


def most_kept() -> int:
    """Return the bytes of weights that are kept, by the memory limit that holds."""
    return max(KEPT, get_options().memory_bytes // 32)


class _Recent:
    """The taps that were used last: planes of one section share them, and threads do not make them twice."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Any, Taps] = OrderedDict()
        self._lock = threading.Lock()
        self._making: dict[Any, threading.Lock] = {}

    def get(self, key: Any, make: Callable[[], Taps]) -> Taps:
        """Return what `make` gives for a key, made anew only where it is not kept."""
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
                return found
            turn = self._making.setdefault(key, threading.Lock())
        with turn:
            with self._lock:
                found = self._kept.get(key)
            if found is None:
                found = make()
                self._put(key, found)
        return found

    def kept(self, key: Any) -> Taps | None:
        """Return what is kept for a key."""
        with self._lock:
            return self._kept.get(key)

    def _put(self, key: Any, taps: Taps) -> None:
        most = most_kept()
        with self._lock:
            self._making.pop(key, None)
            self._kept[key] = taps
            while len(self._kept) > 1 and sum(t.n_bytes for t in self._kept.values()) > most:
                self._kept.popitem(last=False)


recent = _Recent()


def _after_fork() -> None:
    # threads of the parent that held a lock are not in the child
    recent.__init__()  # type: ignore[misc]


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def footprint(mapping: PixelMap, here: Section, lengths: tuple[int, ...], method: str) -> Section:
    """Return the box of the source that a section is made of; empty where no pixel has a position.

    Parameters
    ----------
    mapping : PixelMap
        Gives positions on one or two axes.
    here : tuple of slice
        The section, on these axes.
    lengths : tuple of int
        Of these axes of the source.
    method : str
        One of `METHODS`.
    """
    low, high = list(lengths), [-1] * len(lengths)
    for _, known, firsts, _ in _bands(mapping, here, lengths, method):
        if known.any():
            for axis, first in enumerate(firsts):
                some = first[known]
                low[axis] = min(low[axis], int(some.min()))
                high[axis] = max(high[axis], int(some.max()))
    if high[0] < 0:
        return tuple(slice(0, 0, 1) for _ in lengths)
    counts = [_count(m, method) for m in lengths]
    return tuple(slice(a, b + n, 1) for a, b, n in zip(low, high, counts, strict=True))


def taps_at(
    mapping: PixelMap, here: Section, lengths: tuple[int, ...], method: str, kind: np.dtype[Any]
) -> Taps:
    """Return how values at positions are made.

    Parameters
    ----------
    mapping, here, lengths, method
        See `footprint`.
    kind : dtype
        Of the weights.
    """
    shape = shape_of(here)
    n = math.prod(shape)
    counts = [_count(m, method) for m in lengths]
    firsts = [np.empty(n, np.int32) for _ in lengths]
    weights = [np.empty((count, n), kind) for count in counts]
    inside = np.empty(n, bool)
    for part, known, first, found in _bands(mapping, here, lengths, method):
        inside[part] = known
        for axis, (f, w) in enumerate(zip(first, found, strict=True)):
            firsts[axis][part] = f
            for k, one in enumerate(w):
                weights[axis][k, part] = one
    outside = np.flatnonzero(~inside)
    if len(weights) == 1:
        weights.insert(0, np.ones((1, n), kind))
    if outside.size == n:
        empty = tuple(slice(0, 0, 1) for _ in lengths)
        return Taps(empty, shape, np.zeros(n, np.int32), weights[0], weights[1], inside, outside)
    box = []
    for own, count in zip(firsts, counts, strict=True):
        some = own[inside] if outside.size else own
        box.append(slice(int(some.min()), int(some.max()) + count, 1))
    sizes = [s.stop - s.start for s in box]
    index: Any = np.zeros(n, np.int32 if math.prod(sizes) < 1 << 31 else np.int64)
    for own, s, size in zip(firsts, box, sizes, strict=True):
        index *= size
        index += own - np.int32(s.start)
    index[outside] = 0
    return Taps(tuple(box), shape, index, weights[0], weights[1], inside, outside)


_Band = tuple[slice, np.ndarray, list[np.ndarray], list[list[np.ndarray]]]


def _bands(mapping: PixelMap, here: Section, lengths: tuple[int, ...], method: str) -> Iterator[_Band]:
    """Yield which pixels, where they are inside, and their first pixels and weights along each axis."""
    rows, width = shape_of(here)[0], math.prod(shape_of(here)[1:])
    own = here[0]
    many = max(1, 4 * _BAND // max(1, width))
    for row in range(0, rows, many):
        stop = min(rows, row + many)
        lines = slice(own.start + row * own.step, own.start + (stop - 1) * own.step + 1, own.step)
        positions = [np.ascontiguousarray(p).reshape(-1) for p in mapping.at((lines, *here[1:]))]
        for start in range(0, positions[0].size, _BAND):
            part = [p[start : start + _BAND] for p in positions]
            known, places = _inside(part, lengths, method)
            smooth = np.asarray(True)
            for p, m in zip(places, lengths, strict=True):
                smooth = smooth & has_all(p, m, method)
            found = [weights_along(p, m, method, smooth) for p, m in zip(places, lengths, strict=True)]
            first = row * width + start
            yield slice(first, first + known.size), known, [f for f, _ in found], [w for _, w in found]


def _inside(
    positions: Sequence[np.ndarray], lengths: tuple[int, ...], method: str
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return where positions have values, and the positions, 0 elsewhere."""
    known = np.ones(positions[0].shape, bool)
    near = []
    for p, n in zip(positions, lengths, strict=True):
        # positions are known to a millionth of a pixel: what is that near to a pixel is that pixel alone
        whole = np.rint(p)
        p = np.where(np.abs(p - whole) < _NEAR, whole, p)
        beyond = _BEYOND[method] if n > 1 and len(lengths) > 1 else 0.0
        # a whole pixel beyond the edge nothing is known: images moved by whole pixels stay as they are
        known &= (p > -1) & (p < n) & (p >= -beyond) & (p <= n - 1 + beyond)
        near.append(p)
    return known, near if known.all() else [np.where(known, p, 0) for p in near]


def _count(n: int, method: str) -> int:
    """Return the number of weights along an axis of n pixels."""
    low, high = _REACH[method]
    return 1 if n == 1 else high - low + 1 if n >= high - low + 1 else 2


def has_all(p: np.ndarray, n: int, method: str) -> Any:
    """Tell where an axis of n pixels has all that a method needs; elsewhere it is linear."""
    low, high = _REACH[method]
    if method in ("nearest", "linear") or n == 1:
        return True
    # a position at the last pixel has none on its far side, but needs none either
    cell = np.minimum(np.floor(p), n - 2)
    return (cell + low >= 0) & (cell + high <= n - 1) & (p >= 0) & (p <= n - 1)


def weights_along(
    p: np.ndarray, n: int, method: str, smooth: np.ndarray
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return the first pixel and the weights of all for positions on one axis of n pixels.

    The method holds where `smooth` does, elsewhere it is linear.
    """
    if method == "nearest" or n == 1:
        # a position halfway belongs to the pixel before it
        return np.clip(np.ceil(p - 0.5).astype(np.intp), 0, n - 1), [np.ones(p.shape)]
    low, high = _REACH[method]
    size = high - low + 1
    cell = np.clip(np.floor(p), 0, n - 2)
    t = p - cell  # beyond the edge it is below 0 or above 1
    if method == "linear" or n < size:
        return cell.astype(np.intp), [1 - t, t]
    first = np.clip(cell + low, 0, n - size)
    weights = _keys(t) if method == "cubic" else _lanczos(t)
    if not np.all(smooth):
        ahead = cell - first
        for k in range(size):
            line = np.where(ahead == k, 1 - t, 0) + np.where(ahead == k - 1, t, 0)
            weights[k] = np.where(smooth, weights[k], line)
    return first.astype(np.intp), weights


def _keys(t: np.ndarray) -> list[np.ndarray]:
    """Return the weights of cubic convolution of the pixels at -1, 0, 1 and 2."""

    def near(s: np.ndarray) -> np.ndarray:
        return (1.5 * s - 2.5) * s * s + 1

    def far(s: np.ndarray) -> np.ndarray:
        return ((-0.5 * s + 2.5) * s - 4) * s + 2

    return [far(1 + t), near(t), near(1 - t), far(2 - t)]


def _lanczos(t: np.ndarray) -> list[np.ndarray]:
    """Return the weights of the pixels from -2 to 3, of Lanczos' function with three lobes."""
    # sines of all distances by the theorem of addition: sin(pi (t - k)) and sin(pi (t - k) / 3)
    whole, third, other = np.sin(np.pi * t), np.sin(np.pi / 3 * t), np.cos(np.pi / 3 * t)
    raw = []
    for k in range(-2, 4):
        c, s = np.cos(np.pi / 3 * k), np.sin(np.pi / 3 * k)
        distance = np.pi * (t - k)
        product = (-1.0) ** k * whole * (third * c - other * s)
        with np.errstate(all="ignore"):
            raw.append(np.where(np.abs(distance) < _NEAR * 1e-2, 1.0, 3 * product / (distance * distance)))
    total = sum(raw[1:], raw[0])
    # at whole pixels all others have no weight, but for rounding
    return [np.where(np.abs(w) < 1e-13, 0, w / total) for w in raw]
