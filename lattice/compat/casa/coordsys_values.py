"""Names, units, reference pixels and values, steps and matrices of a coordsys tool."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from lattice.compat.casa.arguments import matched, served
from lattice.compat.casa.coordsys_core import TYPES, CoordsysCore, absolute, words
from lattice.compat.casa.errors import CasaError
from lattice.compat.casa.formats import formatted
from lattice.compat.casa.quantities import converted, in_unit, quantity, unit_of

__all__ = ["CoordsysValues"]


class CoordsysValues(CoordsysCore):
    """What each axis is: its name, its unit, where it begins and how it goes on."""

    @served()
    def names(self, type: str = "") -> list[str]:
        """Return the names of the axes; of a coordinate that of the first one."""
        if self._system is None:
            return []
        names = self._system.names
        if not type.strip():
            return names
        axes = self._system.world_axes(matched(type, TYPES, "coordinate type"))
        return [names[k] for k in axes[:1]]

    @served(value="any")
    def setnames(self, value: Any, type: str = "") -> bool:
        """Set the names of the axes."""
        axes, new = self._chosen(type), words(value)
        if len(new) != len(axes):
            raise CasaError(f"{len(new)} names for {len(axes)} axes")
        return self._put("axes", dict(zip(axes, new, strict=True)))

    @served()
    def units(self, type: str = "") -> list[str]:
        """Return the units of the axes."""
        units = self._made().units
        return [units[k] for k in self._chosen(type)]

    @served(value="any", which="whole")
    def setunits(self, value: Any, type: str = "", overwrite: bool = False, which: int = -10) -> bool:
        """Set the units; reference values and steps are converted.

        Units of linear and tabular axes, called by their type, can be overwritten.
        """
        system, new = self._made(), words(value) if isinstance(value, str) else [str(v) for v in value]
        axes = self._chosen(type, which)
        if len(new) != len(axes):
            raise CasaError(f"{len(new)} units for {len(axes)} axes")
        free = overwrite and bool(type.strip())
        for k, unit in zip(axes, new, strict=True):
            if system.axes[k].kind not in ("stokes", "quality"):
                unit_of(unit)
                if not (free and system.axes[k].kind in ("linear", "tabular")):
                    converted(1.0, system.units[k], unit)
        for k, unit in zip(axes, new, strict=True):
            system.set_unit(k, unit, free)
        return True

    @served()
    def referencepixel(self, type: str = "") -> dict[str, Any]:
        """Return the reference pixel, counted from 0."""
        system = self._made()
        if not type.strip():
            return absolute("pixel", numeric=system.crpix)
        pixels = [system.axes[k].pixel for k in self._chosen(type)]
        return absolute("pixel", numeric=np.array([system.crpix[p] for p in pixels if p >= 0]))

    @served(value="any")
    def setreferencepixel(self, value: Any, type: str = "") -> bool:
        """Set the reference pixel; axes without a value keep theirs, and so do Stokes axes."""
        if isinstance(value, Mapping):
            value = value["numeric"]
        system = self._made()
        axes = self._chosen(type)
        if not type.strip():
            axes = sorted((k for k in axes if system.axes[k].pixel >= 0), key=lambda k: system.axes[k].pixel)
        given = [float(v) for v in np.atleast_1d(value)]
        return self._put("crpix", dict(zip(axes, given, strict=False)))

    def _in_forms(self, values: np.ndarray, form: str, type: str) -> dict[str, Any]:
        letters = "".join(c for c in form if c in "nqms")
        whole = formatted(self._made(), values, letters) if letters else {}
        if not type.strip():
            return whole
        axes = self._chosen(type)
        for key in ("numeric", "string"):
            if key in whole:
                whole[key] = whole[key][axes]
        if "quantity" in whole:
            whole["quantity"] = {f"*{i + 1}": whole["quantity"][f"*{k + 1}"] for i, k in enumerate(axes)}
        if "measure" in whole:
            kind = matched(type, TYPES, "coordinate type")
            whole["measure"] = {key: v for key, v in whole["measure"].items() if key == kind}
        return whole

    @served()
    def referencevalue(self, format: str = "n", type: str = "") -> dict[str, Any]:
        """Return the reference value in the forms wanted: letters n, q, m and s."""
        return absolute("world", **self._in_forms(self._made().crval, format, type))

    @served(value="any")
    def setreferencevalue(self, value: Any = (), type: str = "") -> bool:
        """Set the reference value, given in any of the forms; axes without a value keep theirs."""
        axes = self._chosen(type)
        return self._refer(dict(zip(axes, self._numbers(value, axes), strict=True)))

    def _refer(self, values: Mapping[int, Any]) -> bool:
        """Put reference values, and the poles that a projection has there."""
        self._put("crval", values)
        system = self._made()
        if any(system.axes[k].kind == "direction" for k, value in values.items() if value is not None):
            settle_poles(self._part("direction"))
        return True

    @served()
    def increment(self, format: str = "n", type: str = "") -> dict[str, Any]:
        """Return the step of each axis, as numbers, quantities or texts."""
        system = self._made()
        out: dict[str, Any] = {}
        axes, units = self._chosen(type), system.units
        if "n" in format:
            out["numeric"] = system.cdelt[axes]
        if "q" in format:
            steps = [quantity(float(system.cdelt[k]), units[k]) for k in axes]
            out["quantity"] = {f"*{i + 1}": step for i, step in enumerate(steps)}
        if "s" in format:
            out["string"] = np.array([self._step_text(k, bool(type.strip())) for k in axes])
        return absolute("world", **out) if out else {}

    def _step_text(self, axis: int, short: bool) -> str:
        system = self._made()
        if system.axes[axis].kind == "stokes":
            return system.stokes[0]
        value, unit = float(system.cdelt[axis]), system.units[axis]
        if short:
            return f"{value:g} {unit}"
        if system.axes[axis].kind == "direction":
            value = float(converted(value, unit, "arcsec"))
            return f"{value:.8e} arcsec" if system.equatorial else f"{value:.8f} arcsec"
        return f"{value:.{10 if system.tabulated(axis) else 8}e} {unit}"

    @served(value="any")
    def setincrement(self, value: Any = (), type: str = "") -> bool:
        """Set the steps, given in any of the forms; axes without a value keep theirs."""
        axes = self._chosen(type)
        return self._put("cdelt", dict(zip(axes, self._numbers(value, axes), strict=True)))

    @served(pixel="reals", world="any", mask="any")
    def setreferencelocation(self, pixel: Any = (-1,), world: Any = (), mask: Any = (False,)) -> bool:
        """Set reference pixel and value of the pixel axes for which `mask` is set; others keep theirs."""
        system = self._made()
        wanted = [bool(m) for m in np.atleast_1d(mask)]
        axes = list(range(len(system.axes)))
        values = self._numbers(world, axes) if len(world) else [None] * len(axes)
        places: dict[int, Any] = {}
        worlds: dict[int, Any] = {}
        for k, axis in enumerate(system.axes):
            if 0 <= axis.pixel < len(wanted) and wanted[axis.pixel]:
                worlds[k] = values[k]
                if pixel != [-1.0] and axis.pixel < len(pixel):
                    places[k] = pixel[axis.pixel]
        return self._put("crpix", places) and self._refer(worlds)

    @served()
    def lineartransform(self, type: str) -> np.ndarray:
        """Return the matrix of a coordinate: rows are pixel axes."""
        part = self._part(matched(type, TYPES, "coordinate type"))
        matrix = part.get("pc", (part.get("wcs") or part.get("tabular") or {}).get("pc", 1.0))
        return np.atleast_2d(np.asarray(matrix, np.float64))

    @served(value="any")
    def setlineartransform(self, type: str = "", value: Any = ()) -> bool:
        """Set the matrix of a coordinate; Stokes axes keep theirs."""
        kind = matched(type, TYPES, "coordinate type")
        part = self._part(kind)
        matrix = np.atleast_2d(np.asarray(value, np.float64))
        n = len(self._chosen(kind))
        if matrix.shape != (n, n):
            raise CasaError(f"a matrix of shape {matrix.shape} for a coordinate of {n} axes")
        if abs(np.linalg.det(matrix)) == 0 or not np.isfinite(matrix).all():
            raise CasaError("the matrix of a coordinate cannot be singular")
        if kind == "stokes":
            return True
        if "wcs" in part:
            part["wcs"]["pc"] = float(matrix[0, 0])
        else:
            (part["tabular"] if kind == "spectral" else part)["pc"] = matrix
        return self._changed()

    # -- whole coordinates ------------------------------------------------------------------------------

    def stokes(self) -> list[str]:
        """Return the names of the pixels of the Stokes axis."""
        self._part("stokes")
        return self._made().stokes

    @served(stokes="any")
    def setstokes(self, stokes: Any) -> bool:
        """Set the names of the pixels of the Stokes axis."""
        from lattice.io.casa_records.frames import STOKES_NUMBERS

        names = words(stokes)
        if wrong := [name for name in names if name not in STOKES_NUMBERS or name == "??"]:
            raise CasaError(
                f"{', '.join(wrong)} is no Stokes parameter", hint="I Q U V, XX XY YX YY, RR RL LR LL, ..."
            )
        part = self._part("stokes")
        part["stokes"] = names
        part["crval"] = np.array([float(STOKES_NUMBERS[names[0]])])
        return self._changed()

    @served(pixel="reals", world="reals", which="whole")
    def settabular(self, pixel: Any = (-1,), world: Any = (-1,), which: int = 0) -> bool:
        """Set the table of a tabular axis: pixels and values, or one of them."""
        part = self._part("tabular", which)
        pixels = np.asarray(part["pixelvalues"] if pixel == [-1.0] else pixel, np.float64)
        worlds = np.asarray(part["worldvalues"] if world == [-1.0] else world, np.float64)
        if len(pixels) != len(worlds):
            raise CasaError(f"a table of {len(pixels)} pixels and {len(worlds)} values")
        if len(pixels) < 2:
            raise CasaError("a table has two pixels or more")
        part.update(table_of(pixels, worlds))
        return self._changed()

    @served(refcode="text", doppler="text", restfreq="any", frequencies="any", velocities="any")
    def setspectral(
        self, refcode: str = "", restfreq: Any = (), frequencies: Any = (), doppler: str = "",
        velocities: Any = (),
    ) -> bool:  # fmt: skip
        """Set frame and rest frequency of the spectral axis, and a table of frequencies or velocities."""
        from lattice.compat.casa.formats import frequency_of_velocity
        from lattice.compat.casa.quantities import is_nothing, quantity_of

        part = self._part("spectral")
        if refcode:
            self.setreferencecode(refcode, "spectral", False)
            part = self._part("spectral")
        if not is_nothing(restfreq):
            self.setrestfrequency(restfreq)
            part = self._part("spectral")
        if not is_nothing(frequencies):
            number, unit = quantity_of(frequencies, str(part["unit"]))
            hertz = np.atleast_1d(converted(number, unit, "Hz"))
        elif not is_nothing(velocities):
            if not doppler:
                raise CasaError("velocities need a doppler", hint="radio, optical, true")
            number, unit = quantity_of(velocities, "m/s")
            speeds = np.atleast_1d(converted(number, unit, "m/s"))
            hertz = np.asarray(frequency_of_velocity(speeds, self._made().rest_frequency, doppler))
        else:
            return True
        if len(hertz) < 2:
            raise CasaError("a table has two values or more")
        part.pop("wcs", None)
        named = {"axes": ["Frequency"], "units": ["Hz"], "pc": np.eye(1)}
        part["tabular"] = named | table_of(np.arange(float(len(hertz))), hertz)
        return self._changed()

    @served(
        projpar="reals", refpix="reals", refcode="text", proj="text", refval="any", incr="any", xform="any"
    )
    def setdirection(
        self, refcode: str = "", proj: str = "", projpar: Any = (-1.0,), refpix: Any = (-1.0,),
        refval: Any = (), incr: Any = (), xform: Any = (), poles: Any = (),
    ) -> bool:  # fmt: skip
        """Set what the direction coordinate is; what is not given stays as it is."""
        from lattice.compat.casa.formats import values_of

        self._part("direction")
        if refcode:
            self.setreferencecode(refcode, "direction", False)
        if proj:
            old = np.asarray(self._part("direction")["projection_parameters"])
            self.setprojection(proj, projpar)
            if not len(self._part("direction")["projection_parameters"]):
                self._part("direction")["projection_parameters"] = (
                    0.0 * old
                )  # as many as there were, of no effect
        if refpix != [-1.0]:
            self.setreferencepixel(refpix, "direction")
        if len(refval):
            self.setreferencevalue(refval, "direction")
        if len(incr):
            self.setincrement(incr, "direction")
        if len(xform):
            self.setlineartransform("direction", xform)
        part = self._part("direction")
        if len(poles):
            part["longpole"], part["latpole"] = (in_unit(v, "deg", "deg") for v in values_of(poles))
        elif refcode:
            settle_poles(part)
        return self._changed()


def table_of(pixels: np.ndarray, worlds: np.ndarray) -> dict[str, Any]:
    """Return the fields of a tabulated axis: its reference is the first pixel."""
    steps = np.diff(worlds)
    if not (
        np.isfinite(worlds).all() and (np.diff(pixels) > 0).all() and ((steps > 0).all() or (steps < 0).all())
    ):
        raise CasaError("pixels of a table rise, and its values rise or fall throughout")
    return {
        "pixelvalues": pixels,
        "worldvalues": worlds,
        "crpix": pixels[:1].copy(),
        "crval": worlds[:1].copy(),
        "cdelt": np.array([(worlds[-1] - worlds[0]) / (pixels[-1] - pixels[0])]),
    }


def settle_poles(part: dict[str, Any]) -> None:
    """Put the poles that a projection has at its reference, where none are given."""
    from lattice.compat.casa.places import sky

    part["longpole"] = part["latpole"] = 999.0
    wcs = sky(part).wcs()
    wcs.wcs.set()
    part["longpole"], part["latpole"] = float(wcs.wcs.lonpole), float(wcs.wcs.latpole)
