"""Coordinate records between the tools and lattice.

In records of casatools the rows of a matrix are pixel axes and its columns world axes; in those of files and
of python-casacore, which lattice has too, it is the other way round.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from lattice.compat.casa.errors import CasaError

__all__ = ["checked_record", "coords_of", "for_tools", "with_matrices_turned"]


def checked_record(record: Mapping[str, Any], ndim: int) -> Mapping[str, Any]:
    """Return a record of coordinates, which has as many pixel axes as an image.

    Raises
    ------
    CasaError
        When it has not.
    """
    axes = [p for key, value in record.items() if key.startswith("pixelmap") for p in value if p >= 0]
    if len(axes) != ndim:
        raise CasaError(f"coordinates of {len(axes)} axes for an image of {ndim} axes")
    return record


def with_matrices_turned(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record of coordinates, or one with such inside, with rows and columns of matrices swapped.

    Examples
    --------
    >>> with_matrices_turned({"direction0": {"pc": [[1, 2], [3, 4]]}})["direction0"]["pc"].tolist()
    [[1, 3], [2, 4]]
    """
    out: dict[str, Any] = {}
    for key, value in record.items():
        if isinstance(value, Mapping):
            out[key] = with_matrices_turned(value)
        elif key == "pc" and np.ndim(value) == 2:
            out[key] = np.array(np.transpose(value))
        else:
            out[key] = value
    return out


def for_tools(coords: Any, meta: Any, shape: tuple[int, ...]) -> dict[str, Any]:
    """Return the record of coordinates, and of the observation in a header, as tools have it.

    Parameters
    ----------
    coords : CoordinateSystem or None
        The coordinates.
    meta : tuple
        Cards of the header.
    shape : tuple of int
        Shape of the image, numpy order.
    """
    from lattice.compat.casacore.images.worlds import plain
    from lattice.io.casa_records import coords_to_record

    return with_matrices_turned(plain(coords_to_record(coords, meta, shape)))


def coords_of(record: Mapping[str, Any], shape: tuple[int, ...]) -> tuple[Any, Any]:
    """Return the coordinates of a record of a tool, and cards about the observation; shape in numpy order."""
    from lattice.io.casa_records import coords_from_record

    return coords_from_record(with_matrices_turned(record), shape)
