"""HISTORY cards as CASA writes them: a log with times and origins among plain lines."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Sequence

from lattice.io.base import Beam, LogLine

__all__ = ["history_beam", "log_to_lines", "read_history"]

_START, _END = "CASA START LOGTABLE", "CASA END LOGTABLE"
_HEAD = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d*)?)\s+(\w+)\s+SRCCODE='(.*)'")
_NUMBER = r"\s*([-+.\dEe]+)"
_AIPS_BEAM = re.compile(rf"AIPS\s+CLEAN\s+BMAJ={_NUMBER}\s+BMIN={_NUMBER}\s+BPA={_NUMBER}")
_WIDTH = 72
_MJD_0 = datetime.datetime(1858, 11, 17, tzinfo=datetime.UTC)


def log_to_lines(history: Iterable[str]) -> list[str]:
    """Return the texts of HISTORY cards for a history: plain lines first, then those with a time as a log.

    >>> from lattice.io.base import Beam, LogLine
    >>> log_to_lines(["plain", LogLine("done", 58849 * 86400.0, "INFO", "tool::method")])[1:4]
    ['CASA START LOGTABLE', "2020-01-01T00:00:00 INFO SRCCODE='tool::method'", 'done']
    """
    plain: list[str] = []
    log: list[str] = []
    for line in history:
        if isinstance(line, LogLine) and 0 < line.time < 4e11:
            log += [
                f"{_text_of(line.time)} {line.priority or 'NORMAL'} SRCCODE='{line.origin}'",
                *_folded(line),
            ]
        else:
            plain.append(str(line))
    return [*plain, _START, *log, _END] if log else plain


def _text_of(seconds: float) -> str:
    return (_MJD_0 + datetime.timedelta(seconds=round(seconds))).strftime("%Y-%m-%dT%H:%M:%S")


def _folded(text: str) -> list[str]:
    """Return a message in pieces of the width of a card; all but the first begin with a mark."""
    flat = " ".join(text.splitlines())
    out = [flat[:_WIDTH]]
    rest = flat[_WIDTH:]
    while rest:
        out.append("> " + rest[: _WIDTH - 2])
        rest = rest[_WIDTH - 2 :]
    return out


def read_history(lines: Sequence[str]) -> tuple[str, ...]:
    """Return the history that is in the texts of HISTORY cards; what a log says of a line as `LogLine`."""
    out: list[str] = []
    i = 0
    while i < len(lines):
        if lines[i].strip() == _START:
            end = next((j for j in range(i + 1, len(lines)) if lines[j].strip() == _END), None)
            found = None if end is None else _read_log(lines[i + 1 : end])
            if found is not None and end is not None:
                out += found
                i = end + 1
                continue
        out.append(lines[i].rstrip())
        i += 1
    return tuple(out)


def _read_log(lines: Sequence[str]) -> list[LogLine] | None:
    """Return the lines of a log, None if it is not one."""
    out: list[LogLine] = []
    head: re.Match[str] | None = None
    text: str | None = None
    for line in [*lines, None]:
        found = None if line is None else _HEAD.fullmatch(line.rstrip())
        if line is not None and found is None:
            if head is None:
                return None
            if text is None:
                text = line.rstrip()
            elif line.startswith("> "):
                # A piece that was cut at a blank lost it.
                text = text.ljust(
                    _WIDTH if len(text) <= _WIDTH else _WIDTH + -(-(len(text) - _WIDTH) // 70) * 70
                )
                text += line[2:].rstrip()
            else:
                text += "\n" + line.rstrip()
            continue
        if head is not None:
            when = _seconds(head[1])
            if when is None:
                return None
            out.append(LogLine(text or "", when, head[2], head[3]))
        head, text = found, None
    return out


def _seconds(text: str) -> float | None:
    try:
        when = datetime.datetime.fromisoformat(text).replace(tzinfo=datetime.UTC)
    except ValueError:
        return None
    return (when - _MJD_0).total_seconds()


def history_beam(lines: Iterable[str]) -> tuple[Beam, ...]:
    """Return the restoring beam that AIPS left in the history, the last one; nothing if there is none.

    >>> history_beam(["AIPS   CLEAN BMAJ=  1.6667E-03 BMIN=  1.3889E-03 BPA=  12.50"])
    ((0.0016667, 0.0013889, 12.5),)
    """
    beam: tuple[Beam, ...] = ()
    for line in lines:
        if found := _AIPS_BEAM.search(line):
            try:
                major, minor, angle = (float(text) for text in found.groups())
            except ValueError:
                continue
            if major >= minor > 0:
                beam = ((major, minor, angle),)
    return beam
