"""Tasks that exchange images with FITS files, show their history, and remove them."""

from __future__ import annotations

import glob
import os
from typing import Any

import numpy as np

from lattice.compat.casa import beaming
from lattice.compat.casa.arguments import matched
from lattice.compat.casa.core import system_of
from lattice.compat.casa.errors import CasaError
from lattice.compat.casa.image import image
from lattice.compat.casa.logs import post
from lattice.compat.casa.making import joined_record, new_record
from lattice.compat.casa.quantities import in_unit, is_nothing
from lattice.compat.casa.tasks.serving import opened, task, written
from lattice.compat.casa.transforms import _extended, _transposed
from lattice.image import Image

__all__ = ["exportfits", "imhistory", "importfits", "rmtables"]


@task("convert", "Image.save", imagename="path", minpix="int|float", maxpix="int|float")
def exportfits(
    imagename: str = "",
    fitsimage: str = "",
    velocity: bool = False,
    optical: bool = False,
    bitpix: int = -32,
    minpix: Any = 0,
    maxpix: Any = -1,
    overwrite: bool = False,
    dropstokes: bool = False,
    stokeslast: bool = True,
    history: bool = True,
    dropdeg: bool = False,
) -> None:
    """Write an image to a FITS file; see `image.tofits`.

    Parameters
    ----------
    imagename, fitsimage : str
        The image, and the file to write.
    velocity, optical : bool, optional
        Whether the spectral axis is written as velocities, and these in the optical convention.
    bitpix : int, optional
        -32, or 16 for integers, scaled to `minpix` to `maxpix` or to the range of the image.
    overwrite : bool, optional
        Whether a file may be replaced.
    dropstokes, dropdeg : bool, optional
        Whether a Stokes axis of length 1, or all axes of length 1, are left out.
    stokeslast : bool, optional
        Whether the Stokes axis comes last.
    history : bool, optional
        Whether the history is written.
    """
    if not fitsimage:
        raise CasaError("give a fitsimage: the file to write")
    opened(imagename).tofits(
        fitsimage,
        velocity,
        optical,
        bitpix,
        float(minpix),
        float(maxpix),
        overwrite=overwrite,
        dropdeg=dropdeg,
        dropstokes=dropstokes,
        stokeslast=stokeslast,
        history=history,
    )


@task("convert", "lattice.open, Image.save", fitsimage="path", defaultaxesvalues="variant", beam="variant")
def importfits(
    fitsimage: str = "",
    imagename: str = "",
    whichrep: int = 0,
    whichhdu: int = -1,
    zeroblanks: bool = True,
    overwrite: bool = False,
    defaultaxes: bool = False,
    defaultaxesvalues: Any = (),
    beam: Any = (),
) -> None:
    """Make a CASA image of a FITS file.

    Parameters
    ----------
    fitsimage, imagename : str
        The file, and the image to make.
    whichrep, whichhdu : int, optional
        Which coordinates of the header, 0 for the first; which header unit, -1 for the first with an image.
    zeroblanks : bool, optional
        Whether blank pixels, which are masked, are 0 and not NaN.
    defaultaxes : bool, optional
        Whether to bring the image into the order RA, Dec, Stokes, frequency, with axes that it lacks added.
    defaultaxesvalues : list, optional
        Coordinates of the axes that are added, RA, Dec, frequency, Stokes; "" for the others.
    beam : list of str, optional
        Restoring beam: major, minor and position angle.
    """
    source = image()
    source._keeps_history = False
    source.fromfits("", fitsimage, whichrep, max(whichhdu, 0), zeroblanks)
    made = source._image()
    if defaultaxes:
        made = _in_default_order(made, defaultaxesvalues)
    if not is_nothing(beam):
        if len(beam) != 3:
            raise CasaError("a beam is a list of major, minor and position angle")
        made = made.with_beam(beaming.beam_of(*beam))
    written(made, imagename, overwrite)
    _drop_idle_masks(imagename)


def _drop_idle_masks(name: str) -> None:
    """Leave out the mask of an image that has no bad pixel: any FITS file could have some."""
    tool = opened(name)
    image = tool._image()
    if image.default_mask and bool(image.masks[image.default_mask].all()):
        tool._held().drop_mask(image.default_mask)


def _in_default_order(made: Image, values: Any) -> Image:
    """Return an image in the order RA, Dec, Stokes, frequency, with the missing ones of these."""
    system = system_of(made)
    given = [*values] if not is_nothing(values) else ["", "", "", ""]
    if len(given) != 4:
        raise CasaError("defaultaxesvalues has four values: RA, Dec, frequency, Stokes")
    record = system.record
    kinds = [k for k in ("direction", "stokes", "spectral") if system.number_of(k) is None]
    for kind in kinds:
        record = joined_record(record, _added(kind, given))
    if kinds:
        made = _extended(made, record)
    order = system_of(made)
    axes = [a for kind in ("direction", "stokes", "spectral") for a in order.pixel_axes(kind)]
    if len(axes) != made.ndim:
        raise CasaError("the image has axes besides RA, Dec, Stokes and frequency")
    return made if axes == sorted(axes) else _transposed(made, [(a, False) for a in axes])


def _added(kind: str, given: list[Any]) -> dict[str, Any]:
    """Return the coordinates of an axis that an image lacks."""
    more = new_record(
        kind == "direction", kind == "spectral", str(given[3]) or "I" if kind == "stokes" else (), 0, False
    )
    if kind == "spectral" and not is_nothing(given[2]):
        value = in_unit(given[2], "Hz", "Hz")
        more["spectral0"]["wcs"]["crval"] = value
        more["spectral0"] |= {"restfreq": value, "restfreqs": np.array([value])}
    if kind == "direction" and not (is_nothing(given[0]) or is_nothing(given[1])):
        part = more["direction0"]
        unit = str(part["units"][0])
        part["crval"] = np.array([in_unit(v, unit, unit) for v in given[:2]])
    return more


@task("head", "Image.history", imagename="path")
def imhistory(
    imagename: str = "",
    mode: str = "list",
    verbose: bool = True,
    origin: str = "imhistory",
    message: str = "",
) -> Any:
    """Return the history of an image, or add a line to it.

    Parameters
    ----------
    mode : str, optional
        list: return the lines; append: add `message`, from `origin`.
    verbose : bool, optional
        Whether the lines are logged as well.
    """
    tool = opened(imagename)
    if matched(mode, ("list", "append"), "mode") == "list":
        return tool.history(verbose)
    return tool.sethistory(origin, message)


@task("", "", tablenames="strvec")
def rmtables(tablenames: Any = ()) -> None:
    """Remove images by their names, which may have the wildcards ``*``, ``?`` and ``[]``.

    Parameters
    ----------
    tablenames : list of str
        CASA images; what is none is left alone, with a warning.
    """
    for pattern in tablenames:
        for name in sorted(glob.glob(pattern)):
            if os.path.isfile(os.path.join(name, "table.dat")):
                image().removefile(name)
            else:
                post(f"{name} is no table", "WARN", "rmtables")
