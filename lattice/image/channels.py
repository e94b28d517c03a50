"""Channels as users choose them: numbers, slices, truth values, texts."""

from __future__ import annotations

from typing import Any

import numpy as np

from lattice.errors import LatticeRangeError, LatticeTypeError

__all__ = ["channel_numbers"]


def channel_numbers(image: Any, given: Any, axis: int) -> list[int] | None:
    """Return the pixels along an axis that are chosen."""
    n = image.shape[axis]
    if given is None:
        return None
    if isinstance(given, str):
        return _channels_of_text(image, given, axis)
    if isinstance(given, slice):
        return list(range(*given.indices(n)))
    array = np.asarray(given)
    if array.dtype == bool:
        if array.shape != (n,):
            raise LatticeRangeError(f"{array.size} truth values for {n} channels")
        return [int(i) for i in np.flatnonzero(array)]
    if array.ndim != 1 or (array.dtype.kind not in "iu" and array.size):
        raise LatticeTypeError(
            f"channels={given!r}: give their numbers, a slice, truth values, or a text such as '0~20;80~99'"
        )
    return [int(i) for i in array]


def _channels_of_text(image: Any, text: str, axis: int) -> list[int] | None:
    from lattice.coords.system import CoordinateSystem
    from lattice.regions.strings import from_strings

    attrs = image.node.attrs
    if attrs.coords is None or attrs.coords.kinds[axis] != "spectral":
        # channels of whatever axis it is
        kinds = ["spectral" if a == axis else "none" for a in range(image.ndim)]
        attrs = attrs.with_(coords=CoordinateSystem.from_kinds(kinds))
    region = from_strings(chans=text)
    if region is None:
        return None
    fitted = region.fit(attrs)
    line = tuple(slice(0, n if a == axis else 1, 1) for a, n in enumerate(image.shape))
    return [int(i) for i in np.flatnonzero(fitted.mask(line).ravel())]
