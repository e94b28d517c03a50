"""Named regions of an image as casacore's record ``regions`` has them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lattice.errors import LatticeError, warn
from lattice.graph.attributes import Attributes
from lattice.io.casa_records.fields import as_record, plain
from lattice.regions.base import Region

__all__ = ["regions_from_records", "regions_to_records"]


def regions_from_records(records: Mapping[str, Any]) -> dict[str, Any]:
    """Return the regions that records describe.

    Parameters
    ----------
    records : mapping of str to mapping
        Records of regions by name.

    Returns
    -------
    dict of str to Region or Record
        A record where it is of a kind that lattice cannot evaluate. What is no record is left out with a
        warning.
    """
    from lattice.regions import from_record

    out: dict[str, Any] = {}
    for name, record in records.items():
        if not isinstance(record, Mapping):
            warn(f"the image is read without the region {name!r}, which is no record")
            continue
        try:
            out[str(name)] = from_record(record)
            continue
        except LatticeError:
            pass
        try:
            out[str(name)] = as_record(record)
        except LatticeError as error:
            warn(f"the image is read without the region {name!r}: {error.message}")
    return out


def regions_to_records(
    regions: Mapping[str, Any], coords_record: Mapping[str, Any], attrs: Attributes | None = None
) -> dict[str, Any]:
    """Return the records of regions; those that no record can say are left out with a warning.

    Parameters
    ----------
    regions : mapping of str to Region or Record
        Regions by name.
    coords_record : mapping
        The record ``coords`` of the image to which they belong.
    attrs : Attributes, optional
        Shape and coordinates of that image, for regions that need them.
    """
    from lattice.regions import to_record

    out: dict[str, Any] = {}
    for name, region in regions.items():
        if not isinstance(region, Region):
            out[name] = plain(as_record(region)) if isinstance(region, Mapping) else region
            continue
        try:
            out[name] = to_record(region, coords_record, attrs)
        except LatticeError as error:
            warn(f"the image is written without the region {name!r}: {error.message}")
    return out
