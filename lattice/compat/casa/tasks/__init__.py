"""The image tasks as functions, with CASA's parameters, and where their work is done.

They know the image tool, and how it takes arguments; rules about pixels are those of the image.
"""

from __future__ import annotations

from lattice.compat.casa.tasks.analysis import imcollapse, imcontsub, imdev, impbcor, impv
from lattice.compat.casa.tasks.arithmetic import immath
from lattice.compat.casa.tasks.files import exportfits, imhistory, importfits, rmtables
from lattice.compat.casa.tasks.grids import imreframe, imregrid
from lattice.compat.casa.tasks.headers import imhead
from lattice.compat.casa.tasks.images import immoments, imrebin, imsmooth, imsubimage, imtrans, specsmooth
from lattice.compat.casa.tasks.masks import makemask
from lattice.compat.casa.tasks.numbers import imstat, imval

__all__ = [
    "exportfits",
    "imcollapse",
    "imcontsub",
    "imdev",
    "imhead",
    "imhistory",
    "immath",
    "immoments",
    "impbcor",
    "importfits",
    "impv",
    "imrebin",
    "imreframe",
    "imregrid",
    "imsmooth",
    "imstat",
    "imsubimage",
    "imtrans",
    "imval",
    "makemask",
    "rmtables",
    "specsmooth",
]
