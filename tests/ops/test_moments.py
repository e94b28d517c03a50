"""Moments along an axis."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lattice import Image, LatticeError
from lattice.config import set_options
from lattice.ops.moments import MOMENTS

RNG = np.random.default_rng(21)
HEADER = {
    "CTYPE1": "RA---SIN", "CTYPE2": "DEC--SIN", "CTYPE3": "FREQ", "CRVAL1": 10.0, "CRVAL2": 20.0,
    "CRVAL3": 1.4e9, "CDELT1": -1e-3, "CDELT2": 1e-3, "CDELT3": 1e5, "CRPIX1": 3.0, "CRPIX2": 2.0,
    "CRPIX3": 4.0, "CUNIT1": "deg", "CUNIT2": "deg", "CUNIT3": "Hz", "RESTFRQ": 1.42e9,
}  # fmt: skip
C = 299792.458


def expected(values: np.ndarray, mask: np.ndarray, v: np.ndarray, dv: float) -> dict[int, np.ndarray]:
    """Return all moments along the first axis, one spectrum after the other."""
    out = {n: np.zeros(values.shape[1:]) for n in MOMENTS}
    for at in np.ndindex(*values.shape[1:]):
        good = mask[(slice(None), *at)]
        x, w = values[(slice(None), *at)][good].astype(float), v[good]
        if not x.size:
            continue
        running = np.abs(np.cumsum(x))
        centre = (x * w).sum() / x.sum()
        found = {
            -1: x.mean(), 0: dv * x.sum(), 1: centre,
            2: np.sqrt(abs((x * (w - centre) ** 2).sum() / x.sum())),
            3: np.median(x), 4: w[np.argmax(running >= running[-1] / 2)],
            5: x.std(ddof=1) if x.size > 1 else 0.0, 6: np.sqrt((x**2).mean()),
            7: np.abs(x - x.mean()).mean(), 8: x.max(), 9: w[x.argmax()], 10: x.min(), 11: w[x.argmin()],
        }  # fmt: skip
        for n, value in found.items():
            out[n][at] = value
    return out


def velocities(n: int) -> np.ndarray:
    return np.asarray(C * (1 - (1.4e9 + 1e5 * (np.arange(n) - 3)) / 1.42e9))


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("block", [None, 6])
def test_every_moment(masked: bool, block: int | None) -> None:
    values = (RNG.random((9, 4, 5)) + 0.2).astype("f4")
    mask = RNG.random(values.shape) > 0.4 if masked else np.ones(values.shape, bool)
    mask[:, 1, 2] &= not masked
    image = Image(values, wcs=HEADER, mask=mask if masked else None, unit="Jy/beam", beam=(0.1, 0.1, 0))
    want = expected(values, mask, velocities(9), C * 1e5 / 1.42e9)
    with set_options(strip=3, block=block) if block else set_options():
        found = image.moments(sorted(MOMENTS), include=(0, 10))
        for number, result in found.items():
            np.testing.assert_allclose(
                result.to_masked_array().filled(0), want[number], rtol=2e-5, atol=1e-4, err_msg=str(number)
            )
            np.testing.assert_array_equal(~np.ma.getmaskarray(result.to_masked_array()), mask.any(0))
    assert found[0].unit == "Jy km beam-1 s-1"  # read alike by astropy and casacore
    assert found[1].unit == found[11].unit == "km/s"
    assert found[8].unit == "Jy/beam"
    assert found[0].dims == ("y", "x")
    assert found[0].beams == ((0.1, 0.1, 0.0),)


def test_axis_stays_on_request_and_labels_its_middle() -> None:
    image = Image(np.ones((9, 4, 5), "f4"), wcs=HEADER)
    kept = image.moment(0, keepdims=True)
    assert kept.shape == (1, 4, 5)
    assert kept.coords is not None
    np.testing.assert_allclose(kept.coords.frequencies(1), [1.4e9 + 1e5])
    assert image.moment("centroid").coords.dims == ("y", "x")  # type: ignore[union-attr]


def test_ranges_include_their_ends() -> None:
    values = np.array([-3.0, -1, 0, 1, 3]).reshape(5, 1, 1)
    image = Image(values, dims=("frequency", "y", "x"))

    def total(**how: Any) -> tuple[float, bool]:
        found = image.moment(0, **how).to_masked_array()
        return float(found.filled(np.nan)[0, 0]), bool(np.ma.getmaskarray(found)[0, 0])

    assert total(include=(0, 3)) == (4.0, False)
    assert total(include=(-1, 3)) == (3.0, False)
    assert total(include=1) == (0.0, False)
    assert total(exclude=(-1, 1)) == (0.0, False)
    assert total(exclude=(0, 1)) == (0.0, False)
    assert total(exclude=(-2, 0.5)) == (1.0, False)
    assert total(include=(5, 6))[1]


def test_other_axes_and_conventions() -> None:
    image = Image(np.ones((3, 4, 5), "f4"), wcs=HEADER, unit="K")
    across = image.moment(1, "y")
    np.testing.assert_allclose(across.values, 20.0 + 1e-3 * 0.5, rtol=1e-6)
    assert across.unit == "deg"
    hertz = 1.4e9 + 1e5 * (np.arange(3) - 3)
    np.testing.assert_allclose(
        image.moment(1, convention="optical").values, (C * (1.42e9 / hertz - 1)).mean(), rtol=1e-6
    )
    plain = Image(np.ones((3, 4)), dims=("time", "x")).moment(1, "time")
    np.testing.assert_array_equal(plain.values, 1.0)
    assert plain.unit == "pixel"
    without = {k: v for k, v in HEADER.items() if k != "RESTFRQ"}
    image = Image(np.ones((3, 4, 5), "f4"), wcs=without, unit="K")
    assert image.moment(0).unit == "K.Hz"
    np.testing.assert_allclose(image.moment(0).values, 3e5, rtol=1e-6)


@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_blocks_and_strips_make_no_difference(data: Any) -> None:
    shape = tuple(data.draw(st.integers(1, 7)) for _ in range(3))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    values = rng.normal(size=shape).astype("f4")
    mask = rng.random(shape) > data.draw(st.sampled_from([0.0, 0.5, 1.0]))
    axis = data.draw(st.integers(0, 2))
    image = Image(values, mask=mask)
    number = data.draw(st.sampled_from([n for n in MOMENTS if n != 4]))
    whole = image.moment(number, axis)
    with set_options(block=data.draw(st.integers(1, 50)), strip=data.draw(st.integers(1, 50))):
        again = image.moment(number, axis).to_masked_array()
    want = whole.to_masked_array()
    np.testing.assert_array_equal(np.ma.getmaskarray(again), np.ma.getmaskarray(want))
    # a sum near zero makes centroids of any size, with the rounding of the sum
    np.testing.assert_allclose(again.filled(0), want.filled(0), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"orders": [12]}, "there is no moment 12"),
        ({"orders": [True]}, "there is no moment"),
        ({"orders": ["centre"]}, "there is no moment 'centre'"),
        ({"orders": []}, "no moment was asked for"),
        ({"orders": [4]}, "values of one sign"),
        ({"orders": [4], "include": (-1, 1)}, "values of one sign"),
        ({"dim": "z"}, "no dim 'z'|no axis 'z'"),
        ({"include": 1, "exclude": 2}, "not both"),
        ({"include": (2, 1)}, "is no range"),
        ({"include": "low"}, "is no range"),
        ({"convention": "greek"}, "no velocity convention"),
    ],
)
def test_refused_when_asked(options: dict[str, Any], message: str) -> None:
    with pytest.raises(LatticeError, match=message):
        Image(np.ones((3, 4, 5), "f4"), wcs=HEADER).moments(**options)


def test_images_without_a_spectral_axis_need_a_dim() -> None:
    with pytest.raises(LatticeError, match="no spectral axis"):
        Image(np.ones((3, 4))).moment(0)
    with pytest.raises(LatticeError, match="moments need real values"):
        Image(np.ones((3, 4), complex)).moment(0, 0)
    with pytest.raises(LatticeError, match="the only axis"):
        Image(np.ones(3)).moment(0, 0)


def test_another_image_decides_which_values_count() -> None:
    rng = np.random.default_rng(5)
    values, other = rng.normal(size=(2, 9, 4, 5))
    image = Image(values, dims=("frequency", "y", "x"))
    judge = Image(other, dims=("frequency", "y", "x"))
    found = image.moments([0, 8], "frequency", include=(0.2, 1.5), by=judge)
    inside = (other >= 0.2) & (other <= 1.5)
    np.testing.assert_allclose(found[0].values[inside.any(0)], (values * inside).sum(0)[inside.any(0)])
    np.testing.assert_array_equal(~np.ma.getmaskarray(found[8].to_masked_array()), inside.any(0))
    np.testing.assert_allclose(
        found[8].to_masked_array().compressed(), np.where(inside, values, -np.inf).max(0)[inside.any(0)]
    )


@pytest.mark.parametrize(
    ("ctype", "convention"),
    [("VOPT", "optical"), ("VRAD", "radio"), ("VELO", "relativistic"), ("VOPT-F2W", "optical")],
)
def test_velocities_are_those_of_the_axis(ctype: str, convention: str) -> None:
    header = HEADER | {"CTYPE3": ctype, "CRVAL3": 2e7, "CDELT3": 1e5, "CUNIT3": "m/s"}
    image = Image((RNG.random((9, 4, 5)) + 0.2).astype("f4"), wcs=header)
    assert image.coords is not None
    labels = image.coords.to_world(np.arange(9), 0, 0)[0] / 1e3
    peak = image.moment("max_coord").values
    np.testing.assert_allclose(peak, labels[image.values.argmax(0)], rtol=1e-6)
    np.testing.assert_array_equal(peak, image.moment("max_coord", convention=convention).values)
    optical = image.moment("max_coord", convention="optical").values
    assert np.allclose(peak, optical, rtol=1e-3) == (convention == "optical")


def test_coordinates_of_narrow_channels_are_told_apart() -> None:
    header = {k: v for k, v in HEADER.items() if k != "RESTFRQ"} | {"CRVAL3": 345e9, "CDELT3": 1e3}
    values = (RNG.random((9, 4, 5)) + 0.2).astype("f4")
    found = Image(values, wcs=header).moments([0, 1, 8, "max_coord"])
    at = 345e9 + 1e3 * (np.arange(9) - 3)
    np.testing.assert_allclose(found["max_coord"].values, at[values.argmax(0)], rtol=1e-15)
    wide = values.astype("f8")
    np.testing.assert_allclose(found[1].values, (wide * at[:, None, None]).sum(0) / wide.sum(0), atol=0.5)
    assert [found[k].dtype.name for k in (0, 1, 8, "max_coord")] == [
        "float32", "float64", "float32", "float64",
    ]  # fmt: skip
    np.testing.assert_allclose(found[0].values, 1e3 * wide.sum(0), rtol=1e-6)
