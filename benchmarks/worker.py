"""One measurement in a process of its own: ``python -m benchmarks.worker JSON``.

A fresh process per peer, row and repeat keeps the caches, threads and crashes of one away from
the others.  Imports and a run of the same row on a tiny cube come first and are not timed, so that
lazy imports and one-time set-up (table systems, compilers) burden nobody.
"""

from __future__ import annotations

import contextlib
import json
import math
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.data import Dataset
from benchmarks.machine import settle_memory
from benchmarks.peers import Peer, load_peer
from benchmarks.rows import ROWS

__all__ = ["MARK", "digest", "measure", "memory_peak", "reset_memory_peak", "stored_bytes"]

MARK = "@@benchmark "


def reset_memory_peak() -> None:
    """Start the peak afresh, so that imports and the first tiny run don't count."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def memory_peak() -> int:
    """Largest resident memory since the last reset, in bytes.

    ``ru_maxrss`` is no use here: a child inherits it from the process that started it.
    """
    try:
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def remove(path: Path) -> None:
    """Delete a file or a folder, if it is there."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def stored_bytes(path: Path) -> int:
    """Bytes that a file or a folder really holds; holes in a sparse file don't count."""
    if not path.exists():
        return 0
    files = [path] if path.is_file() else [p for p in path.rglob("*") if p.is_file()]
    found = 0
    for file in files:
        status = file.stat()
        # Blocks of fresh files are counted late on some systems, never more than the size.
        found += min(status.st_size, 512 * getattr(status, "st_blocks", status.st_size))
    return found


def digest(peer: Peer, out: Path, shape: tuple[int, int, int]) -> dict[str, float]:
    """Numbers that tell two saved images apart: sums, number of good pixels, a few single pixels."""
    total = size = 0.0
    good = 0
    picks: list[float] = []
    for index, values in enumerate(peer.result_planes(out, shape)):
        if values.shape != shape[1:]:
            raise ValueError(f"a plane of the result has shape {values.shape}, not {shape[1:]}")
        finite = np.isfinite(values)
        good += int(np.count_nonzero(finite))
        held = np.where(finite, values, 0.0).astype(np.float64)
        total += float(held.sum())
        size += float(np.abs(held).sum())
        picks.append(float(held[(7 * index + 3) % shape[1], (13 * index + 5) % shape[2]]))
    return {
        "sum": total,
        "sumabs": size,
        "good": good,
        "picks": math.fsum(v * (i + 1) for i, v in enumerate(picks)),
    }


def measure(task: dict[str, Any]) -> dict[str, Any]:
    """Run one row of one peer and report seconds, memory and the result."""
    peer = load_peer(task["peer"])
    row = next(row for row in ROWS if row.key == task["row"])
    data = Dataset(Path(task["folder"]), tuple(task["shape"]))
    tiny = Dataset(Path(task["tiny_folder"]), tuple(task["tiny_shape"]))
    out = Path(task["out"] + peer.suffix)
    report: dict[str, Any] = {"versions": peer.prepare(task["threads"])}
    start = time.perf_counter()
    try:
        peer.run(row, tiny, out)
    finally:
        remove(out)
    report["warm_up"] = time.perf_counter() - start
    data.warm(peer.form)
    settle_memory(peer.working_cubes * data.nbytes)
    reset_memory_peak()
    try:
        start = time.perf_counter()
        numbers = peer.run(row, data, out)
        report["seconds"] = time.perf_counter() - start
        report["peak"] = memory_peak()
        report["numbers"] = numbers
        # Checked in every repeat: a save that wrote nothing would look splendidly fast.
        if row.saves and stored_bytes(out) < data.nbytes:
            raise ValueError(f"the result holds {stored_bytes(out)} bytes, not {data.nbytes}")
        if row.saves and task.get("check", True):
            report["numbers"] = digest(peer, out, data.shape)
    finally:
        remove(out)
    return report


def main() -> None:
    """Do the task on the command line; the report is the last line of the output."""
    task = json.loads(sys.argv[1])
    try:
        report = measure(task)
    except Exception as error:
        report = {"error": f"{type(error).__name__}: {error}".splitlines()[0][:300]}
        if task.get("debug"):
            raise
    print(MARK + json.dumps(report), flush=True)


if __name__ == "__main__":
    main()
