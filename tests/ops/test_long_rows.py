"""Statistics of one long row are those of rows, and of its definitions, with no copy of it."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import lattice
from lattice.config import set_options
from lattice.ops import sorting
from lattice.ops.long_rows import LongRow
from lattice.ops.selection import ALGORITHMS, BIWEIGHT, Choice, Rows
from lattice.ops.sorting import at_distances

RNG = np.random.default_rng(31)
NUMBERS = st.lists(st.integers(-6, 6) | st.floats(-5, 5, width=32), min_size=1, max_size=30)
KINDS = st.sampled_from(["f4", "f8"])


@given(
    values=NUMBERS | st.lists(st.sampled_from([-np.inf, -1.0, 2.0, np.inf]), min_size=1),
    kind=KINDS,
    centre=st.integers(-7, 7) | st.floats(-7, 7, width=32) | st.sampled_from([np.inf, -np.inf, np.nan]),
)
def test_distances_in_order(values: list[float], kind: str, centre: float) -> None:
    row = np.sort(np.array(values, kind))
    middle = row.dtype.type(centre)
    with np.errstate(all="ignore"):
        want = np.sort(np.abs(row - middle))
        found = at_distances(row, middle, range(row.size))
    np.testing.assert_array_equal(np.array(found, kind), want)


@given(
    values=NUMBERS,
    kind=KINDS,
    bad=st.integers(0, 5),
    algorithm=st.sampled_from(ALGORITHMS),
    center=st.sampled_from(["mean", "median", "zero"]),
    lside=st.booleans(),
    number=st.sampled_from([-1.0, 0.5, 1.5, 3.0]),
)
def test_one_row_is_as_rows_are(
    values: list[float], kind: str, bad: int, algorithm: str, center: str, lside: bool, number: float
) -> None:
    row = np.concatenate([np.sort(np.array(values, kind)), np.full(bad, np.inf, kind)])
    n = np.array([len(values)])
    choice = Choice(algorithm, fence=number, zscore=number, center=center, lside=lside)
    keys = ["npts", "min", "max", "mean", "sigma"]
    if algorithm != BIWEIGHT:
        keys += ["sum", "sumsq", "rms", "median", "medabsdevmed", "q1", "q3", "quartile"]
    one, many = LongRow(row, n, choice), Rows(row[None], n, choice)
    for key in keys:
        found, there = one.statistic(key)
        want, also = many.statistic(key)
        np.testing.assert_array_equal(there, also)
        np.testing.assert_allclose(found[there], want[there], rtol=1e-10, atol=1e-10, err_msg=key)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_planes_are_sorted_one_by_one_and_not_copied(algorithm: str, monkeypatch: pytest.MonkeyPatch) -> None:
    values = RNG.normal(1, 2, (2, 512, 600)).astype("f4")
    image = lattice.Image(values, mask=RNG.random(values.shape) > 0.1)
    keys = ["mean", "sigma", "max"]
    with set_options(workers=1):
        tracemalloc.start()
        found = image.statistics(keys, dims=("y", "x"), algorithm=algorithm).compute()
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    # the planes and their masks, and one that is sorted
    assert peak < 2 * values[0].size * 5 + values[0].size * 5 + 12e6
    monkeypatch.setattr(sorting, "LONG", 1 << 20)
    monkeypatch.setattr("lattice.ops.rules.LONG", 1 << 20)
    want = image.statistics(keys, dims=("y", "x"), algorithm=algorithm).compute()
    for key in keys:
        np.testing.assert_allclose(found[key].values, want[key].values, rtol=1e-6)


@pytest.mark.parametrize("name", ["median", "q1", "q3", "madm", "xmadm"])
@pytest.mark.parametrize("bad", [0.0, 0.3, 1.0])
def test_ranks_of_planes(name: str, bad: float) -> None:
    values = RNG.normal(size=(3, 300, 301)).astype("f4")
    mask = RNG.random(values.shape) >= bad
    values[1, 5, 7], mask[1, 5, 7] = np.nan, bad < 1
    values[2, 5, 7], mask[2, 5, 7] = np.nan, False
    found = lattice.Image(values, mask=mask).collapse(name, ("y", "x")).to_masked_array()
    lost = np.ma.getmaskarray(found)
    assert values[0].size >= sorting.LONG
    for k in (0, 2):
        good = np.sort(values[k][mask[k]]).astype("f8")
        assert lost[k] == (not good.size)
        if good.size:
            far = np.median(np.abs(good - np.median(good)))
            want = {"median": np.median(good), "q1": good[-(-good.size // 4) - 1]}
            want |= {"q3": good[-(-3 * good.size // 4) - 1], "madm": far, "xmadm": 1.482602218505602 * far}
            np.testing.assert_allclose(found[k], want[name], rtol=1e-6)
    assert lost[1] if bad == 1 else np.isnan(found[1])
