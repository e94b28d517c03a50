"""Programs that may take pixels in any order, run in the order in which they are stored.

A tiled image is a sequence of tiles.  What is computed pixel by pixel from images that are cut into the same
tiles, and written to one that is cut so too or added up, need not know where in the image a pixel lies: it
runs over the files from the first byte to the last, without putting tiles together and apart again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from lattice.graph.protocols import Writer
from lattice.plan.program import Leaf, Program, StoredPixels
from lattice.plan.view import View

__all__ = ["in_storage_order"]


def in_storage_order(program: Program, writers: Sequence[Writer] = ()) -> tuple[Program, list[Writer]] | None:
    """Return a program and writers of one axis that do the same in the order of storage, if there are any.

    Parameters
    ----------
    program : Program
        All its leaves have to be whole stored lattices that are cut into the same tiles, none of them padded.
        Readers of such have a method ``in_storage_order``, which gives a value that equals that of all which
        are cut alike, and a reader of the pixels as they follow each other.
    writers : sequence of Writer
        What it is written by; each has to be cut alike, too.
    """
    if len(program.shape) < 2 or not program.leaves:
        return None
    leaves: list[Leaf] = []
    keys = set()
    for leaf in program.leaves:
        if not isinstance(leaf.source, StoredPixels) or not leaf.view.is_whole:
            return None
        found = _storage_order(leaf.source.reader)
        if found is None:
            return None
        keys.add(found[0])
        leaves.append(replace(leaf, source=StoredPixels(found[1]), view=View.identity(1), ndim=1))
    turned: list[Writer] = []
    for writer in writers:
        found = _storage_order(writer)
        if found is None:
            return None
        keys.add(found[0])
        turned.append(found[1])
    if len(keys) > 1:
        return None
    (length,) = leaves[0].source.reader.shape
    constants = {register: value.reshape(-1) for register, value in program.constants.items()}
    flat = replace(program, shape=(length,), leaves=tuple(leaves), constants=constants, cache={})
    return flat, turned


def _storage_order(thing: Any) -> tuple[Any, Any] | None:
    method = getattr(thing, "in_storage_order", None)
    found: tuple[Any, Any] | None = None if method is None else method()
    return found
