"""The timing of one operation in a process of its own, for every program; numpy is all that it needs."""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["MARK", "Files", "report", "time_calls"]

MARK = "@@benchmark "
Files = dict[str, str]
"""What an operation reads: "image", and "template" for the grid that it is put on."""


def time_calls(
    task: dict[str, Any],
    run: Callable[[str, Files, str], dict[str, Any]],
    read: Callable[[str], np.ndarray],
    settle: Callable[[int], None],
) -> dict[str, Any]:
    """Run an operation on a tiny image, which does not count, and then so often on the large one.

    Parameters
    ----------
    task : dict
        "case", "tiny" and "files" (`Files`), "out" (beginning of the paths of outputs), "calls", "nbytes",
        and "keep": whether pixels of outputs are kept, in ``.npy`` files.
    run : callable
        Gets the case, the files and the beginning of a path; returns lists of numbers, and paths of images,
        by name.
    read : callable
        Returns the pixels of an output in numpy order, NaN where bad.
    settle : callable
        Makes memory ready for a run.
    """
    seconds: list[float] = []
    busy: list[float] = []
    numbers: dict[str, list[float]] = {}
    images: dict[str, str] = {}
    settle(2 * task["nbytes"])
    for number, files in enumerate((task["tiny"], *[task["files"]] * task["calls"])):
        before = time.process_time()
        start = time.perf_counter()
        found = run(task["case"], files, f"{task['out']}-{number}")
        seconds.append(time.perf_counter() - start)
        busy.append(time.process_time() - before)
        last = number == task["calls"]
        for name, value in found.items():
            if not isinstance(value, str):
                numbers[name] = value
                continue
            if last and task["keep"]:
                images[name] = f"{task['out']}-{name}.npy"
                np.save(images[name], np.asarray(read(value), np.float32))
            _remove(Path(value))
    return {"seconds": seconds[1:], "cpu": busy[1:], "numbers": numbers, "images": images}


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def report(measure: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Do the task on the command line; the report is the last line of the output."""
    print(MARK + json.dumps(measure(json.loads(sys.argv[1]))), flush=True)
