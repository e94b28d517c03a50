"""Pixels of small sections spread over a lattice, computed many sections at a time.

A sample is read before anything is compiled, and is too small to be worth it: numpy's kernels run over the
pixels of many sections as one array.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator, Mapping, Sequence
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


def good_values(
    program: Program, sections: Sequence[Section], strip: int
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return, for each output, the good values that are numbers, and how many each section has.

    Parameters
    ----------
    program : Program
        Small sections of all its leaves have to cost little.
    sections : sequence of Section
        Which pixels; no section is empty.
    strip : int
        Most pixels per strip of what operations read.
    """
    most = max(_LEAST, min(_MOST, _ROOM // max(1, sum(t.itemsize for t in program.types))))
    groups = list(_groups(sections, most))
    room = sum(sum(sizes) for _, sizes in groups)
    found = [np.empty(room, program.types[value]) for value, _ in program.outputs]
    filled = [0] * len(found)
    counts: list[list[int]] = [[] for _ in found]
    most = max((sum(sizes) for _, sizes in groups), default=0)
    # made once: memory that is new costs more than what is done with it
    buffers = {r: np.empty(most, program.types[r]) for r in _computed(program)}
    flags = np.empty(most, bool)
    for group, sizes in groups:
        with np.errstate(all="ignore"):
            registers = _registers(program, group, sizes, strip, buffers)
        stops = list(itertools.accumulate(sizes))
        places = list(zip([0, *stops], stops, strict=False))
        for k, (value, mask) in enumerate(program.outputs):
            values = np.broadcast_to(registers[value], sum(sizes))
            good = np.equal(values, values, out=flags[: sum(sizes)])
            if mask is not None:
                good &= registers[mask]
            numbers = [int(np.count_nonzero(good[i:j])) for i, j in places]
            counts[k] += numbers
            at, filled[k] = filled[k], filled[k] + sum(numbers)
            found[k][at : filled[k]] = values if sum(numbers) == values.size else values[good]
    return [(v[:n], np.array(c, np.int64)) for v, n, c in zip(found, filled, counts, strict=True)]


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


def _computed(program: Program) -> set[int]:
    """Return the registers that are read or computed."""
    leaves = {r for leaf in program.leaves for r in (leaf.value, leaf.mask) if r is not None}
    return leaves | {step.output for step in program.steps}


def _registers(
    program: Program,
    sections: list[Section],
    sizes: list[int],
    strip: int,
    buffers: Mapping[int, np.ndarray],
) -> dict[int, Any]:
    """Return every register of a program, for the pixels of the sections one after the other."""
    stencils: Stencils = program.cache.setdefault("stencils", Stencils(program))
    registers: dict[int, Any] = {r: v.reshape(1) for r, v in program.constants.items()}
    registers |= {r: buffer[: sum(sizes)] for r, buffer in buffers.items()}
    for leaf in program.leaves:
        if leaf.mask is not None:
            registers[leaf.mask][:] = True
        _read(leaf, sections, sizes, registers, strip, stencils)
    for step in program.steps:
        step.kernel(*[registers[r] for r in step.inputs], out=registers[step.output])
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
