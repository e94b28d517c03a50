"""Run the peers side by side: row by row, repeat by repeat, peer by peer."""

from __future__ import annotations

import json
import math
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.data import TINY, Dataset, make_dataset
from benchmarks.machine import machine_facts
from benchmarks.peers import load_peer
from benchmarks.rows import Row
from benchmarks.worker import MARK

__all__ = ["Settings", "compare", "find_mismatches", "run_worker", "summarise"]

ROOT = Path(__file__).resolve().parent.parent
THREAD_VARIABLES = (
    "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS",
    "NUMEXPR_MAX_THREADS", "NUMBA_NUM_THREADS", "VIPS_CONCURRENCY", "LATTICE_WORKERS",
)  # fmt: skip


@dataclass(frozen=True)
class Settings:
    """What one comparison runs."""

    folder: Path
    shape: tuple[int, int, int]
    rows: tuple[Row, ...]
    peers: tuple[str, ...]
    repeat: int = 3
    threads: int = 2
    timeout: float = 900.0
    pythons: dict[str, str] = field(default_factory=dict)


def worker_environment(threads: int) -> dict[str, str]:
    """The caller's environment with the same number of threads for everybody."""
    environment = dict(os.environ)
    environment.update(dict.fromkeys(THREAD_VARIABLES, str(threads)))
    environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), *filter(None, [environment.get("PYTHONPATH")])])
    return environment


def run_worker(task: dict[str, Any], settings: Settings, module: str = "benchmarks.worker") -> dict[str, Any]:
    """Start one worker and return its report; whatever goes wrong becomes ``{"error": ...}``."""
    python = settings.pythons.get(task["peer"], sys.executable)
    command = [python, "-m", module, json.dumps(task)]
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=settings.timeout,
            env=worker_environment(settings.threads),
            cwd=settings.folder,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return {"error": f"no result within {settings.timeout:.0f} s"}
    for line in reversed(done.stdout.splitlines()):
        if line.startswith(MARK):
            report: dict[str, Any] = json.loads(line[len(MARK) :])
            return report
    last = (done.stderr.strip().splitlines() or ["nothing on its error output"])[-1]
    return {"error": f"ended with code {done.returncode}: {last[:200]}"}


def measure_limits(source: Path, settings: Settings) -> dict[str, float]:
    """The physical limits, once, in a fresh process."""
    command = [
        sys.executable,
        "-m",
        "benchmarks.limits",
        str(source),
        str(settings.folder),
        str(settings.threads),
    ]
    environment = worker_environment(settings.threads)
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def compare(settings: Settings, say: Callable[[str], None]) -> dict[str, Any]:
    """Make the data, run everything and return the raw and the summarised numbers."""
    facts = machine_facts()
    forms = sorted({load_peer(name).form for name in settings.peers} | {"fits"})
    say(f"making the cubes ({', '.join(forms)})")
    data = make_dataset(settings.folder, settings.shape, forms)
    tiny = make_dataset(settings.folder, TINY, forms)
    # One call that does not count: the first new file after the inputs is always slower.
    measure_limits(data.path("a", "fits"), settings)
    cells: dict[str, dict[str, Any]] = {}
    versions: dict[str, dict[str, str]] = {}
    limits: dict[str, list[float]] = {}
    for row in settings.rows:
        cells[row.key] = _run_row(row, settings, data, tiny, versions, limits, say)
    return summarise(
        {
            "machine": facts,
            "shape": list(settings.shape),
            "threads": settings.threads,
            "repeat": settings.repeat,
            "rows": {row.key: row.text for row in settings.rows},
            "notes": {name: load_peer(name).note for name in settings.peers},
            "versions": versions,
            "cells": cells,
            "limit_seconds": limits,
            "mismatches": [
                m for row in settings.rows for m in find_mismatches(row, cells[row.key], data.pixels)
            ],
        }
    )


def _run_row(
    row: Row,
    settings: Settings,
    data: Dataset,
    tiny: Dataset,
    versions: dict[str, dict[str, str]],
    limits: dict[str, list[float]],
    say: Callable[[str], None],
) -> dict[str, Any]:
    """All repeats of one row: each repeat goes through all peers before the next one begins."""
    cells: dict[str, Any] = {}
    for name in settings.peers:
        reason = load_peer(name).unable.get(row.key)
        cells[name] = {"unable": reason} if reason else {"all": [], "peak": 0}
    for repeat in range(settings.repeat):
        if row.key == "scale" or (repeat == 0 and "scale" not in [r.key for r in settings.rows]):
            for key, seconds in measure_limits(data.path("a", "fits"), settings).items():
                limits.setdefault(key, []).append(seconds)
        for name in settings.peers:
            cell = cells[name]
            if "unable" in cell or "error" in cell:
                continue
            report = run_worker(_task(name, row, data, tiny, settings, repeat == 0), settings)
            if "error" in report:
                cell["error"] = report["error"]
                say(f"  {row.key:9} {name:14} FAILED: {report['error']}")
                continue
            versions.setdefault(name, report["versions"])
            cell["all"].append(round(report["seconds"], 5))
            cell["peak"] = max(cell["peak"], report["peak"])
            cell.setdefault("warm_up", round(report["warm_up"], 3))
            if repeat == 0:
                cell["numbers"] = report["numbers"]
            say(f"  {row.key:9} {name:14} {report['seconds']:8.3f} s  {report['peak'] / 1e6:7.0f} MB")
    return cells


def _task(
    name: str, row: Row, data: Dataset, tiny: Dataset, settings: Settings, check: bool
) -> dict[str, Any]:
    return {
        "peer": name,
        "row": row.key,
        "folder": str(data.folder),
        "shape": data.shape,
        "tiny_folder": str(tiny.folder),
        "tiny_shape": tiny.shape,
        "out": str(settings.folder / f"out-{row.key}-{name}-{os.getpid()}"),
        "threads": settings.threads,
        "check": check,
    }


def find_mismatches(row: Row, cells: dict[str, Any], pixels: int) -> list[str]:
    """Sentences about peers that disagree with the median of all peers."""
    found: list[str] = []
    results = {name: cell["numbers"] for name, cell in cells.items() if cell.get("numbers")}
    keys = sorted({key for numbers in results.values() for key in numbers})
    for key in keys:
        values = {name: numbers[key] for name, numbers in results.items() if key in numbers}
        middle = statistics.median_low(values.values())
        for name, value in values.items():
            if row.saves:
                scale = statistics.median(numbers["sumabs"] for numbers in results.values())
                # A pixel that equals the limit to the last bit may fall on either side.
                allowed = {"good": 2e-6 * pixels, "picks": 1e-3 * max(1.0, abs(middle))}.get(
                    key, 2e-6 * scale
                )
            else:
                allowed = row.tolerance(middle, pixels)
            if not math.isfinite(value) or abs(value - middle) > allowed:
                found.append(f"{row.key}: {name} has {key} = {value:.9g}, the others {middle:.9g}")
    return found


def summarise(result: dict[str, Any], base: str = "lattice") -> dict[str, Any]:
    """Add medians, ratios to ``base``, geometric means and the smallest ratios."""
    for cells in result["cells"].values():
        for cell in cells.values():
            if cell.get("all") and "error" not in cell:
                cell["seconds"] = statistics.median(cell["all"])
        reference = cells.get(base, {}).get("seconds")
        for cell in cells.values():
            if reference and "seconds" in cell:
                cell["ratio"] = cell["seconds"] / reference
    result["base"] = base
    result["limits"] = {key: statistics.median(values) for key, values in result["limit_seconds"].items()}
    result["summary"] = {}
    for name in result["notes"]:
        ratios = {k: c[name]["ratio"] for k, c in result["cells"].items() if "ratio" in c.get(name, {})}
        if name != base and ratios:
            lowest = min(ratios, key=lambda key: ratios[key])
            result["summary"][name] = {
                "geometric_mean": math.exp(statistics.fmean(math.log(r) for r in ratios.values())),
                "smallest": ratios[lowest],
                "smallest_row": lowest,
                "rows": len(ratios),
            }
    scale = result["cells"].get("scale", {})
    copy = result["limits"].get("copyfile")
    result["scale_over_copy"] = {
        name: cell["seconds"] / copy for name, cell in scale.items() if copy and "seconds" in cell
    }
    return result


def parse_pythons(items: Sequence[str]) -> dict[str, str]:
    """``NAME=PATH`` pairs: the interpreter that runs a peer."""
    pairs = [item.partition("=") for item in items]
    if any(not separator for _, separator, _ in pairs):
        raise ValueError("an interpreter is given as NAME=PATH, for example casacore=/usr/bin/python3")
    return {name: path for name, _, path in pairs}
