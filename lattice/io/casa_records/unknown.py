"""How axes of which nothing is known stand in a record: casacore has no image without coordinates."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from lattice.errors import FormatError
from lattice.io.casa_records.fields import matrix, texts, vector
from lattice.io.casa_records.layout import Place

__all__ = ["own_names", "unknown_axes"]

_NUMBERED = re.compile(r"(linear[0-9]+)?\Z")


def unknown_axes(numbers: list[int], names: list[str]) -> dict[str, Any]:
    """Return a linear coordinate whose values are the numbers of the pixels, from 1 as FITS counts them.

    Parameters
    ----------
    numbers : list of int
        FITS axes.
    names : list of str
        Their names; empty for an axis that has none.
    """
    n = len(numbers)
    return {
        "crval": np.ones(n),
        "crpix": np.zeros(n),
        "cdelt": np.ones(n),
        "pc": np.eye(n),
        "axes": [name or f"linear{k}" for k, name in zip(numbers, names, strict=True)],
        "units": [""] * n,
    }


def own_names(place: Place) -> list[str] | None:
    """Return the names of axes of which nothing else is known, empty where they have none.

    None if more is known. Such a coordinate has no units and counts pixels from 1, as here or as casacore has
    it for a FITS file without coordinates.
    """
    if place.kind != "linear" or any(cut is not None for cut in place.cuts):
        return None
    n, where = len(place.numbers), place.name + "."
    try:
        names = ["" if _NUMBERED.match(name) else name for name in texts(place.record, "axes", n, where)]
        units = texts(place.record, "units", n, where)
        crval, crpix, cdelt = (vector(place.record, key, n, where) for key in ("crval", "crpix", "cdelt"))
        pc = matrix(place.record, "pc", n, where)
    except FormatError:
        return None
    counted = np.array_equal(crval - crpix, np.ones(n)) and np.array_equal(cdelt, np.ones(n))
    counted = counted and bool(np.isin(crval, (0.0, 1.0)).all()) and np.array_equal(pc, np.eye(n))
    named = all(not name or name.isidentifier() for name in names)
    return names if counted and named and not any(units) else None
