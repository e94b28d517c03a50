"""Kernels with no single numpy ufunc behind them.

All are called as ``kernel(*arrays, out=array)``; `out` never shares memory with an input.
"""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = [
    "angle",
    "divide_complex",
    "join_complex",
    "larger",
    "larger_modulus",
    "larger_or_equal_modulus",
    "power_complex",
    "power_each",
    "round_half_away",
    "sign",
    "smaller",
    "square",
    "take_imag",
    "take_real",
]

Array = np.ndarray[Any, Any]


def smaller(a: Array, b: Array, out: Array) -> None:
    """Put b where it compares smaller than a, else a: a nan in a stays, a nan in b yields a."""
    np.minimum(a, b, out=out)
    _repair(a, b, out)


def larger(a: Array, b: Array, out: Array) -> None:
    """Put b where it compares larger than a, else a: a nan in a stays, a nan in b yields a."""
    np.maximum(a, b, out=out)
    _repair(a, b, out)


def _repair(a: Array, b: Array, out: Array) -> None:
    # numpy's minimum and maximum keep a nan of either side, and a zero of either sign
    keep = np.logical_or(np.equal(a, b), np.isnan(b))
    if keep.any():
        np.copyto(out, a, where=keep)


def sign(x: Array, out: Array) -> None:
    """Put -1, 0 or 1; nan stays nan."""
    np.sign(x, out=out, casting="same_kind")


def round_half_away(x: Array, out: Array) -> None:
    """Round to the nearest integer, halves away from zero, by adding a half in the type of x."""
    np.copysign(x.dtype.type(0.5), x, out=out)
    np.add(x, out, out=out)
    np.trunc(out, out=out)


def square(x: Array, out: Array) -> None:
    """Put x times x."""
    np.multiply(x, x, out=out)


def divide_complex(a: Array, b: Array, out: Array) -> None:
    """Divide complex numbers; a division by zero gives nan in both parts."""
    np.divide(a, b, out=out)
    zero = b == 0
    if np.any(zero):
        np.copyto(out, complex(np.nan, np.nan), where=zero)


def power_each(a: Array, b: Array, out: Array) -> None:
    """Put a to the power b, pixel by pixel.

    Where all exponents are one number numpy may take a root or a product instead, which differs in the last
    bit and for -inf. A single pixel looks like that, and must not depend on how the lattice is cut.
    """
    if out.size == 1:
        out[...] = np.power(np.repeat(a.reshape(-1), 2), np.repeat(b.reshape(-1), 2))[0]
    else:
        np.power(a, b, out=out)


def power_complex(a: Array, b: Array, out: Array) -> None:
    """Put exp(b * log(a))."""
    np.log(a, out=out)
    np.multiply(out, b, out=out)
    np.exp(out, out=out)


def join_complex(re: Array, im: Array, out: Array) -> None:
    """Make complex numbers of two real parts."""
    out.real = re
    out.imag = im


def take_real(x: Array, out: Array) -> None:
    """Put the real part."""
    np.copyto(out, x.real)


def take_imag(x: Array, out: Array) -> None:
    """Put the imaginary part."""
    np.copyto(out, x.imag)


def angle(x: Array, out: Array) -> None:
    """Put the argument of a complex number, in radians."""
    np.arctan2(x.imag, x.real, out=out)


def _norm(x: Array) -> Array:
    return np.asarray(x.real * x.real + x.imag * x.imag)


def larger_modulus(a: Array, b: Array, out: Array) -> None:
    """Compare complex numbers by modulus: a > b."""
    np.greater(_norm(a), _norm(b), out=out)


def larger_or_equal_modulus(a: Array, b: Array, out: Array) -> None:
    """Compare complex numbers by modulus: a >= b."""
    np.greater_equal(_norm(a), _norm(b), out=out)
