"""Tasks that collapse images, correct them for primary beams, and slice them along lines."""

from __future__ import annotations

from typing import Any

from lattice.compat.casa.arguments import task
from lattice.compat.casa.errors import CasaError
from lattice.compat.casa.quantities import is_nothing
from lattice.compat.casa.tasks.files import opened

__all__ = ["imcollapse", "impbcor", "impv"]


@task(axes="any", region="region")
def imcollapse(
    imagename: str = "", function: str = "", axes: Any = (), outfile: str = "", box: str = "",
    region: Any = "", chans: str = "", stokes: str = "", mask: str = "", overwrite: bool = False,
    stretch: bool = False,
) -> None:  # fmt: skip
    """Write a statistic along axes; see `image.collapse`."""
    opened(imagename).collapse(function, axes, outfile, region, box, chans, stokes, mask, overwrite, stretch)


@task(pbimage="any", region="region")
def impbcor(
    imagename: str = "", pbimage: Any = (), outfile: str = "", overwrite: bool = False, box: str = "",
    region: Any = "", chans: str = "", stokes: str = "", mask: str = "", mode: str = "divide",
    cutoff: float = -1.0, stretch: bool = False,
) -> None:  # fmt: skip
    """Write an image corrected for the primary beam; see `image.pbcor`."""
    opened(imagename).pbcor(
        pbimage, outfile, overwrite, box, region, chans, stokes, mask, mode, cutoff, stretch
    )


@task(start="any", end="any", center="any", length="any", pa="any", width="any", mode="text")
def impv(
    imagename: str = "", outfile: str = "", mode: str = "coords", start: Any = "", end: Any = "",
    center: Any = "", length: Any = "", pa: Any = "", width: Any = 1, unit: str = "arcsec",
    overwrite: bool = False, region: Any = "", chans: str = "", stokes: str = "", mask: str = "",
    stretch: bool = False,
) -> None:  # fmt: skip
    """Write the values along a line on the sky; see `image.pv`.

    Parameters
    ----------
    mode : str, optional
        coords: the line goes from start to end; length: center, length and pa give it.
    """
    by_ends = mode.lower().startswith("c")
    if not by_ends and not mode.lower().startswith("l"):
        raise CasaError(f"there is no mode {mode!r}", hint="coords or length")
    if is_nothing(start if by_ends else center):
        raise CasaError("give start and end" if by_ends else "give center, length and pa")
    line = {"start": start, "end": end} if by_ends else {"center": center, "length": length, "pa": pa}
    opened(imagename).pv(
        outfile, **line, width=width, unit=unit, overwrite=overwrite, region=region, chans=chans,
        stokes=stokes, mask=mask, stretch=stretch,
    )  # fmt: skip
