"""Reads the CASA region text format (CRTF).

The grammar stands in ``grammar/crtf.lark``; here positions, units and keys get their meaning.  Every error
names the place in the text.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lattice.errors import LatticeError, LatticeTypeError, RegionError, StorageError, suggest
from lattice.grammars import grammar_text
from lattice.regions.base import Region
from lattice.regions.crtf_trouble import complaint
from lattice.regions.listing import Annotation, RegionItem, RegionList
from lattice.regions.measures import Measure, Point, checked_point, frame_name, read_measure
from lattice.regions.ranges import SpectralRange, StokesSelection
from lattice.regions.world import (
    Annulus,
    CenterBox,
    Circle,
    Ellipse,
    RotatedBox,
    WorldBox,
    WorldPolygon,
    positive,
)

__all__ = ["STYLE_KEYS", "from_crtf"]

STYLE_KEYS = (
    *("linewidth", "linestyle", "symsize", "symthick", "color", "font", "fontsize", "fontstyle", "usetex"),
    *("label", "labelcolor", "labelpos", "labeloff"),
)
"""Keys that say how an item is drawn."""

_KEYS = ("coord", "frame", "range", "corr", "veltype", "restfreq", *STYLE_KEYS)
_LISTS = ("range", "corr", "labeloff")
_ANNOTATIONS = ("line", "vector", "text", "symbol")
_LARGEST = 1 << 26  # characters: far beyond any list of regions, far below what fills the memory

_engine: Any = None
_engine_lock = threading.Lock()


def from_crtf(text: str | os.PathLike[str]) -> RegionList:
    """Read regions from CRTF text or a CRTF file.

    Parameters
    ----------
    text : str or path
        The text, or the name of a file, whose first line is then ``#CRTF``. A str is a text if it has a
        bracket, a hash or a line feed.

    Returns
    -------
    RegionList
        The items in file order, annotations included; it is a region and fits any image that has what it
        asks for.

    Raises
    ------
    RegionError
        When the text does not follow the format, with the place and the reason.

    Examples
    --------
    >>> from lattice.regions import from_crtf
    >>> from_crtf("circle[[12h30m, 12d23m], 30arcsec], coord=J2000").items[0].shape.frame
    'J2000'
    """
    return _parse(_content(text))


def _content(text: str | os.PathLike[str]) -> str:
    if isinstance(text, str) and (not text.strip() or any(mark in text for mark in "[#\n\r")):
        return text
    if not isinstance(text, str | os.PathLike):
        raise LatticeTypeError(f"a region text is a str or a path, not {type(text).__name__}")
    path = os.fspath(text)
    try:
        content = Path(path).read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise StorageError(
            f"cannot read the region file {path!r}: {reason}",
            hint="a region text has brackets, as in circle[[10pix, 10pix], 3pix]",
        ) from None
    if not content.startswith("#CRTF"):
        raise RegionError(f"{path!r} is no CRTF file: its first line is not #CRTF")
    return content


def _parse(text: str) -> RegionList:
    import lark

    if len(text) > _LARGEST:
        raise RegionError(f"a region text has {len(text):,} characters, the limit is {_LARGEST:,}")
    try:
        tree = _get_engine().parse(text)
    except lark.UnexpectedInput as error:
        trouble = complaint(text, error)
    else:
        return _Reader(text).read(tree)
    raise trouble


def _get_engine() -> Any:
    """Build the parser at the first call; it keeps no state between texts, so threads share it."""
    global _engine
    if _engine is None:
        import lark

        with _engine_lock:
            if _engine is None:
                _engine = lark.Lark(
                    grammar_text("crtf.lark"),
                    parser="lalr",
                    lexer="contextual",
                    propagate_positions=True,
                    maybe_placeholders=False,
                )
    return _engine


class _Reader:
    """Makes items of the tree of one text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.globals: dict[str, tuple[Any, ...]] = {}

    def read(self, tree: Any) -> RegionList:
        items = []
        for line in tree.children:
            if line.data == "globals":
                self.globals |= self._pairs(line.children[1:])
            else:
                items.append(self._item(line))
        if not items:
            raise RegionError(
                "the text holds no region", hint="a region is circle[[10pix, 10pix], 3pix], say"
            )
        if not any(item.selects for item in items):
            raise RegionError("the text holds annotations only, and no region")
        return RegionList(tuple(items))

    @contextmanager
    def _at(self, first: Any, last: Any = None) -> Iterator[None]:
        """Locate errors between two tokens or trees."""
        try:
            yield
        except LatticeError as error:
            if error.text is not None:
                raise
            span = (_start(first), _end(first if last is None else last))
            raise RegionError(error.message, text=self.text, span=span, hint=error.hint) from None

    # -- keys ------------------------------------------------------------------------------------------

    def _pairs(self, trees: list[Any]) -> dict[str, tuple[Any, ...]]:
        """Return the tokens of the value of each key, checked one by one."""
        found: dict[str, tuple[Any, ...]] = {}
        for pair in trees:
            key, value = pair.children
            name = str(key).lower()
            with self._at(key):
                if name not in _KEYS:
                    raise RegionError(
                        f"the key {str(key)!r} is not known",
                        hint=suggest(name, _KEYS) or f"the keys are {', '.join(_KEYS)}",
                    )
                if name in found:
                    raise RegionError(f"the key {name} is given twice")
            tokens = tuple(value.children) if hasattr(value, "children") else (value,)
            with self._at(value):
                if hasattr(value, "children") and name not in _LISTS:
                    raise RegionError(f"{name} takes a single value, not a list")
                if name in ("range", "labeloff") and len(tokens) != 2:
                    raise RegionError(f"{name} takes two values in brackets", hint=f"write {name}=[a, b]")
            found[name] = tokens
            self._check(name, tokens)
        return found

    def _check(self, name: str, tokens: tuple[Any, ...]) -> None:
        """Look at the value of one key on its own, so that errors in globals show too."""
        checks: dict[str, Callable[[str], Any]] = {
            "coord": frame_name,
            "corr": lambda v: StokesSelection((v,)),
            "frame": lambda v: SpectralRange("1Hz", "1Hz", frame=v),
            "veltype": lambda v: SpectralRange("1Hz", "1Hz", convention=v),
            "restfreq": lambda v: SpectralRange("1Hz", "1Hz", rest=v),
            "range": lambda v: SpectralRange(v, v),
        }
        for token in tokens:
            with self._at(token):
                checks.get(name, str)(_plain(token))
        if name == "range":
            with self._at(tokens[0], tokens[1]):
                SpectralRange(str(tokens[0]), str(tokens[1]))

    # -- items -----------------------------------------------------------------------------------------

    def _item(self, tree: Any) -> RegionItem:
        first, *rest = tree.children
        sign = "+"
        if not hasattr(first, "children"):
            sign = "ann" if first.type == "ANN" else str(first)
            first, *rest = rest
        keys = self.globals | self._pairs(rest)
        frame = frame_name(_plain(keys["coord"][0])) if "coord" in keys else None
        if first.data in _ANNOTATIONS:
            shape: Region | Annotation = self._annotation(first, frame)
            if sign == "-":
                with self._at(first.children[0]):
                    raise RegionError(f"a {first.data} selects no pixels and cannot be taken away")
            sign = "ann"
        else:
            shape = self._shape(first, frame)
        style = tuple((k, _spelled(keys[k])) for k in STYLE_KEYS if k in keys)
        return RegionItem(shape, sign, self._spectral(keys), self._stokes(keys), style)

    def _spectral(self, keys: dict[str, tuple[Any, ...]]) -> SpectralRange | None:
        if "range" not in keys:
            return None
        names = {"convention": "veltype", "rest": "restfreq", "frame": "frame"}
        more: dict[str, Any] = {ours: _plain(keys[key][0]) for ours, key in names.items() if key in keys}
        first, last = keys["range"]
        return SpectralRange(str(first), str(last), **more)

    def _stokes(self, keys: dict[str, tuple[Any, ...]]) -> StokesSelection | None:
        return StokesSelection(tuple(_plain(t) for t in keys["corr"])) if "corr" in keys else None

    def _shape(self, tree: Any, frame: str | None) -> Region:
        name, first, *rest = tree.children
        with self._at(name, tree):
            if tree.data == "box":
                corners = [self._point(first), self._point(rest[0])]
                return WorldBox(corners[0], corners[1], frame=_of(corners, frame))
            if tree.data == "poly":
                corners = [self._point(p) for p in (first, *rest)]
                return WorldPolygon(tuple(corners), frame=_of(corners, frame))
            centre = self._point(first)
            own = _of([centre], frame)
            if tree.data == "circle":
                return Circle(centre, self._length(rest[0], "radius"), own)
            what = {"annulus": "radius", "ellipse": "half-axis"}.get(tree.data, "size of a box")
            one, two = (self._length(token, what) for token in rest[0].children)
            if tree.data == "annulus":
                return Annulus(centre, one, two, own)
            if tree.data == "centerbox":
                return CenterBox(centre, (one, two), own)
            angle = self._angle(rest[1])
            return (RotatedBox if tree.data == "rotbox" else Ellipse)(centre, (one, two), angle, own)

    def _annotation(self, tree: Any, frame: str | None) -> Annotation:
        _, first, second = tree.children
        if tree.data in ("line", "vector"):
            points = (self._point(first), self._point(second))
            with self._at(first, second):
                if points[0].in_pixels != points[1].in_pixels:
                    raise RegionError("both ends are on the sky or both in pixels")
            return Annotation(tree.data, points, frame=_of(list(points), frame))
        point = self._point(first)
        return Annotation(tree.data, (point,), _plain(second), _of([point], frame))

    def _point(self, tree: Any) -> Point:
        x, y = (self._measure(token) for token in tree.children)
        with self._at(tree):
            return checked_point(x, y)

    def _measure(self, token: Any) -> Measure:
        with self._at(token):
            return read_measure(str(token))

    def _length(self, token: Any, what: str) -> Measure:
        with self._at(token):
            return positive(read_measure(str(token)), what)

    def _angle(self, token: Any) -> float:
        found = self._measure(token)
        with self._at(token):
            if found.in_pixels:
                raise RegionError("an angle is not in pixels", hint="write 30deg, say")
        return found.value


def _of(points: list[Point], frame: str | None) -> str | None:
    return None if points[0].in_pixels else frame


def _plain(token: Any) -> str:
    return str(token)[1:-1] if token.type == "STRING" else str(token)


def _spelled(tokens: tuple[Any, ...]) -> str:
    """Return the value of a style as a text that can be written back: lists in brackets, without quotes."""
    values = [_plain(t) for t in tokens]
    return values[0] if len(values) == 1 else f"[{', '.join(values)}]"


def _start(node: Any) -> int:
    return int(node.meta.start_pos if hasattr(node, "meta") else node.start_pos)


def _end(node: Any) -> int:
    return int(node.meta.end_pos if hasattr(node, "meta") else node.end_pos)
