"""Pixels of small sections spread over a lattice, computed many sections at a time.

A sample is read before anything is compiled, and is too small to be worth it: numpy's kernels run over the
pixels of many sections as one array.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from lattice.execute.fusion import is_swapped, plain_file
from lattice.execute.stencils import Stencils
from lattice.execute.strips import ProgramInput
from lattice.graph.sections import Section, n_pixels, shape_of
from lattice.io.files import pread_into
from lattice.plan.program import Leaf, Program, RegionPixels

__all__ = ["good_values"]

_ROOM = 32 << 20  # bytes of all registers together
_MOST, _LEAST = 1 << 16, 1 << 13  # pixels at a time: few, so that memory is used again


def good_values(program: Program, sections: Sequence[Section], strip: int) -> list[list[np.ndarray]]:
    """Return, for each section, the good values of every output that are numbers.

    Parameters
    ----------
    program : Program
        Small sections of all its leaves have to cost little.
    sections : sequence of Section
        Which pixels.
    strip : int
        Most pixels per strip of what operations read.
    """
    most = max(_LEAST, min(_MOST, _ROOM // max(1, sum(t.itemsize for t in program.types))))
    found: list[list[np.ndarray]] = []
    for group, sizes in _groups(sections, most):
        with np.errstate(all="ignore"):
            registers = _registers(program, group, sizes, strip)
        columns = []
        for value, mask in program.outputs:
            values = np.broadcast_to(registers[value], sum(sizes))
            good = values == values
            if mask is not None:
                good &= registers[mask]
            stops = list(itertools.accumulate(sizes))
            pairs = zip([0, *stops], stops, strict=False)
            columns.append([values[i:j].compress(good[i:j]) for i, j in pairs])
        found += [list(row) for row in zip(*columns, strict=True)]
    return found


def _groups(sections: Sequence[Section], most: int) -> Iterator[tuple[list[Section], list[int]]]:
    """Yield sections, none of them empty, in groups of at most so many pixels, with the pixels of each."""
    group: list[Section] = []
    sizes: list[int] = []
    filled = 0
    for section in sections:
        n = n_pixels(section)
        if group and filled + n > most:
            yield group, sizes
            group, sizes, filled = [], [], 0
        group.append(section)
        sizes.append(n)
        filled += n
    if group:
        yield group, sizes


def _registers(program: Program, sections: list[Section], sizes: list[int], strip: int) -> dict[int, Any]:
    """Return every register of a program, for the pixels of the sections one after the other."""
    n = sum(sizes)
    stencils: Stencils = program.cache.setdefault("stencils", Stencils(program))
    registers: dict[int, Any] = {r: v.reshape(1) for r, v in program.constants.items()}
    for leaf in program.leaves:
        registers[leaf.value] = np.empty(n, program.types[leaf.value])
        if leaf.mask is not None:
            registers[leaf.mask] = np.ones(n, bool)
        _read(leaf, sections, sizes, registers, strip, stencils)
    for step in program.steps:
        out = registers[step.output] = np.empty(n, program.types[step.output])
        step.kernel(*[registers[r] for r in step.inputs], out=out)
    return registers


def _read(
    leaf: Leaf,
    sections: list[Section],
    sizes: list[int],
    registers: dict[int, Any],
    strip: int,
    stencils: Stencils,
) -> None:
    """Fill the registers of a leaf."""
    values: np.ndarray = registers[leaf.value]
    plain = plain_file(leaf)
    whole = leaf.view.is_whole
    runs = [None if plain is None else plain[1].run(s if whole else leaf.needs(s)) for s in sections]
    with contextlib.ExitStack() as stack:
        if plain is not None and None not in runs:
            fd = stack.enter_context(plain[0].copy())
            data, first = values.view(np.uint8).data, 0
            for start, length in (r for r in runs if r is not None):
                pread_into(fd, data[first : first + length], start, leaf.source.reader.path)
                first += length
            if is_swapped(leaf):
                values.byteswap(inplace=True)
            return
    inputs = lambda p: ProgramInput(p, strip)  # noqa: E731 - a value that is passed on
    first = 0
    for section, size in zip(sections, sizes, strict=True):
        if isinstance(leaf.source, RegionPixels) and leaf.view.is_box:
            stencils.of(leaf, section, inputs).fill(0, size, values[first : first + size].view(np.uint8))
            first += size
            continue
        part = values[first : first + size].reshape(shape_of(section))
        read, mask = leaf.fetch(section, part, inputs)
        if read is not part:
            part[...] = read
        if mask is not None and leaf.mask is not None:
            registers[leaf.mask][first : first + size].reshape(part.shape)[...] = mask
        first += size
