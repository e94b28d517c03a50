"""Pixels gathered from other places of a plane, each with its own weights: interpolation."""

from __future__ import annotations

import numpy as np

from lattice.native.code import FLOATS, Code
from lattice.native.machine import function

__all__ = ["gathered"]

_LANES = 16  # pixels that a loop handles at a time
_PIECE = 1 << 14  # pixels that numpy handles at a time


def gathered(
    out: np.ndarray,
    source: np.ndarray,
    index: np.ndarray,
    pitch: int,
    rows: np.ndarray,
    columns: np.ndarray,
    compiled: bool,
) -> None:
    """Fill pixels: ``out[i] = sum_j rows[j, i] sum_k columns[k, i] source[index[i] + j pitch + k]``.

    Parameters
    ----------
    out : ndarray of shape (n,)
        Contiguous.
    source : ndarray
        Contiguous, of the same type; counted as a flat array.
    index : ndarray of int, shape (n,)
        The first pixel of each sum; all that count must be in `source`. Machine code takes 32 bits only.
    pitch : int
        Pixels from one row of the source to the next.
    rows, columns : ndarray of shape (count, n)
        Weights of the type of the pixels, each row contiguous. Where both counts are 1 there are no weights:
        pixels are copied.
    compiled : bool
        Whether to run machine code. Sums are taken in the same order either way.
    """
    n, size = out.size, out.dtype.itemsize
    if not n:
        return
    high, wide = len(rows), len(columns)
    end = int(index.max()) + (high - 1) * pitch + wide
    inside = int(index.min()) >= 0 and end <= source.size
    assert inside, "sums reach beyond the pixels that there are"
    can = n >= _LANES and size in FLOATS and index.dtype == np.int32
    if compiled and can and (out.dtype.kind == "f" or high * wide == 1):
        function(_text, size, high, wide)(
            n, out.ctypes.data, source.ctypes.data, index.ctypes.data, pitch * size, rows.ctypes.data,
            rows.strides[0], columns.ctypes.data, columns.strides[0],
        )  # fmt: skip
        return
    flat = source.reshape(-1)
    for start in range(0, n, _PIECE):
        part = slice(start, start + _PIECE)
        _sums(out[part], flat, index[part].astype(np.intp), pitch, rows[:, part], columns[:, part])


def _sums(
    out: np.ndarray, flat: np.ndarray, index: np.ndarray, pitch: int, rows: np.ndarray, columns: np.ndarray
) -> None:
    if len(rows) * len(columns) == 1:
        np.take(flat, index, out=out, mode="clip")
        return
    line, term = np.empty_like(out), np.empty_like(out)
    for j, row in enumerate(rows):
        for k, column in enumerate(columns):
            np.take(flat[j * pitch + k :], index, out=term, mode="clip")
            if len(columns) == 1:
                line, term = term, line
            elif k == 0:
                np.multiply(term, column, out=line)
            else:
                np.multiply(term, column, out=term)
                np.add(line, term, out=line)
        if len(rows) == 1:
            out[...] = line
        elif j == 0:
            np.multiply(line, row, out=out)
        else:
            np.multiply(line, row, out=line)
            np.add(out, line, out=out)


def _text(size: int, high: int, wide: int) -> tuple[str, int]:
    """Write the loop; the last vector reaches back over the one before it."""
    kind, n = FLOATS[size], _LANES
    vector = f"<{n} x {kind}>"
    c = Code(
        [
            "i64 n", "ptr out", "ptr source", "ptr index", "i64 pitch", "ptr rows", "i64 rows_step",
            "ptr columns", "i64 columns_step",
        ]
    )  # fmt: skip
    gather = f"llvm.masked.gather.v{n}f{8 * size}.v{n}p0"
    c.need(f"{vector} @{gather}(<{n} x ptr>, i32, <{n} x i1>, {vector})")
    last = c.put(f"sub i64 %n, {n}")
    with c.loop("%n", n) as turn:
        place = c.least(turn.index, last)

        def weight(pointer: str, step: str, k: int) -> str:
            row = c.at(pointer, c.put(f"mul i64 {step}, {k}"))
            return c.load(vector, c.at(row, place, size), size)

        first = c.load(f"<{n} x i32>", c.at("%index", place, 4), 4)
        first = c.put(f"sext <{n} x i32> {first} to <{n} x i64>")
        total = ""
        for j in range(high):
            row = c.at("%source", c.put(f"mul i64 %pitch, {j}"))
            line = ""
            for k in range(wide):
                base = c.at(row, str(k), size)
                places = c.put(f"getelementptr {kind}, ptr {base}, <{n} x i64> {first}")
                every = f"<{n} x i1> splat (i1 true)"
                x = c.put(
                    f"call {vector} @{gather}(<{n} x ptr> {places}, i32 {size}, {every}, {vector} poison)"
                )
                if wide > 1:
                    x = c.put(f"fmul {vector} {x}, {weight('%columns', '%columns_step', k)}")
                line = c.put(f"fadd {vector} {line}, {x}") if line else x
            if high > 1:
                line = c.put(f"fmul {vector} {line}, {weight('%rows', '%rows_step', j)}")
            total = c.put(f"fadd {vector} {total}, {line}") if total else line
        c.store(vector, total, c.at("%out", place, size), size)
    return c.text()
