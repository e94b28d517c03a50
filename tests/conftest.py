"""What every test gets: clean options, a seeded generator, a real image, and the choice of what to skip."""

from __future__ import annotations

import contextvars
import importlib.resources
import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import numpy as np
import pytest

ROOT = Path(__file__).resolve().parent.parent

# The same examples in each run: a red build is about the change, not about luck.
# `--hypothesis-profile=explore` looks for new ones.
# How long an example takes says more about the load of the machine than about the code: no limits on it.
_SETTINGS = {
    "deadline": None,
    "print_blob": True,
    "suppress_health_check": [hypothesis.HealthCheck.too_slow],
}
hypothesis.settings.register_profile("repeatable", derandomize=True, **_SETTINGS)
hypothesis.settings.register_profile("explore", max_examples=2000, **_SETTINGS)
hypothesis.settings.load_profile("repeatable")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if importlib.util.find_spec("casacore") is None:
        skip = pytest.mark.skip(reason="python-casacore is not installed")
        for item in items:
            if "oracle" in item.keywords:
                item.add_marker(skip)


@pytest.fixture(autouse=True)
def _default_options(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the developer's own LATTICE_* variables out of the tests."""
    for name in [n for n in os.environ if n.startswith("LATTICE_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def context() -> Iterator[contextvars.Context]:
    """Return a copy of the context, to run code that calls `set_options` and leaves it so."""
    return contextvars.copy_context()


@pytest.fixture
def rng() -> np.random.Generator:
    """Return a random generator that gives the same numbers in each run."""
    return np.random.default_rng(20260101)


@pytest.fixture(scope="session")
def root() -> Path:
    """Return the folder of the checkout."""
    return ROOT


@pytest.fixture(scope="session")
def m13() -> Path:
    """Return the path of the plate of the globular cluster M13 that astropy's own tests use."""
    folder = Path(str(importlib.resources.files("astropy.io.fits")))
    path = folder / "hdu" / "compressed" / "tests" / "data" / "m13.fits"
    if not path.exists():  # some distributions of astropy leave its tests out
        pytest.skip("this astropy comes without its test images")
    return path
