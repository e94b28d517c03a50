"""Images of another shape: axes in another order, pixels put together."""

from __future__ import annotations

import os
from typing import Any, Self

from lattice.coords.system import CoordinateSystem
from lattice.errors import CoordinateError, LatticeTypeError, ShapeMismatchError
from lattice.image.arguments import sequence, whole_number
from lattice.image.base import ImageBase
from lattice.image.make import coordinates_of
from lattice.image.masks import ImageMasks

__all__ = ["ImageShape", "grid_of"]


class ImageShape(ImageMasks):
    """What changes the shape of an image, other than cutting it."""

    __slots__ = ()

    def transpose(self, *order: Any) -> Self:
        """Return the image with its axes in another order; no pixel is copied until it is needed.

        Parameters
        ----------
        *order : str or int
            Names or numpy numbers of all axes, slowest first; a ``-`` before a name reverses that axis. Or
            a single text of digits, as CASA writes it: ``"120"`` makes axis 1 of the image the first one,
            counted from the fastest axis. Nothing turns all axes round.

        Returns
        -------
        Image
            The same pixels, masks, coordinates and beams in their new places; named masks too.

        Raises
        ------
        ShapeMismatchError
            When an axis is missing or comes twice.
        NameNotFoundError
            For an axis that the image lacks.

        Notes
        -----
        :mask: moves with the pixels.
        :unit: stays.
        :beam: beams of planes go with their planes.
        :coordinates: move with their axes; a reversed axis counts backwards from its last pixel.
        :flags: named masks move, too.
        :variance: ``v.transpose(...)`` alike.

        Examples
        --------
        >>> import numpy as np
        >>> from lattice import Image
        >>> a = Image(np.zeros((2, 3, 4), "f4"), dims=("frequency", "y", "x"))
        >>> a.transpose("y", "x", "frequency").shape
        (3, 4, 2)
        >>> a.transpose("-x", "y", "frequency").dims
        ('x', 'y', 'frequency')
        >>> a.transpose("120").dims  # CASA: the axes of the result are 1 (y), 2 (frequency) and 0 (x)
        ('x', 'frequency', 'y')
        """
        from lattice.ops.transpose import axis_order, transpose

        given: Any = None if not order else order[0] if len(order) == 1 else order
        axes, reverse = axis_order(self._node.attrs, given)
        masks = self._cut_masks(lambda mask: transpose(mask, axes, reverse))
        return self._with(
            node=transpose(self._node, axes, reverse), masks=masks, regions={}, groups=self._groups
        )

    @property
    def T(self) -> Self:
        """The image with all axes turned round."""
        return self.transpose()

    def rebin(
        self, factors: Any = None, function: str = "mean", *, crop: bool = False, **by_name: int
    ) -> Self:
        """Return means, or another statistic, over bins of pixels.

        Parameters
        ----------
        factors : int, sequence or mapping, optional
            Pixels per bin: for all axes, for each axis (slowest first), or by dim; or as keywords.
        function : str, optional
            What becomes of the good pixels of a bin: as for `collapse`, but for what is counted by beams.
        crop : bool, optional
            Whether the last bin is dropped where an axis is no multiple; else it holds what is left.

        Returns
        -------
        Image
            Of the type of this one; its unit follows from the function, as in `collapse`.

        Raises
        ------
        LatticeRangeError
            For factors below 1 and dims that the image lacks; with `crop` for factors beyond the length.
        CoordinateMismatchError
            For a Stokes axis.

        Notes
        -----
        :mask: a bin is good where one of its pixels is.
        :unit: stays; of counts none, of variances squared, as in `collapse`.
        :beam: stays; dropped, with a warning, where planes of different beams are averaged.
        :coordinates: reference pixel p of k pixels to a bin becomes (p + 0.5) / k - 0.5, increments are k
            times as large.
        :flags: named masks are left behind.
        :variance: ``v.rebin(...)`` by the number of good pixels in each bin.

        Examples
        --------
        >>> import numpy as np
        >>> from lattice import Image
        >>> line = Image(np.array([1.0, 2, 6, 4, 9]))
        >>> line.rebin(2).values.tolist(), line.rebin(2, "max", crop=True).values.tolist()
        ([1.5, 5.0, 9.0], [2.0, 6.0])
        """
        from lattice.image.collapsing import binned
        from lattice.image.export import rebin_factors

        return self._derive(binned(self._node, rebin_factors(self, factors, by_name), function, crop))

    def regrid(
        self,
        template: Any,
        dims: Any = None,
        *,
        shape: Any = None,
        method: str = "linear",
        velocity: str | None = None,
        force: bool = False,
    ) -> Self:
        """Return the image on the pixel grid of another one; only what a block needs is read and computed.

        Parameters
        ----------
        template : Image, path, CoordinateSystem, astropy Header or WCS
            The grid; its frames and projection may be any. What is no image needs a `shape`, or NAXIS cards.
        dims : str, int or sequence of these, optional
            Axes of this image that change; the default is all that both have, but for Stokes. The two axes of
            the sky change together.
        shape : sequence of int, optional
            Shape of the grid, one number per axis of `template`, slowest first.
        method : {"linear", "nearest", "cubic", "lanczos", "adaptive", "exact"}, optional
            On the sky bilinear, nearest pixel, cubic convolution over 4 x 4 pixels, or Lanczos over 6 x 6;
            along other axes alike, but cubic is a natural spline. These do not average: rebin before
            making much larger pixels. The last two do, on the sky only, by the package reproject (``pip
            install 'lattice-images[reproject]'``): with a Gaussian kernel as wide as the larger one of new
            and old pixel, which smooths a little, or weighted by the areas in which these overlap.
        velocity : {"radio", "optical", "relativistic"}, optional
            Match the velocities of both spectral axes, each by its own rest frequency, and not frequencies.
        force : bool, optional
            Interpolate axes that agree already, too.

        Returns
        -------
        Image
            With the axes of this one in their order. Masked where this image has no pixel, or a bad one among
            those that a value is made of; by "exact" pixels across the edge are the mean of what is inside.
            Jy/pixel is scaled by the ratio of pixel areas, other units and the beam stay. Named masks and
            regions are left behind.

        Raises
        ------
        CoordinateError, CoordinateMismatchError
            When coordinates are missing or cannot be converted.
        LatticeRangeError
            When the images do not overlap, and for other axes that "adaptive" and "exact" would change.
        LatticeTypeError
            When these two are asked for, and values are not real.
        LatticeError
            When they are, and the package reproject is not installed.

        Notes
        -----
        :mask: bad where the image has no pixel, or a bad one among those that a value is made of.
        :unit: stays; Jy/pixel is scaled by the ratio of pixel areas.
        :beam: stays.
        :coordinates: the axes that change get those of the template; the others keep theirs.
        :flags: named masks are left behind.
        :variance: weights of the interpolation, squared; ``v.regrid(..., method="nearest")`` comes near.

        Examples
        --------
        >>> import numpy as np
        >>> from lattice import Image
        >>> cards = {
        ...     "CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRVAL1": 30.0, "CRVAL2": 10.0,
        ...     "CDELT1": -0.01, "CDELT2": 0.01, "CRPIX1": 3.0, "CRPIX2": 3.0,
        ... }
        >>> image = Image(np.arange(25.0).reshape(5, 5), wcs=cards)
        >>> shifted = image.regrid(cards | {"CRPIX1": 2.0}, shape=(5, 4))
        >>> shifted.values[0].tolist()
        [1.0, 2.0, 3.0, 4.0]
        """
        from lattice.image.operators import axes_of
        from lattice.ops.regrid import regrid

        coords, lengths = grid_of(template, shape)
        axes = None if dims is None else axes_of(self, dims)
        return self._derive(
            regrid(self._node, coords, lengths, axes=axes, method=method, velocity=velocity, force=force)
        )


def grid_of(template: Any, shape: Any) -> tuple[CoordinateSystem, tuple[int, ...]]:
    """Return coordinates and shape of what stands for a grid."""
    if isinstance(template, str | os.PathLike):
        from lattice.api import open as open_image

        template = open_image(template)
    if isinstance(template, ImageBase):
        if template.coords is None:
            raise CoordinateError("the template has no coordinates")
        coords, lengths = template.coords, template.shape
    else:
        if shape is None:
            shape = _naxis(template)
        lengths = _lengths(shape)
        found = coordinates_of(template, lengths)
        if found is None:
            raise LatticeTypeError("regrid needs a template: an image, a header or a WCS")
        coords = found
    if shape is not None:
        lengths = _lengths(shape)
    if len(lengths) != len(coords.axes) or min(lengths, default=0) < 1:
        raise ShapeMismatchError(f"a grid of {len(coords.axes)} axes does not have the shape {lengths}")
    return coords, lengths


def _lengths(shape: Any) -> tuple[int, ...]:
    return tuple(whole_number(n, "shape") for n in sequence(shape, "shape", "give a length for each axis"))


def _naxis(template: Any) -> tuple[int, ...]:
    """Return the shape that a header or WCS tells."""
    known = getattr(template, "array_shape", None)
    if known is not None:
        return tuple(known)
    get = getattr(template, "get", None)
    n = get("NAXIS") if get is not None else None
    if get is not None and isinstance(n, int):
        lengths = [get(f"NAXIS{i}") for i in range(n, 0, -1)]
        if all(isinstance(length, int) for length in lengths):
            return tuple(lengths)
    raise LatticeTypeError(
        "the template does not tell how many pixels it has", hint="give shape=, slowest axis first"
    )
