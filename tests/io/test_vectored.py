"""Reads that fill many places at once, against plain arrays."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lattice.errors import FormatError
from lattice.graph.sections import Section
from lattice.io import vectored
from lattice.io.files import counting
from lattice.io.raw import Layout
from lattice.io.vectored import Span, read_pieces

KIND = np.dtype(">f4")


@st.composite
def boxes(draw: st.DrawFn) -> tuple[tuple[int, ...], Section, int, int]:
    """Draw a shape, a box in it that is no one piece, and the numbers of two of its pixels."""
    ndim = draw(st.integers(2, 4))
    shape = tuple(draw(st.lists(st.integers(2, 9), min_size=ndim, max_size=ndim)))
    axis = draw(st.integers(1, ndim - 1))  # is cut, and there is more than one in front of it
    section = []
    for k, n in enumerate(shape):
        start = draw(st.integers(0, n - 1))
        stop = draw(st.integers(start + 1, n))
        if k == axis and stop - start == n:
            start, stop = 1, n
        if k == axis - 1:
            start, stop = 0, n
        section.append(slice(start, stop, 1))
    n = int(np.prod([s.stop - s.start for s in section]))
    at = draw(st.integers(0, n - 1))
    return shape, tuple(section), at, draw(st.integers(at + 1, n))


def read(values: np.ndarray, section: Section, at: int, stop: int, gap: int = 24) -> np.ndarray:
    """Read pixels of a box of an array that was written behind a gap."""
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "pixels")
        Path(path).write_bytes(b"\x7f" * gap + values.tobytes())
        fd = os.open(path, os.O_RDONLY)
        try:
            out = np.full((stop - at) * KIND.itemsize + 8, 0xAA, np.uint8)
            Span(fd, path, Layout(gap, values.shape, KIND), section).read(at, stop, out[:-8])
        finally:
            os.close(fd)
    assert (out[-8:] == 0xAA).all(), "written beyond the end"
    return out[:-8].view(KIND)


@given(boxes(), st.sampled_from([0, 1 << 15]))
@settings(deadline=None)
def test_a_span_of_a_box(case: tuple[tuple[int, ...], Section, int, int], gap: int) -> None:
    shape, section, at, stop = case
    values = np.random.default_rng(3).normal(size=shape).astype(KIND)
    before = vectored._GAP
    vectored._GAP = gap  # 0: piece by piece
    try:
        found = read(values, section, at, stop)
    finally:
        vectored._GAP = before
    np.testing.assert_array_equal(found, values[section].ravel()[at:stop])


def test_more_pieces_than_the_system_takes_at_once() -> None:
    values = np.arange(5000 * 3, dtype=KIND).reshape(5000, 3)
    section = (slice(1, 4999, 1), slice(0, 2, 1))
    found = read(values, section, 3, 9990)
    np.testing.assert_array_equal(found, values[section].ravel()[3:9990])


def test_a_file_that_ends_too_early_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "short"
    path.write_bytes(bytes(400))
    fd = os.open(path, os.O_RDONLY)
    try:
        layout = Layout(0, (20, 10), KIND)
        section = (slice(0, 20, 1), slice(2, 8, 1))
        with pytest.raises(FormatError, match="truncated"):
            Span(fd, str(path), layout, section).read(0, 120, np.empty(480, np.uint8))
    finally:
        os.close(fd)


@pytest.mark.parametrize("gap", [0, 6, 1 << 20])
def test_pieces_at_even_distances(tmp_path: Path, gap: int) -> None:
    path = tmp_path / "pieces"
    data = np.random.default_rng(1).integers(0, 256, 10_000, np.uint8)
    path.write_bytes(data.tobytes())
    target = np.zeros(1500 * 4, np.uint8)
    fd = os.open(path, os.O_RDONLY)
    try:
        with counting() as count:
            read_pieces(fd, str(path), 3, target, 4, 6, gap)
    finally:
        os.close(fd)
    assert count.bytes == (6000 if gap == 0 else 1499 * 6 + 4)
    starts = 3 + 6 * np.arange(1500)
    np.testing.assert_array_equal(target.reshape(-1, 4), data[starts[:, None] + np.arange(4)])
