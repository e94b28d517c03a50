"""libvips, through pyvips."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from benchmarks.data import Dataset
from benchmarks.peers.base import Peer, raw_planes
from benchmarks.rows import Row

__all__ = ["VipsPeer"]

_RANKS = "order statistics only of 8 and 16 bit pixels"


class VipsPeer(Peer):
    """Reads and writes its own uncompressed format, memory mapped."""

    name = "libvips"
    form = "vips"
    suffix = ".v"
    note = ".v to .v (its own raw format), one tall plane"
    unable: ClassVar[dict[str, str]] = {"median": _RANKS, "fractile": _RANKS, "robust": _RANKS}

    def prepare(self, threads: int) -> dict[str, str]:
        os.environ["VIPS_CONCURRENCY"] = str(threads)
        import pyvips

        version = ".".join(str(pyvips.version(part)) for part in range(3))
        return {"libvips": version, "pyvips": pyvips.__version__}

    def run(self, row: Row, data: Dataset, out: Path) -> dict[str, float]:
        import pyvips

        def load(name: str) -> Any:
            return pyvips.Image.new_from_file(str(data.path(name, "vips")))

        if row.saves:
            _image(row.key, load).write_to_file(str(out))
            return {}
        return {row.key: _number(row.key, load)}

    def result_planes(self, out: Path, shape: tuple[int, int, int]) -> Iterator[np.ndarray]:
        # 64 bytes of header, then rows without padding.
        return raw_planes(out, 64, "<f4", shape)


def _image(key: str, load: Any) -> Any:
    a = load("a")
    if key == "add":
        return a + load("b")
    if key == "sine":
        b = load("b")
        # Its sine takes degrees; the factor is folded into one linear step.
        return (a * (180 / np.pi)).math("sin") * 2 + b * b
    if key == "iif":
        b = load("b")
        return ((a > 0) & (b < 1)).ifthenelse(a.abs() ** 0.5, b.exp())
    if key == "demean":
        low = a < 3
        # A comparison gives 255 where it holds.
        return a - low.ifthenelse(a, 0).avg() / (low.avg() / 255)
    if key == "clip":
        return (a > 2 * a.deviate()).ifthenelse(a, float("nan"))
    return a * 2


def _number(key: str, load: Any) -> float:
    a = load("a")
    if key == "sum":
        return float((load("b") > 0).ifthenelse(a, 0).avg() * a.width * a.height)
    if key == "stddev":
        return float((a - load("b")).deviate())
    return float(a.avg())
