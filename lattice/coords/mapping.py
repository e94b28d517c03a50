"""Where the pixels of one image lie in another: positions for resampling.

A map is an immutable value that gives the positions in the old image of any box of pixels of the new one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from lattice.coords.system import CoordinateSystem
from lattice.graph.records import FrozenArray

__all__ = ["LineMap", "PixelMap", "SkyMap", "same_frame"]

_STEP = 16  # pixels between the positions that are computed exactly
_NODES = 4  # positions from which one is interpolated, along each axis
_PRECISION = 1e-6  # pixels


class PixelMap(Protocol):
    """Positions in an image of the pixels of another one."""

    @property
    def n_axes(self) -> int:
        """Number of axes that are mapped together."""

    def at(self, section: tuple[slice, ...]) -> tuple[np.ndarray, ...]:
        """Return the positions along each axis, in the shape of the section; NaN where there is none."""


@dataclass(frozen=True)
class LineMap:
    """Positions along one axis, from a table.

    Attributes
    ----------
    positions : FrozenArray
        Position of each pixel of the new axis on the old one.
    """

    positions: FrozenArray

    @property
    def n_axes(self) -> int:
        """One."""
        return 1

    def at(self, section: tuple[slice, ...]) -> tuple[np.ndarray]:
        """Return the positions of a part of the axis."""
        return (self.positions.array[section[0]],)


def same_frame(a: CoordinateSystem, b: CoordinateSystem) -> bool:
    """Tell whether the sky axes of two images are in the same frame (so that longitudes are the same)."""
    mine, other = a.sky_frame, b.sky_frame
    if mine is None or other is None:
        return mine is other
    return bool(mine.is_equivalent_frame(other))


@dataclass(frozen=True)
class SkyMap:
    """Positions on the sky axes of an image of the pixels of another, whatever their projections and frames.

    Positions are computed exactly on a grid of every 16th pixel and interpolated in between by cubics
    (Lagrange's, through four neighbours each way), which is checked: where it is off by more than 1e-6 pixel,
    all are computed.  The grid belongs to the new image, so that positions do not depend on the box.

    Attributes
    ----------
    source, target : CoordinateSystem
        Of the old and the new image: their two sky axes, in the same order.
    """

    source: CoordinateSystem
    target: CoordinateSystem

    @property
    def n_axes(self) -> int:
        """Two."""
        return 2

    def at(self, section: tuple[slice, ...]) -> tuple[np.ndarray, ...]:
        """Return the positions along both axes for a box of pixels."""
        rows, columns = (np.arange(s.start, s.stop, s.step, dtype=np.float64) for s in section)
        if not rows.size or not columns.size:
            return (np.empty((rows.size, columns.size)),) * 2
        if rows.size * columns.size > 4 * _STEP * _STEP:
            found = self._interpolated(rows, columns)
            if found is not None:
                return found
        return self.exact(rows[:, None], columns[None, :])

    def exact(self, first: Any, second: Any) -> tuple[np.ndarray, ...]:
        """Return the positions of pixels, computed one by one.

        Parameters
        ----------
        first, second : array_like
            Pixels along the two axes of the new image; broadcast.
        """
        turned = self.target.kinds[0] == "longitude"
        y, x = (second, first) if turned else (first, second)
        with np.errstate(all="ignore"):
            if same_frame(self.source, self.target):
                found = self.source.lonlat_to_pixel(*self.target.pixel_to_lonlat(y, x))
            else:
                found = self._through_frames(y, x)
        return found[::-1] if turned else found

    def _through_frames(self, y: Any, x: Any) -> tuple[np.ndarray, np.ndarray]:
        lon, lat = self.target.pixel_to_lonlat(y, x)
        known = np.isfinite(lon) & np.isfinite(lat)
        out = np.full((2, *lon.shape), np.nan)
        if known.any():
            y, x = np.broadcast_arrays(np.asarray(y, np.float64), np.asarray(x, np.float64))
            out[:, known] = self.source.sky_to_pixel(self.target.pixel_to_sky(y[known], x[known]))
        return out[0], out[1]

    def _interpolated(self, rows: np.ndarray, columns: np.ndarray) -> tuple[np.ndarray, ...] | None:
        """Return positions from those of a grid, or None where that is not good enough."""
        (nodes_y, weights_y), (nodes_x, weights_x) = _cubics(rows), _cubics(columns)
        grid = self.exact(nodes_y[:, None], nodes_x[None, :])
        if not all(np.isfinite(g).all() for g in grid):
            return None
        # the middles of cells are where cubics are worst
        half_y, half_x = nodes_y[1:-2] + _STEP / 2, nodes_x[1:-2] + _STEP / 2
        at_y, at_x = (_weights_of(h, n) for h, n in ((half_y, nodes_y), (half_x, nodes_x)))
        for g, true in zip(grid, self.exact(half_y[:, None], half_x[None, :]), strict=True):
            error = np.abs(at_y @ g @ at_x.T - true)
            if not (error <= _PRECISION).all():
                return None
        return tuple(weights_y @ g @ weights_x.T for g in grid)


def _cubics(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the nodes of the grid around some pixels, and the weights with which they make each pixel."""
    first, last = int(pixels[0]) // _STEP - 1, int(pixels[-1]) // _STEP + 2
    nodes = np.arange(first, last + 1, dtype=np.float64) * _STEP
    return nodes, _weights_of(pixels, nodes)


def _weights_of(pixels: np.ndarray, nodes: np.ndarray) -> np.ndarray:
    """Return Lagrange's weights of the four nodes around each pixel, as a matrix."""
    places = (pixels - nodes[0]) / _STEP
    start = np.clip(np.floor(places).astype(int) - 1, 0, len(nodes) - _NODES)
    t = places - start
    out = np.zeros((len(pixels), len(nodes)))
    rows = np.arange(len(pixels))
    for k in range(_NODES):
        weight = np.ones(len(pixels))
        for j in range(_NODES):
            if j != k:
                weight *= (t - j) / (k - j)
        out[rows, start + k] = weight
    return out
