"""The syntax tree: what the text says, before anything is known about names and types.

Every node keeps the offsets of its text, so that later errors can point at it.  Trees of long chains such
as ``a+a+...+a`` are deep: walk them with `walk`, never by recursion.  Nodes are compared by identity for the
same reason; `dump` gives a text to compare.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

__all__ = [
    "Binary",
    "Call",
    "IndexRange",
    "IndexTest",
    "Name",
    "Number",
    "Span",
    "Subscript",
    "Syntax",
    "Temporary",
    "Truth",
    "Unary",
    "ValueList",
    "dump",
    "walk",
]

Span = tuple[int, int]


@dataclass(frozen=True, eq=False, repr=False)
class Syntax:
    """Base of all nodes.

    Attributes
    ----------
    span : tuple of int
        Start and end offsets in the text.
    depth : int
        Number of nodes on the longest way down, this one included.
    """

    span: Span
    depth: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "depth", 1 + max((child.depth for child in self.children()), default=0))

    def children(self) -> tuple[Syntax, ...]:
        """Return the operands, in the order of the text."""
        return ()

    def label(self) -> str:
        """Return what the node is, without its operands."""
        return type(self).__name__.lower()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.label()!r} at {self.span[0]}:{self.span[1]}>"


@dataclass(frozen=True, eq=False, repr=False)
class Number(Syntax):
    """A numeric literal; `dtype` is one of float32, float64, complex64 and complex128.

    `integer` is the value of a literal of digits only, else None.
    """

    value: float | complex
    dtype: str
    integer: int | None

    def label(self) -> str:
        return f"{self.value!r}:{self.dtype}"


@dataclass(frozen=True, eq=False, repr=False)
class Truth(Syntax):
    """``T`` or ``F``."""

    value: bool

    def label(self) -> str:
        return "T" if self.value else "F"


@dataclass(frozen=True, eq=False, repr=False)
class Name(Syntax):
    """An image or a region, by name.

    Attributes
    ----------
    name : str or None
        Name of the image, with quotes and backslashes resolved; a plain name may also be a region of the
        image named last. None when the text has only the suffix.
    mask : str or None
        The mask asked for by ``name:mask``; ``"nomask"`` for none.
    region : str or None
        The region asked for by ``name::region``.
    text : str or None
        What stands between its quotes, colons and all; None without quotes.
    """

    name: str | None
    mask: str | None = None
    region: str | None = None
    text: str | None = None

    def label(self) -> str:
        if self.region is not None:
            return f"name {self.name!r}::{self.region}"
        return f"name {self.name!r}" + ("" if self.mask is None else f":{self.mask}")


@dataclass(frozen=True, eq=False, repr=False)
class Temporary(Syntax):
    """``$n``, or ``$rn`` when `region` is true; `number` counts from 1."""

    number: int
    region: bool

    def label(self) -> str:
        return f"${'r' if self.region else ''}{self.number}"


@dataclass(frozen=True, eq=False, repr=False)
class Unary(Syntax):
    """One of the prefix operators ``+ - !``; the word ``not`` counts as ``!``."""

    operator: str
    operand: Syntax

    def children(self) -> tuple[Syntax, ...]:
        return (self.operand,)

    def label(self) -> str:
        return f"prefix {self.operator}"


@dataclass(frozen=True, eq=False, repr=False)
class Binary(Syntax):
    """``left operator right``; `operator_span` is the place of the operator."""

    operator: str
    operator_span: Span
    left: Syntax
    right: Syntax

    def children(self) -> tuple[Syntax, ...]:
        return (self.left, self.right)

    def label(self) -> str:
        return self.operator


@dataclass(frozen=True, eq=False, repr=False)
class Subscript(Syntax):
    """``operand[selector]``: a condition or a region applied to a lattice."""

    operand: Syntax
    selector: Syntax

    def children(self) -> tuple[Syntax, ...]:
        return (self.operand, self.selector)

    def label(self) -> str:
        return "[]"


@dataclass(frozen=True, eq=False, repr=False)
class Call(Syntax):
    """``function(arguments)``, with the function's name as it was written."""

    function: str
    function_span: Span
    arguments: tuple[Syntax, ...]

    def children(self) -> tuple[Syntax, ...]:
        return self.arguments

    def label(self) -> str:
        return f"call {self.function}"


@dataclass(frozen=True, eq=False, repr=False)
class ValueList(Syntax):
    """``[a, b, ...]``: a lattice of one axis."""

    elements: tuple[Syntax, ...]

    def children(self) -> tuple[Syntax, ...]:
        return self.elements

    def label(self) -> str:
        return "list"


@dataclass(frozen=True, eq=False, repr=False)
class IndexRange(Syntax):
    """``start``, ``start:stop`` or ``start:stop:step`` of an index set; `stop` is included."""

    start: Number
    stop: Number | None
    step: Number | None

    def children(self) -> tuple[Syntax, ...]:
        return tuple(part for part in (self.start, self.stop, self.step) if part is not None)

    def label(self) -> str:
        return "range"


@dataclass(frozen=True, eq=False, repr=False)
class IndexTest(Syntax):
    """``indexin(axis, set)``, ``index0 in set`` and their negations.

    `axis` is a number where it was written in the keyword, else a syntax tree.
    """

    axis: int | Syntax
    ranges: tuple[IndexRange, ...]
    negated: bool

    def children(self) -> tuple[Syntax, ...]:
        return (self.axis, *self.ranges) if isinstance(self.axis, Syntax) else self.ranges

    def label(self) -> str:
        axis = "" if isinstance(self.axis, Syntax) else str(self.axis)
        return f"index{axis} {'not ' if self.negated else ''}in"


def walk(tree: Syntax) -> Iterator[Syntax]:
    """Yield all nodes of `tree`, operands before the node that holds them, from left to right."""
    stack: list[tuple[Syntax, bool]] = [(tree, False)]
    while stack:
        node, opened = stack.pop()
        if opened:
            yield node
            continue
        stack.append((node, True))
        stack.extend((child, False) for child in reversed(node.children()))


def dump(tree: Syntax) -> str:
    """Return `tree` in prefix form, such as ``(+ (name 'a') (1.0:float32))``."""
    done: list[str] = []
    for node in walk(tree):
        count = len(node.children())
        operands = done[len(done) - count :]
        del done[len(done) - count :]
        done.append("(" + " ".join([node.label(), *operands]) + ")")
    return done[0]
