"""How values become colours: stretches, the ends between which they run, and the ticks of colour bars."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from lattice.errors import LatticeRangeError, suggest

__all__ = ["STRETCHES", "curve", "ends", "limits", "norm_of", "ticks_of"]

_Curve = Callable[[Any], Any]

_SOFT = 0.1  # part of the range below which asinh is about linear
_LARGE, _SMALL = (
    1e307,
    1e-300,
)  # colours run over a range of which both ends and the length are ordinary numbers
_DEPTH = 1000.0  # ratio of the brightest value to the darkest that log tells apart

# Each maps 0..1 onto 0..1 and rises everywhere; beside it stands its inverse, for the colour bar.
# They get masked arrays and must return them as such.
_CURVES: dict[str, tuple[_Curve, _Curve]] = {
    "asinh": (
        lambda x: np.arcsinh(x / _SOFT) / np.arcsinh(1 / _SOFT),
        lambda y: _SOFT * np.sinh(y * np.arcsinh(1 / _SOFT)),
    ),
    "linear": (lambda x: x, lambda y: y),
    "log": (
        lambda x: np.log1p(_DEPTH * np.clip(x, 0, None)) / np.log1p(_DEPTH),
        lambda y: np.expm1(y * np.log1p(_DEPTH)) / _DEPTH,
    ),
    "sqrt": (lambda x: np.sqrt(np.clip(x, 0, None)), lambda y: np.square(y)),
}

STRETCHES = tuple(_CURVES)


def limits(values: np.ndarray, percent: float = 99.5) -> tuple[float, float]:
    """Return the values between which the colours run: the central `percent` of the finite values.

    Parameters
    ----------
    values : ndarray
        Good values only; real.
    percent : float, optional
        Between 0 (excluded) and 100; the same number of pixels is cut off on both sides.

    Returns
    -------
    tuple of float
        The lower limit and the upper one, which is always greater.
    """
    if not 0 < percent <= 100:
        raise LatticeRangeError(f"percent: {percent} is not above 0 and at most 100")
    finite = values[np.isfinite(values)].astype(np.float64, copy=False).clip(-_LARGE, _LARGE)
    if finite.size == 0:
        return 0.0, 1.0
    cut = (100 - percent) / 2
    low, high = (float(v) for v in np.percentile(finite, [cut, 100 - cut]))
    if low == high:
        # Nearly all pixels are equal: let the others be seen, if there are any.
        low, high = float(finite.min()), float(finite.max())
    if high - low < _SMALL:
        half = max(abs(low) / 2, _SMALL) if low else 0.5
        low, high = low - half, high + half
    return low, high


def curve(stretch: Any) -> tuple[_Curve, _Curve]:
    """Return a stretch and its inverse; it is an error if there is none of that name."""
    if callable(stretch) and callable(getattr(stretch, "inverse", None)):
        # Those of astropy take no scalars and drop the mask.
        def rise(v: Any) -> Any:
            found = stretch(np.atleast_1d(np.ma.getdata(v)))
            return np.ma.MaskedArray(found.reshape(np.shape(v)), mask=np.ma.getmask(v))

        return rise, lambda c: stretch.inverse(np.atleast_1d(c)).reshape(np.shape(c))
    if not isinstance(stretch, str) or stretch not in _CURVES:
        hint = suggest(str(stretch), STRETCHES) or "the stretches are " + ", ".join(STRETCHES)
        raise LatticeRangeError(f"unknown stretch {stretch!r}", hint=hint)
    return _CURVES[stretch]


def ends(good: np.ndarray, percent: float, interval: Any) -> tuple[float, float]:
    """Return the values between which the colours run."""
    if interval is None:
        return limits(good, percent)
    if isinstance(interval, str):
        if interval not in ("minmax", "zscale"):
            hint = "it is minmax, zscale, a pair of numbers or an astropy interval"
            raise LatticeRangeError(f"unknown interval {interval!r}", hint=hint)
        if interval == "minmax" or not good.size:
            return limits(good, 100)
        from astropy.visualization import ZScaleInterval

        interval = ZScaleInterval()
    try:
        found = interval.get_limits(good) if hasattr(interval, "get_limits") else interval
        low, high = (float(v) for v in found)
    except (TypeError, ValueError, IndexError):
        if hasattr(interval, "get_limits") and not good.size:
            return limits(good, 100)
        raise LatticeRangeError(f"interval: {interval!r} is not a pair of numbers") from None
    if hasattr(interval, "get_limits") and low == high:
        return limits(good, 100)
    if not -_LARGE <= low < high <= _LARGE:
        raise LatticeRangeError(f"interval: {low:g} is not below {high:g}")
    return low, high


def norm_of(stretch: Any, low: float, high: float) -> Any:
    """Return the matplotlib norm of a stretch between two values."""
    from matplotlib.colors import FuncNorm, Normalize

    if isinstance(stretch, str) and stretch == "linear":
        return Normalize(low, high, clip=True)
    rise, fall = curve(stretch)
    size = high - low
    return FuncNorm(
        (lambda v: rise((np.ma.asarray(v) - low) / size), lambda c: fall(c) * size + low),
        vmin=low,
        vmax=high,
        clip=True,
    )


def ticks_of(stretch: Any, low: float, high: float) -> dict[float, str]:
    """Return round values that stand at about equal distances on the colour bar, and how to write them."""
    fall = curve(stretch)[1]
    values = low + (high - low) * np.asarray([fall(c) for c in np.linspace(0, 1, 7)])
    plain = 1e-3 <= max(abs(low), abs(high)) < 1e6
    found = {}
    for value, gap in zip(values, np.gradient(values), strict=True):
        if gap <= 0:  # the values differ in their last bits only
            continue
        place = math.floor(math.log10(gap / 2))
        value = round(value / 10.0**place) * 10.0**place
        if low <= value <= high:
            digits = 0 if value == 0 else math.floor(math.log10(abs(value)) + 1e-9) - place
            found[float(value)] = f"{value:.{max(0, -place)}f}" if plain else f"{value:.{max(0, digits)}e}"
    return found
