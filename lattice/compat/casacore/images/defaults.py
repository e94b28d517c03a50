"""The coordinates that casacore gives to a new image of which it knows nothing but the shape.

They describe no observation: a field around right ascension and declination 0, channels near the hydrogen
line, and an observer and a telescope that nobody used. Scripts that were written for casacore find them in
their images.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

__all__ = ["default_coordinates"]

_STOKES = ("I", "Q", "U", "V")
_HYDROGEN = 1420405751.7860003  # Hz


def default_coordinates(shape: Sequence[int]) -> dict[str, Any]:
    """Return the coordinates record of a new image.

    Parameters
    ----------
    shape : sequence of int
        Its shape, slowest axis first.

    Returns
    -------
    dict
        A spectral axis for one axis; else a pair on the sky, then one of Stokes (where the third or fourth
        axis, from the fastest, is no longer than 4) and a spectral one, then linear axes.
    """
    lengths = list(shape)[::-1]
    record = _observation()
    parts: list[tuple[str, dict[str, Any], list[float]]] = []
    if len(lengths) == 1:
        parts.append(("spectral", _spectral(lengths[0]), [1.415e9]))
        lengths = []
    elif lengths:
        parts.append(("direction", _direction(lengths[0], lengths[1]), [0.0, 0.0]))
        lengths = lengths[2:]
    kinds = _kinds(lengths)
    for k, n in enumerate(lengths):
        kind = kinds[k]
        if kind == "stokes":
            parts.append((kind, _stokes(n), [1.0]))
        elif kind == "spectral":
            parts.append((kind, _spectral(n), [1.415e9]))
    if "linear" in kinds:
        rest = lengths[kinds.index("linear") :]
        parts.append(("linear", _linear(rest), [-float((n + 1) // 2) for n in rest]))
    axis = 0
    for number, (kind, part, world) in enumerate(parts):
        numbers = np.arange(axis, axis + len(world), dtype=np.int32)
        record |= {
            f"{kind}{number}": part,
            f"worldmap{number}": numbers,
            f"worldreplace{number}": np.array(world),
            f"pixelmap{number}": numbers.copy(),
            f"pixelreplace{number}": np.zeros(len(world)),
        }
        axis += len(world)
    return record


def _kinds(lengths: Sequence[int]) -> list[str]:
    """Return what axes behind the sky are: one of Stokes and one spectral at most, among the first two."""
    if not lengths:
        return []
    first = "stokes" if lengths[0] <= len(_STOKES) else "spectral"
    out = [first]
    if len(lengths) > 1:
        fits = first == "stokes" or lengths[1] <= len(_STOKES)
        second = "spectral" if first == "stokes" else "stokes"
        out.append(second if fits else "linear")
    return out + ["linear"] * (len(lengths) - len(out))


def _quantity(value: float, unit: str) -> dict[str, Any]:
    return {"value": value, "unit": unit}


def _measure(kind: str, frame: str, **parts: dict[str, Any]) -> dict[str, Any]:
    return {"type": kind, "refer": frame, **parts}


def _observation() -> dict[str, Any]:
    return {
        "telescope": "ALMA",
        "observer": "Karl Jansky",
        "obsdate": _measure("epoch", "UTC", m0=_quantity(51544.00000000116, "d")),
        "pointingcenter": {"value": np.zeros(2), "initial": True},
        "telescopeposition": _measure(
            "position",
            "ITRF",
            m2=_quantity(6379946.01326443, "m"),
            m1=_quantity(-0.3994149869262738, "rad"),
            m0=_quantity(-1.1825465955049892, "rad"),
        ),
    }


def _direction(nx: int, ny: int) -> dict[str, Any]:
    return {
        "system": "J2000",
        "projection": "SIN",
        "projection_parameters": np.zeros(2),
        "crval": np.zeros(2),
        "crpix": np.array([float(nx // 2), float(ny // 2)]),
        "cdelt": np.array([-1.0, 1.0]),
        "pc": np.eye(2),
        "axes": ["Right Ascension", "Declination"],
        "units": ["'", "'"],
        "conversionSystem": "J2000",
        "longpole": 180.0,
        "latpole": 0.0,
    }


def _stokes(n: int) -> dict[str, Any]:
    return {
        "axes": ["Stokes"],
        "stokes": list(_STOKES[:n]),
        "crval": np.ones(1),
        "crpix": np.zeros(1),
        "cdelt": np.ones(1),
        "pc": np.eye(1),
    }


def _spectral(n: int) -> dict[str, Any]:
    return {
        "version": 2,
        "system": "LSRK",
        "restfreq": _HYDROGEN,
        "restfreqs": np.array([_HYDROGEN]),
        "velType": 0,
        "nativeType": 0,
        "velUnit": "km/s",
        "waveUnit": "mm",
        "formatUnit": "",
        "wcs": {
            "crval": 1.415e9,
            "crpix": float(n // 2),
            "cdelt": 1000.0,
            "pc": 1.0,
            "ctype": "FREQ" + "\0" * 5,
        },
        "unit": "Hz",
        "name": "Frequency",
        "conversion": {
            "direction": _measure(
                "direction", "J2000", m1=_quantity(np.pi / 2, "rad"), m0=_quantity(0.0, "rad")
            ),
            "position": _measure(
                "position", "ITRF", m2=_quantity(0.0, "m"), m1=_quantity(0.0, "rad"), m0=_quantity(0.0, "rad")
            ),
            "epoch": _measure("epoch", "LAST", m0=_quantity(0.0, "d")),
            "system": "LSRK",
        },
    }


def _linear(lengths: Sequence[int]) -> dict[str, Any]:
    n = len(lengths)
    return {
        "crval": np.zeros(n),
        "crpix": np.array([float(length // 2) for length in lengths]),
        "cdelt": np.ones(n),
        "pc": np.eye(n),
        "axes": [f"linear{k + 1}" for k in range(n)],
        "units": ["km"] * n,
    }
