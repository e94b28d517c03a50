"""Statistics of images, against numpy."""

from __future__ import annotations

import math
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lattice
from lattice import Image, LatticeError
from lattice.io.files import counting
from lattice.statistics import CLASSIC, ROBUST


def by_numpy(values: np.ndarray) -> dict[str, Any]:
    """Return what the definitions say, of the good values alone."""
    wide = np.sort(values.astype("f8"))
    n = wide.size
    median = np.median(wide)
    q1, q3 = wide[math.ceil(n / 4) - 1], wide[math.ceil(3 * n / 4) - 1]
    return {
        "npts": n,
        "sum": wide.sum(),
        "sumsq": (wide**2).sum(),
        "mean": wide.mean(),
        "sigma": wide.std(ddof=1) if n > 1 else 0.0,
        "rms": np.sqrt((wide**2).mean()),
        "min": wide[0],
        "max": wide[-1],
        "median": median,
        "medabsdevmed": np.median(abs(wide - median)),
        "q1": q1,
        "q3": q3,
        "quartile": q3 - q1,
    }


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 99, 100, 101, 102, 1000, 4099])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_statistics_are_those_of_numpy(rng: np.random.Generator, n: int, dtype: str) -> None:
    values = rng.normal(3, 2, size=n).astype(dtype)
    found = Image(values).statistics(robust=True)
    assert tuple(found) == CLASSIC + ROBUST
    for key, expected in by_numpy(values).items():
        assert found[key] == pytest.approx(expected, rel=1e-12), key
    assert found["minpos"] == (int(np.argmin(values)),)
    assert found["maxpos"] == (int(np.argmax(values)),)


def test_masked_pixels_do_not_count(rng: np.random.Generator) -> None:
    values = rng.normal(size=(7, 50, 60)).astype("f4")
    good = rng.random(values.shape) > 0.4
    found = Image(values, mask=good).statistics(robust=True)
    for key, expected in by_numpy(values[good]).items():
        assert found[key] == pytest.approx(expected, rel=1e-12), key
    place = np.unravel_index(np.argmax(np.where(good, values, -np.inf)), values.shape)
    assert found.maxpos == place
    assert values[found.minpos] == found.min


def test_a_large_offset_costs_no_digits(rng: np.random.Generator) -> None:
    values = (1e9 + rng.normal(size=100_000)).astype("f8")
    found = Image(values).statistics()
    assert found.sigma == pytest.approx(values.std(ddof=1), rel=1e-9)


def test_nothing_good() -> None:
    found = Image(np.ones((3, 4)), mask=np.zeros((3, 4), bool)).statistics(robust=True)
    assert (found.npts, found.sum, found.sumsq) == (0, 0, 0)
    assert found.minpos is None
    assert all(math.isnan(found[k]) for k in ("mean", "sigma", "rms", "min", "max", *ROBUST))
    assert "minpos        undefined" in repr(found)


def test_no_pixels_at_all() -> None:
    found = Image(np.ones((3, 0))).statistics(robust=True)
    assert found.npts == 0
    assert math.isnan(found.median)


def test_nan_among_the_values_is_not_hidden() -> None:
    found = Image(np.array([1.0, np.nan, 2.0])).statistics()
    assert math.isnan(found.mean)
    assert math.isnan(found.max)


def test_scalars_have_statistics() -> None:
    found = Image(np.array([1.0, 3.0])).mean().statistics(robust=True)
    assert (found.npts, found.mean, found.sigma, found.median, found.minpos) == (1, 2, 0, 2, ())
    a = Image(np.array([1.0, 3.0]))
    assert a[a > 5].mean().statistics().npts == 0


def test_keys_choose() -> None:
    a = Image(np.arange(5.0))
    assert dict(a.statistics(["max", "median"])) == {"max": 4.0, "median": 2.0}
    assert dict(a.statistics("rms")) == {"rms": pytest.approx(np.sqrt(6))}
    assert tuple(a.statistics(["max"], robust=True)) == ("max", *ROBUST)
    with pytest.raises(LatticeError, match="there is no statistic 'medain'\ndid you mean 'median'"):
        a.statistics(["medain"])


def test_complex_and_bool_images() -> None:
    values = np.array([1 + 1j, 3 - 1j])
    found = Image(values).statistics()
    assert found.sum == 4 + 0j
    assert found.max == 3 - 1j
    with pytest.raises(LatticeError, match="complex values have no order, so no robust statistics"):
        Image(values).statistics(robust=True)
    with pytest.raises(LatticeError, match=r"truth values have no statistics\ncount them with ntrue\(\)"):
        Image(np.array([True])).statistics()


def test_expressions_with_stages_have_statistics(rng: np.random.Generator) -> None:
    values = rng.normal(size=(20, 30)).astype("f4")
    a = Image(values)
    found = (a - a.mean())[a > a.median()].statistics()
    good = values > np.sort(values.ravel())[(values.size - 1) // 2]
    assert found.npts == good.sum()
    assert found.mean == pytest.approx(
        (values - values.mean(dtype="f8").astype("f4"))[good].mean(dtype="f8"), rel=1e-6
    )


def test_positions_are_indices_of_the_image_that_is_asked(rng: np.random.Generator) -> None:
    a = Image(rng.normal(size=(6, 7, 8)))
    part = a[::-1, 2:, 5]
    found = part.statistics()
    assert part.values[found.maxpos] == found.max


# -- over dims ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dims", ["frequency", ("y", "x"), 0, [-1], ["frequency", "x"]])
def test_statistics_over_dims(rng: np.random.Generator, dims: Any) -> None:
    values = rng.normal(size=(5, 6, 7)).astype("f4")
    good = rng.random(values.shape) > 0.2
    a = Image(values, mask=good, dims=("frequency", "y", "x"), unit="K")
    found = a.statistics(robust=True, dims=dims)
    assert "minpos" not in found
    assert found.unit == "K"
    from lattice.image.operators import axes_of

    axes = axes_of(a, dims)
    kept = [i for i in range(3) if i not in axes]
    computed = found.compute()
    for key in found:
        assert found[key].dims == tuple(a.dims[i] for i in kept)
        np.testing.assert_allclose(computed[key].filled(), found[key].filled(), rtol=1e-6, atol=1e-7)
    for at in np.ndindex(*(values.shape[i] for i in kept)):
        index: list[Any] = [slice(None)] * 3
        for axis, i in zip(kept, at, strict=True):
            index[axis] = i
        expected = by_numpy(values[tuple(index)][good[tuple(index)]])
        for key, value in expected.items():
            assert computed[key].values[at] == pytest.approx(value, rel=1e-5, abs=1e-6), key


def test_all_dims_are_the_whole_image() -> None:
    a = Image(np.arange(6.0).reshape(2, 3))
    assert dict(a.statistics(dims=("y", "x"))) == dict(a.statistics())


def test_statistics_over_dims_go_to_xarray() -> None:
    pytest.importorskip("xarray")
    a = Image(np.arange(6.0).reshape(2, 3), mask=np.array([[True, True, False], [False] * 3]))
    found = a.statistics(dims="x").to_xarray()
    np.testing.assert_array_equal(found["mean"].values, [0.5, np.nan])
    np.testing.assert_array_equal(found["npts"].values, [2, 0])


def test_positions_are_for_whole_images() -> None:
    with pytest.raises(LatticeError, match="maxpos: positions are known for the whole image only"):
        Image(np.ones((2, 3))).statistics(["maxpos"], dims="x")


# -- how -----------------------------------------------------------------------------------------------------


def test_statistics_take_one_pass_and_robust_ones_a_sample(tmp_path: Any, rng: np.random.Generator) -> None:
    a = Image(rng.normal(size=(24, 300, 400)).astype("f4")).save(tmp_path / "a.fits")
    with counting() as count:
        a.statistics()
    assert count.bytes == a.nbytes
    with counting() as count:
        a.statistics(robust=True)
    # a sample for each pass; compiled loops look again where the extremes are
    assert count.bytes < 1.5 * a.nbytes
    with counting() as count:
        a.statistics(robust=True, dims="axis0").compute()
    assert count.bytes == a.nbytes


def test_statistics_look_well() -> None:
    found = Image(np.array([1.0, 3.0]), unit="Jy").statistics(["npts", "mean", "sumsq", "maxpos"])
    assert repr(found) == "npts    2\nmean    2 Jy\nsumsq   10 (Jy)^2\nmaxpos  (1)"
    assert "<th>mean</th><td>2 Jy</td>" in found._repr_html_()
    assert found.mean == found["mean"] == 2
    with pytest.raises(KeyError, match="did you mean 'mean'"):
        found["meen"]
    with pytest.raises(AttributeError):
        found.median  # noqa: B018
    assert dict(pickle.loads(pickle.dumps(found))) == dict(found)
    assert isinstance(found, lattice.Statistics)


@pytest.mark.parametrize("infinite", [np.inf, -np.inf])
def test_an_infinite_pixel_makes_the_sums_infinite_wherever_it_lies(infinite: float) -> None:
    for place in (0, 500, 999):
        values = np.ones(1000)
        values[place] = infinite
        with lattice.set_options(block=64, strip=16):
            found = Image(values).statistics()
        assert (found.sum, found.mean, found.sumsq, found.rms) == (infinite, infinite, np.inf, np.inf)
        assert math.isnan(found.sigma)
        over = Image(values.reshape(1000, 1)).statistics(["sumsq", "rms"], dims=0)
        assert over.sumsq.values[0] == over.rms.values[0] == np.inf


def test_files_and_arrays_have_statistics_together(tmp_path: Path) -> None:
    lattice.Image(np.arange(4.0)).save(tmp_path / "a.fits")
    found = lattice.stat(tmp_path / "a.fits", str(tmp_path / "a.fits"), np.arange(4.0))
    assert [f.sum for f in found] == [6.0, 6.0, 6.0]
