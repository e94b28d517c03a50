"""Regions, masks and short texts that select pixels, as the tools and tasks take them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lattice.compat.casa.errors import CasaError
from lattice.compat.casa.records import with_matrices_turned
from lattice.compat.casa.region_records import resolved
from lattice.image import Image

__all__ = ["region_of", "selected"]


def region_of(region: Any, image: Image | None = None) -> Any:
    """Return a region as `Image.subimage` takes it, None for none.

    Parameters
    ----------
    region : str, mapping or empty
        A record of the region manager; CRTF text, the name of a file with it, or of a region of the image.
    image : Image, optional
        The image, of which regions may be fractions.
    """
    if isinstance(region, str):
        return region if region.strip() else None
    if isinstance(region, Mapping):
        if not region:
            return None
        from lattice.regions import from_record

        if image is not None:
            region = resolved(region, image.shape[::-1])
        return from_record(with_matrices_turned(region))
    if not region:
        return None
    raise CasaError(f"{region!r} is no region", hint="give a record, CRTF text, or the name of a file")


def selected(
    image: Image,
    region: Any = "",
    mask: str = "",
    stretch: bool = False,
    dropdeg: bool = False,
    box: str = "",
    chans: str = "",
    stokes: str = "",
    keepaxes: Any = (),
) -> Image:
    """Return the part of an image in a region, a box, channels and Stokes parameters, under a mask.

    A region record leaves box, chans and stokes without effect. `keepaxes` are CASA's numbers of axes.
    """
    found = region_of(region, image)
    if isinstance(region, Mapping) and found is not None:
        box = chans = stokes = ""
    kept = [image.ndim - 1 - int(a) for a in keepaxes]
    return image.subimage(
        found,
        box=box,
        chans=chans,
        stokes=stokes,
        mask=mask or None,
        stretch=stretch,
        dropdeg=dropdeg,
        keepaxes=kept,
    )
