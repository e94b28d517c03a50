"""Stages: scalars that depend on pixels are computed first, then stand in the graph as constants.

One dask graph that both reduces and uses the same pixels keeps every block in memory.  So all scalar
reductions whose own inputs are settled are evaluated together in one pass, replaced by their values, and
so on until none is left; the last stage then streams.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lattice.errors import LatticeTypeError
from lattice.graph.agree import agreed
from lattice.graph.fold import fold_one
from lattice.graph.function import Function, Kind
from lattice.graph.node import Call, Literal, Named, Node
from lattice.graph.walk import postorder

__all__ = ["Measure", "measures_of", "outline", "ready_scalars", "settle", "value_of"]

Ranks = Callable[[int], tuple[int, ...]]


@dataclass(frozen=True)
class Measure:
    """A statistic that is wanted of a lattice.

    Attributes
    ----------
    x : Node
        The lattice; all scalars in it are settled.
    state : str
        Name of the running statistics, "order", or "middev" for the distances from the median (the mean of
        the values at `ranks`) at the same ranks; their result is None where another pass has to find them.
    scalars : tuple
        What the state is made with.
    ranks : callable, optional
        Number of good pixels -> wanted ranks; for "order" and "middev".
    """

    x: Node
    state: str
    scalars: tuple[Any, ...] = ()
    ranks: Ranks | None = None


def settle(roots: Sequence[Node], values: Mapping[Node, Node] | None = None) -> list[Node]:
    """Return the graphs with known scalars put in and everything that follows from them computed.

    Parameters
    ----------
    roots : sequence of Node
        The graphs.
    values : mapping of Node to Node, optional
        Scalars that were computed.
    """
    values = values or {}
    done: dict[int, Node] = {}
    for node in postorder(roots):
        new = values.get(node)
        if new is None:
            new = node.with_children(tuple(done[id(c)] for c in node.children)) if node.children else node
            new = _simplify(new)
        done[id(node)] = new
    return [done[id(r)] for r in roots]


def _simplify(node: Node) -> Node:
    if isinstance(node, Named):  # what it was called counts no more
        return node.made
    if not isinstance(node, Call) or not node.attrs.is_scalar:
        return node
    function = node.function
    if function.kind is Kind.ELEMENTWISE:
        return fold_one(node)
    x, *scalars = node.args
    if not all(isinstance(s, Literal) for s in scalars):
        return node
    known = [s.value for s in scalars if isinstance(s, Literal)]
    dtype = node.attrs.dtype
    if any(v is None for v in known):
        return Literal.undefined(dtype)
    if function.kind is Kind.INQUIRY and function.inquire is not None:
        return Literal.of(function.inquire(x.attrs.shape or (), *known), dtype)
    if isinstance(x, Literal) and function.of_scalar is not None:
        return _of_scalar(function, x, node)
    if function.expand is not None and not x.attrs.is_scalar:
        with agreed():
            return function.expand(node.args)
    return node


def _of_scalar(function: Function, x: Literal, node: Call) -> Node:
    assert function.of_scalar is not None
    dtype = node.attrs.dtype
    if x.value is None and function.name != "nelements":
        return Literal.undefined(dtype)
    return Literal.of(function.of_scalar(x.value), dtype)


def ready_scalars(roots: Sequence[Node]) -> list[Node]:
    """Return the scalars that are not settled but whose inputs are: the next stage."""
    clean: dict[int, bool] = {}
    ready = []
    for node in postorder(roots):
        inputs = all(clean[id(c)] for c in node.children)
        open_scalar = node.attrs.is_scalar and not isinstance(node, Literal)
        if open_scalar and inputs:
            ready.append(node)
        clean[id(node)] = inputs and not open_scalar
    return ready


def outline(root: Node) -> tuple[list[list[Node]], Node]:
    """Return the stages of scalars of a graph, and the graph with stand-ins for them; nothing is computed."""
    stages = []
    current = settle([root])[0]
    while ready := ready_scalars([current]):
        stages.append(ready)
        # any value will do: what is read and where masks are does not depend on it
        stand_ins: dict[Node, Node] = {n: Literal.of(1, n.attrs.dtype) for n in ready}
        current = settle([current], stand_ins)[0]
    return stages, current


def measures_of(node: Node) -> Measure | None:
    """Return the statistic that settles a scalar reduction; None for a single pixel of a lattice."""
    if not (isinstance(node, Call) and node.function.kind is Kind.REDUCTION):
        return None
    function = node.function
    x = node.args[0]
    if x.attrs.is_shapeless:
        raise LatticeTypeError(f"{function.name} needs a lattice with a shape, not an index condition")
    scalars = tuple(s.value for s in node.args[1:] if isinstance(s, Literal))
    if function.state == "order":
        ranks = function.ranks
        assert ranks is not None
        masked = x.attrs.masked
        return Measure(x, "order", ranks=lambda n: ranks(n, masked, *scalars))
    return Measure(x, function.state, scalars)


def value_of(node: Node, result: Any) -> Literal:
    """Return a scalar reduction as a literal, given the statistic that `measures_of` asked for."""
    assert isinstance(node, Call)
    dtype, of = node.attrs.dtype, node.args[0].attrs.dtype
    finish = node.function.finish
    assert finish is not None
    value = None if result is None else finish(result, of)
    return Literal.undefined(dtype) if value is None else Literal.of(value, dtype)
