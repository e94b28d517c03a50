"""Coordinates along one axis of an image, the others at their reference pixels."""

from __future__ import annotations

from typing import Any

import numpy as np

from lattice.coords.header import WcsCards
from lattice.coords.spectral import to_hertz
from lattice.coords.spectrum import variable_of
from lattice.coords.system import CoordinateSystem
from lattice.errors import CoordinateError

__all__ = ["reference_pixel", "velocities_at", "world_along"]


def reference_pixel(coords: CoordinateSystem, axis: int) -> float:
    """Return the reference pixel of an axis, counted from 0 in the image at hand; 0 where none is given.

    Parameters
    ----------
    coords : CoordinateSystem
        The coordinates.
    axis : int
        Numpy number of the axis.
    """
    own = coords.axes[axis]
    crpix = WcsCards.parse(coords.header).crpix.get(own.fits_axis)
    return 0.0 if crpix is None else (crpix - 1 - own.offset) / own.step


def world_along(coords: CoordinateSystem, axis: int, pixels: Any) -> tuple[np.ndarray, str]:
    """Return the coordinates of pixels of one axis, the others being at their reference pixels, and the unit.

    Parameters
    ----------
    coords : CoordinateSystem
        The coordinates.
    axis : int
        Numpy number of the axis.
    pixels : array_like
        Pixels, fractions allowed.
    """
    given: list[Any] = [reference_pixel(coords, a) for a in range(len(coords.axes))]
    given[axis] = np.asarray(pixels, np.float64)
    return coords.to_world(*given)[axis], coords.world_units[axis]


def velocities_at(coords: CoordinateSystem, pixels: Any, convention: str = "radio") -> np.ndarray:
    """Return velocities in m/s at pixels of the spectral axis.

    Parameters
    ----------
    coords : CoordinateSystem
        The coordinates; they have a rest frequency.
    pixels : array_like
        Pixels, fractions allowed.
    convention : {"radio", "optical", "relativistic"}
        Which velocity: v/c is 1 - f/f0, f0/f - 1, or (f0^2 - f^2)/(f0^2 + f^2) (Greisen et al. 2006, A&A 446,
        747, table 2).

    Raises
    ------
    CoordinateError
        Without a rest frequency, and where frequencies are not known.
    """
    hertz = coords.frequencies_at(pixels)
    if hertz is None:
        raise CoordinateError(f"no velocities: {coords.frequency_problem()}")
    functions = to_hertz(variable_of(convention), coords.rest_frequency or 0.0)
    if functions is None:
        raise CoordinateError("velocities need a rest frequency", hint="the header has no RESTFRQ")
    return np.asarray(functions[1](hertz))
