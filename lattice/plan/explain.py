"""A plan in words: stages, what each reads, its blocks and the memory it takes."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

from lattice.config import Options, format_bytes
from lattice.graph.node import Node, Source
from lattice.graph.sections import Section, full
from lattice.graph.show import to_lel, tree
from lattice.graph.types import type_name
from lattice.graph.walk import postorder
from lattice.plan.blocks import choose
from lattice.plan.memory import resident
from lattice.plan.program import OperationPixels, Program, StoredPixels, lower
from lattice.plan.stages import outline

__all__ = ["Plan", "StageInfo", "explain"]


@dataclass(frozen=True)
class StageInfo:
    """What one stage does.

    Attributes
    ----------
    title : str
        What it computes.
    lines : tuple of str
        Details.
    n_bytes : int
        Bytes that it reads from storage.
    memory : int
        Projected memory beside what the process holds already.
    blocks : int
        Number of blocks.
    """

    title: str
    lines: tuple[str, ...]
    n_bytes: int
    memory: int
    blocks: int


@dataclass(frozen=True)
class Plan:
    """How a graph will be evaluated. Printing it shows the plan; nothing has been computed.

    Attributes
    ----------
    expression : str
        The graph as LEL text.
    tree : str
        The graph, one node a line.
    stages : tuple of StageInfo
        The passes, in order.
    memory_limit : int
        The limit that holds, in bytes.
    held : int
        Memory of the process when the plan was made.
    """

    expression: str
    tree: str
    stages: tuple[StageInfo, ...]
    memory_limit: int
    held: int

    @property
    def bytes_read(self) -> int:
        """Bytes read from storage in all stages."""
        return sum(s.n_bytes for s in self.stages)

    @property
    def projected_memory(self) -> int:
        """Projected peak of the resident memory."""
        return self.held + max((s.memory for s in self.stages), default=0)

    def text(self) -> str:
        """Return the plan as text."""
        lines = [self.expression, ""]
        for number, stage in enumerate(self.stages, start=1):
            lines.append(f"stage {number} of {len(self.stages)}: {stage.title}")
            lines += [f"    {line}" for line in stage.lines]
        if not self.stages:
            lines.append("nothing to read: the value is known")
        lines += ["", self._summary()]
        return "\n".join(lines)

    def _summary(self) -> str:
        return (
            f"reads {format_bytes(self.bytes_read)}; projected peak memory "
            f"{format_bytes(self.projected_memory)} (limit {format_bytes(self.memory_limit)})"
        )

    __str__ = text
    __repr__ = text

    def html(self) -> str:
        """Return the plan as HTML for notebooks."""
        rows = "".join(
            f"<tr><td>{i}</td><td style='text-align:left'>{html.escape(s.title)}</td><td>{s.blocks}</td>"
            f"<td>{format_bytes(s.n_bytes)}</td><td>{format_bytes(s.memory)}</td></tr>"
            for i, s in enumerate(self.stages, start=1)
        )
        return (
            f"<div><code>{html.escape(self.expression)}</code><table><thead><tr><th>stage</th><th>computes</th>"
            f"<th>blocks</th><th>reads</th><th>memory</th></tr></thead><tbody>{rows}</tbody></table>"
            f"<p>{html.escape(self._summary())}</p><details><summary>graph</summary>"
            f"<pre>{html.escape(self.tree)}</pre></details></div>"
        )

    _repr_html_ = html


def explain(node: Node, options: Options, chunks: tuple[int, ...] | None = None) -> Plan:
    """Return how a graph would be evaluated, without reading a pixel.

    Parameters
    ----------
    node : Node
        The graph.
    options : Options
        Memory limit and the like.
    chunks : tuple of int, optional
        Shape of the pieces in which an output would be written.
    """
    stages = []
    scalars, current = outline(node)
    for ready in scalars:
        stages += _scalar_stage(ready, options)
    if current.attrs.shape:
        what = f"stream {type_name(node.attrs.dtype)} {_times(current.attrs.shape)}"
        stages.append(_stage(what, [current], options, chunks))
    return Plan(to_lel(node), tree(node), tuple(stages), options.memory_bytes, resident())


def _scalar_stage(ready: Sequence[Node], options: Options) -> list[StageInfo]:
    by_shape: dict[tuple[int, ...], list[Node]] = {}
    for node in ready:
        by_shape.setdefault(node.children[0].attrs.shape or (), []).append(node)
    stages = []
    for nodes in by_shape.values():
        names = ", ".join(to_lel(n, 80) for n in nodes)
        stages.append(_stage(f"compute {names}", [n.children[0] for n in nodes], options, None))
    return stages


def _stage(title: str, roots: Sequence[Node], options: Options, chunks: tuple[int, ...] | None) -> StageInfo:
    shape = roots[0].attrs.shape or ()
    program = lower(roots, shape)
    blocks = choose(program, options, chunks)
    n_bytes = _bytes_read(program, full(program.shape))
    registers = 2 << 20
    memory = min(blocks.workers, max(1, blocks.count)) * (blocks.n_bytes + registers)
    lines = [
        f"reads {format_bytes(n_bytes)} of {_sources(roots)}",
        f"{_plural(blocks.count, 'block')} of {_times(blocks.block)}, "
        f"{min(blocks.workers, blocks.count)} at once; {_kernels(program)}",
        f"projected memory {format_bytes(memory)}",
    ]
    return StageInfo(title, tuple(lines), n_bytes, memory, blocks.count)


def _plural(n: int, word: str) -> str:
    return f"{n} {word}" if n == 1 else f"{n} {word}s"


def _times(shape: tuple[int, ...]) -> str:
    return " x ".join(str(n) for n in shape)


def _bytes_read(program: Program, section: Section) -> int:
    total = 0
    for leaf in program.leaves:
        needed = leaf.needs(section)
        if isinstance(leaf.source, StoredPixels):
            total += leaf.source.reader.bytes_read(needed)
        elif isinstance(leaf.source, OperationPixels):
            parts = leaf.source.operation.needs(needed)
            total += sum(
                _bytes_read(i, n) for i, n in zip(leaf.source.inputs, parts, strict=True) if n is not None
            )
    return total


def _sources(roots: Sequence[Node]) -> str:
    labels = dict.fromkeys(n.reader.label for n in postorder(roots) if isinstance(n, Source))
    shown = list(labels)[:4]
    more = f" and {len(labels) - 4} more" if len(labels) > 4 else ""
    return (", ".join(shown) or "nothing") + more


def _kernels(program: Program) -> str:
    operations = [
        leaf.source.operation.name for leaf in program.leaves if isinstance(leaf.source, OperationPixels)
    ]
    text = f"{_plural(len(program.steps), 'kernel')} a strip"
    return text + (f", operations: {', '.join(operations)}" if operations else "")
