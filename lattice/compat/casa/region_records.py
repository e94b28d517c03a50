"""Region records as CASA's region manager writes them, and as lattice's regions read them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from lattice.compat.casa.errors import CasaError
from lattice.compat.casa.quantities import converted, quantity
from lattice.compat.casa.systems import System

__all__ = ["compound", "in_the_world", "numbered", "resolved"]


def numbered(values: Sequence[Any]) -> dict[str, Any]:
    """Return values under the keys ``*1``, ``*2``, ..."""
    return {f"*{k + 1}": v for k, v in enumerate(values)}


def _listed(record: Mapping[str, Any]) -> list[Any]:
    return [record[f"*{k + 1}"] for k in range(sum(1 for key in record if str(key).startswith("*")))]


def compound(name: str, regions: Sequence[Any], comment: str = "") -> dict[str, Any]:
    """Return the record of several regions of the world put together.

    Raises
    ------
    CasaError
        When one of them is a region of pixels.
    """
    for region in regions:
        if not isinstance(region, Mapping) or not str(region.get("name", "")).startswith("WC"):
            raise CasaError(
                "only regions in world coordinates are put together", hint="make them with wbox and the like"
            )
    parts = numbered([dict(r) for r in regions]) | {"nr": len(regions)}
    return {"name": name, "isRegion": 2, "comment": comment, "regions": parts}


# -- as CASA writes them ------------------------------------------------------------------------------------


def in_the_world(record: dict[str, Any], system: System) -> dict[str, Any]:
    """Return a record of shapes on the sky and ranges with pixels as positions, angles in radians.

    Parameters
    ----------
    record : dict
        As `lattice.regions.to_record` makes it.
    system : System
        The coordinates, of which the shape is known.
    """
    name = record["name"]
    if name in ("WCPolygon", "WCEllipsoid"):
        return _WRITERS[name](record, system)
    if name == "WCBox":
        return _box(record, system)
    given = _listed(record["regions"])
    parts = [in_the_world(dict(r), system) for r in given]
    ring = all(p["name"] == "WCEllipsoid" for p in parts) and parts[0]["center"] == parts[-1]["center"]
    if name == "WCDifference" and not ring and parts[0]["name"] not in ("WCUnion", "WCDifference"):
        parts[0] = compound("WCUnion", parts[:1])  # as CASA makes one item after the other
    if ring:  # an annulus keeps its radii as they are given
        parts = [
            p | {"radius": g["radius"]} if g["radius"]["unit"] == "pix" else p
            for p, g in zip(parts, given, strict=True)
        ]
    return compound(name, parts)


def _sky(system: System, x: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return longitudes and latitudes, in radians, of pixels counted from 0."""
    n = len(np.atleast_1d(x))
    places = np.repeat(system.crpix[:, None], n, 1)
    axes = system.world_axes("direction")
    for k, values in zip(axes, (x, y), strict=True):
        places[system.axes[k].pixel] = values
    found = system.worlds(places, convert=False)
    lon, lat = (converted(found[k], system.units[k], "rad") for k in axes)
    return math.pi - (math.pi - lon) % (2 * math.pi), np.asarray(lat)


def _polygon(record: dict[str, Any], system: System) -> dict[str, Any]:
    x, y = (np.asarray(record[k]["value"], np.float64) for k in ("x", "y"))
    if record["x"]["unit"] == "pix":
        x, y = _sky(system, x - 1, y - 1)
    else:
        x, y = (np.asarray(converted(v, record[k]["unit"], "rad")) for k, v in (("x", x), ("y", y)))
        x = math.pi - (math.pi - x) % (2 * math.pi)
    return record | {"x": quantity(x, "rad"), "y": quantity(y, "rad")}


def _ellipsoid(record: dict[str, Any], system: System) -> dict[str, Any]:
    first, second = _listed(record["center"])
    if first["unit"] == "pix":
        x, y = (float(v[0]) for v in _sky(system, [first["value"]], [second["value"]]))
    else:
        x, y = (float(converted(float(q["value"]), q["unit"], "rad")) for q in (first, second))
        x = math.pi - (math.pi - x) % (2 * math.pi)
    out = record | {"center": numbered([quantity(x, "rad"), quantity(y, "rad")])}
    scale = abs(_steps(system)[0])

    def angle(size: Mapping[str, Any]) -> dict[str, Any]:
        if size["unit"] == "pix":
            return quantity(float(size["value"]) * scale, "rad")
        return quantity(float(converted(float(size["value"]), size["unit"], "arcsec")), "arcsec")

    if "radius" in record:
        out["radius"] = angle(record["radius"])
    if "radii" in record:
        out["radii"] = numbered([angle(q) for q in _listed(record["radii"])])
    turn = record["theta"]
    return out | {"theta": quantity(float(converted(float(turn["value"]), turn["unit"], "rad")), "rad")}


def _steps(system: System) -> list[float]:
    axes = system.world_axes("direction")
    return [float(converted(float(system.cdelt[k]), system.units[k], "rad")) for k in axes]


_WRITERS: dict[str, Callable[[dict[str, Any], System], dict[str, Any]]] = {
    "WCPolygon": _polygon,
    "WCEllipsoid": _ellipsoid,
}


def _box(record: dict[str, Any], system: System) -> dict[str, Any]:
    out = dict(record)
    for corner in ("blc", "trc"):
        values = _listed(record[corner])
        for k, (axis, value) in enumerate(zip(record["pixelAxes"], values, strict=True)):
            at = next(a for a in system.axes if a.pixel == int(axis) - 1)
            if value["unit"] != "pix" or at.kind == "direction":
                continue
            place = system.crpix.copy()
            place[at.pixel] = float(value["value"]) - 1
            number = system.axes.index(at)
            values[k] = quantity(float(system.to_world(place)[number]), system.units[number])
        out[corner] = numbered(values)
    return out


# -- as lattice reads them ----------------------------------------------------------------------------------


def resolved(record: Mapping[str, Any], shape: Sequence[int]) -> dict[str, Any]:
    """Return a record without fractions of an image and concatenations, which lattice's regions do not have.

    Parameters
    ----------
    record : mapping
        Of a region.
    shape : sequence of int
        Lengths of the axes of the image, fastest first.
    """
    out = dict(record)
    name = str(out.get("name", ""))
    if name == "WCConcatenation":
        return _along(out, shape)
    if name.startswith("WC") and isinstance(out.get("regions"), Mapping):
        inner = {k: resolved(v, shape) if str(k).startswith("*") else v for k, v in out["regions"].items()}
        return out | {"regions": inner}
    if name == "WCBox":
        for corner, shift in (("blc", 1.0), ("trc", 0.0)):
            found = _listed(out[corner])
            out[corner] = numbered(
                [
                    _of_length(q, shape[int(a) - 1], shift)
                    for a, q in zip(out["pixelAxes"], found, strict=True)
                ]
            )
    return out


def _of_length(value: Mapping[str, Any], length: int, shift: float) -> Mapping[str, Any]:
    """Return a fraction of an axis as a pixel, counted from 1: as for boxes of pixels."""
    if value["unit"] != "frac":
        return value
    return quantity(math.floor(float(value["value"]) * length - 1 + shift + 0.5) + 1.0, "pix")


def _along(record: Mapping[str, Any], shape: Sequence[int]) -> dict[str, Any]:
    """Return regions one behind the other along an axis as a union: each is extended by a pixel of it."""
    box, regions = record["box"], [resolved(r, shape) for r in _listed(record["regions"])]
    blc, trc = (_listed(resolved(box, shape)[corner]) for corner in ("blc", "trc"))
    if len(blc) != 1:
        raise CasaError(f"regions are put behind each other along one axis, not along {len(blc)}")
    if blc[0]["unit"] == "pix":
        first, last = round(float(blc[0]["value"])) - 1, round(float(trc[0]["value"])) - 1
    else:
        axis = int(box["pixelAxes"][0]) - 1
        system = System(box["coordinates"], shape)
        number = next(k for k, a in enumerate(system.axes) if a.pixel == axis)
        ends = []
        for q in (blc[0], trc[0]):
            world = system.crval
            world[number] = float(converted(float(q["value"]), q["unit"], system.units[number]))
            ends.append(math.floor(float(system.to_pixel(world)[axis]) + 0.5))
        first, last = min(ends), max(ends)
    if last - first + 1 != len(regions):
        raise CasaError(f"{len(regions)} regions for {last - first + 1} pixels of the box")
    parts = []
    for k, region in enumerate(regions):
        pixel = numbered([quantity(first + k + 1.0, "pix")])
        parts.append(compound("WCExtension", [region, {**box, "blc": pixel, "trc": pixel}]))
    return parts[0] if len(parts) == 1 else compound("WCUnion", parts)
