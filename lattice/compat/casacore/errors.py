"""Errors of the classes in python-casacore's clothes: children of what that package raises."""

from __future__ import annotations

from contextlib import AbstractContextManager

from lattice.compat.errors import ArgumentError, raised_as
from lattice.errors import LatticeError

__all__ = ["ArgumentError", "CasacoreError", "NotKnownError", "as_casacore"]


class CasacoreError(LatticeError, RuntimeError):
    """Anything that cannot be done with an image, where casacore has a RuntimeError."""

    __str__ = LatticeError.__str__


class NotKnownError(LatticeError, AssertionError):
    """A name or a number of values that python-casacore asserts."""

    __str__ = LatticeError.__str__


def as_casacore(what: str = "") -> AbstractContextManager[None]:
    """Let every error of lattice and of files be the RuntimeError that scripts for casacore expect.

    Parameters
    ----------
    what : str, optional
        What was to be done; put in front of the message.
    """
    return raised_as(CasacoreError, (CasacoreError, ArgumentError, NotKnownError), what)
