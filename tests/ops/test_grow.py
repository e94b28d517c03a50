"""Masks of connected regions, against a search from pixel to pixel."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lattice import Image, LatticeError, MemoryLimitError
from lattice.config import set_options
from lattice.io.files import counting
from lattice.ops import grow, pieces
from lattice.ops.grow import regions_above
from lattice.ops.pieces import Joined
from tests.ops.blocks import check_sections, masks
from tests.ops.conftest import Bench

RNG = np.random.default_rng(58)


def searched(
    values: np.ndarray, good: np.ndarray, low: float, high: float, diagonal: bool, least: int
) -> Any:
    """Return the regions of one volume."""
    part = good & (values >= low)
    steps = [
        s
        for s in itertools.product((-1, 0, 1), repeat=values.ndim)
        if any(s) and (diagonal or sum(map(abs, s)) == 1)
    ]
    out, seen = np.zeros(values.shape, bool), np.zeros(values.shape, bool)
    for start in np.argwhere(part):
        if seen[tuple(start)]:
            continue
        region, todo = [], [tuple(start)]
        seen[tuple(start)] = True
        while todo:
            at = todo.pop()
            region.append(at)
            for s in steps:
                to = tuple(a + b for a, b in zip(at, s, strict=True))
                inside = all(0 <= t < n for t, n in zip(to, values.shape, strict=True))
                if inside and part[to] and not seen[to]:
                    seen[to] = True
                    todo.append(to)
        if len(region) >= least and any(values[at] >= high for at in region):
            out[tuple(zip(*region, strict=True))] = True
    return out


@pytest.fixture(params=[None, 1, 120, 200], ids=["at once", "planes", "a plane", "some planes"])
def slabs(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Search volumes at once, or in slabs of about so many pixels, looking up a few at a time."""
    if request.param is not None:
        monkeypatch.setattr(grow, "_WHOLE", 1)
        monkeypatch.setattr(grow, "_SLAB", request.param)
        monkeypatch.setattr(grow, "_TOGETHER", request.param)
        monkeypatch.setattr(pieces, "AT_ONCE", 7)


@pytest.mark.usefixtures("slabs")
@pytest.mark.parametrize("diagonal", [False, True])
@pytest.mark.parametrize("least", [1, 4])
def test_equals_a_search(diagonal: bool, least: int) -> None:
    values = RNG.normal(size=(3, 9, 10))
    mask = RNG.random(values.shape) > 0.1
    image = Image(values, dims=("frequency", "y", "x"), mask=mask)
    found = image.regions_above(0.3, 1.5, diagonal=diagonal, least=least)
    want = [searched(v, m, 0.3, 1.5, diagonal, least) for v, m in zip(values, mask, strict=True)]
    np.testing.assert_array_equal(found.values, want)
    assert not found.masked
    cube = image.regions_above(0.6, 2, ("frequency", "y", "x"), diagonal=diagonal, least=least)
    np.testing.assert_array_equal(cube.values, searched(values, mask, 0.6, 2, diagonal, least))
    all_kept = image.regions_above(0.3, diagonal=diagonal)
    np.testing.assert_array_equal(all_kept.values, mask & (values >= 0.3))
    kept = image[found].to_masked_array()
    np.testing.assert_array_equal(~np.ma.getmaskarray(kept), mask & np.array(want))
    assert list(image.add_mask("bright", found).masks) == ["mask0", "bright"]


def test_nan_is_in_no_region() -> None:
    image = Image(np.array([[2.0, np.nan, 2.0, 9.0]]))
    assert image.regions_above(1, 5).values.tolist() == [[False, False, True, True]]


SUPPRESSED = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


@pytest.mark.usefixtures("slabs")
@given(data=st.data())
@settings(max_examples=25, deadline=None, suppress_health_check=SUPPRESSED)
def test_sections_and_blocks_make_no_difference(data: Any) -> None:
    shape = tuple(data.draw(st.integers(1, 6)) for _ in range(3))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    axes = sorted(data.draw(st.sets(st.integers(0, 2), min_size=1)))
    values, mask = rng.normal(size=shape), data.draw(masks(shape, rng))
    node = regions_above(Bench.source(values, mask), 0.0, 1.0, axes, diagonal=data.draw(st.booleans()))
    check_sections(node, [(values, mask)], data)


def test_planes_are_read_one_by_one(tmp_path: Path) -> None:
    image = Image(np.ones((64, 512, 512), "f4"), dims=("z", "y", "x")).save(tmp_path / "cube.npy")
    with counting() as reads:
        assert image.regions_above(0.5, 1)[3, :2, :2].values.all()
    assert reads.bytes <= 512 * 512 * 4 + 4096
    with set_options(memory_limit="128MB"):
        image.regions_above(0.5, 1)[:8].compute()


def test_a_large_cube_is_searched_twice_in_slabs(tmp_path: Path) -> None:
    values = np.zeros((40, 400, 400), "f4")
    values[:, 7, 9] = values[3:39, 100, 100:300] = 1  # a line through all channels, and a wall
    values[20, 7, 9], values[38, 100, 299] = 3, 2
    image = Image(values, dims=("z", "y", "x")).save(tmp_path / "cube.npy")
    assert values.size > grow._WHOLE
    with counting() as reads, set_options(memory_limit="150MB", workers=2):
        found = image.regions_above(0.5, 3, (0, 1, 2)).compute().values
    assert reads.bytes <= 2 * values.nbytes + 40 * 8192
    want = np.zeros(values.shape, bool)
    want[:, 7, 9] = True
    np.testing.assert_array_equal(found, want)


def test_too_many_pieces_are_refused() -> None:
    y, x = np.ogrid[:2048, :2048]
    chess = np.broadcast_to(((y + x) % 2).astype("f4"), (2, 2048, 2048))
    image = Image(chess, dims=("z", "y", "x"))
    with (
        set_options(memory_limit="150MB"),
        pytest.raises(MemoryLimitError, match=r"pieces and more, which needs .*, a quarter of the"),
    ):
        image.regions_above(0.5, 1, ("z", "y", "x"))[:1, :1, :1].compute()


@given(data=st.data())
def test_pieces_are_joined(data: Any) -> None:
    counts = data.draw(st.lists(st.integers(0, 6), min_size=1, max_size=6))
    total, joined = sum(counts), Joined()
    pairs = np.array(
        data.draw(st.lists(st.tuples(st.integers(1, total), st.integers(1, total)))) if total else [],
        np.int64,
    ).reshape(-1, 2)
    for count in counts:
        joined.add(count)
        known = pairs[(pairs <= joined.count).all(axis=1)]
        joined.join(known[:, 0], known[:, 1])
    want = list(range(total + 1))
    for a, b in pairs.tolist():
        low, high = sorted((want[a], want[b]))
        want = [low if w == high else w for w in want]
    assert joined.regions().tolist() == want


def test_refusals() -> None:
    image = Image(np.zeros((3, 4)))
    with pytest.raises(LatticeError, match="is not above"):
        image.regions_above(2, 1)
    with pytest.raises(LatticeError, match="a finite number is needed"):
        image.regions_above(float("nan"), 1)
    with pytest.raises(LatticeError, match="a pixel at least"):
        image.regions_above(1, 2, least=0)
    with pytest.raises(LatticeError, match="real numbers"):
        (image + 1j).regions_above(1, 2)
    with pytest.raises(LatticeError, match="no dim 'z'"):
        image.regions_above(1, 2, "z")
