"""What CASA's coordsys, regionmanager, quanta and measures returned, and the same calls run here."""

from __future__ import annotations

import ast
import gzip
import inspect
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests import casa_cs_calls, casa_describe, casa_found, casa_inputs
from tests.casa_agree import agree

__all__ = ["SIGNATURES", "calls", "check", "check_parameters", "here"]

_DATA = Path(__file__).resolve().parent / "data" / "casa_cs_calls.json.gz"
_FOUND: dict[str, Any] = json.loads(gzip.decompress(_DATA.read_bytes()))
SIGNATURES: dict[str, dict[str, list[list[str]]]] = _FOUND["signatures"]
_CALLS = {name: (setup, call) for _, name, setup, call in casa_cs_calls.every()}


def calls(*groups: str) -> list[str]:
    """Return the names of the calls of some groups."""
    return [name for group, name, _, _ in casa_cs_calls.every() if group in groups]


def here(name: str, folder: Path) -> Any:
    """Return what a call gives here, in a folder with its input."""
    casa_inputs.make_full(folder)
    setup, call = _CALLS[name]
    space = casa_found.namespace()
    return json.loads(json.dumps(casa_describe.run(setup, call, space)))


def check(name: str, folder: Path) -> None:
    """Check that a call gives what CASA gave; what is mended must not: the list of mends stays honest."""
    if name in casa_cs_calls.MENDED:
        with pytest.raises(AssertionError):
            _agrees(name, folder)
    else:
        _agrees(name, folder)


def _agrees(name: str, folder: Path) -> None:
    theirs, ours = _FOUND["calls"][name], here(name, folder)
    failed = [isinstance(one, dict) and "error" in one for one in (theirs, ours)]
    assert failed[0] == failed[1], (theirs, ours)
    if failed[1]:
        assert ours["error"] in ("CasaError", "ArgumentError", "AttributeError"), ours
        return
    agree(
        plain(casa_describe.decoded(theirs)),
        plain(casa_describe.decoded(ours)),
        *casa_cs_calls.precision(name),
    )


def plain(value: Any) -> Any:
    """Return a value with its lists of texts as lists, and without what holds for removed axes alone."""
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items() if not str(k).startswith("worldreplace")}
    if isinstance(value, list):
        return [plain(v) for v in value]
    if isinstance(value, np.ndarray) and value.dtype.kind == "U":
        return value.tolist()
    return value


def check_parameters(tool: str, method: str) -> None:
    """Check that a method has the parameters of CASA, with the same defaults."""
    import lattice.compat.casa

    found = list(inspect.signature(getattr(getattr(lattice.compat.casa, tool), method)).parameters.values())[
        1:
    ]
    theirs = SIGNATURES[tool][method]
    assert [p.name for p in found] == [name for name, *_ in theirs]
    for own, (name, *default) in zip(found, theirs, strict=True):
        assert (own.default is own.empty) == (not default), name
        if default:
            assert _same_default(own.default, default[0]), (name, own.default, default[0])


def _same_default(ours: Any, theirs: str) -> bool:
    value = ast.literal_eval(theirs)
    if value in ([], {}, ""):
        return ours is None or (hasattr(ours, "__len__") and not len(ours))
    return ours == (tuple(value) if isinstance(value, list) else value)
