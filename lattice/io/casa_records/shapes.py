"""Pieces of coordinates in the form of records."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from lattice.coords.header import WcsCards
from lattice.io.casa_records.frames import STOKES_NUMBERS

__all__ = ["CTYPE", "scaled_matrix", "stokes_record", "tabular_record"]

CTYPE = "FREQ" + "\0" * 5
"""Type of a linear spectral axis, with the zero bytes that casacore writes."""


def scaled_matrix(wcs: WcsCards, axes: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Return steps and matrix of some axes in the form of casacore: rows of length 1, positive diagonal."""
    n = len(axes)
    cdelt = np.ones(n) if wcs.is_cd else np.array([wcs.number("CDELT", k, 1.0) for k in axes])
    pc = np.array([[wcs.pc(i, j) for j in axes] for i in axes], np.float64).reshape(n, n)
    rotated = [k for k in axes if wcs.number("CROTA", k, 0.0)]
    if rotated and not wcs.matrix and n == 2:
        angle = np.radians(wcs.number("CROTA", rotated[-1], 0.0))
        ratio = cdelt[1] / cdelt[0] if cdelt[0] else 1.0
        sine, cosine = np.sin(angle), np.cos(angle)
        pc = np.array([[cosine, -sine * ratio], [sine / ratio if ratio else 0.0, cosine]])
    for i in range(n):
        length = float(np.sqrt((pc[i] ** 2).sum()))
        if length not in (0.0, 1.0) or pc[i, i] < 0:
            length = (length or 1.0) * (-1.0 if pc[i, i] < 0 else 1.0)
            pc[i] /= length
            cdelt[i] *= length
    return cdelt, pc + 0.0


def stokes_record(names: Sequence[str]) -> dict[str, Any] | None:
    """Return a Stokes coordinate; None if its names are not ones that casacore takes, each once."""
    if any(name not in STOKES_NUMBERS for name in names) or len(set(names)) < len(names) or not names:
        return None
    return {
        "axes": ["Stokes"],
        "stokes": list(names),
        "crval": np.array([float(STOKES_NUMBERS[names[0]])]),
        "crpix": np.zeros(1),
        "cdelt": np.ones(1),
        "pc": np.eye(1),
    }


def tabular_record(world: np.ndarray, unit: str, name: str) -> dict[str, Any]:
    """Return a coordinate of one axis whose pixels have given values."""
    n = len(world)
    step = float(world[-1] - world[0]) / (n - 1) if n > 1 else 1.0
    return {
        "crval": np.array(world[:1], np.float64),
        "crpix": np.zeros(1),
        "cdelt": np.array([step]),
        "pc": np.eye(1),
        "axes": [name],
        "units": [unit],
        "pixelvalues": np.arange(n, dtype=np.float64),
        "worldvalues": np.array(world, np.float64),
    }
