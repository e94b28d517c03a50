"""Tile-compressed FITS images: every algorithm equals astropy, tiles are read as needed, damage is found."""

from __future__ import annotations

import concurrent.futures
import pickle
import warnings
import zlib

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import given, settings
from hypothesis import strategies as st

from lattice.errors import FormatError, LatticeError
from lattice.graph.sections import full, shape_of
from lattice.io import fits_codecs, fits_packed
from lattice.io.files import counting
from lattice.io.fits_codecs import dequantise, numbers, pack, padded, quantise, unpacker
from lattice.io.registry import open_stored

RNG = np.random.default_rng(11)
SHAPE = (5, 33, 41)
TILE = (1, 11, 16)


def packed_file(path, data, **options) -> str:
    header = options.pop("header", None)
    hdu = fits.CompImageHDU(data, header, **{"tile_shape": TILE, **options})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(path, overwrite=True)
    return str(path)


def by_astropy(path, raw=False) -> np.ndarray:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with fits.open(path, do_not_scale_image_data=raw) as hdus:
            return np.array(hdus[1].data)


def integers(dtype, low=0, high=100) -> np.ndarray:
    return RNG.integers(low, high, SHAPE).astype(dtype)


@pytest.mark.parametrize("algorithm", ["RICE_1", "GZIP_1", "GZIP_2", "PLIO_1", "HCOMPRESS_1", "NOCOMPRESS"])
@pytest.mark.parametrize("dtype", ["u1", "i2", "i4", "i8"])
@pytest.mark.parametrize("scaling", [{}, {"BSCALE": 0.5, "BZERO": 3.0}])
@pytest.mark.parametrize("blank", [None, 7])
def test_integers(tmp_path, algorithm, dtype, scaling, blank):
    if dtype == "i8" and algorithm in ("RICE_1", "PLIO_1", "HCOMPRESS_1"):
        pytest.skip("astropy writes these as 32 bits")
    raw = integers(dtype)
    path = packed_file(tmp_path / "a.fits.fz", raw, compression_type=algorithm)
    with fits.open(path, mode="update", disable_image_compression=True) as hdus:
        hdus[1].header.update(scaling | ({"BLANK": blank} if blank is not None else {}))
    stored = open_stored(path)
    assert stored.nan_masked == (blank is not None)
    np.testing.assert_array_equal(by_astropy(path, raw=True), raw)
    expected = raw * scaling.get("BSCALE", 1.0) + scaling.get("BZERO", 0.0)
    if blank is not None:
        expected[raw == blank] = np.nan
    np.testing.assert_array_equal(
        stored.reader.read(full(SHAPE)), expected.astype("f4" if raw.itemsize < 4 else "f8")
    )


@pytest.mark.parametrize("dtype", ["u2", "u4", "u8"])
def test_unsigned(tmp_path, dtype):
    raw = integers(dtype) + np.array(np.iinfo(dtype).max // 2, dtype)
    path = packed_file(tmp_path / "a.fits.fz", raw, compression_type="GZIP_2")
    got = open_stored(path).reader.read(full(SHAPE))
    np.testing.assert_array_equal(got, raw.astype(got.dtype))


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("algorithm", ["GZIP_1", "GZIP_2", "NOCOMPRESS"])
def test_floats_without_loss(tmp_path, dtype, algorithm):
    values = RNG.normal(size=SHAPE).astype(dtype)
    values[0, :3] = np.nan
    path = packed_file(tmp_path / "a.fits.fz", values, compression_type=algorithm, quantize_level=0)
    stored = open_stored(path)
    assert stored.nan_masked
    assert stored.reader.dtype == dtype
    np.testing.assert_array_equal(stored.reader.read(full(SHAPE)), values)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("algorithm", ["RICE_1", "GZIP_1", "GZIP_2", "HCOMPRESS_1"])
@pytest.mark.parametrize("method", [-1, 1, 2])
@pytest.mark.parametrize("scaling", [{}, {"BSCALE": 2.0, "BZERO": -1.0}])
def test_quantised_floats(tmp_path, dtype, algorithm, method, scaling):
    """Bit-equal, with NaN, exact zeros, and tiles that could not be quantised."""
    values = RNG.normal(size=SHAPE).astype(dtype)
    values[1, 3:6, 4:9] = np.nan
    values[1, 11:22, :16] = np.nan
    values[2, :, :] = 1.5
    values[3, ::2, ::3] = 0
    path = packed_file(
        tmp_path / "a.fits.fz",
        values,
        compression_type=algorithm,
        quantize_level=16,
        quantize_method=method,
        dither_seed=4321,
    )
    with fits.open(path, mode="update", disable_image_compression=True) as hdus:
        assert "GZIP_COMPRESSED_DATA" in hdus[1].columns.names
        hdus[1].header.update(scaling)
    got = open_stored(path).reader.read(full(SHAPE))
    expected = by_astropy(path, raw=True)
    assert np.isnan(expected).any()
    if scaling:
        expected = (expected.astype("f8") * 2.0 - 1.0).astype(dtype)
    np.testing.assert_array_equal(got, expected)
    assert got.dtype == dtype


def test_exact_zeros_stay_zero(tmp_path):
    values = RNG.normal(size=SHAPE).astype("f4") + 5
    values[:, ::3] = 0
    path = packed_file(
        tmp_path / "a.fits.fz", values, compression_type="RICE_1", quantize_method=2, dither_seed=1
    )
    got = open_stored(path).reader.read(full(SHAPE))
    assert (got[:, ::3] == 0).all()
    assert (got[:, 1::3] != 0).all()


def rewrite(path, edit) -> None:
    """Change the table of a compressed image as a table."""
    with fits.open(path, mode="update", disable_image_compression=True) as hdus:
        edit(hdus[1])


def test_scaling_and_blank_in_the_header(tmp_path):
    """ZSCALE, ZZERO, ZBLANK may be cards instead of columns."""
    steps = integers("i4", -50, 50)
    path = packed_file(tmp_path / "a.fits.fz", steps, compression_type="GZIP_1")
    rewrite(
        path,
        lambda h: h.header.update(
            ZBITPIX=-32, ZSCALE=0.25, ZZERO=2.0, ZBLANK=7, ZQUANTIZ="NO_DITHER", ZCMPTYPE="GZIP_1"
        ),
    )
    expected = (steps * 0.25 + 2.0).astype("f4")
    expected[steps == 7] = np.nan
    np.testing.assert_array_equal(open_stored(path).reader.read(full(SHAPE)), expected)


def objects(rows) -> np.ndarray:
    out = np.empty(len(rows), object)
    out[:] = rows
    return out


def table_file(path, columns, shape, **cards) -> str:
    """Write a compressed image of tiles of one row as the table that it is."""
    table = fits.BinTableHDU.from_columns(columns)
    table.header.update(ZIMAGE=True, ZNAXIS=2, ZNAXIS1=shape[1], ZNAXIS2=shape[0], ZTILE1=shape[1], ZTILE2=1)
    table.header.update(ZCMPTYPE="GZIP_1", **cards)
    fits.HDUList([fits.PrimaryHDU(), table]).writeto(path)
    return str(path)


@pytest.mark.parametrize("bitpix", [-32, 32])
def test_blank_of_each_tile(tmp_path, bitpix):
    steps = RNG.integers(0, 9, (4, 30)).astype("i4")
    blanks = np.array([3, 5, 3, 8])
    packed = [np.frombuffer(pack("GZIP_1", row), "u1") for row in steps]
    columns = [
        fits.Column("COMPRESSED_DATA", "PB", array=objects(packed)),
        fits.Column("ZBLANK", "1J", array=blanks),
    ]  # fmt: skip
    if bitpix < 0:
        columns += [fits.Column("ZSCALE", "1D", array=[0.5] * 4), fits.Column("ZZERO", "1D", array=[1.0] * 4)]
    stored = open_stored(table_file(tmp_path / "a.fits", columns, steps.shape, ZBITPIX=bitpix))
    expected = steps * 0.5 + 1 if bitpix < 0 else steps.astype("f8")
    expected[steps == blanks[:, None]] = np.nan
    np.testing.assert_array_equal(stored.reader.read(full(steps.shape)), expected)
    assert stored.nan_masked


def test_uncompressed_column(tmp_path):
    """Tiles of no bytes in COMPRESSED_DATA lie in UNCOMPRESSED_DATA."""
    values = RNG.normal(size=(3, 20)).astype("f4")
    packed = [np.frombuffer(pack("GZIP_1", row), "u1") for row in values]
    none = np.zeros(0, "u1")
    rows = [none.view("f4"), values[1], none.view("f4")]
    columns = [
        fits.Column("COMPRESSED_DATA", "PB", array=objects([packed[0], none, packed[2]])),
        fits.Column("UNCOMPRESSED_DATA", "PE", array=objects(rows)),
    ]
    path = table_file(tmp_path / "a.fits", columns, values.shape, ZBITPIX=-32)
    np.testing.assert_array_equal(by_astropy(path), values)
    np.testing.assert_array_equal(open_stored(path).reader.read(full((3, 20))), values)


@pytest.fixture(scope="module")
def cube(tmp_path_factory):
    path = packed_file(
        tmp_path_factory.mktemp("packed") / "c.fits.fz",
        RNG.normal(size=SHAPE).astype("f4"),
        compression_type="RICE_1",
        dither_seed=9,
    )
    return by_astropy(path), open_stored(path).reader


def axes(n):
    return st.tuples(st.integers(0, n), st.integers(0, n), st.integers(1, 11)).map(
        lambda t: slice(min(t[:2]), max(t[:2]), t[2])
    )


@given(section=st.tuples(*(axes(n) for n in SHAPE)))
@settings(max_examples=200, deadline=None)
def test_random_sections(cube, section):
    values, reader = cube
    got = reader.read(section)
    np.testing.assert_array_equal(got, values[section])
    out = np.empty(shape_of(section), "f4")
    assert reader.read(section, out) is out
    np.testing.assert_array_equal(out, values[section])


def test_reads_only_the_tiles_it_needs(tmp_path):
    values = RNG.integers(0, 1000, (64, 4096)).astype("i4")
    path = packed_file(tmp_path / "a.fits.fz", values, compression_type="GZIP_1", tile_shape=(1, 4096))
    reader = open_stored(path).reader
    assert reader.tile == (1, 4096)
    with counting() as count:
        reader.read((slice(3, 4, 1), slice(10, 20, 1)))
    assert count.bytes < 4096 * 4 + 64 * 8
    with counting() as count:
        reader.read((slice(3, 4, 1), slice(50, 60, 1)))
    assert count.bytes == 0  # the tile was kept
    with counting() as count:
        reader.read((slice(0, 64, 1), slice(0, 4096, 1)))
    assert count.calls < 5  # tiles that follow each other are read at once
    assert count.bytes <= reader.bytes_read(full((64, 4096)))


def test_kept_tiles_are_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(fits_packed, "_kept", fits_packed._Kept())
    monkeypatch.setattr(fits_packed, "_KEPT_BYTES", 3 * 64 * 64 * 4)
    values = RNG.integers(0, 1000, (640, 64)).astype("i4")
    path = packed_file(tmp_path / "a.fits.fz", values, compression_type="GZIP_1", tile_shape=(64, 64))
    reader = open_stored(path).reader
    for i in range(0, 640, 40):
        got = reader.read((slice(i, i + 3, 1), slice(0, 64, 2)))
        np.testing.assert_array_equal(got, values[i : i + 3, ::2])
        assert sum(s.values.nbytes for s in fits_packed._kept.slots.values()) <= 4 * 64 * 64 * 4


@pytest.mark.parametrize("algorithm", ["RICE_1", "HCOMPRESS_1", "PLIO_1", "GZIP_2"])
def test_threads_equal_one_thread(tmp_path, algorithm):
    values = RNG.integers(0, 1000, (8, 200, 300)).astype("i4")
    path = packed_file(tmp_path / "a.fits.fz", values, compression_type=algorithm, tile_shape=(1, 50, 70))
    reader = pickle.loads(pickle.dumps(open_stored(path).reader))
    rng = np.random.default_rng(1)
    sections = []
    for _ in range(120):
        low = [int(rng.integers(0, n)) for n in values.shape]
        sections.append(
            tuple(slice(a, int(rng.integers(a, n)) + 1, 1) for a, n in zip(low, values.shape, strict=True))
        )
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        for section, got in zip(sections, pool.map(reader.read, sections), strict=True):
            np.testing.assert_array_equal(got, values[section])


def test_gzip_around_a_compressed_image(tmp_path):
    values = integers("i2")
    path = packed_file(tmp_path / "a.fits", values, compression_type="RICE_1")
    data = (tmp_path / "a.fits").read_bytes()
    stream = zlib.compressobj(6, zlib.DEFLATED, 31)
    (tmp_path / "b.fits.gz").write_bytes(stream.compress(data) + stream.flush())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        reader = open_stored(str(tmp_path / "b.fits.gz")).reader
        np.testing.assert_array_equal(reader.read(full(SHAPE)), values)
    assert open_stored(path).reader.token != reader.token


# -- single tiles ---------------------------------------------------------------------------------------


def in_buffer(data: bytes) -> np.ndarray:
    buffer = padded(len(data))
    buffer[: len(data)] = np.frombuffer(data, "u1")
    return buffer[: len(data)]


@given(
    algorithm=st.sampled_from(["RICE_1", "GZIP_1", "GZIP_2", "HCOMPRESS_1"]),
    width=st.sampled_from([1, 2, 4]),
    shape=st.tuples(st.integers(4, 20), st.integers(4, 50)),
    seed=st.integers(0, 99),
)
@settings(max_examples=100, deadline=None)
def test_pack_and_unpack(algorithm, width, shape, seed):
    dtype = np.dtype("u1" if width == 1 else f"i{width}")
    info = np.iinfo(dtype)
    high = info.max if algorithm != "HCOMPRESS_1" else min(info.max, 1 << 20)
    values = np.random.default_rng(seed).integers(max(info.min, -high), high, shape).astype(dtype)
    raw = unpacker(algorithm, {"BYTEPIX": width})(in_buffer(pack(algorithm, values)), shape)
    np.testing.assert_array_equal(numbers(raw, shape, False), values)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("dither", [0, 1, 2])
def test_quantised_values_are_within_a_step(dtype, dither):
    values = RNG.normal(size=(30, 1000)).astype(dtype)
    values[3, 5] = np.nan
    found = quantise(values, 16, dither, 10000)
    assert found is not None
    steps, scale, zero = found
    assert np.argwhere(steps == fits_codecs.NULL).tolist() == [[3, 5]]
    assert 0.9 / 16 < scale < 1.1 / 16
    got = dequantise(steps, scale, zero, dither, 10000, np.dtype(dtype))
    good = ~np.isnan(values)
    assert np.abs(got - values)[good].max() <= scale * 0.51
    again = quantise(values, 16, dither, 10000)
    assert again is not None
    np.testing.assert_array_equal(again[0], steps)


def test_what_cannot_be_quantised():
    assert quantise(np.full((4, 50), np.nan, "f4"), 4, 1, 1) is None
    assert quantise(np.ones((4, 50), "f4"), 4, 1, 1) is None
    assert quantise(np.array([[1.0, np.inf, 2.0, 3.0] * 20], "f4"), 4, 1, 1) is None


# -- damage ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ["RICE_1", "GZIP_1", "GZIP_2", "PLIO_1", "HCOMPRESS_1", "NOCOMPRESS"])
def test_damaged_tiles_end_in_an_error_or_in_numbers(algorithm):
    rng = np.random.default_rng(2)
    shape = (16, 24)
    values = rng.integers(0, 300, shape).astype("i4")
    if algorithm == "PLIO_1":
        from astropy.io.fits.hdu.compressed._codecs import PLIO1

        good = np.frombuffer(PLIO1(tilesize=values.size).encode(values), "i2").astype(">i2").tobytes()
    else:
        good = values.astype(">i4").tobytes() if algorithm == "NOCOMPRESS" else pack(algorithm, values)
    unpack = unpacker(algorithm, {})
    np.testing.assert_array_equal(numbers(unpack(in_buffer(good), shape), shape, False), values)
    refused = 0
    for trial in range(600):
        bad = bytearray(good)
        if trial % 3 == 0:
            bad = bad[: int(rng.integers(0, len(bad)))]
        else:
            for _ in range(int(rng.integers(1, 6))):
                bad[int(rng.integers(0, len(bad) if trial % 3 == 1 else min(30, len(bad))))] = rng.integers(
                    256
                )
        try:
            assert numbers(unpack(in_buffer(bytes(bad)), shape), shape, False).shape == shape
        except FormatError:
            refused += 1
    assert refused > 30
    random = rng.integers(0, 256, 4000, "u1").tobytes()
    for start in range(300):
        try:
            unpack(in_buffer(random[start : start + 200]), (64, 64))
        except FormatError:
            refused += 1
    with pytest.raises(FormatError):
        unpack(in_buffer(b""), shape)


def test_a_bomb_is_refused_before_it_grows():
    bomb = zlib.compress(b"\0" * 50_000_000, 9)
    with pytest.raises(FormatError, match="unpacks to more than"):
        unpacker("GZIP_1", {})(in_buffer(bomb), (10, 10))
    for algorithm in ("RICE_1", "HCOMPRESS_1"):
        with pytest.raises(FormatError):
            unpacker(algorithm, {})(in_buffer(b"\xdd\x99" + b"\0" * 40), (1 << 20, 1 << 20))


def test_damaged_files(tmp_path):
    """Random bytes of the whole file, and cuts: a clear error, or an image of the right shape."""
    values = RNG.normal(size=SHAPE).astype("f4")
    path = packed_file(tmp_path / "a.fits.fz", values, compression_type="RICE_1", dither_seed=9)
    good = (tmp_path / "a.fits.fz").read_bytes()
    rng = np.random.default_rng(7)
    messages = []
    for _ in range(200):
        bad = bytearray(good)
        at = int(rng.integers(2880, len(bad)))
        bad[at] = rng.integers(256)
        (tmp_path / "b.fits.fz").write_bytes(bad)
        try:
            stored = open_stored(str(tmp_path / "b.fits.fz"))
            if np.prod(stored.reader.shape) < 1e7:
                stored.reader.read(full(stored.reader.shape))
        except LatticeError as exc:
            messages.append(exc.message)
    for tenth in range(10):
        (tmp_path / "b.fits.fz").write_bytes(good[: len(good) * tenth // 10])
        with pytest.raises(LatticeError):
            open_stored(str(tmp_path / "b.fits.fz"))
    assert path
    assert len(messages) > 5
    assert not any("Traceback" in m or "\n" in m for m in messages)


@pytest.mark.parametrize(
    ("cards", "message"),
    [
        ({"ZCMPTYPE": "MAGIC_1"}, "compression 'MAGIC_1' is not known"),
        ({"ZTILE1": 0}, "ZTILE1 = 0"),
        ({"ZTILE1": 5}, "tiles cannot lie in a table"),
        ({"ZNAXIS2": 34000}, "tiles cannot lie in a table"),
        ({"TFORM1": "9X"}, "cannot hold tiles"),
        ({"TFORM1": "what"}, "no format of a column"),
        ({"ZQUANTIZ": "DICE"}, "ZQUANTIZ = 'DICE'"),
        ({"ZDITHER0": -4}, "ZDITHER0 = -4"),
        ({"THEAP": 1}, "outside its data"),
        ({"TTYPE1": "OTHER", "TTYPE2": "MORE"}, "no column of compressed data"),
        ({"ZVAL2": 3}, "no BYTEPIX = 3"),
        ({"ZVAL1": 4000}, "BLOCKSIZE = 4000"),
    ],
)
def test_nonsense_in_the_header(tmp_path, cards, message):
    values = RNG.normal(size=SHAPE).astype("f4")
    path = packed_file(
        tmp_path / "a.fits.fz", values, compression_type="RICE_1", quantize_method=1, dither_seed=9
    )
    raw = bytearray((tmp_path / "a.fits.fz").read_bytes())
    for key, value in cards.items():
        at = raw.find(f"{key:8}=".encode(), 2880)
        if at < 0:
            at = raw.index(b"ZPCOUNT =", 2880)
        text = f"'{value}'" if isinstance(value, str) else f"{value:>20}"
        raw[at : at + 80] = f"{key:8}= {text}".ljust(80).encode()
    (tmp_path / "a.fits.fz").write_bytes(raw)
    with pytest.raises(FormatError, match=message):
        open_stored(path)
