"""The image: an immutable value that computes nothing until pixels are asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self

import numpy as np

from lattice.errors import LatticeError, LatticeTypeError, NameNotFoundError, suggest
from lattice.functions.registry import lookup
from lattice.graph.build import call, cut, region_cut, subset
from lattice.graph.node import Node, RegionCut, Source, Subset
from lattice.graph.show import quote
from lattice.graph.types import BOOL
from lattice.image_info import FrozenDict
from lattice.image_make import Parts, array_parts, is_array, literal_of, no_mask
from lattice.image_ops import add_methods
from lattice.image_pixels import ImagePixels

__all__ = ["Image", "ImageIndexError"]


class ImageIndexError(LatticeError, IndexError):
    """An index that the image does not have."""


class Image(ImagePixels):
    """An N-dimensional image: values, mask, coordinates, unit and header, all lazy.

    An image never changes. Whatever changes something (operators, numpy functions, methods, slices) returns
    a new image and computes nothing; pixels are read when they are asked for (`values`, `compute`, `save`,
    `float`, ...).

    Parameters
    ----------
    data : array_like, dask array, xarray.DataArray, Image or number
        The pixels, slowest axis first. An array of bool, float32, float64, complex64 or complex128 is not
        copied and must not be changed afterwards; integers become floats that hold them. A numpy masked array
        brings its mask.
    dims : sequence of str, optional
        Names of the axes; the default follows from `wcs`, else it is ``(..., "y", "x")``.
    wcs : CoordinateSystem, astropy.wcs.WCS, astropy Header, mapping or list of cards, optional
        Coordinates.
    mask : array of bool, Image or str, optional
        Mask that applies, True where a pixel is good; or the name of one of `masks`; or "nan" if NaN values
        stand for bad pixels.
    masks : mapping of str to array of bool, optional
        Named masks.
    regions : mapping of str to region, optional
        Named regions, see `lattice.regions`.
    unit : str or astropy unit, optional
        Brightness unit.
    beam : tuple, optional
        Restoring beam: major axis, minor axis and position angle in degrees or as Quantities; or one such per
        plane.
    meta : mapping, astropy Header or list of cards, optional
        Header cards that travel with the image.
    history : iterable of str, optional
        Processing history, oldest first.
    name : str, optional
        Name in expressions that are printed.

    Examples
    --------
    >>> import numpy as np
    >>> from lattice import Image
    >>> a = Image(np.arange(6.0, dtype="f4").reshape(2, 3), unit="Jy/beam", name="a")
    >>> a
    <lattice.Image (y 2, x 3) float32, Jy/beam, 24 B: a>
    >>> (a[a > 1] * 2.0).expression
    'a[a > 1] * 2'
    """

    __slots__ = ()

    def __init__(
        self,
        data: Any,
        dims: Sequence[str] | None = None,
        wcs: Any = None,
        mask: Any = None,
        masks: Mapping[str, Any] | None = None,
        regions: Mapping[str, Any] | None = None,
        unit: Any = None,
        beam: Any = None,
        meta: Any = None,
        history: Iterable[str] = (),
        name: str | None = None,
    ) -> None:
        condition = mask if isinstance(mask, Image) else None
        labels = {
            "dims": dims,
            "wcs": wcs,
            "masks": masks,
            "regions": regions,
            "unit": unit,
            "beam": beam,
            "meta": meta,
        }
        if isinstance(data, list | tuple):
            data = _array(data)
        if isinstance(data, Image | Node) or not is_array(data):
            given = [key for key, value in labels.items() if value is not None]
            if given:
                raise LatticeTypeError(f"{', '.join(given)}: only for an image that is made of an array")
            if isinstance(data, Image):
                parts = data._parts
            else:
                parts = Parts(data if isinstance(data, Node) else literal_of(data), history=tuple(history))
            self._set(parts)
            if mask is not None:
                self._set(self.with_mask(mask)._parts)
            return
        parts = array_parts(
            data,
            mask=None if condition is not None else mask,
            history=history,
            name="array" if name is None else str(name),
            **labels,
        )
        self._set(parts)
        if condition is not None:
            self._set(self[condition]._parts)

    @property
    def masks(self) -> Mapping[str, Self]:
        """Named masks, as images of truth values, True = good.

        They belong to stored images and cuts of these; what is computed has one effective mask.
        """
        return FrozenDict({key: self._of(Parts(self._named_mask(key))) for key in self._masks})

    # -- parts -----------------------------------------------------------------------------------

    def __getitem__(self, key: Any) -> Self:
        """Return a part of the image, or the image under a further condition.

        Integers, slices (negative steps too) and ``...`` cut as in numpy; an image (or array) of truth values
        masks the pixels where it does not hold; a region cuts to its box and masks what is outside of it.
        """
        if isinstance(key, Image):
            return self._derive(call(lookup("[]", 2), self._node, key._node), key)
        if hasattr(key, "fit") and hasattr(key, "bounds"):
            return self._cut_to_region(key)
        if is_array(key) and key.dtype == BOOL:
            return self[Image(key, dims=self.dims if tuple(key.shape) == self.shape else None)]
        if isinstance(key, str):
            raise ImageIndexError(
                f"an image is not indexed by {key!r}", hint="masks are in .masks, dims in .isel(...)"
            )
        given = key if isinstance(key, tuple) else (key,)
        if any(item is None for item in given):
            raise ImageIndexError("an index cannot add an axis: None is not taken")
        if any(isinstance(item, Image) or is_array(item) or isinstance(item, list | bool) for item in given):
            raise ImageIndexError(
                "an image is cut by integers, slices and '...', not by lists of indices",
                hint="a condition stands alone, as in image[image > 0]; lattice.concat joins cuts",
            )
        try:
            node = cut(self._node, key)
            masks = {name: cut(mask, key) for name, mask in self._masks.items()}
        except (IndexError, ValueError) as error:
            if isinstance(error, LatticeError):
                raise
            raise ImageIndexError(str(error)) from None
        return self._of(Parts(node, masks, self._default_mask, self._history))

    def _cut_to_region(self, region: Any) -> Self:
        found = next((key for key, r in self._regions.items() if r is region), None)
        named = found is not None and isinstance(self._node, Source)
        label = quote(self.name, region=found) if named and found is not None else repr(region)
        fitted = region.fit(self._node.attrs)
        masks = {name: region_cut(mask, fitted, label) for name, mask in self._masks.items()}
        return self._of(
            Parts(region_cut(self._node, fitted, label), masks, self._default_mask, self._history)
        )

    def isel(self, indexers: Mapping[str, Any] | None = None, **by_name: Any) -> Self:
        """Return a cut by dim names.

        Parameters
        ----------
        indexers : mapping, optional
            Integer or slice by dim; or as keywords.

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
        return self[tuple(wanted.get(dim, slice(None)) for dim in self.dims)]

    def subimage(
        self,
        region: Any = None,
        box: str | Sequence[int] | None = None,
        chans: int | str | Sequence[int] | None = None,
        mask: Any = None,
    ) -> Self:
        """Return the part of the image inside a region, a box and a range of channels.

        Parameters
        ----------
        region : region, optional
            See `lattice.regions`; or the name of one of the image's `regions`. It is applied first.
        box : str or sequence of int, optional
            Corners ``x0, y0, x1, y1`` in pixels of the last two axes, both included.
        chans : int, str or sequence of int, optional
            One channel, or the first and the last, as a pair or as text ``"3~7"``.
        mask : Image, array of bool or str, optional
            A further condition, for the image as it is before the cut; text is an expression.
        """
        from lattice.image_export import box_items

        image = self
        if isinstance(mask, str):
            from lattice.api import expr

            mask = expr(mask)
        if mask is not None:
            image = image[mask]._with_masks_of(self)
        if isinstance(region, str):
            if region not in self._regions:
                hint = suggest(region, self._regions) or "it has no named regions"
                raise NameNotFoundError(f"the image has no region {region!r}", hint=hint)
            region = self._regions[region]
        if region is not None:
            image = image[region]
        if box is not None or chans is not None:
            image = image[box_items(image, box, chans)]
        return image

    def _with_masks_of(self, other: Image) -> Self:
        return self._of(Parts(self._node, other._masks, self._default_mask, self._history))

    def squeeze(self) -> Self:
        """Return the image without its axes of length 1."""
        return self[tuple(0 if n == 1 else slice(None) for n in self.shape)]

    def rebin(self, factors: Any = None, **by_name: int) -> Self:
        """Return means over bins of pixels.

        Parameters
        ----------
        factors : int, sequence or mapping, optional
            Pixels per bin: for all axes, for each axis (slowest first), or by dim; or as keywords.
        """
        from lattice.image_export import rebin_factors
        from lattice.ops.rebin import rebin

        return self._derive(rebin(self._node, rebin_factors(self, factors, by_name)))

    def with_mask(self, mask: Any) -> Self:
        """Return the same pixels under another mask.

        Parameters
        ----------
        mask : None, str, Image or array of bool
            None: no mask, every pixel is good. A name: that of `masks`. Else where pixels are good.
            To restrict the mask further, index by a condition instead: ``image[image > 0]``.
        """
        if isinstance(mask, str):
            if mask not in self._masks:
                raise no_mask(mask, self._masks, self.name)
            source = self._stored(mask)
            node = source if source is not None else self.with_mask(None)[Image(self._masks[mask])]._node
            return self._of(Parts(node, self._masks, mask, self._history, self._regions))
        if not self.masked:
            bare = self
        else:
            stored = self._stored(None)
            node = stored if stored is not None else call(lookup("value", 1), self._node)
            bare = self._of(Parts(node, self._masks, None, self._history, self._regions))
        if mask is None:
            return bare
        condition = mask if isinstance(mask, Image) else np.asarray(mask)
        if condition.dtype != BOOL or not condition.shape:
            raise LatticeTypeError(
                f"a mask is None, a name or truth values, not a {type(mask).__name__}",
                hint="make truth values with a comparison, such as image > 0",
            )
        return bare[condition]._with_masks_of(self)

    def _stored(self, mask: str | None) -> Node | None:
        """Return the node with another mask in its source, if it is a source or a plain cut of one."""
        cuts, node = [], self._node
        while isinstance(node, Subset) or (isinstance(node, RegionCut) and not node.region.has_mask):
            cuts.append(node)
            node = node.children[0]
        if not isinstance(node, Source):
            return None
        if mask is None:
            node = node.with_mask(None, node.suffix if node.mask is None else "nomask")
        else:
            found = self._masks[mask]
            while isinstance(found, Subset | RegionCut):
                found = found.children[0]
            if not isinstance(found, Source):
                return None
            node = node.with_mask(found, mask)
        for part in reversed(cuts):
            node = (
                subset(node, part.items)
                if isinstance(part, Subset)
                else region_cut(node, part.region, part.label)
            )
        return node

    def _named_mask(self, key: str) -> Node:
        """Return a named mask as a node that prints as text for it."""
        image = self._stored(key)
        return self._masks[key] if image is None else call(lookup("mask", 1), image)


def _array(data: Any) -> np.ndarray:
    try:
        return np.asarray(data)
    except ValueError:
        raise LatticeTypeError("the rows of the list have different lengths") from None


add_methods(Image)
