"""Regions as values of the language, with the text that names them.

What a region is, and how it fits a lattice, is the business of `lattice.regions`; here is only what the
language does with it.  The text counts: it is how a cut by the region is printed, and parsed back.
"""

from __future__ import annotations

from dataclasses import dataclass

from lattice.errors import RegionError
from lattice.graph.node import Node
from lattice.graph.show import quote
from lattice.regions import Region

__all__ = ["MAX_REGION_DEPTH", "RegionValue", "difference", "intersection", "outside", "union"]

MAX_REGION_DEPTH = 100
"""Operations on regions inside each other: each asks its parts, one after the other."""

_OR, _AND, _MINUS, _NOT, _NAME = range(1, 6)  # how tightly the operator in a text binds


@dataclass(frozen=True)
class RegionValue:
    """A region in an expression.

    Attributes
    ----------
    region : Region
        The region.
    label : str
        Its text.
    strength : int
        How tightly the operator in the text binds.
    depth : int
        Number of operations inside each other.
    """

    region: Region
    label: str
    strength: int = _NAME
    depth: int = 0

    @classmethod
    def stored(cls, region: Region, image: str, name: str) -> RegionValue:
        """Return the region `name` of an image, whichever way the text named it."""
        return cls(region, quote(image, region=name))

    @classmethod
    def temporary(cls, region: Region, number: int) -> RegionValue:
        """Return a region that the caller passed."""
        return cls(region, f"$r{number}")

    def as_lattice(self) -> Node:
        """Return truth values, T inside the region."""
        return self.region.as_mask_node(self.label)

    def text(self, least: int) -> str:
        """Return the text, in brackets when its operator binds less than `least`."""
        return self.label if self.strength >= least else f"({self.label})"


def intersection(a: RegionValue, b: RegionValue) -> RegionValue:
    """Return ``a && b``."""
    depth = _depth(a, b)
    _check_kinds(a, b)
    return RegionValue(a.region & b.region, f"{a.text(_AND)} && {b.text(_MINUS)}", _AND, depth)


def union(a: RegionValue, b: RegionValue) -> RegionValue:
    """Return ``a || b``."""
    depth = _depth(a, b)
    _check_kinds(a, b)
    return RegionValue(a.region | b.region, f"{a.text(_OR)} || {b.text(_AND)}", _OR, depth)


def difference(a: RegionValue, b: RegionValue) -> RegionValue:
    """Return ``a - b``."""
    depth = _depth(a, b)
    _check_kinds(a, b)
    return RegionValue(a.region - b.region, f"{a.text(_MINUS)} - {b.text(_NOT)}", _MINUS, depth)


def outside(a: RegionValue) -> RegionValue:
    """Return ``!a``."""
    depth = _depth(a)
    return RegionValue(~a.region, f"!{a.text(_NOT)}", _NOT, depth)


def _check_kinds(a: RegionValue, b: RegionValue) -> None:
    """Refuse what the language leaves out, though the regions could be fitted to a lattice together."""
    kinds = {a.region.kind, b.region.kind}
    if len(kinds) > 1 and "slicer" not in kinds:
        raise RegionError(
            "pixel and world regions do not combine",
            hint="apply one after the other, as in x[pixel][world]",
        )


def _depth(*parts: RegionValue) -> int:
    depth = 1 + max(part.depth for part in parts)
    if depth > MAX_REGION_DEPTH:
        raise RegionError(
            f"regions are combined deeper than {MAX_REGION_DEPTH} operations",
            hint="brackets around parts of a long chain make it shallower: (a || b) || (c || d)",
        )
    return depth
