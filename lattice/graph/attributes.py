"""What is known about the result of a node before any pixel is read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from lattice.graph.protocols import Coordinates
from lattice.graph.types import DType, type_name

__all__ = ["Attributes", "axis_keys", "default_dims", "is_anonymous"]

_ANONYMOUS = re.compile(r"axis[0-9]+\Z")


@dataclass(frozen=True, slots=True)
class Attributes:
    """Type, shape and labels of the result of a node.

    Attributes
    ----------
    dtype : numpy.dtype
        One of the five value types.
    shape : tuple of int or None
        Numpy order; ``()`` for a scalar; None for an index condition, which takes the shape of the
        lattice that it meets.
    dims : tuple of str
        One name per axis.
    masked : bool
        Some pixels may be bad; of a scalar: it may be undefined.
    unit : str
        Brightness unit, empty when unknown.
    coords : Coordinates or None
        Coordinates of the axes.
    beams : tuple
        Restoring beams: none, one, or one per plane, each (major, minor, position angle) in degrees;
        `lattice.graph.beams` has the order of planes.
    meta : tuple
        Header cards (keyword, value, comment) that travel with the coordinates.
    """

    dtype: DType
    shape: tuple[int, ...] | None = ()
    dims: tuple[str, ...] = ()
    masked: bool = False
    unit: str = ""
    coords: Coordinates | None = None
    beams: tuple[tuple[float, float, float], ...] = ()
    meta: tuple[Any, ...] = field(default=(), repr=False)

    @property
    def is_scalar(self) -> bool:
        """True for a single value."""
        return self.shape == ()

    @property
    def is_shapeless(self) -> bool:
        """True for an index condition that has not met a lattice yet."""
        return self.shape is None

    @property
    def ndim(self) -> int:
        """Number of axes; 0 for scalars and for what has no shape."""
        return len(self.shape or ())

    @property
    def size(self) -> int:
        """Number of pixels."""
        n = 1
        for length in self.shape or ():
            n *= length
        return n

    @property
    def nbytes(self) -> int:
        """Size of the values in memory."""
        return self.size * self.dtype.itemsize

    def with_(self, **changes: Any) -> Attributes:
        """Return a copy with some attributes changed."""
        return replace(self, **changes)

    def describe(self) -> str:
        """Return a short phrase for error messages, such as ``Float (frequency 64, y 10, x 20)``."""
        kind = type_name(self.dtype)
        if self.shape is None:
            return f"{kind} index condition"
        if self.is_scalar:
            return f"{kind} scalar"
        axes = ", ".join(f"{d} {n}" for d, n in zip(self.dims, self.shape, strict=True))
        return f"{kind} lattice ({axes})"


def is_anonymous(dim: str) -> bool:
    """Tell whether a dim has just a number for a name."""
    return _ANONYMOUS.match(dim) is not None


def default_dims(ndim: int) -> tuple[str, ...]:
    """Return the dims of a plain array: the last two axes are a plane.

    >>> default_dims(3)
    ('axis0', 'y', 'x')
    """
    if ndim < 2:
        return tuple(f"axis{i}" for i in range(ndim))
    return (*(f"axis{i}" for i in range(ndim - 2)), "y", "x")


def axis_keys(attrs: Attributes, by_kind: bool) -> tuple[str, ...]:
    """Return what identifies each axis when lattices are matched: its kind of coordinate, or its dim."""
    if not by_kind or attrs.coords is None:
        return attrs.dims
    kinds: Sequence[str] = attrs.coords.kinds
    loose = ("linear", "tabular", "none")
    return tuple(
        f"{kind}:{dim}" if kind in loose else kind for kind, dim in zip(kinds, attrs.dims, strict=True)
    )
