"""Tasks that collapse images, correct them for primary beams, slice them, and map continua and noise."""

from __future__ import annotations

import os
from typing import Any

from lattice.compat.casa.arguments import matched
from lattice.compat.casa.errors import CasaError
from lattice.compat.casa.quantities import is_nothing
from lattice.compat.casa.regionmanager import regionmanager
from lattice.compat.casa.tasks.serving import cut, opened, signed, task, written

__all__ = ["imcollapse", "imcontsub", "imdev", "impbcor", "impv"]


@task("collapse", "Image.collapse", imagename="path", axes="variant")
def imcollapse(
    imagename: str = "",
    function: str = "",
    axes: Any = (),
    outfile: str = "",
    box: str = "",
    region: str = "",
    chans: str = "",
    stokes: str = "",
    mask: str = "",
    overwrite: bool = False,
    stretch: bool = False,
) -> None:
    """Write a statistic of the good pixels along axes; see `image.collapse`."""
    made = opened(imagename).collapse(function, axes, "", region, box, chans, stokes, mask, False, stretch)
    written(made._image(), outfile, overwrite)


@task("pbcor", "Image.pbcor", imagename="path", pbimage="variant", region="variant")
def impbcor(
    imagename: str = "",
    pbimage: Any = (),
    outfile: str = "",
    overwrite: bool = False,
    box: str = "",
    region: Any = "",
    chans: str = "",
    stokes: str = "",
    mask: str = "",
    mode: str = "divide",
    cutoff: float = -1.0,
    stretch: bool = False,
) -> None:
    """Write an image corrected for the primary beam; see `image.pbcor`."""
    made = opened(imagename).pbcor(
        pbimage, "", False, box, region, chans, stokes, mask, mode, cutoff, stretch
    )
    written(made._image(), outfile, overwrite)


_PLACE = "str|strvec|intvec|floatvec"


@task(
    "pv", "Image.pv", imagename="path", start=_PLACE, end=_PLACE, center=_PLACE,
    length="str|float|strvec|int|dict", pa="str|dict", width="str|int|dict", region="str|dict",
)  # fmt: skip
def impv(
    imagename: str = "",
    outfile: str = "",
    mode: str = "coords",
    start: Any = "",
    end: Any = "",
    center: Any = "",
    length: Any = "",
    pa: Any = "",
    width: Any = 1,
    unit: str = "arcsec",
    overwrite: bool = False,
    region: Any = "",
    chans: str = "",
    stokes: str = "",
    mask: str = "",
    stretch: bool = False,
) -> None:
    """Write the values along a line on the sky; see `image.pv`.

    Parameters
    ----------
    mode : str, optional
        coords: the line goes from start to end; length: center, length and pa give it.
    """
    by_ends = matched(mode, ("coords", "length"), "mode") == "coords"
    if any(is_nothing(v) for v in ((start, end) if by_ends else (center, length, pa))):
        raise CasaError("give start and end" if by_ends else "give center, length and pa")
    ends = {"start": start, "end": end} if by_ends else {"center": center, "length": length, "pa": pa}
    made = opened(imagename).pv(
        width=width, unit=unit, region=region, chans=chans, stokes=stokes, mask=mask, stretch=stretch, **ends
    )
    written(made._image(), outfile, overwrite)


@task("contsub", "Image.contsub", imagename="path", box="str|intvec|strvec")
def imcontsub(
    imagename: str = "",
    linefile: str = "",
    contfile: str = "",
    fitorder: int = 0,
    region: str = "",
    box: Any = "",
    chans: str = "",
    stokes: str = "",
) -> None:
    """Write an image without its continuum, and the continuum: a polynomial for each spectrum.

    Parameters
    ----------
    linefile, contfile : str
        What to write; at least one of them.
    fitorder : int, optional
        Order of the polynomial.
    region, box, stokes : str, optional
        What is taken of the image; without stokes its first plane.
    chans : str, optional
        Channels without lines, to which the polynomial is fitted; all channels are written.
    """
    from lattice.together import save

    for name in (linefile, contfile):
        if name and os.path.lexists(os.path.expanduser(name)):
            raise CasaError(f"{name} exists already", hint="remove it, or take another name")
    tool = opened(imagename)
    record, shape = tool._system().record, tool.shape()
    corners = box if isinstance(box, str) else ", ".join(str(b) for b in box)
    rg = regionmanager()
    chosen = rg.frombcs(record, shape, corners, "", stokes, "f", region)
    part = cut(imagename, chosen)._image()
    if not chans.strip():
        numbers = None
    else:
        rg.setcoordinates(record)
        numbers = [int(c) for c in rg.selectedchannels(chans, shape)]
    line, continuum = part.contsub(numbers, fitorder)
    places = {linefile: signed(line), contfile: signed(continuum)}
    save({name: made for name, made in places.items() if name}, format="casa")


@task(
    "", "Image.deviation", imagename="path", region="str|dict", grid="intvec", anchor="str|intvec",
    xlength="str|int", ylength="str|int",
)  # fmt: skip
def imdev(
    imagename: str = "",
    outfile: str = "",
    region: Any = "",
    box: str = "",
    chans: str = "",
    stokes: str = "",
    mask: str = "",
    overwrite: bool = False,
    stretch: bool = False,
    grid: Any = (1, 1),
    anchor: Any = "ref",
    xlength: Any = "1pix",
    ylength: Any = "1pix",
    interp: str = "cubic",
    stattype: str = "sigma",
    statalg: str = "classic",
    zscore: float = -1.0,
    maxiter: int = -1,
) -> None:
    """Write a statistic of the pixels around each one; see `image.deviation`."""
    part = cut(imagename, region, box, chans, stokes, mask, stretch)
    made = part.deviation(
        "", grid=grid, anchor=anchor, xlength=xlength, ylength=ylength, interp=interp, stattype=stattype,
        statalg=statalg, zscore=zscore, maxiter=maxiter,
    )  # fmt: skip
    written(made._image(), outfile, overwrite)
