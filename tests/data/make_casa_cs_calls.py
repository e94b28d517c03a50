"""Makes casa_cs_calls.json.gz: what coordsys, regionmanager, quanta and measures of real CASA return.

    casapy tests/data/make_casa_cs_calls.py [GROUP ...]

Runs the calls of tests/casa_cs_calls.py, of some groups or of all, and notes the parameters and defaults of
all methods. Made with casatools 6.7.0-31. Needs casatools, numpy, and the folder ``tests`` beside it.
"""

from __future__ import annotations

import gzip
import inspect
import json
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import casa_cs_calls  # noqa: E402
import casa_describe  # noqa: E402
import casa_inputs  # noqa: E402
import casatools  # noqa: E402
import numpy as np  # noqa: E402

DATA = HERE / "casa_cs_calls.json.gz"
SECONDS = 10  # some calls do not come back


def main() -> None:
    """Run the calls, each in a folder and a process of its own."""
    wanted = sys.argv[1:] or list(casa_cs_calls.GROUPS)
    found = json.loads(gzip.decompress(DATA.read_bytes())) if DATA.exists() else {"calls": {}}
    kept = {name: value for name, value in found["calls"].items() if name.split(":")[0] not in wanted}
    inputs = Path(tempfile.mkdtemp())
    casa_inputs.make(inputs)
    root = tempfile.mkdtemp()
    for number, (group, name, setup, call) in enumerate(casa_cs_calls.every()):
        if group not in wanted:
            continue
        folder = casa_describe.folder_for(root, number)
        os.link(inputs / "full.fits", os.path.join(folder, "full.fits"))
        kept[name] = in_child(folder, setup, call)
        if "error" in (kept[name] if isinstance(kept[name], dict) else {}):
            print(name, kept[name])  # noqa: T201 - to see what was meant to fail
        shutil.rmtree(folder)
    shutil.rmtree(root)
    shutil.rmtree(inputs)
    text = json.dumps({"signatures": signatures(), "calls": kept}, sort_keys=True, separators=(",", ":"))
    with gzip.GzipFile(DATA, "wb", mtime=0) as file:
        file.write(text.encode())


def in_child(folder: str, setup: str, call: str) -> object:
    """Run a call in a process of its own: some wrong arguments end the process."""
    child = os.fork()
    place = os.path.join(folder, "found.json")
    if not child:
        os.chdir(folder)
        signal.alarm(SECONDS)
        found = casa_describe.run(setup, call, names())
        Path(place).write_text(json.dumps(found))
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return json.loads(Path(place).read_text()) if not status else {"error": "abort", "text": ""}


def names() -> dict[str, object]:
    """Return the tools by name, as CASA's shell has them."""
    return {
        "ia": casatools.image(), "image": casatools.image, "rg": casatools.regionmanager(),
        "cs": casatools.coordsys(), "qa": casatools.quanta(), "me": casatools.measures(), "np": np, "os": os,
    }  # fmt: skip


def signatures() -> dict[str, dict[str, list[list[str]]]]:
    """Return names and defaults of the parameters of methods; of those without a default the name alone."""
    out: dict[str, dict[str, list[list[str]]]] = {}
    for tool in casa_cs_calls.TOOLS:
        methods = inspect.getmembers(getattr(casatools, tool), inspect.isfunction)
        out[tool] = {name: parameters(method) for name, method in methods if not name.startswith("_")}
    return out


def parameters(method: object) -> list[list[str]]:
    """Return names and defaults of the parameters of a method."""
    given = list(inspect.signature(method).parameters.values())[1:]  # type: ignore[arg-type]
    return [[p.name] if p.default is p.empty else [p.name, repr(p.default)] for p in given]


if __name__ == "__main__":
    main()
