"""Images from analysis: continua, primary beams, slices of position and velocity."""

from __future__ import annotations

from typing import Any, NamedTuple, Self

import numpy as np

from lattice.errors import LatticeRangeError, LatticeTypeError
from lattice.image.arguments import axis_of, real_number, sequence, whole_number
from lattice.image.base import ImageBase
from lattice.image.channels import channel_numbers
from lattice.image.faces import AXES, AXIS, EITHER, IMAGE, NUMBER, POINTS, TRUTH, WHOLE, WORD, spoken
from lattice.image.maps import ImageMaps

__all__ = ["Continua", "ImageAnalysis"]


class Continua(NamedTuple):
    """An image without its continuum, and the continuum.

    Attributes
    ----------
    line, continuum : Image
        Saved or computed together, they take one pass over the image.
    """

    line: Any
    continuum: Any


class ImageAnalysis(ImageMaps):
    """What is made of an image to measure what it shows."""

    __slots__ = ()

    @spoken(
        "analysis",
        "NAME(f1, '0~1')",
        "contsub: Spectra without their continuum, a polynomial fitted to channels without lines.",
        "continuum: The continuum of spectra: a polynomial fitted to channels without lines.",
        channels=EITHER,
        order=WHOLE,
        dim=AXIS,
    )
    def contsub(self, channels: Any = None, order: int = 0, *, dim: str | int | None = None) -> Continua:
        """Return the image without its continuum, and the continuum: a polynomial for each spectrum.

        Parameters
        ----------
        channels : str, sequence of int, slice or array of bool, optional
            Channels without lines, to which the polynomial is fitted by least squares. A text as CASA has it:
            "0~20;80~99", "<20", or a range of frequencies. The default is all.
        order : int, optional
            Of the polynomial.
        dim : str or int, optional
            Axis along which spectra lie; the default is the spectral one.

        Returns
        -------
        line, continuum : Image
            A named tuple; save both by `lattice.save` to read the image once. Both have mask, unit, beams and
            coordinates of this one. Bad pixels are left out of the fit; where too few are good for the order,
            it is as low as they tell, and the continuum is 0 where none is.

        Notes
        -----
        :mask: stays, of the line and of the continuum; bad pixels are left out of the fit.
        :unit: stays.
        :beam: stays.
        :coordinates: stay.
        :flags: named masks are left behind.
        :variance: of the line: ``v`` plus that of the fit, about ``v.mean(dim)`` times (order + 1) by the
            channels used.

        Examples
        --------
        >>> import numpy as np
        >>> from lattice import Image
        >>> spectrum = Image(np.array([1.0, 2, 7, 4, 5]), dims=("frequency",))
        >>> line, continuum = spectrum.contsub("0~1;3~4", order=1)
        >>> (line.values.round(6) + 0).tolist(), continuum.values.round(6).tolist()
        ([0.0, 0.0, 4.0, 0.0, 0.0], [1.0, 2.0, 3.0, 4.0, 5.0])
        """
        from lattice.ops.contsub import contsub

        axis = self._spectra_along(dim)
        numbers = channel_numbers(self, channels, axis)
        line, continuum = contsub(self._node, axis, numbers, whole_number(order, "order"))
        return Continua(self._derive(line), self._derive(continuum))

    def _spectra_along(self, dim: str | int | None) -> int:
        if dim is not None:
            return axis_of(self, dim)
        kinds = self.coords.kinds if self.coords is not None else ()
        if "spectral" in kinds:
            return kinds.index("spectral")
        for name in ("frequency", "velocity", "wavelength"):
            if name in self.dims:
                return self.dims.index(name)
        raise LatticeRangeError(
            "the image has no spectral axis", hint=f"say dim=: its axes are {', '.join(self.dims)}"
        )

    @spoken("analysis", "pbcor(f1, f2)", required=1, pb=IMAGE, mode=WORD, cutoff=NUMBER)
    def pbcor(self, pb: Any, mode: str = "divide", cutoff: float | None = None) -> Self:
        """Return the image corrected for the primary beam.

        Parameters
        ----------
        pb : Image, array or path
            Response of the antennas: of the shape of this image, or of its sky axes only.
        mode : {"divide", "multiply"}, optional
            What is done with it.
        cutoff : float, optional
            Pixels are bad where the response is below it; of a product, where it is above it.

        Returns
        -------
        Image
            Bad where this image is, where `pb` is, and by the cutoff. Unit, beams and coordinates stay.

        Notes
        -----
        :mask: bad where the image or the response is bad, or by the cutoff.
        :unit: stays.
        :beam: stays.
        :coordinates: stay.
        :flags: named masks are left behind.
        :variance: ``v.pbcor(pb**2, mode)``.

        Examples
        --------
        >>> import numpy as np
        >>> from lattice import Image
        >>> flat = Image(np.array([[1.0, 2.0, 1.0]])).pbcor(np.array([[0.1, 1.0, 0.5]]), cutoff=0.2)
        >>> flat.to_masked_array().tolist()
        [[None, 2.0, 2.0]]
        """
        from lattice.ops.pbcor import pbcor

        limit = None if cutoff is None else real_number(cutoff, "cutoff")
        return self._derive(pbcor(self._node, _other_node(self, pb), mode, limit))

    @spoken(
        "analysis",
        "pv(f1, [0, 1, 3, 2])",
        required=1,
        points=POINTS,
        width=EITHER,
        method=WORD,
        dims=AXES,
        samples=WHOLE,
    )
    def pv(
        self,
        points: Any = None,
        width: Any = 1,
        *,
        center: Any = None,
        length: Any = None,
        pa: Any = 0.0,
        frame: str | None = None,
        unit: str = "arcsec",
        method: str = "cubic",
        dims: Any = None,
        samples: int | None = None,
    ) -> Self:
        """Return the values along a line on the sky, for each channel: position and velocity.

        Parameters
        ----------
        points : SkyCoord or sequence of positions, optional
            The ends of the line, and corners between them if it bends: pairs (x, y) of numbers, which are
            pixels; SkyCoords; or pairs of texts such as ("10h5m3s", "41.2deg").
        width : int, str or Quantity, optional
            Width over which the mean is taken, in pixels, an odd number; or an angle, which is rounded up to
            the next odd number of pixels.
        center, length, pa : optional
            In place of points: the middle of a straight line, its length in pixels or as an angle, and its
            direction: an angle from north through east, in which the line begins.
        frame : str, optional
            Frame of positions that are texts; the default is the image's own.
        unit : str, optional
            Of the offsets along the line.
        method : {"cubic", "linear", "nearest", "lanczos"}, optional
            How values between pixels are found.
        dims : (str, str), optional
            Two dims, by name or number, in which the line lies in place of those of the sky. Points are pairs
            of pixels then, that along the faster dim first, and offsets are in pixels.
        samples : int, optional
            How many samples there are, evenly from end to end; the default is one for each pixel.

        Returns
        -------
        Image
            The axes that the line is not in, then ``offset``: samples one pixel apart, exactly on the line
            and centred on its middle, where the offset is 0. Masked outside of the image, and where a pixel
            that a value is made of is bad; of several rows the mean of the good ones. Unit and beam stay.

        Notes
        -----
        :mask: bad outside of the image and where a pixel that a value is made of is; rows that are bad are
            left out of a mean.
        :unit: stays.
        :beam: stays where all planes have the same; else it is left out.
        :coordinates: the sky becomes ``offset``, an angle with 0 in the middle of the line; the others stay.
        :flags: named masks are left behind.
        :variance: along pixel rows ``v.pv(...)`` by `width`.

        Examples
        --------
        >>> import numpy as np
        >>> from lattice import Image
        >>> cube = Image(np.arange(24.0).reshape(2, 3, 4), dims=("frequency", "y", "x"))
        >>> cube.pv([(0, 1), (3, 1)]).values.tolist()
        [[4.0, 5.0, 6.0, 7.0], [16.0, 17.0, 18.0, 19.0]]
        """
        from lattice.image.lines import corners_of, pixels_wide, step_along
        from lattice.ops.pv import pv

        row, column, xs, ys = corners_of(self, points, center, length, pa, frame, dims)
        corners = list(zip(ys, xs, strict=True))
        step = step_along(self, xs, ys, unit) if dims is None else (1.0, "")
        count = None if samples is None else whole_number(samples, "samples")
        wide = pixels_wide(self, width)
        if row > column:
            corners = [(b, a) for a, b in corners]
        axes = (min(row, column), max(row, column))
        return self._derive(pv(self._node, axes, corners, wide, method=method, step=step, samples=count))

    @spoken("analysis", "poli(stokes)", kind=WORD, sigma=NUMBER)
    def poli(self, *others: Any, kind: str | None = None, sigma: float = 0.0) -> Self:
        """Return the polarised intensity, of an image with several Stokes parameters or of several images.

        Parameters
        ----------
        *others : Image or path
            Images with the other Stokes parameters, in any order: their coordinates tell which.
        kind : {"linear", "total"}, optional
            sqrt(Q^2 + U^2), or with V^2 too; the default is total if there is V.
        sigma : float, optional
            Noise of Q, U and V: sqrt(P^2 - sigma^2) is returned, masked where that has no root.

        Returns
        -------
        Image
            With a Stokes axis of length 1, Plinear or Ptotal; unit, beams and other coordinates are those of
            Q. Masked where a parameter is.

        Notes
        -----
        :mask: bad where a parameter is, and where no root is left.
        :unit: stays: that of Q.
        :beam: stays: that of Q.
        :coordinates: the Stokes axis has length 1 and says Plinear or Ptotal.
        :flags: named masks are left behind.
        :variance: that of Q and U, where P is well above it.

        Examples
        --------
        >>> import numpy as np
        >>> from lattice import Image
        >>> cards = {"CTYPE2": "STOKES", "CRVAL2": 1.0, "CRPIX2": 1.0, "CDELT2": 1.0}
        >>> image = Image(np.array([[9.0, 9.0], [3.0, 0.0], [4.0, 1.0]]), wcs=cards)
        >>> image.poli().values.tolist()
        [[5.0, 1.0]]
        """
        from lattice.ops.polarisation import poli

        return self._derive(
            poli([self._node, *(_other_node(self, o) for o in others)], kind, real_number(sigma, "sigma"))
        )

    @spoken("analysis", "pola(stokes)", threshold=NUMBER)
    def pola(self, *others: Any, threshold: float = 0.0) -> Self:
        """Return the angle of linear polarisation, 0.5 atan2(U, Q), in degrees.

        Parameters
        ----------
        *others : Image or path
            Images with the other Stokes parameters, in any order: their coordinates tell which.
        threshold : float, optional
            Masked where sqrt(Q^2 + U^2) is below it.

        Returns
        -------
        Image
            With a Stokes axis of length 1, Pangle.

        Notes
        -----
        :mask: bad where Q or U is, and below the threshold.
        :unit: deg.
        :beam: stays: that of Q.
        :coordinates: the Stokes axis has length 1 and says Pangle.
        :flags: named masks are left behind.
        :variance: that of Q and U by 4 P^2, times (180 / pi)^2.
        """
        from lattice.ops.polarisation import pola

        return self._derive(
            pola([self._node, *(_other_node(self, o) for o in others)], real_number(threshold, "threshold"))
        )

    def with_frame(self, frame: str) -> Self:
        """Return the same pixels with the spectral axis labelled in another rest frame; nothing is resampled.

        Parameters
        ----------
        frame : str
            LSRK, BARY, TOPO, ... or as in SPECSYS. The direction is the reference position of the sky.

        Returns
        -------
        Image
            With frequencies, or radio velocities, of that frame; masks, unit and beams stay.

        Notes
        -----
        :mask: stays.
        :unit: stays.
        :beam: stays.
        :coordinates: spectral values are those of the other frame; pixels stay where they are.
        :flags: named masks stay as they are.
        :variance: stays.
        """
        from lattice.coords.reframe import in_frame

        if self.coords is None:
            raise LatticeRangeError("the image has no coordinates")
        image: Any = self
        placed: Self = image._placed(in_frame(self.coords, frame))
        return placed

    @spoken(
        "masks",
        "regions_above(f1, 0.5)",
        required=1,
        low=NUMBER,
        high=NUMBER,
        dims=AXES,
        diagonal=TRUTH,
        least=WHOLE,
    )
    def regions_above(
        self,
        low: float,
        high: float | None = None,
        dims: Any = None,
        *,
        diagonal: bool = False,
        least: int = 1,
    ) -> Self:
        """Return where the image is part of a connected region above a threshold that reaches a higher one.

        Parameters
        ----------
        low, high : float
            Regions are made of good pixels of at least `low`, and kept if one of them is at least `high`;
            without `high` all are kept.
        dims : str, int or sequence of these, optional
            Axes along which pixels are neighbours; the default is the plane of the sky, each plane by itself.
            With the spectral axis, too, regions go through channels; a large cube is then read twice, slab by
            slab. Only a plane has to fit the memory limit, and what is known of each piece of a region.
        diagonal : bool, optional
            Whether pixels that touch at corners only are neighbours.
        least : int, optional
            Pixels of the smallest region that is kept.

        Returns
        -------
        Image
            Truth values: a mask for `with_mask` or `add_mask`, or a condition: ``image[regions]``.

        Notes
        -----
        :mask: none: bad pixels are F.
        :unit: none: truth values.
        :beam: none.
        :coordinates: stay.
        :flags: named masks are left behind.
        :variance: none: truth values.

        Examples
        --------
        >>> import numpy as np
        >>> from lattice import Image
        >>> line = Image(np.array([[2.0, 5.0, 2.0, 0.0, 2.0, 2.0]]))
        >>> line.regions_above(2, 4).values.astype(int).tolist()
        [[1, 1, 1, 0, 0, 0]]
        """
        from lattice.image.operators import axes_of
        from lattice.ops.grow import regions_above

        axes = self._plane(None) if dims is None else axes_of(self, dims)
        bottom = real_number(low, "low")
        top = bottom if high is None else real_number(high, "high")
        return self._derive(
            regions_above(
                self._node,
                bottom,
                top,
                axes,
                diagonal=diagonal,
                least=whole_number(least, "least"),
            )
        )

    @classmethod
    def mosaic(
        cls,
        images: Any,
        template: Any = None,
        *,
        weights: Any = None,
        shape: Any = None,
        method: str = "linear",
    ) -> Self:
        """Return the weighted mean of images on one grid: a mosaic, or a co-add.

        Parameters
        ----------
        images : sequence of Image or path
            With the same axes in the same order; any number. Each is regridded block by block where it is
            needed, so that memory does not grow with their number.
        template : Image, path, CoordinateSystem, astropy Header or WCS, optional
            The grid; the default is that of the first image, made larger on the sky to hold all.
        weights : sequence of float, Image or path, optional
            One for each image: a number, or an image on its grid.
        shape : sequence of int, optional
            Shape of the grid, if the template does not tell.
        method : {"linear", "nearest", "cubic", "lanczos"}, optional
            Interpolation.

        Returns
        -------
        Image
            Masked where no image has a good pixel. Unit and header are those of the first image; the beam
            too, if all have the same.

        Notes
        -----
        :mask: bad where no image has a good pixel.
        :unit: that of the first image.
        :beam: stays if all have the same, else it is left out.
        :coordinates: those of the template, else of the first image, made larger to hold all.
        :flags: named masks are left behind.
        :variance: a mosaic of ``w v`` with the weights of the images, by the sum of weights.

        Examples
        --------
        >>> import numpy as np
        >>> from lattice import Image
        >>> cards = {
        ...     "CTYPE1": "RA---SIN", "CTYPE2": "DEC--SIN", "CRVAL1": 0.0, "CRVAL2": 0.0, "CDELT1": -1e-3,
        ...     "CDELT2": 1e-3, "CRPIX1": 1.0, "CRPIX2": 1.0,
        ... }
        >>> left = Image(np.full((1, 3), 1.0), wcs=cards)
        >>> right = Image(np.full((1, 3), 2.0), wcs=cards | {"CRPIX1": -1.0})
        >>> Image.mosaic([left, right], weights=[1, 3]).values.tolist()
        [[1.0, 1.0, 1.75, 2.0, 2.0]]
        """
        import os

        from lattice.api import open as open_image
        from lattice.image.shape import grid_of
        from lattice.ops.coadd import coadd, covering_grid

        def opened(value: Any) -> Any:
            return open_image(value) if isinstance(value, str | os.PathLike) else value

        several = sequence(images, "images", "a mosaic is made of a list of images, or of their paths")
        parts = [opened(image) for image in several]
        if not parts or not all(isinstance(part, ImageBase) for part in parts):
            raise LatticeTypeError("a mosaic is made of images: give a list of them, or of their paths")
        nodes = [part._node for part in parts]
        grid, lengths = covering_grid(nodes) if template is None else grid_of(template, shape)
        own = None
        if weights is not None:
            own = [getattr(w, "_node", w) for w in map(opened, weights)]
        made: Self = parts[0]._derive(coadd(nodes, grid, lengths, own, method=method))
        return made


def _other_node(image: Any, other: Any) -> Any:
    """Return the node of another image, given as such, by its path, or as an array of the last axes."""
    import os

    if isinstance(other, str | os.PathLike):
        from lattice.api import open as open_image

        other = open_image(other)
    if isinstance(other, ImageBase):
        return other._node
    if np.ndim(other) == 0:
        raise LatticeTypeError(f"{other!r} is no image")
    kind: Any = type(image)
    array = np.asarray(other)
    if array.ndim > image.ndim:
        raise LatticeTypeError(f"an array of {array.ndim} axes does not go with an image of {image.ndim}")
    # the sky axes of a plane, else the last ones
    return kind(array, dims=image.dims[image.ndim - array.ndim :])._node
