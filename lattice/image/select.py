"""Parts of images: by index, by label, by region, around a place on the sky; and which pixels they are."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np

from lattice.coords.system import CoordinateSystem
from lattice.errors import (
    ImageIndexError,
    LatticeTypeError,
    NameNotFoundError,
    suggest,
)
from lattice.functions.registry import lookup
from lattice.graph.attributes import Attributes
from lattice.graph.build import call, cut, region_cut
from lattice.graph.node import (
    Call,
    Extend,
    Literal,
    Named,
    Node,
    RegionCut,
    Source,
    Subset,
    Transpose,
    ValueList,
)
from lattice.graph.show import quote
from lattice.graph.types import BOOL
from lattice.image.base import ImageBase
from lattice.image.make import Parts, is_array
from lattice.image.masks import ImageMasks

__all__ = ["BBox", "ImageSelect"]


class ImageSelect(ImageMasks):
    """The ways to cut an image."""

    __slots__ = ()

    def __getitem__(self, key: Any) -> Self:
        """Return a part of the image, or the image under a further condition.

        Integers, slices (negative steps too) and ``...`` cut as in numpy; an image (or array) of truth values
        masks the pixels where it does not hold; a region cuts to its box and masks what is outside of it.
        """
        if isinstance(key, ImageBase):
            return self._derive(call(lookup("[]", 2), self._node, key._node), key)
        if hasattr(key, "fit") and hasattr(key, "bounds"):
            return self._cut_to_region(key)
        if is_array(key) and key.dtype == BOOL:
            image: Any = type(self)
            return self[image(key, dims=self.dims if tuple(key.shape) == self.shape else None)]
        if isinstance(key, str):
            raise ImageIndexError(
                f"an image is not indexed by {key!r}", hint="masks are in .masks, dims in .isel(...)"
            )
        given = key if isinstance(key, tuple) else (key,)
        if any(item is None for item in given):
            raise ImageIndexError("an index cannot add an axis: None is not taken")
        if any(isinstance(i, ImageBase | list | bool) or is_array(i) for i in given):
            raise ImageIndexError(
                "an image is cut by integers, slices and '...', not by lists of indices",
                hint="a condition stands alone, as in image[image > 0]; lattice.concat joins cuts",
            )
        node = cut(self._node, key)
        masks = self._cut_masks(lambda mask: cut(mask, key))
        return self._of(Parts(node, masks, self._default_mask, self._history))

    def _cut_to_region(self, region: Any, described: Attributes | None = None) -> Self:
        found = next((key for key, r in self._regions.items() if r is region), None)
        named = found is not None and isinstance(self._node, Source)
        label = quote(self.name, region=found) if named and found is not None else repr(region)
        fitted = region.fit(self._node.attrs) if described is None else region.fit(described)
        box = _box_of(fitted)
        text = label if box is fitted else repr(box)
        masks = self._cut_masks(lambda mask: region_cut(mask, box, text))
        return self._of(
            Parts(region_cut(self._node, fitted, label), masks, self._default_mask, self._history)
        )

    def isel(self, indexers: Mapping[str, Any] | None = None, **by_name: Any) -> Self:
        """Return a cut by dim names.

        Parameters
        ----------
        indexers : mapping, optional
            Integer, slice or list of integers by dim; or as keywords.

        Examples
        --------
        >>> import numpy as np
        >>> from lattice import Image
        >>> Image(np.zeros((4, 5, 6))).isel(x=slice(0, 6, 2), axis0=-1).shape
        (5, 3)
        """
        wanted = dict(indexers or {}) | by_name
        for dim in wanted:
            if dim not in self.dims:
                hint = suggest(dim, self.dims) or f"the dims are {', '.join(self.dims) or 'none'}"
                raise ImageIndexError(f"there is no dim {dim!r}", hint=hint)
        return self._picked(tuple(wanted.get(dim, slice(None)) for dim in self.dims))

    def _picked(self, items: Sequence[Any]) -> Self:
        """Return a cut by integers, slices and lists of integers, which stand for each axis on its own."""
        plain = tuple(i if isinstance(i, int | np.integer | slice) else slice(None) for i in items)
        image = self[plain]
        axis = 0
        for item, kept in zip(items, plain, strict=True):
            if kept is not item:
                image = image._listed(axis, item)
            axis += isinstance(kept, slice)
        return image

    def _listed(self, axis: int, pixels: Any) -> Self:
        """Return some pixels of an axis, in any order: as few cuts as they need, one after the other."""
        from lattice.api import concat

        numbers = np.asarray(pixels)
        n, dim = self.shape[axis], self.dims[axis]
        if numbers.ndim != 1 or not numbers.size or numbers.dtype.kind not in "iu":
            raise ImageIndexError(
                f"dim {dim!r} is cut by an integer, a slice or a list of integers, not by {pixels!r}",
                hint="a condition stands alone, as in image[image > 0]",
            )
        if numbers.min() < -n or numbers.max() >= n:
            raise ImageIndexError(f"dim {dim!r} has pixels 0 to {n - 1}, and no {numbers.max()}")
        runs = [
            (slice(None),) * axis + (slice(a, b + s if b + s >= 0 else None, s),)
            for a, b, s in _runs((numbers % n).tolist())
        ]
        image: Any = concat([self[run] for run in runs], dim) if len(runs) > 1 else self[runs[0]]
        return self._of(image._parts)

    def sel(
        self,
        indexers: Mapping[str, Any] | None = None,
        *,
        method: str = "nearest",
        tolerance: Any = None,
        **by_name: Any,
    ) -> Self:
        """Return a cut by labels: values of the coordinates, with units or in those of the axis.

        Parameters
        ----------
        indexers : mapping, optional
            By dim, or as keywords: a value, which drops the axis; a list of values; or a slice of values,
            both ends included and in either order. Values are Quantities, or numbers in the unit of the axis
            (`coords.world_units`); names such as "Q" on a Stokes axis; pixels where an axis has no
            coordinates. The spectral axis takes frequencies, wavelengths, energies and velocities, by any of
            the names frequency, velocity and wavelength; a number by another name than its own is in Hz, m/s
            or m. A place on the sky is given by both of its values: ra and dec, glon and glat, or longitude
            and latitude in the frame of the image.
        method : str, optional
            ``"nearest"``: the pixel that holds the value. ``"exact"``: it must be the value of the pixel, to
            a thousandth of a pixel. ``"pad"`` or ``"ffill"``: the last pixel whose label is not above the
            value, ``"backfill"`` or ``"bfill"``: the first whose label is not below.
        tolerance : Quantity or float, optional
            How far from the value the label may be, in the unit of the value; on the sky an angle.

        Raises
        ------
        ImageIndexError
            When there is no such dim, or the value is more than half a pixel outside of the axis.

        Examples
        --------
        >>> import numpy as np
        >>> from lattice import CoordinateSystem, Image
        >>> kinds = ["spectral", "latitude", "longitude"]
        >>> coords = CoordinateSystem.from_kinds(kinds, frequencies=1e9 + 1e6 * np.arange(5))
        >>> cube = Image(np.zeros((5, 3, 4)), wcs=coords)
        >>> cube.sel(frequency=1.0031e9).bbox.dropped
        {'frequency': 3}
        >>> cube.sel(frequency=slice(1.002e9, 1.0035e9)).shape
        (2, 3, 4)
        """
        from lattice.image.labels import items_of

        return self._picked(items_of(self, dict(indexers or {}) | by_name, method, tolerance))

    def cutout(self, center: Any, size: Any, mode: str = "trim") -> Self:
        """Return the part of the image around a place on the sky.

        Parameters
        ----------
        center : SkyCoord or (longitude, latitude)
            The place; numbers are degrees in the frame of the image.
        size : Quantity, int or a pair of these
            Extent: an angle, or a number of pixels; or height and width.
        mode : str, optional
            What to do where it reaches beyond the image: ``"trim"`` returns the part that is there,
            ``"partial"`` puts bad pixels in place of what is not, ``"strict"`` raises an error. A cutout that
            is altogether outside is an error always.

        Examples
        --------
        ``image.cutout(SkyCoord("12h30m49.4s +12d23m28s"), 2 * u.arcmin)``
        """
        from lattice.image.labels import cutout_span

        if mode not in ("trim", "partial", "strict"):
            raise LatticeTypeError(f"there is no mode {mode!r}", hint="it is trim, partial or strict")
        spans = cutout_span(self, center, size, strict=mode == "strict")
        items, before, after = [], [], []
        for axis, n in enumerate(self.shape):
            start, stop = spans.get(axis, (0, n))
            items.append(slice(max(start, 0), min(stop, n)))
            before.append(max(-start, 0))
            after.append(max(stop - n, 0))
        image = self[tuple(items)]
        return image._padded(before, after) if mode == "partial" else image

    def _padded(self, before: Sequence[int], after: Sequence[int]) -> Self:
        from lattice.ops.pad import pad

        if not any(before) and not any(after):
            return self._of(self._parts)
        masks = self._cut_masks(lambda mask: call(lookup("value", 1), pad(mask, before, after)))
        return self._of(Parts(pad(self._node, before, after), masks, self._default_mask, self._history))

    def subimage(
        self,
        region: Any = None,
        box: str | Sequence[int] | None = None,
        chans: int | str | Sequence[int] | None = None,
        stokes: str | Sequence[str] | None = None,
        mask: Any = None,
        *,
        stretch: bool = False,
        dropdeg: bool = False,
        keepaxes: Any = (),
    ) -> Self:
        """Return the part of the image inside a region, a box, a range of channels and Stokes parameters.

        All of them count pixels of this image; an empty text is as good as none. Where they pick pixels with
        gaps between them, the smallest box around them is returned, and what lies in the gaps is masked.

        Parameters
        ----------
        region : region or str, optional
            See `lattice.regions`; or the name of one of the image's `regions`, a text in CRTF, or the path of
            a file with one.
        box : str or sequence of int, optional
            Corners ``x0, y0, x1, y1`` in pixels of the sky axes (else the last two), both included; or
            several such, which are joined, also with a `region` that is a text.
        chans : int, str or sequence of int, optional
            One channel; the first and the last, as a pair or as text ``"3~7"``; several such,
            ``"1;4~6;>20"``; or ``"range=[1.41GHz, 1.42GHz]"``, also in velocities, with ``restfreq=``,
            ``veltype=`` and ``frame=`` behind it.
        stokes : str or sequence of str, optional
            Stokes parameters: ``"I"``, ``"IQ"``, ``"XX,YY"``.
        mask : Image, array, region or str, optional
            A further condition, for the image as it is before the cut, with axes that it lacks added: truth
            values, numbers (good from 0.5 on), the name of one of the `masks`, or an expression.
        stretch : bool, optional
            Whether axes of length 1 of the mask are repeated along those of the image.
        dropdeg : bool, optional
            Whether axes of length 1 are dropped from the result.
        keepaxes : dims, optional
            Names or numbers of axes of this image that are not dropped.

        Notes
        -----
        :mask: is cut like the pixels; bad as well outside of the region and where the condition does not
            hold.
        :unit: stays.
        :beam: beams of planes that go are left out.
        :coordinates: those of the pixels that stay: reference pixels move, strides make increments larger.
        :flags: named masks are cut, too.
        :variance: ``v.subimage(...)`` alike.
        """
        from lattice.image.operators import axes_of

        kept = {self.dims[k] for k in axes_of(self, keepaxes)} if np.size(keepaxes) else set()
        image = (
            self
            if mask is None or (isinstance(mask, str) and not mask.strip())
            else self._restricted(mask, stretch)
        )
        chosen = self._chosen_region(region, box, chans, stokes)
        if chosen is not None and not hasattr(chosen, "fit"):
            raise LatticeTypeError(
                f"{chosen!r} is no region", hint="give one of lattice.regions, a text in CRTF, or a file"
            )
        if chosen is not None:
            by_word = chans is not None or stokes is not None
            image = image._cut_to_region(chosen, _described(self._node.attrs) if by_word else None)
        if dropdeg:
            gone = [n == 1 and d not in kept for d, n in image.sizes.items()]
            image = image[tuple(0 if g else slice(None) for g in gone)]
        return image

    def _chosen_region(self, region: Any, box: Any, chans: Any, stokes: Any) -> Any:
        """Return the region that a region and short texts stand for together; None if nothing is given."""
        from lattice.regions.strings import from_strings

        region = None if isinstance(region, str) and not region.strip() else region
        text = isinstance(region, str) and region not in self._regions
        if isinstance(region, str):
            region = _region_of_text(region, self) if text else self._regions[region]
        boxes = "" if box is None else box if isinstance(box, str) else _words(box, ",", "box")
        if boxes and region is not None and not text:
            raise LatticeTypeError(
                "a region and a box were given",
                hint="cut with one and then with the other, or join regions with & and |",
            )
        channels = "" if chans is None else chans if isinstance(chans, str) else _channels(chans)
        names = "" if stokes is None else stokes if isinstance(stokes, str) else ",".join(map(str, stokes))
        boxes, channels, names = boxes.strip(), channels.strip(), names.strip()
        if not text and (region is None or not (channels or names)):
            return region if region is not None else from_strings(boxes, channels, names)
        if text:
            return from_strings(boxes, channels, names, region)
        # Pixel and world regions combine when they are fitted to this image.
        limits: Any = from_strings("", channels, names)
        fitted, limit = region.fit(self._node.attrs), limits.fit(_described(self._node.attrs))
        if fitted.kind == "slicer" or any(s.step != 1 for s in fitted.bounds()):
            from lattice.regions.compound import Thinned

            return Thinned(fitted, limit)
        return fitted & limit

    def squeeze(self) -> Self:
        """Return the image without its axes of length 1."""
        return self[tuple(0 if n == 1 else slice(None) for n in self.shape)]

    @property
    def bbox(self) -> BBox:
        """Which pixels of the stored image, or of the operation that made it, this one covers.

        A slice for each axis, through all cuts, strides, flips, bins and borders; ``bbox.local`` counts from
        the first pixel of this image.
        """
        return bounding_box(self._node)


def _runs(numbers: Sequence[int]) -> list[tuple[int, int, int]]:
    """Return (first, last, step) of the longest runs of equal steps that numbers consist of, in order.

    >>> _runs([2, 4, 6, 5, 1])
    [(2, 6, 2), (5, 1, -4)]
    """
    out: list[tuple[int, int, int]] = []
    i = 0
    while i < len(numbers):
        step = numbers[i + 1] - numbers[i] if i + 1 < len(numbers) else 1
        j = i
        while step and j + 1 < len(numbers) and numbers[j + 1] - numbers[j] == step:
            j += 1
        out.append((numbers[i], numbers[j], step if j > i else 1))
        i = j + 1
    return out


def _box_of(region: Any) -> Any:
    """Return the region by which named masks are cut: the same pixels, none of them masked."""
    if not region.has_mask:
        return region
    from lattice.regions import PixelBox

    box = region.bounds()
    return PixelBox(
        tuple(s.start for s in box),
        tuple(s.stop - 1 for s in box),
        tuple(s.step for s in box) if any(s.step != 1 for s in box) else None,
        shape=tuple(region.shape),
    )


def _region_of_text(text: str, image: ImageSelect) -> Any:
    """Return the region that a text in CRTF, or a file with one, describes."""
    from lattice.regions.crtf import from_crtf

    if "[" in text or text.lstrip().startswith("#"):
        return from_crtf(text)
    if os.path.isfile(text):
        return from_crtf(Path(text))
    known = list(image.regions)
    hint = suggest(text, known) or (f"it has {', '.join(known)}" if known else "it has no named regions")
    raise NameNotFoundError(f"the image has no region {text!r}, and there is no such file", hint=hint)


def _words(value: Any, separator: str, what: str) -> str:
    """Return whole numbers as a text."""
    numbers = np.ravel(np.asarray(value)).tolist()
    if not all(isinstance(n, int) and not isinstance(n, bool) for n in numbers):
        raise LatticeTypeError(f"{what}: {value!r} are no whole numbers")
    return separator.join(map(str, numbers))


def _channels(chans: Any) -> str:
    if np.size(chans) > 2:
        raise LatticeTypeError(
            f"chans: {chans!r} is neither a channel nor the first and the last",
            hint="several are written as text: '1;4~6;>20'",
        )
    return _words(chans, "~", "chans")


def _described(attrs: Attributes) -> Attributes:
    """Return attributes in which axes are of the kinds that their names say, if nothing else is known."""
    if attrs.coords is not None:
        return attrs
    kinds = dict.fromkeys(("frequency", "velocity", "wavelength", "channel"), "spectral") | {
        "stokes": "stokes"
    }
    coords = CoordinateSystem.from_kinds([kinds.get(dim, "none") for dim in attrs.dims])
    return attrs.with_(coords=coords)


# -- which pixels -------------------------------------------------------------------------------------------


class BBox(tuple[slice, ...]):
    """Which pixels of the image that it was cut from an image covers: a slice for each axis.

    A start may be negative where pixels were put around the image, and then counts from its first pixel as
    well, not from its end. The step of a binned axis is the number of pixels in a bin.

    Attributes
    ----------
    local : tuple of slice
        The same pixels counted in this image: all of them.
    origin : tuple of int
        Where the first pixel of this image is.
    dropped : mapping of str to int
        Where it was cut by an integer, by dim.
    """

    local: tuple[slice, ...]
    origin: tuple[int, ...]
    dropped: Mapping[str, int]

    @classmethod
    def _of(
        cls,
        slices: Sequence[slice],
        lengths: Sequence[int],
        origin: Sequence[int],
        dropped: Mapping[str, int],
    ) -> BBox:
        box = cls(slices)
        box.local = tuple(slice(0, n, 1) for n in lengths)
        box.origin = tuple(origin)
        box.dropped = dict(dropped)
        return box

    def __reduce__(self) -> tuple[Any, ...]:
        lengths = [s.stop for s in self.local]
        return (BBox._of, (tuple(self), lengths, self.origin, self.dropped))


class _Line:
    """Where the pixels of an axis are on an axis of a node: `start + step*p`, each `width` pixels wide."""

    __slots__ = ("axis", "dim", "length", "start", "step", "width")

    def __init__(self, axis: int | None, dim: str, length: int) -> None:
        self.axis, self.dim, self.length = axis, dim, length
        self.start, self.step, self.width = 0, 1, 1

    def through(self, start: int, step: int, width: int = 1) -> None:
        """Count on the grid on which the present one starts at `start`."""
        self.start, self.step = start + step * self.start, step * self.step
        self.width *= width

    def slice(self, shape: tuple[int, ...]) -> slice:
        """Return the pixels as a slice."""
        last = self.start + self.step * max(0, self.length - 1)
        if not self.length:
            return slice(self.start, self.start, 1)
        if self.step < 0:
            return slice(self.start, last - 1 if last else None, self.step)
        stop = last + self.width
        if self.axis is not None and last < shape[self.axis]:
            stop = min(stop, shape[self.axis])  # the last bin may be smaller
        return slice(self.start, stop, self.step)


def bounding_box(node: Node) -> BBox:
    """Return which pixels of the grid that a node was cut from it covers."""
    lengths = node.attrs.shape or ()
    lines = [_Line(k, d, n) for k, (d, n) in enumerate(zip(node.attrs.dims, lengths, strict=True))]
    gone: list[_Line] = []
    while (lower := _below(node, lines, gone)) is not None:
        node = lower
    shape = node.attrs.shape or ()
    dropped = {line.dim: line.start for line in gone if line.axis is not None}
    return BBox._of(
        [line.slice(shape) for line in lines],
        [line.length for line in lines],
        [line.start for line in lines],
        dropped,
    )


def _below(node: Node, lines: list[_Line], gone: list[_Line]) -> Node | None:
    """Move lines to the grid of what a node was made from and return that; None where its own begins."""
    from lattice.ops.bins import Split
    from lattice.ops.collapse import Collapse
    from lattice.ops.pad import Pad
    from lattice.ops.rebin import Rebin

    here = [line for line in (*lines, *gone) if line.axis is not None]
    if isinstance(node, Subset):
        kept = [k for k, item in enumerate(node.items) if isinstance(item, slice)]
        for line in here:
            line.axis = kept[line.axis or 0]
            item: Any = node.items[line.axis]
            line.through(item.start, item.step)
        for k, item in enumerate(node.items):
            if not isinstance(item, slice):
                gone.append(_Line(k, node.children[0].attrs.dims[k], 1))
                gone[-1].through(item, 1)
    elif isinstance(node, RegionCut):
        box = node.region.bounds()
        for line in here:
            line.through(box[line.axis or 0].start, box[line.axis or 0].step)
    elif isinstance(node, Rebin):
        for line in here:
            factor = node.factors[line.axis or 0]
            line.through(0, factor, factor)
    elif isinstance(node, Split):
        places = node.places()
        for line in here:
            line.axis = places.index(line.axis or 0)
            line.through(0, node.factors[line.axis], node.factors[line.axis])
    elif isinstance(node, Pad):
        for line in here:
            line.through(-node.before[line.axis or 0], 1)
    elif isinstance(node, Collapse):
        kept = [k for k in range(node.children[0].attrs.ndim) if k not in node.axes]
        for line in here:
            line.axis = kept[line.axis or 0]
    elif isinstance(node, Transpose):
        for line in here:
            line.axis = node.order[line.axis or 0]
    elif isinstance(node, Extend):
        for line in here:
            axis = node.axes[line.axis or 0]
            line.axis = axis if axis >= 0 else None
    elif isinstance(node, Call):
        return _lead(node)
    elif not isinstance(node, Named):
        return None
    return node.children[0]


def _lead(node: Call) -> Node | None:
    """Return the operand whose grid a call has."""
    same = [
        a for a in node.args if a.attrs.shape == node.attrs.shape and not isinstance(a, ValueList | Literal)
    ]
    return next((a for a in same if a.attrs.coords is node.attrs.coords), same[0] if same else None)
