"""Spectral axes for a record, from the coordinates of an image."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from lattice.coords.header import Card, WcsCards
from lattice.coords.system import CoordinateSystem
from lattice.io.casa_records.fields import measure
from lattice.io.casa_records.frames import NATIVE_TYPES, SPECSYS, VELREF
from lattice.io.casa_records.shapes import CTYPE, tabular_record

__all__ = ["spectral_frame_of", "spectral_record"]

_AIPS = {"LSR": "LSRK", "LSRK": "LSRK", "LSRD": "LSRD", "HEL": "BARY", "BAR": "BARY", "OBS": "TOPO",
         "TOP": "TOPO", "GEO": "GEO"}  # fmt: skip


def spectral_frame_of(cards: Sequence[Card], ctype: str) -> str:
    """Return casacore's name of the rest frame of a spectral axis.

    SPECSYS tells, else the AIPS conventions for CTYPE and VELREF.
    """
    values = {key: value for key, value, _ in cards}
    system = values.get("SPECSYS", "")
    system = system.strip().upper() if isinstance(system, str) else ""
    system = "BARYCENT" if system == "HELIOCEN" else system
    for frame, name in SPECSYS.items():
        if system in (frame, name):
            return frame
    if not system and ctype[4:].lstrip("-") in _AIPS:
        return _AIPS[ctype[4:].lstrip("-")]
    velref = values.get("VELREF")
    if system or isinstance(velref, bool) or not isinstance(velref, int | float):
        return "Undefined"
    return VELREF.get(int(velref) % 256, "Undefined")


def spectral_record(coords: CoordinateSystem, cards: Sequence[Card], length: int) -> dict[str, Any] | None:
    """Return a spectral coordinate; None if the frequencies of the axis are not known.

    Parameters
    ----------
    coords : CoordinateSystem
        Coordinates of the image.
    cards : sequence of (keyword, value, comment)
        Its cards.
    length : int
        Length of the spectral axis.
    """
    if coords.frequency_problem():
        return None
    axis = next(a for a in coords.axes if a.kind == "spectral")
    wcs = WcsCards.parse(coords.header)
    rest = float(coords.rest_frequency or 0.0)
    found = None if coords.table else coords._spectral(axis)
    kind, table, line = "FREQ", True, (0.0, 0.0, 1.0)
    if found is not None and not isinstance(found, str):
        spectral, crpix = found
        kind = spectral.kind
        reference, step = spectral.reference()
        line = ((crpix - 1 - axis.offset) / axis.step, reference, step * axis.step)
        table = spectral.variable != "F"
    frequencies = coords.frequencies(length)
    if frequencies is None or not np.isfinite(frequencies).all():
        return None
    if table and length == 1 and not coords.table:
        around = coords.frequencies_at(np.array([-0.4, 0.4]))
        step = float(around[1] - around[0]) / 0.8 if around is not None else math.nan
        line, table = (0.0, float(frequencies[0]), step if math.isfinite(step) and step else 1.0), False
    elif table and not ((np.diff(frequencies) > 0).all() or (np.diff(frequencies) < 0).all()):
        return None
    kind = "BETA" if kind == "VELO" else kind
    frame = spectral_frame_of(coords.header, wcs.ctype(axis.fits_axis))
    record: dict[str, Any] = {
        "version": np.int32(2),
        "system": frame,
        "restfreq": rest,
        "restfreqs": np.array([rest]),
        "velType": np.int32(0),
        "nativeType": np.int32(NATIVE_TYPES.index(kind) if kind in NATIVE_TYPES else 0),
        "velUnit": "km/s",
        "waveUnit": "mm",
        "formatUnit": "",
    }
    if table:
        record["tabular"] = tabular_record(frequencies, "Hz", "Frequency")
    else:
        crpix, crval, cdelt = line
        record["wcs"] = {
            "crval": crval,
            "crpix": crpix,
            "cdelt": cdelt,
            "pc": 1.0,
            "ctype": CTYPE,
        }
    return record | {"unit": "Hz", "name": "Frequency", "conversion": _conversion(frame)}


def _conversion(frame: str) -> dict[str, Any]:
    """Return the conversion that casacore writes where there is none."""
    zero = (0.0, "rad")
    return {
        "direction": measure("direction", "J2000", m1=(math.pi / 2, "rad"), m0=zero),
        "position": measure("position", "ITRF", m2=(0.0, "m"), m1=zero, m0=zero),
        "epoch": measure("epoch", "LAST", m0=(0.0, "d")),
        "system": frame,
    }
