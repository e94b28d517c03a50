"""The region manager, `rg`: records of regions made of corners, shapes, texts, and other records."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lattice.compat.casa.arguments import matched, served
from lattice.compat.casa.core import Tool
from lattice.compat.casa.errors import CasaError
from lattice.compat.casa.quantities import converted, quantity, quantity_of
from lattice.compat.casa.region_records import compound, in_the_world, numbered
from lattice.compat.casa.systems import System

__all__ = ["regionmanager"]

_ABSREL = {"abs": 1, "relref": 2, "relcen": 3, "reldir": 4}
_UNSET = -2147483646.0 - 1.0  # what stands for a corner that was not given, one-based


class regionmanager(Tool):
    """Makes records of regions, which the other tools take.

    Examples
    --------
    >>> from lattice.compat.casa import regionmanager
    >>> rg = regionmanager()
    >>> rg.box([1, 1], [3, 4])["trc"].tolist()
    [4.0, 5.0]
    """

    _csys: dict[str, Any] | None = None

    @served()
    def absreltype(self, absrelvalue: int = 0) -> str:
        """Return the name of the number that records have for absolute and relative places."""
        return next((name for name, n in _ABSREL.items() if n == absrelvalue and name != "reldir"), "Unknown")

    @served(csys="record")
    def setcoordinates(self, csys: Any = None) -> bool:
        """Set the coordinates of regions for which none are given."""
        if not System(csys).parts:
            raise CasaError("the record has no coordinates", hint="ia.coordsys().torecord()")
        self._csys = csys
        return True

    def done(self) -> bool:
        """Forget the coordinates."""
        self._csys = None
        return True

    @served(region="any")
    def ispixelregion(self, region: Any = None) -> bool:
        """Return whether a record is that of pixels."""
        return (
            isinstance(region, Mapping)
            and str(region.get("name", "")).startswith("LC")
            and (region.get("isRegion") == 1)
        )

    @served(region="any")
    def isworldregion(self, region: Any = None) -> bool:
        """Return whether a record is that of world coordinates."""
        return isinstance(region, Mapping) and str(region.get("name", "")).startswith("WC")

    # -- shapes -----------------------------------------------------------------------------------------

    @served(blc="reals", trc="reals", inc="reals", comment="text")
    def box(
        self, blc: Any = (0.0,), trc: Any = (-1.0,), inc: Any = (1.0,), absrel: str = "abs",
        frac: bool = False, comment: str = "",
    ) -> dict[str, Any]:  # fmt: skip
        """Return the record of a box of pixels, both corners included.

        Parameters
        ----------
        blc, trc, inc : list of float, optional
            First and last pixel and stride; axes left out are taken in full.
        absrel : str, optional
            abs; relref or relcen: counted from the reference pixel or from the middle.
        frac : bool, optional
            Whether corners are fractions of the lengths of the axes.
        comment : str, optional
            Kept in the record.
        """
        kind = _ABSREL[matched(absrel, ["abs", "relref", "relcen"], "absrel")]
        n = max(len(blc), 0 if trc == [-1.0] else len(trc), 1)
        whole_trc = trc == [-1.0]
        shift = 0.0 if frac or kind != 1 else 1.0

        def corner(values: Sequence[float]) -> np.ndarray:
            single = np.array([*(v + shift for v in values), *[_UNSET] * (n - len(values))], np.float32)
            return single.astype(np.float64)  # CASA keeps them so

        first = corner(blc) if blc != [0.0] or n == 1 else np.array([shift, *[_UNSET] * (n - 1)])
        return {
            "name": "LCSlicer",
            "isRegion": 3,
            "comment": comment,
            "oneRel": True,
            "blc": first,
            "trc": np.full(n, _UNSET) if whole_trc else corner(trc),
            "inc": np.array([*inc, *[1.0] * (n - len(inc))][:n]),
            "fracblc": np.full(n, frac),
            "fractrc": np.full(n, frac),
            "fracinc": np.zeros(n, bool),
            "arblc": np.full(n, kind),
            "artrc": np.full(n, kind),
        }

    def _coordinates(self, csys: Mapping[str, Any]) -> dict[str, Any]:
        record = csys or self._csys
        if not record:
            raise CasaError("regions in world coordinates need a csys", hint="ia.coordsys().torecord()")
        self._csys = dict(record)  # it holds from now on
        return dict(record)

    def _pixel_axes(self, given: Sequence[int], n: int) -> np.ndarray:
        axes = [*range(n)] if [*given] in ([], [-1]) else [*given]
        if len(axes) != n:
            raise CasaError(f"{len(axes)} pixelaxes for {n} values")
        return np.array(axes) + 1

    @served(blc="any", trc="any", pixelaxes="wholes", comment="text")
    def wbox(
        self, blc: Any = (), trc: Any = (), pixelaxes: Any = (-1,), csys: Any = None, absrel: str = "abs",
        comment: str = "",
    ) -> dict[str, Any]:  # fmt: skip
        """Return the record of a box between two places in the world, its sides along the pixel axes."""
        coordinates = self._coordinates(csys)
        kind = _ABSREL[matched(absrel, [*_ABSREL], "absrel")]
        corners = [[_place(v, kind == 1) for v in _items(c)] for c in (blc, trc)]
        n = max(map(len, corners))
        if not n or len({*map(len, corners)}) > 1:
            raise CasaError("blc and trc have a value for each axis")
        return {
            "name": "WCBox",
            "isRegion": 2,
            "comment": comment,
            "oneRel": True,
            "pixelAxes": self._pixel_axes(pixelaxes, n),
            "blc": numbered(corners[0]),
            "trc": numbered(corners[1]),
            "absrel": np.full(n, kind),
            "coordinates": coordinates,
        }

    @served(x="any", y="any", pixelaxes="wholes", comment="text")
    def wpolygon(
        self, x: Any = (), y: Any = (), pixelaxes: Any = (-1,), csys: Any = None, absrel: str = "abs",
        comment: str = "",
    ) -> dict[str, Any]:  # fmt: skip
        """Return the record of a polygon of corners in the world."""
        coordinates = self._coordinates(csys)
        axes = self._pixel_axes(pixelaxes, 2)
        system = System(coordinates)
        record: dict[str, Any] = {
            "name": "WCPolygon",
            "isRegion": 2,
            "comment": comment,
            "oneRel": True,
            "pixelAxes": axes,
            "absrel": _ABSREL[matched(absrel, [*_ABSREL], "absrel")],
            "coordinates": coordinates,
        }
        plane = [next(k for k, a in enumerate(system.axes) if a.pixel == axis - 1) for axis in axes]
        given = [[quantity_of(v) for v in _items(values)] for values in (x, y)]
        if len(given[0]) != len(given[1]):
            raise CasaError("x and y have as many values as the polygon has corners")
        places = np.repeat(system.crpix[:, None], len(given[0]), 1)
        for axis, values in zip(axes, given, strict=True):
            if values and values[0][1] == "pix":
                places[axis - 1] = [float(v) for v, _ in values]
        found = system.worlds(places, convert=False)
        for key, k, values in zip(("x", "y"), plane, given, strict=True):
            unit = system.units[k]
            numbers = found[k]
            if not (values and values[0][1] == "pix"):
                numbers = np.array([float(converted(float(v), u or unit, unit)) for v, u in values])
            record[key] = quantity(numbers, unit)
        return record

    # -- records of records -----------------------------------------------------------------------------

    @served(regions="any", comment="text")
    def makeunion(self, regions: Any = (), comment: str = "") -> dict[str, Any]:
        """Return the record of what lies in any of several regions."""
        return compound(
            "WCUnion", _regions(regions), comment or "Created with the region manager's union function."
        )

    @served(regions="any", comment="text")
    def intersection(self, regions: Any = (), comment: str = "") -> dict[str, Any]:
        """Return the record of what lies in all of several regions."""
        said = "Intersction of multiple regions created with the Region Manger tool"  # CASA's spelling
        return compound("WCIntersection", _regions(regions), comment or said)

    @served(region1="record", region2="record", comment="text")
    def difference(self, region1: Any = None, region2: Any = None, comment: str = "") -> dict[str, Any]:
        """Return the record of what lies in one region and not in another."""
        said = "Difference of between 2 regions created with the Region Manger tool"  # CASA's words
        return compound("WCDifference", [region1, region2], comment or said)

    @served(region="record", comment="text")
    def complement(self, region: Any = (), comment: str = "") -> dict[str, Any]:
        """Return the record of what does not lie in a region, or in any of several."""
        said = "Complement region created with the Region Manger tool"  # CASA's spelling
        if "name" not in region:
            parts = _regions(region, 1)
            region = parts[0] if len(parts) == 1 else compound("WCUnion", parts)
        return compound("WCComplement", [region], comment or said)

    @served(box="record", regions="any", comment="text")
    def concatenation(self, box: Any = (), regions: Any = (), comment: str = "") -> dict[str, Any]:
        """Return the record of a region for each pixel of another axis, which a box along it names."""
        parts = _regions(regions, 1)
        whole = compound(
            "WCConcatenation", parts, comment or "Created with Region Mgr Concatenation Function"
        )
        if str(box.get("name")) != "WCBox" or len(box["pixelAxes"]) != 1:
            raise CasaError(
                "the box is one of the world along one axis", hint="wbox(['0pix'], ['2pix'], [3], csys)"
            )
        return whole | {"box": dict(box)}

    # -- texts ------------------------------------------------------------------------------------------

    @served(region="any", stokescontrol="text")
    def frombcs(
        self, csys: Any = None, shape: Any = (0,), box: str = "", chans: str = "", stokes: str = "",
        stokescontrol: str = "a", region: Any = "",
    ) -> dict[str, Any]:  # fmt: skip
        """Return the record of the region that box, chans, stokes, and a region, stand for together."""
        from lattice.regions import to_record
        from lattice.regions.strings import from_strings

        if isinstance(region, Mapping) and region:
            if box.strip():
                raise CasaError("a box and a region record are not given together")
            return dict(region)
        system = System(self._coordinates(csys), shape)
        if isinstance(region, str) and region.strip():
            text = _text_or_file(region)
            made = from_strings(box, chans, stokes, text)
            attrs = system._scene.node.attrs
            assert made is not None
            return in_the_world(to_record(made, system.record, attrs), system)
        boxes = _corners(box, system)
        spans = _spans(system, chans, "spectral")
        if stokes.strip() or stokescontrol[:1].lower() != "f":
            layers = _spans(system, stokes, "stokes")
        else:
            layers = [(0, 0)]
        parts = [_world_box(system, *pick) for pick in itertools.product(boxes, layers, spans)]
        return parts[0] if len(parts) == 1 else compound("WCUnion", parts)

    @served(text="text")
    def fromtext(self, text: str = "", shape: Any = (1,), csys: Any = None) -> dict[str, Any]:
        """Return the record of a region in CRTF."""
        from lattice.regions import to_record
        from lattice.regions.crtf import from_crtf

        system = System(self._coordinates(csys), shape)
        return in_the_world(to_record(from_crtf(text), system.record, system._scene.node.attrs), system)

    @served(filename="text")
    def fromtextfile(self, filename: str = "", shape: Any = (0,), csys: Any = None) -> dict[str, Any]:
        """Return the record of the region in a file in CRTF."""
        if not os.path.isfile(filename):
            raise CasaError(f"there is no file {filename!r}")
        with open(filename, encoding="utf-8") as file:
            return self.fromtext(file.read(), shape, csys)

    @served(specification="text")
    def selectedchannels(self, specification: str = "", shape: Any = (0,)) -> np.ndarray:
        """Return the numbers of the channels that a text selects in an image of a shape."""
        system = System(self._coordinates({}), shape)
        spans = _spans(system, specification, "spectral")
        numbers = {c for first, last in spans for c in range(first, last + 1)}
        return np.array(sorted(numbers))

    # -- files ------------------------------------------------------------------------------------------

    @served(filename="text", region="record")
    def tofile(self, filename: str = "", region: Any = None) -> bool:
        """Write a record to a file, as JSON."""
        from lattice.graph.records import Record
        from lattice.io.casa.tables import replace_file
        from lattice.io.json_values import to_json

        if not filename or not region:
            raise CasaError("give the name of a file and a record")
        replace_file(os.path.expanduser(filename), json.dumps(to_json(Record(region))).encode())
        return True

    @served(filename="text", verbose="flag", regionname="text")
    def fromfiletorecord(
        self, filename: str = "", verbose: bool = True, regionname: str = ""
    ) -> dict[str, Any]:
        """Return the record that `tofile` wrote."""
        from lattice.graph.records import thawed
        from lattice.io.json_values import from_json

        with open(os.path.expanduser(filename), encoding="utf-8") as file:
            found: dict[str, Any] = thawed(from_json(json.load(file)))
        found["comment"] = f"Created from file: {filename}"
        return found

    # -- images -----------------------------------------------------------------------------------------

    @served(tablename="text", regionname="any", regionrec="record", asmask="flag", verbose="flag")
    def fromrecordtotable(
        self, tablename: str = "", regionname: Any = (), regionrec: Any = None, asmask: bool = False,
        verbose: bool = True,
    ) -> str:  # fmt: skip
        """Keep a region with an image, or the mask that it is there, and return the name that it got."""
        from lattice.compat.casa.selection import region_of

        file = self._file(tablename)
        image = file.image()
        region = region_of(regionrec, image)
        name = str(regionname) if len(regionname) else ("mask" if asmask else "region")
        taken = {*image.regions, *image.masks}
        if name in taken or not len(regionname):
            name = next(n for k in range(10**6) if (n := f"{name}{k}") not in taken)
        if asmask:
            fitted = region.fit(image.node.attrs)
            file.put_mask(name, fitted.mask, default=False)
        else:
            file.change(regions={**image.regions, name: region})
        return name

    @served(tablename="text", regionname="any", verbose="flag")
    def fromtabletorecord(
        self, tablename: str = "", regionname: Any = (), verbose: bool = True
    ) -> dict[str, Any]:
        """Return the record of a region that an image keeps."""
        from lattice.compat.casa.coordsys import coordsys
        from lattice.compat.casa.core import system_of
        from lattice.compat.casa.records import with_matrices_turned
        from lattice.graph.records import Record, thawed
        from lattice.regions import to_record

        image = self._file(tablename).image()
        found = self._named(image, regionname)
        if isinstance(found, Record):
            return with_matrices_turned(thawed(found))
        record = with_matrices_turned(coordsys(system_of(image).record).torecord())
        return with_matrices_turned(to_record(found, record, image.node.attrs))

    @served(tablename="text")
    def namesintable(self, tablename: str = "") -> list[str]:
        """Return the names of the regions that an image keeps."""
        return sorted(self._file(tablename).image().regions)

    @served(tablename="text", regionname="text")
    def deletefromtable(self, tablename: str = "", regionname: str = "") -> bool:
        """Remove a region from an image."""
        if not regionname:
            return True
        file = self._file(tablename)
        image = file.image()
        self._named(image, regionname)
        file.change(regions={n: r for n, r in image.regions.items() if n != regionname})
        return True

    def _file(self, name: str) -> Any:
        from lattice.compat.stored import InFile

        return InFile(os.path.expanduser(name))

    def _named(self, image: Any, name: Any) -> Any:
        if str(name) not in image.regions:
            there = ", ".join(image.regions) or "none"
            raise CasaError(f"the image has no region {name!r}", hint=f"there are {there}")
        return image.regions[str(name)]


# -- helpers ------------------------------------------------------------------------------------------------


def _items(values: Any) -> list[Any]:
    if isinstance(values, str):
        return values.replace(",", " ").split()
    if isinstance(values, Mapping):
        if "*1" in values:
            return [values[f"*{k + 1}"] for k in range(len(values))]
        several = np.asarray(values.get("value"))
        if several.ndim:
            return [quantity(float(v), values["unit"]) for v in several]
        return [values]
    return [*values]


def _place(value: Any, absolute: bool) -> dict[str, Any]:
    number, unit = quantity_of(value)
    return quantity(float(number) + (1.0 if unit == "pix" and absolute else 0.0), unit)


def _regions(regions: Any, least: int = 2) -> list[dict[str, Any]]:
    found = [*(regions.values() if isinstance(regions, Mapping) else regions)]
    if len(found) < least:
        raise CasaError(f"{len(found)} regions are put together", hint=f"give {least} or more")
    return found


def _text_or_file(region: str) -> str:
    if "[" not in region and os.path.isfile(region):
        with open(region, encoding="utf-8") as file:
            return file.read()
    return region


def _corners(box: str, system: System) -> list[tuple[int, int, int, int]]:
    """Return corners of boxes on the sky; the whole of it without a text."""
    from lattice.regions.strings import read_box

    axes = system.pixel_axes("direction") or [0, 1][: len(system.crpix)]
    if box.strip():
        fitted: Any = read_box(box)
        fitted.fit(system._scene.node.attrs)
        return [(x0, y0, x1, y1) for x0, y0, x1, y1 in fitted.corners]
    ends = [system.shape[a] - 1 for a in axes]
    return [(0, 0, ends[0], ends[1] if len(ends) > 1 else 0)]


def _spans(system: System, text: str, kind: str) -> list[tuple[int, int]]:
    """Return the runs of pixels along the spectral or the Stokes axis that a text selects."""
    from lattice.regions.strings import read_chans, read_stokes

    axes = system.pixel_axes(kind)
    if not axes:
        if text.strip():
            raise CasaError(f"there is no {kind} axis for {text!r}")
        return [(0, 0)]
    n = system.shape[axes[0]]
    if not text.strip():
        return [(0, n - 1)]
    region = (read_chans if kind == "spectral" else read_stokes)(text)
    attrs = system._scene.node.attrs
    fitted = region.fit(attrs)
    line = tuple(
        slice(0, n if a == len(system.shape) - 1 - axes[0] else 1, 1) for a in range(len(system.shape))
    )
    inside = np.flatnonzero(fitted.mask(line).ravel())
    runs = np.split(inside, np.flatnonzero(np.diff(inside) > 1) + 1)
    return [(int(r[0]), int(r[-1])) for r in runs]


def _world_box(
    system: System, box: tuple[int, int, int, int], stokes: tuple[int, int], chans: tuple[int, int]
) -> dict[str, Any]:
    """Return the record of a box of pixels as one of world coordinates."""
    blc, trc = np.zeros(len(system.shape)), np.array(system.shape, np.float64) - 1
    sky = system.pixel_axes("direction") or [0, 1][: len(system.shape)]
    for k, axis in enumerate(sky):
        blc[axis], trc[axis] = box[k], box[k + 2]
    for kind, span in (("stokes", stokes), ("spectral", chans)):
        for axis in system.pixel_axes(kind):
            blc[axis], trc[axis] = span
    corners = []
    for place in (blc, trc):
        world, units = system.to_world(place), system.units
        corners.append(numbered([quantity(float(v), u) for v, u in zip(world, units, strict=True)]))
    n = len(system.shape)
    return {
        "name": "WCBox",
        "isRegion": 2,
        "comment": "",
        "oneRel": True,
        "pixelAxes": np.arange(n) + 1,
        "blc": corners[0],
        "trc": corners[1],
        "absrel": np.ones(n, int),
        "coordinates": system.record,
    }
