"""Reads region records: the nested dictionaries in which CASA hands regions from tool to tool.

Numbers in them count from 1, the fastest axis first, and world positions are quantities in the frames that
the record's own coordinates name.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, ClassVar

from lattice.errors import LatticeTypeError, RegionError
from lattice.graph.attributes import Attributes
from lattice.graph.records import Record, thawed
from lattice.regions.base import OutsideError, Region
from lattice.regions.compound import And, Complement, Difference, Or
from lattice.regions.measures import Measure, Point, checked_point
from lattice.regions.pixel import PixelBox
from lattice.regions.pixel_records import PIXEL_READERS
from lattice.regions.ranges import POLARIZATIONS, SpectralRange, StokesSelection, read_spectral
from lattice.regions.world import Annulus, Circle, Ellipse, WorldBox, WorldPolygon

__all__ = ["CornerBox", "from_record"]

_DEGREES = {
    "deg": 1.0,
    "rad": 180 / math.pi,
    "arcmin": 1 / 60,
    "arcsec": 1 / 3600,
    "'": 1 / 60,
    '"': 1 / 3600,
}
# casacore's numbers of the polarizations, which differ from those of FITS.
_CODES = dict(enumerate(POLARIZATIONS, 1))


@dataclass(frozen=True)
class CornerBox(WorldBox):
    """A box with sides along the axes of pixels, from the pixel of one corner to that of the other."""

    noun: ClassVar[str] = "box"

    def _fitted(self, attrs: Attributes) -> Region:
        plane = self._plane(attrs)
        box = [(0, n - 1) for n in plane.shape]
        for axis, ends in zip(
            (plane.column, plane.row), plane.pixels([self.first, self.second]), strict=True
        ):
            low, high = sorted(math.trunc(float(p) + 0.5) for p in ends)
            n = plane.shape[axis]
            if high < 0 or low >= n:
                raise OutsideError(
                    f"the box has no pixel in a lattice of shape {plane.shape}",
                    hint=f"on axis {axis} it goes from pixel {low} to {high}",
                )
            box[axis] = (max(low, 0), min(high, n - 1))
        return PixelBox(tuple(b for b, _ in box), tuple(t for _, t in box), shape=plane.shape)


def from_record(record: Mapping[str, Any]) -> Region:
    """Return the region of a record.

    Parameters
    ----------
    record : mapping
        As CASA's region manager makes it and its images keep it: boxes, ellipses, polygons and masks in
        pixels (LC), boxes, ellipses and polygons in world coordinates (WC), and unions, intersections,
        differences, complements and extensions of them.

    Raises
    ------
    RegionError
        When the record is malformed, or of a kind that has no counterpart.

    Examples
    --------
    >>> from lattice.regions import from_record
    >>> box = {"name": "LCSlicer", "blc": [1.0, 2.0], "trc": [4.0, 8.0], "oneRel": True}
    >>> from_record(box)
    RelativeBox(blc=(1.0, 0.0), trc=(7.0, 3.0), origin='start', fractions=False)
    """
    if not isinstance(record, Mapping):
        raise LatticeTypeError(f"a region record is a mapping, not {type(record).__name__}")
    if isinstance(record, Record):
        record = thawed(record)
    name = record.get("name")
    if not isinstance(name, str) or name not in _READERS:
        raise RegionError(
            f"a region record of the kind {name!r} is not known", hint=f"known are {', '.join(_READERS)}"
        )
    try:
        return _READERS[name](record)
    except (
        KeyError,
        TypeError,
        ValueError,
        IndexError,
        AttributeError,
        OverflowError,
        RecursionError,
    ) as error:
        if isinstance(error, RegionError | LatticeTypeError):
            raise
        raise RegionError(f"the record of a {name} is malformed: {error!r}") from None


def _numbered(record: Any) -> list[Any]:
    """Return the values of the keys *1, *2, ..."""
    n = sum(1 for key in record if str(key).startswith("*"))
    return [record[f"*{i + 1}"] for i in range(n)]


def _kinds(record: Mapping[str, Any]) -> list[str]:
    """Return the kind of coordinate of each axis of the region."""
    kinds: dict[int, str] = {}
    for key, value in record["coordinates"].items():
        name = str(key).rstrip("0123456789")
        if name in ("direction", "spectral", "stokes", "linear", "tabular") and isinstance(value, Mapping):
            number = str(key)[len(name) :]
            for i, pixel in enumerate(record["coordinates"].get(f"pixelmap{number}", [])):
                kinds[int(pixel)] = f"direction{i}" if name == "direction" else name
    one = 1 if record.get("oneRel", True) else 0
    return [kinds[int(axis) - one] for axis in record["pixelAxes"]]


def _frame(record: Mapping[str, Any]) -> str | None:
    for key, value in record["coordinates"].items():
        if str(key).startswith("direction"):
            return str(value["system"])
    return None


def _measure(value: float, unit: str, record: Mapping[str, Any]) -> Measure:
    if unit == "pix":
        return Measure(float(value) - (1.0 if record.get("oneRel", True) else 0.0), "pix")
    return _length(value, unit)


def _length(value: float, unit: str) -> Measure:
    if unit == "pix":
        return Measure(float(value), "pix")
    if unit not in _DEGREES:
        raise RegionError(f"{unit!r} is no unit of an angle in a region record")
    return Measure(float(value) * _DEGREES[unit])


def _absolute(record: Mapping[str, Any]) -> None:
    given = record.get("absrel", 1)
    values = [int(v) for v in given] if hasattr(given, "__len__") else [int(given)]
    if set(values) - {1}:
        raise RegionError("a world region with relative positions has no counterpart")


def _sky(record: Mapping[str, Any], point: Point) -> str | None:
    return None if point.in_pixels else _frame(record)


def _polygon(record: Mapping[str, Any]) -> Region:
    _absolute(record)
    if _kinds(record) != ["direction0", "direction1"]:
        raise RegionError("a polygon on other axes than those of the sky has no counterpart")
    xs, ys = ([_measure(v, record[key]["unit"], record) for v in record[key]["value"]] for key in ("x", "y"))
    corners = tuple(checked_point(x, y) for x, y in zip(xs, ys, strict=True))
    if len(corners) == 4 and len(set(corners)) == 4:
        a, b, c, d = corners
        if (b, d) == (Point(c.x, a.y), Point(a.x, c.y)):  # a box between two corners is written like this
            return WorldBox(a, c, _sky(record, a))
    return WorldPolygon(corners, _sky(record, corners[0]))


def _ellipse(record: Mapping[str, Any]) -> Region:
    _absolute(record)
    if _kinds(record) != ["direction0", "direction1"]:
        raise RegionError("an ellipsoid on other axes than those of the sky has no counterpart")
    # Pixels count from 0 here, unlike in boxes and polygons (measured on casacore).
    x, y = (_length(q["value"], q["unit"]) for q in _numbered(record["center"]))
    centre = checked_point(x, y)
    if "radius" in record:
        radius = record["radius"]
        return Circle(centre, _length(radius["value"], radius["unit"]), _sky(record, centre))
    radii = _numbered(record["radii"])
    a, b = (_length(q["value"], q["unit"]) for q in radii)
    theta = record.get("theta", {"value": math.pi / 2, "unit": "rad"})
    angle = _length(theta["value"], theta["unit"]).value - 90
    return Ellipse(centre, (a, b), angle, _sky(record, centre))


def _box(record: Mapping[str, Any]) -> Region:
    _absolute(record)
    kinds = _kinds(record)
    blc, trc = (dict(zip(kinds, _numbered(record[key]), strict=True)) for key in ("blc", "trc"))
    parts: list[Region] = []
    if "direction0" in kinds or "direction1" in kinds:
        if not {"direction0", "direction1"} <= set(kinds):
            raise RegionError("a box on one of the sky axes alone has no counterpart")
        ends = [
            checked_point(
                *(_measure(c[k]["value"], c[k]["unit"], record) for k in ("direction0", "direction1"))
            )
            for c in (blc, trc)
        ]
        parts.append(CornerBox(ends[0], ends[1], _sky(record, ends[0])))
    if "spectral" in kinds:
        parts.append(SpectralRange(_place(blc["spectral"], record), _place(trc["spectral"], record)))
    if "stokes" in kinds:
        codes = sorted(round(c["stokes"]["value"]) for c in (blc, trc))
        parts.append(StokesSelection(_stokes(record["coordinates"], codes)))
    if set(kinds) - {"direction0", "direction1", "spectral", "stokes"} or not parts:
        raise RegionError("a box on other axes than sky, spectrum and Stokes has no counterpart")
    return reduce(And, parts)


def _stokes(coordinates: Mapping[str, Any], codes: Sequence[int]) -> tuple[str, ...]:
    """Return the parameters from one to another: those between them on their axis, not by number."""
    first, last = (_CODES[code] for code in codes)
    for key, value in coordinates.items():
        if str(key).startswith("stokes") and isinstance(value, Mapping):
            names = [str(name) for name in value.get("stokes", [])]
            if first in names and last in names:
                low, high = sorted((names.index(first), names.index(last)))
                return tuple(names[low : high + 1])
    return tuple(_CODES[code] for code in range(codes[0], codes[1] + 1))


def _place(quantity: Any, record: Mapping[str, Any]) -> tuple[float, str]:
    value, unit = float(quantity["value"]), str(quantity["unit"])
    if unit == "pix":
        return value - (1.0 if record.get("oneRel", True) else 0.0), "chan"
    return read_spectral(f"{value!r}{unit}")


def _parts(record: Mapping[str, Any]) -> list[Region]:
    return [from_record(part) for part in _numbered(record["regions"])]


def _difference(record: Mapping[str, Any]) -> Region:
    first, second = _parts(record)
    if isinstance(first, Circle) and isinstance(second, Circle):
        same = first.centre == second.centre and first.frame == second.frame
        units, sizes = zip(*((r.radius.unit, r.radius.value) for r in (second, first)), strict=True)
        if same and len(set(units)) == 1 and sizes[0] < sizes[1]:
            return Annulus(first.centre, second.radius, first.radius, first.frame)
    return Difference(first, second)


def _union(record: Mapping[str, Any]) -> Region:
    parts = _parts(record)
    if all(isinstance(p, StokesSelection) for p in parts):
        return StokesSelection(tuple(name for p in parts for name in p.names))  # type: ignore[attr-defined]
    return reduce(Or, parts)


def _complement(record: Mapping[str, Any]) -> Region:
    (part,) = _parts(record)
    return Complement(part)


_READERS: dict[str, Callable[[Mapping[str, Any]], Region]] = {
    **PIXEL_READERS,
    "WCBox": _box,
    "WCPolygon": _polygon,
    "WCEllipsoid": _ellipse,
    "WCUnion": _union,
    "WCIntersection": lambda record: reduce(And, _parts(record)),
    "WCDifference": _difference,
    "WCComplement": _complement,
    "WCExtension": lambda record: reduce(And, _parts(record)),
}
