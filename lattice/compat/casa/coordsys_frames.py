"""Frames, projections, rest frequencies and the observation of a coordsys tool."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from lattice.compat.casa.arguments import matched, served
from lattice.compat.casa.coordsys_core import TYPES, CoordsysCore
from lattice.compat.casa.coordsys_values import settle_poles
from lattice.compat.casa.errors import CasaError
from lattice.compat.casa.observatories import position_of
from lattice.compat.casa.quantities import converted, is_nothing, quantity, quantity_of
from lattice.compat.casa.sky import moved

__all__ = ["BODIES", "DIRECTIONS", "SPECTRA", "CoordsysFrames"]

DIRECTIONS = [
    "J2000",
    "JMEAN",
    "JTRUE",
    "APP",
    "B1950",
    "B1950_VLA",
    "BMEAN",
    "BTRUE",
    "GALACTIC",
    "HADEC",
    "AZEL",
    "AZELSW",
    "AZELNE",
    "AZELGEO",
    "AZELSWGEO",
    "AZELNEGEO",
    "JNAT",
    "ECLIPTIC",
    "MECLIPTIC",
    "TECLIPTIC",
    "SUPERGAL",
    "ITRF",
    "TOPO",
    "ICRS",
]
BODIES = [
    "MERCURY",
    "VENUS",
    "MARS",
    "JUPITER",
    "SATURN",
    "URANUS",
    "NEPTUNE",
    "PLUTO",
    "SUN",
    "MOON",
    "COMET",
]
SPECTRA = ["REST", "LSRK", "LSRD", "BARY", "GEO", "TOPO", "GALACTO", "LGROUP", "CMB"]
_EQUATORIAL = ("J2000", "JMEAN", "JTRUE", "APP", "B1950", "B1950_VLA", "BMEAN", "BTRUE", "JNAT", "ICRS")
_PROJECTIONS = [
    "AZP",
    "SZP",
    "TAN",
    "SIN",
    "STG",
    "ARC",
    "ZPN",
    "ZEA",
    "AIR",
    "CYP",
    "CAR",
    "MER",
    "CEA",
    "COP",
    "COD",
    "COE",
    "COO",
    "BON",
    "PCO",
    "SFL",
    "PAR",
    "AIT",
    "MOL",
    "CSC",
    "QSC",
    "TSC",
    "HPX",
]


def _code(value: str, kind: str) -> str:
    known = [*DIRECTIONS, *BODIES] if kind == "direction" else SPECTRA
    if value.upper() not in known:
        raise CasaError(f"{value!r} is no {kind} frame", hint=", ".join(known))
    return value.upper()


class CoordsysFrames(CoordsysCore):
    """In what positions and frequencies are given, and who observed."""

    @served()
    def referencecode(self, type: str = "", list: bool = False) -> list[str]:
        """Return the frame of each coordinate, or of one; with `list` all frames that there are."""
        system = self._made()
        codes = {n: str(system.part(n).get("system", "")) for n in sorted(system.parts)}
        if not type.strip():
            return [*codes.values()]
        kind = matched(type, TYPES, "coordinate type")
        if list:
            return [*DIRECTIONS, *BODIES] if kind == "direction" else [*SPECTRA, "Undefined"]
        number = system.number_of(kind)
        return [""] if number is None else [codes[number]]

    @served(value="text", adjust="flag")
    def setreferencecode(self, value: str, type: str = "direction", adjust: bool = True) -> bool:
        """Set the frame of directions or frequencies; the reference is converted if `adjust` is set."""
        kind = matched(type, ("direction", "spectral"), "coordinate type")
        part = self._part(kind)
        code, old = _code(value, kind), str(part["system"])
        if kind == "spectral":
            if adjust and old != code:
                self._scale(part, self._factor(old, code))
            part["system"] = code
            part["conversion"] = {**part.get("conversion", {}), "system": code}
            return self._changed()
        if adjust and old != code:
            self._move(old, code)
        for k in self._chosen("direction"):  # as CASA does
            self._made().set_unit(k, "rad")
        part = self._part(kind)
        part["system"] = part["conversionSystem"] = code
        part["axes"] = _axis_names(part, code)
        if adjust and old != code:
            settle_poles(part)
        return self._changed()

    def _move(self, old: str, new: str) -> None:
        """Bring the reference value on the sky to another frame."""
        axes, system = self._chosen("direction"), self._made()
        lon, lat = (float(converted(float(system.crval[k]), system.units[k], "deg")) for k in axes)
        for k, value in zip(axes, moved(lon, lat, old, new), strict=True):
            system.put("crval", k, float(converted(value, "deg", system.units[k])))

    def _scale(self, part: dict[str, Any], factor: float) -> None:
        if "wcs" in part:
            part["wcs"] |= {key: float(part["wcs"][key]) * factor for key in ("crval", "cdelt")}
            return
        table = part["tabular"]
        part["tabular"] = table | {
            k: np.asarray(table[k]) * factor for k in ("crval", "cdelt", "worldvalues")
        }

    def _layer(self, native: str, wanted: str) -> dict[str, Any]:
        """Return what a conversion of frequencies needs: direction, place and date."""
        system = self._made()
        record = system.record
        if system.number_of("direction") is None:
            raise CasaError(
                "frequencies are converted with a direction, and there is no direction coordinate"
            )
        axes = system.world_axes("direction")
        lon, lat = (float(converted(float(system.crval[k]), system.units[k], "rad")) for k in axes)
        frame = str(self._part("direction")["system"])
        j2000 = moved(math.degrees(lon), math.degrees(lat), frame, "J2000")
        place = position_of(self.telescope()) or record.get("telescopeposition")
        if {native, wanted} & {"TOPO"} and place is None:
            raise CasaError(
                f"the telescope {self.telescope()!r} is not known", hint="set another one with settelescope()"
            )
        nowhere = {"m0": quantity(0.0, "rad"), "m1": quantity(0.0, "rad"), "m2": quantity(0.0, "m")}
        return {
            "direction": {
                "type": "direction",
                "refer": "J2000",
                "m0": quantity(math.radians(j2000[0]), "rad"),
                "m1": quantity(math.radians(j2000[1]), "rad"),
            },
            "position": place or {"type": "position", "refer": "ITRF", **nowhere},
            "epoch": record.get("obsdate") or {"type": "epoch", "refer": "UTC", "m0": quantity(0.0, "d")},
        }

    def _factor(self, native: str, wanted: str) -> float:
        from lattice.compat.casa.places import factor_between

        layer = self._layer(native, wanted)
        return factor_between(native, wanted, layer["direction"], layer["epoch"], layer["position"])

    @served()
    def conversiontype(self, type: str = "direction") -> str:
        """Return the frame in which positions or frequencies are given."""
        kind = matched(type, TYPES, "coordinate type")
        if kind not in ("direction", "spectral") or self._made().number_of(kind) is None:
            return ""
        part = self._part(kind)
        if kind == "direction":
            return str(part.get("conversionSystem") or part["system"])
        return str(part.get("conversion", {}).get("system") or part["system"])

    @served()
    def getconversiontype(self, type: str = "", showconversion: bool = True) -> str:
        """Return the frame in which positions or frequencies are given; see `conversiontype`."""
        return self.conversiontype(type) if type.strip() else ""

    @served(spectral="text", direction="text")
    def setconversiontype(self, direction: str = "", spectral: str = "") -> bool:
        """Set the frames in which positions and frequencies are given; False for the frame of rest."""
        if direction:
            part, code = self._part("direction"), _code(direction, "direction")
            if code != str(part["system"]):
                moved(0.0, 0.0, str(part["system"]), code)
            part["conversionSystem"] = code
        if spectral:
            part, code = self._part("spectral"), _code(spectral, "spectral")
            native = str(part["system"])
            if "REST" in (native, code) and native != code:
                return False
            if native != code:
                self._factor(native, code)  # mistakes show now
                part["conversion"] = self._layer(native, code) | {"system": code}
            else:
                part["conversion"] = {**part.get("conversion", {}), "system": code}
        return self._changed()

    @served(frame="text")
    def convertdirection(self, frame: str) -> dict[str, Any]:
        """Turn the direction coordinate about the reference pixel so that its axes are those of a frame.

        Returns
        -------
        dict
            The angle between the old axes and the new ones.
        """
        part = self._part("direction")
        code, old = _code(frame, "direction"), str(part["system"])
        angle = _turn(part, old, code)
        self._move(old, code)
        part = self._part("direction")
        scales = [float(converted(1.0, str(unit), "rad")) for unit in part["units"]]
        part |= {
            "system": code,
            "conversionSystem": code,
            "axes": _axis_names(part, code),
            "pc": np.eye(2),
            "cdelt": np.asarray(part["cdelt"]) * scales,
            "crval": np.asarray(part["crval"]) * scales,
            "units": ["rad", "rad"],
        }
        settle_poles(part)
        self._changed()
        return quantity(angle, "rad")

    # -- projections ------------------------------------------------------------------------------------

    @served()
    def projection(self, type: str = "") -> dict[str, Any]:
        """Return the projection with its parameters; of "all" the codes, of a code the number of them."""
        from lattice.io.casa_records.frames import PARAMETERS

        part = self._part("direction")
        if type.lower() == "all":
            return {"types": np.array(_PROJECTIONS)}
        if type.strip():
            return {"nparameters": len(PARAMETERS.get(_projection(type), ()))}
        return {
            "type": str(part["projection"]),
            "parameters": np.asarray(part["projection_parameters"], np.float64),
        }

    @served(parameters="reals")
    def setprojection(self, type: str, parameters: Any = (-1.0,)) -> bool:
        """Set the projection."""
        from lattice.io.casa_records.frames import PARAMETERS

        code, part = _projection(type), self._part("direction")
        default = PARAMETERS.get(code, ())
        given = list(default) if parameters == [-1.0] else list(parameters)
        if len(given) > len(default):
            raise CasaError(f"{len(given)} parameters of the projection {code}, which has {len(default)}")
        part["projection"] = code
        part["projection_parameters"] = np.array([*given, *default[len(given) :]], np.float64)
        settle_poles(part)
        return self._changed()

    # -- rest frequencies -------------------------------------------------------------------------------

    def restfrequency(self) -> dict[str, Any]:
        """Return the rest frequencies, the one in use first."""
        part = self._part("spectral")
        first = float(part.get("restfreq", 0.0))
        others = [float(f) for f in part.get("restfreqs", ()) if float(f) != first]
        return quantity(np.array([first, *others]), str(part["unit"]))

    @served(value="any", which="whole", append="flag")
    def setrestfrequency(self, value: Any = (), which: int = 0, append: bool = False) -> bool:
        """Set the rest frequencies, or add to them; the one of a number is in use."""
        if is_nothing(value):
            raise CasaError("give a frequency", hint='"1.42GHz"')
        part = self._part("spectral")
        unit = str(part["unit"])
        number, own = quantity_of(value, unit)
        new = [float(v) for v in np.atleast_1d(converted(number, own or unit, unit))]
        every = [*(float(f) for f in part.get("restfreqs", ())), *new] if append else new
        if not 0 <= which < len(every):
            raise CasaError(f"there is no rest frequency number {which}")
        part["restfreq"], part["restfreqs"] = every[which], np.array(every)
        return self._changed()

    # -- the observation --------------------------------------------------------------------------------

    def epoch(self) -> dict[str, Any]:
        """Return the date of the observation."""
        return dict(self._made().record.get("obsdate", {}))

    @served(value="any")
    def setepoch(self, value: Any) -> bool:
        """Set the date of the observation."""
        from lattice.compat.casa.measures import measures

        made = value if isinstance(value, Mapping) else measures().epoch("UTC", value)
        if made.get("type") != "epoch" or "m0" not in made:
            raise CasaError("a date is an epoch measure", hint='me.epoch("UTC", "2020/1/1")')
        self._made().record["obsdate"] = dict(made)
        return self._changed()

    def telescope(self) -> str:
        """Return the telescope."""
        return str(self._made().record.get("telescope", "UNKNOWN"))

    @served(value="text")
    def settelescope(self, value: str) -> bool:
        """Set the telescope, and its position if it is known."""
        record = self._made().record
        record["telescope"] = value
        record.pop("telescopeposition", None)
        place = position_of(value, geocentric=True)
        if place is not None:
            record["telescopeposition"] = place
        return self._changed()

    def observer(self) -> str:
        """Return the observer."""
        return str(self._made().record.get("observer", "UNKNOWN"))

    @served(value="text")
    def setobserver(self, value: str) -> bool:
        """Set the observer."""
        self._made().record["observer"] = value
        return self._changed()


def _projection(name: str) -> str:
    if name.upper() not in _PROJECTIONS:
        raise CasaError(f"there is no projection {name!r}", hint=", ".join(_PROJECTIONS))
    return name.upper()


def _axis_names(part: Mapping[str, Any], code: str) -> list[str]:
    """Return the names that axes of a frame have, unless they were given other ones."""
    usual = (["Right Ascension", "Declination"], ["Longitude", "Latitude"], ["Hour Angle", "Declination"])
    present = [str(n) for n in part["axes"]]
    if present not in usual:
        return present
    return usual[2] if code == "HADEC" else usual[0] if code in (*_EQUATORIAL, *BODIES) else usual[1]


def _turn(part: Mapping[str, Any], old: str, new: str) -> float:
    """Return the angle, at the reference pixel, between the pixel axes and those of a frame."""
    from lattice.compat.casa.places import to_worlds

    x, y = (float(p) for p in part["crpix"])
    pixels = np.array([[x, x], [y - 0.05, y + 0.05]])
    radians = [float(converted(1.0, str(unit), "deg")) for unit in part["units"]]
    lon, lat = (
        row * scale for row, scale in zip(to_worlds("direction", part, pixels, False), radians, strict=True)
    )
    lon, lat = (np.radians(v) for v in moved(lon, lat, old, new))
    east = (lon[1] - lon[0] + math.pi) % (2 * math.pi) - math.pi
    return -math.atan2(east * math.cos((lat[0] + lat[1]) / 2), lat[1] - lat[0])
