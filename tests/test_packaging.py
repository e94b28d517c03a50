"""What is installed: the packages, the grammars and the metadata, from a wheel and from a checkout."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import subprocess
import sys
import tomllib
import venv
import zipfile
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
FOLDERS: dict[str, str] = PROJECT["tool"]["setuptools"]["package-dir"]


def _packages_on_disk() -> set[str]:
    found = {
        ".".join(path.parent.relative_to(ROOT).parts)
        for path in (ROOT / "lattice").rglob("__init__.py")
        if "__pycache__" not in path.parts
    }
    return found | {
        package for package, folder in FOLDERS.items() if (ROOT / folder / "__init__.py").exists()
    }


def test_the_package_list_is_complete() -> None:
    listed = PROJECT["tool"]["setuptools"]["packages"]
    assert listed == sorted(listed)
    assert set(listed) == _packages_on_disk()


def test_every_folder_of_modules_is_a_package() -> None:
    """A folder without __init__.py works in a checkout and is missing from a wheel."""
    folders = {path.parent for path in (ROOT / "lattice").rglob("*.py")}
    assert [str(f.relative_to(ROOT)) for f in folders if not (f / "__init__.py").exists()] == []


def test_the_version_is_the_same_everywhere() -> None:
    import lattice

    assert lattice.__version__ == PROJECT["project"]["version"]


def test_all_holds_every_extra_that_users_choose() -> None:
    extras = PROJECT["project"]["optional-dependencies"]
    (everything,) = extras["all"]
    named = everything.removeprefix("lattice-images[").removesuffix("]").split(",")
    assert set(named) == set(extras) - {"all", "bench", "dev", "test"}


def test_entry_points_exist() -> None:
    project = PROJECT["project"]
    for groups in (project.get("scripts", {}), *project.get("entry-points", {}).values()):
        for target in groups.values():
            module = ROOT.joinpath(*target.split(":")[0].split("."))
            assert module.with_suffix(".py").exists() or (module / "__init__.py").exists(), target


def _checkout(folder: Path) -> Path:
    """Copy what a build needs, so that nothing is written into the checkout."""
    folder.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    for name in ("lattice", "grammar"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def _pip(python: str, *arguments: str) -> None:
    # The setuptools at hand is used if it is new enough, so that the tests need no network.
    version = importlib.metadata.version("setuptools").split(".")[0]
    isolation = ["--no-build-isolation"] if int(version) >= 77 else []
    command = [python, "-m", "pip", "--disable-pip-version-check", *arguments, "--no-deps", "-q", *isolation]
    found = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert found.returncode == 0, found.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    _pip(sys.executable, "wheel", str(_checkout(folder / "checkout")), "--wheel-dir", str(folder))
    (found,) = folder.glob("*.whl")
    return found


def test_the_wheel_holds_every_module_and_data_file(wheel: Path) -> None:
    assert wheel.name == f"lattice_images-{PROJECT['project']['version']}-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as archive:
        inside = {n for n in archive.namelist() if ".dist-info/" not in n}
        (licence,) = (n for n in archive.namelist() if n.endswith("licenses/LICENSE"))
        assert archive.read(licence).startswith(b"BSD 3-Clause")
    expected = {str(p.relative_to(ROOT)) for p in (ROOT / "lattice").rglob("*.py")} | {"lattice/py.typed"}
    for pattern in ("*.py", "*.lark"):
        expected |= {f"lattice/grammar/{p.name}" for p in (ROOT / "grammar").glob(pattern)}
    assert inside == {name.replace(os.sep, "/") for name in expected}
    assert "lattice/grammar/lel.lark" in inside


_LOOK = """
import importlib.resources, lattice, lattice.graph, lattice.grammar
print((importlib.resources.files("lattice.grammar") / "lel.lark").is_file())
print(lattice.__file__)
"""


def _look(python: Path, cwd: Path) -> tuple[bool, Path]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    found = subprocess.run(
        [python, "-c", _LOOK],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        env=environment,
        timeout=240,
    )
    assert found.returncode == 0, found.stderr
    there, file = found.stdout.splitlines()
    return there == "True", Path(file)


def _new_environment(folder: Path) -> Path:
    """Make an environment that sees the packages of this one, but not lattice as it is installed here."""
    venv.create(folder, with_pip=False, symlinks=os.name != "nt")
    (packages,) = folder.glob("lib/python*/site-packages")
    # Their folders alone are added: .pth files in them, which lead to an editable lattice, are not read.
    borrowed = [path for path in sys.path if path.endswith("site-packages")]
    (packages / "borrowed.pth").write_text("\n".join(borrowed))
    return folder / "bin" / "python"


@pytest.mark.skipif(os.name == "nt", reason="the layout of environments differs")
def test_a_wheel_is_imported_from_anywhere(tmp_path: Path, wheel: Path) -> None:
    python = _new_environment(tmp_path / "venv")
    _pip(sys.executable, "--python", str(python), "install", "--force-reinstall", str(wheel))
    there, file = _look(python, tmp_path)
    assert there
    assert file.is_relative_to(tmp_path / "venv")


@pytest.mark.skipif(os.name == "nt", reason="the layout of environments differs")
def test_an_editable_install_is_imported_from_anywhere(tmp_path: Path) -> None:
    checkout = _checkout(tmp_path / "checkout")
    python = _new_environment(tmp_path / "venv")
    _pip(sys.executable, "--python", str(python), "install", "-e", str(checkout))
    for cwd in (tmp_path, checkout):
        there, file = _look(python, cwd)
        assert there
        assert file.is_relative_to(checkout)
    # Edits are seen without installing again.
    (checkout / "grammar" / "lel.lark").unlink(missing_ok=True)
    assert not _look(python, tmp_path)[0]
