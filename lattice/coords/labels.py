"""Labels of the pixels along single axes, by arithmetic on header cards alone."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lattice.coords.header import WcsCards, celestial_part
from lattice.coords.names import SPECTRAL_LABELS, sky_labels
from lattice.coords.spectral import to_hertz
from lattice.coords.system import Axis, CoordinateSystem, axis_kind, default_dims
from lattice.coords.world import lookup

__all__ = ["Label", "axis_labels", "cut_labels", "sky_part"]

CONVENTION = {"VRAD": "radio", "VOPT": "optical", "VELO": "relativistic"}


@dataclass(frozen=True)
class Label:
    """One coordinate along one axis.

    Attributes
    ----------
    name : str
        Its name.
    axis : int
        Axis number, numpy order; -1 for an axis that was cut away.
    values : ndarray
        One per pixel: numbers, or names of Stokes parameters; of a cut axis a single one, without axes.
    attrs : dict
        Unit and what else tells what the values mean.
    """

    name: str
    axis: int
    values: np.ndarray
    attrs: dict[str, Any]


def axis_labels(coords: CoordinateSystem, shape: tuple[int, ...]) -> list[Label]:
    """Return the labels of all axes that have some, apart from the sky."""
    out: list[Label] = []
    wcs = WcsCards.parse(coords.header)
    coupled = {i for group in wcs.coupled() if len(group) > 1 for i in group}
    for i, (axis, length) in enumerate(zip(coords.axes, shape, strict=True)):
        if axis.kind == "spectral" and i == coords.axis_of("spectral"):
            out += _spectral(coords, wcs, i, length)
        elif axis.kind in ("stokes", "time", "linear", "tabular") and axis.fits_axis not in coupled:
            table = coords._table(axis)
            if not table and (
                axis.kind == "tabular" or not (wcs.ctype(axis.fits_axis) or axis.kind == "stokes")
            ):
                continue
            values = _linear(coords, wcs, i, length)
            if table:
                values = lookup(axis.offset + axis.step * np.arange(length, dtype=np.float64), table)
            if axis.kind == "stokes":
                out.append(Label(axis.name, i, np.array(coords.stokes_of(values)), {"axis_kind": "stokes"}))
                continue
            attrs = {"units": axis.unit, "axis_kind": axis.kind, "ctype": wcs.ctype(axis.fits_axis)}
            out.append(Label(axis.name, i, values, {k: v for k, v in attrs.items() if v}))
    return out


def cut_labels(coords: CoordinateSystem, dims: Collection[str]) -> list[Label]:
    """Return where axes lie that were cut away by an index.

    Parameters
    ----------
    coords : CoordinateSystem
        Of what is left.
    dims : collection of str
        Names of the axes that were cut at one pixel; others, such as those of a mean, have no place.
    """
    wcs = WcsCards.parse(coords.header)
    gone = {}
    for number, pixel in coords.dropped:
        kind = axis_kind(wcs, number)
        (name,) = default_dims(["spectral" if coords.table and kind == "none" else kind], [wcs.ctype(number)])
        unit = wcs.world.get(("CUNIT", number), "")
        if name in dims:
            gone[number] = Axis(name, kind, unit if isinstance(unit, str) else "", number, pixel)
    out: list[Label] = []
    for axis in gone.values():
        alone = replace(coords, axes=(axis,), dropped=(), _hash=None)
        out += [replace(label, axis=-1, values=label.values[0]) for label in axis_labels(alone, (1,))]
    sky = {axis.kind: axis for axis in gone.values() if axis.kind in ("longitude", "latitude")}
    if len(sky) == 2:
        both = replace(coords, axes=tuple(sky.values()), dropped=(), _hash=None)
        found = both.positions(np.zeros(1), np.zeros(1))
        names = sky_labels(wcs.ctype(sky["longitude"].fits_axis))
        out += [Label(n, -1, v[0], {"units": "deg"}) for n, v in zip(names, found, strict=True)]
    return out


def _linear(coords: CoordinateSystem, wcs: WcsCards, i: int, length: int) -> np.ndarray:
    axis = coords.axes[i]
    n = axis.fits_axis
    pixels = axis.offset + axis.step * np.arange(length, dtype=np.float64)
    if not wcs.ctype(n) and not wcs.world.get(("CRVAL", n)):
        return pixels + 1
    step = wcs.pc(n, n) * (1.0 if wcs.is_cd else wcs.number("CDELT", n, 1.0))
    return wcs.number("CRVAL", n, 0.0) + step * (pixels + 1 - wcs.crpix.get(n, 0.0))


def _spectral(coords: CoordinateSystem, wcs: WcsCards, i: int, length: int) -> list[Label]:
    """Return the label in the variable of the header, and the velocity or frequency beside it."""
    hertz = coords.frequencies(length)
    if hertz is None:
        return []
    axis = coords.axes[i]
    found = None if coords.table else coords._spectral(axis)
    kind = "FREQ" if found is None or isinstance(found, str) else found[0].kind
    rest = coords.rest_frequency
    base: dict[str, Any] = {"axis_kind": "spectral", "ctype": wcs.ctype(axis.fits_axis) or "FREQ"}
    base |= {"specsys": coords.spectral_frame} if coords.spectral_frame else {}
    base |= {"rest_frequency": rest} if rest else {}
    name, unit = SPECTRAL_LABELS[kind]
    functions = to_hertz(kind, rest or 0.0)
    assert functions is not None
    attrs = {"units": unit} | base | ({"convention": CONVENTION[kind]} if kind in CONVENTION else {})
    out = [Label(axis.name, i, functions[1](hertz), attrs)]
    if name != "frequency" and axis.name != "frequency":
        out.append(Label("frequency", i, hertz, {"units": "Hz"}))
    elif rest and "velocity" not in coords.dims:
        radio = to_hertz("VRAD", rest)
        assert radio is not None
        out.append(Label("velocity", i, radio[1](hertz), {"units": "m/s", "convention": "radio"}))
    return out


def sky_part(coords: CoordinateSystem) -> tuple[CoordinateSystem, tuple[int, ...], tuple[str, str]] | None:
    """Return the sky axes alone, their numbers, and the labels of longitude and latitude.

    None if the image has no sky axis, or if positions depend on further axes.
    """
    wcs = WcsCards.parse(coords.header)
    sky = [i for i in range(1, wcs.axes + 1) if celestial_part(wcs.ctype(i))]
    if len(sky) != 2 or {celestial_part(wcs.ctype(i)) for i in sky} != {"longitude", "latitude"}:
        return None
    if any(value and i in sky and j not in sky for (i, j), value in wcs.matrix.items()):
        return None
    kept = tuple(i for i, axis in enumerate(coords.axes) if axis.fits_axis in sky)
    known = {coords.axes[i].fits_axis for i in kept} | {n for n, _ in coords.dropped}
    if not kept or not set(sky) <= known:
        return None
    longitude = next(i for i in sky if celestial_part(wcs.ctype(i)) == "longitude")
    part = coords.select(kept)
    # Cuts along other axes leave the sky as it is: planes of one cube have equal labels.
    others = tuple((n, 0.0) for n in range(1, wcs.axes + 1) if n not in sky)
    dropped = tuple(d for d in part.dropped if d[0] in sky) + others
    return replace(part, dropped=dropped, table=(), _hash=None), kept, sky_labels(wcs.ctype(longitude))
