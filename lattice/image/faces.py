"""Operations as functions of the language: one declaration makes text, method and printed text agree.

A method of `lattice.Image` that is decorated by `spoken` says of which kind its arguments are.  That makes a
function of the language, which reads the arguments of a text and calls the method; and the method gives its
result the name and the arguments, as text that reads back as them.  So all three are one node.
"""

from __future__ import annotations

import functools
import inspect
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from lattice.errors import LatticeError, LatticeRangeError, LatticeTypeError, ShapeMismatchError
from lattice.functions.registry import define, same
from lattice.graph.fold import constant
from lattice.graph.function import Kind, Param
from lattice.graph.node import Named, Node, Operation, RegionCut, Source, Transpose, ValueList
from lattice.graph.show import number_text, quoted
from lattice.graph.types import is_bool, is_complex
from lattice.image.arguments import angle, axis_of
from lattice.ops.named_grids import NAMES

__all__ = [
    "ANGLE", "AXES", "AXIS", "EITHER", "FACTORS", "GRID", "IMAGE", "KERNEL", "LIST", "MAPPING", "NUMBER",
    "NUMBERS", "ORDER", "PLACES", "POINTS", "TRUTH", "WHOLE", "WHOLES", "WORD", "Argument", "spoken",
]  # fmt: skip

DEFAULT = "default"
"""Text that stands for an argument that is left out where another one follows."""

_LONGEST = 256  # numbers of a list that are written out

Given = Node | str | tuple[Any, ...]
Method = TypeVar("Method", bound=Callable[..., Any])


@dataclass(frozen=True)
class Argument:
    """A kind of argument.

    Attributes
    ----------
    what : str
        In words.
    read : callable
        ``read(image, given)``: what the method is given for a node, a text, or a tuple of these from a list.
    say : callable
        ``say(image, value)``: the argument as text that `read` turns back into it, or as a node; None where
        the language has no words for it.
    texts : callable, optional
        Which texts in quotes it may be.
    """

    what: str
    read: Callable[[Any, Given], Any]
    say: Callable[[Any, Any], str | Node | None]
    texts: Callable[[str], bool] | None = None


# -- reading ------------------------------------------------------------------------------------------------


def number_of(given: Given) -> float:
    """Return a real number that is made of constants."""
    if isinstance(given, Node) and given.attrs.is_scalar and not is_bool(given.attrs.dtype):
        value = constant(given)
        if value is None or value.value is None:
            raise LatticeRangeError(
                "the number is not constant: it decides what the result is",
                hint="put in the number, as in lattice.expr(text, a=a, s=0.1)",
            )
        if not is_complex(given.attrs.dtype):
            return float(value.value)
    raise LatticeTypeError(f"a number is needed here, not {_described(given)}")


def whole_of(given: Given) -> int:
    """Return a whole number that is made of constants."""
    number = number_of(given)
    if not number.is_integer():
        raise LatticeTypeError(f"a whole number is needed here, not {number:g}")
    return int(number)


def parts_of(given: Given) -> tuple[Given, ...]:
    """Return the elements of a list; anything else is one."""
    if isinstance(given, ValueList):
        return given.children
    return given if isinstance(given, tuple) else (given,)


def _described(given: Given) -> str:
    if isinstance(given, str):
        return f"the text {given!r}"
    return given.attrs.describe() if isinstance(given, Node) else "a list"


def _read_word(_image: Any, given: Given) -> str:
    if not isinstance(given, str):
        raise LatticeTypeError(
            f"a text in quotes is needed here, not {_described(given)}", hint="such as 'mean'"
        )
    return given


def _read_truth(_image: Any, given: Given) -> bool:
    value = constant(given) if isinstance(given, Node) and given.attrs.is_scalar else None
    if value is None or not is_bool(value.attrs.dtype) or value.value is None:
        raise LatticeTypeError(f"T or F is needed here, not {_described(given)}")
    return bool(value.value)


def _read_angle(_image: Any, given: Given) -> str | float:
    return given if isinstance(given, str) else number_of(given)


def _read_axis(image: Any, given: Given) -> str | int:
    if isinstance(given, str):
        return given
    number = whole_of(given)
    if not 0 <= number < image.ndim:
        raise LatticeRangeError(
            f"there is no axis {number} in an image of {image.ndim} axes",
            hint=f"axes count from 0 at the fastest, or have names: {', '.join(reversed(image.dims))}",
        )
    return int(image.ndim - 1 - number)


def _read_axes(image: Any, given: Given) -> list[str | int]:
    if isinstance(given, str) and given not in image.dims:
        given = tuple(part for part in re.split(r"[\s,]+", given) if part)
    return [_read_axis(image, part) for part in parts_of(given)]


def _read_either(_image: Any, given: Given) -> Any:
    """Return a text, a number, or a list of numbers, whole ones as such."""
    if isinstance(given, str):
        return given
    numbers = [number_of(part) for part in parts_of(given)]
    whole = [int(v) if v.is_integer() else v for v in numbers]
    return whole[0] if len(whole) == 1 else whole


def _read_points(_image: Any, given: Given) -> list[tuple[float, float]]:
    numbers = [number_of(part) for part in parts_of(given)]
    if len(numbers) < 4 or len(numbers) % 2:
        raise LatticeTypeError(
            "a line has two ends at least, of two pixel numbers each", hint="as in [x1, y1, x2, y2]"
        )
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def _read_mapping(image: Any, given: Given) -> Any:
    if not isinstance(given, str):
        return whole_of(given)
    found = {}
    for pair in given.split(","):
        name, equals, value = (part.strip() for part in pair.partition("="))
        words = [_plain(word) for word in value.split()]
        if not name or not equals or not 1 <= len(words) <= 2:
            raise LatticeTypeError(
                f"{pair.strip()!r} is not an axis and its value", hint="as in 'y=2, x=3', or 'x=boxcar 3'"
            )
        axis_of(image, name)
        found[name] = words[0] if len(words) == 1 else tuple(words)
    return found


def _plain(word: str) -> Any:
    try:
        return int(word)
    except ValueError:
        pass
    try:
        return float(word)
    except ValueError:
        return word


def _read_order(image: Any, given: Given) -> tuple[Any, ...]:
    if isinstance(given, str):
        return (given,)
    axes = [whole_of(part) for part in parts_of(given)]
    if sorted(axes) != list(range(image.ndim)):
        raise ShapeMismatchError(
            f"transpose() names each of the {image.ndim} axes once, unlike {axes}",
            hint="axes count from 0, the fastest one first: transpose(x, [1, 0])",
        )
    return (tuple(image.ndim - 1 - k for k in reversed(axes)),)


def _read_image(image: Any, given: Given) -> Any:
    if not isinstance(given, Node) or given.attrs.shape is None:
        raise LatticeTypeError(f"an image is needed here, not {_described(given)}")
    return type(image)(given)


# -- saying -------------------------------------------------------------------------------------------------


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)


def _say_number(_image: Any, value: Any) -> str | None:
    return number_text(value) if _is_number(value) and math.isfinite(value) else None


def _say_word(_image: Any, value: Any) -> str | None:
    return quoted(value) if isinstance(value, str) and value.strip() and value.isprintable() else None


def _say_angle(_image: Any, value: Any) -> str | None:
    if isinstance(value, str):
        return _say_word(_image, value)
    if hasattr(value, "to_value") and value.unit.physical_type != "angle":
        return quoted(f"{float(value.value)!r} {value.unit}")  # the width along other axes than the sky
    return number_text(angle(value)) if _is_number(value) or hasattr(value, "to_value") else None


def _say_axis(image: Any, value: Any) -> str:
    return quoted(image.dims[axis_of(image, value)])


def _say_axes(image: Any, value: Any) -> str | None:
    given = list(value) if np.ndim(value) else [value]
    return _listed([_say_axis(image, one) for one in given]) if given else None


def _say_numbers(image: Any, value: Any) -> str | None:
    given = list(np.ravel(value)) if np.ndim(value) else [value]
    if len(given) > _LONGEST:
        return None
    said = [_say_number(image, v) for v in given]
    return None if None in said or not said else _listed([s for s in said if s is not None])


def _say_either(image: Any, value: Any) -> str | None:
    if isinstance(value, str):
        return _say_word(image, value)
    return None if isinstance(value, slice) or hasattr(value, "to_value") else _say_numbers(image, value)


def _say_points(image: Any, value: Any) -> str | None:
    try:
        points = np.array(value, np.float64)
    except (TypeError, ValueError):
        return None  # places on the sky
    return _say_numbers(image, points) if points.ndim == 2 and points.shape[1] == 2 else None


def _say_places(image: Any, value: Any) -> str | None:
    return None if isinstance(value, Mapping) else _say_numbers(image, list(value)[::-1])


def _say_mapping(image: Any, value: Any) -> str | None:
    if not isinstance(value, Mapping):
        return _say_number(image, value)
    pairs = []
    for key, given in value.items():
        words = [
            str(w) if isinstance(w, str) else repr(_exact(w)) for w in (given if np.ndim(given) else [given])
        ]
        if not words or len(words) > 2 or any(re.search(r"[\s,=]", w) for w in words):
            return None
        pairs.append(f"{image.dims[axis_of(image, key)]}={' '.join(words)}")
    return quoted(", ".join(pairs))


def _exact(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def _say_factors(image: Any, value: Any) -> str:
    from lattice.image.export import rebin_factors

    return _listed([str(k) for k in reversed(rebin_factors(image, value, {}))])


def _say_order(image: Any, value: Any) -> str:
    from lattice.ops.transpose import axis_order

    n = image.ndim
    order, reverse = axis_order(image.node.attrs, value[0] if len(value) == 1 else value)
    if reverse:
        return quoted(" ".join(("-" if k in reverse else "") + image.dims[k] for k in order))
    return f"[{', '.join(str(n - 1 - k) for k in reversed(order))}]"


def _say_kernel(image: Any, value: Any) -> str | Node | None:
    if (node := _say_image(image, value)) is not None:
        return node
    return _say_numbers(image, value) if np.ndim(value) == 1 and np.size(value) > 1 else None


def _say_image(_image: Any, value: Any) -> Node | None:
    from lattice.image.base import ImageBase

    return value.node if isinstance(value, ImageBase) else None


def _say_grid(image: Any, value: Any) -> str | Node | None:
    return quoted(value) if isinstance(value, str) and _is_frame(value) else _say_image(image, value)


def _is_frame(text: str) -> bool:
    return text.upper() in NAMES or text.lower() in NAMES


def _say_truth(_image: Any, value: Any) -> str | None:
    return ("T" if value else "F") if isinstance(value, bool | np.bool_) else None


def _listed(texts: list[str]) -> str:
    return texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"


def _weights(given: Given) -> np.ndarray:
    return np.array([number_of(part) for part in parts_of(given)])


def _one_or_more(given: Given, read: Callable[[Given], Any]) -> Any:
    parts = parts_of(given)
    return read(parts[0]) if len(parts) == 1 else [read(p) for p in parts]


def _any_text(_text: str) -> bool:
    return True


WORD = Argument("any", _read_word, _say_word, _any_text)
NUMBER = Argument("number", lambda _i, g: number_of(g), _say_number)
WHOLE = Argument("whole number", lambda _i, g: whole_of(g), _say_number)
NUMBERS = Argument("number, or a list of numbers", lambda _i, g: _one_or_more(g, number_of), _say_numbers)
WHOLES = Argument("whole number, or a list", lambda _i, g: _one_or_more(g, whole_of), _say_numbers)
LIST = Argument("list of numbers", lambda _i, g: [number_of(p) for p in parts_of(g)], _say_numbers)
TRUTH = Argument("T or F", _read_truth, _say_truth)
ANGLE = Argument("text such as '5arcsec', or a number", _read_angle, _say_angle, _any_text)
AXIS = Argument("name of an axis, or its number", _read_axis, _say_axis, _any_text)
AXES = Argument("names of axes, or their numbers", _read_axes, _say_axes, _any_text)
IMAGE = Argument("lattice", _read_image, _say_image)
KERNEL = Argument(
    "lattice of weights, or a list of them",
    lambda i, g: _read_image(i, g) if isinstance(g, Node) and not isinstance(g, ValueList) else _weights(g),
    _say_kernel,
)
EITHER = Argument("text in quotes, a number, or a list of numbers", _read_either, _say_either, _any_text)
GRID = Argument(
    "lattice, or the name of a frame or spectral variable in quotes",
    lambda i, g: g if isinstance(g, str) else _read_image(i, g),
    _say_grid,
    _is_frame,
)
POINTS = Argument("list of pixels: x1, y1, x2, y2, ...", _read_points, _say_points)
PLACES = Argument(
    "list of pixels, one per axis, fastest first",
    lambda _i, g: [whole_of(p) for p in parts_of(g)][::-1],
    _say_places,
)
FACTORS = Argument(
    "list of whole numbers, fastest axis first",
    lambda _i, g: [whole_of(p) for p in parts_of(g)][::-1],
    _say_factors,
)
MAPPING = Argument("whole number, or text such as 'y=2, x=3'", _read_mapping, _say_mapping, _any_text)
ORDER = Argument(
    "list of axis numbers, fastest first, or text: digits, or names, slowest first",
    _read_order,
    _say_order,
    _any_text,
)


# -- declaring ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Face:
    """What the language knows of a method."""

    method: Callable[..., Any]
    names: tuple[str, ...]
    kinds: Mapping[str, Argument]
    signature: inspect.Signature
    required: int

    def call(self, number: int, args: tuple[Any, ...], failed: Any = None) -> Node:
        """Return the node of a call in a text."""
        from lattice.image import Image
        from lattice.image.make import Parts

        x, *given = args
        values = {}
        position = 0
        try:
            if not isinstance(x, Node) or not x.attrs.shape:
                raise LatticeTypeError(f"{self.names[number]} needs a lattice, not {_described(x)}")
            image = Image._of(Parts(x))
            for position, (key, value) in enumerate(zip(self.kinds, given, strict=False), 1):
                if value != DEFAULT or position <= self.required:
                    values[key] = self.kinds[key].read(image, value)
        except LatticeError as error:
            if failed is not None:
                failed(position, error)
            raise
        arguments = self.signature.bind_partial(image)
        for key, value in values.items():
            several = self.signature.parameters[key].kind is inspect.Parameter.VAR_POSITIONAL
            arguments.arguments[key] = tuple(value) if several and isinstance(value, list) else value
        made = getattr(image, self.method.__name__)(*arguments.args[1:], **arguments.kwargs)
        node: Node = (made[number] if isinstance(made, tuple) else made).node
        return node

    def words(
        self, image: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> tuple[str | Node, ...] | None:
        """Return the arguments of a call of the method as the language has them; None where it has not."""
        bound = self.signature.bind(image, *args, **kwargs).arguments
        _, *parameters = self.signature.parameters.values()
        said: list[str | Node] = []
        last = self.required
        for parameter in parameters:
            given = bound.get(parameter.name, parameter.default)
            if parameter.kind is inspect.Parameter.VAR_KEYWORD and given is not parameter.default:
                key = next(iter(self.kinds))  # single axes as keywords
                bound[key] = {**(bound[key] if isinstance(bound.get(key), Mapping) else {}), **given}
            elif parameter.name not in self.kinds and given is not parameter.default:
                return None
        for key, kind in self.kinds.items():
            default = self.signature.parameters[key].default
            value = bound.get(key, default)
            if (key not in bound or value is default) and len(said) >= self.required:
                said.append(quoted(DEFAULT))
                continue
            text = kind.say(image, value)
            if text is None or text == quoted(DEFAULT):
                return None
            said.append(text)
            last = len(said)
        return (image.node, *said[:last])

    def named(self, image: Any, made: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """Return what the method made, with the names of the calls that make it."""
        words = self.words(image, args, kwargs)
        if words is None:
            return made
        if isinstance(made, tuple):
            parts = (_named(m, n, words) for m, n in zip(made, self.names, strict=True))
            return type(made)(*parts)
        return _named(made, self.names[0], words)


def _named(image: Any, name: str, words: tuple[str | Node, ...]) -> Any:
    node = image.node
    while isinstance(node, Named):
        node = node.made
    if _speaks(node, words[0]):
        return image
    if node is words[0] or (image._masks and isinstance(node, Source | RegionCut)):
        return image  # nothing was done, or stored pixels got other labels: their masks can still be changed
    return image._with(node=Named(node, name, words))


def _speaks(node: Node, x: Node | str) -> bool:
    """Tell whether a node made of x has a text of its own."""
    if isinstance(x, Transpose) and (node is x.children[0] or isinstance(node, Transpose)):
        return node is x.children[0] or node.children == x.children  # two turns are one, or none
    own = isinstance(node, Transpose) or (isinstance(node, Operation) and node.speaks)
    return own and node.children == (x,)


def spoken(
    family: str, example: str, *names: str, required: int = 0, **kinds: Argument
) -> Callable[[Method], Method]:
    """Decorate a method of Image: make it a function of the language, too.

    Parameters
    ----------
    family : str
        Heading under which the function is listed.
    example : str
        A call in the language, on the images of the tests of functions.
    *names : str
        What it is called; the name of the method if it is left out. More than one for a method that returns a
        tuple of images; then with a summary, as in ``"name: What it is."``.
    required : int, optional
        Number of arguments, beside the image, that may not be left out.
    **kinds : Argument
        What the arguments are, in the order in which the language has them, by the names that the method has.
    """

    def decorate(method: Method) -> Method:
        called = tuple(name.partition(": ")[0] for name in names) or (method.__name__,)
        face = _Face(method, called, kinds, inspect.signature(method), required)

        @functools.wraps(method)
        def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
            return face.named(self, method(self, *args, **kwargs), args, kwargs)

        params = [Param("x", "any", "lattice")]
        for number, (key, kind) in enumerate(kinds.items(), 1):
            texts = _accepting(kind, number > required)
            form = "text" if kind is WORD else "any"
            params.append(Param(key, kind.what, form, number > required, texts))
        summary = re.sub(r"\s+", " ", (inspect.getdoc(method) or "").split("\n\n")[0])
        summary = summary.removeprefix("Return ")
        own = [name.partition(": ")[2] for name in names] or [summary[:1].upper() + summary[1:]]
        more = f"As the method ``Image.{method.__name__}``, which tells of mask, unit, beam and coordinates."
        for number, name in enumerate(called):
            define(
                name, Kind.STRUCTURAL, params, same, family=family,
                spoken=functools.partial(face.call, number),
                doc=f"{own[number]}\n\n{more}\n\n>>> {example.replace('NAME', name)}",
            )  # fmt: skip
        return wrapper  # type: ignore[return-value]

    return decorate


def _accepting(kind: Argument, optional: bool) -> Callable[[str], bool] | None:
    if kind.texts is not None or not optional:
        return kind.texts
    return lambda text: text == DEFAULT
