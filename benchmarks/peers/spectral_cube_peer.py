"""spectral-cube, with its dask cubes on threads."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from benchmarks.data import Dataset
from benchmarks.peers.base import Peer, fits_planes
from benchmarks.rows import Row

__all__ = ["SpectralCubePeer"]


class SpectralCubePeer(Peer):
    """Reads FITS, writes FITS, by public methods only."""

    name = "spectral-cube"
    form = "fits"
    suffix = ".fits"
    note = "FITS to FITS, dask cubes on threads"
    working_cubes = 8
    unable: ClassVar[dict[str, str]] = {"iif": "no choice between two cubes pixel by pixel"}

    def prepare(self, threads: int) -> dict[str, str]:
        import astropy
        import dask
        import spectral_cube

        self.threads = threads
        warnings.simplefilter("ignore")
        return {
            "spectral-cube": spectral_cube.__version__,
            "astropy": astropy.__version__,
            "dask": dask.__version__,
            "numpy": np.__version__,
        }

    def _open(self, data: Dataset, name: str) -> Any:
        from spectral_cube import SpectralCube

        cube = SpectralCube.read(str(data.path(name, "fits")), use_dask=True)
        # Dask cubes run on one thread unless told otherwise.
        cube.use_dask_scheduler("threads", num_workers=self.threads)
        # The whole cube may be held in memory: without this, some operations are refused.
        cube.allow_huge_operations = True
        return cube

    def run(self, row: Row, data: Dataset, out: Path) -> dict[str, float]:
        import dask

        with dask.config.set(scheduler="threads", num_workers=self.threads):
            a = self._open(data, "a")
            if row.saves:
                self._image(row.key, a, data).write(str(out))
                return {}
            return self._numbers(row.key, a, data)

    def _image(self, key: str, a: Any, data: Dataset) -> Any:
        if key == "add":
            return a + self._open(data, "b")
        if key == "sine":
            b = self._open(data, "b")
            return a.apply_function_parallel_spatial(np.sin, accepts_chunks=True) * 2 + b * b
        if key == "demean":
            return a - a.with_mask(a < 3 * a.unit).mean()
        if key == "clip":
            return a.with_mask(a > 2 * a.std(ddof=1))
        return a * 2

    def _numbers(self, key: str, a: Any, data: Dataset) -> dict[str, float]:
        if key == "median":
            return {key: float((a * self._open(data, "b")).median())}
        if key == "sum":
            b = self._open(data, "b")
            return {key: float(a.with_mask(b > 0 * b.unit).sum())}
        if key == "stddev":
            return {key: float((a - self._open(data, "b")).std(ddof=1))}
        if key == "fractile":
            # Its percentile of a dask cube over all axes fails with current dask, so the array goes to numpy.
            return {key: float(np.nanpercentile(a.unitless_filled_data[:], 90))}
        if key == "robust":
            q1, q3 = np.nanpercentile(a.unitless_filled_data[:], [25, 75])
            # mad_std is the median absolute deviation of a Gaussian of unit width.
            mad = float(a.mad_std()) * 0.6744897501960817
            return {"median": float(a.median()), "medabsdevmed": mad, "quartile": float(q3 - q1)}
        return {key: float(a.mean())}

    def result_planes(self, out: Path, shape: tuple[int, int, int]) -> Iterator[np.ndarray]:
        return fits_planes(out, shape)
