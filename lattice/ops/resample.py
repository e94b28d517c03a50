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
from lattice.graph.sections import Section, shape_of
from lattice.graph.types import is_bool
from lattice.native.machine import pays
from lattice.ops.lines import interpolated, splined
from lattice.ops.taps import METHODS, Taps, reach_of, recent, taps_at

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
        """Return the bytes of positions and weights, and of values that are put together."""
        n = math.prod(shape[a] for a in self.axes)
        low, high = reach_of(self.method)
        wide = self.attrs.dtype.itemsize
        taps = 9 + (high - low + 1) * len(self.axes) * max(4, wide)
        return n * (24 * len(self.axes) + 2 * taps) + 2 * math.prod(shape) * (wide + 1)

    def _taps(self, section: Section) -> Taps:
        here = tuple(section[a] for a in self.axes)
        lengths = tuple((self.children[0].attrs.shape or ())[a] for a in self.axes)
        kind = self.attrs.dtype.type(0).real.dtype
        key = (self.mapping, self.method, lengths, kind, *((s.start, s.stop, s.step) for s in here))
        return recent.get(key, lambda: taps_at(self.mapping.at(here), lengths, self.method, kind))

    def evaluate(self, inputs: tuple[Any, ...], section: Section) -> tuple[np.ndarray, np.ndarray | None]:
        """Return values and mask of a section."""
        shape = shape_of(section)
        (needed,) = self.needs(section)
        if 0 in shape or 0 in shape_of(needed):
            return np.zeros(shape, self.attrs.dtype), np.zeros(shape, bool)
        if self._is_spline:
            (p,) = self.mapping.at((section[self.axes[0]],))
            values, mask = inputs[0].array(needed)
            return splined(values, mask, self.axes[0], p)
        taps = self._taps(section)
        values, mask = inputs[0].array(needed)
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
