"""What tests of CASA's tools and tasks get: files to work on, and no calls in vain that others counted."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lattice.compat.casa import missing
from tests import casa_inputs


@pytest.fixture(autouse=True)
def _nothing_missed() -> None:
    """Forget the calls of earlier tests that are not served: they are counted for the whole process."""
    missing.missed(forget=True)


@pytest.fixture(scope="session")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the files that the calls begin with."""
    folder = tmp_path_factory.mktemp("inputs")
    casa_inputs.make(folder)
    return folder


@pytest.fixture
def folder(inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder of the test's own with these files, which is the working directory."""
    for path in inputs.iterdir():
        os.link(path, tmp_path / path.name)
    monkeypatch.chdir(tmp_path)
    return tmp_path
