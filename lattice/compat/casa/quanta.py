"""The quanta tool, `qa`: quantities, arithmetic and spelling."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from lattice.compat.casa.arguments import served
from lattice.compat.casa.core import Tool
from lattice.compat.casa.errors import CasaError
from lattice.compat.casa.quantities import converted, quantity, quantity_of
from lattice.compat.casa.spelling import angle_text, date_parts, time_text
from lattice.compat.casa.units import FITS_NAMES, SPELLINGS, canonical, define, defined, unit_of

__all__ = ["quanta"]

_CONSTANTS = {
    "pi": (math.pi, ""),
    "ee": (math.e, ""),
    "c": (299792458.0, "m/s"),
    "G": (6.67259e-11, "N.m2/kg2"),
    "h": (6.6260755e-34, "J.s"),
    "HI": (1420.405751786, "MHz"),
    "R": (8.31451, "J/K/mol"),
    "NA": (6.0221367e23, "mol-1"),
    "e": (1.60217733e-19, "C"),
    "mp": (1.6726231e-27, "kg"),
    "mp_me": (1836.152701, ""),
    "mu0": (4e-7 * math.pi, "H/m"),
    "eps0": (1 / (4e-7 * math.pi * 299792458.0**2), "F/m"),
    "k": (8.31451 / 6.0221367e23, "J/K"),
    "F": (6.0221367e23 * 1.60217733e-19, "C/mol"),
    "me": (1.6726231e-27 / 1836.152701, "kg"),
    "re": (2.8179e-15, "m"),
    "a0": (5.2918e-11, "m"),
    "R0": (6.9599e8, "m"),
    "k2": (0.01720209895**2, "AU3/d2/S0"),
}
_SI = "A C F H Hz J K N Pa S T V W Wb cd deg g kg lm lx m min mol rad s sr h d arcmin arcsec Jy AU pc yr eV"
_OTHERS = "Angstrom G bar dyn erg barn lyr Msun count pixel beam"
_PREFIXES = {
    "Q": 30, "R": 27, "Y": 24, "Z": 21, "E": 18, "P": 15, "T": 12, "G": 9,
    "M": 6, "k": 3, "h": 2, "da": 1, "d": -1, "c": -2, "m": -3, "u": -6,
    "n": -9, "p": -12, "f": -15, "a": -18, "z": -21, "y": -24, "r": -27, "q": -30,
}  # fmt: skip
_TURN = {"d": "rad", "rad": "d"}


class quanta(Tool):
    """Numbers with units, as records of value and unit.

    Examples
    --------
    >>> from lattice.compat.casa import quanta
    >>> qa = quanta()
    >>> qa.convert("1.5deg", "arcmin"), qa.add("1m", "2km")["value"]
    ({'value': 90.0, 'unit': 'arcmin'}, 2001.0)
    >>> qa.time("2010/3/4/5:6:7", form="ymd"), qa.angle("3.5deg", prec=8)
    (['2010/03/04/05:06:07'], ['+003.30.00.00'])
    """

    # -- making -----------------------------------------------------------------------------------------

    @served(v="any", unitname="text", keepshape="flag")
    def quantity(self, v: Any = (), unitname: str = "", keepshape: bool = False) -> dict[str, Any]:
        """Return the record of a text, a record, or numbers with a unit; arrays in one row, x first."""
        if isinstance(v, str | Mapping):
            return quantity(*_of(v))
        unit_of(unitname)
        if isinstance(v, list | tuple) and any(isinstance(one, str) for one in v):
            raise CasaError(f"{v!r} is no quantity", hint='one text, or numbers and a unit: ([1, 2], "m")')
        if np.ndim(v):
            numbers = np.asarray(v, np.float64)
            return quantity(numbers if keepshape else numbers.ravel(order="F"), unitname)
        return quantity(float(v), unitname)

    @served(v="any", unitname="text", keepshape="flag")
    def unit(self, v: Any = (), unitname: str = "", keepshape: bool = False) -> dict[str, Any]:
        """Return the record of a quantity; the same as `quantity`."""
        return self.quantity(v, unitname, keepshape)

    @served(v="any")
    def isquantity(self, v: Any = ()) -> bool:
        """Return whether something is a quantity."""
        try:
            _of(v)
        except (CasaError, TypeError, ValueError):
            return False
        return True

    @served(v="any")
    def getvalue(self, v: Any = ()) -> np.ndarray:
        """Return the numbers of a quantity, or of several."""
        if isinstance(v, list | tuple) and v and all(isinstance(one, Mapping | str) for one in v):
            return np.concatenate([self.getvalue(one) for one in v])
        return np.atleast_1d(np.asarray(_of(v)[0], np.float64))

    @served(v="any")
    def getunit(self, v: Any = ()) -> Any:
        """Return the unit of a quantity, or the units of several."""
        if isinstance(v, list | tuple) and v and all(isinstance(one, Mapping | str) for one in v):
            return [_of(one)[1] for one in v]
        return _of(v)[1]

    @served(v="text")
    def check(self, v: str) -> bool:
        """Return whether a text is a unit that is known."""
        try:
            unit_of(v)
        except CasaError:
            return False
        return True

    # -- other units ------------------------------------------------------------------------------------

    @served(v="any", outunit="any")
    def convert(self, v: Any = (), outunit: Any = ()) -> dict[str, Any]:
        """Return a quantity in another unit, in basic ones without one; a day is a turn of the sky."""
        value, unit = _of(v)
        target = outunit if isinstance(outunit, str) else _of(outunit)[1] if len(outunit) else ""
        if not target.strip():
            return self.canonical(v)
        return quantity(_turned(value, unit, target), target)

    @served(v="any")
    def canonical(self, v: Any = ()) -> dict[str, Any]:
        """Return a quantity in basic units, angles in radians."""
        value, unit = _of(v)
        scale, text = canonical(unit_of(unit))
        return quantity(value * scale, text)

    @served(v="any")
    def canon(self, v: Any = ()) -> dict[str, Any]:
        """Return a quantity in basic units; the same as `canonical`."""
        return self.canonical(v)

    @served(v="any", outunit="text")
    def convertfreq(self, v: Any = (), outunit: str = "Hz") -> dict[str, Any]:
        """Return a frequency, given as such, as a period, a wavelength, an energy or a speed of turning."""
        value, unit = _of(v)
        hertz = _hertz(value, unit)
        if hertz is None:
            raise CasaError(f"{unit!r} is no unit of a frequency")
        return quantity(converted(hertz, "Hz", outunit), outunit)

    @served(cm="any")
    def checkfreq(self, cm: Any = ()) -> bool:
        """Return whether a quantity can be a frequency; see `convertfreq`."""
        return _hertz(*_of(cm)) is not None

    @served(v="any", outunit="text")
    def convertdop(self, v: Any = (), outunit: str = "km/s") -> dict[str, Any]:
        """Return a velocity, given as such or as part of that of light."""
        value, unit = _of(v)
        given = unit_of(unit)
        if given.is_equivalent(unit_of("")):
            value, unit = value * given.decompose().scale * 299792458.0, "m/s"
        return quantity(converted(value, unit, outunit), outunit)

    @served(name="text", v="any")
    def define(self, name: str, v: Any = ()) -> bool:
        """Let a name be a unit, which is as large as a quantity."""
        value, unit = _of(v)
        define(name, float(value) * unit_of(unit))
        return True

    def fits(self) -> bool:
        """Let units have the names, too, that they have in old FITS files."""
        for name, unit in FITS_NAMES.items():
            define(name, unit_of(unit))
        return True

    @served(v="text")
    def map(self, v: str = "all") -> str:
        """Return a text about units: all, prefixes, SI, customary, user, or about constants."""
        return "\n".join("\n".join(record.values()) for record in self._maps(v).values())

    @served(v="text")
    def maprec(self, v: str = "all") -> dict[str, str]:
        """Return a record with a text for each unit; see `map`."""
        return {key: text for record in self._maps(v).values() for key, text in record.items()}

    def _maps(self, v: str) -> dict[str, dict[str, str]]:
        if v.strip().lower() in ("const", "constants"):
            found = {name: f"{name:<6} {value:.6g} {unit}" for name, (value, unit) in _CONSTANTS.items()}
            return {"Constants": {"== Constants ==": f"== Constants ==== {len(found)} ====", **found}}
        names: dict[str, Any] = {
            "Prefix": list(_PREFIXES),
            "SI": _SI.split(),
            "Customary": [*_OTHERS.split(), *SPELLINGS],
            "User": list(defined()),
        }
        word = v.strip().lower()
        chosen = [k for k in names if word == "all" or (word and k.lower().startswith(word))]
        if not chosen:
            raise CasaError(f"there is no list {v!r}", hint=f"all, {', '.join(names)}, constants")
        return {
            k: {f"== {k} ==": f"== {k} ==== {len(names[k])} ===="}
            | {f"{k}_{n}": f"{n:<3} 1e{_PREFIXES[n]}" if k == "Prefix" else _described(n) for n in names[k]}
            for k in chosen
        }

    # -- arithmetic -------------------------------------------------------------------------------------

    def _pair(self, v: Any, a: Any) -> tuple[Any, Any, str]:
        first, unit = _of(v)
        second, other = _of(a)
        return first, converted(second, other, unit), unit

    @served(v="any", a="any")
    def add(self, v: Any = (), a: Any = ()) -> dict[str, Any]:
        """Return a sum, in the unit of the first."""
        first, second, unit = self._pair(v, a)
        return quantity(first + second, unit)

    @served(v="any", a="any")
    def sub(self, v: Any = (), a: Any = ()) -> dict[str, Any]:
        """Return a difference, in the unit of the first."""
        first, second, unit = self._pair(v, a)
        return quantity(first - second, unit)

    @served(v="any", a="any")
    def mul(self, v: Any = (), a: Any = ()) -> dict[str, Any]:
        """Return a product."""
        (first, unit), (second, other) = _of(v), _of(a)
        return quantity(first * second, ".".join(u for u in (unit, other) if u))

    @served(v="any", a="any")
    def div(self, v: Any = (), a: Any = ()) -> dict[str, Any]:
        """Return a ratio."""
        (first, unit), (second, other) = _of(v), _of(a)
        if not np.all(second):
            raise CasaError("nothing is divided by 0")
        return quantity(first / second, f"{unit}/({other})" if other else unit)

    @served(v="any", a="whole")
    def pow(self, v: Any = (), a: int = 1) -> dict[str, Any]:
        """Return a whole power of a quantity."""
        value, unit = _of(v)
        if a < 0 and not np.all(value):
            raise CasaError("nothing is divided by 0")
        return quantity(value**a, f"({unit}){a}" if unit else "")

    @served(v="any")
    def sqrt(self, v: Any = ()) -> dict[str, Any]:
        """Return the root of a quantity whose unit is a square."""
        value, unit = _of(v)
        found = unit_of(unit)
        if any(p % 2 for p in found.decompose().powers):
            raise CasaError(f"the unit {unit!r} is no square")
        if np.any(np.asarray(value) < 0):
            raise CasaError(f"there is no root of {value}")
        scale, text = canonical(found**0.5)
        return quantity(value**0.5 * scale, text)

    @served(v="any")
    def neg(self, v: Any = ()) -> dict[str, Any]:
        """Return the negative of a quantity."""
        value, unit = _of(v)
        return quantity(-value, unit)

    @served(v="any")
    def abs(self, v: Any = ()) -> dict[str, Any]:
        """Return the absolute value of a quantity."""
        return _mapped(v, np.abs)

    @served(v="any")
    def ceil(self, v: Any = ()) -> dict[str, Any]:
        """Return a quantity with its number rounded up."""
        return _mapped(v, np.ceil)

    @served(v="any")
    def floor(self, v: Any = ()) -> dict[str, Any]:
        """Return a quantity with its number rounded down."""
        return _mapped(v, np.floor)

    @served(v="any", a="real")
    def norm(self, v: Any = (), a: float = -0.5) -> dict[str, Any]:
        """Return an angle, in degrees, within a turn that begins at a part of one."""
        value, unit = _of(v)
        turns = _turned(value, unit, "deg") / 360.0
        return quantity((turns - np.floor(turns - a)) * 360.0, "deg")

    def _number(self, v: Any, what: str) -> Any:
        value, unit = _of(v)
        if not unit_of(unit).is_equivalent(unit_of("")):
            raise CasaError(f"{what} is taken of plain numbers, not of {unit}")
        return value * unit_of(unit).decompose().scale

    def _angle(self, v: Any) -> Any:
        value, unit = _of(v)
        return _turned(value, unit, "rad") if unit else value

    @served(v="any")
    def sin(self, v: Any = ()) -> dict[str, Any]:
        """Return the sine of an angle."""
        return quantity(_plain(np.sin(self._angle(v))), "")

    @served(v="any")
    def cos(self, v: Any = ()) -> dict[str, Any]:
        """Return the cosine of an angle."""
        return quantity(_plain(np.cos(self._angle(v))), "")

    @served(v="any")
    def tan(self, v: Any = ()) -> dict[str, Any]:
        """Return the tangent of an angle."""
        return quantity(_plain(np.tan(self._angle(v))), "")

    @served(v="any")
    def asin(self, v: Any = ()) -> dict[str, Any]:
        """Return the angle of a sine."""
        return quantity(_within(np.arcsin, self._number(v, "the arcsine")), "rad")

    @served(v="any")
    def acos(self, v: Any = ()) -> dict[str, Any]:
        """Return the angle of a cosine."""
        return quantity(_within(np.arccos, self._number(v, "the arccosine")), "rad")

    @served(v="any")
    def atan(self, v: Any = ()) -> dict[str, Any]:
        """Return the angle of a tangent."""
        return quantity(_plain(np.arctan(self._number(v, "the arctangent"))), "rad")

    @served(v="any", a="any")
    def atan2(self, v: Any = (), a: Any = ()) -> dict[str, Any]:
        """Return the angle of two legs."""
        y, x = (self._number(q, "the arctangent") for q in (v, a))
        return quantity(_plain(np.arctan2(y, x)), "rad")

    @served(v="any")
    def log(self, v: Any = ()) -> dict[str, Any]:
        """Return the natural logarithm of a number."""
        return quantity(_within(np.log, self._number(v, "the logarithm")), "")

    @served(v="any")
    def log10(self, v: Any = ()) -> dict[str, Any]:
        """Return the logarithm of a number, base 10."""
        return quantity(_within(np.log10, self._number(v, "the logarithm")), "")

    @served(v="any")
    def exp(self, v: Any = ()) -> dict[str, Any]:
        """Return e to the power of a number."""
        return quantity(_within(np.exp, self._number(v, "the exponential")), "")

    # -- comparing --------------------------------------------------------------------------------------

    @served(v="any", a="any")
    def compare(self, v: Any = (), a: Any = ()) -> bool:
        """Return whether two quantities are of one kind."""
        units = [unit_of(_of(q)[1]) for q in (v, a)]
        return bool(units[0].is_equivalent(units[1]))

    @served(v="any", a="any")
    def gt(self, v: Any = (), a: Any = ()) -> bool:
        """Return whether the first quantity is larger."""
        first, second, _ = self._pair(v, a)
        return bool(first > second)

    @served(v="any", a="any")
    def ge(self, v: Any = (), a: Any = ()) -> bool:
        """Return whether the first quantity is larger or equal."""
        first, second, _ = self._pair(v, a)
        return bool(first >= second)

    @served(v="any", a="any")
    def lt(self, v: Any = (), a: Any = ()) -> bool:
        """Return whether the first quantity is smaller."""
        return not self.ge(v, a)

    @served(v="any", a="any")
    def le(self, v: Any = (), a: Any = ()) -> bool:
        """Return whether the first quantity is smaller or equal."""
        return not self.gt(v, a)

    @served(v="any", a="any")
    def eq(self, v: Any = (), a: Any = ()) -> bool:
        """Return whether two quantities are equal; those of different kinds are not."""
        if not self.compare(v, a):
            return False
        first, second, _ = self._pair(v, a)
        return bool(np.all(np.isclose(first, second, rtol=1e-15, atol=0.0)))

    @served(v="any", a="any")
    def ne(self, v: Any = (), a: Any = ()) -> bool:
        """Return whether two quantities are different."""
        return not self.eq(v, a)

    # -- angles, times and texts ------------------------------------------------------------------------

    @served(v="text")
    def constants(self, v: str = "pi") -> dict[str, Any]:
        """Return a constant of mathematics or physics."""
        if v not in _CONSTANTS:
            raise CasaError(f"there is no constant {v!r}", hint=", ".join(_CONSTANTS))
        return quantity(*_CONSTANTS[v])

    @served(v="any")
    def isangle(self, v: Any = ()) -> bool:
        """Return whether a quantity is an angle or a time."""
        unit = unit_of(_of(v)[1])
        return bool(unit.is_equivalent(unit_of("rad")) or unit.is_equivalent(unit_of("s")))

    @served(v="any")
    def totime(self, v: Any = ()) -> dict[str, Any]:
        """Return an angle as a time in days; a time as it is."""
        value, unit = _of(v)
        if unit_of(unit).is_equivalent(unit_of("s")):
            return quantity(value, unit)
        return quantity(_turned(value, unit, "d"), "d")

    @served(v="any")
    def toangle(self, v: Any = ()) -> dict[str, Any]:
        """Return a time as an angle in radians; an angle as it is."""
        value, unit = _of(v)
        if unit_of(unit).is_equivalent(unit_of("rad")):
            return quantity(value, unit)
        return quantity(_turned(value, unit, "rad"), "rad")

    @served(v="any")
    def splitdate(self, v: Any = ()) -> dict[str, Any]:
        """Return the parts of a date: year, month, monthday, yearday, week, weekday, hour, min, sec, ..."""
        return date_parts(float(self.totime(v)["value"]))

    @served(v="any", prec="whole")
    def tos(self, v: Any = (), prec: int = 9) -> str:
        """Return a quantity as text, with a number of digits behind the point."""
        value, unit = _of(v)
        if np.ndim(value):
            raise CasaError("one number is made a text, not several")
        return f"{float(value):.{prec if prec > 1 else 9}f}{unit}"

    @served(v="any", prec="whole", form="any", showform="flag")
    def time(self, v: Any = (), prec: int = 0, form: Any = (), showform: bool = False) -> list[str]:
        """Return times, or angles in hours, as texts; `prec` 6 has seconds, 7 tenths of them.

        `form` has words that begin clean, no_d, no_dm, ymd, dmy, mjd, fits, day, no_time.
        """
        days = np.atleast_1d(self._days(v))
        return [time_text(float(d), prec, form) for d in days]

    def _days(self, v: Any) -> Any:
        value, unit = _of(v)
        return _turned(value, unit, "d") if unit else value

    @served(v="any", prec="whole", form="any", showform="flag")
    def angle(self, v: Any = (), prec: int = 0, form: Any = (), showform: bool = False) -> list[str]:
        """Return angles in degrees, minutes and seconds as texts; `prec` 6 has seconds, 7 tenths of them.

        `form` has words that begin clean, no_d, no_dm, dig2, time.
        """
        radians = np.atleast_1d(self._angle(v))
        return [angle_text(math.degrees(float(r)), prec, form) for r in radians]

    @served(v="any", format="text", prec="whole")
    def formxxx(self, v: Any = (), format: str = "dms", prec: int = 2) -> str:
        """Return an angle as text: dms, hms, deg, rad or +deg."""
        degrees = math.degrees(float(self._angle(v)))
        if format == "hms":
            return time_text(degrees / 360, prec + 6, ())
        if format == "dms":
            return angle_text(degrees, prec + 7, ())
        if format in ("deg", "rad", "+deg"):
            return f"{degrees if 'deg' in format else math.radians(degrees):g}"
        raise CasaError(f"there is no format {format!r}", hint="dms, hms, deg, rad, +deg")

    @served(t="text", v="any")
    def setformat(self, t: str = "", v: str = "F") -> bool:
        """Return True: texts have the forms that each method says."""
        return True

    @served(t="text")
    def getformat(self, t: str = "") -> str:
        """Return F: see `setformat`."""
        return "F"

    def type(self) -> str:
        """Return quanta."""
        return "quanta"

    @served(kill="flag")
    def done(self, kill: bool = False) -> bool:
        """Return True: there is nothing to forget."""
        return True


# -- helpers ------------------------------------------------------------------------------------------------


def _of(v: Any) -> tuple[Any, str]:
    """Return number and unit of a quantity, whose unit is known."""
    value, unit = quantity_of(v)
    unit_of(unit)
    return value, unit


def _plain(value: Any) -> Any:
    return float(value) if np.ndim(value) == 0 else value


def _within(function: Callable[[Any], Any], value: Any) -> Any:
    with np.errstate(all="ignore"):
        found = function(value)
    if not np.isfinite(found).all():
        raise CasaError(f"{value} is outside of where this is defined")
    return _plain(found)


def _mapped(v: Any, function: Callable[[Any], Any]) -> dict[str, Any]:
    value, unit = _of(v)
    return quantity(_plain(function(value)), unit)


def _turned(value: Any, unit: str, target: str) -> Any:
    """Return a value in another unit, where a day is a turn of the sky."""
    given, wanted = unit_of(unit), unit_of(target)
    if given.is_equivalent(wanted):
        return converted(value, unit, target)
    for start, end in _TURN.items():
        if given.is_equivalent(unit_of(start)) and wanted.is_equivalent(unit_of(end)):
            turns = converted(value, unit, start) / (1.0 if start == "d" else 2 * math.pi)
            return converted(turns * (1.0 if end == "d" else 2 * math.pi), end, target)
    return converted(value, unit, target)  # which says that it cannot be


def _hertz(value: Any, unit: str) -> Any:
    """Return a frequency in Hz, None if it is none."""
    from astropy import units as u

    given = unit_of(unit)
    if given.is_equivalent(u.s):
        return 1.0 / (value * given.to(u.s))
    if given.is_equivalent(u.rad / u.s):
        return value * given.to(u.rad / u.s) / (2 * math.pi)
    if given.is_equivalent(u.Hz, u.spectral()):
        return (value * given).to(u.Hz, u.spectral()).value
    return None


def _described(name: str) -> str:
    scale, text = canonical(unit_of(name))
    return f"{name:<10} {scale:g} {text}".rstrip()
