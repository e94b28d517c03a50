"""Masks of connected regions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from lattice.errors import LatticeRangeError, LatticeTypeError
from lattice.graph.node import Node
from lattice.graph.types import BOOL, is_real
from lattice.ops.fourier import WholePlanes

__all__ = ["Regions", "regions_above"]


def regions_above(
    x: Node, low: float, high: float, axes: Sequence[int], *, diagonal: bool = False, least: int = 1
) -> Node:
    """Return where x is part of a connected region above a low threshold that reaches a high one.

    Parameters
    ----------
    x : Node
        A real lattice.
    low, high : float
        Thresholds: regions are made of pixels of at least `low`, and kept if one of them is at least `high`.
    axes : sequence of int
        Numpy numbers of the axes along which pixels are neighbours: each plane of them by itself. Such a
        plane (or cube) has to fit the memory limit, since a region may go through all of it.
    diagonal : bool
        Whether pixels that touch at edges or corners only are neighbours too.
    least : int
        Pixels of the smallest region that is kept.

    Returns
    -------
    Node
        Truth values of the shape and with the coordinates of x, without mask; bad pixels belong to no region.

    Raises
    ------
    LatticeTypeError
        When x is not real.
    LatticeRangeError
        When `high` is below `low`, and for other numbers that make no sense.
    """
    attrs = x.attrs
    if not attrs.shape or not is_real(attrs.dtype):
        raise LatticeTypeError(f"regions are found among real numbers, not in a {attrs.describe()}")
    if not low <= high:
        raise LatticeRangeError(f"the high threshold, {high:g}, is not above the low one, {low:g}")
    if least < 1:
        raise LatticeRangeError(f"a region has a pixel at least, not {least}")
    numbers = tuple(sorted({int(a) for a in axes}))
    if not numbers or not 0 <= numbers[0] <= numbers[-1] < attrs.ndim:
        raise LatticeRangeError(f"{list(axes)} are not axes of a {attrs.describe()}")
    node: Node = Regions((x,), numbers, float(low), float(high), bool(diagonal), int(least))
    return node


class Regions(WholePlanes):
    """Connected regions; fields: (x,), axes, low, high, diagonal, least."""

    __slots__ = ("diagonal", "high", "least", "low")
    name: ClassVar[str] = "regions"
    low: float
    high: float
    diagonal: bool
    least: int

    def _build(
        self,
        children: tuple[Node, ...],
        axes: tuple[int, ...],
        low: float,
        high: float,
        diagonal: bool,
        least: int,
    ) -> None:
        own = children[0].attrs
        self._set(children=children, axes=axes, low=low, high=high, diagonal=diagonal, least=least)
        self._set(attrs=own.with_(dtype=BOOL, masked=False, unit="", beams=()))

    def show(self, x: str) -> str:
        """Return the call as one would write it if the language had it."""
        return f"regions({x}, {self.low:g}, {self.high:g})"

    def scratch(self, shape: tuple[int, ...]) -> int:
        """Return the bytes of the labels of a plane."""
        n = math.prod((self.attrs.shape or ())[a] for a in self.axes)
        return n * (self.children[0].attrs.dtype.itemsize + 1 + 8 + 3)

    def _plane(self, plane: np.ndarray, mask: np.ndarray | None) -> tuple[np.ndarray, Any]:
        from scipy.ndimage import generate_binary_structure, label

        with np.errstate(invalid="ignore"):
            part = plane >= self.low
            if mask is not None:
                part &= mask
            labels, count = label(
                part, generate_binary_structure(plane.ndim, plane.ndim if self.diagonal else 1)
            )
            keep = np.zeros(count + 1, bool)
            keep[np.unique(labels[part & (plane >= self.high)])] = True
        if self.least > 1:
            keep &= np.bincount(labels.ravel(), minlength=count + 1) >= self.least
        keep[0] = False
        return keep[labels], None
