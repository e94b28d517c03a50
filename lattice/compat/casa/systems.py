"""Coordinate records, axis by axis: what CASA's tools ask of them and change in them.

A record is the nested dictionary in which CASA hands coordinates around; its axes are the fastest first, and
its numbers are in the units that it names. Positions are computed by lattice's own coordinates.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from lattice.compat.casa.errors import CasaError
from lattice.compat.casa.quantities import converted
from lattice.compat.casa.records import coords_of

__all__ = ["KINDS", "AxisOf", "System"]

KINDS = {
    "direction": "Direction",
    "spectral": "Spectral",
    "stokes": "Stokes",
    "linear": "Linear",
    "tabular": "Tabular",
    "quality": "Quality",
}

_EQUATORIAL = ("J2000", "JMEAN", "JTRUE", "APP", "B1950", "B1950_VLA", "BMEAN", "BTRUE", "JNAT", "ICRS")


@dataclass(frozen=True)
class AxisOf:
    """One world axis: which coordinate it belongs to, and where.

    Attributes
    ----------
    kind : str
        direction, spectral, stokes, linear, tabular or quality.
    number : int
        Number of the coordinate.
    inside : int
        Place among its axes.
    pixel : int
        Pixel axis, -1 if there is none.
    """

    kind: str
    number: int
    inside: int
    pixel: int


class System:
    """A window on a coordinate record, which is copied.

    Parameters
    ----------
    record : mapping
        As `lattice.io.casa_records.coords_to_record` makes it, and the coordsys tool's torecord.
    shape : sequence of int, optional
        Lengths of the axes of the image, fastest first.
    """

    def __init__(self, record: Mapping[str, Any], shape: Sequence[int] = ()) -> None:
        self.record: dict[str, Any] = copy.deepcopy(dict(record))
        self.shape = tuple(int(n) for n in shape)
        found: dict[int, AxisOf] = {}
        self.parts: dict[int, str] = {}
        for key in self.record:
            kind = key.rstrip("0123456789")
            if kind not in KINDS or kind == key:
                continue
            number = int(key[len(kind) :])
            self.parts[number] = kind
            worlds, pixels = (self.record[f"{m}map{number}"] for m in ("world", "pixel"))
            for inside, (world, pixel) in enumerate(zip(worlds, pixels, strict=True)):
                if world >= 0:
                    found[int(world)] = AxisOf(kind, number, inside, int(pixel))
        self.axes = [found[k] for k in sorted(found)]

    # -- which coordinates ------------------------------------------------------------------------------

    def part(self, number: int) -> dict[str, Any]:
        """Return the record of a coordinate."""
        found: dict[str, Any] = self.record[f"{self.parts[number]}{number}"]
        return found

    def number_of(self, kind: str, which: int = 0) -> int | None:
        """Return the number of the coordinate of a kind; None if there is none."""
        numbers = [n for n, k in sorted(self.parts.items()) if k == kind]
        return numbers[which] if which < len(numbers) else None

    def world_axes(self, kind: str) -> list[int]:
        """Return the world axes of the first coordinate of a kind."""
        number = self.number_of(kind)
        return [k for k, axis in enumerate(self.axes) if axis.number == number]

    def pixel_axes(self, kind: str) -> list[int]:
        """Return the pixel axes of the first coordinate of a kind."""
        return [self.axes[k].pixel for k in self.world_axes(kind) if self.axes[k].pixel >= 0]

    # -- descriptions, by world axis --------------------------------------------------------------------

    def _field(self, field: str, spectral: str, missing: Any) -> list[Any]:
        out = []
        for axis in self.axes:
            part = self.part(axis.number)
            if axis.kind == "spectral":
                inner = part.get("wcs") or part.get("tabular") or {}
                value = part[spectral] if spectral in part else inner.get(spectral, missing)
                value = np.ravel(value)[0] if np.ndim(value) else value
                out.append(value * table_scale(part) if field in ("crval", "cdelt") else value)
            else:
                values = part.get(field)
                out.append(
                    values[axis.inside] if values is not None and len(values) > axis.inside else missing
                )
        return out

    @property
    def names(self) -> list[str]:
        """Name of each world axis."""
        return [str(n) for n in self._field("axes", "name", "")]

    @property
    def units(self) -> list[str]:
        """Unit of each world axis."""
        return ["" if u in ("_",) else str(u) for u in self._field("units", "unit", "")]

    @property
    def crval(self) -> np.ndarray:
        """Reference value of each world axis."""
        values = [float(v) for v in self._field("crval", "crval", 0.0)]
        for k, axis in enumerate(self.axes):
            if axis.kind == "stokes":
                values[k] = self._stokes_code(self.part(axis.number), self.part(axis.number)["crpix"][0])
        return np.array(values, np.float64)

    @property
    def crpix(self) -> np.ndarray:
        """Reference pixel of each pixel axis, counted from 0."""
        found = self._field("crpix", "crpix", 0.0)
        by_pixel = {a.pixel: float(v) for a, v in zip(self.axes, found, strict=True) if a.pixel >= 0}
        return np.array([by_pixel[k] for k in sorted(by_pixel)], np.float64)

    @property
    def cdelt(self) -> np.ndarray:
        """Step of each world axis."""
        return np.array([float(v) for v in self._field("cdelt", "cdelt", 1.0)], np.float64)

    def put(self, field: str, axis: int, value: Any) -> None:
        """Put crval, crpix, cdelt, axes or units of a world axis."""
        at = self.axes[axis]
        part = self.part(at.number)
        if at.kind == "spectral" and field in ("axes", "units"):
            part["name" if field == "axes" else "unit"] = value
        elif at.kind == "spectral" and "wcs" in part:
            part["wcs"][field] = value
        elif at.kind == "spectral":
            _put_in_table(part["tabular"], field, value / (table_scale(part) if field != "crpix" else 1.0))
        elif field in ("axes", "units"):
            part[field] = [value if k == at.inside else str(v) for k, v in enumerate(part[field])]
        elif at.kind == "tabular":
            _put_in_table(part, field, value)
        else:
            kept = enumerate(part[field])
            part[field] = np.array([value if k == at.inside else v for k, v in kept], np.float64)
        self.forget()

    def forget(self) -> None:
        """Forget what was made of the record, which is about to change or was changed."""
        self.__dict__.pop("_scene", None)

    def set_unit(self, axis: int, unit: str, overwrite: bool = False) -> None:
        """Set the unit of a world axis; values are converted, those of plain axes not if `overwrite`."""
        kind, old = self.axes[axis].kind, self.units[axis]
        if kind in ("stokes", "quality"):
            return
        part = self.part(self.axes[axis].number)
        if not (overwrite and kind in ("linear", "tabular")):
            factor = float(converted(1.0, old, unit))
            if "tabular" not in part:
                for field, value in (("cdelt", self.cdelt[axis]), ("crval", self.crval[axis])):
                    self.put(field, axis, float(value) * factor)
            for field in ("restfreq", "restfreqs") if kind == "spectral" else ():
                if field in part:
                    scaled = np.asarray(part[field], np.float64) * factor
                    part[field] = scaled if scaled.ndim else float(scaled)
        self.put("units", axis, unit)

    def tabulated(self, axis: int) -> bool:
        """Tell whether frequencies along an axis are those of a table."""
        return self.axes[axis].kind == "spectral" and "wcs" not in self.part(self.axes[axis].number)

    @property
    def equatorial(self) -> bool:
        """Whether directions are right ascensions and declinations, in hours and degrees."""
        number = self.number_of("direction")
        return number is not None and str(self.part(number)["system"]) in _EQUATORIAL

    @property
    def stokes(self) -> list[str]:
        """Names of the pixels of the Stokes axis, none without one."""
        number = self.number_of("stokes")
        return [] if number is None else [str(s) for s in self.part(number)["stokes"]]

    @staticmethod
    def _stokes_code(part: Mapping[str, Any], pixel: float) -> float:
        from lattice.io.casa_records.frames import STOKES_NUMBERS

        names = [str(s) for s in part["stokes"]]
        nearest = min(max(int(pixel + 0.5), 0), len(names) - 1)
        return float(STOKES_NUMBERS.get(names[nearest], 0))

    def stokes_name(self, code: float) -> str:
        """Return the name of CASA's number of a polarization."""
        from lattice.io.casa_records.frames import STOKES_NUMBERS

        return next((name for name, number in STOKES_NUMBERS.items() if number == round(code)), "??")

    # -- positions --------------------------------------------------------------------------------------

    @cached_property
    def _scene(self) -> Any:
        """An image of nothing with these coordinates."""
        from lattice.image import Image

        lengths = self.shape or (1,) * len(self.crpix)
        coords, cards = coords_of(self.record, lengths[::-1])
        nothing = np.broadcast_to(np.float32(0), lengths[::-1])
        return Image(nothing, wcs=coords, meta=cards)

    @property
    def coords(self) -> Any:
        """The coordinates as lattice has them."""
        return self._scene.coords

    def worlds(self, pixels: np.ndarray, convert: bool = True) -> np.ndarray:
        """Return world coordinates of many pixels, one column each, in the units of the record."""
        from lattice.compat.casa.places import to_worlds

        given = np.asarray(pixels, np.float64)
        out = np.empty((len(self.axes), given.shape[1]))
        for number, kind in self.parts.items():
            own, cuts = (self.record[f"pixel{m}{number}"] for m in ("map", "replace"))
            rows = [
                given[p] if p >= 0 else np.full(given.shape[1], c) for p, c in zip(own, cuts, strict=True)
            ]
            found = to_worlds(kind, self.part(number), np.array(rows), convert)
            for k, axis in enumerate(self.axes):
                if axis.number == number:
                    out[k] = found[axis.inside]
        return out

    def pixels(self, worlds: np.ndarray, convert: bool = True) -> np.ndarray:
        """Return the pixels at many world coordinates, one column each, in the units of the record."""
        from lattice.compat.casa.places import to_pixels

        given = np.asarray(worlds, np.float64)
        out = np.empty((len(self.crpix), given.shape[1]))
        for number, kind in self.parts.items():
            own, cuts = (self.record[f"world{m}{number}"] for m in ("map", "replace"))
            rows = [
                given[w] if w >= 0 else np.full(given.shape[1], c) for w, c in zip(own, cuts, strict=True)
            ]
            found = to_pixels(kind, self.part(number), np.array(rows), convert)
            for p, row in zip(self.record[f"pixelmap{number}"], found, strict=True):
                if p >= 0:
                    out[int(p)] = row
        return out

    def to_world(self, pixel: Sequence[float] | np.ndarray) -> np.ndarray:
        """Return world coordinates of a pixel, in the units of the record."""
        return self.worlds(np.asarray(pixel, np.float64)[:, None])[:, 0]

    def to_pixel(self, world: Sequence[float] | np.ndarray) -> np.ndarray:
        """Return the pixel at world coordinates, in the units of the record."""
        return self.pixels(np.asarray(world, np.float64)[:, None])[:, 0]

    # -- spectral ---------------------------------------------------------------------------------------

    @property
    def rest_frequency(self) -> float:
        """Rest frequency in Hz, 0 without one."""
        number = self.number_of("spectral")
        if number is None:
            return 0.0
        part = self.part(number)
        return float(converted(float(part.get("restfreq", 0.0)), str(part.get("unit", "Hz")), "Hz"))

    def axis_by_name(self, name: str) -> int:
        """Return the world axis whose name begins with a text, in any case.

        Raises
        ------
        CasaError
            When there is none, or several.
        """
        start = name.strip().lower()
        found = [k for k, n in enumerate(self.names) if start and n.lower().startswith(start)]
        if len(found) != 1:
            problem = (
                "several axes have names that begin so" if found else "no axis has a name that begins so"
            )
            raise CasaError(f"axis {name!r}: {problem}", hint=f"there are {', '.join(self.names)}")
        return found[0]


def table_scale(part: Mapping[str, Any]) -> float:
    """Return how large the unit of the table of a spectral coordinate is, in the unit of the coordinate."""
    if "wcs" in part or "tabular" not in part:
        return 1.0
    own = str(np.ravel(part["tabular"].get("units", ["Hz"]))[0])
    return float(converted(1.0, own, str(part["unit"])))


def _put_in_table(part: dict[str, Any], field: str, value: float) -> None:
    """Put reference or step of a tabulated axis: the whole table moves with it."""
    old = {key: float(np.ravel(part[key])[0]) for key in ("crval", "crpix", "cdelt")}
    new = old | {field: float(value)}
    if len(part.get("worldvalues", ())) and old["cdelt"]:
        steps = (np.asarray(part["worldvalues"], np.float64) - old["crval"]) / old["cdelt"]
        part["worldvalues"] = new["crval"] + new["cdelt"] * (steps + old["crpix"] - new["crpix"])
    part[field] = np.array([float(value)])
