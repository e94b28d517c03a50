"""Python variables in expressions: ``$name`` and ``$(...)`` in a text, as python-casacore has them."""

from __future__ import annotations

import ast
import operator
import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from types import FrameType
from typing import Any

import numpy as np

from lattice.errors import LatticeRangeError

__all__ = ["getlocals", "getvariable", "substitute"]

_FOLDER = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "abs": abs, "float": float, "int": int, "len": len, "max": max, "min": min, "round": round, "str": str,
    "sum": sum,
}  # fmt: skip
_OPERATORS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.UAdd: operator.pos,
    ast.USub: operator.neg,
}
_LONGEST = 1000  # letters of a Python expression
_MOST = 100  # exponent, so that powers stay numbers one can write down

ObjectKinds = Sequence[tuple[Any, str, list[Any]]]


def is_ours(frame: FrameType) -> bool:
    """Tell whether a frame of the stack runs code of this package."""
    return frame.f_code.co_filename.startswith(_FOLDER)


def getlocals(back: int = 2) -> dict[str, Any]:
    """Return the local variables some levels up the stack: 1 are the caller's, -1 the outermost ones."""
    frame = sys._getframe()
    while back and frame.f_back is not None:
        frame, back = frame.f_back, back - 1
    return dict(frame.f_locals)


def getvariable(name: str) -> Any:
    """Return the value that a name has in the nearest function up the stack; None if it has none anywhere.

    Functions of this package do not count.
    """
    frame = sys._getframe().f_back
    while frame is not None:
        if name in frame.f_locals and not is_ours(frame):
            return frame.f_locals[name]
        frame = frame.f_back
    return None


def substitute(
    s: str,
    objlist: ObjectKinds = (),
    globals: Mapping[str, Any] | None = None,
    locals: Mapping[str, Any] | None = None,
) -> str:
    r"""Put the values of Python variables into a text.

    ``$name`` becomes the value of a variable: numbers as they are, truth values as T and F, texts in double
    quotes, sequences in brackets. ``$(...)`` becomes the value of arithmetic with variables; of functions
    abs, float, int, len, max, min, round, str and sum are known. What stands in quotes or behind a backslash
    is left alone, as are names that stand for nothing, and arithmetic that fails.

    Parameters
    ----------
    s : str
        The text.
    objlist : sequence of (type, str, list), optional
        Objects of the type become ``$`` with the prefix and their number in the list, to which they are
        appended.
    globals, locals : mapping, optional
        Where names are looked up; without `locals` those of the caller, and before both what the functions up
        the stack have.

    Examples
    --------
    >>> n, name = 3, "m31"
    >>> substitute("$n*$(n + 1) '$n' \\$n $name $nothing")
    '3*4 \'$n\' \\$n "m31" $nothing'
    """
    near = locals if locals else getlocals(2)

    def value(name: str) -> Any:
        if name in near:
            return near[name]
        found = getvariable(name)
        return found if found is not None else (globals or {})[name]

    out, at, quote = [], 0, ""
    while at < len(s):
        letter = s[at]
        if letter == "\\":
            out.append(s[at : at + 2])
            at += 2
            continue
        if letter in "'\"" and quote in ("", letter):
            quote = "" if quote else letter
        if letter != "$" or quote:
            out.append(letter)
            at += 1
            continue
        text, at = _replaced(s, at, value, objlist)
        out.append(text)
    return "".join(out)


def _replaced(s: str, at: int, value: Callable[[str], Any], objlist: ObjectKinds) -> tuple[str, int]:
    """Return what takes the place of a dollar and what follows it, and where the text goes on."""
    if s.startswith("(", at + 1):
        end = _closing(s, at + 1)
        if end < 0:
            return s[at:], len(s)
        try:
            return _text(_arithmetic(s[at + 2 : end], value)), end + 1
        except Exception:  # whatever a variable does not allow, the text stays as it is
            return s[at : end + 1], end + 1
    found = _NAME.match(s, at + 1)
    if found is None:
        return "$", at + 1
    try:
        one = value(found.group())
    except KeyError:
        return s[at : found.end()], found.end()
    for kind, prefix, objects in objlist:
        if isinstance(one, kind):
            objects.append(one)
            return f"${prefix}{len(objects)}", found.end()
    return _text(one), found.end()


def _closing(s: str, at: int) -> int:
    """Return where the parenthesis that opens at a place closes, -1 if it does not."""
    depth, quote = 0, ""
    for k in range(at, len(s)):
        if s[k] in "'\"" and quote in ("", s[k]):
            quote = "" if quote else s[k]
        elif not quote and s[k] in "()":
            depth += 1 if s[k] == "(" else -1
            if depth == 0:
                return k
    return -1


def _text(value: Any) -> str:
    if isinstance(value, tuple | list | np.ndarray):
        return "[" + ",".join(_text(v) for v in value) + "]"
    if isinstance(value, str):
        # a double quote cannot be inside double quotes: it gets single ones
        return '"' + value.replace('"', '"\'"\'"') + '"'
    if isinstance(value, bool | np.bool_):
        return "T" if value else "F"
    return str(value)


def _arithmetic(text: str, value: Callable[[str], Any]) -> Any:
    """Return the value of a Python expression of variables, numbers, arithmetic and a few functions."""
    if len(text) > _LONGEST:
        raise LatticeRangeError(f"an expression of {len(text)} letters is too long")
    return _evaluated(ast.parse(text.strip(), mode="eval").body, value)


def _evaluated(tree: ast.AST, value: Callable[[str], Any]) -> Any:
    if isinstance(tree, ast.Constant):
        return tree.value
    if isinstance(tree, ast.Name):
        return value(tree.id)
    if isinstance(tree, ast.List | ast.Tuple):
        return [_evaluated(e, value) for e in tree.elts]
    if isinstance(tree, ast.UnaryOp):
        return _OPERATORS[type(tree.op)](_evaluated(tree.operand, value))
    if isinstance(tree, ast.BinOp):
        left, right = _evaluated(tree.left, value), _evaluated(tree.right, value)
        if isinstance(tree.op, ast.Pow) and abs(right) > _MOST:
            raise LatticeRangeError(f"an exponent of {right} is too large")
        if isinstance(tree.op, ast.Mult) and not all(
            isinstance(v, int | float | complex | np.generic) for v in (left, right)
        ):
            raise LatticeRangeError("only numbers are multiplied")
        return _OPERATORS[type(tree.op)](left, right)
    if isinstance(tree, ast.Subscript):
        return _evaluated(tree.value, value)[_evaluated(tree.slice, value)]
    if isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name) and not tree.keywords:
        return _FUNCTIONS[tree.func.id](*(_evaluated(a, value) for a in tree.args))
    raise LatticeRangeError(f"{ast.unparse(tree)!r} is more than arithmetic with variables")
