"""Nodes of the expression graph.

A node is an immutable value.  Nodes are interned: building an equal node gives the same object, so
comparing is comparing identity, equal subtrees are one node, and a graph is shared wherever it can be.
All attributes of the result are inferred, and all errors raised, when the node is built.
"""

from __future__ import annotations

import math
import threading
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from lattice.graph.attributes import Attributes, default_dims
from lattice.graph.beams import cut_beams, turned_beams
from lattice.graph.function import Function, Kind
from lattice.graph.protocols import Reader, RegionLike
from lattice.graph.sections import Section, full, shape_of
from lattice.graph.types import BOOL, DCOMPLEX, DOUBLE, FLOAT, DType, lel_dtype

__all__ = [
    "Call",
    "Extend",
    "IndexSet",
    "Items",
    "Literal",
    "Named",
    "Node",
    "Operation",
    "RegionCut",
    "RegionMask",
    "Source",
    "Subset",
    "Transpose",
    "ValueList",
]

Items = tuple[slice | int, ...]


class _Interned(type):
    """Metaclass: building a node with the fields of a living one returns that one."""

    _living: ClassVar[weakref.WeakValueDictionary[tuple[Any, ...], Any]] = weakref.WeakValueDictionary()
    _lock: ClassVar[threading.Lock] = threading.Lock()

    def __call__(cls, *fields: Any) -> Any:
        key = (cls, *(_hashable(f) for f in fields))
        found = _Interned._living.get(key)
        if found is not None:
            return found
        node = super().__call__(*fields)
        with _Interned._lock:
            return _Interned._living.setdefault(key, node)


def _hashable(value: Any) -> Any:
    if isinstance(value, slice):
        return ("slice", value.start, value.stop, value.step)
    if isinstance(value, tuple):
        return tuple(_hashable(v) for v in value)
    token = getattr(value, "token", None)
    if token is not None:
        return ("token", token)
    # Equal coordinates may come from different records, which are kept: they are no one thing.
    record = getattr(getattr(value, "coords", None), "native", None)
    return value if record is None else (value, record)


class Node(metaclass=_Interned):
    """Base of all nodes.

    Attributes
    ----------
    attrs : Attributes
        What is known of the result.
    children : tuple of Node
        The nodes that this one is computed from.
    """

    __slots__ = ("__weakref__", "_fields", "attrs", "children")

    attrs: Attributes
    children: tuple[Node, ...]
    _fields: tuple[Any, ...]

    def __init__(self, *fields: Any) -> None:
        object.__setattr__(self, "_fields", fields)
        object.__setattr__(self, "children", ())
        self._build(*fields)

    def _build(self, *fields: Any) -> None:
        raise TypeError("Node is abstract")

    def _set(self, **values: Any) -> None:
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def __setattr__(self, name: str, value: Any) -> None:
        msg = f"nodes are immutable: cannot set {name!r}"
        raise AttributeError(msg)

    def __reduce__(self) -> tuple[Any, ...]:
        # a flat list of the whole graph: pickling children by themselves would recurse
        return (_from_rows, (_rows(self),))

    def with_children(self, children: tuple[Node, ...]) -> Node:
        """Return the node of the same kind over other children."""
        if children == self.children:
            return self
        return self._rebuild(children)

    def _rebuild(self, children: tuple[Node, ...]) -> Node:
        msg = f"{type(self).__name__} has no children"
        raise TypeError(msg)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.attrs.describe()}>"


@dataclass(frozen=True, slots=True)
class _Row:
    """Stands for an earlier row where a pickled graph refers to a node."""

    number: int


def _rows(root: Node) -> list[tuple[type[Node], tuple[Any, ...]]]:
    """Return a graph as rows of class and fields, children before parents."""
    numbers: dict[int, int] = {}
    rows: list[tuple[type[Node], tuple[Any, ...]]] = []
    stack: list[tuple[Node, bool]] = [(root, False)]
    while stack:
        node, ready = stack.pop()
        if id(node) in numbers:
            continue
        if not ready:
            stack.append((node, True))
            stack.extend((c, False) for c in node.children)
            continue
        fields = _exchange(node._fields, Node, lambda n: _Row(numbers[id(n)]))
        numbers[id(node)] = len(rows)
        rows.append((type(node), fields))
    return rows


def _from_rows(rows: list[tuple[type[Node], tuple[Any, ...]]]) -> Node:
    """Build a graph again from its rows."""
    nodes: list[Node] = []
    for kind, fields in rows:
        nodes.append(kind(*_exchange(fields, _Row, lambda r: nodes[r.number])))
    return nodes[-1]


def _exchange(fields: tuple[Any, ...], kind: type, new: Callable[[Any], Any]) -> tuple[Any, ...]:
    """Return fields with every object of a kind, also inside tuples, exchanged."""
    return tuple(
        new(f) if isinstance(f, kind) else _exchange(f, kind, new) if type(f) is tuple else f for f in fields
    )


class Literal(Node):
    """A scalar constant; its value is None when it is undefined.

    The value is kept as the bytes of a numpy scalar, so that nan equals itself and 0 differs from -0.
    """

    __slots__ = ("value",)

    value: Any

    def _build(self, data: bytes | None, dtype: DType) -> None:
        value = None if data is None else np.frombuffer(data, dtype)[0]
        self._set(value=value, attrs=Attributes(dtype, masked=data is None))

    @staticmethod
    def of(value: Any, dtype: DType | None = None) -> Literal:
        """Return the literal of a Python or numpy value.

        Without `dtype` Python integers that fit 32 bits and Python floats that are exact in single
        precision... are typed as the language would type them: bool Bool, int Float when it fits 32 bits,
        float Double, complex DComplex; numpy scalars keep their type.
        """
        if dtype is None:
            dtype = _literal_type(value)
        if value is None:
            return Literal.undefined(dtype)
        with np.errstate(over="ignore"):
            scalar = np.asarray(value).astype(dtype)
        literal: Literal = Literal(scalar.tobytes(), dtype)
        return literal

    @staticmethod
    def undefined(dtype: DType) -> Literal:
        """Return the undefined scalar of a type."""
        node: Literal = Literal(None, dtype)
        return node


def _literal_type(value: Any) -> DType:
    if isinstance(value, (bool, np.bool_)):
        return BOOL
    if isinstance(value, np.generic):
        return lel_dtype(value.dtype)
    if isinstance(value, int):
        return FLOAT if -(2**31) <= value < 2**31 else DOUBLE
    if isinstance(value, float):
        return DOUBLE
    if isinstance(value, complex):
        return DCOMPLEX
    msg = f"{value!r} is not a number or truth value"
    raise TypeError(msg)


class Source(Node):
    """Stored pixels.

    Fields: reader, name (of the image, without quotes), suffix (of the mask in LEL text: "" for the default
    one, "nomask", or its name), mask (a Source of type Bool; "nan" where values that are NaN are bad; or
    None), attrs of the image.
    """

    __slots__ = ("mask", "name", "reader", "suffix")

    reader: Reader
    name: str
    suffix: str
    mask: Source | str | None

    def _build(
        self, reader: Reader, name: str, suffix: str, mask: Source | str | None, attrs: Attributes
    ) -> None:
        self._set(
            reader=reader,
            name=name,
            suffix=suffix,
            mask=mask,
            attrs=attrs.with_(masked=mask is not None),
            children=(mask,) if isinstance(mask, Source) else (),
        )

    def _rebuild(self, children: tuple[Node, ...]) -> Node:
        node: Node = Source(self.reader, self.name, self.suffix, children[0], self.attrs)
        return node

    def with_mask(self, mask: Source | str | None, suffix: str) -> Source:
        """Return the same pixels under another mask; `suffix` names it in text."""
        node: Source = Source(self.reader, self.name, suffix, mask, self.attrs)
        return node


class Call(Node):
    """A function or operator applied to nodes. Build it with `lattice.graph.build.call`."""

    __slots__ = ("args", "function")

    function: Function
    args: tuple[Node, ...]

    def _build(self, function: Function, args: tuple[Node, ...], attrs: Attributes) -> None:
        self._set(function=function, args=args, attrs=attrs, children=args)

    def _rebuild(self, children: tuple[Node, ...]) -> Node:
        # Substitution may turn a scalar reduction into a constant; the type stays, a mask may come or go.
        masked = self.function.masked or _any_masked
        attrs = (
            self.attrs.with_(masked=masked(children))
            if self.function.kind is Kind.ELEMENTWISE
            else self.attrs
        )
        node: Node = Call(self.function, children, attrs)
        return node


def _any_masked(args: tuple[Node, ...]) -> bool:
    return any(a.attrs.masked for a in args)


class ValueList(Node):
    """A list of scalars: a lattice of one axis without coordinates."""

    __slots__ = ()

    def _build(self, elements: tuple[Node, ...], attrs: Attributes) -> None:
        self._set(children=elements, attrs=attrs)

    def _rebuild(self, children: tuple[Node, ...]) -> Node:
        node: Node = ValueList(children, self.attrs)
        return node


class IndexSet(Node):
    """T where the index along an axis is in a set of ranges (`negate`: where it is not).

    The axis is a scalar node, counted from the fastest axis; ranges are (first, last, stride), both ends
    included.  The shape is None until the condition meets a lattice.
    """

    __slots__ = ("negate", "ranges")

    ranges: tuple[tuple[int, int, int], ...]
    negate: bool

    def _build(
        self, axis: Node, ranges: tuple[tuple[int, int, int], ...], negate: bool, attrs: Attributes
    ) -> None:
        self._set(children=(axis,), ranges=ranges, negate=negate, attrs=attrs)

    @property
    def axis(self) -> Node:
        """Scalar node with the axis number."""
        return self.children[0]

    def _rebuild(self, children: tuple[Node, ...]) -> Node:
        node: Node = IndexSet(children[0], self.ranges, self.negate, self.attrs)
        return node


class Subset(Node):
    """A cut: one slice (resolved against the shape, steps may be negative) or integer per axis."""

    __slots__ = ("items",)

    items: Items

    def _build(self, x: Node, items: Items) -> None:
        shape, dims = [], []
        for item, dim in zip(items, x.attrs.dims, strict=True):
            if isinstance(item, slice):
                shape.append(len(range(item.start, item.stop, item.step)))
                dims.append(dim)
        coords = x.attrs.coords
        attrs = x.attrs.with_(
            shape=tuple(shape),
            dims=tuple(dims),
            coords=None if coords is None or not shape else coords.subset(items),
            beams=cut_beams(x.attrs, items),
        )
        self._set(children=(x,), items=items, attrs=attrs)

    def _rebuild(self, children: tuple[Node, ...]) -> Node:
        node: Node = Subset(children[0], self.items)
        return node


class Extend(Node):
    """A lattice repeated along axes that it lacks or has with length 1.

    `axes` gives for each axis of the result the axis of x that it comes from, or -1.
    """

    __slots__ = ("axes",)

    axes: tuple[int, ...]

    def _build(self, x: Node, axes: tuple[int, ...], attrs: Attributes) -> None:
        self._set(children=(x,), axes=axes, attrs=attrs)

    def _rebuild(self, children: tuple[Node, ...]) -> Node:
        node: Node = Extend(children[0], self.axes, self.attrs.with_(masked=children[0].attrs.masked))
        return node


class Transpose(Node):
    """A lattice with its axes in another order: axis k of the result is axis ``order[k]`` of x."""

    __slots__ = ("order",)

    order: tuple[int, ...]

    def _build(self, x: Node, order: tuple[int, ...]) -> None:
        a = x.attrs
        attrs = a.with_(
            shape=tuple((a.shape or ())[k] for k in order),
            dims=tuple(a.dims[k] for k in order),
            coords=None if a.coords is None else a.coords.select(order),
        )
        self._set(children=(x,), order=order, attrs=attrs.with_(beams=turned_beams(a, order, attrs)))

    def _rebuild(self, children: tuple[Node, ...]) -> Node:
        node: Node = Transpose(children[0], self.order)
        return node


class RegionCut(Node):
    """A lattice cut to the box around a region and masked outside it. `label` is the region in LEL text."""

    __slots__ = ("label", "region")

    region: RegionLike
    label: str

    def _build(self, x: Node, region: RegionLike, label: str) -> None:
        bounds = region.bounds()
        coords = x.attrs.coords
        attrs = x.attrs.with_(
            shape=shape_of(bounds),
            masked=x.attrs.masked or region.has_mask,
            coords=None if coords is None else coords.subset(bounds),
            beams=cut_beams(x.attrs, bounds),
        )
        self._set(children=(x,), region=region, label=label, attrs=attrs)

    def _rebuild(self, children: tuple[Node, ...]) -> Node:
        node: Node = RegionCut(children[0], self.region, self.label)
        return node


class RegionMask(Node):
    """A region as a Bool lattice of its bounding box, T inside. `label` is the region in LEL text."""

    __slots__ = ("label", "region")

    region: RegionLike
    label: str

    def _build(self, region: RegionLike, label: str) -> None:
        shape = shape_of(region.bounds())
        self._set(region=region, label=label, attrs=Attributes(BOOL, shape, default_dims(len(shape))))


class Named(Node):
    """A graph, with the call of the language that makes it.

    Fields: the graph; the name of the function; its arguments, each a node or a constant as LEL text. The
    first child is the graph, the others are the arguments that are nodes. It is what its graph is, and is
    taken away before anything is computed; two of them are one node only if graph and call are the same.
    """

    __slots__ = ("args", "name")

    name: str
    args: tuple[Node | str, ...]

    def _build(self, made: Node, name: str, args: tuple[Node | str, ...]) -> None:
        children = (made, *(a for a in args if isinstance(a, Node)))
        self._set(name=name, args=args, attrs=made.attrs, children=children)

    @property
    def made(self) -> Node:
        """The graph."""
        return self.children[0]

    def _rebuild(self, children: tuple[Node, ...]) -> Node:
        made, *rest = children
        others = iter(rest)
        args = tuple(next(others) if isinstance(a, Node) else a for a in self.args)
        node: Node = Named(made, self.name, args)
        return node


class Operation(Node):
    """Base of operations that change shape or labels; one subclass per file in `lattice.ops`.

    The fields of a subclass are its children (a tuple) followed by its parameters.
    """

    __slots__ = ()

    name: ClassVar[str] = ""
    joint: ClassVar[bool] = False
    """Whether what lies along the first axis comes from one pass: parts of it are evaluated together."""
    speaks: ClassVar[bool] = False
    """Whether it has a text of its own in the language: it needs no `Named`."""

    def _rebuild(self, children: tuple[Node, ...]) -> Node:
        node: Node = type(self)(children, *self._fields[1:])
        return node

    def scratch(self, shape: tuple[int, ...]) -> int:
        """Return the bytes that evaluating an output section of `shape` needs beside its result."""
        return math.prod(shape) * self.attrs.dtype.itemsize

    def scratch_of(self, section: Section) -> int:
        """Return the same of a section, whose steps may leave out pixels for which memory is needed."""
        return self.scratch(shape_of(section))

    def needs(self, section: Section) -> tuple[Section | None, ...]:
        """Return the section of each child that an output section is computed from; None for nothing of it.

        Where several passes go over a child, or parts of the section are enough at a time, it is the union.
        """
        return tuple(full(c.attrs.shape or ()) for c in self.children)

    def access(self) -> tuple[bool, ...]:
        """Return for each output axis whether blocks should be as long as possible on it."""
        return tuple(False for _ in self.attrs.shape or ())

    def alike(self) -> tuple[bool, ...]:
        """Return for each output axis whether blocks beside each other along it share work, such as weights.

        What is kept of it is little: such blocks are computed one after the other.
        """
        return tuple(False for _ in self.attrs.shape or ())

    def cost(self) -> float:
        """Return how many pixels of the children one pixel of the result takes, where that is more than 1.

        Blocks of a result that is made of many pixels are the smaller.
        """
        return 1.0

    @property
    def streams(self) -> bool:
        """Whether it takes pixels in as they come, so that blocks may be made of any number of them."""
        return False

    def grain(self, units: tuple[tuple[int, ...], ...]) -> tuple[int, ...]:
        """Return the smallest part of the result for which nothing of the children is read in vain.

        `units` has such a part of each child: a tile of its file.
        """
        return tuple(1 for _ in self.attrs.shape or ())

    def evaluate(
        self, inputs: tuple[Any, ...], section: tuple[slice, ...]
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Return values and mask of a section.

        `inputs` has one object per child with ``array(section)`` -> (values, mask), which evaluates a
        section at once, and ``strips(section)``, which yields (section, values, mask) piece by piece, each of
        some ``strip`` pixels.  Statistics along axes ask it for these first: ``fill(section, axes, planes)``
        tells whether it took all pixels into running statistics, ``states(section, axes, names)`` returns
        those of whole lattices, or None.
        """
        raise TypeError("Operation is abstract")
