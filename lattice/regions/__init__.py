"""Regions of images: shapes in pixels and on the sky, and what ``&``, ``|``, ``-`` and ``~`` make of them.

A region says which box of pixels it needs and which pixels of any section belong to it.  Positions in pixels
count from 0, slowest axis first; positions on the sky are longitude and latitude.  A region made without a
shape, or in world coordinates, becomes definite when it is applied to an image.

Examples
--------
>>> from lattice.regions import PixelBox, PixelEllipsoid
>>> ring = PixelEllipsoid((8, 8), 5) - PixelEllipsoid((8, 8), 2)
>>> left = ring & PixelBox((0, 0), (16, 8))
"""

from lattice.regions.axes import AxisBox, AxisPolygon
from lattice.regions.crtf import from_crtf
from lattice.regions.crtf_write import to_crtf
from lattice.regions.ds9 import from_astropy, from_ds9, to_astropy, to_ds9
from lattice.regions.listing import Annotation, RegionItem, RegionList
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
from lattice.regions.plane import PixelEllipse
from lattice.regions.ranges import ChannelSelection, SpectralRange, StokesSelection
from lattice.regions.record_write import to_record
from lattice.regions.records import from_record
from lattice.regions.relative import RelativeBox
from lattice.regions.strings import PixelBoxes, from_strings
from lattice.regions.world import Annulus, CenterBox, Circle, Ellipse, RotatedBox, WorldBox, WorldPolygon

__all__ = [
    "And",
    "Annotation",
    "Annulus",
    "AxisBox",
    "AxisPolygon",
    "CenterBox",
    "ChannelSelection",
    "Circle",
    "Complement",
    "Difference",
    "Ellipse",
    "MaskRegion",
    "Or",
    "PixelBox",
    "PixelBoxes",
    "PixelEllipse",
    "PixelEllipsoid",
    "PixelPolygon",
    "Region",
    "RegionItem",
    "RegionList",
    "RelativeBox",
    "RotatedBox",
    "Slicer",
    "SpectralRange",
    "StokesSelection",
    "WorldBox",
    "WorldPolygon",
    "from_astropy",
    "from_crtf",
    "from_ds9",
    "from_record",
    "from_strings",
    "to_astropy",
    "to_crtf",
    "to_ds9",
    "to_record",
]
