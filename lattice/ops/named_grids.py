"""Grids by name: the pixels that an image would have in another frame, or regular in another variable."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lattice.coords.along import world_along
from lattice.coords.graft import plain_cards
from lattice.coords.header import Card, WcsCards
from lattice.coords.mapping import SkyMap
from lattice.coords.reframe import in_frame
from lattice.coords.spectral_frames import fits_name
from lattice.coords.system import CoordinateSystem
from lattice.errors import CoordinateError, LatticeRangeError, LatticeTypeError, suggest

__all__ = ["MARGIN", "NAMES", "Grid", "regular_grid", "sky_grid", "sort_of", "spectral_grid"]

_SKY = {
    "ICRS": ("RA", "DEC", "ICRS", 0.0),
    "J2000": ("RA", "DEC", "FK5", 2000.0),
    "B1950": ("RA", "DEC", "FK4", 1950.0),
    "B1950_VLA": ("RA", "DEC", "FK4", 1979.9),
    "GALACTIC": ("GLON", "GLAT", "", 0.0),
    "SUPERGAL": ("SLON", "SLAT", "", 0.0),
    "ECLIPTIC": ("ELON", "ELAT", "", 0.0),
}
"""By name: the axes of a frame, and what RADESYS and EQUINOX say."""

_OTHER = {"FK5": "J2000", "FK4": "B1950", "GAL": "GALACTIC", "SUPERGALACTIC": "SUPERGAL"}
_SPECTRAL = (
    "LSRK", "LSRD", "BARY", "BARYCENT", "TOPO", "TOPOCENT", "GEO", "GEOCENTR", "HELIO", "HELIOCEN", "GALACTO",
    "GALACTOC", "LGROUP", "LOCALGRP", "CMB", "CMBDIPOL",
)  # fmt: skip
_VARIABLES = ("radio", "optical", "relativistic", "frequency", "wavelength")
_ZENITHAL = ("TAN", "SIN", "ARC", "STG", "ZEA", "ZPN", "AIR", "SZP", "AZP")

NAMES = (*_SKY, *_OTHER, *_SPECTRAL, *_VARIABLES)
"""All names of grids."""

MARGIN = 0.05
"""So many channels beyond the outermost ones their values are taken: widths, too, differ between frames."""

_FINE = 65  # places along each edge, and each way across, that tell how far an image reaches
_MOST = 64  # times as many pixels, at which a grid is refused


@dataclass(frozen=True)
class Grid:
    """A grid on the sky.

    Attributes
    ----------
    coords : CoordinateSystem
        Of two axes, in the order of those of the image.
    shape : tuple of int
        Their lengths.
    turn : float
        Degrees from the north of the old frame to that of the new one, eastwards: what is added to position
        angles.
    """

    coords: CoordinateSystem
    shape: tuple[int, int]
    turn: float


def sort_of(name: str) -> tuple[str, str]:
    """Return what a name stands for, "sky", "frame" or "variable", and the name as it is spelt here.

    >>> sort_of("galactic"), sort_of("BARY"), sort_of("Optical")
    (('sky', 'GALACTIC'), ('frame', 'BARYCENT'), ('variable', 'optical'))

    Raises
    ------
    CoordinateError
        For other names.
    """
    if not isinstance(name, str):
        raise LatticeTypeError(f"{name!r} is no name of a frame", hint="such as 'GALACTIC' or 'LSRK'")
    upper = name.strip().upper()
    if (known := _OTHER.get(upper, upper)) in _SKY:
        return "sky", known
    if upper in _SPECTRAL:
        return "frame", fits_name(upper)
    if upper.lower() in _VARIABLES:
        return "variable", upper.lower()
    raise CoordinateError(
        f"there is no frame {name!r}", hint=suggest(upper, NAMES) or f"there are {', '.join(NAMES)}"
    )


# -- the sky ------------------------------------------------------------------------------------------------


def sky_grid(coords: Any, shape: Sequence[int], frame: str) -> Grid | None:
    """Return the grid of an image in another frame of the sky, with its north up.

    Parameters
    ----------
    coords : CoordinateSystem
        Of the image.
    shape : sequence of int
        Of the image.
    frame : str
        Name of a frame, as `sort_of` returns it.

    Returns
    -------
    Grid or None
        Its reference pixel is the middle pixel ``n // 2`` of the image along both axes, pixels have the size
        of those there, and it reaches as far as the image does. None if the image has that frame and its
        north up already.

    Raises
    ------
    CoordinateError
        Without a sky, and where its frame is not known.
    LatticeRangeError
        When the image does not fit a plane in the new frame, by far.
    """
    if coords is None or not coords.has_sky:
        raise CoordinateError(f"the image has no sky to bring to the frame {frame}")
    axes = sorted(coords.kinds.index(kind) for kind in ("longitude", "latitude"))
    lengths = (shape[axes[0]], shape[axes[1]])
    plane = coords.select(axes)
    first, second = (n // 2 for n in lengths)
    swapped = plane.kinds[0] == "longitude"  # then the longitude is the slower axis
    place = plane.pixel_to_sky(*((second, first) if swapped else (first, second)))
    lon, lat, turn = _moved(place, frame)
    matrix = plane.sky_matrix()
    mirrored = np.linalg.det(matrix) < 0
    y_size, x_size = plane.pixel_scale()
    if _is_upright(plane, matrix, frame):
        return None
    cards = _cards(plane, frame, (lon, lat), (-x_size if not mirrored else x_size, y_size), swapped)
    target = _at(cards, (first, second), (lon, lat), swapped)
    low, high = _reach(target, plane, lengths)
    new = tuple(int(h - b + 1) for b, h in zip(low, high, strict=True))
    if math.prod(new) > _MOST * max(1, math.prod(lengths)):
        raise LatticeRangeError(
            f"the image has {lengths[0]} x {lengths[1]} pixels and would have {new[0]} x {new[1]} in {frame}",
            hint="give a grid: another image, or a header",
        )
    moved = target.subset([slice(int(b), int(b) + n, 1) for b, n in zip(low, new, strict=True)])
    return Grid(CoordinateSystem.from_header(moved.to_cards(), new), (new[0], new[1]), turn)


def _frame(name: str) -> Any:
    """Return astropy's frame of a name, as headers are read."""
    from lattice.regions.measures import astropy_frame

    if name != "B1950_VLA":
        return astropy_frame(name)
    from astropy.coordinates import FK4

    return FK4(equinox="B1950", obstime="B1979.9")


def _moved(place: Any, frame: str) -> tuple[float, float, float]:
    """Return longitude and latitude of a place in another frame, and the turn of north, in degrees."""
    from astropy import units as u

    there = place.transform_to(_frame(frame))
    # north of the old frame, a small step from there on the side where there is one
    up = place.spherical.lat.deg < 89.9
    step = place.directional_offset_by(0 * u.deg if up else 180 * u.deg, 1e-3 * u.deg)
    angle = there.position_angle(step.transform_to(_frame(frame))).deg
    turn = math.remainder(angle + (0 if up else 180), 360)
    return float(there.spherical.lon.deg), float(there.spherical.lat.deg), turn


def _is_upright(plane: Any, matrix: np.ndarray, frame: str) -> bool:
    """Tell whether an image has a frame, and its north up."""
    tilt = np.abs([matrix[0, 0], matrix[1, 1]]).max()
    same = plane.sky_frame is not None and plane.sky_frame.is_equivalent_frame(_frame(frame))
    return bool(same and tilt <= 1e-9 * np.abs(matrix).max() and matrix[1, 0] > 0)


def _cards(
    plane: Any, frame: str, place: tuple[float, float], sizes: tuple[float, float], swapped: bool
) -> list[Card]:
    """Return the header of a plane in another frame, its reference pixel the first one."""
    old = plain_cards(plane.to_cards())
    wcs = WcsCards.parse(old)
    lon, lat, system, equinox = _SKY[frame]
    numbers = (2, 1) if swapped else (1, 2)
    code = (wcs.ctype(numbers[0])[5:8] or "CAR").upper()
    code = "SIN" if code == "NCP" else code
    value = (place[0], place[1] if code in _ZENITHAL else 0.0)
    cards: list[Card] = []
    for number, name, size, at in zip(numbers, (lon, lat), sizes, value, strict=True):
        cards += [
            (f"CTYPE{number}", f"{name:-<5}{code}" if len(name) < 5 else f"{name}{code}", ""),
            (f"CUNIT{number}", "deg", ""), (f"CRPIX{number}", 1.0, ""), (f"CRVAL{number}", at, ""),
            (f"CDELT{number}", size, ""),
        ]  # fmt: skip
    if code != "SIN":  # the slant of which belongs to the old frame
        cards += [c for c in old if c[0].startswith(f"PV{numbers[1]}_")]
    if system:
        cards.append(("RADESYS", system, ""))
    if equinox:
        cards.append(("EQUINOX", equinox, ""))
    return cards


def _at(
    cards: Sequence[Card], middle: tuple[int, int], place: tuple[float, float], swapped: bool
) -> CoordinateSystem:
    """Return coordinates with a place at a pixel."""
    start = CoordinateSystem.from_header(cards, (2, 2))
    y, x = start.lonlat_to_pixel(*place)
    there = (float(x), float(y)) if swapped else (float(y), float(x))
    # the second axis of the header is the first one of the image
    shifts = {"CRPIX2": middle[0] - there[0], "CRPIX1": middle[1] - there[1]}
    if not all(math.isfinite(s) for s in shifts.values()):
        raise CoordinateError("the middle of the image is not on the projection in the new frame")
    new = [(key, value + shifts[key] if key in shifts else value, text) for key, value, text in cards]
    return CoordinateSystem.from_header(new, (2, 2))


def _reach(target: Any, plane: Any, lengths: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Return the first and the last pixel of a grid that lie on an image, along both axes."""
    ends = [np.linspace(-0.5, n - 0.5, max(_FINE, 2)) for n in lengths]
    first, second = np.meshgrid(*ends, indexing="ij")
    found = SkyMap(target, plane).exact(first, second)
    low = np.array([np.nanmin(p) if np.isfinite(p).any() else np.nan for p in found])
    high = np.array([np.nanmax(p) if np.isfinite(p).any() else np.nan for p in found])
    if not (np.isfinite(low).all() and np.isfinite(high).all()):
        raise CoordinateError("the image is not on the projection in the new frame")
    # by rounding of positions no line of pixels comes or goes
    return np.ceil(low - 1e-6), np.floor(high + 1e-6)


# -- spectra ------------------------------------------------------------------------------------------------


def spectral_grid(coords: Any, shape: Sequence[int], frame: str) -> CoordinateSystem:
    """Return the coordinates of an image with as many channels, as wide, in another spectral frame.

    Parameters
    ----------
    coords : CoordinateSystem
        Of the image, with frequencies or radio velocities.
    shape : sequence of int
        Of the image.
    frame : str
        As in SPECSYS.

    Returns
    -------
    CoordinateSystem
        The middle channel ``(n - 1) // 2`` is where that of the image is, the others lie around it as far
        apart as in the frame of the image.

    Raises
    ------
    CoordinateError
        Without frequencies or radio velocities, frame or direction, and for channels without a common width.
    """
    axis, middle = _channels(coords, shape)
    if coords.spectral_frame and fits_name(coords.spectral_frame) == fits_name(frame):
        return coords
    other = in_frame(coords, frame)
    step, unit = _width(coords, axis, middle)
    value = float(world_along(other, axis, np.array([middle]))[0][0])
    kind = WcsCards.parse(coords.header).ctype(coords.axes[axis].fits_axis)
    return _described(other, axis, shape, (kind[:4], unit, middle, value, step))


def regular_grid(coords: Any, shape: Sequence[int]) -> CoordinateSystem:
    """Return the coordinates of an image with channels of equal width in its own variable.

    Parameters
    ----------
    coords : CoordinateSystem
        Of the image, labelled by a variable, in which channels may have other widths from end to end.
    shape : sequence of int
        Of the image.

    Returns
    -------
    CoordinateSystem
        All channels are as wide as the middle one, ``(n - 1) // 2``, which stays where it is.

    Raises
    ------
    CoordinateError
        Without a spectral axis that a formula describes.
    """
    axis, middle = _channels(coords, shape)
    kind = WcsCards.parse(coords.header).ctype(coords.axes[axis].fits_axis)
    if "-" not in kind.rstrip("-"):
        return coords
    step, unit = _width(coords, axis, middle)
    value = float(world_along(coords, axis, np.array([middle]))[0][0])
    return _described(coords, axis, shape, (kind[:4], unit, middle, value, step))


def _channels(coords: Any, shape: Sequence[int]) -> tuple[int, int]:
    """Return the number of the spectral axis, and its middle channel."""
    axis = None if coords is None else coords.axis_of("spectral")
    if axis is None:
        raise CoordinateError("the image has no spectral axis")
    if coords.table:
        raise CoordinateError(
            "the channels stand in a table and have no width in common",
            hint="give a grid: another image, or a header",
        )
    if problem := coords.frequency_problem():
        raise CoordinateError(f"no spectral coordinates: {problem}")
    return axis, (shape[axis] - 1) // 2


def _width(coords: Any, axis: int, channel: int) -> tuple[float, str]:
    values, unit = world_along(coords, axis, np.array([channel - 0.5, channel + 0.5]))
    return float(values[1] - values[0]), unit


def _described(
    coords: CoordinateSystem, axis: int, shape: Sequence[int], new: tuple[str, str, int, float, float]
) -> CoordinateSystem:
    """Return coordinates with a spectral axis of its own: type, unit, channel, its value, width."""
    kind, unit, channel, value, step = new
    n = len(shape) - axis
    given: dict[str, Any] = {
        f"CTYPE{n}": kind, f"CUNIT{n}": unit, f"CRPIX{n}": channel + 1.0, f"CRVAL{n}": value,
        f"CDELT{n}": step,
    }  # fmt: skip
    gone = {*given, f"PC{n}_{n}", f"CROTA{n}"}
    cards = [c for c in plain_cards(coords.to_cards(shape)) if c[0] not in gone]
    return CoordinateSystem.from_header([*cards, *((k, v, "") for k, v in given.items())], shape)
