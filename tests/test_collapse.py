"""Collapses and profiles of images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

import lattice
from lattice import Image, LatticeError, LatticeWarning
from lattice.cli import commands
from lattice.config import set_options
from lattice.image.collapsing import FUNCTIONS
from lattice.io.files import counting

HEADER = {
    "CTYPE1": "RA---SIN", "CTYPE2": "DEC--SIN", "CTYPE3": "FREQ", "CRVAL1": 10.0, "CRVAL2": 20.0,
    "CRVAL3": 1.4e9, "CDELT1": -1e-3, "CDELT2": 1e-3, "CDELT3": 1e5, "CRPIX1": 3.0, "CRPIX2": 2.0,
    "CRPIX3": 4.0, "CUNIT1": "deg", "CUNIT2": "deg", "CUNIT3": "Hz", "RESTFRQ": 1.42e9,
}  # fmt: skip


def by_definition(function: str, good: np.ndarray, area: float = 1.0) -> complex | None:
    """Return what a function makes of good values; None where it is undefined."""
    n = good.size
    if n == 0 or (n == 1 and function in ("stddev", "variance")):
        return None
    wide = good.astype(complex if np.iscomplexobj(good) else float)
    total = wide.sum()
    root = np.sqrt(total) if np.iscomplexobj(wide) else np.sqrt(max(total, 0))

    def middle(v: np.ndarray) -> Any:
        v = v[np.argsort(np.abs(v))] if np.iscomplexobj(v) else np.sort(v)
        return (v[(n - 1) // 2] + v[n // 2]) / 2

    away = middle(np.abs(wide - middle(wide)))
    variance = ((wide - wide.mean()) ** 2).sum() / max(1, n - 1)
    size = np.abs(wide) if np.iscomplexobj(wide) else wide
    found: complex = {
        "flux": total / area,
        "madm": away,
        "max": wide[size.argmax()],
        "mean": wide.mean(),
        "median": middle(wide),
        "min": wide[size.argmin()],
        "npts": n,
        "rms": np.sqrt((wide**2).mean()),
        "stddev": np.sqrt(variance),
        "sqrtsum": root,
        "sqrtsum_npix": root / n,
        "sqrtsum_npix_beam": root / area,
        "sum": total,
        "variance": variance,
        "xmadm": 1.482602218505602 * away,
    }[function]
    return found


def check(found: Image, function: str, image: Image, axes: tuple[int, ...], area: float = 1.0) -> None:
    values, good = image.values, ~np.ma.getmaskarray(image.to_masked_array())
    kept = [a for a in range(values.ndim) if a not in axes]
    shape = tuple(values.shape[a] for a in kept)
    ours = found.to_masked_array().reshape(shape)
    assert found.dtype == image.dtype
    for at in np.ndindex(shape):
        index: list[Any] = [slice(None)] * values.ndim
        for a, i in zip(kept, at, strict=True):
            index[a] = i
        want = by_definition(function, values[tuple(index)][good[tuple(index)]], area)
        assert bool(np.ma.getmaskarray(ours)[at]) == (want is None), (function, at)
        if want is not None:
            np.testing.assert_allclose(ours.data[at], want, rtol=2e-5, atol=1e-5, err_msg=function)


@st.composite
def cubes(draw: Any, complex_too: bool = True) -> Image:
    shape = tuple(draw(st.integers(1, 6)) for _ in range(3))
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    values = rng.normal(1, 2, shape)
    if complex_too and draw(st.booleans()):
        values = values + 1j * rng.normal(size=shape)
    values = values.astype("c8" if np.iscomplexobj(values) else "f4")
    mask = rng.random(shape) > draw(st.sampled_from([0.0, 0.3, 0.9, 1.0]))
    return Image(
        values,
        mask=mask if draw(st.booleans()) else None,
        wcs=HEADER,
        beam=(0.004, 0.003, 10),
        unit="Jy/beam",
    )


@given(image=cubes(), data=st.data())
def test_functions_are_what_they_are_defined_as_in_any_blocks(image: Image, data: Any) -> None:
    function = data.draw(st.sampled_from(sorted(FUNCTIONS)))
    axes = tuple(sorted(data.draw(st.sets(st.integers(0, 2), min_size=1))))
    if function == "flux":
        axes = data.draw(st.sampled_from([(1,), (2,), (1, 2)]))
    keep = data.draw(st.booleans())
    area = np.pi / (4 * np.log(2)) * 12
    with set_options(block=data.draw(st.integers(1, 60)), strip=data.draw(st.integers(1, 60))):
        found = image.collapse(function, axes, keepdims=keep)
        assert found.shape == tuple(
            1 if a in axes else n for a, n in enumerate(image.shape) if keep or a not in axes
        )
        check(found, function, image, axes, area)


def test_names_may_be_short_and_in_any_case_but_not_ambiguous() -> None:
    a = Image(np.arange(6.0).reshape(2, 3))
    for short, whole in {
        "med": "median",
        "MEA": "mean",
        "n": "npts",
        "su": "sum",
        "V": "variance",
        "x": "xmadm",
    }.items():
        np.testing.assert_array_equal(a.collapse(short, "x").values, a.collapse(whole, "x").values)
    assert a.collapse("avdev", "x").shape == (2,)
    for name, message in {
        "m": "may be madm, max, mean, median or min",
        "s": "may be stddev, sum, sqrtsum, sqrtsum_npix or sqrtsum_npix_beam",
        "me": "may be mean or median",
        "sqrtsum_": "may be sqrtsum_npix or sqrtsum_npix_beam",
        "": "no function ''",
        "maen": "did you mean 'mean'",
        "fractile": "no function 'fractile'",
    }.items():
        with pytest.raises(LatticeError, match=message):
            a.collapse(name, "x")


def test_units_are_those_of_the_numbers_or_as_casa_has_them() -> None:
    a = Image(np.ones((2, 3, 4), "f4"), wcs=HEADER, unit="Jy/beam", beam=(0.004, 0.003, 0))
    own = {
        "npts": "",
        "variance": "Jy2 beam-2",
        "flux": "Jy",
        "sqrtsum": "Jy(1/2) beam(-1/2)",
        "mean": "Jy/beam",
    }
    for function, unit in own.items():
        assert a.collapse(function, ("y", "x")).unit == unit
        assert a.collapse(function, ("y", "x"), units="casa").unit == (
            "Jy" if function == "flux" else "Jy/beam"
        )
    assert a.with_unit("mJy beam-1").collapse("flux", ("y", "x")).unit == "mJy"
    kelvin = a.with_unit("K").collapse("flux", ("y", "x"))
    assert kelvin.unit == "K.arcsec2"
    np.testing.assert_allclose(kelvin.values, 12 * 3.6**2, rtol=1e-6)


def test_axes_that_stay_keep_their_labels() -> None:
    a = Image(np.ones((5, 3, 4), "f4"), wcs=HEADER, beam=(0.004, 0.003, 0))
    whole = a.collapse("mean", keepdims=True)
    assert whole.coords is not None
    assert whole.shape == (1, 1, 1)
    assert whole.beams == a.beams
    np.testing.assert_allclose(whole.coords.frequencies(1), np.mean(a.coords.frequencies(5)[[0, -1]]))  # type: ignore[union-attr]
    spectrum = a.collapse("mean", ("y", "x"))
    np.testing.assert_array_equal(spectrum.coords.frequencies(5), a.coords.frequencies(5))  # type: ignore[union-attr]
    assert a.collapse("mean", "frequency").coords == a[2].coords


def test_each_plane_is_divided_by_its_own_beam() -> None:
    beams = [(0.004, 0.003, 0.0), (0.008, 0.003, 0.0)]
    a = Image(np.ones((2, 3, 4), "f4"), wcs=HEADER, unit="Jy/beam", beam=beams)
    flux = a.collapse("flux", ("y", "x"))
    np.testing.assert_allclose(flux.values, 12 / (np.pi / (4 * np.log(2)) * np.array([12, 24])), rtol=1e-6)
    assert flux.beams == tuple(beams)
    with pytest.warns(LatticeWarning, match="beams are dropped"):
        assert a.collapse("max", "frequency").beams == ()
    with (
        pytest.warns(LatticeWarning),
        pytest.raises(LatticeError, match=r"differ along frequency.*\n.*smooth_to"),
    ):
        a.collapse("sqrtsum_npix_beam", "frequency")


def test_profiles_are_spectra_of_regions() -> None:
    rng = np.random.default_rng(3)
    values = rng.normal(size=(6, 5, 7)).astype("f4")
    a = Image(values, wcs=HEADER, unit="K")
    found = a.profile("mean", region="box[[1pix, 2pix], [4pix, 3pix]]")
    np.testing.assert_allclose(found.values, values[:, 2:4, 1:5].mean(axis=(1, 2)), rtol=1e-5)
    assert found.dims == ("frequency",)
    np.testing.assert_array_equal(found.coords.frequencies(6), a.coords.frequencies(6))  # type: ignore[union-attr]
    np.testing.assert_allclose(
        a.profile("max", "x", mask=a < 0).filled(), np.where(values < 0, values, -9).max((0, 1))
    )
    with pytest.raises(LatticeError, match="one axis is its own profile"):
        found.profile()


def test_pixels_are_read_once_and_only_those_that_count(tmp_path: Path) -> None:
    a = Image(np.ones((24, 100, 120), "f4")).save(tmp_path / "a.fits")
    for function in ("median", "rms", "sqrtsum_npix"):
        with counting() as count:
            a.collapse(function, "axis0").compute()
        assert count.bytes == a.nbytes
    with counting() as count:
        a.collapse("median", "axis0")[:10, :12].compute()
    assert count.bytes < a.nbytes / 10  # the rows from the first to the last pixel


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"dims": "z"}, "no dim 'z'"),
        ({"dims": ()}, "one or more axes"),
        ({"dims": ("x", "x")}, "named twice"),
        ({"units": "jansky"}, "there are 'correct' and 'casa'"),
        ({"function": "flux", "dims": "axis0"}, "brightness per beam or in K"),
        ({"function": 3}, "no name of a function"),
    ],
)
def test_refusals_when_built(how: dict[str, Any], message: str) -> None:
    with pytest.raises(LatticeError, match=message):
        Image(np.ones((2, 3, 4))).collapse(**({"function": "mean", "dims": 0} | how))


def test_truth_values_are_counted() -> None:
    with pytest.raises(LatticeError, match="truth values are counted"):
        Image(np.ones((2, 3), bool)).collapse("sum", "x")


def test_commands(tmp_path: Path) -> None:
    values = np.random.default_rng(2).normal(size=(4, 5, 6)).astype("f4")
    Image(values, wcs=HEADER, unit="K").save(tmp_path / "a.fits")
    run = CliRunner().invoke
    made = run(
        commands,
        ["collapse", str(tmp_path / "a.fits"), str(tmp_path / "b.fits"), "med", "frequency", "--keep"],
    )
    assert made.exit_code == 0, made.output
    np.testing.assert_allclose(
        lattice.open(tmp_path / "b.fits").values[0], np.median(values, axis=0), rtol=1e-6
    )
    shown = run(commands, ["profile", str(tmp_path / "a.fits"), "max", "--chans", "1~2"])
    lines = shown.output.splitlines()
    assert lines[0].split() == ["frequency", "spectral", "(Hz)", "value", "(K)"]
    assert lines[1].split() == ["0", "1399800000", f"{values[1].max():.7g}"]
    assert len(lines) == 3
    saved = run(
        commands,
        ["profile", str(tmp_path / "a.fits"), "sum", "--dim", "x", "--out", str(tmp_path / "p.fits")],
    )
    assert saved.exit_code == 0, saved.output
    assert lattice.open(tmp_path / "p.fits").shape == (6,)
    assert "may be" in run(commands, ["collapse", str(tmp_path / "a.fits"), "c.fits", "m", "y"]).output
