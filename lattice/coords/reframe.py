"""Other labels for the same pixels: spectral frames, polarizations."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from lattice.coords.extra import with_axis
from lattice.coords.header import WcsCards
from lattice.coords.spectral_frames import doppler, fits_name
from lattice.coords.system import CoordinateSystem
from lattice.coords.world import STOKES
from lattice.errors import CoordinateError, LatticeTypeError

__all__ = ["in_frame", "with_stokes"]

_C = 299792458.0


def in_frame(coords: CoordinateSystem, frame: str) -> CoordinateSystem:
    """Return the coordinates with the spectral axis labelled in another rest frame; no pixel moves.

    Parameters
    ----------
    coords : CoordinateSystem
        The coordinates: with frequencies or radio velocities, and a direction.
    frame : str
        As in SPECSYS, or as CASA names them (LSRK, BARY, TOPO, ...).
    """
    if not isinstance(frame, str):
        raise LatticeTypeError(f"{frame!r} is no name of a frame", hint="such as LSRK or BARY")
    axis = coords.axis_of("spectral")
    if axis is None:
        raise CoordinateError("the image has no spectral axis")
    if not coords.spectral_frame:
        raise CoordinateError(
            "the spectral frame of the image is not known", hint="its header has no SPECSYS"
        )
    factor = 1 / doppler(coords, frame)
    if coords.table:
        header = _framed(coords, frame)
        return replace(coords, header=header, table=tuple(f * factor for f in coords.table), _hash=None)
    number = coords.axes[axis].fits_axis
    variable = WcsCards.parse(coords.header).ctype(number)
    if variable not in ("FREQ", "VRAD"):
        raise CoordinateError(
            f"labels of {variable or 'an axis without CTYPE'} do not stay linear in another frame",
            hint="label it by frequency first: with_velocity('frequency')",
        )
    steps = {f"CDELT{number}", *(f"CD{number}_{k}" for k in range(1, 100))}
    new = []
    for key, value, comment in _framed(coords, frame):
        if key in steps:
            new.append((key, float(value) * factor, comment))
        elif key == f"CRVAL{number}":
            # v = c (1 - f/f0): what scales frequencies scales c - v
            shift = 0.0
            if variable == "VRAD":
                shift = _C * (1 - factor) / _per_second(coords.axes[axis].unit)
            new.append((key, float(value) * factor + shift, comment))
        else:
            new.append((key, value, comment))
    return replace(coords, header=tuple(new), _hash=None)


def _framed(coords: CoordinateSystem, frame: str) -> tuple[Any, ...]:
    kept = [c for c in coords.header if c[0] not in ("SPECSYS", "VELREF")]
    return (*kept, ("SPECSYS", fits_name(frame), ""))


def _per_second(unit: str) -> float:
    from astropy.units import Unit

    return float(Unit(unit or "m/s").to("m/s"))


def with_stokes(coords: CoordinateSystem | None, axis: int, name: str) -> CoordinateSystem | None:
    """Return coordinates whose Stokes axis has one pixel, of another kind.

    Parameters
    ----------
    coords : CoordinateSystem or None
        The coordinates.
    axis : int
        Numpy number of the Stokes axis.
    name : str
        A Stokes parameter or product: "I", "Ptotal", "Plinear", "Pangle", ...
    """
    if coords is None:
        return None
    codes = {known: code for code, known in reversed(STOKES.items())}  # the standard ones win
    if name not in codes:
        raise CoordinateError(f"{name!r} is no Stokes parameter", hint=", ".join(codes))
    items: list[Any] = [slice(None)] * len(coords.axes)
    items[axis] = 0
    dim = coords.axes[axis].name
    made: CoordinateSystem = with_axis(coords.subset(items), "stokes", dim, axis)
    number = made.axes[axis].fits_axis
    header = tuple(
        (key, float(codes[name]) if key == f"CRVAL{number}" else value, comment)
        for key, value, comment in made.header
    )
    return replace(made, header=header, _hash=None)
