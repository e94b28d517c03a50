"""Quantities and units of astropy as operands: numbers in the unit of the image, or factors of its unit."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from lattice.errors import LatticeTypeError, UnitMismatchError
from lattice.functions.units import parse, text_of
from lattice.graph.function import Function
from lattice.image.base import ImageBase

__all__ = ["is_quantity", "without_quantities"]

_ALIKE = frozenset(
    {"+", "-", "%", "<", "<=", ">", ">=", "==", "!=", "fmod", "min", "max", "iif", "replace", "atan2"}
)
_KEEP = frozenset({"+", "-", "%", "fmod", "min", "max", "iif", "replace"})


def is_quantity(value: Any) -> bool:
    """Tell whether a value is a Quantity or a unit of astropy."""
    if isinstance(value, ImageBase):
        return False
    units = sys.modules.get("astropy.units")  # whoever has a Quantity has imported it
    return units is not None and isinstance(value, units.Quantity | units.UnitBase)


def without_quantities(function: Function, args: Sequence[Any]) -> tuple[list[Any], str | None]:
    """Return the arguments of a function with plain numbers for Quantities, and the unit of the result.

    Parameters
    ----------
    function : Function
        What is applied.
    args : sequence
        Images, arrays, numbers and Quantities; what is added or compared is converted to the unit of the
        images, factors and divisors change it.

    Returns
    -------
    list, str or None
        None where the unit follows from the arguments.

    Raises
    ------
    UnitMismatchError
        For a Quantity that cannot be converted.
    """
    if not any(is_quantity(value) for value in args):
        return list(args), None
    from astropy.units import Quantity, UnitBase

    given = [Quantity(1.0, v) if isinstance(v, UnitBase) else v for v in args]
    own = next((a.unit for a in given if isinstance(a, ImageBase) and a.unit), "")
    if function.name in ("*", "/") and len(given) == 2:
        units = [a.unit if isinstance(a, Quantity) else parse(getattr(a, "unit", "")) for a in given]
        known = [_known(unit, a) for unit, a in zip(units, given, strict=True)]
        unit = known[0] * known[1] if function.name == "*" else known[0] / known[1]
        return [_number(a.value) if isinstance(a, Quantity) else a for a in given], text_of(unit)
    if function.name not in _ALIKE:
        raise LatticeTypeError(
            f"{function.name} takes images, arrays and numbers, not a Quantity", hint="give its value"
        )
    if not own:
        first = next(a for a in given if isinstance(a, Quantity))
        unit = text_of(first.unit)
        return _converted(given, first.unit, unit), unit if function.name in _KEEP else None
    unit = parse(own)
    if unit is None:
        raise UnitMismatchError(
            f"{own!r} is no unit that astropy knows: a Quantity cannot be converted to it",
            hint="give plain numbers, or the image another unit by with_unit()",
        )
    return _converted(given, unit, own), None


def _converted(given: Sequence[Any], unit: Any, own: str) -> list[Any]:
    from astropy.units import Quantity, UnitConversionError

    out = []
    for value in given:
        try:
            out.append(_number(value.to_value(unit)) if isinstance(value, Quantity) else value)
        except UnitConversionError:
            raise UnitMismatchError(
                f"{value} is no value in {own!r}, the unit of the image",
                hint="convert the image with convert_unit(), or say what the pixels are with with_unit()",
            ) from None
    return out


def _known(unit: Any, value: Any) -> Any:
    from astropy.units import dimensionless_unscaled

    if unit is not None:
        return unit
    if not getattr(value, "unit", ""):
        return dimensionless_unscaled
    raise UnitMismatchError(
        f"{value.unit!r} is no unit that astropy knows, and cannot be combined",
        hint="say what the pixels are with with_unit()",
    )


def _number(value: Any) -> Any:
    """Return a single value as a plain number of Python, which takes the precision of the image."""
    return value.item() if getattr(value, "ndim", 0) == 0 and hasattr(value, "item") else value
