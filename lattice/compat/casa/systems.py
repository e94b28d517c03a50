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
                out.append(np.ravel(value)[0] if np.ndim(value) else value)
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
        if at.kind == "spectral":
            own = {"axes": "name", "units": "unit"}.get(field)
            if own is not None:
                part[own] = value
            else:
                (part["wcs"] if "wcs" in part else part["tabular"])[field] = value
        elif field in ("axes", "units"):
            part[field] = [value if k == at.inside else str(v) for k, v in enumerate(part[field])]
        else:
            part[field] = np.array(
                [value if k == at.inside else v for k, v in enumerate(part[field])], np.float64
            )
        if field == "crval":
            self.record[f"worldreplace{at.number}"] = np.array(
                [
                    value if k == at.inside else v
                    for k, v in enumerate(self.record[f"worldreplace{at.number}"])
                ]
            )
        self.__dict__.pop("_scene", None)

    def set_unit(self, axis: int, unit: str, overwrite: bool = False) -> None:
        """Set the unit of a world axis; values are converted, those of plain axes not if `overwrite`."""
        kind, old = self.axes[axis].kind, self.units[axis]
        if kind == "stokes":
            return
        if not (overwrite and kind in ("linear", "tabular")):
            factor = float(converted(1.0, old, unit))
            for field, value in (("crval", self.crval[axis]), ("cdelt", self.cdelt[axis])):
                self.put(field, axis, float(value) * factor)
            part = self.part(self.axes[axis].number)
            for field in ("restfreq", "restfreqs") if kind == "spectral" else ():
                if field in part:
                    scaled = np.asarray(part[field], np.float64) * factor
                    part[field] = scaled if scaled.ndim else float(scaled)
        self.put("units", axis, unit)

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

    def to_world(self, pixel: Sequence[float] | np.ndarray) -> np.ndarray:
        """Return world coordinates of a pixel, in the units of the record."""
        from lattice.compat.casacore.images import worlds

        found = worlds.to_world(self._scene, [float(p) for p in pixel][::-1])[::-1]
        by_pixel = dict(enumerate(found))
        values = np.array([by_pixel.get(a.pixel, v) for a, v in zip(self.axes, self.crval, strict=True)])
        for k, axis in enumerate(self.axes):
            if axis.kind == "direction" and axis.inside == 0:  # right ascensions are not negative here
                turn = float(converted(360.0, "deg", self.units[k]))
                values[k] %= turn
        return values

    def to_pixel(self, world: Sequence[float] | np.ndarray) -> np.ndarray:
        """Return the pixel at world coordinates, in the units of the record."""
        from lattice.compat.casacore.images import worlds

        given = [0.0] * len(self.crpix)
        for axis, value in zip(self.axes, world, strict=True):
            if axis.pixel >= 0:
                given[axis.pixel] = float(value)
        return np.array(worlds.to_pixel(self._scene, given[::-1])[::-1])

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
