"""Directions on the sky for a record, from header cards."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from lattice.coords.header import Card, WcsCards
from lattice.errors import FormatError
from lattice.io.casa_records.fields import ANGLES, factor
from lattice.io.casa_records.frames import DIRECTIONS, PARAMETERS, PROJECTIONS, longitude_of
from lattice.io.casa_records.shapes import scaled_matrix

__all__ = ["direction_record", "frame_of"]

_BY_CTYPE = {lon: name for name, (lon, _, _, _) in reversed(DIRECTIONS.items()) if lon != "RA"}
_BY_RADESYS = {system: name for name, (lon, _, system, _) in DIRECTIONS.items() if lon == "RA"}


def frame_of(cards: Sequence[Card], ctype: str) -> str:
    """Return casacore's name of the frame of sky axes.

    Without RADESYS the equinox tells, and without that FITS says ICRS.

    Raises
    ------
    FormatError
        If casacore has no such frame.
    """
    name = longitude_of(ctype)
    if name != "RA":
        if name not in _BY_CTYPE:
            raise FormatError(f"casacore has no frame for axes of the type {ctype}")
        return _BY_CTYPE[name]
    values = {key: value for key, value, _ in cards}
    system = values.get("RADESYS", values.get("RADECSYS", ""))
    system = system.strip().upper() if isinstance(system, str) else ""
    equinox = _equinox(values.get("EQUINOX", values.get("EPOCH")))
    if not system:
        if equinox is None:
            return "ICRS"
        system = "FK4" if equinox < 1984.0 else "FK5"
    if system == "FK4":
        if equinox is not None and abs(equinox - 1979.9) < 1e-3:
            return "B1950_VLA"
        if equinox is not None and equinox != 1950.0:
            raise FormatError(f"casacore has no frame FK4 of the equinox {equinox:g}")
        return "B1950"
    if system == "FK5" and equinox is not None and equinox != 2000.0:
        raise FormatError(f"casacore has no frame FK5 of the equinox {equinox:g}")
    if system not in _BY_RADESYS:
        raise FormatError(f"casacore has no frame for RADESYS {system!r}")
    return {"FK5": "J2000"}.get(system, _BY_RADESYS[system])


def _equinox(value: Any) -> float | None:
    if isinstance(value, str):
        value = value.strip().lstrip("JB")
    try:
        return None if value is None or isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        return None


def _names(frame: str) -> list[str]:
    if frame == "HADEC":
        return ["Hour Angle", "Declination"]
    if DIRECTIONS[frame][0] == "RA" and frame != "TOPO":
        return ["Right Ascension", "Declination"]
    return ["Longitude", "Latitude"]


def direction_record(wcs: WcsCards, cards: Sequence[Card], lon: int, lat: int) -> dict[str, Any]:
    """Return a direction coordinate in radians from the cards of an image.

    Parameters
    ----------
    wcs : WcsCards
        The cards, sorted out.
    cards : sequence of (keyword, value, comment)
        The cards.
    lon, lat : int
        Numbers of the two axes.

    Raises
    ------
    FormatError
        If casacore has no such frame or projection, or cards are damaged.
    """
    ctype = wcs.ctype(lon)
    frame = frame_of(cards, ctype)
    scale = []
    for axis in (lon, lat):
        unit = wcs.world.get(("CUNIT", axis), "deg")
        unit = unit.strip() if isinstance(unit, str) else ""
        scale.append(factor(ANGLES, unit or "deg", f"CUNIT{axis}"))
    values = {key: value for key, value, _ in cards}
    if any(values.get(f"PV{lon}_{m}") for m in range(3)):
        raise FormatError("casacore has no projection whose reference point is moved by PV cards")
    degrees = [wcs.number("CRVAL", a, 0.0) * t / o for a, (t, o) in zip((lon, lat), scale, strict=True)]
    projection, parameters = _projection(ctype, values, lat, degrees[1])
    cdelt, pc = scaled_matrix(wcs, [lon, lat])
    steps = np.array([c * t / o for c, (t, o) in zip(cdelt, scale, strict=True)])
    crpix = np.array([wcs.crpix.get(a, 0.0) - 1 for a in (lon, lat)])
    if "-GLS" in ctype and degrees[1]:
        crpix, degrees[1] = crpix - _inverse(steps[:, None] * pc) @ np.array([0.0, degrees[1]]), 0.0
    times, over = ANGLES["rad"]
    longpole, latpole = (_pole(values, key, lon, m) for key, m in (("LONPOLE", 3), ("LATPOLE", 4)))
    return {
        "system": frame,
        "projection": projection,
        "projection_parameters": parameters,
        "crval": np.array([d * over / times for d in degrees]),
        "crpix": crpix,
        "cdelt": np.array([float(s) * over / times for s in steps]),
        "pc": pc,
        "axes": _names(frame),
        "units": ["rad", "rad"],
        "conversionSystem": frame,
        "longpole": longpole,
        "latpole": latpole,
    }


def _inverse(matrix: np.ndarray) -> np.ndarray:
    """Return the inverse of the scale of the sky; for GLS, which is SFL with its reference at the equator."""
    try:
        return np.linalg.inv(matrix)
    except np.linalg.LinAlgError:
        raise FormatError("the matrix of the sky axes is singular") from None


def _pole(values: dict[str, Any], card: str, lon: int, m: int) -> float:
    """Return LONPOLE or LATPOLE, which PV cards of the longitude may also say; 999 is the default."""
    for key in (f"PV{lon}_{m}", card):
        value = values.get(key)
        if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 999:
            return float(value)
    return 999.0


def _projection(ctype: str, values: dict[str, Any], lat: int, degrees: float) -> tuple[str, np.ndarray]:
    """Return the name of a projection and the complete list of its parameters."""
    code = ctype[4:].lstrip("-").split("-")[0].strip() if len(ctype) > 4 else ""
    code = ctype.rsplit("-", 1)[-1] if code == "" else code
    given: dict[int, float] = {}
    for key, value in values.items():
        if key.startswith(f"PV{lat}_") and isinstance(value, int | float) and not isinstance(value, bool):
            given[int(key.split("_")[1])] = float(value)
    if code == "NCP":
        if not math.sin(math.radians(degrees)):
            raise FormatError("the projection NCP has no meaning at declination 0")
        return "SIN", np.array([0.0, 1 / math.tan(math.radians(degrees))])
    code = "SFL" if code == "GLS" else code
    if code not in PROJECTIONS:
        raise FormatError(f"casacore has no projection {code or ctype!r}")
    first = 0 if code == "ZPN" else 1
    default = PARAMETERS.get(code, ())
    if any(m >= first + len(default) and value for m, value in given.items()):
        raise FormatError(f"casacore has no such parameters of the projection {code}")
    return code, np.array([given.get(i + first, d) for i, d in enumerate(default)], np.float64)
