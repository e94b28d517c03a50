"""Statistics along axes against numpy, and against the scalar functions of each pixel's own lattice."""

from __future__ import annotations

import itertools
import pickle
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from lattice.config import set_options
from lattice.coords.system import CoordinateSystem
from lattice.errors import (
    FunctionError,
    LatticeRangeError,
    LatticeTypeError,
    LatticeWarning,
    NameNotFoundError,
)
from lattice.execute.run import compute
from lattice.functions.registry import lookup
from lattice.graph.build import call, subset
from lattice.graph.node import Literal, Node
from lattice.graph.show import to_lel
from lattice.graph.types import FLOAT
from lattice.image import Image
from lattice.native.machine import has_compiler
from lattice.ops import sorting
from lattice.ops.collapse import Collapse, collapse, statistic_names, statistics

SHAPE = (5, 4, 6)
TYPES = [np.float32, np.float64, np.complex64, np.complex128]
REAL = [np.float32, np.float64]
ANY_TYPE = ["sum", "mean", "variance", "stddev", "avdev", "min", "max", "nelements"]
ORDER = ["median", "q1", "q3", "quartile", "medabsdevmed"]
WITH_SCALARS = [
    ("fractile", (0.3,)),
    ("fractile", (0.5,)),
    ("fractilerange", (0.25, 0.75)),
    ("fractilerange", (0.1,)),
]


def values_of(dtype: Any, shape: tuple[int, ...] = SHAPE, seed: int = 3) -> np.ndarray:
    rng = np.random.default_rng(seed)
    out = rng.normal(3, 2, shape)
    if np.dtype(dtype).kind == "c":
        out = out + 1j * rng.normal(-1, 1, shape)
    return out.astype(dtype) if dtype is not bool else out > 3


def mask_of(shape: tuple[int, ...] = SHAPE, axes: tuple[int, ...] = (0,)) -> np.ndarray:
    mask = np.random.default_rng(8).random(shape) < 0.6
    # one cell has no good pixel, one has a single one
    moved = np.moveaxis(mask, axes, tuple(range(len(axes))))
    rows = moved.reshape(-1, *moved.shape[len(axes) :])
    rows[:, *(0,) * (rows.ndim - 1)] = False
    rows[:, *(-1,) * (rows.ndim - 1)] = False
    rows[0, *(-1,) * (rows.ndim - 1)] = True
    return np.moveaxis(rows.reshape(moved.shape), tuple(range(len(axes))), axes)


def expected(name: str, scalars: tuple[float, ...], good: np.ndarray, masked: bool) -> Any:
    """Return a statistic of a few good pixels, written down plainly; None when there is none."""
    n = good.size
    if name == "nelements":
        return n
    if name == "ntrue":
        return int(good.sum())
    if name == "nfalse":
        return int((~good).sum())
    if name in ("any", "all"):
        return bool(getattr(good, name)())
    if n == 0:
        return None
    wide = good.astype(np.complex128 if good.dtype.kind == "c" else np.float64)
    ranked = np.sort(good) if good.dtype.kind == "f" else good
    size = np.abs(wide)

    def median(v: np.ndarray) -> Any:
        v = np.sort(v)
        return 0.5 * (v[n // 2 - 1] + v[n // 2]) if n % 2 == 0 and n <= 100 else v[(n - 1) // 2]

    plain = {
        "sum": lambda: wide.sum(),
        "mean": lambda: wide.mean(),
        "sumsq": lambda: (wide * wide).sum(),
        "rms": lambda: np.sqrt((wide * wide).mean()),
        "variance": lambda: ((wide - wide.mean()) ** 2).sum() / max(1, n - 1),
        "stddev": lambda: np.sqrt(((wide - wide.mean()) ** 2).sum() / max(1, n - 1)),
        "avdev": lambda: np.abs(wide - wide.mean()).mean(),
        "min": lambda: good[np.argmin(size)] if good.dtype.kind == "c" else good.min(),
        "max": lambda: good[np.argmax(size)] if good.dtype.kind == "c" else good.max(),
        "median": lambda: median(good),
        "q1": lambda: ranked[int(np.ceil(0.25 * n)) - 1],
        "q3": lambda: ranked[int(np.ceil(0.75 * n)) - 1],
        "quartile": lambda: ranked[int(np.ceil(0.75 * n)) - 1] - ranked[int(np.ceil(0.25 * n)) - 1],
        "medabsdevmed": lambda: median(np.abs(good - median(good))),
    }
    if name in plain:
        return plain[name]()
    ranks = lookup(name, 1 + len(scalars)).ranks
    assert ranks is not None
    found = [ranked[k] for k in ranks(n, masked, *(np.float32(s) for s in scalars))]
    if name == "fractilerange":
        return found[1] - found[0]
    return found[0] if len(found) == 1 else 0.5 * (found[0] + found[1])


def brute(
    name: str, scalars: tuple[float, ...], values: np.ndarray, mask: np.ndarray | None, axes: tuple[int, ...]
) -> tuple[np.ndarray, np.ndarray]:
    kept = [a for a in range(values.ndim) if a not in axes]
    shape = tuple(values.shape[a] for a in kept)
    plain = values.dtype.kind != "c" or name in ("avdev", "nelements")
    out = np.zeros(shape, np.float64 if plain else np.complex128)
    good = np.ones(shape, bool)
    for cell in np.ndindex(shape):
        index: list[Any] = [slice(None)] * values.ndim
        for a, i in zip(kept, cell, strict=True):
            index[a] = i
        pixels = values[tuple(index)].ravel()
        if mask is not None:
            pixels = pixels[mask[tuple(index)].ravel()]
        found = expected(name, scalars, pixels, mask is not None)
        if found is None:
            good[cell] = False
        else:
            out[cell] = found
    return out, good


def check(
    node: Node, found: tuple[np.ndarray, np.ndarray], want: tuple[np.ndarray, np.ndarray], dtype: Any
) -> None:
    values, mask = found
    np.testing.assert_array_equal(mask, want[1])
    rtol = 3e-6 if np.dtype(dtype).itemsize // (2 if np.dtype(dtype).kind == "c" else 1) == 4 else 1e-12
    np.testing.assert_allclose(values[mask], want[0].astype(node.attrs.dtype)[mask], rtol=rtol, atol=rtol)


AXES = [(0,), (1,), (2,), (0, 1), (1, 2), (0, 2)]
CASES = [
    *((n, (), t) for n in ANY_TYPE for t in TYPES),
    *((n, (), t) for n in [*ORDER, "rms", "sumsq"] for t in REAL),
    *((n, s, t) for n, s in WITH_SCALARS for t in REAL),
    *((n, (), bool) for n in ("ntrue", "nfalse", "any", "all", "nelements")),
]


@pytest.mark.parametrize(("name", "scalars", "dtype"), CASES)
@pytest.mark.parametrize("masked", [False, True])
def test_every_statistic_along_every_axis(
    bench: Any, fake_input: Any, name: str, scalars: tuple[float, ...], dtype: Any, masked: bool
) -> None:
    values = values_of(dtype)
    for axes in AXES:
        mask = mask_of(axes=axes) if masked else None
        node = collapse(bench.source(values, mask), name, axes, scalars)
        want = brute(name, scalars, values, mask, axes)
        for strip in (1, 7, 1000):
            check(node, bench.evaluate(node, [fake_input(values, mask, strip)]), want, dtype)
        blocks = tuple(2 for _ in node.attrs.shape or ())
        check(node, bench.evaluate(node, [fake_input(values, mask, 5)], blocks), want, dtype)
        # the engine: its own strips and blocks
        result = compute(node)
        good = np.ones(want[1].shape, bool) if result.mask is None else result.mask
        check(node, (result.values, good), want, dtype)


@given(st.data())
def test_any_section_of_the_result(bench: Any, fake_input: Any, data: st.DataObject) -> None:
    shape = tuple(data.draw(st.lists(st.integers(1, 6), min_size=2, max_size=4)))
    dims = list(range(len(shape)))
    axes = tuple(sorted(data.draw(st.sets(st.sampled_from(dims), min_size=1, max_size=len(shape) - 1))))
    name = data.draw(st.sampled_from(["sum", "variance", "min", "median", "medabsdevmed"]))
    values = values_of(np.float64, shape, seed=data.draw(st.integers(0, 5)))
    mask = mask_of(shape, axes) if data.draw(st.booleans()) else None
    node = collapse(bench.source(values, mask), name, axes)
    section = []
    for n in node.attrs.shape or ():
        start = data.draw(st.integers(0, n - 1))
        section.append(slice(start, data.draw(st.integers(start + 1, n)), data.draw(st.integers(1, 3))))
    full = brute(name, (), values, mask, axes)
    cut_ = tuple(section)
    strip = data.draw(st.integers(1, 40))
    found = bench.evaluate(node, [fake_input(values, mask, strip)], section=cut_)
    check(node, found, (full[0][cut_], full[1][cut_]), np.float64)


@pytest.mark.parametrize("masked", [False, True])
def test_several_statistics_share_a_pass(bench: Any, fake_input: Any, masked: bool) -> None:
    values = values_of(np.float32)
    mask = mask_of(axes=(0, 2)) if masked else None
    source = bench.source(values, mask)
    names: list[Any] = [
        "nelements",
        "sum",
        "mean",
        "variance",
        "stddev",
        "sumsq",
        "rms",
        "min",
        "max",
        "avdev",
    ]
    names += ["median", "q1", ("fractile", 0.9), "quartile", "medabsdevmed"]
    for requests in (names[:10], names, names[:2], names[-3:]):
        node = statistics(source, requests, ("axis0", "x"))
        assert node.attrs.dims == ("statistic", "y")
        assert node.attrs.shape == (len(requests), 4)
        for found in (
            bench.evaluate(node, [fake_input(values, mask)]),
            bench.evaluate(node, [fake_input(values, mask)], (2, 3)),
            (lambda r: (r.values, np.ones(r.values.shape, bool) if r.mask is None else r.mask))(
                compute(node)
            ),
        ):
            for i, request in enumerate(requests):
                name, *scalars = [request] if isinstance(request, str) else request
                want = brute(name, tuple(scalars), values, mask, (0, 2))
                check(node, (found[0][i], found[1][i]), want, np.float32)


def test_sums_are_kept_in_double_precision(bench: Any) -> None:
    values = np.ones((3, 40001), np.float32)
    values[:, 0] = 2**24
    node = collapse(bench.source(values), "sum", "x")
    assert compute(node).values.tolist() == [2**24 + 40000] * 3
    drift = (1e6 + np.random.default_rng(0).normal(0, 1e-3, (4000, 3))).astype(np.float64)
    for strip in (3, 1000, 10**6):
        variance = collapse(bench.source(drift), "variance", 0)
        from tests.ops.conftest import FakeInput

        found, _ = bench.evaluate(variance, [FakeInput(drift, None, strip)])
        np.testing.assert_allclose(found, drift.var(axis=0, ddof=1), rtol=1e-6)


@pytest.mark.parametrize("axes", [(0,), (2,), (0, 1)])
def test_nan_and_infinities(bench: Any, axes: tuple[int, ...]) -> None:
    values = values_of(np.float32)
    values[1, 2, 3], values[0, 1, 1], values[2, 0, 0], values[4, 3, 5] = np.nan, np.inf, -np.inf, np.inf
    mask = np.ones(SHAPE, bool)
    mask[1, 2, 3] = False  # a bad nan does not count
    for name in ("sum", "mean", "min", "max", "median", "q1"):
        np_name = {"q1": None}.get(name, name)
        masked, plain = (compute(collapse(bench.source(values, m), name, axes)).values for m in (mask, None))
        assert not np.isnan(masked).any()
        has_nan = np.isnan(values).any(axis=axes)
        np.testing.assert_array_equal(np.isnan(plain), has_nan)
        if np_name:
            want = getattr(np, np_name)(values.astype(np.float64), axis=axes)
            np.testing.assert_allclose(plain, want, rtol=1e-6)
    with np.errstate(invalid="ignore"):
        want = values.astype(np.float64).var(axis=axes, ddof=1)
    np.testing.assert_allclose(
        compute(collapse(bench.source(values), "variance", axes)).values, want, rtol=1e-5
    )


def test_labels_of_the_result(bench: Any) -> None:
    kinds = ("stokes", "spectral", "latitude", "longitude")
    coords = CoordinateSystem.from_kinds(kinds, frequencies=[1e9, 2e9, 3e9])
    beams = ((1.0, 1.0, 0.0), (2.0, 2.0, 0.0), (3.0, 3.0, 0.0))
    x = bench.source(
        values_of(np.float32, (1, 3, 4, 5)),
        dims=coords.dims,
        coords=coords,
        unit="K",
        beams=beams,
        meta=(("A", 1, ""),),
    )
    with pytest.warns(LatticeWarning, match="the beams are dropped"):
        mean = collapse(x, "mean", "frequency")
    assert mean.attrs.dims == ("stokes", "y", "x")
    assert mean.attrs.shape == (1, 4, 5)
    assert mean.attrs.coords is not None
    assert mean.attrs.coords.kinds == ("stokes", "latitude", "longitude")
    assert (mean.attrs.unit, mean.attrs.beams, mean.attrs.meta) == ("K", (), x.attrs.meta)
    assert collapse(x, "count", "y").attrs.unit == ""
    spectrum = collapse(x, "median", ["y", "x", "stokes"])
    assert spectrum.attrs.dims == ("frequency",)
    assert spectrum.attrs.coords is not None
    np.testing.assert_allclose(spectrum.attrs.coords.frequencies(3), [1e9, 2e9, 3e9])
    same = bench.source(values_of(np.float32, (3, 4, 5)), beams=beams[:1] * 3)
    assert collapse(same, "mean", 0).attrs.beams == beams[:1]


def test_types_are_those_of_the_scalar_functions(bench: Any) -> None:
    for dtype, name in itertools.product(TYPES, ANY_TYPE):
        x = bench.source(values_of(dtype))
        assert collapse(x, name, 0).attrs.dtype == call(lookup(name, 1), x).attrs.dtype
    x = bench.source(values_of(np.float32))
    assert not collapse(x, "mean", 0).attrs.masked
    assert collapse(bench.source(values_of(np.float32), mask_of()), "mean", 0).attrs.masked
    assert not collapse(bench.source(values_of(np.float32), mask_of()), "count", 0).attrs.masked


def test_over_all_axes_it_is_the_scalar_function(bench: Any) -> None:
    x = bench.source(values_of(np.float32), mask_of())
    assert collapse(x, "mean", (0, 1, 2)) is call(lookup("mean", 1), x)
    assert collapse(x, "fractile", (0, 1, 2), (0.25,)) is call(
        lookup("fractile", 2), x, Literal.of(0.25, FLOAT)
    )
    pixels = values_of(np.float32)[mask_of()]
    for name in ("rms", "sumsq", "sigma", "medabsdevmed"):
        node = collapse(x, name, (0, 1, 2))
        assert node.attrs.is_scalar
        assert node.attrs.dtype == np.float32
        name = {"sigma": "stddev"}.get(name, name)
        np.testing.assert_allclose(compute(node).values, expected(name, (), pixels, True), rtol=1e-5)
    with pytest.raises(LatticeRangeError, match="one by one"):
        statistics(x, ["mean"], (0, 1, 2))


def test_axes_without_pixels(bench: Any) -> None:
    empty = bench.source(np.zeros((0, 3), np.float32), dims=("t", "x"))
    assert compute(collapse(empty, "count", "t")).values.tolist() == [0, 0, 0]
    for name in ("sum", "max", "median", "variance", "avdev"):
        result = compute(collapse(empty, name, "t"))
        assert result.mask is not None
        assert not result.mask.any()
    assert compute(collapse(empty, "mean", "x")).values.shape == (0,)


def test_nodes_are_shared_pickled_and_shown(bench: Any) -> None:
    x = bench.source(values_of(np.float32), mask_of())
    node = collapse(x, "fractile", ["x"], [0.25])
    assert node is collapse(x, "fractile", 2, (0.25,))
    assert node is not collapse(x, "fractile", 1, (0.25,))
    assert node is collapse(x, lookup("fractile", 2), "x", (Literal.of(0.25, FLOAT),))
    assert pickle.loads(pickle.dumps(node)) is node
    assert isinstance(node, Collapse)
    assert to_lel(node) == "fractile(a, 0.25, along=[x])"
    both = statistics(x, ["mean", "rms"], "x")
    assert to_lel(both) == "statistics(a, [mean, rms], along=[x])"
    assert pickle.loads(pickle.dumps(both)) is both
    assert both.with_children((bench.source(values_of(np.float32)),)).attrs.masked is False
    first = subset(both, (0, slice(0, 5, 1), slice(0, 4, 1)))
    np.testing.assert_allclose(compute(first).values, compute(collapse(x, "mean", "x")).values, rtol=1e-6)


@pytest.mark.parametrize(
    ("name", "dims", "scalars", "error", "words"),
    [
        (
            "mean",
            "freq",
            (),
            NameNotFoundError,
            r"Float lattice \(frequency 5, y 4, x 6\) has no axis 'freq'",
        ),
        ("mean", 3, (), NameNotFoundError, "has no axis 3"),
        ("mean", (), (), LatticeRangeError, "one or more different axes"),
        ("mean", ("x", 2), (), LatticeRangeError, "one or more different axes"),
        ("meen", "x", (), FunctionError, "there is no statistic 'meen'"),
        ("mean", "x", (1,), FunctionError, "no function mean of 2 arguments"),
        ("rms", "x", (1,), FunctionError, "rms takes 1 argument"),
        ("fractile", "x", (1.5,), LatticeRangeError, "a fraction lies between 0 and 1"),
        ("any", "x", (), LatticeTypeError, "any needs a Bool operand"),
    ],
)
def test_errors(bench: Any, name: str, dims: Any, scalars: Any, error: type[Exception], words: str) -> None:
    x = bench.source(values_of(np.float32), dims=("frequency", "y", "x"))
    with pytest.raises(error, match=words):
        collapse(x, name, dims, scalars)


def test_more_errors(bench: Any) -> None:
    truth = bench.source(values_of(np.float32) > 0)
    with pytest.raises(LatticeTypeError, match="median needs a real operand"):
        collapse(bench.source(values_of(np.complex64)), "median", 0)
    with pytest.raises(LatticeTypeError, match="rms needs a real operand"):
        collapse(truth, "rms", 0)
    with pytest.raises(LatticeTypeError, match="need a lattice"):
        collapse(Literal.of(1.0), "mean", 0)
    with pytest.raises(LatticeRangeError, match="no statistic"):
        statistics(truth, [], 0)
    assert "sigma" in statistic_names()


def test_middle_is_the_mean_of_two_values_however_many_there_are() -> None:
    values = np.random.default_rng(4).normal(size=(3, 7, 40)).astype("f4")
    good = values > -1
    image, bare = Image(values, mask=good), Image(values)
    masked = np.ma.MaskedArray(values, ~good)
    for dims in ([0, 2], [1, 2], [2]):
        dims = tuple(dims)
        expected = np.ma.median(masked.astype("f8"), axis=dims)
        np.testing.assert_allclose(
            image.statistics("median", dims=dims)["median"].values, expected, rtol=1e-6
        )
        plain = np.median(values.astype("f8"), axis=dims)
        found = bare.statistics(("median", "medabsdevmed"), dims=dims).compute()
        np.testing.assert_allclose(found["median"].values, plain, rtol=1e-6)
        away = np.median(np.abs(values - np.median(values, axis=dims, keepdims=True)), axis=dims)
        np.testing.assert_allclose(found["medabsdevmed"].values, away, rtol=1e-5)
    assert compute(collapse(image.node, "middle", (0, 1, 2))).values == pytest.approx(
        np.median(values[good].astype("f8")), rel=1e-6
    )


@pytest.mark.parametrize("jit", [True, False])
def test_distances_of_a_few_last_columns(jit: bool) -> None:
    # columns are sorted some at a time, of which few may be left at the end
    length = 96
    width = sorting._SLAB // length + 5
    values = np.random.default_rng(3).normal(size=(length, width)).astype("f4")
    with set_options(jit=jit and has_compiler()):
        found = Image(values).collapse("madm", 0).values
    want = np.median(np.abs(values - np.median(values, axis=0)), axis=0)
    np.testing.assert_allclose(found, want, rtol=1e-6)
