"""Doppler shifts between the rest frames of spectral axes, in the direction of an image."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Mapping
from typing import Any

from lattice.coords.header import Card
from lattice.errors import CoordinateError

__all__ = ["doppler", "fits_name", "frame_factor"]

_C = 299792.458  # km/s
_ALIASES = {
    "LSR": "LSRK", "BARY": "BARYCENT", "HEL": "HELIOCEN", "HELIO": "HELIOCEN", "HELIOCENT": "HELIOCEN",
    "TOPO": "TOPOCENT", "GEO": "GEOCENTR", "GEOCENT": "GEOCENTR", "GALACTO": "GALACTOC", "LGROUP": "LOCALGRP",
    "CMB": "CMBDIPOL",
}  # fmt: skip
# Velocity of the Sun in each frame: km/s towards galactic longitude and latitude.
_SUN = {
    "BARYCENT": (),
    "LSRK": ((20.0, 56.157, 22.765),),  # towards 18h, +30 deg of 1900
    "LSRD": ((16.552945, 53.130102, 25.019893),),
    "GALACTOC": ((16.552945, 53.130102, 25.019893), (220.0, 90.0, 0.0)),
    "LOCALGRP": ((308.0, 105.0, -7.0),),
    "CMBDIPOL": ((368.0, 263.85, 48.25),),
}  # fmt: skip


def fits_name(frame: str) -> str:
    """Return the name of a frame as SPECSYS has it.

    >>> fits_name("bary")
    'BARYCENT'
    """
    name = frame.strip().upper()
    return _ALIASES.get(name, name)


def doppler(coords: Any, frame: str) -> float:
    """Return the factor that brings frequencies in a rest frame to that of an image.

    Parameters
    ----------
    coords : CoordinateSystem
        Coordinates of the image; the direction is the reference position of its sky axes.
    frame : str
        As in SPECSYS, or as CASA names them (LSRK, BARY, TOPO, ...).
    """
    start, end = (_ALIASES.get(f.strip().upper(), f.strip().upper()) for f in (frame, coords.spectral_frame))
    if start == end:
        return 1.0
    if not end:
        raise CoordinateError(
            f"frequencies in {start} for an image whose spectral frame is not known (SPECSYS)"
        )
    return frame_factor(start, end, _direction(coords), coords.header)


def frame_factor(start: str, end: str, direction: Any, header: Iterable[Card]) -> float:
    """Return the factor that brings frequencies from one rest frame to another.

    Parameters
    ----------
    start, end : str
        As in SPECSYS, or as CASA names them (LSRK, BARY, TOPO, ...).
    direction : SkyCoord
        Where the source is.
    header : iterable of (keyword, value, comment)
        Date and place of the observation, for frames of the Earth: MJD-OBS or DATE-OBS, OBSGEO-X, -Y, -Z.
    """
    from astropy.coordinates import ICRS

    names = [_ALIASES.get(f.strip().upper(), f.strip().upper()) for f in (start, end)]
    if names[0] == names[1]:
        return 1.0
    values = {key: value for key, value, _ in header}
    betas = [_speed(name, values, direction.transform_to(ICRS())) / _C for name in names]
    return _shift(betas[1]) / _shift(betas[0])


def _shift(beta: float) -> float:
    """Return the factor from barycentric frequencies to those of an observer who approaches with `beta`."""
    return math.sqrt((1 + beta) / (1 - beta))


def _direction(coords: Any) -> Any:
    base = coords._base
    if not base.longitude:
        raise CoordinateError("spectral frames differ, and the image has no sky axes to convert between them")
    from astropy import units as u
    from astropy.coordinates import ICRS, SkyCoord

    frame = coords.header_frame
    if frame is None:
        raise CoordinateError("spectral frames differ, and the sky frame of the image is not known")
    lon, lat = (base.wcs.wcs.crval[i - 1] * u.deg for i in (base.longitude, base.latitude))
    return SkyCoord(lon, lat, frame=frame).transform_to(ICRS())


def _speed(frame: str, values: Mapping[str, Any], direction: Any) -> float:
    """Return the velocity of a frame towards a direction, in km/s relative to the barycentre."""
    if frame in _SUN:
        place = direction.galactic
        total = 0.0
        for speed, lon, lat in _SUN[frame]:
            a, b = math.radians(lat), place.b.rad
            cosine = math.sin(a) * math.sin(b) + math.cos(a) * math.cos(b) * math.cos(
                math.radians(lon) - place.l.rad
            )
            total -= speed * cosine
        return total
    if frame in ("TOPOCENT", "GEOCENTR", "HELIOCEN"):
        return _earth(frame, values, direction)
    raise CoordinateError(
        f"the spectral frame {frame} is not known", hint=f"known are {', '.join(_SUN)}, TOPOCENT"
    )


def _earth(frame: str, values: Mapping[str, Any], direction: Any) -> float:
    from astropy import units as u
    from astropy.coordinates import EarthLocation, get_body_barycentric_posvel
    from astropy.time import Time
    from astropy.utils import iers
    from astropy.utils.exceptions import AstropyWarning

    when = values.get("MJD-AVG", values.get("MJD-OBS"))
    try:
        if isinstance(when, int | float):
            time = Time(when, format="mjd")
        else:
            time = Time(str(values.get("DATE-AVG", values.get("DATE-OBS", ""))))
    except ValueError:
        raise CoordinateError(
            f"a conversion to or from {frame} needs the date of observation (DATE-OBS)"
        ) from None
    place = [values.get(f"OBSGEO-{k}") for k in "XYZ"]
    if frame == "TOPOCENT" and not all(isinstance(p, int | float) for p in place):
        raise CoordinateError(
            "a conversion to or from TOPOCENT needs the place of the telescope (OBSGEO-X, -Y, -Z)"
        )
    towards = direction.cartesian / direction.cartesian.norm()
    # The turn of the Earth is known well enough without the newest tables, which may not be had; what astropy
    # and erfa say about dates beyond the tables is metres per second at most.
    with iers.conf.set_temp("auto_download", False), warnings.catch_warnings():
        warnings.simplefilter("ignore", AstropyWarning)
        warnings.filterwarnings("ignore", 'ERFA function .* yielded .* of "dubious year')
        velocity = get_body_barycentric_posvel("earth", time)[1].xyz
        if frame == "HELIOCEN":
            velocity = get_body_barycentric_posvel("sun", time)[1].xyz
        elif frame == "TOPOCENT":
            location = EarthLocation.from_geocentric(*(p * u.m for p in place))
            velocity = velocity + location.get_gcrs_posvel(time)[1].xyz
    return float((velocity * towards.xyz).sum().to_value("km/s"))
