"""Positions of pixels: in another image of the same grid, and in world coordinates as text."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from lattice.coords.header import WcsCards
from lattice.coords.names import sky_labels

__all__ = ["corners", "place_text", "shifted"]


def shifted(place: Sequence[int], image: Any, inside: Any) -> tuple[int, ...]:
    """Return the index in an image of a pixel of what was cut from it."""
    if image is inside or not place:
        return tuple(place)
    mine, whole = image.bbox, inside.bbox
    out = []
    for k, own, other in zip(place, mine, whole, strict=True):
        step = other.step or 1
        out.append((own.start + k * (own.step or 1) - other.start) // step)
    return tuple(out)


def corners(image: Any, inside: Any) -> tuple[tuple[int, ...] | None, tuple[int, ...] | None]:
    """Return the first and the last pixel of what was cut from an image, None if that has no pixels."""
    if not image.size:
        return None, None
    ends = [shifted(p, image, inside) for p in ((0,) * image.ndim, tuple(n - 1 for n in image.shape))]
    low, high = (tuple(f(pair) for pair in zip(*ends, strict=True)) for f in (min, max))
    return low, high


def place_text(image: Any, place: tuple[int, ...] | None) -> str | None:
    """Return the world coordinates of a pixel, fastest axis first; None where there is no pixel.

    As CASA writes it: right ascensions in hours, minutes and seconds, declinations in degrees, minutes and
    seconds, of other positions on the sky degrees; Stokes parameters by name, all else as a number with its
    unit.
    """
    coords = image.coords
    if place is None:
        return None
    if coords is None:
        return ", ".join(str(k) for k in reversed(place))
    world = coords.to_world(*(float(k) for k in place))
    equatorial = _is_equatorial(coords)
    digits = _digits(image) if equatorial else 0
    texts = []
    for axis, (kind, value, unit) in enumerate(zip(coords.kinds, world, coords.world_units, strict=True)):
        number = float(np.asarray(value).ravel()[0])
        if kind == "stokes":
            texts.append(coords.stokes(image.shape[axis])[place[axis]])
        elif not np.isfinite(number):
            texts.append("undefined")
        elif kind == "longitude" and equatorial:
            texts.append(_sexagesimal(number % 360 / 15, ":", digits, hours=True))
        elif kind == "latitude" and equatorial:
            texts.append(_sexagesimal(number, ".", digits, hours=False))
        elif kind in ("longitude", "latitude"):
            texts.append(f"{number % 360 if kind == 'longitude' else number:.6f}deg")
        else:
            texts.append(f"{number:.9g}{unit}")
    return ", ".join(reversed(texts))


def _is_equatorial(coords: Any) -> bool:
    cards = WcsCards.parse(coords.header)
    return any(
        axis.kind == "longitude" and sky_labels(cards.ctype(axis.fits_axis))[0] == "ra"
        for axis in coords.axes
    )


def _digits(image: Any) -> int:
    """Return the decimals of seconds that tell pixels apart, at least three."""
    from lattice.errors import UnitMismatchError
    from lattice.image.units import pixel_area

    try:
        area = float(pixel_area(image.node.attrs, "to seconds").ravel()[0])
    except UnitMismatchError:  # one axis of the sky was cut away
        return 3
    arcsec = math.degrees(math.sqrt(area)) * 3600
    return max(3, min(12, math.floor(-math.log10(arcsec)) + 2)) if 0 < arcsec < math.inf else 3


def _sexagesimal(value: float, mark: str, digits: int, hours: bool) -> str:
    """Return a number as whole ones, minutes and seconds; hours have no sign.

    >>> _sexagesimal(-0.50001, ".", 3, hours=False), _sexagesimal(23.9999999999, ":", 3, hours=True)
    ('-00.30.00.036', '00:00:00.000')
    """
    unit = 10**digits
    count = round(abs(value) * 3600 * unit)
    if hours:
        count %= 24 * 3600 * unit
    rest, small = divmod(count, 60 * unit)
    whole, minutes = divmod(rest, 60)
    sign = "" if hours else "-" if value < 0 else "+"
    seconds, part = divmod(small, unit)
    return f"{sign}{whole:02d}{mark}{minutes:02d}{mark}{seconds:02d}.{part:0{digits}d}"
