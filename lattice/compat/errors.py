"""Errors that the interfaces of other packages have in common."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from lattice.errors import LatticeError, LatticeTypeError

__all__ = ["ArgumentError", "raised_as"]


class ArgumentError(LatticeTypeError):
    """An argument of a Python type that is not taken: a TypeError."""


@contextlib.contextmanager
def raised_as(kind: type[LatticeError], kept: tuple[type[LatticeError], ...], what: str) -> Iterator[None]:
    """Let errors of lattice and of files be of one kind, but for those that are kept as they are.

    Parameters
    ----------
    kind : type
        What is raised.
    kept : tuple of type
        Errors that pass.
    what : str
        What was to be done; put in front of the message.
    """
    try:
        yield
    except kept:
        raise
    except LatticeError as error:
        message = f"{what}: {error.message}" if what else error.message
        raise kind(message, text=error.text, span=error.span, hint=error.hint) from error
    except OSError as error:
        raise kind(f"{what}: {error}" if what else str(error)) from error
