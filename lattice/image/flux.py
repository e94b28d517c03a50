"""Flux densities: sums over the sky of what is given per beam, and of brightness temperatures."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np

from lattice.errors import LatticeRangeError, UnitMismatchError
from lattice.functions.registry import lookup
from lattice.graph.attributes import Attributes
from lattice.graph.build import call
from lattice.graph.node import Node
from lattice.image.units import as_node, beam_areas, pixel_area
from lattice.ops.moments import coordinates_along

__all__ = [
    "beam_pixels",
    "check_flux",
    "divided",
    "flux_area",
    "flux_scale",
    "flux_unit",
    "sky_axes",
    "without_beam",
]

_PER_BEAM = re.compile(r"\s*/\s*beam\b|[\s.*]*\bbeam\s*(\*\*|\^)?\s*\(?-1\)?", re.IGNORECASE)


def without_beam(unit: str) -> str | None:
    """Return the unit of a flux density of what has a unit per beam; None for other units.

    >>> without_beam("Jy/beam"), without_beam("mJy beam-1"), without_beam("Jy/beam.km/s"), without_beam("K")
    ('Jy', 'mJy', 'Jy.km/s', None)
    """
    found, n = _PER_BEAM.subn("", unit, count=1)
    return found.strip() if n else None


def sky_axes(attrs: Attributes) -> tuple[int, ...]:
    """Return the axes on the sky."""
    kinds = () if attrs.coords is None else attrs.coords.kinds
    return tuple(a for a, kind in enumerate(kinds) if kind in ("longitude", "latitude"))


def beam_pixels(attrs: Attributes, what: str) -> np.ndarray:
    """Return the area of the beam of each plane in pixels, with length 1 along axes where it is the same.

    Raises
    ------
    UnitMismatchError
        Without a beam, and without the size of a pixel.
    """
    return np.asarray(beam_areas(attrs, what) / pixel_area(attrs, what))


def flux_unit(unit: str) -> str | None:
    """Return the unit of the sum of an image over the sky; None where there is none.

    >>> flux_unit("Jy/beam"), flux_unit("K"), flux_unit("Jy/pixel")
    ('Jy', 'K.arcsec2', None)
    """
    return "K.arcsec2" if unit.strip() == "K" else without_beam(unit)


def flux_area(attrs: Attributes) -> np.ndarray:
    """Return what to divide sums of an image by: beams in pixels, of temperatures pixels in 1/arcsec2."""
    if attrs.unit.strip() == "K":
        return np.asarray(math.radians(1 / 3600) ** 2 / pixel_area(attrs, "to a flux density"))
    return beam_pixels(attrs, "to a flux density")


def check_flux(attrs: Attributes, axes: tuple[int, ...]) -> str:
    """Return the unit of the flux density summed along axes; refuse what has none."""
    unit = flux_unit(attrs.unit)
    if unit is None:
        raise UnitMismatchError(
            f"a flux density needs brightness per beam or in K, not in {attrs.unit!r}",
            hint="convert the image, as in image.to('Jy/beam')",
        )
    sky = sky_axes(attrs)
    if not set(axes) & set(sky):
        raise LatticeRangeError("a flux density is a sum over axes of the sky", hint=_hint(attrs, sky))
    for a in set(axes) - set(sky):
        if (attrs.shape or ())[a] > 1:
            raise LatticeRangeError(
                f"a flux density is a sum over the sky, and {attrs.dims[a]} is no axis of it",
                hint=_hint(attrs, sky),
            )
    return unit


def _hint(attrs: Attributes, sky: tuple[int, ...]) -> str:
    named = ", ".join(attrs.dims[a] for a in sky)
    return f"its axes of the sky are {named}" if named else "it has none: give coordinates as wcs="


def divided(node: Node, whole: Attributes, axes: tuple[int, ...], area: np.ndarray) -> Node:
    """Return a statistic along axes divided by the areas of the beams of its planes."""
    kept = [a for a in range(whole.ndim) if a not in axes]
    for axis in axes:
        first = area.take([0], axis=axis)
        if not (area == first).all():
            raise LatticeRangeError(
                f"the beams differ along {whole.dims[axis]}, so a sum along it has no beam",
                hint="smooth to a common beam first: image.smooth_to('common')",
            )
        area = first
    factor = as_node(node, 1 / area.reshape([area.shape[a] for a in kept]))
    return node if factor is None else call(lookup("*", 2), node, factor)


def flux_scale(x: Node, axes: tuple[int, ...]) -> tuple[np.ndarray, str] | None:
    """Return what to multiply sums along axes by to have flux densities, and their unit.

    Parameters
    ----------
    x : Node
        The image.
    axes : tuple of int
        Axes along which is summed; lines are integrated along a spectral one.

    Returns
    -------
    ndarray and str, or None
        With length 1 along axes on which it does not depend, the summed ones among them. None where there is
        no flux density: no axis of the sky is summed, the unit is neither per beam nor K, there is no beam,
        beams differ in what is summed, or the sum goes over Stokes parameters or uneven channels.
    """
    attrs = x.attrs
    unit, lengths = flux_unit(attrs.unit), attrs.shape or ()
    coords: Any = attrs.coords
    sky = sky_axes(attrs)
    kelvin = attrs.unit.strip() == "K"
    if unit is None or len(sky) != 2 or not set(sky) & set(axes) or not (kelvin or attrs.beams):
        return None
    scale = 1 / flux_area(attrs)
    for axis in set(axes) - set(sky):
        if lengths[axis] < 2:
            continue
        if coords.kinds[axis] != "spectral" or coords.table:
            return None
        _, width, name = coordinates_along(x, axis)
        scale, unit = scale * width, f"{unit}.{name}"
    for axis in axes:
        first = scale.take([0], axis=axis)
        if not (scale == first).all():
            return None
        scale = first
    return scale, unit
