"""Records, arrays, log lines and regions as JSON, exactly: what is read is equal to what was written.

Texts, truth values, integers and finite floats are themselves, tuples are lists; all else is an object that
says what it is.
"""

from __future__ import annotations

import base64
import dataclasses
import functools
import math
import sys
import zlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from lattice.errors import FormatError, LatticeTypeError
from lattice.graph.records import FrozenArray, Record
from lattice.graph.sections import full
from lattice.io.base import LogLine

__all__ = ["from_json", "to_json"]

_FEW = 1000  # numbers of an array that are written as such; more are written as bytes
_LARGEST = 1 << 30  # bytes of an array, or pixels of a mask, that are read
_DEEPEST = 200


def to_json(value: Any) -> Any:
    """Return a value as JSON can hold it.

    Parameters
    ----------
    value : None, bool, int, float, complex, str, numpy scalar, tuple, Record, FrozenArray, LogLine or Region
        What to write.

    Raises
    ------
    LatticeTypeError
        For anything else.

    Examples
    --------
    >>> to_json((1, "a", 2j)), to_json(Record({"a": [1, 2]}))
    ([1, 'a', {'complex': [0.0, 2.0]}], {'record': {'a': {'array': '<i8', 'shape': [2], 'values': [1, 2]}}})
    """
    if isinstance(value, LogLine):
        return {"log": str(value), "time": value.time, "priority": value.priority, "origin": value.origin}
    if isinstance(value, np.generic):
        return {"number": to_json(value.item()), "type": value.dtype.str}
    if value is None or isinstance(value, bool | int | str):
        return str(value) if isinstance(value, str) else value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else {"float": repr(float(value))}
    if isinstance(value, complex):
        return {"complex": [to_json(value.real), to_json(value.imag)]}
    if isinstance(value, tuple | list):
        return [to_json(item) for item in value]
    if isinstance(value, Record):
        return {"record": {key: to_json(item) for key, item in value.items()}}
    if isinstance(value, FrozenArray):
        return _array(value.array)
    return _region(value)


def from_json(value: Any, _depth: int = 0) -> Any:
    """Return the value that `to_json` wrote.

    Raises
    ------
    FormatError
        For what it did not write.
    """
    if _depth > _DEEPEST:
        raise FormatError("metadata are nested too deeply")
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list):
        return tuple(from_json(item, _depth + 1) for item in value)
    try:
        kind = next(k for k in _READERS if k in value)
        return _READERS[kind](value, _depth)
    except StopIteration:
        raise FormatError(f"metadata of an unknown kind: {str(value)[:80]}") from None
    except (KeyError, TypeError, ValueError, AttributeError, zlib.error) as exc:
        raise FormatError(f"damaged metadata: {type(exc).__name__}: {exc}") from exc


def _number(value: dict[str, Any], depth: int) -> Any:
    dtype = np.dtype(value["type"])
    if dtype.kind not in "biufcU":
        raise FormatError(f"a number of type {dtype} is not possible")
    return dtype.type(from_json(value["number"], depth + 1))


def _complex(value: dict[str, Any], depth: int) -> Any:
    real, imaginary = (float(from_json(v, depth + 1)) for v in value["complex"])
    return complex(real, imaginary)


def _log(value: dict[str, Any], _: int) -> LogLine:
    return LogLine(str(value["log"]), value["time"], value["priority"], value["origin"])


def _record(value: dict[str, Any], depth: int) -> Record:
    return Record({key: from_json(item, depth + 1) for key, item in value["record"].items()})


# -- arrays -------------------------------------------------------------------------------------


def _array(array: np.ndarray) -> dict[str, Any]:
    about: dict[str, Any] = {"array": array.dtype.newbyteorder("<").str, "shape": list(array.shape)}
    if array.size <= _FEW or array.dtype.kind in "US":
        flat = array.reshape(-1)
        if array.dtype.kind == "S":
            flat = np.char.decode(flat, "latin-1")
        return about | {"values": [to_json(v) for v in flat.tolist()]}
    data = np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes()
    return about | {"zlib": base64.b64encode(zlib.compress(data)).decode("ascii")}


def _read_array(value: dict[str, Any], depth: int) -> FrozenArray:
    dtype, shape = np.dtype(value["array"]), tuple(int(n) for n in value["shape"])
    if dtype.kind not in "biufcUS" or any(n < 0 for n in shape) or len(shape) > 32:
        raise FormatError(f"an array of type {dtype} and shape {shape} is not possible")
    size = math.prod(shape) * max(1, dtype.itemsize)
    if size > _LARGEST:
        raise FormatError(f"an array of {size} bytes is too large for metadata")
    if "values" in value:
        found = [from_json(v, depth + 1) for v in value["values"]]
        if len(found) != math.prod(shape):
            raise FormatError(f"an array of shape {shape} has {len(found)} values")
        flat = np.array(found, dtype if dtype.kind != "S" else np.str_)
        flat = np.char.encode(flat, "latin-1").astype(dtype) if dtype.kind == "S" else flat
    else:
        flat = np.frombuffer(_inflate(value["zlib"], size), dtype)
    return FrozenArray(flat.astype(flat.dtype.newbyteorder("="), copy=False).reshape(shape))


def _inflate(text: str, size: int) -> bytes:
    engine = zlib.decompressobj()
    data = engine.decompress(base64.b64decode(text, validate=True), size + 1)
    if len(data) != size:
        raise FormatError("an array in the metadata does not have the size it should")
    return data


# -- regions ------------------------------------------------------------------------------------


@functools.cache
def _kinds() -> dict[str, type]:
    """Return the classes that regions are made of, by name."""
    import lattice.regions

    inside = f"{lattice.regions.__name__}."
    modules = [module for name, module in list(sys.modules.items()) if name.startswith(inside)]
    every = [value for module in modules for value in vars(module).values()]
    found = [v for v in every if isinstance(v, type) and v.__module__.startswith(inside)]
    return {value.__name__: value for value in found if dataclasses.is_dataclass(value)}


def _region(value: Any) -> dict[str, Any]:
    from lattice.regions import MaskRegion

    name = type(value).__name__
    if isinstance(value, MaskRegion):
        pixels = value.reader.read(full(value.reader.shape))
        packed = base64.b64encode(zlib.compress(np.packbits(pixels).tobytes())).decode("ascii")
        return {"region": name, "shape": list(pixels.shape), "bits": packed}
    if isinstance(value, Mapping) and not isinstance(value, Record):
        return {"mapping": [[to_json(key), to_json(item)] for key, item in value.items()]}
    if _kinds().get(name) is not type(value) or not dataclasses.is_dataclass(value):
        raise LatticeTypeError(f"a {name} cannot be written")
    fields = [f.name for f in dataclasses.fields(value) if f.init]
    return {"region": name, **{key: to_json(getattr(value, key)) for key in fields}}


def _read_region(value: dict[str, Any], depth: int) -> Any:
    name = value["region"]
    found = _kinds().get(name)
    if found is None:
        raise FormatError(f"a region of the kind {name!r} is not known", hint="update lattice")
    if name == "MaskRegion":
        shape = tuple(int(n) for n in value["shape"])
        count = math.prod(shape)
        if count > 8 * _LARGEST or any(n < 0 for n in shape):
            raise FormatError(f"a mask of shape {shape} is not possible")
        bits = np.frombuffer(_inflate(value["bits"], -(-count // 8)), np.uint8)
        return found(np.unpackbits(bits, count=count).astype(bool).reshape(shape))
    return found(**{key: from_json(item, depth + 1) for key, item in value.items() if key != "region"})


def _read_mapping(value: dict[str, Any], depth: int) -> dict[Any, Any]:
    return {from_json(k, depth + 1): from_json(v, depth + 1) for k, v in value["mapping"]}


_READERS: dict[str, Callable[[dict[str, Any], int], Any]] = {
    "region": _read_region,
    "record": _record,
    "array": _read_array,
    "log": _log,
    "complex": _complex,
    "number": _number,
    "float": lambda value, _: float(value["float"]),
    "mapping": _read_mapping,
}
