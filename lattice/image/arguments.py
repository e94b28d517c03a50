"""What users give to methods, checked when an operation is built: numbers, sequences, one axis."""

from __future__ import annotations

import numbers
from collections.abc import Iterable
from typing import Any

import numpy as np

from lattice.errors import LatticeRangeError, LatticeTypeError

__all__ = ["angle", "axis_of", "real_number", "sequence", "whole_number"]


def whole_number(value: Any, what: str) -> int:
    """Return a number that has to be whole."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise LatticeTypeError(f"{what}={value!r} is no whole number")
    return int(value)


def real_number(value: Any, what: str) -> float:
    """Return a number that has to be real and finite."""
    plain = getattr(value, "item", None)
    if plain is not None and np.ndim(value) == 0 and getattr(value, "shape", ()) == ():
        value = plain()
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise LatticeTypeError(f"{what}={value!r} is no number")
    if not np.isfinite(float(value)):
        raise LatticeRangeError(f"{what}={value!r}: a finite number is needed")
    return float(value)


def angle(value: Any) -> float:
    """Return an angle in degrees: a number, a Quantity, or a text such as "5arcsec"."""
    if isinstance(value, str):
        from astropy.coordinates import Angle
        from astropy.units import UnitsError

        try:
            return float(Angle(value).to_value("deg"))
        except (ValueError, UnitsError):
            raise LatticeTypeError(f"{value!r} is no angle", hint="write '5arcsec' or '0.1deg'") from None
    if hasattr(value, "to_value"):
        from astropy.units import UnitConversionError

        try:
            return float(value.to_value("deg"))
        except (UnitConversionError, TypeError):
            raise LatticeTypeError(f"{value} is no angle") from None
    if isinstance(value, bool) or not isinstance(value, numbers.Real) or not np.isfinite(float(value)):
        raise LatticeTypeError(f"{value!r} is no angle", hint="write '5arcsec' or '0.1deg'")
    return float(value)


def sequence(value: Any, what: str, hint: str) -> list[Any]:
    """Return what has to be a list, or the like, of some things."""
    if isinstance(value, str | bytes) or not isinstance(value, Iterable) or hasattr(value, "node"):
        raise LatticeTypeError(f"{what}={value!r} is no list", hint=hint)
    return list(value)


def axis_of(image: Any, dim: Any) -> int:
    """Return the number of the axis that a name or number stands for: one, and no more."""
    from lattice.image.operators import axes_of

    axes = axes_of(image, dim)
    if len(axes) != 1:
        raise LatticeRangeError(f"{dim!r} names {len(axes)} axes, and one is needed")
    return axes[0]
