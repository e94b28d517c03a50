"""What a function of the language is: one value that says everything about it.

The definitions are in `lattice.functions`; the graph, the binder, the planner, the methods of Image
and the command line only read these records.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from lattice.graph.types import DType

if TYPE_CHECKING:
    from lattice.graph.node import Node

__all__ = ["Function", "Kind", "Lowered", "Lowering", "Param"]


class Kind(enum.Enum):
    """How the result of a function relates to its arguments."""

    ELEMENTWISE = "elementwise"  # pixel by pixel
    REDUCTION = "reduction"  # a lattice gives a scalar (or fewer axes)
    INQUIRY = "inquiry"  # depends on shape alone
    STRUCTURAL = "structural"  # changes the shape; has a node class of its own


@dataclass(frozen=True, slots=True)
class Param:
    """One argument of a function.

    Attributes
    ----------
    name : str
        Its name in documentation and messages.
    accepts : str
        "numeric", "real", "complex", "bool" or "any".
    form : str
        "any", "scalar" or "lattice".
    optional : bool
        May be left out (only at the end).
    texts : callable, optional
        Of a function that is `spoken`: which texts in quotes are no names of images here, but the argument.
    """

    name: str
    accepts: str = "numeric"
    form: str = "any"
    optional: bool = False
    texts: Callable[[str], bool] | None = None


@dataclass(frozen=True, slots=True)
class Lowered:
    """A value in a strip program: its register, that of its mask (None = all good) and its type."""

    value: int
    mask: int | None
    dtype: DType


class Lowering(Protocol):
    """What a definition may use to say what happens to values and masks.

    Values and masks are the same kind of thing here: registers of a program that is later run strip
    by strip.  Constants are folded and equal operations share a register.
    """

    def constant(self, value: Any, dtype: DType) -> int:
        """Return a register that holds the same value everywhere."""

    def constant_value(self, register: int) -> Any:
        """Return the value of a register that is constant, else None."""

    def cast(self, register: int, dtype: DType) -> int:
        """Return the register converted to another type."""

    def apply(
        self, kernel: Callable[..., Any], registers: tuple[int, ...], dtype: DType, jit: str | None = None
    ) -> int:
        """Return the register that holds ``kernel(*registers, out=...)``."""

    def and_(self, a: int | None, b: int | None) -> int | None:
        """Return a and b, where None stands for all true."""

    def or_(self, a: int | None, b: int | None) -> int | None:
        """Return a or b, where None stands for all true."""

    def not_(self, a: int) -> int:
        """Return not a."""

    def select(self, condition: int, a: int | None, b: int | None, dtype: DType) -> int | None:
        """Return a where the condition holds, b elsewhere; None stands for all true."""


ResultRule = Callable[[tuple[DType, ...]], DType]
LowerRule = Callable[[Lowering, tuple[Lowered, ...], DType], Lowered]


@dataclass(frozen=True, eq=False)
class Function:
    """One function or operator of the language.

    Attributes
    ----------
    name : str
        Name in LEL text; for an operator its symbol.
    kind : Kind
        How the result relates to the arguments.
    params : tuple of Param
        The arguments.
    result : callable
        Types of the arguments -> type of the result.
    doc : str
        What it does: numpydoc text with an example.
    aliases : tuple of str
        Other names in LEL text.
    operator : str
        "infix", "prefix" or "" for an ordinary call.
    precedence : int
        Of an operator; higher binds tighter.
    extends : bool
        Operands that lack axes, or have them with length 1, are extended.
    kernel : callable
        ``kernel(*arrays, out=array)`` on arrays of one type; for element-wise functions.
    convert : str
        Type of the arguments before the kernel: "common" (promoted), "result", or "own".
    jit : str
        Source of the kernel for one pixel, with ``{0}``, ``{1}`` for the arguments; empty if none.
    lower : callable
        Replaces kernel and the usual mask rule where a function has rules of its own.
    expand : callable
        Replaces the call by other nodes before lowering.
    unit : str
        "first" (unit of the operand that gives the coordinates) or "none".
    units : callable
        Arguments -> unit of the result where units are checked, see `lattice.functions.units`; the
        default is the rule of `unit`.
    masked : callable
        Whether the result may have bad pixels, from that of the arguments; the default is any of them.
    state : str
        Of a reduction: the statistics that it is computed from; see `lattice.functions.states`.
    finish : callable
        Of a reduction: ``finish(state, dtype, *scalars) -> value or None`` (None = undefined).
    of_scalar : callable
        Of a reduction or inquiry: its value for a scalar argument, or None when it does not take one.
    inquire : callable
        Of an inquiry: ``inquire(shape, *scalars) -> value``.
    ranks : callable
        Of an order statistic: ``ranks(n, masked, *scalars)`` gives the ranks of the sorted values that
        `finish` wants, for n good pixels of a lattice with or without a mask.
    build : callable
        Makes the node, where a plain call is not enough; gets the checked arguments.
    spoken : callable
        Makes the node from arguments of any sort: nodes, texts, and tuples of both where a list has texts.
        Nothing is checked before. A second argument, if there is one, is called with the number of an
        argument and the error that it causes.
    checks : callable
        Further checks of the argument nodes when a call is built.
    family : str
        Heading under which it is listed.
    ufuncs : tuple of numpy.ufunc
        Numpy functions that stand for it when they are applied to images.
    finder : callable
        Finds the definition again by name and number of arguments, in another process.
    """

    name: str
    kind: Kind
    params: tuple[Param, ...]
    result: ResultRule
    doc: str = ""
    aliases: tuple[str, ...] = ()
    operator: str = ""
    precedence: int = 0
    extends: bool = False
    kernel: Callable[..., Any] | None = None
    convert: str = "common"
    jit: str = ""
    lower: LowerRule | None = None
    expand: Callable[[tuple[Node, ...]], Node] | None = None
    unit: str = "first"
    units: Callable[[tuple[Node, ...]], str] | None = None
    masked: Callable[[tuple[Node, ...]], bool] | None = None
    state: str = ""
    finish: Callable[..., Any] | None = None
    of_scalar: Callable[..., Any] | None = None
    inquire: Callable[..., Any] | None = None
    ranks: Callable[..., tuple[int, ...]] | None = None
    build: Callable[[tuple[Node, ...]], Node] | None = None
    spoken: Callable[..., Node] | None = None
    checks: Callable[[tuple[Node, ...]], None] | None = None
    family: str = ""
    ufuncs: tuple[np.ufunc, ...] = ()
    finder: Callable[[str, int], Function] | None = field(default=None, repr=False)

    def __repr__(self) -> str:
        return f"<function {self.signature}>"

    def __reduce__(self) -> tuple[Any, ...]:
        # A definition is found again in the registry of the process that unpickles it.
        if self.finder is None:
            return object.__reduce__(self)  # type: ignore[return-value]
        return (self.finder, (self.name, len(self.params)))

    @property
    def n_required(self) -> int:
        """Number of arguments that may not be left out."""
        return sum(not p.optional for p in self.params)

    @property
    def signature(self) -> str:
        """The call as one writes it, optional arguments in brackets."""
        names = [p.name for p in self.params]
        if self.operator == "infix":
            return f"{names[0]} {self.name} {names[1]}"
        if self.operator == "prefix":
            return f"{self.name}{names[0]}"
        required = ", ".join(names[: self.n_required])
        rest = "".join(f"[, {n}]" for n in names[self.n_required :])
        return f"{self.name}({required}{rest})"

    @property
    def summary(self) -> str:
        """First line of the documentation."""
        return self.doc.strip().split("\n", 1)[0]
