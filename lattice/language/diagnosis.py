"""Words the syntax errors: what is wrong, where, what could stand there instead, and the likely remedy.

`complaint` tries the rules in order; each looks at the token that does not fit and the one before it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from lattice.errors import LELSyntaxError, Span
from lattice.language.limits import brackets, describe_character

__all__ = ["Trouble", "complaint", "shortened"]

_PAIRS = {"(": ")", "[": "]"}
_COMPARISONS = {"==", "!=", ">=", ">", "<=", "<"}
_BINARY = {"+", "-", "*", "/", "%", "^", "&&", "||", *_COMPARISONS}
_NUMBERS = {"INTEGER", "FLOAT", "DOUBLE", "COMPLEX", "DCOMPLEX"}
_WORDS = {"NAME", "WORD"}
_NAMES = {*_WORDS, "SUFFIXED", "STRING", "TEMPORARY", "REGION_TEMPORARY"}
_KEYWORDS = {"IN", "NOT", "INDEXIN", "INDEXNOTIN", "INDEX_N"}

_CHARACTERS = {
    "#": "there are no comments in an expression",
    ";": "an expression is a single one, without separators",
    "?": "a choice is written iif(condition, a, b)",
    "{": "only ( ) and [ ] are brackets",
    "}": "only ( ) and [ ] are brackets",
    "@": "names with other characters need quotes: 'a@b'",
    "\u00d7": "multiplication is written *",
    "\u00b7": "multiplication is written *",
    "\u00f7": "division is written /",
    "\u2212": "the minus sign is written -",
    "\u2013": "the minus sign is written -",
    "\u2014": "the minus sign is written -",
    "\u2264": "this comparison is written <=",
    "\u2265": "this comparison is written >=",
    "\u2260": "this comparison is written !=",
    "\u2227": "the logical and is written &&",
    "\u2228": "the logical or is written ||",
    "\u00ac": "the logical not is written !",
    "\u00b2": "powers are written ^2",
    "\u00b3": "powers are written ^3",
    "\u221a": "the square root is written sqrt(x)",
    "\u03c0": "this constant is written pi()",
    "\u2018": "quotes are written ' or \"",
    "\u2019": "quotes are written ' or \"",
    "\u201c": "quotes are written ' or \"",
    "\u201d": "quotes are written ' or \"",
    "\u00a0": "only blanks, tabs and line feeds separate the parts of an expression",
}
_OTHER_OPERATORS = {
    "and": "the logical and is written &&",
    "or": "the logical or is written ||",
    "mod": "the remainder is written %",
    "eq": "this comparison is written ==",
    "ne": "this comparison is written !=",
    "gt": "this comparison is written >",
    "ge": "this comparison is written >=",
    "lt": "this comparison is written <",
    "le": "this comparison is written <=",
    "is": "equality is written ==",
    "if": "a choice is written iif(condition, a, b)",
    "where": "a condition is written image[condition]",
}


def shortened(token: str, length: int = 60) -> str:
    """Return `token` with dots in its middle when it is too long for a message."""
    return token if len(token) <= length else f"{token[: length - 8]}...{token[-5:]}"


@dataclass(frozen=True)
class Trouble:
    """Where parsing stopped.

    Attributes
    ----------
    text : str
        The whole text.
    span : tuple of int
        Place of the token, or of the character that starts none; empty at the end of the text.
    kind : str
        Kind of the token: the token itself for operators and brackets, the name in the grammar for others,
        ``"$END"`` for the end, and empty for a character that starts no token.
    before, before_kind, before_span
        The token before it, shortened; None, empty and (0, 0) at the start.
    allowed : frozenset of str
        Kinds of the tokens that could have come instead; empty for a character that starts no token.
    """

    text: str
    span: Span
    kind: str
    before: str | None
    before_kind: str
    before_span: Span
    allowed: frozenset[str]

    @property
    def token(self) -> str:
        """The text that does not fit, shortened if need be."""
        return shortened(self.text[slice(*self.span)])

    @property
    def adjoins(self) -> bool:
        """Whether nothing separates it from the token before it."""
        return self.before is not None and self.before_span[1] == self.span[0]

    @property
    def wants_value(self) -> bool:
        """Whether a value could have come here."""
        return "NAME" in self.allowed

    def error(self, message: str, hint: str | None = None, span: Span | None = None) -> LELSyntaxError:
        """Return the error to raise, at the token unless `span` says otherwise."""
        return LELSyntaxError(message, text=self.text, span=span or self.span, hint=hint)


def complaint(trouble: Trouble) -> LELSyntaxError:
    """Return the error that explains where and why parsing stopped."""
    for rule in _RULES:
        error = rule(trouble)
        if error is not None:
            return error
    where = f"after {trouble.before!r}" if trouble.before is not None else "at the start"
    return trouble.error(f"{trouble.token!r} cannot stand {where}", _expectation(trouble))


def _expectation(trouble: Trouble) -> str | None:
    """Return what could have come, in words."""
    words = []
    if trouble.wants_value:
        words.append("a value (a name, a number, a call or an opening bracket)")
    elif "INTEGER" in trouble.allowed:
        words.append("a whole number")
    if "+" in trouble.allowed and not trouble.wants_value:
        words.append("an operator")
    elif "&&" in trouble.allowed:
        words.append("'&&' or '||'")
    words += [repr(mark) for mark in (",", ")", "]", ":") if mark in trouble.allowed]
    if "[" in trouble.allowed and not words:
        words.append("'['")
    if "(" in trouble.allowed and not words:
        words.append("'('")
    if "IN" in trouble.allowed:
        words.append("'in'" if "NOT" not in trouble.allowed else "'in' or 'not in'")
    if "$END" in trouble.allowed:
        words.append("the end of the expression")
    if not words:
        return None
    listed = words[0] if len(words) == 1 else ", ".join(words[:-1]) + " or " + words[-1]
    return f"expected {listed}"


def _open_brackets(text: str) -> list[tuple[int, str]]:
    """Return place and kind of the brackets that are open at the end of `text`."""
    stack: list[tuple[int, str]] = []
    for position, bracket in brackets(text):
        if bracket in _PAIRS:
            stack.append((position, bracket))
        elif stack and _PAIRS[stack[-1][1]] == bracket:
            stack.pop()
    return stack


def _empty(trouble: Trouble) -> LELSyntaxError | None:
    if trouble.kind == "$END" and trouble.before is None:
        return LELSyntaxError("the expression is empty", span=trouble.span)
    return None


def _end(trouble: Trouble) -> LELSyntaxError | None:
    if trouble.kind != "$END":
        return None
    if trouble.before_kind in _KEYWORDS:
        return _keyword(trouble)
    if trouble.before_kind == ":":
        return _colon(trouble)
    opened = _open_brackets(trouble.text)
    if trouble.wants_value and trouble.before_kind in _BINARY | {"!", ","}:
        return trouble.error(f"the expression ends after {trouble.before!r}, where a value is missing")
    if opened:
        position, bracket = opened[-1]
        return trouble.error(f"{bracket!r} is never closed", _expectation(trouble), (position, position + 1))
    return trouble.error("the expression ends too early", _expectation(trouble))


def _character(trouble: Trouble) -> LELSyntaxError | None:
    """Explain a character with which no token starts."""
    if trouble.kind:
        return None
    character, rest = trouble.token, trouble.text[trouble.span[1] :]
    if character in "'\"":
        line = trouble.text.find("\n", trouble.span[0])
        hint = None if line < 0 else "a quoted name ends on the line where it starts"
        return trouble.error(f"the quote {character} is not closed", hint)
    if character == "=":
        if rest[:1] in ("<", ">"):
            return trouble.error(f"'={rest[0]}' is no operator", f"this comparison is written {rest[0]}=")
        return trouble.error("'=' is no operator", "equality is written ==")
    if character in "&|":
        word = "and" if character == "&" else "or"
        return trouble.error(
            f"{character!r} is no operator", f"the logical {word} is written {character * 2}"
        )
    if character == ".":
        return _dot(trouble, rest)
    if character == "\\":
        return trouble.error("the backslash takes no character literally", "nothing follows it on this line")
    hint = _CHARACTERS.get(
        character, "names with other characters need quotes" if character.isalnum() else None
    )
    return trouble.error(f"{describe_character(character)} has no meaning here", hint)


def _dot(trouble: Trouble, rest: str) -> LELSyntaxError:
    fortran = re.match(r"([A-Za-z]+)\.", rest)
    if fortran and fortran.group(1).lower() in _OTHER_OPERATORS:
        span = (trouble.span[0], trouble.span[1] + fortran.end())
        name = fortran.group(1).lower()
        return trouble.error(f"'.{fortran.group(1)}.' is no operator", _OTHER_OPERATORS[name], span)
    if rest[:1] in ("/", "."):
        return trouble.error("a name cannot start with a point", "paths need quotes: './image.fits'")
    return trouble.error("'.' is neither a number nor the start of a name", "names such as '.x' need quotes")


def _bracket(trouble: Trouble) -> LELSyntaxError | None:
    """Explain a closing bracket without its opening one, or with nothing inside."""
    if trouble.kind not in (")", "]"):
        return None
    opened = _open_brackets(trouble.text[: trouble.span[0]])
    if not opened:
        return trouble.error(f"{trouble.kind!r} closes no bracket")
    position, bracket = opened[-1]
    if _PAIRS[bracket] != trouble.kind:
        message = f"{bracket!r} is closed by {trouble.kind!r}"
        return trouble.error(message, f"{_PAIRS[bracket]!r} is missing", (position, trouble.span[1]))
    if trouble.before == "," and trouble.wants_value:
        return trouble.error(f"a value is missing between ',' and {trouble.kind!r}")
    if trouble.before == bracket:
        return trouble.error(
            "there is nothing between the brackets", _expectation(trouble), (position, trouble.span[1])
        )
    return None


def _operator(trouble: Trouble) -> LELSyntaxError | None:
    """Explain an operator after another operator, and a comparison of a comparison."""
    if trouble.kind not in _BINARY | {"!"}:
        return None
    pair = (trouble.before or "") + trouble.token if trouble.adjoins else ""
    span = (trouble.before_span[0], trouble.span[1])
    known = {
        "**": "powers are written ^",
        "//": "the integer quotient is written floor(a/b)",
        "<>": "this comparison is written !=",
        "^^": "powers are written with one ^",
        "===": "equality is written ==",
        "!==": "this comparison is written !=",
    }
    if pair in known:
        return trouble.error(f"{pair!r} is no operator", known[pair], span)
    if pair in ("<<", ">>"):
        return trouble.error(f"{pair!r} is no operator", "to shift by n bits, multiply by 2^n", span)
    if trouble.kind in _COMPARISONS and "&&" in trouble.allowed:
        return trouble.error("comparisons do not chain", "join two of them: a < b && b < c, or use brackets")
    if trouble.kind == "!":
        blank = re.match(r"[ \t\n]+=", trouble.text[trouble.span[1] :])
        hint = "'!=' is written without a blank" if blank else _expectation(trouble)
        return trouble.error("'!' stands before a value, not after one", hint)
    if trouble.wants_value:
        where = (
            f"between {trouble.before!r} and {trouble.token!r}"
            if trouble.before
            else f"before {trouble.token!r}"
        )
        return trouble.error(f"a value is missing {where}")
    return None


def _colon(trouble: Trouble) -> LELSyntaxError | None:
    """Explain colons that belong to no suffix."""
    if trouble.kind == ":" or (trouble.kind == "$END" and trouble.before_kind == ":"):
        at = trouble.span if trouble.kind == ":" else trouble.before_span
        colons = re.match(r":+", trouble.text[at[0] :])
        end = at[0] + (colons.end() if colons else 1)
        if "," in trouble.allowed and "+" not in trouble.allowed:
            return trouble.error("a range has three numbers at most", "its form is start:stop:step")
        if end - at[0] > 2:
            return trouble.error("there are too many colons", "write name:mask or name::region", (at[0], end))
        hint = "write name:mask or name::region without blanks" if at[0] else "a name stands before the colon"
        return trouble.error("nothing that could be a mask or region follows the colon", hint, (at[0], end))
    if trouble.kind == "SUFFIXED" and trouble.token.startswith(":") and trouble.before is not None:
        if trouble.before_kind == "STRING":
            quote = trouble.before[-1]
            inside = f"write {trouble.before[:-1]}{trouble.token}{quote}"
            return trouble.error("a suffix of a quoted name goes inside the quotes", inside)
        if trouble.before_kind in ("TEMPORARY", "REGION_TEMPORARY"):
            return trouble.error(f"the temporary {trouble.before} takes no suffix")
        if trouble.before_kind == "SUFFIXED":
            return trouble.error("a name has one suffix at most, :mask or ::region")
        if trouble.before_kind in _WORDS:
            hint = f"write {trouble.before}{trouble.token}"
            return trouble.error("a suffix follows its name without a blank", hint)
        return trouble.error("a suffix belongs to a name, not to an expression")
    return None


def _keyword(trouble: Trouble) -> LELSyntaxError | None:
    """Explain keywords that were meant as names, and names after a keyword."""
    if trouble.kind in _KEYWORDS and not (trouble.kind in ("IN", "NOT") and trouble.before_kind in _KEYWORDS):
        return _reserved(trouble, trouble.token, trouble.span, trouble.kind)
    if trouble.before_kind in ("INDEXIN", "INDEXNOTIN", "INDEX_N"):
        return _reserved(trouble, trouble.before or "", trouble.before_span, trouble.before_kind)
    if trouble.before_kind == "NOT" and "IN" not in trouble.allowed:
        return _reserved(trouble, trouble.before or "", trouble.before_span, "NOT")
    if "[" in trouble.allowed and not trouble.wants_value and "+" not in trouble.allowed:
        return trouble.error("the index numbers stand in brackets", "write them as [0:9] or [1,2,5]")
    if trouble.allowed & _NUMBERS and not trouble.wants_value:
        return trouble.error(
            "index numbers are whole numbers without a sign",
            "a range has the form start:stop:step",
        )
    return None


def _reserved(trouble: Trouble, word: str, span: Span, kind: str) -> LELSyntaxError:
    use = {
        "IN": "index0 in [1:5]",
        "NOT": "not condition",
        "INDEXIN": "indexin(0, [1:5])",
        "INDEXNOTIN": "indexnotin(0, [1:5])",
        "INDEX_N": "index0 in [1:5]",
    }[kind]
    hint = f"an image of that name needs quotes: '{word}'"
    if trouble.kind == "IN" and trouble.before_kind not in _BINARY | {"", "(", "[", ","}:
        hint = "index0, index1, ... alone stand before it"
    return trouble.error(f"{word!r} is a keyword, used as in {use}", hint, span)


def _adjoining(trouble: Trouble) -> LELSyntaxError | None:
    """Explain two values without an operator between them."""
    values = _NUMBERS | _NAMES | {"BOOL", "(", "[", "INDEX_N"}
    if trouble.kind not in values or trouble.wants_value or trouble.before is None:
        return None
    before, token = trouble.before, trouble.token
    hint: str | None
    both = (trouble.before_span[0], trouble.span[1])
    word = token.lower().partition(".")[0]
    if trouble.kind in _WORDS and word in _OTHER_OPERATORS:
        if trouble.adjoins and before.endswith(".") and token[len(word) :].startswith("."):
            span = (trouble.span[0] - 1, trouble.span[0] + len(word) + 1)  # 1.eq.2 begins with the number 1.
            return trouble.error(f"'.{word}.' is no operator", _OTHER_OPERATORS[word], span)
        return trouble.error(f"{token!r} is no operator", _OTHER_OPERATORS[word])
    if trouble.before_kind in _WORDS and before.lower() in _OTHER_OPERATORS and trouble.kind != "(":
        return trouble.error(
            f"{before!r} is no operator", _OTHER_OPERATORS[before.lower()], trouble.before_span
        )
    if trouble.before_kind in _NUMBERS:
        return _after_number(trouble, before, token, both)
    if trouble.before_kind == "STRING" and trouble.adjoins and before[-2:-1] == "\\":
        hint = "a backslash does not keep a quote from ending the name; use the other kind of quotes"
        return trouble.error(f"an operator is missing between {before} and {token!r}", hint)
    if trouble.kind == "STRING" and trouble.before_kind == "STRING":
        return trouble.error("an operator is missing between the names", "parts of one name must touch")
    if trouble.kind == "(":
        hint = None
        if before in (")", "]"):
            return trouble.error(f"an operator is missing between {before!r} and '('")
        if trouble.before_kind == "STRING":
            hint = "the name of a function has no quotes"
        elif trouble.before_kind == "WORD" and "." in before:
            hint = f"functions are written {before.rpartition('.')[2]}(x)"
        elif trouble.before_kind == "BOOL":
            hint = f"{before} is a truth value; no function has that name"
        return trouble.error(f"{before!r} cannot be called", hint, trouble.before_span)
    return trouble.error(f"an operator is missing between {before!r} and {token!r}", _expectation(trouble))


def _after_number(trouble: Trouble, before: str, token: str, both: Span) -> LELSyntaxError:
    """Explain what follows a number without an operator."""
    if token.lower() in ("i", "j"):
        return trouble.error("the imaginary unit is an i right behind the number", f"write {before}i", both)
    if trouble.adjoins and before == "0" and re.match(r"[xX][0-9a-fA-F]", token):
        return trouble.error("there are no hexadecimal numbers", None, both)
    if trouble.adjoins and token.lower() in ("e", "d"):
        return trouble.error("the exponent has no digits", f"write {before}{token}0, say", both)
    if trouble.adjoins and trouble.kind in _NAMES:
        hint = f"a name that starts with a digit needs quotes: '{before}{token}'"
        if trouble.kind == "STRING":
            hint = "a name is quoted as a whole"
        return trouble.error(f"{before + token!r} is neither a number nor a name", hint, both)
    if trouble.adjoins and trouble.kind in _NUMBERS:
        return trouble.error(f"{before + token!r} is not a number", None, both)
    if trouble.kind == "(":
        return trouble.error(f"{before!r} cannot be called", "a product is written with *", both)
    return trouble.error(f"an operator is missing between {before!r} and {token!r}", _expectation(trouble))


def _comma(trouble: Trouble) -> LELSyntaxError | None:
    if trouble.kind != ",":
        return None
    if trouble.wants_value:
        return trouble.error(f"a value is missing before ','{'' if trouble.before else ' at the start'}")
    opened = _open_brackets(trouble.text[: trouble.span[0]])
    if not opened:
        return trouble.error("a comma stands between arguments or in a list", "a list has brackets: [1, 2]")
    if opened[-1][1] == "[":
        return trouble.error("only one condition stands in brackets", "join conditions by &&")
    return trouble.error("a comma stands between arguments or in a list", _expectation(trouble))


_RULES: tuple[Callable[[Trouble], LELSyntaxError | None], ...] = (
    _empty,
    _end,
    _character,
    _bracket,
    _colon,
    _keyword,
    _operator,
    _adjoining,
    _comma,
)
