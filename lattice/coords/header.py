"""Exact arithmetic on FITS WCS headers: cuts, strides, binning, and permuted or dropped axes.

Nothing is projected here. A new pixel is a linear function of an old one along each axis, so only the
cards that speak about pixels change: CRPIX, the scale and matrix cards, SIP polynomials.
"""

from __future__ import annotations

import functools
import itertools
import re
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from lattice.errors import LatticeWarning

__all__ = [
    "SIP",
    "Card",
    "NewAxis",
    "WcsCards",
    "is_observation_keyword",
    "is_wcs_keyword",
    "transform",
    "unread_tables",
]

Card = tuple[str, Any, str]

_WORLD = re.compile(r"(CTYPE|CRVAL|CDELT|CUNIT|CROTA|CRDER|CSYER|CNAME|CZPHS|CPERI)([1-9]\d?)([A-Z]?)")
_PIXEL = re.compile(r"(CRPIX)([1-9]\d?)([A-Z]?)")
_MATRIX = re.compile(r"(PC|CD)([1-9]\d?)_([1-9]\d?)([A-Z]?)")
_OLD_MATRIX = re.compile(r"PC(\d{3})(\d{3})")
_PARAMETER = re.compile(r"(PV|PS)([1-9]\d?)_(\d{1,2})([A-Z]?)")
SIP = re.compile(r"(AP|BP|A|B)_(ORDER|DMAX|(\d)_(\d))")
_TABLES = re.compile(
    r"(CPDIS|CQDIS|CPERR|CQERR|D2IMDIS|D2IMERR|DP|DQ|D2IM|DVERR)\d*[A-Z]?|AXISCORR|DP\d.*|D2IM\d.*"
)
_IRAF = re.compile(r"WAT\d_\d{3}|WCSDIM")
_PLATE = re.compile(r"CNPIX[12]|[XY]PIXELSZ|PPO[1-6]|AMD[XY]\d{1,2}|PLTRA[HMS]|PLTDEC(SN|[DMS])|PLTSCALE")
_PHYSICAL = re.compile(r"LTV([1-9])|LTM([1-9])_([1-9])")
_GLOBAL = re.compile(
    r"(WCSAXES|WCSNAME|LONPOLE|LATPOLE|RADESYS|EQUINOX|SPECSYS|SSYSOBS|SSYSSRC|VELOSYS|ZSOURCE|VELANGL|RESTFRQ|RESTWAV"
    r"|TELAPSE|DATE-AVG|DATE-OBS|MJD-OBS|MJD-AVG|OBSGEO-[XYZBLH]|OBSORBIT)[A-Z]?|"
    r"RADECSYS|EPOCH|RESTFREQ|VELREF|PROJP\d|TIMESYS|MJDREF[IF]?|JDREF[IF]?|DATEREF|TREFPOS|PLEPHEM|TIMEUNIT|DATE-BEG|DATE-END"
    r"|MJD-BEG|MJD-END|ALTRVAL|ALTRPIX"
)
_OBSERVATION = re.compile(
    r"(DATE-(OBS|AVG|BEG|END)|MJD-(OBS|AVG|BEG|END)|OBSGEO-[XYZBLH]|TIMESYS|TELAPSE|MJDREF[IF]?)"
)

LONGITUDES = frozenset({"RA", "GLON", "ELON", "HLON", "SLON", "TLON", "HPLN"})
LATITUDES = frozenset({"DEC", "GLAT", "ELAT", "HLAT", "SLAT", "TLAT", "HPLT"})


@functools.lru_cache(4096)
def is_wcs_keyword(keyword: str) -> bool:
    """Return True if a card of that keyword belongs to the coordinates of an image.

    >>> is_wcs_keyword("CRPIX1"), is_wcs_keyword("PC1_2A"), is_wcs_keyword("OBJECT")
    (True, True, False)
    """
    return any(
        pattern.fullmatch(keyword)
        for pattern in (
            _WORLD,
            _PIXEL,
            _MATRIX,
            _OLD_MATRIX,
            _PARAMETER,
            SIP,
            _TABLES,
            _IRAF,
            _PLATE,
            _PHYSICAL,
            _GLOBAL,
        )
    )


def is_observation_keyword(keyword: str) -> bool:
    """Return True for WCS keywords that also describe the observation, such as DATE-OBS."""
    return _OBSERVATION.fullmatch(keyword) is not None


def celestial_part(ctype: str) -> str:
    """Return ``longitude`` or ``latitude`` for a celestial CTYPE, else an empty text.

    >>> celestial_part("RA---SIN"), celestial_part("GLAT-CAR"), celestial_part("FREQ")
    ('longitude', 'latitude', '')
    """
    name = ctype[:4].rstrip("-").strip()
    if name in LONGITUDES or (len(ctype) > 4 and ctype[2:4] == "LN"):
        return "longitude"
    if name in LATITUDES or (len(ctype) > 4 and ctype[2:4] == "LT"):
        return "latitude"
    return ""


@dataclass(frozen=True)
class NewAxis:
    """A FITS axis of the new header: its pixel p (0-based) is pixel ``offset + step*p`` of axis `old`."""

    old: int
    offset: float
    step: float

    @property
    def is_same(self) -> bool:
        """True if pixels are numbered as before."""
        return self.offset == 0 and self.step == 1


@dataclass
class WcsCards:
    """The cards of one WCS description (the primary, or one of the alternates A to Z), by what they say."""

    alternate: str
    world: dict[tuple[str, int], Any] = field(default_factory=dict)
    crpix: dict[int, float] = field(default_factory=dict)
    matrix: dict[tuple[int, int], float] = field(default_factory=dict)
    is_cd: bool = False
    axes: int = 0

    @classmethod
    def parse(cls, cards: Iterable[Card], alternate: str = "") -> WcsCards:
        """Sort out the cards of one description."""
        out = cls(alternate)
        cd: dict[tuple[int, int], float] = {}
        for key, value, _ in cards:
            if (m := _WORLD.fullmatch(key)) and m[3] == alternate:
                out._see(int(m[2]))
                out.world[m[1], int(m[2])] = value
            elif (m := _PIXEL.fullmatch(key)) and m[3] == alternate:
                out._see(int(m[2]))
                out.crpix[int(m[2])] = _number(value, 0.0)
            elif (m := _MATRIX.fullmatch(key)) and m[4] == alternate:
                out._see(int(m[2]), int(m[3]))
                (cd if m[1] == "CD" else out.matrix)[int(m[2]), int(m[3])] = _number(value, 0.0)
            elif not alternate and (m := _OLD_MATRIX.fullmatch(key)):
                out._see(int(m[1]), int(m[2]))
                out.matrix[int(m[1]), int(m[2])] = _number(value, 0.0)
            elif key == "WCSAXES" + alternate and isinstance(value, int) and 0 < value < 100:
                out._see(value)
        if cd:
            out.matrix, out.is_cd = cd, True
        return out

    def _see(self, *axes: int) -> None:
        self.axes = max(self.axes, *axes)

    def ctype(self, axis: int) -> str:
        """Return CTYPE of a world axis, upper case."""
        value = self.world.get(("CTYPE", axis), "")
        return value.strip().upper() if isinstance(value, str) else ""

    def number(self, keyword: str, axis: int, default: float) -> float:
        """Return a number among the cards of a world axis."""
        return _number(self.world.get((keyword, axis)), default)

    def pc(self, i: int, j: int) -> float:
        """Return an element of the PC or CD matrix, with its default."""
        return self.matrix.get((i, j), 1.0 if i == j and not self.is_cd else 0.0)

    def coupled(self) -> list[set[int]]:
        """Return groups of axes that need each other: a sky pair, and what the matrix mixes."""
        groups = [{i} for i in range(1, self.axes + 1)]
        pairs = [(i, j) for (i, j), value in self.matrix.items() if i != j and value != 0]
        sky = [i for i in range(1, self.axes + 1) if celestial_part(self.ctype(i))]
        pairs += list(itertools.pairwise(sky))
        for i, j in pairs:
            a, b = (next(g for g in groups if k in g) for k in (i, j))
            if a is not b:
                groups.remove(b)
                a |= b
        return groups


def _number(value: Any, default: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return default
    return value


def alternates(cards: Iterable[Card]) -> list[str]:
    """Return the letters of the WCS descriptions in a header; the primary is the empty text."""
    letters = {""}
    for key, _, _ in cards:
        for pattern, group in ((_WORLD, 3), (_PIXEL, 3), (_MATRIX, 4)):
            if m := pattern.fullmatch(key):
                letters.add(m[group])
    return sorted(letters)


def unread_tables(cards: Sequence[Card]) -> tuple[frozenset[int], tuple[str, ...]]:
    """Return what a header leaves to tables beside it, which are not read.

    Returns
    -------
    frozenset of int
        Axes whose coordinates a table gives (-TAB).
    tuple of str
        Keywords of the tables of distortions.
    """
    wcs = WcsCards.parse(cards)
    tabular = frozenset(i for i in range(1, wcs.axes + 1) if wcs.ctype(i).endswith("-TAB"))
    kinds = ("CPDIS", "CQDIS", "D2IMDIS", "AXISCORR")
    return tabular, tuple(key for key, _, _ in cards if _TABLES.fullmatch(key) and key.startswith(kinds))


def transform(cards: Sequence[Card], axes: Sequence[NewAxis], dropped: dict[int, float]) -> list[Card]:
    """Return the WCS cards of an image whose pixels are some of those of another.

    Parameters
    ----------
    cards : sequence of (keyword, value, comment)
        WCS cards of the other image.
    axes : sequence of NewAxis
        The FITS axes of the new image, first axis first.
    dropped : dict of int to float
        The axes that are gone, with the pixel (0-based) at which they were cut. Those without which the
        remaining coordinates have no meaning stay as world axes beyond NAXIS.

    Returns
    -------
    list of (keyword, value, comment)
    """
    out: list[Card] = []
    tables = [key for key, _, _ in cards if _TABLES.fullmatch(key)]
    if tables:
        _warn(f"distortion tables ({tables[0]}, ...) are not carried over; positions lack their correction")
    kept = [card for card in cards if not _TABLES.fullmatch(card[0])]
    for letter in alternates(kept):
        out += _transform_one(kept, letter, axes, dropped)
    return out


def _new_numbers(
    wcs: WcsCards, axes: Sequence[NewAxis], dropped: dict[int, float]
) -> dict[int, tuple[int, NewAxis]]:
    """Return the new number and the pixel rule for each old axis that stays."""
    numbers = {axis.old: (i + 1, axis) for i, axis in enumerate(axes)}
    kept = set(numbers)
    # A header may have more world axes than the image has dimensions; those were never cut.
    extra = [i for i in range(1, wcs.axes + 1) if i not in kept and i not in dropped]
    for group in wcs.coupled():
        if group & (kept | set(extra)):
            extra += [i for i in sorted(group) if i not in kept and i not in extra]
    for i in sorted(extra):
        numbers[i] = (len(numbers) + 1, NewAxis(i, dropped.get(i, 0.0), 1.0))
    return numbers


def _transform_one(
    cards: Sequence[Card], letter: str, axes: Sequence[NewAxis], dropped: dict[int, float]
) -> list[Card]:
    wcs = WcsCards.parse(cards, letter)
    numbers = _new_numbers(wcs, axes, dropped)
    same_order = all(number == old for old, (number, _) in numbers.items()) and not dropped
    tabular = {i for i in numbers if wcs.ctype(i).endswith("-TAB")}
    if tabular:
        _warn("coordinates given by a table (-TAB) are not carried over; their axes count pixels")
    out: list[Card] = []
    seen: set[str] = set()

    def put(keyword: str, value: Any, comment: str) -> None:
        out.append((keyword + letter, value, comment))
        seen.add(keyword)

    if any(key == "WCSAXES" + letter for key, _, _ in cards) or len(numbers) > len(axes):
        put("WCSAXES", len(numbers), "number of world coordinate axes")
    sip = _sip_numbers(numbers) if not letter else None
    sip_lost = False
    for key, value, comment in cards:
        if (m := _WORLD.fullmatch(key)) and m[3] == letter:
            old = int(m[2])
            if old in numbers and old not in tabular:
                number, axis = numbers[old]
                if m[1] == "CDELT":
                    value = _scaled(value, axis.step)
                put(f"{m[1]}{number}", value, comment)
        elif (m := _PIXEL.fullmatch(key)) and m[3] == letter:
            if (old := int(m[2])) in numbers:
                number, axis = numbers[old]
                put(f"CRPIX{number}", _moved(value, axis), comment)
        elif _is_matrix(key, letter):
            continue
        elif (m := _PARAMETER.fullmatch(key)) and m[4] == letter:
            if (old := int(m[2])) in numbers and old not in tabular:
                put(f"{m[1]}{numbers[old][0]}_{m[3]}", value, comment)
        elif not letter and (m := SIP.fullmatch(key)):
            if sip is None:
                sip_lost = True
            else:
                new_key, new_value = _sip_card(m, value, sip)
                put(new_key, new_value, comment)
        elif not letter and (_IRAF.fullmatch(key) or _PLATE.fullmatch(key) or _PHYSICAL.fullmatch(key)):
            moved = _special(key, value, numbers, same_order)
            if moved is not None:
                put(key, moved, comment)
        elif (m := _GLOBAL.fullmatch(key)) and m[1] != "WCSAXES" and key == _global_name(m, letter):
            out.append((key, value, comment))
    _add_missing(wcs, numbers, tabular, seen, put)
    if sip_lost:
        _warn("SIP distortions need both sky axes as the first two of the file; they are left out")
        out = [
            (k, v.replace("-SIP", "") if k.startswith("CTYPE") and isinstance(v, str) else v, c)
            for k, v, c in out
        ]
    return out


def _global_name(m: re.Match[str], letter: str) -> str:
    """Return the keyword as the description `letter` would have it; some exist in the primary one only."""
    if m[1] is not None:
        return m[1] + letter
    return "" if letter else m[0]


def _is_matrix(key: str, letter: str) -> bool:
    m = _MATRIX.fullmatch(key)
    return (m is not None and m[4] == letter) or (not letter and _OLD_MATRIX.fullmatch(key) is not None)


def _add_missing(
    wcs: WcsCards, numbers: dict[int, tuple[int, NewAxis]], tabular: set[int], seen: set[str], put: Any
) -> None:
    """Add the matrix, and cards that were left to their defaults but no longer have these."""
    for (i, j), value in wcs.matrix.items():
        if i in numbers and j in numbers:
            number_i, axis_i = numbers[i]
            number_j, axis_j = numbers[j]
            scale = axis_j.step if wcs.is_cd else axis_j.step / axis_i.step
            if i not in tabular:
                put(f"{'CD' if wcs.is_cd else 'PC'}{number_i}_{number_j}", value * scale, "")
    for old, (number, axis) in numbers.items():
        if old > wcs.axes or old in tabular:
            continue
        if f"CRPIX{number}" not in seen and not axis.is_same:
            put(f"CRPIX{number}", _moved(0.0, axis), "")
        if f"CDELT{number}" not in seen and axis.step != 1 and not wcs.is_cd:
            put(f"CDELT{number}", float(axis.step), "")


def _scaled(value: Any, step: float) -> Any:
    return (
        value if step == 1 or isinstance(value, bool) or not isinstance(value, int | float) else value * step
    )


def _moved(value: Any, axis: NewAxis) -> Any:
    """Return CRPIX in new pixels."""
    if axis.is_same or isinstance(value, bool) or not isinstance(value, int | float):
        return value
    return (value - 1 - axis.offset) / axis.step + 1


def _sip_numbers(numbers: dict[int, tuple[int, NewAxis]]) -> tuple[bool, float, float] | None:
    """Return whether the first two axes change places, and their steps; None if they are elsewhere."""
    if 1 not in numbers or 2 not in numbers or {numbers[1][0], numbers[2][0]} != {1, 2}:
        return None
    return numbers[1][0] == 2, numbers[1][1].step, numbers[2][1].step


def _sip_card(m: re.Match[str], value: Any, sip: tuple[bool, float, float]) -> tuple[str, Any]:
    """Return a SIP card in new pixels: the polynomials take and give distances in pixels."""
    swapped, s1, s2 = sip
    name = m[1]
    own = s1 if name[0] == "A" else s2
    if swapped:
        name = ("B" if name[0] == "A" else "A") + name[1:]
    if m[2] == "ORDER":
        return f"{name}_ORDER", value
    if m[2] == "DMAX":
        return f"{name}_DMAX", _scaled(value, 1 / abs(own))
    p, q = int(m[3]), int(m[4])
    factor = s1**p * s2**q / own
    return (f"{name}_{q}_{p}" if swapped else f"{name}_{p}_{q}"), _scaled(value, factor)


def _special(key: str, value: Any, numbers: dict[int, tuple[int, NewAxis]], same_order: bool) -> Any:
    """Return the value of an IRAF or plate card in new pixels, None if it has no meaning any more."""
    if not same_order:
        return None
    if _IRAF.fullmatch(key) or isinstance(value, bool) or not isinstance(value, int | float):
        return value
    if m := _PHYSICAL.fullmatch(key):
        axis = numbers[int(m[1] or m[2])][1] if int(m[1] or m[2]) in numbers else NewAxis(0, 0, 1)
        if axis.is_same:
            return value
        return (value - 1 - axis.offset) / axis.step + 1 if m[1] else value / axis.step
    which = {"CNPIX1": 1, "CNPIX2": 2, "XPIXELSZ": 1, "YPIXELSZ": 2}.get(key)
    if which is None or which not in numbers or numbers[which][1].is_same:
        return value
    axis = numbers[which][1]
    if key.startswith("CNPIX"):
        return (value + axis.offset + 0.5 - 0.5 * axis.step) / axis.step
    return value * abs(axis.step) if axis.step > 0 else value * axis.step


def _warn(message: str) -> None:
    warnings.warn(message, LatticeWarning, stacklevel=5)
