"""Many lattices put together on one grid: weighted means where they overlap."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from lattice.coords.mapping import SkyMap
from lattice.coords.system import CoordinateSystem
from lattice.errors import CoordinateError, LatticeRangeError, LatticeTypeError, ShapeMismatchError, warn
from lattice.graph.beams import warn_dropped
from lattice.graph.node import Node, Operation
from lattice.graph.sections import Section, shape_of
from lattice.graph.types import is_real, promote
from lattice.ops.regrid import regrid

__all__ = ["Coadd", "coadd", "covering_grid"]


def covering_grid(nodes: Sequence[Node]) -> tuple[CoordinateSystem, tuple[int, ...]]:
    """Return the grid of the first lattice, made larger on the sky until it holds all of them.

    Raises
    ------
    CoordinateError
        When one has no sky coordinates, or lies where the projection of the first does not reach.
    """
    first: Any = nodes[0].attrs.coords
    shape = nodes[0].attrs.shape or ()
    if first is None or not first.has_sky:
        raise CoordinateError(
            "a mosaic without a template takes the grid of the first image, which has no sky"
        )
    sky = tuple(a for a, kind in enumerate(first.kinds) if kind in ("longitude", "latitude"))
    low, high = [0, 0], [shape[a] - 1 for a in sky]
    for k, node in enumerate(nodes[1:], 2):
        other: Any = node.attrs.coords
        if other is None or not other.has_sky:
            raise CoordinateError(f"image {k} of the mosaic has no sky coordinates")
        theirs = [other.axis_of(first.kinds[a]) for a in sky]
        lengths = [(node.attrs.shape or ())[t] for t in theirs]
        mapping = SkyMap(first.select(sky), other.select(theirs))
        lines = [np.unique(np.linspace(0, n - 1, 65)) for n in lengths]
        found = mapping.exact(lines[0][:, None], lines[1][None, :])
        if not all(np.isfinite(f).all() for f in found):
            raise CoordinateError(
                f"image {k} of the mosaic lies where the projection of the first does not reach",
                hint="give a template",
            )
        for i, f in enumerate(found):
            low[i] = min(low[i], math.floor(float(f.min()) + 1e-6))
            high[i] = max(high[i], math.ceil(float(f.max()) - 1e-6))
    items = [slice(0, n, 1) for n in shape]
    for a, start, last in zip(sky, low, high, strict=True):
        items[a] = slice(start, last + 1, 1)
    return first.subset(items), tuple(s.stop - s.start for s in items)


def coadd(
    nodes: Sequence[Node],
    grid: CoordinateSystem,
    shape: tuple[int, ...],
    weights: Sequence[float | Node] | None = None,
    *,
    method: str = "linear",
) -> Node:
    """Return the weighted mean of lattices on one grid.

    Parameters
    ----------
    nodes : sequence of Node
        Real lattices with the axes of the first, in its order.
    grid, shape
        Coordinates and shape of the result, see `lattice.ops.regrid.regrid`.
    weights : sequence of float or Node, optional
        Of each lattice: a number that is not negative, or a lattice on its grid. The default is 1.
    method : str
        Interpolation.

    Returns
    -------
    Node
        ``sum w x / sum w`` over the good pixels; bad where there is none with a weight. Unit and header are
        those of the first; the beam too if all have the same, else none, with a warning.

    Raises
    ------
    ShapeMismatchError
        When lattices do not have the same axes on the grid.
    LatticeRangeError
        For negative weights, and lattices that are not on the grid.
    """
    if not nodes:
        raise LatticeTypeError("there is nothing to put together: the list is empty")
    given = [1.0] * len(nodes) if weights is None else list(weights)
    if len(given) != len(nodes):
        raise ShapeMismatchError(f"{len(given)} weights for {len(nodes)} images")
    values, maps, numbers = [], [], []
    for k, (node, weight) in enumerate(zip(nodes, given, strict=True), 1):
        if not node.attrs.shape or not is_real(node.attrs.dtype):
            raise LatticeTypeError(f"a mean is one of real numbers; image {k} is a {node.attrs.describe()}")
        values.append(regrid(node, grid, shape, method=method))
        if isinstance(weight, Node):
            if weight.attrs.shape != node.attrs.shape:
                raise ShapeMismatchError(
                    f"the weights of image {k} are a {weight.attrs.describe()}, not of its shape"
                )
            maps.append(regrid(weight, grid, shape, method="linear"))
            numbers.append(-1.0)
        elif not (math.isfinite(weight) and weight >= 0):
            raise LatticeRangeError(f"the weight of image {k} is {weight:g}: it is to be 0 or more")
        else:
            numbers.append(float(weight))
    for k, node in enumerate(values, 1):
        if node.attrs.shape != values[0].attrs.shape or node.attrs.dims != values[0].attrs.dims:
            raise ShapeMismatchError(
                f"image {k} is on the grid a {node.attrs.describe()}, "
                f"the first a {values[0].attrs.describe()}",
                hint="bring the axes into one order, and onto the same channels, first",
            )
    if len({n.attrs.unit for n in nodes}) > 1:
        warn(f"images in different units are averaged: {', '.join(sorted({n.attrs.unit for n in nodes}))}")
    made: Node = Coadd((*values, *maps), tuple(numbers))
    return made


class Coadd(Operation):
    """A weighted mean; fields: (values and maps of weights), numbers, below 0 where there is a map."""

    __slots__ = ("numbers",)
    name: ClassVar[str] = "coadd"
    numbers: tuple[float, ...]

    def _build(self, children: tuple[Node, ...], numbers: tuple[float, ...]) -> None:
        n = len(numbers)
        first = children[0].attrs
        dtype = first.dtype
        for child in children[1:n]:
            dtype = promote(dtype, child.attrs.dtype)
        beams = {c.attrs.beams for c in children[:n]}
        if len(beams) > 1:
            warn_dropped("those of the images that are averaged differ")
        self._set(children=children, numbers=numbers)
        self._set(attrs=first.with_(dtype=dtype, masked=True, beams=first.beams if len(beams) == 1 else ()))

    def show(self, *texts: str) -> str:
        """Return the call as one would write it if the language had it."""
        return f"mosaic({len(self.numbers)} images: {texts[0]}, ...)"

    def needs(self, section: Section) -> tuple[Section, ...]:
        """Return the section of every input."""
        return (section,) * len(self.children)

    def scratch(self, shape: tuple[int, ...]) -> int:
        """Return the bytes of the sums, and of one input weighted."""
        return math.prod(shape) * (8 * 5 + 2)

    def evaluate(self, inputs: tuple[Any, ...], section: Section) -> tuple[np.ndarray, np.ndarray | None]:
        """Return values and mask of a section: one input after the other is added."""
        shape = shape_of(section)
        total, weight = np.zeros(shape), np.zeros(shape)
        maps = iter(inputs[len(self.numbers) :])
        with np.errstate(all="ignore"):
            for pixels, number in zip(inputs, self.numbers, strict=False):
                values, mask = pixels.array(section)
                good = np.ones(shape, bool) if mask is None else mask
                own: Any = number
                if number < 0:
                    own, known = next(maps).array(section)
                    good = good & (own > 0) if known is None else good & known & (own > 0)
                if not good.any():
                    continue
                share = np.where(good, own, 0.0)
                total += np.where(good, values, 0) * share
                weight += share
            found = weight > 0
            result = np.where(found, total / np.where(found, weight, 1), 0)
        return result.astype(self.attrs.dtype), found
