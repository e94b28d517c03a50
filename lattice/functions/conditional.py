"""Functions that choose between values, and those that handle masks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lattice.functions.operators import check_alike, truth
from lattice.functions.registry import common, define, same
from lattice.functions.units import alike, choice
from lattice.graph.function import Kind, Lowered, Lowering, Param
from lattice.graph.types import BOOL, DType

if TYPE_CHECKING:
    from lattice.graph.node import Node

X = Param("x", "any")


def _unmasked(_args: tuple[Node, ...]) -> bool:
    return False


def _as_first(args: tuple[Node, ...]) -> bool:
    return args[0].attrs.masked


def _iif(b: Lowering, args: tuple[Lowered, ...], dtype: DType) -> Lowered:
    condition, x, y = args
    known = b.constant_value(condition.value)
    if known is not None:
        chosen = x if known else y
        return Lowered(b.cast(chosen.value, dtype), b.and_(condition.mask, chosen.mask), dtype)
    value = b.select(condition.value, b.cast(x.value, dtype), b.cast(y.value, dtype), dtype)
    assert value is not None
    mask = None
    if x.mask is not None or y.mask is not None:
        mask = b.select(condition.value, x.mask, y.mask, BOOL)
    return Lowered(value, b.and_(condition.mask, mask), dtype)


define(
    "iif",
    Kind.ELEMENTWISE,
    (Param("condition", "bool"), Param("a", "any"), Param("b", "any")),
    lambda types: common(types[1:]),
    doc="a where the condition holds, b elsewhere; the mask follows the choice.\n\n>>> iif(f1 > 0, f1, -f1)",
    family="conditional",
    lower=_iif,
    checks=lambda args: check_alike(args[1:]),
    units=choice,
)


def _replace(b: Lowering, args: tuple[Lowered, ...], dtype: DType) -> Lowered:
    x = args[0]
    if x.mask is None:
        return Lowered(b.cast(x.value, dtype), None, dtype)
    zero = b.constant(0, dtype)
    other = zero
    if len(args) > 1:
        y = args[1]
        undefined = b.constant_value(y.value) is not None and y.mask is not None
        other = zero if undefined else b.cast(y.value, dtype)
    value = b.select(x.mask, b.cast(x.value, dtype), other, dtype)
    assert value is not None
    return Lowered(value, x.mask, dtype)


define(
    "replace",
    Kind.ELEMENTWISE,
    (Param("x", "numeric", "lattice"),),
    same,
    doc="x with 0 as the value of its bad pixels, which stay bad; see value().\n\n>>> replace(f3)",
    family="masks",
    lower=_replace,
    masked=_as_first,
)
define(
    "replace",
    Kind.ELEMENTWISE,
    (Param("x", "any", "lattice"), Param("y", "any")),
    common,
    doc="x with y as the value of its bad pixels, which stay bad; see value().\n\n>>> value(replace(f3, f1))",
    family="masks",
    lower=_replace,
    masked=_as_first,
    checks=check_alike,
    units=alike("replace()"),
)


def _mask(b: Lowering, args: tuple[Lowered, ...], _dtype: DType) -> Lowered:
    mask = args[0].mask
    return Lowered(b.constant(True, BOOL) if mask is None else mask, None, BOOL)


define(
    "mask",
    Kind.ELEMENTWISE,
    (X,),
    truth,
    doc="The mask of x as truth values: T where it is good.\n\n>>> mask(f3)",
    family="masks",
    lower=_mask,
    masked=_unmasked,
    unit="none",
)


def _value(b: Lowering, args: tuple[Lowered, ...], dtype: DType) -> Lowered:
    x = args[0]
    undefined = x.mask is not None and b.constant_value(x.value) is not None  # a scalar stays undefined
    return Lowered(x.value, x.mask if undefined else None, dtype)


define(
    "value",
    Kind.ELEMENTWISE,
    (X,),
    same,
    doc="x without its mask: bad pixels show the value they have.\n\n>>> value(f3)",
    family="masks",
    lower=_value,
    masked=lambda args: args[0].attrs.is_scalar and args[0].attrs.masked,
)


def _condition(b: Lowering, args: tuple[Lowered, ...], dtype: DType) -> Lowered:
    x, condition = args
    return Lowered(x.value, b.and_(x.mask, b.and_(condition.mask, condition.value)), dtype)


define(
    "[]",
    Kind.ELEMENTWISE,
    (Param("x", "any", "lattice"), Param("condition", "bool", "lattice")),
    same,
    doc="x with the pixels masked where the condition does not hold.\n\n>>> f1[f1 > 0]",
    family="operators",
    operator="condition",
    precedence=90,
    lower=_condition,
    masked=lambda _args: True,
)
