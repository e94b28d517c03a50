"""Pixels of uncompressed FITS images, read by section with their scaling."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from lattice.errors import FormatError
from lattice.graph.sections import Section, shape_of
from lattice.io.files import Identity, Opened, is_url
from lattice.io.fits_hdus import HDU
from lattice.io.places import name_of
from lattice.io.raw import Layout, natural_tile, read_section, section_bytes
from lattice.io.spool import Spool

__all__ = ["Decoder", "FitsReader", "decoder_of", "label_of"]

_STORED = {8: "u1", 16: ">i2", 32: ">i4", 64: ">i8", -32: ">f4", -64: ">f8"}
_UNSIGNED_64 = 1 << 63
_EXACT_32 = 1 << 24


@dataclass(frozen=True, slots=True)
class Decoder:
    """How stored numbers become values.

    Attributes
    ----------
    bitpix : int
        Kind of the stored numbers.
    scale, zero : float
        value = zero + scale * stored.
    blank : int or None
        Stored integer that means a bad pixel.
    kind : str
        ``value``, ``nonzero`` (a boolean) or ``notblank`` (the mask that goes with a boolean image).
    """

    bitpix: int
    scale: float = 1.0
    zero: float = 0.0
    blank: int | None = None
    kind: str = "value"

    @property
    def stored(self) -> np.dtype[Any]:
        """Type in the file."""
        return np.dtype(_STORED[self.bitpix])

    @property
    def is_scaled(self) -> bool:
        """True if values differ from the stored numbers."""
        return self.scale != 1.0 or self.zero != 0.0

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the values.

        8 and 16-bit integers fit float32, also when scaled, unless the offset is so large that float32 would
        merge neighbouring values; 32 and 64-bit integers become float64; floats keep their type.
        """
        if self.kind != "value":
            return np.dtype(bool)
        if self.bitpix < 0:
            return np.dtype(np.float32 if self.bitpix == -32 else np.float64)
        if self.bitpix > 16:
            return np.dtype(np.float64)
        span = 255 if self.bitpix == 8 else 32768
        wide = abs(self.zero) > (_EXACT_32 - span) * abs(self.scale)
        return np.dtype(np.float64 if wide else np.float32)

    @property
    def may_have_nan(self) -> bool:
        """False if the stored numbers prove that there are no bad pixels."""
        return self.kind == "value" and (self.bitpix < 0 or self.blank is not None)

    def convert(self, stored: np.ndarray, values: np.ndarray) -> None:
        """Turn stored numbers into values; both may have any strides."""
        if self.kind == "nonzero":
            np.not_equal(stored, 0, out=values)
        elif self.kind == "notblank":
            np.not_equal(stored, self.blank or 0, out=values)
        elif self.bitpix == 64 and self.zero == _UNSIGNED_64 and self.scale == 1:
            unsigned = stored.astype(np.int64).view(np.uint64) ^ np.uint64(_UNSIGNED_64)
            np.copyto(values, unsigned, casting="unsafe")
            self._put_blank(stored, values)
        else:
            if not self.is_scaled:
                np.copyto(values, stored, casting="unsafe")
            elif values.dtype == np.float64 or self._is_exact_32:
                np.copyto(values, stored, casting="unsafe")
                self._scale(values)
            else:
                # One rounding, from float64, whatever the scale.
                wide = stored.astype(np.float64)
                self._scale(wide)
                np.copyto(values, wide, casting="unsafe")
            self._put_blank(stored, values)

    @property
    def _is_exact_32(self) -> bool:
        return self.bitpix in (8, 16) and self.scale == 1 and self.zero.is_integer()

    def _scale(self, values: np.ndarray) -> None:
        with np.errstate(all="ignore"):
            if self.scale != 1:
                values *= values.dtype.type(self.scale)
            if self.zero != 0:
                values += values.dtype.type(self.zero)

    def _put_blank(self, stored: np.ndarray, values: np.ndarray) -> None:
        if self.blank is not None:
            bad = stored == self.blank
            if bad.any():
                np.copyto(values, np.nan, where=bad)

    def finish(self, values: np.ndarray) -> None:
        """Turn stored floats into values in place."""
        np.copyto(values, values.view(self.stored))
        if self.is_scaled:
            if values.dtype == np.float64:
                self._scale(values)
            else:
                wide = values.astype(np.float64)
                self._scale(wide)
                with np.errstate(over="ignore"):
                    np.copyto(values, wide, casting="unsafe")


def decoder_of(hdu: HDU, what: str) -> Decoder:
    """Return how the pixels of an image unit are stored.

    Parameters
    ----------
    hdu : HDU
        The unit.
    what : str
        Its name for messages.
    """
    z = "Z" if hdu.kind == "compressed" else ""
    bitpix = hdu.get(z + "BITPIX")
    if bitpix not in _STORED:
        raise FormatError(f"{what}: {z}BITPIX = {bitpix!r} is not a FITS pixel type")
    scale, zero = _real(hdu, "BSCALE", 1.0, what), _real(hdu, "BZERO", 0.0, what)
    blank = None
    if bitpix > 0:
        blank = hdu.get("BLANK", hdu.get("ZBLANK") if z else None)
        if isinstance(blank, float) and blank.is_integer():
            blank = int(blank)
        low, high = (0, 255) if bitpix == 8 else (-(1 << (bitpix - 1)), (1 << (bitpix - 1)) - 1)
        # A blank that no pixel can have marks none.
        if isinstance(blank, bool) or not isinstance(blank, int) or not low <= blank <= high:
            blank = None
    if bitpix == 8 and hdu.get("LATTYPE") == "bool":
        return Decoder(8, blank=blank, kind="nonzero")
    return Decoder(bitpix, scale, zero, blank)


def _real(hdu: HDU, keyword: str, default: float, what: str) -> float:
    value = hdu.get(keyword, default)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise FormatError(f"{what}: {keyword} = {value!r} is not a number")
    return float(value)


class FitsReader:
    """An uncompressed FITS image as a source of pixels.

    Parameters
    ----------
    path : str
        Absolute path of the file.
    identity : Identity
        State of the file when it was opened.
    layout : Layout
        Where the pixels lie, in the unpacked file if `packed`.
    decoder : Decoder
        What they mean.
    label : str
        Short name for people.
    packed : bool
        True if the file is compressed as a whole (``.gz``), and read from an unpacked copy.
    """

    def __init__(
        self,
        path: str,
        identity: Identity,
        layout: Layout,
        decoder: Decoder,
        label: str,
        packed: bool = False,
    ) -> None:
        self.path = path
        self.identity = identity
        self.layout = layout
        self.decoder = decoder
        self.label = label
        self.packed = packed
        self.direct = packed or not is_url(path)  # of a remote file each strip would wait for the server
        self.dtype = decoder.dtype
        self.token = "fits-{}|{}|{}|{}".format(path, "|".join(map(str, identity)), layout.offset, decoder)
        self._source = Spool.of(path, identity) if packed else Opened(path, identity)
        self._finish = decoder.finish if decoder.kind == "value" and decoder.bitpix < 0 else None

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the image."""
        return self.layout.shape

    @property
    def tile(self) -> tuple[int, ...]:
        """Whole rows or planes of about 4 MB."""
        return natural_tile(self.layout.shape, self.layout.dtype.itemsize)

    @property
    def plain(self) -> tuple[Any, Layout] | None:
        """The open file and the layout, where the stored numbers are the values but for their byte order."""
        if self._finish is None or self.decoder.is_scaled:
            return None
        return self._source, self.layout

    def read(self, section: Section, out: np.ndarray | None = None) -> np.ndarray:
        """Return the values of a section, in `out` if that is given."""
        if out is None:
            out = np.empty(shape_of(section), self.dtype)
        # A descriptor is held per call, not per reader.
        with self._source.copy() as fd:
            read_section(fd, self.path, self.layout, section, out, self.decoder.convert, self._finish)
        return out

    def decoded(self, decoder: Decoder, label: str) -> FitsReader:
        """Return the same pixels understood in another way."""
        return FitsReader(self.path, self.identity, self.layout, decoder, label, self.packed)

    def bytes_read(self, section: Section) -> int:
        """Return how many bytes of the file a section takes."""
        return section_bytes(self.layout, section)

    def __dask_tokenize__(self) -> str:
        return self.token

    def __reduce__(self) -> tuple[Any, ...]:
        return (FitsReader, (self.path, self.identity, self.layout, self.decoder, self.label, self.packed))

    def __repr__(self) -> str:
        return f"FitsReader({self.label!r}, shape={self.shape}, dtype={self.dtype})"


def label_of(path: str, hdu: HDU) -> str:
    """Return the short name of an image: the file name, with the unit if it is not the primary."""
    name = name_of(path)
    return name if hdu.index == 0 else f"{name}[{hdu.index}]"
