"""Values of one type that follow each other in a file, as sources and targets of pixels."""

from __future__ import annotations

from typing import Any

import numpy as np

from lattice.graph.sections import Section, shape_of, split
from lattice.graph.types import lel_dtype
from lattice.io.files import Identity, Opened, is_url
from lattice.io.raw import Layout, natural_tile, part, read_section, section_bytes, write_section

__all__ = ["PlainReader", "PlainWriter"]

_STRIP = 1 << 18  # pixels of a Fortran-ordered array that are turned at a time


class PlainReader:
    """An array in a file as a source of pixels.

    Parameters
    ----------
    path : str
        Absolute path of the file.
    identity : Identity
        State of the file when it was opened.
    layout : Layout
        Where the values lie; of a Fortran-ordered array with its axes reversed.
    label : str
        Short name for people.
    fortran : bool
        Whether the first axis runs fastest.
    """

    def __init__(
        self, path: str, identity: Identity, layout: Layout, label: str, fortran: bool = False
    ) -> None:
        self.direct = not is_url(path)
        self.path, self.identity, self.layout = path, identity, layout
        self.label, self.fortran = label, fortran
        self.dtype = lel_dtype(layout.dtype)
        self.shape = layout.shape[::-1] if fortran else layout.shape
        self.token = "plain-{}|{}|{}".format(path, "|".join(map(str, identity)), layout.offset)
        same = layout.dtype.itemsize == self.dtype.itemsize and layout.dtype.kind in "fc"
        self._finish = self._swap if same else None

    @property
    def tile(self) -> tuple[int, ...]:
        """What follows each other in the file, about 4 MB."""
        tile = natural_tile(self.layout.shape, self.layout.dtype.itemsize)
        return tile[::-1] if self.fortran else tile

    def read(self, section: Section, out: np.ndarray | None = None) -> np.ndarray:
        """Return the values of a section, in `out` if that is given."""
        if out is None:
            out = np.empty(shape_of(section), self.dtype)
        if out.size == 0:
            return out
        with Opened(self.path, self.identity) as fd:
            if not self.fortran:
                read_section(fd, self.path, self.layout, section, out, self._convert, self._finish)
                return out
            turned = section[::-1]
            pieces = split(turned, _STRIP) if self.direct else [turned]
            for piece in pieces:
                values = np.empty(shape_of(piece), self.dtype)
                read_section(fd, self.path, self.layout, piece, values, self._convert, self._finish)
                place = tuple(
                    slice((p.start - s.start) // s.step, -(-(p.stop - s.start) // s.step))
                    for p, s in zip(piece, turned, strict=True)
                )
                part(out.T, place)[...] = values
        return out

    @property
    def plain(self) -> tuple[Any, Layout] | None:
        """The open file and the layout, where the stored numbers are the values but for their byte order."""
        if self._finish is None or self.fortran or not self.direct:
            return None
        return Opened(self.path, self.identity), self.layout

    def _convert(self, stored: np.ndarray, values: np.ndarray) -> None:
        if self.dtype.kind == "b":
            # a damaged file may hold other bytes than 0 and 1
            np.not_equal(stored.view(np.uint8), 0, out=values)
        else:
            np.copyto(values, stored, casting="unsafe")

    def _swap(self, values: np.ndarray) -> None:
        if self.layout.dtype != self.dtype:
            np.copyto(values, values.view(self.layout.dtype))

    def bytes_read(self, section: Section) -> int:
        """Return how many bytes of the file a section takes."""
        if not self.fortran:
            return section_bytes(self.layout, section)
        if 0 in shape_of(section):
            return 0
        return sum(section_bytes(self.layout, piece) for piece in split(section[::-1], _STRIP))

    def __dask_tokenize__(self) -> str:
        return self.token

    def __reduce__(self) -> tuple[Any, ...]:
        return (PlainReader, (self.path, self.identity, self.layout, self.label, self.fortran))

    def __repr__(self) -> str:
        return f"PlainReader({self.label!r}, shape={self.shape}, dtype={self.dtype})"


class PlainWriter:
    """An array in a file as a target of pixels.

    Parameters
    ----------
    path : str
        The file, which has its final size.
    layout : Layout
        Where the pixels go.
    dtype : dtype, optional
        Type of the values if it is not that of the layout in the byte order of this machine.
    flags : PlainWriter, optional
        Takes the mask that comes with the values.
    """

    direct = True

    def __init__(
        self,
        path: str,
        layout: Layout,
        dtype: np.dtype[Any] | None = None,
        flags: PlainWriter | None = None,
    ) -> None:
        self.path, self.layout, self.flags = path, layout, flags
        self.dtype = layout.dtype.newbyteorder("=") if dtype is None else np.dtype(dtype)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array."""
        return self.layout.shape

    @property
    def chunks(self) -> tuple[int, ...]:
        """A row."""
        return (1,) * (len(self.shape) - 1) + (max(1, self.shape[-1]),) if self.shape else ()

    def write(self, section: Section, values: np.ndarray, mask: np.ndarray | None) -> None:
        """Write values, and the mask to its own place if there is one."""
        if values.size == 0:
            return
        if self.flags is not None:
            good = np.ones(values.shape, bool) if mask is None else np.asarray(mask, bool)
            self.flags.write(section, good, None)
        with np.errstate(over="ignore"):  # doubles beyond the range of singles become infinite
            stored = np.ascontiguousarray(values, self.layout.dtype)
        with Opened(self.path, None) as fd:
            write_section(fd, self.path, self.layout, section, stored)
