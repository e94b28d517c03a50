"""Tasks that make images of images."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from lattice.compat.casa.arguments import matched, task
from lattice.compat.casa.attaching import open_image
from lattice.compat.casa.core import created, system_of
from lattice.compat.casa.errors import CasaError
from lattice.compat.casa.image import image
from lattice.compat.casa.quantities import is_nothing
from lattice.compat.casa.selection import selected
from lattice.compat.casa.systems import System
from lattice.compat.casa.tasks.files import opened
from lattice.compat.casa.transforms import regridded
from lattice.image import Image

__all__ = ["immoments", "imrebin", "imregrid", "imsmooth", "imsubimage", "imtrans", "specsmooth"]


def cut(
    imagename: str, region: Any, box: str, chans: str, stokes: str, mask: str = "", stretch: bool = False,
    **more: Any,
) -> image:  # fmt: skip
    """Return a tool with the selected part of a file, lazy."""
    tool = opened(imagename)

    def build(whole: Image) -> Image:
        return selected(whole, region, mask, stretch, box=box, chans=chans, stokes=stokes, **more)

    made: image = tool._made(build, "", False, ("subimage", {}))
    return made


@task(region="region", keepaxes="wholes")
def imsubimage(
    imagename: str = "", outfile: str = "", box: str = "", region: Any = "", chans: str = "",
    stokes: str = "", mask: str = "", dropdeg: bool = False, overwrite: bool = False, verbose: bool = True,
    stretch: bool = False, keepaxes: Any = (),
) -> None:  # fmt: skip
    """Write the part of an image in a region; see `image.subimage`."""
    part = cut(imagename, region, box, chans, stokes, mask, stretch, dropdeg=dropdeg, keepaxes=keepaxes)
    created(outfile, part._image(), overwrite)


@task(order="any")
def imtrans(imagename: str = "", outfile: str = "", order: Any = "") -> None:
    """Write an image with its axes in another order; see `image.transpose`."""
    opened(imagename).transpose(outfile, order)


@task(factor="wholes", region="region")
def imrebin(
    imagename: str = "", outfile: str = "", factor: Any = (), region: Any = "", box: str = "",
    chans: str = "", stokes: str = "", mask: str = "", dropdeg: bool = False, overwrite: bool = False,
    stretch: bool = False, crop: bool = True,
) -> None:  # fmt: skip
    """Write means over bins of pixels; see `image.rebin`."""
    part = cut(imagename, region, box, chans, stokes, mask, stretch, dropdeg=dropdeg)
    part.rebin(outfile, factor, overwrite=overwrite, crop=crop)


@task(axis="any", moments="wholes", includepix="reals", excludepix="reals", region="region")
def immoments(
    imagename: str = "", moments: Any = (0,), axis: Any = "spectral", region: Any = "", box: str = "",
    chans: str = "", stokes: str = "", mask: str = "", includepix: Any = -1, excludepix: Any = -1,
    outfile: str = "", stretch: bool = False,
) -> image:  # fmt: skip
    """Write moments along an axis, which is kept with length 1; see `image.moments`."""
    part = cut(imagename, region, box, chans, stokes, mask, stretch)
    number = _axis_number(part._system(), axis)
    root = outfile or f"{imagename}.moments"
    return part.moments(
        moments, number, includepix=includepix, excludepix=excludepix, outfile=root, drop=False,
        overwrite=False,
    )  # fmt: skip


def _axis_number(system: System, axis: Any) -> int:
    """Return the number of an axis given by number, name or kind of coordinate."""
    if not isinstance(axis, str):
        return int(axis)
    word = axis.strip().lower()
    if word.isdigit():
        return int(word)
    kinds = {"spectral": "spectral", "stokes": "stokes"}
    for kind in kinds:
        if word and kind.startswith(word) and system.pixel_axes(kind):
            return system.pixel_axes(kind)[0]
    if word in ("ra", "right", "longitude", "dec", "latitude") and system.pixel_axes("direction"):
        return system.pixel_axes("direction")[0 if word in ("ra", "right", "longitude") else 1]
    return system.axes[system.axis_by_name(axis)].pixel


@task(major="any", minor="any", pa="any", beam="any", scale="real", region="region")
def imsmooth(
    imagename: str = "", kernel: str = "gauss", major: Any = "", minor: Any = "", pa: Any = "",
    targetres: bool = False, kimage: str = "", scale: float = -1.0, region: Any = "", box: str = "",
    chans: str = "", stokes: str = "", mask: str = "", outfile: str = "", stretch: bool = False,
    overwrite: bool = False, beam: Any = "",
) -> None:  # fmt: skip
    """Write an image smoothed by a Gaussian, a box, an image, or to the common beam.

    Parameters
    ----------
    kernel : str, optional
        gauss; boxcar: means over major pixels along y and minor along x; common: to the beam that all planes
        can have; image: with the weights in `kimage`.
    major, minor, pa, beam : optional
        Widths and angle, or the record of a beam; numbers are arc seconds and degrees.
    targetres : bool, optional
        Whether these are the beam of the result.
    """
    part = cut(imagename, region, box, chans, stokes, mask, stretch)
    kind = matched(kernel, ("gaussian", "boxcar", "commonbeam", "image"), "kernel")
    out = outfile or f"{os.path.basename(imagename)}.smooth"
    if kind == "gaussian":
        sizes: Any = (_size(major, "arcsec"), _size(minor, "arcsec"), _size(pa, "deg"))
        wide, narrow, angle = sizes if is_nothing(beam) else ("", "", "")
        part.convolve2d(
            out, part._system().pixel_axes("direction"), "gauss", wide, narrow, angle, scale=scale,
            targetres=targetres, beam=beam or {}, overwrite=overwrite,
        )  # fmt: skip
    elif kind == "boxcar":
        axes = part._system().pixel_axes("direction")
        widths = [_size(minor, "arcsec"), _size(major, "arcsec")]
        part.sepconvolve(out, axes, ["box", "box"], widths, scale, overwrite=overwrite)
    elif kind == "image":
        part.convolve(out, kimage, scale, overwrite=overwrite)
    else:
        part._made(lambda x: x.smooth_to("common"), out, overwrite, ("smooth", {}))


def _size(value: Any, unit: str) -> Any:
    if isinstance(value, str) and value.strip().replace(".", "", 1).isdigit():
        value = float(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return {"value": float(value), "unit": unit}
    return value if not is_nothing(value) else {"value": 0.0, "unit": unit}


@task(region="region")
def specsmooth(
    imagename: str = "", outfile: str = "", box: str = "", chans: str = "", stokes: str = "",
    region: Any = "", mask: str = "", overwrite: bool = False, stretch: bool = False, axis: int = -1,
    function: str = "hanning", width: int = 2, dmethod: str = "copy",
) -> None:  # fmt: skip
    """Write an image smoothed along an axis: hanning or boxcar; without a dmethod all pixels stay."""
    part = cut(imagename, region, box, chans, stokes, mask, stretch)
    drop = bool(dmethod)
    how = dmethod or "copy"
    if matched(function, ("hanning", "boxcar"), "function") == "hanning":
        part.hanning(outfile, axis=axis, drop=drop, dmethod=how, overwrite=overwrite)
    else:
        part.boxcar(outfile, axis=axis, width=width, drop=drop, dmethod=how, overwrite=overwrite)


# -- imregrid -----------------------------------------------------------------------------------------------


@task(template="any", axes="wholes", shape="wholes")
def imregrid(
    imagename: str = "", template: Any = "get", output: str = "", asvelocity: bool = True,
    axes: Any = (-1,), shape: Any = (-1,), interpolation: str = "linear", decimate: int = 10,
    replicate: bool = False, overwrite: bool = False,
) -> Any:  # fmt: skip
    """Write an image on the grid of a template.

    Parameters
    ----------
    template : str or dict
        An image; a record with csys and shap, as "get" returns it for the image.
    output : str
        The image to write.
    asvelocity : bool, optional
        Whether spectral axes are matched by velocity and not by frequency.
    axes, shape : list of int, optional
        Axes that change, and the shape of the result. By default those change that are longer than 1 in
        both, Stokes never.
    """
    source = opened(imagename)
    if isinstance(template, str) and template == "get":
        return {"csys": source._system().record, "shap": source.shape()}
    if isinstance(template, str):
        grid = open_image(template).image()
        csys, lengths = system_of(grid), grid.shape[::-1]
    elif isinstance(template, Mapping) and {"csys", "shap"} <= set(template):
        csys, lengths = System(template["csys"], template["shap"]), tuple(int(n) for n in template["shap"])
    else:
        raise CasaError("template is an image, 'get', or a record with csys and shap")
    method = (
        "nearest" if replicate else matched(interpolation, ("nearest", "linear", "cubic"), "interpolation")
    )
    made = _on_grid(source._image(), csys, lengths, axes, shape, method, asvelocity)
    created(output, made, overwrite)
    return None


def _on_grid(
    whole: Image, csys: System, lengths: tuple[int, ...], axes: Any, shape: Any, method: str, asvelocity: bool
) -> Image:
    own = system_of(whole)
    chosen, wanted = [a for a in axes if a >= 0], [*whole.shape[::-1]]
    both: list[int] = []
    for axis in own.axes:
        there = [
            a.pixel for a in csys.axes if (a.kind, a.inside) == (axis.kind, axis.inside) and a.pixel >= 0
        ]
        if axis.kind == "stokes" or axis.pixel < 0 or not there:
            continue
        longer = whole.shape[::-1][axis.pixel] > 1 and lengths[there[0]] > 1
        if axis.pixel in chosen or (not chosen and longer):
            both.append(axis.pixel)
            wanted[axis.pixel] = lengths[there[0]]
    if [*shape] not in ([], [-1]):
        wanted = [*shape]
    if not both:
        raise CasaError("the template has no axes on which the image could be regridded")
    return regridded(whole, csys.record, wanted, np.array(both).tolist(), method, False, asvelocity)
