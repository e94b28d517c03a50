"""python-casacore's package of images on lattice: scripts run after changing one import line.

``from lattice.compat.casacore.images import image`` in place of ``from casacore.images import image``. Where
scripts are not to be changed, `install` lets that line itself find this package.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from types import ModuleType

from lattice.errors import LatticeError

__all__ = ["install", "uninstall"]

_HERE = "lattice.compat.casacore"
_PARTS = ("images", "images.image", "images.coordinates", "util")
_replaced: dict[str, ModuleType | None] = {}


def install(*, replace: bool = False) -> None:
    """Let ``import casacore.images`` find this package, until the end of the process or `uninstall`.

    Parameters
    ----------
    replace : bool, optional
        Whether to take the place of an installed python-casacore; its other packages stay what they are.

    Raises
    ------
    LatticeError
        When python-casacore is installed, and is not to be replaced.

    Examples
    --------
    >>> import lattice.compat.casacore
    >>> lattice.compat.casacore.install(replace=True)
    >>> from casacore.images import image
    >>> image("", shape=[2, 3]).imagetype()
    'TempImage'
    >>> lattice.compat.casacore.uninstall()
    """
    if _replaced:
        return
    real = _installed()
    if real and not replace:
        raise LatticeError(
            "python-casacore is installed here, and 'import casacore' finds it",
            hint="say replace=True to take the place of its images, or import lattice.compat.casacore.images",
        )
    top = importlib.import_module("casacore") if real else sys.modules[_HERE]
    names = {"casacore": top} if not real else {}
    names |= {f"casacore.{part}": importlib.import_module(f"{_HERE}.{part}") for part in _PARTS}
    for name, module in names.items():
        _replaced[name] = sys.modules.get(name)
        sys.modules[name] = module
    if real:
        _attach(top, sys.modules["casacore.images"], sys.modules["casacore.util"])


def uninstall() -> None:
    """Undo `install`; images that are open stay what they are."""
    for name, module in _replaced.items():
        if module is None:
            sys.modules.pop(name, None)
        else:
            sys.modules[name] = module
    top = sys.modules.get("casacore")
    if _replaced and top is not None:
        _attach(top, _replaced.get("casacore.images"), _replaced.get("casacore.util"))
    _replaced.clear()


def _installed() -> bool:
    try:
        return importlib.util.find_spec("casacore") is not None
    except (ImportError, ValueError):
        return False


def _attach(top: ModuleType, images: ModuleType | None, util: ModuleType | None) -> None:
    """Make submodules attributes of a package, as their import would."""
    for name, module in (("images", images), ("util", util)):
        if module is None:
            vars(top).pop(name, None)
        else:
            setattr(top, name, module)
