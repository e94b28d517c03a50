"""Tasks that write an image made of another one: parts of it, binned, smoothed, turned, and moments."""

from __future__ import annotations

import os
from typing import Any

from lattice.compat.casa.arguments import matched
from lattice.compat.casa.errors import CasaError
from lattice.compat.casa.quantities import is_nothing
from lattice.compat.casa.systems import System
from lattice.compat.casa.tasks.serving import cut, opened, signed, task, written
from lattice.ops.moments import MOMENTS

__all__ = ["immoments", "imrebin", "imsmooth", "imsubimage", "imtrans", "specsmooth"]


@task("subimage", "Image.subimage", imagename="path", mask="variant", keepaxes="intvec")
def imsubimage(
    imagename: str = "",
    outfile: str = "",
    box: str = "",
    region: str = "",
    chans: str = "",
    stokes: str = "",
    mask: Any = "",
    dropdeg: bool = False,
    overwrite: bool = False,
    verbose: bool = True,
    stretch: bool = False,
    keepaxes: Any = (),
) -> None:
    """Write the part of an image in a region; see `image.subimage`."""
    part = cut(imagename, region, box, chans, stokes, mask, stretch, dropdeg=dropdeg, keepaxes=keepaxes)
    written(part._image(), outfile, overwrite)


@task("transpose", "Image.transpose", imagename="path", order="variant")
def imtrans(imagename: str = "", outfile: str = "", order: Any = "") -> None:
    """Write an image with its axes in another order; see `image.transpose`."""
    written(opened(imagename).transpose("", order)._image(), outfile)


@task("rebin", "Image.rebin", imagename="path", factor="intvec", region="variant")
def imrebin(
    imagename: str = "",
    outfile: str = "",
    factor: Any = (),
    region: Any = "",
    box: str = "",
    chans: str = "",
    stokes: str = "",
    mask: str = "",
    dropdeg: bool = False,
    overwrite: bool = False,
    stretch: bool = False,
    crop: bool = True,
) -> None:
    """Write means over bins of pixels; see `image.rebin`."""
    part = cut(imagename, region, box, chans, stokes, mask, stretch, dropdeg=dropdeg)
    written(part.rebin("", factor, crop=crop)._image(), outfile, overwrite)


_RANGE = "int|floatvec|intvec"


@task(
    "moments", "Image.moments", imagename="path", moments="intvec", axis="str|int", region="str|strvec",
    includepix=_RANGE, excludepix=_RANGE,
)  # fmt: skip
def immoments(
    imagename: str = "",
    moments: Any = (0,),
    axis: Any = "spectral",
    region: Any = "",
    box: str = "",
    chans: str = "",
    stokes: str = "",
    mask: str = "",
    includepix: Any = -1,
    excludepix: Any = -1,
    outfile: str = "",
    stretch: bool = False,
) -> None:
    """Write moments along an axis, which is kept with length 1; see `image.moments`.

    Parameters
    ----------
    moments : list of int, optional
        From -1 to 11; several go to files whose names are `outfile` and what each is called, in one pass.
    axis : int or str, optional
        spectral, stokes, ra, dec, or its number.
    includepix, excludepix : list of float, optional
        Values that count, or do not.
    """
    from lattice.compat.casa.reductions import as_casa_spells, limits_of
    from lattice.together import save

    if not outfile:
        raise CasaError("give an outfile")
    part = cut(imagename, region, box, chans, stokes, mask, stretch)
    number = axis_number(part._system(), axis)
    image = part._image()
    if len(image.beams) > 1 and number in part._system().pixel_axes("spectral"):
        image = image.smooth_to("common")
    orders = [*dict.fromkeys(moments)]
    low, high = ([v] if isinstance(v, int) else v for v in (includepix, excludepix))
    made = image.moments(
        orders, image.ndim - 1 - number, convention="radio", include=limits_of(low) or None,
        exclude=limits_of(high) or None, keepdims=True,
    )  # fmt: skip
    made = as_casa_spells(made, image, image.ndim - 1 - number)
    names = {n: outfile if len(orders) == 1 else f"{outfile}.{MOMENTS[n].suffix}" for n in orders}
    for name in names.values():
        if os.path.lexists(os.path.expanduser(name)):
            raise CasaError(f"{name} exists already", hint="remove it, or take another name")
    save({names[n]: signed(made[n]) for n in orders}, format="casa")


def axis_number(system: System, axis: Any) -> int:
    """Return the number of an axis given by number, name or kind of coordinate."""
    n = len(system.axes)
    if not isinstance(axis, str):
        number = int(axis)
    else:
        word = axis.strip().lower()
        number = int(word) if word.isdigit() else _named(system, word)
    if not 0 <= number < n:
        raise CasaError(f"there is no axis {axis!r} in an image of {n} axes")
    return number


def _named(system: System, word: str) -> int:
    for kind in ("spectral", "stokes"):
        if word and kind.startswith(word) and system.pixel_axes(kind):
            return system.pixel_axes(kind)[0]
    sky = {
        "ra": 0,
        "right": 0,
        "right ascension": 0,
        "longitude": 0,
        "dec": 1,
        "declination": 1,
        "latitude": 1,
    }
    if word in sky and system.pixel_axes("direction"):
        return system.pixel_axes("direction")[sky[word]]
    return system.axes[system.axis_by_name(word)].pixel


@task(
    "smooth", "Image.smooth, Image.smooth_to, Image.smooth_along, Image.convolve", imagename="path",
    major="variant", minor="variant", pa="variant", region="variant", beam="variant",
)  # fmt: skip
def imsmooth(
    imagename: str = "",
    kernel: str = "gauss",
    major: Any = "",
    minor: Any = "",
    pa: Any = "",
    targetres: bool = False,
    kimage: str = "",
    scale: float = -1.0,
    region: Any = "",
    box: str = "",
    chans: str = "",
    stokes: str = "",
    mask: str = "",
    outfile: str = "",
    stretch: bool = False,
    overwrite: bool = False,
    beam: Any = "",
) -> None:
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
    out = outfile or "imsmooth_results.im"
    sky = part._system().pixel_axes("direction")
    if kind == "gaussian":
        given = not is_nothing(beam)
        sizes = ("", "", "") if given else (_size(major, "arcsec"), _size(minor, "arcsec"), _size(pa, "deg"))
        record = _beam_record(beam) if given else {}
        made = part.convolve2d(
            "", sky, "gauss", sizes[0], sizes[1], sizes[2], scale=scale, targetres=targetres, beam=record
        )._image()
    elif kind == "boxcar":
        widths = [_size(minor, "arcsec"), _size(major, "arcsec")]
        made = part.sepconvolve("", sky, ["box", "box"], widths, scale)._image()
    elif kind == "image":
        if not kimage:
            raise CasaError("give a kimage: the image that is the kernel")
        made = part.convolve("", kimage, scale)._image()
    else:
        made = part._image().smooth_to(*opened(imagename)._outline().common_beam())
    written(made, out, overwrite)


def _size(value: Any, unit: str) -> Any:
    """Return a width or an angle with its unit; numbers have the default one."""
    if is_nothing(value):
        return {"value": 0.0, "unit": unit}
    if isinstance(value, int | float) and not isinstance(value, bool):
        return {"value": float(value), "unit": unit}
    return value


def _beam_record(beam: Any) -> dict[str, Any]:
    """Return the record of a beam with units everywhere."""
    if not isinstance(beam, dict):
        raise CasaError(f"a beam is a record with major, minor and positionangle, not {beam!r}")
    return {
        key: _size(value, "deg" if key in ("pa", "positionangle") else "arcsec")
        for key, value in beam.items()
    }


@task("smooth", "Image.hanning, Image.boxcar", imagename="path", region="variant")
def specsmooth(
    imagename: str = "",
    outfile: str = "",
    box: str = "",
    chans: str = "",
    stokes: str = "",
    region: Any = "",
    mask: str = "",
    overwrite: bool = False,
    stretch: bool = False,
    axis: int = -1,
    function: str = "hanning",
    width: int = 2,
    dmethod: str = "copy",
) -> None:
    """Write an image smoothed along an axis: hanning or boxcar; without a dmethod all pixels stay."""
    part = cut(imagename, region, box, chans, stokes, mask, stretch)
    drop, how = bool(dmethod), dmethod or "copy"
    if matched(function, ("hanning", "boxcar"), "function") == "hanning":
        made = part.hanning("", axis=axis, drop=drop, dmethod=how)
    else:
        made = part.boxcar("", axis=axis, width=width, drop=drop, dmethod=how)
    written(made._image(), outfile, overwrite)
