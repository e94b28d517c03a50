"""FITS images stored as integers or as other floats than they are."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import given, settings
from hypothesis import strategies as st

import lattice
from lattice.errors import LatticeError, LatticeRangeError, LatticeWarning
from lattice.graph.sections import full
from lattice.io.fits_encode import Encoder, scaled_encoder
from lattice.io.registry import open_stored
from tests.io.standard import check_standard

RNG = np.random.default_rng(4)


def saved(image, path, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LatticeWarning)
        return image.save(path, overwrite=True, **options)


@pytest.mark.parametrize("name", ["a.fits", "a.fits.fz", "a.fits.gz"])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("bitpix", [8, 16, 32, 64])
@pytest.mark.parametrize("masked", [False, True])
def test_scaled_to_the_range(tmp_path, name, dtype, bitpix, masked):
    values = RNG.normal(size=(3, 70, 80)).astype(dtype) * 3 + 1
    values[0, 0, :5] = np.nan
    mask = RNG.random(values.shape) > 0.2
    mask[1, 1, 1] = False
    values[1, 1, 1] = 1e6  # bad pixels do not count
    image = lattice.Image(values, mask=mask) if masked else lattice.Image(values)
    back = saved(image, tmp_path / name, bitpix=bitpix)
    check_standard(tmp_path / name)
    good = ~np.isnan(values) & (mask if masked else True)
    got = back.to_masked_array()
    np.testing.assert_array_equal(np.ma.getmaskarray(got), ~good)
    low, high = float(values[good].min()), float(values[good].max())
    step = (high - low) / (254 if bitpix == 8 else 2.0**bitpix - 2)
    stored = open_stored(str(tmp_path / name)).reader
    assert stored.decoder.scale == pytest.approx(step, rel=1e-9)
    error = np.abs(got.data[good].astype("f8") - values[good].astype("f8")).max()
    eps = float(np.finfo(got.dtype).eps) * float(np.abs(values[good]).max())
    assert error <= step * 0.5000001 + eps
    assert got.data[good].min() == pytest.approx(low, abs=step * 1e-3 + eps)
    assert got.data[good].max() == pytest.approx(high, abs=step * 1e-3 + eps)


def test_given_range_clips(tmp_path):
    values = np.linspace(-3, 3, 601).reshape(1, 601)
    values[0, 7] = np.nan
    back = saved(lattice.Image(values), tmp_path / "a.fits", bitpix=16, minpix=-1, maxpix=1.5)
    expected = np.clip(values, -1, 1.5)
    np.testing.assert_allclose(back.values[0], expected[0], atol=2.5 / 65534 / 2 * 1.001 + 1e-7)
    header = fits.getheader(tmp_path / "a.fits")
    assert header["BSCALE"] == pytest.approx(2.5 / 65534)
    assert header["BZERO"] == 0.25
    assert header["BLANK"] == -32768


def test_whole_numbers_stay_exact(tmp_path):
    values = RNG.integers(-32767, 32768, (30, 40)).astype("f4")
    values[3, 4] = np.nan
    for bitpix in (16, 32, 64):
        back = saved(lattice.Image(values), tmp_path / "a.fits", bitpix=bitpix, bscale=1)
        np.testing.assert_array_equal(back.values, values)
        assert fits.getheader(tmp_path / "a.fits")["BSCALE"] == 1
    back = saved(lattice.Image(np.arange(255.0).reshape(5, 51)), tmp_path / "a.fits", bitpix=8, bzero=0)
    np.testing.assert_array_equal(back.values, np.arange(255.0).reshape(5, 51))


def test_what_does_not_fit_is_an_error(tmp_path):
    image = lattice.Image(np.array([[1.0, 40000.0], [2.0, 3.0]]))
    with pytest.raises(LatticeRangeError, match=r"the value 40000\.0 does not fit 16-bit integers"):
        image.save(tmp_path / "a.fits", bitpix=16, bscale=1)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(LatticeRangeError, match=r"1e\+300 is too large"):
        lattice.Image(np.array([[1e300, 1.0]])).save(tmp_path / "a.fits", bitpix=-32)


def test_infinite_values_of_integers_are_bad(tmp_path):
    values = np.array([[1.0, np.inf, 2.0], [-np.inf, 3.0, np.nan]])
    back = saved(lattice.Image(values), tmp_path / "a.fits", bitpix=16)
    got = back.to_masked_array()
    np.testing.assert_array_equal(np.ma.getmaskarray(got), ~np.isfinite(values))
    np.testing.assert_allclose(got.compressed(), [1, 2, 3], atol=1e-4)


@pytest.mark.parametrize("values", [np.full((3, 4), 7.5), np.full((3, 4), np.nan), np.zeros((3, 4))])
def test_images_without_a_range(tmp_path, values):
    back = saved(lattice.Image(values), tmp_path / "a.fits", bitpix=16)
    np.testing.assert_array_equal(back.values, values)
    check_standard(tmp_path / "a.fits")


def test_other_floats(tmp_path):
    values = RNG.normal(size=(20, 30))
    mask = values > 0
    single = saved(lattice.Image(values, mask=mask), tmp_path / "a.fits", bitpix=-32)
    assert single.dtype == np.float32
    np.testing.assert_array_equal(single.values[mask], values[mask].astype("f4"))
    assert np.isnan(fits.getdata(tmp_path / "a.fits")[~mask]).all()
    double = saved(single, tmp_path / "b.fits", bitpix=-64)
    assert double.dtype == np.float64
    np.testing.assert_array_equal(double.values[mask], values[mask].astype("f4"))
    check_standard(tmp_path / "a.fits")
    check_standard(tmp_path / "b.fits")


def test_values_under_masks_are_kept(tmp_path):
    values = RNG.integers(-100, 100, (20, 30)).astype("f8")
    mask = values > 0
    image = lattice.Image(values, mask=mask, masks={"more": ~mask})
    back = saved(image, tmp_path / "a.fits", bitpix=16, mask="extension")
    check_standard(tmp_path / "a.fits")
    np.testing.assert_array_equal(np.ma.getmaskarray(back.to_masked_array()), ~mask)
    step = 199 / 65534
    np.testing.assert_allclose(lattice.open(back_path(tmp_path), mask=None).values, values, atol=step)
    more = lattice.open(back_path(tmp_path), mask="more").to_masked_array()
    np.testing.assert_array_equal(np.ma.getmaskarray(more), mask)


def back_path(folder) -> str:
    return str(folder / "a.fits")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"bitpix": 12}, "bitpix=12"),
        ({"bitpix": True}, "bitpix=True"),
        ({"minpix": 1, "maxpix": 2}, "goes with bitpix"),
        ({"bitpix": -32, "bscale": 2}, "goes with bitpix"),
        ({"bitpix": 16, "minpix": 1}, "belong together"),
        ({"bitpix": 16, "minpix": 2, "maxpix": 1}, "is not below"),
        ({"bitpix": 16, "minpix": 1, "maxpix": 2, "bzero": 1}, "either"),
        ({"bitpix": 16, "bscale": 0}, "all values equal"),
        ({"bitpix": 16, "bscale": float("nan")}, "not a number"),
    ],
)
def test_options_that_make_no_sense(tmp_path, options, message):
    with pytest.raises(LatticeError, match=message):
        lattice.Image(np.zeros((4, 4))).save(tmp_path / "a.fits", **options)
    assert list(tmp_path.iterdir()) == []


def test_truth_values_are_bytes(tmp_path):
    with pytest.raises(LatticeError, match="bitpix=8"):
        lattice.Image(np.ones((4, 4), bool)).save(tmp_path / "a.fits", bitpix=16)


@given(
    bitpix=st.sampled_from([8, 16, 32, 64]),
    low=st.floats(-1e30, 1e30),
    width=st.floats(0, 1e30),
    blank=st.booleans(),
)
@settings(max_examples=200, deadline=None)
def test_every_range_is_covered(bitpix, low, width, blank):
    high = low + width
    encoder = scaled_encoder(bitpix, low, high, blank)
    values = np.linspace(low, high, 50)
    stored = encoder.encode(values.copy(), None).astype("f8")
    first, last = encoder.limits
    assert stored.min() >= first
    assert stored.max() <= last
    got = encoder.zero + encoder.scale * stored
    tolerance = encoder.scale * 0.51 + 4e-16 * max(abs(low), abs(high))
    assert np.abs(got - values).max() <= (tolerance if high > low else abs(low) * 1e-15)
    if blank:
        assert not (stored == encoder.blank).any()


def test_the_encoder_without_a_blank_refuses_bad_pixels():
    with pytest.raises(LatticeRangeError, match="bad pixel"):
        Encoder(16).encode(np.array([1.0, np.nan]), None)
    with pytest.raises(LatticeRangeError):
        Encoder(16).encode(np.array([1.0, 2.0]), np.array([True, False]))
    assert full((2,))
