"""Views, programs, blocks and plans."""

from __future__ import annotations

import itertools
import math
import pickle
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lattice.config import Options
from lattice.errors import MemoryLimitError
from lattice.graph.build import cut
from lattice.graph.node import Extend, Literal
from lattice.graph.sections import full, shape_of
from lattice.graph.types import FLOAT
from lattice.ops.collapse import collapse
from lattice.ops.concat import concat
from lattice.ops.rebin import rebin
from lattice.plan import memory
from lattice.plan.blocks import Blocks, choose
from lattice.plan.explain import explain
from lattice.plan.memory import bytes_per_block
from lattice.plan.program import lower
from lattice.plan.view import View
from tests.graphs import SHAPE, function, image

OPTIONS = Options(memory_limit="2GB", workers=2)


def source(shape: tuple[int, ...] = SHAPE, **options: object) -> object:
    values = np.arange(math.prod(shape), dtype=np.float32).reshape(shape)
    return image(values, **options)  # type: ignore[arg-type]


def _slices(n: int) -> st.SearchStrategy[slice | int]:
    return st.slices(n).filter(lambda s: len(range(*s.indices(n))) > 0) | st.integers(0, n - 1)


@given(st.tuples(*(_slices(n) for n in SHAPE)), st.data())
def test_views_compose_like_numpy_slices(key: tuple[slice | int, ...], data: st.DataObject) -> None:
    x = source()
    values = x.reader.read(full(SHAPE))  # type: ignore[attr-defined]
    once = cut(x, key)  # type: ignore[arg-type]
    if not once.attrs.shape:
        return
    key2 = data.draw(st.tuples(*(_slices(n) for n in once.attrs.shape)))
    twice = cut(once, key2)
    expected = values[key][key2]
    assert twice.attrs.shape == expected.shape
    program = lower([twice], expected.shape)
    leaf = program.leaves[0]
    got, _ = leaf.fetch(full(expected.shape), None, lambda _p: None)
    np.testing.assert_array_equal(got, expected)
    assert math.prod(shape_of(leaf.needs(full(expected.shape)))) == expected.size


def test_a_view_of_an_extended_plane_reads_the_plane_once() -> None:
    plane = source(SHAPE[1:], dims=("y", "x"))
    cube = source()
    tree = function("+", plane, cube)  # type: ignore[arg-type]
    leaf = lower([tree], SHAPE).leaves[0]
    assert leaf.view == View(((-1, 0, 0), (0, 0, 1), (1, 0, 1)))
    assert shape_of(leaf.needs(full(SHAPE))) == SHAPE[1:]
    assert isinstance(tree.children[0], Extend)


def test_equal_parts_are_computed_once_and_constants_folded() -> None:
    x = source()
    part = function("sin", x)  # type: ignore[arg-type]
    two = function("*", Literal.of(1, FLOAT), Literal.of(2, FLOAT))
    program = lower([function("+", function("*", part, two), function("*", part, two))], SHAPE)
    assert [s.kernel for s in program.steps] == [np.sin, np.multiply, np.add]
    assert len(program.leaves) == 1


def test_masks_that_are_true_everywhere_vanish() -> None:
    x = source()
    always = function("||", function(">", x, Literal.of(0, FLOAT)), Literal.of(True))  # type: ignore[arg-type]
    program = lower([function("[]", x, always)], SHAPE)  # type: ignore[arg-type]
    assert program.outputs[0][1] is None
    assert not program.steps


def test_programs_are_pickled_without_what_a_process_keeps() -> None:
    program = lower([function("sin", source())], SHAPE)  # type: ignore[arg-type]
    program.cache["code"] = object()
    assert pickle.loads(pickle.dumps(program)).cache == {}


def test_blocks_do_not_depend_on_the_number_of_workers() -> None:
    program = lower([function("sin", source((64, 128, 128)))], (64, 128, 128))  # type: ignore[arg-type]
    cuts = {choose(program, OPTIONS.replace(workers=n)).block for n in (1, 2, 7, 64)}
    assert len(cuts) == 1


def test_blocks_are_whole_tiles_and_whole_chunks() -> None:
    tiled = source((16, 96, 96), tile=(1, 32, 48))
    block = choose(lower([tiled], (16, 96, 96)), OPTIONS.replace(block=4000)).block  # type: ignore[list-item]
    assert block[1] % 32 == 0
    assert block[2] % 48 == 0
    chunked = choose(lower([source((16, 96, 96))], (16, 96, 96)), OPTIONS, chunks=(4, 32, 96), sink_bytes=5)  # type: ignore[list-item]
    assert chunked.block[0] % 4 == 0
    assert chunked.block[1] % 32 == 0


def test_little_memory_means_smaller_blocks_then_fewer_workers_then_refusal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shape = (64, 512, 512)
    program = lower([image(np.broadcast_to(np.float32(0), shape), tile=(1, 64, 64))], shape)
    roomy = choose(program, OPTIONS.replace(workers=8))
    monkeypatch.setattr("lattice.plan.blocks.allowance", lambda _o: 40_000)
    tight = choose(program, OPTIONS.replace(workers=8))
    assert tight.n_bytes < roomy.n_bytes
    assert tight.workers * tight.n_bytes <= 40_000
    monkeypatch.setattr("lattice.plan.blocks.allowance", lambda _o: 3)
    with pytest.raises(MemoryLimitError, match=r"needs .* but the memory limit"):
        choose(program, OPTIONS)


def test_memory_that_any_block_takes_makes_no_tiny_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    shape = (3, 256, 256)
    program = lower([image(np.broadcast_to(np.float32(0), shape), tile=(1, 64, 64))], shape)
    monkeypatch.setattr(
        "lattice.plan.blocks.bytes_per_block", lambda _p, s, _b: 33_000_000 + 80 * math.prod(s)
    )
    for room, workers in ((70_000_000, 1), (36_000_000, 1), (200_000_000, 2)):
        monkeypatch.setattr("lattice.plan.blocks.allowance", lambda _o, room=room: room)
        monkeypatch.setattr("lattice.plan.blocks.comfortable", lambda _o, room=room: room)
        made = choose(program, OPTIONS.replace(workers=2))
        assert made.workers == workers
        assert math.prod(made.block) >= 16_384
        assert made.n_bytes <= room


def test_the_compiler_is_left_room_while_it_is_to_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lattice.plan.memory.resident", lambda: 80_000_000)
    monkeypatch.setattr("lattice.plan.memory._has_compiler", lambda: True)
    options = OPTIONS.replace(memory_limit="200MB", jit="auto")
    monkeypatch.setitem(sys.modules, "llvmlite.binding", sys)
    assert memory.comfortable(options) == memory.allowance(options) == 120_000_000
    monkeypatch.delitem(sys.modules, "llvmlite.binding")
    assert memory.comfortable(options) == 47_000_000
    assert memory.allowance(options) >= memory.comfortable(options)
    assert memory.comfortable(options.replace(jit=False)) == 120_000_000


def test_the_number_of_blocks_is_bounded() -> None:
    program = lower([image(np.broadcast_to(np.float32(0), (4000, 100, 100)))], (4000, 100, 100))
    assert choose(program, OPTIONS.replace(block=1)).count <= 10_000


def test_a_plan_tells_stages_bytes_blocks_and_memory() -> None:
    x = image(np.zeros((64, 256, 256), np.float32), name="cube.fits")
    tree = function("[]", x, function(">", x, function("*", Literal.of(2), function("stddev", x))))
    plan = explain(tree, OPTIONS)
    assert plan.expression == "cube.fits[cube.fits > 2 * stddev(cube.fits)]"
    assert [s.title for s in plan.stages] == ["compute stddev(cube.fits)", "stream Float 64 x 256 x 256"]
    assert plan.bytes_read == 2 * x.attrs.nbytes
    assert plan.projected_memory > plan.held
    text = plan.text()
    for part in ("stage 1 of 2", "reads 16.8 MB", "blocks of", "limit 2.00 GB"):
        assert part in text
    assert "<table>" in plan.html()
    assert "cube.fits[cube.fits &gt; 2" in plan.html()


def test_a_known_value_has_no_stages() -> None:
    plan = explain(function("*", Literal.of(2), Literal.of(3)), OPTIONS)
    assert plan.stages == ()
    assert "nothing to read" in plan.text()


def test_memory_of_operations_counts_what_they_need_of_their_inputs() -> None:
    shape = (40, 64, 64)
    tiled = image(np.broadcast_to(np.float32(0), shape), tile=(1, 64, 64))
    once = lower([rebin(tiled, (4, 4, 4))], (10, 16, 16))
    pixels = 4 * 4 * 4 * 2 * 16 * 16
    assert bytes_per_block(once, (2, 16, 16)) > 4 * pixels
    nested = lower([collapse(rebin(tiled, (1, 4, 4)), "mean", 0)], (16, 16))
    assert bytes_per_block(nested, (8, 16)) > 4 * 40 * 32 * 64  # all of the source that the block covers
    assert bytes_per_block(nested, (2, 16)) < bytes_per_block(nested, (8, 16))


def test_inputs_that_are_joined_are_held_one_after_the_other() -> None:
    shape = (4, 64, 64)
    parts = [image(np.full(shape, i, np.float32), tile=(1, 64, 64)) for i in range(20)]
    program = lower([concat(parts, 0)], (80, 64, 64))
    assert bytes_per_block(program, (4, 64, 64)) < 4 * 4 * 64 * 64 * 5


def test_blocks_that_share_work_follow_each_other() -> None:
    blocks = Blocks((4, 6, 5), (2, 2, 3), 0, 1, (True, False, False))
    first = [blocks.sections()[k] for k in blocks.order()]
    assert sorted(blocks.order()) == list(range(blocks.count))
    for one, other in itertools.pairwise(first[:2]):
        assert one[1:] == other[1:]
        assert one[0] != other[0]
    for plain in (Blocks((4, 6), (2, 2), 0, 1), Blocks((4, 6), (2, 2), 0, 1, (True, True))):
        assert list(plain.order()) == list(range(6))


def test_a_limit_below_what_the_process_holds_says_so() -> None:
    from lattice.config import get_options
    from lattice.plan.memory import refuse

    tight = str(refuse("the work", 10**9, get_options().replace(memory_limit=1000), "take less"))
    assert "already, of a memory limit of 1.00 kB, and may add 67.1 MB" in tight
    wide = str(refuse("the work", 10**18, get_options().replace(memory_limit=10**15), "take less"))
    assert "memory limit of 1.00 PB leaves" in wide
