"""CASA images changed in place: pixels, masks, keywords, log and small tables, under locks CASA respects."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from lattice.errors import LatticeError, LatticeTypeError, NameNotFoundError, ShapeMismatchError, suggest
from lattice.graph.sections import Section, full, iter_grid, shape_of
from lattice.io.atomic import remove
from lattice.io.base import Updater
from lattice.io.casa.groups import update_group, write_group
from lattice.io.casa.locks import SyncData, TableLock
from lattice.io.casa.logs import append_log
from lattice.io.casa.output import folder_names, write_array
from lattice.io.casa.parts import changed_keywords, mask_record
from lattice.io.casa.records import TableRecord, TableRef
from lattice.io.casa.tables import Table
from lattice.io.casa.tiled import array_layout
from lattice.io.casa.tiles import TileLayout, TileReader, TileWriter
from lattice.io.files import close_path, storage_error

__all__ = ["CasaUpdater"]

_PIECE = 1 << 22  # pixels that are filled at once
_PARTS = ("unit", "coords", "beams", "meta", "regions")


class _Array:
    """The pixels of one table, and its lock."""

    def __init__(self, path: str, lock: TableLock, table: Table | None = None) -> None:
        self.path = path
        self.lock = lock
        self.table = table if table is not None else Table(path)
        column = self.table.description.columns[0].name
        self.layout: TileLayout = array_layout(self.table, column)
        self.reader = TileReader(self.layout, os.path.basename(path))
        self.writer = TileWriter(self.layout, shared=False)
        self.changed = False

    def write(self, section: Section, values: np.ndarray) -> None:
        """Write values to a section, which may have steps."""
        if values.shape != shape_of(section):
            raise ShapeMismatchError(f"values of shape {values.shape} for a section of {shape_of(section)}")
        self.changed = True
        if all(s.step == 1 for s in section):
            self.writer.write(section, values, None)
            return
        box = tuple(slice(s.start, max(s.start, s.stop), 1) for s in section)
        old = self.reader.read(box)
        old[tuple(slice(0, None, s.step) for s in section)] = values
        self.writer.write(box, old, None)

    def tell(self, keywords: bool = False) -> None:
        """Count up what tells other processes that cells or keywords changed."""
        if self.changed or keywords:
            sync = self.lock.sync() or SyncData(1, 1, 0, 0, [0])
            self.lock.put_sync(sync.bumped(table=keywords, data=self.changed))
            self.changed = False


class CasaUpdater(Updater):
    """A CASA image that is changed in place.

    Parameters
    ----------
    path : str
        The image.
    lock : TableLock, optional
        The lock of the image, where the caller has one; it is used and stays held. Without it the image is
        locked by this object, and free again when it is closed.
    timeout : float or None, optional
        Seconds to wait for the lock.

    Raises
    ------
    StorageError
        If another process keeps the image locked.
    """

    def __init__(self, path: str, *, lock: TableLock | None = None, timeout: float | None = 60.0) -> None:
        self.path = os.path.abspath(path)
        self.timeout = timeout
        self._own = lock is None
        self._lock = TableLock(self.path, write=True) if lock is None else lock
        self._open = True
        try:
            self._lock.need(True, timeout)
            self._table = Table(self.path)
            self._pixels = _Array(self.path, self._lock, self._table)
        except BaseException:
            self._give_back()
            raise
        self._masks: dict[str, _Array] = {}
        self._keywords_changed = False
        self.shape = self._pixels.reader.shape
        self.dtype = self._pixels.reader.dtype

    # -- pixels ----------------------------------------------------------------------------------

    @property
    def reader(self) -> TileReader:
        """The pixels as they are now, with what was written."""
        return self._pixels.reader

    @property
    def masks(self) -> tuple[str, ...]:
        """Names of the masks that the image has now."""
        return tuple(self._records("masks"))

    @property
    def default_mask(self) -> str | None:
        """Name of the default mask."""
        name = self._table.keywords.get("Image_defaultmask")
        return name if isinstance(name, str) and name in self.masks else None

    def mask_reader(self, name: str) -> TileReader:
        """Return a mask as it is now."""
        return self._mask(name).reader

    def write(
        self,
        section: Section,
        values: np.ndarray | None = None,
        mask: np.ndarray | None = None,
        *,
        name: str | None = None,
    ) -> None:
        """Write values, a mask, or both, to a section; see `lattice.io.base.Updater.write`."""
        self._check_open()
        if values is not None:
            given = np.asarray(values)
            if given.dtype.kind == "c" and self.dtype.kind != "c":
                raise LatticeTypeError("complex values cannot be written to an image of real values")
            self._pixels.write(section, np.ascontiguousarray(given, self.dtype))
        if mask is not None:
            chosen = name if name is not None else self.default_mask
            if chosen is None:
                raise NameNotFoundError(f"{self.path!r} has no default mask", hint="add one with add_mask")
            self._mask(chosen).write(section, np.ascontiguousarray(mask, bool))

    # -- masks -----------------------------------------------------------------------------------

    def _records(self, keyword: str) -> TableRecord:
        """Return a record among the keywords to change it; a new one if there is none."""
        found = self._table.keywords.get(keyword)
        if not isinstance(found, TableRecord):
            found = self._table.keywords[keyword] = TableRecord(found if isinstance(found, Mapping) else {})
        return found

    def _mask(self, name: str) -> _Array:
        if name not in self._masks:
            folder = self._mask_folder(name)
            lock = TableLock(folder, write=True)
            try:
                lock.need(True, self.timeout)
                self._masks[name] = _Array(folder, lock)
            except BaseException:
                lock.close()
                raise
        return self._masks[name]

    def _mask_folder(self, name: str) -> str:
        record = self._known("masks", name)
        if not isinstance(record, Mapping) or not isinstance(record.get("mask"), TableRef):
            raise LatticeError(f"the mask {name!r} of {self.path!r} is a region, which has no pixels")
        reference: TableRef = record["mask"]
        return reference.resolve(self.path)

    def _known(self, keyword: str, name: str) -> Any:
        records = self._records(keyword)
        if name not in records:
            hint = suggest(name, records) or (f"it has {', '.join(records)}" if records else "it has none")
            raise NameNotFoundError(f"{self.path!r} has no mask {name!r}", hint=hint)
        return records[name]

    def add_mask(self, name: str, *, default: bool = True) -> None:
        """Add a mask in which every pixel is good."""
        self._check_open()
        masks = self._records("masks")
        if name in masks:
            raise LatticeError(f"{self.path!r} has a mask {name!r} already")
        folder = folder_names([name], os.listdir(self.path))[name]
        path = os.path.join(self.path, folder)
        layout = self._pixels.layout
        tile = layout.tile if layout.plane is None else layout.tile[1:]
        order = self._table.order
        try:
            cut = write_array(path, "PagedArray", self.shape, np.dtype(bool), tile, order, "Paged Array")
            writer = TileWriter(cut)
            for piece in iter_grid(full(self.shape), _grown(cut.tile, self.shape)):
                writer.write(piece, np.ones(shape_of(piece), bool), None)
        except BaseException:
            remove(path)
            raise
        masks[name] = mask_record(folder, self.shape)
        if default:
            self._table.keywords["Image_defaultmask"] = name
        self._keywords_changed = True

    def drop_mask(self, name: str) -> None:
        """Remove a mask."""
        self._check_open()
        self._known("masks", name)
        folder = None
        with contextlib.suppress(LatticeError):
            folder = self._mask_folder(name)
        self._let_go(name)
        del self._records("masks")[name]
        if self._table.keywords.get("Image_defaultmask") == name:
            del self._table.keywords["Image_defaultmask"]
        self._keywords_changed = True
        self.flush()
        if folder is not None and os.path.dirname(folder) == self.path:
            close_path(folder)
            remove(folder)

    def rename_mask(self, name: str, new: str) -> None:
        """Give a mask another name, and a folder of that name, as CASA does."""
        self._check_open()
        record = self._known("masks", name)
        masks = self._records("masks")
        if new == name:
            return
        if new in masks:
            raise LatticeError(f"{self.path!r} has a mask {new!r} already")
        old = None
        if isinstance(record.get("mask"), TableRef):
            old = self._mask_folder(name)
            folder = folder_names([new], os.listdir(self.path))[new]
            self._let_go(name)
            # both folders exist until the keywords name the new one
            _link_tree(old, os.path.join(self.path, folder))
            record = TableRecord({**record, "mask": TableRef.child(folder)})
        replaced = TableRecord({new if key == name else key: value for key, value in masks.items()})
        replaced[new] = record
        self._table.keywords["masks"] = replaced
        if self._table.keywords.get("Image_defaultmask") == name:
            self._table.keywords["Image_defaultmask"] = new
        self._keywords_changed = True
        self.flush()
        if old is not None and os.path.dirname(old) == self.path:
            close_path(old)
            remove(old)

    def _let_go(self, name: str) -> None:
        held = self._masks.pop(name, None)
        if held is not None:
            held.tell()
            held.lock.close()

    # -- everything else -------------------------------------------------------------------------

    def set(self, **parts: Any) -> None:
        """Replace parts of the image; see `lattice.io.base.Updater.set`."""
        self._check_open()
        unknown = set(parts) - {*_PARTS, "groups", "default_mask", "history"}
        if unknown:
            raise LatticeTypeError(f"an image has no part {', '.join(sorted(unknown))}")
        if "default_mask" in parts:
            self._set_default(parts["default_mask"])
        if given := {name: parts[name] for name in _PARTS if name in parts}:
            self.put_keywords(changed_keywords(self._table.keywords, self.shape, given))
        if "groups" in parts:
            self._set_groups(parts["groups"])
        if parts.get("history"):
            lines = parts["history"]
            append_log(os.path.join(self.path, "logtable"), [lines] if isinstance(lines, str) else lines)

    def put_keywords(self, changes: Mapping[str, Any], remove: Iterable[str] = ()) -> None:
        """Change keywords as the table has them, such as ``coords`` or ``miscinfo``.

        Parameters
        ----------
        changes : mapping
            New values by keyword; None removes one.
        remove : iterable of str, optional
            Keywords to be removed.
        """
        self._check_open()
        for name, value in {**changes, **dict.fromkeys(remove)}.items():
            if value is None:
                self._table.keywords.pop(name, None)
            else:
                self._table.keywords[name] = value
        self._keywords_changed = True

    @property
    def keywords(self) -> TableRecord:
        """The keywords of the table as they are now; change them with `put_keywords`."""
        return self._table.keywords

    def _set_default(self, name: str | None) -> None:
        if name is None:
            self._table.keywords.pop("Image_defaultmask", None)
        else:
            self._known("masks", name)
            self._table.keywords["Image_defaultmask"] = name
        self._keywords_changed = True

    def _set_groups(self, groups: Mapping[str, Any]) -> None:
        """Replace the attribute groups; tables of new ones are made before the keywords name them."""
        records = self._records("ATTRGROUPS")
        gone = [name for name in records if name not in groups]
        for name, group in groups.items():
            if name in records:
                update_group(records[name].resolve(self.path), group)
                continue
            folder = folder_names([name], os.listdir(self.path))[name]
            path = os.path.join(self.path, folder)
            try:
                write_group(path, group, self._table.order)
            except BaseException:
                remove(path)
                raise
            records[name] = TableRef.child(folder)
            self._keywords_changed = True
        folders = [records.pop(name).resolve(self.path) for name in gone]
        if gone:
            self._keywords_changed = True
            self.flush()
        for folder in folders:
            if os.path.dirname(folder) == self.path:
                remove(folder)

    # -- the end ---------------------------------------------------------------------------------

    def _check_open(self) -> None:
        if not self._open:
            raise LatticeError(f"{self.path!r} is closed: it is not being changed any more")

    def flush(self) -> None:
        """Make the changes so far known to other processes."""
        self._check_open()
        for array in self._masks.values():
            array.tell()
        if self._keywords_changed:
            self._table.write()
        self._pixels.tell(self._keywords_changed)
        self._keywords_changed = False

    def close(self) -> None:
        """Flush, and let others change the image."""
        if not self._open:
            return
        try:
            self.flush()
        finally:
            self._open = False
            for array in self._masks.values():
                array.lock.close()
            self._masks = {}
            self._give_back()

    def _give_back(self) -> None:
        if self._own:
            self._lock.close()


def _grown(tile: tuple[int, ...], shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return a box of whole tiles of a few million pixels."""
    box = list(tile)
    room = _PIECE
    for n in tile:
        room //= max(1, n)
    for axis in range(len(box) - 1, -1, -1):
        factor = min(max(1, room), -(-shape[axis] // box[axis]))
        box[axis] *= factor
        room //= factor
    return tuple(box)


def _link_tree(old: str, new: str) -> None:
    """Give the files of a folder a second name in another one; copy them where that is not possible."""
    try:
        shutil.copytree(old, new, copy_function=_link)
    except (OSError, shutil.Error) as exc:
        remove(new)
        raise storage_error(exc, "write", new) from exc


def _link(source: str, target: str) -> None:
    if os.path.basename(source) == "table.lock":  # a lock is about one path
        shutil.copy2(source, target)
        return
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
