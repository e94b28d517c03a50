"""World coordinates of pixels and pixels of world coordinates, for any part of the image of a header."""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from lattice.coords.astropy_wcs import HeaderWcs, header_wcs, make_wcs
from lattice.coords.header import WcsCards
from lattice.errors import CoordinateError, ShapeMismatchError, warn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lattice.coords.header import Card
    from lattice.coords.system import Axis

__all__ = ["STOKES", "World", "lookup", "lookup_back"]

STOKES = {
    1: "I", 2: "Q", 3: "U", 4: "V",
    -1: "RR", -2: "LL", -3: "RL", -4: "LR", -5: "XX", -6: "YY", -7: "XY", -8: "YX",
    5: "RR", 6: "RL", 7: "LR", 8: "LL", 9: "XX", 10: "XY", 11: "YX", 12: "YY",
    100: "??", 113: "RX", 114: "RY", 115: "LX", 116: "LY", 117: "XR", 118: "XL", 119: "YR", 120: "YL",
    121: "PP", 122: "PQ", 123: "QP", 124: "QQ", 125: "RCircular", 126: "LCircular", 127: "Linear",
    128: "Ptotal", 129: "Plinear", 130: "PFtotal", 131: "PFlinear", 132: "Pangle",
}  # fmt: skip
"""Names of the FITS codes of the Stokes axis; those above 4 are casacore's, who adds 100 to them in files."""

_FRAMES = {"ELON": "barycentricmeanecliptic", "SLON": "supergalactic"}


class World:
    """The part of `CoordinateSystem` that computes positions; see there for the attributes."""

    if TYPE_CHECKING:
        axes: tuple[Axis, ...]
        header: tuple[Card, ...]
        dropped: tuple[tuple[int, float], ...]
        table: tuple[float, ...]
        tables: tuple[tuple[int, tuple[float, ...]], ...]

        @property
        def kinds(self) -> tuple[str, ...]: ...
        def to_cards(self, shape: Sequence[int] | None = None) -> tuple[Card, ...]: ...

    # -- what there is ---------------------------------------------------------------------------

    def wcs(self, shape: Sequence[int] | None = None) -> Any:
        """Return the coordinates as an astropy WCS of all axes; a new one each time.

        Parameters
        ----------
        shape : sequence of int, optional
            Shape of the image, numpy order.
        """
        cards = _cards(self)
        wcs = make_wcs(cards, len(self.axes), shape)
        if wcs.naxis != 2 and any(key == "A_ORDER" for key, _, _ in cards):
            warn("astropy has SIP distortions for images of two axes only: the WCS is without them")
        return wcs

    def axis_of(self, kind: str) -> int | None:
        """Return the number (numpy order) of the axis of a kind, None if there is none.

        >>> from lattice.coords.system import CoordinateSystem
        >>> CoordinateSystem.from_kinds(["spectral", "latitude", "longitude"]).axis_of("latitude")
        1
        """
        return self.kinds.index(kind) if kind in self.kinds else None

    @property
    def world_units(self) -> tuple[str, ...]:
        """Unit of each axis in `to_world` and `to_pixel`: degrees on the sky, SI units along the spectrum."""
        base = self._base
        tabular = ["Hz" if self.table and a.kind == "spectral" else "" for a in self.axes]
        tabular = [a.unit if self._table(a) and not t else t for t, a in zip(tabular, self.axes, strict=True)]
        return tuple(t or base.units[a.fits_axis - 1] for t, a in zip(tabular, self.axes, strict=True))

    def _table(self, axis: Axis) -> tuple[float, ...]:
        """Return the coordinates along the header's axis where a table has them, else nothing."""
        if self.table and axis.kind == "spectral":
            return self.table
        return next((values for number, values in self.tables if number == axis.fits_axis), ())

    @property
    def _base(self) -> HeaderWcs:
        numbers = [a.fits_axis for a in self.axes] + [number for number, _ in self.dropped]
        return header_wcs(self.header, max(numbers, default=1))

    def _fixed(self) -> dict[int, float]:
        return dict(self.dropped)

    def tabulated(self, shape: Sequence[int]) -> dict[int, np.ndarray]:
        """Return the coordinates of the pixels of axes that no formula gives, by axis (numpy order).

        Parameters
        ----------
        shape : sequence of int
            Shape of the image.
        """
        out = {}
        for i, (axis, n) in enumerate(zip(self.axes, shape, strict=True)):
            if table := self._table(axis):
                out[i] = lookup(axis.offset + axis.step * np.arange(n, dtype=np.float64), table)
        return out

    # -- all axes --------------------------------------------------------------------------------

    def to_world(self, *pixels: Any) -> tuple[np.ndarray, ...]:
        """Return world coordinates of pixels.

        Parameters
        ----------
        *pixels : array_like
            One per axis, slowest axis first, counted from 0 at the centre of the first pixel; broadcast.

        Returns
        -------
        tuple of ndarray of float
            One per axis, in `world_units`; NaN where a projection has no position, and along axes whose
            coordinates stand in a table beside the header (-TAB). An axis of which nothing is known counts
            pixels from 1, as FITS does.
        """
        given = self._arrays(pixels)
        shape = given[0].shape if given else ()
        at = self._base_pixels(dict(enumerate(given)), math.prod(shape))
        world = self._base.to_world(at)
        out = []
        for axis in self.axes:
            values = world[:, axis.fits_axis - 1]
            if table := self._table(axis):
                values = lookup(at[:, axis.fits_axis - 1], table)
            elif axis.fits_axis in self._base.tabular:
                values = np.full(len(at), np.nan)
            out.append(values.reshape(shape))
        return tuple(out)

    def to_pixel(self, *world: Any) -> tuple[np.ndarray, ...]:
        """Return the pixels at world coordinates: the inverse of `to_world`.

        Parameters
        ----------
        *world : array_like
            One per axis, slowest axis first, in `world_units`; broadcast.

        Returns
        -------
        tuple of ndarray of float
            One per axis; NaN where a position is not on the projection.
        """
        given = self._arrays(world)
        shape = given[0].shape if given else ()
        known = {a.fits_axis: w.ravel() for a, w in zip(self.axes, given, strict=True)}
        tabular = {}
        for axis in self.axes:
            if table := self._table(axis):
                back = _lookup_code if axis.kind == "stokes" else lookup_back
                tabular[axis.fits_axis] = back(known.pop(axis.fits_axis), table)
            elif axis.fits_axis in self._base.tabular:
                tabular[axis.fits_axis] = np.full(len(known.pop(axis.fits_axis)), np.nan)
        found = (self._base.solve(known, self._fixed()) if known else {}) | tabular
        return tuple(_own(axis, found[axis.fits_axis]).reshape(shape) for axis in self.axes)

    def _arrays(self, values: Sequence[Any]) -> list[np.ndarray]:
        if len(values) != len(self.axes):
            raise ShapeMismatchError(
                f"{len(values)} coordinates for an image of {len(self.axes)} axes",
                hint="give one array per axis, slowest axis first",
            )
        return list(np.broadcast_arrays(*(np.asarray(v, np.float64) for v in values)))

    def _base_pixels(self, pixels: dict[int, np.ndarray], n: int) -> np.ndarray:
        """Return pixels of the header from pixels of some axes; the other axes are at their first pixel."""
        at = np.zeros((n, self._base.naxis))
        for number, pixel in self.dropped:
            at[:, number - 1] = pixel
        for i, axis in enumerate(self.axes):
            own = pixels[i].ravel() if i in pixels else 0.0
            at[:, axis.fits_axis - 1] = axis.offset + axis.step * own
        return at

    # -- the sky ---------------------------------------------------------------------------------

    @property
    def has_sky(self) -> bool:
        """Whether there is a pair of sky axes, both of them in the image, that the header describes."""
        return "longitude" in self.kinds and "latitude" in self.kinds and self._base.longitude > 0

    @property
    def sky_frame(self) -> Any:
        """The astropy frame of the sky axes; None without sky axes, or if astropy does not know the frame."""
        return _frame(self._base) if self.has_sky else None

    @property
    def frame_name(self) -> str | None:
        """ICRS, J2000 or GALACTIC where the frame of the sky axes is one of these; else None."""
        return _frame_name(self._base) if self.has_sky else None

    @property
    def header_frame(self) -> Any:
        """The frame of the header's sky axes, also where the image is cut out of them; or None."""
        return _frame(self._base) if self._base.longitude else None

    def sky_to_pixel(self, sky: Any) -> tuple[np.ndarray, np.ndarray]:
        """Return the pixels of positions on the sky.

        Parameters
        ----------
        sky : SkyCoord or astropy frame with data
            Positions in any frame that astropy can transform to that of the image.

        Returns
        -------
        tuple of ndarray of float
            Along the latitude (y) and the longitude axis (x); NaN where a position is not on the projection.
        """
        from astropy.coordinates import SkyCoord

        frame = self._checked_frame()
        try:
            there = SkyCoord(sky).transform_to(frame)
        except Exception as error:  # astropy has no common class for what a transformation may miss
            raise CoordinateError(
                f"positions in {getattr(sky, 'name', type(sky).__name__)} cannot be brought to the frame of "
                f"the image, {frame.name}: {str(error).splitlines()[0]}"
            ) from None
        lon = np.asarray(there.spherical.lon.deg, np.float64)
        lat = np.asarray(there.spherical.lat.deg, np.float64)
        return self.lonlat_to_pixel(lon, lat)

    def lonlat_to_pixel(self, lon: Any, lat: Any) -> tuple[np.ndarray, np.ndarray]:
        """Return the pixels (y, x) of longitudes and latitudes in degrees in the image's own frame."""
        x_axis, y_axis = self._sky_axes()
        lon, lat = np.broadcast_arrays(np.asarray(lon, np.float64), np.asarray(lat, np.float64))
        known = {x_axis.fits_axis: lon.ravel(), y_axis.fits_axis: lat.ravel()}
        others = {a.fits_axis: a.offset for a in self.axes if a.fits_axis not in known}
        found = self._base.solve(known, self._fixed() | others)
        y, x = (_own(axis, found[axis.fits_axis]).reshape(lon.shape) for axis in (y_axis, x_axis))
        return y, x

    def pixel_to_lonlat(self, y: Any, x: Any) -> tuple[np.ndarray, np.ndarray]:
        """Return longitudes and latitudes of pixels in degrees in the image's own frame."""
        x_axis, y_axis = self._sky_axes()
        y, x = np.broadcast_arrays(np.asarray(y, np.float64), np.asarray(x, np.float64))
        at = self._base_pixels({self.axes.index(y_axis): y, self.axes.index(x_axis): x}, y.size)
        world = self._base.to_world(at)
        lon, lat = (world[:, a.fits_axis - 1].reshape(y.shape) for a in (x_axis, y_axis))
        return lon, lat

    def positions(self, *pixels: Any) -> tuple[np.ndarray, np.ndarray]:
        """Return longitudes and latitudes in degrees of pixels of all axes, be the sky axes cut or not."""
        given = self._arrays(pixels)
        at = self._base_pixels(dict(enumerate(given)), given[0].size if given else 1)
        world = self._base.to_world(at)
        shape = given[0].shape if given else ()
        lon, lat = (world[:, i - 1].reshape(shape) for i in (self._base.longitude, self._base.latitude))
        return lon, lat

    def pixel_to_sky(self, y: Any, x: Any) -> Any:
        """Return the positions of pixels as a SkyCoord in the image's own frame.

        Parameters
        ----------
        y, x : array_like
            Pixels along the latitude and the longitude axis; broadcast.
        """
        from astropy import units as u
        from astropy.coordinates import SkyCoord, UnitSphericalRepresentation

        frame = self._checked_frame()
        lon, lat = self.pixel_to_lonlat(y, x)
        # Latitudes may pass 90 degrees by rounding, which astropy would refuse.
        place = UnitSphericalRepresentation(lon * u.deg, np.clip(lat, -90, 90) * u.deg)
        return SkyCoord(frame.realize_frame(place))

    def pixel_scale(self) -> tuple[float, float]:
        """Return the size of a pixel at the reference position in degrees, along y and x."""
        x_axis, y_axis = self._sky_axes()
        matrix = self._base.wcs.pixel_scale_matrix
        rows = [self._base.longitude - 1, self._base.latitude - 1]
        y, x = (float(np.hypot(*matrix[rows, a.fits_axis - 1]) * abs(a.step)) for a in (y_axis, x_axis))
        return y, x

    def sky_matrix(self) -> np.ndarray:
        """Return offsets in degrees to the east and the north (rows) of a pixel along y and x (columns).

        They hold at the reference position, with the latitude axis taken as y and the longitude axis as x.
        """
        x_axis, y_axis = self._sky_axes()
        matrix = self._base.wcs.pixel_scale_matrix
        rows = [self._base.longitude - 1, self._base.latitude - 1]
        return np.column_stack([matrix[rows, a.fits_axis - 1] * a.step for a in (y_axis, x_axis)])

    def _sky_axes(self) -> tuple[Axis, Axis]:
        if not self.has_sky:
            raise CoordinateError(
                "the image has no pair of sky axes",
                hint=f"its axes are {', '.join(self.kinds) or 'none'}",
            )
        return self.axes[self.kinds.index("longitude")], self.axes[self.kinds.index("latitude")]

    def _checked_frame(self) -> Any:
        self._sky_axes()
        frame = self.sky_frame
        if frame is None:
            name = self._base.wcs.wcs.ctype[self._base.longitude - 1]
            raise CoordinateError(f"the sky frame of {name} (RADESYS) is not one that astropy knows")
        return frame

    # -- polarization ----------------------------------------------------------------------------

    def stokes(self, length: int) -> tuple[str, ...]:
        """Return the names of the `length` pixels of the Stokes axis, such as ``("I", "Q")``.

        A code that has no name gives its number.
        """
        axis = self.axis_of("stokes")
        if axis is None:
            raise CoordinateError("the image has no Stokes axis")
        described = self._table(self.axes[axis]) or WcsCards.parse(self.header).ctype(
            self.axes[axis].fits_axis
        )
        if not described:
            codes = self.axes[axis].offset + self.axes[axis].step * np.arange(length) + 1
        else:
            pixels: list[Any] = [0.0] * len(self.axes)
            pixels[axis] = np.arange(length)
            codes = self.to_world(*pixels)[axis]
        return self.stokes_of(codes)

    @staticmethod
    def stokes_of(codes: Any) -> tuple[str, ...]:
        """Return the names of FITS codes of Stokes parameters."""
        return tuple(STOKES.get(round(c), f"{c:g}") for c in np.asarray(codes).tolist())


@functools.lru_cache(512)
def _cards(system: Any) -> tuple[Card, ...]:
    return system.to_cards()


@functools.lru_cache(256)
def _frame_name(base: HeaderWcs) -> str | None:
    """Return the name of the commonest frames, without astropy's frames, which take long to load."""
    wcs = base.wcs.wcs
    pair = tuple(str(wcs.ctype[axis - 1])[:4] for axis in (base.longitude, base.latitude))
    system, equinox = str(wcs.radesys), float(wcs.equinox)
    if pair == ("RA--", "DEC-"):
        if system == "ICRS" or (not system and math.isnan(equinox)):
            return "ICRS"
        if system in ("FK5", "") and equinox == 2000:
            return "J2000"
    return "GALACTIC" if pair == ("GLON", "GLAT") and not system else None


def _frame(base: HeaderWcs) -> Any:
    from astropy.coordinates import frame_transform_graph
    from astropy.wcs.utils import wcs_to_celestial_frame

    ctype = str(base.wcs.wcs.ctype[base.longitude - 1])[:4]
    if ctype in _FRAMES:
        known = frame_transform_graph.lookup_name(_FRAMES[ctype])
        return None if known is None else known()
    try:
        frame = wcs_to_celestial_frame(base.wcs)
    except (ValueError, TypeError):  # the latter for frames of bodies whose size is not in the header
        return None
    if frame.name == "fk4" and abs(base.wcs.wcs.equinox - 1979.9) < 1e-3:
        # AIPS and casacore mean the equinox 1950 at the epoch of the VLA's calibrators.
        from astropy.coordinates import FK4

        return FK4(equinox="B1950", obstime="B1979.9")
    # astropy takes what it does not know for ICRS.
    equatorial = ctype.startswith("RA") or ctype in ("GLON", "TLON")
    return frame if equatorial or frame.name not in ("icrs", "fk5", "fk4") else None


def _own(axis: Axis, pixels: np.ndarray) -> np.ndarray:
    """Return pixels of the image from pixels of its header's axis."""
    return (pixels - axis.offset) / axis.step


def lookup(pixels: np.ndarray, table: tuple[float, ...]) -> np.ndarray:
    """Return values of a table between its pixels, up to half a pixel outside of it."""
    values = np.asarray(table)
    inside = np.interp(pixels, np.arange(len(values)), values)
    if len(values) > 1:
        low, high = pixels < 0, pixels > len(values) - 1
        inside = np.where(low, values[0] + pixels * (values[1] - values[0]), inside)
        past = pixels - (len(values) - 1)
        inside = np.where(high, values[-1] + past * (values[-1] - values[-2]), inside)
    outside = (pixels < -0.5) | (pixels > len(values) - 0.5)
    return np.where(outside, np.nan, inside)


def lookup_back(values: np.ndarray, table: tuple[float, ...]) -> np.ndarray:
    """Return the pixels at values of a table; NaN outside of it, and if it neither rises nor falls."""
    known = np.asarray(table)
    steps = np.diff(known)
    if len(known) == 1:
        return np.where(values == known[0], 0.0, np.nan)
    if not ((steps > 0).all() or (steps < 0).all()):
        return np.full(values.shape, np.nan)
    sign = 1.0 if steps[0] > 0 else -1.0
    rising = known * sign
    pixels = np.interp(values * sign, rising, np.arange(len(known)))
    low, high = values * sign < rising[0], values * sign > rising[-1]
    pixels = np.where(low, (values - known[0]) / steps[0], pixels)
    pixels = np.where(high, len(known) - 1 + (values - known[-1]) / steps[-1], pixels)
    out: np.ndarray = np.where((pixels < -0.5) | (pixels > len(known) - 0.5), np.nan, pixels)
    return out


def _lookup_code(values: np.ndarray, table: tuple[float, ...]) -> np.ndarray:
    """Return the pixels that have some codes; NaN where none has."""
    same = np.asarray(values)[..., None] == np.asarray(table)
    return np.where(same.any(axis=-1), same.argmax(axis=-1).astype(np.float64), np.nan)
