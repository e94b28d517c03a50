"""Functions of the shape alone; no pixel is read for them."""

from __future__ import annotations

from typing import Any

from lattice.functions.registry import define
from lattice.graph.conform import axis_number
from lattice.graph.function import Kind, Param
from lattice.graph.types import FLOAT, DType


def _float(_types: tuple[DType, ...]) -> DType:
    return FLOAT


def _length(shape: tuple[int, ...], axis: Any) -> int:
    number = axis_number(float(axis), len(shape))
    return shape[number] if number >= 0 else 1


define(
    "ndim",
    Kind.INQUIRY,
    (Param("x", "any"),),
    _float,
    doc="Number of axes; 0 for a scalar.\n\n>>> ndim(f1)",
    family="inquiry",
    inquire=len,
    of_scalar=len,
    masked=lambda _args: False,
    unit="none",
)
define(
    "length",
    Kind.INQUIRY,
    (Param("x", "any"), Param("axis", "real", "scalar")),
    _float,
    doc="Number of pixels on an axis, counted from 0 at the fastest; 1 beyond the last.\n\n>>> length(f1, 0)",
    family="inquiry",
    inquire=_length,
    of_scalar=_length,
    masked=lambda args: args[1].attrs.masked,
    unit="none",
)
