"""FITS header cards: reading them from 2880-byte blocks, and writing them.

Covers the FITS 4.0 standard with CONTINUE and HIERARCH cards, and is lenient where files in use are:
lower-case exponents, values in the wrong column, text beyond ASCII in comments.
"""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from lattice.errors import FormatError, LatticeWarning

__all__ = ["BLOCK", "CARD", "Card", "HeaderError", "format_card", "format_cards", "parse_cards", "read_cards"]

BLOCK = 2880
CARD = 80

Card = tuple[str, Any, str]
"""Keyword, value (str, int, float, bool, complex or None), comment."""

_MAX_HEADER = 16 << 20
_COMMENTARY = ("COMMENT", "HISTORY", "")

# A block that is not a header is found by its keywords, so that a file without END is not read to its end.
_KEYWORD = re.compile(rb"[A-Za-z0-9_\-. ]{8}")
_VALUE = re.compile(
    r"""\s*(?:
        '(?P<text>(?:''|[^'])*)'
      | (?P<logical>[TF])(?=\s*(?:/|$))
      | (?P<int>[+-]?\d+)(?=\s*(?:/|$))
      | (?P<real>[+-]?(?:\d+\.?\d*|\.\d+)(?:\s*[EeDd]\s*[+-]?\d+)?)(?=\s*(?:/|$))
      | \(\s*(?P<re>[+-]?[\d.]+(?:[EeDd][+-]?\d+)?)\s*,\s*(?P<im>[+-]?[\d.]+(?:[EeDd][+-]?\d+)?)\s*\)
      | (?P<none>(?=/|$))
      | (?P<other>[^/]*?)(?=\s*(?:/|$))
    )\s*(?:/(?P<comment>.*))?$""",
    re.VERBOSE | re.DOTALL,
)
_HIERARCH = re.compile(r"HIERARCH\s+(?P<key>[^=]*?)\s*=(?P<rest>.*)$", re.DOTALL)


class HeaderError(FormatError):
    """A header that does not follow the FITS rules."""


def read_cards(read: Callable[[int, int], bytes], offset: int, what: str) -> tuple[list[bytes], int]:
    """Read the raw cards of the header at `offset`.

    Parameters
    ----------
    read : callable
        ``read(offset, length)`` returns bytes of the file, less at its end.
    offset : int
        Where the header starts.
    what : str
        Name of the file and header unit for messages.

    Returns
    -------
    list of bytes, int
        The 80-byte cards before END, and the offset of the first byte after the header.
    """
    cards: list[bytes] = []
    position = offset
    want = 4 * BLOCK
    while True:
        data = read(position, want)
        for start in range(0, len(data) - CARD + 1, CARD):
            card = data[start : start + CARD]
            if card[:8] == b"END     " and not card[8:].strip(b" \0"):
                used = position + start + CARD - offset
                return cards, offset + -(-used // BLOCK) * BLOCK
            if not _KEYWORD.match(card):
                where = f"card {len(cards) + 1} is {card[:20]!r}..."
                raise HeaderError(f"{what}: the header has no END; {where}, which is no header card")
            cards.append(card)
        if len(data) < want:
            raise HeaderError(
                f"{what} is truncated: the file ends inside a header", hint="copy or download the file again"
            )
        position += want
        if position - offset > _MAX_HEADER:
            raise HeaderError(f"{what}: the header has no END within {_MAX_HEADER >> 20} MB")
        want = min(2 * want, 1 << 20)


def parse_cards(raw: Iterable[bytes]) -> list[Card]:
    """Return keyword, value and comment of each card; CONTINUE cards are joined to the card before.

    >>> parse_cards([b"BSCALE  =                  2.5 / scale".ljust(80)])
    [('BSCALE', 2.5, 'scale')]
    """
    out: list[Card] = []
    for card in raw:
        text = card.decode("latin-1")
        keyword = text[:8].rstrip().upper()
        if keyword == "CONTINUE" and out and isinstance(out[-1][1], str) and out[-1][1].endswith("&"):
            found = _VALUE.match(text[8:])
            if found is not None and found["text"] is not None:
                key, before, comment = out[-1]
                more = (found["comment"] or "").strip()
                joined = f"{comment} {more}".strip() if more else comment
                text = before[:-1] + _unquote(found["text"])
                # Blanks count at the end of a piece, not at the end of the whole.
                out[-1] = (key, text.rstrip(" ") or (" " if text else ""), joined)
                continue
        if keyword in _COMMENTARY or (text[8:10] != "= " and keyword != "HIERARCH"):
            if keyword in _COMMENTARY or text[8:9] != "=":
                if keyword or text.strip():
                    out.append((keyword, text[8:].rstrip(), ""))
                continue
            rest = text[9:]
        elif keyword == "HIERARCH":
            found = _HIERARCH.match(text)
            if found is None:
                out.append((keyword, text[8:].rstrip(), ""))
                continue
            keyword, rest = found["key"].upper(), found["rest"]
        else:
            rest = text[10:]
        value, comment = _parse_value(rest)
        out.append((keyword, value, comment))
    return out


def _unquote(text: str) -> str:
    # Trailing blanks mean nothing, but a string of blanks only is one blank.
    return text.replace("''", "'").rstrip(" ") or (" " if text else "")


def _parse_value(text: str) -> tuple[Any, str]:
    """Return value and comment of what follows the value indicator; what cannot be understood stays text."""
    found = _VALUE.match(text.rstrip())
    if found is None:
        return text.strip(), ""
    comment = (found["comment"] or "").strip()
    kind = found.lastgroup if found.lastgroup != "comment" else None
    if found["text"] is not None:
        return _unquote(found["text"]), comment
    if found["int"] is not None:
        # Python refuses to convert absurdly long digit strings; so do we, by keeping the text.
        return (int(found["int"]) if len(found["int"]) < 40 else found["int"]), comment
    if found["real"] is not None:
        return _real(found["real"]), comment
    if found["logical"] is not None:
        return found["logical"] == "T", comment
    if found["re"] is not None:
        try:
            return complex(_real(found["re"]), _real(found["im"])), comment
        except ValueError:
            return text.strip(), ""
    if found["none"] is not None and kind != "other":
        return None, comment
    return (found["other"] or "").strip() or None, comment


def _real(text: str) -> float:
    return float(text.upper().replace("D", "E").replace(" ", ""))


# -- writing ------------------------------------------------------------------------------------

_STANDARD = re.compile(r"[A-Z0-9_-]{1,8}")
_LONG = re.compile(r"[!-<>-~]+(?: [!-<>-~]+)*")  # printable, without "="


def _ascii(text: str) -> str:
    """Return `text` as FITS can hold it: one line of printable ASCII."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if " " <= c <= "~" else c.encode("unicode_escape").decode() for c in text)


def _format_real(value: float) -> str:
    text = repr(value).upper()
    if "E" in text:
        mantissa, exponent = text.split("E")
        sign = "-" if exponent[0] == "-" else "+"
        text = f"{mantissa if '.' in mantissa else mantissa + '.0'}E{sign}{exponent.lstrip('+-'):0>2}"
    return text


def _format_value(value: Any) -> str:
    """Return the text of a value that is not a string."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None:
        return ""
    if isinstance(value, bool):
        return "T" if value else "F"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, complex):
        return f"({_format_real(value.real)}, {_format_real(value.imag)})"
    return _format_real(float(value))


def format_card(keyword: str, value: Any, comment: str = "") -> list[bytes]:
    """Return one card, or several for a long text.

    Text that FITS cannot hold is escaped. A keyword of more than 8 characters becomes a HIERARCH card; one
    that cannot be a keyword at all is left out with a `LatticeWarning`.

    >>> format_card("BUNIT", "Jy/beam")[0].rstrip()
    b"BUNIT   = 'Jy/beam '"
    """
    keyword, comment = keyword.strip().upper(), _ascii(str(comment))
    if keyword in _COMMENTARY:
        return _commentary(keyword, str(value))
    if _STANDARD.fullmatch(keyword) and keyword not in ("HIERARCH", "CONTINUE", "END"):
        head = f"{keyword:8}= "
    elif _LONG.fullmatch(keyword) and len(keyword) <= 48 and keyword not in ("HIERARCH", "CONTINUE", "END"):
        head = f"HIERARCH {keyword} = "
    else:
        warnings.warn(
            f"the keyword {keyword!r} cannot be written to FITS; left out", LatticeWarning, stacklevel=2
        )
        return []
    if isinstance(value, float | np.floating | complex | np.complexfloating) and not np.isfinite(value):
        value = str(value)  # FITS has no NaN or infinity in headers
    if not isinstance(value, str):
        body = _format_value(value)
        text = head + (f"{body:>20}" if len(head) == 10 else body)
        return [_with_comment(text, comment)]
    quoted = (_ascii(value).rstrip(" ") or (" " if value else "")).replace("'", "''")
    text = head + (f"'{quoted:8}'" if quoted else "''")  # padded, an empty text would be a blank
    if len(text) <= CARD:
        return [_with_comment(text, comment)]
    return _continued(head, quoted, comment)


def _with_comment(text: str, comment: str) -> bytes:
    if comment and len(text) < CARD - 4:
        text = f"{text:30} / {comment}"
    return f"{text:80.80}".encode()


def _continued(head: str, quoted: str, comment: str) -> list[bytes]:
    """Return a long text as CONTINUE cards; `quoted` has its quotes doubled, which must not be cut apart."""
    cards = []
    while True:
        room = CARD - len(head) - 3
        if len(quoted) <= room:
            break
        cut = room
        if (len(quoted[:cut]) - len(quoted[:cut].rstrip("'"))) % 2:
            cut -= 1
        cards.append(f"{head}'{quoted[:cut]}&'".ljust(CARD).encode())
        quoted, head = quoted[cut:], "CONTINUE  "
    cards.append(_with_comment(f"{head}'{quoted}'", comment))
    return cards


def _commentary(keyword: str, text: str) -> list[bytes]:
    out = []
    for line in text.expandtabs().splitlines() or [""]:
        line = _ascii(line.rstrip())
        starts = range(0, max(1, len(line)), CARD - 8)
        out += [f"{keyword:8}{line[i : i + CARD - 8]:72}".encode() for i in starts]
    return out


def format_cards(cards: Iterable[Card]) -> Iterator[bytes]:
    """Return the 80-byte cards of a header, without END and padding."""
    for keyword, value, comment in cards:
        yield from format_card(keyword, value, comment)


def header_bytes(cards: Iterable[Card]) -> bytes:
    """Return a whole header: the cards, END, padding to 2880 bytes."""
    lines = list(format_cards(cards))
    first = next((i for i, line in enumerate(lines) if line.startswith(b"CONTINUE")), 0)
    if first:
        # Older software takes long texts for damaged ones without it.
        lines[first - 1 : first - 1] = format_card(
            "LONGSTRN", "OGIP 1.0", "long texts go on in CONTINUE cards"
        )
    data = b"".join(lines) + b"END".ljust(CARD)
    return data.ljust(math.ceil(len(data) / BLOCK) * BLOCK)
