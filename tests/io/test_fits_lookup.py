"""Coordinates in tables (-TAB), against astropy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS

import lattice

NODES = np.array([1.0, 1.5, 2.5, 2.75, 6.0, 9.0])
INDEX = np.array([0.0, 1.0, 2.0, 4.0, 8.0, 10.0])
BASE = {
    "CTYPE1": "RA---SIN", "CRPIX1": 3.0, "CRVAL1": 10.0, "CDELT1": -0.1, "CUNIT1": "deg",
    "CTYPE2": "DEC--SIN", "CRPIX2": 2.0, "CRVAL2": 20.0, "CDELT2": 0.1, "CUNIT2": "deg",
    "CTYPE3": "FREQ-TAB", "CRPIX3": 1.0, "CRVAL3": 1.0, "CDELT3": 1.0, "CUNIT3": "Hz",
    "PS3_0": "WCS-table", "PS3_1": "coords",
}  # fmt: skip


def written(path: Path, more: dict[str, Any], n: int = 6, version: int = 1, dim: str = "(1,6)") -> Path:
    """Write a cube with a table of nodes and their index."""
    image = fits.PrimaryHDU(np.zeros((n, 4, 5), "f4"))
    image.header.update({k: v for k, v in (BASE | more).items() if v is not None})
    columns = [
        fits.Column("flags", "3X", array=np.zeros((1, 3), bool)),
        fits.Column("coords", "6D", dim=dim, array=NODES.reshape(1, 6, 1)),
        fits.Column("index", "6E", array=INDEX.reshape(1, 6)),
    ]
    table = fits.BinTableHDU.from_columns(columns, name="WCS-table", ver=version)
    fits.HDUList([image, fits.ImageHDU(name="other"), table]).writeto(path, overwrite=True)
    return path


def of_astropy(path: Path, n: int = 6) -> np.ndarray:
    with fits.open(path) as file:
        wcs = WCS(file[0].header, file)
        return np.asarray(wcs.wcs_pix2world(np.stack([[2] * n, [1] * n, range(n)], axis=1), 0))[:, 2]


@pytest.mark.parametrize(
    ("more", "n"),
    [
        ({}, 6),
        ({"CRVAL3": 1.25, "CDELT3": 0.5}, 9),
        ({"CRVAL3": 6.0, "CDELT3": -1.0, "CRPIX3": 1.0}, 6),
        ({"PS3_2": "index", "CRVAL3": 0.0, "CDELT3": 2.0}, 6),
        ({"PS3_2": "index", "CRVAL3": -0.4, "CDELT3": 1.1}, 10),
        ({"PS3_2": "index", "CRVAL3": 0.0, "CD3_3": 1.5, "CD1_1": -0.1, "CD2_2": 0.1}, 7),
        ({"PV3_1": 1, "PV3_2": 1, "PV3_3": 1}, 6),
    ],
)
def test_frequencies_are_those_of_astropy(tmp_path: Path, more: dict[str, Any], n: int) -> None:
    path = written(tmp_path / "a.fits", more, n)
    image = lattice.open(path)
    expected = of_astropy(path, n)
    np.testing.assert_allclose(image.coords.to_world(np.arange(n), 1, 2)[0], expected, rtol=1e-12)
    np.testing.assert_allclose(image.to_xarray()["frequency"].values, expected, rtol=1e-12)
    back = image.coords.to_pixel(
        expected[1:-1], *(v[1:-1] for v in image.coords.to_world(np.arange(n), 1, 2)[1:])
    )
    np.testing.assert_allclose(back[0], np.arange(1, n - 1), atol=1e-9)


def test_units_of_tables(tmp_path: Path) -> None:
    path = written(tmp_path / "c.fits", {"CUNIT3": "GHz"})
    np.testing.assert_allclose(lattice.open(path).coords.to_world(np.arange(6), 1, 2)[0], NODES * 1e9)
    path = written(tmp_path / "a.fits", {"CTYPE3": "WAVE-TAB", "CUNIT3": "um"})
    assert lattice.open(path).coords.world_units[0] == "Hz"
    found = lattice.open(path).coords.to_world(np.arange(6), 1, 2)[0]
    np.testing.assert_allclose(found, 299_792_458.0 / (NODES * 1e-6), rtol=1e-14)
    path = written(tmp_path / "b.fits", {"CTYPE3": "TIME-TAB", "CUNIT3": "s"})
    image = lattice.open(path)
    assert image.coords.world_units[0] == "s"
    np.testing.assert_allclose(image.coords.to_world(np.arange(6), 1, 2)[0], NODES)
    np.testing.assert_allclose(image[::2].coords.to_world(np.arange(3), 1, 2)[0], NODES[::2])


@pytest.mark.parametrize(
    "more",
    [
        {"PS3_0": "nowhere"},
        {"PS3_1": "nothing"},
        {"PS3_1": "flags"},
        {"PS3_1": None},
        {"PS3_2": "nothing"},
        {"PV3_1": 2},
        {"PV3_3": 2},
        {"CRVAL3": 4.0},  # beyond the table
        {"CRVAL3": "text"},
        {"PC3_1": 0.5},
        {"CUNIT3": "furlong"},
        {"CTYPE3": "VOPT-TAB", "CUNIT3": "m/s"},
    ],
)
def test_what_a_table_does_not_give_is_unknown(tmp_path: Path, more: dict[str, Any]) -> None:
    if more == {"CRVAL3": "text"}:
        more = {"CRVAL3": "text", "CRPIX3": 3.0}
    image = lattice.open(written(tmp_path / "a.fits", more))
    assert np.isnan(image.coords.to_world(np.arange(6), 1, 2)[0]).all()


def test_damaged_tables_are_left_out(tmp_path: Path) -> None:
    path = written(tmp_path / "a.fits", {}, dim="(2,3)")
    assert np.isnan(lattice.open(path).coords.to_world(0, 1, 2)[0])
    path = written(tmp_path / "b.fits", {})
    data = path.read_bytes()
    for old, new in (
        (b"TFORM2  = '6D      '", b"TFORM2  = '9Z      '"),
        (b"TFORM2  = '6D      '", b"TFORM2  = '9D      '"),
        (b"TFIELDS =                    3", b"TFIELDS =                  'x'"),
    ):
        assert old in data
        assert len(old) == len(new)
        path.write_bytes(data.replace(old, new))
        assert np.isnan(lattice.open(path).coords.to_world(0, 1, 2)[0])
