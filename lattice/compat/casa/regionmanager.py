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
        return next((name for name, n in _ABSREL.items() if n == absrelvalue), "Unknown")

    @served(csys="record")
    def setcoordinates(self, csys: Any) -> bool:
        """Set the coordinates of regions for which none are given."""
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
            return np.array([*(v + shift for v in values), *[_UNSET] * (n - len(values))])

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
        corners = [[_place(v) for v in _items(c)] for c in (blc, trc)]
        n = max(map(len, corners))
        if not n or len({*map(len, corners)}) > 1:
            raise CasaError("blc and trc have a value for each axis")
        kind = _ABSREL[matched(absrel, [*_ABSREL], "absrel")]
        return {
            "name": "WCBox",
            "isRegion": 2,
            "comment": comment,
            "oneRel": True,
            "pixelAxes": self._pixel_axes(pixelaxes, n),
            "blc": _numbered(corners[0]),
            "trc": _numbered(corners[1]),
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
        for key, values, axis in (("x", x, axes[0] - 1), ("y", y, axes[1] - 1)):
            given = [quantity_of(v) for v in _items(values)]
            unit = system.units[next(k for k, a in enumerate(system.axes) if a.pixel == axis)]
            if given and given[0][1] == "pix":
                unit, numbers = "pix", [float(v) + 1 for v, _ in given]
            else:
                numbers = [float(converted(float(v), u or unit, unit)) for v, u in given]
            record[key] = quantity(np.array(numbers), unit)
        if len(record["x"]["value"]) != len(record["y"]["value"]):
            raise CasaError("x and y have as many values as the polygon has corners")
        return record

    # -- records of records -----------------------------------------------------------------------------

    @served(regions="any", comment="text")
    def makeunion(self, regions: Any = (), comment: str = "") -> dict[str, Any]:
        """Return the record of what lies in any of several regions."""
        return _compound("WCUnion", _regions(regions), comment)

    @served(regions="any", comment="text")
    def intersection(self, regions: Any = (), comment: str = "") -> dict[str, Any]:
        """Return the record of what lies in all of several regions."""
        return _compound("WCIntersection", _regions(regions), comment)

    @served(region1="record", region2="record", comment="text")
    def difference(self, region1: Any = None, region2: Any = None, comment: str = "") -> dict[str, Any]:
        """Return the record of what lies in one region and not in another."""
        return _compound("WCDifference", [region1, region2], comment)

    @served(region="record", comment="text")
    def complement(self, region: Any = (), comment: str = "") -> dict[str, Any]:
        """Return the record of what does not lie in a region."""
        return _compound("WCComplement", [region], comment)

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
            return dict(region)
        system = System(self._coordinates(csys), shape)
        if isinstance(region, str) and region.strip():
            text = _text_or_file(region)
            made = from_strings(box, chans, stokes, text)
            attrs = system._scene.node.attrs
            return to_record(made, system.record, attrs)  # type: ignore[arg-type]
        boxes = _corners(box, system)
        spans = _spans(system, chans, "spectral")
        if stokes.strip() or stokescontrol[:1].lower() != "f":
            layers = _spans(system, stokes, "stokes")
        else:
            layers = [(0, 0)]
        parts = [_world_box(system, *pick) for pick in itertools.product(boxes, layers, spans)]
        return parts[0] if len(parts) == 1 else _compound("WCUnion", parts, "")

    @served(text="text")
    def fromtext(self, text: str = "", shape: Any = (1,), csys: Any = None) -> dict[str, Any]:
        """Return the record of a region in CRTF."""
        from lattice.regions import to_record
        from lattice.regions.crtf import from_crtf

        system = System(self._coordinates(csys), shape)
        return to_record(from_crtf(text), system.record, system._scene.node.attrs)

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
        if not filename:
            raise CasaError("give the name of a file")
        from lattice.io.json_values import to_json

        with open(filename, "w", encoding="utf-8") as file:
            json.dump(to_json(region), file)
        return True

    @served(filename="text", verbose="flag", regionname="text")
    def fromfiletorecord(
        self, filename: str = "", verbose: bool = True, regionname: str = ""
    ) -> dict[str, Any]:
        """Return the record that `tofile` wrote."""
        from lattice.io.json_values import from_json

        with open(filename, encoding="utf-8") as file:
            found: dict[str, Any] = from_json(json.load(file))
        return found


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


def _place(value: Any) -> dict[str, Any]:
    number, unit = quantity_of(value)
    return quantity(float(number) + (1.0 if unit == "pix" else 0.0), unit)


def _numbered(values: Sequence[Any]) -> dict[str, Any]:
    return {f"*{k + 1}": v for k, v in enumerate(values)}


def _regions(regions: Any) -> list[dict[str, Any]]:
    found = [*(regions.values() if isinstance(regions, Mapping) else regions)]
    if len(found) < 2:
        raise CasaError("two regions or more are put together")
    return found


def _compound(name: str, regions: Sequence[Any], comment: str) -> dict[str, Any]:
    for region in regions:
        if not isinstance(region, Mapping) or not str(region.get("name", "")).startswith("WC"):
            raise CasaError(
                "only regions in world coordinates are put together", hint="make them with wbox and the like"
            )
    numbered = _numbered([dict(r) for r in regions])
    return {
        "name": name,
        "isRegion": 2,
        "comment": comment,
        "regions": numbered | {"nr": len(regions)},
    }


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
        corners.append(_numbered([quantity(float(v), u) for v, u in zip(world, units, strict=True)]))
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
