"""numexpr on memory mapped arrays, with its own threads."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.data import Dataset
from benchmarks.peers.base import Peer
from benchmarks.peers.dask_peer import robust_numbers
from benchmarks.rows import Row

__all__ = ["NumexprPeer"]


class NumexprPeer(Peer):
    """Reads and writes ``.npy`` files, mapped: faster than reading them whole and saving."""

    name = "numexpr"
    form = "npy"
    suffix = ".npy"
    note = ".npy to .npy, memory mapped; order statistics by numpy"
    working_cubes = 3

    def prepare(self, threads: int) -> dict[str, str]:
        os.environ["NUMEXPR_NUM_THREADS"] = str(threads)
        import numexpr

        numexpr.set_num_threads(threads)
        return {"numexpr": numexpr.__version__, "numpy": np.__version__}

    def run(self, row: Row, data: Dataset, out: Path) -> dict[str, float]:
        import numexpr

        names = {name: np.load(data.path(name, "npy"), mmap_mode="r") for name in ("a", "b")}
        if row.saves:
            text = _save_text(row.key, names)
            target = np.lib.format.open_memmap(out, mode="w+", dtype=np.float32, shape=data.shape)
            numexpr.evaluate(text, names, out=target, casting="same_kind")
            del target
            return {}
        return _numbers(row.key, names)

    def result_planes(self, out: Path, shape: tuple[int, int, int]) -> Iterator[np.ndarray]:
        yield from np.load(out, mmap_mode="r")


def _total(text: str, names: dict[str, Any]) -> float:
    """A sum in double precision: numexpr sums single precision in single precision."""
    import numexpr

    return float(numexpr.evaluate(f"sum(({text})*1.0)", names))


def _deviation(text: str, names: dict[str, Any]) -> float:
    count = names["a"].size
    mean = _total(text, names) / count
    return float(np.sqrt(_total(f"(({text})-mean)**2", {**names, "mean": np.float64(mean)}) / (count - 1)))


def _save_text(key: str, names: dict[str, Any]) -> str:
    """The expression, with its scalars computed and put among the names."""
    if key == "add":
        return "a+b"
    if key == "sine":
        return "2*sin(a)+b*b"
    if key == "iif":
        return "where((a>0)&(b<1), sqrt(abs(a)), exp(b))"
    if key == "demean":
        mean = _total("where(a<3, a, 0)", names) / _total("where(a<3, 1, 0)", names)
        names["mean"] = np.float32(mean)
        return "a-mean"
    if key == "clip":
        names["limit"] = np.float32(2 * _deviation("a", names))
        names["nan"] = np.float32(np.nan)
        return "where(a>limit, a, nan)"
    return "a*2"


def _numbers(key: str, names: dict[str, Any]) -> dict[str, float]:
    import numexpr

    if key == "median":
        return {key: float(np.median(numexpr.evaluate("a*b", names), overwrite_input=True))}
    if key == "sum":
        return {key: _total("where(b>0, a, 0)", names)}
    if key == "stddev":
        return {key: _deviation("a-b", names)}
    if key == "fractile":
        return {key: float(np.quantile(np.array(names["a"]), 0.9, overwrite_input=True))}
    if key == "robust":
        return robust_numbers(np.array(names["a"]))
    return {key: _total("a", names) / names["a"].size}
