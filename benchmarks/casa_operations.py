"""CASA's side of ``python -m benchmarks operations``: run by CASA's own Python, without lattice."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.calls import Files, report, time_calls
from benchmarks.machine import settle_memory

CLASSIC = ("npts", "sum", "mean", "sigma", "rms", "min", "max")
ROBUST = ("median", "medabsdevmed", "q1", "q3")


def opened(path: str) -> Any:
    import casatools

    tool = casatools.image()
    tool.open(path)
    return tool


def numbers(tool: Any, keys: tuple[str, ...], **options: Any) -> dict[str, Any]:
    found = tool.statistics(**options)
    return {key: [float(v) for v in np.ravel(found[key])] for key in keys}


def image(made: Any, path: str) -> dict[str, str]:
    made.done()  # which is when it is complete on disk
    return {"image": path}


def moments(tool: Any, _files: Files, out: str) -> dict[str, str]:
    tool.moments(moments=[0, 1], axis=2, outfile=out).done()
    return {"moment0": out + ".integrated", "moment1": out + ".weighted_coord"}


def regrid(tool: Any, files: Files, out: str) -> dict[str, str]:
    template = opened(files["template"])
    shape = [*(int(n) for n in template.shape()[:2]), int(tool.shape()[2])]
    axes = template.coordsys()
    template.done()
    made = tool.regrid(out, shape=shape, csys=axes.torecord(), axes=[0, 1], method="linear")
    return image(made, out)


def some(files: Files) -> str:
    return f"'{files['image']}' > 0.5"


CASES: dict[str, Callable[[Any, Files, str], dict[str, Any]]] = {
    "classic": lambda a, f, o: numbers(a, CLASSIC, robust=False),
    "robust": lambda a, f, o: numbers(a, CLASSIC + ROBUST, robust=True),
    "planes": lambda a, f, o: numbers(a, CLASSIC, axes=[0, 1], robust=False),
    "masked": lambda a, f, o: numbers(a, ("npts", "sum"), mask=some(f), robust=False),
    "masked map": lambda a, f, o: image(a.collapse("sum", 2, o, mask=some(f)), o),
    "median": lambda a, f, o: image(a.collapse("median", 2, o), o),
    "moments": moments,
    "smooth": lambda a, f, o: image(
        a.convolve2d(o, major="4.32arcsec", minor="2.88arcsec", pa="30deg"), o
    ),
    "round": lambda a, f, o: image(a.convolve2d(o, major="3.6arcsec", minor="3.6arcsec", pa="0deg"), o),
    "rebin": lambda a, f, o: image(a.rebin(o, [2, 2, 2]), o),
    "hanning": lambda a, f, o: image(a.hanning(o, axis=2, drop=False), o),
    "regrid": regrid,
}  # fmt: skip


def run(case: str, files: Files, out: str) -> dict[str, Any]:
    tool = opened(files["image"])
    try:
        return CASES[case](tool, files, out)
    finally:
        tool.done()


def pixels(path: str) -> np.ndarray:
    tool = opened(path)
    values, good = tool.getchunk(), tool.getchunk(getmask=True)
    tool.done()
    return np.asarray(np.where(good, values, np.nan).T)


def measure(task: dict[str, Any]) -> dict[str, Any]:
    import casatools

    casatools.logsink().filterMsg([])
    Path(task["out"]).parent.mkdir(parents=True, exist_ok=True)
    found = time_calls(task, run, pixels, settle_memory)
    return found | {"versions": {"casatools": casatools.version_string()}}


if __name__ == "__main__":
    report(measure)
