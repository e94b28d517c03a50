"""Convolution along any axes: the one operation behind all smoothing.

A kernel is sampled at pixel centres.  Bad pixels count as zero, or are left out and the weights of the
others scaled up; a kernel may differ from plane to plane.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from lattice.errors import LatticeRangeError, LatticeTypeError, ShapeMismatchError
from lattice.graph.blend import select
from lattice.graph.node import Node, Operation
from lattice.graph.records import FrozenArray
from lattice.graph.sections import Section, shape_of
from lattice.graph.types import is_bool
from lattice.native.machine import pays
from lattice.ops.filters import Span, convolved, way_of

__all__ = ["Convolve", "convolve"]


def convolve(
    x: Node,
    kernel: Any,
    axes: Sequence[int],
    *,
    edge: str = "zero",
    bad: str = "zero",
    forward: bool = False,
) -> Node:
    """Return a lattice convolved with a kernel.

    Parameters
    ----------
    x : Node
        A numeric lattice.
    kernel : array_like or sequence of array_like
        Weights, one axis for each of `axes`. The centre is element ``n // 2`` of each axis. A list has one
        kernel per plane: in C order of the axes that are not convolved.
    axes : sequence of int
        Numpy numbers of the axes, in rising order.
    edge : {"zero", "mirror"}
        What lies beyond the lattice: zeros, or the lattice mirrored at its outermost pixels (which are not
        repeated).
    bad : {"zero", "leave"}
        Bad pixels count as zero, and the mask is that of x; or they, and what lies beyond a zero edge, are
        left out, the weights of the good pixels scaled to the same sum, and a pixel is bad where no good one
        has a weight.

    forward : bool
        Whether the weights lie over a pixel and those after it, none before, instead of around it; the last
        weight is that of the pixel itself.

    Returns
    -------
    Node
        Of the type and shape of x. Unit and beams are those of x: what a kernel means for them, the caller
        knows.

    Raises
    ------
    ShapeMismatchError
        When kernel and axes do not fit.
    """
    attrs = x.attrs
    shape = attrs.shape or ()
    if not shape or is_bool(attrs.dtype):
        raise LatticeTypeError(f"only lattices of numbers are convolved, not a {attrs.describe()}")
    numbers = tuple(axes)
    if (
        not numbers
        or list(numbers) != sorted(set(numbers))
        or not 0 <= numbers[0] <= numbers[-1] < attrs.ndim
    ):
        raise ShapeMismatchError(f"axes {list(numbers)} are not different axes of a {attrs.describe()}")
    several = isinstance(kernel, list | tuple) and bool(kernel) and np.ndim(kernel[0]) == len(numbers)
    kernels = tuple(_checked(k, len(numbers)) for k in (kernel if several else [kernel]))
    planes = math.prod(n for a, n in enumerate(shape) if a not in numbers)
    if len(kernels) not in (1, planes):
        raise ShapeMismatchError(
            f"{len(kernels)} kernels for {planes} planes", hint="give one, or one per plane"
        )
    if len(set(kernels)) == 1:
        kernels = kernels[:1]
    if edge not in ("zero", "mirror") or bad not in ("zero", "leave"):
        raise LatticeRangeError(f"edge={edge!r}, bad={bad!r}: edge is zero or mirror, bad is zero or leave")
    node: Node = Convolve((x,), kernels, numbers, edge, bad, forward)
    return node


def _checked(kernel: Any, ndim: int) -> FrozenArray:
    weights = np.asarray(kernel)
    if weights.ndim != ndim or 0 in weights.shape:
        raise ShapeMismatchError(f"a kernel of shape {weights.shape} does not fit {ndim} axes")
    if weights.dtype.kind not in "biufc" or not np.isfinite(weights).all():
        raise LatticeRangeError("the weights of a kernel are finite numbers")
    if weights.dtype.kind == "c":
        raise LatticeTypeError("a kernel has real weights")
    return FrozenArray(weights.astype(np.float64))


class Convolve(Operation):
    """Convolution; fields: (x,), kernels, axes, edge, bad, forward."""

    __slots__ = ("axes", "bad", "edge", "forward", "kernels")
    name: ClassVar[str] = "convolve"
    axes: tuple[int, ...]
    kernels: tuple[FrozenArray, ...]
    edge: str
    bad: str
    forward: bool

    def _build(
        self,
        children: tuple[Node, ...],
        kernels: tuple[FrozenArray, ...],
        axes: tuple[int, ...],
        edge: str,
        bad: str,
        forward: bool,
    ) -> None:
        x = children[0].attrs
        self._set(children=children, kernels=kernels, axes=axes, edge=edge, bad=bad, forward=forward)
        self._set(attrs=x.with_(masked=x.masked))

    def show(self, x: str) -> str:
        """Return the call as one would write it if the language had it."""
        sizes = " x ".join(str(n) for n in self.kernels[0].array.shape)
        along = ", ".join(self.attrs.dims[a] for a in self.axes)
        return f"convolve({x}, kernel {sizes}, along=[{along}])"

    def access(self) -> tuple[bool, ...]:
        """Return that blocks should be long where pixels are put together."""
        return tuple(a in self.axes for a in range(self.attrs.ndim))

    def _reach(self) -> list[tuple[int, int]]:
        """Return how many pixels before and after one a result is made of, for each of the axes."""
        sizes = [max(k.array.shape[i] for k in self.kernels) for i in range(len(self.axes))]
        return [(0, n - 1) if self.forward else (n - 1 - n // 2, n // 2) for n in sizes]

    def needs(self, section: Section) -> tuple[Section]:
        """Return the section with the pixels around it."""
        out = list(section)
        for axis, (before, after) in zip(self.axes, self._reach(), strict=True):
            n = (self.attrs.shape or ())[axis]
            s = section[axis]
            start, stop = s.start - before, s.stop + after
            if self.edge == "mirror":  # what is mirrored lies inside
                start, stop = min(start, n - 1 - (stop - n)), max(stop, 1 - (s.start - before))
            out[axis] = slice(max(0, start), min(n, stop), 1) if s.stop > s.start else slice(0, 0, 1)
        return (tuple(out),)

    def scratch(self, shape: tuple[int, ...]) -> int:
        """Return the bytes of values, bad ones replaced or convolved along some axes, and of transforms."""
        full = [
            n + sum(self._reach()[self.axes.index(a)]) if a in self.axes else n for a, n in enumerate(shape)
        ]
        masked, size = self.attrs.masked, self.attrs.dtype.itemsize
        each = size * (1 + 2 * masked) + masked
        if self.bad == "leave" and masked:  # weights and what they make, in double precision
            each += 5 * max(8, size)
        if self.axes != (self.attrs.ndim - 2, self.attrs.ndim - 1):  # axis by axis, or turned and back
            each += size * min(2, len(self.axes) - 1)
        lengths = tuple(shape[a] for a in self.axes)
        ways = {way_of(k, lengths, pays(_MANY)) for k in self.kernels}
        plane = math.prod(full[a] for a in self.axes)
        apart = plane * 16 * 8 if "transforms" in ways else _BANDS
        return math.prod(full) * each + apart

    def scratch_of(self, section: Section) -> int:
        """Return the bytes of all that lies between, too: it is put together."""
        return self.scratch(
            tuple(
                s.stop - s.start if a in self.axes else n
                for a, (s, n) in enumerate(zip(section, shape_of(section), strict=True))
            )
        )

    def evaluate(self, inputs: tuple[Any, ...], section: Section) -> tuple[np.ndarray, np.ndarray | None]:
        """Return values and mask of a section."""
        shape = shape_of(section)
        dtype = self.attrs.dtype
        if 0 in shape:
            return np.empty(shape, dtype), np.zeros(shape, bool) if self.attrs.masked else None
        (needed,) = self.needs(section)
        values, mask = inputs[0].array(needed)
        if mask is not None and bool(mask.all()):
            mask = None
        if mask is not None:
            blank = np.empty(values.shape, dtype)
            select(mask, values, np.zeros((1,) * values.ndim, dtype), out=blank)
            values = blank
        if self.bad == "leave":
            return self._scaled(values, mask, needed, section)
        out = np.empty(shape, dtype)
        good = self._here(mask, needed, section)
        self._convolve(values, needed, section, out)
        return out, good

    def _scaled(
        self, values: np.ndarray, mask: np.ndarray | None, needed: Section, section: Section
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Return values and mask with the weights of good pixels scaled up."""
        if mask is not None:
            # of few good pixels the weights may be small, and are what is divided by
            values = values.astype(np.result_type(values.dtype, np.float64))
        scale, found = self._scale(mask, values, needed, section)
        shape = shape_of(section)
        out = np.empty(shape, values.dtype)
        self._convolve(values, needed, section, out)
        with np.errstate(all="ignore"):
            out *= scale
        good = np.broadcast_to(found, shape).copy() if self.attrs.masked else None
        return out.astype(self.attrs.dtype, copy=False), good

    def _scale(
        self, mask: np.ndarray | None, values: np.ndarray, needed: Section, section: Section
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the factor that makes up for weights without a good pixel, and where there is one at all."""
        kind, shape, made = values.real.dtype, values.shape, shape_of(section)
        if mask is not None:
            weights = mask.astype(kind)
        else:
            if len(self.kernels) == 1:  # the same for all planes
                shape, made = (
                    tuple(n if a in self.axes else 1 for a, n in enumerate(lengths))
                    for lengths in (shape, made)
                )
            weights = np.ones(shape, kind)
        total = np.empty(made, kind)
        self._convolve(weights, needed, section, total)
        found = np.abs(total) > _NOTHING * max(float(np.abs(k.array).sum()) for k in self.kernels)
        sums = np.array([float(k.array.sum()) for k in self.kernels])
        whole = sums.reshape(-1) if len(sums) == 1 else self._by_plane(sums, section)
        return whole.astype(kind) / np.where(found, total, 1), found

    def _here(self, mask: np.ndarray | None, needed: Section, section: Section) -> np.ndarray | None:
        """Return the mask of the pixels themselves."""
        if mask is None:
            return None
        at = tuple(
            slice(s.start - n.start, s.stop - n.start, s.step) if a in self.axes else slice(None)
            for a, (s, n) in enumerate(zip(section, needed, strict=True))
        )
        return np.ascontiguousarray(mask[at])

    def _others(self) -> list[int]:
        return [a for a in range(self.attrs.ndim) if a not in self.axes]

    def _by_plane(self, numbers: np.ndarray, section: Section) -> np.ndarray:
        """Return one number per plane, for the planes of a section, ready to broadcast."""
        shape = self.attrs.shape or ()
        others = self._others()
        table = numbers.reshape([shape[a] for a in others])[tuple(section[a] for a in others)]
        return np.expand_dims(table, self.axes)

    def _convolve(self, values: np.ndarray, needed: Section, section: Section, out: np.ndarray) -> None:
        """Convolve all planes together, or each by its own kernel."""
        compiled = pays(out.size)
        if len(self.kernels) == 1:
            convolved(values, self.kernels[0], self.axes, self._spans(0, needed, section), out, compiled)
            return
        others = self._others()
        which = self._by_plane(np.arange(len(self.kernels)), section)
        for index in np.ndindex(*(out.shape[a] for a in others)):
            at = [slice(None)] * out.ndim
            for a, k in zip(others, index, strict=True):
                at[a] = slice(k, k + 1)
            number = int(which[tuple(at)].reshape(-1)[0])
            plane = np.empty([1 if a in others else n for a, n in enumerate(out.shape)], out.dtype)
            spans = self._spans(number, needed, section)
            source = np.ascontiguousarray(values[tuple(at)])
            convolved(source, self.kernels[number], self.axes, spans, plane, compiled)
            out[tuple(at)] = plane

    def _spans(self, number: int, needed: Section, section: Section) -> list[Span]:
        """Return what a kernel does along each axis."""
        sizes = self.kernels[number].array.shape
        shape = self.attrs.shape or ()
        return [
            Span(section[a], needed[a], shape[a], n, n - 1 if self.forward else n // 2, self.edge == "mirror")
            for a, n in zip(self.axes, sizes, strict=True)
        ]


_MANY = 1 << 40  # pixels: where it is not worth while to compile memory is not short
_BANDS = 4 << 20  # bytes of bands of rows that are convolved along one axis, then the other
_NOTHING = 1e-6  # a share of the weights below which no good pixel is there, but for rounding
