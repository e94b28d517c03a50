"""Regions made of regions: both, either, one without the other, and what is outside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from lattice.errors import LatticeTypeError, RegionError
from lattice.graph.attributes import Attributes
from lattice.graph.sections import Section, full, shape_of
from lattice.regions.base import OutsideError, Region, Shape, lattice_shape, spread, thin, varies_in

__all__ = ["And", "Complement", "Difference", "Or", "Thinned"]


class _Compound(Region):
    """Base of regions made of regions."""

    noun: ClassVar[str] = "compound region"

    @property
    def parts(self) -> tuple[Region, ...]:
        """The regions that it is made of."""
        return tuple(self.__dict__[name] for name in ("a", "b") if name in self.__dict__)

    @property
    def kind(self) -> str:  # type: ignore[override]
        """Pixel, or world when a part has to be fitted to an image first."""
        return "world" if any(p.kind == "world" for p in self.parts) else "pixel"

    @property
    def shape(self) -> Shape | None:
        """Shape that the parts are made for; None if that is still open."""
        if self.kind == "world":
            return None
        shapes = (p.shape for p in self.parts)  # asked once each: parts may be deep compounds themselves
        return next((shape for shape in shapes if shape is not None), None)

    @property
    def ndim(self) -> int:
        """Number of axes; of world regions: of all parts together."""
        if self.kind == "world":
            return len(set(self._axes()))
        return super().ndim

    def _axes(self) -> tuple[str, ...]:
        """Return the names of the axes of world regions."""
        return tuple(
            axis
            for part in self.parts
            for axis in (part._axes() if isinstance(part, _Compound) else getattr(part, "axes", ()))
        )

    def __post_init__(self) -> None:
        for part in self.parts:
            if not isinstance(part, Region):
                raise LatticeTypeError(f"regions combine with regions, not with {type(part).__name__}")
            if part.kind == "slicer" or getattr(part, "inc", None) is not None:
                raise RegionError(
                    "a slicer or a box with increments cannot be part of a compound region",
                    hint="cut with the compound first and with the slicer after that: x[a || b][slicer]",
                )
        shape = self.shape
        for name, part in zip(("a", "b"), self.parts, strict=False):
            if shape is not None:
                self._join(name, part, shape)
        if shape is not None:
            self.bounds()

    def _join(self, name: str, part: Region, shape: Shape) -> None:
        """Give a part the shape of the other."""
        if part.shape is None:
            part = part.fit(Attributes(np.dtype(bool), shape, ("",) * len(shape)))
            object.__setattr__(self, name, part)
        elif tuple(part.shape) != tuple(shape):
            raise RegionError(
                f"regions made for lattices of different shapes do not combine: {shape} and {part.shape}",
                hint="shapes are given slowest axis first",
            )

    def varies(self) -> frozenset[int]:
        box = self.bounds()
        return frozenset().union(*(varies_in(part, box) for part in self.parts))

    def _fitted(self, attrs: Attributes) -> Region:
        return type(self)(*(p.fit(attrs) for p in self.parts))

    def _inside(self, attrs: Attributes) -> list[Region | None]:
        """Return the fitted parts, with None for those that have no pixel in the lattice."""
        found: list[Region | None] = []
        for part in self.parts:
            try:
                found.append(part.fit(attrs))
            except OutsideError:
                found.append(None)
        return found


def _lies_in(section: Section, box: Section) -> bool:
    return all(
        b.step == 1 and b.start <= s.start and s.stop <= b.stop for s, b in zip(section, box, strict=True)
    )


@dataclass(frozen=True)
class And(_Compound):
    """What belongs to both regions; its box is the overlap of theirs.

    Parameters
    ----------
    a, b : Region
        Regions made for the same shape.

    Examples
    --------
    >>> from lattice.regions import PixelBox
    >>> both = PixelBox((0, 0), (1, 1), shape=(3, 4)) & PixelBox((1, 0), (2, 3))
    >>> both.bounds(), both.has_mask
    ((slice(1, 2, 1), slice(0, 2, 1)), False)
    """

    a: Region
    b: Region

    @property
    def has_mask(self) -> bool:
        """False when neither part has a mask."""
        return self.a.has_mask or self.b.has_mask

    def bounds(self) -> Section:
        first, second = self.a.bounds(), self.b.bounds()
        out = []
        for axis, (p, q) in enumerate(zip(first, second, strict=True)):
            start, stop = max(p.start, q.start), min(p.stop, q.stop)
            if start >= stop:
                spans = f"one has pixels {p.start} to {p.stop - 1}, the other {q.start} to {q.stop - 1}"
                raise RegionError(
                    "the intersection of the regions is empty", hint=f"on axis {axis} (slowest first) {spans}"
                )
            out.append(slice(start, stop, 1))
        return tuple(out)

    def mask(self, section: Section) -> np.ndarray:
        # Ranges and Stokes parameters are boxes around the section, as a rule.
        needed = [part for part in self.parts if part.has_mask or not _lies_in(section, part.bounds())]
        shape = shape_of(section)
        if not needed:
            return spread(np.ones((1,) * len(shape), bool), shape)
        found = needed[0].mask(section)
        return spread(thin(found) & thin(needed[1].mask(section)), shape) if len(needed) > 1 else found


@dataclass(frozen=True)
class Or(_Compound):
    """What belongs to either region; its box goes around both.

    A part that has no pixel in the lattice at hand is passed over, as long as the other has one.

    Parameters
    ----------
    a, b : Region
        Regions made for the same shape.

    Examples
    --------
    >>> from lattice.regions import PixelBox
    >>> either = PixelBox((0, 0), (0, 0), shape=(3, 4)) | PixelBox((1, 1), (1, 1))
    >>> either.mask(either.bounds()).astype(int)
    array([[1, 0],
           [0, 1]])
    """

    a: Region
    b: Region

    def _fitted(self, attrs: Attributes) -> Region:
        a, b = self._inside(attrs)
        if a is not None and b is not None:
            return Or(a, b)
        if a is None and b is None:
            return super()._fitted(attrs)
        return b if a is None else a  # type: ignore[return-value]

    def bounds(self) -> Section:
        return tuple(
            slice(min(p.start, q.start), max(p.stop, q.stop), 1)
            for p, q in zip(self.a.bounds(), self.b.bounds(), strict=True)
        )

    def mask(self, section: Section) -> np.ndarray:
        return spread(thin(self.a.mask(section)) | thin(self.b.mask(section)), shape_of(section))


@dataclass(frozen=True)
class Difference(_Compound):
    """What belongs to the first region but not to the second; its box is that of the first.

    A second region that has no pixel in the lattice at hand takes nothing away.

    Parameters
    ----------
    a, b : Region
        Regions made for the same shape.

    Examples
    --------
    >>> from lattice.regions import PixelBox
    >>> rest = PixelBox((0, 0), (1, 2), shape=(3, 4)) - PixelBox((1, 1), (2, 3))
    >>> rest.mask(rest.bounds()).astype(int)
    array([[1, 1, 1],
           [1, 0, 0]])
    """

    a: Region
    b: Region

    def _fitted(self, attrs: Attributes) -> Region:
        a, b = self._inside(attrs)
        return super()._fitted(attrs) if a is None else a if b is None else Difference(a, b)

    def bounds(self) -> Section:
        return self.a.bounds()

    def mask(self, section: Section) -> np.ndarray:
        return spread(thin(self.a.mask(section)) & ~thin(self.b.mask(section)), shape_of(section))


@dataclass(frozen=True)
class Complement(_Compound):
    """What does not belong to a region; its box is the whole lattice.

    Parameters
    ----------
    a : Region
        A region.

    Examples
    --------
    >>> from lattice.regions import PixelBox
    >>> outside = ~PixelBox((1,), (2,), shape=(4,))
    >>> outside.mask(outside.bounds()).astype(int)
    array([1, 0, 0, 1])
    """

    a: Region

    def _fitted(self, attrs: Attributes) -> Region:
        (inside,) = self._inside(attrs)
        if inside is not None:
            return Complement(inside)
        from lattice.regions.pixel import PixelBox

        shape = lattice_shape(attrs)
        return PixelBox((0,) * len(shape), tuple(n - 1 for n in shape), shape=shape)

    def bounds(self) -> Section:
        return full(self._definite())

    def mask(self, section: Section) -> np.ndarray:
        return spread(~thin(self.a.mask(section)), shape_of(section))


@dataclass(frozen=True)
class Thinned(Region):
    """What belongs to a region, of a box with increments: every second row of some channels, say.

    Parameters
    ----------
    box : PixelBox or Slicer
        Made for the lattice at hand.
    region : Region
        Made for the same lattice.
    """

    box: Region
    region: Region
    kind: ClassVar[str] = "slicer"
    noun: ClassVar[str] = "box with increments"

    def __post_init__(self) -> None:
        if self.region.shape is None or self.box.shape != self.region.shape:
            raise RegionError(
                f"the box is made for a lattice of shape {self.box.shape}, the region for {self.region.shape}"
            )

    @property
    def shape(self) -> Shape:
        """Shape of the lattice."""
        return tuple(self.box.shape)

    @property
    def has_mask(self) -> bool:
        """False when every pixel of the box belongs to the region."""
        return self.region.has_mask

    def bounds(self) -> Section:
        out = []
        for axis, (b, r) in enumerate(zip(self.box.bounds(), self.region.bounds(), strict=True)):
            start = max(b.start, b.start - (b.start - r.start) // b.step * b.step)
            count = -((start - min(b.stop, r.stop)) // b.step)
            if count < 1:
                raise OutsideError(
                    "the box with increments and the region have no pixel in common",
                    hint=f"on axis {axis} (slowest first) one has {b.start} to {b.stop - 1} in steps of "
                    f"{b.step}, the other {r.start} to {r.stop - 1}",
                )
            out.append(slice(start, start + (count - 1) * b.step + 1, b.step))
        return tuple(out)

    def mask(self, section: Section) -> np.ndarray:
        return self.box.mask(section) & self.region.mask(section)
