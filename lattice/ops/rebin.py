"""Means over bins of pixels."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

from lattice.errors import CoordinateMismatchError, LatticeRangeError, LatticeTypeError, ShapeMismatchError
from lattice.functions.registry import define, same
from lattice.graph.fold import constant
from lattice.graph.function import Kind, Param
from lattice.graph.node import Node, Operation, ValueList
from lattice.graph.sections import Section
from lattice.graph.types import is_bool, is_complex

__all__ = ["Rebin", "rebin"]


def rebin(x: Node, factors: tuple[int, ...]) -> Node:
    """Return x with pixels averaged over bins.

    Parameters
    ----------
    x : Node
        A numeric lattice.
    factors : tuple of int
        Pixels per bin on each axis, slowest axis first. The last bin holds what is left; a factor beyond the
        length makes one bin.

    Returns
    -------
    Node
        Means of the good pixels of each bin; bad where a bin has none. The reference pixel p becomes
        (p + 0.5) / k - 0.5, the increment k times as large.

    Raises
    ------
    LatticeRangeError
        For a factor below 1.
    CoordinateMismatchError
        For a factor other than 1 on a Stokes axis.
    """
    for factor in factors:
        if factor < 1:
            raise LatticeRangeError(f"a rebin factor is at least 1, not {factor}")
    coords = x.attrs.coords
    if coords is not None and any(
        kind == "stokes" and factor != 1 for kind, factor in zip(coords.kinds, factors, strict=True)
    ):
        raise CoordinateMismatchError(
            "Stokes parameters cannot be averaged: the factor of a Stokes axis is 1"
        )
    node: Node = Rebin((x,), factors)
    return node


class Rebin(Operation):
    """Means over bins; fields: (x,), factors in numpy order."""

    __slots__ = ("factors",)
    name: ClassVar[str] = "rebin"
    factors: tuple[int, ...]

    def _build(self, children: tuple[Node, ...], factors: tuple[int, ...]) -> None:
        x = children[0].attrs
        shape = x.shape or ()
        # a bin as long as the axis is not longer than it: the reference pixel moves by the real factor
        used = tuple(max(1, k) for k in factors)
        attrs = x.with_(
            shape=tuple(-(-n // k) for n, k in zip(shape, used, strict=True)),
            coords=None if x.coords is None else x.coords.rebin(used),
        )
        self._set(children=children, factors=used, attrs=attrs)

    def show(self, x: str) -> str:
        """Return the LEL text of the call."""
        return f"rebin({x}, [{', '.join(str(k) for k in reversed(self.factors))}])"

    def scratch(self, shape: tuple[int, ...]) -> int:
        """Return the bytes of the source section, in double precision."""
        wide = 16 if self.attrs.dtype.kind == "c" else 8
        source = self.children[0].attrs.shape or ()
        n = math.prod(min(m * k, full) for m, k, full in zip(shape, self.factors, source, strict=True))
        return n * (self.attrs.dtype.itemsize + wide + 1)

    def evaluate(self, inputs: tuple[Any, ...], section: Section) -> tuple[np.ndarray, np.ndarray | None]:
        """Return values and mask of a section."""
        lengths = self.children[0].attrs.shape or ()
        needed = tuple(
            slice(s.start * k, min(s.stop * k, n), 1)
            for s, k, n in zip(section, self.factors, lengths, strict=True)
        )
        values, mask = inputs[0].array(needed)
        wide = values.astype(np.complex128 if values.dtype.kind == "c" else np.float64)
        counts: Any = None
        if mask is not None:
            wide[~mask] = 0
            counts = mask.astype(np.int64)
        size: Any = 1
        for axis, (factor, have) in enumerate(zip(self.factors, wide.shape, strict=True)):
            if factor == 1:
                continue
            factor = min(factor, max(1, have))  # a bin longer than the axis may not fit an int64
            starts = np.arange(0, have, factor)
            wide = np.add.reduceat(wide, starts, axis=axis)
            if counts is not None:
                counts = np.add.reduceat(counts, starts, axis=axis)
            length = np.minimum(starts + factor, have) - starts
            size = size * length.reshape((-1,) + (1,) * (wide.ndim - 1 - axis))
        good = None if counts is None else counts > 0
        wide /= size if counts is None else np.maximum(counts, 1)
        steps = tuple(slice(None, None, s.step) for s in section)
        result = wide.astype(self.attrs.dtype)[steps]
        return result, None if good is None else good[steps]


def _rebin(args: tuple[Node, ...]) -> Node:
    x, factors = args
    if x.attrs.is_shapeless:
        raise ShapeMismatchError("an index condition has no shape to rebin")
    given = factors.children if isinstance(factors, ValueList) else (factors,)
    if is_bool(factors.attrs.dtype) or is_complex(factors.attrs.dtype):
        raise LatticeTypeError("the factors of rebin() are real numbers")
    if len(given) != x.attrs.ndim or (not isinstance(factors, ValueList) and factors.attrs.shape):
        raise ShapeMismatchError(
            f"rebin() needs one factor per axis, {x.attrs.ndim}, not {len(given)}",
            hint="factors are given in a list, fastest axis first: rebin(x, [2, 2, 1])",
        )
    numbers = []
    for node in given:
        value = constant(node)
        if value is None or value.value is None:
            raise LatticeRangeError(
                "the factors of rebin() are constants: they decide the shape of the result"
            )
        factor = float(value.value)
        if not math.isfinite(factor):
            raise LatticeRangeError(f"a rebin factor is at least 1, not {factor}")
        numbers.append(math.floor(factor + 0.5))
    return rebin(x, tuple(numbers[::-1]))


define(
    "rebin",
    Kind.STRUCTURAL,
    (Param("x"), Param("factors", "any")),
    same,
    doc="Means over bins of pixels, one factor per axis, fastest first.\n\n>>> rebin(f1, [2, 2, 1])",
    family="shape",
    build=_rebin,
)
