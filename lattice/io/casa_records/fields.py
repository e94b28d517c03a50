"""Fields of records: reading them with checks that name what is wrong, units, measures, immutable copies."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from lattice.errors import FormatError
from lattice.graph.records import FrozenArray, Record

__all__ = [
    "ANGLES",
    "HERTZ",
    "as_record",
    "factor",
    "measure",
    "neat",
    "number",
    "part",
    "plain",
    "quantity",
    "text",
    "texts",
    "vector",
]

_PREFIXES = {"": 1.0, "m": 1e-3, "u": 1e-6, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "c": 1e-2, "d": 0.1}
_DEEPEST = 60

# Degrees are value * first / second, which gives back the decimals of what was written in the other unit.
ANGLES: dict[str, tuple[float, float]] = {
    "deg": (1.0, 1.0),
    "rad": (180.0, math.pi),
    "mrad": (180.0, math.pi * 1e3),
    "urad": (180.0, math.pi * 1e6),
    "arcmin": (1.0, 60.0),
    "'": (1.0, 60.0),
    "arcsec": (1.0, 3600.0),
    '"': (1.0, 3600.0),
    "''": (1.0, 3600.0),
    "mas": (1.0, 3.6e6),
    "marcsec": (1.0, 3.6e6),
    "uas": (1.0, 3.6e9),
    "uarcsec": (1.0, 3.6e9),
}
HERTZ: dict[str, tuple[float, float]] = {
    p + "Hz": (f, 1.0) if f >= 1 else (1.0, 1 / f) for p, f in _PREFIXES.items()
}
DAYS: dict[str, tuple[float, float]] = {
    "d": (1.0, 1.0),
    "h": (1.0, 24.0),
    "min": (1.0, 1440.0),
    "s": (1.0, 86400.0),
    "ms": (1.0, 8.64e7),
    "a": (365.25, 1.0),
}
METRES: dict[str, tuple[float, float]] = {
    "m": (1.0, 1.0),
    "km": (1e3, 1.0),
    "cm": (1.0, 100.0),
    "mm": (1.0, 1e3),
}


def part(record: Mapping[str, Any], key: str, where: str = "") -> Mapping[str, Any]:
    """Return a field that is a record."""
    value = _get(record, key, where)
    if not isinstance(value, Mapping):
        raise FormatError(f"{where}{key} is no record")
    return value


def number(record: Mapping[str, Any], key: str, where: str = "", default: float | None = None) -> float:
    """Return a field that is a finite number, the default if it is absent."""
    if default is not None and key not in record:
        return default
    value = _get(record, key, where)
    values = _numbers(value, where + key)
    if values.size != 1 or not np.isfinite(values).all():
        raise FormatError(f"{where}{key} is no finite number")
    return float(values.reshape(-1)[0])


def vector(record: Mapping[str, Any], key: str, n: int | None, where: str = "") -> np.ndarray:
    """Return a field that is a vector of finite numbers; of n of them, unless n is None."""
    values = np.atleast_1d(_numbers(_get(record, key, where), where + key))
    if values.ndim != 1 or (n is not None and len(values) != n):
        wanted = "a vector" if n is None else f"a vector of {n}"
        raise FormatError(f"{where}{key} has the shape {values.shape}, not that of {wanted}")
    if not np.isfinite(values).all():
        raise FormatError(f"{where}{key} has values that are not finite")
    return values


def matrix(record: Mapping[str, Any], key: str, n: int, where: str = "") -> np.ndarray:
    """Return a field that is a square matrix: rows are world axes, columns pixel axes."""
    values = _numbers(_get(record, key, where), where + key)
    if values.size != n * n or not np.isfinite(values).all():
        raise FormatError(f"{where}{key} is no matrix of {n} times {n} finite numbers")
    return values.reshape(n, n)


def _numbers(value: Any, name: str) -> np.ndarray:
    if isinstance(value, FrozenArray):
        value = value.array
    try:
        array = np.asarray(value)
        if array.dtype.kind not in "iuf":
            raise TypeError
        return array.astype(np.float64)
    except (TypeError, ValueError):
        raise FormatError(f"{name} is no number or array of numbers") from None


def integers(record: Mapping[str, Any], key: str, n: int, where: str = "") -> list[int]:
    """Return a field that is a vector of n whole numbers."""
    values = vector(record, key, n, where)
    if (values != np.trunc(values)).any() or (np.abs(values) > 1000).any():
        raise FormatError(f"{where}{key} has values that are no axis numbers")
    return [int(v) for v in values]


def text(record: Mapping[str, Any], key: str, where: str = "", default: str | None = None) -> str:
    """Return a field that is a text, the default if it is absent."""
    if default is not None and key not in record:
        return default
    value = _get(record, key, where)
    if not isinstance(value, str):
        raise FormatError(f"{where}{key} is no text")
    return str(value)


def texts(record: Mapping[str, Any], key: str, n: int | None, where: str = "") -> list[str]:
    """Return a field that is a vector of texts; of n of them, unless n is None."""
    value = _get(record, key, where)
    if isinstance(value, FrozenArray):
        value = value.array
    if isinstance(value, str):
        value = [value]
    try:
        values = list(np.asarray(value, object).reshape(-1))
    except ValueError:
        values = [None]
    if not all(isinstance(v, str) for v in values):
        raise FormatError(f"{where}{key} is no vector of texts")
    if n is not None and len(values) != n:
        raise FormatError(f"{where}{key} has {len(values)} texts instead of {n}")
    return [str(v) for v in values]


def _get(record: Mapping[str, Any], key: str, where: str) -> Any:
    if key not in record:
        raise FormatError(f"{where}{key} is missing")
    return record[key]


def factor(units: Mapping[str, tuple[float, float]], unit: str, name: str) -> tuple[float, float]:
    """Return by what to multiply and to divide values in a unit."""
    found = units.get(unit.strip())
    if found is None:
        raise FormatError(f"the unit {unit!r} of {name} is not known")
    return found


def quantity(
    record: Mapping[str, Any], key: str, units: Mapping[str, tuple[float, float]], where: str = ""
) -> float:
    """Return a field that is a number with a unit, in the unit whose factors are 1."""
    given = part(record, key, where)
    name = f"{where}{key}."
    times, over = factor(units, text(given, "unit", name), f"{where}{key}")
    return number(given, "value", name) * times / over


def measure(kind: str, refer: str, **values: tuple[float, str]) -> dict[str, Any]:
    """Return a measure: a record of numbers with units in a frame of reference."""
    out: dict[str, Any] = {"type": kind, "refer": refer}
    return out | {key: {"value": value, "unit": unit} for key, (value, unit) in values.items()}


def neat(value: float, back: tuple[float, float]) -> float:
    """Return the shortest decimal that means a given value in another unit.

    Parameters
    ----------
    value : float
        The value, in the unit in which it is wanted.
    back : tuple of float
        What multiplies and divides it to give the original.

    Examples
    --------
    >>> neat(0.9000000000000001, (math.pi, 180.0))
    0.9
    """
    times, over = back
    goal = value * times / over
    for digits in (12, 13, 14, 15, 16):
        short = float(f"{value:.{digits}g}")
        if short * times / over == goal:
            return short
    return value


def as_record(record: Mapping[str, Any], _depth: int = 0) -> Record:
    """Return an immutable copy of a record.

    Raises
    ------
    FormatError
        If it holds what no record can.
    """
    if _depth > _DEEPEST:
        raise FormatError(f"a record is nested deeper than {_DEEPEST} levels")
    out: dict[str, Any] = {}
    for key, value in record.items():
        if isinstance(value, Mapping):
            out[str(key)] = as_record(value, _depth + 1)
        elif isinstance(value, np.ndarray | list | tuple):
            array = np.asarray(value)
            if array.dtype.kind == "O":
                if not all(isinstance(v, str) for v in array.reshape(-1)):
                    raise FormatError(f"the field {key!r} is an array of things that are no texts or numbers")
                array = array.astype(np.str_)
            out[str(key)] = FrozenArray(array)
        else:
            out[str(key)] = value
    return Record(out)


def plain(value: Any) -> Any:
    """Return dictionaries, arrays and lists of texts from an immutable record."""
    if isinstance(value, Record):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, FrozenArray):
        array = np.array(value.array)
        return array.tolist() if array.dtype.kind == "U" and array.ndim == 1 else array
    return value
