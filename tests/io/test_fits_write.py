"""FITS files that lattice writes: valid for astropy, complete or absent."""

from __future__ import annotations

import concurrent.futures
import os
import pickle
import subprocess
import sys

import numpy as np
import pytest
from astropy.io import fits

from lattice.coords.system import CoordinateSystem
from lattice.errors import FormatError, LatticeError, LatticeTypeError, OutputExistsError
from lattice.graph.protocols import Writer
from lattice.graph.sections import full, grid, split
from lattice.io.base import ImageSpec
from lattice.io.registry import by_name, open_stored
from tests.io.standard import check_standard
from tests.work import wait_until

RNG = np.random.default_rng(8)
FITS = by_name("fits")


def spec_of(values, **kw) -> ImageSpec:
    dims = tuple(f"axis{i}" for i in range(values.ndim))
    return ImageSpec(values.shape, dims, values.dtype, **kw)


def save(path, values, mask=None, sections=None, options=None, **kw) -> str:
    out = FITS.create(str(path), spec_of(values, masked=mask is not None, **kw), **(options or {}))
    with out:
        for section in sections or [full(values.shape)]:
            part = None if mask is None else mask[section]
            out.writer.write(section, np.array(values[section], order="C"), part)
    return str(path)


@pytest.mark.parametrize("dtype", ["f4", "f8", "?"])
@pytest.mark.parametrize("masked", [False, True])
def test_round_trip(tmp_path, dtype, masked):
    values = (
        (RNG.normal(size=(3, 40, 50)) > 0).astype(dtype) if dtype == "?" else RNG.normal(size=(3, 40, 50))
    )
    values = values.astype(dtype)
    mask = RNG.random(values.shape) > 0.4 if masked else None
    path = save(tmp_path / "o.fits", values, mask, list(split(full(values.shape), 700)))
    check_standard(path)
    stored = open_stored(path)
    got = stored.reader.read(full(values.shape))
    assert got.dtype == values.dtype
    if dtype == "?":
        good = np.ones(values.shape, bool) if mask is None else mask
        np.testing.assert_array_equal(got[good], values[good])
        assert set(stored.masks) == ({"mask0"} if masked else set())
        if masked:
            np.testing.assert_array_equal(stored.masks["mask0"].read(full(values.shape)), mask)
    else:
        expected = values if mask is None else np.where(mask, values, np.nan)
        np.testing.assert_array_equal(got, expected)
        np.testing.assert_array_equal(fits.getdata(path), expected)
        assert stored.nan_masked


def test_masks_as_extensions_keep_the_values_under_them(tmp_path):
    values = RNG.normal(size=(4, 5, 6)).astype("f4")
    values[0, 0, 0] = np.nan
    mask, other = RNG.random(values.shape) > 0.5, RNG.random(values.shape) > 0.5
    spec = spec_of(values, masked=True, mask_names=("mask0", "other"), default_mask="mask0")
    with FITS.create(str(tmp_path / "m.fits"), spec, mask="extension") as out:
        assert list(out.mask_writers) == ["other"]
        for section in grid(values.shape, (1, 5, 6)):
            out.writer.write(section, values[section].copy(), mask[section])
            out.mask_writers["other"].write(section, other[section].copy(), None)
    check_standard(tmp_path / "m.fits")
    stored = open_stored(str(tmp_path / "m.fits"))
    np.testing.assert_array_equal(stored.reader.read(full(values.shape)), values)
    assert stored.default_mask == "mask0"
    assert not stored.nan_masked
    np.testing.assert_array_equal(stored.masks["mask0"].read(full(values.shape)), mask)
    np.testing.assert_array_equal(stored.masks["other"].read(full(values.shape)), other)


def test_header_is_carried(tmp_path):
    cards = [("CTYPE1", "RA---SIN", ""), ("CTYPE2", "DEC--SIN", ""), ("CRPIX1", 2.0, ""),
             ("CDELT1", -1e-3, ""), ("CDELT2", 1e-3, ""), ("EQUINOX", 2000.0, "")]  # fmt: skip
    coords = CoordinateSystem.from_header(cards, (5, 6)).subset([slice(0, 5, 1), slice(1, 6, 2)])
    meta = (
        ("OBJECT", "M 13", "target"),
        ("COMMENT", "a comment " * 20, ""),
        ("CRPIX1", 99.0, "must not win"),
        ("DATAMAX", 7.0, "would be wrong"),
        ("NAXIS", 7, "would be wrong"),
        ("NOTE", "é" * 3 + "x" * 200, ""),
        ("DATE-OBS", "2020-01-01", ""),
    )
    history = ("lattice: " + "sin('a.fits') + " * 30, "second line")
    path = save(
        tmp_path / "h.fits",
        np.zeros((5, 3), "f4"),
        coords=coords,
        unit="Jy/beam",
        meta=meta,
        history=history,
        beams=((0.1, 0.05, 30.0),),
    )
    check_standard(path, may_warn=True)  # of CRPIX and CRVAL, which it has not
    header = fits.getheader(path)
    assert header["OBJECT"] == "M 13"
    assert header["BUNIT"] == "Jy/beam"
    assert (header["BMAJ"], header["BMIN"], header["BPA"]) == (0.1, 0.05, 30.0)
    assert header["CRPIX1"] == 1.0
    assert header["CDELT1"] == -2e-3
    assert "DATAMAX" not in header
    assert header["NAXIS"] == 2
    stored = open_stored(path)
    assert "".join(line.ljust(72) for line in stored.history).startswith(history[0].rstrip()[:400])
    assert stored.history[-1] == "second line"
    assert stored.unit == "Jy/beam"
    assert stored.beams == ((0.1, 0.05, 30.0),)


def test_saving_again_gives_the_same_bytes(tmp_path):
    values = RNG.normal(size=(3, 4)).astype("f4")
    a = save(tmp_path / "a.fits", values, meta=(("OBJECT", "x", ""),))
    b = save(tmp_path / "b.fits", values, meta=(("OBJECT", "x", ""),))
    with open(a, "rb") as f, open(b, "rb") as g:
        assert f.read() == g.read()


def test_beam_per_plane(tmp_path):
    beams = tuple((0.1 + i / 100, 0.05, float(i)) for i in range(4))
    path = save(tmp_path / "b.fits", np.zeros((4, 2, 3), "f4"), beams=beams)
    check_standard(path)
    np.testing.assert_allclose(open_stored(path).beams, beams, rtol=1e-6)
    table = fits.getdata(path, "BEAMS")
    np.testing.assert_allclose(table["BMAJ"], [360, 396, 432, 468], rtol=1e-6)


def test_beams_that_are_equal_along_further_axes(tmp_path):
    # CASA takes CHAN for channels, and ends when there are more of them than the image has.
    types = {"CTYPE1": "RA---SIN", "CTYPE2": "DEC--SIN", "CTYPE3": "FREQ", "CTYPE4": "STOKES", "CDELT3": 1e6}
    coords = CoordinateSystem.from_header([(k, v, "") for k, v in types.items()], (4, 2, 3, 5, 6))
    beams = tuple((0.1 + i / 100, 0.05, float(i)) for i in range(6)) * 4
    path = save(tmp_path / "b.fits", np.zeros((4, 2, 3, 5, 6), "f4"), beams=beams, coords=coords)
    header, table = fits.getheader(path, "BEAMS"), fits.getdata(path, "BEAMS")
    assert (header["NCHAN"], header["NPOL"], len(table)) == (3, 2, 6)
    np.testing.assert_array_equal(table["BPA"], [0, 1, 2, 3, 4, 5])
    np.testing.assert_array_equal(table["POL"], [0, 0, 0, 1, 1, 1])
    np.testing.assert_allclose(open_stored(path).beams, beams, rtol=1e-6)
    # Beams that differ along them have no other place.
    other = tuple((0.1 + i / 100, 0.05, float(i)) for i in range(24))
    path = save(tmp_path / "c.fits", np.zeros((4, 2, 3, 5, 6), "f4"), beams=other, coords=coords)
    np.testing.assert_allclose(open_stored(path).beams, other, rtol=1e-6)


def test_strange_sections_and_threads(tmp_path):
    values = RNG.normal(size=(5, 64, 70)).astype("f8")
    mask = RNG.random(values.shape) > 0.2
    sections = grid(values.shape, (2, 17, 23))
    out = FITS.create(str(tmp_path / "t.fits"), spec_of(values, masked=True))
    writer = pickle.loads(pickle.dumps(out.writer))
    assert isinstance(writer, Writer)
    with out, concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda s: writer.write(s, np.array(values[s], order="C"), mask[s]), sections))
    np.testing.assert_array_equal(fits.getdata(tmp_path / "t.fits"), np.where(mask, values, np.nan))


def write_plane(writer, i, shape):
    section = (slice(i, i + 1, 1), *full(shape[1:]))
    writer.write(section, np.full((1, *shape[1:]), i, "f4"), None)


def test_other_processes_write_the_same_file(tmp_path):
    shape = (6, 30, 40)
    out = FITS.create(str(tmp_path / "p.fits"), spec_of(np.zeros(shape, "f4")))
    with out, concurrent.futures.ProcessPoolExecutor(2) as pool:
        for job in [pool.submit(write_plane, out.writer, i, shape) for i in range(6)]:
            job.result()
    got = fits.getdata(tmp_path / "p.fits")
    np.testing.assert_array_equal(got, np.arange(6.0)[:, None, None] * np.ones(shape))


def test_read_only_and_strided_values_are_not_touched(tmp_path):
    values = np.arange(12, dtype="f4").reshape(3, 4)
    values.flags.writeable = False
    out = FITS.create(str(tmp_path / "r.fits"), spec_of(values.T))
    with out:
        out.writer.write(full((4, 3)), values.T, np.ones((4, 3), bool))
    np.testing.assert_array_equal(fits.getdata(tmp_path / "r.fits"), values.T)
    assert values[2, 3] == 11


@pytest.mark.parametrize(
    ("values", "error", "message"),
    [
        (np.zeros((2, 2), "c8"), LatticeTypeError, "complex"),
        (np.zeros((2, 2), "i4"), LatticeTypeError, "int32"),
        (np.zeros((), "f4"), FormatError, "single number"),
        (np.zeros((0, 4), "f4"), FormatError, "no pixels"),
    ],
)
def test_what_fits_cannot_hold(tmp_path, values, error, message):
    with pytest.raises(error, match=message):
        save(tmp_path / "x.fits", values)
    assert os.listdir(tmp_path) == []


def test_unknown_options_are_refused(tmp_path):
    for options in ({"mask": "blue"}, {"depth": 8}):
        with pytest.raises(LatticeError):
            save(tmp_path / "x.fits", np.zeros((2, 2), "f4"), options=options)
    with pytest.raises(FormatError, match="this kind of compression"):
        save(tmp_path / "x.fits.bz2", np.zeros((2, 2), "f4"))


def test_existing_file_needs_overwrite(tmp_path):
    path = save(tmp_path / "x.fits", np.zeros((2, 2), "f4"))
    with pytest.raises(OutputExistsError, match="overwrite"):
        save(path, np.ones((2, 2), "f4"))
    save(path, np.ones((2, 2), "f4"), options={"overwrite": True, "sync": True})
    assert fits.getdata(path).sum() == 4
    assert os.listdir(tmp_path) == ["x.fits"]


def test_saving_over_the_source(tmp_path):
    values = RNG.normal(size=(8, 100, 100)).astype("f4")
    path = save(tmp_path / "x.fits", values)
    reader = open_stored(path).reader
    with FITS.create(path, spec_of(values), overwrite=True) as out:
        for section in grid(values.shape, (1, 100, 100)):
            out.writer.write(section, reader.read(section) * 2, None)
    np.testing.assert_array_equal(fits.getdata(path), values * 2)
    np.testing.assert_array_equal(open_stored(path).reader.read(full(values.shape)), values * 2)


def test_an_error_leaves_nothing(tmp_path):
    def fail():
        with FITS.create(str(tmp_path / "x.fits"), spec_of(np.zeros((4, 4)))) as out:
            assert len(os.listdir(tmp_path)) == 1
            out.writer.write(full((4, 4)), np.zeros((4, 4)), None)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert os.listdir(tmp_path) == []


def test_a_forgotten_output_is_removed(tmp_path):
    out = FITS.create(str(tmp_path / "x.fits"), spec_of(np.zeros((4, 4))))
    del out
    assert os.listdir(tmp_path) == []


KILLED = """
import os, signal, sys
import numpy as np
from lattice.graph.sections import full
from lattice.io.base import ImageSpec
from lattice.io.registry import for_writing
path = sys.argv[1]
shape = (4, 300, 300)
out = for_writing(path).create(path, ImageSpec(shape, ("a", "b", "c"), np.dtype("f4")), overwrite=True)
out.writer.write((slice(0, 2, 1), *full(shape[1:])), np.ones((2, 300, 300), "f4"), None)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("name", ["x.fits", "x.zarr"])
@pytest.mark.parametrize("existing", [False, True])
def test_kill_leaves_the_old_file_or_none(tmp_path, name, existing):
    path = tmp_path / name
    values = np.full((4, 300, 300), 7, "f4")
    form = by_name(name[2:])

    def write():
        with form.create(str(path), spec_of(values), overwrite=True) as out:
            out.writer.write(full(values.shape), values.copy(), None)

    if existing:
        write()
    done = subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False)
    assert done.returncode == -9
    assert path.exists() == existing
    if existing:
        assert open_stored(str(path)).reader.read(full(values.shape)).min() == 7
    hidden = [n for n in os.listdir(tmp_path) if n.startswith(".")]
    assert len(hidden) == 1

    def clean() -> bool:
        write()
        return os.listdir(tmp_path) == [name]

    wait_until(clean, "the next save to clean up")  # the dead process may still be listed for a moment
