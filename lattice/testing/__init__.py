"""Checks that every file format passes, for lattice's own formats and for those of other packages.

A format comes with a test module in which it subclasses `FormatConformance`; pytest collects the checks.
Needs pytest and hypothesis.
"""

import pytest

for _name in ("base", "damage", "parts", "reading", "samples", "writing"):
    pytest.register_assert_rewrite(f"lattice.testing.{_name}")

from lattice.testing.conformance import FormatConformance  # noqa: E402
from lattice.testing.samples import Sample  # noqa: E402

__all__ = ["FormatConformance", "Sample"]
