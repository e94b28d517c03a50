"""Buffers of strips: runs that overlap, are given up, or share their program."""

from __future__ import annotations

import gc
import os
import threading
import weakref
from typing import Any, ClassVar

import numpy as np
import pytest

from lattice.config import Options
from lattice.execute.run import compute, save
from lattice.execute.sinks import WriterSink
from lattice.execute.strips import ProgramInput
from lattice.graph.sections import full
from lattice.io.memory import ArrayReader, ArrayWriter
from lattice.plan.program import lower
from tests.graphs import SHAPE, Tiled, function, image
from tests.work import PATIENCE, wait_until

VALUES = np.random.default_rng(0).normal(size=SHAPE).astype(np.float32)


def pixels(name: str) -> ProgramInput:
    return ProgramInput(lower([function(name, image(VALUES))], SHAPE), 8)


def test_runs_may_end_in_any_order() -> None:
    first, second = pixels("sin").strips(full(SHAPE)), pixels("exp").strips(full(SHAPE))
    next(first)
    piece, values, _ = next(second)
    first.close()
    later = [pixels(name).strips(full(SHAPE)) for name in ("cos", "floor", "sqrt")]
    for run in later:
        next(run)
    np.testing.assert_array_equal(values, np.exp(VALUES[piece]))


def test_one_program_may_be_run_twice_at_once() -> None:
    both = pixels("exp")
    for (at, x, _), (to, y, _) in zip(both.strips(full(SHAPE)), both.strips(full(SHAPE)), strict=True):
        assert at == to
        np.testing.assert_array_equal(x, np.exp(VALUES[at]))
        np.testing.assert_array_equal(y, np.exp(VALUES[to]))


def test_a_run_that_is_given_up_in_another_thread_frees_its_buffers() -> None:
    from lattice.execute import strips

    before = set(strips._local.__dict__.get("taken", ()))
    run = pixels("sin").strips(full(SHAPE))
    next(run)
    thread = threading.Thread(target=run.close)
    thread.start()
    thread.join()
    assert strips._local.taken == before


@pytest.mark.parametrize("options", [Options(workers=1), Options(workers=2, block=16, scheduler="threads")])
def test_images_are_not_kept_by_the_threads_that_computed_them(options: Options) -> None:
    node: Any = image(VALUES, tile=SHAPE)
    alive = weakref.ref(node.reader)
    compute(function("sin", node), options.replace(jit=False))
    del node

    def gone() -> bool:
        gc.collect()
        return alive() is None

    wait_until(gone, "the threads to let go of the image")


class Caching(Tiled):
    """A reader that gives out what it keeps, in bytes as it came from a file."""

    def read(self, section: Any, out: Any = None) -> np.ndarray:
        return KEPT.view(np.float32).reshape(SHAPE)[section]


KEPT = VALUES.reshape(-1).copy().view(np.uint8).copy()


def test_writers_spoil_no_array_of_a_reader() -> None:
    node = image(VALUES, tile=SHAPE)
    node = type(node)(Caching(ArrayReader(VALUES), SHAPE), "a", "", None, node.attrs)

    class Spoiling(ArrayWriter):
        def write(self, section: Any, values: np.ndarray, mask: np.ndarray | None) -> None:
            super().write(section, values, mask)
            values[...] = -1

    class Output:
        writer = Spoiling(np.empty(SHAPE, np.float32))
        mask_writers: ClassVar[dict[str, Any]] = {}

    save(node, Output(), options=Options(scheduler="synchronous"))  # type: ignore[arg-type]
    np.testing.assert_array_equal(Output.writer.values, VALUES)
    np.testing.assert_array_equal(KEPT.view(np.float32).reshape(SHAPE), VALUES)


@pytest.mark.parametrize("direct", [True, False])
def test_a_writer_that_takes_no_mask_writes_what_is_true_and_good(direct: bool) -> None:
    truth, good = np.random.default_rng(1).random((2, *SHAPE)) > 0.5
    out = np.zeros(SHAPE, bool)
    writer = ArrayWriter(out)
    writer.direct = direct  # type: ignore[misc]
    taker = WriterSink(writer, masked=False).start(full(SHAPE))
    taker.take(full(SHAPE), truth, good)
    taker.finish()
    np.testing.assert_array_equal(out, truth & good)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_process_has_threads_of_its_own() -> None:
    options = Options(scheduler="threads", workers=2, block=16, jit=False)
    x = function("exp", image(VALUES))
    wanted = compute(x, options).values
    child = os.fork()
    if child == 0:
        import signal

        signal.alarm(int(PATIENCE))
        os._exit(0 if np.array_equal(compute(x, options).values, wanted) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
