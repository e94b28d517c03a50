"""Running graphs: stages, passes, memory, interruption and failures."""

from __future__ import annotations

import io
import threading
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from lattice.config import Options, format_bytes
from lattice.errors import LatticeError, LatticeTypeError, MemoryLimitError, ShapeMismatchError
from lattice.execute.control import Cancelled, Control
from lattice.execute.run import compute, compute_many, save
from lattice.graph.build import cut, index_set
from lattice.graph.node import Literal, Source
from lattice.graph.sections import Section, n_pixels
from lattice.graph.types import FLOAT
from lattice.io.memory import ArrayReader
from lattice.plan.memory import resident
from tests.graphs import SHAPE, function, image

OPTIONS = Options(scheduler="synchronous", jit=False)


@dataclass
class Counting:
    """A reader that counts the pixels it is asked for."""

    inner: ArrayReader
    direct: bool = True
    tile: tuple[int, ...] = (1, 1, 1)
    pixels: int = 0
    sections: list[Section] = field(default_factory=list)
    lock: Any = field(default_factory=threading.Lock)
    label = "counting"

    @property
    def shape(self) -> tuple[int, ...]:
        return self.inner.shape

    @property
    def dtype(self) -> Any:
        return self.inner.dtype

    @property
    def token(self) -> str:
        return f"counting-{id(self)}"

    def read(self, section: Section, out: Any = None) -> np.ndarray:
        with self.lock:
            self.pixels += n_pixels(section)
            self.sections.append(section)
        return self.inner.read(section)

    def bytes_read(self, section: Section) -> int:
        return n_pixels(section) * self.dtype.itemsize


def counted(shape: tuple[int, ...] = SHAPE) -> tuple[Source, Counting]:
    values = np.random.default_rng(5).normal(size=shape).astype(np.float32)
    reader = Counting(ArrayReader(values))
    node = image(values)
    source: Source = Source(reader, "counted", "", None, node.attrs)
    return source, reader


def test_building_reads_nothing_and_each_stage_is_one_pass() -> None:
    x, reader = counted()
    tree = function("[]", x, function(">", x, function("*", Literal.of(3), function("stddev", x))))
    assert reader.pixels == 0
    compute(tree, OPTIONS)
    assert reader.pixels == 2 * x.attrs.size


def test_all_reductions_of_a_stage_share_a_pass() -> None:
    x, reader = counted()
    names = ("sum", "mean", "stddev", "min", "max", "median", "nelements", "avdev")
    compute_many([function(n, x) for n in names], OPTIONS)
    assert reader.pixels == 2 * x.attrs.size  # avdev needs the mean first


def test_a_cut_reads_only_what_it_needs() -> None:
    x, reader = counted()
    tree = x
    for _ in range(5):
        tree = function("+", function("sin", tree), x)  # type: ignore[assignment]
    compute(cut(tree, (1, slice(2, 4), slice(None, None, -3))), OPTIONS)
    assert reader.pixels == 2 * 3


def test_scalars_are_numpy_scalars_and_undefined_ones_none() -> None:
    x, _ = counted()
    good = compute(function("mean", x), OPTIONS).values
    assert isinstance(good, np.float32)
    nothing = function("[]", x, function(">", x, Literal.of(1e9, FLOAT)))
    assert compute(function("mean", nothing), OPTIONS).values is None
    assert compute(function("sum", nothing), OPTIONS).values == 0


def test_an_undefined_scalar_makes_a_lattice_bad() -> None:
    x, _ = counted()
    nothing = function("mean", function("[]", x, function(">", x, Literal.of(1e9, FLOAT))))
    result = compute(function("+", x, nothing), OPTIONS)
    assert result.mask is not None
    assert not result.mask.any()


def test_masks_that_turn_out_good_vanish() -> None:
    x, _ = counted()
    result = compute(function("[]", x, function(">", x, Literal.of(-1e9, FLOAT))), OPTIONS)
    assert result.mask is None


def test_a_result_beyond_the_memory_limit_is_refused_before_reading() -> None:
    x, reader = counted()
    huge = Counting(ArrayReader(np.zeros((1, 1, 1), np.float32)))
    huge_source: Source = Source(huge, "huge", "", None, x.attrs.with_(shape=(2000, 1000, 1000)))
    with pytest.raises(MemoryLimitError, match=r"8\.00 GB.*memory limit of 1\.00 GB") as caught:
        compute(huge_source, OPTIONS.replace(memory_limit="1GB"))
    assert "LATTICE_MEMORY_LIMIT" in str(caught.value)
    assert huge.pixels == reader.pixels == 0


def test_shapeless_conditions_and_scalars_cannot_be_saved() -> None:
    condition = index_set(Literal.of(0), [(1, 2, 1)])
    with pytest.raises(ShapeMismatchError, match="no shape of its own"):
        compute(condition, OPTIONS)
    with pytest.raises(LatticeTypeError, match="a scalar is no image"):
        save(Literal.of(1), Any, options=OPTIONS)  # type: ignore[arg-type]


class Failing(Counting):
    def read(self, section: Section, out: Any = None) -> np.ndarray:
        if section[0].start >= 2:
            raise LatticeError("the disk is gone")
        return super().read(section)


@pytest.mark.parametrize("scheduler", ["threads", "synchronous"])
def test_errors_of_readers_reach_the_caller(scheduler: str) -> None:
    x, _ = counted((8, 5, 7))
    broken: Source = Source(
        Failing(ArrayReader(np.zeros((8, 5, 7), np.float32))), "broken", "", None, x.attrs
    )
    with pytest.raises(LatticeError, match="the disk is gone"):
        compute(function("sum", broken), OPTIONS.replace(scheduler=scheduler, block=35, workers=2))


def test_a_cancelled_run_stops_at_the_next_strip() -> None:
    with Control(100) as control:
        assert Control.find(control.number) is control
        control.advance(10)
        control.cancelled = True
        with pytest.raises(Cancelled):
            control.advance(10)
    assert Control.find(control.number) is None


def test_progress_shows_part_rate_and_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(np.arange(0.0, 100.0, 1.0))
    monkeypatch.setattr("lattice.execute.control.time.monotonic", lambda: float(next(clock)))
    stream = io.StringIO()
    with Control(4_000_000_000, show=True, stream=stream) as control:
        control.advance(1_000_000_000)
    shown = stream.getvalue()
    assert "25% of 4.00 GB, 1.00 GB/s, 0:03 left" in shown
    assert shown.endswith("\r\x1b[K")


def test_resident_memory_is_known() -> None:
    assert resident() > 10_000_000
    assert format_bytes(resident())


def test_without_a_client_the_scheduler_is_refused() -> None:
    with pytest.raises(LatticeError, match=r"no active dask\.distributed Client"):
        compute(function("sum", counted()[0]), Options(scheduler="distributed"))
