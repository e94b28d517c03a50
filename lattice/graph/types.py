"""The five value types of the language and how they combine."""

from __future__ import annotations

from typing import Any

import numpy as np

from lattice.errors import LatticeTypeError

__all__ = [
    "BOOL",
    "COMPLEX",
    "DCOMPLEX",
    "DOUBLE",
    "DType",
    "FLOAT",
    "is_bool",
    "is_complex",
    "is_real",
    "lel_dtype",
    "promote",
    "real_part_type",
    "type_name",
]

DType = np.dtype[Any]

BOOL: DType = np.dtype(np.bool_)
FLOAT: DType = np.dtype(np.float32)
DOUBLE: DType = np.dtype(np.float64)
COMPLEX: DType = np.dtype(np.complex64)
DCOMPLEX: DType = np.dtype(np.complex128)

_NAMES = {BOOL: "Bool", FLOAT: "Float", DOUBLE: "Double", COMPLEX: "Complex", DCOMPLEX: "DComplex"}


def type_name(dtype: DType) -> str:
    """Return the name that the language has for a type.

    >>> type_name(FLOAT)
    'Float'
    """
    return _NAMES[dtype]


def is_bool(dtype: DType) -> bool:
    """Tell whether values of this type are truth values."""
    return dtype == BOOL


def is_real(dtype: DType) -> bool:
    """Tell whether values of this type are real numbers."""
    return dtype in (FLOAT, DOUBLE)


def is_complex(dtype: DType) -> bool:
    """Tell whether values of this type are complex numbers."""
    return dtype in (COMPLEX, DCOMPLEX)


def promote(a: DType, b: DType) -> DType:
    """Return the type in which two operands, both Bool or both numeric, are combined.

    >>> promote(DOUBLE, COMPLEX) == DCOMPLEX
    True
    """
    return np.promote_types(a, b)


def real_part_type(dtype: DType) -> DType:
    """Return the type of the modulus: Float for Float and Complex, Double for Double and DComplex."""
    return {COMPLEX: FLOAT, DCOMPLEX: DOUBLE}.get(dtype, dtype)


def lel_dtype(dtype: DType) -> DType:
    """Return the one of the five types that holds values of a numpy type.

    Integers of up to 16 bits and half floats fit Float exactly; wider integers become Double.

    Raises
    ------
    LatticeTypeError
        For types that none of the five holds.

    Examples
    --------
    >>> lel_dtype(np.dtype("int16")) == FLOAT, lel_dtype(np.dtype(">f8")) == DOUBLE
    (True, True)
    """
    if dtype.kind == "b":
        return BOOL
    if dtype.kind in "iu":
        return FLOAT if dtype.itemsize <= 2 else DOUBLE
    if dtype.kind == "f" and dtype.itemsize <= 8:
        return FLOAT if dtype.itemsize <= 4 else DOUBLE
    if dtype.kind == "c" and dtype.itemsize <= 16:
        return COMPLEX if dtype.itemsize <= 8 else DCOMPLEX
    raise LatticeTypeError(
        f"values of type {dtype} cannot be pixels",
        hint="pixels are booleans, floats of up to 64 bits or complex numbers of up to 128 bits",
    )
