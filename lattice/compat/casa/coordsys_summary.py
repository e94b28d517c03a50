"""The summary of a coordsys tool: a table of its axes for people."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np

from lattice.compat.casa.arguments import served
from lattice.compat.casa.coordsys_core import CoordsysCore
from lattice.compat.casa.formats import doppler_name, doppler_velocity
from lattice.compat.casa.observatories import from_geodetic, rectangular
from lattice.compat.casa.places import to_worlds
from lattice.compat.casa.quantities import converted, in_unit, sexagesimal, shown_date
from lattice.compat.casa.systems import KINDS, System

__all__ = ["CoordsysSummary"]

log = logging.getLogger("casa")

_HEADS = ("Axis", "Coord", "Type", "Name", "Proj", "Coord value", "at pixel", "Coord incr", "Units")
Row = tuple[str, ...]


class CoordsysSummary(CoordsysCore):
    """What people want to know."""

    @served(list="flag", doppler="text")
    def summary(self, doppler: str = "RADIO", list: bool = True) -> list[str]:
        """Write a summary to the log, or return it as one text in a list."""
        name = doppler_name(doppler)
        system = self._made()
        text = "\n".join(["", *_head(system, name), "", *_table(system, name)])
        if not list:
            return [text]
        log.info("coordsys::summary\t%s", text)
        return ["T"]


def _head(system: System, doppler: str) -> list[str]:
    record = system.record
    out = []
    for kind, title in (("direction", "Direction reference"), ("spectral", "Spectral  reference")):
        number = system.number_of(kind)
        if number is None:
            continue
        part = system.part(number)
        layer = (
            part.get("conversionSystem") if kind == "direction" else part.get("conversion", {}).get("system")
        )
        native = str(part["system"])
        out.append(f"{title} : {native}" + (f" ({layer})" if layer and layer != native else ""))
        if kind == "spectral":
            out.append(f"Velocity  type      : {doppler}")
            if part.get("restfreq"):
                out.append(f"Rest frequency      : {float(part['restfreq']):g} {part['unit']}")
    out.append(f"Telescope           : {record.get('telescope', 'UNKNOWN')}")
    out.append(f"Observer            : {record.get('observer', 'UNKNOWN')}")
    if "obsdate" in record:
        out.append(f"Date observation    : {shown_date(in_unit(record['obsdate']['m0'], 'd'))}")
    place = record.get("telescopeposition")
    if place:
        at = (in_unit(place["m0"], "rad"), in_unit(place["m1"], "rad"), in_unit(place["m2"], "m"))
        xyz = (from_geodetic if str(place["refer"]) == "WGS84" else rectangular)(*at)
        out.append(f"Telescope position: [{', '.join(f'{v:g}m' for v in xyz)}] (ITRF)")
    return out


def _table(system: System, doppler: str) -> list[str]:
    rows: list[Row] = []
    for axis in range(len(system.axes)):
        rows.append(_row(system, axis))
        if system.axes[axis].kind == "spectral" and system.rest_frequency > 0:
            rows.append(_velocities(system, axis, doppler))
    # Stokes parameters take the place of the value and what follows
    wide = [
        int(k == 3) + max([len(h), *(len(r[k]) for r in rows if len(r) > k)]) for k, h in enumerate(_HEADS)
    ]
    ruler = "-" * (sum(wide) + len(wide) - 2) + " "
    return [_line(_HEADS, wide), ruler, *(_line(row, wide) for row in rows)]


def _line(row: Row, wide: list[int]) -> str:
    last = len(wide) - 1
    cells = enumerate(zip(row, wide, strict=False))
    return " ".join(c.ljust(w) if k < 4 else c if k == last else c.rjust(w) for k, (c, w) in cells)


def _row(system: System, axis: int) -> Row:
    at = system.axes[axis]
    first = (str(axis), str(sorted(system.parts).index(at.number)), KINDS[at.kind])
    name, unit = system.names[axis], system.units[axis]
    part = system.part(at.number)
    if at.kind in ("stokes", "quality"):
        return (*first, name, "", " ".join(str(s) for s in part[at.kind]))
    value, step = float(system.crval[axis]), float(system.cdelt[axis])
    pixel = f"{system.crpix[at.pixel]:.2f}" if at.pixel >= 0 else ""
    if at.kind == "direction":
        radians = float(converted(value, unit, "rad"))
        equatorial = [str(n) for n in part["axes"]][1] == "Declination" and str(part["system"]) != "HADEC"
        if equatorial:
            shown = sexagesimal(radians, at.inside == 0, 3)
        else:
            shown = f"{np.degrees(radians) % 360 if at.inside == 0 else np.degrees(radians):.3f}"
        step = float(converted(step, unit, "arcsec"))
        return (*first, name, str(part["projection"]), shown, pixel, f"{step:e}", "arcsec")
    table = at.kind == "spectral" and "wcs" not in part
    shown_step = f"{step:.10e}" if table else f"{step:e}"
    return (*first, f"{name} (tab)" if table else name, "", f"{value:g}", pixel, shown_step, unit)


def _velocities(system: System, axis: int, doppler: str) -> Row:
    rest, unit = system.rest_frequency, system.units[axis]
    at = system.axes[axis]
    place = float(system.crpix[at.pixel]) if at.pixel >= 0 else 0.0
    near: Any = to_worlds(
        "spectral", system.part(at.number), np.array([[place, place - 1e-3, place + 1e-3]]), False
    )[0]
    speeds = doppler_velocity(converted(near, unit, "Hz"), rest, doppler) / 1e3
    step = 500 * (speeds[2] - speeds[1])
    pixel = f"{place:.2f}" if at.pixel >= 0 else ""
    return ("", "", "", "Velocity", "", f"{speeds[0]:g}", pixel, f"{step:e}", "km/s")
