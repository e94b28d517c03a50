"""Images on their way out: files, xarray, astropy; and the arguments of cuts in the words that users know."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Mapping
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
from lattice.graph.node import Node
from lattice.io.base import Format, ImageSpec
from lattice.io.registry import by_name, for_writing

if TYPE_CHECKING:
    from lattice.image_base import ImageBase
    from lattice.image_pixels import ImagePixels

__all__ = ["astropy_wcs", "box_items", "history_lines", "outline", "rebin_factors", "to_nddata", "to_xarray"]

_LONGEST = 20_000  # letters of an expression that go into the history


# -- files ------------------------------------------------------------------------------------------------


def outline(
    image: ImagePixels, path: str | os.PathLike[str], format: str | None
) -> tuple[str, Format, ImageSpec, dict[str, Node]]:
    """Return what saving needs: path, format, description of the output, further masks to be written."""
    target = os.fspath(path)
    if isinstance(target, bytes):
        target = os.fsdecode(target)
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
    )
    return target, found, spec, masks


def _beams(image: ImagePixels) -> tuple[tuple[float, float, float], ...]:
    """Return the beams as long as they fit the planes of the image."""
    beams = image.beams
    if len(beams) < 2:
        return beams
    planes = int(np.prod(image.shape[:-2], dtype=np.int64))
    if len(beams) == planes:
        return beams
    if len(set(beams)) == 1:
        return beams[:1]
    warnings.warn(
        f"not written: {len(beams)} beams, one per plane, do not fit an image of {planes} planes",
        LatticeWarning,
        stacklevel=4,
    )
    return ()


def history_lines(image: ImagePixels) -> tuple[str, ...]:
    """Return what saving adds to the history: the expression, and the versions that computed it."""
    from importlib.metadata import version

    from lattice import __version__

    text = " ".join(image.expression.split())
    if len(text) > _LONGEST:
        text = text[: _LONGEST - 4] + " ..."
    return (
        f"lattice {__version__}: {text}",
        f"numpy {np.__version__}, dask {version('dask')}",
    )


# -- astropy and xarray -----------------------------------------------------------------------------------


def astropy_wcs(image: ImageBase) -> Any:
    """Return the coordinates of an image as an astropy WCS."""
    from astropy.io.fits import Header
    from astropy.wcs import WCS

    assert image.coords is not None
    cards = image.coords.to_cards(image.shape)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about old keywords, which astropy mends
        header = Header()
        # An image of which little is known may have fewer axes in its header than in its shape.
        header["WCSAXES"] = max([image.ndim, *(value for key, value, _ in cards if key == "WCSAXES")])
        for key, value, comment in cards:
            if key != "WCSAXES":
                header[key] = (value, comment)
        wcs = WCS(header)
        wcs.array_shape = image.shape
    return wcs


def to_xarray(image: ImagePixels, name: str) -> Any:
    """Return a lazy Dataset; see `Image.to_xarray`."""
    import xarray

    attrs: dict[str, Any] = {"expression": image.expression}
    if image.history:
        attrs["history"] = "\n".join(image.history)
    for key, value, _ in image.node.attrs.meta:
        if key.isidentifier() and isinstance(value, str | int | float) and key.lower() not in attrs:
            attrs.setdefault(key, value)
    about: dict[str, Any] = {"units": image.unit} if image.unit else {}
    if len(image.beams) == 1:
        names = ("beam_major_deg", "beam_minor_deg", "beam_angle_deg")
        about |= dict(zip(names, image.beams[0], strict=True))
    if name == "mask" and image.mask is not None:
        raise LatticeError("the values cannot be called 'mask': that is the name of the mask")
    variables = {name: (image.dims, image.data, about)}
    if image.mask is not None:
        variables["mask"] = (image.dims, image.mask, {"long_name": "True where the pixel is good"})
    return xarray.Dataset(variables, attrs=attrs)


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


def box_items(image: ImagePixels, box: Any, chans: Any) -> tuple[slice, ...]:
    """Return the slices of a box on the last two axes and a range of channels."""
    items = [slice(None)] * image.ndim
    if box is not None:
        if image.ndim < 2:
            raise ShapeMismatchError(f"a box needs two axes, and the image has {image.ndim}")
        x0, y0, x1, y1 = _integers(box, 4, "box", "write x0, y0, x1, y1: the corners, both included")
        items[-1] = _range(x0, x1, image.shape[-1], "box", image.dims[-1])
        items[-2] = _range(y0, y1, image.shape[-2], "box", image.dims[-2])
    if chans is not None:
        kinds = image.coords.kinds if image.coords is not None else ("none",) * image.ndim
        names = ("frequency", "velocity", "wavelength", "channel")
        axes = [i for i, kind in enumerate(kinds) if kind == "spectral" or image.dims[i] in names]
        if len(axes) != 1:
            raise ShapeMismatchError(
                "chans needs one spectral axis", hint=f"the dims are {', '.join(image.dims)}"
            )
        if isinstance(chans, str):
            chans = re.split(r"\s*~\s*", chans.strip())
        given = [chans, chans] if isinstance(chans, int | np.integer) else list(chans)
        first, last = _integers(
            given * 2 if len(given) == 1 else given, 2, "chans", "write 5, (3, 7) or '3~7'"
        )
        items[axes[0]] = _range(first, last, image.shape[axes[0]], "chans", image.dims[axes[0]])
    return tuple(items)


def _integers(value: Any, count: int, what: str, usage: str) -> list[int]:
    parts = re.split(r"\s*,\s*|\s+", value.strip()) if isinstance(value, str) else list(value)
    try:
        numbers = [int(str(p)) for p in parts]
    except ValueError:
        numbers = []
    if len(numbers) != count:
        raise LatticeTypeError(f"{what}: {value!r} is not {count} whole numbers", hint=usage)
    return numbers


def _range(first: int, last: int, length: int, what: str, dim: str) -> slice:
    if not 0 <= first <= last < length:
        raise LatticeRangeError(
            f"{what}: {first} to {last} is not a range of dim {dim!r}, which has pixels 0 to {length - 1}"
        )
    return slice(first, last + 1)


def rebin_factors(image: ImagePixels, factors: Any, by_name: Mapping[str, int]) -> tuple[int, ...]:
    """Return one factor per axis, slowest first."""
    if isinstance(factors, int | np.integer):
        return (int(factors),) * image.ndim
    if factors is not None and not isinstance(factors, Mapping):
        found = tuple(int(f) for f in factors)
        if len(found) != image.ndim:
            raise ShapeMismatchError(
                f"{len(found)} factors for an image of {image.ndim} axes", hint="slowest axis first"
            )
        return found
    wanted = dict(factors or {}) | dict(by_name)
    for dim in wanted:
        if dim not in image.dims:
            raise LatticeRangeError(f"there is no dim {dim!r}", hint=f"the dims are {', '.join(image.dims)}")
    return tuple(int(wanted.get(dim, 1)) for dim in image.dims)
