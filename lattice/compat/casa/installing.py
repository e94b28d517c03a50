"""``import casatools``, ``casatasks`` and ``casacore`` made to find lattice."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from types import ModuleType
from typing import Any, NoReturn

from lattice.compat.casa.missing import note
from lattice.errors import LatticeError

__all__ = ["install", "names", "uninstall"]

_HERE = "lattice.compat.casa"
_TOOLS = ("image", "coordsys", "regionmanager", "quanta", "measures")
_replaced: dict[str, ModuleType | None] = {}


class _Package(ModuleType):
    """A package that says what it has when it is asked for something else."""

    def __getattr__(self, name: str) -> NoReturn:
        if not name.startswith("_"):
            note(f"{self.__name__}.{name}")
        known = ", ".join(sorted(n for n in vars(self) if not n.startswith("_")))
        raise AttributeError(f"{self.__name__} has no {name!r} here; it has {known}")


def _packages() -> dict[str, ModuleType]:
    here = importlib.import_module(_HERE)
    tasks = importlib.import_module(f"{_HERE}.tasks")
    casatools, casatasks = _Package("casatools"), _Package("casatasks")
    for name in _TOOLS:
        setattr(casatools, name, getattr(here, name))
    for name in tasks.__all__:
        setattr(casatasks, name, getattr(tasks, name))
    return {"casatools": casatools, "casatasks": casatasks}


def names() -> dict[str, Any]:
    """Return what CASA has ready in its shell: tools by their short names, and tasks.

    Examples
    --------
    >>> sorted(names())[:4]
    ['cs', 'exportfits', 'ia', 'imcollapse']
    """
    here = importlib.import_module(_HERE)
    tasks = importlib.import_module(f"{_HERE}.tasks")
    out: dict[str, Any] = {name: getattr(tasks, name) for name in tasks.__all__}
    short = {"ia": "image", "cs": "coordsys", "rg": "regionmanager", "qa": "quanta", "me": "measures"}
    return out | {key: getattr(here, name)() for key, name in short.items()}


def install(*, replace: bool = False) -> None:
    """Let ``import casatools`` and ``import casatasks`` find this package, until `uninstall`.

    Images of casacore are replaced as well where python-casacore is not installed, or with `replace`.

    Parameters
    ----------
    replace : bool, optional
        Whether to take the place of packages of these names that are installed.

    Raises
    ------
    LatticeError
        When CASA is installed, and is not to be replaced.

    Examples
    --------
    >>> import lattice.compat.casa
    >>> lattice.compat.casa.install(replace=True)
    >>> from casatools import image
    >>> image().isopen()
    False
    >>> lattice.compat.casa.uninstall()
    """
    from lattice.compat import casacore

    if _replaced:
        return
    packages = _packages()
    for name in packages:
        if not replace and name not in sys.modules and importlib.util.find_spec(name) is not None:
            raise LatticeError(f"{name} is installed here", hint="say replace=True to take its place")
    for name, module in packages.items():
        _replaced[name] = sys.modules.get(name)
        sys.modules[name] = module
    if replace or importlib.util.find_spec("casacore") is None:
        casacore.install(replace=True)


def uninstall() -> None:
    """Undo `install`."""
    from lattice.compat import casacore

    for name, module in _replaced.items():
        if module is None:
            sys.modules.pop(name, None)
        else:
            sys.modules[name] = module
    if _replaced:
        casacore.uninstall()
    _replaced.clear()
