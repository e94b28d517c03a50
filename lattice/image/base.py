"""What an image is made of, and what is known of it without reading a pixel."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

from lattice.coords.system import CoordinateSystem
from lattice.graph.node import Node, Source
from lattice.graph.records import Record
from lattice.graph.show import to_lel
from lattice.graph.types import DType
from lattice.graph.walk import bare
from lattice.image.info import FrozenDict, Meta, show_html, show_text
from lattice.image.make import Parts

if TYPE_CHECKING:
    from astropy.wcs import WCS

__all__ = ["ImageBase"]


def _unpickled(cls: type[ImageBase], *parts: Any) -> ImageBase:
    return cls._of(Parts(*parts))


class ImageBase:
    """The immutable core of an image: a graph node, and what a node does not hold."""

    __slots__ = (
        "__weakref__",
        "_default_mask",
        "_groups",
        "_history",
        "_kept",
        "_masks",
        "_node",
        "_regions",
    )

    _node: Node
    _masks: Mapping[str, Node]
    _default_mask: str | None
    _regions: Mapping[str, Any]
    _groups: Mapping[str, Record]
    _history: tuple[str, ...]
    _kept: dict[str, Any]

    def _set(self, parts: Parts) -> None:
        object.__setattr__(self, "_node", parts.node)
        object.__setattr__(self, "_masks", dict(parts.masks))
        object.__setattr__(self, "_default_mask", parts.default_mask)
        object.__setattr__(self, "_history", parts.history)
        object.__setattr__(self, "_regions", dict(parts.regions))
        object.__setattr__(self, "_groups", dict(parts.groups))
        object.__setattr__(self, "_kept", {})

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"images are immutable: cannot set {name!r}")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"images are immutable: cannot delete {name!r}")

    @property
    def _parts(self) -> Parts:
        return Parts(self._node, self._masks, self._default_mask, self._history, self._regions, self._groups)

    @classmethod
    def _of(cls, parts: Parts) -> Self:
        image = cls.__new__(cls)
        image._set(parts)
        return image

    def _with(self, **changes: Any) -> Self:
        """Return an image that differs in some of its parts."""
        return self._of(dataclasses.replace(self._parts, **changes))

    def _derive(self, node: Node, *others: Any) -> Self:
        """Return the image of a node made from this one and others; the leading one gives its history."""
        leaders = [self, *others]
        lead = next((i for i in leaders if i.coords is not None and i.coords is node.attrs.coords), None)
        if lead is None:
            lead = next((i for i in leaders if i._history), self)
        return self._of(Parts(node, history=lead._history))

    def __reduce__(self) -> tuple[Any, ...]:
        parts = self._parts
        return (_unpickled, (type(self), *(getattr(parts, f.name) for f in dataclasses.fields(parts))))

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: Any) -> Self:
        return self

    # -- what is known without reading -----------------------------------------------------------

    @property
    def node(self) -> Node:
        """Graph node of the image."""
        return self._node

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each axis, slowest first; () for a scalar."""
        return self._node.attrs.shape or ()

    @property
    def dims(self) -> tuple[str, ...]:
        """Name of each axis."""
        return self._node.attrs.dims

    @property
    def sizes(self) -> dict[str, int]:
        """Length of each axis by name."""
        return dict(zip(self.dims, self.shape, strict=True))

    @property
    def dtype(self) -> DType:
        """Type of the values: bool, float32, float64, complex64 or complex128."""
        return self._node.attrs.dtype

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of pixels."""
        return self._node.attrs.size

    @property
    def nbytes(self) -> int:
        """Size of the values in memory, masks not counted."""
        return self._node.attrs.nbytes

    @property
    def unit(self) -> str:
        """Brightness unit, empty if it is unknown."""
        return self._node.attrs.unit

    @property
    def coords(self) -> CoordinateSystem | None:
        """Coordinates of the axes, None if nothing is known."""
        coords: Any = self._node.attrs.coords
        return coords

    @property
    def wcs(self) -> WCS | None:
        """Coordinates as an astropy WCS of all axes, None if nothing is known."""
        if self.coords is None:
            return None
        if "wcs" not in self._kept:
            self._kept["wcs"] = self.coords.wcs(self.shape)
        return self._kept["wcs"]

    @property
    def beams(self) -> tuple[tuple[float, float, float], ...]:
        """Restoring beams, (major axis, minor axis, position angle) in degrees: none, one, or one a plane."""
        return self._node.attrs.beams

    @property
    def meta(self) -> Meta:
        """Header cards that travel with the image."""
        return Meta(self._node.attrs.meta)

    @property
    def history(self) -> tuple[str, ...]:
        """Processing history, oldest first; saving adds the expression."""
        return self._history

    @property
    def name(self) -> str:
        """Name of the image in expressions; of a computed image its expression."""
        return self._node.name if isinstance(self._node, Source) else self.expression

    @property
    def expression(self) -> str:
        """The image as an expression: text that `lattice.expr` turns into an equal image.

        Its unit is given by the rule for text then, see `lattice.functions.units`.
        """
        return to_lel(self._node)

    @property
    def masked(self) -> bool:
        """Whether pixels may be bad; of a scalar: whether it may be undefined."""
        return self._node.attrs.masked

    @property
    def default_mask(self) -> str | None:
        """Name of the mask that applies, None if it has no name."""
        return self._default_mask

    @property
    def regions(self) -> Mapping[str, Any]:
        """Named regions; they belong to the stored image, not to what is computed or cut from it."""
        return FrozenDict(self._regions)

    @property
    def groups(self) -> Mapping[str, Record]:
        """Attribute groups: small tables of a stored image, by name."""
        return FrozenDict(self._groups)

    def same_as(self, other: Any) -> bool:
        """Return whether another image is the same expression on the same pixels (``==`` compares pixels)."""
        return isinstance(other, ImageBase) and bare(other._node) is bare(self._node)

    def __repr__(self) -> str:
        return show_text(self)

    def _repr_html_(self) -> str:
        return show_html(self)

    def __dir__(self) -> list[str]:
        from lattice.functions.registry import names

        return sorted({*super().__dir__(), *(n for n in names() if hasattr(type(self), n))})

    def explain(self) -> Any:
        """Return how the image would be computed: stages, bytes read, blocks, projected memory."""
        from lattice.config import get_options
        from lattice.plan.explain import explain

        return explain(self._node, get_options())
