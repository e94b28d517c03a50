"""Directions in other frames."""

from __future__ import annotations

from lattice.compat.casa.errors import CasaError

__all__ = ["moved"]


def moved(lon: float, lat: float, start: str, end: str) -> tuple[float, float]:
    """Return a direction, in degrees, in another of CASA's frames.

    Raises
    ------
    CasaError
        When a frame depends on time and place, or is not known.
    """
    from astropy import units as u
    from astropy.coordinates import SkyCoord

    from lattice.regions.measures import astropy_frame, frame_name

    try:
        frames = [astropy_frame(str(frame_name(name))) for name in (start, end)]
        place = SkyCoord(lon * u.deg, lat * u.deg, frame=frames[0]).transform_to(frames[1])
    except Exception as error:
        raise CasaError(f"directions are not converted from {start} to {end}: {error}") from error
    return float(place.spherical.lon.wrap_at(180 * u.deg).deg), float(place.spherical.lat.deg)
