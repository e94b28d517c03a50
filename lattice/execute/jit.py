"""Programs compiled by numba: one loop over the pixels of a strip."""

from __future__ import annotations

from typing import Any

from lattice.config import Options
from lattice.plan.program import Program

__all__ = ["compiled", "wanted"]


def wanted(program: Program, options: Options) -> bool:
    return False


def compiled(program: Program) -> Any:
    return None
