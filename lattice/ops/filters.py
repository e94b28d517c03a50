"""Arrays convolved along some of their axes, in the way that is cheapest for the kernel.

Kernels that are products of weights along each axis are applied axis by axis; others of two axes as a sum of
few such products where that is less work (turned Gaussians are sums of some five), or weight by weight; large
ones by Fourier transforms.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from lattice.graph.records import FrozenArray
from lattice.native.weighted import as_real, weighted

__all__ = ["Span", "convolved", "way_of"]

_BAND = 1 << 16  # pixels of the rows that are worked on at a time: they stay in the cache
_ROW = 256  # from so many pixels beside each other on, rows are added as they lie
_EXACT = 1e-7  # share of the weights by which a sum of products may differ from a kernel
# nanoseconds per pixel, measured: of a weight, compiled or not, and of two Fourier transforms
_TAP = {True: 0.05, False: 0.4}
_TRANSFORM = 9.5


@dataclass(frozen=True)
class Span:
    """What a convolution does along one axis.

    Attributes
    ----------
    here : slice
        Pixels that are wanted, of the whole axis.
    have : slice
        Pixels that there are, of the whole axis.
    length : int
        Of the whole axis.
    size, after : int
        Weights, and how many of them lie behind a pixel.
    mirror : bool
        Whether the axis is mirrored at its outermost pixels; else there are zeros beyond it.
    """

    here: slice
    have: slice
    length: int
    size: int
    after: int
    mirror: bool

    @property
    def count(self) -> int:
        """Number of pixels that are wanted."""
        return len(range(self.here.start, self.here.stop, self.here.step))

    @property
    def first(self) -> int:
        """The first pixel that counts."""
        return self.here.start - (self.size - 1 - self.after)

    @property
    def stop(self) -> int:
        """One more than the last pixel that counts."""
        return self.here.start + (self.count - 1) * self.here.step + self.after + 1

    def places(self, pixels: np.ndarray) -> np.ndarray:
        """Return where pixels are among those that there are; -1 for zeros."""
        if self.mirror:
            pixels = _mirrored(pixels, self.length)
        inside = (pixels >= self.have.start) & (pixels < self.have.stop)
        return np.where(inside, pixels - self.have.start, -1)


def _mirrored(pixels: np.ndarray, n: int) -> np.ndarray:
    """Return the pixels of an axis of length n that stand for those beyond its ends."""
    if n == 1:
        return np.zeros_like(pixels)
    folded = np.abs(pixels) % (2 * n - 2)
    return np.where(folded < n, folded, 2 * n - 2 - folded)


Term = tuple[np.ndarray, ...]


@lru_cache(maxsize=512)
def _terms(kernel: FrozenArray) -> tuple[Term, ...] | None:
    """Return products of weights along each axis whose sum is the kernel; None if it is not such a sum."""
    weights = kernel.array
    if weights.ndim == 1:
        return ((weights,),)
    if not weights.any():
        return (tuple(np.zeros(n) for n in weights.shape),)
    if weights.ndim == 2:
        u, s, v = np.linalg.svd(weights, full_matrices=False)
        sizes = s * np.abs(u).sum(0) * np.abs(v).sum(1)
        left_out = np.cumsum(sizes[::-1])[::-1]
        limit = _EXACT * float(np.abs(weights).sum())
        n = max(1, int(np.count_nonzero(left_out > limit)))
        return tuple((u[:, k] * s[k], v[k]) for k in range(n))
    at: tuple[Any, ...] = np.unravel_index(int(np.argmax(np.abs(weights))), weights.shape)
    peak = weights[at]
    lines = [weights[(*at[:a], slice(None), *at[a + 1 :])] / peak for a in range(weights.ndim)]
    product: Any = peak
    for line in lines:
        product = np.multiply.outer(product, line)
    if np.abs(product - weights).sum() > _EXACT * np.abs(weights).sum():
        return None
    return ((lines[0] * peak, *lines[1:]),)


@lru_cache(maxsize=512)
def way_of(kernel: FrozenArray, lengths: tuple[int, ...], compiled: bool) -> str:
    """Return how a lattice of some lengths is convolved: by "terms", "weights" or "transforms"."""
    size = kernel.array.size
    terms = _terms(kernel)
    by_terms = math.inf if terms is None else len(terms) * sum(kernel.array.shape)
    by_weights = size if kernel.array.ndim == 2 else math.inf
    wider = math.prod((n + k - 1) / n for n, k in zip(lengths, kernel.array.shape, strict=True))
    if min(by_terms, by_weights) * _TAP[compiled] > _TRANSFORM * wider:
        return "transforms"
    if math.isinf(by_terms) and math.isinf(by_weights):
        return "transforms"
    return "terms" if by_terms <= by_weights else "weights"


def convolved(
    values: np.ndarray,
    kernel: FrozenArray,
    axes: Sequence[int],
    spans: Sequence[Span],
    out: np.ndarray,
    compiled: bool,
) -> None:
    """Convolve an array along some axes.

    Parameters
    ----------
    values : ndarray
        Contiguous; along `axes` the pixels that the spans have.
    kernel : FrozenArray
        Weights, one axis for each of `axes`.
    axes : sequence of int
        In rising order.
    spans : sequence of Span
        For each of them.
    out : ndarray
        Takes the result; contiguous, of the type of `values`.
    compiled : bool
        Whether to run machine code.
    """
    way = way_of(kernel, tuple(s.length for s in spans), compiled)
    if way == "transforms":
        _by_transforms(values, kernel, axes, spans, out)
        return
    terms = () if way == "weights" else _terms(kernel)
    assert terms is not None
    if len(axes) == 2 and (axes[1] == values.ndim - 1 and axes[0] == axes[1] - 1):
        _planes(values, kernel, terms, spans, out, compiled)
    elif len(terms) == 1:
        _axis_by_axis(values, terms[0], axes, spans, out, compiled)
    else:
        moved = np.ascontiguousarray(np.moveaxis(values, axes, (-2, -1)))
        result = np.moveaxis(out, axes, (-2, -1))
        found = np.empty(result.shape, out.dtype)
        _planes(moved, kernel, terms, spans, found, compiled)
        result[...] = found


def _axis_by_axis(
    values: np.ndarray,
    term: Term,
    axes: Sequence[int],
    spans: Sequence[Span],
    out: np.ndarray,
    compiled: bool,
) -> None:
    current = values
    for k, (axis, span, weights) in enumerate(zip(axes, spans, term, strict=True)):
        if k == len(axes) - 1:
            target = out
        else:
            target = np.empty((*current.shape[:axis], span.count, *current.shape[axis + 1 :]), out.dtype)
        outer, inner = math.prod(current.shape[:axis]), math.prod(current.shape[axis + 1 :])
        source, wide = as_real(current)
        result, _ = as_real(target)
        inner *= wide
        part = (outer, current.shape[axis], inner)
        along = _rows_along if inner >= _ROW else _flat_along
        along(source.reshape(part), weights, span, result.reshape(outer, span.count, inner), compiled)
        current = target


def _rows_along(values: np.ndarray, weights: np.ndarray, span: Span, out: np.ndarray, compiled: bool) -> None:
    """Convolve along the middle of three axes, adding rows of the last one, some columns at a time."""
    inner = values.shape[2]
    width = max(_ROW, (4 * _BAND // max(1, values.shape[1] + span.count)) // 64 * 64)
    for k in range(values.shape[0]):
        for start in range(0, inner, width):
            columns = slice(start, min(inner, start + width))
            _sum_rows(values[k], start, weights, span, out[k][:, columns], compiled)


def _sum_rows(
    plane: np.ndarray, column: int, weights: np.ndarray, span: Span, out: np.ndarray, compiled: bool
) -> None:
    """Fill rows with weighted sums of rows of a plane, from a column of it on."""
    pitch, count, step = plane.shape[1], span.count, span.here.step
    turned = weights[::-1].astype(plane.dtype)
    # the rows of which all that counts lies inside need no care
    low = max(0, -((span.first - span.have.start) // step))
    high = max(low, min(count, (span.have.stop - span.size - span.first) // step + 1))
    first = (span.first + low * step - span.have.start) * pitch + column
    taps = np.arange(span.size)
    weighted(out[low:high], plane, first, step * pitch, taps * pitch, turned, compiled)
    for row in (*range(low), *range(high, count)):
        places = span.places(span.first + row * step + taps)
        kept = places >= 0
        if not kept.any():
            out[row] = 0
            continue
        weighted(out[row : row + 1], plane, column, 0, places[kept] * pitch, turned[kept], compiled)


def _flat_along(values: np.ndarray, weights: np.ndarray, span: Span, out: np.ndarray, compiled: bool) -> None:
    """Convolve along the middle of three axes, the last of which is short: both are one row."""
    outer, _, inner = values.shape
    low, high = min(span.first, span.have.start), max(span.stop, span.have.stop)
    length = high - low
    many = max(1, _BAND // max(1, length * inner))
    padded = np.zeros((min(many, outer), length, inner), values.dtype)
    made = (span.count - 1) * span.here.step + 1
    offsets = (span.first - low + np.arange(span.size)) * inner
    turned = weights[::-1].astype(values.dtype)
    for start in range(0, outer, many):
        rows = values[start : start + many]
        part = padded[: len(rows)]
        part[:, span.have.start - low : span.have.stop - low] = rows
        _mirror(part, span, low)
        target = out[start : start + many]
        if span.here.step == 1:
            weighted(target.reshape(len(rows), -1), part, 0, length * inner, offsets, turned, compiled)
            continue
        whole = np.empty((len(rows), made, inner), out.dtype)
        weighted(whole.reshape(len(rows), -1), part, 0, length * inner, offsets, turned, compiled)
        target[...] = whole[:, :: span.here.step]


def _mirror(rows: np.ndarray, span: Span, low: int) -> None:
    """Fill what lies beyond the pixels that there are, along axis 1, whose first pixel is `low`."""
    if not span.mirror:
        return
    high = low + rows.shape[1]
    beyond = np.array([*range(low, span.have.start), *range(span.have.stop, high)], np.int64)
    if beyond.size:
        rows[:, beyond - low] = rows[:, span.places(beyond) + span.have.start - low]


def _planes(
    values: np.ndarray,
    kernel: FrozenArray,
    terms: tuple[Term, ...],
    spans: Sequence[Span],
    out: np.ndarray,
    compiled: bool,
) -> None:
    """Convolve the last two axes, a band of rows at a time; without terms weight by weight."""
    source, wide = as_real(np.ascontiguousarray(values))
    target, _ = as_real(out)
    rows, columns = spans
    shape = (-1, rows.have.stop - rows.have.start, (columns.have.stop - columns.have.start) * wide)
    bands = _Bands(kernel, terms, rows, columns, wide, source.dtype, compiled)
    found = target.reshape(-1, rows.count, columns.count * wide)
    for plane, result in zip(source.reshape(shape), found, strict=True):
        for start in range(0, rows.count, bands.height):
            bands.fill(plane, start, result[start : start + bands.height])


class _Bands:
    """Works on a band of rows: first along the columns, then along the rows."""

    def __init__(
        self,
        kernel: FrozenArray,
        terms: tuple[Term, ...],
        rows: Span,
        columns: Span,
        wide: int,
        dtype: np.dtype[Any],
        compiled: bool,
    ) -> None:
        self.terms, self.rows, self.columns, self.wide, self.compiled = terms, rows, columns, wide, compiled
        self.low = min(columns.first, columns.have.start)
        length = (max(columns.stop, columns.have.stop) - self.low) * wide
        self.height = max(1, min(rows.count, max(8, _BAND // (length * max(1, len(terms))))))
        across = (columns.first - self.low + np.arange(columns.size)) * wide
        if terms:
            self.band = np.zeros((len(terms), self.height, length), dtype)
            self.offsets = (np.arange(len(terms))[:, None] * self.height * length + across).reshape(-1)
            self.weights = np.concatenate([term[1][::-1] for term in terms]).astype(dtype)
        else:
            self.band = np.zeros((1, (self.height - 1) * rows.here.step + rows.size, length), dtype)
            self.offsets = (np.arange(rows.size)[:, None] * length + across).reshape(-1)
            self.weights = kernel.array[::-1, ::-1].reshape(-1).astype(dtype)
        self.length = length

    def fill(self, plane: np.ndarray, start: int, out: np.ndarray) -> None:
        """Fill the rows from number `start` on."""
        rows, columns, wide = self.rows, self.columns, self.wide
        at = rows.here.start + start * rows.here.step
        part = Span(
            slice(at, at + (len(out) - 1) * rows.here.step + 1, rows.here.step),
            rows.have, rows.length, rows.size, rows.after, rows.mirror,
        )  # fmt: skip
        inside = slice((columns.have.start - self.low) * wide, (columns.have.stop - self.low) * wide)
        step = self.length
        if self.terms:
            for term, band in zip(self.terms, self.band, strict=True):
                _sum_rows(plane, 0, term[0], part, band[: len(out), inside], self.compiled)
        else:
            step *= rows.here.step
            places = part.places(np.arange(part.first, part.stop))
            band = self.band[0, : len(places), inside]
            np.take(plane, places, axis=0, out=band, mode="clip")
            band[places < 0] = 0
        for band in self.band:
            _mirror(band.reshape(len(band), -1, wide), columns, self.low)
        made = ((columns.count - 1) * columns.here.step + 1) * wide
        if columns.here.step == 1:
            weighted(out, self.band, 0, step, self.offsets, self.weights, self.compiled)
            return
        whole = np.empty((len(out), made), out.dtype)
        weighted(whole, self.band, 0, step, self.offsets, self.weights, self.compiled)
        steps = whole.reshape(len(out), -1, wide)[:, :: columns.here.step]
        out.reshape(len(out), -1, wide)[...] = steps


def _by_transforms(
    values: np.ndarray, kernel: FrozenArray, axes: Sequence[int], spans: Sequence[Span], out: np.ndarray
) -> None:
    """Convolve plane by plane by Fourier transforms."""
    from scipy.fft import fftn, ifftn, irfftn, next_fast_len, rfftn

    ends = tuple(range(-len(axes), 0))
    source, target = np.moveaxis(values, axes, ends), np.moveaxis(out, axes, ends)
    real = values.dtype.kind != "c"
    sizes = [next_fast_len(s.stop - s.first, real=real) for s in spans]
    transform = _transform(kernel, tuple(sizes), values.dtype.str)
    places = [s.places(np.arange(s.first, s.stop)) for s in spans]
    valid = tuple(slice(s.size - 1, s.size - 1 + (s.count - 1) * s.here.step + 1, s.here.step) for s in spans)
    for at in np.ndindex(*source.shape[: -len(axes)]):
        plane = _taken(source[at], places)
        if real:
            found = irfftn(rfftn(plane, sizes) * transform, sizes, overwrite_x=True)
        else:
            found = ifftn(fftn(plane, sizes) * transform, overwrite_x=True)
        target[at] = found[valid]


@lru_cache(maxsize=2)
def _transform(kernel: FrozenArray, sizes: tuple[int, ...], dtype: str) -> np.ndarray:
    from scipy.fft import fftn, rfftn

    weights = kernel.array.astype(np.dtype(dtype))
    found: np.ndarray = (fftn if weights.dtype.kind == "c" else rfftn)(weights, sizes)
    return found


def _taken(plane: np.ndarray, places: Sequence[np.ndarray]) -> np.ndarray:
    """Return the pixels at given places of each axis, zero where the place is -1."""
    for axis, wanted in enumerate(places):
        if wanted.size == plane.shape[axis] and np.array_equal(wanted, np.arange(wanted.size)):
            continue
        plane = plane.take(wanted, axis=axis, mode="clip")
        plane[(slice(None),) * axis + (wanted < 0,)] = 0
    return np.ascontiguousarray(plane)
