"""Means over bins of pixels."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

from lattice.errors import CoordinateMismatchError, LatticeRangeError, LatticeTypeError, ShapeMismatchError
from lattice.functions.registry import define, same
from lattice.graph.beams import merged_beams, warn_dropped
from lattice.graph.blend import scratch, select
from lattice.graph.fold import constant
from lattice.graph.function import Kind, Param
from lattice.graph.node import Node, Operation, ValueList
from lattice.graph.sections import Section, n_pixels
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
        (p + 0.5) / k - 0.5, the increment k times as large. Where planes of different beams are averaged the
        beams are dropped, with a warning.

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
    if merged_beams(x.attrs, _binned(factors), whole=False) is None:
        warn_dropped("planes of different beams are averaged")
    node: Node = Rebin((x,), factors)
    return node


def _binned(factors: tuple[int, ...]) -> list[int]:
    return [axis for axis, factor in enumerate(factors) if factor > 1]


class Rebin(Operation):
    """Means over bins; fields: (x,), factors in numpy order."""

    __slots__ = ("factors",)
    name: ClassVar[str] = "rebin"
    speaks: ClassVar[bool] = True
    factors: tuple[int, ...]

    def _build(self, children: tuple[Node, ...], factors: tuple[int, ...]) -> None:
        x = children[0].attrs
        shape = x.shape or ()
        # a bin as long as the axis is not longer than it: the reference pixel moves by the real factor
        used = tuple(max(1, k) for k in factors)
        attrs = x.with_(
            shape=tuple(-(-n // k) for n, k in zip(shape, used, strict=True)),
            coords=None if x.coords is None else x.coords.rebin(used),
            beams=merged_beams(x, _binned(used), whole=False) or (),
        )
        self._set(children=children, factors=used, attrs=attrs)

    def show(self, x: str) -> str:
        """Return the LEL text of the call."""
        return f"rebin({x}, [{', '.join(str(k) for k in reversed(self.factors))}])"

    def needs(self, section: Section) -> tuple[Section]:
        """Return the pixels of whole bins, also of those that steps leave out."""
        lengths = self.children[0].attrs.shape or ()
        return (
            tuple(
                slice(s.start * k, min(s.stop * k, n), 1)
                for s, k, n in zip(section, self.factors, lengths, strict=True)
            ),
        )

    def scratch(self, shape: tuple[int, ...]) -> int:
        """Return the bytes of the sums and counts, and of a strip in double precision."""
        wide = _wide(self.attrs.dtype).itemsize
        return math.prod(shape) * (2 * wide + 8 * self.attrs.masked) + _STRIP_BYTES

    def evaluate(self, inputs: tuple[Any, ...], section: Section) -> tuple[np.ndarray, np.ndarray | None]:
        """Return values and mask of a section: sums of the bins, gathered strip by strip."""
        (needed,) = self.needs(section)
        shape = tuple(max(0, s.stop - s.start) for s in section)
        total = np.zeros(shape, _wide(self.attrs.dtype))
        counts = np.zeros(shape, np.int64) if self.attrs.masked else None
        with np.errstate(all="ignore"):
            if n_pixels(needed):
                for piece, values, mask in inputs[0].strips(needed):
                    self._add(piece, values, mask, section, total, counts)
            size = _outer(
                [_lengths(s, k) for s, k in zip(needed, self.factors, strict=True)] if counts is None else []
            )
            total /= size if counts is None else np.maximum(counts, 1)
            steps = tuple(slice(None, None, s.step) for s in section)
            result = total[steps].astype(self.attrs.dtype)
        return result, None if counts is None else counts[steps] > 0

    def _add(
        self,
        piece: Section,
        values: np.ndarray,
        mask: np.ndarray | None,
        section: Section,
        total: np.ndarray,
        counts: np.ndarray | None,
    ) -> None:
        """Add the pixels of a strip to the bins that they belong to."""
        wide = scratch(values.shape, total.dtype, _SLOT)
        np.copyto(wide, values)
        if mask is not None:
            select(mask, wide, np.zeros((1,) * wide.ndim, wide.dtype), out=wide)
        at = tuple(
            slice(p.start // k - s.start, (p.stop - 1) // k + 1 - s.start)
            for p, k, s in zip(piece, self.factors, section, strict=True)
        )
        total[at] += _sums(wide, piece, self.factors)
        if counts is not None and mask is not None:
            counts[at] += _sums(mask.astype(np.int32), piece, self.factors)
        elif counts is not None:
            counts[at] += _outer([_lengths(p, k) for p, k in zip(piece, self.factors, strict=True)])


_STRIP_BYTES = 8 << 20
_SLOT = 14  # of the thread's scratch memory; blending and statistics take the others
_FEW = 8  # so many pixels of a bin are added one by one: numpy is slow at short sums


def _wide(dtype: np.dtype[Any]) -> np.dtype[Any]:
    return np.dtype(np.complex128 if dtype.kind == "c" else np.float64)


def _lengths(part: slice, factor: int) -> np.ndarray:
    """Return how many pixels of a part of an axis fall into each bin that it touches."""
    starts = _starts(part, factor)
    return np.diff(starts, append=part.stop - part.start)


def _starts(part: slice, factor: int) -> np.ndarray:
    """Return where in a part of an axis each bin begins."""
    first = part.start // factor
    bins = np.arange(first, max(first, (part.stop - 1) // factor + 1), dtype=object if factor >> 62 else None)
    return np.maximum(bins * factor - part.start, 0).astype(np.int64)


def _outer(lengths: list[np.ndarray]) -> Any:
    """Return the product of numbers along each axis."""
    size: Any = 1
    for axis, n in enumerate(lengths):
        size = size * n.reshape((-1,) + (1,) * (len(lengths) - 1 - axis))
    return size


def _sums(array: np.ndarray, piece: Section, factors: tuple[int, ...]) -> np.ndarray:
    """Return the sums over the bins that the pixels of a section fall into."""
    for axis, (part, factor) in enumerate(zip(piece, factors, strict=True)):
        n = part.stop - part.start
        if factor == 1 or n == 1:
            continue
        if factor <= _FEW and part.start % factor == 0 and n % factor == 0:
            ahead = (slice(None),) * axis
            total = array[(*ahead, slice(0, None, factor))] + array[(*ahead, slice(1, None, factor))]
            for i in range(2, factor):
                total += array[(*ahead, slice(i, None, factor))]
            array = total
        else:
            array = np.add.reduceat(array, _starts(part, factor), axis=axis)
    return array


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
