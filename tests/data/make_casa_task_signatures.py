"""Makes casa_task_signatures.json: parameters of the tasks as real CASA has them, and what its types take.

    casapy tests/data/make_casa_task_signatures.py

Made with casatasks 6.7.0-31.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import casatasks  # noqa: E402
import numpy as np  # noqa: E402
from casa_task_calls import TASKS  # noqa: E402

KINDS = {
    "cReqPath": "path", "cPath": "path", "cStr": "str", "cBool": "bool", "cInt": "int", "cFloat": "float",
    "cIntVec": "intvec", "cFloatVec": "floatvec", "cStrVec": "strvec", "cDict": "dict", "cVariant": "variant",
}  # fmt: skip

VALUES = {
    "True": True, "1": 1, "1.5": 1.5, "int32": np.int32(1), "int64": np.int64(1), "float32": np.float32(1.5),
    "float64": np.float64(1.5), "text": "text", "str_": np.str_("text"), "[1]": [1], "[1.5]": [1.5],
    "['a']": ["a"], "(1,)": (1,), "array int": np.array([1, 2]), "array float": np.array([1.5]),
    "[[1]]": [[1]], "{}": {}, "None": None,
}  # fmt: skip

# a task and a parameter of each type
ONE_OF = {
    "str": ("imtrans", "outfile"), "bool": ("imrebin", "crop"), "int": ("specsmooth", "width"),
    "float": ("impbcor", "cutoff"), "intvec": ("imrebin", "factor"), "strvec": ("rmtables", "tablenames"),
    "variant": ("imtrans", "order"), "int|floatvec|intvec": ("immoments", "includepix"),
}  # fmt: skip


def main() -> None:
    """Write signatures, and which values each type takes."""
    found: dict[str, Any] = {"tasks": {}, "takes": {}}
    for name in TASKS:
        made = getattr(casatasks, name)
        schema = schema_of(name)
        found["tasks"][name] = [
            [p.name, plain(p.default), kinds_of(schema[p.name])]
            for p in inspect.signature(made.__call__).parameters.values()
        ]
    for kinds, (task, parameter) in ONE_OF.items():
        found["takes"][kinds] = [key for key, value in VALUES.items() if takes(task, parameter, value)]
    text = json.dumps(found, indent=1)
    (HERE / "casa_task_signatures.json").write_text(text + "\n")


def schema_of(task: str) -> dict[str, Any]:
    """Return the types that a task checks its parameters against."""
    source = inspect.getsource(importlib.import_module(f"casatasks.{task}"))
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "schema":
            return {
                key.value: types_in(value)
                for key, value in zip(node.value.keys, node.value.values, strict=True)
            }
    raise ValueError(task)


def types_in(node: ast.AST) -> list[str]:
    """Return the types named in a description, in order."""
    return [
        v.value for n in ast.walk(node) if isinstance(n, ast.Dict)
        for k, v in zip(n.keys, n.values, strict=True) if getattr(k, "value", "") == "type"
    ]  # fmt: skip


def kinds_of(types: list[str]) -> str:
    """Return types as lattice calls them."""
    return "|".join(KINDS[t] for t in types)


def plain(value: Any) -> Any:
    """Return a default as JSON has it."""
    return list(value) if isinstance(value, tuple) else value


def takes(task: str, parameter: str, value: Any) -> bool:
    """Tell whether a task takes a value: the check of types comes before anything else."""
    try:
        getattr(casatasks, task)(
            **{parameter: value, **({} if task == "rmtables" else {"imagename": "/tmp"})}
        )
    except AssertionError:
        return False
    except BaseException:
        return True
    return True


if __name__ == "__main__":
    main()
