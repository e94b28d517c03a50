"""Weighted sums of pixels at fixed distances, of which convolutions and interpolations are made."""

from __future__ import annotations

from typing import Any

import numpy as np

from lattice.native.code import FLOATS, Code
from lattice.native.machine import function

__all__ = ["weighted"]

_LANES = (64, 16)  # pixels that a loop handles at a time: a row has at least so many
_PIECE = 1 << 14  # pixels that numpy handles at a time


def weighted(
    out: np.ndarray,
    source: np.ndarray,
    first: int,
    step: int,
    offsets: np.ndarray,
    weights: np.ndarray,
    compiled: bool,
) -> None:
    """Fill rows with weighted sums: ``out[r, i] = sum_k weights[k] source[first + r step + offsets[k] + i]``.

    Parameters
    ----------
    out : ndarray of shape (rows, n)
        Each row contiguous.
    source : ndarray
        Contiguous, of the same type; counted as a flat array.
    first, step : int
        Where the pixels of the first row begin, and how far those of the next are from them.
    offsets : ndarray of int
        Distance of the pixels that belong to each weight. Every pixel must be in `source`.
    weights : ndarray
        At least one; of the type of the pixels.
    compiled : bool
        Whether to run machine code. Sums are taken in the order of the weights either way.
    """
    rows, n = out.shape
    if not rows or not n:
        return
    size = out.dtype.itemsize
    begin = first + int(offsets.min()) + min(0, (rows - 1) * step)
    end = first + int(offsets.max()) + max(0, (rows - 1) * step) + n
    assert 0 <= begin < end <= source.size, "sums reach beyond the pixels that there are"
    if compiled and n >= _LANES[-1] and out.dtype.kind == "f":
        run = function(_text, size, next(lanes for lanes in _LANES if n >= lanes))
        where = np.ascontiguousarray(offsets, np.int64) * size
        factors = np.ascontiguousarray(weights, out.dtype)
        run(
            rows, n, out.ctypes.data, out.strides[0], source.ctypes.data + first * size, step * size,
            len(factors), where.ctypes.data, factors.ctypes.data,
        )  # fmt: skip
        return
    flat = source.reshape(-1)
    many = max(1, _PIECE // n)
    term = np.empty((min(many, rows), n), out.dtype)
    for start in range(0, rows, many):
        part = out[start : start + many]
        for k, (offset, weight) in enumerate(zip(offsets.tolist(), weights, strict=True)):
            pixels = _rows(flat, first + start * step + offset, step, part.shape)
            if k == 0:
                np.multiply(pixels, weight, out=part)
            else:
                np.multiply(pixels, weight, out=term[: len(part)])
                np.add(part, term[: len(part)], out=part)


def _rows(flat: np.ndarray, first: int, step: int, shape: tuple[int, ...]) -> np.ndarray:
    """Return rows of a flat array that begin so many pixels apart."""
    size = flat.itemsize
    return np.lib.stride_tricks.as_strided(flat[first:], shape, (step * size, size), writeable=False)


def _text(size: int, lanes: int) -> tuple[str, int]:
    """Write the loops; the last vector of a row reaches back over the one before it."""
    kind = FLOATS[size]
    vector = f"<{lanes} x {kind}>"
    c = Code(
        [
            "i64 rows", "i64 n", "ptr out", "i64 out_step", "ptr source", "i64 step", "i64 count",
            "ptr offsets", "ptr weights",
        ]
    )  # fmt: skip
    last = c.put(f"sub i64 %n, {lanes}")

    def term(k: str, pixels: str) -> str:
        offset = c.load("i64", c.at("%offsets", k, 8), 8)
        weight = c.load(kind, c.at("%weights", k, size), size)
        x = c.load(vector, c.at(pixels, offset), size)
        return c.put(f"fmul {vector} {x}, {c.splat(kind, lanes, weight)}")

    with c.loop("%rows") as row:
        target = c.at("%out", c.put(f"mul i64 {row.index}, %out_step"))
        source = c.at("%source", c.put(f"mul i64 {row.index}, %step"))
        with c.loop("%n", lanes) as column:
            place = c.least(column.index, last)
            pixels = c.at(source, place, size)
            first = term("0", pixels)
            with c.loop("%count", start="1", total=(vector, first)) as tap:
                new = term(tap.index, pixels)
                tap.then["total"] = c.put(f"fadd {vector} {tap.now['total']}, {new}")
            c.store(vector, tap.now["total"], c.at(target, place, size), size)
    return c.text()


def as_real(array: np.ndarray) -> tuple[np.ndarray, int]:
    """Return an array with complex values taken for pairs of real ones, and how many a value is."""
    if array.dtype.kind == "c":
        real: Any = array.view(array.real.dtype)
        return real, 2
    return array, 1
