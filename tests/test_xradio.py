"""The image schema of xradio: out, back, and read by xradio itself where it is installed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import lattice
from lattice import Image
from lattice.errors import CoordinateError
from tests.coords.headers import CAR_PC, CUBE, SIN

xr = pytest.importorskip("xarray")

SHAPE = (3, 2, 6, 7)
META = {"OBJECT": "M31", "TELESCOP": "VLA", "OBSERVER": "me"}
HEADER = CUBE | {"DATE-OBS": "2020-01-01T00:00:00.0"}


def cube(header: dict[str, object] = HEADER, **more: object) -> Image:
    values = np.random.default_rng(1).normal(size=SHAPE).astype("f4")
    given = {"unit": "Jy/beam", "meta": META, "beam": (0.05, 0.03, 20.0)} | more
    return Image(values, wcs=header, mask=values > -1, **given)


def test_the_schema() -> None:
    image = cube()
    found = image.to_xradio()
    assert dict(found.sizes) == {
        "time": 1,
        "frequency": 3,
        "polarization": 2,
        "l": 7,
        "m": 6,
        "beam_params_label": 3,
    }
    assert found.SKY.dims == ("time", "frequency", "polarization", "l", "m")
    np.testing.assert_array_equal(found.SKY[0], image.values.transpose(0, 1, 3, 2))
    np.testing.assert_array_equal(found.FLAG_SKY[0], ~image.mask.compute().transpose(0, 1, 3, 2))
    assert list(found.polarization.values) == ["I", "Q"]
    assert float(found.time[0]) == 58849
    sky = image.coords.pixel_to_sky(*np.mgrid[0:6, 0:7])
    np.testing.assert_allclose(found.right_ascension, sky.ra.rad.T, atol=1e-12)
    np.testing.assert_allclose(found.declination, sky.dec.rad.T, atol=1e-12)
    np.testing.assert_allclose(found.l, np.deg2rad(-0.01) * (np.arange(7) - 30.25))
    np.testing.assert_allclose(found.BEAM_FIT_PARAMS_SKY[0, 2, 1], np.deg2rad([0.05, 0.03, 20.0]))
    assert found.attrs["data_groups"]["base"]["flag"] == "FLAG_SKY"


@pytest.mark.parametrize(
    "cards", [{}, CAR_PC, {"CD1_1": -0.01, "CD1_2": 0.002, "CD2_1": 0.001, "CD2_2": 0.011}]
)
def test_there_and_back(cards: dict[str, object]) -> None:
    rest = {k: v for k, v in HEADER.items() if "CD1_1" not in cards or not k.startswith("CDELT")}
    if "CD1_1" in cards:
        rest |= {"CD3_3": 1.0, "CD4_4": 1e6}
    image = cube(rest | cards)
    again = Image.from_xarray(image.to_xradio())
    assert again.coords.compare(image.coords, 1e-6, SHAPE) is None
    np.testing.assert_array_equal(again.to_masked_array(), image.to_masked_array())
    assert again.unit == "Jy/beam"
    np.testing.assert_allclose(again.beams, image.beams)
    assert {k: again.meta[k] for k in META} == META


def test_beams_of_planes() -> None:
    beams = [(0.05 + 0.001 * k, 0.03, 20.0) for k in range(6)]
    found = cube(beam=beams).to_xradio()
    np.testing.assert_allclose(found.BEAM_FIT_PARAMS_SKY[0, 1, 1, 0], np.deg2rad(0.053))
    np.testing.assert_allclose(Image.from_xarray(found).beams, beams)


def test_axes_that_were_cut_come_back() -> None:
    image = cube()
    plane = image[1, 1].to_xradio()
    assert plane.SKY.shape == (1, 1, 1, 7, 6)
    np.testing.assert_allclose(plane.frequency, image.coords.frequencies(3)[1:2])
    assert list(plane.polarization.values) == ["Q"]
    again = Image.from_xarray(plane)
    assert again.coords.compare(image[1:2, 1:2].coords, 1e-6, again.shape) is None
    order = (3, 1, 0, 2)
    swapped = Image(image.values.transpose(order), wcs=image.coords.select(order), beam=(0.05, 0.03, 20.0))
    np.testing.assert_array_equal(swapped.to_xradio().SKY, image.to_xradio().SKY)


def test_what_does_not_fit() -> None:
    for image, reason in [
        (Image(np.zeros((3, 4))), "two sky axes"),
        (Image(np.zeros((3, 4)), wcs=SIN), "needs a frequency"),
        (cube()[:, :, 2], "two sky axes"),
    ]:
        with pytest.raises(CoordinateError, match=reason):
            image.to_xradio()
    found = cube().to_xradio()
    with pytest.raises(lattice.LatticeTypeError, match="no sky image"):
        Image.from_xarray(found, name="SKY_MODEL")


def test_xradio_accepts_and_reads_it(tmp_path: Path) -> None:
    xradio = pytest.importorskip("xradio.image")
    image = cube()
    found = image.to_xradio()
    assert not list(xradio.check_image(found))
    name = str(tmp_path / "sky.img.zarr")
    xradio.write_image(found, name, out_format="zarr")
    theirs = xradio.open_image(name)
    assert not list(xradio.check_image(theirs))
    again = Image.from_xarray(theirs)
    assert again.coords.compare(image.coords, 1e-6, SHAPE) is None
    np.testing.assert_array_equal(again.to_masked_array(), image.to_masked_array())


def test_what_xradio_reads_is_read(tmp_path: Path) -> None:
    xradio = pytest.importorskip("xradio.image")
    image = cube()
    image.save(tmp_path / "cube.fits")
    theirs = Image.from_xarray(xradio.open_image(str(tmp_path / "cube.fits")))
    assert theirs.coords.compare(image.coords, 1e-6, SHAPE) is None
    np.testing.assert_array_equal(theirs.to_masked_array(), image.to_masked_array())
