"""Boxes in fractions of an image, and boxes counted from its centre or its reference pixel."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

from lattice.errors import RegionError
from lattice.graph.attributes import Attributes
from lattice.regions.base import OutsideError, Region, lattice_shape
from lattice.regions.pixel import PixelBox, _reals
from lattice.regions.world import WorldRegion

__all__ = ["RelativeBox"]

_ORIGINS = ("start", "centre", "reference")


@dataclass(frozen=True)
class RelativeBox(WorldRegion):
    """A box that is given relative to the size of the image or to a pixel in it.

    Its axes are the last ones of the image; those before are taken in full.  What lies outside of the
    image is cut off.

    Parameters
    ----------
    blc, trc : sequence of float
        First and last pixel on each axis, slowest axis first, rounded to the nearest pixel; or, as fractions
        of the length of the axis, where the box starts and ends.
    origin : str, optional
        What they are counted from: the "start" of the image, its "centre" (n / 2, as CASA counts
        it), or the "reference" pixel of its coordinates.
    fractions : bool, optional
        Whether they are fractions of the lengths of the axes.

    Examples
    --------
    >>> import numpy as np
    >>> from lattice.graph.attributes import Attributes
    >>> from lattice.regions import RelativeBox
    >>> image = Attributes(np.dtype("f4"), (100, 200), ("y", "x"))
    >>> RelativeBox((0.25, 0.25), (0.75, 0.75), fractions=True).fit(image).bounds()
    (slice(25, 75, 1), slice(50, 150, 1))
    >>> RelativeBox((-2, -3), (2, 3), origin="centre").fit(image).bounds()
    (slice(48, 53, 1), slice(97, 104, 1))
    """

    blc: tuple[float, ...]
    trc: tuple[float, ...]
    origin: str = "start"
    fractions: bool = False
    noun: ClassVar[str] = "box"

    def __post_init__(self) -> None:
        blc, trc = _reals(self.blc, "blc"), _reals(self.trc, "trc")
        if len(blc) != len(trc):
            raise RegionError(
                f"the corners of a box need the same number of axes, not {len(blc)} and {len(trc)}"
            )
        if any(a > b for a, b in zip(blc, trc, strict=True)):
            raise RegionError(f"the box from {blc} to {trc} ends before it starts")
        if self.origin not in _ORIGINS:
            raise RegionError(f"the origin {self.origin!r} of a box is not one of {', '.join(_ORIGINS)}")
        for name, value in (("blc", blc), ("trc", trc), ("fractions", bool(self.fractions))):
            object.__setattr__(self, name, value)

    @property
    def ndim(self) -> int:
        """Number of axes of the box."""
        return len(self.blc)

    def _fitted(self, attrs: Attributes) -> Region:
        shape = lattice_shape(attrs)
        free = len(shape) - len(self.blc)
        if free < 0:
            raise RegionError(f"a box of {len(self.blc)} axes does not fit a lattice of fewer: {shape}")
        blc, trc = [0] * free, [n - 1 for n in shape[:free]]
        origins = self._origins(attrs)[free:]
        for n, origin, low, high in zip(shape[free:], origins, self.blc, self.trc, strict=True):
            if self.fractions:
                low, high = low * n, high * n - 1
            first, last = (math.floor(origin + v + 0.5) for v in (low, high))
            if first > last or last < 0 or first >= n:
                raise OutsideError(
                    f"the box from {self.blc} to {self.trc} has no pixel in a lattice of shape {shape}",
                    hint=f"it goes from pixel {first} to {last}, the lattice from 0 to {n - 1}",
                )
            blc.append(max(first, 0))
            trc.append(min(last, n - 1))
        return PixelBox(tuple(blc), tuple(trc), shape=shape)

    def _origins(self, attrs: Attributes) -> list[float]:
        shape = lattice_shape(attrs)
        if self.origin == "start":
            return [0.0] * len(shape)
        if self.origin == "centre":
            return [n / 2 for n in shape]
        coords: Any = attrs.coords
        if coords is None:
            raise RegionError(f"the {attrs.describe()} has no coordinates, and so no reference pixel")
        reference = coords.wcs().wcs.crpix[: len(shape)][::-1]
        return [float(p) - 1 for p in reference]
