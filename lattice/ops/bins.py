"""Statistics of bins of pixels: axes are cut into bins, and the pixels of each put together."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

from lattice.errors import LatticeRangeError
from lattice.graph.beams import merged_beams
from lattice.graph.node import Extend, Node, Operation
from lattice.graph.sections import Section, n_pixels, shape_of
from lattice.ops.collapse import collapse
from lattice.ops.rebin import rebin

__all__ = ["Split", "bin_statistic", "whole_bins"]


def whole_bins(shape: tuple[int, ...], factors: tuple[int, ...]) -> tuple[slice, ...]:
    """Return the pixels that fill whole bins.

    Raises
    ------
    LatticeRangeError
        When a bin is longer than the axis.
    """
    for n, k in zip(shape, factors, strict=True):
        if k > n:
            raise LatticeRangeError(
                f"a bin of {k} pixels is longer than an axis of {n}, and nothing would be left",
                hint="without crop=True the pixels that there are make a bin",
            )
    return tuple(slice(0, n // max(1, k) * k) for n, k in zip(shape, factors, strict=True))


def bin_statistic(x: Node, factors: tuple[int, ...], name: str, units: str = "check") -> Node:
    """Return a statistic of the good pixels of each bin.

    Parameters
    ----------
    x : Node
        A lattice.
    factors : tuple of int
        Pixels per bin on each axis, slowest axis first; the last bin holds what is left.
    name : str
        Of the statistic, see `lattice.ops.collapse.collapse`.
    units : str
        Rule for the unit.

    Returns
    -------
    Node
        With the coordinates and beams of `lattice.ops.rebin.rebin`; bad where no pixel of a bin is good.
    """
    like = rebin(x, factors).attrs  # refuses factors that make no sense
    binned = [a for a, k in enumerate(factors) if k > 1]
    split: Split = Split((x,), factors)
    gone = [split.places()[a] + 1 for a in binned]
    node: Node = collapse(split, name, gone, units=units) if gone else split
    attrs = like.with_(dtype=node.attrs.dtype, unit=node.attrs.unit, masked=node.attrs.masked)
    attrs = attrs.with_(beams=merged_beams(x.attrs, binned, whole=False) or ())
    made: Node = Extend(node, tuple(range(x.attrs.ndim)), attrs)
    return made


class Split(Operation):
    """Axes cut into bins, each followed by one of the pixels in a bin; fields: (x,), factors."""

    __slots__ = ("factors",)
    name: ClassVar[str] = "bins"
    factors: tuple[int, ...]

    def _build(self, children: tuple[Node, ...], factors: tuple[int, ...]) -> None:
        x = children[0].attrs
        shape: list[int] = []
        dims: list[str] = []
        partial = False
        for n, k, dim in zip(x.shape or (), factors, x.dims, strict=True):
            shape += [-(-n // k), k] if k > 1 else [n]
            dims += [dim, f"{dim}_in_bin"] if k > 1 else [dim]
            partial |= n % k > 0
        attrs = x.with_(
            shape=tuple(shape), dims=tuple(dims), coords=None, beams=(), masked=x.masked or partial
        )
        self._set(children=children, factors=factors, attrs=attrs)

    def show(self, x: str) -> str:
        """Return the call as one would write it if the language had it."""
        return f"bins({x}, {list(self.factors)})"

    def places(self) -> list[int]:
        """Return the axis of the bins of each axis of x; that of the pixels in them follows."""
        out, place = [], 0
        for k in self.factors:
            out.append(place)
            place += 2 if k > 1 else 1
        return out

    def _pairs(self, section: Section) -> list[tuple[slice, slice | None]]:
        """Return the bins of each axis of x, and the pixels in them."""
        parts = iter(section)
        return [(next(parts), next(parts) if k > 1 else None) for k in self.factors]

    def needs(self, section: Section) -> tuple[Section]:
        """Return whole bins, also those that steps leave out."""
        lengths = self.children[0].attrs.shape or ()
        out = []
        for (bins, inside), k, n in zip(self._pairs(section), self.factors, lengths, strict=True):
            out.append(bins if inside is None else slice(bins.start * k, min(bins.stop * k, n), 1))
        return (tuple(out),)

    def scratch(self, shape: tuple[int, ...]) -> int:
        """Return the bytes of the pixels and of their mask, once as they come and once in bins."""
        return math.prod(shape) * (2 * self.attrs.dtype.itemsize + 2)

    def scratch_of(self, section: Section) -> int:
        """Return the bytes of whole bins, also of those that steps leave out."""
        return self.scratch(tuple(s.stop - s.start for s in section))

    def access(self) -> tuple[bool, ...]:
        """Return that bins are not taken apart."""
        out: list[bool] = []
        for k in self.factors:
            out += [False, True] if k > 1 else [False]
        return tuple(out)

    def evaluate(self, inputs: tuple[Any, ...], section: Section) -> tuple[np.ndarray, np.ndarray | None]:
        """Return values and mask of a section."""
        (needed,) = self.needs(section)
        if not n_pixels(section):
            return np.empty(shape_of(section), self.attrs.dtype), None
        values, mask = inputs[0].array(needed)
        lengths, short, items = [], [], []
        for (bins, inside), k, n in zip(self._pairs(section), self.factors, values.shape, strict=True):
            m = bins.stop - bins.start if inside is not None else n
            lengths += [m, k] if inside is not None else [n]
            short.append((0, m * k - n if inside is not None else 0))
            items += [slice(None, None, bins.step), inside] if inside is not None else [slice(None)]
        if any(after for _, after in short):
            mask = np.ones(values.shape, bool) if mask is None else mask
            values, mask = np.pad(values, short), np.pad(mask, short)
        at = tuple(items)
        out = values.reshape(lengths)[at]
        return out, None if mask is None else mask.reshape(lengths)[at]
