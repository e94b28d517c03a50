"""Finds the grammar files, those of expressions and of region texts, installed or in a checkout."""

from __future__ import annotations

from functools import cache
from pathlib import Path

__all__ = ["grammar_text"]


@cache
def grammar_text(name: str) -> str:
    """Return the text of the grammar file `name`, such as ``"lel.lark"``.

    The files lie in the folder ``grammar`` of the project, which is installed as the package
    ``lattice.grammar``.  That package does not exist when the checkout itself is on the path.
    """
    from importlib import resources  # brings much along that opening an image does not need

    try:
        folder = resources.files("lattice.grammar")
    except ModuleNotFoundError:
        return (Path(__file__).resolve().parents[1] / "grammar" / name).read_text(encoding="utf-8")
    return folder.joinpath(name).read_text(encoding="utf-8")
