"""Slices along a line on the sky: position and velocity."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from lattice.coords.extra import with_axis
from lattice.errors import LatticeRangeError, LatticeTypeError, ShapeMismatchError
from lattice.graph.attributes import Attributes
from lattice.graph.beams import warn_dropped
from lattice.graph.node import Node
from lattice.graph.records import FrozenArray
from lattice.graph.sections import Section, shape_of
from lattice.graph.types import is_real
from lattice.ops.collapse import collapse
from lattice.ops.resample import METHODS, Resample
from lattice.ops.transpose import transpose

__all__ = ["Path", "pv"]

_AT_ONCE = 64  # samples whose surroundings are read together: the box around a long oblique line is large


@dataclass(frozen=True)
class _Line:
    """Positions along a line through pixels, in rows beside each other, which are a pixel apart.

    Attributes
    ----------
    corners : FrozenArray
        Pixels on the two axes of each corner.
    count : int
        Samples along the line; their middle is that of the line.
    width : int
        Rows, an odd number.
    spacing : float
        Pixels from one sample to the next.
    """

    corners: FrozenArray
    count: int
    width: int
    spacing: float = 1.0

    @property
    def n_axes(self) -> int:
        """Two."""
        return 2

    def at(self, section: tuple[slice, ...]) -> tuple[np.ndarray, ...]:
        """Return the positions on both axes for some rows and samples."""
        across, along = (np.arange(s.start, s.stop, s.step, dtype=np.float64) for s in section)
        corners = self.corners.array
        steps = np.diff(corners, axis=0)
        lengths = np.hypot(*steps.T)
        ends = np.concatenate([[0], np.cumsum(lengths)])
        s = (along - (self.count - 1) / 2) * self.spacing + ends[-1] / 2
        k = np.clip(np.searchsorted(ends, s, side="right") - 1, 0, len(lengths) - 1)
        unit = steps / lengths[:, None]
        place = corners[k] + (s - ends[k])[:, None] * unit[k]
        beside = (across - (self.width - 1) / 2)[:, None]
        first = place[None, :, 0] + beside * unit[k, 1]
        second = place[None, :, 1] - beside * unit[k, 0]
        return first, second


def pv(
    x: Node,
    axes: tuple[int, int],
    corners: Sequence[tuple[float, float]],
    width: int = 1,
    *,
    method: str = "cubic",
    step: tuple[float, str] = (1.0, ""),
    samples: int | None = None,
) -> Node:
    """Return the values along a line.

    Parameters
    ----------
    x : Node
        A real lattice.
    axes : (int, int)
        Numpy numbers of the two axes in which the line lies, in rising order.
    corners : sequence of (float, float)
        Pixels on these axes: two, or more for a line that bends.
    width : int
        Rows, one pixel apart, of which the mean is taken: an odd number.
    method : {"cubic", "linear", "nearest", "lanczos"}
        How values between pixels are found, see `lattice.ops.resample.resample`.
    step : (float, str)
        What a pixel along the line is in coordinates, and their unit.
    samples : int, optional
        How many samples there are, from end to end; the default is one for each pixel.

    Returns
    -------
    Node
        The other axes, then ``offset``: samples evenly apart, centred on the middle of the line, labelled by
        their distance from the middle one (of an even number from the one before it). Bad where the line
        leaves x, and where a pixel that a value is made of is bad; of several rows the mean of those that are
        good. The unit stays, a beam too; beams of planes that differ are dropped, with a warning.

    Raises
    ------
    LatticeRangeError
        For corners outside of x, a line of no length, and a width that is not odd.
    """
    attrs = x.attrs
    shape = attrs.shape or ()
    if not shape or not is_real(attrs.dtype):
        raise LatticeTypeError(f"a slice is taken of real numbers, not of a {attrs.describe()}")
    if len(shape) < 2 or not 0 <= axes[0] < axes[1] < len(shape):
        raise ShapeMismatchError(f"a line lies in two axes of {attrs.describe()}, not in {list(axes)}")
    if method not in METHODS:
        raise LatticeRangeError(
            f"there is no interpolation {method!r}", hint=f"there are {', '.join(METHODS)}"
        )
    if width < 1 or width % 2 == 0:
        raise LatticeRangeError(f"a slice is an odd number of pixels wide, not {width}")
    points = _checked(corners, tuple(shape[a] for a in axes))
    steps = np.diff(points, axis=0)
    length = float(np.hypot(*steps.T).sum())
    straight = len(points) == 2 and bool((steps == 0).any())
    count = round(length) + 1 if straight and length == round(length) else 2 * round(length / 2) + 1
    spacing = 1.0
    if samples is not None:
        if samples < 2:
            raise LatticeRangeError(f"a slice has two samples at least, not {samples}")
        count, spacing = samples, length / (samples - 1)
    line = _Line(FrozenArray(points), count, width, spacing)
    made = tuple({axes[0]: width, axes[1]: count}.get(a, n) for a, n in enumerate(shape))
    dims = tuple({axes[0]: "across", axes[1]: "offset"}.get(a, d) for a, d in enumerate(attrs.dims))
    if len(set(dims)) < len(dims):
        raise ShapeMismatchError(f"the axes {', '.join(attrs.dims)} leave no room for one called offset")
    target = attrs.with_(shape=made, dims=dims, coords=None, beams=(), masked=True)
    rows: Node = Path((x,), axes, line, method, target)
    flat = collapse(rows, "mean", axes[0])
    last = axes[1] - 1
    order = (*(a for a in range(len(shape) - 1) if a != last), last)
    flat = transpose(flat, order)
    return _labelled(flat, attrs, axes, points, count, (step[0] * spacing, step[1]))


def _checked(corners: Sequence[tuple[float, float]], lengths: tuple[int, ...]) -> np.ndarray:
    """Return the corners of a line as an array, without those that stand on the one before."""
    points = np.array(corners, dtype=np.float64).reshape(-1, 2)
    if len(points) < 2 or not np.isfinite(points).all():
        raise LatticeRangeError("a line has two ends at least, with finite positions")
    for k, point in enumerate(points):
        if not all(-0.5 <= p <= n - 0.5 for p, n in zip(point, lengths, strict=True)):
            raise LatticeRangeError(
                f"corner {k} of the line, at pixel ({point[1]:.6g}, {point[0]:.6g}), is outside of the image"
            )
    moved = np.hypot(*np.diff(points, axis=0).T) > 0
    points = points[np.concatenate([[True], moved])]
    if len(points) < 2:
        raise LatticeRangeError("the line has no length: its ends are one place")
    return points


def _labelled(
    node: Node,
    own: Attributes,
    axes: tuple[int, int],
    points: np.ndarray,
    count: int,
    step: tuple[float, str],
) -> Node:
    """Return the slice with its coordinates, and the beam if all planes have the same."""
    from lattice.graph.node import Extend

    coords: Any = own.coords
    if coords is not None:
        middle = [round(float(v)) for v in points.mean(axis=0)]
        items = [slice(0, n, 1) for n in own.shape or ()]
        for a, p in zip(axes, middle, strict=True):
            items[a] = p  # type: ignore[call-overload]
        coords = with_axis(coords.subset(items), "linear", "offset", node.attrs.ndim - 1)
        number = coords.axes[-1].fits_axis
        new = {f"CDELT{number}": step[0], f"CRPIX{number}": (count - 1) // 2 + 1.0}
        header = [(key, new.get(key, value), comment) for key, value, comment in coords.header]
        if step[1]:
            header.append((f"CUNIT{number}", step[1], ""))
        moved = (*coords.axes[:-1], replace(coords.axes[-1], unit=step[1]))
        coords = replace(coords, axes=moved, header=tuple(header), _hash=None)
    beams = own.beams[:1] if len(set(own.beams)) == 1 else ()
    if own.beams and not beams:
        warn_dropped("a slice through planes of different beams has none")
    made: Node = Extend(node, tuple(range(node.attrs.ndim)), node.attrs.with_(coords=coords, beams=beams))
    return made


class Path(Resample):
    """Rows of samples along a line; fields: (x,), axes, line, method, attributes of the result."""

    __slots__ = ()
    name: ClassVar[str] = "pv"

    def show(self, x: str) -> str:
        """Return the call as one would write it if the language had it."""
        line: Any = self.mapping
        ends = " - ".join(f"({p[1]:.6g}, {p[0]:.6g})" for p in line.corners.array)
        return f"pv({x}, {ends}, width={line.width})"

    def access(self) -> tuple[bool, ...]:
        """Return that blocks should hold all rows, and be long along the line."""
        return tuple(a in self.axes for a in range(self.attrs.ndim))

    def scratch(self, shape: tuple[int, ...]) -> int:
        """Return the bytes of the samples, and of the box that is read at a time."""
        count = min(shape[self.axes[1]], _AT_ONCE)
        box = math.prod(
            min((self.children[0].attrs.shape or ())[a], count + shape[self.axes[0]] + 8) for a in self.axes
        )
        others = math.prod(n for a, n in enumerate(shape) if a not in self.axes)
        return super().scratch(shape) + others * box * (self.attrs.dtype.itemsize + 1)

    def evaluate(self, inputs: tuple[Any, ...], section: Section) -> tuple[np.ndarray, np.ndarray | None]:
        """Return values and mask of a section, some samples after the others."""
        axis = self.axes[1]
        count = shape_of(section)[axis]
        own = section[axis]
        if count <= _AT_ONCE:
            return super().evaluate(inputs, section)
        found = []
        for first in range(0, count, _AT_ONCE):
            last = min(count, first + _AT_ONCE) - 1
            part = slice(own.start + first * own.step, own.start + last * own.step + 1, own.step)
            found.append(super().evaluate(inputs, (*section[:axis], part, *section[axis + 1 :])))
        values = np.concatenate([v for v, _ in found], axis=axis)
        masks = [m for _, m in found if m is not None]
        return values, np.concatenate(masks, axis=axis) if masks else None
