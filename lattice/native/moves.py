"""Writing machine code that moves numbers from one place to another."""

from __future__ import annotations

from lattice.native.code import Code

__all__ = ["copy", "plus", "times"]

_SWAPPED = 32  # bytes at a time


def times(c: Code, a: str, b: str) -> str:
    """Return ``a * b``."""
    return c.put(f"mul i64 {a}, {b}")


def plus(c: Code, value: str, n: str, step: str) -> str:
    """Return ``value + n * step``."""
    return c.put(f"add i64 {value}, {times(c, n, step)}")


def copy(c: Code, target: str, source: str, count: str, size: int, swap: bool) -> None:
    """Write a copy of `count` numbers of `size` bytes that follow each other, swapped or not."""
    if not swap:
        c.need("void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)")
        nbytes = times(c, count, str(size))
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
