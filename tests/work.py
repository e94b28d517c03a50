"""How much work something is, counted in lines of Python, and waiting for others: no test asks the clock.

What takes long on an idle machine takes ten times as long on a busy one, but runs the same lines.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

PATIENCE = 240.0
"""Seconds after which a test that waits takes something to hang; none needs more than a few of them."""


class TooMuchWork(BaseException):
    """More lines were run than may be; no handler of errors in the code under test takes it for one."""


@dataclass
class Lines:
    """How many lines were run, known when they are."""

    run: int = 0


@contextmanager
def counting_lines(most: float = float("inf")) -> Iterator[Lines]:
    """Count the lines that functions called in the block run in this thread, and stop them after `most`.

    Each turn of a loop counts, also in a comprehension; loops of compiled code do not.
    """
    found, before, run = Lines(), sys.gettrace(), 0

    def note(_frame: Any, event: str, _argument: Any) -> Any:  # a closure is quicker than a method
        nonlocal run
        if event == "line":
            run += 1
            if run > most:
                raise TooMuchWork(f"more than {most:,.0f} lines were run")
        return note

    sys.settrace(note)
    try:
        yield found
    finally:
        sys.settrace(before)
        found.run = run
    if run > most:  # who was stopped kept it for itself
        raise TooMuchWork(f"more than {most:,.0f} lines were run")


def lines_of(work: Callable[[], Any]) -> int:
    """Return how many lines of Python some work takes."""
    with counting_lines() as lines:
        work()
    return lines.run


def wait_until(condition: Callable[[], Any], what: str) -> None:
    """Wait until something holds; fail with what was waited for if it never comes."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, f"waited in vain: {what}"
        time.sleep(0.01)
