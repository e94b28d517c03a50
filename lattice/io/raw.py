"""Sections of uncompressed C-ordered pixels in a file: which bytes to read, and how.

A section is read either as its contiguous runs, one positional read each, or as fewer and longer
runs that include gaps, from which the pixels are picked; whichever costs less.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lattice.graph.sections import Section, shape_of
from lattice.io.files import pread_into, pwrite_from

__all__ = ["Layout", "part", "natural_tile", "read_section", "runs", "section_bytes", "write_section"]

# One positional read costs about as much as moving this many bytes (2 microseconds at 8 GB/s).
_CALL_BYTES = 16 << 10
# Up to this many reads are always made exactly: a cut-out of a few pixels reads just these.
_FEW_READS = 16
_SCRATCH = 1 << 20
_STRIP = 1 << 20

Convert = Callable[[np.ndarray, np.ndarray], None]
Finish = Callable[[np.ndarray], None]


@dataclass(frozen=True, slots=True)
class Layout:
    """Where pixels lie: `offset` of the first, `shape` in C order, `dtype` as stored."""

    offset: int
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    strides: tuple[int, ...] = field(default=(), init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        strides = [self.dtype.itemsize] * len(self.shape)
        for k in range(len(self.shape) - 2, -1, -1):
            strides[k] = strides[k + 1] * self.shape[k + 1]
        object.__setattr__(self, "strides", tuple(strides))

    def run(self, section: Section) -> tuple[int, int] | None:
        """Return offset and length in bytes of a section that is one piece of the file, else None."""
        size = self.dtype.itemsize
        position = self.offset
        for s, stride in zip(reversed(section), reversed(self.strides), strict=True):
            n = s.stop - s.start
            if n != 1:
                if s.step != 1 and n > s.step:
                    return None
                if s.step != 1:
                    n = min(n, 1)
                if n != 1 and size != stride:
                    return None
                size *= n
            position += s.start * stride
        return position, size

    @property
    def nbytes(self) -> int:
        """Bytes of all pixels."""
        return math.prod(self.shape) * self.dtype.itemsize


class _Run:
    """A section that is one piece of the file."""

    __slots__ = ("length", "offset")

    def __init__(self, offset: int, length: int) -> None:
        self.offset, self.length = offset, length

    def offsets(self) -> tuple[int]:
        """The one offset."""
        return (self.offset,)


class _Plan:
    """How to read one section: `level` leading axes are looped over, the rest is one run each."""

    __slots__ = ("contiguous", "counts", "extents", "jumps", "level", "needed", "offset")

    def __init__(self, layout: Layout, section: Section) -> None:
        strides = layout.strides
        n = len(strides)
        self.counts = shape_of(section)
        self.jumps = tuple(s.step * b for s, b in zip(section, strides, strict=True))
        self.offset = layout.offset + sum(s.start * b for s, b in zip(section, strides, strict=True))
        # Bytes from the first to the last pixel of the axes from k on.
        self.extents = [layout.dtype.itemsize] * (n + 1)
        needed = self.needed = [layout.dtype.itemsize] * (n + 1)
        for k in range(n - 1, -1, -1):
            self.extents[k] = self.extents[k + 1] + (self.counts[k] - 1) * self.jumps[k]
            needed[k] = needed[k + 1] * self.counts[k]
        exact = next(k for k in range(n + 1) if self.extents[k] == needed[k])
        self.level = exact
        if math.prod(self.counts[:exact]) > _FEW_READS:
            self.level = min(range(exact + 1), key=lambda k: self._cost(k, exact))
        self.contiguous = self.level == exact

    @property
    def length(self) -> int:
        """Bytes of one run."""
        return self.extents[self.level]

    def _cost(self, level: int, exact: int) -> int:
        reads = math.prod(self.counts[:level])
        return reads * (_CALL_BYTES + self.extents[level] * (1 if level == exact else 2))

    def offsets(self) -> list[int]:
        """File offsets of the runs, in the order of the section's pixels."""
        grid = np.array([self.offset], np.int64)
        for count, jump in zip(self.counts[: self.level], self.jumps, strict=False):
            grid = np.add.outer(grid, np.arange(count, dtype=np.int64) * jump).reshape(-1)
        return grid.tolist()

    def group(self, level: int) -> int:
        """Indices of axis `level` whose bytes fit into the scratch buffer; 0 if not even one does."""
        if self.extents[level + 1] > _SCRATCH:
            return 0
        return 1 + (_SCRATCH - self.extents[level + 1]) // max(1, self.jumps[level])

    def box_bytes(self, level: int, count: int) -> int:
        """Bytes that `_read_box` reads for `count` indices of axis `level`."""
        extent = self.extents[level + 1] + (count - 1) * self.jumps[level]
        if extent <= _SCRATCH:
            return extent
        group = self.group(level)
        if group == 0:
            return count * self.box_bytes(level + 1, self.counts[level + 1])
        whole, rest = divmod(count, group)
        return whole * self.box_bytes(level, group) + (self.box_bytes(level, rest) if rest else 0)


def section_bytes(layout: Layout, section: Section) -> int:
    """Return how many bytes `read_section` reads."""
    if 0 in shape_of(section):
        return 0
    if (run := layout.run(section)) is not None:
        return run[1]
    plan = _Plan(layout, section)
    reads = math.prod(plan.counts[: plan.level])
    if plan.contiguous:
        return reads * plan.extents[plan.level]
    return reads * plan.box_bytes(plan.level, plan.counts[plan.level])


_local = threading.local()


def scratch() -> np.ndarray:
    """Return this thread's scratch bytes."""
    buffer: np.ndarray | None = getattr(_local, "scratch", None)
    if buffer is None:
        buffer = _local.scratch = np.empty(_SCRATCH, np.uint8)
    return buffer


def read_section(
    fd: Any,
    path: str,
    layout: Layout,
    section: Section,
    out: np.ndarray,
    convert: Convert,
    finish: Finish | None = None,
) -> None:
    """Read the pixels of a section into `out`.

    Parameters
    ----------
    fd, path : int or RemoteFile, str
        Descriptor of the file, and its path for messages.
    layout : Layout
        Where the pixels lie.
    section : Section
        Which pixels.
    out : ndarray
        Where to; C-contiguous, of the section's shape.
    convert : callable
        ``convert(stored, values)`` turns stored pixels (any strides) into values.
    finish : callable, optional
        ``finish(values)`` turns stored pixels into values in place. Given only when both have the same size:
        contiguous runs are then read straight into `out`.
    """
    if out.size == 0:
        return
    if type(fd) is not int:
        _read_remote(fd, layout, section, out, convert)
        return
    run = layout.run(section)
    plan = _Run(*run) if run is not None else _Plan(layout, section)
    if isinstance(plan, _Plan) and not plan.contiguous:
        boxes = out.reshape((-1, *plan.counts[plan.level :]))
        for box, offset in zip(boxes, plan.offsets(), strict=True):
            _read_box(fd, path, plan, plan.level, offset, box, layout.dtype, convert)
    elif finish is not None:
        _read_runs_in_place(fd, path, plan, out.reshape(-1), finish)
    else:
        _read_runs(fd, path, plan, out.reshape(-1), layout.dtype, convert)


_REMOTE_BATCH = 64 << 20


def runs(layout: Layout, section: Section) -> tuple[list[int], int, tuple[int, ...], tuple[int, ...]]:
    """Return the contiguous pieces of a section: offsets, bytes of each, shape and strides of its pixels.

    What lies between the pixels of one row belongs to it: nobody asks a server for every other pixel.
    """
    plan = _Plan(layout, section)
    n = len(plan.counts)
    plan.level = min(next(k for k in range(n + 1) if plan.extents[k] == plan.needed[k]), max(0, n - 1))
    return plan.offsets(), plan.length, plan.counts[plan.level :], plan.jumps[plan.level :]


def _read_remote(file: Any, layout: Layout, section: Section, out: np.ndarray, convert: Convert) -> None:
    """Read a section of a remote file: the runs of all rows are asked for together, up to some megabytes."""
    offsets, run, shape, strides = runs(layout, section)
    boxes = out.reshape((-1, *shape))
    step = max(1, _REMOTE_BATCH // run)
    if step == 1 and run == boxes[0].size * layout.dtype.itemsize:
        _read_long_runs(file, offsets, run, boxes.reshape(len(boxes), -1), layout.dtype, convert)
        return
    for first in range(0, len(offsets), step):
        rows = offsets[first : first + step]
        stored = np.empty((len(rows), run), np.uint8)
        file.read_rows(rows, run, stored)
        found: Any = np.ndarray((len(rows), *shape), layout.dtype, stored, 0, (run, *strides))
        convert(found, boxes[first : first + step])


def _read_long_runs(
    file: Any, offsets: list[int], run: int, flat: np.ndarray, dtype: np.dtype[Any], convert: Convert
) -> None:
    for offset, values in zip(offsets, flat, strict=True):
        for start in range(0, run, _REMOTE_BATCH):
            stored = np.empty(min(_REMOTE_BATCH, run - start), np.uint8)
            file.read_rows([offset + start], stored.size, stored.reshape(1, -1))
            place = slice(start // dtype.itemsize, (start + stored.size) // dtype.itemsize)
            convert(stored.view(dtype), values[place])


def _read_runs_in_place(fd: int, path: str, plan: _Plan | _Run, flat: np.ndarray, finish: Finish) -> None:
    run = plan.length
    size = flat.itemsize
    target = flat.view(np.uint8).data
    done = filled = 0
    for start in plan.offsets():
        for first in range(0, run, _STRIP):
            n = min(_STRIP, run - first)
            pread_into(fd, target[filled : filled + n], start + first, path)
            filled += n
            if filled - done >= _STRIP:
                finish(flat[done // size : filled // size])
                done = filled
    if filled > done:
        finish(flat[done // size :])


def _read_runs(
    fd: int, path: str, plan: _Plan | _Run, flat: np.ndarray, dtype: np.dtype[Any], convert: Convert
) -> None:
    run = plan.length
    size = dtype.itemsize
    stored = scratch()[:_STRIP].view(dtype)
    target = stored.view(np.uint8).data
    done = filled = 0
    for start in plan.offsets():
        first = 0
        while first < run:
            n = min(_STRIP - filled, run - first)
            pread_into(fd, target[filled : filled + n], start + first, path)
            filled += n
            first += n
            if filled == _STRIP:
                convert(stored, flat[done : done + filled // size])
                done += filled // size
                filled = 0
    if filled:
        convert(stored[: filled // size], flat[done:])


def _read_box(
    fd: int,
    path: str,
    plan: _Plan,
    level: int,
    offset: int,
    box: np.ndarray,
    dtype: np.dtype[Any],
    convert: Convert,
) -> None:
    """Read a run with gaps and pick the pixels of `box` from it, in pieces that fit the scratch buffer."""
    count = box.shape[0]
    jump = plan.jumps[level]
    extent = plan.extents[level + 1] + (count - 1) * jump
    if extent <= _SCRATCH:
        buffer = scratch()
        pread_into(fd, buffer[:extent].data, offset, path)
        convert(np.ndarray(box.shape, dtype, buffer, 0, plan.jumps[level:]), box)
        return
    group = plan.group(level)
    if group == 0:
        for i in range(count):
            _read_box(fd, path, plan, level + 1, offset + i * jump, box[i], dtype, convert)
        return
    for i in range(0, count, group):
        _read_box(fd, path, plan, level, offset + i * jump, box[i : i + group], dtype, convert)


def write_section(fd: int, path: str, layout: Layout, section: Section, stored: np.ndarray) -> None:
    """Write pixels, already as stored, to a section whose steps are 1.

    Parameters
    ----------
    fd, path : int, str
        Descriptor of the file, and its path for messages.
    layout : Layout
        Where the pixels lie.
    section : Section
        Which pixels.
    stored : ndarray
        The pixels; C-contiguous.
    """
    if stored.size == 0:
        return
    source = stored.reshape(-1).view(np.uint8).data
    if (one := layout.run(section)) is not None:
        pwrite_from(fd, source, one[0], path)
        return
    strides = layout.strides
    counts = shape_of(section)
    level = len(counts)
    run = layout.dtype.itemsize
    while level and run == strides[level - 1]:
        level -= 1
        run *= counts[level]
    grid = np.array(
        [layout.offset + sum(s.start * b for s, b in zip(section, strides, strict=True))], np.int64
    )
    for count, stride in zip(counts[:level], strides, strict=False):
        grid = np.add.outer(grid, np.arange(count, dtype=np.int64) * stride).reshape(-1)
    position = 0
    for offset in grid.tolist():
        pwrite_from(fd, source[position : position + run], offset, path)
        position += run


def part(array: np.ndarray, place: tuple[slice, ...]) -> np.ndarray:
    """Return a view of a part of an array; an array of no axes stays one."""
    key: Any = (*place, ...)
    return array[key]


def natural_tile(shape: Sequence[int], itemsize: int, target: int = 4 << 20) -> tuple[int, ...]:
    """Return the shape of a run of whole rows or planes of about `target` bytes.

    >>> natural_tile((64, 1024, 1024), 4)
    (1, 1024, 1024)
    >>> natural_tile((64, 20000, 20000), 4)
    (1, 32, 20000)
    """
    tile = [1] * len(shape)
    room = max(1, target // itemsize)
    for axis in range(len(shape) - 1, -1, -1):
        if shape[axis] <= room or axis == len(shape) - 1:
            tile[axis] = max(1, shape[axis])
            room //= max(1, shape[axis])
            continue
        tile[axis] = 1 << max(0, room.bit_length() - 1)
        break
    return tuple(tile)
