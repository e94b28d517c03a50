"""Lazy expressions on N-dimensional astronomical images.

`open` an image, write an expression as text (`expr`) or with Python operators, and `Image.save` it or take a
number from it; nothing is read before that.  Every name is loaded on first use, so that importing lattice
costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lattice import config, coords, errors, regions
    from lattice.api import concat, expr, formats, open
    from lattice.beams import Beam
    from lattice.config import Options, get_options, set_options
    from lattice.coords.system import CoordinateSystem
    from lattice.errors import (
        BeamWarning,
        CoordinateError,
        CoordinateMismatchError,
        CoordinateWarning,
        FormatError,
        FunctionError,
        ImageIndexError,
        ImageNotFoundError,
        LatticeError,
        LatticeRangeError,
        LatticeTypeError,
        LatticeWarning,
        LELSyntaxError,
        MemoryLimitError,
        NameNotFoundError,
        OutputExistsError,
        RegionError,
        ShapeMismatchError,
        StorageError,
        UnitMismatchError,
    )
    from lattice.functions.registry import define
    from lattice.functions.registry import elementwise as function
    from lattice.graph.function import Param
    from lattice.histograms import Histogram
    from lattice.image import Image
    from lattice.statistics import Statistics, stat
    from lattice.together import compute, save

__version__ = "0.1.0"

# Where each public name is found: module, and its name there.
_NAMES: dict[str, tuple[str, str]] = {
    "Beam": ("lattice.beams", "Beam"),
    "CoordinateSystem": ("lattice.coords.system", "CoordinateSystem"),
    "Histogram": ("lattice.histograms", "Histogram"),
    "Image": ("lattice.image", "Image"),
    "Options": ("lattice.config", "Options"),
    "Param": ("lattice.graph.function", "Param"),
    "Statistics": ("lattice.statistics", "Statistics"),
    "compute": ("lattice.together", "compute"),
    "concat": ("lattice.api", "concat"),
    "define": ("lattice.functions.registry", "define"),
    "expr": ("lattice.api", "expr"),
    "formats": ("lattice.api", "formats"),
    "function": ("lattice.functions.registry", "elementwise"),
    "get_options": ("lattice.config", "get_options"),
    "open": ("lattice.api", "open"),
    "save": ("lattice.together", "save"),
    "set_options": ("lattice.config", "set_options"),
    "stat": ("lattice.statistics", "stat"),
}
_ERRORS = (
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
)
_NAMES |= {name: ("lattice.errors", name) for name in _ERRORS}
_MODULES = ("config", "coords", "errors", "functions", "plot", "regions")

__all__ = [
    "Beam",
    "CoordinateError",
    "CoordinateMismatchError",
    "BeamWarning",
    "CoordinateWarning",
    "CoordinateSystem",
    "FormatError",
    "FunctionError",
    "Histogram",
    "Image",
    "ImageIndexError",
    "ImageNotFoundError",
    "LELSyntaxError",
    "LatticeError",
    "LatticeRangeError",
    "LatticeTypeError",
    "LatticeWarning",
    "MemoryLimitError",
    "NameNotFoundError",
    "Options",
    "OutputExistsError",
    "Param",
    "RegionError",
    "ShapeMismatchError",
    "Statistics",
    "StorageError",
    "UnitMismatchError",
    "compute",
    "concat",
    "config",
    "coords",
    "define",
    "errors",
    "expr",
    "formats",
    "function",
    "get_options",
    "open",
    "regions",
    "save",
    "set_options",
    "stat",
]


def __getattr__(name: str) -> Any:
    if name in _NAMES:
        module, attribute = _NAMES[name]
        value = getattr(importlib.import_module(module), attribute)
    elif name in _MODULES:
        value = importlib.import_module(f"lattice.{name}")
    else:
        raise AttributeError(f"module 'lattice' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*__all__, *_MODULES, "__version__"})
