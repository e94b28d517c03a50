"""Tasks that return numbers: statistics and values."""

from __future__ import annotations

from typing import Any

import numpy as np

from lattice.compat.casa.arguments import task
from lattice.compat.casa.core import system_of
from lattice.compat.casa.errors import CasaError
from lattice.compat.casa.tasks.files import opened
from lattice.compat.casa.tasks.images import cut

__all__ = ["imstat", "imval"]


@task(region="region", axes="wholes")
def imstat(
    imagename: str = "", axes: Any = (), region: Any = "", box: str = "", chans: str = "", stokes: str = "",
    listit: bool = True, verbose: bool = True, mask: str = "", stretch: bool = False, logfile: str = "",
    append: bool = True, algorithm: str = "classic", fence: float = -1.0, center: str = "mean",
    lside: bool = True, zscore: float = -1.0, maxiter: int = -1, clmethod: str = "auto", niter: int = 3,
) -> dict[str, Any]:  # fmt: skip
    """Return statistics of the good pixels in a region, the robust ones too; see `image.statistics`."""
    from lattice.compat.casa.regionmanager import regionmanager

    tool = opened(imagename)
    if not isinstance(region, dict) and (box.strip() or chans.strip() or stokes.strip()):
        region = regionmanager().frombcs(tool._system().record, tool.shape(), box, chans, stokes, "a", region)
    found: dict[str, Any] = tool.statistics(
        axes, region, mask, robust=True, stretch=stretch, algorithm=algorithm, fence=fence, center=center,
        lside=lside, zscore=zscore, maxiter=maxiter, clmethod=clmethod, niter=niter,
    )  # fmt: skip
    return found


@task(region="region")
def imval(
    imagename: str = "", region: Any = "", box: str = "", chans: str = "", stokes: str = ""
) -> dict[str, Any]:
    """Return the pixels of a region with their coordinates; without one, those at the reference pixel."""
    tool = opened(imagename)
    system, shape = tool._system(), [int(n) for n in tool.shape()]
    if not (region or box.strip()):
        sky = system.pixel_axes("direction")
        place = [int(np.floor(p + 0.5)) for p in system.crpix]
        if sky:
            box = ",".join(str(place[a]) for a in (*sky, *sky))
    part = cut(imagename, region, box, chans, stokes)._image()
    if any(n < 1 for n in part.shape):
        raise CasaError("the region has no pixels")
    start = [s.start for s in part.bbox][::-1]
    own = system_of(part)
    pixels = part.to_masked_array()
    degenerate = tuple(k for k, n in enumerate(part.shape[::-1]) if n == 1)
    coords = _coordinates(part, own)
    data, good = pixels.data.T, ~np.ma.getmaskarray(pixels).T
    names = own.names
    kept = [k for k in range(len(shape)) if k not in degenerate]
    return {
        "blc": start,
        "trc": [s + n - 1 for s, n in zip(start, part.shape[::-1], strict=True)],
        "axes": [[k, names[k]] for k in _in_imval_order(own)],
        "unit": part.unit,
        "data": np.squeeze(data).astype(np.float64) if kept else data.reshape(1).astype(np.float64),
        "mask": np.squeeze(good) if kept else good.reshape(1),
        "coords": coords.reshape(*(part.shape[::-1][k] for k in kept), len(shape)),
    }


def _in_imval_order(system: Any) -> list[int]:
    """Return the axes in the order in which CASA names them: sky, spectral, Stokes, others."""
    first = [a for kind in ("direction", "spectral", "stokes") for a in system.pixel_axes(kind)]
    return [*first, *(k for k in range(len(system.axes)) if k not in first)]


def _coordinates(part: Any, system: Any) -> np.ndarray:
    """Return world coordinates of all pixels, axes first to last, their numbers along a further axis."""
    shape = part.shape[::-1]
    if part.size > 1 << 20:
        raise CasaError(
            f"{part.size} pixels with their coordinates are too many", hint="take a smaller region"
        )
    out = np.empty((*shape, len(shape)))
    for place in np.ndindex(*shape):
        out[place] = system.to_world(place)
    return out
