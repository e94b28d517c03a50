"""What every format must hold, for CASA images of several tiles and both byte orders."""

from __future__ import annotations

from lattice.testing import FormatConformance


class TestCasa(FormatConformance):
    """Tiles that do not fit the image."""

    format = "casa"
    comments = False
    options = {}


class TestBigEndian(FormatConformance):
    """The other byte order."""

    format = "casa"
    comments = False
    options = {"endian": "big"}
