"""What images tell of themselves: header cards, the pixels they cover, their representation."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from lattice.config import format_bytes
from lattice.errors import suggest
from lattice.graph.show import to_lel
from lattice.io.base import MetaCard

if TYPE_CHECKING:
    from lattice.image.base import ImageBase

__all__ = ["FrozenDict", "Meta", "describe", "show_html", "show_text"]

V = TypeVar("V")

_LONGEST = 400  # letters of an expression that are shown


class FrozenDict(Mapping[str, V]):
    """A mapping that cannot be changed."""

    def __init__(self, items: Mapping[str, V]) -> None:
        self._items = dict(items)

    def __getitem__(self, key: str) -> V:
        try:
            return self._items[key]
        except KeyError:
            hint = suggest(str(key), self._items) or f"there are: {', '.join(self._items) or 'none'}"
            raise KeyError(f"{key!r}; {hint}") from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __repr__(self) -> str:
        return repr(self._items)


class Meta(Mapping[str, Any]):
    """Header cards in their order: a mapping from keyword (any letter case) to value.

    A keyword that comes more than once, such as COMMENT, has its texts joined by line feeds.

    Attributes
    ----------
    cards : tuple of (keyword, value, comment)
        The cards themselves.
    """

    def __init__(self, cards: tuple[MetaCard, ...]) -> None:
        self.cards = cards
        self._values: dict[str, Any] = {}
        for key, value, _ in cards:
            key = key.upper()
            if key in self._values and key in ("COMMENT", ""):
                self._values[key] = f"{self._values[key]}\n{value}"
            else:
                self._values.setdefault(key, value)

    def __getitem__(self, key: str) -> Any:
        try:
            return self._values[key.upper()]
        except KeyError:
            hint = suggest(key, self._values)
            raise KeyError(f"{key}; {hint}" if hint else key) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return "\n".join(
            f"{key:8} = {value!r}" + (f" / {note}" if note else "") for key, value, note in self.cards
        )


# -- representations ------------------------------------------------------------------------------------


def describe(image: ImageBase) -> str:
    """Return shape, type, unit and size in one line."""
    attrs = image.node.attrs
    axes = ", ".join(f"{d} {n}" for d, n in image.sizes.items())
    parts = [f"({axes}) {image.dtype}" if image.shape else f"scalar {image.dtype}"]
    if attrs.unit:
        parts.append(attrs.unit)
    if image.shape:
        parts.append(format_bytes(image.nbytes))
    if attrs.masked:
        parts.append("masked" if image.shape else "may be undefined")
    return ", ".join(parts)


def _expression(image: ImageBase) -> str:
    text = to_lel(image.node, limit=20 * _LONGEST)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 4] + " ..."


def show_text(image: ImageBase) -> str:
    """Return an image as one line of text."""
    return f"<lattice.Image {describe(image)}: {_expression(image)}>"


def show_html(image: ImageBase) -> str:
    """Return an image as a small table for notebooks."""
    attrs = image.node.attrs
    rows = [
        ("shape", " x ".join(f"{n} {d}" for d, n in image.sizes.items()) or "scalar"),
        ("type", f"{image.dtype}, {format_bytes(image.nbytes)}"),
        ("unit", attrs.unit),
        ("mask", image.default_mask or ("yes" if attrs.masked else "every pixel is good")),
        ("masks", ", ".join(image._masks)),
        ("axes", ", ".join(image.coords.kinds) if image.coords is not None else ""),
        ("beam", f"{len(attrs.beams)}" if len(attrs.beams) > 1 else "".join(_beam(b) for b in attrs.beams)),
        ("expression", _expression(image)),
    ]
    left = "style='text-align:left'"
    body = "".join(
        f"<tr><th {left}>{name}</th><td {left}>{_cell(name, text)}</td></tr>" for name, text in rows if text
    )
    return f"<div><b>lattice.Image</b><table>{body}</table></div>"


def _cell(name: str, text: str) -> str:
    shown = html.escape(text)
    return f"<code>{shown}</code>" if name == "expression" else shown


def _beam(beam: tuple[float, float, float]) -> str:
    return f"{beam[0] * 3600:.4g} x {beam[1] * 3600:.4g} arcsec, {beam[2]:.4g}°"
