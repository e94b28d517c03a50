"""Tables that casacore writes, cell by cell and byte by byte."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lattice.io.casa.managers import column_cells
from lattice.io.casa.tables import Table
from lattice.io.casa.tiled import array_layout
from lattice.io.casa.tiles import TileReader

pytestmark = pytest.mark.oracle
ct = pytest.importorskip("casacore.tables")


def text(rng: np.random.Generator) -> str:
    """Return a word of up to 39 letters: those of more than 8 lie in buckets of their own."""
    return "".join(chr(c) for c in rng.integers(97, 122, int(rng.integers(0, 40))))


SCALARS: dict[str, Any] = {
    "boolean": lambda r, n: r.random(n) < 0.5,
    "uchar": lambda r, n: r.integers(0, 255, n).astype("u1"),
    "short": lambda r, n: r.integers(-(2**15), 2**15, n).astype("i2"),
    "int": lambda r, n: r.integers(-(2**31), 2**31, n).astype("i4"),
    "uint": lambda r, n: r.integers(0, 2**31, n).astype("u4"),
    "int64": lambda r, n: r.integers(-(2**60), 2**60, n),
    "float": lambda r, n: r.normal(size=n).astype("f4"),
    "double": lambda r, n: r.normal(size=n),
    "complex": lambda r, n: (r.normal(size=n) + 1j).astype("c8"),
    "dcomplex": lambda r, n: r.normal(size=n) + 2j,
    "string": lambda r, n: [
        "".join(chr(c) for c in r.integers(97, 122, int(r.integers(0, 40)))) for _ in range(n)
    ],
}
CELLS = {**SCALARS, "long": lambda r, n: ["x" * int(r.integers(0, 9000)) for _ in range(n)]}


def columns(kind: str) -> list[Any]:
    """Return descriptions: a scalar, a fixed and a free array of each type."""
    out = []
    for name in CELLS:
        valuetype = "string" if name == "long" else name
        out.append(ct.makescacoldesc(f"S_{name}", 0, kind, "", 0, 0, "a comment", valuetype))
        if name == "long":
            continue
        out.append(ct.makearrcoldesc(f"D_{name}", 0, 2, [2, 3], kind, "", 5, valuetype=valuetype))
        out.append(ct.makearrcoldesc(f"A_{name}", 0, -1, [], kind, "", 0, valuetype=valuetype))
    out.append(ct.makescacoldesc("S_limited", "", kind, "", 0, 12, "", "string"))
    return out


def fill(table: Any, rng: np.random.Generator, rows: range) -> None:
    for row in rows:
        for name in table.colnames():
            form, kind = name.split("_")
            if name == "S_limited":
                table.putcell(name, row, "abcdefghijklmno"[: int(rng.integers(0, 12))])
                continue
            shape = (
                (2, 3) if form == "D" else tuple(int(n) for n in rng.integers(1, 4, int(rng.integers(1, 4))))
            )
            values = CELLS[kind](rng, int(np.prod(shape)))
            if form == "S":
                value = values[0]
                table.putcell(name, row, value.item() if isinstance(value, np.generic) else value)
            elif form == "D" or row % 3:
                table.putcell(name, row, np.array(values).reshape(shape))


def same(ours: Any, theirs: Any) -> bool:
    if isinstance(theirs, dict):
        theirs = np.array(theirs["array"]).reshape(theirs["shape"])
    if isinstance(ours, np.ndarray):
        theirs = np.asarray(theirs)
        return ours.shape == theirs.shape and bool(np.all(ours.astype(theirs.dtype) == theirs))
    return bool(ours == theirs)


def check(path: str, table: Any) -> None:
    """Compare all cells, and the bytes that rewriting table.dat would give."""
    found = Table(path)
    assert found.rows == table.nrows()
    for name in table.colnames():
        cells = column_cells(found, name)
        for row, cell in enumerate(cells):
            if not table.iscelldefined(name, row):
                assert cell is None
            else:
                assert same(cell, table.getcell(name, row)), (name, row, cell)
    content = Path(path, "table.dat").read_bytes()
    again = found.data()
    assert len(content) == len(again)
    assert content[28:] == again[28:]  # before that is the number of rows, which may be older


@pytest.mark.parametrize("order", ["little", "big"])
@pytest.mark.parametrize("kind", ["StandardStMan", "StManAipsIO"])
def test_all_cells_of_small_tables_are_read(
    kind: str, order: str, tmp_path: Path, rng: np.random.Generator
) -> None:
    path = str(tmp_path / "t")
    made = [c for c in columns(kind) if not (kind == "StManAipsIO" and c["name"].endswith("uint"))]
    description = ct.maketabdesc(made)
    table = ct.table(path, description, nrow=0, readonly=False, ack=False, endian=order)
    table.addrows(40)
    fill(table, rng, range(40))
    table.removerows([3, 4, 17])
    table.addrows(30)
    fill(table, rng, range(37, 67))
    table.putkeyword("k", {"a": 1, "b": [1.5, 2.5], "c": {"t": "x", "e": np.zeros((2, 0))}})
    table.flush()
    check(path, table)
    table.close()


@pytest.mark.parametrize("kind", ["TiledShapeStMan", "TiledCellStMan", "TiledColumnStMan"])
def test_the_array_of_row_0_is_found_whatever_manager_keeps_it(
    kind: str, tmp_path: Path, rng: np.random.Generator
) -> None:
    path = str(tmp_path / "t")
    shape = (5, 7, 11)
    column = ct.makearrcoldesc("map", 0.0, 3, list(shape), kind, "map", 4, valuetype="float")
    dminfo = {
        "*1": {
            "TYPE": kind,
            "NAME": "map",
            "SEQNR": 0,
            "SPEC": {"DEFAULTTILESHAPE": [4, 3, 2] + ([2] if kind != "TiledCellStMan" else [])},
            "COLUMNS": ["map"],
        }
    }
    table = ct.table(path, ct.maketabdesc([column]), nrow=3, readonly=False, ack=False, dminfo=dminfo)
    values = [rng.normal(size=shape).astype("f4") for _ in range(3)]
    for row, cell in enumerate(values):
        table.putcell("map", row, cell)
    table.close()
    layout = array_layout(Table(path), "map")
    reader = TileReader(layout, "t")
    assert reader.shape == shape
    whole = tuple(slice(0, n, 1) for n in shape)
    np.testing.assert_array_equal(reader.read(whole), values[0])
    cut = (slice(1, 5, 2), slice(0, 6, 1), slice(2, 11, 3))
    np.testing.assert_array_equal(reader.read(cut), values[0][cut])


def test_names_of_files_are_those_of_casacore(tmp_path: Path) -> None:
    from lattice import Image

    Image(np.ones((4, 5), "f4"), mask=np.ones((4, 5), bool)).save(tmp_path / "a.image")
    names = {
        os.path.relpath(os.path.join(where, name), tmp_path / "a.image")
        for where, _, files in os.walk(tmp_path / "a.image")
        for name in files
    }
    assert {n for n in names if not re.search(r"table\.(dat|info|lock|f0|f0_TSM0)$", n)} == set()
