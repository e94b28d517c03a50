"""Zarr images, against zarr-python and xarray."""

from __future__ import annotations

import concurrent.futures
import json
import math
import os
import pickle
import shutil
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lattice.coords.system import CoordinateSystem
from lattice.errors import FormatError, LatticeError, StorageError
from lattice.graph.protocols import Reader, Writer
from lattice.graph.sections import full, grid, split
from lattice.io.base import ImageSpec
from lattice.io.files import counting
from lattice.io.registry import by_name, open_stored
from lattice.io.zarr_chunks import choose_chunks, crc32c

zarr = pytest.importorskip("zarr")
RNG = np.random.default_rng(12)
ZARR = by_name("zarr")
DIMS = "abcd"


def save(path, values, mask=None, others=(), compress="none", sections=None, **kw):
    spec = ImageSpec(
        values.shape,
        tuple(DIMS[: values.ndim]),
        values.dtype,
        masked=mask is not None,
        mask_names=tuple(name for name, _ in others),
        **kw,
    )
    with ZARR.create(str(path), spec, overwrite=True, compress=compress) as out:
        for section in sections or grid(values.shape, out.writer.chunks):
            out.writer.write(section, np.array(values[section]), None if mask is None else mask[section])
            for name, other in others:
                out.mask_writers[name].write(section, other[section].copy(), None)
    return str(path)


@pytest.mark.parametrize("compress", ["none", "lz4", "zstd"])
@pytest.mark.parametrize(
    ("shape", "dtype"),
    [
        ((5, 40, 60), "f4"),
        ((70, 500, 610), "f4"),
        ((3, 1100, 1030), "c8"),
        ((7,), "f8"),
        ((20, 513), "?"),
        ((3, 4), "c16"),
    ],
)
def test_round_trip_and_other_readers(tmp_path, shape, dtype, compress):
    values = (RNG.normal(size=shape) * 10).astype(dtype)
    mask, other = RNG.random(shape) > 0.3, RNG.random(shape) > 0.9
    path = save(tmp_path / "o.zarr", values, mask, [("m é/", other)], compress, unit="Jy")
    stored = open_stored(path)
    assert isinstance(stored.reader, Reader)
    assert stored.reader.direct == (compress == "none")
    assert stored.dims == tuple(DIMS[: len(shape)])
    np.testing.assert_array_equal(stored.reader.read(full(shape)), values)
    np.testing.assert_array_equal(stored.masks["mask0"].read(full(shape)), mask)
    np.testing.assert_array_equal(stored.masks["m é/"].read(full(shape)), other)
    assert stored.default_mask == "mask0"
    assert not stored.nan_masked
    group = zarr.open_group(path, mode="r")
    np.testing.assert_array_equal(group["values"][...], values)
    np.testing.assert_array_equal(group["flag_mask0"][...], ~mask)
    xr = pytest.importorskip("xarray")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with xr.open_zarr(path) as dataset:
            assert dataset["values"].dims == tuple(DIMS[: len(shape)])
            assert dataset["values"].attrs["units"] == "Jy"
            np.testing.assert_array_equal(dataset["values"].isel(a=0).values, values[0])


@pytest.fixture(scope="module", params=["none", "zstd"])
def image(request, tmp_path_factory):
    values = RNG.normal(size=(70, 300, 610)).astype("f4")
    path = save(tmp_path_factory.mktemp("z") / "a.zarr", values, compress=request.param)
    return values, open_stored(path).reader


@given(data=st.data())
@settings(max_examples=60)
def test_random_sections(image, data):
    values, reader = image
    section = tuple(
        data.draw(
            st.tuples(st.integers(0, n), st.integers(0, n), st.integers(1, 300)).map(
                lambda t: slice(min(t[:2]), max(t[:2]), t[2])
            )
        )
        for n in values.shape
    )
    with counting() as count:
        np.testing.assert_array_equal(reader.read(section), values[section])
    if reader.direct:
        assert count.bytes <= reader.bytes_read(section) + 40_000  # the index of each shard, once


def test_cut_out_reads_only_its_pixels(image):
    _, reader = image
    section = (slice(30, 31, 1), slice(17, 19, 1), slice(5, 7, 1))
    reader.read(section)
    with counting() as count:
        reader.read(section)
    assert count.bytes == (16 if reader.direct else count.bytes)
    assert count.bytes < 2 << 20


def test_threads_and_pickling(image):
    values, reader = image
    copy = pickle.loads(pickle.dumps(reader))
    assert copy.token == reader.token
    jobs = [(slice(i, i + 2, 1), slice(5, 290, 1), slice(0, 610, 3)) for i in range(0, 60, 2)]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for job, got in zip(jobs, pool.map(copy.read, jobs), strict=True):
            np.testing.assert_array_equal(got, values[job])


def write_planes(writer, values, mask, planes):
    for i in planes:
        section = (slice(i, i + 1, 1), *full(values.shape[1:]))
        for strip in split(section, 5000):
            writer.write(strip, values[strip].copy(), mask[strip])


def test_threads_and_processes_write_any_sections(tmp_path):
    values = RNG.normal(size=(68, 260, 520)).astype("f4")
    mask = RNG.random(values.shape) > 0.5
    spec = ImageSpec(values.shape, ("a", "b", "c"), values.dtype, masked=True)
    with ZARR.create(str(tmp_path / "p.zarr"), spec) as out:
        assert isinstance(out.writer, Writer)
        assert out.writer.direct
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            jobs = [pool.submit(write_planes, out.writer, values, mask, range(i, 40, 4)) for i in range(4)]
            [job.result() for job in jobs]
        with concurrent.futures.ProcessPoolExecutor(2) as pool:
            jobs = [
                pool.submit(write_planes, out.writer, values, mask, range(40 + i, 68, 2)) for i in range(2)
            ]
            [job.result() for job in jobs]
    stored = open_stored(str(tmp_path / "p.zarr"))
    np.testing.assert_array_equal(stored.reader.read(full(values.shape)), values)
    np.testing.assert_array_equal(stored.masks["mask0"].read(full(values.shape)), mask)
    np.testing.assert_array_equal(zarr.open_group(str(tmp_path / "p.zarr"), mode="r")["values"][...], values)


def test_a_mask_that_is_all_true_takes_no_space(tmp_path):
    values = np.ones((3, 600, 600), "f4")
    path = save(tmp_path / "a.zarr", values, np.ones(values.shape, bool))
    assert os.listdir(f"{path}/flag_mask0") == ["zarr.json"]
    assert open_stored(path).masks["mask0"].read(full(values.shape)).all()


def test_compressed_output_wants_whole_shards(tmp_path):
    spec = ImageSpec((70, 600, 600), ("a", "b", "c"), np.dtype("f4"))
    with ZARR.create(str(tmp_path / "a.zarr"), spec, compress="lz4") as out:
        assert not out.writer.direct
        with pytest.raises(LatticeError, match="whole shards"):
            out.writer.write((slice(0, 1, 1), *full((600, 600))), np.zeros((1, 600, 600), "f4"), None)
        out.abort()
    assert os.listdir(tmp_path) == []


def test_header_is_carried(tmp_path):
    cards = [("CTYPE1", "RA---SIN", ""), ("CTYPE2", "DEC--SIN", ""), ("CTYPE3", "FREQ", ""),
             ("CRVAL3", 1e9, ""), ("CDELT3", 1e6, ""), ("CRPIX3", 1.0, "")]  # fmt: skip
    coords = CoordinateSystem.from_header(cards, (4, 5, 6)).subset(
        [slice(3, None, -1), slice(0, 5, 1), slice(0, 6, 1)]
    )
    meta = (("OBJECT", "M 13", "target"), ("N", 3, ""), ("X", 2.5, ""), ("T", True, ""), ("U", None, ""))
    path = save(
        tmp_path / "h.zarr",
        np.zeros((4, 5, 6), "f4"),
        coords=coords,
        unit="Jy/beam",
        meta=meta,
        history=("a", "b"),
        beams=((0.1, 0.05, 3.0),) * 4,
    )
    stored = open_stored(path)
    assert stored.meta == meta
    assert stored.history == ("a", "b")
    assert stored.unit == "Jy/beam"
    assert stored.beams == ((0.1, 0.05, 3.0),) * 4
    np.testing.assert_allclose(stored.coords.frequencies(4), coords.frequencies(4))
    assert stored.coords.kinds == coords.kinds
    assert stored.coords.to_cards() == coords.to_cards()


def test_coordinates_without_a_header_keep_kinds_and_frequencies(tmp_path):
    coords = CoordinateSystem.from_kinds(["spectral", "latitude"], frequencies=[1e9, 2e9, 4e9])
    path = save(tmp_path / "h.zarr", np.zeros((3, 5), "f4"), coords=coords)
    got = open_stored(path).coords
    assert got.kinds == ("spectral", "latitude")
    assert list(got.frequencies(3)) == [1e9, 2e9, 4e9]


@pytest.mark.parametrize(
    "shape",
    [(), (5,), (10**9,), (3, 10**6), (64, 1024, 1024), (10**4, 64, 64), (2, 3, 4, 50000, 50000), (0, 5)],
)
@pytest.mark.parametrize("itemsize", [1, 4, 16])
def test_chunk_choice(shape, itemsize):
    chunks, shards = choose_chunks(shape, itemsize)
    assert len(chunks) == len(shape)
    assert math.prod(chunks) * itemsize <= 4 << 20
    files = shards or chunks
    assert all(f % c == 0 for f, c in zip(files, chunks, strict=True))
    assert math.prod(files) * itemsize <= 80 << 20
    if math.prod(shape) * itemsize > 256 << 20:
        assert math.prod(chunks) * itemsize >= 1 << 18
        assert math.prod(files) * itemsize >= 16 << 20


def test_checksum():
    assert crc32c(b"123456789") == 0xE3069283
    assert crc32c(b"") == 0


# -- arrays of other programs -------------------------------------------------------------------


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("dtype", ["i2", "f8", "u1", "?", "c16", "f2"])
@pytest.mark.parametrize("how", ["default", "raw", "special"])
def test_foreign_arrays(tmp_path, version, dtype, how):
    values = (RNG.normal(size=(6, 90, 100)) * 50).astype("f4").astype(dtype)
    options = {
        "default": {},
        "raw": {"compressors": None},
        "special": {"shards": (4, 64, 64)} if version == 3 else {"order": "F", "compressors": None},
    }[how]
    path = str(tmp_path / "f.zarr")
    array = zarr.create_array(
        path, shape=values.shape, chunks=(2, 32, 32), dtype=dtype, zarr_format=version, **options
    )
    array[...] = values
    reader = open_stored(path).reader
    np.testing.assert_array_equal(reader.read(full(values.shape)), values)
    section = (slice(1, 6, 3), slice(5, 88, 7), slice(2, 99, 1))
    np.testing.assert_array_equal(reader.read(section), values[section])
    assert reader.tile == (2, 32, 32)


@pytest.mark.parametrize("codec", ["gzip", "zstd", "blosc", "transpose", "crc32c", "big"])
def test_foreign_codecs(tmp_path, codec):
    from zarr import codecs

    options = {
        "gzip": {"compressors": codecs.GzipCodec()},
        "zstd": {"compressors": codecs.ZstdCodec(level=3, checksum=True)},
        "blosc": {"compressors": codecs.BloscCodec(cname="lz4", shuffle="bitshuffle")},
        "transpose": {"filters": codecs.TransposeCodec(order=(2, 0, 1))},
        "crc32c": {"compressors": codecs.Crc32cCodec()},
        "big": {"serializer": codecs.BytesCodec(endian="big"), "compressors": None},
    }[codec]
    values = RNG.normal(size=(5, 33, 20)).astype("f4")
    path = str(tmp_path / "c.zarr")
    zarr.create_array(path, shape=values.shape, chunks=(2, 10, 8), dtype="f4", **options)[...] = values
    np.testing.assert_array_equal(open_stored(path).reader.read(full(values.shape)), values)


def test_chunks_that_are_missing_are_the_fill_value(tmp_path):
    path = str(tmp_path / "f.zarr")
    array = zarr.create_array(path, shape=(8, 8), chunks=(4, 4), dtype="f4", fill_value=np.nan)
    array[:4, :4] = 1
    got = open_stored(path).reader.read(full((8, 8)))
    assert np.nansum(got) == 16
    assert np.isnan(got).sum() == 48


def test_xarray_dataset(tmp_path):
    xr = pytest.importorskip("xarray")
    values = RNG.normal(size=(3, 4, 5)).astype("f4")
    image = xr.DataArray(values, dims=("time", "y", "x"), attrs={"units": "K"}, coords={"x": np.arange(5.0)})
    packed = {"scale_factor": 0.01, "add_offset": 5.0, "_FillValue": -999, "dtype": "i2"}
    for version in (2, 3):
        path = str(tmp_path / f"v{version}.zarr")
        xr.Dataset({"im": image}).to_zarr(path, zarr_format=version)
        stored = open_stored(path)
        assert stored.dims == ("time", "y", "x")
        assert stored.unit == "K"
        np.testing.assert_array_equal(stored.reader.read(full(values.shape)), values)
    holes = image.where(image > 0)
    path = str(tmp_path / "packed.zarr")
    xr.Dataset({"im": holes}).to_zarr(path, zarr_format=2, encoding={"im": packed})
    stored = open_stored(path)
    assert stored.nan_masked
    got = stored.reader.read(full(values.shape))
    np.testing.assert_array_equal(np.isnan(got), ~(values > 0))
    np.testing.assert_allclose(got, holes, atol=0.0051)


def test_group_with_several_arrays_lists_them(tmp_path):
    path = str(tmp_path / "g.zarr")
    group = zarr.create_group(path)
    for name in ("one", "two"):
        group.create_array(name, shape=(3, 4), dtype="f4")
    with pytest.raises(FormatError, match="one, two"):
        open_stored(path)
    assert open_stored(path + "[two]").reader.shape == (3, 4)
    with pytest.raises(FormatError, match="did you mean 'two'"):
        open_stored(path + "[tow]")


def test_replaced_image_is_found_out(tmp_path):
    path = save(tmp_path / "a.zarr", np.zeros((4, 5), "f4"))
    reader = open_stored(path).reader
    assert reader.read(full((4, 5))).sum() == 0
    save(path, np.ones((4, 5), "f4"))
    with pytest.raises(StorageError, match="changed"):
        reader.read(full((4, 5)))
    assert open_stored(path).reader.read(full((4, 5))).sum() == 20


def test_saving_over_the_source(tmp_path):
    values = RNG.normal(size=(6, 300, 300)).astype("f4")
    path = save(tmp_path / "a.zarr", values)
    reader = open_stored(path).reader
    spec = ImageSpec(values.shape, ("a", "b", "c"), values.dtype)
    with ZARR.create(path, spec, overwrite=True) as out:
        for section in grid(values.shape, (1, 300, 300)):
            out.writer.write(section, reader.read(section) * 2, None)
    np.testing.assert_array_equal(open_stored(path).reader.read(full(values.shape)), values * 2)
    assert os.listdir(tmp_path) == ["a.zarr"]


# -- damage -------------------------------------------------------------------------------------


def read_all(path: str) -> np.ndarray:
    reader = open_stored(path).reader
    return reader.read(full(reader.shape))


@pytest.mark.parametrize(
    "change",
    [
        {"shape": [-4, 5]},
        {"shape": [10**30, 10**30]},
        {"shape": "x"},
        {"shape": [4]},
        {"data_type": "string"},
        {"data_type": {"name": "r8"}},
        {"chunk_grid": {"name": "rectangular"}},
        {"chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [0, 5]}}},
        {"chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [10**9, 10**9]}}},
        {"codecs": []},
        {"codecs": [{"name": "bytes"}, {"name": "unknown"}]},
        {"codecs": None},
        {"fill_value": "abc"},
        {"node_type": "group"},
        {"chunk_key_encoding": 3},
    ],
)
def test_damaged_metadata(tmp_path, change):
    path = save(tmp_path / "a.zarr", np.zeros((4, 5), "f4"))
    document = f"{path}/values/zarr.json"
    with open(document) as f:
        found = json.load(f)
    with open(document, "w") as f:
        json.dump(found | change, f)
    with pytest.raises(LatticeError):
        read_all(path)


@pytest.mark.parametrize("compress", ["none", "zstd"])
def test_damaged_chunks(tmp_path, compress):
    shape = (70, 300, 610)
    path = save(tmp_path / "a.zarr", RNG.normal(size=shape).astype("f4"), compress=compress)
    files = [os.path.join(d, f) for d, _, names in os.walk(f"{path}/values/c") for f in names]
    original = {f: os.path.getsize(f) for f in files}
    for cut in (0, 3, 100, 5000):
        target = str(tmp_path / f"cut{cut}.zarr")
        shutil.copytree(path, target)
        for f, size in original.items():
            os.truncate(f.replace(path, target), cut if cut < 1000 else size - cut)
        with pytest.raises(LatticeError):
            open_stored(target).reader.read(full(shape))
    for f, size in original.items():
        with open(f, "r+b") as stream:
            stream.seek(size - 40)
            stream.write(b"\xff\x01" * 10)
    with pytest.raises(FormatError):
        read_all(path)


def test_damaged_attributes(tmp_path):
    path = save(tmp_path / "a.zarr", np.zeros((4, 5), "f4"))
    with open(f"{path}/zarr.json") as f:
        found = json.load(f)
    about = found["attributes"]["lattice"]
    for change in (
        {"version": 9},
        {"values": "../x"},
        {"dims": ["a"]},
        {"wcs": [1]},
        {"beams": [[1]]},
        {"axes": [[1, 2]]},
    ):
        found["attributes"]["lattice"] = about | change
        with open(f"{path}/zarr.json", "w") as f:
            json.dump(found, f)
        with pytest.raises(FormatError):
            open_stored(path)
    for text in ("", "[", "3", '{"a":' * 100_000):
        with open(f"{path}/zarr.json", "w") as f:
            f.write(text)
        with pytest.raises(FormatError):
            open_stored(path)


def test_all_that_an_image_has(tmp_path):
    import lattice
    from lattice import regions
    from lattice.graph.records import Record
    from lattice.io.base import LogLine

    sky = regions.from_crtf("#CRTFv0\ncircle[[5h34m24s, -22d], 3arcmin], coord=J2000")
    header = {"CTYPE1": "RA---SIN", "CTYPE2": "DEC--SIN", "CRVAL1": 83.6, "CRVAL2": -22.0,
              "CDELT1": -0.01, "CDELT2": 0.01, "CRPIX1": 3.0, "CRPIX2": 3.0}  # fmt: skip
    image = lattice.Image(
        np.ones((5, 6), "f4"),
        wcs=header,
        regions={"sky": sky, "box": regions.PixelBox((1, 1), (3, 3))},
        meta={"NEST": {"a": [1, 2], "b": {"c": "x"}}, "Z": 1 + 2j},
    )
    image.save(tmp_path / "a.zarr", strict=True)
    again = lattice.open(tmp_path / "a.zarr")
    assert again.regions == image.regions
    assert again.meta == image.meta
    spec = ImageSpec(
        (2, 3),
        ("y", "x"),
        np.dtype("f4"),
        history=("plain", LogLine("log", 1.0, "WARN", "me")),
        groups={"g": Record({"x": [1.5, 2.5]})},
        regions={"odd": Record({"name": "WCUnknown"})},
    )
    with ZARR.create(str(tmp_path / "b.zarr"), spec):
        pass
    stored = open_stored(str(tmp_path / "b.zarr"))
    assert stored.groups == spec.groups
    assert stored.regions == spec.regions
    assert (stored.history[1].priority, stored.history[1].origin) == ("WARN", "me")


def test_regions_of_unknown_kinds_are_named(tmp_path):
    from lattice.regions import Region

    class Mine(Region):
        shape = None
        bounds = mask = None

    spec = ImageSpec((2, 3), ("y", "x"), np.dtype("f4"), regions={"odd": Mine()})
    assert ZARR.losses(spec) == ["the region odd"]
    with ZARR.create(str(tmp_path / "a.zarr"), spec):
        pass
    assert open_stored(str(tmp_path / "a.zarr")).regions == {}


@pytest.mark.parametrize("name", ["blosc", "zstd", "lz4", "bz2", "lzma", "zlib", "gzip"])
def test_packed_chunks_that_lie_about_their_size(name, tmp_path):
    numcodecs = pytest.importorskip("numcodecs")
    codec = numcodecs.get_codec({"id": name})
    values = np.arange(1000, dtype="f4")
    large = codec.encode(np.zeros(50_000_000, "u1"))

    def chunk(data):
        meta = {"zarr_format": 2, "shape": [1000], "chunks": [1000], "dtype": "<f4", "order": "C",
                "compressor": codec.get_config(), "filters": None, "fill_value": 0}  # fmt: skip
        folder = tmp_path / f"{len(data)}.zarr"
        folder.mkdir()
        (folder / ".zarray").write_text(json.dumps(meta))
        (folder / "0").write_bytes(bytes(data))
        return open_stored(str(folder)).reader

    packed = codec.encode(values)
    np.testing.assert_array_equal(chunk(packed).read(full((1000,))), values)
    for bad in (large, bytes(packed)[: len(packed) // 2], bytes(packed)[:3]):
        with pytest.raises(FormatError):
            chunk(bad).read(full((1000,)))
