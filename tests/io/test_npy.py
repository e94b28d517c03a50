"""NumPy arrays in files, against numpy."""

from __future__ import annotations

import concurrent.futures
import pickle
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lattice
from lattice.errors import FormatError, LatticeError, LatticeWarning, OutputExistsError, StorageError
from lattice.graph.protocols import Reader, Writer
from lattice.graph.sections import full, grid
from lattice.io import files
from lattice.io.base import ImageSpec
from lattice.io.files import counting
from lattice.io.npy import NpyFormat
from lattice.io.registry import by_name, open_stored

NPY = by_name("npy")
TYPES = ["?", "i1", "u1", "<i2", ">i2", ">u2", "<i4", ">u4", ">i8", "<f2", ">f4", "<f4", ">f8", ">c8", "<c16"]


def array_of(dtype, shape, seed=0):
    rng = np.random.default_rng(seed)
    kind = np.dtype(dtype).kind
    if kind == "b":
        return rng.random(shape) > 0.5
    values = rng.standard_normal(shape) * 50
    if kind == "c":
        values = values + 1j * rng.standard_normal(shape)
    return (np.abs(values) if kind == "u" else values).astype(dtype)


@st.composite
def cases(draw):
    shape = tuple(draw(st.lists(st.integers(1, 9), min_size=1, max_size=4)))
    section = []
    for n in shape:
        start = draw(st.integers(0, n))
        section.append(slice(start, draw(st.integers(start, n)), draw(st.integers(1, 4))))
    return draw(st.sampled_from(TYPES)), shape, draw(st.sampled_from("CF")), tuple(section)


@settings(max_examples=150)
@given(cases())
def test_sections_equal_slices_of_the_whole(tmp_path_factory, case):
    dtype, shape, order, section = case
    values = array_of(dtype, shape)
    path = tmp_path_factory.mktemp("npy") / "a.npy"
    np.save(path, np.asarray(values, order=order))
    reader = open_stored(str(path)).reader
    assert isinstance(reader, Reader)
    assert reader.shape == shape
    got = reader.read(section)
    assert got.dtype == reader.dtype
    np.testing.assert_array_equal(got, values[section].astype(reader.dtype))
    np.testing.assert_array_equal(reader.read(full(shape)), values)
    with counting() as count:
        reader.read(section)
    assert count.bytes == reader.bytes_read(section)


def test_large_fortran_arrays_are_turned_in_pieces(tmp_path):
    values = np.asfortranarray(array_of(">f4", (300, 40, 90)))
    np.save(tmp_path / "f.npy", values)
    reader = open_stored(str(tmp_path / "f.npy")).reader
    np.testing.assert_array_equal(reader.read(full(values.shape)), values)
    section = (slice(3, 290, 2), slice(1, 40, 3), slice(0, 90, 1))
    np.testing.assert_array_equal(reader.read(section), values[section])
    assert reader.tile[0] == 300  # the axis that runs fastest comes whole


def test_types_become_those_of_the_language(tmp_path):
    for dtype in TYPES:
        np.save(tmp_path / "a.npy", array_of(dtype, (3, 4)))
        found = open_stored(str(tmp_path / "a.npy")).reader.dtype
        kind, size = np.dtype(dtype).kind, np.dtype(dtype).itemsize
        if kind in "iu":
            assert found == (np.float32 if size <= 2 else np.float64)
        else:
            assert found == np.dtype(dtype).newbyteorder("=") if dtype != "<f2" else found == np.float32


@pytest.mark.parametrize("dtype", ["?", "f4", "f8", "c8", "c16"])
def test_what_is_saved_is_what_numpy_loads(tmp_path, dtype):
    values = array_of(dtype, (7, 30, 41))
    saved = lattice.Image(values).save(tmp_path / "out.npy")
    loaded = np.load(tmp_path / "out.npy")
    assert loaded.dtype == values.dtype
    np.testing.assert_array_equal(loaded, values)
    np.testing.assert_array_equal(saved.values, values)


def test_blocks_are_written_at_once_and_by_pickled_writers(tmp_path):
    values = array_of("f8", (60, 70))
    spec = ImageSpec(values.shape, ("y", "x"), values.dtype)
    with NPY.create(str(tmp_path / "a.npy"), spec) as out:
        assert isinstance(out.writer, Writer)
        writer = pickle.loads(pickle.dumps(out.writer))
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda s: writer.write(s, values[s].copy(), None), grid(values.shape, (7, 11))))
        assert not (tmp_path / "a.npy").exists()
    np.testing.assert_array_equal(np.load(tmp_path / "a.npy"), values)


def test_losses_are_named(tmp_path):
    image = lattice.Image(np.arange(6.0).reshape(2, 3), unit="Jy", mask=np.eye(2, 3, dtype=bool))
    with pytest.warns(LatticeWarning, match=r"which pixels are good.*the unit 'Jy'"):
        image.save(tmp_path / "a.npy")
    with pytest.raises(FormatError, match="does not hold"):
        image.save(tmp_path / "b.npy", strict=True)
    assert not (tmp_path / "b.npy").exists()
    np.testing.assert_array_equal(np.load(tmp_path / "a.npy"), np.arange(6.0).reshape(2, 3))


def test_nan_is_a_value(tmp_path):
    np.save(tmp_path / "a.npy", np.array([1, np.nan, 3], "f4"))
    image = lattice.open(tmp_path / "a.npy")
    assert image.mask is None
    assert image.dims == ("x",)


def test_expressions_read_arrays(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("a.npy", np.arange(12, dtype="i2").reshape(3, 4))
    np.testing.assert_array_equal(lattice.expr("'a.npy' * 2 + 1").values, np.arange(12).reshape(3, 4) * 2 + 1)


def test_existing_files_are_kept(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros(3))
    with pytest.raises(OutputExistsError):
        lattice.Image(np.ones(3)).save(tmp_path / "a.npy")
    with pytest.raises(LatticeError, match="no option"):
        lattice.Image(np.ones(3)).save(tmp_path / "a.npy", overwrite=True, compress="lz4")
    np.testing.assert_array_equal(np.load(tmp_path / "a.npy"), np.zeros(3))
    lattice.Image(np.ones(3)).save(tmp_path / "a.npy", overwrite=True)
    np.testing.assert_array_equal(np.load(tmp_path / "a.npy"), np.ones(3))


@pytest.mark.parametrize(
    "make",
    [
        lambda p: np.save(p, np.array(["a", "b"])),
        lambda p: np.save(p, np.zeros(3, [("a", "f4")])),
        lambda p: np.save(p, np.array([{}], object), allow_pickle=True),
        lambda p: np.save(p, np.zeros(2, "M8[s]")),
        lambda p: np.save(p, np.zeros(2, np.longdouble)),
    ],
)
def test_what_is_no_image_is_refused(tmp_path, make):
    make(tmp_path / "a.npy")
    with pytest.raises(FormatError):
        NpyFormat().open(str(tmp_path / "a.npy"))


@pytest.mark.parametrize("order", ["C", "F"])
def test_cut_files_are_found_out(tmp_path, order):
    path = tmp_path / "a.npy"
    np.save(path, np.asarray(array_of("f4", (20, 30)), order=order))
    whole = path.read_bytes()
    for tenth in range(10):
        path.write_bytes(whole[: len(whole) * tenth // 10])
        with pytest.raises(LatticeError):
            open_stored(str(path))


def test_damaged_headers_are_errors_or_arrays(tmp_path):
    path = tmp_path / "a.npy"
    values = array_of("f4", (20, 30))
    np.save(path, values)
    whole = path.read_bytes()
    rng = np.random.default_rng(5)
    outcomes = set()
    for _ in range(300):
        broken = bytearray(whole)
        broken[rng.integers(6, 128)] = rng.integers(256)
        path.write_bytes(broken)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # Python's parser warns of odd literals
                reader = open_stored(str(path)).reader
            assert reader.read(full(reader.shape)).size <= len(whole)
            outcomes.add("array")
        except LatticeError:
            outcomes.add("error")
    assert outcomes == {"array", "error"}


def test_impossible_shapes_are_refused(tmp_path):
    path = tmp_path / "a.npy"
    np.save(path, np.zeros((11, 22)))
    for shape in (b"(-1, 22)", b"(1 << 99,)"[:8], b"(9**9**9)"[:8], b"(999999999999,)"):
        path.write_bytes(path.read_bytes().replace(b"(11, 22)", shape.ljust(8)))
        with pytest.raises(FormatError):
            open_stored(str(path))
        np.save(path, np.zeros((11, 22)))


def test_a_file_that_changes_is_found_out(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "_CHECK_SECONDS", -1.0)  # however soon after the last look
    path = tmp_path / "a.npy"
    np.save(path, np.zeros(5))
    reader = open_stored(str(path)).reader
    np.save(path, np.zeros(6))
    with pytest.raises(StorageError, match="changed"):
        reader.read(full(reader.shape))
