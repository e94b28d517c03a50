"""Text of loops that add up rows: running statistics for each pixel of a row, over any number of rows.

The loop goes along the row `WIDTH` pixels at a time, and for each of these over the rows, which lie in memory
one after the other at some distance; what is running stays in registers meanwhile.  Pixels are taken in in
the order of the rows, so that sums have the bits that adding row after row gives.
"""

from __future__ import annotations

from collections.abc import Sequence

from lattice.execute.body import NAMES, WIDTH, Body, V, Value, vector
from lattice.execute.emit import DECLARATIONS, FIELDS, Input, Loop, Rows
from lattice.plan.program import Program, Step

__all__ = ["emit_rows"]

_WIDE = "float64"
_TYPES = NAMES | {"int32": "i32"}


class _RowLoop(Loop):
    """The whole text of such a loop."""

    def text(self) -> str:
        self._arguments()
        self._geometry()
        body = Body(self.program)
        body.begin("inner")
        fields: list[tuple[str, str, str]] = []  # name, type, pointer
        for number, target in enumerate(self.targets):
            assert isinstance(target, Rows)
            kind = self.program.types[target.value].name
            fields.append((f"t{number}.n", "int32", f"%to{number}.2"))
            for k, (name, t) in enumerate(FIELDS[target.kind]):
                fields.append((f"t{number}.{name}", kind if t == "value" else t, f"%to{number}.{3 + k}"))
        self.current = {name: f"%{name}.k" for name, _, _ in fields}
        self._rows(body)
        lines = [*self.entry, "  br label %head", "head:"]
        lines += ["  %i = phi i64 [ 0, %entry ], [ %next, %tail ]", "  %go = icmp ult i64 %i, %width"]
        lines += ["  br i1 %go, label %body, label %done", "body:"]
        for name, kind, pointer in fields:
            t = _TYPES[kind]
            lines.append(f"  %{name}.a = getelementptr {t}, ptr {pointer}, i64 %i")
            lines.append(f"  %{name}.0 = load {V}{t}>, ptr %{name}.a, align 1")
        lines += ["  br label %inner", "inner:"]
        lines.append("  %k = phi i64 [ 0, %body ], [ %k.next, %inner ]")
        lines.append("  %at = phi i64 [ %i, %body ], [ %at.next, %inner ]")
        for name, kind, _ in fields:
            last = self.current[name]
            lines.append(f"  %{name}.k = phi {V}{_TYPES[kind]}> [ %{name}.0, %body ], [ {last}, %inner ]")
        lines += body.lines[1:]  # without its label
        lines += ["  %k.next = add i64 %k, 1", "  %at.next = add i64 %at, %stride"]
        lines += [
            "  %more = icmp ult i64 %k.next, %rows",
            "  br i1 %more, label %inner, label %tail",
            "tail:",
        ]
        for name, kind, _ in fields:
            lines.append(f"  store {V}{_TYPES[kind]}> {self.current[name]}, ptr %{name}.a, align 1")
        lines += [f"  %next = add i64 %i, {WIDTH}", "  br label %head", "done:", "  ret void", "}"]
        head = "define void @loop(i64 %n, ptr %args, i64 %first) {\nentry:\n"
        return DECLARATIONS + head + "\n".join(lines) + "\n"

    def _geometry(self) -> None:
        for k, name in enumerate(("width", "rows", "stride")):
            self.entry.append(f"  %{name}.p = getelementptr i64, ptr %to0.0, i64 {k}")
            self.entry.append(f"  %{name} = load i64, ptr %{name}.p")

    def _rows(self, b: Body) -> None:
        """Add what is done with the pixels of one row."""
        values: dict[int, Value] = dict(self.constants)
        for i in self.inputs:
            kind = self.program.types[i.register].name
            values[i.register] = b.load(f"%in{i.register}", "%at", kind, i.swapped)
        for step in self.steps:
            values[step.output] = b.step(step, values)
        for number, target in enumerate(self.targets):
            assert isinstance(target, Rows)
            mask = "splat (i1 true)" if target.mask is None else values[target.mask][0]
            _Taking(self, b, number, values[target.value], mask).take(target.kind)


class _Taking:
    """The text of taking in pixels for one target."""

    def __init__(self, loop: _RowLoop, b: Body, number: int, value: Value, mask: str) -> None:
        self.loop, self.b, self.number, self.value, self.mask = loop, b, number, value, mask
        self.now = loop.current

    def take(self, kind: str) -> None:
        getattr(self, f"_{kind}", lambda: None)()
        self._count("n", self.mask)

    def _name(self, field: str) -> str:
        return f"t{self.number}.{field}"

    def _count(self, field: str, mask: str) -> None:
        ones = self.b.put(f"zext {V}i1> {mask} to {V}i32>")
        name = self._name(field)
        self.now[name] = self.b.put(f"add {V}i32> {self.now[name]}, {ones}")

    def _sum(self, field: str, x: str) -> None:
        name = self._name(field)
        self.now[name] = self.b.put(f"fadd {V}double> {self.now[name]}, {x}")

    def _wide(self) -> str:
        return self.b.convert(self.value, _WIDE)[0]

    def _blank(self, x: str) -> str:
        return self.b.put(f"select {V}i1> {self.mask}, {V}double> {x}, {V}double> zeroinitializer")

    def _position(self) -> str:
        b = self.b
        at = b.put(f"getelementptr double, ptr %to{self.number}.1, i64 %k")
        one = b.put(f"load double, ptr {at}")
        first = b.put(f"insertelement {V}double> poison, double {one}, i32 0")
        return b.put(f"shufflevector {V}double> {first}, {V}double> poison, {V}i32> zeroinitializer")

    def _empty(self) -> str:
        return self.b.put(f"icmp eq {V}i32> {self.now[self._name('n')]}, zeroinitializer")

    def _both(self, a: str, b: str, how: str = "and") -> str:
        return self.b.put(f"{how} {V}i1> {a}, {b}")

    def _choose(self, field: str, condition: str, x: str, kind: str) -> None:
        name, t = self._name(field), vector(kind)
        self.now[name] = self.b.put(f"select {V}i1> {condition}, {t} {x}, {t} {self.now[name]}")

    # -- kinds ----------------------------------------------------------------------------------

    def _totals(self) -> None:
        self._sum("total", self._blank(self._wide()))

    def _truths(self) -> None:
        self._count("true", self._both(self.value[0], self.mask))

    def _moments(self) -> None:
        b, wide = self.b, self._wide()
        # the first good pixel is the centre, or 0 where that is no number
        size = b.put(f"call {V}double> @llvm.fabs.v{WIDTH}f64({V}double> {wide})")
        finite = b.put(f"fcmp olt {V}double> {size}, splat (double 0x7FF0000000000000)")
        first = b.put(f"select {V}i1> {finite}, {V}double> {wide}, {V}double> zeroinitializer")
        self._choose("centre", self._both(self._empty(), self.mask), first, _WIDE)
        distance = b.put(f"fsub {V}double> {wide}, {self.now[self._name('centre')]}")
        distance = self._blank(distance)
        self._sum("sums", distance)
        self._sum("squares", b.put(f"fmul {V}double> {distance}, {distance}"))

    def _deviations(self) -> None:
        b = self.b
        distance = b.put(f"fsub {V}double> {self._wide()}, {self.now[self._name('centre')]}")
        size = b.put(f"call {V}double> @llvm.fabs.v{WIDTH}f64({V}double> {distance})")
        self._sum("total", self._blank(size))

    def _weighted(self) -> None:
        b, v = self.b, self._position()
        x = self._blank(self._wide())
        self._sum("total", x)
        for field in ("first", "second"):
            x = b.put(f"fmul {V}double> {x}, {v}")
            self._sum(field, x)

    def _extrema(self) -> None:
        b, (x, kind) = self.b, self.value
        t = vector(kind)
        for field, order in (("low", "olt"), ("high", "ogt")):
            best = self.now[self._name(field)]
            wins = b.put(f"fcmp {order} {t} {x}, {best}")
            wins = self._both(wins, b.put(f"fcmp uno {t} {x}, {x}"), "or")  # nan stays
            self._choose(field, self._both(wins, self.mask), x, kind)

    def _peaks(self) -> None:
        b, (x, kind) = self.b, self.value
        t, v, empty = vector(kind), self._position(), self._empty()
        wrong = b.put(f"fcmp uno {t} {x}, {x}")
        for field, order in (("low", "olt"), ("high", "ogt")):
            best = self.now[self._name(field)]
            wins = self._both(b.put(f"fcmp {order} {t} {x}, {best}"), empty, "or")
            number = b.put(f"fcmp ord {t} {best}, {best}")
            wins = self._both(self._both(wins, self._both(wrong, number), "or"), self.mask)
            self._choose(field, wins, x, kind)
            self._choose(f"where_{field}", wins, v, _WIDE)


def emit_rows(
    program: Program, inputs: Sequence[Input], steps: Sequence[Step], targets: Sequence[Rows]
) -> str:
    """Return the text of a loop over rows; it reads and writes whole vectors.

    Parameters
    ----------
    program : Program
        Gives the types of registers, and the constants.
    inputs : sequence of Input
        What is read; the loop's first arguments, in this order, then the constants as Doubles.
    steps : sequence of Step
        What is computed, in order.
    targets : sequence of Rows
        What is added up; their arguments follow in order.
    """
    return _RowLoop(program, inputs, steps, targets, False).text()
