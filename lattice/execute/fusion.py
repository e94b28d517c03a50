"""How a program and its sinks become loops: which steps each computes, and which numpy has to do in between.

Steps that have no text (sines, exponentials and the like, which numpy computes with vector instructions)
cut a program into stages: a loop that makes what such steps need, the steps, the next loop.  The last loop
serves the sinks.  Where numpy's own loops can be called, `lattice.execute.chain` makes one of them all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lattice.execute.body import TYPES, can_emit
from lattice.execute.emit import Input, Rows, Store, Target, emit
from lattice.execute.emit_rows import emit_rows
from lattice.execute.native import can_compress
from lattice.execute.targets import NativeSink, native_sink, span_of
from lattice.functions.states import LANES
from lattice.plan.program import Leaf, Program, Step, StoredPixels

__all__ = ["Fusion", "Stage", "fusion", "is_swapped", "plain_file"]

PIECE = 1 << 18  # pixels that buffers have room for, at most
_ROOM = 8 << 20  # bytes that the buffers of a piece may take in one thread


@dataclass(frozen=True)
class Stage:
    """A loop, and the steps that numpy runs after it on what it wrote."""

    text: str
    inputs: tuple[Input, ...]
    stored: tuple[int, ...]
    slow: tuple[Step, ...]


@dataclass(frozen=True)
class Fusion:
    """How a program and its sinks are run by loops.

    Attributes
    ----------
    program : Program
        The program.
    stages : tuple of Stage
        Loops, in order.
    sinks : tuple of NativeSink
        Take the results of the last stage.
    piece : int
        Pixels that buffers have room for.
    span : int
        Pixels that sinks take in at once, where inputs need not all be in memory at the same time.
    """

    program: Program
    stages: tuple[Stage, ...]
    sinks: tuple[NativeSink, ...]
    piece: int
    span: int

    @property
    def texts(self) -> tuple[str, ...]:
        """The texts of all loops."""
        return tuple(stage.text for stage in self.stages)


def is_swapped(leaf: Leaf) -> bool:
    """Tell whether a leaf can be read as it lies, with its bytes in the other order."""
    plain = plain_file(leaf)
    return plain is not None and not plain[1].dtype.isnative


def plain_file(leaf: Leaf) -> Any:
    """Return the file and the layout of a leaf that is a plain array in a file, or part of one; else None."""
    if isinstance(leaf.source, StoredPixels) and (leaf.view.is_whole or (leaf.direct and leaf.view.is_box)):
        return getattr(leaf.source.reader, "plain", None)
    return None


def fusion(program: Program, sinks: Sequence[Any]) -> Fusion | None:
    """Return how loops run a program with its sinks; None when they cannot, as for complex numbers."""
    leaves = [r for leaf in program.leaves for r in (leaf.value, leaf.mask) if r is not None]
    live = {r for s in program.steps for r in (*s.inputs, s.output)} | set(leaves)
    live |= {r for pair in program.outputs for r in pair if r is not None}
    if not program.leaves or any(program.types[r].name not in TYPES for r in live):
        return None
    natives = [native_sink(s, v, m, program) for s, (v, m) in zip(sinks, program.outputs, strict=True)]
    targets = tuple(t for n in natives for t in n.targets)
    final = {r for t in targets for r in (t.value, t.mask) if r is not None}
    stages, have = _slow_stages(program)
    steps = _needed(program, final, have)
    stages.append(_stage(program, have, steps, targets))
    span = span_of(targets, program)
    return Fusion(program, tuple(stages), tuple(natives), min(span, _piece(program, stages)), span)


def _piece(program: Program, stages: Sequence[Stage]) -> int:
    """Return the pixels of a piece: fewer where many registers are in memory."""
    registers = {i.register for stage in stages for i in stage.inputs}
    registers |= {r for stage in stages for r in stage.stored}
    registers |= {r for stage in stages for s in stage.slow for r in (*s.inputs, s.output)}
    size = sum(program.types[r].itemsize for r in registers - set(program.constants))
    return max(1 << 13, min(PIECE, _ROOM // max(1, size) // LANES * LANES))


def _slow_stages(program: Program) -> tuple[list[Stage], dict[int, bool]]:
    """Return the stages up to the last slow step, and what then is in memory (True: bytes swapped)."""
    have: dict[int, bool] = {}
    for leaf in program.leaves:
        have[leaf.value] = is_swapped(leaf)
        if leaf.mask is not None:
            have[leaf.mask] = False
    quick = {s.output for s in program.steps if can_emit(s, program)}
    level = dict.fromkeys((*have, *program.constants), 0)
    for step in program.steps:
        level[step.output] = max(level[r] for r in step.inputs) + (step.output not in quick)
    stages: list[Stage] = []
    for number in range(1, max(level.values(), default=0) + 1):
        slow = tuple(s for s in program.steps if s.output not in quick and level[s.output] == number)
        wanted = dict.fromkeys(r for s in slow for r in s.inputs if r not in program.constants)
        stored = tuple(r for r in wanted if have.get(r, True))
        targets = tuple(Store(r, None) for r in stored)
        steps = _needed(program, set(stored), have)
        stages.append(_stage(program, have, steps, targets, stored, slow))
        have |= dict.fromkeys((*stored, *(s.output for s in slow)), False)
    return stages, have


def _needed(program: Program, wanted: set[int], have: dict[int, bool]) -> tuple[Step, ...]:
    """Return the steps that make registers out of those that are in memory."""
    missing = {r for r in wanted if r not in have}
    steps = []
    for step in reversed(program.steps):
        if step.output in missing:
            steps.append(step)
            missing.update(r for r in step.inputs if r not in have)
    return tuple(reversed(steps))


def _stage(
    program: Program,
    have: dict[int, bool],
    steps: tuple[Step, ...],
    targets: tuple[Target, ...],
    stored: tuple[int, ...] = (),
    slow: tuple[Step, ...] = (),
) -> Stage:
    used = {r for s in steps for r in s.inputs} | {
        r for t in targets for r in (t.value, t.mask) if r is not None
    }
    inputs = tuple(Input(r, swapped) for r, swapped in have.items() if r in used)
    text = ""
    if targets and isinstance(targets[0], Rows):
        text = emit_rows(program, inputs, steps, [t for t in targets if isinstance(t, Rows)])
    elif targets:
        text = emit(program, inputs, steps, targets, can_compress())
    return Stage(text, inputs, stored, slow)
