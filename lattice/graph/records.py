"""Nested metadata as immutable values: records and arrays that can be compared, hashed and shared.

Header cards hold single texts and numbers.  What other systems attach to an image can be deeper: records in
records, vectors, tables.  Frozen, it travels with a node as cards do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from lattice.errors import LatticeTypeError, suggest

__all__ = ["FrozenArray", "Record", "frozen", "thawed"]

_DEEPEST = 64


class FrozenArray:
    """An array that cannot be changed, compared and hashed by its values.

    Attributes
    ----------
    array : ndarray
        The values, read-only, C order.
    """

    __slots__ = ("_hash", "array")

    def __init__(self, values: Any) -> None:
        array = np.array(values, order="C")
        if array.dtype.kind not in "biufcUS":
            raise LatticeTypeError(f"an array of type {array.dtype} cannot be kept with an image")
        array.setflags(write=False)
        self.array = array
        self._hash: int | None = None

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self.array, dtype=dtype, copy=copy)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, FrozenArray):
            return NotImplemented
        a, b = self.array, other.array
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()

    def __hash__(self) -> int:
        if self._hash is None:
            self._hash = hash((self.array.dtype.str, self.array.shape, self.array.tobytes()))
        return self._hash

    def __reduce__(self) -> tuple[Any, ...]:
        return (FrozenArray, (np.array(self.array),))

    def __len__(self) -> int:
        return len(self.array)

    def __repr__(self) -> str:
        return repr(self.array).replace("array(", "FrozenArray(", 1)


class Record(Mapping[str, Any]):
    """A mapping from names to values that cannot be changed; values may be records and arrays.

    The order of the fields is kept and counts in comparisons, as some readers go by it.

    Examples
    --------
    >>> r = Record({"telescope": "VLA", "site": {"height": 2124.0}})
    >>> r["site"]["height"]
    2124.0
    >>> r == Record({"telescope": "VLA", "site": {"height": 2124.0}})
    True
    """

    __slots__ = ("_hash", "_items")

    def __init__(self, items: Mapping[str, Any] | None = None) -> None:
        self._items = {str(key): frozen(value) for key, value in (items or {}).items()}
        self._hash: int | None = None

    def __getitem__(self, key: str) -> Any:
        try:
            return self._items[key]
        except KeyError:
            hint = suggest(str(key), self._items)
            raise KeyError(f"{key}; {hint}" if hint else key) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Record):
            return NotImplemented
        return self._key() == other._key()

    def __hash__(self) -> int:
        if self._hash is None:
            self._hash = hash(self._key())
        return self._hash

    def _key(self) -> tuple[Any, ...]:
        # 1, 1.0 and True are equal to Python, and different things in a file
        return tuple((key, type(value), value) for key, value in self._items.items())

    def __reduce__(self) -> tuple[Any, ...]:
        return (Record, (self._items,))

    def __repr__(self) -> str:
        return f"Record({self._items!r})"


def frozen(value: Any, _depth: int = 0) -> Any:
    """Return a value as it can be kept with an image.

    Parameters
    ----------
    value : bool, int, float, complex, str, None, numpy scalar, array, list or mapping
        Lists become arrays, mappings records; numpy scalars keep their type.

    Raises
    ------
    LatticeTypeError
        For anything else.
    """
    if _depth > _DEEPEST:
        raise LatticeTypeError(f"a record is nested deeper than {_DEEPEST} levels")
    if value is None or isinstance(value, bool | int | float | complex | str | Record | FrozenArray):
        return value
    if isinstance(value, np.generic):
        return value
    if isinstance(value, Mapping):
        record = Record()
        record._items = {str(key): frozen(item, _depth + 1) for key, item in value.items()}
        return record
    if isinstance(value, np.ndarray | list | tuple):
        try:
            return FrozenArray(value)
        except ValueError:
            raise LatticeTypeError(
                "a list of lists of different lengths cannot be kept with an image"
            ) from None
    raise LatticeTypeError(f"a {type(value).__name__} cannot be kept with an image")


def thawed(value: Any) -> Any:
    """Return plain dictionaries and arrays, free to be changed, from what `frozen` made."""
    if isinstance(value, Record):
        return {key: thawed(item) for key, item in value.items()}
    if isinstance(value, FrozenArray):
        return np.array(value.array)
    return value
