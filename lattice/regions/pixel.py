"""Regions in pixels: boxes, ellipsoids, polygons, slicers and stored masks.

A region gives a box of pixels and, unless it is a plain box, a mask of any section of the lattice; a mask
of the whole lattice is never made.  All positions are pixel numbers from 0, slowest axis first.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from lattice.errors import LatticeTypeError, RegionError
from lattice.graph.attributes import Attributes
from lattice.graph.protocols import Reader
from lattice.graph.sections import Section, full, n_pixels, shape_of, split
from lattice.regions.base import OutsideError, Region, Shape, lattice_shape, overlap, spread
from lattice.regions.compound import And, Complement, Difference, Or
from lattice.regions.plane import plane_mask

__all__ = [
    "And",
    "Complement",
    "Difference",
    "MaskRegion",
    "Or",
    "PixelBox",
    "PixelEllipsoid",
    "PixelPolygon",
    "Region",
    "Slicer",
]

# A pixel on the edge belongs, also if positions were rounded to single precision.
_ROUNDING = 1e-6
_PIECE = 1 << 22  # pixels of a polygon looked at at once when its box is cut down


def _integers(values: Any, what: str) -> Shape:
    """Return pixel positions as integers, fractions rounded to the nearest, halves up."""
    try:
        numbers = [float(v) for v in np.atleast_1d(np.asarray(values, dtype=float))]
    except (TypeError, ValueError):
        raise LatticeTypeError(f"{what} is a sequence of numbers, not {values!r}") from None
    if not all(math.isfinite(v) for v in numbers):
        raise RegionError(f"{what} is a sequence of finite numbers, not {tuple(numbers)}")
    return tuple(math.floor(v + 0.5) for v in numbers)


def _reals(values: Any, what: str) -> tuple[float, ...]:
    try:
        numbers = tuple(float(v) for v in np.atleast_1d(np.asarray(values, dtype=float)))
    except (TypeError, ValueError):
        raise LatticeTypeError(f"{what} is a sequence of numbers, not {values!r}") from None
    if not all(math.isfinite(v) for v in numbers):
        raise RegionError(f"{what} is a sequence of finite numbers, not {numbers}")
    return numbers


def _shape(shape: Sequence[int] | None, noun: str, n_axes: int) -> Shape | None:
    """Return a shape as a tuple, checked against the number of axes of the region."""
    if shape is None:
        return None
    lengths = tuple(int(n) for n in shape)
    if len(lengths) != n_axes:
        raise RegionError(f"a {noun} with {n_axes} axes cannot be fitted to a lattice of shape {lengths}")
    return lengths


def _box(blc: Shape, trc: Shape, inc: Shape, shape: Shape, noun: str) -> Section:
    """Return the section of a box with both corners, clipped to a lattice."""
    section = []
    for axis, (first, last, step, n) in enumerate(zip(blc, trc, inc, shape, strict=True)):
        start = first if first >= 0 else first % step if step > 1 else 0
        stop = min(last, n - 1)
        if start > stop:
            raise OutsideError(
                f"the {noun} from {blc} to {trc} has no pixel in a lattice of shape {shape}",
                hint=f"on axis {axis} it goes from pixel {first} to {last}, the lattice from 0 to {n - 1}",
            )
        section.append(slice(start, start + (stop - start) // step * step + 1, step))
    return tuple(section)


def _corners(blc: Any, trc: Any, inc: Any, noun: str) -> tuple[Shape, Shape, Shape | None]:
    first, last = _integers(blc, "blc"), _integers(trc, "trc")
    steps = None if inc is None else _integers(inc, "inc")
    if len({len(first), len(last), len(steps or first)}) > 1:
        raise RegionError(
            f"the corners of a {noun} need the same number of axes, not {len(first)} and {len(last)}"
            + ("" if steps is None else f" with {len(steps)} increments")
        )
    if any(a > b for a, b in zip(first, last, strict=True)):
        raise RegionError(
            f"the {noun} from {first} to {last} ends before it starts", hint="both corners are included"
        )
    if steps is not None and any(k < 1 for k in steps):
        raise RegionError(f"increments of a {noun} are at least 1, not {steps}")
    return first, last, steps


@dataclass(frozen=True)
class PixelBox(Region):
    """A box of pixels; both corners belong to it.

    Parameters
    ----------
    blc, trc : sequence of int
        First and last pixel on each axis, slowest axis first; fractions are rounded to the nearest pixel.
        What lies outside the lattice is cut off.
    inc : sequence of int, optional
        Take every inc-th pixel only. Such a box cannot be part of a compound.
    shape : tuple of int, optional
        Shape of the lattice that it is made for; by default the first that it is applied to.

    Examples
    --------
    >>> from lattice.regions import PixelBox
    >>> box = PixelBox((0, 1), (1, 9), shape=(3, 4))
    >>> box.bounds()
    (slice(0, 2, 1), slice(1, 4, 1))
    >>> (box & PixelBox((1, 0), (2, 2))).bounds()
    (slice(1, 2, 1), slice(1, 3, 1))
    """

    blc: Shape
    trc: Shape
    inc: Shape | None = None
    shape: Shape | None = None
    noun: ClassVar[str] = "box"

    def __post_init__(self) -> None:
        blc, trc, inc = _corners(self.blc, self.trc, self.inc, "box")
        inc = None if inc is None or all(k == 1 for k in inc) else inc
        for name, value in (("blc", blc), ("trc", trc), ("inc", inc)):
            object.__setattr__(self, name, value)
        object.__setattr__(self, "shape", _shape(self.shape, "box", len(blc)))

    @property
    def has_mask(self) -> bool:
        """False: all pixels of the box belong to it."""
        return False

    def bounds(self) -> Section:
        inc = self.inc or (1,) * len(self.blc)
        return _box(self.blc, self.trc, inc, self._definite(), "box")

    def varies(self) -> frozenset[int]:
        return frozenset()

    def mask(self, section: Section) -> np.ndarray:
        return _box_mask(self.bounds(), section)


def _box_mask(bounds: Section, section: Section) -> np.ndarray:
    """Return which pixels of a section belong to a box."""
    shape = shape_of(section)
    inside = overlap(section, bounds)
    if all(b.step == 1 for b in bounds):
        # One pixel stands for all on axes that the box fills.
        cut = [shape_of(inside)[axis] < n for axis, n in enumerate(shape)]
        row = np.zeros([n if c else min(n, 1) for n, c in zip(shape, cut, strict=True)], bool)
        row[tuple(i if c else slice(None) for i, c in zip(inside, cut, strict=True))] = True
        return spread(row, shape)
    out = np.zeros(shape, bool)
    hits = []
    for s, b, i in zip(section, bounds, inside, strict=True):
        pixels = s.start + s.step * np.arange(i.start, i.stop)
        hits.append(i.start + np.flatnonzero((pixels - b.start) % b.step == 0))
    out[np.ix_(*hits)] = True
    return out


@dataclass(frozen=True)
class Slicer(Region):
    """A box, strided if wanted, that fits any lattice of enough axes.

    Its axes are the fastest axes of the lattice, slower ones are taken in full.  An end beyond the lattice
    is cut off.  Slicers cannot be part of a compound.

    Parameters
    ----------
    blc, trc : sequence of int
        First and last pixel on each axis, slowest axis first; the last is included.
    inc : sequence of int, optional
        Strides; 1 by default.
    shape : tuple of int, optional
        Shape of the lattice at hand; `fit` fills it in.

    Examples
    --------
    >>> from lattice.regions import Slicer
    >>> Slicer((0, 1), (9, 9), (1, 2), shape=(5, 3, 4)).bounds()
    (slice(0, 5, 1), slice(0, 3, 1), slice(1, 4, 2))
    """

    blc: Shape
    trc: Shape
    inc: Shape | None = None
    shape: Shape | None = None
    kind: ClassVar[str] = "slicer"
    noun: ClassVar[str] = "slicer"

    def __post_init__(self) -> None:
        blc, trc, inc = _corners(self.blc, self.trc, self.inc, "slicer")
        if any(b < 0 for b in blc):
            raise RegionError(f"a slicer starts at pixel 0 or later, not at {blc}")
        for name, value in (("blc", blc), ("trc", trc), ("inc", inc)):
            object.__setattr__(self, name, value)
        if self.shape is not None:
            object.__setattr__(self, "shape", tuple(int(n) for n in self.shape))
            if len(self.shape) < len(blc):
                raise RegionError(
                    f"a slicer of {len(blc)} axes does not fit a lattice of fewer: its shape is {self.shape}"
                )

    @property
    def has_mask(self) -> bool:
        """False: a slicer only picks pixels."""
        return False

    def fit(self, attrs: Attributes) -> Slicer:
        """Return the slicer for a lattice of any shape.

        Raises
        ------
        RegionError
            When the lattice has fewer axes, or ends before the slicer starts.
        """
        fitted = replace(self, shape=lattice_shape(attrs))
        fitted.bounds()
        return fitted

    def bounds(self) -> Section:
        shape = self._definite()
        free = len(shape) - len(self.blc)
        inc = self.inc or (1,) * len(self.blc)
        return full(shape[:free]) + _box(self.blc, self.trc, inc, shape[free:], "slicer")

    def varies(self) -> frozenset[int]:
        return frozenset()

    def mask(self, section: Section) -> np.ndarray:
        return _box_mask(self.bounds(), section)


@dataclass(frozen=True)
class PixelEllipsoid(Region):
    """An ellipsoid with axes along those of the lattice.

    A pixel p belongs to it when sum(((p - centre) / radii)^2) is at most 1. The box holds every pixel whose
    position on each axis is within the radius, cut off at the edges of the lattice.

    Parameters
    ----------
    centre : sequence of float
        Pixel position of the centre, slowest axis first.
    radii : sequence of float
        Half-axes in pixels; one number stands for all.
    shape : tuple of int, optional
        Shape of the lattice that it is made for; by default the first that it is applied to.

    Examples
    --------
    >>> from lattice.regions import PixelEllipsoid
    >>> disc = PixelEllipsoid((2, 2), 1, shape=(5, 5))
    >>> disc.mask(disc.bounds()).astype(int)
    array([[0, 1, 0],
           [1, 1, 1],
           [0, 1, 0]])
    """

    centre: tuple[float, ...]
    radii: tuple[float, ...]
    shape: Shape | None = None
    noun: ClassVar[str] = "ellipsoid"

    def __post_init__(self) -> None:
        centre, radii = _reals(self.centre, "centre"), _reals(self.radii, "radii")
        if len(radii) == 1:
            radii *= len(centre)
        if len(radii) != len(centre):
            raise RegionError(f"an ellipsoid needs one radius per axis: {len(centre)}, not {len(radii)}")
        if any(r <= 0 for r in radii):
            raise RegionError(f"radii of an ellipsoid are above 0, not {radii}")
        object.__setattr__(self, "centre", centre)
        object.__setattr__(self, "radii", radii)
        object.__setattr__(self, "shape", _shape(self.shape, "ellipsoid", len(centre)))

    def bounds(self) -> Section:
        section = []
        shape = self._definite()
        for c, r, n in zip(self.centre, self.radii, shape, strict=True):
            reach = r * math.sqrt(1 + _ROUNDING)
            start, stop = max(0, math.ceil(c - reach)), min(n, math.floor(c + reach) + 1)
            if start >= stop:
                raise OutsideError(
                    f"the ellipsoid at {self.centre} with radii {self.radii} holds no pixel "
                    f"of a lattice of shape {shape}"
                )
            section.append(slice(start, stop, 1))
        return tuple(section)

    def mask(self, section: Section) -> np.ndarray:
        out = np.zeros(shape_of(section), bool)
        inside = overlap(section, self.bounds())
        if n_pixels(inside) == 0:
            return out
        room: Any = 1 + _ROUNDING
        squares: Any = 0.0
        for axis, (s, i, c, r) in enumerate(zip(section, inside, self.centre, self.radii, strict=True)):
            pixels = s.start + s.step * np.arange(i.start, i.stop, dtype=np.float64)
            squares = (((pixels - c) / r) ** 2).reshape((-1,) + (1,) * (len(section) - 1 - axis))
            if axis < len(section) - 1:
                room = room - squares
        # Comparing what is left for the fastest axis needs no array of doubles of the section's size.
        np.less_equal(squares, room, out=out[inside])
        return out


@dataclass(frozen=True)
class PixelPolygon(Region):
    """A polygon in the plane of two axes, by default the last two.

    A pixel belongs to it when its centre is inside or on an edge; where edges cross, what is enclosed an even
    number of times is outside.  The box is cut down to the pixels that belong.

    Parameters
    ----------
    x, y : sequence of float
        Pixel positions of the corners on the last axis and on the one before; the last corner is joined to
        the first.
    shape : tuple of int, optional
        Shape of the lattice that it is made for; by default the first that it is applied to.
    axes : tuple of int, optional
        Numpy axes of y and of x; all others are taken in full.

    Examples
    --------
    >>> from lattice.regions import PixelPolygon
    >>> triangle = PixelPolygon(x=(-0.4, 3.4, -0.4), y=(-0.4, -0.4, 2.6), shape=(3, 4))
    >>> triangle.mask(triangle.bounds()).astype(int)
    array([[1, 1, 1],
           [1, 1, 0],
           [1, 0, 0]])
    """

    x: tuple[float, ...]
    y: tuple[float, ...]
    shape: Shape | None = None
    axes: tuple[int, int] = (-2, -1)
    noun: ClassVar[str] = "polygon"

    def __post_init__(self) -> None:
        x, y = _reals(self.x, "x"), _reals(self.y, "y")
        if len(x) != len(y):
            raise RegionError(f"a polygon needs as many x as y, not {len(x)} and {len(y)}")
        if len(set(zip(x, y, strict=True))) < 3:
            raise RegionError("a polygon needs three different corners")
        shape = None if self.shape is None else tuple(int(n) for n in self.shape)
        if shape is not None:
            if len(shape) < 2:
                raise RegionError(f"a polygon needs a lattice of two axes, not of shape {shape}")
            axes = tuple(a - len(shape) if a >= 0 else a for a in self.axes)
            if len(set(axes)) < 2 or not all(-len(shape) <= a < 0 for a in axes):
                raise RegionError(f"axes {self.axes} are no plane of a lattice of shape {shape}")
            object.__setattr__(self, "axes", axes)
        for name, value in (("x", x), ("y", y), ("shape", shape)):
            object.__setattr__(self, name, value)

    def bounds(self) -> Section:
        return self._bounds

    @cached_property
    def _bounds(self) -> Section:
        shape = self._definite()
        plane = []
        for positions, n in ((self.y, shape[self.axes[0]]), (self.x, shape[self.axes[1]])):
            start = max(0, math.ceil(min(positions) - _ROUNDING))
            stop = min(n, math.floor(max(positions) + _ROUNDING) + 1)
            plane.append(slice(start, max(start, stop), 1))
        rows: list[int] = []
        columns: list[int] = []
        for piece in split(tuple(plane), _PIECE) if n_pixels(tuple(plane)) else ():
            hits = self._plane(*piece)
            found = np.flatnonzero(hits.any(axis=1))
            if found.size:
                across = np.flatnonzero(hits.any(axis=0))
                rows += [piece[0].start + int(found[0]), piece[0].start + int(found[-1])]
                columns += [piece[1].start + int(across[0]), piece[1].start + int(across[-1])]
        if not rows:
            raise OutsideError(f"the polygon holds the centre of no pixel of a lattice of shape {shape}")
        box = list(full(shape))
        box[self.axes[0]] = slice(min(rows), max(rows) + 1, 1)
        box[self.axes[1]] = slice(min(columns), max(columns) + 1, 1)
        return tuple(box)

    def varies(self) -> frozenset[int]:
        return frozenset(self.axes)

    def mask(self, section: Section) -> np.ndarray:
        return plane_mask(self, section, self.axes, self._plane)

    def _edges(self) -> Iterator[tuple[float, float, float, float]]:
        for i in range(len(self.x)):
            yield self.x[i - 1], self.y[i - 1], self.x[i], self.y[i]

    def _plane(self, rows: slice, columns: slice) -> np.ndarray:
        """Return which pixels of a section of the plane belong."""
        ys = np.arange(rows.start, rows.stop, rows.step, dtype=np.float64)
        xs = np.arange(columns.start, columns.stop, columns.step, dtype=np.float64)
        # Each edge changes inside to outside from where it crosses a row onwards.
        toggles = np.zeros((ys.size, xs.size + 1), np.uint8)
        on_edge = []
        for xa, ya, xb, yb in self._edges():
            low, high = min(ya, yb), max(ya, yb)
            first = int(np.searchsorted(ys, low - _ROUNDING))
            last = int(np.searchsorted(ys, high + _ROUNDING, "right"))
            near = ys[first:last]
            if high - low <= _ROUNDING:
                on_edge += [(first + i, min(xa, xb), max(xa, xb)) for i in range(near.size)]
                continue
            fraction = np.clip((near - ya) / (yb - ya), 0, 1)
            at = xa + fraction * (xb - xa)
            crossed = (near >= low) & (near < high)
            index = np.searchsorted(xs, at[crossed])
            toggles[first + np.flatnonzero(crossed), index] ^= 1
            hits = np.flatnonzero(np.abs(at - np.rint(at)) <= _ROUNDING)
            on_edge += [(first + int(i), float(at[i]), float(at[i])) for i in hits]
        inside = np.bitwise_xor.accumulate(toggles, axis=1)[:, :-1].view(bool)
        for row, x0, x1 in on_edge:
            start, stop = np.searchsorted(xs, x0 - _ROUNDING), np.searchsorted(xs, x1 + _ROUNDING, "right")
            inside[row, start:stop] = True
        return inside


class _MemoryMask:
    """A Bool array as a Reader; equal arrays are equal regions."""

    direct = True
    label = "mask"

    def __init__(self, values: np.ndarray) -> None:
        self.values = np.array(values, order="C")  # a copy: the region is a value
        self.values.flags.writeable = False
        self.shape = self.tile = self.values.shape
        self.dtype = self.values.dtype
        digest = hashlib.blake2b(self.values.data, digest_size=16)
        self.token = f"mask-{digest.hexdigest()}-{self.shape}"

    def read(self, section: Section, out: np.ndarray | None = None) -> np.ndarray:
        if out is None:
            return self.values[section]
        np.copyto(out, self.values[section])
        return out

    def bytes_read(self, section: Section) -> int:
        return n_pixels(section)

    def __dask_tokenize__(self) -> str:
        return self.token


@dataclass(frozen=True, eq=False)
class MaskRegion(Region):
    """A mask as a region; its box is the whole lattice.

    Parameters
    ----------
    reader : Reader or array_like
        The mask, True = belongs to the region: stored, read by section, or an array of truth values.

    Examples
    --------
    >>> import numpy as np
    >>> from lattice.regions import MaskRegion
    >>> odd = MaskRegion(np.arange(6).reshape(2, 3) % 2 == 1)
    >>> odd.bounds()
    (slice(0, 2, 1), slice(0, 3, 1))
    >>> (~odd).mask((slice(1, 2, 1), slice(0, 3, 1)))
    array([[False,  True, False]])
    """

    reader: Reader
    noun: ClassVar[str] = "mask"

    def __post_init__(self) -> None:
        reader: Any = self.reader
        if not hasattr(reader, "read"):
            values = np.asarray(reader)
            if values.dtype != bool:
                raise LatticeTypeError(f"a mask region is made of truth values, not of {values.dtype}")
            reader = _MemoryMask(values)
            object.__setattr__(self, "reader", reader)
        if reader.dtype != bool:
            raise LatticeTypeError(f"a mask region is made of truth values, not of {reader.dtype}")
        if not reader.shape:
            raise RegionError("a mask region needs at least one axis")

    @property
    def shape(self) -> Shape:
        """Shape of the mask."""
        return tuple(self.reader.shape)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, MaskRegion) and other.reader.token == self.reader.token

    def __hash__(self) -> int:
        return hash((MaskRegion, self.reader.token))

    def bounds(self) -> Section:
        return full(self.shape)

    def mask(self, section: Section) -> np.ndarray:
        return self.reader.read(section)
