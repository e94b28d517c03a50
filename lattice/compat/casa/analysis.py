"""Images made to measure what an image shows: collapses, primary beams, slices, continua."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from lattice.compat.casa.arguments import matched, served
from lattice.compat.casa.core import ImageCore, created
from lattice.compat.casa.errors import CasaError
from lattice.compat.casa.quantities import in_unit, is_nothing, quantity_of
from lattice.compat.casa.systems import System
from lattice.compat.casa.transforms import _given
from lattice.image import Image

__all__ = ["ImageAnalysis"]


class ImageAnalysis(ImageCore):
    """Collapses, primary beams, slices of position and velocity, continua."""

    @served(axes="any")
    def collapse(
        self, function: str = "", axes: Any = (), outfile: str = "", region: Any = "", box: str = "",
        chans: str = "", stokes: str = "", mask: str = "", overwrite: bool = False, stretch: bool = False,
    ) -> Any:  # fmt: skip
        """Return a statistic of the good pixels along axes, which stay with length 1.

        Parameters
        ----------
        function : str
            flux, madm, max, mean, median, min, npts, rms, stddev, sum, variance or xmadm, or the start of
            one of these.
        axes : list of int or str
            Axes, by number or by the start of their names.
        """
        call = ("collapse", _given(locals()))
        if is_nothing(axes) or [*np.atleast_1d(axes)] == [-1]:
            raise CasaError("say which axes are collapsed", hint="numbers from 0, x first, or names")

        def build(image: Image) -> Image:
            part = self._selected(image, region, mask, stretch, box=box, chans=chans, stokes=stokes)
            chosen = numbers_of(axes, self._system())
            over = [*self._axes(chosen, part.ndim)]
            return part.collapse(function.lower(), over, keepdims=True, units="casa")

        return self._made(build, outfile, overwrite, call)

    @served(pbimage="any")
    def pbcor(
        self, pbimage: Any = "", outfile: str = "", overwrite: bool = False, box: str = "", region: Any = "",
        chans: str = "", stokes: str = "", mask: str = "", mode: str = "divide", cutoff: float = -1.0,
        stretch: bool = False,
    ) -> Any:  # fmt: skip
        """Return the image divided (or multiplied) by a primary beam: an image, or an array, x first."""
        from lattice.compat.casa.attaching import open_image

        call = ("pbcor", _given(locals()) | {"pbimage": pbimage if isinstance(pbimage, str) else np.zeros(1)})
        how = matched(mode, ("divide", "multiply"), "mode")
        beam = open_image(pbimage).image() if isinstance(pbimage, str) else np.asarray(pbimage).T
        limit = cutoff if cutoff >= 0 else None

        def build(image: Image) -> Image:
            pb = beam.astype(image.dtype) if isinstance(beam, np.ndarray) else beam
            made = image.pbcor(pb, how, limit)
            return self._selected(made, region, mask, stretch, box=box, chans=chans, stokes=stokes)

        return self._made(build, outfile, overwrite, call)

    @served(start="any", end="any", center="any", length="any", pa="any", width="any")
    def pv(
        self, outfile: str = "", start: Any = (), end: Any = (), center: Any = (), length: Any = (),
        pa: Any = (), width: Any = 1, unit: str = "arcsec", overwrite: bool = False, region: Any = "",
        chans: str = "", stokes: str = "", mask: str = "", stretch: bool = False, wantreturn: bool = True,
    ) -> Any:  # fmt: skip
        """Return the values along a line on the sky: offset first, then the other axes.

        Parameters
        ----------
        start, end : list of float or str
            Ends of the line: pixels, or places such as "12h0m0s 30deg".
        center, length, pa : optional
            In their place: the middle, the length in pixels or as an angle, and the position angle.
        width : int or str, optional
            Width over which the mean is taken, an odd number of pixels, or an angle.
        unit : str, optional
            Of the offsets.
        """
        call = ("pv", _given(locals()))
        ends = not is_nothing(start) or not is_nothing(end)
        if ends == (not is_nothing(center)):
            raise CasaError("give start and end, or center, length and pa")

        def build(image: Image) -> Image:
            part = self._selected(image, region, mask, stretch, chans=chans, stokes=stokes)
            wide = width if isinstance(width, int | str) else "".join(str(v) for v in quantity_of(width))
            if ends:
                return part.pv([_place(start), _place(end)], wide, unit=unit)
            size = length if isinstance(length, int | float) else _length(length)
            angle = in_unit(pa, "deg", "deg")
            return part.pv(None, wide, center=_place(center), length=size, pa=angle, unit=unit)

        return self._made(build, outfile, overwrite, call, wantreturn)

    @served(outline="text", outcont="text", channels="wholes", fitorder="whole")
    def continuumsub(
        self, outline: str = "", outcont: str = "continuumsub.im", region: Any = "", channels: Any = (-1,),
        pol: str = "", fitorder: int = 0, overwrite: bool = False,
    ) -> Any:  # fmt: skip
        """Return the image without its continuum, a polynomial for each spectrum, which is written."""
        call = ("continuumsub", _given(locals()))
        numbers = None if [*channels] in ([], [-1]) else channels

        def parts(image: Image) -> Any:
            part = self._selected(image, region, stokes=pol)
            return part.contsub(numbers, fitorder)

        if outcont:
            created(outcont, parts(self._image()).continuum, overwrite)
        return self._made(lambda image: parts(image).line, outline, overwrite, call)

    @served(real="text", imag="text", amp="text", phase="text", complex="text")
    def fft(
        self, real: str = "", imag: str = "", amp: str = "", phase: str = "", axes: Any = (-1,),
        region: Any = "", mask: str = "", stretch: bool = False, complex: str = "",
    ) -> bool:  # fmt: skip
        """Write parts of the Fourier transform of the image, along the sky by default, to the files named."""
        names = {"real": real, "imag": imag, "amplitude": amp, "phase": phase, "complex": complex}
        if not any(names.values()):
            raise CasaError("name a file for a part: real, imag, amp, phase or complex")
        part = self._selected(self._image(), region, mask, stretch)
        chosen = [part.ndim - 1 - a for a in axes if a >= 0] or None
        for form, name in names.items():
            if name:
                created(name, part.fft(chosen, form), False)
        return True

    @served(method="text")
    def twopointcorrelation(
        self, outfile: str = "", region: Any = "", mask: str = "", axes: Any = (-1,),
        method: str = "structurefunction", overwrite: bool = False, stretch: bool = False,
    ) -> bool:  # fmt: skip
        """Write the mean squared difference of pixels by their distance along two axes."""
        matched(method, ("structurefunction",), "method")
        if not outfile:
            raise CasaError("give an outfile")
        part = self._selected(self._image(), region, mask, stretch)
        chosen = [part.ndim - 1 - a for a in axes if a >= 0] or None
        created(outfile, part.two_point(chosen), overwrite)
        return True

    @served(grid="wholes", interp="text", stattype="text", statalg="text")
    def deviation(
        self, outfile: str = "", region: Any = "", mask: str = "", overwrite: bool = False,
        stretch: bool = False, grid: Any = (1, 1), anchor: Any = "ref", xlength: Any = "1pix",
        ylength: Any = "1pix", interp: str = "cubic", stattype: str = "sigma", statalg: str = "classic",
        zscore: float = -1.0, maxiter: int = -1,
    ) -> Any:  # fmt: skip
        """Return a statistic of the pixels in a box, without ylength a circle, around points of a grid."""
        call = ("deviation", _given(locals()))
        how = matched(interp, ("cubic", "linear", "nearest"), "interp")
        clip: Any = None
        if matched(statalg, ("classic", "chauvenet"), "statalg") == "chauvenet":
            clip = zscore if zscore >= 0 else "chauvenet"
        circle = is_nothing(ylength)
        size: Any = _length(xlength) if circle else (_length(xlength), _length(ylength))
        place = None if isinstance(anchor, str) else tuple(int(a) for a in anchor)

        def build(image: Image) -> Image:
            part = self._selected(image, region, mask, stretch)
            return part.deviation(
                size, stattype, circle=circle, grid=(grid[0], grid[-1]), anchor=place, interpolation=how,
                clip=clip, most=maxiter,
            )  # fmt: skip

        return self._made(build, outfile, overwrite, call)


def numbers_of(axes: Any, system: System) -> list[int]:
    """Return the numbers of axes that are given by numbers or by the starts of their names."""
    given: Sequence[Any] = [axes] if isinstance(axes, str | int | np.integer) else [*axes]
    return [system.axes[system.axis_by_name(a)].pixel if isinstance(a, str) else int(a) for a in given]


def _place(value: Any) -> Any:
    """Return a pair of pixels, or of texts."""
    if isinstance(value, str):
        value = value.split()
    items = [*value]
    if len(items) == 1 and isinstance(items[0], str):
        items = items[0].split()
    if len(items) == 3:
        raise CasaError("a frame is not taken with a place: give it in that of the image")
    if len(items) != 2:
        raise CasaError(f"{value!r} is no place: give two numbers, or two texts")
    if all(isinstance(v, str) for v in items):
        try:
            return tuple(float(v) for v in items)
        except ValueError:
            return tuple(items)
    return tuple(float(v) for v in items)


def _length(value: Any) -> Any:
    number, unit = quantity_of(value, "pix")
    return float(number) if unit in ("", "pix") else f"{number!r}{unit}"
