"""The measures tool, `me`, as far as scripts around images use it: directions, epochs, frequencies."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from lattice.compat.casa.core import Tool
from lattice.compat.casa.errors import CasaError
from lattice.compat.casa.formats import doppler_velocity
from lattice.compat.casa.quantities import converted, in_unit, quantity, quantity_of
from lattice.compat.casa.sky import moved

__all__ = ["measures"]


class measures(Tool):
    """Places in the sky, in time and in frequency, as records.

    Examples
    --------
    >>> from lattice.compat.casa import measures
    >>> me = measures()
    >>> place = me.direction("J2000", "12h0m0s", "30deg")
    >>> round(me.measure(place, "GALACTIC")["m1"]["value"], 4)
    1.3675
    """

    def direction(self, rf: str = "J2000", v0: Any = "0..", v1: Any = "", off: Any = None) -> dict[str, Any]:
        """Return a direction in a frame."""
        lon, lat = in_unit(v0, "rad", "rad"), in_unit(v1, "rad", "rad")
        return {
            "type": "direction",
            "refer": rf.upper(),
            "m0": quantity(_wrapped(lon), "rad"),
            "m1": quantity(lat, "rad"),
        }

    def epoch(self, rf: str = "UTC", v0: Any = "", off: Any = None) -> dict[str, Any]:
        """Return a date: a text such as 2020/1/1/12:30:00, or days of the modified Julian date."""
        return {"type": "epoch", "refer": rf.upper(), "m0": quantity(_days(v0), "d")}

    def frequency(self, rf: str = "LSRK", v0: Any = "", off: Any = None) -> dict[str, Any]:
        """Return a frequency in a frame."""
        return {"type": "frequency", "refer": rf.upper(), "m0": quantity(in_unit(v0, "Hz", "Hz"), "Hz")}

    def doppler(self, rf: str = "RADIO", v0: Any = "", off: Any = None) -> dict[str, Any]:
        """Return a doppler shift as a velocity."""
        return {"type": "doppler", "refer": rf.upper(), "m0": quantity(in_unit(v0, "m/s", "m/s"), "m/s")}

    def radialvelocity(self, rf: str = "LSRK", v0: Any = "", off: Any = None) -> dict[str, Any]:
        """Return a radial velocity in a frame."""
        velocity = quantity(in_unit(v0, "m/s", "m/s"), "m/s")
        return {"type": "radialvelocity", "refer": rf.upper(), "m0": velocity}

    def measure(self, v: Mapping[str, Any], rf: str, off: Any = None) -> dict[str, Any]:
        """Return a direction in another frame; other measures only in the one that they have."""
        if str(v["refer"]).upper() == rf.upper():
            return dict(v)
        if v["type"] != "direction":
            raise CasaError(f"a {v['type']} is not converted from {v['refer']} to {rf} here")
        lon, lat = (math.degrees(in_unit(v[k], "rad")) for k in ("m0", "m1"))
        new = moved(lon, lat, str(v["refer"]), rf.upper())
        return self.direction(rf, *(quantity(math.radians(x), "rad") for x in new))

    def _sky(self, *directions: Mapping[str, Any]) -> Any:
        from astropy.coordinates import SkyCoord

        first = str(directions[0]["refer"])
        same = [self.measure(d, first) for d in directions]
        return [SkyCoord(d["m0"]["value"], d["m1"]["value"], unit="rad") for d in same]

    def separation(self, m1: Mapping[str, Any], m2: Mapping[str, Any]) -> dict[str, Any]:
        """Return the angle between two directions."""
        a, b = self._sky(m1, m2)
        return quantity(float(a.separation(b).deg), "deg")

    def posangle(self, m1: Mapping[str, Any], m2: Mapping[str, Any]) -> dict[str, Any]:
        """Return the position angle of the second direction seen from the first."""
        a, b = self._sky(m1, m2)
        return quantity(float(a.position_angle(b).wrap_at("180d").deg), "deg")

    def todoppler(self, rf: str, v0: Mapping[str, Any], rfq: Any = ()) -> dict[str, Any]:
        """Return the doppler shift of a frequency relative to a rest frequency."""
        rest = in_unit(rfq["m0"] if isinstance(rfq, Mapping) and "m0" in rfq else rfq, "Hz")
        velocity = float(doppler_velocity(in_unit(v0["m0"], "Hz"), rest, rf))
        return self.doppler(rf, quantity(velocity, "m/s"))

    def getvalue(self, v: Mapping[str, Any]) -> dict[str, Any]:
        """Return the quantities of a measure."""
        return {k: v[k] for k in ("m0", "m1", "m2") if k in v}

    def gettype(self, v: Mapping[str, Any]) -> str:
        """Return the type of a measure."""
        return str(v["type"]).capitalize()

    def getref(self, v: Mapping[str, Any]) -> str:
        """Return the frame of a measure."""
        return str(v["refer"])

    def ismeasure(self, v: Any) -> bool:
        """Return whether something is the record of a measure."""
        return isinstance(v, Mapping) and {"type", "refer", "m0"} <= set(v)

    def dirshow(self, v: Mapping[str, Any]) -> str:
        """Return a direction as text."""
        lon, lat = (math.degrees(in_unit(v[k], "rad")) for k in ("m0", "m1"))
        return f"[{lon:.9g}, {lat:.9g}] deg  {v['refer']}"


def _wrapped(radians: float) -> float:
    return radians - 2 * math.pi if radians > math.pi else radians


def _days(value: Any) -> float:
    if isinstance(value, str) and ("/" in value or "T" in value or value.count("-") >= 2):
        from astropy.time import Time

        date, _, clock = value.replace("T", "/").replace("-", "/").rpartition("/")
        if date.count("/") < 2:
            date, clock = value.replace("-", "/"), "0:0:0"
        year, month, day = (int(p) for p in date.split("/"))
        h, m, s = [*(float(p) for p in clock.split(":")), 0.0, 0.0][:3]
        start = Time(f"{year:04d}-{month:02d}-{day:02d}", scale="utc").mjd
        return float(start + (h + m / 60 + s / 3600) / 24)
    number, unit = quantity_of(value, "d")
    return float(converted(float(number), unit or "d", "d"))
