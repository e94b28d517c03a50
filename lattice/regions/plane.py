"""Pixel regions that world regions turn into: an ellipse in a plane, and layers of regions."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from lattice.errors import RegionError
from lattice.graph.sections import Section, full, n_pixels, shape_of
from lattice.regions.base import OutsideError, Region, Shape, overlap, part_of

__all__ = ["Layers", "PixelEllipse"]

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

    def mask(self, section: Section) -> np.ndarray:
        out = np.zeros(shape_of(section), bool)
        inside = overlap(section, self.bounds())
        if n_pixels(inside) == 0:
            return out
        part = part_of(section, inside)
        row, column = self.axes
        cos, sin = self._turn
        dy, dx = (
            np.arange(part[axis].start, part[axis].stop, part[axis].step, dtype=np.float64) - c
            for axis, c in zip(self.axes, self.centre, strict=True)
        )
        ry, rx = self.radii
        if sin == 0 or cos == 0:  # along the axes: one square per row and column
            across, down = (rx, ry) if sin == 0 else (ry, rx)
            plane = (dx / across) ** 2 <= (1 + _ROUNDING) - ((dy / down) ** 2)[:, None]
        else:
            along = dx * (cos / rx) + (dy * (sin / rx))[:, None]
            along *= along
            beside = (dy * (cos / ry))[:, None] - dx * (sin / ry)
            beside *= beside
            along += beside
            plane = along <= 1 + _ROUNDING
        if row > column:
            plane = plane.T
        out[inside] = np.expand_dims(plane, [a for a in range(-len(section), 0) if a not in self.axes])
        return out


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

    def mask(self, section: Section) -> np.ndarray:
        out = np.zeros(shape_of(section), bool)
        for adds, region in self.parts:
            inside = overlap(section, region.bounds())
            if n_pixels(inside) == 0:
                continue
            hits = region.mask(part_of(section, inside))
            if adds:
                out[inside] |= hits
            else:
                out[inside] &= ~hits
        return out
