"""lattice, by its public face."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.data import Dataset
from benchmarks.peers.base import Peer, fits_planes
from benchmarks.rows import Row

__all__ = ["LatticeCasaPeer", "LatticePeer"]


class LatticePeer(Peer):
    """Reads FITS, writes FITS."""

    name = "lattice"
    form = "fits"
    suffix = ".fits"
    note = "FITS to FITS, with the extra jit"

    def prepare(self, threads: int) -> dict[str, str]:
        import dask.threaded  # noqa: F401 - no peer's imports are timed, and the small warm-up needs no threads
        import llvmlite

        import lattice

        # the warm-up is too small to be compiled by choice, and nobody's compiler is timed
        lattice.set_options(jit=True)
        versions = {"lattice": lattice.__version__, "numpy": np.__version__}
        return versions | {"llvmlite": llvmlite.__version__}

    def run(self, row: Row, data: Dataset, out: Path) -> dict[str, float]:
        import lattice

        a: Any = lattice.open(str(data.path("a", self.form)))
        if row.key == "robust":
            found = a.statistics(robust=True)
            return {name: float(found[name]) for name in ("median", "medabsdevmed", "quartile")}
        names: dict[str, Any] = {"a": a}
        if re.search(r"\bb\b", row.text):
            names["b"] = lattice.open(str(data.path("b", self.form)))
        image: Any = lattice.expr(row.text, **names)
        if row.saves:
            image.save(str(out))
            return {}
        return {row.key: float(image)}

    def result_planes(self, out: Path, shape: tuple[int, int, int]) -> Iterator[np.ndarray]:
        return fits_planes(out, shape)


class LatticeCasaPeer(LatticePeer):
    """Reads CASA images, writes CASA images."""

    name = "lattice-casa"
    form = "casa"
    suffix = ".image"
    note = "CASA image to CASA image"

    def result_planes(self, out: Path, shape: tuple[int, int, int]) -> Iterator[np.ndarray]:
        import lattice

        result: Any = lattice.open(str(out))
        for index in range(shape[0]):
            yield result.isel({result.dims[0]: index}).filled(np.nan)
