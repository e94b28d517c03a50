"""The engine ``lattice`` of `xarray.open_dataset`: every format of lattice as a lazy, labelled Dataset.

It never claims a file: it is used where ``engine="lattice"`` says so. xarray imports this module whenever it
looks for an engine, so everything else is loaded at the first opening.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any, ClassVar

from xarray.backends import BackendEntrypoint

__all__ = ["LatticeBackend"]


class LatticeBackend(BackendEntrypoint):
    """Opens FITS files, CASA images, Zarr and what else `lattice.formats` lists."""

    description: ClassVar[str] = "Open astronomical images of any format that lattice reads"
    open_dataset_parameters: ClassVar[tuple[str, ...]] = (
        "filename_or_obj",
        "drop_variables",
        "mask",
        "hdu",
        "name",
    )

    def open_dataset(  # type: ignore[override]
        self,
        filename_or_obj: str | os.PathLike[str],
        *,
        drop_variables: str | Iterable[str] | None = None,
        mask: str | None = "default",
        hdu: Any = None,
        name: str = "values",
    ) -> Any:
        """Return a Dataset whose pixels and labels are read and computed where they are used.

        Parameters
        ----------
        filename_or_obj : path-like
            The image, see `lattice.open`.
        drop_variables : str or iterable of str, optional
            Variables to leave out.
        mask : str or None, optional
            Name of the mask, ``"default"``, or None.
        hdu : int, str or tuple, optional
            Part of a FITS file.
        name : str, optional
            Name of the variable with the values.
        """
        from lattice.api import open as open_image
        from lattice.xarray_arrays import lazy_dataset

        image = open_image(filename_or_obj, mask=mask, **({} if hdu is None else {"hdu": hdu}))
        dropped = [drop_variables] if isinstance(drop_variables, str) else list(drop_variables or ())
        return lazy_dataset(image, name, dropped)

    def guess_can_open(self, filename_or_obj: Any) -> bool:
        """Return False: other engines may want the file."""
        return False
