"""Writes regions in the CASA region text format (CRTF): as which items, and how these are spelled."""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import Any

from lattice.errors import LatticeTypeError, RegionError
from lattice.regions.axes import AxisPolygon
from lattice.regions.base import Region
from lattice.regions.compound import And, Complement, Difference, Or
from lattice.regions.listing import Annotation, RegionItem, RegionList
from lattice.regions.measures import Measure, Point
from lattice.regions.pixel import PixelBox, PixelEllipsoid, PixelPolygon
from lattice.regions.plane import Layers, PixelEllipse
from lattice.regions.ranges import SpectralRange, StokesSelection
from lattice.regions.strings import PixelBoxes
from lattice.regions.world import Annulus, CenterBox, Circle, Ellipse, RotatedBox, WorldBox, WorldPolygon

__all__ = ["as_items", "to_crtf"]

_QUOTED = ("label", "linestyle", "labelpos", "font", "fontstyle", "color", "labelcolor")


def to_crtf(region: Region) -> str:
    """Return a region as the text of a CRTF file.

    Positions and lengths are written in degrees or pixels with all their digits.

    Parameters
    ----------
    region : Region
        A shape on the sky or in the plane of pixels, a list of regions, or what ``|``, ``-``, ``~`` and
        (with ranges and Stokes parameters) ``&`` make of them, as far as items in file order can say it.

    Raises
    ------
    RegionError
        When the format has no way to say it.

    Examples
    --------
    >>> from lattice.regions import Circle, to_crtf
    >>> print(to_crtf(Circle((187.5, 12.25), "0.5deg", "J2000") - Circle(("4pix", "7pix"), "2pix")))
    #CRTFv0
    circle[[187.5deg, 12.25deg], 0.5deg], coord=J2000
    -circle[[4.0pix, 7.0pix], 2.0pix]
    """
    lines = ["#CRTFv0"]
    lines += [_line(item) for item in as_items(region)]
    return "\n".join(lines)


# -- which items ---------------------------------------------------------------------------------------


def as_items(region: Region) -> tuple[RegionItem, ...]:
    """Return the items, in file order, that select what a region selects.

    Raises
    ------
    RegionError
        When there are none.
    """
    if not isinstance(region, Region):
        raise LatticeTypeError(f"a region is needed, not {type(region).__name__}")
    if isinstance(region, RegionList):
        return tuple(part for item in region.items for part in _as_shapes(item))
    if isinstance(region, Or):
        first, second = as_items(region.a), as_items(region.b)
        _check_adds(region.b, second)
        if _takes(first) and not _adds(first):
            raise RegionError("a region text cannot say this: what is outside one region, joined to another")
        return first + second
    if isinstance(region, Difference):
        first, second = as_items(region.a), as_items(region.b)
        _check_adds(region.b, second)
        return first + tuple(replace(item, sign="-") if item.selects else item for item in second)
    if isinstance(region, Complement):
        inner = as_items(region.a)
        _check_adds(region.a, inner)
        return tuple(replace(item, sign="-") if item.selects else item for item in inner)
    if isinstance(region, And):
        return _limited(region)
    if isinstance(region, PixelBoxes):
        return tuple(
            RegionItem(WorldBox(_pixels(x1, y1), _pixels(x2, y2))) for x1, y1, x2, y2 in region.corners
        )
    return (RegionItem(_shape(region)),)


def _as_shapes(item: RegionItem) -> tuple[RegionItem, ...]:
    """Return an item of any region as items of shapes of the format."""
    if isinstance(item.shape, Annotation):
        return (item,)
    if isinstance(item.shape, PixelBoxes):
        return tuple(replace(item, shape=part.shape) for part in as_items(item.shape))
    return (replace(item, shape=_shape(item.shape)),)


def _adds(items: tuple[RegionItem, ...]) -> bool:
    return any(item.selects and item.sign == "+" for item in items)


def _takes(items: tuple[RegionItem, ...]) -> bool:
    return any(item.selects and item.sign == "-" for item in items)


def _check_adds(region: Region, items: tuple[RegionItem, ...]) -> None:
    if _takes(items):
        raise RegionError(
            f"a region text cannot say this: a {region.noun} that takes away is part of another",
            hint="items apply one after the other: write a - b, or a | b, with b of single shapes",
        )


def _limited(region: And) -> tuple[RegionItem, ...]:
    """Return items with the ranges and Stokes parameters that they are and-ed with."""
    for shape, limit in ((region.a, region.b), (region.b, region.a)):
        if isinstance(limit, SpectralRange | StokesSelection):
            key = "spectral" if isinstance(limit, SpectralRange) else "stokes"
            items = as_items(shape)
            if (_takes(items) and not _adds(items)) or any(getattr(i, key) is not None for i in items):
                break
            change: dict[str, Any] = {key: limit}
            return tuple(replace(i, **change) if i.selects else i for i in items)
    raise RegionError(
        "a region text cannot say this intersection",
        hint="only ranges and Stokes parameters can be intersected with shapes; use |, - and ~",
    )


def _pixels(x: float, y: float) -> Point:
    return Point(Measure(float(x), "pix"), Measure(float(y), "pix"))


def _shape(region: Region) -> Region:
    """Return the shape of the plane that a region is, as one of the format."""
    if isinstance(region, WorldBox | CenterBox | RotatedBox | Circle | Annulus | Ellipse | WorldPolygon):
        return region
    axes = getattr(region, "axes", None)
    if isinstance(region, PixelBox) and len(region.blc) == 2 and region.inc is None:
        return WorldBox(_pixels(region.blc[1], region.blc[0]), _pixels(region.trc[1], region.trc[0]))
    if isinstance(region, PixelEllipsoid) and len(region.centre) == 2:
        return _ellipse(region.centre, region.radii, 0.0)
    if isinstance(region, PixelEllipse) and axes == (-2, -1):
        return _ellipse(region.centre, region.radii, region.angle)
    if (isinstance(region, PixelPolygon) and axes == (-2, -1)) or (
        isinstance(region, AxisPolygon) and axes == ("latitude", "longitude")
    ):
        corners = (_pixels(x, y) for x, y in zip(region.x, region.y, strict=True))
        return WorldPolygon(tuple(corners))
    if isinstance(region, Layers):
        raise RegionError("a fitted list of regions cannot be written; write the list itself")
    raise RegionError(
        f"a region text has no form for this {region.noun}",
        hint="it has shapes in a plane, with ranges and Stokes parameters",
    )


def _ellipse(centre: Any, radii: Any, angle: float) -> Region:
    place = _pixels(centre[1], centre[0])
    if radii[0] == radii[1]:
        return Circle(place, Measure(radii[0], "pix"))
    return Ellipse(place, (Measure(radii[0], "pix"), Measure(radii[1], "pix")), angle)


# -- how they are spelled --------------------------------------------------------------------------------


def _line(item: RegionItem) -> str:
    prefix = {"+": "", "-": "-", "ann": "ann "}[item.sign]
    if isinstance(item.shape, Annotation):
        prefix = ""
    pairs = []
    frame = getattr(item.shape, "frame", None)
    if frame is not None:
        pairs.append(f"coord={frame}")
    if item.spectral is not None:
        spectral = item.spectral
        ends = ", ".join(f"{value!r}{unit}" for value, unit in (spectral.first, spectral.last))
        pairs.append(f"range=[{ends}]")
        if spectral.frame is not None:
            pairs.append(f"frame={spectral.frame}")
        if spectral.convention is not None:
            pairs.append(f"veltype={spectral.convention}")
        if spectral.rest is not None:
            pairs.append(f"restfreq={spectral.rest!r}Hz")
    if item.stokes is not None:
        pairs.append(f"corr=[{', '.join(item.stokes.names)}]")
    pairs += [f"{key}={_style(key, value)}" for key, value in item.style]
    return ", ".join([prefix + _spelled(item.shape), *pairs])


def _style(key: str, value: str) -> str:
    if key not in _QUOTED:
        return value
    mark = '"' if "'" in value else "'"
    return f"{mark}{value}{mark}"


@functools.singledispatch
def _spelled(shape: Any) -> str:
    raise RegionError(f"a region text has no form for this {shape.noun}")


def _measure(m: Measure) -> str:
    return f"{m.value!r}{m.unit}"


def _at(p: Point) -> str:
    return f"[{_measure(p.x)}, {_measure(p.y)}]"


def _pair(two: tuple[Measure, Measure]) -> str:
    return f"[{_measure(two[0])}, {_measure(two[1])}]"


@_spelled.register
def _(shape: WorldBox) -> str:
    return f"box[{_at(shape.first)}, {_at(shape.second)}]"


@_spelled.register
def _(shape: CenterBox) -> str:
    return f"centerbox[{_at(shape.centre)}, {_pair(shape.size)}]"


@_spelled.register
def _(shape: RotatedBox) -> str:
    return f"rotbox[{_at(shape.centre)}, {_pair(shape.size)}, {shape.angle!r}deg]"


@_spelled.register
def _(shape: WorldPolygon) -> str:
    return f"poly[{', '.join(_at(p) for p in shape.corners)}]"


@_spelled.register
def _(shape: Circle) -> str:
    return f"circle[{_at(shape.centre)}, {_measure(shape.radius)}]"


@_spelled.register
def _(shape: Annulus) -> str:
    return f"annulus[{_at(shape.centre)}, {_pair((shape.inner, shape.outer))}]"


@_spelled.register
def _(shape: Ellipse) -> str:
    return f"ellipse[{_at(shape.centre)}, {_pair(shape.half_axes)}, {shape.angle!r}deg]"


@_spelled.register
def _(shape: Annotation) -> str:
    if shape.kind in ("line", "vector"):
        return f"{shape.kind}[{_at(shape.points[0])}, {_at(shape.points[1])}]"
    mark = '"' if "'" in shape.text else "'"
    text = shape.text if shape.kind == "symbol" else f"{mark}{shape.text}{mark}"
    return f"{shape.kind}[{_at(shape.points[0])}, {text}]"
