"""What the image tool tells about an image besides its pixels, and how that is changed."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import numpy as np

from lattice.compat.casa import beaming
from lattice.compat.casa.arguments import matched, served
from lattice.compat.casa.core import ImageCore
from lattice.compat.casa.errors import CasaError
from lattice.compat.casa.formats import formatted, place_text, world_of
from lattice.compat.casa.quantities import converted, in_unit
from lattice.compat.casa.records import checked_record, coords_of
from lattice.compat.casa.selection import region_of
from lattice.compat.casa.systems import System
from lattice.compat.casacore.images.worlds import plain
from lattice.compat.mutable import Derived, Mutable
from lattice.compat.stored import InFile

__all__ = ["ImageMetadata"]

log = logging.getLogger("casa")


class ImageMetadata(ImageCore):
    """Shape, unit, beams, header, history, coordinates, locks."""

    def shape(self) -> np.ndarray:
        """Return the lengths of the axes, x first; nothing without an image."""
        if self._pixels is None:
            return np.zeros(0, np.int64)
        return np.array(self._outline().shape[::-1], np.int64)

    def brightnessunit(self) -> str:
        """Return the unit of the pixels."""
        return self._outline().unit

    @served(unit="text")
    def setbrightnessunit(self, unit: str) -> bool:
        """Set the unit of the pixels, which are not converted."""
        self._target().change(unit=unit)
        self._note("setbrightnessunit", {"unit": unit})
        return True

    # -- header and history -----------------------------------------------------------------------------

    def miscinfo(self) -> dict[str, Any]:
        """Return what else is noted about the image."""
        from lattice.io.casa_records import misc_to_record

        return plain(misc_to_record(self._outline().node.attrs.meta))

    @served()
    def setmiscinfo(self, info: Any) -> bool:
        """Set what else is noted about the image, in the place of all that was."""
        from lattice.io.casa_records import misc_from_record

        old = set(self.miscinfo())
        rest = tuple(card for card in self._outline().node.attrs.meta if card[0] not in old)
        self._target().change(meta=(*rest, *misc_from_record(info)))
        self._note("setmiscinfo", {"info": info})
        return True

    @served()
    def history(self, list: bool = True) -> list[str]:
        """Return the lines of the history, and log them if `list` is set."""
        if self._pixels is None:
            return []
        lines = [str(line) for line in self._image().history]
        if list:
            for line in lines:
                log.info("image::history %s", line)
        return lines

    @served(history="texts")
    def sethistory(self, origin: str = "", history: Any = ()) -> bool:
        """Add lines to the history."""
        self._add_lines(history, origin or "image::sethistory")
        return True

    @served()
    def dohistory(self, enable: bool = True) -> bool:
        """Say whether calls are written into the history from now on."""
        self._keeps_history = enable
        return True

    def torecord(self) -> dict[str, Any]:
        """Return the image as a record, pixels and all; complete only without masks."""
        from lattice.io.casa_records import imageinfo_to_record

        image = self._image()
        info = imageinfo_to_record(image.beams, image.node.attrs.meta, image.shape, image.coords)
        return {
            "imagearray": self._held().read(tuple(slice(0, n, 1) for n in image.shape)).T,
            "shape": np.array(image.shape[::-1]),
            "coordsys": self._system().record,
            "imageinfo": {"imagetype": "Intensity", "objectname": ""} | plain(info),
        }

    @served(retstr="flag", exclude="texts")
    def fitsheader(self, retstr: bool = False, exclude: Any = ()) -> Any:
        """Return the header that `tofits` would write, as a record, or as one text if `retstr` is set.

        Parameters
        ----------
        retstr : bool, optional
            Whether to return the text, in which all cards are.
        exclude : str or list of str, optional
            Keywords to leave out of the record.

        Returns
        -------
        dict or str
            Cards that are numbered along the axes are arrays, but those of units and matrices; IMAGENME is
            the name of the image, or its last 68 characters.
        """
        from lattice.compat.casa.headers import header_text, record_of_header

        image = self._image()
        text = header_text(image)
        if retstr:
            return text
        name: str = self.name()[-68:]
        out = record_of_header(text) | {"IMAGENME": name}
        left = {word.upper() for word in exclude}
        return {key: value for key, value in out.items() if key not in left}

    @served()
    def summary(
        self, doppler: str = "RADIO", list: bool = True, pixelorder: bool = True, verbose: bool = False
    ) -> dict[str, Any]:
        """Return what the image is: shape, axes, unit, masks, beams; and log it if `list` is set."""
        if self._pixels is None:
            return {}
        image, system = self._outline(), self._system()
        out: dict[str, Any] = {
            "ndim": image.ndim,
            "shape": self.shape(),
            "tileshape": np.array(_tile(image)),
            "axisnames": np.array(system.names),
            "axisunits": np.array(["rad" if u == "rad" else u for u in system.units]),
            "refpix": system.crpix,
            "refval": system.crval,
            "incr": system.cdelt,
            "unit": image.unit,
            "hasmask": image.masked,
            "defaultmask": image.default_mask or "",
            "masks": np.array([*image._masks], dtype=str),
            "imagetype": self._image_type(),
        }
        if len(image.beams) == 1:
            out["restoringbeam"] = beaming.beam_record(image.beams[0])
        elif image.beams:
            out["perplanebeams"] = beaming.record_of_beams(image)
        parts = _described(out, image.default_mask)
        if list:
            for line in (line for part in parts for line in part):
                log.info("image::summary %s", line)
        out["messages"] = np.array([], dtype=str) if list else np.array(["\n".join(part) for part in parts])
        return out

    def _image_type(self) -> str:
        cards = {key: value for key, value, _ in self._outline().node.attrs.meta}
        return str(cards.get("BTYPE", "Intensity"))

    # -- beams ------------------------------------------------------------------------------------------

    @served()
    def restoringbeam(self, channel: int = -1, polarization: int = -1, mbret: str = "list") -> dict[str, Any]:
        """Return the beam, {} for none; of several that of a plane, or all as lists or matrices."""
        image = self._outline()
        if matched(mbret, ("list", "matrix"), "mbret") == "matrix":
            return beaming.matrix_record(image)
        return beaming.record_of_beams(image, channel, polarization)

    @served()
    def beamarea(self, channel: int = -1, polarization: int = -1) -> dict[str, Any]:
        """Return the area of the beam in square arc seconds and in pixels."""
        return beaming.area(self._outline(), channel, polarization)

    def commonbeam(self) -> dict[str, Any]:
        """Return the smallest beam to which all planes can be smoothed."""
        return beaming.beam_record(tuple(self._outline().common_beam()), "pa")

    @served(major="any", minor="any", pa="any", beam="record")
    def setrestoringbeam(
        self, major: Any = (), minor: Any = (), pa: Any = "Not specified", beam: Any = None,
        remove: bool = False, log: bool = True, channel: int = -1, polarization: int = -1,
        imagename: str = "",
    ) -> bool:  # fmt: skip
        """Set the beam, or that of some planes; remove it; or copy it from another image."""
        from lattice.compat.casa.attaching import open_image

        image = self._outline()
        if remove:
            beams: Any = []
        elif imagename:
            beams = list(open_image(imagename).image().beams)
            if len(beams) > 1 and len(beams) != beaming._plane_count(image):
                raise CasaError(
                    f"{imagename} has {len(beams)} beams, which do not fit the planes of this image"
                )
        else:
            beams = beaming.changed_beams(image, major, minor, pa, beam or {}, channel, polarization)
        self._target().change(beams=tuple(beams))
        self._note("setrestoringbeam", {"remove": remove, "channel": channel, "polarization": polarization})
        return True

    @served(angle="any")
    def rotatebeam(self, angle: Any = ()) -> bool:
        """Add an angle to the position angles of all beams."""
        turn = in_unit(angle, "deg", "deg")
        beams = tuple((a, b, beaming.with_angle(p + turn)) for a, b, p in self._outline().beams)
        self._target().change(beams=beams)
        self._note("rotatebeam", {"angle": angle})
        return True

    # -- coordinates ------------------------------------------------------------------------------------

    @served()
    def coordsys(self, axes: Any = (-1,)) -> Any:
        """Return a coordsys tool with a copy of the coordinates, of all axes or of some."""
        from lattice.compat.casa.coordsys import coordsys

        system = self._system()
        chosen = [a for a in axes if a >= 0]
        if chosen and len(chosen) < len(system.axes):
            from lattice.compat.casa.making import part_of_record

            return coordsys(part_of_record(system, chosen))
        return coordsys(system.record, system.shape)

    @served()
    def setcoordsys(self, csys: Any) -> bool:
        """Set the coordinates, and with them observer, telescope and date."""
        if not csys:
            raise CasaError("the record of coordinates is empty")
        image = self._outline()
        coords, cards = coords_of(checked_record(csys, image.ndim), image.shape)
        observed = {key for key, _, _ in cards}
        rest = tuple(card for card in image.node.attrs.meta if card[0] not in observed)
        self._target().change(coords=coords, meta=(*cards, *rest))
        self._note("setcoordsys", {"csys": csys})
        return True

    def _pixel(self, value: Any, system: System) -> list[float]:
        if isinstance(value, Mapping):
            value = value.get("numeric", ())
        given = [float(v) for v in np.atleast_1d(value)] if np.size(value) else []
        given = [] if given == [-1.0] else given
        reference = [float(v) for v in system.crpix]
        return [*given[: len(reference)], *reference[len(given) :]]

    @served(value="any")
    def toworld(self, value: Any = (), format: str = "n", dovelocity: bool = True) -> dict[str, Any]:
        """Return the world coordinates of a pixel as numbers, quantities, measures or texts (n, q, m, s)."""
        system = self._system()
        world = system.to_world(self._pixel(value, system))
        return formatted(system, world, format, dovelocity)

    @served(value="any")
    def topixel(self, value: Any = ()) -> dict[str, Any]:
        """Return the pixel at world coordinates given in any of these forms."""
        system = self._system()
        found = system.to_pixel(world_of(system, value))
        return {"ar_type": "absolute", "pw_type": "pixel", "numeric": found}

    @served(pixel="reals", dframe="text", sframe="text")
    def coordmeasures(self, pixel: Any = (-1.0,), dframe: str = "cl", sframe: str = "cl") -> dict[str, Any]:
        """Return the measures at a pixel, with its value and mask."""
        system = self._system()
        for kind, frame in (("direction", dframe), ("spectral", sframe)):
            number = system.number_of(kind)
            if frame.lower() == "cl" or number is None:
                continue
            part = system.part(number)
            own = str(part["system"])
            name = own if frame.lower() == "native" else frame.upper()
            if kind == "direction":
                part["conversionSystem"] = name
            elif "conversion" in part:
                part["conversion"]["system"] = name
        place = self._pixel(pixel, system)
        world = System(system.record, system.shape).to_world(place)
        self._in_frame(system, world, place, sframe)
        out = formatted(system, world, "m")
        from lattice.compat.casa.pixels import ImagePixels

        tool: Any = ImagePixels._on(self._held())
        found = tool.pixelvalue([int(np.floor(p + 0.5)) for p in place])
        if found:
            out |= {"mask": found["mask"], "intensity": found["value"]}
        return out

    def _in_frame(self, system: System, world: np.ndarray, place: list[float], frame: str) -> None:
        """Put the frequency at a pixel in another rest frame in the place of the image's own."""
        axes = system.world_axes("spectral")
        own = str(system.part(system.number_of("spectral") or 0).get("system", "")) if axes else ""
        if not axes or frame.lower() in ("cl", "native", own.lower()):
            return
        coords: Any = self._outline().with_frame(frame).coords
        hertz = coords.frequencies_at(np.array([place[system.axes[axes[0]].pixel]]))
        world[axes[0]] = converted(float(hertz[0]), "Hz", system.units[axes[0]])

    @served()
    def boundingbox(self, region: Any = "") -> dict[str, Any]:
        """Return the box around a region, in pixels and in world coordinates."""
        image, system = self._outline(), self._system()
        found = region_of(region)
        if found is None:
            box = tuple(slice(0, n, 1) for n in image.shape)
        else:
            chosen: Any = image._chosen_region(found, "", "", "") if isinstance(found, str) else found
            box = chosen.fit(image.node.attrs).bounds()
        steps = np.array([s.step for s in box][::-1])
        blc = np.array([s.start for s in box][::-1])
        counts = np.array([(s.stop - 1 - s.start) // s.step + 1 for s in box][::-1])
        trc = blc + (counts - 1) * steps
        return {
            "blc": blc,
            "trc": trc,
            "inc": steps,
            "bbShape": trc - blc + 1,
            "regionShape": counts,
            "imageShape": self.shape(),
            "blcf": place_text(system, blc),
            "trcf": place_text(system, trc),
        }

    # -- locks ------------------------------------------------------------------------------------------

    def _files(self) -> list[InFile]:
        found: list[InFile] = []
        left: list[Mutable] = [self._held()]
        while left:
            one = left.pop()
            if isinstance(one, InFile) and one.locks:
                found.append(one)
            elif isinstance(one, Derived):
                left.extend(one.parents)
        return found

    def haslock(self) -> np.ndarray:
        """Return whether this process holds a lock for reading, and one for writing."""
        held = [f.file.held for f in self._files()]
        return np.array([all(held), all(h == "write" for h in held)])

    @served()
    def lock(self, writelock: bool = False, nattempts: int = 0) -> bool:
        """Lock the image against changes, or against any use, by other processes, until `unlock`."""
        for stored in self._files():
            stored.file.take(writelock, nattempts if nattempts > 0 else None)
        return True

    @served()
    def unlock(self) -> bool:
        """Give back the lock."""
        for stored in self._files():
            stored.file.give()
        return True


def _tile(image: Any) -> tuple[int, ...]:
    from lattice.graph.node import Source

    node = image.node
    tile = getattr(node.reader, "tile", None) if isinstance(node, Source) else None
    return tuple(int(n) for n in (tile or image.shape))[::-1]


def _described(record: Mapping[str, Any], default: str | None) -> tuple[list[str], list[str]]:
    """Return a summary for people: lines about the image, and about its axes."""
    masks = ", ".join(f"{m} (default)" if m == default else str(m) for m in record["masks"])
    lines = [
        f"Image type       : {record['imagetype']}",
        f"Image quantity   : {record['unit'] or 'unknown'}",
        f"Pixel mask(s)    : {masks or 'None'}",
        f"Shape            : {record['shape'].tolist()}",
    ]
    if "restoringbeam" in record:
        beam = record["restoringbeam"]
        sizes = ", ".join(f"{beam[k]['value']:.6g} {beam[k]['unit']}" for k in beam)
        lines.append(f"Restoring beam   : {sizes}")
    table = [f"{'Axis name':<18}{'Length':>8}{'Reference':>18}{'Pixel':>10}{'Increment':>16} Unit"]
    rows = zip(
        record["axisnames"], record["shape"], record["refval"], record["refpix"], record["incr"],
        record["axisunits"], strict=False,
    )  # fmt: skip
    for name, n, value, pixel, step, unit in rows:
        table.append(f"{name:<18}{n:>8}{value:>18.9g}{pixel:>10.2f}{step:>16.6e} {unit}")
    return lines, table
