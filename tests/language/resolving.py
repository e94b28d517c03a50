"""A resolver over images in memory, for the tests of the binder."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from lattice.coords.system import CoordinateSystem
from lattice.errors import NameNotFoundError
from lattice.graph.attributes import Attributes, default_dims
from lattice.graph.node import Node, Source
from lattice.io.memory import ArrayReader
from lattice.regions import AxisBox, AxisPolygon, MaskRegion, PixelBox, PixelEllipsoid, Slicer
from tests.language.conformance_inputs import Outline, Stored


class Shelf:
    """Images by name, as `lattice.language.binder.Resolver` wants them."""

    def __init__(
        self,
        images: Mapping[str, Stored],
        temporaries: tuple[Node, ...] = (),
        regions: tuple[Any, ...] = (),
        named: Mapping[str, Any] | None = None,
    ) -> None:
        self.images = images
        self.temporaries = temporaries
        self.regions = regions
        self.named = named or {}
        self.asked: list[str] = []

    def resolve_image(self, name: str, mask: str | None) -> Any:
        self.asked.append(name)
        if name in self.named:
            return self.named[name]
        stored = self._stored(name)
        if mask is None:
            chosen = stored.mask
        elif mask == "nomask":
            chosen = None
        else:
            chosen = self._mask(name, mask)
        plain = _source(stored, name)
        if chosen is None:
            return plain.with_mask(None, "" if mask is None else mask)
        return plain.with_mask(_mask_source(stored, chosen, name), mask or "")

    def resolve_region(self, image: str, region: str) -> Any:
        stored = self._stored(image)
        outline = stored.regions.get(region)
        if outline is not None:
            return _region(outline)
        return MaskRegion(ArrayReader(self._mask(image, region)))

    def resolve_temporary(self, number: int) -> Node:
        if not 1 <= number <= len(self.temporaries):
            raise NameNotFoundError(f"no lattice was passed as ${number}")
        return self.temporaries[number - 1]

    def resolve_temporary_region(self, number: int) -> Any:
        if not 1 <= number <= len(self.regions):
            raise NameNotFoundError(f"no region was passed as $r{number}")
        return self.regions[number - 1]

    def known_images(self) -> Iterable[str]:
        return self.images

    def known_regions(self, image: str) -> Iterable[str]:
        stored = self._stored(image)
        return [*stored.regions, *stored.masks, *(["mask0"] if stored.mask is not None else [])]

    def _stored(self, name: str) -> Stored:
        if name not in self.images:
            raise NameNotFoundError(f"there is no image {name!r}")
        return self.images[name]

    def _mask(self, name: str, mask: str) -> Any:
        stored = self._stored(name)
        if mask == "mask0" and stored.mask is not None:
            return stored.mask
        if mask not in stored.masks:
            raise NameNotFoundError(f"image {name!r} has no mask {mask!r}")
        return stored.masks[mask]


def _attributes(stored: Stored, dtype: Any) -> Attributes:
    coords = (
        CoordinateSystem.from_kinds(stored.kinds, frequencies=stored.frequencies or None)
        if stored.kinds
        else None
    )
    dims = coords.dims if coords is not None else default_dims(stored.values.ndim)
    return Attributes(dtype, stored.values.shape, dims, unit=stored.unit, coords=coords)


def _source(stored: Stored, name: str) -> Source:
    node: Source = Source(
        ArrayReader(stored.values), name, "", None, _attributes(stored, stored.values.dtype)
    )
    return node


def _mask_source(stored: Stored, mask: Any, name: str) -> Source:
    node: Source = Source(ArrayReader(mask), f"mask of {name}", "", None, _attributes(stored, mask.dtype))
    return node


def _region(outline: Outline) -> Any:
    if outline.kind == "box":
        return PixelBox(outline.first, outline.last, shape=outline.shape)
    if outline.kind == "slicer":
        return Slicer(outline.first, outline.last, outline.step)
    if outline.kind == "ellipsoid":
        return PixelEllipsoid(outline.centre, outline.radii, shape=outline.shape)
    if outline.kind == "world box":
        return AxisBox(outline.axes, outline.first, outline.last)
    return AxisPolygon(outline.x, outline.y)
