"""Tasks that return numbers: statistics and values."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from lattice.compat.casa.core import system_of
from lattice.compat.casa.errors import CasaError
from lattice.compat.casa.logs import post
from lattice.compat.casa.regionmanager import regionmanager
from lattice.compat.casa.tasks.serving import cut, opened, task
from lattice.image import Image

__all__ = ["imstat", "imval"]

_MOST = 1 << 22  # pixels that imval returns with their coordinates
_SHOWN = ("npts", "sum", "flux", "mean", "sigma", "rms", "min", "max", "median", "medabsdevmed", "quartile")


@task("stat", "Image.statistics", imagename="path", axes="variant", region="path|str|dict")
def imstat(
    imagename: str = "",
    axes: Any = (),
    region: Any = "",
    box: str = "",
    chans: str = "",
    stokes: str = "",
    listit: bool = True,
    verbose: bool = True,
    mask: str = "",
    stretch: bool = False,
    logfile: str = "",
    append: bool = True,
    algorithm: str = "classic",
    fence: float = -1.0,
    center: str = "mean",
    lside: bool = True,
    zscore: float = -1.0,
    maxiter: int = -1,
    clmethod: str = "auto",
    niter: int = 3,
) -> dict[str, Any]:
    """Return statistics of the good pixels in a region, the robust ones too; see `image.statistics`.

    Parameters
    ----------
    axes : list of int, optional
        Axes over which they are taken; all by default.
    region, box, chans, stokes, mask, stretch : optional
        Which pixels.
    listit, verbose : bool, optional
        Whether the numbers are logged, and where they are from as well.
    logfile : str, optional
        A file to which the numbers are written, at its end if `append` is set.
    algorithm, fence, center, lside, zscore, maxiter, clmethod, niter : optional
        How; see `image.statistics`.
    """
    tool = opened(imagename)
    if not isinstance(region, dict) and (box.strip() or chans.strip() or stokes.strip()):
        region = regionmanager().frombcs(tool._system().record, tool.shape(), box, chans, stokes, "a", region)
    found: dict[str, Any] = tool.statistics(
        axes, region, mask, robust=True, stretch=stretch, algorithm=algorithm, fence=fence, center=center,
        lside=lside, zscore=zscore, maxiter=maxiter, clmethod=clmethod, niter=niter,
    )  # fmt: skip
    if listit or logfile:
        lines = _lines(found, tool._outline().unit, verbose)
        for line in lines if listit else ():
            post(line, origin="imstat")
        if logfile:
            with open(os.path.expanduser(logfile), "a" if append else "w", encoding="utf-8") as file:
                file.writelines(f"{line}\n" for line in lines)
    return found


def _lines(found: dict[str, Any], unit: str, verbose: bool) -> list[str]:
    """Return statistics as a table for people, a row for each cell."""
    lines = []
    if verbose and "blc" in found:
        lines.append(
            f"Region: {found['blc'].tolist()} ({found['blcf']}) to {found['trc'].tolist()} ({found['trcf']})"
        )
        lines.append(f"Values have units of {unit}" if unit else "Values have no units")
    keys = [key for key in _SHOWN if key in found and np.size(found[key])]
    lines.append(" ".join(f"{key:>13}" for key in keys))
    columns = [np.ravel(found[key]) for key in keys]
    lines += [" ".join(f"{value:>13.6g}" for value in row) for row in zip(*columns, strict=True)]
    return lines


@task("stat", "Image.subimage", imagename="path", region="variant")
def imval(
    imagename: str = "", region: Any = "", box: str = "", chans: str = "", stokes: str = ""
) -> dict[str, Any]:
    """Return the pixels of a region with their coordinates; without one, those at the reference pixel.

    Returns
    -------
    dict
        blc and trc, axes (numbers and names), unit, data, mask, and coords: world coordinates of each pixel
        along a last axis. Axes of length 1 are left out of data, mask and coords.
    """
    tool = opened(imagename)
    system, shape = tool._system(), [int(n) for n in tool.shape()]
    if not (region or box.strip()):
        sky = system.pixel_axes("direction")
        place = [int(np.floor(p + 0.5)) for p in system.crpix]
        box = ",".join(str(min(max(place[a], 0), shape[a] - 1)) for a in (*sky, *sky))
    part = cut(imagename, region, box, chans, stokes)._image()
    if part.size > _MOST:
        raise CasaError(
            f"{part.size} pixels with their coordinates are too many", hint="take a smaller region"
        )
    start = [s.start for s in part.bbox][::-1]
    own, lengths = system_of(part), part.shape[::-1]
    pixels = part.to_masked_array()
    kept = tuple(n for n in lengths if n > 1) or (1,)
    return {
        "blc": start,
        "trc": [s + n - 1 for s, n in zip(start, lengths, strict=True)],
        "axes": [[k, own.names[k]] for k in _in_imval_order(own)],
        "unit": part.unit,
        "data": pixels.data.T.reshape(kept).astype(np.float64),
        "mask": ~np.ma.getmaskarray(pixels).T.reshape(kept),
        "coords": _coordinates(part).reshape(*kept, len(lengths)),
    }


def _in_imval_order(system: Any) -> list[int]:
    """Return the axes in the order in which CASA names them: sky, spectral, Stokes, others."""
    first = [a for kind in ("direction", "spectral", "stokes") for a in system.pixel_axes(kind)]
    return [*first, *(k for k in range(len(system.axes)) if k not in first)]


def _coordinates(part: Image) -> np.ndarray:
    """Return world coordinates of all pixels, axes first to last, their numbers along a further axis."""
    from lattice.compat.casa.coordsys import coordsys

    system, lengths = system_of(part), part.shape[::-1]
    cs, out = coordsys(system.record, lengths), np.empty((*lengths, len(lengths)))
    sky = system.pixel_axes("direction")
    groups = [sky] if len(sky) == 2 else []
    groups += [[k] for k in range(len(lengths)) if [k] not in groups and not (groups and k in groups[0])]
    for axes in groups:  # these depend on each other, and on no others
        own = [lengths[k] for k in axes]
        places = np.zeros((len(lengths), int(np.prod(own))))
        places[axes] = np.indices(own).reshape(len(axes), -1)
        found = np.asarray(cs.toworldmany(places)["numeric"])
        for k in axes:
            shape = [n if j in axes else 1 for j, n in enumerate(lengths)]
            values = found[k].reshape(own)
            out[..., k] = (values if axes == sorted(axes) else values.T).reshape(shape)
    return out
