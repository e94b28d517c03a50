"""FITS images written by section into a preallocated file."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from lattice.coords.header import Card as WcsCard
from lattice.errors import FormatError
from lattice.graph.sections import Section
from lattice.io.atomic import Staging, allocate
from lattice.io.base import ImageSpec, Output
from lattice.io.files import Opened, pwrite_from
from lattice.io.fits_cards import beam_table, image_cards, mask_cards, mask_header, structure
from lattice.io.fits_encode import Encoder, mark_bad
from lattice.io.fits_header import BLOCK, header_bytes
from lattice.io.raw import Layout, write_section

__all__ = ["FitsOutput", "FitsWriter", "mask_names"]


class FitsWriter:
    """The data of one header unit as a target of pixels.

    Parameters
    ----------
    path : str
        The file, which has its final size.
    layout : Layout
        Where the pixels go.
    dtype : dtype
        Type of the values.
    encoder : Encoder
        How they are stored.
    mask_layout : Layout or None
        Where the mask goes; without it bad pixels are marked among the values.
    """

    direct = True

    def __init__(
        self,
        path: str,
        layout: Layout,
        dtype: np.dtype[Any],
        encoder: Encoder,
        mask_layout: Layout | None = None,
    ) -> None:
        self.path = path
        self.layout = layout
        self.dtype = np.dtype(dtype)
        self.encoder = encoder
        self.mask_layout = mask_layout
        self._as_they_are = self.dtype.kind == "b" or self.dtype == encoder.stored

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the image."""
        return self.layout.shape

    @property
    def chunks(self) -> tuple[int, ...]:
        """A row: the natural unit of a file without tiles."""
        return (1,) * (len(self.shape) - 1) + (max(1, self.shape[-1]),)

    @property
    def plain(self) -> FitsWriter | None:
        """The writer itself, where values are stored as they are but for their byte order; else None.

        Bad ones are stored as all ones.
        """
        return self if self._as_they_are else None

    def write(self, section: Section, values: np.ndarray, mask: np.ndarray | None) -> None:
        """Write values and their mask; `values` is changed if it can be."""
        if values.size == 0:
            return
        if values.dtype != self.dtype or not values.flags.c_contiguous or not values.flags.writeable:
            values = np.array(values, self.dtype, order="C")
        good = None if mask is None else np.ascontiguousarray(mask, bool).reshape(-1)
        marks = good if self.mask_layout is None else None
        if self._as_they_are:
            flat = values.reshape(-1)
            if marks is not None:
                mark_bad(flat, marks)
        else:
            flat = self.encoder.encode(values, marks).reshape(-1)
        if self.layout.dtype.itemsize > 1:
            np.copyto(flat.view(self.layout.dtype), flat)
        with Opened(self.path, None) as fd:
            write_section(fd, self.path, self.layout, section, flat)
            if self.mask_layout is not None:
                plane = np.ones(flat.size, np.uint8) if good is None else good.view(np.uint8)
                write_section(fd, self.path, self.mask_layout, section, plane)

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__.copy()


class FitsOutput(Output):
    """A FITS file being written.

    Parameters
    ----------
    path : str
        Where it will be.
    spec : ImageSpec
        What it will be.
    encoder : Encoder
        How values are stored.
    overwrite, sync : bool
        See `lattice.io.atomic.Staging`.
    mask : str
        ``"nan"``: bad pixels become NaN (integers: BLANK). ``"extension"``: values stay, each mask is an
        image extension.
    style : sequence of Card
        Further cards.
    wcs : sequence of Card, optional
        The coordinates, if they are to be written in another way than `spec` has them.
    """

    def __init__(
        self,
        path: str,
        spec: ImageSpec,
        encoder: Encoder,
        *,
        overwrite: bool = False,
        sync: bool = False,
        mask: str = "nan",
        style: Sequence[WcsCard] = (),
        wcs: Sequence[WcsCard] | None = None,
    ) -> None:
        super().__init__()
        self._open = False
        dtype = np.dtype(spec.dtype)
        names = mask_names(spec, mask)
        if wcs is None:
            wcs = spec.coords.to_cards(spec.shape) if spec.coords is not None else ()
        parts = _Parts()
        primary = structure(encoder.bitpix, spec.shape)
        if names:
            primary += mask_cards(names, names[0] if spec.masked else None)
        primary += image_cards(spec, wcs, encoder, style=style)
        layout = parts.add(header_bytes(primary), spec.shape, encoder.stored.newbyteorder(">"))
        masks = {
            name: parts.add(header_bytes(mask_header(name, i + 1, spec, wcs)), spec.shape, np.dtype("u1"))
            for i, name in enumerate(names)
        }
        if len(spec.beams) > 1:
            header, table = beam_table(spec.beams, spec)
            parts.add(header_bytes(header), (len(table),), np.dtype("u1"), table)
        self._stage = Staging(path, overwrite=overwrite, sync=sync)
        self.path = self._stage.path
        try:
            parts.write(self._stage.temp)
        except BaseException:
            self._stage.abort()
            raise
        own_mask = masks.pop(names[0]) if names and spec.masked else None
        self.writer = FitsWriter(self._stage.temp, layout, dtype, encoder, own_mask)
        plane = Encoder(8)
        self.mask_writers = {
            name: FitsWriter(self._stage.temp, place, np.dtype(bool), plane) for name, place in masks.items()
        }
        self._open = True

    @property
    def unfinished(self) -> str:
        """The file before it is moved to its place."""
        return self._stage.temp

    def _commit(self) -> None:
        self._stage.commit()

    def _abort(self) -> None:
        self._stage.abort()


def mask_names(spec: ImageSpec, mask: str) -> list[str]:
    """Return the masks that become extensions; that of the values, if it has one, comes first."""
    if mask != "extension":
        return []
    names = [spec.default_mask or "mask0"] if spec.masked else []
    return names + [name for name in spec.mask_names if name not in names]


class _Parts:
    """Header and data units laid out one after the other."""

    def __init__(self) -> None:
        self.pieces: list[tuple[int, bytes]] = []
        self.size = 0

    def add(self, header: bytes, shape: Sequence[int], dtype: np.dtype[Any], data: bytes = b"") -> Layout:
        self.pieces.append((self.size, header))
        layout = Layout(self.size + len(header), tuple(shape), dtype)
        if data:
            self.pieces.append((layout.offset, data))
        self.size = layout.offset + math.ceil(layout.nbytes / BLOCK) * BLOCK
        if self.size >= 1 << 62:
            raise FormatError(f"the image would take {self.size} bytes, more than any file holds")
        return layout

    def write(self, path: str) -> None:
        with Opened(path, None) as fd:
            allocate(fd, self.size, path)
            for offset, data in self.pieces:
                pwrite_from(fd, memoryview(data), offset, path)
