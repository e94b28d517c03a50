"""What every format must hold, for CASA images of both byte orders."""

from __future__ import annotations

from lattice.testing import FormatConformance
from tests.work import PATIENCE


class TestCasa(FormatConformance):
    format = "casa"
    comments = False
    seconds = PATIENCE


class TestBigEndian(FormatConformance):
    """The other byte order."""

    format = "casa"
    comments = False
    seconds = PATIENCE
    options = {"endian": "big"}  # noqa: RUF012
