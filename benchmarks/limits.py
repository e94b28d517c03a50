"""What the machine can do with the same bytes: ``python -m benchmarks.limits SOURCE FOLDER THREADS``.

A save that reads and writes as many bytes as a copy cannot be expected to be faster than the copy, and no
reduction can be faster than reading the file.  Each is measured once per call, in its own
process; the runner interleaves the calls with the peers.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.machine import settle_memory

__all__ = ["LIMITS", "measure_limits"]

LIMITS = {
    "copyfile": "shutil.copyfile",
    "cp": "the cp program",
    "read": "read into a reused buffer, one thread",
    "read_threads": "read into a reused buffer, all threads",
    "write_threads": "positional writes of a new file, all threads",
    "copy_threads": "positional reads and writes of a new file, all threads",
    "memcpy": "copy in memory, one thread",
    "memcpy_threads": "copy in memory, all threads",
}
PIECE = 4 << 20


def _in_threads(threads: int, size: int, work: Callable[[int, int], None]) -> None:
    """Call ``work(start, stop)`` on contiguous parts of ``size`` bytes, one per thread."""
    edges = [size * n // threads // 4096 * 4096 for n in range(threads)] + [size]
    pool = [threading.Thread(target=work, args=pair) for pair in itertools.pairwise(edges)]
    for thread in pool:
        thread.start()
    for thread in pool:
        thread.join()


def _timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _read(path: Path, threads: int) -> None:
    size = path.stat().st_size
    file = os.open(path, os.O_RDONLY)

    def part(start: int, stop: int) -> None:
        buffer = memoryview(bytearray(PIECE))
        while start < stop:
            start += os.preadv(file, [buffer[: min(PIECE, stop - start)]], start)

    _in_threads(threads, size, part)
    os.close(file)


def _write(path: Path, size: int, threads: int, source: Path | None = None) -> None:
    file = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o644)
    given = os.open(source, os.O_RDONLY) if source else -1
    os.ftruncate(file, size)

    def part(start: int, stop: int) -> None:
        buffer = memoryview(bytearray(os.urandom(4096)) * (PIECE // 4096))
        while start < stop:
            piece = buffer[: min(PIECE, stop - start)]
            if given >= 0:
                os.preadv(given, [piece], start)
            start += os.pwrite(file, piece, start)

    _in_threads(threads, size, part)
    os.close(file)
    if given >= 0:
        os.close(given)


def _memcpy(size: int, threads: int) -> float:
    source = np.ones(size, np.uint8)
    target = np.zeros(size, np.uint8)  # zeros are not mapped yet:
    target[:] = 1

    def part(start: int, stop: int) -> None:
        np.copyto(target[start:stop], source[start:stop])

    return _timed(lambda: _in_threads(threads, size, part))


def measure_limits(source: Path, folder: Path, threads: int) -> dict[str, float]:
    """Seconds of each limit; the copies are removed at once."""
    size = source.stat().st_size
    target = folder / f"limit-{os.getpid()}.tmp"
    found: dict[str, float] = {}
    _read(source, threads)
    writers: dict[str, Callable[[], object]] = {
        "copyfile": lambda: shutil.copyfile(source, target),
        "cp": lambda: subprocess.run(["cp", str(source), str(target)], check=True),
        "write_threads": lambda: _write(target, size, threads),
        "copy_threads": lambda: _write(target, size, threads, source),
    }
    try:
        for name, work in writers.items():
            settle_memory(2 * size)
            found[name] = _timed(work)
            target.unlink()
    finally:
        target.unlink(missing_ok=True)
    found["read"] = _timed(lambda: _read(source, 1))
    found["read_threads"] = _timed(lambda: _read(source, threads))
    found["memcpy"] = _memcpy(size, 1)
    found["memcpy_threads"] = _memcpy(size, threads)
    return found


def main() -> None:
    """Measure once and print JSON."""
    print(json.dumps(measure_limits(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))))


if __name__ == "__main__":
    main()
