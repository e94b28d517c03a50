"""Scripts for CASA run unchanged, and print what they print in real CASA."""

from __future__ import annotations

import json
import math
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests import casa_inputs

ROOT = Path(__file__).resolve().parents[3]
SCRIPTS = ROOT / "tests" / "casa_scripts"
FOUND: dict[str, list[str]] = json.loads((ROOT / "tests" / "data" / "casa_scripts.json").read_text())
NUMBER = re.compile(r"[-+]?\d+\.?\d*(?:[eE][-+]?\d+)?")


def same(theirs: str, ours: str) -> bool:
    """Tell whether two lines are the same, but for the last digits of numbers."""
    numbers = [
        (float(a), float(b)) for a, b in zip(NUMBER.findall(theirs), NUMBER.findall(ours), strict=False)
    ]
    return NUMBER.sub("#", theirs) == NUMBER.sub("#", ours) and all(
        math.isclose(a, b, rel_tol=2e-5, abs_tol=2e-5) for a, b in numbers
    )


def test_all_scripts_have_results() -> None:
    assert sorted(FOUND) == sorted(path.stem for path in SCRIPTS.glob("*.py"))


@pytest.mark.parametrize("name", FOUND)
def test_script(name: str, tmp_path: Path) -> None:
    casa_inputs.make(tmp_path)
    command = [sys.executable, "-m", "lattice.compat.casa", str(SCRIPTS / f"{name}.py")]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    assert "not served" not in done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == len(FOUND[name]), done.stdout
    wrong = [
        (theirs, ours) for theirs, ours in zip(FOUND[name], lines, strict=True) if not same(theirs, ours)
    ]
    assert not wrong
