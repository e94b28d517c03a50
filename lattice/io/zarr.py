"""Zarr images, in and out: version 3 is written, versions 2 and 3 are read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from lattice.coords.system import Axis, CoordinateSystem, default_dims
from lattice.errors import FormatError, LatticeError, suggest
from lattice.graph.protocols import Reader
from lattice.graph.records import Record
from lattice.io.base import ImageSpec, Output, Stored
from lattice.io.json_values import from_json
from lattice.io.losses import by_abilities
from lattice.io.places import absolute, name_of
from lattice.io.zarr_meta import ArrayMeta, Node, is_zarr, list_arrays, read_array, read_node
from lattice.io.zarr_read import Scaling, ZarrReader
from lattice.io.zarr_xradio import is_xradio, open_xradio

__all__ = ["ZarrFormat"]


class ZarrFormat:
    """Zarr groups (``.zarr``) that hold an image and its masks; plain arrays are read as well."""

    name = "zarr"
    selector = "part"
    suffixes = (".zarr",)
    description = "Zarr images with all their parts, and those of xradio; reads versions 2 and 3, writes 3"
    can = frozenset(
        {
            "read",
            "write",
            "parallel",
            "remote",
            "bool",
            "float",
            "complex",
            "mask",
            "masks",
            "unit",
            "coords",
            "tables",
            "beam",
            "beams",
            "cards",
            "records",
            "history",
            "regions",
            "groups",
        }
    )

    def losses(self, spec: ImageSpec, **options: Any) -> list[str]:
        """Return what a file would lack: regions of kinds that are not those of lattice."""
        from lattice.io.zarr_write import unwritable

        lost = by_abilities(self.can, spec)
        return lost + [f"the region {name}" for name in unwritable(spec)]

    def sniff(self, path: str) -> bool:
        """Return True for a folder with Zarr metadata."""
        return is_zarr(path)

    def open(
        self, path: str, *, part: str | None = None, time: int | None = None, **selectors: Any
    ) -> Stored:
        """Open an image.

        Parameters
        ----------
        path : str
            The folder.
        part : str, optional
            Name of an array in a group that was not written by lattice and holds several.
        time : int, optional
            Which time of an image in the schema of xradio that has several, counted from 0.
        """
        if selectors:
            raise LatticeError(f"a Zarr image is not selected by {', '.join(selectors)}", hint="use part=")
        path = absolute(path)
        label = name_of(path)
        node = read_node(path)
        if node.is_array:
            if part:
                raise FormatError(f"{label!r} is one array; it has no part {part!r}")
            return _plain_image(path, node, label)
        about = node.attributes.get("lattice")
        if isinstance(about, dict) and part is None:
            return _undamaged(path, lambda: _lattice_image(node, label, about))
        if not isinstance(about, dict) and is_xradio(node, part):
            return _undamaged(path, lambda: open_xradio(node, label, part, time))
        if time is not None:
            raise FormatError(f"{label!r} is no image of xradio; it has no time {time}")
        chosen = node.child(_choose(node, label, part))
        return _plain_image(path, chosen, f"{label}[{part}]" if part else label)

    def create(
        self,
        path: str,
        spec: ImageSpec,
        *,
        overwrite: bool = False,
        sync: bool = False,
        compress: str = "none",
        **options: Any,
    ) -> Output:
        """Start a new image.

        Parameters
        ----------
        path : str
            Where it will be.
        spec : ImageSpec
            What it will be.
        overwrite : bool
            Whether an existing image may be replaced.
        sync : bool
            Whether it must survive a power failure.
        compress : {"none", "lz4", "zstd"}
            Compression of the chunks; without it any pixels can be written at once, and read by position.
        """
        from lattice.io.zarr_write import ZarrOutput

        if options:
            raise LatticeError(f"Zarr output has no option {', '.join(options)}", hint="it has: compress")
        return ZarrOutput(path, spec, overwrite=overwrite, sync=sync, compress=compress)


def _undamaged(path: str, opened: Callable[[], Stored]) -> Stored:
    """Return an opened image; what its metadata should not hold is a `FormatError`."""
    try:
        return opened()
    except LatticeError:
        raise
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError) as exc:
        raise FormatError(f"the attributes of {path!r} are damaged: {type(exc).__name__}: {exc}") from exc


def _lattice_image(node: Node, label: str, about: Mapping[str, Any]) -> Stored:
    """Open a group that lattice wrote."""
    path = node.path
    version = about["version"]
    if version != 1:
        raise FormatError(
            f"{label!r} was written by a newer lattice (image version {version})", hint="update lattice"
        )
    meta = read_array(_inside(node, about["values"]))
    masks: dict[str, Reader] = {}
    for name, array in about["masks"].items():
        flags = read_array(_inside(node, array))
        if flags.shape != meta.shape or flags.dtype.kind != "b":
            raise FormatError(f"the mask {name!r} of {path!r} does not fit the image")
        masks[name] = ZarrReader(flags, f"{label}[{name}]", Scaling(inverted=True))
    default = about["default_mask"]
    dims = tuple(str(name) for name in about["dims"])
    if len(dims) != len(meta.shape):
        raise FormatError(f"{path!r} names {len(dims)} dims for {len(meta.shape)} axes")
    return Stored(
        reader=ZarrReader(meta, label),
        dims=dims,
        unit=str(about["unit"]),
        coords=_coordinates(about, meta.shape, dims),
        masks=masks,
        default_mask=default if default in masks else None,
        nan_masked=False,
        meta=tuple((str(k), from_json(v), str(c)) for k, v, c in about["meta"]),
        history=tuple(_line(line) for line in about["history"]),
        beams=tuple((float(a), float(b), float(c)) for a, b, c in about["beams"]),
        regions={str(name): from_json(value) for name, value in about.get("regions", {}).items()},
        groups={str(name): _group(value) for name, value in about.get("groups", {}).items()},
        source=path,
        format="zarr",
    )


def _line(value: Any) -> str:
    found = from_json(value)
    return found if isinstance(found, str) else str(value)


def _group(value: Any) -> Record:
    found = from_json(value)
    if not isinstance(found, Record):
        raise FormatError("an attribute group is no record")
    return found


def _inside(node: Node, name: Any) -> Node:
    if not isinstance(name, str) or not name or name.startswith(".") or "/" in name or "\\" in name:
        raise FormatError(f"{node.path!r} names an impossible array {name!r}")
    return node.child(name)


def _coordinates(
    about: Mapping[str, Any], shape: tuple[int, ...], dims: tuple[str, ...]
) -> CoordinateSystem | None:
    cards = [(str(k), v, str(c)) for k, v, c in about["wcs"]]
    if about["axes"] is None:
        return None
    axes = [(str(kind), str(unit)) for kind, unit in about["axes"]]
    if len(axes) != len(shape):
        raise FormatError("the number of axes differs from that of the image")
    system = CoordinateSystem.from_header(cards, shape)
    if "frequencies" in about:
        system = replace(system, table=tuple(float(f) for f in about["frequencies"]))
    tables = tuple(
        (len(shape) - int(i), tuple(float(v) for v in values)) for i, values in about.get("tables", ())
    )
    system = replace(system, tables=tables)
    new = tuple(
        Axis(name, kind, unit, a.fits_axis)
        for a, (kind, unit), name in zip(system.axes, axes, dims, strict=True)
    )
    return replace(system, axes=new, _hash=None)


# -- images of other programs -------------------------------------------------------------------


def _choose(node: Node, label: str, part: str | None) -> str:
    """Return the array of a group that is its image: the one that is asked for, or the only one it can be."""
    arrays = list_arrays(node)
    if part is not None:
        if part in arrays:
            return part
        near = suggest(part, arrays)
        raise FormatError(
            f"{label!r} has no array {part!r}", hint=f"{near or ''} it has {', '.join(arrays)}".strip()
        )
    if "SKY" in arrays:
        return "SKY"
    candidates = []
    for name in arrays:
        try:
            meta = read_array(node.child(name))
        except FormatError:
            continue  # texts and the like are no images
        if len(meta.shape) >= 2 and meta.dtype.kind != "b":
            candidates.append(name)
    if len(candidates) == 1:
        return candidates[0]
    if not candidates:
        raise FormatError(
            f"the Zarr group {label!r} holds no image", hint=f"its arrays: {', '.join(arrays) or 'none'}"
        )
    raise FormatError(
        f"the Zarr group {label!r} holds several arrays: {', '.join(candidates)}",
        hint=f"name one, as in {label}[{candidates[0]}]",
    )


def _plain_image(source: str, node: Node, label: str) -> Stored:
    """Open an array that lattice did not write."""
    meta = read_array(node)
    dims = tuple(name or "" for name in meta.dims) or ("",) * len(meta.shape)
    default = default_dims(["none"] * len(meta.shape))
    named = tuple(name or fallback for name, fallback in zip(dims, default, strict=True))
    attributes = meta.attributes
    unit = next((attributes[k] for k in ("units", "unit", "BUNIT") if isinstance(attributes.get(k), str)), "")
    scaling = _scaling(meta)
    reader = ZarrReader(meta, label, scaling)
    return Stored(
        reader=reader,
        dims=named if len(set(named)) == len(named) else default,
        unit=unit,
        nan_masked=reader.dtype.kind == "f" and (meta.dtype.kind == "f" or scaling.missing is not None),
        meta=tuple(
            (k, v, "") for k, v in attributes.items() if isinstance(v, str | int | float) and k not in _CF
        ),
        source=source,
        format="zarr",
    )


_CF = frozenset({"units", "unit", "BUNIT", "scale_factor", "add_offset", "_FillValue", "missing_value"})


def _scaling(meta: ArrayMeta) -> Scaling:
    """Return what CF attributes say about the numbers of an array."""

    def number(*keys: str) -> float | None:
        found = [meta.attributes[k] for k in keys if k in meta.attributes]
        good = bool(found) and isinstance(found[0], int | float) and not isinstance(found[0], bool)
        return float(found[0]) if good else None

    missing = number("_FillValue", "missing_value") if meta.dtype.kind in "iu" else None
    scale, offset = number("scale_factor"), number("add_offset")
    return Scaling(1.0 if scale is None else scale, 0.0 if offset is None else offset, missing)
