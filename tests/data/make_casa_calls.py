"""Makes casa_calls.json.gz and casa_task_calls.json.gz: what calls of tests/casa_calls.py and
tests/casa_task_calls.py return in real CASA.

    casapy tests/data/make_casa_calls.py casa_calls|casa_task_calls [PREFIX...]

Calls whose results are there already are run again only where their names begin with a prefix that is given:
a setup of the image tool, such as "cube:", or a task. Made with casatools and casatasks 6.7.0-31. The script
needs them, numpy, and the folder ``tests`` beside it.
"""

from __future__ import annotations

import gzip
import importlib
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import casa_describe  # noqa: E402
import casa_inputs  # noqa: E402
import casatasks  # noqa: E402
import casatools  # noqa: E402
import numpy as np  # noqa: E402


def main() -> None:
    """Run the calls, each in a folder of its own."""
    calls, again = importlib.import_module(sys.argv[1]), tuple(sys.argv[2:])
    data = HERE / f"{sys.argv[1]}.json.gz"
    known = json.loads(gzip.decompress(data.read_bytes())) if data.exists() else {}
    inputs, root = Path(tempfile.mkdtemp()), tempfile.mkdtemp()
    casa_inputs.make(inputs)
    found = {}
    for number, (name, setup, call) in enumerate(calls.every()):
        if name in known and not (again and name.startswith(again)):
            found[name] = known[name]
            continue
        folder = casa_describe.folder_for(root, number)
        for path in inputs.iterdir():
            os.link(path, os.path.join(folder, path.name))
        os.chdir(folder)
        found[name] = in_child(setup, call, calls.TASKS)
        if "error" in (found[name] if isinstance(found[name], dict) else {}):
            print(name, found[name])  # noqa: T201 - to see what was meant to fail
        os.chdir(root)
        shutil.rmtree(folder)
    text = json.dumps(found, sort_keys=True, separators=(",", ":"))
    with gzip.GzipFile(data, "wb", mtime=0) as file:
        file.write(text.encode())


def in_child(setup: str, call: str, tasks: list[str]) -> object:
    """Run a call in a process of its own: some wrong arguments end the process."""
    child = os.fork()
    if not child:
        found = casa_describe.run(setup, call, names(tasks))
        Path("found.json").write_text(json.dumps(found))
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return json.loads(Path("found.json").read_text()) if not status else {"error": "abort", "text": ""}


def names(tasks: list[str]) -> dict[str, object]:
    """Return tools and tasks by name, as CASA's shell has them."""
    out: dict[str, object] = {
        "ia": casatools.image(), "image": casatools.image, "rg": casatools.regionmanager(),
        "cs": casatools.coordsys(), "qa": casatools.quanta(), "me": casatools.measures(), "np": np, "os": os,
    }  # fmt: skip
    return out | {task: getattr(casatasks, task) for task in tasks}


if __name__ == "__main__":
    main()
