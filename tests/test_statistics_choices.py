"""Algorithms, ranges, positions and fluxes of statistics, by their definitions."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

import lattice
from lattice import Image, LatticeError
from lattice.cli import commands
from lattice.config import set_options
from lattice.io.files import counting
from lattice.ops.selection import farthest

HEADER = {
    "CTYPE1": "RA---SIN", "CTYPE2": "DEC--SIN", "CTYPE3": "FREQ", "CRVAL1": 10.0, "CRVAL2": 20.0,
    "CRVAL3": 1.4e9, "CDELT1": -1e-3, "CDELT2": 1e-3, "CDELT3": 1e5, "CRPIX1": 3.0, "CRPIX2": 2.0,
    "CRPIX3": 4.0, "CUNIT1": "deg", "CUNIT2": "deg", "CUNIT3": "Hz", "RESTFRQ": 1.42e9,
}  # fmt: skip


def classic(x: np.ndarray) -> dict[str, float]:
    """Return what the definitions say of values."""
    x = np.sort(x)
    n = x.size
    median = np.median(x)
    q1, q3 = x[math.ceil(n / 4) - 1], x[math.ceil(3 * n / 4) - 1]
    return {
        "npts": n, "sum": x.sum(), "sumsq": (x**2).sum(), "mean": x.mean(), "min": x[0], "max": x[-1],
        "sigma": x.std(ddof=1) if n > 1 else 0.0, "rms": np.sqrt((x**2).mean()), "median": median,
        "medabsdevmed": np.median(np.abs(x - median)), "q1": q1, "q3": q3, "quartile": q3 - q1,
    }  # fmt: skip


def chosen(x: np.ndarray, algorithm: str, **how: Any) -> np.ndarray:
    """Return the values that an algorithm takes."""
    if algorithm == "fit-half":
        c = {"mean": x.mean(), "median": np.median(x), "zero": 0.0}[how["center"]]
        half = x[x <= c] if how["lside"] else x[x >= c]
        return np.concatenate([half, 2 * c - half])
    if algorithm == "hinges-fences":
        found = classic(x)
        away = how["fence"] * found["quartile"]
        return x if how["fence"] < 0 else x[(x >= found["q1"] - away) & (x <= found["q3"] + away)]
    left, rounds = x, 0
    while how["maxiter"] < 0 or rounds <= how["maxiter"]:
        sigma = left.std(ddof=1) if left.size > 1 else 0.0
        z = how["zscore"] if how["zscore"] >= 0 else float(farthest(np.array([left.size]))[0])
        kept = x[np.abs(x - left.mean()) <= z * sigma]
        rounds += 1
        if kept.size in (left.size, 0):
            return kept
        left = kept
    return left


CHOICES = [
    *(
        {"algorithm": "fit-half", "center": c, "lside": s}
        for c in ("mean", "median", "zero")
        for s in (True, False)
    ),
    *({"algorithm": "hinges-fences", "fence": f} for f in (-1, 0, 0.5, 2)),
    *(
        {"algorithm": "chauvenet", "zscore": z, "maxiter": m}
        for z, m in ((-1, -1), (2.2, -1), (1.7, 0), (1.8, 2))
    ),
]


@given(data=st.data())
def test_algorithms_take_what_they_are_defined_to_in_any_blocks(data: Any) -> None:
    shape = tuple(data.draw(st.integers(1, 7)) for _ in range(3))
    rng = np.random.default_rng(data.draw(st.integers(0, 999)))
    values = (rng.normal(size=shape) * np.where(rng.random(shape) < 0.1, 10, 1) + 0.5).astype("f4")
    good = rng.random(shape) > data.draw(st.sampled_from([-1.0, 0.4, 0.9, 1.0]))
    good[: data.draw(st.integers(0, 3))] = False
    how = data.draw(st.sampled_from(CHOICES))
    image = Image(values, mask=good)
    dims = data.draw(st.sampled_from([None, 0, (1, 2), (0, 2)]))
    with set_options(block=data.draw(st.integers(1, 100)), strip=data.draw(st.integers(1, 100))):
        found = image.statistics(robust=True, dims=dims, **how).compute()
    axes = (0, 1, 2) if dims is None else (dims,) if isinstance(dims, int) else dims
    kept = [a for a in range(3) if a not in axes]
    for at in np.ndindex(*(shape[a] for a in kept)):
        index: list[Any] = [slice(None)] * 3
        for a, i in zip(kept, at, strict=True):
            index[a] = i
        x = values[tuple(index)][good[tuple(index)]].astype("f8")
        x = chosen(x, **how) if x.size else x
        if x.size == 0:
            npts = found["npts"] if dims is None else found["npts"].filled(0)[at]
            assert np.nan_to_num(npts) == 0
            continue
        for key, want in classic(x).items():
            value = found[key] if dims is None else found[key].filled()[at]
            np.testing.assert_allclose(value, want, rtol=1e-9, atol=1e-9, err_msg=f"{key} of {how}")


@given(data=st.data())
def test_the_biweight_does_not_depend_on_blocks(data: Any) -> None:
    rng = np.random.default_rng(data.draw(st.integers(0, 999)))
    values = rng.normal(3, 2, (4, 30, 40)) * np.where(rng.random((4, 30, 40)) < 0.03, 30, 1)
    image = Image(values, mask=rng.random(values.shape) > 0.2)
    niter = data.draw(st.integers(-1, 6))
    with set_options(block=data.draw(st.integers(50, 5000)), strip=data.draw(st.integers(10, 5000))):
        whole = image.statistics(algorithm="biweight", niter=niter)
    stacked = Image(values[None], mask=~np.ma.getmaskarray(image.to_masked_array())[None])
    row = stacked.statistics(dims=(1, 2, 3), algorithm="biweight", niter=niter).compute()
    for key in ("mean", "sigma", "npts", "min", "max"):
        np.testing.assert_allclose(whole[key], row[key].values[0], rtol=1e-12)


def test_values_of_which_half_are_the_same_have_no_scale() -> None:
    values = np.array([2.0, 2, 2, 2, 7])
    for dims in (None, "axis0"):
        image = Image(values[None] if dims else values, dims=("y", "axis0") if dims else None)
        found = image.statistics(dims=dims, algorithm="biweight").compute()
        assert float(found["mean"] if dims is None else found["mean"].values[0]) == 2
        assert float(found["sigma"] if dims is None else found["sigma"].values[0]) == 0


def test_few_passes(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    a = Image(rng.normal(size=(30, 300, 400)).astype("f4")).save(tmp_path / "a.fits")
    passes = {
        "classic": ({}, 1),
        "robust": ({"robust": True}, 2),
        "half about 0": ({"robust": True, "algorithm": "fit-half", "center": "zero"}, 1),
        "half about the mean": ({"robust": True, "algorithm": "fit-half"}, 2),
        "half about the median": ({"robust": True, "algorithm": "fit-half", "center": "median"}, 2),
        "hinges": ({"algorithm": "hinges-fences", "fence": 1.5}, 2),
        "hinges, robust": ({"robust": True, "algorithm": "hinges-fences", "fence": 1.5}, 3),
        # about the mean all but a few: three cuts, of which the last changes nothing
        "chauvenet": ({"algorithm": "chauvenet", "zscore": 4}, 5),
        "biweight": ({"algorithm": "biweight", "niter": 10}, 3),
    }
    for name, (how, most) in passes.items():
        with counting() as count:
            a.statistics(**how)
        assert count.bytes < (most + 0.4) * a.nbytes, name
    with counting() as count:
        a.statistics("all", dims="axis0", algorithm="chauvenet").compute()
    assert count.bytes == a.nbytes


def test_several_images_share_their_passes(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    a = Image(rng.normal(size=(24, 300, 400)).astype("f4")).save(tmp_path / "a.fits")
    with counting() as count:
        found = lattice.stat(a, a * 2, a[a > 0])
    assert count.bytes == a.nbytes
    assert [f.npts for f in found] == [a.size, a.size, int((a > 0).ntrue())]
    assert found[1].max == 2 * found[0].max
    with counting() as count:
        found = lattice.stat(a, a * 2, robust=True)
    assert count.bytes < 3 * a.nbytes
    assert found[1].medabsdevmed == pytest.approx(2 * found[0].medabsdevmed)
    assert (
        lattice.stat(Image(np.ones(3)), Image(np.ones((2, 2))), keys="sum", algorithm="fit-half")[1].sum
        == 8.0
    )
    assert lattice.stat() == []


def test_ranges_include_or_exclude_their_ends() -> None:
    a = Image(np.array([-3.0, -1, 0, 1, 3]))
    assert a.statistics("npts", include=(-1, 3)).npts == 4
    assert a.statistics("npts", include=1).npts == 3
    assert a.statistics("npts", exclude=(-1, 3)).npts == 1
    assert a.statistics("sum", exclude=(0, 1)).sum == -1
    found = (
        Image(np.arange(6.0).reshape(2, 3)).statistics(["npts", "max"], dims="x", include=(2, 4)).compute()
    )
    assert found["npts"].values.tolist() == [1, 2]


def test_positions_are_those_in_the_image_that_was_asked() -> None:
    rng = np.random.default_rng(4)
    values = rng.normal(size=(5, 9, 11)).astype("f4")
    whole = Image(values, wcs=HEADER)
    for image in (whole, whole[1:, ::-1, 2::2], whole[::2]):
        found = image.statistics("all", region="box[[1pix, 3pix], [3pix, 6pix]]")
        assert image.values[found.maxpos] == found.max
        assert image.values[found.minpos] == found.min
        assert (found.blc, found.trc) == ((0, 3, 1), (image.shape[0] - 1, 6, 3))
        assert found.blcf.split(", ")[2] == f"{image.coords.frequencies(5)[0]:.9g}Hz"  # type: ignore[union-attr]
        assert found.npts == image.shape[0] * 4 * 3


def test_world_coordinates_as_text() -> None:
    header = {**HEADER, "CTYPE1": "GLON-SIN", "CTYPE2": "GLAT-SIN", "CRVAL2": -20.0}
    # as CASA 6.7 gives them for the same headers
    text = Image(np.ones((2, 3, 4)), wcs=header).statistics("blcf").blcf
    assert text == "10.002128deg, -20.001000deg, 1.3997e+09Hz"
    for pixel, want in {
        1e-4: "14:01:12.051, -20.00.00.360",
        5e-6: "14:01:12.003, -20.00.00.018",
        1e-6: "14:01:12.0005, -20.00.00.0036",
        1e-8: "14:01:12.000005, -20.00.00.000036",
    }.items():
        fine = {
            **HEADER,
            "CRVAL1": 210.3,
            "CRVAL2": -20.0,
            "CDELT1": -pixel,
            "CDELT2": pixel,
            "CRVAL3": 1.41266507123e9,
            "CDELT3": 12.5,
            "CRPIX3": 1.0,
        }
        assert Image(np.ones((2, 3, 4)), wcs=fine).statistics("blcf").blcf == f"{want}, 1.41266507e+09Hz"
    assert Image(np.ones((2, 3))).statistics("trcf").trcf == "2, 1"
    nothing = Image(np.ones((2, 3)), mask=np.zeros((2, 3), bool)).statistics("all")
    assert nothing.maxposf is None
    assert nothing.blc == (0, 0)


def test_flux_densities() -> None:
    a = Image(np.ones((2, 3, 4), "f4"), wcs=HEADER, unit="Jy/beam", beam=(0.004, 0.003, 0))
    area = np.pi / (4 * np.log(2)) * 12
    width = 299792.458 * 1e5 / 1.42e9
    whole = a.statistics(["flux"])
    assert whole.flux == pytest.approx(24 / area * width)
    assert whole.flux_unit == "Jy.km/s"
    assert "Jy.km/s" in repr(whole)
    planes = a.statistics("all", dims=("y", "x"))
    np.testing.assert_allclose(planes.flux.values, 12 / area, rtol=1e-6)
    assert planes.flux.unit == planes.flux_unit == "Jy"
    np.testing.assert_allclose(planes.compute().flux.values, 12 / area, rtol=1e-6)
    assert a.with_unit("K").statistics("flux", dims=("y", "x")).flux_unit == "K.arcsec2"
    for other in (a.with_unit("Jy/pixel"), a.with_beam(None), Image(np.ones((2, 3)), unit="Jy/beam")):
        assert other.statistics("flux").flux is None
    assert a.statistics("flux", dims="frequency").flux is None


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"algorithm": "robust"}, "there are classic, fit-half, hinges-fences, chauvenet, biweight"),
        ({"algorithm": 3}, "there are classic"),
        ({"algorithm": "fit", "center": "m"}, "that may be mean or median"),
        ({"fence": 2}, "a parameter of the algorithm hinges-fences, not of classic"),
        ({"algorithm": "chauv", "zscore": "many"}, "is no number"),
        ({"algorithm": "chauv", "maxiter": 2.5}, "is no whole number"),
        ({"algorithm": "chauv", "zscor": 2}, "did you mean 'zscore'"),
        ({"algorithm": "hinges", "fence": math.nan}, "fence is no number"),
        ({"algorithm": "biweight", "keys": "median"}, "no statistic 'median' of the algorithm biweight"),
        ({"include": 1, "exclude": 2}, "not both"),
        ({"include": (3, 2)}, "is no range"),
        ({"keys": "all", "dims": "x", "algorithm": "biweigth"}, "did you mean 'biweight'"),
        ({"keys": ["maxposf"], "dims": "x"}, "positions are known for the whole image only"),
    ],
)
def test_refusals_when_asked(how: dict[str, Any], message: str) -> None:
    with pytest.raises(LatticeError, match=message):
        Image(np.ones((2, 3))).statistics(**how)


def test_what_has_no_order_has_no_algorithm() -> None:
    a = Image(np.array([1 + 1j, 2]))
    assert "median" not in a.statistics("all")
    with pytest.raises(LatticeError, match="complex values have no order"):
        a.statistics(algorithm="fit-half")
    with pytest.raises(LatticeError, match="needs an image, not a single number"):
        a.real.sum().statistics(algorithm="fit-half")


def test_command(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    values = rng.normal(size=(3, 9, 11)).astype("f4")
    values[1, 2, 3] = 100
    a = Image(values, wcs=HEADER, unit="Jy/beam", beam=(0.004, 0.003, 0)).save(tmp_path / "a.fits")
    name = str(tmp_path / "a.fits")

    def run(*options: str) -> dict[str, Any]:
        done = CliRunner().invoke(commands, ["stat", name, "--json", *options])
        assert done.exit_code == 0, done.output
        return dict(json.loads(done.output))

    assert run("--algorithm", "chauvenet", "--zscore", "5")["npts"] == a.size - 1
    assert run("--algorithm", "fit-half", "--rside", "--center", "zero")["max"] == 100
    assert run("--keys", "all", "--box", "2,1,4,3")["maxpos"] == [1, 2, 3]
    assert run("--keys", "all")["flux_unit"] == "Jy.km/s"
    assert run("--include", "-1,1", "--keys", "npts")["npts"] == int((np.abs(values) <= 1).sum())
    table = CliRunner().invoke(commands, ["stat", name, "--dims", "y,x", "--keys", "all"]).output
    assert "unit: Jy/beam, of the flux Jy" in table
    assert "trc: (2, 8, 10)" in table
    assert "parameter of the algorithm" in CliRunner().invoke(commands, ["stat", name, "--fence", "2"]).output
