"""Regions of the astropy package `regions`, and through it DS9 files.

The package is needed for this module only: ``pip install 'lattice-images[regions]'``.  Its shapes count
pixels from 0 as lattice does; its position angles of boxes and ellipses are counterclockwise from the
longitude axis, those of lattice from north through east.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from lattice.errors import LatticeError, LatticeTypeError, RegionError, StorageError
from lattice.regions.base import Region
from lattice.regions.crtf_write import as_items
from lattice.regions.listing import Annotation, RegionItem, RegionList
from lattice.regions.measures import FRAMES, Measure, Point, astropy_frame, frame_name, point
from lattice.regions.world import Annulus, CenterBox, Circle, Ellipse, RotatedBox, WorldBox, WorldPolygon

__all__ = ["from_astropy", "from_ds9", "to_astropy", "to_ds9"]


def _package() -> Any:
    try:
        import regions
    except ImportError:
        raise LatticeError(
            "DS9 files and astropy's regions need the package regions, which is not installed",
            hint="pip install 'lattice-images[regions]'",
        ) from None
    return regions


def from_ds9(text: str | os.PathLike[str]) -> RegionList:
    """Read regions from DS9 text or a DS9 file.

    Parameters
    ----------
    text : str or path
        The text, or the name of a file. A str is a text if it has a bracket or a line feed.

    Raises
    ------
    RegionError
        When the text cannot be read, or has a shape that lattice lacks.

    Examples
    --------
    >>> from lattice.regions import from_ds9
    >>> from_ds9("image; circle(11, 21, 3)").items[0].shape.centre.x
    Measure(value=10.0, unit='pix')
    """
    package = _package()
    if not isinstance(text, str | os.PathLike):
        raise LatticeTypeError(f"a region text is a str or a path, not {type(text).__name__}")
    if not (isinstance(text, str) and (not text.strip() or any(mark in text for mark in "(\n;"))):
        try:
            text = Path(text).read_text(encoding="utf-8-sig")
        except (OSError, ValueError) as error:
            raise StorageError(f"cannot read the region file {os.fspath(text)!r}: {error}") from None
    import warnings

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what it skips is missed below
            found = package.Regions.parse(text, format="ds9")
    except Exception as error:  # the package raises whatever its parts raise
        raise RegionError(
            f"the DS9 text cannot be read: {str(error).splitlines()[0] if str(error) else error!r}"
        ) from None
    return from_astropy(found)


def to_ds9(region: Region, frame: str | None = None) -> str:
    """Return a region as the text of a DS9 file.

    Ranges and Stokes parameters have no place there, and are an error.

    Parameters
    ----------
    region : Region
        As for `to_crtf`; annotations are left out.
    frame : str, optional
        Frame of the positions on the sky that have none of their own: that of the image.
    """
    package = _package()
    lines = ["# Region file format: DS9"]
    for shape in to_astropy(region, frame):
        sign = (
            "" if shape.meta.pop("include", True) else "-"
        )  # the package would not read back what it writes
        *_, frame, text = package.Regions([shape]).serialize(format="ds9", precision=12).strip().splitlines()
        lines.append(f"{frame}; {sign}{text}")
    return "\n".join(lines) + "\n"


def from_astropy(shapes: Any) -> RegionList:
    """Return shapes of the astropy package `regions` as a list of regions.

    Parameters
    ----------
    shapes : regions.Region or sequence of them
        Those with ``include`` false in their meta data take away. Lines, texts and points are kept as
        annotations.
    """
    _package()
    several = getattr(shapes, "regions", shapes)  # a Regions object holds a list
    found = list(several) if isinstance(several, Iterable) else [several]
    items = []
    for shape in found:
        name = type(shape).__name__
        kind = name.removesuffix("Region").removesuffix("Pixel").removesuffix("Sky")
        if not name.endswith(("PixelRegion", "SkyRegion")) or kind not in _READERS:
            raise RegionError(f"astropy's {name} has no counterpart", hint=f"known are {', '.join(_READERS)}")
        include = dict(getattr(shape, "meta", None) or {}).get("include", True)
        sign = "-" if include in (False, "-", 0) else "+"
        made: Region | Annotation = _READERS[kind](shape)
        items.append(RegionItem(made, "ann" if isinstance(made, Annotation) else sign))
    return RegionList(tuple(items))


def _point(place: Any) -> tuple[Point, str | None]:
    """Return a PixCoord or a SkyCoord as a position, with its frame."""
    if hasattr(place, "x") and not hasattr(place, "spherical"):
        return point((Measure(float(place.x), "pix"), Measure(float(place.y), "pix"))), None
    for name in FRAMES:
        frame = astropy_frame(name)
        if place.frame.is_equivalent_frame(frame):
            return point((float(place.spherical.lon.deg), float(place.spherical.lat.deg))), name
    moved = place.icrs
    return point((float(moved.ra.deg), float(moved.dec.deg))), "ICRS"


def _length(value: Any) -> Measure:
    return Measure(float(value.to_value("deg"))) if hasattr(value, "unit") else Measure(float(value), "pix")


def _half(value: Any) -> Measure:
    full = _length(value)
    return Measure(full.value / 2, full.unit)


def _circle(shape: Any) -> Region:
    centre, frame = _point(shape.center)
    return Circle(centre, _length(shape.radius), frame)


def _annulus(shape: Any) -> Region:
    centre, frame = _point(shape.center)
    return Annulus(centre, _length(shape.inner_radius), _length(shape.outer_radius), frame)


def _ellipse(shape: Any) -> Region:
    centre, frame = _point(shape.center)
    # Their width lies along the longitude axis: the height is the half-axis that points north.
    return Ellipse(
        centre, (_half(shape.height), _half(shape.width)), float(shape.angle.to_value("deg")), frame
    )


def _rectangle(shape: Any) -> Region:
    centre, frame = _point(shape.center)
    size = (_length(shape.width), _length(shape.height))
    angle = float(shape.angle.to_value("deg"))
    return RotatedBox(centre, size, angle, frame) if angle else CenterBox(centre, size, frame)


def _vertices(shape: Any) -> Region:
    places = shape.vertices
    if hasattr(places, "x") and not hasattr(places, "spherical"):
        pairs = zip(np.atleast_1d(places.x), np.atleast_1d(places.y), strict=True)
        return WorldPolygon(tuple((Measure(float(x), "pix"), Measure(float(y), "pix")) for x, y in pairs))
    found = [_point(place) for place in places]
    if not found:
        raise RegionError("a polygon needs three corners at least, not 0")
    return WorldPolygon(tuple(p for p, _ in found), frame=found[0][1])


def _line(shape: Any) -> Annotation:
    (start, frame), (end, _) = _point(shape.start), _point(shape.end)
    return Annotation("line", (start, end), frame=frame)


def _mark(shape: Any) -> Annotation:
    centre, frame = _point(shape.center)
    return Annotation("symbol", (centre,), "+", frame)


def _text(shape: Any) -> Annotation:
    centre, frame = _point(shape.center)
    return Annotation("text", (centre,), str(shape.text), frame)


_READERS: dict[str, Callable[[Any], Region | Annotation]] = {
    "Circle": _circle,
    "CircleAnnulus": _annulus,
    "Ellipse": _ellipse,
    "Rectangle": _rectangle,
    "Polygon": _vertices,
    "RegularPolygon": _vertices,
    "Line": _line,
    "Point": _mark,
    "Text": _text,
}


def to_astropy(region: Region, frame: str | None = None) -> list[Any]:
    """Return a region as shapes of the astropy package `regions`.

    Parameters
    ----------
    region : Region
        As for `to_crtf`; annotations are left out.
    frame : str, optional
        Frame of the positions on the sky that have none of their own: that of the image.

    Returns
    -------
    list of regions.Region
        In file order; those that take away have ``include`` false in their meta data.
    """
    package = _package()
    out = []
    for item in as_items(region):
        if item.selects and (item.spectral is not None or item.stokes is not None):
            raise RegionError("shapes of astropy's regions have no ranges and no Stokes parameters")
        if item.selects:
            shape = _made(package, item.shape, frame_name(frame))
            shape.meta["include"] = item.sign != "-"
            out.append(shape)
    return out


def _made(package: Any, shape: Any, frame: str | None) -> Any:
    from astropy import units as u

    centre = getattr(shape, "centre", None)
    pixels = (centre or (shape.first if isinstance(shape, WorldBox) else shape.corners[0])).in_pixels
    lengths = [m for name in ("size", "half_axes") for m in getattr(shape, name, ())] + [
        getattr(shape, name) for name in ("radius", "inner", "outer") if hasattr(shape, name)
    ]
    if any(m.in_pixels != pixels for m in lengths):
        raise RegionError("astropy's shapes have positions and lengths both in pixels or both on the sky")

    def place(*points: Point) -> Any:
        xs, ys = [p.x.value for p in points], [p.y.value for p in points]
        if pixels:
            single = len(points) == 1
            return package.PixCoord(xs[0] if single else xs, ys[0] if single else ys)
        from astropy.coordinates import SkyCoord

        name = shape.frame or frame
        if name is None:
            raise RegionError(
                f"the {shape.noun} is in the frame of the image at hand, and shapes of astropy need one",
                hint='say which by frame="J2000", say',
            )
        made = SkyCoord(xs, ys, unit="deg", frame=astropy_frame(name))
        return made[0] if len(points) == 1 else made

    def length(m: Measure, times: float = 1.0) -> Any:
        return m.value * times if pixels else m.value * times * u.deg

    def new(kind: str, *values: Any, **more: Any) -> Any:
        return getattr(package, f"{kind}{'Pixel' if pixels else 'Sky'}Region")(*values, **more)

    if isinstance(shape, WorldBox):
        a, b = shape.first, shape.second
        return new("Polygon", place(a, Point(b.x, a.y), b, Point(a.x, b.y)))
    if isinstance(shape, WorldPolygon):
        return new("Polygon", place(*shape.corners))
    if isinstance(shape, Circle):
        return new("Circle", place(shape.centre), length(shape.radius))
    if isinstance(shape, Annulus):
        return new("CircleAnnulus", place(shape.centre), length(shape.inner), length(shape.outer))
    if isinstance(shape, Ellipse):
        major, minor = shape.half_axes
        angle = shape.angle * u.deg
        return new("Ellipse", place(shape.centre), length(minor, 2), length(major, 2), angle=angle)
    angle = getattr(shape, "angle", 0.0) * u.deg
    return new("Rectangle", place(shape.centre), length(shape.size[0]), length(shape.size[1]), angle=angle)
