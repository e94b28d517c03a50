"""Pixels at other positions: interpolation of one axis, or of two that belong together."""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from lattice.coords.mapping import PixelMap
from lattice.errors import LatticeRangeError, LatticeTypeError, ShapeMismatchError
from lattice.graph.attributes import Attributes
from lattice.graph.node import Node, Operation
from lattice.graph.sections import Section, shape_of
from lattice.graph.types import is_bool

__all__ = ["METHODS", "Resample", "has_all", "resample", "weights_along"]

_NEAR = 1e-6
METHODS = ("nearest", "linear", "cubic", "lanczos")
_REACH = {"nearest": (0, 0), "linear": (0, 1), "cubic": (-1, 2), "lanczos": (-2, 3)}
_BEYOND = {"nearest": 0.5, "linear": 1.0, "cubic": 1.0, "lanczos": 0.0}


def resample(x: Node, axes: tuple[int, ...], mapping: PixelMap, method: str, attrs: Attributes) -> Node:
    """Return a lattice with pixels at other positions along some axes.

    Parameters
    ----------
    x : Node
        A lattice; of truth values only by the nearest pixel.
    axes : tuple of int
        One or two axes, in rising order, that are mapped together.
    mapping : PixelMap
        Where the pixels of the result are on these axes of x.
    method : {"nearest", "linear", "cubic", "lanczos"}
        Nearest pixel; (bi)linear; cubic: of two axes by convolution (Keys 1981, IEEE Trans. ASSP 29, 1153,
        a = -1/2) over 4 pixels each way, of one axis by a natural spline through all its pixels; Lanczos with
        3 lobes over 6 pixels, its weights scaled to a sum of 1.
    attrs : Attributes
        Of the result, but for its type and mask.

    Returns
    -------
    Node
        Bad where x has no pixel, and where any of the pixels that a value is made of is bad. A spline is made
        of all good pixels, bad ones bridged by lines; there the two pixels on either side count.

    Notes
    -----
    As in CASA, positions on two axes up to one pixel beyond the edge (half a pixel for the nearest) are still
    served, by the line through the two outermost pixels; cubic convolution is linear, along both axes, where
    it lacks pixels along one.
    """
    if method not in METHODS:
        raise LatticeRangeError(
            f"there is no interpolation {method!r}", hint=f"there are {', '.join(METHODS)}"
        )
    if not x.attrs.shape or (is_bool(x.attrs.dtype) and method != "nearest"):
        raise LatticeTypeError(
            f"a {x.attrs.describe()} cannot be interpolated",
            hint="truth values are resampled by method='nearest'" if x.attrs.shape else None,
        )
    if len(axes) != mapping.n_axes or list(axes) != sorted(set(axes)):
        raise ShapeMismatchError(f"{mapping.n_axes} axes are mapped together, not {list(axes)}")
    node: Node = Resample((x,), axes, mapping, method, attrs.with_(dtype=x.attrs.dtype, masked=True))
    return node


@dataclass(frozen=True)
class _Taps:
    """How the pixels of a section are made of those of a box of the source.

    Attributes
    ----------
    box : tuple of slice
        The box, on the axes that are mapped; empty where no pixel has a position.
    index : ndarray
        Of the first pixel that a value is made of, in the box as a flat array.
    weights : list of list of ndarray
        For each axis the weight of each of its pixels.
    inside : ndarray of bool
        Where there is a value at all.
    """

    box: tuple[slice, ...]
    index: np.ndarray
    weights: list[list[np.ndarray]]
    inside: np.ndarray


class Resample(Operation):
    """Pixels at other positions; fields: (x,), axes, map, method, attributes of the result."""

    __slots__ = ("axes", "mapping", "method")
    name: ClassVar[str] = "resample"
    axes: tuple[int, ...]
    mapping: PixelMap
    method: str

    def _build(
        self,
        children: tuple[Node, ...],
        axes: tuple[int, ...],
        mapping: PixelMap,
        method: str,
        attrs: Attributes,
    ) -> None:
        self._set(children=children, axes=axes, mapping=mapping, method=method, attrs=attrs)

    def show(self, x: str) -> str:
        """Return the call as one would write it if the language had it."""
        sizes = ", ".join(f"{self.attrs.dims[a]} {(self.attrs.shape or ())[a]}" for a in self.axes)
        return f"regrid({x}, [{sizes}], {self.method})"

    def access(self) -> tuple[bool, ...]:
        """Return that blocks should be long where pixels are put together."""
        return tuple(a in self.axes for a in range(self.attrs.ndim))

    def needs(self, section: Section) -> tuple[Section]:
        """Return the box of x in which the positions of a section lie."""
        out = list(section)
        if self._is_spline:
            out[self.axes[0]] = slice(0, (self.children[0].attrs.shape or ())[self.axes[0]], 1)
            return (tuple(out),)
        box = self._taps(section).box
        for axis, s in zip(self.axes, box, strict=True):
            out[axis] = s
        return (tuple(out),)

    def scratch(self, shape: tuple[int, ...]) -> int:
        """Return the bytes of positions and weights, and of a plane's sums."""
        n = math.prod(shape[a] for a in self.axes)
        low, high = _REACH[self.method]
        taps = (high - low + 1) * len(self.axes)
        wide = self.attrs.dtype.itemsize
        return n * (16 * len(self.axes) + 16 + taps * max(4, wide) + 4 * wide) + math.prod(shape) * (wide + 1)

    def _taps(self, section: Section) -> _Taps:
        here = tuple(section[a] for a in self.axes)
        lengths = tuple((self.children[0].attrs.shape or ())[a] for a in self.axes)
        kind = self.attrs.dtype.type(0).real.dtype
        key = (self.mapping, self.method, lengths, kind, *((s.start, s.stop, s.step) for s in here))
        found: _Taps | None = _recent.get(key)
        if found is None:
            found = _taps(self.mapping.at(here), lengths, self.method, kind)
            _recent.put(key, found)
        return found

    def evaluate(self, inputs: tuple[Any, ...], section: Section) -> tuple[np.ndarray, np.ndarray | None]:
        """Return values and mask of a section."""
        if self._is_spline:
            return self._evaluate_spline(inputs[0], section)
        taps = self._taps(section)
        shape = shape_of(section)
        out = np.zeros(shape, self.attrs.dtype)
        good = np.zeros(shape, bool)
        (needed,) = self.needs(section)
        if 0 in shape or 0 in shape_of(needed):
            return out, good
        values, mask = inputs[0].array(needed)
        others = [a for a in range(len(shape)) if a not in self.axes]
        front = range(len(others))
        source, target, filled = (np.moveaxis(array, others, front) for array in (values, out, good))
        marks = None if mask is None or mask.all() else np.moveaxis(mask, others, front)
        with np.errstate(all="ignore"):
            for plane in np.ndindex(*target.shape[: len(others)]):
                flat = np.ascontiguousarray(source[plane]).reshape(-1)
                filled[plane] = taps.inside
                if marks is not None:
                    bad = ~np.ascontiguousarray(marks[plane]).reshape(-1)
                    filled[plane] &= ~_touched(bad, taps)
                    flat = np.where(bad, 0, flat)  # NaN times no weight would be NaN
                target[plane] = np.where(taps.inside, _interpolated(flat, taps), 0)
        return out, good

    @property
    def _is_spline(self) -> bool:
        return len(self.axes) == 1 and self.method == "cubic"

    def _evaluate_spline(self, pixels: Any, section: Section) -> tuple[np.ndarray, np.ndarray | None]:
        """Return values and mask of a section, by splines along the axis."""
        from scipy.interpolate import CubicSpline

        axis = self.axes[0]
        shape = shape_of(section)
        (needed,) = self.needs(section)
        n = (self.children[0].attrs.shape or ())[axis]
        (p,) = self.mapping.at((section[axis],))
        inside = (p >= 0) & (p <= n - 1)
        row = [1] * len(shape)
        row[axis] = -1
        if 0 in shape or not inside.any():
            return np.zeros(shape, self.attrs.dtype), np.zeros(shape, bool)
        values, mask = pixels.array(needed)
        wide = values.astype(np.complex128 if values.dtype.kind == "c" else np.float64)
        good = np.broadcast_to(inside.reshape(row), shape)
        if mask is not None and not mask.all():
            wide = _bridged(wide, mask, axis)
            left = np.clip(np.floor(p).astype(int), 0, n - 1)
            right = np.clip(np.ceil(p).astype(int), 0, n - 1)
            good = good & mask.take(left, axis=axis) & mask.take(right, axis=axis)
        at = np.where(inside, p, 0.0)
        if n < 3:
            t = at.reshape(row)
            found = wide.take([0], axis=axis) * (1 - t) + wide.take([n - 1], axis=axis) * t
        else:
            found = CubicSpline(np.arange(n), wide, axis=axis, bc_type="natural")(at)
        return np.where(good, found, 0).astype(self.attrs.dtype), np.ascontiguousarray(good)


class _Recent:
    """The taps that were used last: planes of one section share them."""

    most = 8

    def __init__(self) -> None:
        self._kept: OrderedDict[Any, _Taps] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Any) -> _Taps | None:
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
            return found

    def put(self, key: Any, taps: _Taps) -> None:
        with self._lock:
            self._kept[key] = taps
            while len(self._kept) > self.most:
                self._kept.popitem(last=False)


_recent = _Recent()


def _taps(
    positions: tuple[np.ndarray, ...], lengths: tuple[int, ...], method: str, kind: np.dtype[Any]
) -> _Taps:
    """Return how values at positions are made."""
    # positions are known to a millionth of a pixel: what is that near to a pixel is that pixel, and no other
    positions = tuple(np.where(np.abs(p - np.rint(p)) < _NEAR, np.rint(p), p) for p in positions)
    inside = np.ones(positions[0].shape, bool)
    for p, n in zip(positions, lengths, strict=True):
        beyond = _BEYOND[method] if n > 1 and len(lengths) > 1 else 0.0
        # a whole pixel beyond the edge nothing is known: images moved by whole pixels stay as they are
        inside &= (p > -1) & (p < n) & (p >= -beyond) & (p <= n - 1 + beyond)
    firsts, weights = [], []
    places = [np.where(inside, p, 0) for p in positions]
    smooth = np.ones(inside.shape, bool)
    for p, n in zip(places, lengths, strict=True):
        smooth &= has_all(p, n, method)
    for p, n in zip(places, lengths, strict=True):
        first, w = weights_along(p, n, method, smooth)
        firsts.append(first)
        weights.append([np.asarray(one, kind) for one in w])
    if not inside.any():
        empty = tuple(slice(0, 0, 1) for _ in lengths)
        return _Taps(empty, np.zeros(inside.shape, np.intp), weights, inside)
    box = []
    for first, w in zip(firsts, weights, strict=True):
        box.append(slice(int(first[inside].min()), int(first[inside].max()) + len(w), 1))
    index = np.zeros(inside.shape, np.intp)
    for first, s in zip(firsts, box, strict=True):
        index = index * (s.stop - s.start) + (first - s.start)
    index[~inside] = 0
    return _Taps(tuple(box), index, weights, inside)


def has_all(p: np.ndarray, n: int, method: str) -> Any:
    """Tell where an axis of n pixels has all that a method needs; elsewhere it is linear."""
    low, high = _REACH[method]
    if method in ("nearest", "linear") or n == 1:
        return True
    cell = np.floor(p)
    # a position at the last pixel has none on its far side, but needs none either
    cell = np.minimum(cell, n - 2)
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
    cell = np.clip(np.floor(p).astype(np.intp), 0, n - 2)
    t = p - cell  # beyond the edge it is below 0 or above 1
    if method == "linear" or n < size:
        return cell, [1 - t, t]
    first = np.clip(cell + low, 0, n - size)
    weight = _keys(t) if method == "cubic" else _lanczos(t)
    weights = []
    for k in range(size):
        line = np.where(first + k == cell, 1 - t, 0) + np.where(first + k == cell + 1, t, 0)
        weights.append(np.where(smooth, weight[k], line))
    return first, weights


def _keys(t: np.ndarray) -> list[np.ndarray]:
    """Return the weights of cubic convolution of the pixels at -1, 0, 1 and 2."""

    def near(s: np.ndarray) -> np.ndarray:
        return (1.5 * s - 2.5) * s * s + 1

    def far(s: np.ndarray) -> np.ndarray:
        return ((-0.5 * s + 2.5) * s - 4) * s + 2

    return [far(1 + t), near(t), near(1 - t), far(2 - t)]


def _lanczos(t: np.ndarray) -> list[np.ndarray]:
    """Return the weights of the pixels from -2 to 3, of Lanczos' function with three lobes."""
    raw = [np.sinc(t - k) * np.sinc((t - k) / 3) for k in range(-2, 4)]
    total = sum(raw[1:], raw[0])
    # at whole pixels all others have no weight, but for rounding
    return [np.where(np.abs(w) < 1e-13, 0, w / total) for w in raw]


def _interpolated(flat: np.ndarray, taps: _Taps) -> np.ndarray:
    """Return the sums of weighted pixels of a plane."""
    *outer, row = taps.weights
    width = taps.box[-1].stop - taps.box[-1].start
    total: np.ndarray | None = None
    for k, weight in enumerate(outer[0] if outer else [None]):
        part = _row(flat[k * width :], taps.index, row)
        if weight is not None:
            part *= weight
        total = part if total is None else np.add(total, part, out=total)
    assert total is not None
    return total


def _row(flat: np.ndarray, index: np.ndarray, weights: list[np.ndarray]) -> np.ndarray:
    """Return the sums along the fast axis."""
    total = flat.take(index, mode="clip")
    if len(weights) == 1:
        return total
    total *= weights[0]
    term = np.empty_like(total)
    for k in range(1, len(weights)):
        np.take(flat[k:], index, out=term, mode="clip")
        np.multiply(term, weights[k], out=term)
        np.add(total, term, out=total)
    return total


def _touched(bad: np.ndarray, taps: _Taps) -> np.ndarray:
    """Return where any of the pixels that a value is made of is bad; those without weight do not count."""
    *outer, row = taps.weights
    width = taps.box[-1].stop - taps.box[-1].start
    found = np.zeros(taps.index.shape, bool)
    for i, weight in enumerate(outer[0] if outer else [None]):
        for k, across in enumerate(row):
            term = bad[i * width + k :].take(taps.index, mode="clip")
            term &= across != 0
            if weight is not None:
                term &= weight != 0
            found |= term
    return found


def _bridged(values: np.ndarray, mask: np.ndarray, axis: int) -> np.ndarray:
    """Return values with bad ones replaced along an axis, by lines between the good ones next to them."""
    out = np.moveaxis(values.copy(), axis, -1)
    marks = np.moveaxis(mask, axis, -1)
    pixels = np.arange(out.shape[-1])
    for at in np.ndindex(*out.shape[:-1]):
        good = marks[at]
        if good.all():
            continue
        out[at][~good] = np.interp(pixels[~good], pixels[good], out[at][good]) if good.any() else 0
    return np.moveaxis(out, -1, axis)
