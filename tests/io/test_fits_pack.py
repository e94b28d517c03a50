"""Compressed FITS that lattice writes: whole for astropy and fitsverify, in any order, from anywhere."""

from __future__ import annotations

import concurrent.futures
import gzip
import os
import pickle
import subprocess
import sys
import warnings

import numpy as np
import pytest
from astropy.io import fits

import lattice
from lattice.errors import FormatError, LatticeError, LatticeWarning, StorageError
from lattice.graph.sections import full, grid
from lattice.io.base import ImageSpec
from lattice.io.registry import by_name, open_stored
from tests.io.standard import check_standard

RNG = np.random.default_rng(4)
FITS = by_name("fits")


def image_of(values, **parts) -> lattice.Image:
    return lattice.Image(values, **parts)


def saved(image, path, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LatticeWarning)
        return image.save(path, overwrite=True, **options)


SHAPES = [(3, 130, 270), (70001,), (1, 1), (3, 4)]
LOSSLESS = [{"compress": True}, {"compress": "gzip"}, {"compress": "GZIP2", "level": 6, "tile": -1}]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", ["f4", "f8", "?"])
@pytest.mark.parametrize("options", LOSSLESS)
@pytest.mark.parametrize("masked", [None, "nan", "extension"])
def test_nothing_is_lost(tmp_path, shape, dtype, options, masked):
    values = (RNG.random(shape) > 0.5) if dtype == "?" else RNG.normal(size=shape).astype(dtype)
    mask = RNG.random(shape) > 0.3
    image = image_of(values, mask=mask, masks={"other": ~mask}) if masked else image_of(values)
    back = saved(image, tmp_path / "a.fits.fz", mask=masked or "nan", **options)
    check_standard(tmp_path / "a.fits.fz")
    theirs = fits.getdata(tmp_path / "a.fits.fz", 1)
    if masked is None:
        np.testing.assert_array_equal(back.values, values)
        np.testing.assert_array_equal(theirs.astype(values.dtype), values)
        return
    got = back.to_masked_array()
    np.testing.assert_array_equal(np.ma.getmaskarray(got), ~mask)
    np.testing.assert_array_equal(got.data[mask], values[mask])
    if masked == "extension":
        np.testing.assert_array_equal(lattice.open(str(tmp_path / "a.fits.fz"), mask=None).values, values)
        np.testing.assert_array_equal(theirs.astype(values.dtype), values)
        again = lattice.open(str(tmp_path / "a.fits.fz"), mask="other").to_masked_array()
        np.testing.assert_array_equal(np.ma.getmaskarray(again), mask)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("compress", [True, "gzip", "gzip2", "hcompress"])
@pytest.mark.parametrize("dither", [0, 1, 2])
def test_quantised(tmp_path, dtype, compress, dither):
    values = RNG.normal(size=(2, 128, 260)).astype(dtype)
    values[0, 3, 4:9] = np.nan
    values[1, :64] = 0
    options = {"compress": compress, "quantize": 16, "dither": dither, "seed": 77, "tile": (1, 64, 65)}
    back = saved(image_of(values), tmp_path / "a.fits", **options)
    check_standard(tmp_path / "a.fits")
    got = back.values
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        np.testing.assert_array_equal(got, fits.getdata(tmp_path / "a.fits", 1))
    assert np.isnan(got[0, 3, 4:9]).all()
    assert np.isnan(got).sum() == 5
    assert 0 < np.nanmax(np.abs(got - values)) < 0.6 / 16
    assert (got[1, :64] == 0).all()
    header = fits.getheader(tmp_path / "a.fits", 1)
    assert "BLANK" not in header
    size = os.path.getsize(tmp_path / "a.fits")
    assert size < 0.5 * values.nbytes


def test_quantised_with_a_given_step(tmp_path):
    values = RNG.normal(size=(64, 64)).astype("f4")
    back = saved(image_of(values), tmp_path / "a.fits.fz", quantize=-0.25, dither="none")
    assert np.abs(back.values - values).max() <= 0.1251
    steps = np.diff(np.unique(back.values)) / 0.25
    np.testing.assert_allclose(steps, steps.round(), atol=1e-4)


def test_equal_images_give_equal_files(tmp_path):
    values = RNG.normal(size=(100, 100)).astype("f4")
    for options in ({}, {"quantize": 4}):
        saved(image_of(values), tmp_path / "a.fits.fz", **options)
        saved(image_of(values), tmp_path / "b.fits.fz", **options)
        a, b = (tmp_path / n for n in ("a.fits.fz", "b.fits.fz"))
        assert a.read_bytes() == b.read_bytes()


def test_header_of_a_compressed_image(tmp_path):
    meta = [("OBJECT", "M 13", ""), ("TFORM1", "bad", ""), ("ZTILE1", 3, ""), ("EXTNAME", "SCI", "")]
    image = image_of(
        RNG.normal(size=(2, 3, 20, 30)).astype("f4"), unit="Jy/beam", meta=meta, beam=[(1e-3, 1e-3, 0.0)] * 6
    )
    back = saved(image, tmp_path / "a.fits.fz")
    check_standard(tmp_path / "a.fits.fz")
    assert back.unit == "Jy/beam"
    assert len(back.beams) == 6
    assert back.meta["OBJECT"] == "M 13"
    assert lattice.open(str(tmp_path / "a.fits.fz") + "[SCI]").shape == image.shape
    raw = fits.open(tmp_path / "a.fits.fz", disable_image_compression=True)[1].header
    assert raw["TFORM1"].startswith("1PB(")
    assert raw["ZTILE1"] == 30


def spec_of(values, **parts) -> ImageSpec:
    dims = tuple(f"axis{i}" for i in range(values.ndim))
    return ImageSpec(values.shape, dims, values.dtype, **parts)


def write_part(writer, section, values, mask) -> None:
    writer.write(section, values, mask)


@pytest.mark.parametrize(
    "pool", [concurrent.futures.ThreadPoolExecutor, concurrent.futures.ProcessPoolExecutor]
)
def test_tiles_in_any_order_from_threads_and_processes(tmp_path, pool):
    values = RNG.normal(size=(5, 64, 70)).astype("f4")
    mask, other = RNG.random(values.shape) > 0.2, RNG.random(values.shape) > 0.5
    spec = spec_of(values, masked=True, mask_names=("other",), default_mask="mask0")
    out = FITS.create(str(tmp_path / "a.fits.fz"), spec, mask="extension", tile=(1, 16, 32))
    sections = grid(values.shape, (2, 32, 64))
    order = RNG.permutation(len(sections))
    with out, pool(2) as workers:
        jobs = []
        for i in order:
            s = sections[i]
            parts = [
                (out.writer, values[s].copy(), mask[s].copy()),
                (out.mask_writers["other"], other[s].copy(), None),
            ]
            jobs += [workers.submit(write_part, pickle.loads(pickle.dumps(w)), s, v, m) for w, v, m in parts]
        for job in jobs:
            job.result()
    check_standard(tmp_path / "a.fits.fz")
    stored = open_stored(str(tmp_path / "a.fits.fz"))
    np.testing.assert_array_equal(stored.reader.read(full(values.shape)), values)
    np.testing.assert_array_equal(stored.masks["mask0"].read(full(values.shape)), mask)
    np.testing.assert_array_equal(stored.masks["other"].read(full(values.shape)), other)
    assert os.listdir(tmp_path) == ["a.fits.fz"]


def test_parts_of_tiles_are_refused(tmp_path):
    values = np.zeros((64, 64), "f4")
    out = FITS.create(str(tmp_path / "a.fits.fz"), spec_of(values), tile=(32, 32))
    with out:
        with pytest.raises(LatticeError, match="whole tiles"):
            out.writer.write((slice(0, 16, 1), slice(0, 32, 1)), values[:16, :32], None)
        out.writer.write(full((64, 64)), values, None)


def test_a_tile_that_was_never_written_is_found_out(tmp_path):
    values = np.zeros((64, 64), "f4")

    def forget():
        with FITS.create(str(tmp_path / "a.fits.fz"), spec_of(values), tile=(32, 32)) as out:
            out.writer.write((slice(0, 32, 1), slice(0, 64, 1)), values[:32], None)

    with pytest.raises(FormatError, match="tile 2 of the image was never written"):
        forget()
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("options", [{}, {"quantize": 8}])
def test_large_images_have_64_bit_descriptors(tmp_path, monkeypatch, options):
    from lattice.io import fits_pack

    monkeypatch.setattr(fits_pack, "_SMALL_HEAP", 1000)
    values = RNG.normal(size=(60, 70)).astype("f4")
    back = saved(image_of(values), tmp_path / "a.fits.fz", **options)
    check_standard(tmp_path / "a.fits.fz")
    raw = fits.open(tmp_path / "a.fits.fz", disable_image_compression=True)[1].header
    assert raw["TFORM1"].startswith("1QB(")
    np.testing.assert_array_equal(back.values, fits.getdata(tmp_path / "a.fits.fz"))
    assert np.abs(back.values - values).max() < 0.1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"compress": "lzma"}, "'lzma' is not known"),
        ({"compress": "rice"}, "cannot pack floating-point numbers without loss"),
        ({"compress": "rice", "bitpix": 64}, "cannot pack 64-bit integers"),
        ({"compress": False}, "asks for compression"),
        ({"tile": (1, 2, 3)}, "one length for each"),
        ({"tile": (0, 2)}, "is no shape"),
        ({"tile": "big"}, "is no shape"),
        ({"level": 0}, "no level of gzip"),
        ({"quantize": 0}, "steps per noise"),
        ({"quantize": True}, "not a number"),
        ({"quantize": 4, "bitpix": 16}, "for floating-point numbers"),
        ({"quantize": 4, "dither": 3}, "dither=3"),
        ({"quantize": 4, "seed": 0}, "seed=0"),
        ({"seed": 5}, "goes with quantize= only"),
        ({"compress": "hcompress", "quantize": 4, "tile": (3, 9)}, "at least 4 x 4"),
        ({"quantise": 4}, "quantize"),
        ({"velocity": True}, "style='casa' only"),
        ({"style": "aips"}, "style='aips'"),
    ],
)
def test_options_that_make_no_sense(tmp_path, options, message):
    with pytest.raises(LatticeError, match=message):
        image_of(np.zeros((9, 9), "f4")).save(tmp_path / "a.fits.fz", **options)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("a.fits", {"tile": 5}, "goes with compress= or a name in .fz only"),
        ("a.fits", {"level": 5}, "level= goes with"),
        ("a.fits.gz", {"compress": True}, "choose one"),
    ],
)
def test_options_of_other_names(tmp_path, name, options, message):
    with pytest.raises(LatticeError, match=message):
        image_of(np.zeros((9, 9), "f4")).save(tmp_path / name, **options)


# -- gzip -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(3, 4), (9, 300, 300)])
@pytest.mark.parametrize("level", [None, 9])
def test_whole_file_by_gzip(tmp_path, shape, level):
    values = RNG.normal(size=shape).astype("f4").round(2)
    options = {} if level is None else {"level": level}
    back = saved(image_of(values), tmp_path / "a.fits.gz", **options)
    np.testing.assert_array_equal(back.values, values)
    check_standard(tmp_path / "a.fits.gz")
    np.testing.assert_array_equal(fits.getdata(tmp_path / "a.fits.gz"), values)
    saved(image_of(values), tmp_path / "b.fits")
    assert gzip.decompress((tmp_path / "a.fits.gz").read_bytes()) == (tmp_path / "b.fits").read_bytes()
    done = subprocess.run(["gzip", "-t", str(tmp_path / "a.fits.gz")], check=False)
    assert done.returncode == 0
    assert sorted(os.listdir(tmp_path)) == ["a.fits.gz", "b.fits"]


def test_an_error_leaves_nothing(tmp_path):
    values = np.zeros((4, 4), "f4")

    def fail(name, **options):
        with FITS.create(str(tmp_path / name), spec_of(values), **options) as out:
            assert len(os.listdir(tmp_path)) >= 1
            out.writer.write(full((4, 4)), values.copy(), None)
            raise RuntimeError

    for name, options in (("a.fits.gz", {}), ("a.fits.fz", {}), ("a.fits", {"bitpix": 16})):
        with pytest.raises(RuntimeError):
            fail(name, **options)
        assert os.listdir(tmp_path) == []


FULL = """
import resource, signal, sys
import numpy as np, lattice
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
values = np.random.default_rng(0).normal(size=(1000, 1000)).astype("f4")
try:
    lattice.Image(values).save(sys.argv[1])
except lattice.LatticeError as exc:
    print(type(exc).__name__)
"""


@pytest.mark.parametrize("name", ["a.fits.fz", "a.fits.gz"])
def test_no_room_on_the_disk(tmp_path, name):
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path / name)], capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == StorageError.__name__, done.stderr
    assert os.listdir(tmp_path) == []
