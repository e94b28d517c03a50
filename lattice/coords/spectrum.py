"""The spectral axis of an image: frequencies, velocities and wavelengths of its pixels, and back."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from lattice.coords.header import WcsCards
from lattice.coords.spectral import SpectralAxis, slope_of, to_hertz
from lattice.coords.world import lookup, lookup_back
from lattice.errors import CoordinateError, suggest

if TYPE_CHECKING:
    from lattice.coords.header import Card
    from lattice.coords.system import Axis

__all__ = ["CONVENTIONS", "Spectrum", "variable_of"]

CONVENTIONS = {
    "radio": "VRAD",
    "optical": "VOPT",
    "relativistic": "VELO",
    "true": "VELO",
    "z": "ZOPT",
    "beta": "BETA",
    "frequency": "FREQ",
    "wavelength": "WAVE",
    "air wavelength": "AWAV",
}
"""Spectral variable for each name that users give it."""

_OWN = {"VRAD": "radio", "VOPT": "optical", "VELO": "relativistic"}
_AIPS = {
    "LSR": "LSRK", "LSRK": "LSRK", "LSD": "LSRD", "LSRD": "LSRD", "HEL": "BARYCENT", "BAR": "BARYCENT",
    "OBS": "TOPOCENT", "TOP": "TOPOCENT", "GEO": "GEOCENTR",
}  # fmt: skip
_VELREF = {1: "LSRK", 2: "BARYCENT", 3: "TOPOCENT", 4: "LSRD", 5: "GEOCENTR", 6: "SOURCE", 7: "GALACTOC"}
_NATURAL = {"VRAD": "F", "VOPT": "W", "VELO": "V", "FREQ": "F", "WAVE": "W"}
_NAMES = {
    "VRAD": "velocity",
    "VOPT": "velocity",
    "VELO": "velocity",
    "FREQ": "frequency",
    "WAVE": "wavelength",
}
_CUNIT = {"FREQ": "Hz", "WAVE": "m"}


class Spectrum:
    """The part of `CoordinateSystem` about its spectral axis; see there for the attributes."""

    if TYPE_CHECKING:
        axes: tuple[Axis, ...]
        header: tuple[Card, ...]
        table: tuple[float, ...]

        @property
        def kinds(self) -> tuple[str, ...]: ...
        @property
        def world_units(self) -> tuple[str, ...]: ...

    def frequencies(self, length: int) -> np.ndarray | None:
        """Return the frequencies in Hz of the `length` pixels of the spectral axis, None if not known.

        `frequency_problem` says why.
        """
        return self.frequencies_at(np.arange(length, dtype=np.float64))

    def frequencies_at(self, pixels: Any) -> np.ndarray | None:
        """Return the frequencies in Hz at (fractional) pixels of the spectral axis, None if not known."""
        axis = next((a for a in self.axes if a.kind == "spectral"), None)
        if axis is None:
            return None
        there = axis.offset + axis.step * np.asarray(pixels, np.float64)
        if self.table:
            return lookup(there, self.table)
        found = self._spectral(axis)
        if isinstance(found, str):
            return None
        spectral, crpix = found
        return spectral.frequencies(there + 1 - crpix)

    def frequency_problem(self) -> str:
        """Return why the frequencies of the spectral axis are not known; empty if they are."""
        axis = next((a for a in self.axes if a.kind == "spectral"), None)
        if axis is None:
            return "the image has no spectral axis"
        if self.table:
            return ""
        found = self._spectral(axis)
        return found if isinstance(found, str) else found[0].problem

    @property
    def rest_frequency(self) -> float | None:
        """Rest frequency in Hz, None if the header has none."""
        values = {key: value for key, value, _ in self.header}
        for key in ("RESTFRQ", "RESTFREQ"):
            if isinstance(values.get(key), int | float) and values[key] > 0:
                return float(values[key])
        wavelength = values.get("RESTWAV")
        if isinstance(wavelength, int | float) and wavelength > 0:
            return 299792458.0 / wavelength
        return None

    @property
    def velocity_convention(self) -> str:
        """What velocities of the spectral axis mean: radio, optical, relativistic; empty if it has none."""
        axis = next((a for a in self.axes if a.kind == "spectral"), None)
        found = "" if axis is None or self.table else self._spectral(axis)
        return "" if isinstance(found, str) else _OWN.get(found[0].kind, "")

    @property
    def spectral_frame(self) -> str:
        """The rest frame of the spectral axis as SPECSYS has it, empty if unknown.

        Without SPECSYS the names of AIPS tell, CTYPE (such as VELO-LSR) first and then VELREF.
        """
        values = {key: value for key, value, _ in self.header}
        if isinstance(value := values.get("SPECSYS"), str) and value.strip():
            return value.strip().upper()
        axis = next((a for a in self.axes if a.kind == "spectral"), None)
        if axis is None:
            return ""
        tail = WcsCards.parse(self.header).ctype(axis.fits_axis)[4:].lstrip("-")
        velref = values.get("VELREF")
        if tail in _AIPS or isinstance(velref, bool) or not isinstance(velref, int | float):
            return _AIPS.get(tail, "")
        return _VELREF.get(int(velref) % 256, "")

    def spectral_quantity(self, pixels: Any) -> Any:
        """Return the spectral coordinates of pixels as a Quantity, in the variable of the header in SI units.

        Parameters
        ----------
        pixels : array_like
            Pixels of the spectral axis, fractions allowed.
        """
        from astropy import units as u

        spectral = self._spectral_or_error()
        hertz = self.frequencies_at(pixels)
        assert hertz is not None
        if spectral is None:
            return u.Quantity(hertz, "Hz")
        functions = to_hertz(spectral.kind, spectral.rest)
        assert functions is not None
        return u.Quantity(functions[1](hertz), self.world_units[self.kinds.index("spectral")])

    def spectral_to_pixel(
        self,
        value: Any,
        unit: str | None = None,
        convention: str | None = None,
        rest: Any = None,
        frame: str | None = None,
    ) -> np.ndarray:
        """Return the pixels of the spectral axis at frequencies, velocities, wavelengths or energies.

        Parameters
        ----------
        value : Quantity or array_like of float
            Plain numbers are in `unit`, else in the header's variable in SI units.
        unit : str, optional
            Unit of plain numbers.
        convention : str, optional
            What velocities mean: radio, optical or relativistic (also z and beta, for numbers without a
            unit). The default is that of the axis, radio if the axis has none.
        rest : Quantity or float, optional
            Rest frequency (Hz) or wavelength for velocities; the default is that of the header.
        frame : str, optional
            Rest frame of `value`, as in SPECSYS; the default is that of the image.

        Returns
        -------
        ndarray of float
            NaN where a table does not reach.
        """
        spectral = self._spectral_or_error()
        hertz = np.asarray(
            _hertz(value, unit, convention, _rest_hertz(rest) or self.rest_frequency or 0.0, spectral)
        )
        if frame is not None and frame.strip().upper() != self.spectral_frame:
            from lattice.coords.spectral_frames import doppler

            hertz = hertz * doppler(self, frame)
        axis = next(a for a in self.axes if a.kind == "spectral")
        if spectral is None:
            there = lookup_back(hertz, self.table)
        else:
            found = self._spectral(axis)
            distance = spectral.distances(hertz)
            if isinstance(found, str) or distance is None:
                raise CoordinateError("the spectral axis has no extent: its CDELT is zero")
            there = distance + found[1] - 1
        return np.asarray((there - axis.offset) / axis.step)

    def with_velocity(self, convention: str = "radio", rest: Any = None) -> Self:
        """Return the same pixels labelled by velocity (or frequency, or wavelength); nothing is resampled.

        Parameters
        ----------
        convention : str
            radio, optical, relativistic, frequency or wavelength.
        rest : Quantity or float, optional
            Rest frequency (Hz) or wavelength; the default is that of the header.
        """
        kind = variable_of(convention)
        if kind not in _NATURAL:
            raise CoordinateError(f"an axis cannot be labelled by {convention}", hint=_LABELS)
        spectral = self._spectral_or_error()
        if spectral is None or not spectral.variable:
            why = "a table" if spectral is None else "logarithmic"
            raise CoordinateError(f"the spectral axis is {why}: no header describes its velocities")
        old = self.rest_frequency or 0.0
        hertz = _rest_hertz(rest) or old
        functions = to_hertz(kind, hertz)
        if functions is None:
            raise CoordinateError(
                "velocities need a rest frequency", hint="give rest=, in Hz or as a Quantity"
            )
        frequency, step = spectral.reference()
        value = float(functions[1](np.array(frequency)))
        slope = 1.0 / float(slope_of(functions[0], np.array(value)))
        natural = _NATURAL[kind]
        code = "" if spectral.variable == natural else f"-{spectral.variable}2{natural}"
        at = next(i for i, a in enumerate(self.axes) if a.kind == "spectral")
        number = self.axes[at].fits_axis
        unit = _CUNIT.get(kind, "m/s")
        new: dict[str, Any] = {
            f"CTYPE{number}": kind + code, f"CRVAL{number}": value, f"CDELT{number}": step * slope,
            f"CUNIT{number}": unit,
        }  # fmt: skip
        if hertz:
            new["RESTFRQ"] = hertz
        if self.spectral_frame:  # CTYPE or VELREF may have said so
            new["SPECSYS"] = self.spectral_frame
        gone = {
            f"PC{number}_{number}",
            f"CD{number}_{number}",
            "RESTFREQ",
            "RESTWAV",
            "VELREF",
            f"CROTA{number}",
        }
        header = [c for c in self.header if c[0] not in gone and c[0] not in new]
        header += [(key, val, "") for key, val in new.items()]
        if WcsCards.parse(self.header).is_cd:
            header = [c for c in header if c[0] != f"CDELT{number}"]
            header.append((f"CD{number}_{number}", step * slope, ""))
        name = _NAMES[kind] if self.axes[at].name in _NAMES.values() else self.axes[at].name
        own = replace(self.axes[at], name=name, unit=unit)
        axes = (*self.axes[:at], own, *self.axes[at + 1 :])
        changed: Any = replace(self, axes=axes, header=tuple(header), _hash=None)  # type: ignore[type-var]
        return changed

    def _spectral_or_error(self) -> SpectralAxis | None:
        """Return the axis; None if there is a table instead."""
        problem = self.frequency_problem()
        if problem:
            raise CoordinateError(f"no spectral coordinates: {problem}")
        if self.table:
            return None
        found = self._spectral(next(a for a in self.axes if a.kind == "spectral"))
        assert not isinstance(found, str)
        return found[0]

    def _spectral(self, axis: Axis) -> tuple[SpectralAxis, float] | str:
        wcs = WcsCards.parse(self.header)
        number = axis.fits_axis
        ctype = wcs.ctype(number)
        if not ctype:
            return "the header does not describe the spectral axis"
        if ctype.endswith("-TAB"):
            return "the frequencies are in a table (-TAB)"
        group = next((g for g in wcs.coupled() if number in g), {number})
        if len(group) > 1:
            return "the spectral axis is mixed with another one by the header's matrix"
        values = {key: value for key, value, _ in self.header}

        def number_of(*keys: str) -> float:
            found = [values[k] for k in keys if isinstance(values.get(k), int | float)]
            return float(found[0]) if found else 0.0

        cdelt = wcs.pc(number, number) * (1.0 if wcs.is_cd else wcs.number("CDELT", number, 1.0))
        spectral = SpectralAxis(
            ctype,
            wcs.number("CRVAL", number, 0.0),
            cdelt,
            axis.unit,
            number_of("RESTFRQ", "RESTFREQ"),
            number_of("RESTWAV"),
            int(number_of("VELREF")),
        )
        return spectral, wcs.crpix.get(number, 0.0)


_LABELS = "the labels are radio, optical, relativistic, frequency and wavelength"


def variable_of(convention: str) -> str:
    """Return the first letters of the CTYPE that stands for a velocity convention or spectral variable."""
    word = str(convention).strip().lower()
    if word not in CONVENTIONS:
        hint = suggest(word, CONVENTIONS) or "the conventions are radio, optical and relativistic"
        raise CoordinateError(f"there is no velocity convention {convention!r}", hint=hint)
    return CONVENTIONS[word]


def _rest_hertz(rest: Any) -> float:
    if rest is None:
        return 0.0
    from astropy import units as u

    try:
        value = float(u.Quantity(rest, None if hasattr(rest, "unit") else "Hz").to_value("Hz", u.spectral()))
    except (TypeError, ValueError) as error:
        raise CoordinateError(f"{rest!r} is no rest frequency or wavelength: {error}") from None
    if not value > 0:
        raise CoordinateError(f"a rest frequency is above zero, unlike {rest!r}")
    return value


def _hertz(
    value: Any, unit: str | None, convention: str | None, rest: float, axis: SpectralAxis | None
) -> Any:
    """Return spectral values of any sort in Hz."""
    from astropy import units as u

    own = "FREQ" if axis is None else axis.kind
    kind = variable_of(convention) if convention is not None else own
    if not hasattr(value, "unit") and unit is None:
        return _from_variable(kind, np.asarray(value, np.float64), rest)
    try:
        quantity = u.Quantity(value, unit)
        physical = quantity.unit.physical_type
        if physical == "speed":
            if kind not in ("VRAD", "VOPT", "VELO"):
                kind = "VRAD"
            return _from_variable(kind, quantity.to_value("m/s"), rest)
        if physical == "dimensionless":
            if kind not in ("ZOPT", "BETA"):
                raise CoordinateError("spectral coordinates without a unit are z or beta: give convention=")
            return _from_variable(kind, quantity.to_value(""), rest)
        if physical == "length" and kind == "AWAV":
            return _from_variable(kind, quantity.to_value("m"), rest)
        return quantity.to_value("Hz", u.spectral())
    except (TypeError, ValueError) as error:
        if isinstance(error, CoordinateError):
            raise
        raise CoordinateError(f"{value!s} is no frequency, velocity, wavelength or energy: {error}") from None


def _from_variable(kind: str, values: np.ndarray, rest: float) -> np.ndarray:
    functions = to_hertz(kind, rest)
    if functions is None:
        raise CoordinateError(
            "velocities need a rest frequency", hint="the header has no RESTFRQ: give rest="
        )
    with np.errstate(all="ignore"):
        return functions[0](values)
