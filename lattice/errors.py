"""Every error that a user of lattice can cause, with the place in the text that caused it.

A message says what is wrong; below it stand the line of the expression with a caret under the
span, the facts that disagree, and what to do.  Each class also inherits the builtin exception that
a caller would expect, so that ``except ValueError`` keeps working.
"""

from __future__ import annotations

import difflib
import sys
import warnings
from collections.abc import Iterable

__all__ = [
    "CoordinateError",
    "CoordinateMismatchError",
    "BeamWarning",
    "CoordinateWarning",
    "FormatError",
    "FunctionError",
    "ImageIndexError",
    "ImageNotFoundError",
    "LELSyntaxError",
    "LatticeError",
    "LatticeRangeError",
    "LatticeTypeError",
    "LatticeWarning",
    "MemoryLimitError",
    "NameNotFoundError",
    "OutputExistsError",
    "RegionError",
    "ShapeMismatchError",
    "StorageError",
    "UnitMismatchError",
    "show_span",
    "suggest",
    "warn",
]

Span = tuple[int, int]

_WINDOW = 100  # characters of a long line shown around the span


class LatticeError(Exception):
    """Base of all errors that lattice raises on purpose.

    Parameters
    ----------
    message : str
        What is wrong, in one sentence.
    text : str, optional
        The whole expression text in which the error was found.
    span : tuple of int, optional
        Start and end offsets, in characters of `text`, of the part that is wrong.
    hint : str, optional
        What to do about it.

    Examples
    --------
    >>> from lattice.errors import LatticeError
    >>> print(LatticeError("unknown image 'b'", text="a + b", span=(4, 5), hint="did you mean 'a'?"))
    unknown image 'b'
      a + b
          ^
    did you mean 'a'?
    """

    def __init__(
        self,
        message: str,
        *,
        text: str | None = None,
        span: Span | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.text = text
        self.span = span
        self.hint = hint

    def __str__(self) -> str:
        parts = [self.message]
        if self.text is not None and self.span is not None:
            parts.append(show_span(self.text, self.span))
        if self.hint:
            parts.append(self.hint)
        return "\n".join(parts)

    def __reduce__(self) -> tuple[object, ...]:
        # Keyword-only arguments are lost by the default reduction; workers send errors to their client.
        return (_rebuild, (type(self), self.message, self.text, self.span, self.hint))

    def located(self, text: str | None, span: Span | None) -> LatticeError:
        """Return the same error with a place in the text, unless it already has one."""
        if self.text is None and text is not None:
            self.text, self.span = text, span
        return self


def _rebuild(
    cls: type[LatticeError], message: str, text: str | None, span: Span | None, hint: str | None
) -> LatticeError:
    return cls(message, text=text, span=span, hint=hint)


class LELSyntaxError(LatticeError, ValueError):
    """The expression text does not follow the grammar."""


class FunctionError(LatticeError, TypeError):
    """An unknown function, or a function called with a wrong number of arguments."""


class NameNotFoundError(LatticeError, LookupError):
    """A name in an expression that stands for no image, mask or region."""


class LatticeTypeError(LatticeError, TypeError):
    """An operand of a type that the operation does not take."""


class ShapeMismatchError(LatticeError, ValueError):
    """Operands whose shapes do not fit together."""


class CoordinateMismatchError(LatticeError, ValueError):
    """Operands whose axes differ in kind or order."""


class CoordinateError(LatticeError, ValueError):
    """Coordinates that are missing, or that cannot be computed or converted."""


class UnitMismatchError(LatticeError, ValueError):
    """Operands whose units do not fit together."""


class LatticeRangeError(LatticeError, ValueError):
    """An argument outside the range in which it has a meaning."""


class RegionError(LatticeError, ValueError):
    """A region that cannot be applied to the lattice at hand."""


class ImageIndexError(LatticeError, IndexError):
    """An index or label that the image does not have."""


class ImageNotFoundError(LatticeError, FileNotFoundError):
    """A path at which there is no image."""

    __str__ = LatticeError.__str__


class FormatError(LatticeError, ValueError):
    """A file that is malformed, truncated, or holds something that cannot be read as an image."""


class OutputExistsError(LatticeError, FileExistsError):
    """The output exists and was not to be overwritten."""

    __str__ = LatticeError.__str__


class StorageError(LatticeError, OSError):
    """Reading or writing failed: no space, no permission, or the device failed."""

    __str__ = LatticeError.__str__


class MemoryLimitError(LatticeError, MemoryError):
    """The work cannot be done within the memory limit."""


class LatticeWarning(UserWarning):
    """Something that the user should know, though the work goes on."""


class CoordinateWarning(LatticeWarning):
    """Operands whose axes fit together but whose coordinates differ in their values."""


class BeamWarning(LatticeWarning):
    """Operands whose restoring beams differ: their pixels have different resolutions."""


def warn(message: str, category: type[LatticeWarning] = LatticeWarning) -> None:
    """Warn where the code that uses lattice calls it, however deep the call goes."""
    level, frame = 2, sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").split(".")[0] == "lattice":
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)


def show_span(text: str, span: Span, indent: str = "  ") -> str:
    """Return the line of `text` that holds `span`, with carets under it.

    Parameters
    ----------
    text : str
        The whole text; it may have several lines.
    span : tuple of int
        Start and end offsets in characters; a span over several lines is shown up to the end of the first.
    indent : str, optional
        Put before both lines.

    Returns
    -------
    str
        One or two lines; with a leading line number when `text` has more than one line.
    """
    start = max(0, min(span[0], len(text)))
    end = max(start, min(span[1], len(text)))
    line_start = text.rfind("\n", 0, start) + 1
    line_end = text.find("\n", start)
    if line_end < 0:
        line_end = len(text)
    line = text[line_start:line_end]
    column = start - line_start
    width = max(1, min(end, line_end) - start)
    prefix = ""
    if "\n" in text:
        prefix = f"line {text.count(chr(10), 0, line_start) + 1}: "
    if len(line) > _WINDOW:
        first = max(0, column - _WINDOW // 2)
        cut = line[first : first + _WINDOW]
        left, right = ("..." if first else ""), ("..." if first + _WINDOW < len(line) else "")
        line, column = left + cut + right, column - first + len(left)
    width = max(1, min(width, len(line) - column)) if column < len(line) else 1
    shown = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in line.replace("\t", " "))
    return f"{indent}{prefix}{shown}\n{indent}{' ' * (len(prefix) + column)}{'^' * width}"


def suggest(name: str, known: Iterable[str], count: int = 3) -> str | None:
    """Return "did you mean ...?" with the nearest of the `known` names, or None when nothing is near.

    Parameters
    ----------
    name : str
        The name that was not found.
    known : iterable of str
        The names that exist.
    count : int, optional
        How many to list at most.
    """
    by_fold: dict[str, str] = {}
    for candidate in known:
        by_fold.setdefault(candidate.casefold(), candidate)
    near = difflib.get_close_matches(name.casefold(), list(by_fold), n=count, cutoff=0.6)
    if not near:
        return None
    names = [repr(by_fold[n]) for n in near]
    listed = names[0] if len(names) == 1 else ", ".join(names[:-1]) + " or " + names[-1]
    return f"did you mean {listed}?"
