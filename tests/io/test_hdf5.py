"""HDF5 images: casacore's layout by an independent reader and writer, arrays of other programs by h5py.

`casacore_file` makes files as the source code of casacore does, and `Strict` reads them as that does, with
all its demands. test_hdf5_casacore.py has files of a real one, test_hdf5_exchange.py exchanges with one.
"""

from __future__ import annotations

import concurrent.futures
import os
import pickle
import shutil
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lattice
from lattice.errors import FormatError, LatticeError, LatticeTypeError, OutputExistsError
from lattice.graph.protocols import Reader, Writer
from lattice.graph.records import Record
from lattice.graph.sections import full, grid
from lattice.io.base import ImageSpec
from lattice.io.files import counting
from lattice.io.registry import by_name, open_stored

h5py = pytest.importorskip("h5py")

HDF5 = by_name("hdf5")
RNG = np.random.default_rng(3)
PAIR = {"c8": [("re", "<f4"), ("im", "<f4")], "c16": [("re", "<f8"), ("im", "<f8")]}


def values_of(dtype, shape):
    values = RNG.standard_normal(shape)
    return (values + 1j * RNG.standard_normal(shape) if np.dtype(dtype).kind == "c" else values).astype(dtype)


# -- what casacore does ---------------------------------------------------------------------------


def put_text(group, name, text):
    """A text as casacore writes it: just its letters, ended by zero in name only; a mark if it is empty."""
    data = (text or "__empty__").encode()
    kind = h5py.h5t.C_S1.copy()
    kind.set_size(len(data))
    attribute = h5py.h5a.create(group.id, name.encode(), kind, h5py.h5s.create(h5py.h5s.SCALAR))
    attribute.write(np.array(data, f"S{len(data)}"), mtype=kind)


def put_record(parent, name, record):
    group = parent.create_group(name)
    for key, value in record.items():
        if isinstance(value, dict):
            put_record(group, key, value)
        elif isinstance(value, str):
            put_text(group, key, value)
        elif isinstance(value, list):
            group.attrs.create(key, value, dtype=h5py.string_dtype("ascii"))
        else:
            array = np.asarray(value)
            group.attrs[key] = array.astype("i1") if array.dtype.kind == "b" else array


def linear(shape):
    """Coordinates that only count pixels."""
    n = len(shape)
    numbers = np.arange(n, dtype="i4")
    about = {"crval": np.zeros(n), "crpix": np.zeros(n), "cdelt": np.ones(n), "pc": np.eye(n)}
    about |= {"axes": [f"axis{i}" for i in range(n)], "units": ["pix"] * n}
    maps = {"worldmap0": numbers, "worldreplace0": np.zeros(n), "pixelmap0": numbers}
    return {"telescope": "", "linear0": about, **maps, "pixelreplace0": np.zeros(n)}


def casacore_file(
    path,
    values,
    masks=None,
    default="",
    unit="",
    chunks=None,
    stored_path=None,
    coords=None,
    records=(),
    **options,
):
    code = f"{values.dtype.kind}{values.dtype.itemsize}"
    shape = values.shape[::-1]
    with h5py.File(path, "w") as f:
        data = values.view(PAIR[code]) if code in PAIR else values
        f.create_dataset("map", data=data, chunks=chunks or tuple(min(n, 8) for n in values.shape), **options)
        put_record(f, "coordinfo", {"coords": coords or linear(shape)})
        for name, record in dict(records).items():
            put_record(f, name, record)
        put_record(f, "unitinfo", {"units": unit})
        if masks:
            f.create_group("masks")
            listed = {}
            for name, mask in masks.items():
                f["masks"].create_dataset(name, data=mask.astype("i1"), chunks=f["map"].chunks)
                box = {"name": "LCBox", "isRegion": np.int32(1), "comment": "", "oneRel": True}
                box |= {"blc": np.ones(len(shape), "f4"), "trc": np.array(shape, "f4")}
                box["shape"] = np.array(shape, "i4")
                listed[name] = {
                    "name": "LCHDF5Mask",
                    "isRegion": np.int32(1),
                    "comment": "",
                    "filename": stored_path or os.path.abspath(path),
                    "maskname": name,
                    "box": box,
                }
            put_record(f, "maskinfo", {"Image_defaultmask": default, "masks": listed})
    return str(path)


class Strict:
    """Reads a file with the demands of casacore's code, which differ from what h5py is content with."""

    def __init__(self, path):
        self.file = h5py.File(path, "r")

    def record(self, name):
        return self._record(self.file[name].id) if name in self.file else {}

    def _record(self, group):
        out = {}
        for i in range(h5py.h5a.get_num_attrs(group)):
            attribute = h5py.h5a.open(group, index=i, index_type=h5py.h5.INDEX_CRT_ORDER)
            out[attribute.name.decode()] = self._value(attribute)
        for raw in group:
            out[raw.decode()] = self._record(h5py.h5g.open(group, raw))
        return out

    def _value(self, attribute):
        kind, shape = attribute.get_type(), attribute.shape
        if isinstance(kind, h5py.h5t.TypeStringID):
            values = np.zeros(shape, h5py.string_dtype() if kind.is_variable_str() else f"S{kind.get_size()}")
            assert kind.is_variable_str() == bool(shape), "single texts are of fixed length, arrays are not"
            if not shape:
                # read with a size of the letters: any other padding loses the last one
                assert kind.get_strpad() == h5py.h5t.STR_NULLTERM
            assert kind.get_cset() == h5py.h5t.CSET_ASCII
            attribute.read(values, mtype=None if shape else kind)
            if shape:
                return [v.decode() for v in values]
            return "" if values[()] == b"__empty__" else values[()].decode()
        if isinstance(kind, h5py.h5t.TypeCompoundID):
            names = [kind.get_member_name(i) for i in range(kind.get_nmembers())]
            if names == [b"emptyarray", b"rank", b"casatype"]:
                assert shape == ()
                return "empty array"
            assert names == [b"re", b"im"]
            values = np.zeros(shape, PAIR[f"c{kind.get_size()}"])
            attribute.read(values, mtype=kind)
            return values.view(f"c{kind.get_size()}")
        assert isinstance(kind, h5py.h5t.TypeIntegerID | h5py.h5t.TypeFloatID)
        dtype = kind.dtype
        assert dtype.str[1:] in ("i1", "u1", "i2", "i4", "u4", "i8", "f4", "f8")
        values = np.zeros(shape, dtype)
        attribute.read(values)
        values = values != 0 if dtype == np.int8 else values
        return values if shape else values[()]

    def pixels(self, name="map"):
        dataset = self.file[name]
        assert dataset.chunks is not None
        assert dataset.compression is None
        kind = dataset.id.get_type()
        if isinstance(kind, h5py.h5t.TypeCompoundID):
            assert [kind.get_member_name(i) for i in range(2)] == [b"re", b"im"]
            return dataset[()].view(f"c{kind.get_size()}")
        return dataset[()]


# -- reading ----------------------------------------------------------------------------------------


@st.composite
def cases(draw):
    shape = tuple(draw(st.lists(st.integers(1, 11), min_size=1, max_size=4)))
    section = []
    for n in shape:
        start = draw(st.integers(0, n))
        section.append(slice(start, draw(st.integers(start, n)), draw(st.integers(1, 4))))
    chunks = tuple(draw(st.integers(1, n)) for n in shape)
    layout = draw(st.sampled_from(["chunked", "gzip", "shuffle", "checked", "lzf", "contiguous", "block"]))
    dtype = draw(st.sampled_from(["<f4", ">f4", "<f8", ">f8", "<c8", "<c16", "<i2", ">u4", "u1"]))
    return shape, chunks, layout, dtype, tuple(section)


_LAYOUTS = {
    "chunked": {},
    "gzip": {"compression": "gzip"},
    "shuffle": {"compression": "gzip", "shuffle": True},
    "checked": {"compression": "gzip", "shuffle": True, "fletcher32": True},
    "lzf": {"compression": "lzf"},
}


@settings(max_examples=200)
@given(cases())
def test_sections_equal_slices_of_the_whole(tmp_path_factory, case):
    shape, chunks, layout, dtype, section = case
    values = values_of("f8" if np.dtype(dtype).kind in "iu" else np.dtype(dtype).newbyteorder("="), shape)
    values = (np.abs(values) * 50).astype(dtype) if np.dtype(dtype).kind in "iu" else values.astype(dtype)
    path = str(tmp_path_factory.mktemp("h") / "a.h5")
    with h5py.File(path, "w", userblock_size=512 if layout == "block" else 0) as f:
        data = values.view(PAIR[values.dtype.str[1:]]) if values.dtype.kind == "c" else values
        f.create_dataset(
            "d", data=data, chunks=chunks if layout in _LAYOUTS else None, **_LAYOUTS.get(layout, {})
        )
    reader = open_stored(path).reader
    assert isinstance(reader, Reader)
    assert reader.direct == (layout in ("chunked", "contiguous"))
    got = reader.read(section)
    assert got.dtype == reader.dtype
    np.testing.assert_array_equal(got, values[section])
    np.testing.assert_array_equal(reader.read(full(shape)), values)
    with counting() as count:
        reader.read(section)
    if layout != "lzf":
        assert count.bytes == reader.bytes_read(section)


@pytest.mark.parametrize("dtype", ["f4", "f8", "c8", "c16"])
@pytest.mark.parametrize("packed", [False, True])
def test_casacore_images(tmp_path, dtype, packed):
    values = values_of(dtype, (3, 17, 20))
    masks = {"mask0": RNG.random(values.shape) > 0.3, "other": RNG.random(values.shape) > 0.6}
    options = {"compression": "gzip", "shuffle": True} if packed else {}
    path = casacore_file(tmp_path / "a.h5", values, masks, "other", "Jy/beam", **options)
    image = lattice.open(path)
    assert image.unit == "Jy/beam"
    assert set(image.masks) == {"mask0", "other"}
    assert image.default_mask == "other"
    np.testing.assert_array_equal(image.mask.compute(), masks["other"])
    for name, mask in masks.items():
        np.testing.assert_array_equal(image.masks[name].values, mask)
    np.testing.assert_array_equal(lattice.open(path, mask=None).values, values)


def test_moved_files_and_copies_keep_their_own_masks(tmp_path):
    values = values_of("f4", (9, 9))
    mask = RNG.random(values.shape) > 0.5
    first = casacore_file(tmp_path / "a.h5", values, {"mask0": mask}, "mask0")
    copy = casacore_file(tmp_path / "b.h5", values, {"mask0": ~mask}, "mask0", stored_path=first)
    np.testing.assert_array_equal(lattice.open(copy).mask.compute(), ~mask)
    os.remove(first)
    np.testing.assert_array_equal(lattice.open(copy).mask.compute(), ~mask)
    moved = lattice.open(copy).save(tmp_path / "c.h5")
    np.testing.assert_array_equal(moved.mask.compute(), ~mask)
    shutil.move(tmp_path / "c.h5", tmp_path / "d.h5")
    np.testing.assert_array_equal(lattice.open(tmp_path / "d.h5").mask.compute(), ~mask)


def test_what_is_not_stored_is_the_fill_value(tmp_path):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as f:
        d = f.create_dataset("d", (20, 20), "f4", chunks=(5, 5), fillvalue=7)
        d[6, 6] = 1
        f.create_dataset("empty", (4, 5), "f8")
        f.create_dataset("pairs", (6, 6), PAIR["c8"], chunks=(3, 3))
    reader = open_stored(str(path), part="d").reader
    want = np.full((20, 20), 7, "f4")
    want[6, 6] = 1
    np.testing.assert_array_equal(reader.read(full((20, 20))), want)
    assert reader.bytes_read(full((20, 20))) == 100
    np.testing.assert_array_equal(open_stored(f"{path}[empty]").reader.read(full((4, 5))), 0)
    np.testing.assert_array_equal(open_stored(f"{path}[pairs]").reader.read(full((6, 6))), 0)


def test_arrays_of_other_programs_are_named(tmp_path):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as f:
        f["group/cube"] = np.arange(24.0).reshape(2, 3, 4)
        f["group/cube"].attrs.update({"units": "K", "scale": 2.5, "who": "me", "list": [1, 2]})
        f["axis"] = np.arange(4)
        f["title"] = "text"
    image = lattice.open(path)  # the only one of two axes or more
    assert image.unit == "K"
    assert dict(image.meta) == {"SCALE": 2.5, "WHO": "me"}
    np.testing.assert_array_equal(lattice.open(f"{path}[axis]").values, np.arange(4))
    with pytest.raises(FormatError, match="did you mean 'group/cube'"):
        lattice.open(f"{path}[group/cubes]")
    with h5py.File(path, "a") as f:
        f["more"] = np.zeros((2, 2))
    with pytest.raises(FormatError, match=r"several arrays: group/cube, more"):
        lattice.open(path)


def test_truth_values_and_starlink_data(tmp_path):
    with h5py.File(tmp_path / "b.h5", "w") as f:
        f["flags"] = RNG.random((5, 6)) > 0.5
    reader = open_stored(str(tmp_path / "b.h5")).reader
    assert reader.dtype == bool
    with h5py.File(tmp_path / "n.sdf", "w") as f, h5py.File(tmp_path / "b.h5") as g:
        np.testing.assert_array_equal(reader.read(full((5, 6))), g["flags"][()])
        f.attrs["CLASS"] = "NDF"
        f["DATA_ARRAY/DATA"] = np.ones((4, 5), "f4")
        f["VARIANCE/DATA"] = np.zeros((4, 5), "f4")
    np.testing.assert_array_equal(lattice.open(tmp_path / "n.sdf").values, 1)


def test_pixels_elsewhere_are_refused(tmp_path):
    (tmp_path / "secret").write_bytes(b"x" * 400)
    with h5py.File(tmp_path / "a.h5", "w") as f:
        f.create_dataset("d", (10, 10), "f4", external=[(str(tmp_path / "secret"), 0, 400)])
    with pytest.raises(FormatError, match="other files"):
        lattice.open(tmp_path / "a.h5")
    layout = h5py.VirtualLayout((4, 4), "f4")
    layout[:2] = h5py.VirtualSource(str(tmp_path / "a.h5"), "d", (10, 10))[:2, :4]
    with h5py.File(tmp_path / "v.h5", "w") as f:
        f.create_virtual_dataset("d", layout)
    with pytest.raises(FormatError, match="other files"):
        lattice.open(tmp_path / "v.h5")


def test_readers_in_threads_and_pickled(tmp_path):
    values = values_of("f4", (6, 60, 70))
    path = casacore_file(tmp_path / "a.h5", values, chunks=(1, 16, 16), compression="gzip")
    reader = pickle.loads(pickle.dumps(open_stored(path).reader))
    sections = grid(values.shape, (2, 13, 17))
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        for section, got in zip(sections, pool.map(reader.read, sections), strict=True):
            np.testing.assert_array_equal(got, values[section])


# -- writing ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["f4", "f8", "c8", "c16"])
@pytest.mark.parametrize("shape", [(7,), (30, 40), (3, 2, 33, 20), (5, 600, 700)])
def test_what_is_saved_is_what_casacore_wants(tmp_path, dtype, shape):
    values = values_of(dtype, shape)
    mask, other = RNG.random(shape) > 0.3, RNG.random(shape) > 0.6
    image = lattice.Image(values, mask=mask, masks={"other": other}, unit="Jy/beam")
    saved = image.save(tmp_path / "a.h5")
    strict = Strict(tmp_path / "a.h5")
    np.testing.assert_array_equal(strict.pixels(), values)
    assert strict.record("unitinfo") == {"units": "Jy/beam"}
    about = strict.record("maskinfo")
    default = about["Image_defaultmask"]
    assert set(about["masks"]) == {default, "other"}
    np.testing.assert_array_equal(strict.pixels(f"masks/{default}") != 0, mask)
    np.testing.assert_array_equal(strict.pixels("masks/other") != 0, other)
    entry = about["masks"]["other"]
    assert entry["filename"] == str(tmp_path / "a.h5")
    assert (entry["name"], entry["maskname"], entry["isRegion"]) == ("LCHDF5Mask", "other", 1)
    np.testing.assert_array_equal(entry["box"]["trc"], shape[::-1])
    assert entry["box"]["trc"].dtype == np.float32
    assert entry["box"]["oneRel"] == True  # noqa: E712 (a numpy truth value)
    np.testing.assert_array_equal(saved.mask.compute(), mask)
    assert saved.default_mask == default
    assert saved.unit == "Jy/beam"


def test_disjoint_sections_are_written_at_once(tmp_path):
    values = values_of("f8", (40, 50))
    mask = RNG.random(values.shape) > 0.5
    spec = ImageSpec(values.shape, ("y", "x"), values.dtype, masked=True, mask_names=("more",))
    with HDF5.create(str(tmp_path / "a.h5"), spec, tile=(16, 16)) as out:
        assert isinstance(out.writer, Writer)
        assert out.writer.direct
        writer, more = pickle.loads(pickle.dumps((out.writer, out.mask_writers["more"])))

        def put(section):
            writer.write(section, values[section].copy(), mask[section])
            more.write(section, ~mask[section], None)

        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            list(pool.map(put, grid(values.shape, (7, 9))))
    strict = Strict(tmp_path / "a.h5")
    assert strict.file["map"].chunks == (16, 16)
    np.testing.assert_array_equal(strict.pixels(), values)
    np.testing.assert_array_equal(strict.pixels("masks/mask0") != 0, mask)
    np.testing.assert_array_equal(strict.pixels("masks/more") == 0, mask)


def test_sections_without_a_mask_are_good(tmp_path):
    spec = ImageSpec((4, 6), ("y", "x"), np.dtype("f4"), masked=True)
    with HDF5.create(str(tmp_path / "a.h5"), spec) as out:
        out.writer.write((slice(0, 2, 1), slice(0, 6, 1)), np.ones((2, 6), "f4"), None)
        out.writer.write((slice(2, 4, 1), slice(0, 6, 1)), np.ones((2, 6), "f4"), np.zeros((2, 6), bool))
    np.testing.assert_array_equal(
        lattice.open(tmp_path / "a.h5").mask.compute()[:, 0], [True, True, False, False]
    )


def test_attribute_groups(tmp_path):
    groups = {
        "cal": Record(
            {
                "freq": {"values": np.array([1.4, 1.5]), "unit": np.array(["GHz"])},
                "when": {"values": np.array([5.0, 6.0]), "measinfo": np.array(["epoch", "UTC"])},
                "name": {"values": np.array(["first", ""])},
                "parts": {"values": {"0": np.array([1.0, 2.0]), "1": np.array([3.0])}},
            }
        )
    }
    spec = ImageSpec((2, 2), ("y", "x"), np.dtype("f4"), groups=groups)
    with HDF5.create(str(tmp_path / "a.h5"), spec) as out:
        out.writer.write(full((2, 2)), np.zeros((2, 2), "f4"), None)
    rows = Strict(tmp_path / "a.h5").record("ATTRGROUPS")["cal"]
    assert list(rows) == ["00000", "00001"]
    assert rows["00000"]["freq_UNIT"] == ["GHz"]
    assert rows["00001"]["when_MEASINFO"] == ["epoch", "UTC"]
    assert (rows["00000"]["name"], rows["00001"]["name"]) == ("first", "")
    assert open_stored(str(tmp_path / "a.h5")).groups == groups


def test_values_that_do_not_fit_are_refused(tmp_path):
    path = tmp_path / "a.h5"
    with pytest.raises(LatticeTypeError, match="bool"):
        lattice.Image(np.zeros((2, 2), bool)).save(path)
    image = lattice.Image(np.zeros((2, 2), "f4"))
    with pytest.raises(LatticeError, match="no option"):
        image.save(path, compress="lz4")
    with pytest.raises(FormatError, match="no tile"):
        image.save(path, tile=(2,))
    with pytest.raises(FormatError, match="name 'a/b'"):
        HDF5.create(str(path), ImageSpec((2, 2), ("y", "x"), np.dtype("f4"), mask_names=("a/b",)))
    assert os.listdir(tmp_path) == []
    image.save(path)
    with pytest.raises(OutputExistsError):
        image.save(path)


def test_without_h5py_the_error_says_what_to_install(tmp_path, monkeypatch):
    path = casacore_file(tmp_path / "a.h5", np.zeros((3, 3), "f4"))
    monkeypatch.setitem(sys.modules, "h5py", None)
    for call in (lambda: lattice.open(path), lambda: lattice.Image(np.zeros((2, 2))).save(tmp_path / "b.h5")):
        with pytest.raises(LatticeError, match=r"lattice-images\[hdf5\]"):
            call()


# -- what casacore knows of an image ------------------------------------------------------------------


def same(a, b):
    """Compare records; the order of fields is not kept in HDF5, and texts come as lists or arrays."""
    if isinstance(a, dict):
        return isinstance(b, dict) and set(a) == set(b) and all(same(a[k], b[k]) for k in a)
    a, b = np.asarray(a), np.asarray(b)
    if a.dtype.kind in "US" or b.dtype.kind in "US":
        return a.shape == b.shape and [str(v) for v in a.flat] == [str(v) for v in b.flat]
    return a.shape == b.shape and np.allclose(a, b, rtol=1e-14, atol=0)


@pytest.fixture
def theirs(tmp_path):
    """An image of casacore with coordinates on the sky, and its records."""
    images = pytest.importorskip("casacore.images")
    tables = pytest.importorskip("casacore.tables")
    from astropy.io import fits

    header = {}
    axes = [("RA---SIN", 20.5, 83.6, -0.01), ("DEC--SIN", 15.0, -22.0, 0.01), ("FREQ", 2.0, 1.4e9, 1e6)]
    for i, (ctype, crpix, crval, cdelt) in enumerate([*axes, ("STOKES", 1.0, 1.0, 1.0)], 1):
        header |= {f"CTYPE{i}": ctype, f"CRPIX{i}": crpix, f"CRVAL{i}": crval, f"CDELT{i}": cdelt}
    header |= {"RESTFRQ": 1.42e9, "SPECSYS": "LSRK", "EQUINOX": 2000.0, "BUNIT": "Jy/beam", "OBJECT": "M13"}
    header |= {"TELESCOP": "VLA", "OBSERVER": "me", "DATE-OBS": "2001-05-06T07:08:09.5"}
    header |= {"BMAJ": 0.05, "BMIN": 0.03, "BPA": 20.0}
    values = RNG.standard_normal((2, 5, 31, 40)).astype("f4")
    fits.writeto(tmp_path / "a.fits", values, fits.Header(header))
    image = images.image(str(tmp_path / "a.fits"))
    image.saveas(str(tmp_path / "a.image"))
    image = images.image(str(tmp_path / "a.image"))
    nested = {
        "number": 5,
        "real": 2.5,
        "text": "x",
        "list": np.arange(3.0),
        "sub": {"flag": True, "deep": {"n": 1}},
    }
    coords = tables.table(str(tmp_path / "a.image"), ack=False).getkeyword("coords")
    return image, values, coords, image.imageinfo(), nested


@pytest.mark.oracle
def test_records_of_casacore_are_read_and_written_back(tmp_path, theirs):
    image, values, coords, imageinfo, nested = theirs
    coords = {k: np.int32(v) if type(v) is int else v for k, v in coords.items()}
    path = casacore_file(
        tmp_path / "a.h5",
        values,
        unit="Jy/beam",
        coords=coords,
        records={"imageinfo": imageinfo, "miscinfo": nested},
    )
    ours = lattice.open(path)
    assert ours.dims == ("stokes", "frequency", "y", "x")
    np.testing.assert_allclose(ours.beams, [(0.05, 0.03, 20.0)], rtol=1e-6)
    meta = dict(ours.meta)
    assert (meta["OBJECT"], meta["TELESCOP"], meta["OBSERVER"]) == ("M13", "VLA", "me")
    assert meta["NUMBER"] == 5
    assert (
        meta["SUB"] == Record({"flag": np.bool_(True), "deep": {"n": np.int64(1)}}) or "flag" in meta["SUB"]
    )
    hertz = ours.coords.frequencies(5)
    sky = ours.wcs.celestial
    for pixel in ([0, 0, 0, 0], [1, 4, 30, 39]):
        _, frequency, dec, ra = image.toworld(pixel)
        assert hertz[pixel[1]] == pytest.approx(frequency, rel=1e-12)
        np.testing.assert_allclose(
            sky.wcs_pix2world([[pixel[3], pixel[2]]], 0)[0], np.degrees([ra, dec]), atol=1e-9
        )
    ours.save(tmp_path / "b.h5", strict=True)
    strict = Strict(tmp_path / "b.h5")
    assert same(strict.record("coordinfo")["coords"], coords)
    assert same(strict.record("miscinfo"), nested)
    assert strict.record("imageinfo")["objectname"] == "M13"


@pytest.mark.oracle
@pytest.mark.usefixtures("theirs")
def test_casacore_takes_the_coordinates_that_are_written(tmp_path):
    images = pytest.importorskip("casacore.images")
    coordinates = pytest.importorskip("casacore.images.coordinates")
    ours = lattice.open(tmp_path / "a.fits")[:, 1:4, ::2, 3:]
    ours.save(tmp_path / "b.h5")
    record = Strict(tmp_path / "b.h5").record("coordinfo")["coords"]
    made = images.image(
        str(tmp_path / "b.image"), shape=list(ours.shape), coordsys=coordinates.coordinatesystem(record)
    )
    _, frequency, dec, ra = made.toworld([1, 2, 3, 4])
    assert ours.coords.frequencies(3)[2] == pytest.approx(frequency, rel=1e-12)
    found = ours.wcs.celestial.wcs_pix2world([[4, 3]], 0)[0]
    np.testing.assert_allclose(found, np.degrees([ra, dec]), atol=1e-9)


def test_regions_beams_and_metadata_come_back(tmp_path):
    header = {"CTYPE1": "RA---SIN", "CTYPE2": "DEC--SIN", "CTYPE3": "FREQ", "CRVAL3": 1e9, "CDELT3": 1e6}
    header |= {"CRPIX1": 5.0, "CRPIX2": 6.0, "CRVAL1": 30.0, "CRVAL2": -40.0, "CDELT1": -0.01, "CDELT2": 0.01}
    shape = (3, 12, 10)
    box = lattice.regions.PixelBox((0, 1, 2), (2, 5, 6), shape=shape)
    odd = Record({"name": "WCOdd", "isRegion": np.int32(2), "values": np.arange(3.0)})
    coords = lattice.Image(np.zeros(shape, "f4"), wcs=header).coords
    meta = (
        ("INSTRUME", "WIDAR", ""),
        ("table", Record({"x": np.float64(1.5), "flags": np.array([True, False])}), ""),
    )
    spec = ImageSpec(
        shape,
        coords.dims,
        np.dtype("f4"),
        coords=coords,
        meta=meta,
        beams=tuple((0.05 + k, 0.03, 20.0 * k) for k in range(3)),
        regions={"box": box, "odd": odd},
    )
    with HDF5.create(str(tmp_path / "a.h5"), spec) as out:
        out.writer.write(full(shape), np.zeros(shape, "f4"), None)
    stored = open_stored(str(tmp_path / "a.h5"))
    assert stored.regions["box"] == box
    assert same(
        dict(stored.regions["odd"]) | {"values": np.arange(3.0)}, dict(odd) | {"values": np.arange(3.0)}
    )
    np.testing.assert_allclose(stored.beams, spec.beams)
    assert stored.coords.compare(coords, 1e-9, shape) is None
    found = {key: value for key, value, _ in stored.meta}
    assert found["INSTRUME"] == "WIDAR"
    np.testing.assert_array_equal(found["table"]["flags"], [True, False])
    assert Strict(tmp_path / "a.h5").record("maskinfo")["regions"]["box"]["name"] == "LCBox"


def test_tables_of_many_channels_are_kept(tmp_path):
    """Attributes of more than 64 KiB need files of HDF5 1.8, which casacore itself does not make."""
    n = 9000
    frequencies = 1e9 + np.cumsum(1e5 + 1e3 * RNG.random(n))
    coords = lattice.coords.system.CoordinateSystem.from_kinds(["spectral"], frequencies=frequencies)
    spec = ImageSpec((n,), coords.dims, np.dtype("f4"), coords=coords)
    with HDF5.create(str(tmp_path / "a.h5"), spec) as out:
        out.writer.write(full((n,)), np.zeros(n, "f4"), None)
    found = open_stored(str(tmp_path / "a.h5")).coords
    np.testing.assert_allclose(found.frequencies(n), frequencies, rtol=1e-12)


# -- records ----------------------------------------------------------------------------------------


def test_records_keep_types_order_and_marks(tmp_path):
    from lattice.io.hdf5_records import read_record, write_record

    record = {
        "zulu": "text",
        "alpha": "",
        "yes": np.bool_(True),
        "small": np.int16(-3),
        "number": np.int32(5),
        "large": np.int64(1 << 40),
        "byte": np.uint8(7),
        "single": np.float32(2.5),
        "double": np.float64(np.pi),
        "pair": np.complex64(1 - 2j),
        "wide": np.complex128(1 + 2j),
        "table": np.arange(6.0).reshape(2, 3),
        "flags": np.array([True, False]),
        "texts": np.array(["a", "", "xyz"]),
        "none": np.zeros(0, np.float32),
        "no texts": np.zeros((0, 0), np.str_),
        "pairs": np.array([1 + 2j, 3], np.complex64),
        "sub": {"deeper": {"text": "\N{MICRO SIGN}Jy"}, "one": np.array([1.5])},
    }
    with h5py.File(tmp_path / "a.h5", "w") as f:
        write_record(f, "r", record)
    with h5py.File(tmp_path / "a.h5", "r") as f:
        found = read_record(f["r"], "a.h5", None)
    assert list(found) == list(record)
    assert found["sub"]["deeper"]["text"] == "\N{MICRO SIGN}Jy"
    for key, value in record.items():
        if key == "sub":
            continue
        assert np.asarray(found[key]).dtype.kind == np.asarray(value).dtype.kind, key
        if np.asarray(value).dtype.kind != "U":
            assert np.asarray(found[key]).dtype == np.asarray(value).dtype, key
        np.testing.assert_array_equal(found[key], value)
    strict = Strict(tmp_path / "a.h5").record("r")
    assert strict["none"] == strict["no texts"] == "empty array"
    assert strict["zulu"] == "text"
    assert strict["texts"] == ["a", "", "xyz"]


def test_large_values_need_newer_files_only_then(tmp_path):
    from lattice.io.hdf5_records import has_large_values, read_record, write_record

    assert not has_large_values({"a": np.zeros(8000), "b": {"c": "x" * 100}})
    large = {"b": {"c": np.arange(9000.0)}}
    assert has_large_values(large)
    with h5py.File(tmp_path / "a.h5", "w", libver=("v108", "v108")) as f:
        write_record(f, "r", large)
    with h5py.File(tmp_path / "a.h5", "r") as f:
        np.testing.assert_array_equal(read_record(f["r"], "a.h5", None)["b"]["c"], large["b"]["c"])


def test_records_that_never_end_are_refused(tmp_path):
    from lattice.io.hdf5_records import read_record

    with h5py.File(tmp_path / "a.h5", "w") as f:
        f.create_group("r")
        f["r/again"] = f["r"]
        f.create_group("wide")
        f["wide"].attrs["text"] = "x"
        f["wide/link"] = h5py.SoftLink("/r")
    with h5py.File(tmp_path / "a.h5", "r") as f:
        with pytest.raises(FormatError, match="nested deeper"):
            read_record(f["r"], "a.h5", None)
        assert read_record(f["wide"], "a.h5", None) == {"text": "x"}


# -- damage -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{}, {"compression": "gzip", "shuffle": True, "fletcher32": True}])
def test_cut_files_are_found_out(tmp_path, options):
    values = values_of("f4", (3, 20, 30))
    path = casacore_file(
        tmp_path / "a.h5", values, {"mask0": values > 0}, "mask0", chunks=(1, 8, 9), **options
    )
    whole = (tmp_path / "a.h5").read_bytes()
    for tenth in range(10):
        (tmp_path / "a.h5").write_bytes(whole[: len(whole) * tenth // 10])
        with pytest.raises(LatticeError):
            lattice.open(path).values  # noqa: B018


@pytest.mark.parametrize("options", [{}, {"compression": "gzip", "shuffle": True, "fletcher32": True}])
def test_damaged_files_are_errors_or_images(tmp_path, options):
    values = values_of("f4", (3, 20, 30))
    path = tmp_path / "a.h5"
    casacore_file(path, values, {"mask0": values > 0}, "mask0", chunks=(1, 8, 9), **options)
    whole = path.read_bytes()
    outcomes = set()
    for _ in range(250):
        broken = bytearray(whole)
        for _ in range(RNG.integers(1, 4)):
            broken[RNG.integers(len(broken))] = RNG.integers(256)
        path.write_bytes(broken)
        try:
            stored = open_stored(str(path))
            if stored.reader.shape == values.shape:
                stored.reader.read(full(values.shape))
            for mask in stored.masks.values():
                mask.read(full(mask.shape))
            outcomes.add("image")
        except LatticeError:
            outcomes.add("error")
    assert outcomes == {"image", "error"}


def test_damaged_heaps_of_texts_are_found_out(tmp_path):
    """The library searches some of these for ever."""
    path = tmp_path / "a.h5"
    casacore_file(path, np.zeros((3, 4), "f4"))
    assert lattice.open(path).coords is not None
    whole = path.read_bytes()
    start = whole.index(b"GCOL")
    for place in (0, 4, 9, 16, 24, 25, 31):  # signature, version, size, and the first text
        broken = bytearray(whole)
        broken[start + place] ^= 0xD0
        path.write_bytes(broken)
        with pytest.raises(FormatError):
            lattice.open(path)
    last = whole.index(b"\0\0\0\0\0\0\0\0", whole.index(b"pix", start))
    broken = bytearray(whole)
    broken[last + 8 : last + 16] = b"\xff" * 8  # free space that never ends
    path.write_bytes(broken)
    with pytest.raises(FormatError):
        lattice.open(path)


def test_a_wrong_checksum_is_found_out(tmp_path):
    values = values_of("f4", (40, 40))
    path = casacore_file(tmp_path / "a.h5", values, chunks=(40, 40), fletcher32=True)
    with h5py.File(path) as f:
        place = f["map"].id.get_chunk_info(0)
    with open(path, "r+b") as f:
        f.seek(place.byte_offset + 100)
        f.write(b"\0\1\2")
    with pytest.raises(FormatError, match="checksum"):
        lattice.open(path).values  # noqa: B018


def test_a_chunk_that_unpacks_to_more_is_refused(tmp_path):
    import zlib

    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as f:
        f.create_dataset("d", (8, 8), "f4", chunks=(8, 8), compression="gzip")
        f["d"].id.write_direct_chunk((0, 0), zlib.compress(bytes(1 << 20)))
    with pytest.raises(FormatError, match="cannot be unpacked"):
        lattice.open(path).values  # noqa: B018
