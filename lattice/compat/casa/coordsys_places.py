"""From pixels to the world and back, absolute and relative, and velocities, by a coordsys tool."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from lattice.compat.casa.arguments import served
from lattice.compat.casa.coordsys_core import CoordsysCore, absolute
from lattice.compat.casa.errors import CasaError
from lattice.compat.casa.formats import (
    doppler_velocity,
    formatted,
    frequency_of_velocity,
    world_of,
)
from lattice.compat.casa.quantities import converted, in_unit, is_nothing, unit_of
from lattice.compat.casa.systems import System

__all__ = ["CoordsysPlaces"]

_STEPS = 50  # of the search for a pixel of which one coordinate is known


class CoordsysPlaces(CoordsysCore):
    """Where things are."""

    def _pixel(self, value: Any) -> list[float]:
        """Return a pixel of all axes: missing ones take the reference pixel, those beyond are left out."""
        if isinstance(value, Mapping):
            value = value["numeric"]
        if isinstance(value, str):
            raise CasaError(f"a pixel is a list of numbers, not {value!r}")
        given = [float(v) for v in np.atleast_1d(value)]
        reference = [float(v) for v in self._made().crpix]
        return [*given, *reference[len(given) :]][: len(reference)]

    @served(value="any")
    def toworld(self, value: Any = (), format: str = "n") -> dict[str, Any]:
        """Return the world coordinates of a pixel in the forms wanted: letters n, q, m and s."""
        world = self._made().to_world(self._pixel(value))
        letters = "".join(c for c in format if c in "nqms")
        return absolute("world", **(formatted(self._made(), world, letters) if letters else {}))

    @served(value="any")
    def topixel(self, value: Any = ()) -> dict[str, Any]:
        """Return the pixel at world coordinates, which are given in any of the forms."""
        return absolute("pixel", numeric=self._made().to_pixel(world_of(self._made(), value)))

    def _many(self, value: Any, n: int) -> np.ndarray:
        if isinstance(value, Mapping):
            value = value["numeric"]
        columns = np.asarray(value, np.float64)
        if columns.ndim != 2 or len(columns) != n:
            raise CasaError(f"many places are a matrix of {n} rows, not an array of shape {columns.shape}")
        return columns

    @served(value="any")
    def toworldmany(self, value: Any = ()) -> dict[str, Any]:
        """Return world coordinates of many pixels: one column each."""
        system = self._made()
        return absolute("world", numeric=system.worlds(self._many(value, len(system.crpix))))

    @served(value="any")
    def topixelmany(self, value: Any = ()) -> dict[str, Any]:
        """Return the pixels at many world coordinates: one column each."""
        system = self._made()
        return absolute("pixel", numeric=system.pixels(self._many(value, len(system.axes))))

    # -- relative coordinates ---------------------------------------------------------------------------

    @served(value="any")
    def torel(self, value: Any = (), isworld: Any = -1) -> dict[str, Any]:
        """Return a pixel or world coordinates relative to the reference, in the form in which it is given."""
        return self._shifted(value, isworld, False)

    @served(value="any")
    def toabs(self, value: Any = (), isworld: Any = -1) -> dict[str, Any]:
        """Return a pixel or world coordinates from such relative to the reference."""
        return self._shifted(value, isworld, True)

    def _shifted(self, value: Any, isworld: Any, forward: bool) -> dict[str, Any]:
        system = self._made()
        kind = "absolute" if forward else "relative"
        world = _is_world(value, isworld, not forward)
        if not world:
            given = value["numeric"] if isinstance(value, Mapping) else value
            missing = 0.0 if forward else system.crpix
            pixel = np.zeros(len(system.crpix)) + missing
            numbers = np.atleast_1d(np.asarray(given, np.float64))[: len(pixel)]
            pixel[: len(numbers)] = numbers
            found = pixel + system.crpix if forward else pixel - system.crpix
            return {"ar_type": kind, "pw_type": "pixel", "numeric": found}
        axes = list(range(len(system.axes)))
        none = np.zeros(len(axes)) if forward else system.crval
        given = np.array([none[k] if v is None else v for k, v in enumerate(self._numbers(value, axes))])
        found = (_absolute if forward else _relative)(system, given[:, None])[:, 0]
        form = _form(value)
        if form == "s" and not forward:
            out: dict[str, Any] = {"string": np.array(_relative_texts(system, found))}
        else:
            out = formatted(system, found, form)
        return {"ar_type": kind, "pw_type": "world", **out}

    @served(value="any")
    def torelmany(self, value: Any = (), isworld: Any = -1) -> dict[str, Any]:
        """Return many pixels or world coordinates, one column each, relative to the reference."""
        return self._shifted_many(value, isworld, False)

    @served(value="any")
    def toabsmany(self, value: Any = (), isworld: Any = -1) -> dict[str, Any]:
        """Return many pixels or world coordinates from such relative to the reference."""
        return self._shifted_many(value, isworld, True)

    def _shifted_many(self, value: Any, isworld: Any, forward: bool) -> dict[str, Any]:
        system = self._made()
        world = _is_world(value, isworld, not forward)
        columns = self._many(value, len(system.axes) if world else len(system.crpix))
        kind = "absolute" if forward else "relative"
        if world:
            found = (_absolute if forward else _relative)(system, columns)
            return {"ar_type": kind, "pw_type": "world", "numeric": found}
        reference = system.crpix[:, None]
        found = columns + reference if forward else columns - reference
        return {"ar_type": kind, "pw_type": "pixel", "numeric": found}

    # -- any units --------------------------------------------------------------------------------------

    @served(coordin="reals", unitsin="texts", unitsout="texts", shape="any")
    def convert(
        self, coordin: Any, absin: Any = (True,), dopplerin: str = "radio", unitsin: Any = ("Native",),
        absout: Any = (True,), dopplerout: str = "radio", unitsout: Any = ("Native",), shape: Any = (-1,),
    ) -> np.ndarray:  # fmt: skip
        """Return a place in other units.

        Parameters
        ----------
        coordin : list of float
            One number for each axis.
        absin, absout : list of bool, optional
            Whether numbers are absolute, or relative to the reference.
        dopplerin, dopplerout : str, optional
            The convention of velocities.
        unitsin, unitsout : list of str, optional
            pix, units of the axes, velocities for frequencies; Native for those of the tool.
        shape : list of int, optional
            Not needed.
        """
        columns = np.asarray(coordin, np.float64)[:, None]
        return self._convert(columns, absin, dopplerin, unitsin, absout, dopplerout, unitsout)[:, 0]

    @served(unitsin="texts", unitsout="texts", shape="any")
    def convertmany(
        self, coordin: Any = (), absin: Any = (True,), dopplerin: str = "radio", unitsin: Any = ("Native",),
        absout: Any = (True,), dopplerout: str = "radio", unitsout: Any = ("Native",), shape: Any = (-1,),
    ) -> np.ndarray:  # fmt: skip
        """Return many places, one column each, in other units; see `convert`."""
        columns = self._many(coordin, len(self._made().axes))
        return self._convert(columns, absin, dopplerin, unitsin, absout, dopplerout, unitsout)

    def _convert(
        self, given: np.ndarray, absin: Any, dopplerin: str, unitsin: Any, absout: Any, dopplerout: str,
        unitsout: Any,
    ) -> np.ndarray:  # fmt: skip
        system = self._made()
        n = len(system.axes)
        if len(given) != n:
            raise CasaError(f"{len(given)} numbers for {n} axes")
        start = _Terms(system, _for_all(absin, n), _for_all(unitsin, n), dopplerin)
        end = _Terms(system, _for_all(absout, n), _for_all(unitsout, n), dopplerout)
        pixels, worlds = start.read(given)
        return end.write(*_completed(system, pixels, worlds))

    # -- velocities -----------------------------------------------------------------------------------------

    def _rest(self) -> float:
        self._part("spectral")
        rest = self._made().rest_frequency
        if rest <= 0:
            raise CasaError("velocities need a rest frequency", hint="set one with setrestfrequency()")
        return rest

    def _spectral_unit(self, unit: str) -> str:
        return unit or str(self._part("spectral")["unit"])

    @served(value="any", frequnit="text", velunit="text")
    def frequencytovelocity(
        self, value: Any, frequnit: str = "", doppler: str = "radio", velunit: str = "km/s"
    ) -> np.ndarray:
        """Return the velocities of frequencies."""
        given = np.atleast_1d(np.asarray(value, np.float64))
        hertz = converted(given, self._spectral_unit(frequnit), "Hz")
        return np.asarray(converted(doppler_velocity(hertz, self._rest(), doppler), "m/s", velunit))

    @served(value="any", frequnit="text", velunit="text")
    def velocitytofrequency(
        self, value: Any, frequnit: str = "", doppler: str = "radio", velunit: str = "km/s"
    ) -> np.ndarray:
        """Return the frequencies of velocities."""
        velocity = converted(np.atleast_1d(np.asarray(value, np.float64)), velunit, "m/s")
        hertz = frequency_of_velocity(velocity, self._rest(), doppler)
        return np.asarray(converted(hertz, "Hz", self._spectral_unit(frequnit)))

    @served(value="any", frequnit="text", velocity="any")
    def frequencytofrequency(self, value: Any, frequnit: str = "", velocity: Any = ()) -> np.ndarray:
        """Return frequencies shifted by a velocity, relativistically."""
        given = np.atleast_1d(np.asarray(value, np.float64))
        converted(1.0, self._spectral_unit(frequnit), "Hz")
        beta = 0.0 if is_nothing(velocity) else in_unit(velocity, "m/s", "m/s") / 299792458.0
        if not -1 < beta < 1:
            raise CasaError("nothing is as fast as light")
        return given * np.sqrt((1 - beta) / (1 + beta))


# -- helpers ------------------------------------------------------------------------------------------------


def _is_world(value: Any, isworld: Any, wants_absolute: bool) -> bool:
    """Tell whether a value is one of the world; records know it."""
    if isinstance(value, Mapping) and "pw_type" in value:
        if (value.get("ar_type", "absolute") == "absolute") != wants_absolute:
            raise CasaError(f"the value is {value['ar_type']} already")
        return str(value["pw_type"]) == "world"
    if isworld == -1 and isinstance(isworld, int) and not isinstance(isworld, bool):
        raise CasaError("numbers may be pixels or of the world", hint="say isworld=True or isworld=False")
    return bool(isworld)


def _form(value: Any) -> str:
    """Return in which form a value is given: n, q, m or s."""
    if isinstance(value, Mapping):
        for key in ("numeric", "quantity", "measure", "string"):
            if key in value:
                return key[0]
        return "q" if "*1" in value else "n"
    given = value.split() if isinstance(value, str) else value
    return "s" if any(isinstance(v, str) for v in np.atleast_1d(np.asarray(given, object))) else "n"


def _sky(system: System) -> tuple[int, int, float, float] | None:
    """Return the axes of longitude and latitude, and a turn and a radian in their units."""
    axes = {system.axes[k].inside: k for k in system.world_axes("direction")}
    if len(axes) < 2:
        return None
    turn = float(converted(360.0, "deg", system.units[axes[0]]))
    return axes[0], axes[1], turn, float(converted(1.0, system.units[axes[1]], "rad"))


def _steady(system: System) -> np.ndarray:
    """Return where axes have no relative values: those of Stokes."""
    return np.array([a.kind in ("stokes", "quality") for a in system.axes])


def _relative(system: System, given: np.ndarray) -> np.ndarray:
    """Return world coordinates relative to the reference: on the sky along the great circle there."""
    out = np.where(_steady(system)[:, None], given, given - system.crval[:, None])
    if (sky := _sky(system)) is not None:
        x, y, turn, radian = sky
        out[x], out[y] = offsets(given[x] * 2 * np.pi / turn, given[y] * radian, *_reference(system, sky))
        out[x], out[y] = out[x] * turn / (2 * np.pi), out[y] / radian
    return out


def _absolute(system: System, given: np.ndarray) -> np.ndarray:
    """Return world coordinates of relative ones."""
    out = np.where(_steady(system)[:, None], given, given + system.crval[:, None])
    if (sky := _sky(system)) is not None:
        x, y, turn, radian = sky
        out[x], out[y] = offset_by(given[x] * 2 * np.pi / turn, given[y] * radian, *_reference(system, sky))
        out[x], out[y] = out[x] * turn / (2 * np.pi), out[y] / radian
    return out


def _reference(system: System, sky: tuple[int, int, float, float]) -> tuple[float, float]:
    x, y, turn, radian = sky
    return float(system.crval[x]) * 2 * np.pi / turn, float(system.crval[y]) * radian


def offsets(lon: np.ndarray, lat: np.ndarray, lon0: float, lat0: float) -> tuple[np.ndarray, np.ndarray]:
    """Return how far places are from another one, in radians: along the great circle there, and from it.

    The first is multiplied by the cosine of the second, so that both are angles on the sky.
    """
    turn = lon - lon0
    along = np.cos(lat0) * np.cos(lat) * np.cos(turn) + np.sin(lat0) * np.sin(lat)
    across = np.cos(lat) * np.sin(turn)
    up = np.sin(lat - lat0) + 2 * np.cos(lat) * np.sin(lat0) * np.sin(turn / 2) ** 2
    above = np.arcsin(np.clip(up, -1.0, 1.0))
    return np.arctan2(across, along) * np.cos(above), above


def offset_by(
    along: np.ndarray, above: np.ndarray, lon0: float, lat0: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the places that are so far from another one; longitudes from -pi to pi."""
    lon = along / np.cos(above)
    x, y, z = np.cos(above) * np.cos(lon), np.cos(above) * np.sin(lon), np.sin(above)
    ahead = x * np.cos(lat0) - z * np.sin(lat0)
    turn = np.arctan2(y, ahead) + lon0
    lat = np.arctan2(x * np.sin(lat0) + z * np.cos(lat0), np.hypot(ahead, y))
    return np.pi - (np.pi - turn) % (2 * np.pi), lat


def _relative_texts(system: System, found: np.ndarray) -> list[str]:
    out = []
    for k, (axis, value, unit) in enumerate(zip(system.axes, found, system.units, strict=True)):
        if axis.kind == "stokes":
            out.append(system.stokes_name(float(value)))
            continue
        if axis.kind == "direction":
            seconds = float(converted(float(value), unit, "arcsec"))
            out.append(f"{seconds:.8e} arcsec" if system.equatorial else f"{seconds:.8f} arcsec")
        else:
            out.append(f"{float(value):.{10 if system.tabulated(k) else 8}e} {unit}")
    return out


def _for_all(values: Any, n: int) -> list[Any]:
    found = list(np.atleast_1d(values)) if not isinstance(values, list | tuple) else list(values)
    found = found * n if len(found) == 1 else found
    if len(found) != n:
        raise CasaError(f"{len(found)} entries for {n} axes")
    return found


class _Terms:
    """In which terms a place is given: for each axis its unit, absolute or not; and the doppler."""

    def __init__(self, system: System, whole: Sequence[Any], units: Sequence[Any], doppler: str) -> None:
        self.system = system
        self.whole = [bool(w) for w in whole]
        native = system.units
        self.units = [
            own if str(u).lower() == "native" else str(u) for u, own in zip(units, native, strict=True)
        ]
        self.doppler = doppler
        self.in_pixels = [u.lower() in ("pix", "pixel") for u in self.units]

    def _velocity(self, axis: int) -> bool:
        unit = self.units[axis]
        if self.system.axes[axis].kind != "spectral" or self.in_pixels[axis] or not unit:
            return False
        return bool(unit_of(unit).is_equivalent(unit_of("m/s")))

    def _speeds(self, axis: int, native: Any) -> Any:
        hertz = converted(native, self.system.units[axis], "Hz")
        return converted(doppler_velocity(hertz, self._rest(), self.doppler), "m/s", self.units[axis])

    def _frequencies(self, axis: int, speeds: Any) -> Any:
        velocity = converted(speeds, self.units[axis], "m/s")
        return converted(
            frequency_of_velocity(velocity, self._rest(), self.doppler), "Hz", self.system.units[axis]
        )

    def _rest(self) -> float:
        if self.system.rest_frequency <= 0:
            raise CasaError("velocities need a rest frequency", hint="set one with setrestfrequency()")
        return self.system.rest_frequency

    def read(self, given: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return absolute pixels and world coordinates in native units, NaN for what is not given."""
        system = self.system
        pixels, relative = np.full(given.shape, np.nan), np.full(given.shape, np.nan)
        worlds = relative.copy()
        for k, axis in enumerate(system.axes):
            if self.in_pixels[k]:
                if axis.pixel < 0:
                    raise CasaError(f"axis {k} has no pixels")
                pixels[k] = given[k] if self.whole[k] else given[k] + system.crpix[axis.pixel]
            elif self._velocity(k):
                shift = 0.0 if self.whole[k] else self._speeds(k, float(system.crval[k]))
                worlds[k] = self._frequencies(k, given[k] + shift)
            elif self.whole[k] or axis.kind in ("stokes", "quality"):
                worlds[k] = converted(given[k], self.units[k], system.units[k])
            else:
                relative[k] = converted(given[k], self.units[k], system.units[k])
                if axis.kind != "direction":
                    worlds[k] = relative[k] + system.crval[k]
        self._sky_in(worlds, relative)
        return pixels, worlds

    def _sky_in(self, worlds: np.ndarray, relative: np.ndarray) -> None:
        sky = _sky(self.system)
        if sky is None:
            return
        x, y, _, radian = sky
        crval = self.system.crval
        if np.isfinite(relative[[x, y]]).all():
            both = np.where(np.isfinite(relative), relative, 0.0)
            worlds[[x, y]] = _absolute(self.system, both)[[x, y]]
            return
        if np.isfinite(relative[y]).all():
            worlds[y] = relative[y] + crval[y]
        if np.isfinite(relative[x]).all():
            latitude = worlds[y] if np.isfinite(worlds[y]).all() else crval[y]
            worlds[x] = crval[x] + relative[x] / np.cos(latitude * radian)

    def write(self, pixels: np.ndarray, worlds: np.ndarray) -> np.ndarray:
        """Return a place in these terms, from pixels and world coordinates in native units."""
        system = self.system
        relative = _relative(system, worlds)
        out = np.empty_like(worlds)
        for k, axis in enumerate(system.axes):
            if self.in_pixels[k]:
                if axis.pixel < 0:
                    raise CasaError(f"axis {k} has no pixels")
                out[k] = pixels[axis.pixel] - (0.0 if self.whole[k] else system.crpix[axis.pixel])
            elif self._velocity(k):
                shift = 0.0 if self.whole[k] else self._speeds(k, float(system.crval[k]))
                out[k] = self._speeds(k, worlds[k]) - shift
            else:
                native = worlds[k] if self.whole[k] else relative[k]
                out[k] = converted(native, system.units[k], self.units[k])
        return out


def _completed(system: System, pixels: np.ndarray, worlds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return pixels, by pixel axis, and world coordinates, of which each axis has one or the other."""
    n = worlds.shape[1]
    places = np.repeat(system.crpix[:, None], n, 1)
    for k, axis in enumerate(system.axes):
        if axis.pixel >= 0 and np.isfinite(pixels[k]).all():
            places[axis.pixel] = pixels[k]
    start = np.repeat(system.crval[:, None], n, 1)
    given = np.where(np.isfinite(worlds), worlds, start)
    sky = system.world_axes("direction")
    mixed = len(sky) == 2 and sum(bool(np.isfinite(worlds[k]).all()) for k in sky) == 1
    found = system.pixels(given, convert=not mixed)
    for k, axis in enumerate(system.axes):
        if axis.pixel >= 0 and np.isfinite(worlds[k]).all() and not (mixed and k in sky):
            places[axis.pixel] = found[axis.pixel]
    if mixed:
        _search(system, sky, worlds, places)
    return places, system.worlds(places, convert=not mixed)


def _search(system: System, sky: Sequence[int], worlds: np.ndarray, places: np.ndarray) -> None:
    """Find the pixels along one axis of the sky at which the other world axis has the values wanted."""
    known = next(k for k in sky if np.isfinite(worlds[k]).all())
    free = system.axes[known].pixel
    turn = float(converted(360.0, "deg", system.units[known]))
    step = float(system.cdelt[known]) or 1.0

    def missing(at: np.ndarray) -> np.ndarray:
        trial = places.copy()
        trial[free] = at
        off = worlds[known] - system.worlds(trial, convert=False)[known]
        return (off + turn / 2) % turn - turn / 2

    place = _root(missing, places[free], step)
    places[free] = place


def _root(missing: Callable[[np.ndarray], np.ndarray], start: np.ndarray, step: float) -> np.ndarray:
    old, off = start, missing(start)
    new = old + off / step
    for _ in range(_STEPS):
        now = missing(new)
        change = off - now
        if np.abs(now).max() <= 1e-12 * max(1.0, abs(step)) or not change.any():
            return new
        with np.errstate(divide="ignore", invalid="ignore"):
            slope = np.where(change != 0, (new - old) / np.where(change != 0, change, 1.0), 0.0)
        old, off, new = new, now, new + now * slope
        if np.abs(new - old).max() < 1e-10:
            return new
    raise CasaError("there is no such place: pixel and position do not go together")
