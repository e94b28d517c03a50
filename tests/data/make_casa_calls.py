"""Makes casa_calls.json.gz: runs the calls of tests/casa_calls.py in real CASA and keeps what they return.

    casapy tests/data/make_casa_calls.py [--all]

Calls whose results are there already are not run again unless all of them are. Made with casatools and
casatasks 6.7.0-31. The script needs them, numpy, and the folder ``tests`` beside it.
"""

from __future__ import annotations

import gzip
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import casa_calls  # noqa: E402
import casa_describe  # noqa: E402
import casa_inputs  # noqa: E402
import casatasks  # noqa: E402
import casatools  # noqa: E402
import numpy as np  # noqa: E402


def main() -> None:
    """Run all calls, each in a folder of its own."""
    old = os.getcwd()
    inputs = Path(tempfile.mkdtemp())
    casa_inputs.make(inputs)
    root = tempfile.mkdtemp()
    data = HERE / "casa_calls.json.gz"
    known = {} if "--all" in sys.argv or not data.exists() else json.loads(gzip.decompress(data.read_bytes()))
    found = {}
    for number, (name, setup, call) in enumerate(casa_calls.every()):
        if name in known:
            found[name] = known[name]
            continue
        folder = casa_describe.folder_for(root, number)
        for path in inputs.iterdir():
            os.link(path, os.path.join(folder, path.name))
        os.chdir(folder)
        found[name] = in_child(setup, call)
        if "error" in (found[name] if isinstance(found[name], dict) else {}):
            print(name, found[name])  # noqa: T201 - to see what was meant to fail
        os.chdir(old)
        shutil.rmtree(folder)
    text = json.dumps(found, sort_keys=True, separators=(",", ":"))
    with gzip.GzipFile(data, "wb", mtime=0) as file:
        file.write(text.encode())


def in_child(setup: str, call: str) -> object:
    """Run a call in a process of its own: some wrong arguments end the process."""
    child = os.fork()
    if not child:
        found = casa_describe.run(setup, call, names())
        Path("found.json").write_text(json.dumps(found))
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return json.loads(Path("found.json").read_text()) if not status else {"error": "abort", "text": ""}


def names() -> dict[str, object]:
    """Return tools and tasks by name, as CASA's shell has them."""
    out: dict[str, object] = {
        "ia": casatools.image(), "image": casatools.image, "rg": casatools.regionmanager(),
        "cs": casatools.coordsys(), "qa": casatools.quanta(), "me": casatools.measures(), "np": np, "os": os,
    }  # fmt: skip
    for task in casa_calls.TASKS:
        out[task] = getattr(casatasks, task)
    return out


if __name__ == "__main__":
    main()
