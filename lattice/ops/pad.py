"""Lattices with pixels put around them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from lattice.errors import LatticeRangeError, LatticeTypeError
from lattice.graph.node import Node, Operation
from lattice.graph.sections import Section, n_pixels, shape_of

__all__ = ["Pad", "pad"]


def pad(
    x: Node, before: Sequence[int], after: Sequence[int], value: float | None = None, good: bool = False
) -> Node:
    """Return a lattice with pixels put before and after those that it has.

    Parameters
    ----------
    x : Node
        The lattice.
    before, after : sequence of int
        Numbers of pixels on each axis, slowest axis first.
    value : float, optional
        Value of the new pixels; the default is NaN, of Bool F.
    good : bool
        Whether they are good.

    Returns
    -------
    Node
        The larger lattice. Coordinates go on; of several beams there are those of the planes that x has, so
        they are left out where planes are added.
    """
    if not x.attrs.shape:
        raise LatticeTypeError(f"only lattices have a border, not a {x.attrs.describe()}")
    if len(before) != x.attrs.ndim or len(after) != x.attrs.ndim or min(*before, *after) < 0:
        raise LatticeRangeError(f"a border is two numbers of pixels for each of the {x.attrs.ndim} axes")
    if not any(before) and not any(after):
        return x
    node: Node = Pad((x,), tuple(before), tuple(after), None if value is None else float(value), good)
    return node


class Pad(Operation):
    """Pixels around a lattice; fields: (x,), numbers before and after it on each axis, value, good."""

    __slots__ = ("before", "good", "value")
    name: ClassVar[str] = "pad"
    before: tuple[int, ...]
    value: float | None
    good: bool

    def _build(
        self,
        children: tuple[Node, ...],
        before: tuple[int, ...],
        after: tuple[int, ...],
        value: float | None,
        good: bool,
    ) -> None:
        x = children[0].attrs
        shape = tuple(b + n + a for b, n, a in zip(before, x.shape or (), after, strict=True))
        items = tuple(slice(-b, n - b, 1) for b, n in zip(before, shape, strict=True))
        planes = any(b or a for b, a in zip(before[:-2], after[:-2], strict=True))
        attrs = x.with_(
            shape=shape,
            masked=x.masked or not good,
            coords=None if x.coords is None else x.coords.subset(items),
            beams=() if planes and len(x.beams) > 1 else x.beams,
        )
        self._set(children=children, before=before, value=value, good=good, attrs=attrs)

    def show(self, x: str) -> str:
        """Return the call as one would write it if the language had it."""
        return f"pad({x}, before={list(self.before)}, shape={list(self.attrs.shape or ())})"

    def needs(self, section: Section) -> tuple[Section]:
        """Return the pixels of x that the section has."""
        return (self._overlap(section)[0],)

    def _overlap(self, section: Section) -> tuple[Section, tuple[slice, ...]]:
        """Return which pixels of x a section has, and where."""
        needed, place = [], []
        for s, b, n in zip(section, self.before, self.children[0].attrs.shape or (), strict=True):
            first = max(0, -((s.start - b) // s.step))  # the first k with start + k*step >= before
            count = len(range(s.start + first * s.step, min(s.stop, b + n), s.step))
            start = s.start + first * s.step - b
            needed.append(slice(start, start + (count - 1) * s.step + 1, s.step) if count else slice(0, 0, 1))
            place.append(slice(first, first + count))
        return tuple(needed), tuple(place)

    def scratch(self, shape: tuple[int, ...]) -> int:
        """Return the bytes of the pixels of x, which are copied into the result."""
        n = 1
        for length, own in zip(shape, self.children[0].attrs.shape or (), strict=True):
            n *= min(length, own)
        return n * (self.attrs.dtype.itemsize + 1)

    def evaluate(self, inputs: tuple[Any, ...], section: Section) -> tuple[np.ndarray, np.ndarray | None]:
        """Return values and mask of a section."""
        needed, place = self._overlap(section)
        dtype = self.attrs.dtype
        value = self.value
        if value is None:
            value = False if dtype.kind == "b" else np.nan
        out = np.full(shape_of(section), value, dtype)
        good = np.full(out.shape, self.good)
        if n_pixels(needed):
            values, mask = inputs[0].array(needed)
            out[place] = values
            good[place] = True if mask is None else mask
        return out, good if self.attrs.masked else None
