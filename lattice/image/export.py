"""Images on their way out: files, xarray, astropy; and the arguments of cuts in the words that users know."""

from __future__ import annotations

import dataclasses
import functools
import os
import warnings
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from lattice.errors import (
    FormatError,
    LatticeError,
    LatticeRangeError,
    LatticeTypeError,
    LatticeWarning,
    ShapeMismatchError,
)
from lattice.graph.beams import fitting_beams
from lattice.graph.node import Node
from lattice.io.base import Format, ImageSpec
from lattice.io.losses import losses
from lattice.io.registry import by_name, for_writing

if TYPE_CHECKING:
    from lattice.image.pixels import ImagePixels

__all__ = ["history_lines", "outline", "rebin_factors", "to_nddata"]

_LONGEST = 20_000  # letters of an expression that go into the history


# -- files ------------------------------------------------------------------------------------------------


def outline(
    image: ImagePixels,
    path: str | os.PathLike[str],
    format: str | None,
    strict: bool = False,
    options: Mapping[str, Any] | None = None,
) -> tuple[str, Format, ImageSpec, dict[str, Node]]:
    """Return what saving needs: path, format, description of the output, further masks to be written."""
    if not isinstance(path, str | bytes | os.PathLike):
        raise LatticeTypeError(f"a path is a text, not a {type(path).__name__}")
    target = os.fsdecode(path)
    if "\0" in target:
        raise LatticeError("a path cannot hold a NUL character")
    found = by_name(format) if format is not None else for_writing(target)
    if "write" not in found.can:
        raise FormatError(f"the format {found.name} is read only")
    if not image.shape:
        raise FormatError(
            "the result is a single number, not an image",
            hint="take it with float(image), or print it with the command 'lattice calc'",
        )
    masks = dict(image._masks)
    default = image.default_mask
    if image.masked and default is not None:
        masks.pop(default, None)  # it comes with the values
    if image.masked and default is None:
        default = next(name for i in range(len(masks) + 1) if (name := f"mask{i}") not in masks)
    spec = ImageSpec(
        image.shape,
        image.dims,
        image.dtype,
        unit=image.unit,
        coords=image.coords,
        masked=image.masked,
        mask_names=tuple(masks),
        default_mask=default,
        meta=image.node.attrs.meta,
        history=(*image.history, *history_lines(image)),
        beams=_beams(image),
        regions=image.regions,
        groups=image.groups,
    )
    # The lines that saving itself adds are no part of the image: a file without them has lost nothing.
    own = dataclasses.replace(spec, history=image.history)
    if lost := losses(found, own, **(options or {})):
        message = f"a {found.name} file does not hold {', '.join(lost)}"
        if strict:
            raise FormatError(message, hint="leave out strict=True to write the rest, or take another format")
        warnings.warn(f"not written: {message}", LatticeWarning, stacklevel=3)
    return target, found, spec, masks


def _beams(image: ImagePixels) -> tuple[tuple[float, float, float], ...]:
    """Return the beams as long as they fit the planes of the image."""
    beams = image.beams
    if fitting_beams(image.node.attrs):
        return beams
    if len(set(beams)) == 1:
        return beams[:1]
    warnings.warn(
        f"not written: {len(beams)} beams do not fit the planes of an image of shape {image.shape}",
        LatticeWarning,
        stacklevel=4,
    )
    return ()


def history_lines(image: ImagePixels) -> tuple[str, ...]:
    """Return what saving adds to the history: the expression, and the versions that computed it."""
    from lattice import __version__

    text = " ".join(image.expression.split())
    if len(text) > _LONGEST:
        text = text[: _LONGEST - 4] + " ..."
    return (
        f"lattice {__version__}: {text}",
        f"numpy {np.__version__}, dask {_dask_version()}",
    )


@functools.cache
def _dask_version() -> str:
    from importlib.metadata import version

    return version("dask")


# -- astropy -----------------------------------------------------------------------------------


def to_nddata(image: ImagePixels) -> Any:
    """Return an NDData in memory; see `Image.to_nddata`."""
    from astropy import units
    from astropy.nddata import NDData

    pixels = image.to_masked_array()
    unit = None
    if image.unit:
        try:
            unit = units.Unit(image.unit)
        except ValueError:
            warnings.warn(
                f"astropy does not know the unit {image.unit!r}: left out", LatticeWarning, stacklevel=3
            )
    mask = None if pixels.mask is np.ma.nomask else np.ma.getmaskarray(pixels)
    return NDData(pixels.data, mask=mask, wcs=image.wcs, meta=dict(image.meta), unit=unit)


# -- arguments --------------------------------------------------------------------------------------------


def rebin_factors(image: ImagePixels, factors: Any, by_name: Mapping[str, int]) -> tuple[int, ...]:
    """Return one factor per axis, slowest first."""
    if isinstance(factors, int | np.integer):
        return (_factor(factors),) * image.ndim
    if factors is not None and not isinstance(factors, Mapping):
        found = tuple(_factor(f) for f in (factors if isinstance(factors, Iterable) else (factors,)))
        if len(found) != image.ndim:
            raise ShapeMismatchError(
                f"{len(found)} factors for an image of {image.ndim} axes", hint="slowest axis first"
            )
        return found
    wanted = dict(factors or {}) | dict(by_name)
    for dim in wanted:
        if dim not in image.dims:
            raise LatticeRangeError(f"there is no dim {dim!r}", hint=f"the dims are {', '.join(image.dims)}")
    return tuple(_factor(wanted.get(dim, 1)) for dim in image.dims)


def _factor(value: Any) -> int:
    """Return the pixels of a bin."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.number) or value != int(value):
        raise LatticeTypeError(f"a rebin factor is a whole number of pixels, not {value!r}")
    return int(value)
