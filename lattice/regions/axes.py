"""Regions on some axes of any lattice, found there by kind of coordinate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from lattice.errors import RegionError
from lattice.graph.attributes import Attributes, axis_keys
from lattice.graph.sections import Section
from lattice.regions.base import Region, lattice_shape
from lattice.regions.pixel import PixelBox, PixelPolygon

__all__ = ["AxisBox", "AxisPolygon"]


class _OnAxes(Region):
    """Base of regions that become pixel regions when they are fitted to a lattice."""

    kind: ClassVar[str] = "world"
    shape = None
    axes: tuple[str, ...]

    @property
    def ndim(self) -> int:
        """Number of axes of the region itself."""
        return len(self.axes)

    def bounds(self) -> Section:
        self._definite()
        return ()

    def mask(self, section: Section) -> np.ndarray:
        self._definite()
        return np.zeros(0, bool)

    def _places(self, attrs: Attributes) -> tuple[int, ...]:
        """Return the axis of the lattice for each axis of the region."""
        if attrs.coords is None:
            raise RegionError(
                f"a {self.noun} on {', '.join(self.axes)} needs a lattice with coordinates, "
                f"which the {attrs.describe()} has not"
            )
        keys = axis_keys(attrs, by_kind=True)
        places = []
        for axis in self.axes:
            if axis not in keys and axis not in attrs.dims:
                raise RegionError(
                    f"the {self.noun} has a {axis} axis, which the {attrs.describe()} lacks",
                    hint=f"its axes are ({', '.join(attrs.coords.kinds)})",
                )
            places.append(keys.index(axis) if axis in keys else attrs.dims.index(axis))
        return tuple(places)


@dataclass(frozen=True)
class AxisBox(_OnAxes):
    """A box on the named axes of whatever lattice it is applied to; other axes are taken in full.

    Parameters
    ----------
    axes : sequence of str
        Kinds of coordinate ("longitude", "latitude", "spectral", "stokes", ...) or dims.
    blc, trc : sequence of float
        First and last pixel on each of these axes, in pixels of the lattice at hand.

    Examples
    --------
    >>> from lattice.coords.system import CoordinateSystem
    >>> from lattice.graph.attributes import Attributes
    >>> import numpy as np
    >>> from lattice.regions import AxisBox
    >>> coords = CoordinateSystem.from_kinds(["spectral", "latitude", "longitude"])
    >>> cube = Attributes(np.dtype("f4"), (5, 3, 4), coords.dims, coords=coords)
    >>> AxisBox(["spectral"], [1], [2]).fit(cube).bounds()
    (slice(1, 3, 1), slice(0, 3, 1), slice(0, 4, 1))
    """

    axes: tuple[str, ...]
    blc: tuple[int, ...]
    trc: tuple[int, ...]
    noun: ClassVar[str] = "box"

    def __post_init__(self) -> None:
        box = PixelBox(self.blc, self.trc)
        object.__setattr__(self, "axes", tuple(self.axes))
        object.__setattr__(self, "blc", box.blc)
        object.__setattr__(self, "trc", box.trc)
        if len(self.axes) != len(box.blc):
            raise RegionError(f"a box on {len(self.axes)} axes needs as many positions, not {len(box.blc)}")

    def _fitted(self, attrs: Attributes) -> Region:
        shape = lattice_shape(attrs)
        blc, trc = [0] * len(shape), [n - 1 for n in shape]
        for place, first, last in zip(self._places(attrs), self.blc, self.trc, strict=True):
            blc[place], trc[place] = first, last
        return PixelBox(tuple(blc), tuple(trc), shape=shape)


@dataclass(frozen=True)
class AxisPolygon(_OnAxes):
    """A polygon on two named axes of whatever lattice it is applied to; other axes are taken in full.

    Parameters
    ----------
    x, y : sequence of float
        Positions of the corners, in pixels of the lattice at hand.
    axes : tuple of str, optional
        Kinds of coordinate or dims that y and x run along, in this order.

    Examples
    --------
    >>> from lattice.regions import AxisPolygon
    >>> AxisPolygon(x=(0, 4, 0), y=(0, 0, 4)).ndim
    2
    """

    x: tuple[float, ...]
    y: tuple[float, ...]
    axes: tuple[str, ...] = ("latitude", "longitude")
    noun: ClassVar[str] = "polygon"

    def __post_init__(self) -> None:
        polygon = PixelPolygon(self.x, self.y)
        for name, value in (("x", polygon.x), ("y", polygon.y), ("axes", tuple(self.axes))):
            object.__setattr__(self, name, value)
        if len(self.axes) != 2:
            raise RegionError(f"a polygon is on two axes, not on {len(self.axes)}")

    def _fitted(self, attrs: Attributes) -> Region:
        row, column = self._places(attrs)
        return PixelPolygon(self.x, self.y, lattice_shape(attrs), (row, column))
