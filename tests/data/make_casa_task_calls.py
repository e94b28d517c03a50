"""Makes casa_task_calls.json.gz: runs the calls of tests/casa_task_calls.py in real CASA.

    casapy tests/data/make_casa_task_calls.py [TASK...]

Made with casatools and casatasks 6.7.0-31. With names of tasks, only their calls are run anew.
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

import casa_describe  # noqa: E402
import casa_inputs  # noqa: E402
import casa_task_calls  # noqa: E402
import casatasks  # noqa: E402
import casatools  # noqa: E402
import numpy as np  # noqa: E402

PLACE = HERE / "casa_task_calls.json.gz"


def main() -> None:
    """Run the calls, each in a folder of its own."""
    chosen = sys.argv[1:]
    found = json.loads(gzip.decompress(PLACE.read_bytes())) if chosen else {}
    inputs, root = Path(tempfile.mkdtemp()), tempfile.mkdtemp()
    casa_inputs.make(inputs)
    names = {}
    for number, (name, setup, call) in enumerate(casa_task_calls.every()):
        names[name] = None
        if chosen and name.split(":")[0] not in chosen and name in found:
            continue
        folder = casa_describe.folder_for(root, number)
        for path in inputs.iterdir():
            os.link(path, os.path.join(folder, path.name))
        os.chdir(folder)
        found[name] = in_child(setup, call)
        if "error" in (found[name] if isinstance(found[name], dict) else {}):
            print(name, found[name])  # noqa: T201 - to see what was meant to fail
        os.chdir(root)
        shutil.rmtree(folder)
    text = json.dumps({name: found[name] for name in names}, sort_keys=True, separators=(",", ":"))
    with gzip.GzipFile(PLACE, "wb", mtime=0) as file:
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
    for task in casa_task_calls.TASKS:
        out[task] = getattr(casatasks, task)
    return out


if __name__ == "__main__":
    main()
