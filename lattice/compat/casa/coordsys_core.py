"""What the parts of the coordsys tool have in common: the record, its axes, and values in their forms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from lattice.compat.casa.arguments import matched, served
from lattice.compat.casa.core import Tool
from lattice.compat.casa.errors import CasaError
from lattice.compat.casa.systems import KINDS, System

__all__ = ["TYPES", "CoordsysCore", "absolute", "words"]

TYPES = tuple(KINDS)


def absolute(kind: str, **forms: Any) -> dict[str, Any]:
    """Return the record of an absolute pixel or world coordinate."""
    return {"ar_type": "absolute", "pw_type": kind, **forms}


def words(value: Any) -> list[str]:
    """Return texts, which may be written as one with blanks between them."""
    return value.split() if isinstance(value, str) else [str(v) for v in np.atleast_1d(value)]


class CoordsysCore(Tool):
    """A tool on a coordinate record."""

    _system: System | None = None

    def _made(self) -> System:
        if self._system is None or not self._system.parts:
            raise CasaError("the coordsys tool has no coordinates", hint="make some with newcoordsys()")
        return self._system

    def _changed(self) -> bool:
        self._system = System(self._made().record, self._made().shape)
        return True

    def _chosen(self, type: str, which: int = 0) -> list[int]:
        """Return the world axes of a kind of coordinate, all of them without one."""
        system = self._made()
        if not type.strip():
            return list(range(len(system.axes)))
        kind = matched(type, TYPES, "coordinate type")
        number = system.number_of(kind, max(which, 0))
        if number is None:
            raise CasaError(f"there is no {kind} coordinate", hint=f"there are {', '.join(self._kinds())}")
        return [k for k, axis in enumerate(system.axes) if axis.number == number]

    def _kinds(self) -> list[str]:
        return [KINDS[kind] for _, kind in sorted(self._made().parts.items())]

    def _part(self, kind: str, which: int = 0) -> dict[str, Any]:
        """Return the record of a coordinate, which may be changed."""
        system = self._made()
        number = system.number_of(kind, which)
        if number is None:
            raise CasaError(f"there is no {kind} coordinate", hint=f"there are {', '.join(self._kinds())}")
        return system.part(number)

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
        kinds = self._kinds()
        if which >= len(kinds):
            raise CasaError(f"there is no coordinate {which}", hint=f"there are {len(kinds)}")
        return kinds if which < 0 else [kinds[which]]

    @served(world="flag")
    def axiscoordinatetypes(self, world: bool = True) -> list[str]:
        """Return the kind of each axis."""
        axes = self._made().axes
        chosen = axes if world else sorted((a for a in axes if a.pixel >= 0), key=lambda a: a.pixel)
        return [KINDS[a.kind] for a in chosen]

    @served(world="flag")
    def findaxis(self, world: bool = True, axis: int = 0) -> dict[str, int]:
        """Return which coordinate an axis belongs to, and its place there."""
        axes = self._made().axes
        found = axes[axis : axis + 1] if world else [a for a in axes if a.pixel == axis]
        if axis < 0 or not found:
            raise CasaError(f"there is no axis {axis}", hint=f"there are {len(axes)}")
        numbers = sorted(self._made().parts)
        return {"coordinate": numbers.index(found[0].number), "axisincoordinate": found[0].inside}

    @served(axisname="text", allowfriendlyname="flag")
    def findaxisbyname(self, axisname: str = "", allowfriendlyname: bool = True) -> int:
        """Return the axis whose name begins with a text.

        Friendly names are "spectral", and "ra" for the right ascension.
        """
        system = self._made()
        kind = axisname.strip().lower()
        if allowfriendlyname and kind == "spectral" and system.world_axes(kind):
            return system.world_axes(kind)[0]
        if allowfriendlyname and kind == "ra" and "right ascension" in [n.lower() for n in system.names]:
            return system.world_axes("direction")[0]
        return system.axis_by_name(axisname)

    @served(which="whole")
    def findcoordinate(self, type: str = "direction", which: int = 0) -> dict[str, Any]:
        """Return whether there is a coordinate of a kind, and its pixel and world axes."""
        system = self._made()
        number = system.number_of(matched(type, TYPES, "coordinate type"), which)
        worlds = [k for k, a in enumerate(system.axes) if number is not None and a.number == number]
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

    def _numbers(self, value: Any, axes: list[int]) -> list[float | None]:
        """Return world coordinates in the units of some axes, given in any of the forms.

        Missing ones are None, those beyond the last axis are left out.
        """
        from lattice.compat.casa.formats import number_of, values_of

        system = self._made()
        given = values_of(value)[: len(axes)]
        found: list[float | None] = [
            number_of(system, k, one, system.units[k]) for k, one in zip(axes, given, strict=False)
        ]
        return found + [None] * (len(axes) - len(found))

    def _put(self, field: str, values: Mapping[int, Any]) -> bool:
        """Put values by axis; those of Stokes axes stay, but for the name."""
        system = self._made()
        for k, value in values.items():
            if value is not None and (field == "axes" or system.axes[k].kind not in ("stokes", "quality")):
                system.put(field, k, value)
        return True
