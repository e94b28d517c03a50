"""Writes to files: complete, in shorter pieces while memory comes slowly."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lattice.io import files
from lattice.io.files import pwrite_from

MB = 1 << 20


def test_slow_writes_make_shorter_ones_for_a_while(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = os.urandom(4 * MB)
    path = tmp_path / "bytes"
    path.write_bytes(b"")
    lengths: list[int] = []
    write = os.pwrite

    def noted(fd: int, part: memoryview, place: int) -> int:
        lengths.append(len(part))
        clock[0] += seconds * len(part) / MB
        return write(fd, part, place)

    clock, seconds = [0.0], 0.0001
    monkeypatch.setattr(os, "pwrite", noted)
    monkeypatch.setattr(files.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(files, "_pace", files._Pace())

    def written() -> list[int]:
        lengths.clear()
        with open(path, "r+b") as f:
            pwrite_from(f.fileno(), memoryview(data), 7, str(path))
        assert path.read_bytes()[7:] == data
        return lengths

    assert written() == [MB] * 4
    seconds = 0.005
    assert written()[:3] == [MB, MB // 4, MB // 8]
    assert written() == [MB // 8] * 32
    seconds = 0.0001
    assert written() == [MB // 8] * 32
    clock[0] += 2
    assert written()[:2] == [MB // 8, MB]


def test_a_short_write_is_continued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = os.urandom(3 * MB + 5)
    path = tmp_path / "bytes"
    path.write_bytes(b"")
    write = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda fd, part, place: write(fd, part[:70_001], place))
    with open(path, "r+b") as f:
        pwrite_from(f.fileno(), memoryview(data), 0, str(path))
    assert path.read_bytes() == data
