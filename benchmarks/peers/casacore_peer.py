"""casacore's LEL, through python-casacore."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.data import Dataset
from benchmarks.peers.base import Peer
from benchmarks.rows import Row

__all__ = ["CasacorePeer"]


class CasacorePeer(Peer):
    """Reads CASA images, writes CASA images; LEL has no threads."""

    name = "casacore"
    form = "casa"
    suffix = ".casa"
    note = "CASA image to CASA image, one thread (LEL has no more)"

    def prepare(self, threads: int) -> dict[str, str]:
        import casacore
        import casacore.images

        return {"python-casacore": casacore.__version__}

    def run(self, row: Row, data: Dataset, out: Path) -> dict[str, float]:
        from casacore.images import image

        names = {"a": f"'{data.path('a', 'casa')}'", "b": f"'{data.path('b', 'casa')}'"}
        if row.key == "robust":
            source = image(str(data.path("a", "casa")))
            found = source.statistics(robust=True)
            return {name: float(found[name][0]) for name in ("median", "medabsdevmed", "quartile")}
        # Braces cannot occur in a row's text, so they can mark the names.
        text = _mark_names(row.text).format(**names)
        if row.saves:
            result: Any = image(text)
            result.saveas(str(out))
            del result
            return {}
        pixel = image(f"'{data.folder / 'pixel.casa'}'+{text}")
        return {row.key: float(pixel.getdata()[0, 0])}

    def result_planes(self, out: Path, shape: tuple[int, int, int]) -> Iterator[np.ndarray]:
        from casacore.images import image

        result: Any = image(str(out))
        for index in range(shape[0]):
            first, last = (index, 0, 0), (index, shape[1] - 1, shape[2] - 1)
            values = result.getdata(first, last)[0]
            # python-casacore turns the mask round: True is bad.
            yield np.where(result.getmask(first, last)[0], np.float32(np.nan), values)


def _mark_names(text: str) -> str:
    """``a`` and ``b`` where they stand alone, as format fields."""
    return re.sub(r"\b([ab])\b", r"{\1}", text)
