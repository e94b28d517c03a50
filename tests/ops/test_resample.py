"""Interpolation at other positions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.interpolate import CubicSpline

from lattice.coords.mapping import LineMap
from lattice.errors import LatticeError
from lattice.graph.records import FrozenArray
from lattice.ops.resample import Resample, resample
from tests.ops.conftest import Bench, FakeInput

RNG = np.random.default_rng(31)


@dataclass(frozen=True)
class Shift:
    """Positions of a turned, scaled and shifted plane."""

    matrix: tuple[float, float, float, float]
    offset: tuple[float, float]
    n_axes: int = 2

    def at(self, section: tuple[slice, ...]) -> tuple[np.ndarray, ...]:
        y, x = np.meshgrid(*(np.arange(s.start, s.stop, s.step) for s in section), indexing="ij")
        a, b, c, d = self.matrix
        return a * y + b * x + self.offset[0], c * y + d * x + self.offset[1]


def weights_at(p: float, n: int, method: str, linear: bool = False) -> dict[int, float] | None:
    """Return the weights of the pixels of an axis for a position, by the book; `linear`: no others."""
    limit = {"nearest": 0.5, "lanczos": 0.0}.get(method, 1.0) if n > 1 else 0.0
    if method == "nearest":
        limit = 0.5 if n > 1 else 0.0
    if not -limit <= p <= n - 1 + limit or p in (-1, n):  # nothing a whole pixel beyond
        return None
    if n == 1:
        return {0: 1.0}
    if method == "nearest":
        return {int(np.clip(np.ceil(p - 0.5), 0, n - 1)): 1.0}
    i = int(np.clip(np.floor(p), 0, n - 2))
    t = p - i
    line = {i: 1 - t, i + 1: t}
    if method == "linear" or linear:
        return line
    around = range(i - 1, i + 3) if method == "cubic" else range(i - 2, i + 4)
    if around[0] < 0 or around[-1] >= n or not 0 <= t <= 1:
        return line

    def keys(s: float) -> float:
        s = abs(s)
        return 1.5 * s**3 - 2.5 * s**2 + 1 if s <= 1 else -0.5 * s**3 + 2.5 * s**2 - 4 * s + 2

    if method == "cubic":
        return {k: keys(p - k) for k in around}
    raw = {k: float(np.sinc(p - k) * np.sinc((p - k) / 3)) for k in around}
    return {k: w / sum(raw.values()) for k, w in raw.items()}


def by_the_book(
    plane: np.ndarray, mask: np.ndarray, mapping: Shift, shape: tuple[int, int], method: str
) -> tuple[np.ndarray, np.ndarray]:
    out, good = np.zeros(shape), np.zeros(shape, bool)
    y, x = mapping.at(tuple(slice(0, n, 1) for n in shape))
    for at in np.ndindex(*shape):
        rows, columns = (
            weights_at(float(p[at]), n, method) for p, n in zip((y, x), plane.shape, strict=True)
        )
        if rows is None or columns is None:
            continue
        full = {"cubic": 4, "lanczos": 6}.get(method, 0)
        if (
            full
            and min(len(w) if n > 1 else full for w, n in zip((rows, columns), plane.shape, strict=True))
            < full
        ):
            rows, columns = (
                weights_at(float(p[at]), n, method, True) for p, n in zip((y, x), plane.shape, strict=True)
            )
            assert rows is not None
            assert columns is not None
        used = [
            (i, j, a * b) for i, a in rows.items() for j, b in columns.items() if min(abs(a), abs(b)) > 1e-13
        ]
        good[at] = all(mask[i, j] for i, j, _ in used)
        out[at] = sum(plane[i, j] * w for i, j, w in used) if good[at] else 0
    return out, good


@pytest.mark.parametrize("method", ["nearest", "linear", "cubic", "lanczos"])
@pytest.mark.parametrize(
    "mapping",
    [
        Shift((1, 0, 0, 1), (0, 0)),
        Shift((1, 0, 0, 1), (0.3, -0.6)),
        Shift((0.9, 0.3, -0.3, 0.9), (1.2, 3.4)),
        Shift((2.1, 0, 0, 0.4), (-1.5, 2)),
        Shift((1, 0, 0, 1), (100, 0)),
    ],
)
@pytest.mark.parametrize("size", [(9, 11), (3, 1), (2, 5)])
def test_equals_the_definition(mapping: Shift, method: str, size: tuple[int, int]) -> None:
    values = RNG.normal(size=(2, *size))
    mask = RNG.random((2, *size)) > 0.1
    source = Bench.source(values, mask)
    target = source.attrs.with_(shape=(2, 8, 7))
    node = resample(source, (1, 2), mapping, method, target)
    for blocks in (None, (1, 3, 4)):
        found, good = Bench.evaluate(node, [FakeInput(values, mask)], blocks)
        for k in range(2):
            want, filled = by_the_book(values[k], mask[k], mapping, (8, 7), method)
            np.testing.assert_array_equal(good[k], filled)
            np.testing.assert_allclose(found[k][filled], want[filled], atol=1e-12)


@pytest.mark.parametrize("axis", [0, 1])
def test_one_axis(axis: int) -> None:
    values = RNG.normal(size=(8, 9))
    positions = np.array([-0.2, 0.0, 0.5, 2.25, 6.9, 7.0, 7.2, np.nan])
    n = values.shape[axis]
    rows = np.moveaxis(values, axis, 0)
    shape = tuple(len(positions) if a == axis else m for a, m in enumerate(values.shape))
    source = Bench.source(values)
    for method in ("nearest", "linear", "cubic"):
        node = resample(
            source, (axis,), LineMap(FrozenArray(positions)), method, source.attrs.with_(shape=shape)
        )
        for blocks in (None, (3, 2)):
            found, good = (
                np.moveaxis(a, axis, 0) for a in Bench.evaluate(node, [FakeInput(values, None)], blocks)
            )
            inside = (positions >= 0) & (positions <= n - 1)
            np.testing.assert_array_equal(good, np.broadcast_to(inside[:, None], good.shape))
            if method == "cubic":
                want = CubicSpline(np.arange(n), rows, bc_type="natural")(positions[inside])
            elif method == "linear":
                want = np.stack(
                    [np.interp(positions[inside], np.arange(n), column) for column in rows.T], axis=1
                )
            else:
                want = rows[np.clip(np.ceil(positions[inside] - 0.5).astype(int), 0, n - 1)]
            np.testing.assert_allclose(found[inside], want, atol=1e-12)


def test_splines_leave_out_bad_pixels() -> None:
    values = np.arange(8.0)
    values[3] = np.nan
    mask = np.isfinite(values)
    positions = FrozenArray(np.array([0.5, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 5.5]))
    source = Bench.source(values, mask)
    node = resample(source, (0,), LineMap(positions), "cubic", source.attrs)
    found, good = Bench.evaluate(node, [FakeInput(values, mask)])
    np.testing.assert_array_equal(good, [True, True, True, False, False, False, True, True])
    np.testing.assert_allclose(found[good], positions.array[good], atol=1e-12)


def test_a_whole_shift_keeps_the_mask_of_each_pixel() -> None:
    values = RNG.normal(size=(6, 6)).astype("f4")
    mask = RNG.random((6, 6)) > 0.5
    source = Bench.source(values, mask)
    for method in ("nearest", "linear", "cubic", "lanczos"):
        node = resample(source, (0, 1), Shift((1, 0, 0, 1), (1, 2)), method, source.attrs.with_(shape=(5, 4)))
        found, good = Bench.evaluate(node, [FakeInput(values, mask)])
        np.testing.assert_array_equal(good, mask[1:, 2:])
        np.testing.assert_allclose(found[good], values[1:, 2:][good], atol=1e-6)


@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_sections_read_no_more_than_their_footprint(data: Any) -> None:
    mapping = Shift(
        tuple(data.draw(st.floats(-1.5, 1.5)) for _ in range(4)),
        (data.draw(st.floats(-5, 15)), data.draw(st.floats(-5, 15))),
    )
    method = data.draw(st.sampled_from(["nearest", "linear", "cubic", "lanczos"]))
    values = np.random.default_rng(0).normal(size=(12, 13))
    source = Bench.source(values)
    node = resample(source, (0, 1), mapping, method, source.attrs.with_(shape=(9, 10)))
    whole, good = Bench.evaluate(node, [FakeInput(values, None)])
    section = tuple(
        slice(a, data.draw(st.integers(a + 1, n)), data.draw(st.integers(1, 3)))
        for n in (9, 10)
        for a in [data.draw(st.integers(0, n - 1))]
    )
    asked = FakeInput(values, None)
    found, filled = Bench.evaluate(node, [asked], section=section)
    np.testing.assert_array_equal(filled, good[section])
    np.testing.assert_allclose(found, whole[section], atol=1e-9)
    y, x = mapping.at(section)
    for box in asked.asked:
        for s, p in zip(box, (y, x), strict=True):
            at = p[filled] if filled.any() else p
            assert s.start >= np.floor(at.min()) - 6
            assert s.stop <= np.ceil(at.max()) + 7


def test_refuses() -> None:
    source = Bench.source(np.zeros((4, 5)))
    with pytest.raises(LatticeError, match="no interpolation 'quintic'"):
        resample(source, (0, 1), Shift((1, 0, 0, 1), (0, 0)), "quintic", source.attrs)
    with pytest.raises(LatticeError, match="2 axes are mapped together"):
        resample(source, (0,), Shift((1, 0, 0, 1), (0, 0)), "linear", source.attrs)
    truths = Bench.source(np.zeros((4, 5), bool))
    with pytest.raises(LatticeError, match="by method='nearest'"):
        resample(truths, (0, 1), Shift((1, 0, 0, 1), (0, 0)), "linear", truths.attrs)
    near = resample(truths, (0, 1), Shift((1, 0, 0, 1), (0, 0)), "nearest", truths.attrs)
    assert Bench.evaluate(near, [FakeInput(np.ones((4, 5), bool), None)])[0].all()


def test_strips_that_need_much_are_made_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lattice.ops.resample._LITTLE", 64)
    monkeypatch.setattr("lattice.ops.resample._SIDE", 8)
    values = RNG.normal(size=(2, 90, 80))
    mask = RNG.random(values.shape) > 0.1
    source = Bench.source(values, mask)
    turned = Shift((0.6, 0.8, -0.8, 0.6), (-10.0, 40.0))
    node = resample(source, (1, 2), turned, "linear", source.attrs.with_(shape=(2, 70, 100)))
    section = (slice(0, 2, 1), slice(30, 38, 3), slice(1, 99, 2))
    assert isinstance(node, Resample)
    assert len(node._parts(section)) > 1
    asked = FakeInput(values, mask)
    found, good = Bench.evaluate(node, [asked], section=section)
    monkeypatch.undo()
    whole, filled = Bench.evaluate(node, [FakeInput(values, mask)])
    np.testing.assert_array_equal(good, filled[section])
    np.testing.assert_allclose(found, whole[section], atol=1e-12)
    (needed,) = node.needs(section)
    for box in asked.asked:
        assert all(n.start <= b.start and b.stop <= n.stop for b, n in zip(box, needed, strict=True))
