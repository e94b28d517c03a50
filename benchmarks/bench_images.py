"""asv classes: opening, saving and reducing a FITS cube of 64 MB, and a cut-out of a deep expression."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.bench_support import CubeFiles, bytes_read

__all__ = ["CutOut", "Open", "Reduce", "Robust", "Save"]

SAVES = {
    "copy": "a*2",
    "elementwise": "2*sin(a)+b*b",
    "choice": "iif(a>0 && b<1, sqrt(abs(a)), exp(b))",
    "demean": "a-mean(a)",
    "mask": "a[a>2*stddev(a)]",
}
REDUCTIONS = {
    "mean": "mean(a)",
    "median": "median(a)",
    "product": "median(a*b)",
    "masked": "sum(a[b>0])",
    "stddev": "stddev(a-b)",
}


class Open(CubeFiles):
    """Headers only."""

    def time_open(self) -> None:
        """Open one file."""
        self.lattice.open(self.paths["a"])

    def time_open_and_describe(self) -> None:
        """Open and print; a repr computes nothing."""
        repr(self.lattice.open(self.paths["a"]))

    def track_bytes_read(self) -> int:
        """Bytes read to open a file and look at its shape, unit and dims."""

        def work() -> None:
            image: Any = self.lattice.open(self.paths["a"])
            _ = image.shape, image.dims, image.unit

        return bytes_read(work)


class Save(CubeFiles):
    """Elementwise work and a file on disk."""

    params = (sorted(SAVES), ("fits", "zarr"))
    param_names = ("expression", "format")
    timeout = 300

    def _save(self, expression: str, form: str) -> None:
        image: Any = self.lattice.expr(SAVES[expression], **self.names(SAVES[expression]))
        image.save(str(Path(self.folder) / f"out.{form}"), overwrite=True)

    def time_save(self, expression: str, form: str) -> None:
        """From open images to the closed file."""
        self._save(expression, form)

    def peakmem_save(self, expression: str, form: str) -> None:
        """Peak memory of the process."""
        self._save(expression, form)


class Reduce(CubeFiles):
    """One number."""

    params = (sorted(REDUCTIONS),)
    param_names = ("expression",)

    def _reduce(self, expression: str) -> float:
        text = REDUCTIONS[expression]
        return float(self.lattice.expr(text, **self.names(text)))

    def time_reduce(self, expression: str) -> None:
        """From open images to the number."""
        self._reduce(expression)

    def peakmem_reduce(self, expression: str) -> None:
        """Peak memory of the process."""
        self._reduce(expression)


class Robust(CubeFiles):
    """Median, median absolute deviation and quartiles."""

    def time_statistics(self) -> None:
        """All of them in one call."""
        self.images["a"].statistics(robust=True)

    def peakmem_statistics(self) -> None:
        """Peak memory of the process."""
        self.images["a"].statistics(robust=True)


class CutOut(CubeFiles):
    """Four pixels of a deep expression."""

    def setup(self, *params: Any) -> None:
        """Forty operations over two files."""
        super().setup(*params)
        text = "+".join(f"sqrt(abs(a*{n}-b))" for n in range(1, 41))
        self.deep: Any = self.lattice.expr(text, **self.images)
        self._cut()

    def _cut(self) -> Any:
        return self.deep[3, 100:102, 200:202].compute()

    def time_cut_out(self) -> None:
        """Slice and compute."""
        self._cut()

    def track_bytes_read(self) -> int:
        """Bytes read from the files."""
        return bytes_read(self._cut)

    def peakmem_cut_out(self) -> None:
        """Peak memory of the process."""
        self._cut()
