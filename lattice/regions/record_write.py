"""Writes region records, as CASA's region manager makes them and as its images keep them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lattice.errors import LatticeTypeError, RegionError
from lattice.graph.attributes import Attributes
from lattice.regions.base import Region
from lattice.regions.compound import And, Complement, Difference, Or
from lattice.regions.listing import RegionList
from lattice.regions.measures import Measure, Point, astropy_frame, frame_name
from lattice.regions.pixel_records import joined_records, pixel_record
from lattice.regions.plane import PixelEllipse
from lattice.regions.ranges import POLARIZATIONS, ChannelSelection, SpectralRange, StokesSelection
from lattice.regions.records import CornerBox
from lattice.regions.relative import RelativeBox
from lattice.regions.skyplane import north_turn, sky_corners, sky_of
from lattice.regions.strings import PixelBoxes
from lattice.regions.world import (
    Annulus,
    CenterBox,
    Circle,
    Ellipse,
    RotatedBox,
    WorldBox,
    WorldPolygon,
    turned_corners,
)

__all__ = ["to_record"]

_STEPS_OF_STOKES = 4  # I, Q, U, V follow each other in every image; correlations need not


def to_record(
    region: Region, coords_record: Mapping[str, Any] | None = None, attrs: Attributes | None = None
) -> dict[str, Any]:
    """Return the record of a region.

    World regions become WC records, which hold for any image and name the coordinates that they speak of;
    pixel regions, which have a shape, become LC records; strided and relative boxes slicers.

    Parameters
    ----------
    region : Region
        Any region.
    coords_record : mapping, optional
        Coordinates of the image to which it belongs, as CASA writes them (``coords`` of an image, or the
        record of its coordinate system). World regions need it; it becomes part of their records, and
        positions are written in its frames.
    attrs : Attributes, optional
        Shape and coordinates of that image. Needed by pixel regions without a shape, and by world regions
        that mean nothing without pixels: velocities, lengths in pixels around places on the sky, channels up
        to the last.

    Returns
    -------
    dict
        Nested dicts of numbers, texts and arrays: vectors with the fastest axis first, masks in the order of
        numpy. `from_record` makes a region with the same pixels of it: an equal one, but that boxes with a
        size come back as polygons of their corners, and positions in the frame of the coordinates.

    Raises
    ------
    RegionError
        When coordinates or shape are missing, and for what no record can say.

    Examples
    --------
    >>> from lattice.regions import PixelBox, from_record, to_record
    >>> box = PixelBox((1, 2), (3, 5), shape=(8, 9))
    >>> record = to_record(box)
    >>> record["name"], record["blc"], from_record(record) == box
    ('LCBox', array([3., 2.], dtype=float32), True)
    """
    if not isinstance(region, Region):
        raise LatticeTypeError(f"a {type(region).__name__} is no region")
    if region.kind == "slicer" or isinstance(region, RelativeBox):
        return pixel_record(region)
    if region.kind == "pixel":
        if region.shape is None and getattr(region, "inc", None) is None:
            region = region.fit(_needed(attrs, "a pixel region without a shape"))
        return pixel_record(region)
    if not _speaks_of_the_world(region):
        return pixel_record(region.fit(_needed(attrs, f"a {region.noun} on axes by name")))
    if coords_record is None:
        raise RegionError(
            f"the record of a {region.noun} in world coordinates needs those of its image",
            hint="give coords_record=, or fit the region to the image first",
        )
    return _Writer(_Coordinates.of(coords_record), attrs).write(region)


def _needed(attrs: Attributes | None, what: str) -> Attributes:
    if attrs is None:
        raise RegionError(f"{what} needs the image to become a record", hint="give attrs=")
    return attrs


def _speaks_of_the_world(region: Region) -> bool:
    """Tell whether a region is made of shapes that have WC records."""
    if isinstance(region, And | Or | Difference | Complement):
        return all(_speaks_of_the_world(part) for part in region.parts)
    return isinstance(region, tuple(_METHODS))


@dataclass(frozen=True)
class _Coordinates:
    """What a record of coordinates says: the axes (from 1) and the frames."""

    record: Mapping[str, Any]
    axes: dict[str, int]
    frame: str | None
    spectral_frame: str

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> _Coordinates:
        axes: dict[str, int] = {}
        frame, spectral = None, ""
        try:
            for key, value in record.items():
                name = str(key).rstrip("0123456789")
                number = str(key)[len(name) :]
                if name not in ("direction", "spectral", "stokes") or not number:
                    continue
                for i, pixel in enumerate(record[f"pixelmap{number}"]):
                    axes[f"direction{i}" if name == "direction" else name] = int(pixel) + 1
                if name == "direction":
                    frame = str(value["system"])
                if name == "spectral":
                    spectral = str(value.get("system", ""))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise RegionError(f"the record of coordinates is malformed: {error!r}") from None
        return cls(record, axes, frame, spectral)

    def axis(self, name: str, noun: str) -> int:
        number = self.axes.get(name, 0)
        if number < 1:
            kind = "sky" if name.startswith("direction") else name
            raise RegionError(f"a {noun} needs a {kind} axis, which the coordinates have not")
        return number


_Limit = tuple[str, dict[str, Any], dict[str, Any]]  # axis, first and last as quantities


def _quantity(value: Any, unit: str) -> dict[str, Any]:
    return {"value": value, "unit": unit}


def _numbered(values: Sequence[Any]) -> dict[str, Any]:
    return {f"*{i + 1}": value for i, value in enumerate(values)}


class _Writer:
    """Writes world regions of one image."""

    def __init__(self, coords: _Coordinates, attrs: Attributes | None) -> None:
        self.coords = coords
        self.attrs = attrs

    def write(self, region: Region) -> dict[str, Any]:
        for kind, method in _METHODS.items():
            if isinstance(region, kind):
                return method(self, region)
        raise RegionError(f"no region record describes a {region.noun} together with world regions")

    def _record(self, name: str, axes: Sequence[int], absrel: Any = 1, **fields: Any) -> dict[str, Any]:
        return {
            "isRegion": 2, "name": name, "comment": "", "oneRel": True, "absrel": absrel,
            "pixelAxes": np.array(axes, np.int32), **fields, "coordinates": self.coords.record,
        }  # fmt: skip

    def _plane(self, noun: str) -> list[int]:
        return [self.coords.axis(f"direction{i}", noun) for i in (0, 1)]

    # -- positions ---------------------------------------------------------------------------------

    def _positions(self, points: Sequence[Point], frame: str | None) -> tuple[np.ndarray, np.ndarray, str]:
        """Return x and y of positions, and their unit; on the sky in the frame of the coordinates."""
        x, y = (np.array([getattr(p, name).value for p in points], float) for name in ("x", "y"))
        if points[0].in_pixels:
            return x + 1, y + 1, "pix"
        own = self._frame(frame)
        if own is not None:
            sky = sky_of(x, y, astropy_frame(own[0])).transform_to(astropy_frame(own[1]))
            x, y = sky.spherical.lon.deg, sky.spherical.lat.deg
        return x, y, "deg"

    def _frame(self, frame: str | None) -> tuple[str, str] | None:
        """Return from which frame to which positions have to be taken, None if they are there."""
        if frame is None or frame == self.coords.frame:
            return None
        return frame, frame_name(self.coords.frame) or frame

    def _polygon(self, noun: str, points: Sequence[Point], frame: str | None) -> dict[str, Any]:
        return self._corners(noun, *self._positions(points, frame))

    def _corners(self, noun: str, x: Any, y: Any, unit: str) -> dict[str, Any]:
        return self._record("WCPolygon", self._plane(noun), x=_quantity(x, unit), y=_quantity(y, unit))

    # -- shapes ------------------------------------------------------------------------------------

    def polygon(self, region: WorldPolygon) -> dict[str, Any]:
        return self._polygon(region.noun, region.corners, region.frame)

    def box(self, region: WorldBox) -> dict[str, Any]:
        a, b = region.first, region.second
        return self._polygon(region.noun, [a, Point(b.x, a.y), b, Point(a.x, b.y)], region.frame)

    def corner_box(self, region: CornerBox) -> dict[str, Any]:
        x, y, unit = self._positions([region.first, region.second], region.frame)
        names = ("direction0", "direction1")
        ends = [[_quantity(float(v[i]), unit) for v in (x, y)] for i in (0, 1)]
        return self._box([(name, a, b) for name, a, b in zip(names, *ends, strict=True)])

    def turned_box(self, region: CenterBox | RotatedBox) -> dict[str, Any]:
        """Write the corners of a box: on the sky where it lies there, in pixels else."""
        angle = float(getattr(region, "angle", 0.0))
        in_pixels = {m.in_pixels for m in (region.centre.x, *region.size)}
        if in_pixels == {False}:
            x, y = sky_corners(region.centre, region.size, angle)
            points = [Point(Measure(float(a)), Measure(float(b))) for a, b in zip(x, y, strict=True)]
            return self._polygon(region.noun, points, region.frame)
        if in_pixels == {True}:
            x, y = turned_corners(region.size, angle)
            return self._corners(
                region.noun, region.centre.x.value + x + 1, region.centre.y.value + y + 1, "pix"
            )
        attrs = _needed(self.attrs, f"a {region.noun} that is partly in pixels and partly on the sky")
        x, y = region.corners(attrs)
        return self._corners(region.noun, x + 1, y + 1, "pix")

    def pixel_boxes(self, region: PixelBoxes) -> dict[str, Any]:
        found = []
        for x0, y0, x1, y1 in region.corners:
            pairs = (("direction0", x0, x1), ("direction1", y0, y1))
            found.append(
                self._box([(n, _quantity(a + 1.0, "pix"), _quantity(b + 1.0, "pix")) for n, a, b in pairs])
            )
        return found[0] if len(found) == 1 else joined_records("WC", "Union", found)

    def circle(self, region: Circle) -> dict[str, Any]:
        return self._circle(region, region.radius)

    def _circle(self, region: Circle | Annulus, radius: Measure) -> dict[str, Any]:
        return self._ellipsoid(region, 1, 0.0, radius=_quantity(radius.value, radius.unit))

    def _ellipsoid(self, region: Any, kind: int, theta: float, **fields: Any) -> dict[str, Any]:
        x, y, unit = self._positions([region.centre], region.frame)
        if unit == "pix":  # in ellipsoids casacore counts pixels from 0, whatever oneRel says (measured)
            x, y = x - 1, y - 1
        centre = _numbered([_quantity(float(x[0]), unit), _quantity(float(y[0]), unit)])
        plane = self._plane(region.noun)
        turn = _quantity(theta, "deg")
        return self._record("WCEllipsoid", plane, center=centre, type=kind, theta=turn, **fields)

    def annulus(self, region: Annulus) -> dict[str, Any]:
        return joined_records(
            "WC", "Difference", [self._circle(region, region.outer), self._circle(region, region.inner)]
        )

    def ellipse(self, region: Ellipse) -> dict[str, Any]:
        (a, b), angle = region.half_axes, region.angle
        if a.unit != b.unit:  # it means nothing without the image, and there it is one in pixels
            fitted = region.fit(
                _needed(self.attrs, "an ellipse with one half-axis in pixels, one on the sky,")
            )
            assert isinstance(fitted, PixelEllipse)
            (ry, rx), (y, x) = fitted.radii, fitted.centre
            pixels = Ellipse((f"{x!r}pix", f"{y!r}pix"), (f"{rx!r}pix", f"{ry!r}pix"), fitted.angle - 90)
            return self.ellipse(pixels)
        if a.value < b.value:  # the longer half-axis comes first
            a, b, angle = b, a, angle + 90
        own = self._frame(region.frame)
        if own is not None and not region.centre.in_pixels:
            place = region.centre.x.value, region.centre.y.value
            angle += north_turn(place, astropy_frame(own[0]), astropy_frame(own[1]))
        radii = _numbered([_quantity(m.value, m.unit) for m in (a, b)])
        return self._ellipsoid(region, 2, (angle + 90) % 360, radii=radii)

    # -- ranges ------------------------------------------------------------------------------------

    def limits(self, region: Region) -> list[_Limit]:
        """Return the boxes on the other axes that a range stands for; together they are the range."""
        if isinstance(region, SpectralRange):
            return [self._spectral(region)]
        if isinstance(region, ChannelSelection):
            if any(last is None for _, last in region.ranges):
                return self._channels(region)
            return [_pixels("spectral", first or 0, last or 0) for first, last in region.ranges]
        assert isinstance(region, StokesSelection)
        codes = sorted(POLARIZATIONS.index(name) + 1 for name in region.names)
        runs: list[list[int]] = []
        for code in codes:
            if runs and code == runs[-1][1] + 1 and code <= _STEPS_OF_STOKES:
                runs[-1][1] = code
            else:
                runs.append([code, code])
        return [("stokes", _quantity(float(a), ""), _quantity(float(b), "")) for a, b in runs]

    def _spectral(self, region: SpectralRange) -> _Limit:
        (low, unit), (high, _) = region.first, region.last
        if unit == "chan":
            return "spectral", _quantity(low + 1, "pix"), _quantity(high + 1, "pix")
        if unit == "Hz" and region.frame in (None, self.coords.spectral_frame):
            return "spectral", _quantity(low, "Hz"), _quantity(high, "Hz")
        return self._channels(region)[0]

    def _channels(self, region: SpectralRange | ChannelSelection) -> list[_Limit]:
        """Return the channels of the image that a range means."""
        attrs = _needed(self.attrs, f"a {region.noun} in other terms than those of the coordinates")
        fitted = region.fit(attrs)
        axis = attrs.coords.kinds.index("spectral") if attrs.coords is not None else 0
        boxes = [part for _, part in fitted.parts] if hasattr(fitted, "parts") else [fitted]
        return [_pixels("spectral", b.bounds()[axis].start, b.bounds()[axis].stop - 1) for b in boxes]

    def range(self, region: Region) -> dict[str, Any]:
        found = [self._box([limit]) for limit in self.limits(region)]
        return found[0] if len(found) == 1 else joined_records("WC", "Union", found)

    def _box(self, limits: Sequence[_Limit]) -> dict[str, Any]:
        axes = [self.coords.axis(name, "range" if name == "spectral" else "box") for name, _, _ in limits]
        blc, trc = (_numbered([limit[i] for limit in limits]) for i in (1, 2))
        return self._record("WCBox", axes, np.ones(len(axes), np.int32), blc=blc, trc=trc)

    # -- compounds ---------------------------------------------------------------------------------

    def both(self, region: And) -> dict[str, Any]:
        return self._within(list(_flat(region)))

    def _within(self, parts: Sequence[Region]) -> dict[str, Any]:
        """Write what belongs to all regions: shapes on the sky, extended to ranges of other axes."""
        ranges = [p for p in parts if isinstance(p, _RANGES)]
        shapes = [self.write(p) for p in parts if not isinstance(p, _RANGES)]
        kinds = [self.limits(p)[0][0] for p in ranges]
        taken = {int(a) for shape in shapes for a in _axes_of(shape)}
        if len(set(kinds)) < len(kinds) or taken & {self.coords.axis(k, "range") for k in kinds}:
            return joined_records("WC", "Intersection", [*shapes, *(self.range(p) for p in ranges)])
        if not shapes:
            found = [self._box(limits) for limits in itertools.product(*map(self.limits, ranges))]
        else:
            base = shapes[0] if len(shapes) == 1 else joined_records("WC", "Intersection", shapes)
            found = [
                joined_records("WC", "Extension", [base, self._box(limits)]) if limits else base
                for limits in itertools.product(*map(self.limits, ranges))
            ]
        return found[0] if len(found) == 1 else joined_records("WC", "Union", found)

    def either(self, region: Or) -> dict[str, Any]:
        return joined_records("WC", "Union", [self.write(p) for p in region.parts])

    def difference(self, region: Difference) -> dict[str, Any]:
        return joined_records("WC", "Difference", [self.write(p) for p in region.parts])

    def complement(self, region: Complement) -> dict[str, Any]:
        return joined_records("WC", "Complement", [self.write(region.a)])

    def listing(self, region: RegionList) -> dict[str, Any]:
        """Write a list: each item on top of what those before it left."""
        items = list(region.regions)
        parts = []
        for item in items:
            assert isinstance(item.shape, Region)
            limits = [limit for limit in (item.spectral, item.stokes) if limit is not None]
            parts.append((item.sign, self._within([item.shape, *limits])))
        if all(sign == "-" for sign, _ in parts):
            records = [record for _, record in parts]
            whole = records[0] if len(records) == 1 else joined_records("WC", "Union", records)
            return joined_records("WC", "Complement", [whole])
        found: dict[str, Any] | None = None
        for sign, group in itertools.groupby(parts, key=lambda part: part[0]):
            records = [record for _, record in group]
            if found is None and sign == "-":
                continue  # nothing is selected yet
            if sign == "+":
                records = records if found is None else [found, *records]
                found = records[0] if len(records) == 1 else joined_records("WC", "Union", records)
            else:
                for record in records:
                    found = joined_records("WC", "Difference", [found, record])  # type: ignore[list-item]
        assert found is not None
        return found


_RANGES = (SpectralRange, ChannelSelection, StokesSelection)


def _pixels(axis: str, first: int, last: int) -> _Limit:
    return axis, _quantity(first + 1.0, "pix"), _quantity(last + 1.0, "pix")


def _flat(region: Region) -> Any:
    """Yield the parts of intersections of intersections."""
    for part in region.parts if isinstance(region, And) else ():
        yield from _flat(part) if isinstance(part, And) else (part,)


def _axes_of(record: Mapping[str, Any]) -> set[int]:
    """Return the pixel axes of which a record speaks."""
    if "pixelAxes" in record:
        return {int(a) for a in record["pixelAxes"]}
    regions = record["regions"]
    return {axis for key, part in regions.items() if str(key).startswith("*") for axis in _axes_of(part)}


_METHODS: dict[type, Callable[[_Writer, Any], dict[str, Any]]] = {
    RegionList: _Writer.listing,
    CornerBox: _Writer.corner_box,
    WorldBox: _Writer.box,
    CenterBox: _Writer.turned_box,
    RotatedBox: _Writer.turned_box,
    PixelBoxes: _Writer.pixel_boxes,
    WorldPolygon: _Writer.polygon,
    Circle: _Writer.circle,
    Annulus: _Writer.annulus,
    Ellipse: _Writer.ellipse,
    SpectralRange: _Writer.range,
    ChannelSelection: _Writer.range,
    StokesSelection: _Writer.range,
    And: _Writer.both,
    Or: _Writer.either,
    Difference: _Writer.difference,
    Complement: _Writer.complement,
}
