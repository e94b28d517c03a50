"""A pipeline of CASA's tools and tasks, the same script in real CASA and on lattice.

``python -m benchmarks pipeline --casa PYTHON`` makes a cube and runs ``pipeline_script.py`` in both by turns,
each in a process and a folder of its own, imports included, and compares the files that it wrote.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["OUTPUTS", "SCRIPT", "compared", "make_inputs", "render_pipeline", "run_pipeline"]

SCRIPT = Path(__file__).resolve().parent / "pipeline_script.py"
OUTPUTS = ("smooth_im", "map_integrated", "map_weighted_coord", "wide_im")

_COMMON = {
    "RADESYS": "FK5", "EQUINOX": 2000.0, "SPECSYS": "LSRK", "RESTFRQ": 1.420405752e9, "BUNIT": "Jy/beam",
    "TELESCOP": "VLA",
}  # fmt: skip


def make_inputs(folder: Path, shape: tuple[int, int, int]) -> tuple[Path, Path]:
    """Write a cube (noise, lines, some bad pixels) and an image with a coarser grid; return their paths."""
    nz, ny, nx = shape
    random = np.random.default_rng(7)
    cube = folder / "cube.fits"
    y, x = np.mgrid[0:ny, 0:nx].astype(np.float32)
    sky = [np.exp(-((x - nx * a) ** 2 + (y - ny * a) ** 2) / (nx / 8) ** 2) for a in (0.35, 0.65)]
    values = np.empty(shape, ">f4")
    for k in range(nz):
        profile = [np.exp(-(((k - nz * c) / (nz / 12)) ** 2)) for c in (0.5, 0.75)]
        values[k] = random.normal(0.3, 0.1, (ny, nx)) + sum(s * p for s, p in zip(sky, profile, strict=True))
    values[nz // 2, : ny // 8, : nx // 8] = np.nan
    axis = {"CTYPE3": "FREQ", "CRVAL3": 1.42e9, "CDELT3": 2e4, "CRPIX3": 1.0, "CUNIT3": "Hz"}
    _write(cube, values, _sky(nx, ny, 2.0) | axis | _COMMON)
    grid = folder / "grid.fits"
    small = (max(4, int(ny / 1.5)), max(4, int(nx / 1.5)))
    _write(grid, np.zeros(small, ">f4"), _sky(small[1] + 0.6, small[0] + 0.4, 3.0) | _COMMON)
    return cube, grid


def _sky(nx: float, ny: float, size: float) -> dict[str, Any]:
    return {
        "CTYPE1": "RA---SIN", "CRVAL1": 180.0, "CDELT1": -size / 3600, "CRPIX1": nx / 2, "CUNIT1": "deg",
        "CTYPE2": "DEC--SIN", "CRVAL2": 30.0, "CDELT2": size / 3600, "CRPIX2": ny / 2, "CUNIT2": "deg",
    }  # fmt: skip


def _write(path: Path, values: np.ndarray, cards: dict[str, Any]) -> None:
    """Write a FITS file with numpy alone."""
    sizes = {f"NAXIS{k + 1}": n for k, n in enumerate(values.shape[::-1])}
    head = {"SIMPLE": True, "BITPIX": -32, "NAXIS": values.ndim} | sizes | cards
    text = "".join(f"{key:<8}= {_shown(value)}".ljust(80) for key, value in head.items()) + "END".ljust(80)
    with path.open("wb") as file:
        file.write(text.ljust(-(-len(text) // 2880) * 2880).encode("ascii"))
        file.write(values.astype(">f4").tobytes())
        file.write(b"\0" * (-values.size * 4 % 2880))


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return f"{'T' if value else 'F':>20}"
    return f"'{value:<8}'" if isinstance(value, str) else f"{value!r:>20}".replace("e", "E")


def run_pipeline(
    casa: str | None,
    shape: tuple[int, int, int],
    repeat: int,
    folder: Path,
    say: Callable[[str], None],
) -> dict[str, Any]:
    """Run the script in both and return what was measured, and how far the files are apart."""
    place = folder / f"pipeline-{os.getpid()}"
    place.mkdir(parents=True)
    try:
        inputs = make_inputs(place, shape)
        commands = {"lattice": [sys.executable, "-m", "lattice.compat.casa", str(SCRIPT)]}
        if casa is not None:
            commands["casa"] = [casa, str(SCRIPT)]
        cells: dict[str, Any] = {name: {"all": [], "all_cpu": []} for name in commands}
        for turn in range(max(1, repeat)):
            for name, command in commands.items():
                own = place / name
                shutil.rmtree(own, ignore_errors=True)
                own.mkdir()
                wall, cpu = _timed([*command, *map(str, inputs)], own)
                cells[name]["all"].append(round(wall, 3))
                cells[name]["all_cpu"].append(round(cpu, 3))
                say(f"  {name:8} {wall:8.2f} s, {cpu:8.2f} s of processors  (run {turn + 1})")
        for cell in cells.values():
            cell |= {"seconds": statistics.median(cell["all"]), "cpu": statistics.median(cell["all_cpu"])}
        result: dict[str, Any] = {"shape": list(shape), "cells": cells}
        if casa is not None:
            result["ratio"] = cells["casa"]["seconds"] / cells["lattice"]["seconds"]
            result["cpu_ratio"] = cells["casa"]["cpu"] / cells["lattice"]["cpu"]
            result["apart"] = compared(place / "casa", place / "lattice")
        return result
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _timed(command: list[str], folder: Path) -> tuple[float, float]:
    def used() -> float:
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        return children.ru_utime + children.ru_stime

    begin, before = time.perf_counter(), used()
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{command[0]}: {done.stderr[-2000:]}")
    return time.perf_counter() - begin, used() - before


def compared(theirs: Path, ours: Path) -> dict[str, float]:
    """Return how far the files of two runs are apart: of images the largest difference, in units of the peak.

    Pixels that are bad in one of the two only count as infinitely far apart.
    """
    out = {}
    for name in OUTPUTS:
        a, b = (pixels(place / f"{name}.fits") for place in (theirs, ours))
        same = a.shape == b.shape and np.array_equal(np.isnan(a), np.isnan(b))
        out[name] = float(np.nanmax(np.abs(a - b)) / np.nanmax(np.abs(a))) if same else float("inf")
    numbers = [json.loads((place / "numbers.json").read_text()) for place in (theirs, ours)]
    out["numbers"] = max(
        float(np.max(np.abs(np.subtract(numbers[0][key], numbers[1][key])) / np.max(np.abs(numbers[0][key]))))
        for key in numbers[0]
    )
    return out


def pixels(path: Path) -> np.ndarray:
    """Return the pixels of a FITS file."""
    from astropy.io import fits

    with fits.open(path) as file:
        return np.array(file[0].data, np.float64)


def render_pipeline(result: dict[str, Any]) -> str:
    """Return the figures as text."""
    cells = result["cells"]
    lines = [
        f"pipeline on a cube of {'x'.join(map(str, result['shape']))}, from FITS to FITS, imports included"
    ]
    for name, cell in cells.items():
        lines.append(f"{name:8} {cell['seconds']:8.2f} s, {cell['cpu']:8.2f} s of processors")
    if "ratio" in result:
        lines.append(f"lattice is {result['ratio']:.1f} times as fast; processors {result['cpu_ratio']:.1f}")
        far = ", ".join(f"{name} {value:.1e}" for name, value in result["apart"].items())
        lines.append(f"files apart by: {far}")
    return "\n".join(lines)
