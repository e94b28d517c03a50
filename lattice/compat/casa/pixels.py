"""Pixels read through the image tool: chunks, regions; and its masks."""

from __future__ import annotations

from typing import Any

import numpy as np

from lattice.compat.casa.arguments import matched, served
from lattice.compat.casa.core import ImageCore
from lattice.compat.casa.errors import CasaError
from lattice.compat.mutable import good_of, values_of
from lattice.graph.sections import Section, full
from lattice.image import Image

__all__ = ["ImagePixels"]


class ImagePixels(ImageCore):
    """Reading pixels; masks."""

    # -- reading ----------------------------------------------------------------------------------------

    @served(blc="wholes", trc="wholes", inc="wholes")
    def getchunk(
        self, blc: Any = (-1,), trc: Any = (-1,), inc: Any = (1,), axes: Any = (-1,), list: bool = False,
        dropdeg: bool = False, getmask: bool = False,
    ) -> np.ndarray:  # fmt: skip
        """Return values, or where they are good, between two corners: x first, in double precision.

        Parameters
        ----------
        blc, trc : list of int, optional
            First and last pixel, both included; where a corner is none, the axis is taken in full.
        inc : list of int, optional
            Stride.
        axes : list of int, optional
            Axes over which good pixels are averaged.
        list : bool, optional
            Not used: nothing is printed.
        dropdeg : bool, optional
            Whether axes of length 1 are dropped.
        getmask : bool, optional
            Whether the mask is wanted, True = good.
        """
        section = self._section(blc, trc, inc)
        return self._array(section, axes, dropdeg, getmask)

    def _array(self, section: Section, axes: Any, dropdeg: bool, getmask: bool) -> np.ndarray:
        pixels = self._held()
        given = [a for a in axes if a >= 0]
        if given:
            part: Any = self._image()[section]
            return _out(_averaged(part, self._axes(given)), dropdeg, getmask)
        if getmask:
            good = pixels.read_mask(section).T
            return np.squeeze(good) if dropdeg else good
        return _native(pixels.read(section).T, dropdeg)

    @served()
    def getregion(
        self, region: Any = "", axes: Any = (-1,), mask: str = "", list: bool = False, dropdeg: bool = False,
        getmask: bool = False, stretch: bool = False,
    ) -> np.ndarray:  # fmt: skip
        """Return values, or where they are good, in the box around a region; see `getchunk`."""
        image = self._image()
        part = self._selected(image, region, mask, stretch)
        given = [a for a in axes if a >= 0]
        if given:
            part = _averaged(part, self._axes(given))
        return _out(part, dropdeg, getmask)

    @served(pixel="wholes")
    def pixelvalue(self, pixel: Any = (-1,)) -> dict[str, Any]:
        """Return value, unit and mask of a pixel; an empty record outside of the image."""
        image = self._outline()
        shape = image.shape[::-1]
        place = self._reference_pixel()
        given = [] if pixel == [-1] else pixel
        if len(given) > len(shape):
            raise CasaError(f"{len(given)} numbers for an image of {len(shape)} axes")
        place[: len(given)] = given
        if any(not 0 <= p < n for p, n in zip(place, shape, strict=True)):
            return {}
        section = tuple(slice(p, p + 1, 1) for p in place[::-1])
        value = self._held().read(section).ravel()[0].item()
        good = bool(self._held().read_mask(section).ravel()[0])
        return {"mask": good, "pixel": np.array(place), "value": {"value": value, "unit": image.unit}}

    def _reference_pixel(self) -> list[int]:
        return [int(np.floor(p + 0.5)) for p in self._system().crpix]

    # -- masks ------------------------------------------------------------------------------------------

    @served(op="text", name="texts")
    def maskhandler(self, op: str = "default", name: Any = ()) -> Any:
        """List, choose, copy, rename or delete the masks of the image.

        Parameters
        ----------
        op : str, optional
            default and get return names, the others ["T"]: set, delete, rename, copy.
        name : str or list of str, optional
            Masks: those to delete, the one to set, or the old and the new one.
        """
        image, held = self._image(), self._held()
        masks = dict(image._masks)
        what = matched(op, ("default", "get", "set", "delete", "rename", "copy"), "op")
        if what == "default":
            return [image.default_mask or ""]
        if what == "get":
            return [*masks] or ["T"]
        if what in ("rename", "copy") and len(name) != 2:
            raise CasaError(f"{what} takes an old and a new name")
        if what == "set":
            if len(name) > 1 or (name and name[0] and name[0] not in masks):
                raise CasaError(f"there is no mask {name!r}", hint=f"there are {', '.join(masks) or 'none'}")
            held.set_default_mask(name[0] if name and name[0] else None)
        elif what == "delete":
            for one in (n for n in name if n in masks):
                held.drop_mask(one)
        elif what == "rename":
            if name[0] not in masks:
                raise CasaError(
                    f"there is no mask {name[0]!r}", hint=f"there are {', '.join(masks) or 'none'}"
                )
            held.rename_mask(*name)
        else:
            source, old = image, name[0]
            if ":" in old and old not in masks:
                from lattice.compat.casa.attaching import open_image

                path, _, old = old.rpartition(":")
                source = open_image(path).image()
            if old not in source._masks or source.shape != image.shape:
                raise CasaError(f"there is no mask {name[0]!r} of this shape")
            mask = source.masks[old]
            held.put_mask(name[1], lambda piece: values_of(mask, piece).astype(bool), False)
        self._note("maskhandler", {"op": op, "name": name})
        return ["T"]


# -- helpers ------------------------------------------------------------------------------------------------


def _native(values: np.ndarray, dropdeg: bool) -> np.ndarray:
    out = values.astype(np.complex128 if values.dtype.kind == "c" else np.float64)
    return np.squeeze(out) if dropdeg else out


def _out(image: Image, dropdeg: bool, getmask: bool) -> np.ndarray:
    section = full(image.shape)
    if getmask:
        good = good_of(image, section).T
        return np.squeeze(good) if dropdeg else good
    return _native(values_of(image, section).T, dropdeg)


def _averaged(image: Image, axes: tuple[int, ...]) -> Image:
    """Return means of the good pixels along axes, which stay with length 1."""
    factors = tuple(n if a in axes else 1 for a, n in enumerate(image.shape))
    from lattice.ops.rebin import rebin

    return image._derive(rebin(image.with_wcs(None).with_beam(None).node, factors))
