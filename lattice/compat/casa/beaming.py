"""Restoring beams as the tools give and take them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from lattice.compat.casa.errors import CasaError
from lattice.compat.casa.quantities import in_unit, is_nothing, quantity, quantity_of
from lattice.image import Image

__all__ = [
    "area",
    "beam_of",
    "beam_record",
    "matrix_record",
    "per_plane",
    "planes_of",
    "record_of_beams",
    "with_angle",
]

Beam = tuple[float, float, float]


def beam_record(beam: Beam, angle: str = "positionangle") -> dict[str, Any]:
    """Return the record of a beam that is given in degrees.

    >>> beam_record((0.002, 0.001, 30.0))["major"]
    {'value': 7.2, 'unit': 'arcsec'}
    """
    return {
        "major": quantity(_neat(beam[0] * 3600), "arcsec"),
        "minor": quantity(_neat(beam[1] * 3600), "arcsec"),
        angle: quantity(_neat(with_angle(beam[2])), "deg"),
    }


def _neat(value: float) -> float:
    """Return a number without the digits that converting units has put at its end."""
    return float(f"{value:.14g}")


def with_angle(degrees: float) -> float:
    """Return a position angle above -90 and up to 90 degrees."""
    return 90.0 - (90.0 - degrees) % 180.0


def beam_of(
    major: Any, minor: Any, angle: Any, units: tuple[str, str, str] = ("arcsec", "arcsec", "deg")
) -> Beam:
    """Return a beam in degrees of quantities; plain numbers have the units given."""
    values = [in_unit(v, "deg", u) for v, u in zip((major, minor, angle), units, strict=True)]
    if not values[0] >= values[1] > 0:
        raise CasaError(
            f"a beam of {values[0] * 3600:g} by {values[1] * 3600:g} arcsec: the larger axis first"
        )
    return values[0], values[1], values[2]


def of_record(record: Mapping[str, Any]) -> Beam:
    """Return a beam in degrees of a record, whose angle is called positionangle or pa."""
    record = record.get("beam", record)
    angle = record.get("positionangle", record.get("pa"))
    if angle is None or "major" not in record or "minor" not in record:
        raise CasaError("the record of a beam has major, minor and positionangle")
    return beam_of(record["major"], record["minor"], angle)


def planes_of(image: Image) -> tuple[np.ndarray, list[str]]:
    """Return the numbers of beams by plane, x-first order of the axes, and the kinds of these axes.

    The array has an axis for the spectral axis and one for Stokes, as far as the image has them.
    """
    from lattice.graph.beams import plane_axes

    axes = plane_axes(image.node.attrs, len(image.beams)) or ()
    kinds = image.coords.kinds if image.coords is not None else ("none",) * image.ndim
    numbers = np.arange(len(image.beams)).reshape([image.shape[a] for a in axes])
    kept = [k for k, a in enumerate(axes) if kinds[a] in ("spectral", "stokes")]
    others = [k for k in range(len(axes)) if k not in kept]
    index = tuple(slice(None) if k in kept else 0 for k in range(len(axes)))
    assert all(numbers.shape[k] == 1 for k in others)
    return numbers[index].T, [kinds[axes[k]] for k in kept][::-1]


def per_plane(image: Image) -> tuple[np.ndarray, int, int]:
    """Return numbers of beams by channel and Stokes parameter, and how many there are of these."""
    numbers, kinds = planes_of(image)
    if kinds == ["stokes", "spectral"]:
        numbers = numbers.T
    elif kinds == ["spectral"]:
        numbers = numbers.reshape(-1, 1)
    elif kinds == ["stokes"]:
        numbers = numbers.reshape(1, -1)
    return numbers, kinds.count("spectral") and numbers.shape[0], kinds.count("stokes") and numbers.shape[1]


def record_of_beams(image: Image, channel: int = -1, polarization: int = -1) -> dict[str, Any]:
    """Return the beam of an image, of one of its planes, or the record of all of them; {} for none."""
    beams = image.beams
    if not beams:
        return {}
    if len(beams) == 1:
        return beam_record(beams[0])
    numbers, channels, parameters = per_plane(image)
    if channel < 0 and polarization < 0:
        found = {
            f"*{c}": {f"*{p}": beam_record(beams[numbers[c, p]]) for p in range(numbers.shape[1])}
            for c in range(numbers.shape[0])
        }
        return {"nChannels": channels, "nStokes": parameters, "beams": found}
    return beam_record(beams[_number(numbers, channel, polarization)])


def _number(numbers: np.ndarray, channel: int, polarization: int) -> int:
    """Return the number of the beam of a plane."""
    places = []
    for name, given, n in zip(
        ("channel", "polarization"), (channel, polarization), numbers.shape, strict=True
    ):
        if given < 0 and n > 1:
            raise CasaError(f"{name} is missing: the image has {n}", hint="give both numbers, or neither")
        if given >= n:
            raise CasaError(f"there is no {name} {given}: the image has {n}")
        places.append(max(given, 0))
    return int(numbers[places[0], places[1]])


def matrix_record(image: Image) -> dict[str, Any]:
    """Return major, minor and pa as quantities of matrices, in the order of the image's axes."""
    if len(image.beams) < 2:
        raise CasaError("the image has no beams by plane", hint="mbret='list' gives the one that it has")
    numbers, _ = planes_of(image)
    numbers = numbers.reshape(-1, 1) if numbers.ndim == 1 else numbers
    beams = np.array(image.beams)
    values = beams[numbers]
    angles = np.vectorize(with_angle)(values[..., 2])
    _, channels, parameters = per_plane(image)
    return {
        "nChannels": channels,
        "nStokes": parameters,
        "major": quantity(values[..., 0] * 3600, "arcsec"),
        "minor": quantity(values[..., 1] * 3600, "arcsec"),
        "pa": quantity(angles, "deg"),
    }


def area(image: Image, channel: int = -1, polarization: int = -1) -> dict[str, Any]:
    """Return the area of the beam, or of all of them, in square arc seconds and in pixels."""
    if not image.beams:
        raise CasaError("the image has no beam")
    if image.coords is None or not image.coords.has_sky:
        raise CasaError("the image has no sky axes")
    y, x = image.coords.pixel_scale()
    factor = math.pi / (4 * math.log(2)) * 3600**2
    areas = np.array([a * b for a, b, _ in image.beams]) * factor
    pixel = x * y * 3600**2
    if len(areas) == 1:
        found: Any = float(areas[0])
    elif channel >= 0 or polarization >= 0:
        found = float(areas[_number(per_plane(image)[0], channel, polarization)])
    else:
        found = areas[planes_of(image)[0]]
    return {"arcsec2": found, "pixels": found / pixel}


def changed_beams(
    image: Image, major: Any, minor: Any, pa: Any, beam: Mapping[str, Any], channel: int, polarization: int
) -> list[Beam]:
    """Return the beams of an image after some of them are set; see `setrestoringbeam`."""
    if beam:
        new = of_record(beam)
    else:
        units = tuple(
            _unit_of(v, u) for v, u in zip((major, minor, pa), ("arcsec", "arcsec", "deg"), strict=True)
        )
        if is_nothing(major) or is_nothing(minor) or pa == "Not specified" or is_nothing(pa):
            raise CasaError("give major, minor and pa, or a beam")
        new = beam_of(major, minor, pa, units)  # type: ignore[arg-type]
    old = list(image.beams)
    if channel < 0 and polarization < 0:
        return [new] * max(1, len(old))
    if len(old) == 1:
        raise CasaError("the image has a single beam", hint="remove it first: setrestoringbeam(remove=True)")
    if not old:
        return [new] * _plane_count(image)
    numbers = per_plane(image)[0]
    _check_index(numbers, channel, polarization)
    rows = range(numbers.shape[0]) if channel < 0 else (channel,)
    columns = range(numbers.shape[1]) if polarization < 0 else (polarization,)
    for c in rows:
        for p in columns:
            old[numbers[c, p]] = new
    return old


def _check_index(numbers: np.ndarray, channel: int, polarization: int) -> None:
    for name, given, n in zip(
        ("channel", "polarization"), (channel, polarization), numbers.shape, strict=True
    ):
        if given >= n:
            raise CasaError(f"there is no {name} {given}: the image has {n}")


def _unit_of(value: Any, unit: str) -> str:
    return unit if is_nothing(value) or isinstance(value, str) else quantity_of(value, unit)[1]


def _plane_count(image: Image) -> int:
    kinds = image.coords.kinds if image.coords is not None else ()
    count = math.prod(
        n for n, kind in zip(image.shape, kinds, strict=False) if kind in ("spectral", "stokes")
    )
    if not {"spectral", "stokes"} & set(kinds):
        raise CasaError("the image has neither channels nor Stokes parameters")
    return count
