"""Pixels read and written through the image tool: chunks, regions, expressions, masks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from lattice.api import expr
from lattice.compat.casa.arguments import matched, served
from lattice.compat.casa.core import ImageCore
from lattice.compat.casa.errors import CasaError
from lattice.compat.casa.selection import region_of
from lattice.compat.mutable import fitted, good_of, values_of
from lattice.graph.sections import Section, full, iter_grid, shape_of
from lattice.graph.types import is_bool, is_complex
from lattice.image import Image

__all__ = ["ImagePixels"]

_PIECE = 1 << 22


class ImagePixels(ImageCore):
    """Reading and changing pixels."""

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

    # -- writing ----------------------------------------------------------------------------------------

    @served(pixels="any", blc="wholes", inc="wholes")
    def putchunk(
        self, pixels: Any = (), blc: Any = (-1,), inc: Any = (1,), list: bool = False, locking: bool = True,
        replicate: bool = False,
    ) -> bool:  # fmt: skip
        """Put an array, x first, from a corner on, whatever the mask says.

        With `replicate` it is repeated along the axes that it lacks, to the end of the image.
        """
        arguments = {k: v for k, v in locals().items() if k != "self"}
        values = np.asarray(pixels)
        shape = self._outline().shape[::-1]
        if values.size == 0 or values.ndim > len(shape):
            raise CasaError(f"an array of shape {values.shape} does not fit an image of shape {[*shape]}")
        lengths = (*values.shape, *(1,) * (len(shape) - values.ndim))
        spans, counts = [], []
        for k, (n, length) in enumerate(zip(shape, lengths, strict=True)):
            first = blc[k] if k < len(blc) and blc[k] >= 0 else 0
            step = max(1, inc[k]) if k < len(inc) else 1
            count = (n - 1 - first) // step + 1 if replicate and k >= values.ndim else length
            stop = first + (count - 1) * step + 1
            if stop > n or count < 1:
                raise CasaError(
                    f"{length} pixels from {first} on do not fit axis {k} of the image, which has {n}"
                )
            spans.append(slice(first, stop, step))
            counts.append(count)
        whole = np.broadcast_to(values.reshape(lengths), counts)
        self._put(tuple(spans[::-1]), whole.T)
        self._note("putchunk", arguments | {"pixels": np.zeros(1)})
        return True

    def _put(self, section: Section, values: np.ndarray) -> None:
        held = self._held()
        held.write(section, fitted(values if values.dtype != bool else values * 1, self._outline().dtype))

    def _box(self, region: Any) -> Any:
        """Return a region fitted to the image, None for all of it."""
        found = region_of(region)
        if found is None:
            return None
        image = self._image()
        chosen = image._chosen_region(found, "", "", "") if isinstance(found, str) else found
        return chosen.fit(image.node.attrs)

    def _covered(self, region: Any) -> tuple[Section, Any]:
        """Return the box around a region, and a function for where in a part of it the region is."""
        fitted_region = self._box(region)
        if fitted_region is None:
            return full(self._outline().shape), None
        box = tuple(slice(s.start, s.stop, s.step) for s in fitted_region.bounds())
        return box, fitted_region.mask if fitted_region.has_mask else None

    @served(pixels="any", pixelmask="any")
    def putregion(
        self, pixels: Any = (), pixelmask: Any = (), region: Any = "", list: bool = False,
        usemask: bool = True, locking: bool = True, replicate: bool = False,
    ) -> bool:  # fmt: skip
        """Put arrays of the shape of the box around a region: the mask first, then pixels.

        With `usemask` pixels are put only where the mask is good then.
        """
        arguments = {k: v for k, v in locals().items() if k != "self"}
        box, _inside = self._covered(region)
        shape = shape_of(box)
        if np.size(pixels) == 0 and np.size(pixelmask) == 0:
            raise CasaError("give pixels, a pixelmask, or both")
        if np.size(pixelmask):
            good = _spread(np.asarray(pixelmask), shape, replicate, "pixelmask").astype(bool)
            self._held().write_mask(box, good)
        if np.size(pixels):
            values = _spread(np.asarray(pixels), shape, replicate, "pixels")
            if usemask and self._outline().masked:
                old = self._held().read(box)
                values = np.where(self._held().read_mask(box), values, old)
            self._put(box, values)
        self._note("putregion", arguments | {"pixels": np.zeros(1), "pixelmask": np.zeros(1)})
        return True

    @served(pixels="any", pixelmask="whole")
    def set(self, pixels: Any = (), pixelmask: int = -1, region: Any = "", list: bool = False) -> bool:
        """Put a number, or the value of an expression that is a number, into every pixel of a region.

        `pixelmask` 1 or 0 makes the pixels good or bad as well.
        """
        arguments = {k: v for k, v in locals().items() if k != "self"}
        given = np.size(pixels) > 0 and pixels != ""
        if not given and pixelmask < 0:
            raise CasaError("give pixels, a pixelmask, or both")
        value = _number_of(pixels) if given else None
        box, inside = self._covered(region)
        dtype = self._outline().dtype
        for piece in _pieces(box):
            here = None if inside is None else inside(piece)
            if value is not None:
                values = np.full(shape_of(piece), value, dtype)
                if here is not None:
                    values = np.where(here, values, self._held().read(piece))
                self._held().write(piece, values)
            if pixelmask >= 0:
                good = np.full(shape_of(piece), bool(pixelmask))
                if here is not None:
                    good = np.where(here, good, self._held().read_mask(piece))
                self._held().write_mask(piece, good)
        self._note("set", arguments)
        return True

    @served(pixels="any")
    def calc(self, pixels: Any, verbose: bool = True) -> bool:
        """Put the values of an expression into the image, where its mask is good."""
        arguments = {k: v for k, v in locals().items() if k != "self"}
        made = expr(_text_of(pixels))
        image = self._image()
        if made.shape and made.shape != image.shape:
            raise CasaError(f"the expression has shape {made.shape[::-1]}, the image {image.shape[::-1]}")
        if is_bool(made.dtype) or (is_complex(made.dtype) and not is_complex(image.dtype)):
            raise CasaError(f"values of type {made.dtype} do not go into an image of type {image.dtype}")
        self._fill(made, only_good=True)
        self._note("calc", arguments)
        return True

    def _fill(self, made: Image, only_good: bool, box: Section | None = None, inside: Any = None) -> None:
        """Put an image, or a number, into this one piece by piece: in all of it, or in a region in a box."""
        held = self._held()
        image = self._image()
        number = None if made.shape else complex(made) if is_complex(made.dtype) else float(made)
        for piece in _pieces(full(image.shape) if box is None else box):
            values = np.full(shape_of(piece), number) if number is not None else values_of(made, piece)
            chosen = None if inside is None else inside(piece)
            if only_good and image.masked:
                chosen = held.read_mask(piece) if chosen is None else chosen & held.read_mask(piece)
            if chosen is not None:
                values = np.where(chosen, values, held.read(piece))
            held.write(piece, fitted(values, image.dtype))

    @served(mask="any", asdefault="flag")
    def calcmask(self, mask: Any = "", name: str = "", asdefault: bool = True) -> bool:
        """Make a mask of an expression of truth values, or put it in the place of one of that name."""
        arguments = {k: v for k, v in locals().items() if k != "self"}
        image = self._image()
        made = expr(_text_of(mask))
        if not is_bool(made.dtype):
            raise CasaError("a mask is an expression of truth values", hint="'a.im > 0'")
        if made.shape and made.shape != image.shape:
            raise CasaError(f"the expression has shape {made.shape[::-1]}, the image {image.shape[::-1]}")
        new = name or _free_name(image)
        if made.shape:

            def parts(piece: Section) -> np.ndarray:
                return values_of(made, piece).astype(bool) & good_of(made, piece)

        else:
            value = bool(made)

            def parts(piece: Section) -> np.ndarray:
                return np.full(shape_of(piece), value)

        self._held().put_mask(new, parts, asdefault)
        self._note("calcmask", arguments)
        return True

    @served(pixels="any")
    def replacemaskedpixels(
        self, pixels: Any = (), region: Any = "", mask: str = "", update: bool = False, list: bool = False,
        stretch: bool = False,
    ) -> bool:  # fmt: skip
        """Put a number or the values of an expression where the image, or a further mask, is bad."""
        arguments = {k: v for k, v in locals().items() if k != "self"}
        image = self._image()
        held = self._held()
        box, inside = self._covered(region)
        further = image._restricted(mask, stretch) if mask.strip() else image
        made = expr(_text_of(pixels)) if isinstance(pixels, str) else None
        size = shape_of(box)
        if made is not None and made.shape and made.shape not in (image.shape, size):
            raise CasaError(f"the expression has shape {made.shape[::-1]}, the image {image.shape[::-1]}")
        number = None if made is not None and made.shape else _number_of(pixels, 0.0)
        for piece in _pieces(box):
            bad = ~good_of(further, piece)
            if inside is not None:
                bad &= inside(piece)
            if not bad.any():
                continue
            if number is not None:
                values: Any = number
            else:
                assert made is not None
                at = piece if made.shape == image.shape else _inside_of(piece, box)
                values = values_of(made, at)
            held.write(piece, fitted(np.where(bad, values, held.read(piece)), image.dtype))
            if update and image.masked:
                held.write_mask(piece, held.read_mask(piece) | bad)
        self._note("replacemaskedpixels", arguments)
        return True

    @served(locate="reals")
    def insert(
        self, infile: str = "", region: Any = "", locate: Any = (-1.0,), verbose: bool = False
    ) -> bool:
        """Put the pixels of another image into this one: at a place, or where the coordinates say."""
        from lattice.compat.casa.attaching import open_image

        arguments = {k: v for k, v in locals().items() if k != "self"}
        piece = self._selected(open_image(infile).image(), region)
        image = self._image()
        at: Any = None
        if locate != [-1.0] or piece.coords is None or image.coords is None:
            given = [] if locate == [-1.0] else [int(p + 0.5) for p in locate]
            middle = [(own - n) // 2 for own, n in zip(image.shape, piece.shape, strict=True)][::-1]
            at = [given[k] if k < len(given) and given[k] >= 0 else m for k, m in enumerate(middle)][::-1]
        starts = image._places(piece, at)
        inner, outer = [], []
        for start, n, own in zip(starts, piece.shape, image.shape, strict=True):
            first, last = max(0, -start), min(n, own - start)
            if first >= last:
                raise CasaError("the images do not overlap")
            inner.append(slice(first, last, 1))
            outer.append(slice(start + first, start + last, 1))
        for part in _pieces(tuple(inner)):
            there = tuple(
                slice(o.start + p.start - i.start, o.start + p.stop - i.start, 1)
                for o, p, i in zip(outer, part, inner, strict=True)
            )
            self._put(there, values_of(piece, part))
        self._note("insert", arguments)
        return True

    @served(pars="reals", zero="flag", seeds="wholes")
    def addnoise(
        self, type: str = "normal", pars: Any = (0.0, 1.0), region: Any = "", zero: bool = False,
        seeds: Any = (),
    ) -> bool:  # fmt: skip
        """Add random numbers to all pixels of a region, good and bad, or put them there if `zero` is set.

        Parameters
        ----------
        type : str, optional
            The distribution, or the start of its name: binomial, discreteuniform, erlang, geometric,
            hypergeometric, lognormal, negativeexponential, normal, poisson, uniform or weibull.
        pars : list of float, optional
            Its parameters, see `Image.add_noise`.
        region : dict or str, optional
            Where.
        zero : bool, optional
            Whether pixels are set to 0 before.
        seeds : list of int, optional
            The same ones give the same noise. It is not that of CASA.
        """
        arguments = {k: v for k, v in locals().items() if k != "self"}
        image = self._image()
        plain = image.set_default_mask(None) if image.masked else image
        base = plain * 0 if zero else plain
        made = base.add_noise(type, pars, seed=[abs(s) for s in seeds] or None)
        box, inside = self._covered(region)
        self._fill(made, only_good=False, box=box, inside=inside)
        self._note("addnoise", arguments)
        return True

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


def _pieces(box: Section) -> Any:
    """Cut a box into pieces of some megapixels."""
    left, counts = _PIECE, []
    for n in reversed(shape_of(box)):
        counts.append(max(1, min(n, left)))
        left //= counts[-1]
    return iter_grid(box, counts[::-1])


def _inside_of(piece: Section, box: Section) -> Section:
    out = []
    for p, b in zip(piece, box, strict=True):
        first = (p.start - b.start) // b.step
        out.append(slice(first, first + (p.stop - 1 - p.start) // b.step + 1, 1))
    return tuple(out)


def _spread(values: np.ndarray, shape: tuple[int, ...], replicate: bool, what: str) -> np.ndarray:
    """Return an array, given x first, in numpy's order and of a shape."""
    if values.ndim > len(shape):
        raise CasaError(f"{what} has {values.ndim} axes, the region {len(shape)}")
    whole = values.reshape(*values.shape, *(1,) * (len(shape) - values.ndim)).T
    if replicate:
        pairs = zip(whole.shape[::-1][: values.ndim], shape[::-1], strict=False)
        if any(a != b for a, b in pairs):
            raise CasaError(f"{what} has shape {values.shape}, the region {shape[::-1]}")
        return np.broadcast_to(whole, shape)
    if whole.shape != shape:
        raise CasaError(f"{what} has shape {values.shape}, the region {shape[::-1]}")
    return whole


def _text_of(value: Any) -> str:
    if isinstance(value, list | tuple):
        value = "".join(str(v) for v in value)
    if isinstance(value, bool | np.bool_):
        return "T" if value else "F"
    return value if isinstance(value, str) else str(value)


def _number_of(value: Any, undefined: float | None = None) -> Any:
    """Return a number, or that of an expression."""
    if isinstance(value, list | tuple) and len(value) == 1:
        value = value[0]
    if isinstance(value, bool | list | tuple | Mapping):
        raise CasaError(f"{value!r} is no number")
    if not isinstance(value, str):
        return complex(value) if np.iscomplexobj(value) else float(value)
    made = expr(value)
    if made.shape:
        raise CasaError("the expression is an image, not a number", hint="calc() takes images")
    number = complex(made) if is_complex(made.dtype) else float(made)
    return undefined if undefined is not None and np.isnan(number) else number


def _free_name(image: Image) -> str:
    return next(n for i in range(len(image._masks) + 1) if (n := f"mask{i}") not in image._masks)
