"""Operators of the language, in order of precedence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lattice.errors import LatticeTypeError
from lattice.functions import kernels
from lattice.functions.registry import common, define, same
from lattice.functions.units import alike, power_unit, product, quotient
from lattice.graph.function import Kind, Lowered, Lowering, Param
from lattice.graph.types import BOOL, DType, is_bool, is_complex, type_name

if TYPE_CHECKING:
    from lattice.graph.node import Node

A, B = Param("a"), Param("b")
REALS = (Param("a", "real"), Param("b", "real"))
BOOLS = (Param("a", "bool"), Param("b", "bool"))


def truth(_types: tuple[DType, ...]) -> DType:
    """Result rule: Bool."""
    return BOOL


def _arithmetic(name: str, ufunc: np.ufunc, precedence: int, units: Any, doc: str) -> None:
    define(
        name,
        Kind.ELEMENTWISE,
        (A, B),
        common,
        doc=doc,
        family="operators",
        operator="infix",
        precedence=precedence,
        extends=True,
        kernel=ufunc,
        jit=f"({{0}} {name} {{1}})",
        units=units,
        ufuncs=(ufunc,),
    )


_arithmetic("+", np.add, 50, alike("'+'"), "Sum.\n\n>>> f1 + 1")
_arithmetic("-", np.subtract, 50, alike("'-'"), "Difference.\n\n>>> f1 - mean(f1)")
_arithmetic("*", np.multiply, 60, product, "Product.\n\n>>> 2 * f1")


def _divide(b: Lowering, args: tuple[Lowered, ...], dtype: DType) -> Lowered:
    x, y = (b.cast(a.value, dtype) for a in args)
    mask = b.and_(args[0].mask, args[1].mask)
    if is_complex(dtype):
        return Lowered(b.apply(kernels.divide_complex, (x, y), dtype), mask, dtype)
    return Lowered(b.apply(np.divide, (x, y), dtype, jit="({0} / {1})"), mask, dtype)


define(
    "/",
    Kind.ELEMENTWISE,
    (A, B),
    common,
    doc="Quotient, as IEEE has it; a complex division by zero gives nan in both parts.\n\n>>> f1 / f2",
    family="operators",
    operator="infix",
    precedence=60,
    extends=True,
    lower=_divide,
    units=quotient,
    ufuncs=(np.divide,),
)
define(
    "%",
    Kind.ELEMENTWISE,
    REALS,
    common,
    doc="Remainder with the sign of the dividend; nan for a divisor of 0.\n\n>>> f1 % 2",
    family="operators",
    operator="infix",
    precedence=60,
    kernel=np.fmod,
    units=alike("'%'"),
)


def power(b: Lowering, args: tuple[Lowered, ...], dtype: DType) -> Lowered:
    """Lower a power: a square of a lattice is a product, complex powers go through the logarithm."""
    x, y = (b.cast(a.value, dtype) for a in args)
    mask = b.and_(args[0].mask, args[1].mask)
    exponent = b.constant_value(y)
    if exponent is not None and exponent == 2 and b.constant_value(x) is None:
        return Lowered(b.apply(np.multiply, (x, x), dtype, jit="({0} * {1})"), mask, dtype)
    real = np.power if exponent is not None else kernels.power_each
    kernel = kernels.power_complex if is_complex(dtype) else real
    return Lowered(b.apply(kernel, (x, y), dtype), mask, dtype)


define(
    "^",
    Kind.ELEMENTWISE,
    (A, B),
    common,
    doc="Power; nan for a negative base with a fraction as exponent.\n\n>>> f1^2",
    family="operators",
    operator="infix",
    precedence=80,
    lower=power,
    units=power_unit,
    ufuncs=(np.power,),
)
define(
    "-",
    Kind.ELEMENTWISE,
    (Param("x"),),
    same,
    doc="Negative.\n\n>>> -f1",
    family="operators",
    operator="prefix",
    precedence=65,
    kernel=np.negative,
    jit="(-{0})",
    ufuncs=(np.negative,),
)


def _identity(_b: Lowering, args: tuple[Lowered, ...], _dtype: DType) -> Lowered:
    return args[0]


define(
    "+",
    Kind.ELEMENTWISE,
    (Param("x", "any"),),
    same,
    doc="The operand itself.\n\n>>> +f1",
    family="operators",
    operator="prefix",
    precedence=65,
    lower=_identity,
    ufuncs=(np.positive,),
)


def _compare(name: str, ufunc: np.ufunc, swapped: bool, modulus: object, doc: str) -> None:
    def lower(b: Lowering, args: tuple[Lowered, ...], _dtype: DType) -> Lowered:
        left, right = args[::-1] if swapped else args
        kind = common((left.dtype, right.dtype))
        x, y = b.cast(left.value, kind), b.cast(right.value, kind)
        mask = b.and_(args[0].mask, args[1].mask)
        if is_complex(kind):
            return Lowered(b.apply(modulus, (x, y), BOOL), mask, BOOL)  # type: ignore[arg-type]
        symbol = {"<": ">", "<=": ">="}.get(name, name)
        base = {">": np.greater, ">=": np.greater_equal}[symbol]
        return Lowered(b.apply(base, (x, y), BOOL, jit=f"({{0}} {symbol} {{1}})"), mask, BOOL)

    define(
        name,
        Kind.ELEMENTWISE,
        (A, B),
        truth,
        doc=doc + " Complex numbers are compared by modulus; nan compares false.\n\n>>> f1 " + name + " 0",
        family="operators",
        operator="infix",
        precedence=30,
        extends=True,
        lower=lower,
        unit="none",
        units=alike(f"{name!r}", result=False),
        ufuncs=(ufunc,),
    )


_compare(">", np.greater, False, kernels.larger_modulus, "Greater.")
_compare(">=", np.greater_equal, False, kernels.larger_or_equal_modulus, "Greater or equal.")
_compare("<", np.less, True, kernels.larger_modulus, "Less.")
_compare("<=", np.less_equal, True, kernels.larger_or_equal_modulus, "Less or equal.")


def check_alike(args: tuple[Node, ...]) -> None:
    """Refuse a truth value next to a number."""
    if len({is_bool(a.attrs.dtype) for a in args}) > 1:
        names = " and ".join(type_name(a.attrs.dtype) for a in args)
        raise LatticeTypeError(
            f"truth values and numbers do not mix: the operands are {names}",
            hint="use iif(condition, 1, 0) to turn truth values into numbers, x != 0 for the other way",
        )


def _check_equal(args: tuple[Node, ...]) -> None:
    check_alike(args)
    a, b = (x.attrs for x in args)
    if is_bool(a.dtype) and a.is_scalar != b.is_scalar:
        raise LatticeTypeError(
            "a Bool lattice cannot be compared with a Bool scalar",
            hint="use the lattice itself for == T, and !lattice for == F",
        )


def _equality(name: str, ufunc: np.ufunc, doc: str) -> None:
    def lower(b: Lowering, args: tuple[Lowered, ...], _dtype: DType) -> Lowered:
        kind = common((args[0].dtype, args[1].dtype))
        registers = tuple(b.cast(a.value, kind) for a in args)
        mask = b.and_(args[0].mask, args[1].mask)
        return Lowered(b.apply(ufunc, registers, BOOL, jit=f"({{0}} {name} {{1}})"), mask, BOOL)

    define(
        name,
        Kind.ELEMENTWISE,
        (Param("a", "any"), Param("b", "any")),
        truth,
        doc=doc + " Complex numbers are compared by value.\n\n>>> f1 " + name + " f2",
        family="operators",
        operator="infix",
        precedence=30,
        extends=True,
        lower=lower,
        checks=_check_equal,
        unit="none",
        units=alike(f"{name!r}", result=False),
        ufuncs=(ufunc,),
    )


_equality("==", np.equal, "Equal.")
_equality("!=", np.not_equal, "Not equal.")


def _and(b: Lowering, args: tuple[Lowered, ...], _dtype: DType) -> Lowered:
    x, y = args
    value = b.and_(x.value, y.value)
    assert value is not None
    if x.mask is None and y.mask is None:
        return Lowered(value, None, BOOL)
    # good where both are, and where a good F decides by itself
    decided = b.or_(b.and_(x.mask, b.not_(x.value)), b.and_(y.mask, b.not_(y.value)))
    return Lowered(value, b.or_(b.and_(x.mask, y.mask), decided), BOOL)


def _or(b: Lowering, args: tuple[Lowered, ...], _dtype: DType) -> Lowered:
    x, y = args
    value = b.or_(x.value, y.value)
    assert value is not None
    if x.mask is None and y.mask is None:
        return Lowered(value, None, BOOL)
    decided = b.or_(b.and_(x.mask, x.value), b.and_(y.mask, y.value))
    return Lowered(value, b.or_(b.and_(x.mask, y.mask), decided), BOOL)


define(
    "&&",
    Kind.ELEMENTWISE,
    BOOLS,
    truth,
    doc="Both hold. Three-valued: F && bad is F.\n\n>>> f1 > 0 && f2 < 1",
    family="operators",
    operator="infix",
    precedence=20,
    extends=True,
    lower=_and,
    unit="none",
    ufuncs=(np.logical_and, np.bitwise_and),
)
define(
    "||",
    Kind.ELEMENTWISE,
    BOOLS,
    truth,
    doc="One holds at least. Three-valued: T || bad is T.\n\n>>> f1 > 0 || f2 < 1",
    family="operators",
    operator="infix",
    precedence=10,
    extends=True,
    lower=_or,
    unit="none",
    ufuncs=(np.logical_or, np.bitwise_or),
)
define(
    "!",
    Kind.ELEMENTWISE,
    (Param("x", "bool"),),
    truth,
    doc="Does not hold.\n\n>>> !(f1 > 0)",
    family="operators",
    operator="prefix",
    precedence=70,
    lower=lambda b, args, _dtype: Lowered(b.not_(args[0].value), args[0].mask, BOOL),
    unit="none",
    ufuncs=(np.logical_not, np.invert),
)
