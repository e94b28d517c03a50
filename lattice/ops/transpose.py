"""Axes in another order."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from lattice.errors import LatticeTypeError, NameNotFoundError, ShapeMismatchError, suggest
from lattice.graph.attributes import Attributes
from lattice.graph.node import Node, Subset, Transpose

__all__ = ["axis_order", "transpose"]


def transpose(x: Node, order: Sequence[int], reverse: Sequence[int] = ()) -> Node:
    """Return a lattice with its axes in another order, some of them reversed.

    Parameters
    ----------
    x : Node
        The lattice.
    order : sequence of int
        Axis k of the result is axis ``order[k]`` of x; numpy order.
    reverse : sequence of int, optional
        Axes of x whose pixels come in the opposite order.

    Returns
    -------
    Node
        The same pixels, masks and coordinates elsewhere; beams of planes go with their planes.

    Raises
    ------
    ShapeMismatchError
        When `order` does not name every axis once.
    """
    n = x.attrs.ndim
    axes = tuple(int(k) for k in order)
    if sorted(axes) != list(range(n)):
        raise ShapeMismatchError(
            f"an order of axes names each of the {n} axes once, unlike {list(axes)}",
            hint=f"the axes are {', '.join(x.attrs.dims)}",
        )
    if reverse:
        shape = x.attrs.shape or ()
        x = Subset(
            x, tuple(slice(m - 1, -1, -1) if k in reverse else slice(0, m, 1) for k, m in enumerate(shape))
        )
    if axes == tuple(range(n)):
        return x
    if isinstance(x, Transpose):  # two turns are one
        axes = tuple(x.order[k] for k in axes)
        return transpose(x.children[0], axes)
    node: Node = Transpose(x, axes)
    return node


def axis_order(attrs: Attributes, order: Any) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return order and reversed axes, in numpy numbers, of what users write.

    Parameters
    ----------
    attrs : Attributes
        Of the lattice.
    order : None, str, int or sequence
        None: all axes in the opposite order. A sequence names axes by dim or numpy number. Text has the names
        of dims, with blanks or commas between them, where enough letters to tell them apart will do; or, as
        CASA has it, one digit per axis, which counts axes from the fastest one in input and output alike (a
        missing leading 0 is implied). A ``-`` before an axis reverses it.

    Returns
    -------
    order, reverse : tuple of int
        As `transpose` takes them.
    """
    n = attrs.ndim
    if order is None:
        return tuple(range(n))[::-1], ()
    if isinstance(order, int) and not isinstance(order, bool):
        order = str(order)
    if isinstance(order, str):
        compact = order.replace(" ", "").replace(",", "")
        if re.fullmatch(r"(-?[0-9])+", compact):
            return _by_digits(compact, n, order)
        order = [part for part in re.split(r"[\s,]+", order.strip()) if part]
    if not isinstance(order, Iterable):
        raise LatticeTypeError(
            f"{order!r} is no order of axes", hint=f"name them all: {', '.join(repr(d) for d in attrs.dims)}"
        )
    axes, reverse = [], []
    for item in order:
        name, turned = item, False
        if isinstance(item, str) and item.startswith("-"):
            name, turned = item[1:], True
        axis = _axis(attrs, name)
        axes.append(axis)
        if turned:
            reverse.append(axis)
    return tuple(axes), tuple(reverse)


def _by_digits(text: str, n: int, given: Any) -> tuple[tuple[int, ...], tuple[int, ...]]:
    digits = re.findall(r"-?[0-9]", text)
    if len(digits) == n - 1 and all(d.lstrip("-") != "0" for d in digits):
        digits = ["0", *digits]
    numbers = [int(d.lstrip("-")) for d in digits]
    if sorted(numbers) != list(range(n)):
        raise ShapeMismatchError(
            f"the order {given!r} does not name each of the {n} axes once",
            hint=f"digits count from the fastest axis: '{''.join(str(i) for i in reversed(range(n)))}' "
            "turns all axes round",
        )
    order = tuple(n - 1 - k for k in reversed(numbers))
    return order, tuple(n - 1 - int(d[1:]) for d in digits if d.startswith("-"))


def _axis(attrs: Attributes, name: Any) -> int:
    if isinstance(name, str):
        if name in attrs.dims:
            return attrs.dims.index(name)
        near = [i for i, dim in enumerate(attrs.dims) if name and dim.startswith(name.lower())]
        if len(near) == 1:
            return near[0]
        raise NameNotFoundError(
            f"{name!r} stands for several axes" if near else f"the {attrs.describe()} has no axis {name!r}",
            hint=suggest(name, attrs.dims) or f"the axes are {', '.join(attrs.dims)}",
        )
    try:
        number = int(name)
    except (TypeError, ValueError):
        raise LatticeTypeError(f"an axis is a name or a number, not a {type(name).__name__}") from None
    if not -attrs.ndim <= number < attrs.ndim:
        raise NameNotFoundError(f"the {attrs.describe()} has no axis {number}")
    return number % attrs.ndim
