"""The grammar file: where it is found, and that it stays a grammar without guesses."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path

import lark
import pytest

from lattice.grammars import grammar_text

FOLDER = Path(__file__).resolve().parents[2] / "grammar"


def test_text_is_that_of_the_project() -> None:
    assert grammar_text("lel.lark") == (FOLDER / "lel.lark").read_text(encoding="utf-8")


@pytest.mark.parametrize("where", ["package", "checkout"])
def test_text_is_found_in_the_package_and_in_a_checkout(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def files(name: str) -> Path:
        if where == "checkout":
            raise ModuleNotFoundError(name)
        return FOLDER

    monkeypatch.setattr(resources, "files", files)
    grammar_text.cache_clear()
    assert "start: disjunction" in grammar_text("lel.lark")
    grammar_text.cache_clear()


def test_functions_do_not_appear_in_the_grammar() -> None:
    rules = re.sub(r"//.*", "", grammar_text("lel.lark"))
    assert not re.search(r"\b(sin|mean|iif|rebin|median)\b", rules)


def test_grammar_has_no_conflicts() -> None:
    """In strict mode lark refuses shift-reduce conflicts and tokens that match the same text by chance."""
    lark.Lark(grammar_text("lel.lark"), parser="lalr", lexer="basic", g_regex_flags=re.ASCII)


def test_each_rule_has_its_builder() -> None:
    from lattice.language.parser import _Builder

    engine = lark.Lark(grammar_text("lel.lark"), parser="lalr", lexer="basic")
    rules = {rule.alias or str(rule.origin.name) for rule in engine.rules}
    inlined = {str(rule.origin.name) for rule in engine.rules if rule.options.expand1}
    missing = {r for r in rules - inlined if not r.startswith("_") and not hasattr(_Builder, r)}
    assert not missing
