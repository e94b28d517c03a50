"""Statistics of the good pixels in a circle on the sky, beside CASA's: ``python -m benchmarks regions``.

Both read the same pixels, a tenth of them bad: lattice a FITS file in which these are NaN, CASA its own image
with a pixel mask made of that file.  Each number comes from a fresh process; the first call in it is kept
apart from the later ones, each of which opens the image anew.
"""

from __future__ import annotations

import json
import math
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.compare import worker_environment
from benchmarks.data import BLOCK, fits_header, plane
from benchmarks.machine import machine_facts, settle_memory
from benchmarks.worker import MARK

__all__ = [
    "CASES",
    "Case",
    "casa_image",
    "circle",
    "make_masked",
    "render_regions",
    "report_of",
    "run_regions",
    "warm",
]

BAD = 0.1  # share of bad pixels
_CLASSIC = ("npts", "sum", "sumsq", "mean", "sigma", "rms", "min", "max")
_ROBUST = ("median", "medabsdevmed", "quartile", "q1", "q3")


@dataclass(frozen=True)
class Case:
    """One way to ask for statistics.

    Attributes
    ----------
    key : str
        Short name.
    text : str
        What it is.
    robust : bool
        Whether order statistics are computed too, as CASA's imstat does by default.
    planes : bool
        Whether there is one result for each plane.
    """

    key: str
    text: str
    robust: bool = False
    planes: bool = False

    @property
    def keys(self) -> tuple[str, ...]:
        """The statistics that are compared."""
        return _CLASSIC + (_ROBUST if self.robust else ())


CASES = (
    Case("classic", "npts, sum, mean, sigma, rms, extremes"),
    Case("robust", "these, median, medabsdevmed, quartiles", robust=True),
    Case("planes", "the first, plane by plane", planes=True),
)


def circle(shape: tuple[int, int, int], share: float = 0.78) -> str:
    """A circle on the sky around the middle, in CRTF; its radius is about that share of half a length.

    No pixel is just outside of it: CASA rounds so that pixels up to some thousandths beyond the edge belong,
    on some sides.
    """
    middle = [n // 2 for n in shape[1:]]
    squares = np.add.outer(*[(np.arange(n) - n // 2) ** 2 for n in shape[1:]]).ravel()
    wanted = share * min(middle)
    distances = np.sqrt(
        np.unique(squares[(squares > (0.9 * wanted) ** 2) & (squares <= (1.1 * wanted) ** 2)])
    )
    gaps = np.diff(distances)
    near = np.abs(distances[:-1] - wanted) < 0.02 * wanted + 1
    best = int(np.argmax(np.where(near, gaps, 0)))
    radius = distances[best] + 0.1 * gaps[best]
    return f"circle[[83.633deg, 22.0145deg], {2.0e-4 * radius:.12g}deg], coord=ICRS"


def make_masked(folder: Path, shape: tuple[int, int, int]) -> Path:
    """The first cube of the other benchmarks with a tenth of its pixels NaN, as FITS."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"masked-{'x'.join(map(str, shape))}.fits"
    if path.exists():
        return path
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        file.write(fits_header(shape))
        for index in range(shape[0]):
            values = plane("a", index, shape[1:])
            bad = np.random.Generator(np.random.SFC64([7, index])).random(shape[1:], np.float32) < BAD
            values[bad] = np.nan
            file.write(memoryview(values.astype(">f4")).cast("B"))
        file.write(bytes(-4 * math.prod(shape) % BLOCK))
    part.rename(path)
    return path


def measure(task: dict[str, Any]) -> dict[str, Any]:
    """lattice's side: seconds of every call, and the statistics of the last one."""
    import lattice

    seconds: list[float] = []
    numbers: dict[str, list[float]] = {}
    settle_memory(task["nbytes"])
    for region in (task["tiny"], *[task["region"]] * task["calls"]):
        start = time.perf_counter()
        image = lattice.open(task["image"])
        found = image.statistics(
            robust=task["robust"], dims=("y", "x") if task["planes"] else None, region=region
        )
        found = found.compute()
        numbers = {key: np.ravel(getattr(found[key], "values", found[key])).tolist() for key in task["keys"]}
        seconds.append(time.perf_counter() - start)
    return {"seconds": seconds[1:], "numbers": numbers, "versions": {"lattice": lattice.__version__}}


def report_of(command: list[str], threads: int, folder: Path, timeout: float) -> dict[str, Any]:
    """Run one side in a process of its own."""
    environment = worker_environment(threads)
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=timeout, env=environment, cwd=folder, check=False
        )
    except subprocess.TimeoutExpired:
        return {"error": f"no result within {timeout:.0f} s"}
    except OSError as error:
        return {"error": f"{command[0]}: {error.strerror}"}
    for line in reversed(done.stdout.splitlines()):
        if line.startswith(MARK):
            report: dict[str, Any] = json.loads(line[len(MARK) :])
            return report
    last = (done.stderr.strip().splitlines() or ["nothing on its error output"])[-1]
    return {"error": f"ended with code {done.returncode}: {last[:200]}"}


def casa_image(casa: str, source: Path, timeout: float) -> Path:
    """CASA's image of a FITS file, made once."""
    target, marker = source.with_suffix(".image"), source.with_suffix(".image.done")
    if not marker.exists():
        script = Path(__file__).with_name("casa_regions.py")
        command = [casa, str(script), "copy", str(source), str(target)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)
        if done.returncode or not target.exists():
            last = (done.stderr.strip().splitlines() or [f"code {done.returncode}"])[-1]
            raise RuntimeError(f"CASA made no image of {source.name}: {last}")
        marker.write_text("")
        os.sync()
    return target


def warm(path: Path) -> None:
    """Read a file or a folder, so that it is in the page cache."""
    buffer = bytearray(8 << 20)
    for part in [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file()):
        with part.open("rb", buffering=0) as file:
            while file.readinto(buffer):
                pass


def run_regions(
    folder: Path,
    shape: tuple[int, int, int],
    casa: str | None,
    repeat: int,
    threads: int,
    say: Callable[[str], None],
    timeout: float = 900.0,
) -> dict[str, Any]:
    """Make the data, time every case on both sides and compare; without `casa` lattice alone."""
    say("making the cubes")
    source = make_masked(folder.resolve(), shape)
    images = {"lattice": source}
    if casa:
        images["casa"] = casa_image(casa, source, timeout)
    script = str(Path(__file__).with_name("casa_regions.py"))
    commands = {"lattice": [sys.executable, "-m", "benchmarks.regions"], "casa": [casa or "", script, "time"]}
    tiny = circle((1, *(max(8, n // 64) for n in shape[1:])))
    cells: dict[str, dict[str, Any]] = {case.key: {name: {"all": []} for name in images} for case in CASES}
    versions: dict[str, str] = {}
    for case in CASES:
        for _ in range(repeat):
            for name, image in images.items():
                task = {
                    "image": str(image), "region": circle(shape), "tiny": tiny, "robust": case.robust,
                    "planes": case.planes, "axes": [0, 1] if case.planes else [-1], "keys": case.keys,
                    "calls": 3, "nbytes": 4 * math.prod(shape),
                }  # fmt: skip
                warm(image)
                report = report_of([*commands[name], json.dumps(task)], threads, folder.resolve(), timeout)
                cell = cells[case.key][name]
                if "error" in report:
                    cell["error"] = report["error"]
                    say(f"  {case.key:8} {name:8} FAILED: {report['error']}")
                    continue
                cell["all"].append([round(s, 5) for s in report["seconds"]])
                cell["numbers"] = report["numbers"]
                versions |= report["versions"]
                say(f"  {case.key:8} {name:8} " + " ".join(f"{s:8.4f}" for s in report["seconds"]) + " s")
        _summarise(cells[case.key])
    return {
        "machine": machine_facts(),
        "shape": list(shape),
        "threads": threads,
        "repeat": repeat,
        "region": circle(shape),
        "versions": versions,
        "cells": cells,
        "mismatches": [m for case in CASES for m in find_differences(case, cells[case.key])],
    }


def _summarise(cells: dict[str, Any]) -> None:
    """Add the medians over processes of the first call and of the later ones, and the ratios to lattice."""
    for cell in cells.values():
        if cell["all"]:
            cell["first"] = statistics.median(calls[0] for calls in cell["all"])
            cell["seconds"] = statistics.median(s for calls in cell["all"] for s in calls[1:])
    base = cells["lattice"]
    for name, cell in cells.items():
        if name != "lattice" and "seconds" in cell and "seconds" in base:
            cell["ratio"] = cell["seconds"] / base["seconds"]
            cell["first_ratio"] = cell["first"] / base["first"]


def find_differences(case: Case, cells: dict[str, Any]) -> list[str]:
    """Sentences about statistics in which the two differ; npts and extremes must be equal."""
    found = []
    ours, theirs = (cells.get(name, {}).get("numbers") for name in ("lattice", "casa"))
    for key in case.keys if ours and theirs else ():
        a, b = np.asarray(ours[key], float), np.asarray(theirs[key], float)
        exact = key in ("npts", "min", "max")
        if a.shape != b.shape or not np.allclose(a, b, rtol=0 if exact else 1e-6, atol=0 if exact else 1e-7):
            found.append(f"{case.key}: {key} is {a.flat[0]:.9g} in lattice, {b.flat[0]:.9g} in CASA")
    return found


def render_regions(result: dict[str, Any]) -> str:
    """The table that is printed."""
    shape, machine = "x".join(map(str, result["shape"])), result["machine"]
    names = ", ".join(f"{k} {v}" for k, v in result["versions"].items())
    lines = [
        f"statistics in {result['region']}",
        f"of a float32 cube of {shape}, a tenth of it masked;",
        f"{machine['cpu']}, {machine['cores']} cores, {result['threads']} threads ({names});",
        f"seconds: median of {result['repeat']} processes, later calls and (first call)",
        "",
        f"{'':40}{'lattice':>18}{'CASA':>18}{'ratio':>16}",
    ]
    for case in CASES:
        cells = result["cells"][case.key]
        row = f"{case.text:40}" + "".join(f"{_times(cells.get(name)):>18}" for name in ("lattice", "casa"))
        casa = cells.get("casa", {})
        lines.append(row + (f"{casa['ratio']:8.1f} ({casa['first_ratio']:.1f})" if "ratio" in casa else ""))
    lines += [
        f"! {key}, {n}: {c['error']}"
        for key, cs in result["cells"].items()
        for n, c in cs.items()
        if "error" in c
    ]
    if result["mismatches"]:
        lines += ["", "THE RESULTS DO NOT AGREE:", *(f"  {m}" for m in result["mismatches"])]
    elif "casa" in result["cells"]["classic"]:
        lines += ["", "the results agree"]
    return "\n".join(lines) + "\n"


def _times(cell: dict[str, Any] | None) -> str:
    return f"{cell['seconds']:.3f} ({cell['first']:.3f})" if cell and "seconds" in cell else "-"


if __name__ == "__main__":
    print(MARK + json.dumps(measure(json.loads(sys.argv[1]))), flush=True)
