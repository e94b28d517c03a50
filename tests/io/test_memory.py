"""Arrays in memory as sources and targets."""

from __future__ import annotations

import pickle

import dask.array as da
import numpy as np
import pytest

from lattice.errors import LatticeTypeError
from lattice.graph.protocols import Reader, Writer
from lattice.graph.sections import full
from lattice.graph.types import lel_dtype
from lattice.io.memory import ArrayReader, ArrayWriter, DaskReader

TYPES = {
    "?": "?",
    "i1": "f4",
    "u2": "f4",
    ">i4": "f8",
    "u8": "f8",
    "f2": "f4",
    ">f4": "f4",
    "f8": "f8",
    "c8": "c8",
}


@pytest.mark.parametrize("stored", TYPES)
def test_value_types(stored):
    values = np.arange(12).reshape(3, 4).astype(stored)
    reader = ArrayReader(values)
    assert isinstance(reader, Reader)
    assert reader.dtype == np.dtype(TYPES[stored]) == lel_dtype(np.dtype(stored))
    section = (slice(1, 3, 1), slice(0, 4, 2))
    np.testing.assert_array_equal(reader.read(section), values[1:3, ::2])
    out = np.empty((2, 2), reader.dtype)
    assert reader.read(section, out) is out
    np.testing.assert_array_equal(out, values[1:3, ::2])
    assert reader.bytes_read(section) == 4 * reader.dtype.itemsize


def test_views_are_not_copies_and_read_only():
    values = np.zeros((4, 5))
    view = ArrayReader(values).read(full((4, 5)))
    assert np.shares_memory(view, values)
    with pytest.raises(ValueError, match="read-only"):
        view[0, 0] = 1
    assert values.flags.writeable


def test_tokens():
    small, large = np.arange(6.0), np.zeros(1 << 18)
    assert ArrayReader(small).token == ArrayReader(small.copy()).token
    assert ArrayReader(small).token != ArrayReader(small.reshape(2, 3)).token
    assert ArrayReader(large).token != ArrayReader(large).token
    reader = ArrayReader(large[::2])
    copy = pickle.loads(pickle.dumps(reader))
    assert copy.token == reader.token == reader.__dask_tokenize__()
    assert not copy.read(full(copy.shape)).flags.writeable


def test_a_scalar_stays_an_array():
    got = ArrayReader(np.float32(3)).read(())
    assert isinstance(got, np.ndarray)
    assert got.shape == ()


def test_what_cannot_be_pixels():
    for values in (["a"], np.array([object()]), np.array(["2020"], "M8[D]")):
        with pytest.raises(LatticeTypeError, match="cannot be pixels"):
            ArrayReader(values)


def test_dask_array():
    values = np.arange(200, dtype="i4").reshape(10, 20)
    reader = DaskReader(da.from_array(values, chunks=(3, 8)))
    assert isinstance(reader, Reader)
    assert reader.dtype == np.float64
    assert reader.tile == (3, 8)
    assert not reader.direct
    section = (slice(1, 9, 3), slice(2, 20, 1))
    np.testing.assert_array_equal(reader.read(section), values[section])
    out = np.empty((3, 18))
    assert reader.read(section, out) is out
    copy = pickle.loads(pickle.dumps(reader))
    assert copy.token == reader.token
    np.testing.assert_array_equal(copy.read(section), values[section])


def test_array_writer():
    values, mask = np.zeros((4, 5), "f4"), np.zeros((4, 5), bool)
    writer = ArrayWriter(values, mask)
    assert isinstance(writer, Writer)
    writer.write((slice(1, 2, 1), slice(0, 5, 1)), np.ones((1, 5), "f4"), None)
    writer.write((slice(2, 3, 1), slice(0, 2, 1)), np.ones((1, 2), "f4"), np.array([[True, False]]))
    assert values.sum() == 7
    assert mask.sum() == 6
    ArrayWriter(values).write(full((4, 5)), np.zeros((4, 5), "f4"), mask)
    assert values.sum() == 0
