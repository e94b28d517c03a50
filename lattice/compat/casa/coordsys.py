"""The coordsys tool: a coordinate record that is asked, changed, and used to find positions."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, Self

import numpy as np

from lattice.compat.casa.arguments import served
from lattice.compat.casa.coordsys_core import TYPES, words
from lattice.compat.casa.coordsys_frames import CoordsysFrames
from lattice.compat.casa.coordsys_places import CoordsysPlaces
from lattice.compat.casa.coordsys_summary import CoordsysSummary
from lattice.compat.casa.coordsys_values import CoordsysValues, settle_poles
from lattice.compat.casa.errors import CasaError
from lattice.compat.casa.making import joined_record, new_record
from lattice.compat.casa.observatories import position_of
from lattice.compat.casa.systems import System

__all__ = ["coordsys"]

_MAPS = ("worldmap", "worldreplace", "pixelmap", "pixelreplace")


class coordsys(CoordsysValues, CoordsysFrames, CoordsysPlaces, CoordsysSummary):
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
    >>> cs.toworld([1, 1, 5], "s")["string"].tolist()
    ['23:59:55.99999977', '+00.01.00.00000085', '1.41500500e+09 Hz']
    """

    def __init__(self, record: Mapping[str, Any] | None = None, shape: Any = ()) -> None:
        self._system = None if not record else System(_filled(record), shape)
        self._parent = "unknown"

    # -- making -----------------------------------------------------------------------------------------

    @served(stokes="any", linear="whole", spectral="flag")
    def newcoordsys(
        self, direction: bool = False, spectral: bool = False, stokes: Any = (), linear: int = 0,
        tabular: bool = False,
    ) -> Self:  # fmt: skip
        """Take default coordinates of the kinds wanted, observed now, and return a copy of the tool."""
        self._system = System(_filled(_new(direction, spectral, stokes, linear, tabular)))
        return self.copy()

    @served(stokes="any", linear="whole", spectral="flag")
    def addcoordinate(
        self, direction: bool = False, spectral: bool = False, stokes: Any = (), linear: int = 0,
        tabular: bool = False,
    ) -> bool:  # fmt: skip
        """Add default coordinates of the kinds wanted, behind those that there are."""
        new = _filled(_new(direction, spectral, stokes, linear, tabular))
        self._system = System(new if self._system is None else joined_record(self._system.record, new))
        return True

    def copy(self) -> Self:
        """Return another tool with the same coordinates."""
        other = type(self)(self.torecord(), self._system.shape if self._system else ())
        other._parent = self._parent
        return other

    def torecord(self) -> dict[str, Any]:
        """Return the record of the coordinates."""
        return {} if self._system is None else copy.deepcopy(self._system.record)

    @served(record="record")
    def fromrecord(self, record: Any) -> bool:
        """Take the coordinates of a record."""
        self._system = System(_filled(record))
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
        return self._parent

    @served(imagename="text")
    def setparentname(self, imagename: str) -> bool:
        """Set the name of the image."""
        self._parent = imagename
        return True

    # -- putting in order -------------------------------------------------------------------------------

    @served(order="wholes")
    def reorder(self, order: Any) -> bool:
        """Put the coordinates in another order, given by their present numbers."""
        system = self._made()
        numbers = sorted(system.parts)
        if sorted(order) != list(range(len(numbers))):
            raise CasaError(f"the order {order} names not each of {len(numbers)} coordinates once")
        record = _observed(system)
        axis = 0
        for new, place in enumerate(order):
            old = numbers[place]
            n = len(system.record[f"worldmap{old}"])
            maps = np.arange(axis, axis + n, dtype=np.int32)
            record[f"{system.parts[old]}{new}"] = system.part(old)
            record |= {f"worldmap{new}": maps, f"pixelmap{new}": maps.copy()}
            for field in ("worldreplace", "pixelreplace"):
                record[f"{field}{new}"] = system.record[f"{field}{old}"]
            axis += n
        self._system = System(record)
        return True

    @served(order="wholes")
    def transpose(self, order: Any) -> bool:
        """Put the axes, world and pixel, in another order: axis k is then the one that `order` names k-th."""
        system = self._made()
        if sorted(order) != list(range(len(system.axes))) or len(system.crpix) != len(system.axes):
            raise CasaError(f"the order {order} names not each of {len(system.axes)} axes once")
        for number in system.parts:
            for field in ("worldmap", "pixelmap"):
                old = system.record[f"{field}{number}"]
                system.record[f"{field}{number}"] = np.array([order.index(int(a)) for a in old], np.int32)
        return self._changed()

    @served(csys="record", whichin="whole", whichout="whole")
    def replace(self, csys: Any, whichin: int, whichout: int) -> bool:
        """Put a coordinate of another record in the place of one here, which has as many axes."""
        system, other = self._made(), System(csys)
        for name, which, of in (("input", whichin, other), ("output", whichout, system)):
            if not 0 <= which < len(of.parts):
                raise CasaError(f"there is no {name} coordinate {which}", hint=f"there are {len(of.parts)}")
        new, old = sorted(other.parts)[whichin], sorted(system.parts)[whichout]
        if len(other.record[f"worldmap{new}"]) != len(system.record[f"worldmap{old}"]):
            raise CasaError("the coordinates have not the same number of axes")
        part = other.part(new)
        system.record = {
            (f"{other.parts[new]}{old}" if key == f"{system.parts[old]}{old}" else key): (
                part if key == f"{system.parts[old]}{old}" else value
            )
            for key, value in system.record.items()
        }
        self._system = System(system.record, system.shape)
        return True

    @served(originshft="reals", newshape="any")
    def subimage(self, originshft: Any = (), newshape: Any = ()) -> dict[str, Any]:
        """Return the record of the coordinates of a part of the image.

        Parameters
        ----------
        originshft : list of float
            The pixel that becomes the first one.
        newshape : list of int, optional
            Lengths of the axes, of which that of Stokes counts.
        """
        from lattice.io.casa_records.frames import STOKES_NUMBERS

        system = System(self.torecord())
        if not system.parts or len(originshft) != len(system.crpix):
            raise CasaError(f"{len(originshft)} numbers for {len(system.crpix)} pixel axes")
        lengths = [int(n) for n in np.atleast_1d(newshape)]
        for k, axis in enumerate(system.axes):
            if axis.pixel < 0:
                continue
            first = originshft[axis.pixel]
            if axis.kind != "stokes":
                system.put("crpix", k, float(system.crpix[axis.pixel]) - first)
                if axis.kind in ("spectral", "tabular"):
                    _shift_table(system.part(axis.number), first)
                continue
            part = system.part(axis.number)
            names = [str(s) for s in part["stokes"]]
            end = int(first) + lengths[axis.pixel] if axis.pixel < len(lengths) else len(names)
            if not 0 <= first < min(end, len(names)) or end > len(names):
                raise CasaError(f"the Stokes axis has no pixels {int(first)} to {end - 1}")
            part["stokes"] = names[int(first) : end]
            part["crval"] = np.array([float(STOKES_NUMBERS.get(part["stokes"][0], 0))])
        return System(system.record).record


def _filled(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record with the poles of its projection, and the position of a telescope that is known."""
    out = copy.deepcopy(dict(record))
    for key, part in out.items():
        if key.rstrip("0123456789") == "direction" and 999.0 in (part.get("longpole"), part.get("latpole")):
            settle_poles(part)
        if isinstance(part, dict) and isinstance(wcs := part.get("wcs"), dict) and "ctype" in wcs:
            wcs["ctype"] = str(wcs["ctype"]).rstrip("\0 ")  # the tools have no room to spare
    if out and "telescopeposition" not in out:
        place = position_of(str(out.get("telescope", "")), geocentric=True)
        if place is not None and out["telescope"] != "EVLA":  # as for coordinates that are made here
            out["telescopeposition"] = place
    return out


def _new(direction: bool, spectral: bool, stokes: Any, linear: int, tabular: bool) -> dict[str, Any]:
    """Return a record of default coordinates, observed now."""
    import time

    from lattice.io.casa_records.frames import STOKES_NUMBERS

    if wrong := [name for name in words(stokes) if name not in STOKES_NUMBERS or name == "??"]:
        raise CasaError(
            f"{', '.join(wrong)} is no Stokes parameter", hint="I Q U V, XX XY YX YY, RR RL LR LL, ..."
        )
    record = new_record(direction, spectral, words(stokes), linear, tabular)
    record["obsdate"] = {
        "type": "epoch",
        "refer": "UTC",
        "m0": {"value": time.time() / 86400 + 40587.0, "unit": "d"},
    }
    return record


def _observed(system: System) -> dict[str, Any]:
    """Return what a record says beside the coordinates."""
    gone = (*_MAPS, *TYPES)
    return {
        k: v for k, v in system.record.items() if k.rstrip("0123456789") not in gone or not k[-1].isdigit()
    }


def _shift_table(part: dict[str, Any], first: float) -> None:
    """Let the table of an axis, whose reference pixel was moved, be about the pixels of a part."""
    table = part.get("tabular", part)
    if "pixelvalues" not in table or not len(table["pixelvalues"]):
        return
    # the reference was moved against the table, which goes with it
    steps = float(np.ravel(table["cdelt"])[0])
    table["worldvalues"] = np.asarray(table["worldvalues"], np.float64) - steps * first
    table["pixelvalues"] = np.asarray(table["pixelvalues"], np.float64) - first
