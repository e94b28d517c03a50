"""FITS images written by section into a preallocated file."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from lattice.coords.header import is_wcs_keyword
from lattice.errors import (
    FormatError,
    LatticeError,
    LatticeTypeError,
    ShapeMismatchError,
)
from lattice.graph.attributes import Attributes
from lattice.graph.records import FrozenArray, Record
from lattice.graph.sections import Section
from lattice.io.atomic import Staging, allocate
from lattice.io.base import Beam, ImageSpec, Output
from lattice.io.files import Opened, pwrite_from
from lattice.io.fits_beams import beam_rows
from lattice.io.fits_header import BLOCK, Card, header_bytes
from lattice.io.raw import Layout, write_section

__all__ = ["FitsOutput", "FitsWriter", "image_cards"]

_BITPIX = {"b1": 8, "f4": -32, "f8": -64}
_STRIP = 1 << 15

# Cards that the writer makes itself, or that would be wrong for other pixels.
_OWN = re.compile(
    r"SIMPLE|XTENSION|BITPIX|NAXIS\d*|EXTEND|END|PCOUNT|GCOUNT|GROUPS|INHERIT|BSCALE|BZERO|BLANK|BUNIT|CHECKSUM|DATASUM"
    r"|DATAMIN|DATAMAX|BMAJ|BMIN|BPA|CASAMBM|HISTORY|LATTYPE|LATMASK|LATMSK\d+|NANMASK|CONTINUE|LONGSTRN|EXTVER|EXTLEVEL"
)


def image_cards(spec: ImageSpec, wcs: Sequence[Card], bitpix: int, blank: int | None) -> list[Card]:
    """Return the header of a new image after NAXIS: coordinates, unit, beam, carried cards, history."""
    cards: list[Card] = []
    if blank is not None:
        cards.append(("BLANK", blank, "stored value of bad pixels"))
    if bitpix == 8:
        cards.append(("LATTYPE", "bool", "pixels are true (1) or false (0)"))
    if spec.unit:
        cards.append(("BUNIT", spec.unit, "brightness unit"))
    if len(spec.beams) == 1:
        for key, value in zip(("BMAJ", "BMIN", "BPA"), spec.beams[0], strict=True):
            cards.append((key, float(value), "[deg] beam"))
    elif spec.beams:
        cards.append(("CASAMBM", True, "beams are in the table BEAMS"))
    cards += wcs  # starts with WCSAXES, which has to come before all others
    taken = {key for key, _, _ in cards}
    for key, value, comment in spec.meta:
        commentary = key in ("COMMENT", "")
        if isinstance(value, Record | FrozenArray):
            continue
        if _OWN.fullmatch(key) or (not commentary and key in taken) or _is_stale(key, taken):
            continue
        cards.append((key, value, comment))
    cards += [("HISTORY", line, "") for line in spec.history]
    return cards


def _is_stale(key: str, taken: set[str]) -> bool:
    """Coordinates among the carried cards never override those of the image."""
    return bool(taken) and key.startswith(("CTYPE", "CRPIX", "CRVAL", "CDELT")) and is_wcs_keyword(key)


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
    blank : int or None
        For booleans: what is stored at bad pixels.
    mask_layout : Layout or None
        Where the mask goes; without it bad pixels are set to NaN or `blank`.
    """

    direct = True

    def __init__(
        self,
        path: str,
        layout: Layout,
        dtype: np.dtype[Any],
        blank: int | None = None,
        mask_layout: Layout | None = None,
    ) -> None:
        self.path = path
        self.layout = layout
        self.dtype = np.dtype(dtype)
        self.blank = blank
        self.mask_layout = mask_layout

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the image."""
        return self.layout.shape

    @property
    def chunks(self) -> tuple[int, ...]:
        """A row: the natural unit of a file without tiles."""
        return (1,) * (len(self.shape) - 1) + (max(1, self.shape[-1]),)

    @property
    def plain(self) -> FitsWriter:
        """The writer itself: values are stored as they are but for their byte order, bad ones as all ones."""
        return self

    def write(self, section: Section, values: np.ndarray, mask: np.ndarray | None) -> None:
        """Write values and their mask; `values` is changed if it can be."""
        if values.size == 0:
            return
        if values.dtype != self.dtype or not values.flags.c_contiguous or not values.flags.writeable:
            values = np.array(values, self.dtype, order="C")
        flat = values.reshape(-1)
        good = None if mask is None else np.ascontiguousarray(mask, bool).reshape(-1)
        if good is not None and self.mask_layout is None:
            self._mark_bad(flat, good)
        if self.layout.dtype.itemsize > 1:
            np.copyto(flat.view(self.layout.dtype), flat)
        with Opened(self.path, None) as fd:
            write_section(fd, self.path, self.layout, section, flat)
            if self.mask_layout is not None:
                plane = np.ones(flat.size, np.uint8) if good is None else good.view(np.uint8)
                write_section(fd, self.path, self.mask_layout, section, plane)

    def _mark_bad(self, flat: np.ndarray, good: np.ndarray) -> None:
        """Set bad pixels to all ones, which is a NaN in every float type and 255 in a byte."""
        signed = np.dtype(f"i{flat.itemsize}")
        for start in range(0, flat.size, _STRIP):
            part = good[start : start + _STRIP]
            if part.all():
                continue
            # True -> 0, False -> -1: all bits set, also after widening.
            bits = np.subtract(part.view(np.int8), 1).astype(signed, copy=False)
            target = flat[start : start + _STRIP].view(signed)
            np.bitwise_or(target, bits, out=target)

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
    overwrite, sync : bool
        See `lattice.io.atomic.Staging`.
    mask : str
        ``"nan"``: bad pixels become NaN. ``"extension"``: values stay, each mask is an image extension.
    """

    def __init__(
        self, path: str, spec: ImageSpec, *, overwrite: bool = False, sync: bool = False, mask: str = "nan"
    ) -> None:
        super().__init__()
        self._open = False
        dtype = np.dtype(spec.dtype)
        self._check(spec, dtype, mask)
        names = self._mask_names(spec, mask)
        bitpix = _BITPIX[f"{dtype.kind}{dtype.itemsize}"]
        blank = 255 if bitpix == 8 and spec.masked and mask == "nan" else None
        wcs = spec.coords.to_cards(spec.shape) if spec.coords is not None else ()
        parts = _Parts()
        primary = _structure(bitpix, spec.shape)
        if names:
            default = names[0] if spec.masked else None
            primary += _mask_cards(names, default)
        layout = parts.add(
            header_bytes(primary + image_cards(spec, wcs, bitpix, blank)), spec.shape, _stored(dtype)
        )
        masks = {
            name: parts.add(header_bytes(_mask_header(name, i + 1, spec, wcs)), spec.shape, np.dtype("u1"))
            for i, name in enumerate(names)
        }
        if len(spec.beams) > 1:
            header, table = _beam_table(spec.beams, spec)
            parts.add(header_bytes(header), (len(table),), np.dtype("u1"), table)
        self._stage = Staging(path, overwrite=overwrite, sync=sync)
        self.path = self._stage.path
        try:
            parts.write(self._stage.temp)
        except BaseException:
            self._stage.abort()
            raise
        own_mask = masks.pop(names[0]) if names and spec.masked else None
        self.writer = FitsWriter(self._stage.temp, layout, dtype, blank, own_mask)
        self.mask_writers = {
            name: FitsWriter(self._stage.temp, place, np.dtype(bool)) for name, place in masks.items()
        }
        self._open = True

    @staticmethod
    def _check(spec: ImageSpec, dtype: np.dtype[Any], mask: str) -> None:
        if mask not in ("nan", "extension"):
            raise LatticeError(
                f"mask={mask!r} is no way to write a mask to FITS", hint="say 'nan' or 'extension'"
            )
        if dtype.kind == "c":
            raise LatticeTypeError(
                "FITS images cannot hold complex values",
                hint="save real(...) and imag(...), or abs(...) and arg(...), or save to .zarr",
            )
        if f"{dtype.kind}{dtype.itemsize}" not in _BITPIX:
            raise LatticeTypeError(f"FITS output takes bool, float32 or float64, not {dtype}")
        if not spec.shape or 0 in spec.shape:
            what = "a single number" if not spec.shape else f"no pixels (shape {spec.shape})"
            raise FormatError(f"the result is {what}; a FITS image needs at least one axis and one pixel")
        if len(spec.shape) > 999:
            raise FormatError("FITS images have at most 999 axes")

    @staticmethod
    def _mask_names(spec: ImageSpec, mask: str) -> list[str]:
        if mask != "extension":
            return []
        names = [spec.default_mask or "mask0"] if spec.masked else []
        return names + [name for name in spec.mask_names if name not in names]

    def _commit(self) -> None:
        self._stage.commit()

    def _abort(self) -> None:
        self._stage.abort()


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


def _stored(dtype: np.dtype[Any]) -> np.dtype[Any]:
    return np.dtype("u1") if dtype.kind == "b" else dtype.newbyteorder(">")


def _structure(bitpix: int, shape: Sequence[int], extension: str = "") -> list[Card]:
    cards: list[Card] = [
        ("XTENSION", extension, "image extension") if extension else ("SIMPLE", True, "FITS standard"),
        ("BITPIX", bitpix, "bits per pixel; negative: floating point"),
        ("NAXIS", len(shape), "number of axes"),
    ]
    cards += [(f"NAXIS{i + 1}", int(n), "") for i, n in enumerate(reversed(shape))]
    if extension:
        return [*cards, ("PCOUNT", 0, ""), ("GCOUNT", 1, "")]
    return [*cards, ("EXTEND", True, "")]


def _mask_cards(names: Sequence[str], default: str | None) -> list[Card]:
    cards: list[Card] = [
        (f"LATMSK{i + 1}", name, f"this mask is HDU MASK,{i + 1}") for i, name in enumerate(names)
    ]
    if default is not None:
        cards.append(("LATMASK", default, "mask that applies (nonzero = good)"))
    return [*cards, ("NANMASK", False, "NaN is a value, not a mark for bad pixels")]


def _mask_header(name: str, version: int, spec: ImageSpec, wcs: Sequence[Card]) -> list[Card]:
    cards = _structure(8, spec.shape, "IMAGE")
    cards += [
        ("EXTNAME", "MASK", ""),
        ("EXTVER", version, ""),
        ("MASKNAME", name, "1 = good, 0 = bad"),
        ("LATTYPE", "bool", "pixels are true (1) or false (0)"),
    ]
    return [*cards, *wcs]


def _beam_table(beams: Sequence[Beam], spec: ImageSpec) -> tuple[list[Card], bytes]:
    """Return the BEAMS table that CASA writes and reads: one row per plane, axes in arcsec."""
    row = np.dtype([("BMAJ", ">f4"), ("BMIN", ">f4"), ("BPA", ">f4"), ("CHAN", ">i4"), ("POL", ">i4")])
    table = np.zeros(len(beams), row)
    image = Attributes(spec.dtype, tuple(spec.shape), tuple(spec.dims), coords=spec.coords)
    channel, stokes = beam_rows(image, len(beams))
    if channel is None or stokes is None:
        raise ShapeMismatchError(f"{len(beams)} beams do not fit the planes of {image.describe()}")
    for i, (major, minor, angle) in enumerate(beams):
        table[i] = (major * 3600, minor * 3600, angle, channel[i], stokes[i])
    n_channels, n_stokes = int(channel.max()) + 1, int(stokes.max()) + 1
    cards: list[Card] = [
        ("XTENSION", "BINTABLE", "binary table"),
        ("BITPIX", 8, ""),
        ("NAXIS", 2, ""),
        ("NAXIS1", row.itemsize, "bytes per row"),
        ("NAXIS2", len(beams), "rows"),
        ("PCOUNT", 0, ""),
        ("GCOUNT", 1, ""),
        ("TFIELDS", 5, ""),
    ]
    for i, (name, form, unit) in enumerate(
        [
            ("BMAJ", "1E", "arcsec"),
            ("BMIN", "1E", "arcsec"),
            ("BPA", "1E", "deg"),
            ("CHAN", "1J", ""),
            ("POL", "1J", ""),
        ]
    ):
        cards += [(f"TTYPE{i + 1}", name, ""), (f"TFORM{i + 1}", form, "")]
        if unit:
            cards.append((f"TUNIT{i + 1}", unit, ""))
    cards += [("EXTNAME", "BEAMS", ""), ("EXTVER", 1, ""), ("NCHAN", n_channels, ""), ("NPOL", n_stokes, "")]
    return cards, table.tobytes()
