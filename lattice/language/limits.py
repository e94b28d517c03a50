"""What an expression may be at most.  Checked before parsing, since expressions come from strangers."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from lattice.errors import LELSyntaxError

__all__ = [
    "MAX_BRACKETS",
    "MAX_DEPTH",
    "MAX_NAME",
    "MAX_TEXT",
    "brackets",
    "check_text",
    "describe_character",
]

MAX_TEXT = 100_000
"""Characters in a text."""

MAX_NAME = 4_096
"""Characters in a name; paths are not longer."""

MAX_BRACKETS = 200
"""Brackets inside each other."""

MAX_DEPTH = 2_000
"""Operations inside each other; a chain a+a+...+a is as deep as it has operators."""

# Control characters, halves of surrogate pairs, line and paragraph separators, and the marks that reverse the
# direction of writing: they would make the text look like another one.
_REFUSED = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\uffff\ud800-\udfff]"
)
_SCAN = re.compile(r"'[^'\n]*'|\"[^\"\n]*\"|\\[^\n]|[()\[\]]")


def check_text(text: str) -> None:
    """Raise LELSyntaxError for a text that exceeds a limit or holds characters that no expression has."""
    if len(text) > MAX_TEXT:
        raise LELSyntaxError(
            f"the expression has {len(text):,} characters, the limit is {MAX_TEXT:,}",
            hint="pass parts of it as images: lattice.expr('$1 + $2', a, b)",
        )
    found = _REFUSED.search(text)
    if found:
        raise LELSyntaxError(
            f"{describe_character(found.group())} is not allowed in an expression",
            text=text,
            span=found.span(),
            hint="lines end in a line feed alone" if found.group() == "\r" else None,
        )
    depth = 0
    for position, bracket in brackets(text):
        depth += 1 if bracket in "([" else -1
        if depth > MAX_BRACKETS:
            raise LELSyntaxError(
                f"brackets are nested deeper than {MAX_BRACKETS}", text=text, span=(position, position + 1)
            )


def brackets(text: str) -> Iterator[tuple[int, str]]:
    """Yield place and kind of the brackets that are not part of a name."""
    for found in _SCAN.finditer(text):
        if found.group() in "()[]":
            yield found.start(), found.group()


def describe_character(character: str) -> str:
    """Return a name for a character that may be invisible."""
    if character == "\r":
        return "a carriage return"
    if character == "\x00":
        return "a NUL character"
    code = f"U+{ord(character):04X}"
    if "\ud800" <= character <= "\udfff":
        return f"half of a surrogate pair ({code})"
    name = unicodedata.name(character, "")
    if character.isprintable() and not character.isspace():
        return f"{character!r} ({code})" if ord(character) > 126 else repr(character)
    return f"the character {code}" + (f" ({name.lower()})" if name else "")
