"""Programs as text of LLVM: one loop that reads, computes and reduces pixels without touching memory between.

The loop handles `WIDTH` pixels at a time.  Every step is rounded to the type of its register and no rule of
floating-point arithmetic is relaxed, so values have the same bits as those of the numpy kernels, on every
processor; sums are added up in the order that `lattice.functions.states` defines.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from lattice.execute.body import BITS, NAMES, UNARY, WIDTH, Body, V, Value, vector
from lattice.functions.states import LANES
from lattice.plan.program import Program, Step

__all__ = [
    "DECLARATIONS",
    "FIELDS",
    "WIDTH",
    "Brackets",
    "Input",
    "Loop",
    "Range",
    "Rows",
    "Store",
    "Sums",
    "Target",
    "Truths",
    "emit",
]


@dataclass(frozen=True, slots=True)
class Input:
    """A register that is read from memory; `swapped`: its bytes lie in the other order."""

    register: int
    swapped: bool = False


@dataclass(frozen=True, slots=True)
class Store:
    """Values go to memory.

    Arguments: where values go and, for `bad` = "plane", where the mask goes.  `bad` tells what becomes of bad
    pixels: "" (as they are), "ones" (all bits are set), "and" (truth values become F), "plane".
    """

    value: int
    mask: int | None
    swapped: bool = False
    bad: str = ""

    @property
    def n_arguments(self) -> int:
        return 1 + (self.bad == "plane")


@dataclass(frozen=True, slots=True)
class Sums:
    """Sums of one or two powers of the distance from a pivot, or of its size, in lanes.

    Arguments: lanes, the pivot (Double), and [good pixels].
    """

    value: int
    mask: int | None
    powers: int
    absolute: bool = False
    n_arguments: int = 3


@dataclass(frozen=True, slots=True)
class Truths:
    """Arguments: [good pixels, those of them that are T]; a value that is no truth value counts as F."""

    value: int
    mask: int | None
    n_arguments: int = 1


@dataclass(frozen=True, slots=True)
class Range:
    """Smallest and largest values. Arguments: `WIDTH` of each so far, and [good pixels, nan among them]."""

    value: int
    mask: int | None
    n_arguments: int = 3


@dataclass(frozen=True, slots=True)
class Brackets:
    """Counts against brackets, and the values inside.

    Arguments: low and high of each (Double), [good pixels, nan, then reached and inside for each], and where
    the values inside each go.
    """

    value: int
    mask: int | None
    count: int

    @property
    def n_arguments(self) -> int:
        return 2 + self.count


#: what runs for each kind of statistic, by name and type; "value" is the type of the pixels
FIELDS: dict[str, tuple[tuple[str, str], ...]] = {
    "counts": (),
    "totals": (("total", "float64"),),
    "moments": (("centre", "float64"), ("sums", "float64"), ("squares", "float64")),
    "deviations": (("centre", "float64"), ("total", "float64")),
    "extrema": (("low", "value"), ("high", "value")),
    "weighted": (("total", "float64"), ("first", "float64"), ("second", "float64")),
    "peaks": (("low", "value"), ("high", "value"), ("where_low", "float64"), ("where_high", "float64")),
    "truths": (("true", "int32"),),
}


@dataclass(frozen=True, slots=True)
class Rows:
    """Running statistics of a kind.

    Arguments: pixels of a row, number of rows, and pixels from one row to the next, as 64 bit integers; the
    position of each row; numbers of good pixels (32 bits); then what `FIELDS` tells.
    """

    kind: str
    value: int
    mask: int | None

    @property
    def n_arguments(self) -> int:
        return 3 + len(FIELDS[self.kind])


Target = Store | Sums | Truths | Range | Brackets | Rows


@dataclass(frozen=True, slots=True)
class _Running:
    """A value that goes from turn to turn of the loop, and from call to call in the memory of a target."""

    kind: str  # type in the text
    pointer: str
    place: int


@dataclass
class _Count:
    """How often something holds: turn by turn in each place of a vector, at the end added to numbers."""

    now: str
    then: str
    places: list[tuple[str, int]] = field(default_factory=list)  # pointers, and where from them


@dataclass
class Loop:
    """The text of a loop: what runs on is loaded before the first turn, and stored after the last."""

    program: Program
    inputs: Sequence[Input]
    steps: Sequence[Step]
    targets: Sequence[Target]
    compress: bool
    entry: list[str] = field(default_factory=list)
    running: dict[str, _Running] = field(default_factory=dict)
    current: dict[str, str] = field(default_factory=dict)  # names of the running values in this turn
    numbers: dict[str, tuple[str, int]] = field(default_factory=dict)  # where numbers of pixels are
    counts: dict[str, _Count] = field(default_factory=dict)  # by what is counted
    constants: dict[int, Value] = field(default_factory=dict)

    @property
    def limited(self) -> bool:
        """True if pixels beyond the last would do harm, which are stored where nobody looks."""
        return not all(isinstance(t, Store) for t in self.targets)

    def text(self) -> str:
        """Return the module."""
        self._arguments()
        for number, target in enumerate(self.targets):
            self._declare(number, target)
        ends: list[str] = []
        heads: list[str] = []
        body = Body(self.program)
        self.current = {name: f"%{name}.h" for name in self.running}
        body.begin("body")
        self._work(body)
        for name, r in self.running.items():
            at = f"%{name}.at"
            self.entry.append(f"  {at} = getelementptr {r.kind}, ptr {r.pointer}, i64 {r.place}")
            self.entry.append(f"  %{name}.first = load {r.kind}, ptr {at}, align 1")
            last = self.current[name]
            heads.append(f"  %{name}.h = phi {r.kind} [ %{name}.first, %entry ], [ {last}, %{body.block} ]")
            ends.append(f"  store {r.kind} %{name}.h, ptr {at}, align 1")
        for condition, c in self.counts.items():
            if condition != "%limit":
                heads.append(
                    f"  {c.now} = phi {V}i32> [ zeroinitializer, %entry ], [ {c.then}, %{body.block} ]"
                )
            ends += self._total(condition, c)
        lines = [*self.entry, "  br label %head", "head:"]
        lines.append(f"  %i = phi i64 [ 0, %entry ], [ %next, %{body.block} ]")
        if self.limited:
            heads.append(f"  %left = phi {V}i32> [ %left.first, %entry ], [ %left.next, %{body.block} ]")
            body.do(f"%left.next = sub {V}i32> %left, splat (i32 {WIDTH})")
        lines += [*heads, "  %go = icmp ult i64 %i, %n", "  br i1 %go, label %body, label %done"]
        lines += [*body.lines, f"  %next = add i64 %i, {WIDTH}", "  br label %head"]
        lines += ["done:", *ends, "  ret void", "}", ""]
        head = "define void @loop(i64 %n, ptr %args, i64 %first) {\nentry:\n"
        return DECLARATIONS + (_COMPRESS if self.compress else "") + head + "\n".join(lines)

    def _total(self, condition: str, c: _Count) -> list[str]:
        """Return the lines behind the loop that add a count to where its numbers are."""
        total, lines = "%n", []
        if condition != "%limit":  # which holds for every pixel that there is
            total = f"{c.now}.total"
            lines.append(f"  {c.now}.sum = call i32 @llvm.vector.reduce.add.v{WIDTH}i32({V}i32> {c.now})")
            lines.append(f"  {total} = zext i32 {c.now}.sum to i64")
        for k, (pointer, place) in enumerate(c.places):
            name = f"{c.now}.{k}"
            lines.append(f"  {name}.at = getelementptr i64, ptr {pointer}, i64 {place}")
            lines.append(f"  {name}.old = load i64, ptr {name}.at, align 1")
            lines.append(f"  {name}.new = add i64 {name}.old, {total}")
            lines.append(f"  store i64 {name}.new, ptr {name}.at, align 1")
        return lines

    def _arguments(self) -> None:
        number = 0

        def take(name: str) -> None:
            nonlocal number
            self.entry.append(f"  %{name}.p = getelementptr i64, ptr %args, i64 {number}")
            self.entry.append(f"  %{name} = load ptr, ptr %{name}.p")
            number += 1

        e = self.entry
        e.append(f"  %spare = alloca {V}i64>, align 64")
        if self.limited:
            # how many pixels are left, seen from each place of a vector
            e.append("  %n.short = trunc i64 %n to i32")
            e.append(f"  %n.one = insertelement {V}i32> poison, i32 %n.short, i32 0")
            e.append(f"  %n.each = shufflevector {V}i32> %n.one, {V}i32> poison, {V}i32> zeroinitializer")
            numbers = ", ".join(f"i32 {k}" for k in range(WIDTH))
            e.append(f"  %left.first = sub {V}i32> %n.each, <{numbers}>")
        for i in self.inputs:
            take(f"in{i.register}")
        take("constants")
        for number_of, target in enumerate(self.targets):
            for k in range(target.n_arguments):
                take(f"to{number_of}.{k}")
        for k, register in enumerate(self.program.constants):
            kind = self.program.types[register].name
            if kind in NAMES:
                self.constants[register] = (self._splat("constants", k, f"c{register}", kind), kind)

    def _splat(self, pointer: str, k: int, name: str, kind: str) -> str:
        """Read a Double in front of the loop; return it in every place of a vector of a type."""
        e, t = self.entry, NAMES[kind]
        e.append(f"  %{name}.a = getelementptr double, ptr %{pointer}, i64 {k}")
        e.append(f"  %{name}.d = load double, ptr %{name}.a")
        one = f"%{name}.d"
        if kind == "float32":
            e.append(f"  %{name}.s = fptrunc double {one} to float")
            one = f"%{name}.s"
        elif kind == "bool":
            e.append(f"  %{name}.s = fcmp une double {one}, 0.0")
            one = f"%{name}.s"
        e.append(f"  %{name}.v = insertelement {vector(kind)} poison, {t} {one}, i32 0")
        e.append(
            f"  %{name} = shufflevector {vector(kind)} %{name}.v, {vector(kind)} poison, "
            f"{V}i32> zeroinitializer"
        )
        return f"%{name}"

    def _declare(self, number: int, target: Target) -> None:
        """Note the running values of a target, and read what it needs in front of the loop."""
        t, to = f"t{number}", f"%to{number}"
        kind = self.program.types[target.value].name

        def count(name: str, argument: int, place: int) -> None:
            self.numbers[f"{t}.{name}"] = f"{to}.{argument}", place

        if isinstance(target, Store):
            for k, size in enumerate((np.dtype(kind).itemsize, 1)[: target.n_arguments]):
                self.entry.append(f"  {to}.{k}.b = mul i64 %first, {size}")
                self.entry.append(f"  {to}.{k}.s = getelementptr i8, ptr {to}.{k}, i64 {to}.{k}.b")
        elif isinstance(target, Sums):
            count("good", 2, 0)
            self._splat(f"to{number}.1", 0, f"{t}.pivot", "float64")
        elif isinstance(target, Truths):
            count("good", 0, 0)
            count("true", 0, 1)
        elif isinstance(target, Range):
            count("good", 2, 0)
            count("nan", 2, 1)
            for k, name in enumerate(("low", "high")):
                self.running[f"{t}.{name}"] = _Running(vector(kind), f"{to}.{k}", 0)
        elif isinstance(target, Brackets):
            count("good", 1, 0)
            count("nan", 1, 1)
            for k in range(target.count):
                count(f"reached{k}", 1, 2 + 2 * k)
                self.running[f"{t}.inside{k}"] = _Running("i64", f"{to}.1", 3 + 2 * k)
                self._splat(f"to{number}.0", 2 * k, f"{t}.low{k}", kind)
                self._splat(f"to{number}.0", 2 * k + 1, f"{t}.high{k}", kind)

    def _work(self, b: Body) -> None:
        values: dict[int, Value] = dict(self.constants)
        for i in self.inputs:
            kind = self.program.types[i.register].name
            values[i.register] = b.load(f"%in{i.register}", "%i", kind, i.swapped)
        for step in self.steps:
            values[step.output] = b.step(step, values)
        limit = ""
        if self.limited:
            # which pixels there are: the last turn of the loop goes beyond the last pixel
            b.do(f"%limit = icmp sgt {V}i32> %left, zeroinitializer")
            limit = "%limit"
        for number, target in enumerate(self.targets):
            self._target(b, number, target, values, limit)

    def _target(self, b: Body, number: int, target: Target, values: dict[int, Value], limit: str) -> None:
        value = values[target.value]
        mask = None if target.mask is None else values[target.mask][0]
        if isinstance(target, Store):
            _store(b, target, number, value, mask)
            return
        mask = limit if mask is None else b.once(f"and {V}i1> {mask}, {limit}")
        self._add(b, f"t{number}.good", mask)
        if isinstance(target, Sums):
            _sum(b, target, number, value, mask)
        elif isinstance(target, Truths):
            true = value[0] if value[1] == "bool" else "zeroinitializer"
            self._add(b, f"t{number}.true", b.put(f"and {V}i1> {true}, {mask}"))
        elif isinstance(target, Range):
            self._range(b, f"t{number}", value, mask)
        elif isinstance(target, Brackets):
            self._brackets(b, number, target, value, mask)

    def _add(self, b: Body, name: str, mask: str) -> None:
        """Add the number of pixels for which a mask holds; for several the same is counted once."""
        found = self.counts.get(mask)
        if found is None:
            now = f"%count{len(self.counts)}"
            then = ""
            if mask != "%limit":
                more = b.put(f"add {V}i32> {now}, splat (i32 1)")
                then = b.put(f"select {V}i1> {mask}, {V}i32> {more}, {V}i32> {now}")
            found = self.counts[mask] = _Count(now, then)
        found.places.append(self.numbers[name])

    def _range(self, b: Body, t: str, value: Value, mask: str) -> None:
        x, v = value[0], vector(value[1])
        wrong = b.once(f"fcmp uno {v} {x}, {x}")
        self._add(b, f"{t}.nan", b.once(f"and {V}i1> {wrong}, {mask}"))
        for name, order in (("low", "olt"), ("high", "ogt")):
            best = self.current[f"{t}.{name}"]
            wins = b.put(f"fcmp {order} {v} {x}, {best}")
            wins = b.put(f"and {V}i1> {wins}, {mask}")
            self.current[f"{t}.{name}"] = b.put(f"select {V}i1> {wins}, {v} {x}, {v} {best}")

    def _brackets(self, b: Body, number: int, target: Brackets, value: Value, mask: str) -> None:
        x, v, t = value[0], vector(value[1]), f"t{number}"
        wrong = b.once(f"fcmp uno {v} {x}, {x}")
        self._add(b, f"{t}.nan", b.once(f"and {V}i1> {wrong}, {mask}"))
        for k in range(target.count):
            reached = b.put(f"fcmp oge {v} {x}, %{t}.low{k}")
            reached = b.put(f"and {V}i1> {reached}, {mask}")
            self._add(b, f"{t}.reached{k}", reached)
            below = b.put(f"fcmp ole {v} {x}, %{t}.high{k}")
            inside = b.put(f"and {V}i1> {below}, {reached}")
            self._keep(b, f"{t}.inside{k}", f"%to{number}.{2 + k}", value, inside)

    def _keep(self, b: Body, name: str, pointer: str, value: Value, inside: str) -> None:
        """Append the values for which a mask holds; one by one where the processor cannot pack, as few do."""
        x, kind = value
        if self.compress:
            self._pack(b, name, pointer, value, inside)
            return
        before, start = b.block, self.current[name]
        some, turn, rest = b.label("some"), b.label("turn"), b.label("rest")
        word = b.put(f"bitcast {V}i1> {inside} to i{WIDTH}")
        empty = b.put(f"icmp eq i{WIDTH} {word}, 0")
        b.do(f"br i1 {empty}, label %{rest}, label %{some}")
        b.begin(some)
        b.do(f"store {vector(kind)} {x}, ptr %spare, align 64")
        b.do(f"br label %{turn}")
        b.begin(turn)
        stem = f"%{turn}"
        b.do(f"{stem}.w = phi i{WIDTH} [ {word}, %{some} ], [ {stem}.x, %{turn} ]")
        b.do(f"{stem}.n = phi i64 [ {start}, %{some} ], [ {stem}.m, %{turn} ]")
        t = NAMES[kind]
        b.do(f"{stem}.k = call i{WIDTH} @llvm.cttz.i{WIDTH}(i{WIDTH} {stem}.w, i1 true)")
        b.do(f"{stem}.l = zext i{WIDTH} {stem}.k to i64")
        b.do(f"{stem}.a = getelementptr {t}, ptr %spare, i64 {stem}.l")
        b.do(f"{stem}.v = load {t}, ptr {stem}.a")
        b.do(f"{stem}.o = getelementptr {t}, ptr {pointer}, i64 {stem}.n")
        b.do(f"store {t} {stem}.v, ptr {stem}.o")
        b.do(f"{stem}.m = add i64 {stem}.n, 1")
        b.do(f"{stem}.d = sub i{WIDTH} {stem}.w, 1")
        b.do(f"{stem}.x = and i{WIDTH} {stem}.w, {stem}.d")
        b.do(f"{stem}.e = icmp eq i{WIDTH} {stem}.x, 0")
        b.do(f"br i1 {stem}.e, label %{rest}, label %{turn}")
        b.begin(rest)
        self.current[name] = b.put(f"phi i64 [ {start}, %{before} ], [ {stem}.m, %{turn} ]")

    def _pack(self, b: Body, name: str, pointer: str, value: Value, inside: str) -> None:
        """Append without branches: packed vectors are stored whole, the next overwrites what is too much."""
        x, kind = value
        t, full = NAMES[kind], vector(kind)
        n = 64 // np.dtype(kind).itemsize  # elements of a vector that the processor packs in one instruction
        for first in range(0, WIDTH, n):
            places = ", ".join(f"i32 {k}" for k in range(first, first + n))
            part = b.put(f"shufflevector {full} {x}, {full} poison, <{n} x i32> <{places}>")
            mask = b.put(f"shufflevector {V}i1> {inside}, {V}i1> poison, <{n} x i32> <{places}>")
            packed = b.put(
                f"call <{n} x {t}> @llvm.experimental.vector.compress.v{n}f{512 // n}"
                f"(<{n} x {t}> {part}, <{n} x i1> {mask}, <{n} x {t}> poison)"
            )
            at = b.put(f"getelementptr {t}, ptr {pointer}, i64 {self.current[name]}")
            b.do(f"store <{n} x {t}> {packed}, ptr {at}, align 1")
            word = b.put(f"bitcast <{n} x i1> {mask} to i{n}")
            ones = b.put(f"call i{n} @llvm.ctpop.i{n}(i{n} {word})")
            count = b.put(f"zext i{n} {ones} to i64")
            self.current[name] = b.put(f"add i64 {self.current[name]}, {count}")


def _store(b: Body, to: Store, number: int, value: Value, mask: str | None) -> None:
    x, kind = value
    pointer = f"%to{number}.0.s"
    if to.bad == "plane":
        plane = b.put(f"zext {V}i1> {mask or 'splat (i1 true)'} to {V}i8>")
        b.save(f"%to{number}.1.s", "%i", plane, f"{V}i8>", 1)
    if kind == "bool":
        if mask is not None and to.bad == "and":
            x = b.put(f"and {V}i1> {x}, {mask}")
        word, size = f"{V}i8>", 1
        bits = b.put(f"zext {V}i1> {x} to {word}")
    else:
        word, size = f"{V}{BITS[kind]}>", np.dtype(kind).itemsize
        bits = b.put(f"bitcast {vector(kind)} {x} to {word}")
        if to.swapped:
            bits = b.put(f"call {word} @llvm.bswap.v{WIDTH}{BITS[kind]}({word} {bits})")
    if mask is not None and to.bad == "ones":
        ones = f"splat ({word[len(V) : -1]} -1)"
        bits = b.put(f"select {V}i1> {mask}, {word} {bits}, {word} {ones}")
    b.save(pointer, "%i", bits, word, size)


def _sum(b: Body, to: Sums, number: int, value: Value, mask: str) -> None:
    wide = f"{V}double>"
    x = b.convert(value, "float64")[0]
    x = b.put(f"fsub {wide} {x}, %t{number}.pivot")
    if to.absolute:
        x = b.put(f"call {wide} @llvm.fabs.v{WIDTH}f64({wide} {x})")
    x = b.put(f"select {V}i1> {mask}, {wide} {x}, {wide} zeroinitializer")
    lane = b.put(f"and i64 %i, {LANES - 1}")
    for power in range(to.powers):
        if power:
            x = b.put(f"fmul {wide} {x}, {x}")
            lane = b.put(f"add i64 {lane}, {LANES}")
        at = b.put(f"getelementptr double, ptr %to{number}.0, i64 {lane}")
        old = b.put(f"load {wide}, ptr {at}, align 8")
        new = b.put(f"fadd {wide} {old}, {x}")
        b.do(f"store {wide} {new}, ptr {at}, align 8")


def _declarations() -> str:
    lines = [f"declare i{WIDTH} @llvm.ctpop.i{WIDTH}(i{WIDTH})"]
    lines.append(f"declare i32 @llvm.vector.reduce.add.v{WIDTH}i32({V}i32>)")
    lines.append(f"declare i{WIDTH} @llvm.cttz.i{WIDTH}(i{WIDTH}, i1)")
    for kind, bits in BITS.items():
        word, t = f"{V}{bits}>", vector(kind)
        lines.append(f"declare {word} @llvm.bswap.v{WIDTH}{bits}({word})")
        suffix = f"v{WIDTH}f{bits[1:]}"
        lines += [f"declare {t} @llvm.{name}.{suffix}({t})" for name in (*UNARY.values(), "trunc")]
        lines.append(f"declare {t} @llvm.copysign.{suffix}({t}, {t})")
    return "\n".join(lines) + "\n"


DECLARATIONS = _declarations()
_COMPRESS = """declare i8 @llvm.ctpop.i8(i8)
declare <16 x float> @llvm.experimental.vector.compress.v16f32(<16 x float>, <16 x i1>, <16 x float>)
declare <8 x double> @llvm.experimental.vector.compress.v8f64(<8 x double>, <8 x i1>, <8 x double>)
"""


def emit(
    program: Program,
    inputs: Sequence[Input],
    steps: Sequence[Step],
    targets: Sequence[Target],
    compress: bool = False,
) -> str:
    """Return the text of ``void loop(i64 n, ptr args, i64 first)``, a loop over `n` pixels.

    It reads and writes whole vectors: memory has to reach up to the next multiple of `WIDTH` pixels.  Inputs
    are read from their start; what is stored goes to place `first` of the outputs and on, and counts, sums
    and extremes go on from what their memory holds, so that a piece can be done in several calls.

    Parameters
    ----------
    program : Program
        Gives the types of registers, and the constants.
    inputs : sequence of Input
        What is read from memory; the loop's first arguments, in this order, then the constants as Doubles.
    steps : sequence of Step
        What is computed, in order.
    targets : sequence of Target
        What becomes of it; their arguments follow in order.
    compress : bool
        Whether the processor can pack vectors; what lies behind values that are kept is then overwritten.
    """
    return Loop(program, inputs, steps, targets, compress).text()
