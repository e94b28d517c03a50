"""FITS images, in and out."""

from __future__ import annotations

import os
import re
import warnings
from dataclasses import replace
from typing import Any

import numpy as np

from lattice.coords.header import is_observation_keyword, is_wcs_keyword
from lattice.coords.system import CoordinateSystem, default_dims
from lattice.errors import FormatError, LatticeError, LatticeWarning
from lattice.graph.attributes import Attributes
from lattice.graph.protocols import Reader
from lattice.graph.types import FLOAT
from lattice.io.base import Beam, ImageSpec, MetaCard, Output, Stored
from lattice.io.files import Opened, identify, read_range
from lattice.io.fits_beams import row_order
from lattice.io.fits_hdus import HDU, FitsFile, Selector, select
from lattice.io.fits_header import Card
from lattice.io.fits_packed import FitsCompressedReader
from lattice.io.fits_read import Decoder, FitsReader, decoder_of, label_of
from lattice.io.fits_tiles import table_of
from lattice.io.losses import by_abilities
from lattice.io.raw import Layout
from lattice.io.spool import Spool

__all__ = ["FitsFormat"]

_NOT_META = re.compile(
    r"SIMPLE|XTENSION|BITPIX|NAXIS\d*|EXTEND|END|PCOUNT|GCOUNT|GROUPS|INHERIT|BSCALE|BZERO|BLANK|BUNIT|CHECKSUM|DATASUM"
    r"|BMAJ|BMIN|BPA|CASAMBM|HISTORY|LATTYPE|LATMASK|LATMSK\d+|NANMASK|LONGSTRN|CONTINUE"
)
_NOT_META_COMPRESSED = re.compile(
    r"TFIELDS|T(TYPE|FORM|UNIT|DIM|NULL|SCAL|ZERO|DISP)\d+|THEAP|ZIMAGE|ZCMPTYPE|ZBITPIX|ZNAXIS\d*|ZTILE\d+|ZNAME\d+|ZVAL\d+"
    r"|ZQUANTIZ|ZDITHER0|ZMASKCMP|ZSIMPLE|ZTENSION|ZEXTEND|ZBLOCKED|ZPCOUNT|ZGCOUNT|ZHECKSUM|ZDATASUM|ZBLANK"
)


class FitsFormat:
    """FITS files (``.fits``, ``.fit``, ``.fts``, ``.fits.gz``, ``.fits.fz``)."""

    name = "fits"
    suffixes = (".fits", ".fit", ".fts", ".fits.gz", ".fits.fz")
    description = (
        "FITS images: every HDU, scaled integers, gzip and tile-compressed files; written uncompressed"
    )
    can = frozenset(
        {
            "read",
            "write",
            "parallel",
            "bool",
            "float",
            "mask",
            "masks",
            "unit",
            "coords",
            "beam",
            "beams",
            "cards",
            "history",
        }
    )

    def losses(self, spec: ImageSpec, *, mask: str = "nan", **options: Any) -> list[str]:
        """Return what a file would lack; named masks are kept with ``mask="extension"`` only."""
        return by_abilities(self.can if mask == "extension" else self.can - {"masks"}, spec)

    def sniff(self, path: str) -> bool:
        """Return True if the file starts as FITS files do, unpacked if need be."""
        try:
            with open(path, "rb") as f:
                start = f.read(9)
            if start[:2] == b"\x1f\x8b":
                import gzip
                import zlib

                try:
                    with gzip.open(path, "rb") as f:
                        start = f.read(9)
                except (OSError, EOFError, zlib.error):
                    return path.lower().endswith(self.suffixes)  # a damaged one: opening it says so
        except (OSError, ValueError):
            return False
        return start == b"SIMPLE  ="

    def open(self, path: str, *, hdu: Selector = None, **selectors: Any) -> Stored:
        """Open one image of a file.

        Parameters
        ----------
        path : str
            The file.
        hdu : int, str or (str, int), optional
            Which header unit: number (0 is the primary), name, or name and version; default the first
            with pixels.
        """
        if selectors:
            raise LatticeError(f"a FITS image is not selected by {', '.join(selectors)}", hint="use hdu=")
        path = os.path.abspath(path)
        identity = identify(path)
        if not os.path.isfile(path):
            raise FormatError(f"{path!r} is not a file")
        packed = Spool.is_packed(path)
        source: Any = Spool.of(path, identity) if packed else Opened(path, identity)
        file = FitsFile(path, identity, source)
        unit = select(file, hdu)
        what = f"{os.path.basename(path)}[{unit.index}]"
        if unit.offset + unit.size > file.size:
            raise FormatError(
                f"{what} is truncated: its data should end at byte {unit.offset + unit.size}, "
                f"the file has {file.size}",
                hint="copy or download the file again",
            )
        decoder = decoder_of(unit, what)
        reader = _reader(file, unit, decoder, packed, what)
        return _stored(file, unit, reader.decoder, reader, packed)

    def create(
        self,
        path: str,
        spec: ImageSpec,
        *,
        overwrite: bool = False,
        sync: bool = False,
        mask: str = "nan",
        **options: Any,
    ) -> Output:
        """Start a new FITS file.

        Parameters
        ----------
        path : str
            Where it will be.
        spec : ImageSpec
            What it will be.
        overwrite : bool
            Whether an existing file may be replaced.
        sync : bool
            Whether it must survive a power failure.
        mask : {"nan", "extension"}
            Bad pixels become NaN; or values are kept and all masks written as extensions named MASK.
        """
        from lattice.io.fits_write import FitsOutput

        if options:
            raise LatticeError(f"FITS output has no option {', '.join(options)}", hint="it has: mask")
        if path.lower().endswith((".gz", ".fz", ".bz2", ".z")):
            raise FormatError(
                f"{path!r}: compressed FITS is not written", hint="save as .fits and compress that"
            )
        return FitsOutput(path, spec, overwrite=overwrite, sync=sync, mask=mask)


def _reader(
    file: FitsFile, unit: HDU, decoder: Decoder, packed: bool, what: str
) -> FitsReader | FitsCompressedReader:
    label = label_of(file.path, unit)
    if unit.kind == "image":
        layout = Layout(unit.offset, unit.shape, decoder.stored)
        return FitsReader(file.path, file.identity, layout, decoder, label, packed)
    tile = []
    for i in range(len(unit.shape), 0, -1):
        length = unit.get(f"ZTILE{i}", unit.shape[-1] if i == 1 else 1)
        if isinstance(length, bool) or not isinstance(length, int) or length < 1:
            raise FormatError(f"{what}: ZTILE{i} = {length!r} is not a length")
        tile.append(min(length, unit.shape[len(unit.shape) - i]))
    table = table_of(unit, tuple(tile), what)
    if table.has_blanks and decoder.bitpix > 0 and decoder.blank is None and decoder.kind == "value":
        lowest = 0 if decoder.bitpix == 8 else -(1 << (decoder.bitpix - 1))
        decoder = replace(decoder, blank=lowest)  # one number for what each tile marks in its own way
    return FitsCompressedReader(
        file.path, file.identity, table, unit.shape, tuple(tile), decoder, label, packed
    )


def _stored(file: FitsFile, unit: HDU, decoder: Decoder, reader: Reader, packed: bool) -> Stored:
    cards = _inherited(file, unit)
    shape = unit.shape
    coords = CoordinateSystem.from_header(cards, shape)
    described = any(kind != "none" for kind in coords.kinds)
    masks, default = _masks(file, unit, decoder, reader, packed)
    unit_text = next((str(v).strip() for k, v, _ in cards if k == "BUNIT" and isinstance(v, str)), "")
    return Stored(
        reader=reader,
        dims=coords.dims if described else default_dims(["none"] * len(shape)),
        unit=unit_text,
        coords=coords,
        masks=masks,
        default_mask=default,
        nan_masked=decoder.may_have_nan and unit.get("NANMASK") is not False,
        meta=_meta(cards, unit),
        history=tuple(str(v).rstrip() for k, v, _ in cards if k == "HISTORY"),
        beams=_beams(file, unit, cards, coords),
        source=f"{file.path}[{unit.index}]",
        format="fits",
    )


def _inherited(file: FitsFile, unit: HDU) -> tuple[Card, ...]:
    """Return the cards of a unit; with INHERIT those of a primary without pixels as well."""
    if unit.index == 0 or unit.get("INHERIT") is not True:
        return unit.cards
    primary = next(iter(file))
    own = {key for key, _, _ in unit.cards}
    more = tuple(
        c
        for c in primary.cards
        if c[0] not in own and not _NOT_META.fullmatch(c[0]) and c[0] not in ("COMMENT", "")
    )
    return unit.cards + more if not primary.has_image else unit.cards


def _meta(cards: tuple[Card, ...], unit: HDU) -> tuple[MetaCard, ...]:
    out = []
    for card in cards:
        key = card[0]
        if _NOT_META.fullmatch(key) or (is_wcs_keyword(key) and not is_observation_keyword(key)):
            continue
        if unit.kind == "compressed" and (
            _NOT_META_COMPRESSED.fullmatch(key) or card[1] == "COMPRESSED_IMAGE"
        ):
            continue
        out.append(card)
    return tuple(out)


def _masks(
    file: FitsFile, unit: HDU, decoder: Decoder, reader: Reader, packed: bool
) -> tuple[dict[str, Reader], str | None]:
    """Return the masks of an image: extensions that its header names, or the blanks of a boolean image."""
    if decoder.kind == "nonzero" and decoder.blank is not None and isinstance(reader, FitsReader):
        notblank = Decoder(8, blank=decoder.blank, kind="notblank")
        mask = FitsReader(file.path, file.identity, reader.layout, notblank, f"{reader.label} (mask)", packed)
        return {"mask0": mask}, "mask0"
    names = [(k, v) for k, v, _ in unit.cards if re.fullmatch(r"LATMSK\d+", k) and isinstance(v, str)]
    if not names:
        return {}, None
    by_version = {h.version: h for h in file if h.name == "MASK" and h.kind == "image"}
    masks: dict[str, Reader] = {}
    for key, name in names:
        hdu = by_version.get(int(key[6:]))
        if (
            hdu is None
            or hdu.shape != unit.shape
            or hdu.get("BITPIX") != 8
            or hdu.offset + hdu.size > file.size
        ):
            raise FormatError(
                f"{os.path.basename(file.path)!r}: the mask {name!r} should be HDU MASK,{key[6:]}, "
                "which is not there"
            )
        layout = Layout(hdu.offset, hdu.shape, np.dtype("u1"))
        label = f"{os.path.basename(file.path)}[{hdu.index}]"
        masks[name] = FitsReader(file.path, file.identity, layout, Decoder(8, kind="nonzero"), label, packed)
    default = unit.get("LATMASK")
    return masks, default if default in masks else None


def _beams(file: FitsFile, unit: HDU, cards: tuple[Card, ...], coords: CoordinateSystem) -> tuple[Beam, ...]:
    values = {key: value for key, value, _ in cards if key in ("BMAJ", "BMIN", "BPA", "CASAMBM")}
    if values.get("CASAMBM") is True:
        table = next((h for h in file if h.name == "BEAMS" and h.kind == "table"), None)
        if table is not None:
            if beams := _beam_table(file, table, Attributes(FLOAT, unit.shape, coords.dims, coords=coords)):
                return beams
            warnings.warn(
                f"{label_of(file.path, unit)}: the table BEAMS does not give a beam for each plane; left out",
                LatticeWarning,
                stacklevel=2,
            )
    numbers = [values.get(key, 0.0) for key in ("BMAJ", "BMIN", "BPA")]
    if all(isinstance(v, int | float) and not isinstance(v, bool) for v in numbers) and numbers[0] > 0:
        return ((float(numbers[0]), float(numbers[1] or numbers[0]), float(numbers[2])),)
    return ()


_COLUMN = {"E": ">f4", "D": ">f8", "J": ">i4", "I": ">i2", "K": ">i8", "B": "u1", "L": "S1"}


def _beam_table(file: FitsFile, table: HDU, image: Attributes) -> tuple[Beam, ...]:
    """Return the beams of a BEAMS table, in the order of planes; empty if it is not as CASA writes it."""
    fields = []
    for i in range(1, min(int(table.get("TFIELDS", 0)), 100) + 1):
        found = re.fullmatch(r"1?([EDJIKBL])", str(table.get(f"TFORM{i}", "")).strip())
        if found is None:
            return ()
        fields.append((str(table.get(f"TTYPE{i}", f"column{i}")).strip().upper(), _COLUMN[found[1]]))
    row = np.dtype(fields)
    count = table.shape[0] if len(table.shape) == 2 else 0
    if not {"BMAJ", "BMIN", "BPA"} <= {name for name, _ in fields} or row.itemsize != table.shape[1]:
        return ()
    if count * row.itemsize > 256 << 20 or table.offset + count * row.itemsize > file.size:
        return ()
    with file.source.copy() as fd:
        data = read_range(fd, table.offset, count * row.itemsize, file.path, file.size)
    rows = np.frombuffer(data, row, count)
    columns_of: dict[str, np.ndarray] = {
        name: rows[name] for name in ("CHAN", "POL") if name in (row.names or ())
    }
    order = row_order(columns_of, count, image)
    if order is None:
        return ()
    units = {
        str(table.get(f"TTYPE{i}", "")).strip().upper(): str(table.get(f"TUNIT{i}", ""))
        for i in range(1, len(fields) + 1)
    }
    factor = {
        n: {"arcsec": 1 / 3600, "arcmin": 1 / 60, "rad": 180 / np.pi}.get(units.get(n, "").strip(), 1.0)
        for n in units
    }
    columns = [rows[name][order].astype(float) * factor[name] for name in ("BMAJ", "BMIN", "BPA")]
    return tuple((float(a), float(b), float(c)) for a, b, c in zip(*columns, strict=True))
