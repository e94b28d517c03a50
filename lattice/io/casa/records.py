"""Data types, arrays and records of casacore's tables.

Records are dictionaries of numpy scalars, texts, numpy arrays and records.  Arrays are in C order with the
axes of casacore reversed, as python-casacore shows them.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np

from lattice.errors import FormatError, LatticeTypeError
from lattice.graph.records import FrozenArray
from lattice.io.casa.aipsio import AipsReader, AipsWriter
from lattice.io.files import is_url
from lattice.io.places import absolute, join

__all__ = [
    "ARRAY_OF",
    "CODE_OF",
    "NAMES",
    "Order",
    "RECORD",
    "STRING",
    "TYPES",
    "TableRecord",
    "TableRef",
    "read_array",
    "read_block",
    "read_position",
    "read_record",
    "read_scalar",
    "read_texts",
    "read_values",
    "type_code",
    "write_array",
    "write_block",
    "write_position",
    "write_record",
    "write_scalar",
    "write_values",
]

Order = Literal["<", ">"]
"""Byte order."""

TYPES: dict[int, Any] = {
    0: np.bool_,
    1: np.int8,
    2: np.uint8,
    3: np.int16,
    4: np.uint16,
    5: np.int32,
    6: np.uint32,
    7: np.float32,
    8: np.float64,
    9: np.complex64,
    10: np.complex128,
    29: np.int64,
}
"""Numpy type by type code; texts have the code 11."""

STRING, _TABLE, RECORD = 11, 12, 25

NAMES = {
    0: "Bool    ",
    1: "Char    ",
    2: "uChar   ",
    3: "Short   ",
    4: "uShort  ",
    5: "Int     ",
    6: "uInt    ",
    7: "float   ",
    8: "double  ",
    9: "Complex ",
    10: "DComplex",
    11: "String  ",
    29: "Int64   ",
}
"""Name of a type in descriptions of columns."""

ARRAY_OF = {
    13: 0, 14: 1, 15: 2, 16: 3, 17: 4, 18: 5, 19: 6, 20: 7, 21: 8, 22: 9, 23: 10, 24: 11, 30: 29,
}  # fmt: skip
"""Type code of the elements by that of an array."""

CODE_OF = {np.dtype(t): code for code, t in TYPES.items()}
_TO_ARRAY = {element: code for code, element in ARRAY_OF.items()}
_ARRAY_NAMES = {
    0: "Array<void>",
    2: "Array<uChar>",
    3: "Array<short>",
    5: "Array<Int>",
    6: "Array<uInt>",
    7: "Array<float>",
    8: "Array<double>",
    9: "Array<void>",
    10: "Array<void>",
    11: "Array<String>",
    29: "Array<Int64>",
}
_IN_RECORDS = frozenset(_ARRAY_NAMES)
_MOST_AXES = 32
_DEEPEST = 60
_MOST_LETTERS = 1 << 26


class TableRef(str):
    """A reference to another table, as stored: ``././x`` lies inside the table, ``./x`` beside it."""

    __slots__ = ()

    @classmethod
    def child(cls, name: str) -> TableRef:
        """Return the reference to a table inside."""
        return cls("././" + name)

    def resolve(self, parent: str) -> str:
        """Return the path of the table, for a reference stored in the table at `parent`."""
        name, stripped = str(self), 0
        while name.startswith("./"):
            name, stripped = name[2:], stripped + 1
        parent = absolute(parent)
        if is_url(parent) and stripped < 2:
            raise FormatError(
                f"{str(parent)!r} refers to the table {name!r} outside of it, which is not read from URLs",
                hint="download it",
            )
        if stripped >= 2:
            return join(parent, name)
        if stripped == 1:
            return os.path.join(os.path.dirname(parent), name)
        if name.endswith("/."):  # the parent lies inside the other table
            tail = "/" + name[:-2]
            if parent.endswith(tail):
                return parent[: -len(tail)]
        return name

    @classmethod
    def between(cls, parent: str, target: str) -> TableRef:
        """Return the reference to `target` to be stored in `parent`; relative where that is possible."""
        parent, target = os.path.abspath(parent), os.path.abspath(target)
        if target.startswith(parent + os.sep):
            return cls("././" + target[len(parent) + 1 :])
        folder = os.path.dirname(parent).rstrip(os.sep)
        if target.startswith(folder + os.sep):
            return cls("./" + target[len(folder) + 1 :])
        return cls(target)


class TableRecord(dict[str, Any]):
    """A record as it is in a table, with what rewriting it must keep.

    Attributes
    ----------
    comments : dict
        Comments of the fields.
    fixed : bool
        Whether its fields are fixed.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.comments: dict[str, str] = {}
        self.fixed = False


# -- types --------------------------------------------------------------------------------------


def as_values(value: Any) -> np.ndarray:
    """Return a list or array of a type that a record can hold."""
    array = np.asarray(value.array if isinstance(value, FrozenArray) else value)
    if array.dtype.kind in "OS":
        array = array.astype(np.str_)
    if array.dtype.kind == "i" and not isinstance(value, np.ndarray | FrozenArray) and _fits_int(array):
        array = array.astype(np.int32)
    return array


def _fits_int(array: np.ndarray) -> bool:
    return array.size == 0 or (int(array.min()) >= -(2**31) and int(array.max()) < 2**31)


def type_code(value: Any, name: str = "value") -> int:
    """Return the type code of a value of a record."""
    if isinstance(value, TableRef):
        return _TABLE
    if isinstance(value, Mapping):
        return RECORD
    if isinstance(value, str):
        return STRING
    if isinstance(value, bool):
        return 0
    if isinstance(value, np.ndarray | np.generic):
        code = STRING if value.dtype.kind in "US" else CODE_OF.get(value.dtype.newbyteorder("="))
        if code is not None and code in _IN_RECORDS:
            return _TO_ARRAY[code] if isinstance(value, np.ndarray) else code
        raise LatticeTypeError(
            f"{name}: a record of a table cannot hold numbers of type {value.dtype}",
            hint="use a wider type, such as int32",
        )
    if isinstance(value, int):
        return 5 if -(2**31) <= value < 2**31 else 29
    if isinstance(value, float):
        return 8
    if isinstance(value, complex):
        return 10
    raise LatticeTypeError(f"{name}: a record of a table cannot hold a {type(value).__name__}")


# -- positions, arrays, blocks ------------------------------------------------------------------


def read_position(r: AipsReader) -> tuple[int, ...]:
    """Return an IPosition: one number per axis, in casacore's order."""
    _, version = r.begin("IPosition")
    n = r.count(4 if version == 1 else 8)
    if n > _MOST_AXES:
        raise r.damaged(f"{n} axes are announced")
    values = tuple(r.i32() if version == 1 else r.i64() for _ in range(n))
    r.end()
    return values


def write_position(w: AipsWriter, values: tuple[int, ...]) -> None:
    """Add an IPosition."""
    wide = any(v > 0x7FFFFFFF for v in values)
    w.begin("IPosition", 2 if wide else 1)
    w.u32(len(values))
    for v in values:
        (w.i64 if wide else w.i32)(v)
    w.end()


def read_texts(r: AipsReader, n: int) -> list[str]:
    """Return `n` texts."""
    if n * 4 > r.room:
        raise r.damaged(f"{n} texts are announced where {r.room} bytes are left")
    return [r.string() for _ in range(n)]


def read_values(r: AipsReader, code: int, n: int) -> np.ndarray:
    """Return `n` values of a type, as arrays and columns hold them."""
    if code == STRING:
        texts = read_texts(r, n)
        if n * max(map(len, texts), default=0) > _MOST_LETTERS:  # numpy gives each the room of the longest
            raise r.damaged("an array of very unequal texts")
        return np.array(texts, np.str_)
    if code not in TYPES:
        raise r.damaged(f"the data type {code} is not known")
    return r.values(TYPES[code], n)


def write_values(w: AipsWriter, code: int, array: Any) -> None:
    """Add the values of an array in C order."""
    if code == STRING:
        for text in np.ravel(np.asarray(array)):
            w.string(str(text))
    else:
        w.values(np.asarray(array, TYPES[code]))


def read_array(r: AipsReader, code: int) -> np.ndarray:
    """Return an array of elements of a type."""
    name, version = r.begin()
    if name != "Array" and not name.startswith("Array<"):
        raise r.damaged(f"an array is expected, not {name[:40]!r},")
    ndim = r.count(4)
    if ndim > _MOST_AXES:
        raise r.damaged(f"an array of {ndim} axes is announced")
    if version < 3:
        r.take(4 * ndim)  # origin, no longer used
    shape = tuple(r.u32() for _ in range(ndim))
    n = r.u32()
    if n != (math.prod(shape) if ndim else 0):
        raise r.damaged("shape and length of an array disagree")
    array = read_values(r, code, n)
    r.end()
    return array.reshape(shape[::-1]) if ndim else array.reshape((0,))


def write_array(w: AipsWriter, code: int, array: np.ndarray) -> None:
    """Add an array of elements of a type."""
    w.begin(_ARRAY_NAMES[code], 3)
    w.u32(array.ndim)
    for n in reversed(array.shape):
        w.u32(n)
    w.u32(array.size)
    write_values(w, code, array)
    w.end()


def read_block(r: AipsReader, dtype: Any) -> np.ndarray:
    """Return a Block of numbers."""
    r.begin("Block")
    values = r.values(dtype, r.u32())
    r.end()
    return values


def write_block(w: AipsWriter, values: Any, dtype: Any = np.uint32) -> None:
    """Add a Block of numbers."""
    w.begin("Block", 1)
    w.u32(len(values))
    w.values(np.asarray(values, dtype))
    w.end()


# -- scalars ------------------------------------------------------------------------------------


def read_scalar(r: AipsReader, code: int) -> Any:
    """Return one value, as a numpy scalar or a text."""
    if code == STRING:
        return r.string()
    if code == 0:
        return np.bool_(r.flag())
    return read_values(r, code, 1)[0]


def write_scalar(w: AipsWriter, code: int, value: Any) -> None:
    """Add one value."""
    if code == STRING:
        w.string(str(value))
    elif code == 0:
        w.flag(value)
    else:
        w.values(np.asarray([value], TYPES[code]))


# -- records ------------------------------------------------------------------------------------

_Field = tuple[str, int, Any, str]


def _read_description(r: AipsReader, depth: int) -> list[_Field]:
    _, version = r.begin("RecordDesc")
    if depth > _DEEPEST:
        raise r.damaged("records are nested too deeply")
    fields: list[_Field] = []
    for _ in range(r.i32()):
        name, code = r.string(), r.i32()
        extra: Any = None
        if code == RECORD:
            extra = _read_description(r, depth + 1)
        elif code in ARRAY_OF:
            extra = read_position(r)
        elif code == _TABLE:
            extra = r.string()
        elif code not in TYPES and code != STRING:
            raise r.damaged(f"the field {name[:40]!r} has the unknown data type {code}")
        fields.append((name, code, extra, r.string() if version > 1 else ""))
    r.end()
    return fields


def _read_fields(r: AipsReader, fields: list[_Field], kind: str, depth: int) -> TableRecord:
    record = TableRecord()
    for name, code, extra, comment in fields:
        if code == RECORD:
            # an empty description stands for a record that brings its own
            record[name] = (
                _read_fields(r, extra, kind, depth + 1) if extra else read_record(r, kind, depth + 1)
            )
        elif code == _TABLE:
            record[name] = TableRef(r.string())
        elif code in ARRAY_OF:
            record[name] = read_array(r, ARRAY_OF[code])
        else:
            record[name] = read_scalar(r, code)
        if comment:
            record.comments[name] = comment
    return record


def read_record(r: AipsReader, kind: str = "TableRecord", depth: int = 0) -> TableRecord:
    """Return a record, or one of the keyword sets that were before records."""
    if depth > _DEEPEST:
        raise r.damaged("records are nested too deeply")
    if r.peek().endswith("KeywordSet"):
        return _read_keyword_set(r)
    r.begin(kind)
    fields = _read_description(r, depth)
    fixed = r.i32() == 0
    record = _read_fields(r, fields, kind, depth)
    record.fixed = fixed
    r.end()
    return record


def write_record(w: AipsWriter, record: Mapping[str, Any], kind: str = "TableRecord") -> None:
    """Add a record; None values are left out, since records know no missing values."""
    comments: Mapping[str, str] = getattr(record, "comments", {})
    items = []
    for name, value in record.items():
        if value is None:
            continue
        if isinstance(value, list | tuple | FrozenArray | np.ndarray):
            value = as_values(value)
        items.append((name, type_code(value, name), value))
    w.begin(kind, 1)
    w.begin("RecordDesc", 2)
    w.i32(len(items))
    for name, code, _ in items:
        w.string(name)
        w.i32(code)
        if code == RECORD:
            w.begin("RecordDesc", 2)
            w.i32(0)
            w.end()
        elif code in ARRAY_OF:
            write_position(w, (-1,))
        elif code == _TABLE:
            w.string("")
        w.string(comments.get(name, ""))
    w.end()
    w.i32(0 if getattr(record, "fixed", False) else 1)
    for _, code, value in items:
        if code == RECORD:
            write_record(w, value, kind)
        elif code == _TABLE:
            w.string(str(value))
        elif code in ARRAY_OF:
            write_array(w, ARRAY_OF[code], value)
        else:
            write_scalar(w, code, value)
    w.end()


_SET_TYPES = (0, 5, 6, 7, 8, 9, 10, 11)


def _read_keyword_set(r: AipsReader) -> TableRecord:
    """Return the keywords of a table from before records existed."""
    name, version = r.begin("ScalarKeywordSet", "ArrayKeywordSet", "TableKeywordSet")
    r.begin("Map<String,void>")
    n = r.count(12)
    r.i32(), r.string()
    comments = {}
    for _ in range(n):
        key = r.string()
        r.i32()
        comments[key] = r.string()
    r.end()
    read_block(r, np.int32)
    r.begin("Block")
    for _ in range(r.count(4)):
        r.string()
    r.end()
    values: dict[str, Any] = {}
    for code in _SET_TYPES:
        for _ in range(r.count(4)):
            values[r.string()] = read_scalar(r, code)
    for code in _SET_TYPES if name != "ScalarKeywordSet" else ():
        for _ in range(r.count(4)):
            values[r.string()] = read_array(r, code)
    if name == "TableKeywordSet":
        for _ in range(r.count(8)):
            values[r.string()] = TableRef(r.string())
    if version > 1 and r.u32() != 0:
        raise r.damaged("a nested keyword set")
    r.end()
    record = TableRecord({key: values[key] for key in comments if key in values})
    record.comments = {key: text for key, text in comments.items() if text}
    return record
