"""CASA's log on Python's: lines have an origin and a priority, and go to the logger ``casa``.

Nothing is shown or written unless somebody listens: scripts that `lattice.compat.casa` runs see warnings, and
``casalog.setlogfile`` writes a file.
"""

from __future__ import annotations

import logging
import re
import time
from typing import ClassVar

from lattice.compat.casa.errors import CasaError

__all__ = ["Lines", "casalog", "logsink", "post"]

log = logging.getLogger("casa")

_OF_A_TOOL = re.compile(r"(\w+::\w+) (.*)", re.DOTALL)  # lines that a tool logs: image::summary ...

_LEVELS = {
    "DEBUG2": 5, "DEBUG1": 8, "DEBUG": logging.DEBUG, "INFO5": 12, "INFO4": 14, "INFO3": 16, "INFO2": 17,
    "INFO1": 18, "INFO": logging.INFO, "NORMAL": logging.INFO, "WARN": logging.WARNING,
    "WARNING": logging.WARNING, "ERROR": logging.ERROR, "SEVERE": logging.ERROR,
}  # fmt: skip


class Lines(logging.Formatter):
    """Lines as CASA writes them: time, priority, origin and text, with tabs between.

    Examples
    --------
    >>> record = logging.LogRecord("casa", logging.WARNING, "", 0, "3 pixels", (), None)
    >>> record.created, record.origin = 0.0, "imstat"
    >>> Lines().format(record).split(chr(9))
    ['1970-01-01 00:00:00', 'WARN', 'imstat::::casa', '3 pixels']
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return a record as one line."""
        priority = getattr(record, "priority", None) or _priority_of(record.levelno)
        text = record.getMessage()
        origin = getattr(record, "origin", "")
        if not origin and (tool := _OF_A_TOOL.match(text)):
            origin, text = tool.groups()
        else:
            origin = f"{origin or record.name}::::casa"
        moment = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(record.created))
        return f"{moment}\t{priority}\t{origin}\t{text}"


def _priority_of(level: int) -> str:
    """Return CASA's word for a level of Python's."""
    words = [(logging.ERROR, "SEVERE"), (logging.WARNING, "WARN"), (logging.INFO, "INFO")]
    return next((word for least, word in words if level >= least), "DEBUG")


def post(message: str, priority: str = "INFO", origin: str = "casa") -> None:
    """Log a line.

    Parameters
    ----------
    message : str
        What is said.
    priority : str, optional
        DEBUG, DEBUG1, DEBUG2, INFO, INFO1 to INFO5, NORMAL, WARN, ERROR or SEVERE.
    origin : str, optional
        Who says it.

    Raises
    ------
    CasaError
        For another priority.
    """
    word = priority.upper()
    if word not in _LEVELS:
        raise CasaError(f"there is no priority {priority!r}", hint=f"there are {', '.join(_LEVELS)}")
    log.log(_LEVELS[word], "%s", message, extra={"origin": origin, "priority": word})


class logsink:
    """The log tool, of which ``casalog`` is one: posts lines, from an origin, and above a priority.

    Examples
    --------
    >>> from lattice.compat.casa import casalog
    >>> casalog.origin("mine")
    True
    >>> casalog.post("nothing to do", "DEBUG")
    """

    _file: ClassVar[logging.FileHandler | None] = None

    def __init__(self, filename: str = "") -> None:
        self._origin = "casa"
        if filename:
            self.setlogfile(filename)

    def post(self, message: str, priority: str = "INFO", origin: str = "") -> None:
        """Log a line; see `post`."""
        post(message, priority, origin or self._origin)

    def postLocally(self, message: str, priority: str = "INFO", origin: str = "") -> None:
        """Log a line, as `post` does."""
        self.post(message, priority, origin)

    def origin(self, fromwhere: str = "") -> bool:
        """Set who posts the lines that follow."""
        self._origin = fromwhere or "casa"
        return True

    def filter(self, level: str = "INFO") -> None:
        """Leave out lines of less than a priority."""
        word = level.upper()
        if word not in _LEVELS:
            raise CasaError(f"there is no priority {level!r}", hint=f"there are {', '.join(_LEVELS)}")
        log.setLevel(_LEVELS[word])

    def setlogfile(self, filename: str = "") -> bool:
        """Write the log to a file from now on, as well; to none without a name."""
        if logsink._file is not None:
            log.removeHandler(logsink._file)
            logsink._file.close()
            logsink._file = None
        if filename:
            try:
                made = logging.FileHandler(filename, delay=False)
            except OSError as error:
                raise CasaError(f"the log cannot be written to {filename}: {error}") from error
            made.setFormatter(Lines())
            log.addHandler(made)
            log.setLevel(min(log.level or logging.INFO, logging.INFO))
            logsink._file = made
        return True

    def logfile(self) -> str:
        """Return the name of the file to which the log is written, empty for none."""
        return "" if logsink._file is None else str(logsink._file.baseFilename)

    def showconsole(self, onconsole: bool = True) -> bool:
        """Show the log on standard error, too, or no longer."""
        shown = [h for h in log.handlers if getattr(h, "for_casa", False)]
        for handler in shown:
            log.removeHandler(handler)
        if onconsole:
            made = logging.StreamHandler()
            made.setFormatter(Lines())
            made.for_casa = True  # type: ignore[attr-defined]
            log.addHandler(made)
            log.setLevel(min(log.level or logging.INFO, logging.INFO))
        return True


casalog = logsink()
