"""Mathematical functions that work pixel by pixel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lattice.functions import kernels
from lattice.functions.operators import power, truth
from lattice.functions.registry import common, define, elementwise, lookup, same
from lattice.functions.units import alike, power_unit, root
from lattice.graph.function import Kind, Lowered, Lowering, Param
from lattice.graph.types import COMPLEX, DCOMPLEX, DOUBLE, FLOAT, DType, is_complex, real_part_type

if TYPE_CHECKING:
    from lattice.graph.node import Node

X_REAL = Param("x", "real")
X_COMPLEX = Param("x", "complex")


def modulus(types: tuple[DType, ...]) -> DType:
    """Result rule: the real type of the same precision."""
    return real_part_type(types[0])


def _math(name: str, ufunc: np.ufunc, accepts: str, doc: str, jit: str = "", unit: str = "none") -> None:
    define(
        name,
        Kind.ELEMENTWISE,
        (Param("x", accepts),),
        same,
        doc=f"{doc}\n\n>>> {name}(f1)",
        family="mathematics",
        kernel=ufunc,
        jit=jit or f"math.{name}({{0}})",
        unit=unit,
        units=root if name == "sqrt" else None,
        ufuncs=(ufunc,),
    )


_math("sin", np.sin, "numeric", "Sine of an angle in radians.")
_math("cos", np.cos, "numeric", "Cosine of an angle in radians.")
_math("tan", np.tan, "real", "Tangent of an angle in radians.")
_math("asin", np.arcsin, "real", "Inverse sine, in radians.")
_math("acos", np.arccos, "real", "Inverse cosine, in radians.")
_math("atan", np.arctan, "real", "Inverse tangent, in radians.")
_math("sinh", np.sinh, "numeric", "Hyperbolic sine.")
_math("cosh", np.cosh, "numeric", "Hyperbolic cosine.")
_math("tanh", np.tanh, "real", "Hyperbolic tangent.")
_math("exp", np.exp, "numeric", "Exponential.")
_math("log", np.log, "numeric", "Natural logarithm; nan for negative real numbers.", jit="np.log({0})")
_math("log10", np.log10, "numeric", "Decimal logarithm; nan for negative real numbers.", jit="np.log10({0})")
_math("sqrt", np.sqrt, "numeric", "Square root; nan for negative real numbers.", jit="np.sqrt({0})")
_math("ceil", np.ceil, "real", "Smallest integer not below x.", unit="first", jit="np.ceil({0})")
_math("floor", np.floor, "real", "Largest integer not above x.", unit="first", jit="np.floor({0})")
define(
    "round",
    Kind.ELEMENTWISE,
    (X_REAL,),
    same,
    doc="Nearest integer, halves away from zero.\n\n>>> round(f1)",
    family="mathematics",
    kernel=kernels.round_half_away,
)
define(
    "sign",
    Kind.ELEMENTWISE,
    (X_REAL,),
    lambda _types: FLOAT,
    doc="-1, 0 or 1 as Float; nan stays nan.\n\n>>> sign(f1)",
    family="mathematics",
    kernel=kernels.sign,
    convert="own",
    unit="none",
    ufuncs=(np.sign,),
)
define(
    "abs",
    Kind.ELEMENTWISE,
    (Param("x"),),
    modulus,
    doc="Absolute value; the modulus of a complex number.\n\n>>> abs(f1)",
    family="mathematics",
    aliases=("amplitude",),
    kernel=np.absolute,
    convert="own",
    jit="abs({0})",
    ufuncs=(np.absolute, np.fabs),
)


def _real(b: Lowering, args: tuple[Lowered, ...], dtype: DType) -> Lowered:
    x = args[0]
    if not is_complex(x.dtype):
        return x
    return Lowered(b.apply(kernels.take_real, (x.value,), dtype), x.mask, dtype)


define(
    "real",
    Kind.ELEMENTWISE,
    (Param("x"),),
    modulus,
    doc="Real part.\n\n>>> real(c1)",
    family="mathematics",
    lower=_real,
)
define(
    "imag",
    Kind.ELEMENTWISE,
    (X_COMPLEX,),
    modulus,
    doc="Imaginary part.\n\n>>> imag(c1)",
    family="mathematics",
    kernel=kernels.take_imag,
    convert="own",
)
define(
    "arg",
    Kind.ELEMENTWISE,
    (X_COMPLEX,),
    modulus,
    doc="Argument of a complex number, in radians.\n\n>>> arg(c1)",
    family="mathematics",
    aliases=("phase",),
    kernel=kernels.angle,
    convert="own",
    unit="none",
)
define(
    "conj",
    Kind.ELEMENTWISE,
    (X_COMPLEX,),
    same,
    doc="Complex conjugate.\n\n>>> conj(c1)",
    family="mathematics",
    kernel=np.conjugate,
    ufuncs=(np.conjugate,),
)
define(
    "isnan",
    Kind.ELEMENTWISE,
    (Param("x"),),
    truth,
    doc="T where x is not a number; of a complex number: where either part is not.\n\n>>> isnan(f1)",
    family="mathematics",
    kernel=np.isnan,
    convert="own",
    jit="({0} != {0})",
    unit="none",
    ufuncs=(np.isnan,),
)
define(
    "pi",
    Kind.ELEMENTWISE,
    (),
    lambda _types: DOUBLE,
    doc="The circle constant, Double.\n\n>>> pi() * f1",
    family="mathematics",
    lower=lambda b, _args, dtype: Lowered(b.constant(np.pi, dtype), None, dtype),
)
define(
    "e",
    Kind.ELEMENTWISE,
    (),
    lambda _types: DOUBLE,
    doc="The base of the natural logarithm, Double.\n\n>>> e()^f1",
    family="mathematics",
    lower=lambda b, _args, dtype: Lowered(b.constant(np.e, dtype), None, dtype),
)
define(
    "atan2",
    Kind.ELEMENTWISE,
    (Param("y", "real"), X_REAL),
    common,
    doc="Angle of the point (x, y), in radians.\n\n>>> atan2(f1, f2)",
    family="mathematics",
    kernel=np.arctan2,
    jit="math.atan2({0}, {1})",
    unit="none",
    units=alike("atan2()", result=False),
    ufuncs=(np.arctan2,),
)
define(
    "pow",
    Kind.ELEMENTWISE,
    (Param("x"), Param("y")),
    common,
    doc="x to the power y, as x^y.\n\n>>> pow(f1, 2)",
    family="mathematics",
    lower=power,
    units=power_unit,
)
define(
    "fmod",
    Kind.ELEMENTWISE,
    (X_REAL, Param("y", "real")),
    common,
    doc="Remainder with the sign of x, as x % y.\n\n>>> fmod(f1, 2)",
    family="mathematics",
    kernel=np.fmod,
    units=alike("fmod()"),
    ufuncs=(np.fmod,),
)


def _extreme(name: str, kernel: object, ufunc: np.ufunc, sign: str, doc: str) -> None:
    def lower(b: Lowering, args: tuple[Lowered, ...], dtype: DType) -> Lowered:
        x, y = (b.cast(a.value, dtype) for a in args)
        if b.constant_value(x) is not None and b.constant_value(y) is None:
            x, y = y, x  # with one scalar the lattice comes first: it is its nan that stays
        mask = b.and_(args[0].mask, args[1].mask)
        jit = f"({{1}} if {{1}} {sign} {{0}} else {{0}})"
        return Lowered(b.apply(kernel, (x, y), dtype, jit=jit), mask, dtype)  # type: ignore[arg-type]

    define(
        name,
        Kind.ELEMENTWISE,
        (Param("a", "real"), Param("b", "real")),
        common,
        doc=f"{doc}\n\n>>> {name}(f1, f2)",
        family="mathematics",
        lower=lower,
        units=alike(f"{name}()"),
        ufuncs=(ufunc,),
    )


_extreme("min", kernels.smaller, np.minimum, "<", "The smaller of two; a nan in a stays, one in b yields a.")
_extreme("max", kernels.larger, np.maximum, ">", "The larger of two; a nan in a stays, one in b yields a.")
define(
    "complex",
    Kind.ELEMENTWISE,
    (Param("re", "real"), Param("im", "real")),
    lambda types: COMPLEX if types == (FLOAT, FLOAT) else DCOMPLEX,
    doc="Complex number of two real parts.\n\n>>> complex(f1, f2)",
    family="conversion",
    kernel=kernels.join_complex,
    convert="own",
    units=alike("complex()"),
)


def _root_of_squares(args: tuple[Node, ...]) -> Node:
    from lattice.graph.build import call
    from lattice.graph.node import Literal

    two = Literal.of(2.0, FLOAT)
    squares = [call(lookup("^", 2), a, two) for a in args]
    return call(lookup("sqrt", 1), call(lookup("+", 2), *squares))


define(
    "amp",
    Kind.ELEMENTWISE,
    (Param("a"), Param("b")),
    common,
    doc="Square root of a^2 + b^2; complex arguments are squared as such.\n\n>>> amp(q, u)",
    family="polarimetry",
    extends=True,
    expand=_root_of_squares,
    units=alike("amp()"),
    ufuncs=(np.hypot,),
)


@elementwise(
    "pa",
    Param("a", "real"),
    Param("b", "real"),
    family="polarimetry",
    unit="none",
    units=alike("pa()", result=False),
    jit="(math.atan2({0}, {1}) * 90 / math.pi)",
    doc="Position angle of linear polarisation in degrees: atan2(a, b) * 90 / pi, with a = U and b = Q.\n\n"
    ">>> pa(u, q)",
)
def position_angle(a: np.ndarray, b: np.ndarray, out: np.ndarray) -> None:
    """Fill `out` with position angles in degrees."""
    np.arctan2(a, b, out=out)
    np.multiply(out, out.dtype.type(90 / np.pi), out=out)
