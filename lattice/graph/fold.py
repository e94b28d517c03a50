"""Lowering of constants: what a function does to values is computed at once where they are known."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from lattice.graph.agree import agreed
from lattice.graph.blend import select
from lattice.graph.function import Kind, Lowered
from lattice.graph.node import Call, Literal, Node
from lattice.graph.types import BOOL, DType
from lattice.graph.walk import postorder

__all__ = [
    "ConstantLowering",
    "constant",
    "convert",
    "fold_literals",
    "fold_one",
    "lower_call",
    "lower_literal",
]


class ConstantLowering:
    """Registers of known values; the base of the lowering to strip programs."""

    def __init__(self) -> None:
        self.values: list[Any] = []  # numpy scalar arrays; None where only known at run time
        self.types: list[DType] = []
        self._numbers: dict[Any, int] = {}

    def _register(self, key: Any, value: Any, dtype: DType) -> int:
        found = self._numbers.get(key)
        if found is None:
            found = self._numbers[key] = len(self.values)
            self.values.append(value)
            self.types.append(dtype)
        return found

    def constant(self, value: Any, dtype: DType) -> int:
        """Return a register that holds the same value everywhere."""
        array = np.asarray(value).astype(dtype)
        return self._register(("constant", array.tobytes(), dtype), array, dtype)

    def constant_value(self, register: int) -> Any:
        """Return the value of a register that is constant, else None."""
        return self.values[register]

    def cast(self, register: int, dtype: DType) -> int:
        """Return the register converted to another type."""
        if self.types[register] == dtype:
            return register
        if self.values[register] is not None:
            return self.constant(_discard_imaginary(self.values[register], dtype), dtype)
        return self._operation(convert, (register,), dtype, f"np.{dtype.name}({{0}})")

    def apply(
        self, kernel: Callable[..., Any], registers: tuple[int, ...], dtype: DType, jit: str | None = None
    ) -> int:
        """Return the register that holds ``kernel(*registers, out=...)``."""
        known = [self.values[r] for r in registers]
        if all(v is not None for v in known):
            # one element rather than a 0-d array: kernels write into `out` by views
            out = np.empty(1, dtype)
            with np.errstate(all="ignore"):
                kernel(*(v.reshape(1) for v in known), out=out)
            return self.constant(out[0], dtype)
        return self._operation(kernel, registers, dtype, jit or "")

    def _operation(
        self, kernel: Callable[..., Any], registers: tuple[int, ...], dtype: DType, jit: str
    ) -> int:
        raise TypeError("only constants are lowered here")

    def and_(self, a: int | None, b: int | None) -> int | None:
        """Return a and b, where None stands for all true."""
        if a is None or b is None or a == b:
            return b if a is None else a
        for x, y in ((a, b), (b, a)):
            known = self.values[x]
            if known is not None:
                return y if known else x
        return self.apply(np.logical_and, (min(a, b), max(a, b)), BOOL, "({0} & {1})")

    def or_(self, a: int | None, b: int | None) -> int | None:
        """Return a or b, where None stands for all true."""
        if a is None or b is None:
            return None
        if a == b:
            return a
        for x, y in ((a, b), (b, a)):
            known = self.values[x]
            if known is not None:
                return x if known else y
        return self.apply(np.logical_or, (min(a, b), max(a, b)), BOOL, "({0} | {1})")

    def not_(self, a: int) -> int:
        """Return not a."""
        return self.apply(np.logical_not, (a,), BOOL, "(not {0})")

    def select(self, condition: int, a: int | None, b: int | None, dtype: DType) -> int | None:
        """Return a where the condition holds, b elsewhere; None stands for all true."""
        if a == b:
            return a
        known = self.values[condition]
        if known is not None:
            return a if known else b
        if dtype == BOOL:
            # a mask, or truth values: logic is cheaper than blending
            return self.and_(self.or_(self.not_(condition), a), self.or_(condition, b))
        assert a is not None
        assert b is not None
        return self.apply(select, (condition, a, b), dtype, "({1} if {0} else {2})")


def convert(x: np.ndarray, out: np.ndarray) -> None:
    """Kernel of a conversion between types."""
    np.copyto(out, x, casting="unsafe")


def _discard_imaginary(value: Any, dtype: DType) -> Any:
    return value.real if value.dtype.kind == "c" and dtype.kind != "c" else value


def lower_call(low: ConstantLowering, node: Call, args: tuple[Lowered, ...]) -> Lowered:
    """Return an element-wise call in registers, by the rule of its function."""
    function, dtype = node.function, node.attrs.dtype
    if function.lower is not None:
        result = function.lower(low, args, dtype)
        # a rule sees registers alone: only the node knows that value() drops the mask of constants
        return result if node.attrs.masked else Lowered(result.value, None, result.dtype)
    assert function.kernel is not None, f"{function.name} has neither kernel nor rule"
    registers = tuple(a.value for a in args)
    if function.convert == "common":
        kind = args[0].dtype
        for a in args[1:]:
            kind = np.promote_types(kind, a.dtype)
        registers = tuple(low.cast(r, kind) for r in registers)
    elif function.convert == "result":
        registers = tuple(low.cast(r, dtype) for r in registers)
    mask: int | None = None
    for a in args:
        mask = low.and_(mask, a.mask)
    return Lowered(low.apply(function.kernel, registers, dtype, function.jit), mask, dtype)


def lower_literal(low: ConstantLowering, node: Literal) -> Lowered:
    """Return a constant in registers; an undefined one is bad."""
    dtype = node.attrs.dtype
    if node.value is None:
        return Lowered(low.constant(0, dtype), low.constant(False, BOOL), dtype)
    return Lowered(low.constant(node.value, dtype), None, dtype)


def constant(node: Node) -> Literal | None:
    """Return a scalar made of constants alone as a literal, or None when it depends on pixels."""
    folded = fold_literals(node)
    return folded if isinstance(folded, Literal) else None


def fold_literals(root: Node) -> Node:
    """Return the graph with every scalar that is made of constants alone replaced by its value."""
    done: dict[int, Node] = {}
    for node in postorder(root):
        new = node.with_children(tuple(done[id(c)] for c in node.children)) if node.children else node
        done[id(node)] = fold_one(new)
    return done[id(root)]


def fold_one(node: Node) -> Node:
    """Return the value of a scalar element-wise call of literals; any other node as it is."""
    if not (isinstance(node, Call) and node.attrs.is_scalar and node.function.kind is Kind.ELEMENTWISE):
        return node
    if not all(isinstance(a, Literal) for a in node.args):
        return node
    if node.function.expand is not None:
        with agreed():
            return fold_literals(node.function.expand(node.args))
    low = ConstantLowering()
    args = tuple(lower_literal(low, a) for a in node.args if isinstance(a, Literal))
    result = lower_call(low, node, args)
    good = True if result.mask is None else bool(low.values[result.mask])
    value = low.values[result.value]
    return Literal.of(value, node.attrs.dtype) if good else Literal.undefined(node.attrs.dtype)
