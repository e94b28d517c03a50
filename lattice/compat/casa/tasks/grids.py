"""Tasks that bring images onto other grids, and into other frames."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from typing import Any

from lattice.compat.casa.arguments import matched
from lattice.compat.casa.attaching import open_image
from lattice.compat.casa.core import system_of
from lattice.compat.casa.errors import CasaError
from lattice.compat.casa.sky import moved
from lattice.compat.casa.systems import System
from lattice.compat.casa.tasks.serving import noted, opened, task, written
from lattice.compat.casa.transforms import regridded
from lattice.coords.along import reference_pixel
from lattice.image import Image

__all__ = ["imreframe", "imregrid"]

_FRAMES = (
    "J2000", "B1950", "B1950_VLA", "GALACTIC", "HADEC", "AZEL", "AZELSW", "AZELNE", "ECLIPTIC", "MECLIPTIC",
    "TECLIPTIC", "SUPERGAL", "ICRS",
)  # fmt: skip
_METHODS = ("nearest", "linear", "cubic")


@task("regrid", "Image.regrid", imagename="path", template="variant", axes="intvec", shape="intvec")
def imregrid(
    imagename: str = "",
    template: Any = "get",
    output: str = "",
    asvelocity: bool = True,
    axes: Any = (-1,),
    shape: Any = (-1,),
    interpolation: str = "linear",
    decimate: int = 10,
    replicate: bool = False,
    overwrite: bool = False,
) -> Any:
    """Write an image on the grid of a template.

    Parameters
    ----------
    template : str or dict
        An image; a record with csys and shap, as "get" returns it for the image; or the name of a frame of
        the sky, such as GALACTIC: the image is turned into it about its centre.
    output : str
        The image to write.
    asvelocity : bool, optional
        Whether spectral axes are matched by velocity and not by frequency.
    axes, shape : list of int, optional
        Axes that change, and the shape of the result. By default those change that are longer than 1 in
        both, Stokes never.
    interpolation : str, optional
        nearest, linear or cubic.
    decimate : int, optional
        Taken for the sake of scripts; positions are exact.
    replicate : bool, optional
        Whether the nearest pixel is taken.
    overwrite : bool, optional
        Whether an image may be replaced.

    Returns
    -------
    dict or None
        The record, for "get".
    """
    source = opened(imagename)
    whole = source._image()
    if isinstance(template, str) and template.lower() == "get":
        return {"csys": source._system().record, "shap": source.shape()}
    method = "nearest" if replicate else matched(interpolation, _METHODS, "interpolation")
    out = output or f"{imagename}.regridded"
    if isinstance(template, str) and template.upper() in _FRAMES:
        written(in_sky_frame(whole, template.upper(), method), out, overwrite)
        return None
    if isinstance(template, str):
        if not os.path.exists(os.path.expanduser(template)):
            raise CasaError(
                f"there is no template {template!r}", hint="an image, 'get', or a frame of the sky"
            )
        grid = open_image(template).image()
        csys, lengths, limits = system_of(grid), grid.shape[::-1], shape
    elif isinstance(template, Mapping) and {"csys", "shap"} <= set(template):
        csys, lengths = System(template["csys"], template["shap"]), tuple(int(n) for n in template["shap"])
        limits = (-1,)
    else:
        raise CasaError("template is an image, 'get', a frame, or a record with csys and shap")
    written(on_grid(whole, csys, lengths, axes, limits, method, asvelocity), out, overwrite)
    return None


def on_grid(
    whole: Image,
    csys: System,
    lengths: tuple[int, ...],
    axes: Any,
    shape: Any,
    method: str,
    asvelocity: bool,
) -> Image:
    """Return an image on the grid of a template, as imregrid chooses axes and shape."""
    whole = _common_stokes(whole, csys)
    own = system_of(whole)
    chosen, wanted, changed = [a for a in axes if a >= 0], [*whole.shape[::-1]], []
    for axis in own.axes:
        there = [
            a.pixel for a in csys.axes if (a.kind, a.inside) == (axis.kind, axis.inside) and a.pixel >= 0
        ]
        if axis.kind == "stokes" or axis.pixel < 0 or not there:
            continue
        longer = wanted[axis.pixel] > 1 and lengths[there[0]] > 1
        if axis.pixel in chosen or (not chosen and longer):
            changed.append(axis.pixel)
            wanted[axis.pixel] = lengths[there[0]]
    if [*shape] not in ([], [-1]):
        wanted = [*shape]
    if not changed:
        raise CasaError("the template has no axes on which the image could be regridded")
    return regridded(whole, csys.record, wanted, changed, method, False, asvelocity)


def _common_stokes(whole: Image, csys: System) -> Image:
    """Return the planes of an image that its template has too, if both have several."""
    own, other = system_of(whole).stokes, csys.stokes
    if len(own) < 2 or len(other) < 2 or set(own) <= set(other):
        return whole
    common = [name for name in own if name in other]
    if not common:
        raise CasaError("the image and the template have no Stokes parameter in common")
    made: Image = whole.subimage(stokes=",".join(common))
    return made


# -- frames of the sky --------------------------------------------------------------------------------------


def in_sky_frame(whole: Image, frame: str, method: str) -> Image:
    """Return an image on a grid in another frame of the sky, large enough for all of it.

    The middle of the image is the reference pixel of the grid; lines at its edges without pixels drop out.
    """
    system = system_of(whole)
    number = system.number_of("direction")
    if number is None:
        raise CasaError("the image has no sky axes")
    part = system.part(number)
    start = str(part["system"]).upper()
    if start == frame:
        return whole
    if str(part["projection"]) == "SFL":
        raise CasaError("images in the projection SFL are not turned into other frames")
    axes, lengths = system.pixel_axes("direction"), whole.shape[::-1]
    middle = [lengths[a] // 2 for a in axes]
    place = [float(p) for p in system.crpix]
    for axis, at in zip(axes, middle, strict=True):
        place[axis] = float(at)
    world = system.to_world(place)
    lon, lat = (_degrees(float(world[k]), system.units[k]) for k in system.world_axes("direction"))
    pad = _border([lengths[a] for a in axes], middle, _turn(lon, lat, start, frame))
    sky = [whole.ndim - 1 - a for a in axes]
    # a border of bad pixels: nothing is extrapolated beyond the edge
    source = whole.pad(dict.fromkeys(sky, pad), value=0.0) if pad else whole
    made = source.regrid(frame=frame, method=method)
    assert made.coords is not None
    # CASA's border is for a turn alone: corners that are further out are lost
    part_of = [slice(None)] * made.ndim
    for a, at in zip(sky, middle, strict=True):
        first = round(reference_pixel(made.coords, a)) - at - pad
        part_of[a] = slice(max(0, first), max(0, first + whole.shape[a] + 2 * pad))
    return made[tuple(part_of)].crop(sky)


def _degrees(value: float, unit: str) -> float:
    from lattice.compat.casa.quantities import converted

    return float(converted(value, unit, "deg"))


def _from_degrees(value: float, unit: str) -> float:
    from lattice.compat.casa.quantities import converted

    return float(converted(value, "deg", unit))


def _turn(lon: float, lat: float, start: str, end: str) -> float:
    """Return the angle, in radians, from north of one frame to north of another at a place."""
    step = 1e-4
    low, high = max(-90.0, lat - step), min(90.0, lat + step)
    here, there = moved(lon, low, start, end), moved(lon, high, start, end)
    east = math.remainder(math.radians(there[0] - here[0]), 2 * math.pi)
    middle = math.radians((here[1] + there[1]) / 2)
    return math.atan2(east * math.cos(middle), math.radians(there[1] - here[1]))


def _border(lengths: list[int], middle: list[int], turn: float) -> int:
    """Return how many pixels more on each side hold all of a turned plane."""
    x, y = middle
    corners = [(i * x, j * y) for i in (-1, 1) for j in (-1, 1)]
    wide = max(abs(a * math.cos(turn) - b * math.sin(turn) + 1) for a, b in corners)
    high = max(abs(a * math.sin(turn) + b * math.cos(turn) + 1) for a, b in corners)
    return max(0, int(max(wide - lengths[0] / 2, high - lengths[1] / 2)))


# -- frames of rest -----------------------------------------------------------------------------------------


@task("", "Image.with_frame", imagename="path")
def imreframe(
    imagename: str = "", output: str = "", outframe: str = "lsrk", epoch: str = "", restfreq: str = ""
) -> None:
    """Let an image report frequencies in another frame of rest; its pixels and native frame stay.

    Parameters
    ----------
    output : str, optional
        Image to write; without it the image itself is changed.
    outframe : str, optional
        lsrk, lsrd, bary, geo, topo, galacto, lgroup or cmb; "" leaves it.
    epoch : str, optional
        Time of observation. With topo and geo the channels would be resampled, which is not served.
    restfreq : str, optional
        Rest frequency of velocities.
    """
    source = opened(imagename)
    if epoch and outframe.lower() in ("topo", "geo"):
        raise CasaError(
            f"channels are not resampled into the frame {outframe} at a time", hint="leave epoch out"
        )
    if source._system().number_of("spectral") is None:
        raise CasaError("the image has no spectral axis")
    csys = source.coordsys()
    if outframe:
        csys.setconversiontype(spectral=outframe.upper())
    if restfreq:
        csys.setrestfrequency(restfreq)
    if epoch:
        csys.setepoch({"type": "epoch", "refer": "UTC", "m0": _days(epoch)})
    if output and output != imagename:
        written(source._image(), output, True)
        source = opened(output)
    source.setcoordsys(csys.torecord())
    noted(source)


def _days(text: str) -> dict[str, Any]:
    from lattice.compat.casa.quantities import quantity

    try:
        from astropy.time import Time

        return quantity(float(Time(text.replace("/", "-", 2).replace("/", "T", 1), scale="utc").mjd), "d")
    except ValueError as error:
        raise CasaError(f"{text!r} is no time: {error}", hint="write 2020/01/31/12:00:00") from error
