"""The tasks: their parameters are CASA's, their calls give what real CASA gives, and they copy nothing."""

from __future__ import annotations

import inspect
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lattice
from lattice.cli import commands
from lattice.compat.casa import tasks
from lattice.compat.casa.tasks.serving import SERVED, TaskArgumentError, checked
from lattice.compat.casa.tasks.table import markdown
from tests import casa_found, casa_task_calls

ROOT = Path(__file__).resolve().parents[3]
DATA = ROOT / "tests" / "data"
FOUND = casa_found.read("casa_task_calls")
CALLS = {name: (setup, call) for name, setup, call in casa_task_calls.every()}
SIGNATURES = json.loads((DATA / "casa_task_signatures.json").read_text())


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.filterwarnings("ignore::lattice.errors.LatticeWarning")
def test_call(name: str, folder: Path) -> None:
    setup, call = CALLS[name]
    casa_found.check(setup, call, FOUND[name], mended=name in casa_task_calls.MENDED)


def test_each_task_has_at_least_eight_calls() -> None:
    counts = {task: len(calls.strip().splitlines()) for task, calls in casa_task_calls.CALLS.items()}
    assert sorted(counts) == sorted(tasks.__all__) == sorted(casa_task_calls.TASKS)
    assert min(counts.values()) >= 8
    assert sorted(FOUND) == sorted(CALLS)
    assert set(casa_task_calls.MENDED) <= set(CALLS)


# -- the table of the documentation ---------------------------------------------------------------


def test_the_table_of_tasks_is_that_of_the_code() -> None:
    text = (ROOT / "docs" / "casa.md").read_text()
    shown = re.search(r"<!-- tasks:.*?-->\n\n(.*?)\n\n<!-- end of tasks -->", text, re.DOTALL)
    assert shown is not None
    assert shown[1] == markdown()


@pytest.mark.parametrize("task", tasks.__all__)
def test_commands_and_methods_of_tasks_exist(task: str) -> None:
    served = SERVED[task]
    for verb in served.verb.split(", "):
        assert not verb or verb in commands.commands
    for method in served.method.split(", "):
        owner, _, name = method.partition(".")
        assert not method or hasattr({"Image": lattice.Image, "lattice": lattice}[owner], name)
    assert task not in commands.commands  # the command line has everything once


# -- parameters ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("task", tasks.__all__)
def test_parameters_are_those_of_casa(task: str) -> None:
    ours = [
        [p.name, list(p.default) if isinstance(p.default, tuple) else p.default, SERVED[task].kinds[p.name]]
        for p in inspect.signature(getattr(tasks, task)).parameters.values()
    ]
    assert ours == SIGNATURES["tasks"][task]


VALUES: dict[str, Any] = {
    "True": True, "1": 1, "1.5": 1.5, "int32": np.int32(1), "int64": np.int64(1), "float32": np.float32(1.5),
    "float64": np.float64(1.5), "text": "text", "str_": np.str_("text"), "[1]": [1], "[1.5]": [1.5],
    "['a']": ["a"], "(1,)": (1,), "array int": np.array([1, 2]), "array float": np.array([1.5]),
    "[[1]]": [[1]], "{}": {}, "None": None,
}  # fmt: skip
MORE = {
    "variant": {"(1,)"},
    "intvec": {"int64"},
    "strvec": set(),
}  # taken here, and refused there for no reason


@pytest.mark.parametrize("kinds", SIGNATURES["takes"])
def test_types_take_what_those_of_casa_take(kinds: str) -> None:
    def takes(value: Any) -> bool:
        try:
            checked(value, kinds, "task: parameter")
        except TaskArgumentError:
            return False
        return True

    ours = {key for key, value in VALUES.items() if takes(value)}
    assert ours == set(SIGNATURES["takes"][kinds]) | MORE.get(kinds, set())
