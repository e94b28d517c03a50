"""Images made of an image by the image tool: cut, turned, binned, smoothed, regridded, extended."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from lattice.api import expr
from lattice.compat.casa import beaming
from lattice.compat.casa.arguments import matched, served
from lattice.compat.casa.core import ImageCore, created, system_of
from lattice.compat.casa.errors import CasaError
from lattice.compat.casa.quantities import converted, in_unit, is_nothing, quantity_of
from lattice.compat.casa.records import coords_of
from lattice.compat.casa.systems import System
from lattice.image import Image

__all__ = ["ImageTransforms"]

Choose = Callable[[Image], Image]


def _given(arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in arguments.items() if k not in ("self", "__class__")}


class ImageTransforms(ImageCore):
    """Virtual images: lazy without an outfile, written at once with one."""

    @served(axes="wholes")
    def subimage(
        self, outfile: str = "", region: Any = "", mask: str = "", dropdeg: bool = False,
        overwrite: bool = False, list: bool = True, stretch: bool = False, wantreturn: bool = True,
        keepaxes: Any = (),
    ) -> Any:  # fmt: skip
        """Return the box around a region, masked outside of it.

        Parameters
        ----------
        outfile : str, optional
            CASA image to write; without it the result is lazy.
        region : dict or str, optional
            Record, CRTF text, file with it, or the name of a region of the image.
        mask : str, optional
            Expression that is True where pixels are good.
        dropdeg : bool, optional
            Whether axes of length 1 are dropped, but for `keepaxes`.
        overwrite, list, stretch, wantreturn, keepaxes : optional
            As everywhere.
        """
        call = ("subimage", _given(locals()))

        def build(image: Image) -> Image:
            return self._selected(image, region, mask, stretch, dropdeg, keepaxes=keepaxes)

        return self._made(build, outfile, overwrite, call, wantreturn)

    @served(order="any")
    def transpose(self, outfile: str = "", order: Any = ()) -> Any:
        """Return the image with its axes in another order.

        Parameters
        ----------
        outfile : str, optional
            CASA image to write.
        order : str, int or list of str
            Digits, or names of axes: the axis that comes first, second, ...; ``-`` in front reverses one.
        """
        call = ("transpose", _given(locals()))
        axes = _order(order, self._system())
        return self._made(lambda image: _transposed(image, axes), outfile, False, call)

    @served(bin="wholes")
    def rebin(
        self, outfile: str, bin: Any, region: Any = "", mask: str = "", dropdeg: bool = False,
        overwrite: bool = False, stretch: bool = False, crop: bool = False,
    ) -> Any:  # fmt: skip
        """Return means over bins of pixels; `crop` leaves out what fills no bin."""
        call = ("rebin", _given(locals()))

        def build(image: Image) -> Image:
            part = self._selected(image, region, mask, stretch, dropdeg)
            factors = [*bin, *[1] * (part.ndim - len(bin))][::-1]
            if len(factors) != part.ndim or min(factors) < 1:
                raise CasaError(f"{list(bin)} are no factors for {part.ndim} axes", hint="all are 1 or more")
            kinds = part.coords.kinds if part.coords is not None else ()
            if len(part.beams) > 1 and any(
                f > 1 and kind == "spectral" for f, kind in zip(factors, kinds, strict=False)
            ):
                raise CasaError("planes of different beams are not put together", hint="smooth them first")
            if crop:
                if any(f > n for f, n in zip(factors, part.shape, strict=True)):
                    raise CasaError(f"factors {list(bin)} are larger than the image")
                part = part[tuple(slice(0, n - n % f) for n, f in zip(part.shape, factors, strict=True))]
            return part.rebin(factors)

        return self._made(build, outfile, overwrite, call)

    # -- along one axis ---------------------------------------------------------------------------------

    def _axis(self, image: Image, axis: int) -> int:
        """Return numpy's number of an axis; below 0 it is the spectral one, else x."""
        if axis >= image.ndim:
            raise CasaError(f"there is no axis {axis} in an image of {image.ndim} axes")
        if axis >= 0:
            return image.ndim - 1 - axis
        kinds = image.coords.kinds if image.coords is not None else ()
        return kinds.index("spectral") if "spectral" in kinds else image.ndim - 1

    def _along(self, rule: Callable[[Image, int], Image], axis: int, choose: Choose, *rest: Any) -> Any:
        def build(image: Image) -> Image:
            part = choose(image)
            if len(part.beams) > 1:
                raise CasaError("planes of different beams are not put together", hint="smooth them first")
            return rule(part, self._axis(part, axis))

        return self._made(build, *rest)

    def _chosen(self, region: Any, mask: str, stretch: bool) -> Choose:
        return lambda image: self._selected(image, region, mask, stretch)

    @served()
    def boxcar(
        self, outfile: str = "", region: Any = "", mask: str = "", axis: int = -1, width: int = 2,
        drop: bool = True, dmethod: str = "copy", overwrite: bool = False, stretch: bool = False,
    ) -> Any:  # fmt: skip
        """Return running means of `width` pixels along an axis, thinned out if `drop` is set."""
        call = ("boxcar", _given(locals()))
        how = matched(dmethod, ("copy", "mean"), "dmethod") if drop else None
        choose = self._chosen(region, mask, stretch)
        return self._along(lambda x, a: x.boxcar(a, width, how), axis, choose, outfile, overwrite, call)

    @served()
    def hanning(
        self, outfile: str = "", region: Any = "", mask: str = "", axis: int = -10, drop: bool = True,
        overwrite: bool = False, stretch: bool = False, dmethod: str = "copy",
    ) -> Any:  # fmt: skip
        """Return the image smoothed by 1/4, 1/2, 1/4 along an axis, thinned out if `drop` is set."""
        call = ("hanning", _given(locals()))
        how = matched(dmethod, ("copy", "mean"), "dmethod") if drop else None
        choose = self._chosen(region, mask, stretch)
        return self._along(lambda x, a: x.hanning(a, how), axis, choose, outfile, overwrite, call)

    @served()
    def decimate(
        self, outfile: str = "", axis: int = 0, factor: int = 1, method: str = "copy", region: Any = "",
        mask: str = "", overwrite: bool = False, stretch: bool = False,
    ) -> Any:  # fmt: skip
        """Return every so many pixels along an axis, or the means of as many."""
        call = ("decimate", _given(locals()))
        how = matched(method, ("copy", "mean"), "method")
        choose = self._chosen(region, mask, stretch)
        return self._along(lambda x, a: x.decimate(a, factor, how), axis, choose, outfile, overwrite, call)

    # -- smoothing --------------------------------------------------------------------------------------

    @served(major="any", minor="any", pa="any", beam="record")
    def convolve2d(
        self, outfile: str = "", axes: Any = (0, 1), type: str = "gaussian", major: Any = "0deg",
        minor: Any = "0deg", pa: Any = "0deg", scale: float = -1.0, region: Any = "", mask: str = "",
        overwrite: bool = False, stretch: bool = False, targetres: bool = False, beam: Any = None,
    ) -> Any:  # fmt: skip
        """Return the image convolved with a Gaussian, or on the sky to a beam if `targetres` is set."""
        call = ("convolve2d", _given(locals()))
        matched(type, ("gaussian",), "kernel")

        def build(image: Image) -> Image:
            part = self._selected(image, region, mask, stretch)
            system = system_of(part)
            if sorted(axes) != sorted(system.pixel_axes("direction")):
                return _in_plane(part, axes, major, minor, pa, scale, targetres or bool(beam))
            kernel = _kernel(system, major, minor, pa, beam or {})
            if targetres:
                return part.smooth_to(*kernel)
            return part.smooth(*kernel, scale=scale if scale >= 0 else None)

        return self._made(build, outfile, overwrite, call)

    @served(widths="any")
    def sepconvolve(
        self, outfile: str = "", axes: Any = (-1,), types: Any = ("",), widths: Any = (), scale: float = -1.0,
        region: Any = "", mask: str = "", overwrite: bool = False, stretch: bool = False,
    ) -> Any:  # fmt: skip
        """Return the image smoothed along axes, each with a kernel (gauss, box or hann) and a width."""
        call = ("sepconvolve", _given(locals()))

        def build(image: Image) -> Image:
            part = self._selected(image, region, mask, stretch)
            wanted = kernels_along(part, axes, types, widths)
            return part.smooth_along(wanted, scale=scale if scale >= 0 else None)

        return self._made(build, outfile, overwrite, call)

    @served(kernel="any")
    def convolve(
        self, outfile: str = "", kernel: Any = (), scale: float = -1.0, region: Any = "", mask: str = "",
        overwrite: bool = False, stretch: bool = False,
    ) -> Any:  # fmt: skip
        """Return the image convolved with an array, x first, or with the image of a file; it has no beam."""
        from lattice.compat.casa.attaching import open_image

        call = ("convolve", _given(locals()) | {"kernel": np.zeros(1)})
        if isinstance(kernel, str):
            weights: np.ndarray = open_image(kernel).image().values
        else:
            weights = np.asarray(kernel, np.float64).T
        if weights.ndim == 0 or weights.size == 0:
            raise CasaError("kernel is an array, or the name of an image")

        def build(image: Image) -> Image:
            part = self._selected(image, region, mask, stretch)
            return part.convolve(weights, scale=scale if scale >= 0 else None)

        return self._made(build, outfile, overwrite, call)

    # -- other grids ------------------------------------------------------------------------------------

    @served(shape="wholes")
    def regrid(
        self, outfile: str = "", shape: Any = (-1,), csys: Any = None, axes: Any = (-1,), region: Any = "",
        mask: str = "", method: str = "linear", decimate: int = 10, replicate: bool = False,
        doref: bool = True, dropdeg: bool = False, overwrite: bool = False, force: bool = False,
        asvelocity: bool = False, stretch: bool = False,
    ) -> Any:  # fmt: skip
        """Return the image on the grid of other coordinates, of those axes that change.

        Positions are exact; `decimate` is not used.
        """
        call = ("regrid", _given(locals()))
        how = matched(method, ("nearest", "linear", "cubic"), "method")
        how = "nearest" if replicate else how
        if not doref:
            raise CasaError("reference frames are converted always: doref is True")

        def build(image: Image) -> Image:
            part = self._selected(image, region, mask, stretch, dropdeg)
            return regridded(part, csys or {}, shape, axes, how, force, asvelocity)

        return self._made(build, outfile, overwrite, call)

    @served(shape="wholes", pa="any", decimate="whole")
    def rotate(
        self, outfile: str = "", shape: Any = (-1,), pa: Any = (), region: Any = "", mask: str = "",
        method: str = "cubic", decimate: int = 0, replicate: bool = False, dropdeg: bool = False,
        overwrite: bool = False, stretch: bool = False,
    ) -> Any:  # fmt: skip
        """Return the image on a grid that is turned by an angle about its reference pixel."""
        call = ("rotate", _given(locals()))
        how = matched(method, ("nearest", "linear", "cubic"), "method")
        angle = in_unit(pa, "deg", "deg")

        def build(image: Image) -> Image:
            part = self._selected(image, region, mask, stretch, dropdeg)
            if [*shape] not in ([], [-1], [*part.shape[::-1]]):
                raise CasaError(
                    "the shape stays what it is: corners are lost", hint="pad() the image before it is turned"
                )
            return part.rotate(angle, "nearest" if replicate else how)

        return self._made(build, outfile, overwrite, call)

    # -- more or fewer pixels ---------------------------------------------------------------------------

    @served(value="real")
    def pad(
        self, outfile: str = "", npixels: int = 1, value: float = 0.0, padmask: bool = False,
        overwrite: bool = False, region: Any = "", box: str = "", chans: str = "", stokes: str = "",
        mask: str = "", stretch: bool = False, wantreturn: bool = True,
    ) -> Any:  # fmt: skip
        """Return the image with pixels put around it on both sky axes."""
        call = ("pad", _given(locals()))
        if npixels < 1:
            raise CasaError(f"npixels is 1 or more, not {npixels}")

        def build(image: Image) -> Image:
            part = self._selected(image, region, mask, stretch, box=box, chans=chans, stokes=stokes)
            return part.pad(npixels, value=value, good=padmask)

        return self._made(build, outfile, overwrite, call, wantreturn)

    @served()
    def crop(
        self, outfile: str = "", axes: Any = (), overwrite: bool = False, region: Any = "", box: str = "",
        chans: str = "", stokes: str = "", mask: str = "", stretch: bool = False, wantreturn: bool = True,
    ) -> Any:  # fmt: skip
        """Return the image without the planes at its ends that are wholly masked."""
        call = ("crop", _given(locals()))

        def build(image: Image) -> Image:
            part = self._selected(image, region, mask, stretch, box=box, chans=chans, stokes=stokes)
            return part.crop([part.ndim - 1 - a for a in axes] if axes else None)

        return self._made(build, outfile, overwrite, call, wantreturn)

    @served(stokes="text")
    def adddegaxes(
        self, outfile: str = "", direction: bool = False, spectral: bool = False, stokes: str = "",
        linear: bool = False, tabular: bool = False, overwrite: bool = False, silent: bool = False,
    ) -> Any:  # fmt: skip
        """Return the image with axes of length 1 behind its own."""
        from lattice.compat.casa.making import joined_record, new_record

        call = ("adddegaxes", _given(locals()))

        def build(image: Image) -> Image:
            system = system_of(image)
            kinds = {"direction": direction, "spectral": spectral, "stokes": stokes, "linear": linear}
            for kind, wanted in (kinds | {"tabular": tabular}).items():
                if wanted and system.number_of(kind) is not None:
                    raise CasaError(f"the image has a {kind} axis already")
            record = system.record
            for kind, wanted in kinds.items():
                if wanted:
                    more = new_record(
                        kind == "direction", kind == "spectral", stokes if kind == "stokes" else (),
                        int(kind == "linear"), False,
                    )  # fmt: skip
                    if kind == "linear":
                        more["linear0"]["axes"] = ["Axis1"]
                    record = joined_record(record, more)
            if tabular:
                record = joined_record(record, new_record(False, False, (), 0, True))
            return _extended(image, record)

        return self._made(build, outfile, overwrite, call)

    @served(imag="text")
    def makecomplex(self, outfile: str, imag: str, region: Any = "", overwrite: bool = False) -> bool:
        """Write an image whose real part is this one and whose imaginary part is that of a file."""
        from lattice.compat.casa.attaching import open_image

        real, other = self._image(), open_image(imag).image()
        if real.shape != other.shape:
            raise CasaError(f"the images have shapes {real.shape[::-1]} and {other.shape[::-1]}")
        if real.dtype != other.dtype or real.dtype.kind == "c":
            raise CasaError("both parts have the same real type")
        parts = [self._selected(one, region) for one in (real, other)]
        made = expr("complex($1, $2)", *parts)._with(history=real.history)
        created(outfile, made, overwrite)
        return True

    # -- files ------------------------------------------------------------------------------------------

    @served(history="flag")
    def tofits(
        self, outfile: str = "", velocity: bool = False, optical: bool = True, bitpix: int = -32,
        minpix: float = 1.0, maxpix: float = -1.0, region: Any = "", mask: str = "", overwrite: bool = False,
        dropdeg: bool = False, deglast: bool = False, dropstokes: bool = False, stokeslast: bool = True,
        wavelength: bool = False, airwavelength: bool = False, stretch: bool = False, history: bool = True,
    ) -> bool:  # fmt: skip
        """Write the image to a FITS file."""
        import os

        from lattice.compat.casacore.images.opening import _check_place

        if bitpix not in (-32, 16):
            raise CasaError(f"bitpix is -32 or 16, not {bitpix}")
        path = os.path.expanduser(outfile or f"{self.name(strippath=True)}.fits")
        _check_place(path, overwrite)
        part = self._selected(self._image(), region, mask, stretch)
        scale: dict[str, Any] = (
            {"minpix": minpix, "maxpix": maxpix} if bitpix > 0 and minpix <= maxpix else {}
        )
        part.save(
            path, format="fits", overwrite=overwrite, style="casa", velocity=velocity, optical=optical,
            stokeslast=stokeslast, dropstokes=dropstokes, dropdeg=dropdeg, deglast=deglast,
            wavelength=wavelength, airwavelength=airwavelength, history=history, bitpix=bitpix, **scale,
        )  # fmt: skip
        return True


# -- arguments ----------------------------------------------------------------------------------------------


def _order(order: Any, system: System) -> list[tuple[int, bool]]:
    """Return the axes that come first, second, ..., and whether they are reversed."""
    n = len(system.axes)
    if isinstance(order, int | np.integer) and not isinstance(order, bool):
        if order < 0:
            raise CasaError("an order of numbers is not negative")
        order = f"{order:0{n}d}"
    if isinstance(order, str):
        tokens, minus = [], ""
        for letter in order.strip():
            if letter == "-" and not minus:
                minus = "-"
            elif letter.isdigit():
                tokens.append(minus + letter)
                minus = ""
            else:
                raise CasaError(f"{order!r} is no order of axes", hint="write digits, such as '120'")
    else:
        tokens = [str(t) for t in order]
    out = []
    for token in tokens:
        name = token.lstrip("-")
        axis = int(name) if name.isdigit() else system.axis_by_name(name)
        out.append((axis, token.startswith("-")))
    if sorted(a for a, _ in out) != list(range(n)):
        raise CasaError(f"the order {order!r} does not name each of {n} axes once")
    return out


def _transposed(image: Image, axes: Sequence[tuple[int, bool]]) -> Image:
    dims = [image.dims[image.ndim - 1 - a] for a, _ in axes]
    names = [("-" if back else "") + dim for dim, (_, back) in zip(dims, axes, strict=True)]
    return image.transpose(*names[::-1])


def _kernel(system: System, major: Any, minor: Any, pa: Any, beam: Mapping[str, Any]) -> tuple[Any, Any, Any]:
    """Return widths and angle of a kernel in degrees."""
    if beam:
        if not all(is_nothing(v) for v in (major, minor, pa)):
            raise CasaError("give a beam, or major, minor and pa, which are '' then")
        return beaming.of_record(beam)
    sizes = []
    for value in (major, minor):
        number, unit = quantity_of(value, "arcsec")
        if unit == "pix":
            axis = system.world_axes("direction")[0]
            number, unit = number * abs(float(system.cdelt[axis])), system.units[axis]
        sizes.append(float(converted(float(number), unit, "deg")))
    if sizes[0] < sizes[1] and np.isclose(sizes[0], sizes[1], rtol=1e-12):
        sizes[1] = sizes[0]
    angle = 0.0 if is_nothing(pa) else in_unit(pa, "deg", "deg")
    if not sizes[0] >= sizes[1] > 0:
        raise CasaError(
            f"a kernel of {sizes[0] * 3600:g} by {sizes[1] * 3600:g} arcsec: the larger width first"
        )
    return sizes[0], sizes[1], angle


def _in_plane(
    image: Image, axes: Sequence[int], major: Any, minor: Any, pa: Any, scale: float, beam: bool
) -> Image:
    """Return an image convolved with a Gaussian in the plane of other axes than those of the sky."""
    if len(axes) != 2 or len(set(axes)) != 2 or not all(0 <= a < image.ndim for a in axes):
        raise CasaError(f"axes {list(axes)} are not two different axes of the image")
    if beam:
        raise CasaError("a beam lies on the sky", hint="give major, minor and pa for other axes")
    sizes = [f"{float(number)!r}{unit}" for number, unit in (quantity_of(v, "pix") for v in (major, minor))]
    dims = [image.ndim - 1 - a for a in axes]
    angle = 0.0 if is_nothing(pa) else in_unit(pa, "deg", "deg")
    factor = scale if scale >= 0 else None
    return image.smooth(sizes[0], sizes[1], angle, scale=factor, dims=dims)


def kernels_along(
    image: Image, axes: Sequence[int], types: Sequence[str], widths: Any
) -> dict[int, tuple[str, float]]:
    """Return kernels and their widths in pixels by numpy's numbers of the axes that CASA's numbers name."""
    kinds = [matched(t, ("gaussian", "boxcar", "hanning"), "kernel") for t in types]
    sizes = [widths] if isinstance(widths, str | dict) or np.ndim(widths) == 0 else [*widths]
    chosen = [a for a in axes if a >= 0] or [*range(image.ndim)]
    if not len(chosen) == len(kinds) == len(sizes):
        raise CasaError(f"{len(chosen)} axes, {len(kinds)} types and {len(sizes)} widths do not go together")
    if max(chosen) >= image.ndim:
        raise CasaError(f"there is no axis {max(chosen)} in an image of {image.ndim} axes")
    system = system_of(image)
    return {
        image.ndim - 1 - a: (kind, _pixels_wide(system, a, size, kind))
        for a, kind, size in zip(chosen, kinds, sizes, strict=True)
    }


def _pixels_wide(system: System, axis: int, size: Any, kind: str) -> float:
    """Return the width of a kernel in pixels."""
    number, unit = quantity_of(size, "pix")
    if unit and unit != "pix":
        world = next(k for k, a in enumerate(system.axes) if a.pixel == axis)
        number = float(converted(float(number), unit, system.units[world])) / abs(float(system.cdelt[world]))
    return float(np.floor(number + 0.5)) if kind == "boxcar" else float(number)


def regridded(
    image: Image, csys: Mapping[str, Any], shape: Sequence[int], axes: Sequence[int], method: str,
    force: bool, asvelocity: bool,
) -> Image:  # fmt: skip
    """Return an image on the grid of a coordinate record; see `regrid`."""
    if not csys:
        return image
    system = System(csys)
    own = system_of(image)
    chosen = [a for a in axes if a >= 0]
    lengths = [*shape] if len(shape) == image.ndim and min(shape) > 0 else [*image.shape[::-1]]
    if shape and min(shape) > 0 and len(shape) != image.ndim:
        raise CasaError(f"a shape of {len(shape)} axes for an image of {image.ndim}")
    # the template's axes, each with the length of that of the image which is of its kind
    wanted = []
    for axis in system.axes:
        same = [a.pixel for a in own.axes if (a.kind, a.inside) == (axis.kind, axis.inside)]
        wanted.append(lengths[same[0]] if same and same[0] >= 0 else 1)
    order = sorted(range(len(system.axes)), key=lambda k: system.axes[k].pixel)
    grid_shape = tuple(wanted[k] for k in order)[::-1]
    coords, _ = coords_of(csys, grid_shape)
    options: dict[str, Any] = {
        "shape": grid_shape,
        "method": method,
        "force": force,
        "velocity": "radio" if asvelocity else None,
    }
    if not chosen:
        return image.regrid(coords, **options)
    return image.regrid(coords, [image.ndim - 1 - a for a in chosen], **options)


def _extended(image: Image, record: Mapping[str, Any]) -> Image:
    """Return an image with as many axes of length 1 more as a record of coordinates has."""
    n = len(System(record).axes) - image.ndim
    if n < 1:
        raise CasaError("there is no axis to add", hint="say which: spectral=True, stokes='I', ...")
    more = image.with_wcs(None)
    for k in range(n):
        more = more.expand_dims(f"added{k}")
    coords, _ = coords_of(record, more.shape)
    return more.with_wcs(coords)
