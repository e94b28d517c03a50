"""Arrays in memory as sources and targets, so that the engine sees one kind of thing only."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from lattice.graph.sections import Section, n_pixels, shape_of
from lattice.graph.types import lel_dtype
from lattice.io.raw import part

__all__ = ["ArrayReader", "ArrayWriter", "DaskReader"]

_HASH_LIMIT = 1 << 20


class ArrayReader:
    """A numpy array as a source of pixels.

    Parameters
    ----------
    array : array_like
        The pixels. An array of one of the five value types is not copied and must not be changed afterwards.
    label : str, optional
        Short name for people.
    """

    __slots__ = ("array", "label", "token")

    direct = True
    in_memory = True

    def __init__(self, array: Any, label: str = "array") -> None:
        values = np.asarray(array)
        dtype = lel_dtype(values.dtype)
        if values.dtype != dtype or not values.dtype.isnative:
            values = values.astype(dtype)
        self.array = values.view()
        self.array.flags.writeable = False
        self.label = label
        self.token = _content_token(self.array)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array."""
        return self.array.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the values."""
        return self.array.dtype

    @property
    def tile(self) -> tuple[int, ...]:
        """The whole array: memory has no natural unit."""
        return self.array.shape

    def read(self, section: Section, out: np.ndarray | None = None) -> np.ndarray:
        """Return a read-only view, or `out` filled."""
        view = part(self.array, section)
        if out is None:
            return view
        np.copyto(out, view)
        return out

    def bytes_read(self, section: Section) -> int:
        """Return the size of the section."""
        return n_pixels(section) * self.array.itemsize

    def __dask_tokenize__(self) -> str:
        return self.token

    def __getstate__(self) -> tuple[Any, ...]:
        return (np.ascontiguousarray(self.array), self.label, self.token)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.array, self.label, self.token = state
        self.array.flags.writeable = False

    def __repr__(self) -> str:
        return f"ArrayReader({self.label!r}, shape={self.shape}, dtype={self.dtype})"


def _content_token(array: np.ndarray) -> str:
    """Return a hash of a small array, and a random name for a large one."""
    if array.nbytes >= _HASH_LIMIT:
        return "array-" + os.urandom(16).hex()
    import hashlib

    digest = hashlib.blake2b(np.ascontiguousarray(array).tobytes(), digest_size=16)
    digest.update(f"{array.shape}{array.dtype}".encode())
    return "array-" + digest.hexdigest()


class DaskReader:
    """A dask array as a source of pixels: a section is computed when it is read.

    Parameters
    ----------
    array : dask.array.Array
        The pixels.
    label : str, optional
        Short name for people.
    """

    direct = False

    def __init__(self, array: Any, label: str = "dask array") -> None:
        dtype = lel_dtype(np.dtype(array.dtype))
        self.array = array if array.dtype == dtype else array.astype(dtype)
        self.label = label
        self.dtype = dtype
        self.shape = tuple(int(n) for n in array.shape)
        self.tile = tuple(max((int(n) for n in axis), default=1) for axis in array.chunks)
        self.token = f"dask-{self.array.name}"

    def read(self, section: Section, out: np.ndarray | None = None) -> np.ndarray:
        """Compute a section in this thread."""
        values = np.asarray(self.array[section].compute(scheduler="synchronous"))
        if out is None:
            return values
        np.copyto(out, values)
        return out

    def bytes_read(self, section: Section) -> int:
        """Return the size of the section: what the array itself reads is not known."""
        return n_pixels(section) * self.dtype.itemsize

    def __dask_tokenize__(self) -> str:
        return self.token

    def __repr__(self) -> str:
        return f"DaskReader({self.label!r}, shape={self.shape}, dtype={self.dtype})"


class ArrayWriter:
    """A numpy array as a target of pixels.

    Parameters
    ----------
    values : ndarray
        Takes the values.
    mask : ndarray of bool, optional
        Takes the mask; without it the mask is not kept.
    """

    direct = True

    def __init__(self, values: np.ndarray, mask: np.ndarray | None = None) -> None:
        self.values = values
        self.mask = mask

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array."""
        return self.values.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the values."""
        return self.values.dtype

    @property
    def chunks(self) -> tuple[int, ...]:
        """The whole array: any disjoint sections may be written at once."""
        return self.values.shape

    def write(self, section: Section, values: np.ndarray, mask: np.ndarray | None) -> None:
        """Copy values and mask to their place."""
        self.values[section] = values.reshape(shape_of(section))
        if self.mask is not None:
            self.mask[section] = True if mask is None else mask
