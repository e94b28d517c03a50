"""Exact order statistics: brackets that hold, brackets that fail, and values that are all alike."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lattice
from lattice.config import Options
from lattice.execute import buffers, native, order, targets
from lattice.execute import measure as measure_module
from lattice.execute.emit import WIDTH
from lattice.execute.measure import measure
from lattice.execute.order import Bracket, OrderSink, Outcome, Sample, keys_of, value_of_key
from lattice.ops import sorting
from lattice.plan.stages import Measure
from tests.graphs import image

OPTIONS = Options(scheduler="synchronous", jit=False, block=4096, strip=1024)


def ranks(n: int) -> tuple[int, ...]:
    return (0, n // 4, n // 2, n - 1)


@pytest.fixture
def sampled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sample and bracket small lattices too."""
    monkeypatch.setattr("lattice.execute.measure.COLLECT_ALL", 1000)
    monkeypatch.setattr(order, "_PIECE", 64)


def search(values: np.ndarray, mask: np.ndarray | None = None) -> object:
    x = image(values.reshape(10, 20, -1), None if mask is None else mask.reshape(10, 20, -1))
    found = measure([Measure(x, "order", ranks=ranks)], OPTIONS)[0]
    if native.has_compiler():
        compiled = measure([Measure(x, "order", ranks=ranks)], OPTIONS.replace(jit=True))[0]
        np.testing.assert_array_equal(compiled, found)
    return found


def cases() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(8)
    n = 20_000
    sparse = np.zeros(n)
    sparse[7::997] = rng.normal(size=sparse[7::997].size) * 1e6
    return {
        "normal": rng.normal(size=n),
        "constant": np.full(n, 2.5),
        "two values": (rng.random(n) > 0.5).astype(float),
        "sparse": sparse,
        "sorted": np.sort(rng.normal(size=n)),
        "heavy tails": rng.standard_cauchy(size=n) ** 3,
        "infinite": np.where(rng.random(n) > 0.7, np.inf, np.where(rng.random(n) > 0.5, -np.inf, 1.0)),
        "signed zeros": np.where(rng.random(n) > 0.5, 0.0, -0.0),
        "tiny": rng.normal(size=n) * 1e-42,
    }


@pytest.mark.usefixtures("sampled")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", list(cases()))
@pytest.mark.parametrize("masked", [False, True])
def test_ranks_are_exact(name: str, dtype: type, masked: bool) -> None:
    values = cases()[name].astype(dtype)
    mask = np.random.default_rng(1).random(values.size) > 0.4 if masked else None
    good = np.sort(values if mask is None else values[mask])
    np.testing.assert_array_equal(search(values, mask), [good[r] for r in ranks(good.size)])


@pytest.mark.usefixtures("sampled")
def test_a_bracket_that_fails_is_mended_by_narrowing(monkeypatch: pytest.MonkeyPatch) -> None:
    failing = (order.Bracket(-0.1, 0.1, 10), order.Bracket(100.0, 200.0, 10))
    monkeypatch.setattr("lattice.execute.measure.brackets", lambda *_a: failing)
    monkeypatch.setattr("lattice.execute.measure._LEAST_ROOM", 5)
    monkeypatch.setattr("lattice.execute.measure.allowance", lambda _o: 0)
    values = cases()["normal"]
    good = np.sort(values)
    np.testing.assert_array_equal(search(values), [good[r] for r in ranks(good.size)])


@pytest.mark.usefixtures("sampled")
def test_too_many_candidates_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lattice.execute.measure.brackets", lambda *_a: (order.Bracket(limit=50),))
    values = cases()["two values"]
    good = np.sort(values)
    np.testing.assert_array_equal(search(values), [good[r] for r in ranks(good.size)])


@pytest.mark.usefixtures("sampled")
def test_a_good_nan_makes_them_nan() -> None:
    values = cases()["normal"]
    values[137] = np.nan
    assert np.isnan(search(values)).all()
    mask = np.ones(values.size, bool)
    mask[137] = False
    assert not np.isnan(search(values, mask)).any()


@pytest.mark.usefixtures("sampled")
def test_a_nan_is_found_when_brackets_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lattice.execute.measure.brackets", lambda *_a: (order.Bracket(-5.0, 0.0, 10),))
    values = cases()["normal"]
    values[99] = np.nan
    assert np.isnan(np.asarray(search(values))).all()


def test_nothing_good_gives_nothing() -> None:
    values = cases()["normal"]
    assert search(values, np.zeros(values.size, bool)) is None


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_keys_sort_like_values(dtype: type) -> None:
    values = np.array([-np.inf, -1e30, -1.0, -1e-40, 0.0, 1e-40, 1.0, 1e30, np.inf, np.nan], dtype)
    keys = keys_of(values)
    assert (np.diff(keys.astype(object)) > 0).all()
    back = [value_of_key(int(k), values.dtype) for k in keys[:-1]]
    np.testing.assert_array_equal(back, values[:-1])
    assert keys_of(np.array([-0.0], dtype)) == keys_of(np.array([0.0], dtype))


def test_samples_are_spread_and_always_the_same() -> None:
    sections = order.sample_sections((64, 512, 512), (1, 1, 512), direct=True)
    assert sections == order.sample_sections((64, 512, 512), (1, 1, 512), direct=True)
    planes = {s[0].start for s in sections}
    assert len(planes) > 50
    for s in sections:
        assert all(0 <= a.start < a.stop <= n for a, n in zip(s, (64, 512, 512), strict=True))


def test_blocks_together_keep_no_more_than_the_limit() -> None:
    sink = OrderSink((Bracket(0.0, 1.0, limit=100), Bracket(2.0, 3.0, limit=100)))
    section = (slice(0, 60, 1),)
    found = []
    for _ in range(10):
        taker = sink.start(section)
        taker.take(section, np.full(60, 0.5), None)
        taker.take(section, np.linspace(2, 12, 60), None)
        found.append(taker.finish())
    first, second = (order_total(found, i) for i in range(2))
    assert (first.n_inside, second.n_inside) == (600, 60)
    assert sum(v.size for block in found for v in block[0].kept) <= 160
    assert sum(v.size for v in second.kept) == 60


def order_total(blocks: list[list[Outcome]], number: int) -> Outcome:
    total = Outcome()
    for block in blocks:
        total.merge(block[number], 100)
    return total


def test_two_ranks_of_one_bracket_are_kept_for_each() -> None:
    bracket = Bracket(0.0, 1.0, limit=10)
    taker = OrderSink((bracket, bracket)).start((slice(0, 8, 1),))
    taker.take((slice(0, 8, 1),), np.linspace(0, 1, 8), None)
    assert [sum(v.size for v in o.kept) for o in taker.finish()] == [8, 8]


def test_values_of_ranks_are_put_in_their_places() -> None:
    values = np.random.default_rng(3).normal(size=1000).astype(np.float32)
    ranks_wanted = [0, 7, 7, 500, 501, 999]
    moved = values.copy()
    sorting.put_in_place(moved, ranks_wanted)
    np.testing.assert_array_equal(moved[ranks_wanted], np.sort(values)[ranks_wanted])


@given(
    values=st.lists(st.integers(-5, 5), min_size=1, max_size=200),
    data=st.data(),
)
@settings(max_examples=200, deadline=None)
def test_values_of_several_ranks_are_all_in_place(values: list[int], data: Any) -> None:
    array = np.array(values, np.float32)
    ranks = data.draw(st.lists(st.integers(0, len(values) - 1), min_size=1, max_size=6))
    sorting.put_in_place(array, ranks)
    want = np.sort(np.array(values, np.float32))
    np.testing.assert_array_equal(array[ranks], want[ranks])


@pytest.mark.usefixtures("sampled")
@pytest.mark.parametrize("rank", [0, 5000, 19_999])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_ranks_beyond_all_brackets_are_found_by_keeping_what_is_there(
    monkeypatch: pytest.MonkeyPatch, rank: int, dtype: type
) -> None:
    monkeypatch.setattr("lattice.execute.measure.brackets", lambda *_a: (Bracket(-0.1, 0.1, 10_000),))
    values = cases()["normal"].astype(dtype)
    x = image(values.reshape(10, 20, -1))
    wanted = Measure(x, "order", ranks=lambda _n: (rank,))
    for jit in (False, native.has_compiler()):
        assert measure([wanted], OPTIONS.replace(jit=jit)) == [(np.sort(values)[rank],)]


def test_zeros_of_either_sign_are_one_value() -> None:
    for values in (np.zeros(200), np.full(200, -0.0), cases()["signed zeros"]):
        found = search(values)
        assert isinstance(found, tuple)
        assert not np.signbit(found).any()


def test_margins_come_from_the_scatter_between_sections() -> None:
    rng = np.random.default_rng(6)
    sections = [rng.normal(size=n).astype(np.float32) for n in (500, 0, 300, 700, 900)]
    alike = Sample.of(sections)
    assert alike.n == 2400
    np.testing.assert_array_equal(alike.ordered, np.sort(np.concatenate(sections)))
    # five times the error of a fraction of a half, and a little
    assert 5 * 0.5 * np.sqrt(2400) <= alike.margin(0.0) < 5 * 1.5 * np.sqrt(2400)
    assert alike.margin(1.0, -1.0) > alike.margin(0.01, -0.01)
    apart = Sample.of([s + 3 * k for k, s in enumerate(sections)])
    assert apart.margin(4.0) > 4 * alike.margin(0.0)
    assert Sample.of([]).n == 0


def test_kept_values_stay_where_they_were_put() -> None:
    lent: list[np.ndarray] = []

    def lend(nbytes: int) -> np.ndarray:
        lent.append(np.zeros(nbytes, np.uint8))
        return lent[-1]

    kept = targets._Kept(100, np.dtype(np.float32))
    assert kept.address() == 0
    kept.lend = lend
    rng = np.random.default_rng(9)
    pieces, views = [], []
    for number in range(40):
        n = int(rng.integers(0, 101))
        room = (ctypes.c_float * (100 + WIDTH)).from_address(kept.address())
        room[:] = [float(number)] * (100 + WIDTH)  # a loop writes more than counts
        if number % 5:
            views.append(kept.appended(n))
            pieces.append(np.full(n, number, np.float32))
            kept.keep(n)
    np.testing.assert_array_equal(np.concatenate(views), np.concatenate(pieces))
    assert 1 < len(lent) < 40
    assert all(a.nbytes < 4 * 2 * (100 + WIDTH) for a in lent)


@pytest.mark.skipif(not native.has_compiler(), reason="nothing is compiled here")
def test_small_and_large_lattices_share_their_loops(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure_module, "COLLECT_ALL", 1000)
    monkeypatch.setattr(native, "_made", {})
    rng = np.random.default_rng(4)
    with lattice.set_options(jit=True, block=40_000):
        lattice.Image(rng.normal(size=(5, 7, 9))).statistics(robust=True)
        assert len(native._made) == 1
        large = rng.normal(size=(10, 200, 150))
        found = lattice.Image(large).statistics(robust=True)
        assert len(native._made) == 1
    assert found["median"] == np.median(large)
    assert found["medabsdevmed"] == pytest.approx(np.median(np.abs(large - np.median(large))), rel=1e-12)


@pytest.mark.usefixtures("sampled")
@pytest.mark.skipif(not native.has_compiler(), reason="nothing is compiled here")
def test_memory_of_kept_values_is_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(buffers.memory, "_free", {})
    values = np.random.default_rng(4).normal(size=(10, 50, 40))
    found = []
    with lattice.set_options(jit=True, block=4000, workers=2):
        for _ in range(3):
            found.append(lattice.Image(values).statistics(["median", "medabsdevmed"])["medabsdevmed"])
            free = {id(b) for many in buffers.memory._free.values() for b in many}
            if len(found) == 1:
                before = free
    assert len(set(found)) == 1
    assert before & free
