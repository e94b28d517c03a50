"""Reads numeric literals; the form of a literal decides its type."""

from __future__ import annotations

import re

import numpy as np

__all__ = ["read_number"]

_LARGEST_INT32 = 2**31 - 1
_EXACT_DIGITS = 300


def read_number(text: str) -> tuple[float | complex, str, int | None]:
    """Return the value of a numeric literal, its dtype, and the integer if it has digits only.

    Parameters
    ----------
    text : str
        A literal that follows the grammar: ``1``, ``1.5``, ``1e2``, ``1d2``, or one of them with ``i``.
        A ``d`` exponent counts, and makes the number a Double.

    Examples
    --------
    >>> read_number("1e2")
    (100.0, 'float32', None)
    >>> read_number("2.5i")
    (2.5j, 'complex128', None)
    >>> read_number("2147483648")
    (2147483648.0, 'float64', 2147483648)
    """
    digits = text.removesuffix("i")
    value = float(re.sub("[dD]", "e", digits))
    integer = None
    if digits.isdigit():
        # Python refuses to convert thousands of digits; no use of an integer needs as many.
        integer = int(digits) if len(digits.lstrip("0")) <= _EXACT_DIGITS else 10**_EXACT_DIGITS
    if integer is not None and digits == text:
        single = integer <= _LARGEST_INT32
    else:
        single = "e" in digits.lower()
    if single:
        with np.errstate(over="ignore", under="ignore"):
            value = float(np.float32(value))
    if digits != text:
        return complex(0, value), "complex64" if single else "complex128", None
    return value, "float32" if single else "float64", integer
