"""Between the header items of Miriad and FITS cards.

Radians, GHz and km/s on one side, degrees, Hz and m/s on the other; velocity axes have other names.
"""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from lattice.coords.header import is_observation_keyword, is_wcs_keyword
from lattice.coords.system import CoordinateSystem
from lattice.errors import FormatError
from lattice.graph.records import FrozenArray, Record
from lattice.io.base import Beam, ImageSpec, MetaCard
from lattice.io.miriad_items import encode_item, is_item_name

__all__ = ["beam_of", "coordinate_cards", "items_of", "left_out", "meta_cards", "not_linear"]

_R2D = 180 / math.pi
_SKY = re.compile(r"(RA|DEC|[A-Z]LON|[A-Z]LAT)(-|$)")
_FRAMES = {"LSR": "LSRK", "LSD": "LSRD", "HEL": "BARYCENT", "OBS": "TOPOCENT", "GEO": "GEOCENTR"}
_SUFFIXES = {"LSRK": "LSR", "BARYCENT": "HEL", "HELIOCEN": "HEL", "TOPOCENT": "OBS"}
# What a velocity axis is called: Miriad's are linear in frequency.
_VELOCITIES = {"VELO": "VRAD", "FELO": "VOPT-F2W"}
_STRUCTURE = re.compile(
    r"naxis\d*|(ctype|crpix|crval|cdelt|cunit)\d|pc\d_\d|pv\d_\d+|lonpole|latpole|specsys|restfreq|epoch|llrot"
    r"|bunit|bmaj|bmin|bpa|image|mask|history|header"
)
_ANGLES = {"obsra": "OBSRA", "obsdec": "OBSDEC"}
_JULIAN_2000 = 2451545.0
_MOST_AXES = 9


# -- reading ------------------------------------------------------------------------------------


def coordinate_cards(values: Mapping[str, Any], ndim: int) -> list[MetaCard]:
    """Return the WCS cards for the items of an image of `ndim` axes."""
    # Axes beyond those of the image say where it was cut out of.
    count = max([ndim, *(i for i in range(1, _MOST_AXES + 1) if f"ctype{i}" in values)])
    cards: list[MetaCard] = [("WCSAXES", count, "")] if count > ndim else []
    frame = ""
    for i in range(1, count + 1):
        ctype = str(values.get(f"ctype{i}", "")).strip().upper()
        crval, cdelt = _number(values, f"crval{i}", 0.0), _number(values, f"cdelt{i}", 0.0)
        unit, factor = "", 1.0
        if _SKY.match(ctype):
            unit, factor = "deg", _R2D
            if ctype.endswith("-NCP"):
                # orthographic towards the pole of the equator: the general form of SIN
                ctype = ctype[:-3] + "SIN"
                if ctype.startswith("DEC"):
                    tangent = math.tan(crval)
                    if tangent == 0:
                        raise FormatError("the projection NCP has no meaning on the equator")
                    cards += [(f"PV{i}_1", 0.0, ""), (f"PV{i}_2", 1 / tangent, "")]
        elif ctype[:4] in ("FREQ", "VELO", "FELO", "VRAD", "VOPT"):
            unit, factor = ("Hz", 1e9) if ctype[:4] == "FREQ" else ("m/s", 1e3)
            name, _, tail = ctype.partition("-")
            # Other tails, such as LOG and F2V, are those of FITS.
            if name in ("FREQ", "VELO", "FELO") and (not tail or tail[:3] in _FRAMES):
                frame = _FRAMES.get(tail[:3], frame)
                ctype = _VELOCITIES.get(name, name)
        elif isinstance(values.get(f"cunit{i}"), str):
            unit = values[f"cunit{i}"].strip()
        if not ctype and not any(f"{k}{i}" in values for k in ("crpix", "crval", "cdelt")):
            continue
        if ctype:
            cards.append((f"CTYPE{i}", ctype, ""))
        cards += [
            (f"CRPIX{i}", _number(values, f"crpix{i}", 0.0), ""),
            (f"CRVAL{i}", crval * factor, ""),
            (f"CDELT{i}", (cdelt or 1.0 / factor) * factor, ""),
        ]
        if unit:
            cards.append((f"CUNIT{i}", unit, ""))
        rotation = _number(values, "llrot", 0.0)
        if rotation and unit == "deg" and re.match(r"DEC|.LAT", ctype):
            cards.append((f"CROTA{i}", rotation * _R2D, ""))
    return cards + _common_cards(values, frame)


def _common_cards(values: Mapping[str, Any], frame: str) -> list[MetaCard]:
    cards: list[MetaCard] = []
    for name, value in values.items():
        if re.fullmatch(r"pc\d_\d|pv\d_\d+|lonpole|latpole", name) and isinstance(value, int | float):
            cards.append((name.upper(), float(value), ""))
    if isinstance(values.get("specsys"), str):
        frame = values["specsys"].strip().upper()
    if frame:
        cards.append(("SPECSYS", frame, ""))
    rest = values.get("restfreq")
    if isinstance(rest, np.ndarray):
        rest = float(rest[0])
    if isinstance(rest, int | float) and rest > 0:
        cards.append(("RESTFRQ", rest * 1e9, "[Hz]"))
    epoch = _number(values, "epoch", 0.0)
    if epoch > 0:
        cards.append(("EQUINOX", epoch, ""))
    return cards


def _number(values: Mapping[str, Any], name: str, default: float) -> float:
    value = values.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise FormatError(f"the Miriad item {name} is {value!r}, which is no number")
    return float(value)


def beam_of(values: Mapping[str, Any]) -> tuple[Beam, ...]:
    """Return the beam, in degrees, if there is one."""
    major, minor = _number(values, "bmaj", 0.0), _number(values, "bmin", 0.0)
    return ((major * _R2D, (minor or major) * _R2D, _number(values, "bpa", 0.0)),) if major > 0 else ()


def meta_cards(values: Mapping[str, Any]) -> tuple[MetaCard, ...]:
    """Return the items that say something else, as cards."""
    cards: list[MetaCard] = []
    for name, value in values.items():
        if _STRUCTURE.fullmatch(name) or value is None:
            continue
        if name == "obstime" and isinstance(value, float) and 0 < value < 5e6:
            cards.append(("DATE-OBS", _date_of(value), "UTC"))
        elif name in _ANGLES and isinstance(value, int | float):
            cards.append((_ANGLES[name], value * _R2D, "[deg]"))
        elif isinstance(value, np.ndarray):
            cards.append((name.upper(), FrozenArray(value), ""))
        else:
            # Miriad has no truth values; these two texts are how they are written.
            cards.append((name.upper(), value == "T" if value in ("T", "F") else value, ""))
    return tuple(cards)


def _date_of(julian: float) -> str:
    moment = datetime.datetime(2000, 1, 1, 12) + datetime.timedelta(days=julian - _JULIAN_2000)
    return moment.isoformat(timespec="milliseconds")


# -- writing ------------------------------------------------------------------------------------


def items_of(spec: ImageSpec) -> dict[str, bytes]:
    """Return the header items of a new image, coded."""
    items: dict[str, Any] = {"naxis": len(spec.shape)}
    items |= {f"naxis{i + 1}": int(n) for i, n in enumerate(reversed(spec.shape))}
    if spec.unit:
        items["bunit"] = spec.unit
    if len(spec.beams) == 1:
        major, minor, angle = spec.beams[0]
        items |= {"bmaj": major / _R2D, "bmin": minor / _R2D, "bpa": float(angle)}
    if spec.coords is not None:
        items |= _coordinate_items(spec.coords, spec.shape)
    for key, value, _ in spec.meta:
        name, stored = _meta_item(key, value)
        if name and name not in items:
            items[name] = stored
    return {name: encode_item(value) for name, value in items.items()}


def _coordinate_items(coords: CoordinateSystem, shape: Sequence[int]) -> dict[str, Any]:
    cards = coords.to_cards(shape)
    values: dict[str, Any] = {}
    for key, value, _ in cards:
        values.setdefault(key, value)
    frame = str(values.get("SPECSYS", "")).strip().upper()
    count = len(shape)
    if isinstance(values.get("WCSAXES"), int):
        count = max(count, min(values["WCSAXES"], _MOST_AXES))
    axes, frame = _in_usual_units(cards, values, count, frame)
    out: dict[str, Any] = {}
    for i, (ctype, crval, cdelt, unit) in enumerate(axes, 1):
        if not ctype and not any(f"{k}{i}" in values for k in ("CRPIX", "CRVAL", "CDELT")):
            continue
        kind, divisor = _miriad_axis(ctype, frame)
        if kind:
            out[f"ctype{i}"] = kind
        out[f"crpix{i}"] = float(values.get(f"CRPIX{i}", 0.0))
        out[f"crval{i}"] = crval / divisor
        out[f"cdelt{i}"] = cdelt / divisor
        if divisor == 1 and unit:
            out[f"cunit{i}"] = unit
        if values.get(f"CROTA{i}"):
            out["llrot"] = float(values[f"CROTA{i}"]) / _R2D
    for key, value in values.items():
        if re.fullmatch(r"PC\d_\d|PV\d_\d{1,2}|LONPOLE|LATPOLE", key):
            if key[:2] != "PC" or float(value) != float(key[2] == key[4]):
                out[key.lower()] = float(value)
        elif key in ("RESTFRQ", "RESTFREQ") and value:
            out["restfreq"] = float(value) / 1e9
        elif key == "EQUINOX":
            out["epoch"] = float(value)
    if "EQUINOX" not in values and str(values.get("RADESYS", values.get("RADECSYS", ""))).startswith("FK4"):
        out["epoch"] = 1950.0
    if frame:
        out["specsys"] = frame
    return out


def _in_usual_units(
    cards: Sequence[MetaCard], values: Mapping[str, Any], count: int, frame: str
) -> tuple[list[tuple[str, float, float, str]], str]:
    """Return CTYPE, CRVAL, CDELT and CUNIT of each axis in degrees and SI units, and SPECSYS.

    Old names, such as VELO-LSR and FELO-HEL, become those of the standard, which also say what is linear.
    """
    from lattice.coords.astropy_wcs import make_wcs

    given = [
        (
            str(values.get(f"CTYPE{i}", "")).strip().upper(),
            float(values.get(f"CRVAL{i}", 0.0)),
            float(values.get(f"CDELT{i}", values.get(f"CD{i}_{i}", 1.0))),
            str(values.get(f"CUNIT{i}", "")).strip(),
        )
        for i in range(1, count + 1)
    ]
    try:
        wcs = make_wcs(cards, count).wcs
        wcs.set()
    except Exception:  # wcslib has a class of its own for each kind of fault: the cards stay what they are
        return given, frame
    scale = wcs.cd.diagonal() if wcs.has_cd() else wcs.cdelt
    axes = []
    for i, (ctype, *_) in enumerate(given):
        # Of the sky the old names tell more: NCP has no parameters.
        name = ctype if _SKY.match(ctype) else str(wcs.ctype[i]).strip().upper()
        axes.append((name, float(wcs.crval[i]), float(scale[i]), _unit_text(wcs.cunit[i])))
    return axes, str(wcs.specsys).strip().upper() or frame


def _unit_text(unit: Any) -> str:
    try:
        return str(unit.to_string("fits"))
    except ValueError:  # of no standard
        return str(unit)


def _miriad_axis(ctype: str, frame: str) -> tuple[str, float]:
    """Return Miriad's name for an axis, and what its values in usual units are divided by."""
    if _SKY.match(ctype):
        return ctype, _R2D
    suffix = f"-{_SUFFIXES[frame]}" if frame in _SUFFIXES else ""
    if ctype == "FREQ":
        return f"FREQ{suffix}", 1e9
    if ctype in ("VRAD", "VELO"):
        return f"VELO{suffix}", 1e3
    if ctype in ("VOPT-F2W", "FELO"):
        return f"FELO{suffix}", 1e3
    return ctype, {"FREQ": 1e9, "VELO": 1e3, "FELO": 1e3, "VRAD": 1e3, "VOPT": 1e3}.get(ctype[:4], 1.0)


def _meta_item(key: str, value: Any) -> tuple[str, Any]:
    """Return name and value of the item for a card; no name if there is none."""
    name = key.lower()
    if isinstance(value, np.generic):
        value = value.item()
    if name in ("comment", "") or (is_wcs_keyword(key) and not is_observation_keyword(key)):
        return "", None
    if key == "DATE-OBS" and isinstance(value, str):
        try:
            moment = datetime.datetime.fromisoformat(value.strip().removesuffix("Z"))
        except ValueError:
            return "", None
        days = (moment.replace(tzinfo=None) - datetime.datetime(2000, 1, 1, 12)) / datetime.timedelta(days=1)
        return "obstime", days + _JULIAN_2000
    if key in _ANGLES.values() and isinstance(value, int | float):
        return name, value / _R2D
    large = isinstance(value, int) and not -(1 << 63) <= value < 1 << 63
    if not is_item_name(name) or _STRUCTURE.fullmatch(name) or large:
        return "", None
    if isinstance(value, str):
        plain = value.rstrip() == value and value.isprintable() and value not in ("T", "F")
        return (name, value) if plain else ("", None)
    return (name, value) if isinstance(value, int | float) else ("", None)


def left_out(meta: Iterable[MetaCard]) -> list[str]:
    """Return the keywords of cards with a text or number for which there is no item."""
    taken: set[str] = set()
    out = []
    for key, value, _ in meta:
        if isinstance(value, Record | FrozenArray) or (
            is_wcs_keyword(key) and not is_observation_keyword(key)
        ):
            continue
        name, _ = _meta_item(key, value)
        if not name or name in taken:
            out.append(key or "COMMENT")
        taken.add(name)
    return out


def not_linear(coords: CoordinateSystem, shape: Sequence[int]) -> bool:
    """Tell whether coordinates are more than what the items say: distortions, tables, a CD matrix."""
    keys = {key for key, _, _ in coords.to_cards(shape)}
    if (
        coords.table
        or coords.tables
        or any(re.fullmatch(r"(A|B|AP|BP)_(ORDER|\d_\d)|PS\d_\d|D[QP]\d.*", key) for key in keys)
    ):
        return True
    return any(re.fullmatch(r"CD(\d)_(?!\1)\d", key) for key in keys)
