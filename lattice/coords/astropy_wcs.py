"""WCS cards as an astropy WCS: pixels to world coordinates and back, for all axes of a header at once."""

from __future__ import annotations

import functools
import re
import threading
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from lattice.coords.header import SIP, Card, NewAxis, WcsCards, celestial_part, transform, unread_tables
from lattice.errors import CoordinateError, warn

__all__ = ["HeaderWcs", "header_wcs", "make_wcs"]

_LOCK = threading.Lock()  # wcslib keeps its state in the WCS while it works
_CTYPE = re.compile(r"CTYPE\d{1,2}")
_NEWTON_STEPS = 30
_TOLERANCE = 1e-11  # pixels


def make_wcs(cards: Sequence[Card], naxis: int, shape: Sequence[int] | None = None) -> Any:
    """Return an astropy WCS made of WCS cards.

    Parameters
    ----------
    cards : sequence of (keyword, value, comment)
        The cards, as `CoordinateSystem.to_cards` returns them.
    naxis : int
        Number of axes of the image; an image of which little is known has fewer in its cards.
    shape : sequence of int, optional
        Shape of the image, numpy order.

    Raises
    ------
    CoordinateError
        If astropy cannot use them.
    """
    from astropy.io.fits import Header
    from astropy.wcs import WCS

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about old keywords, which astropy mends
        header = Header()
        header["WCSAXES"] = max([naxis, *(value for key, value, _ in cards if key == "WCSAXES")])
        for key, value, comment in cards:
            if key != "WCSAXES":
                header[key] = (value, comment)
        if header["WCSAXES"] != 2 and "A_ORDER" in header:
            header = _without_sip(header)
        _unpaired(header)
        try:
            wcs = WCS(header)
        except Exception as error:  # wcslib has a class of its own for each kind of fault
            raise useless(error) from None
        if shape is not None and len(shape) == wcs.naxis:
            wcs.array_shape = tuple(shape)
    return wcs


def _unpaired(header: Any) -> None:
    """Make the axis of a longitude without a latitude, or the other way round, a linear one in place.

    It stands in slices through cubes, where wcslib would refuse all axes on account of it.
    """
    parts = {key: celestial_part(str(value)) for key, value in header.items() if _CTYPE.fullmatch(key)}
    alone = {"longitude", "latitude"} - set(parts.values())
    if len(alone) == 1:
        for key, part in parts.items():
            if part:
                header[key] = re.split("-", str(header[key]))[0]


def _without_sip(header: Any) -> Any:
    """Return a header without SIP polynomials, which astropy takes for images of two axes only."""
    out = header.copy()
    for key in header:
        if SIP.fullmatch(key):
            del out[key]
        elif key.startswith("CTYPE") and isinstance(header[key], str):
            out[key] = header[key].replace("-SIP", "")
    return out


@functools.lru_cache(256)
def header_wcs(header: tuple[Card, ...], naxis: int) -> HeaderWcs:
    """Return the transformation of all axes of a header; kept for headers in use."""
    return HeaderWcs(header, naxis)


class HeaderWcs:
    """World coordinates of the pixels of a whole header, FITS order, pixels counted from 0, SI units.

    Parameters
    ----------
    header : tuple of (keyword, value, comment)
        WCS cards.
    naxis : int
        Number of axes, at least.
    """

    def __init__(self, header: tuple[Card, ...], naxis: int) -> None:
        parsed = WcsCards.parse(header)
        self.naxis = max(naxis, parsed.axes, 1)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what cannot be carried over is said when it is written
            cards = transform(header, [NewAxis(i + 1, 0, 1) for i in range(self.naxis)], {})
            self._sip_tables = _sip_tables(cards)
            # The polynomials are computed here: exactly, both ways, and in cubes too.
            cards = [
                (k, v.replace("-SIP", "") if k.startswith("CTYPE") and isinstance(v, str) else v, c)
                for k, v, c in cards
                if not SIP.fullmatch(k)
            ]
            self.wcs = make_wcs(cards, self.naxis)
            try:
                self.wcs.wcs.set()
            except Exception as error:  # wcslib has a class of its own for each kind of fault
                raise useless(error) from None
        self.groups = parsed.coupled()
        self.tabular, self._distortions = unread_tables(header)
        self._told = False
        self.longitude = self.wcs.wcs.lng + 1  # 0: none
        self.latitude = self.wcs.wcs.lat + 1
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # units that are none of FITS are shown as they are
            self.units = tuple(_unit(unit) for unit in self.wcs.wcs.cunit)
        self._centre = np.array(self.wcs.wcs.crpix[:2]) - 1
        # The two directions of this projection are separate approximations in wcslib, in single precision.
        self._inexact = any(str(ctype).endswith("-CSC") for ctype in self.wcs.wcs.ctype)
        self._crval = np.array(self.wcs.wcs.crval)

    def _tell(self) -> None:
        """Say once what positions lack."""
        self._told = True
        if self._distortions:
            warn(
                f"positions lack the correction by tables of distortions ({', '.join(self._distortions)}), "
                "which are not read"
            )

    def to_world(self, pixels: np.ndarray) -> np.ndarray:
        """Return world coordinates of (n, naxis) pixels; NaN where there are none."""
        if not len(pixels):
            return np.empty_like(pixels)
        if not self._told:
            self._tell()
        if self._sip_tables:
            pixels = pixels.copy()
            pixels[:, :2] += self._sip(pixels[:, :2])
        return self._plain(pixels)

    def to_pixel(self, world: np.ndarray) -> np.ndarray:
        """Return pixels of (n, naxis) world coordinates; NaN where there are none."""
        if not len(world):
            return np.empty_like(world)
        if not self._told:
            self._tell()
        bad = ~np.isfinite(world).all(axis=1)
        if bad.any():
            world = np.where(bad[:, None], self._crval, world)
        pixels = self._transformed(self.wcs.wcs.s2p, world, "pixcrd")
        if self._inexact:
            pixels = self._refined(pixels, world)
        if self._sip_tables:
            pixels = self._undistorted(pixels)
        pixels[bad] = np.nan
        return pixels

    def _refined(self, pixels: np.ndarray, world: np.ndarray) -> np.ndarray:
        """Return pixels whose positions are the given ones, from pixels that are near."""
        sky = sorted((self.longitude, self.latitude))
        near = pixels.copy()
        self._newton(near, sky, {axis: world[:, axis - 1] for axis in sky}, self._plain, 1e-6)
        # At the edge between two faces there is no derivative: what was near has to do.
        return np.where(np.isfinite(near) & np.isfinite(pixels), near, pixels)

    def _plain(self, pixels: np.ndarray) -> np.ndarray:
        return self._transformed(self.wcs.wcs.p2s, pixels, "world")

    @staticmethod
    def _transformed(function: Callable[..., Any], given: np.ndarray, name: str) -> np.ndarray:
        """Return what wcslib makes of coordinates; it finds fault with some parameters only here."""
        try:
            with _LOCK, np.errstate(all="ignore"):
                return np.array(function(given, 0)[name])
        except Exception as error:
            raise useless(error) from None

    def _undistorted(self, focal: np.ndarray) -> np.ndarray:
        """Return the pixels that the distortion moves to given positions, by Newton's method."""
        pixels = focal.copy()
        use = np.isfinite(focal).all(axis=1)
        pixels[~use] = np.nan
        goal, found = focal[use][:, :2], focal[use][:, :2].copy()

        def moved(at: np.ndarray) -> np.ndarray:
            return at + self._sip(at)

        found -= self._sip(found)
        error = np.full(len(found), np.inf)
        for _ in range(_NEWTON_STEPS):
            miss = moved(found) - goal
            with np.errstate(all="ignore"):
                error = np.abs(miss).max(axis=1)
            if not np.nanmax(error, initial=0.0) > _TOLERANCE:
                break
            step = 0.5
            dx, dy = np.array([step, 0.0]), np.array([0.0, step])
            jx = (moved(found + dx) - moved(found - dx)) / (2 * step)
            jy = (moved(found + dy) - moved(found - dy)) / (2 * step)
            with np.errstate(all="ignore"):
                det = jx[:, 0] * jy[:, 1] - jx[:, 1] * jy[:, 0]
                found[:, 0] -= (miss[:, 0] * jy[:, 1] - miss[:, 1] * jy[:, 0]) / det
                found[:, 1] -= (jx[:, 0] * miss[:, 1] - jx[:, 1] * miss[:, 0]) / det
        # A polynomial does not reach every position; what did not converge has no pixel.
        found[~(error < 1e-6)] = np.nan
        pixels[np.flatnonzero(use), :2] = found
        return pixels

    def _sip(self, at: np.ndarray) -> np.ndarray:
        """Return the shift by the SIP polynomials of (n, 2) pixels."""
        u, v = (at - self._centre).T
        out = np.zeros_like(at)
        for column, table in self._sip_tables.items():
            out[:, column] = np.polynomial.polynomial.polyval2d(u, v, table)
        return out

    # -- with some axes held ---------------------------------------------------------------------

    def solve(self, known: Mapping[int, np.ndarray], fixed: Mapping[int, float]) -> dict[int, np.ndarray]:
        """Return the pixels at which some axes have given world coordinates, the other axes being cut.

        Parameters
        ----------
        known : mapping of int to array
            World coordinates by axis number (from 1), all of one length.
        fixed : mapping of int to float
            Pixels of the axes that are cut.
        """
        n = len(next(iter(known.values())))
        at = np.array([[fixed.get(i + 1, 0.0) for i in range(self.naxis)]])
        world = np.repeat(self.to_world(at), n, axis=0)
        lost = ~np.isfinite(world)
        world[lost] = np.broadcast_to(self._crval, world.shape)[lost]
        for axis, values in known.items():
            world[:, axis - 1] = values
        pixels = self.to_pixel(world)
        mixed = [g for g in self.groups if g & set(known) and g - set(known)]
        for group in mixed:
            free = sorted(group & set(known))
            start = np.repeat(at, n, axis=0)
            start[:, [a - 1 for a in free]] = pixels[:, [a - 1 for a in free]]
            self._newton(start, free, known, self.to_world)
            pixels[:, [a - 1 for a in free]] = start[:, [a - 1 for a in free]]
        return {axis: pixels[:, axis - 1] for axis in known}

    def _newton(
        self,
        pixels: np.ndarray,
        free: Sequence[int],
        known: Mapping[int, np.ndarray],
        forward: Callable[[np.ndarray], np.ndarray],
        tolerance: float = 1e-10,
    ) -> None:
        """Move the free axes of (n, naxis) pixels to where the world coordinates are the known ones."""
        columns = [a - 1 for a in free]
        goal = np.stack([known[a] for a in free], axis=1)
        pixels[:, columns] = np.where(np.isfinite(pixels[:, columns]), pixels[:, columns], 0.0)

        def miss(at: np.ndarray) -> np.ndarray:
            out = forward(at)[:, columns] - goal
            for k, axis in enumerate(free):
                if axis == self.longitude:
                    out[:, k] = (out[:, k] + 180) % 360 - 180
            return out

        size = np.full(len(pixels), np.inf)
        for _ in range(_NEWTON_STEPS):
            wrong = miss(pixels)
            jacobian = np.empty((len(pixels), len(free), len(free)))
            for k, column in enumerate(columns):
                ahead, behind = pixels.copy(), pixels.copy()
                ahead[:, column] += 0.05
                behind[:, column] -= 0.05
                jacobian[:, :, k] = (miss(ahead) - miss(behind)) / 0.1
            usable = np.isfinite(jacobian).all(axis=(1, 2)) & np.isfinite(wrong).all(axis=1)
            usable[usable] = np.linalg.det(jacobian[usable]) != 0
            size = np.where(usable, size, np.inf)
            step = np.linalg.solve(jacobian[usable], wrong[usable][:, :, None])[:, :, 0]
            pixels[np.ix_(usable, np.array(columns))] -= step
            size[usable] = np.abs(step).max(axis=1, initial=0.0)
            if not (size[usable] > tolerance).any():
                break
        pixels[np.ix_(~(size < 1e4 * tolerance), np.array(columns))] = np.nan


def useless(error: Exception) -> CoordinateError:
    """Return the error for coordinates of which wcslib says what is wrong."""
    reason = str(error).strip().splitlines() or [type(error).__name__]
    return CoordinateError(f"the header's coordinates cannot be used: {reason[-1]}")


def _sip_tables(cards: Sequence[Card]) -> dict[int, np.ndarray]:
    """Return the SIP coefficients that add to the first and second pixel coordinate."""
    values = {key: value for key, value, _ in cards}
    tables = {}
    for column, letter in ((0, "A"), (1, "B")):
        order = values.get(f"{letter}_ORDER")
        if isinstance(order, int) and 0 < order < 10:
            table = np.zeros((order + 1, order + 1))
            for p, q in np.ndindex(order + 1, order + 1):
                value = values.get(f"{letter}_{p}_{q}", 0.0)
                table[p, q] = value if p + q <= order and isinstance(value, int | float) else 0.0
            tables[column] = table
    return tables


def _unit(unit: Any) -> str:
    try:
        return str(unit.to_string("fits"))
    except ValueError:
        return str(unit)
