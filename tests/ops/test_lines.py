"""Values between the pixels of one axis."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.interpolate import CubicSpline

from lattice.coords.mapping import LineMap
from lattice.graph.records import FrozenArray
from lattice.ops.lines import interpolated, splined
from lattice.ops.taps import taps_at

RNG = np.random.default_rng(17)


@pytest.mark.parametrize("shape", [(300,), (4, 300), (300, 5), (2, 300, 400)])
@pytest.mark.parametrize("n", [1, 2, 3, 79, 81, 300])
def test_splines_do_not_feel_what_is_far_away(shape: tuple[int, ...], n: int) -> None:
    axis = shape.index(300)
    shape = tuple(n if k == 300 else k for k in shape)
    values = RNG.normal(size=shape)
    positions = np.concatenate([RNG.uniform(-1, n, 40), [0, n - 1, np.nan]])
    found, good = splined(values, None, axis, positions)
    inside = (positions >= 0) & (positions <= n - 1)
    assert good is not None
    assert (np.moveaxis(good, axis, -1) == inside).all()
    rows = np.moveaxis(values, axis, 0)
    if n >= 3:
        want = CubicSpline(np.arange(n), rows, bc_type="natural")(positions[inside])
    else:
        share = positions[inside].reshape(-1, *[1] * (rows.ndim - 1))
        want = rows[0] * (1 - share) + rows[n - 1] * share
    np.testing.assert_allclose(np.moveaxis(found, axis, 0)[inside], want, atol=1e-9)


def test_bad_pixels_are_bridged_by_lines() -> None:
    values = RNG.normal(size=(30, 70))
    mask = RNG.random((30, 70)) > 0.4
    mask[3], mask[4, :20], mask[5, 60:] = False, False, False
    positions = np.linspace(0, 69, 50)
    bad = np.where(mask, values, np.nan)
    found, good = splined(bad, mask, 1, positions)
    assert good is not None
    for row, marks, made, filled in zip(values, mask, found, good, strict=True):
        left, right = np.floor(positions).astype(int), np.ceil(positions).astype(int)
        np.testing.assert_array_equal(filled, marks[left] & marks[right])
        if marks.any():
            line = np.interp(np.arange(70), np.flatnonzero(marks), row[marks])
            want = CubicSpline(np.arange(70), line, bc_type="natural")(positions)
            np.testing.assert_allclose(made[filled], want[filled], atol=1e-9)


@pytest.mark.parametrize("method", ["nearest", "linear", "lanczos"])
@pytest.mark.parametrize("shape", [(9, 3), (2, 9, 300)])
@pytest.mark.parametrize("dtype", ["f8", "c16"])
def test_short_and_long_rows_give_the_same(shape: tuple[int, ...], method: str, dtype: str) -> None:
    values = (RNG.normal(size=shape) + (2j if dtype == "c16" else 0)).astype(dtype)
    mask = RNG.random(shape) > 0.2
    axis = shape.index(9)
    mapping = LineMap(FrozenArray(np.array([-3.0, 0, 0.4, 2, 3.75, 7.5, 8, 8.2])))
    taps = taps_at(mapping, (slice(0, 8, 1),), (9,), method, np.dtype("f8"))
    box = tuple(taps.box[0] if a == axis else slice(None) for a in range(len(shape)))
    whole, _ = interpolated(values[box], None, axis, taps)
    _, good = interpolated(values[box], mask[box], axis, taps)
    assert good is not None
    for k in range(8):
        at = tuple(k if a == axis else slice(None) for a in range(len(shape)))
        if not taps.inside[k]:
            assert not good[at].any()
            continue
        want, marks = 0, np.array(True)
        for i, weight in enumerate(taps.columns[:, k]):
            pixel = taps.box[0].start + int(taps.index[k]) + i
            own = tuple(pixel if a == axis else slice(None) for a in range(len(shape)))
            want = want + weight * values[own]
            marks = marks & (mask[own] if weight else True)
        np.testing.assert_allclose(whole[at], want, atol=1e-12)
        np.testing.assert_array_equal(good[at], np.broadcast_to(marks, good[at].shape))
