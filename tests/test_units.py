"""Conversions of units with the beam and frequency of each plane, labels, and the beam as a value."""

from __future__ import annotations

import pickle
import sys
import types
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy import units as u
from astropy.wcs import WCS
from astropy.wcs.utils import proj_plane_pixel_area
from click.testing import CliRunner

import lattice
from lattice import Beam, Image, LatticeRangeError, LatticeTypeError, ShapeMismatchError, UnitMismatchError

CARDS = [
    ("CTYPE1", "RA---SIN", ""),
    ("CRVAL1", 180.0, ""),
    ("CRPIX1", 3.0, ""),
    ("CDELT1", -0.002, ""),
    ("CUNIT1", "deg", ""),
    ("CTYPE2", "DEC--SIN", ""),
    ("CRVAL2", 30.0, ""),
    ("CRPIX2", 2.0, ""),
    ("CDELT2", 0.003, ""),
    ("CUNIT2", "deg", ""),
    ("CTYPE3", "FREQ", ""),
    ("CRVAL3", 1.4e9, ""),
    ("CRPIX3", 1.0, ""),
    ("CDELT3", 2e8, ""),
    ("CUNIT3", "Hz", ""),
]
FREQUENCIES = 1.4e9 + 2e8 * np.arange(3)
BEAMS = ((0.01, 0.005, 10.0), (0.02, 0.01, 0.0), (0.03, 0.01, -5.0))
VALUES = np.random.default_rng(5).normal(size=(3, 4, 5)) * 7
FAMILIES = ("Jy/beam", "Jy/pixel", "MJy/sr", "K", "mJy/arcsec2", "mK")


def cube(unit: str = "Jy/beam", dtype: Any = "f8", **more: Any) -> Image:
    settings = {"wcs": CARDS, "beam": BEAMS, "name": "a"} | more
    return Image(VALUES.astype(dtype), unit=unit, **settings)


def by_astropy(values: np.ndarray, unit: str, target: str, beam: Any, frequency: float) -> np.ndarray:
    """Convert a plane by astropy's equivalencies, by way of Jy/sr."""
    area = Beam(*beam).area
    pixel = proj_plane_pixel_area(cube().wcs.celestial) * u.deg**2
    known = [
        *u.brightness_temperature(frequency * u.Hz),
        *u.beam_angular_area(area),
        *u.pixel_scale(u.Quantity(np.sqrt(pixel.to_value("sr")), "rad/pix")),
    ]

    def bridged(number: Any, to: Any) -> Any:
        if (to * u.pix).is_equivalent(u.Jy):  # astropy has no equivalency of Jy/pixel
            return (number * pixel / u.pix).to(to)
        return number.to(to, known)

    start = values * u.Unit(unit)
    if (u.Unit(unit) * u.pix).is_equivalent(u.Jy):
        start = start / (pixel / u.pix)
    middle = start.to("Jy/sr", known)
    return bridged(middle, u.Unit(target)).value


@pytest.mark.parametrize(("unit", "target"), list(permutations(FAMILIES, 2)))
def test_conversions_are_those_of_astropy(unit: str, target: str) -> None:
    found = cube(unit).to(target)
    assert (found.unit, found.dtype, found.beams) == (target, np.dtype("f8"), BEAMS)
    expected = [
        by_astropy(*row, beam, f)  # type: ignore[call-arg]
        for row, beam, f in zip(((v, unit, target) for v in VALUES), BEAMS, FREQUENCIES, strict=True)
    ]
    np.testing.assert_allclose(found.values, expected, rtol=1e-9)
    np.testing.assert_allclose(found.to(unit).values, VALUES, rtol=1e-12)


@pytest.mark.parametrize(
    ("unit", "target", "factor"),
    [("Jy/beam", "mJy/beam", 1000), ("K", "mK", 1000), ("km/s", "m/s", 1000), ("Jy/beam", "Jy beam-1", 1)],
)
def test_units_of_a_kind_differ_by_a_factor(unit: str, target: str, factor: float) -> None:
    found = cube(unit, "f4").to(target)
    np.testing.assert_array_equal(found.values, VALUES.astype("f4") * np.float32(factor))
    assert (found.unit, found.dtype) == (target, np.dtype("f4"))
    assert found.expression == ("a" if factor == 1 else "a * 1000")


def test_moments_are_converted_too() -> None:
    for unit in ("Jy/beam km/s", "Jy/beam.km/s", "km/s.Jy/beam", "Jy beam-1 km s-1", "Jy km / (s beam)"):
        np.testing.assert_allclose(cube(unit).to("K km/s").values, cube().to("K").values)


def test_a_cut_remembers_beam_and_frequency_of_its_plane() -> None:
    whole = cube().to("K")
    for key in (np.s_[1], np.s_[1:], np.s_[::-1], np.s_[2, 1:3, ::2], np.s_[:, 2, 2]):
        np.testing.assert_allclose(cube()[key].to("K").values, whole.values[key])
    mean = cube(beam=BEAMS[0]).mean("frequency")
    np.testing.assert_allclose(
        mean.to("K").values, mean.convert_unit("K", frequency=FREQUENCIES[1] * u.Hz).values
    )


def test_four_axes_with_beams_of_all_planes() -> None:
    cards = [*CARDS, ("CTYPE4", "STOKES", ""), ("CRVAL4", 1.0, ""), ("CDELT4", 1.0, "")]
    beams = [*BEAMS, *(tuple(1.5 * np.array(b)) for b in BEAMS)]
    a = Image(np.stack([VALUES, 2 * VALUES]), wcs=cards, unit="Jy/beam", beam=beams)
    found = a.to("K").values
    for s, f in np.ndindex(2, 3):
        area = Beam(*beams[3 * s + f]).area
        one = (1 * u.Jy / u.beam).to_value(u.K, u.brightness_temperature(FREQUENCIES[f] * u.Hz, area))
        np.testing.assert_allclose(found[s, f], a.values[s, f] * one)


def test_given_beams_and_frequencies_come_first() -> None:
    bare = Image(VALUES, dims=("frequency", "y", "x"), unit="Jy/beam")
    area = Beam(0.02, 0.02).area
    one = (1 * u.Jy / u.beam).to_value(u.K, u.brightness_temperature(2 * u.GHz, area))
    for frequency in (2e9, 2 * u.GHz, "2 GHz", [2e9] * 3, 14.9896229 * u.cm):
        found = bare.convert_unit("K", beam=(0.02, 0.02, 0), frequency=frequency)
        np.testing.assert_allclose(found.values, VALUES * one, rtol=1e-8)
        assert found.beams == ((0.02, 0.02, 0.0),)
    channels = bare.convert_unit("K", beam=Beam(0.02, 0.02), frequency=[1e9, 2e9, 4e9])
    np.testing.assert_allclose(channels.values, VALUES * one * np.array([4, 1, 0.25])[:, None, None])


def test_masks_and_types_stay() -> None:
    a = Image(VALUES.astype("c8"), unit="Jy/beam", masks={"good": VALUES > 0}, mask="good")
    found = a.to("mJy/beam")
    assert found.dtype == np.complex64
    np.testing.assert_array_equal(found.to_masked_array().mask, VALUES <= 0)
    assert list(found.masks) == ["good"]
    assert list(a[1:].with_unit("K").masks) == ["good"]
    assert cube(dtype="f4").to("K").dtype == np.float32


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (
            lambda: cube(beam=None).to("K"),
            UnitMismatchError,
            "needs a beam, and the image has none\ngive it as beam=",
        ),
        (
            lambda: Image(VALUES, unit="Jy/beam", beam=(1, 1, 0)).to("K"),
            UnitMismatchError,
            "needs a frequency",
        ),
        (lambda: Image(VALUES, unit="Jy/sr").to("Jy/pix"), UnitMismatchError, "needs the size of a pixel"),
        (
            lambda: cube("Jy").to("Jy/beam"),
            UnitMismatchError,
            "there is no conversion from 'Jy' to 'Jy/beam'",
        ),
        (lambda: cube("foo").to("K"), UnitMismatchError, "'foo' is not a unit that can be converted"),
        (lambda: cube().to("blah"), UnitMismatchError, "'blah' is not a unit"),
        (lambda: cube("").to("K"), UnitMismatchError, r"no unit to convert\nsay what .* with_unit\(\)"),
        (lambda: cube().to(""), UnitMismatchError, "the result has no unit"),
        (lambda: (cube() > 0).to("K"), LatticeTypeError, "truth values"),
        (lambda: cube().convert_unit("K", frequency=3 * u.m / u.s), UnitMismatchError, "frequency: "),
        (lambda: cube().convert_unit("K", frequency="red"), UnitMismatchError, "frequency: "),
        (lambda: cube().convert_unit("K", frequency=0), UnitMismatchError, "frequencies above 0"),
        (
            lambda: cube().convert_unit("K", frequency=[1e9, 2e9]),
            ShapeMismatchError,
            "2 frequencies do not fit",
        ),
        (lambda: cube().convert_unit("K", beam=BEAMS[:2]), ShapeMismatchError, "2 beams do not fit"),
        (lambda: cube().convert_unit("K", beam=(1, 2, 0)), LatticeRangeError, "the larger axis comes first"),
    ],
)
def test_what_is_missing_is_named(make: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make()


def test_labels_change_nothing_else() -> None:
    a = cube(dtype="f4", mask=VALUES > 0)
    for image in (a, a + 1, a[1:], a.rebin(x=2), a.mean()):
        found = image.with_unit("K").with_beam(BEAMS[0])
        assert (found.unit, found.beams, found.coords) == ("K", BEAMS[:1], image.coords)
        np.testing.assert_array_equal(found.to_masked_array(), image.to_masked_array())
        assert image.with_unit(image.unit).same_as(image)
    assert a.with_unit(u.mJy / u.beam).unit == "mJy beam-1"
    assert a.with_unit("a strange one").unit == "a strange one"
    assert a.with_beam(None).beams == ()
    assert a.with_beam([Beam(*b) for b in BEAMS]).beams == BEAMS
    assert pickle.loads(pickle.dumps(a.to("K"))).same_as(a.to("K"))


@pytest.mark.parametrize("suffix", ["fits", "zarr"])
def test_conversions_are_saved(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"k.{suffix}"
    cube(dtype="f4").to("K").save(path)
    again = lattice.open(path)
    assert again.unit == "K"
    np.testing.assert_allclose(again.beams, BEAMS, rtol=1e-6)
    np.testing.assert_allclose(again.to("Jy/beam").values, VALUES, rtol=1e-5)
    odd = tmp_path / f"odd.{suffix}"
    cube().with_unit("furlongs?").save(odd)
    assert lattice.open(odd).unit == "furlongs?"


def test_the_command_line_converts(tmp_path: Path) -> None:
    from lattice.cli import commands

    source, out = tmp_path / "a.fits", tmp_path / "k.fits"
    cube(dtype="f4").save(source)
    done = CliRunner().invoke(commands, ["convert", str(source), str(out), "--unit", "K"])
    assert done.exit_code == 0, done.output
    assert lattice.open(out).unit == "K"
    done = CliRunner().invoke(commands, ["calc", f"max('{source}')", "--unit", "mJy/beam"])
    assert float(done.output.split()[0]) == pytest.approx(1000 * VALUES.max(), rel=1e-6)
    done = CliRunner().invoke(commands, ["calc", f"'{source}'", str(tmp_path / "b.fits"), "--unit", "s"])
    assert done.exit_code == 1
    assert "there is no conversion from 'Jy/beam' to 's'" in done.output


# -- the beam as a value ------------------------------------------------------------------------------------


def test_a_beam_is_three_numbers() -> None:
    beam = Beam(0.01, 0.005, 30)
    assert tuple(beam) == (0.01, 0.005, 30.0)
    assert beam == Beam.of((36 * u.arcsec, 18 * u.arcsec, 30 * u.deg)) == Beam.of(beam)
    assert (beam.major, beam.minor, beam.pa) == (36 * u.arcsec, 18 * u.arcsec, 30 * u.deg)
    assert beam.area_sr == pytest.approx(1.7257948149344e-8, rel=1e-12)
    assert beam.area.unit == u.sr
    assert cube()[0].beam == Beam(*BEAMS[0])
    assert cube(beam=None).beam is None
    with pytest.raises(LatticeRangeError, match="3 different beams, one per plane"):
        _ = cube().beam
    with pytest.raises(LatticeRangeError, match="the larger axis comes first"):
        Beam(1, 2)


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (1e-6 / 3.6, "1 x 1 mas, 5 deg"),
        (1 / 3600, "1 x 1 arcsec, 5 deg"),
        (0.25, "15 x 15 arcmin, 5 deg"),
        (2, "2 x 2 deg, 5 deg"),
    ],
)
def test_beams_in_words(size: float, text: str) -> None:
    assert str(Beam(size, size, 5)) == text


def test_beams_of_radio_beam(monkeypatch: pytest.MonkeyPatch) -> None:
    made: dict[str, Any] = {}

    class Theirs:
        def __init__(self, **axes: Any) -> None:
            made.update(axes)
            self.__dict__.update(axes)

    monkeypatch.setitem(sys.modules, "radio_beam", types.SimpleNamespace(Beam=Theirs))
    theirs = Beam(0.01, 0.005, 30).to_radio_beam()
    assert made == {"major": 36 * u.arcsec, "minor": 18 * u.arcsec, "pa": 30 * u.deg}
    assert Beam.of(theirs) == Beam(0.01, 0.005, 30)
    assert Image(np.ones((2, 2)), beam=theirs).beam == Beam(0.01, 0.005, 30)


def test_the_pixel_size_is_that_of_the_wcs() -> None:
    one = Image(np.ones((4, 5)), wcs=CARDS[:10], unit="Jy/pixel").to("Jy/deg2").values[0, 0]
    assert one == pytest.approx(1 / (0.002 * 0.003), rel=1e-9)
    binned = Image(np.ones((4, 6)), wcs=CARDS[:10], unit="Jy/sr").rebin(y=2, x=3)
    header = WCS({k: v for k, v, _ in CARDS[:10]})
    assert binned.to("Jy/pixel").values[0, 0] == pytest.approx(
        6 * proj_plane_pixel_area(header) * np.radians(1) ** 2, rel=1e-9
    )


def test_quantities_are_operands() -> None:
    mask = np.array([True, False, True])
    a = Image(np.array([1.0, 2.0, 3.0], "f4"), unit="Jy/beam", mask=mask)
    for made, values, unit in [
        (a + 500 * u.mJy / u.beam, [1.5, 2.5, 3.5], "Jy/beam"),
        (1 * u.Jy / u.beam - a, [0, -1, -2], "Jy/beam"),
        (a > 1500 * u.mJy / u.beam, [False, True, True], ""),
        (np.maximum(a, 2000 * u.mJy / u.beam), [2, 2, 3], "Jy/beam"),
        (np.where(a > 1 * u.Jy / u.beam, a, 0 * u.Jy / u.beam), [0, 2, 3], "Jy/beam"),
        (a * u.m, [1, 2, 3], "Jy m beam-1"),
        (a * (2 * u.km), [2, 4, 6], "Jy km beam-1"),
        (a / (2 * u.s), [0.5, 1, 1.5], "Jy beam-1 s-1"),
        (a / u.Jy, [1, 2, 3], "beam-1"),
        (a * (np.arange(3) * u.s), [0, 2, 6], "Jy s beam-1"),
        (a.with_unit("") + 2 * u.K, [3, 4, 5], "K"),
        (a.with_unit("") < 2 * u.K, [True, False, False], ""),
    ]:
        assert isinstance(made, Image)
        assert made.unit == unit
        found = made.to_masked_array()
        np.testing.assert_array_equal(np.ma.getmaskarray(found), ~mask)
        np.testing.assert_allclose(found.compressed(), np.array(values)[mask])
    assert (a * (2 * u.km)).dtype == np.float32


def test_quantities_that_do_not_fit_are_refused() -> None:
    a = Image(np.ones(3, "f4"), unit="Jy/beam")
    for wrong in (lambda: a + 1 * u.K, lambda: a > 3 * u.m, lambda: a.with_unit("odd unit") + 1 * u.K):
        with pytest.raises(UnitMismatchError):
            wrong()
    with pytest.raises(UnitMismatchError, match="cannot be combined"):
        a.with_unit("odd unit") * u.m
    with pytest.raises(LatticeTypeError, match="give its value"):
        a ** (2 * u.m)


def test_what_is_finite() -> None:
    values = np.array([1, np.nan, np.inf, -np.inf, 0])
    both = values.astype("c16")
    both.imag = values[::-1]
    for array in (values, values.astype("f4"), both):
        np.testing.assert_array_equal(np.isfinite(Image(array)).values, np.isfinite(array))
    np.testing.assert_array_equal(np.isinf(Image(values)).values, np.isinf(values))
