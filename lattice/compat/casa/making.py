"""Coordinate records of coordinates that are made of nothing but their kinds."""

from __future__ import annotations

from typing import Any

import numpy as np

from lattice.compat.casa.errors import CasaError
from lattice.compat.casacore.images.defaults import default_coordinates

__all__ = ["image_record", "joined_record", "new_record", "part_of_record", "test_image"]


def image_record(shape: Any, linear: bool) -> dict[str, Any]:
    """Return the default coordinates of an image of a shape, fastest axis first."""
    model = default_coordinates(list(shape)[::-1])
    if not linear:
        return model
    observed = {key: model[key] for key in ("telescope", "telescopeposition")}
    record = new_record(False, False, (), len(shape), False) | observed
    part = record["linear0"]
    part["crpix"] = np.array([float(n // 2) for n in shape])
    part["axes"] = [f"linear{k + 1}" for k in range(len(shape))]
    return record


def new_record(direction: bool, spectral: bool, stokes: Any, linear: int, tabular: bool) -> dict[str, Any]:
    """Return coordinates of the kinds wanted, reference pixels at 0.

    Examples
    --------
    >>> sorted(k for k in new_record(True, False, "I Q", 0, False) if k[-1] in "01" and "map" not in k)
    ['direction0', 'pixelreplace0', 'pixelreplace1', 'stokes1', 'worldreplace0', 'worldreplace1']
    """
    names = stokes.split() if isinstance(stokes, str) else [str(s) for s in stokes]
    if linear < 0:
        raise CasaError("the number of linear axes is not negative")
    model = default_coordinates([1, 1, 1, 1])
    kept = ("telescope", "observer", "obsdate", "pointingcenter", "telescopeposition")
    record: dict[str, Any] = {key: model[key] for key in kept} | {"telescope": "EVLA"}
    record.pop("telescopeposition")
    parts: list[tuple[str, dict[str, Any], int]] = []
    if direction:
        parts.append(("direction", model["direction0"] | {"crpix": np.zeros(2)}, 2))
    if names:
        parts.append(("stokes", model["stokes1"] | {"stokes": names}, 1))
    if spectral:
        wcs = model["spectral2"]["wcs"] | {"crpix": 0.0}
        parts.append(("spectral", model["spectral2"] | {"wcs": wcs}, 1))
    if linear:
        parts.append(("linear", _linear(linear), linear))
    if tabular:
        parts.append(("tabular", _tabular(), 1))
    axis = 0
    for number, (kind, part, n) in enumerate(parts):
        axes = np.arange(axis, axis + n, dtype=np.int32)
        record |= {
            f"{kind}{number}": part,
            f"worldmap{number}": axes,
            f"worldreplace{number}": np.zeros(n),
            f"pixelmap{number}": axes.copy(),
            f"pixelreplace{number}": np.zeros(n),
        }
        axis += n
    return record


def _linear(n: int) -> dict[str, Any]:
    return {
        "crval": np.zeros(n),
        "crpix": np.zeros(n),
        "cdelt": np.ones(n),
        "pc": np.eye(n),
        "axes": [f"LinAxis{k}" for k in range(n)],
        "units": ["km"] * n,
    }


def _tabular() -> dict[str, Any]:
    return {
        "crval": np.zeros(1),
        "crpix": np.zeros(1),
        "cdelt": np.ones(1),
        "pc": np.eye(1),
        "axes": ["TabAxis1"],
        "units": ["km"],
        "pixelvalues": np.zeros(0),
        "worldvalues": np.zeros(0),
    }


def part_of_record(system: Any, axes: Any) -> dict[str, Any]:
    """Return the record of the coordinates to which some world axes belong; axes are numbered anew."""
    numbers = sorted({system.axes[a].number for a in axes}, key=lambda n: min(_of(system, n)))
    gone = ("worldmap", "worldreplace", "pixelmap", "pixelreplace")
    record = {
        key: value
        for key, value in system.record.items()
        if key.rstrip("0123456789") not in (*gone, *system.parts.values())
    }
    axis = 0
    for new, number in enumerate(numbers):
        n = len(system.record[f"worldmap{number}"])
        places = np.arange(axis, axis + n, dtype=np.int32)
        record[f"{system.parts[number]}{new}"] = system.part(number)
        record |= {f"worldmap{new}": places, f"pixelmap{new}": places.copy()}
        for field in ("worldreplace", "pixelreplace"):
            record[f"{field}{new}"] = system.record[f"{field}{number}"]
        axis += n
    return record


def _of(system: Any, number: int) -> list[int]:
    return [k for k, a in enumerate(system.axes) if a.number == number]


def joined_record(first: Any, more: Any) -> dict[str, Any]:
    """Return a record with the coordinates of another one behind its own."""
    from lattice.compat.casa.systems import System

    own, other = System(first), System(more)
    record, axis, number = own.record, len(own.axes), max(own.parts, default=-1) + 1
    for old, kind in sorted(other.parts.items()):
        n = len(other.record[f"worldmap{old}"])
        places = np.arange(axis, axis + n, dtype=np.int32)
        record |= {
            f"{kind}{number}": other.part(old),
            f"worldmap{number}": places,
            f"pixelmap{number}": places.copy(),
            f"worldreplace{number}": other.record[f"worldreplace{old}"],
            f"pixelreplace{number}": other.record[f"pixelreplace{old}"],
        }
        axis, number = axis + n, number + 1
    return record


def test_image() -> Any:
    """Return a small image of the sky with two sources and noise, the same at every call."""
    from lattice.image import Image

    ny, nx = 76, 113
    y, x = np.mgrid[:ny, :nx]
    values = np.zeros((ny, nx))
    for peak, x0, y0, width in ((10.0, 38.0, 30.0, 4.0), (5.0, 80.0, 50.0, 7.0)):
        values += peak * np.exp(-4 * np.log(2) * ((x - x0) ** 2 + (y - y0) ** 2) / width**2)
    cards = {
        "CTYPE1": "RA---SIN", "CRVAL1": 0.0, "CDELT1": -2e-3, "CRPIX1": 56.0, "CUNIT1": "deg",
        "CTYPE2": "DEC--SIN", "CRVAL2": 40.0, "CDELT2": 2e-3, "CRPIX2": 38.0, "CUNIT2": "deg",
        "RADESYS": "FK5", "EQUINOX": 2000.0,
    }  # fmt: skip
    image = Image(values.astype(np.float32), wcs=cards, unit="Jy/beam", beam=(8e-3, 8e-3, 0.0))
    return image.add_noise("normal", (0.0, 0.01), seed=1)
