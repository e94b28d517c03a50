"""Runs scripts for CASA on lattice: ``python -m lattice.compat.casa script.py [arguments]``."""

from __future__ import annotations

import logging
import os
import runpy
import sys

from lattice.compat.casa.installing import install, names
from lattice.compat.casa.missing import missed


def main(arguments: list[str] | None = None) -> int:
    """Run a script with CASA's tools and tasks as globals, and tell which of its calls were not served.

    Parameters
    ----------
    arguments : list of str, optional
        The script and its arguments; those of the command line by default.

    Returns
    -------
    int
        0, or 2 without a script.
    """
    given = sys.argv[1:] if arguments is None else arguments
    if not given or given[0] in ("-h", "--help"):
        sys.stderr.write("usage: python -m lattice.compat.casa SCRIPT [ARGUMENTS]\n")
        return 2
    script = given[0]
    if not os.path.isfile(script):
        sys.stderr.write(f"there is no script {script!r}\n")
        return 2
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    install(replace=True)
    sys.argv = list(given)
    sys.path.insert(0, os.path.dirname(os.path.abspath(script)))
    try:
        runpy.run_path(script, init_globals=names(), run_name="__main__")
    finally:
        unserved = missed()
        if unserved:
            listed = ", ".join(f"{name} ({n})" for name, n in sorted(unserved.items()))
            sys.stderr.write(f"not served: {listed}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
