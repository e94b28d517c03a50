"""The header cards of FITS images that are written, and the table of their beams."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from lattice.coords.header import is_wcs_keyword
from lattice.errors import ShapeMismatchError, warn
from lattice.graph.attributes import Attributes
from lattice.graph.records import FrozenArray, Record
from lattice.io.base import Beam, ImageSpec
from lattice.io.fits_beams import beam_rows
from lattice.io.fits_encode import Encoder
from lattice.io.fits_header import Card

__all__ = ["beam_table", "image_cards", "mask_cards", "mask_header", "scaling_cards", "structure"]

# Cards that the writer makes itself, or that would be wrong for other pixels.
_OWN = re.compile(
    r"SIMPLE|XTENSION|BITPIX|NAXIS\d*|EXTEND|END|PCOUNT|GCOUNT|GROUPS|INHERIT|BSCALE|BZERO|BLANK|BUNIT|CHECKSUM|DATASUM"
    r"|DATAMIN|DATAMAX|BMAJ|BMIN|BPA|CASAMBM|HISTORY|LATTYPE|LATMASK|LATMSK\d+|NANMASK|CONTINUE|LONGSTRN|EXTVER|EXTLEVEL"
)


# They make a table, or a compressed image, of what has them.
_OWN_TABLE = re.compile(
    r"TFIELDS|T(TYPE|FORM|UNIT|DIM|NULL|SCAL|ZERO|DISP)\d+|THEAP|ZIMAGE|ZCMPTYPE|ZBITPIX|ZNAXIS\d*|ZTILE\d+|ZNAME\d+|ZVAL\d+"
    r"|ZQUANTIZ|ZDITHER0|ZMASKCMP|ZSIMPLE|ZTENSION|ZEXTEND|ZBLOCKED|ZPCOUNT|ZGCOUNT|ZHECKSUM|ZDATASUM|ZBLANK|ZSCALE|ZZERO"
    r"|FZ\w*|TBCOL\d+|P(TYPE|SCAL|ZERO)\d+|BLOCKED"
)
_TEXTS = re.compile(
    r"AUTHOR|INSTRUME|OBJECT|OBSERVER|ORIGIN|REFERENC|TELESCOP|EXTNAME|BUNIT|TIMESYS|DATE(-\w{1,3})?"
    r"|(CTYPE|CUNIT|CNAME)\d+[A-Z]?|(RADESYS|SPECSYS|SSYSOBS|SSYSSRC|WCSNAME)[A-Z]?|RADECSYS"
)
_NUMBERS = re.compile(
    r"EPOCH|MJD(-\w{1,3})?|(CRVAL|CRPIX|CDELT|CROTA|CRDER|CSYER)\d+[A-Z]?|(PC|CD|PV)\d+_\d+[A-Z]?"
    r"|(EQUINOX|LONPOLE|LATPOLE|RESTFRQ|RESTWAV|VELOSYS|ZSOURCE|VELANGL)[A-Z]?|RESTFREQ|OBSGEO-[XYZBLH]"
)
_DATES = re.compile(r"DATE(-\w{1,3})?")
_DATE = re.compile(
    r"(\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])(T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d*)?)?"
    r"|(0[1-9]|[12]\d|3[01])/(0[1-9]|1[0-2])/\d\d)\s*"
)


def image_cards(
    spec: ImageSpec, wcs: Sequence[Card], encoder: Encoder, style: Sequence[Card] = ()
) -> list[Card]:
    """Return the header of a new image after NAXIS: scaling, coordinates, unit, beam, carried cards, history.

    Parameters
    ----------
    spec : ImageSpec
        The image.
    wcs : sequence of Card
        Its coordinates.
    encoder : Encoder
        How values are stored.
    style : sequence of Card
        Further cards, which win over those that are carried.
    """
    cards = scaling_cards(encoder, spec)
    if spec.unit:
        cards.append(("BUNIT", spec.unit, "brightness unit"))
    if len(spec.beams) == 1:
        for key, value in zip(("BMAJ", "BMIN", "BPA"), spec.beams[0], strict=True):
            cards.append((key, float(value), "[deg] beam"))
    elif spec.beams:
        cards.append(("CASAMBM", True, "beams are in the table BEAMS"))
    cards += _settled(wcs)  # starts with WCSAXES, which has to come before all others
    cards += style
    taken = {key for key, _, _ in cards}
    once: dict[str, Any] = {}
    for key, value, comment in spec.meta:
        commentary = key in ("COMMENT", "")
        if isinstance(value, Record | FrozenArray):
            continue
        if _OWN.fullmatch(key) or (not commentary and key in taken) or _is_stale(key, taken):
            continue
        if _OWN_TABLE.fullmatch(key):
            continue
        if not commentary and key in once:
            if once[key] != value:
                warn(f"FITS has one card of a name: {key} = {value!r} is left out after {once[key]!r}")
            continue
        once[key] = value
        cards += _settled([(key, value, comment)])
    cards += [("HISTORY", line, "") for line in spec.history]
    return cards


def _settled(cards: Sequence[Card]) -> list[Card]:
    """Return cards of which those that the standard knows have the type that it wants.

    Numbers become text where it wants text; what cannot be mended is left out, with a warning.
    """
    out: list[Card] = []
    for key, value, comment in cards:
        if _TEXTS.fullmatch(key) and not isinstance(value, str):
            value = "" if value is None else str(value)
        if _DATES.fullmatch(key) and not _DATE.fullmatch(value):
            if value.strip():
                warn(f"FITS wants a date such as 2020-01-31T23:59:59: {key} = {value!r} is left out")
            continue
        if _NUMBERS.fullmatch(key):
            number = _number(value)
            if number is None:
                if value is not None:
                    warn(f"FITS wants a number: {key} = {value!r} is left out")
                continue
            value = number
        out.append((key, value, comment))
    return out


def _number(value: Any) -> int | float | None:
    """Return a finite number, also of a text that is one; else None."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if isinstance(value, int) or math.isfinite(value) else None


def scaling_cards(encoder: Encoder, spec: ImageSpec) -> list[Card]:
    """Return what says how stored numbers become values."""
    cards: list[Card] = []
    if encoder.blank is not None:
        cards.append(("BLANK", encoder.blank, "stored value of bad pixels"))
    if np.dtype(spec.dtype).kind == "b":
        cards.append(("LATTYPE", "bool", "pixels are true (1) or false (0)"))
    elif encoder.bitpix > 0:
        cards.append(("BSCALE", encoder.scale, "value = BZERO + BSCALE * stored number"))
        cards.append(("BZERO", encoder.zero, ""))
    return cards


def _is_stale(key: str, taken: set[str]) -> bool:
    """Coordinates among the carried cards never override those of the image."""
    return bool(taken) and key.startswith(("CTYPE", "CRPIX", "CRVAL", "CDELT")) and is_wcs_keyword(key)


def structure(bitpix: int, shape: Sequence[int], extension: str = "") -> list[Card]:
    """Return the cards with which a header starts; those of an extension if its kind is given."""
    cards: list[Card] = [
        ("XTENSION", extension, "image extension") if extension else ("SIMPLE", True, "FITS standard"),
        ("BITPIX", bitpix, "bits per pixel; negative: floating point"),
        ("NAXIS", len(shape), "number of axes"),
    ]
    cards += [(f"NAXIS{i + 1}", int(n), "") for i, n in enumerate(reversed(shape))]
    if extension:
        return [*cards, ("PCOUNT", 0, ""), ("GCOUNT", 1, "")]
    return [*cards, ("EXTEND", True, "")]


def mask_cards(names: Sequence[str], default: str | None) -> list[Card]:
    """Return the cards that name the masks of an image, which are extensions."""
    cards: list[Card] = [
        (f"LATMSK{i + 1}", name, f"this mask is HDU MASK,{i + 1}") for i, name in enumerate(names)
    ]
    if default is not None:
        cards.append(("LATMASK", default, "mask that applies (nonzero = good)"))
    return [*cards, ("NANMASK", False, "NaN is a value, not a mark for bad pixels")]


def mask_header(name: str, version: int, spec: ImageSpec, wcs: Sequence[Card]) -> list[Card]:
    """Return the header of a mask."""
    cards = structure(8, spec.shape, "IMAGE")
    cards += [
        ("EXTNAME", "MASK", ""),
        ("EXTVER", version, ""),
        ("MASKNAME", name, "1 = good, 0 = bad"),
        ("LATTYPE", "bool", "pixels are true (1) or false (0)"),
    ]
    return [*cards, *wcs]


def beam_table(beams: Sequence[Beam], spec: ImageSpec) -> tuple[list[Card], bytes]:
    """Return the BEAMS table that CASA writes and reads: one row per plane, axes in arcsec."""
    row = np.dtype([("BMAJ", ">f4"), ("BMIN", ">f4"), ("BPA", ">f4"), ("CHAN", ">i4"), ("POL", ">i4")])
    image = Attributes(spec.dtype, tuple(spec.shape), tuple(spec.dims), coords=spec.coords)
    rows = beam_rows(image, beams)
    if rows is None:
        raise ShapeMismatchError(f"{len(beams)} beams do not fit the planes of {image.describe()}")
    channel, stokes, chosen = rows
    table = np.zeros(len(chosen), row)
    for i, k in enumerate(chosen.tolist()):
        major, minor, angle = beams[k]
        table[i] = (major * 3600, minor * 3600, angle, channel[i], stokes[i])
    table = table[np.lexsort((channel, stokes))]  # CASA's order; who reads it looks at CHAN and POL
    n_channels, n_stokes = int(channel.max()) + 1, int(stokes.max()) + 1
    cards: list[Card] = [
        ("XTENSION", "BINTABLE", "binary table"),
        ("BITPIX", 8, ""),
        ("NAXIS", 2, ""),
        ("NAXIS1", row.itemsize, "bytes per row"),
        ("NAXIS2", len(table), "rows"),
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
