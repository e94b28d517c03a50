"""Small and random sections of a CASA image: 16 threads beside one, each section compared.

``python -m benchmarks casa`` runs it; the worker half runs as ``python -m benchmarks.casa_sections JSON``.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.compare import Settings, run_worker
from benchmarks.data import Dataset
from benchmarks.worker import MARK

__all__ = ["KINDS", "describe_sections", "make_sections", "run_kind", "run_sections"]

Section = tuple[slice, ...]

#: key, what is read, shape of the sections (None: any), how many, how many times the speed of one thread
KINDS: dict[str, tuple[str, tuple[int, ...] | None, int, float]] = {
    "random": ("sections between two random corners", None, 64, 1.5),
    "flat": ("sections of 8x100x100 pixels", (8, 100, 100), 1000, 1.5),
    "long": ("sections of 64x20x20 pixels", (64, 20, 20), 1000, 1.5),
}
THREADS = 16


def make_sections(kind: str, shape: Sequence[int]) -> list[Section]:
    """Return the sections of a kind, the same each time."""
    _, wanted, count, _ = KINDS[kind]
    rng = np.random.default_rng(len(kind))
    found = []
    for _ in range(count):
        section = []
        for axis, n in enumerate(shape):
            if wanted is None:
                start, last = sorted(int(i) for i in rng.integers(0, n, 2))
                section.append(slice(start, last + 1, 1))
            else:
                length = min(n, wanted[axis])
                start = int(rng.integers(0, n - length + 1))
                section.append(slice(start, start + length, 1))
        found.append(tuple(section))
    return found


def run_sections(
    data: Dataset, settings: Settings, repeat: int, say: Callable[[str], None]
) -> dict[str, dict[str, Any]]:
    """Run all kinds, each in a process of its own; return what was measured."""
    cells: dict[str, dict[str, Any]] = {}
    for kind, (text, *_) in KINDS.items():
        task = {"kind": kind, "folder": str(data.folder), "shape": data.shape, "repeat": repeat}
        report = run_worker({"peer": "lattice", **task}, settings, "benchmarks.casa_sections")
        cells[kind] = report
        if "error" in report:
            say(f"  {text} FAILED: {report['error']}")
            continue
        report["ratio"] = statistics.median(report["one"]) / statistics.median(report["many"])
        say(f"  {text} {report['ratio']:.2f}")
    return cells


def describe_sections(cells: dict[str, dict[str, Any]]) -> list[str]:
    """Return a line per kind."""
    lines = []
    for kind, (text, _, _, wanted) in KINDS.items():
        cell = cells.get(kind, {})
        if "ratio" not in cell:
            lines.append(f"{text:52} failed")
            continue
        one, many = (1e6 * statistics.median(cell[name]) / cell["count"] for name in ("one", "many"))
        remark = "" if cell["agree"] else "  THE PIXELS DIFFER"
        lines.append(
            f"{text:52} one thread {one:.0f} us each, {THREADS} threads {many:.0f} us: "
            f"{cell['ratio']:.2f}x (wanted {wanted:g}x){remark}"
        )
    return lines


def run_kind(task: dict[str, Any]) -> dict[str, Any]:
    """Read all sections of a kind with one thread and with many, in turns; return the seconds of each."""
    import lattice

    data = Dataset(Path(task["folder"]), tuple(task["shape"]))  # type: ignore[arg-type]
    stored: Any = lattice.open(str(data.path("a", "casa"))).node
    read = stored.reader.read
    sections = make_sections(task["kind"], stored.reader.shape)
    data.warm("casa")

    def check(section: Section) -> int:
        return zlib.crc32(read(section))

    def only(section: Section) -> None:
        read(section)

    one: list[float] = []
    many: list[float] = []
    with ThreadPoolExecutor(THREADS) as pool:
        # first calls are not timed
        agree = [check(s) for s in sections] == list(pool.map(check, sections))
        for _ in range(task["repeat"]):
            start = time.perf_counter()
            for section in sections:
                only(section)
            middle = time.perf_counter()
            parts = [sections[k::THREADS] for k in range(THREADS)]
            list(pool.map(lambda part: [only(s) for s in part], parts))
            one.append(middle - start)
            many.append(time.perf_counter() - middle)
    return {"one": one, "many": many, "agree": agree, "count": len(sections)}


def main() -> None:
    """Do the task on the command line; the report is the last line of the output."""
    try:
        report = run_kind(json.loads(sys.argv[1]))
    except Exception as error:
        report = {"error": f"{type(error).__name__}: {error}".splitlines()[0][:300]}
    print(MARK + json.dumps(report), flush=True)


if __name__ == "__main__":
    main()
