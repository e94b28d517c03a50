"""Histograms of images."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from lattice import Image, LatticeError
from lattice.cli import commands
from lattice.config import set_options
from lattice.functions.states import bin_numbers
from lattice.io.files import counting
from tests.ops.casa_reductions import array, calls, dims_of, failures, image, name_of


def made(call: dict[str, Any]) -> tuple[Any, bool]:
    a = image(call["image"])
    dims = dims_of(call["image"], call["axes"])
    whole = len(dims) == a.ndim
    found = a.histogram(
        call["nbins"],
        None if whole else dims,
        include=call.get("includepix"),
        cumulative=call.get("cumu", False),
        log=call.get("log", False),
    )
    return found, whole


@pytest.mark.parametrize("call", calls("histograms"), ids=name_of)
def test_histograms_are_those_of_casa(call: dict[str, Any]) -> None:
    found, _ = made(call)
    for key in ("counts", "values", "mean", "sigma"):
        theirs = array(call["answer"][key])
        if key in ("counts", "values"):
            theirs = np.moveaxis(theirs, -1, 0)
        ours = np.asarray(getattr(found, key))
        np.testing.assert_allclose(
            ours, theirs.reshape(ours.shape), rtol=1e-6, atol=5e-7 * np.abs(theirs).max(), err_msg=key
        )


def test_cells_without_pixels_which_casa_refuses_are_empty() -> None:
    for call in failures("histograms"):
        found, whole = made(call)
        assert not whole
        assert (found.counts.sum(axis=0) == 0).any()
        assert np.isnan(found.mean).any()


@given(data=st.data())
def test_counts_are_those_of_numpy_in_any_blocks(data: Any) -> None:
    shape = tuple(data.draw(st.integers(1, 7)) for _ in range(3))
    rng = np.random.default_rng(data.draw(st.integers(0, 999)))
    dtype = data.draw(st.sampled_from(["f4", "f8"]))
    values = np.round(rng.normal(size=shape), data.draw(st.sampled_from([1, 6]))).astype(dtype)
    good = rng.random(shape) > data.draw(st.sampled_from([-1.0, 0.5, 1.0]))
    include = data.draw(st.sampled_from([None, (-0.5, 0.75), 1]))
    nbins = data.draw(st.integers(1, 9))
    dims = data.draw(st.sampled_from([None, 0, 2, (1, 2), (0, 2)]))
    with set_options(block=data.draw(st.integers(1, 99)), strip=data.draw(st.integers(1, 99))):
        found = Image(values, mask=good).histogram(nbins, dims, include=include)
    axes = (0, 1, 2) if dims is None else (dims,) if isinstance(dims, int) else dims
    kept = [a for a in range(3) if a not in axes]
    ends = {None: None, 1: (-1.0, 1.0)}.get(include, include)  # type: ignore[call-overload]
    for at in np.ndindex(*(shape[a] for a in kept)):
        index: list[Any] = [slice(None)] * 3
        for a, i in zip(kept, at, strict=True):
            index[a] = i
        x = values[tuple(index)][good[tuple(index)]].astype("f8")
        if ends is not None:
            x = x[(x >= ends[0]) & (x <= ends[1])]
        counts = found.counts[(slice(None), *at)]
        assert counts.sum() == x.size
        if x.size == 0:
            continue
        low, high = ends or (x.min(), x.max())
        if high > low:
            edges = low + np.arange(nbins + 1) * ((high - low) / nbins)
            edges[-1] = high
            np.testing.assert_array_equal(counts, np.histogram(x, edges)[0])
            np.testing.assert_allclose(found.edges[(slice(None), *at)], edges)
        else:
            assert counts[0] == x.size
        np.testing.assert_allclose(np.asarray(found.mean)[at], x.mean(), rtol=1e-5, atol=1e-6)
        if x.size > 1:
            np.testing.assert_allclose(np.asarray(found.sigma)[at], x.std(ddof=1), rtol=1e-5, atol=1e-6)


@given(data=st.data())
def test_values_at_and_beside_edges(data: Any) -> None:
    nbins = data.draw(st.integers(1, 40))
    low = data.draw(st.sampled_from([0.0, 1.0, -3.3, 1e9, 1e-9, -1e6]))
    high = low + nbins * data.draw(st.sampled_from([1e-7, 1e-3, 1.0, 7.7, 1e5]))
    if not high > low:
        return
    edges = low + np.arange(nbins) * ((high - low) / nbins)
    values = np.concatenate([edges, np.nextafter(edges, np.inf), np.nextafter(edges, -np.inf), [high]])
    for x in (values, values.astype(np.float32), np.random.default_rng(0).uniform(low, high, 50)):
        x = x[(x >= low) & (x <= high)]
        want = np.searchsorted(edges[1:], x.astype(np.float64), side="right")
        np.testing.assert_array_equal(bin_numbers(x, low, high, nbins), want)
        cells = [np.full((2, 1), v) for v in (low, high)]
        both = bin_numbers(np.stack([x, x]), *cells, nbins)
        np.testing.assert_array_equal(both, [want, want])


def test_passes(tmp_path: Path) -> None:
    a = Image(np.random.default_rng(1).normal(size=(20, 100, 200)).astype("f4")).save(tmp_path / "a.fits")
    for dims, include, most in ((None, None, 2), (None, 3, 1), (("y", "x"), None, 2), ("axis0", 3, 2)):
        with counting() as count:
            a.histogram(10, dims, include=include)
        assert count.bytes <= most * a.nbytes


def test_cumulated_and_logarithms() -> None:
    a = Image(np.array([1.0, 2, 3, 4, 5, 5, 5, 5]))
    assert a.histogram(4, cumulative=True).counts.tolist() == [1, 2, 3, 8]
    np.testing.assert_allclose(a.histogram(3, log=True).counts, np.log10([2, 1, 5]))
    same = Image(np.full(6, 2.0)).histogram(4)
    assert same.counts.tolist() == [6, 0, 0, 0]
    np.testing.assert_allclose(same.values, [2.0005, 2.0015, 2.0025, 2.0035])
    assert Image(np.ones(3), mask=np.zeros(3, bool)).histogram(2).counts.tolist() == [0, 0]


def test_what_is_shown() -> None:
    a = Image(np.arange(24.0).reshape(2, 3, 4), unit="K")
    assert (
        repr(a.histogram(2))
        == "mean 11.5, sigma 7.07106781 K\n        5.75           12\n       17.25           12"
    )
    found = a.histogram(3, ("y", "x"))
    assert repr(found) == "<lattice.Histogram of 3 bins for each of (axis0 2)>"
    data = found.to_xarray()
    assert data["counts"].dims == ("bin", "axis0")
    assert data.attrs["units"] == "K"


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"nbins": 0}, "1 to 1048576 bins"),
        ({"nbins": 2.5}, "is no whole number"),
        ({"dims": "z"}, "no dim 'z'"),
        ({"include": (2, 1)}, "is no range"),
    ],
)
def test_refusals(how: dict[str, Any], message: str) -> None:
    with pytest.raises(LatticeError, match=message):
        Image(np.ones((2, 3))).histogram(**how)


def test_values_without_bins() -> None:
    values = np.array([[1.0, np.inf], [2, 3]])
    for dims in (None, "x"):
        with pytest.raises(LatticeError, match=r"have no bins\nsay include"):
            Image(values).histogram(dims=dims)
        assert Image(values).histogram(2, dims, include=(0, 5)).counts.sum() == 3
    with pytest.raises(LatticeError, match="of real values"):
        Image(values + 1j).histogram()
    with pytest.raises(LatticeError, match="a single number has no histogram"):
        Image(np.ones(3)).sum().histogram()


def test_command(tmp_path: Path) -> None:
    values = np.random.default_rng(2).normal(size=(3, 9, 11)).astype("f4")
    Image(values, unit="K").save(tmp_path / "a.fits")
    run = CliRunner().invoke
    name = str(tmp_path / "a.fits")
    shown = run(commands, ["histogram", name, "--nbins", "4", "--include", "-2,2"]).output
    counts = [int(line.split()[1]) for line in shown.splitlines()[1:]]
    assert counts == np.histogram(values, 4, (-2, 2))[0].tolist()
    found = json.loads(run(commands, ["histogram", name, "--dims", "y,x", "--json", "--nbins", "3"]).output)
    assert np.array(found["counts"]).shape == (3, 3)
    assert "with --json only" in run(commands, ["histogram", name, "--dims", "y,x"]).output
