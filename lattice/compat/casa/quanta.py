"""The quanta tool, `qa`, as far as scripts around images use it: quantities, arithmetic and spelling."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from lattice.compat.casa.core import Tool
from lattice.compat.casa.errors import CasaError, as_casa
from lattice.compat.casa.quantities import converted, quantity, quantity_of, sexagesimal, unit_of

__all__ = ["quanta"]

_CONSTANTS = {
    "pi": (math.pi, ""),
    "ee": (math.e, ""),
    "c": (299792458.0, "m/s"),
    "G": (6.67259e-11, "N.m2/kg2"),
    "h": (6.62606957e-34, "J.s"),
    "HI": (1420405751.786, "Hz"),
    "R": (8.314472, "J/K/mol"),
    "NA": (6.0221417e23, "mol-1"),
    "e": (1.60217733e-19, "C"),
    "mp": (1.672623110e-27, "kg"),
    "k": (1.3806488e-23, "J/K"),
}


class quanta(Tool):
    """Numbers with units, as records of value and unit.

    Examples
    --------
    >>> from lattice.compat.casa import quanta
    >>> qa = quanta()
    >>> qa.convert("1.5deg", "arcmin"), qa.add("1m", "2km")["value"]
    ({'value': 90.0, 'unit': 'arcmin'}, 2001.0)
    """

    def quantity(self, v: Any = (), unitname: str = "", keepshape: bool = False) -> dict[str, Any]:
        """Return the record of a text, a record, or numbers with a unit."""
        if isinstance(v, str | Mapping):
            value, unit = quantity_of(v)
            return quantity(value, unit)
        if np.ndim(v):
            return quantity(np.asarray(v, np.float64), unitname)
        return quantity(float(v), unitname)

    def unit(self, v: Any = (), unitname: str = "", keepshape: bool = False) -> dict[str, Any]:
        """Return the record of a quantity; the same as `quantity`."""
        return self.quantity(v, unitname, keepshape)

    def isquantity(self, v: Any = ()) -> bool:
        """Return whether something is a quantity."""
        try:
            quantity_of(v)
        except Exception:  # whatever it is, it is none
            return False
        return True

    def getvalue(self, v: Any = ()) -> np.ndarray:
        """Return the numbers of a quantity."""
        return np.atleast_1d(np.asarray(quantity_of(v)[0], np.float64))

    def getunit(self, v: Any = ()) -> str:
        """Return the unit of a quantity."""
        return quantity_of(v)[1]

    def check(self, v: str) -> bool:
        """Return whether a text is a unit that is known."""
        try:
            unit_of(v)
        except CasaError:
            return False
        return True

    def convert(self, v: Any = (), outunit: Any = ()) -> dict[str, Any]:
        """Return a quantity in another unit."""
        value, unit = quantity_of(v)
        target = outunit if isinstance(outunit, str) else quantity_of(outunit)[1]
        if not target:
            return self.canonical(v)
        with as_casa("quanta.convert"):
            return quantity(converted(value, unit, target), target)

    def canonical(self, v: Any = ()) -> dict[str, Any]:
        """Return a quantity in SI units, angles in radians."""
        value, unit = quantity_of(v)
        found = unit_of(unit).decompose()
        text = ".".join(f"{b}{'' if p == 1 else p}" for b, p in zip(found.bases, found.powers, strict=True))
        return quantity(float(value * found.scale), text)

    canon = canonical

    def _pair(self, v: Any, a: Any) -> tuple[Any, Any, str]:
        first, unit = quantity_of(v)
        second, other = quantity_of(a)
        return first, converted(second, other, unit), unit

    def add(self, v: Any = (), a: Any = ()) -> dict[str, Any]:
        """Return a sum, in the unit of the first."""
        first, second, unit = self._pair(v, a)
        return quantity(first + second, unit)

    def sub(self, v: Any = (), a: Any = ()) -> dict[str, Any]:
        """Return a difference, in the unit of the first."""
        first, second, unit = self._pair(v, a)
        return quantity(first - second, unit)

    def mul(self, v: Any = (), a: Any = ()) -> dict[str, Any]:
        """Return a product."""
        (first, unit), (second, other) = quantity_of(v), quantity_of(a)
        return quantity(first * second, ".".join(u for u in (unit, other) if u))

    def div(self, v: Any = (), a: Any = ()) -> dict[str, Any]:
        """Return a ratio."""
        (first, unit), (second, other) = quantity_of(v), quantity_of(a)
        return quantity(first / second, f"{unit}/({other})" if other else unit)

    def neg(self, v: Any = ()) -> dict[str, Any]:
        """Return the negative of a quantity."""
        value, unit = quantity_of(v)
        return quantity(-value, unit)

    def abs(self, v: Any = ()) -> dict[str, Any]:
        """Return the absolute value of a quantity."""
        value, unit = quantity_of(v)
        return quantity(np.abs(value), unit)

    def compare(self, v: Any = (), a: Any = ()) -> bool:
        """Return whether two quantities are of one kind."""
        units = [unit_of(quantity_of(q)[1]) for q in (v, a)]
        return bool(units[0].is_equivalent(units[1]))

    def gt(self, v: Any = (), a: Any = ()) -> bool:
        """Return whether the first quantity is larger."""
        first, second, _ = self._pair(v, a)
        return bool(first > second)

    def ge(self, v: Any = (), a: Any = ()) -> bool:
        """Return whether the first quantity is larger or equal."""
        first, second, _ = self._pair(v, a)
        return bool(first >= second)

    def lt(self, v: Any = (), a: Any = ()) -> bool:
        """Return whether the first quantity is smaller."""
        return not self.ge(v, a)

    def le(self, v: Any = (), a: Any = ()) -> bool:
        """Return whether the first quantity is smaller or equal."""
        return not self.gt(v, a)

    def eq(self, v: Any = (), a: Any = ()) -> bool:
        """Return whether two quantities are equal."""
        first, second, _ = self._pair(v, a)
        return bool(first == second)

    def ne(self, v: Any = (), a: Any = ()) -> bool:
        """Return whether two quantities are different."""
        return not self.eq(v, a)

    def constants(self, v: str = "pi") -> dict[str, Any]:
        """Return a constant of mathematics or physics."""
        if v not in _CONSTANTS:
            raise CasaError(f"there is no constant {v!r}", hint=", ".join(_CONSTANTS))
        return quantity(*_CONSTANTS[v])

    def toangle(self, v: Any = ()) -> dict[str, Any]:
        """Return an angle, which may be given as a time, in radians."""
        value, unit = quantity_of(v)
        if unit in ("h", "min", "s", "d"):
            return quantity(converted(value, unit, "d") * 2 * math.pi, "rad")
        return quantity(converted(value, unit, "rad"), "rad")

    def tos(self, v: Any = (), prec: int = 9) -> str:
        """Return a quantity as text."""
        value, unit = quantity_of(v)
        return f"{float(value):.{prec}f}{unit}"

    def _spelled(self, v: Any, prec: int, hours: bool) -> str:
        digits = max(0, (prec or 6) - 6)
        text = sexagesimal(float(self.toangle(v)["value"]), hours, digits)
        return text if hours or len(text.split(".")[0]) > 3 else f"{text[0]}0{text[1:]}"

    def time(self, v: Any = (), prec: int = 0, form: Any = (), showform: bool = False) -> list[str]:
        """Return an angle or a time of day in hours, as text; `prec` 6 has seconds, 7 tenths of them."""
        return [self._spelled(v, prec, True)]

    def angle(self, v: Any = (), prec: int = 0, form: Any = (), showform: bool = False) -> list[str]:
        """Return an angle in degrees, minutes and seconds, as text."""
        return [self._spelled(v, prec, False)]

    def formxxx(self, v: Any = (), format: str = "dms", prec: int = 2) -> str:
        """Return an angle as text: dms, hms, deg, rad or +deg."""
        radians = float(self.toangle(v)["value"])
        if format == "hms":
            return sexagesimal(radians, True, prec)
        if format == "dms":
            return self._spelled(v, prec + 6, False)
        if format in ("deg", "rad", "+deg"):
            return f"{math.degrees(radians) if 'deg' in format else radians:.{prec}f}"
        raise CasaError(f"there is no format {format!r}", hint="dms, hms, deg, rad")

    def sqrt(self, v: Any = ()) -> dict[str, Any]:
        """Return the root of a quantity."""
        value, unit = quantity_of(v)
        root = unit_of(unit) ** 0.5
        text = ".".join(f"{b}{'' if p == 1 else p}" for b, p in zip(root.bases, root.powers, strict=True))
        return quantity(math.sqrt(value), text)
