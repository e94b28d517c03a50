"""What every region does."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np

from lattice.errors import LatticeTypeError, RegionError
from lattice.graph.attributes import Attributes
from lattice.graph.node import RegionMask
from lattice.graph.sections import Section, shape_of

__all__ = ["OutsideError", "Region", "Shape", "lattice_shape", "overlap", "part_of"]

Shape = tuple[int, ...]


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
        """Return which pixels of a section of the whole lattice belong to the region."""

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


def part_of(section: Section, inner: Section) -> Section:
    """Return the section that holds the pixels `inner` of a section."""
    out = []
    for s, i in zip(section, inner, strict=True):
        start = s.start + i.start * s.step
        out.append(slice(start, max(start, s.start + (i.stop - 1) * s.step + 1), s.step))
    return tuple(out)


def _combine(name: str, *parts: Any) -> Any:
    """Return a compound, whose module needs this one."""
    from lattice.regions import compound

    if not all(isinstance(p, Region) for p in parts):
        return NotImplemented
    return getattr(compound, name)(*parts)
