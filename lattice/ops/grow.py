"""Masks of connected regions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from lattice.config import format_bytes, get_options
from lattice.errors import LatticeRangeError, LatticeTypeError, MemoryLimitError
from lattice.graph.node import Node
from lattice.graph.sections import Section, compose, shape_of, shared
from lattice.graph.types import BOOL, is_real
from lattice.ops.fourier import WholePlanes, groups, places
from lattice.ops.pieces import AT_ONCE, Joined, Kept, at_once, labelled, meetings, slab_length

__all__ = ["Regions", "regions_above"]


def regions_above(
    x: Node, low: float, high: float, axes: Sequence[int], *, diagonal: bool = False, least: int = 1
) -> Node:
    """Return where x is part of a connected region above a low threshold that reaches a high one.

    Parameters
    ----------
    x : Node
        A real lattice.
    low, high : float
        Thresholds: regions are made of pixels of at least `low`, and kept if one of them is at least `high`.
    axes : sequence of int
        Numpy numbers of the axes along which pixels are neighbours: each plane of them by itself. Larger
        volumes are searched in slabs along the first of these axes, and the pieces of regions joined.
    diagonal : bool
        Whether pixels that touch at edges or corners only are neighbours too.
    least : int
        Pixels of the smallest region that is kept.

    Returns
    -------
    Node
        Truth values of the shape and with the coordinates of x, without mask; bad pixels belong to no region.

    Raises
    ------
    LatticeTypeError
        When x is not real.
    LatticeRangeError
        When `high` is below `low`, and for other numbers that make no sense.
    MemoryLimitError
        When it is computed, if the regions of a large volume are in so many pieces that these alone would
        take a quarter of the memory limit.
    """
    attrs = x.attrs
    if not attrs.shape or not is_real(attrs.dtype):
        raise LatticeTypeError(f"regions are found among real numbers, not in a {attrs.describe()}")
    if not low <= high:
        raise LatticeRangeError(f"the high threshold, {high:g}, is not above the low one, {low:g}")
    if least < 1:
        raise LatticeRangeError(f"a region has a pixel at least, not {least}")
    numbers = tuple(sorted({int(a) for a in axes}))
    if not numbers or not 0 <= numbers[0] <= numbers[-1] < attrs.ndim:
        raise LatticeRangeError(f"{list(axes)} are not axes of a {attrs.describe()}")
    node: Node = Regions((x,), numbers, float(low), float(high), bool(diagonal), int(least))
    return node


class Regions(WholePlanes):
    """Connected regions; fields: (x,), axes, low, high, diagonal, least."""

    __slots__ = ("diagonal", "high", "least", "low")
    name: ClassVar[str] = "regions"
    low: float
    high: float
    diagonal: bool
    least: int

    def _build(
        self,
        children: tuple[Node, ...],
        axes: tuple[int, ...],
        low: float,
        high: float,
        diagonal: bool,
        least: int,
    ) -> None:
        own = children[0].attrs
        self._set(children=children, axes=axes, low=low, high=high, diagonal=diagonal, least=least)
        self._set(attrs=own.with_(dtype=BOOL, masked=False, unit="", beams=()))

    def show(self, x: str) -> str:
        """Return the call as one would write it if the language had it."""
        return f"regions({x}, {self.low:g}, {self.high:g})"

    def _volume(self) -> list[int]:
        """Return the lengths of what is searched by itself."""
        return [(self.attrs.shape or ())[a] for a in self.axes]

    def _thick(self) -> int:
        """Return how many planes of a volume are searched at once."""
        lengths = self._volume()
        return lengths[0] if math.prod(lengths) <= _WHOLE else slab_length(lengths, _SLAB)

    def grain(self, units: tuple[tuple[int, ...], ...]) -> tuple[int, ...]:
        thick = {self.axes[0]: self._thick()}
        return tuple(thick.get(a, n if a in self.axes else 1) for a, n in enumerate(self.attrs.shape or ()))

    def scratch(self, shape: tuple[int, ...]) -> int:
        """Return the bytes of marks and labels of what is searched at once, and of pieces that are joined."""
        lengths = self._volume()
        n = max(_TOGETHER, math.prod([self._thick(), *lengths[1:]]))
        joined = 0 if self._thick() == lengths[0] else 4 * math.prod(lengths[1:]) + _JOINED
        return n * (1 + 1 + 4) + 16 * AT_ONCE + joined

    def evaluate(self, inputs: tuple[Any, ...], section: Section) -> tuple[np.ndarray, None]:
        """Return truth values of a section: small volumes together, large ones slab by slab."""
        shape = shape_of(section)
        out = np.empty(shape, bool)
        if 0 in shape:
            return out, None
        (needed,) = self.needs(section)
        part = tuple(section[a] if a in self.axes else slice(None) for a in range(len(shape)))
        thick, first = self._thick(), self.axes[0]
        for group in groups(shape_of(needed), self.axes, _TOGETHER):
            own = compose(needed, group)
            place = tuple(slice(None) if a in self.axes else g for a, g in enumerate(group))
            if thick == own[first].stop:
                out[place] = self._alone(inputs[0], own)[part]
                continue
            offsets, kept = self._joined(inputs[0], own)
            for number in range(section[first].start // thick, -(-section[first].stop // thick)):
                slab = self._slab(own, number)
                here, there = shared(section[first], slab[first])
                into, of = (
                    (*place[:first], here, *place[first + 1 :]),
                    (*part[:first], there, *part[first + 1 :]),
                )
                out[into] = self._in_slab(inputs[0], slab, kept[offsets[number] :])[of]
        return out, None

    def _in_slab(self, pixels: Any, slab: Section, kept: np.ndarray) -> np.ndarray:
        part, _ = self._marks(pixels, slab)
        return _looked_up(kept, labelled(part, self.axes, self.diagonal)[0], part)

    def _slab(self, volume: Section, number: int) -> Section:
        first, thick = self.axes[0], self._thick()
        s = slice(number * thick, min((number + 1) * thick, volume[first].stop), 1)
        return (*volume[:first], s, *volume[first + 1 :])

    def _marks(self, pixels: Any, section: Section) -> tuple[np.ndarray, np.ndarray]:
        """Return where a section reaches the low threshold, and where the high one."""
        part, peak = (np.empty(shape_of(section), bool) for _ in range(2))
        with np.errstate(invalid="ignore"):
            for piece, values, mask in pixels.strips(section):
                at = places(piece, section)
                part[at] = values >= self.low
                peak[at] = values >= self.high
                if mask is not None:
                    part[at] &= mask
                    peak[at] &= mask
        return part, peak

    def _alone(self, pixels: Any, section: Section) -> np.ndarray:
        """Return the regions of volumes that are searched at once."""
        part, peak = self._marks(pixels, section)
        labels, count = labelled(part, self.axes, self.diagonal)
        keep, sizes = self._judged(labels, peak, count)
        if self.least > 1:
            keep &= sizes >= self.least
        keep[0] = False
        return _looked_up(keep, labels, part)

    def _judged(self, labels: np.ndarray, peak: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Return for each label whether it has a pixel above the high threshold, and how many pixels."""
        keep, sizes = np.zeros(count + 1, bool), np.zeros(count + 1 if self.least > 1 else 1, np.int64)
        flat, high = labels.reshape(-1), peak.reshape(-1)
        for some in at_once(flat.size):
            keep[flat[some][high[some]]] = True
            if self.least > 1 and (own := flat[some][flat[some] > 0]).size:
                low = int(own.min())
                sizes[low : int(own.max()) + 1] += np.bincount(own - low)
        return keep, sizes

    def _joined(self, pixels: Any, volume: Section) -> tuple[list[int], np.ndarray]:
        """Return the number before the first piece of each slab, and whether the region of each is kept.

        That is found once for a volume, by a pass over all of it.
        """
        cache = getattr(getattr(pixels, "program", None), "cache", {})
        key = (self._fields[1:], tuple((s.start, s.stop) for s in volume))
        found: tuple[list[int], np.ndarray] = cache.setdefault("regions", Kept()).get(
            key, lambda: self._searched(pixels, volume)
        )
        return found

    def _searched(self, pixels: Any, volume: Section) -> tuple[list[int], np.ndarray]:
        first = self.axes[0]
        room = get_options().memory_bytes // 4
        pieces, high, sizes = Joined(), [], []
        offsets: list[int] = []
        last: np.ndarray | None = None
        for number in range(-(-volume[first].stop // self._thick())):
            part, peak = self._marks(pixels, self._slab(volume, number))
            labels, count = labelled(part, self.axes, self.diagonal)
            keep, own = self._judged(labels, peak, count)
            del part, peak
            before = offsets[-1] if offsets else 0
            offsets.append(pieces.count)
            pieces.add(count)
            high.append(keep[1:])
            sizes.append(own[1:].astype(np.int32))
            if pieces.count * _PIECE > room:
                raise MemoryLimitError(
                    f"the regions above {self.low:g} are in {pieces.count} pieces and more, which needs "
                    f"{format_bytes(pieces.count * _PIECE)}, a quarter of the memory limit",
                    hint="raise the low threshold, or the limit: set_options(memory_limit=...)",
                )
            if last is not None:
                for a, b in meetings(last, labels.take(0, axis=first), self.diagonal):
                    pieces.join(a + before, b + offsets[-1])
            last = labels.take(-1, axis=first)
            del labels
        regions = pieces.regions()
        found = np.zeros(regions.size, bool)
        found[regions[1:][np.concatenate(high)]] = True
        if self.least > 1:
            total = np.bincount(regions[1:], weights=np.concatenate(sizes), minlength=regions.size)
            found &= total >= self.least
        kept = found[regions]
        kept[0] = False
        return offsets, kept


_WHOLE = 1 << 22  # pixels of a volume that is searched at once
_SLAB = 1 << 21  # and of slabs of larger ones
_JOINED = 4 << 20  # bytes for pieces that are joined, which are seldom more
_PIECE = 24  # bytes that a piece takes, copies and all
_TOGETHER = 1 << 18  # pixels of small volumes that are searched together


def _looked_up(kept: np.ndarray, labels: np.ndarray, out: np.ndarray) -> np.ndarray:
    """Return which labels are kept, in memory of truth values that is not needed any more.

    The first of them stands for no label, whatever it is.
    """
    flat, target = labels.reshape(-1), out.reshape(-1)
    for some in at_once(flat.size):
        target[some] &= kept[flat[some]]
    return out
