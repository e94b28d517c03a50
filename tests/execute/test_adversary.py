"""Pixels made to break things: compiled loops, numpy strips and plain numpy have to agree on all of them."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import lattice
from lattice.config import Options
from lattice.execute import native, order
from lattice.execute.run import Evaluated, compute, compute_many
from lattice.graph.node import Literal, Node, Source
from lattice.graph.types import DOUBLE, FLOAT
from tests.graphs import DIMS, SHAPE, Tiled, function, image
from tests.reference import evaluate

SETTINGS = settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
PLAIN = Options(scheduler="synchronous", jit=False, block=40)
WAYS = [PLAIN, PLAIN.replace(strip=7), PLAIN.replace(scheduler="threads", workers=3)]
if native.has_compiler():
    WAYS += [PLAIN.replace(jit=True), PLAIN.replace(jit=True, scheduler="threads", workers=3)]

NUMBERS = (0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 3.0, 16777217.0, 9007199254740993.0)
EDGES = (np.nan, np.inf, -np.inf, 1e-45, -1e-40, 5e-324, 3.4028235e38, -3.4028235e38, 1.7e308)
TYPES = ("<f4", ">f4", "<f8", ">f8", "f2", "?", "i1", ">i2", "<i8", "<u8")


def arranged(values: np.ndarray, how: str) -> np.ndarray:
    """Return the same values, lying in memory in some other way."""
    if how == "backwards":
        return np.ascontiguousarray(values[::-1, :, ::-1])[::-1, :, ::-1]
    if how == "fortran":
        return np.asfortranarray(values)
    if how == "gaps":
        return np.repeat(values, 2, axis=-1)[..., ::2]
    if how == "unaligned":
        raw = np.empty(values.nbytes + 1, np.uint8)[1:]
        odd = np.ndarray(values.shape, values.dtype, raw.data)
        odd[...] = values
        return odd
    return values


@st.composite
def sources(draw: st.DrawFn, types: tuple[str, ...] = TYPES) -> Source:
    """Images of few different values, many of them at the edge of what there is, with masks of all kinds."""
    dtype = np.dtype(draw(st.sampled_from(types)))
    pool = NUMBERS + EDGES if dtype.kind == "f" else NUMBERS[:7]
    few = draw(st.lists(st.sampled_from(pool), min_size=1, max_size=6))
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    with np.errstate(all="ignore"):
        values = rng.choice(np.array(few), SHAPE).astype(dtype)
    if dtype.kind in "iu" and dtype.itemsize == 8:
        values[0, 0, 0] = np.iinfo(dtype).max
        values[1, 1, 1] = np.iinfo(dtype).min
    how = draw(st.sampled_from(["", "backwards", "fortran", "gaps", "unaligned", "plane"]))
    if how == "plane":
        values = np.broadcast_to(values[:1], SHAPE)
    kind = draw(st.sampled_from(["none", "nan", "bad", "one", "few", "most"]))
    mask: Any = None
    if kind == "nan" and dtype.kind == "f":
        mask = "nan"
    elif kind in ("bad", "one"):
        mask = np.zeros(SHAPE, bool)
        mask.flat[seed % mask.size] = kind == "one"
    elif kind in ("few", "most"):
        mask = rng.random(SHAPE) < (0.05 if kind == "few" else 0.95)
    tile = draw(st.none() | st.tuples(*(st.integers(1, n) for n in SHAPE)))
    made = image(arranged(values, how), mask, name=f"image{seed}", tile=tile)
    inner = made.reader.inner if isinstance(made.reader, Tiled) else made.reader
    # readers give one of the few types that there are
    attrs = made.attrs.with_(dtype=inner.dtype)
    found: Source = Source(made.reader, made.name, "", made.mask, attrs)
    return found


REALS = ("<f4", ">f4", "<f8", ">f8", "i1", "<i8", "<u8")
_ONE = ("-", "abs", "sqrt", "floor", "ceil", "round", "value", "sign", "isnan", "exp")
_TWO = ("+", "-", "*", "/", "%", "min", "max", ">", "<=", "==", "!=")


@st.composite
def works(draw: st.DrawFn) -> Node:
    """One or two steps on such images."""
    x: Node = draw(sources(REALS))
    for _ in range(draw(st.integers(1, 2))):
        if x.attrs.dtype == bool:
            return function("!", x)
        number = Literal.of(draw(st.sampled_from(NUMBERS)), draw(st.sampled_from([FLOAT, DOUBLE])))
        other = draw(st.just(number) | sources(REALS))
        kind = draw(st.sampled_from(["one", "two", "two", "turned", "[]", "iif", "replace"]))
        if kind == "one":
            x = function(draw(st.sampled_from(_ONE)), x)
        elif kind == "two":
            x = function(draw(st.sampled_from(_TWO)), x, other)
        elif kind == "turned":
            x = function(draw(st.sampled_from(_TWO)), other, x)
        elif kind == "[]":
            x = function("[]", x, function(draw(st.sampled_from([">", "==", "!="])), x, other))
        elif kind == "iif":
            x = function("iif", function("<", x, other), x, other)
        else:
            x = function("replace", x, other)
    return x


def bits(result: Evaluated) -> tuple[bytes, bytes]:
    """Return the good values, every nan alike, and the mask."""
    values = np.array(result.values)
    mask = np.ones(values.shape, bool) if result.mask is None else result.mask
    if values.dtype.kind in "fc":
        values[np.isnan(values)] = np.nan
    return values[mask].tobytes(), mask.tobytes()


@SETTINGS
@given(works())
def test_pixels_agree(x: Node) -> None:
    found = [compute(x, options) for options in WAYS]
    assert len({bits(f) for f in found}) == 1
    values, mask = evaluate(x)
    mask = np.broadcast_to(mask, SHAPE)
    good = np.ones(SHAPE, bool) if found[0].mask is None else found[0].mask
    np.testing.assert_array_equal(good, mask)
    np.testing.assert_allclose(found[0].values[good], np.broadcast_to(values, SHAPE)[good], rtol=3e-7)


EXACT = ("min", "max", "median", "nelements")
SUMMED = ("sum", "mean", "stddev", "variance", "avdev")


@SETTINGS
@given(
    st.lists(st.tuples(st.sampled_from(EXACT + SUMMED), sources(REALS)), min_size=1, max_size=4), st.data()
)
def test_statistics_of_several_images_agree(asked: list[tuple[str, Source]], data: st.DataObject) -> None:
    fraction = data.draw(st.sampled_from([0.0, 0.01, 0.25, 0.5, 0.999, 1.0]))
    roots = [function(name, x) for name, x in asked]
    roots += [function("fractile", x, Literal.of(fraction, FLOAT)) for _, x in asked]
    found = [compute_many(roots, options) for options in WAYS]
    assert len({repr(f) for f in found}) == 1
    # blocks follow the tiles of all, so that sums by themselves may differ in the last bits
    alone = [compute(r, PLAIN) for r, (name, _) in zip(roots, asked, strict=False) if name in EXACT]
    together = [f for f, (name, _) in zip(found[0], asked, strict=False) if name in EXACT]
    assert repr(alone) == repr(together)
    for root, result in zip(roots, found[0], strict=True):
        check(root, result.values)


def check(root: Node, got: Any) -> None:
    """Compare a statistic with plain numpy."""
    with np.errstate(all="ignore"):
        _check(root, got)


def _check(root: Node, got: Any) -> None:
    name = root.function.name  # type: ignore[attr-defined]
    values, mask = evaluate(root.children[0])
    good = np.asarray(values)[np.broadcast_to(mask, SHAPE)]
    if good.size == 0:
        assert got == 0 if name in ("sum", "nelements") else got is None
    elif name in (*EXACT, "fractile"):
        expected, defined = evaluate(root)
        assert defined
        np.testing.assert_array_equal(got, expected)
    elif name in ("sum", "mean") and np.isfinite(good).all() and np.abs(good).max() < 1e300:
        wide = good.astype(float)
        n = 1 if name == "sum" else good.size
        exact, size = math.fsum(wide) / n, math.fsum(np.abs(wide)) / n
        if size < np.finfo(root.attrs.dtype).max:
            slack = np.finfo(root.attrs.dtype).eps * abs(exact) + 1e-13 * size
            assert abs(float(got) - exact) <= slack + np.finfo(root.attrs.dtype).smallest_subnormal


@SETTINGS
@given(sources(("<f4", ">f8")), st.data())
def test_ranks_agree_however_bad_the_sample_was(x: Source, data: st.DataObject) -> None:
    low = data.draw(st.sampled_from([-math.inf, -1.0, 0.0, 1e-45, 3.0]))
    high = data.draw(st.sampled_from([v for v in (0.0, 1.0, 3.4e38, math.inf) if v >= low] or [low]))
    limit, room = data.draw(st.integers(1, 200)), data.draw(st.integers(1, 200))
    roots = [function("fractile", x, Literal.of(f, FLOAT)) for f in (0.0, 0.3, 0.5, 1.0)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lattice.execute.measure.COLLECT_ALL", 10)
        patch.setattr("lattice.execute.measure.brackets", lambda *_a: (order.Bracket(low, high, limit),))
        patch.setattr("lattice.execute.measure._LEAST_ROOM", room)
        patch.setattr("lattice.execute.measure.allowance", lambda _o: 0)
        found = [compute_many(roots, options) for options in WAYS]
    assert len({repr(f) for f in found}) == 1
    for root, result in zip(roots, found[0], strict=True):
        check(root, result.values)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("files")


@settings(SETTINGS, max_examples=25)
@given(sources(("<f4", ">f4", "<f8")), sources(("<f4", "<f8")), st.data())
def test_files_agree(folder: Path, a: Source, b: Source, data: st.DataObject) -> None:
    text = data.draw(st.sampled_from(["a+b", "max(a,b)", "a[a>b]", "iif(a<b,a,b)", "-a", "a>b", "a/b"]))
    how = data.draw(st.sampled_from([{}, {"mask": "extension"}, {"bitpix": -64}]))
    files = []
    for name, source in (("a", a), ("b", b)):
        lattice.Image(np.array(evaluate(source)[0]), dims=DIMS).save(
            str(folder / f"{name}.fits"), overwrite=True
        )
    for options in WAYS:
        out = folder / "out.fits"
        with lattice.set_options(**{k: getattr(options, k) for k in ("jit", "strip", "block", "workers")}):
            names = {n: lattice.open(str(folder / f"{n}.fits")) for n in "ab"}
            made = lattice.expr(text, **names)
            made.save(str(out), overwrite=True, **({} if made.dtype == bool else how))
        files.append(out.read_bytes())
    assert len(set(files)) == 1
    values, mask = evaluate(made.node)
    read = lattice.open(str(folder / "out.fits")).compute()
    good = np.ones(SHAPE, bool) if read.mask is None else read.mask
    wanted = np.broadcast_to(mask, SHAPE)
    if np.asarray(values).dtype != bool and how != {"mask": "extension"}:
        wanted = wanted & ~np.isnan(values)  # a file of floats tells bad ones by nan alone
    np.testing.assert_array_equal(good, wanted)
    np.testing.assert_array_equal(read.values[good], values[good])


SHAPES = ((3, 4, 300), (5, 2, 513), (2, 300, 3), (7, 3, 17), (1, 1, 600), (40, 1, 257))


@settings(SETTINGS, max_examples=25)
@given(st.data())
def test_statistics_along_axes_agree(data: st.DataObject) -> None:
    shape = data.draw(st.sampled_from(SHAPES))
    dtype = np.dtype(data.draw(st.sampled_from(["f4", "f8"])))
    few = data.draw(st.lists(st.sampled_from(NUMBERS + EDGES), min_size=1, max_size=5))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    with np.errstate(all="ignore"):
        values = rng.choice(np.array(few), shape).astype(dtype)
    share = data.draw(st.sampled_from([None, 0.0, 0.1, 0.9]))
    mask = None if share is None else rng.random(shape) < share
    image = lattice.Image(values, mask=mask)
    axes = data.draw(st.sampled_from([(0,), (1,), (2,), (0, 1), (1, 2), (0, 2)]))
    name = data.draw(st.sampled_from(["sum", "mean", "min", "max", "std", "var", "median"]))
    found = []
    for jit in (False, True) if native.has_compiler() else (False,):
        for more in ({}, {"block": 700, "workers": 3}):
            with lattice.set_options(jit=jit, **more):
                result = getattr(image, name)(*[image.dims[i] for i in axes]).compute()
            good = np.broadcast_to(True if result.mask is None else np.asarray(result.mask), result.shape)
            found.append((np.where(good, result.values, 0), good))
    for got, good in found[1:]:
        np.testing.assert_array_equal(good, found[0][1])
        # blocks of another shape may add up in another order
        np.testing.assert_allclose(got, found[0][0], rtol=0 if name in ("min", "max", "median") else 1e-6)
    good = np.ones(shape, bool) if mask is None else mask
    some = good.any(axis=axes)
    np.testing.assert_array_equal(found[0][1], some)
    if name in ("min", "max"):
        neutral = dtype.type(np.inf if name == "min" else -np.inf)
        with np.errstate(all="ignore"):
            expected = getattr(np, name)(np.where(good, values, neutral), axis=axes)
        np.testing.assert_array_equal(found[0][0][some], expected[some])
    elif name == "sum":
        with np.errstate(all="ignore"):
            wide = np.where(good, values, 0).astype(np.longdouble)
            expected, size = wide.sum(axis=axes), np.abs(wide).sum(axis=axes)
        tame = some & (size < 0.1 * np.finfo(dtype).max)
        slack = np.finfo(dtype).eps * np.abs(expected) + 1e-12 * size + np.finfo(dtype).smallest_subnormal
        assert (np.abs(found[0][0][tame] - expected[tame]) <= slack[tame]).all()
