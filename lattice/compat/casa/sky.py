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


_STEADY = ("J2000", "ICRS", "B1950", "B1950_VLA", "BMEAN", "GALACTIC", "SUPERGAL", "ECLIPTIC")


def moved_at(lon: float, lat: float, start: str, end: str, epoch: Any, place: Any) -> tuple[float, float]:
    """Return a direction, in degrees, in another frame, which may be of a date and of a place.

    Parameters
    ----------
    lon, lat : float
        The direction.
    start, end : str
        Frames: those of `moved`, JMEAN, JTRUE, APP, HADEC, AZEL, AZELGEO.
    epoch, place : mapping or None
        Measures, for frames that need them.
    """
    if {start, end} <= set(_STEADY):
        return moved(lon, lat, start, end)
    import warnings

    from astropy.utils import iers
    from astropy.utils.exceptions import AstropyWarning

    with iers.conf.set_temp("auto_download", False), warnings.catch_warnings():
        warnings.simplefilter("ignore", AstropyWarning)
        warnings.filterwarnings("ignore", 'ERFA function .* yielded .* of "dubious year')
        x, y = (lon, lat) if start in _STEADY else _to_j2000(lon, lat, start, epoch, place)
        between = start if start in _STEADY else "J2000"
        if end in _STEADY:
            return moved(x, y, between, end)
        x, y = moved(x, y, between, "J2000")
        return _from_j2000(x, y, end, epoch, place)


def _frame_at(name: str, epoch: Any, place: Any) -> Any:
    """Return astropy's frame of a date, and of a place."""
    from astropy.coordinates import FK5, TETE, HADec

    from lattice.compat.casa.quantities import in_unit
    from lattice.compat.casa.timescales import astropy_time, site_of

    if name not in ("JMEAN", "APP", "HADEC", "AZEL", "AZELGEO"):
        raise CasaError(f"directions are not converted to or from {name} here")
    if epoch is None:
        raise CasaError(f"{name} needs an epoch", hint="set it with doframe()")
    time = astropy_time(in_unit(epoch["m0"], "d"), str(epoch["refer"]))
    if name == "JMEAN":
        return FK5(equinox=time)
    if name == "APP":
        return TETE(obstime=time)
    if place is None:
        raise CasaError(f"{name} needs a position", hint="set it with doframe()")
    return HADec(obstime=time, location=site_of(place))


def _pole(name: str, place: Any) -> float:
    """Return the latitude of the vertical, in radians."""
    site = _site(place)
    x, y, z = (float(v) for v in (site.x.value, site.y.value, site.z.value))
    return float(np.arctan2(z, np.hypot(x, y))) if name == "AZEL" else float(site.lat.rad)


def _site(place: Any) -> Any:
    from lattice.compat.casa.timescales import site_of

    return site_of(place)


def _horizon(lon: float, lat: float, pole: float) -> tuple[float, float]:
    """Return azimuth and elevation of an hour angle and a declination, or the other way round; degrees."""
    h, d = np.radians(lon), np.radians(lat)
    up = np.sin(pole) * np.sin(d) + np.cos(pole) * np.cos(d) * np.cos(h)
    north = np.cos(pole) * np.sin(d) - np.sin(pole) * np.cos(d) * np.cos(h)
    east = -np.cos(d) * np.sin(h)
    return float(np.degrees(np.arctan2(east, north))), float(
        np.degrees(np.arctan2(up, np.hypot(north, east)))
    )


def _from_j2000(lon: float, lat: float, name: str, epoch: Any, place: Any) -> tuple[float, float]:
    from astropy import units as u
    from astropy.coordinates import FK5, SkyCoord

    if name == "JTRUE":
        return _nutated(lon, lat, epoch, True)
    there = SkyCoord(lon * u.deg, lat * u.deg, frame=FK5()).transform_to(_frame_at(name, epoch, place))
    found = float(there.spherical.lon.wrap_at(180 * u.deg).deg), float(there.spherical.lat.deg)
    return _horizon(*found, _pole(name, place)) if name.startswith("AZEL") else found


def _to_j2000(lon: float, lat: float, name: str, epoch: Any, place: Any) -> tuple[float, float]:
    from astropy import units as u
    from astropy.coordinates import FK5, SkyCoord

    if name == "JTRUE":
        return _nutated(lon, lat, epoch, False)
    frame = _frame_at(name, epoch, place)
    if name.startswith("AZEL"):
        lon, lat = _horizon(lon, lat, _pole(name, place))  # the same formulas lead back
    there = SkyCoord(lon * u.deg, lat * u.deg, frame=frame).transform_to(FK5(), merge_attributes=False)
    return float(there.spherical.lon.wrap_at(180 * u.deg).deg), float(there.spherical.lat.deg)


def _nutated(lon: float, lat: float, epoch: Any, forward: bool) -> tuple[float, float]:
    """Return a direction of J2000 for the true equator of a date, or one of that for J2000."""
    import erfa  # type: ignore[import-untyped]

    from lattice.compat.casa.quantities import in_unit
    from lattice.compat.casa.timescales import astropy_time

    if epoch is None:
        raise CasaError("JTRUE needs an epoch", hint="set it with doframe()")
    time = astropy_time(in_unit(epoch["m0"], "d"), str(epoch["refer"])).tt
    matrix = erfa.pnm00a(time.jd1, time.jd2) @ erfa.bp00(2451545.0, 0.0)[0].T  # without the bias of ICRS
    given = np.array(erfa.s2c(np.radians(lon), np.radians(lat)))
    found = erfa.c2s((matrix if forward else matrix.T) @ given)
    return 180.0 - (180.0 - float(np.degrees(found[0]))) % 360.0, float(np.degrees(found[1]))
