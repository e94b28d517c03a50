"""Operators, numpy functions and methods of images: all of them build graph nodes and compute nothing."""

from __future__ import annotations

import inspect
import operator
from collections.abc import Callable, Iterable
from typing import Any, NoReturn, Self

import numpy as np

from lattice.errors import FunctionError, LatticeError, LatticeRangeError, LatticeTypeError, suggest
from lattice.functions.registry import all_functions, by_ufunc, lookup, names
from lattice.functions.units import rule
from lattice.graph.build import call, number
from lattice.graph.function import Function, Kind
from lattice.graph.node import Node
from lattice.graph.types import DType, is_bool, lel_dtype, promote
from lattice.image.base import ImageBase
from lattice.image.make import array_parts, is_array, is_nddata
from lattice.image.quantities import is_quantity, without_quantities
from lattice.image.units import node_with_unit

__all__ = ["ImageMath", "axes_of", "operand"]

_LARGEST = float(np.finfo(np.float32).max)


def operand(value: Any, like: DType, leader: ImageBase | None = None) -> Node | None:
    """Return the node of an operand, None for what cannot be one.

    Python numbers take the precision of `like`; arrays of the leader's shape take its dims.
    """
    node = getattr(value, "node", None)
    if isinstance(node, Node):
        return node
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value[()]
    if isinstance(value, bool | int | float | complex | np.generic):
        return number(_fitting(value, like), like, lookup("-", 1), lookup("+", 2))
    if is_array(value) or is_nddata(value):
        same = (
            leader is not None
            and tuple(np.shape(value.data if is_nddata(value) else value)) == leader.shape
            and not hasattr(value, "dims")
        )
        nothing: dict[str, Any] = {"wcs": None, "mask": None, "masks": None, "regions": None}
        dims = leader.dims if same and leader is not None else None
        parts = array_parts(
            value, dims=dims, unit=None, beam=None, meta=None, history=(), name="array", **nothing
        )
        return parts.node
    return None


def _fitting(value: Any, like: DType) -> Any:
    """Return a number in a type that holds it, where single precision would make it infinite."""
    if isinstance(value, np.generic):
        lel_dtype(value.dtype)  # refuses what is no number
        return value
    try:
        single = like.itemsize // (2 if like.kind == "c" else 1) < 8
        if single and not isinstance(value, bool) and abs(value) > _LARGEST and np.isfinite(complex(value)):
            return np.complex128(value) if isinstance(value, complex) else np.float64(value)
        float(abs(value))
    except OverflowError:
        raise LatticeRangeError(f"the number {str(value)[:20]}... is too large") from None
    return value


def axes_of(image: Any, dims: Any) -> tuple[int, ...]:
    """Return axis numbers, in order, from dim names or numpy axis numbers (one, or several)."""
    given = [dims] if isinstance(dims, str | int | np.integer) or np.ndim(dims) == 0 else list(dims)
    found: list[int] = []
    for dim in given:
        if isinstance(dim, str):
            if dim not in image.dims:
                hint = suggest(dim, image.dims) or f"the dims are {', '.join(image.dims) or 'none'}"
                raise LatticeRangeError(f"there is no dim {dim!r}", hint=hint)
            found.append(image.dims.index(dim))
        else:
            try:
                axis = operator.index(dim)
            except TypeError:
                raise LatticeTypeError(
                    f"{dim!r} is neither the name of a dim nor the number of an axis"
                ) from None
            if not -image.ndim <= axis < image.ndim:
                raise LatticeRangeError(f"axis {axis} does not exist in an image of {image.ndim} axes")
            found.append(axis % image.ndim)
    if len(set(found)) != len(found):
        raise LatticeRangeError(f"a dim is named twice in {dims!r}")
    return tuple(sorted(found))


class ImageMath(ImageBase):
    """What can be done with the pixels of an image."""

    __slots__ = ()
    __array_priority__ = 1000

    # -- operators -------------------------------------------------------------------------------

    def _apply(self, name: str, *args: Any) -> Self:
        """Return a function of the language applied to this image and others."""
        return apply_function(lookup(name, len(args)), args)

    def _binary(self, name: str, other: Any, swapped: bool = False) -> Any:
        if not is_quantity(other) and operand(other, self.dtype, self) is None:
            return NotImplemented
        return self._apply(name, *((other, self) if swapped else (self, other)))

    def __add__(self, other: Any) -> Self:
        return self._binary("+", other)

    def __radd__(self, other: Any) -> Self:
        return self._binary("+", other, True)

    def __sub__(self, other: Any) -> Self:
        return self._binary("-", other)

    def __rsub__(self, other: Any) -> Self:
        return self._binary("-", other, True)

    def __mul__(self, other: Any) -> Self:
        return self._binary("*", other)

    def __rmul__(self, other: Any) -> Self:
        return self._binary("*", other, True)

    def __truediv__(self, other: Any) -> Self:
        return self._binary("/", other)

    def __rtruediv__(self, other: Any) -> Self:
        return self._binary("/", other, True)

    def __floordiv__(self, other: Any) -> Self:
        quotient = self._binary("/", other)
        return quotient if quotient is NotImplemented else apply_function(lookup("floor", 1), (quotient,))

    def __rfloordiv__(self, other: Any) -> Self:
        quotient = self._binary("/", other, True)
        return quotient if quotient is NotImplemented else apply_function(lookup("floor", 1), (quotient,))

    def __mod__(self, other: Any) -> Self:
        return self._binary("%", other)

    def __rmod__(self, other: Any) -> Self:
        return self._binary("%", other, True)

    def __pow__(self, other: Any) -> Self:
        return self._binary("^", other)

    def __rpow__(self, other: Any) -> Self:
        return self._binary("^", other, True)

    def __lt__(self, other: Any) -> Self:
        return self._binary("<", other)

    def __le__(self, other: Any) -> Self:
        return self._binary("<=", other)

    def __gt__(self, other: Any) -> Self:
        return self._binary(">", other)

    def __ge__(self, other: Any) -> Self:
        return self._binary(">=", other)

    def __eq__(self, other: object) -> Self:  # type: ignore[override]
        return self._binary("==", other)

    def __ne__(self, other: object) -> Self:  # type: ignore[override]
        return self._binary("!=", other)

    def __hash__(self) -> int:
        return hash(self.node)

    def __and__(self, other: Any) -> Self:
        return self._binary("&&", other)

    def __rand__(self, other: Any) -> Self:
        return self._binary("&&", other, True)

    def __or__(self, other: Any) -> Self:
        return self._binary("||", other)

    def __ror__(self, other: Any) -> Self:
        return self._binary("||", other, True)

    def __xor__(self, other: Any) -> Self:
        self._need_bool("^", "write a power as a ** b")
        return self._binary("!=", other)

    def __rxor__(self, other: Any) -> Self:
        self._need_bool("^", "write a power as a ** b")
        return self._binary("!=", other, True)

    def _need_bool(self, symbol: str, hint: str) -> None:
        if not is_bool(self.dtype):
            raise LatticeTypeError(f"{symbol} is the exclusive or of two Bool images", hint=hint)

    def __invert__(self) -> Self:
        return self._apply("!", self)

    def __neg__(self) -> Self:
        return self._apply("-", self)

    def __pos__(self) -> Self:
        return self._apply("+", self)

    def __abs__(self) -> Self:
        return self._apply("abs", self)

    def __round__(self, digits: int | None = None) -> Self:
        if digits:
            scale = 10**digits
            return apply_function(lookup("round", 1), (self * scale,)) / scale
        return self._apply("round", self)

    # -- numpy -----------------------------------------------------------------------------------

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        options = {k: v for k, v in options.items() if v is not None}
        if method == "reduce" and ufunc in _REDUCE:
            axis = options.pop("axis", 0)
            _refuse_options(f"{ufunc.__name__}.reduce", options)
            return getattr(inputs[0], _REDUCE[ufunc])(axis=axis)
        if method != "__call__":
            raise LatticeTypeError(f"numpy's {ufunc.__name__}.{method} does not work on images")
        _refuse_options(ufunc.__name__, options)
        if ufunc is np.floor_divide:
            return apply_function(lookup("floor", 1), (apply_function(lookup("/", 2), inputs),))
        if ufunc is np.square:
            return self * self
        if ufunc in (np.isfinite, np.isinf):
            # what is infinite or no number has no difference from itself
            finite = (inputs[0] - inputs[0]) == 0
            return finite if ufunc is np.isfinite else ~finite & ~inputs[0].isnan()
        if ufunc is np.logical_xor or ufunc is np.bitwise_xor:
            return apply_function(lookup("!=", 2), inputs)
        function = by_ufunc(ufunc, len(inputs))
        if function is None:
            near = suggest(ufunc.__name__.removeprefix("arc"), names())
            raise LatticeTypeError(
                f"numpy's {ufunc.__name__} has no counterpart that works on images",
                hint=near or "take the pixels with .values, or register a function with @lattice.function",
            )
        return apply_function(function, inputs)

    def __array_function__(self, function: Callable[..., Any], types: Any, args: Any, kwargs: Any) -> Any:
        from lattice.image.numpy_functions import FUNCTIONS

        found = FUNCTIONS.get(function)
        if found is None:
            name = f"{function.__module__}.{function.__name__}"
            method = suggest(function.__name__, [n for n in dir(self) if not n.startswith("_")])
            raise LatticeTypeError(
                f"{name} does not work on images",
                hint=(f"an image has methods of its own ({method}); " if method else "")
                + "take the pixels with .values",
            )
        return found(*args, **kwargs)

    # -- functions of the registry as methods ----------------------------------------------------

    def __getattr__(self, name: str) -> Any:
        own = getattr(type(self), name, None)
        if isinstance(own, property) and own.fget is not None:
            return own.fget(self)  # it raised an AttributeError, which would be hidden here
        # Functions that were registered after this class was made.
        if not name.startswith("_") and name in names():
            for function in all_functions():
                if function.params and name in (function.name, *function.aliases):
                    return _method(name).__get__(self)
        raise AttributeError(
            f"an Image has no attribute {name!r}" + (f"; {h}" if (h := _near(self, name)) else "")
        )

    def std(self, *dims: Any, ddof: int = 1, **options: Any) -> Self:
        """Return the standard deviation of the good pixels: `stddev`, with n - `ddof` degrees of freedom."""
        return spread(self, "stddev", dims, ddof, options)

    def var(self, *dims: Any, ddof: int = 1, **options: Any) -> Self:
        """Return the variance of the good pixels: `variance`, with n - `ddof` degrees of freedom."""
        return spread(self, "variance", dims, ddof, options)

    @property
    def real(self) -> Self:
        """Real part."""
        return self._apply("real", self)

    @property
    def imag(self) -> Self:
        """Imaginary part."""
        return self._apply("imag", self)


def _near(image: Any, name: str) -> str | None:
    return None if name.startswith("_") else suggest(name, [n for n in dir(image) if not n.startswith("_")])


def _refuse_options(what: str, options: dict[str, Any]) -> None:
    if options:
        raise LatticeTypeError(
            f"numpy's {what} takes no {', '.join(options)} with images",
            hint="images are immutable and lazy: assign the result to a name",
        )


_REDUCE = {
    np.add: "sum",
    np.maximum: "max",
    np.minimum: "min",
    np.logical_and: "all",
    np.logical_or: "any",
}


def apply_function(function: Function, args: Iterable[Any]) -> Any:
    """Return a function applied to images, arrays and numbers, one image among them at least."""
    given, unit = without_quantities(function, tuple(args))
    images = [a for a in given if isinstance(a, ImageMath)]
    like = images[0].dtype
    for image in images[1:]:
        if is_bool(image.dtype) == is_bool(like):
            like = promote(like, image.dtype)
        elif is_bool(like):
            like = image.dtype
    nodes = []
    for value in given:
        node = operand(value, like, images[0])
        if node is None:
            raise LatticeTypeError(
                f"{function.name} takes images, arrays and numbers, not a {type(value).__name__}"
            )
        nodes.append(node)
    made = call(function, *nodes, units=rule(False, tuple(nodes)))
    if unit is not None:
        made = node_with_unit(made, unit)
    return images[0]._derive(made, *images[1:])


# -- methods ----------------------------------------------------------------------------------------------


def _method(name: str) -> Callable[..., Any]:
    """Return a method that applies the functions of a name."""
    functions = [f for f in all_functions() if not f.operator and name in (f.name, *f.aliases)]
    summary = next((f for f in functions if f.kind is Kind.REDUCTION), None)
    first = summary or functions[0]

    if summary is not None:

        def method(self: Any, *args: Any, **options: Any) -> Any:
            return reduce(self, summary, args, options)

        scalars = "".join(f"{p.name}, " for p in summary.params[1:] if not p.optional)
        more = f'\n\nOver some dims where their names are given: ``image.{name}({scalars}"frequency")``.'
    else:

        def method(self: Any, *args: Any, **options: Any) -> Any:
            return apply_function(lookup(name, 1 + len(args)), (self, *_by_name(functions, args, options)))

        more = ""
    method.__name__ = name
    method.__qualname__ = f"Image.{name}"
    text = first.doc.split("\n\n>>>")[0]
    method.__doc__ = f"{text}\n\nThe function `{first.signature}` of the language.{more}"
    method.__signature__ = _signature(first, summary is not None)  # type: ignore[attr-defined]
    return method


def _signature(function: Function, reduces: bool) -> inspect.Signature:
    kinds = inspect.Parameter
    params = [kinds("self", kinds.POSITIONAL_OR_KEYWORD)]
    for p in function.params[1:]:
        default = None if p.optional else kinds.empty
        params.append(
            kinds(p.name, kinds.POSITIONAL_ONLY if reduces else kinds.POSITIONAL_OR_KEYWORD, default=default)
        )
    if reduces:
        params[0] = kinds("self", kinds.POSITIONAL_ONLY)
        params.append(kinds("dims", kinds.VAR_POSITIONAL))
        params.append(kinds("axis", kinds.KEYWORD_ONLY, default=None))
    return inspect.Signature(params)


def _by_name(functions: list[Function], args: tuple[Any, ...], options: dict[str, Any]) -> tuple[Any, ...]:
    if not options:
        return args
    for function in functions:
        wanted = [p.name for p in function.params[1 + len(args) :]]
        if set(options) <= set(wanted):
            return (*args, *(options[n] for n in wanted if n in options))
    raise FunctionError(
        f"{functions[0].name} has no argument {', '.join(options)}", hint=f"usage: {functions[0].signature}"
    )


def reduce(image: Any, function: Function, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """Return a reduction over the whole image, or over some dims.

    The arguments are the further scalars of the function, then dims as names or axis numbers.
    """
    scalars, dims = _split(function, args, options)
    if dims is None:
        return apply_function(lookup(function.name, 1 + len(scalars)), (image, *scalars))
    axes = axes_of(image, dims)
    if len(axes) == image.ndim:
        return apply_function(lookup(function.name, 1 + len(scalars)), (image, *scalars))
    from lattice.ops.collapse import collapse

    for scalar in scalars:
        if isinstance(scalar, ImageBase | complex):
            raise LatticeTypeError(f"{function.name} along dims takes numbers, not a {type(scalar).__name__}")
    units = rule(False, (image.node,))
    return image._derive(collapse(image.node, function.name, axes, [float(s) for s in scalars], units=units))


def _split(function: Function, args: tuple[Any, ...], options: dict[str, Any]) -> tuple[tuple[Any, ...], Any]:
    required = function.n_required - 1
    most = len(function.params) - 1
    given = list(args)
    scalars: list[Any] = []
    while given and len(scalars) < most:
        # An optional scalar is told from an axis number by its type.
        if len(scalars) >= required and (isinstance(given[0], str | int | np.integer) or _is_list(given[0])):
            break
        scalars.append(given.pop(0))
    keys = {"dim", "dims", "axis"}
    extra = set(options) - keys - {p.name for p in function.params[1:]}
    if extra:
        raise FunctionError(
            f"{function.name} has no argument {', '.join(sorted(extra))}", hint=f"usage: {function.signature}"
        )
    scalars += [options[p.name] for p in function.params[1 + len(scalars) :] if p.name in options]
    named = [options[k] for k in keys if options.get(k) is not None]
    if len(named) + bool(given) > 1:
        raise LatticeTypeError(f"{function.name}: name the dims once")
    if len(scalars) < required:
        raise FunctionError(
            f"{function.name} needs {function.params[len(scalars) + 1].name}",
            hint=f"usage: {function.signature}",
        )
    if named:
        return tuple(scalars), named[0]
    if not given:
        return tuple(scalars), None
    if any(isinstance(g, ImageMath | float) for g in given):
        raise FunctionError(
            f"image.{function.name}() takes dims, not a {type(given[0]).__name__}",
            hint=f"pixel by pixel: np.{function.name}imum(a, b)" if function.name in ("min", "max") else None,
        )
    return tuple(scalars), given[0] if len(given) == 1 else given


def _is_list(value: Any) -> bool:
    return isinstance(value, list | tuple | set)


def spread(image: Any, name: str, dims: tuple[Any, ...], ddof: int, options: dict[str, Any]) -> Any:
    """Return variance or stddev with n - `ddof` degrees of freedom; the language has n - 1."""
    found = getattr(image, name)(*dims, **options)
    if ddof == 1:
        return found
    n = image.nelements(*dims, **options)
    factor = (n - 1) / (n - ddof)
    if name == "stddev":
        factor = apply_function(lookup("sqrt", 1), (factor,))
    if found.dtype == np.float32:
        factor = apply_function(lookup("float", 1), (factor,))
    return found * factor


def add_methods(cls: type) -> None:
    """Give an image class a method for each function that it does not have a method for yet."""
    for function in all_functions():
        if function.operator or not function.params or function.spoken is not None:
            continue
        for name in (function.name, *function.aliases):
            if not hasattr(cls, name) and name.isidentifier():
                setattr(cls, name, _method(name))


def refuse_truth() -> NoReturn:
    """Raise the error of taking an image as a truth value."""
    raise LatticeTypeError(
        "an image is neither true nor false",
        hint="ask .any() or .all(); combine conditions with &, | and ~ instead of and, or, not",
    )


def undefined(what: str) -> LatticeError:
    """Return the error of taking a number from a scalar that is undefined."""
    return LatticeRangeError(f"{what}: the value is undefined, since no pixel is good")
