"""The observation that a record of coordinates names, as header cards."""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from lattice.errors import FormatError, warn
from lattice.io.base import MetaCard
from lattice.io.casa_records.fields import (
    ANGLES,
    DAYS,
    METRES,
    measure,
    neat,
    part,
    quantity,
    text,
    vector,
)

__all__ = ["FIELDS", "observation_cards", "observation_fields", "parse_date", "used_keywords"]

_UNKNOWN = ("UNKNOWN", "")
_WGS84_RADIUS, _WGS84_FLATTENING = 6378137.0, 1 / 298.257223563
_EPOCH = datetime.datetime(1858, 11, 17)
_SCALES = frozenset({"UTC", "TAI", "TT", "TDT", "ET", "IAT", "UT1", "UT", "TDB", "TCB", "TCG", "GPS"})
FIELDS = ("telescope", "observer", "obsdate", "pointingcenter", "telescopeposition")
_OLD_DATE = re.compile(r"(\d\d)/(\d\d)/(\d\d)")
_DATE = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d(?:\.\d*)?))?)?(?:Z|\(\w+\))?", re.IGNORECASE
)


def observation_cards(record: Mapping[str, Any]) -> tuple[MetaCard, ...]:
    """Return the cards of the observation in a record of coordinates.

    Fields that are damaged are left out with a warning.
    """
    cards: list[MetaCard] = []
    for field in FIELDS:
        if field in record:
            cards += _cards_of(record, field)
    return tuple(cards)


def _cards_of(record: Mapping[str, Any], field: str) -> list[MetaCard]:
    try:
        return _READERS[field](record)
    except FormatError as error:
        warn(f"the observation is read without its {field}: {error.message}")
        return []


def _named(field: str, card: str) -> Callable[[Mapping[str, Any]], list[MetaCard]]:
    def read(record: Mapping[str, Any]) -> list[MetaCard]:
        name = text(record, field)
        return [] if name.strip() in _UNKNOWN else [(card, name, "")]

    return read


def _date(record: Mapping[str, Any]) -> list[MetaCard]:
    date = part(record, "obsdate")
    day = quantity(date, "m0", DAYS, "obsdate.")
    scale = text(date, "refer", "obsdate.", "UTC")
    if day == 0 or scale not in _SCALES:
        return []
    if not -6e5 < day < 2.9e6:
        raise FormatError(f"obsdate.m0 is {day:g} days, a date beyond all calendars")
    moment = _EPOCH + datetime.timedelta(days=math.floor(day)) + _microseconds(day % 1)
    iso = moment.isoformat(timespec="microseconds")
    return [("DATE-OBS", iso.rstrip("0").rstrip(".") if "." in iso else iso, ""), ("TIMESYS", scale, "")]


def _microseconds(fraction: float) -> datetime.timedelta:
    return datetime.timedelta(microseconds=round(fraction * 86400e6))


def _pointing(record: Mapping[str, Any]) -> list[MetaCard]:
    pointing = part(record, "pointingcenter")
    initial = pointing.get("initial", False)
    if not isinstance(initial, bool | np.bool_ | int | np.integer):
        raise FormatError("pointingcenter.initial is no truth value")
    if initial:
        return []
    lon, lat = (float(v) for v in vector(pointing, "value", 2, "pointingcenter."))
    times, over = ANGLES["rad"]
    values = [neat(v * times / over, (over, times)) for v in (lon, lat)]
    return [("OBSRA", values[0] % 360.0, ""), ("OBSDEC", values[1], "")]


def _position(record: Mapping[str, Any]) -> list[MetaCard]:
    place = part(record, "telescopeposition")
    where = "telescopeposition."
    degrees = [quantity(place, key, ANGLES, where) for key in ("m0", "m1")]
    lon, lat = (math.radians(v) for v in degrees)
    r = quantity(place, "m2", METRES, where)
    flat, z = r * math.cos(lat), r * math.sin(lat)
    if text(place, "refer", where, "ITRF") == "WGS84" and r < 1e6:
        # Such a position is a height above the ellipsoid.
        squeezed = _WGS84_FLATTENING * (2 - _WGS84_FLATTENING)
        radius = _WGS84_RADIUS / math.sqrt(1 - squeezed * math.sin(lat) ** 2)
        flat, z = (radius + r) * math.cos(lat), (radius * (1 - squeezed) + r) * math.sin(lat)
    x, y = flat * math.cos(lon), flat * math.sin(lon)
    # a micrometre is enough, and hides what rounding did to the numbers of a header
    return [(f"OBSGEO-{k}", round(v, 6), "") for k, v in zip("XYZ", (x, y, z), strict=True)]


_READERS: dict[str, Callable[[Mapping[str, Any]], list[MetaCard]]] = {
    "telescope": _named("telescope", "TELESCOP"),
    "observer": _named("observer", "OBSERVER"),
    "obsdate": _date,
    "pointingcenter": _pointing,
    "telescopeposition": _position,
}
_KEYWORDS = {
    "telescope": ("TELESCOP",),
    "observer": ("OBSERVER",),
    "obsdate": ("MJD-OBS", "DATE-OBS", "TIMESYS"),
    "pointingcenter": ("OBSRA", "OBSDEC"),
    "telescopeposition": ("OBSGEO-X", "OBSGEO-Y", "OBSGEO-Z"),
}


def observation_fields(
    cards: Iterable[tuple[str, Any, str]], native: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return the fields of the observation for a record of coordinates.

    Parameters
    ----------
    cards : iterable of (keyword, value, comment)
        Header cards; the first of each keyword counts.
    native : mapping, optional
        The record from which the image came: its fields stay as they are where the cards still say the same.
    """
    values: dict[str, Any] = {}
    for key, value, _ in cards:
        values.setdefault(key, value)
    out: dict[str, Any] = {}
    for field, keywords in _KEYWORDS.items():
        if native is not None and _same(native, field, {k: values[k] for k in keywords if k in values}):
            if field in native:
                out[field] = native[field]
            continue
        made = _WRITERS[field](values)
        if made is not None:
            out[field] = made
    return out


def _same(native: Mapping[str, Any], field: str, given: Mapping[str, Any]) -> bool:
    before = {key: value for key, value, _ in _cards_of(native, field)} if field in native else {}
    # The scale says nothing without a date.
    if field == "obsdate" and not {"DATE-OBS", "MJD-OBS"} & {*before, *given}:
        return True
    return before == given


def used_keywords(values: Mapping[str, Any]) -> set[str]:
    """Return the keywords among some cards that the fields of the observation have a place for."""
    out = {card for card in ("TELESCOP", "OBSERVER") if _name_of(card)(values) != "UNKNOWN"}
    day = _date_measure(values)["m0"]["value"]
    if day != 0:
        out |= {"MJD-OBS", "TIMESYS"}
        # Both keywords say when it was; a date that says something else is kept apart.
        own = parse_date(values.get("DATE-OBS"))
        if own is not None and abs(own - day) < 1e-5:
            out.add("DATE-OBS")
    if not _pointing_record(values)["initial"]:
        out |= {"OBSRA", "OBSDEC"}
    if _position_measure(values) is not None:
        out |= {"OBSGEO-X", "OBSGEO-Y", "OBSGEO-Z"}
    return out & set(values)


def _name_of(card: str) -> Callable[[Mapping[str, Any]], Any]:
    def write(values: Mapping[str, Any]) -> str:
        name = values.get(card)
        return name if isinstance(name, str) and name.strip() else "UNKNOWN"

    return write


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        return None
    return float(value) if math.isfinite(value) else None


def parse_date(value: Any) -> float | None:
    """Return the modified Julian day of a date as FITS writes it, None if it is none.

    >>> parse_date("2000-01-01T12:00:00"), parse_date("31/12/99"), parse_date("yesterday")
    (51544.5, 51543.0, None)
    """
    if not isinstance(value, str):
        return None
    try:
        if m := _OLD_DATE.fullmatch(value.strip()):
            moment, seconds = datetime.datetime(1900 + int(m[3]), int(m[2]), int(m[1])), 0.0
        elif m := _DATE.fullmatch(value.strip()):
            moment = datetime.datetime(int(m[1]), int(m[2]), int(m[3]))
            seconds = int(m[4] or 0) * 3600.0 + int(m[5] or 0) * 60.0 + float(m[6] or 0)
        else:
            return None
    except ValueError:
        return None
    return (moment - _EPOCH).days + seconds / 86400.0


def _date_measure(values: Mapping[str, Any]) -> dict[str, Any]:
    day = _number(values.get("MJD-OBS"))
    if day is None:
        day = parse_date(values.get("DATE-OBS"))
    scale = values.get("TIMESYS", "UTC")
    scale = scale.strip().upper() if isinstance(scale, str) else ""
    if day is None or scale not in _SCALES | {""}:
        return measure("epoch", "LAST", m0=(0.0, "d"))  # what casacore says of an unknown date
    return measure("epoch", scale or "UTC", m0=(day, "d"))


def _pointing_record(values: Mapping[str, Any]) -> dict[str, Any]:
    lon, lat = (_number(values.get(key)) for key in ("OBSRA", "OBSDEC"))
    if lon is None or lat is None:
        return {"value": np.zeros(2), "initial": True}
    times, over = ANGLES["rad"]
    return {"value": np.array([lon * over / times, lat * over / times]), "initial": False}


def _position_measure(values: Mapping[str, Any]) -> dict[str, Any] | None:
    x, y, z = (_number(values.get(f"OBSGEO-{k}")) for k in "XYZ")
    if x is None or y is None or z is None:
        return None
    r = math.sqrt(x * x + y * y + z * z)
    if not 0 < r < 1e12:
        return None
    lat = math.atan2(z, math.hypot(x, y))
    return measure("position", "ITRF", m2=(r, "m"), m1=(lat, "rad"), m0=(math.atan2(y, x), "rad"))


_WRITERS: dict[str, Callable[[Mapping[str, Any]], Any]] = {
    "telescope": _name_of("TELESCOP"),
    "observer": _name_of("OBSERVER"),
    "obsdate": _date_measure,
    "pointingcenter": _pointing_record,
    "telescopeposition": _position_measure,
}
