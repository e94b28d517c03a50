"""Pixels of images as arrays of xarray that are read where they are indexed, without dask."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from xarray.backends import BackendArray
from xarray.core import indexing

from lattice.image import Image
from lattice.image.datasets import MASK, dataset_of

__all__ = ["lazy_dataset"]


class _Pixels(BackendArray):
    """Values or mask of an image."""

    def __init__(self, image: Image, wants_mask: bool) -> None:
        self._image, self._wants_mask = image, wants_mask
        self.shape = image.shape
        self.dtype = np.dtype(bool) if wants_mask else np.dtype(image.dtype)

    def __getitem__(self, key: Any) -> Any:
        return indexing.explicit_indexing_adapter(key, self.shape, indexing.IndexingSupport.BASIC, self._read)

    def _read(self, key: tuple[int | slice, ...]) -> np.ndarray:
        part = self._image[key]
        if not self._wants_mask:
            return part.values
        return ~np.ma.getmaskarray(part.to_masked_array())


def lazy_dataset(image: Image, name: str, dropped: Sequence[str] = ()) -> Any:
    """Return a Dataset of an image, without dask arrays.

    Parameters
    ----------
    image : Image
        An opened image.
    name : str
        Name of the values.
    dropped : sequence of str, optional
        Variables to leave out.
    """
    arrays = {name: indexing.LazilyIndexedArray(_Pixels(image, False))}
    if image.masked:
        arrays[MASK] = indexing.LazilyIndexedArray(_Pixels(image, True))
    tile = getattr(getattr(image.node, "reader", None), "tile", None)
    encoding = {"preferred_chunks": dict(zip(image.dims, tile, strict=True))} if tile else None
    found = dataset_of(image, arrays, name, encoding)
    for _, group in found.xindexes.group_by_index():
        if set(group) & set(dropped):
            found = found.drop_indexes(list(group))  # which stands on all of them
    return found.drop_vars(dropped, errors="ignore")
