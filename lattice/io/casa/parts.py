"""Between the keywords of a CASA image and the parts of a lattice image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lattice.coords.system import CoordinateSystem
from lattice.errors import FormatError, warn
from lattice.graph.attributes import Attributes, default_dims
from lattice.graph.sections import Section, shape_of
from lattice.io.base import Beam, ImageSpec, MetaCard
from lattice.io.casa.records import TableRecord, TableRef
from lattice.io.casa_records import (
    coords_from_record,
    coords_to_record,
    imageinfo_from_record,
    imageinfo_to_record,
    misc_from_record,
    misc_to_record,
    regions_from_records,
    regions_to_records,
)
from lattice.io.raw import natural_tile

__all__ = [
    "Parts",
    "RegionMask",
    "changed_keywords",
    "keywords_of_spec",
    "mask_record",
    "parts_of_keywords",
    "region_mask",
]


@dataclass(frozen=True)
class Parts:
    """What the keywords of an image say.

    Attributes
    ----------
    dims, unit, coords, meta, beams, regions
        As in `lattice.io.base.Stored`.
    """

    dims: tuple[str, ...] = ()
    unit: str = ""
    coords: CoordinateSystem | None = None
    meta: tuple[MetaCard, ...] = ()
    beams: tuple[Beam, ...] = ()
    regions: Mapping[str, Any] = field(default_factory=dict)

    def attributes(self, shape: tuple[int, ...]) -> Attributes:
        """Return what a region has to know of the image."""
        return Attributes(np.dtype(np.float32), shape, self.dims, coords=self.coords)


def _record(keywords: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = keywords.get(name)
    return found if isinstance(found, Mapping) else {}


def parts_of_keywords(keywords: Mapping[str, Any], shape: tuple[int, ...]) -> Parts:
    """Return what keywords say about an image of a shape (numpy order).

    Raises
    ------
    FormatError
        If there are no coordinates.
    """
    record = keywords.get("coords")
    if not isinstance(record, Mapping):
        raise FormatError("the image has no record of coordinates")
    coords, cards = coords_from_record(record, shape)
    beams, more = imageinfo_from_record(_record(keywords, "imageinfo"), shape, coords)
    misc = misc_from_record(_record(keywords, "miscinfo"))
    unit = keywords.get("units")
    return Parts(
        coords.dims if coords is not None else default_dims(len(shape)),
        unit if isinstance(unit, str) else "",
        coords,
        (*more, *cards, *misc),
        beams,
        _regions(_record(keywords, "regions")),
    )


def keywords_of_spec(spec: ImageSpec) -> TableRecord:
    """Return the keywords of an image to be written, but for masks and groups."""
    coords = coords_to_record(spec.coords, spec.meta, spec.shape)
    keywords = TableRecord(logtable=TableRef.child("logtable"), coords=coords)
    keywords["imageinfo"] = imageinfo_to_record(spec.beams, spec.meta, spec.shape, spec.coords)
    if spec.unit:
        keywords["units"] = spec.unit
    if misc := misc_to_record(spec.meta):
        keywords["miscinfo"] = misc
    if spec.regions:
        attrs = Attributes(np.dtype(np.float32), spec.shape, spec.dims, coords=spec.coords)
        keywords["regions"] = regions_to_records(spec.regions, coords, attrs)
    return keywords


def changed_keywords(
    keywords: Mapping[str, Any], shape: tuple[int, ...], given: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the keywords of an image that change when some of its parts do; None for those that go.

    Parameters
    ----------
    keywords : mapping
        The present keywords.
    shape : tuple of int
        Shape of the image.
    given : mapping
        New parts: any of ``unit``, ``coords``, ``beams``, ``meta``, ``regions``.
    """
    out: dict[str, Any] = {}
    if "unit" in given:
        out["units"] = str(given["unit"]) or None
    if not set(given) - {"unit"}:
        return out
    now = parts_of_keywords(keywords, shape)
    coords: CoordinateSystem | None = given.get("coords", now.coords)
    meta: Sequence[MetaCard] = given.get("meta", now.meta)
    record: Mapping[str, Any] = _record(keywords, "coords")
    if "coords" in given or "meta" in given:
        record = out["coords"] = coords_to_record(coords, meta, shape)
    if "beams" in given or "meta" in given:
        out["imageinfo"] = imageinfo_to_record(given.get("beams", now.beams), meta, shape, coords)
    if "meta" in given:
        out["miscinfo"] = misc_to_record(meta) or None
    if "regions" in given:
        dims = coords.dims if coords is not None else default_dims(len(shape))
        attrs = Attributes(np.dtype(np.float32), shape, dims, coords=coords)
        out["regions"] = regions_to_records(given["regions"], record, attrs) or None
    return out


# -- regions ------------------------------------------------------------------------------------


def _has_table(record: Mapping[str, Any]) -> bool:
    return any(
        isinstance(value, TableRef) or (isinstance(value, Mapping) and _has_table(value))
        for value in record.values()
    )


def _regions(records: Mapping[str, Any]) -> dict[str, Any]:
    """Return the stored regions, but for masks in tables of their own."""
    inside = {}
    for name, record in records.items():
        if isinstance(record, Mapping) and _has_table(record):
            warn(f"the region {name!r} is a mask that lies in a table of its own: left out")
        else:
            inside[name] = record
    return regions_from_records(inside)


class RegionMask:
    """A region as a source of truth values, for masks that are stored as regions.

    Parameters
    ----------
    region : Region
        Definite, made for one shape.
    label : str
        Short name for people.
    """

    dtype = np.dtype(np.bool_)
    direct = False

    def __init__(self, region: Any, label: str) -> None:
        self.region = region
        self.label = label
        self.shape: tuple[int, ...] = tuple(region.shape)
        self.tile = natural_tile(self.shape, 1)
        self.token = f"casa-region-{region!r}"

    def read(self, section: Section, out: np.ndarray | None = None) -> np.ndarray:
        """Return which pixels of a section belong to the region."""
        if out is None:
            out = np.empty(shape_of(section), bool)
        out[...] = self.region.mask(section)
        return out

    def bytes_read(self, section: Section) -> int:
        """Return 0: nothing is stored."""
        return 0

    def __dask_tokenize__(self) -> str:
        return self.token

    def __reduce__(self) -> tuple[Any, ...]:
        return (RegionMask, (self.region, self.label))


def region_mask(record: Mapping[str, Any], attrs: Attributes, label: str) -> RegionMask:
    """Return a mask that is stored as a region.

    Raises
    ------
    LatticeError
        If it is of a kind that cannot be evaluated, or does not fit the image.
    """
    from lattice.regions import from_record

    return RegionMask(from_record(record).fit(attrs), label)


def mask_record(folder: str, shape: tuple[int, ...]) -> dict[str, Any]:
    """Return the record of a mask that lies in a folder of its image; shape in numpy order."""
    n = len(shape)
    box = {
        "isRegion": np.int32(1),
        "name": "LCBox",
        "comment": "",
        "oneRel": np.bool_(True),
        "blc": np.ones(n, np.float32),
        "trc": np.array(shape[::-1], np.float32),
        "shape": np.array(shape[::-1], np.int32),
    }
    return {
        "isRegion": np.int32(1),
        "name": "LCPagedMask",
        "comment": "",
        "mask": TableRef.child(folder),
        "box": box,
    }
