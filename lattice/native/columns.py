"""Columns of numbers in rising order: networks of comparisons, on many columns at a time."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from lattice.native.code import FLOATS, Code
from lattice.native.machine import function

__all__ = ["LANES", "MOST", "sort_columns"]

LANES = 32  # columns that there must be: so many at most are sorted at a time
MOST = 1024  # numbers in a column, up to which this is the fastest way
_NEAR = 1 << 15  # bytes


@lru_cache(maxsize=16)
def _pairs(m: int, row: int) -> np.ndarray:
    """Return the places, in bytes, of pairs of rows that are to be put in order, one pair after the other.

    This is merge exchange, Algorithm M of Knuth, The Art of Computer Programming, section 5.2.2.
    """
    found: list[np.ndarray] = []
    top = 1 << max(0, (m - 1).bit_length() - 1)
    p = top if m > 1 else 0
    while p:
        q, r, d = top, 0, p
        while True:
            first = np.arange(m - d)
            first = first[first & p == r]
            found.append(np.stack([first, first + d], axis=1))
            if q == p:
                break
            d, q, r = q - p, q // 2, p
        p //= 2
    places = np.concatenate(found) if found else np.zeros((0, 2))
    return np.ascontiguousarray(places * row, np.int64)


def sort_columns(
    values: np.ndarray, good: np.ndarray | None, out: np.ndarray, count: np.ndarray, wrong: np.ndarray
) -> None:
    """Sort the good numbers of each column; what is bad, or nan, goes to the end as infinity.

    Parameters
    ----------
    values : ndarray of shape (m, n)
        Floating-point numbers, each row contiguous; n is at least `LANES`.
    good : ndarray of bool, optional
        Which of them count, each row contiguous; all if None.
    out : ndarray of shape (m, n)
        Where they go; of the type of the values, each row contiguous.
    count : ndarray of int32 of shape (n,)
        Becomes how many are good in each column.
    wrong : ndarray of bool of shape (n,)
        Becomes T where one of the good ones is nan.
    """
    m, n = values.shape
    assert n >= LANES, "there are too few columns"
    size = values.itemsize
    # more at a time cost less each, as long as they stay in the fastest cache
    lanes = (128 if m * 128 <= _NEAR else 64) // size
    pairs = _pairs(m, lanes * size)
    scratch = np.empty((m + 1) * lanes * size + 64, np.uint8)
    run = function(_text, size, lanes, good is not None)
    run(
        n, m, values.ctypes.data, values.strides[0], out.ctypes.data, out.strides[0],
        0 if good is None else good.ctypes.data, 0 if good is None else good.strides[0],
        count.ctypes.data, wrong.ctypes.data, len(pairs), pairs.ctypes.data,
        scratch.ctypes.data + -scratch.ctypes.data % 64,
    )  # fmt: skip


def _text(size: int, lanes: int, masked: bool) -> tuple[str, int]:
    """Return the text for numbers of so many bytes."""
    t = FLOATS[size]
    v, flags = f"<{lanes} x {t}>", f"<{lanes} x i1>"
    whole, small = f"<{lanes} x i32>", f"<{lanes} x i8>"
    code = Code(
        ["i64 n", "i64 m", "ptr in", "i64 instep", "ptr out", "i64 outstep", "ptr good", "i64 goodstep",
         "ptr count", "ptr wrong", "i64 npairs", "ptr pairs", "ptr work"]
    )  # fmt: skip
    infinity = f"splat ({t} 0x7FF0000000000000)"
    last = code.put(f"sub i64 %n, {lanes}")
    with code.loop("%n", lanes) as group:
        # the last columns may be sorted twice
        x = code.least(group.index, last)
        at = code.put(f"mul i64 {x}, {size}")
        source, target = code.at("%in", at), code.at("%out", at)
        mask = code.at("%good", x) if masked else ""
        with code.loop(
            "%m", n=(whole, "zeroinitializer"), bad=(flags, "zeroinitializer")
        ) as row:  # into the work space
            step = code.put(f"mul i64 {row.index}, %instep")
            value = code.load(v, code.at(source, step), 1)
            wrong = code.put(f"fcmp uno {v} {value}, {value}")
            lost = wrong
            row.then["n"] = row.now["n"]
            if masked:
                good_step = code.put(f"mul i64 {row.index}, %goodstep")
                raw = code.load(small, code.at(mask, good_step), 1)
                good = code.put(f"icmp ne {small} {raw}, zeroinitializer")
                wrong = code.put(f"and {flags} {wrong}, {good}")
                lost = code.put(f"or {flags} {lost}, {code.put(f'xor {flags} {good}, splat (i1 true)')}")
                ones = code.put(f"zext {flags} {good} to {whole}")
                row.then["n"] = code.put(f"add {whole} {row.now['n']}, {ones}")
            row.then["bad"] = code.put(f"or {flags} {row.now['bad']}, {wrong}")
            value = code.put(f"select {flags} {lost}, {v} {infinity}, {v} {value}")
            code.store(v, value, code.at("%work", row.index, lanes * size), 64)
        n = row.now["n"]
        if not masked:
            short = code.put("trunc i64 %m to i32")
            n = code.splat("i32", lanes, short)
        code.store(whole, n, code.at("%count", x, 4), 1)
        code.store(small, code.put(f"zext {flags} {row.now['bad']} to {small}"), code.at("%wrong", x), 1)
        with code.loop("%npairs") as pair:
            place = code.at("%pairs", pair.index, 16)
            ends = [code.load("i64", place, 8), code.load("i64", code.at(place, "8"), 8)]
            pointers = [code.at("%work", end) for end in ends]
            a, b = (code.load(v, pointer, 64) for pointer in pointers)
            less = code.put(f"fcmp olt {v} {b}, {a}")
            low = code.put(f"select {flags} {less}, {v} {b}, {v} {a}")
            high = code.put(f"select {flags} {less}, {v} {a}, {v} {b}")
            code.store(v, low, pointers[0], 64)
            code.store(v, high, pointers[1], 64)
        with code.loop("%m") as row:
            value = code.load(v, code.at("%work", row.index, lanes * size), 64)
            step = code.put(f"mul i64 {row.index}, %outstep")
            code.store(v, value, code.at(target, step), 1)
    return code.text()
