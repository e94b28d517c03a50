"""Peak memory on a cube larger than the limit; each case in a process of its own.

``python -m benchmarks memory`` makes the cube and starts the cases; the worker half of this module runs as
``python -m benchmarks.memory JSON``.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.compare import ROOT, worker_environment
from benchmarks.data import BLOCK, Dataset, fits_header, make_dataset, plane
from benchmarks.machine import machine_facts
from benchmarks.peers.base import fits_planes
from benchmarks.worker import MARK, memory_peak, remove, reset_memory_peak

__all__ = ["CASES", "MemoryCase", "bytes_of", "render_memory", "run_memory"]

#: how far above the limit the whole process may be: the interpreter and its libraries count too
ALLOWED = 1.15
PLANE = (1024, 1024)


@dataclass(frozen=True)
class MemoryCase:
    """One expression and where its result goes; no suffix: robust statistics are computed.

    With `maps` these are moments 0, 1 and 2 along the spectral axis, written together.
    """

    key: str
    text: str
    suffix: str
    maps: bool = False


CASES = (
    MemoryCase("demean", "a-mean(a)", ".fits"),
    MemoryCase("clip", "a[a>3*stddev(a)]", ".zarr"),
    MemoryCase("robust", "a-median(a)", ""),
    MemoryCase("moments", "moments 0, 1, 2", ".fits", maps=True),
)
ORDERS = (0, 1, 2)
_FILLED = 64  # of so many planes of a sparse cube one has pixels


def bytes_of(text: str) -> int:
    """``1GB`` as a number; units count in powers of 1000, those with an i (``1GiB``) in powers of 1024."""
    units = {"": 1, "B": 1}
    for power, letter in enumerate("KMGT", start=1):
        units.update({letter: 1000**power, f"{letter}B": 1000**power, f"{letter}IB": 1024**power})
    number = text.strip().rstrip("KMGTIBkmgtib ")
    unit = text.strip()[len(number) :].strip().upper()
    try:
        return int(float(number) * units[unit])
    except (KeyError, ValueError):
        raise ValueError(f"{text!r} is no amount of memory such as 1GB or 512MiB") from None


def run_memory(
    gigabytes: float,
    limit: str,
    cases: str | None,
    folder: Path,
    threads: int,
    keep: bool,
    say: Callable[[str], None],
    plane: tuple[int, int] = PLANE,
    sparse: bool = False,
) -> dict[str, Any]:
    """Make the cube (1 GB is 2^30 bytes here), run the cases and return what was measured.

    A sparse cube has holes for most of its planes, so that it takes little room on disk; of it there are only
    moments.
    """
    allowed = ALLOWED * bytes_of(limit)
    known = [case for case in CASES if case.maps or not sparse]
    wanted = [case for case in known if not cases or case.key in cases.split(",")]
    if not wanted:
        raise ValueError(f"no such case: {cases}; there are {', '.join(case.key for case in known)}")
    shape = (max(1, round(gigabytes * 2**30 / (4 * plane[0] * plane[1]))), *plane)
    say(f"making a cube of {'x'.join(str(n) for n in shape)}")
    make = make_sparse if sparse else lambda where, cut: make_dataset(where, cut, ["fits"], names=("a",))
    data = make(folder.resolve(), shape)
    source = data.path("a", "fits")
    found: dict[str, Any] = {}
    try:
        for case in wanted:
            task = {
                "case": case.key,
                "source": str(source),
                "out": str(folder.resolve() / f"out-memory-{case.key}-{os.getpid()}"),
                "limit": limit,
            }
            found[case.key] = _start(task, threads, data)
            say(f"  {case.text:20} {_summary(found[case.key])}")
    finally:
        if not keep:
            remove(data.folder)
    held = all("error" not in report and report["peak"] <= allowed for report in found.values())
    return {
        "machine": machine_facts(),
        "shape": list(shape),
        "nbytes": data.nbytes,
        "limit": limit,
        "allowed": allowed,
        "cases": found,
        "held": held,
    }


def make_sparse(folder: Path, shape: tuple[int, int, int]) -> Dataset:
    """A cube of zeros, of which most are holes in the file, with some planes of noise."""
    data = Dataset(folder / f"sparse-{'x'.join(str(n) for n in shape)}", shape)
    data.folder.mkdir(parents=True, exist_ok=True)
    header = fits_header(shape)
    with data.path("a", "fits").open("wb") as file:
        file.write(header)
        file.truncate(len(header) + -(-data.nbytes // BLOCK) * BLOCK)
        for index in range(shape[0] % _FILLED // 2, shape[0], _FILLED):
            file.seek(len(header) + 4 * index * shape[1] * shape[2])
            file.write(plane("a", index, shape[1:]).astype(">f4").data)
    return data


def maps_of(out: Path) -> list[Path]:
    """The files of the moments."""
    return [out.with_name(f"{out.stem}-{n}{out.suffix}") for n in ORDERS]


def _start(task: dict[str, Any], threads: int, data: Dataset) -> dict[str, Any]:
    """Run one case in a fresh process, check its result here, and remove it."""
    case = next(case for case in CASES if case.key == task["case"])
    out = Path(task["out"] + case.suffix)
    try:
        report = _run_case(task, threads)
        if "error" not in report:
            wrong = check_case(case, data, out, report["numbers"])
            if wrong:
                return {"error": f"WRONG RESULT: {wrong}", **report}
        return report
    finally:
        for path in (out, *maps_of(out)):
            remove(path)


def _run_case(task: dict[str, Any], threads: int) -> dict[str, Any]:
    environment = worker_environment(threads)
    environment["LATTICE_MEMORY_LIMIT"] = task["limit"]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.memory", json.dumps(task)],
        capture_output=True,
        text=True,
        env=environment,
        cwd=ROOT,
        check=False,
    )
    for line in reversed(done.stdout.splitlines()):
        if line.startswith(MARK):
            report: dict[str, Any] = json.loads(line[len(MARK) :])
            return report
    last = (done.stderr.strip().splitlines() or ["nothing on its error output"])[-1]
    return {"error": f"ended with code {done.returncode}: {last[:200]}"}


def source_moments(data: Dataset) -> tuple[float, float]:
    """Mean and standard deviation of the cube, by numpy, plane by plane."""
    total = squares = 0.0
    for values in fits_planes(data.path("a", "fits"), data.shape):
        held = values.astype(np.float64)
        total += float(held.sum())
        squares += float(np.square(held, out=held).sum())
    mean = total / data.pixels
    return mean, math.sqrt((squares - total * mean) / max(1, data.pixels - 1))


def check_case(case: MemoryCase, data: Dataset, out: Path, numbers: dict[str, float]) -> str:
    """What is wrong with the result of a case; empty when every plane is as numpy makes it.

    Without this, a save that writes nothing would pass as fast and small.
    """
    if case.maps:
        return _check_maps(data, maps_of(out), numbers)
    if not case.suffix:
        # The noise is Gaussian of width 1, and its median has been subtracted.
        wanted = {"median": 0.0, "medabsdevmed": 0.67449, "quartile": 1.34898}
        near = 6.0 / math.sqrt(data.pixels)
        bad = [
            f"{key} = {numbers[key]:.6f}" for key, value in wanted.items() if abs(numbers[key] - value) > near
        ]
        return ", ".join(bad)
    if not out.exists():
        return "there is no output"
    mean, deviation = source_moments(data)
    results = _result_planes(case, out, data.shape)
    count = 0
    for index, values in enumerate(results):
        source = plane("a", index, (data.shape[1], data.shape[2]))
        if case.key == "demean":
            wanted_plane = source - np.float32(mean)
        else:
            wanted_plane = np.where(source > np.float32(3 * deviation), source, np.float32(np.nan))
        # A pixel that equals the limit to the last bits may fall on either side.
        different = ~np.isclose(values, wanted_plane, rtol=1e-5, atol=1e-5, equal_nan=True)
        if np.count_nonzero(different) > 1e-6 * different.size:
            return f"{np.count_nonzero(different)} pixels of plane {index} differ"
        count += 1
    return "" if count == data.shape[0] else f"the output has {count} planes, not {data.shape[0]}"


def _check_maps(data: Dataset, paths: list[Path], numbers: dict[str, float]) -> str:
    """What is wrong with moments, or with how often the cube was read."""
    if numbers["read"] > 1.001 * data.nbytes + (1 << 20):
        return f"{numbers['read'] / data.nbytes:.2f} times the cube was read"
    frequency = 1.42e9 + 1e4 * np.arange(data.shape[0])
    velocity = 299792.458 * (1 - frequency / 1.420405751786e9)
    v = velocity - velocity.mean()
    sums = np.zeros((3, *data.shape[1:]))
    for values, at in zip(fits_planes(data.path("a", "fits"), data.shape), v, strict=True):
        if values.any():
            for power in ORDERS:
                sums[power] += values * at**power
    mean = sums[1] / sums[0]
    wanted = (sums[0] * abs(v[1] - v[0]), mean + velocity.mean(), np.sqrt(abs(sums[2] / sums[0] - mean**2)))
    for number, path, want in zip(ORDERS, paths, wanted, strict=True):
        if not path.exists():
            return f"there is no moment {number}"
        have = next(fits_planes(path, (1, *data.shape[1:]))).astype(float)
        # next to nothing in the denominator makes the others large
        different = ~np.isclose(have, want, rtol=1e-4, atol=1e-4 * np.median(abs(want)))
        if np.count_nonzero(different) > 1e-4 * different.size:
            return f"{np.count_nonzero(different)} pixels of moment {number} differ"
    return ""


def _result_planes(case: MemoryCase, out: Path, shape: tuple[int, int, int]) -> Iterator[np.ndarray]:
    """Planes of the output with NaN at masked pixels; FITS without any library's help."""
    if case.suffix == ".fits":
        yield from fits_planes(out, shape)
        return
    import lattice

    image: Any = lattice.open(str(out))
    for index in range(shape[0]):
        found = image[index].to_masked_array()
        yield np.ma.filled(found, np.float32(np.nan))


def _summary(report: dict[str, Any]) -> str:
    if "error" in report:
        return f"FAILED: {report['error']}"
    peak, rate = report["peak"] / 1e6, report["rate"] / 1e9
    seconds = f"{report['seconds']:7.2f} s ({report['cpu']:.1f} s of processor)"
    return f"{peak:7.0f} MB at the peak, {seconds}, {rate:5.2f} GB/s"


def render_memory(result: dict[str, Any]) -> str:
    """The table of the cases."""
    machine = result["machine"]
    shape = "x".join(str(n) for n in result["shape"])
    lines = [
        f"a float32 cube of {shape} ({result['nbytes'] / 1e9:.1f} GB), limit {result['limit']},"
        f" on {machine['cpu']}, {machine['cores']} cores",
        "",
    ]
    for case in CASES:
        if case.key in result["cases"]:
            where = f"to {case.suffix[1:].upper()}" if case.suffix else "robust statistics"
            where += " in one pass" * case.maps
            lines.append(f"{case.text:18} {where:20} {_summary(result['cases'][case.key])}")
    verdict = "kept" if result["held"] else "NOT KEPT"
    lines += ["", f"the whole process within {result['allowed'] / 1e6:.0f} MB: {verdict}"]
    return "\n".join(lines) + "\n"


def measure_case(task: dict[str, Any]) -> dict[str, Any]:
    """Run one case in this process; unlike the comparison, imports count in the memory.

    The output stays for whoever started the process, to be checked and removed.
    """
    import lattice
    from lattice.io.files import counting

    case = next(case for case in CASES if case.key == task["case"])
    source, out = Path(task["source"]), Path(task["out"] + case.suffix)
    reset_memory_peak()
    numbers: dict[str, float] = {}
    start, cpu = time.perf_counter(), time.process_time()
    opened: Any = lattice.open(str(source))
    image: Any = opened if case.maps else lattice.expr(case.text, a=opened)
    if case.maps:
        maps = image.moments(ORDERS, keepdims=True).values()
        with counting() as count:
            lattice.save({str(path): made for path, made in zip(maps_of(out), maps, strict=True)})
        numbers["read"] = count.bytes
    elif case.suffix:
        image.save(str(out))
    else:
        found = image.statistics(robust=True)
        numbers = {name: float(found[name]) for name in ("median", "medabsdevmed", "quartile")}
    seconds = time.perf_counter() - start
    cpu, peak = time.process_time() - cpu, memory_peak()
    return {
        "seconds": seconds,
        "cpu": cpu,
        "peak": peak,
        "rate": source.stat().st_size / seconds,
        "numbers": numbers,
    }


def main() -> None:
    """Do the task on the command line; the report is the last line of the output."""
    try:
        report = measure_case(json.loads(sys.argv[1]))
    except Exception as error:
        report = {"error": f"{type(error).__name__}: {error}".splitlines()[0][:300]}
    print(MARK + json.dumps(report), flush=True)


if __name__ == "__main__":
    main()
