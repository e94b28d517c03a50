"""Beams of planes: cut, joined and put together by the rules of `lattice.graph.beams`."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import given
from hypothesis import strategies as st

import lattice
from lattice import Image, LatticeWarning, ShapeMismatchError
from lattice.coords.system import CoordinateSystem
from lattice.regions import PixelBox

KINDS = ("stokes", "spectral", "latitude", "longitude")


def beam(n: int) -> tuple[float, float, float]:
    return (0.01 + n / 1000, 0.005, float(n))


def beams(*numbers: int) -> tuple[tuple[float, float, float], ...]:
    return tuple(beam(n) for n in numbers)


def image(shape: tuple[int, ...] = (2, 3, 4, 5), kinds: tuple[str, ...] | None = KINDS, **more: Any) -> Image:
    count = int(np.prod(shape[:-2]))
    lengths = dict(zip(kinds or (), shape, strict=True)) if kinds else {}
    frequencies = 1e9 * (1 + np.arange(lengths.get("spectral", 1)))
    coords = None if kinds is None else CoordinateSystem.from_kinds(kinds, frequencies=frequencies)
    more.setdefault("beam", [beam(n) for n in range(count)])
    return Image(np.arange(np.prod(shape), dtype="f4").reshape(shape), wcs=coords, unit="Jy/beam", **more)


@pytest.mark.parametrize(
    ("key", "kept"),
    [
        (np.s_[0], (0, 1, 2)),
        (np.s_[1], (3, 4, 5)),
        (np.s_[:, 1], (1, 4)),
        (np.s_[:, ::2], (0, 2, 3, 5)),
        (np.s_[:, ::-1], (2, 1, 0, 5, 4, 3)),
        (np.s_[1, 2], (5,)),
        (np.s_[1:, 2:], (5,)),
        (np.s_[..., 1:3, 2], (0, 1, 2, 3, 4, 5)),
        (np.s_[..., 2, 2], (0, 1, 2, 3, 4, 5)),
        (np.s_[:, 0:0], ()),
    ],
)
def test_a_cut_keeps_the_beams_of_its_planes(key: Any, kept: tuple[int, ...]) -> None:
    assert image()[key].beams == beams(*kept)


@given(st.data())
def test_any_cut_has_the_beams_of_its_planes(data: st.DataObject) -> None:
    kinds = tuple(data.draw(st.permutations(KINDS)))
    lengths = {"stokes": 2, "spectral": 3, "latitude": 4, "longitude": 5}
    shape = tuple(lengths[k] for k in kinds)
    planes = np.arange(6).reshape(
        [n if k in ("stokes", "spectral") else 1 for n, k in zip(shape, kinds, strict=True)]
    )
    coords = CoordinateSystem.from_kinds(kinds)
    values = np.broadcast_to(planes, shape).astype("f4")
    a = Image(values, wcs=coords, beam=[beam(n) for n in range(6)])
    for _ in range(2):
        key = tuple(
            data.draw(st.one_of(st.integers(-n, n - 1), st.slices(n).filter(lambda s, n=n: range(n)[s])))
            for n in a.shape
        )
        a = a[key]
        kept = dict.fromkeys(np.ravel(a.values).tolist())  # planes in C order, each once
        assert a.beams == beams(*(int(n) for n in kept))


def test_cuts_of_cuts_know_their_planes() -> None:
    spectra = image()[..., 2, 2]
    assert spectra.dims == ("stokes", "frequency")
    assert spectra[:, 1].beams == beams(1, 4)
    assert image()[:, :, 1][1].beams == beams(3, 4, 5)
    plain = image((3, 4, 5), None)
    assert plain[1:].beams == beams(1, 2)
    assert plain[:, 2, 2][2].beams == beams(2)


def test_regions_cut_beams() -> None:
    a = image((3, 4, 5), KINDS[1:])
    region = PixelBox((1, 0, 0), (2, 3, 4))
    assert a[region].beams == beams(1, 2)


def test_axes_without_a_name_end_with_the_sky() -> None:
    a = Image(np.zeros((3, 4, 5), "f4"), dims=("f", "dec", "ra"), beam=[beam(n) for n in range(3)])
    assert a[1:].beams == beams(1, 2)
    with pytest.raises(ShapeMismatchError, match="2 beams do not fit"):
        Image(np.zeros((3, 4, 5), "f4"), beam=[beam(0), beam(1)])


def test_planes_put_together() -> None:
    a = image()
    assert a.mean("y", "x").beams == beams(0, 1, 2, 3, 4, 5)
    with pytest.warns(
        LatticeWarning, match="the beams are dropped: planes of different beams are put together"
    ):
        assert a.mean("frequency").beams == ()
    same = image(beam=[beam(n % 3) for n in range(6)])
    assert same.mean("stokes").beams == beams(0, 1, 2)
    with pytest.warns(LatticeWarning, match="planes of different beams are averaged"):
        assert a.rebin(frequency=3).beams == ()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert a.rebin(y=2, x=5).beams == beams(0, 1, 2, 3, 4, 5)
        assert image(beam=[beam(1)] * 6).rebin(frequency=2).beams == beams(1)


def test_warnings_point_at_the_code_that_uses_lattice() -> None:
    with pytest.warns(LatticeWarning) as caught:
        image().mean("frequency")
    assert caught[0].filename == __file__


def test_joined_planes() -> None:
    a, b = image((2, 4, 5), KINDS[1:]), image((1, 4, 5), KINDS[1:], beam=beam(9))
    assert lattice.concat([a, b], "frequency").beams == beams(0, 1, 9)
    cube = image()
    assert lattice.concat([cube, cube], "frequency").beams == beams(0, 1, 2, 0, 1, 2, 3, 4, 5, 3, 4, 5)
    flat = image((3, 4, 5), None)
    assert lattice.concat([flat, flat], "x").beams == flat.beams
    with pytest.warns(LatticeWarning, match="those of the lattices that are joined differ"):
        assert lattice.concat([flat, flat.with_beam(beam(5))], "x").beams == ()


def test_an_extended_lattice_repeats_its_beams() -> None:
    flat = image((3, 4, 5), KINDS[1:])
    cube = image().with_beam(None)
    assert (flat + cube).beams == beams(0, 1, 2, 0, 1, 2)


@pytest.mark.parametrize("order", [KINDS, ("spectral", "stokes", "latitude", "longitude")])
@pytest.mark.parametrize("suffix", ["fits", "zarr"])
def test_beams_are_saved_and_read_back(tmp_path: Path, order: tuple[str, ...], suffix: str) -> None:
    cards = []
    ctypes = {"stokes": "STOKES", "spectral": "FREQ", "latitude": "DEC--SIN", "longitude": "RA---SIN"}
    for i, kind in enumerate(reversed(order), 1):
        cards += [(f"CTYPE{i}", ctypes[kind], ""), (f"CRVAL{i}", 1.0, ""), (f"CDELT{i}", 1.0, "")]
    a = Image(np.zeros((2, 3, 4, 5), "f4"), wcs=cards, beam=[beam(n) for n in range(6)])
    path = tmp_path / f"b.{suffix}"
    a.save(path)
    again = lattice.open(path)
    np.testing.assert_allclose(again.beams, a.beams, rtol=1e-6)
    np.testing.assert_allclose(again[1, 1:].beams, a[1, 1:].beams, rtol=1e-6)
    if suffix == "fits":
        rows = fits.getdata(path, "BEAMS")
        # as CASA has them: channels of the first Stokes parameter, then those of the next
        channels, stokes = (3, 2) if order == KINDS else (2, 3)
        assert [(int(r["CHAN"]), int(r["POL"])) for r in rows] == [
            (f, s) for s in range(stokes) for f in range(channels)
        ]


def test_a_table_that_does_not_fit_is_told(tmp_path: Path) -> None:
    path = tmp_path / "b.fits"
    Image(np.zeros((3, 4, 5), "f4"), beam=[beam(n) for n in range(3)]).save(path)
    with fits.open(path, mode="update") as hdus:
        hdus["BEAMS"].data["CHAN"] = [0, 1, 5]
    with pytest.warns(LatticeWarning, match="BEAMS does not give a beam for each plane"):
        assert lattice.open(path).beams == ()


# -- operands ---------------------------------------------------------------------------------------------


def _image(*beams: tuple[float, float, float], planes: int = 3) -> Any:
    beam = beams[0] if len(beams) == 1 else list(beams) or None
    return Image(np.ones((planes, 4, 5), "f4"), dims=("frequency", "y", "x"), beam=beam)


def test_operands_of_different_resolution_are_told() -> None:
    from lattice import BeamWarning, set_options
    from lattice.errors import CoordinateMismatchError

    sharp, broad = _image((0.01, 0.005, 30.0)), _image((0.02, 0.01, 30.0))
    expected = r"36 x 18 arcsec at 30 deg and 72 x 36 arcsec at 30 deg; the result has those of the operand"
    with pytest.warns(BeamWarning, match=expected):
        assert (sharp - broad).beams == sharp.beams
    several = _image((0.01, 0.005, 30.0), (0.01, 0.005, 30.0), (0.01, 0.005, -60.0))
    with pytest.warns(BeamWarning, match=r"18 arcsec at -60 deg in plane 2"):
        sharp + several
    with set_options(coordinates="error"), pytest.raises(CoordinateMismatchError, match="different beams"):
        sharp * broad
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with set_options(coordinates="ignore"):
            sharp * broad
        # The same beam in other words, or rounded; none at all; a condition, which has no resolution.
        sharp + _image((0.01, 0.005, 210.0))
        sharp + _image((0.0100001, 0.00500001, 30.0001))
        _image((0.01, 0.01, 0.0)) + _image((0.01, 0.01, 77.0))
        sharp + _image()
        sharp[:2] + several[:2]
        sharp[broad > 0]


def test_an_expression_says_once_that_beams_differ() -> None:
    sharp, broad = _image((0.01, 0.005, 30.0)), _image((0.02, 0.01, 30.0))
    with pytest.warns(lattice.BeamWarning) as said:
        lattice.expr("a + b - (a * b)", a=sharp, b=broad)
    assert len(said) == 1
