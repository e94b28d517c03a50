"""World coordinates in the forms in which CASA hands them around: numbers, quantities, measures, texts."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from lattice.compat.casa.errors import ArgumentError, CasaError
from lattice.compat.casa.quantities import converted, in_unit, quantity, quantity_of, sexagesimal
from lattice.compat.casa.systems import System

__all__ = [
    "doppler_name",
    "doppler_velocity",
    "formatted",
    "frequency_of_velocity",
    "measures_of",
    "number_of",
    "place_text",
    "values_of",
    "world_of",
]

_LIGHT = 299792458.0
_DOPPLERS = {
    "RADIO": lambda f: 1 - f,
    "OPTICAL": lambda f: 1 / f - 1,
    "TRUE": lambda f: (1 - f * f) / (1 + f * f),
    "RATIO": lambda f: f,
    "GAMMA": lambda f: (1 + f * f) / (2 * f),
}
_INVERSE = {
    "RADIO": lambda v: 1 - v,
    "OPTICAL": lambda v: 1 / (1 + v),
    "TRUE": lambda v: np.sqrt((1 - v) / (1 + v)),
    "RATIO": lambda v: v,
    "GAMMA": lambda v: v - np.sqrt(v * v - 1),
}
_SYNONYMS = {"Z": "OPTICAL", "BETA": "TRUE", "RELATIVISTIC": "TRUE"}


def doppler_name(name: str) -> str:
    """Return the name of a doppler convention in capitals, synonyms as one.

    >>> doppler_name("beta"), doppler_name("z")
    ('TRUE', 'OPTICAL')
    """
    word = name.strip().upper()
    word = _SYNONYMS.get(word, word)
    if word not in _DOPPLERS:
        raise CasaError(
            f"there is no doppler {name!r}", hint="radio, optical, z, true, beta, relativistic, ratio, gamma"
        )
    return word


def doppler_velocity(frequency: Any, rest: float, doppler: str) -> Any:
    """Return the velocity in m/s of a frequency.

    >>> round(float(doppler_velocity(1.0e9, 2.0e9, "radio")))
    149896229
    """
    return _LIGHT * _DOPPLERS[doppler_name(doppler)](np.asarray(frequency) / rest)


def frequency_of_velocity(velocity: Any, rest: float, doppler: str) -> Any:
    """Return the frequency of a velocity in m/s."""
    return rest * _INVERSE[doppler_name(doppler)](np.asarray(velocity) / _LIGHT)


def measures_of(system: System, world: np.ndarray, dovelocity: bool = True) -> dict[str, Any]:
    """Return the measures that world coordinates are."""
    out: dict[str, Any] = {}
    units = system.units
    for number, kind in sorted(system.parts.items()):
        axes = [k for k, a in enumerate(system.axes) if a.number == number]
        if not axes:
            continue
        part = system.part(number)
        if kind == "direction" and len(axes) == 2:
            lon, lat = (float(converted(world[k], units[k], "rad")) for k in axes)
            lon = lon - 2 * math.pi if lon > math.pi else lon
            frame = str(part.get("conversionSystem") or part["system"])
            out["direction"] = {
                "type": "direction",
                "refer": frame,
                "m0": quantity(lon, "rad"),
                "m1": quantity(lat, "rad"),
            }
        elif kind == "spectral":
            out["spectral"] = _spectral(system, part, float(world[axes[0]]), units[axes[0]], dovelocity)
        elif kind == "stokes":
            out["stokes"] = system.stokes_name(float(world[axes[0]]))
        elif kind in ("linear", "tabular"):
            values = {f"*{i + 1}": quantity(float(world[k]), units[k]) for i, k in enumerate(axes)}
            out[kind] = values
    return out


def _spectral(
    system: System, part: Mapping[str, Any], value: float, unit: str, dovelocity: bool
) -> dict[str, Any]:
    frame = str(part.get("conversion", {}).get("system") or part["system"])
    hertz = float(converted(value, unit, "Hz"))
    out: dict[str, Any] = {
        "frequency": {"type": "frequency", "refer": frame, "m0": quantity(hertz, "Hz")},
    }
    rest = system.rest_frequency
    if dovelocity and rest > 0:
        for key, doppler in (("radio", "RADIO"), ("optical", "OPTICAL"), ("beta", "TRUE")):
            velocity = float(doppler_velocity(hertz, rest, doppler))
            out[f"{key}velocity"] = {"type": "doppler", "refer": doppler, "m0": quantity(velocity, "m/s")}
    return out


def _texts(system: System, world: np.ndarray, digits: int | None = None) -> list[str]:
    out, units = [], system.units
    for k, axis in enumerate(system.axes):
        value = float(world[k])
        if axis.kind == "direction":
            radians = float(converted(value, units[k], "rad"))
            if system.equatorial:
                out.append(sexagesimal(radians, axis.inside == 0, 8 if digits is None else digits))
            else:
                degrees = math.degrees(radians) % 360 if axis.inside == 0 else math.degrees(radians)
                out.append(f"{degrees:.{8 if digits is None else digits}f} deg")
        elif axis.kind == "stokes":
            out.append(system.stokes_name(value))
        elif digits is None:
            out.append(f"{value:.8e} {units[k]}")
        else:
            out.append(f"{value:g}{units[k]}")
    return out


def place_text(system: System, pixel: Any) -> str:
    """Return the world coordinates of a pixel as one text for people."""
    return ", ".join(_texts(system, system.to_world(pixel), 3))


def formatted(system: System, world: np.ndarray, form: str, dovelocity: bool = True) -> dict[str, Any]:
    """Return world coordinates in the forms of a text of letters: n, q, m and s.

    Raises
    ------
    CasaError
        For another letter.
    """
    if not form or set(form) - set("nqms"):
        raise CasaError(f"the format {form!r} is not known", hint="letters n, q, m, s for numbers to texts")
    out: dict[str, Any] = {}
    if "n" in form:
        out["numeric"] = np.array(world, np.float64)
    if "q" in form:
        units = system.units
        out["quantity"] = {f"*{k + 1}": quantity(float(v), units[k]) for k, v in enumerate(world)}
    if "m" in form:
        out["measure"] = measures_of(system, world, dovelocity)
    if "s" in form:
        out["string"] = np.array(_texts(system, world))
    return out


def values_of(value: Any) -> list[Any]:
    """Return the values of world coordinates that are given in any form but as measures."""
    if isinstance(value, Mapping):
        for key in ("numeric", "quantity", "string"):
            if key in value:
                return values_of(value[key])
        if "*1" in value:
            return [value[f"*{k + 1}"] for k in range(sum(1 for key in value if str(key).startswith("*")))]
        if "value" in value and "unit" in value:
            return [quantity(float(v), str(value["unit"])) for v in np.atleast_1d(value["value"])]
        raise ArgumentError(
            "no world coordinates: give numbers, texts, or a record with numeric, quantity, string or measure"
        )
    if isinstance(value, str):
        return value.split()
    return list(value) if isinstance(value, list | tuple | np.ndarray) and np.ndim(value) else [value]


def world_of(system: System, value: Any) -> np.ndarray:
    """Return world coordinates, in the units of the record, from any of the forms.

    Missing axes take the reference value.
    """
    world = system.crval
    if isinstance(value, Mapping) and not value:
        return world
    if isinstance(value, Mapping):
        if "measure" in value:
            return _of_measures(system, value["measure"], world)
        if not {"numeric", "quantity", "string", "*1", "value"} & set(value):
            return _of_measures(system, value, world)
    given = values_of(value)
    if len(given) > len(world):
        raise CasaError(f"{len(given)} values for {len(world)} world axes")
    units = system.units
    for k, one in enumerate(given):
        world[k] = number_of(system, k, one, units[k])
    return world


def number_of(system: System, axis: int, value: Any, unit: str) -> float:
    """Return a world coordinate of an axis in a unit; Stokes parameters are named or numbered."""
    if isinstance(value, str) and system.axes[axis].kind == "stokes":
        from lattice.io.casa_records.frames import STOKES_NUMBERS

        if value in STOKES_NUMBERS:
            return float(STOKES_NUMBERS[value])
        raise CasaError(f"{value!r} is no Stokes parameter", hint=", ".join(system.stokes))
    number, own = quantity_of(value, unit)
    return float(converted(number, own or unit, unit))


def _of_measures(system: System, measures: Mapping[str, Any], world: np.ndarray) -> np.ndarray:
    units = system.units
    found: dict[int, float] = {}
    if "direction" in measures and len(axes := system.world_axes("direction")) == 2:
        from lattice.compat.casa.sky import moved

        measure, number = measures["direction"], system.number_of("direction")
        part = system.part(number)  # type: ignore[arg-type]
        lon, lat = (math.degrees(in_unit(measure[key], "rad")) for key in ("m0", "m1"))
        wanted = str(part.get("conversionSystem") or part["system"])
        lon, lat = moved(lon, lat, str(measure.get("refer", wanted)), wanted)
        found |= {k: float(converted(v, "deg", units[k])) for k, v in zip(axes, (lon, lat), strict=True)}
    if "spectral" in measures and (axes := system.world_axes("spectral")):
        spectral = measures["spectral"].get("frequency", measures["spectral"])
        found[axes[0]] = in_unit(spectral["m0"], units[axes[0]])
    if "stokes" in measures and (axes := system.world_axes("stokes")):
        found[axes[0]] = number_of(system, axes[0], str(measures["stokes"]), "")
    for kind in ("linear", "tabular"):
        if kind in measures:
            given = zip(system.world_axes(kind), values_of(measures[kind]), strict=False)
            found |= {k: number_of(system, k, v, units[k]) for k, v in given}
    if not found:
        raise ArgumentError(
            "no world coordinates: give numbers, texts, or a record with numeric, quantity, string or measure"
        )
    for k, value in found.items():
        world[k] = value
    return world
