"""Coordinate systems from other packages: an astropy WCS, a slice of one, and APE-14 objects such as gwcs."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from lattice.coords.header import Card
from lattice.coords.system import CoordinateSystem
from lattice.errors import CoordinateError, CoordinateMismatchError

__all__ = ["adopt", "cards_of_wcs", "is_wcs"]


def is_wcs(value: Any) -> bool:
    """Return True for an astropy WCS and for any object of the common (APE-14) interface."""
    return hasattr(value, "low_level_wcs") or hasattr(value, "pixel_n_dim")


def adopt(wcs: Any, shape: Sequence[int]) -> CoordinateSystem:
    """Return coordinates from an astropy WCS or an object of the APE-14 interface.

    Parameters
    ----------
    wcs : astropy.wcs.WCS, a sliced or wrapped one, or an object that can make FITS cards of itself (gwcs)
        The coordinates.
    shape : sequence of int
        Shape of the image, numpy order.

    Raises
    ------
    CoordinateError
        If no FITS header describes the coordinates.
    """
    low = wcs if hasattr(wcs, "wcs") else getattr(wcs, "low_level_wcs", wcs)
    ndim = getattr(low, "pixel_n_dim", None)
    if ndim is not None and ndim != len(shape) and not hasattr(low, "wcs"):
        raise CoordinateMismatchError(f"coordinates of {ndim} axes do not fit an array of {len(shape)} axes")
    if hasattr(low, "_slices_array") and hasattr(low, "_wcs"):
        return _sliced(low, shape)
    if hasattr(low, "wcs") and hasattr(low, "to_header"):
        return CoordinateSystem.from_header(cards_of_wcs(low), shape)
    if hasattr(low, "to_fits_sip"):
        return _from_gwcs(low, shape)
    raise CoordinateError(
        f"the coordinates of a {type(low).__name__} cannot be written as a FITS header",
        hint="give an astropy.wcs.WCS; for a gwcs object see astropy.wcs.utils.fit_wcs_from_points",
    )


def _sliced(low: Any, shape: Sequence[int]) -> CoordinateSystem:
    """Return the coordinates of a slice of a WCS, exactly."""
    inner, slices = low._wcs, list(low._slices_array)
    whole = adopt(inner, [1] * inner.pixel_n_dim)
    items: list[slice | int] = []
    for item in slices:
        if isinstance(item, slice):
            items.append(slice(item.start or 0, None, item.step or 1))
        else:
            items.append(int(item))
    return whole.subset(items)


def _from_gwcs(low: Any, shape: Sequence[int]) -> CoordinateSystem:
    box = getattr(low, "bounding_box", None)
    options: dict[str, Any] = {}
    if box is None:
        options["bounding_box"] = tuple((-0.5, n - 0.5) for n in reversed(shape))
    try:
        header = low.to_fits_sip(**options)
    except Exception as error:  # whatever a model may raise
        reason = str(error).splitlines() or [type(error).__name__]
        raise CoordinateError(f"the coordinates cannot be written as a FITS header: {reason[0]}") from None
    return CoordinateSystem.from_header([tuple(card)[:3] for card in header.cards], shape)


def cards_of_wcs(wcs: Any) -> tuple[Card, ...]:
    """Return the FITS cards of an astropy WCS, its numbers in full precision."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about cards that lattice does not need
        header = wcs.to_header(relax=True)
    exact = _numbers(wcs)
    cards = [(c.keyword, exact.pop(c.keyword, c.value), c.comment) for c in header.cards]
    return tuple(card for card in cards if not isinstance(card[1], float) or np.isfinite(card[1]))


def _numbers(wcs: Any) -> dict[str, float]:
    """Return the numbers of the cards; `to_header` rounds them."""
    own = wcs.wcs
    alt = own.alt.strip()
    found: dict[str, float] = {}
    for name in ("crval", "crpix", "cdelt"):
        for i, value in enumerate(getattr(own, name)):
            found[f"{name.upper()}{i + 1}{alt}"] = float(value)
    matrix = own.pc if own.has_pc() else own.cd if own.has_cd() else None
    # A CD matrix is written as PC with CDELT of 1.
    if matrix is not None:
        for i, j in np.ndindex(*matrix.shape):
            found[f"PC{i + 1}_{j + 1}{alt}"] = float(matrix[i, j])
        if not own.has_pc():
            for i in range(len(matrix)):
                found[f"CDELT{i + 1}{alt}"] = 1.0
    for i, m, value in own.get_pv():
        found[f"PV{i}_{m}{alt}"] = float(value)
    found |= {"RESTFRQ" + alt: float(own.restfrq), "RESTWAV" + alt: float(own.restwav)}
    if wcs.sip is not None:
        for letter in ("a", "b", "ap", "bp"):
            table = getattr(wcs.sip, letter)
            if table is not None:
                for p, q in np.ndindex(*table.shape):
                    found[f"{letter.upper()}_{p}_{q}"] = float(table[p, q])
    return found
