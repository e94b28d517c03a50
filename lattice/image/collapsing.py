"""The functions that images collapse with, by the names that CASA gives them."""

from __future__ import annotations

from lattice.errors import FunctionError, LatticeRangeError, LatticeTypeError, suggest
from lattice.graph.build import cut
from lattice.graph.node import Node
from lattice.graph.types import is_bool
from lattice.image.flux import beam_pixels, check_flux, divided, flux_area
from lattice.image.units import node_with_unit
from lattice.ops.collapse import collapse, kept_axes

__all__ = ["FUNCTIONS", "binned", "collapsed", "function_named"]

FUNCTIONS = {
    "flux": "total",
    "madm": "middledev",
    "max": "max",
    "mean": "mean",
    "median": "middle",
    "min": "min",
    "npts": "good",
    "rms": "rms",
    "stddev": "spread",
    "sum": "total",
    "sqrtsum": "sqrtsum",
    "sqrtsum_npix": "sqrtsum_npix",
    "sqrtsum_npix_beam": "sqrtsum",
    "variance": "squared_spread",
    "xmadm": "xmadm",
}
"""By name: the statistic of `lattice.ops.collapse` that each is made from."""

_BY_BEAM = ("flux", "sqrtsum_npix_beam")
_OTHERS = ("avdev", "medabsdevmed", "q1", "q3", "quartile", "sumsq")


def function_named(given: str) -> str:
    """Return the name of a function, given whole or by its beginning, in letters of any case.

    >>> function_named("var"), function_named("sum"), function_named("quartile")
    ('variance', 'sum', 'quartile')
    """
    if not isinstance(given, str):
        raise LatticeTypeError(f"{given!r} is no name of a function")
    name = given.strip().lower()
    if name in FUNCTIONS or name in _OTHERS:
        return name
    found = [f for f in FUNCTIONS if name and f.startswith(name)]
    if len(found) == 1:
        return found[0]
    if found:
        raise FunctionError(
            f"{given!r} may be {', '.join(found[:-1])} or {found[-1]}", hint="write more of it"
        )
    raise FunctionError(
        f"there is no function {given!r} to collapse with",
        hint=suggest(name, [*FUNCTIONS, *_OTHERS]) or f"there are: {', '.join(FUNCTIONS)}",
    )


def collapsed(x: Node, function: str, axes: tuple[int, ...], keep: bool, units: str) -> Node:
    """Return a statistic along axes; see `Image.collapse`."""
    name = function_named(function)
    if units not in ("correct", "casa"):
        raise LatticeRangeError(f"units={units!r}: there are 'correct' and 'casa'")
    if is_bool(x.attrs.dtype):
        raise LatticeTypeError(
            "truth values are counted, not collapsed", hint="take ntrue, nfalse, any or all along the dims"
        )
    if not axes:
        raise LatticeRangeError("an image is collapsed along one or more axes", hint="leave out dims for all")
    attrs = x.attrs
    flux_unit = check_flux(attrs, axes) if name == "flux" else ""
    area = None
    if name in _BY_BEAM:
        area = flux_area(attrs) if name == "flux" else beam_pixels(attrs, "to a sum per beam")
    node = collapse(x, FUNCTIONS.get(name, name), axes, units="check")
    if area is not None:
        node = divided(node, attrs, axes, area)
    unit = flux_unit if name == "flux" else attrs.unit if units == "casa" else node.attrs.unit
    node = node_with_unit(node, unit)
    return kept_axes(x, node, axes) if keep else node


def binned(x: Node, factors: tuple[int, ...], function: str, crop: bool) -> Node:
    """Return a statistic over bins of pixels; see `Image.rebin`."""
    from lattice.ops.bins import bin_statistic, whole_bins
    from lattice.ops.rebin import rebin

    name = function_named(function)
    if name in _BY_BEAM:
        raise LatticeRangeError(
            f"{name} counts by beams, which bins do not",
            hint="take the sum of bins, and convert the image first, as in image.to('Jy/pixel')",
        )
    if crop:
        x = cut(x, whole_bins(x.attrs.shape or (), factors))
    return rebin(x, factors) if name == "mean" else bin_statistic(x, factors, FUNCTIONS.get(name, name))
