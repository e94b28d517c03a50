"""Graphs as text: LEL that parses back to an equal node, and a tree for people."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np

from lattice.graph.node import (
    Call,
    Extend,
    IndexSet,
    Literal,
    Named,
    Node,
    Operation,
    RegionCut,
    RegionMask,
    Source,
    Subset,
    Transpose,
    ValueList,
)
from lattice.graph.types import COMPLEX, FLOAT, is_bool, is_complex, type_name
from lattice.graph.walk import postorder

__all__ = ["number_text", "quote", "quoted", "to_lel", "tree"]

_ATOM = 100  # precedence of what needs no brackets
_INDEXED = 90
_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*\Z")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*://")
_REST_OF_URL = re.compile(r"//|[0-9]+/")
_RESERVED = re.compile(r"(T|F)\Z|(?i:in|not|indexin|indexnotin|index[0-9]+)\Z")
_LIMIT = 100_000


def to_lel(node: Node, limit: int = _LIMIT) -> str:
    """Return a graph as LEL text.

    Text that parses back to an equal node, for everything that the language can say.  Cuts by index and
    operations without a name in the language are shown as one would write them in Python.

    Parameters
    ----------
    node : Node
        The graph.
    limit : int, optional
        Parts that would be longer than this many characters are shown as ``...``.
    """
    texts: dict[int, tuple[str, int]] = {}
    for part in postorder(node, below=_shown):
        text, strength = _SHOW[_kind(part)](part, texts)
        texts[id(part)] = (text if len(text) <= limit else "...", strength)
    return texts[id(node)][0]


Texts = dict[int, tuple[str, int]]


def _shown(node: Node) -> tuple[Node, ...]:
    """Return the children of a node that its text is made of."""
    return node.children[1:] if isinstance(node, Named) else node.children


def _kind(node: Node) -> type[Node]:
    return next(k for k in _SHOW if isinstance(node, k))


def quote(name: str, suffix: str = "", region: str = "") -> str:
    r"""Return an image name, with the suffix of a mask or region, as LEL text; in quotes unless plain.

    >>> quote("f1"), quote("a-b"), quote("c:d", "mask1"), quote("it's"), quote("f1", region="box")
    ('f1', "'a-b'", "'c\\:d:mask1'", '"it\'s"', 'f1::box')
    """
    tail = suffix or region
    colons = ("::" if region else ":") if tail else ""
    plain = _PLAIN_NAME.match(name) and not _RESERVED.match(name)
    if plain and (not tail or _PLAIN_NAME.match(tail)):
        return name + colons + tail
    inner = _escaped(name) + colons + _escaped(tail)
    if _REST_OF_URL.match(tail):
        inner = _escaped(name) + colons + "\\" + _escaped(tail)  # else the colon could be that of a URL
    return _in_quotes(inner)


def quoted(text: str) -> str:
    r"""Return a text, such as the name of a statistic, as LEL has it: always in quotes.

    >>> quoted("mean"), quoted("5:30"), quoted("it's")
    ("'mean'", "'5\\:30'", '"it\'s"')
    """
    return _in_quotes(text.replace("\\", "\\\\").replace(":", "\\:"))


def number_text(value: float) -> str:
    """Return a number as LEL text that reads back as the same one.

    >>> number_text(3), number_text(-0.1), number_text(1e-30)
    ('3', '-0.1', '1.0d-30')
    """
    if float(value).is_integer() and abs(value) < 2**24:
        return str(int(value))
    return _real(np.float64(value), single=False, integer=False)


def _in_quotes(inner: str) -> str:
    if "'" not in inner:
        return f"'{inner}'"
    if '"' not in inner:
        return f'"{inner}"'
    return "'" + inner.replace("'", "'\"'\"'") + "'"  # parts in either kind of quotes that touch are one name


def _escaped(name: str) -> str:
    scheme = _SCHEME.match(name)
    start = scheme[0] if scheme else ""  # the colon of a URL needs no backslash
    return start + name[len(start) :].replace("\\", "\\\\").replace(":", "\\:")


def _literal(node: Literal, _: Texts) -> tuple[str, int]:
    value, dtype = node.value, node.attrs.dtype
    if value is None:
        return "undefined", _ATOM
    if is_bool(dtype):
        return ("T" if value else "F"), _ATOM
    if is_complex(dtype):
        real, imaginary = value.real, value.imag
        text = _real(imaginary, dtype == COMPLEX, integer=False) + "i"
        if real == 0 and not np.signbit(imaginary):
            return text, _ATOM
        sign = "-" if np.signbit(imaginary) else "+"
        text = _real(abs(imaginary), dtype == COMPLEX, integer=False) + "i"
        return f"({_real(real, dtype == COMPLEX, integer=False)}{sign}{text})", _ATOM
    text = _real(value, dtype == FLOAT, integer=True)
    return text, (_ATOM if text[0] not in "-(" else 0)


def _real(value: np.floating, single: bool, integer: bool) -> str:
    """Return a number so that it reads back with the same type and bits."""
    if math.isnan(value):
        return "(0/0)" if single else "(0.0/0.0)"
    if math.isinf(value):
        return ("-" if value < 0 else "") + ("1e999" if single else "1d999")
    if single and integer and float(value).is_integer() and abs(value) < 2**24:
        return f"{float(value):.0f}"  # keeps the sign of zero
    mantissa, _, exponent = str(value).partition("e")
    if single:
        return f"{mantissa}e{int(exponent or 0)}"
    if "." not in mantissa:
        mantissa += ".0"
    return f"{mantissa}d{int(exponent)}" if exponent else mantissa


def _source(node: Source, _: Texts) -> tuple[str, int]:
    return quote(node.name, node.suffix), _ATOM


def _bracket(texts: Texts, node: Node, least: int) -> str:
    text, strength = texts[id(node)]
    return text if strength >= least else f"({text})"


def _call(node: Call, texts: Texts) -> tuple[str, int]:
    function, args = node.function, node.args
    level = function.precedence
    if function.operator == "condition":
        return f"{_bracket(texts, args[0], _INDEXED)}[{texts[id(args[1])][0]}]", _INDEXED
    if function.operator == "prefix":
        return f"{function.name}{_bracket(texts, args[0], level)}", level
    if function.operator == "infix":
        right_first = function.name == "^"
        chains = level != _comparison_level()
        left = _bracket(texts, args[0], level + (1 if right_first or not chains else 0))
        right = _bracket(texts, args[1], level + (0 if right_first else 1))
        return f"{left} {function.name} {right}", level
    return f"{function.name}({', '.join(texts[id(a)][0] for a in args)})", _ATOM


def _comparison_level() -> int:
    return 30


def _list(node: ValueList, texts: Texts) -> tuple[str, int]:
    return f"[{', '.join(texts[id(c)][0] for c in node.children)}]", _ATOM


def _index(node: IndexSet, texts: Texts) -> tuple[str, int]:
    parts = []
    for first, last, stride in node.ranges:
        text = str(first) if first == last and stride == 1 else f"{first}:{last}"
        parts.append(text + (f":{stride}" if stride != 1 else ""))
    name = "indexnotin" if node.negate else "indexin"
    return f"{name}({texts[id(node.axis)][0]}, [{', '.join(parts)}])", _ATOM


def _subset(node: Subset, texts: Texts) -> tuple[str, int]:
    items = []
    for item in node.items:
        if not isinstance(item, slice):
            items.append(str(item))
        else:
            stop = "" if item.stop < 0 else str(item.stop)
            items.append(f"{item.start}:{stop}" + (f":{item.step}" if item.step != 1 else ""))
    return f"{_bracket(texts, node.children[0], _INDEXED)}.cut[{', '.join(items)}]", _INDEXED


def _extend(node: Extend, texts: Texts) -> tuple[str, int]:
    return texts[id(node.children[0])]


def _transpose(node: Transpose, texts: Texts) -> tuple[str, int]:
    n = len(node.order)
    # the language counts axes from the fastest one
    order = ", ".join(str(n - 1 - k) for k in reversed(node.order))
    return f"transpose({texts[id(node.children[0])][0]}, [{order}])", _ATOM


def _region_cut(node: RegionCut, texts: Texts) -> tuple[str, int]:
    return f"{_bracket(texts, node.children[0], _INDEXED)}[{node.label}]", _INDEXED


def _region_mask(node: RegionMask, _: Texts) -> tuple[str, int]:
    return f"bool({node.label})", _ATOM


def _named(node: Named, texts: Texts) -> tuple[str, int]:
    args = (a if isinstance(a, str) else texts[id(a)][0] for a in node.args)
    return f"{node.name}({', '.join(args)})", _ATOM


def _operation(node: Operation, texts: Texts) -> tuple[str, int]:
    shown = getattr(node, "show", None)
    args = [texts[id(c)][0] for c in node.children]
    if shown is not None:
        return shown(*args), _ATOM
    return f"{node.name}({', '.join([*args, *(repr(p) for p in node._fields[1:])])})", _ATOM


_SHOW: dict[type[Node], Callable[[Any, Texts], tuple[str, int]]] = {
    Literal: _literal,
    Source: _source,
    Call: _call,
    ValueList: _list,
    IndexSet: _index,
    Subset: _subset,
    Extend: _extend,
    Transpose: _transpose,
    RegionCut: _region_cut,
    RegionMask: _region_mask,
    Named: _named,
    Operation: _operation,
}


def tree(node: Node, limit: int = 60) -> str:
    """Return a graph as an indented tree, one node a line; parts shown before are referred to by number.

    Parameters
    ----------
    node : Node
        The graph.
    limit : int, optional
        Lines at most.
    """
    lines: list[str] = []
    seen: dict[int, int] = {}
    stack: list[tuple[Node, int]] = [(node, 0)]
    while stack:
        part, level = stack.pop()
        if len(lines) >= limit:
            lines.append("...")
            break
        if id(part) in seen:
            lines.append(f"{'  ' * level}(as in line {seen[id(part)]})")
            continue
        if _shown(part):
            seen[id(part)] = len(lines) + 1
        lines.append(f"{'  ' * level}{_label(part)}")
        stack.extend((c, level + 1) for c in reversed(_shown(part)))
    return "\n".join(lines)


def _label(node: Node) -> str:
    attrs = node.attrs
    what = {
        Call: lambda n: n.function.name,
        Source: lambda n: quote(n.name, n.suffix),
        Literal: lambda n: _literal(n, {})[0],
        Operation: lambda n: n.name,
        Named: lambda n: n.name,
        RegionCut: lambda n: f"cut to {n.label}",
        Subset: lambda n: "cut [" + _subset(n, {id(n.children[0]): ("", _ATOM)})[0].partition("[")[2],
    }
    name = next((f(node) for k, f in what.items() if isinstance(node, k)), type(node).__name__.lower())  # type: ignore[no-untyped-call]
    if attrs.is_scalar:
        return f"{name}: {type_name(attrs.dtype)}"
    return f"{name}: {attrs.describe()}{', masked' if attrs.masked else ''}"
