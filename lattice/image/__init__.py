"""The image: an immutable value that computes nothing until pixels are asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from lattice.errors import ImageIndexError, LatticeTypeError
from lattice.graph.node import Node
from lattice.image.analysis import ImageAnalysis
from lattice.image.coords import ImageCoords
from lattice.image.make import Parts, array_parts, is_array, is_nddata, literal_of
from lattice.image.operators import add_methods
from lattice.image.plots import ImagePlots
from lattice.image.reduce import ImageReduce
from lattice.image.shape import ImageShape
from lattice.image.simulate import ImageSimulate
from lattice.image.smooth import ImageSmooth
from lattice.image.units import ImageUnits

__all__ = ["Image", "ImageIndexError"]


class Image(
    ImageAnalysis, ImageSimulate, ImageReduce, ImageSmooth, ImageShape, ImagePlots, ImageUnits, ImageCoords
):
    """An N-dimensional image: values, mask, coordinates, unit and header, all lazy.

    An image never changes. Whatever changes something (operators, numpy functions, methods, slices) returns
    a new image and computes nothing; pixels are read when they are asked for (`values`, `compute`, `save`,
    `float`, ...).

    Parameters
    ----------
    data : array_like, dask array, xarray.DataArray, NDData, Image or number
        The pixels, slowest axis first. An array of bool, float32, float64, complex64 or complex128 is not
        copied and must not be changed afterwards; integers become floats that hold them. A numpy masked array
        brings its mask, an NDData of astropy its mask, unit, coordinates and header as well.
    dims : sequence of str, optional
        Names of the axes; the default follows from `wcs`, else it is ``(..., "y", "x")``.
    wcs : CoordinateSystem, astropy.wcs.WCS, astropy Header, mapping or list of cards, optional
        Coordinates.
    mask : array of bool, Image, region or str, optional
        Mask that applies, True (of an Image of numbers: 0.5 or more) where a pixel is good; or the name of
        one of `masks`; or "nan" if NaN values stand for bad pixels.
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
        condition = mask if isinstance(mask, Image) or hasattr(mask, "as_mask_node") else None
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
        if isinstance(data, Image | Node) or not (is_array(data) or is_nddata(data)):
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
            self._set(self._restricted(condition, False)._parts)


def _array(data: Any) -> np.ndarray:
    try:
        return np.asarray(data)
    except ValueError:
        raise LatticeTypeError("the rows of the list have different lengths") from None


add_methods(Image)
