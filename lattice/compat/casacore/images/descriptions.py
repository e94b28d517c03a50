"""What an image object tells about its pixels besides their places, and how that is changed."""

from __future__ import annotations

import time
from typing import Any

from lattice.compat.casacore.errors import as_casacore
from lattice.compat.casacore.images import opening, worlds
from lattice.compat.casacore.images.coordinates import coordinatesystem
from lattice.compat.casacore.images.core import ImageCore
from lattice.io.base import LogLine

__all__ = ["ImageDescriptions"]

_UNIX_AS_MJD = 40587 * 86400.0  # seconds


class ImageDescriptions(ImageCore):
    """Coordinates, unit, object, beams, metadata and history of an image."""

    def coordinates(self) -> coordinatesystem:
        """Return the coordinates: a copy, which can be changed and given to a new image.

        An image that was made without coordinates has those that casacore makes up: a field around right
        ascension and declination 0, an observer and a telescope that had nothing to do with it.
        """
        with as_casacore():
            return coordinatesystem(worlds.record_of(self._image()))

    def imageinfo(self) -> dict[str, Any]:
        """Return type of image, name of the object and restoring beams."""
        from lattice.io.casa_records import imageinfo_to_record

        found = self._image()
        with as_casacore():
            record = imageinfo_to_record(found.beams, found.node.attrs.meta, found.shape, found.coords)
        return {"imagetype": "Intensity", "objectname": ""} | worlds.plain(record)

    def miscinfo(self) -> dict[str, Any]:
        """Return what else is noted about the image, such as header cards of a FITS file."""
        from lattice.io.casa_records import misc_to_record

        with as_casacore():
            return worlds.plain(misc_to_record(self._image().node.attrs.meta))

    def unit(self) -> str:
        """Return the unit of the pixels, "" if it is unknown."""
        return self._image().unit

    def history(self) -> list[str]:
        """Return the texts of the history, oldest first."""
        return [str(line) for line in self._image().history]

    def info(self) -> dict[str, Any]:
        """Return coordinates, imageinfo, miscinfo and unit."""
        return {
            "coordinates": self.coordinates().dict(),
            "imageinfo": self.imageinfo(),
            "miscinfo": self.miscinfo(),
            "unit": self.unit(),
        }

    # -- changing descriptions, which python-casacore has no methods for --------------------------------

    def setunit(self, unit: str) -> None:
        """Set the unit of the pixels."""
        with as_casacore():
            self._pixels.change(unit=str(unit))

    def setcoordinates(self, coordsys: coordinatesystem) -> None:
        """Set the coordinates, and with them observer, telescope and date."""
        found = self._image()
        parts = opening.parts_for(coordsys, found.shape)
        observed = {key for key, _, _ in parts["meta"]}
        rest = tuple(card for card in found.node.attrs.meta if card[0] not in observed)
        with as_casacore():
            self._pixels.change(coords=parts["coords"], meta=(*parts["meta"], *rest))

    def setimageinfo(self, info: dict[str, Any]) -> None:
        """Set type of image, name of the object and restoring beams, as `imageinfo` gives them."""
        from lattice.io.casa_records import imageinfo_from_record

        found = self._image()
        with as_casacore():
            beams, cards = imageinfo_from_record(info, found.shape, found.coords)
            rest = tuple(card for card in found.node.attrs.meta if card[0] not in ("BTYPE", "OBJECT"))
            self._pixels.change(beams=tuple(beams), meta=(*rest, *cards))

    def setmiscinfo(self, info: dict[str, Any]) -> None:
        """Set what else is noted about the image, as `miscinfo` gives it."""
        from lattice.io.casa_records import misc_from_record

        found = self._image()
        old = set(self.miscinfo())
        with as_casacore():
            rest = tuple(card for card in found.node.attrs.meta if card[0] not in old)
            self._pixels.change(meta=(*rest, *misc_from_record(info)))

    def addhistory(self, message: str, priority: str = "NORMAL", origin: str = "lattice") -> None:
        """Add a line to the history."""
        line = LogLine(message, time.time() + _UNIX_AS_MJD, priority, origin)
        with as_casacore():
            self._pixels.change(history=(line,))
