"""Which calls a script made that are not served here."""

from __future__ import annotations

__all__ = ["missed", "note"]

_seen: dict[str, int] = {}


def note(name: str) -> None:
    """Count a call that is not served."""
    _seen[name] = _seen.get(name, 0) + 1


def missed() -> dict[str, int]:
    """Return the names that were asked for in vain, and how often.

    >>> note("image.nothing")
    >>> missed()["image.nothing"]
    1
    """
    return dict(_seen)
