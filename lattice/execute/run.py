"""Evaluating graphs: stage by stage, block by block."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from lattice.config import Options, get_options
from lattice.errors import LatticeTypeError, ShapeMismatchError
from lattice.execute.measure import measure
from lattice.execute.schedule import run_program, shares_memory
from lattice.execute.sinks import ArraySink, BlockSink, Sink, WriterSink
from lattice.graph.node import Literal, Node
from lattice.graph.protocols import Writer
from lattice.graph.sections import Section
from lattice.plan.blocks import choose
from lattice.plan.memory import allowance, refuse
from lattice.plan.program import lower
from lattice.plan.stages import Measure, measures_of, ready_scalars, settle, value_of
from lattice.plan.storage_order import in_storage_order

if TYPE_CHECKING:
    from lattice.io.base import Output

__all__ = ["Evaluated", "compute", "compute_many", "save", "save_many", "settled"]


@dataclass(frozen=True)
class Evaluated:
    """A result in memory.

    Attributes
    ----------
    values : ndarray or numpy scalar or None
        The values; None for an undefined scalar.
    mask : ndarray of bool or None
        True = good; None where every pixel is good.
    """

    values: Any
    mask: np.ndarray | None = None


def settled(roots: Sequence[Node], options: Options | None = None) -> list[Node]:
    """Return the graphs with every scalar computed and put in, stage by stage."""
    options = options or get_options()
    current = settle(roots)
    while ready := ready_scalars(current):
        measures: list[Measure | None] = [measures_of(n) for n in ready]
        with np.errstate(all="ignore"):  # inf and nan are values like others
            results = iter(measure([m for m in measures if m is not None], options))
            values: dict[Node, Node] = {
                n: _pixel(n, options) if m is None else value_of(n, next(results))
                for n, m in zip(ready, measures, strict=True)
            }
        current = settle(current, values)
    return current


def _pixel(node: Node, options: Options) -> Literal:
    """Return a lattice of no axes as a literal."""
    result = _arrays([node], options)[0]
    good = result.mask is None or bool(result.mask)
    dtype = node.attrs.dtype
    return Literal.of(result.values[()], dtype) if good else Literal.undefined(dtype)


def compute(node: Node, options: Options | None = None) -> Evaluated:
    """Return the values and the mask of a graph.

    Parameters
    ----------
    node : Node
        The graph.
    options : Options, optional
        The default are those that hold in the calling context.

    Raises
    ------
    MemoryLimitError
        When the result does not fit the memory limit.
    """
    return compute_many([node], options)[0]


def compute_many(nodes: Sequence[Node], options: Options | None = None) -> list[Evaluated]:
    """Return the values and masks of several graphs, sharing passes where their shapes agree."""
    options = options or get_options()
    roots = settled([_shaped(n) for n in nodes], options)
    out: list[Evaluated | None] = [
        Evaluated(None if r.value is None else np.array(r.value)[()]) if isinstance(r, Literal) else None
        for r in roots
    ]
    by_shape: dict[tuple[int, ...], list[int]] = {}
    for i, root in enumerate(roots):
        if out[i] is None:
            by_shape.setdefault(root.attrs.shape or (), []).append(i)
    for numbers in by_shape.values():
        for i, result in zip(numbers, _arrays([roots[i] for i in numbers], options), strict=True):
            out[i] = result
    return [r for r in out if r is not None]


def _shaped(node: Node) -> Node:
    if node.attrs.is_shapeless:
        raise ShapeMismatchError(
            "an index condition has no shape of its own",
            hint="combine it with a lattice, as in x[index0 in [1:3]]",
        )
    return node


def _arrays(roots: Sequence[Node], options: Options) -> list[Evaluated]:
    """Evaluate lattices of one shape, whose scalars are settled, into memory."""
    shape = roots[0].attrs.shape or ()
    program = lower(roots, shape)
    types = [program.types[value] for value, _ in program.outputs]
    held = sum(
        r.attrs.size * (t.itemsize + (m is not None))
        for r, t, (_, m) in zip(roots, types, program.outputs, strict=True)
    )
    if held > allowance(options):
        raise refuse("the result in memory", held, options, "save it to a file, or take a part of it")
    arrays = [
        Evaluated(np.empty(shape, t), None if m is None else np.empty(shape, bool))
        for t, (_, m) in zip(types, program.outputs, strict=True)
    ]
    shared = shares_memory(options)
    sinks: list[Sink] = [
        ArraySink(a.values, a.mask) if shared else BlockSink(a.values.dtype, a.mask is not None)
        for a in arrays
    ]

    def take(section: Section, block: list[tuple[np.ndarray, np.ndarray | None]]) -> None:
        for a, (values, mask) in zip(arrays, block, strict=True):
            a.values[section] = values
            if a.mask is not None:
                a.mask[section] = mask

    run_program(program, sinks, choose(program, options, held=held), options, take=take)
    return [_without_needless_mask(a) for a in arrays]


def _without_needless_mask(result: Evaluated) -> Evaluated:
    if result.mask is not None and bool(result.mask.all()):
        return replace(result, mask=None)
    return result


def save(
    node: Node, output: Output, masks: Mapping[str, Node] | None = None, options: Options | None = None
) -> None:
    """Stream a lattice into an output that was created for it; committing it is left to the caller.

    Parameters
    ----------
    node : Node
        The lattice.
    output : Output
        Where it goes.
    masks : mapping of str to Node, optional
        Further masks to be written, by name.
    options : Options, optional
        The default are those that hold in the calling context.
    """
    save_many([(node, output, masks or {})], options)


def save_many(
    items: Sequence[tuple[Node, Output, Mapping[str, Node]]], options: Options | None = None
) -> None:
    """Stream several lattices into their outputs, those of one shape in the same pass; see `save`.

    Parameters
    ----------
    items : sequence of (Node, Output, mapping of str to Node)
        Each lattice, where it goes, and further masks of it.
    options : Options, optional
        The default are those that hold in the calling context.
    """
    options = options or get_options()
    targets: list[tuple[Node, Writer, bool]] = []
    for node, output, masks in items:
        if not _shaped(node).attrs.shape:
            raise LatticeTypeError(
                "a scalar is no image", hint="take its value with float(), or combine it with an image"
            )
        targets.append((node, output.writer, True))
        targets += [(mask, output.mask_writers[name], False) for name, mask in masks.items()]
    roots = settled([node for node, _, _ in targets], options)
    by_shape: dict[tuple[int, ...], list[int]] = {}
    for i, root in enumerate(roots):
        by_shape.setdefault(root.attrs.shape or (), []).append(i)
    for shape, numbers in by_shape.items():
        _stream([roots[i] for i in numbers], [targets[i][1:] for i in numbers], shape, options)


def _stream(
    roots: list[Node], targets: list[tuple[Writer, bool]], shape: tuple[int, ...], options: Options
) -> None:
    """Write lattices of one shape; each target tells whether it takes a mask."""
    program = lower(roots, shape)
    stored = in_storage_order(program, targets)
    if stored is not None:
        program, targets = stored
    sinks = [
        WriterSink(writer, mask is not None and takes)
        for (writer, takes), (_, mask) in zip(targets, program.outputs, strict=True)
    ]
    collected = [w for w, _ in targets if not w.direct]
    chunks = None
    if collected:
        # pieces that are whole chunks of every output
        chunks = tuple(math.lcm(*c) for c in zip(*(w.chunks for w in collected), strict=True))
    blocks = choose(program, options, chunks, sum(w.dtype.itemsize + 2 for w in collected))
    run_program(program, sinks, blocks, options)
