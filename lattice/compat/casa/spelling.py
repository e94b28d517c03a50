"""Angles, times and dates as texts, in CASA's forms."""

from __future__ import annotations

import datetime
from typing import Any

from lattice.compat.casa.errors import CasaError

__all__ = ["angle_text", "date_parts", "time_text"]

_EPOCH = datetime.date(1858, 11, 17)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_FORMS = (
    "clean", "no_d", "no_dm", "no_h", "no_hm", "dig2", "time", "angle", "ymd",
    "dmy", "mjd", "fits", "day", "local", "no_time",
)  # fmt: skip


def _words(form: Any) -> set[str]:
    """Return the words of a form; each may be cut off where no other one begins so."""
    out = set()
    for word in [form] if isinstance(form, str) else form:
        start = str(word).strip().lower()
        found = [f for f in _FORMS if f.startswith(start)] if start else []
        if not found:
            raise CasaError(f"there is no form {word!r}", hint=", ".join(_FORMS))
        out.add(start if start in _FORMS else found[0])
    return out


def _rounded(size: float, digits: int) -> tuple[int, int, str]:
    """Return whole, minutes and seconds of a size in hours or degrees."""
    ticks = int(size * 3600 * 10**digits + 0.5)
    whole, rest = divmod(ticks, 3600 * 10**digits)
    minutes, rest = divmod(rest, 60 * 10**digits)
    seconds, part = divmod(rest, 10**digits)
    return whole, minutes, f"{seconds:02d}" + (f".{part:0{digits}d}" if digits else "")


def _cut(parts: list[str], mark: str, words: set[str]) -> str:
    """Return parts with a mark between them, the first ones left out where the words say so."""
    gone = 2 if words & {"no_dm", "no_hm"} else 1 if words & {"no_d", "no_h"} else 0
    return mark.join(["" if k < gone else part for k, part in enumerate(parts)])


def angle_text(degrees: float, prec: int, form: Any) -> str:
    """Return an angle in degrees, minutes and seconds.

    >>> angle_text(182.3456789, 8, ()), angle_text(-0.5, 0, "dig2")
    ('+182.20.44.44', '-00.30.00')
    """
    words = _words(form)
    if "time" in words:
        return time_text(degrees / 360, prec, words - {"time", "dig2"})
    whole, minutes, seconds = _rounded(abs(degrees), min(max(prec - 6, 0), 12))
    sign = "-" if degrees < 0 else " " if "clean" in words else "+"
    width = 2 if "dig2" in words else 3
    return sign + _cut([f"{whole:0{width}d}", f"{minutes:02d}", seconds], ".", words)


def time_text(days: float, prec: int, form: Any) -> str:
    """Return a time of day, with its date if the form says so.

    Parameters
    ----------
    days : float
        Modified Julian date, or part of a day.
    prec : int
        6 for seconds, 7 for tenths of them, and so on.
    form : str or list of str
        Words; see `quanta.time`.

    Examples
    --------
    >>> time_text(55259.2125, 0, ["day", "dmy"])
    'Thu-04-Mar-2010/05:06:00'
    """
    words = _words(form)
    digits = min(max(prec - 6, 0), 12)
    step = 86400 * 10**digits
    whole, ticks = divmod(int((days % 1.0) * step + 0.5), step)
    day = int(days // 1.0) + whole
    hours, minutes, seconds = _rounded(ticks / (3600 * 10**digits), digits)
    clock = "" if "no_time" in words else _cut([f"{hours:02d}", f"{minutes:02d}", seconds], ":", words)
    head = _date(day, words)
    if "fits" in words:
        return f"{head}T{clock}" if clock else head
    text = "/".join(part for part in (head, clock) if part)
    return f"{_DAYS[_of_day(day).weekday()]}-{text}" if "day" in words else text


def _of_day(day: int) -> datetime.date:
    try:
        return _EPOCH + datetime.timedelta(days=day)
    except OverflowError:
        raise CasaError(f"there is no date {day} days from 1858") from None


def _date(day: int, words: set[str]) -> str:
    if "mjd" in words:
        return str(day)
    if not words & {"ymd", "dmy", "fits"}:
        return ""
    date = _of_day(day)
    if "fits" in words:
        return f"{date.year:04d}-{date.month:02d}-{date.day:02d}"
    if "dmy" in words:
        return f"{date.day:02d}-{_MONTHS[date.month - 1]}-{date.year:04d}"
    return f"{date.year:04d}/{date.month:02d}/{date.day:02d}"


def date_parts(days: float) -> dict[str, Any]:
    """Return the parts of a modified Julian date.

    >>> parts = date_parts(55259.25)
    >>> parts["year"], parts["month"], parts["monthday"], parts["hour"], parts["weekday"]
    (2010, 3, 4, 6, 4)
    """
    date = _of_day(int(days // 1.0))
    seconds = (days % 1.0) * 86400
    micro = int(seconds * 1e6 + 0.5)
    hour, rest = divmod(micro, 3600 * 10**6)
    minute, rest = divmod(rest, 60 * 10**6)
    return {
        "mjd": days,
        "year": date.year,
        "month": date.month,
        "monthday": date.day,
        "yearday": date.timetuple().tm_yday,
        "week": date.isocalendar()[1],
        "weekday": date.isoweekday(),
        "hour": hour,
        "min": minute,
        "sec": rest // 10**6,
        "s": seconds - 3600 * hour - 60 * minute,
        "msec": rest // 1000 % 1000,
        "usec": rest % 10**6,
    }
