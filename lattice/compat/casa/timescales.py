"""Dates in the time scales that CASA has, and sidereal times."""

from __future__ import annotations

import math
from typing import Any

from lattice.compat.casa.errors import CasaError
from lattice.compat.casa.quantities import in_unit

__all__ = ["SCALES", "astropy_time", "in_scale", "scale_name", "site_of"]

SCALES = [
    *("LAST", "LMST", "GMST1", "GAST", "UT1", "UT2", "UTC", "TAI", "TDT", "TCG", "TDB", "TCB"),
    *("IAT", "GMST", "TT", "ET", "UT"),
]
_SAME = {"IAT": "TAI", "GMST": "GMST1", "TT": "TDT", "ET": "TDT", "UT": "UT1"}
_ASTROPY = {"UTC": "utc", "TAI": "tai", "TDT": "tt", "TCG": "tcg", "TDB": "tdb", "TCB": "tcb", "UT1": "ut1"}
_SIDEREAL = ("LAST", "LMST", "GMST1", "GAST")
_RATIO, _START = 1.00273790935, 58257.7790572732640  # sidereal days that are counted at noon of 2000/1/1


def scale_name(name: str) -> str:
    """Return the name of a time scale, synonyms as one.

    >>> scale_name("tt"), scale_name("UTC")
    ('TDT', 'UTC')
    """
    code = name.strip().upper()
    if code not in SCALES:
        raise CasaError(f"there is no time scale {name!r}", hint=", ".join(SCALES))
    return _SAME.get(code, code)


def site_of(place: Any) -> Any:
    """Return a position measure as astropy has it."""
    from astropy import units as u
    from astropy.coordinates import EarthLocation

    from lattice.compat.casa.observatories import from_geodetic, rectangular

    at = (in_unit(place["m0"], "rad"), in_unit(place["m1"], "rad"), in_unit(place["m2"], "m"))
    xyz = (from_geodetic if str(place["refer"]) == "WGS84" else rectangular)(*at)
    return EarthLocation.from_geocentric(*(v * u.m for v in xyz))


def astropy_time(days: float, scale: str, place: Any = None) -> Any:
    """Return a date as astropy has it."""
    from astropy.time import Time

    if scale not in _ASTROPY:
        raise CasaError(f"dates in {scale} are not converted here", hint=", ".join(_ASTROPY))
    return Time(days, format="mjd", scale=_ASTROPY[scale], location=None if place is None else site_of(place))


def in_scale(days: float, old: str, new: str, place: Any = None) -> float:
    """Return a date, in days, in another time scale.

    Raises
    ------
    CasaError
        When a local time needs a place, or the scale is not known.
    """
    import warnings

    from astropy.utils import iers
    from astropy.utils.exceptions import AstropyWarning

    with iers.conf.set_temp("auto_download", False), warnings.catch_warnings():
        warnings.simplefilter("ignore", AstropyWarning)
        warnings.filterwarnings("ignore", 'ERFA function .* yielded .* of "dubious year')
        time = astropy_time(days, old, place)
        try:
            if new in _SIDEREAL:
                return _sidereal(time, new, place)
            if new not in _ASTROPY:
                raise CasaError(f"dates are not converted to {new} here", hint=", ".join(_ASTROPY))
            return float(getattr(time, _ASTROPY[new]).mjd)
        except iers.IERSRangeError as error:
            raise CasaError(f"the turn of the Earth is not known for the day {days:g}") from error


def _sidereal(time: Any, new: str, place: Any) -> float:
    local = new in ("LAST", "LMST")
    if local and place is None:
        raise CasaError(f"{new} needs a position", hint="set it with doframe()")
    kind = "apparent" if new in ("LAST", "GAST") else "mean"
    longitude: Any = site_of(place).lon if local else "greenwich"
    turns = float(time.sidereal_time(kind, longitude).hour) / 24
    days = (float(time.ut1.mjd) - 51544.5) * _RATIO + _START + (float(longitude.deg) / 360 if local else 0.0)
    return math.floor(days - turns + 0.5) + turns
