"""Runs scripts for CASA on lattice: ``python -m lattice.compat.casa SCRIPT [ARGUMENTS]``.

The script runs as ``python SCRIPT [ARGUMENTS]`` would run it, with CASA's tools and tasks as globals; what it
raises is shown from its own lines on. At its end it is told which of its calls were not served.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
import traceback
import warnings
from types import ModuleType, TracebackType

from lattice.compat.casa.installing import install, names
from lattice.compat.casa.logs import Lines, casalog, post
from lattice.compat.casa.missing import missed
from lattice.compat.casa.tasks.table import markdown
from lattice.errors import LatticeWarning

_USAGE = """usage: python -m lattice.compat.casa [--log FILE] SCRIPT [ARGUMENTS]
       python -m lattice.compat.casa --tasks

Run a script for CASA on lattice. Warnings of its log are shown; with --log all of it goes to a file.
--tasks prints which commands and methods do the work of the tasks, as Markdown.
"""


def main(arguments: list[str] | None = None) -> int:
    """Run a script with CASA's tools and tasks as globals, and tell which of its calls were not served.

    Parameters
    ----------
    arguments : list of str, optional
        The script and its arguments; those of the command line by default.

    Returns
    -------
    int
        The exit status, as for ``python SCRIPT``.
    """
    given = sys.argv[1:] if arguments is None else list(arguments)
    file = ""
    if len(given) > 1 and given[0] == "--log":
        file, given = given[1], given[2:]
    if given and given[0] in ("-h", "--help"):
        sys.stdout.write(_USAGE)
        return 0
    if given == ["--tasks"]:
        sys.stdout.write(f"{markdown()}\n")
        return 0
    if not given:
        sys.stderr.write(_USAGE)
        return 2
    try:
        with open(given[0], "rb") as source:
            text = source.read()
    except OSError as error:
        sys.stderr.write(f"the script {given[0]!r} cannot be read: {error.strerror}\n")
        return 2
    _listen(file)
    install(replace=True)
    try:
        return _run(text, given)
    finally:
        _tell()


def _listen(file: str) -> None:
    """Show warnings of the log on standard error, and write all of it to a file."""
    shown = logging.StreamHandler()
    shown.setFormatter(Lines())
    shown.setLevel(logging.WARNING)
    logging.getLogger("casa").addHandler(shown)
    logging.getLogger("casa").propagate = False
    warnings.showwarning = _warn
    if file:
        casalog.setlogfile(file)


def _warn(message: Warning | str, category: type[Warning], *where: object, **more: object) -> None:
    """Let warnings be lines of the log."""
    post(
        str(message).splitlines()[0], "WARN", "lattice" if issubclass(category, LatticeWarning) else "python"
    )


def _run(text: bytes, given: list[str]) -> int:
    """Run a script as the main module, and return its exit status."""
    script = given[0]
    module = ModuleType("__main__")
    vars(module).update(names(), __file__=script, __builtins__=__builtins__)
    sys.modules["__main__"] = module
    sys.argv = list(given)
    sys.path[0] = os.path.dirname(os.path.abspath(script))
    try:
        exec(compile(text, script, "exec", dont_inherit=True), vars(module))
    except SystemExit as leaving:
        return _status(leaving.code)
    except KeyboardInterrupt as error:
        _show(error, script)
        return 128 + signal.SIGINT
    except BaseException as error:
        _show(error, script)
        return 1
    return 0


def _status(code: object) -> int:
    """Return the exit status of ``sys.exit(code)``."""
    if code is None:
        return 0
    if isinstance(code, int):
        return code
    sys.stderr.write(f"{code}\n")
    return 1


def _show(error: BaseException, script: str) -> None:
    """Write a traceback that begins in the script, and leaves out where lattice passed the error on."""
    at = error.__traceback__
    while at is not None and at.tb_frame.f_code.co_filename != script:
        at = at.tb_next
    sys.stderr.write("".join(traceback.format_exception(type(error), error, _own(at), chain=at is None)))


def _own(at: TracebackType | None) -> TracebackType | None:
    """Return a traceback up to the last line that is not lattice's."""
    here = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
    frames = []
    while at is not None:
        frames.append(at)
        at = at.tb_next
    passing = (os.path.join(here, "lattice", ""), contextlib.__file__)
    while len(frames) > 1 and frames[-1].tb_frame.f_code.co_filename.startswith(passing):
        frames.pop()
    out: TracebackType | None = None
    for one in reversed(frames):
        out = TracebackType(out, one.tb_frame, one.tb_lasti, one.tb_lineno)
    return out


def _tell() -> None:
    sys.stdout.flush()
    unserved = missed()
    if unserved:
        listed = ", ".join(f"{name} ({n})" for name, n in sorted(unserved.items()))
        sys.stderr.write(f"not served: {listed}\n")


if __name__ == "__main__":
    sys.exit(main())
