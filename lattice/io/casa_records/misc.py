"""Metadata of an image as casacore's record ``miscinfo`` has it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from lattice.coords.header import is_observation_keyword, is_wcs_keyword
from lattice.errors import LatticeError, warn
from lattice.graph.records import FrozenArray, Record
from lattice.io.base import MetaCard
from lattice.io.casa_records.fields import as_record, plain
from lattice.io.casa_records.observation import used_keywords

__all__ = ["misc_from_record", "misc_to_record"]

_COMMENT = "COMMENT"
_INT = np.iinfo(np.int32)


def misc_from_record(record: Mapping[str, Any]) -> tuple[MetaCard, ...]:
    """Return cards of what a record ``miscinfo`` holds.

    Parameters
    ----------
    record : mapping
        Texts, numbers, arrays in the order of numpy, records of such.

    Returns
    -------
    tuple of (keyword, value, comment)
        Keywords as they are; arrays as FrozenArray, records as Record. What cannot be kept is left out with
        a warning.

    Examples
    --------
    >>> misc_from_record({"instrume": "WIDAR", "seeds": [1, 2]})
    (('instrume', 'WIDAR', ''), ('seeds', FrozenArray([1, 2]), ''))
    """
    cards: list[MetaCard] = []
    for key, value in record.items():
        if key == _COMMENT and isinstance(value, str):
            cards += [(_COMMENT, line, "") for line in value.split("\n")]
            continue
        try:
            frozen = as_record({str(key): value})[str(key)]
        except LatticeError as error:
            warn(f"the metadata are read without {key!r}: {error.message}")
            continue
        cards.append((str(key), _simple(frozen), ""))
    return tuple(cards)


def _simple(value: Any) -> Any:
    """Return numbers as those of Python, as long as they keep their precision and their digits."""
    if isinstance(value, np.integer):
        return int(value)
    if isinstance(value, np.bool_ | np.float64 | np.complex128):
        return value.item()
    return str(value) if isinstance(value, np.str_) else value


def misc_to_record(meta: Iterable[MetaCard]) -> dict[str, Any]:
    """Return the record ``miscinfo`` for header cards.

    Cards that have their place in the coordinates or in ``imageinfo`` are left to these. Comments of cards
    are not kept, as casacore has no place for them.

    Parameters
    ----------
    meta : iterable of (keyword, value, comment)
        Header cards.

    Examples
    --------
    >>> misc_to_record([("INSTRUME", "WIDAR", ""), ("OBJECT", "M31", "")])
    {'INSTRUME': 'WIDAR'}
    """
    cards = list(meta)
    values: dict[str, Any] = {}
    for key, value, _ in cards:
        values.setdefault(key, value)
    elsewhere = used_keywords(values)
    out: dict[str, Any] = {}
    for key, value, _ in cards:
        if key in (_COMMENT, ""):
            if key or str(value).strip():
                out[_COMMENT] = f"{out[_COMMENT]}\n{value}" if _COMMENT in out else str(value)
        elif key in elsewhere or _has_its_place(key, value):
            continue
        elif key in out:
            warn(f"a record of casacore has each name once: only the first {key} is written")
        else:
            out[key] = _stored(value)
    return out


def _has_its_place(key: str, value: Any) -> bool:
    if is_wcs_keyword(key) and not is_observation_keyword(key):
        return True
    return key in ("OBJECT", "BTYPE") and isinstance(value, str)


def _stored(value: Any) -> Any:
    """Return a value as casacore's records take it: small integers as Int, which old versions know too."""
    if isinstance(value, Record | FrozenArray):
        return plain(value)
    if value is None:
        return ""
    if isinstance(value, int) and not isinstance(value, bool):
        if _INT.min <= value <= _INT.max:
            return np.int32(value)
        return np.int64(value) if abs(value) < 1 << 63 else str(value)
    return value
