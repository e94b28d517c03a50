"""The README tells the truth: its table is that of the registry, its code and commands run."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import lattice
from lattice.cli import commands
from lattice.functions.registry import _table

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "README.md").read_text()
CODE = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
SHELL = [line for block in re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL) for line in block.splitlines()]


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The files that the README speaks of."""
    from astropy.io import fits

    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(1)
    for name in ("cube.fits", "weights.fits"):
        hdu = fits.PrimaryHDU(rng.normal(size=(64, 32, 320)).astype("f4"))
        hdu.header.update(
            {"CTYPE1": "RA---SIN", "CRVAL1": 150.0, "CRPIX1": 160.0, "CDELT1": -2 / 3600, "CUNIT1": "deg"}
            | {"CTYPE2": "DEC--SIN", "CRVAL2": 2.2, "CRPIX2": 16.0, "CDELT2": 2 / 3600, "CUNIT2": "deg"}
            | {"CTYPE3": "FREQ", "CRVAL3": 1.4e9, "CRPIX3": 1.0, "CDELT3": 1e5, "CUNIT3": "Hz"}
            | {"RADESYS": "ICRS", "BUNIT": "Jy/beam"}
        )
        hdu.writeto(name)
    plane = fits.ImageHDU(rng.normal(size=(64, 32, 320)).astype("f4"), name="SCI")
    fits.HDUList([fits.PrimaryHDU(), plane]).writeto("mosaic.fits")


def test_the_table_of_functions_is_that_of_the_registry() -> None:
    shown = re.search(r"<!-- functions:.*?-->\n\n(.*?)\n\n<!-- end of functions -->", TEXT, re.DOTALL)
    assert shown is not None
    # in a process of its own: other tests add functions to the registry
    command = [sys.executable, "-m", "lattice", "functions", "--markdown"]
    made = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)
    assert shown[1] == made.stdout.strip()


def test_the_table_of_formats_is_that_of_the_registry() -> None:
    shown = re.search(r"<!-- formats:.*?-->\n\n(.*?)\n\n<!-- end of formats -->", TEXT, re.DOTALL)
    assert shown is not None
    command = [sys.executable, "-m", "lattice", "formats", "--markdown"]
    made = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)
    assert shown[1] == made.stdout.strip()


@pytest.mark.usefixtures("files")
def test_the_code_runs() -> None:
    names: dict[str, object] = {}
    try:
        for block in CODE:
            exec(compile(block, "README.md", "exec"), names)
    finally:
        _table.pop(("asinh", 1), None)
    assert Path("bright.fits").exists()
    assert Path("out.zarr").exists()
    assert isinstance(names["v"], lattice.Image)


@pytest.mark.usefixtures("files")
def test_the_shell_commands_run() -> None:
    import shlex

    pytest.importorskip("matplotlib")
    typed = [c.strip() for line in SHELL if line.startswith("lattice ") for c in line.split(";")]
    assert len(typed) >= 8
    for command in typed:
        done = CliRunner().invoke(commands, shlex.split(command)[1:])
        assert done.exit_code == 0, f"{command}: {done.output}"


def test_the_command_that_runs_the_tests_is_the_one_of_ci() -> None:
    install = next(line for line in SHELL if "[test]" in line)
    assert "pytest" in install
    ci = (ROOT / ".ci" / "run").read_text()
    assert "[test" in ci
    assert "pytest" in ci


def test_files_that_it_links_to_exist() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", TEXT):
        assert (ROOT / target).exists(), target
