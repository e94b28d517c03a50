"""Frequencies of a spectral axis, from any of the FITS spectral types (paper III of the FITS WCS series)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

__all__ = ["C", "SPECTRAL_NAMES", "SpectralAxis", "slope_of", "to_hertz"]

C = 299792458.0
H = 6.62607015e-34
EV = 1.602176634e-19

SPECTRAL_NAMES = {
    "FREQ": "frequency",
    "VRAD": "velocity",
    "VOPT": "velocity",
    "VELO": "velocity",
    "FELO": "velocity",
    "WAVE": "wavelength",
    "AWAV": "wavelength",
    "ENER": "energy",
    "WAVN": "wavenumber",
    "ZOPT": "redshift",
    "BETA": "beta",
}
"""Dimension name for each spectral CTYPE."""

_UNITS = {
    "": 1.0,
    "HZ": 1.0,
    "KHZ": 1e3,
    "MHZ": 1e6,
    "GHZ": 1e9,
    "THZ": 1e12,
    "M/S": 1.0,
    "M.S-1": 1.0,
    "M S-1": 1.0,
    "M*S-1": 1.0,
    "M S**-1": 1.0,
    "KM/S": 1e3,
    "KM.S-1": 1e3,
    "KM S-1": 1e3,
    "KM*S-1": 1e3,
    "KM S**-1": 1e3,
    "M": 1.0,
    "CM": 1e-2,
    "MM": 1e-3,
    "UM": 1e-6,
    "MICRON": 1e-6,
    "NM": 1e-9,
    "ANGSTROM": 1e-10,
    "ANGSTROMS": 1e-10,
    "J": 1.0,
    "EV": EV,
    "KEV": EV * 1e3,
    "MEV": EV * 1e6,
    "M-1": 1.0,
    "1/M": 1.0,
    "CM-1": 1e2,
    "1/CM": 1e2,
}

Function = Callable[[np.ndarray], np.ndarray]


def unit_factor(unit: str) -> float | None:
    """Return the factor from a CUNIT to SI units, None if it is not known.

    >>> unit_factor("GHz"), unit_factor("furlong")
    (1000000000.0, None)
    """
    return _UNITS.get(unit.strip().upper())


def _refraction(inverse: np.ndarray) -> np.ndarray:
    """Return the refractive index of standard air for wavelengths in air, given inverse in 1/m."""
    s = inverse**2
    n: np.ndarray = 2.554e8 / (0.41e14 - s) + 294.981e8 / (1.46e14 - s) + 1.000064328
    return n


def _air_to_vacuum(air: np.ndarray) -> np.ndarray:
    return air * _refraction(1.0 / air)


def _vacuum_to_air(vacuum: np.ndarray) -> np.ndarray:
    n: np.ndarray = np.ones_like(vacuum)
    for _ in range(4):
        n = _refraction(n / vacuum)
    return vacuum / n


def to_hertz(kind: str, rest: float) -> tuple[Function, Function] | None:
    """Return functions from a spectral variable to frequency and back; None if they need a rest frequency.

    Parameters
    ----------
    kind : str
        The first four letters of CTYPE.
    rest : float
        Rest frequency in Hz, 0 if unknown.
    """
    if kind in ("VRAD", "VOPT", "VELO", "FELO", "ZOPT", "BETA") and not rest > 0:
        return None
    both: dict[str, tuple[Function, Function]] = {
        "FREQ": (lambda x: x, lambda f: f),
        "ENER": (lambda x: x / H, lambda f: f * H),
        "WAVN": (lambda x: x * C, lambda f: f / C),
        "WAVE": (lambda x: C / x, lambda f: C / f),
        "AWAV": (lambda x: C / _air_to_vacuum(x), lambda f: _vacuum_to_air(C / f)),
        "VRAD": (lambda v: rest * (1 - v / C), lambda f: C * (1 - f / rest)),
        "VOPT": (lambda v: rest / (1 + v / C), lambda f: C * (rest / f - 1)),
        "ZOPT": (lambda z: rest / (1 + z), lambda f: rest / f - 1),
        "VELO": (_from_beta(rest, C), _to_beta(rest, C)),
        "BETA": (_from_beta(rest, 1.0), _to_beta(rest, 1.0)),
    }
    return both.get(kind)


def _from_beta(rest: float, unit: float) -> Function:
    return lambda v: rest * np.sqrt((1 - v / unit) / (1 + v / unit))


def _to_beta(rest: float, unit: float) -> Function:
    return lambda f: unit * (rest**2 - f**2) / (rest**2 + f**2)


_X_VARIABLES = {"F": "FREQ", "W": "WAVE", "A": "AWAV", "V": "VELO"}


class SpectralAxis:
    """One uncoupled spectral axis of a header.

    Parameters
    ----------
    ctype : str
        Its CTYPE, upper case.
    crval, cdelt : float
        In units of CUNIT.
    cunit : str
        Unit; SI if empty.
    rest_frequency, rest_wavelength : float
        0 if unknown.
    velref : int
        VELREF of the old AIPS convention, 0 if absent.
    """

    def __init__(
        self,
        ctype: str,
        crval: float,
        cdelt: float,
        cunit: str = "",
        rest_frequency: float = 0.0,
        rest_wavelength: float = 0.0,
        velref: int = 0,
    ) -> None:
        self.problem = ""
        rest = rest_frequency or (C / rest_wavelength if rest_wavelength > 0 else 0.0)
        self.kind, code = ctype[:4], ctype[4:].lstrip("-").strip()
        factor = unit_factor(cunit)
        self.crval, self.cdelt = crval * (factor or 0.0), cdelt * (factor or 0.0)
        framed = code in _AIPS_FRAMES
        code = "" if framed and self.kind in ("VELO", "FREQ") else code
        if self.kind == "VELO" and (framed or (velref and not code)):
            # AIPS wrote the frame into CTYPE; VELREF above 256 means radio velocities.
            self.kind = "VRAD" if velref > 256 else "VOPT"
        elif self.kind == "FELO":
            self.kind, code = "VOPT", "F2W"
        self.code = code
        functions = to_hertz(self.kind, rest)
        if factor is None:
            self.problem = f"the unit {cunit!r} is not known"
        elif functions is None:
            self.problem = f"a {ctype} axis needs a rest frequency (RESTFRQ)"
        elif code and code != "LOG" and not (len(code) == 3 and code[1] == "2" and code[0] in _X_VARIABLES):
            self.problem = f"the algorithm of {ctype} is not supported"
        self._functions = functions
        self._rest = rest

    def frequencies(self, distance: np.ndarray) -> np.ndarray | None:
        """Return frequencies in Hz at `distance` pixels from the reference pixel, None with a `problem`."""
        if self.problem or self._functions is None:
            return None
        forward, _ = self._functions
        offset = self.cdelt * distance
        with np.errstate(all="ignore"):
            if not self.code:
                return forward(self.crval + offset)
            if self.code == "LOG":
                return forward(self.crval * np.exp(offset / self.crval))
            return self._nonlinear(offset)

    def distances(self, frequency: np.ndarray) -> np.ndarray | None:
        """Return at which distances in pixels from the reference pixel frequencies (Hz) are."""
        if self.problem or self._functions is None or not self.cdelt:
            return None
        with np.errstate(all="ignore"):
            if not self.code:
                return (self._functions[1](frequency) - self.crval) / self.cdelt
            if self.code == "LOG":
                return self.crval * np.log(self._functions[1](frequency) / self.crval) / self.cdelt
            _, back, reference, slope = self._other_variable()
            return (back(frequency) - reference) / slope / self.cdelt

    def _nonlinear(self, offset: np.ndarray) -> np.ndarray | None:
        """Axes that are linear in another variable, scaled to have the right slope at the reference."""
        x_forward, _, x_reference, slope = self._other_variable()
        return x_forward(x_reference + offset * slope)

    def _other_variable(self) -> tuple[Function, Function, np.ndarray, np.ndarray]:
        """Return the variable in which the axis is linear: functions, reference value, relative slope."""
        assert self._functions is not None
        forward, _ = self._functions
        # Any rest frequency serves as scale of the x velocity.
        x_functions = to_hertz(_X_VARIABLES[self.code[0]], self._rest or 1.0)
        assert x_functions is not None
        x_forward, x_back = x_functions
        reference = np.array(self.crval)
        x_reference = x_back(forward(reference))
        return x_forward, x_back, x_reference, slope_of(forward, reference) / slope_of(x_forward, x_reference)

    @property
    def variable(self) -> str:
        """F, W, A or V: the frequency, wavelength, wavelength in air or velocity in which it is linear."""
        if self.code:
            return self.code[0] if self.code != "LOG" else ""
        return {"VELO": "V", "BETA": "V", "AWAV": "A", "WAVE": "W", "VOPT": "W", "ZOPT": "W"}.get(
            self.kind, "F"
        )

    @property
    def rest(self) -> float:
        """Rest frequency in Hz, 0 if unknown."""
        return self._rest

    def reference(self) -> tuple[float, float]:
        """Return the frequency in Hz at the reference pixel, and its change per pixel there."""
        assert self._functions is not None
        at = np.array(self.crval)
        return float(self._functions[0](at)), float(slope_of(self._functions[0], at)) * self.cdelt


def slope_of(function: Function, at: np.ndarray) -> np.ndarray:
    """Return the derivative by a complex step, exact to rounding."""
    scale = max(abs(float(at)), 1.0) if abs(float(at)) > 1e-3 else max(abs(float(at)), 1e-12)
    step = scale * 1e-30
    slope: np.ndarray = np.imag(function(at + 1j * step)) / step
    return slope


_AIPS_FRAMES = frozenset({"LSR", "HEL", "OBS", "TOP", "GEO", "BAR", "LSRK", "LSRD"})
