"""FITS headers of images, as a text and as the record that the image tool gives."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from lattice.image import Image

__all__ = ["header_text", "record_of_header"]

_CARD = 80
_NUMBERED = re.compile(r"(NAXIS|CTYPE|CRVAL|CRPIX|CDELT)(\d*)\Z")
_SEVERAL = ("HISTORY", "COMMENT")


def header_text(image: Image) -> str:
    """Return the header of the FITS file that `tofits` makes of an image; nothing is written."""
    from lattice.image.export import outline
    from lattice.io.fits_casa import casa_header

    _, _, spec, _ = outline(image, "header.fits", "fits", options={"style": "casa"})
    text = casa_header(spec).decode("ascii")
    return text[: (len(text.rstrip()) + _CARD - 1) // _CARD * _CARD]


def record_of_header(text: str) -> dict[str, Any]:
    """Return the cards of a header by keyword, texts with the blanks that FITS pads them with.

    Examples
    --------
    >>> record_of_header("NAXIS   = 1".ljust(80) + "NAXIS1  = 5".ljust(80))["NAXIS"].tolist()
    [1, 5]
    """
    from lattice.io.fits_header import parse_cards

    raw = [text[i : i + _CARD].encode("ascii") for i in range(0, len(text), _CARD)]
    out: dict[str, Any] = {}
    lists: dict[str, list[Any]] = {}
    for key, value, _ in parse_cards(card for card in raw if card.strip() != b"END"):
        numbered = _NUMBERED.match(key)
        if numbered:
            lists.setdefault(numbered.group(1), []).append(_padded(value))
        elif key in _SEVERAL:
            lists.setdefault(key, []).append(str(value))
        elif key:
            out[key] = _padded(value)
    for key, values in lists.items():
        out[key] = values[0] if len(values) == 1 and key in _SEVERAL else np.array(values)
    return out | {"END": ""}


def _padded(value: Any) -> Any:
    return value.ljust(8) if isinstance(value, str) else value
