"""HDF5 images: those of casacore, in and out; the arrays of other HDF5 files as plain lattices."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lattice.coords.system import default_dims
from lattice.errors import FormatError, LatticeError, suggest
from lattice.graph.attributes import Attributes
from lattice.graph.protocols import Reader
from lattice.graph.records import Record
from lattice.io.base import ImageSpec, Output, Stored, Updater
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
from lattice.io.files import Identity, identify
from lattice.io.places import absolute, name_of, start_of

__all__ = ["Hdf5Format"]

_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_MOST_DATASETS = 1000
_OWN = frozenset({"units", "unit", "BUNIT", "CLASS", "TITLE", "DIMENSION_LIST", "REFERENCE_LIST"})


class Hdf5Format:
    """casacore's HDF5 images (``.h5``, ``.hdf5``); arrays in other HDF5 files are read by name."""

    name = "hdf5"
    suffixes = (".h5", ".hdf5")
    description = "casacore HDF5 images with masks and records; arrays of other HDF5 files are read"
    can = frozenset(
        {
            "read",
            "write",
            "remote",
            "update",
            "parallel",
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
            "regions",
            "groups",
        }
    )

    def sniff(self, path: str) -> bool:
        """Return True if the file has the signature of HDF5."""
        head = start_of(path, 4104)
        # a block for other uses may come first
        return any(head[start : start + 8] == _SIGNATURE for start in (0, 512, 1024, 2048, 4096))

    def open(self, path: str, *, part: str | None = None, **selectors: Any) -> Stored:
        """Open an image.

        A mask is looked for in the file itself, whatever path casacore stored: files may be moved and copied.

        Parameters
        ----------
        path : str
            The file.
        part : str, optional
            Path of an array in a file that is no casacore image and holds several.
        """
        _require()
        from lattice.io.hdf5_data import open_file

        if selectors:
            raise LatticeError(f"an HDF5 image is not selected by {', '.join(selectors)}", hint="use part=")
        path = absolute(path)
        identity = identify(path)
        label = name_of(path)
        with open_file(path, identity) as file:
            if part is None and _is_casacore(file):
                return _casacore_image(file, path, identity, label)
            return _plain_image(file, path, identity, label, part)

    def create(
        self,
        path: str,
        spec: ImageSpec,
        *,
        overwrite: bool = False,
        sync: bool = False,
        tile: Sequence[int] | None = None,
        **options: Any,
    ) -> Output:
        """Start a new casacore image.

        Regions that are made of others (unions, differences, ...) are kept for readers such as this one:
        casacore writes them as well, but cannot read them from HDF5, its own neither.

        Parameters
        ----------
        path : str
            Where it will be.
        spec : ImageSpec
            What it will be.
        overwrite : bool
            Whether an existing file may be replaced.
        sync : bool
            Whether it must survive a power failure.
        tile : sequence of int, optional
            Shape of a chunk, numpy order; about 1 MB if not given.
        """
        _require()
        from lattice.io.hdf5_write import H5Output

        if options:
            raise LatticeError(f"HDF5 output has no option {', '.join(options)}", hint="it has: tile")
        return H5Output(path, spec, _records(spec), overwrite=overwrite, sync=sync, tile=tile)

    def update(self, path: str) -> Updater:
        """Open a casacore image to change it in place; see `lattice.io.base.Updater`.

        Raises
        ------
        FormatError
            If it is no casacore image: arrays of other programs are only read.
        StorageError
            If it cannot be written to.
        """
        from lattice.io.hdf5_data import open_file

        stored = self.open(path)
        with open_file(os.path.abspath(path), identify(path)) as file:
            if not _is_casacore(file):
                raise FormatError(f"{path!r} is no image of casacore's: it is only read")
        from lattice.io.hdf5_update import Hdf5Updater

        return Hdf5Updater(path, stored, _records)


def _require() -> None:
    if importlib.util.find_spec("h5py") is None:
        raise LatticeError(
            "HDF5 files need the package h5py", hint="install it with: pip install 'lattice-images[hdf5]'"
        )


# -- images of casacore -------------------------------------------------------------------------


def _is_casacore(file: Any) -> bool:
    import h5py

    # casacore wants coordinfo; its own masks and units mark a damaged image that can still be read
    about = ("coordinfo", "maskinfo", "unitinfo")
    return isinstance(file.get("map"), h5py.Dataset) and any(
        isinstance(file.get(name), h5py.Group) for name in about
    )


def _texts(file: Any, path: str, identity: Identity) -> Any:
    from lattice.io.hdf5_heap import HeapTexts

    # with a block of other data in front, all addresses are counted from its end
    return HeapTexts(path, identity) if file.userblock_size == 0 else None


def _record(file: Any, name: str, label: str, texts: Any) -> dict[str, Any]:
    import h5py

    from lattice.io.hdf5_records import read_record

    group = file.get(name)
    return read_record(group, f"{label}/{name}", texts) if isinstance(group, h5py.Group) else {}


def _casacore_image(file: Any, path: str, identity: Identity, label: str) -> Stored:
    from lattice.io.hdf5_data import H5Reader, array_of

    array = array_of(file["map"], path, identity, label)
    if array.dtype.kind not in "fc" or not array.shape or 0 in array.shape:
        raise FormatError(
            f"{label}: pixels of type {array.dtype} and shape {array.shape} are no casacore image"
        )
    texts = _texts(file, path, identity)
    about = _record(file, "maskinfo", label, texts)
    masks, default = _masks(file, array, about, label)
    unit = _record(file, "unitinfo", label, texts).get("units", "")
    found = _record(file, "coordinfo", label, texts).get("coords")
    coords, observed = coords_from_record(found if isinstance(found, Mapping) else {}, array.shape)
    listed = about.get("regions")
    beams, named = imageinfo_from_record(_record(file, "imageinfo", label, texts), array.shape, coords)
    return Stored(
        reader=H5Reader(array, label),
        dims=coords.dims,
        unit=unit if isinstance(unit, str) else "",
        coords=coords,
        masks=masks,
        default_mask=default,
        meta=(*observed, *named, *misc_from_record(_record(file, "miscinfo", label, texts))),
        beams=beams,
        regions=regions_from_records(listed if isinstance(listed, Mapping) else {}),
        groups=_groups(_record(file, "ATTRGROUPS", label, texts)),
        source=path,
        format="hdf5",
    )


def _masks(
    file: Any, array: Any, about: Mapping[str, Any], label: str
) -> tuple[dict[str, Reader], str | None]:
    """Return the masks of an image, from this file, and which of them applies."""
    import h5py

    from lattice.io.hdf5_data import H5Reader, array_of

    listed = about.get("masks")
    stored = file.get("masks")
    names = {}
    if isinstance(stored, h5py.Group):
        names = {name: name for name in stored if isinstance(stored.get(name), h5py.Dataset)}
    if isinstance(listed, Mapping):
        found = {
            key: str(value.get("maskname", key))
            for key, value in listed.items()
            if isinstance(value, Mapping)
        }
        missing = [key for key, name in found.items() if name not in names]
        if missing:
            raise FormatError(
                f"{label} names a mask {missing[0]!r} that is not there", hint="copy the file again"
            )
        names = found  # those that casacore removed stay in the file, but not in the list
    masks: dict[str, Reader] = {}
    for key, name in names.items():
        flags = array_of(stored[name], array.path, array.identity, f"the mask {key!r} of {label}")
        if flags.shape != array.shape or flags.dtype.kind not in "biu":
            raise FormatError(f"the mask {key!r} of {label} does not fit the image")
        masks[key] = H5Reader(flags, f"{label}[{key}]", flags=True)
    default = about.get("Image_defaultmask")
    return masks, default if isinstance(default, str) and default in masks else None


def _records(spec: ImageSpec) -> dict[str, Mapping[str, Any]]:
    """Return what the file says about an image, by group."""
    coords = coords_to_record(spec.coords, spec.meta, spec.shape)
    attrs = Attributes(np.dtype(spec.dtype), tuple(spec.shape), tuple(spec.dims), coords=spec.coords)
    regions = regions_to_records(spec.regions, coords, attrs)
    return {
        "coordinfo": {"coords": coords},
        "imageinfo": imageinfo_to_record(spec.beams, spec.meta, spec.shape, spec.coords),
        "miscinfo": misc_to_record(spec.meta),
        "maskinfo": {"regions": regions} if regions else {},
        "unitinfo": {"units": spec.unit},
        "ATTRGROUPS": {name: _rows(group) for name, group in spec.groups.items()},
    }


# -- attribute groups ---------------------------------------------------------------------------

_UNIT, _MEASURE = "_UNIT", "_MEASINFO"


def _groups(record: Mapping[str, Any]) -> dict[str, Record]:
    """Return the attribute groups: by attribute its values for all rows, its unit and kind of measure."""
    out = {}
    for name, rows in record.items():
        cells = (
            [row for row in rows.values() if isinstance(row, Mapping)] if isinstance(rows, Mapping) else []
        )
        keys = dict.fromkeys(key for row in cells for key in row)
        attributes = {}
        for key in keys:
            owner = next((key[: -len(s)] for s in (_UNIT, _MEASURE) if key.endswith(s)), None)
            if owner in keys:
                continue
            about: dict[str, Any] = {"values": _column([row.get(key) for row in cells])}
            for field, suffix in (("unit", _UNIT), ("measinfo", _MEASURE)):
                found = next((row[key + suffix] for row in cells if key + suffix in row), None)
                if found is not None:
                    about[field] = np.atleast_1d(found)
            attributes[key] = about
        out[name] = Record(attributes)
    return out


def _column(cells: list[Any]) -> Any:
    """Return the values of an attribute: an array of all rows; a record by row where their forms differ."""
    arrays = [np.asarray(c) for c in cells if c is not None]
    forms = {(a.shape, a.dtype.kind, a.dtype.itemsize if a.dtype.kind != "U" else 0) for a in arrays}
    if len(arrays) == len(cells) and len(forms) == 1:
        return np.stack(arrays)
    return {str(i): cell for i, cell in enumerate(cells) if cell is not None}


def _rows(group: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return an attribute group as casacore stores it: a record per row."""
    rows: dict[int, dict[str, Any]] = {}
    for key, about in group.items():
        values = about.get("values") if isinstance(about, Mapping) else about
        if isinstance(values, Mapping):
            cells = {int(i): cell for i, cell in values.items() if str(i).isdigit()}
        else:
            array = np.asarray(values)
            cells = dict(enumerate(array)) if array.ndim else {0: array[()]}
        for i, cell in cells.items():
            row = rows.setdefault(i, {})
            row[key] = cell
            if isinstance(about, Mapping):
                for field, suffix in (("unit", _UNIT), ("measinfo", _MEASURE)):
                    if field in about:
                        row[key + suffix] = np.atleast_1d(np.asarray(about[field], np.str_))
    return {f"{i:05d}": rows.get(i, {}) for i in range(max(rows, default=-1) + 1)}


# -- arrays of other programs -------------------------------------------------------------------


def _datasets(file: Any) -> list[str]:
    """Return the paths of the arrays that could be images."""
    import h5py

    found: list[str] = []

    def visit(name: str, item: Any) -> bool | None:
        if isinstance(item, h5py.Dataset) and item.shape and item.dtype.kind in "biufcV":
            found.append(name)
        return True if len(found) >= _MOST_DATASETS else None

    file.visititems(visit)
    return found


def _choose(file: Any, label: str, part: str | None, texts: Any) -> str:
    import h5py

    from lattice.io.hdf5_records import read_attributes

    if part is not None:
        name = part.strip("/")
        if name and isinstance(file.get(name), h5py.Dataset):
            return name
        names = _datasets(file)
        hint = f"{suggest(name, names) or ''} it has {', '.join(names[:20]) or 'none'}".strip()
        raise FormatError(f"{label!r} has no array {part!r}", hint=hint)
    starlink = read_attributes(file, texts).get("CLASS") == "NDF"
    if starlink and isinstance(file.get("DATA_ARRAY/DATA"), h5py.Dataset):
        return "DATA_ARRAY/DATA"  # the pixels of a Starlink NDF
    names = _datasets(file)
    images = [name for name in names if file[name].ndim >= 2 and file[name].dtype.kind in "iufc"]
    chosen = images or names
    if len(chosen) == 1:
        return chosen[0]
    if not names:
        raise FormatError(f"the HDF5 file {label!r} holds no image")
    listed = ", ".join(chosen[:20]) + (f" and {len(chosen) - 20} more" if len(chosen) > 20 else "")
    raise FormatError(
        f"the HDF5 file {label!r} holds several arrays: {listed}",
        hint=f"name one, as in {label}[{chosen[0]}]",
    )


def _plain_image(file: Any, path: str, identity: Identity, label: str, part: str | None) -> Stored:
    """Open an array of a file that is no casacore image."""
    from lattice.io.hdf5_data import H5Reader, array_of
    from lattice.io.hdf5_records import read_attributes

    texts = _texts(file, path, identity)
    name = _choose(file, label, part, texts)
    shown = f"{label}[{name}]" if part else label
    array = array_of(file[name], path, identity, shown)
    about = read_attributes(file[name], texts)
    unit = next((about[k] for k in ("units", "unit", "BUNIT") if isinstance(about.get(k), str)), "")
    meta = tuple((k, v, "") for k, v in about.items() if k not in _OWN)
    reader = H5Reader(array, shown)
    return Stored(
        reader=reader,
        dims=default_dims(["none"] * len(array.shape)),
        unit=unit,
        nan_masked=array.dtype.kind == "f",
        meta=meta,
        source=f"{path}[{name}]",
        format="hdf5",
    )
