"""Statistics along axes have the same bits however they are computed, and read what they need."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import lattice
from lattice.execute import along
from lattice.execute.native import has_compiler
from lattice.execute.run import compute
from lattice.io.files import counting
from lattice.ops.collapse import statistics
from lattice.ops.moments import moments

NAMES = ["sum", "mean", "nelements", "stddev", "rms", "avdev", "min", "max", "variance", "sumsq"]
RNG = np.random.default_rng(8)
compiled = pytest.mark.skipif(not has_compiler(), reason="llvmlite is not installed")


def cube(shape: tuple[int, ...], bad: float = 0.0, dtype: Any = np.float32) -> lattice.Image:
    values = (RNG.normal(size=shape) * 10 + 1000).astype(dtype)
    good = RNG.random(shape) >= bad
    return lattice.Image(values, mask=good) if bad else lattice.Image(values)


def found(node: Any, **options: Any) -> tuple[np.ndarray, np.ndarray | None]:
    with lattice.set_options(**options):
        result = compute(node)
    return result.values, result.mask


def same(a: Any, b: Any) -> None:
    np.testing.assert_array_equal(a[0], b[0])
    masks = [np.ones(v.shape, bool) if m is None else m for v, m in (a, b)]
    np.testing.assert_array_equal(*masks)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """How often compiled loops did it."""
    count = {"fill": 0, "states": 0}
    fill, states = along.fill, along.states

    def counted_fill(*args: Any) -> bool:
        done = fill(*args)
        count["fill"] += done
        return done

    def counted_states(*args: Any) -> Any:
        made = states(*args)
        count["states"] += made is not None
        return made

    monkeypatch.setattr(along, "fill", counted_fill)
    monkeypatch.setattr(along, "states", counted_states)
    return count


WAYS = [
    {"jit": False},
    {"jit": False, "strip": 77, "block": 13},
    {"jit": False, "strip": 5000, "workers": 2},
    {"jit": True, "strip": 1000},
    {"jit": True, "block": 500, "workers": 2},
]


@compiled
@pytest.mark.parametrize("bad", [0.0, 0.3, 1.0])
@pytest.mark.parametrize(
    ("shape", "axes", "kind"),
    [
        ((7, 20, 50), (0,), "fill"),
        ((3, 5, 300), (1,), "fill"),
        ((3, 5, 300), (0, 1), "fill"),
        ((2, 3, 4, 300), (0, 2), "fill"),
        ((6, 1, 300, 1), (0, 1), "fill"),
        ((2, 300, 260), (1, 2), "states"),
        ((5, 1, 300, 300), (2, 3), "states"),
        ((2, 3, 300, 230), (1, 2, 3), "states"),
        ((2, 300, 260), (0, 2), ""),
        ((7, 20, 50), (2,), ""),
        ((3, 300, 300, 1), (1, 2), ""),
        ((6, 4), (0,), ""),
    ],
)
def test_bits_do_not_depend_on_the_way(
    shape: tuple[int, ...], axes: tuple[int, ...], kind: str, bad: float, calls: dict[str, int]
) -> None:
    node = statistics(cube(shape, bad).node, NAMES, axes)
    first, *others = [found(node, **options) for options in WAYS]
    for other in others:
        same(first, other)
    if kind:
        assert calls[kind] >= 2
    assert not kind or calls["fill" if kind == "states" else "states"] == 0


@compiled
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_values_that_are_no_numbers(dtype: Any) -> None:
    values = RNG.normal(size=(9, 3, 400)).astype(dtype)
    values[0, 0, 5] = values[3, 1, 7] = values[8, 2, 9] = np.nan
    values[0, 0, 15] = values[4, 1, 17] = np.inf
    values[2, 0, 25] = values[5, 1, 17] = -np.inf
    values[:, 2, 30:50] = np.float32(-0.0)
    good = RNG.random(values.shape) > 0.2
    good[:, 1, 100] = False
    for image in (lattice.Image(values), lattice.Image(values, mask=good)):
        for node in (
            statistics(image.node, NAMES, (0,)),
            statistics(image.node, NAMES, (0, 1)),
            *moments(image.node, [0, 1, 2, 8, 9, 10, 11], 0)[::3],
        ):
            first, *others = [found(node, **options) for options in WAYS]
            for other in others:
                same(first, other)


@compiled
@pytest.mark.parametrize("bad", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("shape", "axes"),
    [((7, 20, 50), (0,)), ((8, 33), (0,)), ((3, 5, 40), (1,)), ((3, 5, 40), (0, 1)), ((2, 5, 3, 40), (0, 2))],
)
def test_order_statistics_do_not_depend_on_the_way(
    shape: tuple[int, ...], axes: tuple[int, ...], dtype: Any, bad: float
) -> None:
    image = cube(shape, bad, dtype)
    values, mask = image.values.copy(), image.to_masked_array().mask
    values.reshape(-1)[[5, 77]] = np.nan
    values.reshape(-1)[[6, 66]] = np.inf, -np.inf
    values[..., -3:] = -0.0
    image = lattice.Image(values, mask=~mask) if bad else lattice.Image(values)
    requests = ["median", "q1", "quartile", "medabsdevmed", "middle", "xmadm", ("fractile", 0.9)]
    node = statistics(image.node, requests, axes)
    first, *others = [found(node, **options) for options in WAYS]
    for other in others:
        same(first, other)
    with np.errstate(all="ignore"):
        held = np.ma.masked_array(values, mask if bad else False).filled(np.nan)
        lead = np.moveaxis(held, axes, range(len(axes))).reshape(-1, *first[0].shape[1:])
        plain = np.isfinite(lead).all(axis=0)
        np.testing.assert_allclose(first[0][4][plain], np.median(lead, axis=0)[plain], rtol=1e-6)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_any_blocks_and_strips(data: st.DataObject) -> None:
    shape = tuple(data.draw(st.lists(st.integers(1, 6), min_size=2, max_size=4)))
    axes = tuple(
        sorted(data.draw(st.sets(st.integers(0, len(shape) - 1), min_size=1, max_size=len(shape) - 1)))
    )
    bad = data.draw(st.sampled_from([0.0, 0.4, 1.0]))
    node = statistics(cube(shape, bad).node, NAMES, axes)
    whole = found(node, jit=False)
    same(
        whole,
        found(node, jit=False, strip=data.draw(st.integers(1, 40)), block=data.draw(st.integers(1, 40))),
    )
    if has_compiler():
        same(whole, found(node, jit=True))


@compiled
def test_all_moments_of_a_file(tmp_path: Path, calls: dict[str, int]) -> None:
    image = cube((11, 30, 40), 0.2)
    image.save(tmp_path / "a.fits")
    orders = [-1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]
    made = []
    for options in ({"jit": False}, {"jit": True}, {"jit": True, "block": 400}):
        with lattice.set_options(**options):
            stored = lattice.open(tmp_path / "a.fits")
            positive = stored[stored > 0]
            maps = positive.moments(orders, 0, include=(900, 1100))
            made.append([m.to_masked_array() for m in lattice.compute(*maps.values())])
    for other in made[1:]:
        for a, b in zip(made[0], other, strict=True):
            np.testing.assert_array_equal(a.filled(-1), b.filled(-1))
            np.testing.assert_array_equal(np.ma.getmaskarray(a), np.ma.getmaskarray(b))


@compiled
@pytest.mark.parametrize("axes", [(0,), (1,), (0, 1)])
def test_rows_are_read_once(tmp_path: Path, axes: tuple[int, ...], calls: dict[str, int]) -> None:
    image = cube((12, 40, 300))
    image.save(tmp_path / "a.fits")
    node = statistics(lattice.open(tmp_path / "a.fits").node, ["sum", "stddev"], axes)
    want = found(node, jit=False)
    with counting() as count:
        same(want, found(node, jit=True))
    assert calls["fill"]
    assert count.bytes == 12 * 40 * 300 * 4


@compiled
def test_rows_of_a_region_and_of_an_expression(tmp_path: Path) -> None:
    image = cube((12, 40, 300))
    image.save(tmp_path / "a.fits")
    stored = lattice.open(tmp_path / "a.fits")
    region = "circle[[150pix, 20pix], 18pix]"
    for made in (stored.subimage(region), lattice.expr("sin(a) * 2 + a[a > 1000]", a=stored)):
        for axis in (0, 1):
            with lattice.set_options(jit=False):
                want = made.collapse("stddev", axis).to_masked_array()
            with lattice.set_options(jit=True):
                have = made.collapse("stddev", axis).to_masked_array()
            np.testing.assert_array_equal(want.filled(-1), have.filled(-1))


@compiled
def test_a_truncated_file_is_told(tmp_path: Path) -> None:
    cube((12, 40, 300)).save(tmp_path / "a.fits")
    image = lattice.open(tmp_path / "a.fits")
    with (tmp_path / "a.fits").open("rb+") as file:
        file.truncate(2880 + 12 * 40 * 300 * 2)
    with lattice.set_options(jit=True), pytest.raises(lattice.LatticeError):
        image.collapse("sum", 1).compute()


@compiled
@pytest.mark.parametrize("axes", [(0,), (1,), (0, 1)])
@pytest.mark.parametrize("suffix", [".image", ".zarr"])
def test_rows_of_tiles(tmp_path: Path, suffix: str, axes: tuple[int, ...], calls: dict[str, int]) -> None:
    cube((12, 40, 300), 0.1).save(tmp_path / f"a{suffix}")
    stored = lattice.open(tmp_path / f"a{suffix}")
    for image in (stored, stored.subimage("circle[[150pix, 20pix], 18pix]"), stored[1:, ::2, ::-1]):
        node = statistics(image.node, NAMES, axes)
        want = found(node, jit=False)
        same(want, found(node, jit=True))
        same(want, found(node, jit=True, block=400))
    assert calls["fill"]
