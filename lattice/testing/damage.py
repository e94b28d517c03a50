"""Checks that damaged files end in an error or in data, and never in a crash, a hang or a flood of memory."""

from __future__ import annotations

import multiprocessing
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from lattice.testing.base import FormatChecks, same_name
from lattice.testing.children import try_damaged
from lattice.testing.samples import Sample

__all__ = ["DamageChecks"]

_HEADER = 512  # bytes at the start of a file that are hit more often


def files_of(path: str) -> list[str]:
    """Return the files of an image, relative to its path; "" for an image that is one file."""
    if not os.path.isdir(path):
        return [""]
    found = [os.path.join(folder, name) for folder, _, names in os.walk(path) for name in names]
    return sorted(os.path.relpath(name, path) for name in found)


def truncations(path: str) -> Iterator[tuple[str, str, int]]:
    """Return what to call it, the file, and its new length: every file at every tenth of its length."""
    for name in files_of(path):
        size = os.path.getsize(os.path.join(path, name) if name else path)
        for tenth in range(10) if size else ():
            yield f"{name or 'the file'} cut to {tenth}0 per cent", name, size * tenth // 10


def corruptions(path: str, count: int) -> Iterator[tuple[str, str, int, int]]:
    """Return what to call it, the file, a place, and what the byte there is changed by."""
    rng = np.random.default_rng(20)
    sizes = {n: os.path.getsize(os.path.join(path, n) if n else path) for n in files_of(path)}
    names = [name for name, size in sizes.items() if size]
    for _ in range(count):
        name = names[int(rng.integers(len(names)))]
        near = rng.random() < 0.4
        place = int(rng.integers(min(sizes[name], _HEADER) if near else sizes[name]))
        change = int(rng.integers(1, 256))
        yield f"{name or 'the file'} with byte {place} changed by {change:#x}", name, place, change


class Tester:
    """A process that opens damaged files; a new one is started when it dies or hangs."""

    def __init__(self, checks: FormatChecks, pristine: str, sample: Sample) -> None:
        self.checks = checks
        self.pristine = pristine
        self.sample = sample
        self.child: Any = None
        self.pipe: Any = None

    def start(self) -> None:
        """Start the process."""
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        checks = self.checks
        arguments = (theirs, checks.form, self.pristine, self.sample, dict(checks.selectors), checks.memory)
        self.child = context.Process(target=try_damaged, args=arguments)
        self.child.start()
        theirs.close()
        assert self.pipe.poll(120), "the undamaged image could not be read within 120 s"
        kind, text = self.pipe.recv()
        assert kind == "ready", text

    def stop(self) -> None:
        """End the process."""
        if self.child is not None:
            self.child.kill()
            self.child.join()
            self.pipe.close()
            self.child = None

    def outcome(self, path: str) -> tuple[str, str]:
        """Return what came of opening a file."""
        if self.child is None:
            self.start()
        self.pipe.send(path)
        if not self.pipe.poll(self.checks.seconds):
            self.stop()
            return "hung", f"it took more than {self.checks.seconds:g} s"
        try:
            kind, text = self.pipe.recv()
        except EOFError:
            self.child.join()
            code = self.child.exitcode
            self.stop()
            return "crashed", f"the process ended with status {code}"
        return kind, text


class DamageChecks(FormatChecks):
    """Checks of files that are cut off or have wrong bytes."""

    def damaged_sample(self) -> Sample:
        """Return the image that is damaged: small, and with all parts that the format holds."""
        parts = tuple(self.can & {"masks", "unit", "coords", "beam", "cards", "records", "history", "groups"})
        return self.sample(parts=parts)

    def test_truncated_files_end_in_an_error_or_in_the_right_pixels(self, tmp_path: Path) -> None:
        sample = self.damaged_sample()
        path = self.path(tmp_path)
        self.make(path, sample)
        tester = Tester(self, path, sample)
        failures = []
        try:
            for number, (what, name, length) in enumerate(truncations(path)):
                folder = tmp_path / f"t{number}"
                damaged = same_name(path, folder)
                os.truncate(os.path.join(damaged, name) if name else damaged, length)
                kind, text = tester.outcome(damaged)
                if kind not in ("error", "same"):
                    failures.append(f"{what}: {kind} {text}")
                shutil.rmtree(folder)
        finally:
            tester.stop()
        assert not failures, "\n".join(failures[:10])

    def test_corrupted_files_end_in_an_error_or_in_pixels(self, tmp_path: Path) -> None:
        sample = self.damaged_sample()
        path = self.path(tmp_path)
        self.make(path, sample)
        tester = Tester(self, path, sample)
        failures = []
        try:
            for number, (what, name, place, change) in enumerate(corruptions(path, self.corruptions)):
                folder = tmp_path / f"c{number}"
                damaged = same_name(path, folder)
                with open(os.path.join(damaged, name) if name else damaged, "r+b") as f:
                    f.seek(place)
                    byte = f.read(1)[0]
                    f.seek(place)
                    f.write(bytes([byte ^ change]))
                kind, text = tester.outcome(damaged)
                if kind not in ("error", "same", "other"):
                    failures.append(f"{what}: {kind} {text}")
                shutil.rmtree(folder)
        finally:
            tester.stop()
        assert not failures, f"{len(failures)} of {self.corruptions}\n" + "\n".join(failures[:10])
