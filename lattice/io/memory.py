"""Arrays in memory as sources and targets, so that the engine sees one kind of thing only."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from lattice.errors import LatticeTypeError
from lattice.graph.sections import Section, n_pixels, shape_of
from lattice.io.raw import part

__all__ = ["ArrayReader", "ArrayWriter", "DaskReader", "lattice_dtype"]

_HASH_LIMIT = 1 << 20


def lattice_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return the one of the five value types that holds values of `dtype`.

    Integers up to 16 bits and half floats become float32, other integers float64.

    >>> lattice_dtype(np.dtype(">i2")), lattice_dtype(np.dtype(int))
    (dtype('float32'), dtype('float64'))
    """
    if dtype.kind == "b":
        return np.dtype(bool)
    if dtype.kind in "iu":
        return np.dtype(np.float32 if dtype.itemsize <= 2 else np.float64)
    if dtype.kind == "f" and dtype.itemsize <= 8:
        return np.dtype(np.float32 if dtype.itemsize <= 4 else np.float64)
    if dtype.kind == "c" and dtype.itemsize <= 16:
        return np.dtype(np.complex64 if dtype.itemsize <= 8 else np.complex128)
    raise LatticeTypeError(
        f"values of type {dtype} cannot be pixels",
        hint="pixels are booleans, floats of up to 64 bits or complex numbers of up to 128 bits",
    )


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

    def __init__(self, array: Any, label: str = "array") -> None:
        values = np.asarray(array)
        dtype = lattice_dtype(values.dtype)
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
        dtype = lattice_dtype(np.dtype(array.dtype))
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
