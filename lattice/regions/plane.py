"""Pixel regions that world regions turn into: an ellipse in a plane, and layers of regions."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from lattice.errors import RegionError
from lattice.graph.sections import Section, full, n_pixels, shape_of
from lattice.regions.base import OutsideError, Region, Shape, overlap, part_of, spread, thin, varies_in

__all__ = ["Layers", "PixelEllipse", "plane_mask"]

_ROUNDING = 1e-6  # a pixel on the edge belongs, also if positions were rounded to single precision


@dataclass(frozen=True)
class PixelEllipse(Region):
    """An ellipse in the plane of two axes, turned by any angle; all other axes are taken in full.

    A pixel belongs to it when its centre is inside or on the edge.

    Parameters
    ----------
    centre : tuple of float
        Pixel position of the centre on the two axes, the one of rows first.
    radii : tuple of float
        Half-axes in pixels: along rows and along columns before turning, in the order of `axes`.
    angle : float, optional
        Angle in degrees by which it is turned from the column axis to the row axis: counterclockwise when
        rows are counted upwards.
    shape : tuple of int, optional
        Shape of the lattice that it is made for; by default the first that it is applied to.
    axes : tuple of int, optional
        Numpy axes of rows and columns.

    Examples
    --------
    >>> from lattice.regions import PixelEllipse
    >>> ellipse = PixelEllipse((1, 2), (0.5, 2), shape=(3, 5))
    >>> ellipse.bounds()
    (slice(1, 2, 1), slice(0, 5, 1))
    """

    centre: tuple[float, float]
    radii: tuple[float, float]
    angle: float = 0.0
    shape: Shape | None = None
    axes: tuple[int, int] = (-2, -1)
    noun: ClassVar[str] = "ellipse"

    def __post_init__(self) -> None:
        for name in ("centre", "radii"):
            values = tuple(float(v) for v in getattr(self, name))
            if len(values) != 2 or not all(map(math.isfinite, values)):
                raise RegionError(f"the {name} of an ellipse is two finite numbers, not {values}")
            object.__setattr__(self, name, values)
        if min(self.radii) <= 0:
            raise RegionError(f"radii of an ellipse are above 0, not {self.radii}")
        if not math.isfinite(self.angle):
            raise RegionError(f"the angle of an ellipse must be finite, not {self.angle}")
        if self.shape is not None:
            shape = tuple(int(n) for n in self.shape)
            axes = tuple(a - len(shape) if a >= 0 else a for a in self.axes)
            if len(set(axes)) != 2 or not all(-len(shape) <= a < 0 for a in axes):
                raise RegionError(f"axes {self.axes} are no plane of a lattice of shape {shape}")
            object.__setattr__(self, "shape", shape)
            object.__setattr__(self, "axes", axes)

    def bounds(self) -> Section:
        return self._bounds

    @cached_property
    def _bounds(self) -> Section:
        shape = self._definite()
        cos, sin = self._turn
        box = list(full(shape))
        ry, rx = self.radii
        reaches = math.hypot(rx * sin, ry * cos), math.hypot(rx * cos, ry * sin)
        for axis, c, reach in zip(self.axes, self.centre, reaches, strict=True):
            start = max(0, math.ceil(c - reach * (1 + _ROUNDING)))
            stop = min(shape[axis], math.floor(c + reach * (1 + _ROUNDING)) + 1)
            if start >= stop:
                raise OutsideError(
                    f"the ellipse around row {self.centre[0]:g} and column {self.centre[1]:g} holds no pixel "
                    f"of a lattice of shape {shape}"
                )
            box[axis] = slice(start, stop, 1)
        return tuple(box)

    @property
    def _turn(self) -> tuple[float, float]:
        """Cosine and sine of the angle, exact for quarter turns."""
        quarter, rest = divmod(self.angle % 360, 90)
        cos, sin = math.cos(math.radians(rest)), math.sin(math.radians(rest))
        return [(cos, sin), (-sin, cos), (-cos, -sin), (sin, -cos)][int(quarter) % 4]

    def varies(self) -> frozenset[int]:
        return frozenset(self.axes)

    def mask(self, section: Section) -> np.ndarray:
        return plane_mask(self, section, self.axes, self._plane)

    def _plane(self, rows: slice, columns: slice) -> np.ndarray:
        """Return which pixels of a section of the plane belong."""
        cos, sin = self._turn
        dy, dx = (
            np.arange(part.start, part.stop, part.step, dtype=np.float64) - c
            for part, c in zip((rows, columns), self.centre, strict=True)
        )
        ry, rx = self.radii
        if sin == 0 or cos == 0:  # along the axes: one square per row and column
            across, down = (rx, ry) if sin == 0 else (ry, rx)
            return np.asarray((dx / across) ** 2 <= (1 + _ROUNDING) - ((dy / down) ** 2)[:, None])
        along = dx * (cos / rx) + (dy * (sin / rx))[:, None]
        along *= along
        beside = (dy * (cos / ry))[:, None] - dx * (sin / ry)
        beside *= beside
        along += beside
        return np.asarray(along <= 1 + _ROUNDING)


def plane_mask(
    region: Region, section: Section, axes: tuple[int, int], make: Callable[[slice, slice], np.ndarray]
) -> np.ndarray:
    """Return the mask of a region in the plane of two axes: one plane, repeated along all others.

    Parameters
    ----------
    region : Region
        The region; it remembers the planes of its last sections.
    section : tuple of slice
        Any section of the lattice.
    axes : tuple of int
        Axes of rows and columns, counted from the last.
    make : callable
        Gives which pixels of some rows and columns belong.
    """
    row, column = axes
    shape = shape_of(section)
    inside = overlap(section, region.bounds())
    if n_pixels(inside) == 0:
        return spread(_NOWHERE.reshape((1,) * len(shape)), shape)
    rows, columns = section[row], section[column]
    part = part_of(section, inside)
    box = tuple(region.bounds()[axis] for axis in axes)
    whole = None
    if n_pixels(box) <= _WHOLE and _wanted_whole(region, n_pixels((part[row], part[column])), n_pixels(box)):
        whole = region._remembered("whole", lambda: make(*box))

    def plane() -> np.ndarray:
        out = np.zeros((shape[row], shape[column]), bool)
        if whole is not None:
            out[inside[row], inside[column]] = whole[
                _within(part[row], box[0]), _within(part[column], box[1])
            ]
        else:
            out[inside[row], inside[column]] = make(part[row], part[column])
        return out

    if whole is not None and (part[row], part[column]) == (rows, columns):
        found = whole[_within(rows, box[0]), _within(columns, box[1])]
    else:
        key = (rows.start, rows.stop, rows.step, columns.start, columns.stop, columns.step)
        found = region._remembered(key, plane)
    if row > column:
        found = found.T
    others = [a for a in range(-len(section), 0) if a not in axes]
    return spread(np.expand_dims(found, others), shape)


_NOWHERE = np.zeros(1, bool)
_WHOLE = 1 << 22  # pixels of a plane that is made as a whole once so much of it was asked for


def _wanted_whole(region: Region, n: int, size: int) -> bool:
    """Tell whether so much of a region was asked for, part by part, that all of it costs no more."""
    asked = region.__dict__.get("_asked", 0) + n
    region.__dict__["_asked"] = asked
    return 2 * asked >= size


def _within(part: slice, box: slice) -> slice:
    """Return a part of a box, counted from where the box begins."""
    return slice(part.start - box.start, part.stop - box.start, part.step)


@dataclass(frozen=True)
class Layers(Region):
    """Regions of one lattice laid upon each other in order: each adds its pixels or takes them away.

    It does what a chain of ``|`` and ``-`` does, for any number of regions.

    Parameters
    ----------
    parts : sequence of (bool, Region)
        True adds, False takes away; the regions are fitted to the same lattice.
    """

    parts: tuple[tuple[bool, Region], ...]
    noun: ClassVar[str] = "list of regions"

    def __post_init__(self) -> None:
        object.__setattr__(self, "parts", tuple((bool(adds), region) for adds, region in self.parts))
        if not any(adds for adds, _ in self.parts):
            raise RegionError("a list of regions needs one that adds pixels")
        if len({region.shape for _, region in self.parts}) > 1:
            raise RegionError("regions made for lattices of different shapes do not combine")
        self._definite()

    @property
    def shape(self) -> Shape:
        """Shape of the lattice."""
        return self.parts[0][1].shape

    @property
    def has_mask(self) -> bool:
        """False for a single box."""
        return len(self.parts) > 1 or self.parts[0][1].has_mask

    def bounds(self) -> Section:
        return self._bounds

    @cached_property
    def _bounds(self) -> Section:
        boxes = [region.bounds() for adds, region in self.parts if adds]
        return tuple(
            slice(min(s.start for s in ss), max(s.stop for s in ss), 1) for ss in zip(*boxes, strict=True)
        )

    def varies(self) -> frozenset[int]:
        box = self.bounds()
        return frozenset().union(*(varies_in(region, box) for _, region in self.parts))

    def mask(self, section: Section) -> np.ndarray:
        shape = shape_of(section)
        found: list[tuple[bool, Section, np.ndarray]] = []
        alike = [True] * len(shape)  # axes on which no part differs from pixel to pixel
        for adds, region in self.parts:
            inside = overlap(section, region.bounds())
            if n_pixels(inside) == 0:
                continue
            hits = thin(region.mask(part_of(section, inside)))
            found.append((adds, inside, hits))
            for axis, n in enumerate(shape):
                alike[axis] &= hits.shape[axis] == 1 and shape_of(inside)[axis] == n
        out = np.zeros([1 if same else n for same, n in zip(alike, shape, strict=True)], bool)
        for adds, inside, hits in found:
            at = tuple(slice(0, 1) if same else i for same, i in zip(alike, inside, strict=True))
            if adds:
                out[at] |= hits
            else:
                out[at] &= ~hits
        return spread(out, shape)
