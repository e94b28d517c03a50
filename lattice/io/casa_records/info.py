"""Beams, object and kind of image, as casacore's record ``imageinfo`` has them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from lattice.coords.system import CoordinateSystem
from lattice.errors import FormatError, warn
from lattice.graph.attributes import Attributes, default_dims
from lattice.graph.beams import plane_axes
from lattice.graph.types import FLOAT
from lattice.io.base import Beam, MetaCard
from lattice.io.casa_records.fields import ANGLES, neat, number, part, quantity

__all__ = ["imageinfo_from_record", "imageinfo_to_record"]

_CARDS = {"objectname": "OBJECT", "imagetype": "BTYPE"}
_MOST = 1 << 24


def imageinfo_from_record(
    record: Mapping[str, Any], shape: Sequence[int], coords: CoordinateSystem | None
) -> tuple[tuple[Beam, ...], tuple[MetaCard, ...]]:
    """Return the beams and the cards OBJECT and BTYPE of an image.

    Parameters
    ----------
    record : mapping
        The record ``imageinfo``.
    shape : sequence of int
        Shape of the image, numpy order.
    coords : CoordinateSystem or None
        Coordinates of the image, which say what its planes are.

    Returns
    -------
    tuple of (major, minor, angle)
        None, one, or one per plane, in C order of the axes that are not on the sky; degrees. What is damaged
        is left out with a warning.
    tuple of (keyword, value, comment)
        Cards, for texts that are not empty.
    """
    cards: list[MetaCard] = []
    for field, keyword in _CARDS.items():
        value = record.get(field, "")
        if isinstance(value, str) and value.strip():
            cards.append((keyword, str(value), ""))
        elif not isinstance(value, str):
            warn(f"the image is read without its {field}, which is no text")
    try:
        beams = _beams(record, tuple(shape), coords)
    except FormatError as error:
        warn(f"the image is read without beams: {error.message}")
        beams = ()
    return beams, tuple(cards)


def _beams(
    record: Mapping[str, Any], shape: tuple[int, ...], coords: CoordinateSystem | None
) -> tuple[Beam, ...]:
    if "perplanebeams" not in record:
        return (_beam(record, "restoringbeam", ""),) if "restoringbeam" in record else ()
    where = "perplanebeams."
    planes = part(record, "perplanebeams")
    channels, polarizations = (max(1, int(number(planes, k, where))) for k in ("nChannels", "nStokes"))
    if channels * polarizations > _MOST:
        raise FormatError(f"{where}nChannels and nStokes are {channels} and {polarizations}")
    table = [_beam(planes, f"*{k}", where) for k in range(channels * polarizations)]
    if len(table) == 1:
        return (table[0],)
    axes, channel_axis, stokes_axis = _axes(shape, coords)
    lengths = [shape[a] for a in axes]
    for name, count, axis in (("nChannels", channels, channel_axis), ("nStokes", polarizations, stokes_axis)):
        if count > 1 and (axis is None or shape[axis] != count):
            length = "no such axis" if axis is None else f"{shape[axis]} such planes"
            raise FormatError(f"{where}{name} is {count}, and the image has {length}")
    places = np.indices(lengths).reshape(len(axes), -1)
    picked = np.zeros(math.prod(lengths), int)
    if channels > 1 and channel_axis is not None:
        picked += places[axes.index(channel_axis)]
    if polarizations > 1 and stokes_axis is not None:
        picked += channels * places[axes.index(stokes_axis)]
    return tuple(table[k] for k in picked.tolist())


def _axes(
    shape: tuple[int, ...], coords: CoordinateSystem | None, count: int | None = None
) -> tuple[tuple[int, ...], int | None, int | None]:
    """Return the axes of planes, and which of them counts channels and polarizations."""
    dims = default_dims(len(shape)) if coords is None else coords.dims
    axes = plane_axes(Attributes(FLOAT, shape, dims, coords=coords), count)
    if axes is None:
        raise FormatError(f"{count} beams are not one for each plane of an image of shape {shape}")
    channel = stokes = None
    if coords is not None:
        channel, stokes = coords.axis_of("spectral"), coords.axis_of("stokes")
        if coords.frequency_problem():  # casacore will not take the axis for a spectral one
            channel = None
    return axes, channel if channel in axes else None, stokes if stokes in axes else None


def _beam(record: Mapping[str, Any], key: str, where: str) -> Beam:
    own, where = part(record, key, where), f"{where}{key}."
    major, minor, angle = (quantity(own, k, ANGLES, where) for k in ("major", "minor", "positionangle"))
    if major < 0 or minor < 0:
        raise FormatError(f"{where}major or {where}minor is negative")
    return major, minor, angle


def imageinfo_to_record(
    beams: Sequence[Beam],
    meta: Iterable[MetaCard],
    shape: Sequence[int],
    coords: CoordinateSystem | None,
) -> dict[str, Any]:
    """Return the record ``imageinfo`` of an image.

    Parameters
    ----------
    beams : sequence of (major, minor, angle)
        None, one, or one per plane; degrees.
    meta : iterable of (keyword, value, comment)
        Header cards, of which OBJECT and BTYPE are used.
    shape : sequence of int
        Shape of the image, numpy order.
    coords : CoordinateSystem or None
        Coordinates of the image.

    Returns
    -------
    dict
        Beams that casacore has no form for are left out with a warning: it has them by channel and
        polarization only.
    """
    cards: dict[str, str] = {}
    for key, value, _ in meta:
        if key in _CARDS.values() and isinstance(value, str):
            cards.setdefault(key, value)
    out: dict[str, Any] = {}
    try:
        fitting = [_checked(beam) for beam in beams]
        if len(fitting) == 1:
            out["restoringbeam"] = _beam_record(fitting[0])
        planes = _planes(fitting, tuple(shape), coords) if len(fitting) > 1 else None
    except FormatError as error:
        warn(f"the image is written without beams: {error.message}")
        planes = None
    if "BTYPE" in cards:
        out["imagetype"] = cards["BTYPE"]
    out["objectname"] = cards.get("OBJECT", "")
    if planes is not None:
        out["perplanebeams"] = planes
    return out


def _planes(beams: list[Beam], shape: tuple[int, ...], coords: CoordinateSystem | None) -> dict[str, Any]:
    axes, channel_axis, stokes_axis = _axes(shape, coords, len(beams))
    values = np.array(beams, np.float64).reshape(*(shape[a] for a in axes), 3)
    for i, axis in enumerate(axes):
        if axis in (channel_axis, stokes_axis):
            continue
        first = values.take([0], axis=i)
        if not np.array_equal(np.broadcast_to(first, values.shape), values):
            name = f"axis {axis}" if coords is None else coords.dims[axis]
            raise FormatError(
                f"casacore has beams by channel and polarization, and these differ along {name}"
            )
        values = first
    channels, polarizations = (1 if axis is None else shape[axis] for axis in (channel_axis, stokes_axis))
    order = [i for i, a in enumerate(axes) if a == stokes_axis] + [
        i for i, a in enumerate(axes) if a == channel_axis
    ]
    rest = [i for i in range(len(axes)) if i not in order]
    # channels vary fastest
    table = values.transpose(*rest, *order, len(axes)).reshape(-1, 3)
    if len(table) == 1:
        channels = polarizations = 1
    out: dict[str, Any] = {"nChannels": np.uint32(channels), "nStokes": np.uint32(polarizations)}
    return out | {f"*{k}": _beam_record((a, b, c)) for k, (a, b, c) in enumerate(table.tolist())}


def _checked(beam: Beam) -> Beam:
    """Return a beam as casacore takes it: the longer axis first."""
    major, minor, angle = (float(v) for v in beam)
    if not (math.isfinite(major) and math.isfinite(minor)) or major < 0 or minor < 0:
        raise FormatError(f"a beam has the axes {major:g} and {minor:g} degrees")
    angle = angle if math.isfinite(angle) else 0.0
    return (minor, major, angle + 90) if minor > major else (major, minor, angle)


def _beam_record(beam: Beam) -> dict[str, Any]:
    major, minor, angle = beam
    axes = {
        key: {"value": neat(value * 3600, (1.0, 3600.0)), "unit": "arcsec"}
        for key, value in (("major", major), ("minor", minor))
    }
    return axes | {"positionangle": {"value": angle, "unit": "deg"}}
