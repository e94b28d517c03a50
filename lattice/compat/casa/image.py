"""The image tool, `ia`."""

from __future__ import annotations

from lattice.compat.casa.analysis import ImageAnalysis
from lattice.compat.casa.attaching import ImageAttaching
from lattice.compat.casa.editing import ImageEditing
from lattice.compat.casa.metadata import ImageMetadata
from lattice.compat.casa.pixels import ImagePixels
from lattice.compat.casa.profiles import ImageProfiles
from lattice.compat.casa.reductions import ImageReductions
from lattice.compat.casa.transforms import ImageTransforms

__all__ = ["image"]


class image(
    ImageAttaching,
    ImageMetadata,
    ImagePixels,
    ImageEditing,
    ImageTransforms,
    ImageReductions,
    ImageProfiles,
    ImageAnalysis,
):
    """A tool that is attached to one image at a time: its axes are x first, and its masks True = good.

    Results are tools; without an outfile they are lazy: they read what they are asked for, and follow when
    the image changes.

    Examples
    --------
    >>> import numpy as np
    >>> from lattice.compat.casa import image
    >>> ia = image()
    >>> ia.fromarray(pixels=np.arange(12.0).reshape(4, 3))
    True
    >>> part = ia.subimage(region="box[[1pix, 0pix], [2pix, 1pix]]")
    >>> part.getchunk()
    array([[3., 4.],
           [6., 7.]])
    >>> ia.putchunk(np.array([[100.0]]), blc=[2, 1])
    True
    >>> float(part.statistics()["max"][0])
    100.0
    """
