"""Errors of the tools and tasks: what CASA raises as a RuntimeError is one here, too."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from lattice.errors import LatticeError, LatticeTypeError

__all__ = ["ArgumentError", "CasaError", "NotServedError", "as_casa"]


class CasaError(LatticeError, RuntimeError):
    """Anything that a tool or task cannot do, where CASA has a RuntimeError."""

    __str__ = LatticeError.__str__


class ArgumentError(LatticeTypeError):
    """An argument of a type that is not taken: a TypeError."""


class NotServedError(LatticeError, AttributeError):
    """A method of CASA that lattice does not have."""

    __str__ = LatticeError.__str__


@contextlib.contextmanager
def as_casa(what: str = "") -> Iterator[None]:
    """Let errors of lattice and of files be the RuntimeError that scripts for CASA expect.

    Parameters
    ----------
    what : str, optional
        What was to be done; put in front of the message.
    """
    try:
        yield
    except (CasaError, ArgumentError):
        raise
    except LatticeError as error:
        message = f"{what}: {error.message}" if what else error.message
        raise CasaError(message, text=error.text, span=error.span, hint=error.hint) from error
    except OSError as error:
        raise CasaError(f"{what}: {error}" if what else str(error)) from error
