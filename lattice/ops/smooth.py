"""Smoothing, with what it means for unit and beam: Gaussians on the sky, kernels along single axes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from lattice.coords.beam_algebra import Beam, convolved, deconvolved
from lattice.errors import CoordinateError, LatticeRangeError, UnitMismatchError
from lattice.graph.attributes import Attributes
from lattice.graph.beams import fitting_beams, plane_axes
from lattice.graph.node import Extend, Node
from lattice.ops.convolve import convolve

__all__ = ["along", "gaussian_kernel", "line_kernel", "sky_gaussian"]

_LN2 = math.log(2)
_WIDTHS = 2.45  # half sizes of kernels in full widths at half maximum: the Gaussian is below 1e-7 there

_MOST = 1 << 26  # pixels of a kernel


def sky_axes(attrs: Attributes) -> tuple[int, int]:
    """Return the numbers of the axes that span the sky, in rising order.

    Raises
    ------
    CoordinateError
        When the lattice has no pair of sky axes.
    """
    coords: Any = attrs.coords
    if coords is None or not coords.has_sky:
        raise CoordinateError(
            f"a {attrs.describe()} has no pair of sky axes with coordinates",
            hint="give the image coordinates, or smooth along single axes in pixels",
        )
    first, second = sorted((coords.kinds.index("longitude"), coords.kinds.index("latitude")))
    return first, second


def gaussian_kernel(beam: Beam, step: np.ndarray, what: str = "") -> np.ndarray:
    """Return a Gaussian of peak 1, sampled at pixel centres.

    Parameters
    ----------
    beam : (float, float, float)
        Full widths at half maximum in degrees, and the position angle of the major axis in degrees from north
        through east. The minor axis may be zero.
    step : ndarray of shape (2, 2)
        Offsets in degrees to the east and the north (rows) of a step of one pixel along each axis (columns).
    what : str, optional
        The widths in words, where they are no angles.
    """
    major, minor, angle = beam
    s, c = math.sin(math.radians(angle)), math.cos(math.radians(angle))
    inverse = np.linalg.inv(step)
    # how far the ellipse at half maximum reaches along each axis of pixels
    axes = np.array([[major * s, minor * c], [major * c, -minor * s]])
    reach = np.hypot(*(inverse @ axes).T)
    half = [max(1, math.ceil(_WIDTHS * r)) for r in reach]
    if (2 * half[0] + 1) * (2 * half[1] + 1) > _MOST:
        raise LatticeRangeError(
            f"a Gaussian of {what or _shown(beam)} reaches over {2 * half[0] + 1} x {2 * half[1] + 1} pixels",
            hint="rebin the image first, as in image.rebin(y=4, x=4)",
        )
    first, second = np.ogrid[-half[0] : half[0] + 1, -half[1] : half[1] + 1]
    east = step[0, 0] * first + step[0, 1] * second
    north = step[1, 0] * first + step[1, 1] * second
    along_major, across = east * s + north * c, east * c - north * s
    least = float(np.abs(step).max()) * 1e-6  # of a beam without extent only the pixels on its line remain
    u, v = along_major / max(major, least), across / max(minor, least)
    return np.asarray(np.exp(-4 * _LN2 * (u * u + v * v)))


def pixel_steps(coords: Any) -> np.ndarray:
    """Return offsets to the east and the north of a pixel along the slower and the faster sky axis."""
    matrix: np.ndarray = coords.sky_matrix()
    turned = coords.kinds.index("latitude") > coords.kinds.index("longitude")
    return matrix[:, ::-1] if turned else matrix


def sky_gaussian(
    x: Node, beams: Sequence[Beam], *, scale: float | None = None, bad: str = "zero", target: bool = False
) -> Node:
    """Return a lattice convolved with elliptical Gaussians on the sky.

    Parameters
    ----------
    x : Node
        A lattice with sky axes.
    beams : sequence of (float, float, float)
        Kernel in degrees, or, with `target`, the beam of the result: one, or one per plane.
    scale : float, optional
        Factor of a kernel with peak 1. Without it brightness is kept: Jy/beam is scaled to the new beam, so
        that an unresolved source keeps its peak, Jy/pixel becomes Jy/beam of the kernel, and other units are
        averaged with weights of sum 1.
    bad : {"zero", "leave"}
        See `lattice.ops.convolve.convolve`.
    target : bool
        Whether `beams` is the resolution wanted; the kernel is what turns the beam of each plane into it.

    Returns
    -------
    Node
        With the beam that results. The mask is that of x.

    Raises
    ------
    CoordinateError
        Without sky axes.
    LatticeRangeError
        When the kernel is narrower than can be sampled, or the beam is not to be had by smoothing.
    UnitMismatchError
        When the beam of the image is needed, and it has none.
    """
    attrs = x.attrs
    axes = sky_axes(attrs)
    own = attrs.beams if fitting_beams(attrs) else ()
    planes = plane_axes(attrs) or ()
    n_planes = math.prod((attrs.shape or ())[a] for a in planes)
    wanted = list(beams)
    if len(wanted) not in (1, n_planes):
        raise LatticeRangeError(f"{len(wanted)} beams for {n_planes} planes: give one, or one per plane")
    if target and not own:
        raise UnitMismatchError(
            "the image has no beam that could be smoothed to another one",
            hint="say which: image.with_beam(...)",
        )
    several = max(len(own), len(wanted))
    olds: list[Beam | None] = [own[k % len(own)] if own else None for k in range(several)]
    news = [wanted[k % len(wanted)] for k in range(several)]
    kernels = [_kernel_of(old, new, target) for old, new in zip(olds, news, strict=True)]
    unit = attrs.unit
    per_pixel = _is_per(unit, ("pixel", "pix"))
    if per_pixel:
        unit = unit[: unit.lower().rindex("/pix")] + "/beam"
    results: list[Beam | None] = list(news)
    if not target and not per_pixel:
        results = [None if old is None else convolved(old, new) for old, new in zip(olds, news, strict=True)]
    step = pixel_steps(attrs.coords)
    weights = []
    for kernel, old, new in zip(kernels, olds, results, strict=True):
        shape = np.ones((1, 1)) if kernel is None else gaussian_kernel(kernel, step)
        factor = 1.0 if scale is None else scale
        if scale is None and not per_pixel:
            factor = 1 / float(shape.sum())
            if old is not None and new is not None and _is_per(unit, ("beam",)):
                factor = 1 / _peak(gaussian_kernel(old, step), shape)
        weights.append(shape * factor)
    node = convolve(x, weights if len(weights) > 1 else weights[0], axes, bad=bad)
    beams = tuple(b for b in results if b is not None)
    if len(set(beams)) == 1:
        beams = beams[:1]
    if (beams, unit) != (attrs.beams, attrs.unit):
        node = Extend(node, tuple(range(attrs.ndim)), node.attrs.with_(beams=beams, unit=unit))
    return node


def _peak(beam: np.ndarray, kernel: np.ndarray) -> float:
    """Return the peak of a sampled beam that is convolved with a kernel.

    Divided by the sum of the kernel it is the ratio of the areas of the beams, but for kernels of a pixel or
    two, whose samples tell too little.
    """
    half = [min(a, b) // 2 for a, b in zip(beam.shape, kernel.shape, strict=True)]
    parts = [
        one[tuple(slice(n // 2 - h, n // 2 + h + 1) for n, h in zip(one.shape, half, strict=True))]
        for one in (beam, kernel)
    ]
    return float((parts[0] * parts[1]).sum())


def _kernel_of(own: Beam | None, wanted: Beam, target: bool) -> Beam | None:
    """Return the kernel for a plane; None where nothing is to be done."""
    if not target:
        return wanted
    assert own is not None
    found = deconvolved(wanted, own)
    if found is None:
        raise LatticeRangeError(
            f"a beam of {_shown(own)} cannot be smoothed to {_shown(wanted)}, which is smaller somewhere",
            hint="a common beam of all planes is lattice's common_beam()",
        )
    return None if found[0] == 0 else found


def _shown(beam: Beam) -> str:
    return f"{beam[0] * 3600:.6g} x {beam[1] * 3600:.6g} arcsec, {beam[2]:.4g} deg"


def _is_per(unit: str, words: Sequence[str]) -> bool:
    text = unit.replace(" ", "").lower()
    return any(f"/{w}" in text or f"{w}-1" in text or f"{w}^-1" in text for w in words)


def line_kernel(kind: str, width: float) -> np.ndarray:
    """Return weights along one axis, of sum 1.

    Parameters
    ----------
    kind : {"gaussian", "boxcar", "hanning"}
        A Gaussian of full width at half maximum `width`; a mean of `width` pixels (rounded); or 1/4, 1/2,
        1/4.
    width : float
        In pixels.
    """
    names = {
        "gauss": "gaussian",
        "gaussian": "gaussian",
        "box": "boxcar",
        "boxcar": "boxcar",
        "hann": "hanning",
    }
    kind = names.get(kind.lower(), kind.lower())
    if kind == "hanning":
        return np.array([0.25, 0.5, 0.25])
    if kind not in ("gaussian", "boxcar"):
        raise LatticeRangeError(f"there is no kernel {kind!r}", hint="there are gaussian, boxcar and hanning")
    if not (math.isfinite(width) and width > 0):
        raise LatticeRangeError(f"the width of a kernel is above 0, not {width!r}")
    if width > _MOST:
        raise LatticeRangeError(f"a kernel of {width:g} pixels is too large", hint="rebin the image first")
    if kind == "boxcar":
        n = max(1, math.floor(width + 0.5))
        return np.full(n, 1 / n)
    half = max(1, math.ceil(_WIDTHS * width))
    pixels = np.arange(-half, half + 1)
    weights = np.exp(-4 * _LN2 * (pixels / width) ** 2)
    return np.asarray(weights / weights.sum())


def along(
    x: Node,
    axis: int,
    kind: str,
    width: float,
    *,
    scale: float | None = None,
    bad: str = "zero",
    edge: str = "zero",
) -> Node:
    """Return a lattice smoothed along one axis; unit and beam stay.

    Parameters
    ----------
    x : Node
        A lattice.
    axis : int
        Numpy number of the axis.
    kind, width
        See `line_kernel`.
    scale : float, optional
        Factor of a kernel with peak 1; without it the sum of the weights is 1.
    bad, edge
        See `lattice.ops.convolve.convolve`.
    """
    weights = line_kernel(kind, width)
    if scale is not None:
        weights = weights / weights.max() * scale
    return convolve(x, weights, (axis,), bad=bad, edge=edge)
