"""Regions of images: shapes in pixels, and what can be made of them by ``&``, ``|``, ``-`` and ``~``.

A region says which box of pixels it needs and which pixels of any section belong to it.  Positions are
pixel numbers from 0, slowest axis first.  A region made without a shape takes that of the lattice to which
it is applied.

Examples
--------
>>> from lattice.regions import PixelBox, PixelEllipsoid
>>> ring = PixelEllipsoid((8, 8), 5) - PixelEllipsoid((8, 8), 2)
>>> left = ring & PixelBox((0, 0), (16, 8))
"""

from lattice.regions.axes import AxisBox, AxisPolygon
from lattice.regions.pixel import (
    And,
    Complement,
    Difference,
    MaskRegion,
    Or,
    PixelBox,
    PixelEllipsoid,
    PixelPolygon,
    Region,
    Slicer,
)

__all__ = [
    "And",
    "AxisBox",
    "AxisPolygon",
    "Complement",
    "Difference",
    "MaskRegion",
    "Or",
    "PixelBox",
    "PixelEllipsoid",
    "PixelPolygon",
    "Region",
    "Slicer",
]
