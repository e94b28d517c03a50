"""Makes casa_scripts.json: what the scripts of tests/casa_scripts print in real CASA.

    casapy tests/data/make_casa_scripts.py

Made with casatools and casatasks 6.7.0-31.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
import tempfile
import traceback
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import casa_inputs  # noqa: E402
import casatasks  # noqa: E402
import casatools  # noqa: E402


def main() -> None:
    """Run all scripts, each in a process and a folder of its own."""
    found = {}
    for script in sorted((HERE.parent / "casa_scripts").glob("*.py")):
        folder = Path(tempfile.mkdtemp())
        casa_inputs.make(folder)
        child = os.fork()
        if not child:
            os.chdir(folder)
            said = io.StringIO()
            try:
                with contextlib.redirect_stdout(said):
                    exec(compile(script.read_text(), str(script), "exec"), names())
                Path("said.txt").write_text(said.getvalue())
            except Exception:
                traceback.print_exc()
            os._exit(0)
        os.waitpid(child, 0)
        if (folder / "said.txt").exists():
            found[script.stem] = (folder / "said.txt").read_text().splitlines()
    (HERE / "casa_scripts.json").write_text(json.dumps(found, indent=1) + "\n")


def names() -> dict[str, object]:
    """Return what CASA's shell has ready."""
    tasks = {name: getattr(casatasks, name) for name in casatasks.__all__ if name != "casalog"}
    tools = {"ia": "image", "rg": "regionmanager", "cs": "coordsys", "qa": "quanta", "me": "measures"}
    ready = {short: getattr(casatools, name)() for short, name in tools.items()}
    return {"__name__": "__main__", "casalog": casatasks.casalog} | tasks | ready


if __name__ == "__main__":
    main()
