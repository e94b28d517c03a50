"""Correction for the primary beam."""

from __future__ import annotations

from lattice.errors import LatticeRangeError, LatticeTypeError
from lattice.functions.registry import lookup
from lattice.graph.build import call
from lattice.graph.node import Extend, Literal, Node
from lattice.graph.types import is_real

__all__ = ["pbcor"]


def pbcor(x: Node, pb: Node, mode: str = "divide", cutoff: float | None = None) -> Node:
    """Return a lattice divided by, or multiplied with, the response of the primary beam.

    Parameters
    ----------
    x : Node
        The lattice.
    pb : Node
        The response, real: of the shape of x, or of some of its axes (such as those of the sky), repeated
        along the others.
    mode : {"divide", "multiply"}
        What is done with it.
    cutoff : float, optional
        Pixels are bad where the response is below it; of a product, where it is above it.

    Returns
    -------
    Node
        Bad where x is, where the response is, and by the cutoff. Unit, beams and coordinates are those of x.

    Raises
    ------
    LatticeRangeError
        For another mode, and for a cutoff that is not a number.
    LatticeTypeError
        When the response is not a real lattice.
    ShapeMismatchError, CoordinateMismatchError
        When it does not fit.
    """
    if mode not in ("divide", "multiply"):
        raise LatticeRangeError(f"there is no mode {mode!r}", hint="divide, or multiply")
    if not pb.attrs.shape or not is_real(pb.attrs.dtype):
        raise LatticeTypeError(f"a primary beam is a lattice of real numbers, not a {pb.attrs.describe()}")
    if cutoff is not None and cutoff != cutoff:
        raise LatticeRangeError("the cutoff is not a number")
    if pb.attrs.ndim > x.attrs.ndim:
        raise LatticeRangeError(
            f"the primary beam has more axes ({', '.join(pb.attrs.dims)}) than the image "
            f"({', '.join(x.attrs.dims)})"
        )
    pb = _spread(pb, x)
    if cutoff is not None:
        limit = Literal.of(cutoff, pb.attrs.dtype)
        pb = call(lookup("[]", 2), pb, call(lookup(">=" if mode == "divide" else "<=", 2), pb, limit))
    node = call(lookup("/" if mode == "divide" else "*", 2), x, pb)
    own = x.attrs
    made: Node = Extend(
        node, tuple(range(own.ndim)), own.with_(dtype=node.attrs.dtype, masked=node.attrs.masked)
    )
    return made


def _spread(pb: Node, x: Node) -> Node:
    """Return a plane of which nothing but the names of its axes is known, repeated along the others of x."""
    own, whole = pb.attrs, x.attrs
    lacking = whole.ndim - own.ndim
    known = [a.coords is not None and set(a.coords.kinds) != {"none"} for a in (own, whole)]
    fits = own.dims == whole.dims[lacking:] and own.shape == (whole.shape or ())[lacking:]
    if all(known) or not lacking or not fits:
        return pb
    axes = (*(-1,) * lacking, *range(own.ndim))
    attrs = own.with_(shape=whole.shape, dims=whole.dims, coords=whole.coords, beams=())
    spread: Node = Extend(pb, axes, attrs)
    return spread
