"""Parts of tiles read from a file and put in their places, by one call while other threads go on."""

from __future__ import annotations

from contextlib import ExitStack

import numpy as np

from lattice.native.code import Code
from lattice.native.machine import function

__all__ = ["COLUMNS", "read_pieces"]

COLUMNS = 6
_SWAPPED = 32  # bytes at a time


def read_pieces(
    fd: int, offset: int, axes: np.ndarray, out: int, scratch: int, size: int, swap: bool
) -> bool:
    """Read a section of an array in tiles; return False if a read gave less than it should.

    Of each tile the bytes from the first to the last wanted number are read.

    Parameters
    ----------
    fd, offset : int
        Descriptor of the file, and where its first tile begins.
    axes : ndarray of int64 of shape (n, 6)
        For each axis: the first number that is wanted, and the one behind the last; how many a tile has;
        bytes from a tile to the next, from a number to the next within a tile, and within the target.  On
        the last axis numbers follow each other without gaps on both sides.
    out, scratch : int
        Addresses of the target, and of room for the bytes of one tile.
    size : int
        Bytes of a number.
    swap : bool
        Whether the order of its bytes is to be changed.
    """
    assert axes.dtype == np.int64
    assert axes.flags.c_contiguous
    assert axes.shape[1] == COLUMNS
    failed = np.zeros(1, np.int64)
    run = function(_text, len(axes), size, swap)
    run(fd, offset, axes.ctypes.data, out, scratch, failed.ctypes.data)
    return not failed[0]


def _text(n: int, size: int, swap: bool) -> tuple[str, int]:
    """Return the text for arrays of n axes."""
    c = Code(["i64 fd", "i64 offset", "ptr axes", "ptr out", "ptr scratch", "ptr failed"])
    c.need("i64 @pread(i32, ptr, i64, i64)")
    fd = c.put("trunc i64 %fd to i32")
    table = [
        [c.load("i64", c.at("%axes", str(COLUMNS * k + j), 8), 8) for j in range(COLUMNS)] for k in range(n)
    ]
    place, skip, last, put = "%offset", "0", "0", "0"  # the tile, its wanted bytes, and their target
    counts = []
    with ExitStack() as stack:
        for start, stop, tile, jump, inner, move in table:
            first = c.put(f"sdiv i64 {start}, {tile}")
            final = c.put(f"sdiv i64 {c.put(f'sub i64 {stop}, 1')}, {tile}")
            behind = c.put(f"add i64 {final}, 1")
            t = stack.enter_context(c.loop(behind, start=first)).index
            edge = c.put(f"mul i64 {t}, {tile}")
            inside = c.put(f"icmp sgt i64 {edge}, {start}")
            low = c.put(f"select i1 {inside}, i64 {edge}, i64 {start}")
            high = c.least(stop, c.put(f"add i64 {edge}, {tile}"))
            count = c.put(f"sub i64 {high}, {low}")
            counts.append(count)
            place = _plus(c, place, t, jump)
            skip = _plus(c, skip, c.put(f"sub i64 {low}, {edge}"), inner)
            last = _plus(c, last, c.put(f"sub i64 {count}, 1"), inner)
            put = _plus(c, put, c.put(f"sub i64 {low}, {start}"), move)
        length = c.put(f"add i64 {last}, {size}")
        begin = c.put(f"add i64 {place}, {skip}")
        got = c.put(f"call i64 @pread(i32 {fd}, ptr %scratch, i64 {length}, i64 {begin})")
        # who asked reads again in his own way, and finds out what is wrong: here it only goes on
        short = c.put(f"zext i1 {c.put(f'icmp ne i64 {got}, {length}')} to i64")
        c.store("i64", c.put(f"or i64 {c.load('i64', '%failed', 8)}, {short}"), "%failed", 8)
        source = "0"
        for count, (*_, inner, move) in zip(counts[:-1], table, strict=False):
            i = stack.enter_context(c.loop(count)).index
            source, put = _plus(c, source, i, inner), _plus(c, put, i, move)
        _copy(c, c.at("%out", put), c.at("%scratch", source), counts[-1], size, swap)
    return c.text()


def _plus(c: Code, value: str, times: str, step: str) -> str:
    return c.put(f"add i64 {value}, {c.put(f'mul i64 {times}, {step}')}")


def _copy(c: Code, target: str, source: str, count: str, size: int, swap: bool) -> None:
    """Write a copy of numbers that follow each other."""
    if not swap:
        c.need("void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)")
        nbytes = c.put(f"mul i64 {count}, {size}")
        c.do(f"call void @llvm.memcpy.p0.p0.i64(ptr {target}, ptr {source}, i64 {nbytes}, i1 false)")
        return
    lanes = _SWAPPED // size
    many = c.put(f"and i64 {count}, {-lanes}")
    for n, start, stop in ((lanes, "0", many), (1, many, count)):
        kind, name = (f"i{8 * size}",) * 2 if n == 1 else (f"<{n} x i{8 * size}>", f"v{n}i{8 * size}")
        c.need(f"{kind} @llvm.bswap.{name}({kind})")
        with c.loop(stop, n, start) as turn:
            value = c.load(kind, c.at(source, turn.index, size), 1)
            swapped = c.put(f"call {kind} @llvm.bswap.{name}({kind} {value})")
            c.store(kind, swapped, c.at(target, turn.index, size), 1)
