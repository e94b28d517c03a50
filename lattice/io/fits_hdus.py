"""The header and data units of a FITS file: found by reading headers only, as far as needed."""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, SupportsIndex

from lattice.errors import FormatError, suggest
from lattice.io.files import Identity, Opened, identify, read_range
from lattice.io.fits_header import BLOCK, Card, parse_cards, read_cards
from lattice.io.places import name_of

__all__ = ["HDU", "FitsFile", "select"]

_MAX_AXES = 32
_BITPIX = (8, 16, 32, 64, -32, -64)
Selector = int | str | tuple[str, int] | None


@dataclass(frozen=True)
class HDU:
    """One header and data unit.

    Attributes
    ----------
    index : int
        Number, 0 for the primary.
    cards : tuple
        Its header.
    offset, size : int
        Where the data start, and how many bytes they are without padding.
    """

    index: int
    cards: tuple[Card, ...]
    offset: int
    size: int

    def get(self, keyword: str, default: Any = None) -> Any:
        """Return the value of the first card with that keyword."""
        return self._first.get(keyword, default)

    @functools.cached_property
    def _first(self) -> dict[str, Any]:
        first: dict[str, Any] = {}
        for key, value, _ in self.cards:
            first.setdefault(key, value)
        return first

    @property
    def name(self) -> str:
        """EXTNAME in upper case; PRIMARY for a primary without."""
        name = self.get("EXTNAME")
        return str(name).strip().upper() if name is not None else ("PRIMARY" if self.index == 0 else "")

    @property
    def version(self) -> int:
        """EXTVER."""
        version = self.get("EXTVER", 1)
        return version if isinstance(version, int) else 1

    @property
    def kind(self) -> str:
        """``image``, ``compressed`` (tile-compressed image), ``table``, ``groups`` or ``other``."""
        extension = str(self.get("XTENSION", "")).strip().upper()
        if self.index == 0 or extension in ("IMAGE", "IUEIMAGE"):
            return "groups" if self.get("GROUPS") is True and self.get("NAXIS1") == 0 else "image"
        if extension in ("BINTABLE", "A3DTABLE"):
            return "compressed" if self.get("ZIMAGE") is True else "table"
        return "table" if extension == "TABLE" else "other"

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the image in numpy order; of a compressed image the uncompressed shape."""
        z = "Z" if self.kind == "compressed" else ""
        n = self.get(z + "NAXIS", 0)
        return tuple(int(self.get(f"{z}NAXIS{i}", 0)) for i in range(n, 0, -1))

    @property
    def has_image(self) -> bool:
        """True if there are pixels."""
        return self.kind in ("image", "compressed") and len(self.shape) > 0 and 0 not in self.shape

    def describe(self) -> str:
        """Return one line for people."""
        label = f"[{self.index}] {self.name or '(no name)'}"
        if self.version != 1:
            label += f",{self.version}"
        if self.has_image:
            packed = "compressed image" if self.kind == "compressed" else "image"
            return f"{label}: {packed} {' x '.join(map(str, self.shape))}"
        if self.kind == "table":
            return f"{label}: table of {self.get('NAXIS2', 0)} rows"
        return f"{label}: {'random groups' if self.kind == 'groups' else 'no pixels'}"


class FitsFile:
    """The header units of one file, read on demand.

    Parameters
    ----------
    path : str
        Absolute path.
    identity : Identity, optional
        State of the file, asked for if not given.
    source : Opened, optional
        Where to read; the file itself if not given (an unpacked copy for compressed files).
    """

    def __init__(self, path: str, identity: Identity | None = None, source: Opened | None = None) -> None:
        self.path = path
        self.identity = identity if identity is not None else identify(path)
        self.source = source if source is not None else Opened(path, self.identity)
        self.size = self.source.identity.size if self.source.identity else self.identity.size
        self._known: list[HDU] = []
        self._next = 0
        self._complete = False

    def __iter__(self) -> Iterator[HDU]:
        i = 0
        while True:
            while i < len(self._known):
                yield self._known[i]
                i += 1
            if self._complete or not self._scan_one():
                return

    def all(self) -> list[HDU]:
        """Return all units; what follows the last good header is not looked at."""
        return list(self)

    def _scan_one(self) -> bool:
        index = len(self._known)
        if index and self._next >= self.size:
            self._complete = True
            return False
        what = f"{self.path!r}" if index == 0 else f"{self.path!r}, HDU {index},"
        with self.source as fd:

            def read(offset: int, length: int) -> bytes:
                return read_range(fd, offset, length, self.path, self.size)

            start = read(self._next, 9)
            if index == 0 and start != b"SIMPLE  =":
                raise FormatError(f"{self.path!r} is not a FITS file: it does not start with 'SIMPLE  ='")
            if index and not start.startswith(b"XTENSION"):
                self._complete = True  # the standard allows special records after the last unit
                return False
            raw, end = read_cards(read, self._next, what)
        cards = tuple(parse_cards(raw))
        hdu = HDU(index, cards, end, _data_size(cards, what))
        self._known.append(hdu)
        self._next = end + -(-hdu.size // BLOCK) * BLOCK
        return True


def _number(
    cards: dict[str, Any], keyword: str, what: str, low: int, high: int, default: int | None = None
) -> int:
    value = cards.get(keyword, default)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        if value is None:
            raise FormatError(f"{what} has no {keyword} in its header")
        raise FormatError(f"{what}: {keyword} = {value!r} is not an integer")
    if not low <= value <= high:
        raise FormatError(f"{what}: {keyword} = {value} is out of range")
    return value


def _data_size(cards: tuple[Card, ...], what: str) -> int:
    """Return the bytes of data that a header promises; refuses what no file can hold."""
    first: dict[str, Any] = {}
    for key, value, _ in cards:
        first.setdefault(key, value)
    bitpix = _number(first, "BITPIX", what, -64, 64)
    if bitpix not in _BITPIX:
        raise FormatError(f"{what}: BITPIX = {bitpix} is none of {', '.join(map(str, _BITPIX))}")
    naxis = _number(first, "NAXIS", what, 0, _MAX_AXES)
    shape = [_number(first, f"NAXIS{i + 1}", what, 0, 1 << 62) for i in range(naxis)]
    pcount = _number(first, "PCOUNT", what, 0, 1 << 62, 0)
    gcount = _number(first, "GCOUNT", what, 0, 1 << 62, 1)
    if first.get("GROUPS") is True and shape and shape[0] == 0:
        shape = shape[1:]
    if first.get("ZIMAGE") is True and "XTENSION" in first:
        for i in range(_number(first, "ZNAXIS", what, 0, _MAX_AXES)):
            _number(first, f"ZNAXIS{i + 1}", what, 0, 1 << 40)
    size = abs(bitpix) // 8 * gcount * (pcount + (math.prod(shape) if shape else 0))
    if size >= 1 << 62:
        raise FormatError(f"{what}: the header promises {size} bytes of data, more than any file holds")
    return size


def select(file: FitsFile, selector: Selector) -> HDU:
    """Return the unit that a selector names, which must hold an image.

    Parameters
    ----------
    file : FitsFile
        The file.
    selector : int, str, (str, int) or None
        A number (0 is the primary), a name, a name with version as tuple or as ``"SCI,2"``; None for the
        first unit with pixels. Names do not distinguish case.
    """
    shown = name_of(file.path)
    if selector is None:
        for hdu in file:
            if hdu.has_image:
                return hdu
        raise FormatError(f"{shown!r} holds no image", hint=_listing(file))
    hdu = _find(file, selector, shown)
    if not hdu.has_image:
        raise FormatError(f"{shown}[{hdu.index}] holds no image but {_what(hdu)}", hint=_listing(file))
    return hdu


def _what(hdu: HDU) -> str:
    return {"table": "a table", "groups": "visibilities (random groups)"}.get(hdu.kind, "no pixels")


def _listing(file: FitsFile) -> str:
    hdus = file.all()
    lines = [h.describe() for h in hdus[:20]]
    if len(hdus) > 20:
        lines.append(f"and {len(hdus) - 20} more")
    return "the file has " + "; ".join(lines)


def _find(file: FitsFile, selector: Selector, shown: str) -> HDU:
    name: str
    version: int | None = None
    if isinstance(selector, bool):
        raise FormatError(f"hdu={selector!r} names no HDU")
    if isinstance(selector, SupportsIndex):
        selector = operator.index(selector)  # integers of numpy too
    if isinstance(selector, str):
        text = selector.strip()
        if text.lstrip("+-").isdigit() and len(text) < 10:
            selector = int(text)
        else:
            name, _, after = text.partition(",")
            if after.strip().isdigit() and len(after) < 10:
                version = int(after)
            elif after:
                raise FormatError(
                    f"{shown}[{text}]: {after.strip()!r} is not a version number", hint=_listing(file)
                )
    if isinstance(selector, int):
        wanted = selector
        if wanted < 0:
            wanted += len(file.all())
        for hdu in file:
            if hdu.index == wanted:
                return hdu
        raise FormatError(f"{shown!r} has no HDU {selector}", hint=_listing(file))
    if isinstance(selector, tuple):
        if len(selector) != 2:
            raise FormatError(f"hdu={selector!r} names no HDU", hint="give (name, version)")
        name, version = str(selector[0]), int(selector[1])
    elif not isinstance(selector, str):
        raise FormatError(f"hdu={selector!r} names no HDU", hint="give a number, a name or (name, version)")
    wanted_name = name.strip().upper()
    for hdu in file:
        if hdu.name == wanted_name and version in (None, hdu.version):
            return hdu
    near = suggest(wanted_name, [h.name for h in file.all() if h.name])
    label = wanted_name if version is None else f"{wanted_name},{version}"
    listing = _listing(file)
    raise FormatError(f"{shown!r} has no HDU named {label!r}", hint=f"{near} {listing}" if near else listing)
