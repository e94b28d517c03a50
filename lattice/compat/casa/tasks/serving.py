"""How tasks are served: arguments checked as CASA checks them, lines in its log, and what does the work."""

from __future__ import annotations

import functools
import inspect
import os
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

import numpy as np

from lattice.compat.casa.arguments import called
from lattice.compat.casa.attaching import open_image
from lattice.compat.casa.core import created
from lattice.compat.casa.errors import ArgumentError, CasaError, as_casa
from lattice.compat.casa.image import image
from lattice.compat.casa.logs import post
from lattice.compat.casa.selection import selected
from lattice.image import Image

__all__ = ["SERVED", "Served", "TaskArgumentError", "cut", "noted", "opened", "signed", "task", "written"]

_Task = TypeVar("_Task", bound=Callable[..., Any])


class TaskArgumentError(ArgumentError, AssertionError):
    """An argument that a task does not take, where CASA has an AssertionError."""


@dataclass(frozen=True)
class Served:
    """A task, and where its work is done.

    Attributes
    ----------
    name : str
        Name of the task.
    verb : str
        Commands of ``lattice`` that do the same work, separated by commas; empty for none.
    method : str
        Names of what it calls, such as "Image.collapse".
    kinds : mapping of str to str
        CASA's types of its parameters: str, bool, int, float, path, intvec, floatvec, strvec, dict, variant;
        several with ``|`` between.
    """

    name: str
    verb: str
    method: str
    kinds: Mapping[str, str]


SERVED: dict[str, Served] = {}
"""All tasks, by name."""

_CALL: ContextVar[tuple[str, ...]] = ContextVar("lines about the call that is under way", default=())

_OF_ANNOTATION = {"str": "str", "bool": "bool", "int": "int", "float": "float"}


def task(verb: str, method: str, /, **kinds: str) -> Callable[[_Task], _Task]:
    """Make a task of a function: arguments are checked, calls logged, and errors are CASA's.

    Parameters
    ----------
    verb, method : str
        What does the same work natively; see `Served`.
    **kinds : str
        CASA's types of the parameters whose annotation does not say it.
    """

    def around(function: _Task) -> _Task:
        signature = inspect.signature(function)
        name = function.__name__
        taken = {
            p.name: kinds.get(p.name) or _OF_ANNOTATION[str(p.annotation)]
            for p in signature.parameters.values()
        }
        SERVED[name] = Served(name, verb, method, taken)

        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            bound = signature.bind(*args, **kwargs)
            bound.apply_defaults()
            given = {
                key: checked(value, taken[key], f"{name}: {key}") for key, value in bound.arguments.items()
            }
            _begin(name, given)
            token = _CALL.set(called(name, given))
            try:
                with as_casa(name):
                    found = function(**given)
            except Exception as error:
                text = str(error).splitlines() or [""]
                post(
                    f"Task {name} raised an exception of class {type(error).__name__}"
                    f" with the following message: {text[0]}",
                    "ERROR",
                    name,
                )
                raise
            finally:
                _CALL.reset(token)
            _end(name)
            return found

        return call  # type: ignore[return-value]

    return around


def _begin(name: str, given: Mapping[str, Any]) -> None:
    post("##########################################", origin=name)
    post(f"##### Begin Task: {name:<18} #####", origin=name)
    post(called(name, given)[1], origin=name)


def _end(name: str) -> None:
    post(f"Task {name} complete. Time: {datetime.now(UTC):%Y-%m-%d %H:%M:%S}", origin=name)
    post(f"##### End Task: {name:<18}   #####", origin=name)
    post("##########################################", origin=name)


# -- arguments ----------------------------------------------------------------------------------------------


def _str(value: Any) -> Any:
    return str(value) if isinstance(value, str) else None


def _bool(value: Any) -> Any:
    return value if isinstance(value, bool) else None


def _int(value: Any) -> Any:
    return int(value) if isinstance(value, int | np.integer) else None


def _float(value: Any) -> Any:
    return float(value) if isinstance(value, int | float | np.integer | np.floating) else None


def _path(value: Any) -> Any:
    if not isinstance(value, str):
        return None
    return os.path.expanduser(value)


def _listed(value: Any, one: Callable[[Any], Any]) -> Any:
    if isinstance(value, np.ndarray):
        if value.ndim > 1:
            return None
        value = value.tolist()
    if isinstance(value, Mapping) and not value:
        return []
    items = list(value) if isinstance(value, list | tuple) else [value]
    out = [one(item) for item in items]
    return None if any(item is None for item in out) else out


def _dict(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else None


def _variant(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


_KINDS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "str": (_str, "a text"),
    "bool": (_bool, "True or False"),
    "int": (_int, "a whole number"),
    "float": (_float, "a number"),
    "path": (_path, "the name of a file"),
    "intvec": (lambda v: _listed(v, _int), "a list of whole numbers"),
    "floatvec": (lambda v: _listed(v, _float), "a list of numbers"),
    "strvec": (lambda v: _listed(v, _str), "a list of texts"),
    "dict": (_dict, "a record, which is a dictionary"),
    "variant": (_variant, "anything but None"),
}


def checked(value: Any, kinds: str, what: str) -> Any:
    """Return an argument as one of CASA's types has it.

    Parameters
    ----------
    value : object
        The argument.
    kinds : str
        Types with ``|`` between; the first that takes it counts.
    what : str
        Name of task and parameter, for errors.

    Raises
    ------
    TaskArgumentError
        When none takes it.

    Examples
    --------
    >>> checked(3, "intvec", "imrebin: factor")
    [3]
    """
    for kind in kinds.split("|"):
        found = _KINDS[kind][0](value)
        if found is not None:
            return found
    wanted = " or ".join(_KINDS[kind][1] for kind in kinds.split("|"))
    raise TaskArgumentError(f"{what} is {wanted}, not {value!r}")


# -- what tasks start from ----------------------------------------------------------------------------------


def opened(name: str) -> image:
    """Return a tool attached to the image in a file."""
    if not name:
        raise CasaError("give the name of an image")
    tool = image._on(open_image(name))
    tool._keeps_history = False
    return tool


def cut(
    name: str,
    region: Any = "",
    box: str = "",
    chans: str = "",
    stokes: str = "",
    mask: Any = "",
    stretch: bool = False,
    **more: Any,
) -> image:
    """Return a tool with the selected part of the image in a file; nothing is read or copied."""
    tool = opened(name)

    def build(whole: Image) -> Image:
        return selected(whole, region, mask, stretch, box=box, chans=chans, stokes=stokes, **more)

    made = tool._made(build, "", False, ("subimage", {}))
    made._keeps_history = False
    return made


def signed(made: Image) -> Image:
    """Return an image with the call of the task in its history."""
    return made._with(history=(*made.history, *_CALL.get()))


def written(made: Image, outfile: str, overwrite: bool = False) -> None:
    """Write an image that the task makes, with the call in its history."""
    if not outfile:
        raise CasaError("give the name of the image to write")
    created(outfile, signed(made), overwrite)


def noted(tool: image) -> None:
    """Write the call into the history of an image that the task changed."""
    lines = _CALL.get()
    if lines:
        tool._add_lines(lines, lines[0].split()[-1])
