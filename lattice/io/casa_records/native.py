"""A record of coordinates after its image was cut, turned, binned, or lost axes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from lattice.coords.system import CoordinateSystem
from lattice.errors import FormatError
from lattice.io.casa_records.fields import ANGLES, HERTZ, factor, texts
from lattice.io.casa_records.layout import Place, layout
from lattice.io.casa_records.parts import spectral_table
from lattice.io.casa_records.shapes import CTYPE, stokes_record, tabular_record
from lattice.io.casa_records.unknown import unknown_axes

__all__ = ["adjusted"]

_TINY = 1e-6


class _CannotFollowError(Exception):
    """The record has no form for what was done to an image."""


@dataclass(frozen=True)
class _Cut:
    """What became of an axis: its new number (from 0, fastest first; None if it is gone) and its pixels."""

    place: int | None
    offset: float
    step: float
    length: int
    pixel: float

    @property
    def is_same(self) -> bool:
        return self.offset == 0 and self.step == 1


def adjusted(
    native: dict[str, Any], coords: CoordinateSystem, shape: tuple[int, ...]
) -> dict[str, Any] | None:
    """Return a record of coordinates for the pixels that an image has of the one that it describes.

    Parameters
    ----------
    native : dict
        The record of the whole image; its parts may be changed.
    coords : CoordinateSystem
        Coordinates of the image, made from that record and then cut.
    shape : tuple of int
        Shape of the image, numpy order.

    Returns
    -------
    dict or None
        None if the record cannot follow what was done to the image.
    """
    try:
        places = layout(native)
    except FormatError:
        return None
    n = len(shape)
    gone = dict(coords.dropped)
    now = {
        axis.fits_axis: _Cut(n - 1 - i, axis.offset, axis.step, shape[i], 0.0)
        for i, axis in enumerate(coords.axes)
    }
    known = {number for p in places for number in p.numbers}
    if _untouched(places, coords) and _same_names(native, places, now):
        return native
    kept: list[tuple[Place, list[_Cut]]] = []
    for place in places:
        cuts = [now.get(k, _Cut(None, 0.0, 1.0, 1, gone.get(k, 0.0))) for k in place.numbers]
        newly = any(cut is None for cut in place.cuts) and all(c.place is None for c in cuts)
        if not newly:
            if place.kind == "coordsys" and not all(c.is_same and c.place is not None for c in cuts):
                return None
            kept.append((place, cuts))
    new = [a for a in coords.axes if a.fits_axis not in known]
    if any(a.kind != "none" for a in new):
        return None
    try:
        return _Adjusting(native, coords, shape).record(kept, [now[a.fits_axis].place or 0 for a in new])
    except (_CannotFollowError, ValueError, TypeError, KeyError, IndexError, OverflowError):
        # the others come of fields that are damaged, and that the coordinates do not need
        return None


def _untouched(places: list[Place], coords: CoordinateSystem) -> bool:
    n = len(coords.axes)
    whole = all(
        axis.fits_axis == n - i and axis.offset == 0 and axis.step == 1 for i, axis in enumerate(coords.axes)
    )
    cut = {k: c for p in places for k, c in zip(p.numbers, p.cuts, strict=True) if c is not None}
    return whole and cut == dict(coords.dropped) and sum(len(p.numbers) for p in places) == n + len(cut)


def _same_names(native: dict[str, Any], places: list[Place], now: dict[int, _Cut]) -> bool:
    """Tell whether each axis of names has as many pixels as names: a cut at its end leaves no other trace."""
    for place in places:
        if place.kind in ("stokes", "quality"):
            names = native[f"{place.kind}{place.index}"].get(place.kind, ())
            if any(k in now and now[k].length != len(names) for k in place.numbers):
                return False
    return True


class _Adjusting:
    """A record as it comes together from parts of another one."""

    def __init__(self, native: dict[str, Any], coords: CoordinateSystem, shape: tuple[int, ...]) -> None:
        self.native, self.coords, self.shape = native, coords, shape

    def record(self, kept: list[tuple[Place, list[_Cut]]], new: list[int]) -> dict[str, Any]:
        """Return the coordinates with their maps, and other fields as they were."""
        numbered = {f"{p.kind}{p.index}" for p in layout(self.native)}
        maps = ("worldmap", "worldreplace", "pixelmap", "pixelreplace")
        numbered |= {f"{m}{i}" for m in maps for i in range(len(numbered))}
        out = {key: value for key, value in self.native.items() if key not in numbered}
        world = self._world_numbers(kept, len(new))
        for i, (place, cuts) in enumerate(kept):
            record = self._coordinate(place, cuts)
            pixelmap, pixelreplace = self._pixel_maps(place, cuts)
            out[f"{place.kind}{i}"] = record
            out[f"worldmap{i}"] = np.array(world[i], np.int32)
            out[f"worldreplace{i}"] = self._world_replace(place, cuts)
            out[f"pixelmap{i}"] = pixelmap
            out[f"pixelreplace{i}"] = pixelreplace
        if new:
            i, count = len(kept), len(new)
            first = max((w for own in world for w in own), default=-1) + 1
            names = [self.coords.axes[len(self.shape) - 1 - k].name for k in new]
            out[f"linear{i}"] = unknown_axes([k + 1 for k in new], names)
            out[f"worldmap{i}"] = np.arange(first, first + count, dtype=np.int32)
            out[f"worldreplace{i}"] = np.ones(count)
            out[f"pixelmap{i}"] = np.array(new, np.int32)
            out[f"pixelreplace{i}"] = np.zeros(count)
        return out

    def _old(self, name: str, place: Place) -> np.ndarray:
        values = self.native.get(f"{name}{place.index}")
        if values is None:
            values = (
                self.native[f"pixelmap{place.index}"] if name == "worldmap" else np.zeros(len(place.numbers))
            )
        return np.atleast_1d(np.array(values))

    def _world_numbers(self, kept: list[tuple[Place, list[_Cut]]], new: int) -> list[list[int]]:
        """Return the world axis of each axis, negative for removed ones: in the order that they had.

        World axes that were numbered like the pixel axes still are.
        """
        old = [self._old("worldmap", p).astype(int).tolist() for p, _ in kept]
        alike = (
            all(
                w == k - 1
                for (p, _), own in zip(kept, old, strict=True)
                for w, k, c in zip(own, p.numbers, p.cuts, strict=True)
                if w >= 0 and c is None
            )
            and not new
        )
        stay = [
            (w, i, j)
            for i, ((_, cuts), own) in enumerate(zip(kept, old, strict=True))
            for j, (w, cut) in enumerate(zip(own, cuts, strict=True))
            if w >= 0 and (cut.place is not None or kept[i][0].cuts[j] is not None)
        ]
        order = sorted(stay)
        if alike and all(kept[i][1][j].place is not None for _, i, j in stay):
            order = sorted(stay, key=lambda s: kept[s[1]][1][s[2]].place or 0)
        out = [[w if w < 0 else -w - 1 for w in own] for own in old]
        for number, (_, i, j) in enumerate(order):
            out[i][j] = number
        return out

    def _pixel_maps(self, place: Place, cuts: list[_Cut]) -> tuple[np.ndarray, np.ndarray]:
        pixelmap = self._old("pixelmap", place).astype(np.int32)
        replaced = self._old("pixelreplace", place).astype(np.float64)
        for j, cut in enumerate(cuts):
            if cut.place is not None:
                pixelmap[j] = cut.place
            elif pixelmap[j] >= 0:
                pixelmap[j], replaced[j] = -pixelmap[j] - 1, cut.pixel
        return pixelmap, replaced

    def _world_replace(self, place: Place, cuts: list[_Cut]) -> np.ndarray:
        """Return the values for removed world axes: that of a direction at the middle of what is left."""
        out = self._old("worldreplace", place).astype(np.float64)
        newly = [j for j, c in enumerate(cuts) if c.place is None and place.cuts[j] is None]
        if not newly or place.kind not in ("direction", "linear"):
            return out
        record = place.record
        if place.kind == "linear":
            at = np.array([c.pixel if c.place is None else c.offset for c in cuts])
            world = record["cdelt"] * (np.asarray(record["pc"]) @ (at - record["crpix"])) + record["crval"]
        else:
            middle = [(length - 1) / 2 for length in self.shape]
            units = texts(record, "units", 2)
            angles = [float(v) for v in self.coords.positions(*middle)]
            world = [
                a * o / t
                for a, (t, o) in zip(angles, (factor(ANGLES, u, "units") for u in units), strict=True)
            ]
            world = [w if math.isfinite(w) else float(c) for w, c in zip(world, record["crval"], strict=True)]
        out[newly] = np.asarray(world)[newly]
        return out

    def _coordinate(self, place: Place, cuts: list[_Cut]) -> dict[str, Any]:
        # python-casacore's own notes on the image, which casacore does not store
        record = {key: value for key, value in place.record.items() if not key.startswith("_")}
        if all(c.is_same for c in cuts) and place.kind not in ("stokes", "quality", "spectral"):
            return record
        offset, step = (np.array([getattr(c, name) for c in cuts], np.float64) for name in ("offset", "step"))
        if place.kind in ("stokes", "quality"):
            return self._named(place, cuts[0], record)
        if place.kind == "spectral":
            return self._spectral(record, cuts[0])
        if len(record.get("pixelvalues", ())):
            return _moved_table(record, cuts[0])
        return _moved(record, offset, step)

    def _named(self, place: Place, cut: _Cut, record: dict[str, Any]) -> dict[str, Any]:
        """Return a coordinate with the names of the pixels that are left."""
        names = texts(record, place.kind, None)
        if cut.place is None:
            return record
        pixels = cut.offset + cut.step * np.arange(cut.length)
        whole = [round(p) for p in pixels]
        if all(abs(p - w) < _TINY and 0 <= w < len(names) for p, w in zip(pixels, whole, strict=True)):
            left = [names[w] for w in whole]
        else:
            left = list(self.coords.stokes(cut.length)) if place.kind == "stokes" else []
        if left == names:
            return record
        made = stokes_record(left) if place.kind == "stokes" else {"quality": left} if left else None
        if made is None:
            raise _CannotFollowError
        return record | made

    def _spectral(self, record: dict[str, Any], cut: _Cut) -> dict[str, Any]:
        if "wcs" in record:
            wcs = record["wcs"]
            if cut.is_same:
                return record
            moved = {
                "crpix": (float(wcs["crpix"]) - cut.offset) / cut.step,
                "cdelt": float(wcs["cdelt"]) * cut.step,
            }
            return record | {"wcs": wcs | moved}
        tabular = record["tabular"]
        pixels = np.asarray(tabular["pixelvalues"], np.float64)
        if not len(pixels):
            if cut.is_same:
                return record
            offset, step = np.array([cut.offset]), np.array([cut.step])
            return record | {"tabular": _moved(tabular, offset, step)}
        if cut.place is None or (cut.is_same and len(pixels) == cut.length):
            return record
        at = cut.offset + cut.step * np.arange(cut.length)
        hertz = self._hertz(record, pixels, at)
        if hertz is None:
            raise _CannotFollowError
        unit, name = texts(tabular, "units", 1)[0], texts(tabular, "axes", 1)[0]
        times, over = factor(HERTZ, unit, "units")
        if len(at) > 1:
            # casacore takes such a table for one of the pixels 0, 1, ... whatever it says.
            return record | {"tabular": tabular_record(hertz * over / times, unit, name)}
        return self._one_channel(record, float(hertz[0]), pixels, at)

    def _hertz(self, record: dict[str, Any], pixels: np.ndarray, at: np.ndarray) -> np.ndarray | None:
        """Return the frequencies at pixels of the old image: from its table, as far as that goes."""
        if at.min() >= pixels.min() - _TINY and at.max() <= pixels.max() + _TINY:
            return spectral_table(record, "")(at)
        # Beyond its end a table only goes on as it ended; the image may know better.
        hertz = self.coords.frequencies(len(at))
        return None if hertz is None or not np.isfinite(hertz).all() else hertz

    def _one_channel(
        self, record: dict[str, Any], hertz: float, pixels: np.ndarray, at: np.ndarray
    ) -> dict[str, Any]:
        """Return a coordinate of one channel; as a line, since a table of one entry has no width."""
        ends = spectral_table(record, "")(at + np.array([-0.5, 0.5])) if len(pixels) > 1 else np.zeros(2)
        width = float(ends[1] - ends[0])
        unit = texts(record["tabular"], "units", 1)[0]
        if not width:
            times, over = factor(HERTZ, unit, "units")
            return record | {"tabular": tabular_record(np.array([hertz * over / times]), unit, "Frequency")}
        times, over = factor(HERTZ, str(record.get("unit", unit)), "unit")
        wcs = {"crval": hertz * over / times, "crpix": 0.0, "cdelt": width * over / times, "pc": 1.0}
        new: dict[str, Any] = {}
        for key, value in record.items():
            new |= {"wcs": wcs | {"ctype": CTYPE}} if key == "tabular" else {key: value}
        return (
            {"version": np.int32(2)}
            | new
            | {"unit": record.get("unit", unit), "name": record.get("name", "Frequency")}
        )


def _moved(record: dict[str, Any], offset: np.ndarray, step: np.ndarray) -> dict[str, Any]:
    """Return a linear or direction coordinate in new pixels."""
    crpix, cdelt = (np.asarray(record[key], np.float64) for key in ("crpix", "cdelt"))
    out = record | {"crpix": (crpix - offset) / step, "cdelt": cdelt * step}
    pc = np.asarray(record["pc"], np.float64)
    if pc.ndim == 2 and np.count_nonzero(pc - np.diag(np.diagonal(pc))) and len(set(step.tolist())) > 1:
        out["pc"] = pc * step[None, :] / step[:, None]
    return out


def _moved_table(record: dict[str, Any], cut: _Cut) -> dict[str, Any]:
    """Return a tabulated coordinate in new pixels, which rise."""
    out = _moved(record, np.array([cut.offset]), np.array([cut.step]))
    pixels = (np.asarray(record["pixelvalues"], np.float64) - cut.offset) / cut.step
    world = np.asarray(record["worldvalues"], np.float64)
    if cut.step < 0:
        pixels, world = pixels[::-1].copy(), world[::-1].copy()
        out["crval"], out["crpix"] = world[:1].copy(), pixels[:1].copy()
    return out | {"pixelvalues": pixels, "worldvalues": world}
