"""Images on the pixel grids of others: sky axes, spectral axes, and axes with a linear coordinate."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from lattice.coords.along import velocities_at, world_along
from lattice.coords.graft import graft
from lattice.coords.mapping import LineMap, SkyMap
from lattice.coords.system import CoordinateSystem
from lattice.errors import CoordinateError, CoordinateMismatchError, LatticeRangeError, UnitMismatchError
from lattice.functions.registry import lookup
from lattice.graph.attributes import Attributes
from lattice.graph.build import call
from lattice.graph.node import Literal, Node
from lattice.graph.records import FrozenArray
from lattice.ops.reproject import AVERAGING, check_package, reproject
from lattice.ops.resample import METHODS, resample

__all__ = ["regrid"]

_SKY = ("longitude", "latitude")


def regrid(
    x: Node,
    target: CoordinateSystem,
    target_shape: Sequence[int],
    *,
    axes: Sequence[int] | None = None,
    method: str = "linear",
    velocity: str | None = None,
    force: bool = False,
    margin: float = 0.0,
) -> Node:
    """Return a lattice on the pixel grid of another one.

    Parameters
    ----------
    x : Node
        A lattice with coordinates.
    target : CoordinateSystem
        Where its pixels are to be.
    target_shape : sequence of int
        How many there are along each axis of `target`.
    axes : sequence of int, optional
        Axes of x that change (both sky axes, or neither); the default is all that both have, but for Stokes.
    method : {"nearest", "linear", "cubic", "lanczos", "adaptive", "exact"}
        See `lattice.ops.resample.resample`; pixels are not averaged, so rebin first to make much larger ones.
        The last two average, on the sky only: see `lattice.ops.reproject.reproject`.
    velocity : {"radio", "optical", "relativistic"}, optional
        Match velocities along the spectral axis, each with the rest frequency of its own image, in place of
        frequencies.
    force : bool
        Interpolate axes that agree already, too.
    margin : float
        So many pixels beyond the ends of single axes have the values of the outermost ones.

    Returns
    -------
    Node
        Its axes are those of x in their order. Bad where x has no pixel or bad ones within reach. Jy/pixel is
        scaled by the ratio of pixel areas; other units and the beam stay.

    Raises
    ------
    CoordinateError, CoordinateMismatchError
        When x or the target lacks coordinates for an axis, or frames cannot be converted.
    LatticeRangeError
        When the images do not overlap, for Stokes axes, and for a spectral axis with a beam per channel; for
        other axes than those of the sky that would have to change by averages.
    LatticeError
        When averages are asked for and the package reproject is not installed.
    """
    if method in AVERAGING:
        check_package()
    elif method not in METHODS:
        raise LatticeRangeError(
            f"there is no interpolation {method!r}", hint=f"there are {', '.join((*METHODS, *AVERAGING))}"
        )
    source: Any = x.attrs.coords
    if source is None or not any(k != "none" for k in source.kinds):
        raise CoordinateError(
            "the image has no coordinates: nothing says where its pixels are on another grid"
        )
    pairs = _pairs(x.attrs, source, target, axes)
    node = x
    lon, lat = source.axis_of("longitude"), source.axis_of("latitude")
    if lon in pairs and lat in pairs:
        node = _sky(node, target, target_shape, pairs, method, force)
    for mine, theirs in pairs.items():
        if source.kinds[mine] not in _SKY:
            node = _line(node, mine, target, theirs, target_shape, method, velocity, force, margin)
    return node


def _pairs(
    attrs: Attributes, source: CoordinateSystem, target: CoordinateSystem, axes: Sequence[int] | None
) -> dict[int, int]:
    """Return which axes of the target go with those of the source."""
    found = {}
    for mine, kind in enumerate(source.kinds):
        if kind in ("none", "stokes"):
            continue
        if kind in ("linear", "tabular", "time"):
            theirs = next(
                (k for k, a in enumerate(target.axes) if a.kind == kind and a.name == source.axes[mine].name),
                None,
            )
        else:
            theirs = target.axis_of(kind)
        if theirs is not None:
            found[mine] = theirs
    if axes is None:
        if any((k in source.kinds) != (k in target.kinds) for k in _SKY):
            found = {m: t for m, t in found.items() if source.kinds[m] not in _SKY}
        if not found:
            raise CoordinateMismatchError(
                f"the axes of image and grid differ: {', '.join(source.kinds)}, and {', '.join(target.kinds)}"
            )
        return found
    wanted = [int(a) for a in axes]
    for axis in wanted:
        name = attrs.dims[axis]
        if source.kinds[axis] == "stokes":
            raise LatticeRangeError(
                "Stokes parameters are not interpolated", hint="choose them by sel(stokes=...)"
            )
        if axis not in found:
            raise CoordinateMismatchError(f"the grid has no axis like {name}, or {name} has no coordinates")
    sky = [a for a in wanted if source.kinds[a] in _SKY]
    if len(sky) == 1:
        raise CoordinateMismatchError(
            f"{attrs.dims[sky[0]]} is one of two axes of the sky, which are regridded together"
        )
    return {a: found[a] for a in wanted}


def _sky(
    x: Node,
    target: CoordinateSystem,
    target_shape: Sequence[int],
    pairs: dict[int, int],
    method: str,
    force: bool,
) -> Node:
    """Return a lattice on another grid on the sky."""
    source: Any = x.attrs.coords
    shape = x.attrs.shape or ()
    axes = tuple(sorted(a for a in pairs if source.kinds[a] in _SKY))
    # the axes of both in the order of those of x, whichever of them is the longitude
    theirs = [target.axis_of(source.kinds[a]) for a in axes]
    mine_2d, target_2d = source.select(axes), target.select([t for t in theirs if t is not None])
    lengths = tuple(target_shape[t] for t in theirs if t is not None)
    old = tuple(shape[a] for a in axes)
    if not force and lengths == old and mine_2d.compare(target_2d, shape=old) is None:
        return x
    mapping = SkyMap(mine_2d, target_2d)
    _check_overlap(mapping, lengths, old)
    new_shape = list(shape)
    for a, n in zip(axes, lengths, strict=True):
        new_shape[a] = n
    coords = graft(source, target, {a: pairs[a] for a in axes}, new_shape, target_shape)
    attrs = x.attrs.with_(shape=tuple(new_shape), coords=coords)
    if method in AVERAGING:
        node = reproject(x, (axes[0], axes[1]), mapping, method, attrs)
    else:
        node = resample(x, axes, mapping, method, attrs)
    if _per_pixel(x.attrs.unit):
        factor = math.prod(target_2d.pixel_scale()) / math.prod(mine_2d.pixel_scale())
        node = call(lookup("*", 2), node, Literal.of(factor, x.attrs.dtype))
    return node


def _per_pixel(unit: str) -> bool:
    return unit.replace(" ", "").lower().endswith(("/pixel", "/pix", "pixel-1", "pix-1"))


def _check_overlap(mapping: SkyMap, lengths: Sequence[int], old: Sequence[int]) -> None:
    """Refuse grids that have no pixel in common with the image, judged by a coarse net over the grid."""
    net = [np.unique(np.linspace(0, n - 1, 33).round()) for n in lengths]
    found = mapping.exact(net[0][:, None], net[1][None, :])
    inside = np.ones(found[0].shape, bool)
    for p, n, m in zip(found, old, lengths, strict=True):
        # as far as the net is wide, for what lies between its knots
        with np.errstate(all="ignore"):
            reach = (
                1
                + np.nanmax(np.abs(np.diff(p)), initial=0)
                + np.nanmax(np.abs(np.diff(p, axis=0)), initial=0)
            )
        inside &= (p >= -reach) & (p <= n - 1 + reach) if m else False
    if not inside.any():
        raise LatticeRangeError(
            "the image and the grid do not overlap on the sky", hint="compare their .coords, and their frames"
        )


def _line(
    x: Node,
    axis: int,
    target: CoordinateSystem,
    theirs: int,
    target_shape: Sequence[int],
    method: str,
    velocity: str | None,
    force: bool,
    margin: float,
) -> Node:
    """Return a lattice on another grid along one axis."""
    source: Any = x.attrs.coords
    shape = x.attrs.shape or ()
    n = target_shape[theirs]
    name = x.attrs.dims[axis]
    pixels = np.arange(n, dtype=np.float64)
    spectral = source.kinds[axis] == "spectral"
    if spectral:
        positions = _spectral_positions(source, target, pixels, velocity)
    else:
        positions = _linear_positions(source, axis, target, theirs, pixels)
    if not force and n == shape[axis] and np.allclose(positions, pixels, rtol=0, atol=1e-6):
        return x
    inside = np.clip(positions, 0, shape[axis] - 1)
    positions = np.where(np.abs(positions - inside) <= margin, inside, positions)
    if method in AVERAGING:
        raise LatticeRangeError(
            f"method={method!r} is for the two axes of the sky, and {name} differs too",
            hint=f"regrid {name} by itself with another method, and the sky by dims=",
        )
    if spectral and len(x.attrs.beams) > 1:
        raise UnitMismatchError(
            f"the planes along {name} have beams of their own: between them there is none",
            hint="smooth the image to a common beam first",
        )
    if not ((positions > -0.5) & (positions < shape[axis] - 0.5)).any():
        raise LatticeRangeError(f"the image and the grid do not overlap along {name}")
    new_shape = tuple(n if a == axis else m for a, m in enumerate(shape))
    coords = graft(source, target, {axis: theirs}, new_shape, target_shape)
    if velocity is not None and spectral:
        coords = _matched(source, coords, axis, positions)
    attrs = x.attrs.with_(shape=new_shape, coords=coords)
    return resample(x, (axis,), LineMap(FrozenArray(positions)), method, attrs)


def _spectral_positions(
    source: Any, target: CoordinateSystem, pixels: np.ndarray, velocity: str | None
) -> np.ndarray:
    """Return where the channels of the target are on the spectral axis of the source."""
    if velocity is not None:
        speeds = velocities_at(target, pixels, velocity)
        return np.asarray(source.spectral_to_pixel(speeds, "m/s", convention=velocity))
    hertz = target.frequencies_at(pixels)
    if hertz is None:
        raise CoordinateError(f"the grid has no frequencies: {target.frequency_problem()}")
    frame = target.spectral_frame
    if not frame or not source.spectral_frame:
        frame = source.spectral_frame
    return np.asarray(source.spectral_to_pixel(hertz, "Hz", frame=frame or None))


def _matched(source: Any, coords: CoordinateSystem, axis: int, positions: np.ndarray) -> CoordinateSystem:
    """Return coordinates with the frequencies that the source has at positions: velocities were matched."""
    from dataclasses import replace

    hertz = source.frequencies_at(positions)
    own = coords.axes[axis]
    rest = source.rest_frequency
    number = own.fits_axis
    steps = np.diff(hertz)
    linear = steps.size == 0 or np.allclose(steps, steps[0], rtol=1e-9, atol=0)
    near = source.frequencies(2)
    step = float(hertz[-1] - hertz[0]) / (len(hertz) - 1) if len(hertz) > 1 else float(near[1] - near[0])
    new = {
        f"CTYPE{number}": "FREQ", f"CUNIT{number}": "Hz", f"CRPIX{number}": 1.0,
        f"CRVAL{number}": float(hertz[0]), f"CDELT{number}": step, "RESTFRQ": rest,
    }  # fmt: skip
    gone = {*new, f"PC{number}_{number}", "RESTFREQ", "RESTWAV", "VELREF", "SPECSYS"}
    header = [c for c in coords.header if c[0] not in gone]
    header += [(k, v, "") for k, v in new.items() if v is not None]
    if source.spectral_frame:
        header.append(("SPECSYS", source.spectral_frame, ""))
    axes = tuple(replace(a, unit="Hz") if k == axis else a for k, a in enumerate(coords.axes))
    table = () if linear else tuple(float(f) for f in hertz)
    return replace(coords, axes=axes, header=tuple(header), table=table, _hash=None)


def _linear_positions(
    source: Any, axis: int, target: CoordinateSystem, theirs: int, pixels: np.ndarray
) -> np.ndarray:
    values, unit = world_along(target, theirs, pixels)
    own, own_unit = world_along(source, axis, np.array([0.0, 1.0]))
    if unit != own_unit:
        raise UnitMismatchError(
            f"the axis {source.axes[axis].name} is in {own_unit or 'pixels'}, "
            f"that of the grid in {unit or 'pixels'}"
        )
    if own[1] == own[0]:
        raise CoordinateError(f"the axis {source.axes[axis].name} has no extent: its CDELT is zero")
    return np.asarray((values - own[0]) / (own[1] - own[0]))
