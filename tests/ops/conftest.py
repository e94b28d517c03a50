"""Lattices in memory, and operations evaluated section by section without the engine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from lattice.graph.attributes import Attributes, default_dims
from lattice.graph.node import Node, Source
from lattice.graph.sections import Section, full, grid, split
from lattice.io.memory import ArrayReader


class FakeInput:
    """What an operation sees of an input; pieces are small, and buffers are overwritten after each."""

    def __init__(self, values: np.ndarray, mask: np.ndarray | None, strip: int = 7) -> None:
        self.values, self.mask, self.strip = values, mask, strip
        self.asked: list[Section] = []

    def array(self, section: Section) -> tuple[np.ndarray, np.ndarray | None]:
        self.asked.append(section)
        values = np.array(self.values[section], order="C")
        values.flags.writeable = False
        return values, None if self.mask is None else np.ascontiguousarray(self.mask[section])

    def strips(self, section: Section) -> Iterator[tuple[Section, np.ndarray, np.ndarray | None]]:
        for piece in split(section, self.strip):
            values, mask = (
                None if a is None else np.array(a[piece], order="C") for a in (self.values, self.mask)
            )
            assert values is not None
            yield piece, values, mask
            values[...] = 99
            if mask is not None:
                mask[...] = True

    def fill(self, section: Section, axes: tuple[int, ...], planes: Any) -> bool:
        return False

    def states(self, section: Section, axes: tuple[int, ...], names: Any) -> None:
        return None


class Bench:
    """Makes sources and evaluates operations."""

    @staticmethod
    def source(values: np.ndarray, mask: np.ndarray | None = None, name: str = "a", **labels: Any) -> Source:
        labels.setdefault("dims", default_dims(values.ndim))
        attrs = Attributes(values.dtype, values.shape, **labels)
        good: Source | None = None
        if mask is not None:
            plain = Attributes(mask.dtype, mask.shape, attrs.dims)
            good = Source(ArrayReader(mask), name, "mask0", None, plain)
        node: Source = Source(ArrayReader(values), name, "", good, attrs)
        return node

    @staticmethod
    def evaluate(
        node: Node,
        inputs: list[FakeInput],
        blocks: tuple[int, ...] | None = None,
        section: Section | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return values and mask of an operation, put together from blocks."""
        shape = node.attrs.shape or ()
        if section is not None:
            values, mask = node.evaluate(tuple(inputs), section)  # type: ignore[attr-defined]
            return values, np.ones(values.shape, bool) if mask is None else mask
        out, good = np.empty(shape, node.attrs.dtype), np.ones(shape, bool)
        for block in grid(shape, blocks) if blocks else [full(shape)]:
            values, mask = node.evaluate(tuple(inputs), block)  # type: ignore[attr-defined]
            assert values.dtype == node.attrs.dtype
            assert values.shape == out[block].shape
            assert mask is None or (mask.dtype == bool and mask.shape == values.shape)
            assert mask is None or node.attrs.masked
            out[block] = values
            if mask is not None:
                good[block] = mask
        return out, good


@pytest.fixture(scope="session")
def bench() -> type[Bench]:
    return Bench


@pytest.fixture(scope="session")
def fake_input() -> type[FakeInput]:
    return FakeInput
