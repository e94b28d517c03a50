"""Pixels and world coordinates of the parts of a record: each by itself, in the units of the record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from lattice.compat.casa.errors import CasaError
from lattice.compat.casa.quantities import converted, in_unit

__all__ = ["to_pixels", "to_worlds"]


def to_worlds(kind: str, part: Mapping[str, Any], pixels: np.ndarray, convert: bool = True) -> np.ndarray:
    """Return world coordinates of pixels of one coordinate.

    Parameters
    ----------
    kind : str
        direction, spectral, stokes, linear, tabular or quality.
    part : mapping
        Its record.
    pixels : ndarray of float
        One row per axis, pixels counted from 0.
    convert : bool, optional
        Whether they are brought to the frame in which the record wants positions.

    Returns
    -------
    ndarray of float
        One row per axis, in the units of the record.
    """
    if kind == "direction":
        return _sky_worlds(part, pixels, convert)
    if kind == "spectral":
        factor = frequency_factor(part) if convert else 1.0
        return _spectral(part, pixels, True) * factor
    if kind in ("stokes", "quality"):
        return _codes(kind, part, pixels)
    return _tabular(part, pixels, True) if kind == "tabular" else _linear(part, pixels, True)


def to_pixels(kind: str, part: Mapping[str, Any], worlds: np.ndarray, convert: bool = True) -> np.ndarray:
    """Return the pixels of world coordinates of one coordinate; see `to_worlds`."""
    if kind == "direction":
        return _sky_pixels(part, worlds, convert)
    if kind == "spectral":
        factor = frequency_factor(part) if convert else 1.0
        return _spectral(part, worlds / factor, False)
    if kind in ("stokes", "quality"):
        return _places_of_codes(kind, part, worlds)
    return _tabular(part, worlds, False) if kind == "tabular" else _linear(part, worlds, False)


# -- lines and tables ---------------------------------------------------------------------------------------


def _linear(part: Mapping[str, Any], values: np.ndarray, forward: bool) -> np.ndarray:
    crval, crpix, cdelt = (np.asarray(part[k], np.float64)[:, None] for k in ("crval", "crpix", "cdelt"))
    matrix = np.asarray(part["pc"], np.float64).T  # rows of a record are pixel axes
    if forward:
        return crval + cdelt * (matrix @ (values - crpix))
    return np.linalg.solve(matrix, (values - crval) / cdelt) + crpix


def _along(values: np.ndarray, start: Any, end: Any) -> np.ndarray:
    """Interpolate in a table, and beyond its ends go on as there."""
    x, y = np.asarray(start, np.float64), np.asarray(end, np.float64)
    if len(x) < 2:
        return y[0] + 0 * values
    if x[0] > x[-1]:
        x, y = x[::-1], y[::-1]
    k = np.clip(np.searchsorted(x, values, side="right") - 1, 0, len(x) - 2)
    return y[k] + (values - x[k]) / (x[k + 1] - x[k]) * (y[k + 1] - y[k])


def _tabular(part: Mapping[str, Any], values: np.ndarray, forward: bool) -> np.ndarray:
    pixels, worlds = part.get("pixelvalues", ()), part.get("worldvalues", ())
    if not len(pixels):
        return _linear(part, values, forward)
    return _along(values, pixels, worlds) if forward else _along(values, worlds, pixels)


def _spectral(part: Mapping[str, Any], values: np.ndarray, forward: bool) -> np.ndarray:
    if "wcs" not in part:
        scale = float(
            converted(1.0, str(np.ravel(part["tabular"].get("units", ["Hz"]))[0]), str(part["unit"]))
        )
        found = _tabular(part["tabular"], values if forward else values / scale, forward)
        return found * scale if forward else found
    wcs = part["wcs"]
    crval, crpix, cdelt, pc = (float(np.ravel(wcs[k])[0]) for k in ("crval", "crpix", "cdelt", "pc"))
    if forward:
        return crval + cdelt * pc * (values - crpix)
    return (values - crval) / (cdelt * pc) + crpix


# -- names --------------------------------------------------------------------------------------------------


def _names(kind: str, part: Mapping[str, Any]) -> tuple[list[str], dict[str, int]]:
    from lattice.io.casa_records.frames import QUALITIES, STOKES_NUMBERS

    return [str(n) for n in part[kind]], STOKES_NUMBERS if kind == "stokes" else QUALITIES


def _codes(kind: str, part: Mapping[str, Any], pixels: np.ndarray) -> np.ndarray:
    names, numbers = _names(kind, part)
    nearest = np.floor(pixels + 0.5).astype(int)
    if nearest.size and not (nearest.min() >= 0 and nearest.max() < len(names)):
        raise CasaError(
            f"a pixel is outside of the axis of {', '.join(names)}",
            hint=f"pixels go from 0 to {len(names) - 1}",
        )
    return np.array([float(numbers.get(n, 0)) for n in names])[nearest]


def _places_of_codes(kind: str, part: Mapping[str, Any], worlds: np.ndarray) -> np.ndarray:
    names, numbers = _names(kind, part)
    known = {float(numbers.get(n, 0)): float(k) for k, n in reversed(list(enumerate(names)))}
    try:
        return np.array([[known[float(np.floor(w + 0.5))] for w in row] for row in worlds])
    except (KeyError, ValueError, OverflowError):
        raise CasaError(
            f"{kind} {worlds.ravel().tolist()} are not all on the axis", hint=f"it has {', '.join(names)}"
        ) from None


# -- the sky ------------------------------------------------------------------------------------------------


def sky(part: Mapping[str, Any]) -> Any:
    """Return the sky of a direction coordinate as lattice has it, on a plane (latitude, longitude)."""
    from lattice.io.casa_records import coords_from_record

    record = {
        "direction0": {**part, "pc": np.transpose(part["pc"])},
        "worldmap0": np.array([0, 1], np.int32),
        "worldreplace0": np.zeros(2),
        "pixelmap0": np.array([0, 1], np.int32),
        "pixelreplace0": np.zeros(2),
    }
    coords, _ = coords_from_record(record, (1, 1))
    if not coords.has_sky:
        raise CasaError(
            f"there are no positions in the projection {part.get('projection')!r} with these parameters"
        )
    return coords


def _units(part: Mapping[str, Any]) -> np.ndarray:
    """Return how many degrees the units of the axes are."""
    return np.array([[float(converted(1.0, str(unit), "deg"))] for unit in part["units"]])


def _frames(part: Mapping[str, Any]) -> tuple[str, str]:
    native = str(part["system"])
    return native, str(part.get("conversionSystem") or native)


def _sky_worlds(part: Mapping[str, Any], pixels: np.ndarray, convert: bool) -> np.ndarray:
    from lattice.compat.casa.sky import moved

    lat, lon = sky(part).to_world(pixels[1], pixels[0])
    native, wanted = _frames(part)
    if not (np.isfinite(lat).all() and np.isfinite(lon).all()):
        raise CasaError("a pixel has no place on the sky: it is outside of the projection")
    if convert and native != wanted:
        lon, lat = moved(lon, lat, native, wanted)
    else:
        lon = lon % 360.0
    return np.array([lon, lat]) / _units(part)


def _sky_pixels(part: Mapping[str, Any], worlds: np.ndarray, convert: bool) -> np.ndarray:
    from lattice.compat.casa.sky import moved

    lon, lat = worlds * _units(part)
    native, wanted = _frames(part)
    if convert and native != wanted:
        lon, lat = moved(lon, lat, wanted, native)
    y, x = sky(part).to_pixel(lat, lon)
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise CasaError("a place on the sky has no pixel: it is outside of the projection")
    return np.array([x, y])


# -- frames of frequencies ----------------------------------------------------------------------------------


def frequency_factor(part: Mapping[str, Any]) -> float:
    """Return what frequencies of a spectral coordinate are multiplied with for the frame wanted."""
    layer = part.get("conversion") or {}
    native, wanted = str(part["system"]), str(layer.get("system") or part["system"])
    if native == wanted:
        return 1.0
    return factor_between(native, wanted, layer["direction"], layer.get("epoch"), layer.get("position"))


def factor_between(start: str, end: str, direction: Any, epoch: Any = None, place: Any = None) -> float:
    """Return the factor between frequencies in two frames, towards a direction measure.

    Raises
    ------
    CasaError
        When date or place are needed and not given, or a frame is not known.
    """
    from astropy import units as u
    from astropy.coordinates import SkyCoord

    from lattice.compat.casa.observatories import from_geodetic, rectangular
    from lattice.compat.casa.sky import moved
    from lattice.coords.spectral_frames import frame_factor
    from lattice.errors import CoordinateError

    lon, lat = (float(np.degrees(in_unit(direction[k], "rad"))) for k in ("m0", "m1"))
    lon, lat = moved(lon, lat, str(direction["refer"]), "ICRS")
    header: list[tuple[str, Any, str]] = []
    if epoch and in_unit(epoch["m0"], "d"):
        header.append(("MJD-OBS", in_unit(epoch["m0"], "d"), ""))
    if place and any(in_unit(place[k], "rad" if k != "m2" else "m") for k in ("m0", "m1", "m2")):
        at = [in_unit(place["m0"], "rad"), in_unit(place["m1"], "rad"), in_unit(place["m2"], "m")]
        xyz = (from_geodetic if str(place["refer"]) == "WGS84" else rectangular)(at[0], at[1], at[2])
        header += [(f"OBSGEO-{k}", v, "") for k, v in zip("XYZ", xyz, strict=True)]
    try:
        where = SkyCoord(lon * u.deg, lat * u.deg, frame="icrs")
        return frame_factor(start, end, where, header)
    except CoordinateError as error:
        raise CasaError(f"frequencies are not converted from {start} to {end}: {error.message}") from error
