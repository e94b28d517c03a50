"""Blocks of what is made of many pixels."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from lattice import Image
from lattice.config import get_options
from lattice.graph.node import Node
from lattice.ops.collapse import statistics
from lattice.ops.moments import moments
from lattice.plan.blocks import choose
from lattice.plan.program import lower

SHAPE = (64, 1024, 1024)


def cube(shape: tuple[int, ...] = SHAPE) -> Node:
    return Image(np.broadcast_to(np.float32(1), shape)).node


def blocks(*roots: Node, **changes: Any) -> tuple[tuple[int, ...], int]:
    shape = roots[0].attrs.shape or ()
    found = choose(lower(roots, shape), get_options().replace(**changes))
    return found.block, found.count


@pytest.mark.parametrize(
    ("axes", "names", "block"),
    [
        ((0,), ["sum"], (1, 64, 1024)),
        ((0,), ["sum", "max", "stddev"], (3, 64, 1024)),
        # what is sorted is in memory meanwhile
        ((0,), ["median"], (1, 64, 1024)),
        ((1, 2), ["sum", "max", "stddev"], (3, 4)),
        ((1, 2), ["median"], (1, 4)),
        ((2,), ["sum"], (1, 4, 1024)),
    ],
)
def test_reductions_are_cut_by_what_they_take(
    axes: tuple[int, ...], names: list[str], block: tuple[int, ...]
) -> None:
    assert blocks(statistics(cube(), names, axes)) == (block, 16)


def test_deep_cubes_have_long_runs_unless_they_are_held() -> None:
    deep = cube((5120, 1024, 1024))
    assert blocks(*moments(deep, [0, 1, 2], 0)) == ((64, 1024), 16)
    held, count = blocks(statistics(deep, ["median"], (0,)))
    assert math.prod(held) * 5120 < 1.01 * (1 << 24)
    assert count > 300


def test_what_comes_from_one_pass_stays_together() -> None:
    wide = cube((30, 4, 1 << 22))
    (first, *_), _ = blocks(statistics(wide, ["sum", "max", "stddev"], (0,)))
    assert first == 3


def test_blocks_do_not_depend_on_workers() -> None:
    node = statistics(cube(), ["sum"], (0,))
    assert blocks(node, workers=1) == blocks(node, workers=64)
