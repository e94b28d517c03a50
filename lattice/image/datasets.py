"""Images as labelled arrays of xarray, and back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from lattice.errors import LatticeError, LatticeTypeError, NameNotFoundError, suggest
from lattice.image.make import Parts, array_parts, is_array

if TYPE_CHECKING:
    from lattice.image.pixels import ImagePixels

__all__ = ["dataset_of", "parts_of_dataset", "system_of_dataset", "to_xarray"]

MASK = "mask"
_BEAM = ("beam_major_deg", "beam_minor_deg", "beam_angle_deg")
_KEYWORD = re.compile(r"[A-Z0-9_-]{1,8}")


def to_xarray(image: ImagePixels, name: str) -> Any:
    """Return a lazy Dataset; see `Image.to_xarray`."""
    variables = {name: image.data}
    if image.mask is not None:
        variables[MASK] = image.mask
    return dataset_of(image, variables, name)


def dataset_of(image: ImagePixels, arrays: Mapping[str, Any], name: str, encoding: Any = None) -> Any:
    """Return a Dataset of arrays that hold the values and masks of an image, with its labels.

    Parameters
    ----------
    image : Image
        What the arrays are.
    arrays : mapping of str to array
        The values by `name`; the others are masks.
    name : str
        Name of the values.
    encoding : dict, optional
        For xarray.
    """
    import xarray

    import lattice.accessor  # noqa: F401 - it registers itself
    from lattice.coords.index import labels_of
    from lattice.image.select import bounding_box

    if name == MASK and MASK in arrays and image.masked:
        raise LatticeError("the values cannot be called 'mask': that is the name of the mask")
    attrs: dict[str, Any] = {"expression": image.expression}
    if image.history:
        attrs["history"] = "\n".join(image.history)
    for key, value, _ in image.node.attrs.meta:
        if isinstance(value, str | int | float) and not isinstance(value, bool) and key.lower() not in attrs:
            attrs.setdefault(key, value)
    about: dict[str, Any] = {"units": image.unit} if image.unit else {}
    if len(image.beams) == 1:
        about |= dict(zip(_BEAM, image.beams[0], strict=True))
    good = {"long_name": "True where the pixel is good"}
    variables = {
        key: xarray.Variable(image.dims, array, about if key == name else good, encoding)
        for key, array in arrays.items()
    }
    labels = None
    if image.coords is not None:
        cut = bounding_box(image.node).dropped if image.coords.dropped else ()
        labels = labels_of(image.coords, image.dims, image.shape, cut)
    if labels is not None and (taken := [key for key in variables if key in labels]):
        raise LatticeError(f"the values cannot be called {taken[0]!r}: that is a coordinate of the image")
    return xarray.Dataset(variables, coords=labels, attrs=attrs)


def parts_of_dataset(data: Any, name: str | None) -> Parts:
    """Return the parts of an image; see `Image.from_xarray`."""
    from lattice.image.xradio import is_xradio, parts_of_xradio

    if is_xradio(data):
        return parts_of_xradio(data, name)
    values, mask = _variables(data, name)
    dims = tuple(str(d) for d in values.dims)
    about: Mapping[str, Any] = {**getattr(data, "attrs", {}), **values.attrs}
    beam = tuple(about[k] for k in _BEAM) if all(k in about for k in _BEAM) else None
    meta = [
        (key, value, "")
        for key, value in about.items()
        if isinstance(key, str)
        and _KEYWORD.fullmatch(key)
        and isinstance(value, str | int | float | np.number)
    ]
    history = about.get("history", "")
    if mask is not None:
        mask = mask.transpose(*values.dims)
        mask = mask.data
    return array_parts(
        values.data,
        dims=dims,
        wcs=system_of_dataset(values),
        mask=mask,
        masks=None,
        regions=None,
        unit=about.get("units"),
        beam=beam,
        meta=meta or None,
        history=history.splitlines() if isinstance(history, str) else (),
        name=str(values.name) if values.name is not None else "array",
    )


def _variables(data: Any, name: str | None) -> tuple[Any, Any]:
    """Return the values and the mask (or None) of a Dataset or DataArray."""
    if is_array(data) and hasattr(data, "coords"):
        return data, None
    if not hasattr(data, "data_vars"):
        raise LatticeTypeError(
            f"a {type(data).__name__} is no xarray Dataset or DataArray",
            hint="lattice.Image takes other arrays",
        )
    known = [str(k) for k in data.data_vars if k != MASK]
    if name is None:
        chosen = "values" if "values" in known else known[0] if len(known) == 1 else None
        if chosen is None:
            raise NameNotFoundError(
                "the Dataset has no single variable to take",
                hint=f"give name=, one of {', '.join(known) or 'none'}",
            )
    elif name in data.data_vars:
        chosen = name
    else:
        raise NameNotFoundError(f"the Dataset has no variable {name!r}", hint=suggest(name, known))
    values, mask = data[chosen], None
    if MASK in data.data_vars and chosen != MASK and data[MASK].dtype == bool:
        mask = data[MASK] if set(data[MASK].dims) == set(values.dims) else None
    return values, mask


def system_of_dataset(values: Any) -> Any:
    """Return the coordinates that the labels of a DataArray describe, None if they describe none."""
    from lattice.coords.from_labels import system_of_labels
    from lattice.coords.index import SkyIndex, sky_of

    dims = tuple(str(d) for d in values.dims)
    index = next((i for i in values.xindexes.values() if isinstance(i, SkyIndex)), None)
    sky = None
    if index is not None and set(index.transform.dims) <= set(dims):
        sky = sky_of(index, dims)
    labels = {
        dim: (np.asarray(values.coords[dim].values), values.coords[dim].attrs)
        for dim in dims
        if dim in values.coords
    }
    return system_of_labels(dims, labels, sky)
