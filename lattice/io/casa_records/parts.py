"""The coordinates of a record, one by one, as FITS cards."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lattice.coords.header import Card, celestial_part
from lattice.coords.spectral import SPECTRAL_NAMES, C, slope_of, to_hertz
from lattice.errors import FormatError
from lattice.io.casa_records.fields import (
    ANGLES,
    HERTZ,
    factor,
    matrix,
    neat,
    number,
    part,
    text,
    texts,
    vector,
)
from lattice.io.casa_records.frames import (
    DIRECTIONS,
    NATIVE_TYPES,
    PARAMETERS,
    PROJECTIONS,
    QUALITIES,
    SPECSYS,
    stokes_code,
)

__all__ = ["READERS", "Part", "PixelAxis", "Unsupported", "line_through", "spectral_table"]


class Unsupported(FormatError):
    """A coordinate that is whole, but of a kind that lattice has no form for."""


@dataclass(frozen=True)
class PixelAxis:
    """Pixels of one axis of a coordinate: `length` of them in the image, or the one it was cut at."""

    length: int = 1
    cut: float | None = None

    def pixels(self) -> np.ndarray:
        """Return the pixels that there are."""
        return np.arange(self.length, dtype=np.float64) if self.cut is None else np.array([self.cut])


@dataclass
class Part:
    """One coordinate as FITS has it: values per world axis, degrees and SI units, reference pixels from 0.

    An axis with a table has no cards; its coordinates are those in the table at pixels 0, 1, ...
    """

    kinds: tuple[str, ...]
    ctypes: tuple[str, ...]
    units: tuple[str, ...]
    crval: Sequence[float] | np.ndarray = ()
    crpix: Sequence[float] | np.ndarray = ()
    cdelt: Sequence[float] | np.ndarray = ()
    pc: np.ndarray | None = None
    names: tuple[str, ...] = ()
    parameters: list[tuple[int, int, float]] = field(default_factory=list)
    cards: list[Card] = field(default_factory=list)
    table: tuple[float, ...] = ()

    def header(self, numbers: Sequence[int]) -> list[Card]:
        """Return the cards, for the numbers of the axes in the header."""
        out: list[Card] = []
        if self.table:
            return self.cards
        for i, n in enumerate(numbers):
            out.append((f"CTYPE{n}", self.ctypes[i], ""))
            out.append((f"CRPIX{n}", float(self.crpix[i]) + 1, ""))
            out.append((f"CRVAL{n}", float(self.crval[i]), ""))
            out.append((f"CDELT{n}", float(self.cdelt[i]), ""))
            out.append((f"CUNIT{n}", self.units[i], ""))
            if self.names and self.names[i] != self.ctypes[i]:
                out.append((f"CNAME{n}", self.names[i], ""))
        if self.pc is not None and not np.array_equal(self.pc, np.eye(len(self.pc))):
            for i, a in enumerate(numbers):
                out += [(f"PC{a}_{b}", float(self.pc[i, j]), "") for j, b in enumerate(numbers)]
        out += [(f"PV{numbers[i]}_{m}", value, "") for i, m, value in self.parameters]
        return out + self.cards


def line_through(pixels: np.ndarray, values: np.ndarray) -> tuple[float, float, float] | None:
    """Return reference pixel, value and step of values that lie on a line, None if they do not."""
    if len(values) == 0 or not np.isfinite(values).all():
        return None
    if len(values) == 1:
        return float(pixels[0]), float(values[0]), 1.0
    step = float(values[-1] - values[0]) / float(pixels[-1] - pixels[0])
    line = values[0] + step * (pixels - pixels[0])
    # 1e-7 of a pixel, and what rounding does to each of the values
    if step and np.abs(values - line).max() <= 1e-7 * abs(step) + 4e-16 * np.abs(values).max():
        return float(pixels[0]), float(values[0]), step
    return None


# -- directions ------------------------------------------------------------------------------------


def _direction(record: Mapping[str, Any], where: str, axes: Sequence[PixelAxis]) -> Part:
    system = text(record, "system", where)
    if system not in DIRECTIONS:
        raise Unsupported(f"{where}system is {system!r}, a frame that is not known")
    lon, lat, radesys, equinox = DIRECTIONS[system]
    units = texts(record, "units", 2, where)
    factors = [factor(ANGLES, u, where + "units") for u in units]
    crval, cdelt = (
        [_degrees(v, f) for v, f in zip(vector(record, key, 2, where), factors, strict=True)]
        for key in ("crval", "cdelt")
    )
    projection, parameters = _projection(record, where, crval[1])
    ctypes = tuple(f"{name:-<5}{projection:->3}" for name in (lon, lat))
    cards: list[Card] = [
        (card, number(record, key, where), "")
        for card, key in (("LONPOLE", "longpole"), ("LATPOLE", "latpole"))
        if number(record, key, where, 999.0) < 999.0
    ]
    if radesys:
        cards.append(("RADESYS", radesys, ""))
    if equinox:
        cards.append(("EQUINOX", equinox, ""))
    crpix = vector(record, "crpix", 2, where)
    pc = matrix(record, "pc", 2, where)
    kinds = ("longitude", "latitude")
    return Part(kinds, ctypes, ("deg", "deg"), crval, crpix, cdelt, pc, (), parameters, cards)


def _degrees(value: float, factors: tuple[float, float]) -> float:
    times, over = factors
    return neat(float(value) * times / over, (over, times)) if times != over else float(value)


def _projection(
    record: Mapping[str, Any], where: str, lat: float
) -> tuple[str, list[tuple[int, int, float]]]:
    name = text(record, "projection", where)
    values = vector(record, "projection_parameters", None, where)
    if name == "NCP":
        if not lat % 180:
            raise Unsupported(f"{where}projection is NCP, which has no form at latitude 0")
        return "SIN", [(1, 1, 0.0), (1, 2, 1 / math.tan(math.radians(lat)))]
    name = "SFL" if name == "GLS" else name
    if name not in PROJECTIONS:
        raise Unsupported(f"{where}projection is {name!r}, which is not known")
    first = 0 if name == "ZPN" else 1
    used = values[: len(PARAMETERS.get(name, ()))]
    if name == "ZPN" and not used.any():
        raise FormatError(f"{where}projection_parameters are all zero, with which ZPN has no meaning")
    if name in ("SIN", "AZP") and not used.any():
        used = used[:0]
    return name, [(1, m + first, float(v)) for m, v in enumerate(used)]


# -- spectra ---------------------------------------------------------------------------------------


def _spectral(record: Mapping[str, Any], where: str, axes: Sequence[PixelAxis]) -> Part:
    pixels = axes[0].pixels()
    hertz = _hertz_factor(record, where)
    rest = number(record, "restfreq", where) * hertz
    rest = rest if rest > 0 else 0.0
    cards: list[Card] = [("RESTFRQ", rest, "")] if rest else []
    system = text(record, "system", where)
    system = "LSRK" if system == "LSR" else system
    if system in SPECSYS:
        cards.append(("SPECSYS", SPECSYS[system], ""))
    native = int(number(record, "nativeType", where, 0.0))
    kind = NATIVE_TYPES[native] if 0 <= native < len(NATIVE_TYPES) else "FREQ"
    kind = "VELO" if kind == "BETA" else kind
    found = _linear_spectrum(record, where, hertz)
    if found is not None:
        if kind == "VRAD" and rest:
            crpix, crval, cdelt = found
            found = crpix, C * (1 - crval / rest), -C * cdelt / rest
            return _spectral_part("VRAD", "m/s", found, cards)
        return _spectral_part("FREQ", "Hz", found, cards)
    table = spectral_table(record, where)
    frequencies = table(pixels)
    if len(pixels) == 1:
        around = table(pixels[0] + np.array([-0.5, 0.5]))
        if around[0] != around[1]:
            return _spectral_part("FREQ", "Hz", (pixels[0], frequencies[0], around[1] - around[0]), cards)
    for ctype, unit, values in _forms(kind, frequencies, rest):
        line = line_through(pixels, values) if len(pixels) > 1 else None
        if line is not None:
            return _spectral_part(ctype, unit, _as_frequency(ctype, line, frequencies), cards)
    return Part(("spectral",), ("FREQ",), ("Hz",), cards=cards, table=tuple(frequencies.tolist()))


def _spectral_part(ctype: str, unit: str, line: tuple[float, float, float], cards: list[Card]) -> Part:
    crpix, crval, cdelt = line
    return Part(("spectral",), (ctype,), (unit,), [crval], [crpix], [cdelt], None, (), [], cards)


def _forms(kind: str, frequencies: np.ndarray, rest: float) -> list[tuple[str, str, np.ndarray]]:
    """Return what may be equidistant along a tabulated spectral axis, with its CTYPE and CUNIT."""
    out = [("FREQ", "Hz", frequencies)]
    if (frequencies > 0).all():
        for own, unit in (("VOPT", "m/s"), ("VELO", "m/s"), ("WAVE", "m"), ("AWAV", "m")):
            functions = to_hertz(own, rest)
            if own == kind and functions is not None:
                out.append((own, unit, functions[1](frequencies)))
        for code in ("W", "A"):
            functions = to_hertz({"W": "WAVE", "A": "AWAV"}[code], 0.0)
            assert functions is not None
            out.append((f"FREQ-{code}2F", "Hz", functions[1](frequencies)))
    return out


def _as_frequency(
    ctype: str, line: tuple[float, float, float], frequencies: np.ndarray
) -> tuple[float, float, float]:
    """Return the reference of an axis of frequencies from that of the wavelengths in which it is linear."""
    if not ctype.startswith("FREQ-"):
        return line
    functions = to_hertz({"W": "WAVE", "A": "AWAV"}[ctype[5]], 0.0)
    assert functions is not None
    crpix, value, step = line
    return crpix, float(frequencies[0]), float(slope_of(functions[0], np.array(value))) * step


def _hertz_factor(record: Mapping[str, Any], where: str) -> float:
    """Return the factor to Hz of the unit of a spectral coordinate."""
    if "unit" in record:
        unit = text(record, "unit", where)
    else:
        unit = texts(part(record, "tabular", where), "units", 1, where + "tabular.")[0]
    times, over = factor(HERTZ, unit, where + "unit")
    return times / over


def _linear_spectrum(
    record: Mapping[str, Any], where: str, hertz: float
) -> tuple[float, float, float] | None:
    """Return reference pixel, frequency and step of a linear axis, None if there is a table."""
    if "wcs" in record:
        wcs, where = part(record, "wcs", where), where + "wcs."
        step = number(wcs, "cdelt", where) * number(wcs, "pc", where, 1.0)
        return number(wcs, "crpix", where), number(wcs, "crval", where) * hertz, step * hertz
    tabular = part(record, "tabular", where)
    where += "tabular."
    if len(vector(tabular, "worldvalues", None, where)):
        return None
    times, over = factor(HERTZ, texts(tabular, "units", 1, where)[0], where + "units")
    hertz = times / over
    crpix, crval, cdelt = (float(vector(tabular, key, 1, where)[0]) for key in ("crpix", "crval", "cdelt"))
    return crpix, crval * hertz, cdelt * hertz


def spectral_table(record: Mapping[str, Any], where: str) -> Callable[[np.ndarray], np.ndarray]:
    """Return the frequencies in Hz of pixels of a tabulated spectral axis."""
    tabular = part(record, "tabular", where)
    where += "tabular."
    times, over = factor(HERTZ, texts(tabular, "units", 1, where)[0], where + "units")
    values = _table(tabular, where)
    return lambda pixels: values(pixels) * times / over


def _table(tabular: Mapping[str, Any], where: str) -> Callable[[np.ndarray], np.ndarray]:
    """Return the function that a table of pixels and values stands for; its ends go on in their direction."""
    pixels = vector(tabular, "pixelvalues", None, where)
    world = vector(tabular, "worldvalues", len(pixels), where)
    order = np.argsort(pixels, kind="stable")
    pixels, world = pixels[order], world[order]
    if (np.diff(pixels) <= 0).any():
        raise FormatError(f"{where}pixelvalues has a pixel twice")
    if len(pixels) == 1:
        step = float(vector(tabular, "cdelt", 1, where)[0])
        return lambda at: world[0] + step * (np.asarray(at, np.float64) - pixels[0])

    def values(at: np.ndarray) -> np.ndarray:
        at = np.asarray(at, np.float64)
        out = np.interp(at, pixels, world)
        for end, inner, outside in ((0, 1, at < pixels[0]), (-1, -2, at > pixels[-1])):
            slope = (world[end] - world[inner]) / (pixels[end] - pixels[inner])
            out = np.where(outside, world[end] + slope * (at - pixels[end]), out)
        return out

    return values


# -- names -----------------------------------------------------------------------------------------


def _stokes(record: Mapping[str, Any], where: str, axes: Sequence[PixelAxis]) -> Part:
    return _coded(texts(record, "stokes", None, where), stokes_code, "stokes", where, axes[0])


def _quality(record: Mapping[str, Any], where: str, axes: Sequence[PixelAxis]) -> Part:
    names = texts(record, "quality", None, where)
    return _coded(names, lambda name: QUALITIES.get(name, 0), "quality", where, axes[0])


def _coded(names: list[str], code: Callable[[str], int], field: str, where: str, axis: PixelAxis) -> Part:
    """Return an axis whose pixels have names, by the codes of these."""
    if axis.cut is not None and 0 <= round(axis.cut) < len(names):
        at = round(axis.cut)
        names, first = names[at : at + 1], float(at)
    elif len(names) < axis.length:
        raise FormatError(f"{where}{field} has {len(names)} names for {axis.length} pixels")
    else:
        names, first = names[: axis.length], 0.0
    codes = np.array([code(name) for name in names], np.float64)
    line = line_through(first + np.arange(len(codes)), codes)
    kind, ctype = ("stokes", "STOKES") if field == "stokes" else ("linear", "QUALITY")
    if line is None:
        return Part((kind,), (ctype,), ("",), table=tuple(codes.tolist()))
    return Part((kind,), (ctype,), ("",), [line[1]], [line[0]], [line[2]])


# -- anything --------------------------------------------------------------------------------------


def safe_ctype(name: str, number: int) -> str:
    """Return a CTYPE that nobody takes for something else.

    >>> safe_ctype("Time", 1), safe_ctype("Frequency", 3)
    ('TIME', 'LINEAR3')
    """
    ctype = "".join(c if c.isalnum() or c in "_-" else "_" for c in name.strip().upper()[:8])
    own = ctype[:4].rstrip("-")
    algorithm = len(ctype) > 4 and ctype[4] == "-"
    special = own in SPECTRAL_NAMES or ctype.startswith(("STOK", "CUBE")) or celestial_part(ctype)
    return f"LINEAR{number}" if algorithm or special or not ctype or not ctype.isascii() else ctype


def _linear(record: Mapping[str, Any], where: str, axes: Sequence[PixelAxis]) -> Part:
    n = len(axes)
    names = texts(record, "axes", n, where)
    units = texts(record, "units", n, where)
    crval, crpix, cdelt = (vector(record, key, n, where) for key in ("crval", "crpix", "cdelt"))
    pc = matrix(record, "pc", n, where)
    ctypes = tuple(safe_ctype(name, i + 1) for i, name in enumerate(names))
    kinds = tuple("time" if ctype == "TIME" else "linear" for ctype in ctypes)
    return Part(kinds, ctypes, tuple(units), crval, crpix, cdelt, pc, tuple(names))


def _tabular(record: Mapping[str, Any], where: str, axes: Sequence[PixelAxis]) -> Part:
    (name,), (unit,) = texts(record, "axes", 1, where), texts(record, "units", 1, where)
    ctype = safe_ctype(name, 1)
    if not len(vector(record, "worldvalues", None, where)):
        line = [float(vector(record, key, 1, where)[0]) for key in ("crpix", "crval", "cdelt")]
    else:
        values = _table(record, where)
        pixels = axes[0].pixels()
        world = values(pixels)
        found = line_through(pixels, world)
        if len(pixels) == 1:
            around = values(pixels[0] + np.array([-0.5, 0.5]))
            step = float(around[1] - around[0])
            found = (float(pixels[0]), float(world[0]), step) if step else None
        if found is None:
            return Part(("tabular",), (ctype,), (unit,), names=(name,), table=tuple(world.tolist()))
        line = list(found)
    return Part(("linear",), (ctype,), (unit,), line[1:2], line[:1], line[2:], None, (name,))


READERS: dict[str, Callable[[Mapping[str, Any], str, Sequence[PixelAxis]], Part]] = {
    "direction": _direction,
    "spectral": _spectral,
    "stokes": _stokes,
    "linear": _linear,
    "tabular": _tabular,
    "quality": _quality,
}
