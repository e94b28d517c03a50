"""Building nodes: the one place where operands are checked, extended and typed."""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from lattice.errors import (
    FunctionError,
    ImageIndexError,
    LatticeRangeError,
    LatticeTypeError,
    RegionError,
    ShapeMismatchError,
)
from lattice.graph.attributes import Attributes
from lattice.graph.conform import check_same, extend, give_shape
from lattice.graph.function import Function, Kind, Param
from lattice.graph.node import Call, IndexSet, Items, Literal, Node, RegionCut, Subset, ValueList
from lattice.graph.protocols import RegionLike
from lattice.graph.types import (
    BOOL,
    COMPLEX,
    DCOMPLEX,
    DOUBLE,
    FLOAT,
    DType,
    is_bool,
    is_complex,
    is_real,
)

__all__ = ["call", "cut", "index_set", "number", "region_cut", "resolve_items", "subset", "value_list"]


def call(function: Function, *args: Node, units: str = "lel") -> Node:
    """Return the application of a function, with operands checked and extended.

    Parameters
    ----------
    function : Function
        The definition.
    *args : Node
        Its arguments.
    units : {"lel", "check"}
        The rule that gives the unit of the result, see `lattice.functions.units`.

    Raises
    ------
    FunctionError, LatticeTypeError, ShapeMismatchError, CoordinateMismatchError
        When the arguments do not fit the function or each other.
    UnitMismatchError
        When their units do not, and are checked.
    """
    if not function.n_required <= len(args) <= len(function.params):
        raise FunctionError(
            f"{function.name} takes {_count(function)}, not {len(args)}", hint=f"usage: {function.signature}"
        )
    if function.spoken is not None:
        return function.spoken(args)
    for param, arg in zip(function.params, args, strict=False):
        _check_type(function, param, arg)
    if function.build is not None:
        if units == "check" and function.units is not None:
            function.units(args)
        return function.build(args)
    args = _shaped(function, args)
    if function.checks is not None:
        function.checks(args)
    dtype = function.result(tuple(a.attrs.dtype for a in args))
    elementwise = function.kind is Kind.ELEMENTWISE
    attrs = _attributes(function, args, dtype) if elementwise else _summary(function, args, dtype)
    if units == "check" and function.units is not None:
        attrs = attrs.with_(unit=function.units(args))
    node: Node = Call(function, args, attrs)
    return node


def _count(function: Function) -> str:
    low, high = function.n_required, len(function.params)
    plural = "" if high == 1 else "s"
    return f"{high} argument{plural}" if low == high else f"{low} to {high} arguments"


_ACCEPTS: dict[str, tuple[Callable[[DType], bool], str]] = {
    "numeric": (lambda t: not is_bool(t), "a numeric operand"),
    "real": (is_real, "a real operand"),
    "complex": (is_complex, "a complex operand"),
    "bool": (is_bool, "a Bool operand"),
    "any": (lambda _t: True, "any operand"),
}


def _check_type(function: Function, param: Param, arg: Node) -> None:
    accepts, wanted = _ACCEPTS[param.accepts]
    attrs = arg.attrs
    if not accepts(attrs.dtype):
        raise LatticeTypeError(
            f"{function.name} needs {wanted}, not {attrs.describe()}",
            hint=_type_hint(param.accepts, attrs.dtype),
        )
    if param.form == "scalar" and not attrs.is_scalar:
        raise LatticeTypeError(f"{function.name} needs a scalar as {param.name}, not {attrs.describe()}")
    if param.form == "lattice" and attrs.is_scalar:
        raise LatticeTypeError(f"{function.name} needs a lattice as {param.name}, not {attrs.describe()}")


def _type_hint(accepts: str, dtype: DType) -> str | None:
    if is_bool(dtype):
        return "turn truth values into numbers with iif(condition, 1, 0)"
    if accepts == "bool":
        return "turn numbers into truth values with a comparison, such as x != 0"
    if accepts == "real" and is_complex(dtype):
        return "take a real part of it with real(), imag(), abs() or arg()"
    if accepts == "complex":
        return "make it complex with complex()"
    return None


def _shaped(function: Function, args: tuple[Node, ...]) -> tuple[Node, ...]:
    """Give index conditions their shape and let lattices conform."""
    lattices = [a for a in args if a.attrs.shape]
    shapeless = any(a.attrs.is_shapeless for a in args)
    if shapeless and (
        function.kind is not Kind.ELEMENTWISE or any(p.form == "scalar" for p in function.params)
    ):
        raise ShapeMismatchError(
            f"{function.name} cannot take an index condition that has no shape",
            hint="combine it with a lattice first, as in x[index0 in [1:3]]",
        )
    if shapeless and lattices:
        args = tuple(give_shape(a, lattices[0].attrs) for a in args)
    if function.kind is not Kind.ELEMENTWISE or len(lattices) < 1:
        return args
    what = f"'{function.name}'" if function.operator else f"{function.name}()"
    if function.extends and len(args) == 2 and all(a.attrs.shape for a in args):
        return extend(args[0], args[1], what)
    check_same(args, what)
    return args


def _attributes(function: Function, args: tuple[Node, ...], dtype: DType) -> Attributes:
    masked = function.masked(args) if function.masked else any(a.attrs.masked for a in args)
    # 'a < b' means 'b > a': it is the right operand that brings the coordinates
    order = args[::-1] if function.name in ("<", "<=") else args
    lattices = [a.attrs for a in order if a.attrs.shape]
    if not lattices:
        shape = None if any(a.attrs.is_shapeless for a in args) else ()
        unit = next((a.attrs.unit for a in order if a.attrs.unit), "")
        return Attributes(dtype, shape, masked=masked, unit=unit if function.unit == "first" else "")
    leader = next((x for x in lattices if x.coords is not None), lattices[0])
    return leader.with_(dtype=dtype, masked=masked, unit=leader.unit if function.unit == "first" else "")


def _summary(function: Function, args: tuple[Node, ...], dtype: DType) -> Attributes:
    x = args[0].attrs
    if x.is_scalar and function.of_scalar is None:
        raise LatticeTypeError(f"{function.name} needs a lattice, not {x.describe()}")
    masked = function.masked(args) if function.masked else True
    unit = x.unit if function.unit == "first" else ""
    return Attributes(dtype, masked=masked, unit=unit)


def value_list(elements: Sequence[Node]) -> Node:
    """Return the lattice of one axis that lists scalars, all Bool or all numeric."""
    for e in elements:
        if not e.attrs.is_scalar:
            raise LatticeTypeError(f"elements of a list must be scalars, not {e.attrs.describe()}")
    types = [e.attrs.dtype for e in elements]
    if len({is_bool(t) for t in types}) > 1:
        raise LatticeTypeError("a list holds either truth values or numbers, not both")
    dtype = np.result_type(*types)
    attrs = Attributes(dtype, (len(elements),), ("axis0",), masked=any(e.attrs.masked for e in elements))
    node: Node = ValueList(tuple(elements), attrs)
    return node


def index_set(axis: Node, ranges: Sequence[tuple[int, int, int]], negate: bool = False) -> Node:
    """Return the condition that the index along an axis is in a set of (first, last, stride) ranges."""
    if not (axis.attrs.is_scalar and is_real(axis.attrs.dtype)):
        raise LatticeTypeError(
            f"the axis of an index condition is a real scalar, not {axis.attrs.describe()}"
        )
    for first, last, stride in ranges:
        if first > last:
            raise LatticeRangeError(f"the index range {first}:{last} ends before it starts")
        if stride < 1:
            raise LatticeRangeError(f"the stride of an index range is at least 1, not {stride}")
    attrs = Attributes(BOOL, None, masked=axis.attrs.masked)
    node: Node = IndexSet(axis, tuple(ranges), negate, attrs)
    return node


def region_cut(x: Node, region: RegionLike, label: str) -> Node:
    """Return a lattice cut to a pixel region that was made for its shape."""
    if x.attrs.is_scalar:
        raise RegionError("a scalar has no regions")
    if x.attrs.is_shapeless:
        raise ShapeMismatchError("an index condition has no shape to apply a region to")
    if tuple(region.shape) != x.attrs.shape:
        raise RegionError(
            f"region {label} was made for a lattice of shape {tuple(region.shape)}, "
            f"but this one has shape {x.attrs.shape}",
            hint="shapes are given slowest axis first",
        )
    node: Node = RegionCut(x, region, label)
    return node


def resolve_items(key: Any, dims: tuple[str, ...], shape: tuple[int, ...]) -> Items:
    """Return one resolved slice or integer per axis from a numpy-like index.

    Raises
    ------
    ImageIndexError
        For an integer outside the axis, too many indices, or a slice that is none.
    """
    given = list(key) if isinstance(key, tuple) else [key]
    if sum(item is Ellipsis for item in given) > 1:
        raise ImageIndexError("an index can have one '...' only")
    if Ellipsis in [i for i in given if not isinstance(i, np.ndarray)]:
        at = next(n for n, i in enumerate(given) if i is Ellipsis)
        given[at : at + 1] = [slice(None)] * (len(shape) - len(given) + 1)
    if len(given) > len(shape):
        raise ImageIndexError(f"{len(given)} indices for {len(shape)} axes {dims}")
    given += [slice(None)] * (len(shape) - len(given))
    return tuple(_item(i, d, n) for i, d, n in zip(given, dims, shape, strict=True))


def _item(item: Any, dim: str, length: int) -> slice | int:
    if isinstance(item, slice):
        try:
            start, stop, step = item.indices(length)
        except (TypeError, ValueError) as error:  # a step of zero, or ends that are no integers
            raise ImageIndexError(f"axis {dim!r}: {error}") from None
        count = len(range(start, stop, step))
        if count == 0:
            return slice(0, 0, 1)
        return slice(start, start + (count - 1) * step + (1 if step > 0 else -1), step)
    try:
        if isinstance(item, bool):
            raise TypeError  # numpy takes it as a mask, not as a number
        number = int(item.__index__())
    except (AttributeError, TypeError):
        raise ImageIndexError(f"axis {dim!r} takes an integer or a slice, not {item!r}") from None
    if not -length <= number < length:
        raise ImageIndexError(f"index {number} is outside axis {dim!r} of length {length}")
    return number % length


def subset(x: Node, items: Items) -> Node:
    """Return a cut of resolved items; cuts of cuts are one cut, the whole is the node itself."""
    if x.attrs.shape is None:
        raise ShapeMismatchError("an index condition has no shape to cut")
    if all(
        isinstance(i, slice) and (i.start, i.stop, i.step) == (0, n, 1)
        for i, n in zip(items, x.attrs.shape, strict=True)
    ):
        return x
    if isinstance(x, Subset):
        return subset(x.children[0], _merge(x.items, items))
    node: Node = Subset(x, items)
    return node


def _merge(outer: Items, inner: Items) -> Items:
    rest = iter(inner)
    merged: list[slice | int] = []
    for o in outer:
        if not isinstance(o, slice):
            merged.append(o)
            continue
        i = next(rest)
        axis = range(o.start, o.stop, o.step)
        if not isinstance(i, slice):
            merged.append(axis[i])
            continue
        picked = axis[i.start : i.stop if i.stop >= 0 else None : i.step]
        merged.append(slice(picked.start, picked.stop, picked.step) if len(picked) else slice(0, 0, 1))
    return tuple(merged)


def cut(x: Node, key: Any) -> Node:
    """Return ``x[key]`` for a numpy-like index of integers, slices and '...'."""
    return subset(x, resolve_items(key, x.attrs.dims, x.attrs.shape or ()))


def number(value: Any, like: DType, negative: Function, plus: Function) -> Node:
    """Return the node of a number that meets an operand of type `like`.

    Python numbers are weak: they take the precision of the operand.  numpy scalars keep their own type.
    Negative and complex numbers become the operation that LEL text has for them.
    """
    if isinstance(value, (np.generic, bool)):
        scalar = np.asarray(value)
        dtype = Literal.of(value).attrs.dtype
        if is_bool(dtype):
            return Literal.of(value, dtype)
        return _signed(complex(scalar) if is_complex(dtype) else float(scalar), dtype, negative, plus)
    single = like in (FLOAT, COMPLEX, BOOL)
    if isinstance(value, complex):
        return _signed(value, COMPLEX if single else DCOMPLEX, negative, plus)
    if isinstance(value, int):
        dtype = FLOAT if single or float(np.float32(value)) == value else DOUBLE
        return _signed(value, dtype, negative, plus)
    if isinstance(value, float):
        return _signed(value, FLOAT if single else DOUBLE, negative, plus)
    msg = f"{value!r} is not a number"
    raise LatticeTypeError(msg)


def _signed(value: Any, dtype: DType, negative: Function, plus: Function) -> Node:
    if isinstance(value, complex):
        real_type = FLOAT if dtype == COMPLEX else DOUBLE
        imaginary: Node = Literal.of(complex(0, abs(value.imag)), dtype)
        if math.copysign(1.0, value.imag) < 0:
            imaginary = call(negative, imaginary)
        if value.real == 0 and not cmath.isnan(value):
            return imaginary
        return call(plus, _signed(value.real, real_type, negative, plus), imaginary)
    literal = Literal.of(abs(value), dtype)
    return call(negative, literal) if value < 0 or (value == 0 and math.copysign(1.0, value) < 0) else literal
