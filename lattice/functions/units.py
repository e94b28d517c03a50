"""Units of results: two rules, and the algebra of the stricter one.

*The rule "lel"* is that of the language: the result of a function whose record says ``unit="first"`` has
the unit of the operand that gives the coordinates, other results have none, and units are never compared.

*The rule "check"* treats units as quantities do.  Sums, comparisons, minima and alike need the same unit on
both sides; units that could be converted into each other are refused too, because pixels are never scaled
behind one's back: convert one side with `Image.to`.  Products, quotients and powers combine units; variances
have the square.  Functions of pure numbers (exp, log, sin, ...) take the number as it is and have no unit:
the logarithm of a brightness is what people plot.  An empty unit means that nothing is known, as of a plain
number: it goes with every unit in a sum, and is 1 in a product.

Which rule holds is the option ``units`` of `lattice.config`: "auto" (the default) is "lel" for text and
"check" for the operators and functions of Python; "lel" and "check" are that rule for both.  The rule is
applied when a node is built: it decides the unit among the attributes of the node, and nothing else.  Text
and operators therefore give the same node wherever the two rules give the same unit, as they do for images
without units and for sums of images of equal units.

Units are text all the time, and astropy is asked only when two different ones meet or one is raised to a
power.  Text that astropy does not know is kept as long as it is not combined.  A single word of it may be
multiplied and divided (``adc`` and ``s`` give ``adc / s``); whatever else would have to be guessed at is
dropped, with a LatticeWarning.
"""

from __future__ import annotations

import re
import warnings
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from lattice.config import get_option
from lattice.errors import UnitMismatchError, warn
from lattice.graph.fold import constant

if TYPE_CHECKING:
    from lattice.graph.node import Node

__all__ = [
    "alike",
    "choice",
    "parse",
    "power_unit",
    "product",
    "quotient",
    "root",
    "rule",
    "square",
    "text_of",
]

_SEPARATOR = re.compile(r"\s*([/.*]|\s)\s*")
_WORD = re.compile(r"[^\W\d]\w*\Z")
# what FITS files of old have in capitals; astropy minds the case
_CAPITALS = {
    "JY": "Jy",
    "JY/BEAM": "Jy/beam",
    "JY/PIXEL": "Jy/pixel",
    "JY BEAM-1": "Jy/beam",
    "KELVIN": "K",
    "COUNTS": "count",
    "DEGREES": "deg",
    "HZ": "Hz",
    "KM/S": "km/s",
    "M/S": "m/s",
}


def rule(text: bool, args: tuple[Node, ...]) -> str:
    """Return which rule holds for a call: that for expression text, or that for operators of Python."""
    if not any(a.attrs.unit for a in args):
        return "lel"  # both agree
    chosen = str(get_option("units"))
    return ("lel" if text else "check") if chosen == "auto" else chosen


def parse(text: str) -> Any:
    """Return a unit as astropy knows it, None if it does not.

    A slash divides by what follows it up to the next separator, as casacore has it: ``Jy/beam.km/s`` is
    ``(Jy/beam) (km/s)``. Astropy by itself would divide by all that follows.
    """
    from astropy import units

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about more than one slash
        for form in (text, _CAPITALS.get(text.strip().upper(), "")):
            try:
                if form:
                    return _by_factors(form, units.Unit) or units.Unit(form)
            except (ValueError, TypeError):
                continue
    return None


def _by_factors(text: str, unit_of: Any) -> Any:
    """Return a unit in which a factor follows a divisor; None for other texts, which say what they mean."""
    parts = _SEPARATOR.split(text.strip().replace("**", "^"))
    separators = parts[1::2]
    slash = next((i for i, s in enumerate(separators) if "/" in s), None)
    if slash is None or all("/" in s for s in separators[slash:]) or "(" in text:
        return None
    if re.search(r"[0-9]\.[0-9]", text):
        raise ValueError("whether the point is a decimal one, and what is divided by, is a guess")
    unit = unit_of(parts[0].replace("^", "**"))
    for separator, part in zip(separators, parts[2::2], strict=True):
        factor = unit_of(part.replace("^", "**"))
        unit = unit / factor if "/" in separator else unit * factor
    return unit


def text_of(unit: Any) -> str:
    """Return a unit of astropy as text, the way FITS writes it where that is possible."""
    if unit.physical_type == "dimensionless" and unit.is_equivalent("") and unit.to("") == 1:
        return ""
    try:
        return str(unit.to_string("fits"))
    except ValueError:
        return str(unit.to_string())


def _drop(a: str, b: str, what: str) -> str:
    warn(f"the result of {what} has no unit: {a!r} and {b!r} are not both known units and cannot be combined")
    return ""


def same_unit(a: str, b: str, what: str) -> str:
    """Return the unit of what two operands of one unit give; refuse different ones."""
    if a == b or not b:
        return a
    if not a:
        return b
    if a.split() == b.split():
        return a
    x, y = parse(a), parse(b)
    if x is None or y is None:
        return _drop(a, b, what)
    if x == y:
        return a
    if x.is_equivalent(y):
        raise UnitMismatchError(
            f"{what} needs operands of one unit, not {a!r} and {b!r}",
            hint=f"convert one of them first, as in b.to({a!r})",
        )
    raise UnitMismatchError(
        f"{what} needs operands of one unit; {a!r} and {b!r} are units of different things",
        hint="convert one of them with convert_unit(), or say what the pixels are with with_unit()",
    )


# -- rules of functions: from the nodes of the arguments to the unit of the result --------------------------


def alike(what: str, start: int = 0, result: bool = True) -> Any:
    """Return the rule that arguments (from `start` on) have one unit, which the result has as well."""

    def of(args: tuple[Node, ...]) -> str:
        unit = ""
        for arg in args[start:]:
            unit = same_unit(unit, arg.attrs.unit, what)
        return unit if result else ""

    return of


def choice(args: tuple[Node, ...]) -> str:
    """Rule of iif(condition, a, b): that of a and b."""
    unit: str = alike("iif()", 1)(args)
    return unit


def _is_pure(unit: str) -> bool:
    known = parse(unit)
    return known is not None and known.is_equivalent("") and known.to("") == 1


def product(args: tuple[Node, ...]) -> str:
    """Rule of a product."""
    a, b = (x.attrs.unit for x in args)
    if not a or not b:
        return a or b
    x, y = parse(a), parse(b)
    if x is not None and y is not None:
        return text_of(x * y)
    if _WORD.match(a) and _WORD.match(b):
        return f"{a}**2" if a == b else f"{a} {b}"
    return _drop(a, b, "'*'")


def quotient(args: tuple[Node, ...]) -> str:
    """Rule of a quotient."""
    a, b = (x.attrs.unit for x in args)
    if not b or a == b:
        return a if not b else ""
    x, y = parse(a) if a else 1, parse(b)
    if x is not None and y is not None:
        return text_of(x / y) if a else text_of(y**-1)
    if _WORD.match(b) and (not a or _WORD.match(a)):
        return f"{a} / {b}" if a else f"{b}**-1"
    return _drop(a, b, "'/'")


def _raised(unit: str, exponent: Fraction) -> str:
    """Return a power of a unit."""
    if not unit or exponent == 1:
        return unit
    if exponent == 0:
        return ""
    known = parse(unit)
    if known is not None:
        return text_of(known**exponent)
    if _WORD.match(unit) and exponent.denominator == 1:
        return f"{unit}**{exponent}"
    warn(f"the result has no unit: {unit!r} is no known unit that could be raised to {exponent}")
    return ""


def power_unit(args: tuple[Node, ...]) -> str:
    """Rule of a power: the exponent is a pure number, and a constant where the base has a unit."""
    base, exponent = args
    if exponent.attrs.unit and not _is_pure(exponent.attrs.unit):
        raise UnitMismatchError(
            f"the exponent of a power is a pure number, not one in {exponent.attrs.unit!r}",
            hint="divide by something of that unit, or drop the unit with with_unit('')",
        )
    if not base.attrs.unit:
        return ""
    known = constant(exponent) if exponent.attrs.is_scalar else None
    value = None if known is None or known.value is None else complex(known.value)
    if value is None or value.imag != 0 or value.real != value.real or abs(value.real) > 1e6:
        raise UnitMismatchError(
            f"a power of something in {base.attrs.unit!r} needs a constant as exponent",
            hint="drop the unit of the base with with_unit('')",
        )
    return _raised(base.attrs.unit, Fraction(value.real).limit_denominator(1000))


def root(args: tuple[Node, ...]) -> str:
    """Rule of a square root."""
    return _raised(args[0].attrs.unit, Fraction(1, 2))


def square(args: tuple[Node, ...]) -> str:
    """Rule of a variance."""
    return _raised(args[0].attrs.unit, Fraction(2))
