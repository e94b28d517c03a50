"""Where radio telescopes are."""

from __future__ import annotations

import math
from typing import Any

from lattice.compat.casa.quantities import quantity

__all__ = ["NAMES", "position_of"]

# East longitude and geodetic latitude in degrees, height in metres.
_PLACES = {
    "ALMA": (-67.75333, -23.01917, 5024.0),
    "ARECIBO": (-66.75278, 18.34417, 238.0),
    "ARO": (-78.073042, 45.955503, 234.0),
    "ASKAP": (116.637, -26.696, 372.0),
    "ATA": (-121.47, 40.817, 1018.0),
    "ATCA": (149.550278, -30.312778, 209.0),
    "CARMA": (-118.142, 37.2804, 2198.0),
    "CHIME": (-119.624, 49.321, 550.0),
    "CSO": (-155.476, 19.8225, 4069.0),
    "DRAO": (-119.624, 49.321, 550.0),
    "Effelsberg": (6.8828, 50.5247, 346.0),
    "EVLA": (-107.618283, 34.078749, 2123.0),
    "FAST": (106.856583, 25.652917, 854.0),
    "GBT": (-79.8397, 38.4331, 806.0),
    "GMRT": (74.049742, 19.096517, 660.0),
    "JCMT": (-155.477, 19.823, 4111.0),
    "LMT": (-97.314722, 18.985833, 4568.0),
    "LOFAR": (6.86889, 52.90889, 6.0),
    "Lovell": (-2.30715, 53.23625, 86.0),
    "MeerKAT": (21.411, -30.721, 1054.0),
    "MOST": (149.4241, -35.3707, 737.0),
    "MWA": (116.671, -26.7033, 380.0),
    "NOEMA": (5.907917, 44.633889, 2549.0),
    "OSO": (11.917778, 57.393056, 5.0),
    "SKA": (116.631289, -26.697025, 375.0),
    "SMA": (-155.477972, 19.824278, 4079.0),
    "SRT": (9.245197, 39.493044, 589.0),
    "VLA": (-107.618283, 34.078749, 2123.0),
    "VLBA": (-155.4553, 19.8011, 3726.0),
    "WSRT": (6.603333, 52.914722, 19.0),
}

NAMES = tuple(_PLACES)
"""Names that are known."""

_A, _F = 6378137.0, 1 / 298.257223563  # WGS84


def position_of(name: str, geocentric: bool = False) -> dict[str, Any] | None:
    """Return the position of a telescope, None if it is not known.

    Parameters
    ----------
    name : str
        Its name, in any case.
    geocentric : bool, optional
        Whether latitude and distance are those from the centre of the Earth (ITRF).

    Examples
    --------
    >>> position_of("atca")["refer"], position_of("nowhere")
    ('WGS84', None)
    """
    found = next((p for n, p in _PLACES.items() if n.lower() == name.strip().lower()), None)
    if found is None:
        return None
    lon, lat, height = math.radians(found[0]), math.radians(found[1]), found[2]
    if geocentric:
        return position("ITRF", *spherical(*from_geodetic(lon, lat, height)))
    return position("WGS84", lon, lat, height)


def position(refer: str, lon: float, lat: float, distance: float) -> dict[str, Any]:
    """Return the record of a position on Earth."""
    return {
        "type": "position",
        "refer": refer,
        "m0": quantity(lon, "rad"),
        "m1": quantity(lat, "rad"),
        "m2": quantity(distance, "m"),
    }


def spherical(x: float, y: float, z: float) -> tuple[float, float, float]:
    """Return longitude, latitude and distance."""
    r = math.sqrt(x * x + y * y + z * z)
    return math.atan2(y, x), math.asin(z / r) if r else 0.0, r


def rectangular(lon: float, lat: float, r: float) -> tuple[float, float, float]:
    """Return x, y and z."""
    return r * math.cos(lat) * math.cos(lon), r * math.cos(lat) * math.sin(lon), r * math.sin(lat)


def from_geodetic(lon: float, lat: float, height: float) -> tuple[float, float, float]:
    """Return the place from the centre of the Earth, in metres, of a geodetic one."""
    e2 = _F * (2 - _F)
    n = _A / math.sqrt(1 - e2 * math.sin(lat) ** 2)
    across = (n + height) * math.cos(lat)
    return across * math.cos(lon), across * math.sin(lon), (n * (1 - e2) + height) * math.sin(lat)


def to_geodetic(x: float, y: float, z: float) -> tuple[float, float, float]:
    """Return geodetic longitude, latitude and height of a place."""
    e2 = _F * (2 - _F)
    across = math.hypot(x, y)
    lat = math.atan2(z, across * (1 - e2))
    for _ in range(10):
        n = _A / math.sqrt(1 - e2 * math.sin(lat) ** 2)
        lat = math.atan2(z + e2 * n * math.sin(lat), across)
    n = _A / math.sqrt(1 - e2 * math.sin(lat) ** 2)
    if across > abs(z):
        return math.atan2(y, x), lat, across / math.cos(lat) - n
    return math.atan2(y, x), lat, z / math.sin(lat) - n * (1 - e2)
