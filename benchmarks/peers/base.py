"""What every peer offers to the worker."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import numpy as np

from benchmarks.data import Dataset
from benchmarks.rows import Row

__all__ = ["Peer"]


class Peer(ABC):
    """One program that evaluates rows.

    ``run`` is what gets timed: from opening the files until the result is on disk and closed, or
    the numbers are in hand.
    """

    name: str
    form: str
    suffix: str
    note: str = ""
    #: new memory that a run needs at most, page cache of the output included, in cubes
    working_cubes: int = 2
    #: rows that the program has no way to express, with the reason
    unable: ClassVar[dict[str, str]] = {}

    @abstractmethod
    def prepare(self, threads: int) -> dict[str, str]:
        """Import the library, set its threads and return the versions of what computes."""

    @abstractmethod
    def run(self, row: Row, data: Dataset, out: Path) -> dict[str, float]:
        """Evaluate one row: write ``out``, or return the numbers."""

    @abstractmethod
    def result_planes(self, out: Path, shape: tuple[int, int, int]) -> Iterator[np.ndarray]:
        """The saved image plane by plane, NaN where a pixel is masked."""


def raw_planes(path: Path, offset: int, dtype: str, shape: tuple[int, int, int]) -> Iterator[np.ndarray]:
    """Planes of an uncompressed file."""
    size = shape[1] * shape[2]
    with path.open("rb") as file:
        file.seek(offset)
        for _ in range(shape[0]):
            yield np.fromfile(file, dtype=dtype, count=size).reshape(shape[1:])


def fits_planes(path: Path, shape: tuple[int, int, int]) -> Iterator[np.ndarray]:
    """Planes of the first image of a FITS file, found without any FITS library."""
    with path.open("rb") as file:
        blocks, keywords = 0, {}
        while "END" not in keywords:
            block = file.read(2880)
            blocks += 1
            if len(block) < 2880:
                raise ValueError("the FITS header has no END")
            for start in range(0, 2880, 80):
                card = block[start : start + 80].decode("ascii")
                keywords[card[:8].strip()] = card[10:].split("/")[0].strip()
    axes = [int(keywords[f"NAXIS{n}"]) for n in range(int(keywords["NAXIS"]), 0, -1)]
    if tuple(axes) != shape:
        raise ValueError(f"the result has shape {tuple(axes)}, not {shape}")
    dtype = {"-32": ">f4", "-64": ">f8"}[keywords["BITPIX"]]
    return raw_planes(path, 2880 * blocks, dtype, shape)
