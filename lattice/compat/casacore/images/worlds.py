"""Places of pixels in the units and frames of the coordinates record, and the record itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from lattice.compat.casacore.errors import ArgumentError, CasacoreError
from lattice.image import Image

__all__ = ["plain", "record_of", "to_pixel", "to_world"]

_UNITS = {"'": "arcmin", '"': "arcsec", "pix": "", "pixel": ""}


def record_of(image: Image) -> dict[str, Any]:
    """Return the coordinates record of an image, with the axes of the image noted in each coordinate."""
    from lattice.io.casa_records import coords_to_record

    record = plain(coords_to_record(image.coords, image.node.attrs.meta, image.shape))
    for _, number, part in list(_parts(record)):
        own = [int(p) for p in record[f"pixelmap{number}"] if p >= 0]
        part["_image_axes"] = np.array([image.ndim - 1 - p for p in own][::-1], np.int32)
        part["_axes_sizes"] = np.array([image.shape[image.ndim - 1 - p] for p in own], np.int32)
    return record


def plain(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record of Python's numbers and texts, numpy's arrays, lists of texts and such records."""
    return {key: _plain(value) for key, value in record.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return plain(value)
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray) and value.dtype.kind in "US" and value.ndim == 1:
        return [str(text) for text in value]
    return value


def _parts(record: Mapping[str, Any]) -> Iterator[tuple[str, int, dict[str, Any]]]:
    """Yield kind, number and record of each coordinate, in casacore's order."""
    for key, part in record.items():
        kind = key.rstrip("0123456789")
        if isinstance(part, dict) and kind != key and f"pixelmap{key[len(kind) :]}" in record:
            yield kind, int(key[len(kind) :]), part


@dataclass
class _Axes:
    """How the record speaks of the axes of an image, by their numbers, slowest first.

    Attributes
    ----------
    factors : list of float
        What turns a value of lattice's coordinates into one of the record.
    stokes : dict
        Names of the pixels of polarization axes.
    sky : (int, int) or None
        Axes of longitude and latitude.
    frames : (str, str)
        Frame of the sky axes, and the one in which their values are shown.
    spectrum : int or None
        A spectral axis whose frequencies lattice labels by something else, velocities or wavelengths.
    """

    factors: list[float]
    stokes: dict[int, list[str]]
    sky: tuple[int, int] | None = None
    frames: tuple[str, str] = ("", "")
    spectrum: int | None = None


def _axes(image: Image) -> _Axes:
    assert image.coords is not None
    record, ours = record_of(image), image.coords.world_units
    out = _Axes([1.0] * image.ndim, {})
    for kind, number, part in _parts(record):
        own = [image.ndim - 1 - int(p) if p >= 0 else -1 for p in record[f"pixelmap{number}"]]
        units = [part["unit"]] if kind == "spectral" else list(part.get("units", []))
        for axis, unit in zip(own, units, strict=False):
            if axis >= 0:
                out.factors[axis] = _factor(ours[axis], str(unit))
                if kind == "spectral" and _is_other(ours[axis]):
                    out.spectrum, out.factors[axis] = axis, _factor("Hz", str(unit))
        if kind == "stokes" and own[0] >= 0:
            out.stokes[own[0]] = [str(name) for name in part["stokes"]]
        if kind == "direction" and min(own) >= 0:
            out.sky = (own[0], own[1])
            out.frames = (str(part["system"]), str(part.get("conversionSystem", part["system"])))
    return out


def _is_other(unit: str) -> bool:
    """Tell whether the values of a spectral axis are no frequencies."""
    from astropy import units as u

    try:
        return bool(unit) and not u.Unit(_UNITS.get(unit, unit)).is_equivalent(u.Hz)
    except ValueError:
        return False


def _label_of(image: Image, axis: int, hertz: float) -> float:
    """Return what lattice calls a frequency on a spectral axis with other labels."""
    from lattice.coords.header import WcsCards
    from lattice.coords.spectral import to_hertz

    coords: Any = image.coords
    kind = WcsCards.parse(coords.header).ctype(coords.axes[axis].fits_axis)[:4]
    functions = to_hertz(kind, coords.rest_frequency or 0.0)
    if functions is None:
        raise CasacoreError(f"frequencies of an axis {kind} are not known")
    return float(functions[1](np.asarray(hertz)))


def _factor(ours: str, theirs: str) -> float:
    from astropy import units as u

    ours, theirs = _UNITS.get(ours, ours), _UNITS.get(theirs, theirs)
    if ours == theirs or not ours or not theirs:
        return 1.0
    try:
        return float(u.Unit(ours).to(u.Unit(theirs)))
    except (ValueError, u.UnitConversionError):
        return 1.0


def _in_frame(lon: float, lat: float, start: str, end: str) -> tuple[float, float]:
    """Return a place, in degrees, in another frame of casacore's."""
    from astropy import units as u
    from astropy.coordinates import SkyCoord

    from lattice.regions.measures import astropy_frame

    place = SkyCoord(lon * u.deg, lat * u.deg, frame=astropy_frame(start)).transform_to(astropy_frame(end))
    return float(place.spherical.lon.wrap_at(180 * u.deg).deg), float(place.spherical.lat.deg)


def _numbers(values: Any, image: Image, what: str) -> list[float]:
    try:
        given = np.asarray([values] if np.isscalar(values) else values, np.float64)
    except (TypeError, ValueError):
        raise ArgumentError(f"{what}: {values!r} are no numbers") from None
    if given.ndim != 1:
        raise ArgumentError(f"{what}: one point is taken, an array of {given.ndim} axes is given")
    if len(given) != image.ndim:
        raise CasacoreError(f"{what}: {len(given)} numbers for an image of {image.ndim} axes")
    found: list[float] = given.tolist()
    return found


def to_world(image: Image, pixel: Any) -> list[float]:
    """Return the world coordinates of a pixel; see `image.toworld`."""
    at = _numbers(pixel, image, "pixel")
    if image.coords is None:
        return at
    axes, found = _axes(image), [float(v) for v in image.coords.to_world(*at)]
    if axes.spectrum is not None:
        hertz = image.coords.frequencies_at(np.array([at[axes.spectrum]]))
        found[axes.spectrum] = np.nan if hertz is None else float(hertz[0])
    if axes.sky is not None and axes.frames[0] != axes.frames[1] and np.isfinite(found).all():
        x, y = axes.sky
        found[x], found[y] = _in_frame(found[x], found[y], *axes.frames)
    out = [value * factor for value, factor in zip(found, axes.factors, strict=True)]
    for axis, names in axes.stokes.items():
        out[axis] = _code(names, at[axis])
    if not np.isfinite(out).all():
        raise CasacoreError(f"pixel {at} has no place: it is outside of the projection")
    return out


def to_pixel(image: Image, world: Any) -> list[float]:
    """Return the pixel at world coordinates; see `image.topixel`."""
    given = _numbers(world, image, "world")
    if image.coords is None:
        return given
    axes = _axes(image)
    ours = [value / factor for value, factor in zip(given, axes.factors, strict=True)]
    start = image.coords.to_world(*[0.0] * image.ndim)
    for axis in axes.stokes:
        ours[axis] = float(start[axis])
    if axes.spectrum is not None:
        ours[axes.spectrum] = _label_of(image, axes.spectrum, ours[axes.spectrum])
    if axes.sky is not None and axes.frames[0] != axes.frames[1]:
        x, y = axes.sky
        ours[x], ours[y] = _in_frame(ours[x], ours[y], *axes.frames[::-1])
    out = [float(v) for v in image.coords.to_pixel(*ours)]
    for axis, names in axes.stokes.items():
        out[axis] = _pixel_of(names, given[axis])
    if not np.isfinite(out).all():
        raise CasacoreError(f"there is no pixel at {given}: it is outside of the projection or of the table")
    return out


def _code(names: list[str], pixel: float) -> float:
    """Return casacore's number of the polarization at a pixel."""
    from lattice.io.casa_records.frames import STOKES_NUMBERS

    nearest = int(pixel + 0.5)
    if not 0 <= nearest < len(names):
        raise CasacoreError(
            f"pixel {pixel:g} is outside of the Stokes axis", hint=f"it has {len(names)} pixels"
        )
    return float(STOKES_NUMBERS.get(names[nearest], 0))


def _pixel_of(names: list[str], code: float) -> float:
    """Return the pixel of casacore's number of a polarization."""
    from lattice.io.casa_records.frames import STOKES_NUMBERS

    for pixel, name in enumerate(names):
        if STOKES_NUMBERS.get(name, 0) == code:
            return float(pixel)
    raise CasacoreError(
        f"the Stokes axis has no parameter number {code:g}", hint=f"it has {', '.join(names)}"
    )
