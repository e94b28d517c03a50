"""Smoothed images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np

from lattice.errors import LatticeRangeError, LatticeTypeError
from lattice.functions.registry import lookup
from lattice.graph.build import call
from lattice.graph.node import Extend, Literal
from lattice.image.arguments import angle, axis_of, real_number
from lattice.image.base import ImageBase
from lattice.image.faces import ANGLE, AXES, KERNEL, MAPPING, NUMBER, WORD, spoken
from lattice.image.make import beams_of

__all__ = ["ImageSmooth"]


class ImageSmooth(ImageBase):
    """The ways to smooth an image."""

    __slots__ = ()

    @spoken(
        "smoothing",
        "smooth(cube, '3pix', '2pix', '30deg', 'default', 'zero', ['frequency', 'x'])",
        required=1,
        major=ANGLE,
        minor=ANGLE,
        pa=ANGLE,
        scale=NUMBER,
        bad=WORD,
        dims=AXES,
    )
    def smooth(
        self,
        major: Any,
        minor: Any = None,
        pa: Any = 0.0,
        *,
        scale: float | None = None,
        bad: str = "zero",
        dims: Any = None,
    ) -> Self:
        """Return the image convolved with an elliptical Gaussian on the sky, or along any two axes.

        Parameters
        ----------
        major, minor : Quantity, str or float
            Full widths at half maximum; texts such as "5arcsec", plain numbers in degrees, or pixels ("3pix")
            where they are square. A beam, or a sequence of beams with one per plane, may stand for all three.
        pa : Quantity, str or float, optional
            Position angle of the major axis, from north through east; in another plane than the sky, of the
            two axes from that which is the faster one in memory towards the slower one, both in the direction
            of rising pixels.
        scale : float, optional
            Factor of a kernel with peak 1. Without it brightness is kept: Jy/beam is scaled to the new beam,
            Jy/pixel becomes Jy/beam of the kernel, other units are averaged.
        bad : {"zero", "leave"}, optional
            Bad pixels, and those beyond the edge, count as zero; or are left out, and the weights of the
            others scaled up.
        dims : pair of str or int, optional
            Two axes; the default is the sky. For others plain numbers are pixels, and widths have a unit
            only if it is one of both axes, as that of the velocity and offset in km/s and arcsec is not. All
            values are averaged then; unit and beam stay.

        Returns
        -------
        Image
            Its beam is that of the image convolved with the kernel. Bad pixels stay bad; with bad="leave"
            those within reach of good ones become good.

        Raises
        ------
        UnitMismatchError
            For widths in a unit that does not belong to both axes.
        CoordinateError
            For widths in a unit along axes without coordinates.
        LatticeRangeError
            For widths that are none.

        Notes
        -----
        :mask: bad pixels stay bad; with ``bad="leave"`` those within reach of good ones become good.
        :unit: Jy/beam stays and is scaled to the new beam, Jy/pixel becomes Jy/beam, others stay; along other
            axes than the sky all stay.
        :beam: is convolved with the kernel, that of each plane; of Jy/pixel it is the kernel; along other
            axes it stays.
        :coordinates: stay.
        :flags: named masks are left behind.
        :variance: ``v`` convolved with the kernel squared; pixels are correlated afterwards.

        Examples
        --------
        >>> import numpy as np
        >>> from lattice import Image
        >>> cards = {
        ...     "CTYPE1": "RA---SIN", "CTYPE2": "DEC--SIN", "CRVAL1": 0.0, "CRVAL2": 0.0, "CDELT1": -1 / 3600,
        ...     "CDELT2": 1 / 3600, "CRPIX1": 20.0, "CRPIX2": 20.0,
        ... }
        >>> point = np.zeros((39, 39))
        >>> point[19, 19] = 1
        >>> image = Image(point, wcs=cards, unit="Jy/beam", beam=(3 / 3600, 3 / 3600, 0))
        >>> smooth = image.smooth("4arcsec")
        >>> str(smooth.beam), round(float(smooth.max()), 3)
        ('5 x 5 arcsec, 0 deg', 0.153)

        Along position and velocity:

        >>> slice = Image(np.eye(9), dims=("velocity", "offset"))
        >>> float(slice.smooth("3pix", "2pix", "45deg", dims=("velocity", "offset")).values[4, 4].round(3))
        0.332
        """
        from lattice.image.lines import width
        from lattice.image.operators import axes_of
        from lattice.ops.plane_gaussian import PIXEL, plane_gaussian, square_pixel
        from lattice.ops.smooth import sky_gaussian

        factor = None if scale is None else real_number(scale, "scale")
        axes = None if dims is None else axes_of(self, dims)
        if axes is not None and len(axes) != 2:
            raise LatticeRangeError(f"a Gaussian lies in the plane of two axes, not of {len(axes)}")
        sky = axes is None or _is_sky(self, axes)
        if not sky and axes is not None and not is_beam(major):
            sizes = [width(w, PIXEL) for w in (major, major if minor is None else minor)]
            return self._derive(plane_gaussian(self._node, axes, sizes, angle(pa), scale=factor, bad=bad))
        if not sky:
            raise LatticeTypeError("a beam lies on the sky", hint="give widths: '3pix', '2pix'")
        if not is_beam(major) and (in_pixels(major) or in_pixels(minor)):
            pixel = square_pixel(self._node.attrs)
            major, minor = (w if w is None else _on_sky(w, pixel) for w in (major, minor))
        return self._derive(sky_gaussian(self._node, _beams(major, minor, pa), scale=factor, bad=bad))

    @spoken(
        "smoothing",
        "smooth_to(cube, '4arcsec', '3arcsec', '20deg')",
        major=ANGLE,
        minor=ANGLE,
        pa=ANGLE,
        bad=WORD,
    )
    def smooth_to(
        self, major: Any = "common", minor: Any = None, pa: Any = 0.0, *, bad: str = "zero"
    ) -> Self:
        """Return the image smoothed to a beam.

        Parameters
        ----------
        major, minor, pa : Quantity, str or float
            The beam wanted, as for `smooth`; or "common": the smallest to which all planes can be smoothed.
        bad : {"zero", "leave"}, optional
            See `smooth`.

        Returns
        -------
        Image
            With exactly that beam.

        Raises
        ------
        LatticeRangeError
            When a plane has a beam that is wider in some direction.
        UnitMismatchError
            When the image has no beam.

        Notes
        -----
        :mask: as for `smooth`.
        :unit: stays; Jy/beam is scaled to the new beam.
        :beam: exactly the one asked for, in all planes.
        :coordinates: stay.
        :flags: named masks are left behind.
        :variance: ``v`` convolved with the kernel squared, plane by plane.
        """
        from lattice.ops.smooth import sky_gaussian

        if isinstance(major, str) and major == "common":
            wanted: Sequence[tuple[float, float, float]] = [tuple(self.common_beam())]
        else:
            wanted = _beams(major, minor, pa)
        return self._derive(sky_gaussian(self._node, wanted, bad=bad, target=True))

    def common_beam(self) -> Any:
        """Return the smallest beam to which all planes of the image can be smoothed, as a `lattice.Beam`.

        Raises
        ------
        LatticeRangeError
            When the image has no beam.
        """
        from lattice.beams import Beam
        from lattice.coords.beam_algebra import common_beam

        if not self.beams:
            raise LatticeRangeError("the image has no beam", hint="say which: image.with_beam(...)")
        return Beam(*common_beam(self.beams))

    @spoken(
        "smoothing",
        "smooth_along(f1, 'x=2, y=boxcar 3')",
        required=1,
        widths=MAPPING,
        kernel=WORD,
        scale=NUMBER,
        bad=WORD,
    )
    def smooth_along(
        self,
        widths: Mapping[Any, Any] | None = None,
        kernel: str = "gaussian",
        *,
        scale: float | None = None,
        bad: str = "zero",
        **by_name: Any,
    ) -> Self:
        """Return the image smoothed along single axes, one after the other; mask, unit and beam stay.

        Parameters
        ----------
        widths : mapping of dim to float, optional
            Width in pixels for each axis, by name or number; or as keywords. A pair (kernel, width) has a
            kernel of its own.
        kernel : {"gaussian", "boxcar", "hanning"}, optional
            A Gaussian of that full width at half maximum, a mean of so many pixels, or 1/4, 1/2, 1/4 whatever
            the width. Weights sum to 1 unless there is a `scale`.
        scale : float, optional
            Factor of kernels with peak 1.
        bad : {"zero", "leave"}, optional
            See `smooth`.

        Notes
        -----
        :mask: bad pixels stay bad; with ``bad="leave"`` those within reach of good ones become good.
        :unit: stays.
        :beam: stays.
        :coordinates: stay.
        :flags: named masks are left behind.
        :variance: ``v`` smoothed with squared weights.

        Examples
        --------
        >>> import numpy as np
        >>> from lattice import Image
        >>> Image(np.array([0.0, 0, 3, 0, 0])).smooth_along({0: 3}, "boxcar").values.tolist()
        [0.0, 1.0, 1.0, 1.0, 0.0]
        """
        from lattice.ops.smooth import along

        if widths is not None and not isinstance(widths, Mapping):
            raise LatticeTypeError(
                f"widths={widths!r}: give the width of each axis",
                hint="as in frequency=3, or {'x': 2, 'y': 2}",
            )
        wanted = dict(widths or {}) | by_name
        if not wanted:
            raise LatticeTypeError("smooth_along needs the width for at least one axis", hint="frequency=3")
        node = self._node
        zeroed = bad == "zero" and len(wanted) > 1 and self.masked
        if zeroed:  # once: what an axis spreads onto bad pixels, the next axis spreads on
            nothing = Literal.of(0, self.dtype)
            node = call(
                lookup("iif", 3), call(lookup("mask", 1), node), call(lookup("value", 1), node), nothing
            )
        for dim, width in wanted.items():
            kind, size = width if isinstance(width, tuple) else (kernel, width)
            node = along(node, axis_of(self, dim), kind, real_number(size, "width"), scale=scale, bad=bad)
        if zeroed:
            node = call(lookup("[]", 2), node, call(lookup("mask", 1), self._node))
            own = self._node.attrs
            node = Extend(node, tuple(range(self.ndim)), own.with_(dtype=node.attrs.dtype))
        return self._derive(node)

    @spoken(
        "smoothing",
        "convolve(f1, [1, 2, 1], 'x')",
        required=1,
        kernel=KERNEL,
        dims=AXES,
        scale=NUMBER,
        bad=WORD,
        edge=WORD,
    )
    def convolve(
        self,
        kernel: Any,
        dims: Any = None,
        *,
        scale: float | None = None,
        bad: str = "zero",
        edge: str = "zero",
    ) -> Self:
        """Return the image convolved with an array.

        Parameters
        ----------
        kernel : array_like or Image
            Weights; the centre is pixel ``n // 2`` of each axis.
        dims : str, int or sequence of these, optional
            Axes of the image that the axes of the kernel stand for; the default is the last ones.
        scale : float, optional
            Factor of the weights; without it they are scaled to the sum 1.
        bad : {"zero", "leave"}, optional
            See `smooth`.
        edge : {"zero", "mirror"}, optional
            What lies beyond the image: zeros, or the image mirrored at its outermost pixels.

        Returns
        -------
        Image
            In the unit of the image, without a beam: what it is now nobody can tell. Set one with
            `with_beam`.

        Notes
        -----
        :mask: bad pixels stay bad; with ``bad="leave"`` those within reach of good ones become good.
        :unit: stays.
        :beam: is dropped, with a warning: set one with `with_beam`.
        :coordinates: stay.
        :flags: named masks are left behind.
        :variance: ``v.convolve(kernel**2, scale=1)`` for weights that sum to 1.
        """
        from lattice.ops.convolve import convolve

        given: Any = getattr(kernel, "values", None) if isinstance(kernel, ImageBase) else kernel
        weights = _weights(given)
        given_dims = range(self.ndim - weights.ndim, self.ndim) if dims is None else dims
        if isinstance(given_dims, str | int):
            given_dims = (given_dims,)
        axes = tuple(axis_of(self, dim) for dim in given_dims)
        if len(set(axes)) != weights.ndim:
            raise LatticeRangeError(
                f"a kernel of {weights.ndim} axes does not fit axes {list(axes)} of the image"
            )
        if scale is None:
            total = float(weights.sum())
            if total == 0 or not np.isfinite(total):
                raise LatticeRangeError(f"the weights sum to {total:g}: say scale= for what they are to be")
            weights = weights / total
        else:
            weights = weights * scale
        order = sorted(range(len(axes)), key=lambda i: axes[i])
        node = convolve(self._node, weights.transpose(order), sorted(axes), bad=bad, edge=edge)
        image: Any = self._derive(node)
        return image.with_beam(None) if self.beams else image


def _is_sky(image: Any, axes: Sequence[int]) -> bool:
    coords = image.coords
    kinds = () if coords is None or not coords.has_sky else coords.kinds
    return {kinds[a] for a in axes if kinds} == {"longitude", "latitude"}


def is_beam(given: Any) -> bool:
    """Tell whether a beam, or several, stand for widths and angle."""
    return hasattr(given, "major_deg") or hasattr(given, "major") or isinstance(given, list | tuple)


def in_pixels(given: Any) -> bool:
    """Tell whether a width is a text in pixels."""
    return isinstance(given, str) and given.strip().lower().endswith(("pix", "pixel", "pixels"))


def _on_sky(given: Any, pixel: float) -> Any:
    """Return a width in pixels in degrees; any other as it is."""
    from lattice.image.lines import width

    return width(given, "")[0] * pixel if in_pixels(given) else given


def _beams(major: Any, minor: Any, pa: Any) -> tuple[tuple[float, float, float], ...]:
    """Return beams from widths and an angle, from a beam, or from several."""
    if is_beam(major):
        if minor is not None:
            raise LatticeTypeError("a beam has its own minor axis")
        return beams_of(major)
    first = angle(major)
    second = first if minor is None else angle(minor)
    if not first >= second > 0:
        raise LatticeRangeError(
            f"a beam of {first:g} by {second:g} degrees: the larger axis comes first, both above 0"
        )
    return ((first, second, angle(pa)),)


def _weights(given: Any) -> np.ndarray:
    """Return the weights of a kernel."""
    try:
        weights = np.asarray(given)
    except ValueError:
        weights = np.asarray(None)
    if weights.dtype.kind not in "biuf":
        raise LatticeTypeError(
            "a kernel is an array of real weights", hint="such as numpy.ones((3, 3)), or an image"
        )
    return weights.astype(np.float64)
