"""Records of pixel regions: those that CASA calls LC regions, and its slicers.

Numbers in them count from 1, and vectors have the fastest axis first; the array of a mask is in the order of
numpy. Whole numbers have 32 bits, others are in single precision, as the format has it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any

import numpy as np

from lattice.errors import RegionError
from lattice.graph.sections import full
from lattice.regions.base import Region, Shape
from lattice.regions.compound import And, Complement, Difference, Or
from lattice.regions.pixel import MaskRegion, PixelBox, PixelEllipsoid, PixelPolygon, Slicer
from lattice.regions.plane import Layers, PixelEllipse
from lattice.regions.relative import RelativeBox

__all__ = ["ORIGINS", "PIXEL_READERS", "joined_records", "pixel_record"]

ORIGINS = {1: "start", 2: "reference", 3: "centre"}
_LARGEST = 1 << 26  # pixels of a mask that is written into a record


# -- writing -----------------------------------------------------------------------------------------------


def pixel_record(region: Region) -> dict[str, Any]:
    """Return the record of a pixel region that has a shape, or of a slicer.

    Raises
    ------
    RegionError
        For regions that have no shape yet, and such as no record describes.
    """
    for kind, write in _WRITERS.items():
        if isinstance(region, kind):
            return write(region)
    raise RegionError(f"no region record describes a {region.noun}")


def _lc(name: str, **fields: Any) -> dict[str, Any]:
    return {"isRegion": 1, "name": name, "comment": "", **fields}


def _floats(values: Any) -> np.ndarray:
    return np.asarray(list(values), np.float32)


def _whole(values: Any) -> np.ndarray:
    return np.asarray(list(values), np.int32)


def _lcbox(blc: Any, trc: Any, shape: Any) -> dict[str, Any]:
    """Return the record of a box whose corners count from 0, fastest axis first."""
    corners = {"blc": _floats(b + 1 for b in blc), "trc": _floats(t + 1 for t in trc)}
    return _lc("LCBox", oneRel=True, **corners, shape=_whole(shape))


def _slicer_record(
    blc: Any, trc: Any, inc: Any = None, fractions: bool = False, origin: str = "start"
) -> dict[str, Any]:
    """Return the record of a slicer; corners as they are written, slowest axis first."""
    n = len(blc)
    code = next(key for key, name in ORIGINS.items() if name == origin)
    return {
        "isRegion": 3, "name": "LCSlicer", "comment": "", "oneRel": True,
        "blc": _floats(blc[::-1]), "trc": _floats(trc[::-1]), "inc": _floats((inc or (1,) * n)[::-1]),
        "fracblc": np.full(n, fractions), "fractrc": np.full(n, fractions), "fracinc": np.zeros(n, bool),
        "arblc": np.full(n, code, np.int32), "artrc": np.full(n, code, np.int32),
    }  # fmt: skip


def _write_slicer(region: Slicer | PixelBox) -> dict[str, Any]:
    return _slicer_record([b + 1 for b in region.blc], [t + 1 for t in region.trc], region.inc)


def _write_box(region: PixelBox) -> dict[str, Any]:
    if region.inc is not None:
        return _write_slicer(region)
    box = region.bounds()[::-1]
    return _lcbox([s.start for s in box], [s.stop - 1 for s in box], region._definite()[::-1])


def _write_relative(region: RelativeBox) -> dict[str, Any]:
    shift = 1 if region.origin == "start" and not region.fractions else 0
    blc, trc = ([v + shift for v in corner] for corner in (region.blc, region.trc))
    return _slicer_record(blc, trc, None, region.fractions, region.origin)


def _write_ellipsoid(region: PixelEllipsoid) -> dict[str, Any]:
    shape = region._definite()
    fields: dict[str, Any] = {"theta": np.float32(0)} if len(shape) == 2 else {}
    return _lc(
        "LCEllipsoid",
        oneRel=True,
        center=_floats(c + 1 for c in region.centre[::-1]),
        radii=_floats(region.radii[::-1]),
        shape=_whole(shape[::-1]),
        **fields,
    )


def _write_ellipse(region: PixelEllipse) -> dict[str, Any]:
    region._definite()
    (ry, rx), (cy, cx), angle = region.radii, region.centre, region.angle
    row, column = region.axes
    if row > column:  # rows run along the faster axis
        cx, cy, rx, ry, angle = cy, cx, ry, rx, -angle
    if rx < ry:  # the longer half-axis comes first
        rx, ry, angle = ry, rx, angle + 90
    turn = math.radians((angle + 90) % 180 - 90)
    return _extended(
        region,
        {"oneRel": True, "center": _floats((cx + 1, cy + 1)), "radii": _floats((rx, ry))},
        "LCEllipsoid",
        theta=np.float32(turn),
    )


def _write_polygon(region: PixelPolygon) -> dict[str, Any]:
    region._definite()
    x, y = (_floats(v + 1 for v in values) for values in (region.x, region.y))
    if region.axes[0] > region.axes[1]:
        x, y = y, x
    return _extended(region, {"oneRel": True, "x": x, "y": y}, "LCPolygon")


def _extended(
    region: PixelEllipse | PixelPolygon, fields: dict[str, Any], name: str, **more: Any
) -> dict[str, Any]:
    """Return the record of a region in a plane, with a box around it for the other axes."""
    shape = region._definite()[::-1]
    plane = sorted(-1 - axis for axis in region.axes)  # fastest first
    flat = _lc(name, **fields, shape=_whole(shape[a] for a in plane), **more)
    others = [a for a in range(len(shape)) if a not in plane]
    if not others:
        return flat
    lengths = [shape[a] for a in others]
    box = _lcbox([0] * len(others), [n - 1 for n in lengths], lengths)
    return _lc("LCExtension", region=flat, axes=_whole(others), box=box)


def _write_mask(region: MaskRegion) -> dict[str, Any]:
    if math.prod(region.shape) > _LARGEST:
        raise RegionError(
            f"a mask of {math.prod(region.shape):,} pixels is too large for a record",
            hint="keep it as a named mask of the image",
        )
    values = np.asarray(region.mask(full(region.shape)))
    shape = region.shape[::-1]
    return _lc(
        "LCPixelSet",
        mask=values,
        box=_lcbox([0] * len(shape), [n - 1 for n in shape], shape),
    )


def joined_records(prefix: str, name: str, records: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the record of several joined: ``Union``, ``Intersection``, ``Difference``, ``Complement``."""
    regions: dict[str, Any] = {f"*{i + 1}": record for i, record in enumerate(records)}
    number = 1 if prefix == "LC" else 2
    return {
        "isRegion": number,
        "name": prefix + name,
        "comment": "",
        "regions": regions | {"nr": len(records)},
    }


def _write_layers(region: Layers) -> dict[str, Any]:
    found: dict[str, Any] | None = None
    for adds, part in region.parts:
        record = pixel_record(part)
        if found is None:
            found = record if adds else None
        else:
            found = joined_records("LC", "Union" if adds else "Difference", [found, record])
    assert found is not None
    return found


_WRITERS: dict[type, Callable[[Any], dict[str, Any]]] = {
    PixelBox: _write_box,
    Slicer: _write_slicer,
    RelativeBox: _write_relative,
    PixelEllipsoid: _write_ellipsoid,
    PixelEllipse: _write_ellipse,
    PixelPolygon: _write_polygon,
    MaskRegion: _write_mask,
    Layers: _write_layers,
    And: lambda r: joined_records("LC", "Intersection", [pixel_record(p) for p in r.parts]),
    Or: lambda r: joined_records("LC", "Union", [pixel_record(p) for p in r.parts]),
    Difference: lambda r: joined_records("LC", "Difference", [pixel_record(p) for p in r.parts]),
    Complement: lambda r: joined_records("LC", "Complement", [pixel_record(r.a)]),
}


# -- reading -----------------------------------------------------------------------------------------------

_Axes = tuple[
    Shape, tuple[int, ...]
]  # shape of the whole lattice, and axes of the region in it, fastest first


def _place(record: Mapping[str, Any], key: str) -> list[float]:
    """Return positions that count from 0, fastest axis first."""
    one = 1.0 if record.get("oneRel", True) else 0.0
    return [float(v) - one for v in record[key]]


def _read(record: Mapping[str, Any], axes: _Axes | None = None) -> Region:
    """Return the region of a record, on some axes of a larger lattice if there are more."""
    name = record["name"]
    if name not in _SHAPES:
        raise RegionError(
            f"a pixel region of the kind {name!r} is not known", hint=f"known are {', '.join(_SHAPES)}"
        )
    return _SHAPES[name](record, axes)


def _whereabouts(record: Mapping[str, Any], axes: _Axes | None) -> _Axes:
    if axes is not None:
        return axes
    shape = tuple(int(n) for n in record["shape"])
    return shape, tuple(range(len(shape)))


def _read_box(record: Mapping[str, Any], axes: _Axes | None) -> Region:
    shape, where = _whereabouts(record, axes)
    blc, trc = [0.0] * len(shape), [n - 1.0 for n in shape]
    for axis, first, last in zip(where, _place(record, "blc"), _place(record, "trc"), strict=True):
        blc[axis], trc[axis] = first, last
    return PixelBox(tuple(blc[::-1]), tuple(trc[::-1]), shape=shape[::-1])  # type: ignore[arg-type]


def _read_ellipsoid(record: Mapping[str, Any], axes: _Axes | None) -> Region:
    shape, where = _whereabouts(record, axes)
    centre, radii = _place(record, "center"), [float(r) for r in record["radii"]]
    theta = float(record.get("theta", 0.0))
    if len(shape) == len(centre) and theta == 0:
        return PixelEllipsoid(tuple(centre[::-1]), tuple(radii[::-1]), shape[::-1])
    (px, py), (cx, cy), (rx, ry) = where, centre, radii
    return PixelEllipse((cy, cx), (ry, rx), math.degrees(theta), shape[::-1], (-1 - py, -1 - px))


def _read_polygon(record: Mapping[str, Any], axes: _Axes | None) -> Region:
    shape, (px, py) = _whereabouts(record, axes)
    x, y = _place(record, "x"), _place(record, "y")
    if x and (x[0], y[0]) == (x[-1], y[-1]):
        x, y = x[:-1], y[:-1]
    return PixelPolygon(tuple(x), tuple(y), shape[::-1], (-1 - py, -1 - px))


def _read_pixels(record: Mapping[str, Any], axes: _Axes | None) -> Region:
    box = record["box"]
    shape, where = _whereabouts(box, axes)
    if math.prod(shape) > _LARGEST:
        raise RegionError(f"a mask of shape {shape[::-1]} is too large for a region record")
    part = np.asarray(record["mask"]).astype(bool)
    own = [-1 - a for a in where[::-1]]  # axes of the array in the lattice, slowest first
    at = [slice(None)] * len(shape)
    for axis, first, n in zip(own, _place(box, "blc")[::-1], part.shape, strict=True):
        at[axis] = slice(int(first), int(first) + n)
    whole = np.zeros(shape[::-1], bool)
    order = np.argsort([a % len(shape) for a in own])
    whole[tuple(at)] = np.expand_dims(
        part.transpose(order), [a for a in range(-len(shape), 0) if a not in own]
    )
    return MaskRegion(whole)  # type: ignore[arg-type]


def _read_extension(record: Mapping[str, Any], axes: _Axes | None) -> Region:
    inner, box = record["region"], record["box"]
    added = [int(a) for a in record["axes"]]
    own = _shape_of(inner)
    n = len(own) + len(added)
    kept = [a for a in range(n) if a not in added]
    lengths = dict(zip([*kept, *added], [*own, *(int(v) for v in box["shape"])], strict=True))
    shape, where = axes if axes is not None else (tuple(lengths[a] for a in range(n)), tuple(range(n)))
    found = _read(inner, (shape, tuple(where[a] for a in kept)))
    limits = _read_box(box, (shape, tuple(where[a] for a in added)))
    return found if limits.bounds() == full(shape[::-1]) else And(found, limits)


def _shape_of(record: Mapping[str, Any]) -> list[int]:
    """Return the shape of the lattice of a record, fastest axis first."""
    if "shape" in record:
        return [int(n) for n in record["shape"]]
    if record["name"] == "LCExtension":
        inner, added = _shape_of(record["region"]), [int(a) for a in record["axes"]]
        n = len(inner) + len(added)
        order = [*(a for a in range(n) if a not in added), *added]
        lengths = dict(zip(order, [*inner, *_shape_of(record["box"])], strict=True))
        return [lengths[a] for a in range(n)]
    return _shape_of(record["box"] if "box" in record else record["regions"]["*1"])


def _compound(make: Callable[[list[Region]], Region]) -> Callable[[Mapping[str, Any], _Axes | None], Region]:
    def read(record: Mapping[str, Any], axes: _Axes | None) -> Region:
        regions = record["regions"]
        n = sum(1 for key in regions if str(key).startswith("*"))
        return make([_read(regions[f"*{i + 1}"], axes) for i in range(n)])

    return read


def _paged(record: Mapping[str, Any], axes: _Axes | None) -> Region:
    raise RegionError(
        "the pixels of a mask are stored beside its record", hint="open the image that it belongs to"
    )


_SHAPES: dict[str, Callable[[Mapping[str, Any], _Axes | None], Region]] = {
    "LCBox": _read_box,
    "LCEllipsoid": _read_ellipsoid,
    "LCPolygon": _read_polygon,
    "LCPixelSet": _read_pixels,
    "LCPagedMask": _paged,
    "LCUnion": _compound(lambda parts: reduce(Or, parts)),
    "LCIntersection": _compound(lambda parts: reduce(And, parts)),
    "LCDifference": _compound(lambda parts: Difference(*parts)),
    "LCComplement": _compound(lambda parts: Complement(*parts)),
    "LCExtension": _read_extension,
}


def _read_slicer(record: Mapping[str, Any]) -> Region:
    one = 1.0 if record.get("oneRel", True) else 0.0
    n = len(record["blc"])
    inc = [float(v) for v in record.get("inc", [1] * n)]
    fractions = {bool(f) for key in ("fracblc", "fractrc") for f in record.get(key, [False] * n)}
    origins = {int(a) for key in ("arblc", "artrc") for a in record.get(key, [1] * n)}
    if len(fractions) > 1 or len(origins) > 1:
        raise RegionError("a box that is partly relative or partly in fractions has no counterpart")
    relative = fractions == {True} or origins != {1}
    shift = 0.0 if relative else one
    blc, trc = (tuple(float(v) - shift for v in record[key])[::-1] for key in ("blc", "trc"))
    if any(step != 1 for step in inc):
        if relative:
            raise RegionError("a box with strides that is relative or in fractions has no counterpart")
        return Slicer(blc, trc, tuple(inc)[::-1])  # type: ignore[arg-type]
    return RelativeBox(blc, trc, ORIGINS[origins.pop()], fractions.pop())


PIXEL_READERS: dict[str, Callable[[Mapping[str, Any]], Region]] = {
    "LCSlicer": _read_slicer,
    **dict.fromkeys(_SHAPES, _read),
}
"""How each kind of record is read."""
