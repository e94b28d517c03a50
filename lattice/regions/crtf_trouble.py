"""Words the errors of region texts: what does not follow the grammar, where, and what could stand there."""

from __future__ import annotations

import re
from typing import Any

from lattice.errors import RegionError, suggest

__all__ = ["SHAPES", "complaint"]

SHAPES = {
    "box": "box[[x1, y1], [x2, y2]]",
    "centerbox": "centerbox[[x, y], [width, height]]",
    "rotbox": "rotbox[[x, y], [width, height], angle]",
    "poly": "poly[[x1, y1], [x2, y2], [x3, y3]]",
    "circle": "circle[[x, y], r]",
    "annulus": "annulus[[x, y], [r1, r2]]",
    "ellipse": "ellipse[[x, y], [a, b], angle]",
    "line": "line[[x1, y1], [x2, y2]]",
    "vector": "vector[[x1, y1], [x2, y2]]",
    "text": "text[[x, y], 'text']",
    "symbol": "symbol[[x, y], .]",
}
"""The form of each shape."""

_WORDS = {
    "ATOM": "a value",
    "STRING": "a text in quotes",
    "MARK": "a mark such as . or o",
    "KEY": "a key such as coord=",
    "LSQB": "'['",
    "RSQB": "']'",
    "COMMA": "','",
    "EQUAL": "'='",
    "_NEWLINE": "the end of the line",
}


def complaint(text: str, error: Any) -> RegionError:
    """Return the error that explains where and why reading stopped.

    Parameters
    ----------
    text : str
        The whole text.
    error : lark.UnexpectedInput
        What lark says.
    """
    at, allowed = _place(text, error), _allowed(error)
    rest = text[at:].split("\n", 1)[0].rstrip("\r")
    word = _word(rest)
    span = (at, at + max(1, len(word)))
    form = _form(text, at)
    hint = None if form is None else f"its form is {form}"

    def located(message: str, advice: str | None = hint) -> RegionError:
        return RegionError(message, text=text, span=span, hint=advice)

    if not rest.strip():
        return located(f"the line ends too early: {_listed(allowed)} is missing")
    if rest[0] == "#":
        return located("a comment stands on a line of its own", None)
    if rest[0] in "'\"" and rest.count(rest[0]) == 1:
        return located(f"the quote {rest[0]} is not closed", "a text ends on the line where it starts")
    if "CIRCLE" in allowed:
        return _no_shape(located, word, rest)
    if allowed == {"MARK"} or ("MARK" in allowed and "RSQB" not in allowed):
        return located(
            f"{word!r} is no mark of a symbol", "the marks are . , o v ^ < > 1 2 3 4 s p * h H + x D d | _"
        )
    if "KEY" in allowed and word.lower() in SHAPES:
        return located("each item stands on a line of its own", None)
    if "KEY" in allowed and re.match(r"[A-Za-z_]+\s*\Z", word):
        return located(
            f"a '=' is missing after {word!r}", "keys and values are written coord=J2000, corr=[I, Q]"
        )
    return located(f"{word!r} cannot stand here: {_listed(allowed)} is expected")


def _no_shape(located: Any, word: str, rest: str) -> RegionError:
    name = re.match(r"[A-Za-z_]*", word)
    known = (name.group() if name else "").lower()
    if known in SHAPES:
        error: RegionError = located(f"the brackets of {known} are missing", f"its form is {SHAPES[known]}")
        return error
    if known == "global":
        error = located("global needs keys and values", "write global coord=J2000, say")
    elif re.match(r"[A-Za-z_]+\s*=", rest):
        error = located(
            f"the key {known} stands without a shape", "to set it for all that follows write global before it"
        )
    else:
        near = suggest(known, SHAPES) if known else None
        error = located(f"{word!r} is no shape", near or f"the shapes are {', '.join(SHAPES)}")
    return error


def _place(text: str, error: Any) -> int:
    token = getattr(error, "token", None)
    if token is not None and token.type == "$END":
        return len(text.rstrip())
    position = getattr(error, "pos_in_stream", None)
    return len(text) if position is None else min(int(position), len(text))


def _allowed(error: Any) -> set[str]:
    found = (
        getattr(error, "accepts", None) or getattr(error, "expected", None) or getattr(error, "allowed", None)
    )
    return set(found or ())


def _word(rest: str) -> str:
    found = re.match(r"[^\s,=\[\]'\"]+|.", rest)
    word = found.group() if found else ""
    return word if len(word) <= 40 else f"{word[:32]}..."


def _listed(allowed: set[str]) -> str:
    words = ["a shape"] if "CIRCLE" in allowed else []
    words += [word for name, word in _WORDS.items() if name in allowed]
    if len(words) > 1:
        return ", ".join(words[:-1]) + " or " + words[-1]
    return words[0] if words else "something else"


def _form(text: str, at: int) -> str | None:
    """Return the form of the shape on the line of a place, if the place is within its brackets."""
    start = max(text.rfind("\n", 0, at), text.rfind("\r", 0, at)) + 1
    found = re.match(r"\s*(?:ann\s+|[+-])?\s*([A-Za-z]+)\s*\[", text[start : at + 1], re.IGNORECASE)
    if found is None:
        return None
    before = text[start:at]
    if before.count("[") <= before.count("]") and before.count("["):
        return None
    return SHAPES.get(found.group(1).lower())
