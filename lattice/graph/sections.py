"""Sections: boxes of pixels, the unit of all reading, evaluating and writing.

A `Section` is a tuple of slices in numpy order, normalised against a shape: start, stop and step
are integers, ``0 <= start <= stop <= length`` and ``step >= 1``.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence

__all__ = [
    "Section",
    "boxes",
    "compose",
    "full",
    "grid",
    "iter_grid",
    "n_pixels",
    "relative",
    "shape_of",
    "shared",
    "split",
]

Section = tuple[slice, ...]


def full(shape: Sequence[int]) -> Section:
    """Return the section that covers a whole shape.

    >>> full((2, 3))
    (slice(0, 2, 1), slice(0, 3, 1))
    """
    return tuple(slice(0, n, 1) for n in shape)


def shape_of(section: Section) -> tuple[int, ...]:
    """Return the shape of the pixels in a section.

    >>> shape_of((slice(0, 5, 2), slice(1, 4, 1)))
    (3, 3)
    """
    return tuple([max(0, (s.stop - s.start + s.step - 1) // s.step) for s in section])


def n_pixels(section: Section) -> int:
    """Return the number of pixels in a section."""
    return math.prod(shape_of(section))


def compose(outer: Section, inner: Section) -> Section:
    """Return the section of the whole that is section `inner` of the pixels of section `outer`.

    >>> compose((slice(10, 20, 2),), (slice(1, 4, 1),))
    (slice(12, 17, 2),)
    """
    out = []
    for o, i in zip(outer, inner, strict=True):
        count = (i.stop - i.start + i.step - 1) // i.step
        step = o.step * i.step
        start = o.start + i.start * o.step
        out.append(slice(start, start + (count - 1) * step + 1 if count > 0 else start, step))
    return tuple(out)


def relative(section: Section, within: Section) -> Section:
    """Return `section` counted from the start of `within` (whose steps are 1)."""
    return tuple(
        slice(s.start - w.start, s.stop - w.start, s.step) for s, w in zip(section, within, strict=True)
    )


def shared(section: slice, tile: slice) -> tuple[slice, slice]:
    """Return which pixels of a section lie in a tile, and which of the tile's they are.

    >>> shared(slice(1, 9, 3), slice(4, 8, 1))
    (slice(1, 3, None), slice(0, 4, 3))
    """
    first, stop = (max(0, -(-(end - section.start) // section.step)) for end in (tile.start, tile.stop))
    stop = min(stop, len(range(section.start, section.stop, section.step)))
    if first >= stop:
        return slice(0, 0), slice(0, 0)
    at, last = (section.start + k * section.step - tile.start for k in (first, stop - 1))
    return slice(first, stop), slice(at, last + 1, section.step)


def split(section: Section, n_max: int) -> Iterator[Section]:
    """Cut a section into boxes of at most `n_max` pixels, in storage order.

    The boxes are as long as possible along the last axes, so that each is contiguous in a C-ordered
    array of the section's shape.

    >>> [shape_of(s) for s in split(full((2, 3, 4)), 8)]
    [(1, 2, 4), (1, 1, 4), (1, 2, 4), (1, 1, 4)]
    """
    shape = shape_of(section)
    counts = [1] * len(shape)
    room = max(1, n_max)
    for axis in range(len(shape) - 1, -1, -1):
        counts[axis] = max(1, min(shape[axis], room))
        room //= max(1, counts[axis])
        if counts[axis] < shape[axis]:
            break
    return iter_grid(section, counts)


def iter_grid(section: Section, counts: Sequence[int]) -> Iterator[Section]:
    """Cut a section into boxes of `counts` pixels (less at the far edges), in storage order."""
    ranges = []
    for s, n, count in zip(section, shape_of(section), counts, strict=True):
        pieces = []
        for i in range(0, n, count):
            last = min(n, i + count) - 1
            pieces.append(slice(s.start + i * s.step, s.start + last * s.step + 1, s.step))
        ranges.append(pieces)
    return itertools.product(*ranges)


def grid(shape: Sequence[int], blocks: Sequence[int]) -> list[Section]:
    """Return the blocks that tile a shape, in storage order."""
    if any(n == 0 for n in shape):
        return []
    return list(iter_grid(full(shape), blocks))


def boxes(section: Section, start: int, stop: int) -> Iterator[tuple[Section, int]]:
    """Yield the boxes that hold the pixels from number `start` to `stop` of a section, in storage order.

    Each comes with the number of its first pixel, counted from `start`.

    >>> [(shape_of(box), first) for box, first in boxes(full((3, 4)), 1, 10)]
    [((1, 3), 0), ((1, 4), 3), ((1, 2), 7)]
    """
    if not section:
        if start < stop:
            yield (), 0
        return
    head, tail = section[0], section[1:]
    inner = math.prod(shape_of(tail))
    at = start
    while at < stop:
        row, within = divmod(at, inner)
        rows = (stop - at) // inner if within == 0 else 0
        first = slice(head.start + row * head.step, head.start + row * head.step + 1, 1)
        if rows:
            last = head.start + (row + rows - 1) * head.step
            yield (slice(first.start, last + 1, head.step), *tail), at - start
            at += rows * inner
            continue
        end = min(stop - at, inner - within)
        for box, offset in boxes(tail, within, within + end):
            yield (first, *box), at - start + offset
        at += end
