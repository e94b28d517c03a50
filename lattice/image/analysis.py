"""Images from analysis: continua, primary beams, slices of position and velocity."""

from __future__ import annotations

from typing import Any, NamedTuple, Self

import numpy as np

from lattice.errors import LatticeRangeError, LatticeTypeError
from lattice.image.base import ImageBase
from lattice.image.channels import channel_numbers

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


class ImageAnalysis(ImageBase):
    """What is made of an image to measure what it shows."""

    __slots__ = ()

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
        line, continuum = contsub(self._node, axis, numbers, _whole(order, "order"))
        return Continua(self._derive(line), self._derive(continuum))

    def _spectra_along(self, dim: str | int | None) -> int:
        from lattice.image.operators import axes_of

        if dim is not None:
            return axes_of(self, dim)[0]
        kinds = self.coords.kinds if self.coords is not None else ()
        if "spectral" in kinds:
            return kinds.index("spectral")
        for name in ("frequency", "velocity", "wavelength"):
            if name in self.dims:
                return self.dims.index(name)
        raise LatticeRangeError(
            "the image has no spectral axis", hint=f"say dim=: its axes are {', '.join(self.dims)}"
        )

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

        Examples
        --------
        >>> import numpy as np
        >>> from lattice import Image
        >>> flat = Image(np.array([[1.0, 2.0, 1.0]])).pbcor(np.array([[0.1, 1.0, 0.5]]), cutoff=0.2)
        >>> flat.to_masked_array().tolist()
        [[None, 2.0, 2.0]]
        """
        from lattice.ops.pbcor import pbcor

        return self._derive(pbcor(self._node, _other_node(self, pb), mode, cutoff))

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

        Returns
        -------
        Image
            The axes that are not on the sky, then ``offset``: samples one pixel apart, exactly on the line
            and centred on its middle, where the offset is 0. Masked outside of the image, and where a pixel
            that a value is made of is bad; of several rows the mean of the good ones. Unit and beam stay.

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

        row, column, xs, ys = corners_of(self, points, center, length, pa, frame)
        corners = list(zip(ys, xs, strict=True))
        step = step_along(self, xs, ys, unit)
        wide = pixels_wide(self, width)
        if row > column:
            corners = [(b, a) for a, b in corners]
        axes = (min(row, column), max(row, column))
        return self._derive(pv(self._node, axes, corners, wide, method=method, step=step))

    def rotate(self, angle: Any, method: str = "cubic") -> Self:
        """Return the image turned about the reference pixel of its sky.

        Parameters
        ----------
        angle : Quantity, str or float
            Counterclockwise in the plane of pixels; numbers are degrees.
        method : {"cubic", "linear", "nearest", "lanczos"}, optional
            How values between pixels are found.

        Returns
        -------
        Image
            Of the same shape: corners are lost, and masked where nothing is known. Coordinates turn with the
            content; unit and beams stay.

        Examples
        --------
        >>> import numpy as np
        >>> from lattice import Image
        >>> cards = {
        ...     "CTYPE1": "RA---SIN", "CTYPE2": "DEC--SIN", "CRVAL1": 0.0, "CRVAL2": 0.0, "CDELT1": -1e-3,
        ...     "CDELT2": 1e-3, "CRPIX1": 2.0, "CRPIX2": 2.0,
        ... }
        >>> image = Image(np.array([[0.0, 0, 0], [0, 0, 1], [0, 0, 0]]), wcs=cards)
        >>> image.rotate(90).values.round(6).tolist()
        [[0.0, 0.0, 0.0], [0.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
        """
        from lattice.image.lines import angle as degrees
        from lattice.ops.rotate import rotate

        return self._derive(rotate(self._node, degrees(angle), method=method))

    def _plane(self, dims: Any) -> tuple[int, int]:
        """Return two axes: those given, those of the sky, or the last ones."""
        from lattice.image.operators import axes_of

        if dims is not None:
            axes = axes_of(self, dims)
            if len(axes) != 2:
                raise LatticeRangeError(f"a plane has two axes, not {len(axes)}")
            return axes[0], axes[1]
        kinds = self.coords.kinds if self.coords is not None else ()
        sky = [a for a, kind in enumerate(kinds) if kind in ("longitude", "latitude")]
        if len(sky) != 2:
            sky = [a for a, dim in enumerate(self.dims) if dim in ("x", "y")]
        if len(sky) != 2:
            raise LatticeRangeError("the image has no plane of the sky", hint="say dims=")
        return sky[0], sky[1]

    def fft(self, dims: Any = None, form: str = "complex") -> Self:
        """Return the discrete Fourier transform of the image, unscaled.

        Parameters
        ----------
        dims : str, int or sequence of these, optional
            Axes; the default is the plane of the sky.
        form : {"complex", "real", "imag", "amplitude", "phase"}, optional
            What is returned of it; phases are in radians.

        Returns
        -------
        Image
            With ``exp(-2 pi i ...)``; the centre of image and transform is pixel ``n // 2``. Bad pixels count
            as zero and stay bad. The sky becomes ``uu`` and ``vv`` in wavelengths, frequency a time. Jy/beam
            and Jy/pixel become Jy; a beam stays.

        Examples
        --------
        >>> import numpy as np
        >>> from lattice import Image
        >>> point = np.zeros((4, 4))
        >>> point[2, 3] = 1
        >>> Image(point).fft(form="phase").values[0].round(3).tolist()
        [3.142, 1.571, 0.0, -1.571]
        """
        from lattice.functions.registry import lookup
        from lattice.graph.build import call
        from lattice.image.operators import axes_of
        from lattice.ops.fourier import fft

        parts = {"real": "real", "imag": "imag", "amplitude": "abs", "phase": "arg"}
        if form != "complex" and form not in parts:
            raise LatticeRangeError(
                f"there is no form {form!r}", hint=f"there are complex, {', '.join(parts)}"
            )
        axes = self._plane(None) if dims is None else axes_of(self, dims)
        node = fft(self._node, axes)
        if form == "complex":
            return self._derive(node)
        made = self._derive(call(lookup(parts[form], 1), node))
        image: Any = made
        return image.with_unit("rad" if form == "phase" else node.attrs.unit)

    def two_point(self, dims: Any = None) -> Self:
        """Return the structure function: the mean squared difference of pixels, by their distance.

        Parameters
        ----------
        dims : pair of str or int, optional
            Two axes; the default is the plane of the sky.

        Returns
        -------
        Image
            Of 2 n - 1 lags along both axes, with no distance in the middle. Only pairs of good pixels count;
            masked where there are none. Its unit is that of the image squared.

        Examples
        --------
        >>> import numpy as np
        >>> from lattice import Image
        >>> Image(np.array([[0.0, 1.0, 3.0]])).two_point().values.round(9).tolist()
        [[9.0, 2.5, 0.0, 2.5, 9.0]]
        """
        from lattice.ops.fourier import two_point

        return self._derive(two_point(self._node, self._plane(dims)))

    def deviation(
        self,
        size: Any,
        statistic: str = "sigma",
        *,
        circle: bool = False,
        grid: int | tuple[int, int] = 1,
        anchor: Any = None,
        interpolation: str = "cubic",
        clip: float | str | None = None,
        most: int = -1,
        dims: Any = None,
    ) -> Self:
        """Return a statistic of the pixels around each one: a map of the noise, or of the background.

        Parameters
        ----------
        size : float, str, Quantity or pair of these
            Width and height of a box around the pixel, in pixels or as angles; one number is both. Pixels
            within half of it count: a box of 4 and one of 5 are 5 pixels wide.
        statistic : str, optional
            sigma, var, mean, median, rms, madm, xmadm, iqr, q1, q3, min, max, sum, sumsq or npts.
        circle : bool, optional
            Whether a circle of diameter `size` takes the place of the box.
        grid : int or (int, int), optional
            Compute it at every so many pixels along x and y only, and interpolate between.
        anchor : (int, int), optional
            Pixel (x, y) that the grid contains; the default is the reference pixel.
        interpolation : {"cubic", "linear", "nearest"}, optional
            Between the places of the grid.
        clip : float or "chauvenet", optional
            Leave out pixels further from the mean than so many standard deviations, or by Chauvenet's
            criterion, until none is.
        most : int, optional
            Rounds of clipping; no limit by default.
        dims : pair of str or int, optional
            The plane; the default is the sky.

        Returns
        -------
        Image
            Masked where this image is, and where no pixel counts. Coordinates, beams and (but for counts and
            squares) the unit stay.

        Examples
        --------
        >>> import numpy as np
        >>> from lattice import Image
        >>> Image(np.array([[1.0, 2.0, 6.0]])).deviation(3, "mean").values.tolist()
        [[1.5, 3.0, 4.0]]
        """
        from lattice.image.lines import window_of
        from lattice.ops.deviation import deviation

        axes = self._plane(dims)
        window = window_of(self, axes, size, circle, grid, anchor)
        limit: tuple[float | None, int] | None = None
        if clip is not None:
            if isinstance(clip, str) and clip.lower() != "chauvenet":
                raise LatticeRangeError(f"clip={clip!r}: a number of deviations, or 'chauvenet'")
            limit = (None if isinstance(clip, str) else float(clip), _whole(most, "most"))
        return self._derive(
            deviation(self._node, axes, window, statistic, interpolation=interpolation, clip=limit)
        )

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

        return self._derive(poli([self._node, *(_other_node(self, o) for o in others)], kind, float(sigma)))

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
        """
        from lattice.ops.polarisation import pola

        return self._derive(pola([self._node, *(_other_node(self, o) for o in others)], float(threshold)))

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
        """
        from lattice.coords.reframe import in_frame

        if self.coords is None:
            raise LatticeRangeError("the image has no coordinates")
        image: Any = self
        placed: Self = image._placed(in_frame(self.coords, frame))
        return placed

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
            With the spectral axis, too, regions go through channels. What is connected has to fit the memory
            limit; an error says so before anything is computed.
        diagonal : bool, optional
            Whether pixels that touch at corners only are neighbours.
        least : int, optional
            Pixels of the smallest region that is kept.

        Returns
        -------
        Image
            Truth values: a mask for `with_mask` or `add_mask`, or a condition: ``image[regions]``.

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
        top = low if high is None else high
        return self._derive(
            regions_above(
                self._node, float(low), float(top), axes, diagonal=diagonal, least=_whole(least, "least")
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

        parts = [opened(image) for image in images]
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


def _whole(value: Any, what: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise LatticeTypeError(f"{what}={value!r} is no whole number")
    return int(value)
