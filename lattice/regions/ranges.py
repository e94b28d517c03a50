"""Ranges along the spectral axis, lists of channels, and Stokes parameters, for any image that has them."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from lattice.errors import CoordinateError, LatticeTypeError, RegionError, suggest
from lattice.graph.attributes import Attributes
from lattice.regions.base import OutsideError, Region, lattice_shape
from lattice.regions.pixel import PixelBox
from lattice.regions.plane import Layers
from lattice.regions.world import WorldRegion

__all__ = [
    "CONVENTIONS",
    "POLARIZATIONS",
    "SPECTRAL_FRAMES",
    "ChannelSelection",
    "SpectralRange",
    "StokesSelection",
]

POLARIZATIONS = (
    *("I", "Q", "U", "V", "RR", "RL", "LR", "LL", "XX", "XY", "YX", "YY", "RX", "RY", "LX", "LY", "XR", "XL"),
    *("YR", "YL", "PP", "PQ", "QP", "QQ", "RCircular", "LCircular", "Linear", "Ptotal", "Plinear", "PFtotal"),
    *("PFlinear", "Pangle"),
)
SPECTRAL_FRAMES = ("REST", "LSRK", "LSRD", "BARY", "GEO", "TOPO", "GALACTO", "LGROUP", "CMB")
CONVENTIONS = {
    "RADIO": "radio",
    "OPTICAL": "optical",
    "Z": "optical",
    "BETA": "relativistic",
    "RELATIVISTIC": "relativistic",
    "GAMMA": "gamma",
}
"""Names of the ways to make velocities of frequencies."""

_CHANNEL = ("chan", "channel", "pix")
_VALUE = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*([A-Za-z][A-Za-z/]*)\s*\Z")
_SCALES = {
    "GHz": (1e9, "Hz"),
    "MHz": (1e6, "Hz"),
    "kHz": (1e3, "Hz"),
    "Hz": (1.0, "Hz"),
    "km/s": (1e3, "m/s"),
    "m/s": (1.0, "m/s"),
    "m": (1.0, "m"),
    "cm": (1e-2, "m"),
    "mm": (1e-3, "m"),
    "um": (1e-6, "m"),
    "nm": (1e-9, "m"),
}
_SPEED_OF_LIGHT = 299792458.0
_ROUNDING = 1e-6  # half a channel counts up also where it comes out of a conversion


def read_spectral(value: Any) -> tuple[float, str]:
    """Return a place along the spectrum as a number in Hz, m/s, m or chan.

    Raises
    ------
    RegionError
        For another unit, or none.
    """
    if isinstance(value, tuple):
        number, unit = value
        return float(number), str(unit)
    if isinstance(value, str):
        found = _VALUE.match(value)
        if found is None:
            raise RegionError(
                f"{value.strip()!r} is no frequency, velocity or channel",
                hint="write it with its unit: 1.4GHz, -20km/s or 5chan",
            )
        number, unit = float(found[1]), found[2]
        if unit.lower() in _CHANNEL:
            scale = (1.0, "chan")
        elif unit in _SCALES:
            scale = _SCALES[unit]
        else:
            raise RegionError(
                f"{unit!r} is no unit of a frequency, velocity or channel",
                hint=suggest(unit, [*_SCALES, *_CHANNEL]) or f"the units are {', '.join([*_SCALES, 'chan'])}",
            )
        return _finite(number * scale[0]), scale[1]
    if hasattr(value, "unit") and hasattr(value, "to_value"):
        from astropy import units as u

        if value.unit == u.pix:
            return _finite(float(value.value)), "chan"
        for unit in ("Hz", "m/s", "m"):
            if value.unit.is_equivalent(unit):
                return _finite(float(value.to_value(unit))), unit
        raise RegionError(f"a place along the spectrum is no {value.unit}")
    try:
        return _finite(float(value)), "Hz"
    except (TypeError, ValueError):
        raise LatticeTypeError(
            f"a place along the spectrum is Hz, a Quantity or text, not {value!r}"
        ) from None


def _finite(number: float) -> float:
    if not math.isfinite(number):
        raise RegionError(f"a place along the spectrum must be finite, not {number}")
    return number


def _axis(attrs: Attributes, kind: str, what: str) -> int:
    kinds = tuple(attrs.coords.kinds) if attrs.coords is not None else ()
    if kind not in kinds:
        raise RegionError(f"{what} needs a {kind} axis, which the {attrs.describe()} has not")
    return kinds.index(kind)


def _slab(shape: tuple[int, ...], axis: int, first: int, last: int) -> PixelBox:
    blc, trc = [0] * len(shape), [n - 1 for n in shape]
    blc[axis], trc[axis] = first, last
    return PixelBox(tuple(blc), tuple(trc), shape=shape)


def _slabs(shape: tuple[int, ...], axis: int, numbers: Sequence[int]) -> Region:
    """Return the pixels of some numbers along an axis."""
    runs: list[list[int]] = []
    for number in sorted(set(numbers)):
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    boxes = [_slab(shape, axis, first, last) for first, last in runs]
    return boxes[0] if len(boxes) == 1 else Layers(tuple((True, box) for box in boxes))


@dataclass(frozen=True)
class SpectralRange(WorldRegion):
    """A range along the spectral axis; all other axes are taken in full.

    Both ends are rounded to the nearest channel, which belong to it, and cut off at the ends of the image.

    Parameters
    ----------
    first, last : Quantity, str or float
        The ends in either order: frequencies, velocities, wavelengths or channels ("5chan"); plain numbers
        are Hz.
    convention : str, optional
        What velocities mean: RADIO, OPTICAL (or Z), RELATIVISTIC (or BETA), GAMMA; by default that of the
        image.
    rest : Quantity, str or float, optional
        Rest frequency for velocities; by default that of the image.
    frame : str, optional
        Rest frame of the ends: LSRK, BARY, TOPO, ...; by default that of the image.

    Examples
    --------
    >>> import numpy as np
    >>> from lattice.coords.system import CoordinateSystem
    >>> from lattice.graph.attributes import Attributes
    >>> from lattice.regions import SpectralRange
    >>> coords = CoordinateSystem.from_kinds(["spectral"], frequencies=[1e9, 2e9, 3e9])
    >>> spectrum = Attributes(np.dtype("f4"), (3,), coords.dims, coords=coords)
    >>> SpectralRange("1.6GHz", "9GHz").fit(spectrum).bounds()
    (slice(1, 3, 1),)
    """

    first: Any  # (number, unit) once it is made
    last: Any
    convention: str | None = None
    rest: Any = None
    frame: str | None = None
    axes: ClassVar[tuple[str, ...]] = ("spectral",)  # type: ignore[misc]
    noun: ClassVar[str] = "spectral range"

    def __post_init__(self) -> None:
        first, last = read_spectral(self.first), read_spectral(self.last)
        if first[1] != last[1]:
            raise RegionError(f"the ends of a range are of one kind, not in {first[1]} and {last[1]}")
        rest = self.rest
        if rest is not None:
            rest, unit = read_spectral(rest)
            if unit != "Hz" or rest <= 0:
                raise RegionError(f"a rest frequency is a frequency above 0, not {rest:g} {unit}")
        values = {
            "first": first,
            "last": last,
            "rest": rest,
            "convention": _known(self.convention, CONVENTIONS, "convention of velocities"),
            "frame": _known(self.frame, SPECTRAL_FRAMES, "frame of frequencies"),
        }
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def _fitted(self, attrs: Attributes) -> Region:
        axis = _axis(attrs, "spectral", "a spectral range")
        shape = lattice_shape(attrs)
        ends = [self._pixel(value, unit, attrs.coords) for value, unit in (self.first, self.last)]
        if not all(map(math.isfinite, ends)):
            raise OutsideError(f"the range from {self._spelled()} has no place along the spectral axis")
        low, high = sorted(math.floor(end + 0.5 + _ROUNDING) for end in ends)
        if high < 0 or low >= shape[axis]:
            raise OutsideError(
                f"the range from {self._spelled()} lies outside the image",
                hint=f"it goes from channel {low} to {high}, the image from 0 to {shape[axis] - 1}",
            )
        return _slab(shape, axis, max(low, 0), min(high, shape[axis] - 1))

    def _spelled(self) -> str:
        return " to ".join(f"{value:g} {unit}" for value, unit in (self.first, self.last))

    def _pixel(self, value: float, unit: str, coords: Any) -> float:
        if unit == "chan":
            return value
        from astropy import units as u

        convention = None if self.convention is None else CONVENTIONS[self.convention]
        if unit == "m/s" and convention == "gamma":
            # Gamma times c is no velocity; of the two that have this gamma, the receding one is meant.
            gamma = value / _SPEED_OF_LIGHT
            if gamma < 1:
                return math.nan
            value, convention = _SPEED_OF_LIGHT * math.sqrt(1 - gamma**-2), "relativistic"
        rest = None if self.rest is None else self.rest * u.Hz
        try:
            return float(
                coords.spectral_to_pixel(
                    value * u.Unit(unit), convention=convention, rest=rest, frame=self.frame
                )
            )
        except CoordinateError as error:
            raise RegionError(error.message, hint=error.hint) from None


def _known(name: Any, names: Any, what: str) -> str | None:
    if name is None:
        return None
    if not isinstance(name, str) or name.upper() not in names:
        raise RegionError(
            f"the {what} {name!r} is not known",
            hint=suggest(str(name), names) or f"these are known: {', '.join(names)}",
        )
    return name.upper()


@dataclass(frozen=True)
class ChannelSelection(WorldRegion):
    """Some channels; all other axes are taken in full.

    Parameters
    ----------
    ranges : sequence of (int or None, int or None)
        First and last channel of each range; None stands for the end of the image. Channels that the image
        lacks are an error.
    """

    ranges: tuple[tuple[int | None, int | None], ...]
    axes: ClassVar[tuple[str, ...]] = ("spectral",)  # type: ignore[misc]
    noun: ClassVar[str] = "list of channels"

    def __post_init__(self) -> None:
        ranges = tuple((a, b) for a, b in self.ranges)
        if not ranges:
            raise RegionError("a list of channels needs one at least")
        for first, last in ranges:
            if min(first or 0, last or 0) < 0:
                raise RegionError("channels are counted from 0")
            if first is not None and last is not None and first > last:
                raise RegionError(f"the range of channels from {first} to {last} ends before it starts")
        object.__setattr__(self, "ranges", ranges)

    def _fitted(self, attrs: Attributes) -> Region:
        axis = _axis(attrs, "spectral", "a list of channels")
        shape = lattice_shape(attrs)
        n = shape[axis]
        numbers: set[int] = set()
        for first, last in self.ranges:
            low, high = first or 0, n - 1 if last is None else last
            if low >= n or high >= n:
                raise OutsideError(
                    f"the image has no channel {max(low, high)}", hint=f"its channels are 0 to {n - 1}"
                )
            numbers.update(range(low, high + 1))
        return _slabs(shape, axis, sorted(numbers))


@dataclass(frozen=True)
class StokesSelection(WorldRegion):
    """Some Stokes parameters or correlations; all other axes are taken in full.

    Parameters
    ----------
    names : sequence of str
        Such as ``["I", "V"]`` or ``["XX", "YY"]``.
    """

    names: tuple[str, ...]
    axes: ClassVar[tuple[str, ...]] = ("stokes",)  # type: ignore[misc]
    noun: ClassVar[str] = "Stokes selection"

    def __post_init__(self) -> None:
        given = (self.names,) if isinstance(self.names, str) else tuple(self.names)
        if not given:
            raise RegionError("a Stokes selection needs one parameter at least")
        folded = {name.casefold(): name for name in POLARIZATIONS}
        names = []
        for name in given:
            if not isinstance(name, str) or name.casefold() not in folded:
                raise RegionError(
                    f"{name!r} is no Stokes parameter or correlation",
                    hint=suggest(str(name), POLARIZATIONS) or f"these are: {', '.join(POLARIZATIONS)}",
                )
            names.append(folded[name.casefold()])
        object.__setattr__(self, "names", tuple(dict.fromkeys(names)))

    def _fitted(self, attrs: Attributes) -> Region:
        axis = _axis(attrs, "stokes", "a Stokes selection")
        shape = lattice_shape(attrs)
        coords: Any = attrs.coords
        present = [name.casefold() for name in coords.stokes(shape[axis])]
        missing = [name for name in self.names if name.casefold() not in present]
        if missing:
            raise OutsideError(
                f"the image has no Stokes {', '.join(missing)}",
                hint=f"it has {', '.join(coords.stokes(shape[axis]))}",
            )
        return _slabs(shape, axis, [present.index(name.casefold()) for name in self.names])
