"""Coordinates that FITS files keep in tables beside an image (-TAB): of axes by themselves.

Greisen & Calabretta 2002, A&A 395, 1061, and Greisen et al. 2006, A&A 446, 747, section 6.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lattice.coords.header import Card, WcsCards
from lattice.io.files import read_range
from lattice.io.fits_hdus import HDU, FitsFile

__all__ = ["coordinate_tables"]

_C = 299_792_458.0
_MOST = 1 << 22  # pixels of an axis, and entries of a table
_FORM = re.compile(r"(\d*)([LXBIJKAEDCMPQ])")
_BYTES = {"L": 1, "B": 1, "A": 1, "I": 2, "J": 4, "K": 8, "E": 4, "D": 8, "C": 8, "M": 16, "P": 8, "Q": 16}
_TYPES = {"I": ">i2", "J": ">i4", "K": ">i8", "E": ">f4", "D": ">f8"}
_TO_HZ = {"Hz": 1.0, "kHz": 1e3, "MHz": 1e6, "GHz": 1e9}
_TO_M = {"m": 1.0, "cm": 1e-2, "mm": 1e-3, "um": 1e-6, "nm": 1e-9, "Angstrom": 1e-10}


@dataclass(frozen=True)
class _Column:
    """A column of one row: where it is, its type, and how many numbers it holds."""

    offset: int
    dtype: np.dtype[Any]
    count: int
    shape: tuple[int, ...]  # as TDIM has it, the fastest axis first


def coordinate_tables(
    file: FitsFile, cards: Sequence[Card], shape: Sequence[int]
) -> tuple[tuple[float, ...], tuple[tuple[int, tuple[float, ...]], ...]]:
    """Return the coordinates of axes that have a table of their own.

    Parameters
    ----------
    file : FitsFile
        The file.
    cards : sequence of (keyword, value, comment)
        Header of the image.
    shape : sequence of int
        Its shape, numpy order.

    Returns
    -------
    tuple of float
        Frequencies of the spectral axis in Hz; empty without a table of them.
    tuple of (int, tuple of float)
        FITS number and coordinates of other axes, in the unit of their header.

    Notes
    -----
    What is not there, damaged, or shared by several axes is left out: such coordinates are unknown.
    """
    wcs = WcsCards.parse(cards)
    numbers = [i for i in range(1, wcs.axes + 1) if wcs.ctype(i).endswith("-TAB")]
    if not numbers:
        return (), ()
    values = {key: value for key, value, _ in cards}
    groups = wcs.coupled()
    spectrum: tuple[float, ...] = ()
    others: list[tuple[int, tuple[float, ...]]] = []
    for i in numbers:
        if i > len(shape) or not 0 < shape[-i] <= _MOST or {i} not in groups:
            continue
        step = wcs.pc(i, i) * (1.0 if wcs.is_cd else wcs.number("CDELT", i, 1.0))
        at = wcs.number("CRVAL", i, 0.0) + step * (np.arange(1, shape[-i] + 1) - wcs.crpix.get(i, 0.0))
        found = _coordinates(file, values, i, at)
        if found is None:
            continue
        kind, unit = wcs.ctype(i)[:4], str(values.get(f"CUNIT{i}", "")).strip()
        if kind == "FREQ" and (not unit or unit in _TO_HZ):
            spectrum = tuple((found * _TO_HZ.get(unit, 1.0)).tolist())
        elif kind == "WAVE" and (not unit or unit in _TO_M) and (found > 0).all():
            spectrum = tuple((_C / (found * _TO_M.get(unit, 1.0))).tolist())
        elif kind not in _SPECTRAL:
            others.append((i, tuple(found.tolist())))
    return spectrum, tuple(others)


_SPECTRAL = ("FREQ", "ENER", "WAVN", "VRAD", "WAVE", "VOPT", "ZOPT", "AWAV", "VELO", "BETA")


def _number(values: Mapping[str, Any], key: str, default: float) -> float:
    value = values.get(key, default)
    good = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if good else default


def _coordinates(file: FitsFile, values: Mapping[str, Any], i: int, at: np.ndarray) -> np.ndarray | None:
    """Return the coordinates at values of what indexes a table; None if that does not give them all."""
    name, column, index = (str(values.get(f"PS{i}_{m}", "")).strip() for m in range(3))
    version = int(_number(values, f"PV{i}_1", 1))
    table = _table(file, name, version)
    if table is None or not column or _number(values, f"PV{i}_3", 1) != 1:
        return None
    nodes = _read(file, table, column)
    if nodes is None:
        return None
    if index:
        known = _read(file, table, index)
        if known is None or known.size != nodes.size:
            return None
        found = _places(at, known)
        if found is None:
            return None
        at = found
    return _between(at, nodes)


def _table(file: Iterable[HDU], name: str, version: int) -> HDU | None:
    named = (h for h in file if h.kind == "table" and h.name == name.upper() and h.version == version)
    return next(named, None) if name else None


def _read(file: FitsFile, table: HDU, name: str) -> np.ndarray | None:
    """Return the numbers in the first row of a column, which have to be coordinates of one axis."""
    column = _column(table, name)
    rows = table.shape[0] if len(table.shape) == 2 else 0
    if column is None or not rows or not 0 < column.count <= _MOST:
        return None
    if column.shape and (math.prod(column.shape[:-1]) != 1 or column.shape[-1] != column.count):
        return None  # several coordinates, or of several axes
    size = column.count * column.dtype.itemsize
    if column.offset + size > table.shape[1]:
        return None
    with file.source.copy() as fd:
        data = read_range(fd, table.offset + column.offset, size, file.path, file.size)
    if len(data) < size:
        return None
    found = np.frombuffer(data, column.dtype).astype(np.float64)
    return found if np.isfinite(found).all() else None


def _column(table: HDU, name: str) -> _Column | None:
    offset = 0
    fields = table.get("TFIELDS", 0)
    for k in range(1, (fields if isinstance(fields, int) else 0) + 1):
        form = _FORM.match(str(table.get(f"TFORM{k}", "")).strip())
        if form is None:
            return None
        count = int(form[1] or 1)
        if str(table.get(f"TTYPE{k}", "")).strip().upper() == name.upper():
            if form[2] not in _TYPES or table.get(f"TSCAL{k}", 1) != 1 or table.get(f"TZERO{k}", 0) != 0:
                return None
            text = str(table.get(f"TDIM{k}", "")).strip(" ()")
            shape = tuple(int(n) for n in text.split(",")) if re.fullmatch(r"[\d, ]+", text) else ()
            return _Column(offset, np.dtype(_TYPES[form[2]]), count, shape)
        offset += -(-count // 8) if form[2] == "X" else count * _BYTES[form[2]]
    return None


def _places(at: np.ndarray, known: np.ndarray) -> np.ndarray | None:
    """Return where values lie in an index vector, counted from 1; it rises or falls throughout."""
    n = known.size
    if n == 1:
        return np.ones_like(at) if (np.abs(at - known[0]) <= 0.5).all() else None
    steps = np.diff(known)
    if (steps < 0).all():
        found = _places(at, known[::-1])
        return None if found is None else n + 1 - found
    if not (steps > 0).all():
        return None
    k = np.clip(np.searchsorted(known, at, side="right") - 1, 0, n - 2)
    return k + 1 + (at - known[k]) / steps[k]


def _between(at: np.ndarray, nodes: np.ndarray) -> np.ndarray | None:
    """Return coordinates at places counted from 1, up to half a place beyond the ends of a table."""
    if not ((at >= 0.5) & (at <= nodes.size + 0.5)).all():
        return None
    if nodes.size == 1:
        return np.full(at.size, nodes[0])
    k = np.clip(np.floor(at).astype(int) - 1, 0, nodes.size - 2)
    return np.asarray(nodes[k] + (at - (k + 1)) * (nodes[k + 1] - nodes[k]))
