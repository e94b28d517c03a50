"""What is said when lattices that fit together lie at different places."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from contextvars import ContextVar

from lattice.config import get_options
from lattice.errors import BeamWarning, CoordinateMismatchError, CoordinateWarning, LatticeWarning, warn
from lattice.graph.attributes import Attributes
from lattice.graph.beams import beam_difference
from lattice.graph.types import is_bool

__all__ = ["agreed", "check_resolution", "check_values", "one_expression"]

_said: ContextVar[set[str] | None] = ContextVar("lattice_said", default=None)
_EVERYTHING = ""


@contextlib.contextmanager
def one_expression() -> Iterator[None]:
    """Say each thing once while an expression is built."""
    token = _said.set(set())
    try:
        yield
    finally:
        _said.reset(token)


@contextlib.contextmanager
def agreed() -> Iterator[None]:
    """Say nothing: what is built here was checked before."""
    token = _said.set({_EVERYTHING})
    try:
        yield
    finally:
        _said.reset(token)


def check_values(
    x: Attributes,
    y: Attributes,
    what: str,
    keys_x: Sequence[str],
    keys_y: Sequence[str],
    apart: Sequence[str] = (),
) -> None:
    """Warn, or raise, where the coordinates of two operands differ in their values, and where their beams do.

    Parameters
    ----------
    x, y : Attributes
        Of the operands.
    what : str
        The operation, for messages.
    keys_x, keys_y : sequence of str
        What identifies each axis; axes that one of them lacks are not compared, nor are those that are
        stretched.
    apart : sequence of str
        Axes that are meant to differ.
    """
    same = x.coords is None or y.coords is None or x.coords is y.coords or x.coords == y.coords
    said, options = _said.get(), get_options()
    if options.coordinates == "ignore" or (said is not None and _EVERYTHING in said):
        return
    check_resolution(x, y, what)
    if same or x.coords is None or y.coords is None:
        return
    first, second, shape = x.coords, y.coords, x.shape or ()
    if keys_x != keys_y or x.shape != y.shape or any(k in apart for k in keys_x):
        lengths_x = dict(zip(keys_x, x.shape or (), strict=True))
        lengths_y = dict(zip(keys_y, y.shape or (), strict=True))
        common = [k for k in keys_x if lengths_y.get(k) == lengths_x[k] and k not in apart]
        first = first.select(tuple(list(keys_x).index(k) for k in common))
        second = second.select(tuple(list(keys_y).index(k) for k in common))
        shape = tuple(lengths_x[k] for k in common)
    difference = first.differs(second, shape, options.coordinate_tolerance)
    if difference is None:
        return
    message = f"the operands of {what} lie at different places: {difference}"
    _say(message, difference, "; pixels are combined by position", CoordinateWarning)


def check_resolution(x: Attributes, y: Attributes, what: str) -> None:
    """Warn, or raise, where the beams of two operands differ; truth values have no resolution."""
    if x.beams == y.beams or not x.beams or not y.beams or is_bool(x.dtype) or is_bool(y.dtype):
        return
    said = _said.get()
    if get_options().coordinates == "ignore" or (said is not None and _EVERYTHING in said):
        return
    difference = beam_difference(x, y)
    if difference is not None:
        message = f"the operands of {what} have different beams: {difference}"
        outcome = "; the result has those of the operand that gives the coordinates"
        _say(message, difference, outcome, BeamWarning)


def _say(message: str, difference: str, outcome: str, category: type[LatticeWarning]) -> None:
    """Warn of a difference, once in an expression; or raise, if that was asked for."""
    if get_options().coordinates == "error":
        raise CoordinateMismatchError(
            message, hint="the options coordinates and coordinate_tolerance say what is allowed"
        )
    said = _said.get()
    if said is not None:
        if difference in said:
            return
        said.add(difference)
    warn(message + outcome, category)
