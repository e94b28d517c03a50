"""Which axes of an image belong to which coordinate of a record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lattice.errors import FormatError
from lattice.io.casa_records.fields import integers, part, vector

__all__ = ["KINDS", "Place", "check_world", "layout"]

KINDS = ("direction", "spectral", "stokes", "linear", "tabular", "quality", "coordsys")
_MOST = 100


@dataclass(frozen=True)
class Place:
    """One coordinate of a record.

    Attributes
    ----------
    index : int
        Its number.
    kind : str
        Which of `KINDS`.
    record : mapping
        The coordinate itself.
    numbers : tuple of int
        FITS axis of each of its axes; beyond those of the image for axes that were removed.
    cuts : tuple of float or None
        Pixel (from 0) at which a removed axis was cut, None for axes of the image.
    """

    index: int
    kind: str
    record: Mapping[str, Any]
    numbers: tuple[int, ...]
    cuts: tuple[float | None, ...]

    @property
    def name(self) -> str:
        """Name of the field."""
        return f"{self.kind}{self.index}"


def layout(record: Mapping[str, Any], ndim: int | None = None) -> list[Place]:
    """Return the coordinates of a record with their axes.

    Parameters
    ----------
    record : mapping
        A complete record of coordinates.
    ndim : int, optional
        Number of axes of the image; without it, what the record says.

    Raises
    ------
    FormatError
        If the maps of axes are missing, or do not fit the image.
    """
    found: list[tuple[int, str, Mapping[str, Any], list[int], list[float]]] = []
    for i in range(_MOST):
        kind = next((k for k in KINDS if f"{k}{i}" in record), None)
        if kind is None:
            break
        count = len(vector(record, f"pixelmap{i}", None))
        pixelmap = integers(record, f"pixelmap{i}", count)
        found.append((i, kind, part(record, f"{kind}{i}"), pixelmap, _cuts(record, i, count)))
    used = [a for *_, pixelmap, _ in found for a in pixelmap if a >= 0]
    n = max(used, default=-1) + 1 if ndim is None else ndim
    if sorted(used) != list(range(n)):
        axes = ", ".join(str(a) for a in used) or "none"
        raise FormatError(f"the pixelmaps name the axes {axes} of an image of {n} axes")
    out, extra = [], n
    for i, kind, own, pixelmap, replace in found:
        numbers, cuts = [], []
        for a, pixel in zip(pixelmap, replace, strict=True):
            if a < 0:
                extra += 1
            numbers.append(a + 1 if a >= 0 else extra)
            cuts.append(None if a >= 0 else pixel)
        out.append(Place(i, kind, own, tuple(numbers), tuple(cuts)))
    return out


def _cuts(record: Mapping[str, Any], i: int, n: int) -> list[float]:
    if f"pixelreplace{i}" not in record:
        return [0.0] * n
    return [float(v) for v in vector(record, f"pixelreplace{i}", n)]


def check_world(record: Mapping[str, Any], places: list[Place]) -> None:
    """Refuse a record whose maps of world axes are damaged; positions of pixels do not need them."""
    for place in places:
        n = len(place.numbers)
        integers(record, f"worldmap{place.index}", n)
        vector(record, f"worldreplace{place.index}", n)
