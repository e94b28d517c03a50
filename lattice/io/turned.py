"""Stored pixels with their axes in another order, some of them fixed."""

from __future__ import annotations

from typing import Any

import numpy as np

from lattice.graph.protocols import Reader
from lattice.graph.sections import Section, shape_of

__all__ = ["TurnedReader"]


class TurnedReader:
    """Some axes of a source of pixels, in another order.

    Parameters
    ----------
    reader : Reader
        The source.
    order : sequence of int
        The axes of the source that remain, slowest first.
    fixed : dict of int to int
        The pixel on each of the others.
    """

    direct = False

    def __init__(self, reader: Reader, order: tuple[int, ...], fixed: dict[int, int]) -> None:
        self.reader = reader
        self.order = tuple(order)
        self.fixed = dict(fixed)
        self.dtype = reader.dtype
        self.label = reader.label
        self.shape = tuple(reader.shape[i] for i in self.order)
        self.tile = tuple(reader.tile[i] for i in self.order)
        self.token = f"turned-{self.order}-{sorted(self.fixed.items())}-{reader.token}"

    def _source(self, section: Section) -> Section:
        found = [slice(0, 1, 1)] * len(self.reader.shape)
        for axis, pixel in self.fixed.items():
            found[axis] = slice(pixel, pixel + 1, 1)
        for axis, s in zip(self.order, section, strict=True):
            found[axis] = s
        return tuple(found)

    def read(self, section: Section, out: np.ndarray | None = None) -> np.ndarray:
        """Return the values of a section, in `out` if that is given."""
        values = self.reader.read(self._source(section))
        turned = values.transpose([*self.order, *self.fixed]).reshape(shape_of(section))
        if out is None:
            return np.ascontiguousarray(turned)
        np.copyto(out, turned)
        return out

    def bytes_read(self, section: Section) -> int:
        """Return the bytes that the source reads."""
        return self.reader.bytes_read(self._source(section))

    def __dask_tokenize__(self) -> str:
        return self.token

    def __reduce__(self) -> tuple[Any, ...]:
        return (TurnedReader, (self.reader, self.order, self.fixed))

    def __repr__(self) -> str:
        return f"TurnedReader({self.label!r}, shape={self.shape}, dtype={self.dtype})"
