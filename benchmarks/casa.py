"""CASA images against casacore: a cube read and written in tiles, and the expressions from image to image.

``python -m benchmarks casa`` makes the cubes and starts the workers, each in a process of its own, the two
programs in turn; the worker half of this module runs as ``python -m benchmarks.casa JSON``.
"""

from __future__ import annotations

import json
import math
import os
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.casa_sections import describe_sections, run_sections
from benchmarks.compare import Settings, compare, run_worker, summarise
from benchmarks.data import Dataset, make_dataset
from benchmarks.machine import settle_memory
from benchmarks.report import render
from benchmarks.rows import find_rows
from benchmarks.worker import MARK, remove

__all__ = ["CASES", "describe", "render_casa", "run_casa", "run_case", "with_ratios"]

#: key, what is timed, how many times casacore's speed lattice is to have
CASES = {
    "read": ("the cube by rows of tiles; casacore: getdata()", 5.0),
    "whole": ("the cube into one new array", 1.0),
    "tiles": ("the cube by rows of tiles, both", 1.0),
    "planes": ("64 planes of the cube, one by one", 1.0),
    "write": ("the cube from memory, by slabs of tiles", 3.0),
    "save": ("the cube from memory, whole; Image.save(), putdata()", 3.0),
}
WRITTEN = ("write", "save")
PROGRAMS = ("lattice", "casacore")
_SLAB = 32  # planes that are written at once


def run_casa(
    shape: tuple[int, int, int],
    rows: str | None,
    repeat: int,
    threads: int,
    folder: Path,
    timeout: float,
    say: Callable[[str], None],
) -> dict[str, Any]:
    """Run the cases and the expressions, and return what was measured."""
    settings = Settings(
        folder=folder.resolve(),
        shape=shape,
        rows=find_rows(rows),
        peers=("lattice-casa", "casacore"),
        repeat=repeat,
        threads=threads,
        timeout=timeout,
    )
    data = make_dataset(settings.folder, shape, ["casa"])
    cases: dict[str, Any] = {key: {name: {"all": []} for name in PROGRAMS} for key in CASES}
    for key, repetition in [(k, i) for k in CASES for i in range(repeat)]:
        for name in PROGRAMS:
            cell = cases[key][name]
            if "error" in cell:
                continue
            task = {
                "peer": name,
                "case": key,
                "folder": str(data.folder),
                "shape": shape,
                "threads": threads,
                "out": str(settings.folder / f"out-casa-{key}-{name}-{os.getpid()}.image"),
            }
            report = run_worker(task, settings, "benchmarks.casa")
            if "error" in report:
                cell["error"] = report["error"]
                say(f"  {key:9} {name:14} FAILED: {report['error']}")
                continue
            cell["all"].append(round(report["seconds"], 5))
            cell.setdefault("all_cpu", []).append(round(report["cpu"], 5))
            cell["sum"] = report["sum"]
            say(f"  {key:9} {name:14} {report['seconds']:8.3f} s  (run {repetition + 1})")
    sections = run_sections(data, settings, repeat, say)
    lists = summarise(compare(settings, say), base="lattice-casa")
    return {"cases": with_ratios(cases), "sections": sections, "nbytes": data.nbytes, "lists": lists}


def with_ratios(cases: dict[str, Any]) -> dict[str, Any]:
    """Add medians, and by how many times lattice is faster."""
    for key, cells in cases.items():
        for cell in cells.values():
            if cell["all"] and "error" not in cell:
                cell["seconds"] = statistics.median(cell["all"])
                cell["cpu"] = statistics.median(cell["all_cpu"])
        if all("seconds" in cells[name] for name in PROGRAMS):
            ours, theirs = (cells[name] for name in PROGRAMS)
            cells["ratio"] = theirs["seconds"] / ours["seconds"]
            # a number per box: the boxes are the same for both but in the first case
            cells["agree"] = key == "read" or math.isclose(
                ours["sum"], theirs["sum"], rel_tol=1e-6, abs_tol=1e-3
            )
    return cases


def render_casa(result: dict[str, Any]) -> str:
    """Return the figures as text."""
    lines = [*describe(result["cases"]), "", *describe_sections(result["sections"])]
    return "\n".join([*lines, "", render(result["lists"])])


def describe(cases: dict[str, Any]) -> list[str]:
    """Return a line per case."""
    lines = []
    for key, (text, wanted) in CASES.items():
        cells = cases[key]
        if "ratio" not in cells:
            lines.append(f"{text:52} failed")
            continue
        shown = ", ".join(
            f"{name} {cell['seconds']:.3f} s ({cell['cpu']:.2f} s of CPU)"
            for name, cell in ((name, cells[name]) for name in PROGRAMS)
        )
        remark = "" if cells["agree"] else "  THE RESULTS DO NOT AGREE"
        lines.append(f"{text:52} {shown}: {cells['ratio']:.1f}x (wanted {wanted:g}x){remark}")
    return lines


# -- the worker ---------------------------------------------------------------------------------


def _slabs(shape: tuple[int, ...], depth: int) -> Iterator[slice]:
    for start in range(0, shape[0], depth):
        yield slice(start, min(shape[0], start + depth), 1)


def _in_threads(work: Callable[[Any], float], jobs: list[Any], threads: int) -> float:
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(threads) as pool:
        return math.fsum(pool.map(work, jobs))


def _pick(values: np.ndarray) -> float:
    """A number that depends on every tile and costs next to nothing."""
    return float(values[..., ::61, ::67].sum(dtype=np.float64))


def _ours(
    case: str, path: Path, shape: tuple[int, ...], out: Path, threads: int, source: np.ndarray
) -> float:
    import lattice
    from lattice.graph.sections import shape_of
    from lattice.io.base import ImageSpec
    from lattice.io.casa.image import CasaFormat

    rest = tuple(slice(0, n, 1) for n in shape[1:])
    if case == "save":
        with lattice.set_options(workers=threads):
            lattice.Image(source).save(out, format="casa")
        return 0.0
    if case == "write":
        spec = ImageSpec(shape, ("frequency", "y", "x"), np.dtype(np.float32))
        with CasaFormat().create(str(out), spec) as output:

            def store(slab: slice) -> float:
                output.writer.write((slab, *rest), source[: slab.stop - slab.start], None)
                return 0.0

            return _in_threads(store, list(_slabs(shape, _SLAB)), threads)
    stored: Any = lattice.open(str(path)).node
    reader = stored.reader
    if case == "whole":
        whole = np.empty(shape, np.float32)

        def fill(slab: slice) -> float:
            return _pick(reader.read((slab, *rest), whole[slab]))

        return _in_threads(fill, list(_slabs(shape, reader.tile[0])), threads)
    boxes = _boxes(case, shape, reader.tile)
    used = threading.local()

    def look(box: tuple[slice, slice]) -> float:
        section = (*box, rest[1])
        buffer: np.ndarray | None = getattr(used, "buffer", None)
        if buffer is None or buffer.shape != shape_of(section):
            buffer = used.buffer = np.empty(shape_of(section), np.float32)
        return _pick(reader.read(section, buffer))

    return _in_threads(look, boxes, threads)


def _theirs(case: str, path: Path, shape: tuple[int, ...], out: Path, source: np.ndarray) -> float:
    from casacore.images import image

    if case in WRITTEN:
        target: Any = image(str(out), shape=shape)
        if case == "save":
            target.putdata(source)
        else:
            for slab in _slabs(shape, _SLAB):
                target.putdata(source[: slab.stop - slab.start], [slab.start, 0, 0])
        del target
        return 0.0
    stored: Any = image(str(path))
    if case in ("read", "whole"):
        whole = stored.getdata()
        return math.fsum(_pick(whole[slab]) for slab in _slabs(shape, 1))
    boxes = _boxes(case, shape, _tile(path))
    first = [([z.start, y.start, 0], [z.stop - 1, y.stop - 1, shape[2] - 1]) for z, y in boxes]
    return math.fsum(_pick(stored.getdata(begin, end)) for begin, end in first)


def _boxes(case: str, shape: tuple[int, ...], tile: tuple[int, ...]) -> list[tuple[slice, slice]]:
    """Return the first two axes of the sections that are read: 64 planes, or all rows of tiles."""
    depth, height = (1, shape[1]) if case == "planes" else tile[:2]
    found = [(z, y) for z in _slabs(shape, depth) for y in _slabs(shape[1:], height)]
    return found[:: max(1, len(found) // 64)] if case == "planes" else found


def _tile(path: Path) -> tuple[int, ...]:
    from lattice.io.casa.tables import Table
    from lattice.io.casa.tiled import array_layout

    return array_layout(Table(str(path)), "map").tile


def _source(case: str, shape: tuple[int, ...]) -> np.ndarray:
    """Return what is written: one slab again and again, or a whole cube whose planes differ."""
    slab = np.random.default_rng(1).standard_normal((_SLAB, *shape[1:]), dtype=np.float32)
    if case != "save":
        return slab
    cube = np.empty(shape, np.float32)
    for plane in range(shape[0]):
        np.add(slab[plane % _SLAB], plane, out=cube[plane])
    return cube


def _read_back(path: Path, shape: tuple[int, ...], ours: bool) -> float:
    """Return a number that depends on every tile that was written, by the program that wrote it."""
    if ours:
        import lattice

        whole: Any = lattice.open(str(path)).values
    else:
        from casacore.images import image

        whole = image(str(path)).getdata()
    return math.fsum(plane * _pick(whole[slab]) for plane, slab in enumerate(_slabs(shape, 1)))


def run_case(task: dict[str, Any]) -> dict[str, Any]:
    """Run one case of one program and return its seconds, and a number that both programs agree on."""
    shape, out = tuple(task["shape"]), Path(task["out"])
    data = Dataset(Path(task["folder"]), shape)  # type: ignore[arg-type]
    path = data.path("a", "casa")
    ours = task["peer"] == "lattice"

    def run(case: str, image: Path, cut: tuple[int, ...], pixels: np.ndarray) -> float:
        if ours:
            return _ours(case, image, cut, out, task["threads"], pixels)
        return _theirs(case, image, cut, out, pixels)

    small = tuple(min(n, 40) for n in shape)
    source = _source(task["case"], shape)  # is not timed
    try:
        # nor are imports and first calls
        little = source[: small[0], : small[1], : small[2]].copy()
        run("save" if task["case"] == "save" else "write", path, small, little)
        if task["case"] not in WRITTEN:
            run(task["case"], out, small, source)
        remove(out)
        data.warm("casa")
        settle_memory(2 * data.nbytes)
        start, busy = time.perf_counter(), time.process_time()
        total = run(task["case"], path, shape, source)
        seconds, cpu = time.perf_counter() - start, time.process_time() - busy
        if task["case"] in WRITTEN:
            total = _read_back(out, shape, ours)
    finally:
        remove(out)
    return {"seconds": seconds, "cpu": cpu, "sum": total}


def main() -> None:
    """Do the task on the command line; the report is the last line of the output."""
    try:
        report = run_case(json.loads(sys.argv[1]))
    except Exception as error:
        report = {"error": f"{type(error).__name__}: {error}".splitlines()[0][:300]}
    print(MARK + json.dumps(report), flush=True)


if __name__ == "__main__":
    main()
