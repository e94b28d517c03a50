"""What every format must hold, for CASA images of both byte orders."""

from __future__ import annotations

from lattice.testing import FormatConformance


class TestCasa(FormatConformance):
    format = "casa"
    comments = False


class TestBigEndian(FormatConformance):
    """The other byte order."""

    format = "casa"
    comments = False
    options = {"endian": "big"}  # noqa: RUF012
