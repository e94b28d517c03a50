"""Calls of CASA's tools and tasks, run here and compared with what real CASA returned."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import casa_calls, casa_found

FOUND = casa_found.read("casa_calls")
CALLS = {name: (setup, call) for name, setup, call in casa_calls.every()}


@pytest.mark.parametrize("name", CALLS, ids=[ascii(name) for name in CALLS])
@pytest.mark.filterwarnings("ignore::lattice.errors.LatticeWarning")
def test_call(name: str, folder: Path) -> None:
    setup, call = CALLS[name]
    casa_found.check(setup, call, FOUND[name], mended=name in casa_calls.MENDED)
