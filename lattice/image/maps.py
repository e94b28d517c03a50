"""Maps of planes: turned, transformed, correlated, and of statistics around pixels."""

from __future__ import annotations

from typing import Any, Self

from lattice.errors import LatticeRangeError
from lattice.image.arguments import angle as degrees_of
from lattice.image.arguments import whole_number
from lattice.image.base import ImageBase
from lattice.image.faces import ANGLE, AXES, EITHER, TRUTH, WHOLE, WHOLES, WORD, spoken

__all__ = ["ImageMaps"]


class ImageMaps(ImageBase):
    """What works on planes, those of the sky for one."""

    __slots__ = ()

    @spoken("grids", "rotate(cube, '20deg')", required=1, angle=ANGLE, method=WORD)
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

        Notes
        -----
        :mask: bad where nothing is known, or a pixel that a value is made of is bad.
        :unit: stays.
        :beam: stays: angles count from north.
        :coordinates: turn with the content about the reference pixel.
        :flags: named masks are left behind.
        :variance: weights of the interpolation, squared.

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
        from lattice.ops.rotate import rotate

        return self._derive(rotate(self._node, degrees_of(angle), method=method))

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

    @spoken("analysis", "fft(cube, 'amplitude')", form=WORD, dims=AXES)
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

        Notes
        -----
        :mask: bad pixels count as zero and stay bad.
        :unit: Jy/beam and Jy/pixel become Jy, and back; phases are in rad.
        :beam: stays.
        :coordinates: the sky becomes ``uu`` and ``vv`` in wavelengths, frequency a time; 0 is pixel ``n //
            2``.
        :flags: named masks are left behind.
        :variance: ``v.sum()`` everywhere, half of it in each part.

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

    @spoken("analysis", "two_point(cube)", dims=AXES)
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

        Notes
        -----
        :mask: only pairs of good pixels count; bad where there is none.
        :unit: is squared.
        :beam: is dropped.
        :coordinates: axes become lags, 0 in the middle; the others stay.
        :flags: named masks are left behind.
        :variance: not to be had from variances alone.

        Examples
        --------
        >>> import numpy as np
        >>> from lattice import Image
        >>> Image(np.array([[0.0, 1.0, 3.0]])).two_point().values.round(9).tolist()
        [[9.0, 2.5, 0.0, 2.5, 9.0]]
        """
        from lattice.ops.correlation import two_point

        return self._derive(two_point(self._node, self._plane(dims)))

    @spoken(
        "analysis",
        "deviation(cube, 3, 'median')",
        required=1,
        size=EITHER,
        statistic=WORD,
        circle=TRUTH,
        grid=WHOLES,
        interpolation=WORD,
        clip=EITHER,
        most=WHOLE,
        dims=AXES,
    )
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

        Notes
        -----
        :mask: stays; bad as well where no pixel of a window counts.
        :unit: stays; squares have it squared, counts none.
        :beam: stays.
        :coordinates: stay.
        :flags: named masks are left behind.
        :variance: of a mean: ``v.deviation(size, "mean")`` by the pixels of a window.

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
            limit = (None if isinstance(clip, str) else float(clip), whole_number(most, "most"))
        return self._derive(
            deviation(self._node, axes, window, statistic, interpolation=interpolation, clip=limit)
        )
