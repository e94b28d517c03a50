"""Coordinate systems as python-casacore shows them: records, and objects that look into them.

A coordinate system is a nested dictionary whose axes are in casacore's order, the fastest one first. The
classes here are windows on it: what they return and take has the slowest axis first, as numpy has it, and
what they set is set in the dictionary that they share.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import numpy as np

from lattice.compat.casacore.errors import NotKnownError

__all__ = [
    "coordinate",
    "coordinatesystem",
    "directioncoordinate",
    "linearcoordinate",
    "qualitycoordinate",
    "spectralcoordinate",
    "stokescoordinate",
    "tabularcoordinate",
]

Json = dict[str, Any]


def _codes(text: str) -> frozenset[str]:
    return frozenset(text.split())


_PROJECTIONS = _codes(
    "AZP SZP TAN SIN NCP STG ARC ZPN ZEA AIR CYP CAR MER CEA COP COD COE COO BON PCO SFL GLS PAR AIT MOL"
    " CSC QSC TSC HPX"
)
_DIRECTIONS = _codes(
    "J2000 JMEAN JTRUE APP B1950 B1950_VLA BMEAN BTRUE GALACTIC HADEC AZEL AZELSW AZELGEO AZELSWGEO JNAT"
    " ECLIPTIC MECLIPTIC TECLIPTIC SUPERGAL ITRF TOPO ICRS"
)
_SPECTRA = _codes("REST LSRK LSRD BARY GEO TOPO GALACTO LGROUP CMB")


def _known(value: str, known: frozenset[str], what: str) -> str:
    """Return a code in capitals, if it is one."""
    code = value.upper() if isinstance(value, str) else ""
    if code not in known:
        raise NotKnownError(f"{value!r} is no {what}", hint=f"known are {', '.join(sorted(known))}")
    return code


def _same_length(values: Any, old: Any, what: str) -> None:
    if len(values) != len(old):
        raise NotKnownError(f"{what}: {len(values)} values for {len(old)} axes or points")


class coordinate:
    """One coordinate of a system: a window on its record.

    Parameters
    ----------
    rec : dict
        The record, which is not copied.
    """

    def __init__(self, rec: Json) -> None:
        self._coord = rec

    def _lines(self) -> list[tuple[str, str]]:
        """Return what `str` shows."""
        unit = str(self.get_unit())
        return [
            ("Reference Pixel", str(self.get_referencepixel())),
            ("Reference Value", f"{self.get_referencevalue()} {unit}"),
            ("Increment", f"{self.get_increment()} {unit}"),
        ]

    def __str__(self) -> str:
        kind = type(self).__name__.removesuffix("coordinate").capitalize()
        return f"{kind} Coordinate:\n" + "".join(f" {name:<16}: {text}\n" for name, text in self._lines())

    def dict(self) -> Json:
        """Return the record, in casacore's axis order; to change it is to change the coordinate."""
        return self._coord

    def _of_axis(self, field: str, axis: int) -> int:
        try:
            return int(self._coord[field][axis])
        except (KeyError, IndexError, TypeError):
            return -1

    def get_axis_size(self, axis: int = 0) -> int:
        """Return the number of pixels along an axis, -1 if it is unknown.

        As in python-casacore, and unlike all else here, axis 0 is the fastest one: the longitude of a
        direction.
        """
        return self._of_axis("_axes_sizes", axis)

    def get_image_axis(self, axis: int = 0) -> int:
        """Return the number (slowest axis first) of the image axis, -1 if it is unknown."""
        return self._of_axis("_image_axes", axis)

    def get_referencepixel(self) -> Any:
        """Return the pixel, counted from 0, at which the coordinate has the reference value."""
        return self._coord.get("crpix", [])[::-1]

    def set_referencepixel(self, pix: Sequence[float]) -> None:
        """Set the reference pixel of each axis."""
        _same_length(pix, self._coord["crpix"], "reference pixel")
        self._coord["crpix"] = pix[::-1]

    def get_referencevalue(self) -> Any:
        """Return the reference value of each axis in its unit."""
        return self._coord.get("crval", [])[::-1]

    def set_referencevalue(self, val: Sequence[float]) -> None:
        """Set the reference value of each axis."""
        _same_length(val, self._coord["crval"], "reference value")
        self._coord["crval"] = val[::-1]

    def get_increment(self) -> Any:
        """Return the step from pixel to pixel of each axis in its unit."""
        return self._coord.get("cdelt", [])[::-1]

    def set_increment(self, inc: Sequence[float]) -> None:
        """Set the step from pixel to pixel of each axis."""
        self._coord["cdelt"] = inc[::-1]

    def get_unit(self) -> Any:
        """Return the unit of each axis."""
        return self._coord.get("units", [])[::-1]

    def get_axes(self) -> Any:
        """Return the name of each axis."""
        return self._coord.get("axes", [])[::-1]


class directioncoordinate(coordinate):
    """A pair of axes on the sky."""

    def _lines(self) -> list[tuple[str, str]]:
        return [
            *super()._lines(),
            ("Frame", str(self.get_frame())),
            ("Projection", str(self.get_projection())),
        ]

    def get_projection(self) -> str | None:
        """Return the code of the projection, such as ``SIN``."""
        return self._coord.get("projection")

    def set_projection(self, val: str) -> None:
        """Set the projection by its code, in any letter case.

        Raises
        ------
        NotKnownError
            An AssertionError, when there is no such projection.
        """
        self._coord["projection"] = _known(val, _PROJECTIONS, "projection")

    def get_frame(self) -> str | None:
        """Return the reference frame, such as ``J2000``."""
        return self._coord.get("system")

    def set_frame(self, val: str) -> None:
        """Set the reference frame by its code, in any letter case; the reference value stays as it is."""
        self._coord["system"] = _known(val, _DIRECTIONS, "frame of directions")


class spectralcoordinate(coordinate):
    """The spectral axis; of a tabulated one the reference is the start of the table."""

    def _linear(self) -> Json:
        found: Json = self._coord["wcs"] if "wcs" in self._coord else self._coord["tabular"]
        return found

    def _lines(self) -> list[tuple[str, str]]:
        return [
            *super()._lines(),
            ("Frame", str(self.get_frame())),
            ("Rest Frequency", f"{self.get_restfrequency()} Hz"),
        ]

    def _get(self, field: str) -> Any:
        value = self._linear().get(field)
        return value if value is None or "wcs" in self._coord else value[0]

    def _set(self, field: str, value: Any) -> None:
        if "wcs" in self._coord:
            self._coord["wcs"][field] = value
            return
        if len(self._coord["tabular"].get("pixelvalues", ())):
            raise NotKnownError(
                "the spectral axis is tabulated: its values are those of the table",
                hint="set the lists 'pixelvalues' and 'worldvalues' of the record 'tabular'",
            )
        self._coord["tabular"][field] = [value]

    def get_unit(self) -> str | None:
        """Return the unit of the axis; tabulated frequencies are in Hz."""
        return self._coord.get("unit")

    def get_referencepixel(self) -> float | None:
        """Return the reference pixel, counted from 0."""
        return self._get("crpix")

    def set_referencepixel(self, pix: Any) -> None:
        """Set the reference pixel."""
        self._set("crpix", pix)

    def get_referencevalue(self) -> float | None:
        """Return the frequency of the reference pixel."""
        return self._get("crval")

    def set_referencevalue(self, val: Any) -> None:
        """Set the frequency of the reference pixel."""
        self._set("crval", val)

    def get_increment(self) -> float | None:
        """Return the width of a channel; of a tabulated axis the mean of them."""
        return self._get("cdelt")

    def set_increment(self, inc: Any) -> None:
        """Set the width of a channel."""
        self._set("cdelt", inc)

    def get_axes(self) -> str | None:
        """Return the name of the axis."""
        return self._coord.get("name")

    def get_restfrequency(self) -> float | None:
        """Return the rest frequency in the unit of the axis."""
        return self._coord.get("restfreq")

    def set_restfrequency(self, val: float) -> None:
        """Set the rest frequency; among several it becomes the first."""
        self._coord["restfreq"] = val
        # casacore goes by the list where there is one
        if len(several := self._coord.get("restfreqs", ())):
            self._coord["restfreqs"] = np.array([val, *(f for f in several[1:] if f != val)], np.float64)

    def get_frame(self) -> str | None:
        """Return the frame of rest, such as ``LSRK``."""
        return self._coord.get("system")

    def set_frame(self, val: str) -> None:
        """Set the frame of rest by its code, in any letter case; the frequencies stay as they are."""
        self._coord["system"] = _known(val, _SPECTRA, "frame of frequencies")

    def get_conversion(self) -> Json | None:
        """Return the layer that converts to another frame: its direction, position, epoch and system."""
        return self._coord.get("conversion")

    def set_conversion(self, key: str, val: Any) -> None:
        """Set one part of the conversion layer.

        Parameters
        ----------
        key : str
            direction, position, epoch or system.
        val : dict or str
            The measure, or the name of the frame.
        """
        layer = self._coord.setdefault("conversion", {})
        if key not in ("direction", "position", "epoch", "system"):
            raise NotKnownError(f"a conversion has no {key!r}", hint="direction, position, epoch or system")
        layer[key] = val


class linearcoordinate(coordinate):
    """One or more axes that are linear and nothing else."""


class stokescoordinate(coordinate):
    """The polarization axis."""

    def get_stokes(self) -> list[str]:
        """Return the name of each pixel, such as ``["I", "Q"]``."""
        names: list[str] = self._coord["stokes"]
        return names


class qualitycoordinate(coordinate):
    """The axis of values and their errors."""

    def get_quality(self) -> list[str]:
        """Return the name of each pixel: ``DATA`` or ``ERROR``."""
        names: list[str] = self._coord["quality"]
        return names


class tabularcoordinate(coordinate):
    """An axis with a table of values."""

    def _put(self, field: str, val: Sequence[float]) -> None:
        _same_length(val, self._coord[field], field)
        self._coord[field] = val

    def get_pixelvalues(self) -> Any:
        """Return the pixels of the table."""
        return self._coord["pixelvalues"]

    def set_pixelvalues(self, val: Sequence[float]) -> None:
        """Set the pixels of the table: as many as before."""
        self._put("pixelvalues", val)

    def get_worldvalues(self) -> Any:
        """Return the values at the pixels of the table."""
        return self._coord["worldvalues"]

    def set_worldvalues(self, val: Sequence[float]) -> None:
        """Set the values at the pixels of the table: as many as before."""
        self._put("worldvalues", val)


Kinds = dict[str, type[coordinate]]


class coordinatesystem:
    """The coordinates of an image: a window on the record of all of them.

    Parameters
    ----------
    rec : dict
        The record, as `image.coordinates` gives it; it is not copied.

    Raises
    ------
    LookupError
        When there is no coordinate in the record.

    Examples
    --------
    >>> from lattice.compat.casacore.images import image
    >>> cs = image("", shape=[8, 16]).coordinates()
    >>> cs["direction"].set_projection("TAN")
    >>> cs["direction"].get_projection(), cs.get_names()
    ('TAN', ['direction'])
    """

    kinds: ClassVar[Kinds] = {
        "direction": directioncoordinate,
        "spectral": spectralcoordinate,
        "linear": linearcoordinate,
        "stokes": stokescoordinate,
        "tabular": tabularcoordinate,
        "quality": qualitycoordinate,
    }

    def __init__(self, rec: Json) -> None:
        self._csys = rec
        found: dict[int, str] = {}
        for key in rec:
            name = key.rstrip("0123456789")
            if name in self.kinds and key != name:
                found[int(key[len(name) :])] = name
        if not found:
            raise LookupError("the record holds no coordinate")
        self._keys = [f"{found[number]}{number}" for number in sorted(found, reverse=True)]
        self._names = [found[number] for number in sorted(found, reverse=True)]

    def __str__(self) -> str:
        return "".join(str(part) for part in self)

    def dict(self) -> Json:
        """Return the record, in casacore's axis order; to change it is to change the system."""
        return self._csys

    def summary(self) -> None:
        """Print the coordinates."""
        print(str(self))  # noqa: T201 - what the method is for

    def get_names(self) -> list[str]:
        """Return the kinds of the coordinates, that of the slowest axis first."""
        return self._names

    def _key(self, name: str) -> str:
        if name not in self._names:
            raise ValueError(f"there is no {name!r} coordinate; there is {', '.join(self._names)}")
        # of two of a kind casacore's own number order decides
        return [k for k, n in zip(self._keys, self._names, strict=True) if n == name][-1]

    def __getitem__(self, name: str) -> Any:
        return self.kinds[name](self._csys[self._key(name)])

    def get_coordinate(self, name: str) -> Any:
        """Return the coordinate of a kind; it shares its record with the system.

        Raises
        ------
        ValueError
            When there is none of that kind.
        """
        return self[name]

    def __setitem__(self, name: str, val: coordinate) -> None:
        key = self._key(name)
        if not isinstance(val, self.kinds[name]):
            raise NotKnownError(f"a {type(val).__name__} is no {name} coordinate")
        self._csys[key] = val.dict()

    def set_coordinate(self, name: str, val: coordinate) -> None:
        """Put another coordinate in the place of that of its kind."""
        self[name] = val

    def __iter__(self) -> Iterator[Any]:
        for key, name in zip(self._keys, self._names, strict=True):
            yield self.kinds[name](self._csys[key])

    def __len__(self) -> int:
        return len(self._names)

    def get_obsdate(self) -> Json | None:
        """Return the date of the observation, an epoch measure."""
        return self._csys.get("obsdate")

    def get_observer(self) -> str | None:
        """Return the name of the observer."""
        return self._csys.get("observer")

    def get_telescope(self) -> str | None:
        """Return the name of the telescope."""
        return self._csys.get("telescope")

    def get_referencepixel(self) -> list[Any]:
        """Return the reference pixels, one entry per coordinate."""
        return [part.get_referencepixel() for part in self]

    def _each(self, values: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
        _same_length(values, self._names, "coordinates")
        return zip(self, values, strict=True)

    def set_referencepixel(self, values: Sequence[Any]) -> None:
        """Set the reference pixels: one entry per coordinate, a number for the spectral one, else a list."""
        for part, value in self._each(values):
            part.set_referencepixel(value)

    def get_referencevalue(self) -> list[Any]:
        """Return the reference values, one entry per coordinate."""
        return [part.get_referencevalue() for part in self]

    def set_referencevalue(self, values: Sequence[Any]) -> None:
        """Set the reference values: one entry per coordinate."""
        for part, value in self._each(values):
            part.set_referencevalue(value)

    def get_increment(self) -> list[Any]:
        """Return the increments, one entry per coordinate."""
        return [part.get_increment() for part in self]

    def set_increment(self, values: Sequence[Any]) -> None:
        """Set the increments: one entry per coordinate."""
        for part, value in self._each(values):
            part.set_increment(value)

    def get_unit(self) -> list[Any]:
        """Return the units, one entry per coordinate."""
        return [part.get_unit() for part in self]

    def get_axes(self) -> list[Any]:
        """Return the names of the axes, one entry per coordinate."""
        return [part.get_axes() for part in self]
