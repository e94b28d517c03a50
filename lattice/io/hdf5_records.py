"""Records of casacore in HDF5: a group is a record, an attribute a field, a group in a group a nested record.

Texts are of fixed length, ended by a zero that is not counted; empty texts and empty arrays have marks of
their own; truth values are bytes with a sign.  Arrays are in C order with the axes of casacore reversed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import h5py
import numpy as np

from lattice.errors import FormatError, warn
from lattice.graph.records import FrozenArray
from lattice.io.hdf5_heap import HeapTexts

__all__ = [
    "LARGEST",
    "has_large_values",
    "read_attributes",
    "read_record",
    "write_record",
]

LARGEST = 64000
"""Bytes of an attribute that every version of HDF5 can hold; the limit is 64 KiB with its header."""

_MOST_BYTES = 64 << 20
_MOST_FIELDS = 100_000
_DEEPEST = 32
_EMPTY = "__empty__"
_EMPTY_ARRAY = np.dtype([("emptyarray", "<i4"), ("rank", "<i4"), ("casatype", "<i4")])
_CODES: dict[int, str] = {
    0: "?",
    2: "u1",
    3: "i2",
    5: "i4",
    6: "u4",
    7: "f4",
    8: "f8",
    9: "c8",
    10: "c16",
    11: "U1",
    29: "i8",
}
_CODE_OF = {np.dtype(name): code for code, name in _CODES.items() if name != "U1"}
# Types that casacore's records do not have in HDF5 go where they fit.
_WIDER = {"i1": "i2", "u2": "i4", "u8": "i8", "f2": "f4"}


# -- reading ------------------------------------------------------------------------------------


def read_record(group: Any, where: str, texts: HeapTexts | None) -> dict[str, Any]:
    """Return a group as nested dictionaries of numpy scalars, texts and arrays.

    Parameters
    ----------
    group : h5py.Group
        The group.
    where : str
        Name of the file for messages.
    texts : HeapTexts or None
        The arrays of texts of the file; None to leave them to the library.
    """
    budget = [_MOST_FIELDS, _MOST_BYTES]
    return _read_group(group.id, where, 0, budget, texts)


def _read_group(
    group: Any, where: str, depth: int, budget: list[int], texts: HeapTexts | None
) -> dict[str, Any]:
    if depth > _DEEPEST:
        raise FormatError(f"{where}: its records are nested deeper than {_DEEPEST} levels")
    out: dict[str, Any] = {}
    for i in range(h5py.h5a.get_num_attrs(group)):
        # in the order of writing, which is that of the fields
        attribute = h5py.h5a.open(group, index=i, index_type=h5py.h5.INDEX_CRT_ORDER, order=h5py.h5.ITER_INC)
        name = attribute.name.decode("utf-8", "replace")
        out[name] = _read_attribute(attribute, f"{where}: the field {name!r}", budget, group, texts)
    for raw in group:
        name = raw.decode("utf-8", "replace")
        budget[0] -= 1
        if budget[0] < 0:
            raise FormatError(f"{where}: its records have more than {_MOST_FIELDS} fields")
        if group.links.get_info(raw).type != h5py.h5l.TYPE_HARD:
            continue  # a link may lead anywhere
        child = h5py.h5o.open(group, raw)
        if isinstance(child, h5py.h5g.GroupID):
            out[name] = _read_group(child, where, depth + 1, budget, texts)
    return out


def read_attributes(item: Any, texts: HeapTexts | None) -> dict[str, Any]:
    """Return the attributes of a dataset that are single texts and numbers; others are left out."""
    out = {}
    for i in range(min(h5py.h5a.get_num_attrs(item.id), 1000)):
        attribute = h5py.h5a.open(item.id, index=i)
        if math.prod(attribute.shape) != 1:
            continue
        try:
            value = _read_attribute(attribute, "an attribute", [1, _MOST_BYTES], item.id, texts)
        except FormatError:
            continue  # a reference or the like
        value = value.reshape(-1)[0] if isinstance(value, np.ndarray) else value
        out[attribute.name.decode("utf-8", "replace")] = (
            value.item() if isinstance(value, np.generic) else value
        )
    return out


def _read_attribute(
    attribute: Any, what: str, budget: list[int], group: Any = None, texts: HeapTexts | None = None
) -> Any:
    shape = attribute.shape
    kind = attribute.get_type()
    size = math.prod(shape) * max(1, kind.get_size())
    budget[0] -= 1
    budget[1] -= size
    if budget[0] < 0 or budget[1] < 0:
        raise FormatError(f"{what} is larger than any record that casacore writes")
    if isinstance(kind, h5py.h5t.TypeStringID):
        if group is not None and texts is not None and kind.is_variable_str() and size:
            found = texts.get(group, attribute.name, math.prod(shape))
            if found is not None:
                words = np.array([_as_text(t) for t in found], np.str_).reshape(shape)
                return words if shape else str(words)
        return _read_text(attribute, kind, shape)
    dtype = _numeric(kind, what)
    if dtype == _EMPTY_ARRAY:
        mark = np.zeros((), _EMPTY_ARRAY)
        attribute.read(mark)
        return np.zeros((0,) * min(32, max(1, int(mark["rank"]))), _CODES.get(int(mark["casatype"]), "f8"))
    values = np.zeros(shape, dtype)
    if values.size:
        attribute.read(values, mtype=_memory_type(dtype))
    if dtype == np.int8:
        values = values != 0
    return values if shape else values[()]


def _numeric(kind: Any, what: str) -> np.dtype[Any]:
    """Return the native type for an attribute; pairs of floats are complex numbers."""
    dtype = kind.dtype.newbyteorder("=")
    if dtype.names is not None:
        if len(dtype.names) == 3:
            return _EMPTY_ARRAY
        members = {dtype.fields[name][0].newbyteorder("=") for name in dtype.names}
        for part, whole in (("f4", "c8"), ("f8", "c16")):
            if len(dtype.names) == 2 and members == {np.dtype(part)} and dtype.itemsize == 2 * int(part[1]):
                return np.dtype(whole)
    if dtype.kind not in "biufc" or dtype.itemsize > 16:
        raise FormatError(f"{what} is of a type that records do not have")
    return np.dtype(np.int8) if dtype.kind == "b" else dtype


def _memory_type(dtype: np.dtype[Any]) -> Any:
    if dtype.kind != "c":
        return h5py.h5t.py_create(dtype)
    return complex_type(dtype)


def complex_type(dtype: np.dtype[Any]) -> Any:
    """Return the pair of numbers that casacore has for a complex one."""
    part = h5py.h5t.IEEE_F32LE if dtype.itemsize == 8 else h5py.h5t.IEEE_F64LE
    kind = h5py.h5t.create(h5py.h5t.COMPOUND, dtype.itemsize)
    kind.insert(b"re", 0, part)
    kind.insert(b"im", dtype.itemsize // 2, part)
    return kind


def _read_text(attribute: Any, kind: Any, shape: tuple[int, ...]) -> Any:
    if kind.is_variable_str():
        values = np.empty(shape, h5py.string_dtype("utf-8" if kind.get_cset() else "ascii"))
        if values.size:
            attribute.read(values)
    else:
        values = np.zeros(shape, f"S{kind.get_size()}")
        if values.size:
            # read with the padding of the file: another would cut the last letter off
            raw = h5py.h5t.C_S1.copy()
            raw.set_size(kind.get_size())
            raw.set_strpad(kind.get_strpad())
            attribute.read(values, mtype=raw)
    texts = [_as_text(v) for v in values.reshape(-1)]
    return np.array(texts, np.str_).reshape(shape) if shape else texts[0]


def _as_text(value: Any) -> str:
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    text = str(value).split("\0", 1)[0] if isinstance(value, str) else ""
    return "" if text == _EMPTY else text


# -- writing ------------------------------------------------------------------------------------


def has_large_values(record: Mapping[str, Any]) -> bool:
    """Return True if a record holds a value that only newer versions of HDF5 can hold as attribute."""
    for value in record.values():
        if isinstance(value, Mapping):
            if has_large_values(value):
                return True
        elif _size(value) > LARGEST:
            return True
    return False


def _size(value: Any) -> int:
    if isinstance(value, str):
        return len(value.encode())
    array = np.asarray(value)
    return array.size * (16 if array.dtype.kind in "USO" else array.dtype.itemsize)


def write_record(parent: Any, name: str, record: Mapping[str, Any]) -> None:
    """Write a record as a group.

    Parameters
    ----------
    parent : h5py.Group
        Where to.
    name : str
        Name of the group.
    record : mapping
        Texts, numbers, arrays and mappings of these; None is left out, lists become arrays.
    """
    _write_group(parent.create_group(name).id, record, name)


def _write_group(group: Any, record: Mapping[str, Any], where: str) -> None:
    for key, value in record.items():
        name = str(key).split("\0", 1)[0]
        if value is None:
            continue
        if isinstance(value, Mapping):
            if not name or "/" in name or name == ".":
                warn(f"not written: HDF5 cannot hold a record named {name!r} (in {where})")
                continue
            _write_group(h5py.h5g.create(group, name.encode()), value, f"{where}/{name}")
        elif name:
            _write_value(group, name, value.array if isinstance(value, FrozenArray) else value)


def _write_value(group: Any, name: str, value: Any) -> None:
    if isinstance(value, str):
        _put_text(group, name, value)
        return
    # an empty list is one of texts: numbers come as arrays
    array = _storable(np.zeros(0, np.str_) if isinstance(value, list) and not value else np.asarray(value))
    if array.dtype.kind == "U":
        if array.ndim == 0:
            _put_text(group, name, str(array))
        elif array.size == 0:
            _put_empty(group, name, array.ndim, 11)
        else:
            kind = h5py.h5t.C_S1.copy()
            kind.set_size(h5py.h5t.VARIABLE)
            texts = [t.split("\0", 1)[0].encode() for t in array.reshape(-1).tolist()]
            objects = np.array(texts, h5py.string_dtype("ascii")).reshape(array.shape)
            _put(group, name, kind, array.shape, objects, None)
    elif array.ndim and array.size == 0:
        _put_empty(group, name, array.ndim, _CODE_OF[array.dtype])
    elif array.dtype.kind == "c":
        pairs = np.ascontiguousarray(array).view(
            [("re", f"f{array.dtype.itemsize // 2}"), ("im", f"f{array.dtype.itemsize // 2}")]
        )
        _put(group, name, complex_type(array.dtype), array.shape, pairs.reshape(array.shape))
    else:
        plain = array.view(np.int8) if array.dtype.kind == "b" else array
        kind = h5py.h5t.py_create(plain.dtype.newbyteorder("<"))
        _put(group, name, kind, array.shape, np.ascontiguousarray(plain).reshape(array.shape))


def _storable(array: np.ndarray) -> np.ndarray:
    """Return an array in a type that casacore's records have in HDF5."""
    dtype = array.dtype.newbyteorder("=")
    if dtype.kind in "SO":
        return array.astype(np.str_)
    if dtype.kind == "U":
        return array
    if dtype == np.int64 and array.ndim == 0 and -(1 << 31) <= int(array) < 1 << 31:
        dtype = np.dtype(np.int32)  # what a Python integer means
    wider = _WIDER.get(f"{dtype.kind}{dtype.itemsize}")
    if wider == "i8" and array.size and int(array.max()) >= 1 << 63:
        wider = "f8"
    if wider is None and dtype.kind == "f" and dtype.itemsize > 8:
        wider = "f8"
    if wider is None and dtype.kind == "c" and dtype.itemsize > 16:
        wider = "c16"
    return array.astype(wider or dtype)


def _put_text(group: Any, name: str, text: str) -> None:
    """Write a text as an attribute in the one form that casacore reads whole."""
    data = (text.split("\0", 1)[0] or _EMPTY).encode()
    kind = h5py.h5t.C_S1.copy()
    kind.set_size(len(data))
    _put(group, name, kind, (), np.array(data, f"S{len(data)}"))


def _put_empty(group: Any, name: str, rank: int, code: int) -> None:
    mark = np.array((1, rank, code), _EMPTY_ARRAY)
    _put(group, name, h5py.h5t.py_create(_EMPTY_ARRAY), (), mark)


def _put(
    group: Any, name: str, kind: Any, shape: tuple[int, ...], values: np.ndarray, memory: Any = ...
) -> None:
    space = h5py.h5s.create_simple(shape) if shape else h5py.h5s.create(h5py.h5s.SCALAR)
    attribute = h5py.h5a.create(group, name.encode(), kind, space)
    attribute.write(values, mtype=kind if memory is ... else memory)
