"""Arguments of tools and tasks: CASA's types, one table of them by the names of the parameters.

A number stands for a list of one, a list of whole numbers for one of real ones, numpy's types for Python's;
what CASA refuses is refused: a text where a number belongs, a number where a text or a truth value does.
"""

from __future__ import annotations

import functools
import inspect
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeVar

import numpy as np

from lattice.compat.casa.errors import ArgumentError, CasaError, as_casa

__all__ = ["called", "checked", "matched", "served"]

log = logging.getLogger("casa")

_KINDS: dict[str, Callable[[Any, str], Any]] = {}
_Method = TypeVar("_Method", bound=Callable[..., Any])


def _kind(check: Callable[[Any, str], Any]) -> Callable[[Any, str], Any]:
    _KINDS[check.__name__.strip("_")] = check
    return check


def _plain(value: Any) -> Any:
    """Return a numpy scalar, or an array without axes, as Python's."""
    if isinstance(value, np.generic):
        return value.item()
    return value.item() if isinstance(value, np.ndarray) and value.ndim == 0 else value


@_kind
def _text(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise ArgumentError(f"{name} is a text, not {value!r}")
    return value


@_kind
def _flag(value: Any, name: str) -> bool:
    value = _plain(value)
    if not isinstance(value, bool):
        raise ArgumentError(f"{name} is True or False, not {value!r}")
    return value


@_kind
def _whole(value: Any, name: str) -> int:
    value = _plain(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if not isinstance(value, int):
        raise ArgumentError(f"{name} is a whole number, not {value!r}")
    return int(value)


@_kind
def _real(value: Any, name: str) -> float:
    value = _plain(value)
    if not isinstance(value, int | float):
        raise ArgumentError(f"{name} is a number, not {value!r}")
    return float(value)


def _listed(value: Any, name: str) -> list[Any]:
    value = _plain(value)
    if isinstance(value, str | Mapping) or value is None:
        raise ArgumentError(f"{name} is a list of numbers, not {value!r}")
    if isinstance(value, np.ndarray):
        value = value.ravel().tolist()
    return list(value) if isinstance(value, Sequence) else [value]


@_kind
def _wholes(value: Any, name: str) -> list[int]:
    """CASA cuts fractions off."""
    out = []
    for one in _listed(value, name):
        one = _plain(one)
        if isinstance(one, str) or not isinstance(one, int | float):
            raise ArgumentError(f"{name} is a list of whole numbers, not {value!r}")
        out.append(int(one))
    return out


@_kind
def _reals(value: Any, name: str) -> list[float]:
    return [_real(one, name) for one in _listed(value, name)]


@_kind
def _texts(value: Any, name: str) -> list[str]:
    if isinstance(value, np.ndarray):
        value = value.tolist()
    given = list(value) if isinstance(value, list | tuple) else [value]
    return [_text(one, name) for one in given]


@_kind
def _record(value: Any, name: str) -> dict[str, Any]:
    if hasattr(value, "torecord"):
        value = value.torecord()
    if value is None or (isinstance(value, list | tuple | str) and not value):
        return {}
    if not isinstance(value, Mapping):
        raise ArgumentError(f"{name} is a record, which is a dictionary, not {value!r}")
    return dict(value)


@_kind
def _region(value: Any, name: str) -> Any:
    if isinstance(value, list | tuple | dict) and not value:
        return ""
    if isinstance(value, list | tuple) and len(value) == 1:
        value = value[0]
    if not isinstance(value, str | Mapping):
        raise CasaError(f"{name} is a record or a text, not {value!r}")
    return value


@_kind
def _mask(value: Any, name: str) -> str:
    if isinstance(value, list | tuple) and all(isinstance(v, str) for v in value):
        value = " ".join(value)
    if not isinstance(value, str):
        raise CasaError(f"{name} is an expression or the name of an image, not {value!r}")
    return value


@_kind
def _any(value: Any, name: str) -> Any:
    return value


_BY_KIND = {
    "text": """outfile infile box chans stokes method dmethod function algorithm center
        clmethod logfile name unit origin prec imagemd op type doppler mbret format dframe sframe
        imagename fitsimage hdkey message mode output inpimage polithresh kernel kimage
        interpolation absrel comment pol epoch code""",
    "flag": """overwrite dropdeg list stretch wantreturn linear log cache remove verbose asdefault
        replicate usemask locking update drop robust force disk append lside cumu crop doref
        asvelocity targetres silent direction spectral tabular relax tempclose reorder padmask
        velocity optical deglast dropstokes stokeslast wavelength airwavelength zeroblanks
        getmask writelock enable strippath pixelorder dovelocity done frac defaultaxes listit""",
    "whole": """axis width factor npixels maxiter niter nbins channel polarization whichrep whichhdu
        bitpix nattempts""",
    "real": "scale fence zscore cutoff minpix maxpix peaksnr stddev v",
    "wholes": "axes shape moments bin smoothaxes keepaxes",
    "reals": "widths includepix excludepix smoothwidths locate",
    "texts": "types smoothtypes",
    "record": "csys info",
    "region": "region",
    "mask": "mask",
}
_KIND_OF = {name: kind for kind, names in _BY_KIND.items() for name in names.split()}


def checked(parameters: Mapping[str, Any], special: Mapping[str, str], what: str) -> dict[str, Any]:
    """Return arguments as their kinds have them.

    Parameters
    ----------
    parameters : mapping
        Arguments by name.
    special : mapping of str to str
        Kinds of those that the table does not know, or has otherwise.
    what : str
        Name of the method, for errors.
    """
    out = {}
    for name, value in parameters.items():
        kind = special.get(name) or _KIND_OF.get(name, "any")
        out[name] = _KINDS[kind](value, f"{what}: {name}")
    return out


def served(**kinds: str) -> Callable[[_Method], _Method]:
    """Make a method of a tool: arguments are checked, errors are CASA's, and the call is logged.

    Parameters
    ----------
    **kinds : str
        Kinds of parameters that the table does not know, or has otherwise: text, flag, whole, real, wholes,
        reals, texts, record, region, mask or any.
    """

    def around(method: _Method) -> _Method:
        signature = inspect.signature(method)
        name = method.__name__

        @functools.wraps(method)
        def call(self: Any, *args: Any, **kwargs: Any) -> Any:
            bound = signature.bind(self, *args, **kwargs)
            bound.apply_defaults()
            given = dict(bound.arguments)
            given.pop("self")
            what = f"{type(self).__name__}.{name}"
            log.debug("%s::%s", type(self).__name__, name)
            arguments = checked(given, kinds, what)
            with as_casa(what), _steady(self):
                return method(self, **arguments)

        return call  # type: ignore[return-value]

    return around


def _steady(tool: Any) -> AbstractContextManager[None]:
    """Keep other processes from changing the image of a tool while one of its methods runs."""
    pixels = getattr(tool, "_pixels", None)
    return nullcontext() if pixels is None else pixels.steady()


def called(what: str, arguments: Mapping[str, Any]) -> tuple[str, str]:
    """Return the two lines about a call that go into the history.

    >>> called("ia.subimage", {"outfile": "", "dropdeg": True, "keepaxes": [1]})
    ('Ran ia.subimage', 'ia.subimage(outfile="", dropdeg=true, keepaxes=[1])')
    """
    return (f"Ran {what}", f"{what}({', '.join(f'{k}={_shown(v)}' for k, v in arguments.items())})")


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, Mapping):
        return "{...}" if value else "{}"
    if isinstance(value, np.ndarray) or (isinstance(value, list | tuple) and len(value) > 20):
        return "[...]"
    if isinstance(value, list | tuple):
        return f"[{','.join(_shown(v) for v in value)}]"
    return str(value)


def matched(word: str, known: Sequence[str], what: str) -> str:
    """Return the word of a list that another one begins, whatever its case.

    Raises
    ------
    CasaError
        When none does, or several do and none of them is the word itself.

    Examples
    --------
    >>> matched("gau", ["gaussian", "boxcar"], "kernel")
    'gaussian'
    """
    start = word.strip().lower()
    found = [k for k in known if k.lower().startswith(start)] if start else []
    exact = [k for k in found if k.lower() == start]
    if len(exact) == 1 or len(found) == 1:
        return (exact or found)[0]
    several = f" is the start of {', '.join(found)}" if found else " is not known"
    raise CasaError(f"{what} {word!r}{several}", hint=f"there are {', '.join(known)}")
