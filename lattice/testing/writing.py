"""Checks of writers: sections in any order and at once, and outputs that are complete or not there."""

from __future__ import annotations

import concurrent.futures
import multiprocessing
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from lattice.errors import LatticeError, OutputExistsError, StorageError
from lattice.graph.protocols import Writer
from lattice.graph.sections import Section, full, grid, split
from lattice.io.atomic import remove
from lattice.io.base import ImageSpec
from lattice.testing.base import FormatChecks, write_sample
from lattice.testing.children import half_write, write_sections
from lattice.testing.samples import Sample, good_pixels

__all__ = ["WritingChecks"]

_LARGE = (9, 11_500, 11_500)  # 4.8 GB of float32


class Stop(Exception):
    """Raised in the middle of writing."""


class WritingChecks(FormatChecks):
    """Checks of the writers of a format; skipped for one that only reads."""

    def _shape(self) -> tuple[int, ...]:
        return (5, 90, 110)

    def _masked_parts(self) -> tuple[str, ...]:
        return ("mask",) if self.can & {"mask", "masks"} else ()

    def _sections(self, writer: Writer, small: bool) -> list[Section]:
        sections = grid(writer.shape, writer.chunks)
        if small and writer.direct:
            sections = list(split(full(writer.shape), 1234))
        order = np.random.default_rng(3).permutation(len(sections))
        return [sections[i] for i in order]

    def _check(self, path: str, sample: Sample) -> None:
        stored = self.form.open(path, **self.selectors)
        good = np.ones(sample.spec.shape, bool) if sample.mask is None else sample.mask
        np.testing.assert_array_equal(good_pixels(stored), good)
        np.testing.assert_array_equal(self.whole(stored)[good], sample.values[good])

    def test_sections_are_written_in_any_order(self, dtype: str, tmp_path: Path) -> None:
        self.needs("write")
        sample = self.sample(dtype, self._masked_parts(), shape=self._shape())
        path = self.path(tmp_path)
        with self.form.create(path, sample.spec, **self.options) as out:
            assert isinstance(out.writer, Writer)
            assert tuple(out.writer.shape) == sample.spec.shape
            assert out.writer.dtype == sample.values.dtype
            assert all(1 <= c <= n for c, n in zip(out.writer.chunks, sample.spec.shape, strict=True))
            assert out.path == os.path.realpath(path)
            sections = self._sections(out.writer, small=True)
            write_sections(out.writer, sections, sample.values, sample.mask)
        self._check(path, sample)

    def test_threads_write_at_once(self, dtype: str, tmp_path: Path) -> None:
        self.needs("write", "parallel")
        sample = self.sample(dtype, self._masked_parts(), shape=self._shape())
        path = self.path(tmp_path)
        with (
            self.form.create(path, sample.spec, **self.options) as out,
            concurrent.futures.ThreadPoolExecutor(8) as pool,
        ):
            sections = self._sections(out.writer, small=True)
            jobs = [
                pool.submit(write_sections, out.writer, sections[k::8], sample.values, sample.mask)
                for k in range(8)
            ]
            for job in jobs:
                job.result()
        self._check(path, sample)

    def test_processes_write_at_once(self, tmp_path: Path) -> None:
        self.needs("write", "parallel")
        sample = self.sample(parts=self._masked_parts(), shape=self._shape())
        path = self.path(tmp_path)
        context = multiprocessing.get_context("spawn")
        with (
            self.form.create(path, sample.spec, **self.options) as out,
            concurrent.futures.ProcessPoolExecutor(2, mp_context=context) as pool,
        ):
            sections = self._sections(out.writer, small=False)
            jobs = [
                pool.submit(write_sections, out.writer, sections[k::2], sample.values, sample.mask)
                for k in range(2)
            ]
            for job in jobs:
                job.result()
        self._check(path, sample)

    def test_empty_sections_are_nothing(self, tmp_path: Path) -> None:
        self.needs("write")
        sample = self.sample(parts=self._masked_parts(), shape=self._shape())
        path = self.path(tmp_path)
        nothing = tuple(slice(0, 0, 1) for _ in self._shape())
        empty = np.empty((0,) * len(nothing), sample.values.dtype)
        with self.form.create(path, sample.spec, **self.options) as out:
            out.writer.write(nothing, empty, None)
            write_sections(out.writer, self._sections(out.writer, small=False), sample.values, sample.mask)
            out.writer.write(nothing, empty, None)
        self._check(path, sample)

    # -- all or nothing ------------------------------------------------------------------------

    def test_an_existing_file_is_not_replaced_unless_asked(self, tmp_path: Path) -> None:
        self.needs("write")
        sample, other = self.sample(shape=(6, 7)), self.sample(shape=(9, 5), seed=2)
        path = self.path(tmp_path)
        write_sample(self.form, path, sample, self.options)
        with pytest.raises(OutputExistsError):
            self.form.create(path, other.spec, **self.options)
        self._check(path, sample)
        write_sample(self.form, path, other, self.options, overwrite=True)
        self._check(path, other)
        assert os.listdir(tmp_path) == [os.path.basename(path)]

    def test_nothing_is_there_before_the_end(self, tmp_path: Path) -> None:
        self.needs("write")
        sample = self.sample(shape=(6, 7))
        path = self.path(tmp_path)
        with self.form.create(path, sample.spec, **self.options) as out:
            out.writer.write(full((6, 7)), sample.values.copy(), None)
            assert not os.path.lexists(path)
        assert os.path.lexists(path)

    @pytest.mark.parametrize("how", ["abort", "exception", "forgotten"])
    def test_what_is_given_up_leaves_nothing(self, how: str, tmp_path: Path) -> None:
        self.needs("write")
        sample = self.sample(shape=(6, 7))
        path = self.path(tmp_path)
        write_sample(self.form, path, sample, self.options)
        spec = self.sample(shape=(8, 9)).spec
        if how == "abort":
            self.form.create(path, spec, overwrite=True, **self.options).abort()
        elif how == "forgotten":
            out = self.form.create(path, spec, overwrite=True, **self.options)
            del out
        else:
            with pytest.raises(Stop):
                self._write_and_stop(path, spec)
        assert os.listdir(tmp_path) == [os.path.basename(path)]
        self._check(path, sample)

    def _write_and_stop(self, path: str, spec: ImageSpec) -> None:
        with self.form.create(path, spec, overwrite=True, **self.options) as out:
            out.writer.write(full((8, 9)), np.zeros((8, 9), spec.dtype), None)
            raise Stop

    @pytest.mark.parametrize("overwrite", [False, True])
    def test_a_killed_writer_leaves_the_old_file_or_none(self, overwrite: bool, tmp_path: Path) -> None:
        self.needs("write")
        path = self.path(tmp_path)
        old = self.sample(shape=(6, 7))
        if overwrite:
            write_sample(self.form, path, old, self.options)
        sample = self.sample(shape=self._shape())
        context = multiprocessing.get_context("spawn")
        ready, theirs = context.Pipe(duplex=False)
        child = context.Process(
            target=half_write, args=(theirs, self.form, path, sample, dict(self.options), overwrite)
        )
        child.start()
        theirs.close()
        try:
            assert ready.poll(120), "the writer did not start"
            assert ready.recv() == "half"
        finally:
            child.kill()
            child.join()
        if overwrite:
            self._check(path, old)
        else:
            assert not os.path.lexists(path)
        write_sample(self.form, path, sample, self.options, overwrite=overwrite)
        self._check(path, sample)
        assert os.listdir(tmp_path) == [os.path.basename(path)], "what the killed writer left is still there"

    def test_places_that_cannot_be_written_to(self, tmp_path: Path) -> None:
        self.needs("write")
        spec = self.sample(shape=(6, 7)).spec
        with pytest.raises(StorageError):
            self.form.create(self.path(tmp_path / "no such folder"), spec, **self.options)
        with pytest.raises(LatticeError):
            self.form.create(self.path(tmp_path), spec, no_such_option=1, **self.options)
        assert os.listdir(tmp_path) == []

    @pytest.mark.slow
    def test_files_above_4_gb(self, tmp_path: Path) -> None:
        self.needs("write", "float")
        if not self.large:
            pytest.skip("the format, or its file without holes, is not made for this")
        if shutil.disk_usage(tmp_path).free < 8 << 30:
            pytest.skip("less than 8 GB of disk are free")
        spec = self.sample("f4", shape=(2, 3)).spec
        spec = type(spec)(_LARGE, ("a", "y", "x"), np.dtype("f4"))
        path = self.path(tmp_path)
        try:
            with self.form.create(path, spec, **self.options) as out:
                chunks = (1, 2, 3) if out.writer.direct else out.writer.chunks
                sections = [_corner(c, chunks) for c in ((0, 0, 0), (8, 2, 9000), (8, 11_499, 11_499))]
                pixels = [_numbered(s, k) for k, s in enumerate(sections)]
                for section, values in zip(sections, pixels, strict=True):
                    out.writer.write(section, values.copy(), None)
            reader = self.form.open(path, **self.selectors).reader
            assert tuple(reader.shape) == _LARGE
            for section, values in zip(sections, pixels, strict=True):
                np.testing.assert_array_equal(reader.read(section), values)
        finally:  # most formats really take the room
            remove(path)


def _corner(pixel: tuple[int, ...], chunks: tuple[int, ...]) -> Section:
    """Return the block of a grid that holds a pixel."""
    starts = [p // c * c for p, c in zip(pixel, chunks, strict=True)]
    return tuple(
        slice(start, min(start + c, n), 1) for start, c, n in zip(starts, chunks, _LARGE, strict=True)
    )


def _numbered(section: Section, k: int) -> np.ndarray:
    shape = tuple(s.stop - s.start for s in section)
    count = int(np.prod(shape))
    return (np.arange(count, dtype="f4") % 1000 + k).reshape(shape)
