"""Checks of readers: every way to read pixels gives the same ones."""

from __future__ import annotations

import concurrent.futures
import multiprocessing
import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lattice.errors import FormatError, LatticeError
from lattice.graph.protocols import Reader
from lattice.graph.sections import Section, full, shape_of
from lattice.io.files import counting
from lattice.testing.base import FormatChecks
from lattice.testing.children import read_sections

__all__ = ["ReadingChecks", "sections_of"]

_SLACK = 1 << 17  # bytes of indexes and headers that a small section may take besides its own


def sections_of(shape: tuple[int, ...]) -> st.SearchStrategy[Section]:
    """Return a strategy for sections: any, single pixels, edges, steps, empty ones."""

    def axis(n: int) -> st.SearchStrategy[slice]:
        ends = st.tuples(st.integers(0, n), st.integers(0, n)).map(sorted)
        step = st.one_of(st.just(1), st.integers(1, max(1, n + 1)))
        some = st.tuples(ends, step).map(lambda t: slice(t[0][0], t[0][1], t[1]))
        pixel = st.integers(0, max(0, n - 1)).map(lambda i: slice(i, i + 1, 1))
        return st.one_of(some, pixel, st.just(slice(0, n, 1)))

    return st.tuples(*[axis(n) for n in shape])


def random_sections(shape: tuple[int, ...], count: int, seed: int) -> list[Section]:
    """Return sections, some with steps."""
    rng = np.random.default_rng(seed)
    out = []
    for _ in range(count):
        ends = [sorted(rng.integers(0, n + 1, 2).tolist()) for n in shape]
        out.append(tuple(slice(a, b, int(rng.integers(1, 4))) for a, b in ends))
    return out


class ReadingChecks(FormatChecks):
    """Checks of the readers of a format."""

    def test_every_section_is_the_slice_of_the_whole(self, dtype: str, tmp_path: Path) -> None:
        sample = self.sample(dtype, ("masks",) if "masks" in self.can else (), shape=self.shape)
        stored = self.saved(tmp_path, sample)
        reader = stored.reader
        assert isinstance(reader, Reader)
        assert tuple(reader.shape) == self.shape
        assert reader.dtype == np.dtype(dtype)
        assert len(reader.tile) == len(self.shape)
        assert all(1 <= t <= n for t, n in zip(reader.tile, self.shape, strict=True))

        @settings(max_examples=self.examples, deadline=None)
        @given(section=sections_of(self.shape))
        def check(section: Section) -> None:
            got = reader.read(section)
            assert got.dtype == reader.dtype
            assert got.shape == shape_of(section)
            np.testing.assert_array_equal(got, sample.values[section])
            if stored.masks:
                name = "wide"
                np.testing.assert_array_equal(stored.masks[name].read(section), sample.masks[name][section])

        check()

    def test_particular_sections(self, dtype: str, tmp_path: Path) -> None:
        sample = self.sample(dtype, shape=self.shape)
        reader = self.saved(tmp_path, sample).reader
        last = tuple(slice(n - 1, n, 1) for n in self.shape)
        tile = tuple(slice(0, t, 1) for t in reader.tile)
        special = [full(self.shape), last, tile, tuple(slice(0, 0, 1) for _ in self.shape)]
        special += [tuple(slice(n // 2, n, 2) for n in self.shape)]
        special += [tuple(slice(0, n, n + 3) for n in self.shape), tuple(slice(n, n, 1) for n in self.shape)]
        special += [(*last[:k], slice(0, n, 1), *last[k + 1 :]) for k, n in enumerate(self.shape)]
        special += [(*last[:k], slice(n // 2, n // 2, 1), *last[k + 1 :]) for k, n in enumerate(self.shape)]
        for section in special:
            expected = sample.values[section]
            np.testing.assert_array_equal(reader.read(section), expected)
            room = np.zeros(shape_of(section), reader.dtype)
            np.testing.assert_array_equal(reader.read(section, room), expected)
            np.testing.assert_array_equal(reader.read(section, room), expected)

    def test_bytes_are_counted(self, tmp_path: Path) -> None:
        sample = self.sample(shape=self.shape)
        reader = self.saved(tmp_path, sample).reader
        with counting() as count:
            reader.read(full(self.shape))
        assert count.bytes > 0, "reads do not go through lattice.io.files.pread_into, nor call add_bytes"
        assert reader.bytes_read(tuple(slice(0, 0, 1) for _ in self.shape)) == 0
        pixel = tuple(slice(n // 2, n // 2 + 1, 1) for n in self.shape)
        with counting() as count:
            reader.read(pixel)
        assert count.bytes <= reader.bytes_read(pixel) + _SLACK
        if reader.direct:
            assert reader.bytes_read(pixel) <= 4096

    def test_opening_reads_no_pixels(self, tmp_path: Path) -> None:
        path = self.path(tmp_path)
        self.make(path, self.sample(shape=(300, 700)))
        with counting() as count:
            self.form.open(path, **self.selectors)
        assert count.bytes < 300 * 700 * np.dtype(self.dtype0).itemsize // 2

    def test_threads_read_what_one_reads(self, dtype: str, tmp_path: Path) -> None:
        reader = self.saved(tmp_path, self.sample(dtype, shape=self.shape)).reader
        sections = random_sections(self.shape, 200, 4)
        serial = [reader.read(s).copy() for s in sections]
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            for got, expected in zip(pool.map(reader.read, sections), serial, strict=True):
                np.testing.assert_array_equal(got, expected)

    def test_other_processes_read_the_same(self, tmp_path: Path) -> None:
        sample = self.sample(parts=("masks",) if "masks" in self.can else (), shape=self.shape)
        stored = self.saved(tmp_path, sample)
        sections = random_sections(self.shape, 20, 5)
        readers: list[tuple[Any, np.ndarray]] = [(stored.reader, sample.values)]
        readers += [(stored.masks[name], plane) for name, plane in sample.masks.items()]
        context = multiprocessing.get_context("spawn")
        with concurrent.futures.ProcessPoolExecutor(2, mp_context=context) as pool:
            jobs = [(pool.submit(read_sections, reader, sections), values) for reader, values in readers * 2]
            for job, values in jobs:
                for got, section in zip(job.result(), sections, strict=True):
                    np.testing.assert_array_equal(got, values[section])

    def test_pickling_and_tokens(self, dtype: str, tmp_path: Path) -> None:
        sample = self.sample(dtype, shape=self.shape)
        first = self.saved(tmp_path, sample).reader
        copy = pickle.loads(pickle.dumps(first))
        assert len(pickle.dumps(first)) < 100_000, "a pickled reader must not hold pixels"
        assert copy.token == first.token
        assert copy.label == first.label
        np.testing.assert_array_equal(copy.read(full(self.shape)), sample.values)
        again = self.form.open(self.path(tmp_path), **self.selectors).reader
        assert again.token == first.token, "the same file gives the same token"
        other = self.saved(tmp_path, self.sample(dtype, shape=self.shape, seed=2), "other").reader
        assert other.token != first.token, "another file gives another token"

    def test_a_file_that_is_replaced_is_found_out(self, tmp_path: Path) -> None:
        self.needs("write")
        sample = self.sample(shape=self.shape)
        old = self.saved(tmp_path, sample).reader
        old.read(full(self.shape))
        fresh = self.sample(shape=self.shape, seed=2)
        with self.form.create(self.path(tmp_path), fresh.spec, overwrite=True, **self.options) as out:
            out.writer.write(full(self.shape), fresh.values.copy(), None)
        new = self.form.open(self.path(tmp_path), **self.selectors).reader
        assert new.token != old.token
        np.testing.assert_array_equal(new.read(full(self.shape)), fresh.values)
        try:
            got = old.read(full(self.shape))
        except LatticeError:
            return
        np.testing.assert_array_equal(got, sample.values, "neither the old pixels nor an error")

    # -- finding -----------------------------------------------------------------------------------

    def test_its_files_are_known_by_content(self, tmp_path: Path) -> None:
        path = self.path(tmp_path)
        self.make(path, self.sample())
        assert self.form.sniff(path)
        plain = str(tmp_path / "without_an_ending")
        os.rename(path, plain)
        assert self.form.sniff(plain)

    def test_other_files_are_not_taken_for_its_own(self, tmp_path: Path) -> None:
        rng = np.random.default_rng(1)
        contents = {"empty": b"", "short": b"S", "text": b"hello\n" * 1000, "noise": rng.bytes(5000)}
        for name, content in contents.items():
            path = Path(self.path(tmp_path, name))
            path.write_bytes(content)
            assert not self.form.sniff(str(path)), name
        folder = Path(self.path(tmp_path, "folder"))
        folder.mkdir()
        assert not self.form.sniff(str(folder))
        assert not self.form.sniff(str(tmp_path / "nothing"))

    def test_what_cannot_be_opened_is_an_error(self, tmp_path: Path) -> None:
        with pytest.raises(LatticeError):
            self.form.open(self.path(tmp_path, "nothing"))
        path = self.path(tmp_path)
        self.make(path, self.sample())
        with pytest.raises((LatticeError, FormatError)):
            self.form.open(path, **self.selectors, no_such_selector=1)
