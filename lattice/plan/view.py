"""Views: which pixels of a stored lattice make a section of a result.

Cuts, strides, flips, dropped and repeated axes are all maps of the same kind from the axes of a result to
the axes of what is read.  They are pushed down to the leaves of a program, so that a reader is asked for
the pixels that are needed and no others.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lattice.graph.node import Extend, Items
from lattice.graph.sections import Section

__all__ = ["View"]


@dataclass(frozen=True, slots=True)
class View:
    """Map from the pixels of a result to those of a leaf.

    Attributes
    ----------
    axes : tuple of (int, int, int)
        For each axis of the result the axis of the leaf, the leaf pixel of pixel 0 and the step; the axis is
        -1 where the leaf is repeated.
    fixed : tuple of (int, int)
        Axes of the leaf that the result lacks, with the pixel that is taken.
    """

    axes: tuple[tuple[int, int, int], ...]
    fixed: tuple[tuple[int, int], ...] = ()

    @staticmethod
    def identity(ndim: int) -> View:
        """Return the view of a leaf by itself."""
        return View(tuple((i, 0, 1) for i in range(ndim)))

    @property
    def is_whole(self) -> bool:
        """True if a section of the result is the same section of the leaf."""
        return self == View.identity(len(self.axes))

    @property
    def is_identity(self) -> bool:
        """True if the result is the leaf itself, or a box of it."""
        return not self.fixed and all(a == i and step == 1 for i, (a, _, step) in enumerate(self.axes))

    @property
    def is_box(self) -> bool:
        """True if the pixels of a section of the result are a box of the leaf, in the order of the leaf."""
        axes = [axis for axis, _, _ in self.axes]
        return axes == sorted(axes) and all(axis >= 0 and step == 1 for axis, _, step in self.axes)

    @property
    def is_ordered(self) -> bool:
        """True if the axes of the result are in the order in which those of the leaf are stored."""
        axes = [axis for axis, _, _ in self.axes if axis >= 0]
        return axes == sorted(axes)

    def through_subset(self, items: Items) -> View:
        """Return the view of x, given this view of a subset of x."""
        kept = [(j, item) for j, item in enumerate(items) if isinstance(item, slice)]
        axes = []
        for axis, start, step in self.axes:
            if axis < 0:
                axes.append((-1, 0, 0))
            else:
                j, item = kept[axis]
                axes.append((j, item.start + item.step * start, item.step * step))
        fixed = [(j, item) for j, item in enumerate(items) if not isinstance(item, slice)]
        for axis, pixel in self.fixed:
            j, item = kept[axis]
            fixed.append((j, item.start + item.step * pixel))
        return View(tuple(axes), tuple(fixed))

    def through_extend(self, node: Extend) -> View:
        """Return the view of x, given this view of x extended."""
        axes = []
        for axis, start, step in self.axes:
            source = node.axes[axis] if axis >= 0 else -1
            axes.append((source, start, step) if source >= 0 else (-1, 0, 0))
        fixed = [(node.axes[axis], pixel) for axis, pixel in self.fixed if node.axes[axis] >= 0]
        used = {j for j in node.axes if j >= 0}
        fixed += [(j, 0) for j in range(node.children[0].attrs.ndim) if j not in used]
        return View(tuple(axes), tuple(fixed))

    def through_order(self, order: tuple[int, ...]) -> View:
        """Return the view of x, given this view of x with its axes in another order."""
        axes = tuple((order[a], start, step) if a >= 0 else (-1, 0, 0) for a, start, step in self.axes)
        return View(axes, tuple((order[a], pixel) for a, pixel in self.fixed))

    def section(self, section: Section, ndim: int) -> Section:
        """Return the section of the leaf that a section of the result needs."""
        out = [slice(0, 1, 1)] * ndim
        for s, (axis, start, step) in zip(section, self.axes, strict=True):
            if axis < 0:
                continue
            count = len(range(s.start, s.stop, s.step))
            first = start + step * s.start
            stride = step * s.step
            if count <= 0:
                out[axis] = slice(0, 0, 1)
            elif step > 0:
                out[axis] = slice(first, first + (count - 1) * stride + 1, stride)
            else:
                out[axis] = slice(first + (count - 1) * stride, first + 1, -stride)
        for axis, pixel in self.fixed:
            out[axis] = slice(pixel, pixel + 1, 1)
        return tuple(out)

    def arrange(self, array: np.ndarray) -> np.ndarray:
        """Return what was read for a section, arranged like the result: axes of length 1 where it repeats."""
        if self.is_identity:
            return array
        flips = [slice(None)] * array.ndim
        order = []
        for axis, _, step in self.axes:
            if axis >= 0:
                order.append(axis)
                if step < 0:
                    flips[axis] = slice(None, None, -1)
        gone = tuple(axis for axis, _ in self.fixed)
        moved = array[tuple(flips)].transpose(*order, *gone).reshape([array.shape[a] for a in order])
        index = tuple(np.newaxis if axis < 0 else slice(None) for axis, _, _ in self.axes)
        return moved[index]
