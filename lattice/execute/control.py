"""What a run shares with its tasks: whether to stop, and how far it is."""

from __future__ import annotations

import itertools
import sys
import threading
import time
from typing import ClassVar, TextIO

from lattice.config import format_bytes

__all__ = ["Cancelled", "Control"]


class Cancelled(Exception):
    """Raised inside a task of a run that was interrupted."""


class Control:
    """State of a run in the process that started it; tasks in other processes find none.

    Parameters
    ----------
    n_bytes : int
        Bytes of pixels that the run will go through.
    show : bool
        Whether to show progress.
    """

    _living: ClassVar[dict[int, Control]] = {}
    _numbers: ClassVar[itertools.count[int]] = itertools.count(1)

    def __init__(self, n_bytes: int = 0, show: bool = False, stream: TextIO | None = None) -> None:
        self.number = next(Control._numbers)
        self.cancelled = False
        self.n_bytes = n_bytes
        self.done = 0
        self.show = show
        self.stream = stream or sys.stderr
        self._lock = threading.Lock()
        self._start = time.monotonic()
        self._shown = 0.0
        self._wrote = False

    def __enter__(self) -> Control:
        Control._living[self.number] = self
        return self

    def __exit__(self, *_exc: object) -> None:
        self.cancelled = True
        Control._living.pop(self.number, None)
        if self._wrote:
            self.stream.write("\r\x1b[K")
            self.stream.flush()

    @staticmethod
    def find(number: int) -> Control | None:
        """Return the control of a run, in the process that started it."""
        return Control._living.get(number)

    def advance(self, n_bytes: int) -> None:
        """Note that some bytes are done; stop if the run was cancelled."""
        if self.cancelled:
            raise Cancelled
        if not self.show:
            return
        with self._lock:
            self.done += n_bytes
            now = time.monotonic()
            if now - self._start > 0.5 and now - self._shown > 0.2:
                self._shown = now
                self._wrote = True
                self.stream.write("\r\x1b[K" + self.line(now - self._start))
                self.stream.flush()

    def line(self, seconds: float) -> str:
        """Return the progress as one line: part done, rate and time left."""
        part = min(1.0, self.done / self.n_bytes) if self.n_bytes else 0.0
        rate = self.done / seconds if seconds > 0 else 0.0
        left = (self.n_bytes - self.done) / rate if rate > 0 else 0.0
        bar = "#" * int(20 * part)
        return (
            f"[{bar:<20}] {100 * part:3.0f}% of {format_bytes(self.n_bytes)}, "
            f"{format_bytes(int(rate))}/s, {_clock(left)} left"
        )


def _clock(seconds: float) -> str:
    minutes, s = divmod(int(seconds + 0.5), 60)
    hours, m = divmod(minutes, 60)
    return f"{hours}:{m:02d}:{s:02d}" if hours else f"{m}:{s:02d}"
