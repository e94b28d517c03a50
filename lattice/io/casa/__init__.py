"""CASA images, in and out: tables of casacore's table system, read and written with numpy alone."""

from __future__ import annotations

__all__: list[str] = []
