"""Windows on coordinate records."""

from __future__ import annotations

import numpy as np
import pytest

from lattice.compat.casacore.images import image
from lattice.compat.casacore.images.coordinates import coordinatesystem
from lattice.compat.casacore.images.defaults import default_coordinates


def system(*shape: int) -> coordinatesystem:
    return coordinatesystem(default_coordinates(shape))


def test_changes_the_record_that_it_shows() -> None:
    cs = system(2, 3, 4, 5)
    cs["direction"].set_referencepixel(np.array([1.0, 2.0]))
    np.testing.assert_array_equal(cs.dict()["direction0"]["crpix"], [2.0, 1.0])
    np.testing.assert_array_equal(cs.get_coordinate("direction").get_referencepixel(), [1.0, 2.0])


def test_a_coordinate_can_be_put_into_another_system() -> None:
    a, b = system(4, 5), system(4, 5)
    part = a["direction"]
    part.set_projection("TAN")
    b["direction"] = part
    assert b["direction"].get_projection() == "TAN"


def test_summary_prints(capsys: pytest.CaptureFixture[str]) -> None:
    cs = system(4, 5)
    cs.summary()
    assert capsys.readouterr().out == str(cs) + "\n"
    assert "Projection      : SIN" in str(cs)


@pytest.mark.parametrize("name", ["ICRS", "icrs", "AZEL", "mecliptic"])
def test_takes_every_frame(name: str) -> None:
    part = system(4, 5)["direction"]
    part.set_frame(name)
    assert part.get_frame() == name.upper()


def test_frames_of_new_images_hold_for_their_positions() -> None:
    cs = system(8, 8)
    cs["direction"].set_frame("ICRS")
    cs["direction"].dict()["conversionSystem"] = "ICRS"
    im = image("", shape=[8, 8], coordsys=cs)
    assert im.coordinates()["direction"].get_frame() == "ICRS"


def test_conversion_layer() -> None:
    im = image("", shape=[8, 8])
    cs = im.coordinates()
    cs["direction"].set_frame("GALACTIC")
    shown = image("", shape=[8, 8], coordsys=cs)
    # the pixel at the galactic centre, in minutes of arc of J2000
    dec, ra = shown.toworld([4, 4])
    assert dec / 60 == pytest.approx(-28.936, abs=2e-3)
    assert ra / 60 % 360 == pytest.approx(266.405, abs=2e-3)
    assert shown.topixel([dec, ra]) == pytest.approx([4, 4], abs=1e-6)


def test_errors_are_those_of_python_casacore() -> None:
    cs = system(2, 4, 5)
    for call in (
        lambda: cs["direction"].set_projection("XYZ"),
        lambda: cs["direction"].set_frame("XYZ"),
        lambda: cs["direction"].set_referencevalue([1, 2, 3]),
        lambda: cs.set_referencepixel([1]),
        lambda: cs.set_coordinate("direction", cs["stokes"]),
    ):
        with pytest.raises(AssertionError):
            call()
    with pytest.raises(ValueError, match="there is stokes, direction"):
        cs["spectral"]
    with pytest.raises(LookupError):
        coordinatesystem({"telescope": "VLA"})


def test_rest_frequency_is_kept() -> None:
    cs = system(4)
    cs["spectral"].set_restfrequency(1.4e9)
    found = image("", shape=[4], coordsys=cs).coordinates()["spectral"]
    assert found.get_restfrequency() == 1.4e9
    assert list(found.dict()["restfreqs"]) == [1.4e9]


def test_conversion_of_spectra_is_set_part_by_part() -> None:
    part = system(4)["spectral"]
    part.set_conversion("system", "BARY")
    assert part.get_conversion()["system"] == "BARY"
    with pytest.raises(AssertionError):
        part.set_conversion("restfreq", 1)


def test_tabulated_spectra() -> None:
    rec = default_coordinates((3,))
    spectral = rec["spectral0"]
    del spectral["wcs"]
    table = np.array([1.0e9, 1.1e9, 1.4e9])
    spectral["tabular"] = {
        "crval": table[:1],
        "crpix": np.zeros(1),
        "cdelt": np.array([2e8]),
        "pc": np.eye(1),
        "axes": ["Frequency"],
        "units": ["Hz"],
        "pixelvalues": np.arange(3.0),
        "worldvalues": table,
    }
    im = image("", shape=[3], coordsys=coordinatesystem(rec))
    part = im.coordinates()["spectral"]
    assert (part.get_referencevalue(), part.get_referencepixel(), part.get_increment()) == (1e9, 0, 2e8)
    assert "1000000000.0 Hz" in str(part)
    assert im.toworld([2]) == [1.4e9]
    assert im.toworld([1.5]) == [1.25e9]
    assert im.topixel([1.05e9]) == pytest.approx([0.5])
    with pytest.raises(RuntimeError):
        im.toworld([7])
    with pytest.raises(AssertionError, match="tabulated"):
        part.set_increment(5)


def test_tabular_axes() -> None:
    rec = default_coordinates((4, 5))
    rec["tabular1"] = {
        "crval": np.array([1.0]),
        "crpix": np.zeros(1),
        "cdelt": np.ones(1),
        "pc": np.eye(1),
        "axes": ["Time"],
        "units": ["s"],
        "pixelvalues": np.arange(3.0),
        "worldvalues": np.array([1.0, 2.0, 5.0]),
    }
    numbers = np.array([2], np.int32)
    rec |= {
        "worldmap1": numbers,
        "pixelmap1": numbers,
        "worldreplace1": np.ones(1),
        "pixelreplace1": np.zeros(1),
    }
    cs = coordinatesystem(rec)
    part = cs["tabular"]
    part.set_worldvalues(np.array([1.0, 2.0, 6.0]))
    part.set_pixelvalues(np.arange(3.0))
    with pytest.raises(AssertionError):
        part.set_worldvalues([1.0])
    im = image("", shape=[3, 4, 5], coordsys=cs)
    assert im.coordinates().get_names() == ["tabular", "direction"]
    np.testing.assert_array_equal(im.coordinates()["tabular"].get_worldvalues(), [1, 2, 6])
    np.testing.assert_array_equal(im.coordinates()["tabular"].get_pixelvalues(), [0, 1, 2])
    assert im.toworld([1.5, 2, 2])[0] == pytest.approx(4.0)


def test_polarizations() -> None:
    cs = system(2, 4, 5)
    assert cs["stokes"].get_stokes() == ["I", "Q"]
    assert cs.get_unit() == [[], ["'", "'"]]
    assert [len(one.dict()) > 0 for one in cs] == [True] * len(cs)
