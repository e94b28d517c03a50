"""Positions and lengths of world regions: angles in degrees, or pixels of the lattice at hand."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

from lattice.errors import LatticeTypeError, RegionError, suggest

__all__ = ["FRAMES", "Measure", "Point", "astropy_frame", "frame_name", "measure", "point", "read_measure"]

_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_PLAIN = re.compile(rf"({_NUMBER})\s*([A-Za-z]+)\Z")
_HMS = re.compile(r"([+-]?)(\d+)(?:h|:)(?:(\d+)(?:m|:)(?:(\d+\.?\d*|\.\d+)s?)?)?\Z", re.IGNORECASE)
_DMS = re.compile(r"([+-]?)(\d+)d(?:(\d+)m(?:(\d+\.?\d*|\.\d+)s?)?)?\Z", re.IGNORECASE)
_DOTS = re.compile(r"([+-]?)(\d+)\.(\d+)\.(\d+(?:\.\d*)?)\Z")
_DEGREES = {
    "deg": 1.0,
    "rad": 180 / math.pi,
    "arcmin": 1 / 60,
    "arcsec": 1 / 3600,
    "mas": 1 / 3_600_000,
}
_PIXELS = ("pix", "pixel", "pixels")

FRAMES = {
    "J2000": ("fk5", {"equinox": "J2000"}),
    "ICRS": ("icrs", {}),
    "B1950": ("fk4", {"equinox": "B1950"}),
    "B1950_VLA": ("fk4", {"equinox": "B1950", "obstime": "J1979.9"}),
    "BMEAN": ("fk4", {"equinox": "B1950"}),
    "GALACTIC": ("galactic", {}),
    "SUPERGAL": ("supergalactic", {}),
    "ECLIPTIC": ("barycentricmeanecliptic", {"equinox": "J2000"}),
}
"""Names of the frames of positions, with astropy's name and attributes of each."""

_OTHER_NAMES = {"FK5": "J2000", "FK4": "B1950", "GAL": "GALACTIC", "SUPERGALACTIC": "SUPERGAL"}


@dataclass(frozen=True)
class Measure:
    """A position on one axis, or a length.

    Attributes
    ----------
    value : float
        How much.
    unit : str
        ``"deg"`` or ``"pix"``.
    """

    value: float
    unit: str = "deg"

    @property
    def in_pixels(self) -> bool:
        """True for pixels of the lattice at hand."""
        return self.unit == "pix"


@dataclass(frozen=True)
class Point:
    """A position on the sky or in the plane of pixels: longitude and latitude, or x and y."""

    x: Measure
    y: Measure

    @property
    def in_pixels(self) -> bool:
        """True for a position in pixels of the lattice at hand."""
        return self.x.in_pixels


def read_measure(text: str) -> Measure:
    """Read a position or length, such as ``12h30m49.4s``, ``-45.17.50``, ``3.5deg`` or ``4pix``.

    Raises
    ------
    RegionError
        When the text is none of these.

    Examples
    --------
    >>> read_measure("1h30m"), read_measure("-0.30.00"), read_measure("2.5pix")
    (Measure(value=22.5, unit='deg'), Measure(value=-0.5, unit='deg'), Measure(value=2.5, unit='pix'))
    """
    text = text.strip()
    for pattern, degrees in ((_HMS, 15.0), (_DMS, 1.0), (_DOTS, 1.0)):
        found = pattern.match(text)
        if found:
            return Measure(degrees * _sexagesimal(found, text))
    plain = _PLAIN.match(text)
    if plain is None:
        if re.fullmatch(_NUMBER, text):
            raise RegionError(f"the number {text} has no unit", hint=f"write {text}deg or {text}pix, say")
        raise RegionError(
            f"{text!r} is no position or length",
            hint="these are written 12h30m49.4s, -23d11m00s, 17:51:03.2, -45.17.50, 1.5deg, 2arcmin or 4pix",
        )
    value, unit = float(plain[1]), plain[2].lower()
    if not math.isfinite(value):
        raise RegionError(f"the number {plain[1]} is too large")
    if unit in _PIXELS:
        return Measure(value, "pix")
    if unit not in _DEGREES:
        raise RegionError(f"{plain[2]!r} is no unit of a position or length", hint=_known_units(unit))
    return Measure(value * _DEGREES[unit])


def _known_units(unit: str) -> str:
    return suggest(unit, [*_DEGREES, "pix"]) or "the units are deg, rad, arcmin, arcsec, mas and pix"


def _sexagesimal(found: re.Match[str], text: str) -> float:
    sign, whole, minutes, seconds = found.groups()
    parts = [float(part or 0) for part in (whole, minutes, seconds)]
    if parts[1] >= 60 or parts[2] >= 60:
        raise RegionError(f"{text!r} has 60 minutes or seconds, or more")
    return math.copysign(1, -1 if sign == "-" else 1) * (parts[0] + parts[1] / 60 + parts[2] / 3600)


def measure(value: Any, what: str = "length") -> Measure:
    """Return a position or length that was given as degrees, an astropy Quantity, or text.

    Raises
    ------
    RegionError
        When it is not finite, or neither an angle nor in pixels.
    LatticeTypeError
        When it is of another type.
    """
    if isinstance(value, Measure):
        found = value
    elif isinstance(value, str):
        found = read_measure(value)
    elif hasattr(value, "unit") and hasattr(value, "to_value"):
        from astropy import units as u

        if value.unit == u.pix:
            found = Measure(float(value.value), "pix")
        elif value.unit.is_equivalent(u.deg):
            found = Measure(float(value.to_value(u.deg)))
        else:
            raise RegionError(f"a {what} is an angle or in pixels, not in {value.unit}")
    else:
        try:
            found = Measure(float(value))
        except (TypeError, ValueError, OverflowError):
            raise LatticeTypeError(
                f"a {what} is degrees, an angle with a unit or text such as '4pix', not {value!r}"
            ) from None
    if not math.isfinite(found.value):
        raise RegionError(f"a {what} must be finite, not {found.value}")
    return found


def point(value: Any, what: str = "position") -> Point:
    """Return a position that was given as a pair, longitude or x first.

    Raises
    ------
    RegionError
        When one coordinate is an angle and the other in pixels, or a latitude is beyond a pole.
    LatticeTypeError
        When it is no pair.
    """
    if isinstance(value, Point):
        return value
    if isinstance(value, str):
        raise LatticeTypeError(f"a {what} is a pair (longitude, latitude) or (x, y), not {value!r}")
    try:
        x, y = value
    except (TypeError, ValueError):
        raise LatticeTypeError(f"a {what} is a pair (longitude, latitude) or (x, y), not {value!r}") from None
    return checked_point(measure(x, what), measure(y, what))


def checked_point(x: Measure, y: Measure) -> Point:
    """Return a position made of two measures that fit together."""
    if x.in_pixels != y.in_pixels:
        raise RegionError("a position is given in angles or in pixels, not in one of each")
    if not y.in_pixels and abs(y.value) > 90 + 1e-9:
        raise RegionError(
            f"a latitude lies within -90 and 90 degrees, not at {y.value:g}",
            hint="colons divide hours: write degrees as -45.17.50 or -45d17m50s",
        )
    return Point(x, y)


def frame_name(name: str | None) -> str | None:
    """Return the name of a frame as CRTF spells it; None stands for the image's own.

    Raises
    ------
    RegionError
        For a name that is not known.
    """
    if name is None:
        return None
    if not isinstance(name, str):
        raise LatticeTypeError(f"a frame is given by its name, not by {name!r}")
    known = _OTHER_NAMES.get(name.upper(), name.upper())
    if known not in FRAMES:
        raise RegionError(
            f"the frame {name!r} of positions is not known",
            hint=suggest(name, FRAMES) or f"the frames are {', '.join(FRAMES)}",
        )
    return known


def astropy_frame(name: str) -> Any:
    """Return astropy's frame for one of the names in `FRAMES`."""
    from astropy.coordinates import frame_transform_graph

    kind, attributes = FRAMES[name]
    return frame_transform_graph.lookup_name(kind)(**attributes)
