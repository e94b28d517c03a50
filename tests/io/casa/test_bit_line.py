"""Bits that follow each other, against plain arrays."""

from __future__ import annotations

import pickle
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lattice.errors import FormatError
from lattice.io.casa import bit_line
from lattice.io.casa.bit_line import BitReader, BitWriter
from lattice.io.files import counting, identify
from lattice.io.raw import scratch

N = 2000
GOOD = np.random.default_rng(8).random(N) < 0.5


def packed(values: np.ndarray) -> bytes:
    return np.packbits(values, bitorder="little").tobytes()


@st.composite
def spans(draw: st.DrawFn, steps: int = 1) -> slice:
    start = draw(st.integers(0, N))
    return slice(start, draw(st.integers(start, N)), draw(st.integers(1, steps)))


@pytest.fixture(scope="module")
def reader() -> BitReader:
    path = str(Path(tempfile.mkdtemp()) / "bits")
    Path(path).write_bytes(b"\x55" * 3 + packed(GOOD))
    return BitReader(path, identify(path), 3, N, "bits")


@given(spans(9), st.integers(0, 9), st.sampled_from([7, 64, 1 << 20]))
@settings(deadline=None)
def test_sections_are_those_of_the_array(reader: BitReader, s: slice, shift: int, room: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bit_line, "scratch", lambda: scratch()[:room])
        np.testing.assert_array_equal(reader.read((s,)), GOOD[s])
        out = np.zeros(N + 16, bool)[shift : shift + GOOD[s].size]
        assert reader.read((s,), out) is out
    np.testing.assert_array_equal(out, GOOD[s])


def test_only_bytes_with_wanted_bits_are_read(reader: BitReader) -> None:
    for s in (slice(0, 0, 1), slice(7, 9, 1), slice(64, 640, 1)):
        with counting() as count:
            reader.read((s,))
        assert count.bytes == reader.bytes_read((s,)) == ((s.stop + 7) // 8 - s.start // 8 if s.stop else 0)
    again = pickle.loads(pickle.dumps(reader))
    assert (again.token, again.shape, again.tile) == (reader.token, (N,), (N,))
    assert "bits" in repr(again)


def test_a_file_that_ends_too_early_is_an_error(tmp_path: Path) -> None:
    path = str(tmp_path / "bits")
    Path(path).write_bytes(bytes(10))
    with pytest.raises(FormatError, match="truncated"):
        BitReader(path, identify(path), 0, 81, "bits").read((slice(0, 81, 1),))


@given(spans(), st.booleans())
@settings(deadline=None)
def test_writing_leaves_the_rest(s: slice, masked: bool) -> None:
    rng = np.random.default_rng(2)
    values, mask = rng.random((2, N)) < 0.5
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "bits")
        Path(path).write_bytes(b"\x55" * 3 + packed(GOOD))
        writer = pickle.loads(pickle.dumps(BitWriter(path, 3, N)))
        writer.write((s,), values[s], mask[s] if masked else None)
        expected = GOOD.copy()
        expected[s] = (values & mask if masked else values)[s]
        assert Path(path).read_bytes() == b"\x55" * 3 + packed(expected)
