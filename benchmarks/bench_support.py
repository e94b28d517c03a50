"""What the asv classes share: cubes in a temporary folder, counted bytes, timed interpreters."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.compare import worker_environment
from benchmarks.data import make_dataset
from benchmarks.machine import usable_cores

__all__ = ["CubeFiles", "bytes_read", "import_seconds"]

SHAPE = (16, 1024, 1024)


def bytes_read(work: Callable[[], object]) -> int:
    """Bytes that this process asked the system to read during ``work`` (Linux; elsewhere -1)."""

    def count() -> int:
        try:
            lines = Path("/proc/self/io").read_text().splitlines()
        except OSError:
            return -1
        return int(lines[0].split()[1])

    if count() < 0:
        work()
        return -1
    # Reading the counter counts as well: measure that first.
    start = count()
    own = count() - start
    start = count()
    work()
    return count() - start - own


def import_seconds(code: str, baseline: str = "pass") -> float:
    """Least seconds of five fresh interpreters running ``code``, less those running ``baseline``."""

    environment = worker_environment(usable_cores())

    def least(text: str) -> float:
        found = []
        for _ in range(5):
            start = time.perf_counter()
            subprocess.run([sys.executable, "-c", text], check=True, env=environment)
            found.append(time.perf_counter() - start)
        return min(found)

    return least(code) - least(baseline)


class CubeFiles:
    """Two float32 FITS cubes; asv calls ``setup_cache`` once and ``setup`` before every method."""

    timeout = 120
    shape = SHAPE

    def setup_cache(self) -> None:
        """Make the cubes in asv's working folder, where all runs of the class begin and which asv removes."""
        make_dataset(Path.cwd(), self.shape, ["fits"])

    def setup(self, *params: Any) -> None:
        """Open both cubes."""
        import lattice

        self.lattice: Any = lattice
        data = make_dataset(Path.cwd(), self.shape, ["fits"])
        self.paths = {name: str(data.path(name, "fits")) for name in ("a", "b")}
        self.images = {name: lattice.open(path) for name, path in self.paths.items()}
        self.folder = tempfile.mkdtemp(prefix="lattice-bench-")

    def teardown(self, *params: Any) -> None:
        """Remove what was saved."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def names(self, text: str) -> dict[str, Any]:
        """The images that an expression names."""
        return {name: image for name, image in self.images.items() if re.search(rf"\b{name}\b", text)}
