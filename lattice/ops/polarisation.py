"""Products of Stokes parameters: polarised intensity and its angle."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from lattice.coords.reframe import with_stokes
from lattice.errors import CoordinateError, LatticeRangeError, LatticeTypeError
from lattice.functions.registry import lookup
from lattice.graph.build import call, cut
from lattice.graph.node import Extend, Literal, Node
from lattice.graph.types import is_real

__all__ = ["KINDS", "pola", "poli", "stokes_planes"]

KINDS = ("linear", "total")


def stokes_planes(nodes: Sequence[Node], wanted: Sequence[str]) -> dict[str, Node]:
    """Return the planes of Stokes parameters in some lattices, each with a Stokes axis of length 1.

    Raises
    ------
    CoordinateError
        When a lattice has no Stokes axis, or a parameter is there twice.
    """
    found: dict[str, Node] = {}
    for node in nodes:
        coords: Any = node.attrs.coords
        axis = None if coords is None else coords.axis_of("stokes")
        if axis is None:
            raise CoordinateError(
                f"nothing says which Stokes parameters a {node.attrs.describe()} has",
                hint="add an axis: image.expand_dims('stokes', 'stokes', value='Q')",
            )
        if not is_real(node.attrs.dtype):
            raise LatticeTypeError(f"Stokes parameters are real, not a {node.attrs.describe()}")
        for k, name in enumerate(coords.stokes((node.attrs.shape or ())[axis])):
            if name not in wanted:
                continue
            if name in found:
                raise CoordinateError(f"Stokes {name} is there twice")
            items: list[Any] = [slice(None)] * node.attrs.ndim
            items[axis] = slice(k, k + 1)
            found[name] = cut(node, tuple(items))
    return found


def _need(planes: dict[str, Node], names: Sequence[str], what: str) -> list[Node]:
    missing = [n for n in names if n not in planes]
    if missing:
        raise CoordinateError(f"{what} needs Stokes {', '.join(names)}; there is no {', '.join(missing)}")
    return [planes[n] for n in names]


def poli(nodes: Sequence[Node], kind: str | None = None, sigma: float = 0.0) -> Node:
    """Return the polarised intensity.

    Parameters
    ----------
    nodes : sequence of Node
        One lattice with several Stokes parameters, or several.
    kind : {None, "linear", "total"}
        sqrt(Q^2 + U^2), or with V^2 too; by default total if V is there.
    sigma : float
        Noise: with it sqrt(P^2 - sigma^2) is returned, and 0, bad, where that has no root.

    Returns
    -------
    Node
        With a Stokes axis of length 1 (Plinear or Ptotal); bad where a parameter is. Unit, beams and other
        coordinates are those of Q.
    """
    planes = stokes_planes(nodes, "QUV")
    if kind not in (None, *KINDS):
        raise LatticeRangeError(f"there is no kind {kind!r}", hint="linear, or total")
    if not (math.isfinite(sigma) and sigma >= 0):
        raise LatticeRangeError(f"noise is a number that is not negative, unlike {sigma!r}")
    total = "V" in planes if kind is None else kind == "total"
    parts = _need(planes, "QUV" if total else "QU", "the polarised intensity")
    squares = [call(lookup("*", 2), p, p) for p in parts]
    power = squares[0]
    for s in squares[1:]:
        power = call(lookup("+", 2), power, s)
    if sigma > 0:
        nothing = Literal.of(0, power.attrs.dtype)
        less = call(lookup("-", 2), power, Literal.of(sigma * sigma, power.attrs.dtype))
        good = call(lookup(">=", 2), less, nothing)
        power = call(lookup("[]", 2), call(lookup("max", 2), less, nothing), good)
    return _labelled(call(lookup("sqrt", 1), power), parts[0], "Ptotal" if total else "Plinear", None)


def pola(nodes: Sequence[Node], threshold: float = 0.0) -> Node:
    """Return the angle of linear polarisation, 0.5 atan2(U, Q), in degrees.

    Parameters
    ----------
    nodes : sequence of Node
        One lattice with several Stokes parameters, or several.
    threshold : float
        Pixels are bad where sqrt(Q^2 + U^2) is below it.

    Returns
    -------
    Node
        With a Stokes axis of length 1 (Pangle), in deg.
    """
    q, u = _need(stokes_planes(nodes, "QU"), "QU", "the polarisation angle")
    if not math.isfinite(threshold):
        raise LatticeRangeError(f"the threshold is a finite number, not {threshold!r}")
    node = call(lookup("pa", 2), u, q)
    if threshold > 0:
        linear = call(lookup("amp", 2), q, u)
        good = call(lookup(">=", 2), linear, Literal.of(threshold, linear.attrs.dtype))
        node = call(lookup("[]", 2), node, good)
    return _labelled(node, q, "Pangle", "deg")


def _labelled(node: Node, like: Node, stokes: str, unit: str | None) -> Node:
    own = like.attrs
    coords: Any = own.coords
    attrs = own.with_(
        dtype=node.attrs.dtype,
        masked=node.attrs.masked,
        coords=with_stokes(coords, coords.axis_of("stokes"), stokes),
        unit=own.unit if unit is None else unit,
    )
    made: Node = Extend(node, tuple(range(own.ndim)), attrs)
    return made
