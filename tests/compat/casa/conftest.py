"""What every test of CASA's tools and tasks gets: no calls in vain that others counted."""

from __future__ import annotations

import pytest

from lattice.compat.casa import missing


@pytest.fixture(autouse=True)
def _nothing_missed() -> None:
    """Forget the calls of earlier tests that are not served: they are counted for the whole process."""
    missing.missed(forget=True)
