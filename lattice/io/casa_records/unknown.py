"""How axes of which nothing is known stand in a record: casacore has no image without coordinates."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from lattice.errors import FormatError
from lattice.io.casa_records.fields import matrix, texts, vector
from lattice.io.casa_records.layout import Place

__all__ = ["is_unknown", "unknown_axes"]

_NAME = re.compile(r"(linear[0-9]+)?\Z")


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


def is_unknown(place: Place) -> bool:
    """Tell whether a coordinate counts pixels from 1 along axes without names, as here or as in casacore."""
    if place.kind != "linear" or any(cut is not None for cut in place.cuts):
        return False
    n, where = len(place.numbers), place.name + "."
    try:
        plain = all(_NAME.match(name) for name in texts(place.record, "axes", n, where))
        plain = plain and not any(texts(place.record, "units", n, where))
        values = [vector(place.record, key, n, where) for key in ("crval", "crpix", "cdelt")]
        pc = matrix(place.record, "pc", n, where)
    except FormatError:
        return False
    crval, crpix, cdelt = values
    same = np.array_equal(crval - crpix, np.ones(n)) and np.array_equal(cdelt, np.ones(n))
    same = same and bool(np.isin(crval, (0.0, 1.0)).all())
    return plain and same and np.array_equal(pc, np.eye(n))
