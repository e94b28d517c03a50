"""Arguments as python-casacore takes them: corners and strides, axes, values of new images."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from lattice.compat.casacore.errors import ArgumentError, CasacoreError
from lattice.graph.sections import Section

__all__ = ["axes_of", "good_pixels", "pixel_type", "place_of", "section_of", "whole_numbers"]

# what becomes of arrays and of single numbers; python-casacore takes no others
_ARRAYS = {"i": "f4", "u": "f4"}


def whole_numbers(value: Any, what: str) -> list[int]:
    """Return one whole number or a sequence of them as a list."""
    given = list(value) if isinstance(value, list | tuple) else [value]
    try:
        return [operator.index(v) for v in given]
    except TypeError:
        raise ArgumentError(
            f"{what}: {value!r} is neither a whole number nor a list or tuple of such"
        ) from None


def _filled(value: Any, shape: Sequence[int], missing: Sequence[int], what: str) -> list[int]:
    given = whole_numbers(value, what)
    if len(given) > len(shape):
        raise CasacoreError(f"{what} has {len(given)} values, the image {len(shape)} axes")
    return [*given, *missing[len(given) :]]


def _start(blc: Any, shape: Sequence[int]) -> list[int]:
    start = [max(0, n) for n in _filled(blc, shape, [0] * len(shape), "blc")]
    for k, (n, length) in enumerate(zip(start, shape, strict=True)):
        if n >= length:
            raise CasacoreError(f"blc is {n} on axis {k}, which has {length} pixels")
    return start


def section_of(shape: Sequence[int], blc: Any, trc: Any, inc: Any) -> Section:
    """Return the pixels between two corners, both included.

    Parameters
    ----------
    shape : sequence of int
        Of the image, slowest axis first.
    blc, trc, inc : int, list or tuple of int
        First pixel, last pixel and stride of the axes, or of the first of them. A negative blc is 0, a
        negative trc counts from the end, an inc below 1 is 1.

    Raises
    ------
    CasacoreError
        When a corner is outside of the image, or the last pixel comes before the first.
    ArgumentError
        When these are no whole numbers.
    """
    start = _start(blc, shape)
    last = _filled(trc, shape, [n - 1 for n in shape], "trc")
    step = [max(1, n) for n in _filled(inc, shape, [1] * len(shape), "inc")]
    out = []
    for k, (first, end, stride, length) in enumerate(zip(start, last, step, shape, strict=True)):
        stop = end + length if end < 0 else end
        if stop >= length or stop < first:
            raise CasacoreError(
                f"trc is {end} on axis {k}, which has {length} pixels", hint=f"blc is {first} there"
            )
        count = (stop - first) // stride + 1
        out.append(slice(first, first + (count - 1) * stride + 1, stride))
    return tuple(out)


def place_of(shape: Sequence[int], values: np.ndarray, blc: Any, inc: Any) -> Section:
    """Return the pixels that values are put into: from blc on, as many as there are values.

    Values of fewer axes go along the last axes of the image.
    """
    if values.ndim > len(shape):
        raise CasacoreError(f"values of {values.ndim} axes do not fit an image of {len(shape)}")
    if values.size == 0:
        raise CasacoreError("there are no values to put")
    start = _start(blc, shape)
    step = [max(1, n) for n in _filled(inc, shape, [1] * len(shape), "inc")]
    counts = (1,) * (len(shape) - values.ndim) + values.shape
    out = []
    for k, (first, count, stride, length) in enumerate(zip(start, counts, step, shape, strict=True)):
        stop = first + (count - 1) * stride + 1
        if stop > length:
            raise CasacoreError(
                f"{count} values from pixel {first} on, {stride} apart, do not fit axis {k}",
                hint=f"it has {length} pixels",
            )
        out.append(slice(first, stop, stride))
    return tuple(out)


def axes_of(axes: Any, ndim: int) -> tuple[int, ...]:
    """Return axis numbers, slowest axis first, each once and in the image."""
    given = [operator.index(a) for a in axes] if isinstance(axes, np.ndarray) else whole_numbers(axes, "axes")
    if any(not 0 <= a < ndim for a in given) or len(set(given)) < len(given):
        raise CasacoreError(
            f"axes {given} of an image of {ndim} axes", hint="numbers count from 0, each once"
        )
    return tuple(sorted(given))


def good_pixels(mask: Any) -> np.ndarray:
    """Return where pixels are good from a mask that is True, or a number other than 0, where not."""
    if isinstance(mask, list | tuple) or not isinstance(mask, np.ndarray | np.generic | bool | int):
        raise ArgumentError(f"a mask is a numpy array of truth values, not a {type(mask).__name__}")
    array = np.asarray(mask)
    if array.dtype.kind not in "biu":
        raise ArgumentError(f"a mask holds truth values, not {array.dtype}")
    return ~array.astype(bool)


def pixel_type(value: Any) -> np.dtype[Any]:
    """Return the type of an image that is made of an array or like a number.

    Raises
    ------
    CasacoreError
        For truth values, texts and half precision.
    """
    dtype = np.asarray(value).dtype
    name = _ARRAYS.get(dtype.kind, dtype.str.lstrip("<>=|"))
    if name not in ("f4", "f8", "c8", "c16"):
        raise CasacoreError(
            f"an image cannot hold values of type {dtype}",
            hint="integers become float; float32, float64, complex64 and complex128 stay",
        )
    return np.dtype(name)
