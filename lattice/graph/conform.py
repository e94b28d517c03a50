"""Which lattices fit together, and how the smaller one is extended to the larger.

The rules are those of the language: axes are matched by kind of coordinate, all extending and stretching is
on one operand. Values of coordinates decide nothing; where they differ, `lattice.graph.agree` says so.
"""

from __future__ import annotations

import itertools

from lattice.errors import CoordinateMismatchError, LatticeError, RegionError, ShapeMismatchError
from lattice.graph.agree import check_resolution, check_values
from lattice.graph.attributes import Attributes, axis_keys, is_anonymous
from lattice.graph.beams import extended_beams
from lattice.graph.node import Call, Extend, IndexSet, Literal, Node
from lattice.graph.types import type_name
from lattice.graph.walk import postorder

__all__ = ["axis_number", "check_same", "extend", "give_shape"]


def extend(a: Node, b: Node, what: str, apart: tuple[str, ...] = ()) -> tuple[Node, Node]:
    """Return both operands with the same axes, one of them extended where that is allowed.

    Parameters
    ----------
    a, b : Node
        Two lattices (not scalars).
    what : str
        The operation, for messages.
    apart : tuple of str, optional
        Kinds of axes that are meant to lie at different places.

    Raises
    ------
    ShapeMismatchError
        When lengths differ, or both would have to be extended.
    CoordinateMismatchError
        When the axes differ in kind or order.
    """
    x, y = a.attrs, b.attrs
    by_kind = _described(x) and _described(y)
    if not by_kind and (x.shape == y.shape or any(is_anonymous(d) for d in (*x.dims, *y.dims))):
        check_same((a, b), what)
        check_resolution(x, y, what)
        return a, b
    keys_a, keys_b = axis_keys(x, by_kind), axis_keys(y, by_kind)
    if x.shape == y.shape and keys_a == keys_b:
        check_values(x, y, what, keys_a, keys_b, apart)
        return a, b
    if _is_part(keys_b, keys_a) and _fits(y, keys_b, x, keys_a):
        check_values(x, y, what, keys_a, keys_b, apart)
        return a, _extended(b, keys_b, a, keys_a)
    if _is_part(keys_a, keys_b) and _fits(x, keys_a, y, keys_b):
        check_values(x, y, what, keys_a, keys_b, apart)
        return _extended(a, keys_a, b, keys_b), b
    if _is_part(keys_a, keys_b) or _is_part(keys_b, keys_a):
        raise _shape_error(x, y, what)
    raise _axes_error(x, y, keys_a, keys_b, what)


def check_same(nodes: tuple[Node, ...], what: str) -> None:
    """Check that lattices have the same shape and, where both have coordinates, the same kinds of axes."""
    lattices = [n for n in nodes if n.attrs.shape]
    for first, other in itertools.pairwise(lattices):
        x, y = first.attrs, other.attrs
        by_kind = _described(x) and _described(y)
        keys_x, keys_y = axis_keys(x, by_kind), axis_keys(y, by_kind)
        if by_kind and keys_x != keys_y and not (_is_part(keys_x, keys_y) or _is_part(keys_y, keys_x)):
            raise _axes_error(x, y, keys_x, keys_y, what)
        if x.shape != y.shape:
            raise _shape_error(x, y, what)
        if not by_kind and x.dims != y.dims and sorted(x.dims) == sorted(y.dims):
            raise _axes_error(x, y, keys_x, keys_y, what)


def _described(attrs: Attributes) -> bool:
    """Tell whether anything is known of the axes; a file without coordinate cards says nothing."""
    return attrs.coords is not None and any(kind != "none" for kind in attrs.coords.kinds)


def _is_part(small: tuple[str, ...], large: tuple[str, ...]) -> bool:
    """Tell whether `small` is `large` with some elements left out."""
    rest = iter(large)
    return all(key in rest for key in small)


def _fits(
    small: Attributes, small_keys: tuple[str, ...], large: Attributes, large_keys: tuple[str, ...]
) -> bool:
    lengths = dict(zip(large_keys, large.shape or (), strict=True))
    return all(n in (1, lengths[k]) for k, n in zip(small_keys, small.shape or (), strict=True))


def _extended(small: Node, small_keys: tuple[str, ...], large: Node, large_keys: tuple[str, ...]) -> Node:
    lengths = dict(zip(small_keys, small.attrs.shape or (), strict=True))
    target = large.attrs
    axes = []
    for key, n in zip(large_keys, target.shape or (), strict=True):
        same = key in lengths and lengths[key] == n
        axes.append(small_keys.index(key) if same else -1)
    attrs = small.attrs.with_(
        shape=target.shape,
        dims=target.dims,
        coords=target.coords,
        beams=extended_beams(small.attrs, axes, target),
    )
    node: Node = Extend(small, tuple(axes), attrs)
    return node


def _shape_error(x: Attributes, y: Attributes, what: str) -> LatticeError:
    return ShapeMismatchError(
        f"{what} needs lattices that fit together, not {x.describe()} and {y.describe()}",
        hint="operators repeat axes that one operand lacks or has with length 1, all on the same operand",
    )


def _axes_error(
    x: Attributes, y: Attributes, keys_x: tuple[str, ...], keys_y: tuple[str, ...], what: str
) -> LatticeError:
    return CoordinateMismatchError(
        f"{what} needs the same axes in the same order: one has ({', '.join(keys_x)}), "
        f"the other ({', '.join(keys_y)})",
        hint=f"shapes are {x.shape} and {y.shape}; bring the axes of one into the order of the other first",
    )


def axis_number(value: float, ndim: int) -> int:
    """Return the numpy axis for an axis number of LEL text, which counts from the fastest axis.

    The number is rounded to the nearest integer, as casacore does.

    Raises
    ------
    LatticeRangeError
        For a negative axis, which casacore takes as axis 0 if it is -1.
    """
    from lattice.errors import LatticeRangeError

    number = int(value + 0.499) if value > -0.5 else -1
    if number < 0:
        raise LatticeRangeError(
            f"axis {value:g} does not exist: axes are numbered from 0, the fastest varying one",
        )
    return ndim - 1 - number


def give_shape(node: Node, like: Attributes) -> Node:
    """Return a node made of index conditions with the shape of the lattice that it meets."""
    from lattice.graph.build import call

    if not node.attrs.is_shapeless:
        return node
    done: dict[int, Node] = {}
    for part in postorder(node, descend=lambda n: n.attrs.is_shapeless):
        if not part.attrs.is_shapeless:
            done[id(part)] = part
        elif isinstance(part, IndexSet):
            _check_axis(part, like)
            attrs = part.attrs.with_(shape=like.shape, dims=like.dims)
            done[id(part)] = IndexSet(part.axis, part.ranges, part.negate, attrs)
        elif isinstance(part, Call):
            done[id(part)] = call(part.function, *(done[id(a)] for a in part.args))
        else:
            raise RegionError(f"{type_name(part.attrs.dtype)} index condition cannot be cut or reshaped")
    return done[id(node)]


def _check_axis(node: IndexSet, like: Attributes) -> None:
    axis = node.axis
    if isinstance(axis, Literal) and axis.value is not None and axis_number(float(axis.value), like.ndim) < 0:
        raise ShapeMismatchError(
            f"an index condition on axis {float(axis.value):g} meets a lattice of {like.ndim} axes",
            hint="axes are numbered from 0, the fastest varying one",
        )
