"""The coordsys tool: a coordinate record that is asked, changed, and used to find positions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np

from lattice.compat.casa.arguments import matched, served
from lattice.compat.casa.core import Tool
from lattice.compat.casa.errors import CasaError
from lattice.compat.casa.formats import (
    doppler_velocity,
    formatted,
    frequency_of_velocity,
    world_of,
)
from lattice.compat.casa.making import new_record
from lattice.compat.casa.quantities import converted, in_unit, quantity, quantity_of
from lattice.compat.casa.systems import KINDS, System

__all__ = ["coordsys"]

_TYPES = tuple(KINDS)


def _absolute(kind: str, **forms: Any) -> dict[str, Any]:
    return {"ar_type": "absolute", "pw_type": kind, **forms}


class coordsys(Tool):
    """Coordinates: what they are called, where pixels are, and how that is changed.

    Parameters
    ----------
    record : mapping, optional
        What `torecord` of another one gave.

    Examples
    --------
    >>> from lattice.compat.casa import coordsys
    >>> cs = coordsys().newcoordsys(direction=True, spectral=True)
    >>> cs.names(), cs.units()
    (['Right Ascension', 'Declination', 'Frequency'], ["'", "'", 'Hz'])
    >>> cs.toworld([0, 0, 0])["numeric"].round(9).tolist()
    [0.0, 0.0, 1415000000.0]
    """

    def __init__(self, record: Mapping[str, Any] | None = None, shape: Any = ()) -> None:
        self._system: System | None = None if not record else System(record, shape)

    def _made(self) -> System:
        if self._system is None or not self._system.parts:
            raise CasaError("the coordsys tool has no coordinates", hint="make some with newcoordsys()")
        return self._system

    # -- making -----------------------------------------------------------------------------------------

    @served(stokes="any", linear="whole")
    def newcoordsys(
        self, direction: bool = False, spectral: bool = False, stokes: Any = (), linear: int = 0,
        tabular: bool = False,
    ) -> Self:  # fmt: skip
        """Return a new tool with default coordinates of the kinds wanted."""
        kinds = new_record(direction, spectral, stokes, linear, tabular)
        return type(self)(kinds)

    def copy(self) -> Self:
        """Return another tool with the same coordinates."""
        return type(self)(self.torecord(), self._system.shape if self._system else ())

    def torecord(self) -> dict[str, Any]:
        """Return the record of the coordinates."""
        return {} if self._system is None else System(self._system.record).record

    @served(record="record")
    def fromrecord(self, record: Any) -> bool:
        """Take the coordinates of a record."""
        self._system = System(record)
        return True

    def done(self) -> bool:
        """Forget the coordinates."""
        self._system = None
        return True

    def type(self) -> str:
        """Return coordsys."""
        return "coordsys"

    def parentname(self) -> str:
        """Return the name of the image, unknown without one."""
        return "unknown"

    # -- which coordinates ------------------------------------------------------------------------------

    def ncoordinates(self) -> int:
        """Return the number of coordinates."""
        return len(self._system.parts) if self._system else 0

    @served(world="flag")
    def naxes(self, world: bool = True) -> int:
        """Return the number of world or pixel axes."""
        if self._system is None:
            return 0
        return len(self._system.axes) if world else len(self._system.crpix)

    @served(which="whole")
    def coordinatetype(self, which: int = -1) -> list[str]:
        """Return the kind of one coordinate, or of all of them."""
        kinds = [KINDS[k] for _, k in sorted(self._made().parts.items())]
        return kinds if which < 0 else [kinds[which]]

    @served(world="flag")
    def axiscoordinatetypes(self, world: bool = True) -> list[str]:
        """Return the kind of each axis."""
        return [KINDS[a.kind] for a in self._made().axes]

    @served(world="flag")
    def findaxis(self, world: bool = True, axis: int = 0) -> dict[str, int]:
        """Return which coordinate an axis belongs to, and its place there."""
        axes = self._made().axes
        if not 0 <= axis < len(axes):
            raise CasaError(f"there is no axis {axis}", hint=f"there are {len(axes)}")
        numbers = sorted(self._made().parts)
        return {"coordinate": numbers.index(axes[axis].number), "axisincoordinate": axes[axis].inside}

    @served(axisname="text", allowfriendlyname="flag")
    def findaxisbyname(self, axisname: str = "", allowfriendlyname: bool = True) -> int:
        """Return the axis whose name begins with a text."""
        system = self._made()
        kind = axisname.strip().lower()
        if allowfriendlyname and kind in ("spectral", "stokes") and system.world_axes(kind):
            return system.world_axes(kind)[0]
        if allowfriendlyname and kind == "ra" and system.world_axes("direction"):
            return system.world_axes("direction")[0]
        return system.axis_by_name(axisname)

    @served(which="whole")
    def findcoordinate(self, type: str = "direction", which: int = 0) -> dict[str, Any]:
        """Return the axes of a coordinate of a kind."""
        system = self._made()
        number = system.number_of(matched(type, _TYPES, "coordinate type"), which)
        worlds = [k for k, a in enumerate(system.axes) if a.number == number]
        pixels = [system.axes[k].pixel for k in worlds if system.axes[k].pixel >= 0]
        return {
            "return": number is not None,
            "pixel": np.array(pixels, np.int64),
            "world": np.array(worlds, np.int64),
        }

    @served(toworld="flag")
    def axesmap(self, toworld: bool = True) -> np.ndarray:
        """Return the world axis of each pixel axis, or the other way round."""
        pixels = [a.pixel for a in self._made().axes]
        if not toworld:
            return np.array(pixels, np.int64)
        return np.array([pixels.index(p) for p in sorted(p for p in pixels if p >= 0)], np.int64)

    def _chosen(self, type: str) -> list[int]:
        """Return the world axes of a kind of coordinate, all of them without one."""
        system = self._made()
        if not type.strip():
            return list(range(len(system.axes)))
        axes = system.world_axes(matched(type, _TYPES, "coordinate type"))
        if not axes:
            raise CasaError(f"there is no {type} coordinate")
        return axes

    # -- what the axes are --------------------------------------------------------------------------------

    @served()
    def names(self, type: str = "") -> list[str]:
        """Return the names of the axes."""
        names = self._made().names
        return [names[k] for k in self._chosen(type)][: 1 if type.strip() else None]

    @served(value="any")
    def setnames(self, value: Any, type: str = "") -> bool:
        """Set the names of the axes."""
        return self._put("axes", [str(v) for v in _words(value)], type)

    @served()
    def units(self, type: str = "") -> list[str]:
        """Return the units of the axes."""
        units = self._made().units
        return [units[k] for k in self._chosen(type)]

    @served(value="any", which="whole")
    def setunits(self, value: Any, type: str = "", overwrite: bool = False, which: int = -10) -> bool:
        """Set the units; reference values and steps are converted, unless they are overwritten."""
        system, new = self._made(), [str(v) for v in _words(value)]
        axes = self._chosen(type)
        if len(new) != len(axes):
            raise CasaError(f"{len(new)} units for {len(axes)} axes")
        for k, unit in zip(axes, new, strict=True):
            system.set_unit(k, unit, overwrite)
        return True

    def _put(self, field: str, values: Any, type: str) -> bool:
        system, axes = self._made(), self._chosen(type)
        if len(values) != len(axes):
            raise CasaError(f"{len(values)} values for {len(axes)} axes")
        for k, value in zip(axes, values, strict=True):
            if system.axes[k].kind != "stokes" or field == "axes":
                system.put(field, k, value)
        return True

    @served()
    def referencepixel(self, type: str = "") -> dict[str, Any]:
        """Return the reference pixel, counted from 0."""
        system = self._made()
        if not type.strip():
            return _absolute("pixel", numeric=system.crpix)
        pixels = [system.axes[k].pixel for k in self._chosen(type)]
        return _absolute("pixel", numeric=np.array([system.crpix[p] for p in pixels if p >= 0]))

    @served(value="any")
    def setreferencepixel(self, value: Any, type: str = "") -> bool:
        """Set the reference pixel."""
        if isinstance(value, Mapping):
            value = value["numeric"]
        return self._put("crpix", [float(v) for v in np.atleast_1d(value)], type)

    def _in_form(self, values: np.ndarray, form: str, type: str) -> dict[str, Any]:
        whole = formatted(self._made(), values, form)
        if not type.strip():
            return whole
        axes = self._chosen(type)
        for key in ("numeric", "string"):
            if key in whole:
                whole[key] = whole[key][axes]
        if "quantity" in whole:
            whole["quantity"] = {f"*{i + 1}": whole["quantity"][f"*{k + 1}"] for i, k in enumerate(axes)}
        return whole

    @served()
    def referencevalue(self, format: str = "n", type: str = "") -> dict[str, Any]:
        """Return the reference value in the forms wanted."""
        return _absolute("world", **self._in_form(self._made().crval, format, type))

    @served(value="any")
    def setreferencevalue(self, value: Any = (), type: str = "") -> bool:
        """Set the reference value, given in any of the forms."""
        if not type.strip():
            return self._put("crval", [float(v) for v in world_of(self._made(), value)], "")
        return self._put("crval", self._numbers(value, type), type)

    def _numbers(self, value: Any, type: str) -> list[float]:
        """Return numbers in the units of the axes of a kind of coordinate."""
        if isinstance(value, Mapping) and "numeric" in value:
            value = value["numeric"]
        if isinstance(value, Mapping) and "quantity" in value:
            value = value["quantity"]
        if isinstance(value, Mapping) and "*1" in value:
            value = [value[f"*{k + 1}"] for k in range(len(value))]
        given = value.split() if isinstance(value, str) else value
        items = list(given) if isinstance(given, list | tuple | np.ndarray) else [given]
        units = [self._made().units[k] for k in self._chosen(type)]
        return [in_unit(v, u, u) for v, u in zip(items, units, strict=False)]

    @served()
    def increment(self, format: str = "n", type: str = "") -> dict[str, Any]:
        """Return the step of each axis, as numbers or quantities."""
        system = self._made()
        out: dict[str, Any] = {}
        axes, units = self._chosen(type), system.units
        if "n" in format:
            out["numeric"] = system.cdelt[axes]
        if "q" in format:
            out["quantity"] = {
                f"*{i + 1}": quantity(float(system.cdelt[k]), units[k]) for i, k in enumerate(axes)
            }
        if "s" in format:
            out["string"] = np.array([self._step_text(k) for k in axes])
        if not out:
            raise CasaError(f"the format {format!r} is not known", hint="n, q or s")
        return _absolute("world", **out)

    def _step_text(self, axis: int) -> str:
        system = self._made()
        if system.axes[axis].kind == "stokes":
            return system.stokes[0]
        value, unit = float(system.cdelt[axis]), system.units[axis]
        if system.axes[axis].kind == "direction":
            value, unit = float(converted(value, unit, "arcsec")), "arcsec"
        return f"{value:.8e} {unit}"

    @served(value="any")
    def setincrement(self, value: Any = (), type: str = "") -> bool:
        """Set the steps."""
        return self._put("cdelt", self._numbers(value, type), type)

    # -- frames, projections and the rest -----------------------------------------------------------------

    def _part(self, kind: str) -> dict[str, Any]:
        system = self._made()
        number = system.number_of(kind)
        if number is None:
            raise CasaError(f"there is no {kind} coordinate")
        return system.part(number)

    def _changed(self) -> bool:
        self._system = System(self._made().record, self._made().shape)
        return True

    @served()
    def referencecode(self, type: str = "", list: bool = False) -> list[str] | str:
        """Return the reference frames."""
        system = self._made()
        codes = {n: str(system.part(n).get("system", "")) for n in sorted(system.parts)}
        if not type.strip():
            return [*codes.values()]
        number = system.number_of(matched(type, _TYPES, "coordinate type"))
        if number is None:
            raise CasaError(f"there is no {type} coordinate")
        return [codes[number]]

    @served(value="text", adjust="flag")
    def setreferencecode(self, value: str, type: str = "direction", adjust: bool = True) -> bool:
        """Set the reference frame; the reference value on the sky is converted with it if `adjust` is set."""
        from lattice.compat.casa.sky import moved

        kind = matched(type, ("direction", "spectral"), "coordinate type")
        part = self._part(kind)
        known = _frames(kind)
        if value.upper() not in known:
            raise CasaError(f"{value!r} is no {kind} frame", hint=", ".join(sorted(known)))
        old = str(part["system"])
        if kind == "direction" and adjust and old != value.upper():
            axes = self._chosen("direction")
            lon, lat = (
                float(converted(float(self._made().crval[k]), self._made().units[k], "deg")) for k in axes
            )
            for k, new in zip(axes, moved(lon, lat, old, value.upper()), strict=True):
                self._made().put("crval", k, float(converted(new, "deg", self._made().units[k])))
        part["system"] = value.upper()
        if kind == "direction":
            part["conversionSystem"] = value.upper()
        else:
            part.setdefault("conversion", {})["system"] = value.upper()
        return self._changed()

    @served()
    def conversiontype(self, type: str = "direction") -> str:
        """Return the frame in which positions are given."""
        kind = matched(type, ("direction", "spectral"), "coordinate type")
        part = self._part(kind)
        if kind == "direction":
            return str(part.get("conversionSystem") or part["system"])
        return str(part.get("conversion", {}).get("system") or part["system"])

    @served(spectral="text", direction="text")
    def setconversiontype(self, direction: str = "", spectral: str = "") -> bool:
        """Set the frames in which positions are given."""
        for kind, name in (("direction", direction), ("spectral", spectral)):
            if not name:
                continue
            if name.upper() not in _frames(kind):
                raise CasaError(f"{name!r} is no {kind} frame", hint=", ".join(sorted(_frames(kind))))
            part = self._part(kind)
            if kind == "direction":
                part["conversionSystem"] = name.upper()
            else:
                part.setdefault("conversion", {})["system"] = name.upper()
        return self._changed()

    @served()
    def projection(self, type: str = "") -> Any:
        """Return the projection and its parameters; of "all" the codes that there are."""
        from lattice.compat.casacore.images.coordinates import _PROJECTIONS

        if type.lower() == "all":
            return {"types": np.array(sorted(_PROJECTIONS))}
        part = self._part("direction")
        return {
            "type": str(part["projection"]),
            "parameters": np.asarray(part["projection_parameters"], np.float64),
        }

    @served(parameters="reals")
    def setprojection(self, type: str, parameters: Any = (-1.0,)) -> bool:
        """Set the projection."""
        from lattice.compat.casacore.images.coordinates import _PROJECTIONS

        if type.upper() not in _PROJECTIONS:
            raise CasaError(f"there is no projection {type!r}", hint=", ".join(sorted(_PROJECTIONS)))
        part = self._part("direction")
        part["projection"] = type.upper()
        given = [] if parameters == [-1.0] else parameters
        part["projection_parameters"] = np.array(given or [0.0, 0.0], np.float64)
        return self._changed()

    @served()
    def lineartransform(self, type: str) -> np.ndarray:
        """Return the matrix of a coordinate."""
        part = self._part(matched(type, _TYPES, "coordinate type"))
        matrix = part.get("pc", (part.get("wcs") or {}).get("pc", 1.0))
        return np.atleast_2d(np.asarray(matrix, np.float64))

    @served(value="any")
    def setlineartransform(self, type: str = "", value: Any = ()) -> bool:
        """Set the matrix of a coordinate."""
        part = self._part(matched(type, _TYPES, "coordinate type"))
        matrix = np.atleast_2d(np.asarray(value, np.float64))
        if "wcs" in part:
            part["wcs"]["pc"] = float(matrix.ravel()[0])
        elif matrix.shape != np.shape(part["pc"]):
            raise CasaError(f"a matrix of shape {matrix.shape} in place of one of {np.shape(part['pc'])}")
        else:
            part["pc"] = matrix
        return self._changed()

    def stokes(self) -> list[str]:
        """Return the names of the pixels of the Stokes axis."""
        self._part("stokes")
        return self._made().stokes

    @served(stokes="any")
    def setstokes(self, stokes: Any) -> bool:
        """Set the names of the pixels of the Stokes axis."""
        self._part("stokes")["stokes"] = [str(s) for s in _words(stokes)]
        return self._changed()

    def restfrequency(self) -> dict[str, Any]:
        """Return the rest frequencies, the one in use first."""
        part = self._part("spectral")
        first = float(part.get("restfreq", 0.0))
        others = [float(f) for f in part.get("restfreqs", ()) if float(f) != first]
        return quantity(np.array([first, *others]), str(part["unit"]))

    @served(value="any", which="whole", append="flag")
    def setrestfrequency(self, value: Any = (), which: int = 0, append: bool = False) -> bool:
        """Set the rest frequencies, or add to them; the one of a number is in use."""
        part = self._part("spectral")
        unit = str(part["unit"])
        number, own = quantity_of(value, unit)
        new = [float(converted(float(v), own or unit, unit)) for v in np.atleast_1d(number)]
        every = [*(float(f) for f in part.get("restfreqs", ())), *new] if append else new
        if not 0 <= which < len(every):
            raise CasaError(f"there is no rest frequency number {which}")
        part["restfreq"], part["restfreqs"] = every[which], np.array(every)
        return self._changed()

    def epoch(self) -> dict[str, Any]:
        """Return the date of the observation."""
        return dict(self._made().record.get("obsdate", {}))

    @served(value="any")
    def setepoch(self, value: Any) -> bool:
        """Set the date of the observation."""
        from lattice.compat.casa.measures import measures

        self._made().record["obsdate"] = (
            value if isinstance(value, Mapping) else measures().epoch("UTC", value)
        )
        return self._changed()

    def telescope(self) -> str:
        """Return the telescope."""
        return str(self._made().record.get("telescope", "UNKNOWN"))

    @served(value="text")
    def settelescope(self, value: str) -> bool:
        """Set the telescope."""
        self._made().record["telescope"] = value
        self._made().record.pop("telescopeposition", None)
        return self._changed()

    def observer(self) -> str:
        """Return the observer."""
        return str(self._made().record.get("observer", "UNKNOWN"))

    @served(value="text")
    def setobserver(self, value: str) -> bool:
        """Set the observer."""
        self._made().record["observer"] = value
        return self._changed()

    # -- positions ------------------------------------------------------------------------------------------

    def _pixel(self, value: Any) -> list[float]:
        """Return a pixel of all axes; missing ones take the reference pixel."""
        if isinstance(value, Mapping):
            value = value["numeric"]
        given = [float(v) for v in np.atleast_1d(value)]
        reference = [float(v) for v in self._made().crpix]
        if len(given) > len(reference):
            raise CasaError(f"{len(given)} values for {len(reference)} pixel axes")
        return [*given, *reference[len(given) :]]

    @served(value="any")
    def toworld(self, value: Any = (), format: str = "n") -> dict[str, Any]:
        """Return the world coordinates of a pixel in the forms wanted."""
        world = self._made().to_world(self._pixel(value))
        return _absolute("world", **formatted(self._made(), world, format))

    @served(value="any")
    def topixel(self, value: Any = ()) -> dict[str, Any]:
        """Return the pixel at world coordinates, which are given in any of the forms."""
        return _absolute("pixel", numeric=self._made().to_pixel(world_of(self._made(), value)))

    def _many(self, value: Any) -> np.ndarray:
        if isinstance(value, Mapping):
            value = value["numeric"]
        return np.atleast_2d(np.asarray(value, np.float64))

    @served(value="any")
    def toworldmany(self, value: Any = ()) -> dict[str, Any]:
        """Return world coordinates of many pixels: one column each."""
        columns = [self._made().to_world(p) for p in self._many(value).T]
        return _absolute("world", numeric=np.array(columns).T)

    @served(value="any")
    def topixelmany(self, value: Any = ()) -> dict[str, Any]:
        """Return the pixels at many world coordinates: one column each."""
        columns = [self._made().to_pixel(w) for w in self._many(value).T]
        return _absolute("pixel", numeric=np.array(columns).T)

    @served(value="any")
    def torel(self, value: Any = (), isworld: Any = -1) -> dict[str, Any]:
        """Return a pixel or world coordinates relative to the reference."""
        return self._shifted(value, isworld, -1)

    @served(value="any")
    def toabs(self, value: Any = (), isworld: Any = -1) -> dict[str, Any]:
        """Return a pixel or world coordinates from such relative to the reference."""
        return self._shifted(value, isworld, 1)

    def _shifted(self, value: Any, isworld: Any, sign: int) -> dict[str, Any]:
        system = self._made()
        world = bool(isworld) if isworld != -1 else True
        if isinstance(value, Mapping):
            world = value.get("pw_type", "world" if world else "pixel") == "world"
        given = world_of(system, value) if world else np.array(self._pixel(value))
        reference = system.crval if world else system.crpix
        if world and sign < 0:
            given = given.copy()
            for k, axis in enumerate(system.axes):
                if axis.kind == "direction" and axis.inside == 0:
                    turn = float(converted(360.0, "deg", system.units[k]))
                    far = (given[k] - reference[k] + turn / 2) % turn - turn / 2
                    lat = float(converted(float(system.crval[k + 1]), system.units[k + 1], "rad"))
                    given[k] = reference[k] + far * np.cos(lat)
        kind = "absolute" if sign > 0 else "relative"
        return {
            "ar_type": kind,
            "pw_type": "world" if world else "pixel",
            "numeric": given + sign * reference,
        }

    # -- velocities -----------------------------------------------------------------------------------------

    def _rest(self) -> float:
        rest = self._made().rest_frequency
        if rest <= 0:
            raise CasaError("velocities need a rest frequency", hint="set one with setrestfrequency()")
        return rest

    @served(value="any", frequnit="text", velunit="text")
    def frequencytovelocity(
        self, value: Any, frequnit: str = "", doppler: str = "radio", velunit: str = "km/s"
    ) -> np.ndarray:
        """Return the velocities of frequencies."""
        hertz = converted(np.atleast_1d(np.asarray(value, np.float64)), frequnit or "Hz", "Hz")
        return np.asarray(converted(doppler_velocity(hertz, self._rest(), doppler), "m/s", velunit))

    @served(value="any", frequnit="text", velunit="text")
    def velocitytofrequency(
        self, value: Any, frequnit: str = "", doppler: str = "radio", velunit: str = "km/s"
    ) -> np.ndarray:
        """Return the frequencies of velocities."""
        velocity = converted(np.atleast_1d(np.asarray(value, np.float64)), velunit, "m/s")
        hertz = frequency_of_velocity(velocity, self._rest(), doppler)
        return np.asarray(converted(hertz, "Hz", frequnit or "Hz"))


def _words(value: Any) -> list[str]:
    return value.split() if isinstance(value, str) else [str(v) for v in np.atleast_1d(value)]


def _frames(kind: str) -> frozenset[str]:
    from lattice.compat.casacore.images.coordinates import _DIRECTIONS, _SPECTRA

    return _DIRECTIONS if kind == "direction" else _SPECTRA
