"""Images of another shape: axes in another order, pixels put together."""

from __future__ import annotations

import math
import os
from typing import Any, Self

from lattice.coords.system import CoordinateSystem
from lattice.errors import (
    CoordinateError,
    ImageNotFoundError,
    LatticeTypeError,
    ShapeMismatchError,
    suggest,
)
from lattice.image.arguments import sequence, whole_number
from lattice.image.base import ImageBase
from lattice.image.faces import AXES, FACTORS, GRID, ORDER, TRUTH, WORD, spoken
from lattice.image.make import coordinates_of
from lattice.image.masks import ImageMasks

__all__ = ["ImageShape", "grid_of"]


class ImageShape(ImageMasks):
    """What changes the shape of an image, other than cutting it."""

    __slots__ = ()

    @spoken("shape", "transpose(f1, [1, 0, 2])", order=ORDER)
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

    @spoken("shape", "rebin(f1, [2, 2, 1], 'max')", required=2, factors=FACTORS, function=WORD, crop=TRUTH)
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

    @spoken(
        "grids",
        "regrid(cube, turned)",
        required=1,
        template=GRID,
        dims=AXES,
        method=WORD,
        velocity=WORD,
        force=TRUTH,
    )
    def regrid(
        self,
        template: Any = None,
        dims: Any = None,
        *,
        shape: Any = None,
        method: str = "linear",
        velocity: str | None = None,
        force: bool = False,
        frame: str | None = None,
    ) -> Self:
        """Return the image on the pixel grid of another one, or in another frame; all is done block by block.

        Parameters
        ----------
        template : Image, path, CoordinateSystem, astropy Header or WCS
            The grid; its frames and projection may be any. What is no image needs a `shape`, or NAXIS cards.
            Or the name of a frame, see below.
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
        frame : str, optional
            In place of a template. A frame of the sky (ICRS, J2000, B1950, GALACTIC, SUPERGAL, ECLIPTIC):
            north is up there, the middle pixel ``n // 2`` stays where it is, pixels keep their size, and the
            grid reaches as far as the image. A spectral frame (LSRK, LSRD, BARY, TOPO, GEO, HELIO, GALACTO,
            LGROUP, CMB): as many channels, as wide, the middle one at the same place. Or radio, optical,
            relativistic, frequency or wavelength: the channels are labelled by it and of equal width in it,
            that of the middle one. Channels beyond the image are masked, but for the first twentieth of one.

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
        :beam: stays; its angle is turned with the north of another frame of the sky.
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

        In Galactic coordinates, turned so that their north is up:

        >>> image.regrid("GALACTIC").coords.to_cards()[0][1]
        'GLON-TAN'
        """
        from lattice.image.operators import axes_of
        from lattice.ops.named_grids import sort_of
        from lattice.ops.regrid import regrid

        if frame is not None or _is_name(template):
            if any(value is not None for value in (dims, shape, velocity, frame and template)):
                raise LatticeTypeError(
                    "a frame tells the whole grid: it goes without template, dims, shape and velocity"
                )
            sort, name = sort_of(template if frame is None else frame)
            if frame is not None:
                return self.regrid(name, method=method, force=force)
            return self._in_frame(sort, name, method, force)
        if template is None:
            raise LatticeTypeError(
                "regrid needs a template: an image, a header or a WCS",
                hint="or the name of a frame: image.regrid('GALACTIC')",
            )
        coords, lengths = grid_of(template, shape)
        axes = None if dims is None else axes_of(self, dims)
        return self._derive(
            regrid(self._node, coords, lengths, axes=axes, method=method, velocity=velocity, force=force)
        )

    def _in_frame(self, sort: str, name: str, method: str, force: bool) -> Self:
        """Return the image on the grid that the name of a frame, or of a spectral variable, stands for."""
        from lattice.ops.named_grids import MARGIN, regular_grid, sky_grid, spectral_grid
        from lattice.ops.regrid import regrid

        image: Any = self
        if sort == "sky":
            grid = sky_grid(self.coords, self.shape, name)
            if grid is None:
                return self
            axes = [a for a, kind in enumerate(image.coords.kinds) if kind in ("longitude", "latitude")]
            # pixels may coincide where frames differ
            node = regrid(self._node, grid.coords, grid.shape, axes=axes, method=method, force=True)
            made = self._derive(node)
            beams = [(a, b, math.remainder(pa + grid.turn, 180)) for a, b, pa in self.beams]
            return made.with_beam(beams) if beams else made
        if sort == "variable":
            if self.coords is None:
                raise CoordinateError("the image has no coordinates")
            image = image.with_velocity(name)
            target = regular_grid(image.coords, image.shape)
        else:
            target = spectral_grid(self.coords, self.shape, name)
        axis = [image.coords.axis_of("spectral")]
        node = regrid(image._node, target, image.shape, axes=axis, method=method, force=force, margin=MARGIN)
        regular: Self = image._derive(node)
        return regular


def _is_name(template: Any) -> bool:
    from lattice.ops.named_grids import NAMES

    return isinstance(template, str) and (template.upper() in NAMES or template.lower() in NAMES)


def grid_of(template: Any, shape: Any) -> tuple[CoordinateSystem, tuple[int, ...]]:
    """Return coordinates and shape of what stands for a grid."""
    if isinstance(template, str | os.PathLike):
        from lattice.api import open as open_image
        from lattice.ops.named_grids import NAMES

        try:
            template = open_image(template)
        except ImageNotFoundError as error:
            error.hint = suggest(str(template).upper(), NAMES) or error.hint
            raise
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
    if n is None and get is not None:  # a mapping may leave it out
        n = next(i for i in range(1, 100) if get(f"NAXIS{i}") is None) - 1 or None
    if get is not None and isinstance(n, int):
        lengths = [get(f"NAXIS{i}") for i in range(n, 0, -1)]
        if all(isinstance(length, int) for length in lengths):
            return tuple(lengths)
    raise LatticeTypeError(
        "the template does not tell how many pixels it has", hint="give shape=, slowest axis first"
    )
