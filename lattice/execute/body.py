"""Text of LLVM for the steps of a program, on `WIDTH` pixels at a time.

The sources that functions have for one pixel (`jit`) are read as trees and written in the instructions of
LLVM; nothing of them is ever executed as Python.
"""

from __future__ import annotations

import ast
from functools import lru_cache

import numpy as np

from lattice.functions import kernels
from lattice.plan.program import Program, Step

__all__ = ["BITS", "NAMES", "TYPES", "UNARY", "V", "WIDTH", "Body", "Value", "can_emit", "vector"]

WIDTH = 16
V = f"<{WIDTH} x "
NAMES = {"float32": "float", "float64": "double", "bool": "i1"}
TYPES = frozenset(NAMES)
BITS = {"float32": "i32", "float64": "i64"}
_ORDER = {
    ast.Gt: "ogt",
    ast.GtE: "oge",
    ast.Lt: "olt",
    ast.LtE: "ole",
    ast.Eq: "oeq",
    ast.NotEq: "une",
}
_ARITHMETIC = {ast.Add: "fadd", ast.Sub: "fsub", ast.Mult: "fmul", ast.Div: "fdiv"}
UNARY = {"abs": "fabs", "sqrt": "sqrt", "ceil": "ceil", "floor": "floor"}
# kernels that have no source for one pixel, written with the names of `Body.call`
_KERNELS = {
    kernels.round_half_away: "trunc({0} + copysign({0}))",
}

Value = tuple[str, str]
"""Name in the text, and name of the numpy type."""


def can_emit(step: Step, program: Program) -> bool:
    """Tell whether a step can be part of a loop."""
    template = step.jit or _KERNELS.get(step.kernel, "")
    types = tuple(program.types[r].name for r in (*step.inputs, step.output))
    return bool(template) and all(t in NAMES for t in types) and _is_known(template, types)


@lru_cache(maxsize=1024)
def _is_known(template: str, types: tuple[str, ...]) -> bool:
    """Tell whether there is text for a template, for the types of its inputs and of its output."""
    body = Body(Program((), (), (), {}, (), ()))
    names = {f"x{i}": (f"%r{i}", kind) for i, kind in enumerate(types[:-1])}
    try:
        body.convert(body.expression(_parsed(template, len(names)), names), types[-1])
    except _Unknown:
        return False
    return True


class _Unknown(Exception):
    """A step for which there is no text."""


@lru_cache(maxsize=1024)
def _parsed(template: str, n: int) -> ast.expr:
    return ast.parse(template.format(*(f"x{i}" for i in range(n))), mode="eval").body


def vector(kind: str) -> str:
    """Return the type of `WIDTH` values of a numpy type."""
    return f"{V}{NAMES[kind]}>"


class Body:
    """Text of the work on `WIDTH` pixels."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.lines: list[str] = []
        self.block = ""  # label of the block that is being written
        self.count = 0
        self._known: dict[str, str] = {}  # what is computed in this block already

    def once(self, text: str) -> str:
        """Add an instruction that always gives the same, unless it is there; return its name."""
        if text not in self._known:
            self._known[text] = self.put(text)
        return self._known[text]

    def put(self, text: str) -> str:
        """Add an instruction with a result; return its name."""
        name = f"%v{self.count}"
        self.count += 1
        self.lines.append(f"  {name} = {text}")
        return name

    def do(self, text: str) -> None:
        """Add an instruction without a result."""
        self.lines.append(f"  {text}")

    def label(self, stem: str) -> str:
        """Return a new label."""
        self.count += 1
        return f"{stem}{self.count}"

    def begin(self, label: str) -> None:
        """Begin a block."""
        self.lines.append(f"{label}:")
        self.block = label
        self._known = {}

    # -- steps ----------------------------------------------------------------------------------

    def step(self, step: Step, values: dict[int, Value]) -> Value:
        """Add a step; return its value."""
        template = step.jit or _KERNELS.get(step.kernel, "")
        if not template:
            raise _Unknown
        arguments = {f"x{i}": values[r] for i, r in enumerate(step.inputs)}
        result = self.expression(_parsed(template, len(step.inputs)), arguments)
        return self.convert(result, self.program.types[step.output].name)

    def expression(self, node: ast.expr, names: dict[str, Value]) -> Value:
        """Add what a template asks for."""
        if isinstance(node, ast.Name) and node.id in names:
            return names[node.id]
        if isinstance(node, ast.UnaryOp):
            x, kind = self.expression(node.operand, names)
            if isinstance(node.op, ast.USub) and kind != "bool":
                return self.put(f"fneg {vector(kind)} {x}"), kind
            if isinstance(node.op, ast.Not) and kind == "bool":
                return self.put(f"xor {vector(kind)} {x}, splat (i1 true)"), kind
        elif isinstance(node, ast.BinOp):
            return self.binary(node.op, self.expression(node.left, names), self.expression(node.right, names))
        elif isinstance(node, ast.Compare) and len(node.ops) == 1:
            return self.compare(
                node.ops[0], self.expression(node.left, names), self.expression(node.comparators[0], names)
            )
        elif isinstance(node, ast.IfExp):
            parts = (node.test, node.body, node.orelse)
            return self.choose(*(self.expression(n, names) for n in parts))
        elif isinstance(node, ast.Call):
            return self.call(node.func, [self.expression(a, names) for a in node.args])
        raise _Unknown

    def binary(self, op: ast.operator, a: Value, b: Value) -> Value:
        kind = a[1]
        if kind != b[1]:
            raise _Unknown
        if kind == "bool":
            name = {ast.BitAnd: "and", ast.BitOr: "or"}.get(type(op))
        else:
            name = _ARITHMETIC.get(type(op))
        if name is None:
            raise _Unknown
        return self.put(f"{name} {vector(kind)} {a[0]}, {b[0]}"), kind

    def compare(self, op: ast.cmpop, a: Value, b: Value) -> Value:
        kind = a[1]
        if kind != b[1]:
            raise _Unknown
        if kind == "bool":
            name = {ast.Eq: "icmp eq", ast.NotEq: "icmp ne"}.get(type(op))
        else:
            name = f"fcmp {_ORDER[type(op)]}" if type(op) in _ORDER else None
        if name is None:
            raise _Unknown
        return self.put(f"{name} {vector(kind)} {a[0]}, {b[0]}"), "bool"

    def choose(self, condition: Value, a: Value, b: Value) -> Value:
        if condition[1] != "bool" or a[1] != b[1]:
            raise _Unknown
        t = vector(a[1])
        return self.put(f"select {V}i1> {condition[0]}, {t} {a[0]}, {t} {b[0]}"), a[1]

    def call(self, function: ast.expr, values: list[Value]) -> Value:
        name = function.id if isinstance(function, ast.Name) else ""
        if isinstance(function, ast.Attribute) and getattr(function.value, "id", "") == "np":
            name = function.attr
        x, kind = values[0]
        if name.rstrip("_") in NAMES:
            return self.convert(values[0], name.rstrip("_"))
        if kind != "bool":
            t = vector(kind)
            suffix = f"v{WIDTH}f{'32' if kind == 'float32' else '64'}"
            if name in UNARY or name == "trunc":
                return self.put(f"call {t} @llvm.{UNARY.get(name, name)}.{suffix}({t} {x})"), kind
            if name == "copysign":
                half = f"splat ({NAMES[kind]} 0.5)"
                return self.put(f"call {t} @llvm.copysign.{suffix}({t} {half}, {t} {x})"), kind
        raise _Unknown

    def convert(self, value: Value, kind: str) -> Value:
        """Return a value in another type, rounded as numpy does."""
        x, old = value
        if old == kind:
            return value
        if kind == "bool":
            return self.put(f"fcmp une {vector(old)} {x}, zeroinitializer"), kind
        how = "uitofp" if old == "bool" else "fpext" if kind == "float64" else "fptrunc"
        return self.put(f"{how} {vector(old)} {x} to {vector(kind)}"), kind

    # -- memory ---------------------------------------------------------------------------------

    def load(self, pointer: str, index: str, kind: str, swapped: bool) -> Value:
        """Read pixels."""
        at = self.put(f"getelementptr i8, ptr {pointer}, i64 {self._bytes(index, np.dtype(kind).itemsize)}")
        if kind == "bool":
            raw = self.put(f"load {V}i8>, ptr {at}, align 1")
            return self.put(f"icmp ne {V}i8> {raw}, zeroinitializer"), kind
        if not swapped:
            return self.put(f"load {vector(kind)}, ptr {at}, align 1"), kind
        word = f"{V}{BITS[kind]}>"
        raw = self.put(f"load {word}, ptr {at}, align 1")
        turned = self.put(f"call {word} @llvm.bswap.v{WIDTH}{BITS[kind]}({word} {raw})")
        return self.put(f"bitcast {word} {turned} to {vector(kind)}"), kind

    def save(self, pointer: str, index: str, value: str, kind: str, size: int) -> None:
        """Write pixels."""
        at = self.put(f"getelementptr i8, ptr {pointer}, i64 {self._bytes(index, size)}")
        self.do(f"store {kind} {value}, ptr {at}, align 1")

    def _bytes(self, n: str, size: int) -> str:
        return n if size == 1 else self.put(f"mul i64 {n}, {size}")
