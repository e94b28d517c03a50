"""Coordinates of axes that are added to an image."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from lattice.coords.header import WcsCards
from lattice.coords.system import Axis, CoordinateSystem
from lattice.errors import CoordinateError

__all__ = ["with_axis"]

STOKES = {name: i for i, name in enumerate("IQUV", 1)} | {
    name: -i for i, name in enumerate(("RR", "LL", "RL", "LR", "XX", "YY", "XY", "YX"), 1)
}
"""FITS numbers of polarizations."""


def with_axis(coords: CoordinateSystem | None, kind: str, name: str, at: int, value: Any = None) -> Any:
    """Return coordinates with an axis of length 1 more.

    Parameters
    ----------
    coords : CoordinateSystem or None
        The coordinates; None where nothing is known, which stays so.
    kind : {"stokes", "spectral", "linear", "none"}
        What the new axis is.
    name : str
        Its name.
    at : int
        Its place among the axes.
    value : float or str, optional
        Coordinate of its pixel: a frequency in Hz (default 1.415 GHz), the name of a Stokes parameter
        (default I), or a number (default 0).
    """
    if coords is None:
        return None
    if kind in ("stokes", "spectral") and kind in coords.kinds:
        raise CoordinateError(
            f"the image has a {kind} axis already: {coords.axes[coords.kinds.index(kind)].name}"
        )
    numbers = [a.fits_axis for a in coords.axes] + [n for n, _ in coords.dropped]
    number = max([*numbers, WcsCards.parse(coords.header).axes], default=0) + 1
    new: dict[str, Any] = {}
    if kind == "stokes":
        word = "I" if value is None else str(value).upper()
        if word not in STOKES:
            raise CoordinateError(f"{value!r} is no Stokes parameter", hint=", ".join(STOKES))
        new = {"CTYPE": "STOKES", "CRVAL": float(STOKES[word]), "CDELT": 1.0}
    elif kind == "spectral":
        new = {
            "CTYPE": "FREQ",
            "CRVAL": 1.415e9 if value is None else float(value),
            "CDELT": 1e3,
            "CUNIT": "Hz",
        }
    elif kind == "linear":
        new = {"CTYPE": name.upper(), "CRVAL": 0.0 if value is None else float(value), "CDELT": 1.0}
    elif kind != "none":
        raise CoordinateError(
            f"an axis of the kind {kind!r} cannot be added alone", hint="stokes, spectral or linear"
        )
    cards = [(f"{key}{number}", v, "") for key, v in new.items()]
    if new:
        cards.append((f"CRPIX{number}", 1.0, ""))
    axis = Axis(name, kind, new.get("CUNIT", ""), number)
    axes = (*coords.axes[:at], axis, *coords.axes[at:])
    return replace(coords, axes=axes, header=(*coords.header, *cards), _hash=None)
