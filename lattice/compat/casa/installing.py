"""``import casatools``, ``casatasks`` and ``casacore`` made to find lattice."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import MutableMapping
from types import ModuleType
from typing import Any

from lattice.compat.casa.missing import SHELL, TASKS, TOOLS, Unserved, note
from lattice.errors import LatticeError

__all__ = ["install", "names", "uninstall"]

_HERE = "lattice.compat.casa"
_TOOLS = ("image", "coordsys", "regionmanager", "quanta", "measures", "logsink")
_SHORT = {"ia": "image", "cs": "coordsys", "rg": "regionmanager", "qa": "quanta", "me": "measures"}
_VERSION = (6, 7, 0, 31)  # whose tools and tasks these are like
_replaced: dict[str, ModuleType | None] = {}
_spread: list[tuple[MutableMapping[str, Any], dict[str, Any]]] = []
_NOTHING = object()


class _Package(ModuleType):
    """A package that has what lattice serves, and says so of the rest of CASA's when it is used."""

    def __init__(self, name: str, unserved: frozenset[str]) -> None:
        super().__init__(name, f"CASA's {name}, served by lattice.")
        self._unserved = unserved
        self.__path__: list[str] = []  # a package: `import casatools.x` says what is missing

    def __getattr__(self, name: str) -> Any:
        if name in self._unserved:
            return Unserved(f"{self.__name__}.{name}")
        if not name.startswith("_"):
            note(f"{self.__name__}.{name}")
        known = ", ".join(sorted(n for n in vars(self) if not n.startswith("_")))
        raise AttributeError(f"{self.__name__} has no {name!r} here; it has {known}")


def _packages() -> dict[str, ModuleType]:
    here = importlib.import_module(_HERE)
    tasks = importlib.import_module(f"{_HERE}.tasks")
    casatools, casatasks = _Package("casatools", TOOLS), _Package("casatasks", TASKS)
    for name in _TOOLS:
        setattr(casatools, name, getattr(here, name))
    for name in tasks.__all__:
        setattr(casatasks, name, getattr(tasks, name))
    vars(casatasks)["casalog"] = here.casalog
    for package in (casatools, casatasks):
        vars(package)["version"] = lambda: list(_VERSION)
        vars(package)["version_string"] = lambda: "{}.{}.{}-{}".format(*_VERSION)
        vars(package)["__all__"] = [n for n in vars(package) if not n.startswith("_")]
    return {"casatools": casatools, "casatasks": casatasks}


def names() -> dict[str, Any]:
    """Return what CASA has ready in its shell: tools by their short names, tasks, and its log.

    Names of CASA that are not served are there as well; they say so when they are used.

    Examples
    --------
    >>> sorted(n for n, v in names().items() if callable(v))[:4]
    ['accor', 'af', 'apparentsens', 'applycal']
    >>> names()["tclean"]
    <casatasks.tclean, which is not served by lattice>
    """
    here = importlib.import_module(_HERE)
    tasks = importlib.import_module(f"{_HERE}.tasks")
    out: dict[str, Any] = {name: Unserved(f"casatools.{tool}") for name, tool in SHELL.items()}
    out |= {name: Unserved(f"casatasks.{name}") for name in TASKS}
    out |= {name: getattr(tasks, name) for name in tasks.__all__}
    out |= {key: getattr(here, name)() for key, name in _SHORT.items()}
    return out | {"iatool": here.image, "casalog": here.casalog}


def install(*, replace: bool = False, into: MutableMapping[str, Any] | None = None) -> None:
    """Let ``import casatools`` and ``import casatasks`` find this package, until `uninstall`.

    Images of casacore are replaced as well where python-casacore is not installed, or with `replace`.

    Parameters
    ----------
    replace : bool, optional
        Whether to take the place of packages of these names that are installed.
    into : dict, optional
        Where to put what CASA's shell has ready, `ia`, `rg`, the tasks, ...; ``globals()`` in a notebook.

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

    if not _replaced:
        packages = _packages()
        for name in packages:
            if not replace and name not in sys.modules and importlib.util.find_spec(name) is not None:
                raise LatticeError(f"{name} is installed here", hint="say replace=True to take its place")
        for name, module in packages.items():
            _replaced[name] = sys.modules.get(name)
            sys.modules[name] = module
        if replace or importlib.util.find_spec("casacore") is None:
            casacore.install(replace=True)
    if into is not None:
        found = names()
        _spread.append((into, {name: into.get(name, _NOTHING) for name in found}))
        into.update(found)


def uninstall() -> None:
    """Undo `install`, names that it put anywhere included."""
    from lattice.compat import casacore

    for name, module in _replaced.items():
        if module is None:
            sys.modules.pop(name, None)
        else:
            sys.modules[name] = module
    if _replaced:
        casacore.uninstall()
    _replaced.clear()
    while _spread:
        space, before = _spread.pop()
        for name, value in before.items():
            if value is _NOTHING:
                space.pop(name, None)
            else:
                space[name] = value
