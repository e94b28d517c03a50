"""Histograms along axes: how many good pixels of each cell lie in bins between two values of its own."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

from lattice.functions.states import bin_numbers
from lattice.graph.attributes import Attributes
from lattice.graph.node import Node, Operation
from lattice.graph.records import FrozenArray
from lattice.graph.sections import Section, compose, full, shape_of, split
from lattice.graph.types import DOUBLE

__all__ = ["Histogram", "histogram"]


def histogram(x: Node, axes: tuple[int, ...], low: np.ndarray, high: np.ndarray, nbins: int) -> Node:
    """Return histograms along axes.

    Parameters
    ----------
    x : Node
        A real lattice.
    axes : tuple of int
        Axes that go, numpy numbers; at least one has to stay.
    low, high : ndarray
        Ends of the bins for each pixel of the other axes, both belonging to a bin; `high` is above `low`,
        or both are NaN where there is nothing to count.
    nbins : int
        Number of bins, of equal width.

    Returns
    -------
    Node
        Counts as a Double lattice with the dims ``("bin", *dims that stay)``, all good.
    """
    node: Node = Histogram((x,), axes, FrozenArray(low), FrozenArray(high), nbins)
    return node


class Histogram(Operation):
    """Counts of pixels in bins; fields: (x,), axes, lower and upper ends, number of bins."""

    __slots__ = ("axes", "high", "low", "nbins")
    name: ClassVar[str] = "histogram"
    joint: ClassVar[bool] = True
    axes: tuple[int, ...]
    low: FrozenArray
    high: FrozenArray
    nbins: int

    def _build(
        self,
        children: tuple[Node, ...],
        axes: tuple[int, ...],
        low: FrozenArray,
        high: FrozenArray,
        nbins: int,
    ) -> None:
        x = children[0].attrs
        kept = [a for a in range(x.ndim) if a not in axes]
        dims = tuple(x.dims[a] for a in kept)
        attrs = Attributes(
            DOUBLE,
            (nbins, *((x.shape or ())[a] for a in kept)),
            ("bin" if "bin" not in dims else "bin_", *dims),
        )
        self._set(children=children, axes=axes, low=low, high=high, nbins=nbins, attrs=attrs)

    def show(self, x: str) -> str:
        """Return the call as one would write it if the language had it."""
        dims = ", ".join(self.children[0].attrs.dims[a] for a in self.axes)
        return f"histogram({x}, {self.nbins}, along=[{dims}])"

    def access(self) -> tuple[bool, ...]:
        """Return that blocks should hold all bins, and be long on the fastest axis of x."""
        last = self.children[0].attrs.ndim - 1
        kept = [a for a in range(last + 1) if a not in self.axes]
        return (True, *(a == last for a in kept))

    def cost(self) -> float:
        lengths = self.children[0].attrs.shape or ()
        return math.prod(lengths[a] for a in self.axes) / self.nbins

    def grain(self, units: tuple[tuple[int, ...], ...]) -> tuple[int, ...]:
        return (1, *(n for a, n in enumerate(units[0]) if a not in self.axes))

    def needs(self, section: Section) -> tuple[Section]:
        """Return the whole of the axes that go."""
        rest = iter(section[1:])
        lengths = self.children[0].attrs.shape or ()
        return (tuple(slice(0, n, 1) if a in self.axes else next(rest) for a, n in enumerate(lengths)),)

    def scratch(self, shape: tuple[int, ...]) -> int:
        """Return the bytes of the counts, and of what is made of a strip."""
        return 8 * self.nbins * math.prod(shape[1:]) + _STRIP_BYTES

    def evaluate(self, inputs: tuple[Any, ...], section: Section) -> tuple[np.ndarray, None]:
        """Return counts for a section."""
        (needed,) = self.needs(section)
        shape = shape_of(section[1:])
        counts = np.zeros((*shape, self.nbins))
        if all(shape_of(needed)):
            with np.errstate(all="ignore"):
                for piece, values, mask in inputs[0].strips(needed):
                    for part in split(full(values.shape), _AT_ONCE):
                        own = None if mask is None else mask[part]
                        self._add(counts, compose(piece, part), needed, section, values[part], own)
        first = section[0]
        return np.ascontiguousarray(np.moveaxis(counts, -1, 0)[first.start : first.stop : first.step]), None

    def _add(
        self,
        counts: np.ndarray,
        piece: Section,
        needed: Section,
        section: Section,
        values: np.ndarray,
        mask: np.ndarray | None,
    ) -> None:
        """Count the pixels of a strip."""
        kept = [a for a in range(len(piece)) if a not in self.axes]
        at = tuple(
            slice((piece[a].start - needed[a].start) // needed[a].step,
                  (piece[a].stop - 1 - needed[a].start) // needed[a].step + 1)
            for a in kept
        )  # fmt: skip
        ends = [np.expand_dims(e.array[section[1:]][at], self.axes) for e in (self.low, self.high)]
        low, high = ends
        inside = (values >= low) & (values <= high)
        if mask is not None:
            inside &= mask
        part = counts[at]
        cells = np.arange(math.prod(part.shape[:-1])).reshape(low.shape)
        bins = bin_numbers(values, low, high, self.nbins)
        numbers = (cells * self.nbins + bins)[inside]
        part += np.bincount(numbers, minlength=part.size).reshape(part.shape)


_STRIP_BYTES = 16 << 20
_AT_ONCE = 1 << 14  # pixels: numbers of bins, in 8 bytes, stay in the cache
