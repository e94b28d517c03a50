"""Lattices one after the other along an axis."""

from __future__ import annotations

import itertools
import warnings
from bisect import bisect_right
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from lattice.errors import (
    CoordinateMismatchError,
    LatticeTypeError,
    LatticeWarning,
    NameNotFoundError,
    ShapeMismatchError,
    suggest,
)
from lattice.graph.attributes import Attributes, axis_keys, is_anonymous
from lattice.graph.beams import joined_beams, warn_dropped
from lattice.graph.node import Node, Operation
from lattice.graph.sections import Section, shape_of
from lattice.graph.show import to_lel
from lattice.graph.types import BOOL, is_bool, promote, type_name
from lattice.ops.joined_coords import joined, stacked
from lattice.regions.pixel import PixelBox

__all__ = ["Concat", "concat", "concat_masks"]


def concat(nodes: Sequence[Node], dim: str | int) -> Node:
    """Return lattices joined along an axis.

    Parameters
    ----------
    nodes : sequence of Node
        Lattices, all Bool or all numeric; the result has their common type.
    dim : str or int
        An axis of them, by name or numpy number, or the name of a new one, which becomes the slowest.

    Returns
    -------
    Node
        The joined lattice; it has a mask if any of them has one, and unit and header cards of the first.
        It has one beam if all agree, one per plane where planes are joined, else none, with a warning.
        Coordinates of the other axes are those of the first too. Those of the joined axis continue it where
        the others do (to a hundredth of a pixel), are described anew where all together are linear, and
        tabulated for frequencies that are not. For other axes that are not linear they are left out, with a
        warning.

    Raises
    ------
    ShapeMismatchError
        When other axes differ in name, number or length.
    CoordinateMismatchError
        When kinds of coordinate differ, or positions on the sky do not continue.
    LatticeTypeError
        For truth values with numbers, and for scalars.
    """
    parts = tuple(nodes)
    if not parts:
        raise LatticeTypeError("there is nothing to join: the list is empty")
    for i, part in enumerate(parts):
        if not part.attrs.shape:
            raise LatticeTypeError(
                f"{_named(parts, i)} is a {part.attrs.describe()}; only lattices are joined"
            )
    axis, new = _axis(parts[0].attrs, dim)
    for i in range(1, len(parts)):
        _check(parts, i, None if new else axis)
    if len({part.attrs.unit.strip().lower() for part in parts if part.attrs.unit}) > 1:
        units = sorted({part.attrs.unit for part in parts if part.attrs.unit})
        warnings.warn(
            f"lattices of different units are joined ({', '.join(units)}): the result has the first",
            LatticeWarning,
            stacklevel=2,
        )
    if len(parts) == 1 and not new:
        return parts[0]
    node: Node = Concat(parts, axis, _joined_attributes(parts, axis, new))
    return node


def concat_masks(joined: Node, masks: Sequence[Node | None], parts: Sequence[Node]) -> Node:
    """Return masks of lattices joined as these were.

    Parameters
    ----------
    joined : Node
        What `concat` made of the lattices.
    masks : sequence of Node or None
        Truth values for each of them; None where all pixels are good.
    parts : sequence of Node
        The lattices.
    """
    whole = [
        _all_good(part.attrs.shape or ()) if mask is None else mask
        for mask, part in zip(masks, parts, strict=True)
    ]
    if not isinstance(joined, Concat) or len(joined.children) != len(whole):
        return whole[0]
    node: Node = Concat(tuple(whole), joined.axis, joined.attrs.with_(dtype=BOOL, unit="", beams=()))
    return node


def _all_good(shape: tuple[int, ...]) -> Node:
    box = PixelBox((0,) * len(shape), tuple(n - 1 for n in shape), shape=shape)
    node: Node = box.as_mask_node("T")
    return node


def _axis(first: Attributes, dim: str | int) -> tuple[int, str]:
    """Return the number of the axis, and its name if it is a new one."""
    if not isinstance(dim, str):
        if not -first.ndim <= dim < first.ndim:
            raise NameNotFoundError(f"the {first.describe()} has no axis {dim}")
        return int(dim) % first.ndim, ""
    if dim in first.dims:
        return first.dims.index(dim), ""
    if not dim.isidentifier():
        raise NameNotFoundError(f"{dim!r} is no name for an axis", hint=suggest(dim, first.dims))
    return 0, dim


def _named(parts: tuple[Node, ...], i: int) -> str:
    """Return how messages speak of an input."""
    return f"input {i + 1} of {len(parts)} ({to_lel(parts[i], 60)})"


def _check(parts: tuple[Node, ...], i: int, axis: int | None) -> None:
    """Check that an input fits the first one on all axes but the joined one."""
    first, other = parts[0].attrs, parts[i].attrs
    if is_bool(first.dtype) != is_bool(other.dtype):
        raise LatticeTypeError(
            f"{_named(parts, i)} is {type_name(other.dtype)}, the first is {type_name(first.dtype)}",
            hint="truth values and numbers do not join: turn one into the other with iif() or a comparison",
        )
    if first.ndim != other.ndim:
        raise ShapeMismatchError(
            f"{_named(parts, i)} is a {other.describe()}, which has another number of axes than the first, "
            f"a {first.describe()}",
        )
    if first.coords is not None and other.coords is not None:
        keys, others = axis_keys(first, by_kind=True), axis_keys(other, by_kind=True)
        for k, (mine, its) in enumerate(zip(keys, others, strict=True)):
            if mine != its:
                raise CoordinateMismatchError(
                    f"axis {k} of {_named(parts, i)} is {its}, that of the first is {mine}",
                    hint="bring the axes into the same order first",
                )
    assert first.shape is not None
    assert other.shape is not None
    for k, (mine, its) in enumerate(zip(first.dims, other.dims, strict=True)):
        if mine != its and not (is_anonymous(mine) or is_anonymous(its)):
            raise ShapeMismatchError(
                f"axis {k} of {_named(parts, i)} is called {its}, that of the first {mine}",
                hint="bring the axes into the same order, or rename them, first",
            )
        if k != axis and first.shape[k] != other.shape[k]:
            raise ShapeMismatchError(
                f"{_named(parts, i)} has length {other.shape[k]} on axis {mine}, "
                f"the first has length {first.shape[k]}",
                hint="all axes but the joined one have the same lengths",
            )


def _joined_attributes(parts: tuple[Node, ...], axis: int, new: str) -> Attributes:
    first = parts[0].attrs
    dtype = first.dtype
    for part in parts[1:]:
        dtype = promote(dtype, part.attrs.dtype)
    lengths = [1 if new else (p.attrs.shape or ())[axis] for p in parts]
    shape = list(first.shape or ())
    dims = first.dims
    if new:
        shape.insert(0, len(parts))
        dims = (new, *dims)
    else:
        shape[axis] = sum(lengths)
    coords = first.coords
    if coords is not None:
        others = [p.attrs.coords for p in parts]
        coords = stacked(coords, new) if new else joined(others, lengths, axis, dims[axis])
    beams = joined_beams([p.attrs for p in parts], axis, bool(new))
    if beams is None:
        warn_dropped("those of the lattices that are joined differ")
    return first.with_(dtype=dtype, shape=tuple(shape), dims=dims, coords=coords, beams=beams or ())


class Concat(Operation):
    """Lattices joined along an axis; fields: children, axis, attributes of the result.

    The axis is a new one where the result has one axis more than the children.
    """

    __slots__ = ("_starts", "axis")
    name: ClassVar[str] = "concat"
    axis: int
    _starts: tuple[int, ...]

    def _build(self, children: tuple[Node, ...], axis: int, attrs: Attributes) -> None:
        new = attrs.ndim > children[0].attrs.ndim
        lengths = [1 if new else (c.attrs.shape or ())[axis] for c in children]
        self._set(
            children=children,
            axis=axis,
            attrs=attrs.with_(masked=any(c.attrs.masked for c in children)),
            _starts=(0, *itertools.accumulate(lengths)),
        )

    def show(self, *texts: str) -> str:
        """Return the call as one would write it in Python."""
        return f"concat([{', '.join(texts)}], {self.attrs.dims[self.axis]!r})"

    def needs(self, section: Section) -> tuple[Section | None, ...]:
        """Return the part of each input that the section touches."""
        touched = {number: within for number, within, _ in self._pieces(section[self.axis])}
        return tuple(
            self._section(section, touched[k]) if k in touched else None for k in range(len(self.children))
        )

    def scratch(self, shape: tuple[int, ...]) -> int:
        """Return the bytes of one input's share, which is copied into the result."""
        longest = max(b - a for a, b in itertools.pairwise(self._starts))
        n = 1
        for k, length in enumerate(shape):
            n *= min(length, longest) if k == self.axis else length
        return n * (self.attrs.dtype.itemsize + 1)

    def evaluate(self, inputs: tuple[Any, ...], section: Section) -> tuple[np.ndarray, np.ndarray | None]:
        """Return values and mask of a section, from the inputs that it touches."""
        pieces = list(self._pieces(section[self.axis]))
        if len(pieces) == 1:
            number, within, _ = pieces[0]
            values, mask = self._part(inputs[number], number, section, within)
            return values.astype(self.attrs.dtype, copy=False), mask
        out = np.empty(shape_of(section), self.attrs.dtype)
        good = np.ones(out.shape, bool) if any(self.children[n].attrs.masked for n, _, _ in pieces) else None
        for number, within, place in pieces:
            values, mask = self._part(inputs[number], number, section, within)
            at = (*(slice(None) for _ in range(self.axis)), place)
            out[at] = values
            if good is not None and mask is not None:
                good[at] = mask
        return out, good

    def _pieces(self, wanted: slice) -> list[tuple[int, slice, slice]]:
        """Return (number of the input, its pixels, their place in the result) for a part of the axis."""
        out = []
        position, done = wanted.start, 0
        while position < wanted.stop:
            number = bisect_right(self._starts, position) - 1
            start, stop = self._starts[number], min(self._starts[number + 1], wanted.stop)
            count = (stop - position + wanted.step - 1) // wanted.step
            last = position + (count - 1) * wanted.step
            out.append(
                (number, slice(position - start, last - start + 1, wanted.step), slice(done, done + count))
            )
            position, done = last + wanted.step, done + count
        return out

    def _section(self, section: Section, within: slice) -> Section:
        """Return the section of an input, given its part of the joined axis."""
        old = () if self.attrs.ndim > self.children[0].attrs.ndim else (within,)
        return (*section[: self.axis], *old, *section[self.axis + 1 :])

    def _part(
        self, pixels: Any, number: int, section: Section, within: slice
    ) -> tuple[np.ndarray, np.ndarray | None]:
        values, mask = pixels.array(self._section(section, within))
        if self.attrs.ndim == self.children[number].attrs.ndim:
            return values, mask
        values = np.expand_dims(values, self.axis)
        return values, None if mask is None else np.expand_dims(mask, self.axis)
