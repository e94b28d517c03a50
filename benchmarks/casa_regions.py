"""CASA's side of ``python -m benchmarks regions``: run by CASA's own Python, without lattice.

``casa_regions.py copy FITS IMAGE`` makes a CASA image with a pixel mask of a FITS file: NaN is bad.
``casa_regions.py time JSON`` times statistics; the report is the last line of the output.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

MARK = "@@benchmark "  # as in worker.py, which is not imported here


def copy(source: str, target: str) -> None:
    import casatools

    tool = casatools.image()
    tool.fromfits(target, source, overwrite=True)
    tool.done()


def plain(values: Any) -> list[float]:
    return [float(v) for v in values.ravel()]


def measure(task: dict[str, Any]) -> dict[str, Any]:
    import casatools

    seconds: list[float] = []
    found: dict[str, Any] = {}
    # A tiny circle first, so that nothing is loaded for the first time while the clock runs.
    for region in (task["tiny"], *[task["region"]] * task["calls"]):
        tool = casatools.image()  # a tool keeps the statistics of its last region
        start = time.perf_counter()
        tool.open(task["image"])
        found = tool.statistics(region=region, robust=task["robust"], axes=task["axes"])
        seconds.append(time.perf_counter() - start)
        tool.done()
    numbers = {key: plain(found[key]) for key in task["keys"]}
    return {"seconds": seconds[1:], "numbers": numbers, "versions": {"casatools": casatools.version_string()}}


if __name__ == "__main__":
    if sys.argv[1] == "copy":
        copy(*sys.argv[2:])
    else:
        print(MARK + json.dumps(measure(json.loads(sys.argv[2]))), flush=True)
