"""Errors of the classes in python-casacore's clothes: children of what that package raises."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from lattice.errors import LatticeError, LatticeTypeError

__all__ = ["ArgumentError", "CasacoreError", "NotKnownError", "as_casacore"]


class CasacoreError(LatticeError, RuntimeError):
    """Anything that cannot be done with an image, where casacore has a RuntimeError."""

    __str__ = LatticeError.__str__


class ArgumentError(LatticeTypeError):
    """An argument of a Python type that is not taken: a TypeError."""


class NotKnownError(LatticeError, AssertionError):
    """A name or a number of values that python-casacore asserts."""

    __str__ = LatticeError.__str__


@contextlib.contextmanager
def as_casacore(what: str = "") -> Iterator[None]:
    """Let every error of lattice and of files be the RuntimeError that scripts for casacore expect.

    Parameters
    ----------
    what : str, optional
        What was to be done; put in front of the message.
    """
    try:
        yield
    except (CasacoreError, ArgumentError, NotKnownError):
        raise
    except LatticeError as error:
        message = f"{what}: {error.message}" if what else error.message
        raise CasacoreError(message, text=error.text, span=error.span, hint=error.hint) from error
    except OSError as error:
        raise CasacoreError(f"{what}: {error}" if what else str(error)) from error
