"""Parses the text of an expression into its syntax tree.

The grammar stands in ``grammar/lel.lark``.  The tree is built while the text is read, without recursion, so
no text however long or nested exhausts the stack.  The lexer is the plain one: whether a word is a name or a
keyword does not depend on what stands before it.
"""

from __future__ import annotations

import re
import threading
from typing import Any

import lark

from lattice.errors import LELSyntaxError
from lattice.grammars import grammar_text
from lattice.language.diagnosis import Trouble, complaint, shortened
from lattice.language.limits import MAX_DEPTH, MAX_NAME, check_text
from lattice.language.names import read_name, read_text
from lattice.language.numbers import read_number
from lattice.language.syntax import (
    Binary,
    Call,
    IndexRange,
    IndexTest,
    Name,
    Number,
    Span,
    Subscript,
    Syntax,
    Temporary,
    Truth,
    Unary,
    ValueList,
)

__all__ = ["parse"]

_LARGEST_INDEX = 2**62

_engine: lark.Lark | None = None
_engine_lock = threading.Lock()


def parse(text: str) -> Syntax:
    """Return the syntax tree of an expression.

    Parameters
    ----------
    text : str
        The expression, see ``grammar/lel.lark``.

    Raises
    ------
    LELSyntaxError
        When the text does not follow the grammar, or exceeds the limits of length and nesting.

    Examples
    --------
    >>> from lattice.language.parser import parse
    >>> from lattice.language.syntax import dump
    >>> dump(parse("2 * cube[cube > 0]"))
    "(* (2.0:float32) ([] (name 'cube') (> (name 'cube') (0.0:float32))))"
    """
    check_text(text)
    engine = _get_engine()
    try:
        return engine.parse(text)  # type: ignore[return-value]  # the builder makes nodes instead of lark's trees
    except lark.UnexpectedInput as error:
        trouble = _describe(engine, text, error)
    except LELSyntaxError as error:
        raise error.located(text, error.span) from None
    raise complaint(trouble)


def _get_engine() -> lark.Lark:
    """Build the parser at the first call; it keeps no state between texts, so threads share it."""
    global _engine
    if _engine is None:
        with _engine_lock:
            if _engine is None:
                _engine = lark.Lark(
                    grammar_text("lel.lark"),
                    parser="lalr",
                    lexer="basic",
                    keep_all_tokens=True,
                    maybe_placeholders=False,
                    g_regex_flags=re.ASCII,
                    transformer=_Builder(),
                )
    return _engine


def _describe(engine: lark.Lark, text: str, error: lark.UnexpectedInput) -> Trouble:
    """Translate lark's exception into what `complaint` needs to word it."""
    kind = ""
    if isinstance(error, lark.UnexpectedToken):
        kind = error.token.type
        start, end = (len(text), len(text)) if kind == "$END" else _span(error.token)
    else:
        position: Any = error.pos_in_stream
        start, end = position, position + 1
    before = None
    for token in engine.lex(text[:start]):
        before = token
    spelled = {
        t.name: t.pattern.value for t in engine.terminals if isinstance(t.pattern, lark.lexer.PatternStr)
    }
    allowed = frozenset(spelled.get(name, name) for name in _continuations(error))
    return Trouble(
        text=text,
        span=(start, end),
        kind=spelled.get(kind, kind),
        before=None if before is None else shortened(str(before)),
        before_kind="" if before is None else spelled.get(before.type, before.type),
        before_span=(0, 0) if before is None else _span(before),
        allowed=allowed,
    )


def _continuations(error: lark.UnexpectedInput) -> set[str]:
    """Return the kinds of token that could have come instead."""
    interactive = getattr(error, "interactive_parser", None)
    return set() if interactive is None else interactive.accepts()


def _span(token: lark.Token) -> Span:
    start = token.start_pos
    assert start is not None  # tokens of a text always have a place
    return start, start + len(token)


def _index(number: Number) -> Number:
    """Keep pixel numbers within what any axis can have."""
    if number.integer is not None and number.integer > _LARGEST_INDEX:
        return Number(number.span, number.value, number.dtype, _LARGEST_INDEX)
    return number


class _Builder:
    """Makes the syntax nodes while the text is parsed: one method per rule or alias of the grammar."""

    def start(self, children: list[Syntax]) -> Syntax:
        return children[0]

    def binary(self, children: list[Any]) -> Syntax:
        left, operator, right = children
        span = (left.span[0], right.span[1])
        return _limited(Binary(span, str(operator), _span(operator), left, right))

    def unary(self, children: list[Any]) -> Syntax:
        operator, operand = children
        spelling = "!" if operator.type == "NOT" else str(operator)
        return _limited(Unary((_span(operator)[0], operand.span[1]), spelling, operand))

    def subscript(self, children: list[Any]) -> Syntax:
        operand, _, selector, close = children
        return _limited(Subscript((operand.span[0], _span(close)[1]), operand, selector))

    def group(self, children: list[Any]) -> Syntax:
        opening, close = children[0], children[2]
        inner: Syntax = children[1]
        # The brackets leave no node of their own, but errors shall underline them.
        object.__setattr__(inner, "span", (_span(opening)[0], _span(close)[1]))
        return inner

    def call(self, children: list[Any]) -> Syntax:
        name = _short(children[0])
        arguments = tuple(child for child in children[1:] if isinstance(child, Syntax))
        span = (_span(name)[0], _span(children[-1])[1])
        return _limited(Call(span, str(name), _span(name), arguments))

    def value_list(self, children: list[Any]) -> Syntax:
        elements = tuple(child for child in children if isinstance(child, Syntax))
        return _limited(ValueList((_span(children[0])[0], _span(children[-1])[1]), elements))

    def number(self, children: list[lark.Token]) -> Syntax:
        token = children[0]
        return Number(_span(token), *read_number(str(token)))

    def truth(self, children: list[lark.Token]) -> Syntax:
        return Truth(_span(children[0]), str(children[0]) == "T")

    def name(self, children: list[lark.Token]) -> Syntax:
        token = _short(children[0])
        return Name(_span(token), *read_name(str(token), _span(token), quoted=False))

    def quoted(self, children: list[lark.Token]) -> Syntax:
        token = _short(children[0])
        return Name(_span(token), *read_name(str(token), _span(token), quoted=True), read_text(str(token)))

    def temporary(self, children: list[lark.Token]) -> Syntax:
        return self._temporary(children[0], region=False)

    def region_temporary(self, children: list[lark.Token]) -> Syntax:
        return self._temporary(children[0], region=True)

    def _temporary(self, token: lark.Token, *, region: bool) -> Syntax:
        number = read_number(token.lstrip("$rR"))[2]
        assert number is not None
        return Temporary(_span(token), min(number, _LARGEST_INDEX), region)

    def index_of_axis(self, children: list[Any]) -> Syntax:
        keyword, _, axis, _, (ranges, _), close = children
        span = (_span(keyword)[0], _span(close)[1])
        return _limited(IndexTest(span, axis, ranges, keyword.type == "INDEXNOTIN"))

    def index_of_number(self, children: list[Any]) -> Syntax:
        return self._index_test(children[0], children[-1], negated=False)

    def index_not_of_number(self, children: list[Any]) -> Syntax:
        return self._index_test(children[0], children[-1], negated=True)

    def _index_test(self, keyword: lark.Token, found: tuple[Any, int], *, negated: bool) -> Syntax:
        ranges, end = found
        axis = read_number(keyword[len("index") :])[2]
        assert axis is not None
        return _limited(IndexTest((_span(keyword)[0], end), min(axis, _LARGEST_INDEX), ranges, negated))

    def index_set(self, children: list[Any]) -> tuple[tuple[IndexRange, ...], int]:
        ranges = tuple(child for child in children if isinstance(child, IndexRange))
        return ranges, _span(children[-1])[1]

    def index_range(self, children: list[Any]) -> Syntax:
        numbers = [_index(child) for child in children if isinstance(child, Number)]
        span = (numbers[0].span[0], numbers[-1].span[1])
        return IndexRange(span, *numbers, *[None] * (3 - len(numbers)))


def _short(token: lark.Token) -> lark.Token:
    if len(token) > MAX_NAME:
        raise LELSyntaxError(
            f"a name has {len(token):,} characters, the limit is {MAX_NAME:,}", span=_span(token)
        )
    return token


def _limited(node: Syntax) -> Syntax:
    if node.depth > MAX_DEPTH:
        raise LELSyntaxError(
            f"the expression is nested deeper than {MAX_DEPTH} operations",
            span=node.span,
            hint="brackets around parts of a long chain make it shallower: (a+b+c+d)+(e+f+g+h)",
        )
    return node
