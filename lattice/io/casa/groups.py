"""Attribute groups: small tables that travel with an image; `lattice.io.base.Stored` says in what form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from lattice.errors import LatticeTypeError
from lattice.graph.records import Record, thawed
from lattice.io.casa.locks import TableLock
from lattice.io.casa.managers import column_cells
from lattice.io.casa.records import CODE_OF, STRING, TYPES, TableRecord
from lattice.io.casa.tables import Column, Description, Table, rewrite_rows, write_rows

__all__ = ["read_group", "update_group", "write_group"]

_MOST_ROWS = 10_000_000

_STORED = frozenset({0, 5, 7, 8, 9, 10, STRING})  # what casacore knows as an attribute


def read_group(path: str) -> Record:
    """Return the attribute group in a table."""
    table = Table(path)
    group: dict[str, Any] = {}
    for c in table.description.columns:
        column: dict[str, Any] = {"values": _values(c, column_cells(table, c.name))}
        if "QuantumUnits" in c.keywords:
            column["unit"] = np.atleast_1d(c.keywords["QuantumUnits"])
        measure = c.keywords.get("MEASINFO")
        if isinstance(measure, Mapping):
            column["measinfo"] = [str(measure.get("type", "")), str(measure.get("Ref", ""))]
        group[c.name] = column
    return Record(group)


def _values(c: Column, cells: list[Any]) -> Any:
    dtype = np.str_ if c.code == STRING else TYPES[c.code]
    if c.kind == "scalar":
        return np.array(cells, dtype)
    if cells and all(cell is not None and cell.shape == cells[0].shape for cell in cells):
        return np.stack(cells)
    return {str(i): cell for i, cell in enumerate(cells) if cell is not None}


def write_group(path: str, group: Mapping[str, Any], order: str) -> None:
    """Create the table of an attribute group; rows without an array get an empty one."""
    description, cells = _content(group)
    write_rows(path, description, cells, order=order)


def update_group(path: str, group: Mapping[str, Any]) -> None:
    """Replace the content of the table of an attribute group."""
    description, cells = _content(group)
    with TableLock(path, write=True) as lock:
        lock.need()
        rewrite_rows(path, description, cells, lock)


def _content(group: Mapping[str, Any]) -> tuple[Description, dict[str, list[Any]]]:
    description = Description()
    cells: dict[str, list[Any]] = {}
    rows = _rows(group)
    for name, found in group.items():
        column = found if isinstance(found, Mapping) else {"values": np.atleast_1d(thawed(found))}
        if "values" not in column:
            raise LatticeTypeError(
                f"the attribute {name!r} has no values", hint='write {"values": array, "unit": [...]}'
            )
        c, cells[name] = _column(name, thawed(column["values"]), rows)
        if "unit" in column:
            units = thawed(column["unit"])
            c.keywords["QuantumUnits"] = np.atleast_1d(np.asarray(units, np.str_))
        if "measinfo" in column:
            kind, frame = (str(text) for text in thawed(column["measinfo"]))
            c.keywords["MEASINFO"] = TableRecord(type=kind, Ref=frame)
        description.columns.append(c)
    return description, cells


def _rows(group: Mapping[str, Any]) -> int:
    """Return the number of rows of a group: that of its longest column."""
    rows = 0
    for name, column in group.items():
        values = column.get("values", ()) if isinstance(column, Mapping) else np.atleast_1d(thawed(column))
        if isinstance(values, Mapping):
            if not all(key.isdecimal() for key in values):
                raise LatticeTypeError(f"the rows of the attribute {name!r} are named 0, 1, ...")
            rows = max(rows, *(int(key) + 1 for key in values), 0)
        else:
            rows = max(rows, len(values))
    if rows > _MOST_ROWS:
        raise LatticeTypeError(f"an attribute group of {rows} rows is too large")
    return rows


def _column(name: str, values: Any, rows: int) -> tuple[Column, list[Any]]:
    if isinstance(values, Mapping):
        arrays = [np.asarray(values[str(i)]) if str(i) in values else None for i in range(rows)]
    else:
        array = np.asarray(values)
        if array.ndim == 1 and len(array) == rows:
            code = _code(name, array)
            return Column(name, code), list(array if code == STRING else array.astype(TYPES[code]))
        arrays = [*array, *[None] * (rows - len(array))]
    code = max((_code(name, a) for a in arrays if a is not None and a.size), default=8)
    kind = np.str_ if code == STRING else TYPES[code]
    filled = [np.zeros(0, kind) if a is None else np.atleast_1d(a).astype(kind) for a in arrays]
    return Column(name, code, "array", ndim=-1), filled


def _code(name: str, array: np.ndarray) -> int:
    """Return the type code of an attribute; whole numbers are of 32 bits: casacore knows no others here."""
    if array.dtype.kind in "US":
        return STRING
    if array.dtype.kind in "iu":
        if array.size and not (int(array.min()) >= -(2**31) and int(array.max()) < 2**31):
            raise LatticeTypeError(f"the attribute {name!r} has whole numbers beyond 32 bits")
        return 5
    code = CODE_OF.get(array.dtype)
    if code not in _STORED:
        raise LatticeTypeError(f"an attribute cannot be of type {array.dtype}: {name!r}")
    return code
