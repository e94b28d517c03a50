"""Statistics in the form in which python-casacore gives them."""

from __future__ import annotations

from typing import Any

import numpy as np

from lattice.api import expr
from lattice.compat.casacore.errors import ArgumentError, CasacoreError
from lattice.graph.types import is_complex
from lattice.image import Image

__all__ = ["statistics_of"]

_FIRST = ("npts", "sum", "sumsq", "min", "max", "mean")
_ROBUST = ("median", "medabsdevmed", "quartile")
_LAST = ("sigma", "rms")
_POSITIONS = ("minpos", "maxpos")


def statistics_of(
    image: Image, axes: tuple[int, ...], limits: Any, exclude: bool, robust: bool
) -> dict[str, np.ndarray]:
    """Return statistics over axes, or over all of them; see `image.statistics`."""
    if is_complex(image.dtype):
        raise CasacoreError(
            "there are no statistics of complex images", hint="take abs(), real() or imag() of it"
        )
    keys = (*_FIRST, *(_ROBUST if robust else ()), *_LAST)
    image = _within(image, limits, exclude)
    found = _whole(image, keys) if len(axes) in (0, image.ndim) else _over(image, keys, axes)
    if not found["npts"].any():
        return {key: np.zeros(0) for key in keys}
    return found


def _within(image: Image, limits: Any, exclude: bool) -> Image:
    """Return the image of which only values between limits count, or only the others."""
    try:
        given = np.atleast_1d(np.asarray(limits, np.float64))
    except (TypeError, ValueError):
        raise ArgumentError(f"minmaxvalues: {limits!r} are no numbers") from None
    if given.ndim != 1 or len(given) > 2:
        raise CasacoreError(f"minmaxvalues: {limits!r} is neither one number nor two")
    if not len(given):
        return image
    low, high = sorted(float(v) for v in given) if len(given) == 2 else (-abs(given[0]), abs(given[0]))
    inside = (image >= low) & (image <= high)
    return image[~inside] if exclude else image[inside]


def _whole(image: Image, keys: tuple[str, ...]) -> dict[str, np.ndarray]:
    found = image.statistics((*keys, *_POSITIONS))
    out = {key: np.array([float(found[key])]) for key in keys}
    for key in _POSITIONS:
        place = found[key]
        if place is not None:
            out[key] = np.array(place[::-1], np.int32)
    return out


def _over(image: Image, keys: tuple[str, ...], axes: tuple[int, ...]) -> dict[str, np.ndarray]:
    dims = [image.dims[a] for a in axes]
    found = expr("double($1)", image).statistics(keys, dims=dims).compute()
    return {key: np.asarray(found[key].filled(0.0), np.float64) for key in keys}
