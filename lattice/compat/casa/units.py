"""Units as CASA spells them: ``km.s-1``, ``Jy/beam``, ``m/(s)``, ``(km/s)2``, ``'`` for minutes of arc."""

from __future__ import annotations

import re
from typing import Any

from lattice.compat.casa.errors import CasaError

__all__ = ["SPELLINGS", "canonical", "define", "defined", "unit_of"]

_PIECE = re.compile(r"\s*(?:(?P<mark>[./*()])|(?P<name>[SM]0(?!\d)|[A-Za-z_%$µ'\":]+)|(?P<power>[+-]?\d+))")
_DEEPEST = 20

SPELLINGS = {
    "'": "arcmin", '"': "arcsec", "''": "arcsec", "pix": "pix", "_": "", "%": "0.01", "%%": "0.001",
    "AE": "AU", "UA": "AU", "ly": "lyr", "S0": "Msun", "M0": "Msun", "FU": "Jy", "fu": "Jy",
    "WU": "0.005 Jy", "in": "0.0254 m", "ft": "0.3048 m", "yd": "0.9144 m", "mile": "1609.344 m",
    "cy": "100 yr", "lb": "0.45359237 kg", "oz": "0.028349523125 kg", "hp": "745.7 W",
    "atm": "101325 Pa", "ata": "98066.5 Pa", "cal": "4.1868 J", "Cal": "4186.8 J",
    "kn": "0.5144444444444445 m/s", "lambda": "", "count": "count", "sq_deg": "deg2",
    "sq_arcmin": "arcmin2", "sq_arcsec": "arcsec2", "ac": "4046.8564224 m2", "CM": "1e-4 kg m-1",
}  # fmt: skip
"""Units that have another name, or none, in astropy."""

FITS_NAMES = {
    "JY": "Jy", "BEAM": "beam", "DEGREES": "deg", "DEG": "deg", "SECONDS": "s", "SEC": "s", "HZ": "Hz",
    "KELVINS": "K", "KELVIN": "K", "METERS": "m", "M": "m", "VOLTS": "V", "YEARS": "yr", "YEAR": "yr",
    "DAYS": "d", "DAY": "d", "PIXEL": "pixel",
}  # fmt: skip
"""Names that units have in old FITS files."""

_ORDER = ("m", "kg", "s", "A", "K", "cd", "mol", "rad", "sr")
_own: dict[str, Any] = {}


def define(name: str, unit: Any) -> None:
    """Let a name be a unit, in this process."""
    if not re.fullmatch(r"[A-Za-z_]+", name):
        raise CasaError(f"{name!r} cannot be the name of a unit", hint="use letters")
    from astropy import units as u

    _own[name] = u.Unit(unit)


def defined() -> dict[str, Any]:
    """Return the units that were defined, by name."""
    return dict(_own)


def unit_of(text: str) -> Any:
    """Return a unit as astropy has it.

    Raises
    ------
    CasaError
        When there is no such unit.

    Examples
    --------
    >>> unit_of("km.s-1") == unit_of("km/s"), unit_of("(km/s)2").to(unit_of("m2/s2"))
    (True, 1000000.0)
    """
    from astropy import units as u

    pieces = []
    place = 0
    spelled = text.strip()
    while place < len(spelled):
        found = _PIECE.match(spelled, place)
        if found is None or found.end() == place:
            raise CasaError(f"{text!r} is no unit that is known")
        pieces.append((str(found.lastgroup), found.group(str(found.lastgroup))))
        place = found.end()
    if not pieces:
        return u.dimensionless_unscaled
    reader = _Reader(text, pieces)
    unit = reader.product(0)
    if reader.place < len(pieces):
        raise CasaError(f"{text!r} is no unit: its brackets do not match")
    return unit


class _Reader:
    """Reads the pieces of a unit: factors, each divided by that stands behind a slash."""

    def __init__(self, text: str, pieces: list[tuple[str, str]]) -> None:
        self.text, self.pieces, self.place = text, pieces, 0

    def _next(self) -> tuple[str, str]:
        return self.pieces[self.place] if self.place < len(self.pieces) else ("end", "")

    def product(self, depth: int) -> Any:
        from astropy import units as u

        if depth > _DEEPEST:
            raise CasaError(f"{self.text[:40]!r} has too many brackets for a unit")
        unit: Any = u.dimensionless_unscaled
        below = False
        while True:
            kind, value = self._next()
            if kind == "end" or value == ")":
                return unit
            self.place += 1
            if kind == "mark" and value in "./*":
                below = value == "/"
                continue
            if value == "(":
                factor = self.product(depth + 1)
                if self._next()[1] != ")":
                    raise CasaError(f"{self.text!r} is no unit: its brackets do not match")
                self.place += 1
            elif kind == "name":
                factor = _named(value, self.text)
            else:
                raise CasaError(f"{self.text!r} is no unit that is known")
            if self._next()[0] == "power":
                power = int(self._next()[1])
                if abs(power) > 100:
                    raise CasaError(f"{self.text!r} is no unit: the power {power} is beyond all measure")
                factor = factor**power
                self.place += 1
            unit = unit / factor if below else unit * factor
            below = False


def _named(name: str, text: str) -> Any:
    from astropy import units as u

    if name in _own:
        return _own[name]
    spelled = SPELLINGS.get(name, name)
    if spelled == "":
        return u.dimensionless_unscaled
    try:
        return u.Unit(spelled)
    except (ValueError, TypeError):
        raise CasaError(f"{text!r} is no unit that is known") from None


def canonical(unit: Any) -> tuple[float, str]:
    """Return factor and text of a unit in basic ones: those of SI, and radians; beams and pixels are counted.

    >>> canonical(unit_of("km/h"))[1], canonical(unit_of("Jy/beam"))[1]
    ('m.s-1', 'kg.s-2._-1')
    """
    found = unit.decompose()
    powers: dict[str, Any] = {}
    for base, power in zip(found.bases, found.powers, strict=True):
        name = base.name if base.name in _ORDER else "_"
        powers[name] = powers.get(name, 0) + power
    names = [n for n in (*_ORDER, "_") if powers.get(n)]
    text = ".".join(n if powers[n] == 1 else f"{n}{powers[n]}" for n in names)
    return float(found.scale), text
