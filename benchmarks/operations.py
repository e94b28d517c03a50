"""Operations on a cube beside CASA's and spectral-cube's: ``python -m benchmarks operations``.

All three do the same to the same pixels: lattice and spectral-cube read and write FITS, CASA its own images.
Each number comes from a fresh process; the first call in it is kept apart from the later ones, each of which
opens the image anew and ends when the result is on disk, or its numbers are in hand.
"""

from __future__ import annotations

import math
import os
import statistics
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.data import TINY, fits_header, make_dataset
from benchmarks.machine import machine_facts
from benchmarks.operation_peers import OF_SPECTRAL_CUBE
from benchmarks.regions import casa_image, make_masked, report_of, warm
from benchmarks.worker import remove

__all__ = ["CASES", "Case", "find_cases", "find_differences", "render_operations", "run_operations"]

PEERS = {"lattice": "lattice", "casa": "CASA", "spectral-cube": "spectral-cube"}
WANTED = {"casa": 10.0, "spectral-cube": 5.0}  # geometric means of the ratios


@dataclass(frozen=True)
class Case:
    """One operation.

    Attributes
    ----------
    key : str
        Short name.
    text : str
        What it is.
    near : float
        How far pixels may be apart, in units of the noise, and numbers in relation to themselves: single
        precision, and kernels that are cut off at different distances.
    inner : int
        Pixels to leave out at either end of the slowest axis, where definitions differ.
    """

    key: str
    text: str
    near: float = 2e-5
    inner: int = 0


CASES = (
    Case("classic", "statistics, classic"),
    Case("robust", "statistics, robust", 2e-5),
    Case("planes", "statistics, plane by plane"),
    Case("masked", "sum of the pixels above a limit"),
    Case("masked map", "the same along the spectral axis", 1e-4),
    Case("median", "collapse median, spectral axis"),
    Case("moments", "moments 0 and 1", 1e-3),
    Case("smooth", "convolve2d gaussian, elliptical", 3e-3),
    Case("round", "convolve2d gaussian, round", 3e-3),
    Case("rebin", "rebin 2 x 2 x 2"),
    Case("hanning", "hanning", inner=1),
    Case("regrid", "regrid linear, rotated grid", 2e-3),
)


def find_cases(keys: str | None) -> tuple[Case, ...]:
    """The cases named in a comma separated list; all of them for None."""
    by_key = {case.key: case for case in CASES}
    wanted = [key.strip() for key in (keys or "").split(",") if key.strip()] or list(by_key)
    unknown = [key for key in wanted if key not in by_key]
    if unknown:
        raise ValueError(f"no such row: {', '.join(unknown)}; there are {', '.join(by_key)}")
    return tuple(by_key[key] for key in wanted)


def template_file(folder: Path, shape: tuple[int, int, int]) -> Path:
    """A grid for the planes: turned by 12 degrees, a little shifted, pixels 0.93 times as large."""
    from astropy.io import fits

    path = folder / f"template-{'x'.join(map(str, shape))}.fits"
    if not path.exists():
        header = fits.Header.fromstring(fits_header((1, *shape[1:])).decode("ascii"))
        cosine, sine = math.cos(math.radians(12)), math.sin(math.radians(12))
        header.update({"PC1_1": cosine, "PC1_2": -sine, "PC2_1": sine, "PC2_2": cosine})
        for n in (1, 2):
            header[f"CDELT{n}"] *= 0.93
            header[f"CRPIX{n}"] += 0.3 * n
        fits.PrimaryHDU(np.zeros((1, *shape[1:]), np.float32), header).writeto(path)
    return path


def _files(folder: Path, shape: tuple[int, int, int], bad: bool) -> dict[str, Path]:
    """The image, and the template for its planes, as FITS."""
    folder.mkdir(parents=True, exist_ok=True)
    if bad:
        image = make_masked(folder, shape)
    else:
        image = make_dataset(folder, shape, ["fits"], names=("a",)).path("a", "fits")
    return {"image": image, "template": template_file(folder, shape)}


def run_operations(
    folder: Path,
    shape: tuple[int, int, int],
    casa: str | None,
    spectral_cube: str | None,
    rows: str | None,
    bad: bool,
    repeat: int,
    calls: int,
    threads: int,
    say: Callable[[str], None],
    timeout: float = 900.0,
) -> dict[str, Any]:
    """Make the data, time every case of every program and compare.

    `casa` and `spectral_cube` are the interpreters that have them; None leaves a program out. With `bad` a
    tenth of the pixels is.
    """
    cases = find_cases(rows)
    say("making the cubes")
    folder = folder.resolve()
    inputs: dict[str, list[dict[str, Path]]] = {"lattice": [_files(folder, s, bad) for s in (TINY, shape)]}
    commands = {"lattice": [sys.executable, "-m", "benchmarks.operation_peers"]}
    if casa:
        inputs["casa"] = [
            {name: casa_image(casa, path, timeout) for name, path in files.items()}
            for files in inputs["lattice"]
        ]
        commands["casa"] = [casa, "-m", "benchmarks.casa_operations"]
    if spectral_cube:
        inputs["spectral-cube"] = inputs["lattice"]
        commands["spectral-cube"] = [spectral_cube, "-m", "benchmarks.operation_peers"]
    cells: dict[str, dict[str, Any]] = {}
    versions: dict[str, str] = {}
    for case in cases:
        cells[case.key] = {
            name: {"all": [], "all_cpu": []}
            for name in inputs
            if name != "spectral-cube" or case.key in OF_SPECTRAL_CUBE
        }
        for number in range(repeat):
            for name, cell in cells[case.key].items():
                tiny, files = ({k: str(p) for k, p in found.items()} for found in inputs[name])
                task = {
                    "peer": name, "case": case.key, "tiny": tiny, "files": files, "calls": calls,
                    "out": str(folder / f"out-operations-{os.getpid()}" / f"{case.key}-{name}"),
                    "keep": number == 0, "threads": threads, "nbytes": 4 * math.prod(shape),
                }  # fmt: skip
                warm(inputs[name][1]["image"])
                versions |= _run(task, commands[name], cell, case, threads, folder, timeout, say)
        _summarise(cells[case.key])
    remove(folder / f"out-operations-{os.getpid()}")
    return {
        "machine": machine_facts(),
        "shape": list(shape),
        "masked": bad,
        "threads": threads,
        "repeat": repeat,
        "versions": versions,
        "rows": {case.key: case.text for case in cases},
        "cells": cells,
        "summary": {name: _means(cells, name) for name in inputs if name != "lattice"},
        "mismatches": [m for case in cases for m in find_differences(case, cells[case.key])],
    }


def _run(
    task: dict[str, Any],
    command: Sequence[str],
    cell: dict[str, Any],
    case: Case,
    threads: int,
    folder: Path,
    timeout: float,
    say: Callable[[str], None],
) -> dict[str, str]:
    """Run one process and add what it reports to a cell; return the versions."""
    import json

    if "error" in cell:
        return {}
    found = report_of([*command, json.dumps(task)], threads, folder, timeout)
    name = f"  {case.key:10} {task['peer']:13}"
    if "error" in found:
        cell["error"] = found["error"]
        say(f"{name} FAILED: {found['error']}")
        return {}
    cell["all"].append([round(s, 5) for s in found["seconds"]])
    cell["all_cpu"].append([round(s, 5) for s in found["cpu"]])
    if task["keep"]:
        cell["found"] = dict(found["numbers"])
        for key, path in found["images"].items():
            cell["found"] |= digest(key, np.load(path, mmap_mode="r"), case.inner)
            Path(path).unlink()
    say(
        f"{name} " + " ".join(f"{s:8.4f}" for s in found["seconds"]) + " s, CPU "
        f"{statistics.median(found['cpu']):8.4f} s"
    )
    versions: dict[str, str] = found["versions"]
    return versions


def digest(key: str, values: np.ndarray, inner: int) -> dict[str, list[float]]:
    """Numbers that tell two images apart: how many pixels are good, and some of them from everywhere."""
    values = np.squeeze(values[inner : len(values) - inner])  # some keep the axis that goes
    n = 48 if values.ndim == 2 else 13
    places = [((np.arange(min(n, k)) + 0.5) * k / min(n, k)).astype(int) for k in values.shape]
    picked = values[np.ix_(*places)].astype(float).ravel()
    good = sum(int(np.count_nonzero(np.isfinite(part))) for part in values)
    return {f"{key}.good": [float(good)], f"{key}.pixels": [v if math.isfinite(v) else None for v in picked]}  # type: ignore[list-item]


def _summarise(cells: dict[str, Any]) -> None:
    """Add the medians over processes of the first call and of the later ones, and the ratios to lattice."""
    for cell in cells.values():
        if cell["all"] and "error" not in cell:
            cell["first"] = statistics.median(calls[0] for calls in cell["all"])
            for key, every in (("seconds", cell["all"]), ("cpu", cell["all_cpu"])):
                cell[key] = statistics.median(s for calls in every for s in calls[1:] or calls)
    base = cells["lattice"]
    for name, cell in cells.items():
        if name != "lattice" and "seconds" in cell and "seconds" in base:
            cell["ratio"] = cell["seconds"] / base["seconds"]
            cell["first_ratio"] = cell["first"] / base["first"]
            cell["cpu_ratio"] = cell["cpu"] / base["cpu"]


def _means(cells: dict[str, Any], name: str) -> dict[str, Any]:
    """Geometric means of the ratios, and the smallest."""
    with_ratio = {key: row[name] for key, row in cells.items() if "ratio" in row.get(name, {})}
    if not with_ratio:
        return {}
    lowest = min(with_ratio, key=lambda key: with_ratio[key]["ratio"])
    means = {
        key: math.exp(statistics.fmean(math.log(cell[key]) for cell in with_ratio.values()))
        for key in ("ratio", "first_ratio", "cpu_ratio")
    }
    return means | {"smallest": with_ratio[lowest]["ratio"], "smallest_row": lowest, "rows": len(with_ratio)}


def find_differences(case: Case, cells: dict[str, Any]) -> list[str]:
    """Sentences about results that are not those of lattice."""
    sentences = []
    ours = cells["lattice"].get("found")
    for name, cell in cells.items():
        theirs = cell.get("found")
        if name == "lattice" or not ours or not theirs:
            continue
        for key in sorted(ours.keys() & theirs.keys()):
            wrong = _different(case, key, ours[key], theirs[key])
            if wrong:
                sentences.append(f"{case.key}: {key} of {PEERS[name]} {wrong}")
    return sentences


def _different(case: Case, key: str, ours: list[Any], theirs: list[Any]) -> str:
    a, b = (np.array(v, float) for v in (ours, theirs))  # None becomes nan
    if a.shape != b.shape:
        return f"has {b.size} values, lattice {a.size}"
    if key.endswith(".good"):
        # pixels that the edge of the footprint just touches may count or not
        allowed = 2e-3 * a[0] if case.key == "regrid" else 0.0
        return f"is {b[0]:.0f}, in lattice {a[0]:.0f}" if abs(a[0] - b[0]) > allowed else ""
    if key.endswith(".pixels"):
        both = np.isfinite(a) & np.isfinite(b)
        if np.count_nonzero(np.isfinite(a) != np.isfinite(b)) > 0.01 * a.size:
            return "is good elsewhere"
        # of ratios of noise some are near infinity
        wide = np.abs(a - b) > case.near * np.maximum(1.0, np.abs(a))
        return f"differs in {np.count_nonzero(wide & both)} of {a.size} places" if (wide & both).any() else ""
    if key in ("npts", "min", "max") and case.key != "regrid":
        far = ~np.isclose(a, b, rtol=1e-7, atol=0)
    else:
        far = ~np.isclose(a, b, rtol=case.near, atol=1e-6)
    worst = int(np.argmax(far))
    return f"is {b[worst]:.9g}, in lattice {a[worst]:.9g}" if far.any() else ""


def render_operations(result: dict[str, Any]) -> str:
    """The tables that are printed."""
    shape, machine = "x".join(map(str, result["shape"])), result["machine"]
    names = ", ".join(f"{k} {v}" for k, v in result["versions"].items())
    peers = ["lattice", *result["summary"]]
    lines = [
        f"a float32 cube of {shape}{', a tenth of it masked' if result['masked'] else ''};",
        f"{machine['cpu']}, {machine['cores']} cores, {result['threads']} threads ({names});",
        f"median of {result['repeat']} processes, later calls (and first)",
    ]
    for title, key in (("seconds", "seconds"), ("seconds of processor", "cpu")):
        head = "".join(f"{PEERS[name]:>18}" + " " * 14 * (name != "lattice") for name in peers)
        lines += ["", f"{title:36}{head}".rstrip()]
        for row, cells in result["cells"].items():
            text = f"{result['rows'][row]:36}"
            lines.append(text + "".join(_cell(cells.get(name), key, name != "lattice") for name in peers))
        ratio = {"seconds": "ratio", "cpu": "cpu_ratio"}[key]
        means = [result["summary"][name].get(ratio) for name in peers[1:]]
        lines.append(f"{'geometric mean':54}" + "".join(f"{'':18}{m:13.1f}x" for m in means if m))
    for name, means in result["summary"].items():
        if means:
            lines += [
                "",
                f"{PEERS[name]}: {means['ratio']:.1f} times lattice's time (first calls"
                f" {means['first_ratio']:.1f}, wanted {WANTED[name]:g}),"
                f" at least {means['smallest']:.1f} ({means['smallest_row']})",
            ]
    lines += [
        f"! {key}, {n}: {c['error']}"
        for key, cs in result["cells"].items()
        for n, c in cs.items()
        if "error" in c
    ]
    if result["mismatches"]:
        lines += ["", "THE RESULTS DO NOT AGREE:", *(f"  {m}" for m in result["mismatches"])]
    elif len(peers) > 1:
        lines += ["", "the results agree"]
    return "\n".join(lines) + "\n"


def _cell(cell: dict[str, Any] | None, key: str, with_ratio: bool) -> str:
    if not cell or key not in cell:
        return f"{'-':>18}" + " " * 14 * with_ratio
    first = f" ({cell['first']:.3f})" if key == "seconds" else ""
    text = f"{cell[key]:.3f}{first}"
    if not with_ratio:
        return f"{text:>18}"
    ratio = cell.get({"seconds": "ratio", "cpu": "cpu_ratio"}[key])
    return f"{text:>18}" + (f"{ratio:13.1f}x" if ratio else " " * 14)
