"""Lists of regions in file order, as region texts have them: each adds its pixels or takes them away."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from lattice.errors import LatticeTypeError, RegionError
from lattice.graph.attributes import Attributes
from lattice.regions.base import OutsideError, Region, lattice_shape
from lattice.regions.compound import And
from lattice.regions.measures import Point
from lattice.regions.pixel import PixelBox
from lattice.regions.plane import Layers
from lattice.regions.ranges import SpectralRange, StokesSelection
from lattice.regions.world import WorldRegion

__all__ = ["Annotation", "RegionItem", "RegionList"]


@dataclass(frozen=True)
class Annotation:
    """A line, vector, text or symbol: something to be drawn that selects no pixels.

    Attributes
    ----------
    kind : str
        ``"line"``, ``"vector"``, ``"text"`` or ``"symbol"``.
    points : tuple of Point
        Two ends, or the one place.
    text : str
        The text, or the mark of a symbol.
    frame : str or None
        Frame of positions on the sky; None: that of the image.
    """

    kind: str
    points: tuple[Point, ...]
    text: str = ""
    frame: str | None = None


@dataclass(frozen=True)
class RegionItem:
    """One entry of a list of regions.

    Attributes
    ----------
    shape : Region or Annotation
        What it is.
    sign : str
        ``"+"`` adds, ``"-"`` takes away, ``"ann"`` is only drawn.
    spectral : SpectralRange or None
        Range of channels that it is limited to.
    stokes : StokesSelection or None
        Stokes parameters that it is limited to.
    style : tuple of (key, value)
        How it is drawn: label, color, linewidth, ...
    """

    shape: Region | Annotation
    sign: str = "+"
    spectral: SpectralRange | None = None
    stokes: StokesSelection | None = None
    style: tuple[tuple[str, str], ...] = ()

    @property
    def selects(self) -> bool:
        """Whether it takes part in the selection of pixels."""
        return self.sign != "ann" and isinstance(self.shape, Region)

    def fit(self, attrs: Attributes) -> Region:
        """Return its pixels in a lattice, whatever its sign."""
        assert isinstance(self.shape, Region)
        found = self.shape.fit(attrs)
        for limit in (self.spectral, self.stokes):
            if limit is not None:
                found = And(found, limit.fit(attrs))
        found.bounds()
        return found


@dataclass(frozen=True)
class RegionList(WorldRegion):
    r"""Regions laid upon each other in order.

    Nothing is selected before the first item; if all items take away, they take from the whole image.  Items
    that have no pixel in the image at hand are passed over, as long as another has one.

    Parameters
    ----------
    items : sequence of RegionItem
        The entries; annotations are kept and select nothing.

    Examples
    --------
    >>> import numpy as np
    >>> from lattice.graph.attributes import Attributes
    >>> from lattice.regions import from_crtf
    >>> ring = from_crtf("circle[[4pix, 4pix], 3pix]\n-circle[[4pix, 4pix], 1.5pix]")
    >>> len(ring.items), ring.fit(Attributes(np.dtype("f4"), (9, 9), ("y", "x"))).bounds()
    (2, (slice(1, 8, 1), slice(1, 8, 1)))
    """

    items: tuple[RegionItem, ...]
    noun: ClassVar[str] = "list of regions"

    def __post_init__(self) -> None:
        items = tuple(self.items)
        for item in items:
            if not isinstance(item, RegionItem):
                raise LatticeTypeError(f"a list of regions holds RegionItem, not {type(item).__name__}")
            if getattr(item.shape, "kind", "") == "slicer" or getattr(item.shape, "inc", None) is not None:
                raise RegionError("a slicer or a box with increments cannot be part of a list of regions")
        if not any(item.selects for item in items):
            raise RegionError(
                "no region is among the items, only annotations" if items else "the list is empty"
            )
        object.__setattr__(self, "items", items)

    @property
    def regions(self) -> Iterator[RegionItem]:
        """The items that select pixels."""
        return (item for item in self.items if item.selects)

    def _fitted(self, attrs: Attributes) -> Region:
        shape = lattice_shape(attrs)
        layers: list[tuple[bool, Region]] = []
        if all(item.sign == "-" for item in self.regions):
            layers.append((True, PixelBox((0,) * len(shape), tuple(n - 1 for n in shape), shape=shape)))
        outside: OutsideError | None = None
        for item in self.regions:
            adds = item.sign == "+"
            if not adds and not layers:
                continue  # nothing is selected yet
            try:
                layers.append((adds, item.fit(attrs)))
            except OutsideError as error:
                outside = outside or error
        if not any(adds for adds, _ in layers):
            assert outside is not None
            raise outside
        return layers[0][1] if len(layers) == 1 else Layers(tuple(layers))
