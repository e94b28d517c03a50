"""Programs: a graph as a flat list of kernel calls on registers, which is run strip by strip.

Lowering turns nodes into registers.  The mask of a node is a register like its values, made by the rules
of the functions, so one program computes both; equal operations share a register, constants are folded,
and masks that are true everywhere vanish.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lattice.errors import LatticeTypeError, ShapeMismatchError
from lattice.graph.agree import agreed
from lattice.graph.conform import axis_number
from lattice.graph.fold import ConstantLowering, lower_call, lower_literal
from lattice.graph.function import Lowered
from lattice.graph.node import (
    Call,
    Extend,
    IndexSet,
    Literal,
    Node,
    Operation,
    RegionCut,
    RegionMask,
    Source,
    Subset,
    Transpose,
    ValueList,
)
from lattice.graph.sections import Section, shape_of
from lattice.graph.types import BOOL, DType
from lattice.plan.view import View

__all__ = ["Fetched", "Inputs", "Leaf", "OperationPixels", "Program", "Step", "StoredPixels", "lower"]

Fetched = tuple[np.ndarray, "np.ndarray | None"]
Inputs = Callable[["Program"], Any]


@dataclass(frozen=True, slots=True)
class Leaf:
    """Something a program reads: stored pixels, an operation, a condition on indices, a region or a list.

    `value` is the register that gets its values, `mask` the one that gets its mask, if it has any.
    """

    source: Any
    view: View
    value: int
    mask: int | None
    ndim: int

    @property
    def direct(self) -> bool:
        """True if reading a small section costs about its own bytes."""
        return bool(self.source.direct) and self.view.is_ordered

    def needs(self, section: Section) -> Section:
        """Return the section of the source that a section of the program needs."""
        return self.view.section(section, self.ndim)

    def fetch(self, section: Section, out: np.ndarray | None, inputs: Inputs) -> Fetched:
        """Return values and mask for a section of the program, ready to broadcast.

        `out` may be filled with the values; `inputs` makes what an operation sees of a program.
        """
        wanted = self.needs(section)
        if self.view.is_identity:
            return self.source.fetch(wanted, out, inputs)
        return self.arranged(*self.source.fetch(wanted, None, inputs))

    def arranged(self, values: np.ndarray, mask: np.ndarray | None) -> Fetched:
        """Return what was read, with the axes of the program."""
        if self.view.is_identity:
            return values, mask
        return self.view.arrange(values), None if mask is None else self.view.arrange(mask)


@dataclass(frozen=True, slots=True)
class StoredPixels:
    """Leaf source: a reader."""

    reader: Any

    @property
    def direct(self) -> bool:
        return bool(self.reader.direct)

    def fetch(self, section: Section, out: np.ndarray | None, inputs: Inputs) -> Fetched:
        return self.reader.read(section, out), None


@dataclass(frozen=True, slots=True)
class ConstantPixels:
    """Leaf source: a small array."""

    array: np.ndarray
    direct: bool = True

    def fetch(self, section: Section, out: np.ndarray | None, inputs: Inputs) -> Fetched:
        return self.array[section], None


@dataclass(frozen=True, slots=True)
class IndexPixels:
    """Leaf source: a condition on the index along one axis."""

    axis: int
    ndim: int
    ranges: tuple[tuple[int, int, int], ...]
    negate: bool
    direct: bool = True

    def fetch(self, section: Section, out: np.ndarray | None, inputs: Inputs) -> Fetched:
        s = section[self.axis]
        index = np.arange(s.start, s.stop, s.step)
        found = np.zeros(index.shape, bool)
        for first, last, stride in self.ranges:
            found |= (index >= first) & (index <= last) & ((index - first) % stride == 0)
        row = ~found if self.negate else found
        full = row.reshape((-1,) + (1,) * (self.ndim - 1 - self.axis))
        return np.broadcast_to(full, shape_of(section)), None


@dataclass(frozen=True, slots=True)
class RegionPixels:
    """Leaf source: the mask of a region, indexed within its bounding box or within the whole lattice."""

    region: Any
    direct: bool = False

    def fetch(self, section: Section, out: np.ndarray | None, inputs: Inputs) -> Fetched:
        return self.region.mask(section), None


@dataclass(frozen=True, slots=True)
class OperationPixels:
    """Leaf source: an operation over programs of its inputs, evaluated a block at a time."""

    operation: Operation
    inputs: tuple[Program, ...]
    direct: bool = False

    def fetch(self, section: Section, out: np.ndarray | None, inputs: Inputs) -> Fetched:
        return self.operation.evaluate(tuple(inputs(p) for p in self.inputs), section)


@dataclass(frozen=True, slots=True)
class Step:
    """One kernel call: ``kernel(*inputs, out=output)``; `jit` is its source for one pixel."""

    kernel: Callable[..., Any]
    inputs: tuple[int, ...]
    output: int
    jit: str


@dataclass(frozen=True, slots=True)
class Check:
    """A source that may hold bad pixels: the register that tells, and how.

    `kind` is "nan" where bad values are nan, "mask" where the register is itself a mask.
    """

    register: int
    kind: str


@dataclass(frozen=True, slots=True)
class Program:
    """A flat, picklable program for any section of one shape.

    Attributes
    ----------
    shape : tuple of int
        Shape of the lattice whose sections are computed.
    leaves : tuple of Leaf
        What is read, in order.
    steps : tuple of Step
        What is computed, in order.
    constants : dict
        Registers with known values.
    types : tuple of numpy.dtype
        Type of each register.
    outputs : tuple of (int, int or None)
        Registers of values and mask of each result; a mask of None means all good.
    checks : tuple of Check
        What has to hold for a strip whose sources are good everywhere.
    clean_steps, clean_outputs : tuple
        The shorter program for such strips: most masks are then known to be true everywhere.
    """

    shape: tuple[int, ...]
    leaves: tuple[Leaf, ...]
    steps: tuple[Step, ...]
    constants: dict[int, np.ndarray]
    types: tuple[DType, ...]
    outputs: tuple[tuple[int, int | None], ...]
    checks: tuple[Check, ...] = ()
    clean_steps: tuple[Step, ...] = ()
    clean_outputs: tuple[tuple[int, int | None], ...] = ()
    cache: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)

    def __reduce__(self) -> tuple[Any, ...]:
        # what a process keeps for a program, such as compiled code, stays in that process
        fields = (self.shape, self.leaves, self.steps, self.constants, self.types, self.outputs)
        return (Program, (*fields, self.checks, self.clean_steps, self.clean_outputs))

    @property
    def all_steps(self) -> tuple[Step, ...]:
        """The steps of both programs, in an order that serves both."""
        order = {s.output: s for s in (*self.steps, *self.clean_steps)}
        return tuple(order[r] for r in sorted(order))


class _Lowering(ConstantLowering):
    def __init__(self) -> None:
        super().__init__()
        self.leaves: list[Leaf] = []
        self.steps: list[Step] = []
        self.clean = False  # assume that every source is good
        self.checks: dict[Check, None] = {}
        self._leaf_numbers: dict[Any, Lowered] = {}

    def _operation(
        self, kernel: Callable[..., Any], registers: tuple[int, ...], dtype: DType, jit: str
    ) -> int:
        key = ("step", kernel, registers, dtype)
        known = len(self.values)
        register = self._register(key, None, dtype)
        if register == known:
            self.steps.append(Step(kernel, registers, register, jit))
        return register

    def leaf(self, key: Any, source: Any, view: View, dtype: DType, ndim: int, masked: bool) -> Lowered:
        """Return the registers that a leaf fills."""
        found = self._leaf_numbers.get((key, view))
        if found is None:
            value = self._register(("leaf", len(self.leaves)), None, dtype)
            mask = self._register(("leaf mask", len(self.leaves)), None, BOOL) if masked else None
            self.leaves.append(Leaf(source, view, value, mask, ndim))
            found = self._leaf_numbers[(key, view)] = Lowered(value, mask, dtype)
        if found.mask is not None:
            return Lowered(found.value, self.good(found.mask, "mask"), dtype)
        return found

    def good(self, register: int, kind: str) -> int | None:
        """Return the mask that a register stands for: none in a program for strips of good pixels."""
        if self.clean:
            self.checks[Check(register, kind)] = None
            return None
        return self.not_nan(register) if kind == "nan" else register

    def not_nan(self, register: int) -> int:
        """Return the register that is T where the other is a number."""
        return self.apply(_is_number, (register,), BOOL, "({0} == {0})")


def _is_number(x: np.ndarray, out: np.ndarray) -> None:
    np.equal(x, x, out=out)


def lower(roots: Sequence[Node], shape: tuple[int, ...]) -> Program:
    """Return the program that computes lattices of one shape together.

    Parameters
    ----------
    roots : sequence of Node
        Lattices of shape `shape`, or scalars; every scalar inside must be a literal.
    shape : tuple of int
        The shape.
    """
    low = _Lowering()
    view = View.identity(len(shape))
    results = [_lower_one(low, root, view) for root in roots]
    used = _live(low, results)
    low.clean = True
    clean_results = [_lower_one(low, root, view) for root in roots]
    checks = tuple(c for c in low.checks if c.register in used)
    clean_used = _live(low, clean_results) if checks else set()
    either = used | clean_used
    return Program(
        tuple(shape),
        tuple(leaf for leaf in low.leaves if leaf.value in either or leaf.mask in either),
        tuple(s for s in low.steps if s.output in used),
        {i: v for i, v in enumerate(low.values) if v is not None and i in either},
        tuple(low.types),
        tuple((r.value, r.mask) for r in results),
        checks,
        tuple(s for s in low.steps if s.output in clean_used),
        tuple((r.value, r.mask) for r in clean_results) if checks else (),
    )


def _live(low: _Lowering, results: list[Lowered]) -> set[int]:
    used = {r for result in results for r in (result.value, result.mask) if r is not None}
    for step in reversed(low.steps):
        if step.output in used:
            used.update(step.inputs)
    return used


def _lower_one(low: _Lowering, root: Node, view: View) -> Lowered:
    """Lower without recursion: children first, each under the view that its parents ask for."""
    done: dict[tuple[Node, View], Lowered] = {}  # keys keep expanded nodes alive
    stack: list[tuple[Node, View, bool]] = [(root, view, False)]
    while stack:
        node, seen, ready = stack.pop()
        key = (node, seen)
        if key in done:
            continue
        wanted = _wanted(node, seen)
        if not ready and wanted:
            stack.append((node, seen, True))
            stack.extend((n, v, False) for n, v in reversed(wanted) if (n, v) not in done)
            continue
        done[key] = _plain(low, _lower_node(low, node, seen, [done[n, v] for n, v in wanted]))
    return done[root, view]


def _plain(low: _Lowering, result: Lowered) -> Lowered:
    """Drop a mask that is known to be true everywhere."""
    if result.mask is not None:
        known = low.constant_value(result.mask)
        if known is not None and bool(known):
            return Lowered(result.value, None, result.dtype)
    return result


def _wanted(node: Node, view: View) -> list[tuple[Node, View]]:
    """Return the nodes that a node is computed from pixel by pixel, with the views of them."""
    if isinstance(node, Call):
        expand = node.function.expand
        if expand is not None:
            with agreed():
                return [(expand(node.args), view)]
        return [(a, view if a.attrs.shape else _SCALAR) for a in node.args]
    if isinstance(node, Subset):
        return [(node.children[0], view.through_subset(node.items))]
    if isinstance(node, RegionCut):
        return [(node.children[0], view.through_subset(node.region.bounds()))]
    if isinstance(node, Extend):
        return [(node.children[0], view.through_extend(node))]
    if isinstance(node, Transpose):
        return [(node.children[0], view.through_order(node.order))]
    if isinstance(node, Source) and isinstance(node.mask, Source):
        return [(node.mask, view)]
    return []


_SCALAR = View(())


def _lower_node(low: _Lowering, node: Node, view: View, args: list[Lowered]) -> Lowered:
    if isinstance(node, Literal):
        return lower_literal(low, node)
    if isinstance(node, Call):
        return args[0] if node.function.expand is not None else lower_call(low, node, tuple(args))
    if isinstance(node, (Subset, Extend, Transpose)):
        return args[0]
    if isinstance(node, Source):
        return _lower_source(low, node, view, args)
    if isinstance(node, RegionCut):
        return _lower_region_cut(low, node, view, args[0])
    return _lower_leaf(low, node, view)


def _lower_source(low: _Lowering, node: Source, view: View, args: list[Lowered]) -> Lowered:
    dtype = node.attrs.dtype
    leaf = low.leaf(
        ("reader", node.reader.token), StoredPixels(node.reader), view, dtype, node.attrs.ndim, masked=False
    )
    if node.mask is None:
        return leaf
    if isinstance(node.mask, Source):
        good = low.good(args[0].value, "mask")
        return Lowered(leaf.value, low.and_(args[0].mask, good), dtype)
    return Lowered(leaf.value, low.good(leaf.value, "nan"), dtype)


def _lower_region_cut(low: _Lowering, node: RegionCut, view: View, x: Lowered) -> Lowered:
    if not node.region.has_mask:
        return x
    inner = view.through_subset(node.region.bounds())
    inside = low.leaf(
        node.region, RegionPixels(node.region), inner, BOOL, len(node.region.shape), masked=False
    )
    return Lowered(x.value, low.and_(x.mask, inside.value), x.dtype)


def _lower_leaf(low: _Lowering, node: Node, view: View) -> Lowered:
    attrs = node.attrs
    if attrs.shape is None:
        raise ShapeMismatchError(
            "an index condition has no shape of its own",
            hint="combine it with a lattice, as in x[index0 in [1:3]]",
        )
    if isinstance(node, ValueList):
        return _lower_list(low, node, view)
    if isinstance(node, IndexSet):
        return _lower_index(low, node, view)
    if isinstance(node, RegionMask):
        whole = view.through_subset(node.region.bounds())
        return low.leaf(
            node.region, RegionPixels(node.region), whole, BOOL, len(node.region.shape), masked=False
        )
    if isinstance(node, Operation):
        inputs = tuple(lower([c], c.attrs.shape or ()) for c in node.children)
        source = OperationPixels(node, inputs)
        return low.leaf(node, source, view, attrs.dtype, attrs.ndim, attrs.masked)
    raise LatticeTypeError(f"{type(node).__name__} cannot be evaluated")


def _lower_list(low: _Lowering, node: ValueList, view: View) -> Lowered:
    dtype = node.attrs.dtype
    literals = [c for c in node.children if isinstance(c, Literal)]
    assert len(literals) == len(node.children), "scalars are resolved before lowering"
    values = np.array([0 if c.value is None else c.value for c in literals]).astype(dtype)
    result = low.leaf(node, ConstantPixels(values), view, dtype, 1, masked=False)
    if all(c.value is not None for c in literals):
        return result
    good = np.array([c.value is not None for c in literals])
    mask = low.leaf((node, "mask"), ConstantPixels(good), view, BOOL, 1, masked=False)
    return Lowered(result.value, mask.value, dtype)


def _lower_index(low: _Lowering, node: IndexSet, view: View) -> Lowered:
    axis = node.axis
    assert isinstance(axis, Literal), "scalars are resolved before lowering"
    if axis.value is None:
        return Lowered(low.constant(False, BOOL), low.constant(False, BOOL), BOOL)
    ndim = node.attrs.ndim
    number = axis_number(float(axis.value), ndim)
    if number < 0:
        raise ShapeMismatchError(
            f"an index condition on axis {float(axis.value):g} meets a lattice of {ndim} axes"
        )
    source = IndexPixels(number, ndim, node.ranges, node.negate)
    return low.leaf(source, source, view, BOOL, ndim, masked=False)
