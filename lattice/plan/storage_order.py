"""Programs that may take pixels in any order, run in the order in which they are stored.

A tiled image is a sequence of tiles.  What is computed pixel by pixel from images that are cut into the same
tiles, and written to one that is cut so too or added up, need not know where in the image a pixel lies: it
runs over the files from the first byte to the last, without putting tiles together and apart again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from lattice.graph.protocols import Writer
from lattice.graph.types import BOOL
from lattice.plan.program import Leaf, Program, StoredPixels
from lattice.plan.view import View

__all__ = ["in_storage_order"]


Target = tuple[Writer, bool]
"""A writer, and whether it takes a mask."""


def in_storage_order(program: Program, targets: Sequence[Target] = ()) -> tuple[Program, list[Target]] | None:
    """Return a program and targets of one axis that do the same in the order of storage, if there are any.

    Parameters
    ----------
    program : Program
        All its leaves have to be whole stored lattices that are cut into the same tiles.  Readers of such
        have a method ``in_storage_order``, which gives a value that equals that of all which are cut alike,
        and a reader of the pixels as they follow each other.  What is beyond the edges of the lattice, in the
        last tiles, may be among them only where everything is written and nothing added up.
    targets : sequence of (Writer, bool)
        What each output is written by, and whether that takes a mask; each has to be cut alike, too.  The
        mask that goes with an output becomes one more output.
    """
    if len(program.shape) < 2 or not program.leaves:
        return None
    padded = bool(targets)
    leaves: list[Leaf] = []
    keys = set()
    for leaf in program.leaves:
        if not isinstance(leaf.source, StoredPixels) or not leaf.view.is_whole:
            return None
        if tuple(leaf.source.reader.shape) != tuple(program.shape):  # the first planes, rows or pixels of it
            return None
        found = _storage_order(leaf.source.reader, padded)
        if found is None:
            return None
        keys.add(found[0])
        leaves.append(replace(leaf, source=StoredPixels(found[1]), view=View.identity(1), ndim=1))
    turned: list[Target | None] = []
    for writer, takes in targets:
        flags = getattr(writer, "flags", None)
        for one in (writer,) if flags is None else (writer, flags):
            found = _storage_order(one, padded)
            if found is None:
                return None
            keys.add(found[0])
            turned.append((found[1], takes and flags is None))
        if flags is None:
            turned.append(None)
    if len(keys) > 1:
        return None
    (length,) = leaves[0].source.reader.shape
    if targets:
        program = _with_masks(program, [t is not None for t in turned[1::2]])
    constants = {register: value.reshape(-1) for register, value in program.constants.items()}
    flat = replace(program, shape=(length,), leaves=tuple(leaves), constants=constants, cache={})
    return flat, [t for t in turned if t is not None]


Outputs = tuple[tuple[int, "int | None"], ...]


def _with_masks(program: Program, wanted: Sequence[bool]) -> Program:
    """Return a program that gives the masks of some outputs as outputs of their own."""
    if not any(wanted):
        return program
    always = len(program.types)

    def split(outputs: Outputs) -> Outputs:
        found: list[tuple[int, int | None]] = []
        for (value, mask), own in zip(outputs, wanted, strict=True):
            found.append((value, None if own else mask))
            if own:
                found.append((always if mask is None else mask, None))
        return tuple(found)

    return replace(
        program,
        types=(*program.types, BOOL),
        constants={**program.constants, always: np.array(True)},
        outputs=split(program.outputs),
        clean_outputs=split(program.clean_outputs) if program.checks else (),
    )


def _storage_order(thing: Any, padded: bool) -> tuple[Any, Any] | None:
    method = getattr(thing, "in_storage_order", None)
    found: tuple[Any, Any] | None = None if method is None else method(padded)
    return found
