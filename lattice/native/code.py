"""Writing functions of LLVM: instructions, addresses and loops."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

__all__ = ["FLOATS", "Code", "Turn"]

FLOATS = {4: "float", 8: "double"}
"""Names of floating-point types by their bytes."""


@dataclass
class Turn:
    """One turn of a loop: its index, and what is carried from turn to turn.

    Attributes
    ----------
    index : str
        The index of this turn.
    now : dict of str to str
        Carried values, as this turn finds them; behind the loop, as the last one left them.
    then : dict of str to str
        As this turn leaves them: to be set inside the loop.
    """

    index: str
    now: dict[str, str] = field(default_factory=dict)
    then: dict[str, str] = field(default_factory=dict)


class Code:
    """Text of one function.

    Parameters
    ----------
    arguments : sequence of str
        Type and name of each, such as ``"ptr out"``; types are i64 and ptr.
    name : str
        The function.
    """

    def __init__(self, arguments: Sequence[str], name: str = "run") -> None:
        self._name = name
        self._head = ", ".join(f"{kind} %{name}" for kind, name in (a.split() for a in arguments))
        self._n_arguments = len(arguments)
        self._lines: list[str] = ["entry:"]
        self._block = "entry"
        self._count = 0
        self._needed: dict[str, None] = {}

    def put(self, text: str) -> str:
        """Add an instruction with a result; return its name."""
        self._count += 1
        name = f"%v{self._count}"
        self._lines.append(f"  {name} = {text}")
        return name

    def do(self, text: str) -> None:
        """Add an instruction without a result."""
        self._lines.append(f"  {text}")

    def need(self, declaration: str) -> None:
        """Note a function of LLVM that is called."""
        self._needed[f"declare {declaration}"] = None

    def at(self, pointer: str, offset: str, size: int = 1) -> str:
        """Return the address so many elements of a size behind a pointer."""
        return self.put(f"getelementptr [{size} x i8], ptr {pointer}, i64 {offset}")

    def load(self, kind: str, pointer: str, align: int) -> str:
        """Return what is at an address."""
        return self.put(f"load {kind}, ptr {pointer}, align {align}")

    def store(self, kind: str, value: str, pointer: str, align: int) -> None:
        """Put a value at an address."""
        self.do(f"store {kind} {value}, ptr {pointer}, align {align}")

    def splat(self, kind: str, n: int, value: str) -> str:
        """Return a vector with the value in each of its places."""
        one = self.put(f"insertelement <{n} x {kind}> poison, {kind} {value}, i32 0")
        zeros = f"<{n} x i32> zeroinitializer"
        return self.put(f"shufflevector <{n} x {kind}> {one}, <{n} x {kind}> poison, {zeros}")

    def least(self, a: str, b: str) -> str:
        """Return the smaller of two whole numbers."""
        less = self.put(f"icmp slt i64 {a}, {b}")
        return self.put(f"select i1 {less}, i64 {a}, i64 {b}")

    @contextmanager
    def loop(self, stop: str, step: int = 1, start: str = "0", **carried: tuple[str, str]) -> Iterator[Turn]:
        """Write a loop from `start` up to `stop`; carried values have a type and a first value."""
        self._count += 1
        k, before = self._count, self._block
        turn = Turn(f"%i{k}", {name: f"%{name}{k}" for name in carried})
        self.do(f"br label %head{k}")
        self._lines.append(f"head{k}:")
        place = len(self._lines)
        go = self.put(f"icmp slt i64 %i{k}, {stop}")
        self.do(f"br i1 {go}, label %body{k}, label %done{k}")
        self._begin(f"body{k}")
        yield turn
        after = self._block
        self.do(f"%next{k} = add i64 %i{k}, {step}")
        self.do(f"br label %head{k}")
        merged = [f"  %i{k} = phi i64 [ {start}, %{before} ], [ %next{k}, %{after} ]"]
        for name, (kind, first) in carried.items():
            merged.append(
                f"  %{name}{k} = phi {kind} [ {first}, %{before} ], [ {turn.then[name]}, %{after} ]"
            )
        self._lines[place:place] = merged
        self._begin(f"done{k}")

    def _begin(self, label: str) -> None:
        self._lines.append(f"{label}:")
        self._block = label

    def text(self, result: str | None = None) -> tuple[str, int]:
        """Return the module and how many arguments the function takes; `result` is what it returns."""
        body = "\n".join(self._lines)
        needed = "\n".join(self._needed)
        kind, end = ("void", "void") if result is None else ("i64", f"i64 {result}")
        return (
            f"{needed}\ndefine {kind} @{self._name}({self._head}) {{\n{body}\n  ret {end}\n}}\n",
            self._n_arguments,
        )
