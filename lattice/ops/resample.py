"""Pixels at other positions: interpolation of one axis, or of two that belong together."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

from lattice.coords.mapping import PixelMap
from lattice.errors import LatticeRangeError, LatticeTypeError, ShapeMismatchError
from lattice.graph.attributes import Attributes
from lattice.graph.blend import select
from lattice.graph.node import Node, Operation
from lattice.graph.sections import Section, n_pixels, shape_of
from lattice.graph.types import is_bool
from lattice.native.machine import pays
from lattice.ops.lines import interpolated, splined
from lattice.ops.taps import KEPT, METHODS, Taps, footprint, most_kept, reach_of, recent, taps_at

__all__ = ["METHODS", "Resample", "resample"]


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

    def alike(self) -> tuple[bool, ...]:
        """Return that planes share weights, which are made once for all of them."""
        return tuple(a not in self.axes for a in range(self.attrs.ndim))

    def needs(self, section: Section) -> tuple[Section]:
        """Return the box of x in which the positions of a section lie."""
        out = list(section)
        if self._is_spline:
            out[self.axes[0]] = slice(0, (self.children[0].attrs.shape or ())[self.axes[0]], 1)
            return (tuple(out),)
        for axis, s in zip(self.axes, self._box(section), strict=True):
            out[axis] = s
        return (tuple(out),)

    def scratch(self, shape: tuple[int, ...]) -> int:
        """Return the bytes of weights, and of values that are put together."""
        n = math.prod(shape[a] for a in self.axes)
        wide = self.attrs.dtype.itemsize
        # around the places of a part of the sky lie up to twice as many pixels, and some in any case
        near = max(_LITTLE, 2 * n)
        if len(self.axes) == 1:
            own = (self.children[0].attrs.shape or ())[self.axes[0]]
            near = own if self._is_spline else min(own, 2 * n + 8)
        box = near * math.prod(shape) // max(1, n)
        total = n * self._taps_bytes() + box * (wide + 1) + math.prod(shape) * (wide + 1)
        if self.children[0].attrs.masked:  # bad pixels are replaced, and what they touch is looked for
            copies = 3 if self._is_spline else 1
            total += copies * box * (wide + 1) + (near if len(self.axes) > 1 else math.prod(shape)) * wide
        # and those of weights that are kept for other sections, which the two blocks planned share
        return total + (KEPT // 2 if len(self.axes) > 1 else _LITTLE * wide)

    def _taps_bytes(self) -> int:
        """Return the bytes of the weights of a pixel, and of what they are made of."""
        low, high = reach_of(self.method)
        return 24 + (high - low + 1) * len(self.axes) * max(4, self.attrs.dtype.itemsize)

    def _key(self, section: Section) -> tuple[Any, ...]:
        here = tuple(section[a] for a in self.axes)
        lengths = tuple((self.children[0].attrs.shape or ())[a] for a in self.axes)
        kind = self.attrs.dtype.type(0).real.dtype
        return (self.mapping, self.method, lengths, kind, *((s.start, s.stop, s.step) for s in here))

    def _box(self, section: Section) -> Section:
        """Return the box of x on the axes that are mapped, without making weights of large sections."""
        key = self._key(section)
        box = _boxes.get(key)
        if box is None:
            here = tuple(section[a] for a in self.axes)
            if n_pixels(here) <= min(_READY, most_kept() // 2 // self._taps_bytes()):
                box = self._taps(section).box
            else:
                box = footprint(self.mapping, here, key[2], self.method)
            while len(_boxes) >= _MANY:
                _boxes.pop(next(iter(_boxes)), None)
            _boxes[key] = box
        return box

    def _taps(self, section: Section) -> Taps:
        here = tuple(section[a] for a in self.axes)
        key = self._key(section)
        return recent.get(key, lambda: taps_at(self.mapping, here, key[2], self.method, key[3]))

    def evaluate(self, inputs: tuple[Any, ...], section: Section) -> tuple[np.ndarray, np.ndarray | None]:
        """Return values and mask of a section, of parts one by one where these need less at a time."""
        shape = shape_of(section)
        if 0 in shape:
            return np.zeros(shape, self.attrs.dtype), np.zeros(shape, bool)
        parts = self._parts(section)
        if len(parts) == 1:
            return self._evaluate(inputs[0], section)
        out, good = np.empty(shape, self.attrs.dtype), np.empty(shape, bool)
        for part in parts:
            at = tuple(
                slice((p.start - s.start) // s.step, (p.stop - 1 - s.start) // s.step + 1)
                for p, s in zip(part, section, strict=True)
            )
            out[at], mask = self._evaluate(inputs[0], part)
            good[at] = True if mask is None else mask
        return out, good

    def _parts(self, section: Section) -> list[Section]:
        """Return a section in parts that are not much smaller than what they are made of."""
        if len(self.axes) == 1:
            return [section]
        sizes = [shape_of(section)[a] for a in self.axes]
        wanted, most = n_pixels(self._box(section)), max(_LITTLE, 2 * math.prod(sizes))
        if wanted <= most or max(sizes) < 2 * _SIDE:
            return [section]
        axis = self.axes[int(np.argmax(sizes))]
        s = section[axis]
        middle = s.start + max(sizes) // 2 * s.step
        halves = (slice(s.start, middle - s.step + 1, s.step), slice(middle, s.stop, s.step))
        return [p for half in halves for p in self._parts((*section[:axis], half, *section[axis + 1 :]))]

    def _evaluate(self, pixels: Any, section: Section) -> tuple[np.ndarray, np.ndarray | None]:
        """Return values and mask of a section at once."""
        shape = shape_of(section)
        if self._is_spline:
            (p,) = self.mapping.at((section[self.axes[0]],))
            values, mask = pixels.array(self.needs(section)[0])
            return splined(values, mask, self.axes[0], p)
        taps = self._taps(section)
        if taps.is_empty:
            return np.zeros(shape, self.attrs.dtype), np.zeros(shape, bool)
        needed = list(section)
        for axis, s in zip(self.axes, taps.box, strict=True):
            needed[axis] = s
        values, mask = pixels.array(tuple(needed))
        if mask is not None and mask.all():
            mask = None
        if mask is not None:  # NaN times no weight would be NaN
            known = np.empty_like(values)
            select(mask, values, np.zeros((1,) * values.ndim, values.dtype), out=known)
            values = known
        with np.errstate(all="ignore"):
            if len(self.axes) == 1:
                return interpolated(values, mask, self.axes[0], taps)
            return self._planes(values, mask, taps, shape)

    def _planes(
        self, values: np.ndarray, mask: np.ndarray | None, taps: Taps, shape: tuple[int, ...]
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Return values and mask of planes."""
        compiled = pays(math.prod(shape))
        others = [a for a in range(len(shape)) if a not in self.axes]
        order = (*others, *self.axes)
        made = np.empty([shape[a] for a in order], self.attrs.dtype)
        taps.apply(np.ascontiguousarray(values.transpose(order)), made, compiled)
        good = np.broadcast_to(taps.inside.reshape(taps.shape), made.shape)
        if mask is not None:
            good = good.copy()
            bad = ~mask.transpose(order)
            before, touched = None, taps.inside
            for plane in np.ndindex(*made.shape[:-2]):
                if before is None or not np.array_equal(bad[plane], before):
                    before = bad[plane]  # planes are often bad at the same places
                    touched = taps.touched(before, compiled) if before.any() else np.zeros_like(taps.inside)
                good[plane] &= ~touched.reshape(taps.shape)
        back = np.argsort(order)
        result = np.ascontiguousarray(made.transpose(back))
        if mask is None and not taps.outside.size:
            return result, None
        return result, np.ascontiguousarray(good.transpose(back))

    @property
    def _is_spline(self) -> bool:
        return len(self.axes) == 1 and self.method == "cubic"


_LITTLE = 1 << 18  # pixels that a part is made of, in any case
_READY = 1 << 20  # pixels for which weights are made without further ado
_SIDE = 128  # pixels along the sides of a part, at least
_MANY = 4096
_boxes: dict[Any, Section] = {}
"""The boxes that were used last: they are small, and wanted again for other planes when weights are gone."""
