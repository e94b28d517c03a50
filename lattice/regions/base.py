"""What every region does."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable
from dataclasses import fields, replace
from typing import Any, ClassVar

import numpy as np

from lattice.errors import LatticeTypeError, RegionError
from lattice.graph.attributes import Attributes
from lattice.graph.node import RegionMask
from lattice.graph.sections import Section, shape_of

__all__ = [
    "OutsideError",
    "Region",
    "Shape",
    "lattice_shape",
    "overlap",
    "part_of",
    "spread",
    "thin",
    "varies_in",
]

Shape = tuple[int, ...]

_KEPT_BYTES = 1 << 24  # of masks of parts of a plane that a region remembers
_kept_lock = threading.Lock()


class OutsideError(RegionError):
    """A region that has no pixel in common with the lattice at hand."""


class Region(ABC):
    """Base of regions: a value that is hashable, comparable and picklable.

    Regions combine by ``&``, ``|``, ``-`` and ``~``.  A region that was made without a shape takes that of
    the lattice to which it is applied.
    """

    kind: ClassVar[str] = "pixel"  # or "world", "slicer"; only regions of a kind combine
    noun: ClassVar[str] = "region"
    shape: Any
    axes: tuple[Any, ...]

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self._definite())

    @property
    def has_mask(self) -> bool:
        """False when every pixel of the box belongs to the region."""
        return True

    @abstractmethod
    def bounds(self) -> Section:
        """Return the box around the region; its steps are above 1 for strided boxes.

        Raises
        ------
        RegionError
            When the region has no shape yet or holds no pixel.
        """

    @abstractmethod
    def mask(self, section: Section) -> np.ndarray:
        """Return which pixels of a section of the whole lattice belong to the region.

        The array is not to be written to: along axes on which the region does not depend, such as the
        channels of a circle, it may repeat the same memory.
        """

    def varies(self) -> frozenset[int]:
        """Return the axes, counted from the last (-1), along which a mask within the box may change.

        Along all others the mask is the same for every pixel of the box.
        """
        return frozenset(range(-self.ndim, 0))

    def fit(self, attrs: Attributes) -> Region:
        """Return the region made definite for a lattice.

        Parameters
        ----------
        attrs : Attributes
            Shape, dims and coordinates of the lattice.

        Raises
        ------
        RegionError
            When the region was made for another shape, or has no pixel in common with the lattice.
        """
        shape = lattice_shape(attrs)
        if self.shape is not None and tuple(self.shape) != shape:
            raise RegionError(
                f"this {self.noun} was made for a lattice of shape {tuple(self.shape)}, "
                f"but this one has shape {shape}",
                hint="pixel regions hold for one shape; shapes are given slowest axis first",
            )
        fitted = self if self.shape is not None else self._fitted(attrs)
        fitted.bounds()
        return fitted

    def _fitted(self, attrs: Attributes) -> Region:
        return replace(self, shape=lattice_shape(attrs))  # type: ignore[type-var]

    def as_mask_node(self, label: str) -> RegionMask:
        """Return the region as a Bool lattice of its box: T inside.

        Parameters
        ----------
        label : str
            The region in LEL text.

        Raises
        ------
        RegionError
            For slicers, world regions, and regions without a shape: they only mean pixels once they are
            applied to a lattice.
        """
        if self.kind != "pixel" or self.shape is None:
            why = "has no shape of its own" if self.kind == "pixel" else f"is a {self.kind} region"
            raise RegionError(
                f"{label} {why} and cannot stand for truth values",
                hint="apply it to a lattice, as in x[region]; only pixel regions with a shape turn into Bool",
            )
        node: RegionMask = RegionMask(self, label)
        return node

    def __and__(self, other: Region) -> Region:
        return _combine("And", self, other)

    def __or__(self, other: Region) -> Region:
        return _combine("Or", self, other)

    def __sub__(self, other: Region) -> Region:
        return _combine("Difference", self, other)

    def __invert__(self) -> Region:
        return _combine("Complement", self)

    def __bool__(self) -> bool:
        # Without this, `a and b` would silently be b.
        raise LatticeTypeError("a region is neither true nor false", hint="combine regions by &, |, - and ~")

    def __getstate__(self) -> dict[str, Any]:
        # What was computed stays behind, so that equal regions have equal pickles.
        return {f.name: getattr(self, f.name) for f in fields(self)}  # type: ignore[arg-type]

    def _remembered(self, key: Hashable, make: Callable[[], np.ndarray]) -> np.ndarray:
        """Return what `make` gives, from memory if it was asked for lately: blocks share their planes."""
        kept: dict[Hashable, np.ndarray] = self.__dict__.setdefault("_kept", {})
        found = kept.get(key)
        if found is None:
            found = make()
            found.flags.writeable = False
            if found.nbytes <= _KEPT_BYTES // 2:
                with _kept_lock:
                    while kept and sum(a.nbytes for a in kept.values()) + found.nbytes > _KEPT_BYTES:
                        kept.pop(next(iter(kept)))
                    kept[key] = found
        return found

    def _definite(self) -> Shape:
        if self.shape is None:
            raise RegionError(
                f"this {self.noun} was made without a shape", hint="fit it to a lattice first, or give shape="
            )
        return tuple(self.shape)


def lattice_shape(attrs: Attributes) -> Shape:
    """Return the shape of a lattice to which a region is applied.

    Raises
    ------
    RegionError
        For a scalar or an index condition.
    """
    if not attrs.shape:
        raise RegionError(f"a region cannot be applied to a {attrs.describe()}")
    return attrs.shape


def overlap(section: Section, box: Section) -> Section:
    """Return which pixels of a section lie within a box of steps 1, counted in the section."""
    out = []
    for s, b, n in zip(section, box, shape_of(section), strict=True):
        first = max(0, -((s.start - b.start) // s.step))  # the first k with start + k*step >= b.start
        last = min(n, -((s.start - b.stop) // s.step))  # the first k beyond the box
        out.append(slice(min(first, n), max(last, min(first, n)), 1))
    return tuple(out)


def varies_in(region: Region, box: Section) -> frozenset[int]:
    """Return the axes, counted from the last, along which the mask of a region may change in a box."""
    beyond = {
        axis - len(box)
        for axis, (s, b) in enumerate(zip(box, region.bounds(), strict=True))
        if b.step != 1 or s.start < b.start or s.stop > b.stop
    }
    return region.varies() | beyond


def part_of(section: Section, inner: Section) -> Section:
    """Return the section that holds the pixels `inner` of a section."""
    out = []
    for s, i in zip(section, inner, strict=True):
        start = s.start + i.start * s.step
        out.append(slice(start, max(start, s.start + (i.stop - 1) * s.step + 1), s.step))
    return tuple(out)


def thin(mask: np.ndarray) -> np.ndarray:
    """Return a mask with length 1 on the axes on which the same memory is repeated."""
    return mask[tuple(slice(0, 1) if step == 0 else slice(None) for step in mask.strides)]


def spread(plane: np.ndarray, shape: Shape) -> np.ndarray:
    """Return a mask of a shape that repeats another along the axes on which that has length 1."""
    return np.broadcast_to(plane, shape)


def _combine(name: str, *parts: Any) -> Any:
    """Return a compound, whose module needs this one."""
    from lattice.regions import compound

    if not all(isinstance(p, Region) for p in parts):
        return NotImplemented
    return getattr(compound, name)(*parts)
