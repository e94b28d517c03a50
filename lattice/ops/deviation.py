"""Maps of statistics around each pixel: noise, background."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

import numpy as np

from lattice.errors import LatticeRangeError, LatticeTypeError, ShapeMismatchError, suggest
from lattice.graph.node import Node, Operation
from lattice.graph.sections import Section, shape_of
from lattice.graph.types import is_real
from lattice.ops.taps import has_all, weights_along

__all__ = ["STATISTICS", "Deviation", "Window", "deviation"]

_PIXELS = 1 << 20  # of windows that are put beside each other at a time
_INTERPOLATIONS = ("cubic", "linear", "nearest")
_ROUNDS = 1000  # of clipping: each takes one pixel at least, and few are needed


@dataclass(frozen=True)
class Window:
    """Which pixels make a statistic, and where these are taken.

    Attributes
    ----------
    size : (float, float)
        Lengths of a box in pixels along both axes; of a circle its diameter, twice.
    circle : bool
        Whether it is a circle.
    grid : (int, int)
        Pixels between the places of statistics.
    anchor : (int, int)
        One of the places.
    """

    size: tuple[float, float]
    circle: bool = False
    grid: tuple[int, int] = (1, 1)
    anchor: tuple[int, int] = (0, 0)

    @property
    def half(self) -> tuple[int, int]:
        """Pixels on either side of the middle one."""
        return math.floor(self.size[0] / 2 + 1e-9), math.floor(self.size[1] / 2 + 1e-9)

    def inside(self) -> np.ndarray:
        """Return which pixels of the box belong to it."""
        y, x = (np.arange(-h, h + 1) for h in self.half)
        if not self.circle:
            return np.ones((y.size, x.size), bool)
        radius = self.size[0] / 2
        return y[:, None] ** 2 + x[None, :] ** 2 <= radius**2 * (1 + 1e-9)

    def places(self, axis: int, n: int) -> np.ndarray:
        """Return the pixels of an axis of length n at which there are statistics."""
        step, anchor = self.grid[axis], self.anchor[axis]
        return np.arange(anchor % step, n, step)


def deviation(
    x: Node,
    axes: tuple[int, int],
    window: Window,
    statistic: str = "sigma",
    *,
    interpolation: str = "cubic",
    clip: tuple[float | None, int] | None = None,
) -> Node:
    """Return a statistic of the pixels around each one.

    Parameters
    ----------
    x : Node
        A real lattice.
    axes : (int, int)
        Numpy numbers of the plane, in rising order.
    window : Window
        Pixels that count, cut at the edges of x, and the grid on which statistics are taken.
    statistic : str
        One of `STATISTICS`.
    interpolation : {"cubic", "linear", "nearest"}
        Between the places of the grid; beyond the last ones lines go on.
    clip : (float or None, int), optional
        Leave out pixels that are further from the mean than so many standard deviations (None: by
        Chauvenet's criterion), again and again until none is, or so often (-1: no limit).

    Returns
    -------
    Node
        Bad where x is, and where a place of the grid that counts has no pixel. Coordinates and beams are
        those of x, and the unit, but for counts, sums of squares and variances.

    Raises
    ------
    LatticeTypeError
        When x is not real.
    LatticeRangeError
        For windows of no pixel, grids without steps, and unknown names.
    """
    attrs = x.attrs
    shape = attrs.shape or ()
    if not shape or not is_real(attrs.dtype):
        raise LatticeTypeError(f"statistics are taken of real numbers, not of a {attrs.describe()}")
    if len(shape) < 2 or not 0 <= axes[0] < axes[1] < len(shape):
        raise ShapeMismatchError(f"{list(axes)} are not two axes of a {attrs.describe()}")
    name = _ALIASES.get(statistic, statistic)
    if name not in STATISTICS:
        raise LatticeRangeError(
            f"there is no statistic {statistic!r}", hint=suggest(statistic, [*STATISTICS, *_ALIASES])
        )
    if interpolation not in _INTERPOLATIONS:
        raise LatticeRangeError(
            f"there is no interpolation {interpolation!r}", hint=f"there are {', '.join(_INTERPOLATIONS)}"
        )
    if not all(math.isfinite(s) and s > 0 for s in window.size):
        raise LatticeRangeError(f"a window of {window.size[1]:g} by {window.size[0]:g} pixels holds none")
    if min(window.grid) < 1:
        raise LatticeRangeError(f"the steps of a grid are above 0, unlike {window.grid}")
    if clip is not None and clip[0] is not None and not clip[0] > 0:
        raise LatticeRangeError(f"pixels are clipped at a number of deviations above 0, not {clip[0]!r}")
    lengths = tuple(shape[a] for a in axes)
    if not all(len(window.places(i, n)) for i, n in enumerate(lengths)):
        raise LatticeRangeError(f"a grid of {window.grid} has no place in {lengths} pixels")
    node: Node = Deviation((x,), axes, window, name, interpolation, clip)
    return node


class Deviation(Operation):
    """A statistic around pixels; fields: (x,), axes, window, statistic, interpolation, clip."""

    __slots__ = ("axes", "clip", "interpolation", "statistic", "window")
    name: ClassVar[str] = "deviation"
    axes: tuple[int, int]
    window: Window
    statistic: str
    interpolation: str
    clip: tuple[float | None, int] | None

    def _build(
        self,
        children: tuple[Node, ...],
        axes: tuple[int, int],
        window: Window,
        statistic: str,
        interpolation: str,
        clip: tuple[float | None, int] | None,
    ) -> None:
        own = children[0].attrs
        unit = {"npts": "", "var": f"({own.unit})^2", "sumsq": f"({own.unit})^2"}.get(statistic, own.unit)
        self._set(children=children, axes=axes, window=window, statistic=statistic)
        self._set(interpolation=interpolation, clip=clip)
        self._set(attrs=own.with_(unit=unit if own.unit else "", masked=own.masked))

    def show(self, x: str) -> str:
        """Return the call as one would write it if the language had it."""
        shape = "circle" if self.window.circle else "box"
        y, x_size = self.window.size
        return f"deviation({x}, {self.statistic}, {shape} {x_size:g} x {y:g})"

    def access(self) -> tuple[bool, ...]:
        """Return that blocks should be long in the plane."""
        return tuple(a in self.axes for a in range(self.attrs.ndim))

    def _knots(self, section: Section) -> list[tuple[np.ndarray, int, list[np.ndarray], np.ndarray]]:
        """Return for both axes the places of statistics, the first that counts, weights, and its places."""
        lines = []
        for i, a in enumerate(self.axes):
            n = (self.attrs.shape or ())[a]
            places = self.window.places(i, n)
            s = section[a]
            pixels = np.arange(s.start, s.stop, s.step)
            lines.append((places, (pixels - places[0]) / self.window.grid[i], len(places)))
        method = self.interpolation
        # a line along one axis is a line along both, as in any interpolation here
        smooth = [np.asarray(has_all(p, n, method)) for _, p, n in lines]
        both = np.ones((lines[0][1].size, lines[1][1].size), bool)
        both &= np.broadcast_to(smooth[0], lines[0][1].shape)[:, None]
        both &= np.broadcast_to(smooth[1], lines[1][1].shape)[None, :]
        out = []
        for i, (places, p, n) in enumerate(lines):
            wide = np.broadcast_to(p[:, None] if i == 0 else p[None, :], both.shape)
            first, weights = weights_along(wide, n, method, both)
            low, high = (int(first.min()), int(first.max()) + len(weights)) if first.size else (0, 0)
            out.append((places[low:high], low, weights, first))
        return out

    def needs(self, section: Section) -> tuple[Section]:
        """Return the windows of all places that count."""
        out = list(section)
        method = self.interpolation
        for i, (a, half) in enumerate(zip(self.axes, self.window.half, strict=True)):
            n = (self.attrs.shape or ())[a]
            places = self.window.places(i, n)
            # along each axis by itself: weights of all pixels of a plane would take a multiple of it
            pixels = np.arange(section[a].start, section[a].stop, section[a].step)
            p = (pixels - places[0]) / self.window.grid[i]
            smooth = np.broadcast_to(np.asarray(has_all(p, len(places), method)), p.shape)
            first, weights = weights_along(p, len(places), method, smooth)
            near = places[int(first.min()) : int(first.max()) + len(weights)] if first.size else places[:0]
            low = min([section[a].start, *(near[:1] - half).tolist()])
            high = max([section[a].stop, *(near[-1:] + half + 1).tolist()])
            out[a] = slice(max(0, low), min(n, high), 1)
        return (tuple(out),)

    def scratch(self, shape: tuple[int, ...]) -> int:
        """Return the bytes of the pixels around a block, of windows side by side, and of weights."""
        own = self.attrs.shape or ()
        wide = [
            min(
                own[a],
                n + 2 * self.window.half[self.axes.index(a)] + 6 * self.window.grid[self.axes.index(a)],
            )
            if a in self.axes
            else n
            for a, n in enumerate(shape)
        ]
        window = int(self.window.inside().sum())
        row = min(max(_PIXELS, window * wide[self.axes[1]]), window * math.prod(wide[a] for a in self.axes))
        plane = math.prod(shape[a] for a in self.axes)
        return math.prod(wide) * (self.attrs.dtype.itemsize + 1) + row * 8 * 4 + plane * 8 * 24

    def evaluate(self, inputs: tuple[Any, ...], section: Section) -> tuple[np.ndarray, np.ndarray | None]:
        """Return values and mask of a section."""
        shape = shape_of(section)
        out = np.zeros(shape, self.attrs.dtype)
        good = np.ones(shape, bool)
        if 0 in shape:
            return out, good if self.attrs.masked else None
        (needed,) = self.needs(section)
        values, mask = inputs[0].array(needed)
        knots = self._knots(section)
        others = [a for a in range(len(shape)) if a not in self.axes]
        source, target, filled = (np.moveaxis(v, others, range(len(others))) for v in (values, out, good))
        marks = None if mask is None else np.moveaxis(mask, others, range(len(others)))
        offsets = [needed[a].start for a in self.axes]
        own = tuple(
            slice(section[a].start - o, section[a].stop - o, section[a].step)
            for a, o in zip(self.axes, offsets, strict=True)
        )
        for index in np.ndindex(*target.shape[: len(others)]):
            plane = source[index]
            usable = np.isfinite(plane) if marks is None else marks[index] & np.isfinite(plane)
            table, found = self._on_grid(plane, usable, knots, offsets)
            result, reached = _interpolated(table, found, knots)
            target[index] = result
            filled[index] = reached if marks is None else reached & marks[index][own]
        return out, good if self.attrs.masked else None

    def _on_grid(
        self, plane: np.ndarray, usable: np.ndarray, knots: list[Any], offsets: list[int]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the statistic at the places of the grid that count, and where there is one."""
        (rows, *_), (columns, *_) = knots
        half = self.window.half
        inside = self.window.inside().ravel()
        padded = np.pad(plane.astype(np.float64), [(h, h) for h in half])
        marks = np.pad(usable, [(h, h) for h in half])
        views = [
            np.lib.stride_tricks.sliding_window_view(a, [2 * h + 1 for h in half]) for a in (padded, marks)
        ]
        table = np.zeros((len(rows), len(columns)))
        found = np.zeros(table.shape, bool)
        at_once = max(1, _PIXELS // max(1, inside.size * len(columns)))
        for first in range(0, len(rows), at_once):
            some = np.ix_(rows[first : first + at_once] - offsets[0], columns - offsets[1])
            values, good = (v[some].reshape(-1, inside.size)[:, inside] for v in views)
            result, any_good = _statistic(values, good, self.statistic, self.clip)
            table[first : first + at_once] = result.reshape(-1, len(columns))
            found[first : first + at_once] = any_good.reshape(-1, len(columns))
        return table, found


def _interpolated(table: np.ndarray, found: np.ndarray, knots: list[Any]) -> tuple[np.ndarray, np.ndarray]:
    """Return values between the places of a grid, and where all that count have one."""
    (_, low_y, weights_y, first_y), (_, low_x, weights_x, first_x) = knots
    total = np.zeros(first_y.shape)
    good = np.ones(first_y.shape, bool)
    for i, wy in enumerate(weights_y):
        for j, wx in enumerate(weights_x):
            at = (first_y - low_y + i, first_x - low_x + j)
            weight = wy * wx
            total += weight * table[at]
            good &= found[at] | (weight == 0)
    return total, good


def _statistic(
    values: np.ndarray, good: np.ndarray, name: str, clip: tuple[float | None, int] | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return a statistic of each row, and where there is one."""
    if clip is not None:
        good = _clipped(values, good, *clip)
    n = good.sum(axis=1)
    with np.errstate(all="ignore"):
        result = STATISTICS[name](values, good, n)
    return np.where(n > 0, result, 0), n > 0


def _clipped(values: np.ndarray, good: np.ndarray, limit: float | None, most: int) -> np.ndarray:
    """Return which pixels of each row are left when those far from the mean are taken out."""
    usable, active = good, np.ones(len(good), bool)
    for _ in range(_ROUNDS if most < 0 else most):
        n = good.sum(axis=1)
        sigma = np.sqrt(_variance(values, good, n))
        reach = np.full(n.shape, limit) if limit is not None else _farthest(n)
        mean = _total(values, good) / np.maximum(n, 1)
        # a pixel that was out may come back, as in CASA; a row is done when as many are left as before
        kept = usable & (np.abs(values - mean[:, None]) <= (reach * sigma)[:, None])
        kept |= usable & (sigma == 0)[:, None] & good
        good = np.where(active[:, None], kept, good)
        active &= kept.sum(axis=1) != n
        if not active.any():
            break
    return good


def _farthest(n: np.ndarray) -> np.ndarray:
    """Return how many deviations from the mean the farthest of n values may be, by Chauvenet's criterion."""
    counts, which = np.unique(n, return_inverse=True)
    return np.array([_criterion(int(k)) for k in counts])[which]


@cache
def _criterion(n: int) -> float:
    """Return z where n erfc(z/sqrt 2) is 0.5, found as CASA does.

    It halves intervals between multiples of 0.5 until the whole part of 0.5/erfc(z/sqrt 2) is n.
    """

    def count(z: float) -> int:
        beyond = math.erfc(z / math.sqrt(2))
        return int(0.5 / beyond) if beyond > 0 else 1 << 62

    low, high = 0.0, 0.5
    while (reached := count(high)) < n:
        low, high = high, high + 0.5
    middle = high
    while reached != n:
        middle = (low + high) / 2
        reached = count(middle)
        if not low < middle < high:
            break
        low, high = (low, middle) if reached > n else (middle, high)
    return middle


Rows = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


def _total(values: np.ndarray, good: np.ndarray) -> np.ndarray:
    return np.asarray(np.where(good, values, 0).sum(axis=1))


def _variance(values: np.ndarray, good: np.ndarray, n: np.ndarray) -> np.ndarray:
    mean = _total(values, good) / np.maximum(n, 1)
    off = np.where(good, values - mean[:, None], 0)
    return np.asarray((off * off).sum(axis=1) / np.maximum(n - 1, 1))


def _ranked(values: np.ndarray, good: np.ndarray) -> np.ndarray:
    return np.sort(np.where(good, values, np.inf), axis=1)


def _at(rows: np.ndarray, ranks: np.ndarray) -> np.ndarray:
    return np.take_along_axis(rows, np.maximum(ranks, 0)[:, None], axis=1)[:, 0]


def _median(values: np.ndarray, good: np.ndarray, n: np.ndarray) -> np.ndarray:
    rows = _ranked(values, good)
    return np.asarray((_at(rows, (n - 1) // 2) + _at(rows, n // 2)) / 2)


def _quartile(fraction: float) -> Rows:
    def quartile(values: np.ndarray, good: np.ndarray, n: np.ndarray) -> np.ndarray:
        return _at(_ranked(values, good), np.ceil(fraction * n).astype(int) - 1)

    return quartile


def _spread(values: np.ndarray, good: np.ndarray, n: np.ndarray) -> np.ndarray:
    return _median(np.abs(values - _median(values, good, n)[:, None]), good, n)


STATISTICS: dict[str, Rows] = {
    "sigma": lambda v, g, n: np.sqrt(_variance(v, g, n)),
    "var": _variance,
    "mean": lambda v, g, n: _total(v, g) / n,
    "sum": lambda v, g, n: _total(v, g),
    "sumsq": lambda v, g, n: _total(v * v, g),
    "rms": lambda v, g, n: np.sqrt(_total(v * v, g) / n),
    "min": lambda v, g, n: np.where(g, v, np.inf).min(axis=1),
    "max": lambda v, g, n: np.where(g, v, -np.inf).max(axis=1),
    "npts": lambda v, g, n: n,
    "median": _median,
    "q1": _quartile(0.25),
    "q3": _quartile(0.75),
    "iqr": lambda v, g, n: _quartile(0.75)(v, g, n) - _quartile(0.25)(v, g, n),
    "madm": _spread,
    "xmadm": lambda v, g, n: _spread(v, g, n) * 1.482602218505602,  # of a normal distribution: sigma
}
"""What can be mapped."""

_ALIASES = {
    "std": "sigma", "stddev": "sigma", "variance": "var", "medabsdevmed": "madm", "quartile": "iqr",
    "count": "npts",
}  # fmt: skip
