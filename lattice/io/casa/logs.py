"""The history of an image: the log table that lies in its folder."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from lattice.errors import FormatError
from lattice.io.base import LogLine
from lattice.io.casa.locks import TableLock
from lattice.io.casa.managers import column_cells
from lattice.io.casa.records import TableRecord
from lattice.io.casa.tables import Column, Description, Table, has_file, rewrite_rows, write_rows
from lattice.io.files import is_url

__all__ = ["append_log", "log_cells", "log_description", "read_log", "write_log"]

_INFO = ("Log message", "Repository for software-generated logging messages")
_UNIX_EPOCH = 40587.0  # as modified Julian date
_LONGEST_PRIORITY = 9
_NORMAL = "INFO"  # how casacore writes the priority NORMAL


def read_log(path: str) -> tuple[LogLine, ...]:
    """Return the lines of a log table; none if there is no table."""
    if not (has_file(path, "table.dat") if is_url(path) else os.path.isdir(path)):
        return ()
    table = Table(path)
    if not table.rows:
        return ()
    found: dict[str, list[Any]] = {}
    for name in ("TIME", "PRIORITY", "MESSAGE", "LOCATION"):
        if table.description.column(name) is None:
            raise FormatError(f"the log {path!r} has no column {name}")
        found[name] = column_cells(table, name)
    return tuple(
        LogLine(str(text), float(when), "NORMAL" if priority == _NORMAL else str(priority), str(origin))
        for when, priority, text, origin in zip(*found.values(), strict=False)
    )


def log_description() -> Description:
    """Return the description of a log table."""
    keywords = TableRecord(UNIT="s", MEASURE_TYPE="EPOCH", MEASURE_REFERENCE="UTC")
    columns = [Column("TIME", 8, comment="MJD in seconds", keywords=keywords)]
    columns += [Column("PRIORITY", 11, max_length=_LONGEST_PRIORITY)]
    columns += [Column(name, 11) for name in ("MESSAGE", "LOCATION", "OBJECT_ID")]
    return Description(comment="Log message table", columns=columns)


def log_cells(lines: Sequence[str]) -> dict[str, list[Any]]:
    """Return the cells of a log table, by column; lines that are plain texts are of now."""
    now = (time.time() / 86400.0 + _UNIX_EPOCH) * 86400.0
    out: dict[str, list[Any]] = {
        name: [] for name in ("TIME", "PRIORITY", "MESSAGE", "LOCATION", "OBJECT_ID")
    }
    for line in lines:
        known = line if isinstance(line, LogLine) else LogLine(line, now, origin="lattice")
        priority = _NORMAL if known.priority == "NORMAL" else known.priority
        row = (known.time, priority[:_LONGEST_PRIORITY], str(line), known.origin, "")
        for cells, value in zip(out.values(), row, strict=True):
            cells.append(value)
    return out


def write_log(path: str, lines: Sequence[str], order: str) -> None:
    """Create a log table."""
    write_rows(path, log_description(), log_cells(lines), _INFO, order)


def append_log(path: str, lines: Sequence[str]) -> None:
    """Add lines to a log table."""
    if not os.path.isdir(path):
        write_log(path, lines, "<")
        return
    with TableLock(path, write=True) as lock:
        lock.need()
        table = Table(path)
        description = log_description()
        cells = log_cells(lines)
        for name, new in cells.items():
            if table.rows and table.description.column(name) is not None:
                new[:0] = column_cells(table, name)
            else:
                new[:0] = [np.float64(0) if name == "TIME" else ""] * table.rows
        description.keywords = table.keywords
        rewrite_rows(path, description, cells, lock)
