"""The layout of lsst.images files: planes of a mask, header cards, the JSON tree and the index of units."""

from __future__ import annotations

import datetime
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lattice.errors import FormatError
from lattice.io.files import read_range
from lattice.io.fits_hdus import HDU, FitsFile
from lattice.io.fits_header import BLOCK, Card, header_bytes

__all__ = [
    "PLANES_PER_UNIT",
    "Plan",
    "Plane",
    "image_cards",
    "planes_of",
    "read_tree",
    "tree_of",
    "unit_texts",
]

PLANES_PER_UNIT = 31
_SCHEMAS = "https://images.lsst.io/schemas"
_MOST_JSON = 64 << 20
_AFW_NAMES = {
    "SAT": "SATURATED",
    "INTRP": "INTERPOLATED",
    "CR": "COSMIC_RAY",
    "EDGE": "DETECTION_EDGE",
    "UNMASKEDNAN": "UNMASKED_NAN",
}


@dataclass(frozen=True)
class Plane:
    """One plane of a mask.

    Attributes
    ----------
    name, description : str
        What it is.
    unit : int
        Which of the MASK units holds it, counted from 0.
    bits : int
        Its bit there, as a number.
    """

    name: str
    description: str
    unit: int
    bits: int


def planes_of(units: Sequence[HDU]) -> list[Plane]:
    """Return the planes that the headers of the MASK units name."""
    out: dict[str, Plane] = {}
    for number, unit in enumerate(units):
        cards = {key: value for key, value, _ in unit.cards}
        for key, value in cards.items():
            if (found := re.fullmatch(r"MSKN(\d{4})", key)) and isinstance(value, str):
                bits = cards.get(f"MSKM{found[1]}", 1 << int(found[1]))
                name, text = value.strip(), cards.get(f"MSKD{found[1]}")
            elif key.startswith("MP_") and isinstance(value, int) and not isinstance(value, bool):
                if not 0 <= value < 63:
                    raise FormatError(f"the mask plane {key[3:]} cannot be bit {value}")
                name, bits, text = _AFW_NAMES.get(key[3:], key[3:]), 1 << value, ""
                if name in out:
                    continue  # the same plane in the words of both kinds of files
            else:
                continue
            if isinstance(bits, bool) or not isinstance(bits, int) or not 0 < bits < 1 << 63 or not name:
                raise FormatError(f"the mask plane {name!r} cannot be the bits {bits!r}")
            if name in out:
                raise FormatError(f"the mask plane {name!r} is there twice")
            out[name] = Plane(name, str(text or "").strip(), number, bits)
    return list(out.values())


def read_tree(file: FitsFile) -> dict[str, Any]:
    """Return the JSON tree of a file; empty if there is none."""
    unit = next((h for h in file if h.name == "JSON" and h.kind == "table"), None)
    if unit is None:
        return {}
    form = re.match(r"\s*1?([PQ])B", str(unit.get("TFORM1", "")))
    if form is None or not unit.get("NAXIS2"):
        raise FormatError(f"{file.path!r}: the table JSON is not as lsst.images writes it")
    entry = np.dtype(">i4" if form[1] == "P" else ">i8")
    rows = int(unit.get("NAXIS1", 0)) * int(unit.get("NAXIS2", 0))
    with file.source.copy() as fd:
        head = read_range(fd, unit.offset, 2 * entry.itemsize, file.path, file.size)
        if len(head) < 2 * entry.itemsize:
            raise FormatError(f"{file.path!r} is truncated in its table JSON")
        length, offset = (int(n) for n in np.frombuffer(head, entry))
        start = unit.offset + int(unit.get("THEAP", rows)) + offset
        if not 0 <= length <= _MOST_JSON or offset < 0 or start + length > file.size:
            raise FormatError(f"{file.path!r} is truncated in its table JSON", hint="copy the file again")
        data = read_range(fd, start, length, file.path, file.size)
    try:
        tree = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as exc:
        raise FormatError(f"{file.path!r}: the JSON tree is damaged: {exc}") from exc
    if not isinstance(tree, dict):
        raise FormatError(f"{file.path!r}: the JSON tree is damaged: it is no object")
    return tree


def unit_texts(unit: str) -> tuple[str, str, str, str]:
    """Return a unit and its square, each as FITS and as VOUnit text; empty where there is none.

    >>> unit_texts("nJy")
    ('nJy', 'nJy2', 'nJy', 'nJy**2')
    """
    if not unit:
        return "", "", "", ""
    from astropy import units

    try:
        known = units.Unit(unit)
        square = known**2
        return unit, square.to_string("fits"), known.to_string("vounit"), square.to_string("vounit")
    except (ValueError, TypeError):
        return unit, f"({unit})**2", "", ""


def tree_of(
    shape: tuple[int, int],
    dtype: np.dtype[Any],
    origin: tuple[int, int],
    planes: Sequence[Plane],
    unit: str,
) -> dict[str, Any]:
    """Return the JSON tree of a masked image.

    Parameters
    ----------
    shape : (int, int)
        Rows and columns.
    dtype : dtype
        Of the image and its variance.
    origin : (int, int)
        Absolute row and column of the first pixel.
    planes : sequence of Plane
        Of the mask.
    unit : str
        Of the image.
    """
    _, _, text, square = unit_texts(unit)
    units = max(1, -(-len(planes) // PLANES_PER_UNIT))
    kind = {1: "uint8", 2: "uint16", 3: "uint32", 4: "uint32"}.get(-(-max(1, len(planes)) // 8), "uint64")

    def array(name: str, datatype: str) -> dict[str, Any]:
        return {"source": f"fits:{name}", "shape": list(shape), "datatype": datatype, "byteorder": "big"}

    def part(schema: str, fields: dict[str, Any]) -> dict[str, Any]:
        stamp = {"schema_version": "1.0.0", "min_read_version": 1}
        return stamp | fields | {"schema_url": f"{_SCHEMAS}/{schema}-1.0.0"}

    def image(name: str, of: str) -> dict[str, Any]:
        inner = array(name, dtype.name)
        return part("image", {"data": {"value": inner, "unit": of} if of else inner, "yx0": list(origin)})

    listed: list[dict[str, str] | None] = [{"name": p.name, "description": p.description} for p in planes]
    mask = {
        "data": [array("MASK" if i == 0 else f"MASK,{i + 1}", "int32") for i in range(units)],
        "planes": listed or [None],
        "dtype": kind,
        "yx0": list(origin),
    }
    parts = {"image": image("IMAGE", text), "mask": part("mask", mask), "variance": image("VARIANCE", square)}
    return part("masked_image", parts)


# -- laying out a file --------------------------------------------------------------------------


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]


def _padded(size: int) -> int:
    return -(-size // BLOCK) * BLOCK


@dataclass
class Plan:
    """The units of a file as they are laid out.

    Attributes
    ----------
    primary : tuple of Card
        Cards of the primary that the caller adds.
    """

    primary: Sequence[Card] = ()
    _units: list[tuple[str, int, str, bytes, int, bytes]] = field(default_factory=list)
    date: str = field(default_factory=_now)

    def __post_init__(self) -> None:
        self._first = len(self._primary_header({}))
        self.size = self._first

    def _primary_header(self, places: Mapping[str, int]) -> bytes:
        cards: list[Card] = [
            ("SIMPLE", True, "FITS standard"),
            ("BITPIX", 8, ""),
            ("NAXIS", 0, ""),
            ("EXTEND", True, ""),
            ("FMTVER", 1, "FITS container layout version."),
        ]
        keys = ("INDXADDR", "INDXSIZE", "JSONADDR", "JSONSIZE")
        cards += [(key, places.get(key, 0), "bytes") for key in keys]
        cards += self.primary
        cards += [("DATAMODL", f"{_SCHEMAS}/masked_image-1.0.0", "Schema URL.")]
        return header_bytes([*cards, ("DATE", self.date, "UTC date this HDU was written.")])

    def add(self, name: str, version: int, cards: Sequence[Card], size: int, data: bytes = b"") -> int:
        """Add a unit and return where its `size` bytes of data start."""
        own: list[Card] = [("EXTNAME", name, "")]
        if version > 1:
            own.append(("EXTVER", version, ""))
        header = header_bytes([*cards[:_structure_length(cards)], *own, *cards[_structure_length(cards) :],
                               ("DATE", self.date, "UTC date this HDU was written.")])  # fmt: skip
        self._units.append((name, version, str(cards[0][1]), header, size, data))
        start = self.size + len(header)
        self.size = start + _padded(size)
        return start

    def finish(self, tree: Mapping[str, Any]) -> list[tuple[int, bytes]]:
        """Add the tree and the index; return what is written where."""
        text = json.dumps(tree).encode()
        cards = _table([("JSON", f"PB({len(text)})")], 8, 1, len(text))
        places = {"JSONADDR": self.size}
        self.add("JSON", 1, cards, 8 + len(text), np.array([len(text), 0], ">i4").tobytes() + text)
        places |= {"JSONSIZE": self.size - places["JSONADDR"], "INDXADDR": self.size}
        width = max(len(unit[0]) for unit in self._units)
        row = np.dtype(
            [("EXTNAME", f"S{width}"), ("EXTVER", ">i4"), ("XTENSION", "S8"), ("ZIMAGE", "S1")]
            + [(name, ">i8") for name in ("HDRADDR", "DATADDR", "DATSIZE")]
        )
        rows: list[tuple[Any, ...]] = [(b"", 1, b"IMAGE", b"F", 0, self._first, 0)]
        position = self._first
        for name, version, kind, header, size, _ in self._units:
            start = position + len(header)
            rows.append((name.encode(), version, kind.encode(), b"F", position, start, _padded(size)))
            position = start + _padded(size)
        table = np.array(rows, row)
        forms = [("EXTNAME", f"{width}A"), ("EXTVER", "1J"), ("XTENSION", "8A"), ("ZIMAGE", "1L")]
        forms += [(name, "1K") for name in ("HDRADDR", "DATADDR", "DATSIZE")]
        self.add("INDEX", 1, _table(forms, row.itemsize, len(rows), 0), table.nbytes, table.tobytes())
        places["INDXSIZE"] = self.size - places["INDXADDR"]
        pieces = [(0, self._primary_header(places))]
        position = self._first
        for _, _, _, header, size, data in self._units:
            pieces.append((position, header + data))
            position += len(header) + _padded(size)
        return pieces


def _structure_length(cards: Sequence[Card]) -> int:
    """Return how many cards have to come before all others."""
    last = max(i for i, card in enumerate(cards) if card[0] in ("GCOUNT", "TFIELDS"))
    return last + 1


def _table(columns: Sequence[tuple[str, str]], width: int, rows: int, heap: int) -> list[Card]:
    cards: list[Card] = [
        ("XTENSION", "BINTABLE", "binary table"),
        ("BITPIX", 8, ""),
        ("NAXIS", 2, ""),
        ("NAXIS1", width, "bytes per row"),
        ("NAXIS2", rows, "rows"),
        ("PCOUNT", heap, ""),
        ("GCOUNT", 1, ""),
        ("TFIELDS", len(columns), ""),
    ]
    for i, (name, form) in enumerate(columns, 1):
        cards += [(f"TTYPE{i}", name, ""), (f"TFORM{i}", form, "")]
    return cards


def image_cards(shape: Sequence[int], bitpix: int) -> list[Card]:
    """Return the first cards of an image extension."""
    cards: list[Card] = [
        ("XTENSION", "IMAGE", "image extension"),
        ("BITPIX", bitpix, ""),
        ("NAXIS", len(shape), ""),
    ]
    cards += [(f"NAXIS{i + 1}", int(n), "") for i, n in enumerate(reversed(shape))]
    if math.prod(shape) >= 1 << 60:
        raise FormatError(f"an image of shape {tuple(shape)} is more than any file holds")
    return [*cards, ("PCOUNT", 0, ""), ("GCOUNT", 1, "")]
