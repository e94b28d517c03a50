"""A second evaluator of graphs: plain numpy on whole arrays, written from the rules of the language.

It shares no code with the engine, so that the two can judge each other.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lattice.graph.node import Call, Extend, IndexSet, Literal, Node, Source, Subset, ValueList
from lattice.graph.sections import full

Result = tuple[Any, Any]  # values, mask; masks are always arrays here (or a bool for scalars)

_UNARY = {
    "sin": np.sin, "cos": np.cos, "tan": np.tan, "exp": np.exp, "log": np.log, "sqrt": np.sqrt,
    "abs": np.abs, "ceil": np.ceil, "floor": np.floor, "atan": np.arctan, "tanh": np.tanh, "isnan": np.isnan,
    "real": np.real, "imag": np.imag, "conj": np.conj,
    "sign": np.sign, "round": lambda x: np.trunc(x + np.copysign(np.asarray(x).dtype.type(0.5), x)),
}  # fmt: skip
_BINARY = {
    "+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide, "%": np.fmod, "atan2": np.arctan2,
    ">": np.greater, ">=": np.greater_equal, "<": np.less, "<=": np.less_equal, "==": np.equal,
    "!=": np.not_equal,
}  # fmt: skip


def evaluate(node: Node) -> Result:
    """Return values and mask of a graph; a scalar is bad when it is undefined."""
    with np.errstate(all="ignore"):
        return _evaluate(node)


def _evaluate(node: Node) -> Result:
    if isinstance(node, Literal):
        return (node.attrs.dtype.type(0), False) if node.value is None else (node.value, True)
    if isinstance(node, Source):
        values = np.array(node.reader.read(full(node.reader.shape)))
        if node.mask == "nan":
            return values, ~np.isnan(values)
        if isinstance(node.mask, Source):
            return values, np.array(node.mask.reader.read(full(node.reader.shape)))
        return values, np.ones(values.shape, bool)
    if isinstance(node, Subset):
        values, mask = _evaluate(node.children[0])
        index = tuple(
            slice(i.start, i.stop if i.stop >= 0 else None, i.step) if isinstance(i, slice) else i
            for i in node.items
        )
        return values[index], mask[index]
    if isinstance(node, Extend):
        return tuple(_extend(node, a) for a in _evaluate(node.children[0]))  # type: ignore[return-value]
    if isinstance(node, ValueList):
        pairs = [_evaluate(c) for c in node.children]
        return np.array([v for v, _ in pairs], node.attrs.dtype), np.array([m for _, m in pairs])
    if isinstance(node, IndexSet):
        return _index(node)
    assert isinstance(node, Call)
    return _call(node)


def _extend(node: Extend, array: Any) -> Any:
    shape = node.attrs.shape
    assert shape is not None
    index = tuple(slice(None) if a >= 0 else np.newaxis for a in node.axes)
    kept = [a for a in node.axes if a >= 0]
    lost = tuple(i for i in range(array.ndim) if i not in kept)
    return np.broadcast_to(array.squeeze(lost)[index], shape)


def _index(node: IndexSet) -> Result:
    shape = node.attrs.shape
    assert shape is not None
    assert isinstance(node.axis, Literal)
    axis = len(shape) - 1 - int(node.axis.value)
    numbers = np.indices(shape)[axis]
    inside = np.zeros(shape, bool)
    for first, last, stride in node.ranges:
        inside |= np.isin(numbers, range(first, last + 1, stride))
    return (~inside if node.negate else inside), np.ones(shape, bool)


def _call(node: Call) -> Result:
    name, dtype = node.function.name, node.attrs.dtype
    args = [_evaluate(a) for a in node.args]
    if name in _REDUCTIONS and len(args) == 1:
        return _reduce(name, args[0], dtype, node.args[0].attrs.is_scalar, node.args[0].attrs.masked)
    if name in ("fractile",):
        return _fractile(args[0], args[1], dtype, node.args[0].attrs.masked)
    values = [v for v, _ in args]
    mask: Any = np.bool_(True)
    for _, m in args:
        mask = mask & m
    if name == "-" and len(args) == 1:
        return np.negative(values[0]), mask
    if name in ("&&", "||", "!", "iif", "replace", "value", "mask", "[]"):
        return _LOGIC[name](args, dtype)
    if name in _UNARY:
        return np.asarray(_UNARY[name](values[0]), dtype), mask
    if name == "^":
        kind = np.result_type(*[np.asarray(v).dtype for v in values])
        return np.power(np.asarray(values[0], kind), np.asarray(values[1], kind)), mask
    if name in ("min", "max"):
        return _extreme(name, values, dtype), mask
    if name in ("float", "double"):
        return np.asarray(values[0]).astype(dtype), mask
    kind = np.result_type(*[np.asarray(v).dtype for v in values])
    a, b = (np.asarray(v, kind) for v in values)
    return np.asarray(_BINARY[name](a, b), dtype), np.broadcast_to(
        mask, np.broadcast_shapes(a.shape, b.shape)
    )


def _extreme(name: str, values: list[Any], dtype: Any) -> Any:
    a, b = (np.asarray(v, dtype) for v in values)
    if a.ndim == 0 and b.ndim > 0:
        a, b = b, a
    return np.where(b < a if name == "min" else b > a, b, a)


def _and(args: list[Result], _dtype: Any) -> Result:
    (a, ma), (b, mb) = args
    return a & b, (ma & mb) | (ma & ~np.asarray(a)) | (mb & ~np.asarray(b))


def _or(args: list[Result], _dtype: Any) -> Result:
    (a, ma), (b, mb) = args
    return a | b, (ma & mb) | (ma & a) | (mb & b)


def _iif(args: list[Result], dtype: Any) -> Result:
    (c, mc), (a, ma), (b, mb) = args
    return np.where(c, a, b).astype(dtype), mc & np.where(c, ma, mb)


def _replace(args: list[Result], dtype: Any) -> Result:
    x, mask = args[0]
    y = args[1][0] if len(args) > 1 else 0
    return np.where(mask, x, y).astype(dtype), mask


_LOGIC = {
    "&&": _and,
    "||": _or,
    "!": lambda args, _t: (~np.asarray(args[0][0]), args[0][1]),
    "iif": _iif,
    "replace": _replace,
    "value": lambda args, _t: (
        args[0][0],
        np.ones(np.shape(args[0][0]), bool) if np.ndim(args[0][0]) else args[0][1],
    ),
    "mask": lambda args, _t: (
        np.broadcast_to(args[0][1], np.shape(args[0][0])),
        np.ones(np.shape(args[0][0]), bool),
    ),
    "[]": lambda args, _t: (args[0][0], args[0][1] & args[1][1] & args[1][0]),
}

_REDUCTIONS = (
    "sum", "mean", "variance", "stddev", "avdev", "min", "max", "median", "nelements", "any", "all",
    "ntrue", "nfalse",
)  # fmt: skip


def _reduce(name: str, x: Result, dtype: Any, scalar: bool, masked: bool) -> Result:
    values, mask = x
    if scalar:
        if name == "nelements":
            return dtype.type(1), True
        return (dtype.type(0), mask) if name in ("variance", "stddev", "avdev") else (values, mask)
    good = np.asarray(values)[np.broadcast_to(mask, np.shape(values))]
    if name == "nelements":
        return dtype.type(good.size), True
    if name in ("any", "all"):
        return getattr(np, name)(good), True
    if name in ("ntrue", "nfalse"):
        return dtype.type(np.sum(good == (name == "ntrue"))), True
    wide = good.astype(np.complex128 if good.dtype.kind == "c" else np.float64)
    if name == "sum":
        return dtype.type(wide.sum()), True
    if good.size == 0:
        return dtype.type(0), False
    if name in ("min", "max"):
        return getattr(good, name)(), True
    if name == "median":
        return _rank(good, median_ranks(good.size), dtype), True
    mean = values.dtype.type(wide.mean())
    if name == "mean":
        return mean, True
    if name == "avdev":
        return dtype.type(np.abs(wide - mean).mean()), True
    variance = ((wide - mean) ** 2).sum() / max(1, good.size - 1)
    return dtype.type(variance if name == "variance" else np.sqrt(variance)), True


def median_ranks(n: int) -> tuple[int, ...]:
    """Return casacore's ranks of the median."""
    return (n // 2 - 1, n // 2) if n % 2 == 0 and n <= 100 else ((n - 1) // 2,)


def _rank(good: Any, ranks: tuple[int, ...], dtype: Any) -> Any:
    if np.isnan(good).any():
        return dtype.type(np.nan)
    ordered = np.sort(good)
    if len(ranks) == 1:
        return ordered[ranks[0]]
    # a wider type than that of the values, so that no sum is infinite
    return dtype.type(sum(np.longdouble(ordered[r]) for r in ranks) / 2)


def _fractile(x: Result, f: Result, dtype: Any, masked: bool) -> Result:
    values, mask = x
    good = values[np.broadcast_to(mask, values.shape)]
    if good.size == 0 or not f[1]:
        return dtype.type(0), False
    g = np.float32(f[0])
    if g == np.float32(0.5):
        return _rank(good, median_ranks(good.size), dtype), True
    if masked:
        return _rank(good, (math.floor(np.float32(g * np.float32(good.size - 1))),), dtype), True
    return _rank(good, (math.floor((good.size - 1) * float(g) + 0.01),), dtype), True
