"""The measures tool, `me`, as far as scripts around images use it: directions, dates, places, frequencies."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lattice.compat.casa.arguments import served
from lattice.compat.casa.coordsys_frames import BODIES, DIRECTIONS, SPECTRA
from lattice.compat.casa.core import Tool
from lattice.compat.casa.errors import ArgumentError, CasaError
from lattice.compat.casa.formats import doppler_name, doppler_velocity, frequency_of_velocity
from lattice.compat.casa.observatories import (
    NAMES,
    from_geodetic,
    position,
    position_of,
    rectangular,
    spherical,
    to_geodetic,
)
from lattice.compat.casa.places import factor_between
from lattice.compat.casa.quantities import converted, in_unit, is_nothing, quantity, quantity_of
from lattice.compat.casa.sky import moved_at
from lattice.compat.casa.timescales import SCALES, in_scale, scale_name

__all__ = ["measures"]

_LIGHT = 299792458.0
_VELOCITIES = [name for name in SPECTRA if name != "REST"]
_DOPPLERS = ["RADIO", "Z", "RATIO", "BETA", "GAMMA", "OPTICAL", "TRUE", "RELATIVISTIC"]
_POSITIONS = ["ITRF", "WGS84"]
_CODES = {
    "direction": (DIRECTIONS, BODIES),
    "epoch": (SCALES, []),
    "frequency": (SPECTRA, ["Undefined"]),
    "radialvelocity": (_VELOCITIES, []),
    "doppler": (_DOPPLERS, []),
    "position": (_POSITIONS, []),
    "baseline": (DIRECTIONS, []),
    "uvw": (DIRECTIONS, []),
}
# Rest frequencies in Hz.
_LINES = {
    "DI": 327384352.5, "H1665": 1665401800.0, "H1667": 1667359000.0, "HI": 1420405751.786,
    "OH1612": 1612231000.0, "OH1665": 1665401800.0, "OH1667": 1667359000.0, "OH1720": 1720530000.0,
    "H2CO": 4829660000.0, "CH3OH6.7": 6668518000.0, "CH3OH12.2": 12178593000.0, "H2O22.2": 22235080000.0,
    "NH3_11": 23694506000.0, "NH3_22": 23722634000.0, "SIO43.1": 43122079000.0, "HCN": 88631847000.0,
    "HCO+": 89188526000.0, "13CO": 110201354000.0, "CO": 115271202000.0,
}  # fmt: skip


class measures(Tool):
    """Places in the sky, on the Earth, in time and in frequency, as records; and their frames.

    Examples
    --------
    >>> from lattice.compat.casa import measures
    >>> me = measures()
    >>> place = me.direction("J2000", "12h0m0s", "30deg")
    >>> round(me.measure(place, "GALACTIC")["m1"]["value"], 5)
    1.36753
    >>> me.doframe(place), me.doframe(me.observatory("VLA")), me.doframe(me.epoch("UTC", "2020/1/1"))
    (True, True, True)
    >>> round(me.measure(me.frequency("TOPO", "1.42GHz"), "LSRK")["m0"]["value"] / 1e9, 4)
    1.4199
    """

    def __init__(self) -> None:
        self._frame: dict[str, Any] = {}

    # -- making -----------------------------------------------------------------------------------------

    @served(rf="text", v0="any", v1="any", off="record")
    def direction(self, rf: str = "J2000", v0: Any = (), v1: Any = (), off: Any = None) -> dict[str, Any]:
        """Return a direction in a frame, or that of a body without values."""
        _no_offset(off)
        lon = 0.0 if is_nothing(v0) else in_unit(v0, "rad", "rad")
        lat = math.pi / 2 if is_nothing(v1) else in_unit(v1, "rad", "rad")
        return _measure(
            "direction", rf, m0=quantity(_wrapped(lon), "rad"), m1=quantity(_latitude(lat), "rad")
        )

    @served(rf="text", v0="any", off="record")
    def epoch(self, rf: str = "UTC", v0: Any = (), off: Any = None) -> dict[str, Any]:
        """Return a date: a text such as 2020/1/1/12:30:00, or days of the modified Julian date."""
        _no_offset(off)
        days = 0.0 if is_nothing(v0) else in_unit(v0, "d", "d")
        return _measure("epoch", scale_name(rf), m0=quantity(days, "d"))

    @served(rf="text", v0="any", off="record")
    def frequency(self, rf: str = "LSRK", v0: Any = (), off: Any = None) -> dict[str, Any]:
        """Return a frequency in a frame, which may be given as a wavelength, a period or an energy."""
        from lattice.compat.casa.quanta import quanta

        _no_offset(off)
        found = {"value": 0.0} if is_nothing(v0) else quanta().convertfreq(v0, "Hz")
        return _measure("frequency", rf, m0=quantity(float(found["value"]), "Hz"))

    @served(rf="text", v0="any", off="record")
    def doppler(self, rf: str = "RADIO", v0: Any = (), off: Any = None) -> dict[str, Any]:
        """Return a doppler shift: a velocity, or a part of that of light."""
        _no_offset(off)
        value, unit = (0.0, "m/s") if is_nothing(v0) else quantity_of(v0)
        speed = value * _LIGHT if not unit else converted(value, unit, "m/s")
        return _measure("doppler", doppler_name(rf), m0=quantity(float(speed), "m/s"))

    @served(rf="text", v0="any", off="record")
    def radialvelocity(self, rf: str = "LSRK", v0: Any = (), off: Any = None) -> dict[str, Any]:
        """Return a radial velocity in a frame."""
        _no_offset(off)
        speed = 0.0 if is_nothing(v0) else in_unit(v0, "m/s", "m/s")
        return _measure("radialvelocity", rf, m0=quantity(speed, "m/s"))

    @served(rf="text", v0="any", v1="any", v2="any", off="record")
    def position(
        self, rf: str = "WGS84", v0: Any = (), v1: Any = (), v2: Any = (), off: Any = None
    ) -> dict[str, Any]:
        """Return a place on Earth: longitude, latitude and height, or x, y and z."""
        return self._place("position", rf, (v0, v1, v2), off)

    @served(rf="text", v0="any", v1="any", v2="any", off="record")
    def baseline(
        self, rf: str = "ITRF", v0: Any = (), v1: Any = (), v2: Any = (), off: Any = None
    ) -> dict[str, Any]:
        """Return a baseline, as angles and a length, or as x, y and z."""
        return self._place("baseline", rf, (v0, v1, v2), off)

    @served(rf="text", v0="any", v1="any", v2="any", off="record")
    def uvw(
        self, rf: str = "ITRF", v0: Any = (), v1: Any = (), v2: Any = (), off: Any = None
    ) -> dict[str, Any]:
        """Return a baseline seen from the sky, as angles and a length, or as u, v and w."""
        return self._place("uvw", rf, (v0, v1, v2), off)

    def _place(self, kind: str, rf: str, values: Sequence[Any], off: Any) -> dict[str, Any]:
        _no_offset(off)
        if all(is_nothing(v) for v in values):
            values = ("0rad", "0rad", "0m")
        if any(is_nothing(v) for v in values):
            raise CasaError(f"a {kind} has three values", hint="longitude, latitude, height, or x, y, z")
        given = [quantity_of(v, "m") for v in values]
        try:
            lengths = [float(converted(v, unit, "m")) for v, unit in given]
        except CasaError:
            angles = [in_unit(v, "rad", "rad") for v in values[:2]]
            found = (_wrapped(angles[0]), angles[1], in_unit(values[2], "m", "m"))
        else:
            found = spherical(*lengths)
            if rf.upper() == "WGS84" and kind == "position":
                found = to_geodetic(*lengths)
        names = ("m0", "m1", "m2")
        parts = {n: quantity(v, u) for n, v, u in zip(names, found, ("rad", "rad", "m"), strict=True)}
        return _measure(kind, rf, **parts)

    @served(name="text")
    def observatory(self, name: str = "ALMA") -> dict[str, Any]:
        """Return the position of a radio telescope."""
        found = position_of(name)
        if found is None:
            raise CasaError(f"the telescope {name!r} is not known", hint=", ".join(NAMES))
        return found

    def obslist(self) -> list[str]:
        """Return the names of the telescopes that are known."""
        return list(NAMES)

    @served(name="text")
    def spectralline(self, name: str = "HI") -> dict[str, Any]:
        """Return the rest frequency of a spectral line."""
        if name not in _LINES:
            raise CasaError(f"the line {name!r} is not known", hint=", ".join(_LINES))
        return _measure("frequency", "REST", m0=quantity(_LINES[name], "Hz"))

    def linelist(self) -> str:
        """Return the names of the spectral lines that are known, with blanks between them."""
        return " ".join(_LINES)

    # -- frames -----------------------------------------------------------------------------------------

    @served(v="any")
    def doframe(self, v: Any) -> bool:
        """Set where and when conversions are: a direction, a position or an epoch."""
        measure = _checked(v)
        if measure["type"] not in ("direction", "position", "epoch", "radialvelocity"):
            raise CasaError(f"a {measure['type']} is no part of a frame", hint="direction, position or epoch")
        self._frame[str(measure["type"])] = measure
        return True

    def framenow(self) -> bool:
        """Set the time of conversions to now."""
        import time

        return self.doframe(self.epoch("UTC", quantity(time.time() / 86400 + 40587.0, "d")))

    def showframe(self) -> str:
        """Return what the frame of conversions is."""
        return "\n".join(f"{kind}: {self.show(measure)}" for kind, measure in self._frame.items())

    def _framed(self, kind: str, what: str) -> Any:
        if kind not in self._frame:
            raise CasaError(f"{what} needs a {kind}", hint="set it with doframe()")
        return self._frame[kind]

    @served(v="any", rf="text", off="record")
    def measure(self, v: Any, rf: str, off: Any = None) -> dict[str, Any]:
        """Return a measure in another frame, with the place, date and direction of doframe."""
        _no_offset(off)
        given = _checked(v)
        kind, old = str(given["type"]), str(given["refer"])
        if kind == "doppler":
            return self._dopplers(given, doppler_name(rf))
        new = scale_name(rf) if kind == "epoch" else _code(kind, rf)
        if new == old:
            return dict(given)
        if kind == "direction":
            return self._directions(given, old, new)
        if kind == "epoch":
            place = self._frame.get("position")
            days = in_scale(in_unit(given["m0"], "d"), old, new, place)
            return _measure("epoch", new, m0=quantity(days, "d"))
        if kind == "position":
            return self._positions(given, new)
        if kind in ("frequency", "radialvelocity"):
            return self._shifted(given, kind, old, new)
        raise CasaError(f"a {kind} is not converted from {old} to {new} here")

    def _directions(self, given: Mapping[str, Any], old: str, new: str) -> dict[str, Any]:
        lon, lat = (math.degrees(in_unit(given[k], "rad")) for k in ("m0", "m1"))
        found = moved_at(lon, lat, old, new, self._frame.get("epoch"), self._frame.get("position"))
        return self.direction(new, *(quantity(math.radians(x), "rad") for x in found))

    def _dopplers(self, given: Mapping[str, Any], new: str) -> dict[str, Any]:
        speed = in_unit(given["m0"], "m/s")
        ratio = float(frequency_of_velocity(speed, 1.0, str(given["refer"])))
        return _measure("doppler", new, m0=quantity(float(doppler_velocity(ratio, 1.0, new)), "m/s"))

    def _positions(self, given: Mapping[str, Any], new: str) -> dict[str, Any]:
        at = [in_unit(given[k], unit) for k, unit in (("m0", "rad"), ("m1", "rad"), ("m2", "m"))]
        if new == "ITRF":
            return position("ITRF", *spherical(*from_geodetic(at[0], at[1], at[2])))
        return position("WGS84", *to_geodetic(*rectangular(at[0], at[1], at[2])))

    def _shifted(self, given: Mapping[str, Any], kind: str, old: str, new: str) -> dict[str, Any]:
        direction = self._framed("direction", "a conversion between frames of frequencies")
        if {old, new} & {"TOPO", "GEO"}:
            self._framed("epoch", f"a conversion between {old} and {new}")
        if "TOPO" in (old, new):
            self._framed("position", f"a conversion between {old} and {new}")
        if str(direction["refer"]) != "J2000":
            direction = self.measure(direction, "J2000")
        factor = factor_between(old, new, direction, self._frame.get("epoch"), self._frame.get("position"))
        if kind == "frequency":
            return _measure("frequency", new, m0=quantity(in_unit(given["m0"], "Hz") * factor, "Hz"))
        ratio = float(frequency_of_velocity(in_unit(given["m0"], "m/s"), 1.0, "TRUE")) * factor
        return _measure(kind, new, m0=quantity(float(doppler_velocity(ratio, 1.0, "TRUE")), "m/s"))

    # -- velocities -------------------------------------------------------------------------------------

    @served(rf="text", v0="any", rfq="any")
    def todoppler(self, rf: str, v0: Any, rfq: Any = ()) -> dict[str, Any]:
        """Return the doppler shift of a frequency relative to a rest frequency, or of a radial velocity."""
        given = _checked(v0)
        if given["type"] == "radialvelocity":
            ratio = float(frequency_of_velocity(in_unit(given["m0"], "m/s"), 1.0, "TRUE"))
        else:
            ratio = in_unit(given["m0"], "Hz") / _hertz(rfq)
        name = doppler_name(rf)
        return _measure("doppler", name, m0=quantity(float(doppler_velocity(ratio, 1.0, name)), "m/s"))

    @served(rf="text", v0="any")
    def toradialvelocity(self, rf: str, v0: Any) -> dict[str, Any]:
        """Return the radial velocity of a doppler shift."""
        true = self._dopplers(_checked(v0, "doppler"), "TRUE")
        return _measure("radialvelocity", rf, m0=true["m0"])

    @served(rf="text", v0="any", rfq="any")
    def tofrequency(self, rf: str, v0: Any, rfq: Any) -> dict[str, Any]:
        """Return the frequency of a doppler shift of a rest frequency."""
        given = _checked(v0, "doppler")
        hertz = frequency_of_velocity(in_unit(given["m0"], "m/s"), _hertz(rfq), str(given["refer"]))
        return _measure("frequency", rf, m0=quantity(float(hertz), "Hz"))

    @served(v0="any", d0="any")
    def torestfrequency(self, v0: Any, d0: Any) -> dict[str, Any]:
        """Return the rest frequency of a frequency with a doppler shift."""
        given, shift = _checked(v0, "frequency"), _checked(d0, "doppler")
        ratio = float(frequency_of_velocity(in_unit(shift["m0"], "m/s"), 1.0, str(shift["refer"])))
        return _measure("frequency", "REST", m0=quantity(in_unit(given["m0"], "Hz") / ratio, "Hz"))

    # -- on the sky -------------------------------------------------------------------------------------

    def _pair(self, m1: Any, m2: Any) -> list[tuple[float, float]]:
        first, second = _checked(m1, "direction"), _checked(m2, "direction")
        both = (first, self.measure(second, str(first["refer"])))
        return [(in_unit(d["m0"], "rad"), in_unit(d["m1"], "rad")) for d in both]

    @served(m1="any", m2="any")
    def separation(self, m1: Any, m2: Any) -> dict[str, Any]:
        """Return the angle between two directions."""
        a, b = (np.array(rectangular(lon, lat, 1.0)) for lon, lat in self._pair(m1, m2))
        angle = math.atan2(float(np.linalg.norm(np.cross(a, b))), float(a @ b))
        return quantity(math.degrees(angle), "deg")

    @served(m1="any", m2="any")
    def posangle(self, m1: Any, m2: Any) -> dict[str, Any]:
        """Return the position angle of the second direction seen from the first, from north through east."""
        (lon, lat), (lon2, lat2) = self._pair(m1, m2)
        east = math.cos(lat2) * math.sin(lon2 - lon)
        north = math.cos(lat) * math.sin(lat2) - math.sin(lat) * math.cos(lat2) * math.cos(lon2 - lon)
        return quantity(math.degrees(math.atan2(east, north)), "deg")

    @served(v="any", offset="any", pa="any")
    def shift(self, v: Any = None, offset: Any = (), pa: Any = ()) -> dict[str, Any]:
        """Return the direction at an angle from another one, along a position angle."""
        given = _checked(v, "direction")
        lon, lat = (in_unit(given[k], "rad") for k in ("m0", "m1"))
        away, angle = in_unit(offset, "rad", "rad"), in_unit(pa, "rad", "rad")
        up = math.sin(lat) * math.cos(away) + math.cos(lat) * math.sin(away) * math.cos(angle)
        east = math.sin(away) * math.sin(angle)
        ahead = math.cos(away) * math.cos(lat) - math.sin(away) * math.sin(lat) * math.cos(angle)
        new = (lon + math.atan2(east, ahead), math.atan2(up, math.hypot(east, ahead)))
        return self.direction(str(given["refer"]), *(quantity(x, "rad") for x in new))

    # -- asking -----------------------------------------------------------------------------------------

    @served(v="any")
    def getvalue(self, v: Any) -> dict[str, Any]:
        """Return the quantities of a measure."""
        given = _checked(v)
        return {k: given[k] for k in ("m0", "m1", "m2") if k in given}

    @served(v="any")
    def gettype(self, v: Any) -> str:
        """Return the type of a measure."""
        return str(_checked(v)["type"]).capitalize()

    @served(v="any")
    def getref(self, v: Any) -> str:
        """Return the frame of a measure."""
        return str(_checked(v)["refer"])

    @served(v="any")
    def getoffset(self, v: Any) -> dict[str, Any]:
        """Return the offset of a measure, empty without one."""
        return dict(_checked(v).get("offset", {}))

    @served(v="any")
    def ismeasure(self, v: Any) -> bool:
        """Return whether something is the record of a measure."""
        return isinstance(v, Mapping) and {"type", "refer", "m0"} <= set(v) and str(v["type"]) in _CODES

    @served(v="any")
    def dirshow(self, v: Any) -> str:
        """Return a direction as text, in degrees."""
        given = _checked(v, "direction")
        lon, lat = (math.degrees(in_unit(given[k], "rad")) for k in ("m0", "m1"))
        return f"[{lon:g}, {lat:g}] deg  {given['refer']}"

    @served(v="any", refcode="flag")
    def show(self, v: Any, refcode: bool = True) -> str:
        """Return a measure as text."""
        given = _checked(v)
        names = [k for k in ("m2", "m0", "m1") if k in given]
        values = [float(given[k]["value"]) for k in names]
        if len(values) > 1:
            text = f"[{', '.join(f'{x:g}' for x in values)}]"
        else:
            unit = "" if given["type"] == "epoch" else f" {given['m0']['unit']}"
            text = f"{values[0]:g}{unit}"
        return f"{text} {given['refer']}" if refcode else text

    @served(ms="any")
    def listcodes(self, ms: Any) -> dict[str, Any]:
        """Return the names of the frames of measures such as one."""
        normal, extra = _CODES[str(_checked(ms)["type"])]
        return {"normal": np.array(normal, str), "extra": np.array(extra, str)}

    @served(a="any")
    def addxvalue(self, a: Any) -> dict[str, Any]:
        """Return a direction or a position as x, y and z."""
        given = _checked(a)
        if "m1" not in given:
            raise CasaError(f"a {given['type']} has no x, y and z")
        lon, lat = in_unit(given["m0"], "rad"), in_unit(given["m1"], "rad")
        if "m2" not in given:
            return quantity(np.array(rectangular(lon, lat, 1.0)), "")
        return quantity(np.array(rectangular(lon, lat, in_unit(given["m2"], "m"))), "m")

    def type(self) -> str:
        """Return measures."""
        return "measures"

    def done(self) -> bool:
        """Forget the frame."""
        self._frame = {}
        return True


# -- helpers ------------------------------------------------------------------------------------------------


def _no_offset(off: Any) -> None:
    if off:
        raise CasaError("measures have no offsets here", hint="add the offset to the value")


def _code(kind: str, name: str) -> str:
    code = name.strip().upper()
    normal, extra = _CODES[kind]
    if code not in (*normal, *extra):
        raise CasaError(f"{name!r} is no {kind} frame", hint=", ".join([*normal, *extra]))
    return code


def _measure(kind: str, refer: str, **parts: dict[str, Any]) -> dict[str, Any]:
    code = refer if kind in ("epoch", "doppler") else _code(kind, refer)
    return {"type": kind, "refer": code, **parts}


def _checked(v: Any, kind: str = "") -> Mapping[str, Any]:
    """Return a measure, which is one, and of a kind."""
    if not isinstance(v, Mapping):
        raise ArgumentError(f"{v!r} is no measure: it is a dictionary")
    if not {"type", "refer", "m0"} <= set(v) or str(v["type"]) not in _CODES:
        raise CasaError("the record is no measure", hint="make one with direction(), epoch() and the like")
    if kind and v["type"] != kind:
        raise CasaError(f"a {v['type']} in place of a {kind}")
    return v


def _hertz(rfq: Any) -> float:
    if is_nothing(rfq):
        raise CasaError("give the rest frequency", hint='"1.42GHz", or a frequency measure')
    found = in_unit(rfq["m0"] if isinstance(rfq, Mapping) and "m0" in rfq else rfq, "Hz", "Hz")
    if found <= 0:
        raise CasaError(f"a rest frequency is not {found:g} Hz")
    return found


def _wrapped(radians: float) -> float:
    return math.pi - (math.pi - radians) % (2 * math.pi) if not -math.pi < radians <= math.pi else radians


def _latitude(radians: float) -> float:
    if abs(radians) > math.pi / 2 + 1e-9:
        raise CasaError(f"a latitude of {math.degrees(radians):g} deg is beyond a pole")
    return radians
