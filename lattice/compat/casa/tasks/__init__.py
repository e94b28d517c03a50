"""The image tasks as functions."""

from __future__ import annotations

from lattice.compat.casa.tasks.analysis import imcollapse, impbcor, impv
from lattice.compat.casa.tasks.arithmetic import immath
from lattice.compat.casa.tasks.files import exportfits, imhead, imhistory, importfits
from lattice.compat.casa.tasks.images import (
    immoments,
    imrebin,
    imregrid,
    imsmooth,
    imsubimage,
    imtrans,
    specsmooth,
)
from lattice.compat.casa.tasks.numbers import imstat, imval

__all__ = [
    "exportfits",
    "imcollapse",
    "imhead",
    "imhistory",
    "immath",
    "immoments",
    "impbcor",
    "importfits",
    "impv",
    "imrebin",
    "imregrid",
    "imsmooth",
    "imstat",
    "imsubimage",
    "imtrans",
    "imval",
    "specsmooth",
]
