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
    """Fill planes: ``out[p, i] = sum_j rows[j, i] sum_k columns[k, i] source[p, index[i] + j pitch + k]``.

    Parameters
    ----------
    out : ndarray of shape (planes, n)
        Each row contiguous.
    source : ndarray of shape (planes, m)
        Contiguous, of the same type.
    index : ndarray of int, shape (n,)
        The first pixel of each sum; all that count must be in `source`. Machine code takes 32 bits only.
    pitch : int
        Pixels from one row of a plane of the source to the next.
    rows, columns : ndarray of shape (count, n)
        Weights of the type of the pixels, each row contiguous. Where both counts are 1 there are no weights:
        pixels are copied.
    compiled : bool
        Whether to run machine code. Sums are taken in the same order either way.
    """
    planes, n = out.shape
    size = out.dtype.itemsize
    if not n or not planes:
        return
    high, wide = len(rows), len(columns)
    end = int(index.max()) + (high - 1) * pitch + wide
    inside = int(index.min()) >= 0 and end <= source.shape[1]
    assert inside, "sums reach beyond the pixels that there are"
    can = n >= _LANES and size in FLOATS and index.dtype == np.int32
    if compiled and can and (out.dtype.kind == "f" or high * wide == 1):
        function(_text, size, high, wide)(
            planes, n, out.ctypes.data, out.strides[0], source.ctypes.data, source.strides[0],
            index.ctypes.data, pitch * size, rows.ctypes.data, rows.strides[0], columns.ctypes.data,
            columns.strides[0],
        )  # fmt: skip
        return
    for start in range(0, n, _PIECE):
        part = slice(start, start + _PIECE)
        wide_index = index[part].astype(np.intp)
        for plane, pixels in zip(source, out, strict=True):
            _sums(pixels[part], plane, wide_index, pitch, rows[:, part], columns[:, part])


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
    """Write the loops; the last vector of a row reaches back over the one before it."""
    kind, n = FLOATS[size], _LANES
    vector = f"<{n} x {kind}>"
    c = Code(
        [
            "i64 planes", "i64 n", "ptr out", "i64 out_step", "ptr source", "i64 source_step", "ptr index",
            "i64 pitch", "ptr rows", "i64 rows_step", "ptr columns", "i64 columns_step",
        ]
    )  # fmt: skip
    gather = f"llvm.masked.gather.v{n}f{8 * size}.v{n}p0"
    c.need(f"{vector} @{gather}(<{n} x ptr>, i32, <{n} x i1>, {vector})")
    last = c.put(f"sub i64 %n, {n}")
    with c.loop("%n", n) as turn:
        place = c.least(turn.index, last)

        def weights(pointer: str, count: int) -> list[str]:
            if count == 1:
                return [""]
            lines = [c.at(pointer, c.put(f"mul i64 {pointer}_step, {k}")) for k in range(count)]
            return [c.load(vector, c.at(line, place, size), size) for line in lines]

        first = c.load(f"<{n} x i32>", c.at("%index", place, 4), 4)
        first = c.put(f"sext <{n} x i32> {first} to <{n} x i64>")
        down, across = weights("%rows", high), weights("%columns", wide)

        def scaled(x: str, weight: str) -> str:
            return c.put(f"fmul {vector} {x}, {weight}") if weight else x

        with c.loop("%planes") as plane:  # inside: what belongs to a pixel is the same for all planes
            source = c.at("%source", c.put(f"mul i64 {plane.index}, %source_step"))
            total = ""
            for j in range(high):
                row = c.at(source, c.put(f"mul i64 %pitch, {j}"))
                line = ""
                for k in range(wide):
                    places = c.put(
                        f"getelementptr {kind}, ptr {c.at(row, str(k), size)}, <{n} x i64> {first}"
                    )
                    given = f"<{n} x ptr> {places}, i32 {size}, <{n} x i1> splat (i1 true), {vector} poison"
                    x = scaled(c.put(f"call {vector} @{gather}({given})"), across[k])
                    line = c.put(f"fadd {vector} {line}, {x}") if line else x
                line = scaled(line, down[j])
                total = c.put(f"fadd {vector} {total}, {line}") if total else line
            target = c.at("%out", c.put(f"mul i64 {plane.index}, %out_step"))
            c.store(vector, total, c.at(target, place, size), size)
    return c.text()
