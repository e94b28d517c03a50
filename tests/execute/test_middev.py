"""The middle distance from the median, of one pass, against numpy."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lattice
from lattice.execute import measure
from lattice.execute.middev import Spread, middle_distances, sides, with_windows
from lattice.execute.order import Bracket, Outcome, Sample
from lattice.io.files import counting

KINDS = ("normal", "exponential", "two", "halves", "ties", "constant", "cauchy", "large")


def drawn(kind: str, n: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    if kind == "two":
        return np.where(rng.random(n) < 0.4, rng.normal(0, 1, n), rng.normal(50, 3, n))
    if kind == "halves":  # between them there is nothing but the median
        return np.where(np.arange(n) % 2, rng.normal(0, 1, n), rng.normal(50, 3, n))
    if kind == "ties":
        return rng.integers(0, 6, n).astype(float)
    if kind == "constant":
        return np.full(n, 2.5)
    if kind == "cauchy":
        return rng.standard_cauchy(n)
    if kind == "large":
        return rng.normal(1e7, 3, n)
    return rng.normal(0.3, 2, n) if kind == "normal" else rng.exponential(2, n)


def expected(values: np.ndarray) -> float:
    """The statistic, each number rounded as it is documented to be."""
    center = np.median(values.astype(np.float64))
    same = values.dtype.type(center) == center
    return float(np.median(np.abs(values - values.dtype.type(center) if same else values - center)))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("jit", [False, True])
def test_statistics(monkeypatch: pytest.MonkeyPatch, kind: str, dtype: str, jit: bool) -> None:
    monkeypatch.setattr(measure, "COLLECT_ALL", 1000)
    for n in (40_000, 40_001):
        values = drawn(kind, n, n).astype(dtype)
        good = np.random.default_rng(1).random(n) < 0.8
        with lattice.set_options(jit=jit, block=9000):
            for image, kept in (
                (lattice.Image(values), values),
                (lattice.Image(values, mask=good), values[good]),
            ):
                found = image.statistics(["median", "medabsdevmed", "q1", "q3"])
                assert found.medabsdevmed == pytest.approx(expected(kept), rel=1e-6, abs=1e-12)
                alone = image.statistics("medabsdevmed")
                assert alone.medabsdevmed == found.medabsdevmed


def test_one_pass_is_enough(tmp_path: Any) -> None:
    rng = np.random.default_rng(3)
    image = lattice.Image(rng.normal(size=(24, 300, 400)).astype("f4")).save(tmp_path / "a.fits")
    with counting() as count:
        image.statistics(robust=True)
    assert count.bytes < 1.5 * image.nbytes


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_values_that_are_no_numbers(monkeypatch: pytest.MonkeyPatch, bad: float) -> None:
    monkeypatch.setattr(measure, "COLLECT_ALL", 1000)
    values = drawn("normal", 20_001, 5)
    values[::7] = bad
    good = np.ones(values.shape, bool)
    found = lattice.Image(values, mask=good).statistics("medabsdevmed")
    with np.errstate(all="ignore"):
        wanted = np.median(np.abs(values - np.median(values)))
    np.testing.assert_allclose(found.medabsdevmed, wanted, rtol=1e-12)


@settings(deadline=None)
@given(
    st.lists(st.integers(-8, 8), min_size=3, max_size=60),
    st.integers(0, 5),
    st.integers(0, 5),
    st.integers(0, 8),
    st.booleans(),
)
def test_what_is_not_certain_is_not_told(
    numbers: list[int], gap: int, width: int, distance: int, single: bool
) -> None:
    """Any brackets and any guess: the distance is right, or None."""
    values = np.array(numbers, np.float32 if single else np.float64)
    center = float(np.median(values))
    low = Bracket(center - gap - width, center - gap)
    high = Bracket(center + gap, center + gap + width)
    searches = (low, high) if gap else (Bracket(low.low, high.high),)
    outcomes = []
    for b in searches:
        inside = values[(values >= b.low) & (values <= b.high)]
        below, above = int((values < b.low).sum()), int((values > b.high).sum())
        outcomes.append(Outcome(below, above, inside.size, 0, [inside]))
    n = values.size
    ranks = ((n - 1) // 2,) if n % 2 else (n // 2 - 1, n // 2)
    both = sides(searches, outcomes, Spread(center, float(distance)))
    if both is None:
        return
    # what was kept is in one piece, and each bracket has its own
    for b, outcome in zip(searches, outcomes, strict=True):
        inside = np.sort(values[(values >= b.low) & (values <= b.high)])
        np.testing.assert_array_equal(np.sort(np.concatenate(outcome.kept)), inside)
    found = middle_distances(searches, outcomes, both, center, ranks)
    if found is not None:
        assert list(found) == [float(np.sort(np.abs(values - center))[r]) for r in ranks]


def test_windows_of_samples_that_tell_nothing() -> None:
    whole = (Bracket(),)
    assert with_windows(Sample.of([]), whole, 10)[0] == whole
    some = Sample.of([np.arange(100.0)])
    assert with_windows(some, whole, 1000)[0] == whole
    assert with_windows(some, (Bracket(200.0, 300.0),), 1000) == ((Bracket(200.0, 300.0),), None)
    assert with_windows(some, (Bracket(45.0, 55.0),), 1000)[1] is None, "half of the values would be kept"


def test_windows_lie_on_both_sides_of_the_median() -> None:
    sample = Sample.of([np.arange(k, 100_000.0, 100) for k in range(100)])
    found, spread = with_windows(sample, (Bracket(49_900.0, 50_100.0),), 10**7)
    assert spread == Spread(49_999.0, 25_000.0)
    assert len(found) == 3
    assert all(a.high < b.low for a, b in itertools.pairwise(found))
    assert found[0].low < 24_999 < found[0].high < 26_000
    assert found[2].high > 74_999 > found[2].low > 74_000
