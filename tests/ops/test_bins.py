"""Statistics of bins of pixels, by their definition."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lattice import Image, LatticeError
from lattice.ops.bins import Split
from tests.ops.blocks import check_sections, masks
from tests.ops.conftest import Bench

RNG = np.random.default_rng(12)
CARDS = {
    "CTYPE1": "RA---SIN",
    "CTYPE2": "DEC--SIN",
    "CTYPE3": "FREQ",
    "CRVAL3": 1e9,
    "CDELT3": 1e6,
    "CRPIX3": 2.0,
}
BY_HAND = {
    "max": np.max, "min": np.min, "sum": np.sum, "median": np.median, "npts": np.size,
    "rms": lambda v: np.sqrt(np.mean(v**2)),
    "variance": lambda v: np.var(v, ddof=1) if v.size > 1 else np.nan,
    "std": lambda v: np.std(v, ddof=1) if v.size > 1 else np.nan,
    "madm": lambda v: np.median(np.abs(v - np.median(v))),
    "XMADM": lambda v: np.median(np.abs(v - np.median(v))) * 1.482602218505602,
    "q1": lambda v: np.sort(v)[max(0, int(np.ceil(v.size / 4)) - 1)],
    "sqrtsum": lambda v: np.sqrt(max(0, np.sum(v))),
}  # fmt: skip


@pytest.mark.parametrize("function", BY_HAND)
@pytest.mark.parametrize(
    ("shape", "factors"), [((5, 7, 6), (2, 3, 4)), ((4, 4, 9), (1, 4, 2)), ((3, 3, 3), (9, 1, 2))]
)
def test_statistics_of_bins(function: str, shape: tuple[int, ...], factors: tuple[int, ...]) -> None:
    values = RNG.normal(size=shape)
    mask = RNG.random(shape) > 0.4
    mask[:1, :2] = False
    made = Image(values, wcs=CARDS, mask=mask, unit="K").rebin(factors, function)
    assert made.shape == tuple(-(-n // k) for n, k in zip(shape, factors, strict=True))
    found = made.to_masked_array()
    for place in np.ndindex(*made.shape):
        part = tuple(slice(p * k, p * k + k) for p, k in zip(place, factors, strict=True))
        good = values[part][mask[part]]
        expected = BY_HAND[function](good) if good.size else np.nan
        if np.isnan(expected):
            assert np.ma.getmaskarray(found)[place]
        else:
            assert found[place] == pytest.approx(expected, rel=1e-12)
    assert made.coords == Image(values, wcs=CARDS).rebin(factors).coords
    assert made.unit == {"npts": "", "variance": "K2", "sqrtsum": "K(1/2)"}.get(function, "K")


@settings(max_examples=30)
@given(data=st.data())
def test_sections_and_blocks(data: st.DataObject) -> None:
    shape = tuple(data.draw(st.integers(1, 7)) for _ in range(3))
    values, mask = RNG.normal(size=shape), data.draw(masks(shape, RNG))
    factors = tuple(data.draw(st.integers(1, 8)) for _ in range(3))
    check_sections(Split((Bench.source(values, mask),), factors), [(values, mask)], data)


def test_whole_bins_alone() -> None:
    a = Image(np.arange(7.0))
    assert a.rebin(3, crop=True).values.tolist() == [1.0, 4.0]
    assert a.rebin(3, "max").bbox == a.rebin(3).bbox == (slice(0, 7, 3),)
    assert a.rebin(3, "sum").values.tolist() == [3.0, 12.0, 6.0]
    with pytest.raises(LatticeError, match="a bin of 8 pixels is longer than an axis of 7"):
        a.rebin(8, crop=True)
    with pytest.raises(LatticeError, match="flux counts by beams"):
        a.rebin(2, "flux")
    with pytest.raises(LatticeError, match="a rebin factor is a whole number of pixels, not 'x'"):
        a.rebin(["x"])
    with pytest.raises(LatticeError, match="at least 1, not 0"):
        a.rebin(0, "max")


def test_planes_of_different_beams() -> None:
    beams = [(1.0 + k, 1.0, 0.0) for k in range(4)]
    cube = Image(np.ones((4, 4, 4)), wcs=CARDS, beam=beams)
    assert cube.rebin({"y": 2}, "max").beams == tuple(beams)
    with pytest.warns(match="beams are dropped"):
        assert cube.rebin(frequency=2, function="max").beams == ()
