"""Where the pixels of one image lie in another: positions for resampling.

A map is an immutable value that gives the positions in the old image of any box of pixels of the new one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

import numpy as np

from lattice.coords.system import CoordinateSystem
from lattice.graph.records import FrozenArray
from lattice.native.gathered import gathered
from lattice.native.machine import pays

__all__ = ["LineMap", "PixelMap", "SkyMap", "same_frame"]

_STEP = 16  # pixels between the positions that are computed exactly
_CELLS = 32  # steps along each side of a tile that is computed at once
_NODES = 4  # positions from which one is interpolated, along each axis
_PRECISION = 1e-6  # pixels
_AT_ONCE = 8  # rows, which stay in the cache beside each other


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
    (Lagrange's, through four neighbours each way), which is checked tile by tile of 512 pixels: where it is
    off by more than 1e-6 pixel, all are computed.  The grid belongs to the new image, so that positions do
    not depend on the box, and tiles are kept, so that blocks of other channels find them made.

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
        if rows.size * columns.size <= 4 * _STEP * _STEP:
            return self.exact(rows[:, None], columns[None, :])
        out = np.empty((2, rows.size, columns.size))
        compiled = pays(out.size)
        for row, y in _runs(rows):
            for column, x in _runs(columns):
                grid = _tile(self, row, column)
                if grid is None:
                    out[:, y, x] = self.exact(rows[y, None], columns[None, x])
                    continue
                weights_y = _weights_of(rows[y], _nodes_of(row))
                weights_x = _weights_of(columns[x], _nodes_of(column))
                for found, g in zip(out, grid, strict=True):
                    _between(g, weights_y, weights_x, found[y, x], compiled)
        return out[0], out[1]

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


@lru_cache(maxsize=64)
def _tile(mapping: SkyMap, row: int, column: int) -> tuple[np.ndarray, ...] | None:
    """Return the positions at the nodes in and around a tile; None where cubics are not enough."""
    nodes_y, nodes_x = (_nodes_of(k) for k in (row, column))
    grid = mapping.exact(nodes_y[:, None], nodes_x[None, :])
    if not all(np.isfinite(g).all() for g in grid):
        return None
    # the middles of cells are where cubics are worst
    half_y, half_x = nodes_y[1:-2] + _STEP / 2, nodes_x[1:-2] + _STEP / 2
    at_y, at_x = (_weights_of(h, n) for h, n in ((half_y, nodes_y), (half_x, nodes_x)))
    found = np.empty((len(half_y), len(half_x)))
    for g, true in zip(grid, mapping.exact(half_y[:, None], half_x[None, :]), strict=True):
        _between(g, at_y, at_x, found, False)
        if not (np.abs(found - true) <= _PRECISION).all():
            return None
    return grid


def _nodes_of(tile: int) -> np.ndarray:
    """Return the nodes in a tile along an axis, and those around that are needed between them."""
    return (tile * _CELLS - 1 + np.arange(_CELLS + 3)) * float(_STEP)


def _runs(pixels: np.ndarray) -> Iterator[tuple[int, slice]]:
    """Yield the tiles along an axis in which rising pixels lie, and which of them."""
    tiles = pixels // (_STEP * _CELLS)
    for tile in np.unique(tiles):
        first, stop = np.searchsorted(tiles, [tile, tile + 1])
        yield int(tile), slice(int(first), int(stop))


def _weights_of(pixels: np.ndarray, nodes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return for each pixel the first of the four nodes around it, and Lagrange's weights of these."""
    places = (pixels - nodes[0]) / _STEP
    first = np.clip(np.floor(places).astype(np.int32) - 1, 0, len(nodes) - _NODES)
    t = places - first
    weights = np.ones((_NODES, len(pixels)))
    for k in range(_NODES):
        for j in range(_NODES):
            if j != k:
                weights[k] *= (t - j) / (k - j)
    return first, weights


def _between(
    grid: np.ndarray,
    down: tuple[np.ndarray, np.ndarray],
    across: tuple[np.ndarray, np.ndarray],
    out: np.ndarray,
    compiled: bool,
) -> None:
    """Fill positions from those at nodes: first along columns, for the nodes only, then along rows."""
    first, weights = down
    lines = sum((weights[k, :, None] * grid[first + k] for k in range(_NODES)), np.zeros(()))
    one = np.ones((1, out.shape[1]))
    for row in range(0, len(out), _AT_ONCE):
        part = slice(row, row + _AT_ONCE)
        if compiled:
            gathered(out[part], lines[part], across[0], 0, one, across[1], compiled)
            continue
        out[part] = 0
        for k in range(_NODES):
            out[part] += lines[part].take(across[0] + k, axis=1) * across[1][k]
