"""From what users have (arrays, headers, beams, opened files) to the graph nodes of an image."""

from __future__ import annotations

import dataclasses
import numbers
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from lattice.coords.adopt import adopt, is_wcs
from lattice.coords.system import CoordinateSystem
from lattice.errors import (
    CoordinateMismatchError,
    LatticeError,
    LatticeRangeError,
    LatticeTypeError,
    NameNotFoundError,
    ShapeMismatchError,
    suggest,
)
from lattice.graph.attributes import Attributes, default_dims
from lattice.graph.beams import check_beams
from lattice.graph.node import Literal, Node, Source
from lattice.graph.protocols import Reader
from lattice.graph.records import Record, frozen
from lattice.graph.types import BOOL, lel_dtype
from lattice.io.base import Beam, MetaCard, Stored
from lattice.io.memory import ArrayReader, DaskReader
from lattice.io.registry import split_selector

__all__ = [
    "Parts",
    "array_parts",
    "beams_of",
    "cards_of",
    "coordinates_of",
    "in_memory",
    "is_array",
    "literal_of",
    "mask_source",
    "no_mask",
    "reader_of",
    "source_name",
    "stored_parts",
    "unit_text",
]


@dataclasses.dataclass(frozen=True)
class Parts:
    """What an image consists of.

    Attributes
    ----------
    node : Node
        Values under the effective mask.
    masks : dict of str to Node
        Named masks, as truth values.
    default_mask : str or None
        Which of them is the effective one.
    history : tuple of str
        Processing history, oldest first.
    regions : dict
        Named regions.
    groups : dict of str to Record
        Attribute groups.
    """

    node: Node
    masks: Mapping[str, Node] = dataclasses.field(default_factory=dict)
    default_mask: str | None = None
    history: tuple[str, ...] = ()
    regions: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    groups: Mapping[str, Record] = dataclasses.field(default_factory=dict)


# -- files ------------------------------------------------------------------------------------------------


def stored_parts(stored: Stored, name: str, mask: str | None = "default") -> Parts:
    """Return the parts of an opened image.

    Parameters
    ----------
    stored : Stored
        What the format found.
    name : str
        Name of the image in expressions: the path as the user wrote it.
    mask : str or None
        ``"default"`` for the default mask, None for no mask, else the name of a mask.
    """
    attrs = Attributes(
        stored.reader.dtype,
        tuple(stored.reader.shape),
        tuple(stored.dims),
        unit=stored.unit,
        coords=stored.coords,
        beams=tuple(stored.beams),
        meta=tuple(stored.meta),
    )
    masks = {key: mask_source(reader, name, key, attrs) for key, reader in stored.masks.items()}
    chosen, suffix, default = _choose(mask, masks, stored.default_mask, name, stored.nan_masked)
    node: Node = Source(stored.reader, name, suffix, chosen, attrs)
    return Parts(node, masks, default, tuple(stored.history), dict(stored.regions), dict(stored.groups))


def _choose(
    mask: str | None, masks: Mapping[str, Source], default: str | None, name: str, nan_masked: bool
) -> tuple[Source | str | None, str, str | None]:
    """Return the mask of a source, its suffix in text and its name."""
    if mask is None or (mask == "nomask" and mask not in masks):
        return None, "nomask" if default or nan_masked else "", None
    if mask == "default" and mask not in masks:
        if default is not None:
            return masks[default], "", default
        return ("nan" if nan_masked else None), "", None
    if mask not in masks:
        raise no_mask(mask, masks, name)
    return masks[mask], "" if mask == default else mask, mask


def no_mask(mask: str, masks: Iterable[str], name: str) -> NameNotFoundError:
    """Return the error for a mask that an image does not have."""
    known = list(masks)
    hint = suggest(mask, known) or (f"its masks are {', '.join(known)}" if known else "it has no named masks")
    return NameNotFoundError(f"{name!r} has no mask {mask!r}", hint=hint)


def mask_source(reader: Reader, name: str, key: str, like: Attributes) -> Source:
    """Return a named mask as a lattice of truth values."""
    if tuple(reader.shape) != like.shape:
        raise ShapeMismatchError(f"mask {key!r} has shape {tuple(reader.shape)}, the image has {like.shape}")
    attrs = Attributes(BOOL, like.shape, like.dims, coords=like.coords)
    node: Source = Source(reader, name, key, None, attrs)
    return node


# -- arrays -----------------------------------------------------------------------------------------------


def is_array(value: Any) -> bool:
    """Tell whether a value is an array of at least one axis (numpy, dask, xarray, or alike)."""
    shape = getattr(value, "shape", None)
    return isinstance(shape, tuple) and len(shape) > 0 and hasattr(value, "dtype")


def is_nddata(value: Any) -> bool:
    """Tell whether a value is an NDData of astropy, such as a CCDData: it brings mask, unit, coordinates."""
    return all(hasattr(value, name) for name in ("data", "mask", "unit", "wcs", "meta", "uncertainty"))


def literal_of(value: Any) -> Node:
    """Return the node of a number that stands on its own."""
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value[()]
    if isinstance(value, np.generic):
        lel_dtype(value.dtype)  # refuses what is no number
        return Literal.of(value)
    if isinstance(value, bool | int | float | complex):
        if isinstance(value, int) and not isinstance(value, bool):
            return Literal.of(value, np.dtype(np.float32 if _is_exact(value) else np.float64))
        return Literal.of(value)
    raise LatticeTypeError(
        f"a {type(value).__name__} is neither an image, an array nor a number",
        hint="give an Image, a numpy or dask array, or a number",
    )


def _is_exact(value: int) -> bool:
    try:
        return float(np.float32(value)) == value
    except OverflowError:
        raise LatticeRangeError(f"the number {value} is too large") from None


def reader_of(data: Any, label: str) -> Reader:
    """Return an array as a source of pixels; dask arrays stay lazy."""
    kind = f"{type(data).__module__}.{type(data).__name__}"
    if kind.startswith("dask."):
        return DaskReader(data, label)
    values = np.asarray(data)
    if values.ndim == 0:
        raise ShapeMismatchError("an image has at least one axis", hint="a single number is used as it is")
    return ArrayReader(values, label)


def array_parts(
    data: Any,
    *,
    dims: Sequence[str] | None,
    wcs: Any,
    mask: Any,
    masks: Mapping[str, Any] | None,
    regions: Mapping[str, Any] | None,
    unit: Any,
    beam: Any,
    meta: Any,
    history: Iterable[str],
    name: str,
) -> Parts:
    """Return the parts of an image made of arrays."""
    if is_nddata(data):
        wcs, unit = data.wcs if wcs is None else wcs, data.unit if unit is None else unit
        meta = (data.meta or None) if meta is None else meta
        data = np.ma.MaskedArray(data.data, data.mask) if np.any(data.mask) else data.data
    if isinstance(data, np.ma.MaskedArray):
        mask = ~np.ma.getmaskarray(data) if mask is None and data.mask is not np.ma.nomask else mask
        data = data.data
    if hasattr(data, "dims") and hasattr(data, "data"):  # an xarray.DataArray
        dims = tuple(str(d) for d in data.dims) if dims is None else dims
        data = data.data
    if hasattr(data, "unit") and hasattr(data, "to_value"):  # an astropy Quantity
        unit = data.unit if unit is None else unit
        data = data.value
    reader = reader_of(data, name)
    shape = tuple(reader.shape)
    coords = coordinates_of(wcs, shape)
    names = _dims(dims, coords, len(shape))
    if coords is not None and coords.dims != names:
        axes = tuple(dataclasses.replace(a, name=n) for a, n in zip(coords.axes, names, strict=True))
        coords = dataclasses.replace(coords, axes=axes, _hash=None)
    attrs = Attributes(
        reader.dtype,
        shape,
        names,
        unit=unit_text(unit),
        coords=coords,
        beams=beams_of(beam),
        meta=cards_of(meta),
    )
    check_beams(attrs)
    named = {key: mask_source(_mask_reader(m, key), name, key, attrs) for key, m in (masks or {}).items()}
    effective: Source | str | None = None
    default = None
    if isinstance(mask, str):
        if mask not in named and mask != "nan":
            raise no_mask(mask, named, name)
        effective, default = (named[mask], mask) if mask in named else ("nan", None)
    elif mask is not None:
        default = (
            "mask0"
            if "mask0" not in named
            else next(f"mask{i}" for i in range(1, 10**6) if f"mask{i}" not in named)
        )
        effective = named[default] = mask_source(_mask_reader(mask, "mask"), name, default, attrs)
    node: Node = Source(reader, name, "", effective, attrs)
    return Parts(node, named, default, tuple(str(line) for line in history), dict(regions or {}))


def in_memory(values: np.ndarray, mask: np.ndarray | None, attrs: Attributes) -> tuple[Node, Node | None]:
    """Return computed pixels as a source, and their mask as another one if not every pixel is good."""
    held = None
    if mask is not None and not mask.all():
        held = mask_source(ArrayReader(mask, "mask0"), "array", "mask0", attrs)
    node: Node = Source(ArrayReader(values, "array"), "array", "", held, attrs)
    return node, held


def _mask_reader(mask: Any, name: str) -> Reader:
    source = reader_of(mask, name)
    if source.dtype != BOOL:
        raise LatticeTypeError(
            f"mask {name!r} holds values of type {source.dtype}, not truth values",
            hint="a mask is True where a pixel is good; make it with a comparison, such as array > 0",
        )
    return source


def _dims(dims: Sequence[str] | None, coords: CoordinateSystem | None, ndim: int) -> tuple[str, ...]:
    if dims is None:
        known = coords is not None and any(kind != "none" for kind in coords.kinds)
        return coords.dims if coords is not None and known else default_dims(ndim)
    names = (dims,) if isinstance(dims, str) else tuple(str(d) for d in dims)
    if len(names) != ndim:
        raise ShapeMismatchError(f"{len(names)} dims {names} for an array of {ndim} axes")
    if len(set(names)) != len(names):
        raise LatticeRangeError(f"the names of dims differ from each other, unlike {names}")
    for dim in names:
        if not dim.isidentifier():
            raise LatticeRangeError(f"{dim!r} is no name for a dim", hint="use letters, digits and '_'")
    return names


def coordinates_of(wcs: Any, shape: tuple[int, ...]) -> CoordinateSystem | None:
    """Return coordinates from a CoordinateSystem, a header, cards, or an astropy WCS or one like it."""
    if wcs is None:
        return None
    if isinstance(wcs, CoordinateSystem):
        system = wcs
    elif is_wcs(wcs):
        system = adopt(wcs, shape)
    else:
        system = CoordinateSystem.from_header(cards_of(wcs, what="wcs"), shape)
    if len(system.axes) != len(shape):
        raise CoordinateMismatchError(
            f"coordinates of {len(system.axes)} axes do not fit an array of {len(shape)} axes"
        )
    return system


def cards_of(header: Any, what: str = "meta") -> tuple[MetaCard, ...]:
    """Return header cards from a mapping, an astropy Header, or (keyword, value[, comment]) tuples."""
    if header is None:
        return ()
    if hasattr(header, "cards"):  # an astropy Header, or our own Meta
        cards = [tuple(card)[:3] for card in header.cards]
    elif isinstance(header, Mapping):
        cards = [
            (key, *(value if isinstance(value, tuple) else (value, ""))) for key, value in header.items()
        ]
    elif isinstance(header, str | bytes) or not isinstance(header, Iterable):
        raise LatticeTypeError(
            f"{what}: a {type(header).__name__} is no header",
            hint="give a dictionary, an astropy Header, or a list of (keyword, value, comment)",
        )
    else:
        cards = [(*card, "")[:3] for card in (tuple(c) for c in header)]
    out: list[MetaCard] = []
    for card in cards:
        if len(card) != 3 or not isinstance(card[0], str):
            raise LatticeTypeError(
                f"{what}: {card!r} is no header card", hint="write (keyword, value, comment)"
            )
        key, value, comment = card
        if isinstance(value, np.generic):
            value = value.item()
        try:
            value = frozen(value)
        except LatticeTypeError as error:
            raise LatticeTypeError(f"{what}: the value of {key}: {error}") from None
        out.append((key.upper() if len(key) <= 8 else key, value, str(comment)))
    return tuple(out)


def unit_text(unit: Any) -> str:
    """Return a unit as text, the way FITS writes it where that is possible."""
    if unit is None:
        return ""
    if hasattr(unit, "to_string"):
        try:
            return str(unit.to_string("fits"))
        except ValueError:
            return str(unit.to_string())
    return str(unit)


def beams_of(beam: Any) -> tuple[Beam, ...]:
    """Return beams from (major, minor, angle) in degrees or Quantities, one such or one per plane."""
    if beam is None:
        return ()
    several = isinstance(beam, Sequence) and bool(beam) and not _is_length(beam[0])
    out = []
    for one in beam if several else [beam]:
        if hasattr(one, "major_deg"):  # a lattice.Beam
            one = tuple(one)
        elif hasattr(one, "major") and hasattr(one, "minor"):  # a radio_beam.Beam
            one = (one.major, one.minor, getattr(one, "pa", 0.0))
        try:
            major, minor, angle = (_degrees(v) for v in one)
        except (TypeError, ValueError):
            raise LatticeTypeError(
                f"{one!r} is no beam", hint="a beam is (major axis, minor axis, position angle) in degrees"
            ) from None
        if not major >= minor > 0:
            raise LatticeRangeError(
                f"a beam of {major:g} by {minor:g} degrees: the larger axis comes first, both above 0"
            )
        out.append((major, minor, angle))
    return tuple(out)


def _is_length(value: Any) -> bool:
    return isinstance(value, numbers.Real) or hasattr(value, "to_value")


def _degrees(value: Any) -> float:
    return float(value.to_value("deg")) if hasattr(value, "to_value") else float(value)


def source_name(path: Any, selectors: Mapping[str, Any]) -> str:
    """Return how an opened image is named in expressions: its path, with the selector in brackets."""
    try:
        text = os.fspath(path)
    except TypeError:
        raise LatticeTypeError(f"a path is a text, not a {type(path).__name__}") from None
    if isinstance(text, bytes):
        text = os.fsdecode(text)
    key = next((k for k in selectors if k != "storage_options" and selectors[k] is not None), None)
    if key is None:
        return text
    chosen = selectors[key]
    if split_selector(text)[1] is not None:
        raise LatticeError(
            f"{text!r} names a part, and {key}={chosen!r} another one", hint="leave one of them out"
        )
    return f"{text}[{','.join(str(p) for p in chosen) if isinstance(chosen, tuple) else chosen}]"
