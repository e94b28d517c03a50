"""Binds a syntax tree to images, functions and regions: from what the text says to a graph node.

Names are looked up through a `Resolver`; everything else is decided here and in `lattice.graph.build`.  The
text is bound from left to right and from the inside out, so the first error in that order is the one that is
raised, with its place in the text.  Nothing recurses: expressions may be deep.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol

import numpy as np

from lattice.errors import (
    ImageNotFoundError,
    LatticeError,
    LatticeTypeError,
    NameNotFoundError,
    RegionError,
    ShapeMismatchError,
    suggest,
)
from lattice.functions.registry import lookup, names
from lattice.functions.units import rule
from lattice.graph.build import call, index_set, region_cut, value_list
from lattice.graph.function import Function
from lattice.graph.node import Literal, Node
from lattice.graph.show import quote
from lattice.graph.types import FLOAT
from lattice.language import syntax
from lattice.language.diagnosis import shortened
from lattice.language.regions import RegionValue, difference, intersection, outside, union
from lattice.language.syntax import Syntax, walk
from lattice.regions import Region

__all__ = ["Resolver", "bind", "bind_region", "bind_tree"]

Value = Node | RegionValue

_COMPOUNDS = {"&&": intersection, "||": union, "-": difference}
_TRUTH_WORDS = {"true": "T", "false": "F"}


class Resolver(Protocol):
    """Finds what the names in a text stand for; written by those who know images and files."""

    def resolve_image(self, name: str, mask: str | None) -> Node | Region:
        """Return the image of a name, or the region when the caller gave a region that name.

        Parameters
        ----------
        name : str
            The name, without quotes and backslashes.
        mask : str or None
            None for the default mask, "nomask" for none, else the name of a mask.

        Raises
        ------
        NameNotFoundError, ImageNotFoundError
            When there is no image of that name, or it has no such mask.
        """

    def resolve_region(self, image: str, region: str) -> Region:
        """Return a region or mask that is stored with an image.

        Raises
        ------
        NameNotFoundError, ImageNotFoundError
            When there is no such image, or it has no such region.
        """

    def resolve_temporary(self, number: int) -> Node:
        """Return the lattice that the caller passed as ``$number``, counted from 1."""

    def resolve_temporary_region(self, number: int) -> Region:
        """Return the region that the caller passed as ``$rnumber``, counted from 1."""

    def known_images(self) -> Iterable[str]:
        """Return names that may be suggested when one is not found."""

    def known_regions(self, image: str) -> Iterable[str]:
        """Return the names of the regions and masks of an image."""


def bind(text: str, resolver: Resolver, *, shapeless: bool = False) -> Node:
    """Parse and bind an expression.

    Parameters
    ----------
    text : str
        The expression.
    resolver : Resolver
        Finds the images, regions and temporaries that it names.
    shapeless : bool, optional
        Whether it may be a condition on indices alone, which takes the shape of what it is applied to.

    Returns
    -------
    Node
        The graph of the expression, typed and checked.

    Raises
    ------
    LatticeError
        One of its children, with the place in the text: the text is no expression, a name or function is
        unknown, or operands do not fit.
    """
    from lattice.language.parser import parse  # its import builds on lark: only texts need it

    return bind_tree(parse(text), text, resolver, shapeless=shapeless)


def bind_tree(tree: Syntax, text: str, resolver: Resolver, *, shapeless: bool = False) -> Node:
    """Bind a syntax tree that was parsed from `text`."""
    value = _Binder(text, resolver).run(tree)
    if isinstance(value, RegionValue):
        raise RegionError(
            "the expression is a region, not an image",
            text=text,
            span=tree.span,
            hint="cut an image by it, image[region], or take it as truth values, bool(region)",
        )
    if value.attrs.is_shapeless and not shapeless:
        raise ShapeMismatchError(
            "an index condition has no shape of its own",
            text=text,
            span=tree.span,
            hint="it takes that of an image that it is combined with, as in image[index0 in [1:3]]",
        )
    return value


def bind_region(text: str, resolver: Resolver) -> Region:
    """Parse and bind the text of a region, such as ``cube::box && !cube::hole``."""
    from lattice.language.parser import parse

    tree = parse(text)
    value = _Binder(text, resolver).run(tree)
    if not isinstance(value, RegionValue):
        raise RegionError(
            "the text is no region", text=text, span=tree.span, hint="regions are written image::region"
        )
    return value.region


class _Binder:
    """One run over one tree; `last` is the name of the image named last."""

    def __init__(self, text: str, resolver: Resolver) -> None:
        self.text = text
        self.resolver = resolver
        self.last: str | None = None
        self.texts: dict[int, str | None] = {}

    def run(self, tree: Syntax) -> Value:
        for node in walk(tree):
            if isinstance(node, syntax.Call):
                self._find_texts(node)
        done: list[Any] = []
        for node in walk(tree):
            count = len(node.children())
            operands = done[len(done) - count :]
            del done[len(done) - count :]
            try:
                done.append(_BIND[type(node)](self, node, operands))
            except LatticeError as error:
                error.located(self.text, node.span)
                raise
        result: Value = done[0]
        return result

    def number(self, node: syntax.Number, _: list[Any]) -> Value:
        return Literal.of(node.value, np.dtype(node.dtype))

    def truth(self, node: syntax.Truth, _: list[Any]) -> Value:
        return Literal.of(node.value)

    # -- texts -----------------------------------------------------------------------------------

    def _find_texts(self, node: syntax.Call) -> None:
        """Note which names in quotes are no images but texts, by what the function says of its arguments."""
        try:
            function = lookup(node.function, len(node.arguments))
        except LatticeError:
            return  # which is said in its turn
        if function.spoken is None:
            return
        for param, argument in zip(function.params, node.arguments, strict=False):
            listed = argument.elements if isinstance(argument, syntax.ValueList) else (argument,)
            for part in listed:
                if not isinstance(part, syntax.Name) or param.texts is None:
                    continue
                if part.text is None and param.form == "text":
                    written = shortened(self.text[slice(*part.span)])
                    raise LatticeTypeError(
                        f"{param.name} of {function.name}() is a text in quotes", hint=f"write '{written}'",
                        text=self.text, span=part.span,
                    )  # fmt: skip
                if part.text is not None and param.texts(part.text):
                    self.texts[id(part)] = part.text
                    self.texts[id(argument)] = part.text if part is argument else None

    # -- names ---------------------------------------------------------------------------------

    def name(self, node: syntax.Name, _: list[Any]) -> Any:
        if id(node) in self.texts:
            return self.texts[id(node)]
        if node.region is not None:
            return self._stored_region(node)
        if node.name is None:
            raise NameNotFoundError(
                f"the name of an image is missing before ':{shortened(node.mask or '')}'",
                hint="a region of the image named last is written with two colons",
            )
        try:
            found = self.resolver.resolve_image(node.name, node.mask)
        except (NameNotFoundError, ImageNotFoundError) as error:
            if node.mask is not None:
                raise
            region = self._region_of_last(node.name)
            if region is None:
                raise self._unknown(node.name, error) from None
            return region
        if isinstance(found, Region):
            return RegionValue(found, quote(node.name, node.mask or ""))
        self.last = node.name
        return found

    def _stored_region(self, node: syntax.Name) -> RegionValue:
        assert node.region is not None
        image = self.last if node.name is None else node.name
        if image is None:
            raise NameNotFoundError(
                f"'::{shortened(node.region)}' is a region of the image named last, and no image was named",
                hint="write the name of the image before the colons",
            )
        try:
            region = self.resolver.resolve_region(image, node.region)
        except (NameNotFoundError, ImageNotFoundError) as error:
            if error.hint is None:
                error.hint = suggest(shortened(node.region), self._regions_of(image))
            raise
        self.last = image
        return RegionValue.stored(region, image, node.region)

    def _region_of_last(self, name: str) -> RegionValue | None:
        """Return the region that a bare name may be, or None."""
        if self.last is None:
            return None
        try:
            region = self.resolver.resolve_region(self.last, name)
        except (NameNotFoundError, ImageNotFoundError):
            return None
        return RegionValue.stored(region, self.last, name)

    def _regions_of(self, image: str) -> Iterable[str]:
        try:
            return list(self.resolver.known_regions(image))
        except LatticeError:
            return []

    def _unknown(self, name: str, error: LatticeError) -> LatticeError:
        """Return the error for a name that is neither an image nor a region."""
        shown = shortened(name)
        regions = [] if self.last is None else self._regions_of(self.last)
        hint = error.hint
        if name.lower() in _TRUTH_WORDS:
            hint = f"this truth value is written {_TRUTH_WORDS[name.lower()]}"
        elif name.lower() in names():
            hint = f"a function is called with brackets: {shown}(...)"
        elif hint is None:
            hint = suggest(shown, [*self.resolver.known_images(), *regions])
        message = error.message
        if regions:
            message += f", and {shortened(self.last or '')!r} has no region of that name"
        return type(error)(message, hint=hint)

    def temporary(self, node: syntax.Temporary, _: list[Any]) -> Value:
        if node.region:
            region = self.resolver.resolve_temporary_region(node.number)
            return RegionValue.temporary(region, node.number)
        return self.resolver.resolve_temporary(node.number)

    # -- operators and functions ---------------------------------------------------------------

    def _call(self, function: Function, *args: Node) -> Node:
        return call(function, *args, units=rule(True, args))

    def unary(self, node: syntax.Unary, operands: list[Value]) -> Value:
        (x,) = operands
        if node.operator == "+":
            return x
        if isinstance(x, RegionValue) and node.operator == "!":
            return outside(x)
        return self._call(lookup(node.operator, 1), _lattice(x))

    def binary(self, node: syntax.Binary, operands: list[Value]) -> Value:
        a, b = operands
        if isinstance(a, RegionValue) and isinstance(b, RegionValue) and node.operator in _COMPOUNDS:
            return _COMPOUNDS[node.operator](a, b)
        return self._call(lookup(node.operator, 2), _lattice(a), _lattice(b))

    def subscript(self, node: syntax.Subscript, operands: list[Value]) -> Value:
        x, selector = operands
        if isinstance(x, RegionValue):
            raise RegionError("a region cannot be indexed", hint="join regions by && to cut one by another")
        if isinstance(selector, RegionValue):
            if x.attrs.is_scalar:
                raise RegionError("a scalar has no regions")
            if x.attrs.is_shapeless:
                raise ShapeMismatchError("an index condition has no shape to apply a region to")
            return region_cut(x, selector.region.fit(x.attrs), selector.label)
        return call(lookup("[]", 2), x, selector)

    def call(self, node: syntax.Call, operands: list[Value]) -> Value:
        try:
            function = lookup(node.function, len(operands))
        except LatticeError as error:
            error.located(self.text, node.function_span)
            raise
        if operands and isinstance(operands[0], RegionValue):
            if function.name == "bool":
                return operands[0].as_lattice()  # as everywhere where truth values are needed
            if function.name == "ndim":
                # world regions are no lattices, but have axes
                return Literal.of(operands[0].region.ndim, FLOAT)
        if function.spoken is not None:
            given = tuple(_lattice(x) if isinstance(x, RegionValue) else x for x in operands)

            def failed(number: int, error: LatticeError) -> None:
                error.located(self.text, node.arguments[number].span)

            return function.spoken(given, failed)
        return self._call(function, *(_lattice(x) for x in operands))

    def value_list(self, node: syntax.ValueList, operands: list[Value]) -> Any:
        if id(node) in self.texts:
            return tuple(operands)
        return value_list([_lattice(x) for x in operands])

    # -- index conditions ----------------------------------------------------------------------

    def index_range(self, node: syntax.IndexRange, _: list[Any]) -> tuple[int, int, int]:
        start = self._integer(node.start)
        stop = start if node.stop is None else self._integer(node.stop)
        return start, stop, 1 if node.step is None else self._integer(node.step)

    def _integer(self, number: syntax.Number) -> int:
        if number.integer is None:
            written = shortened(self.text[slice(*number.span)])
            raise LatticeTypeError(
                f"index numbers are whole numbers, not {written}", text=self.text, span=number.span
            )
        return number.integer

    def index_test(self, node: syntax.IndexTest, operands: list[Any]) -> Value:
        if isinstance(node.axis, Syntax):
            axis, *ranges = operands
        else:
            axis, ranges = Literal.of(node.axis, FLOAT), operands
        return index_set(_lattice(axis), ranges, node.negated)


def _lattice(value: Value) -> Node:
    """Return a lattice or scalar; a region becomes a lattice of truth values."""
    return value.as_lattice() if isinstance(value, RegionValue) else value


_BIND: dict[type[Syntax], Callable[[_Binder, Any, list[Any]], Any]] = {
    syntax.Number: _Binder.number,
    syntax.Truth: _Binder.truth,
    syntax.Name: _Binder.name,
    syntax.Temporary: _Binder.temporary,
    syntax.Unary: _Binder.unary,
    syntax.Binary: _Binder.binary,
    syntax.Subscript: _Binder.subscript,
    syntax.Call: _Binder.call,
    syntax.ValueList: _Binder.value_list,
    syntax.IndexRange: _Binder.index_range,
    syntax.IndexTest: _Binder.index_test,
}
