"""The plane of sky axes of one lattice: where positions and offsets on the sky fall in pixels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from lattice.errors import CoordinateError, CoordinateWarning, RegionError, warn
from lattice.graph.attributes import Attributes
from lattice.graph.sections import full
from lattice.regions.base import OutsideError, Region, lattice_shape
from lattice.regions.measures import Measure, Point, astropy_frame
from lattice.regions.pixel import PixelBox, PixelPolygon
from lattice.regions.plane import PixelEllipse

__all__ = ["HALVES", "SkyPlane", "north_turn", "sky_corners", "sky_of"]

_ROUNDING = 1e-6
HALVES = ((-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5))  # corners of a box, around its centre
_TURNS = np.arange(16) * (math.pi / 8)  # around the edge of an ellipse
_ALIKE = 0.05  # of its size, by which an ellipse may differ from that on the sky
_NEAR = 1e-3  # degrees: close enough to see the direction of north at a position


class SkyPlane:
    """The two axes in which a region lies, with the conversions to pixels of one lattice.

    Parameters
    ----------
    attrs : Attributes
        The lattice.
    frame : str or None
        Frame of the positions on the sky, one of `lattice.regions.measures.FRAMES`; None: the image's own.
    noun : str
        What the region is, for messages.
    """

    def __init__(self, attrs: Attributes, frame: str | None, noun: str) -> None:
        self.shape = lattice_shape(attrs)
        self.frame, self.noun, self.attrs = frame, noun, attrs
        kinds = tuple(attrs.coords.kinds) if attrs.coords is not None else ()
        self.has_sky = "longitude" in kinds and "latitude" in kinds
        if self.has_sky:
            self.row, self.column = kinds.index("latitude"), kinds.index("longitude")
        elif len(self.shape) < 2:
            raise RegionError(f"a {noun} needs a plane, which the {attrs.describe()} has not")
        else:
            self.row, self.column = len(self.shape) - 2, len(self.shape) - 1

    @property
    def coords(self) -> Any:
        """Coordinates of the lattice, which has sky axes."""
        if not self.has_sky or not getattr(self.attrs.coords, "has_sky", True):
            raise RegionError(
                f"a {self.noun} on the sky needs an image with sky axes, "
                f"which the {self.attrs.describe()} has not",
                hint="positions and lengths in pixels are written 12.5pix",
            )
        return self.attrs.coords

    # -- positions ---------------------------------------------------------------------------------

    def pixels(self, points: Sequence[Point]) -> tuple[np.ndarray, np.ndarray]:
        """Return x and y of positions, all on the sky or all in pixels."""
        x, y = (np.array([getattr(p, name).value for p in points]) for name in ("x", "y"))
        if points[0].in_pixels:
            return x, y
        return self._sky_to_pixels(x, y, self.frame)

    def _sky_to_pixels(self, lon: Any, lat: Any, frame: str | None) -> tuple[np.ndarray, np.ndarray]:
        lat = np.clip(lat, -90, 90)
        try:
            if frame is None or frame == self.coords.frame_name:
                ys, xs = self.coords.lonlat_to_pixel(lon, lat)
            else:
                ys, xs = self.coords.sky_to_pixel(sky_of(lon, lat, astropy_frame(frame)))
        except CoordinateError as error:
            raise RegionError(error.message, hint=error.hint) from None
        if not (np.isfinite(xs).all() and np.isfinite(ys).all()):
            bad = int(np.flatnonzero(~(np.isfinite(xs) & np.isfinite(ys)))[0])
            raise OutsideError(
                f"the position {np.ravel(lon)[bad]:g}, {np.ravel(lat)[bad]:g} deg of a {self.noun} "
                "is not on the projection of the image"
            )
        return xs, ys

    def around(self, centre: Point, offsets: Sequence[tuple[float, float]]) -> tuple[np.ndarray, np.ndarray]:
        """Return x and y of places at offsets in degrees (east, north) from a centre, on the sphere."""
        if centre.in_pixels:
            lon, lat = self.coords.pixel_to_lonlat(centre.y.value, centre.x.value)
            frame = None
        else:
            lon, lat, frame = centre.x.value, centre.y.value, self.frame
        if not (np.isfinite(lon) and np.isfinite(lat)):
            raise RegionError(f"the centre of the {self.noun} is not on the projection of the image")
        east, north = np.radians(np.array(offsets, float)).T
        return self._sky_to_pixels(*_displaced(float(lon), float(lat), east, north), frame)

    def degrees(self, length: Measure, axis: str) -> float:
        """Return a length along x or y in degrees."""
        if not length.in_pixels:
            return length.value
        scale: tuple[float, float] = self.coords.pixel_scale()
        return length.value * scale[1 if axis == "x" else 0]

    # -- regions -------------------------------------------------------------------------------------

    def polygon(self, xs: np.ndarray, ys: np.ndarray) -> Region:
        """Return the polygon with these corners; a box if its four edges lie along the axes."""
        if len(xs) == 4:
            pairs = ((xs, [0, 3, 1, 2]), (ys, [0, 1, 2, 3]))
            if all(np.abs(v[i[::2]] - v[i[1::2]]).max() <= _ROUNDING for v, i in pairs):
                return self.box(float(xs.min()), float(xs.max()), float(ys.min()), float(ys.max()))
        return PixelPolygon(tuple(xs), tuple(ys), self.shape, (self.row, self.column))

    def box(self, x0: float, x1: float, y0: float, y1: float) -> PixelBox:
        """Return the pixels whose centres lie within a range of x and of y."""
        box = [(s.start, s.stop - 1) for s in full(self.shape)]
        for axis, low, high in ((self.column, x0, x1), (self.row, y0, y1)):
            first = max(0, math.ceil(low - _ROUNDING))
            last = min(self.shape[axis] - 1, math.floor(high + _ROUNDING))
            if first > last:
                raise OutsideError(
                    f"the {self.noun} holds the centre of no pixel of a lattice of shape {self.shape}",
                    hint=f"on axis {axis} it goes from {low:g} to {high:g}",
                )
            box[axis] = (first, last)
        return PixelBox(tuple(b for b, _ in box), tuple(t for _, t in box), shape=self.shape)

    def ellipse(self, centre: Point, axes: tuple[Measure, Measure], angle: float) -> PixelEllipse:
        """Return an ellipse with half-axes at an angle from north through east; in pixels: from y to -x.

        Angles on the sky become pixels by the scale and the direction of north at the reference position
        of the image, as CASA has it; only the frame of the positions is turned at the centre.
        """
        xs, ys = self.pixels([centre])
        place = (float(ys[0]), float(xs[0]))
        plane = (self.row, self.column)
        if all(a.in_pixels for a in axes):
            return PixelEllipse(place, (axes[0].value, axes[1].value), angle, self.shape, plane)
        turned = math.radians(angle + self._turn(centre))
        cos, sin = math.cos(turned), math.sin(turned)
        a, b = (self._mean_degrees(axis) for axis in axes)
        spread = self._pixels_per_degree() @ np.array([[a * sin, b * cos], [a * cos, -b * sin]])
        directions, sizes, _ = np.linalg.svd(spread)
        self._tell_distance(centre, (a, b, angle), spread, float(sizes[0]))
        tilt = math.degrees(math.atan2(directions[1, 0], directions[0, 0]))
        if sizes[0] - sizes[1] <= 1e-9 * sizes[0]:
            tilt = 0.0
        return PixelEllipse(place, (float(sizes[1]), float(sizes[0])), tilt, self.shape, plane)

    def _tell_distance(
        self, centre: Point, shape: tuple[float, float, float], spread: np.ndarray, size: float
    ) -> None:
        """Warn where the scale at the reference position does not hold: on a map of all the sky."""
        a, b, angle = np.radians(shape)
        along, across = a * np.cos(_TURNS), b * np.sin(_TURNS)
        length, course = np.hypot(along, across), angle + np.arctan2(across, along)
        x, y, z = np.cos(length), np.sin(length) * np.sin(course), np.sin(length) * np.cos(course)
        offsets = np.degrees(np.column_stack([np.arctan2(y, x), np.arcsin(z)]))
        try:
            found = np.array(self.around(centre, offsets)) - np.array(self.pixels([centre]))
        except OutsideError:
            far = math.inf
        else:
            expected = spread @ np.array([np.cos(_TURNS), np.sin(_TURNS)])
            far = float(np.hypot(*(found - expected)).max())
        if far > max(1.0, _ALIKE * size):
            lies = "is not on the projection" if far == math.inf else f"lies up to {far:.1f} pixels elsewhere"
            warn(
                f"the {self.noun} is drawn with the scale of pixels at the reference position, as CASA does; "
                f"so far from it, its edge on the sky {lies}",
                CoordinateWarning,
            )

    def _mean_degrees(self, length: Measure) -> float:
        if not length.in_pixels:
            return length.value
        return length.value * math.sqrt(math.prod(self.coords.pixel_scale()))

    def _pixels_per_degree(self) -> np.ndarray:
        """Return the matrix that makes pixels (x, y) of degrees (east, north) at the reference position."""
        inverse: np.ndarray = np.linalg.inv(self.coords.sky_matrix()[:, ::-1])
        return inverse

    def _turn(self, centre: Point) -> float:
        """Return by how many degrees north in the frame of the positions lies east of the image's north."""
        if self.frame is None or centre.in_pixels or self.frame == self.coords.frame_name:
            return 0.0
        place = centre.x.value, centre.y.value
        return north_turn(place, astropy_frame(self.frame), self.coords.sky_frame)


def north_turn(place: tuple[float, float], frame: Any, own: Any) -> float:
    """Return by how many degrees north in a frame lies east of north in another, at a place in the first."""
    lon1, lat1 = place
    step = _NEAR if lat1 < 89 else -_NEAR
    sky = sky_of([lon1] * 2, [lat1, lat1 + step], frame).transform_to(own)
    lon, lat = sky.spherical.lon.rad, sky.spherical.lat.rad
    ahead = lon[1] - lon[0]
    east = math.cos(lat[1]) * math.sin(ahead)
    north = math.cos(lat[0]) * math.sin(lat[1]) - math.sin(lat[0]) * math.cos(lat[1]) * math.cos(ahead)
    return math.degrees(math.atan2(east * step, north * step))


def sky_corners(centre: Point, size: tuple[Measure, Measure], angle: float) -> tuple[np.ndarray, np.ndarray]:
    """Return longitudes and latitudes of the corners of a box on the sphere, turned from north to east."""
    w, h = (math.radians(s.value) for s in size)
    cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    offsets = [(h * j * sin - w * i * cos, h * j * cos + w * i * sin) for i, j in HALVES]
    return _displaced(centre.x.value, centre.y.value, *np.array(offsets).T)


def sky_of(lon: Any, lat: Any, frame: Any) -> Any:
    """Return the SkyCoord of positions in degrees in a frame of astropy."""
    from astropy import units as u
    from astropy.coordinates import SkyCoord, UnitSphericalRepresentation

    place = UnitSphericalRepresentation(np.atleast_1d(lon) * u.deg, np.atleast_1d(lat) * u.deg)
    return SkyCoord(frame.realize_frame(place))


def _displaced(lon: float, lat: float, east: np.ndarray, north: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return longitudes and latitudes in degrees of offsets from a place, by turning the sphere."""
    lon, lat = math.radians(lon), math.radians(lat)
    x, y, z = np.cos(north) * np.cos(east), np.cos(north) * np.sin(east), np.sin(north)
    x, z = x * math.cos(lat) - z * math.sin(lat), x * math.sin(lat) + z * math.cos(lat)
    return np.degrees(np.arctan2(y, x) + lon), np.degrees(np.arcsin(np.clip(z, -1, 1)))
