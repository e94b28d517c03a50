"""Makes casa_signatures.json: the methods of CASA's image tool with their parameters and defaults.

    casapy tests/data/make_casa_signatures.py

Made with casatools 6.7.0-31.
"""

from __future__ import annotations

import inspect
import json
from pathlib import Path

import casatools


def main() -> None:
    """Write the parameters of all public methods, in order: [name] without a default, [name, default]."""
    found = {}
    for name, method in sorted(vars(casatools.image).items()):
        if name.startswith("_") or not inspect.isfunction(method):
            continue
        parameters = [p for p in inspect.signature(method).parameters.values() if p.name != "self"]
        found[name] = [[p.name] if p.default is p.empty else [p.name, p.default] for p in parameters]
    lines = [f"{json.dumps(name)}: {json.dumps(parameters)}" for name, parameters in found.items()]
    text = "{\n" + ",\n".join(lines) + "\n}\n"
    Path(__file__).with_name("casa_signatures.json").write_text(text)


if __name__ == "__main__":
    main()
