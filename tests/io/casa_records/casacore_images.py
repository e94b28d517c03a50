"""Images that casacore makes from records, for comparisons of coordinates."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.io.casa_records.systems import UNITS, Shape

HERTZ = {"Hz": 1.0, "kHz": 1e3, "MHz": 1e6, "GHz": 1e9}
KINDS = ("direction", "spectral", "stokes", "linear", "tabular", "quality")


def made(path: Path, record: Mapping[str, Any], shape: Shape) -> Any:
    """Return a new image of casacore with coordinates from a record, opened from disk."""
    images = pytest.importorskip("casacore.images")
    from casacore.images.coordinates import coordinatesystem

    try:
        image = images.image(str(path), shape=shape, coordsys=coordinatesystem(dict(record)))
    except RuntimeError as error:
        if str(error):
            raise
        # It reads images one of whose two sky axes is removed, and cannot make them.
        from casacore.tables import table

        image = images.image(str(path), shape=shape, overwrite=True)
        del image
        with table(str(path), readonly=False, ack=False) as rows:
            rows.putkeyword("coords", dict(record))
    else:
        del image
    return images.image(str(path))


def axes_of(record: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any], int, int, int]]:
    """Return kind, record, number within it, pixel axis and world axis (casacore's order) of each axis."""
    out = []
    i = 0
    while any(f"{kind}{i}" in record for kind in KINDS):
        kind = next(k for k in KINDS if f"{k}{i}" in record)
        for j, (w, p) in enumerate(zip(record[f"worldmap{i}"], record[f"pixelmap{i}"], strict=True)):
            if w >= 0 and p >= 0:
                out.append((kind, record[f"{kind}{i}"], j, int(p), int(w)))
        i += 1
    return out


def world_in_pixels(
    record: Mapping[str, Any], coords: Any, shape: Shape, pixel: np.ndarray, world: np.ndarray
) -> dict[str, float]:
    """Return by how many pixels positions of ours differ from world values of casacore, by kind of axis."""
    from lattice.io.casa_records.frames import STOKES_NUMBERS

    n = len(shape)
    ours = [float(v) for v in coords.to_world(*pixel)]
    out: dict[str, float] = {}
    for kind, own, j, p, w in axes_of(record):
        axis = n - 1 - p
        theirs, mine = float(world[len(world) - 1 - w]), ours[axis]
        if kind == "direction":
            factor = UNITS[own["units"][j]]
            apart = theirs / factor - mine
            if j == 0:
                apart = ((apart + 180) % 360 - 180) * np.cos(np.radians(ours_latitude(coords, ours)))
            off = abs(apart) / abs(own["cdelt"][j] / factor)
        elif kind == "spectral":
            factor = HERTZ[own["unit"]]
            step = abs(own["wcs"]["cdelt"] * factor if "wcs" in own else own["tabular"]["cdelt"][0])
            step = step or abs(theirs * factor) * 1e-6
            off = abs(theirs * factor - float(coords.frequencies_at(pixel[axis]))) / step
        elif kind == "stokes":
            off = abs(theirs - STOKES_NUMBERS[coords.stokes(shape[axis])[int(pixel[axis])]])
        else:
            off = abs(theirs - mine) / abs(own["cdelt"][j])
        out[f"{kind} {j}"] = off
    return out


def ours_latitude(coords: Any, ours: list[float]) -> float:
    """Return the latitude among world values of ours, 0 if its axis is gone."""
    return ours[coords.kinds.index("latitude")] if "latitude" in coords.kinds else 0.0
