"""Regions in world coordinates: shapes on the sky, ranges of frequency or velocity, and Stokes parameters.

They hold for any image and become pixels when they are fitted to one.  Positions are pairs (longitude,
latitude) in degrees, astropy Quantities or texts such as ``"12h30m"``; or pairs (x, y) in pixels of the
image at hand, as ``"4pix"``.  A pixel belongs to a shape when its centre is inside or on the edge.  All
other axes are taken in full.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from lattice.errors import LatticeTypeError, RegionError
from lattice.graph.attributes import Attributes
from lattice.graph.sections import Section
from lattice.regions.base import Region
from lattice.regions.compound import Difference
from lattice.regions.measures import Measure, Point, frame_name, measure, point
from lattice.regions.skyplane import HALVES, SkyPlane

__all__ = [
    "Annulus",
    "CenterBox",
    "Circle",
    "Ellipse",
    "RotatedBox",
    "WorldBox",
    "WorldPolygon",
    "WorldRegion",
    "turned_corners",
]

Position = Any  # a Point once it is made, anything that `point` reads before
Length = Any  # a Measure
Lengths = Any  # two of them


class WorldRegion(Region):
    """Base of regions that become pixel regions when they are fitted to an image."""

    kind: ClassVar[str] = "world"
    shape = None
    axes: ClassVar[tuple[str, ...]] = ("latitude", "longitude")  # type: ignore[misc]

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


class _Shape(WorldRegion):
    """Base of shapes on the sky."""

    frame: str | None

    def _set(self, **values: Any) -> None:
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def _plane(self, attrs: Attributes) -> SkyPlane:
        return SkyPlane(attrs, self.frame, self.noun)


def _place(value: Any, frame: str | None) -> tuple[Point, str | None]:
    """Return a position and its frame; a SkyCoord brings its own."""
    if hasattr(value, "spherical") and hasattr(value, "transform_to"):
        from astropy.coordinates import ICRS

        own = value.transform_to(ICRS()) if frame is None else value.transform_to(_target(frame))
        if np.ndim(own.spherical.lon):
            raise LatticeTypeError("a position is a single SkyCoord, not an array of them")
        lon, lat = float(own.spherical.lon.deg), float(own.spherical.lat.deg)
        return point((lon, lat)), frame_name(frame) or "ICRS"
    return point(value), frame_name(frame)


def _target(frame: str) -> Any:
    from lattice.regions.measures import astropy_frame

    return astropy_frame(frame_name(frame) or "ICRS")


def _places(values: Sequence[Any], frame: str | None) -> tuple[tuple[Point, ...], str | None]:
    found = [_place(value, frame) for value in values]
    frames = {f for _, f in found}
    if len(frames) > 1:
        raise RegionError("the positions of a shape are all SkyCoords or none of them is")
    if len({p.in_pixels for p, _ in found}) > 1:
        raise RegionError("the positions of a shape are all on the sky or all in pixels")
    return tuple(p for p, _ in found), frames.pop()


def _lengths(values: Any, what: str) -> tuple[Measure, Measure]:
    try:
        first, second = (values, values) if isinstance(values, str) else values
    except (TypeError, ValueError):
        raise LatticeTypeError(f"the {what} is a pair of lengths, not {values!r}") from None
    return positive(first, what), positive(second, what)


def positive(value: Any, what: str) -> Measure:
    """Return a length that is above 0."""
    found = measure(value, what)
    if found.value <= 0:
        raise RegionError(f"the {what} must be above 0, not {found.value:g} {found.unit}")
    return found


def _angle(value: Any) -> float:
    found = measure(value, "angle")
    if found.in_pixels:
        raise RegionError("an angle is in degrees or another unit of angle, not in pixels")
    return found.value


@dataclass(frozen=True)
class WorldBox(_Shape):
    """A box between two opposite corners; on the sky its edges join the corners in the plane of pixels.

    Parameters
    ----------
    first, second : position
        Any two opposite corners.
    frame : str, optional
        Frame of positions on the sky: J2000, ICRS, B1950, GALACTIC, ...; by default that of the image.

    Examples
    --------
    >>> import numpy as np
    >>> from lattice.graph.attributes import Attributes
    >>> from lattice.regions import WorldBox
    >>> plane = Attributes(np.dtype("f4"), (8, 10), ("y", "x"))
    >>> WorldBox(("1.6pix", "2pix"), ("4.4pix", "5pix")).fit(plane).bounds()
    (slice(2, 6, 1), slice(2, 5, 1))
    """

    first: Position
    second: Position
    frame: str | None = None
    noun: ClassVar[str] = "box"

    def __post_init__(self) -> None:
        (first, second), frame = _places((self.first, self.second), self.frame)
        self._set(first=first, second=second, frame=frame)

    def _fitted(self, attrs: Attributes) -> Region:
        plane = self._plane(attrs)
        a, b = self.first, self.second
        corners = [a, Point(b.x, a.y), b, Point(a.x, b.y)]
        return plane.polygon(*plane.pixels(corners))


@dataclass(frozen=True)
class CenterBox(_Shape):
    """A box around a centre.

    Parameters
    ----------
    centre : position
        The centre.
    size : pair of length
        Width and height, in full.
    frame : str, optional
        Frame of positions on the sky; by default that of the image.
    """

    centre: Position
    size: Lengths
    frame: str | None = None
    noun: ClassVar[str] = "box"

    def __post_init__(self) -> None:
        centre, frame = _place(self.centre, self.frame)
        self._set(centre=centre, size=_lengths(self.size, "size of a box"), frame=frame)

    def _fitted(self, attrs: Attributes) -> Region:
        return self._plane(attrs).polygon(*self.corners(attrs))

    def corners(self, attrs: Attributes) -> tuple[np.ndarray, np.ndarray]:
        """Return x and y of its corners in the pixels of an image."""
        return _corners(self._plane(attrs), self.centre, self.size, 0.0)


@dataclass(frozen=True)
class RotatedBox(_Shape):
    """A box around a centre, turned.

    Parameters
    ----------
    centre : position
        The centre.
    size : pair of length
        Width along x and height along y before turning.
    angle : angle
        How far it is turned: from north to east; with pixels, counterclockwise.
    frame : str, optional
        Frame of positions on the sky; by default that of the image.
    """

    centre: Position
    size: Lengths
    angle: Length
    frame: str | None = None
    noun: ClassVar[str] = "box"

    def __post_init__(self) -> None:
        centre, frame = _place(self.centre, self.frame)
        size = _lengths(self.size, "size of a box")
        self._set(centre=centre, size=size, angle=_angle(self.angle), frame=frame)

    def _fitted(self, attrs: Attributes) -> Region:
        return self._plane(attrs).polygon(*self.corners(attrs))

    def corners(self, attrs: Attributes) -> tuple[np.ndarray, np.ndarray]:
        """Return x and y of its corners in the pixels of an image."""
        return _corners(self._plane(attrs), self.centre, self.size, self.angle)


def turned_corners(size: tuple[Measure, Measure], angle: float) -> tuple[np.ndarray, np.ndarray]:
    """Return x and y of the corners of a box in pixels around 0, turned counterclockwise."""
    cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    w, h = size[0].value, size[1].value
    x, y = np.array([(w * i * cos - h * j * sin, w * i * sin + h * j * cos) for i, j in HALVES]).T
    return x, y


def _corners(
    plane: SkyPlane, centre: Point, size: tuple[Measure, Measure], angle: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return x and y of the corners of a turned box in the pixels of an image."""
    if all(s.in_pixels for s in size):
        (x,), (y,) = plane.pixels([centre])
        dx, dy = turned_corners(size, angle)
        return x + dx, y + dy
    w, h = plane.degrees(size[0], "x"), plane.degrees(size[1], "y")
    cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    offsets = [(h * j * sin - w * i * cos, h * j * cos + w * i * sin) for i, j in HALVES]
    return plane.around(centre, offsets)


@dataclass(frozen=True)
class Circle(_Shape):
    """A circle.

    Parameters
    ----------
    centre : position
        The centre.
    radius : length
        The radius.  On the sky it becomes pixels by the scale at the reference position of the image, as in
        CASA; a CoordinateWarning tells where that is another circle, as on maps of the whole sky.
    frame : str, optional
        Frame of positions on the sky; by default that of the image.

    Examples
    --------
    >>> import numpy as np
    >>> from lattice.graph.attributes import Attributes
    >>> from lattice.regions import Circle
    >>> disc = Circle(("2pix", "2pix"), "1pix").fit(Attributes(np.dtype("f4"), (5, 5), ("y", "x")))
    >>> disc.mask(disc.bounds()).astype(int)
    array([[0, 1, 0],
           [1, 1, 1],
           [0, 1, 0]])
    """

    centre: Position
    radius: Length
    frame: str | None = None
    noun: ClassVar[str] = "circle"

    def __post_init__(self) -> None:
        centre, frame = _place(self.centre, self.frame)
        self._set(centre=centre, radius=positive(self.radius, "radius"), frame=frame)

    def _fitted(self, attrs: Attributes) -> Region:
        return self._plane(attrs).ellipse(self.centre, (self.radius, self.radius), 0.0)


@dataclass(frozen=True)
class Annulus(_Shape):
    """What lies between two circles.

    Parameters
    ----------
    centre : position
        The centre.
    inner, outer : length
        The radii; pixels on the inner circle do not belong.
    frame : str, optional
        Frame of positions on the sky; by default that of the image.
    """

    centre: Position
    inner: Length
    outer: Length
    frame: str | None = None
    noun: ClassVar[str] = "annulus"

    def __post_init__(self) -> None:
        centre, frame = _place(self.centre, self.frame)
        inner, outer = positive(self.inner, "inner radius"), positive(self.outer, "outer radius")
        if inner.unit == outer.unit and inner.value >= outer.value:
            raise RegionError("the inner radius of an annulus is the smaller one")
        self._set(centre=centre, inner=inner, outer=outer, frame=frame)

    def _fitted(self, attrs: Attributes) -> Region:
        plane = self._plane(attrs)
        whole = plane.ellipse(self.centre, (self.outer, self.outer), 0.0)
        hole = plane.ellipse(self.centre, (self.inner, self.inner), 0.0)
        whole.bounds()
        try:
            hole.bounds()
        except RegionError:  # the hole lies outside the image, or between the pixels
            return whole
        return Difference(whole, hole)


@dataclass(frozen=True)
class Ellipse(_Shape):
    """An ellipse.

    Parameters
    ----------
    centre : position
        The centre.
    half_axes : pair of length
        The half-axes.
    angle : angle
        Position angle of the first half-axis, from north through east; with pixels: from y to -x.
    frame : str, optional
        Frame of positions on the sky, and of the angle; by default that of the image.
    """

    centre: Position
    half_axes: Lengths
    angle: Length = 0.0
    frame: str | None = None
    noun: ClassVar[str] = "ellipse"

    def __post_init__(self) -> None:
        centre, frame = _place(self.centre, self.frame)
        half_axes = _lengths(self.half_axes, "half-axis")
        self._set(centre=centre, half_axes=half_axes, angle=_angle(self.angle), frame=frame)

    def _fitted(self, attrs: Attributes) -> Region:
        return self._plane(attrs).ellipse(self.centre, self.half_axes, self.angle)


@dataclass(frozen=True)
class WorldPolygon(_Shape):
    """A polygon; its edges are straight in the plane of pixels, the last corner is joined to the first.

    Parameters
    ----------
    corners : sequence of position
        At least three.
    frame : str, optional
        Frame of positions on the sky; by default that of the image.
    """

    corners: tuple[Position, ...]
    frame: str | None = None
    noun: ClassVar[str] = "polygon"

    def __post_init__(self) -> None:
        values = tuple(self.corners)
        if len(values) < 3:
            raise RegionError(f"a polygon needs three corners at least, not {len(values)}")
        corners, frame = _places(values, self.frame)
        if len(set(corners)) < 3:
            raise RegionError("a polygon needs three different corners")
        self._set(corners=corners, frame=frame)

    def _fitted(self, attrs: Attributes) -> Region:
        plane = self._plane(attrs)
        return plane.polygon(*plane.pixels(self.corners))
