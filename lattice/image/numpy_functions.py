"""Numpy functions that work on images: each is the method or expression of the same meaning."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from lattice.errors import LatticeTypeError
from lattice.functions.registry import lookup
from lattice.graph.types import is_bool
from lattice.image.operators import apply_function

__all__ = ["FUNCTIONS"]


def _refuse(name: str, options: dict[str, Any]) -> None:
    given = [k for k, v in options.items() if v is not None and v is not np._NoValue and v is not False]
    if given:
        raise LatticeTypeError(f"numpy.{name} takes no {', '.join(given)} with images")


def _reduction(method: str) -> Callable[..., Any]:
    def apply(image: Any, axis: Any = None, **options: Any) -> Any:
        _refuse(method, options)
        return getattr(image, method)(axis=axis)

    return apply


def _spread(method: str, skip_nan: bool = False) -> Callable[..., Any]:
    def apply(
        image: Any, axis: Any = None, ddof: int = 0, correction: int | None = None, **options: Any
    ) -> Any:
        _refuse(method, options)
        # numpy divides by n unless it is told otherwise, and so does this.
        found = image[~image.isnan()] if skip_nan else image
        return getattr(found, method)(axis=axis, ddof=ddof if correction is None else correction)

    return apply


def _without_nan(method: str) -> Callable[..., Any]:
    def apply(image: Any, axis: Any = None, **options: Any) -> Any:
        _refuse(f"nan{method}", options)
        return getattr(image[~image.isnan()], method)(axis=axis)

    return apply


def _median(skip_nan: bool = False) -> Callable[..., Any]:
    def apply(image: Any, axis: Any = None, **options: Any) -> Any:
        _refuse("median", options)
        # numpy takes the mean of the two in the middle, where `Image.median` has the lower one as LEL does.
        return (image[~image.isnan()] if skip_nan else image).collapse("median", axis)

    return apply


def _where(condition: Any, *choices: Any) -> Any:
    if len(choices) != 2:
        raise LatticeTypeError(
            "numpy.where of an image needs all three arguments", hint="np.where(condition, a, b)"
        )
    return apply_function(lookup("iif", 3), (condition, *choices))


def _clip(image: Any, a_min: Any = None, a_max: Any = None, **options: Any) -> Any:
    low, high = options.pop("min", a_min), options.pop("max", a_max)
    _refuse("clip", options)
    if low is not None and low is not np._NoValue:
        image = apply_function(lookup("max", 2), (image, low))
    if high is not None and high is not np._NoValue:
        image = apply_function(lookup("min", 2), (image, high))
    return image


def _count_nonzero(image: Any, axis: Any = None, **options: Any) -> Any:
    _refuse("count_nonzero", options)
    truth = image if is_bool(image.dtype) else image != 0
    return truth.ntrue(axis=axis)


def _concatenate(images: Any, axis: int = 0, **options: Any) -> Any:
    from lattice.api import concat

    _refuse("concatenate", options)
    return concat(list(images), dim=axis)


def _refused_round(*_args: Any, **_options: Any) -> Any:
    raise LatticeTypeError(
        "numpy.round rounds halves to even, which images do not do",
        hint="round(image) or image.round() rounds halves away from zero",
    )


FUNCTIONS: dict[Any, Callable[..., Any]] = {
    np.sum: _reduction("sum"),
    np.mean: _reduction("mean"),
    np.median: _median(),
    np.min: _reduction("min"),
    np.max: _reduction("max"),
    np.any: _reduction("any"),
    np.all: _reduction("all"),
    np.std: _spread("std"),
    np.var: _spread("var"),
    np.nansum: _without_nan("sum"),
    np.nanmean: _without_nan("mean"),
    np.nanmedian: _median(True),
    np.nanmin: _without_nan("min"),
    np.nanmax: _without_nan("max"),
    np.nanstd: _spread("std", True),
    np.nanvar: _spread("var", True),
    np.count_nonzero: _count_nonzero,
    np.where: _where,
    np.clip: _clip,
    np.concatenate: _concatenate,
    np.round: _refused_round,
    np.real: lambda image: image.real,
    np.imag: lambda image: image.imag,
    np.angle: lambda image, deg=False: image.arg() * (180 / np.pi) if deg else image.arg(),
    np.squeeze: lambda image: image.squeeze(),
    np.shape: lambda image: image.shape,
    np.ndim: lambda image: image.ndim,
    np.size: lambda image, axis=None: image.size if axis is None else image.shape[axis],
    np.iscomplexobj: lambda image: image.dtype.kind == "c",
    np.isrealobj: lambda image: image.dtype.kind != "c",
    np.copy: lambda image, **_: image.values.copy(),
}
