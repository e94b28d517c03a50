"""Errors of the tools and tasks: what CASA raises as a RuntimeError is one here, too."""

from __future__ import annotations

from contextlib import AbstractContextManager

from lattice.compat.errors import ArgumentError, raised_as
from lattice.errors import LatticeError

__all__ = ["ArgumentError", "CasaError", "NotServedError", "as_casa"]


class CasaError(LatticeError, RuntimeError):
    """Anything that a tool or task cannot do, where CASA has a RuntimeError."""

    __str__ = LatticeError.__str__


class NotServedError(LatticeError, AttributeError):
    """A method of CASA that lattice does not have."""

    __str__ = LatticeError.__str__


def as_casa(what: str = "") -> AbstractContextManager[None]:
    """Let errors of lattice and of files be the RuntimeError that scripts for CASA expect.

    Parameters
    ----------
    what : str, optional
        What was to be done; put in front of the message.
    """
    return raised_as(CasaError, (CasaError, ArgumentError), what)
