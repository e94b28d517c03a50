"""Quantities as CASA takes and gives them: texts such as "3arcsec" and records with value and unit."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from lattice.compat.casa.errors import ArgumentError, CasaError
from lattice.compat.casa.units import unit_of

__all__ = [
    "converted",
    "in_unit",
    "is_nothing",
    "quantity",
    "quantity_of",
    "sexagesimal",
    "shown_date",
    "unit_of",
]

_NUMBER = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*(.*?)\s*\Z")
_HOURS = re.compile(r"\s*([+-]?)(\d+)(?:[:hH])(\d+)(?:(?:[:mM])(\d*\.?\d*)[sS]?)?[mM]?\s*\Z")
_DEGREES = re.compile(r"\s*([+-]?)(\d+)(?:[dD](\d+)(?:[mM](\d*\.?\d*)[sS]?)?[mM]?|\.(\d+)\.(\d+\.?\d*))\s*\Z")
_DATE = re.compile(
    r"\s*(?:(\d{4})[-/](\d{1,2})[-/](\d{1,2})|(\d{1,2})-?([A-Za-z]{3})-?(\d{4}))"
    r"(?:[/T](\d{1,2})(?::(\d{1,2})(?::(\d{1,2}(?:\.\d*)?))?)?)?\s*\Z"
)
_MONTHS = "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC"  # as texts of dates have them


def quantity(value: Any, unit: str) -> dict[str, Any]:
    """Return the record of a quantity.

    >>> quantity(3, "arcsec")
    {'value': 3, 'unit': 'arcsec'}
    """
    return {"value": value, "unit": unit}


def is_nothing(value: Any) -> bool:
    """Tell whether an argument is one of those that stand for no quantity."""
    return value is None or (isinstance(value, str | list | tuple | dict) and len(value) == 0)


def quantity_of(value: Any, default_unit: str = "") -> tuple[Any, str]:
    """Return value and unit of a text, a record, a list of one of these, or a plain number.

    Parameters
    ----------
    value : str, mapping, number, list or array
        The quantity. Texts may be sexagesimal: hours with ``:`` or ``h``, degrees with ``d`` or dots.
    default_unit : str, optional
        Unit of plain numbers.

    Examples
    --------
    >>> quantity_of("1.5arcsec"), quantity_of({"value": 2.0, "unit": "Jy"}), quantity_of("12:00:00")
    ((1.5, 'arcsec'), (2.0, 'Jy'), (180.0, 'deg'))
    """
    if isinstance(value, Mapping):
        if "value" not in value or "unit" not in value:
            raise ArgumentError(f"{value!r} is no quantity", hint="it has value and unit")
        inner = value["value"]
        if isinstance(inner, np.ndarray) and inner.size == 1:
            inner = float(inner.ravel()[0])
        return inner, str(value["unit"])
    if isinstance(value, str):
        return _of_text(value)
    if isinstance(value, list | tuple) and len(value) == 1:
        return quantity_of(value[0], default_unit)
    if isinstance(value, np.ndarray) and value.size == 1:
        return float(value.ravel()[0]), default_unit
    if isinstance(value, bool) or not isinstance(value, int | float | np.number):
        if isinstance(value, list | tuple | np.ndarray):
            return _of_several(value, default_unit)
        raise ArgumentError(
            f"{value!r} is no quantity", hint='write "3arcsec", or {"value": 3, "unit": "arcsec"}'
        )
    return float(value), default_unit


def _of_several(values: Any, default_unit: str) -> tuple[np.ndarray, str]:
    found = [quantity_of(v, default_unit) for v in values]
    unit = found[0][1] if found else default_unit
    return np.array([float(converted(v, u, unit)) for v, u in found]), unit


def _of_text(text: str) -> tuple[float, str]:
    if found := _HOURS.match(text):
        sign, h, m, s = found.groups()
        size = 15 * (int(h) + int(m) / 60 + float(s or 0) / 3600)
        return (-size if sign == "-" else size), "deg"
    if found := _DEGREES.match(text):
        sign, d, m, s, dot_m, dot_s = found.groups()
        size = int(d) + int(m or dot_m) / 60 + float(s or dot_s or 0) / 3600
        return (-size if sign == "-" else size), "deg"
    if found := _DATE.match(text):
        return _days(text, *found.groups()), "d"
    if not text.strip():
        return 0.0, ""
    found = _NUMBER.match(text)
    if found is None:
        raise CasaError(f"{text!r} is no quantity", hint='write a number and a unit: "3arcsec"')
    return float(found.group(1)), found.group(2)


def _days(text: str, *parts: str | None) -> float:
    """Return the modified Julian date of a date, with or without a time of day."""
    import datetime

    year, month, day = parts[0] or parts[5], parts[1], parts[2] or parts[3]
    try:
        number = int(month) if month else _MONTHS.split().index(str(parts[4]).upper()) + 1
        date = datetime.date(int(str(year)), number, int(str(day)))
    except ValueError:
        raise CasaError(f"{text!r} is no date") from None
    hours, minutes, seconds = (float(p or 0) for p in parts[6:9])
    return (date - datetime.date(1858, 11, 17)).days + (hours + (minutes + seconds / 60) / 60) / 24


def converted(value: Any, unit: str, target: str) -> Any:
    """Return a value in another unit.

    Raises
    ------
    CasaError
        When the units are of different kinds.

    Examples
    --------
    >>> round(converted(90.0, "arcmin", "deg"), 12)
    1.5
    """
    if unit == target:
        return value
    from astropy import units as u

    try:
        return unit_of(unit).to(unit_of(target), value)
    except u.UnitConversionError:
        raise CasaError(f"{unit!r} is not converted to {target!r}") from None


def in_unit(value: Any, target: str, default_unit: str = "") -> float:
    """Return the number of a quantity in a unit; see `quantity_of`."""
    number, unit = quantity_of(value, default_unit)
    if np.ndim(number):
        raise CasaError(f"one quantity is taken, not {np.size(number)}")
    return float(converted(number, unit, target))


def sexagesimal(radians: float, hours: bool, digits: int = 3) -> str:
    """Return an angle in hours, from 0 to 24, or in degrees.

    >>> sexagesimal(3.0, True), sexagesimal(-0.5, False)
    ('11:27:32.961', '-28.38.52.403')
    """
    degrees = math.degrees(radians)
    size = (degrees % 360) / 15 if hours else abs(degrees)
    ticks = round(size * 3600 * 10**digits)
    if hours:
        ticks %= 24 * 3600 * 10**digits
    whole, part = divmod(ticks, 10**digits)
    first, rest = divmod(whole, 3600)
    tail = f"{rest % 60:02d}" + (f".{part:0{digits}d}" if digits else "")
    if hours:
        return f"{first:02d}:{rest // 60:02d}:{tail}"
    sign = "-" if degrees < 0 else "+"
    return f"{sign}{first:02d}.{rest // 60:02d}.{tail}"


def shown_date(days: float, digits: int = 6) -> str:
    """Return a date from days of the modified Julian date.

    >>> shown_date(58849.5)
    '2020/01/01/12:00:00.000000'
    """
    import datetime

    ticks = round(days * 86400 * 10**digits)
    whole, part = divmod(ticks, 86400 * 10**digits)
    day = datetime.date(1858, 11, 17) + datetime.timedelta(days=whole)
    seconds, rest = divmod(part, 10**digits)
    tail = f".{rest:0{digits}d}" if digits else ""
    hours, minutes = divmod(seconds // 60, 60)
    return f"{day.year:04d}/{day.month:02d}/{day.day:02d}/{hours:02d}:{minutes:02d}:{seconds % 60:02d}{tail}"
