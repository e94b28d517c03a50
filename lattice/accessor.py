"""The accessor ``.lattice`` of xarray Datasets and DataArrays; importing this module registers it."""

from __future__ import annotations

import os
from typing import Any

import xarray

from lattice.coords.system import CoordinateSystem
from lattice.image import Image
from lattice.image.datasets import system_of_dataset

__all__ = ["LatticeAccessor"]


@xarray.register_dataset_accessor("lattice")  # type: ignore[no-untyped-call]
@xarray.register_dataarray_accessor("lattice")  # type: ignore[no-untyped-call]
class LatticeAccessor:
    """What lattice does with a labelled array.

    Parameters
    ----------
    data : xarray.Dataset or xarray.DataArray
        The labelled array.

    Examples
    --------
    >>> import numpy as np
    >>> import lattice
    >>> import lattice.accessor
    >>> image = lattice.Image(np.arange(6.0).reshape(2, 3), unit="Jy")
    >>> image.to_xarray().lattice.expr("values * 2").unit
    'Jy'
    """

    def __init__(self, data: Any) -> None:
        self._data = data

    @property
    def image(self) -> Image:
        """The array as an image; `Image.from_xarray` chooses among several variables."""
        return Image.from_xarray(self._data)

    @property
    def coords(self) -> CoordinateSystem | None:
        """Coordinates that the labels describe, None if they describe none."""
        if isinstance(self._data, xarray.DataArray):
            found: CoordinateSystem | None = system_of_dataset(self._data)
            return found
        return self.image.coords

    @property
    def wcs(self) -> Any:
        """The same as an astropy WCS."""
        return self.image.wcs

    def expr(self, text: str, **names: Any) -> Image:
        """Return the image of an expression in which the variables of the Dataset are names.

        Parameters
        ----------
        text : str
            The expression.
        **names
            Further images, arrays and numbers, see `lattice.expr`.
        """
        from lattice.api import expr

        if isinstance(self._data, xarray.DataArray):
            given: dict[str, Any] = {
                "values" if self._data.name is None else str(self._data.name): self.image
            }
        else:
            given = {str(k): Image.from_xarray(self._data, name=str(k)) for k in self._data.data_vars}
        return expr(text, images=given, **names)

    def save(self, path: str | os.PathLike[str], **options: Any) -> Image:
        """Write the array to a file of any format, its labels as a header; see `Image.save`."""
        return self.image.save(path, **options)
