"""Values at other positions along one axis."""

from __future__ import annotations

import math

import numpy as np

from lattice.graph.blend import select
from lattice.native.gathered import gathered
from lattice.native.machine import pays
from lattice.native.weighted import as_real, weighted
from lattice.ops.taps import Taps

__all__ = ["interpolated", "splined"]

_ROW = 256  # from so many pixels beside each other on, rows are added as they lie
_NEAR = 1 << 17  # pixels that stay in the cache while they are used again
_FAR = 40  # pixels from which on a spline does not feel what is there: each pixel damps that by 0.268
_NOTHING = 1e-11  # weights of a spline that make no difference
_PIECE = 1 << 16


def interpolated(
    values: np.ndarray, mask: np.ndarray | None, axis: int, taps: Taps
) -> tuple[np.ndarray, np.ndarray | None]:
    """Return values and mask at positions along an axis.

    Parameters
    ----------
    values, mask : ndarray
        The pixels, along the axis those of the box of the taps; a mask of None means all good.
    axis : int
        Numpy number of the axis.
    taps : Taps
        Of this axis alone.
    """
    count = len(taps.columns)
    firsts = [(int(i), taps.columns[:, k]) for k, i in enumerate(taps.index.tolist())]
    out = _summed(values, axis, firsts, taps.columns, taps.index, count)
    front = np.moveaxis(out, axis, 0)
    front[taps.outside] = 0
    if mask is None and not taps.outside.size:
        return out, None
    good = np.zeros(out.shape, bool)
    target = np.moveaxis(good, axis, 0)
    marks = None if mask is None else np.moveaxis(mask, axis, 0)
    for k, (first, weights) in enumerate(firsts):
        if not taps.inside[k]:
            continue
        target[k] = True
        if marks is not None:
            for i in np.flatnonzero(weights):
                target[k] &= marks[first + i]
    return out, good


def _summed(
    values: np.ndarray,
    axis: int,
    firsts: list[tuple[int, np.ndarray]],
    weights: np.ndarray,
    index: np.ndarray,
    count: int,
) -> np.ndarray:
    """Return weighted sums along an axis: for each new pixel the first old one, and weights from there on."""
    shape = (*values.shape[:axis], len(firsts), *values.shape[axis + 1 :])
    out = np.empty(shape, values.dtype)
    compiled = pays(out.size)
    if count == 1:
        np.take(values, index, axis=axis, out=out, mode="clip")
        return out
    source, wide = as_real(np.ascontiguousarray(values))
    target, _ = as_real(out)
    outer, inner = math.prod(shape[:axis]), math.prod(shape[axis + 1 :]) * wide
    source, target = source.reshape(outer, -1, inner), target.reshape(outer, len(firsts), inner)
    if inner < _ROW:
        _flat(source, target, weights, index, compiled)
        return out
    width = max(_ROW, _NEAR // (count + 2) // 64 * 64)
    steps = np.arange(count) * inner
    for plane, made in zip(source, target, strict=True):
        for start in range(0, inner, width):
            columns = slice(start, start + width)
            for row, (first, own) in zip(made, firsts, strict=True):
                weighted(row[None, columns], plane, first * inner + start, 0, steps, own, compiled)
    return out


def _flat(
    source: np.ndarray, target: np.ndarray, weights: np.ndarray, index: np.ndarray, compiled: bool
) -> None:
    """Sum along the middle of three axes, the last of which is short: many rows at a time."""
    outer, n, inner = source.shape
    made = target.shape[1] * inner
    many = max(1, min(outer, _PIECE // max(1, made)))
    place = (index[:, None].astype(np.int32) * inner + np.arange(inner, dtype=np.int32)).reshape(-1)
    places = (np.arange(many, dtype=np.int32)[:, None] * (n * inner) + place).reshape(-1)
    rows = np.tile(np.repeat(weights, inner, axis=1), many)
    one = np.ones((1, places.size), weights.dtype)
    for start in range(0, outer, many):
        part = target[start : start + many].reshape(1, -1)
        m = part.size
        own = source[start : start + many].reshape(1, -1)
        gathered(part, own, places[:m], inner, rows[:, :m], one[:, :m], compiled)


def splined(
    values: np.ndarray, mask: np.ndarray | None, axis: int, positions: np.ndarray
) -> tuple[np.ndarray, np.ndarray | None]:
    """Return values and mask at positions along an axis, by natural splines.

    Parameters
    ----------
    values, mask : ndarray
        All pixels along the axis; a mask of None means all good.
    axis : int
        Numpy number of the axis.
    positions : ndarray
        Pixels of the axis; NaN where there is none.
    """
    n = values.shape[axis]
    inside = (positions >= 0) & (positions <= n - 1)
    at = np.where(inside, positions, 0.0)
    if mask is not None and mask.all():
        mask = None
    if mask is not None:
        values = _bridged(values, mask, axis)
    index, weights = _spline(at, n)
    kind = values.real.dtype
    columns = weights.T.astype(kind)
    firsts = [(int(i), columns[:, k]) for k, i in enumerate(index.tolist())]
    with np.errstate(all="ignore"):
        out = _summed(values, axis, firsts, columns, index, len(columns))
    row = [1] * values.ndim
    row[axis] = -1
    if mask is None:
        if inside.all():
            return out, None
        good = np.broadcast_to(inside.reshape(row), out.shape)
    else:
        left = np.clip(np.floor(at).astype(int), 0, n - 1)
        right = np.clip(np.ceil(at).astype(int), 0, n - 1)
        good = mask.take(left, axis=axis)
        good &= mask.take(right, axis=axis)
        good &= inside.reshape(row)
    np.moveaxis(out, axis, 0)[~inside] = 0
    return out, np.ascontiguousarray(good)


def _spline(positions: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return for each position the first pixel that counts, and the weights of all from there on.

    A spline is linear in its values: the weights are splines through all zeros but one.
    """
    if n < 3:
        line = np.stack([1 - positions, positions], axis=1)[:, : max(1, n)]
        return np.zeros(len(positions), np.intp), line if n > 1 else np.ones((len(positions), 1))
    size = min(n, 2 * _FAR)
    first = np.clip(np.floor(positions).astype(np.intp) - _FAR + 1, 0, n - size)
    weights = np.empty((len(positions), size))
    # the ends of the window matter only where they are those of the axis, and then at the right place
    from scipy.interpolate import CubicSpline

    through = CubicSpline(np.arange(size), np.eye(size), bc_type="natural")
    weights[...] = through(positions - first)
    weights[np.abs(weights) < _NOTHING] = 0
    used = np.flatnonzero(weights.any(axis=0))
    low, high = int(used[0]), int(used[-1]) + 1
    if n > size:
        # the same number of weights for each, around its own position
        return _narrowed(first, weights, n)
    return np.full(len(positions), low, np.intp), weights[:, low:high]


def _narrowed(first: np.ndarray, weights: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the weights without the zeros at their ends, as many for each position."""
    some = weights != 0
    begin = np.argmax(some, axis=1)
    end = weights.shape[1] - np.argmax(some[:, ::-1], axis=1)
    count = int((end - begin).max())
    begin = np.minimum(begin, weights.shape[1] - count)
    columns = begin[:, None] + np.arange(count)
    return first + begin, np.take_along_axis(weights, columns, axis=1)


def _bridged(values: np.ndarray, mask: np.ndarray, axis: int) -> np.ndarray:
    """Return values with bad ones replaced along an axis, by lines between the good ones next to them."""
    out = np.empty_like(values)
    select(mask, values, np.zeros((1,) * values.ndim, values.dtype), out=out)
    rows, marks = np.moveaxis(out, axis, -1), np.moveaxis(mask, axis, -1)
    lead = rows.shape[:-1]
    # where all are bad there is nothing to go by
    which = np.flatnonzero(~marks.all(axis=-1) & marks.any(axis=-1))
    many = max(1, _PIECE // max(1, rows.shape[-1]))
    for start in range(0, which.size, many):
        at = np.unravel_index(which[start : start + many], lead) if lead else ()
        rows[at] = _lined(rows[at], marks[at])
    return out


def _lined(rows: np.ndarray, good: np.ndarray) -> np.ndarray:
    """Return rows with bad pixels replaced by lines; beyond the outermost good ones their values go on."""
    n = good.shape[-1]
    pixels = np.arange(n)
    before = np.maximum.accumulate(np.where(good, pixels, -1), axis=-1)
    behind = np.minimum.accumulate(np.where(good, pixels, n)[..., ::-1], axis=-1)[..., ::-1]
    left = np.where(before < 0, np.minimum(behind, n - 1), before)
    right = np.where(behind >= n, left, behind)
    low, high = np.take_along_axis(rows, left, -1), np.take_along_axis(rows, right, -1)
    share = (pixels - left) / np.where(right > left, right - left, 1)
    return np.where(good, rows, low + (high - low) * share)
