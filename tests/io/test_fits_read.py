"""FITS pixels and headers, against astropy."""

from __future__ import annotations

import concurrent.futures
import glob
import gzip
import os
import pickle
import warnings

import astropy
import numpy as np
import pytest
from astropy.io import fits
from hypothesis import given, settings
from hypothesis import strategies as st

from lattice.errors import FormatError, ImageNotFoundError, LatticeError, LatticeWarning, StorageError
from lattice.graph.protocols import Reader
from lattice.graph.sections import full, shape_of
from lattice.io import files
from lattice.io.files import counting
from lattice.io.registry import open_stored
from tests.work import lines_of

RNG = np.random.default_rng(5)


def write_raw(path, raw: np.ndarray, **cards) -> str:
    """Write stored numbers with scaling cards, which astropy would otherwise apply."""
    hdu = fits.PrimaryHDU(raw)
    hdu.writeto(path, overwrite=True)
    with fits.open(path, mode="update", do_not_scale_image_data=True) as hdus:
        hdus[0].header.update(cards)
    return str(path)


def sections(shape):
    def one(n):
        return st.tuples(st.integers(0, n), st.integers(0, n), st.integers(1, 7)).map(
            lambda t: slice(min(t[:2]), max(t[:2]), t[2])
        )

    return st.tuples(*(one(n) for n in shape))


STORED = {8: "u1", 16: ">i2", 32: ">i4", 64: ">i8", -32: ">f4", -64: ">f8"}
RESULT = {8: "f4", 16: "f4", 32: "f8", 64: "f8", -32: "f4", -64: "f8"}


@pytest.mark.parametrize("bitpix", STORED)
@pytest.mark.parametrize("scaling", [{}, {"BSCALE": 2.5, "BZERO": -3.25}, {"BZERO": 7}, {"BSCALE": 1e-3}])
@pytest.mark.parametrize("blank", [None, 3])
def test_bitpix_scaling_blank(tmp_path, bitpix, scaling, blank):
    if bitpix < 0:
        raw = RNG.normal(size=(4, 5, 6)).astype(STORED[bitpix])
        raw[0, 0, 0] = np.nan
    else:
        raw = RNG.integers(0, 100, (4, 5, 6)).astype(STORED[bitpix])
        raw[0, 0, :3] = 3
    cards = dict(scaling) | ({"BLANK": blank} if blank is not None else {})
    path = write_raw(tmp_path / "a.fits", raw, **cards)
    stored = open_stored(path)
    reader = stored.reader
    assert isinstance(reader, Reader)
    assert reader.dtype == np.dtype(RESULT[bitpix])
    expected = raw.astype("f8") * scaling.get("BSCALE", 1) + scaling.get("BZERO", 0)
    if bitpix > 0 and blank is not None:
        expected[raw == blank] = np.nan
    expected = expected.astype(RESULT[bitpix])
    got = reader.read(full(raw.shape))
    np.testing.assert_array_equal(got, expected)
    section = (slice(1, 4, 2), slice(0, 5, 3), slice(1, 6, 2))
    np.testing.assert_array_equal(reader.read(section), expected[1:4:2, 0:5:3, 1:6:2])
    assert stored.nan_masked == (bitpix < 0 or blank is not None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = fits.getdata(path).astype("f8")
    np.testing.assert_allclose(got, theirs, rtol=1e-6, atol=1e-6)  # astropy rounds twice


@pytest.mark.parametrize("dtype", ["u2", "u4", "u8", "i1"])
def test_unsigned_convention(tmp_path, dtype):
    info = np.iinfo(dtype)
    values = np.array([[info.min, info.max, 5], [1, 2, info.max - 1]], dtype)
    fits.writeto(tmp_path / "u.fits", values)
    reader = open_stored(str(tmp_path / "u.fits")).reader
    assert np.array_equal(reader.read(full((2, 3))), values.astype(reader.dtype))


def test_large_offsets_keep_neighbours_apart(tmp_path):
    raw = np.arange(6, dtype=">i2").reshape(2, 3)
    reader = open_stored(write_raw(tmp_path / "a.fits", raw, BSCALE=1e-6, BZERO=1000.0)).reader
    assert reader.dtype == np.float64
    np.testing.assert_allclose(np.diff(reader.read(full((2, 3)))[0]), 1e-6, rtol=1e-6)


SHAPE = (7, 40, 300)


@pytest.fixture(scope="module")
def cube(tmp_path_factory):
    values = RNG.normal(size=SHAPE).astype("f4")
    path = tmp_path_factory.mktemp("cube") / "cube.fits"
    fits.writeto(path, values)
    return values, open_stored(str(path)).reader


@given(section=sections(SHAPE))
@settings(max_examples=150, deadline=None)
def test_random_sections(cube, section):
    values, reader = cube
    with counting() as count:
        got = reader.read(section)
    np.testing.assert_array_equal(got, values[section])
    assert count.bytes == reader.bytes_read(section)
    out = np.empty(shape_of(section), "f4")
    assert reader.read(section, out) is out
    np.testing.assert_array_equal(out, values[section])


@pytest.mark.parametrize("shape", [(3, 900, 1100), (4000, 700), (3_000_000,)])
def test_sections_larger_than_the_scratch_buffer(tmp_path, shape):
    raw = RNG.integers(-30000, 30000, shape).astype(">i2")
    for name, cards, dtype in (("i", {}, ">i2"), ("f", {}, ">f4")):
        values = raw.astype(dtype)
        reader = open_stored(write_raw(tmp_path / f"{name}.fits", values, **cards)).reader
        for jumps in ((1, 1, 1), (1, 1, 3), (1, 2, 1), (2, 3, 5), (1, 450, 1), (1, 1, 1000)):
            section = tuple(slice(1, n - 1, j) for n, j in zip(shape, jumps[-len(shape) :], strict=True))
            with counting() as count:
                got = reader.read(section)
            np.testing.assert_array_equal(got, values[section])
            assert count.bytes == reader.bytes_read(section)


def test_cut_out_reads_only_its_pixels(cube):
    _, reader = cube
    section = (slice(3, 4, 1), slice(5, 7, 1), slice(9, 11, 1))
    with counting() as count:
        reader.read(section)
    assert count.bytes == 16
    assert reader.direct


def test_threads_and_pickling(cube):
    values, reader = cube
    copy = pickle.loads(pickle.dumps(reader))
    assert copy.token == reader.token == reader.__dask_tokenize__()
    rng = np.random.default_rng(3)
    jobs = []
    for _ in range(200):
        a = [sorted(rng.integers(0, n + 1, 2)) for n in SHAPE]
        jobs.append(tuple(slice(int(lo), int(hi), 1) for lo, hi in a))
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        for section, got in zip(jobs, pool.map(copy.read, jobs), strict=True):
            np.testing.assert_array_equal(got, values[section])


def test_pickled_reader_in_another_process(cube):
    values, reader = cube
    section = (slice(2, 3, 1), slice(0, 40, 5), slice(0, 300, 1))
    with concurrent.futures.ProcessPoolExecutor(1) as pool:
        np.testing.assert_array_equal(pool.submit(reader.read, section).result(), values[section])


def multi(path) -> str:
    hdus = [
        fits.PrimaryHDU(),
        fits.BinTableHDU.from_columns([fits.Column("A", "E", array=np.arange(3.0))], name="CAT"),
        fits.ImageHDU(np.full((2, 3), 1.0, "f4"), name="SCI", ver=1),
        fits.ImageHDU(np.full((2, 3), 2.0, "f8"), name="ERR"),
        fits.ImageHDU(np.full((4, 5), 3.0, "f4"), name="SCI", ver=2),
    ]
    fits.HDUList(hdus).writeto(path)
    return str(path)


@pytest.mark.parametrize(
    ("suffix", "keywords", "value"),
    [
        ("", {}, 1),
        ("[2]", {}, 1),
        ("[SCI]", {}, 1),
        ("[sci,2]", {}, 3),
        ("[SCI, 2]", {}, 3),
        ("[ERR]", {}, 2),
        ("[-1]", {}, 3),
        ("", {"hdu": 3}, 2),
        ("", {"hdu": "ERR"}, 2),
        ("", {"hdu": ("SCI", 2)}, 3),
    ],
)
def test_every_hdu_by_number_or_name(tmp_path, suffix, keywords, value):
    stored = open_stored(multi(tmp_path / "m.fits") + suffix, **keywords)
    assert stored.reader.read(full(stored.reader.shape)).flat[0] == value


@pytest.mark.parametrize(
    ("suffix", "words"),
    [
        ("[1]", ["holds no image but a table", "[2] SCI: image 2 x 3", "table of 3 rows"]),
        ("[0]", ["no pixels"]),
        ("[9]", ["no HDU 9"]),
        ("[SKI]", ["did you mean 'SCI'"]),
        ("[SCI,7]", ["SCI,7"]),
        ("[SCI,x]", ["version"]),
    ],
)
def test_wrong_hdu_lists_what_there_is(tmp_path, suffix, words):
    with pytest.raises(FormatError) as error:
        open_stored(multi(tmp_path / "m.fits") + suffix)
    for word in words:
        assert word in str(error.value)


def test_missing_file_names_neighbours(tmp_path):
    multi(tmp_path / "galaxy.fits")
    with pytest.raises(ImageNotFoundError, match=r"galaxy\.fits"):
        open_stored(str(tmp_path / "galaxi.fits"))


def test_header_parts(tmp_path):
    header = fits.Header()
    header["OBJECT"] = ("M 13's", "a name")
    header["LONGTEXT"] = "text with 'quotes' " * 12
    header["HIERARCH ESO DET GAIN"] = 2.5
    header["CARTESIA"] = (1 + 2j, "complex")
    header["UNDEF"] = None
    header["BIG"] = 2**60
    header["D"] = True
    header["BUNIT"] = "Jy/beam"
    header["BMAJ"], header["BMIN"], header["BPA"] = 0.01, 0.005, 30.0
    header["CTYPE1"], header["CTYPE2"] = "RA---SIN", "DEC--SIN"
    header["DATE-OBS"] = "2020-01-01"
    header.add_comment("a comment")
    header.add_history("first")
    header.add_history("second")
    fits.writeto(tmp_path / "h.fits", np.zeros((3, 4), "f4"), header)
    stored = open_stored(str(tmp_path / "h.fits"))
    meta = {k: (v, c) for k, v, c in stored.meta}
    assert meta["OBJECT"] == ("M 13's", "a name")
    assert meta["LONGTEXT"][0] == header["LONGTEXT"].rstrip()
    assert meta["ESO DET GAIN"][0] == 2.5
    assert meta["CARTESIA"][0] == 1 + 2j
    assert meta["UNDEF"][0] is None
    assert meta["BIG"][0] == 2**60
    assert meta["D"][0] is True
    assert meta["DATE-OBS"][0] == "2020-01-01"
    assert meta["COMMENT"][0] == "a comment"
    assert not {"BUNIT", "BMAJ", "CTYPE1", "NAXIS", "HISTORY"} & meta.keys()
    assert stored.unit == "Jy/beam"
    assert stored.beams == ((0.01, 0.005, 30.0),)
    assert stored.history == ("first", "second")
    assert stored.dims == ("y", "x")


def astropy_files() -> list[str]:
    folder = os.path.dirname(astropy.__file__)
    found = glob.glob(f"{folder}/**/*.fits", recursive=True) + glob.glob(
        f"{folder}/**/*.fits.gz", recursive=True
    )
    return sorted(found)


@pytest.mark.parametrize("path", astropy_files(), ids=os.path.basename)
def test_files_that_astropy_ships(path):
    """Every image of odd real files equals what astropy reads; everything else is refused politely."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            hdus = fits.open(path)
            kinds = [(h.is_image and h.header["NAXIS"] > 0, h) for h in hdus]
        except OSError:
            with pytest.raises(LatticeError):
                open_stored(path)
            return
        for i, (is_image, hdu) in enumerate(kinds):
            if not is_image or isinstance(hdu, fits.GroupsHDU) or 0 in hdu.shape:
                with pytest.raises(LatticeError):
                    open_stored(path, hdu=i)
                continue
            reader = open_stored(path, hdu=i).reader
            got = reader.read(full(reader.shape))
            np.testing.assert_allclose(got, np.asarray(hdu.data).astype(got.dtype), rtol=2e-7)
        hdus.close()


@pytest.mark.parametrize("kind", ["RICE_1", "GZIP_1", "HCOMPRESS_1", "PLIO_1", "float"])
def test_tile_compressed(tmp_path, kind):
    values = RNG.integers(0, 1000, (60, 70)).astype("i2")
    if kind == "float":
        hdu = fits.CompImageHDU(RNG.normal(size=(60, 70)).astype("f4"), tile_shape=(20, 35))
    else:
        hdu = fits.CompImageHDU(values, compression_type=kind, tile_shape=(20, 35))
    hdu.header["OBJECT"] = "tiled"
    path = str(tmp_path / "c.fits.fz")
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(path)
    expected = fits.getdata(path, 1).astype("f4")
    stored = open_stored(path)
    reader = pickle.loads(pickle.dumps(stored.reader))
    assert reader.tile == (20, 35)
    assert not reader.direct
    assert ("OBJECT", "tiled", "") in stored.meta
    assert not [k for k, _, _ in stored.meta if k.startswith(("Z", "TFORM"))]
    section = (slice(3, 55, 4), slice(10, 70, 1))
    np.testing.assert_array_equal(reader.read(section), expected[section])
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for got in pool.map(reader.read, [full((60, 70))] * 8):
            np.testing.assert_array_equal(got, expected)


# -- compressed as a whole ----------------------------------------------------------------------


def test_gzip_is_unpacked_once_with_a_notice_where_it_is_large(tmp_path, monkeypatch):
    from lattice.io import spool

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fits.writeto(str(tmp_path / "small.fits.gz"), np.ones((2, 3), "f4"))
        open_stored(str(tmp_path / "small.fits.gz"))
    monkeypatch.setattr(spool, "_WORTH_TELLING", 1000)
    values = RNG.normal(size=(3, 20, 30)).astype("f4")
    path = str(tmp_path / "a.fits.gz")
    fits.writeto(path, values)
    with pytest.warns(LatticeWarning, match="unpacked"):
        stored = open_stored(path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        again = open_stored(path)
        np.testing.assert_array_equal(stored.reader.read(full(values.shape)), values)
        np.testing.assert_array_equal(again.reader.read(full(values.shape)), values)
        copy = pickle.loads(pickle.dumps(stored.reader))
        np.testing.assert_array_equal(
            copy.read((slice(1, 2, 1), slice(0, 20, 3), slice(0, 30, 1)))[0], values[1, ::3]
        )


def test_bad_gzip(tmp_path):
    data = gzip.compress(fits_bytes(np.zeros((50, 50), "f4")))
    for name, content in (
        ("cut", data[: len(data) // 2]),
        ("bad", data[:40] + b"\xff" * 20 + data[60:]),
        ("text", gzip.compress(b"hello" * 1000)),
        ("empty", gzip.compress(b"")),
    ):
        path = tmp_path / f"{name}.fits.gz"
        path.write_bytes(content)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", LatticeWarning)
            with pytest.raises(FormatError):
                open_stored(str(path))


# -- files that change --------------------------------------------------------------------------


def test_file_written_in_place_is_found_out(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "_CHECK_SECONDS", -1.0)  # however soon after the last look
    path = str(tmp_path / "a.fits")
    fits.writeto(path, np.zeros((5, 5), "f4"))
    reader = open_stored(path).reader
    reader.read(full((5, 5)))
    with open(path, "r+b") as f:
        f.seek(2880)
        f.write(b"\x40")
    os.utime(path, (1, 1))  # the clock of a file system may stand still for some milliseconds
    with pytest.raises(StorageError, match="changed since it was opened"):
        reader.read(full((5, 5)))


def test_replaced_or_removed_file_is_found_out_by_a_new_process_or_keeps_its_content(tmp_path):
    path = str(tmp_path / "a.fits")
    fits.writeto(path, np.zeros((5, 5), "f4"))
    kept, fresh = open_stored(path).reader, pickle.dumps(open_stored(path).reader)
    kept.read(full((5, 5)))
    fits.writeto(str(tmp_path / "b.fits"), np.ones((5, 5), "f4"))
    os.replace(tmp_path / "b.fits", path)
    assert kept.read(full((5, 5))).max() == 0
    from lattice.io.files import close_path

    close_path(path)
    with pytest.raises(StorageError, match="open the image again"):
        pickle.loads(fresh).read(full((5, 5)))
    os.remove(path)
    with pytest.raises(StorageError, match="gone"):
        kept.read(full((5, 5)))


def test_many_files_stay_within_the_descriptor_budget(tmp_path):
    data = fits_bytes(np.arange(6, dtype="f4").reshape(2, 3))
    readers = []
    for i in range(files.MAX_OPEN + 60):
        path = tmp_path / f"c{i}.fits"
        path.write_bytes(data)
        readers.append(open_stored(str(path)).reader)
    for reader in readers:
        assert reader.read(full((2, 3)))[1, 2] == 5
    assert files.open_count() <= files.MAX_OPEN


def fits_bytes(values: np.ndarray, **cards) -> bytes:
    import io

    header = fits.Header()
    header.update(cards)
    stream = io.BytesIO()
    fits.writeto(stream, values, header)
    return stream.getvalue()


# -- huge files ---------------------------------------------------------------------------------


def sparse(path, shape) -> str:
    header = fits.Header()
    header["SIMPLE"], header["BITPIX"], header["NAXIS"] = True, -32, len(shape)
    for i, n in enumerate(reversed(shape)):
        header[f"NAXIS{i + 1}"] = n
    with open(path, "wb") as f:
        f.write(header.tostring().encode())
        size = 4
        for n in shape:
            size *= n
        try:
            f.truncate(f.tell() + -(-size // 2880) * 2880)
        except OSError:
            pytest.skip("the file system has no files of that size")
    return str(path)


def test_terabyte_opens_at_once(tmp_path):
    import tracemalloc

    shape = (4096, 8192, 8192)  # 1.1 TB
    path = sparse(tmp_path / "huge.fits", shape)
    few = sparse(tmp_path / "few.fits", (2, 3, 4))

    def corner(path, shape):
        section = tuple(slice(n - k, n, 1) for n, k in zip(shape, (1, 2, 2), strict=True))
        assert open_stored(path).reader.read(section).shape == (1, 2, 2)

    corner(few, (2, 3, 4))  # imports
    tracemalloc.start()
    try:
        with counting() as count:
            corner(path, shape)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 20e6
    assert count.bytes < 50_000
    assert lines_of(lambda: corner(path, shape)) < 1.1 * lines_of(lambda: corner(few, (2, 3, 4)))


def test_offsets_beyond_four_gigabytes(tmp_path):
    shape = (6, 16384, 16384)
    path = sparse(tmp_path / "large.fits", shape)
    position = (5, 16000, 123)
    offset = 2880 + 4 * (position[0] * 16384**2 + position[1] * 16384 + position[2])
    with open(path, "r+b") as f:
        f.seek(offset)
        f.write(np.array([42.5], ">f4").tobytes())
    reader = open_stored(path).reader
    section = (slice(3, 6, 2), slice(15999, 16002, 1), slice(120, 126, 3))
    got = reader.read(section)
    assert got[1, 1, 1] == 42.5
    assert np.count_nonzero(got) == 1


# -- bad files ----------------------------------------------------------------------------------


def test_truncated_anywhere(tmp_path):
    data = fits_bytes(np.ones((30, 40), "f4"), OBJECT="x")
    path = tmp_path / "t.fits"
    for length in (0, 1, 8, 9, 79, 80, 1000, 2879, 2880, 2881, 2880 + 30 * 40 * 4 - 1):
        path.write_bytes(data[:length])
        with pytest.raises(LatticeError):
            open_stored(str(path))
    path.write_bytes(data[: 2880 + 30 * 40 * 4])  # padding may be missing
    assert open_stored(str(path)).reader.read(full((30, 40))).sum() == 1200


def card(text: str) -> bytes:
    return text.ljust(80).encode()


@pytest.mark.parametrize(
    ("cards", "message"),
    [
        (["BITPIX  = 17", "NAXIS   = 0"], "BITPIX"),
        (["BITPIX  = 16", "NAXIS   = -1"], "NAXIS = -1"),
        (["BITPIX  = 16", "NAXIS   = 1000000000"], "out of range"),
        (["BITPIX  = 16"], "no NAXIS"),
        (["BITPIX  = 16", "NAXIS   = 2", "NAXIS1  = 10"], "NAXIS2"),
        (["BITPIX  = 16", "NAXIS   = 2", "NAXIS1  = -10", "NAXIS2  = -10"], "NAXIS1 = -10"),
        (["BITPIX  = 16", "NAXIS   = 1", "NAXIS1  = 99999999999999999999999999"], "out of range"),
        (
            ["BITPIX  = -64", "NAXIS   = 2", "NAXIS1  = 4000000000", "NAXIS2  = 4000000000"],
            "more than any file",
        ),
        (["BITPIX  = 16", "NAXIS   = 2", "NAXIS1  = 100000", "NAXIS2  = 100000"], "truncated"),
        (["BITPIX  = 16", "NAXIS   = 1", "NAXIS1  = 'abc'"], "not an integer"),
        (["BITPIX  = 16", "NAXIS   = 1", "NAXIS1  = 4", "BSCALE  = 'abc'"], "BSCALE"),
        (["BITPIX  = 16", "NAXIS   = 1", "NAXIS1  = 4", "BZERO   = 1E999"], "BZERO"),
        (["BITPIX  = 16", "NAXIS   = 0"], "holds no image"),
    ],
)
def test_impossible_headers(tmp_path, cards, message):
    path = tmp_path / "bad.fits"
    path.write_bytes(
        b"".join(map(card, ["SIMPLE  =                    T", *cards, "END"])).ljust(2880) + bytes(2880)
    )
    with pytest.raises(FormatError, match=message):
        open_stored(str(path))


def test_header_without_end(tmp_path):
    path = tmp_path / "bad.fits"
    path.write_bytes(card("SIMPLE  =                    T") + card("BITPIX  = 8").ljust(80) * 200)
    with pytest.raises(FormatError, match="truncated"):
        open_stored(str(path))
    path.write_bytes(card("SIMPLE  =                    T") + bytes(1 << 20))
    with pytest.raises(FormatError, match="no header card"):
        open_stored(str(path))


def test_not_fits(tmp_path):
    path = tmp_path / "x.fits"
    path.write_bytes(b"\x89PNG\r\n" + bytes(100))
    with pytest.raises(FormatError, match="no format that lattice reads"):
        open_stored(str(path))
    path.write_bytes(b"")
    with pytest.raises(FormatError, match="empty"):
        open_stored(str(path))
    with pytest.raises(FormatError, match="folder"):
        open_stored(str(tmp_path))


def test_random_groups_are_refused(tmp_path):
    path = tmp_path / "g.fits"
    cards = ["BITPIX  = -32", "NAXIS   = 3", "NAXIS1  = 0", "NAXIS2  = 3", "NAXIS3  = 4", "GROUPS  = T",
             "PCOUNT  = 2", "GCOUNT  = 5", "END"]  # fmt: skip
    path.write_bytes(
        b"".join(map(card, ["SIMPLE  =                    T", *cards])).ljust(2880) + bytes(2880)
    )
    with pytest.raises(FormatError, match="random groups"):
        open_stored(str(path))


@pytest.mark.parametrize("seed", range(40))
def test_random_damage_never_crashes(tmp_path, seed):
    rng = np.random.default_rng(seed)
    hdus = fits.HDUList([
        fits.PrimaryHDU(np.ones((9, 8), "i2")),
        fits.ImageHDU(np.ones((20, 30), "f4"), name="SCI"),
        fits.CompImageHDU(np.arange(900, dtype="i4").reshape(30, 30), name="Z"),
    ])  # fmt: skip
    path = tmp_path / "d.fits"
    hdus.writeto(path)
    data = bytearray(path.read_bytes())
    for i in rng.integers(0, len(data), 200):
        data[i] = rng.integers(0, 256)
    if seed % 2:  # leave the first cards alone, or nothing beyond the first error is tried
        data[:2880] = path.read_bytes()[:2880]
    path.write_bytes(data)
    for hdu in (None, 0, 1, 2, "SCI", "Z"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                stored = open_stored(str(path), hdu=hdu)
                stored.reader.read(tuple(slice(0, min(n, 50), 1) for n in stored.reader.shape))
                stored.coords.to_cards(stored.reader.shape)
                for n in stored.reader.shape:
                    stored.coords.frequencies(min(n, 10))
            except LatticeError:
                pass  # the only kind of error that is allowed


@pytest.mark.parametrize("seed", range(20))
def test_damaged_header_values_never_crash(tmp_path, seed):
    """Digits, signs and letters in the places where numbers stand."""
    rng = np.random.default_rng(seed)
    header = {"CTYPE1": "RA---SIN", "CTYPE2": "DEC--SIN", "CRPIX1": 3.0, "CDELT1": -1e-3, "CDELT2": 1e-3,
              "CTYPE3": "FREQ", "CRVAL3": 1.4e9, "CDELT3": 1e6, "CUNIT3": "Hz", "BMAJ": 0.1}  # fmt: skip
    data = bytearray(fits_bytes(np.ones((2, 9, 8), "f4"), **header))
    for _ in range(60):
        start = 80 * rng.integers(0, 20) + rng.integers(0, 40)
        data[start] = rng.choice(np.frombuffer(b"0123456789+-.EDT' /ABC", np.uint8))
    path = tmp_path / "d.fits"
    path.write_bytes(data)
    try:
        stored = open_stored(str(path))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            stored.reader.read(tuple(slice(0, min(n, 50), 1) for n in stored.reader.shape))
            stored.coords.subset([slice(0, n, 1) for n in stored.reader.shape]).to_cards()
            stored.coords.frequencies(4)
    except LatticeError:
        pass  # the only kind of error that is allowed


def test_the_beam_that_aips_leaves_in_the_history(tmp_path):
    header = fits.Header()
    header.add_history("AIPS   CLEAN BMAJ=  2.0000E-03 BMIN=  1.0000E-03 BPA=   0.00")
    header.add_history("AIPS   CLEAN BMAJ=  1.6667E-03 BMIN=  1.3889E-03 BPA=  12.50")
    header.add_history("AIPS   CLEAN BMAJ=  nonsense BMIN=  1.3889E-03 BPA=  12.50")
    fits.PrimaryHDU(np.zeros((2, 3), "f4"), header).writeto(tmp_path / "a.fits")
    assert open_stored(str(tmp_path / "a.fits")).beams == ((0.0016667, 0.0013889, 12.5),)
    header["BMAJ"], header["BMIN"], header["BPA"] = 0.1, 0.1, 0.0
    fits.PrimaryHDU(np.zeros((2, 3), "f4"), header).writeto(tmp_path / "b.fits")
    assert open_stored(str(tmp_path / "b.fits")).beams == ((0.1, 0.1, 0.0),)
