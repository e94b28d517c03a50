"""Attribute groups row by row: small tables of an image, changed by making new ones.

A group is a record of columns, each with ``values`` and, where they are known, ``unit`` and ``measinfo``.
Values are an array whose first axis counts the rows; or a record ``{"0": array, "2": array, ...}`` where
shapes differ from row to row or some rows have no value.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lattice.compat.casacore.errors import ArgumentError, CasacoreError, NotKnownError
from lattice.errors import suggest
from lattice.graph.records import Record, thawed

__all__ = ["cell", "measure_of", "n_rows", "put", "row_of", "units_of"]

_KINDS = {
    "b": np.dtype(bool),
    "i": np.dtype("i4"),
    "u": np.dtype("i4"),
    "f": np.dtype("f8"),
    "c": np.dtype("c16"),
}


def _cells(column: Mapping[str, Any]) -> list[Any]:
    """Return the values by row, None where there is none."""
    values = thawed(column["values"])
    if not isinstance(values, Mapping):
        return list(values)
    numbers = {int(key): cell for key, cell in values.items()}
    return [numbers.get(row) for row in range(max(numbers, default=-1) + 1)]


def n_rows(group: Mapping[str, Any]) -> int:
    """Return the number of rows of a group."""
    return max((len(_cells(column)) for column in group.values()), default=0)


def _column(group: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    if name not in group:
        raise CasacoreError(f"there is no attribute {name!r}", hint=suggest(name, group))
    found: Mapping[str, Any] = group[name]
    return found


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def cell(group: Mapping[str, Any], name: str, row: int) -> Any:
    """Return one value: a Python number or text, or an array, which is empty where nothing was put."""
    cells = _cells(_column(group, name))
    if not 0 <= row < n_rows(group):
        raise CasacoreError(f"there is no row {row}: the group has {n_rows(group)}")
    found = cells[row] if row < len(cells) else None
    if found is None:
        sample = next((c for c in cells if c is not None), np.zeros(0))
        return np.zeros(0, np.asarray(sample).dtype)
    return _plain(found)


def row_of(group: Mapping[str, Any], row: int) -> dict[str, Any]:
    """Return the values of a row by attribute."""
    if not 0 <= row < n_rows(group):
        raise CasacoreError(f"there is no row {row}: the group has {n_rows(group)}")
    return {name: cell(group, name, row) for name in group}


def units_of(group: Mapping[str, Any], name: str) -> list[str]:
    """Return the units of an attribute, [] if it has none."""
    return [str(u) for u in np.ravel(thawed(_column(group, name).get("unit", [])))]


def measure_of(group: Mapping[str, Any], name: str) -> list[str]:
    """Return type and reference frame of an attribute, [] if it has none."""
    return [str(m) for m in np.ravel(thawed(_column(group, name).get("measinfo", [])))]


def put(group: Mapping[str, Any], name: str, row: int, value: Any, unit: Any = (), meas: Any = ()) -> Record:
    """Return the group with a value in a row, which may be the one behind the last.

    Parameters
    ----------
    group : mapping
        The group.
    name : str
        The attribute; it is made when it is not there, empty in the other rows.
    row : int
        The row.
    value : bool, int, float, complex, str or an array of such
        Of the kind that the attribute has: a number is widened as needed, never narrowed.
    unit : str or sequence of str, optional
        Of a new attribute.
    meas : sequence of str, optional
        Type and reference frame of a new attribute.

    Raises
    ------
    CasacoreError
        When the row is further out, or the value is of another kind.
    """
    count = n_rows(group)
    if not 0 <= row <= count:
        raise CasacoreError(
            f"row {row} is beyond the end of a group of {count} rows", hint="put them in order"
        )
    given = _typed(name, value)
    columns = {key: dict(column) for key, column in group.items()}
    own = _cells(columns[name]) if name in columns else []
    if name not in columns:
        columns[name] = _described(name, unit, meas)
    _check_kind(name, own, given)
    total = max(count, row + 1)
    for key, column in columns.items():
        cells = own if key == name else _cells(column)
        cells = [*cells, *[None] * (total - len(cells))]
        if key == name:
            cells[row] = given
        column["values"] = _values(cells)
    return Record(columns)


def _check_kind(name: str, cells: Sequence[Any], given: np.ndarray) -> None:
    there = [np.asarray(c) for c in cells if c is not None]
    if there and (there[0].ndim > 0) != (given.ndim > 0):
        raise CasacoreError(f"attribute {name!r} holds {'arrays' if there[0].ndim else 'single values'}")
    kinds = {c.dtype.kind for c in (*there, given)}
    if len(kinds) > 1 and kinds & set("Ub"):
        raise CasacoreError(f"attribute {name!r} holds values of another kind")


def _values(cells: Sequence[Any]) -> Any:
    """Return cells as they are kept: of the widest of their types, as one array where that is possible."""
    there = [np.asarray(c) for c in cells if c is not None]
    dtype = np.result_type(*(c.dtype for c in there)) if there else np.dtype("f8")
    if all(c.ndim == 0 for c in there):
        nothing = np.zeros((), dtype)  # 0, F or an empty text
        return np.array([nothing if c is None else c for c in cells], dtype)
    if len(there) == len(cells) and len({c.shape for c in there}) == 1:
        return np.stack(there).astype(dtype)
    return {str(row): np.asarray(c).astype(dtype) for row, c in enumerate(cells) if c is not None}


def _typed(name: str, value: Any) -> np.ndarray:
    array = np.asarray(value)
    if array.dtype.kind in "US":
        return array.astype(np.str_)
    if array.dtype.kind not in _KINDS:
        raise ArgumentError(f"attribute {name!r}: a {type(value).__name__} cannot be put into a group")
    if array.dtype.kind in "iu" and array.size and np.abs(array.astype(float)).max() >= 2.0**31:
        return array.astype(np.float64)
    return array.astype(_KINDS[array.dtype.kind])


def _described(name: str, unit: Any, meas: Any) -> dict[str, Any]:
    units = [unit] if isinstance(unit, str) else [str(u) for u in unit]
    if len(meas) not in (0, 2):
        raise NotKnownError(f"attribute {name!r}: meas is a type and a reference frame, not {list(meas)}")
    column: dict[str, Any] = {}
    if units:
        column["unit"] = np.array(units)
    if len(meas):
        column["measinfo"] = np.array([str(m) for m in meas])
    return column
