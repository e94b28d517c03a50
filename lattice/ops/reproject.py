"""Images on other grids of the sky by the package reproject: averaged over the pixels of the new grid."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np

from lattice.coords.mapping import SkyMap
from lattice.errors import CoordinateError, LatticeError, LatticeTypeError
from lattice.graph.attributes import Attributes
from lattice.graph.node import Node, Operation
from lattice.graph.sections import Section, iter_grid, shape_of, shared
from lattice.graph.types import is_real

__all__ = ["AVERAGING", "Reproject", "check_package", "reproject"]

AVERAGING = ("adaptive", "exact")
"""Methods of the package that put together all pixels that a new one covers."""

_MARGIN = 4  # pixels, of the new and of the old grid, from which a value may be made beyond its own
_SIDE = 128  # pixels of the old grid along a tile, if the new one is coarser
_LEAST = 4
_NET = 33  # positions along each side of a tile, which tell what it is made of
_SLIVER = 1e-4  # share of a pixel that does not count
# Old pixels, along x and y, by which the old grid is moved where areas were lost: the package loses parts of
# pixels of many arc seconds whose edges are in one line with those of new ones.
_ASIDE = (3e-6, 2e-6)
_ROOM = 1 << 18  # pixels of planes that are reprojected together
_EACH = 320  # bytes for each pixel while its corners are on their way through the sky


def check_package() -> None:
    """Refuse to go on without the package.

    Raises
    ------
    LatticeError
        When reproject is not installed.
    """
    try:
        import reproject as package
    except ImportError:
        raise LatticeError(
            "the methods adaptive and exact need the package reproject, which is not installed",
            hint="pip install 'lattice-images[reproject]'",
        ) from None
    del package


def reproject(x: Node, axes: tuple[int, int], mapping: SkyMap, method: str, attrs: Attributes) -> Node:
    """Return a lattice on another grid on the sky, its pixels averaged over those of the grid.

    Parameters
    ----------
    x : Node
        A lattice of real numbers.
    axes : tuple of int
        Its two axes on the sky, in rising order.
    mapping : SkyMap
        Where the pixels of the result are on these axes of x.
    method : {"adaptive", "exact"}
        DeForest's (2004, Solar Physics 219, 3) kernel, a Gaussian as wide as the larger one of the new and
        the old pixel; or means weighted by the areas on the sky in which new and old pixels overlap.
    attrs : Attributes
        Of the result, but for its type and mask.

    Returns
    -------
    Node
        A surface brightness stays what it is. Bad where a bad pixel has a part in a value; by "adaptive" also
        where the kernel reaches beyond the edge; by "exact" where x has no pixel, what lies across the edge
        being the mean of the part inside.

    Raises
    ------
    LatticeTypeError
        When x is not real.
    CoordinateError
        For a sky frame that astropy does not know.
    """
    if not is_real(x.attrs.dtype):
        raise LatticeTypeError(
            f"method={method!r} needs real numbers, not a {x.attrs.describe()}",
            hint="regrid real and imaginary parts one by one, truth values by method='nearest'",
        )
    if mapping.source.sky_frame is None or mapping.target.sky_frame is None:
        raise CoordinateError(f"method={method!r} needs sky frames that astropy knows")
    _wcs(mapping)  # while there is one thread: astropy's warnings are for all of them
    node: Node = Reproject((x,), axes, mapping, method, attrs.with_(dtype=x.attrs.dtype, masked=True))
    return node


class Reproject(Operation):
    """Pixels averaged over those of another grid on the sky; fields: (x,), axes, map, method, attributes.

    The new grid has fixed tiles, which are made whole, so that results do not depend on blocks: the kernel of
    "adaptive" ends two pixels away at 1% of its height, and rounding decides about old pixels just there.
    """

    __slots__ = ("axes", "mapping", "method", "side")
    name: ClassVar[str] = "reproject"
    axes: tuple[int, int]
    mapping: SkyMap
    method: str
    side: int

    def _build(
        self,
        children: tuple[Node, ...],
        axes: tuple[int, int],
        mapping: SkyMap,
        method: str,
        attrs: Attributes,
    ) -> None:
        side = max(_LEAST, math.floor(_SIDE / max(1.0, _coarser(mapping))))
        self._set(children=children, axes=axes, mapping=mapping, method=method, attrs=attrs, side=side)

    def show(self, x: str) -> str:
        """Return the call as one would write it if the language had it."""
        sizes = ", ".join(f"{self.attrs.dims[a]} {(self.attrs.shape or ())[a]}" for a in self.axes)
        return f"regrid({x}, [{sizes}], {self.method})"

    def access(self) -> tuple[bool, ...]:
        """Return that blocks should be long on the sky."""
        return tuple(a in self.axes for a in range(self.attrs.ndim))

    def grain(self, units: tuple[tuple[int, ...], ...]) -> tuple[int, ...]:
        shape = self.attrs.shape or ()
        return tuple(min(n, self.side) if a in self.axes else units[0][a] for a, n in enumerate(shape))

    def needs(self, section: Section) -> tuple[Section]:
        """Return the box of x that the tiles are made of in which a section lies."""
        boxes = [box for _, box in self._tiles(section) if box is not None]
        out = list(section)
        for k, axis in enumerate(self.axes):
            out[axis] = slice(
                min((b[k].start for b in boxes), default=0), max((b[k].stop for b in boxes), default=0), 1
            )
        return (tuple(out),)

    def scratch(self, shape: tuple[int, ...]) -> int:
        """Return the bytes of the result, and of a tile and what it is made of on their way."""
        k = _coarser(self.mapping)
        box = math.prod((self.side + 2 * _MARGIN) * k + 2 * _MARGIN for _ in self.axes)
        values = 3 * 8 * (_ROOM + box)
        return math.prod(shape) * (self.attrs.dtype.itemsize + 1) + int(_EACH * (box + self.side**2) + values)

    def _lengths(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """Return the lengths on the sky of the result and of x."""
        (a, b), new, old = self.axes, self.attrs.shape or (), self.children[0].attrs.shape or ()
        return (new[a], new[b]), (old[a], old[b])

    def _tiles(self, section: Section) -> Iterator[tuple[Section, Section | None]]:
        """Yield the tiles in which a section lies, and the box of x that each is made of."""
        new, old = self._lengths()
        spans = []
        for axis, n in zip(self.axes, new, strict=True):
            s = section[axis]
            first = range(s.start // self.side * self.side, s.stop if shape_of((s,))[0] else 0, self.side)
            spans.append([slice(t, min(t + self.side, n), 1) for t in first])
        for rows in spans[0]:
            for columns in spans[1]:
                ends = (rows.start, rows.stop, columns.start, columns.stop)
                yield (rows, columns), _box(self.mapping, ends, old)

    def evaluate(self, inputs: tuple[Any, ...], section: Section) -> tuple[np.ndarray, np.ndarray | None]:
        """Return values and mask of a section, tile by tile."""
        shape = shape_of(section)
        out, good = np.zeros(shape, self.attrs.dtype), np.zeros(shape, bool)
        others = [a for a in range(len(shape)) if a not in self.axes]
        order = (*others, *self.axes)
        planes = tuple(section[a] for a in others)
        into, into_good = out.transpose(order), good.transpose(order)
        if 0 in shape:
            return out, good
        for tile, box in self._tiles(section):
            if box is None:
                continue
            cut = [shared(section[a], t) for a, t in zip(self.axes, tile, strict=True)]
            room = max(1, _ROOM // math.prod(shape_of(box)))
            for some in iter_grid(planes, _counts(shape_of(planes), room)):
                needed: list[Any] = list(section)
                for a, s in zip((*others, *self.axes), (*some, *box), strict=True):
                    needed[a] = s
                values, mask = inputs[0].array(tuple(needed))
                stack, known = self._made(
                    values.transpose(order), None if mask is None else mask.transpose(order), box, tile
                )
                at: Any = (
                    *(
                        slice((p.start - s.start) // s.step, (p.stop - 1 - s.start) // s.step + 1)
                        for p, s in zip(some, planes, strict=True)
                    ),
                    *(there for there, _ in cut),
                )
                inside: Any = (..., *(here for _, here in cut))
                into[at], into_good[at] = stack[inside], known[inside]
        return out, good

    def _made(
        self, values: np.ndarray, mask: np.ndarray | None, box: Section, tile: Section
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the planes of a tile and where they are good."""
        lead = values.shape[:-2]
        stack = np.array(values, np.float64, order="C").reshape(-1, *values.shape[-2:])
        odd = ~np.isfinite(stack)
        bad = np.zeros_like(odd) if mask is None else ~mask.reshape(stack.shape)
        odd &= ~bad
        stack[bad | odd] = 0  # the package would spoil what only touches them
        found, covered = self._run(stack, box, tile)
        known = covered > _SLIVER
        for flags, spoil in ((bad, False), (odd, True)):
            if flags.any():
                # planes are often bad at the same places
                own = flags[:1] if (flags == flags[0]).all() else flags
                share, _ = self._run(own.astype(np.float64), box, tile)
                touched = np.broadcast_to(share > _SLIVER, known.shape)
                if spoil:
                    found[touched] = np.nan
                else:
                    known &= ~touched
        found[~known] = 0
        shape = (*lead, *shape_of(tile))
        with np.errstate(over="ignore"):
            return found.astype(self.attrs.dtype).reshape(shape), known.reshape(shape)

    def _run(self, stack: np.ndarray, box: Section, tile: Section) -> tuple[np.ndarray, np.ndarray]:
        """Return planes on a tile, and the share of each pixel that they cover."""
        check_package()
        from reproject import reproject_adaptive, reproject_exact

        run = reproject_exact if self.method == "exact" else reproject_adaptive
        source, moved, target = _wcs(self.mapping)
        shape = (len(stack), *shape_of(tile))
        with np.errstate(all="ignore"):
            found, covered = run((stack, source[box]), target[tile], shape_out=shape)
            if self.method == "exact" and ((covered > 0) & (covered < 1 - _SLIVER)).any():
                others, more = run((stack, moved[box]), target[tile], shape_out=shape)
                # not everywhere: what ends at a pole must not be moved beyond it
                lost = np.nan_to_num(more) > np.nan_to_num(covered) + _SLIVER
                found, covered = np.where(lost, others, found), np.where(lost, more, covered)
        return np.asarray(found), np.asarray(covered)


@lru_cache(maxsize=8)
def _wcs(mapping: SkyMap) -> tuple[Any, Any, Any]:
    """Return the old grid, that moved aside, and the new one for astropy; copied before they are used."""
    moved = mapping.source.wcs()
    moved.wcs.crpix = moved.wcs.crpix + np.array(_ASIDE)
    return mapping.source.wcs(), moved, mapping.target.wcs()


def _coarser(mapping: SkyMap) -> float:
    """Return how many old pixels are along a new one."""
    return max(mapping.target.pixel_scale()) / min(mapping.source.pixel_scale())


@lru_cache(maxsize=4096)
def _box(mapping: SkyMap, ends: tuple[int, int, int, int], old: tuple[int, int]) -> Section | None:
    """Return the box of the old grid that a tile of the new one is made of; None where there is none."""
    rows, columns = (
        np.linspace(start - _MARGIN, stop - 1 + _MARGIN, _NET)
        for start, stop in ((ends[0], ends[1]), (ends[2], ends[3]))
    )
    found = mapping.exact(rows[:, None], columns[None, :])
    known = np.isfinite(found[0]) & np.isfinite(found[1])
    if not known.any():
        return None
    if not known.all():  # at the limb a step on the grid may be any on the sky
        return tuple(slice(0, n, 1) for n in old)
    box = []
    for p, n in zip(found, old, strict=True):
        low = max(0.0, math.floor(float(p.min())) - _MARGIN)
        high = min(float(n), math.ceil(float(p.max())) + _MARGIN + 1)
        if low >= high:
            return None
        box.append(slice(int(low), int(high), 1))
    return tuple(box)


def _counts(shape: tuple[int, ...], room: int) -> tuple[int, ...]:
    """Return how many planes along each of their axes are taken together."""
    counts = [1] * len(shape)
    for a in reversed(range(len(shape))):
        counts[a] = max(1, min(shape[a], room))
        room //= counts[a]
    return tuple(counts)
