"""Directions in other frames."""

from __future__ import annotations

from typing import Any

import numpy as np

from lattice.compat.casa.errors import CasaError

__all__ = ["moved"]


def moved(lon: Any, lat: Any, start: str, end: str) -> tuple[Any, Any]:
    """Return directions, in degrees, in another of CASA's frames; longitudes above -180, up to 180.

    Raises
    ------
    CasaError
        When a frame depends on time and place, or is not known.
    """
    if start.upper() == end.upper():
        return 180.0 - (180.0 - lon) % 360.0, lat
    from astropy import units as u
    from astropy.coordinates import SkyCoord

    from lattice.regions.measures import astropy_frame, frame_name

    try:
        frames = [astropy_frame(str(frame_name(name))) for name in (start, end)]
        place = SkyCoord(lon * u.deg, lat * u.deg, frame=frames[0]).transform_to(frames[1])
    except Exception as error:
        raise CasaError(f"directions are not converted from {start} to {end}: {error}") from error
    found = place.spherical.lon.wrap_at(180 * u.deg).deg, place.spherical.lat.deg
    return found if np.ndim(lon) else (float(found[0]), float(found[1]))
