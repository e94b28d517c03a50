"""Between the keywords of a CASA image and the parts of a lattice image."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lattice.coords.system import CoordinateSystem
from lattice.io.base import Beam, ImageSpec, MetaCard
from lattice.io.casa.records import TableRecord, TableRef

__all__ = ["Parts", "changed_keywords", "keywords_of_spec", "mask_record", "parts_of_keywords"]


@dataclass(frozen=True)
class Parts:
    """What the keywords of an image say."""

    unit: str = ""
    coords: CoordinateSystem | None = None
    meta: tuple[MetaCard, ...] = ()
    beams: tuple[Beam, ...] = ()
    regions: Mapping[str, Any] = field(default_factory=dict)


def _record(keywords: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = keywords.get(name)
    return found if isinstance(found, Mapping) else {}


def parts_of_keywords(keywords: Mapping[str, Any], shape: tuple[int, ...]) -> Parts:
    """Return what keywords say about an image of a shape (numpy order)."""
    unit = keywords.get("units")
    return Parts(unit if isinstance(unit, str) else "")


def keywords_of_spec(spec: ImageSpec) -> TableRecord:
    """Return the keywords of an image to be written, but for masks and groups."""
    keywords = TableRecord(logtable=TableRef.child("logtable"), coords=_linear(spec.shape))
    if spec.unit:
        keywords["units"] = spec.unit
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
    return out


def _linear(shape: tuple[int, ...]) -> dict[str, Any]:
    n = len(shape)
    numbers = np.arange(n, dtype=np.int32)
    linear = {
        "crval": np.zeros(n),
        "crpix": np.zeros(n),
        "cdelt": np.ones(n),
        "pc": np.eye(n),
        "axes": np.array([f"axis{i}" for i in range(n)]),
        "units": np.array(["pix"] * n),
    }
    return {
        "linear0": linear,
        "worldmap0": numbers,
        "worldreplace0": np.zeros(n),
        "pixelmap0": numbers,
        "pixelreplace0": np.zeros(n),
    }


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
