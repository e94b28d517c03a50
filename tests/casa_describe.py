"""What calls return, as JSON: records with their types, images with all that belongs to them.

Used in CASA and here, so it knows neither lattice nor pytest.
"""

from __future__ import annotations

import ast
import base64
import os
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np

_FEW = 12


def run(setup: str, call: str, names: dict[str, Any]) -> Any:
    """Return what the last expression of a text gives, after the others are run; or which error there was."""
    space = dict(names)
    exec(setup, space)  # the texts are our own
    space["out"] = lambda name: space["image"]().newimage(name)
    tree = ast.parse(call)
    last = tree.body.pop()
    try:
        exec(compile(tree, "<call>", "exec"), space)
        assert isinstance(last, ast.Expr)
        value = eval(compile(ast.Expression(last.value), "<call>", "eval"), space)
        return encoded(value)
    except Exception as error:
        return {"error": type(error).__name__, "text": str(error)[:300]}
    finally:
        for one in space.values():
            if hasattr(one, "getchunk") and not isinstance(one, type):
                one.done()


def encoded(value: Any) -> Any:
    """Return a value as JSON can hold it."""
    if hasattr(value, "getchunk"):
        return {"image": encoded(described(value))}
    if hasattr(value, "toworldmany"):
        return {"coordsys": encoded(coordinates(value))}
    if isinstance(value, np.ndarray):
        return _array(value)
    if isinstance(value, np.generic):
        return encoded(value.item())
    if isinstance(value, complex):
        return {"complex": [value.real, value.imag]}
    if isinstance(value, Mapping):
        return {"record": {str(k): encoded(v) for k, v in sorted(value.items(), key=lambda i: str(i[0]))}}
    if isinstance(value, list | tuple):
        return {"list": [encoded(v) for v in value]}
    if isinstance(value, float) and not np.isfinite(value):
        return {"float": repr(value)}
    assert value is None or isinstance(value, bool | int | float | str), type(value)
    return value


def _array(value: np.ndarray) -> Any:
    if value.dtype.kind in "US":
        return {"texts": [str(v) for v in value.ravel()]}
    kind = value.dtype.kind
    if value.size <= _FEW and kind in "iufb" and np.isfinite(value).all():
        return {"array": kind, "shape": list(value.shape), "values": value.ravel().tolist()}
    small = {"f": "<f8", "c": "<c16", "i": "<i4", "u": "<i4", "b": "|b1"}[kind]
    if kind == "f" and np.array_equal(value.astype("f4").astype("f8"), value, equal_nan=True):
        small = "<f4"
    data = base64.b64encode(zlib.compress(np.ascontiguousarray(value, small).tobytes(), 9)).decode()
    return {"array": kind, "shape": list(value.shape), "type": small, "bytes": data}


def decoded(value: Any) -> Any:
    """Return what `encoded` made JSON of: images and coordinates as records, texts in arrays as lists."""
    if not isinstance(value, dict):
        return value
    for key in ("image", "coordsys", "record", "list", "texts", "complex", "float", "array"):
        if key not in value:
            continue
        inner = value[key]
        if key in ("image", "coordsys"):
            return decoded(inner)
        if key == "record":
            return {k: decoded(v) for k, v in inner.items()}
        if key == "list":
            return [decoded(v) for v in inner]
        if key == "texts":
            return np.array(inner, dtype=str)
        if key == "complex":
            return complex(*inner)
        if key == "float":
            return float(inner)
        if "values" in value:
            kinds = {"i": int, "u": int, "f": float, "b": bool}
            return np.array(value["values"], kinds[inner]).reshape(value["shape"])
        raw = zlib.decompress(base64.b64decode(value["bytes"]))
        full = {"f": "f8", "c": "c16", "i": "i8", "u": "i8", "b": "b1"}[inner]
        return np.frombuffer(raw, value["type"]).reshape(value["shape"]).astype(full)
    return value


def described(tool: Any) -> dict[str, Any]:
    """Return all that belongs to the image of a tool."""
    cs = tool.coordsys()
    ends = np.array([[0.0, n - 1.0] for n in tool.shape()])
    return {
        "ends": cs.toworldmany(ends)["numeric"],
        "pixels": tool.getchunk(),
        "good": tool.getchunk(getmask=True),
        "unit": tool.brightnessunit(),
        "beam": tool.restoringbeam(),
        "type": tool.pixeltype(),
        "coords": coordinates(cs),
    }


def coordinates(cs: Any) -> dict[str, Any]:
    """Return what a coordsys tool tells."""
    types = cs.coordinatetype()
    out = {
        "names": cs.names(),
        "units": cs.units(),
        "types": cs.axiscoordinatetypes(),
        "crpix": cs.referencepixel()["numeric"],
        "crval": cs.referencevalue()["numeric"],
        "cdelt": cs.increment()["numeric"],
        "telescope": cs.telescope(),
    }
    if "Direction" in types:
        out |= {"projection": cs.projection()["type"], "matrix": cs.lineartransform("direction")}
        out["sky"] = cs.referencecode("direction")
    if "Spectral" in types:
        out |= {"rest": cs.restfrequency(), "spectrum": cs.referencecode("spectral")}
    if "Stokes" in types:
        out["stokes"] = cs.stokes()
    return out


def folder_for(root: str, number: int) -> str:
    """Return a new folder for one call."""
    path = os.path.join(root, f"call{number}")
    os.makedirs(path)
    return path
