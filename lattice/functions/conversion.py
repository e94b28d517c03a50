"""Conversions between the value types."""

from __future__ import annotations

from lattice.functions.registry import define
from lattice.graph.function import Kind, Lowered, Lowering, Param
from lattice.graph.types import BOOL, COMPLEX, DCOMPLEX, DOUBLE, FLOAT, DType


def _cast(b: Lowering, args: tuple[Lowered, ...], dtype: DType) -> Lowered:
    return Lowered(b.cast(args[0].value, dtype), args[0].mask, dtype)


def _conversion(name: str, accepts: str, dtype: DType, doc: str, aliases: tuple[str, ...] = ()) -> None:
    example = f"{name}(f1 > 0)" if dtype == BOOL else f"{name}(f1)"
    define(
        name,
        Kind.ELEMENTWISE,
        (Param("x", accepts),),
        lambda _types: dtype,
        doc=f"{doc}\n\n>>> {example}",
        family="conversion",
        aliases=aliases,
        lower=_cast,
    )


_conversion("float", "real", FLOAT, "Single precision.")
_conversion("double", "real", DOUBLE, "Double precision.")
_conversion("complex", "numeric", COMPLEX, "Complex of single precision.")
_conversion("dcomplex", "numeric", DCOMPLEX, "Complex of double precision.")
_conversion(
    "bool", "bool", BOOL, "Truth value; of a region: T inside it, F elsewhere in its box.", ("boolean",)
)
