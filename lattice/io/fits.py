"""FITS images, in and out."""

from __future__ import annotations

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
from lattice.io.fits_history import history_beam, read_history
from lattice.io.fits_lookup import coordinate_tables
from lattice.io.fits_options import WriteOptions, start_output
from lattice.io.fits_packed import FitsCompressedReader
from lattice.io.fits_read import Decoder, FitsReader, decoder_of, label_of
from lattice.io.fits_tiles import table_of
from lattice.io.losses import by_abilities
from lattice.io.places import absolute, is_file, name_of, open_stream, start_of
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
    selector = "hdu"
    suffixes = (".fits", ".fit", ".fts", ".fits.gz", ".fits.fz")
    description = "FITS images: every HDU, scaled integers, gzip and tile-compressed files, both ways"
    can = frozenset(
        {
            "read",
            "write",
            "parallel",
            "remote",
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
        start = start_of(path, 9)
        if start[:2] == b"\x1f\x8b":
            import gzip
            import zlib

            try:
                with open_stream(path) as stream, gzip.open(stream, "rb") as f:
                    start = f.read(9)
            except (OSError, EOFError, zlib.error):
                return name_of(path).lower().endswith(self.suffixes)  # a damaged one: opening it says so
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
        path = absolute(path)
        identity = identify(path)
        if not is_file(path):
            raise FormatError(f"{path!r} is not a file")
        packed = Spool.is_packed(path)
        source: Any = Spool.of(path, identity) if packed else Opened(path, identity)
        file = FitsFile(path, identity, source)
        unit = select(file, hdu)
        what = f"{name_of(path)}[{unit.index}]"
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
        **options: Any,
    ) -> Output:
        """Start a new FITS file.

        Parameters
        ----------
        path : str
            Where it will be. A name in ``.fz`` asks for `compress`, one in ``.gz`` packs the whole file.
        spec : ImageSpec
            What it will be.
        overwrite : bool
            Whether an existing file may be replaced.
        sync : bool
            Whether it must survive a power failure.
        mask : {"nan", "extension"}
            Bad pixels become NaN (of integers: BLANK), which loses the values under them; or values are kept
            and all masks written as extensions named MASK.
        bitpix : {-32, -64, 8, 16, 32, 64}, optional
            How pixels are stored, if not as they are. Integers lose all but their range and steps: values
            are rounded to the nearest step; NaN and infinite values become BLANK.
        minpix, maxpix : float, optional
            The range of integers; values outside are clipped to it. Without it, it is that of the good
            pixels, for which all wait in a temporary file.
        bscale, bzero : float, optional
            Instead of a range the steps of integers and the value of 0, such as ``bscale=1`` for whole
            numbers; a value that does not fit is an error.
        compress : {True, "gzip2", "gzip", "rice", "hcompress"}, optional
            Packs the image by tiles, without loss: floats by GZIP_2, integers by Rice unless said otherwise.
        tile : int or tuple of int, optional
            Shape of a tile in the order of `spec.shape`, -1 for a whole axis; pieces of planes of about
            256 x 256 pixels by default.
        level : int, optional
            Of gzip, from 1 (fast, the default) to 9 (small).
        quantize : float, optional
            Rounds floats before they are packed, **with loss**: to steps of the noise of each tile divided by
            this number; a negative number is the step itself. 16 makes noise about five times smaller than
            float32 and adds 0.02 per cent to it. Tiles in which this makes no sense stay exact.
        dither : {1, 2, 0}, optional
            How rounding is undone on average: with random numbers added (the default), likewise but exact
            zeros stay zero, or not at all.
        seed : int, optional
            Where the random numbers start, 1 to 10000; the default is 1: equal images give equal files.
        style : {"casa"}, optional
            Writes the header as CASA does.
        **options
            With ``style="casa"``: see `lattice.io.fits_casa.CasaStyle`.

        Raises
        ------
        LatticeError
            If options do not fit each other or the image.

        Examples
        --------
        >>> import lattice, numpy as np, tempfile
        >>> image = lattice.Image(np.arange(12.0).reshape(3, 4))
        >>> path = tempfile.mkdtemp() + "/a.fits.fz"
        >>> image.save(path, bitpix=16, bscale=1).values[2]
        array([ 8.,  9., 10., 11.], dtype=float32)
        """
        made = WriteOptions.parse(path, spec, options)
        if made.style == "casa":
            from lattice.io.fits_casa import casa_output

            return casa_output(path, spec, made, overwrite=overwrite, sync=sync)
        return start_output(path, spec, made, overwrite=overwrite, sync=sync)


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


def _stored(
    file: FitsFile, unit: HDU, decoder: Decoder, reader: FitsReader | FitsCompressedReader, packed: bool
) -> Stored:
    cards = _inherited(file, unit)
    shape = unit.shape
    coords = CoordinateSystem.from_header(cards, shape)
    table, tables = coordinate_tables(file, cards, shape)
    if table or tables:
        coords = replace(coords, table=table, tables=tables, _hash=None)
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
        history=read_history([str(v) for k, v, _ in cards if k == "HISTORY"]),
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
    compressed = unit.kind == "compressed"
    for card in cards:
        key = card[0]
        if _NOT_META.fullmatch(key) or (is_wcs_keyword(key) and not is_observation_keyword(key)):
            continue
        if compressed and (_NOT_META_COMPRESSED.fullmatch(key) or card[1] == "COMPRESSED_IMAGE"):
            continue
        out.append(card)
    return tuple(out)


def _masks(
    file: FitsFile, unit: HDU, decoder: Decoder, reader: FitsReader | FitsCompressedReader, packed: bool
) -> tuple[dict[str, Reader], str | None]:
    """Return the masks of an image: extensions that its header names, or the blanks of a boolean image."""
    if decoder.kind == "nonzero" and decoder.blank is not None:
        notblank = Decoder(8, blank=decoder.blank, kind="notblank")
        return {"mask0": reader.decoded(notblank, f"{reader.label} (mask)")}, "mask0"
    names = [(k, v) for k, v, _ in unit.cards if re.fullmatch(r"LATMSK\d+", k) and isinstance(v, str)]
    if not names:
        return {}, None
    by_version = {h.version: h for h in file if h.name == "MASK" and h.has_image}
    masks: dict[str, Reader] = {}
    for key, name in names:
        hdu = by_version.get(int(key[6:]))
        if (
            hdu is None
            or hdu.shape != unit.shape
            or hdu.get("ZBITPIX" if hdu.kind == "compressed" else "BITPIX") != 8
            or hdu.offset + hdu.size > file.size
        ):
            raise FormatError(
                f"{name_of(file.path)!r}: the mask {name!r} should be HDU MASK,{key[6:]}, which is not there"
            )
        what = f"{name_of(file.path)}[{hdu.index}]"
        masks[name] = _reader(file, hdu, Decoder(8, kind="nonzero"), packed, what)
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
    return () if "BMAJ" in values else history_beam(str(v) for k, v, _ in cards if k == "HISTORY")


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
