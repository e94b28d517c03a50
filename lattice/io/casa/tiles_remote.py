"""Tiles of files behind URLs: all that a section wants of them is asked for at the same time."""

from __future__ import annotations

import math
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from lattice.graph.sections import Section
from lattice.io.raw import Layout, part, runs
from lattice.io.remote import Job, RemoteFile
from lattice.io.zarr_read import pieces

if TYPE_CHECKING:
    from lattice.io.casa.tiles import TileLayout

__all__ = ["read_remote_tiles"]

_BATCH = 64 << 20  # bytes of tiles that are under way at once


def read_remote_tiles(file: RemoteFile, layout: TileLayout, section: Section, out: np.ndarray) -> None:
    """Read a section into `out`.

    Parameters
    ----------
    file : RemoteFile
        The file.
    layout : TileLayout
        Where the pixels lie.
    section : Section
        Which of them.
    out : ndarray
        Where to.
    """
    every = pieces(section, layout.tile)
    count = max(1, _BATCH // max(1, layout.tile_bytes))
    while some := list(islice(every, count)):
        wanted = [_wanted(layout, layout.at(number), inner) for number, inner, _ in some]
        jobs: list[Job] = [(layout.path, offsets, rows.shape[1], rows) for offsets, rows, _ in wanted]
        file.read(jobs)
        for (_, _, view), (_, _, place) in zip(wanted, some, strict=True):
            target = part(out, place)
            np.copyto(target, view().reshape(target.shape))


def _wanted(layout: TileLayout, position: int, inner: Section) -> tuple[np.ndarray, np.ndarray, Any]:
    """Return the runs of bytes that pixels of a tile take, room for them, and what makes pixels of that."""
    if layout.bits:
        return _bits(layout, position, inner)
    offsets, length, shape, strides = runs(Layout(position, layout.tile, layout.dtype), inner)
    rows = np.empty((len(offsets), length), np.uint8)

    def pixels() -> Any:
        return np.ndarray((len(offsets), *shape), layout.dtype, rows, 0, (length, *strides))

    return np.asarray(offsets, np.int64), rows, pixels


def _bits(layout: TileLayout, position: int, inner: Section) -> tuple[np.ndarray, np.ndarray, Any]:
    steps = [math.prod(layout.tile[k + 1 :]) for k in range(len(layout.tile))]
    counts = [-(-(s.stop - s.start) // s.step) for s in inner]
    first = sum(s.start * b for s, b in zip(inner, steps, strict=True))
    last = first + sum((n - 1) * s.step * b for n, s, b in zip(counts, inner, steps, strict=True))
    begin = first // 8
    rows = np.empty((1, last // 8 + 1 - begin), np.uint8)

    def pixels() -> Any:
        bits = np.unpackbits(rows[0], bitorder="little")
        strides = [s.step * b for s, b in zip(inner, steps, strict=True)]
        return np.ndarray(counts, np.bool_, bits, first - 8 * begin, strides)

    return np.array([position + begin], np.int64), rows, pixels
