"""The house: who may import whom, what `import lattice` may cost, and how long a file may be.

The tables here are the rule; a folder that needs more than its row says is in the wrong place.
"""

from __future__ import annotations

import ast
import dataclasses
import graphlib
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "lattice"

# Each part may import itself and the parts in its row.
_BASE = {"errors", "config"}
_VALUES = _BASE | {"graph", "coords", "regions"}
PARTS = {
    "errors": set(),
    "config": {"errors"},
    "grammars": set(),
    "graph": _BASE,
    "coords": _BASE | {"graph", "native"},
    "regions": _BASE | {"graph", "coords", "grammars"},
    "native": _BASE,
    "functions": _VALUES,
    "ops": _VALUES | {"functions", "native"},
    "language": _VALUES | {"functions", "ops", "grammars"},
    "io": _VALUES | {"native"},
    "plan": _VALUES | {"functions", "ops"},
    "execute": _VALUES | {"functions", "ops", "io", "plan", "native"},
    "plot": _BASE,
}
# What users touch may import everything; nothing in a row above may import these.
FACE = {
    "lattice",
    "accessor",
    "api",
    "beams",
    "cli",
    "cli_base",
    "cli_stats",
    "cli_text",
    "cli_verbs",
    "cli_work",
    "compat",
    "histograms",
    "image",
    "statistics",
    "testing",
    "together",
    "xarray_arrays",
    "xarray_engine",
    "__main__",
}

# Other people's packages. First: the parts that may import them at all; second: those that may do so at the
# top of a module, because that module is itself imported on first use only. "face" is what users touch.
EVERYWHERE = {"numpy"}
PACKAGES: dict[str, tuple[set[str], set[str]]] = {
    "astropy": ({"coords", "regions", "functions", "ops", "io", "plot", "face"}, set()),
    "casacore": ({"lattice.compat.casacore"}, set()),
    "cloudpickle": ({"execute"}, set()),
    "click": ({"lattice.cli", "lattice.cli_base", "lattice.cli_stats", "lattice.cli_verbs"},) * 2,
    "dask": ({"execute", "face", "lattice.coords.index"}, {"execute"}),
    "distributed": ({"execute", "face"}, set()),
    "erfa": ({"lattice.compat.casa"}, set()),  # astropy comes with it
    "fsspec": ({"io"}, set()),
    "h5py": ({"io"}, {"io"}),
    "hypothesis": ({"lattice.testing"}, {"lattice.testing"}),
    "lark": ({"language", "regions"}, {"language"}),
    "matplotlib": ({"plot"}, set()),
    "llvmlite": ({"execute", "native"}, set()),
    "numcodecs": ({"io"}, set()),
    "radio_beam": ({"face"}, set()),
    "pytest": ({"lattice.testing"}, {"lattice.testing"}),
    "regions": ({"regions"}, set()),
    "reproject": ({"lattice.ops.reproject"}, set()),
    "scipy": ({"coords", "functions", "ops", "regions", "execute"}, set()),
    "xarray": (
        {"lattice.coords.index", "face"},
        {"lattice.coords.index", "lattice.accessor", "lattice.xarray_arrays", "lattice.xarray_engine"},
    ),
    "zarr": ({"io"}, {"io"}),
}

MODULE_LINES = 600
FUNCTION_LINES = 60  # without the docstring


@dataclasses.dataclass(frozen=True)
class Import:
    """One imported module: where, what, and whether it is imported with the module that says so."""

    module: str
    line: int
    target: str
    at_top: bool
    for_types: bool

    @property
    def part(self) -> str:
        return part_of(self.module)

    def __str__(self) -> str:
        return f"{self.module}:{self.line} imports {self.target}"


def part_of(module: str) -> str:
    names = module.split(".")
    return names[1] if len(names) > 1 else names[0]


def modules() -> dict[str, Path]:
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        names = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(names[:-1] if names[-1] == "__init__" else names)] = path
    return found


MODULES = modules()


def imports_of(module: str) -> list[Import]:
    found: list[Import] = []

    def add(node: ast.AST, target: str, at_top: bool, for_types: bool) -> None:
        found.append(Import(module, getattr(node, "lineno", 0), target, at_top, for_types))

    def visit(node: ast.AST, at_top: bool, for_types: bool) -> None:
        if isinstance(node, ast.Import):
            for alias in node.names:
                add(node, alias.name, at_top, for_types)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}:{node.lineno}: relative import"
            for alias in node.names:
                # `from lattice import errors` imports a module; `from lattice.errors import x` a name in one.
                full = f"{node.module}.{alias.name}"
                add(node, full if full in MODULES else str(node.module), at_top, for_types)
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in ("import_module", "__import__", "importorskip"):
                add(node, str(node.args[0].value), at_top, for_types)
        inside = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        typing = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for child in ast.iter_child_nodes(node):
            visit(child, at_top and not inside, for_types or typing)

    visit(ast.parse(MODULES[module].read_text(encoding="utf-8")), True, False)
    return found


IMPORTS = [found for module in MODULES for found in imports_of(module)]


def allowed(found: Import, places: set[str]) -> bool:
    return (
        found.part in places
        or any(found.module == p or found.module.startswith(p + ".") for p in places)
        or ("face" in places and found.part in FACE)
    )


def test_every_part_has_a_row() -> None:
    assert {part_of(m) for m in MODULES} <= set(PARTS) | FACE


def test_the_house_is_imported_downwards_only() -> None:
    wrong = []
    for found in IMPORTS:
        target = part_of(found.target)
        if found.target.split(".")[0] != "lattice" or found.part in FACE or target == found.part:
            continue
        if target not in PARTS[found.part]:
            wrong.append(str(found))
    assert not wrong, "\n".join(wrong)


def test_rows_allow_no_circles() -> None:
    order = list(graphlib.TopologicalSorter(PARTS).static_order())
    assert order.index("errors") < order.index("graph") < order.index("language")
    assert not any(PARTS[part] & FACE for part in PARTS)


def test_other_packages_are_imported_where_they_belong() -> None:
    wrong = []
    for found in IMPORTS:
        package = found.target.split(".")[0]
        if package in sys.stdlib_module_names or package in EVERYWHERE or package == "lattice":
            continue
        anywhere, at_top = PACKAGES.get(package, (set(), set()))
        if not allowed(found, anywhere):
            wrong.append(f"{found}, which this part must not know")
        elif found.at_top and not found.for_types and not allowed(found, at_top):
            wrong.append(f"{found} at the top; import it inside the function that uses it")
    assert not wrong, "\n".join(wrong)


def test_nothing_imports_tests_or_benchmarks() -> None:
    wrong = [str(i) for i in IMPORTS if i.target.split(".")[0] in ("tests", "benchmarks", "grammar")]
    assert not wrong, "\n".join(wrong)


def test_no_modules_import_each_other() -> None:
    needs: dict[str, set[str]] = {module: set() for module in MODULES}
    for found in IMPORTS:
        if found.at_top and not found.for_types and found.target in MODULES and found.target != found.module:
            needs[found.module].add(found.target)
    graphlib.TopologicalSorter(needs).prepare()  # raises CycleError and names the circle


def test_modules_are_short() -> None:
    long = {m: len(p.read_text(encoding="utf-8").splitlines()) for m, p in MODULES.items()}
    assert not {m: n for m, n in long.items() if n > MODULE_LINES}


def _functions(module: str) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(MODULES[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0]
            documented = ast.get_docstring(node) is not None and first.end_lineno is not None
            docstring = (first.end_lineno or 0) - first.lineno + 1 if documented else 0
            yield f"{module}.{node.name}", (node.end_lineno or 0) - node.lineno + 1 - docstring


def test_functions_are_short() -> None:
    assert not {name: n for module in MODULES for name, n in _functions(module) if n > FUNCTION_LINES}


def test_every_package_folder_says_what_it_owns() -> None:
    silent = []
    for module, path in MODULES.items():
        docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
        if not docstring or (path.name == "__init__.py" and len(docstring.splitlines()) > 15):
            silent.append(module)
    assert not silent


_CLOCK = re.compile(r"\b(perf_counter|process_time|thread_time|monotonic|time\.time)(_ns)?\(")


def test_no_test_asks_the_clock() -> None:
    """How long something takes depends on the machine and its load: tests count work, by `tests.work`."""
    files = [path for path in (ROOT / "tests").rglob("*.py") if path != ROOT / "tests" / "work.py"]
    assert len(files) > 100
    assert not [str(path) for path in files if _CLOCK.search(path.read_text(encoding="utf-8"))]
    assert all(_CLOCK.search(f"start = {name}()") for name in ("time.perf_counter", "time.time_ns"))


_HEAVY = sorted(set(PACKAGES) | {"pandas"})

_LOADED = """
import os, sys
before = set(sys.modules)
run = 0
def count(frame, event, argument):
    global run
    run += event == "line" and f"{os.sep}lattice{os.sep}" in frame.f_code.co_filename
    return count
sys.settrace(count)
import lattice
sys.settrace(None)
assert lattice.__file__, "lattice/__init__.py is missing"
print(run, *sorted(set(sys.modules) - before))
"""


def _python(code: str) -> list[str]:
    command = [sys.executable, "-c", code, *_HEAVY]
    found = subprocess.run(command, capture_output=True, text=True, check=False, timeout=240, cwd=ROOT)
    assert found.returncode == 0, found.stderr
    return found.stdout.split()


def test_importing_lattice_is_quick_since_it_loads_and_does_little() -> None:
    """A few modules of the standard library, and no module of lattice before it is asked for."""
    run, *loaded = _python(_LOADED)
    assert {name.partition(".")[0] for name in loaded} - set(sys.stdlib_module_names) == {"lattice"}
    assert [name for name in loaded if name.startswith("lattice")] == ["lattice"]
    assert len(loaded) < 60
    assert int(run) < 200


@pytest.mark.parametrize("name", ["errors", "config", "graph", "functions", "plot"])
def test_light_parts_load_nothing_heavy(name: str) -> None:
    code = f"import sys, lattice.{name}; print(*sorted(set(sys.modules) & set(sys.argv[1:])))"
    assert _python(code) == []


# The checks above must be able to fail: what follows proves it on made-up modules.


def _seen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, module: str, text: str) -> list[Import]:
    path = tmp_path / "module.py"
    path.write_text(text)
    monkeypatch.setitem(MODULES, module, path)
    return imports_of(module)


@pytest.mark.parametrize(
    ("text", "target", "at_top"),
    [
        ("import dask.array as da", "dask.array", True),
        ("from dask import array", "dask", True),
        ("def f():\n    import dask", "dask", False),
        ("class C:\n    import dask", "dask", True),
        ("try:\n    import dask\nexcept ImportError: pass", "dask", True),
        ("import importlib\ndef f():\n    importlib.import_module('dask')", "dask", False),
        ("from lattice import errors", "lattice.errors", True),
        ("from lattice import Image", "lattice", True),
    ],
)
def test_the_check_sees(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str, target: str, at_top: bool
) -> None:
    found = [i for i in _seen(monkeypatch, tmp_path, "lattice.plan.x", text) if i.target != "importlib"]
    assert [(i.target, i.at_top, i.for_types) for i in found] == [(target, at_top, False)]
    assert part_of(found[0].module) == "plan"


def test_the_check_sees_imports_for_types(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    text = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import xarray"
    found = _seen(monkeypatch, tmp_path, "lattice.image", text)[-1]
    assert (found.target, found.for_types) == ("xarray", True)
    assert allowed(found, PACKAGES["xarray"][0])
    assert not allowed(found, PACKAGES["xarray"][1])
