"""Pixels and masks changed in place through the image tool."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from lattice.api import expr
from lattice.compat.casa.arguments import served
from lattice.compat.casa.core import ImageCore
from lattice.compat.casa.errors import CasaError
from lattice.compat.casa.selection import region_of
from lattice.compat.filling import fill, pieces, steady
from lattice.compat.mutable import Mutable, fitted, good_of, values_of
from lattice.graph.sections import Section, full, shape_of
from lattice.graph.types import is_bool, is_complex
from lattice.image import Image

__all__ = ["ImageEditing"]


def _given(arguments: Mapping[str, Any], *arrays: str) -> dict[str, Any]:
    """Return the arguments of a call for the history, in which arrays are not spelled out."""
    out = {k: v for k, v in arguments.items() if k not in ("self", "__class__")}
    return out | {name: np.zeros(1) for name in arrays if np.size(out[name])}


class ImageEditing(ImageCore):
    """Changing pixels and masks: section by section, under a lock, in files that can be changed."""

    # -- arrays -----------------------------------------------------------------------------------------

    @served(pixels="any", blc="wholes", inc="wholes")
    def putchunk(
        self, pixels: Any = (), blc: Any = (-1,), inc: Any = (1,), list: bool = False, locking: bool = True,
        replicate: bool = False,
    ) -> bool:  # fmt: skip
        """Put an array, x first, from a corner on, whatever the mask says.

        With `replicate` it is repeated along the axes that it lacks, to the end of the image.
        """
        call = _given(locals(), "pixels")
        held = self._target()
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
        self._put(held, tuple(spans[::-1]), whole.T)
        self._note("putchunk", call)
        return True

    def _put(self, held: Mutable, section: Section, values: np.ndarray) -> None:
        held.write(section, fitted(values if values.dtype != bool else values * 1, self._outline().dtype))

    def _covered(self, region: Any) -> tuple[Section, Any]:
        """Return the box around a region, and a function for where in a part of it the region is."""
        found = region_of(region)
        if found is None:
            return full(self._outline().shape), None
        image = self._image()
        chosen = image._chosen_region(found, "", "", "") if isinstance(found, str) else found
        fitted_region = chosen.fit(image.node.attrs)
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
        call = _given(locals(), "pixels", "pixelmask")
        held = self._target()
        box, _inside = self._covered(region)
        shape = shape_of(box)
        if np.size(pixels) == 0 and np.size(pixelmask) == 0:
            raise CasaError("give pixels, a pixelmask, or both")
        good = values = None
        if np.size(pixelmask):
            good = _spread(np.asarray(pixelmask), shape, replicate, "pixelmask").astype(bool)
        if np.size(pixels):
            values = _spread(np.asarray(pixels), shape, replicate, "pixels")
        with held.editing():
            if good is not None:
                held.write_mask(box, good)
            if values is not None:
                if usemask and self._outline().masked:
                    values = np.where(held.read_mask(box), values, held.read(box))
                self._put(held, box, values)
        self._note("putregion", call)
        return True

    # -- numbers and expressions ------------------------------------------------------------------------

    @served(pixels="any", pixelmask="whole")
    def set(self, pixels: Any = (), pixelmask: int = -1, region: Any = "", list: bool = False) -> bool:
        """Put a number, or the value of an expression that is a number, into every pixel of a region.

        `pixelmask` 1 or 0 makes the pixels good or bad as well.
        """
        call = _given(locals())
        held = self._target()
        given = np.size(pixels) > 0 and pixels != ""
        if not given and pixelmask < 0:
            raise CasaError("give pixels, a pixelmask, or both")
        value = _number_of(pixels) if given else None
        box, inside = self._covered(region)
        with held.editing():
            if value is not None:
                fill(held, value, box=box, where=inside)
            if pixelmask >= 0:
                for piece in pieces(box):
                    good = np.full(shape_of(piece), bool(pixelmask))
                    if inside is not None:
                        good = np.where(inside(piece), good, held.read_mask(piece))
                    held.write_mask(piece, good)
        self._note("set", call)
        return True

    @served(pixels="any")
    def calc(self, pixels: Any, verbose: bool = True) -> bool:
        """Put the values of an expression into the image, where its mask is good."""
        call = _given(locals())
        held = self._target()
        made = expr(_text_of(pixels))
        image = self._image()
        self._check_shape(made)
        if is_bool(made.dtype) or (is_complex(made.dtype) and not is_complex(image.dtype)):
            raise CasaError(f"values of type {made.dtype} do not go into an image of type {image.dtype}")
        fill(held, made, only_good=True)
        self._note("calc", call)
        return True

    def _check_shape(self, made: Image, *others: tuple[int, ...]) -> None:
        shape = self._outline().shape
        if made.shape and made.shape not in (shape, *others):
            raise CasaError(f"the expression has shape {made.shape[::-1]}, the image {shape[::-1]}")

    @served(mask="any", asdefault="flag")
    def calcmask(self, mask: Any = "", name: str = "", asdefault: bool = True) -> bool:
        """Make a mask of an expression of truth values, or put it in the place of one of that name."""
        call = _given(locals())
        held = self._target()
        made = expr(_text_of(mask))
        if not is_bool(made.dtype):
            raise CasaError("a mask is an expression of truth values", hint="'a.im > 0'")
        self._check_shape(made)
        new = name or _free_name(self._image())
        with held.editing():
            if made.shape:
                with steady(made, held) as image:

                    def parts(piece: Section) -> np.ndarray:
                        found: np.ndarray = values_of(image, piece) & good_of(image, piece)
                        return found

                    held.put_mask(new, parts, asdefault)
            else:
                value = bool(made)
                held.put_mask(new, lambda piece: np.full(shape_of(piece), value), asdefault)
        self._note("calcmask", call)
        return True

    @served(pixels="any")
    def replacemaskedpixels(
        self, pixels: Any = (), region: Any = "", mask: str = "", update: bool = False, list: bool = False,
        stretch: bool = False,
    ) -> bool:  # fmt: skip
        """Put a number or the values of an expression where the image, or a further mask, is bad."""
        call = _given(locals())
        held = self._target()
        image = self._image()
        box, inside = self._covered(region)
        made: Any = expr(_text_of(pixels)) if isinstance(pixels, str) else None
        if made is None or not made.shape:
            made = _number_of(pixels, 0.0)
        else:
            self._check_shape(made, shape_of(box))
        limited = image._restricted(mask, stretch) if mask.strip() else image
        with held.editing(), steady(limited, held) as further:

            def bad(piece: Section) -> np.ndarray:
                found = ~good_of(further, piece)
                return found if inside is None else found & inside(piece)

            fill(held, made, box=box, where=bad)
            if update and image.masked:
                for piece in pieces(box):
                    held.write_mask(piece, held.read_mask(piece) | bad(piece))
        self._note("replacemaskedpixels", call)
        return True

    # -- other images -----------------------------------------------------------------------------------

    @served(locate="reals")
    def insert(
        self, infile: str = "", region: Any = "", locate: Any = (-1.0,), verbose: bool = False
    ) -> bool:
        """Put the pixels of another image into this one: at a place, or where the coordinates say."""
        from lattice.compat.casa.attaching import open_image

        call = _given(locals())
        held = self._target()
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
        with held.editing(), steady(piece, held) as source:
            for part in pieces(tuple(inner)):
                there = tuple(
                    slice(o.start + p.start - i.start, o.start + p.stop - i.start, 1)
                    for o, p, i in zip(outer, part, inner, strict=True)
                )
                self._put(held, there, values_of(source, part))
        self._note("insert", call)
        return True

    # -- noise and sources ------------------------------------------------------------------------------

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
        call = _given(locals())
        held = self._target()
        image = self._image()
        base = image.set_default_mask(None) if image.masked else image
        if zero:
            base = Image(np.broadcast_to(np.zeros((), image.dtype), image.shape))
        made = base.add_noise(type, pars, seed=[abs(s) for s in seeds] or None)
        box, inside = self._covered(region)
        fill(held, made, box=box, where=inside)
        self._note("addnoise", call)
        return True

    @served(model="any")
    def modify(
        self, model: Any, region: Any = "", mask: str = "", subtract: bool = True, list: bool = True,
        stretch: bool = False,
    ) -> bool:  # fmt: skip
        """Take simple sources away from the image where it is good, or add them.

        Parameters
        ----------
        model : dict
            Record of a component list, see `fromcomplist`.
        region, mask, stretch : optional
            Where, as in `subimage`.
        subtract : bool, optional
            Whether to take away.
        """
        from lattice.compat.casa.componentlists import components_of

        call = {"model": model, "region": region, "mask": mask, "subtract": subtract}
        held = self._target()
        image = self._image()
        made = image.add_components(components_of(model, image), subtract=subtract)
        box, inside = self._covered(region)
        with (
            held.editing(),
            steady(image._restricted(mask, stretch) if mask.strip() else image, held) as further,
        ):

            def good(piece: Section) -> np.ndarray:
                found = good_of(further, piece)
                return found if inside is None else found & inside(piece)

            fill(held, made, box=box, where=good)
        self._note("modify", call)
        return True


# -- arguments ----------------------------------------------------------------------------------------------


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
