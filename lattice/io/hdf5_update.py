"""casacore HDF5 images changed in place, by the HDF5 library: pixels where they are, records written anew."""

from __future__ import annotations

import itertools
import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import h5py
import numpy as np

from lattice.errors import (
    FormatError,
    LatticeError,
    LatticeTypeError,
    NameNotFoundError,
    StorageError,
    suggest,
    warn,
)
from lattice.graph.sections import Section, shape_of
from lattice.io.base import ImageSpec, Stored, Updater
from lattice.io.files import storage_error
from lattice.io.hdf5_records import read_record, write_record
from lattice.io.hdf5_write import create_dataset, mask_info

__all__ = ["Hdf5Updater"]

_PARTS = ("unit", "coords", "beams", "meta", "regions", "groups")


class Hdf5Updater(Updater):
    """An HDF5 image that is changed in place; the library keeps other writers out until it is closed.

    Parameters
    ----------
    path : str
        The image.
    stored : Stored
        What it is at the moment.
    records : callable
        Returns what a file says about an image, by group, from its description.

    Raises
    ------
    StorageError
        If it cannot be written to, or somebody else writes to it.
    """

    def __init__(self, path: str, stored: Stored, records: Any) -> None:
        self.path = os.path.abspath(path)
        self.shape = tuple(stored.reader.shape)
        self.dtype = stored.reader.dtype
        self._stored, self._records = stored, records
        try:
            self._file: Any = h5py.File(self.path, "r+")
        except BlockingIOError as exc:
            raise StorageError(
                f"cannot write {self.path!r}: another program has it open", hint="close the image there"
            ) from exc
        except OSError as exc:
            raise storage_error(exc, "write", self.path) from exc
        about = self._file.get("maskinfo")
        listed = read_record(about, self.path, None).get("masks", {}) if about is not None else {}
        named = {k: str(v.get("maskname", k)) for k, v in listed.items() if isinstance(v, Mapping)}
        self._arrays = {key: named.get(key, key) for key in stored.masks}

    # -- pixels ----------------------------------------------------------------------------------

    @property
    def masks(self) -> tuple[str, ...]:
        """Names of the masks that the image has now."""
        return tuple(self._arrays)

    def write(
        self,
        section: Section,
        values: np.ndarray | None = None,
        mask: np.ndarray | None = None,
        *,
        name: str | None = None,
    ) -> None:
        """Write values, a mask, or both, to a section; see `lattice.io.base.Updater.write`."""
        if values is not None:
            given = np.asarray(values)
            if given.dtype.kind == "c" and self.dtype.kind != "c":
                raise LatticeTypeError("complex values cannot be written to an image of real values")
            stored = np.ascontiguousarray(given, self.dtype)
            if self.dtype.kind == "c":
                half = np.dtype(f"f{self.dtype.itemsize // 2}")
                stored = stored.view([("re", half), ("im", half)])
            self._put("map", section, stored)
        if mask is not None:
            chosen = self._stored.default_mask if name is None else name
            if chosen is None:
                raise NameNotFoundError(f"{self.path!r} has no default mask", hint="add one with add_mask")
            self._put(f"masks/{self._known(chosen)}", section, np.asarray(mask, bool).astype("i1"))

    def _put(self, name: str, section: Section, values: np.ndarray) -> None:
        if 0 in shape_of(section):
            return
        try:
            self._opened()[name][section] = values
        except OSError as exc:
            raise storage_error(exc, "write", self.path) from exc

    def _opened(self) -> Any:
        if not self._file:
            raise LatticeError(f"{self.path!r} is closed: it is not being changed any more")
        return self._file

    def _known(self, name: str) -> str:
        if name not in self._arrays:
            hint = suggest(name, self._arrays) or f"it has {', '.join(self._arrays) or 'none'}"
            raise NameNotFoundError(f"{self.path!r} has no mask {name!r}", hint=hint)
        return self._arrays[name]

    # -- masks -----------------------------------------------------------------------------------

    def add_mask(self, name: str, *, default: bool = True) -> None:
        """Add a mask in which every pixel is good."""
        file = self._opened()
        if name in self._arrays:
            raise LatticeError(f"{self.path!r} has a mask {name!r} already")
        if not name or "/" in name or "\0" in name or name == ".":
            raise FormatError(f"a mask of an HDF5 image cannot have the name {name!r}")
        array = self._free_array(name)
        grid = file["map"].chunks or self.shape
        create_dataset(file.require_group("masks"), array, self.shape, np.dtype(bool), grid)
        flags = file[f"masks/{array}"]
        for piece in flags.iter_chunks():
            flags[piece] = np.int8(1)
        self._arrays[name] = array
        self._tell_masks(name if default else self._stored.default_mask)

    def _free_array(self, name: str, own: str = "") -> str:
        """Return a name for the array of a mask; casacore keeps those of removed or renamed masks."""
        taken = set(self._arrays.values()) - {own}
        names = itertools.chain([name], (f"{name}_{i}" for i in itertools.count(2)))
        array = next(n for n in names if n not in taken)
        masks = self._opened().get("masks")
        if masks is not None and array in masks and array != own:
            del masks[array]
        return array

    def drop_mask(self, name: str) -> None:
        """Remove a mask."""
        del self._opened()[f"masks/{self._known(name)}"]
        del self._arrays[name]
        default = self._stored.default_mask
        self._tell_masks(None if default == name else default)

    def rename_mask(self, name: str, new: str) -> None:
        """Give a mask another name."""
        old = self._known(name)
        if new == name:
            return
        if new in self._arrays:
            raise LatticeError(f"{self.path!r} has a mask {new!r} already")
        array = self._free_array(new, old)
        if array != old:
            self._opened()["masks"].move(old, array)
        self._arrays = {new if k == name else k: array if k == name else a for k, a in self._arrays.items()}
        default = self._stored.default_mask
        self._tell_masks(new if default == name else default)

    def _tell_masks(self, default: str | None) -> None:
        self._stored = replace(self._stored, default_mask=default)
        self._rewrite({"maskinfo": self._records(self._spec()).get("maskinfo", {})})

    # -- everything else -------------------------------------------------------------------------

    def set(self, **parts: Any) -> None:
        """Replace parts of the image; see `lattice.io.base.Updater.set`. There is no history in the file."""
        unknown = set(parts) - {*_PARTS, "default_mask", "history"}
        if unknown:
            raise LatticeTypeError(f"an image has no part {', '.join(sorted(unknown))}")
        if parts.pop("history", ()):
            warn("not written: an hdf5 file does not hold the history")
        if "default_mask" in parts:
            name = parts.pop("default_mask")
            if name is not None:
                self._known(name)
            self._tell_masks(name)
        if parts:
            self._stored = replace(self._stored, **parts)
            self._rewrite(self._records(self._spec()))

    def _spec(self) -> ImageSpec:
        s = self._stored
        dims = s.dims if s.coords is None else s.coords.dims
        return ImageSpec(
            self.shape,
            dims,
            self.dtype,
            unit=s.unit,
            coords=s.coords,
            meta=s.meta,
            beams=s.beams,
            regions=s.regions,
            groups=s.groups,
        )

    def _rewrite(self, records: Mapping[str, Mapping[str, Any]]) -> None:
        """Replace groups of the file; each is written under another name first."""
        file = self._opened()
        for name, record in records.items():
            content = dict(record)
            if name == "maskinfo" and self._arrays:
                info = mask_info(list(self._arrays), self._stored.default_mask, self.shape, self.path)
                for key, array in self._arrays.items():
                    info["masks"][key]["maskname"] = array
                content = info | content
            write_record(file, f"{name}.new", content)
            if name in file:
                del file[name]
            if content:
                file.move(f"{name}.new", name)
            else:
                del file[f"{name}.new"]

    # -- the end ---------------------------------------------------------------------------------

    def flush(self) -> None:
        """Make the changes so far known to other processes."""
        try:
            self._opened().flush()
        except OSError as exc:
            raise storage_error(exc, "write", self.path) from exc

    def close(self) -> None:
        """Flush, and let others change the image."""
        if self._file:
            try:
                self._file.close()
            except OSError as exc:
                raise storage_error(exc, "write", self.path) from exc
