"""Functions with rules of their own for shape and coordinates."""

from __future__ import annotations

import numpy as np

from lattice.errors import CoordinateMismatchError, ShapeMismatchError
from lattice.functions.registry import common, define, lookup
from lattice.functions.units import alike
from lattice.graph.build import call, value_list
from lattice.graph.conform import extend
from lattice.graph.function import Function, Kind, Param
from lattice.graph.node import Call, Extend, Literal, Node
from lattice.graph.types import FLOAT


def _spectral_axis(node: Node) -> int:
    coords = node.attrs.coords
    if coords is None or "spectral" not in coords.kinds:
        raise CoordinateMismatchError(
            f"spectralindex() needs lattices with a spectral axis, not {node.attrs.describe()}"
        )
    return coords.kinds.index("spectral")


def _spectral_index(args: tuple[Node, ...]) -> Node:
    a, b = args
    if not (a.attrs.shape and b.attrs.shape):
        raise CoordinateMismatchError("spectralindex() needs two lattices with a spectral axis")
    _spectral_axis(a)
    _spectral_axis(b)
    if a.attrs.ndim <= b.attrs.ndim and any(
        n == 1 != m
        for n, m in zip(b.attrs.shape, a.attrs.shape, strict=False)
        if a.attrs.ndim == b.attrs.ndim
    ):
        raise ShapeMismatchError(
            f"spectralindex() stretches its first operand only: {a.attrs.describe()} and {b.attrs.describe()}"
        )
    x, y = extend(a, b, "spectralindex()", apart=("spectral",))
    attrs = x.attrs.with_(
        dtype=common((a.attrs.dtype, b.attrs.dtype)), masked=a.attrs.masked or b.attrs.masked, unit=""
    )
    node: Node = Call(SPECTRAL_INDEX, (x, y), attrs)
    return node


def _frequencies(node: Node, length: int) -> np.ndarray:
    inner = node.children[0] if isinstance(node, Extend) else node
    axis = _spectral_axis(inner)
    assert inner.attrs.shape is not None
    assert inner.attrs.coords is not None
    n = inner.attrs.shape[axis]
    values = inner.attrs.coords.frequencies(n)
    if values is None:
        raise CoordinateMismatchError(
            f"the frequencies of the spectral axis of {inner.attrs.describe()} are not known",
            hint="a velocity axis needs a rest frequency (RESTFRQ)",
        )
    return np.broadcast_to(values, (length,)) if n == 1 else values


def _expand_spectral_index(args: tuple[Node, ...]) -> Node:
    a, b = args
    shape = a.attrs.shape or ()
    axis = _spectral_axis(a)
    fa, fb = (_frequencies(x, shape[axis]) for x in args)
    with np.errstate(divide="ignore"):
        scale = np.where(fa == fb, 0.0, 1.0 / np.log(fa / fb)).astype(np.float32)
    row = value_list([Literal.of(s, FLOAT) for s in scale])
    axes = tuple(0 if i == axis else -1 for i in range(len(shape)))
    factor: Node = Extend(row, axes, a.attrs.with_(dtype=FLOAT, masked=False))
    zero = Literal.of(0, FLOAT)
    useless = call(lookup("||", 2), call(lookup("==", 2), b, zero), call(lookup("==", 2), factor, zero))
    index = call(lookup("*", 2), call(lookup("log", 1), call(lookup("/", 2), a, b)), factor)
    result = call(lookup("iif", 3), useless, zero, index)
    for x in args:  # a pixel that is bad in either operand is bad, also where the index is 0
        if x.attrs.masked:
            result = call(lookup("[]", 2), result, call(lookup("mask", 1), x))
    return result


SPECTRAL_INDEX: Function = define(
    "spectralindex",
    Kind.ELEMENTWISE,
    (Param("a", "real"), Param("b", "real")),
    common,
    doc="Spectral index log(a/b) / log(fa/fb) of lattices with spectral axes.\n\n>>> spectralindex(f1, f2)",
    family="spectral",
    build=_spectral_index,
    expand=_expand_spectral_index,
    unit="none",
    units=alike("spectralindex()", result=False),
)
