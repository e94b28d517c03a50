"""Selections by short texts, as CASA's tasks take them: a box of pixels, channels and Stokes parameters."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from lattice.errors import LatticeError, LatticeTypeError, RegionError
from lattice.graph.attributes import Attributes
from lattice.regions.base import Region, lattice_shape
from lattice.regions.compound import And, Or
from lattice.regions.crtf import from_crtf
from lattice.regions.listing import RegionItem, RegionList
from lattice.regions.pixel import PixelBox
from lattice.regions.plane import Layers
from lattice.regions.ranges import POLARIZATIONS, ChannelSelection, SpectralRange, StokesSelection
from lattice.regions.skyplane import SkyPlane
from lattice.regions.world import WorldRegion

__all__ = ["PixelBoxes", "from_strings", "read_box", "read_chans", "read_stokes"]

_INTEGER = re.compile(r"\s*([+-]?\d+)\s*\Z")
_CHANNELS = re.compile(r"\s*(?:(\d+)\s*~\s*(\d+)|(<=|>=|<|>)\s*(\d+)|(\d+))\s*\Z")
_LARGEST = 2**62


@dataclass(frozen=True)
class PixelBoxes(WorldRegion):
    """Boxes of pixels in the plane of the sky axes, or of the last two; all other axes are taken in full.

    Parameters
    ----------
    corners : sequence of (x1, y1, x2, y2)
        First and last pixel of each box, both included; boxes that reach beyond the image are an error.
    """

    corners: tuple[tuple[int, ...], ...]
    noun: ClassVar[str] = "box"

    def __post_init__(self) -> None:
        boxes = tuple(tuple(int(v) for v in box) for box in self.corners)
        if not boxes or any(len(box) != 4 for box in boxes):
            raise RegionError("a box has four numbers: x1, y1, x2, y2")
        for box in boxes:
            if box[0] > box[2] or box[1] > box[3]:
                raise RegionError(
                    f"the box {_box_text(box)} ends before it starts", hint="it is x1, y1, x2, y2"
                )
            if min(box) < 0:
                raise RegionError(f"the box {_box_text(box)} starts before pixel 0")
        object.__setattr__(self, "corners", boxes)

    def _fitted(self, attrs: Attributes) -> Region:
        plane = SkyPlane(attrs, None, self.noun)
        shape = lattice_shape(attrs)
        rows, columns = shape[plane.row], shape[plane.column]
        found = []
        for x1, y1, x2, y2 in self.corners:
            if x2 >= columns or y2 >= rows:
                raise RegionError(
                    f"the box {x1},{y1},{x2},{y2} reaches beyond the image",
                    hint=f"x goes from 0 to {columns - 1}, y from 0 to {rows - 1}",
                )
            blc, trc = [0] * len(shape), [n - 1 for n in shape]
            blc[plane.column], trc[plane.column], blc[plane.row], trc[plane.row] = x1, x2, y1, y2
            found.append(PixelBox(tuple(blc), tuple(trc), shape=shape))
        return found[0] if len(found) == 1 else Layers(tuple((True, box) for box in found))


def _box_text(box: tuple[int, ...]) -> str:
    return ",".join(map(str, box))


def from_strings(
    box: str = "", chans: str = "", stokes: str = "", region: Region | str | None = None
) -> Region | None:
    """Return the region that short texts stand for.

    Parameters
    ----------
    box : str, optional
        ``"x1, y1, x2, y2"`` in pixels, both corners included; further fours are joined to it.
    chans : str, optional
        Channels: ``"5"``, ``"5~10"``, ``"<20"``, ``">=5"``, several with commas or semicolons; or
        ``"range=[1.41GHz, 1.42GHz], frame=LSRK"``.
    stokes : str, optional
        ``"I"``, ``"IQ"``, ``"I,V"``, ``"XX,YY"``, in any case.
    region : Region or str, optional
        A region or CRTF text; a box comes before its items, and chans and stokes limit it.

    Returns
    -------
    Region or None
        None when nothing is given.

    Raises
    ------
    RegionError
        When a text is malformed, with the place and the reason.

    Examples
    --------
    >>> from lattice.regions import from_strings
    >>> from_strings(chans="2~4, >7")
    ChannelSelection(ranges=((2, 4), (8, None)))
    """
    parts: list[Region] = []
    if isinstance(region, str):
        region = from_crtf(region)
    limits = [read(text) for read, text in ((read_chans, chans), (read_stokes, stokes)) if _given(text)]
    if isinstance(region, RegionList):
        for key, text in (("range", chans), ("corr", stokes)):
            own = [i for i in region.regions if (i.spectral if key == "range" else i.stokes) is not None]
            if own and _given(text):
                name = "chans" if key == "range" else "stokes"
                raise RegionError(f"the region text has {key}= of its own, so {name} cannot be given too")
    if _given(box):
        parts.append(read_box(box))
    if region is not None:
        parts.append(region)
    found: Region | None = None
    if parts:
        found = parts[0] if len(parts) == 1 else _joined(parts[0], parts[1])
    for limit in limits:
        found = limit if found is None else And(found, limit)
    return found


def _joined(box: Region, region: Region) -> Region:
    """Return a box and a region; items that take away take from the box too."""
    if isinstance(region, RegionList):
        return RegionList((RegionItem(box), *region.items))
    return Or(box, region)


def _given(text: str) -> bool:
    if not isinstance(text, str):
        raise LatticeTypeError(f"box, chans and stokes are texts, not {type(text).__name__}")
    return bool(text.strip())


def read_box(text: str) -> PixelBoxes:
    """Return the boxes of a text of fours of whole numbers."""
    numbers: list[int] = []
    places: list[tuple[int, int]] = []
    for piece, span in _pieces(text, ","):
        found = _INTEGER.match(piece)
        if found is None:
            raise RegionError(
                f"{piece.strip()!r} is no pixel number" if piece.strip() else "a pixel number is missing",
                text=text,
                span=span,
                hint="a box is x1, y1, x2, y2: whole numbers of pixels",
            )
        numbers.append(_whole(found[1], text, span))
        places.append(span)
    if len(numbers) % 4:
        start = places[len(numbers) // 4 * 4][0]
        raise RegionError(
            f"a box has four numbers, {len(numbers) % 4} are left over", text=text, span=(start, len(text))
        )
    corners = [tuple(numbers[i : i + 4]) for i in range(0, len(numbers), 4)]
    for i, corner in enumerate(corners):
        try:
            PixelBoxes((corner,))
        except RegionError as error:
            raise error.located(text, (places[4 * i][0], places[4 * i + 3][1])) from None
    return PixelBoxes(tuple(corners))


def read_chans(text: str) -> Region:
    """Return the channels of a text."""
    if re.match(r"\s*range\s*=", text):
        return _read_range(text)
    ranges: list[tuple[int | None, int | None]] = []
    for piece, span in _pieces(text, ",;"):
        found = _CHANNELS.match(piece)
        if found is None:
            raise RegionError(
                f"{piece.strip()!r} is no channel or range of channels"
                if piece.strip()
                else "a channel is missing",
                text=text,
                span=span,
                hint=_channel_hint(piece),
            )
        first, last, sign, number, single = found.groups()
        if single is not None:
            n = _whole(single, text, span)
            ranges.append((n, n))
        elif sign is not None:
            n = _whole(number, text, span)
            if sign == "<" and n == 0:
                raise RegionError("there is no channel below 0", text=text, span=span)
            bounds = {"<": (None, n - 1), "<=": (None, n), ">": (n + 1, None), ">=": (n, None)}
            ranges.append(bounds[sign])
        else:
            low, high = _whole(first, text, span), _whole(last, text, span)
            if low > high:
                raise RegionError(
                    f"the range of channels from {low} to {high} ends before it starts", text=text, span=span
                )
            ranges.append((low, high))
    return ChannelSelection(tuple(ranges))


def _channel_hint(piece: str) -> str:
    if "^" in piece:
        return "every n-th channel cannot be selected here: take the range and cut it with a stride"
    if "!" in piece:
        return "there is no 'not': write the channels that are wanted"
    if re.search(r"[A-Za-z]", piece):
        return "frequencies and velocities are written range=[1.41GHz, 1.42GHz]"
    return "channels are written 5, 5~10, <20 or >=5"


def _read_range(text: str) -> SpectralRange:
    """Read a range by the rules of region texts."""
    prefix = "box[[0pix, 0pix], [0pix, 0pix]], "
    if "\n" in text or "\r" in text:
        raise RegionError("a selection of channels stands on one line")
    try:
        item = from_crtf(prefix + text).items[0]
    except RegionError as error:
        start, end = (max(0, p - len(prefix)) for p in error.span or (0, 0))
        raise RegionError(error.message, text=text, span=(start, end), hint=error.hint) from None
    if item.spectral is None or item.stokes is not None or item.style:
        raise RegionError(
            "channels are selected by range=, frame=, veltype= and restfreq= alone",
            text=text,
            span=(0, len(text)),
        )
    return item.spectral


def read_stokes(text: str) -> StokesSelection:
    """Return the Stokes parameters of a text: names run together or with commas, in any case."""
    names = []
    known = {name.casefold(): name for name in POLARIZATIONS}
    for piece, (start, _) in _pieces(text, ",;"):
        at = len(piece) - len(piece.lstrip())
        rest = piece.strip().casefold()
        if not rest:
            raise RegionError(
                "a Stokes parameter is missing", text=text, span=(start, start + max(1, len(piece)))
            )
        while rest:
            found = next((n for n in sorted(known, key=len, reverse=True) if rest.startswith(n)), None)
            if found is None:
                raise RegionError(
                    f"{rest[:20]!r} is no Stokes parameter or correlation",
                    text=text,
                    span=(start + at, start + at + len(rest)),
                    hint="these are written I, IQUV, RR,LL or XX,YY",
                )
            names.append(known[found])
            blank = len(rest) - len(found) - len(rest[len(found) :].lstrip())
            rest, at = rest[len(found) :].lstrip(), at + len(found) + blank
    try:
        return StokesSelection(tuple(names))
    except LatticeError as error:
        raise error.located(text, (0, len(text))) from None


def _pieces(text: str, marks: str) -> list[tuple[str, tuple[int, int]]]:
    """Return the parts of a text between separators, with their places; an empty one has the separator's."""
    out: list[tuple[str, tuple[int, int]]] = []
    for found in re.finditer(rf"[^{marks}]*(?:[{marks}]|\Z)", text):
        piece = found.group().rstrip(marks) if found.group() else ""
        if found.start() == len(text) and out and text[-1] not in marks:
            break
        blank = len(piece) - len(piece.lstrip())
        start, end = found.start() + blank, found.start() + len(piece.rstrip())
        out.append((piece, (start, max(end, start + 1))))
    return out


def _whole(digits: str, text: str, span: tuple[int, int]) -> int:
    if len(digits) > 19 or abs(int(digits)) > _LARGEST:
        raise RegionError("the number is too large", text=text, span=span)
    return int(digits)
