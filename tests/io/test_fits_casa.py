"""FITS files in the style of CASA, against what casacore 3.8.1 and casatools 6.7 wrote."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from astropy.io import fits

import lattice
from lattice.errors import LatticeError, LatticeWarning
from lattice.io.base import LogLine
from lattice.io.fits_history import log_to_lines, read_history
from lattice.io.registry import open_stored
from tests.io.standard import check_standard

RNG = np.random.default_rng(6)

SKY = {
    "CTYPE1": "RA---SIN", "CTYPE2": "DEC--SIN", "CRVAL1": 83.6, "CRVAL2": 22.0, "CRPIX1": 6.0, "CRPIX2": 5.0,
    "CDELT1": -1e-3, "CDELT2": 1e-3, "CUNIT1": "deg", "CUNIT2": "deg", "RADESYS": "FK5", "EQUINOX": 2000.0,
}  # fmt: skip
ABOUT = {
    "BUNIT": "Jy/beam",
    "OBSERVER": "me",
    "OBJECT": "Crab",
    "BTYPE": "Intensity",
    "MYKEY": 3,
    "MYFLT": 2.5,
}
REST = {"RESTFRQ": 1.420405752e9, "SPECSYS": "LSRK"}


def spectral(n: int, **other: Any) -> dict[str, Any]:
    axis = {"CTYPE": "FREQ", "CRVAL": 1.4e9, "CRPIX": 2.0, "CDELT": 1e6, "CUNIT": "Hz"} | other
    return {f"{key}{n}": value for key, value in axis.items()}


def stokes(n: int) -> dict[str, Any]:
    return {f"CTYPE{n}": "STOKES", f"CRVAL{n}": 1.0, f"CRPIX{n}": 1.0, f"CDELT{n}": 1.0}


def without(cards: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {k: v for k, v in cards.items() if k not in keys}


TAN = {"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN"}
CD = {"CD1_1": -8e-4, "CD1_2": 6e-4, "CD2_1": 6e-4, "CD2_2": 8e-4}
CASES: dict[str, tuple[tuple[int, ...], dict[str, Any]]] = {
    "plane": ((10, 12), SKY),
    "icrs": ((10, 12), {**without(SKY, "EQUINOX"), "RADESYS": "ICRS", **TAN}),
    "galactic": (
        (10, 12),
        {**without(SKY, "RADESYS", "EQUINOX"), "CTYPE1": "GLON-CAR", "CTYPE2": "GLAT-CAR", "CRVAL2": 0.0},
    ),
    "b1950": ((10, 12), {**SKY, "RADESYS": "FK4", "EQUINOX": 1950.0}),
    "pc": ((10, 12), {**SKY, "PC1_1": 0.8, "PC1_2": -0.6, "PC2_1": 0.6, "PC2_2": 0.8}),
    "cd": ((10, 12), {**without(SKY, "CDELT1", "CDELT2"), **CD}),
    "crota": ((10, 12), {**SKY, "CROTA2": 30.0}),
    "cube": ((4, 10, 12), {**SKY, **spectral(3), **REST}),
    "topo": ((4, 10, 12), {**SKY, **spectral(3), **REST, "SPECSYS": "TOPOCENT"}),
    "bary": ((4, 10, 12), {**SKY, **spectral(3), **REST, "SPECSYS": "BARYCENT"}),
    "ghz": ((4, 10, 12), {**SKY, **spectral(3, CRVAL=1.4, CDELT=1e-3, CUNIT="GHz"), **REST}),
    "vrad": ((4, 10, 12), {**SKY, **spectral(3, CTYPE="VRAD", CRVAL=1e6, CDELT=1e4, CUNIT="m/s"), **REST}),
    "4d": ((4, 2, 10, 12), {**SKY, **stokes(3), **spectral(4), **REST}),
    "4d other": ((2, 4, 10, 12), {**SKY, **stokes(4), **spectral(3), **REST}),
    "flat": ((1, 1, 10, 12), {**SKY, **stokes(3), **spectral(4), **REST}),
    "linear": ((3, 10, 12), {**SKY, **spectral(3, CTYPE="FOO", CRVAL=3.0, CUNIT="km")}),
}  # fmt: skip


def source(path, name: str, values=None) -> str:
    shape, cards = CASES[name]
    header = fits.Header()
    header.update({**ABOUT, **cards})
    fits.writeto(path, RNG.normal(size=shape).astype("f4") if values is None else values, header)
    return str(path)


def saved(path, target, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LatticeWarning)
        return lattice.open(str(path)).save(target, overwrite=True, style="casa", **options)


def test_header_of_a_cube(tmp_path):
    """Values of casatools 6.7 for the same image."""
    saved(source(tmp_path / "a.fits", "4d"), tmp_path / "b.fits")
    check_standard(tmp_path / "b.fits")
    header = fits.getheader(tmp_path / "b.fits")
    assert [header[f"NAXIS{i}"] for i in range(1, 5)] == [12, 10, 4, 2]
    assert [header[f"CTYPE{i}"] for i in range(1, 5)] == ["RA---SIN", "DEC--SIN", "FREQ", "STOKES"]
    expected = {
        "LONPOLE": 180.0,
        "LATPOLE": 22.0,
        "PC1_1": 1.0,
        "PC2_1": 0.0,
        "PV2_1": 0.0,
        "PV2_2": 0.0,
        "CRVAL3": 1.4e9,
        "CDELT3": 1e6,
        "RESTFRQ": 1420405752.0,
        "SPECSYS": "LSRK",
        "VELREF": 1,
        "ALTRVAL": 4369636.106727,
        "ALTRPIX": 2.0,
        "EQUINOX": 2000.0,
        "RADESYS": "FK5",
        "BSCALE": 1.0,
        "BZERO": 0.0,
        "TIMESYS": "UTC",
        "MYKEY": 3,
    }
    for key, value in expected.items():
        assert header[key] == (pytest.approx(value, rel=1e-12) if isinstance(value, float) else value), key
    assert header["ORIGIN"].startswith("lattice")
    a, b = fits.getdata(tmp_path / "a.fits"), fits.getdata(tmp_path / "b.fits")
    np.testing.assert_array_equal(b, a.transpose(1, 0, 2, 3))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"velocity": True}, ("VOPT", 4369636.106727, -217103.5646729, "m/s", 1.4e9, 1)),
        ({"velocity": True, "optical": False}, ("VRAD", 4306861.290026, -211061.1405071, "m/s", 1.4e9, 257)),
        ({"optical": False}, ("FREQ", 1.4e9, 1e6, "Hz", 4306861.290026, 257)),
        ({"wavelength": True}, ("WAVE", 0.21413747, -0.000152846159886, "m", None, None)),
    ],
)
def test_spectral_axis(tmp_path, options, expected):
    """Values of casatools 6.7."""
    saved(source(tmp_path / "a.fits", "cube"), tmp_path / "b.fits", **options)
    check_standard(tmp_path / "b.fits")
    h = fits.getheader(tmp_path / "b.fits")
    got = (h["CTYPE3"], h["CRVAL3"], h["CDELT3"], h["CUNIT3"], h.get("ALTRVAL"), h.get("VELREF"))
    for mine, theirs in zip(got, expected, strict=True):
        assert mine == (pytest.approx(theirs, rel=1e-11) if isinstance(theirs, float) else theirs)


def test_curved_axes_are_told(tmp_path):
    image = lattice.open(source(tmp_path / "a.fits", "cube"))
    with pytest.warns(LatticeWarning, match="VOPT axis of the file is linear"):
        image.save(tmp_path / "b.fits", style="casa", velocity=True)
    shape, cards = CASES["cube"]
    header = fits.Header()
    header.update(without(cards, "RESTFRQ"))
    fits.writeto(tmp_path / "c.fits", np.zeros(shape, "f4"), header)
    with pytest.warns(LatticeWarning, match="no rest frequency"):
        lattice.open(str(tmp_path / "c.fits")).save(tmp_path / "d.fits", style="casa", velocity=True)
    assert fits.getheader(tmp_path / "d.fits")["CTYPE3"] == "FREQ"


@pytest.mark.parametrize(
    ("name", "options", "axes"),
    [
        ("4d", {}, (1, 0, 2, 3)),
        ("4d", {"stokeslast": False}, (0, 1, 2, 3)),
        ("4d other", {}, (0, 1, 2, 3)),
        ("flat", {"dropdeg": True}, (2, 3)),
        ("flat", {"dropstokes": True}, (0, 2, 3)),
        ("flat", {"stokeslast": False, "deglast": True}, (0, 1, 2, 3)),
    ],
)
@pytest.mark.parametrize("more", [{}, {"compress": True}, {"mask": "extension"}, {"bitpix": 16}])
def test_order_of_axes(tmp_path, name, options, axes, more):
    shape, _ = CASES[name]
    values = RNG.normal(size=shape).astype("f4")
    image = (
        lattice.open(source(tmp_path / "a.fits", name, values))
        .add_mask("mask0", values > -1)
        .set_default_mask("mask0")
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LatticeWarning)
        back = image.save(tmp_path / "b.fits", style="casa", **options, **more)
    check_standard(tmp_path / "b.fits", may_warn="compress" in more)  # of axes that a table has not
    gone = [a for a in range(len(shape)) if a not in axes]
    expected = values.transpose((*gone, *axes)).reshape([shape[a] for a in axes])
    got = back.to_masked_array()
    np.testing.assert_array_equal(np.ma.getmaskarray(got), expected <= -1)
    good = expected > -1
    np.testing.assert_allclose(got.data[good], expected[good], atol=1e-4 if "bitpix" in more else 0)
    assert back.dims == tuple(image.dims[a] for a in axes)


def test_a_degenerate_axis_in_front(tmp_path):
    """casatools 6.7 fails here."""
    values = RNG.normal(size=(4, 1, 10, 12)).astype("f4")
    back = saved(
        source(tmp_path / "a.fits", "4d", values), tmp_path / "b.fits", stokeslast=False, deglast=True
    )
    np.testing.assert_array_equal(back.values, values.transpose(1, 0, 2, 3))
    assert back.dims == ("stokes", "frequency", "y", "x")


def test_dropstokes_of_several_planes_is_told(tmp_path):
    image = lattice.open(source(tmp_path / "a.fits", "4d"))
    with pytest.warns(LatticeWarning, match="dropstokes=True drops one plane only"):
        image.save(tmp_path / "b.fits", style="casa", dropstokes=True)


def with_beams(path) -> str:
    """Write a cube of which each plane has a beam, its angle the number of the plane."""
    shape, cards = CASES["4d"]
    header = fits.Header()
    header.update(cards)
    values = RNG.normal(size=shape).astype("f4")
    beams = [(1e-3 + i * 1e-5, 1e-3, float(i)) for i in range(8)]
    lattice.Image(values, wcs=header, beam=beams, unit="Jy/beam").save(path)
    return str(path)


def test_beams_follow_their_planes(tmp_path):
    back = saved(with_beams(tmp_path / "c.fits"), tmp_path / "b.fits")
    check_standard(tmp_path / "b.fits")
    table = fits.open(tmp_path / "b.fits")["BEAMS"]
    assert table.header["NCHAN"] == 4
    assert table.header["NPOL"] == 2
    assert table.data["POL"].tolist() == [0] * 4 + [1] * 4
    assert table.data["CHAN"].tolist() == [0, 1, 2, 3] * 2
    np.testing.assert_allclose(table.data["BPA"], [0, 2, 4, 6, 1, 3, 5, 7])
    np.testing.assert_allclose([b[2] for b in back.beams], [0, 2, 4, 6, 1, 3, 5, 7])
    assert fits.getheader(tmp_path / "b.fits")["CASAMBM"]


def saved_plain(image, path):
    image.save(path)
    return str(path)


@pytest.mark.parametrize("bad", [False, True])
def test_16_bits(tmp_path, bad):
    """As casacore: 65534 steps and BLANK if there are bad pixels, else 65535; but rounded, not cut off."""
    values = RNG.normal(size=(10, 12)).astype("f4")
    if bad:
        values[0, :3] = np.nan
    saved(source(tmp_path / "a.fits", "plane", values), tmp_path / "b.fits", bitpix=16)
    check_standard(tmp_path / "b.fits")
    header = fits.getheader(tmp_path / "b.fits")
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    assert header["BSCALE"] == pytest.approx((high - low) / (65534 if bad else 65535), rel=1e-12)
    assert header.get("BLANK") == (-32768 if bad else None)
    assert (header["DATAMIN"], header["DATAMAX"]) == (low, high)
    got = fits.getdata(tmp_path / "b.fits")
    assert np.nanmax(np.abs(got - values)) <= header["BSCALE"] * 0.502
    saved(tmp_path / "a.fits", tmp_path / "c.fits", bitpix=16, minpix=-1, maxpix=1.5)
    header = fits.getheader(tmp_path / "c.fits")
    assert header["BSCALE"] == pytest.approx(2.5 / 65534)
    assert header["BLANK"] == -32768
    assert header["DATAMAX"] == 1.5


def test_styles_that_make_no_sense(tmp_path):
    image = lattice.Image(np.zeros((3, 4)))
    for options in ({"velocity": True, "wavelength": True}, {"velocity": 1}, {"dropdeg": "yes"}):
        with pytest.raises(LatticeError):
            image.save(tmp_path / "a.fits", style="casa", **options)
    saved_plain(image, tmp_path / "b.fits")
    saved(tmp_path / "b.fits", tmp_path / "a.fits", history=False)
    assert "HISTORY" not in fits.getheader(tmp_path / "a.fits")


# -- history --------------------------------------------------------------------------------------------


def test_log_lines_keep_what_they_know(tmp_path):
    log = [
        "a plain line",
        LogLine("done", 58849 * 86400.0 + 61, "INFO", "tool::method"),
        LogLine("x" * 300, 58849 * 86400.0 + 62, "WARN", ""),
        LogLine("words " * 40 + "end", 58849 * 86400.0 + 63, "NORMAL", "it's"),
        LogLine("", 58849 * 86400.0 + 64, "NORMAL", "empty"),
    ]
    lines = log_to_lines(log)
    assert lines[1:5] == [
        "CASA START LOGTABLE",
        "2020-01-01T00:01:01 INFO SRCCODE='tool::method'",
        "done",
        "2020-01-01T00:01:02 WARN SRCCODE=''",
    ]
    assert max(map(len, lines)) <= 72
    back = read_history([line.rstrip() for line in lines])
    assert back == tuple(log)
    for a, b in zip(log[1:], back[1:], strict=True):
        assert isinstance(a, LogLine)
        assert isinstance(b, LogLine)
        assert (a.time, a.priority, a.origin) == (b.time, b.priority, b.origin)


def test_log_of_casa_is_read():
    """As casatools 6.7 wrote it."""
    found = read_history(
        [
            "line one",
            "CASA START LOGTABLE",
            "2026-11-20T16:30:25 INFO SRCCODE='::image::fromfits'",
            'ia.fromfits(outfile="t.im", fitsfile="in.fits", whichrep=0, whichhdu=0,',
            "> zeroBlanks=false, overwrite=true)",
            "CASA END LOGTABLE",
            "after",
        ]
    )
    assert found[0] == "line one"
    assert found[1] == (
        'ia.fromfits(outfile="t.im", fitsfile="in.fits", whichrep=0, whichhdu=0, '
        "zeroBlanks=false, overwrite=true)"
    )
    assert found[1].origin == "::image::fromfits"
    assert found[2] == "after"
    odd = ["CASA START LOGTABLE", "no head", "CASA END LOGTABLE", "CASA START LOGTABLE"]
    assert read_history(odd) == tuple(odd)
    assert (
        read_history(["CASA START LOGTABLE", "2026-99-99T00:00:00 X SRCCODE=''", "a", "CASA END LOGTABLE"])[2]
        == "a"
    )


def test_history_through_a_file(tmp_path):
    path = source(tmp_path / "a.fits", "plane")
    with fits.open(path, mode="update") as hdus:
        for line in log_to_lines([LogLine("done", 58849 * 86400.0, "INFO", "tool")]):
            hdus[0].header.add_history(line)
    assert [getattr(line, "origin", None) for line in open_stored(path).history] == ["tool"]
    saved(path, tmp_path / "b.fits")
    history = open_stored(str(tmp_path / "b.fits")).history
    assert [line.origin for line in history if isinstance(line, LogLine)] == ["tool"]


# -- casacore itself ------------------------------------------------------------------------------------

# DATE, ORIGIN and HISTORY belong to the writer; casacore looks the place of the telescope up in a table; it
# writes 12 digits, and the range of 16-bit integers in single precision.
DIFFERENT = {"DATE", "ORIGIN", "HISTORY", "COMMENT", "OBSGEO-X", "OBSGEO-Y", "OBSGEO-Z", "BSCALE", "BZERO"}
DIFFERENT |= {"DATAMIN", "DATAMAX", "SIMPLE", ""}

CALLS = [
    ({"velocity": False}, {}),
    ({"velocity": True}, {"velocity": True}),
    ({"velocity": True, "optical": False}, {"velocity": True, "optical": False}),
    ({"velocity": False, "bitpix": 16}, {"bitpix": 16}),
]


@pytest.mark.oracle
@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("call", range(len(CALLS)))
def test_equal_to_casacore(tmp_path, name, call):
    images = pytest.importorskip("casacore.images")
    theirs, ours = CALLS[call]
    path = source(tmp_path / "a.fits", name)
    images.image(path).tofits(str(tmp_path / "c.fits"), **theirs)
    saved(path, tmp_path / "b.fits", stokeslast=False, **ours)
    a, b = (fits.getheader(tmp_path / n) for n in ("b.fits", "c.fits"))
    for key in sorted((set(a) | set(b)) - DIFFERENT):
        x, y = a.get(key), b.get(key)
        if isinstance(y, float):
            assert x == pytest.approx(y, rel=1e-11, abs=1e-12), key
        else:
            assert x == y, key
    x, y = fits.getdata(tmp_path / "b.fits"), fits.getdata(tmp_path / "c.fits")
    if "bitpix" in ours:
        np.testing.assert_allclose(x, y, atol=a["BSCALE"] * 1.01)
    else:
        np.testing.assert_array_equal(x, y)


@pytest.mark.oracle
def test_casacore_reads_what_is_written(tmp_path):
    images = pytest.importorskip("casacore.images")
    image = lattice.open(with_beams(tmp_path / "c.fits"))
    saved(tmp_path / "c.fits", tmp_path / "b.fits")
    theirs = images.image(str(tmp_path / "b.fits"))
    np.testing.assert_array_equal(theirs.getdata(), image.values.transpose(1, 0, 2, 3))
    found = theirs.imageinfo()["perplanebeams"]
    assert (found["nChannels"], found["nStokes"]) == (4, 2)
    angles = [found[f"*{i}"]["positionangle"]["value"] for i in range(8)]
    np.testing.assert_allclose(angles, [0, 2, 4, 6, 1, 3, 5, 7])
    assert theirs.coordinates()["spectral"].get_restfrequency() == 1420405752.0
    assert theirs.unit() == "Jy/beam"
